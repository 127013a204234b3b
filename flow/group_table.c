/*-------------------------------------------------------------------------
 *
 * group_table.c
 *	  Finds the group of a record by its keys.
 *
 * A hash table has references to groups, which are stored one after another in
 * chunks:
 *
 *		FlowFieldKey keys[nkeys];
 *		FlowTotal totals[naggregates];
 *		bytes of its long keys
 *
 *-------------------------------------------------------------------------
 */
#include "group.h"

#include <string.h>

/*
 * A table has 8 KiB at first, and a chunk at least 4 KiB: this much is taken
 * whatever the bound.
 */
#define FIRST_TABLE_BITS 10
#define MIN_CHUNK ((size_t) 4 * 1024)
#define MAX_CHUNK ((size_t) FLOW_GROUP_CHUNK)
#define UNIT 8 /* a group's size and offset are multiples of this */

#define CACHE_LINE 64

/*
 * Above this size, the table and groups are prefetched (half of a common
 * second-level cache).
 */
#define FETCH_AHEAD_SIZE ((size_t) 512 * 1024)

/*
 * What stands in a chunk, where a group's first key would have its length,
 * before the beginning of a cache line, and after the last group.
 */
#define GAP (FLOW_KEY_NO_FIELD - 1)
#define REST (FLOW_KEY_NO_FIELD - 2)

/* ---------- keys ---------- */

/*
 * Returns the position of a key's bytes in a group; "longs" is the position of
 * the next long key, and is advanced.
 */
static FlowSlice
key_bytes(const FlowFieldKey *key, const char **longs)
{
	FlowSlice bytes = {(const char *) key->words, (size_t) key->len};

	if (key->len == FLOW_KEY_NO_FIELD)
		return (FlowSlice) {NULL, 0};
	if (key->len > FLOW_KEY_SHORT)
	{
		bytes.data = *longs;
		*longs += bytes.len;
	}
	return bytes;
}

/*
 * Returns true if the long keys of record i, whose hashes are those of a
 * group, have its bytes.
 */
static bool
same_long_keys(const FlowGroups *groups, const FlowRun *run, size_t i, const FlowFieldKey *group)
{
	const char *longs = (const char *) group + groups->group_size;

	for (int k = 0; k < groups->spec.nkeys; k++)
	{
		FlowSlice field, bytes;

		if (!flow_key_is_long(&group[k]))
			continue;
		field = flow_group_key_field(groups, run, i, k);
		bytes = key_bytes(&group[k], &longs);
		if (memcmp(field.data, bytes.data, bytes.len) != 0)
			return false;
	}
	return true;
}

static inline bool
same_keys(const FlowGroups *groups, const FlowRun *run, size_t i, const FlowFieldKey *group,
          int nkeys)
{
	const FlowFieldKey *key = groups->keys + i;
	bool any_long = false;

	for (int k = 0; k < nkeys; k++, key += FLOW_RUN)
	{
		if (((key->words[0] ^ group[k].words[0]) | (key->words[1] ^ group[k].words[1]) |
		     (key->len ^ group[k].len)) != 0)
			return false;
		any_long |= flow_key_is_long(key);
	}
	return !any_long || same_long_keys(groups, run, i, group);
}

/* ---------- memory ---------- */

static FlowStatus
grow_chunk_list(FlowGroups *groups)
{
	size_t most = groups->max_chunks == 0 ? 64 : groups->max_chunks * 2;
	void *memory;
	FlowStatus status = flow_group_take_memory(groups, most * sizeof(FlowGroupChunk), &memory);

	if (status != FLOW_OK)
		return status;
	if (groups->max_chunks > 0)
		memcpy(memory, groups->chunks, groups->nchunks * sizeof(FlowGroupChunk));
	flow_free(groups->spec.host, groups->chunks);
	groups->used -= groups->max_chunks * sizeof(FlowGroupChunk);
	groups->chunks = memory;
	groups->max_chunks = most;
	return FLOW_OK;
}

