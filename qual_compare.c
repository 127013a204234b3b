/*-------------------------------------------------------------------------
 *
 * qual_compare.c
 *	  Comparisons of a column with what the other side of an operator has come to,
 *	  as predicates of a filter.
 *
 * The reader compares integers with integers and times with times.  Constants of other
 * types, as PostgreSQL's cross-type operators take them, become one of the column's kind here.
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
#include "utils/numeric.h"
#include "utils/timestamp.h"

/* ---------- one constant ---------- */

/*
 * "integer op constant", where the constant lies after "floor" and before the next integer
 * (or is floor itself: "exact"), as an integer comparison.
 */
static void
compare_with_fraction(FlowOp *op, bool exact)
{
	if (exact)
		return;
	switch (*op)
	{
		case FLOW_LT:
			*op = FLOW_LE;
			break;
		case FLOW_GE:
			*op = FLOW_GT;
			break;
		default:
			break;
	}
}

/*
 * No integer equals a constant beyond them all, or between two: the comparison is the same for each of them,
 * and NULL for NULL.
 */
static FlowPredicate *
same_for_all(const QualWalk *context, const Comparison *comparison, bool truth)
{
	FlowValue least = {.integer = PG_INT64_MIN};

	return flow_filter_compare(context->filter, comparison->column, FLOW_AS_IS, truth ? FLOW_GE : FLOW_LT, &least);
}

static bool
numeric_less(Numeric a, Numeric b)
{
	return DatumGetBool(DirectFunctionCall2(numeric_lt, NumericGetDatum(a), NumericGetDatum(b)));
}

/* integer column op numeric */
static FlowPredicate *
compare_with_numeric(const QualWalk *context, const Comparison *comparison, Numeric constant)
{
	bool nan = numeric_is_nan(constant);
	bool above = nan || numeric_less(int64_to_numeric(PG_INT64_MAX), constant);
	bool below = !nan && numeric_less(constant, int64_to_numeric(PG_INT64_MIN));
	FlowOp op = comparison->op;
	Datum floor;
	bool exact;
	FlowValue value;

	if (above)
		return same_for_all(context, comparison, op == FLOW_LT || op == FLOW_LE || op == FLOW_NE);
	if (below)
		return same_for_all(context, comparison, op == FLOW_GT || op == FLOW_GE || op == FLOW_NE);

	floor = DirectFunctionCall1(numeric_floor, NumericGetDatum(constant));
	exact = DatumGetBool(DirectFunctionCall2(numeric_eq, floor, NumericGetDatum(constant)));
	if (!exact && (op == FLOW_EQ || op == FLOW_NE))
		return same_for_all(context, comparison, op == FLOW_NE);
	compare_with_fraction(&op, exact);
	value.integer = DatumGetInt64(DirectFunctionCall1(numeric_int8, floor));
	return flow_filter_compare(context->filter, comparison->column, comparison->view, op, &value);
}

/* date column op timestamp: a date is its midnight */
static FlowPredicate *
compare_day_with_time(const QualWalk *context, const Comparison *comparison, Timestamp constant)
{
	FlowOp op = comparison->op;
	bool exact = true;
	FlowValue value;

	if (TIMESTAMP_NOT_FINITE(constant))
		value.integer = constant;
	else
	{
		value.integer = constant / USECS_PER_DAY;
		if (constant % USECS_PER_DAY < 0)
			value.integer--;
		exact = constant % USECS_PER_DAY == 0;
		value.integer += FLOWLOG_EPOCH_DAYS;
	}
	if (!exact && (op == FLOW_EQ || op == FLOW_NE))
		return same_for_all(context, comparison, op == FLOW_NE);
	compare_with_fraction(&op, exact);
	return flow_filter_compare(context->filter, comparison->column, comparison->view, op, &value);
}

/*
 * A timestamp or date, turned into the column's type as PostgreSQL's cross-type operators do: what lies
 * beyond that type's range is infinite.
 */
