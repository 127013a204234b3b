/*-------------------------------------------------------------------------
 *
 * reader_reject.c
 *	  Describes what is wrong with a line, and records rejects.
 *
 *-------------------------------------------------------------------------
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memmem */
#endif
#include "format.h"
#include "reader.h"

#include <string.h>

/* ---------- errors about a line ---------- */

/*
 * Replaces the line number in an error, counted within the part, by its number
 * in the file.
 */
FlowStatus
flow_reader_error_leaves(FlowReader *reader, FlowStatus status, FlowError *error)
{
	FlowError failure;
	FlowStatus counted;

	if (status == FLOW_OK || status == FLOW_END || status == FLOW_REJECTED ||
	    status == FLOW_NEED_VALUE || status == FLOW_INTERRUPTED)
		return status;
	if (reader->object == NULL || error->line == 0)
		return status;

	counted = flow_part_line(reader->host,
	                         reader->object,
	                         &reader->spec.access,
	                         &reader->counted,
	                         reader->part.start,
	                         error->line,
	                         &error->line,
	                         &failure);
	if (counted != FLOW_OK)
		*error = failure; /* a file that changed explains most errors about its lines */
	return counted == FLOW_OK ? status : counted;
}

/* Adds the current position to an error that has none. */
FlowStatus
flow_reader_error_here(FlowReader *reader, FlowStatus status, FlowError *error)
{
	if (error->path[0] == '\0' && reader->object != NULL)
		flow_error_at(error, reader->object->path, reader->line);
	return status;
}

/*
 * Returns the byte after the NUL byte with which a line begins, if it is the
 * reason why a record with a member for each field is none.
 */
static char
reason_of(const FlowReader *reader, const FlowLine *line)
{
	return line->len > 1 && flow_source_keys(reader->source) != NULL &&
	               line->data[1] >= FLOW_NESTED_VALUE && line->data[1] <= FLOW_CUT_VALUE
	           ? line->data[1]
	           : '\0';
}

/*
 * Returns a line without the mark at its beginning: a NUL byte if it is no
 * event or no row of values, perhaps with a reason, or "-" and a blank if it
 * has no time.  Of a record with a member for each field, it is the JSON.
 */
static FlowSlice
without_mark(const FlowReader *reader, const FlowLine *line)
{
	size_t mark = 0;

	if (reader->has_marks && line->len > 0 && line->data[0] == '\0')
		mark = reason_of(reader, line) != '\0' ? 2 : 1;
	else if (reader->by_key)
	{
		const char *tab = memchr(line->data, '\t', line->len);

		return (FlowSlice) {line->data, tab != NULL ? (size_t) (tab - line->data) : line->len};
	}
	else if (reader->has_marks && reader->framing == FLOW_TIMED && line->len > 1 &&
	         memcmp(line->data, "- ", 2) == 0)
		mark = 2;
	return (FlowSlice) {line->data + mark, line->len - mark};
}

/* Adds the beginning of a raw line to an error. */
void
flow_reader_attach_raw(const FlowReader *reader, const FlowLine *line, FlowError *error)
{
	flow_error_raw(error, without_mark(reader, line));
	for (size_t i = 0; reader->has_marks && i < error->raw_len; i++)
		error->raw[i] = flow_shown_byte(error->raw[i]);
}

/* Adds the detail that says what is wrong with a field. */
static void
describe_bad_field(const FlowReader *reader, FlowBadField bad, FlowError *error)
{
	static const char *const type_names[] = {[FLOW_INT16] = "smallint",
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
			flow_error_detail(error,
			                  "The value for column \"%s\" is out of range for type %s.",
			                  column->name,
			                  type);
			break;
		case FLOW_TOO_LONG:
			flow_error_detail(error,
			                  "The value for column \"%s\" has more than %d characters.",
			                  column->name,
			                  column->max_chars);
			break;
		case FLOW_BAD_ENCODING:
			flow_error_detail(
				error,
				"The value for column \"%s\" is not valid text in the encoding of the database.",
				column->name);
			break;
		case FLOW_MISSING:
			flow_error_detail(error,
			                  "There is no value for column \"%s\", which is NOT NULL.",
			                  column->name);
			break;
		default:
			flow_error_detail(error,
			                  "The value for column \"%s\" is not of type %s.",
			                  column->name,
			                  type);
			break;
	}
}

/*
 * Adds the hint that another type suits the column's field, and returns true,
 * if a bad value is one of that type.  To leave such lines out would be to
 * leave out all.
 */
static bool
suggest_type(const FlowReader *reader, FlowBadField bad, FlowError *error)
{
	const FlowColumn *column = &reader->columns[bad.column];
	const char *name = column->field != NULL ? column->field : column->name;
	FlowColumn natural = {.max_chars = -1};
	FlowValue value;

	if (bad.status == FLOW_MISSING || bad.status == FLOW_BAD_ENCODING ||
	    column->source != FLOW_FROM_RECORD || !flow_field_type(name, &natural.type) ||
	    flow_value_read(&natural, reader->host, reader->fields[bad.column], &value) != FLOW_OK)
		return false;
	flow_error_hint(error,
	                "Change the type of the column to %s, which suits the field \"%s\".",
	                flow_field_types(name),
	                flow_field_name(name));
	return true;
}

