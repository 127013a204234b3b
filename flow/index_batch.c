/*-------------------------------------------------------------------------
 *
 * index_batch.c
 *	  Gathers values and the files in which they stand, and returns them as
 *	  entries.
 *
 * A hash table has a slot for each value, with the last file and its mask: so
 * most values of a log, which stand in one file or come again in the same one,
 * need no more.  Earlier files are in a list (index_list.c).
 *
 * An IPv4 address is in its slot.  Such slots are prefetched and used some adds
 * later: with 18,000 values that come in each of 600 files, and 900,000 that
 * come once, an add takes 0.62 of the time.  Other keys are in the arena, and
 * their slots have hashes.
 *
 *-------------------------------------------------------------------------
 */
#include "index.h"
#include "index_list.h"
#include "sort.h"

#define FIRST_SLOTS 4096
#define WAITING 16 /* a power of two */

#define STEPS_A_LOOK 4096 /* adds, entries or slots between two checks for an interrupt */

/* bytes that may be allocated for what waits, and the key that is added */
#define RESERVED ((WAITING + 1) * (FLOW_INDEX_LIST_MOST + 2 * FLOW_INDEX_KEY_SIZE))

#define IS_IPV4 1u  /* in place of a hash */
#define IS_OTHER 2u /* in each hash */

typedef struct Slot
{
	uint32_t hash;  /* 0: empty */
	uint32_t value; /* the address, or the place of its FlowIndexKey */
	uint32_t file;  /* the last one, */
	uint32_t mask;  /* and its mask; 0: there is none */
	uint32_t list;  /* the files before it; 0: there are none */
} Slot;

/* An address that is about to be added. */
typedef struct Waiting
{
	uint32_t address, mask;
	size_t slot; /* the first one to try */
} Waiting;

struct FlowIndexBatch
{
	const FlowHost *host;
	size_t memory;
	uint64_t seed; /* so that values of logs cannot be chosen to collide */
	size_t steps;

	Slot *slots;
	unsigned shift; /* 64 - log2(slots) */
	size_t nkeys;
	size_t most_keys; /* with more the table grows */
	FlowIndexArena arena;

	uint32_t file; /* that is added */
	Waiting waiting[WAITING];
	size_t nwaiting, first_waiting;

	/* sorted: slots of IPv4 addresses, with the address in the upper half, and of others */
	uint64_t *addresses, *spare;
	size_t naddresses;
	uint32_t *others;
	size_t nothers;
	size_t nbefore; /* others before the addresses */

	/* the value whose entries are returned */
	size_t value;
	uint32_t mask; /* of the next entry; 0: none */
	FlowIndexRun *runs;
	size_t nruns, runs_room;
	uint32_t *files;
	size_t files_room;
};

/* ---------- the table ---------- */

static inline size_t
table_size(unsigned shift)
{
	return (size_t) 1 << (64 - shift);
}

static inline uint64_t
mix(uint64_t x)
{
	x = (x ^ (x >> 32)) * UINT64_C(0x9E3779B97F4A7C15);
	return (x ^ (x >> 29)) * UINT64_C(0xBF58476D1CE4E5B9);
}

static inline uint64_t
hash_address(const FlowIndexBatch *batch, uint32_t address)
{
	return mix(batch->seed + address);
}

static uint64_t
hash_key(const FlowIndexBatch *batch, const FlowIndexKey *key)
{
	uint64_t hash = batch->seed + key->len;

	for (size_t i = 0; i < key->len; i += 8)
	{
		uint64_t word = 0;

		memcpy(&word, key->bytes + i, key->len - i < 8 ? key->len - i : 8);
		hash = mix(hash ^ word);
	}
	return hash;
}

/* Returns the key that is stored for a slot. */
static inline const FlowIndexKey *
stored_key(const FlowIndexBatch *batch, const Slot *slot)
{
	return flow_index_arena_at(&batch->arena, slot->value);
}

/* Returns the first slot to try for what is in a slot. */
static size_t
first_slot(const FlowIndexBatch *batch, const Slot *slot, unsigned shift)
{
	if (slot->hash == IS_IPV4)
		return hash_address(batch, slot->value) >> shift;
	return hash_key(batch, stored_key(batch, slot)) >> shift;
}

static size_t
memory_of(size_t slots, size_t keys, size_t blocks)
{
	return slots * sizeof(Slot) + blocks * FLOW_ARENA_BLOCK + keys * 2 * sizeof(uint64_t);
}

static Slot *
new_table(const FlowHost *host, unsigned shift)
{
	Slot *slots = flow_allocate(host, table_size(shift) * sizeof(Slot));

	if (slots != NULL)
		memset(slots, 0, table_size(shift) * sizeof(Slot));
	return slots;
}

