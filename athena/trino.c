/*-------------------------------------------------------------------------
 *
 * trino.c
 *	  Functions of Trino for times, with Trino's results, as queries on flow
 *	  logs use them.
 *
 * As in Athena, they read and print times in UTC, whatever TimeZone is.  So
 * they are immutable: a timestamp without time zone is in UTC, and a date
 * begins in UTC.
 *
 * Trino has times of several precisions, mostly of milliseconds; PostgreSQL's
 * have microseconds.  Where Trino returns a timestamp(3) (from_unixtime,
 * from_iso8601_timestamp, date_parse), the result is whole milliseconds here,
 * too.  Arguments are treated as Trino treats a timestamp(6).
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include <math.h>

#include "access/transam.h"
#include "catalog/pg_type.h"
#include "common/int.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgroids.h"

FLOWLOG_FUNCTION(flowlog_from_iso8601_timestamp);
FLOWLOG_FUNCTION(flowlog_to_iso8601_timestamptz);
FLOWLOG_FUNCTION(flowlog_to_iso8601_timestamp);
FLOWLOG_FUNCTION(flowlog_to_iso8601_date);
FLOWLOG_FUNCTION(flowlog_from_unixtime);
FLOWLOG_FUNCTION(flowlog_to_unixtime_timestamp);
FLOWLOG_FUNCTION(flowlog_to_unixtime_date);
FLOWLOG_FUNCTION(flowlog_day_of_week_timestamp);
FLOWLOG_FUNCTION(flowlog_day_of_week_date);
FLOWLOG_FUNCTION(flowlog_hour_timestamp);
FLOWLOG_FUNCTION(flowlog_hour_date);
FLOWLOG_FUNCTION(flowlog_date_add_timestamp);
FLOWLOG_FUNCTION(flowlog_date_add_date);
FLOWLOG_FUNCTION(flowlog_date_diff_timestamp);
FLOWLOG_FUNCTION(flowlog_date_diff_date);
FLOWLOG_FUNCTION(flowlog_date_diff_timestamp_date);
FLOWLOG_FUNCTION(flowlog_date_diff_date_timestamp);

#define USECS_PER_MILLISECOND INT64CONST(1000)

/* ---------- arguments ---------- */

static void
raise_timestamp_out_of_range(void)
{
	ereport(ERROR, errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("timestamp out of range"));
}

static void
raise_date_out_of_range(void)
{
	ereport(ERROR, errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("date out of range"));
}

/* Returns a finite timestamp; infinity is an error. */
Timestamp
flowlog_trino_timestamp(Timestamp timestamp)
{
	if (TIMESTAMP_NOT_FINITE(timestamp))
		raise_timestamp_out_of_range();
	return timestamp;
}

/* Returns a finite date; infinity is an error. */
static DateADT
finite_date(DateADT date)
{
	if (DATE_NOT_FINITE(date))
		raise_date_out_of_range();
	return date;
}

/* Returns the beginning of a date; infinity is an error. */
Timestamp
flowlog_trino_timestamp_of_date(DateADT date)
{
	if (finite_date(date) >= TIMESTAMP_END_JULIAN - POSTGRES_EPOCH_JDATE)
		ereport(ERROR,
		        errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
		        errmsg("date out of range for timestamp"));
	return date * USECS_PER_DAY;
}

/*
 * Returns the day of a time, and the microseconds since the day's beginning.
 */
static int64
day_of(Timestamp timestamp, int64 *microseconds)
{
	int64 day = flowlog_floor_divide(timestamp, USECS_PER_DAY);

	*microseconds = timestamp - day * USECS_PER_DAY;
	return day;
}

static void
calendar_date(int64 day, int *year, int *month, int *month_day)
{
	j2date((int) day + POSTGRES_EPOCH_JDATE, year, month, month_day);
}

static int
days_in_month(int year, int month)
{
	return day_tab[isleap(year)][month - 1];
}

/* ---------- ISO 8601 ---------- */

