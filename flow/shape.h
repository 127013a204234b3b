/*-------------------------------------------------------------------------
 *
 * shape.h
 *	  Shapes: the form of the lines that a pattern only splits.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_SHAPE_H
#define FLOW_SHAPE_H

#include "internal.h"

#define FLOW_SHAPE_FIELDS 57 /* as many bits can be read at any offset of a bit array */

/*
 * A further check of a field: it must be one of the literals, or its length
 * and all of its bytes must be right.
 */
typedef struct FlowShapeCheck
{
	int field;
	uint32_t min, max;         /* bytes; max is 0 if only literals pass */
	const uint8_t *byte_class; /* 256 entries: 1 for the bytes it may have; NULL: any */
	/*
	 * "byte_class" has all digits: for a field of digits only, only the length
	 * needs a check
	 */
	bool digits;
	const char *literals; /* each ends with a NUL, the last with two; NULL: none */
} FlowShapeCheck;

/*
 * The requirements on a line whose fields are what stands between its
 * separators: no field is empty, and there is one separator between any two of
 * them.
 */
typedef struct FlowShape
{
	char separator;
	int nfields;     /* maximum number of fields */
	int nrequired;   /* minimum number of fields; the others may be missing at the end */
	bool open;       /* more fields may follow, none of which is used */
	uint64_t digits; /* bit f: field f must be all digits */
	int group[FLOW_SHAPE_FIELDS + 1]; /* by field: its capture group, or 0 */
	int nchecks;                      /* at most one per field; those of missing fields hold */
	FlowShapeCheck checks[FLOW_SHAPE_FIELDS + 1];
} FlowShape;

/* in pattern.c */

/*
 * Finds the shape of the lines that a pattern, matched as regex.c matches it,
 * only splits: a line of that shape, without bytes below 0x20 (other than the
 * separator) or from 0x80 on, matches in one way, and its groups are its
 * fields.  FLOW_OK; FLOW_END if there is no such shape; FLOW_NO_MEMORY.  Freed
 * by flow_shape_free.
 */
extern FlowStatus flow_pattern_shape(const FlowHost *host, const char *pattern, FlowShape **shape);
extern void flow_shape_free(const FlowHost *host, FlowShape *shape);

/* Returns true if a field, of a line as described above, passes the check. */
extern bool flow_shape_passes(const FlowShapeCheck *check, const char *data, size_t len);

#endif /* FLOW_SHAPE_H */
