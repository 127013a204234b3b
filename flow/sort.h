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
 * Returns a number less than, equal to or greater than 0, if "a" sorts before,
 * equal to or after "b".
 */
typedef int (*FlowCompare)(const void *a, const void *b, const void *arg);

/* in sort.c */

/*
 * Sorts items of "size" bytes each; equal items keep their order.  FLOW_OK;
 * after FLOW_NO_MEMORY or FLOW_INTERRUPTED the items are in any order, and
 * some may be lost.  Fills no FlowError.
 */
extern FlowStatus flow_sort(const FlowHost *host, void *items, size_t count, size_t size,
                            FlowCompare compare, const void *arg);

#endif /* FLOW_SORT_H */
