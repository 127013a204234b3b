/*-------------------------------------------------------------------------
 *
 * filter.c
 *	  Evaluates a filter on the raw bytes of a record's fields.
 *
 * A predicate is a node with a function that evaluates it, chosen when the
 * node is built.  Lists of predicates are in filter_list.c, comparisons in
 * filter_compare.c.
 *
 * A comparison with many constants never looks at each of them when it is
 * evaluated.  "x > ALL (constants)" is "x > the greatest", and so on: see
 * flow_filter_reduce, and filter_network.c for networks.
 *
 * Where a field's value can be told without flow_value_read, they do so; every
 * such shortcut decides the common case exactly, and leaves all others (null
 * texts, bad fields, unusual spellings) to flow_value_read.
 *
 *-------------------------------------------------------------------------
 */
#include "expression.h"
#include "filter.h"
#include "sort.h"

#include <string.h>

#define ARENA_CHUNK 8192
#define ARENA_ALIGN 16

#define COST_NULL 1

#define CLEARED_AT_ONCE (1024 * 1024) /* bytes */

struct FlowFilterChunk
{
	FlowFilterChunk *next;
	char padding[ARENA_ALIGN - sizeof(FlowFilterChunk *)];
};

typedef struct Constant
{
	FlowPredicate base;
	FlowTruth truth;
} Constant;

typedef struct Not
{
	FlowPredicate base;
	FlowPredicate *child;
} Not;

/* cost of reading a column of a type */
static const int costs[] = {
	[FLOW_INT16] = 2,
	[FLOW_INT32] = 2,
	[FLOW_INT64] = 2,
	[FLOW_BOOLEAN] = 4,
	[FLOW_TEXT] = 3,
	[FLOW_PADDED] = 3,
	[FLOW_ADDRESS] = 6,
	[FLOW_NETWORK] = 6,
	[FLOW_TIME] = 5,
	[FLOW_DAY] = 5,
	[FLOW_OPAQUE] = 0,
};

const unsigned flow_filter_accepts[] =
	{[FLOW_EQ] = 2, [FLOW_NE] = 5, [FLOW_LT] = 1, [FLOW_LE] = 3, [FLOW_GT] = 4, [FLOW_GE] = 6};

/* ---------- what can end the building ---------- */

bool
flow_filter_fail(FlowFilter *filter, FlowStatus status)
{
	if (filter->status == FLOW_OK)
		filter->status = status;
	return false;
}

bool
flow_filter_check_interrupts(FlowFilter *filter)
{
	if (filter->status != FLOW_OK)
		return false;
	return !flow_interrupted(filter->host) || flow_filter_fail(filter, FLOW_INTERRUPTED);
}

FlowStatus
flow_filter_status(const FlowFilter *filter)
{
	return filter->status;
}

/* ---------- the arena ---------- */

static void *
add_chunk(FlowFilter *filter, size_t size)
{
	FlowFilterChunk *chunk = NULL;

	if (size <= SIZE_MAX - sizeof(FlowFilterChunk))
		chunk = flow_allocate(filter->host, sizeof(FlowFilterChunk) + size);
	if (chunk == NULL)
	{
		flow_filter_fail(filter, FLOW_NO_MEMORY);
		return NULL;
	}
	chunk->next = filter->chunks;
	filter->chunks = chunk;
	return chunk + 1;
}

