/*-------------------------------------------------------------------------
 *
 * format.c
 *	  Splits a line into fields: by a pattern's groups, by a log format, or by
 *	  the headers of the files.
 *
 *-------------------------------------------------------------------------
 */
#include "field.h"
#include "format.h"
#include "regex.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Number of layouts of headers that are kept.  The files of a directory have
 * one or few headers, so each layout is made once.  100,000 small files then
 * take as long with as without a header.
 */
#define LAYOUTS_KEPT 8

struct FlowFormat
{
	const FlowHost *host;
	FlowFormatSpec spec;

	/* of a pattern */
	FlowRegex *regex;
	/* NULL: the pattern does more than split, or the splitter is off */
	FlowShape *shape;
	int *groups;              /* by column: the group that fills it, or 0 */
	const FlowField **fields; /* by column: the AWS field that it holds, or NULL if not known */
	FlowLayout pattern_layout;

	/* of a log format */
	FlowLayout *log_layouts[FLOW_FRAMINGS];

	/* of records in JSON with a member for each field */
	FlowKeys *keys;
	FlowLayout *key_layout;

	/* of headers, the most recently used first */
	FlowLayout *header_layouts[LAYOUTS_KEPT];
};

/* ---------- columns and groups ---------- */

/* Returns 12 for "12"; 0 if the text is not a number from 1 to 9999. */
static int
group_number(const char *text)
{
	size_t len = strlen(text);

	if (len == 0 || len > 4 || strspn(text, "0123456789") != len)
		return 0;
	return atoi(text);
}

/*
 * Returns the group that a column names by its "field" option or, where groups
 * have names, by its name; 0 if there is none.
 */
static int
group_of_column(const FlowFormat *format, const FlowColumn *column)
{
	const char *name = column->field ? column->field : column->name;
	const FlowField *field;
	char group_name[FLOW_NAME_LENGTH + 1];
	int number;

	if (column->field != NULL && (number = group_number(column->field)) > 0)
		return number <= flow_regex_group_count(format->regex) ? number : 0;

	number = flow_regex_group_number(format->regex, name);
	if (number > 0 || (field = flow_field_of_column(name)) == NULL)
		return number;

	/* group names have no "-" */
	snprintf(group_name, sizeof(group_name), "%s", field->name);
	for (char *c = group_name; *c != '\0'; c++)
		if (*c == '-')
			*c = '_';
	return flow_regex_group_number(format->regex, group_name);
}

/* Finds the group of each column where groups have names. */
static FlowStatus
map_by_name(FlowFormat *format, FlowError *error)
{
	for (int i = 0; i < format->spec.ncolumns; i++)
	{
		const FlowColumn *column = &format->spec.columns[i];

		if (column->source != FLOW_FROM_RECORD)
			continue;
		format->groups[i] = group_of_column(format, column);
		if (format->groups[i] == 0)
		{
			flow_error_set(error,
			               FLOW_BAD_FORMAT,
			               "regular expression has no group \"%s\" for column \"%s\"",
			               column->field ? column->field : column->name,
			               column->name);
			if (column->field == NULL)
				flow_error_hint(error,
				                "Where a group has a name, columns are filled by name. Set the "
				                "column option \"field\" to the name or the number of a group.");
			error->column = i;
			return error->status;
		}
	}
	return flow_layout_check_shared(format->spec.columns,
	                                format->spec.ncolumns,
	                                format->groups,
	                                0,
	                                error);
}

/*
 * Finds the group of each column where groups have no names: they fill the
 * columns without "field", in their order.
 */
