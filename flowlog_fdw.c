/*-------------------------------------------------------------------------
 *
 * flowlog_fdw.c
 *	  Foreign data wrapper for Amazon VPC flow logs: its face to PostgreSQL.
 *
 * In the order of a query's life: settings, validator and handler; planning
 * (see plan.c, aggregate.c and qual.c); the executor's callbacks (see parallel.c for
 * those of parallel scans); what a read-only table answers to writers.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include <float.h>

#include <limits.h>

#include "access/reloptions.h"
#include "executor/executor.h"
#include "parser/parsetree.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/varlena.h"

PG_MODULE_MAGIC;

FLOWLOG_FUNCTION(flowlog_fdw_handler);
FLOWLOG_FUNCTION(flowlog_fdw_validator);

extern PGDLLEXPORT void _PG_init(void);

bool flowlog_enable_pushdown = true;
bool flowlog_enable_splitter = true;
bool flowlog_enable_aggregate_pushdown = true;
bool flowlog_regex_jit = true;
double flowlog_max_scan_bytes = 0;
bool flowlog_progress = true;
bool flowlog_enable_rollup = true;
char *flowlog_allowed_paths = NULL;
bool flowlog_allowed_paths_refused = false;
char *flowlog_allowed_endpoints = NULL;
bool flowlog_allowed_endpoints_refused = false;

/* ---------- settings ---------- */

static bool
check_allowed_paths(char **newval, void **extra, GucSource source)
{
	char *copy;
	List *list = NIL;
	ListCell *cell;

	if (*newval == NULL)
		return true;
	copy = pstrdup(*newval);
	if (!SplitDirectoriesString(copy, ',', &list))
	{
		GUC_check_errdetail("List syntax is invalid.");
		return false;
	}
	foreach(cell, list)
	{
		if (!is_absolute_path((char *) lfirst(cell)))
		{
			GUC_check_errdetail("\"%s\" is not an absolute path.", (char *) lfirst(cell));
			return false;
		}
	}
	return true;
}

/*
 * Before the module is loaded its settings are placeholders, which anybody may set
 * when he connects.  A value that PostgreSQL then refuses to apply, or that is not valid, leaves the
 * setting as if it had never been set: that must not mean that everything is allowed.
 */
static void
define_allowed(void)
{
	bool paths_set = GetConfigOption("flowlog_fdw.allowed_paths", true, false) != NULL;
	bool endpoints_set = GetConfigOption("flowlog_fdw.allowed_endpoints", true, false) != NULL;

	DefineCustomStringVariable("flowlog_fdw.allowed_paths",
	                           "Directories from which flow logs may be read, separated by commas.",
	                           "Empty: from everywhere.",
	                           &flowlog_allowed_paths, NULL, PGC_SIGHUP, GUC_LIST_INPUT | GUC_SUPERUSER_ONLY,
	                           check_allowed_paths, NULL, NULL);
	flowlog_allowed_paths_refused = paths_set && flowlog_allowed_paths == NULL;

	DefineCustomStringVariable("flowlog_fdw.allowed_endpoints",
	                           "Hosts, addresses and networks to which connections may be made, separated by commas.",
	                           "Empty: only to the hosts of AWS.",
	                           &flowlog_allowed_endpoints, NULL, PGC_SIGHUP, GUC_LIST_INPUT | GUC_SUPERUSER_ONLY,
	                           flowlog_s3_check_endpoints, NULL, NULL);
	flowlog_allowed_endpoints_refused = endpoints_set && flowlog_allowed_endpoints == NULL;
}

