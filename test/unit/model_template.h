/*-------------------------------------------------------------------------
 *
 * model_template.h
 *	  Matches a path with a location that has variables, in the obvious way:
 *	  name by name, trying everything from the left, the shortest first.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MODEL_TEMPLATE_H
#define MODEL_TEMPLATE_H

#include "../../flow/location_match.h"
#include "model_location.h"

#include "../../flow/location.h"

#define MODEL_VARIABLES 8

/*
 * Bytes that stand for variables in a marked text: one of these, followed by
 * 'A' plus the variable's number.
 */
enum
{
	MODEL_NAME = 1,
	MODEL_YEAR,
	MODEL_MONTH,
	MODEL_DAY,
	MODEL_HOUR
};

typedef struct ModelValues
{
	char text[MODEL_VARIABLES][MODEL_MAX]; /* of names */
	int number[MODEL_VARIABLES][MODEL_HOUR + 1];
	bool is_date[MODEL_VARIABLES];
	bool has_hour[MODEL_VARIABLES];
	int count;
} ModelValues;

/*
 * Writes a location, which must be well-formed, with such bytes for its
 * variables.
 */
static inline void
model_mark(const char *text, char *marked, ModelValues *values)
{
	static const char *const letters[] =
		{[MODEL_YEAR] = "yyyy", [MODEL_MONTH] = "MM", [MODEL_DAY] = "dd", [MODEL_HOUR] = "HH"};

	memset(values, 0, sizeof(*values));
	while (*text != '\0')
	{
		char number = (char) ('A' + values->count);
		bool ignored;

		if (*text == '\\' || *text == '[')
		{
			const char *end = *text == '[' ? model_class(text, 0, &ignored) : text + 2;

			while (text < end)
				*marked++ = *text++;
			continue;
		}
		if (strncmp(text, "${", 2) != 0)
		{
			*marked++ = *text++;
			continue;
		}
		text += strcspn(text, ":}");
		if (*text == '}')
		{
			*marked++ = MODEL_NAME;
			*marked++ = number;
		}
		for (values->is_date[values->count] = *text == ':', text += *text == ':';
		     *text != '}' && *text != '|';)
		{
			int part = MODEL_YEAR;

			while (part <= MODEL_HOUR && strncmp(text, letters[part], strlen(letters[part])) != 0)
				part++;
			if (part <= MODEL_HOUR)
			{
				*marked++ = (char) part;
				*marked++ = number;
				text += strlen(letters[part]);
				values->has_hour[values->count] |= part == MODEL_HOUR;
				continue;
			}
			if (*text == '\\')
				*marked++ = *text++;
			*marked++ = *text++;
		}
		/* the form in which a text has a date is none of paths */
		while (*text != '}')
			text += *text == '\\' ? 2 : 1;
		text++;
		values->count++;
	}
	*marked = '\0';
}

static inline bool model_match(const char *pattern, const char *name, ModelValues *values);

/* Matches a variable with one character and as few more as possible. */
static inline bool
model_match_variable(const char *pattern, const char *name, ModelValues *values)
{
	char *text = values->text[pattern[1] - 'A'];
	uint64_t ignored;
	const char *end = name;

	while (*end != '\0')
	{
		end += model_char(end, &ignored);
		if (model_match(pattern + 2, end, values))
		{
			snprintf(text, MODEL_MAX, "%.*s", (int) (end - name), name);
			return true;
		}
	}
	return false;
}

static inline bool
model_match_part(const char *pattern, const char *name, ModelValues *values)
{
	static const int widths[] =
		{[MODEL_YEAR] = 4, [MODEL_MONTH] = 2, [MODEL_DAY] = 2, [MODEL_HOUR] = 2};
	static const int least[] =
		{[MODEL_YEAR] = 1, [MODEL_MONTH] = 1, [MODEL_DAY] = 1, [MODEL_HOUR] = 0};
	static const int most[] =
		{[MODEL_YEAR] = 9999, [MODEL_MONTH] = 12, [MODEL_DAY] = 31, [MODEL_HOUR] = 23};
	int part = pattern[0], number;
	char digits[5] = "";

	strncpy(digits, name, (size_t) widths[part]);
	if (strspn(digits, "0123456789") != (size_t) widths[part])
		return false;
	number = atoi(digits);
	if (number < least[part] || number > most[part] ||
	    !model_match(pattern + 2, name + widths[part], values))
		return false;
	values->number[pattern[1] - 'A'][part] = number;
	return true;
}

