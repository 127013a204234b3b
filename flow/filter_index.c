/*-------------------------------------------------------------------------
 *
 * filter_index.c
 *	  Finds the files that a filter needs, by an index of the values in them.
 *
 * A leaf needs the files that have a value with which it may be true.  AND
 * needs those that all of its children need, and OR those that any of them
 * needs.  A predicate of which nothing is known needs all files.
 *
 *-------------------------------------------------------------------------
 */
#include "filter.h"
#include "index_range.h"

#define RANGES_AT_ONCE 8192 /* that are searched for; 1 MB */

/* ---------- what an index says ---------- */

/* What an index says of a predicate. */
typedef enum Says
{
	SAYS_NOTHING, /* it may be true in any file */
	SAYS_NEVER,   /* it is true in none, whatever the index has */
	SAYS_FILES
} Says;

static Says
leaf_says(const FlowPredicate *leaf, const bool *indexed)
{
	if (leaf->column < 0 || !indexed[leaf->column] || leaf->find_values == NULL ||
	    leaf->verdict[false] == FLOW_TRUE || !leaf->find_values(leaf, NULL))
		return SAYS_NOTHING;
	return SAYS_FILES;
}

static Says says(const FlowPredicate *predicate, const bool *indexed);

/* AND takes what any of its children says, and OR needs all of them. */
static Says
list_says(const FlowFilterList *list, const bool *indexed)
{
	bool is_or = list->decides == FLOW_TRUE;
	bool seen[SAYS_FILES + 1] = {false};

	for (size_t i = 0; i < list->count; i++)
	{
		Says child = says(list->children[i], indexed);

		if (is_or && child == SAYS_NOTHING)
			return SAYS_NOTHING;
		seen[child] = true;
		if (i % FLOW_FILTER_LOOK == FLOW_FILTER_LOOK - 1 &&
		    flow_interrupted(list->base.filter->host))
			return SAYS_NOTHING;
	}
	return seen[SAYS_FILES] ? SAYS_FILES : seen[SAYS_NEVER] ? SAYS_NEVER : SAYS_NOTHING;
}

static Says
says(const FlowPredicate *predicate, const bool *indexed)
{
	const FlowFilterList *list = flow_filter_list(predicate);
	FlowTruth truth;

	if (flow_filter_is_deferred(predicate))
		return SAYS_NOTHING;
	if (flow_filter_is_constant(predicate, &truth))
		return truth == FLOW_FALSE || truth == FLOW_UNKNOWN ? SAYS_NEVER : SAYS_NOTHING;
	return list != NULL ? list_says(list, indexed) : leaf_says(predicate, indexed);
}

/* ---------- bits ---------- */

static size_t
words_of(const FlowIndexSearch *search)
{
	return (search->files + 63) / 64;
}

static void
set_none(const FlowIndexSearch *search, uint64_t *bits)
{
	memset(bits, 0, words_of(search) * sizeof(uint64_t));
}

static void
set_all(const FlowIndexSearch *search, uint64_t *bits)
{
	size_t words = words_of(search);

	memset(bits, 0xFF, words * sizeof(uint64_t));
	if (search->files % 64 != 0)
		bits[words - 1] = (UINT64_C(1) << search->files % 64) - 1;
}

/* Intersects bits with others, or unites them; returns false if none is left. */
static bool
combine(const FlowIndexSearch *search, uint64_t *bits, const uint64_t *others, bool is_or)
{
	uint64_t any = 0;

	for (size_t i = 0; i < words_of(search); i++)
	{
		bits[i] = is_or ? bits[i] | others[i] : bits[i] & others[i];
		any |= bits[i];
	}
	return any != 0;
}

/* ---------- searching ---------- */

/* One search; "host" is the filter's. */
typedef struct Finder
{
	const FlowIndexSearch *search;
	const FlowHost *host;
	FlowError *error;
} Finder;

static FlowStatus
fail(const Finder *finder, FlowStatus status)
{
	return status == FLOW_INTERRUPTED ? flow_error_interrupted(finder->error)
	                                  : flow_error_memory(finder->error);
}

static uint64_t *
new_bits(const Finder *finder)
{
	return flow_allocate(finder->host, (words_of(finder->search) + 1) * sizeof(uint64_t));
}

/* The ranges that are searched for, some at a time, and room for what is found. */
typedef struct Piece
{
	FlowIndexRange *ranges;
	size_t room;
	uint64_t *bits;
} Piece;

