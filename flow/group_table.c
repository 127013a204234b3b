/*-------------------------------------------------------------------------
 *
 * group_table.c
 *	  Finds the group of a record by its keys.
 *
 * A hash table has references to groups, which are stored one after another in
 * chunks:
 *
 *		FlowGroupKey keys[nkeys];
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
#define LAST_TABLE_BITS 31
#define MIN_CHUNK ((size_t) 4 * 1024)
#define MAX_CHUNK ((size_t) 256 * 1024)
#define UNIT 8 /* a group's size and offset are multiples of this */

#define CACHE_LINE 64

/*
 * Above this size, the table and groups are prefetched (half of a common
 * second-level cache).
 */
#define FETCH_AHEAD_SIZE ((size_t) 512 * 1024)

/*
 * Groups are not in the order of their slots: this many slots ahead, they are
 * prefetched when groups are returned.
 */
#define FETCH_AHEAD_SLOTS 16

/* ---------- keys ---------- */

/* Multiplies to 128 bits, and folds them into 64. */
static inline uint64_t
fold(uint64_t a, uint64_t b)
{
#ifdef __SIZEOF_INT128__
	unsigned __int128 product = (unsigned __int128) a * b;

	return (uint64_t) product ^ (uint64_t) (product >> 64);
#else
	uint64_t x = (a ^ (b << 32 | b >> 32)) * (b | 1);

	x = (x ^ (x >> 32)) * UINT64_C(0x9E3779B97F4A7C15);
	return x ^ (x >> 29);
#endif
}

/*
 * The hash of keys.  Logs come from anywhere, and their writers must not be
 * able to choose fields that all have the same place in the table.  So the
 * hash depends on a seed that each FlowGroups draws (no result depends on it),
 * and its multipliers are not known outside.
 */
static inline uint64_t
hash_key(const uint64_t *seed, uint64_t hash, const FlowGroupKey *key)
{
	return fold(key->words[0] ^ hash,
	            (key->words[1] ^ seed[1]) + key->len * UINT64_C(0x9E3779B97F4A7C15));
}

/*
 * The hash of more than FLOW_GROUP_SHORT_KEY bytes; the last piece may overlap
 * the one before.
 */
static uint64_t
hash_bytes(const uint64_t *seed, const char *data, size_t len)
{
	uint64_t hash = seed[2];
	uint64_t words[2];

	for (size_t i = 0; i < len; i += sizeof(words))
	{
		memcpy(words, data + (i + sizeof(words) <= len ? i : len - sizeof(words)), sizeof(words));
		hash = fold(words[0] ^ hash, words[1] ^ seed[1]);
	}
	return hash;
}

static FlowGroupKey
make_key(const FlowGroups *groups, FlowSlice field)
{
	FlowGroupKey key = {{0, 0}, field.len};

	if (field.data == NULL)
		key.len = FLOW_GROUP_NO_FIELD;
	else if (field.len > FLOW_GROUP_SHORT_KEY)
		key.words[0] = hash_bytes(groups->seed, field.data, field.len);
	else
		memcpy(key.words, field.data, field.len);
	return key;
}

/* The same if FLOW_GROUP_SHORT_KEY bytes are readable at any position. */
static inline FlowGroupKey
load_key(const FlowGroups *groups, const char *data, uint32_t len)
{
	static const uint8_t masks[2 * FLOW_GROUP_SHORT_KEY] = {0xFF,
	                                                        0xFF,
	                                                        0xFF,
	                                                        0xFF,
	                                                        0xFF,
	                                                        0xFF,
	                                                        0xFF,
	                                                        0xFF,
	                                                        0xFF,
	                                                        0xFF,
	                                                        0xFF,
	                                                        0xFF,
	                                                        0xFF,
	                                                        0xFF,
	                                                        0xFF,
	                                                        0xFF};
	uint64_t mask[2];
	FlowGroupKey key;

	if (flow_unlikely(len > FLOW_GROUP_SHORT_KEY))
		return (FlowGroupKey) {{hash_bytes(groups->seed, data, len), 0}, len};
	memcpy(mask, masks + FLOW_GROUP_SHORT_KEY - len, FLOW_GROUP_SHORT_KEY);
	memcpy(key.words, data, FLOW_GROUP_SHORT_KEY);
	key.words[0] &= mask[0];
	key.words[1] &= mask[1];
	key.len = len;
	return key;
}

