/*-------------------------------------------------------------------------
 *
 * reader_piece.c
 *	  The rows of a piece, those of split lines or of a block: their part of
 *	  the ledger, and the checks of their fields.
 *
 *-------------------------------------------------------------------------
 */
#include "expression.h"
#include "filter.h"
#include "reader.h"
#include "top.h"

/* ---------- the ledger ---------- */

/*
 * Enters the lines up to an end into the ledger: those that were not handed
 * out were filtered.
 */
void
flow_reader_settle(FlowReader *reader, size_t end)
{
	size_t lines = reader->records != NULL ? end - reader->settled
	                                       : flow_lines_count(reader->lines, reader->settled, end);

	reader->line += lines;
	reader->counts.lines += lines;
	reader->counts.rows += reader->records != NULL ? lines : 0;
	reader->counts.filtered += lines - reader->taken;
	reader->taken = 0;
	reader->settled = end;
}

/* Returns the end after a row. */
size_t
flow_reader_row_end(const FlowReader *reader, uint32_t row)
{
	return reader->records != NULL ? row + 1 : flow_lines_behind(reader->lines, row);
}

/*
 * Enters the lines up to the row that was handed out last, if a row was handed
 * out.
 */
void
flow_reader_flush(FlowReader *reader)
{
	if (reader->taken > 0)
		flow_reader_settle(reader, flow_reader_row_end(reader, reader->rows[reader->row - 1]));
}

/* Counts as emitted the rows that were dropped last; all others up to them were returned. */
void
flow_reader_count_dropped(FlowReader *reader)
{
	if (reader->dropped == 0)
		return;
	flow_reader_settle(reader, reader->dropped_end);
	reader->counts.filtered -= reader->dropped;
	reader->counts.emitted += reader->dropped;
	reader->dropped = 0;
}

/* ---------- checks ---------- */

/*
 * Lists the columns that are checked in every row.  Under 'ignore', and where
 * columns are NOT NULL, more columns are checked than the filter reads (see
 * flow_reader_check_columns).  A row's field in a column of unbounded text is
 * always good.
 */
void
flow_reader_list_checks(FlowReader *reader)
{
	bool all = reader->spec.on_error == FLOW_ON_ERROR_IGNORE;

	for (int i = 0; i < reader->ncolumns; i++)
	{
		const FlowColumn *column = &reader->columns[i];

		if (column->source != FLOW_FROM_RECORD ||
		    (!column->not_null && (!all || (column->type == FLOW_TEXT && column->max_chars < 0))))
			continue;
		reader->checks[reader->nchecks++] = (FlowColumnCheck) {i, flow_value_good_digits(column)};
	}
}

/* Returns true if a field is not a value of its column. */
bool
flow_reader_is_bad(const FlowReader *reader, int column, FlowSlice field)
{
	FlowValue value;
	FlowStatus status = flow_value_read(&reader->columns[column], reader->host, field, &value);

	return status != FLOW_OK && status != FLOW_END;
}

/*
 * Returns true if a row's field in a column is bad.  The row is then taken
 * singly.
 */
static inline bool
is_doubtful(const FlowReader *reader, uint32_t row, const FlowColumnCheck *check)
{
	const FlowBatch *batch = reader->batch;
	int place = batch->place[check->column];
	FlowSlice field = {NULL, 0};

	if (place >= 0)
	{
		uint32_t end = row + (uint32_t) place;
		uint32_t start = batch->next[(ptrdiff_t) end - 1];

		field = (FlowSlice) {batch->data + start, batch->next[end] - 1 - start};
		if (flow_likely((batch->digits[end / 8] >> (end % 8) & 1) &&
		                field.len <= check->good_digits))
			return false;
	}
	return flow_reader_is_bad(reader, check->column, field);
}

/* Marks all rows as doubtful if a value that they share is bad. */
void
flow_reader_doubt_constants(FlowReader *reader)
{
	for (size_t i = 0; reader->bad_constant && i < reader->nrows; i++)
		reader->rows[i] |= FLOW_ROW_DOUBTFUL;
}

/* Marks the rows with a bad field in a checked column as doubtful. */
void
flow_reader_doubt_columns(FlowReader *reader)
{
	uint32_t *rows = reader->rows;

	flow_reader_doubt_constants(reader);
	for (int j = 0; j < reader->nchecks; j++)
		for (size_t i = 0; i < reader->nrows; i++)
			if (!(rows[i] & FLOW_ROW_DOUBTFUL) && is_doubtful(reader, rows[i], &reader->checks[j]))
				rows[i] |= FLOW_ROW_DOUBTFUL;
}

/* ---------- the best rows ---------- */

/* Drops rows that are not among the best; the others stay at the beginning. */
size_t
flow_reader_drop(FlowReader *reader, size_t from, size_t end, size_t dropped_end)
{
	FlowBatch batch = *reader->batch;
	size_t kept;

	batch.rows = reader->rows + from;
	batch.count = end - from;
	kept = flow_top_select(reader->spec.top, &batch, reader->rows + from);
	reader->dropped = batch.count - kept;
	reader->dropped_end = dropped_end;
	return kept;
}

/* ---------- the filter ---------- */

/* Applies the filter to the rows of the piece. */
FlowStatus
flow_reader_select(FlowReader *reader)
{
	FlowStatus status = FLOW_OK;

	if (reader->selector != NULL)
		status = flow_selector_apply_first(reader->selector,
		                                   reader->batch,
		                                   reader->rows,
		                                   &reader->nrows);
	reader->piece_waits = status == FLOW_NEED_VALUE;
	if (reader->piece_waits)
		reader->needed = 0;
	return status;
}
