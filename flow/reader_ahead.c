/*-------------------------------------------------------------------------
 *
 * reader_ahead.c
 *	  Announces to a store what the reader will read of a Parquet file, so that
 *	  it is fetched by few requests, and before it is needed.
 *
 * How much of a row group is read becomes known in stages.  Each waits for
 * bytes of the stage before it, so a row group begins with the stage that the
 * last one has reached, and the row groups after it are announced up to there;
 * unless a page index may say that far less is needed, which is then read with
 * the dictionaries.
 *
 *-------------------------------------------------------------------------
 */
#include "bytes/source.h"
#include "filter.h"
#include "parquet/records.h"
#include "reader.h"

#include <string.h>

/*
 * If no more bytes than these are needed of a row group in which rows may pass,
 * all are announced: they take 7 ms at 80 MB/s, and another stage takes 30.
 */
#define FEW_BYTES (512 * 1024)

/* Row groups are announced up to these numbers of bytes and of row groups. */
#define AHEAD_BYTES (16 * 1024 * 1024)
#define AHEAD_GROUPS 8

/* A search for values by the statistics of a row group. */
typedef struct GroupSearch
{
	FlowSearch base;
	const FlowParquetRecords *records;
	size_t group;
} GroupSearch;

static bool
may_have(FlowSearch *base, int column, FlowOp op, const FlowValue *constants, size_t count)
{
	const GroupSearch *search = (const GroupSearch *) base;

	return flow_parquet_records_may_have(search->records,
	                                     search->group,
	                                     column,
	                                     op,
	                                     constants,
	                                     count);
}

/*
 * Finds out whether rows of a row group may pass, by the statistics of its
 * columns; none does if the sample has none of it.
 */
FlowStatus
flow_reader_may_pass(const FlowReader *reader, const FlowParquetRecords *records, size_t group,
                     bool *may_pass, FlowError *error)
{
	const FlowFilter *filter = reader->spec.filter;
	GroupSearch search = {{may_have}, records, group};
	FlowInterval *intervals;

	*may_pass = flow_parquet_records_is_sampled(records, group);
	if (!*may_pass || !flow_reader_prunes(reader))
		return FLOW_OK;
	intervals = flow_allocate(reader->host, ((size_t) reader->ncolumns + 1) * sizeof(FlowInterval));
	if (intervals == NULL)
		return flow_error_memory(error);
	flow_parquet_records_intervals(records, group, intervals);
	*may_pass = flow_filter_may_pass(filter, intervals) &&
	            (filter->root == NULL || flow_filter_may_find(filter->root, &search.base));
	flow_free(reader->host, intervals);
	return FLOW_OK;
}

/* Returns the first stage that a row group has. */
static FlowReadStage
first_stage(const FlowReader *reader)
{
	if (reader->spec.filter == NULL || reader->selector == NULL)
		return FLOW_STAGE_PASSED;
	return reader->spec.prune_groups ? FLOW_STAGE_DICTIONARIES : FLOW_STAGE_FILTER;
}

/* Marks the columns that are read up to a stage. */
static void
mark_columns(const FlowReader *reader, FlowReadStage stage, bool *columns)
{
	const FlowNeeded *needed = &reader->needed_columns;

	for (int i = 0; i < reader->ncolumns; i++)
		columns[i] = needed->filter[i] ||
		             (stage >= FLOW_STAGE_PASSED &&
		              (needed->fields[i] || needed->vectors[i] || needed->codes[i] ||
		               needed->checked[i] || needed->ranked[i])) ||
		             (stage >= FLOW_STAGE_ROWS && needed->single[i]);
}

/*
 * Returns true if the page index of a row group is read first.  "columns" has
 * room for marks of those that are needed if rows pass, which it then has.
 */
static bool
awaits_index(const FlowReader *reader, const FlowParquetRecords *records, size_t group,
             bool *columns)
{
	if (!flow_reader_prunes(reader) || reader->index_useless || reader->spec.sample != NULL)
		return false;
	mark_columns(reader, FLOW_STAGE_PASSED, columns);
	return flow_parquet_records_index_pays(records, group, reader->needed_columns.filter, columns);
}

/* Lists the ranges of a row group up to a stage; of "index", too, if that is not NULL. */
static FlowStatus
list_ranges(const FlowReader *reader, const FlowParquetRecords *records, size_t group,
            bool *columns, FlowReadStage stage, const bool *index, FlowRange *ranges, size_t *count,
            uint64_t *bytes, FlowError *error)
{
	const FlowParquetNeeds needs = {columns,
	                                stage == FLOW_STAGE_DICTIONARIES,
	                                reader->needed_columns.sought,
	                                index};

	mark_columns(reader, stage, columns);
	return flow_parquet_records_ranges(records, group, &needs, ranges, count, bytes, error);
}

/*
 * Lists the ranges of the current row group up to a stage; or up to a later one,
 * to which *stage is set, if there is nothing before that, or if it is hardly
 * more and nothing says that it will not be reached; or up to an earlier one
 * that has its page index.
 */
