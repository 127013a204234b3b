/*-------------------------------------------------------------------------
 *
 * expression_memo.c
 *	  Which expressions PostgreSQL computes once for each value of a column.
 *
 * What the core has no operation for, but is made of a single column, has one
 * value for each value of the column during a scan, if its functions are
 * immutable, or depend on nothing but settings.  PostgreSQL computes it when
 * the first record needs it (need.c), and the core remembers it (flow/memo.c).
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"
#include "qual.h"

#include "catalog/pg_proc.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

/*
 * Functions that are only STABLE, because of the settings TimeZone, DateStyle
 * and IntervalStyle.  Those are kept as they are when the execution starts.
 */
static const Oid setting_functions[] = {
	/* TimeZone */
	F_DATE_TRUNC_TEXT_TIMESTAMPTZ,
	F_DATE_PART_TEXT_TIMESTAMPTZ,
	F_EXTRACT_TEXT_TIMESTAMPTZ,
	F_DATE_TIMESTAMPTZ,
	F_TIMESTAMP_TIMESTAMPTZ,
	F_TIMESTAMPTZ_DATE,
	F_TIMESTAMPTZ_TIMESTAMP,
	F_TIME_TIMESTAMPTZ,
	F_TIMESTAMPTZ_PL_INTERVAL,
	F_TIMESTAMPTZ_MI_INTERVAL,
	F_TIMESTAMPTZ_LT_DATE,
	F_TIMESTAMPTZ_LE_DATE,
	F_TIMESTAMPTZ_EQ_DATE,
	F_TIMESTAMPTZ_NE_DATE,
	F_TIMESTAMPTZ_GE_DATE,
	F_TIMESTAMPTZ_GT_DATE,
	F_TIMESTAMPTZ_LT_TIMESTAMP,
	F_TIMESTAMPTZ_LE_TIMESTAMP,
	F_TIMESTAMPTZ_EQ_TIMESTAMP,
	F_TIMESTAMPTZ_NE_TIMESTAMP,
	F_TIMESTAMPTZ_GE_TIMESTAMP,
	F_TIMESTAMPTZ_GT_TIMESTAMP,
	F_DATE_LT_TIMESTAMPTZ,
	F_DATE_LE_TIMESTAMPTZ,
	F_DATE_EQ_TIMESTAMPTZ,
	F_DATE_NE_TIMESTAMPTZ,
	F_DATE_GE_TIMESTAMPTZ,
	F_DATE_GT_TIMESTAMPTZ,
	F_TIMESTAMP_LT_TIMESTAMPTZ,
	F_TIMESTAMP_LE_TIMESTAMPTZ,
	F_TIMESTAMP_EQ_TIMESTAMPTZ,
	F_TIMESTAMP_NE_TIMESTAMPTZ,
	F_TIMESTAMP_GE_TIMESTAMPTZ,
	F_TIMESTAMP_GT_TIMESTAMPTZ,
	/* DateStyle, and TimeZone */
	F_TIMESTAMPTZ_OUT,
	F_TIMESTAMP_OUT,
	F_DATE_OUT,
	/* all of them, as it takes values of any type */
	F_CONCAT,
	F_CONCAT_WS,
};

/* functions of a time and a format; with some formats they depend on lc_time */
static const Oid format_functions[] = {F_TO_CHAR_TIMESTAMPTZ_TEXT, F_TO_CHAR_TIMESTAMP_TEXT};

static bool
contains(const Oid *array, size_t count, Oid oid)
{
	for (size_t i = 0; i < count; i++)
		if (array[i] == oid)
			return true;
	return false;
}

/*
 * Returns true if a function may have several results for the same values
 * during a scan; as check_functions_in_node wants it.
 */
static bool
changes(Oid function, void *context)
{
	if (func_volatile(function) == PROVOLATILE_IMMUTABLE)
		return false;
	return !contains(setting_functions, lengthof(setting_functions), function);
}

/* Returns true if a constraint of a domain may have several results for a value. */
static bool
constraint_changes(Oid domain)
{
	/* the memory context has a callback that uses it */
	DomainConstraintRef *reference = palloc(sizeof(DomainConstraintRef));
	ListCell *cell;

	InitDomainConstraintRef(domain, reference, CurrentMemoryContext, false);
	foreach(cell, reference->constraints)
	{
		const DomainConstraintState *constraint = lfirst(cell);

		if (constraint->constrainttype == DOM_CONSTRAINT_CHECK &&
		    contain_mutable_functions((Node *) constraint->check_expr))
			return true;
	}
	return false;
}

/*
 * Returns true if an expression may have several values for one value of its
 * column during a scan.  Parts without a column have one value, unless they
 * are volatile.
 */
static bool
may_change(Node *node, void *context)
{
	const FuncExpr *call = (const FuncExpr *) node;

	if (node == NULL)
		return false;
	if (flowlog_expr_is_constant(node))
		return contain_volatile_functions(node);
	switch (nodeTag(node))
	{
		case T_FuncExpr:
			if (contains(format_functions, lengthof(format_functions), call->funcid))
			{
				if (!flowlog_expr_is_date_format(lsecond(call->args)))
					return true;
				break;
			}
			if (check_functions_in_node(node, changes, NULL))
				return true;
			break;
		case T_Var:
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
		case T_ScalarArrayOpExpr:
		case T_CoerceViaIO:
			if (check_functions_in_node(node, changes, NULL))
				return true;
			break;
		case T_CoerceToDomain:
			if (constraint_changes(((CoerceToDomain *) node)->resulttype))
				return true;
			break;
		case T_List:
		case T_BoolExpr:
		case T_NullTest:
		case T_BooleanTest:
		case T_CaseExpr:
		case T_CaseWhen:
		case T_CaseTestExpr:
		case T_CoalesceExpr:
		case T_MinMaxExpr:
		case T_RelabelType:
		case T_CollateExpr:
		case T_ArrayExpr:
			break;
		default:
			return true; /* rows, and what is not known */
	}
	return expression_tree_walker(node, may_change, context);
}

