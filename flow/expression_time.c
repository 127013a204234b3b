/*-------------------------------------------------------------------------
 *
 * expression_time.c
 *	  Parts of times in a time zone.
 *
 *-------------------------------------------------------------------------
 */
#include "expression.h"

#include <string.h>

typedef struct TimeExpression
{
	FlowExpression base;
	FlowExpression *argument;
	FlowTimePart part;
	FlowZone zone;
	size_t current; /* the change that applied to the last time */
	/*
	 * the times from "since" to before "until" have the same result: logs are
	 * in order, so it is that of most records
	 */
	int64_t since, until;
	int64_t result;
} TimeExpression;

#define MICROSECONDS INT64_C(1000000)
#define MINUTE (60 * MICROSECONDS)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define BIN_END (INT64_C(4102444800) * MICROSECONDS) /* 2100-01-01; infinity is above */

/* ---------- zones ---------- */

/* Returns the time before which change i applies. */
static inline int64_t
end_of_change(const FlowZone *zone, size_t i)
{
	return i + 1 < zone->count ? zone->changes[i + 1].from : zone->end;
}

/* Returns true if change i is the last one at or before a time. */
static inline bool
applies(const FlowZone *zone, size_t i, int64_t time)
{
	return zone->changes[i].from <= time && time < end_of_change(zone, i);
}

/* Finds the change that applies to a time; false if the zone does not cover it. */
static bool
find_change(const FlowZone *zone, int64_t time, size_t *change)
{
	size_t low = 0, high = zone->count;

	if (zone->count == 0 || time < zone->changes[0].from || time >= zone->end)
		return false;
	while (high - low > 1)
	{
		size_t middle = (low + high) / 2;

		if (zone->changes[middle].from <= time)
			low = middle;
		else
			high = middle;
	}
	*change = low;
	return true;
}

static inline int64_t
offset_of(const FlowZone *zone, size_t change)
{
	return (int64_t) zone->changes[change].offset * MICROSECONDS;
}

/*
 * Finds the time at which clocks show "local", which is near to what they show
 * when "change" applies, or long before.  False if that is at no time or at
 * two.
 */
static bool
time_of_local(const FlowZone *zone, size_t change, int64_t local, int64_t *time)
{
	int64_t guess = local - offset_of(zone, change);
	size_t middle, first, last;
	int found = 0;

	if (!applies(zone, change, guess) && !find_change(zone, guess, &change))
		return false;
	middle = change;
	first = middle > 0 ? middle - 1 : 0;
	last = middle + 1 < zone->count ? middle + 1 : middle;
	for (size_t i = first; i <= last; i++)
	{
		guess = local - offset_of(zone, i);
		if (applies(zone, i, guess))
		{
			*time = guess;
			found++;
		}
	}
	return found == 1;
}

/* ---------- the calendar ---------- */

static inline int64_t
floor_divide(int64_t number, int64_t by)
{
	return number / by - (number % by < 0);
}

/* Year, month and day of a day counted from 1970-01-01. */
typedef struct Date
{
	int64_t year;
	int month, day; /* from 1 */
} Date;

/*
 * Years are counted from March here, so that the leap day is the last one; 400
 * of them have 146,097 days.
 */
static Date
date_of_day(int64_t day)
{
	int64_t since = day + 719468; /* since 0000-03-01 */
	int64_t era = floor_divide(since, 146097);
	int64_t of_era = since - era * 146097;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * of_year + 2) / 153; /* March is 0 */
	Date date;

	date.day = (int) (of_year - (153 * month + 2) / 5 + 1);
	date.month = (int) (month < 10 ? month + 3 : month - 9);
	date.year = year + era * 400 + (date.month <= 2);
	return date;
}

