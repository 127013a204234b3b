/*-------------------------------------------------------------------------
 *
 * reader_group.c
 *	  The records that pass a filter, into groups: many rows at once as long as
 *	  there is nothing special about them.
 *
 *-------------------------------------------------------------------------
 */
#include "lines.h"
#include "reader.h"

/*
 * What the functions below return while there is room; FLOW_OK says that the
 * groups are full.
 */
#define GO_ON FLOW_END

/*
 * Adds the record in reader->fields.  It is counted as emitted when it is in a
 * group; until then reader->group_waits.
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

		/* once more, with nulls for bad fields if that is allowed */
		reader->group_nulls = true;
		if ((status = flow_reader_bad_field(reader, bad, error)) != FLOW_OK)
			return status;
	}
}

/* Rows that are not doubtful, from the next one on. */
static size_t
count_plain_rows(const FlowReader *reader)
{
	size_t row = reader->row;

	while (row < reader->nrows && !(reader->lines->rows[row] & FLOW_ROW_DOUBTFUL))
		row++;
	return row - reader->row;
}

/* As many rows as there are, as far as they have no bad field. */
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

	/* the next one has a bad field: it goes on by itself */
	reader->row++;
	reader->taken++;
	reader->line_nulled = false;
	for (int i = 0; i < reader->ncolumns; i++)
		reader->fields[i] = flow_batch_field(&batch, done, i);
	return group_record(reader, groups, error);
}

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
