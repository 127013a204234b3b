/*-------------------------------------------------------------------------
 *
 * test_expression_time.c
 *	  Parts of times against the C library's calendar, in UTC and in a zone whose
 *	  clocks change, and bins of times.
 *
 *-------------------------------------------------------------------------
 */
#define _GNU_SOURCE
#include "../../flow/expression.h"
#include "unit.h"

#include <time.h>

#define MICROSECONDS INT64_C(1000000)

static const FlowColumn columns[] = {{.name = "moment",
                                      .type = FLOW_TIME,
                                      .max_chars = -1,
                                      .scale = -1,
                                      .null_text = "-",
                                      .null_len = 1}};

static const FlowZoneChange never = {0, 0};
static const FlowZone utc = {&never, 1, INT64_C(4102444800) * MICROSECONDS};

/* Clocks go forward by an hour at 2026-03-29 01:00, and back at 2026-10-25 01:00, as in Berlin. */
static const FlowZoneChange changes[] = {{0, 3600},
                                         {INT64_C(1774746000) * MICROSECONDS, 7200},
                                         {INT64_C(1792890000) * MICROSECONDS, 3600}};
static const FlowZone berlin = {changes, 3, INT64_C(4102444800) * MICROSECONDS};

/* Clocks change about midnight, so that one midnight is missing, and one there twice. */
static const FlowZoneChange midnights[] = {{0, 0},
                                           {INT64_C(1774742400) * MICROSECONDS, 3600},
                                           {INT64_C(1792884600) * MICROSECONDS, 0}};
static const FlowZone havana = {midnights, 3, INT64_C(4102444800) * MICROSECONDS};

/* Computes a part of one time; FLOW_NEED_VALUE if it is not known. */
static FlowStatus
compute(FlowTimePart part, const FlowZone *zone, int64_t time, int64_t *result)
{
	FlowExpressions *expressions = flow_expressions_create(&unit_host, columns, 1);
	FlowValue value = {.integer = time};
	FlowSlice field = {"-", 1};
	FlowBatch batch = {.count = 1, .fields = &field};
	FlowRun run = {&batch, 0, 1, false, FLOW_OK, {-1, FLOW_OK}};
	FlowExpression *e =
		flow_expression_time(expressions,
	                         part,
	                         zone,
	                         flow_expression_constant(expressions, FLOW_TIME, &value),
	                         1);

	flow_expressions_begin_run(expressions);
	flow_expression_evaluate(e, &run, NULL);
	*result = e->vector.numbers[0];
	flow_expressions_free(expressions);
	return run.status;
}

static int64_t
offset_at(const FlowZone *zone, int64_t time)
{
	size_t i = zone->count - 1;

	while (zone->changes[i].from > time)
		i--;
	return zone->changes[i].offset;
}

/* The seconds, in UTC, of what the clock shows, cut to a part. */
static int64_t
cut_by_library(FlowTimePart part, struct tm tm)
{
	switch (part)
	{
		case FLOW_TO_YEAR:
			tm.tm_mon = 0;
			tm.tm_mday = 1;
			break;
		case FLOW_TO_QUARTER:
			tm.tm_mon -= tm.tm_mon % 3;
			tm.tm_mday = 1;
			break;
		case FLOW_TO_MONTH:
			tm.tm_mday = 1;
			break;
		case FLOW_TO_WEEK:
			tm.tm_mday -= (tm.tm_wday + 6) % 7;
			break;
		default:
			break;
	}
	if (part >= FLOW_TO_DAY)
		tm.tm_hour = 0;
	if (part >= FLOW_TO_HOUR)
		tm.tm_min = 0;
	if (part >= FLOW_TO_MINUTE)
		tm.tm_sec = 0;
	return timegm(&tm);
}

static int64_t
number_by_library(FlowTimePart part, const struct tm *tm, int64_t local)
{
	switch (part)
	{
		case FLOW_LOCAL_TIME:
			return local;
		case FLOW_LOCAL_DAY:
			return (local - local % (86400 * MICROSECONDS)) / (86400 * MICROSECONDS);
		case FLOW_MINUTE_OF_HOUR:
			return tm->tm_min;
		case FLOW_HOUR_OF_DAY:
			return tm->tm_hour;
		case FLOW_DAY_OF_WEEK:
			return tm->tm_wday;
		case FLOW_ISO_DAY_OF_WEEK:
			return (tm->tm_wday + 6) % 7 + 1;
		case FLOW_DAY_OF_MONTH:
			return tm->tm_mday;
		case FLOW_DAY_OF_YEAR:
			return tm->tm_yday + 1;
		case FLOW_MONTH_OF_YEAR:
			return tm->tm_mon + 1;
		case FLOW_QUARTER_OF_YEAR:
			return tm->tm_mon / 3 + 1;
		default:
			return tm->tm_year + 1900;
	}
}

/*
 * Returns the time at which the clock of a zone shows a cut local time; -1 if
 * that is at no time or at two.
 */