/*
 * Makes chunks[nused] a chunk of "size" bytes; a spare one is used if it has
 * that size.
 */
static FlowStatus
add_chunk(FlowGroups *groups, size_t size)
{
	void *memory;
	FlowStatus status;

	if (size == groups->chunk_size && groups->nused < groups->nchunks)
	{
		groups->nused++;
		return FLOW_OK;
	}
	if (groups->nchunks >= UINT32_MAX >> groups->unit_bits)
		return FLOW_LIMIT;
	if (groups->nchunks >= groups->max_chunks && (status = grow_chunk_list(groups)) != FLOW_OK)
		return status;
	status = flow_group_take_memory(groups, size, &memory);
	if (status != FLOW_OK)
		return status;
	groups->chunks[groups->nchunks++] = groups->chunks[groups->nused];
	groups->chunks[groups->nused++] = (FlowGroupChunk) {memory, size};
	return FLOW_OK;
}

/*
 * Returns the bytes to leave free before a group so that it does not touch
 * more cache lines than necessary: with many groups, each line is a wait for
 * memory (130,000 groups of 56 bytes: a query takes 3 % less time).
 */
static size_t
gap_before(const char *place, size_t size)
{
	size_t offset = (uintptr_t) place % CACHE_LINE;

	return (offset + size - 1) / CACHE_LINE > (size - 1) / CACHE_LINE ? CACHE_LINE - offset : 0;
}

/* Notes in the current chunk, if it is not full, what follows its last group. */
static void
mark_space(FlowGroups *groups, uint64_t mark)
{
	if (groups->current_used < groups->chunk_size)
		memcpy(groups->chunks[groups->current].data + groups->current_used, &mark, sizeof(mark));
}

/*
 * Takes space for a group and returns its reference.  A group larger than a
 * chunk gets one of its own.
 */
static FlowStatus
add_group(FlowGroups *groups, size_t size, uint32_t *reference)
{
	size_t gap = 0;
	FlowStatus status;

	size = (size + UNIT - 1) / UNIT * UNIT;
	if (size > groups->chunk_size)
	{
		status = add_chunk(groups, size);
		*reference = (uint32_t) ((groups->nused - 1) << groups->unit_bits);
		return status;
	}
	if (groups->current_used < groups->chunk_size)
		gap = gap_before(groups->chunks[groups->current].data + groups->current_used, size);
	if (gap + size > groups->chunk_size - groups->current_used)
	{
		status = add_chunk(groups, groups->chunk_size);
		if (status != FLOW_OK)
			return status;
		mark_space(groups, REST);
		groups->current = groups->nused - 1;
		groups->current_used = 0;
		gap = gap_before(groups->chunks[groups->current].data, size);
		if (gap + size > groups->chunk_size)
			gap = 0;
	}
	if (gap > 0)
		mark_space(groups, GAP);
	groups->current_used += gap;
	*reference = (uint32_t) (groups->current << groups->unit_bits | groups->current_used / UNIT);
	groups->current_used += size;
	return FLOW_OK;
}

static inline FlowFieldKey *
group_at(const FlowGroups *groups, uint32_t reference)
{
	size_t unit = reference & ((UINT32_C(1) << groups->unit_bits) - 1);

	return (FlowFieldKey *) (groups->chunks[reference >> groups->unit_bits].data + unit * UNIT);
}

/* ---------- the hash table ---------- */

/*
 * Returns the first slot to try.  The table uses only the 32 bits of a hash
 * that a slot keeps, so it grows without access to the groups.
 */
static inline size_t
first_slot(const FlowGroups *groups, uint32_t hash)
{
	return hash >> (32 - groups->bits);
}

static inline size_t
next_slot(const FlowGroups *groups, size_t slot)
{
	return (slot + 1) & (((size_t) 1 << groups->bits) - 1);
}

