/*-------------------------------------------------------------------------
 *
 * index_arena.c
 *	  Memory in blocks, whose places are numbers of 32 bits.
 *
 *-------------------------------------------------------------------------
 */
#include "index_arena.h"

void
flow_index_arena_free(FlowIndexArena *arena)
{
	for (size_t i = 0; i < arena->nblocks; i++)
		flow_free(arena->host, arena->blocks[i]);
	flow_free(arena->host, arena->blocks);
	*arena = (FlowIndexArena) {.host = arena->host};
}

void
flow_index_arena_clear(FlowIndexArena *arena)
{
	arena->next = arena->end = 0;
}

/* Makes room for one more block's pointer. */
static bool
add_room(FlowIndexArena *arena)
{
	size_t room = arena->room == 0 ? 16 : 2 * arena->room;
	unsigned char **blocks;

	if (arena->nblocks < arena->room)
		return true;
	blocks = flow_allocate(arena->host, room * sizeof(*blocks));
	if (blocks == NULL)
		return false;
	if (arena->nblocks > 0)
		memcpy(blocks, arena->blocks, arena->nblocks * sizeof(*blocks));
	flow_free(arena->host, arena->blocks);
	arena->blocks = blocks;
	arena->room = room;
	return true;
}

/* Sees to it that some bytes can be allocated without a failure. */
FlowStatus
flow_index_arena_reserve(FlowIndexArena *arena, size_t size, bool may_grow)
{
	size_t block = arena->end >> FLOW_ARENA_SHIFT; /* the one after the current one */

	if (flow_index_arena_has(arena, size))
		return FLOW_OK;
	if (block == arena->nblocks)
	{
		unsigned char *bytes;

		if (!may_grow || block >= UINT32_MAX >> FLOW_ARENA_SHIFT)
			return FLOW_LIMIT;
		bytes = add_room(arena) ? flow_allocate(arena->host, FLOW_ARENA_BLOCK) : NULL;
		if (bytes == NULL)
			return FLOW_NO_MEMORY;
		arena->blocks[arena->nblocks++] = bytes;
	}
	/* place 0 is none */
	arena->next = (uint32_t) (block << FLOW_ARENA_SHIFT) + (block == 0);
	arena->end = (uint32_t) ((block + 1) << FLOW_ARENA_SHIFT);
	return FLOW_OK;
}

uint32_t
flow_index_arena_take(FlowIndexArena *arena, size_t size)
{
	uint32_t place = arena->next;

	arena->next += (uint32_t) ((size + FLOW_ARENA_UNIT - 1) / FLOW_ARENA_UNIT);
	return place;
}