static int64_t
day_of_date(int64_t year, int month, int day)
{
	int64_t from_march = year - (month <= 2);
	int64_t era = floor_divide(from_march, 400);
	int64_t of_era = from_march - era * 400;
	int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* Returns the days since Monday; 1970-01-01 was a Thursday. */
static inline int64_t
days_since_monday(int64_t day)
{
	return day + 3 - floor_divide(day + 3, 7) * 7;
}

/* Returns what a part makes of a local day. */
static int64_t
compute_of_day(FlowTimePart part, int64_t day)
{
	Date date = date_of_day(day);

	switch (part)
	{
		case FLOW_TO_WEEK:
			return day - days_since_monday(day);
		case FLOW_TO_MONTH:
			return day - (date.day - 1);
		case FLOW_TO_QUARTER:
			return day_of_date(date.year, (date.month - 1) / 3 * 3 + 1, 1);
		case FLOW_TO_YEAR:
			return day_of_date(date.year, 1, 1);
		case FLOW_DAY_OF_WEEK:
			return (days_since_monday(day) + 1) % 7;
		case FLOW_ISO_DAY_OF_WEEK:
			return days_since_monday(day) + 1;
		case FLOW_DAY_OF_MONTH:
			return date.day;
		case FLOW_DAY_OF_YEAR:
			return day - day_of_date(date.year, 1, 1) + 1;
		case FLOW_MONTH_OF_YEAR:
			return date.month;
		case FLOW_QUARTER_OF_YEAR:
			return (date.month - 1) / 3 + 1;
		case FLOW_YEAR:
			return date.year;
		default:
			return day; /* FLOW_TO_DAY, FLOW_LOCAL_DAY */
	}
}

/* ---------- evaluating ---------- */

/* by part: the length of times that have the same result; 0: they have none */
static const int64_t units[] = {
	[FLOW_TO_SECOND] = MICROSECONDS,
	[FLOW_TO_MINUTE] = MINUTE,
	[FLOW_TO_HOUR] = HOUR,
	[FLOW_TO_DAY] = DAY,
	[FLOW_TO_WEEK] = DAY,
	[FLOW_TO_MONTH] = DAY,
	[FLOW_TO_QUARTER] = DAY,
	[FLOW_TO_YEAR] = DAY,
	[FLOW_LOCAL_TIME] = 0,
	[FLOW_LOCAL_DAY] = DAY,
	[FLOW_MINUTE_OF_HOUR] = MINUTE,
	[FLOW_HOUR_OF_DAY] = HOUR,
	[FLOW_DAY_OF_WEEK] = DAY,
	[FLOW_ISO_DAY_OF_WEEK] = DAY,
	[FLOW_DAY_OF_MONTH] = DAY,
	[FLOW_DAY_OF_YEAR] = DAY,
	[FLOW_MONTH_OF_YEAR] = DAY,
	[FLOW_QUARTER_OF_YEAR] = DAY,
	[FLOW_YEAR] = DAY,
};

/*
 * Computes a part, and the times that have the same result; false if it is not
 * known.
 */
static bool
compute(TimeExpression *e, int64_t time, int64_t *result)
{
	const FlowZone *zone = &e->zone;
	int64_t unit = units[e->part];
	int64_t offset, local, since;

	if (!applies(zone, e->current, time) && !find_change(zone, time, &e->current))
		return false;
	offset = offset_of(zone, e->current);
	if (unit == 0)
	{
		*result = time + offset;
		return true;
	}

	/* what the clock shows, cut to the unit */
	local = floor_divide(time + offset, unit) * unit;
	since = local - offset;
	if (unit == DAY)
		*result = compute_of_day(e->part, local / DAY);
	else if (e->part == FLOW_MINUTE_OF_HOUR)
		*result = (local - floor_divide(local, HOUR) * HOUR) / MINUTE;
	else if (e->part == FLOW_HOUR_OF_DAY)
		*result = (local - floor_divide(local, DAY) * DAY) / HOUR;
	else
		*result = since;
	if (unit == DAY && e->part <= FLOW_TO_YEAR &&
	    !time_of_local(zone, e->current, *result * DAY, result))
		return false;
	e->since = since > zone->changes[e->current].from ? since : zone->changes[e->current].from;
	e->until = since + unit < end_of_change(zone, e->current) ? since + unit
	                                                          : end_of_change(zone, e->current);
	e->result = *result;
	return true;
}

static void
evaluate_time(FlowExpression *expression, FlowRun *run, const uint8_t *mask)
{
	TimeExpression *e = (TimeExpression *) expression;
	const FlowVector *times = &e->argument->vector;
	FlowVector *result = &expression->vector;

	flow_expression_evaluate(e->argument, run, mask);
	for (size_t i = 0; i < run->count; i++)
	{
		int64_t time = times->numbers[i];

		if (!times->present[i] || (mask != NULL && !mask[i]))
		{
			result->numbers[i] = 0;
			result->present[i] = 0;
		}
		else if (flow_likely(time >= e->since && time < e->until))
		{
			result->numbers[i] = e->result;
			result->present[i] = 1;
		}
		else if (compute(e, time, &result->numbers[i]))
			result->present[i] = 1;
		else if (!flow_expression_fail(expression, run, i))
			return;
	}
}

/* Returns the type of a part. */
static FlowType
type_of(FlowTimePart part)
{
	if (part <= FLOW_LOCAL_TIME)
		return FLOW_TIME;
	return part == FLOW_LOCAL_DAY ? FLOW_DAY : FLOW_INT64;
}

FlowExpression *
flow_expression_time(FlowExpressions *expressions, FlowTimePart part, const FlowZone *zone,
                     FlowExpression *argument, int number)
{
	size_t size = zone->count * sizeof(FlowZoneChange);
	TimeExpression *made;
	FlowZoneChange *changes;

	if (argument == NULL)
		return NULL;
	made = flow_expression_new(expressions,
	                           type_of(part),
	                           evaluate_time,
	                           sizeof(TimeExpression),
	                           number);
	changes = flow_expression_allocate(expressions, size + 1);
	if (made == NULL || changes == NULL)
		return NULL;
	memcpy(changes, zone->changes, size);
	made->base.column = argument->column;
	made->argument = argument;
	made->part = part;
	made->zone = (FlowZone) {changes, zone->count, zone->end};
	return &made->base;
}

/* ---------- bins ---------- */

typedef struct BinExpression
{
	FlowExpression base;
	FlowExpression *argument;
	int64_t stride, origin;
	int64_t since, until; /* of the last bin */
} BinExpression;

static void
evaluate_bin(FlowExpression *expression, FlowRun *run, const uint8_t *mask)
{
	BinExpression *e = (BinExpression *) expression;
	const FlowVector *times = &e->argument->vector;
	FlowVector *result = &expression->vector;

	flow_expression_evaluate(e->argument, run, mask);
	for (size_t i = 0; i < run->count; i++)
	{
		int64_t time = times->numbers[i];
		int64_t since = 0;

		if (!times->present[i] || (mask != NULL && !mask[i]))
		{
			result->numbers[i] = 0;
			result->present[i] = 0;
		}
		else if (flow_likely(time >= e->since && time < e->until))
		{
			result->numbers[i] = e->since;
			result->present[i] = 1;
		}
		else if (time >= e->origin && time < BIN_END &&
		         !__builtin_sub_overflow(time, e->origin, &since))
		{
			e->since = time - since % e->stride;
			e->until = e->since + e->stride;
			result->numbers[i] = e->since;
			result->present[i] = 1;
		}
		else if (!flow_expression_fail(expression, run, i))
			return;
	}
}

FlowExpression *
flow_expression_bin(FlowExpressions *expressions, int64_t stride, int64_t origin,
                    FlowExpression *argument, int number)
{
	BinExpression *made;

	if (argument == NULL)
		return NULL;
	made = flow_expression_new(expressions, FLOW_TIME, evaluate_bin, sizeof(BinExpression), number);
	if (made == NULL)
		return NULL;
	made->base.column = argument->column;
	made->argument = argument;
	made->stride = stride;
	made->origin = origin;
	return &made->base;
}
