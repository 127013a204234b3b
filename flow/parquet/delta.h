/*-------------------------------------------------------------------------
 *
 * delta.h
 *	  Reads DELTA_BINARY_PACKED numbers: those of a page, or the lengths of
 *	  texts.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_DELTA_H
#define FLOW_DELTA_H

#include "encoding.h"

/* Begins with data that may go on after the numbers. */
extern FlowWrong flow_delta_init(FlowDelta *delta, const uint8_t *data, const uint8_t *end);

/* Reads the next numbers, modulo 2^64. */
extern FlowWrong flow_delta_read(FlowDelta *delta, uint64_t *numbers, size_t count);

/* Finds the end of all numbers, without reading them. */
extern FlowWrong flow_delta_end(const FlowHost *host, const FlowDelta *delta, const uint8_t **end);

#endif /* FLOW_DELTA_H */
