/*-------------------------------------------------------------------------
 *
 * value_time.c
 *	  Reads a point in time in ISO 8601.
 *
 * Two grammars share this file, because they differ only in strictness.  That
 * of a column ("exact", with blank_separator) is the standard's: every number
 * has its fixed count of digits, a time of day follows only a complete date,
 * and every "T" is followed by one.  The other is that of Joda-Time's
 * ISODateTimeFormat.dateTimeParser, which Trino's from_iso8601_timestamp uses:
 * numbers may be shorter, the year longer and signed, the time of day may be
 * missing after the "T", and an offset may have seconds and milliseconds.
 *
 * Unlike Joda-Time, both keep microseconds, accept more than nine digits of a
 * fraction, also of an hour or a minute, and read the basic format with a "T"
 * ("20180130T122504Z"), which Joda-Time takes for a year; neither reads a time
 * without a date.  The years 0001 to 9999 are enough for a log.
 *
 *-------------------------------------------------------------------------
 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#define DAY_OF_1970 719162 /* days from 0001-01-01 to 1970-01-01 */
#define MAX_YEAR 9999
#define MAX_YEAR_DIGITS 9

#define SECOND_US INT64_C(1000000)
#define MINUTE_US (60 * SECOND_US)
#define HOUR_US (60 * MINUTE_US)
#define DAY_US (24 * HOUR_US)

/* maximum digits of a fraction that can affect its nearest double */
#define FRACTION_DIGITS 100

/*
 * digits that exact arithmetic takes at once: multiplied by an hour they fit
 * in an int64
 */
#define GROUP_DIGITS 9
#define GROUP_BASE INT64_C(1000000000)

/* Text not yet read. */
typedef struct Cursor
{
	const char *next;
	const char *end;
	bool full_numbers; /* numbers must have all their digits */
	bool rounds;       /* a fraction is rounded to microseconds; otherwise it is cut */
} Cursor;

/* The form in which a date was written. */
typedef enum DateForm
{
	CALENDAR, /* year, month, day */
	ORDINAL,  /* year, day of the year */
	WEEK      /* year, week, day of the week from Monday */
} DateForm;

/* A parsed time; its numbers may still be out of range. */
typedef struct Moment
{
	DateForm form;
	bool basic;    /* without "-" and ":" */
	bool complete; /* down to the day */
	int year;
	int part; /* month or week */
	int day;  /* of the month, the year or the week */
	int hour;
	int minute;
	int second;
	int64_t fraction; /* microseconds */
	int offset_hour;
	int offset_minute;
	int offset_second;
	int offset_millisecond;
	bool offset_negative;
} Moment;

static inline int
peek(const Cursor *in)
{
	return in->next < in->end ? (unsigned char) *in->next : -1;
}

static inline bool
is_digit(int byte)
{
	return byte >= '0' && byte <= '9';
}

/* Takes the next byte if it is this letter, in either case, or this sign. */
static inline bool
take(Cursor *in, char wanted)
{
	int byte = peek(in);

	if (byte == wanted || (wanted >= 'A' && byte == wanted + ('a' - 'A')))
	{
		in->next++;
		return true;
	}
	return false;
}

/* Returns how many digits come next, counted up to "most". */
static int
count_digits(const Cursor *in, int most)
{
	int count = 0;

	while (count < most && count < in->end - in->next && is_digit((unsigned char) in->next[count]))
		count++;
	return count;
}

/* Takes "count" digits, all of which must be there. */
static int
take_digits(Cursor *in, int count)
{
	int value = 0;

	while (count-- > 0)
		value = value * 10 + (*in->next++ - '0');
	return value;
}

/* Takes a number of "digits" digits, or of fewer if numbers may be short. */
static bool
read_number(Cursor *in, int digits, int *value)
{
	int count = count_digits(in, digits);

	if (count == 0 || (in->full_numbers && count < digits))
		return false;
	*value = take_digits(in, count);
	return true;
}

/* Takes exactly two digits. */
static bool
read_two(Cursor *in, int *value)
{
	if (count_digits(in, 2) != 2)
		return false;
	*value = take_digits(in, 2);
	return true;
}

