/*-------------------------------------------------------------------------
 *
 * trino_aggregate.c
 *	  Aggregates of Trino that queries on flow logs use.
 *
 * Trino's approx_distinct and approx_percentile estimate; these are exact.
 * They collect values in an array of up to work_mem, in which approx_distinct
 * keeps each value once, and beyond that in a sort on disk.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_aggregate.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/syscache.h"
#include "utils/tuplesort.h"
#include "utils/typcache.h"

FLOWLOG_FUNCTION(flowlog_count_if_step);
FLOWLOG_FUNCTION(flowlog_arbitrary_step);
FLOWLOG_FUNCTION(flowlog_max_by_step);
FLOWLOG_FUNCTION(flowlog_min_by_step);
FLOWLOG_FUNCTION(flowlog_best_by);
FLOWLOG_FUNCTION(flowlog_distinct_step);
FLOWLOG_FUNCTION(flowlog_distinct);
FLOWLOG_FUNCTION(flowlog_percentile_step);
FLOWLOG_FUNCTION(flowlog_percentile);

/* ---------- count_if, arbitrary ---------- */

/* the next state of count_if(boolean); NULL does not count */
Datum
flowlog_count_if_step(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(PG_GETARG_INT64(0) + (PG_GETARG_BOOL(1) ? 1 : 0));
}

/*
 * Returns true if the aggregate is our count_if(boolean), by the function of
 * its steps: its name and schema may have been changed.
 */
bool
flowlog_is_count_if(Oid aggregate)
{
	HeapTuple tuple;
	FmgrInfo step;

	if (aggregate < FirstNormalObjectId)
		return false;
	tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(aggregate));
	if (!HeapTupleIsValid(tuple))
		return false;
	fmgr_info(((Form_pg_aggregate) GETSTRUCT(tuple))->aggtransfn, &step);
	ReleaseSysCache(tuple);
	return step.fn_addr == flowlog_count_if_step;
}

/* the next state of arbitrary(anyelement): the first value that is not NULL */
Datum
flowlog_arbitrary_step(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

/* ---------- types and memory ---------- */

/* Returns the context of the aggregate's state. */
static MemoryContext
state_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (AggCheckCallContext(fcinfo, &context) == 0)
		elog(ERROR, "aggregate function called in non-aggregate context");
	return context;
}

/* Returns the type of an argument, with the functions that order its values. */
static TypeCacheEntry *
ordered_type(FunctionCallInfo fcinfo, int argument)
{
	Oid type = get_fn_expr_argtype(fcinfo->flinfo, argument);
	TypeCacheEntry *entry;

	if (!OidIsValid(type))
		elog(ERROR, "could not determine input data type");
	entry = lookup_type_cache(type, TYPECACHE_LT_OPR | TYPECACHE_CMP_PROC_FINFO);
	if (!OidIsValid(entry->lt_opr) || !OidIsValid(entry->cmp_proc_finfo.fn_oid))
		ereport(ERROR,
		        errcode(ERRCODE_UNDEFINED_FUNCTION),
		        errmsg("could not identify an ordering operator for type %s",
		               format_type_be(type)));
	return entry;
}

static int
compare(const TypeCacheEntry *type, Oid collation, Datum a, Datum b)
{
	return DatumGetInt32(
		FunctionCall2Coll(unconstify(FmgrInfo *, &type->cmp_proc_finfo), collation, a, b));
}

/* Copies a value into the current memory context. */
static Datum
copy_value(Datum value, bool byval, int16 len)
{
	if (!byval && len == -1)
		return PointerGetDatum(PG_DETOAST_DATUM_COPY(value));
	return datumCopy(value, byval, len);
}

/* ---------- max_by, min_by ---------- */

/* The value with the greatest or the least key so far. */
typedef struct Best
{
	TypeCacheEntry *type; /* of the value */
	TypeCacheEntry *key_type;
	Datum key;
	Datum value;
	bool value_is_null;
} Best;

/* Takes a value and its key in place of those before. */
static void
take(Best *best, FunctionCallInfo fcinfo, bool first)
{
	if (!first && !best->key_type->typbyval)
		pfree(DatumGetPointer(best->key));
	if (!first && !best->value_is_null && !best->type->typbyval)
		pfree(DatumGetPointer(best->value));
	best->key = copy_value(PG_GETARG_DATUM(2), best->key_type->typbyval, best->key_type->typlen);
	best->value_is_null = PG_ARGISNULL(1);
	if (!best->value_is_null)
		best->value = copy_value(PG_GETARG_DATUM(1), best->type->typbyval, best->type->typlen);
}

/* Returns true if the argument's key comes after that of the state. */
static bool
is_better(const Best *best, FunctionCallInfo fcinfo, int sign)
{
	int order = compare(best->key_type, PG_GET_COLLATION(), PG_GETARG_DATUM(2), best->key);

	return sign > 0 ? order > 0 : order < 0;
}

