/*-------------------------------------------------------------------------
 *
 * shape.h
 *	  Shapes of lines: what a pattern that only splits says of them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_SHAPE_H
#define FLOW_SHAPE_H

#include "internal.h"

#define FLOW_SHAPE_FIELDS 57 /* so many bits can be read at any offset of a bit array */

/*
 * A further check of a field: it is one of the literals, or its length and all
 * of its bytes are right.
 */
typedef struct FlowShapeCheck
{
	int field;
	uint32_t min, max;         /* bytes; max is 0 if only literals pass */
	const uint8_t *byte_class; /* 256 entries: 1 for the bytes it may have; NULL: any */
	/*
	 * "class" has all digits: of a field known to be digits, only the length
	 * is to be looked at
	 */
	bool digits;
	const char *literals; /* each ends with a NUL, the last with two; NULL: none */
} FlowShapeCheck;

/*
 * What a line must look like for its fields to be what stands between its
 * separators: fields that are not empty, one separator between any two of
 * them.
 */
typedef struct FlowShape
{
	char separator;
	int nfields;                      /* most of them */
	int nrequired;                    /* least of them; the others may be missing from the end */
	bool open;                        /* more may follow, of which nothing is wanted */
	uint64_t digits;                  /* bit f: field f must be all digits */
	int group[FLOW_SHAPE_FIELDS + 1]; /* by field: the capture group that it is, or 0 */
	int nchecks;                      /* at most one a field; those of missing fields hold */
	FlowShapeCheck checks[FLOW_SHAPE_FIELDS + 1];
} FlowShape;

/*
 * The shape of the lines on which a pattern, matched as regex.c matches it,
 * does nothing but split: a line of that shape, without bytes below 0x20
 * (other than the separator) or from 0x80 on, matches in one way, and its
 * groups are its fields.  FLOW_OK; FLOW_END if there is no such shape;
 * FLOW_NO_MEMORY. Freed by flow_shape_free.
 */
extern FlowStatus flow_pattern_shape(const FlowHost *host, const char *pattern, FlowShape **shape);
extern void flow_shape_free(const FlowHost *host, FlowShape *shape);

/* Does such a field, of a line as above, pass the check? */
extern bool flow_shape_passes(const FlowShapeCheck *check, const char *data, size_t len);

#endif /* FLOW_SHAPE_H */
