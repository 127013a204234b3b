/*-------------------------------------------------------------------------
 *
 * set_collect.c
 *	  The node that collects the keys of a join's small side.
 *
 * It stands below the hash table of a hash join, and passes the rows of the
 * small relation through.  If the hash table is made of the logs, it is the
 * join's other side, and all of its rows are read, and kept, before the scan of
 * the logs begins.  runtime_set.c says who finds the keys.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/extensible.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"

typedef struct CollectState
{
	CustomScanState base;
	FlowlogKeys keys;
	Tuplestorestate *rows; /* of keys that were collected ahead; NULL: none are kept */
	TupleTableSlot *kept;  /* one of them */
	List *exprs;           /* ExprStates of what the join hashes by */
	/* of each of them, its set; NULL: it has none */
	FlowlogKeySet **sets;
} CollectState;

/* ---------- the plan ---------- */

static Plan *plan_collection(PlannerInfo *root, RelOptInfo *rel, CustomPath *best_path, List *tlist,
                             List *clauses, List *custom_plans);
static Node *create_state(CustomScan *plan);

static const CustomPathMethods path_methods = {
	.CustomName = "Flow Log Keys",
	.PlanCustomPath = plan_collection,
};

static const CustomScanMethods scan_methods = {
	.CustomName = "Flow Log Keys",
	.CreateCustomScanState = create_state,
};

/* Registers the node. */
void
flowlog_sets_init(void)
{
	RegisterCustomScanMethods(&scan_methods);
}

/* Makes the path of the node over a path of a small relation. */
Path *
flowlog_sets_collect(const Path *small, FlowlogSetPlan *plan)
{
	CustomPath *path = makeNode(CustomPath);

	path->path.pathtype = T_CustomScan;
	path->path.parent = small->parent;
	path->path.pathtarget = small->pathtarget;
	path->path.parallel_safe = small->parallel_safe && !plan->ahead;
	path->path.parallel_workers = small->parallel_workers;
	path->path.rows = small->rows;
#if PG_VERSION_NUM >= 180000
	path->path.disabled_nodes = small->disabled_nodes;
#endif
	path->path.startup_cost = small->startup_cost;
	path->path.total_cost = small->total_cost + small->rows * cpu_operator_cost;
#ifdef CUSTOMPATH_SUPPORT_PROJECTION
	path->flags = CUSTOMPATH_SUPPORT_PROJECTION;
#endif
	path->custom_paths = list_make1((Path *) small);
	path->custom_private = list_make1(plan);
	path->methods = &path_methods;
	return &path->path;
}

/* Makes the node's plan.  Its rows are those of its only child. */
static Plan *
plan_collection(PlannerInfo *root, RelOptInfo *rel, CustomPath *best_path, List *tlist,
                List *clauses, List *custom_plans)
{
	FlowlogSetPlan *sets = linitial(best_path->custom_private);
	CustomScan *scan = makeNode(CustomScan);

	scan->scan.plan.targetlist = tlist;
	scan->flags = best_path->flags;
	scan->custom_plans = custom_plans;
	scan->custom_exprs = copyObject(sets->keys);
	scan->custom_scan_tlist = copyObject(((Plan *) linitial(custom_plans))->targetlist);
	scan->custom_private = lcons_int(sets->ahead, list_copy(sets->numbers));
	scan->custom_private = lcons_int(flowlog_plan_set_param(root, sets), scan->custom_private);
	scan->methods = &scan_methods;
	return &scan->scan.plan;
}

/* Returns the number of an expression's condition, or -1. */
static int
number_of(const CustomScan *plan, int i)
{
	return list_nth_int(plan->custom_private, i + 2);
}

/* ---------- collecting ---------- */

static void
begin_collection(CustomScanState *node, EState *estate, int eflags)
{
	CollectState *self = (CollectState *) node;
	CustomScan *plan = (CustomScan *) node->ss.ps.plan;
	int param = linitial_int(plan->custom_private);
	int nexprs = list_length(plan->custom_exprs);
	int nsets = llast_int(plan->custom_private) + 1; /* the numbers ascend */
	ListCell *cell;

	node->custom_ps = list_make1(ExecInitNode(linitial(plan->custom_plans), estate, eflags));
	self->exprs = ExecInitExprList(plan->custom_exprs, &node->ss.ps);
	self->sets = palloc0(sizeof(FlowlogKeySet *) * nexprs);
	self->keys.estate = estate;
	self->keys.depends_on_parameters = !bms_is_empty(plan->scan.plan.allParam);
	/* with other parameters there are other keys, but the hash table may stay */
	self->keys.ahead = lsecond_int(plan->custom_private) && !self->keys.depends_on_parameters;
	self->keys.sets = palloc(sizeof(FlowlogKeySet *) * nsets);
	foreach(cell, plan->custom_exprs)
	{
		int i = foreach_current_index(cell);

		if (number_of(plan, i) < 0)
			continue;
		self->sets[i] = flowlog_key_set_create(CurrentMemoryContext,
		                                       getBaseType(exprType(lfirst(cell))),
		                                       exprCollation(lfirst(cell)),
		                                       flowlog_sets_memory() / nsets);
		self->keys.sets[self->keys.count++] = self->sets[i];
	}
	estate->es_param_exec_vals[param].value = PointerGetDatum(&self->keys);
}

/* Returns true if all sets hold everything. */
static bool
know_nothing(const CollectState *self)
{
	for (int i = 0; i < self->keys.count; i++)
		if (!flowlog_key_set_is_everything(self->keys.sets[i]))
			return false;
	return true;
}

/*
 * Adds the keys of the row in a context.  After a NULL, which has no match, the
 * join does not evaluate the others, and that might raise an error.
 */