static int64_t
time_by_library(FlowTimePart part, const FlowZone *zone, int64_t time, int64_t local)
{
	int64_t found = -1;

	/* within a day no offset is looked for */
	if (part < FLOW_TO_DAY)
		return local * MICROSECONDS - offset_at(zone, time) * MICROSECONDS;
	for (size_t i = 0; i < zone->count; i++)
	{
		int64_t guess = (local - zone->changes[i].offset) * MICROSECONDS;

		if (guess < 0 || offset_at(zone, guess) != zone->changes[i].offset || guess == found)
			continue;
		if (found >= 0)
			return -1;
		found = guess;
	}
	return found;
}

static void
check_part(FlowTimePart part, const FlowZone *zone, int64_t time)
{
	int64_t local = time + offset_at(zone, time) * MICROSECONDS;
	time_t seconds = local / MICROSECONDS;
	int64_t expected, result;
	FlowStatus status;
	struct tm tm;

	gmtime_r(&seconds, &tm);
	status = compute(part, zone, time, &result);
	if (part <= FLOW_TO_YEAR)
	{
		expected = time_by_library(part, zone, time, cut_by_library(part, tm));
		if (expected < 0)
		{
			CHECK_INT(status, FLOW_NEED_VALUE);
			return;
		}
	}
	else
		expected = number_by_library(part, &tm, local);
	CHECK_INT(status, FLOW_OK);
	CHECK_INT(result, expected);
}

static void
parts_are_those_of_the_calendar(void)
{
	static const FlowZone *const zones[] = {&utc, &berlin, &havana};
	uint64_t seed = 7;

	for (int round = 0; round < 20000; round++)
	{
		uint64_t n = unit_random(&seed);
		const FlowZone *zone = zones[n % 3];
		int64_t second = (int64_t) (n / 8 % 4102444800);

		/* near to a change of the clocks */
		if (n % 4 == 0)
			second = zone->changes[zone->count - 1 - n / 16 % zone->count].from / MICROSECONDS +
			         (int64_t) (n / 64 % 200000) - 100000;
		if (second < 0)
			second = -second;
		check_part((FlowTimePart) (n / 3 % (FLOW_YEAR + 1)),
		           zone,
		           second * MICROSECONDS + (int64_t) (n / 7 % MICROSECONDS));
	}
}

static void
other_times_are_left_to_the_host(void)
{
	int64_t result;

	CHECK_INT(compute(FLOW_TO_DAY, &utc, -1, &result), FLOW_NEED_VALUE);
	CHECK_INT(compute(FLOW_YEAR, &utc, utc.end, &result), FLOW_NEED_VALUE);
	CHECK_INT(compute(FLOW_YEAR, &utc, utc.end - 1, &result), FLOW_OK);
	CHECK_INT(result, 2099);
	CHECK_INT(compute(FLOW_HOUR_OF_DAY, &utc, INT64_MAX, &result), FLOW_NEED_VALUE);
	/* midnight on 2026-03-29 is missing in one zone, that of 2026-10-25 is there twice */
	CHECK_INT(compute(FLOW_TO_DAY, &havana, INT64_C(1774760000) * MICROSECONDS, &result),
	          FLOW_NEED_VALUE);
	CHECK_INT(compute(FLOW_TO_DAY, &havana, INT64_C(1792900000) * MICROSECONDS, &result),
	          FLOW_NEED_VALUE);
	CHECK_INT(compute(FLOW_LOCAL_DAY, &havana, INT64_C(1792900000) * MICROSECONDS, &result),
	          FLOW_OK);
}

static void
bins_begin_at_their_origin(void)
{
	static const struct
	{
		int64_t stride, origin, time, expected; /* -1: left to the host */
	} cases[] = {
		{300, 0, 1769731299, 1769731200},
		{300, 7, 1769731206, 1769730907},
		{300, 7, 1769731207, 1769731207},
		{86400, 1769731200, 1769731200, 1769731200},
		{86400, 1769731200, 1769731199, -1},
		{604800, -978307200, 1769731200, 1769299200},
		{300, 0, 4102444800, -1},
	};

	for (size_t i = 0; i < flow_countof(cases); i++)
	{
		FlowExpressions *expressions = flow_expressions_create(&unit_host, columns, 1);
		FlowValue value = {.integer = cases[i].time * MICROSECONDS};
		FlowSlice field = {"-", 1};
		FlowBatch batch = {.count = 1, .fields = &field};
		FlowRun run = {&batch, 0, 1, false, FLOW_OK, {-1, FLOW_OK}};
		FlowExpression *e =
			flow_expression_bin(expressions,
		                        cases[i].stride * MICROSECONDS,
		                        cases[i].origin * MICROSECONDS,
		                        flow_expression_constant(expressions, FLOW_TIME, &value),
		                        1);

		flow_expressions_begin_run(expressions);
		flow_expression_evaluate(e, &run, NULL);
		CHECK_INT(run.status, cases[i].expected < 0 ? FLOW_NEED_VALUE : FLOW_OK);
		if (cases[i].expected >= 0)
			CHECK_INT(e->vector.numbers[0], cases[i].expected * MICROSECONDS);
		flow_expressions_free(expressions);
	}
}

int
main(void)
{
	RUN(parts_are_those_of_the_calendar);
	RUN(other_times_are_left_to_the_host);
	RUN(bins_begin_at_their_origin);
	return unit_done();
}