/* ---------- dates ---------- */

/*
 * Reads a date without "-": yyyyMMdd, yyyyDDD, yyyyWww, yyyyWwwD.
 * is_basic_date has found the year and the "T" after the date.
 */
static bool
read_basic_date(Cursor *in, Moment *moment)
{
	int digits = count_digits(in, 8);

	moment->basic = true;
	in->full_numbers = true; /* also those of the time, because nothing separates them */
	moment->year = take_digits(in, 4);
	if (digits == 8)
	{
		moment->part = take_digits(in, 2);
		moment->day = take_digits(in, 2);
		moment->complete = true;
		return true;
	}
	if (digits == 7)
	{
		moment->form = ORDINAL;
		moment->day = take_digits(in, 3);
		moment->complete = true;
		return true;
	}
	moment->form = WEEK;
	if (!take(in, 'W') || !read_two(in, &moment->part))
		return false;
	if (count_digits(in, 1) == 1)
	{
		moment->day = take_digits(in, 1);
		moment->complete = true;
	}
	return true;
}

/*
 * Returns true if a date without "-" follows.  Only a "T" distinguishes it
 * from a number, and from the long year that Joda-Time would see in it.
 */
static bool
is_basic_date(const Cursor *in)
{
	int digits = count_digits(in, 9);
	const char *behind = in->next + digits;

	if (digits == 4 && in->end - behind >= 4 && (*behind == 'W' || *behind == 'w'))
	{
		behind += 3;
		if (is_digit((unsigned char) *behind))
			behind++;
	}
	else if (digits != 7 && digits != 8)
		return false;
	return behind < in->end && (*behind == 'T' || *behind == 't');
}

/*
 * Reads a year: four digits, or, unless "exact", as many as Joda-Time reads,
 * and a sign.
 */
static bool
read_year(Cursor *in, bool exact, int *year)
{
	bool negative = false;
	int digits;

	if (!exact && take(in, '-'))
		negative = true;
	else if (!exact)
		take(in, '+');

	digits = count_digits(in, MAX_YEAR_DIGITS);
	if (digits == 0 || (exact && digits != 4))
		return false;
	*year = take_digits(in, digits);
	if (negative)
		*year = -*year;
	return true;
}

/* Reads a date: yyyy, yyyy-MM, yyyy-MM-dd, yyyy-DDD, yyyy-Www, yyyy-Www-D. */
static bool
read_date(Cursor *in, bool exact, Moment *moment)
{
	int day_digits = 2;

	moment->form = CALENDAR;
	moment->part = 1;
	moment->day = 1;

	if (is_basic_date(in))
		return read_basic_date(in, moment);
	if (!read_year(in, exact, &moment->year))
		return false;
	if (!take(in, '-'))
		return true;

	if (count_digits(in, 3) == 3)
	{
		moment->form = ORDINAL;
		moment->complete = true;
		return read_number(in, 3, &moment->day);
	}
	if (take(in, 'W'))
	{
		moment->form = WEEK;
		day_digits = 1;
	}
	if (!read_number(in, 2, &moment->part))
		return false;
	moment->complete = take(in, '-');
	return !moment->complete || read_number(in, day_digits, &moment->day);
}

/* ---------- times of day ---------- */

/*
 * Rounds to the nearest integer, half to even; rint() would need the math
 * library.
 */
static int64_t
round_to_even(double positive)
{
	int64_t whole = (int64_t) positive;
	double rest = positive - (double) whole;

	return whole + (rest > 0.5 || (rest == 0.5 && whole % 2 != 0));
}

/*
 * Rounds a fraction of a second to microseconds as PostgreSQL's timestamptz_in
 * does: by the nearest double, in microseconds, rounded to the nearest
 * integer.  Exact arithmetic would give another result for one in a hundred of
 * the fractions that end with half a microsecond, and a column would differ
 * from a cast of the same text.
 */
