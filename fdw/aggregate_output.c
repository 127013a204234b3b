/*-------------------------------------------------------------------------
 *
 * aggregate_output.c
 *	  Which group keys and aggregates the reader can compute.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

/*
 * Returns the table's column that a Var stands for, or -1.  The scan has no
 * other relation.
 */
static int
column_of_var(const FlowlogTable *table, const Expr *expr)
{
	const Var *var = (const Var *) expr;

	return IsA(expr, Var) && var->varlevelsup == 0 ? flowlog_table_column(table, var->varattno)
	                                               : -1;
}

/*
 * Returns true if equal values of a key of this type look alike, so that any
 * one of a group can be shown.  That is not so for numeric (1.0, 1.00), the
 * floating-point types (0, -0) and text with a nondeterministic collation.
 */
static bool
can_be_key(const FlowColumn *type, const Node *key)
{
	Oid collation = exprCollation(key);

	switch (type->type)
	{
		case FLOW_INT16:
		case FLOW_INT32:
		case FLOW_INT64:
		case FLOW_BOOLEAN:
		case FLOW_ADDRESS:
		case FLOW_NETWORK:
		case FLOW_TIME:
		case FLOW_DAY:
			return true;
		case FLOW_TEXT:
			return OidIsValid(collation) && get_collation_isdeterministic(collation);
		default:
			return false;
	}
}

/*
 * Returns true for the argument of count(1), which counts all; count(NULL)
 * would count nothing.
 */
static bool
is_never_null(const Expr *expr)
{
	return IsA(expr, Const) && !((const Const *) expr)->constisnull;
}

/* Sets the argument of an aggregate, or a key, that the reader computes. */
static bool
recognise_expression(PlannerInfo *root, const FlowlogTable *table, Expr *expr,
                     FlowlogOutput *output)
{
	output->argument = expr;
	output->is_numeric = exprType((Node *) expr) == NUMERICOID;
	flowlog_column_set_type(&output->type,
	                        output->is_numeric ? INT8OID : exprType((Node *) expr),
	                        -1);
	/* GROUPING(), or an aggregate below it, is none */
	return !contain_agg_clause((Node *) expr) &&
	       flowlog_qual_is_computable(root, table, expr, false);
}

/* Returns CASE WHEN condition THEN value END. */
static Expr *
value_if(Expr *condition, Expr *value)
{
	CaseWhen *when = makeNode(CaseWhen);
	CaseExpr *result = makeNode(CaseExpr);

	when->expr = condition;
	when->result = value;
	when->location = -1;
	result->casetype = exprType((Node *) value);
	result->casecollid = exprCollation((Node *) value);
	result->args = list_make1(when);
	result->defresult = (Expr *) makeNullConst(result->casetype, -1, result->casecollid);
	result->location = -1;
	return (Expr *) result;
}

/*
 * Recognises count_if(condition), which counts the records of a filter.  With
 * a FILTER, the condition must not be evaluated where that is NULL, as it would
 * be in an AND.
 */
static bool
recognise_count_if(PlannerInfo *root, const FlowlogTable *table, const Aggref *call,
                   FlowlogOutput *output)
{
	Expr *condition = linitial_node(TargetEntry, call->args)->expr;

	if (call->aggfilter == NULL)
	{
		output->aggregate = flowlog_aggregate_find(F_COUNT_);
		output->kind = FLOW_COUNT_ALL;
		output->filter = condition;
		return flowlog_qual_is_computable(root, table, condition, true);
	}
	output->aggregate = flowlog_aggregate_find(F_COUNT_ANY);
	output->kind = FLOW_COUNT;
	output->filter = call->aggfilter;
	return flowlog_qual_is_computable(root, table, output->filter, true) &&
	       recognise_expression(root,
	                            table,
	                            value_if(condition, (Expr *) makeBoolConst(true, false)),
	                            output);
}

/*
 * Returns true if the reader can compute an aggregate of that kind with
 * DISTINCT, for which values are keys.  Of extremes, it changes nothing.
 */
static bool
may_be_distinct(const Aggref *call, FlowAggregateKind kind)
{
	if (kind == FLOW_MIN || kind == FLOW_MAX)
		return true;
	return (kind == FLOW_COUNT || kind == FLOW_SUM) &&
	       (!OidIsValid(call->inputcollid) || get_collation_isdeterministic(call->inputcollid));
}