static FlowStatus
map_by_position(FlowFormat *format, FlowError *error)
{
	int ngroups = flow_regex_group_count(format->regex);
	int nplain = 0;

	for (int i = 0; i < format->spec.ncolumns; i++)
	{
		const FlowColumn *column = &format->spec.columns[i];

		if (column->source != FLOW_FROM_RECORD)
			continue;
		if (column->field == NULL)
			format->groups[i] = ++nplain;
		else if ((format->groups[i] = group_of_column(format, column)) == 0)
		{
			flow_error_set(error,
			               FLOW_BAD_FORMAT,
			               "regular expression has no group \"%s\" for column \"%s\"",
			               column->field,
			               column->name);
			error->column = i;
			return error->status;
		}
	}

	/*
	 * groups and these columns must pair up, unless all columns name their
	 * group
	 */
	if (nplain != ngroups && (nplain > 0 || format->spec.ncolumns == 0))
	{
		flow_error_set(error,
		               FLOW_BAD_FORMAT,
		               "regular expression has %d %s, but the table has %d %s to fill",
		               ngroups,
		               ngroups == 1 ? "group" : "groups",
		               nplain,
		               nplain == 1 ? "column" : "columns");
		flow_error_hint(error,
		                "Groups fill the columns without option \"field\" in their order. Write "
		                "(?:...) for a group that fills no column.");
		return error->status;
	}
	return FLOW_OK;
}

/* Finds the group of each column, and the AWS field that each column holds. */
static FlowStatus
map_columns(FlowFormat *format, FlowError *error)
{
	const FlowFormatSpec *spec = &format->spec;
	FlowStatus status;

	memset(format->groups, 0, (size_t) spec->ncolumns * sizeof(*format->groups));
	memset(format->fields, 0, (size_t) spec->ncolumns * sizeof(*format->fields));
	if (flow_regex_has_names(format->regex))
		status = map_by_name(format, error);
	else
		status = map_by_position(format, error);

	for (int i = 0; status == FLOW_OK && i < spec->ncolumns; i++)
	{
		const FlowColumn *column = &spec->columns[i];
		bool named = column->field != NULL && group_number(column->field) == 0;

		if (column->source == FLOW_FROM_RECORD)
			format->fields[i] = flow_field_of_column(named ? column->field : column->name);
	}
	return status;
}

/*
 * Finds the shape by which lines may be split, and the fields that are then
 * the columns' groups.
 */
static FlowStatus
find_shape(FlowFormat *format, FlowError *error)
{
	FlowLayout *layout = &format->pattern_layout;
	FlowStatus status;

	if (!format->spec.splitter)
		return FLOW_OK;
	status = flow_pattern_shape(format->host, format->spec.regex, &format->shape);
	if (status == FLOW_NO_MEMORY)
		return flow_error_memory(error);
	if (status == FLOW_END)
		return FLOW_OK;
	layout->shape = format->shape;
	for (int i = 0; i < format->spec.ncolumns; i++)
	{
		layout->places[i] = -1;
		for (int field = 0; field < format->shape->nfields; field++)
			if (format->groups[i] != 0 && format->shape->group[field] == format->groups[i])
				layout->places[i] = field;
	}
	return FLOW_OK;
}

/* Compiles the pattern of a format. */
static FlowStatus
compile_regex(FlowFormat *format, FlowError *error)
{
	const FlowHost *host = format->host;
	size_t ncolumns = (size_t) format->spec.ncolumns;
	FlowStatus status;

	format->groups = flow_allocate(host, (ncolumns + 1) * sizeof(*format->groups));
	format->pattern_layout.places = flow_allocate(host, (ncolumns + 1) * sizeof(int));
	format->fields = flow_allocate(host, (ncolumns + 1) * sizeof(*format->fields));
	if (format->groups == NULL || format->pattern_layout.places == NULL || format->fields == NULL)
		return flow_error_memory(error);
	status =
		flow_regex_compile(host, format->spec.regex, format->spec.regex_jit, &format->regex, error);
	if (status == FLOW_OK)
		status = map_columns(format, error);
	return status == FLOW_OK ? find_shape(format, error) : status;
}

/* ---------- lists of names ---------- */

/* Makes a layout from a list of names for the format's columns. */
static FlowStatus
create_layout(FlowFormat *format, const FlowNames *names, const char *source, bool partial,
              FlowFraming framing, FlowLayout **layout, FlowError *error)
{
	FlowLayoutSpec spec = {
		.host = format->host,
		.names = names,
		.source = source,
		.framing = framing,
		.splitter = format->spec.splitter,
		.partial = partial,
		.columns = format->spec.columns,
		.ncolumns = format->spec.ncolumns,
	};

	return flow_layout_create(&spec, layout, error);
}