static void
fill_slot(FlowGroups *groups, FlowGroupSlot filled)
{
	size_t slot = first_slot(groups, filled.hash);

	while (groups->slots[slot].group != 0)
		slot = next_slot(groups, slot);
	groups->slots[slot] = filled;
}

/*
 * Makes sure that a slot is free.  At most half of the slots are full, or
 * three quarters where the bound forbids more slots.
 */
static FlowStatus
have_free_slot(FlowGroups *groups)
{
	size_t count = groups->count - (groups->packed != NULL ? groups->packed->count : 0);
	size_t size = (size_t) 1 << groups->bits;
	FlowStatus status;

	if (flow_likely(count < size / 2))
		return FLOW_OK;
	status = flow_group_grow_slots(groups, &groups->slots, &groups->bits);
	return status == FLOW_LIMIT && count < size / 4 * 3 ? FLOW_OK : status;
}

static void
fill_group(FlowGroups *groups, const FlowRun *run, size_t i, FlowFieldKey *group)
{
	char *longs = (char *) group + groups->group_size;

	memset((char *) group + groups->totals_offset, 0, groups->group_size - groups->totals_offset);
	for (int k = 0; k < groups->spec.nkeys; k++)
	{
		group[k] = groups->keys[k * FLOW_RUN + i];
		if (flow_key_is_long(&group[k]))
		{
			FlowSlice field = flow_group_key_field(groups, run, i, k);

			memcpy(longs, field.data, field.len);
			longs += field.len;
		}
	}
}

/* Makes a group of record i; NULL: the run ends there. */
static FlowFieldKey *
insert_group(FlowGroups *groups, FlowRun *run, size_t i)
{
	size_t size = groups->group_size;
	FlowStatus status;
	uint32_t reference;

	if (!run->bad_is_null && !flow_group_check_keys(groups, run, i))
		return NULL;
	for (int k = 0; k < groups->spec.nkeys; k++)
	{
		const FlowFieldKey *key = &groups->keys[k * FLOW_RUN + i];

		size += flow_key_is_long(key) ? key->len : 0;
	}
	status = have_free_slot(groups);
	if (status == FLOW_OK)
		status = add_group(groups, size, &reference);
	if (status != FLOW_OK)
	{
		flow_run_cut(run, i, status, -1);
		return NULL;
	}
	fill_group(groups, run, i, group_at(groups, reference));
	fill_slot(groups, (FlowGroupSlot) {groups->hashes[i], reference});
	groups->count++;
	if (groups->spec.by_value)
		groups->spelled += flow_group_is_spelled(groups, run, i);
	return group_at(groups, reference);
}

/*
 * Prefetches the first slots of a run, then the groups to which they refer, so
 * that it waits for none of them.  It must be inlined: gcc 12 assumes that a
 * function that only prefetches has no effect, and removes its calls.
 */
static inline __attribute__((always_inline)) void
fetch_ahead(const FlowGroups *groups, const FlowRun *run)
{
	for (size_t i = 0; i < run->count; i++)
		__builtin_prefetch(&groups->slots[first_slot(groups, groups->hashes[i])]);
	for (size_t i = 0; i < run->count; i++)
	{
		const FlowGroupSlot *slot = &groups->slots[first_slot(groups, groups->hashes[i])];

		if (slot->group != 0)
		{
			const char *group = (const char *) group_at(groups, slot->group);

			__builtin_prefetch(group, 1);
			if (groups->group_size > CACHE_LINE)
				__builtin_prefetch(group + groups->group_size - 1, 1);
		}
	}
}

/* Sets the hash of record i's keys. */
static inline __attribute__((always_inline)) void
hash_keys(FlowGroups *groups, size_t i, int nkeys)
{
	uint64_t hash = groups->seed[0];

	for (int k = 0; k < nkeys; k++)
		hash = flow_key_hash(groups->seed, hash, &groups->keys[k * FLOW_RUN + i]);
	groups->hashes[i] = (uint32_t) (flow_key_fold(hash, groups->seed[2]) >> 32);
}

