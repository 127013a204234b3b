/*-------------------------------------------------------------------------
 *
 * reader_judge.c
 *	  Decides whether a line is a header, a record that passes, a record that
 *	  does not pass, or not a record.
 *
 *-------------------------------------------------------------------------
 */
#include "filter.h"
#include "format.h"
#include "memo.h"
#include "reader.h"

#include <string.h>

/* ---------- headers ---------- */

static FlowStatus
keep_header(FlowReader *reader, FlowSlice text, FlowError *error)
{
	flow_free(reader->host, reader->header);
	reader->header = flow_allocate(reader->host, text.len);
	if (reader->header == NULL)
		return flow_error_memory(error);
	memcpy(reader->header, text.data, text.len);
	reader->header_len = text.len;
	return FLOW_OK;
}

/*
 * header 'match': the first line must be a header, and any later header must
 * be the same.
 */
static FlowStatus
match_header(FlowReader *reader, FlowSlice text, bool looks_like_header, FlowError *error)
{
	if (reader->line == reader->first_line) /* such files are not cut */
	{
		if (!looks_like_header)
		{
			flow_error_set(error, FLOW_BAD_HEADER, "flow log has no header");
			flow_error_detail(error, "Its first line does not name the fields of the records.");
			flow_error_hint(
				error, "Set option \"header\" to \"auto\" if only some of the files have one.");
			return error->status;
		}
		return keep_header(reader, text, error);
	}
	if (looks_like_header &&
	    (text.len != reader->header_len || memcmp(text.data, reader->header, text.len) != 0))
	{
		flow_error_set(error, FLOW_BAD_HEADER, "flow log has a second, different header");
		return error->status;
	}
	return FLOW_OK;
}

/*
 * Returns the part of a line that may be a header: all of it, or the text
 * after the time that a wrapper put before it.
 */
static FlowSlice
header_text(const FlowReader *reader, const FlowLine *line)
{
	const char *blank = reader->framing == FLOW_TIMED ? memchr(line->data, ' ', line->len) : NULL;
	size_t skipped = blank != NULL ? (size_t) (blank + 1 - line->data) : 0;

	return (FlowSlice) {line->data + skipped, line->len - skipped};
}

/*
 * Returns true if the line is the wrapper's own header, which occurs where
 * files were joined.
 */
static bool
is_wrapper_header(const FlowReader *reader, const FlowLine *line)
{
	return reader->wrapper_header != NULL && line->len == strlen(reader->wrapper_header) &&
	       memcmp(line->data, reader->wrapper_header, line->len) == 0;
}

/*
 * Sets *is_header if the current line is a header, which is skipped and may
 * give the layout of the lines after it.
 */
static FlowStatus
find_header(FlowReader *reader, const FlowLine *line, bool *is_header, FlowError *error)
{
	FlowFormat *format = reader->spec.format;
	FlowSlice text = header_text(reader, line);
	bool first = reader->line == reader->first_line && reader->part.start == 0;
	const FlowLayout *layout = reader->layout;
	bool looks_like_header;
	FlowStatus status = FLOW_OK;

	*is_header = false;
	if (reader->header_mode == FLOW_HEADER_FALSE || reader->by_key)
		return FLOW_OK;
	if (is_wrapper_header(reader, line))
	{
		*is_header = true; /* it does not name the fields */
		return FLOW_OK;
	}

	/* the line, or the header mode, decides */
	looks_like_header = !line->too_long &&
	                    flow_format_is_header(format, text.data, text.len, reader->framing, first);
	if (reader->header_mode == FLOW_HEADER_MATCH)
		status = match_header(reader, text, looks_like_header, error);
	if (status == FLOW_OK && reader->header_mode == FLOW_HEADER_TRUE)
		*is_header = first;
	else
		*is_header = looks_like_header;

	/* the header may change the layout */
	if (status == FLOW_OK && *is_header && (looks_like_header || flow_format_is_by_header(format)))
		status =
			flow_format_take_header(format, text.data, text.len, reader->framing, &layout, error);
	if (status != FLOW_OK)
		return flow_reader_error_here(reader, status, error);
	if (layout != reader->layout)
		flow_reader_set_layout(reader, layout);
	return FLOW_OK;
}

/* ---------- lines to records ---------- */

/*
 * Handles a line that is not a record.  FLOW_OK: it is kept as a record of
 * nulls; FLOW_END: it is left out without a report.
 */
static FlowStatus
take_unmatched(FlowReader *reader, const FlowLine *line, FlowError *error)
{
	FlowStatus status = flow_reader_unmatched_error(reader, line, error);

	switch (reader->spec.on_error)
	{
		case FLOW_ON_ERROR_STOP:
			return status;
		case FLOW_ON_ERROR_IGNORE:
			status = flow_reader_reject_line(reader, line, error);
			return status == FLOW_OK ? FLOW_END : status;
		case FLOW_ON_ERROR_SET_NULL:
			break;
	}

	for (int i = 0; i < reader->ncolumns; i++)
		reader->fields[i] = (FlowSlice) {NULL, 0};
	flow_reader_set_others(reader);
	for (int i = 0; i < reader->ncolumns; i++)
	{
		if (reader->columns[i].not_null && reader->columns[i].source == FLOW_FROM_RECORD)
			return flow_reader_bad_field_error(reader, (FlowBadField) {i, FLOW_MISSING}, error);
	}
	return flow_reader_null_line(reader, line, error);
}

