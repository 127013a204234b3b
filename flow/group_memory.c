/*-------------------------------------------------------------------------
 *
 * group_memory.c
 *	  The memory of groups, within their bound, and the tables that grow in it.
 *
 *-------------------------------------------------------------------------
 */
#include "group.h"

#include <string.h>
#include <sys/mman.h>

/* ---------- large pages ---------- */

#define LARGE_PAGE ((uintptr_t) 2 * 1024 * 1024)

/* Few groups shall not take a large page's memory, and the time to clear it. */
#define MANY_CHUNKS 2

/*
 * Has the system use large pages for a table of that size: each of its slots
 * is otherwise also a wait for the page table, and it is filled with zeros
 * anyway.
 */
static void
use_large_pages(void *memory, size_t size)
{
#ifdef MADV_HUGEPAGE
	uintptr_t first = ((uintptr_t) memory + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE;
	uintptr_t end = ((uintptr_t) memory + size) / LARGE_PAGE * LARGE_PAGE;

	if (first < end)
		(void) madvise((void *) first, end - first, MADV_HUGEPAGE);
#endif
}

/* ---------- memory within the bound ---------- */

bool
flow_group_release_slab(FlowGroups *groups)
{
	FlowPacked *packed = groups->packed;

	if (packed == NULL || flow_packed_spare_slabs(packed) == 0)
		return false;
	flow_free(groups->spec.host, packed->slabs[--packed->nslabs]);
	groups->used -= packed->slab_size;
	return true;
}

/* Releases a chunk that holds no groups, if there is one. */
static bool
release_spare(FlowGroups *groups)
{
	if (groups->nchunks > groups->nused)
	{
		flow_free(groups->spec.host, groups->chunks[--groups->nchunks].data);
		groups->used -= groups->chunk_size;
		return true;
	}
	return flow_group_release_slab(groups);
}

FlowStatus
flow_group_take_memory(FlowGroups *groups, size_t size, void **memory)
{
	const FlowPacked *packed = groups->packed;
	size_t spare = (groups->nchunks - groups->nused) * groups->chunk_size;
	size_t bound = groups->spec.memory;

	if (packed != NULL)
		spare += flow_packed_spare_slabs(packed) * packed->slab_size;
	if ((groups->count > 0 || (packed != NULL && packed->nspread > 0)) &&
	    (size > bound || groups->used - spare > bound - size))
		return FLOW_LIMIT;
	while ((size > bound || groups->used > bound - size) && release_spare(groups))
		;
	*memory = flow_allocate(groups->spec.host, size);
	if (*memory == NULL)
		return FLOW_NO_MEMORY;
	groups->used += size;
	/* a table of slots, or a chunk of many */
	if (size >= 2 * LARGE_PAGE && (size > FLOW_GROUP_CHUNK || groups->used > MANY_CHUNKS * size))
		use_large_pages(*memory, size);
	return FLOW_OK;
}

/* ---------- hash tables ---------- */

#define LAST_TABLE_BITS 31

/* So many slots are done within a millisecond. */
#define SLOTS_AT_ONCE ((size_t) 64 * 1024)

/* Fills the first empty slot for a group of a table. */
static inline void
fill_slot(FlowGroupSlot *slots, unsigned bits, FlowGroupSlot filled)
{
	size_t slot = filled.hash >> (32 - bits);

	while (slots[slot].group != 0)
		slot = (slot + 1) & (((size_t) 1 << bits) - 1);
	slots[slot] = filled;
}

FlowStatus
flow_group_empty_slots(const FlowHost *host, FlowGroupSlot *slots, size_t count)
{
	for (size_t first = 0; first < count; first += SLOTS_AT_ONCE)
	{
		size_t some = count - first < SLOTS_AT_ONCE ? count - first : SLOTS_AT_ONCE;

		memset(slots + first, 0, some * sizeof(FlowGroupSlot));
		if (first + some < count && flow_interrupted(host))
			return FLOW_INTERRUPTED;
	}
	return FLOW_OK;
}

/* Fills an empty table with the groups of these slots; false if interrupted. */
static bool
refill_slots(const FlowHost *host, FlowGroupSlot *slots, unsigned bits, const FlowGroupSlot *from,
             size_t count)
{
	for (size_t i = 0; i < count; i++)
	{
		if (from[i].group != 0)
			fill_slot(slots, bits, from[i]);
		if ((i + 1) % SLOTS_AT_ONCE == 0 && flow_interrupted(host))
			return false;
	}
	return true;
}

FlowStatus
flow_group_grow_slots(FlowGroups *groups, FlowGroupSlot **slots, unsigned *bits)
{
	const FlowHost *host = groups->spec.host;
	size_t count = (size_t) 1 << *bits;
	void *memory;
	FlowStatus status;

	if (*bits == LAST_TABLE_BITS)
		return FLOW_LIMIT;
	status = flow_group_take_memory(groups, 2 * count * sizeof(FlowGroupSlot), &memory);
	if (status != FLOW_OK)
		return status;
	if (flow_group_empty_slots(host, memory, 2 * count) != FLOW_OK ||
	    !refill_slots(host, memory, *bits + 1, *slots, count))
	{
		flow_free(host, memory);
		groups->used -= 2 * count * sizeof(FlowGroupSlot);
		return FLOW_INTERRUPTED;
	}
	flow_free(host, *slots);
	groups->used -= count * sizeof(FlowGroupSlot);
	*slots = memory;
	++*bits;
	return FLOW_OK;
}
