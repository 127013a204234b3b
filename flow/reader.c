/*-------------------------------------------------------------------------
 *
 * reader.c
 *	  The records of some files that pass a filter, one after the other; and
 *	  the ledger, in which every line is accounted for.
 *
 * Bytes come a block at a time into one buffer.  The block's place in it never
 * changes, so a plain file is always read to an aligned address from an aligned
 * offset; what a block leaves of its last line is moved in front of that place
 * before the next block is read:
 *
 *		+-------- headroom --------+-------------- block --------------+
 *		|            rest of a line|rest of it\n a line\n ... half a li|
 *		+--------------------------+-----------------------------------+
 *
 *-------------------------------------------------------------------------
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memmem */
#endif
#include "internal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define PAGE 4096
#define INITIAL_HEADROOM (64 * 1024)
#define LONG_LINE_KEPT 1024 /* bytes kept of a line that is too long, to show */

struct FlowReader
{
	FlowReadSpec spec;
	const FlowHost *host;
	const FlowColumn *columns;
	int ncolumns;
	FlowHeaderMode header_mode;

	/* the file being read */
	size_t next_object;       /* index of the one after it */
	const FlowObject *object; /* NULL: none is open */
	FlowSource *source;
	uint64_t source_counted; /* of its bytes_read, in counts already */
	uint64_t line;           /* number of the current line */
	char *header;            /* header 'match': the first line */
	size_t header_len;

	/* the buffer */
	char *allocation; /* what host->free takes */
	char *block;      /* page-aligned */
	size_t headroom;  /* bytes before it */
	char *cursor;     /* next unread byte */
	char *end;        /* behind the last byte read */
	size_t scanned;   /* bytes from cursor known to hold no newline */
	bool at_start;    /* nothing of it was read yet */
	bool no_more;     /* the source has ended */
	bool discarding;  /* cursor is inside a line that is too long */
	char long_line[LONG_LINE_KEPT];
	size_t long_line_len;

	/* the current record */
	FlowSlice *fields;
	bool record_waits; /* it passed; its reject had to be reported first */
	bool group_waits;  /* it was emitted, but is in no group yet */
	bool line_nulled;  /* it is counted in set_null */

	/* the ledger */
	FlowCounts counts;
	size_t objects_opened;   /* most of them in any scan */
	uint64_t rejects_before; /* of earlier scans: reject_limit is for each */
	FlowReject last_reject;
	FlowReject first_reject;
	char last_reason[sizeof(((FlowError *) 0)->detail)];
	char first_reason[sizeof(((FlowError *) 0)->detail)];
};

/* A line, without its newline and carriage return. */
typedef struct Line
{
	const char *data;
	size_t len;
	bool too_long; /* data is only its beginning */
} Line;

/* ---------- errors about a line ---------- */

static FlowStatus
error_here(FlowReader *reader, FlowStatus status, FlowError *error)
{
	if (error->path[0] == '\0' && reader->object != NULL)
		flow_error_at(error, reader->object->path, reader->line);
	return status;
}

static void
attach_raw(FlowError *error, FlowSlice raw)
{
	error->raw_len = raw.len < FLOW_RAW_SHOWN ? raw.len : FLOW_RAW_SHOWN;
	if (error->raw_len > 0)
		memcpy(error->raw, raw.data, error->raw_len);
}

