/*-------------------------------------------------------------------------
 *
 * header.c
 *	  Reads lists of field names: headers, and log formats in AWS's notation.
 *
 *-------------------------------------------------------------------------
 */
#include "field.h"
#include "header.h"

#include <string.h>

static bool
is_separator(char c)
{
	return c == ' ' || c == '\t' || c == ',';
}

/*
 * Returns true if the text has the form of a field's name: a letter, then
 * letters, digits, "-" and "_".  AWS writes small letters, others capitals.
 */
static bool
is_name(FlowSlice name)
{
	if (name.len == 0 || name.len > FLOW_NAME_LENGTH || !flow_is_letter(name.data[0]))
		return false;
	for (size_t i = 1; i < name.len; i++)
	{
		char c = name.data[i];

		if (!(flow_is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_'))
			return false;
	}
	return true;
}

static bool
has_capitals(FlowSlice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.data[i] != flow_lower(name.data[i]))
			return true;
	return false;
}

static const FlowField *
field_of_name(FlowSlice name)
{
	return flow_field_of_camel(name.data, name.len);
}

/* Returns true if two names are the same, "_" and "-" alike. */
static bool
is_same_name(FlowSlice name, const char *other, size_t other_len)
{
	if (name.len != other_len)
		return false;
	for (size_t i = 0; i < name.len; i++)
	{
		char a = name.data[i] == '_' ? '-' : flow_lower(name.data[i]);
		char b = other[i] == '_' ? '-' : flow_lower(other[i]);

		if (a != b)
			return false;
	}
	return true;
}

bool
flow_name_is_same(FlowSlice name, const char *other)
{
	return is_same_name(name, other, strlen(other));
}

/*
 * Returns the index of the first name that is the same as one of the first
 * "count", or -1.
 */
static int
find_name(const FlowNames *names, int count, FlowSlice name)
{
	for (int i = 0; i < count; i++)
		if (is_same_name(names->items[i], name.data, name.len))
			return i;
	return -1;
}

/* Writes a name in small letters, as AWS does. */
void
flow_name_write(FlowSlice name, char text[FLOW_NAME_LENGTH + 1])
{
	for (size_t i = 0; i < name.len; i++)
		text[i] = flow_lower(name.data[i]);
	text[name.len] = '\0';
}

void
flow_name_spell(FlowSlice name, char text[FLOW_NAME_LENGTH + 1])
{
	const FlowField *field = has_capitals(name) ? field_of_name(name) : NULL;

	flow_name_write(name, text);
	if (field != NULL && !flow_name_is_same(name, field->name))
		strcpy(text, field->name);
}

/* Appends a name; returns false if it is one too many. */
static bool
add_name(FlowNames *names, FlowSlice name)
{
	if (names->count == FLOW_NAMES_MAX)
		return false;
	if (names->repeated < 0 && find_name(names, names->count, name) >= 0)
		names->repeated = names->count;
	names->items[names->count++] = name;
	return true;
}

/* ---------- headers ---------- */

static void
clear_names(FlowNames *names)
{
	names->count = 0;
	names->repeated = -1;
	names->logged = false;
}

/* Returns true if the text may be a name in a header of CSV. */
static bool
is_csv_name(FlowSlice name)
{
	if (name.len == 0 || name.len > FLOW_NAME_LENGTH ||
	    (!flow_is_letter(name.data[0]) && name.data[0] != '_'))
		return false;
	for (size_t i = 1; i < name.len; i++)
		if ((unsigned char) name.data[i] < ' ')
			return false;
	return true;
}

/* Splits a line that was CSV into names. */
static bool
read_csv_header(const char *line, size_t len, FlowNames *names)
{
	const char *end = line + len;

	clear_names(names);
	names->separator = FLOW_CSV_SEPARATOR;
	for (const char *next = line; next <= end;)
	{
		const char *found = memchr(next, FLOW_CSV_SEPARATOR, (size_t) (end - next));
		FlowSlice name = {next, (size_t) ((found != NULL ? found : end) - next)};

		next = name.data + name.len + 1;
		if (flow_name_is_same(name, "@timestamp"))
		{
			name = (FlowSlice) {FLOW_LOGGED, strlen(FLOW_LOGGED)};
			names->logged = true;
		}
		else if (name.len > 0 && *name.data == '@')
			name = (FlowSlice) {name.data + 1, name.len - 1};
		if (!is_csv_name(name) || !add_name(names, name))
			return false;
	}
	return true;
}

/* Returns a name without "${" and "}", as it stands in a log format. */
static FlowSlice
without_braces(FlowSlice name)
{
	if (name.len > 3 && memcmp(name.data, "${", 2) == 0 && name.data[name.len - 1] == '}')
		return (FlowSlice) {name.data + 2, name.len - 3};
	return name;
}

/* Splits a line into names. */
bool
flow_header_read(const char *line, size_t len, FlowFraming framing, FlowNames *names)
{
	const char *end = line + len;
	char separator = '\0';
	bool mixed = false;

	if (framing == FLOW_CSV && len > 0 && memchr(line, FLOW_CSV_SEPARATOR, len) != NULL)
		return read_csv_header(line, len, names);
	clear_names(names);
	while (line < end && *line == ' ')
		line++;
	if (line < end && *line == '#')
		line++; /* as in a comment */
	while (line < end && *line == ' ')
		line++;
	for (const char *next = line; next < end;)
	{
		FlowSlice name = {next, 0};

		while (next < end && !is_separator(*next))
			next++;
		name.len = (size_t) (next - name.data);
		name = without_braces(name);
		if (!is_name(name) || !add_name(names, name))
			return false;

		for (; next < end && is_separator(*next); next++)
		{
			mixed |= separator != '\0' && separator != *next;
			separator = *next;
		}
	}
	names->separator = mixed ? '\0' : separator != '\0' ? separator : ' ';
	return names->count > 0;
}

/*
 * Returns true if there are enough names, and half of them are known fields.
 */
bool
flow_header_is_likely(const FlowNames *names, int least)
{
	int known = 0;

	for (int i = 0; i < names->count; i++)
		known += field_of_name(names->items[i]) != NULL;
	return names->count >= least && known * 2 >= names->count;
}

/* Returns the index of the name that fills a column, or -1. */
int
flow_names_find(const FlowNames *names, const char *name)
{
	const FlowField *field = flow_field_of_column(name);

	for (int i = 0; i < names->count; i++)
		if (is_same_name(names->items[i], name, strlen(name)))
			return i;
	for (int i = 0; field != NULL && i < names->count; i++)
		if (field_of_name(names->items[i]) == field)
			return i;
	return -1;
}

int
flow_names_find_exact(const FlowNames *names, FlowSlice name)
{
	return find_name(names, names->count, name);
}

/* Returns true if the name at this index occurs more than once. */
bool
flow_names_is_repeated(const FlowNames *names, int index)
{
	for (int i = 0; names->repeated >= 0 && i < names->count; i++)
		if (i != index &&
		    is_same_name(names->items[i], names->items[index].data, names->items[index].len))
			return true;
	return false;
}

/* Returns true if both names are names of one known field. */
static bool
is_same_field(FlowSlice a, FlowSlice b)
{
	const FlowField *field = field_of_name(a);

	return field != NULL && field_of_name(b) == field;
}

/* Returns true if a header has the names of a list in the same order. */
bool
flow_names_fit(const FlowNames *list, const FlowNames *header)
{
	if (list->count != header->count)
		return false;
	for (int i = 0; i < list->count; i++)
		if (!is_same_name(list->items[i], header->items[i].data, header->items[i].len) &&
		    !is_same_field(list->items[i], header->items[i]) &&
		    find_name(header, i, header->items[i]) < 0)
			return false;
	return true;
}

/* Fills the error for a header that names a field twice. */
FlowStatus
flow_names_repeated_error(const FlowNames *names, FlowError *error)
{
	FlowSlice name = names->items[names->repeated];

	flow_error_set(error, FLOW_BAD_HEADER, "header of a flow log names a field twice");
	flow_error_detail(error,
	                  "Its names %d and %d are the same.",
	                  find_name(names, names->repeated, name) + 1,
	                  names->repeated + 1);
	flow_error_hint(error,
	                "Set option \"log_format\" to the fields of the records, with another name for "
	                "one of the two.");
	return error->status;
}

/* ---------- slips ---------- */

#define MAX_CHANGES 3 /* changed letters up to which a name counts as a misspelling */

/*
 * Returns how many letters must be inserted, removed or replaced to turn one
 * text into the other (Levenshtein distance).
 */
static size_t
distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t row[FLOW_NAME_LENGTH + 1];

	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_len; i++)
	{
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++)
		{
			size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
			size_t least = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;

			diagonal = row[j];
			row[j] = replaced < least ? replaced : least;
		}
	}
	return row[b_len];
}

