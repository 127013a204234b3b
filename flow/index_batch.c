/*-------------------------------------------------------------------------
 *
 * index_batch.c
 *	  Gathers values and the files in which they stand, and returns them as
 *	  entries.
 *
 * Each value of a file is a place (index_places.h), and places are sorted at
 * the end.  That of an IPv4 address has the address, so that adding one is a
 * store: with a hash table of values and lists of their files, adding, sorting
 * and reading took 2.6 times as long (300 files of 1 MB, a quarter of the
 * addresses IPv6).  Other keys have numbers, which a hash table finds.  What
 * is known of a key is prefetched, and the key is added some adds later.
 *
 *-------------------------------------------------------------------------
 */
#include "index.h"
#include "index_arena.h"
#include "index_places.h"
#include "sort.h"

#define FIRST_SLOTS 4096
#define FIRST_PLACES 4096
#define WAITING 32 /* a power of two */
#define AHEAD 8    /* keys that are prefetched before they are read */

#define STEPS_A_LOOK 4096 /* adds, entries or slots between two checks for an interrupt */

/*
 * bytes of keys that may be allocated for what waits, and the key that is
 * added
 */
#define RESERVED ((WAITING + 1) * (sizeof(Key) + FLOW_ARENA_UNIT))

/*
 * A key other than an IPv4 address, as it is stored; its place in the arena is
 * its number.
 */
typedef struct Key
{
	uint32_t rank; /* among all keys, once they are sorted */
	FlowIndexKey key;
} Key;

typedef struct Slot
{
	uint32_t hash;
	uint32_t key; /* 0: empty */
} Slot;

/* A key that is about to be added. */
typedef struct Waiting
{
	uint64_t hash;
	uint32_t mask;
	FlowIndexKey key;
} Waiting;

/* A key that is being sorted: its first bytes, and itself. */
typedef struct Order
{
	uint64_t bytes[2];
	uint32_t key;
} Order;

/* Where a value stands. */
typedef struct Found
{
	uint32_t file, mask;
} Found;

/* Sorted places, from one to another. */
typedef struct Stage
{
	const FlowIndexPlaces *places;
	size_t from, to;
} Stage;

#define STAGES 3 /* keys before the addresses, these, and keys after them */

struct FlowIndexBatch
{
	const FlowHost *host;
	size_t memory;
	uint64_t seed; /* so that values of logs cannot be chosen to collide */
	size_t steps;

	/* the keys of others */
	Slot *slots;
	unsigned shift; /* 64 - log2(slots) */
	size_t nkeys;
	size_t most_keys; /* with more the table grows */
	FlowIndexArena arena;
	Waiting waiting[WAITING];
	size_t nwaiting, first_waiting;

	FlowIndexPlaces addresses, others;
	bool begun;                             /* there is a file */
	uint32_t first_file;                    /* its places have 0 */
	uint32_t file;                          /* that is added */
	size_t before_addresses, before_others; /* places of the files before it */

	/* sorted: keys by rank */
	uint32_t *keys;
	Stage stages[STAGES];

	/* the value whose entries are returned */
	int stage;
	size_t at;     /* the next value of the stage */
	uint64_t item; /* a place of the value */
	uint32_t mask; /* of the next entry; 0: none */
	Found *found;
	size_t nfound, found_room;
	uint32_t *files;
	size_t files_room;
};

/* ---------- memory ---------- */

static inline size_t
table_size(unsigned shift)
{
	return (size_t) 1 << (64 - shift);
}

/* Returns the bytes that a batch takes while it is sorted. */
static size_t
memory_of(const FlowIndexBatch *batch, size_t slots, size_t keys)
{
	size_t places = batch->addresses.room + batch->others.room;

	return slots * sizeof(Slot) + batch->arena.nblocks * FLOW_ARENA_BLOCK +
	       keys * (sizeof(uint32_t) + sizeof(Order) + sizeof(Order) / 2) +
	       places * 2 * sizeof(uint64_t);
}

static size_t
memory_used(const FlowIndexBatch *batch)
{
	return memory_of(batch, table_size(batch->shift), batch->most_keys);
}

