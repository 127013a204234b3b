/*-------------------------------------------------------------------------
 *
 * location_template.c
 *	  Reads the variables of a location, and makes their values.
 *
 * There are two kinds:
 *
 *		${name}				the shortest run of one or more characters
 *							without "/"
 *		${name:yyyy/MM/dd}	a date of yyyy, MM, dd and HH (the hour), with any
 *							text between and around them; it may span several
 *							names
 *		${name:yyyy/MM/dd|yyyy-MM-dd}
 *							the same; a text column has it in the second form
 *
 * A date must have a year; one with a day must have the month, and one with an
 * hour the day.  Parts that are left out have their first value.  A date is
 * written in ISO 8601, in UTC: 2024-01-31, or with the hour
 * 2024-01-31T23:00:00Z.  flow_date_write writes it in its form.
 *
 * A variable that is all that follows "name=" in a name has values as Hive
 * writes them (FileUtils.escapePathName): some characters as "%" and two
 * hexadecimal digits, and __HIVE_DEFAULT_PARTITION__ for NULL.
 *
 *-------------------------------------------------------------------------
 */
#include "location.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define HIVE_NULL "__HIVE_DEFAULT_PARTITION__"

#define HOUR_US (INT64_C(3600) * 1000000)
#define DAY_US (24 * HOUR_US)

/* The parts of a date by their letters. */
static const struct
{
	const char *letters;
	int least, most;
} parts[] = {
	[FLOW_PIECE_YEAR] = {"yyyy", 1, 9999},
	[FLOW_PIECE_MONTH] = {"MM", 1, 12},
	[FLOW_PIECE_DAY] = {"dd", 1, 31},
	[FLOW_PIECE_HOUR] = {"HH", 0, 23},
};

/*
 * Letters that stand for other parts of a time in other programs: a run of one
 * of them is not accepted as text.
 */
static const char *const foreign_letters = "yYuMLdDHhKkmsSE";

/* ---------- reading a location ---------- */

typedef struct Reader
{
	const char *text;
	const char *p;
	char *out;            /* end of the pattern so far */
	char *names;          /* room for the next name or form of a date */
	const char *form_end; /* of the last variable, as it is in paths */
	FlowTemplate *path_template;
	FlowError *error;
} Reader;

static FlowStatus
invalid(const Reader *in)
{
	return flow_error_set(in->error, FLOW_BAD_LOCATION, "invalid location \"%s\"", in->text);
}

static size_t
byte_of(const Reader *in, const char *p)
{
	return (size_t) (p - in->text) + 1;
}

/*
 * Marks that the next byte of the pattern comes from the next byte of the
 * location.
 */
static void
add_mark(Reader *in)
{
	FlowTemplate *path_template = in->path_template;

	path_template->marks[path_template->nmarks++] =
		(FlowMark) {(size_t) (in->out - path_template->pattern), (size_t) (in->p - in->text)};
}

/* Adds a piece of the current variable to the pattern. */
static FlowStatus
add_piece(Reader *in, FlowPieceKind kind)
{
	FlowTemplate *path_template = in->path_template;

	if (path_template->npieces == FLOW_LOCATION_PIECES)
	{
		flow_error_set(in->error, FLOW_LIMIT, "location \"%s\" has too many variables", in->text);
		return in->error->status;
	}
	path_template->pieces[path_template->npieces] =
		(FlowPiece) {kind, path_template->nvariables - 1};
	*in->out++ = '\\';
	*in->out++ = '/';
	*in->out++ = (char) (FLOW_PIECE_CODE + path_template->npieces++);
	return FLOW_OK;
}

