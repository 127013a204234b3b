/*-------------------------------------------------------------------------
 *
 * flowlog_fdw.c
 *	  Foreign data wrapper for Amazon VPC flow logs: its callbacks.
 *
 * The functions stand in the order of a query's life: validator and handler;
 * planning (see plan.c, aggregate.c and qual.c); the executor's callbacks (see
 * parallel.c for those of parallel scans); the refusal of writes, as the
 * tables are read-only.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"
#include "fdw/sort.h"

#include "access/reloptions.h"
#include "executor/executor.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"

PG_MODULE_MAGIC;

FLOWLOG_FUNCTION(flowlog_fdw_handler);
FLOWLOG_FUNCTION(flowlog_fdw_validator);

extern PGDLLEXPORT void _PG_init(void);

/* Defines the settings and installs the hooks when the module is loaded. */
void
_PG_init(void)
{
	flowlog_settings_define();
	flowlog_function_init(flowlog_fdw_handler);
	flowlog_rollup_init();
	flowlog_sets_init();
	flowlog_set_join_init();
	flowlog_set_aggregate_init();
}

/* ---------- validator ---------- */

/* Checks the options of a table, column, server, user mapping or wrapper. */
Datum
flowlog_fdw_validator(PG_FUNCTION_ARGS)
{
	flowlog_check_version();
	flowlog_options_validate(untransformRelOptions(PG_GETARG_DATUM(0)), PG_GETARG_OID(1));
	PG_RETURN_VOID();
}

/* ---------- planning ---------- */

/* Makes the plan of a scan of rows, or of one of groups. */
static ForeignScan *
flowlog_plan(PlannerInfo *root, RelOptInfo *rel, Oid relid, ForeignPath *path, List *tlist,
             List *clauses, Plan *outer_plan)
{
	/* also of groups that are joined */
	if (rel->relid == 0)
		return flowlog_get_aggregate_plan(root, path, tlist, outer_plan);
	return flowlog_get_plan(root, rel, relid, path, tlist, clauses, outer_plan);
}

/* ---------- the executor's callbacks ---------- */

/*
 * Returns the role for which a table is read: the owner of the view that it is
 * read through, or InvalidOid for the current user.
 */
static Oid
user_of(ForeignScanState *node, ForeignScan *plan)
{
#if PG_VERSION_NUM >= 160000
	return plan->checkAsUser;
#else
	Index rtindex = plan->scan.scanrelid > 0 ? plan->scan.scanrelid
	                                         : (Index) bms_next_member(plan->fs_relids, -1);

	return exec_rt_fetch(rtindex, node->ss.ps.state)->checkAsUser;
#endif
}

/* Prepares to take what is wanted of files from the index. */
static void
prepare_answers(FlowlogScan *scan, ForeignScan *plan)
{
	MemoryContext old = MemoryContextSwitchTo(scan->context);
	List *outputs = NIL;
	ListCell *cell;

	foreach(cell, flowlog_aggregate_outputs(plan))
		outputs = lappend(outputs, lfirst_node(TargetEntry, cell)->expr);
	scan->answers = flowlog_answers_create(scan->table, &scan->backend, outputs, scan->attrs);
	flowlog_prune_set_answers(scan->prune, scan->answers, scan->pushed);
	MemoryContextSwitchTo(old);
}