/*
 * Makes room for places: twice as many, or as many as half of the memory that
 * is left takes, so that others may grow, too.
 */
static FlowStatus
grow_places(FlowIndexBatch *batch, FlowIndexPlaces *places)
{
	size_t used = memory_used(batch);
	size_t left = used < batch->memory ? batch->memory - used : 0;
	size_t more = left / (2 * 2 * sizeof(uint64_t));

	if (places->room == 0)
		more = FIRST_PLACES;
	else if (more > places->room)
		more = places->room;
	if (more < FIRST_PLACES / 2 || more < places->room / 16)
		return FLOW_LIMIT;
	return flow_index_places_grow(batch->host, places, places->room + more);
}

/* ---------- the table ---------- */

static inline uint64_t
mix(uint64_t x)
{
	x = (x ^ (x >> 32)) * UINT64_C(0x9E3779B97F4A7C15);
	return (x ^ (x >> 29)) * UINT64_C(0xBF58476D1CE4E5B9);
}

static inline uint64_t
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

static inline Key *
stored_key(const FlowIndexBatch *batch, uint32_t key)
{
	return flow_index_arena_at(&batch->arena, key);
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
	return memory_of(batch, table_size(batch->shift) + larger, larger / 4 * 3) <= batch->memory;
}

/* Makes the table four times as large or, if that is too much, twice. */
static FlowStatus
grow_table(FlowIndexBatch *batch)
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
		if (slot->key != 0)
		{
			size_t place = hash_key(batch, &stored_key(batch, slot->key)->key) >> shift;

			while (slots[place].key != 0)
				place = (place + 1) & last;
			slots[place] = *slot;
		}
	}
	use_table(batch, slots, shift);
	return FLOW_OK;
}

/* Finds or makes the number of a key. */
static inline uint32_t
find_key(FlowIndexBatch *batch, const FlowIndexKey *key, uint64_t hash)
{
	size_t last = table_size(batch->shift) - 1;
	size_t size = offsetof(Key, key.bytes) + key->len;
	size_t i;

	for (i = hash >> batch->shift; batch->slots[i].key != 0; i = (i + 1) & last)
		if (batch->slots[i].hash == (uint32_t) hash &&
		    flow_index_key_is(&stored_key(batch, batch->slots[i].key)->key, key))
			return batch->slots[i].key;
	batch->slots[i] = (Slot) {(uint32_t) hash, flow_index_arena_take(&batch->arena, size)};
	memcpy(&stored_key(batch, batch->slots[i].key)->key,
	       key,
	       offsetof(FlowIndexKey, bytes) + key->len);
	batch->nkeys++;
	return batch->slots[i].key;
}

/* ---------- adding ---------- */

/* Adds the first of the keys that wait. */
static inline void
add_waiting(FlowIndexBatch *batch)
{
	const Waiting *waiting = &batch->waiting[batch->first_waiting++ % WAITING];

	batch->nwaiting--;
	flow_index_places_add(&batch->others,
	                      find_key(batch, &waiting->key, waiting->hash),
	                      batch->file - batch->first_file,
	                      waiting->mask);
}

/* Adds all keys that wait. */
static void
settle(FlowIndexBatch *batch)
{
	while (batch->nwaiting > 0)
		add_waiting(batch);
}

/* Prefetches the stored key that a key which waits may be. */
static inline void
fetch_key(const FlowIndexBatch *batch, const Waiting *waiting)
{
	Slot slot = batch->slots[waiting->hash >> batch->shift];

	if (slot.key != 0)
		__builtin_prefetch(stored_key(batch, slot.key));
}

/* Begins with the next file. */
static FlowStatus
begin_file(FlowIndexBatch *batch, uint32_t file)
{
	settle(batch);
	if (!batch->begun)
		batch->first_file = file;
	if (file - batch->first_file >= FLOW_INDEX_BATCH_FILES)
		return FLOW_LIMIT;
	batch->begun = true;
	batch->file = file;
	batch->before_addresses = batch->addresses.count;
	batch->before_others = batch->others.count;
	return FLOW_OK;
}

