/*-------------------------------------------------------------------------
 *
 * index_list.h
 *	  Lists of the files of a value, with the columns in which it stood, while
 *	  they are gathered.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_INDEX_LIST_H
#define FLOW_INDEX_LIST_H

#include "internal.h"

/* ---------- memory ---------- */

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

/* in index_list.c */

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

/* ---------- lists ---------- */

/*
 * A list consists of runs, files that follow each other with one mask, which
 * are written as bytes.  The last run is not written yet, as it may grow.
 */
typedef struct FlowIndexList
{
	uint32_t run_mask, run_len; /* 0: there is no run */
	uint32_t run_last;          /* its last file */
	uint32_t end;               /* one more than the last file that is written */
	uint32_t mask;              /* of the last run that is written */
	uint32_t first, last;       /* chunks of bytes */
	uint16_t used, size;        /* of the last chunk */
} FlowIndexList;

/* bytes that must be reserved to make a list, or to add to one */
#define FLOW_INDEX_LIST_MOST 512

extern uint32_t flow_index_list_new(FlowIndexArena *arena);

/* Adds a file, with a greater number than all others. */
extern void flow_index_list_add(FlowIndexArena *arena, FlowIndexList *list, uint32_t file,
                                uint32_t mask);

/* Removes the last file if it is in the run that is not written; else returns false. */
extern bool flow_index_list_pop(FlowIndexList *list, uint32_t *file, uint32_t *mask);

static inline bool
flow_index_list_is_empty(const FlowIndexList *list)
{
	return list->run_len == 0 && list->first == 0;
}

/* Files that follow each other. */
typedef struct FlowIndexRun
{
	uint32_t first, len, mask;
} FlowIndexRun;

/* Reads a list. */
typedef struct FlowIndexRuns
{
	const FlowIndexArena *arena;
	const FlowIndexList *list;
	uint32_t chunk; /* 0: all that is written was read */
	size_t at, size;
	uint32_t end, mask;
	bool done;
} FlowIndexRuns;

extern void flow_index_runs_begin(FlowIndexRuns *runs, const FlowIndexArena *arena,
                                  const FlowIndexList *list);
extern bool flow_index_runs_next(FlowIndexRuns *runs, FlowIndexRun *run);

#endif /* FLOW_INDEX_LIST_H */
