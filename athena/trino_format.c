/*-------------------------------------------------------------------------
 *
 * trino_format.c
 *	  Trino's date_format and date_parse: times in the format letters of MySQL.
 *
 * Trino converts such a format to a formatter of Joda-Time, whose behaviour is
 * followed here.  Names are English.  Parts of a time that contradict each
 * other are applied one after the other, those of the longest range first.  A
 * missing part is that of 1970-01-01T00:00:00, but a month or day without a
 * year is one of 2000.  Years from 0 down are BC.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include "utils/builtins.h"
#include "utils/datetime.h"

FLOWLOG_FUNCTION(flowlog_date_format_timestamp);
FLOWLOG_FUNCTION(flowlog_date_format_date);
FLOWLOG_FUNCTION(flowlog_date_parse);

#define MS_PER_SECOND 1000
#define MS_PER_MINUTE (60 * MS_PER_SECOND)
#define MS_PER_HOUR (60 * MS_PER_MINUTE)
#define MS_PER_DAY (24 * MS_PER_HOUR)
#define USECS_PER_MS INT64CONST(1000)

/*
 * the first whole year of PostgreSQL's calendar, 4713 BC; a format's year has
 * at most four digits
 */
#define MIN_YEAR (-4712)

/*
 * the year of a month or day without one; and the first of the hundred years
 * that a year of two digits stands for
 */
#define DEFAULT_YEAR 2000
#define PIVOT_YEAR 1970

/* A time in milliseconds, which is the precision of Joda-Time. */
typedef struct Moment
{
	int julian; /* the day, as in date2j; a Monday is a multiple of 7 */
	int time;   /* milliseconds since its beginning */
} Moment;

/* ---------- the parts of a time ---------- */

/*
 * The parts of a time that letters stand for, in the order in which they are
 * applied: by the length of the range that they count in (a month in a year, a
 * minute in an hour), then by the length of what they count.
 */
typedef enum Part
{
	PART_YEAR,
	PART_WEEK_YEAR,
	PART_MONTH,
	PART_WEEK,
	PART_DAY_OF_YEAR,
	PART_DAY_OF_MONTH,
	PART_DAY_OF_WEEK,
	PART_HALF_DAY,
	PART_HOUR,
	PART_CLOCK_HOUR, /* 12, then 1 to 11 */
	PART_MINUTE,
	PART_SECOND,
	PART_MILLISECOND
} Part;

/*
 * for the parts below a day, in milliseconds: the length of what is counted,
 * and of the range it is counted in
 */
static const struct
{
	int unit;
	int range;
} part_length[] = {
	[PART_HALF_DAY] = {MS_PER_DAY / 2, MS_PER_DAY},
	[PART_HOUR] = {MS_PER_HOUR, MS_PER_DAY},
	[PART_CLOCK_HOUR] = {MS_PER_HOUR, MS_PER_DAY / 2},
	[PART_MINUTE] = {MS_PER_MINUTE, MS_PER_HOUR},
	[PART_SECOND] = {MS_PER_SECOND, MS_PER_MINUTE},
	[PART_MILLISECOND] = {1, MS_PER_SECOND},
};

static int
days_in_month(int year, int month)
{
	return day_tab[isleap(year)][month - 1];
}

/*
 * Returns the Monday of a year's first week, which is the week of January 4.
 */
static int
week_year_start(int year)
{
	int fourth = date2j(year, 1, 4);

	return fourth - fourth % 7;
}

static int
weeks_in_year(int year)
{
	return (week_year_start(year + 1) - week_year_start(year)) / 7;
}

/* Returns the year to which a day's week belongs: the year of its Thursday. */
static int
week_year_of(int julian)
{
	int year, month, day;

	j2date(julian - julian % 7 + 3, &year, &month, &day);
	return year;
}

/* Returns the number of a day's week in the year of that week. */
static int
week_of(int julian)
{
	return (julian - week_year_start(week_year_of(julian))) / 7 + 1;
}

/* Returns a part of a time. */
static int
get_part(const Moment *moment, Part part)
{
	int year, month, day;
	int value;

	j2date(moment->julian, &year, &month, &day);
	switch (part)
	{
		case PART_YEAR:
			return year;
		case PART_WEEK_YEAR:
			return week_year_of(moment->julian);
		case PART_MONTH:
			return month;
		case PART_WEEK:
			return week_of(moment->julian);
		case PART_DAY_OF_YEAR:
			return moment->julian - date2j(year, 1, 1) + 1;
		case PART_DAY_OF_MONTH:
			return day;
		case PART_DAY_OF_WEEK:
			return moment->julian % 7 + 1;
		default:
			value = moment->time % part_length[part].range / part_length[part].unit;
			return part == PART_CLOCK_HOUR && value == 0 ? 12 : value;
	}
}