/*
 * Recognises the extremes of texts: the reader groups by the text, too, or by
 * NULL where it does not pass the filter.
 */
static bool
recognise_extreme_text(PlannerInfo *root, const FlowlogTable *table, Expr *argument,
                       FlowlogOutput *output)
{
	if (output->filter != NULL)
		argument = value_if(output->filter, argument);
	output->as_key = true;
	output->filter = NULL;
	output->argument = argument;
	output->column = column_of_var(table, argument);
	if (output->column < 0)
		return recognise_expression(root, table, argument, output);
	output->type = table->columns[output->column];
	return output->type.type == FLOW_TEXT;
}

/* Recognises an aggregate that the reader can compute. */
static bool
recognise_aggregate(PlannerInfo *root, const FlowlogTable *table, const Aggref *call,
                    FlowlogOutput *output)
{
	const FlowlogAggregate *row = flowlog_aggregate_find(call->aggfnoid);
	Expr *argument;

	if (call->aggorder != NIL || call->aggdirectargs != NIL || call->agglevelsup != 0)
		return false;
	if (row == NULL)
		return call->aggdistinct == NIL && flowlog_is_count_if(call->aggfnoid) &&
		       recognise_count_if(root, table, call, output);
	if (call->aggdistinct != NIL && !may_be_distinct(call, row->kind))
		return false;

	output->aggregate = row;
	output->kind = row->kind;
	output->distinct =
		call->aggdistinct != NIL && (row->kind == FLOW_COUNT || row->kind == FLOW_SUM);
	output->filter = call->aggfilter;
	if (output->filter != NULL && !flowlog_qual_is_computable(root, table, output->filter, true))
		return false;
	if (call->args == NIL)
		return row->kind == FLOW_COUNT_ALL;

	argument = linitial_node(TargetEntry, call->args)->expr;
	if (row->kind == FLOW_COUNT)
	{
		if (is_never_null(argument))
		{
			output->kind = FLOW_COUNT_ALL;
			return !output->distinct;
		}
		while (IsA(argument, RelabelType))
			argument = ((RelabelType *) argument)->arg;
	}
	if (row->function == F_MIN_TEXT || row->function == F_MAX_TEXT)
		return recognise_extreme_text(root, table, argument, output);
	output->argument = argument;
	output->column = column_of_var(table, argument);
	if (output->column < 0)
		return recognise_expression(root, table, argument, output);
	output->type = table->columns[output->column];
	return output->distinct ? can_be_key(&output->type, (Node *) argument)
	                        : output->type.type != FLOW_OPAQUE;
}

static Node *
without_placeholders(Node *node, void *context)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, PlaceHolderVar))
		return without_placeholders((Node *) ((PlaceHolderVar *) node)->phexpr, context);
	return expression_tree_mutator(node, without_placeholders, context);
}

/* Returns an expression without marks of what subqueries have computed. */
Expr *
flowlog_output_bare(Expr *expr)
{
	return (Expr *) without_placeholders((Node *) expr, NULL);
}

/* Recognises a column of an aggregation's target; "index" is not set. */
bool
flowlog_recognise_output(PlannerInfo *root, const FlowlogTable *table, Expr *expr,
                         FlowlogOutput *output)
{
	*output = (FlowlogOutput) {.column = -1};
	/* from then on, nobody has to know that a view or subquery was there */
	if (root != NULL && root->parse->groupingSets != NIL)
		expr = flowlog_output_bare(expr);
	if (IsA(expr, Aggref))
		return recognise_aggregate(root, table, (Aggref *) expr, output);
	output->is_grouping = IsA(expr, GroupingFunc);
	if (output->is_grouping)
		return true;
	output->argument = expr;
	output->column = column_of_var(table, expr);
	if (output->column < 0)
		return recognise_expression(root, table, expr, output) &&
		       can_be_key(&output->type, (Node *) expr) &&
		       (root == NULL || !flowlog_expression_is_for_groups(expr));
	output->type = table->columns[output->column];
	return can_be_key(&output->type, (Node *) expr);
}

/*
 * Returns true if a key is a constant.  Views give names to constants, such as
 * the number of a shard, and queries group by them.  PostgreSQL adds them to a
 * plan's rows itself.
 */
bool
flowlog_output_is_constant(const Expr *expr)
{
	return IsA(expr, Const);
}
