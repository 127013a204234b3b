/*-------------------------------------------------------------------------
 *
 * layout.c
 *	  Finds the field of a line that fills each column, from a list of names: a
 *	  header, a log format, or the default format.
 *
 *-------------------------------------------------------------------------
 */
#include "bytes/source.h"
#include "field.h"
#include "layout.h"

#include <stdio.h>
#include <string.h>

/*
 * The fields of a flow log whose owner chose no format (Amazon VPC User Guide,
 * "Default format").
 */
#define DEFAULT_FIELDS 14
static const char default_format[] =
	"${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} "
	"${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}";

/* ---------- columns ---------- */

const char *
flow_layout_name(const FlowColumn *column)
{
	return column->field != NULL ? column->field : column->name;
}

/*
 * Fills the error for a column that no file can fill, unless its header names
 * such a field.
 */
FlowStatus
flow_layout_unknown_column(const FlowColumn *column, const FlowNames *names, const char *source,
                           FlowError *error)
{
	const char *name = flow_layout_name(column);
	char nearest[FLOW_NAME_LENGTH + 1];

	flow_error_set(error, FLOW_BAD_HEADER, "no field \"%s\" for column \"%s\"", name, column->name);
	flow_error_detail(error,
	                  "It is not a known field of flow logs, and the %s does not name it.",
	                  source);
	if (flow_names_nearest(names, name, nearest))
		flow_error_hint(error, "Perhaps you meant the field \"%s\".", nearest);
	else
		flow_error_hint(error, "Set the column option \"field\" to the name of a field.");
	return error->status;
}

/* Fills the error for two columns that find the same field by their names. */
static FlowStatus
shared_field(const FlowColumn *first, const FlowColumn *second, FlowError *error)
{
	const FlowField *field = flow_field_of_column(second->name);

	flow_error_set(error,
	               FLOW_BAD_FORMAT,
	               "columns \"%s\" and \"%s\" have the same field",
	               first->name,
	               second->name);
	flow_error_detail(error,
	                  "By their names, both are filled by \"%s\".",
	                  field != NULL ? field->name : second->name);
	flow_error_hint(error,
	                "Drop one of them, or set its column option \"field\" to the field that it is "
	                "for.");
	return error->status;
}

static bool
is_found_by_name(const FlowColumn *column)
{
	return column->source == FLOW_FROM_RECORD && column->field == NULL;
}

/* Checks that no two columns find the same field by their names. */
FlowStatus
flow_layout_check_shared(const FlowColumn *columns, int ncolumns, const int *places, int nowhere,
                         FlowError *error)
{
	for (int i = 1; i < ncolumns; i++)
		for (int j = 0; j < i && is_found_by_name(&columns[i]); j++)
			if (places[i] != nowhere && places[j] == places[i] && is_found_by_name(&columns[j]))
			{
				shared_field(&columns[j], &columns[i], error);
				error->column = i;
				return error->status;
			}
	return FLOW_OK;
}

/* Finds the place of each column's field.  A known field may be missing. */
static FlowStatus
place_columns(FlowLayout *layout, const FlowLayoutSpec *spec, FlowError *error)
{
	bool timed = spec->framing == FLOW_TIMED;

	for (int i = 0; i < spec->ncolumns; i++)
	{
		const FlowColumn *column = &spec->columns[i];
		const char *name = flow_layout_name(column);
		bool is_time = strcmp(name, FLOW_LOGGED) == 0;
		int place = flow_names_find(spec->names, name);

		if (column->source != FLOW_FROM_RECORD)
			layout->places[i] = -1;
		else if (is_time && timed)
			layout->places[i] = 0;
		else if (place >= 0)
			layout->places[i] = place + (timed ? 1 : 0);
		else if (is_time || spec->partial || flow_field_of_column(name) != NULL)
		{
			layout->places[i] = -1;
			layout->lacks_field |= is_time || !spec->partial;
		}
		else
		{
			flow_layout_unknown_column(column, spec->names, spec->source, error);
			error->column = i;
			return error->status;
		}
	}
	return flow_layout_check_shared(spec->columns, spec->ncolumns, layout->places, -1, error);
}

/* ---------- layouts ---------- */

/*
 * Sets the shape, which requires only single separators between the fields,
 * whatever is in them.
 */
static void
set_shape(FlowLayout *layout)
{
	if (layout->nfields > FLOW_SHAPE_FIELDS)
		return;
	layout->own_shape.separator = layout->separator;
	layout->own_shape.nfields = layout->own_shape.nrequired = layout->nfields;
	layout->shape = &layout->own_shape;
}

