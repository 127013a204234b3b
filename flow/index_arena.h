/*-------------------------------------------------------------------------
 *
 * index_arena.h
 *	  Memory in blocks, whose places are numbers of 32 bits.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_INDEX_ARENA_H
#define FLOW_INDEX_ARENA_H

#include "internal.h"

#define FLOW_ARENA_UNIT 16  /* bytes; what is allocated has a number of these */
#define FLOW_ARENA_SHIFT 14 /* log2 of the units of a block */
#define FLOW_ARENA_BLOCK ((size_t) FLOW_ARENA_UNIT << FLOW_ARENA_SHIFT)

/* Memory in blocks, whose places are numbers; 0 is none. */
typedef struct FlowIndexArena
{
	const FlowHost *host;
	unsigned char **blocks;
	size_t nblocks; /* allocated */
	size_t room;    /* for blocks */
	uint32_t next;  /* the first free unit, */
	uint32_t end;   /* and the first beyond its block */
} FlowIndexArena;

/* in index_arena.c */

extern void flow_index_arena_free(FlowIndexArena *arena);

/* Forgets what was allocated, and keeps the blocks. */
extern void flow_index_arena_clear(FlowIndexArena *arena);

/*
 * Sees to it that "size" bytes, at most half a block, can be allocated without
 * a failure.  FLOW_OK; FLOW_NO_MEMORY; FLOW_LIMIT if that takes a new block,
 * and there may be none.
 */
extern FlowStatus flow_index_arena_reserve(FlowIndexArena *arena, size_t size, bool may_grow);

/* Allocates bytes that were reserved. */
extern uint32_t flow_index_arena_take(FlowIndexArena *arena, size_t size);

static inline void *
flow_index_arena_at(const FlowIndexArena *arena, uint32_t place)
{
	return arena->blocks[place >> FLOW_ARENA_SHIFT] +
	       (size_t) (place & ((1u << FLOW_ARENA_SHIFT) - 1)) * FLOW_ARENA_UNIT;
}

static inline bool
flow_index_arena_has(const FlowIndexArena *arena, size_t size)
{
	return (size_t) (arena->end - arena->next) * FLOW_ARENA_UNIT >= size;
}

#endif /* FLOW_INDEX_ARENA_H */