static int64_t
round_as_postgresql(const char *digits, int count)
{
	char number[FRACTION_DIGITS + sizeof("e-100")];

	/* with an exponent, because the point depends on the locale */
	memcpy(number, digits, (size_t) count);
	number[count] = 'e';
	number[count + 1] = '-';
	number[count + 2] = (char) ('0' + count / 100);
	number[count + 3] = (char) ('0' + count / 10 % 10);
	number[count + 4] = (char) ('0' + count % 10);
	number[count + 5] = '\0';
	return round_to_even(strtod(number, NULL) * (double) SECOND_US);
}

/*
 * Multiplies a fraction by a unit, in microseconds, exactly: the result is
 * cut, or rounded to the nearest integer, half to even.  Digits are taken in
 * groups, from the last group to the first.  "whole" and "rest" are the
 * integer part and the billionths of the groups taken so far; "more" is true
 * if there is anything beyond these.
 */
static int64_t
multiply_fraction(const char *digits, ptrdiff_t count, int64_t unit, bool rounds)
{
	static const int powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
	int64_t whole = 0;
	int64_t rest = 0;
	bool more = false;

	for (ptrdiff_t begin = (count - 1) / GROUP_DIGITS * GROUP_DIGITS; begin >= 0;
	     begin -= GROUP_DIGITS)
	{
		int len = count - begin < GROUP_DIGITS ? (int) (count - begin) : GROUP_DIGITS;
		int64_t group = 0;

		for (int i = 0; i < len; i++)
			group = group * 10 + (digits[begin + i] - '0');
		group *= powers[GROUP_DIGITS - len];
		more |= rest != 0;
		whole += group * unit;
		rest = whole % GROUP_BASE;
		whole /= GROUP_BASE;
	}
	if (rounds && (rest > GROUP_BASE / 2 || (rest == GROUP_BASE / 2 && (more || whole % 2 != 0))))
		whole++;
	return whole;
}

/*
 * Reads an optional fraction of a unit, given in microseconds.  Beyond
 * microseconds it is rounded as PostgreSQL rounds, or cut as Joda-Time cuts.
 */
static bool
read_fraction(Cursor *in, int64_t unit, int64_t *microseconds)
{
	const char *digits;
	ptrdiff_t count;

	if (!take(in, '.') && !take(in, ','))
		return true;
	digits = in->next;
	while (is_digit(peek(in)))
		in->next++;
	count = in->next - digits;
	if (count == 0)
		return false;
	if (in->rounds && unit == SECOND_US && count > 6)
		*microseconds =
			round_as_postgresql(digits, (int) (count < FRACTION_DIGITS ? count : FRACTION_DIGITS));
	else
		*microseconds = multiply_fraction(digits, count, unit, in->rounds);
	return true;
}

/*
 * Returns true if another element, minutes or seconds, follows, so that there
 * is no fraction yet.  Takes the separator before it, which the basic form
 * does not have.
 */
static bool
take_separator(Cursor *in, bool basic)
{
	return basic ? is_digit(peek(in)) : take(in, ':');
}

/*
 * Reads a time of day: HH, HH:mm, HH:mm:ss, each optionally with a fraction of
 * its last element.
 */
static bool
read_time_of_day(Cursor *in, Moment *moment)
{
	if (!read_number(in, 2, &moment->hour))
		return false;
	if (!take_separator(in, moment->basic))
		return read_fraction(in, HOUR_US, &moment->fraction);

	if (!read_number(in, 2, &moment->minute))
		return false;
	if (!take_separator(in, moment->basic))
		return read_fraction(in, MINUTE_US, &moment->fraction);

	return read_number(in, 2, &moment->second) && read_fraction(in, SECOND_US, &moment->fraction);
}

/*
 * Reads what may follow the minutes of an offset in Joda-Time: seconds, and
 * then up to three digits of a fraction.
 */
static bool
read_offset_seconds(Cursor *in, bool colons, Moment *moment)
{
	static const int unit[] = {0, 100, 10, 1};
	int digits;

	if (!take_separator(in, !colons))
		return true;
	if (!read_two(in, &moment->offset_second))
		return false;
	if (colons ? !take(in, '.') && !take(in, ',') : !is_digit(peek(in)))
		return true;
	digits = count_digits(in, 3);
	if (digits == 0)
		return false;
	moment->offset_millisecond = take_digits(in, digits) * unit[digits];
	return true;
}