static Timestamp
convert_time_constant(const QualWalk *context, const Comparison *comparison, Datum constant)
{
	Oid type = TIMESTAMPTZOID;
	int overflow = 0;
	Timestamp result;

	if (comparison->view == FLOW_AS_IS)
		type = get_atttype(context->table->relid, context->table->attnums[comparison->column]);

	if (comparison->other_type == TIMESTAMPOID)
		result = timestamp2timestamptz_opt_overflow(DatumGetTimestamp(constant), &overflow);
	else if (type == TIMESTAMPTZOID)
		result = date2timestamptz_opt_overflow(DatumGetDateADT(constant), &overflow);
	else
		result = date2timestamp_opt_overflow(DatumGetDateADT(constant), &overflow);

	if (overflow > 0)
		TIMESTAMP_NOEND(result);
	else if (overflow < 0)
		TIMESTAMP_NOBEGIN(result);
	return result;
}

FlowPredicate *
flowlog_compare(const QualWalk *context, const Comparison *comparison, Datum constant)
{
	Oid type = comparison->other_type;
	FlowValue value;

	switch (comparison->form)
	{
		case CONSTANT_NUMERIC:
			return compare_with_numeric(context, comparison, DatumGetNumeric(constant));
		case CONSTANT_DAY:
			return compare_day_with_time(context, comparison, DatumGetTimestamp(constant));
		case CONSTANT_TIME:
			constant = TimestampGetDatum(convert_time_constant(context, comparison, constant));
			type = TIMESTAMPTZOID;
			break;
		case CONSTANT_PLAIN:
			break;
	}
	flowlog_value_from_datum(type, constant, &value);
	return flow_filter_compare(context->filter, comparison->column, comparison->view, comparison->op, &value);
}

/* ---------- ANY and ALL ---------- */

/* Is "column op ANY (set)" something the core has a quick form for? */
static bool
has_set_form(const Comparison *comparison)
{
	if (comparison->form != CONSTANT_PLAIN)
		return false;
	return comparison->op == FLOW_EQ || comparison->op >= FLOW_INSIDE;
}

static FlowPredicate *
compare_with_set(const QualWalk *context, const Comparison *comparison, Datum *elements, bool *nulls, int count)
{
	FlowValue *values = palloc(sizeof(FlowValue) * (count + 1));
	int nvalues = 0;

	for (int i = 0; i < count; i++)
	{
		/* the array may be of any size */
		CHECK_FOR_INTERRUPTS();
		if (!nulls[i])
			flowlog_value_from_datum(comparison->other_type, elements[i], &values[nvalues++]);
	}
	return flow_filter_any(context->filter, comparison->column, comparison->view, comparison->op, values, nvalues,
	                       nvalues < count);
}

/* Element by element: OR of comparisons for ANY, AND for ALL. */
static FlowPredicate *
compare_with_each(const QualWalk *context, const Comparison *comparison, bool any, Datum *elements, bool *nulls, int count)
{
	FlowPredicate **children = palloc(sizeof(FlowPredicate *) * (count + 1));

	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		children[i] = nulls[i] ? flow_filter_constant(context->filter, FLOW_UNKNOWN)
		                       : flowlog_compare(context, comparison, elements[i]);
	}
	return any ? flow_filter_or(context->filter, children, count)
	           : flow_filter_and(context->filter, children, count);
}

FlowPredicate *
flowlog_compare_with_array(const QualWalk *context, const Comparison *comparison, bool any, Datum array_datum)
{
	ArrayType *array = DatumGetArrayTypeP(array_datum);
	Comparison inverse = *comparison;
	Datum *elements;
	bool *nulls;
	int count;
	int16 typlen;
	bool typbyval;
	char typalign;

	get_typlenbyvalalign(ARR_ELEMTYPE(array), &typlen, &typbyval, &typalign);
	deconstruct_array(array, ARR_ELEMTYPE(array), typlen, typbyval, typalign, &elements, &nulls, &count);

	if (any && has_set_form(comparison))
		return compare_with_set(context, comparison, elements, nulls, count);
	if (!any && comparison->op == FLOW_NE)
	{
		/* x <> ALL (set) is NOT x = ANY (set), also where either is NULL */
		inverse.op = FLOW_EQ;
		if (has_set_form(&inverse))
			return flow_filter_not(context->filter, compare_with_set(context, &inverse, elements, nulls, count));
	}
	return compare_with_each(context, comparison, any, elements, nulls, count);
}