/*
 * Finds or makes the group of record i, whose keys have been hashed; NULL: the
 * run ends there.
 */
static inline __attribute__((always_inline)) FlowFieldKey *
find_group(FlowGroups *groups, FlowRun *run, size_t i, int nkeys)
{
	uint32_t hash = groups->hashes[i];
	size_t slot = first_slot(groups, hash);

	for (; groups->slots[slot].group != 0; slot = next_slot(groups, slot))
	{
		FlowFieldKey *group;

		if (groups->slots[slot].hash != hash)
			continue;
		group = group_at(groups, groups->slots[slot].group);
		if (flow_likely(same_keys(groups, run, i, group, nkeys)))
			return group;
	}
	return insert_group(groups, run, i);
}

/* Finds or makes the groups of a run; "nkeys" is compiled in. */
static inline __attribute__((always_inline)) void
find_groups(FlowGroups *groups, FlowRun *run, int nkeys)
{
	size_t count = run->count;

	for (size_t i = 0; i < count; i++)
		hash_keys(groups, i, nkeys);
	if ((sizeof(FlowGroupSlot) << groups->bits) + groups->count * groups->group_size >
	    FETCH_AHEAD_SIZE)
		fetch_ahead(groups, run);
	for (size_t i = 0; i < run->count; i++)
		if ((groups->found[i] = find_group(groups, run, i, nkeys)) == NULL)
			return;
}

void
flow_group_find_all(FlowGroups *groups, FlowRun *run)
{
	switch (groups->spec.nkeys)
	{
		case 1:
			find_groups(groups, run, 1);
			break;
		case 2:
			find_groups(groups, run, 2);
			break;
		default:
			find_groups(groups, run, groups->spec.nkeys);
			break;
	}
}

FlowFieldKey *
flow_group_find_one(FlowGroups *groups, FlowRun *run, size_t i)
{
	hash_keys(groups, i, groups->spec.nkeys);
	return find_group(groups, run, i, groups->spec.nkeys);
}

/*
 * Moves a position, which is a reference or 0, to the next group from there
 * on; returns false after the last.
 */
static bool
find_place(const FlowGroups *groups, size_t *position)
{
	size_t units = (size_t) 1 << groups->unit_bits;

	if (*position < units)
		*position = units;
	for (;;)
	{
		size_t number = *position >> groups->unit_bits;
		size_t offset = (*position & (units - 1)) * UNIT;
		const FlowGroupChunk *chunk;
		uint64_t mark = REST;

		if (number >= groups->nused)
			return false;
		chunk = &groups->chunks[number];
		if (chunk->size != groups->chunk_size || number != groups->current ||
		    offset < groups->current_used)
			memcpy(&mark, chunk->data + offset, sizeof(mark));
		if (mark == REST)
			*position = (number + 1) << groups->unit_bits;
		else if (mark == GAP)
			*position += (CACHE_LINE - (uintptr_t) (chunk->data + offset) % CACHE_LINE) / UNIT;
		else
			return true;
	}
}

/*
 * Groups are returned in the order in which they are stored: in that of the
 * slots, each would be a wait for memory.
 */
FlowStatus
flow_group_show(const FlowGroups *groups, size_t *position, FlowGroup *group)
{
	const FlowFieldKey *keys;
	const char *longs;
	size_t size;

	if (!find_place(groups, position))
		return FLOW_END;
	keys = group_at(groups, (uint32_t) *position);
	longs = (const char *) keys + groups->group_size;
	for (int k = 0; k < groups->spec.nkeys; k++)
		groups->slices[k] = key_bytes(&keys[k], &longs);
	group->keys = groups->slices;
	group->totals = (const FlowTotal *) ((const char *) keys + groups->totals_offset);

	/* move to what follows it */
	size = ((size_t) (longs - (const char *) keys) + UNIT - 1) / UNIT * UNIT;
	if (size > groups->chunk_size)
		*position = ((*position >> groups->unit_bits) + 1) << groups->unit_bits;
	else
		*position += size / UNIT;
	return FLOW_OK;
}

