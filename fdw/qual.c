/*-------------------------------------------------------------------------
 *
 * qual.c
 *	  Which WHERE clauses the reader can evaluate, and their form as predicates.
 *
 * A pushed clause stays an ordinary expression in the plan (in fdw_exprs), so
 * PostgreSQL itself replaces its parameters and prints it.  One walk over the
 * expression serves two purposes.  The planner checks whether every part of it
 * can be part of a filter.  The executor, once per (re)scan, evaluates the
 * values that columns are compared with and builds the filter.
 *
 * A value that PostgreSQL would evaluate for every row is evaluated when the
 * first record is asked for, as an index scan evaluates its keys.  A value in
 * a branch, where an error may concern only some records, or none, is
 * evaluated when the first record needs it.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"
#include "qual.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

/*
 * The comparisons that the reader knows: between a column, compared as type
 * "column", and a value of type "other", by the operators of a btree family
 * ("=" to ">", and "<>") or by a single operator.
 */
typedef struct ComparisonRow
{
	Oid column; /* the type that the column is compared as */
	Oid other;
	Oid opfamily; /* a btree family, or InvalidOid */
	Oid opno;     /* the operator, where there is no family */
	FlowOp op;    /* what the operator does */
	ConstantForm form;
} ComparisonRow;

#define FAMILY(column, other, family, form)                                                        \
	{                                                                                              \
		column, other, family, InvalidOid, FLOW_EQ, form                                           \
	}
#define OPERATOR(column, other, opno, op)                                                          \
	{                                                                                              \
		column, other, InvalidOid, opno, op, CONSTANT_PLAIN                                        \
	}

static const ComparisonRow comparisons[] = {
	FAMILY(INT2OID, INT2OID, INTEGER_BTREE_FAM_OID, CONSTANT_PLAIN),
	FAMILY(INT2OID, INT4OID, INTEGER_BTREE_FAM_OID, CONSTANT_PLAIN),
	FAMILY(INT2OID, INT8OID, INTEGER_BTREE_FAM_OID, CONSTANT_PLAIN),
	FAMILY(INT4OID, INT2OID, INTEGER_BTREE_FAM_OID, CONSTANT_PLAIN),
	FAMILY(INT4OID, INT4OID, INTEGER_BTREE_FAM_OID, CONSTANT_PLAIN),
	FAMILY(INT4OID, INT8OID, INTEGER_BTREE_FAM_OID, CONSTANT_PLAIN),
	FAMILY(INT8OID, INT2OID, INTEGER_BTREE_FAM_OID, CONSTANT_PLAIN),
	FAMILY(INT8OID, INT4OID, INTEGER_BTREE_FAM_OID, CONSTANT_PLAIN),
	FAMILY(INT8OID, INT8OID, INTEGER_BTREE_FAM_OID, CONSTANT_PLAIN),

	/* an integer column under a cast that the parser added */
	FAMILY(NUMERICOID, NUMERICOID, FLOWLOG_NUMERIC_FAMILY, CONSTANT_NUMERIC),
	FAMILY(FLOAT8OID, FLOAT8OID, FLOWLOG_FLOAT_FAMILY, CONSTANT_PLAIN),
	FAMILY(FLOAT8OID, FLOAT4OID, FLOWLOG_FLOAT_FAMILY, CONSTANT_PLAIN),

	FAMILY(BOOLOID, BOOLOID, BOOL_BTREE_FAM_OID, CONSTANT_PLAIN),
	FAMILY(TEXTOID, TEXTOID, TEXT_BTREE_FAM_OID, CONSTANT_PLAIN),
	FAMILY(BPCHAROID, BPCHAROID, BPCHAR_BTREE_FAM_OID, CONSTANT_PLAIN),

	FAMILY(TIMESTAMPTZOID, TIMESTAMPTZOID, FLOWLOG_DATETIME_FAMILY, CONSTANT_PLAIN),
	FAMILY(TIMESTAMPTZOID, TIMESTAMPOID, FLOWLOG_DATETIME_FAMILY, CONSTANT_TIME),
	FAMILY(TIMESTAMPTZOID, DATEOID, FLOWLOG_DATETIME_FAMILY, CONSTANT_TIME),
	FAMILY(TIMESTAMPOID, TIMESTAMPOID, FLOWLOG_DATETIME_FAMILY, CONSTANT_PLAIN),
	FAMILY(TIMESTAMPOID, DATEOID, FLOWLOG_DATETIME_FAMILY, CONSTANT_TIME),
	FAMILY(DATEOID, DATEOID, FLOWLOG_DATETIME_FAMILY, CONSTANT_PLAIN),
	FAMILY(DATEOID, TIMESTAMPOID, FLOWLOG_DATETIME_FAMILY, CONSTANT_DAY),

	FAMILY(INETOID, INETOID, NETWORK_BTREE_FAM_OID, CONSTANT_PLAIN),
	OPERATOR(INETOID, INETOID, OID_INET_SUB_OP, FLOW_WITHIN),
	OPERATOR(INETOID, INETOID, OID_INET_SUBEQ_OP, FLOW_WITHIN_OR_EQUAL),
	OPERATOR(INETOID, INETOID, OID_INET_SUP_OP, FLOW_CONTAINS),
	OPERATOR(INETOID, INETOID, OID_INET_SUPEQ_OP, FLOW_CONTAINS_OR_EQUAL),
	OPERATOR(INETOID, INETOID, OID_INET_OVERLAP_OP, FLOW_OVERLAPS),
};