/* Returns true if the option has more than one log format. */
static bool
has_several(const char *log_format)
{
	return strchr(log_format, FLOW_LOG_FORMATS_SEPARATOR) != NULL;
}

/* Checks that some log format has the field of a column. */
static FlowStatus
check_named(const FlowFormat *format, const FlowColumn *column, FlowError *error)
{
	const char *next = format->spec.log_format;
	const char *name = flow_layout_name(column);
	FlowNames names;

	while (next != NULL)
		if (flow_log_format_read(format->spec.log_format, &next, &names, error) != FLOW_OK)
			return error->status;
		else if (flow_names_find(&names, name) >= 0)
			return FLOW_OK;
	flow_error_set(error, FLOW_BAD_HEADER, "no field \"%s\" for column \"%s\"", name, column->name);
	flow_error_detail(error, "None of the log formats names it.");
	flow_error_hint(error, "Set the column option \"field\" to the name of a field.");
	return error->status;
}

/*
 * Checks that each column has its field in some of several log formats.  The
 * time of a wrapper is none of these fields.
 */
static FlowStatus
check_columns(const FlowFormat *format, FlowError *error)
{
	for (int i = 0; i < format->spec.ncolumns; i++)
	{
		const FlowColumn *column = &format->spec.columns[i];

		if (column->source != FLOW_FROM_RECORD ||
		    strcmp(flow_layout_name(column), FLOW_LOGGED) == 0)
			continue;
		if (check_named(format, column, error) != FLOW_OK)
		{
			error->column = i;
			return error->status;
		}
	}
	return FLOW_OK;
}

/* Makes the layouts of the log formats for one framing, in their order. */
static FlowStatus
create_log_layouts(FlowFormat *format, FlowFraming framing, char separator, FlowError *error)
{
	const char *next = format->spec.log_format;
	FlowLayout **end = &format->log_layouts[framing];
	FlowStatus status = FLOW_OK;
	FlowNames names;

	while (next != NULL && status == FLOW_OK)
	{
		status = flow_log_format_read(format->spec.log_format, &next, &names, error);
		/* a format of one field does not show the separator */
		names.separator = framing == FLOW_CSV ? FLOW_CSV_SEPARATOR : separator;
		if (status == FLOW_OK)
			status = create_layout(format,
			                       &names,
			                       "log format",
			                       has_several(format->spec.log_format),
			                       framing,
			                       end,
			                       error);
		if (status == FLOW_OK)
			end = &(*end)->next;
	}
	return status;
}

/* Makes the layouts of the log formats. */
static FlowStatus
compile_log_format(FlowFormat *format, FlowError *error)
{
	char separator;
	FlowStatus status = flow_log_formats_check(format->spec.log_format, &separator, error);

	if (status == FLOW_OK && has_several(format->spec.log_format))
		status = check_columns(format, error);
	for (int framing = 0; status == FLOW_OK && framing < FLOW_FRAMINGS; framing++)
		status = create_log_layouts(format, (FlowFraming) framing, separator, error);
	return status;
}

/* Makes what is needed for records with a member for each field. */
static FlowStatus
create_keys(FlowFormat *format, FlowError *error)
{
	const FlowFormatSpec *spec = &format->spec;
	FlowStatus status =
		flow_keys_create(format->host, spec->columns, spec->ncolumns, &format->keys, error);

	if (status != FLOW_OK)
		return status;
	return flow_layout_create_by_key(format->host,
	                                 spec->columns,
	                                 spec->ncolumns,
	                                 spec->splitter,
	                                 &format->key_layout,
	                                 error);
}

/* ---------- the format as an object ---------- */

/* Compiles a format from its specification. */
FlowStatus
flow_format_create(const FlowHost *host, const FlowFormatSpec *spec, FlowFormat **format,
                   FlowError *error)
{
	FlowFormat *self = flow_allocate(host, sizeof(FlowFormat));
	FlowStatus status = FLOW_OK;

	if (self == NULL)
		return flow_error_memory(error);
	memset(self, 0, sizeof(*self));
	self->host = host;
	self->spec = *spec;

	if (spec->regex != NULL)
		status = compile_regex(self, error);
	else if (spec->log_format != NULL)
		status = compile_log_format(self, error);
	if (status == FLOW_OK && flow_format_unwraps(self))
		status = create_keys(self, error);

	if (status != FLOW_OK)
	{
		flow_format_free(self);
		return status;
	}
	*format = self;
	return FLOW_OK;
}

