/*-------------------------------------------------------------------------
 *
 * index_list.c
 *	  Lists of the files of a value, while they are gathered.
 *
 * A run is a number: the gap after the run before, times four, plus two if it
 * has several files, plus one if its mask is not that of the run before.  Then
 * come the mask and the length less two, if so.  Numbers have seven bits a
 * byte.  So a value that is in all files takes a few bytes, and one that comes
 * now and then a byte or two each time.
 *
 *-------------------------------------------------------------------------
 */
#include "index_list.h"

#define LINK sizeof(uint32_t) /* a chunk begins with the place of the next one */
#define FIRST_CHUNK 16
#define MOST_CHUNK 128

#define GAP_SHIFT 2
#define HAS_LENGTH 2
#define HAS_MASK 1

/* ---------- memory ---------- */

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

/* ---------- writing ---------- */

uint32_t
flow_index_list_new(FlowIndexArena *arena)
{
	uint32_t place = flow_index_arena_take(arena, sizeof(FlowIndexList));

	memset(flow_index_arena_at(arena, place), 0, sizeof(FlowIndexList));
	return place;
}

/* Returns the size of the chunk after one, or of the first one after 0. */
static size_t
next_size(size_t size)
{
	return size == 0 ? FIRST_CHUNK : size < MOST_CHUNK ? 2 * size : MOST_CHUNK;
}

static void
add_chunk(FlowIndexArena *arena, FlowIndexList *list)
{
	size_t size = next_size(list->size);
	uint32_t place = flow_index_arena_take(arena, size);

	if (list->last == 0)
		list->first = place;
	else
		memcpy(flow_index_arena_at(arena, list->last), &place, LINK);
	memset(flow_index_arena_at(arena, place), 0, LINK);
	list->last = place;
	list->used = LINK;
	list->size = (uint16_t) size;
}

static void
write_number(FlowIndexArena *arena, FlowIndexList *list, uint64_t number)
{
	do
	{
		unsigned char *chunk;

		if (list->used == list->size)
			add_chunk(arena, list);
		chunk = flow_index_arena_at(arena, list->last);
		chunk[list->used++] = (unsigned char) ((number & 127) | (number > 127 ? 128 : 0));
		number >>= 7;
	} while (number != 0);
}

/* Writes the run. */
static void
write_run(FlowIndexArena *arena, FlowIndexList *list)
{
	uint32_t first = list->run_last - (list->run_len - 1);
	bool has_mask = list->run_mask != list->mask;

	write_number(arena,
	             list,
	             (uint64_t) (first - list->end) << GAP_SHIFT |
	                 (list->run_len > 1 ? HAS_LENGTH : 0) | (has_mask ? HAS_MASK : 0));
	if (has_mask)
		write_number(arena, list, list->run_mask);
	if (list->run_len > 1)
		write_number(arena, list, list->run_len - 2);
	list->mask = list->run_mask;
	list->end = list->run_last + 1;
}

void
flow_index_list_add(FlowIndexArena *arena, FlowIndexList *list, uint32_t file, uint32_t mask)
{
	if (list->run_len > 0 && list->run_mask == mask && list->run_last + 1 == file)
	{
		list->run_len++;
		list->run_last = file;
		return;
	}
	if (list->run_len > 0)
		write_run(arena, list);
	list->run_mask = mask;
	list->run_last = file;
	list->run_len = 1;
}

bool
flow_index_list_pop(FlowIndexList *list, uint32_t *file, uint32_t *mask)
{
	if (list->run_len == 0)
		return false;
	*file = list->run_last--;
	*mask = list->run_mask;
	list->run_len--;
	return true;
}

/* ---------- reading ---------- */

void
flow_index_runs_begin(FlowIndexRuns *runs, const FlowIndexArena *arena, const FlowIndexList *list)
{
	*runs = (FlowIndexRuns) {.arena = arena,
	                         .list = list,
	                         .chunk = list->first,
	                         .at = LINK,
	                         .size = next_size(0)};
}

static uint64_t
read_number(FlowIndexRuns *runs)
{
	uint64_t number = 0;
	unsigned char byte;
	unsigned shift = 0;

	do
	{
		const unsigned char *chunk = flow_index_arena_at(runs->arena, runs->chunk);

		if (runs->at == runs->size)
		{
			memcpy(&runs->chunk, chunk, LINK);
			chunk = flow_index_arena_at(runs->arena, runs->chunk);
			runs->at = LINK;
			runs->size = next_size(runs->size);
		}
		byte = chunk[runs->at++];
		number |= (uint64_t) (byte & 127) << shift;
		shift += 7;
	} while (byte > 127);
	return number;
}

/* Reads the next run; returns false at the end. */
bool
flow_index_runs_next(FlowIndexRuns *runs, FlowIndexRun *run)
{
	const FlowIndexList *list = runs->list;
	uint64_t number;

	if (runs->chunk == 0 || (runs->chunk == list->last && runs->at == list->used))
	{
		*run = (FlowIndexRun) {list->run_last - (list->run_len - 1), list->run_len, list->run_mask};
		if (runs->done || list->run_len == 0)
			return false;
		return runs->done = true;
	}
	number = read_number(runs);
	if (number & HAS_MASK)
		runs->mask = (uint32_t) read_number(runs);
	run->first = runs->end + (uint32_t) (number >> GAP_SHIFT);
	run->len = number & HAS_LENGTH ? (uint32_t) read_number(runs) + 2 : 1;
	run->mask = runs->mask;
	runs->end = run->first + run->len;
	return true;
}
