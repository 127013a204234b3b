/*-------------------------------------------------------------------------
 *
 * analyze.c
 *	  ANALYZE of a foreign table.
 *
 * All files are read, so that each record has the same chance to be in the
 * sample and the number of records is exact.  Only records of the sample are
 * converted.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "commands/vacuum.h"
#include "utils/sampling.h"

/* Returns the set of attributes for a whole row, for flowlog_tuple_create. */
static Bitmapset *
whole_row(void)
{
	return bms_make_singleton(0 - FirstLowInvalidHeapAttributeNumber);
}

/*
 * Returns the place of the next record in the sample, or -1: by Vitter's
 * algorithm, as for heap tables.
 */
static int
sample_place(ReservoirState reservoir, int taken, int wanted, double seen, double *skip)
{
	if (taken < wanted)
		return taken;
	if (*skip < 0)
		*skip = reservoir_get_next_S(reservoir, seen, wanted);
	if ((*skip)-- > 0)
		return -1;
	*skip = -1;
#if PG_VERSION_NUM >= 150000
	return (int) (wanted * sampler_random_fract(&reservoir->randstate));
#else
	return (int) (wanted * sampler_random_fract(reservoir->randstate));
#endif
}

/* Reads all records, and returns a sample of them (AcquireSampleRowsFunc). */
static int
acquire_sample(Relation relation, int elevel, HeapTuple *rows, int targrows, double *totalrows,
               double *totaldeadrows)
{
	TupleDesc desc = RelationGetDescr(relation);
	FlowlogScan *scan =
		flowlog_scan_begin(RelationGetRelid(relation), InvalidOid, CurrentMemoryContext);
	FlowlogTuple *tuple = flowlog_scan_create_tuple(scan, desc, whole_row());
	Datum *values = palloc(sizeof(Datum) * desc->natts);
	bool *isnull = palloc(sizeof(bool) * desc->natts);
	ReservoirStateData reservoir;
	double skip = -1;
	double seen = 0;
	int taken = 0;
	FlowRecord record;

	/* put the records of the sample into rows */
	reservoir_init_selection_state(&reservoir, targrows);
	flowlog_scan_start(scan);
	while (flowlog_scan_next(scan, &record))
	{
		int place = sample_place(&reservoir, taken, targrows, seen, &skip);

		if (place >= 0)
		{
			flowlog_tuple_fill(tuple, &record, values, isnull);
			if (place < taken)
				heap_freetuple(rows[place]);
			else
				taken++;
			rows[place] = heap_form_tuple(desc, values, isnull);
		}
		seen++;
	}

	ereport(elevel,
	        errmsg("\"%s\": %llu files contain %.0f rows; %d rows in sample",
	               RelationGetRelationName(relation),
	               (unsigned long long) flow_reader_counts(scan->reader)->files_read,
	               seen,
	               taken));
	flowlog_scan_finish(scan);
	MemoryContextDelete(scan->context);

	*totalrows = seen;
	*totaldeadrows = 0;
	return taken;
}

/*
 * Returns the function that takes the sample, and the size of the files in
 * pages.
 */
bool
flowlog_analyze(Relation relation, AcquireSampleRowsFunc *func, BlockNumber *totalpages)
{
	FlowlogScan *scan =
		flowlog_scan_begin(RelationGetRelid(relation), InvalidOid, CurrentMemoryContext);
	uint64_t pages;

	flowlog_scan_list(scan);
	pages = (scan->objects->bytes + BLCKSZ - 1) / BLCKSZ;
	MemoryContextDelete(scan->context);

	*totalpages = (BlockNumber) Min(Max(pages, 1), MaxBlockNumber);
	*func = acquire_sample;
	return true;
}