void
flow_format_free(FlowFormat *format)
{
	if (format == NULL)
		return;
	flow_regex_free(format->regex);
	flow_shape_free(format->host, format->shape);
	flow_free(format->host, format->groups);
	flow_free(format->host, format->pattern_layout.places);
	flow_free(format->host, format->fields);
	for (size_t i = 0; i < flow_countof(format->log_layouts); i++)
		flow_layout_free(format->log_layouts[i]);
	for (size_t i = 0; i < LAYOUTS_KEPT; i++)
		flow_layout_free(format->header_layouts[i]);
	flow_layout_free(format->key_layout);
	flow_keys_free(format->host, format->keys);
	flow_free(format->host, format);
}

/* Returns true if the files' headers name the fields. */
bool
flow_format_is_by_header(const FlowFormat *format)
{
	return format->spec.regex == NULL && format->spec.log_format == NULL;
}

/* Returns the layout of lines before any header was read, or NULL. */
const FlowLayout *
flow_format_layout(const FlowFormat *format, FlowFraming framing)
{
	if (format->spec.regex != NULL)
		return &format->pattern_layout;
	return format->log_layouts[framing];
}

/* Returns true if records are taken out of their wrapper. */
bool
flow_format_unwraps(const FlowFormat *format)
{
	return format->spec.regex == NULL;
}

/* Returns true if any line is split at separators. */
bool
flow_format_has_shape(const FlowFormat *format)
{
	return format->spec.splitter && (format->spec.regex == NULL || format->shape != NULL);
}

/* Names by separator; the last is for all others. */
static const struct
{
	char separator;
	const char *name;
} split_names[] = {
	{' ', "regex, split at spaces"},
	{'\t', "regex, split at tabs"},
	{',', "regex, split at commas"},
	{'|', "regex, split at bars"},
	{';', "regex, split at semicolons"},
	{'\0', "regex, split at separators"},
};

/* Returns the name of the splitter, as EXPLAIN shows it. */
const char *
flow_format_name(const FlowFormat *format)
{
	if (format->spec.regex == NULL)
		return format->spec.log_format == NULL                ? "header"
		       : format->log_layouts[FLOW_BARE]->next == NULL ? "log format"
		                                                      : "log formats";
	if (format->shape != NULL)
	{
		size_t i = 0;

		while (split_names[i].separator != '\0' &&
		       split_names[i].separator != format->shape->separator)
			i++;
		return split_names[i].name;
	}
	return flow_regex_is_jit(format->regex) ? "regex, PCRE2 JIT" : "regex, PCRE2";
}

const FlowColumn *
flow_format_columns(const FlowFormat *format, int *ncolumns)
{
	*ncolumns = format->spec.ncolumns;
	return format->spec.columns;
}

FlowHeaderMode
flow_format_header_mode(const FlowFormat *format)
{
	return format->spec.header;
}

/* Returns true if lines may be split at their separators. */
bool
flow_format_splits(const FlowHost *host, const char *regex, bool splitter)
{
	FlowShape *shape = NULL;
	bool splits;

	if (regex == NULL)
		return splitter;
	splits = splitter && flow_pattern_shape(host, regex, &shape) == FLOW_OK;
	if (splits)
		flow_shape_free(host, shape);
	return splits;
}

/* Checks that a pattern compiles. */
FlowStatus
flow_format_check_regex(const FlowHost *host, const char *regex, FlowError *error)
{
	FlowRegex *compiled = NULL;
	FlowStatus status = flow_regex_compile(host, regex, false, &compiled, error);

	flow_regex_free(compiled);
	return status;
}

bool
flow_format_regex_is_escaped(const char *regex)
{
	return flow_regex_is_escaped(regex);
}

/*
 * Writes the name of a field that is not known, and the nearest one; empty
 * texts if it is known.
 */