static void
use_table(FlowIndexBatch *batch, Slot *slots, unsigned shift)
{
	flow_free(batch->host, batch->slots);
	batch->slots = slots;
	batch->shift = shift;
	batch->most_keys = table_size(shift) / 4 * 3 - WAITING - 1;
}

/* Returns true if a table may be larger, beside the one that there is. */
static bool
may_grow(const FlowIndexBatch *batch, size_t larger)
{
	return memory_of(table_size(batch->shift) + larger, larger / 4 * 3, batch->arena.nblocks) <=
	       batch->memory;
}

/* Makes the table four times as large or, if that is too much, twice. */
static FlowStatus
grow(FlowIndexBatch *batch)
{
	size_t size = table_size(batch->shift), last;
	unsigned shift = batch->shift - (may_grow(batch, 4 * size) ? 2 : 1);
	Slot *slots;

	if (!may_grow(batch, table_size(shift)))
		return FLOW_LIMIT;
	last = table_size(shift) - 1;
	slots = new_table(batch->host, shift);
	if (slots == NULL)
		return FLOW_NO_MEMORY;
	for (size_t i = 0; i < size; i++)
	{
		const Slot *slot = &batch->slots[i];

		if (i % STEPS_A_LOOK == 0 && flow_interrupted(batch->host))
		{
			flow_free(batch->host, slots);
			return FLOW_INTERRUPTED;
		}
		if (slot->hash != 0)
		{
			size_t place = first_slot(batch, slot, shift);

			while (slots[place].hash != 0)
				place = (place + 1) & last;
			slots[place] = *slot;
		}
	}
	use_table(batch, slots, shift);
	for (size_t i = 0; i < WAITING; i++)
		batch->waiting[i].slot = hash_address(batch, batch->waiting[i].address) >> shift;
	return FLOW_OK;
}

/* Makes room for one more value, so that adding it and all that waits cannot fail. */
static FlowStatus
make_room(FlowIndexBatch *batch)
{
	size_t memory = memory_of(table_size(batch->shift), batch->most_keys, batch->arena.nblocks + 1);
	FlowStatus status = FLOW_OK;

	if (batch->nkeys > batch->most_keys)
		status = grow(batch);
	if (status == FLOW_OK)
		status = flow_index_arena_reserve(&batch->arena,
		                                  RESERVED,
		                                  batch->arena.nblocks == 0 || memory <= batch->memory);
	return status;
}

/* ---------- adding ---------- */

/* Adds the current file to a value. */
static inline void
add_file(FlowIndexBatch *batch, Slot *slot, uint32_t mask)
{
	if (slot->file == batch->file || slot->mask == 0)
	{
		slot->file = batch->file;
		slot->mask |= mask;
		return;
	}
	if (slot->list == 0)
		slot->list = flow_index_list_new(&batch->arena);
	flow_index_list_add(&batch->arena,
	                    flow_index_arena_at(&batch->arena, slot->list),
	                    slot->file,
	                    slot->mask);
	slot->file = batch->file;
	slot->mask = mask;
}

static inline void
add_address(FlowIndexBatch *batch, const Waiting *waiting)
{
	size_t last = table_size(batch->shift) - 1;
	Slot *slot = &batch->slots[waiting->slot];

	for (size_t i = waiting->slot; slot->value != waiting->address || slot->hash != IS_IPV4;)
	{
		if (slot->hash == 0)
		{
			slot->hash = IS_IPV4;
			slot->value = waiting->address;
			batch->nkeys++;
			break;
		}
		i = (i + 1) & last;
		slot = &batch->slots[i];
	}
	add_file(batch, slot, waiting->mask);
}

/* Adds the addresses that wait. */
static void
settle(FlowIndexBatch *batch)
{
	for (; batch->nwaiting > 0; batch->nwaiting--)
		add_address(batch, &batch->waiting[batch->first_waiting++ % WAITING]);
}

static void
add_other(FlowIndexBatch *batch, const FlowIndexKey *key, uint32_t mask)
{
	uint64_t hash = hash_key(batch, key);
	uint32_t mark = (uint32_t) hash | IS_OTHER;
	size_t last = table_size(batch->shift) - 1;
	size_t i;

	for (i = hash >> batch->shift; batch->slots[i].hash != 0; i = (i + 1) & last)
		if (batch->slots[i].hash == mark &&
		    flow_index_key_compare(stored_key(batch, &batch->slots[i]), key) == 0)
			break;
	if (batch->slots[i].hash == 0)
	{
		size_t size = offsetof(FlowIndexKey, bytes) + key->len;

		batch->slots[i].hash = mark;
		batch->slots[i].value = flow_index_arena_take(&batch->arena, size);
		memcpy(flow_index_arena_at(&batch->arena, batch->slots[i].value), key, size);
		batch->nkeys++;
	}
	add_file(batch, &batch->slots[i], mask);
}