void *
flow_filter_allocate(FlowFilter *filter, size_t count, size_t size)
{
	void *result;

	if (filter->status != FLOW_OK || count > (SIZE_MAX - ARENA_ALIGN) / size)
	{
		flow_filter_fail(filter, FLOW_NO_MEMORY);
		return NULL;
	}
	size = (count * size + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
	if (size > ARENA_CHUNK / 4)
		return add_chunk(filter, size);
	if (size > filter->free_size)
	{
		filter->free_space = add_chunk(filter, ARENA_CHUNK);
		filter->free_size = filter->free_space == NULL ? 0 : ARENA_CHUNK;
		if (filter->free_space == NULL)
			return NULL;
	}
	result = filter->free_space;
	filter->free_space += size;
	filter->free_size -= size;
	return result;
}

void *
flow_filter_allocate_zeroed(FlowFilter *filter, size_t count, size_t size)
{
	char *result = flow_filter_allocate(filter, count, size);
	size_t bytes = result == NULL ? 0 : count * size;

	for (size_t done = 0; done < bytes; done += CLEARED_AT_ONCE)
	{
		memset(result + done, 0, bytes - done < CLEARED_AT_ONCE ? bytes - done : CLEARED_AT_ONCE);
		if (bytes > CLEARED_AT_ONCE && !flow_filter_check_interrupts(filter))
			return NULL;
	}
	return result;
}

/* ---------- tests ---------- */

FlowTruth
flow_filter_without_value(const FlowPredicate *predicate, FlowStatus status, FlowBadField *bad)
{
	bool is_null = predicate->filter->bad_is_null && !flow_filter_column(predicate)->not_null &&
	               status != FLOW_NO_MEMORY;

	if (status == FLOW_END)
		return FLOW_UNKNOWN;
	if (!is_null || bad->column < 0)
		*bad = (FlowBadField) {predicate->column, status};
	return is_null ? FLOW_UNKNOWN : FLOW_ERROR;
}

static FlowTruth
test_null(const FlowPredicate *predicate, const FlowSlice *fields, FlowBadField *bad)
{
	FlowValue value;
	FlowStatus status = flow_filter_read(predicate, fields[predicate->column], &value);

	if (status == FLOW_OK)
		return FLOW_FALSE;
	return flow_filter_without_value(predicate, status, bad) == FLOW_UNKNOWN ? FLOW_TRUE
	                                                                         : FLOW_ERROR;
}

/* verdict[true], if there is a value */
static FlowTruth
test_same(const FlowPredicate *predicate, const FlowSlice *fields, FlowBadField *bad)
{
	FlowValue value;
	FlowStatus status = flow_filter_read(predicate, fields[predicate->column], &value);

	return status == FLOW_OK ? predicate->verdict[true]
	                         : flow_filter_without_value(predicate, status, bad);
}

static FlowTruth
test_constant(const FlowPredicate *predicate, const FlowSlice *fields, FlowBadField *bad)
{
	(void) fields;
	(void) bad;
	return ((const Constant *) predicate)->truth;
}

static FlowTruth
test_not(const FlowPredicate *predicate, const FlowSlice *fields, FlowBadField *bad)
{
	static const FlowTruth negated[] = {[FLOW_FALSE] = FLOW_TRUE,
	                                    [FLOW_TRUE] = FLOW_FALSE,
	                                    [FLOW_UNKNOWN] = FLOW_UNKNOWN,
	                                    [FLOW_ERROR] = FLOW_ERROR};
	const FlowPredicate *child = ((const Not *) predicate)->child;

	return negated[child->test(child, fields, bad)];
}

/*
 * "column IS NOT NULL" for many records at once: most fields of numbers and
 * times are digits, which are values.  (It takes a sixth of the time of a test
 * for each record, and a query by the minute a fifth less.)
 */
static size_t
select_values(const FlowPredicate *predicate, const FlowBatch *batch, FlowSlice *fields,
              uint32_t *rows, size_t count)
{
	const FlowPredicate *child = ((const Not *) predicate)->child;
	uint32_t good = flow_value_good_digits(flow_filter_column(child));
	int place = batch->place[child->column];
	size_t kept = 0;

	if (place < 0)
		fields[child->column] = flow_batch_constant(batch, child->column);
	for (size_t i = 0; i < count; i++)
	{
		FlowBadField bad = {-1, FLOW_OK};
		uint32_t row = rows[i];
		bool keeps = (row & FLOW_ROW_DOUBTFUL) != 0;

		if (!keeps && place >= 0)
		{
			uint32_t end = row + (uint32_t) place;
			FlowSlice field = flow_filter_field(batch, row, (uint32_t) place);

			keeps = (batch->digits[end / 8] >> (end % 8) & 1) != 0 && field.len - 1 < good;
			fields[child->column] = field;
		}
		if (flow_unlikely(!keeps))
			keeps = flow_filter_keeps(test_not(predicate, fields, &bad), &bad, &row);
		rows[kept] = row;
		kept += keeps;
	}
	return kept;
}

/* ---------- building ---------- */

FlowFilter *
flow_filter_create(const FlowHost *host, const FlowColumn *columns, int ncolumns, bool bad_is_null)
{
	FlowFilter *filter = flow_allocate(host, sizeof(FlowFilter));

	if (filter == NULL)
		return NULL;
	*filter = (FlowFilter) {.host = host,
	                        .columns = columns,
	                        .ncolumns = ncolumns,
	                        .bad_is_null = bad_is_null};
	filter->seed = flow_filter_mix((uint64_t) host->clock(host->arg) + (uintptr_t) filter);
	return filter;
}

void
flow_filter_free(FlowFilter *filter)
{
	if (filter == NULL)
		return;
	while (filter->chunks != NULL)
	{
		FlowFilterChunk *next = filter->chunks->next;

		flow_free(filter->host, filter->chunks);
		filter->chunks = next;
	}
	flow_expressions_free(filter->expressions);
	flow_free(filter->host, filter);
}

FlowExpressions *
flow_filter_expressions(FlowFilter *filter)
{
	if (filter->expressions == NULL)
		filter->expressions =
			flow_expressions_create(filter->host, filter->columns, filter->ncolumns);
	if (filter->expressions == NULL)
		(void) flow_filter_fail(filter, FLOW_NO_MEMORY);
	return filter->expressions;
}

FlowMemo *
flow_filter_memo(const FlowFilter *filter)
{
	return filter != NULL && filter->expressions != NULL ? filter->expressions->memo : NULL;
}

void *
flow_filter_new_node(FlowFilter *filter, FlowTest test, int cost, size_t size)
{
	FlowPredicate *predicate = flow_filter_allocate_zeroed(filter, 1, size);

	if (predicate != NULL)
		*predicate = (FlowPredicate) {.test = test,
		                              .filter = filter,
		                              .cost = cost,
		                              .column = -1,
		                              .weight = 1,
		                              .verdict = {FLOW_FALSE, FLOW_TRUE}};
	return predicate;
}

FlowPredicate *
flow_filter_new_leaf(FlowFilter *filter, int column, FlowTest test, size_t size)
{
	FlowPredicate *predicate =
		flow_filter_new_node(filter, test, costs[filter->columns[column].type], size);

	if (predicate != NULL)
		predicate->column = column;
	return predicate;
}

/* A leaf that is the same for all values matches with all of them, or none. */
static bool
find_no_values(const FlowPredicate *predicate, FlowIndexRanges *ranges)
{
	(void) ranges;
	return predicate->verdict[true] != FLOW_TRUE;
}

FlowPredicate *
flow_filter_same(FlowFilter *filter, int column, FlowTruth truth)
{
	FlowPredicate *predicate =
		flow_filter_new_leaf(filter, column, test_same, sizeof(FlowPredicate));

	if (predicate == NULL)
		return NULL;
	predicate->verdict[false] = predicate->verdict[true] = truth;
	predicate->find_values = find_no_values;
	return predicate;
}

FlowReduced
flow_filter_reduce(FlowFilter *filter, const FlowComparison *comparison, FlowCompare compare,
                   const void *arg, const FlowValue **constant)
{
	FlowOp op = comparison->op;
	bool equality = op == FLOW_EQ || op == FLOW_NE;
	bool least = (op == FLOW_LT || op == FLOW_LE) == comparison->all; /* which one decides */
	const FlowValue *one = comparison->constants;

	*constant = one;
	if (comparison->count > 1 && equality && comparison->all == (op == FLOW_NE))
		return FLOW_REDUCED_TO_SET;
	for (size_t i = 1; i < comparison->count; i++)
	{
		int order = compare(&comparison->constants[i], one, arg);

		/* nothing equals two values, and nothing is equal to both */
		if (equality && order != 0)
			return op == FLOW_EQ ? FLOW_REDUCED_TO_FALSE : FLOW_REDUCED_TO_TRUE;
		if (least ? order < 0 : order > 0)
			one = &comparison->constants[i];
		if (!flow_filter_goes_on(filter, i))
			return FLOW_NOT_REDUCED;
	}
	*constant = one;
	return FLOW_REDUCED_TO_ONE;
}

/* Keeps the rows that have a value, or those that have none. */
static flow_always_inline size_t
select_by_presence(const uint8_t *present, uint8_t wanted, uint32_t *rows, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
	{
		uint32_t row = rows[i];

		rows[kept] = row;
		kept += (present[row & ~FLOW_ROW_MARKS] == wanted) | row >> 31;
	}
	return kept;
}

static size_t
select_absent(const FlowPredicate *predicate, const int64_t *numbers, const uint8_t *present,
              uint32_t *rows, size_t count)
{
	(void) predicate;
	(void) numbers;
	return select_by_presence(present, 0, rows, count);
}

static size_t
select_present(const FlowPredicate *predicate, const int64_t *numbers, const uint8_t *present,
               uint32_t *rows, size_t count)
{
	(void) predicate;
	(void) numbers;
	return select_by_presence(present, 1, rows, count);
}

static bool
find_null(const FlowPredicate *predicate, FlowIndexRanges *ranges)
{
	(void) predicate;
	if (ranges != NULL)
		flow_index_ranges_add_kind(ranges, FLOW_INDEX_NULL);
	return true;
}

FlowPredicate *
flow_filter_is_null(FlowFilter *filter, int column)
{
	FlowPredicate *predicate =
		flow_filter_new_leaf(filter, column, test_null, sizeof(FlowPredicate));

	if (predicate == NULL)
		return NULL;
	predicate->cost = COST_NULL;
	predicate->select_numbers = select_absent;
	predicate->find_values = find_null;
	return predicate;
}

FlowPredicate *
flow_filter_constant(FlowFilter *filter, FlowTruth truth)
{
	Constant *constant = flow_filter_new_node(filter, test_constant, 0, sizeof(Constant));

	if (constant == NULL)
		return NULL;
	constant->truth = truth;
	return &constant->base;
}

FlowPredicate *
flow_filter_not(FlowFilter *filter, FlowPredicate *child)
{
	Not *not =
		child == NULL ? NULL : flow_filter_new_node(filter, test_not, child->cost, sizeof(Not));

	if (not == NULL)
		return NULL;
	not ->child = child;
	not ->base.may_fail = child->may_fail;
	not ->base.weight = child->weight + 1;
	if (flow_filter_is_null_test(child))
	{
		not ->base.select_numbers = select_present;
		if (flow_value_good_digits(flow_filter_column(child)) > 0)
			not ->base.select = select_values;
	}
	return &not ->base;
}

FlowPredicate **
flow_filter_negated_place(FlowPredicate *predicate)
{
	return predicate->test == test_not ? &((Not *) predicate)->child : NULL;
}

FlowPredicate *
flow_filter_negated(const FlowPredicate *predicate)
{
	return predicate->test == test_not ? ((const Not *) predicate)->child : NULL;
}

bool
flow_filter_is_null_test(const FlowPredicate *predicate)
{
	return predicate->test == test_null;
}

bool
flow_filter_is_constant(const FlowPredicate *predicate, FlowTruth *truth)
{
	if (predicate->test != test_constant)
		return false;
	*truth = ((const Constant *) predicate)->truth;
	return true;
}

bool
flow_filter_test_row(const FlowPredicate *leaf, const FlowBatch *batch, FlowSlice *fields,
                     uint32_t *row)
{
	FlowBadField bad = {-1, FLOW_OK};

	/* a leaf uses only its own column's */
	fields[leaf->column] = flow_filter_field(batch, *row, (uint32_t) batch->place[leaf->column]);
	return flow_filter_keeps(leaf->test(leaf, fields, &bad), &bad, row);
}

FlowTruth
flow_filter_test(const FlowFilter *filter, const FlowSlice *fields, FlowBadField *bad)
{
	*bad = (FlowBadField) {-1, FLOW_OK};
	if (flow_unlikely(filter->root == NULL))
	{
		bad->status = filter->status != FLOW_OK ? filter->status : FLOW_NO_MEMORY;
		return FLOW_ERROR;
	}
	return filter->root->test(filter->root, fields, bad);
}