static void
find_unknown(FlowSlice name, char unknown[64], char nearest[64])
{
	flow_name_write(name, unknown);
	if (flow_field_of_camel(unknown, strlen(unknown)) != NULL)
		unknown[0] = '\0';
	else if (!flow_names_nearest(NULL, unknown, nearest))
		nearest[0] = '\0';
}

/* Checks log formats and finds their first unknown field. */
FlowStatus
flow_format_check_log_format(const char *log_format, char unknown[64], char nearest[64],
                             FlowError *error)
{
	char separator;
	FlowStatus status = flow_log_formats_check(log_format, &separator, error);
	const char *next = log_format;
	FlowNames names;

	unknown[0] = nearest[0] = '\0';
	while (status == FLOW_OK && next != NULL && unknown[0] == '\0')
	{
		status = flow_log_format_read(log_format, &next, &names, error);
		for (int i = 0; i < names.count && unknown[0] == '\0'; i++)
			find_unknown(names.items[i], unknown, nearest);
	}
	return status;
}

/* ---------- lines ---------- */

/* Splits a line into fields by column. */
FlowStatus
flow_format_split(FlowFormat *format, const FlowLayout *layout, const char *line, size_t len,
                  FlowSlice *fields, FlowError *error)
{
	if (format->regex == NULL)
		return flow_layout_split(layout, line, len, fields, format->spec.ncolumns);
	return flow_regex_match(
		format->regex, line, len, format->groups, format->spec.ncolumns, fields, error);
}

/* Adds the detail that says why a line is not a record. */
void
flow_format_explain_mismatch(const FlowFormat *format, const FlowLayout *layout, const char *line,
                             size_t len, FlowError *error)
{
	if (format->regex == NULL)
	{
		flow_layout_explain_mismatch(layout, line, len, error);
		return;
	}
	flow_error_detail(error, "The line does not match the regular expression.");
	if (flow_regex_is_escaped(format->spec.regex))
		flow_error_hint(error,
		                "The regular expression has doubled backslashes, as a Hive string needs "
		                "them. Write each of them once: \\s, not \\\\s.");
}

/* ---------- headers ---------- */

/* Returns true if the line is the header that was read last. */
static bool
is_last_header(const FlowFormat *format, const char *line, size_t len)
{
	const FlowLayout *last = format->header_layouts[0];

	return last != NULL && last->key_len == len && memcmp(last->key, line, len) == 0;
}

/* Returns true if the line looks like a header. */
bool
flow_format_is_header(const FlowFormat *format, const char *line, size_t len, FlowFraming framing,
                      bool first)
{
	FlowNames names;

	/* records usually begin with a digit: most lines end here */
	if (len == 0 || !flow_may_begin_header(line[0]))
		return false;
	if (is_last_header(format, line, len))
		return first || format->header_layouts[0]->nfields >
		                    1 + (format->header_layouts[0]->framing == FLOW_TIMED);
	return flow_header_read(line, len, framing, &names) &&
	       flow_header_is_likely(&names, first && format->spec.regex == NULL ? 1 : 2);
}

/*
 * Returns the place of a field in a header, from 1; 0 if it is not there, or
 * more than once.
 */
static int
place_in_header(const FlowNames *names, const FlowField *field)
{
	int index = flow_names_find(names, field->name);

	return index >= 0 && flow_names_is_repeated(names, index) ? 0 : index + 1;
}

/*
 * Checks that a header does not contradict the groups of the pattern.  If it
 * has as many names as the pattern has groups, a column's group and its
 * field's name must have the same number.  Otherwise (the pattern matches only
 * some of the fields, or more) only the order can be compared: fields must be
 * in the same order as the groups of their columns.
 */
