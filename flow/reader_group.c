/*-------------------------------------------------------------------------
 *
 * reader_group.c
 *	  Adds the records that pass a filter to groups: many rows at once, except
 *	  doubtful rows and rows with a bad field.
 *
 *-------------------------------------------------------------------------
 */
#include "lines.h"
#include "reader.h"

/*
 * What the functions below return while there is room; FLOW_OK means that the
 * groups are full.
 */
#define GO_ON FLOW_END

/*
 * Adds the record in reader->fields.  It is counted as emitted once it is in a
 * group; until then group_waits is set.
 */
static FlowStatus
group_record(FlowReader *reader, FlowGroups *groups, FlowError *error)
{
	FlowBatch batch = {.count = 1, .fields = reader->fields};
	bool nulled = reader->line_nulled;

	for (;;)
	{
		FlowBadField bad;
		size_t done = 0;
		FlowStatus status = flow_groups_add(groups, &batch, &done, reader->group_nulls, &bad);

		reader->group_waits = status == FLOW_LIMIT;
		if (status == FLOW_LIMIT)
			return FLOW_OK;
		if (status == FLOW_NO_MEMORY)
			return flow_error_memory(error);
		if (status == FLOW_OK)
		{
			reader->counts.emitted++;
			reader->group_nulls = false;
			return !nulled && reader->line_nulled && reader->spec.report_rejects ? FLOW_REJECTED
			                                                                     : GO_ON;
		}

		/* try again, with nulls for bad fields if that is allowed */
		reader->group_nulls = true;
		if ((status = flow_reader_bad_field(reader, bad, error)) != FLOW_OK)
			return status;
	}
}

/* Returns the number of rows, from the next one on, before a doubtful one. */
static size_t
count_plain_rows(const FlowReader *reader)
{
	size_t row = reader->row;

	while (row < reader->nrows && !(reader->lines->rows[row] & FLOW_ROW_DOUBTFUL))
		row++;
	return row - reader->row;
}

/*
 * Adds the rows up to a doubtful one.  The first row with a bad field is added
 * as a single record.
 */
static FlowStatus
group_rows(FlowReader *reader, FlowGroups *groups, FlowError *error)
{
	FlowBatch batch = reader->lines->batch;
	FlowBadField bad;
	size_t done = 0;
	FlowStatus status;

	batch.rows = reader->lines->rows + reader->row;
	batch.count = count_plain_rows(reader);
	status = flow_groups_add(groups, &batch, &done, false, &bad);
	reader->row += done;
	reader->taken += done;
	reader->counts.emitted += done;
	if (status == FLOW_OK)
		return GO_ON;
	if (status == FLOW_LIMIT)
		return FLOW_OK;
	if (status == FLOW_NO_MEMORY)
		return flow_error_memory(error);

	/* the next row has a bad field: add it by itself */
	reader->row++;
	reader->taken++;
	reader->line_nulled = false;
	for (int i = 0; i < reader->ncolumns; i++)
		reader->fields[i] = flow_batch_field(&batch, done, i);
	return group_record(reader, groups, error);
}

/* Adds the records that pass to the groups until these are full. */
FlowStatus
flow_reader_group(FlowReader *reader, FlowGroups *groups, FlowError *error)
{
	FlowStatus status = GO_ON;

	while (status == GO_ON)
	{
		bool is_row = false;

		if (!reader->group_waits &&
		    (status = flow_reader_advance(reader, &is_row, error)) != FLOW_OK)
			return flow_reader_error_leaves(reader, status, error);
		status = is_row ? group_rows(reader, groups, error) : group_record(reader, groups, error);
	}
	return flow_reader_error_leaves(reader, status, error);
}