/* Finds the name that "name" may be a misspelling of. */
bool
flow_names_nearest(const FlowNames *names, const char *name, char nearest[FLOW_NAME_LENGTH + 1])
{
	char wanted[FLOW_NAME_LENGTH + 1];
	size_t len = strlen(name);
	size_t least = len / 2 < MAX_CHANGES ? len / 2 : MAX_CHANGES;
	bool found = false;
	const FlowField *field;
	int nnames = names != NULL ? names->count : 0;

	if (len > FLOW_NAME_LENGTH)
		return false;
	for (size_t i = 0; i <= len; i++)
		wanted[i] = name[i] == '_' ? '-' : name[i];

	/* if several are equally near, take the first that AWS documents */
	for (size_t i = 0; (field = flow_field_at(i)) != NULL || i < (size_t) nnames; i++)
	{
		FlowSlice candidates[2] = {{NULL, 0}, {NULL, 0}};

		if (field != NULL)
			candidates[0] = (FlowSlice) {field->name, strlen(field->name)};
		if (i < (size_t) nnames)
			candidates[1] = names->items[i];
		for (int j = 0; j < 2; j++)
		{
			size_t changes;

			if (candidates[j].data == NULL)
				continue;
			changes = distance(wanted, len, candidates[j].data, candidates[j].len);
			if (changes > least || (found && changes == least))
				continue;
			least = changes;
			found = true;
			memcpy(nearest, candidates[j].data, candidates[j].len);
			nearest[candidates[j].len] = '\0';
		}
	}
	return found;
}

