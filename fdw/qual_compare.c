/*-------------------------------------------------------------------------
 *
 * qual_compare.c
 *	  Makes predicates of a filter that compare a column with values.
 *
 * The reader compares integers with integers and times with times.  Constants
 * of other types, which PostgreSQL's cross-type operators accept, are
 * converted to the column's kind here.
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
 * the number of constants after which the memory for converting them is freed
 */
#define CONSTANTS_A_RESET 1024

/* ---------- constants ---------- */

/* How the constants of a comparison are converted. */
typedef struct Conversion
{
	const QualWalk *context;
	const Comparison *comparison;
	FlowOp op; /* the operator for the converted constants */
	/*
	 * true: a constant becomes the greatest integer below it; false: the
	 * greatest integer not above it
	 */
	bool wants_less;
	/* CONSTANT_TIME: the type that the column is compared as */
	Oid time_type;
	/* CONSTANT_NUMERIC: the range of the column's integers */
	Numeric low, high;
	MemoryContext scratch;
	int converted; /* constants so far */
} Conversion;

/*
 * Begins to convert the constants of a comparison.  A constant may lie between
 * two values of the column; then it is replaced by the value below it, for
 * which "<=" takes the place of "<", and ">" that of ">=".
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
 * Chooses the integer to compare with, given the greatest one that is not
 * above the constant; "exact" says that it equals the constant.  Returns false
 * if no value of the column is below the constant, or for "=" and "<>", if
 * none equals it.
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

/* Converts a numeric for a comparison with an integer column. */
static bool
convert_numeric(const Conversion *conversion, Numeric constant, FlowValue *value)
{
	Datum floor;

	/* NaN is greater than all numbers */
	if (numeric_is_nan(constant) || numeric_less(conversion->high, constant))
		return choose_integer(conversion, PG_INT64_MAX, false, value);
	if (numeric_less(constant, conversion->low))
		return false;

	/* the integer not above it, and whether they are equal */
	floor = DirectFunctionCall1(numeric_floor, NumericGetDatum(constant));
	return choose_integer(conversion,
	                      DatumGetInt64(DirectFunctionCall1(numeric_int8, floor)),
	                      DatumGetBool(
							  DirectFunctionCall2(numeric_eq, floor, NumericGetDatum(constant))),
	                      value);
}

/*
 * Converts a timestamp for a comparison with a date, which counts as its
 * midnight.
 */
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
 * Converts a timestamp or date to the column's type, as PostgreSQL's
 * cross-type operators do: a value beyond that type's range becomes infinite.
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
 * Converts a constant, which is not NULL. Returns false if no value of the
 * column equals it, or if all values are above it.
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

/*
 * Returns the result of comparing any value with a constant for which convert
 * returns false.
 */
static bool
is_true_for_all(const Conversion *conversion)
{
	return conversion->op == FLOW_NE || conversion->op == FLOW_GT;
}

/*
 * Makes a predicate with that result for all values of an integer column, and
 * NULL for NULL.
 */
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

/* Makes the predicate of "column op constant". */
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

/*
 * Makes the predicate of "column = ANY (constants)".  None of these is NULL, but
 * there may be one besides.
 */
FlowPredicate *
flowlog_compare_with_set(const QualWalk *context, const Comparison *comparison,
                         const Datum *constants, size_t count, bool has_null)
{
	FlowValue *values =
		MemoryContextAllocHuge(CurrentMemoryContext, sizeof(FlowValue) * (count + 1));
	Conversion conversion;
	size_t nvalues = 0;

	begin_conversion(&conversion, context, comparison);
	for (size_t i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		nvalues += convert(&conversion, constants[i], &values[nvalues]);
	}
	if (count > 0 && nvalues == 0 && !has_null)
		return same_for_all(&conversion);
	return flow_filter_any(context->filter,
	                       comparison->column,
	                       comparison->view,
	                       conversion.op,
	                       values,
	                       nvalues,
	                       has_null);
}

/* Returns true if an array has an element that is not NULL. */
bool
flowlog_has_elements(Datum array_datum)
{
	ArrayType *array = DatumGetArrayTypeP(array_datum);
	ArrayIterator iterator = array_create_iterator(array, 0, NULL);
	bool found = false;
	Datum element;
	bool isnull;

	while (!found && array_iterate(iterator, &element, &isnull))
		found = !isnull;
	array_free_iterator(iterator);
	return found;
}

/* Makes the predicate of "column op ANY (array)", or of ALL. */
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
	bool has_other = false; /* one for which convert returned false */
	Datum element;
	bool isnull;

	/* convert the elements */
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
	 * such an element either decides the result alone, or is left out unless
	 * it is the only one
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
