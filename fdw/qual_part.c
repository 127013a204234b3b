/*-------------------------------------------------------------------------
 *
 * qual_part.c
 *	  The parts of conditions and expressions that the reader evaluates: columns
 *	  and constants.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"
#include "qual.h"

#include "access/stratnum.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"
#include "utils/pg_locale.h"
#include "utils/timestamp.h"

/* Returns the table's column that a Var stands for, or -1. */
int
flowlog_part_column(const QualWalk *context, const Node *node)
{
	const Var *var = (const Var *) node;

	if (!IsA(node, Var) || var->varlevelsup != 0)
		return -1;
	if ((Index) var->varno != context->relid)
		return -1;
	return flowlog_table_column(context->table, var->varattno);
}

/*
 * Strips RelabelType nodes that do not change a value: varchar to text, cidr
 * to inet, a domain to its base type.
 */
const Node *
flowlog_part_strip(const Node *node)
{
	while (IsA(node, RelabelType))
	{
		const Node *argument = (const Node *) ((const RelabelType *) node)->arg;
		Oid type = ((const RelabelType *) node)->resulttype;

		if (type != TEXTOID && type != INETOID && type != VARCHAROID &&
		    type != getBaseType(exprType(argument)))
			break;
		node = argument;
	}
	return node;
}

/* Returns true if an expression has a parameter that the executor sets. */
static bool
uses_run_time_parameters(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Param))
		return ((Param *) node)->paramkind != PARAM_EXTERN;
	return expression_tree_walker(node, uses_run_time_parameters, context);
}

/*
 * Returns true if an expression has no columns of this table, and one value
 * during a scan.  In what is grouped by or aggregated it must not fail, for
 * there may be no record, and must not have parameters that change from one
 * rescan to the next.
 */
bool
flowlog_part_is_constant(const QualWalk *context, Expr *other)
{
	/*
	 * the planner has checked the rest; columns of other relations are
	 * parameters now
	 */
	if (context->root == NULL)
		return !contain_var_clause((Node *) other);
	return !bms_is_member(context->relid, pull_varnos(context->root, (Node *) other)) &&
	       !contain_volatile_functions((Node *) other) && !contain_subplans((Node *) other) &&
	       !(context->in_group && (uses_run_time_parameters((Node *) other, NULL) ||
	                               flowlog_expr_may_fail(other, NULL)));
}

/*
 * Evaluates the other side of a comparison.  It is evaluated once, so it must
 * not be compiled: that takes 3 ms in each rescan, and its code is kept until
 * the query ends.
 */
Datum
flowlog_part_evaluate(const QualWalk *context, Expr *expression, bool *isnull)
{
	EState *estate = context->planstate != NULL ? context->planstate->state : NULL;
	int flags = estate != NULL ? estate->es_jit_flags : 0;
	ExprState *state;

	if (estate != NULL)
		estate->es_jit_flags = 0;
	state = ExecInitExpr(expression, context->planstate);
	if (estate != NULL)
		estate->es_jit_flags = flags;
	return ExecEvalExprSwitchContext(state, context->econtext, isnull);
}

/*
 * Returns true if the core has the value.  Its times count from 1970, so it
 * has none in the last 30 of the years that PostgreSQL's have.
 */
bool
flowlog_part_fits(Oid type, Datum datum)
{
	FlowValue value;

	if ((type != TIMESTAMPTZOID && type != TIMESTAMPOID) ||
	    TIMESTAMP_NOT_FINITE(DatumGetTimestamp(datum)))
		return true;
	flowlog_value_from_datum(type, datum, &value);
	return value.integer != PG_INT64_MAX;
}

/* Converts a value that the core computes with. */
void
flowlog_part_value(Oid type, Datum datum, FlowValue *value)
{
	if (!flowlog_part_fits(type, datum))
		ereport(ERROR,
		        errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
		        errmsg("timestamp out of range"),
		        errdetail("Flow logs are read with times up to the year 294246."));
	flowlog_value_from_datum(type, datum, value);
}

/*
 * Finds the comparison that an operator makes, by a btree family; returns
 * false if it is not one of the family's.
 */
bool
flowlog_part_operator(Oid opno, Oid family, FlowOp *op)
{
	Oid negator;

	switch (get_op_opfamily_strategy(opno, family))
	{
		case BTLessStrategyNumber:
			*op = FLOW_LT;
			return true;
		case BTLessEqualStrategyNumber:
			*op = FLOW_LE;
			return true;
		case BTEqualStrategyNumber:
			*op = FLOW_EQ;
			return true;
		case BTGreaterEqualStrategyNumber:
			*op = FLOW_GE;
			return true;
		case BTGreaterStrategyNumber:
			*op = FLOW_GT;
			return true;
		default:
			break;
	}

	/* "<>" is in no btree family */
	negator = get_negator(opno);
	*op = FLOW_NE;
	return OidIsValid(negator) &&
	       get_op_opfamily_strategy(negator, family) == BTEqualStrategyNumber;
}

/* Returns true if the collation compares texts as bytes. */
bool
flowlog_collation_is_c(Oid collation)
{
#if PG_VERSION_NUM >= 180000
	return pg_newlocale_from_collation(collation)->collate_is_c;
#else
	return lc_collate_is_c(collation);
#endif
}

/*
 * Returns true if the reader, which compares texts as bytes, compares as the
 * collation does: "=" and "<>" need a deterministic collation, an order needs
 * the collation "C".
 */
bool
flowlog_part_collation_fits(Oid type, FlowOp op, Oid collation)
{
	if (type != TEXTOID && type != BPCHAROID)
		return true;
	if (!OidIsValid(collation))
		return false;
	if (op == FLOW_EQ || op == FLOW_NE)
		return get_collation_isdeterministic(collation);
	return flowlog_collation_is_c(collation);
}

/* Adds the attributes that an expression uses to a set. */
Bitmapset *
flowlog_part_attributes(Bitmapset *attrs, Node *expr)
{
	List *vars = pull_var_clause(expr, PVC_RECURSE_AGGREGATES | PVC_RECURSE_PLACEHOLDERS);
	ListCell *cell;

	foreach(cell, vars)
		attrs =
			bms_add_member(attrs,
		                   lfirst_node(Var, cell)->varattno - FirstLowInvalidHeapAttributeNumber);
	return attrs;
}