static FlowStatus
find_ranges(const Finder *finder, int column, FlowIndexRanges *ranges, const Piece *piece,
            uint64_t *bits)
{
	const FlowIndexSearch *search = finder->search;
	FlowStatus status = FLOW_OK;
	size_t count;

	set_none(search, bits);
	/* without ranges, files of the other form remain */
	if (ranges->nnumbers + ranges->ntexts == 0 && ranges->form != FLOW_INDEX_ANY_FORM)
		return search
		    ->find(search->arg, column, ranges->form, piece->ranges, 0, bits, finder->error);
	while (status == FLOW_OK &&
	       (count = flow_index_ranges_next(ranges, piece->ranges, piece->room)) > 0)
	{
		if (flow_interrupted(finder->host))
			return fail(finder, FLOW_INTERRUPTED);
		set_none(search, piece->bits);
		status = search->find(
			search->arg, column, ranges->form, piece->ranges, count, piece->bits, finder->error);
		(void) combine(search, bits, piece->bits, true);
	}
	return status;
}

/* Searches for the values of a leaf. */
static FlowStatus
find_leaf(const Finder *finder, const FlowPredicate *leaf, uint64_t *bits)
{
	Piece piece = {NULL, 0, new_bits(finder)};
	FlowIndexRanges ranges;
	FlowStatus status;

	flow_index_ranges_begin(&ranges, finder->host);
	(void) leaf->find_values(leaf, &ranges);
	/* it may be true for no value, as are sets with a NULL */
	if (leaf->verdict[true] != FLOW_TRUE)
		ranges.nnumbers = ranges.ntexts = 0;
	status = flow_index_ranges_sort(&ranges);
	piece.room = ranges.nnumbers + ranges.ntexts + 1;
	if (piece.room > RANGES_AT_ONCE)
		piece.room = RANGES_AT_ONCE;
	piece.ranges = flow_allocate(finder->host, piece.room * sizeof(FlowIndexRange));
	if (status == FLOW_OK && (piece.ranges == NULL || piece.bits == NULL))
		status = FLOW_NO_MEMORY;
	if (status == FLOW_OK)
		status = find_ranges(finder, leaf->column, &ranges, &piece, bits);
	else
		status = fail(finder, status);
	flow_index_ranges_free(&ranges);
	flow_free(finder->host, piece.bits);
	flow_free(finder->host, piece.ranges);
	return status;
}

static FlowStatus find_files(const Finder *finder, const FlowPredicate *predicate, uint64_t *bits);

static FlowStatus
find_list(const Finder *finder, const FlowFilterList *list, uint64_t *bits)
{
	bool is_or = list->decides == FLOW_TRUE;
	uint64_t *found = new_bits(finder);
	FlowStatus status = FLOW_OK;

	if (found == NULL)
		return fail(finder, FLOW_NO_MEMORY);
	(is_or ? set_none : set_all)(finder->search, bits);
	for (size_t i = 0; i < list->count && status == FLOW_OK; i++)
	{
		if (flow_interrupted(finder->host))
			status = fail(finder, FLOW_INTERRUPTED);
		else
			status = find_files(finder, list->children[i], found);
		if (status == FLOW_OK && !combine(finder->search, bits, found, is_or) && !is_or)
			break;
	}
	flow_free(finder->host, found);
	return status;
}

static FlowStatus
find_files(const Finder *finder, const FlowPredicate *predicate, uint64_t *bits)
{
	const FlowFilterList *list = flow_filter_list(predicate);

	switch (says(predicate, finder->search->indexed))
	{
		case SAYS_NOTHING:
			set_all(finder->search, bits);
			return FLOW_OK;
		case SAYS_NEVER:
			set_none(finder->search, bits);
			return FLOW_OK;
		default:
			return list != NULL ? find_list(finder, list, bits)
			                    : find_leaf(finder, predicate, bits);
	}
}

/* Sets the bits of the files in which a record may pass. */
FlowStatus
flow_filter_find_files(const FlowFilter *filter, const FlowIndexSearch *search, uint64_t *bits,
                       FlowError *error)
{
	const Finder finder = {search, filter->host, error};

	if (filter->root == NULL || search->files == 0)
	{
		set_all(search, bits);
		return FLOW_OK;
	}
	return find_files(&finder, filter->root, bits);
}
