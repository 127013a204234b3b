/*-------------------------------------------------------------------------
 *
 * qual_compare.c
 *	  Comparisons of a column with what the other side of an operator has come
 *	  to, as predicates of a filter.
 *
 * The reader compares integers with integers and times with times.  Constants
 * of other types, as PostgreSQL's cross-type operators take them, become one
 * of the column's kind here.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"
#include "qual.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

/*
 * constants that are converted before the memory that this took is given back
 */
#define CONSTANTS_A_RESET 1024

/* ---------- constants ---------- */

/* How the constants of a comparison become what the reader compares with. */
typedef struct Conversion
{
	const QualWalk *context;
	const Comparison *comparison;
	FlowOp op; /* what the reader does with them */
	/*
	 * it takes the greatest integer below a constant, or else the greatest
	 * that is not above it
	 */
	bool wants_less;
	Oid time_type;     /* CONSTANT_TIME: the type that the column is compared as */
	Numeric low, high; /* CONSTANT_NUMERIC: the range of the column's integers */
	MemoryContext scratch;
	int converted; /* since it was reset */
} Conversion;

/*
 * Where the constant may lie between two values of the column, two operators
 * are left: "<=" and ">" of the value below it.
 */
static void
begin_conversion(Conversion *conversion, const QualWalk *context, const Comparison *comparison)
{
	*conversion = (Conversion) {.context = context, .comparison = comparison, .op = comparison->op};
	switch (comparison->form)
	{
		case CONSTANT_PLAIN:
			break;
		case CONSTANT_TIME:
			conversion->time_type = TIMESTAMPTZOID;
			if (comparison->view == FLOW_AS_IS)
				conversion->time_type =
					get_atttype(context->table->relid, context->table->attnums[comparison->column]);
			break;
		case CONSTANT_NUMERIC:
			conversion->scratch = AllocSetContextCreate(CurrentMemoryContext,
			                                            "flowlog_fdw constants",
			                                            ALLOCSET_DEFAULT_SIZES);
			conversion->low = int64_to_numeric(PG_INT64_MIN);
			conversion->high = int64_to_numeric(PG_INT64_MAX);
			/* FALLTHROUGH */
		case CONSTANT_DAY:
			conversion->wants_less = comparison->op == FLOW_LT || comparison->op == FLOW_GE;
			if (comparison->op == FLOW_LT)
				conversion->op = FLOW_LE;
			if (comparison->op == FLOW_GE)
				conversion->op = FLOW_GT;
			break;
	}
}

/*
 * The greatest integer that is not above a constant, or below it if that is
 * wanted; "exact": the integer is the constant.  False if the column has no
 * such integer, or none that equals the constant.
 */
static bool
choose_integer(const Conversion *conversion, int64 integer, bool exact, FlowValue *value)
{
	value->integer = integer;
	if (conversion->op == FLOW_EQ || conversion->op == FLOW_NE)
		return exact;
	if (!exact || !conversion->wants_less)
		return true;
	value->integer--;
	return integer != PG_INT64_MIN;
}

static bool
numeric_less(Numeric a, Numeric b)
{
	return DatumGetBool(DirectFunctionCall2(numeric_lt, NumericGetDatum(a), NumericGetDatum(b)));
}

static bool
convert_numeric(const Conversion *conversion, Numeric constant, FlowValue *value)
{
	Datum floor;

	/* NaN is above everything */
	if (numeric_is_nan(constant) || numeric_less(conversion->high, constant))
		return choose_integer(conversion, PG_INT64_MAX, false, value);
	if (numeric_less(constant, conversion->low))
		return false;
	floor = DirectFunctionCall1(numeric_floor, NumericGetDatum(constant));
	return choose_integer(conversion,
	                      DatumGetInt64(DirectFunctionCall1(numeric_int8, floor)),
	                      DatumGetBool(
							  DirectFunctionCall2(numeric_eq, floor, NumericGetDatum(constant))),
	                      value);
}

/* A date is its midnight. */
static bool
convert_day(const Conversion *conversion, Timestamp constant, FlowValue *value)
{
	int64 day;

	if (TIMESTAMP_NOT_FINITE(constant))
		return choose_integer(conversion, constant, true, value);
	day = constant / USECS_PER_DAY;
	if (constant % USECS_PER_DAY < 0)
		day--;
	return choose_integer(conversion,
	                      day + FLOWLOG_EPOCH_DAYS,
	                      constant % USECS_PER_DAY == 0,
	                      value);
}