/* Returns the next state; "sign" is 1 for the greatest key, -1 for the least. */
static Datum
best_by_step(FunctionCallInfo fcinfo, int sign)
{
	MemoryContext context = state_context(fcinfo);
	Best *best = PG_ARGISNULL(0) ? NULL : (Best *) PG_GETARG_POINTER(0);
	MemoryContext old;
	bool first = best == NULL;

	if (first && PG_ARGISNULL(2))
		PG_RETURN_NULL();
	if (first)
	{
		best = MemoryContextAllocZero(context, sizeof(Best));
		best->type = lookup_type_cache(get_fn_expr_argtype(fcinfo->flinfo, 1), 0);
		best->key_type = ordered_type(fcinfo, 2);
	}
	if (first || (!PG_ARGISNULL(2) && is_better(best, fcinfo, sign)))
	{
		old = MemoryContextSwitchTo(context);
		take(best, fcinfo, first);
		MemoryContextSwitchTo(old);
	}
	PG_RETURN_POINTER(best);
}

Datum
flowlog_max_by_step(PG_FUNCTION_ARGS)
{
	return best_by_step(fcinfo, 1);
}

Datum
flowlog_min_by_step(PG_FUNCTION_ARGS)
{
	return best_by_step(fcinfo, -1);
}

/* the result of max_by and min_by */
Datum
flowlog_best_by(PG_FUNCTION_ARGS)
{
	const Best *best = PG_ARGISNULL(0) ? NULL : (const Best *) PG_GETARG_POINTER(0);

	if (best == NULL || best->value_is_null)
		PG_RETURN_NULL();
	return copy_value(best->value, best->type->typbyval, best->type->typlen);
}

/* ---------- a collection of values ---------- */

/* limit of an array, which repalloc must be able to give */
#define MAX_ARRAY_BYTES (MaxAllocSize / 2)

typedef struct Values
{
	TypeCacheEntry *type;
	Oid collation;
	bool distinct;       /* each value is kept once */
	double percentage;   /* of approx_percentile */
	MemoryContext space; /* of the array, and of values by reference */
	Datum *items;
	int64 count;
	int64 capacity;
	Size bytes;           /* of values by reference */
	Tuplesortstate *sort; /* NULL: all values are in the array */
	int64 sorted;         /* number of values in it */
} Values;

/* Ends the sort when the state's memory is freed. */
static void
end_sort(Datum arg)
{
	Values *values = (Values *) DatumGetPointer(arg);

	if (values->sort != NULL)
		tuplesort_end(values->sort);
	values->sort = NULL;
}

/* Makes a state for values of argument 1. */
static Values *
new_values(FunctionCallInfo fcinfo, bool distinct)
{
	MemoryContext context = state_context(fcinfo);
	Values *values = MemoryContextAllocZero(context, sizeof(Values));

	values->type = ordered_type(fcinfo, 1);
	values->collation = PG_GET_COLLATION();
	values->distinct = distinct;
	values->space = context;
	values->capacity = 8;
	values->items = MemoryContextAlloc(context, sizeof(Datum) * values->capacity);
	AggRegisterCallback(fcinfo, end_sort, PointerGetDatum(values));
	return values;
}

/* The order of two values, for qsort_arg. */
static int
compare_items(const void *a, const void *b, void *arg)
{
	const Values *values = arg;

	CHECK_FOR_INTERRUPTS();
	return compare(values->type, values->collation, *(const Datum *) a, *(const Datum *) b);
}

static void
free_item(Values *values, Datum item)
{
	if (values->type->typbyval)
		return;
	values->bytes -= GetMemoryChunkSpace(DatumGetPointer(item));
	pfree(DatumGetPointer(item));
}

/* Sorts the array, and leaves each value in it once if they are distinct. */
static void
sort_items(Values *values)
{
	int64 kept = 0;

	qsort_arg(values->items, values->count, sizeof(Datum), compare_items, values);
	for (int64 i = 0; i < values->count && values->distinct; i++)
		if (kept == 0 || compare_items(&values->items[kept - 1], &values->items[i], values) != 0)
			values->items[kept++] = values->items[i];
		else
			free_item(values, values->items[i]);
	if (values->distinct)
		values->count = kept;
}

/* Begins a sort in the memory of the state. */
static void
begin_sort(Values *values)
{
	MemoryContext old = MemoryContextSwitchTo(values->space);

	values->sort = tuplesort_begin_datum(
		values->type->type_id, values->type->lt_opr, values->collation, false, work_mem, NULL, 0);
	MemoryContextSwitchTo(old);
}

/* Moves the array's values to the sort. */
static void
move_to_sort(Values *values)
{
	if (values->sort == NULL)
		begin_sort(values);
	for (int64 i = 0; i < values->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		tuplesort_putdatum(values->sort, values->items[i], false);
		free_item(values, values->items[i]);
	}
	values->sorted += values->count;
	values->count = 0;
}

