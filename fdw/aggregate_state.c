/*-------------------------------------------------------------------------
 *
 * aggregate_state.c
 *	  The results of pushed aggregates, and their partial states in the form in
 *	  which PostgreSQL's own combine functions take them.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "libpq/pqformat.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/numeric.h"

/* ---------- partial states ---------- */

/* count() */
static Datum
count_state(const FlowColumn *column, const FlowTotal *total, const FlowTotal *sum, bool *isnull)
{
	return Int64GetDatum((int64) total->count);
}

/*
 * sum(smallint), sum(integer): as bigint, which wraps around as PostgreSQL's
 * does
 */
static Datum
sum_state(const FlowColumn *column, const FlowTotal *total, const FlowTotal *sum, bool *isnull)
{
	*isnull = total->count == 0;
	return Int64GetDatum((int64) total->as.sum.low);
}

/* avg(smallint), avg(integer): {count, sum} */
static Datum
average_state(const FlowColumn *column, const FlowTotal *total, const FlowTotal *sum, bool *isnull)
{
	Datum elements[2] = {Int64GetDatum((int64) total->count),
	                     Int64GetDatum((int64) total->as.sum.low)};

	return PointerGetDatum(
		construct_array(elements, 2, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

#define WIDE_WORDS 6   /* 32 bits each: a number of 192 bits */
#define WIDE_DIGITS 15 /* of such a number, in base 10000 */

/* A number without sign, as words from the highest on. */
typedef struct WideNumber
{
	uint32 words[WIDE_WORDS];
} WideNumber;

static WideNumber
wide_number(uint64 low, uint64 middle, uint64 high)
{
	return (WideNumber) {{(uint32) (high >> 32),
	                      (uint32) high,
	                      (uint32) (middle >> 32),
	                      (uint32) middle,
	                      (uint32) (low >> 32),
	                      (uint32) low}};
}

/* Returns the amount of a sum of 128 bits. */
static WideNumber
wide_amount(const FlowTotal *total, bool *negative)
{
	uint64 low = total->as.sum.low;
	uint64 high = (uint64) total->as.sum.high;

	*negative = total->as.sum.high < 0;
	if (*negative)
	{
		low = -low;
		high = ~high + (low == 0);
	}
	return wide_number(low, high, 0);
}

/*
 * Finds the digits of a number in base 10000, as numeric has them, from the
 * first one on.  Returns their number.
 */
static int
numeric_digits(WideNumber number, int16 digits[WIDE_DIGITS])
{
	uint32 *words = number.words;
	int ndigits = 0;

	while ((words[0] | words[1] | words[2] | words[3] | words[4] | words[5]) != 0)
	{
		uint64 rest = 0;

		for (int i = 0; i < WIDE_WORDS; i++)
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
 * Appends a whole number as PostgreSQL's numericvar_serialize does; "stripped":
 * without the zeros that its digits end with.
 */
static void
append_number(StringInfo state, WideNumber number, bool negative, bool stripped)
{
	int16 digits[WIDE_DIGITS];
	int ndigits = numeric_digits(number, digits);
	int weight = Max(ndigits - 1, 0); /* power of the first digit */

	while (stripped && ndigits > 0 && digits[ndigits - 1] == 0)
		ndigits--;
	pq_sendint32(state, ndigits);
	pq_sendint32(state, weight);
	pq_sendint32(state, negative ? 0x4000 : 0); /* sign */
	pq_sendint32(state, 0);                     /* digits after the point */
	for (int i = 0; i < ndigits; i++)
		pq_sendint16(state, digits[i]);
}

/*
 * sum(bigint), avg(bigint): the form in which int8_avg_serialize writes a
 * count and a sum of 128 bits.  It is private to PostgreSQL (see
 * serializes_as_we_do()).
 */
static Datum
wide_sum_state(const FlowColumn *column, const FlowTotal *total, const FlowTotal *sum, bool *isnull)
{
	StringInfoData state;
	bool negative;
	WideNumber amount = wide_amount(total, &negative);

	pq_begintypsend(&state);
	pq_sendint64(&state, total->count);
	append_number(&state, amount, negative, false);
	return PointerGetDatum(pq_endtypsend(&state));
}

/* Begins the state of a variance: count, sum and sum of squares. */
static void
begin_variance(StringInfo state, const FlowTotal *total, const FlowTotal *sum, bool stripped)
{
	bool negative;
	WideNumber amount = wide_amount(sum, &negative);

	pq_begintypsend(state);
	pq_sendint64(state, total->count);
	append_number(state, amount, negative, stripped);
	append_number(state,
	              wide_number(total->as.squares.low,
	                          total->as.squares.middle,
	                          total->as.squares.high),
	              false,
	              stripped);
}

/* variance and standard deviation of smallint and integer: as numeric_poly_serialize */
static Datum
variance_state(const FlowColumn *column, const FlowTotal *total, const FlowTotal *sum, bool *isnull)
{
	StringInfoData state;

	begin_variance(&state, total, sum, false);
	return PointerGetDatum(pq_endtypsend(&state));
}

/* those of bigint: as numeric_serialize */
static Datum
wide_variance_state(const FlowColumn *column, const FlowTotal *total, const FlowTotal *sum,
                    bool *isnull)
{
	StringInfoData state;

	begin_variance(&state, total, sum, true);
	pq_sendint32(&state, 0);            /* most digits after the point, */
	pq_sendint64(&state, total->count); /* of that many numbers */
	pq_sendint64(&state, 0);            /* NaNs */
	pq_sendint64(&state, 0);            /* infinities */
	pq_sendint64(&state, 0);
	return PointerGetDatum(pq_endtypsend(&state));
}

/* min(), max(): the value itself, which is also the result. */
static Datum
extreme_state(const FlowColumn *column, const FlowTotal *total, const FlowTotal *sum, bool *isnull)
{
	*isnull = total->count == 0;
	return *isnull ? (Datum) 0 : flowlog_value_to_datum(column, &total->as.extreme);
}

/* ---------- results ---------- */

/* Returns a sum of 128 bits as numeric. */
static Datum
wide_sum(const FlowTotal *total)
{
	bool negative;
	WideNumber amount = wide_amount(total, &negative);
	char text[WIDE_DIGITS * 4 + 2];
	char *end = text;
	int16 digits[WIDE_DIGITS];
	int ndigits;

	if (total->as.sum.high == ((int64) total->as.sum.low < 0 ? -1 : 0))
		return NumericGetDatum(int64_to_numeric((int64) total->as.sum.low));
	ndigits = numeric_digits(amount, digits);
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
wide_sum_result(const FlowColumn *column, const FlowTotal *total, const FlowTotal *sum,
                bool *isnull)
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
average_result(const FlowColumn *column, const FlowTotal *total, const FlowTotal *sum, bool *isnull)
{
	return average_of(NumericGetDatum(int64_to_numeric((int64) total->as.sum.low)), total, isnull);
}

/* avg(bigint) */
static Datum
wide_average_result(const FlowColumn *column, const FlowTotal *total, const FlowTotal *sum,
                    bool *isnull)
{
	return average_of(wide_sum(total), total, isnull);
}

/* ---------- the aggregates ---------- */

#define VARIANCES(name, final)                                                                     \
	{F_##name##_INT2, FLOW_SQUARES, variance_state, NULL, F_NUMERIC_POLY_##final},                 \
		{F_##name##_INT4, FLOW_SQUARES, variance_state, NULL, F_NUMERIC_POLY_##final},             \
	{                                                                                              \
		F_##name##_INT8, FLOW_SQUARES, wide_variance_state, NULL, F_NUMERIC_##final                \
	}

/*
 * The aggregates that can be pushed.  Except for count, their arguments' types
 * are types that the reader computes with.
 */
static const FlowlogAggregate aggregates[] = {
	{F_COUNT_, FLOW_COUNT_ALL, count_state, count_state, InvalidOid},
	{F_COUNT_ANY, FLOW_COUNT, count_state, count_state, InvalidOid},
	{F_SUM_INT2, FLOW_SUM, sum_state, sum_state, InvalidOid},
	{F_SUM_INT4, FLOW_SUM, sum_state, sum_state, InvalidOid},
	{F_SUM_INT8, FLOW_SUM, wide_sum_state, wide_sum_result, InvalidOid},
	{F_AVG_INT2, FLOW_SUM, average_state, average_result, InvalidOid},
	{F_AVG_INT4, FLOW_SUM, average_state, average_result, InvalidOid},
	{F_AVG_INT8, FLOW_SUM, wide_sum_state, wide_average_result, InvalidOid},
	{F_MIN_INT2, FLOW_MIN, extreme_state, extreme_state, InvalidOid},
	{F_MIN_INT4, FLOW_MIN, extreme_state, extreme_state, InvalidOid},
	{F_MIN_INT8, FLOW_MIN, extreme_state, extreme_state, InvalidOid},
	{F_MIN_TIMESTAMPTZ, FLOW_MIN, extreme_state, extreme_state, InvalidOid},
	{F_MIN_TIMESTAMP, FLOW_MIN, extreme_state, extreme_state, InvalidOid},
	{F_MIN_DATE, FLOW_MIN, extreme_state, extreme_state, InvalidOid},
	{F_MIN_INET, FLOW_MIN, extreme_state, extreme_state, InvalidOid},
	{F_MAX_INT2, FLOW_MAX, extreme_state, extreme_state, InvalidOid},
	{F_MAX_INT4, FLOW_MAX, extreme_state, extreme_state, InvalidOid},
	{F_MAX_INT8, FLOW_MAX, extreme_state, extreme_state, InvalidOid},
	{F_MAX_TIMESTAMPTZ, FLOW_MAX, extreme_state, extreme_state, InvalidOid},
	{F_MAX_TIMESTAMP, FLOW_MAX, extreme_state, extreme_state, InvalidOid},
	{F_MAX_DATE, FLOW_MAX, extreme_state, extreme_state, InvalidOid},
	{F_MAX_INET, FLOW_MAX, extreme_state, extreme_state, InvalidOid},
	{F_MIN_TEXT, FLOW_MIN, extreme_state, extreme_state, InvalidOid},
	{F_MAX_TEXT, FLOW_MAX, extreme_state, extreme_state, InvalidOid},
	{F_BOOL_AND, FLOW_MIN, extreme_state, extreme_state, InvalidOid},
	{F_EVERY, FLOW_MIN, extreme_state, extreme_state, InvalidOid},
	{F_BOOL_OR, FLOW_MAX, extreme_state, extreme_state, InvalidOid},
	VARIANCES(VARIANCE, VAR_SAMP),
	VARIANCES(VAR_SAMP, VAR_SAMP),
	VARIANCES(VAR_POP, VAR_POP),
	VARIANCES(STDDEV, STDDEV_SAMP),
	VARIANCES(STDDEV_SAMP, STDDEV_SAMP),
	VARIANCES(STDDEV_POP, STDDEV_POP),
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

/* ---------- the order of results ---------- */

/*
 * Returns true if the reader knows the order of an output's values.  It does
 * not know that of averages and variances, which PostgreSQL rounds.
 */
bool
flowlog_output_has_order(const FlowlogOutput *output)
{
	FlowlogStateFunction result = output->aggregate != NULL ? output->aggregate->result : NULL;

	return output->aggregate == NULL || result == count_state || result == sum_state ||
	       result == wide_sum_result || result == extreme_state;
}

FlowType
flowlog_output_type(const FlowlogOutput *output)
{
	if (output->is_grouping)
		return FLOW_INT32;
	if (output->aggregate == NULL || output->aggregate->result == extreme_state)
		return output->type.type;
	return FLOW_INT64;
}

/* Sets the value of a result, or the nearest one that an integer can have. */
bool
flowlog_aggregate_value(const FlowlogAggregate *aggregate, const FlowTotal *total, FlowValue *value)
{
	if (aggregate->result == count_state)
	{
		value->integer = (int64) total->count;
		return true;
	}
	if (aggregate->result == extreme_state)
		*value = total->as.extreme;
	else if (aggregate->result == sum_state ||
	         total->as.sum.high == ((int64) total->as.sum.low < 0 ? -1 : 0))
		value->integer = (int64) total->as.sum.low;
	else
		value->integer = total->as.sum.high < 0 ? PG_INT64_MIN : PG_INT64_MAX;
	return total->count > 0;
}

/* ---------- averages ---------- */

bool
flowlog_output_is_average(const FlowlogOutput *output)
{
	FlowlogStateFunction result = output->aggregate != NULL ? output->aggregate->result : NULL;

	return result == average_result || result == wide_average_result;
}

/* Returns an integer that orders as a number, which is not NaN, does. */
static int64
order_of(double number)
{
	int64 bits;

	number += 0.0; /* of 0 there are two */
	memcpy(&bits, &number, sizeof(bits));
	return bits < 0 ? bits ^ PG_INT64_MAX : bits;
}

/*
 * Sets bounds of an average, which PostgreSQL rounds to at least 16 digits.
 * They take a hundredth of the time.
 */
void
flowlog_average_bounds(const FlowTotal *total, FlowValue *low, FlowValue *high)
{
	double sum = (double) (int64) total->as.sum.low;
	double average;
	double error;

	if (total->as.sum.high != ((int64) total->as.sum.low < 0 ? -1 : 0))
		sum = (double) total->as.sum.high * 18446744073709551616.0 + (double) total->as.sum.low;
	average = sum / (double) total->count;
	error = (fabs(average) + 1) * 1e-12;
	low->integer = order_of(average - error);
	high->integer = order_of(average + error);
}

void
flowlog_average_value(const FlowlogOutput *output, const FlowTotal *total, FlowValue *value)
{
	bool isnull;
	Datum average = output->aggregate->result(&output->type, total, total, &isnull);

	value->integer = order_of(DatumGetFloat8(DirectFunctionCall1(numeric_float8, average)));
}

/* ---------- PostgreSQL's own states ---------- */

/*
 * Returns a call's context that functions of internal states accept: that of a
 * window function is the simplest.
 */
static Node *
aggregate_context(void)
{
	WindowAggState *caller = makeNode(WindowAggState);

	caller->curaggcontext = CurrentMemoryContext;
	return (Node *) caller;
}

/* Returns the result of a state that is written as PostgreSQL serializes it. */
static Datum
finish_state(const FlowlogAggregate *aggregate, Datum state, bool *isnull)
{
	LOCAL_FCINFO(deserialize, 2);
	LOCAL_FCINFO(finish, 1);
	FmgrInfo deserialize_function;
	FmgrInfo finish_function;
	Node *context = aggregate_context();
	Datum result;

	fmgr_info(aggregate->state == variance_state ? F_NUMERIC_POLY_DESERIALIZE
	                                             : F_NUMERIC_DESERIALIZE,
	          &deserialize_function);
	fmgr_info(aggregate->final, &finish_function);
	InitFunctionCallInfoData(*deserialize, &deserialize_function, 2, InvalidOid, context, NULL);
	deserialize->args[0] = (NullableDatum) {state, false};
	deserialize->args[1] = (NullableDatum) {(Datum) 0, true};
	InitFunctionCallInfoData(*finish, &finish_function, 1, InvalidOid, context, NULL);
	finish->args[0] = (NullableDatum) {FunctionCallInvoke(deserialize), false};
	result = FunctionCallInvoke(finish);
	*isnull = finish->isnull;
	return result;
}

/* Returns the result of an aggregate. */
Datum
flowlog_aggregate_result(const FlowlogAggregate *aggregate, const FlowColumn *column,
                         const FlowTotal *total, const FlowTotal *sum, bool *isnull)
{
	if (!OidIsValid(aggregate->final))
		return aggregate->result(column, total, sum, isnull);
	return finish_state(aggregate, aggregate->state(column, total, sum, isnull), isnull);
}

/* The private forms of states that we write, and whose they are. */
static const struct StateForm
{
	FlowlogStateFunction state;
	Oid accumulate;
	Oid serialize;
	bool squares; /* it has the sum of squares, too */
	bool wide;    /* of bigint */
} forms[] = {
	{wide_sum_state, F_INT8_AVG_ACCUM, F_INT8_AVG_SERIALIZE, false, true},
	{variance_state, F_INT4_ACCUM, F_NUMERIC_POLY_SERIALIZE, true, false},
	{wide_variance_state, F_INT8_ACCUM, F_NUMERIC_SERIALIZE, true, true},
};

/* Adds a value to a sum of 128 bits, and its square to one of 192. */
static void
add_value(FlowTotal *sum, FlowTotal *squares, int64 value)
{
	uint64 low = sum->as.sum.low + (uint64) value;
	uint64 amount = value < 0 ? -(uint64) value : (uint64) value;
	uint64 parts[3] = {(uint64) (uint32) amount * (uint32) amount,
	                   (amount >> 32) * (uint32) amount,
	                   (amount >> 32) * (amount >> 32)};
	uint64 square[3] = {parts[0] + (parts[1] << 33), parts[2] + (parts[1] >> 31), 0};
	uint64 carry = 0;
	uint64 *words[3] = {&squares->as.squares.low,
	                    &squares->as.squares.middle,
	                    &squares->as.squares.high};

	sum->as.sum.high += (value < 0 ? -1 : 0) + (low < (uint64) value ? 1 : 0);
	sum->as.sum.low = low;
	sum->count++;

	square[1] += square[0] < parts[0];
	for (int i = 0; i < 3; i++)
	{
		uint64 with_carry = square[i] + carry;

		carry = with_carry < carry;
		*words[i] += with_carry;
		carry += *words[i] < with_carry;
	}
	squares->count++;
}

/*
 * Returns true if PostgreSQL serializes the state of a value, added "times"
 * times, as we do.
 */
static bool
serializes_value_as_we_do(const struct StateForm *form, int64 value, int times,
                          FunctionCallInfo accumulate, FunctionCallInfo serialize)
{
	FlowTotal sum = {0};
	FlowTotal squares = {0};
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
		accumulate->args[1].value =
			form->wide ? Int64GetDatum(value) : Int32GetDatum((int32) value);
		accumulate->args[1].isnull = false;
		if (i > 0)
			add_value(&sum, &squares, form->wide ? value : (int32) value);
	}
	serialize->args[0] = accumulate->args[0];
	theirs = DatumGetByteaPP(FunctionCallInvoke(serialize));
	ours = DatumGetByteaPP(form->state(NULL, form->squares ? &squares : &sum, &sum, &isnull));
	return VARSIZE_ANY(theirs) == VARSIZE_ANY(ours) && memcmp(theirs, ours, VARSIZE_ANY(ours)) == 0;
}

/* Returns true if PostgreSQL's form of a state is the one that we write. */
static bool
serializes_as_we_do(const struct StateForm *form)
{
	static const struct
	{
		int64 value;
		int times;
	} samples[] = {{0, 0},
	               {0, 1},
	               {1, 1},
	               {-1, 3},
	               {100, 1},
	               {9999, 1},
	               {10000, 1},
	               {100000000, 1},
	               {-123456789, 7},
	               {PG_INT64_MAX, 1},
	               {PG_INT64_MAX, 3},
	               {PG_INT64_MIN, 1},
	               {PG_INT64_MIN, 2000}};
	LOCAL_FCINFO(accumulate, 2);
	LOCAL_FCINFO(serialize, 1);
	FmgrInfo accumulate_function;
	FmgrInfo serialize_function;
	MemoryContext temporary =
		AllocSetContextCreate(CurrentMemoryContext, "flowlog_fdw states", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(temporary);
	Node *context = aggregate_context();
	bool same = true;

	fmgr_info(form->accumulate, &accumulate_function);
	fmgr_info(form->serialize, &serialize_function);
	InitFunctionCallInfoData(*accumulate, &accumulate_function, 2, InvalidOid, context, NULL);
	InitFunctionCallInfoData(*serialize, &serialize_function, 1, InvalidOid, context, NULL);
	for (size_t i = 0; i < lengthof(samples) && same; i++)
		same = serializes_value_as_we_do(form,
		                                 samples[i].value,
		                                 samples[i].times,
		                                 accumulate,
		                                 serialize);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(temporary);
	return same;
}

/*
 * Returns true if this server's form of the state is the one that we write, or
 * no private one.  Checked once in each backend, before a plan relies on it.
 */
bool
flowlog_aggregate_state_is_known(const FlowlogAggregate *aggregate)
{
	static bool known[lengthof(forms)];
	static bool same[lengthof(forms)];

	for (size_t i = 0; i < lengthof(forms); i++)
	{
		if (forms[i].state != aggregate->state)
			continue;
		if (!known[i])
			same[i] = serializes_as_we_do(&forms[i]);
		known[i] = true;
		return same[i];
	}
	return true;
}
