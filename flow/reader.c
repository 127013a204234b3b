/*-------------------------------------------------------------------------
 *
 * reader.c
 *	  Returns the records of some files that pass a filter, one after the
 *	  other, and keeps the ledger, in which every line is accounted for.
 *
 * If the format has a shape, the lines of a block are split and filtered a
 * piece at a time (lines.c, filter_batch.c), and the remaining rows are handed
 * out one by one.  All other lines are read singly, through
 * flow_reader_next_line and flow_reader_take_line: the first line of each
 * file, lines that do not have the shape, and doubtful rows.  The ledger is
 * brought up to date with the rows only when it is needed.
 *
 *-------------------------------------------------------------------------
 */
#include "bytes/source.h"
#include "filter.h"
#include "format.h"
#include "lines.h"
#include "memo.h"
#include "reader.h"
#include "selector.h"

#include <string.h>

/* ---------- buffers ---------- */

/*
 * Frees the buffers of a reader that has ended; its counts and its first
 * reject stay.  A query over partitions has a reader for each of them, and
 * only one at a time is working, so the others must not keep buffers.
 */
static void
free_buffers(FlowReader *reader)
{
	flow_free(reader->host, reader->long_line);
	reader->long_line = NULL;
	flow_free(reader->host, reader->allocation);
	reader->allocation = reader->block = reader->cursor = reader->end = reader->stop = NULL;
	reader->headroom = 0;
	reader->scanned = 0;
	if (reader->lines != NULL)
		flow_lines_free_room(reader->lines);
	flow_free(reader->host, reader->block_rows);
	flow_free(reader->host, reader->needed_columns.fields);
	for (int i = 0; reader->entry_checks != NULL && i < reader->ncolumns; i++)
		flow_free(reader->host, reader->entry_checks[i].bad);
	flow_free(reader->host, reader->entry_checks);
	reader->block_rows = NULL;
	reader->needed_columns.fields = NULL;
	reader->entry_checks = NULL;
	flow_selector_free(reader->selector);
	reader->selector = NULL;
	reader->layout = NULL;
}

/* ---------- split lines to records ---------- */

/* Closes the piece, all rows of which were handed out. */
static void
close_piece(FlowReader *reader)
{
	if (reader->piece == 0)
		return;
	flow_reader_count_dropped(reader);
	flow_reader_settle(reader, reader->piece);
	reader->row = reader->nrows = reader->piece = 0;
}

/*
 * Returns the number of bytes from the cursor on in which all lines belong to
 * the part: up to the end of the last line that begins at or before the part's
 * end.
 */
static size_t
owned_bytes(const FlowReader *reader)
{
	const char *newline;

	if (flow_likely(reader->stop == reader->end))
		return (size_t) (reader->end - reader->cursor);
	if (reader->cursor > reader->stop)
		return 0;
	newline = memchr(reader->stop, '\n', (size_t) (reader->end - reader->stop));
	return (size_t) ((newline != NULL ? newline + 1 : reader->stop) - reader->cursor);
}

/*
 * Keeps the rows of the piece that pass; FLOW_NEED_VALUE if values are awaited
 * first.
 */
static FlowStatus
select_rows(FlowReader *reader, FlowError *error)
{
	FlowStatus status;

	if (reader->records != NULL)
		return flow_reader_select_block(reader, error);
	status = flow_reader_select(reader);
	if (status == FLOW_INTERRUPTED)
		return flow_error_interrupted(error);
	if (status == FLOW_OK)
	{
		flow_reader_doubt_columns(reader);
		reader->ranked = reader->spec.top != NULL ? reader->row : SIZE_MAX;
	}
	return status;
}

/*
 * Splits a piece of the block and keeps the rows that pass.  FLOW_END: nothing
 * can be split, so the next line must be read singly.
 */
