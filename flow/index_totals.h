/*-------------------------------------------------------------------------
 *
 * index_totals.h
 *	  The totals of a file that an index stores, while the reader adds them up.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_INDEX_TOTALS_H
#define FLOW_INDEX_TOTALS_H

#include "index.h"
#include "vector.h"

/* in index_totals.c */

/*
 * Adds the records of a batch, as flow_groups_add does: also in its order of
 * errors, and each record that *done counts, once.  There is always room.
 */
extern FlowStatus flow_index_totals_add(FlowIndexTotals *totals, const FlowBatch *batch,
                                        size_t *done, bool bad_is_null, FlowBadField *bad);

/* Marks the columns that are read, as flow_groups_mark does. */
extern void flow_index_totals_mark(const FlowIndexTotals *totals, bool *fields, bool *vectors,
                                   bool *codes);

#endif /* FLOW_INDEX_TOTALS_H */
