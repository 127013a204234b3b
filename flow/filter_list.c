/*-------------------------------------------------------------------------
 *
 * filter_list.c
 *	  AND and OR: combines their children, and orders their evaluation.
 *
 * Children that make the same comparison with one constant after the other, as
 * in "a = 1 OR a = 2 OR ...", become a single one, "a = ANY (1, 2, ...)".  So
 * it takes no longer to evaluate a list that was written out than one that is
 * an array.
 *
 * Other children are evaluated one by one.  Such a list may be long, so it
 * checks for an interrupt now and then.
 *
 *-------------------------------------------------------------------------
 */
#include "filter.h"
#include "lines.h"
#include "sort.h"

#include <string.h>

/*
 * The kind of a child: children of the same kind can be combined.  0: with
 * none.
 */
typedef uint64_t Kind;

#define KIND_COLUMN 16 /* from this bit on, one more than the column */
#define KIND_VIEW 6    /* from this bit on, the view, too */

typedef enum KindOfNode
{
	KIND_COMPARISON = 1,
	KIND_NULL_TEST,
	KIND_CONSTANT
} KindOfNode;

/*
 * A child of the list that is being built.  A child that may fail must be
 * evaluated after all that precede it, and before all that follow it: children
 * change places, and are combined, only within a segment.
 */
typedef struct Entry
{
	FlowPredicate *child; /* NULL: it was combined with another one */
	Kind kind;
	size_t segment;
	size_t place; /* in the list as it was given */
} Entry;

/* ---------- evaluating ---------- */

/*
 * Records the first field that one of the first "count" children takes for
 * NULL.
 */
static void
note_nulled(const FlowFilterList *list, size_t count, const FlowSlice *fields, FlowBadField *bad)
{
	FlowBadField nulled = {-1, FLOW_OK};

	for (size_t i = 0; i < count && nulled.column < 0; i++)
		(void) list->children[i]->test(list->children[i], fields, &nulled);
	if (nulled.column >= 0)
		*bad = nulled;
}

/*
 * Handles a conjunct with a bad field.  If a later conjunct drops the record,
 * there is no error: so no error tells of a record that a policy of row-level
 * security hides, because the policy is a conjunct, too.  Conjuncts that may
 * fail are not evaluated, because they come after those before them.
 */
static FlowTruth
test_others(const FlowFilterList *list, size_t broken, const FlowSlice *fields, FlowBadField *bad)
{
	const FlowFilter *filter = list->base.filter;

	for (size_t i = broken + 1; i < list->count; i++)
	{
		const FlowPredicate *child = list->children[i];
		FlowBadField other = {-1, FLOW_OK};
		FlowTruth truth;

		if ((i - broken) % FLOW_FILTER_LOOK == 0 && flow_interrupted(filter->host))
		{
			*bad = (FlowBadField) {-1, FLOW_INTERRUPTED};
			return FLOW_ERROR;
		}
		if (child->may_fail)
			continue;
		truth = child->test(child, fields, &other);
		if (truth == FLOW_FALSE || truth == FLOW_UNKNOWN || other.status == FLOW_INTERRUPTED)
		{
			*bad = other;
			if (filter->bad_is_null && truth != FLOW_ERROR)
				note_nulled(list, broken, fields, bad);
			return truth;
		}
	}
	return FLOW_ERROR;
}

/*
 * Returns true if what a conjunct failed on is a bad field of the record.  An
 * expression may fail otherwise, too, but then needs a value.
 */
static bool
is_of_record(const FlowPredicate *child, const FlowBadField *bad)
{
	return bad->status != FLOW_INTERRUPTED && bad->status != FLOW_NEED_VALUE &&
	       (!child->may_fail || child->columns != NULL);
}