static bool walk(const QualWalk *context, Expr *node, FlowPredicate **predicate);
static bool walk_condition(const QualWalk *context, Expr *node, FlowExpression **expression);

/* ---------- recognising comparisons ---------- */

/*
 * Finds what an operator does, by a row of comparisons[]; returns false if the
 * row is not about it.
 */
static bool
operator_of_row(const ComparisonRow *row, Oid opno, FlowOp *op)
{
	if (OidIsValid(row->opfamily))
		return flowlog_part_operator(opno, row->opfamily, op);
	*op = row->op;
	return row->opno == opno;
}

/* Returns the type under which comparisons[] lists a type. */
static Oid
comparable_type(Oid type)
{
	type = getBaseType(type);
	if (type == VARCHAROID)
		return TEXTOID;
	if (type == CIDROID)
		return INETOID;
	return type;
}

/*
 * Recognises "column operator other".  With "array", "other" is an array, and
 * its elements are compared.
 */
static bool
recognise_comparison(const QualWalk *context, Oid opno, Oid collation, Expr *left, Expr *right,
                     bool array, Comparison *comparison)
{
	Oid left_type;
	Oid other_type;

	comparison->column = flowlog_qual_column(context, (Node *) left, &comparison->view);
	if (comparison->column < 0 || !flowlog_part_is_constant(context, right))
		return false;

	/* recognise the column, and the types of both sides */
	left_type = comparable_type(exprType((Node *) left));
	other_type = getBaseType(exprType((Node *) right));
	if (array)
		other_type = get_element_type(other_type);
	if (!OidIsValid(other_type))
		return false;
	other_type = getBaseType(other_type);
	comparison->other = right;
	comparison->other_type = other_type;

	/* find the row for these types and the operator */
	for (size_t i = 0; i < lengthof(comparisons); i++)
	{
		const ComparisonRow *row = &comparisons[i];

		if (row->column != left_type || row->other != comparable_type(other_type))
			continue;
		if (operator_of_row(row, opno, &comparison->op))
		{
			comparison->form = row->form;
			return flowlog_qual_view_fits(&context->table->columns[comparison->column],
			                              comparison->view,
			                              row->column) &&
			       flowlog_part_collation_fits(row->column, comparison->op, collation);
		}
	}
	return false;
}

/* ---------- the walk ---------- */

/*
 * Returns true if the other side of a comparison must not be evaluated before
 * a record needs it.
 */
static bool
is_deferred(const QualWalk *context, Expr *expression)
{
	return context->in_branch && flowlog_expr_may_fail(expression, context->econtext);
}