static FlowStatus
list_current(const FlowReader *reader, bool *columns, FlowReadStage *stage, FlowRange *ranges,
             size_t *count, uint64_t *bytes, FlowError *error)
{
	const FlowParquetRecords *records = reader->records;
	size_t group = flow_parquet_records_group(records);
	bool *passed = columns + reader->ncolumns;
	FlowReadStage wanted = *stage;
	FlowStatus status;

	if (reader->index_awaited && awaits_index(reader, records, group, passed))
	{
		*stage = FLOW_STAGE_DICTIONARIES;
		return list_ranges(
			reader, records, group, columns, *stage, passed, ranges, count, bytes, error);
	}
	if (wanted < FLOW_STAGE_PASSED && (wanted > reader->expected_stage || !reader->has_expected))
	{
		*stage = FLOW_STAGE_PASSED;
		status =
			list_ranges(reader, records, group, columns, *stage, NULL, ranges, count, bytes, error);
		if (status != FLOW_OK || *bytes <= FEW_BYTES)
			return status;
	}
	for (*stage = wanted;; *stage = FLOW_STAGE_FILTER)
	{
		status =
			list_ranges(reader, records, group, columns, *stage, NULL, ranges, count, bytes, error);
		if (status != FLOW_OK || *count > 0 || *stage != FLOW_STAGE_DICTIONARIES)
			return status;
	}
}

/*
 * Lists the ranges of the row groups after one, up to a stage.  *bytes is the
 * size of those that are listed already, as steps before "step".
 */
static FlowStatus
list_later(const FlowReader *reader, const FlowParquetRecords *records, size_t group, uint32_t step,
           FlowReadStage stage, bool *columns, FlowRange *ranges, size_t *count, uint64_t *bytes,
           FlowError *error)
{
	bool *passed = columns + reader->ncolumns;
	FlowStatus status = FLOW_OK;

	while (step < AHEAD_GROUPS && status == FLOW_OK && *bytes < AHEAD_BYTES)
	{
		bool may_pass = false;
		bool awaits;
		size_t added = 0;
		uint64_t more = 0;

		if (flow_interrupted(reader->host))
			return flow_error_interrupted(error);
		if (!flow_parquet_records_after(records, &group))
			break;
		status = flow_reader_may_pass(reader, records, group, &may_pass, error);
		if (status != FLOW_OK || !may_pass)
			continue;
		awaits = awaits_index(reader, records, group, passed);
		status = list_ranges(reader,
		                     records,
		                     group,
		                     columns,
		                     awaits ? FLOW_STAGE_DICTIONARIES : stage,
		                     awaits ? passed : NULL,
		                     ranges + *count,
		                     &added,
		                     &more,
		                     error);
		for (size_t i = 0; i < added; i++)
			ranges[*count + i].step = step;
		*count += added;
		*bytes += more;
		step++;
	}
	return status;
}

/* Makes room for the ranges that are announced, and for two marks of columns. */
static FlowStatus
make_lists(const FlowReader *reader, const FlowParquetRecords *records, FlowRange **ranges,
           bool **columns, FlowError *error)
{
	size_t ncolumns = (size_t) reader->ncolumns;
	size_t room = flow_parquet_records_room(records, flow_parquet_records_group(records)) +
	              (AHEAD_GROUPS - 1) * flow_parquet_records_room(records, SIZE_MAX - 1);

	*ranges = flow_allocate(reader->host, (room + 1) * sizeof(FlowRange));
	*columns = flow_allocate(reader->host, 2 * ncolumns + 1);
	return *ranges != NULL && *columns != NULL ? FLOW_OK : flow_error_memory(error);
}

/* Announces what the current row group needs up to a stage. */
FlowStatus
flow_reader_plan(FlowReader *reader, FlowReadStage stage, FlowError *error)
{
	FlowRange *ranges;
	bool *columns;
	size_t count = 0;
	uint64_t bytes;
	FlowStatus status;

	if (stage > reader->reached_stage)
		reader->reached_stage = stage;
	if (stage <= reader->planned_stage || !flow_source_has_plan(reader->source))
		return FLOW_OK;
	status = make_lists(reader, reader->records, &ranges, &columns, error);
	if (status == FLOW_OK)
		status = list_current(reader, columns, &stage, ranges, &count, &bytes, error);
	if (status == FLOW_OK)
		status = list_later(reader,
		                    reader->records,
		                    flow_parquet_records_group(reader->records),
		                    1,
		                    reader->reached_stage > reader->expected_stage ? reader->reached_stage
		                                                                   : reader->expected_stage,
		                    columns,
		                    ranges,
		                    &count,
		                    &bytes,
		                    error);
	if (status == FLOW_OK)
		status = flow_source_plan(reader->source, ranges, count, error);
	flow_free(reader->host, columns);
	flow_free(reader->host, ranges);
	reader->planned_stage = stage;
	return status;
}

/* Announces what a row group that begins probably needs. */
FlowStatus
flow_reader_plan_group(FlowReader *reader, FlowError *error)
{
	FlowReadStage first = first_stage(reader);

	/* the stage that the last row group has reached */
	reader->has_expected = reader->reached_stage != FLOW_STAGE_NONE;
	reader->expected_stage = reader->reached_stage > first ? reader->reached_stage : first;
	reader->planned_stage = FLOW_STAGE_NONE;
	reader->index_awaited = true;
	if (flow_reader_plan(reader, reader->expected_stage, error) != FLOW_OK)
		return error->status;
	reader->reached_stage = first;
	return FLOW_OK;
}

