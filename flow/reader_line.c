/*-------------------------------------------------------------------------
 *
 * reader_line.c
 *	  Reads files as blocks of bytes, and blocks as lines.
 *
 * Bytes are read a block at a time into one buffer.  The block's place in it
 * never changes, so a plain file is always read to an aligned address from an
 * aligned offset.  The incomplete line at the end of a block is moved to the
 * headroom before that place, and then the next block is read:
 *
 *		+-------- headroom --------+-------------- block --------------+
 *		|          start of a line |rest of it\n a line\n ... half a li|
 *		+--------------------------+-----------------------------------+
 *
 *-------------------------------------------------------------------------
 */
#include "bytes/source.h"
#include "filter.h"
#include "format.h"
#include "keys.h"
#include "lines.h"
#include "part.h"
#include "reader.h"
#include "selector.h"

#include <stdio.h>
#include <string.h>

#define PAGE 4096

/* ---------- bytes to lines ---------- */

/* Brings counts up to date that depend on the source. */
void
flow_reader_count_skipped(FlowReader *reader)
{
	uint64_t skipped =
		reader->source != NULL ? flow_source_skipped(reader->source) : reader->skipped_counted;

	if (reader->source != NULL && flow_source_is_parquet(reader->source))
	{
		uint64_t fetched = flow_source_bytes_fetched(reader->source);

		reader->counts.bytes_read += fetched - reader->source_counted;
		reader->source_counted = fetched;
	}

	reader->counts.messages_skipped += skipped - reader->skipped_counted;
	reader->skipped_counted = skipped;
}

/*
 * Notes for which columns any record of the file that ends has had a member,
 * and counts the file if there is a column without one.
 */
static void
note_keys(FlowReader *reader)
{
	const FlowKeysSeen *seen = reader->source != NULL ? flow_source_keys(reader->source) : NULL;
	bool all = true;
	int field = 0;

	if (seen == NULL)
		return;
	for (int i = 0; i < reader->ncolumns; i++)
	{
		bool has = reader->columns[i].source != FLOW_FROM_RECORD ||
		           flow_keys_have(flow_format_keys(reader->spec.format), seen, field++);

		all &= has;
		if (has && reader->spec.found != NULL)
			reader->spec.found[i] = true;
	}
	/* what was not read may have them */
	if (all || reader->lacking_counted || !reader->no_more)
		return;
	reader->lacking_counted = true;
	reader->counts.files_lacking++;
}

/* Closes the current file; its rows are dropped. */
void
flow_reader_close_source(FlowReader *reader)
{
	flow_reader_count_skipped(reader);
	note_keys(reader);
	flow_parquet_records_close(reader->records);
	flow_source_close(reader->source);
	reader->records = NULL;
	reader->batch = NULL;
	reader->source = NULL;
	reader->object = NULL;
	reader->row = reader->nrows = reader->piece = 0;
	reader->taken = 0;
}

/* Makes room for "need" bytes before the block, keeping what is unread. */
FlowStatus
flow_reader_make_room(FlowReader *reader, size_t need, FlowError *error)
{
	size_t headroom = reader->headroom ? reader->headroom : FLOW_READER_ROOM;
	size_t unread = (size_t) (reader->end - reader->cursor);
	char *allocation;
	char *block;

	while (headroom < need)
		headroom *= 2;

	/* the block is page-aligned, with readable slack at both ends */
	allocation =
		flow_allocate(reader->host,
	                  FLOW_RECORD_SLACK + PAGE + headroom + FLOW_BLOCK_SIZE + FLOW_RECORD_SLACK);
	if (allocation == NULL)
		return flow_error_memory(error);
	block =
		(char *) (((uintptr_t) allocation + FLOW_RECORD_SLACK + PAGE - 1) / PAGE * PAGE) + headroom;
	memset(block - headroom - FLOW_RECORD_SLACK, 0, FLOW_RECORD_SLACK);
	memset(block + FLOW_BLOCK_SIZE, 0, FLOW_RECORD_SLACK);

	/* move the unread bytes and replace the old buffer */
	if (unread > 0)
		memcpy(block - unread, reader->cursor, unread);
	flow_free(reader->host, reader->allocation);
	reader->allocation = allocation;
	reader->block = block;
	reader->headroom = headroom;
	reader->cursor = block - unread;
	reader->end = block;
	return FLOW_OK;
}

