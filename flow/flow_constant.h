/*-------------------------------------------------------------------------
 *
 * flow_constant.h
 *	  Columns that have one value in all of a file.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_API_CONSTANT_H
#define FLOW_API_CONSTANT_H

#include "flow_object.h"

/* in constant.c */

/* Is it the same in all of a file? */
static inline bool
flow_column_is_constant(const FlowColumn *column)
{
	return column->source != FLOW_FROM_RECORD && column->source != FLOW_FROM_LINE;
}

typedef struct FlowConstants FlowConstants;

extern FlowStatus flow_constants_create(const FlowHost *host, const FlowColumn *columns,
                                        int ncolumns, FlowConstants **constants, FlowError *error);
extern void flow_constants_free(FlowConstants *constants);

/*
 * Fields, by column, of those that are the same in all of a file; data NULL if
 * they are not, or not known.  "file" is NULL if only values are known.
 * Around each of them there are bytes to read as there are in a FlowBatch.
 * They live until the next call.  NULL: no memory.
 */
extern const FlowSlice *flow_constants_fill(FlowConstants *constants, const FlowObject *file,
                                            const FlowPathValue *values);

/*
 * The error for a value that is none of its column's: "status" is
 * flow_value_read's.  "may_differ": another on_error would do.
 */
extern FlowStatus flow_constant_error(const FlowColumn *column, int index, const FlowObject *file,
                                      FlowStatus status, bool may_differ, FlowError *error);

#endif /* FLOW_API_CONSTANT_H */