/* Begins a scan.  Nothing is listed or read yet. */
static void
flowlog_begin(ForeignScanState *node, int eflags)
{
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
	bool aggregates = flowlog_plan_aggregates(plan);
	Oid relid =
		aggregates ? flowlog_aggregate_relid(plan) : RelationGetRelid(node->ss.ss_currentRelation);
	FlowlogScan *scan =
		flowlog_scan_begin(relid, user_of(node, plan), node->ss.ps.state->es_query_cxt);
	FlowlogQuals quals = flowlog_plan_quals(plan);

	flowlog_check_execute(quals.pushed);
	if (aggregates)
		flowlog_check_execute(flowlog_aggregate_outputs(plan));
	scan->plan = node->ss.ps.state->es_plannedstmt;
	scan->explain_only = (eflags & EXEC_FLAG_EXPLAIN_ONLY) != 0;
	scan->pushed = quals.pushed;
	flowlog_needs_prepare_subplans(scan, node, scan->pushed);
	flowlog_sets_begin(scan, node, &quals);
	if (aggregates && flowlog_aggregate_is_answered(plan))
		quals.index_use = FLOWLOG_INDEX_BY_FILTER;
	scan->prune =
		flowlog_prune_create(scan->table, &scan->backend, scan->explain_only, &node->ss.ps, &quals);
	if (aggregates)
		flowlog_aggregate_begin(scan, node);
	else
		scan->tuple = flowlog_scan_create_tuple(scan,
		                                        RelationGetDescr(node->ss.ss_currentRelation),
		                                        flowlog_plan_attrs_used(plan));
	flowlog_top_begin(scan, node);
	flowlog_sort_begin(scan, node);
	scan->attrs = flowlog_plan_attrs_of_query(plan);
	if (aggregates && flowlog_aggregate_is_answered(plan))
		prepare_answers(scan, plan);
	node->fdw_state = scan;
}

/*
 * Makes the filter, unless there is one.  It is made again if the sets in it
 * have changed since the scan was to begin again.
 */
static void
make_filter(FlowlogScan *scan, ForeignScanState *node)
{
	bool changed = flowlog_sets_find(scan, node);
	FlowFilter *old = scan->filter;

	if (scan->reader == NULL)
		flowlog_qual_build(scan, node, scan->pushed);
	else if (changed && scan->queue == NULL && flowlog_prune_uses_index(scan->prune))
	{
		/* the list was made by the sets, too */
		flowlog_scan_forget(scan);
		flowlog_qual_build(scan, node, scan->pushed);
	}
	else if (changed)
	{
		scan->filter = NULL;
		flowlog_qual_build(scan, node, scan->pushed);
		flowlog_scan_rewind(scan);
		flow_filter_free(old);
	}
}

/* Returns the next row, or an empty slot at the end. */
static TupleTableSlot *
flowlog_iterate(ForeignScanState *node)
{
	FlowlogScan *scan = node->fdw_state;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;
	FlowRecord record;

	ExecClearTuple(slot);
	if (!scan->reading)
	{
		make_filter(scan, node);
		flowlog_top_start(scan, node);
		flowlog_scan_start(scan);
	}
	if (scan->aggregation != NULL)
		return flowlog_aggregate_next(scan);
	if (scan->sort != NULL)
		return flowlog_sort_next(scan, slot);
	if (flowlog_scan_next(scan, &record))
	{
		flowlog_tuple_fill(scan->tuple, &record, slot->tts_values, slot->tts_isnull);
		ExecStoreVirtualTuple(slot);
	}
	return slot;
}

/*
 * EvalPlanQual checks a row again that another transaction changed, and runs
 * the query's subplans again for that.  For a scan of groups in such a
 * subplan, which is no table of the query, older minor releases of PostgreSQL
 * call this function for the next row, where newer ones iterate.
 */
static bool
flowlog_recheck(ForeignScanState *node, TupleTableSlot *slot)
{
	FlowlogScan *scan = node->fdw_state;
	MemoryContext old;
	TupleTableSlot *next;

	if (scan->aggregation == NULL)
		return true;
	old = MemoryContextSwitchTo(node->ss.ps.ps_ExprContext->ecxt_per_tuple_memory);
	next = flowlog_iterate(node);
	if (!TupIsNull(next))
		ExecCopySlot(slot, next);
	MemoryContextSwitchTo(old);
	return !TupIsNull(slot);
}

/*
 * Reads the same files again, unless values that prune them have changed.  The
 * values that clauses compare with may have changed, too.  Where processes
 * share the list, flowlog_parallel_reinitialize has done this already.
 */
