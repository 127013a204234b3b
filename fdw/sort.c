/*-------------------------------------------------------------------------
 *
 * sort.c
 *	  A scan that returns its rows in an order: reads all of them, sorts them,
 *	  and returns them.
 *
 * They are sorted in memory (see sort_rows.c).  When they turn out to need more
 * than work_mem, they go to PostgreSQL's own sort, which goes to disk.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"
#include "sort.h"

#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/tuplesort.h"

struct FlowlogSort
{
	MemoryContext context; /* of the rows; reset when the scan begins again */
	TupleDesc desc;
	int nkeys;
	FlowlogSortKey *keys;
	int nattributes;
	int *attributes; /* that rows have: attnums - 1 */

	/* either, or none before the scan has begun */
	FlowlogSortRows *rows;
	Tuplesortstate *tuplesort;

	/* for PostgreSQL's sort: rows to be sorted, and sorted ones */
	TupleTableSlot *unsorted, *sorted;
	bool done; /* all are sorted */
};

/* Prepares scan->sort, if the plan has an order. */
void
flowlog_sort_begin(FlowlogScan *scan, ForeignScanState *node)
{
	MemoryContext old = MemoryContextSwitchTo(scan->context);
	int nkeys;
	FlowlogSortKey *keys = flowlog_sort_keys((const ForeignScan *) node->ss.ps.plan, &nkeys);
	const int *columns;
	FlowlogSort *self;

	MemoryContextSwitchTo(old);
	if (keys == NULL)
		return;
	self = MemoryContextAllocZero(scan->context, sizeof(FlowlogSort));
	self->context =
		AllocSetContextCreate(scan->context, "flowlog_fdw sort", ALLOCSET_DEFAULT_SIZES);
	self->desc = RelationGetDescr(node->ss.ss_currentRelation);
	self->nkeys = nkeys;
	self->keys = keys;
	columns = flowlog_tuple_columns(scan->tuple, &self->nattributes);
	self->attributes = MemoryContextAlloc(scan->context, sizeof(int) * Max(self->nattributes, 1));
	for (int i = 0; i < self->nattributes; i++)
		self->attributes[i] = scan->table->attnums[columns[i]] - 1;
	self->unsorted = ExecInitExtraTupleSlot(node->ss.ps.state, self->desc, &TTSOpsVirtual);
	self->sorted = ExecInitExtraTupleSlot(node->ss.ps.state, self->desc, &TTSOpsMinimalTuple);
	scan->sort = self;
}

/* ---------- PostgreSQL's sort ---------- */

static void
begin_tuplesort(FlowlogSort *self)
{
	AttrNumber *attnums = palloc(sizeof(AttrNumber) * self->nkeys);
	Oid *operators = palloc(sizeof(Oid) * self->nkeys);
	Oid *collations = palloc(sizeof(Oid) * self->nkeys);
	bool *nulls_first = palloc(sizeof(bool) * self->nkeys);

	for (int i = 0; i < self->nkeys; i++)
	{
		attnums[i] = self->keys[i].attnum;
		operators[i] = self->keys[i].opno;
		collations[i] = self->keys[i].collation;
		nulls_first[i] = self->keys[i].nulls_first;
	}
	self->tuplesort = tuplesort_begin_heap(self->desc,
	                                       self->nkeys,
	                                       attnums,
	                                       operators,
	                                       collations,
	                                       nulls_first,
	                                       work_mem,
	                                       NULL,
	                                       0); /* no random access, no bound */
}

/* Adds the row in a slot's arrays to PostgreSQL's sort. */
static void
put_row(FlowlogSort *self, TupleTableSlot *slot)
{
	ExecStoreVirtualTuple(slot);
	tuplesort_puttupleslot(self->tuplesort, slot);
	ExecClearTuple(slot);
}

/*
 * Gives PostgreSQL's sort the rows that are in memory, in their order: it makes
 * a run of rows that are sorted already in little time.
 */