static FlowStatus
split_piece(FlowReader *reader, FlowError *error)
{
	size_t len = owned_bytes(reader);

	/*
	 * flow_reader_next_line handles the first line of a file and what may come
	 * before it
	 */
	if (reader->lines == NULL || reader->layout == NULL || reader->line < reader->first_line ||
	    reader->discarding || len == 0)
		return FLOW_END;
	if (flow_interrupted(reader->host))
		return flow_error_interrupted(error);

	len = flow_lines_split(reader->lines, reader->cursor, len);
	if (len == 0)
		return FLOW_END;
	reader->cursor += len;
	reader->scanned = 0;
	reader->settled = 0;
	reader->row = 0;
	reader->batch = &reader->lines->batch;
	reader->rows = reader->lines->rows;
	reader->nrows = reader->lines->nrows;
	reader->piece = reader->lines->ends->count;
	flow_memo_settle(flow_filter_memo(reader->spec.filter));
	return select_rows(reader, error);
}

/*
 * Drops rows, from the next one up to a doubtful one.  That may be a header,
 * after which the piece is split again, so no later row may be looked at yet.
 * The rows that stay move up to the doubtful one.
 */
static void
drop_rows_of_lines(FlowReader *reader)
{
	uint32_t *rows = reader->rows;
	size_t end = reader->row;
	size_t kept;

	flow_reader_count_dropped(reader);
	flow_reader_flush(reader);
	while (end < reader->nrows && !(rows[end] & FLOW_ROW_DOUBTFUL))
		end++;
	reader->ranked = end;
	if (end == reader->row)
	{
		reader->ranked++;
		return;
	}
	kept = flow_reader_drop(reader, reader->row, end, flow_reader_row_end(reader, rows[end - 1]));
	memmove(rows + end - kept, rows + reader->row, kept * sizeof(uint32_t));
	reader->row = end - kept;
}

/*
 * Drops the rest of the piece after a header in it has changed the layout: the
 * lines after the header must be split again.
 */
static void
drop_rest_of_piece(FlowReader *reader)
{
	FlowLines *lines = reader->lines;

	reader->cursor = (char *) lines->batch.data + lines->ends->next[reader->settled - 1];
	reader->row = reader->nrows = reader->piece = 0;
}

/* Puts all fields of a row into reader->fields. */
static void
fill_fields(FlowReader *reader, uint32_t row)
{
	FlowBatch batch = reader->lines->batch;

	batch.rows = &row;
	for (int i = 0; i < reader->ncolumns; i++)
		reader->fields[i] = flow_batch_field(&batch, 0, i);
	flow_reader_set_others(reader);
}

/* Takes a doubtful row as a single line, or as a single record if it is one. */
static FlowStatus
take_row_plainly(FlowReader *reader, FlowError *error)
{
	const FlowLayout *layout = reader->layout;
	FlowStatus status;
	uint32_t marked = reader->rows[reader->row++];
	uint32_t row = marked & ~FLOW_ROW_MARKS;
	FlowSlice text = flow_lines_line(reader->lines, row);
	FlowLine line = {text.data, text.len, false, false};

	flow_reader_settle(reader, row);
	reader->settled = flow_lines_behind(reader->lines, row);
	flow_reader_begin_line(reader, &line);
	if (marked & FLOW_ROW_NEEDS)
	{
		fill_fields(reader, row);
		return flow_reader_take_record(reader, &line, error);
	}
	status = flow_reader_take_line(reader, &line, error);
	if (reader->layout != layout)
		drop_rest_of_piece(reader);
	return status;
}

/* Sets the wanted fields of the row that was handed out last. */
static void
fill_wanted(FlowReader *reader)
{
	const FlowBatch *batch = reader->batch;
	uint32_t row = reader->rows[reader->row - 1];

	for (int i = 0; i < reader->nwanted; i++)
	{
		int column = reader->wanted[i];
		int place = batch->place[column];
		uint32_t end = row + (uint32_t) place;

		if (place >= 0)
		{
			uint32_t start = batch->next[(ptrdiff_t) end - 1];

			reader->fields[column] =
				(FlowSlice) {batch->data + start, batch->next[end] - 1 - start};
		}
		else
			reader->fields[column] = reader->constant[column];
	}
	if (flow_unlikely(reader->wants_line))
	{
		flow_reader_flush(reader);
		flow_reader_set_line(reader);
	}
}