static FlowTruth
test_list(const FlowPredicate *predicate, const FlowSlice *fields, FlowBadField *bad)
{
	const FlowFilterList *list = (const FlowFilterList *) predicate;
	FlowTruth result = list->otherwise;
	size_t look = list->check_every;

	for (size_t i = 0; i < list->count; i++)
	{
		const FlowPredicate *child = list->children[i];
		FlowTruth truth = child->test(child, fields, bad);

		if (FLOW_TRUTH_BIT(truth) & list->stops)
			return truth == FLOW_ERROR && list->is_root && is_of_record(child, bad)
			           ? test_others(list, i, fields, bad)
			           : truth;
		if (truth == FLOW_UNKNOWN)
			result = FLOW_UNKNOWN;
		if (flow_unlikely(i == look))
		{
			look += list->check_every;
			if (flow_interrupted(predicate->filter->host))
			{
				*bad = (FlowBadField) {-1, FLOW_INTERRUPTED};
				return FLOW_ERROR;
			}
		}
	}
	return result;
}

/* ---------- evaluating OR for many records at once ---------- */

#define OR_ROWS 256        /* rows at once, */
#define OR_CHILDREN_MAX 16 /* and children: a longer list checks for interrupts */

/* Evaluates a child for rows whose lines lack its column. */
static size_t
select_without_place(const FlowPredicate *child, const FlowBatch *batch, FlowSlice *fields,
                     uint32_t *rows, size_t count)
{
	size_t kept = 0;

	fields[child->column] = flow_batch_constant(batch, child->column);
	for (size_t i = 0; i < count; i++)
	{
		FlowBadField bad = {-1, FLOW_OK};
		uint32_t row = rows[i];

		if (flow_filter_keeps(child->test(child, fields, &bad), &bad, &row))
			rows[kept++] = row;
	}
	return kept;
}

/* The rows that no child has kept yet, and where they are among all. */
typedef struct OrRows
{
	uint32_t rows[OR_ROWS];
	uint16_t places[OR_ROWS];
	size_t count;
} OrRows;

/*
 * Evaluates a child for the rows that are left; those it keeps, perhaps with
 * marks, go to all[], and are left no more.
 */
static void
select_by_child(const FlowPredicate *child, const FlowBatch *batch, FlowSlice *fields, OrRows *left,
                uint32_t *all, uint8_t *keeps)
{
	uint32_t rows[OR_ROWS];
	size_t count, next = 0, still = 0;

	memcpy(rows, left->rows, left->count * sizeof(uint32_t));
	if (child->column >= 0 && batch->place[child->column] < 0)
		count = select_without_place(child, batch, fields, rows, left->count);
	else
		count = child->select(child, batch, fields, rows, left->count);
	for (size_t i = 0; i < left->count; i++)
	{
		uint32_t row = left->rows[i];
		uint16_t place = left->places[i];

		if (next < count && (rows[next] & ~FLOW_ROW_MARKS) == row)
		{
			all[place] = rows[next++];
			keeps[place] = 1;
			continue;
		}
		left->rows[still] = row;
		left->places[still++] = place;
	}
	left->count = still;
}

/*
 * Evaluates one child after the other, each for the rows that those before it
 * have not kept.
 */
static size_t
select_by_or(const FlowPredicate *predicate, const FlowBatch *batch, FlowSlice *fields,
             uint32_t *rows, size_t count)
{
	const FlowFilterList *list = (const FlowFilterList *) predicate;
	size_t kept = 0;

	for (size_t first = 0; first < count; first += OR_ROWS)
	{
		size_t size = count - first < OR_ROWS ? count - first : OR_ROWS;
		uint32_t all[OR_ROWS];
		uint8_t keeps[OR_ROWS] = {0};
		OrRows left = {.count = 0};

		memcpy(all, rows + first, size * sizeof(uint32_t));
		for (size_t i = 0; i < size; i++)
		{
			keeps[i] = (all[i] & FLOW_ROW_DOUBTFUL) != 0;
			left.rows[left.count] = all[i];
			left.places[left.count] = (uint16_t) i;
			left.count += !keeps[i];
		}
		for (size_t i = 0; i < list->count && left.count > 0; i++)
			select_by_child(list->children[i], batch, fields, &left, all, keeps);
		for (size_t i = 0; i < size; i++)
		{
			rows[kept] = all[i];
			kept += keeps[i];
		}
	}
	return kept;
}

