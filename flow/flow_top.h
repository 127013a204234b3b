/*-------------------------------------------------------------------------
 *
 * flow_top.h
 *	  The best n: records that cannot be among the first n of an order.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_API_TOP_H
#define FLOW_API_TOP_H

#include "flow_batch.h"

/*
 * The keys of the n best records that there were so far.  A record is dropped
 * if its key is worse than all of them; one that is as good as the worst of
 * them stays, as what follows in the order may decide.
 */
typedef struct FlowTop FlowTop;

typedef struct FlowTopSpec
{
	const FlowHost *host;

	/*
	 * The key of records, one of the expressions, all of which must outlive
	 * the FlowTop.  NULL: keys are only given to flow_top_takes.
	 */
	FlowExpressions *expressions;
	FlowExpression *key;

	FlowType type; /* of the key */
	bool descending;
	bool nulls_first;
} FlowTopSpec;

/* in top.c */

/*
 * Returns true if keys of that type have an order here: PostgreSQL's, and the
 * order of their bytes for FLOW_TEXT.
 */
extern bool flow_top_has_order(FlowType type);

/* Makes a FlowTop that keeps all records until flow_top_begin. */
extern FlowStatus flow_top_create(const FlowTopSpec *spec, FlowTop **top, FlowError *error);
extern void flow_top_free(FlowTop *top);

/*
 * Forgets all keys, and keeps the "count" best from now on, at most
 * FLOW_TOP_MAX, in FLOW_TOP_SIZE bytes each; 0: keeps all, and no memory.
 */
#define FLOW_TOP_MAX 100000
#define FLOW_TOP_SIZE sizeof(int64_t)
extern FlowStatus flow_top_begin(FlowTop *top, size_t count, FlowError *error);

/* Returns true unless a key, NULL for SQL's NULL, is worse than the n best. */
extern bool flow_top_takes(FlowTop *top, const FlowValue *key);

/*
 * in group_top.c: moves *position past groups whose key, the total of an
 * aggregate, is worse than the n best; past some of them, or of those where
 * that is seen at once.
 */
extern void flow_groups_skip_worse(const FlowGroups *groups, int aggregate, const FlowTop *top,
                                   size_t *position);

/* Returns false if any key between two of them would be worse; it is not noted. */
extern bool flow_top_may_take(const FlowTop *top, const FlowValue *low, const FlowValue *high);

/*
 * Drops records of a batch.  "rows" are the batch's rows, of which it leaves
 * those that stay, from the first on; it returns their number.  For a single
 * record without rows, "rows" is NULL.  A record whose key is bad, or not
 * known without the host, stays.
 */
extern size_t flow_top_select(FlowTop *top, const FlowBatch *batch, uint32_t *rows);

#endif /* FLOW_API_TOP_H */