/* Reads a variable's name and adds the variable; "open" is at its "${". */
static FlowStatus
add_variable(Reader *in, const char *open)
{
	FlowTemplate *path_template = in->path_template;
	size_t len = strcspn(in->p, ":}/{$[]*?\\,");
	char after = in->p[len];

	/* check the name */
	if (after == '\0' || after == '/')
	{
		invalid(in);
		flow_error_detail(in->error,
		                  "The \"${\" at byte %zu is not closed before the next \"/\" or the end.",
		                  byte_of(in, open));
		flow_error_hint(in->error, "Write \"\\$\\{\" if these characters stand for themselves.");
		return in->error->status;
	}
	if (after != ':' && after != '}')
	{
		invalid(in);
		flow_error_detail(in->error,
		                  "The name in the \"${\" at byte %zu cannot contain \"%c\".",
		                  byte_of(in, open),
		                  after);
		return in->error->status;
	}
	if (len == 0)
	{
		invalid(in);
		flow_error_detail(in->error, "The \"${\" at byte %zu has no name.", byte_of(in, open));
		return in->error->status;
	}
	for (int i = 0; i < path_template->nvariables; i++)
		if (strlen(path_template->variables[i].name) == len &&
		    memcmp(path_template->variables[i].name, in->p, len) == 0)
		{
			invalid(in);
			flow_error_detail(in->error,
			                  "The \"${\" at byte %zu has a name that is already used.",
			                  byte_of(in, open));
			return in->error->status;
		}
	if (path_template->nvariables == FLOW_MAX_VARIABLES)
	{
		flow_error_set(in->error, FLOW_LIMIT, "location \"%s\" has too many variables", in->text);
		flow_error_detail(in->error, "At most %d variables are allowed.", FLOW_MAX_VARIABLES);
		return in->error->status;
	}

	/* add the variable */
	memcpy(in->names, in->p, len);
	in->names[len] = '\0';
	path_template->variables[path_template->nvariables++] =
		(FlowVariable) {.name = in->names, .is_date = after == ':'};
	in->names += len + 1;
	in->p += len;
	return FLOW_OK;
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/*
 * Returns the part of a date whose letters come next, or FLOW_PIECE_NAME if
 * there is none.
 */
static FlowPieceKind
next_part(const char *p)
{
	for (size_t kind = FLOW_PIECE_YEAR; kind < flow_countof(parts); kind++)
	{
		size_t len = strlen(parts[kind].letters);

		if (strncmp(p, parts[kind].letters, len) == 0 && p[len] != *p)
			return (FlowPieceKind) kind;
	}
	return FLOW_PIECE_NAME;
}

/* Copies text within a date to the pattern. */
static FlowStatus
copy_date_text(Reader *in)
{
	const char *begin = in->p;
	bool foreign = strchr(foreign_letters, *begin) != NULL;

	if (*begin == '\\')
	{
		*in->out++ = *in->p++;
		*in->out++ = *in->p++;
		return FLOW_OK;
	}
	if (strchr("*?[{$", *begin) != NULL)
	{
		invalid(in);
		flow_error_detail(in->error,
		                  "The \"%c\" at byte %zu cannot be in a date.",
		                  *begin,
		                  byte_of(in, begin));
		flow_error_hint(in->error, "Put \"\\\" before a character that stands for itself.");
		return in->error->status;
	}

	/* letters up to the next part belong together: "day=" is text */
	do
	{
		foreign &= *in->p == *begin;
		*in->out++ = *in->p++;
	} while (is_letter(*begin) && is_letter(*in->p) && next_part(in->p) == FLOW_PIECE_NAME);

	if (foreign)
	{
		invalid(in);
		flow_error_detail(in->error,
		                  "The \"%.*s\" at byte %zu is not a known part of a date: these "
		                  "are yyyy, MM, dd and HH.",
		                  (int) (in->p - begin),
		                  begin,
		                  byte_of(in, begin));
		flow_error_hint(in->error, "Put \"\\\" before a character that stands for itself.");
		return in->error->status;
	}
	return FLOW_OK;
}

/* Checks that the text at "p" is within a date; "open" is at its "${". */
static FlowStatus
check_in_date(const Reader *in, const char *open)
{
	const char *p = in->p;

	if (*p != '\0' && (*p != '\\' || (p[1] != '\0' && p[1] != '/')))
		return FLOW_OK;
	invalid(in);
	if (*p == '\0')
		flow_error_detail(in->error, "The \"${\" at byte %zu is not closed.", byte_of(in, open));
	else
		flow_error_detail(in->error,
		                  "The \"\\\" at byte %zu has no character to escape.",
		                  byte_of(in, p));
	return in->error->status;
}

/*
 * Reads the form in which a text column has a date, from its "|" to its "}".
 * "seen": the parts that the path has.
 */
static FlowStatus
skip_written_form(Reader *in, const char *open, const bool *seen)
{
	char *out = in->out; /* it is not part of the pattern */
	FlowStatus status = FLOW_OK;

	in->p++;
	while (*in->p != '}' && status == FLOW_OK)
	{
		FlowPieceKind kind = next_part(in->p);

		if ((status = check_in_date(in, open)) != FLOW_OK)
			break;
		if (kind == FLOW_PIECE_NAME)
			status = copy_date_text(in);
		else if (seen[kind])
			in->p += strlen(parts[kind].letters);
		else
		{
			status = invalid(in);
			flow_error_detail(in->error,
			                  "The date at byte %zu has \"%s\" after its \"|\" only.",
			                  byte_of(in, open),
			                  parts[kind].letters);
		}
	}
	in->out = out;
	return status;
}

/* Keeps a form of a date, which ends before in->p. */
static const char *
keep_form(Reader *in, const char *form)
{
	size_t len = (size_t) (in->p - form);
	char *kept = in->names;

	memcpy(kept, form, len);
	kept[len] = '\0';
	in->names += len + 1;
	return kept;
}

/* Reads the form of a date, up to its "}"; "open" is at the "${". */
static FlowStatus
add_date(Reader *in, const char *open)
{
	FlowVariable *variable = &in->path_template->variables[in->path_template->nvariables - 1];
	bool seen[flow_countof(parts)] = {true};
	FlowStatus status = FLOW_OK;
	const char *form = ++in->p;

	add_mark(in);
	while (*in->p != '}' && *in->p != '|' && status == FLOW_OK)
	{
		FlowPieceKind kind = next_part(in->p);

		if ((status = check_in_date(in, open)) != FLOW_OK)
			return status;
		if (kind == FLOW_PIECE_NAME)
		{
			status = copy_date_text(in);
			continue;
		}
		if (seen[kind])
		{
			invalid(in);
			flow_error_detail(in->error,
			                  "The date at byte %zu has \"%s\" twice.",
			                  byte_of(in, open),
			                  parts[kind].letters);
			return in->error->status;
		}

		/* a part */
		seen[kind] = true;
		status = add_piece(in, kind);
		in->p += strlen(parts[kind].letters);
		if (status == FLOW_OK)
			add_mark(in);
	}
	if (status != FLOW_OK)
		return status;
	in->form_end = in->p;
	if (*in->p == '|')
	{
		form = in->p + 1;
		status = skip_written_form(in, open, seen);
	}
	if (status != FLOW_OK)
		return status;
	variable->form = keep_form(in, form);

	/* each part needs the larger ones */
	variable->has_hour = seen[FLOW_PIECE_HOUR];
	for (size_t kind = FLOW_PIECE_YEAR; kind < flow_countof(parts); kind++)
	{
		bool needed = kind == FLOW_PIECE_YEAR;

		for (size_t below = kind + 1; below < flow_countof(parts); below++)
			needed |= seen[below];
		if (needed && !seen[kind])
		{
			invalid(in);
			flow_error_detail(in->error,
			                  "The date at byte %zu has no \"%s\".",
			                  byte_of(in, open),
			                  parts[kind].letters);
			return in->error->status;
		}
	}
	return FLOW_OK;
}

/*
 * Returns true if the variable from "open" to in->p is the whole value in a
 * name "name=value".  An escaped "=" is text like any other.
 */
static bool
is_hive_value(const Reader *in, const char *open)
{
	const char *p = open;
	bool named = false;

	if ((*in->p != '/' && *in->p != '\0') ||
	    memchr(open, '/', (size_t) (in->form_end - open)) != NULL)
		return false;
	while (p > in->text && p[-1] != '/')
		p--;
	if (*p == '=')
		return false;

	/* nothing but text comes before the "=" */
	for (; p < open; p += *p == '\\' ? 2 : 1)
	{
		if (strchr("*?[{}", *p) != NULL)
			return false;
		named = *p == '=';
	}
	return named;
}

/* Reads a variable at "${". */
static FlowStatus
read_variable(Reader *in, int depth)
{
	FlowTemplate *path_template = in->path_template;
	size_t at = (size_t) (in->out - path_template->pattern);
	const char *open = in->p;
	FlowStatus status;

	if (depth > 0)
	{
		/* in another alternative it would have no value */
		invalid(in);
		flow_error_detail(in->error, "The \"${\" at byte %zu is within \"{\".", byte_of(in, open));
		flow_error_hint(in->error, "Write \"\\$\\{\" if these characters stand for themselves.");
		return in->error->status;
	}
	add_mark(in);
	in->p += 2;
	status = add_variable(in, open);
	in->form_end = in->p;
	if (status == FLOW_OK)
		status = *in->p == ':' ? add_date(in, open) : add_piece(in, FLOW_PIECE_NAME);
	if (status != FLOW_OK)
		return status;
	in->p++;
	add_mark(in);
	path_template->hive_at[path_template->nvariables - 1] = is_hive_value(in, open) ? at : 0;
	return FLOW_OK;
}

/* Replaces the variables of a location by their pieces. */
FlowStatus
flow_template_read(const char *text, size_t from, char *names, FlowTemplate *path_template,
                   FlowError *error)
{
	Reader in = {.text = text,
	             .p = text + from,
	             .out = path_template->pattern,
	             .names = names,
	             .path_template = path_template,
	             .error = error};
	int depth = 0;

	if (from > 0)
		add_mark(&in);

	while (*in.p != '\0')
	{
		size_t len = 1;

		if (*in.p == '$' && in.p[1] == '{')
		{
			FlowStatus status = read_variable(&in, depth);

			if (status != FLOW_OK)
				return status;
			continue;
		}
		if (*in.p == '\\' && (in.p[1] == '\0' || in.p[1] == '/'))
		{
			invalid(&in);
			flow_error_detail(error,
			                  "The \"\\\" at byte %zu has no character to escape.",
			                  byte_of(&in, in.p));
			return error->status;
		}

		/*
		 * copy an escape or a class as a whole, so that "${" in it is not a
		 * variable
		 */
		if (*in.p == '\\')
			len = 2;
		else if (*in.p == '[')
		{
			const char *end = flow_location_class_end(in.p);

			/* check_text reports a class that is not closed */
			len = end != NULL ? (size_t) (end - in.p) : strlen(in.p);
		}
		depth += (*in.p == '{') - (*in.p == '}' && depth > 0);
		memcpy(in.out, in.p, len);
		in.out += len;
		in.p += len;
	}
	*in.out = '\0';
	return FLOW_OK;
}

/* ---------- pieces ---------- */

/*
 * Returns the offset in the location of what is at an offset of the pattern.
 */
size_t
flow_template_source(const FlowTemplate *path_template, size_t offset)
{
	size_t source = offset;

	for (int i = 0; i < path_template->nmarks && path_template->marks[i].pattern <= offset; i++)
		source = path_template->marks[i].source + (offset - path_template->marks[i].pattern);
	return source;
}

/* Returns the number of characters of a part of a date. */
size_t
flow_piece_width(FlowPieceKind kind)
{
	return kind == FLOW_PIECE_NAME ? 0 : strlen(parts[kind].letters);
}

static int
number_of(const char *digits, size_t len)
{
	int number = 0;

	for (size_t i = 0; i < len; i++)
		number = number * 10 + (digits[i] - '0');
	return number;
}

/* Returns true if the digits are a valid part of a date. */
bool
flow_piece_fits(FlowPieceKind kind, const char *digits)
{
	size_t len = flow_piece_width(kind);
	int number;

	for (size_t i = 0; i < len; i++)
		if ((unsigned char) (digits[i] - '0') > 9)
			return false;
	number = number_of(digits, len);
	return number >= parts[kind].least && number <= parts[kind].most;
}

/* ---------- values ---------- */

/*
 * Sets the time of midnight, or of the hour, of a day; returns false if there
 * is no such day.
 */
static bool
moment_of(const int *numbers, int64_t *microseconds)
{
	char text[40];
	int len = snprintf(text,
	                   sizeof(text),
	                   "%04d-%02d-%02dT%02d:00:00Z",
	                   numbers[FLOW_PIECE_YEAR],
	                   numbers[FLOW_PIECE_MONTH],
	                   numbers[FLOW_PIECE_DAY],
	                   numbers[FLOW_PIECE_HOUR]);

	return flow_value_iso8601(text, (size_t) len, true, microseconds) == FLOW_OK;
}

/* Returns the end of the year, month, day or hour that begins at "from". */
static int64_t
end_of(const int *numbers, FlowPieceKind last, int64_t from)
{
	int next[flow_countof(parts)];
	int64_t end = INT64_MAX; /* of the last year */

	if (last == FLOW_PIECE_HOUR)
		return from + HOUR_US;
	if (last == FLOW_PIECE_DAY)
		return from + DAY_US;
	memcpy(next, numbers, sizeof(next));
	if (last == FLOW_PIECE_YEAR || ++next[FLOW_PIECE_MONTH] > 12)
	{
		next[FLOW_PIECE_YEAR]++;
		next[FLOW_PIECE_MONTH] = 1;
	}
	next[FLOW_PIECE_DAY] = 1;
	(void) moment_of(next, &end);
	return end;
}

/*
 * Sets the value of a date whose parts have these numbers, -1 for those not
 * known.  Parts after the first unknown one say nothing about the time.
 * Returns false if there is no such date.
 */
static bool
date_value(const FlowVariable *variable, const int *found, bool complete, FlowPathValue *value)
{
	int numbers[] = {
		[FLOW_PIECE_YEAR] = 1, [FLOW_PIECE_MONTH] = 1, [FLOW_PIECE_DAY] = 1, [FLOW_PIECE_HOUR] = 0};
	FlowPieceKind last = FLOW_PIECE_NAME;
	int len;

	for (FlowPieceKind kind = FLOW_PIECE_YEAR; kind <= FLOW_PIECE_HOUR && found[kind] >= 0; kind++)
	{
		numbers[kind] = found[kind];
		last = kind;
	}
	if (last == FLOW_PIECE_NAME)
		return true;
	if (!moment_of(numbers, &value->from))
		return false;
	value->begun = true;
	value->form = variable->form;
	value->to = end_of(numbers, last, value->from);
	if (!complete)
		return true;

	/* write it */
	len = snprintf(value->date,
	               sizeof(value->date),
	               variable->has_hour ? "%04d-%02d-%02dT%02d:00:00Z" : "%04d-%02d-%02d",
	               numbers[FLOW_PIECE_YEAR] % 10000,
	               numbers[FLOW_PIECE_MONTH] % 100,
	               numbers[FLOW_PIECE_DAY] % 100,
	               numbers[FLOW_PIECE_HOUR] % 100);
	value->text = (FlowSlice) {value->date, (size_t) len};
	return true;
}

/* Sets the parts of the time, by FlowPieceKind. */
static bool
numbers_of(int64_t microseconds, int *numbers)
{
	time_t seconds = (time_t) (microseconds / 1000000 - (microseconds % 1000000 < 0));
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL)
		return false;
	numbers[FLOW_PIECE_NAME] = 0;
	numbers[FLOW_PIECE_YEAR] = tm.tm_year + 1900;
	numbers[FLOW_PIECE_MONTH] = tm.tm_mon + 1;
	numbers[FLOW_PIECE_DAY] = tm.tm_mday;
	numbers[FLOW_PIECE_HOUR] = tm.tm_hour;
	return true;
}

