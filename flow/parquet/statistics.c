/*-------------------------------------------------------------------------
 *
 * statistics.c
 *	  What the statistics of a Parquet file say about the columns of a table.
 *
 * They are of the file's values, not of what a column makes of them.
 *
 *-------------------------------------------------------------------------
 */
#include "records_state.h"

/*
 * Turns the least and the greatest number of a row group into those of a time:
 * they are seconds or milliseconds, by their size; see FLOW_MAX_UNIX_SECONDS.
 */
static bool
to_times(int64_t *low, int64_t *high)
{
	const int64_t most = (int64_t) FLOW_MAX_UNIX_SECONDS;
	int64_t factor;

	if (*low < 0 || *high > INT64_MAX / 1000000)
		return false;
	if (*high <= most)
		factor = 1000000;
	else if (*low > most)
		factor = 1000;
	else
		return false;
	*low *= factor;
	*high *= factor;
	return true;
}

/* Returns what a column makes of integers between two bounds. */
FlowInterval
flow_parquet_interval(FlowType type, int64_t low, int64_t high)
{
	FlowInterval interval = {.low = low, .high = high};

	if (low > high)
		return interval;
	if (type == FLOW_INT16 || type == FLOW_INT32 || type == FLOW_INT64)
		interval.known = true;
	else if (type == FLOW_TIME)
		interval.known = to_times(&interval.low, &interval.high);
	return interval;
}

/* Returns what is known of a column in a row group. */
static FlowInterval
find_interval(const FlowParquetRecords *records, size_t group, const FlowParquetField *field)
{
	FlowParquetChunk chunk;

	if (field->leaf == NULL || field->leaf->refused != NULL ||
	    field->leaf->kind != FLOW_PARQUET_INTEGER)
		return (FlowInterval) {.known = false};
	flow_parquet_chunk(records->parquet, group, field->number, &chunk);
	if (!chunk.has_min || !chunk.has_max)
		return (FlowInterval) {.known = false};
	return flow_parquet_interval(field->column->type, chunk.number[0], chunk.number[1]);
}

void
flow_parquet_records_intervals(const FlowParquetRecords *records, size_t group,
                               FlowInterval *intervals)
{
	for (int i = 0; i < records->ncolumns; i++)
		intervals[i] = find_interval(records, group, &records->fields[i]);
}