/* Returns true if an OR can be evaluated so. */
static bool
has_selects(const FlowFilterList *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->children[i]->select == NULL)
			return false;
	return list->count <= OR_CHILDREN_MAX;
}

/* ---------- combining children ---------- */

/* Returns true if the list is the truth "decides" as soon as one child is. */
static inline bool
is_or(FlowTruth decides)
{
	return decides == FLOW_TRUE;
}

/*
 * Two children of the same kind, other than 0, can be combined: in an OR, ANY
 * with ANY, and in an AND, ALL with ALL.  Below a NOT it is the other way
 * round.
 */
static Kind
kind_of(const FlowPredicate *child, FlowTruth decides)
{
	const FlowPredicate *negated = flow_filter_negated(child);
	const FlowPredicate *leaf = negated != NULL ? negated : child;
	const FlowComparison *comparison = leaf->comparison;
	bool any = is_or(decides) != (negated != NULL);
	uint64_t node;
	unsigned detail = 0;
	FlowTruth truth;

	if (flow_filter_is_constant(leaf, &truth))
	{
		node = KIND_CONSTANT;
		detail = truth;
	}
	else if (flow_filter_is_null_test(leaf))
		node = KIND_NULL_TEST;
	else if (comparison != NULL &&
	         (comparison->all != any || (comparison->count == 1 && !comparison->has_null)))
	{
		node = KIND_COMPARISON;
		detail = (unsigned) comparison->view << (KIND_VIEW - 1) | (unsigned) comparison->op;
	}
	else
		return 0;

	/* a column's comparisons are adjacent, whatever their operators */
	return (uint64_t) (leaf->column + 1) << KIND_COLUMN | node << 12 | detail << 1 |
	       (negated != NULL);
}

/*
 * Orders by segment and kind; children of the same kind stay in the given
 * order.
 */
static int
compare_kinds(const void *a, const void *b, const void *arg)
{
	const Entry *x = a;
	const Entry *y = b;

	(void) arg;
	if (x->segment != y->segment)
		return x->segment < y->segment ? -1 : 1;
	return (x->kind > y->kind) - (x->kind < y->kind);
}

/*
 * Orders by segment, the cheapest first; children of the same cost stay in the
 * given order.
 */
static int
compare_costs(const void *a, const void *b, const void *arg)
{
	const Entry *x = a;
	const Entry *y = b;

	(void) arg;
	if (x->segment != y->segment)
		return x->segment < y->segment ? -1 : 1;
	if (x->child->cost != y->child->cost)
		return x->child->cost < y->child->cost ? -1 : 1;
	return (x->place > y->place) - (x->place < y->place);
}

/*
 * Returns true if two children that may fail, one after the other, are the
 * same view of the same column: both fail, or none does.
 */
static bool
fail_alike(const Entry *a, const Entry *b)
{
	return a->kind != 0 && b->kind != 0 && a->kind >> KIND_VIEW == b->kind >> KIND_VIEW;
}

/*
 * Returns the comparison of a child, perhaps below a NOT; NULL if it is not a
 * comparison.
 */
static const FlowComparison *
comparison_of(const FlowPredicate *child)
{
	const FlowPredicate *negated = flow_filter_negated(child);

	return negated != NULL ? negated->comparison : child->comparison;
}

/*
 * Returns the comparison with the constants of all these children, which are
 * of the same kind; NULL if the filter has failed.
 */
