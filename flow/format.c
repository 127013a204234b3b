/*-------------------------------------------------------------------------
 *
 * format.c
 *	  How a line becomes fields: which group of a pattern fills which
 *	  column, and what a header is.
 *
 *-------------------------------------------------------------------------
 */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_HEADER_TOKENS 256
#define MAX_TOKEN_LENGTH 63

struct FlowFormat
{
	const FlowHost *host;
	FlowFormatSpec spec;

	FlowRegex *regex;
	FlowShape *shape;         /* NULL: the pattern does more than to split, or the splitter is off */
	int *groups;              /* by column: the group that fills it; 0: none does */
	int *places;              /* by column: the field of a line of the shape that fills it, or -1 */
	const FlowField **fields; /* by column: the AWS field it is known to hold, or NULL */
};

/* What a header says: its tokens are slices of the line. */
typedef struct Header
{
	FlowSlice tokens[MAX_HEADER_TOKENS];
	int count;
} Header;

/* ---------- columns and groups ---------- */

/* "12" as 12; 0 if the text is no number from 1 to 9999 */
static int
group_number(const char *text)
{
	size_t len = strlen(text);

	if (len == 0 || len > 4 || strspn(text, "0123456789") != len)
		return 0;
	return atoi(text);
}

/* The group that a column asks for by its "field" option or, where groups have names, by its name. */
static int
group_of_column(const FlowFormat *format, const FlowColumn *column)
{
	const char *name = column->field ? column->field : column->name;
	const FlowField *field;
	char group_name[MAX_TOKEN_LENGTH + 1];
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
			flow_error_set(error, FLOW_BAD_FORMAT, "regular expression has no group \"%s\" for column \"%s\"",
			               column->field ? column->field : column->name, column->name);
			if (column->field == NULL)
				flow_error_hint(error, "Where a group has a name, columns are filled by name. Set the column option \"field\" to the name or the number of a group.");
			error->column = i;
			return error->status;
		}
	}
	return FLOW_OK;
}

/* Unnamed groups fill the columns without "field", in their order. */
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
			flow_error_set(error, FLOW_BAD_FORMAT, "regular expression has no group \"%s\" for column \"%s\"",
			               column->field, column->name);
			error->column = i;
			return error->status;
		}
	}

	if (nplain != ngroups && (nplain > 0 || format->spec.ncolumns == 0))
	{
		flow_error_set(error, FLOW_BAD_FORMAT, "regular expression has %d %s, but the table has %d %s to fill",
		               ngroups, ngroups == 1 ? "group" : "groups", nplain, nplain == 1 ? "column" : "columns");
		flow_error_hint(error, "Groups fill the columns without option \"field\" in their order. Write (?:...) for a group that fills no column.");
		return error->status;
	}
	return FLOW_OK;
}

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

/* Finds out what lines may be split by, and which fields the columns' groups then are. */
static FlowStatus
find_shape(FlowFormat *format, FlowError *error)
{
	FlowStatus status;

	if (!format->spec.splitter)
		return FLOW_OK;
	status = flow_pattern_shape(format->host, format->spec.regex, &format->shape);
	if (status == FLOW_NO_MEMORY)
		return flow_error_memory(error);
	if (status == FLOW_END)
		return FLOW_OK;
	for (int i = 0; i < format->spec.ncolumns; i++)
	{
		format->places[i] = -1;
		for (int field = 0; field < format->shape->nfields; field++)
			if (format->groups[i] != 0 && format->shape->group[field] == format->groups[i])
				format->places[i] = field;
	}
	return FLOW_OK;
}

FlowStatus
flow_format_create(const FlowHost *host, const FlowFormatSpec *spec, FlowFormat **format, FlowError *error)
{
	FlowFormat *self = flow_allocate(host, sizeof(FlowFormat));
	size_t ncolumns = (size_t) spec->ncolumns;
	FlowStatus status;

	if (self == NULL)
		return flow_error_memory(error);
	memset(self, 0, sizeof(*self));
	self->host = host;
	self->spec = *spec;

	self->groups = flow_allocate(host, (ncolumns + 1) * sizeof(*self->groups));
	self->places = flow_allocate(host, (ncolumns + 1) * sizeof(*self->places));
	self->fields = flow_allocate(host, (ncolumns + 1) * sizeof(*self->fields));
	if (self->groups == NULL || self->places == NULL || self->fields == NULL)
		status = flow_error_memory(error);
	else if ((status = flow_regex_compile(host, spec->regex, spec->regex_jit, &self->regex, error)) == FLOW_OK &&
	         (status = map_columns(self, error)) == FLOW_OK)
		status = find_shape(self, error);

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
	flow_free(format->host, format->places);
	flow_free(format->host, format->fields);
	flow_free(format->host, format);
}

const FlowShape *
flow_format_shape(const FlowFormat *format)
{
	return format->shape;
}

const int *
flow_format_places(const FlowFormat *format)
{
	return format->places;
}

/* by separator; others have no name worth one */
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

