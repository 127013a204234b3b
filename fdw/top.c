/*-------------------------------------------------------------------------
 *
 * top.c
 *	  ORDER BY ... LIMIT: the scan leaves out rows that cannot be among the
 *	  first.
 *
 * PostgreSQL's Sort and Limit stay above, so the scan promises no order, and
 * may return more rows than the limit.  It looks at the first column of the
 * order only, and leaves out a row if LIMIT plus OFFSET others come before it.
 *
 * The plan has it as the last entry of fdw_exprs, a list of expressions: the
 * key (of a scan of groups: one of its outputs), LIMIT and OFFSET, the latter
 * perhaps NULL, whether the order is descending and NULLs come first, and the
 * key's FlowType.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"
#include "qual.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "common/int.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "miscadmin.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "optimizer/tlist.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

/* the entries of the list */
enum
{
	TOP_KEY,
	TOP_LIMIT,
	TOP_OFFSET,
	TOP_DESCENDING,
	TOP_NULLS_FIRST,
	TOP_TYPE,
	TOP_ENTRIES
};

/* without a constant limit, PostgreSQL assumes that a tenth of the rows is wanted */
#define UNKNOWN_SHARE 0.1

struct FlowlogTop
{
	FlowlogTopPlan plan;
	ExprState *limit;
	ExprState *offset;
	FlowExpressions *expressions; /* of the key of rows; NULL: not yet started */
	MemoryContextCallback callback;
};

/* ---------- what can be planned ---------- */

/*
 * Returns true if LIMIT or OFFSET is a constant or a parameter, which can be
 * read without an error: PostgreSQL has cast it to bigint.
 */
static bool
is_known_count(const Node *node)
{
	if (node == NULL)
		return true;
	if (IsA(node, FuncExpr) && (((const FuncExpr *) node)->funcid == F_INT8_INT4 ||
	                            ((const FuncExpr *) node)->funcid == F_INT8_INT2))
		node = linitial(((const FuncExpr *) node)->args);
	return IsA(node, Const) || IsA(node, Param);
}

/* Returns LIMIT plus OFFSET if both are constants, otherwise -1. */
static double
constant_count(const List *top)
{
	double sum = 0;

	for (int i = TOP_LIMIT; i <= TOP_OFFSET; i++)
	{
		const Const *count = list_nth(top, i);

		if (count == NULL)
			continue;
		if (!IsA(count, Const))
			return -1;
		if (!count->constisnull)
			sum += (double) DatumGetInt64(count->constvalue);
	}
	return sum;
}

/*
 * Returns true if nothing between a query's scan or aggregation and its LIMIT
 * adds rows or needs more of them than are returned, and nothing is lost if
 * the target is not evaluated for rows that are left out.
 */
static bool
has_plain_limit(PlannerInfo *root)
{
	const Query *query = root->parse;
	const Const *count = (const Const *) query->limitCount;

	if (!flowlog_enable_top || query->commandType != CMD_SELECT || query->limitCount == NULL ||
	    query->sortClause == NIL || query->limitOption != LIMIT_OPTION_COUNT)
		return false;
	if (query->rowMarks != NIL || query->setOperations != NULL || query->distinctClause != NIL ||
	    query->hasWindowFuncs || query->hasTargetSRFs)
		return false;
	/* it is evaluated twice for groups that are among the best */
	if (contain_volatile_functions(query->havingQual) || contain_subplans(query->havingQual))
		return false;
	if (!is_known_count(query->limitCount) || !is_known_count(query->limitOffset) ||
	    (IsA(count, Const) && count->constisnull))
		return false;
	return !contain_volatile_functions((Node *) root->processed_tlist) &&
	       !contain_subplans((Node *) root->processed_tlist);
}

/* Returns the first clause of the query's order that orders anything, or NULL. */
static const SortGroupClause *
first_sort_clause(PlannerInfo *root)
{
	ListCell *cell;

	foreach(cell, root->parse->sortClause)
		if (make_pathkeys_for_sortclauses(root, list_make1(lfirst(cell)), root->processed_tlist) !=
		    NIL)
			return lfirst_node(SortGroupClause, cell);
	return NULL;
}

/*
 * Returns true if an order of expressions of that kind is the one that the
 * reader knows: their type's own, and that of bytes for texts.
 */
static bool
knows_order(const Expr *key, const SortGroupClause *clause, FlowType type, bool *descending)
{
	Oid family, input;
#if PG_VERSION_NUM >= 180000
	CompareType strategy; /* the numbers are the same */
#else
	int16 strategy;
#endif

	if (!flow_top_has_order(type) ||
	    !get_ordering_op_properties(clause->sortop, &family, &input, &strategy) ||
	    family !=
	        lookup_type_cache(exprType((const Node *) key), TYPECACHE_BTREE_OPFAMILY)->btree_opf)
		return false;
	*descending = strategy == BTGreaterStrategyNumber;
	return type != FLOW_TEXT || flowlog_collation_is_c(exprCollation((const Node *) key));
}

static Const *
int_const(int number)
{
	return makeConst(INT4OID, -1, InvalidOid, sizeof(int32), Int32GetDatum(number), false, true);
}