/* Returns the only column in an expression; -1: there is none, or more. */
static int
only_column(const QualWalk *context, Node *node)
{
	List *vars = pull_var_clause(node, PVC_RECURSE_PLACEHOLDERS);
	int column = -1;
	ListCell *cell;

	foreach(cell, vars)
	{
		int other = flowlog_part_column(context, lfirst(cell));

		if (other < 0 || (column >= 0 && other != column))
			return -1;
		column = other;
	}
	return column;
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
 * Sets the only column of an expression, by whose field values are remembered;
 * false if there is none.
 */
static bool
find_column(const QualWalk *context, Node *node, int *column)
{
	const FlowColumn *definition;

	*column = only_column(context, node);
	if (*column < 0)
		return false;
	definition = &context->table->columns[*column];
	return definition->type != FLOW_OPAQUE && definition->source != FLOW_FROM_LINE;
}

/*
 * Returns true if the value of an expression is remembered by the field of its
 * only column, which is set.
 */
bool
flowlog_expression_is_remembered(const QualWalk *context, Expr *expr, int *column)
{
	Node *node = (Node *) expr;

	if (!find_column(context, node, column))
		return false;

	/*
	 * the planner has checked the rest.  An operation of the core evaluates
	 * its constants before there is a record; what it must not take for such
	 * a constant is not taken here either, so that both have the same choice.
	 */
	return context->root == NULL ||
	       (!may_change(node, NULL) && !contain_subplans(node) && !expression_returns_set(node) &&
	        !uses_run_time_parameters(node, NULL) &&
	        !flowlog_expr_constants_may_fail(expr, context->relid));
}

/* Returns true if a node has parameters that the executor sets, other than a subplan's own. */
static bool
uses_other_parameters(Node *node, void *own)
{
	if (node == NULL)
		return false;
	if (IsA(node, Param))
		return ((Param *) node)->paramkind != PARAM_EXTERN &&
		       !list_member_int(own, ((Param *) node)->paramid);
	return expression_tree_walker(node, uses_other_parameters, own);
}

/* A checker for check_functions_in_node. */
static bool
is_volatile(Oid function, void *context)
{
	return func_volatile(function) == PROVOLATILE_VOLATILE;
}

/* Returns true if a query, or a subplan of it, calls volatile functions. */
static bool
calls_volatile(Node *node, void *context)
{
	const PlannerGlobal *glob = context;

	if (node == NULL)
		return false;
	if (IsA(node, NextValueExpr) || check_functions_in_node(node, is_volatile, NULL))
		return true;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, calls_volatile, context, 0);
	if (IsA(node, SubPlan))
	{
		const PlannerInfo *root = list_nth(glob->subroots, ((SubPlan *) node)->plan_id - 1);

		if (calls_volatile((Node *) root->parse, context))
			return true;
	}
	return expression_tree_walker(node, calls_volatile, context);
}

/*
 * Returns true if the value of a subplan, as IN or NOT IN have it that are not
 * joins, is remembered by the field of the only column that it looks up.  A
 * subplan that is hashed and has no arguments runs once, or again if its values
 * are too many for a set, for which it must not be volatile, or if the scan
 * begins again with other parameters, when all is forgotten.
 */
bool
flowlog_expression_subplan_is_remembered(const QualWalk *context, const SubPlan *subplan,
                                         int *column)
{
	if (!find_column(context, subplan->testexpr, column))
		return false;

	/* the planner has checked the rest */
	return context->root == NULL ||
	       (flowlog_enable_runtime_sets && subplan->subLinkType == ANY_SUBLINK &&
	        subplan->useHashTable && subplan->parParam == NIL && subplan->args == NIL &&
	        !contain_mutable_functions(subplan->testexpr) && !contain_subplans(subplan->testexpr) &&
	        !uses_other_parameters(subplan->testexpr, subplan->paramIds) &&
	        !calls_volatile((Node *) subplan, context->root->glob));
}

/* ---------- keys ---------- */

/* functions that rarely give equal results for different arguments */
static const Oid distinguishing_functions[] =
	{F_UPPER_TEXT, F_LOWER_TEXT, F_BTRIM_TEXT, F_HOST, F_TEXT_INET, F_ABBREV_INET};

/* Returns true if an expression may merge different values of its columns. */
static bool
merges_values(Node *node, void *remembered)
{
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_Var:
		case T_Const:
		case T_Param:
		case T_RelabelType:
		case T_CollateExpr:
		case T_CoerceViaIO:
			break;
		case T_OpExpr:
			set_opfuncid((OpExpr *) node);
			if (((OpExpr *) node)->opfuncid != F_TEXTCAT)
				return true;
			break;
		case T_FuncExpr:
			if (contains(distinguishing_functions,
			             lengthof(distinguishing_functions),
			             ((FuncExpr *) node)->funcid))
				*(bool *) remembered = true;
			else if (((FuncExpr *) node)->funcid != F_CONCAT)
				return true;
			break;
		default:
			return true;
	}
	return expression_tree_walker(node, merges_values, remembered);
}

/*
 * Returns true if it is better to group by the columns of a key, and to compute
 * it once for each group: it would have to be computed for each value of a
 * column, and there are about as many groups of the key as of that.
 */
bool
flowlog_expression_is_for_groups(Expr *key)
{
	bool remembered = false;

	return !merges_values((Node *) key, &remembered) && remembered;
}