/* Prepares to add a value that stands in a file. */
static inline FlowStatus
begin_add(FlowIndexBatch *batch, uint32_t file)
{
	if (flow_unlikely(file != batch->file))
	{
		settle(batch);
		batch->file = file;
	}
	if (flow_unlikely(++batch->steps % STEPS_A_LOOK == 0 && flow_interrupted(batch->host)))
		return FLOW_INTERRUPTED;
	if (flow_unlikely(batch->nkeys > batch->most_keys ||
	                  !flow_index_arena_has(&batch->arena, RESERVED)))
		return make_room(batch);
	return FLOW_OK;
}

FlowStatus
flow_index_batch_add_ipv4(FlowIndexBatch *batch, uint32_t address, uint32_t mask, uint32_t file)
{
	FlowStatus status = begin_add(batch, file);
	Waiting *waiting;

	if (flow_unlikely(status != FLOW_OK))
		return status;
	if (batch->nwaiting == WAITING)
	{
		add_address(batch, &batch->waiting[batch->first_waiting++ % WAITING]);
		batch->nwaiting--;
	}
	waiting = &batch->waiting[(batch->first_waiting + batch->nwaiting++) % WAITING];
	waiting->address = address;
	waiting->mask = mask;
	waiting->slot = hash_address(batch, address) >> batch->shift;
	__builtin_prefetch(&batch->slots[waiting->slot], 1);
	return FLOW_OK;
}

/* Adds a value that stands in a file. */
FlowStatus
flow_index_batch_add(FlowIndexBatch *batch, const FlowIndexKey *key, uint32_t mask, uint32_t file)
{
	FlowStatus status;

	if (key->bytes[0] == FLOW_INDEX_IPV4)
		return flow_index_batch_add_ipv4(batch, flow_index_ipv4(key), mask, file);
	status = begin_add(batch, file);
	if (status == FLOW_OK)
		add_other(batch, key, mask);
	return status;
}

/* Removes what was added for the last file. */
void
flow_index_batch_forget(FlowIndexBatch *batch, uint32_t file)
{
	size_t size = table_size(batch->shift);

	if (batch->file == file)
		batch->nwaiting = 0;
	else
		settle(batch);
	for (size_t i = 0; i < size; i++)
	{
		Slot *slot = &batch->slots[i];

		if (slot->mask == 0 || slot->file != file)
			continue;
		if (slot->list == 0 || !flow_index_list_pop(flow_index_arena_at(&batch->arena, slot->list),
		                                            &slot->file,
		                                            &slot->mask))
			slot->mask = 0;
	}
}

/* ---------- sorting ---------- */

#define DIGIT_BITS 11
#define DIGITS (1u << DIGIT_BITS)

/* Sorts addresses, with their slots, by some of their bits. */
static FlowStatus
sort_by_digit(FlowIndexBatch *batch, unsigned shift)
{
	size_t places[DIGITS] = {0};
	size_t sum = 0;
	uint64_t *sorted = batch->spare;

	for (size_t i = 0; i < batch->naddresses; i++)
		places[batch->addresses[i] >> shift & (DIGITS - 1)]++;
	for (size_t i = 0; i < DIGITS; i++)
	{
		size_t count = places[i];

		places[i] = sum;
		sum += count;
	}
	for (size_t i = 0; i < batch->naddresses; i++)
	{
		if (i % STEPS_A_LOOK == 0 && flow_interrupted(batch->host))
			return FLOW_INTERRUPTED;
		sorted[places[batch->addresses[i] >> shift & (DIGITS - 1)]++] = batch->addresses[i];
	}
	batch->spare = batch->addresses;
	batch->addresses = sorted;
	return FLOW_OK;
}

/* Orders slots by their keys; "arg" is the batch. */
static int
compare_slots(const void *a, const void *b, const void *arg)
{
	const FlowIndexBatch *batch = arg;

	return flow_index_key_compare(stored_key(batch, &batch->slots[*(const uint32_t *) a]),
	                              stored_key(batch, &batch->slots[*(const uint32_t *) b]));
}

static inline bool
has_files(const FlowIndexBatch *batch, const Slot *slot)
{
	return slot->mask != 0 ||
	       (slot->list != 0 &&
	        !flow_index_list_is_empty(flow_index_arena_at(&batch->arena, slot->list)));
}