/* Matches a name with a marked pattern without "{". */
static inline bool
model_match(const char *pattern, const char *name, ModelValues *values)
{
	uint64_t want, got;
	size_t len;
	bool has;

	if (model_steps-- < 0)
		return false;
	if (*pattern == '\0')
		return *name == '\0';
	if (*pattern == MODEL_NAME)
		return model_match_variable(pattern, name, values);
	if (*pattern > MODEL_NAME && *pattern <= MODEL_HOUR)
		return model_match_part(pattern, name, values);
	if (*pattern == '*')
	{
		if (model_match(pattern + 1, name, values))
			return true;
		return *name != '\0' && model_match(pattern, name + model_char(name, &got), values);
	}
	if (*name == '\0')
		return false;
	len = model_char(name, &got);
	if (*pattern == '?')
		return model_match(pattern + 1, name + len, values);
	if (*pattern == '[')
	{
		pattern = model_class(pattern, got, &has);
		return has && model_match(pattern, name + len, values);
	}
	pattern += *pattern == '\\';
	pattern += model_char(pattern, &want);
	return want == got && model_match(pattern, name + len, values);
}

/*
 * Matches a name with a marked pattern that may have "{": the first choice of
 * alternatives that matches.
 */
static inline bool
model_match_name(const char *pattern, const char *name, ModelValues *values)
{
	const char *open = pattern, *from, *close;
	char one[MODEL_MAX];
	int depth = 0;

	while (*open != '\0' && *open != '{')
		open = model_next(open);
	if (*open == '\0')
	{
		if ((*name == '.' || *name == '_') && strchr("*?[\1\2\3\4\5", *pattern) != NULL)
			return false;
		return model_match(pattern, name, values);
	}
	close = open;
	do
	{
		depth += *close == '{' ? 1 : *close == '}' ? -1 : 0;
		close = model_next(close);
	} while (depth > 0);
	from = open + 1;
	for (const char *p = from; p < close; p = model_next(p))
	{
		if (model_steps-- < 0)
			return false;
		if (depth == 0 && (*p == ',' || p == close - 1))
		{
			snprintf(one,
			         sizeof(one),
			         "%.*s%.*s%s",
			         (int) (open - pattern),
			         pattern,
			         (int) (p - from),
			         from,
			         close);
			if (model_match_name(one, name, values))
				return true;
			from = p + 1;
		}
		depth += *p == '{' ? 1 : *p == '}' ? -1 : 0;
	}
	return false;
}

/*
 * Matches the path from name j on with the location from segment i on.  "**"
 * matches as few names as possible.
 */
static inline bool
model_match_path(const ModelPath *location, int i, const ModelPath *path, int j,
                 ModelValues *values)
{
	const char *name = path->names[j];

	if (model_steps-- < 0)
		return false;
	if (j == path->count)
		return i == location->count;
	if (i < location->count && strcmp(location->names[i], "**") != 0)
		return model_match_name(location->names[i], name, values) &&
		       model_match_path(location, i + 1, path, j + 1, values);
	if (i + 1 < location->count && model_match_path(location, i + 1, path, j, values))
		return true;
	if (*name == '.' || *name == '_')
		return false;
	if (i + 1 >= location->count)
		i = location->count;
	return model_match_path(location, i, path, j + 1, values);
}

/*
 * Returns the days from 1970-01-01 to a day, counted one by one, or -1000000
 * if there is no such day.
 */
static inline int64_t
model_day(int year, int month, int day)
{
	static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int64_t days = 0;
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	for (int y = 1970; y < year; y++)
		days += y % 4 == 0 && (y % 100 != 0 || y % 400 == 0) ? 366 : 365;
	for (int y = year; y < 1970; y++)
		days -= y % 4 == 0 && (y % 100 != 0 || y % 400 == 0) ? 366 : 365;
	for (int m = 1; m < month; m++)
		days += lengths[m - 1] + (m == 2 && leap);
	return day > lengths[month - 1] + (month == 2 && leap) ? -1000000 : days + day - 1;
}