/*
 * Changes a part, and leaves the others as far as possible.  Returns false if
 * the part cannot have the value.
 */
static bool
set_part(Moment *moment, Part part, int value)
{
	int year, month, day;
	int limit;

	j2date(moment->julian, &year, &month, &day);
	switch (part)
	{
		case PART_YEAR:
			if (value < MIN_YEAR)
				return false;
			moment->julian = date2j(value, month, Min(day, days_in_month(value, month)));
			return true;
		case PART_WEEK_YEAR:
			if (value < MIN_YEAR)
				return false;
			moment->julian = week_year_start(value) + moment->julian % 7 +
			                 (Min(week_of(moment->julian), weeks_in_year(value)) - 1) * 7;
			return true;
		case PART_MONTH:
			if (value < 1 || value > MONTHS_PER_YEAR)
				return false;
			moment->julian = date2j(year, value, Min(day, days_in_month(year, value)));
			return true;
		case PART_WEEK:
			if (value < 1 || value > weeks_in_year(week_year_of(moment->julian)))
				return false;
			moment->julian += (value - week_of(moment->julian)) * 7;
			return true;
		case PART_DAY_OF_YEAR:
			if (value < 1 || value > 365 + isleap(year))
				return false;
			moment->julian = date2j(year, 1, 1) + value - 1;
			return true;
		case PART_DAY_OF_MONTH:
			if (value < 1 || value > days_in_month(year, month))
				return false;
			moment->julian += value - day;
			return true;
		case PART_DAY_OF_WEEK:
			moment->julian += value - 1 - moment->julian % 7;
			return true;
		default:
			limit = part_length[part].range / part_length[part].unit;
			if (part == PART_CLOCK_HOUR && (value == 0 || value == limit))
				value = limit - value; /* 12 stands for 0, which is not used */
			if (value < 0 || value >= limit)
				return false;
			moment->time +=
				(value - moment->time % part_length[part].range / part_length[part].unit) *
				part_length[part].unit;
			return true;
	}
}

/* Clears all that is smaller than a part. */
static void
clear_below(Moment *moment, Part part)
{
	int year, month, day;

	if (part >= PART_HALF_DAY)
	{
		moment->time -= moment->time % part_length[part].unit;
		return;
	}
	moment->time = 0;
	j2date(moment->julian, &year, &month, &day);
	if (part == PART_YEAR)
		moment->julian = date2j(year, 1, 1);
	else if (part == PART_WEEK_YEAR)
		moment->julian = week_year_start(week_year_of(moment->julian));
	else if (part == PART_MONTH)
		moment->julian = date2j(year, month, 1);
	else if (part == PART_WEEK)
		moment->julian -= moment->julian % 7;
}

/* ---------- printing and parsing a part ---------- */

/*
 * Names of values, from "first" on.  The short form of a name is its first
 * three letters, or all of it.
 */
typedef struct Names
{
	int first;
	int count;
	const char *const *names;
} Names;

static const char *const month_names[] = {"January",
                                          "February",
                                          "March",
                                          "April",
                                          "May",
                                          "June",
                                          "July",
                                          "August",
                                          "September",
                                          "October",
                                          "November",
                                          "December"};
static const char *const day_names[] =
	{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};
static const char *const half_day_names[] = {"AM", "PM"};

static const Names names_of[] = {
	[PART_MONTH] = {1, lengthof(month_names), month_names},
	[PART_DAY_OF_WEEK] = {1, lengthof(day_names), day_names},
	[PART_HALF_DAY] = {0, lengthof(half_day_names), half_day_names},
};

#define SHORT_NAME 3

/* Text that is yet to be read. */
typedef struct Cursor
{
	const char *next;
	const char *end;
} Cursor;

typedef struct Specifier Specifier;

/* The meaning of a letter after "%". */
struct Specifier
{
	char letter;
	Part part;
	int digits;      /* minimum, when printed */
	int most_digits; /* maximum, when read */

	void (*print)(StringInfo out, const Specifier *specifier, int value);
	bool (*parse)(Cursor *in, const Specifier *specifier, int *value);

	/* the format that the letter is short for; NULL: none */
	const char *format;
};

static void
print_number(StringInfo out, const Specifier *specifier, int value)
{
	appendStringInfo(out, "%s%0*d", value < 0 ? "-" : "", specifier->digits, abs(value));
}