/*
 * Makes a predicate of a column, or of none, -1, that is evaluated when a
 * record first needs it.
 */
static FlowPredicate *
defer(const QualWalk *context, Expr *clause, int column)
{
	return flow_filter_deferred(context->filter,
	                            flowlog_needs_add(context->needs, clause, NULL),
	                            column);
}

/* Handles a condition that the reader computes, such as "srcport > dstport". */
static bool
walk_computed(const QualWalk *context, Expr *node, FlowPredicate **predicate)
{
	QualWalk inner = *context;
	FlowExpression *expression = NULL;

	inner.walk_condition = walk_condition;
	if (!context->computes || !contain_var_clause((Node *) node))
		return false;
	if (context->filter != NULL)
	{
		inner.expressions = flow_filter_expressions(context->filter);
		if (inner.expressions == NULL)
			return true;
		flow_expressions_use_memo(inner.expressions, context->memo);
	}
	if (!flowlog_expression_walk(&inner, node, &expression))
		return false;
	if (context->filter != NULL)
		*predicate = flow_filter_expression(context->filter, expression);
	return true;
}

/* Handles "column operator other", also with its sides exchanged. */
static bool
walk_operator(const QualWalk *context, OpExpr *clause, FlowPredicate **predicate)
{
	Comparison comparison;
	Expr *left;
	Expr *right;
	Oid commutator;
	Datum constant;
	bool isnull;

	if (list_length(clause->args) != 2)
		return false;
	left = linitial(clause->args);
	right = lsecond(clause->args);

	/* recognise the comparison, with its sides exchanged if needed */
	if (!recognise_comparison(
			context, clause->opno, clause->inputcollid, left, right, false, &comparison))
	{
		commutator = get_commutator(clause->opno);
		if (!OidIsValid(commutator) ||
		    !recognise_comparison(
				context, commutator, clause->inputcollid, right, left, false, &comparison))
			return false;
		left = right;
	}
	if (comparison.view == FLOW_AS_ADDRESS && !flowlog_qual_address_fits(context, (Expr *) clause))
		return false;
	if (context->filter == NULL)
		return true;
	if (is_deferred(context, comparison.other))
	{
		*predicate = defer(context, (Expr *) clause, comparison.column);
		return true;
	}

	/* compare with the value */
	constant = flowlog_part_evaluate(context, comparison.other, &isnull);
	if (comparison.view == FLOW_AS_ADDRESS)
		*predicate =
			isnull ? flowlog_qual_remember(context, (Expr *) clause, comparison.column)
				   : flowlog_qual_complete_address(context,
		                                           (Expr *) clause,
		                                           (Node *) left,
		                                           comparison.column,
		                                           flowlog_compare(context, &comparison, constant));
	else
		*predicate = isnull ? flow_filter_constant(context->filter, FLOW_UNKNOWN)
		                    : flowlog_compare(context, &comparison, constant);
	return true;
}

/* Handles "column operator ANY (array)", or ALL. */
static bool
walk_array_operator(const QualWalk *context, ScalarArrayOpExpr *clause, FlowPredicate **predicate)
{
	Comparison comparison;
	Datum array;
	bool isnull;

	if (!recognise_comparison(context,
	                          clause->opno,
	                          clause->inputcollid,
	                          linitial(clause->args),
	                          lsecond(clause->args),
	                          true,
	                          &comparison))
		return false;
	if (comparison.view == FLOW_AS_ADDRESS && !flowlog_qual_address_fits(context, (Expr *) clause))
		return false;
	if (context->filter == NULL)
		return true;
	if (is_deferred(context, comparison.other))
	{
		*predicate = defer(context, (Expr *) clause, comparison.column);
		return true;
	}

	array = flowlog_part_evaluate(context, comparison.other, &isnull);
	if (comparison.view == FLOW_AS_ADDRESS)
		*predicate = isnull || !flowlog_has_elements(array)
		                 ? flowlog_qual_remember(context, (Expr *) clause, comparison.column)
		                 : flowlog_qual_complete_address(context,
		                                                 (Expr *) clause,
		                                                 linitial(clause->args),
		                                                 comparison.column,
		                                                 flowlog_compare_with_array(context,
		                                                                            &comparison,
		                                                                            clause->useOr,
		                                                                            array));
	else
		*predicate = isnull
		                 ? flow_filter_constant(context->filter, FLOW_UNKNOWN)
		                 : flowlog_compare_with_array(context, &comparison, clause->useOr, array);
	return true;
}

