/*-------------------------------------------------------------------------
 *
 * location_day.c
 *	  The days of a location's folders.
 *
 * A location has folders of days if one of its variables is a date with a day,
 * such as ${day:yyyy/MM/dd}, or three of them are Hive's keys year=${year},
 * month=${month} and day=${day}, in names of directories of which none follows
 * a "**".  Hive's keys count if they have four, two and two digits, so that each
 * day has one text.  If the month or the day has another form, a path belongs to
 * all days of its year or month.
 *
 *-------------------------------------------------------------------------
 */
#include "location.h"

#include <string.h>

#define DAY_US (INT64_C(24) * 3600 * 1000000)

/* Hive's keys, by the part of a date that they are. */
static const struct
{
	const char *name;
	size_t width;
} keys[] = {
	[FLOW_PIECE_YEAR] = {"year", 4},
	[FLOW_PIECE_MONTH] = {"month", 2},
	[FLOW_PIECE_DAY] = {"day", 2},
};

/* ---------- the calendar ---------- */

/* Returns the days from 1970 to the first of a month, in the Gregorian calendar. */
static int64_t
days_to(int64_t year, int64_t month)
{
	/* years begin in March, so that a leap day is the last one */
	int64_t y = year - (month <= 2);
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int64_t
days_after(int64_t year, int64_t month)
{
	return month == 12 ? days_to(year + 1, 1) : days_to(year, month + 1);
}

/* ---------- which variables are the day ---------- */

/* Returns the variable that is a key of Hive's, or -1. */
static int
find_key(const FlowTemplate *path_template, FlowPieceKind kind)
{
	for (int i = 0; i < path_template->nvariables; i++)
		if (!path_template->variables[i].is_date && path_template->hive_at[i] > 0 &&
		    strcmp(path_template->variables[i].name, keys[kind].name) == 0)
			return i;
	return -1;
}

/* Returns true if a variable is a date with a day. */
static bool
has_day(const FlowTemplate *path_template, int variable)
{
	for (int i = 0; i < path_template->npieces; i++)
		if (path_template->pieces[i].variable == variable &&
		    path_template->pieces[i].kind == FLOW_PIECE_DAY)
			return true;
	return false;
}

static bool
is_of_day(const FlowDayVariables *day, int variable)
{
	if (variable == day->date)
		return true;
	for (FlowPieceKind kind = FLOW_PIECE_YEAR; kind <= FLOW_PIECE_DAY; kind++)
		if (variable == day->keys[kind])
			return true;
	return false;
}

/*
 * Returns the end of the last piece in a segment that is of the day; NULL if
 * there is none.
 */
static const char *
last_piece(const FlowLocation *location, const FlowDayVariables *day, const FlowSegment *segment)
{
	const FlowPiece *pieces = location->path_template.pieces;
	const char *last = NULL;

	for (const char *p = segment->begin; segment->binds && p < segment->end; p++)
	{
		if (*p != '\\' || *++p != '/')
			continue;
		p++;
		if (is_of_day(day, pieces[(unsigned char) *p - FLOW_PIECE_CODE].variable))
			last = p + 1;
	}
	return last;
}

/*
 * Returns true if the day is in names of directories whose place in a path is
 * known.  The last name of a location is one if the day is its end: all below
 * it is read, then.
 */
static bool
is_in_directories(const FlowLocation *location, const FlowDayVariables *day)
{
	bool deep = false;

	for (int i = 0; i < location->nsegments; i++)
	{
		const FlowSegment *segment = &location->segments[i];
		const char *last = last_piece(location, day, segment);

		deep |= segment->deep;
		if (last != NULL && (deep || (i == location->nsegments - 1 && last != segment->end)))
			return false;
	}
	return true;
}

/* Finds the variables that are the day of a folder; a location may have none. */
void
flow_location_find_day(FlowLocation *location)
{
	const FlowTemplate *path_template = &location->path_template;
	FlowDayVariables day = {false, -1, {-1, -1, -1, -1, -1}};
	int dates = 0;
	bool has_keys = true;

	for (int i = 0; i < path_template->nvariables; i++)
		if (path_template->variables[i].is_date && has_day(path_template, i))
		{
			day.date = i;
			dates++;
		}
	for (FlowPieceKind kind = FLOW_PIECE_YEAR; kind <= FLOW_PIECE_DAY && dates == 0; kind++)
	{
		day.keys[kind] = find_key(path_template, kind);
		has_keys &= day.keys[kind] >= 0;
	}
	day.known = (dates == 1 || (dates == 0 && has_keys)) && is_in_directories(location, &day);
	location->day = day;
}

bool
flow_location_has_days(const FlowLocation *location)
{
	return location->day.known;
}

/* ---------- the days of a path ---------- */

static int64_t
floor_to_day(int64_t microseconds)
{
	int64_t into = microseconds % DAY_US;

	return microseconds - into - (into < 0 ? DAY_US : 0);
}

/*
 * Returns the number that a key has, or -1 if it is not known, NULL, or not in
 * its form.
 */
static int
key_number(const FlowLocation *location, const FlowPathValue *values, FlowPieceKind kind)
{
	const FlowSlice *text = &values[location->day.keys[kind]].text;
	int number = 0;

	if (text->data == NULL || text->len != keys[kind].width || !flow_piece_fits(kind, text->data))
		return -1;
	for (size_t i = 0; i < text->len; i++)
		number = number * 10 + (text->data[i] - '0');
	return number;
}

/* The same as flow_location_days, by Hive's keys. */
static bool
days_of_keys(const FlowLocation *location, const FlowPathValue *values, int64_t *from, int64_t *to)
{
	int year = key_number(location, values, FLOW_PIECE_YEAR);
	int month = key_number(location, values, FLOW_PIECE_MONTH);
	int day = key_number(location, values, FLOW_PIECE_DAY);
	int64_t first, end;

	if (year < 0)
		return false;
	first = days_to(year, month < 0 ? 1 : month);
	end = month < 0 ? days_to(year + 1, 1) : days_after(year, month);
	if (month >= 0 && day >= 0 && first + day <= end)
	{
		first += day - 1;
		end = first + 1;
	}
	*from = first * DAY_US;
	*to = end * DAY_US;
	return true;
}

/* Sets the days to which the values of a path belong. */
bool
flow_location_days(const FlowLocation *location, const FlowPathValue *values, int64_t *from,
                   int64_t *to)
{
	const FlowPathValue *value;

	if (!location->day.known)
		return false;
	if (location->day.date < 0)
		return days_of_keys(location, values, from, to);

	/* an hour belongs to its day */
	value = &values[location->day.date];
	if (!value->begun)
		return false;
	*from = floor_to_day(value->from);
	*to = value->to == INT64_MAX ? value->to : floor_to_day(value->to - 1) + DAY_US;
	return true;
}

/* Sets the values of a directory of which the day alone is known. */
bool
flow_location_set_day(const FlowLocation *location, int64_t from, char *texts,
                      FlowPathValue *values)
{
	const FlowDayVariables *day = &location->day;
	const FlowTemplate *path_template = &location->path_template;

	for (int i = 0; i < path_template->nvariables; i++)
		values[i] = (FlowPathValue) {.begun = false};
	if (!day->known)
		return false;
	if (day->date >= 0)
	{
		FlowPathValue range = {.begun = true, .from = from, .to = from + DAY_US};
		FlowPathValue *value = &values[day->date];

		/* with an hour, a day has several dates */
		if (!path_template->variables[day->date].has_hour)
			return flow_location_next_date(location, day->date, &range, value);
		*value = range;
		value->form = path_template->variables[day->date].form;
		return true;
	}
	if (flow_date_write("yyyyMMdd", from, texts) != 8)
		return false;
	values[day->keys[FLOW_PIECE_YEAR]].text = (FlowSlice) {texts, 4};
	values[day->keys[FLOW_PIECE_MONTH]].text = (FlowSlice) {texts + 4, 2};
	values[day->keys[FLOW_PIECE_DAY]].text = (FlowSlice) {texts + 6, 2};
	return true;
}

/* Returns the variable that is a date, or -1. */
int
flow_location_day_variable(const FlowLocation *location)
{
	return location->day.known ? location->day.date : -1;
}