/* Finds out whether the page index of the row group is read before its columns. */
FlowStatus
flow_reader_awaits_index(const FlowReader *reader, bool **columns, FlowError *error)
{
	*columns = NULL;
	if (!flow_source_has_plan(reader->source))
		return FLOW_OK;
	*columns = flow_allocate(reader->host, (size_t) reader->ncolumns + 1);
	if (*columns == NULL)
		return flow_error_memory(error);
	if (!awaits_index(reader,
	                  reader->records,
	                  flow_parquet_records_group(reader->records),
	                  *columns))
	{
		flow_free(reader->host, *columns);
		*columns = NULL;
	}
	return FLOW_OK;
}

/* ---------- the next files ---------- */

/* Announces the first row groups of a file that was opened. */
static FlowStatus
plan_opened(FlowReader *reader, FlowOpened *opened, FlowError *error)
{
	FlowRange *ranges;
	bool *columns;
	FlowReadStage first = first_stage(reader);
	size_t count = 0;
	uint64_t bytes = 0;
	FlowStatus status = make_lists(reader, opened->records, &ranges, &columns, error);

	/* the row groups after the one before the first */
	if (status == FLOW_OK)
		status = list_later(reader,
		                    opened->records,
		                    SIZE_MAX,
		                    0,
		                    reader->reached_stage > first ? reader->reached_stage : first,
		                    columns,
		                    ranges,
		                    &count,
		                    &bytes,
		                    error);
	if (status == FLOW_OK)
		status = flow_source_plan(opened->source, ranges, count, error);
	flow_free(reader->host, columns);
	flow_free(reader->host, ranges);
	return status;
}

static void
close_opened(FlowOpened *opened)
{
	flow_parquet_records_close(opened->records);
	flow_source_close(opened->source);
	*opened = (FlowOpened) {0};
}

/* Opens a part's file ahead and announces its first row groups. */
static FlowStatus
open_ahead(FlowReader *reader, const FlowPart *part, FlowOpened *opened, FlowError *error)
{
	const FlowObject *object = &reader->spec.objects->items[part->object];
	FlowStatus status;

	*opened = (FlowOpened) {.path = object->path};
	status = flow_reader_open_source(reader, object, &opened->source, error);
	if (status == FLOW_OK && !flow_source_is_parquet(opened->source))
		status = FLOW_END;
	if (status == FLOW_OK)
		status = flow_reader_open_records(reader,
		                                  part,
		                                  opened->source,
		                                  &opened->records,
		                                  &opened->lacks_field,
		                                  error);
	return status == FLOW_OK ? plan_opened(reader, opened, error) : status;
}

/* Returns the first announced part whose file was not opened, or NULL. */
static const FlowPart *
next_unopened(const FlowReader *reader)
{
	for (int i = 0; i < reader->nannounced && i <= reader->nopened; i++)
	{
		const FlowPart *part = &reader->announced[i];
		const char *path = reader->spec.objects->items[part->object].path;
		bool known = false;

		for (int j = 0; j < reader->nopened && !known; j++)
			known = reader->opened[j].path == path;
		if (!known)
			return part;
	}
	return NULL;
}

/* Opens the next file, if its footer has arrived. */
void
flow_reader_open_ahead(FlowReader *reader)
{
	FlowStore *store = reader->spec.access.store;
	FlowOpened *opened = &reader->opened[reader->nopened];
	const FlowPart *part;
	const FlowObject *object;
	FlowError error;

	if (store == NULL || store->storage->has_ends == NULL || reader->nannounced == 0 ||
	    reader->nopened == FLOW_READER_OPENED || (part = next_unopened(reader)) == NULL)
		return;
	object = &reader->spec.objects->items[part->object];
	if (object->path == reader->unopened || !store->storage->has_ends(store, object))
		return;
	if (open_ahead(reader, part, opened, &error) == FLOW_OK)
		reader->nopened++;
	else
	{
		close_opened(opened);
		reader->unopened = object->path;
	}
}

/* Makes an object's file the current one, if it was opened ahead. */
bool
flow_reader_take_opened(FlowReader *reader, const FlowObject *object)
{
	for (int i = 0; i < reader->nopened; i++)
		if (reader->opened[i].path == object->path)
		{
			reader->source = reader->opened[i].source;
			reader->records = reader->opened[i].records;
			reader->lacks_field = reader->opened[i].lacks_field;
			reader->nopened--;
			memmove(&reader->opened[i],
			        &reader->opened[i + 1],
			        (size_t) (reader->nopened - i) * sizeof(FlowOpened));
			return true;
		}
	return false;
}

void
flow_reader_close_opened(FlowReader *reader)
{
	for (; reader->nopened > 0; reader->nopened--)
		close_opened(&reader->opened[reader->nopened - 1]);
	reader->unopened = NULL;
}