static void
flowlog_rescan(ForeignScanState *node)
{
	FlowlogScan *scan = node->fdw_state;
	FlowFilter *old = scan->filter;

	flowlog_sets_rewind(scan, node);
	if (flowlog_sort_rewind(scan, node->ss.ps.chgParam == NULL && scan->queue == NULL))
		return;
	if (scan->reader == NULL)
		return;
	if (scan->aggregation != NULL)
		flowlog_aggregate_rewind(scan);
	if (node->ss.ps.chgParam == NULL)
	{
		flowlog_scan_rewind(scan);
		return;
	}
	if (scan->queue == NULL && flowlog_prune_depends_on_run(scan->prune))
	{
		flowlog_scan_forget(scan);
		return;
	}
	scan->filter = NULL;
	flowlog_qual_build(scan, node, scan->pushed);
	flowlog_scan_rewind(scan);
	flow_filter_free(old);
}

/* Ends a scan: records its counts, and releases all that it holds. */
static void
flowlog_end(ForeignScanState *node)
{
	FlowlogScan *scan = node->fdw_state;

	if (scan == NULL)
		return;
	flowlog_scan_finish(scan);
	if (scan->aggregation != NULL)
		flowlog_aggregate_end(scan);
	flowlog_sort_end(scan);
	MemoryContextDelete(scan->context);
	node->fdw_state = NULL;
}

static void
flowlog_explain_scan(ForeignScanState *node, struct ExplainState *es)
{
	flowlog_explain(node->fdw_state, node, es);
}

/* ---------- writers ---------- */

/* Refuses INSERT, UPDATE and DELETE. */
static List *
flowlog_plan_modify(PlannerInfo *root, ModifyTable *plan, Index relation, int subplan)
{
	RangeTblEntry *rte = planner_rt_fetch(relation, root);

	ereport(ERROR,
	        errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
	        errmsg("foreign table \"%s\" is read-only", get_rel_name(rte->relid)),
	        errdetail("Flow logs are written by the service that delivers them."));
	return NIL;
}

/* Returns 0: neither inserts nor updates nor deletes are possible. */
static int
flowlog_is_updatable(Relation relation)
{
	return 0;
}

/* ---------- handler ---------- */

/* Returns the callbacks. */
Datum
flowlog_fdw_handler(PG_FUNCTION_ARGS)
{
	FdwRoutine *routine = makeNode(FdwRoutine);

	flowlog_check_version();

	routine->IsForeignScanParallelSafe = flowlog_is_parallel_safe;
	routine->GetForeignRelSize = flowlog_get_rel_size;
	routine->GetForeignPaths = flowlog_get_paths;
	routine->GetForeignPlan = flowlog_plan;
	routine->GetForeignUpperPaths = flowlog_get_upper_paths;

	routine->BeginForeignScan = flowlog_begin;
	routine->IterateForeignScan = flowlog_iterate;
	routine->RecheckForeignScan = flowlog_recheck;
	routine->ReScanForeignScan = flowlog_rescan;
	routine->EndForeignScan = flowlog_end;
	routine->ExplainForeignScan = flowlog_explain_scan;
	routine->AnalyzeForeignTable = flowlog_analyze;
	routine->ImportForeignSchema = flowlog_import;

	routine->EstimateDSMForeignScan = flowlog_parallel_estimate;
	routine->InitializeDSMForeignScan = flowlog_parallel_initialize;
	routine->ReInitializeDSMForeignScan = flowlog_parallel_reinitialize;
	routine->InitializeWorkerForeignScan = flowlog_parallel_initialize_worker;
	routine->ShutdownForeignScan = flowlog_parallel_shutdown;

	routine->PlanForeignModify = flowlog_plan_modify;
	routine->IsForeignRelUpdatable = flowlog_is_updatable;

	PG_RETURN_POINTER(routine);
}