/*
 * Writes a variable's value as the path gives it.  Returns false if its date
 * does not exist.  For a date, *from is set to its beginning in microseconds.
 */
static inline bool
model_value(const ModelValues *values, int variable, char *text, int64_t *from)
{
	const int *number = values->number[variable];
	int month = number[MODEL_MONTH] > 0 ? number[MODEL_MONTH] : 1;
	int day = number[MODEL_DAY] > 0 ? number[MODEL_DAY] : 1;
	int64_t days;

	if (!values->is_date[variable])
	{
		strcpy(text, values->text[variable]);
		return true;
	}
	days = model_day(number[MODEL_YEAR], month, day);
	*from = (days * 24 + number[MODEL_HOUR]) * 3600 * 1000000;
	sprintf(text,
	        values->has_hour[variable] ? "%04d-%02d-%02dT%02d:00:00Z" : "%04d-%02d-%02d",
	        number[MODEL_YEAR],
	        month,
	        day,
	        number[MODEL_HOUR]);
	return days != -1000000;
}

/* Returns true if a date is one of those in a directory's range. */
static inline bool
is_date_of(const FlowLocation *location, int variable, const FlowPathValue *range, int64_t from)
{
	FlowPathValue date = {.begun = false};
	int64_t before = range->from - 1;

	while (flow_location_next_date(location, variable, range, &date))
	{
		if (date.from <= before || date.text.data == NULL)
			return false;
		before = date.from;
		if (date.from == from)
			return true;
	}
	return false;
}

/*
 * Returns true if the values that the directories above a file give are true
 * of the file.
 */
static inline bool
directories_agree(const FlowLocation *location, const char *path, const FlowPathValue *values)
{
	int count;
	const FlowVariable *variables = flow_location_variables(location, &count);
	size_t fixed = strlen(flow_location_fixed(location));

	for (const char *p = strchr(path + fixed, '/'); p != NULL; p = strchr(p + 1, '/'))
	{
		FlowPathValue above[FLOW_MAX_VARIABLES];
		char directory[MODEL_MAX];
		bool more;

		if (p == path + fixed)
			continue;
		snprintf(directory, sizeof(directory), "%.*s", (int) (p - path), path);
		if (!flow_location_directory_values(location, directory, above, &more))
			return false;
		for (int i = 0; i < count; i++)
		{
			if (above[i].text.data != NULL &&
			    (above[i].text.len != values[i].text.len ||
			     memcmp(above[i].text.data, values[i].text.data, values[i].text.len) != 0))
				return false;
			if (above[i].begun &&
			    (!variables[i].is_date || above[i].from > values[i].from ||
			     above[i].to < values[i].to || !is_date_of(location, i, &above[i], values[i].from)))
				return false;
		}
	}
	return true;
}

/*
 * Returns true if both give a path the same values, or none.  If the plain
 * matcher gives up, that counts as agreement.
 */
static inline bool
same_values(const FlowLocation *location, const char *text, const char *path)
{
	static char marked[MODEL_MAX];
	static ModelValues plain;
	static ModelPath segments, names;
	FlowPathValue values[FLOW_MAX_VARIABLES];
	bool got = flow_location_values(location, path, values);
	bool want;
	size_t len;

	model_mark(text, marked, &plain);
	len = strlen(marked);
	if (len > 0 && marked[len - 1] == '/')
		strcpy(marked + len, "**");
	model_split(marked, &segments);
	model_split(path, &names);
	model_steps = 20000;
	want = model_match_path(&segments, 0, &names, 0, &plain);
	if (model_steps < 0)
		return true;
	for (int i = 0; i < plain.count; i++)
	{
		char value[MODEL_MAX];
		int64_t from = 0;

		want = want && model_value(&plain, i, value, &from);
		if (want && got &&
		    (strlen(value) != values[i].text.len ||
		     memcmp(value, values[i].text.data, values[i].text.len) != 0))
			return false;
		if (want && got && plain.is_date[i] &&
		    (!values[i].begun || values[i].from != from || values[i].to <= from))
			return false;
	}
	return want == got && (!got || directories_agree(location, path, values));
}

#endif /* MODEL_TEMPLATE_H */