/* Makes a layout from a list of names. */
FlowStatus
flow_layout_create(const FlowLayoutSpec *spec, FlowLayout **result, FlowError *error)
{
	const FlowHost *host = spec->host;
	FlowLayout *layout = flow_allocate(host, sizeof(FlowLayout));
	FlowStatus status;

	if (layout == NULL)
		return flow_error_memory(error);
	memset(layout, 0, sizeof(*layout));
	layout->host = host;
	layout->source = spec->source;
	layout->framing = spec->framing;
	layout->separator = spec->names->separator;
	layout->nfields = spec->names->count + (spec->framing == FLOW_TIMED ? 1 : 0);
	layout->places = flow_allocate(host, ((size_t) spec->ncolumns + 1) * sizeof(int));
	if (layout->places == NULL)
		status = flow_error_memory(error);
	else
		status = place_columns(layout, spec, error);
	if (status != FLOW_OK)
	{
		flow_layout_free(layout);
		return status;
	}

	if (spec->splitter && !(layout->framing == FLOW_TIMED && layout->separator != ' '))
		set_shape(layout);
	*result = layout;
	return FLOW_OK;
}

/* Makes the layout of lines of records with a member for each field. */
FlowStatus
flow_layout_create_by_key(const FlowHost *host, const FlowColumn *columns, int ncolumns,
                          bool splitter, FlowLayout **result, FlowError *error)
{
	FlowLayout *layout = flow_allocate(host, sizeof(FlowLayout));

	if (layout == NULL)
		return flow_error_memory(error);
	memset(layout, 0, sizeof(*layout));
	layout->host = host;
	layout->by_key = true;
	layout->source = "JSON";
	layout->separator = '\t';
	layout->nfields = 1; /* the JSON */
	layout->places = flow_allocate(host, ((size_t) ncolumns + 1) * sizeof(int));
	if (layout->places == NULL)
	{
		flow_layout_free(layout);
		return flow_error_memory(error);
	}
	for (int i = 0; i < ncolumns; i++)
		layout->places[i] = columns[i].source == FLOW_FROM_RECORD ? layout->nfields++ : -1;
	if (splitter)
		set_shape(layout);
	*result = layout;
	return FLOW_OK;
}

void
flow_layout_free(FlowLayout *layout)
{
	while (layout != NULL)
	{
		FlowLayout *next = layout->next;

		flow_free(layout->host, layout->places);
		flow_free(layout->host, layout->key);
		flow_free(layout->host, layout);
		layout = next;
	}
}

/* ---------- lines ---------- */

/*
 * Returns the next field of a line and moves *next past its separator.  Any
 * number of blanks is one separator, and none counts before the first field or
 * after the last: AWS writes one blank, editors may write more.
 */
static FlowSlice
next_field(const char **next, const char *end, char separator)
{
	FlowSlice field = {*next, 0};
	const char *found = memchr(*next, separator, (size_t) (end - *next));

	field.len = (size_t) ((found != NULL ? found : end) - field.data);
	*next = found != NULL ? found + 1 : end;
	return field;
}

static const char *
skip_blanks(const char *next, const char *end)
{
	while (next < end && *next == ' ')
		next++;
	return next;
}

/*
 * Splits a line into fields and returns their number; only the first "most"
 * are stored.
 */
static int
split(const char *line, size_t len, char separator, FlowFraming framing, FlowSlice *fields,
      int most)
{
	const char *next = line;
	const char *end = line + len;
	int count = 0;

	for (;;)
	{
		bool blanks = separator == ' ' || (framing == FLOW_TIMED && count == 0);
		bool more;
		FlowSlice field;

		if (blanks)
			next = skip_blanks(next, end);
		if (blanks && next == end)
			return count;
		field = next_field(&next, end, blanks ? ' ' : separator);
		if (count < most)
			fields[count] = field;
		count++;
		more = field.data + field.len < end;
		if (!more)
			return count;
	}
}

/*
 * Splits a line of a record with a member for each field, which may have more
 * columns than a header has names.
 */
static FlowStatus
split_by_key(const FlowLayout *layout, const char *line, size_t len, FlowSlice *by_column,
             int ncolumns)
{
	const char *next = line, *end = line + len;

	(void) next_field(&next, end, layout->separator);
	for (int i = 0; i < ncolumns; i++)
	{
		by_column[i] = (FlowSlice) {NULL, 0};
		if (layout->places[i] < 0)
			continue;
		by_column[i] = next_field(&next, end, layout->separator);
		if (by_column[i].len == 1 && by_column[i].data[0] == FLOW_NO_VALUE[0])
			by_column[i] = (FlowSlice) {NULL, 0};
	}
	return FLOW_OK;
}

/*
 * Returns what a value of CSV means: one that is empty is NULL, unless it was
 * quoted.
 */
