/*-------------------------------------------------------------------------
 *
 * expression_time.c
 *	  Functions of times that the reader computes: date_trunc(), extract(),
 *	  date_bin(), casts, and AT TIME ZONE.
 *
 * They depend on a time zone, mostly the session's, which the core gets as a
 * list of the offsets from UTC that it has had, and will have, in the years of
 * flow logs.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"
#include "qual.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/timestamp.h"

#define FIRST_TIME INT64CONST(0)        /* 1970-01-01, in seconds since then */
#define END_TIME INT64CONST(4102444800) /* 2100-01-01 */
#define MAX_CHANGES 1024                /* a zone changes at most a few times a year */
#define MAX_BIN_DAYS INT64CONST(36600)

/* ---------- functions ---------- */

/* The zone of a function's result. */
typedef enum ZoneOf
{
	ZONE_UTC,     /* of timestamps, which have none */
	ZONE_SESSION, /* by the setting */
	ZONE_ARGUMENT /* the last argument but the time names it */
} ZoneOf;

typedef struct TimeFunction
{
	Oid function;
	const char *unit; /* its first argument; NULL: it has none */
	FlowTimePart part;
	ZoneOf zone;
	int time; /* which argument the time is, from 0 */
} TimeFunction;

#define UNIT(function, unit, part, zone)                                                           \
	{                                                                                              \
		function, unit, part, zone, 1                                                              \
	}
#define TRUNC(unit, part)                                                                          \
	UNIT(F_DATE_TRUNC_TEXT_TIMESTAMPTZ, unit, part, ZONE_SESSION),                                 \
		UNIT(F_DATE_TRUNC_TEXT_TIMESTAMP, unit, part, ZONE_UTC),                                   \
		UNIT(F_DATE_TRUNC_TEXT_TIMESTAMPTZ_TEXT, unit, part, ZONE_ARGUMENT)
#define EXTRACT(unit, part)                                                                        \
	UNIT(F_EXTRACT_TEXT_TIMESTAMPTZ, unit, part, ZONE_SESSION),                                    \
		UNIT(F_EXTRACT_TEXT_TIMESTAMP, unit, part, ZONE_UTC)

static const TimeFunction functions[] = {
	TRUNC("second", FLOW_TO_SECOND),
	TRUNC("minute", FLOW_TO_MINUTE),
	TRUNC("hour", FLOW_TO_HOUR),
	TRUNC("day", FLOW_TO_DAY),
	TRUNC("week", FLOW_TO_WEEK),
	TRUNC("month", FLOW_TO_MONTH),
	TRUNC("quarter", FLOW_TO_QUARTER),
	TRUNC("year", FLOW_TO_YEAR),
	EXTRACT("minute", FLOW_MINUTE_OF_HOUR),
	EXTRACT("hour", FLOW_HOUR_OF_DAY),
	EXTRACT("dow", FLOW_DAY_OF_WEEK),
	EXTRACT("isodow", FLOW_ISO_DAY_OF_WEEK),
	EXTRACT("day", FLOW_DAY_OF_MONTH),
	EXTRACT("doy", FLOW_DAY_OF_YEAR),
	EXTRACT("month", FLOW_MONTH_OF_YEAR),
	EXTRACT("quarter", FLOW_QUARTER_OF_YEAR),
	EXTRACT("year", FLOW_YEAR),
	{F_DATE_TIMESTAMPTZ, NULL, FLOW_LOCAL_DAY, ZONE_SESSION, 0},
	{F_DATE_TIMESTAMP, NULL, FLOW_LOCAL_DAY, ZONE_UTC, 0},
	{F_TIMESTAMP_TIMESTAMPTZ, NULL, FLOW_LOCAL_TIME, ZONE_SESSION, 0},
	{F_TIMEZONE_TEXT_TIMESTAMPTZ, NULL, FLOW_LOCAL_TIME, ZONE_ARGUMENT, 1},
};

/* Returns an argument that is a constant of a type, and not NULL; else NULL. */
static const Const *
constant_argument(const FuncExpr *node, int number, Oid type)
{
	const Const *constant = list_nth(node->args, number);

	if (!IsA(constant, Const) || constant->constisnull || constant->consttype != type)
		return NULL;
	return constant;
}

static bool
is_unit(const FuncExpr *node, const char *unit)
{
	const Const *constant = constant_argument(node, 0, TEXTOID);

	return constant != NULL && pg_strcasecmp(unit, TextDatumGetCString(constant->constvalue)) == 0;
}

/*
 * Returns the zone that an argument names; NULL if it is not known, or if it
 * may be an abbreviation, which has a meaning of its own.
 */
