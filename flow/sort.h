/*-------------------------------------------------------------------------
 *
 * sort.h
 *	  Sorting that can be interrupted.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_SORT_H
#define FLOW_SORT_H

#include "internal.h"

/*
 * Less than, equal to or greater than 0, as "a" is before, beside or after
 * "b".
 */
typedef int (*FlowCompare)(const void *a, const void *b, const void *arg);

/*
 * Sorts items of "size" bytes each; those that are equal stay in their order.
 * FLOW_OK, or FLOW_NO_MEMORY or FLOW_INTERRUPTED, after which the items are in
 * any order, and some may be lost.  Fills no FlowError.
 */
extern FlowStatus flow_sort(const FlowHost *host, void *items, size_t count, size_t size,
                            FlowCompare compare, const void *arg);

#endif /* FLOW_SORT_H */