/* from_iso8601_timestamp(text), rounded down to milliseconds */
Datum
flowlog_from_iso8601_timestamp(PG_FUNCTION_ARGS)
{
	text *input = PG_GETARG_TEXT_PP(0);
	int64 microseconds;

	switch (flow_value_iso8601(VARDATA_ANY(input), VARSIZE_ANY_EXHDR(input), false, &microseconds))
	{
		case FLOW_OK:
			break;
		case FLOW_OUT_OF_RANGE:
			ereport(ERROR,
			        errcode(ERRCODE_DATETIME_FIELD_OVERFLOW),
			        errmsg("ISO 8601 timestamp out of range: \"%s\"", text_to_cstring(input)));
			break;
		default:
			ereport(ERROR,
			        errcode(ERRCODE_INVALID_DATETIME_FORMAT),
			        errmsg("invalid ISO 8601 timestamp: \"%s\"", text_to_cstring(input)));
	}
	PG_RETURN_TIMESTAMPTZ(flowlog_floor_divide(microseconds, USECS_PER_MILLISECOND) *
	                          USECS_PER_MILLISECOND -
	                      FLOWLOG_EPOCH_MICROSECONDS);
}

/*
 * Prints a date.  A year outside 0000 to 9999 has a sign; 1 BC is 0000, 2 BC
 * is -0001.  Trino's dates have no plus sign.
 */
static void
print_iso8601_date(StringInfo out, int64 day, const char *plus)
{
	int year, month, month_day;

	calendar_date(day, &year, &month, &month_day);
	if (year < 0)
		appendStringInfoChar(out, '-');
	else if (year > 9999)
		appendStringInfoString(out, plus);
	appendStringInfo(out, "%04d-%02d-%02d", abs(year), month, month_day);
}

/*
 * Prints a time with milliseconds, as Trino prints a timestamp(3); or with
 * microseconds, as a timestamp(6), if a digit would be lost otherwise.
 */
static text *
iso8601(Timestamp timestamp, const char *offset)
{
	StringInfoData out;
	int64 time;
	int64 day = day_of(flowlog_trino_timestamp(timestamp), &time);
	int seconds = (int) (time / USECS_PER_SEC);
	int fraction = (int) (time % USECS_PER_SEC);

	initStringInfo(&out);
	print_iso8601_date(&out, day, "+");
	appendStringInfo(&out,
	                 "T%02d:%02d:%02d",
	                 seconds / SECS_PER_HOUR,
	                 seconds / SECS_PER_MINUTE % 60,
	                 seconds % 60);
	if (fraction % USECS_PER_MILLISECOND == 0)
		appendStringInfo(&out, ".%03d", fraction / (int) USECS_PER_MILLISECOND);
	else
		appendStringInfo(&out, ".%06d", fraction);
	appendStringInfoString(&out, offset);
	return cstring_to_text_with_len(out.data, out.len);
}

/* to_iso8601(timestamptz) */
Datum
flowlog_to_iso8601_timestamptz(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(iso8601(PG_GETARG_TIMESTAMPTZ(0), "Z"));
}

/* to_iso8601(timestamp) */
Datum
flowlog_to_iso8601_timestamp(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(iso8601(PG_GETARG_TIMESTAMP(0), ""));
}

/* to_iso8601(date) */
Datum
flowlog_to_iso8601_date(PG_FUNCTION_ARGS)
{
	StringInfoData out;

	initStringInfo(&out);
	print_iso8601_date(&out, finite_date(PG_GETARG_DATEADT(0)), "");
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}

/* ---------- Unix time ---------- */

/*
 * Rounds to the nearest integer, and halves up, as Java's Math.round does.
 * Adding 0.5 first would round twice if the sum is not a double, as from 2^52
 * on.
 */
static float8
round_half_up(float8 number)
{
	float8 whole = floor(number);

	return number - whole >= 0.5 ? whole + 1 : whole;
}

