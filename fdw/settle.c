/*-------------------------------------------------------------------------
 *
 * settle.c
 *	  Decides which files of a shared list are read, once the sets of the
 *	  query's joins are known.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include "miscadmin.h"

/*
 * Leaves out the files in which no record can have a value of the sets of the
 * query's joins, as the table's index says.  The leader had to list before the
 * sets were known.  Each process has collected the same ones, and the first
 * that reads asks the index for all.
 */
void
flowlog_settle(FlowlogScan *scan)
{
	const FlowObjects *objects = scan->objects;
	bool *pruned = NULL;
	uint64 not_indexed = 0;

	if (scan->queue == NULL || !flowlog_queue_claim(scan->queue, &scan->backend))
		return;
	flowlog_prune_set_filter(scan->prune, scan->filter);
	(void) flowlog_prune_begin(scan->prune);
	if (flowlog_prune_uses_index(scan->prune))
		pruned = MemoryContextAllocHuge(scan->listing, objects->count + 1);
	for (size_t i = 0; pruned != NULL && i < objects->count; i++)
	{
		FlowPruning pruning = flowlog_prune_file_by_index(scan->prune, &objects->items[i]);

		if (i % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
		pruned[i] = pruning == FLOW_PRUNE_BY_INDEX;
		not_indexed += pruning == FLOW_KEEP_UNINDEXED;
	}
	flowlog_queue_settle(scan->queue, scan->table, objects, pruned, not_indexed);
	flowlog_prune_end(scan->prune);
}
