/*-------------------------------------------------------------------------
 *
 * sort.c
 *	  A merge sort that can be interrupted.
 *
 * The C library's qsort can neither be interrupted nor use the host's
 * allocator.
 *
 *-------------------------------------------------------------------------
 */
#include "sort.h"

#include <string.h>

#define STEPS_A_LOOK 1024 /* merged items between two checks for an interrupt */

typedef struct Sorter
{
	const FlowHost *host;
	char *items;
	char *spare; /* room for half of the items */
	size_t size; /* of an item */
	FlowCompare compare;
	const void *arg;
	unsigned steps;
} Sorter;

/*
 * Merges the sorted runs [from, middle) and [middle, to).  Returns false if
 * interrupted.
 */
static bool
merge(Sorter *sorter, size_t from, size_t middle, size_t to)
{
	size_t size = sorter->size;
	char *out = sorter->items + from * size;
	char *left = sorter->spare, *left_end = left + (middle - from) * size;
	char *right = sorter->items + middle * size, *right_end = sorter->items + to * size;

	if (sorter->compare(right - size, right, sorter->arg) <= 0)
		return true;

	memcpy(left, out, (size_t) (left_end - left));
	while (left < left_end && right < right_end)
	{
		char **next = sorter->compare(left, right, sorter->arg) <= 0 ? &left : &right;

		memcpy(out, *next, size);
		*next += size;
		out += size;
		if (++sorter->steps % STEPS_A_LOOK == 0 && flow_interrupted(sorter->host))
			return false;
	}
	memcpy(out, left, (size_t) (left_end - left));
	return true;
}

/* Sorts the items of a range; returns false if interrupted. */
static bool
sort_range(Sorter *sorter, size_t from, size_t to)
{
	size_t middle = from + (to - from) / 2;

	if (to - from < 2)
		return true;
	return sort_range(sorter, from, middle) && sort_range(sorter, middle, to) &&
	       merge(sorter, from, middle, to);
}

/* Sorts items with a stable merge sort that can be interrupted. */
FlowStatus
flow_sort(const FlowHost *host, void *items, size_t count, size_t size, FlowCompare compare,
          const void *arg)
{
	Sorter sorter = {host, items, NULL, size, compare, arg, 0};
	bool done;

	if (count < 2)
		return FLOW_OK;
	sorter.spare = flow_allocate(host, count / 2 * size);
	if (sorter.spare == NULL)
		return FLOW_NO_MEMORY;
	done = sort_range(&sorter, 0, count);
	flow_free(host, sorter.spare);
	return done ? FLOW_OK : FLOW_INTERRUPTED;
}
