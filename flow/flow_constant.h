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

/* Returns true if the column has the same value in all records of a file. */
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
 * Returns the fields, by column, of the columns that are constant in a file;
 * data is NULL for other columns and for values that are not known.  "file" is
 * NULL if only "values" are known.  The bytes around each field are readable
 * as in a FlowBatch.  The fields live until the next call.  Returns NULL if
 * memory is short.
 */
extern const FlowSlice *flow_constants_fill(FlowConstants *constants, const FlowObject *file,
                                            const FlowPathValue *values);

/*
 * Fills the error for a value that is not valid for its column and returns its
 * status.  "status" is that of flow_value_read.  "may_differ": true if a hint
 * may propose another on_error.
 */
extern FlowStatus flow_constant_error(const FlowColumn *column, int index, const FlowObject *file,
                                      FlowStatus status, bool may_differ, FlowError *error);

#endif /* FLOW_API_CONSTANT_H */
