/*-------------------------------------------------------------------------
 *
 * index_values.h
 *	  The values of a file that an index stores, while the reader collects them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_INDEX_VALUES_H
#define FLOW_INDEX_VALUES_H

#include "index.h"
#include "vector.h"

/* in index_values.c */

/*
 * Adds the records of a batch, as flow_groups_add does: also in its order of
 * errors, and with nothing but whole records counted in *done.  Values of the
 * record after these may be there already.
 */
extern FlowStatus flow_index_values_add(FlowIndexValues *values, const FlowBatch *batch,
                                        size_t *done, bool bad_is_null, FlowBadField *bad);

/* Marks the columns, by column, whose fields are read, and those whose codes are. */
extern void flow_index_values_mark(const FlowIndexValues *values, bool *fields, bool *codes);

#endif /* FLOW_INDEX_VALUES_H */
