/*-------------------------------------------------------------------------
 *
 * reader_group.c
 *	  Adds the records that pass a filter to groups: many rows at once, except
 *	  doubtful rows and rows with a bad field.
 *
 *-------------------------------------------------------------------------
 */
#include "index_totals.h"
#include "index_values.h"
#include "lines.h"
#include "reader.h"

#include <string.h>

/*
 * What the functions below return while there is room; FLOW_OK means that the
 * groups are full.
 */
#define GO_ON FLOW_END

/* Rows that are looked at together. */
#define ROWS_AT_ONCE 64

/* Returns the number of the last set. */
static inline int
last_set(const FlowReader *reader)
{
	return reader->values != NULL ? 1 : reader->ngroups - 1;
}

/* Adds a batch to a set, as flow_groups_add does. */
static FlowStatus
add_batch(const FlowReader *reader, int set, const FlowBatch *batch, size_t *done, bool bad_is_null,
          FlowBadField *bad)
{
	if (reader->values != NULL)
		return set == 0 ? flow_index_totals_add(reader->totals, batch, done, bad_is_null, bad)
		                : flow_index_values_add(reader->values, batch, done, bad_is_null, bad);
	return flow_groups_add(reader->groups[set], batch, done, bad_is_null, bad);
}

/* Adds the record in reader->fields to a set; until it is there, group_waits is set. */
static FlowStatus
add_record(FlowReader *reader, int set, FlowError *error)
{
	FlowBatch batch = {.count = 1, .fields = reader->fields};

	for (;;)
	{
		FlowBadField bad;
		size_t done = 0;
		FlowStatus status = add_batch(reader, set, &batch, &done, reader->group_nulls, &bad);

		reader->group_waits = status == FLOW_LIMIT || status == FLOW_NEED_VALUE;
		reader->needed = bad.column;
		if (status == FLOW_LIMIT)
			return FLOW_OK;
		if (status == FLOW_NEED_VALUE)
			return status;
		if (status == FLOW_INTERRUPTED)
			return flow_error_interrupted(error);
		if (status == FLOW_NO_MEMORY)
			return flow_error_memory(error);
		if (status == FLOW_OK)
			return GO_ON;

		/* try again, with nulls for bad fields if that is allowed */
		if (reader->group_nulls)
			return flow_reader_error_leaves(reader,
			                                flow_reader_bad_field_error(reader, bad, error),
			                                error);
		reader->group_nulls = true;
		if ((status = flow_reader_bad_field(reader, bad, error)) != FLOW_OK)
			return status;
	}
}

/*
 * Adds the record in reader->fields to all sets, to the first one last.  It is
 * counted as emitted once it is there.
 */
static FlowStatus
group_record(FlowReader *reader, FlowError *error)
{
	bool nulled = reader->line_nulled;

	/* its fields may be long, and a block may have the same one for many rows */
	if (flow_interrupted(reader->host))
		return flow_error_interrupted(error);
	for (int i = last_set(reader); i >= 0; i--)
	{
		FlowStatus status = add_record(reader, i, error);

		reader->full = i;
		if (status != GO_ON)
			return status;
	}
	reader->counts.emitted++;
	reader->group_nulls = false;
	return !nulled && reader->line_nulled && reader->spec.report_rejects ? FLOW_REJECTED : GO_ON;
}

/* Returns the number of rows, from the next one on, before a doubtful one. */
static size_t
count_plain_rows(const FlowReader *reader)
{
	const uint32_t *rows = reader->rows;
	size_t row = reader->row, count = reader->nrows;

	/* many at a time: most are plain */
	while (row + ROWS_AT_ONCE <= count)
	{
		uint32_t marks = 0;

		for (size_t i = row; i < row + ROWS_AT_ONCE; i++)
			marks |= rows[i];
		if (marks & FLOW_ROW_DOUBTFUL)
			break;
		row += ROWS_AT_ONCE;
	}
	while (row < count && !(rows[row] & FLOW_ROW_DOUBTFUL))
		row++;
	return row - reader->row;
}

/*
 * Adds the rows of a batch to all sets, to the first one last, which gets those
 * that all others have taken: so a row is in the first set if and only if it is
 * "done".  What the result says is about the row after these.
 */