/* Adds the hint that says what to do about a bad field. */
static void
suggest_mend(const FlowReader *reader, FlowBadField bad, FlowError *error)
{
	if (suggest_type(reader, bad, error) || reader->spec.on_error == FLOW_ON_ERROR_IGNORE)
		return;
	if (bad.status == FLOW_MISSING)
		flow_error_hint(error,
		                "Set option \"on_error\" to \"ignore\" to leave such lines out, or drop "
		                "the NOT NULL constraint.");
	else if (reader->spec.on_error == FLOW_ON_ERROR_STOP)
		flow_error_hint(error,
		                "Set option \"on_error\" to \"ignore\" to leave such lines out, or to "
		                "\"set_null\" to read such values as nulls.");
}

/*
 * Returns true for the records that AWS writes for an interval without data
 * (NODATA, SKIPDATA).
 */
static bool
is_record_without_data(const FlowLine *line)
{
	static const char *const statuses[] = {" NODATA", " SKIPDATA"};

	for (size_t i = 0; i < flow_countof(statuses); i++)
		if (memmem(line->data, line->len, statuses[i], strlen(statuses[i])) != NULL)
			return true;
	return false;
}

/*
 * Returns a sentence, or nothing, about why a line is probably no record of
 * the table's format.
 */
static const char *
likely_reason(const FlowReader *reader, const FlowLine *line)
{
	if (flow_format_layout(reader->spec.format, FLOW_BARE) == NULL)
		return ""; /* the header says what the format is */
	if (is_record_without_data(line))
		return "NODATA and SKIPDATA records have \"-\" in most of their fields, which a "
			   "pattern for numbers does not match. ";
	if (reader->part.start > 0 || reader->line > reader->first_line + 1)
		return "";
	return flow_format_unwraps(reader->spec.format)
	           ? "If no line is a record, \"log_format\" is not the format of these flow logs. "
	           : "If no line is a record, \"regex\" must be changed: it has to match whole lines. ";
}

/*
 * Returns true if the description of an error is needed.  Most bad lines are
 * only counted, and composing a description would take longer than reading the
 * line did.
 */
static bool
is_told(const FlowReader *reader)
{
	return reader->spec.on_error == FLOW_ON_ERROR_STOP || reader->spec.report_rejects ||
	       reader->spec.reject_limit >= 0 || reader->first_reject.object == NULL;
}

/* Why there is a NUL byte in a line, by its framing. */
static const char *const why_nul[FLOW_FRAMINGS] = {
	[FLOW_BARE] = "The line contains a NUL byte.",
	[FLOW_TIMED] = "The message contains a line break or a NUL byte.",
	[FLOW_CSV] = "A value of the row has a control character, or its quotes are not in pairs.",
};

/* Says why a line that begins with a NUL byte is no event. */
static const char *
why_no_event(const FlowReader *reader, const FlowLine *line)
{
	switch (reason_of(reader, line))
	{
		case FLOW_NESTED_VALUE:
			return "The value of a field is an object or an array.";
		case FLOW_BROKEN_VALUE:
			return "The value of a field contains a control character.";
		case FLOW_CUT_VALUE:
			return "The values of the fields, with those that others replace, are longer than "
				   "\"max_line_length\".";
		default:
			return flow_source_not_event(reader->source);
	}
}

/* Fills the error for a line that is not a record. */
FlowStatus
flow_reader_unmatched_error(FlowReader *reader, const FlowLine *line, FlowError *error)
{
	if (!is_told(reader))
		return error->status = FLOW_BAD_RECORD;
	flow_error_set(error, FLOW_BAD_RECORD, "invalid flow log record");

	/* what is wrong */
	if (line->too_long)
	{
		flow_error_detail(error,
		                  "The line is longer than %zu bytes.",
		                  reader->spec.max_line_length);
		flow_error_hint(error, "Raise the option \"max_line_length\" if this is a record.");
	}
	else if (reader->framing == FLOW_TIMED && line->len > 0 && line->data[0] == '\0')
		flow_error_detail(error, "%s", why_no_event(reader, line));
	else if (memchr(line->data, '\0', line->len) != NULL)
		flow_error_detail(error, "%s", why_nul[reader->framing]);
	else if (reader->layout == NULL)
		flow_error_detail(error, "The message is not a record of the default format.");
	else
		flow_format_explain_mismatch(reader->spec.format,
		                             reader->layout,
		                             line->data,
		                             line->len,
		                             error);

	/* what to do about it */
	if (error->hint[0] == '\0' && reader->spec.on_error == FLOW_ON_ERROR_STOP)
		flow_error_hint(error,
		                "%sSet option \"on_error\" to \"ignore\" to leave such lines out, or to "
		                "\"set_null\" to keep them as rows of nulls.",
		                likely_reason(reader, line));
	flow_reader_attach_raw(reader, line, error);
	return flow_reader_error_here(reader, error->status, error);
}