const char *
flow_format_name(const FlowFormat *format)
{
	if (format->shape != NULL)
	{
		size_t i = 0;

		while (split_names[i].separator != '\0' && split_names[i].separator != format->shape->separator)
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

bool
flow_format_splits(const FlowHost *host, const char *regex, bool splitter)
{
	FlowShape *shape = NULL;
	bool splits = splitter && flow_pattern_shape(host, regex, &shape) == FLOW_OK;

	if (splits)
		flow_shape_free(host, shape);
	return splits;
}

FlowStatus
flow_format_check_regex(const FlowHost *host, const char *regex, FlowError *error)
{
	FlowRegex *compiled = NULL;
	FlowStatus status = flow_regex_compile(host, regex, false, &compiled, error);

	flow_regex_free(compiled);
	return status;
}

bool
flow_format_regex_looks_escaped(const char *regex)
{
	return flow_regex_looks_escaped(regex);
}

/* ---------- lines ---------- */

FlowStatus
flow_format_split(FlowFormat *format, const char *line, size_t len, FlowSlice *fields, FlowError *error)
{
	return flow_regex_match(format->regex, line, len, format->groups, format->spec.ncolumns, fields, error);
}

void
flow_format_explain_mismatch(const FlowFormat *format, FlowError *error)
{
	flow_error_detail(error, "The line does not match the regular expression.");
	if (flow_regex_looks_escaped(format->spec.regex))
		flow_error_hint(error, "The regular expression has doubled backslashes, as a Hive string needs them. Write each of them once: \\s, not \\\\s.");
}

/* ---------- headers ---------- */

static bool
is_separator(char c)
{
	return c == ' ' || c == '\t' || c == ',';
}

/* Has the token the form of a field's name: a letter, then letters, digits, "-" and "_"? */
static bool
is_name(FlowSlice token)
{
	if (token.len > MAX_TOKEN_LENGTH || token.data[0] < 'a' || token.data[0] > 'z')
		return false;
	for (size_t i = 1; i < token.len; i++)
	{
		char c = token.data[i];

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
			return false;
	}
	return true;
}

static const FlowField *
field_of_token(FlowSlice token)
{
	char name[MAX_TOKEN_LENGTH + 1];

	memcpy(name, token.data, token.len);
	name[token.len] = '\0';
	return flow_field_of_column(name);
}

/* Takes a line apart into names; false if it holds anything else, or a name twice. */
static bool
read_names(const char *line, size_t len, Header *header)
{
	const char *end = line + len;

	header->count = 0;
	for (const char *next = line; next < end;)
	{
		FlowSlice token = {next, 0};

		while (next < end && !is_separator(*next))
			next++;
		token.len = (size_t) (next - token.data);
		while (next < end && is_separator(*next))
			next++;

		if (token.len == 0 || !is_name(token) || header->count == MAX_HEADER_TOKENS)
			return false;
		for (int i = 0; i < header->count; i++)
			if (header->tokens[i].len == token.len && memcmp(header->tokens[i].data, token.data, token.len) == 0)
				return false;
		header->tokens[header->count++] = token;
	}
	return true;
}

bool
flow_format_is_header(const FlowFormat *format, const char *line, size_t len)
{
	Header header;
	int known = 0;

	(void) format;

	/* records begin with a digit, as a rule: most lines end here */
	if (len == 0 || line[0] < 'a' || line[0] > 'z' || !read_names(line, len, &header) || header.count < 2)
		return false;

	for (int i = 0; i < header.count; i++)
		known += field_of_token(header.tokens[i]) != NULL;
	return known * 2 >= header.count;
}

/* The place of a field in a header, from 1; 0 if it is not there. */
static int
place_in_header(const Header *header, const FlowField *field)
{
	for (int i = 0; i < header->count; i++)
		if (field_of_token(header->tokens[i]) == field)
			return i + 1;
	return 0;
}

/*
 * With as many names as groups, a column's group and its field's name must have
 * the same number.  Otherwise (a pattern that takes a part, or more) nothing but the
 * order can be compared: what one column takes before another must stand before it.
 */
FlowStatus
flow_format_check_header(const FlowFormat *format, const char *line, size_t len, FlowError *error)
{
	const FlowFormatSpec *spec = &format->spec;
	bool same_count;
	Header header;

	if (!read_names(line, len, &header))
		return FLOW_OK; /* not a header: header 'true' skips whatever is there */
	same_count = header.count == flow_regex_group_count(format->regex);

	for (int i = 0; i < spec->ncolumns; i++)
	{
		int place = format->fields[i] ? place_in_header(&header, format->fields[i]) : 0;
		bool contradiction = place > 0 && same_count && place != format->groups[i];

		for (int j = 0; place > 0 && !same_count && j < i; j++)
		{
			int other = format->fields[j] ? place_in_header(&header, format->fields[j]) : 0;

			if (other > 0 && other != place && (other < place) != (format->groups[j] < format->groups[i]))
				contradiction = true;
		}

		if (contradiction)
		{
			flow_error_set(error, FLOW_BAD_HEADER, "header of a flow log contradicts the columns of the table");
			flow_error_detail(error, "Column \"%s\" is filled by group %d of the regular expression, but in the header \"%s\" has place %d.",
			                  spec->columns[i].name, format->groups[i], format->fields[i]->name, place);
			flow_error_hint(error, "Put the columns into the order of the header, or read these files with a table of their own.");
			error->column = i;
			return error->status;
		}
	}
	return FLOW_OK;
}
