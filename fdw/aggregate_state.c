/*-------------------------------------------------------------------------
 *
 * aggregate_state.c
 *	  The results of pushed aggregates, and their partial states in the form in
 *	  which PostgreSQL's own combine functions take them.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include "catalog/pg_type.h"
#include "libpq/pqformat.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/numeric.h"

/* ---------- partial states ---------- */

/* count() */
static Datum
count_state(const FlowColumn *column, const FlowTotal *total, bool *isnull)
{
	return Int64GetDatum((int64) total->count);
}

/*
 * sum(smallint), sum(integer): as bigint, which wraps around as PostgreSQL's
 * does
 */
static Datum
sum_state(const FlowColumn *column, const FlowTotal *total, bool *isnull)
{
	*isnull = total->count == 0;
	return Int64GetDatum((int64) total->as.sum.low);
}

/* avg(smallint), avg(integer): {count, sum} */
static Datum
average_state(const FlowColumn *column, const FlowTotal *total, bool *isnull)
{
	Datum elements[2] = {Int64GetDatum((int64) total->count),
	                     Int64GetDatum((int64) total->as.sum.low)};

	return PointerGetDatum(
		construct_array(elements, 2, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/*
 * Finds the digits of a number of 128 bits in base 10000, as numeric has them,
 * from the first one on.  Returns their number.
 */
static int
numeric_digits(uint64 low, uint64 high, int16 digits[10])
{
	uint32 words[4] = {(uint32) (high >> 32), (uint32) high, (uint32) (low >> 32), (uint32) low};
	int ndigits = 0;

	while ((words[0] | words[1] | words[2] | words[3]) != 0)
	{
		uint64 rest = 0;

		for (int i = 0; i < 4; i++)
		{
			rest = rest << 32 | words[i];
			words[i] = (uint32) (rest / 10000);
			rest %= 10000;
		}
		memmove(&digits[1], &digits[0], ndigits * sizeof(int16));
		digits[0] = (int16) rest;
		ndigits++;
	}
	return ndigits;
}

/*
 * sum(bigint), avg(bigint): the form in which int8_avg_serialize writes a
 * count and a sum of 128 bits.  It is private to PostgreSQL (see
 * serializes_as_we_do()).
 */
static Datum
wide_sum_state(const FlowColumn *column, const FlowTotal *total, bool *isnull)
{
	bool negative = total->as.sum.high < 0;
	uint64 low = negative ? -total->as.sum.low : total->as.sum.low;
	uint64 high =
		negative ? ~(uint64) total->as.sum.high + (low == 0) : (uint64) total->as.sum.high;
	int16 digits[10];
	int ndigits = numeric_digits(low, high, digits);
	StringInfoData state;

	pq_begintypsend(&state);
	pq_sendint64(&state, total->count);
	pq_sendint32(&state, ndigits);
	/* weight: power of the first digit */
	pq_sendint32(&state, Max(ndigits - 1, 0));
	pq_sendint32(&state, negative ? 0x4000 : 0); /* sign */
	pq_sendint32(&state, 0);                     /* digits after the point */
	for (int i = 0; i < ndigits; i++)
		pq_sendint16(&state, digits[i]);
	return PointerGetDatum(pq_endtypsend(&state));
}

/* min(), max(): the value itself, which is also the result. */
static Datum
extreme_state(const FlowColumn *column, const FlowTotal *total, bool *isnull)
{
	*isnull = total->count == 0;
	return *isnull ? (Datum) 0 : flowlog_value_to_datum(column, &total->as.extreme);
}

/* ---------- results ---------- */

/* Returns a sum of 128 bits as numeric. */
static Datum
wide_sum(const FlowTotal *total)
{
	bool negative = total->as.sum.high < 0;
	uint64 low = negative ? -total->as.sum.low : total->as.sum.low;
	uint64 high =
		negative ? ~(uint64) total->as.sum.high + (low == 0) : (uint64) total->as.sum.high;
	char text[64];
	char *end = text;
	int16 digits[10];
	int ndigits;

	if (total->as.sum.high == ((int64) total->as.sum.low < 0 ? -1 : 0))
		return NumericGetDatum(int64_to_numeric((int64) total->as.sum.low));
	ndigits = numeric_digits(low, high, digits);
	if (negative)
		*end++ = '-';
	for (int i = 0; i < ndigits; i++)
		end += sprintf(end, "%04d", digits[i]);
	return DirectFunctionCall3(numeric_in,
	                           CStringGetDatum(text),
	                           ObjectIdGetDatum(InvalidOid),
	                           Int32GetDatum(-1));
}

/* sum(bigint) */
static Datum
wide_sum_result(const FlowColumn *column, const FlowTotal *total, bool *isnull)
{
	*isnull = total->count == 0;
	return *isnull ? (Datum) 0 : wide_sum(total);
}

/* Returns the average as PostgreSQL computes it from a count and a sum. */
static Datum
average_of(Datum sum, const FlowTotal *total, bool *isnull)
{
	*isnull = total->count == 0;
	if (*isnull)
		return (Datum) 0;
	return DirectFunctionCall2(numeric_div,
	                           sum,
	                           NumericGetDatum(int64_to_numeric((int64) total->count)));
}

/* avg(smallint), avg(integer): of a sum as bigint */
static Datum
average_result(const FlowColumn *column, const FlowTotal *total, bool *isnull)
{
	return average_of(NumericGetDatum(int64_to_numeric((int64) total->as.sum.low)), total, isnull);
}

/* avg(bigint) */
static Datum
wide_average_result(const FlowColumn *column, const FlowTotal *total, bool *isnull)
{
	return average_of(wide_sum(total), total, isnull);
}

/* ---------- the aggregates ---------- */

/*
 * The aggregates that can be pushed.  Except for count, their arguments' types
 * are types of columns.
 */
static const FlowlogAggregate aggregates[] = {
	{F_COUNT_, FLOW_COUNT_ALL, count_state, count_state},
	{F_COUNT_ANY, FLOW_COUNT, count_state, count_state},
	{F_SUM_INT2, FLOW_SUM, sum_state, sum_state},
	{F_SUM_INT4, FLOW_SUM, sum_state, sum_state},
	{F_SUM_INT8, FLOW_SUM, wide_sum_state, wide_sum_result},
	{F_AVG_INT2, FLOW_SUM, average_state, average_result},
	{F_AVG_INT4, FLOW_SUM, average_state, average_result},
	{F_AVG_INT8, FLOW_SUM, wide_sum_state, wide_average_result},
	{F_MIN_INT2, FLOW_MIN, extreme_state, extreme_state},
	{F_MIN_INT4, FLOW_MIN, extreme_state, extreme_state},
	{F_MIN_INT8, FLOW_MIN, extreme_state, extreme_state},
	{F_MIN_TIMESTAMPTZ, FLOW_MIN, extreme_state, extreme_state},
	{F_MIN_TIMESTAMP, FLOW_MIN, extreme_state, extreme_state},
	{F_MIN_DATE, FLOW_MIN, extreme_state, extreme_state},
	{F_MIN_INET, FLOW_MIN, extreme_state, extreme_state},
	{F_MAX_INT2, FLOW_MAX, extreme_state, extreme_state},
	{F_MAX_INT4, FLOW_MAX, extreme_state, extreme_state},
	{F_MAX_INT8, FLOW_MAX, extreme_state, extreme_state},
	{F_MAX_TIMESTAMPTZ, FLOW_MAX, extreme_state, extreme_state},
	{F_MAX_TIMESTAMP, FLOW_MAX, extreme_state, extreme_state},
	{F_MAX_DATE, FLOW_MAX, extreme_state, extreme_state},
	{F_MAX_INET, FLOW_MAX, extreme_state, extreme_state},
};

/* Returns the aggregate of a function, or NULL. */
const FlowlogAggregate *
flowlog_aggregate_find(Oid function)
{
	for (size_t i = 0; i < lengthof(aggregates); i++)
		if (aggregates[i].function == function)
			return &aggregates[i];
	return NULL;
}

/* ---------- PostgreSQL's own form of a wide sum ---------- */

/* Adds a value to a sum of 128 bits. */
static void
add_to_sum(FlowTotal *total, int64 value)
{
	uint64 low = total->as.sum.low + (uint64) value;

	total->as.sum.high += (value < 0 ? -1 : 0) + (low < (uint64) value ? 1 : 0);
	total->as.sum.low = low;
	total->count++;
}

/*
 * Returns true if PostgreSQL serializes the sum of a value, added "times"
 * times, as we do.
 */
static bool
serializes_sum_as_we_do(int64 value, int times, FunctionCallInfo accumulate,
                        FunctionCallInfo serialize)
{
	FlowTotal total = {0};
	bool isnull = false;
	bytea *theirs;
	bytea *ours;

	/* a NULL makes an empty state */
	accumulate->args[0].isnull = true;
	accumulate->args[1].isnull = true;
	for (int i = 0; i <= times; i++)
	{
		accumulate->isnull = false;
		accumulate->args[0].value = FunctionCallInvoke(accumulate);
		accumulate->args[0].isnull = false;
		accumulate->args[1].value = Int64GetDatum(value);
		accumulate->args[1].isnull = false;
		if (i > 0)
			add_to_sum(&total, value);
	}
	serialize->args[0] = accumulate->args[0];
	theirs = DatumGetByteaPP(FunctionCallInvoke(serialize));
	ours = DatumGetByteaPP(wide_sum_state(NULL, &total, &isnull));
	return VARSIZE_ANY(theirs) == VARSIZE_ANY(ours) && memcmp(theirs, ours, VARSIZE_ANY(ours)) == 0;
}

/*
 * Returns true if PostgreSQL's form of a wide sum is the one that we write.
 * Checked once in each backend, before a plan relies on it.  PostgreSQL's own
 * functions are called as if from a window function, which is the simplest
 * context that they accept.
 */
static bool
serializes_as_we_do(void)
{
	static const struct
	{
		int64 value;
		int times;
	} samples[] = {{0, 0},
	               {0, 1},
	               {1, 1},
	               {-1, 3},
	               {9999, 1},
	               {10000, 1},
	               {100000000, 1},
	               {-123456789, 7},
	               {PG_INT64_MAX, 1},
	               {PG_INT64_MAX, 3},
	               {PG_INT64_MIN, 1},
	               {PG_INT64_MIN, 2000}};
	static bool known = false;
	static bool same = true;
	LOCAL_FCINFO(accumulate, 2);
	LOCAL_FCINFO(serialize, 1);
	WindowAggState *caller;
	FmgrInfo accumulate_function;
	FmgrInfo serialize_function;
	MemoryContext temporary;
	MemoryContext old;

	if (known)
		return same;

	/* call the functions with a context that they accept */
	temporary =
		AllocSetContextCreate(CurrentMemoryContext, "flowlog_fdw sums", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(temporary);
	caller = makeNode(WindowAggState);
	caller->curaggcontext = temporary;
	fmgr_info(F_INT8_AVG_ACCUM, &accumulate_function);
	fmgr_info(F_INT8_AVG_SERIALIZE, &serialize_function);
	InitFunctionCallInfoData(*accumulate,
	                         &accumulate_function,
	                         2,
	                         InvalidOid,
	                         (Node *) caller,
	                         NULL);
	InitFunctionCallInfoData(*serialize, &serialize_function, 1, InvalidOid, (Node *) caller, NULL);

	/* compare the results for some sums */
	for (size_t i = 0; i < lengthof(samples) && same; i++)
		same = serializes_sum_as_we_do(samples[i].value, samples[i].times, accumulate, serialize);
	known = true;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(temporary);
	return same;
}

/*
 * Returns true if this server's form of the partial state is the one that we
 * write.
 */
bool
flowlog_aggregate_state_is_known(const FlowlogAggregate *aggregate)
{
	return aggregate->state != wide_sum_state || serializes_as_we_do();
}