/* Handles a record with a bad field; returns as take_unmatched does. */
static FlowStatus
take_bad_field(FlowReader *reader, const FlowLine *line, FlowBadField bad, FlowError *error)
{
	const FlowColumn *column = &reader->columns[bad.column];
	FlowStatus status = flow_reader_bad_field_error(reader, bad, error);

	if (status == FLOW_NO_MEMORY)
		return status;
	switch (reader->spec.on_error)
	{
		case FLOW_ON_ERROR_STOP:
			break;
		case FLOW_ON_ERROR_IGNORE:
			status = flow_reader_reject_line(reader, line, error);
			return status == FLOW_OK ? FLOW_END : status;
		case FLOW_ON_ERROR_SET_NULL:
			if (!column->not_null)
				return flow_reader_null_line(reader, line, error);
			break;
	}
	return status;
}

/*
 * Checks the columns that must be checked whatever the query uses: under
 * 'ignore' all, because a line with any bad field is not a row; otherwise
 * those that are NOT NULL, because PostgreSQL relies on that.
 */
FlowBadField
flow_reader_check_columns(const FlowReader *reader)
{
	bool all = reader->spec.on_error == FLOW_ON_ERROR_IGNORE;
	bool stop = reader->spec.on_error == FLOW_ON_ERROR_STOP;

	for (int i = 0; i < reader->ncolumns; i++)
	{
		FlowStatus status;
		FlowValue value;

		/* the number of a line cannot be bad */
		if ((!all && !reader->columns[i].not_null) || reader->columns[i].source == FLOW_FROM_LINE)
			continue;
		status = flow_value_read(&reader->columns[i], reader->host, reader->fields[i], &value);
		if (status == FLOW_OK || status == FLOW_END || (stop && status != FLOW_MISSING))
			continue;
		return (FlowBadField) {i, status};
	}
	return (FlowBadField) {-1, FLOW_OK};
}

/*
 * Handles a record on which the filter failed because of a field.  If the
 * field is a valid value, the query's own computation on it failed, which is
 * an error whatever on_error says, as it is when PostgreSQL computes it.
 * Otherwise the field is bad.
 */
static FlowStatus
take_broken_filter(FlowReader *reader, const FlowLine *line, FlowBadField bad, FlowError *error)
{
	FlowValue value;

	if (bad.status == FLOW_NO_MEMORY)
		return flow_error_memory(error);
	if (bad.status == FLOW_INTERRUPTED)
		return flow_error_interrupted(error);

	/* nothing is computed from a line that is not a row anyway */
	if (reader->spec.on_error == FLOW_ON_ERROR_IGNORE)
	{
		FlowBadField other = flow_reader_check_columns(reader);

		if (other.column >= 0)
			return take_bad_field(reader, line, other, error);
	}
	if (flow_value_read(&reader->columns[bad.column],
	                    reader->host,
	                    reader->fields[bad.column],
	                    &value) == FLOW_OK)
	{
		flow_error_set(error, FLOW_NO_TIME, "timestamp out of range");
		error->column = bad.column;
		flow_error_raw(error, reader->fields[bad.column]);
		return flow_reader_error_here(reader, error->status, error);
	}
	return take_bad_field(reader, line, bad, error);
}

/*
 * Sets the default layout for a file whose header should name the fields, but
 * whose first line is not a header.
 */
static FlowStatus
lay_out_by_default(FlowReader *reader, const FlowLine *line, FlowError *error)
{
	const FlowLayout *layout;
	FlowStatus status = flow_format_assume_default(reader->spec.format,
	                                               line->data,
	                                               line->len,
	                                               reader->framing,
	                                               &layout,
	                                               error);

	if (status != FLOW_OK)
	{
		flow_reader_attach_raw(reader, line, error);
		return flow_reader_error_here(reader, status, error);
	}
	flow_reader_set_layout(reader, layout);
	return FLOW_OK;
}

/*
 * Makes the record wait, because its evaluation needs a deferred predicate.
 * Nothing is computed from a line that is not a row anyway.
 */
static FlowStatus
wait_for_value(FlowReader *reader, const FlowLine *line, int number, FlowError *error)
{
	FlowBadField bad = flow_reader_check_columns(reader);

	if (bad.column >= 0)
		return take_bad_field(reader, line, bad, error);
	reader->value_waits = true;
	reader->waiting = *line;
	reader->needed = number;
	return FLOW_NEED_VALUE;
}

/*
 * Decides whether the record in reader->fields passes; returns as
 * flow_reader_take_line does.
 */