/*
 * Makes the selector, which applies the filter to many records at once, in
 * place of an older one.
 */
FlowStatus
flow_reader_make_selector(FlowReader *reader, FlowError *error)
{
	FlowStatus status;

	flow_selector_free(reader->selector);
	reader->selector = NULL;
	if (reader->spec.filter != NULL)
		reader->resolved = reader->spec.filter->resolved;
	if (reader->spec.filter == NULL || reader->lines == NULL)
		return FLOW_OK;
	status =
		flow_selector_create(reader->host, reader->spec.filter, FLOW_SPLIT_MAX, &reader->selector);
	if (status == FLOW_INTERRUPTED)
		return flow_error_interrupted(error);
	return status == FLOW_OK ? FLOW_OK : flow_error_memory(error);
}

/* Makes the buffers for reading, if there are none. */
FlowStatus
flow_reader_make_buffers(FlowReader *reader, FlowError *error)
{
	FlowStatus status;

	if (reader->allocation != NULL)
		return FLOW_OK;
	if (reader->long_line == NULL)
		reader->long_line = flow_allocate(reader->host, FLOW_LONG_LINE_KEPT);
	if (reader->long_line == NULL)
		return flow_error_memory(error);
	status = flow_reader_make_room(reader, FLOW_READER_ROOM, error);
	if (status == FLOW_OK && reader->lines != NULL)
		status = flow_lines_make_room(reader->lines, error);
	if (status == FLOW_OK)
		status = flow_reader_make_selector(reader, error);
	return status;
}

/* Reads the next block; the unread rest of the last one is moved before it. */
static FlowStatus
read_block(FlowReader *reader, FlowError *error)
{
	size_t rest = (size_t) (reader->end - reader->cursor);
	bool first = reader->at_start;
	uint64_t offset;
	uint64_t owned;
	FlowStatus status;
	size_t len;

	if (flow_interrupted(reader->host))
		return flow_error_interrupted(error);

	/*
	 * drop a line that is too long, but keep its beginning; one byte more than
	 * allowed may be the carriage return before the newline
	 */
	if (!reader->discarding && rest > reader->spec.max_line_length + 1)
	{
		reader->long_line_len = rest < FLOW_LONG_LINE_KEPT ? rest : FLOW_LONG_LINE_KEPT;
		memcpy(reader->long_line, reader->cursor, reader->long_line_len);
		reader->discarding = true;
	}
	if (reader->discarding)
	{
		reader->cursor = reader->end;
		reader->scanned = rest = 0;
	}

	/* move the rest before the block */
	if (rest > reader->headroom)
	{
		if ((status = flow_reader_make_room(reader, rest, error)) != FLOW_OK)
			return status;
	}
	else
	{
		memmove(reader->block - rest, reader->cursor, rest);
		reader->cursor = reader->block - rest;
	}

	/*
	 * read; the offset is meaningful only in files that are read as they are,
	 * but only in these does a part have an end
	 */
	offset = flow_source_bytes_read(reader->source);
	status = flow_source_read(reader->source,
	                          reader->block,
	                          flow_part_read_size(&reader->part, offset),
	                          &len,
	                          error);
	owned = flow_part_owned(&reader->part, flow_source_bytes_read(reader->source));
	reader->counts.bytes_read += owned - reader->source_counted;
	reader->source_counted = owned;
	if (status != FLOW_OK)
		return status;

	reader->at_start = false;
	reader->end = reader->block + len;
	reader->stop = flow_part_stop(&reader->part, reader->block, offset, len);
	reader->no_more = len == 0;

	if (first && len >= 3 && memcmp(reader->block, "\xEF\xBB\xBF", 3) == 0)
		reader->cursor += 3; /* a byte order mark */
	return FLOW_OK;
}

/* ---------- parts ---------- */

/*
 * Moves from the part's start past the first newline.  If that lies past the
 * part's end as well, the part has no line, and the cursor is past "stop".
 */
