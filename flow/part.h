/*-------------------------------------------------------------------------
 *
 * part.h
 *	  Parts of files.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_PART_H
#define FLOW_PART_H

#include "internal.h"

/* in part.c */

/* Returns the number of bytes to read at an offset of the file. */
extern size_t flow_part_read_size(const FlowPart *part, uint64_t offset);

/*
 * For a block of "len" bytes read at "offset": returns the byte after which no
 * line of the part begins.  That is the end of the block if lines of the part
 * may begin anywhere in it, and the byte before the block if none may.
 */
extern char *flow_part_stop(const FlowPart *part, char *block, uint64_t offset, size_t len);

/* Returns how many of the bytes before "position" lie in the part. */
extern uint64_t flow_part_owned(const FlowPart *part, uint64_t position);

#endif /* FLOW_PART_H */