void
_PG_init(void)
{
	DefineCustomBoolVariable("flowlog_fdw.enable_pushdown",
	                         "Lets the reader of flow logs judge WHERE clauses.",
	                         "Off, PostgreSQL judges all of them; the rows are the same.",
	                         &flowlog_enable_pushdown, true, PGC_USERSET, GUC_EXPLAIN,
	                         NULL, NULL, NULL);
	DefineCustomBoolVariable("flowlog_fdw.enable_splitter",
	                         "Splits lines at their separators where a regular expression does no more than that.",
	                         "Off, the regular expression is matched against every line; the rows are the same.",
	                         &flowlog_enable_splitter, true, PGC_USERSET, GUC_EXPLAIN,
	                         NULL, NULL, NULL);
	DefineCustomBoolVariable("flowlog_fdw.enable_aggregate_pushdown",
	                         "Lets the reader of flow logs compute aggregates.",
	                         "Off, PostgreSQL computes all of them; the results are the same.",
	                         &flowlog_enable_aggregate_pushdown, true, PGC_USERSET, GUC_EXPLAIN,
	                         NULL, NULL, NULL);
	DefineCustomBoolVariable("flowlog_fdw.enable_rollup",
	                         "Lets servers compute their parts of aggregates over a table that is partitioned among them.",
	                         "Off, their rows are fetched; the results are the same.",
	                         &flowlog_enable_rollup, true, PGC_USERSET, GUC_EXPLAIN,
	                         NULL, NULL, NULL);
	DefineCustomBoolVariable("flowlog_fdw.regex_jit",
	                         "Compiles regular expressions of flow log tables to machine code.",
	                         NULL,
	                         &flowlog_regex_jit, true, PGC_SUSET, 0,
	                         NULL, NULL, NULL);
	DefineCustomRealVariable("flowlog_fdw.max_scan_bytes",
	                         "Most bytes of flow logs, as they are stored, that a scan may read.",
	                         "A scan that would read more is an error before it begins; 0: no limit.",
	                         &flowlog_max_scan_bytes, 0, 0, DBL_MAX, PGC_USERSET, GUC_UNIT_BYTE,
	                         NULL, NULL, NULL);
	DefineCustomBoolVariable("flowlog_fdw.progress",
	                         "Gives a notice every few seconds of how far a long scan of flow logs is.",
	                         NULL,
	                         &flowlog_progress, true, PGC_USERSET, 0,
	                         NULL, NULL, NULL);
	define_allowed();
	flowlog_rollup_init();
#if PG_VERSION_NUM >= 150000
	MarkGUCPrefixReserved("flowlog_fdw");
#else
	EmitWarningsOnPlaceholders("flowlog_fdw");
#endif
}

/* ---------- validator ---------- */

Datum
flowlog_fdw_validator(PG_FUNCTION_ARGS)
{
	flowlog_check_version();
	flowlog_options_validate(untransformRelOptions(PG_GETARG_DATUM(0)), PG_GETARG_OID(1));
	PG_RETURN_VOID();
}

/* ---------- planning ---------- */

static ForeignScan *
flowlog_plan(PlannerInfo *root, RelOptInfo *rel, Oid relid, ForeignPath *path, List *tlist, List *clauses, Plan *outer_plan)
{
	if (IS_UPPER_REL(rel))
		return flowlog_get_aggregate_plan(root, path, tlist, outer_plan);
	return flowlog_get_plan(root, rel, relid, path, tlist, clauses, outer_plan);
}

/* ---------- the executor's callbacks ---------- */

/* For whom a table is read: whoever owns the view that it is read through, or InvalidOid. */
static Oid
user_of(ForeignScanState *node, ForeignScan *plan)
{
#if PG_VERSION_NUM >= 160000
	return plan->checkAsUser;
#else
	Index rtindex = plan->scan.scanrelid > 0 ? plan->scan.scanrelid : (Index) bms_next_member(plan->fs_relids, -1);

	return exec_rt_fetch(rtindex, node->ss.ps.state)->checkAsUser;
#endif
}

