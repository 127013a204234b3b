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

/*
 * Of what a scan learns about its filter while it runs.  FLOW_OK,
 * FLOW_NO_MEMORY or FLOW_INTERRUPTED; fills no FlowError.
 */
extern FlowStatus flow_selector_create(const FlowHost *host, const FlowFilter *filter,
                                       FlowSelector **selector);
extern void flow_selector_free(FlowSelector *selector);

/*
 * Drops from rows[0..*count) those that do not pass; *count becomes how many
 * stay.  A row about which there is more to be said than that (a bad field, an
 * error) stays too, as a doubtful one.  FLOW_OK; or FLOW_INTERRUPTED, and then
 * not all rows were evaluated.
 */
extern FlowStatus flow_selector_apply(FlowSelector *selector, const FlowBatch *batch,
                                      uint32_t *rows, size_t *count);

#endif /* FLOW_SELECTOR_H */