/* Reads a number; at least one digit. */
static bool
parse_number(Cursor *in, const Specifier *specifier, int *value)
{
	const char *start = in->next;

	*value = 0;
	while (in->next < in->end && in->next - start < specifier->most_digits && *in->next >= '0' &&
	       *in->next <= '9')
		*value = *value * 10 + (*in->next++ - '0');
	return in->next > start;
}

/* Reads a year, which may have a sign. */
static bool
parse_year(Cursor *in, const Specifier *specifier, int *value)
{
	char sign = in->next < in->end ? *in->next : '\0';

	if (sign == '+' || sign == '-')
		in->next++;
	if (!parse_number(in, specifier, value))
		return false;
	if (sign == '-')
		*value = -*value;
	return true;
}

static void
print_short_year(StringInfo out, const Specifier *specifier, int value)
{
	print_number(out, specifier, abs(value) % 100);
}

/* Reads a year of two digits: 1970 to 2069. */
static bool
parse_short_year(Cursor *in, const Specifier *specifier, int *value)
{
	const char *start = in->next;

	if (!parse_number(in, specifier, value) || in->next - start != 2)
		return false;
	*value += PIVOT_YEAR / 100 * 100 + (*value < PIVOT_YEAR % 100 ? 100 : 0);
	return true;
}

/* Prints milliseconds as microseconds. */
static void
print_fraction(StringInfo out, const Specifier *specifier, int value)
{
	print_number(out, specifier, value * 1000);
}

/* Reads a fraction; digits after milliseconds do not count. */
static bool
parse_fraction(Cursor *in, const Specifier *specifier, int *value)
{
	const char *start = in->next;
	int unit = MS_PER_SECOND;

	*value = 0;
	for (; in->next < in->end && in->next - start < specifier->most_digits && *in->next >= '0' &&
	       *in->next <= '9';
	     in->next++)
	{
		unit /= 10;
		*value += (*in->next - '0') * unit;
	}
	return in->next > start;
}

static void
print_name(StringInfo out, const Specifier *specifier, int value)
{
	const Names *names = &names_of[specifier->part];

	appendStringInfoString(out, names->names[value - names->first]);
}

static void
print_short_name(StringInfo out, const Specifier *specifier, int value)
{
	const Names *names = &names_of[specifier->part];

	appendBinaryStringInfo(out, names->names[value - names->first], SHORT_NAME);
}

/*
 * Reads the first letters of a name, if they are next: as written here, or all
 * in lower or upper case.
 */
static bool
take_name(Cursor *in, const char *name, size_t len)
{
	bool exact = true, lower = true, upper = true;
	size_t i;

	if ((size_t) (in->end - in->next) < len)
		return false;
	for (i = 0; i < len; i++)
	{
		exact &= in->next[i] == name[i];
		lower &= in->next[i] == pg_ascii_tolower((unsigned char) name[i]);
		upper &= in->next[i] == pg_ascii_toupper((unsigned char) name[i]);
	}
	if (!exact && !lower && !upper)
		return false;
	in->next += len;
	return true;
}

/*
 * Reads a full or a short name, whichever the letter stands for; the full name
 * is tried first.
 */
static bool
parse_name(Cursor *in, const Specifier *specifier, int *value)
{
	const Names *names = &names_of[specifier->part];
	int i;

	for (i = 0; i < names->count; i++)
	{
		const char *name = names->names[i];

		if (take_name(in, name, strlen(name)) || take_name(in, name, Min(strlen(name), SHORT_NAME)))
		{
			*value = names->first + i;
			return true;
		}
	}
	return false;
}

/*
 * The letters after "%"; any other byte stands for itself.  Rows without a
 * function to print are letters of MySQL that Trino does not support.
 */