/* Fills the error for a bad field. */
FlowStatus
flow_reader_bad_field_error(FlowReader *reader, FlowBadField bad, FlowError *error)
{
	if (bad.status == FLOW_NO_MEMORY)
		return flow_error_memory(error);
	if (flow_column_is_constant(&reader->columns[bad.column]) &&
	    reader->spec.on_error != FLOW_ON_ERROR_IGNORE)
		return flow_constant_error(&reader->columns[bad.column],
		                           bad.column,
		                           reader->object,
		                           bad.status,
		                           reader->spec.on_error == FLOW_ON_ERROR_STOP,
		                           error);
	if (!is_told(reader) && !reader->columns[bad.column].not_null)
		return error->status = bad.status;
	flow_error_set(error, bad.status, "invalid flow log record");
	describe_bad_field(reader, bad, error);
	suggest_mend(reader, bad, error);
	error->column = bad.column;
	flow_error_raw(error, reader->fields[bad.column]);
	return flow_reader_error_here(reader, error->status, error);
}

/* ---------- rejects ---------- */

/*
 * Counts a reject with those of the readers that share the work; returns true
 * if that is more than reject_limit allows.  To be called once for each
 * reject, after it was counted in this reader.
 */
static bool
too_many_rejects(FlowReader *reader)
{
	const FlowReadSpec *spec = &reader->spec;
	uint64_t rejects = reader->counts.rejected + reader->counts.set_null - reader->rejects_before;

	if (spec->reject_limit < 0)
		return false;
	if (spec->shared_rejects != NULL)
		rejects = __atomic_add_fetch(spec->shared_rejects, 1, __ATOMIC_RELAXED);
	return rejects > (uint64_t) spec->reject_limit;
}

/*
 * Records a reject, whose description is in "error", as the last one and
 * perhaps the first.  Returns an error if there are too many rejects.
 */
static FlowStatus
note_reject(FlowReader *reader, const FlowLine *line, FlowError *error)
{
	FlowReject *reject = &reader->last_reject;
	bool first = reader->first_reject.object == NULL;

	if (!is_told(reader))
		return FLOW_OK;

	/* the last reject */
	memcpy(reader->last_reason, error->detail, sizeof(reader->last_reason));
	memcpy(reader->last_hint, error->hint, sizeof(reader->last_hint));
	*reject = (FlowReject) {
		.object = reader->object,
		.part = reader->part.start,
		.line = reader->line,
		.status = error->status,
		.column = error->column,
		.reason = reader->last_reason,
		.hint = reader->last_hint,
	};
	if (line != NULL)
	{
		reject->raw = without_mark(reader, line);
		reject->has_marks = reader->has_marks;
	}

	/* the first reject, without the raw line, which will be gone */
	if (first)
	{
		memcpy(reader->first_reason, reader->last_reason, sizeof(reader->first_reason));
		memcpy(reader->first_hint, reader->last_hint, sizeof(reader->first_hint));
		reader->first_reject = *reject;
		reader->first_reject.reason = reader->first_reason;
		reader->first_reject.hint = reader->first_hint;
		reader->first_reject.raw = (FlowSlice) {NULL, 0};
	}

	/* the limit */
	if (too_many_rejects(reader))
	{
		FlowError reason = *error;

		flow_error_set(error,
		               FLOW_TOO_MANY_REJECTS,
		               "more than %lld lines of flow logs could not be read as records",
		               (long long) reader->spec.reject_limit);
		flow_error_detail(error, "%s", reason.detail);
		flow_error_hint(error,
		                "%s%sThe option \"reject_limit\" of the foreign table sets this limit.",
		                reason.hint,
		                reason.hint[0] != '\0' ? " " : "");
		error->column = reason.column;
		flow_error_raw(error, (FlowSlice) {reason.raw, reason.raw_len});
		error->raw_cut = reason.raw_cut;
		return flow_reader_error_here(reader, error->status, error);
	}
	return FLOW_OK;
}

/* Leaves the current line out. */
FlowStatus
flow_reader_reject_line(FlowReader *reader, const FlowLine *line, FlowError *error)
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

/* Keeps the current line, with nulls in it. */
FlowStatus
flow_reader_null_line(FlowReader *reader, const FlowLine *line, FlowError *error)
{
	if (reader->line_nulled)
		return FLOW_OK;
	reader->line_nulled = true;
	reader->counts.set_null++;
	if (error->status == FLOW_BAD_RECORD)
		reader->counts.unmatched++;
	return note_reject(reader, line, error);
}