/*
 * Makes room for one more key and its places, so that adding it and all that
 * waits cannot fail.
 */
static FlowStatus
make_room(FlowIndexBatch *batch)
{
	size_t places = (WAITING + 1) * FLOW_PLACE_PARTS;
	FlowStatus status = FLOW_OK;

	if (batch->nkeys > batch->most_keys)
		status = grow_table(batch);
	if (status == FLOW_OK && batch->others.room - batch->others.count < places)
		status = grow_places(batch, &batch->others);
	if (status == FLOW_OK)
		status =
			flow_index_arena_reserve(&batch->arena,
		                             RESERVED,
		                             batch->arena.nblocks == 0 ||
		                                 memory_used(batch) + FLOW_ARENA_BLOCK <= batch->memory);
	return status;
}

/* Prepares to add a value that stands in a file. */
static inline FlowStatus
begin_add(FlowIndexBatch *batch, uint32_t file)
{
	if (flow_unlikely(++batch->steps % STEPS_A_LOOK == 0 && flow_interrupted(batch->host)))
		return FLOW_INTERRUPTED;
	if (flow_unlikely(file != batch->file || !batch->begun))
		return begin_file(batch, file);
	return FLOW_OK;
}

FlowStatus
flow_index_batch_add_ipv4(FlowIndexBatch *batch, uint32_t address, uint32_t mask, uint32_t file)
{
	FlowIndexPlaces *places = &batch->addresses;
	FlowStatus status = begin_add(batch, file);

	if (flow_likely(status == FLOW_OK) &&
	    flow_unlikely(places->room - places->count < FLOW_PLACE_PARTS))
		status = grow_places(batch, places);
	if (flow_likely(status == FLOW_OK))
		flow_index_places_add(places, address, file - batch->first_file, mask);
	return status;
}

/* Adds a value that stands in a file. */
FlowStatus
flow_index_batch_add(FlowIndexBatch *batch, const FlowIndexKey *key, uint32_t mask, uint32_t file)
{
	FlowStatus status;
	Waiting *waiting;

	if (key->bytes[0] == FLOW_INDEX_IPV4)
		return flow_index_batch_add_ipv4(batch, flow_index_ipv4(key), mask, file);
	status = begin_add(batch, file);
	if (status == FLOW_OK &&
	    flow_unlikely(batch->nkeys > batch->most_keys ||
	                  batch->others.room - batch->others.count < (WAITING + 1) * FLOW_PLACE_PARTS ||
	                  !flow_index_arena_has(&batch->arena, RESERVED)))
		status = make_room(batch);
	if (status != FLOW_OK)
		return status;
	if (batch->nwaiting == WAITING)
		add_waiting(batch);
	waiting = &batch->waiting[(batch->first_waiting + batch->nwaiting++) % WAITING];
	waiting->hash = hash_key(batch, key);
	waiting->mask = mask;
	waiting->key.len = key->len;
	memcpy(waiting->key.bytes, key->bytes, key->len);
	__builtin_prefetch(&batch->slots[waiting->hash >> batch->shift], 1);
	if (batch->nwaiting > WAITING / 2)
		fetch_key(batch,
		          &batch
		               ->waiting[(batch->first_waiting + batch->nwaiting - WAITING / 2) % WAITING]);
	return FLOW_OK;
}

/* Removes what was added for the last file. */
void
flow_index_batch_forget(FlowIndexBatch *batch, uint32_t file)
{
	if (!batch->begun || batch->file != file)
		return;
	batch->nwaiting = 0;
	batch->addresses.count = batch->before_addresses;
	batch->others.count = batch->before_others;
}

/* ---------- sorting ---------- */

static void
release_order(FlowIndexBatch *batch)
{
	flow_free(batch->host, batch->keys);
	batch->keys = NULL;
	memset(batch->stages, 0, sizeof(batch->stages));
}