/* ---------- log formats ---------- */

/* How the names of a log format are written. */
typedef struct Notation
{
	const char *prefix, *suffix; /* around each name */
	bool known;                  /* only names of known fields are taken */
	const char *hint;            /* if that fails */
} Notation;

#define EXAMPLE "\"${version} ${vpc-id} ${srcaddr}\"."

/* The longest prefix is first; AWS's own notation is notations[AWS]. */
#define AWS 2
static const Notation notations[] = {
	/* in Terraform and in a shell, where "${" means something else */
	{"$${", "}", true, "Write a single \"$\" before each name, such as " EXAMPLE},
	{"\\${", "}", true, "Write \"${\" before each name, without a backslash, such as " EXAMPLE},
	{"${", "}", false, "Write it as AWS does: fields separated by single blanks, such as " EXAMPLE},
	/* in documentation, and as text in other languages */
	{"<", ">", true, "Write \"${\" before each name and \"}\" after it, such as " EXAMPLE},
	{"\"", "\"", true, "Write \"${\" before each name and \"}\" after it, such as " EXAMPLE},
	/* in the configuration of other programs */
	{"", "", true, "Write \"${\" before each name and \"}\" after it, such as " EXAMPLE},
};

/* Fills the error for a log format, at the position where it is wrong. */
static FlowStatus
bad_log_format(const char *text, const char *at, const char *problem, const char *hint,
               FlowError *error)
{
	flow_error_set(error, FLOW_BAD_FORMAT, "invalid log format: \"%.200s\"", text);
	flow_error_detail(error, "%s at position %zu.", problem, (size_t) (at - text) + 1);
	flow_error_hint(error, "%s", hint);
	return error->status;
}

/* Returns the notation of the field that begins here. */
static const Notation *
find_notation(const char *text)
{
	const Notation *notation = notations;

	while (strncmp(text, notation->prefix, strlen(notation->prefix)) != 0)
		notation++;
	return notation;
}

/* Returns true where a name without braces ends. */
static bool
ends_bare(char c)
{
	return c == '\0' || is_separator(c) || c == '\n' || c == '\r' ||
	       c == FLOW_LOG_FORMATS_SEPARATOR;
}