/* Sets the next date of a variable that begins in a range. */
bool
flow_location_next_date(const FlowLocation *location, int variable, const FlowPathValue *range,
                        FlowPathValue *date)
{
	const FlowTemplate *path_template = &location->path_template;
	int64_t from = date->begun ? date->to : range->from;
	int found[flow_countof(parts)] = {-1, -1, -1, -1, -1};
	int numbers[flow_countof(parts)];

	if (from >= range->to || !numbers_of(from, numbers))
		return false;
	for (int k = 0; k < path_template->npieces; k++)
		if (path_template->pieces[k].variable == variable)
			found[path_template->pieces[k].kind] = numbers[path_template->pieces[k].kind];
	memset(date, 0, sizeof(*date));
	return date_value(&path_template->variables[variable], found, true, date);
}

/* Writes a date in a form; returns the length. */
size_t
flow_date_write(const char *form, int64_t microseconds, char *to)
{
	int numbers[flow_countof(parts)];
	char *begin = to;

	if (!numbers_of(microseconds, numbers))
		return 0;
	while (*form != '\0')
	{
		FlowPieceKind kind = next_part(form);
		size_t width = flow_piece_width(kind);

		form += kind == FLOW_PIECE_NAME && *form == '\\';
		if (kind == FLOW_PIECE_NAME)
			*to++ = *form++;
		for (size_t i = width; i > 0; i--, numbers[kind] /= 10)
			to[i - 1] = (char) ('0' + numbers[kind] % 10);
		to += width;
		form += width;
	}
	return (size_t) (to - begin);
}

