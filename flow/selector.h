/*-------------------------------------------------------------------------
 *
 * selector.h
 *	  The filter on many records at once.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_SELECTOR_H
#define FLOW_SELECTOR_H

#include "internal.h"

typedef struct FlowSelector FlowSelector;

/* in filter_batch.c */

/*
 * Makes a selector, which holds what a scan learns about its filter while it
 * runs.  FLOW_OK, FLOW_NO_MEMORY or FLOW_INTERRUPTED; fills no FlowError.
 */
extern FlowStatus flow_selector_create(const FlowHost *host, const FlowFilter *filter,
                                       FlowSelector **selector);
extern void flow_selector_free(FlowSelector *selector);

/*
 * Removes from rows[0..*count) the rows that do not pass; *count is set to how
 * many stay.  A row that needs more than that (a bad field, an error) stays as
 * a doubtful row.  FLOW_OK, or FLOW_INTERRUPTED if not all rows were
 * evaluated.
 */
extern FlowStatus flow_selector_apply(FlowSelector *selector, const FlowBatch *batch,
                                      uint32_t *rows, size_t *count);

#endif /* FLOW_SELECTOR_H */
