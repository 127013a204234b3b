/*-------------------------------------------------------------------------
 *
 * group_slot.c
 *	  Slots for groups, whose columns are made when they are asked for.
 *
 * Of a million groups that are only counted, no value is wanted.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include "executor/tuptable.h"

typedef struct GroupSlot
{
	VirtualTupleTableSlot virtual;
	FlowlogScan *scan;
	FlowlogFillFunction fill;
	MemoryContext memory; /* for values */
} GroupSlot;

/* Makes the columns of the group that the scan is at. */
static void
get_columns(TupleTableSlot *slot, int natts)
{
	const GroupSlot *group = (const GroupSlot *) slot;
	MemoryContext old = MemoryContextSwitchTo(group->memory);

	group->fill(group->scan, slot);
	MemoryContextSwitchTo(old);
}

static void
materialize(TupleTableSlot *slot)
{
	slot_getallattrs(slot);
	TTSOpsVirtual.materialize(slot);
}

static HeapTuple
copy_heap_tuple(TupleTableSlot *slot)
{
	slot_getallattrs(slot);
	return TTSOpsVirtual.copy_heap_tuple(slot);
}

static MinimalTuple
#if PG_VERSION_NUM >= 180000
copy_minimal_tuple(TupleTableSlot *slot, Size extra)
{
	slot_getallattrs(slot);
	return TTSOpsVirtual.copy_minimal_tuple(slot, extra);
}
#else
copy_minimal_tuple(TupleTableSlot *slot)
{
	slot_getallattrs(slot);
	return TTSOpsVirtual.copy_minimal_tuple(slot);
}
#endif

/* Makes the slot in which a scan returns its groups; the query's end clears it. */
TupleTableSlot *
flowlog_group_slot_create(FlowlogScan *scan, ForeignScanState *node, FlowlogFillFunction fill)
{
	/* slots are cleared after the scan has ended */
	MemoryContext old = MemoryContextSwitchTo(node->ss.ps.state->es_query_cxt);
	TupleTableSlotOps *ops = palloc(sizeof(TupleTableSlotOps));
	GroupSlot *slot;

	*ops = TTSOpsVirtual;
	ops->base_slot_size = sizeof(GroupSlot);
	ops->getsomeattrs = get_columns;
	ops->materialize = materialize;
	ops->copy_heap_tuple = copy_heap_tuple;
	ops->copy_minimal_tuple = copy_minimal_tuple;
	slot = (GroupSlot *) ExecAllocTableSlot(&node->ss.ps.state->es_tupleTable,
	                                        node->ss.ss_ScanTupleSlot->tts_tupleDescriptor,
	                                        ops);
	slot->scan = scan;
	slot->fill = fill;
	slot->memory = node->ss.ps.ps_ExprContext->ecxt_per_tuple_memory;
	MemoryContextSwitchTo(old);
	return &slot->virtual.base;
}

/* Stores a group, none of whose columns is made yet. */
void
flowlog_group_slot_store(TupleTableSlot *slot)
{
	ExecClearTuple(slot);
	slot->tts_flags &= ~TTS_FLAG_EMPTY;
	slot->tts_nvalid = 0;
}