/* Handles "column IS [NOT] NULL". */
static bool
walk_null_test(const QualWalk *context, NullTest *test, FlowPredicate **predicate)
{
	int column = flowlog_part_column(context, flowlog_part_strip((Node *) test->arg));

	/*
	 * whether PostgreSQL's own input function makes NULL of a field is not
	 * known
	 */
	if (column < 0 || test->argisrow || context->table->columns[column].type == FLOW_OPAQUE)
		return false;
	if (context->filter == NULL)
		return true;

	*predicate = flow_filter_is_null(context->filter, column);
	if (test->nulltesttype == IS_NOT_NULL)
		*predicate = flow_filter_not(context->filter, *predicate);
	return true;
}

/* Handles a column of type boolean as a condition. */
static bool
walk_boolean_column(const QualWalk *context, Node *node, FlowPredicate **predicate)
{
	int column = flowlog_part_column(context, node);
	FlowValue value = {.integer = 1};

	if (column < 0 || context->table->columns[column].type != FLOW_BOOLEAN)
		return false;
	if (context->filter != NULL)
		*predicate = flow_filter_compare(context->filter, column, FLOW_AS_IS, FLOW_EQ, &value);
	return true;
}

/* Handles a list of conditions; *predicates has one for each. */
bool
flowlog_qual_walk_list(const QualWalk *context, List *args, FlowPredicate ***predicates)
{
	ListCell *cell;

	*predicates = palloc0(sizeof(FlowPredicate *) * list_length(args));
	foreach(cell, args)
		if (!walk(context, lfirst(cell), &(*predicates)[foreach_current_index(cell)]))
			return false;
	return true;
}

/* Handles AND, OR and NOT. */
static bool
walk_boolean(const QualWalk *context, BoolExpr *clause, FlowPredicate **predicate)
{
	QualWalk inner = *context;
	FlowPredicate **children;
	int count = list_length(clause->args);

	inner.in_branch |= clause->boolop != NOT_EXPR;
	if (!flowlog_qual_walk_list(&inner, clause->args, &children))
		return false;
	if (context->filter == NULL)
		return true;

	switch (clause->boolop)
	{
		case AND_EXPR:
			*predicate = flow_filter_and(context->filter, children, count);
			break;
		case OR_EXPR:
			*predicate = flow_filter_or(context->filter, children, count);
			break;
		case NOT_EXPR:
			*predicate = flow_filter_not(context->filter, children[0]);
			break;
	}
	return true;
}

/*
 * Handles a condition without columns of the table, such as "$1 IS NULL",
 * which has the same result for every record.
 */
static bool
walk_constant(const QualWalk *context, Expr *node, FlowPredicate **predicate)
{
	Datum truth;
	bool isnull;

	if (exprType((Node *) node) != BOOLOID || !flowlog_part_is_constant(context, node))
		return false;
	if (context->filter == NULL)
		return true;
	if (is_deferred(context, node))
	{
		*predicate = defer(context, node, -1);
		return true;
	}

	truth = flowlog_part_evaluate(context, node, &isnull);
	*predicate = flow_filter_constant(context->filter,
	                                  isnull                ? FLOW_UNKNOWN
	                                  : DatumGetBool(truth) ? FLOW_TRUE
	                                                        : FLOW_FALSE);
	return true;
}