static FlowStatus
skip_to_line(FlowReader *reader, FlowError *error)
{
	const char *newline = NULL;
	FlowStatus status;

	while (!reader->no_more && reader->stop == reader->end)
	{
		reader->cursor = reader->end;
		if ((status = read_block(reader, error)) != FLOW_OK)
			return status;
		newline = memchr(reader->cursor, '\n', (size_t) (reader->end - reader->cursor));
		if (newline != NULL)
			break;
	}
	reader->cursor = newline != NULL ? (char *) newline + 1 : reader->end;
	return FLOW_OK;
}

/* Returns the next part to read, as FlowReadSpec's next_part does. */
static FlowStatus
next_part(FlowReader *reader, bool wait, FlowPart *part, FlowError *error)
{
	const FlowReadSpec *spec = &reader->spec;

	if (spec->next_part != NULL)
		return spec->next_part(spec->next_part_arg, wait, part, error);
	if (reader->next_object == spec->objects->count)
		return FLOW_END;
	*part = (FlowPart) {reader->next_object++, 0, UINT64_MAX};
	return FLOW_OK;
}

/*
 * Announces parts that the store is to fetch ahead; at least one if there is
 * any.
 */
static FlowStatus
announce_parts(FlowReader *reader, FlowError *error)
{
	FlowStore *store = reader->spec.access.store;
	FlowStatus status = FLOW_OK;

	if (reader->announced == NULL)
		reader->announced = flow_allocate(reader->host, FLOW_READER_ANNOUNCED * sizeof(FlowPart));
	if (reader->announced == NULL)
		return flow_error_memory(error);
	while (status == FLOW_OK && reader->nannounced < FLOW_READER_ANNOUNCED &&
	       (reader->nannounced == 0 || store->storage->has_room(store)))
	{
		FlowPart *part = &reader->announced[reader->nannounced];

		status = next_part(reader, reader->nannounced == 0, part, error);
		if (status == FLOW_OK)
		{
			reader->nannounced++;
			status = store->storage->announce(store,
			                                  &reader->spec.objects->items[part->object],
			                                  false,
			                                  error);
		}
	}
	return status == FLOW_END && reader->nannounced > 0 ? FLOW_OK : status;
}

/* Takes the next part; FLOW_END when none is left. */
static FlowStatus
take_part(FlowReader *reader, FlowError *error)
{
	FlowStore *store = reader->spec.access.store;
	FlowStatus status;

	if (store != NULL && store->storage->announce != NULL)
	{
		status = announce_parts(reader, error);
		if (status == FLOW_OK)
		{
			reader->part = reader->announced[0];
			reader->nannounced--;
			memmove(reader->announced,
			        reader->announced + 1,
			        (size_t) reader->nannounced * sizeof(FlowPart));
		}
	}
	else
		status = next_part(reader, true, &reader->part, error);
	if (status != FLOW_OK)
		return status;

	reader->object = &reader->spec.objects->items[reader->part.object];
	if (reader->part.start == 0 && ++reader->objects_opened > reader->counts.files_read)
		reader->counts.files_read = reader->objects_opened;
	return FLOW_OK;
}

/*
 * Returns true if the file can be read from its middle.  That is so only if
 * its bytes are read as they are, and its lines need not be compared with the
 * first one, be counted, or be read by a header before them.
 */
static bool
can_be_cut(const FlowReader *reader)
{
	return flow_source_is_plain(reader->source) && reader->header_mode != FLOW_HEADER_MATCH &&
	       !reader->wants_line && !flow_format_is_by_header(reader->spec.format);
}

/*
 * Begins to read the part of the file that was opened.  FLOW_END if the file
 * cannot be cut and the part is not the one with start 0.
 */
static FlowStatus
begin_part(FlowReader *reader, FlowError *error)
{
	if (!can_be_cut(reader))
	{
		reader->part.end = UINT64_MAX;
		return reader->part.start == 0 ? FLOW_OK : FLOW_END;
	}
	if (reader->part.start == 0)
		return FLOW_OK;
	flow_source_seek(reader->source, reader->part.start);
	return skip_to_line(reader, error);
}

/* Notes which columns have a field in lines of this layout, or of one of its list. */
static void
note_found(FlowReader *reader, const FlowLayout *layout)
{
	for (; layout != NULL; layout = layout->next)
		for (int i = 0; i < reader->ncolumns; i++)
			if (layout->places[i] >= 0)
				reader->spec.found[i] = true;
}