static FlowPredicate *
combine_comparisons(FlowFilter *filter, FlowTruth decides, const Entry *entries, size_t count)
{
	const FlowPredicate *first = entries[0].child;
	const FlowPredicate *negated = flow_filter_negated(first);
	FlowComparison sum = *comparison_of(first);
	int column = negated != NULL ? negated->column : first->column;
	bool any = is_or(decides) != (negated != NULL);
	FlowPredicate *result = NULL;
	FlowValue *constants;
	size_t filled = 0;

	for (size_t i = 1; i < count; i++)
	{
		const FlowComparison *comparison = comparison_of(entries[i].child);

		sum.has_null |= comparison->has_null;
		sum.count += comparison->count;
	}
	constants = flow_allocate(filter->host, sum.count * sizeof(FlowValue));
	if (constants == NULL)
	{
		flow_filter_fail(filter, FLOW_NO_MEMORY);
		return NULL;
	}
	for (size_t i = 0; i < count && flow_filter_goes_on(filter, i); i++)
	{
		const FlowComparison *comparison = comparison_of(entries[i].child);

		memcpy(constants + filled, comparison->constants, comparison->count * sizeof(FlowValue));
		filled += comparison->count;
	}

	if (filled == sum.count)
		result = (any ? flow_filter_any : flow_filter_all)(
			filter, column, sum.view, sum.op, constants, sum.count, sum.has_null);
	if (negated != NULL)
		result = flow_filter_not(filter, result);
	flow_free(filter->host, constants);
	return result;
}

/*
 * Puts one child in place of all those of the same kind: a comparison with all
 * their constants, or the first of them if they are all the same.
 */
static bool
combine_kind(FlowFilter *filter, FlowTruth decides, Entry *entries, size_t count)
{
	FlowPredicate *result = entries[0].child;

	if (comparison_of(result) != NULL)
		result = combine_comparisons(filter, decides, entries, count);
	for (size_t i = 1; i < count; i++)
		entries[i].child = NULL;
	entries[0].child = result;
	return result != NULL;
}

/*
 * Merges ranges of one column, in an AND: a time is then read once for both of
 * its bounds.  The entries are those of the column's children, no two of which
 * are of the same kind, so they are few.
 */
static void
merge_ranges(FlowFilter *filter, Entry *entries, size_t count)
{
	for (size_t i = 1; i < count; i++)
		for (size_t j = 0; j < i; j++)
		{
			FlowPredicate *merged = NULL;

			if (entries[j].child != NULL)
				merged = flow_filter_key_merge(filter, entries[j].child, entries[i].child);
			if (merged != NULL)
			{
				entries[j].child = merged;
				entries[i].child = NULL;
				break;
			}
		}
}

/*
 * Removes the children that were combined with others; returns how many are
 * left.
 */
static size_t
drop_empty(Entry *entries, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (entries[i].child != NULL)
			entries[kept++] = entries[i];
	return kept;
}

/*
 * Combines the entries that can be combined, in order of their kinds; returns
 * how many are left.
 */
static size_t
combine(FlowFilter *filter, FlowTruth decides, Entry *entries, size_t count)
{
	size_t steps = 0;
	size_t end;

	for (size_t i = 0; i < count; i = end)
	{
		const Entry *first = &entries[i];

		for (end = i + 1; end < count && entries[end].segment == first->segment &&
		                  entries[end].kind == first->kind;
		     end++)
			;
		if (first->kind != 0 && end - i > 1 && !combine_kind(filter, decides, &entries[i], end - i))
			return 0;
		if (!flow_filter_goes_on(filter, steps++))
			return 0;
	}
	count = drop_empty(entries, count);
	if (is_or(decides))
		return count;

	for (size_t i = 0; i < count; i = end)
	{
		const Entry *first = &entries[i];

		for (end = i + 1; end < count && entries[end].segment == first->segment &&
		                  entries[end].kind >> KIND_COLUMN == first->kind >> KIND_COLUMN;
		     end++)
			;
		if (first->kind != 0)
			merge_ranges(filter, &entries[i], end - i);
		if (!flow_filter_goes_on(filter, steps++))
			return 0;
	}
	return drop_empty(entries, count);
}

/* ---------- building ---------- */