static FlowStatus
compare_with_groups(const FlowFormat *format, const FlowNames *names, FlowError *error)
{
	const FlowFormatSpec *spec = &format->spec;
	bool same_count = names->count == flow_regex_group_count(format->regex);

	for (int i = 0; i < spec->ncolumns; i++)
	{
		int place = format->fields[i] ? place_in_header(names, format->fields[i]) : 0;
		bool contradiction = place > 0 && same_count && place != format->groups[i];

		/* compare with the columns before */
		for (int j = 0; place > 0 && !same_count && j < i; j++)
		{
			int other = format->fields[j] ? place_in_header(names, format->fields[j]) : 0;

			if (other > 0 && other != place &&
			    (other < place) != (format->groups[j] < format->groups[i]))
				contradiction = true;
		}

		if (contradiction)
		{
			flow_error_set(error,
			               FLOW_BAD_HEADER,
			               "header of a flow log contradicts the columns of the table");
			flow_error_detail(error,
			                  "Column \"%s\" is filled by group %d of the regular expression, but "
			                  "in the header \"%s\" has place %d.",
			                  spec->columns[i].name,
			                  format->groups[i],
			                  format->fields[i]->name,
			                  place);
			flow_error_hint(error,
			                "Put the columns into the order of the header, or read these files "
			                "with a separate table.");
			error->column = i;
			return error->status;
		}
	}
	return FLOW_OK;
}

/* Checks that a header names the fields of the log format, or of one of them. */
static FlowStatus
compare_with_log_format(const FlowFormat *format, const FlowNames *header, FlowError *error)
{
	const char *next = format->spec.log_format;
	bool same_count = false;
	FlowNames names;

	while (next != NULL &&
	       flow_log_format_read(format->spec.log_format, &next, &names, error) == FLOW_OK)
	{
		if (flow_names_fit(&names, header))
			return FLOW_OK;
		same_count |= names.count == header->count;
	}
	flow_error_set(error,
	               FLOW_BAD_HEADER,
	               "header of a flow log contradicts the log format of the table");
	if (same_count)
		flow_error_detail(error, "The header names other fields, or in another order.");
	else if (has_several(format->spec.log_format))
		flow_error_detail(error,
		                  "The header names %d fields, as none of the log formats does.",
		                  header->count);
	else
		flow_error_detail(error,
		                  "The header names %d fields, but the log format has %d.",
		                  header->count,
		                  names.count);
	flow_error_hint(error,
	                "Remove the option \"log_format\", so that the headers name the fields, "
	                "or read these files with a separate table.");
	return error->status;
}

/* ---------- layouts of headers ---------- */

/* Moves a layout to the front and returns it. */
static const FlowLayout *
move_to_front(FlowFormat *format, size_t index)
{
	FlowLayout *layout = format->header_layouts[index];

	memmove(format->header_layouts + 1, format->header_layouts, index * sizeof(FlowLayout *));
	format->header_layouts[0] = layout;
	return layout;
}

/* Finds the layout of a header by its text; NULL if it is not kept. */
static const FlowLayout *
find_header_layout(FlowFormat *format, const char *key, size_t key_len, FlowFraming framing)
{
	for (size_t i = 0; i < LAYOUTS_KEPT && format->header_layouts[i] != NULL; i++)
	{
		const FlowLayout *layout = format->header_layouts[i];

		if (layout->framing == framing && layout->key_len == key_len &&
		    memcmp(layout->key, key, key_len) == 0)
			return move_to_front(format, i);
	}
	return NULL;
}

/*
 * Makes a layout and keeps it with the text of its header; that of the default
 * format is empty.  The layout used longest ago is dropped.
 */
static FlowStatus
add_header_layout(FlowFormat *format, const FlowNames *names, const char *source, const char *key,
                  size_t key_len, FlowFraming framing, const FlowLayout **result, FlowError *error)
{
	FlowLayout **last = &format->header_layouts[LAYOUTS_KEPT - 1];
	FlowLayout *layout;
	FlowStatus status = create_layout(format, names, source, false, framing, &layout, error);

	if (status != FLOW_OK)
		return status;
	layout->key = flow_allocate(format->host, key_len + 1);
	if (layout->key == NULL)
	{
		flow_layout_free(layout);
		return flow_error_memory(error);
	}
	memcpy(layout->key, key, key_len);
	layout->key_len = key_len;

	flow_layout_free(*last);
	*last = layout;
	*result = move_to_front(format, LAYOUTS_KEPT - 1);
	return FLOW_OK;
}