/* Sets the layout of the lines that follow. */
void
flow_reader_set_layout(FlowReader *reader, const FlowLayout *layout)
{
	reader->layout = layout;
	if (layout != NULL && reader->lines != NULL)
		flow_lines_set_layout(reader->lines, layout);
	if (layout != NULL && layout->source != NULL && !layout->by_key && reader->spec.found != NULL)
		note_found(reader, layout);
	if (layout != NULL && layout->lacks_field && reader->part.start == 0 &&
	    !reader->lacking_counted)
	{
		reader->lacking_counted = true;
		reader->counts.files_lacking++;
	}
}

/*
 * Sets the fields that are constant in the file that is to be read.  A bad one
 * makes each record bad if all columns are checked, or if its column is NOT
 * NULL.
 */
static FlowStatus
set_constants(FlowReader *reader, FlowError *error)
{
	FlowPathValue values[FLOW_MAX_VARIABLES];
	bool all = reader->spec.on_error == FLOW_ON_ERROR_IGNORE;

	/* their values */
	if (reader->nconstant > 0)
	{
		memset(values, 0, sizeof(values));
		if (reader->spec.location != NULL &&
		    !flow_location_values(reader->spec.location, reader->object->path, values))
			memset(values, 0, sizeof(values));
	}
	reader->constant = flow_constants_fill(reader->constants, reader->object, values);
	if (reader->constant == NULL)
		return flow_error_memory(error);
	if (reader->lines != NULL)
		reader->lines->batch.constants = reader->constant;

	/* check them */
	reader->bad_constant = false;
	for (int i = 0; i < reader->nconstant; i++)
	{
		const FlowColumn *column = &reader->columns[reader->constant_columns[i]];
		FlowStatus status;
		FlowValue value;

		if (!all && !column->not_null)
			continue;
		status = flow_value_read(column,
		                         reader->host,
		                         reader->constant[reader->constant_columns[i]],
		                         &value);
		reader->bad_constant |= status != FLOW_OK && status != FLOW_END;
	}
	return FLOW_OK;
}

/*
 * Counts the wrapper's header as a line.  The wrapper removed it, but a user
 * sees it in the file and counts it.
 */
static void
count_wrapper_header(FlowReader *reader)
{
	reader->wrapper_header = flow_source_header(reader->source);
	if (reader->wrapper_header == NULL)
		return;
	reader->line++;
	reader->first_line++;
	reader->counts.lines++;
	reader->counts.headers++;
}

/* Opens the file of the next part and begins to read the part. */
FlowStatus
flow_reader_open_next(FlowReader *reader, FlowError *error)
{
	const FlowReadSpec *spec = &reader->spec;
	FlowStatus status;

	reader->ended = NULL;
	for (;;)
	{
		status = take_part(reader, error);
		if (status != FLOW_OK)
			return status;
		if (flow_interrupted(reader->host))
			return flow_error_interrupted(error);
		status = flow_reader_make_buffers(reader, error);
		if (status != FLOW_OK)
			return status;

		/* reset what belongs to a file */
		reader->source_counted = 0;
		reader->line = 0;
		reader->first_line = 1;
		reader->header_len = 0;
		reader->cursor = reader->end = reader->stop = reader->block;
		reader->scanned = 0;
		reader->at_start = reader->part.start == 0;
		reader->no_more = false;
		reader->discarding = false;

		/* open it */
		status = set_constants(reader, error);
		if (status == FLOW_OK && !flow_reader_take_opened(reader, reader->object))
			status = flow_reader_open_source(reader, reader->object, &reader->source, error);
		if (status == FLOW_OK)
		{
			flow_source_prefetch(reader->source,
			                     &reader->ahead,
			                     spec->objects,
			                     reader->part.object,
			                     &spec->access);
			reader->framing = flow_source_framing(reader->source);
			reader->has_marks = flow_source_has_marks(reader->source);
			reader->skipped_counted = 0;
			reader->lacking_counted = reader->by_key = reader->had_keys = false;
			if (flow_source_is_parquet(reader->source))
				return FLOW_OK;
			flow_reader_set_layout(reader, flow_format_layout(spec->format, reader->framing));
			status = begin_part(reader, error);
		}
		if (status == FLOW_OK)
		{
			count_wrapper_header(reader);
			return FLOW_OK;
		}
		if (status != FLOW_END)
			return status == FLOW_INTERRUPTED ? status
			                                  : flow_reader_error_here(reader, status, error);
		flow_reader_close_source(reader);
	}
}