/* Adds up the properties of the children. */
static void
sum_up(FlowFilterList *list)
{
	size_t heaviest = 1;

	for (size_t i = 0; i < list->count; i++)
	{
		const FlowPredicate *child = list->children[i];

		list->base.cost += child->cost;
		if (list->base.cost > FLOW_FILTER_COST_MAX)
			list->base.cost = FLOW_FILTER_COST_MAX;
		list->base.weight += child->weight;
		list->base.may_fail |= child->may_fail;
		heaviest = child->weight > heaviest ? child->weight : heaviest;
	}

	/* children with many nodes check for interrupts themselves */
	list->check_every = SIZE_MAX;
	if (list->base.weight > FLOW_FILTER_LOOK)
		list->check_every = heaviest < FLOW_FILTER_LOOK ? FLOW_FILTER_LOOK / heaviest : 1;
}

/* Finds the kind of each child; false if the filter has failed. */
static bool
make_entries(FlowFilter *filter, FlowPredicate *const *children, size_t count, FlowTruth decides,
             Entry *entries)
{
	size_t segment = 0;

	for (size_t i = 0; i < count; i++)
	{
		Entry *entry = &entries[i];
		bool failed = i > 0 && entry[-1].child->may_fail;

		if (children[i] == NULL || !flow_filter_goes_on(filter, i))
			return false;
		*entry = (Entry) {children[i], kind_of(children[i], decides), 0, i};
		if ((failed || children[i]->may_fail) &&
		    !(failed && children[i]->may_fail && fail_alike(&entry[-1], entry)))
			segment++;
		entry->segment = segment;
	}
	return true;
}

static bool
sort_entries(FlowFilter *filter, Entry *entries, size_t count, FlowCompare compare)
{
	FlowStatus status = flow_sort(filter->host, entries, count, sizeof(Entry), compare, NULL);

	return status == FLOW_OK || flow_filter_fail(filter, status);
}

/*
 * Combines the children, and puts them in the list in the order in which they
 * are evaluated.
 */
static bool
fill_list(FlowFilter *filter, FlowFilterList *list, FlowPredicate *const *children, size_t count,
          Entry *entries)
{
	if (!make_entries(filter, children, count, list->decides, entries) ||
	    !sort_entries(filter, entries, count, compare_kinds))
		return false;
	count = combine(filter, list->decides, entries, count);
	if (filter->status != FLOW_OK || !sort_entries(filter, entries, count, compare_costs))
		return false;

	list->children = flow_filter_allocate(filter, count + 1, sizeof(FlowPredicate *));
	if (list->children == NULL)
		return false;
	for (size_t i = 0; i < count; i++)
		list->children[list->count++] = entries[i].child;
	return true;
}