/* Makes the list, or NIL if the reader does not know the order or is asked for too many. */
static List *
make_top(PlannerInfo *root, Expr *key, FlowType type)
{
	const SortGroupClause *clause = first_sort_clause(root);
	bool descending;
	List *top;

	if (!knows_order(key, clause, type, &descending))
		return NIL;
	top = list_make5(copyObject(key),
	                 copyObject(root->parse->limitCount),
	                 copyObject(root->parse->limitOffset),
	                 makeBoolConst(descending, false),
	                 makeBoolConst(clause->nulls_first, false));
	top = lappend(top, int_const(type));
	return constant_count(top) > FLOW_TOP_MAX ? NIL : top;
}

/* Returns true if a relation is the query's only one, or a child of it. */
static bool
is_only_relation(PlannerInfo *root, const RelOptInfo *rel)
{
	Index relid = rel->relid;

	while (root->append_rel_array != NULL && root->append_rel_array[relid] != NULL)
		relid = root->append_rel_array[relid]->parent_relid;
	return bms_membership(root->all_baserels) == BMS_SINGLETON &&
	       bms_is_member(relid, root->all_baserels);
}

/* Returns the column that a key is, without casts that change no value; -1: none. */
static int
column_of_key(const FlowlogTable *table, const Expr *key, Index relid)
{
	const Var *var = (const Var *) flowlog_part_strip((const Node *) key);

	if (!IsA(var, Var) || var->varlevelsup != 0 || (relid != 0 && (Index) var->varno != relid))
		return -1;
	return flowlog_table_column(table, var->varattno);
}

/* Returns the type that the reader has for the values of an expression. */
static FlowType
computed_type(const Expr *key)
{
	Oid type = exprType((const Node *) key);
	FlowColumn column = {0};

	/* what is numeric is computed as an integer */
	flowlog_column_set_type(&column, type == NUMERICOID ? INT8OID : type, -1);
	return column.type;
}

/* Returns the first column of the query's order, if rows or groups may be left out by it. */
Expr *
flowlog_top_key(PlannerInfo *root, bool grouped)
{
	const SortGroupClause *clause;

	if (!has_plain_limit(root) || (root->parse->groupClause != NIL) != grouped ||
	    ((root->parse->hasAggs || root->hasHavingQual || root->parse->groupingSets != NIL) &&
	     !grouped))
		return NULL;
	clause = first_sort_clause(root);
	if (clause == NULL)
		return NULL;
	return (Expr *) get_sortgroupclause_expr((SortGroupClause *) clause, root->processed_tlist);
}

/* Returns what a scan of rows leaves rows out by. */
List *
flowlog_top_of_rows(PlannerInfo *root, RelOptInfo *rel, const FlowlogTable *table)
{
	Expr *key = flowlog_top_key(root, false);
	FlowType type;
	int column;

	if (key == NULL || !bms_is_empty(rel->lateral_relids) || !is_only_relation(root, rel))
		return NIL;
	key = (Expr *) flowlog_plan_for_child(root, rel, (Node *) key);
	column = column_of_key(table, key, rel->relid);
	if (column < 0 && !flowlog_qual_is_native(root, table, key))
		return NIL;
	type = column >= 0 ? table->columns[column].type : computed_type(key);
	return make_top(root, key, type);
}

/* Returns what a scan of whole groups leaves groups out by. */
List *
flowlog_top_of_groups(PlannerInfo *root, Expr *key, FlowType type)
{
	return make_top(root, key, type);
}

bool
flowlog_top_is_parallel_safe(PlannerInfo *root, List *top)
{
	return is_parallel_safe(root, (Node *) top);
}

/*
 * Estimates how many of the rows remain.  Of rows in no particular order, the
 * i-th is among the n best so far with a probability of n / i.
 */
double
flowlog_top_estimate(const List *top, double rows)
{
	double count = constant_count(top);

	if (count < 0)
		count = rows * UNKNOWN_SHARE;
	count = Max(count, 1);
	return count >= rows ? rows : clamp_row_est(count * (1 + log(rows / count)));
}

/* ---------- plans ---------- */

static bool
flag_of(const List *top, int entry)
{
	return DatumGetBool(list_nth_node(Const, top, entry)->constvalue);
}

/* Returns what a plan's scan leaves rows out by; false: it leaves none out. */
bool
flowlog_top_of_plan(const ForeignScan *plan, FlowlogTopPlan *top)
{
	List *list = plan->fdw_exprs != NIL ? llast(plan->fdw_exprs) : NIL;

	if (list == NIL || !IsA(list, List))
		return false;
	Assert(list_length(list) == TOP_ENTRIES);
	*top = (FlowlogTopPlan) {
		.key = list_nth(list, TOP_KEY),
		.type = DatumGetInt32(list_nth_node(Const, list, TOP_TYPE)->constvalue),
		.output = -1,
		.descending = flag_of(list, TOP_DESCENDING),
		.nulls_first = flag_of(list, TOP_NULLS_FIRST),
		.limit = list_nth(list, TOP_LIMIT),
		.offset = list_nth(list, TOP_OFFSET),
		.count = constant_count(list),
	};
	if (plan->fdw_scan_tlist != NIL)
	{
		/* PostgreSQL has replaced the key by the column of the scan that it is */
		top->output = castNode(Var, top->key)->varattno - 1;
		top->key = list_nth_node(TargetEntry, plan->fdw_scan_tlist, top->output)->expr;
	}
	return true;
}