/* from_unixtime(double precision): seconds, rounded to milliseconds */
Datum
flowlog_from_unixtime(PG_FUNCTION_ARGS)
{
	float8 milliseconds = round_half_up(PG_GETARG_FLOAT8(0) * 1000);
	TimestampTz timestamp = DT_NOEND;

	/* a value that does not fit into int64, or NaN, stays infinite */
	if (milliseconds >= -1e15 && milliseconds <= 1e16)
		timestamp = (int64) milliseconds * USECS_PER_MILLISECOND - FLOWLOG_EPOCH_MICROSECONDS;
	if (!IS_VALID_TIMESTAMP(timestamp))
		ereport(ERROR,
		        errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
		        errmsg("timestamp out of range: %g seconds", PG_GETARG_FLOAT8(0)));
	PG_RETURN_TIMESTAMPTZ(timestamp);
}

/*
 * Returns true if the function is our from_unixtime, by its address: its name
 * and schema may have been changed.
 */
bool
flowlog_is_from_unixtime(Oid function)
{
	FmgrInfo info;

	if (function < FirstNormalObjectId)
		return false;
	fmgr_info(function, &info);
	return info.fn_addr == flowlog_from_unixtime;
}

/*
 * Returns the built-in function of which a function is another name, as our
 * bitwise_and() is; otherwise the function itself.
 */
Oid
flowlog_trino_builtin(Oid function)
{
	static const struct
	{
		PGFunction address;
		Oid function;
	} names[] = {{int8and, F_INT8AND},
	             {int8or, F_INT8OR},
	             {int8xor, F_INT8XOR},
	             {int8not, F_INT8NOT}};
	FmgrInfo info;

	if (function < FirstNormalObjectId)
		return function;
	fmgr_info(function, &info);
	for (size_t i = 0; i < lengthof(names); i++)
		if (info.fn_addr == names[i].address && info.fn_strict)
			return names[i].function;
	return function;
}

/*
 * Returns the Unix time in seconds.  The sum of the two may overflow int64,
 * but fits a double.
 */
static float8
unixtime(Timestamp timestamp)
{
	int64 microseconds;

	if (pg_add_s64_overflow(timestamp, FLOWLOG_EPOCH_MICROSECONDS, &microseconds))
		return ((float8) timestamp + (float8) FLOWLOG_EPOCH_MICROSECONDS) / USECS_PER_SEC;
	return (float8) microseconds / USECS_PER_SEC;
}

/* to_unixtime(timestamptz), to_unixtime(timestamp) */
Datum
flowlog_to_unixtime_timestamp(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(unixtime(flowlog_trino_timestamp(PG_GETARG_TIMESTAMPTZ(0))));
}

/* to_unixtime(date) */
Datum
flowlog_to_unixtime_date(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(unixtime(flowlog_trino_timestamp_of_date(PG_GETARG_DATEADT(0))));
}

/* ---------- parts of a time ---------- */

/* Returns 1 for Monday to 7 for Sunday; 2000-01-01, day 0, was a Saturday. */
static int64
iso_day_of_week(int64 day)
{
	int64 week = flowlog_floor_divide(day + 5, 7);

	return day + 5 - week * 7 + 1;
}

/* day_of_week(timestamptz), day_of_week(timestamp) */
Datum
flowlog_day_of_week_timestamp(PG_FUNCTION_ARGS)
{
	int64 time;

	PG_RETURN_INT64(
		iso_day_of_week(day_of(flowlog_trino_timestamp(PG_GETARG_TIMESTAMPTZ(0)), &time)));
}

/* day_of_week(date) */
Datum
flowlog_day_of_week_date(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(iso_day_of_week(finite_date(PG_GETARG_DATEADT(0))));
}

/* hour(timestamptz), hour(timestamp) */
Datum
flowlog_hour_timestamp(PG_FUNCTION_ARGS)
{
	int64 time;

	day_of(flowlog_trino_timestamp(PG_GETARG_TIMESTAMPTZ(0)), &time);
	PG_RETURN_INT64(time / USECS_PER_HOUR);
}

/* hour(date): the hour of its beginning */
Datum
flowlog_hour_date(PG_FUNCTION_ARGS)
{
	finite_date(PG_GETARG_DATEADT(0));
	PG_RETURN_INT64(0);
}