/* Makes the predicate of a set of keys, and of a NULL besides. */
static FlowPredicate *
compare_with_keys(const QualWalk *context, const Comparison *comparison, const FlowlogKeySet *set,
                  bool has_null)
{
	size_t count = flowlog_key_set_count(set);
	Datum *keys = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(Datum) * (count + 1));

	flowlog_key_set_keys(set, keys);
	return flowlog_compare_with_set(context, comparison, keys, count, has_null);
}

/*
 * Makes the predicate of a subplan that looks a column up among its values, if
 * these are a set that the reader can have.
 */
static bool
build_subplan(const QualWalk *context, const SubPlan *node, FlowPredicate **predicate)
{
	const OpExpr *equality = (const OpExpr *) node->testexpr;
	Comparison comparison;
	FlowlogKeySet *set;
	bool has_null;

	if (!IsA(equality, OpExpr) || list_length(equality->args) != 2 ||
	    !IsA(lsecond(equality->args), Param) ||
	    !recognise_comparison(context,
	                          equality->opno,
	                          equality->inputcollid,
	                          linitial(equality->args),
	                          lsecond(equality->args),
	                          false,
	                          &comparison) ||
	    comparison.op != FLOW_EQ ||
	    (comparison.view != FLOW_AS_IS && comparison.view != FLOW_AS_DOUBLE))
		return false;
	set = flowlog_needs_run_subplan(context->needs,
	                                node,
	                                getBaseType(exprType(lsecond(equality->args))),
	                                equality->inputcollid,
	                                &has_null);
	if (set == NULL)
		return false;
	*predicate = compare_with_keys(context, &comparison, set, has_null);
	flowlog_key_set_free(set);
	return true;
}

/*
 * Handles IN and NOT IN that are not joins.  The subplan runs when the first
 * record needs it.  If it gives no set, PostgreSQL looks up each value of the
 * column once.
 */
static bool
walk_subplan(const QualWalk *context, SubPlan *node, FlowPredicate **predicate)
{
	int column;

	if (!context->computes || context->in_output ||
	    !flowlog_expression_subplan_is_remembered(context, node, &column))
		return false;
	if (context->remembers != NULL)
		*context->remembers = true;
	if (context->filter == NULL)
		return true;
	if (context->in_branch && !context->in_group)
		*predicate = defer(context, (Expr *) node, column);
	else if (context->in_group || !build_subplan(context, node, predicate))
		*predicate = flowlog_qual_remember(context, (Expr *) node, column);
	return true;
}

/*
 * Returns true if the reader can evaluate the clause.  With a filter, also
 * makes a predicate of it, which is NULL if memory is short.
 */
static bool
walk(const QualWalk *context, Expr *node, FlowPredicate **predicate)
{
	bool known = false;

	/* a clause may be a list of any length and depth */
	CHECK_FOR_INTERRUPTS();
	check_stack_depth();
	switch (nodeTag(node))
	{
		case T_BoolExpr:
			known = walk_boolean(context, (BoolExpr *) node, predicate);
			break;
		case T_OpExpr:
			known = walk_operator(context, (OpExpr *) node, predicate) ||
			        flowlog_qual_walk_like(context, (OpExpr *) node, predicate) ||
			        flowlog_qual_walk_starts_with(context,
			                                      ((OpExpr *) node)->opfuncid,
			                                      ((OpExpr *) node)->args,
			                                      ((OpExpr *) node)->inputcollid,
			                                      predicate);
			break;
		case T_ScalarArrayOpExpr:
			known = walk_array_operator(context, (ScalarArrayOpExpr *) node, predicate);
			break;
		case T_FuncExpr:
			known = flowlog_qual_walk_contains(context, (FuncExpr *) node, predicate) ||
			        flowlog_qual_walk_starts_with(context,
			                                      ((FuncExpr *) node)->funcid,
			                                      ((FuncExpr *) node)->args,
			                                      ((FuncExpr *) node)->inputcollid,
			                                      predicate);
			break;
		case T_NullTest:
			known = walk_null_test(context, (NullTest *) node, predicate);
			break;
		case T_SubPlan:
			known = walk_subplan(context, (SubPlan *) node, predicate);
			break;
		case T_Var:
			known = walk_boolean_column(context, (Node *) node, predicate);
			break;
		default:
			break;
	}
	return known || walk_constant(context, node, predicate) ||
	       walk_computed(context, node, predicate);
}

