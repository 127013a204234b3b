/*-------------------------------------------------------------------------
 *
 * analyze.c
 *	  ANALYZE of a foreign table.
 *
 * Each record has the same chance to be in the sample.  Logs of text are read
 * whole, as nothing else tells how many records they have.  The footer of a
 * Parquet file does; so of large ones only some row groups are read, and of
 * these some runs of rows.  Of text the same share of records is then
 * considered.  Only records of the sample are converted.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "commands/vacuum.h"
#include "utils/sampling.h"

/*
 * Rows of Parquet files are left out if there are probably more than this
 * number for each row of the sample.  Rows that follow each other are alike,
 * so more of them are read than are needed.
 */
#define ROWS_PER_SAMPLED 20

#define RUNS 300 /* about so many runs of rows are read */
#define LEAST_RUN 64

/* Row groups of which some rows are read, if there are as many. */
#define LEAST_GROUPS 64

/* Returns a random number above 0 and below 1. */
static double
random_fraction(ReservoirState reservoir)
{
#if PG_VERSION_NUM >= 150000
	return sampler_random_fract(&reservoir->randstate);
#else
	return sampler_random_fract(reservoir->randstate);
#endif
}

/* Returns the rows of a Parquet file; 0 if they are not known. */
static double
count_rows(FlowlogScan *scan, const FlowObject *object)
{
	FlowAccess access = flowlog_get_access(scan->store);
	FlowProbe probe;
	FlowError error; /* the scan will report it */
	double rows = 0;

	if (flow_object_probe(&scan->backend.host,
	                      object,
	                      &access,
	                      scan->table->options.compression,
	                      true,
	                      NULL,
	                      &probe,
	                      &error) == FLOW_OK)
		rows = (double) probe.rows;
	flow_probe_free(&scan->backend.host, &probe);
	return rows;
}

/*
 * Chooses how much is read of Parquet files; false if it is all.  How many rows
 * they have is estimated by the largest.  A file has at least one row group.
 */
static bool
choose_sample(FlowlogScan *scan, int wanted, ReservoirState reservoir, FlowSample *sample)
{
	const FlowObject *largest = NULL;
	double bytes = 0;
	double files = 0;
	double share;

	for (size_t i = 0; i < scan->objects->count; i++)
	{
		const FlowObject *object = &scan->objects->items[i];

		if (!flow_source_is_parquet_by_name(object->path))
			continue;
		bytes += (double) object->size;
		files++;
		if (largest == NULL || object->size > largest->size)
			largest = object;
	}
	/* with fewer bytes than that, it does not matter */
	if (bytes < (double) wanted * ROWS_PER_SAMPLED)
		return false;
	share = (double) wanted * ROWS_PER_SAMPLED /
	        Max(count_rows(scan, largest) * bytes / (double) largest->size, 1);
	if (share >= 1)
		return false;
	sample->run = Max(wanted * ROWS_PER_SAMPLED / RUNS, LEAST_RUN);
	sample->groups = Min(Max(LEAST_GROUPS / files, share), 1);
	sample->rows = share / sample->groups;
	sample->seed = (uint64_t) (random_fraction(reservoir) * (double) (UINT64_C(1) << 53));
	return true;
}

/*
 * Returns the number of records among the rows of Parquet files that were left
 * out: the same share as of those that were read.
 */
static double
count_left_out(const FlowCounts *counts, double seen)
{
	return counts->rows == 0 ? (double) counts->rows_pruned
	                         : rint((double) counts->rows_pruned * seen / (double) counts->rows);
}

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
	return (int) (wanted * random_fraction(reservoir));
}

/* Reads records, and returns a sample of them (AcquireSampleRowsFunc). */
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
	double seen_rows = 0;
	double considered = 0;
	int taken = 0;
	FlowSample sample;
	FlowRecord record;

	/* put the records of the sample into rows */
	reservoir_init_selection_state(&reservoir, targrows);
	flowlog_scan_list(scan);
	if (choose_sample(scan, targrows, &reservoir, &sample))
		scan->sample = &sample;
	flowlog_scan_start(scan);
	while (flowlog_scan_next(scan, &record))
	{
		int place;

		seen++;
		if (flow_reader_is_parquet(scan->reader))
			seen_rows++;
		else if (scan->sample != NULL && random_fraction(&reservoir) >= sample.groups * sample.rows)
			continue;
		place = sample_place(&reservoir, taken, targrows, considered++, &skip);
		if (place >= 0)
		{
			flowlog_tuple_fill(tuple, &record, values, isnull);
			if (place < taken)
				heap_freetuple(rows[place]);
			else
				taken++;
			rows[place] = heap_form_tuple(desc, values, isnull);
		}
	}
	seen += count_left_out(flow_reader_counts(scan->reader), seen_rows);

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