/* What is wrong with a field, in a sentence. */
static void
describe_bad_field(const FlowReader *reader, FlowBadField bad, FlowError *error)
{
	static const char *const type_names[] = {
		[FLOW_INT16] = "smallint",
		[FLOW_INT32] = "integer",
		[FLOW_INT64] = "bigint",
		[FLOW_FLOAT] = "real",
		[FLOW_DOUBLE] = "double precision",
		[FLOW_DECIMAL] = "numeric",
		[FLOW_BOOLEAN] = "boolean",
		[FLOW_TEXT] = "text",
		[FLOW_PADDED] = "character",
		[FLOW_ADDRESS] = "inet",
		[FLOW_NETWORK] = "cidr",
		[FLOW_TIME] = "timestamp",
		[FLOW_DAY] = "date",
		[FLOW_OPAQUE] = "text"};
	const FlowColumn *column = &reader->columns[bad.column];
	const char *type = column->type_name ? column->type_name : type_names[column->type];

	switch (bad.status)
	{
		case FLOW_OUT_OF_RANGE:
			flow_error_detail(error, "The value for column \"%s\" is out of range for type %s.", column->name, type);
			break;
		case FLOW_TOO_LONG:
			flow_error_detail(error, "The value for column \"%s\" has more than %d characters.", column->name, column->max_chars);
			break;
		case FLOW_BAD_ENCODING:
			flow_error_detail(error, "The value for column \"%s\" is not valid text in the encoding of the database.", column->name);
			break;
		case FLOW_MISSING:
			flow_error_detail(error, "There is no value for column \"%s\", which is NOT NULL.", column->name);
			break;
		default:
			flow_error_detail(error, "The value for column \"%s\" is not of type %s.", column->name, type);
			break;
	}
}

/* Is it one of the records that AWS writes for an interval without data (NODATA, SKIPDATA)? */
static bool
is_record_without_data(const Line *line)
{
	static const char *const statuses[] = {" NODATA", " SKIPDATA"};

	for (size_t i = 0; i < flow_countof(statuses); i++)
		if (memmem(line->data, line->len, statuses[i], strlen(statuses[i])) != NULL)
			return true;
	return false;
}

/* The error for a line that is no record. */
static FlowStatus
unmatched_error(FlowReader *reader, const Line *line, FlowError *error)
{
	FlowSlice raw = {line->data, line->len};

	flow_error_set(error, FLOW_BAD_RECORD, "invalid flow log record");
	if (line->too_long)
	{
		flow_error_detail(error, "The line is longer than %zu bytes.", reader->spec.max_line_length);
		flow_error_hint(error, "Raise the option \"max_line_length\" if this is a record.");
	}
	else if (memchr(line->data, '\0', line->len) != NULL)
		flow_error_detail(error, "The line contains a NUL byte.");
	else
		flow_format_explain_mismatch(reader->spec.format, error);

	if (error->hint[0] == '\0' && reader->spec.on_error == FLOW_ON_ERROR_STOP)
		flow_error_hint(error, "%sSet option \"on_error\" to \"ignore\" to leave such lines out, or to \"set_null\" to keep them as rows of nulls.",
		                is_record_without_data(line) ? "NODATA and SKIPDATA records have \"-\" in most of their fields, which a pattern for numbers does not match. " : "");
	attach_raw(error, raw);
	return error_here(reader, error->status, error);
}

static FlowStatus
bad_field_error(FlowReader *reader, FlowBadField bad, FlowError *error)
{
	if (bad.status == FLOW_NO_MEMORY)
		return flow_error_memory(error);
	flow_error_set(error, bad.status, "invalid flow log record");
	describe_bad_field(reader, bad, error);
	if (bad.status == FLOW_MISSING)
		flow_error_hint(error, "Set option \"on_error\" to \"ignore\" to leave such lines out, or drop the NOT NULL constraint.");
	else if (reader->spec.on_error == FLOW_ON_ERROR_STOP)
		flow_error_hint(error, "Set option \"on_error\" to \"ignore\" to leave such lines out, or to \"set_null\" to read such values as nulls.");
	error->column = bad.column;
	attach_raw(error, reader->fields[bad.column]);
	return error_here(reader, error->status, error);
}

/* ---------- rejects ---------- */

