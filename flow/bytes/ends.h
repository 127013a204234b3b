/*-------------------------------------------------------------------------
 *
 * ends.h
 *	  The ends of fields and lines in a block of a log, and the functions that
 *	  find them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_ENDS_H
#define FLOW_ENDS_H

#include "internal.h"

#define FLOW_SPLIT_MAX (32 * 1024) /* maximum number of bytes split at once */

/*
 * The ends of fields in a block of a log.  Each end is a separator or a
 * newline.  The field of an end is the text between it and the previous end,
 * or the beginning of the block.
 */
typedef struct FlowEnds
{
	size_t count;
	uint32_t *next;   /* by end: offset of the byte after it; next[-1] is 0 */
	uint8_t *newline; /* bit by end: it is a newline */
	uint8_t *digits;  /* bit by end: its field consists of digits, at least one */
	uint8_t *special; /* bit by end: its field is empty, or has a byte below 0x20 or from 0x80 on */
	bool any_special; /* if false, all bits of special[] are 0 and need no check */
} FlowEnds;

/*
 * Allocates room for FLOW_SPLIT_MAX ends, with all arrays readable for 8 bytes
 * after them.  It is one allocation, freed by flow_free.
 */
extern FlowEnds *flow_ends_create(const FlowHost *host);

/*
 * Finds the ends in data[0..len).  "len" is at most FLOW_SPLIT_MAX.  Reads no
 * bytes outside of the data.
 */
typedef void (*FlowSplit)(const char *data, size_t len, char separator, FlowEnds *ends);

/* An implementation of FlowSplit for one kind of processor. */
typedef struct FlowSplitter
{
	const char *name; /* "portable", "SSE2", "AVX2", "AVX-512", "NEON" */
	FlowSplit split;
	bool (*available)(void); /* true if this processor runs it, and runs it fast */
} FlowSplitter;

/*
 * All implementations that were compiled in, the fastest first, the last
 * portable.  Ends with a NULL name.
 */
extern const FlowSplitter flow_splitters[];

/* Returns the fastest implementation that this processor can run. */
extern const FlowSplitter *flow_split_choose(void);

#endif /* FLOW_ENDS_H */