/*
 * Handles a condition of an expression: the filter that it becomes is one of
 * context->expressions.
 */
static bool
walk_condition(const QualWalk *context, Expr *node, FlowExpression **expression)
{
	const FlowlogTable *table = context->table;
	QualWalk inner = *context;
	FlowPredicate *predicate = NULL;

	inner.in_branch = true;
	inner.in_group = true;
	if (context->expressions == NULL)
		return walk(&inner, node, &predicate);

	inner.expressions = NULL;
	inner.filter = flow_filter_create(context->host,
	                                  table->columns,
	                                  table->ncolumns,
	                                  table->options.on_error == FLOW_ON_ERROR_SET_NULL);
	if (inner.filter == NULL || !walk(&inner, node, &predicate))
	{
		bool short_of_memory = inner.filter == NULL;

		flow_filter_free(inner.filter);
		return short_of_memory;
	}
	flow_filter_set_condition(inner.filter, predicate);
	*expression = flow_expression_filter(context->expressions, inner.filter);
	return true;
}

/*
 * Returns true if the reader's filter can evaluate a clause by comparisons
 * alone.
 */
bool
flowlog_qual_is_comparison(PlannerInfo *root, Index relid, const FlowlogTable *table, Expr *clause)
{
	QualWalk context = {.table = table, .relid = relid, .root = root};
	FlowPredicate *predicate = NULL;

	return walk(&context, clause, &predicate);
}

/* Returns true if a filter for the table's index can be made of a clause. */
bool
flowlog_qual_is_for_index(PlannerInfo *root, Index relid, const FlowlogTable *table, Expr *clause)
{
	QualWalk context = {.table = table, .relid = relid, .root = root, .for_index = true};
	FlowPredicate *predicate = NULL;

	return walk(&context, clause, &predicate);
}

/* Returns true if the reader's filter evaluates a clause. */
bool
flowlog_qual_is_pushable(PlannerInfo *root, RelOptInfo *baserel, const FlowlogTable *table,
                         Expr *clause)
{
	QualWalk context = {
		.table = table,
		.relid = baserel->relid,
		.root = root,
		.computes = flowlog_enable_expressions,
	};
	FlowPredicate *predicate = NULL;

	return flowlog_enable_pushdown && walk(&context, clause, &predicate);
}

/* Returns true if a part of such a clause is computed by PostgreSQL, and remembered. */
bool
flowlog_qual_remembers(PlannerInfo *root, RelOptInfo *baserel, const FlowlogTable *table,
                       Expr *clause)
{
	bool remembers = false;
	QualWalk context = {
		.table = table,
		.relid = baserel->relid,
		.root = root,
		.computes = true,
		.remembers = &remembers,
	};
	FlowPredicate *predicate = NULL;

	return walk(&context, clause, &predicate) && remembers;
}

/* ---------- sets ---------- */

/*
 * Returns true if the reader can look up a column in a set of the values of
 * the other side of a clause.
 */
bool
flowlog_qual_takes_set(PlannerInfo *root, RelOptInfo *baserel, const FlowlogTable *table,
                       Expr *clause, OpExpr **condition, Expr **key)
{
	QualWalk context = {
		.table = table,
		.relid = baserel->relid,
		.root = root,
		.computes = flowlog_enable_expressions,
	};
	const OpExpr *equality = (const OpExpr *) clause;
	Comparison comparison;
	Expr *column;
	Oid opno;

	if (!IsA(clause, OpExpr) || list_length(equality->args) != 2)
		return false;
	opno = equality->opno;
	column = linitial(equality->args);
	*key = lsecond(equality->args);
	if (!recognise_comparison(
			&context, opno, equality->inputcollid, column, *key, false, &comparison))
	{
		opno = get_commutator(opno);
		column = lsecond(equality->args);
		*key = linitial(equality->args);
		if (!OidIsValid(opno) ||
		    !recognise_comparison(
				&context, opno, equality->inputcollid, column, *key, false, &comparison))
			return false;
	}
	/* where a time cannot be made of seconds, there is an error, which must wait for its turn */
	if (comparison.op != FLOW_EQ || comparison.view == FLOW_AS_UNIX_TIME)
		return false;
	*condition = (OpExpr *) make_opclause(opno,
	                                      BOOLOID,
	                                      false,
	                                      column,
	                                      (Expr *) makeNullConst(exprType((Node *) *key),
	                                                             exprTypmod((Node *) *key),
	                                                             exprCollation((Node *) *key)),
	                                      InvalidOid,
	                                      equality->inputcollid);
	set_opfuncid(*condition);
	return true;
}

