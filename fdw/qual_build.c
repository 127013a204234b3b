/*-------------------------------------------------------------------------
 *
 * qual_build.c
 *	  Makes filters and expressions of what the planner has pushed down.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"
#include "qual.h"

#include "utils/memutils.h"

/* ---------- predicates ---------- */

/*
 * Makes predicates of the sets whose keys are known, after the first "count"
 * of an array; returns how many there are now.
 */
static int
build_sets(const QualWalk *context, const FlowlogSets *sets, FlowPredicate **children, int count)
{
	ListCell *cell;

	foreach(cell, flowlog_sets_conditions(sets))
	{
		const FlowlogKeySet *set = flowlog_sets_keys(sets, foreach_current_index(cell));

		if (set != NULL)
			children[count++] = flowlog_qual_walk_set(context, lfirst_node(OpExpr, cell), set);
	}
	return count;
}

/*
 * Makes one predicate of a list of clauses and of sets, which may be NULL; what
 * else is allocated for that is freed.  Returns false if one of the clauses is
 * not understood.
 */
static bool
build_list(const QualWalk *context, List *clauses, const FlowlogSets *sets, FlowPredicate **root)
{
	MemoryContext temporary =
		AllocSetContextCreate(CurrentMemoryContext, "flowlog_fdw qual", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(temporary);
	FlowPredicate **children;
	bool known = flowlog_qual_walk_list(context, clauses, &children);

	if (known)
	{
		int count = list_length(clauses);

		children = repalloc(children,
		                    sizeof(FlowPredicate *) *
		                        (count + list_length(flowlog_sets_conditions(sets)) + 1));
		count = build_sets(context, sets, children, count);
		*root = count == 1 ? children[0] : flow_filter_and(context->filter, children, count);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(temporary);
	return known;
}

/* Raises the error for which the filter could not be built. */
static void
raise_unbuilt(FlowlogBackend *backend, const FlowlogTable *table, const FlowFilter *filter)
{
	FlowError error;

	if (filter != NULL && flow_filter_status(filter) == FLOW_INTERRUPTED)
	{
		(void) flowlog_backend_interrupted(&error);
		flowlog_raise(backend, &error, table);
	}
	ereport(ERROR, errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory"));
}

/* ---------- filters ---------- */

/*
 * Makes a filter of clauses.  It is stored in *result at once, so that it is
 * freed after an error, too.
 */
static void
build_filter(QualWalk *context, FlowlogBackend *backend, List *clauses, const FlowlogSets *sets,
             FlowFilter **result)
{
	const FlowlogTable *table = context->table;
	bool bad_is_null = table->options.on_error == FLOW_ON_ERROR_SET_NULL;
	FlowPredicate *root = NULL;

	context->filter =
		flow_filter_create(&backend->host, table->columns, table->ncolumns, bad_is_null);
	*result = context->filter;
	if (context->filter != NULL && !build_list(context, clauses, sets, &root))
		flowlog_qual_complain(table);
	if (root == NULL)
		raise_unbuilt(backend, table, context->filter);

	flow_filter_set_root(context->filter, root);
}

/* Returns the scan's memo, which is made when it is needed first. */
static FlowMemo *
memo_of_scan(FlowlogScan *scan)
{
	if (scan->memo == NULL)
		scan->memo = flow_memo_create(&scan->backend.host);
	if (scan->memo == NULL)
		raise_unbuilt(&scan->backend, scan->table, NULL);
	return scan->memo;
}

/* Returns the walk's context for clauses of a plan, all of whose Vars are the table's. */
static QualWalk
walk_of_scan(FlowlogScan *scan, ForeignScanState *node, List *clauses)
{
	return (QualWalk) {
		.table = scan->table,
		.relid = flowlog_qual_relation((Node *) clauses),
		.filter = scan->filter,
		.needs = scan->needs,
		.computes = true,
		.host = &scan->backend.host,
		.memo = memo_of_scan(scan),
		.planstate = &node->ss.ps,
		.econtext = node->ss.ps.ps_ExprContext,
	};
}

/* Makes scan->filter of a plan's pushed clauses, and of sets. */
void
flowlog_qual_build(FlowlogScan *scan, ForeignScanState *node, List *clauses)
{
	List *conditions = flowlog_sets_conditions(scan->sets);
	QualWalk context;

	if (clauses == NIL && conditions == NIL)
		return;
	if (scan->needs == NULL)
		scan->needs = flowlog_needs_create(scan, node, 1);
	flowlog_needs_forget(scan->needs);
	context = walk_of_scan(scan, node, clauses != NIL ? clauses : conditions);
	build_filter(&context, &scan->backend, clauses, scan->sets, &scan->filter);
}

/*
 * Makes the predicate of a deferred condition, and puts it into scan->filter.
 */
static void
resolve_condition(FlowlogScan *scan, int number, Expr *condition)
{
	List *clauses = list_make1(condition);
	QualWalk context = walk_of_scan(scan, flowlog_needs_node(scan->needs), clauses);
	FlowPredicate *predicate = NULL;

	if (!build_list(&context, clauses, NULL, &predicate))
		flowlog_qual_complain(scan->table);
	if (predicate == NULL)
		raise_unbuilt(&scan->backend, scan->table, scan->filter);
	flow_filter_resolve(scan->filter, number, predicate);
}

/* Evaluates what a record needs. */
void
flowlog_qual_resolve(FlowlogScan *scan, int number)
{
	FlowlogNeeds *needs = number > 0 ? scan->needs : scan->group_needs;
	Expr *condition;

	if (number == 0)
	{
		flowlog_needs_provide_awaited(scan);
		return;
	}
	condition = flowlog_needs_condition(needs, number);
	if (condition != NULL)
		resolve_condition(scan, number, condition);
	else
		flowlog_needs_provide(needs, number);
}

/* Makes the expression of a part of an aggregation. */
FlowExpression *
flowlog_qual_compute(FlowlogScan *scan, FlowlogNeeds *needs, FlowExpressions *expressions,
                     Expr *expr, bool condition)
{
	ForeignScanState *node = flowlog_needs_node(needs);
	QualWalk context = {
		.table = scan->table,
		.planstate = &node->ss.ps,
		.econtext = node->ss.ps.ps_ExprContext,
		.needs = needs,
		.expressions = expressions,
		.host = &scan->backend.host,
		.memo = memo_of_scan(scan),
	};
	FlowExpression *expression = NULL;

	flow_expressions_use_memo(expressions, context.memo);

	if (!flowlog_qual_walk_part_of_group(&context, expr, condition, &expression))
		flowlog_qual_complain(scan->table);
	if (expression == NULL)
		raise_unbuilt(&scan->backend, scan->table, NULL);
	return expression;
}

/*
 * Makes a filter of its own for some clauses.  All their Vars are the table's,
 * whatever their varno.
 */
FlowFilter *
flowlog_qual_filter(const FlowlogTable *table, FlowlogBackend *backend, List *clauses,
                    bool for_index, PlanState *planstate, ExprContext *econtext)
{
	FlowFilter *filter = NULL;
	QualWalk context = {.table = table,
	                    .planstate = planstate,
	                    .econtext = econtext,
	                    .for_index = for_index};

	if (clauses == NIL)
		return NULL;
	context.relid = flowlog_qual_relation((Node *) clauses);
	build_filter(&context, backend, clauses, NULL, &filter);
	return filter;
}