/* Notes a reject; error holds its description, which the note keeps. */
static FlowStatus
note_reject(FlowReader *reader, const Line *line, FlowError *error)
{
	FlowReject *reject = &reader->last_reject;
	bool first = reader->first_reject.object == NULL;

	memcpy(reader->last_reason, error->detail, sizeof(reader->last_reason));
	*reject = (FlowReject) {
		.object = reader->object,
		.line = reader->line,
		.status = error->status,
		.column = error->column,
		.reason = reader->last_reason,
	};
	if (line != NULL)
		reject->raw = (FlowSlice) {line->data, line->len};

	if (first)
	{
		memcpy(reader->first_reason, reader->last_reason, sizeof(reader->first_reason));
		reader->first_reject = *reject;
		reader->first_reject.reason = reader->first_reason;
		reader->first_reject.raw = (FlowSlice) {NULL, 0};
	}

	if (reader->spec.reject_limit >= 0 &&
	    reader->counts.rejected + reader->counts.set_null - reader->rejects_before > (uint64_t) reader->spec.reject_limit)
	{
		FlowError reason = *error;

		flow_error_set(error, FLOW_TOO_MANY_REJECTS, "more than %lld lines of flow logs could not be read as records",
		               (long long) reader->spec.reject_limit);
		flow_error_detail(error, "%s", reason.detail);
		flow_error_hint(error, "The option \"reject_limit\" of the foreign table sets this limit.");
		error->column = reason.column;
		attach_raw(error, (FlowSlice) {reason.raw, reason.raw_len});
		return error_here(reader, error->status, error);
	}
	return FLOW_OK;
}

/* The current line is left out. */
static FlowStatus
reject_line(FlowReader *reader, const Line *line, FlowError *error)
{
	FlowStatus status;

	reader->counts.rejected++;
	if (error->status == FLOW_BAD_RECORD)
		reader->counts.unmatched++;
	status = note_reject(reader, line, error);
	if (status == FLOW_OK && reader->spec.report_rejects)
		status = FLOW_REJECTED;
	return status;
}

/* The current line is kept, with nulls in it. */
static FlowStatus
null_line(FlowReader *reader, const Line *line, FlowError *error)
{
	if (reader->line_nulled)
		return FLOW_OK;
	reader->line_nulled = true;
	reader->counts.set_null++;
	if (error->status == FLOW_BAD_RECORD)
		reader->counts.unmatched++;
	return note_reject(reader, line, error);
}

/* ---------- bytes to lines ---------- */

static void
close_source(FlowReader *reader)
{
	flow_source_close(reader->source);
	reader->source = NULL;
	reader->object = NULL;
}

static FlowStatus
open_next_source(FlowReader *reader, FlowError *error)
{
	const FlowReadSpec *spec = &reader->spec;
	FlowStatus status;

	if (reader->next_object == spec->objects->count)
		return FLOW_END;
	if (flow_interrupted(reader->host))
		return flow_error_interrupted(error);

	reader->object = &spec->objects->items[reader->next_object++];
	if (reader->next_object > reader->objects_opened)
		reader->objects_opened = reader->next_object;
	reader->source_counted = 0;
	reader->line = 0;
	reader->header_len = 0;
	reader->cursor = reader->end = reader->block;
	reader->scanned = 0;
	reader->at_start = true;
	reader->no_more = false;
	reader->discarding = false;

	status = flow_source_open(reader->host, reader->object, &spec->allowed, spec->compression, &reader->source, error);
	if (status != FLOW_OK)
		return error_here(reader, status, error);
	return FLOW_OK;
}