static inline bool
is_long(const FlowGroupKey *key)
{
	return key->len > FLOW_GROUP_SHORT_KEY && key->len != FLOW_GROUP_NO_FIELD;
}

/*
 * Reads the keys of one record, or of a batch whose lines lack the column.  A
 * missing field must be checked in each record if a field is required: a group
 * without it may exist, as bad fields may be taken for NULL.  Where groups are
 * told apart by value, a missing field has the same key as a field that means
 * NULL.
 */
static void
make_keys(FlowGroups *groups, FlowGroupRun *run, int column, FlowGroupKey *keys)
{
	for (size_t i = 0; i < run->count; i++)
	{
		FlowSlice field = flow_batch_field(run->batch, run->first + i, column);
		FlowValue value;

		if (run->bad_is_null)
		{
			FlowStatus status =
				flow_value_read(&groups->spec.columns[column], groups->spec.host, field, &value);

			if (status == FLOW_NO_MEMORY)
			{
				flow_group_cut_run(run, i, status, column);
				return;
			}
			if (status != FLOW_OK && status != FLOW_END)
				field = (FlowSlice) {NULL, 0};
		}
		else if (field.data == NULL && groups->spec.columns[column].not_null)
		{
			flow_group_cut_run(run, i, FLOW_MISSING, column);
			return;
		}
		if (field.data == NULL && groups->spec.by_value)
			field = flow_group_null_form(&groups->spec.columns[column]);
		keys[i] = make_key(groups, field);
	}
}

static void
load_keys(const FlowGroups *groups, FlowGroupRun *run, int place, FlowGroupKey *keys)
{
	const char *data = run->batch->data;
	const uint32_t *ends = run->batch->next + place;
	const uint32_t *rows = run->batch->rows + run->first;
	size_t count = run->count;

	for (size_t i = 0; i < count; i++)
	{
		const uint32_t *next = ends + rows[i];

		keys[i] = load_key(groups, data + next[-1], next[0] - 1 - next[-1]);
	}
}

static void
read_keys(FlowGroups *groups, FlowGroupRun *run)
{
	const FlowBatch *batch = run->batch;

	for (int k = 0; k < groups->spec.nkeys; k++)
	{
		int column = groups->spec.keys[k];

		if (batch->next == NULL || batch->place[column] < 0 || run->bad_is_null)
			make_keys(groups, run, column, groups->keys + k * FLOW_GROUP_RUN);
		else
			load_keys(groups, run, batch->place[column], groups->keys + k * FLOW_GROUP_RUN);
	}
}

/*
 * Returns the position of a key's bytes in a group; "longs" is the position of
 * the next long key, and is advanced.
 */