static FlowPredicate *
build_list(FlowFilter *filter, FlowPredicate **children, size_t count, FlowTruth decides)
{
	FlowFilterList *list = flow_filter_new_node(filter, test_list, 0, sizeof(FlowFilterList));
	Entry *entries;
	bool filled;

	if (list == NULL)
		return NULL;
	list->decides = decides;
	list->otherwise = is_or(decides) ? FLOW_FALSE : FLOW_TRUE;
	list->stops =
		FLOW_TRUTH_BIT(decides) | FLOW_TRUTH_BIT(FLOW_UNKNOWN) | FLOW_TRUTH_BIT(FLOW_ERROR);

	entries = flow_allocate(filter->host, (count + 1) * sizeof(Entry));
	if (entries == NULL)
	{
		flow_filter_fail(filter, FLOW_NO_MEMORY);
		return NULL;
	}
	filled = fill_list(filter, list, children, count, entries);
	flow_free(filter->host, entries);
	if (!filled)
		return NULL;
	sum_up(list);
	if (is_or(decides) && has_selects(list))
		list->base.select = select_by_or;

	/* a list would stop elsewhere if it were the root */
	return list->count == 1 && flow_filter_list(list->children[0]) == NULL ? list->children[0]
	                                                                       : &list->base;
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

/*
 * Sets where lists stop.  Of the root it only matters whether it is TRUE, of a
 * child of a NOT whether it is FALSE, and so on downwards.  A list may stop at
 * UNKNOWN unless the truth that decides it is the one that matters: then a
 * later child may still decide.
 *
 * PostgreSQL stops at NULL only among the conjuncts of WHERE.  Below them, a
 * list that may fail is "exact": it tests everything that PostgreSQL would
 * test.
 */
static void
find_stops(FlowPredicate *predicate, FlowTruth matters, bool exact)
{
	FlowPredicate *negated = flow_filter_negated(predicate);

	if (negated != NULL)
		find_stops(negated,
		           matters == FLOW_TRUE ? FLOW_FALSE : FLOW_TRUE,
		           exact || predicate->may_fail);
	else if (predicate->test == test_list)
	{
		FlowFilterList *list = (FlowFilterList *) predicate;

		if (list->decides == matters || exact)
			list->stops &= ~FLOW_TRUTH_BIT(FLOW_UNKNOWN);
		for (size_t i = 0; i < list->count; i++)
			find_stops(list->children[i], matters, exact || list->children[i]->may_fail);
	}
}

void
flow_filter_set_root(FlowFilter *filter, FlowPredicate *root)
{
	filter->root = filter->status == FLOW_OK ? root : NULL;
	if (root == NULL)
		return;
	find_stops(root, FLOW_TRUE, false);
	if (root->test == test_list)
		((FlowFilterList *) root)->is_root = !is_or(((FlowFilterList *) root)->decides);
}

void
flow_filter_set_condition(FlowFilter *filter, FlowPredicate *root)
{
	/* what is below a NOT has no conjuncts; a leaf has none anyway */
	if (root != NULL && root->may_fail && root->test == test_list)
		root = flow_filter_not(filter, flow_filter_not(filter, root));
	flow_filter_set_root(filter, root);
}

/* ---------- what others ask ---------- */

const FlowFilterList *
flow_filter_list(const FlowPredicate *predicate)
{
	return predicate->test == test_list ? (const FlowFilterList *) predicate : NULL;
}

size_t
flow_filter_conjuncts(const FlowFilter *filter, const FlowPredicate *const **conjuncts)
{
	const FlowFilterList *list = flow_filter_list(filter->root);

	if (list != NULL && !is_or(list->decides))
	{
		*conjuncts = (const FlowPredicate *const *) list->children;
		return list->count;
	}
	*conjuncts = (const FlowPredicate *const *) &filter->root;
	return 1;
}

size_t
flow_filter_children(FlowPredicate *predicate, FlowPredicate ***children)
{
	FlowFilterList *list = (FlowFilterList *) predicate;

	if (predicate->test == test_list)
	{
		*children = list->children;
		return list->count;
	}
	*children = flow_filter_negated_place(predicate);
	return *children != NULL;
}

void
flow_filter_visit_leaves(const FlowPredicate *predicate,
                         void (*visit)(void *arg, const FlowPredicate *leaf), void *arg)
{
	const FlowPredicate *negated = flow_filter_negated(predicate);
	const FlowFilterList *list = flow_filter_list(predicate);

	if (negated != NULL)
		flow_filter_visit_leaves(negated, visit, arg);
	else if (list != NULL)
		for (size_t i = 0; i < list->count; i++)
			flow_filter_visit_leaves(list->children[i], visit, arg);
	else if (predicate->column >= 0 || predicate->columns != NULL)
		visit(arg, predicate);
}

static void
mark_leaf(void *used, const FlowPredicate *leaf)
{
	if (leaf->column >= 0)
		((bool *) used)[leaf->column] = true;
	for (int i = 0; i < leaf->ncolumns; i++)
		((bool *) used)[leaf->columns[i]] = true;
}

void
flow_filter_mark(const FlowFilter *filter, bool *used)
{
	if (filter->root != NULL)
		flow_filter_visit_leaves(filter->root, mark_leaf, used);
}