/* ---------- date_add, date_diff ---------- */

/* A unit of time has a fixed length, or consists of months. */
typedef struct Unit
{
	const char *name;
	int64 microseconds; /* 0: it consists of months */
	int months;
} Unit;

static const Unit units[] = {
	{"millisecond", USECS_PER_MILLISECOND, 0},
	{"second", USECS_PER_SEC, 0},
	{"minute", USECS_PER_MINUTE, 0},
	{"hour", USECS_PER_HOUR, 0},
	{"day", USECS_PER_DAY, 0},
	{"week", 7 * USECS_PER_DAY, 0},
	{"month", 0, 1},
	{"quarter", 0, 3},
	{"year", 0, 12},
};

/* Finds a unit by its name, without regard to case. */
static const Unit *
find_unit(text *name, bool of_date)
{
	const Unit *unit;
	const Unit *found = NULL;

	for (unit = units; unit < units + lengthof(units); unit++)
		if (strlen(unit->name) == VARSIZE_ANY_EXHDR(name) &&
		    pg_strncasecmp(unit->name, VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name)) == 0)
			found = unit;

	if (found == NULL || (of_date && found->months == 0 && found->microseconds < USECS_PER_DAY))
		ereport(ERROR,
		        errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		        errmsg("unit \"%s\" not recognized for type %s",
		               text_to_cstring(name),
		               of_date ? "date" : "timestamp"),
		        errhint(of_date ? "The units are day, week, month, quarter and year."
		                        : "The units are millisecond, second, minute, hour, day, week, "
		                          "month, quarter and year."));
	return found;
}

/* Returns the number of units to add; Trino allows only an integer here. */
static int32
unit_count(int64 count)
{
	if (count < PG_INT32_MIN || count > PG_INT32_MAX)
		ereport(ERROR, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("integer out of range"));
	return (int32) count;
}

/*
 * Adds months to a day.  If the month does not have the day, its last one is
 * taken.  Returns false if the result is out of range.
 */
static bool
add_months(int64 *day, int64 count)
{
	int year, month, month_day;
	int64 new_year;

	calendar_date(*day, &year, &month, &month_day);
	count += month - 1;
	new_year = year + flowlog_floor_divide(count, 12);
	if (new_year < JULIAN_MINYEAR || new_year > JULIAN_MAXYEAR)
		return false;
	year = (int) new_year;
	month = (int) (count - flowlog_floor_divide(count, 12) * 12) + 1;
	month_day = Min(month_day, days_in_month(year, month));
	if (!IS_VALID_JULIAN(year, month, month_day))
		return false;
	*day = date2j(year, month, month_day) - POSTGRES_EPOCH_JDATE;
	return true;
}

/* date_add(unit, count, timestamptz), also for timestamp */
Datum
flowlog_date_add_timestamp(PG_FUNCTION_ARGS)
{
	const Unit *unit = find_unit(PG_GETARG_TEXT_PP(0), false);
	int64 count = unit_count(PG_GETARG_INT64(1));
	Timestamp timestamp = flowlog_trino_timestamp(PG_GETARG_TIMESTAMPTZ(2));

	if (unit->months != 0)
		PG_RETURN_TIMESTAMPTZ(flowlog_trino_add_months(timestamp, count * unit->months));
	if (pg_mul_s64_overflow(count, unit->microseconds, &count) ||
	    pg_add_s64_overflow(timestamp, count, &timestamp) || !IS_VALID_TIMESTAMP(timestamp))
		raise_timestamp_out_of_range();
	PG_RETURN_TIMESTAMPTZ(timestamp);
}

/* date_add(unit, count, date) */
Datum
flowlog_date_add_date(PG_FUNCTION_ARGS)
{
	const Unit *unit = find_unit(PG_GETARG_TEXT_PP(0), true);
	int64 count = unit_count(PG_GETARG_INT64(1));
	int64 day = finite_date(PG_GETARG_DATEADT(2));
	bool fits = true;

	if (unit->months == 0)
		day += count * (unit->microseconds / USECS_PER_DAY);
	else
		fits = add_months(&day, count * unit->months);
	if (!fits || !IS_VALID_DATE(day))
		raise_date_out_of_range();
	PG_RETURN_DATEADT((DateADT) day);
}