static FlowSlice
key_bytes(const FlowGroupKey *key, const char **longs)
{
	FlowSlice bytes = {(const char *) key->words, (size_t) key->len};

	if (key->len == FLOW_GROUP_NO_FIELD)
		return (FlowSlice) {NULL, 0};
	if (key->len > FLOW_GROUP_SHORT_KEY)
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
same_long_keys(const FlowGroups *groups, const FlowGroupRun *run, size_t i,
               const FlowGroupKey *group)
{
	const char *longs = (const char *) group + groups->group_size;

	for (int k = 0; k < groups->spec.nkeys; k++)
	{
		FlowSlice field, bytes;

		if (!is_long(&group[k]))
			continue;
		field = flow_batch_field(run->batch, run->first + i, groups->spec.keys[k]);
		bytes = key_bytes(&group[k], &longs);
		if (memcmp(field.data, bytes.data, bytes.len) != 0)
			return false;
	}
	return true;
}

static inline bool
same_keys(const FlowGroups *groups, const FlowGroupRun *run, size_t i, const FlowGroupKey *group,
          int nkeys)
{
	const FlowGroupKey *key = groups->keys + i;
	bool any_long = false;

	for (int k = 0; k < nkeys; k++, key += FLOW_GROUP_RUN)
	{
		if (((key->words[0] ^ group[k].words[0]) | (key->words[1] ^ group[k].words[1]) |
		     (key->len ^ group[k].len)) != 0)
			return false;
		any_long |= is_long(key);
	}
	return !any_long || same_long_keys(groups, run, i, group);
}

/* ---------- memory ---------- */

/*
 * Allocates memory within the bound, releasing spare chunks if necessary.
 * While there is no group, everything fits.
 */
static FlowStatus
take_memory(FlowGroups *groups, size_t size, void **memory)
{
	size_t spare = (groups->nchunks - groups->nused) * groups->chunk_size;
	size_t bound = groups->spec.memory;

	if (groups->count > 0 && (size > bound || groups->used - spare > bound - size))
		return FLOW_LIMIT;
	while (groups->nchunks > groups->nused && (size > bound || groups->used > bound - size))
	{
		flow_free(groups->spec.host, groups->chunks[--groups->nchunks].data);
		groups->used -= groups->chunk_size;
	}
	*memory = flow_allocate(groups->spec.host, size);
	if (*memory == NULL)
		return FLOW_NO_MEMORY;
	groups->used += size;
	return FLOW_OK;
}

static FlowStatus
grow_chunk_list(FlowGroups *groups)
{
	size_t most = groups->max_chunks == 0 ? 64 : groups->max_chunks * 2;
	void *memory;
	FlowStatus status = take_memory(groups, most * sizeof(FlowGroupChunk), &memory);

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
	status = take_memory(groups, size, &memory);
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
		groups->current = groups->nused - 1;
		groups->current_used = 0;
		gap = gap_before(groups->chunks[groups->current].data, size);
		if (gap + size > groups->chunk_size)
			gap = 0;
	}
	groups->current_used += gap;
	*reference = (uint32_t) (groups->current << groups->unit_bits | groups->current_used / UNIT);
	groups->current_used += size;
	return FLOW_OK;
}

