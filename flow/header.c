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

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
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
		if (name.data[i] != lower(name.data[i]))
			return true;
	return false;
}

static const FlowField *
field_of_name(FlowSlice name)
{
	char text[FLOW_NAME_LENGTH + 1];

	flow_name_write(name, text);
	return flow_field_of_column(text);
}

/* Returns true if two names are the same, "_" and "-" alike. */
static bool
is_same_name(FlowSlice name, const char *other, size_t other_len)
{
	if (name.len != other_len)
		return false;
	for (size_t i = 0; i < name.len; i++)
	{
		char a = name.data[i] == '_' ? '-' : lower(name.data[i]);
		char b = other[i] == '_' ? '-' : lower(other[i]);

		if (a != b)
			return false;
	}
	return true;
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
		text[i] = lower(name.data[i]);
	text[name.len] = '\0';
}

/*
 * Appends a name; returns false if it is not a name, or is one too many.
 */
static bool
add_name(FlowNames *names, FlowSlice name)
{
	if (!is_name(name) || names->count == FLOW_NAMES_MAX)
		return false;
	if (names->repeated < 0 && find_name(names, names->count, name) >= 0)
		names->repeated = names->count;
	names->items[names->count++] = name;
	return true;
}

/* ---------- headers ---------- */

/* Splits a line into names. */
bool
flow_header_read(const char *line, size_t len, FlowNames *names)
{
	const char *end = line + len;
	char separator = '\0';
	bool mixed = false;

	names->count = 0;
	names->repeated = -1;
	while (line < end && *line == ' ')
		line++;
	for (const char *next = line; next < end;)
	{
		FlowSlice name = {next, 0};

		while (next < end && !is_separator(*next))
			next++;
		name.len = (size_t) (next - name.data);
		if (!add_name(names, name))
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

/* Returns true if a header has the names of a list in the same order. */
bool
flow_names_fit(const FlowNames *list, const FlowNames *header)
{
	if (list->count != header->count)
		return false;
	for (int i = 0; i < list->count; i++)
		if (!is_same_name(list->items[i], header->items[i].data, header->items[i].len) &&
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
#define AWS 1
static const Notation notations[] = {
	/* in Terraform, where "${" means something else */
	{"$${", "}", true, "Write a single \"$\" before each name, such as " EXAMPLE},
	{"${", "}", false, "Write it as AWS does: fields separated by single blanks, such as " EXAMPLE},
	/* in the configuration of other programs */
	{"", "", true, "Write \"${\" before each name and \"}\" after it, such as " EXAMPLE},
};

/* Fills the error for a log format, at the position where it is wrong. */
static FlowStatus
bad_log_format(const char *text, const char *at, const char *problem, const Notation *notation,
               FlowError *error)
{
	flow_error_set(error, FLOW_BAD_FORMAT, "invalid log format: \"%.200s\"", text);
	flow_error_detail(error, "%s at position %zu.", problem, (size_t) (at - text) + 1);
	flow_error_hint(error, "%s", notation->hint);
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

/*
 * Finds the name at the beginning of a text, in a notation, and the end of the
 * field; false if there is no field.
 */
static bool
find_field(const Notation *notation, const char *text, FlowSlice *name, const char **end)
{
	size_t before = strlen(notation->prefix), after = strlen(notation->suffix);
	const char *close = text + before;

	while (*close != '\0' && (after > 0 ? *close != notation->suffix[0] : !is_separator(*close)))
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

/* Reads a log format. */
FlowStatus
flow_log_format_read(const char *text, FlowNames *names, FlowError *error)
{
	const char *next = text + strspn(text, " ");
	const Notation *notation = find_notation(next);
	char separator = '\0';

	names->count = 0;
	names->repeated = -1;
	while (*next != '\0')
	{
		const char *start = next;
		const Notation *own = find_notation(start);
		FlowSlice name;

		/* a field, written as the first one */
		if (own != notation || !find_field(own, start, &name, &next))
			return bad_log_format(text,
			                      start,
			                      "There is no field",
			                      own->known ? own : notation,
			                      error);
		if (!is_name_in(own, name))
			return bad_log_format(text, start, "There is no field name", own, error);
		if (!add_name(names, name))
			return bad_log_format(text, start, "There are too many fields", &notations[AWS], error);
		if (names->repeated >= 0)
			return bad_log_format(text, start, "A field is named twice", &notations[AWS], error);

		/* a separator, the same everywhere; several blanks are one */
		if (*next == '\0')
			break;
		if (!is_separator(*next) || (separator != '\0' && separator != *next))
			return bad_log_format(text, next, "There is no blank", &notations[AWS], error);
		separator = *next++;
		while (separator == ' ' && *next == ' ')
			next++;
	}
	if (names->count == 0)
		return bad_log_format(text, text, "There is no field", &notations[AWS], error);
	names->separator = separator != '\0' ? separator : ' ';
	return FLOW_OK;
}
