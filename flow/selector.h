/*-------------------------------------------------------------------------
 *
 * selector.h
 *	  The filter on many records at once.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_SELECTOR_H
#define FLOW_SELECTOR_H

#include "expression.h"

typedef struct FlowSelector FlowSelector;

/* in selector.c */

/*
 * Makes a selector, which holds what a scan learns about its filter while it
 * runs.  It is applied to at most "max_rows" rows at once.  FLOW_OK,
 * FLOW_NO_MEMORY or FLOW_INTERRUPTED; fills no FlowError.
 */
extern FlowStatus flow_selector_create(const FlowHost *host, const FlowFilter *filter,
                                       size_t max_rows, FlowSelector **selector);
extern void flow_selector_free(FlowSelector *selector);

/* Marks the columns that are read of rows. */
extern void flow_selector_mark(const FlowSelector *selector, const FlowColumnMarks *marks);

/* in filter_batch.c */

/*
 * Removes from rows[0..*count) the rows that do not pass; *count is set to how
 * many stay.  A row that needs more than that (a bad field, an error) stays as
 * a doubtful row.  FLOW_OK; FLOW_INTERRUPTED or FLOW_NO_MEMORY if not all rows
 * were evaluated, or the status of the batch's loader.
 */
extern FlowStatus flow_selector_apply(FlowSelector *selector, const FlowBatch *batch,
                                      uint32_t *rows, size_t *count);

/*
 * The same for rows that are not evaluated as a part of other ones.  On
 * FLOW_NEED_VALUE the filter's memo awaits values; the rows and their count
 * are as before, to be evaluated again.
 */
extern FlowStatus flow_selector_apply_first(FlowSelector *selector, const FlowBatch *batch,
                                            uint32_t *rows, size_t *count);

/*
 * Sets truths[i] to 1 if a row passes and to 0 if not, and returns true, if
 * that is known of all rows by the codes of their columns.  They have no marks.
 */
extern bool flow_selector_find_truths(FlowSelector *selector, const FlowBatch *batch,
                                      const uint32_t *rows, size_t count, int64_t *truths);

/*
 * Sets *excluded if the batch's loader knows of entries, or of values that are
 * not there, by which no record passes.  Returns a status as flow_selector_apply does.
 */
extern FlowStatus flow_selector_exclude(FlowSelector *selector, const FlowBatch *batch,
                                        bool *excluded);

#endif /* FLOW_SELECTOR_H */