static const Specifier specifiers[] = {
	{'a', PART_DAY_OF_WEEK, .print = print_short_name, .parse = parse_name},
	{'b', PART_MONTH, .print = print_short_name, .parse = parse_name},
	{'c', PART_MONTH, 1, 2, .print = print_number, .parse = parse_number},
	{.letter = 'D'},
	{'d', PART_DAY_OF_MONTH, 2, 2, .print = print_number, .parse = parse_number},
	{'e', PART_DAY_OF_MONTH, 1, 2, .print = print_number, .parse = parse_number},
	{'f', PART_MILLISECOND, 6, 9, .print = print_fraction, .parse = parse_fraction},
	{'H', PART_HOUR, 2, 2, .print = print_number, .parse = parse_number},
	{'h', PART_CLOCK_HOUR, 2, 2, .print = print_number, .parse = parse_number},
	{'I', PART_CLOCK_HOUR, 2, 2, .print = print_number, .parse = parse_number},
	{'i', PART_MINUTE, 2, 2, .print = print_number, .parse = parse_number},
	{'j', PART_DAY_OF_YEAR, 3, 3, .print = print_number, .parse = parse_number},
	{'k', PART_HOUR, 1, 2, .print = print_number, .parse = parse_number},
	{'l', PART_CLOCK_HOUR, 1, 2, .print = print_number, .parse = parse_number},
	{'M', PART_MONTH, .print = print_name, .parse = parse_name},
	{'m', PART_MONTH, 2, 2, .print = print_number, .parse = parse_number},
	{'p', PART_HALF_DAY, .print = print_name, .parse = parse_name},
	{.letter = 'r', .format = "%I:%i:%S %p"},
	{'S', PART_SECOND, 2, 2, .print = print_number, .parse = parse_number},
	{'s', PART_SECOND, 2, 2, .print = print_number, .parse = parse_number},
	{.letter = 'T', .format = "%H:%i:%S"},
	{.letter = 'U'},
	{.letter = 'u'},
	{.letter = 'V'},
	{'v', PART_WEEK, 2, 2, .print = print_number, .parse = parse_number},
	{'W', PART_DAY_OF_WEEK, .print = print_name, .parse = parse_name},
	{.letter = 'w'},
	{.letter = 'X'},
	{'x', PART_WEEK_YEAR, 4, 4, .print = print_number, .parse = parse_year},
	{'Y', PART_YEAR, 4, 4, .print = print_number, .parse = parse_year},
	{'y', PART_YEAR, 2, 2, .print = print_short_year, .parse = parse_short_year},
};

/* ---------- formats ---------- */

/*
 * Reads the next element of a format: the row of a letter; or NULL, and a byte
 * that stands for itself.  Returns false at the end.
 */
static bool
next_element(Cursor *format, const Specifier **specifier, char *byte)
{
	const Specifier *row;

	*specifier = NULL;
	if (format->next < format->end && *format->next != '%')
	{
		*byte = *format->next++;
		return true;
	}

	/* a "%" at the end is ignored */
	if (format->end - format->next < 2)
		return false;
	*byte = format->next[1];
	format->next += 2;
	for (row = specifiers; row < specifiers + lengthof(specifiers); row++)
		if (row->letter == *byte)
			*specifier = row;
	if (*specifier != NULL && (*specifier)->print == NULL && (*specifier)->format == NULL)
		ereport(ERROR,
		        errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		        errmsg("\"%%%c\" is not supported in a date format", *byte));
	return true;
}

/*
 * Begins to read a format.  As in Trino, it must not be empty, nor a single
 * "%".
 */
static Cursor
open_format(text *format)
{
	Cursor cursor = {VARDATA_ANY(format), VARDATA_ANY(format) + VARSIZE_ANY_EXHDR(format)};
	size_t len = cursor.end - cursor.next;

	if (len == 0 || (len == 1 && *cursor.next == '%'))
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("date format is empty"));
	return cursor;
}

static Cursor
open_string(const char *string)
{
	return (Cursor) {string, string + strlen(string)};
}

/* ---------- date_format ---------- */

/* Prints a time in a format. */
static void
print(StringInfo out, Cursor format, const Moment *moment)
{
	const Specifier *specifier;
	char byte;

	while (next_element(&format, &specifier, &byte))
	{
		if (specifier == NULL)
			appendStringInfoCharMacro(out, byte);
		else if (specifier->format != NULL)
			print(out, open_string(specifier->format), moment);
		else
			specifier->print(out, specifier, get_part(moment, specifier->part));
	}
}

/*
 * Formats a time, rounded to the nearest millisecond, halves up, as Trino
 * does.
 */
static text *
format_timestamp(Timestamp timestamp, text *format)
{
	int64 milliseconds = flowlog_floor_divide(timestamp + USECS_PER_MS / 2, USECS_PER_MS);
	int64 day = flowlog_floor_divide(milliseconds, MS_PER_DAY);
	Moment moment = {(int) day + POSTGRES_EPOCH_JDATE, (int) (milliseconds - day * MS_PER_DAY)};
	StringInfoData out;

	initStringInfo(&out);
	print(&out, open_format(format), &moment);
	return cstring_to_text_with_len(out.data, out.len);
}

/* date_format(timestamptz, format), also for timestamp */
Datum
flowlog_date_format_timestamp(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(
		format_timestamp(flowlog_trino_timestamp(PG_GETARG_TIMESTAMPTZ(0)), PG_GETARG_TEXT_PP(1)));
}