static void
release_order(FlowIndexBatch *batch)
{
	flow_free(batch->host, batch->addresses);
	flow_free(batch->host, batch->spare);
	flow_free(batch->host, batch->others);
	batch->addresses = batch->spare = NULL;
	batch->others = NULL;
	batch->naddresses = batch->nothers = batch->nbefore = 0;
}

/* Allocates what is sorted; sets the number of each. */
static FlowStatus
allocate_order(FlowIndexBatch *batch)
{
	size_t size = table_size(batch->shift);
	size_t addresses = 0;

	for (size_t i = 0; i < size; i++)
		addresses += batch->slots[i].hash == IS_IPV4;
	batch->addresses = flow_allocate(batch->host, (addresses + 1) * sizeof(uint64_t));
	batch->spare = flow_allocate(batch->host, (addresses + 1) * sizeof(uint64_t));
	batch->others = flow_allocate(batch->host, (batch->nkeys - addresses + 1) * sizeof(uint32_t));
	return batch->addresses != NULL && batch->spare != NULL && batch->others != NULL
	           ? FLOW_OK
	           : FLOW_NO_MEMORY;
}

/* Sorts the values. */
FlowStatus
flow_index_batch_sort(FlowIndexBatch *batch)
{
	size_t size = table_size(batch->shift);
	FlowStatus status;

	settle(batch);
	release_order(batch);
	status = allocate_order(batch);
	for (size_t i = 0; i < size && status == FLOW_OK; i++)
	{
		const Slot *slot = &batch->slots[i];

		if (i % STEPS_A_LOOK == 0 && flow_interrupted(batch->host))
			status = FLOW_INTERRUPTED;
		if (slot->hash == 0 || !has_files(batch, slot))
			continue;
		if (slot->hash == IS_IPV4)
			batch->addresses[batch->naddresses++] = (uint64_t) slot->value << 32 | i;
		else
			batch->others[batch->nothers++] = (uint32_t) i;
	}
	for (unsigned shift = 32; shift < 64 && status == FLOW_OK; shift += DIGIT_BITS)
		status = sort_by_digit(batch, shift);
	if (status == FLOW_OK)
		status = flow_sort(batch->host,
		                   batch->others,
		                   batch->nothers,
		                   sizeof(uint32_t),
		                   compare_slots,
		                   batch);
	if (status != FLOW_OK)
	{
		release_order(batch);
		return status;
	}
	while (batch->nbefore < batch->nothers &&
	       stored_key(batch, &batch->slots[batch->others[batch->nbefore]])->bytes[0] <
	           FLOW_INDEX_IPV4)
		batch->nbefore++;
	return FLOW_OK;
}

/* ---------- entries ---------- */

/* Sees to it that an array has room for some items, and keeps "count" of it. */
static bool
make_items(FlowIndexBatch *batch, void **items, size_t *room, size_t count, size_t need,
           size_t size)
{
	size_t more = need > 2 * *room ? need : 2 * *room;
	void *larger;

	if (need <= *room)
		return true;
	larger = flow_allocate(batch->host, more * size);
	if (larger == NULL)
		return false;
	if (count > 0)
		memcpy(larger, *items, count * size);
	flow_free(batch->host, *items);
	*items = larger;
	*room = more;
	return true;
}

static bool
add_run(FlowIndexBatch *batch, const FlowIndexRun *run)
{
	if (!make_items(batch,
	                (void **) &batch->runs,
	                &batch->runs_room,
	                batch->nruns,
	                batch->nruns + 1,
	                sizeof(FlowIndexRun)))
		return false;
	batch->runs[batch->nruns++] = *run;
	return true;
}

/* Returns the slot of a value by its place in the order; NULL: after the last one. */
static const Slot *
sorted_slot(const FlowIndexBatch *batch, size_t value)
{
	size_t place = value;

	if (value < batch->nbefore)
		return &batch->slots[batch->others[value]];
	if (value < batch->nbefore + batch->naddresses)
		return &batch->slots[(uint32_t) batch->addresses[value - batch->nbefore]];
	place -= batch->naddresses;
	return place < batch->nothers ? &batch->slots[batch->others[place]] : NULL;
}

/* Returns the least mask of the runs that is greater than one; 0: none is. */
static uint32_t
mask_after(const FlowIndexBatch *batch, uint32_t mask)
{
	uint32_t next = 0;

	for (size_t i = 0; i < batch->nruns; i++)
		if (batch->runs[i].mask > mask && batch->runs[i].mask - 1 < next - 1)
			next = batch->runs[i].mask;
	return next;
}