List *
flowlog_top_without(List *exprs)
{
	if (exprs == NIL || !IsA(llast(exprs), List))
		return exprs;
	return list_truncate(list_copy(exprs), list_length(exprs) - 1);
}

/* ---------- execution ---------- */

static void
free_top(void *arg)
{
	FlowlogScan *scan = arg;

	flow_top_free(scan->best);
	flow_expressions_free(scan->top->expressions);
	scan->best = NULL;
	scan->top->expressions = NULL;
}

/* Prepares scan->top, if the plan has one. */
void
flowlog_top_begin(FlowlogScan *scan, ForeignScanState *node)
{
	FlowlogTopPlan plan;
	MemoryContext old;
	FlowlogTop *self;

	if (!flowlog_top_of_plan((const ForeignScan *) node->ss.ps.plan, &plan))
		return;
	old = MemoryContextSwitchTo(scan->context);
	self = palloc0(sizeof(FlowlogTop));
	self->plan = plan;
	self->limit = ExecInitExpr(plan.limit, &node->ss.ps);
	self->offset = ExecInitExpr(plan.offset, &node->ss.ps);
	if (plan.output < 0)
		flowlog_check_execute(list_make1(plan.key));
	scan->top = self;

	/* this is called before the scan's own callback */
	self->callback.func = free_top;
	self->callback.arg = scan;
	MemoryContextRegisterResetCallback(scan->context, &self->callback);
	MemoryContextSwitchTo(old);
}

/* Makes the key of a scan of rows. */
static FlowExpression *
make_key(FlowlogScan *scan, ForeignScanState *node)
{
	FlowlogTop *self = scan->top;
	int column = column_of_key(scan->table, self->plan.key, 0);
	FlowExpression *key;

	self->expressions =
		flow_expressions_create(&scan->backend.host, scan->table->columns, scan->table->ncolumns);
	if (self->expressions == NULL)
		ereport(ERROR, errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory"));

	/* nobody asks PostgreSQL for what the reader cannot compute: such records stay */
	if (column < 0)
		return flowlog_qual_compute(scan,
		                            flowlog_needs_create(scan, node, 1),
		                            self->expressions,
		                            self->plan.key,
		                            false);
	key = flow_expression_column(self->expressions, column);
	if (key == NULL)
		ereport(ERROR, errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory"));
	return key;
}

/* Makes scan->best. */
static void
make_best(FlowlogScan *scan, ForeignScanState *node)
{
	FlowlogTop *self = scan->top;
	FlowTopSpec spec = {
		.host = &scan->backend.host,
		.type = self->plan.type,
		.descending = self->plan.descending,
		.nulls_first = self->plan.nulls_first,
	};
	FlowError error;

	if (self->plan.output < 0)
	{
		spec.key = make_key(scan, node);
		spec.expressions = self->expressions;
		Assert(flow_expression_type(spec.key) == spec.type);
	}
	if (flow_top_create(&spec, &scan->best, &error) != FLOW_OK)
		flowlog_raise(&scan->backend, &error, scan->table);
}

/*
 * Evaluates LIMIT plus OFFSET.  Returns 0 if there is no limit, if it is too
 * high, or if it is one that PostgreSQL refuses.
 */
static size_t
evaluate_count(const FlowlogTop *self, ExprContext *econtext)
{
	bool isnull;
	int64 limit = DatumGetInt64(ExecEvalExprSwitchContext(self->limit, econtext, &isnull));
	int64 offset = 0;
	int64 sum;

	if (isnull)
		return 0;
	if (self->offset != NULL)
		offset = DatumGetInt64(ExecEvalExprSwitchContext(self->offset, econtext, &isnull));
	if (isnull)
		offset = 0;
	if (limit < 0 || offset < 0 || pg_add_s64_overflow(limit, offset, &sum) || sum > FLOW_TOP_MAX ||
	    sum * (int64) FLOW_TOP_SIZE > work_mem * INT64CONST(1024))
		return 0;
	return (size_t) sum;
}

/* Evaluates LIMIT and OFFSET, and forgets what came before. */
void
flowlog_top_start(FlowlogScan *scan, ForeignScanState *node)
{
	FlowError error;

	if (scan->top == NULL)
		return;
	if (scan->best == NULL)
		make_best(scan, node);
	if (flow_top_begin(scan->best, evaluate_count(scan->top, node->ss.ps.ps_ExprContext), &error) !=
	    FLOW_OK)
		flowlog_raise(&scan->backend, &error, scan->table);
}

int
flowlog_top_output(const FlowlogScan *scan)
{
	return scan->top != NULL ? scan->top->plan.output : -1;
}