static void
hand_over(FlowlogSort *self)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(self->desc, &TTSOpsVirtual);

	memset(slot->tts_isnull, true, sizeof(bool) * self->desc->natts);
	begin_tuplesort(self);
	flowlog_sort_rows_sort(self->rows);
	while (flowlog_sort_rows_next(self->rows, slot->tts_values, slot->tts_isnull))
	{
		CHECK_FOR_INTERRUPTS();
		put_row(self, slot);
	}
	ExecDropSingleTupleTableSlot(slot);
	flowlog_sort_rows_free(self->rows);
	self->rows = NULL;
}

/* ---------- execution ---------- */

/* Reads and sorts all rows. */
static void
sort_all(FlowlogScan *scan)
{
	FlowlogSort *self = scan->sort;
	TupleTableSlot *slot = self->unsorted;
	MemoryContext old = MemoryContextSwitchTo(self->context);
	FlowRecord record;

	self->rows = flowlog_sort_rows_create(self->desc,
	                                      self->attributes,
	                                      self->nattributes,
	                                      self->keys,
	                                      self->nkeys,
	                                      work_mem * (Size) 1024);
	memset(slot->tts_isnull, true, sizeof(bool) * self->desc->natts);
	while (flowlog_scan_next(scan, &record))
	{
		flowlog_tuple_fill(scan->tuple, &record, slot->tts_values, slot->tts_isnull);
		if (self->rows != NULL &&
		    flowlog_sort_rows_add(self->rows, slot->tts_values, slot->tts_isnull))
			continue;
		if (self->rows != NULL)
			hand_over(self);
		put_row(self, slot);
	}
	if (self->tuplesort != NULL)
		tuplesort_performsort(self->tuplesort);
	else
		flowlog_sort_rows_sort(self->rows);
	self->done = true;
	MemoryContextSwitchTo(old);
}

/* Returns the next row. */
TupleTableSlot *
flowlog_sort_next(FlowlogScan *scan, TupleTableSlot *slot)
{
	FlowlogSort *self = scan->sort;

	if (!self->done)
	{
		sort_all(scan);
		memset(slot->tts_isnull, true, sizeof(bool) * self->desc->natts);
	}
	if (self->tuplesort != NULL)
	{
		tuplesort_gettupleslot(self->tuplesort, true, false, self->sorted, NULL);
		return self->sorted;
	}
	if (flowlog_sort_rows_next(self->rows, slot->tts_values, slot->tts_isnull))
		ExecStoreVirtualTuple(slot);
	return slot;
}

/* Begins again. */
bool
flowlog_sort_rewind(FlowlogScan *scan, bool unchanged)
{
	FlowlogSort *self = scan->sort;

	if (self == NULL)
		return false;
	if (unchanged && self->done && self->rows != NULL)
	{
		flowlog_sort_rows_rewind(self->rows);
		return true;
	}
	flowlog_sort_end(scan);
	return false;
}

/* Ends PostgreSQL's sort, and frees the rows. */
void
flowlog_sort_end(FlowlogScan *scan)
{
	FlowlogSort *self = scan->sort;

	if (self == NULL)
		return;
	ExecClearTuple(self->sorted);
	if (self->tuplesort != NULL)
		tuplesort_end(self->tuplesort);
	self->tuplesort = NULL;
	self->rows = NULL;
	self->done = false;
	MemoryContextReset(self->context);
}

/* Reports how rows were sorted. */
bool
flowlog_sort_report(const FlowlogScan *scan, FlowlogSortReport *report)
{
	const FlowlogSort *self = scan->sort;
	TuplesortInstrumentation instrumentation;

	if (self == NULL || !self->done)
		return false;
	if (self->tuplesort == NULL)
	{
		*report = (FlowlogSortReport) {
			.method = "ranks",
			.space_type = "Memory",
			.space = (int64) (flowlog_sort_rows_memory(self->rows) + 1023) / 1024,
		};
		return true;
	}
	tuplesort_get_stats(self->tuplesort, &instrumentation);
	*report = (FlowlogSortReport) {
		.method = tuplesort_method_name(instrumentation.sortMethod),
		.space_type = tuplesort_space_type_name(instrumentation.spaceType),
		.space = instrumentation.spaceUsed,
	};
	return true;
}
