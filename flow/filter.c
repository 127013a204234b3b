/*-------------------------------------------------------------------------
 *
 * filter.c
 *	  Judges a record by the raw bytes of its fields.
 *
 * A predicate is a node with a function that judges it, chosen when the node is
 * built.  Here are the nodes that combine others; those that look at a field are
 * in three files, by what the field is turned into: a key (an int64 that orders
 * like the value), a text, or a network.
 *
 * Where a field's value can be told without flow_value_read, they do so; every
 * such shortcut decides the common case exactly, and leaves all others (null
 * texts, bad fields, unusual spellings) to flow_value_read.
 *
 *-------------------------------------------------------------------------
 */
#include "filter.h"

#include <string.h>

#define ARENA_CHUNK 8192
#define ARENA_ALIGN 16

#define COST_NULL 1
#define COST_SET 8 /* on top of the column's type */
#define COST_MOST 1000000

#define TRUTH_BIT(truth) (1u << (truth))

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

/* AND or OR, which differ in what they stop at only */
typedef struct List
{
	FlowPredicate base;
	FlowPredicate **children; /* the cheapest first, as far as they may change places */
	size_t count;
	size_t fixed;        /* of these: up to the last that may fail, they stay where they are */
	FlowTruth decides;   /* a child that is this makes the list the same */
	FlowTruth otherwise; /* what it is if no child decides it, nor is UNKNOWN */
	unsigned stops;      /* truths of a child that end it, as TRUTH_BITs */
} List;

/* how leaves on a column are built; NULL: there are no comparisons */
static const struct
{
	FlowBuild compare;
	FlowBuild any;
	int cost;
} types[] = {
	[FLOW_INT16] = {flow_filter_key_compare, flow_filter_key_any, 2},
	[FLOW_INT32] = {flow_filter_key_compare, flow_filter_key_any, 2},
	[FLOW_INT64] = {flow_filter_key_compare, flow_filter_key_any, 2},
	[FLOW_FLOAT] = {NULL, NULL, 0},
	[FLOW_DOUBLE] = {NULL, NULL, 0},
	[FLOW_DECIMAL] = {NULL, NULL, 0},
	[FLOW_BOOLEAN] = {flow_filter_key_compare, flow_filter_key_any, 4},
	[FLOW_TEXT] = {flow_filter_text_compare, flow_filter_text_any, 3},
	[FLOW_PADDED] = {flow_filter_text_compare, flow_filter_text_any, 3},
	[FLOW_ADDRESS] = {flow_filter_network_compare, flow_filter_network_any, 6},
	[FLOW_NETWORK] = {flow_filter_network_compare, flow_filter_network_any, 6},
	[FLOW_TIME] = {flow_filter_key_compare, flow_filter_key_any, 5},
	[FLOW_DAY] = {flow_filter_key_compare, flow_filter_key_any, 5},
	[FLOW_OPAQUE] = {NULL, NULL, 0},
};

const unsigned flow_filter_accepts[] = {
	[FLOW_EQ] = 2, [FLOW_NE] = 5, [FLOW_LT] = 1, [FLOW_LE] = 3, [FLOW_GT] = 4, [FLOW_GE] = 6};

/* ---------- the arena ---------- */