/*
 * Raises an internal error: the planner has pushed a clause that the executor
 * does not understand.
 */
void
flowlog_qual_complain(const FlowlogTable *table)
{
	elog(ERROR, "pushed-down qual of foreign table \"%s\" is not understood any more", table->name);
}

/* Makes the predicate of such a condition, with keys in place of NULL. */
FlowPredicate *
flowlog_qual_walk_set(const QualWalk *context, const OpExpr *condition, const FlowlogKeySet *set)
{
	FlowPredicate *predicate;
	Comparison comparison;

	if (!recognise_comparison(context,
	                          condition->opno,
	                          condition->inputcollid,
	                          linitial(condition->args),
	                          lsecond(condition->args),
	                          false,
	                          &comparison))
		flowlog_qual_complain(context->table);
	if (flowlog_key_set_count(set) == 0)
		return flow_filter_constant(context->filter, FLOW_FALSE);
	predicate = compare_with_keys(context, &comparison, set, false);
	if (comparison.view != FLOW_AS_ADDRESS)
		return predicate;
	/* of a text that is no address the join raises an error, when it comes to it */
	return flow_filter_set_otherwise(predicate,
	                                 flowlog_qual_is_whole_address(linitial(condition->args)),
	                                 flow_filter_constant(context->filter, FLOW_TRUE));
}

/* ---------- parts of aggregations ---------- */

/* Returns the varno of the columns in an expression, or 0 if it has none. */
Index
flowlog_qual_relation(Node *node)
{
	List *vars = pull_var_clause(node, PVC_RECURSE_PLACEHOLDERS);
	Index relid = vars == NIL ? 0 : (Index) linitial_node(Var, vars)->varno;

	/* this is called at each rescan */
	list_free(vars);
	return relid;
}

/* Walks over an expression of an aggregation, or a condition in it. */
bool
flowlog_qual_walk_part_of_group(QualWalk *context, Expr *expr, bool condition,
                                FlowExpression **expression)
{
	context->relid = flowlog_qual_relation((Node *) expr);
	context->computes = true;
	context->walk_condition = walk_condition;
	context->in_branch = true;
	context->in_group = true;
	context->in_output = true;
	return condition ? walk_condition(context, expr, expression)
	                 : flowlog_expression_walk(context, expr, expression);
}

/* Returns true if the reader can compute a part of an aggregation. */
bool
flowlog_qual_is_computable(PlannerInfo *root, const FlowlogTable *table, Expr *expr, bool condition)
{
	QualWalk context = {.table = table, .root = root};
	FlowExpression *expression = NULL;

	return (root == NULL || flowlog_enable_expressions) &&
	       flowlog_qual_walk_part_of_group(&context, expr, condition, &expression);
}

/* Returns true if it can compute an expression, and PostgreSQL no part of it. */
bool
flowlog_qual_is_native(PlannerInfo *root, const FlowlogTable *table, Expr *expr)
{
	bool remembers = false;
	QualWalk context = {.table = table, .root = root, .remembers = &remembers};
	FlowExpression *expression = NULL;

	return flowlog_enable_expressions &&
	       flowlog_qual_walk_part_of_group(&context, expr, false, &expression) && !remembers;
}