/* Returns true if a value in "name=value" is the one by which Hive means NULL. */
bool
flow_template_is_null(const char *value, size_t len)
{
	return len == strlen(HIVE_NULL) && memcmp(value, HIVE_NULL, len) == 0;
}

static bool
is_utf8_without_nul(const char *text, size_t len)
{
	const char *end = text + len;
	uint32_t character;

	while (text < end)
	{
		text = flow_next_character(text, end, &character);
		if (character == 0 || character >= FLOW_STRAY_BYTE)
			return false;
	}
	return true;
}

/*
 * Copies a value's text, decoded if it is encoded.  A "%" without two
 * hexadecimal digits stands for itself, as in Hive's unescapePathName.
 */
size_t
flow_path_value_decode(const FlowPathValue *value, char *to)
{
	const char *text = value->text.data;
	size_t len = value->text.len;
	size_t n = 0;

	for (size_t i = 0; i < len && value->encoded; i++)
	{
		bool encoded = text[i] == '%' && len - i > 2 && flow_hex_value(text[i + 1]) >= 0 &&
		               flow_hex_value(text[i + 2]) >= 0;

		to[n++] = encoded ? (char) (flow_hex_value(text[i + 1]) << 4 | flow_hex_value(text[i + 2]))
		                  : text[i];
		i += encoded ? 2 : 0;
	}
	if (value->encoded && is_utf8_without_nul(to, n))
		return n;
	memcpy(to, text, len);
	return len;
}