/*
 * Makes room for another value: by leaving out those that are there twice, by
 * a larger array, or by moving all to the sort.  At least half of the room is
 * free then, so that values are not sorted again for each that is added.
 */
static void
make_room(Values *values, Size limit)
{
	Size larger = sizeof(Datum) * values->capacity * 2;

	if (values->distinct)
		sort_items(values);
	if (values->bytes > limit / 2 ||
	    (values->count > values->capacity / 2 && values->bytes + larger > limit))
		move_to_sort(values);
	if (values->count <= values->capacity / 2)
		return;
	values->capacity *= 2;
	values->items = repalloc(values->items, larger);
}

/* Adds argument 1. */
static void
add_value(Values *values, FunctionCallInfo fcinfo)
{
	Size limit = Min((Size) work_mem * 1024, MAX_ARRAY_BYTES);
	MemoryContext old;
	Datum item;

	if (values->count == values->capacity || values->bytes > limit)
		make_room(values, limit);
	old = MemoryContextSwitchTo(values->space);
	item = copy_value(PG_GETARG_DATUM(1), values->type->typbyval, values->type->typlen);
	MemoryContextSwitchTo(old);
	values->items[values->count++] = item;
	if (!values->type->typbyval)
		values->bytes += GetMemoryChunkSpace(DatumGetPointer(item));
}

/* Moves all to the sort, if there is one, and sorts; otherwise the array. */
static void
finish(Values *values)
{
	if (values->sort == NULL)
	{
		sort_items(values);
		return;
	}
	move_to_sort(values);
	tuplesort_performsort(values->sort);
}

/* Returns the next value of the sort, in the current memory context. */
static bool
next_sorted(Values *values, Datum *value)
{
	bool isnull;

	return tuplesort_getdatum(values->sort,
	                          true,
#if PG_VERSION_NUM >= 160000
	                          true,
#endif
	                          value,
	                          &isnull,
	                          NULL);
}

/* ---------- approx_distinct ---------- */

Datum
flowlog_distinct_step(PG_FUNCTION_ARGS)
{
	Values *values = PG_ARGISNULL(0) ? NULL : (Values *) PG_GETARG_POINTER(0);

	if (values == NULL)
		values = new_values(fcinfo, true);
	if (!PG_ARGISNULL(1))
		add_value(values, fcinfo);
	PG_RETURN_POINTER(values);
}

/* Counts the values of the sort that differ from those before. */
static int64
count_sorted(Values *values)
{
	Datum last = (Datum) 0;
	Datum value;
	int64 count = 0;

	while (next_sorted(values, &value))
	{
		bool is_new = count == 0 || compare_items(&last, &value, values) != 0;

		count += is_new;
		if (!values->type->typbyval && (count > 1 || !is_new))
			pfree(DatumGetPointer(last));
		last = value;
	}
	return count;
}

Datum
flowlog_distinct(PG_FUNCTION_ARGS)
{
	Values *values = PG_ARGISNULL(0) ? NULL : (Values *) PG_GETARG_POINTER(0);

	if (values == NULL)
		PG_RETURN_INT64(0);
	finish(values);
	PG_RETURN_INT64(values->sort == NULL ? values->count : count_sorted(values));
}

/* ---------- approx_percentile ---------- */

Datum
flowlog_percentile_step(PG_FUNCTION_ARGS)
{
	Values *values = PG_ARGISNULL(0) ? NULL : (Values *) PG_GETARG_POINTER(0);
	double percentage;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
	{
		if (values == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(values);
	}
	percentage = PG_GETARG_FLOAT8(2);
	if (!(percentage >= 0 && percentage <= 1))
		ereport(ERROR,
		        errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
		        errmsg("percentile value %g is not between 0 and 1", percentage));
	if (values == NULL)
	{
		values = new_values(fcinfo, false);
		values->percentage = percentage;
	}
	if (values->percentage != percentage)
		ereport(ERROR,
		        errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		        errmsg("percentile value must be the same for all rows of a group"));
	add_value(values, fcinfo);
	PG_RETURN_POINTER(values);
}

/* the result of approx_percentile, which percentile_disc gives as well */
Datum
flowlog_percentile(PG_FUNCTION_ARGS)
{
	Values *values = PG_ARGISNULL(0) ? NULL : (Values *) PG_GETARG_POINTER(0);
	int64 number;
	Datum value;

	if (values == NULL)
		PG_RETURN_NULL();
	finish(values);
	number = (int64) ceil(values->percentage * (values->count + values->sorted));
	number = Max(number, 1);
	if (values->sort == NULL)
		return copy_value(values->items[number - 1], values->type->typbyval, values->type->typlen);
	if (!tuplesort_skiptuples(values->sort, number - 1, true) || !next_sorted(values, &value))
		elog(ERROR, "missing value in a percentile");
	return value;
}