/*
 * Continues with a record whose value has arrived: it is tested again.  If the
 * filter was changed for that, the selector learns the order of the conjuncts
 * anew.
 */
static FlowStatus
take_up_waiting(FlowReader *reader, FlowError *error)
{
	FlowStatus status = FLOW_OK;

	if (reader->resolved != reader->spec.filter->resolved)
		status = flow_reader_make_selector(reader, error);
	return status == FLOW_OK ? flow_reader_take_waiting(reader, error) : status;
}

/* Reads on until there is a record or a row to return. */
FlowStatus
flow_reader_advance(FlowReader *reader, bool *is_row, FlowError *error)
{
	*is_row = false;
	if (reader->record_waits)
	{
		reader->record_waits = false;
		return FLOW_OK;
	}

	for (;;)
	{
		FlowStatus status;
		FlowLine line;

		/*
		 * a value has arrived, rows remain, no file is open, or the next piece
		 * or line is read
		 */
		if (flow_unlikely(reader->value_waits))
			status = take_up_waiting(reader, error);
		else if (flow_unlikely(reader->piece_waits))
		{
			if ((status = select_rows(reader, error)) == FLOW_OK)
				continue;
		}
		else if (reader->row < reader->nrows)
		{
			if (flow_unlikely(reader->row == reader->ranked))
			{
				drop_rows_of_lines(reader);
				continue;
			}
			if (!(reader->rows[reader->row] & FLOW_ROW_DOUBTFUL))
			{
				*is_row = true;
				return FLOW_OK;
			}
			status = reader->records != NULL ? flow_reader_take_row(reader, error)
			                                 : take_row_plainly(reader, error);
		}
		else if (reader->source == NULL)
		{
			status = flow_reader_open_next(reader, error);
			if (status == FLOW_OK && flow_source_is_parquet(reader->source))
				status = flow_reader_begin_parquet(reader, error);
			if (status == FLOW_OK)
				continue;
			if (status == FLOW_END)
				free_buffers(reader);
			return status;
		}
		else
		{
			close_piece(reader);
			status = reader->records != NULL ? flow_reader_next_block(reader, error)
			                                 : split_piece(reader, error);
			if (status == FLOW_OK)
				continue;
			if (status == FLOW_END && reader->records == NULL)
				status = flow_reader_next_line(reader, &line, error);
			if (status == FLOW_END)
			{
				const FlowObject *ended = reader->object;

				flow_reader_close_source(reader);
				if (!reader->spec.pause_at_files)
					continue;
				reader->ended = ended;
				return FLOW_END;
			}
			if (status != FLOW_OK)
				return status == FLOW_INTERRUPTED ? status
				                                  : flow_reader_error_here(reader, status, error);
			status = flow_reader_take_line(reader, &line, error);
		}
		if (status != FLOW_END)
			return status;

		/* a pattern may take long for every line */
		if (flow_interrupted(reader->host))
			return flow_error_interrupted(error);
	}
}

/*
 * Returns true if the record in reader->fields is dropped.  A row of a block
 * may have become doubtful after its key was taken, which counts once.
 */
static bool
drops_record(FlowReader *reader)
{
	FlowBatch batch = {.count = 1, .fields = reader->fields};
	bool is_taken = reader->records != NULL && reader->ranked == SIZE_MAX;

	return reader->spec.top != NULL && !is_taken &&
	       flow_top_select(reader->spec.top, &batch, NULL) == 0;
}