static pg_tz *
zone_argument(const FuncExpr *node, const TimeFunction *row)
{
	const Const *constant = constant_argument(node, row->unit != NULL ? 2 : 0, TEXTOID);
	const char *name = constant != NULL ? TextDatumGetCString(constant->constvalue) : "";

	if (strchr(name, '/') == NULL && strcmp(name, "UTC") != 0)
		return NULL;
	return pg_tzset(name);
}

/* Finds the row of a function; NULL if the reader does not compute it. */
static const TimeFunction *
find_function(const FuncExpr *node)
{
	for (size_t i = 0; i < lengthof(functions); i++)
	{
		const TimeFunction *row = &functions[i];

		if (row->function == node->funcid && (row->unit == NULL || is_unit(node, row->unit)) &&
		    (row->zone != ZONE_ARGUMENT || zone_argument(node, row) != NULL))
			return row;
	}
	return NULL;
}

/* Returns true for date_bin() with an interval of days or less, and an origin. */
static bool
is_bin(const FuncExpr *node, int64 *stride, int64 *origin)
{
	bool in_zone = node->funcid == F_DATE_BIN_INTERVAL_TIMESTAMPTZ_TIMESTAMPTZ;
	const Const *width;
	const Const *start;
	const Interval *interval;
	FlowValue value;

	if (!in_zone && node->funcid != F_DATE_BIN_INTERVAL_TIMESTAMP_TIMESTAMP)
		return false;
	width = constant_argument(node, 0, INTERVALOID);
	start = constant_argument(node, 2, in_zone ? TIMESTAMPTZOID : TIMESTAMPOID);
	if (width == NULL || start == NULL ||
	    TIMESTAMP_NOT_FINITE(DatumGetTimestamp(start->constvalue)))
		return false;
	interval = DatumGetIntervalP(width->constvalue);
	flowlog_value_from_datum(start->consttype, start->constvalue, &value);
	*origin = value.integer;
	return interval->month == 0 && interval->day >= 0 && interval->day <= MAX_BIN_DAYS &&
	       interval->time >= 0 && interval->time <= MAX_BIN_DAYS * USECS_PER_DAY &&
	       (*stride = interval->day * USECS_PER_DAY + interval->time) > 0;
}

/* ---------- the zone ---------- */

static int32
offset_at(pg_time_t time, const pg_tz *tz)
{
	return (int32) pg_localtime(&time, tz)->tm_gmtoff;
}

/* Makes the list of the offsets of a time zone. */
static FlowZone
zone_of(const pg_tz *tz)
{
	FlowZoneChange *changes = palloc(sizeof(FlowZoneChange) * MAX_CHANGES);
	FlowZone zone = {changes, 0, END_TIME * USECS_PER_SEC};
	pg_time_t time = FIRST_TIME;

	changes[zone.count++] = (FlowZoneChange) {time * USECS_PER_SEC, offset_at(time, tz)};
	for (;;)
	{
		long before_offset;
		long after_offset;
		int before_is_dst;
		int after_is_dst;
		pg_time_t boundary;

		CHECK_FOR_INTERRUPTS();
		if (pg_next_dst_boundary(&time,
		                         &before_offset,
		                         &before_is_dst,
		                         &boundary,
		                         &after_offset,
		                         &after_is_dst,
		                         tz) != 1 ||
		    boundary >= END_TIME)
			return zone;
		if (zone.count == MAX_CHANGES)
		{
			zone.end = boundary * USECS_PER_SEC;
			return zone;
		}
		changes[zone.count++] = (FlowZoneChange) {boundary * USECS_PER_SEC, (int32) after_offset};
		time = boundary;
	}
}

/* ---------- the walk ---------- */

/*
 * Returns the time that a function takes; NULL if the reader does not compute
 * that function.
 */
Expr *
flowlog_expression_time_argument(const FuncExpr *node)
{
	const TimeFunction *row = find_function(node);
	int64 stride;
	int64 origin;

	if (row != NULL)
		return list_nth(node->args, row->time);
	return is_bin(node, &stride, &origin) ? lsecond(node->args) : NULL;
}

/* Makes the expression of such a function of an argument that was made. */
FlowExpression *
flowlog_expression_of_time(const QualWalk *context, FuncExpr *node, FlowExpression *argument)
{
	static const FlowZoneChange never = {FIRST_TIME, 0};
	FlowZone zone = {&never, 1, END_TIME * USECS_PER_SEC};
	const TimeFunction *row = find_function(node);
	int number = flowlog_needs_add(context->needs, (Expr *) node, context->expressions);
	int64 stride;
	int64 origin;

	if (row == NULL && is_bin(node, &stride, &origin))
		return flow_expression_bin(context->expressions, stride, origin, argument, number);
	if (row->zone != ZONE_UTC)
		zone = zone_of(row->zone == ZONE_SESSION ? session_timezone : zone_argument(node, row));
	return flow_expression_time(context->expressions, row->part, &zone, argument, number);
}
