/*-------------------------------------------------------------------------
 *
 * ends.h
 *	  The ends of fields and lines in some bytes of a log, and what finds them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_ENDS_H
#define FLOW_ENDS_H

#include "internal.h"

#define FLOW_SPLIT_MAX (32 * 1024) /* bytes that are split at once, at most */

/*
 * The ends of fields in some bytes of a log: each is a separator or a newline.
 * "The field" of an end is what stands between it and the one before, or the
 * beginning.
 */
typedef struct FlowEnds
{
	size_t count;
	uint32_t *next;   /* by end: offset of the byte behind it; next[-1] is 0 */
	uint8_t *newline; /* bit by end: it is a newline */
	uint8_t *digits;  /* bit by end: its field is all digits, one at least */
	uint8_t *special; /* bit by end: its field is empty, or has a byte below 0x20 or from 0x80 on */
	bool any_special; /* otherwise all bits of odd[] are 0, and need not be looked at */
} FlowEnds;

/*
 * Room for FLOW_SPLIT_MAX ends, all arrays readable for 8 bytes behind that;
 * one allocation, freed by flow_free.
 */
extern FlowEnds *flow_ends_create(const FlowHost *host);

/*
 * Finds the ends in data[0..len), len at most FLOW_SPLIT_MAX; reads no byte
 * outside of it.
 */
typedef void (*FlowSplit)(const char *data, size_t len, char separator, FlowEnds *ends);

/* A version of it for a processor. */
typedef struct FlowSplitter
{
	const char *name; /* "portable", "SSE2", "AVX2", "AVX-512", "NEON" */
	FlowSplit split;
	bool (*available)(void); /* can this processor run it, and well? */
} FlowSplitter;

/*
 * All that were compiled in, the fastest first; the last is portable.  Ends
 * with a NULL name.
 */
extern const FlowSplitter flow_splitters[];

/* The fastest that can run here. */
extern const FlowSplitter *flow_split_choose(void);

#endif /* FLOW_ENDS_H */