static void
flowlog_begin(ForeignScanState *node, int eflags)
{
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
	bool aggregates = flowlog_plan_aggregates(plan);
	Oid relid = aggregates ? flowlog_aggregate_relid(plan) : RelationGetRelid(node->ss.ss_currentRelation);
	FlowlogScan *scan = flowlog_scan_begin(relid, user_of(node, plan), node->ss.ps.state->es_query_cxt);
	FlowlogQuals quals = flowlog_plan_quals(plan);

	scan->prune = flowlog_prune_create(scan, &node->ss.ps, plan->fdw_scan_tlist, &quals);
	scan->explain_only = (eflags & EXEC_FLAG_EXPLAIN_ONLY) != 0;
	if (aggregates)
		flowlog_aggregate_begin(scan, plan);
	else
		scan->tuple = flowlog_tuple_create(scan, RelationGetDescr(node->ss.ss_currentRelation),
		                                   flowlog_plan_attrs_used(plan));
	node->fdw_state = scan;
}

static TupleTableSlot *
flowlog_iterate(ForeignScanState *node)
{
	FlowlogScan *scan = node->fdw_state;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;
	FlowRecord record;

	ExecClearTuple(slot);
	if (!scan->reading)
	{
		if (scan->reader == NULL)
			flowlog_qual_build(scan, node);
		flowlog_scan_start(scan);
	}
	if (scan->aggregation != NULL)
		flowlog_aggregate_next(scan, slot);
	else if (flowlog_scan_next(scan, &record))
	{
		flowlog_tuple_fill(scan->tuple, &record, slot->tts_values, slot->tts_isnull);
		ExecStoreVirtualTuple(slot);
	}
	return slot;
}

/*
 * EvalPlanQual looks at a row again that somebody else changed, and for that runs the query's subplans anew.  Of a
 * scan of groups in one of them, which is none of the query's tables, PostgreSQL's older minor releases ask us here for
 * the next row, where newer ones iterate.
 */
static bool
flowlog_recheck(ForeignScanState *node, TupleTableSlot *slot)
{
	FlowlogScan *scan = node->fdw_state;
	MemoryContext old;

	if (scan->aggregation == NULL)
		return true;
	old = MemoryContextSwitchTo(node->ss.ps.ps_ExprContext->ecxt_per_tuple_memory);
	flowlog_iterate(node);
	MemoryContextSwitchTo(old);
	return !TupIsNull(slot);
}

/*
 * The same files again, unless what prunes them has changed; what clauses compare with may have, too.  Where workers
 * share the list, flowlog_parallel_reinitialize has seen to it.
 */
static void
flowlog_rescan(ForeignScanState *node)
{
	FlowlogScan *scan = node->fdw_state;
	FlowFilter *old = scan->filter;

	if (scan->reader == NULL)
		return;
	if (scan->aggregation != NULL)
		flowlog_aggregate_rewind(scan);
	if (node->ss.ps.chgParam == NULL)
	{
		flowlog_scan_rewind(scan);
		return;
	}
	if (scan->parallel == NULL && flowlog_prune_depends_on_run(scan->prune))
	{
		flowlog_scan_forget(scan);
		return;
	}
	scan->filter = NULL;
	flowlog_qual_build(scan, node);
	flowlog_scan_rewind(scan);
	flow_filter_free(old);
}

static void
flowlog_end(ForeignScanState *node)
{
	FlowlogScan *scan = node->fdw_state;

	if (scan == NULL)
		return;
	flowlog_scan_finish(scan);
	if (scan->aggregation != NULL)
		flowlog_aggregate_end(scan);
	MemoryContextDelete(scan->context);
	node->fdw_state = NULL;
}

static void
flowlog_explain_scan(ForeignScanState *node, struct ExplainState *es)
{
	flowlog_explain(node->fdw_state, node, es);
}

/* ---------- writers ---------- */

static List *
flowlog_plan_modify(PlannerInfo *root, ModifyTable *plan, Index relation, int subplan)
{
	RangeTblEntry *rte = planner_rt_fetch(relation, root);

	ereport(ERROR,
	        (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
	         errmsg("foreign table \"%s\" is read-only", get_rel_name(rte->relid)),
	         errdetail("Flow logs are written by the service that delivers them.")));
	return NIL;
}

/* Neither inserts nor updates nor deletes. */
static int
flowlog_is_updatable(Relation relation)
{
	return 0;
}

/* ---------- handler ---------- */

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