static void
add_keys(CollectState *self, ExprContext *econtext)
{
	ListCell *cell;
	bool isnull = false;

	if (know_nothing(self))
		return;
	ResetExprContext(econtext);
	foreach(cell, self->exprs)
	{
		FlowlogKeySet *set = self->sets[foreach_current_index(cell)];
		MemoryContext old = MemoryContextSwitchTo(econtext->ecxt_per_tuple_memory);
		Datum key = ExecEvalExpr((ExprState *) lfirst(cell), econtext, &isnull);

		if (!isnull && set != NULL)
			flowlog_key_set_add(set, key);
		MemoryContextSwitchTo(old);
		if (isnull)
			return;
	}
}

/*
 * Puts the next row of the child into the node's slot, which has its values
 * only until the row after it, and adds its keys.  Returns false if there is
 * none.
 */
static bool
read_row(CollectState *self)
{
	TupleTableSlot *slot = self->base.ss.ss_ScanTupleSlot;
	TupleTableSlot *row;

	ExecClearTuple(slot);
	if (self->keys.complete)
		return false;
	row = ExecProcNode(linitial(self->base.custom_ps));
	if (TupIsNull(row))
	{
		self->keys.complete = true;
		self->keys.serial++;
		return false;
	}

	slot_getallattrs(row);
	memcpy(slot->tts_values, row->tts_values, sizeof(Datum) * slot->tts_tupleDescriptor->natts);
	memcpy(slot->tts_isnull, row->tts_isnull, sizeof(bool) * slot->tts_tupleDescriptor->natts);
	ExecStoreVirtualTuple(slot);
	self->base.ss.ps.ps_ExprContext->ecxt_scantuple = slot;
	add_keys(self, self->base.ss.ps.ps_ExprContext);
	return true;
}

/* Collects all keys, and keeps the rows. */
void
flowlog_sets_collect_ahead(FlowlogKeys *keys)
{
	CollectState *self = (CollectState *) ((char *) keys - offsetof(CollectState, keys));
	TupleTableSlot *slot = self->base.ss.ss_ScanTupleSlot;
	MemoryContext old = MemoryContextSwitchTo(self->base.ss.ps.state->es_query_cxt);

	if (self->rows == NULL)
	{
		self->rows = tuplestore_begin_heap(false, false, work_mem);
		self->kept = MakeSingleTupleTableSlot(slot->tts_tupleDescriptor, &TTSOpsMinimalTuple);
	}
	while (read_row(self))
	{
		CHECK_FOR_INTERRUPTS();
		tuplestore_puttupleslot(self->rows, slot);
	}
	MemoryContextSwitchTo(old);
}

/* Puts the next of the rows that are kept into the node's slot. */
static bool
take_kept_row(CollectState *self)
{
	TupleTableSlot *slot = self->base.ss.ss_ScanTupleSlot;

	ExecClearTuple(slot);
	if (!tuplestore_gettupleslot(self->rows, true, false, self->kept))
		return false;
	slot_getallattrs(self->kept);
	memcpy(slot->tts_values,
	       self->kept->tts_values,
	       sizeof(Datum) * slot->tts_tupleDescriptor->natts);
	memcpy(slot->tts_isnull,
	       self->kept->tts_isnull,
	       sizeof(bool) * slot->tts_tupleDescriptor->natts);
	ExecStoreVirtualTuple(slot);
	return true;
}

/* Returns the node's next row. */
static TupleTableSlot *
collect_next(CustomScanState *node)
{
	CollectState *self = (CollectState *) node;
	ExprContext *econtext = node->ss.ps.ps_ExprContext;

	if (self->keys.ahead && !self->keys.complete)
		flowlog_sets_collect_ahead(&self->keys);
	if (!(self->keys.ahead ? take_kept_row(self) : read_row(self)))
		return node->ss.ss_ScanTupleSlot;
	if (node->ss.ps.ps_ProjInfo == NULL)
		return node->ss.ss_ScanTupleSlot;
	ResetExprContext(econtext);
	econtext->ecxt_scantuple = node->ss.ss_ScanTupleSlot;
	return ExecProject(node->ss.ps.ps_ProjInfo);
}

static void
end_collection(CustomScanState *node)
{
	CollectState *self = (CollectState *) node;

	if (self->rows != NULL)
	{
		ExecDropSingleTupleTableSlot(self->kept);
		tuplestore_end(self->rows);
	}
	ExecEndNode(linitial(node->custom_ps));
}

static void
restart_collection(CustomScanState *node)
{
	CollectState *self = (CollectState *) node;
	PlanState *child = linitial(node->custom_ps);

	/* the rows are the same, and a hash table of the logs may be kept, too */
	if (self->keys.ahead)
	{
		if (self->rows != NULL)
			tuplestore_rescan(self->rows);
		return;
	}
	if (node->ss.ps.chgParam != NULL)
		UpdateChangedParamSet(child, node->ss.ps.chgParam);
	if (child->chgParam == NULL)
		ExecReScan(child);
	self->keys.complete = false;
	for (int i = 0; i < self->keys.count; i++)
		flowlog_key_set_clear(self->keys.sets[i]);
}

static const CustomExecMethods exec_methods = {
	.CustomName = "Flow Log Keys",
	.BeginCustomScan = begin_collection,
	.ExecCustomScan = collect_next,
	.EndCustomScan = end_collection,
	.ReScanCustomScan = restart_collection,
};

static Node *
create_state(CustomScan *plan)
{
	CollectState *self = palloc0(sizeof(CollectState));

	NodeSetTag(self, T_CustomScanState);
	self->base.flags = plan->flags;
	self->base.methods = &exec_methods;
	return (Node *) self;
}