/* Reads the files of a value. */
static FlowStatus
read_value(FlowIndexBatch *batch, const Slot *slot)
{
	FlowIndexRun run = {slot->file, 1, slot->mask};
	FlowIndexRuns runs;
	size_t nfiles = 0;

	batch->nruns = 0;
	if (slot->list != 0)
	{
		FlowIndexRun written;

		flow_index_runs_begin(&runs, &batch->arena, flow_index_arena_at(&batch->arena, slot->list));
		while (flow_index_runs_next(&runs, &written))
			if (!add_run(batch, &written))
				return FLOW_NO_MEMORY;
	}
	if (slot->mask != 0 && !add_run(batch, &run))
		return FLOW_NO_MEMORY;
	for (size_t i = 0; i < batch->nruns; i++)
		nfiles += batch->runs[i].len;
	if (!make_items(
			batch, (void **) &batch->files, &batch->files_room, 0, nfiles, sizeof(uint32_t)))
		return FLOW_NO_MEMORY;
	batch->mask = mask_after(batch, 0);
	return FLOW_OK;
}

/* Sets an entry to the files of the value's next mask. */
static void
set_entry(FlowIndexBatch *batch, const Slot *slot, FlowIndexEntry *entry)
{
	size_t nfiles = 0;

	for (size_t i = 0; i < batch->nruns; i++)
		for (uint32_t k = 0; batch->runs[i].mask == batch->mask && k < batch->runs[i].len; k++)
			batch->files[nfiles++] = batch->runs[i].first + k;
	if (slot->hash == IS_IPV4)
		flow_index_set_key(&entry->key, FLOW_INDEX_IPV4, 0, slot->value);
	else
	{
		const FlowIndexKey *key = stored_key(batch, slot);

		entry->key.len = key->len;
		memcpy(entry->key.bytes, key->bytes, key->len);
	}
	entry->mask = batch->mask;
	entry->files = batch->files;
	entry->nfiles = nfiles;
	batch->mask = mask_after(batch, batch->mask);
}

/* Returns the next entry. */
FlowStatus
flow_index_batch_next(FlowIndexBatch *batch, size_t *position, FlowIndexEntry *entry)
{
	const Slot *slot;

	if (++batch->steps % STEPS_A_LOOK == 0 && flow_interrupted(batch->host))
		return FLOW_INTERRUPTED;
	if (*position == 0)
	{
		batch->value = 0;
		batch->mask = 0;
	}
	else if (batch->mask == 0)
		batch->value++;
	slot = sorted_slot(batch, batch->value);
	if (slot == NULL)
		return FLOW_END;
	if (batch->mask == 0)
	{
		const Slot *ahead = sorted_slot(batch, batch->value + WAITING);
		FlowStatus status;

		if (ahead != NULL)
			__builtin_prefetch(ahead);
		status = read_value(batch, slot);

		if (status != FLOW_OK)
			return status;
	}
	set_entry(batch, slot, entry);
	(*position)++;
	return FLOW_OK;
}

/* ---------- a batch ---------- */

/* Makes an empty batch. */
FlowStatus
flow_index_batch_create(const FlowHost *host, size_t memory, FlowIndexBatch **batch,
                        FlowError *error)
{
	FlowIndexBatch *made = flow_allocate(host, sizeof(FlowIndexBatch));
	unsigned shift = 64;
	Slot *slots;

	*batch = NULL;
	while (table_size(shift) < FIRST_SLOTS)
		shift--;
	slots = made == NULL ? NULL : new_table(host, shift);
	if (slots == NULL)
	{
		flow_free(host, made);
		return flow_error_memory(error);
	}
	*made = (FlowIndexBatch) {.host = host, .memory = memory, .arena = {.host = host}};
	made->seed = mix((uint64_t) host->clock(host->arg) + (uintptr_t) made);
	use_table(made, slots, shift);
	*batch = made;
	return FLOW_OK;
}

void
flow_index_batch_free(FlowIndexBatch *batch)
{
	if (batch == NULL)
		return;
	release_order(batch);
	flow_index_arena_free(&batch->arena);
	flow_free(batch->host, batch->slots);
	flow_free(batch->host, batch->runs);
	flow_free(batch->host, batch->files);
	flow_free(batch->host, batch);
}

/* Makes a batch empty. */
void
flow_index_batch_clear(FlowIndexBatch *batch)
{
	release_order(batch);
	flow_index_arena_clear(&batch->arena);
	memset(batch->slots, 0, table_size(batch->shift) * sizeof(Slot));
	batch->nkeys = 0;
	batch->nwaiting = 0;
	batch->file = 0;
}
