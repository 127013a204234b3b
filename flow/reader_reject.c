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
 * Returns a line without the mark at its beginning: a NUL byte if its event
 * has no message, or "-" and a blank if it has no time.
 */
static FlowSlice
without_mark(const FlowReader *reader, const FlowLine *line)
{
	size_t mark = 0;

	if (reader->has_marks && line->len > 0 && line->data[0] == '\0')
		mark = 1;
	else if (reader->has_marks && line->len > 1 && memcmp(line->data, "- ", 2) == 0)
		mark = 2;
	return (FlowSlice) {line->data + mark, line->len - mark};
}

/* Adds the beginning of a raw line to an error. */
void
flow_reader_attach_raw(const FlowReader *reader, const FlowLine *line, FlowError *error)
{
	flow_error_raw(error, without_mark(reader, line));
	/* line breaks in a message became NUL bytes */
	for (size_t i = 0; reader->has_marks && i < error->raw_len; i++)
		if (error->raw[i] == '\0')
			error->raw[i] = '\n';
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
	else if (reader->timed && line->len > 0 && line->data[0] == '\0')
		flow_error_detail(error, "The event has no message.");
	else if (memchr(line->data, '\0', line->len) != NULL)
		flow_error_detail(error,
		                  reader->timed ? "The message contains a line break or a NUL byte."
		                                : "The line contains a NUL byte.");
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
		                flow_format_layout(reader->spec.format, false) != NULL &&
		                        is_record_without_data(line)
		                    ? "NODATA and SKIPDATA records have \"-\" in most of their fields, "
		                      "which a pattern for numbers does not match. "
		                    : "");
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
	if (bad.status == FLOW_MISSING)
		flow_error_hint(error,
		                "Set option \"on_error\" to \"ignore\" to leave such lines out, or drop "
		                "the NOT NULL constraint.");
	else if (reader->spec.on_error == FLOW_ON_ERROR_STOP)
		flow_error_hint(error,
		                "Set option \"on_error\" to \"ignore\" to leave such lines out, or to "
		                "\"set_null\" to read such values as nulls.");
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
	*reject = (FlowReject) {
		.object = reader->object,
		.part = reader->part.start,
		.line = reader->line,
		.status = error->status,
		.column = error->column,
		.reason = reader->last_reason,
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
		reader->first_reject = *reject;
		reader->first_reject.reason = reader->first_reason;
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
		flow_error_hint(error, "The option \"reject_limit\" of the foreign table sets this limit.");
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