/* Returns the next record that passes the filter. */
FlowStatus
flow_reader_next(FlowReader *reader, FlowRecord *record, FlowError *error)
{
	bool is_row;
	FlowStatus status = flow_reader_advance(reader, &is_row, error);

	while (status == FLOW_OK && !is_row && drops_record(reader))
	{
		reader->counts.emitted++;
		status = flow_reader_advance(reader, &is_row, error);
	}
	if (status != FLOW_OK)
		return flow_reader_error_leaves(reader, status, error);
	if (is_row)
	{
		reader->row++;
		reader->taken++;
		reader->line_nulled = false;
		fill_wanted(reader);
	}
	reader->counts.emitted++;
	record->fields = reader->fields;
	return FLOW_OK;
}

int
flow_reader_needed(const FlowReader *reader)
{
	return reader->needed;
}

FlowRecord
flow_reader_waiting(const FlowReader *reader)
{
	return (FlowRecord) {reader->fields};
}

const FlowObject *
flow_reader_file(const FlowReader *reader)
{
	return reader->object != NULL ? reader->object : reader->ended;
}

bool
flow_reader_is_parquet(const FlowReader *reader)
{
	return reader->records != NULL;
}

/* Handles a bad field that the host found in the current record. */
FlowStatus
flow_reader_bad_field(FlowReader *reader, FlowBadField bad, FlowError *error)
{
	FlowStatus status;

	flow_reader_flush(reader);
	status = flow_reader_bad_field_error(reader, bad, error);
	if (status != FLOW_NO_MEMORY && reader->spec.on_error == FLOW_ON_ERROR_SET_NULL &&
	    !reader->columns[bad.column].not_null)
		status = flow_reader_null_line(reader, NULL, error);
	return flow_reader_error_leaves(reader, status, error);
}

/* ---------- the reader as an object ---------- */

/* Copies the counts of the list of objects, which may have grown. */
static void
count_listed(FlowReader *reader)
{
	const FlowObjects *objects = reader->spec.objects;
	FlowCounts *counts = &reader->counts;

	counts->files_skipped = objects->skipped;
	counts->files_known = objects->known;
	counts->files_answered = objects->answered;
	counts->files_not_indexed = objects->not_indexed;
	counts->pruned = objects->pruned;
	counts->files_pruned = flow_pruned_files(&objects->pruned);
	counts->files =
		objects->count + counts->files_skipped + counts->files_pruned + counts->files_answered;
	counts->bytes = objects->bytes;
}

/* Makes a reader, which opens no file yet. */
FlowStatus
flow_reader_create(const FlowReadSpec *spec, FlowReader **reader, FlowError *error)
{
	FlowReader *self = flow_allocate(spec->host, sizeof(FlowReader));
	FlowStatus status = FLOW_OK;

	if (self == NULL)
		return flow_error_memory(error);
	memset(self, 0, sizeof(*self));
	self->spec = *spec;
	self->host = spec->host;
	self->columns = flow_format_columns(spec->format, &self->ncolumns);
	self->header_mode = flow_format_header_mode(spec->format);
	count_listed(self);

	/* arrays by column */
	self->fields = flow_allocate(self->host, ((size_t) self->ncolumns + 1) * sizeof(FlowSlice));
	self->wanted = flow_allocate(self->host, ((size_t) self->ncolumns + 1) * sizeof(int));
	self->checks =
		flow_allocate(self->host, ((size_t) self->ncolumns + 1) * sizeof(FlowColumnCheck));
	self->constant_columns = flow_allocate(self->host, ((size_t) self->ncolumns + 1) * sizeof(int));
	if (self->fields == NULL || self->wanted == NULL || self->checks == NULL ||
	    self->constant_columns == NULL)
		status = flow_error_memory(error);
	else
	{
		/* which columns are wanted, constant or checked */
		self->nwanted = spec->used != NULL ? spec->nused : self->ncolumns;
		for (int i = 0; i < self->nwanted; i++)
		{
			self->wanted[i] = spec->used != NULL ? spec->used[i] : i;
			self->wants_line |= self->columns[self->wanted[i]].source == FLOW_FROM_LINE;
		}
		for (int i = 0; i < self->ncolumns; i++)
			if (flow_column_is_constant(&self->columns[i]))
				self->constant_columns[self->nconstant++] = i;
		flow_reader_list_checks(self);
		memset(self->fields, 0, (size_t) self->ncolumns * sizeof(FlowSlice));
	}
	if (status == FLOW_OK)
		/* constant columns, and the state for splitting lines */
		status = flow_constants_create(self->host,
		                               self->columns,
		                               self->ncolumns,
		                               &self->constants,
		                               error);
	if (status == FLOW_OK && flow_format_has_shape(spec->format))
		status =
			flow_lines_create(self->host, spec->format, spec->max_line_length, &self->lines, error);

	if (status != FLOW_OK)
	{
		flow_reader_close(self);
		return status;
	}
	*reader = self;
	return FLOW_OK;
}