static FlowStatus
test_record(FlowReader *reader, const FlowLine *line, FlowError *error)
{
	FlowBadField bad = {-1, FLOW_OK};
	FlowStatus status;
	FlowTruth truth;

	if (reader->spec.filter != NULL)
	{
		truth = flow_filter_test(reader->spec.filter, reader->fields, &bad);
		if (truth == FLOW_ERROR && bad.status == FLOW_NEED_VALUE)
			return wait_for_value(reader, line, bad.column, error);
		if (truth == FLOW_ERROR)
			return take_broken_filter(reader, line, bad, error);
		if (bad.column >= 0 && (status = take_bad_field(reader, line, bad, error)) != FLOW_OK)
			return status;
		if (truth != FLOW_TRUE)
		{
			reader->counts.filtered++;
			return FLOW_END;
		}
	}

	bad = flow_reader_check_columns(reader);
	if (bad.column >= 0)
		return take_bad_field(reader, line, bad, error);
	return FLOW_OK;
}

/*
 * Handles the message of a file whose records have a member for each field, if
 * it is not a record of the default format either.
 */
static FlowStatus
take_unlike_keys(FlowReader *reader, const FlowLine *line, FlowError *error)
{
	FlowStatus status = take_unmatched(reader, line, error);

	return status == FLOW_OK ? test_record(reader, line, error) : status;
}

/*
 * Splits and tests a line that is neither empty nor a header; returns as
 * flow_reader_take_line does.
 */
static FlowStatus
test_line(FlowReader *reader, const FlowLine *line, FlowError *error)
{
	FlowStatus status;

	status = reader->layout == NULL ? lay_out_by_default(reader, line, error) : FLOW_OK;
	if (status == FLOW_BAD_HEADER && reader->had_keys)
		return take_unlike_keys(reader, line, error);
	if (status != FLOW_OK)
		return status;
	if (line->too_long || memchr(line->data, '\0', line->len) != NULL)
		status = FLOW_END;
	else
		status = flow_format_split(reader->spec.format,
		                           reader->layout,
		                           line->data,
		                           line->len,
		                           reader->fields,
		                           error);

	if (status == FLOW_END)
		status = take_unmatched(reader, line, error);
	else if (status != FLOW_OK)
		return flow_reader_error_here(reader, status, error);
	else
		flow_reader_set_others(reader);
	return status == FLOW_OK ? test_record(reader, line, error) : status;
}

/* Reports a reject first if the line is kept with nulls. */
static FlowStatus
report_nulled(FlowReader *reader, FlowStatus status)
{
	if ((status != FLOW_OK && status != FLOW_END) || !reader->line_nulled ||
	    !reader->spec.report_rejects)
		return status;
	reader->record_waits = status == FLOW_OK;
	return FLOW_REJECTED;
}

/* Changes the layout after a mark: see FLOW_KEYS_MARK. */
static FlowStatus
take_mark(FlowReader *reader, const FlowLine *line, FlowError *error)
{
	const FlowLayout *layout = reader->messages;
	FlowStatus status = FLOW_OK;

	reader->by_key = line->data[1] == FLOW_KEYS_MARK[1];
	if (reader->by_key)
	{
		reader->had_keys = true;
		reader->messages = reader->layout;
		status = flow_format_take_keys(reader->spec.format,
		                               flow_source_keys(reader->source),
		                               &layout,
		                               error);
	}
	if (status != FLOW_OK)
	{
		/* it is about the record after the mark */
		flow_error_at(error, reader->object->path, reader->line + 1);
		return status;
	}
	flow_reader_set_layout(reader, layout);
	return FLOW_END;
}

/*
 * Processes a line that was counted: a header, a blank line, or perhaps a
 * record.
 */
FlowStatus
flow_reader_take_line(FlowReader *reader, const FlowLine *line, FlowError *error)
{
	bool is_header;
	FlowStatus status;

	flow_memo_settle(flow_filter_memo(reader->spec.filter));
	if (line->is_mark)
		return take_mark(reader, line, error);
	status = find_header(reader, line, &is_header, error);
	if (status != FLOW_OK)
		return status;
	reader->line_nulled = false;
	if (is_header)
		reader->counts.headers++;
	else if (line->len == 0 && !line->too_long)
		reader->counts.blank++;
	else
		return report_nulled(reader, test_line(reader, line, error));
	return FLOW_END;
}

/* Processes a record that did not come from a line. */
FlowStatus
flow_reader_take_record(FlowReader *reader, const FlowLine *line, FlowError *error)
{
	reader->line_nulled = false;
	return report_nulled(reader, test_record(reader, line, error));
}

/* Continues with the line that waits for a value. */
FlowStatus
flow_reader_take_waiting(FlowReader *reader, FlowError *error)
{
	FlowStatus status;

	reader->value_waits = false;
	status = test_record(reader, &reader->waiting, error);
	if (status != FLOW_NEED_VALUE)
		flow_expressions_forget(reader->spec.filter->expressions);
	return report_nulled(reader, status);
}