/*
 * Returns FLOW_END if no further line of the part begins at the cursor.  A
 * file that is not read to its end is then checked for changes once more.
 */
static FlowStatus
check_part_end(FlowReader *reader, FlowError *error)
{
	FlowStatus status;

	if (flow_likely(reader->cursor <= reader->stop))
		return FLOW_OK;
	status = flow_source_unchanged(reader->source, error);
	return status == FLOW_OK ? FLOW_END : status;
}

/* ---------- lines ---------- */

/* Returns true if the line is a mark that stands between lines. */
static bool
is_mark(const FlowReader *reader, const FlowLine *line)
{
	return reader->has_marks && line->len == FLOW_MARK_LENGTH && line->data[0] == '\0' &&
	       (line->data[1] == FLOW_KEYS_MARK[1] || line->data[1] == FLOW_MESSAGES_MARK[1]) &&
	       flow_source_keys(reader->source) != NULL;
}

/* Counts a line, removes its carriage return and cuts it if it is too long. */
void
flow_reader_begin_line(FlowReader *reader, FlowLine *line)
{
	line->is_mark = is_mark(reader, line);
	if (line->is_mark)
		return;
	if (line->len > 0 && line->data[line->len - 1] == '\r')
		line->len--;
	if (!line->too_long && line->len > reader->spec.max_line_length)
	{
		line->too_long = true;
		if (line->len > FLOW_LONG_LINE_KEPT)
			line->len = FLOW_LONG_LINE_KEPT;
	}
	else if (line->too_long)
	{
		line->data = reader->long_line;
		line->len = reader->long_line_len;
	}
	reader->line++;
	reader->counts.lines++;
}

/* Returns the next line of the current file; FLOW_END after the last. */
FlowStatus
flow_reader_next_line(FlowReader *reader, FlowLine *line, FlowError *error)
{
	const char *newline;
	FlowStatus status;

	if ((status = check_part_end(reader, error)) != FLOW_OK)
		return status;

	for (;;)
	{
		const char *from = reader->cursor + reader->scanned;

		newline = memchr(from, '\n', (size_t) (reader->end - from));
		if (newline != NULL || reader->no_more)
			break;
		reader->scanned = (size_t) (reader->end - reader->cursor);
		if ((status = read_block(reader, error)) != FLOW_OK)
			return status;
	}

	/* the end of the file */
	if (newline == NULL)
	{
		if (reader->cursor == reader->end && !reader->discarding)
			return FLOW_END;
		newline = reader->end; /* the last line has no newline */
	}

	/* the line */
	line->data = reader->cursor;
	line->len = (size_t) (newline - reader->cursor);
	line->too_long = reader->discarding;
	flow_reader_begin_line(reader, line);

	reader->cursor = newline < reader->end ? (char *) newline + 1 : reader->end;
	reader->scanned = 0;
	reader->discarding = false;
	return FLOW_OK;
}

/* ---------- columns that no record fills ---------- */

/*
 * Puts the number of the current line into its columns.  Such files are not
 * cut, so the line is counted from the start of its file.
 */
void
flow_reader_set_line(FlowReader *reader)
{
	char *text = reader->line_text + 16;
	int len = snprintf(text, 21, "%llu", (unsigned long long) reader->line);

	for (int i = 0; i < reader->ncolumns; i++)
		if (reader->columns[i].source == FLOW_FROM_LINE)
			reader->fields[i] = (FlowSlice) {text, (size_t) len};
}

/* Sets the fields of the columns that are not filled from records. */
void
flow_reader_set_others(FlowReader *reader)
{
	for (int i = 0; i < reader->nconstant; i++)
		reader->fields[reader->constant_columns[i]] = reader->constant[reader->constant_columns[i]];
	if (reader->wants_line)
		flow_reader_set_line(reader);
}