static inline FlowGroupKey *
group_at(const FlowGroups *groups, uint32_t reference)
{
	size_t unit = reference & ((UINT32_C(1) << groups->unit_bits) - 1);

	return (FlowGroupKey *) (groups->chunks[reference >> groups->unit_bits].data + unit * UNIT);
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

static FlowStatus
grow_table(FlowGroups *groups)
{
	size_t size = (size_t) 1 << groups->bits;
	FlowGroupSlot *slots = groups->slots;
	void *memory;
	FlowStatus status;

	if (groups->bits == LAST_TABLE_BITS)
		return FLOW_LIMIT;
	status = take_memory(groups, 2 * size * sizeof(FlowGroupSlot), &memory);
	if (status != FLOW_OK)
		return status;
	groups->slots = memory;
	groups->bits++;
	memset(groups->slots, 0, 2 * size * sizeof(FlowGroupSlot));
	for (size_t i = 0; i < size; i++)
	{
		if (slots[i].group != 0)
			fill_slot(groups, slots[i]);
	}
	flow_free(groups->spec.host, slots);
	groups->used -= size * sizeof(FlowGroupSlot);
	return FLOW_OK;
}

/*
 * Makes sure that a slot is free.  At most half of the slots are full, or
 * three quarters where the bound forbids more slots.
 */
static FlowStatus
have_free_slot(FlowGroups *groups)
{
	size_t size = (size_t) 1 << groups->bits;
	FlowStatus status;

	if (flow_likely(groups->count < size / 2))
		return FLOW_OK;
	status = grow_table(groups);
	return status == FLOW_LIMIT && groups->count < size / 4 * 3 ? FLOW_OK : status;
}

/*
 * A new group is made only of good fields; others with the same bytes are then
 * good as well.
 */
static bool
check_keys(const FlowGroups *groups, FlowGroupRun *run, size_t i)
{
	for (int k = 0; k < groups->spec.nkeys; k++)
	{
		int column = groups->spec.keys[k];
		FlowSlice field = flow_batch_field(run->batch, run->first + i, column);
		FlowValue value;
		FlowStatus status =
			flow_value_read(&groups->spec.columns[column], groups->spec.host, field, &value);

		if (status != FLOW_OK && status != FLOW_END)
		{
			flow_group_cut_run(run, i, status, column);
			return false;
		}
	}
	return true;
}

/*
 * Returns true if a key of record i is not written in its value's form.  Then
 * there may be another group of the same value.
 */
static bool
is_spelled(const FlowGroups *groups, const FlowGroupRun *run, size_t i)
{
	for (int k = 0; k < groups->spec.nkeys; k++)
	{
		const FlowColumn *column = &groups->spec.columns[groups->spec.keys[k]];
		FlowSlice field = flow_batch_field(run->batch, run->first + i, groups->spec.keys[k]);
		char buffer[FLOW_FORM_SIZE];
		FlowValue value;
		FlowSlice form;

		if (column->type == FLOW_TEXT && column->max_chars < 0)
			continue;
		if (flow_value_read(column, groups->spec.host, field, &value) != FLOW_OK)
			continue; /* the key is that of NULL */
		form = flow_value_write(column->type, &value, buffer);
		if (form.len != field.len || memcmp(form.data, field.data, form.len) != 0)
			return true;
	}
	return false;
}

static void
fill_group(FlowGroups *groups, const FlowGroupRun *run, size_t i, FlowGroupKey *group)
{
	char *longs = (char *) group + groups->group_size;

	memset((char *) group + groups->totals_offset, 0, groups->group_size - groups->totals_offset);
	for (int k = 0; k < groups->spec.nkeys; k++)
	{
		group[k] = groups->keys[k * FLOW_GROUP_RUN + i];
		if (is_long(&group[k]))
		{
			FlowSlice field = flow_batch_field(run->batch, run->first + i, groups->spec.keys[k]);

			memcpy(longs, field.data, field.len);
			longs += field.len;
		}
	}
}

/* Makes a group of record i; NULL: the run ends there. */
static FlowGroupKey *
insert_group(FlowGroups *groups, FlowGroupRun *run, size_t i)
{
	size_t size = groups->group_size;
	FlowStatus status;
	uint32_t reference;

	if (!run->bad_is_null && !check_keys(groups, run, i))
		return NULL;
	for (int k = 0; k < groups->spec.nkeys; k++)
	{
		const FlowGroupKey *key = &groups->keys[k * FLOW_GROUP_RUN + i];

		size += is_long(key) ? key->len : 0;
	}
	status = have_free_slot(groups);
	if (status == FLOW_OK)
		status = add_group(groups, size, &reference);
	if (status != FLOW_OK)
	{
		flow_group_cut_run(run, i, status, -1);
		return NULL;
	}
	fill_group(groups, run, i, group_at(groups, reference));
	fill_slot(groups, (FlowGroupSlot) {groups->hashes[i], reference});
	groups->count++;
	if (groups->spec.by_value)
		groups->spelled += is_spelled(groups, run, i);
	return group_at(groups, reference);
}

/*
 * Prefetches the first slots of a run, then the groups to which they refer, so
 * that it waits for none of them.  It must be inlined: gcc 12 assumes that a
 * function that only prefetches has no effect, and removes its calls.
 */
static inline __attribute__((always_inline)) void
fetch_ahead(const FlowGroups *groups, const FlowGroupRun *run)
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

/* Finds or makes the groups of a run; "nkeys" is compiled in. */
static inline __attribute__((always_inline)) void
find_groups(FlowGroups *groups, FlowGroupRun *run, int nkeys)
{
	size_t count = run->count;

	for (size_t i = 0; i < count; i++)
	{
		uint64_t hash = groups->seed[0];

		for (int k = 0; k < nkeys; k++)
			hash = hash_key(groups->seed, hash, &groups->keys[k * FLOW_GROUP_RUN + i]);
		groups->hashes[i] = (uint32_t) (fold(hash, groups->seed[2]) >> 32);
	}
	if (groups->used > FETCH_AHEAD_SIZE)
		fetch_ahead(groups, run);
	for (size_t i = 0; i < run->count; i++)
	{
		uint32_t hash = groups->hashes[i];
		size_t slot = first_slot(groups, hash);
		FlowGroupKey *group = NULL;

		for (; groups->slots[slot].group != 0; slot = next_slot(groups, slot))
		{
			if (groups->slots[slot].hash != hash)
				continue;
			group = group_at(groups, groups->slots[slot].group);
			if (flow_likely(same_keys(groups, run, i, group, nkeys)))
				break;
			group = NULL;
		}
		if (flow_unlikely(group == NULL) && (group = insert_group(groups, run, i)) == NULL)
			return;
		groups->found[i] = group;
	}
}

/*
 * False if the null text could be a value's form, or is long: then a missing
 * field would not have its bytes.
 */
bool
flow_group_keeps_values(const FlowColumn *column)
{
	FlowSlice null_text = {column->null_text, column->null_len};
	FlowColumn other = *column;
	FlowValue value;

	if (!flow_value_has_form(column->type))
		return false;
	if (column->null_text == NULL)
		return true;
	if (column->null_len > FLOW_GROUP_SHORT_KEY)
		return false;
	if (column->type == FLOW_TEXT) /* a longer text may have been cut to this */
		return column->max_chars < 0 || column->null_len < (size_t) column->max_chars;
	other.null_text = NULL;
	return flow_value_read(&other, NULL, null_text, &value) != FLOW_OK;
}

void
flow_group_find(FlowGroups *groups, FlowGroupRun *run)
{
	read_keys(groups, run);
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

FlowStatus
flow_group_show(const FlowGroups *groups, size_t *position, FlowGroup *group)
{
	size_t size = (size_t) 1 << groups->bits;
	const FlowGroupKey *keys;
	const char *longs;

	while (*position < size && groups->slots[*position].group == 0)
		++*position;
	if (*position + FETCH_AHEAD_SLOTS < size &&
	    groups->slots[*position + FETCH_AHEAD_SLOTS].group != 0)
		__builtin_prefetch(group_at(groups, groups->slots[*position + FETCH_AHEAD_SLOTS].group));
	if (*position == size)
		return FLOW_END;
	keys = group_at(groups, groups->slots[(*position)++].group);
	longs = (const char *) keys + groups->group_size;
	for (int k = 0; k < groups->spec.nkeys; k++)
		groups->slices[k] = key_bytes(&keys[k], &longs);
	group->keys = groups->slices;
	group->totals = (const FlowTotal *) ((const char *) keys + groups->totals_offset);
	return FLOW_OK;
}

/* ---------- life ---------- */

static void
draw_seed(FlowGroups *groups)
{
	uint64_t seed = (uint64_t) groups->spec.host->clock(groups->spec.host->arg) ^
	                (uint64_t) (uintptr_t) groups << 20;

	for (size_t i = 0; i < flow_countof(groups->seed); i++)
	{
		seed += UINT64_C(0x9E3779B97F4A7C15);
		groups->seed[i] = (seed ^ (seed >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
		groups->seed[i] =
			(groups->seed[i] ^ (groups->seed[i] >> 27)) * UINT64_C(0x94D049BB133111EB);
		groups->seed[i] ^= groups->seed[i] >> 31;
	}
}

bool
flow_group_create_table(FlowGroups *groups)
{
	const FlowHost *host = groups->spec.host;
	size_t nkeys = (size_t) groups->spec.nkeys;

	draw_seed(groups);
	groups->nchunks = 1;
	groups->chunk_size = MIN_CHUNK;
	while (groups->chunk_size < MAX_CHUNK && groups->chunk_size < groups->spec.memory / 32)
		groups->chunk_size *= 2;
	while ((size_t) UNIT << groups->unit_bits < groups->chunk_size)
		groups->unit_bits++;

	groups->slices = flow_allocate(host, nkeys * sizeof(FlowSlice));
	groups->keys = flow_allocate(host, nkeys * FLOW_GROUP_RUN * sizeof(FlowGroupKey));
	groups->bits = FIRST_TABLE_BITS;
	groups->used = sizeof(FlowGroupSlot) << groups->bits;
	groups->slots = flow_allocate(host, groups->used);
	if (groups->slices == NULL || groups->keys == NULL || groups->slots == NULL)
		return false;
	flow_group_clear_table(groups);
	return true;
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
}

/*
 * Shrinks an empty table to its first size, for when fewer groups are expected
 * from now on: they would be scattered over a large one, and clearing and
 * searching it takes time.  Without memory it stays as it is.
 */
void
flow_groups_shrink(FlowGroups *groups)
{
	size_t size = sizeof(FlowGroupSlot) << FIRST_TABLE_BITS;
	FlowGroupSlot *slots;

	if (groups->alone != NULL || groups->count > 0 || groups->bits == FIRST_TABLE_BITS)
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
void
flow_group_clear_table(FlowGroups *groups)
{
	size_t kept = 1;

	memset(groups->slots, 0, sizeof(FlowGroupSlot) << groups->bits);
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
}