/* Returns eight bytes of a key as a number, with zeros after its end. */
static inline uint64_t
key_bytes(const FlowIndexKey *key, size_t from)
{
	uint64_t bytes = 0;

	for (size_t i = from; i < from + 8; i++)
		bytes = bytes << 8 | (i < key->len ? key->bytes[i] : 0);
	return bytes;
}

/* Orders keys; "arg" is the batch. */
static int
compare_keys(const void *a, const void *b, const void *arg)
{
	const FlowIndexBatch *batch = arg;
	const Order *x = a, *y = b;

	for (int i = 0; i < 2; i++)
		if (x->bytes[i] != y->bytes[i])
			return x->bytes[i] < y->bytes[i] ? -1 : 1;
	return flow_index_key_compare(&stored_key(batch, x->key)->key, &stored_key(batch, y->key)->key);
}

/* Sorts the keys, and tells each its rank. */
static FlowStatus
sort_keys(FlowIndexBatch *batch, Order *order)
{
	size_t size = table_size(batch->shift), count = 0;
	FlowStatus status;

	for (size_t i = 0; i < size; i++)
	{
		const Slot *slot = &batch->slots[i];
		const FlowIndexKey *key;

		if (i % STEPS_A_LOOK == 0 && flow_interrupted(batch->host))
			return FLOW_INTERRUPTED;
		if (slot->key == 0)
			continue;
		key = &stored_key(batch, slot->key)->key;
		order[count++] = (Order) {{key_bytes(key, 0), key_bytes(key, 8)}, slot->key};
	}
	status = flow_sort(batch->host, order, count, sizeof(Order), compare_keys, batch);
	for (size_t i = 0; i < count && status == FLOW_OK; i++)
	{
		batch->keys[i] = order[i].key;
		stored_key(batch, order[i].key)->rank = (uint32_t) i;
	}
	return status;
}

/*
 * Sorts the places of others by the ranks of their keys, which become their
 * values.
 */
static FlowStatus
sort_others(FlowIndexBatch *batch)
{
	FlowIndexPlaces *others = &batch->others;
	Order *order = flow_allocate(batch->host, (batch->nkeys + 1) * sizeof(Order));
	unsigned bits = 0;
	FlowStatus status;

	batch->keys = flow_allocate(batch->host, (batch->nkeys + 1) * sizeof(uint32_t));
	status = order != NULL && batch->keys != NULL ? sort_keys(batch, order) : FLOW_NO_MEMORY;
	flow_free(batch->host, order);
	for (size_t i = 0; i < others->count && status == FLOW_OK; i++)
	{
		uint64_t ahead = others->items[i + WAITING < others->count ? i + WAITING : i];
		const Key *key = stored_key(batch, flow_index_place_value(others->items[i]));

		if (i % STEPS_A_LOOK == 0 && flow_interrupted(batch->host))
			status = FLOW_INTERRUPTED;
		__builtin_prefetch(stored_key(batch, flow_index_place_value(ahead)));
		others->items[i] = flow_index_place_with(others->items[i], key->rank);
	}
	if (status != FLOW_OK)
		return status;
	while (batch->nkeys >> bits != 0)
		bits++;
	return flow_index_places_sort(batch->host, others, bits);
}

/* Sorts the values. */
FlowStatus
flow_index_batch_sort(FlowIndexBatch *batch)
{
	FlowIndexPlaces *others = &batch->others;
	size_t before = 0;
	FlowStatus status;

	settle(batch);
	release_order(batch);
	status = sort_others(batch);
	if (status == FLOW_OK)
		status = flow_index_places_sort(batch->host, &batch->addresses, 32);
	if (status != FLOW_OK)
	{
		release_order(batch);
		return status;
	}
	while (before < others->count &&
	       stored_key(batch, batch->keys[flow_index_place_value(others->items[before])])
	               ->key.bytes[0] < FLOW_INDEX_IPV4)
		before++;
	batch->stages[0] = (Stage) {others, 0, before};
	batch->stages[1] = (Stage) {&batch->addresses, 0, batch->addresses.count};
	batch->stages[2] = (Stage) {others, before, others->count};
	return FLOW_OK;
}