static FlowSlice
csv_value(FlowSlice field)
{
	if (field.len == 0)
		return (FlowSlice) {NULL, 0};
	if (field.len == 1 && field.data[0] == FLOW_CSV_EMPTY)
		field.len = 0;
	return field;
}

/* Splits a line into fields by column. */
FlowStatus
flow_layout_split(const FlowLayout *layout, const char *line, size_t len, FlowSlice *by_column,
                  int ncolumns)
{
	FlowSlice fields[FLOW_NAMES_MAX + 1];
	int most = layout->next == NULL ? layout->nfields : FLOW_NAMES_MAX + 1;
	int count;

	if (layout->by_key)
		return split_by_key(layout, line, len, by_column, ncolumns);
	count = split(line, len, layout->separator, layout->framing, fields, most);
	layout = flow_layout_for(layout, count);
	if (layout == NULL)
		return FLOW_END;
	for (int i = 0; i < ncolumns; i++)
	{
		int place = layout->places[i];

		by_column[i] = place < 0 ? (FlowSlice) {NULL, 0} : fields[place];
		if (layout->separator == FLOW_CSV_SEPARATOR)
			by_column[i] = csv_value(by_column[i]);
	}
	return FLOW_OK;
}

/*
 * Returns true if a line's first field is a time.  A smaller number is rather
 * the first field of a record, its version.
 */
static bool
is_time(FlowSlice field)
{
	static const FlowColumn column = {.name = FLOW_LOGGED, .type = FLOW_TIME, .max_chars = -1};
	FlowValue value;

	return field.len >= 8 && flow_value_read(&column, NULL, field, &value) == FLOW_OK;
}

/*
 * Writes how many fields a line should have, without the first "less" of
 * them: "the header names 14", "the log formats name 4, 5 or 6".
 */
static void
write_expected(const FlowLayout *layout, int less, char *text, size_t size)
{
	bool several = layout->next != NULL;
	int len = snprintf(text, size, "the %s%s", layout->source, several ? "s name" : " names");

	for (const char *before = " "; layout != NULL && len > 0 && (size_t) len < size;)
	{
		len += snprintf(text + len, size - (size_t) len, "%s%d", before, layout->nfields - less);
		layout = layout->next;
		before = layout != NULL && layout->next == NULL ? " or " : ", ";
	}
}

/*
 * Adds the detail that the line has the wrong number of fields.  The timestamp
 * before the record is none of them; it may be missing, as "-" says, or as in
 * a line that continues another.
 */
void
flow_layout_explain_mismatch(const FlowLayout *layout, const char *line, size_t len,
                             FlowError *error)
{
	FlowSlice first = {"", 0};
	int count = split(line, len, layout->separator, layout->framing, &first, 1);
	bool missing = first.len == 1 && first.data[0] == '-';
	bool timed = layout->framing == FLOW_TIMED && (missing || is_time(first));
	char expected[40 + 5 * FLOW_LOG_FORMATS_MAX];

	write_expected(layout, timed ? 1 : 0, expected, sizeof(expected));
	if (layout->framing != FLOW_TIMED)
		flow_error_detail(error,
		                  "The line has %d %s, but %s.",
		                  count,
		                  count == 1 ? "field" : "fields",
		                  expected);
	else if (timed)
		flow_error_detail(error,
		                  "%s line has %d %s, but %s.",
		                  missing ? "The" : "After the timestamp, the",
		                  count > 0 ? count - 1 : 0,
		                  count == 2 ? "field" : "fields",
		                  expected);
	else if (layout->next != NULL)
		flow_error_detail(error, "The line does not begin with a timestamp.");
	else
		flow_error_detail(
			error,
			"The line has %d %s, but a timestamp and the fields that the %s names are %d.",
			count,
			count == 1 ? "field" : "fields",
			layout->source,
			layout->nfields);
}

/* ---------- the default format ---------- */

static bool
is_digits_or_null(FlowSlice field)
{
	if (field.len == 1 && field.data[0] == '-')
		return true;
	for (size_t i = 0; i < field.len; i++)
		if (field.data[i] < '0' || field.data[i] > '9')
			return false;
	return field.len > 0;
}

static bool
is_address_or_null(FlowSlice field)
{
	FlowAddress address;

	return (field.len == 1 && field.data[0] == '-') ||
	       flow_value_address(field.data, field.len, false, &address) == FLOW_OK;
}

static bool
is_word_or_null(FlowSlice field)
{
	if (field.len == 1 && field.data[0] == '-')
		return true;
	for (size_t i = 0; i < field.len; i++)
		if (field.data[i] < 'A' || field.data[i] > 'Z')
			return false;
	return field.len > 0;
}

