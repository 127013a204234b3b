/*-------------------------------------------------------------------------
 *
 * parallel.c
 *	  The executor's callbacks for a scan by several processes, which share a
 *	  work queue (see work_queue.c); and whether workers may read a table.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include "access/parallel.h"
#include "access/table.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "storage/dsm.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

/* ---------- planning ---------- */

static bool
is_unsafe_function(Oid function, void *context)
{
	return func_parallel(function) != PROPARALLEL_SAFE;
}

/*
 * Returns true if the expression calls a function that workers must not call.
 * is_parallel_safe() would not do: it finds only what the query is known to
 * call.
 */
static bool
calls_unsafe_function(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, CoerceToDomain) || check_functions_in_node(node, is_unsafe_function, context))
		return true;
	return expression_tree_walker(node, calls_unsafe_function, context);
}

/* Returns true if workers may check the domain's constraints. */
static bool
constraints_are_parallel_safe(Oid domain)
{
	/* not on the stack: it is registered with the memory context's reset */
	DomainConstraintRef *ref = palloc(sizeof(DomainConstraintRef));
	ListCell *cell;

	InitDomainConstraintRef(domain, ref, CurrentMemoryContext, false);
	foreach(cell, ref->constraints)
	{
		DomainConstraintState *constraint = lfirst(cell);

		if (calls_unsafe_function((Node *) constraint->check_expr, NULL))
			return false;
	}
	return true;
}

/*
 * Returns true if workers may run the type's input function, and what that
 * calls.
 */
static bool
input_is_parallel_safe(Oid type)
{
	Oid element;
	Oid input;
	Oid ioparam;

	switch (get_typtype(type))
	{
		case TYPTYPE_DOMAIN:
			return constraints_are_parallel_safe(type) && input_is_parallel_safe(getBaseType(type));
		case TYPTYPE_BASE:
		case TYPTYPE_ENUM:
			element = get_element_type(type);
			if (OidIsValid(element) && !input_is_parallel_safe(element))
				return false;
			getTypeInputInfo(type, &input, &ioparam);
			return func_parallel(input) == PROPARALLEL_SAFE;
		default:
			return false; /* made of other types, and too rare to be checked */
	}
}

/*
 * Returns true if workers may read the table: if they may run the input
 * functions of all types that only PostgreSQL reads.
 */
bool
flowlog_is_parallel_safe(PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte)
{
	Relation relation = table_open(rte->relid, NoLock);
	TupleDesc desc = RelationGetDescr(relation);
	bool safe = true;

	for (int i = 0; i < desc->natts && safe; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		FlowColumn column = {0};

		if (attribute->attisdropped || attribute->attgenerated != '\0')
			continue;
		flowlog_column_set_type(&column, attribute->atttypid, attribute->atttypmod);
		safe = column.type != FLOW_OPAQUE || input_is_parallel_safe(attribute->atttypid);
	}
	table_close(relation, NoLock);
	return safe;
}

/* ---------- the executor's callbacks ---------- */

/*
 * Returns true if the query uses line numbers, for which files must not be
 * cut.
 */
static bool
needs_lines(const FlowlogScan *scan)
{
	const int *columns;
	int count = 0;

	columns = scan->tuple != NULL ? flowlog_tuple_columns(scan->tuple, &count) : NULL;
	for (int i = 0; i < count; i++)
		if (scan->table->columns[columns[i]].source == FLOW_FROM_LINE)
			return true;
	return false;
}

/* Returns the size of the query's shared memory: the handle of the segment. */
Size
flowlog_parallel_estimate(ForeignScanState *node, ParallelContext *pcxt)
{
	return sizeof(dsm_handle);
}

/*
 * Makes the work queue, in the leader.  Without shared memory there are no
 * workers either, and the leader reads alone.
 */
void
flowlog_parallel_initialize(ForeignScanState *node, ParallelContext *pcxt, void *coordinate)
{
	FlowlogScan *scan = node->fdw_state;
	FlowlogStore *store = flowlog_aggregate_store(scan);
	dsm_handle *handle = coordinate;
	int participants = pcxt->nworkers + 1;
	FlowlogQueueSpec spec;

	*handle = DSM_HANDLE_INVALID;
	if (pcxt->seg == NULL)
		return;

	/* the complete list, unless it may grow while it is read */
	if (!flowlog_scan_prepare(scan))
		flowlog_scan_list(scan);
	spec = (FlowlogQueueSpec) {
		.table = scan->table,
		.objects = scan->objects,
		.answers = scan->answers,
		.bytes_before = scan->bytes_before,
		.processes = scan->backend.descriptors.processes,
		.whole = needs_lines(scan),
		.unsettled = flowlog_prune_waits_for_sets(scan->prune),
		.exchange_size = store != NULL ? flowlog_exchange_size(participants) : 0,
	};

	/* make the queue; partial groups are exchanged in its segment */
	scan->queue = flowlog_queue_create(scan->context, &spec);
	if (flowlog_queue_grows(scan->queue))
		scan->objects = (FlowObjects *) flowlog_queue_objects(scan->queue, scan);
	if (store != NULL)
		flowlog_store_create_exchange(store,
		                              flowlog_queue_exchange(scan->queue),
		                              participants,
		                              flowlog_queue_segment(scan->queue));
	*handle = dsm_segment_handle(flowlog_queue_segment(scan->queue));
}

/*
 * Prepares for a rescan.  No worker is running.  Files are listed again if
 * run-time parameters prune them.
 */
void
flowlog_parallel_reinitialize(ForeignScanState *node, ParallelContext *pcxt, void *coordinate)
{
	FlowlogScan *scan = node->fdw_state;
	FlowlogStore *store = flowlog_aggregate_store(scan);

	if (scan->queue == NULL)
		return;
	if (store != NULL)
		/* the segment may own its temporary files */
		flowlog_store_reset(store);
	if (flowlog_prune_depends_on_run(scan->prune))
	{
		flowlog_scan_forget(scan);
		flowlog_parallel_initialize(node, pcxt, coordinate);
		return;
	}
	flowlog_queue_rewind(scan->queue);
	if (store != NULL)
		flowlog_store_reset_exchange(store);
}

/* Attaches to the work queue, in a worker. */
void
flowlog_parallel_initialize_worker(ForeignScanState *node, shm_toc *toc, void *coordinate)
{
	FlowlogScan *scan = node->fdw_state;
	FlowlogStore *store = flowlog_aggregate_store(scan);

	scan->queue = flowlog_queue_attach(scan->context, *(dsm_handle *) coordinate);
	scan->backend.descriptors.processes = flowlog_queue_processes(scan->queue);
	if (flowlog_queue_grows(scan->queue))
		(void) flowlog_scan_prepare(scan);
	scan->objects = (FlowObjects *) flowlog_queue_objects(scan->queue, scan);
	if (store != NULL)
		flowlog_store_attach_exchange(store,
		                              flowlog_queue_exchange(scan->queue),
		                              ParallelWorkerNumber + 1,
		                              flowlog_queue_segment(scan->queue));
}

/*
 * Publishes the counts while shared memory exists: the leader needs them when
 * the workers have ended.  May be called several times, and the scan may go on
 * afterwards.
 */
void
flowlog_parallel_shutdown(ForeignScanState *node)
{
	FlowlogScan *scan = node->fdw_state;

	if (scan != NULL && scan->queue != NULL)
		flowlog_scan_publish(scan);
}
