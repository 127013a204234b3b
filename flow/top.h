/*-------------------------------------------------------------------------
 *
 * top.h
 *	  What the reader asks of the best n.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_TOP_H
#define FLOW_TOP_H

#include "internal.h"

/* in top.c */

/*
 * Marks the columns, by column, whose fields a key needs, and those that are
 * read into vectors for it.  Accepts NULL.
 */
extern void flow_top_mark(const FlowTop *top, bool *fields, bool *vectors);

/* Which numbers are worse than the n best: those with a higher rank. */
typedef struct FlowTopOrder
{
	int64_t worst;
	int64_t null_rank;
	bool descending;
} FlowTopOrder;

/* Returns false if keys are no numbers, or all stay. */
extern bool flow_top_order(const FlowTop *top, FlowTopOrder *order);

/* Ranks of NULL; values have ranks between them. */
#define FLOW_TOP_FIRST INT64_MIN
#define FLOW_TOP_LAST INT64_MAX

/* Reverses a rank's order if that is wanted, and leaves room for NULL's ranks. */
static inline int64_t
flow_top_ordered(bool descending, int64_t rank)
{
	if (descending)
		rank = ~rank;
	if (rank == FLOW_TOP_FIRST)
		return FLOW_TOP_FIRST + 1;
	return rank == FLOW_TOP_LAST ? FLOW_TOP_LAST - 1 : rank;
}

#endif /* FLOW_TOP_H */