/*
 * Finds the name at the beginning of a text, in a notation, and the end of the
 * field; false if there is no field.
 */
static bool
find_field(const Notation *notation, const char *text, FlowSlice *name, const char **end)
{
	size_t before = strlen(notation->prefix), after = strlen(notation->suffix);
	const char *close = text + before;

	while (*close != '\0' && (after > 0 ? *close != notation->suffix[0] : !ends_bare(*close)))
		close++;
	if (after > 0 && *close == '\0')
		return false;
	*name = (FlowSlice) {text + before, (size_t) (close - text) - before};
	*end = close + after;
	return true;
}

/* Returns true if a name may stand in a log format. */
static bool
is_name_in(const Notation *notation, FlowSlice name)
{
	return is_name(name) &&
	       ((!notation->known && !has_capitals(name)) || field_of_name(name) != NULL);
}

/* Skips what may stand around a log format. */
static const char *
skip_around(const char *text)
{
	return text + strspn(text, " \t\r\n");
}

static bool
ends_format(const char *text)
{
	return *text == '\0' || *text == FLOW_LOG_FORMATS_SEPARATOR;
}

/* Reads the log format at *next. */
FlowStatus
flow_log_format_read(const char *text, const char **next, FlowNames *names, FlowError *error)
{
	const char *start = skip_around(*next), *at = start;
	const Notation *notation = find_notation(at);
	const char *hint = notations[AWS].hint;
	char separator = '\0';

	clear_names(names);
	while (!ends_format(at))
	{
		const char *field = at;
		const Notation *own = find_notation(field);
		FlowSlice name;

		/* a field, written as the first one */
		if (own != notation || !find_field(own, field, &name, &at))
			return bad_log_format(text,
			                      field,
			                      "There is no field",
			                      own->known ? own->hint : notation->hint,
			                      error);
		if (!is_name_in(own, name))
			return bad_log_format(text, field, "There is no field name", own->hint, error);
		if (!add_name(names, name))
			return bad_log_format(text, field, "There are too many fields", hint, error);
		if (names->repeated >= 0)
			return bad_log_format(text, field, "A field is named twice", hint, error);

		/* a separator, the same everywhere; several blanks are one */
		if (ends_format(skip_around(at)))
		{
			at = skip_around(at);
			break;
		}
		if (!is_separator(*at) || (separator != '\0' && separator != *at))
			return bad_log_format(text, at, "There is no blank", hint, error);
		separator = *at++;
		if (separator != ' ' && *at == ' ')
			return bad_log_format(text,
			                      at,
			                      "There is a blank after a separator",
			                      "Write no more between the names than what is between the fields "
			                      "of the lines.",
			                      error);
		while (separator == ' ' && *at == ' ')
			at++;
	}
	if (names->count == 0)
		return bad_log_format(text, start, "There is no field", hint, error);
	names->separator = separator != '\0' ? separator : ' ';
	*next = *at != '\0' ? at + 1 : NULL;
	return FLOW_OK;
}

/* Checks all log formats of a text. */
FlowStatus
flow_log_formats_check(const char *text, char *common, FlowError *error)
{
	static const char hint[] = "Lines are told apart by their number of fields: it must differ "
							   "between formats, and the separator must not.";
	int counts[FLOW_LOG_FORMATS_MAX];
	char separator = '\0';
	const char *next = text;
	FlowNames names;

	for (int n = 0; next != NULL; n++)
	{
		const char *start = skip_around(next);
		FlowStatus status = flow_log_format_read(text, &next, &names, error);

		if (status != FLOW_OK)
			return status;
		if (n == FLOW_LOG_FORMATS_MAX)
			return bad_log_format(text, start, "There are too many formats", hint, error);
		for (int i = 0; i < n; i++)
			if (counts[i] == names.count)
				return bad_log_format(text,
				                      start,
				                      "There is another format with as many fields",
				                      hint,
				                      error);
		if (names.count > 1 && separator != '\0' && separator != names.separator)
			return bad_log_format(text,
			                      start,
			                      "There is a format with another separator",
			                      hint,
			                      error);
		if (names.count > 1)
			separator = names.separator;
		counts[n] = names.count;
	}
	*common = separator != '\0' ? separator : ' ';
	return FLOW_OK;
}