static bool
is_version_2(FlowSlice field)
{
	return field.len == 1 && field.data[0] == '2';
}

static bool
is_any(FlowSlice field)
{
	return field.len > 0;
}

/* Sets the names of AWS's default format. */
void
flow_default_names(FlowNames *names, FlowFraming framing)
{
	const char *next = default_format;
	FlowError error;

	(void) flow_log_format_read(default_format, &next, names, &error);
	if (framing == FLOW_CSV)
		names->separator = FLOW_CSV_SEPARATOR;
}

/*
 * Splits a line into the fields of the default format.  Returns the number of
 * the first field that does not fit, from 1; 0 if the number of fields, which
 * is *count, does not; -1 if the line fits.
 */
static int
find_misfit(FlowSlice line, FlowFraming framing, FlowSlice fields[DEFAULT_FIELDS + 1], int *count)
{
	static bool (*const fits[DEFAULT_FIELDS])(FlowSlice field) = {is_version_2,
	                                                              is_any,
	                                                              is_any,
	                                                              is_address_or_null,
	                                                              is_address_or_null,
	                                                              is_digits_or_null,
	                                                              is_digits_or_null,
	                                                              is_digits_or_null,
	                                                              is_digits_or_null,
	                                                              is_digits_or_null,
	                                                              is_digits_or_null,
	                                                              is_digits_or_null,
	                                                              is_word_or_null,
	                                                              is_word_or_null};
	char separator = framing == FLOW_CSV ? FLOW_CSV_SEPARATOR : ' ';
	int first = framing == FLOW_TIMED ? 1 : 0;

	*count = split(line.data, line.len, separator, framing, fields, DEFAULT_FIELDS + first) - first;
	if (*count != DEFAULT_FIELDS)
		return 0;
	for (int i = 0; i < DEFAULT_FIELDS; i++)
		if (!fits[i](fields[first + i]))
			return i + 1;
	return -1;
}

/* Returns true if a line is certainly a record of the default format. */
bool
flow_default_fits(const char *line, size_t len, FlowFraming framing)
{
	FlowSlice fields[DEFAULT_FIELDS + 1];
	int count;

	return find_misfit((FlowSlice) {line, len}, framing, fields, &count) < 0;
}

char
flow_shown_byte(char c)
{
	switch (c)
	{
		case '\0':
			return '\n';
		case FLOW_CSV_SEPARATOR:
			return ',';
		case FLOW_CSV_EMPTY:
			return '"';
		default:
			return c;
	}
}

/* Adds a line or a field to an error, as it was in its wrapper. */
static void
add_raw(FlowSlice raw, bool wrapped, FlowError *error)
{
	flow_error_raw(error, raw);
	for (size_t i = 0; wrapped && i < error->raw_len; i++)
		error->raw[i] = flow_shown_byte(error->raw[i]);
}

/* Adds the detail that says why a first line is not a record. */
int
flow_default_explain(FlowSlice line, FlowFraming framing, FlowError *error)
{
	bool timed = framing == FLOW_TIMED;
	const char *what = timed ? "event" : "line";
	FlowSlice fields[DEFAULT_FIELDS + 1];
	FlowNames names;
	int count, misfit;

	add_raw(line, framing == FLOW_CSV, error);
	if (timed && line.len > 1 && memcmp(line.data, "- ", 2) == 0)
		add_raw((FlowSlice) {line.data + 2, line.len - 2}, false, error);
	if (timed && line.len > 0 && line.data[0] == '\0')
	{
		bool is_row = memchr(line.data, FLOW_CSV_SEPARATOR, line.len) != NULL;

		add_raw((FlowSlice) {line.data + 1, line.len - 1}, true, error);
		flow_error_detail(
			error,
			"%s",
			is_row ? "Its first row of CSV has more or fewer values than its header, or "
					 "one with a control character."
				   : "Its first event has neither a message nor the fields of a record.");
		return 0;
	}
	misfit = find_misfit(line, framing, fields, &count);
	if (misfit == 0)
		flow_error_detail(
			error,
			"It has no header, and its first %s has %d %s, where the default format has %d.",
			what,
			count > 0 ? count : 0,
			count == 1 ? "field" : "fields",
			DEFAULT_FIELDS);
	else if (misfit > 0)
	{
		flow_default_names(&names, framing);
		flow_error_detail(error,
		                  "It has no header, and field %d of its first %s is not \"%.*s\" as in "
		                  "the default format.",
		                  misfit,
		                  what,
		                  (int) names.items[misfit - 1].len,
		                  names.items[misfit - 1].data);
		add_raw(fields[misfit - 1 + (timed ? 1 : 0)], framing == FLOW_CSV, error);
	}
	return misfit;
}