/* ---------- entries ---------- */

/* Sees to it that an array, whose items may be lost, has room for so many. */
static inline bool
make_items(FlowIndexBatch *batch, void **items, size_t *room, size_t need, size_t size)
{
	if (flow_likely(need <= *room))
		return true;
	flow_free(batch->host, *items);
	*room = 0;
	*items = flow_allocate(batch->host, 2 * need * size);
	if (*items == NULL)
		return false;
	*room = 2 * need;
	return true;
}

/* Returns the least mask of a value that is greater than one; 0: none is. */
static uint32_t
mask_after(const FlowIndexBatch *batch, uint32_t mask)
{
	uint32_t next = 0;

	for (size_t i = 0; i < batch->nfound; i++)
		if (batch->found[i].mask > mask && batch->found[i].mask - 1 < next - 1)
			next = batch->found[i].mask;
	return next;
}

/*
 * Reads the next value.  Its places are in the order in which they were added:
 * those of a file, which may be several, follow each other.
 */
static FlowStatus
read_value(FlowIndexBatch *batch)
{
	const Stage *stage = &batch->stages[batch->stage];
	const uint64_t *items = stage->places->items + batch->at;
	uint32_t value = flow_index_place_value(items[0]);
	size_t left = stage->to - batch->at, count = 1, nfound = 0;

	if (stage->places == &batch->others && value + AHEAD < batch->nkeys)
		__builtin_prefetch(stored_key(batch, batch->keys[value + AHEAD]));

	while (count < left && flow_index_place_value(items[count]) == value)
		count++;
	if (!make_items(batch, (void **) &batch->found, &batch->found_room, count, sizeof(Found)) ||
	    !make_items(batch, (void **) &batch->files, &batch->files_room, count, sizeof(uint32_t)))
		return FLOW_NO_MEMORY;
	for (size_t i = 0; i < count; i++)
	{
		uint32_t file = batch->first_file + flow_index_place_file(items[i]);
		uint32_t mask = flow_index_place_mask(items[i]);

		if (nfound > 0 && batch->found[nfound - 1].file == file)
			batch->found[nfound - 1].mask |= mask;
		else
			batch->found[nfound++] = (Found) {file, mask};
	}
	batch->item = items[0];
	batch->at += count;
	batch->nfound = nfound;
	batch->mask = mask_after(batch, 0);
	return FLOW_OK;
}

/* Sets an entry to the files of the value's next mask. */
static void
set_entry(FlowIndexBatch *batch, FlowIndexEntry *entry)
{
	uint32_t value = flow_index_place_value(batch->item);
	size_t nfiles = 0;

	for (size_t i = 0; i < batch->nfound; i++)
	{
		batch->files[nfiles] = batch->found[i].file;
		nfiles += batch->found[i].mask == batch->mask;
	}
	if (batch->stages[batch->stage].places == &batch->addresses)
		flow_index_set_key(&entry->key, FLOW_INDEX_IPV4, 0, value);
	else
	{
		const FlowIndexKey *key = &stored_key(batch, batch->keys[value])->key;

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
	if (++batch->steps % STEPS_A_LOOK == 0 && flow_interrupted(batch->host))
		return FLOW_INTERRUPTED;
	if (*position == 0)
	{
		batch->stage = 0;
		batch->at = 0;
		batch->mask = 0;
	}
	if (batch->mask == 0)
	{
		FlowStatus status;

		while (batch->at == batch->stages[batch->stage].to)
		{
			if (batch->stage == STAGES - 1)
				return FLOW_END;
			batch->stage++;
			batch->at = batch->stages[batch->stage].from;
		}
		status = read_value(batch);
		if (status != FLOW_OK)
			return status;
	}
	set_entry(batch, entry);
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
	flow_index_places_free(batch->host, &batch->addresses);
	flow_index_places_free(batch->host, &batch->others);
	flow_index_arena_free(&batch->arena);
	flow_free(batch->host, batch->slots);
	flow_free(batch->host, batch->found);
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
	batch->addresses.count = batch->others.count = 0;
	batch->begun = false;
}