void
flow_reader_close(FlowReader *reader)
{
	if (reader == NULL)
		return;
	flow_parquet_records_close(reader->records);
	flow_source_close(reader->source);
	flow_reader_close_opened(reader);
	free_buffers(reader);
	flow_free(reader->host, reader->header);
	flow_free(reader->host, reader->announced);
	flow_lines_free(reader->lines);
	flow_free(reader->host, reader->wanted);
	flow_free(reader->host, reader->checks);
	flow_free(reader->host, reader->constant_columns);
	flow_constants_free(reader->constants);
	flow_free(reader->host, reader->fields);
	flow_free(reader->host, reader);
}

/* Starts again from the first file. */
void
flow_reader_rewind(FlowReader *reader, FlowFormat *format, const FlowFilter *filter)
{
	reader->spec.format = format;
	flow_reader_flush(reader);
	reader->counts.filtered += reader->value_waits; /* it did not pass */
	flow_reader_close_source(reader);
	flow_reader_close_opened(reader);
	if (reader->nannounced > 0)
		reader->spec.access.store->storage->forget(reader->spec.access.store);
	reader->nannounced = 0;
	reader->next_object = 0;
	reader->objects_opened = 0;
	reader->record_waits = reader->group_waits = reader->group_nulls = reader->value_waits = false;
	reader->piece_waits = false;
	reader->dropped = 0;
	reader->rejects_before = reader->counts.rejected + reader->counts.set_null;
	free_buffers(reader);
	if (filter != NULL)
		flow_expressions_forget(filter->expressions);
	reader->spec.filter = filter;
}

/* Returns the counts, brought up to date. */
const FlowCounts *
flow_reader_counts(FlowReader *reader)
{
	FlowCounts *counts = &reader->counts;

	flow_reader_flush(reader);
	flow_reader_count_skipped(reader);
	count_listed(reader);
	counts->files_not_reached = reader->spec.objects->count - counts->files_read;
	return counts;
}

const FlowCounts *
flow_reader_counts_now(const FlowReader *reader)
{
	return &reader->counts;
}

/* Returns true if every line is accounted for. */
bool
flow_reader_balances(FlowReader *reader)
{
	const FlowCounts *counts = flow_reader_counts(reader);

	return !reader->rows_differ &&
	       counts->lines ==
	           counts->headers + counts->blank + counts->emitted + counts->filtered +
	               counts->rejected +
	               (reader->record_waits || reader->group_waits || reader->value_waits ? 1 : 0);
}

const FlowReject *
flow_reader_reject(const FlowReader *reader)
{
	return reader->last_reject.object != NULL ? &reader->last_reject : NULL;
}

const FlowReject *
flow_reader_first_reject(const FlowReader *reader)
{
	return reader->first_reject.object != NULL ? &reader->first_reject : NULL;
}

/* Returns the file and line of the current record. */
bool
flow_reader_position(FlowReader *reader, const char **path, uint64_t *line)
{
	FlowError error;

	if (reader->object == NULL)
		return false;
	flow_reader_flush(reader);
	*path = reader->object->path;
	(void) flow_part_line(reader->host,
	                      reader->object,
	                      &reader->spec.access,
	                      &reader->counted,
	                      reader->part.start,
	                      reader->line,
	                      line,
	                      &error);
	return true;
}
