/*-------------------------------------------------------------------------
 *
 * sample.c
 *	  Chooses the rows of a Parquet file that a sample reads: some row groups,
 *	  and of these some runs of rows, so that pages without any are not inflated.
 *
 * Each row is chosen with the same probability.  A choice depends on the seed
 * and on numbers alone, so it is the same whenever it is asked for.
 *
 *-------------------------------------------------------------------------
 */
#include "records_state.h"

#define MOST_RUNS 65536 /* of a row group */

/* Returns true with a probability: SplitMix64 makes a number of three. */
static bool
is_chosen(uint64_t seed, uint64_t group, uint64_t run, double share)
{
	uint64_t x = seed + UINT64_C(0x9E3779B97F4A7C15) * (group * MOST_RUNS + run + 1);

	x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
	x ^= x >> 31;
	return (double) (x >> 11) / (double) (UINT64_C(1) << 53) < share;
}

bool
flow_parquet_records_is_sampled(const FlowParquetRecords *records, size_t group)
{
	return records->sample.groups >= 1 ||
	       is_chosen(records->sample.seed, group, MOST_RUNS - 1, records->sample.groups);
}

/* Leaves out the rows of the current row group that are not chosen. */
FlowStatus
flow_parquet_records_sample(FlowParquetRecords *records, uint64_t *rows, FlowError *error)
{
	uint64_t all = records->group_rows;
	uint64_t least = all / (MOST_RUNS - 1) + 1;
	uint64_t size = records->sample.run < least ? least : records->sample.run;
	FlowParquetSkip *skips;

	*rows = 0;
	if (records->sample.rows >= 1)
		return FLOW_OK;
	skips = flow_allocate(records->host, (size_t) ((all - 1) / size + 1) * sizeof(FlowParquetSkip));
	if (skips == NULL)
		return flow_error_memory(error);
	flow_free(records->host, records->skips);
	records->skips = skips;
	records->nskips = 0;
	for (uint64_t run = 0; run * size < all; run++)
	{
		uint64_t from = run * size;
		uint64_t end = all - from < size ? all : from + size;

		if (is_chosen(records->sample.seed, records->group - 1, run, records->sample.rows))
			continue;
		if (records->nskips > 0 && skips[records->nskips - 1].end == from)
			skips[records->nskips - 1].end = end;
		else
			skips[records->nskips++] = (FlowParquetSkip) {from, end};
		*rows += end - from;
	}
	/* the block that has begun the row group begins anew */
	if (*rows > 0)
		records->at = records->count = 0;
	return FLOW_OK;
}