/*
 * Returns the number of whole months between two times; "first" is not after
 * "last".  The last day of a month counts as the days that the month does not
 * have: from January 31 to February 28 is a month, as in date_add.
 */
static int64
whole_months(Timestamp first, Timestamp last)
{
	int first_year, first_month, first_day;
	int last_year, last_month, last_day;
	int64 first_time, last_time;
	int64 months;

	calendar_date(day_of(first, &first_time), &first_year, &first_month, &first_day);
	calendar_date(day_of(last, &last_time), &last_year, &last_month, &last_day);
	months = (int64) (last_year - first_year) * 12 + last_month - first_month;
	if (last_day == days_in_month(last_year, last_month))
		first_day = Min(first_day, last_day);
	if (last_day < first_day || (last_day == first_day && last_time < first_time))
		months--;
	return months;
}

/* Returns the number of whole months from one time to the other. */
int64
flowlog_trino_months(Timestamp from, Timestamp to)
{
	return from > to ? -whole_months(to, from) : whole_months(from, to);
}

/* Adds months to a time. */
Timestamp
flowlog_trino_add_months(Timestamp timestamp, int64 count)
{
	int64 time;
	int64 day = day_of(timestamp, &time);

	if (!add_months(&day, count) || pg_mul_s64_overflow(day, USECS_PER_DAY, &timestamp) ||
	    pg_add_s64_overflow(timestamp, time, &timestamp) || !IS_VALID_TIMESTAMP(timestamp))
		raise_timestamp_out_of_range();
	return timestamp;
}

/*
 * Returns the number of whole units from one time to the other; negative if
 * "to" is before "from".  Microseconds do not count.
 */
static int64
difference(const Unit *unit, Timestamp from, Timestamp to)
{
	int64 milliseconds;

	from = flowlog_floor_divide(from, USECS_PER_MILLISECOND);
	to = flowlog_floor_divide(to, USECS_PER_MILLISECOND);
	milliseconds = to - from;
	if (unit->months == 0)
		return milliseconds / (unit->microseconds / USECS_PER_MILLISECOND);

	return flowlog_trino_months(from * USECS_PER_MILLISECOND, to * USECS_PER_MILLISECOND) /
	       unit->months;
}

/* date_diff(unit, timestamptz, timestamptz), also for timestamp */
Datum
flowlog_date_diff_timestamp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(difference(find_unit(PG_GETARG_TEXT_PP(0), false),
	                           flowlog_trino_timestamp(PG_GETARG_TIMESTAMPTZ(1)),
	                           flowlog_trino_timestamp(PG_GETARG_TIMESTAMPTZ(2))));
}

/* date_diff(unit, date, date) */
Datum
flowlog_date_diff_date(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(difference(find_unit(PG_GETARG_TEXT_PP(0), true),
	                           flowlog_trino_timestamp_of_date(PG_GETARG_DATEADT(1)),
	                           flowlog_trino_timestamp_of_date(PG_GETARG_DATEADT(2))));
}

/* date_diff(unit, timestamptz, date), also for timestamp */
Datum
flowlog_date_diff_timestamp_date(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(difference(find_unit(PG_GETARG_TEXT_PP(0), false),
	                           flowlog_trino_timestamp(PG_GETARG_TIMESTAMPTZ(1)),
	                           flowlog_trino_timestamp_of_date(PG_GETARG_DATEADT(2))));
}

/* date_diff(unit, date, timestamptz), also for timestamp */
Datum
flowlog_date_diff_date_timestamp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(difference(find_unit(PG_GETARG_TEXT_PP(0), false),
	                           flowlog_trino_timestamp_of_date(PG_GETARG_DATEADT(1)),
	                           flowlog_trino_timestamp(PG_GETARG_TIMESTAMPTZ(2))));
}