/* Sets the variables' values from the known pieces. */
bool
flow_template_values(const FlowTemplate *path_template, const FlowSlice *pieces,
                     FlowPathValue *values)
{
	for (int i = 0; i < path_template->nvariables; i++)
	{
		const FlowVariable *variable = &path_template->variables[i];
		int found[] = {-1, -1, -1, -1, -1};
		bool complete = true;

		values[i].text = (FlowSlice) {NULL, 0};
		values[i].encoded = values[i].is_null = values[i].begun = false;
		values[i].form = NULL;
		for (int k = 0; k < path_template->npieces; k++)
		{
			const FlowPiece *piece = &path_template->pieces[k];

			if (piece->variable != i)
				continue;
			if (pieces[k].data == NULL)
				complete = false;
			else if (path_template->hive_at[i] > 0 &&
			         flow_template_is_null(pieces[k].data, pieces[k].len))
				values[i].is_null = true;
			else if (variable->is_date)
				found[piece->kind] = number_of(pieces[k].data, pieces[k].len);
			else
				values[i].text = pieces[k];
		}
		values[i].encoded = path_template->hive_at[i] > 0 && values[i].text.data != NULL &&
		                    memchr(values[i].text.data, '%', values[i].text.len) != NULL;
		if (variable->is_date && !values[i].is_null &&
		    !date_value(variable, found, complete, &values[i]))
			return false;
	}
	return true;
}

/* ---------- what others ask ---------- */

const FlowVariable *
flow_location_variables(const FlowLocation *location, int *count)
{
	*count = location->path_template.nvariables;
	return location->path_template.variables;
}