static void *
add_chunk(FlowFilter *filter, size_t size)
{
	FlowFilterChunk *chunk = NULL;

	if (size <= SIZE_MAX - sizeof(FlowFilterChunk))
		chunk = flow_allocate(filter->host, sizeof(FlowFilterChunk) + size);
	if (chunk == NULL)
	{
		filter->out_of_memory = true;
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

	if (filter->out_of_memory || count > (SIZE_MAX - ARENA_ALIGN) / size)
	{
		filter->out_of_memory = true;
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
	void *result = flow_filter_allocate(filter, count, size);

	if (result != NULL)
		memset(result, 0, count * size);
	return result;
}

/* ---------- tests ---------- */

FlowTruth
flow_filter_without_value(const FlowPredicate *predicate, FlowStatus status, FlowBadField *bad)
{
	bool is_null = predicate->filter->bad_is_null && !flow_filter_column(predicate)->not_null && status != FLOW_NO_MEMORY;

	if (status == FLOW_END)
		return FLOW_UNKNOWN;
	if (!is_null || bad->column < 0)
		*bad = (FlowBadField) {predicate->column, status};
	return is_null ? FLOW_UNKNOWN : FLOW_BROKEN;
}

static FlowTruth
test_null(const FlowPredicate *predicate, const FlowSlice *fields, FlowBadField *bad)
{
	FlowValue value;
	FlowStatus status = flow_filter_read(predicate, fields[predicate->column], &value);

	if (status == FLOW_OK)
		return FLOW_FALSE;
	return flow_filter_without_value(predicate, status, bad) == FLOW_UNKNOWN ? FLOW_TRUE : FLOW_BROKEN;
}

/* column = ANY ('{NULL}') */
static FlowTruth
test_unknown(const FlowPredicate *predicate, const FlowSlice *fields, FlowBadField *bad)
{
	return test_null(predicate, fields, bad) == FLOW_BROKEN ? FLOW_BROKEN : FLOW_UNKNOWN;
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
	static const FlowTruth negated[] = {
		[FLOW_FALSE] = FLOW_TRUE, [FLOW_TRUE] = FLOW_FALSE, [FLOW_UNKNOWN] = FLOW_UNKNOWN, [FLOW_BROKEN] = FLOW_BROKEN};
	const FlowPredicate *child = ((const Not *) predicate)->child;

	return negated[child->test(child, fields, bad)];
}

static FlowTruth
test_list(const FlowPredicate *predicate, const FlowSlice *fields, FlowBadField *bad)
{
	const List *list = (const List *) predicate;
	FlowTruth result = list->otherwise;

	for (size_t i = 0; i < list->count; i++)
	{
		const FlowPredicate *child = list->children[i];
		FlowTruth truth = child->test(child, fields, bad);

		if (TRUTH_BIT(truth) & list->stops)
			return truth;
		if (truth == FLOW_UNKNOWN)
			result = FLOW_UNKNOWN;
	}
	return result;
}

/* ---------- building ---------- */

FlowFilter *
flow_filter_create(const FlowHost *host, const FlowColumn *columns, int ncolumns, bool bad_is_null)
{
	FlowFilter *filter = flow_allocate(host, sizeof(FlowFilter));

	if (filter == NULL)
		return NULL;
	*filter = (FlowFilter) {.host = host, .columns = columns, .ncolumns = ncolumns, .bad_is_null = bad_is_null};
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
	flow_free(filter->host, filter);
}

void *
flow_filter_new_node(FlowFilter *filter, FlowTest test, int cost, size_t size)
{
	FlowPredicate *predicate = flow_filter_allocate_zeroed(filter, 1, size);

	if (predicate != NULL)
		*predicate = (FlowPredicate) {.test = test, .filter = filter, .cost = cost, .column = -1, .verdict = {FLOW_FALSE, FLOW_TRUE}};
	return predicate;
}

FlowPredicate *
flow_filter_new_leaf(FlowFilter *filter, int column, FlowTest test, size_t size)
{
	FlowPredicate *predicate = flow_filter_new_node(filter, test, types[filter->columns[column].type].cost, size);

	if (predicate != NULL)
		predicate->column = column;
	return predicate;
}

FlowPredicate *
flow_filter_compare(FlowFilter *filter, int column, FlowView view, FlowOp op, const FlowValue *constant)
{
	FlowBuild build = types[filter->columns[column].type].compare;

	return build == NULL ? NULL : build(filter, column, view, op, constant, 1);
}

FlowPredicate *
flow_filter_any(FlowFilter *filter, int column, FlowView view, FlowOp op,
                const FlowValue *constants, size_t count, bool has_null)
{
	FlowBuild build = types[filter->columns[column].type].any;
	FlowPredicate *predicate;

	if (count == 0 && !has_null)
		return flow_filter_constant(filter, FLOW_FALSE);
	if (count == 0)
		return flow_filter_new_leaf(filter, column, test_unknown, sizeof(FlowPredicate));

	predicate = build == NULL ? NULL : build(filter, column, view, op, constants, count);
	if (predicate == NULL)
		return NULL;
	predicate->cost += COST_SET;
	if (has_null)
		predicate->verdict[false] = FLOW_UNKNOWN;
	return predicate;
}

FlowPredicate *
flow_filter_is_null(FlowFilter *filter, int column)
{
	FlowPredicate *predicate = flow_filter_new_leaf(filter, column, test_null, sizeof(FlowPredicate));

	if (predicate != NULL)
		predicate->cost = COST_NULL;
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

/* Merges a conjunct into one of those before it: a time is then read once for both of its bounds. */
static bool
merge_child(FlowFilter *filter, FlowPredicate **children, size_t count, const FlowPredicate *child)
{
	for (size_t i = 0; i < count; i++)
	{
		FlowPredicate *merged = flow_filter_key_merge(filter, children[i], child);

		if (merged != NULL)
		{
			children[i] = merged;
			return true;
		}
	}
	return false;
}

static void
insert_child(List *list, FlowPredicate *child)
{
	size_t place = list->count++;

	if (child->may_fail)
		list->fixed = list->count;
	for (; place > list->fixed && list->children[place - 1]->cost > child->cost; place--)
		list->children[place] = list->children[place - 1];
	list->children[place] = child;
	list->base.may_fail |= child->may_fail;
	list->base.cost += child->cost;
	if (list->base.cost > COST_MOST)
		list->base.cost = COST_MOST;
}

static FlowPredicate *
build_list(FlowFilter *filter, FlowPredicate **children, size_t count, FlowTruth decides)
{
	List *list = flow_filter_new_node(filter, test_list, 0, sizeof(List));

	if (list == NULL)
		return NULL;
	list->decides = decides;
	list->otherwise = decides == FLOW_FALSE ? FLOW_TRUE : FLOW_FALSE;
	list->stops = TRUTH_BIT(decides) | TRUTH_BIT(FLOW_UNKNOWN) | TRUTH_BIT(FLOW_BROKEN);
	list->children = flow_filter_allocate(filter, count + 1, sizeof(FlowPredicate *));
	if (list->children == NULL)
		return NULL;
	for (size_t i = 0; i < count; i++)
	{
		/* nothing is moved before what may fail; of ranges that are merged, both fail or none does */
		size_t first = list->fixed > 0 ? list->fixed - 1 : 0;

		if (children[i] == NULL)
			return NULL;
		if (decides == FLOW_TRUE || !merge_child(filter, list->children + first, list->count - first, children[i]))
			insert_child(list, children[i]);
	}
	return filter->out_of_memory ? NULL : &list->base;
}

FlowPredicate *
flow_filter_and(FlowFilter *filter, FlowPredicate **children, size_t count)
{
	return build_list(filter, children, count, FLOW_FALSE);
}

FlowPredicate *
flow_filter_or(FlowFilter *filter, FlowPredicate **children, size_t count)
{
	return build_list(filter, children, count, FLOW_TRUE);
}

FlowPredicate *
flow_filter_not(FlowFilter *filter, FlowPredicate *child)
{
	Not *not = child == NULL ? NULL : flow_filter_new_node(filter, test_not, child->cost, sizeof(Not));

	if (not == NULL)
		return NULL;
	not ->child = child;
	not ->base.may_fail = child->may_fail;
	return &not ->base;
}

/*
 * Of the root it only matters whether it is TRUE, of what is below a NOT whether
 * it is FALSE, and so on downwards.  A list may stop at UNKNOWN unless the truth
 * that decides it is the one that matters: then a later child may still decide.
 *
 * PostgreSQL stops at NULL only among the conjuncts of WHERE.  Below them, a list with what may fail
 * is "exact": all that is tested before it is, and all that PostgreSQL would test.
 */
static void
find_stops(FlowPredicate *predicate, FlowTruth matters, bool exact)
{
	if (predicate->test == test_not)
		find_stops(((Not *) predicate)->child, matters == FLOW_TRUE ? FLOW_FALSE : FLOW_TRUE, exact || predicate->may_fail);
	else if (predicate->test == test_list)
	{
		List *list = (List *) predicate;

		if (list->decides == matters || exact)
			list->stops &= ~TRUTH_BIT(FLOW_UNKNOWN);
		for (size_t i = 0; i < list->count; i++)
			find_stops(list->children[i], matters, exact || list->children[i]->may_fail);
	}
}

void
flow_filter_set_root(FlowFilter *filter, FlowPredicate *root)
{
	filter->root = filter->out_of_memory ? NULL : root;
	if (root != NULL)
		find_stops(root, FLOW_TRUE, false);
}

size_t
flow_filter_conjuncts(const FlowFilter *filter, const FlowPredicate *const **conjuncts)
{
	const List *list = (const List *) filter->root;

	if (filter->root->test == test_list && list->decides == FLOW_FALSE)
	{
		*conjuncts = (const FlowPredicate *const *) list->children;
		return list->count;
	}
	*conjuncts = (const FlowPredicate *const *) &filter->root;
	return 1;
}

size_t
flow_filter_children(const FlowPredicate *predicate, const FlowPredicate *const **children, FlowTruth *decides, bool *negated)
{
	const List *list = (const List *) predicate;

	*negated = predicate->test == test_not;
	if (*negated)
	{
		*children = (const FlowPredicate *const *) &((const Not *) predicate)->child;
		return 1;
	}
	if (predicate->test != test_list)
		return 0;
	*children = (const FlowPredicate *const *) list->children;
	*decides = list->decides;
	return list->count;
}

bool
flow_filter_is_constant(const FlowPredicate *predicate, FlowTruth *truth)
{
	if (predicate->test != test_constant)
		return false;
	*truth = ((const Constant *) predicate)->truth;
	return true;
}

void
flow_filter_visit_leaves(const FlowPredicate *predicate, void (*visit)(void *arg, const FlowPredicate *leaf), void *arg)
{
	if (predicate->test == test_not)
		flow_filter_visit_leaves(((const Not *) predicate)->child, visit, arg);
	else if (predicate->test == test_list)
	{
		const List *list = (const List *) predicate;

		for (size_t i = 0; i < list->count; i++)
			flow_filter_visit_leaves(list->children[i], visit, arg);
	}
	else if (predicate->column >= 0)
		visit(arg, predicate);
}

bool
flow_filter_judge_row(const FlowPredicate *leaf, const FlowBatch *batch, FlowSlice *fields, uint32_t *row)
{
	FlowBadField bad = {-1, FLOW_OK};

	/* a leaf looks at its own column's alone */
	fields[leaf->column] = flow_filter_field(batch, *row, (uint32_t) batch->place[leaf->column]);
	return flow_filter_keeps(leaf->test(leaf, fields, &bad), &bad, row);
}

FlowTruth
flow_filter_test(const FlowFilter *filter, const FlowSlice *fields, FlowBadField *bad)
{
	*bad = (FlowBadField) {-1, FLOW_OK};
	if (flow_unlikely(filter->root == NULL))
	{
		bad->status = FLOW_NO_MEMORY;
		return FLOW_BROKEN;
	}
	return filter->root->test(filter->root, fields, bad);
}
