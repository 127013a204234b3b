/*-------------------------------------------------------------------------
 *
 * trino_sequence.c
 *	  Trino's sequence(start, stop, step), with Trino's results and limits.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include "catalog/pg_type.h"
#include "common/int.h"
#include "utils/array.h"

FLOWLOG_FUNCTION(flowlog_sequence_int8);
FLOWLOG_FUNCTION(flowlog_sequence_date);
FLOWLOG_FUNCTION(flowlog_sequence_timestamptz);
FLOWLOG_FUNCTION(flowlog_sequence_timestamp);

#define MAX_ENTRIES 10000 /* as in Trino */

/* Returns the length of a sequence of numbers. */
static int
length_of(int64 start, int64 stop, int64 step)
{
	uint64 distance = step > 0 ? (uint64) stop - (uint64) start : (uint64) start - (uint64) stop;
	uint64 steps;

	if (step == 0)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("step must not be zero"));
	if (step > 0 ? stop < start : stop > start)
		ereport(ERROR,
		        errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		        errmsg("sequence does not reach its end"),
		        errdetail("With this step it moves away from it."));
	steps = distance / (step > 0 ? (uint64) step : -(uint64) step);
	if (steps >= MAX_ENTRIES)
		ereport(ERROR,
		        errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
		        errmsg("sequence has more than %d entries", MAX_ENTRIES),
		        errhint("generate_series() gives any number of rows."));
	return (int) steps + 1;
}

/* Returns the step: the argument, or 1 towards the end. */
static int64
default_step(int64 start, int64 stop)
{
	return stop >= start ? 1 : -1;
}

static Datum
array_of(Datum *values, int count, Oid type)
{
	int16 len = type == DATEOID ? sizeof(DateADT) : sizeof(int64);
	bool byval = type == DATEOID || FLOAT8PASSBYVAL;
	char align = type == DATEOID ? TYPALIGN_INT : TYPALIGN_DOUBLE;

	return PointerGetDatum(construct_array(values, count, type, len, byval, align));
}

/* sequence(bigint, bigint), and with a step */
Datum
flowlog_sequence_int8(PG_FUNCTION_ARGS)
{
	int64 start = PG_GETARG_INT64(0);
	int64 stop = PG_GETARG_INT64(1);
	int64 step = PG_NARGS() > 2 ? PG_GETARG_INT64(2) : default_step(start, stop);
	int count = length_of(start, stop, step);
	Datum *values = palloc(sizeof(Datum) * count);

	for (int i = 0; i < count; i++)
		values[i] = Int64GetDatum((int64) ((uint64) start + (uint64) i * (uint64) step));
	return array_of(values, count, INT8OID);
}

/* Returns the microseconds of an interval without months. */
static int64
microseconds_of(const Interval *step)
{
	int64 microseconds;

	if (step->month != 0)
		ereport(ERROR,
		        errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		        errmsg("step must be of years and months, or of days and shorter units"));
	if (pg_mul_s64_overflow(step->day, USECS_PER_DAY, &microseconds) ||
	    pg_add_s64_overflow(microseconds, step->time, &microseconds))
		ereport(ERROR, errcode(ERRCODE_INTERVAL_FIELD_OVERFLOW), errmsg("interval out of range"));
	return microseconds;
}

static bool
is_months(const Interval *step)
{
	return step->month != 0 && step->day == 0 && step->time == 0;
}

/*
 * Fills the values of a sequence of times by months: each is counted from the
 * start, so that one at the end of a long month comes back to it.  Returns the
 * number of values.
 */
static int
sequence_of_months(Timestamp start, Timestamp stop, int32 step, int64 **values)
{
	int64 months = flowlog_trino_months(start, stop);
	int count;

	if (step > 0 ? stop < start : stop > start)
		months = -step; /* an error */
	count = length_of(0, months, step);
	*values = palloc(sizeof(int64) * count);
	for (int i = 0; i < count; i++)
		(*values)[i] = flowlog_trino_add_months(start, (int64) i * step);
	return count;
}

/* sequence(date, date), and with a step */
Datum
flowlog_sequence_date(PG_FUNCTION_ARGS)
{
	Timestamp start = flowlog_trino_timestamp_of_date(PG_GETARG_DATEADT(0));
	Timestamp stop = flowlog_trino_timestamp_of_date(PG_GETARG_DATEADT(1));
	Interval day = {.day = (int32) default_step(start, stop)};
	const Interval *interval = PG_NARGS() > 2 ? PG_GETARG_INTERVAL_P(2) : &day;
	int64 step = is_months(interval) ? 0 : microseconds_of(interval);
	int64 *times = NULL;
	Datum *values;
	int count;

	if (step % USECS_PER_DAY != 0)
		ereport(ERROR,
		        errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		        errmsg("step must be of whole days if start and end are dates"));
	count = is_months(interval) ? sequence_of_months(start, stop, interval->month, &times)
	                            : length_of(start, stop, step);
	values = palloc(sizeof(Datum) * count);
	for (int i = 0; i < count; i++)
		values[i] = DateADTGetDatum(
			flowlog_floor_divide(times != NULL ? times[i] : start + i * step, USECS_PER_DAY));
	return array_of(values, count, DATEOID);
}

/* Returns a sequence of times, as an array of their type. */
static Datum
sequence_of_times(Timestamp start, Timestamp stop, const Interval *interval, Oid type)
{
	int64 step = is_months(interval) ? 0 : microseconds_of(interval);
	int64 *times = NULL;
	Datum *values;
	int count = is_months(interval) ? sequence_of_months(start, stop, interval->month, &times)
	                                : length_of(start, stop, step);

	values = palloc(sizeof(Datum) * count);
	for (int i = 0; i < count; i++)
		values[i] = TimestampGetDatum(times != NULL ? times[i] : start + i * step);
	return array_of(values, count, type);
}

/* sequence(timestamptz, timestamptz, interval) */
Datum
flowlog_sequence_timestamptz(PG_FUNCTION_ARGS)
{
	return sequence_of_times(flowlog_trino_timestamp(PG_GETARG_TIMESTAMPTZ(0)),
	                         flowlog_trino_timestamp(PG_GETARG_TIMESTAMPTZ(1)),
	                         PG_GETARG_INTERVAL_P(2),
	                         TIMESTAMPTZOID);
}

/* sequence(timestamp, timestamp, interval) */
Datum
flowlog_sequence_timestamp(PG_FUNCTION_ARGS)
{
	return sequence_of_times(flowlog_trino_timestamp(PG_GETARG_TIMESTAMP(0)),
	                         flowlog_trino_timestamp(PG_GETARG_TIMESTAMP(1)),
	                         PG_GETARG_INTERVAL_P(2),
	                         TIMESTAMPOID);
}