/*
 * A timestamp or date, turned into the column's type as PostgreSQL's
 * cross-type operators do: what lies beyond that type's range is infinite.
 */
static Timestamp
convert_time(const Conversion *conversion, Datum constant)
{
	int overflow = 0;
	Timestamp result;

	if (conversion->comparison->other_type == TIMESTAMPOID)
		result = timestamp2timestamptz_opt_overflow(DatumGetTimestamp(constant), &overflow);
	else if (conversion->time_type == TIMESTAMPTZOID)
		result = date2timestamptz_opt_overflow(DatumGetDateADT(constant), &overflow);
	else
		result = date2timestamp_opt_overflow(DatumGetDateADT(constant), &overflow);

	if (overflow > 0)
		TIMESTAMP_NOEND(result);
	else if (overflow < 0)
		TIMESTAMP_NOBEGIN(result);
	return result;
}

/*
 * Converts a constant, which is not NULL.  False: none of the column's values
 * equals it, or all of them are above it.
 */
static bool
convert(Conversion *conversion, Datum constant, FlowValue *value)
{
	MemoryContext old;
	bool result;

	switch (conversion->comparison->form)
	{
		case CONSTANT_NUMERIC:
			if (++conversion->converted % CONSTANTS_A_RESET == 0)
				MemoryContextReset(conversion->scratch);
			old = MemoryContextSwitchTo(conversion->scratch);
			result = convert_numeric(conversion, DatumGetNumeric(constant), value);
			MemoryContextSwitchTo(old);
			return result;
		case CONSTANT_DAY:
			return convert_day(conversion, DatumGetTimestamp(constant), value);
		case CONSTANT_TIME:
			flowlog_value_from_datum(TIMESTAMPTZOID,
			                         TimestampTzGetDatum(convert_time(conversion, constant)),
			                         value);
			return true;
		case CONSTANT_PLAIN:
			flowlog_value_from_datum(conversion->comparison->other_type, constant, value);
			return true;
	}
	pg_unreachable();
}

/* ---------- predicates ---------- */

/* What a comparison with a constant is that could not be converted. */
static bool
is_true_for_all(const Conversion *conversion)
{
	return conversion->op == FLOW_NE || conversion->op == FLOW_GT;
}

/* The same for each of an integer column's values, and NULL for NULL. */
static FlowPredicate *
same_for_all(const Conversion *conversion)
{
	FlowValue least = {.integer = PG_INT64_MIN};

	return flow_filter_compare(conversion->context->filter,
	                           conversion->comparison->column,
	                           FLOW_AS_IS,
	                           is_true_for_all(conversion) ? FLOW_GE : FLOW_LT,
	                           &least);
}

FlowPredicate *
flowlog_compare(const QualWalk *context, const Comparison *comparison, Datum constant)
{
	Conversion conversion;
	FlowValue value;

	begin_conversion(&conversion, context, comparison);
	if (!convert(&conversion, constant, &value))
		return same_for_all(&conversion);
	return flow_filter_compare(context->filter,
	                           comparison->column,
	                           comparison->view,
	                           conversion.op,
	                           &value);
}

FlowPredicate *
flowlog_compare_with_array(const QualWalk *context, const Comparison *comparison, bool any,
                           Datum array_datum)
{
	ArrayType *array = DatumGetArrayTypeP(array_datum);
	int nelements = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	FlowValue *values =
		MemoryContextAllocHuge(CurrentMemoryContext, sizeof(FlowValue) * ((Size) nelements + 1));
	ArrayIterator iterator = array_create_iterator(array, 0, NULL);
	Conversion conversion;
	int nvalues = 0;
	bool has_null = false;
	bool has_other = false; /* one that could not be converted */
	Datum element;
	bool isnull;

	begin_conversion(&conversion, context, comparison);
	while (array_iterate(iterator, &element, &isnull))
	{
		/* the array may be of any size */
		CHECK_FOR_INTERRUPTS();
		if (isnull)
			has_null = true;
		else if (convert(&conversion, element, &values[nvalues]))
			nvalues++;
		else
			has_other = true;
	}
	array_free_iterator(iterator);

	/*
	 * that one alone decides, or it can be left out unless it is the only one
	 */
	if (has_other && (is_true_for_all(&conversion) == any || (nvalues == 0 && !has_null)))
		return same_for_all(&conversion);
	return (any ? flow_filter_any : flow_filter_all)(context->filter,
	                                                 comparison->column,
	                                                 comparison->view,
	                                                 conversion.op,
	                                                 values,
	                                                 nvalues,
	                                                 has_null);
}