/* Makes room for "need" bytes before the block, keeping what is unread. */
static FlowStatus
grow_headroom(FlowReader *reader, size_t need, FlowError *error)
{
	size_t headroom = reader->headroom ? reader->headroom : INITIAL_HEADROOM;
	size_t unread = (size_t) (reader->end - reader->cursor);
	char *allocation;
	char *block;

	while (headroom < need)
		headroom *= 2;

	/* a byte behind the block, so that a field may be looked at with its successor */
	allocation = flow_allocate(reader->host, PAGE + headroom + FLOW_BLOCK_SIZE + 1);
	if (allocation == NULL)
		return flow_error_memory(error);
	block = (char *) (((uintptr_t) allocation + PAGE - 1) / PAGE * PAGE) + headroom;

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

/* Reads the next block; the unread rest of the last one then stands before it. */
static FlowStatus
read_block(FlowReader *reader, FlowError *error)
{
	size_t rest = (size_t) (reader->end - reader->cursor);
	bool first = reader->at_start;
	uint64_t bytes_read;
	FlowStatus status;
	size_t len;

	if (flow_interrupted(reader->host))
		return flow_error_interrupted(error);

	/* one byte more than allowed may be the carriage return before the newline */
	if (!reader->discarding && rest > reader->spec.max_line_length + 1)
	{
		reader->long_line_len = rest < LONG_LINE_KEPT ? rest : LONG_LINE_KEPT;
		memcpy(reader->long_line, reader->cursor, reader->long_line_len);
		reader->discarding = true;
	}
	if (reader->discarding)
	{
		reader->cursor = reader->end;
		reader->scanned = rest = 0;
	}

	if (rest > reader->headroom)
	{
		if ((status = grow_headroom(reader, rest, error)) != FLOW_OK)
			return status;
	}
	else
	{
		memmove(reader->block - rest, reader->cursor, rest);
		reader->cursor = reader->block - rest;
	}

	status = flow_source_read(reader->source, reader->block, FLOW_BLOCK_SIZE, &len, error);
	bytes_read = flow_source_bytes_read(reader->source);
	reader->counts.bytes_read += bytes_read - reader->source_counted;
	reader->source_counted = bytes_read;
	if (status != FLOW_OK)
		return status;

	reader->at_start = false;
	reader->end = reader->block + len;
	reader->no_more = len == 0;

	if (first && len >= 3 && memcmp(reader->block, "\xEF\xBB\xBF", 3) == 0)
		reader->cursor += 3; /* a byte order mark */
	return FLOW_OK;
}

/* The next line of the current file; FLOW_END after the last. */
static FlowStatus
next_line(FlowReader *reader, Line *line, FlowError *error)
{
	const char *newline;
	FlowStatus status;

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

	if (newline == NULL)
	{
		if (reader->cursor == reader->end && !reader->discarding)
			return FLOW_END;
		newline = reader->end; /* the last line has no newline */
	}

	line->data = reader->cursor;
	line->len = (size_t) (newline - reader->cursor);
	line->too_long = reader->discarding;
	if (line->len > 0 && line->data[line->len - 1] == '\r')
		line->len--;
	if (!line->too_long && line->len > reader->spec.max_line_length)
	{
		line->too_long = true;
		if (line->len > LONG_LINE_KEPT)
			line->len = LONG_LINE_KEPT;
	}
	else if (line->too_long)
	{
		line->data = reader->long_line;
		line->len = reader->long_line_len;
	}

	reader->cursor = newline < reader->end ? (char *) newline + 1 : reader->end;
	reader->scanned = 0;
	reader->discarding = false;
	reader->line++;
	reader->counts.lines++;
	return FLOW_OK;
}

/* ---------- headers ---------- */

static FlowStatus
keep_header(FlowReader *reader, const Line *line, FlowError *error)
{
	flow_free(reader->host, reader->header);
	reader->header = flow_allocate(reader->host, line->len);
	if (reader->header == NULL)
		return flow_error_memory(error);
	memcpy(reader->header, line->data, line->len);
	reader->header_len = line->len;
	return FLOW_OK;
}

/* header 'match': the first line must be a header, and every later one the same */
static FlowStatus
match_header(FlowReader *reader, const Line *line, bool looks_like_header, FlowError *error)
{
	if (reader->line == 1)
	{
		if (!looks_like_header)
		{
			flow_error_set(error, FLOW_BAD_HEADER, "flow log has no header");
			flow_error_detail(error, "Its first line does not name the fields of the records.");
			flow_error_hint(error, "Set option \"header\" to \"auto\" if only some of the files have one.");
			return error->status;
		}
		return keep_header(reader, line, error);
	}
	if (looks_like_header &&
	    (line->len != reader->header_len || memcmp(line->data, reader->header, line->len) != 0))
	{
		flow_error_set(error, FLOW_BAD_HEADER, "flow log has a second, different header");
		return error->status;
	}
	return FLOW_OK;
}

/* Is the current line a header, to be skipped? */
static FlowStatus
look_for_header(FlowReader *reader, const Line *line, bool *is_header, FlowError *error)
{
	FlowFormat *format = reader->spec.format;
	bool looks_like_header;
	FlowStatus status = FLOW_OK;

	*is_header = false;
	if (reader->header_mode == FLOW_HEADER_FALSE)
		return FLOW_OK;

	looks_like_header = !line->too_long && flow_format_is_header(format, line->data, line->len);
	if (reader->header_mode == FLOW_HEADER_MATCH)
		status = match_header(reader, line, looks_like_header, error);
	if (status == FLOW_OK && reader->header_mode == FLOW_HEADER_TRUE)
		*is_header = reader->line == 1;
	else
		*is_header = looks_like_header;

	if (status == FLOW_OK && looks_like_header && *is_header)
		status = flow_format_check_header(format, line->data, line->len, error);
	return status == FLOW_OK ? FLOW_OK : error_here(reader, status, error);
}

/* ---------- lines to records ---------- */

/*
 * The line is no record.  FLOW_OK: it is kept, a record of nulls; FLOW_END: it is
 * left out, and nobody wants to know.
 */
static FlowStatus
take_unmatched(FlowReader *reader, const Line *line, FlowError *error)
{
	FlowStatus status = unmatched_error(reader, line, error);

	switch (reader->spec.on_error)
	{
		case FLOW_ON_ERROR_STOP:
			return status;
		case FLOW_ON_ERROR_IGNORE:
			status = reject_line(reader, line, error);
			return status == FLOW_OK ? FLOW_END : status;
		case FLOW_ON_ERROR_SET_NULL:
			break;
	}

	for (int i = 0; i < reader->ncolumns; i++)
	{
		reader->fields[i] = (FlowSlice) {NULL, 0};
		if (reader->columns[i].not_null)
			return bad_field_error(reader, (FlowBadField) {i, FLOW_MISSING}, error);
	}
	return null_line(reader, line, error);
}

/*
 * A column of the record is bad.  Returns as take_unmatched does.
 */
static FlowStatus
take_bad_field(FlowReader *reader, const Line *line, FlowBadField bad, FlowError *error)
{
	const FlowColumn *column = &reader->columns[bad.column];
	FlowStatus status = bad_field_error(reader, bad, error);

	if (status == FLOW_NO_MEMORY)
		return status;
	switch (reader->spec.on_error)
	{
		case FLOW_ON_ERROR_STOP:
			break;
		case FLOW_ON_ERROR_IGNORE:
			status = reject_line(reader, line, error);
			return status == FLOW_OK ? FLOW_END : status;
		case FLOW_ON_ERROR_SET_NULL:
			if (!column->not_null)
				return null_line(reader, line, error);
			break;
	}
	return status;
}

/*
 * Checks the columns that must be checked whatever the query uses: under
 * 'ignore' all, for a line with any bad field is no row; else those that are
 * NOT NULL, for PostgreSQL draws conclusions from that.
 */
static FlowBadField
check_columns(const FlowReader *reader)
{
	bool all = reader->spec.on_error == FLOW_ON_ERROR_IGNORE;
	bool stop = reader->spec.on_error == FLOW_ON_ERROR_STOP;

	for (int i = 0; i < reader->ncolumns; i++)
	{
		FlowStatus status;
		FlowValue value;

		if (!all && !reader->columns[i].not_null)
			continue;
		status = flow_value_read(&reader->columns[i], reader->host, reader->fields[i], &value);
		if (status == FLOW_OK || status == FLOW_END || (stop && status != FLOW_MISSING))
			continue;
		return (FlowBadField) {i, status};
	}
	return (FlowBadField) {-1, FLOW_OK};
}

/*
 * The filter could not be judged because of a field.  That is the field's fault,
 * unless it reads well: then what the query computes from it cannot be computed, which
 * is an error whatever on_error says, as it is when PostgreSQL computes it.
 */
static FlowStatus
take_broken_filter(FlowReader *reader, const Line *line, FlowBadField bad, FlowError *error)
{
	FlowValue value;

	if (bad.status == FLOW_NO_MEMORY)
		return flow_error_memory(error);

	/* a line that is no row anyhow has nothing computed from it */
	if (reader->spec.on_error == FLOW_ON_ERROR_IGNORE)
	{
		FlowBadField other = check_columns(reader);

		if (other.column >= 0)
			return take_bad_field(reader, line, other, error);
	}
	if (flow_value_read(&reader->columns[bad.column], reader->host, reader->fields[bad.column], &value) == FLOW_OK)
	{
		flow_error_set(error, FLOW_OUT_OF_RANGE, "timestamp out of range");
		error->column = bad.column;
		attach_raw(error, reader->fields[bad.column]);
		return error_here(reader, error->status, error);
	}
	return take_bad_field(reader, line, bad, error);
}

/*
 * Decides on a line that is not empty and no header: FLOW_OK if it is a record
 * that passes, FLOW_END if it is not, FLOW_REJECTED if that is to be reported.
 */
static FlowStatus
judge_line(FlowReader *reader, const Line *line, FlowError *error)
{
	FlowBadField bad = {-1, FLOW_OK};
	FlowStatus status;
	FlowTruth truth;

	if (line->too_long || memchr(line->data, '\0', line->len) != NULL)
		status = FLOW_END;
	else
		status = flow_format_split(reader->spec.format, line->data, line->len, reader->fields, error);

	if (status == FLOW_END)
		status = take_unmatched(reader, line, error);
	else if (status != FLOW_OK)
		return error_here(reader, status, error);
	if (status != FLOW_OK)
		return status;

	if (reader->spec.filter != NULL)
	{
		truth = flow_filter_test(reader->spec.filter, reader->fields, &bad);
		if (truth == FLOW_BROKEN)
			return take_broken_filter(reader, line, bad, error);
		if (bad.column >= 0 && (status = take_bad_field(reader, line, bad, error)) != FLOW_OK)
			return status;
		if (truth != FLOW_TRUE)
		{
			reader->counts.filtered++;
			return FLOW_END;
		}
	}

	bad = check_columns(reader);
	if (bad.column >= 0)
		return take_bad_field(reader, line, bad, error);
	return FLOW_OK;
}

static FlowStatus
emit(FlowReader *reader, FlowRecord *record)
{
	reader->counts.emitted++;
	reader->record_waits = false;
	*record = (FlowRecord) {reader->fields, reader->object, reader->line};
	return FLOW_OK;
}

FlowStatus
flow_reader_next(FlowReader *reader, FlowRecord *record, FlowError *error)
{
	if (reader->record_waits)
		return emit(reader, record);

	for (;;)
	{
		bool is_header;
		FlowStatus status;
		Line line;

		if (reader->source == NULL && (status = open_next_source(reader, error)) != FLOW_OK)
			return status;

		status = next_line(reader, &line, error);
		if (status == FLOW_END)
		{
			close_source(reader);
			continue;
		}
		if (status != FLOW_OK)
			return status == FLOW_INTERRUPTED ? status : error_here(reader, status, error);

		if ((status = look_for_header(reader, &line, &is_header, error)) != FLOW_OK)
			return status;
		reader->line_nulled = false;
		if (is_header)
			reader->counts.headers++;
		else if (line.len == 0 && !line.too_long)
			reader->counts.blank++;
		else if ((status = judge_line(reader, &line, error)) == FLOW_OK)
		{
			if (!reader->line_nulled || !reader->spec.report_rejects)
				return emit(reader, record);
			reader->record_waits = true;
			return FLOW_REJECTED;
		}
		else if (status != FLOW_END)
			return status;
		else if (reader->line_nulled && reader->spec.report_rejects)
			return FLOW_REJECTED;

		/* a pattern may take its time for every line */
		if (flow_interrupted(reader->host))
			return flow_error_interrupted(error);
	}
}

FlowStatus
flow_reader_bad_field(FlowReader *reader, FlowBadField bad, FlowError *error)
{
	FlowStatus status = bad_field_error(reader, bad, error);

	if (status != FLOW_NO_MEMORY && reader->spec.on_error == FLOW_ON_ERROR_SET_NULL && !reader->columns[bad.column].not_null)
		return null_line(reader, NULL, error);
	return status;
}

/*
 * Adds the current record to its group, unless the groups are full.  FLOW_OK; FLOW_REJECTED when a
 * field of it is to be null from now on, which has to be reported first; or an error.
 */
static FlowStatus
group_record(FlowReader *reader, FlowGroups *groups, bool *full, FlowError *error)
{
	FlowBatch batch = {.count = 1, .fields = reader->fields};
	bool was_nulled = reader->line_nulled;
	FlowBadField bad = {-1, FLOW_OK};
	FlowStatus status;
	size_t done = 0;

	status = flow_groups_add(groups, &batch, &done, false, &bad);
	if (status != FLOW_OK && status != FLOW_LIMIT && status != FLOW_NO_MEMORY)
	{
		if ((status = flow_reader_bad_field(reader, bad, error)) != FLOW_OK)
			return status;
		if (!was_nulled && reader->spec.report_rejects)
			return FLOW_REJECTED;
		status = flow_groups_add(groups, &batch, &done, true, &bad);
	}
	*full = status == FLOW_LIMIT;
	return status == FLOW_OK || status == FLOW_LIMIT ? FLOW_OK : flow_error_memory(error);
}

FlowStatus
flow_reader_group(FlowReader *reader, FlowGroups *groups, FlowError *error)
{
	FlowRecord record;
	FlowStatus status;
	bool full;

	for (;;)
	{
		if (!reader->group_waits && (status = flow_reader_next(reader, &record, error)) != FLOW_OK)
			return status;
		reader->group_waits = true;
		status = group_record(reader, groups, &full, error);
		if (status != FLOW_OK || full)
			return status;
		reader->group_waits = false;
	}
}

/* ---------- the reader as an object ---------- */

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
	self->counts.files = spec->objects->count + spec->objects->skipped;
	self->counts.files_skipped = spec->objects->skipped;
	self->counts.bytes = spec->objects->bytes;

	self->fields = flow_allocate(self->host, ((size_t) self->ncolumns + 1) * sizeof(FlowSlice));
	if (self->fields == NULL)
		status = flow_error_memory(error);
	else
		status = grow_headroom(self, INITIAL_HEADROOM, error);

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
	flow_source_close(reader->source);
	flow_free(reader->host, reader->header);
	flow_free(reader->host, reader->allocation);
	flow_free(reader->host, reader->fields);
	flow_free(reader->host, reader);
}

void
flow_reader_rewind(FlowReader *reader, const FlowFilter *filter)
{
	close_source(reader);
	reader->next_object = 0;
	reader->record_waits = false;
	reader->group_waits = false;
	reader->rejects_before = reader->counts.rejected + reader->counts.set_null;
	reader->spec.filter = filter;
}

const FlowCounts *
flow_reader_counts(FlowReader *reader)
{
	FlowCounts *counts = &reader->counts;

	counts->files_read = reader->objects_opened;
	counts->files_not_reached = counts->files - counts->files_read - counts->files_pruned - counts->files_skipped;
	return counts;
}

bool
flow_reader_balances(FlowReader *reader)
{
	const FlowCounts *counts = &reader->counts;

	return counts->lines == counts->headers + counts->blank + counts->emitted + counts->filtered +
	                            counts->rejected + (reader->record_waits ? 1 : 0);
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

bool
flow_reader_position(const FlowReader *reader, const char **path, uint64_t *line)
{
	if (reader->object == NULL)
		return false;
	*path = reader->object->path;
	*line = reader->line;
	return true;
}