/* Accepts a header if it fits the columns. */
FlowStatus
flow_format_take_header(FlowFormat *format, const char *line, size_t len, FlowFraming framing,
                        const FlowLayout **layout, FlowError *error)
{
	bool by_header = flow_format_is_by_header(format);
	const FlowLayout *known = by_header ? find_header_layout(format, line, len, framing) : NULL;
	FlowNames names;

	if (known != NULL)
	{
		*layout = known;
		return FLOW_OK;
	}

	/* a first line that names no fields */
	if (!flow_header_read(line, len, framing, &names))
	{
		if (!by_header)
			return FLOW_OK; /* header 'true' skips any first line */
		flow_error_set(error, FLOW_BAD_HEADER, "flow log has no header");
		flow_error_detail(error, "Its first line does not name the fields of the records.");
		flow_error_hint(
			error,
			"Set option \"log_format\" to the fields of the records, and \"header\" to \"false\".");
		return error->status;
	}

	/* compare with the format, or make a layout from the header */
	if (format->regex != NULL)
		return compare_with_groups(format, &names, error);
	if (!by_header)
		return compare_with_log_format(format, &names, error);
	if (names.repeated >= 0)
		return flow_names_repeated_error(&names, error);
	if (names.separator == '\0')
	{
		flow_error_set(error,
		               FLOW_BAD_HEADER,
		               "header of a flow log has more than one kind of separator");
		flow_error_hint(error, "Set option \"regex\" to say how the records are split.");
		return error->status;
	}
	return add_header_layout(format, &names, "header", line, len, framing, layout, error);
}

/* Returns the default format's layout for a file without header. */
FlowStatus
flow_format_assume_default(FlowFormat *format, const char *line, size_t len, FlowFraming framing,
                           const FlowLayout **layout, FlowError *error)
{
	FlowNames names;

	if (!flow_default_fits(line, len, framing))
	{
		flow_error_set(error, FLOW_BAD_HEADER, "flow log has no header");
		flow_default_explain((FlowSlice) {line, len}, framing, error);
		if (framing == FLOW_TIMED && len > 0 && line[0] == '\0')
			flow_error_hint(
				error,
				"If this is not a flow log, give a location without it, such as one that "
				"ends in \"/**/vpcflowlogs/**\".");
		else
			flow_error_hint(
				error,
				"Set option \"log_format\" to the format of these flow logs, or \"regex\" "
				"to a regular expression for their lines. If this is not one, give a location "
				"without it, such as a pattern that ends in \"/**/*.log.gz\".");
		return error->status;
	}
	*layout = find_header_layout(format, "", 0, framing);
	if (*layout != NULL)
		return FLOW_OK;
	flow_default_names(&names, framing);
	return add_header_layout(format, &names, "default format", "", 0, framing, layout, error);
}

/* ---------- records with a member for each field ---------- */

const FlowKeys *
flow_format_keys(const FlowFormat *format)
{
	return format->keys;
}

/* Checks that no two columns are filled by the same member. */
static FlowStatus
check_shared_keys(const FlowFormat *format, FlowError *error)
{
	const FlowFormatSpec *spec = &format->spec;
	int *ids = flow_allocate(format->host, ((size_t) spec->ncolumns + 1) * sizeof(int));
	FlowStatus status;

	if (ids == NULL)
		return flow_error_memory(error);
	for (int i = 0; i < spec->ncolumns; i++)
	{
		int place = format->key_layout->places[i];

		ids[i] = place < 0 ? FLOW_KEY_NONE : format->keys->fields[place - 1].id;
	}
	status = flow_layout_check_shared(spec->columns, spec->ncolumns, ids, FLOW_KEY_NONE, error);
	flow_free(format->host, ids);
	return status;
}

/* Returns the layout of such records. */
FlowStatus
flow_format_take_keys(const FlowFormat *format, const FlowKeysSeen *seen, const FlowLayout **layout,
                      FlowError *error)
{
	int missing = flow_keys_missing(format->keys, seen), column = 0;

	*layout = format->key_layout;
	if (missing < 0)
		return check_shared_keys(format, error);
	while (format->key_layout->places[column] != missing + 1)
		column++;
	flow_layout_unknown_column(&format->spec.columns[column], NULL, "JSON", error);
	error->column = column;
	return error->status;
}