/* Reads an offset: Z, +HH, +HH:mm, +HHmm. */
static bool
read_offset(Cursor *in, bool exact, Moment *moment)
{
	bool colons;

	if (take(in, 'Z'))
		return true;
	if (take(in, '-'))
		moment->offset_negative = true;
	else if (!take(in, '+'))
		return false;

	if (!read_two(in, &moment->offset_hour))
		return false;
	colons = take(in, ':');
	if (!colons && !is_digit(peek(in)))
		return true;
	return read_two(in, &moment->offset_minute) &&
	       (exact || read_offset_seconds(in, colons, moment));
}

/* ---------- all of it ---------- */

/* Reads a date, and optionally a time of day and an offset. */
static bool
read_moment(Cursor *in, bool exact, Moment *moment)
{
	memset(moment, 0, sizeof(*moment));
	if (!read_date(in, exact, moment))
		return false;
	if (in->next == in->end)
		return true;

	if (exact && !moment->complete)
		return false;
	if (!take(in, 'T') && !(exact && take(in, ' ')))
		return false;
	if ((exact || is_digit(peek(in))) && !read_time_of_day(in, moment))
		return false;
	if (in->next == in->end)
		return true;

	return read_offset(in, exact, moment) && in->next == in->end;
}

static bool
is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Returns the days from 1970-01-01 to the first day of the year. */
static int
year_start(int year)
{
	int past = year - 1;

	return past * 365 + past / 4 - past / 100 + past / 400 - DAY_OF_1970;
}

/*
 * Returns the days from 1970-01-01 to the Monday of the year's first week,
 * which has January 4.
 */
static int
week_year_start(int year)
{
	int fourth = year_start(year) + 3;
	int weekday = (fourth + DAY_OF_1970) % 7; /* 0001-01-01 was a Monday */

	return fourth - weekday;
}

/*
 * Sets the date's days since 1970-01-01; returns false if there is no such
 * date.
 */
static bool
moment_day(const Moment *moment, int *day)
{
	static const int16_t month_start[] =
		{0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
	int year = moment->year;
	int start, length;

	if (year < 1 || year > MAX_YEAR)
		return false;

	/* first day and length of the month, year or week */
	switch (moment->form)
	{
		case CALENDAR:
			if (moment->part < 1 || moment->part > 12)
				return false;
			start = year_start(year) + month_start[moment->part - 1] +
			        (moment->part > 2 && is_leap(year));
			length = month_start[moment->part] - month_start[moment->part - 1] +
			         (moment->part == 2 && is_leap(year));
			break;
		case ORDINAL:
			start = year_start(year);
			length = 365 + is_leap(year);
			break;
		default:
			start = week_year_start(year) + (moment->part - 1) * 7;
			length = 7;
			if (moment->part < 1 || start >= week_year_start(year + 1))
				return false;
			break;
	}
	*day = start + moment->day - 1;
	return moment->day >= 1 && moment->day <= length;
}

/* Reads a point in time in ISO 8601. */
FlowStatus
flow_value_iso8601(const char *data, size_t len, bool blank_separator, int64_t *microseconds)
{
	Cursor in = {data, data + len, blank_separator, blank_separator};
	Moment moment;
	int64_t offset;
	int day;

	if (!read_moment(&in, blank_separator, &moment))
		return FLOW_BAD_SYNTAX;
	if (!moment_day(&moment, &day) || moment.hour > 23 || moment.minute > 59 ||
	    moment.second > 59 || moment.offset_hour > 23 || moment.offset_minute > 59 ||
	    moment.offset_second > 59)
		return FLOW_OUT_OF_RANGE;

	offset = moment.offset_hour * HOUR_US + moment.offset_minute * MINUTE_US +
	         moment.offset_second * SECOND_US + moment.offset_millisecond * (SECOND_US / 1000);
	*microseconds = day * DAY_US + moment.hour * HOUR_US + moment.minute * MINUTE_US +
	                moment.second * SECOND_US + moment.fraction -
	                (moment.offset_negative ? -offset : offset);
	return FLOW_OK;
}