static FlowStatus
add_rows(FlowReader *reader, FlowBatch batch, size_t *done, FlowBadField *bad)
{
	FlowStatus result = FLOW_OK;

	*done = 0;
	for (int i = last_set(reader); i >= 0; i--)
	{
		FlowBadField found;
		size_t added = 0;
		FlowStatus status = add_batch(reader, i, &batch, &added, false, &found);

		if (i > 0 && (status == FLOW_INTERRUPTED || status == FLOW_NO_MEMORY))
			return status;
		if (status == FLOW_OK)
			continue;
		result = status;
		batch.count = added;
		*bad = found;
		reader->full = i;
	}
	*done = batch.count;
	return result;
}

/*
 * Adds the rows up to a doubtful one.  The first row with a bad field is added
 * as a single record.
 */
static FlowStatus
group_rows(FlowReader *reader, FlowError *error)
{
	FlowBatch batch = *reader->batch;
	FlowBadField bad = {-1, FLOW_OK};
	size_t done;
	FlowStatus status;

	batch.rows = reader->rows + reader->row;
	batch.count = count_plain_rows(reader);
	status = add_rows(reader, batch, &done, &bad);
	reader->row += done;
	reader->taken += done;
	reader->counts.emitted += done;
	if (status == FLOW_OK)
		return GO_ON;
	if (status == FLOW_LIMIT)
		return FLOW_OK;
	if (status == FLOW_INTERRUPTED)
		return flow_error_interrupted(error);
	if (status == FLOW_NO_MEMORY)
		return flow_error_memory(error);
	if (status == FLOW_NEED_VALUE && bad.column == 0)
	{
		reader->needed = 0;
		return status;
	}

	/* the next row has a bad field, or needs a value: add it by itself */
	if (reader->records != NULL)
		status = flow_reader_fill_row(reader, batch.rows[done], error);
	else
		for (int i = 0; i < reader->ncolumns; i++)
			reader->fields[i] = flow_batch_field(&batch, done, i);
	if (reader->records != NULL && status != FLOW_OK)
		return status;
	reader->row++;
	reader->taken++;
	reader->line_nulled = false;
	return group_record(reader, error);
}

/* Adds the records that pass to all sets until one is full. */
static FlowStatus
group_all(FlowReader *reader, FlowError *error)
{
	FlowStatus status = GO_ON;

	while (status == GO_ON)
	{
		bool is_row = false;

		if (!reader->group_waits &&
		    (status = flow_reader_advance(reader, &is_row, error)) != FLOW_OK)
			return flow_reader_error_leaves(reader, status, error);
		status = is_row ? group_rows(reader, error) : group_record(reader, error);
	}
	return flow_reader_error_leaves(reader, status, error);
}

/* Adds the records that pass to several sets of groups until one is full. */
FlowStatus
flow_reader_group_all(FlowReader *reader, FlowGroups *const *groups, int ngroups, int *full,
                      FlowError *error)
{
	FlowStatus status;

	reader->groups = groups;
	reader->ngroups = ngroups;
	reader->totals = NULL;
	reader->values = NULL;
	status = group_all(reader, error);
	*full = reader->full;
	return status;
}

/* Adds the records that pass to the groups until these are full. */
FlowStatus
flow_reader_group(FlowReader *reader, FlowGroups *groups, FlowError *error)
{
	int full;

	reader->only_groups = groups;
	return flow_reader_group_all(reader, &reader->only_groups, 1, &full, error);
}

/* Adds the records that pass to totals and values until the values are full. */
FlowStatus
flow_reader_index(FlowReader *reader, FlowIndexTotals *totals, FlowIndexValues *values,
                  FlowError *error)
{
	reader->groups = NULL;
	reader->ngroups = 0;
	reader->totals = totals;
	reader->values = values;
	return group_all(reader, error);
}

/* Adds a record that an index has. */
FlowStatus
flow_reader_group_given(FlowReader *reader, FlowGroups *groups, FlowGroups *alike,
                        const FlowSlice *fields, uint64_t times, FlowError *error)
{
	FlowBadField bad = {-1, FLOW_OK};
	FlowStatus status;

	/* the host may be asked for a value of it */
	memcpy(reader->fields, fields, (size_t) reader->ncolumns * sizeof(FlowSlice));
	if (flow_interrupted(reader->host))
		return flow_error_interrupted(error);
	status = flow_groups_add_repeated(groups, alike, fields, times, &bad);
	reader->needed = bad.column;
	switch (status)
	{
		case FLOW_OK:
			return FLOW_END;
		case FLOW_LIMIT:
			return FLOW_OK;
		case FLOW_NEED_VALUE:
			return status;
		case FLOW_INTERRUPTED:
			return flow_error_interrupted(error);
		case FLOW_NO_MEMORY:
			return flow_error_memory(error);
		default:
			return flow_reader_bad_field_error(reader, bad, error);
	}
}