/* ---------- life ---------- */

bool
flow_group_create_table(FlowGroups *groups)
{
	const FlowHost *host = groups->spec.host;
	size_t nkeys = (size_t) groups->spec.nkeys;

	flow_key_draw_seed(host, groups, groups->seed);
	groups->nchunks = 1;
	groups->chunk_size = MIN_CHUNK;
	while (groups->chunk_size < MAX_CHUNK && groups->chunk_size < groups->spec.memory / 16)
		groups->chunk_size *= 2;
	while ((size_t) UNIT << groups->unit_bits < groups->chunk_size)
		groups->unit_bits++;

	groups->slices = flow_allocate(host, nkeys * sizeof(FlowSlice));
	groups->keys = flow_allocate(host, nkeys * FLOW_RUN * sizeof(FlowFieldKey));
	groups->bits = FIRST_TABLE_BITS;
	groups->used = sizeof(FlowGroupSlot) << groups->bits;
	groups->slots = flow_allocate(host, groups->used);
	groups->entries = flow_allocate(host, nkeys * sizeof(FlowGroupEntries));
	if (groups->entries != NULL)
		memset(groups->entries, 0, nkeys * sizeof(FlowGroupEntries));
	if (groups->slices == NULL || groups->keys == NULL || groups->slots == NULL ||
	    groups->entries == NULL)
		return false;
	memset(groups->slots, 0, sizeof(FlowGroupSlot) << groups->bits);
	return flow_group_clear_table(groups) == FLOW_OK;
}

void
flow_group_free_table(FlowGroups *groups)
{
	const FlowHost *host = groups->spec.host;

	for (size_t i = 1; i < groups->nchunks; i++)
		flow_free(host, groups->chunks[i].data);
	flow_free(host, groups->chunks);
	flow_free(host, groups->slots);
	flow_free(host, groups->keys);
	flow_free(host, groups->slices);
	for (int k = 0; groups->entries != NULL && k < groups->spec.nkeys; k++)
	{
		flow_free(host, groups->entries[k].keys);
		flow_free(host, groups->entries[k].computed);
	}
	flow_free(host, groups->entries);
	flow_free(host, groups->by_codes);
}

/*
 * Shrinks an empty table to its first size, for when fewer groups are expected
 * from now on: they would be scattered over a large one, and clearing and
 * searching it takes time.  Without memory it stays as it is.
 */
void
flow_group_shrink_table(FlowGroups *groups)
{
	size_t size = sizeof(FlowGroupSlot) << FIRST_TABLE_BITS;
	FlowGroupSlot *slots;

	if (groups->count > 0 || groups->bits == FIRST_TABLE_BITS)
		return;
	slots = flow_allocate(groups->spec.host, size);
	if (slots == NULL)
		return;
	memset(slots, 0, size);
	flow_free(groups->spec.host, groups->slots);
	groups->used -= (sizeof(FlowGroupSlot) << groups->bits) - size;
	groups->slots = slots;
	groups->bits = FIRST_TABLE_BITS;
}

/* Clears the table; keeps it and the chunks of the usual size. */
FlowStatus
flow_group_clear_table(FlowGroups *groups)
{
	size_t kept = 1;

	/* another reader may have used the same serials */
	groups->combinations = 0;
	for (int k = 0; k < groups->spec.nkeys; k++)
		groups->entries[k].serial = 0;
	for (size_t i = 1; i < groups->nchunks; i++)
	{
		FlowGroupChunk chunk = groups->chunks[i];

		if (chunk.size == groups->chunk_size)
			groups->chunks[kept++] = chunk;
		else
		{
			flow_free(groups->spec.host, chunk.data);
			groups->used -= chunk.size;
		}
	}
	groups->nchunks = kept;
	groups->nused = 1;
	groups->current_used = groups->chunk_size;
	return flow_group_empty_slots(groups->spec.host, groups->slots, (size_t) 1 << groups->bits);
}