/* date_format(date, format) */
Datum
flowlog_date_format_date(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(format_timestamp(flowlog_trino_timestamp_of_date(PG_GETARG_DATEADT(0)),
	                                  PG_GETARG_TEXT_PP(1)));
}

/* ---------- date_parse ---------- */

/* The value of a part that was read. */
typedef struct Value
{
	Part part;
	int value;
} Value;

typedef struct Values
{
	Value *values; /* with room for all that a format can have */
	int count;
} Values;

/*
 * Reads text by a format.  A byte that stands for itself is compared without
 * regard to case.
 */
static bool
parse(Cursor *in, Cursor format, Values *values)
{
	const Specifier *specifier;
	char byte;

	while (next_element(&format, &specifier, &byte))
	{
		if (specifier == NULL)
		{
			if (in->next == in->end || pg_ascii_tolower((unsigned char) *in->next) !=
			                               pg_ascii_tolower((unsigned char) byte))
				return false;
			in->next++;
		}
		else if (specifier->format != NULL)
		{
			if (!parse(in, open_string(specifier->format), values))
				return false;
		}
		else
		{
			Value *value = &values->values[values->count];

			value->part = specifier->part;
			if (!specifier->parse(in, specifier, &value->value))
				return false;
			values->count++;
		}
	}
	return true;
}

/*
 * Returns the order in which parts are applied; a year and a week's year are
 * applied as they come.
 */
static int
rank(Part part)
{
	return part == PART_WEEK_YEAR ? PART_YEAR : part;
}

/* Sorts values stably.  There may be many, but only of a few parts. */
static Values
sort_values(const Values *values)
{
	Values sorted = {palloc_extended((values->count + 1) * sizeof(Value), MCXT_ALLOC_HUGE), 0};
	int part, i;

	for (part = PART_YEAR; part <= PART_MILLISECOND; part++)
		for (i = 0; i < values->count; i++)
			if (rank(values->values[i].part) == part)
				sorted.values[sorted.count++] = values->values[i];
	return sorted;
}

/*
 * Makes a time of its parts.  Each part first clears what is smaller.  As some
 * depend on smaller parts, all are then applied again without that.
 */
static bool
apply(const Values *values, Moment *moment)
{
	const Value *end = values->values + values->count;
	const Value *value;

	for (value = values->values; value < end; value++)
	{
		if (!set_part(moment, value->part, value->value))
			return false;
		clear_below(moment, value->part);
	}
	for (value = values->values; value < end; value++)
		if (!set_part(moment, value->part, value->value))
			return false;
	if (values->count > 0)
		clear_below(moment, end[-1].part);
	return true;
}

/* date_parse(text, format) */
Datum
flowlog_date_parse(PG_FUNCTION_ARGS)
{
	text *input = PG_GETARG_TEXT_PP(0);
	text *format = PG_GETARG_TEXT_PP(1);
	Cursor in = {VARDATA_ANY(input), VARDATA_ANY(input) + VARSIZE_ANY_EXHDR(input)};
	Moment moment = {UNIX_EPOCH_JDATE, 0};
	Values values, sorted;
	Value *first;

	/*
	 * "%r" has the most parts for its length: four in two bytes; and a year
	 * may be added
	 */
	values.values = palloc_extended((2 * (Size) VARSIZE_ANY_EXHDR(format) + 2) * sizeof(Value),
	                                MCXT_ALLOC_HUGE);
	values.count = 0;

	/* read the parts */
	if (!parse(&in, open_format(format), &values) || in.next != in.end)
		ereport(ERROR,
		        errcode(ERRCODE_INVALID_DATETIME_FORMAT),
		        errmsg("invalid date for format \"%s\": \"%s\"",
		               text_to_cstring(format),
		               text_to_cstring(input)));

	/* add a year if the largest part is a month or a day */
	sorted = sort_values(&values);
	first = sorted.values;
	if (sorted.count > 0 && first->part >= PART_MONTH && first->part <= PART_DAY_OF_WEEK)
	{
		values.values[values.count++] = (Value) {PART_YEAR, DEFAULT_YEAR};
		sorted = sort_values(&values);
	}
	if (!apply(&sorted, &moment))
		ereport(ERROR,
		        errcode(ERRCODE_DATETIME_FIELD_OVERFLOW),
		        errmsg("date/time field value out of range: \"%s\"", text_to_cstring(input)));
	PG_RETURN_TIMESTAMP((int64) (moment.julian - POSTGRES_EPOCH_JDATE) * USECS_PER_DAY +
	                    moment.time * USECS_PER_MS);
}
