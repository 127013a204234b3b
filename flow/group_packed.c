/*-------------------------------------------------------------------------
 *
 * group_packed.c
 *	  Groups whose keys are a word each: found, and made.
 *
 * What does not fit goes to the other groups: one group because of its keys;
 * all of them, once a sum of 64 bits might overflow.
 *
 *-------------------------------------------------------------------------
 */
#include "group.h"

#include <string.h>

/* As for other groups: 8 KiB at first. */
#define FIRST_TABLE_BITS 10

/* Above this size, the table and rows are prefetched (see group_table.c). */
#define FETCH_AHEAD_SIZE ((size_t) 512 * 1024)

/* And above this one, groups that rows are merged into. */
#define FETCH_GROUPS_SIZE ((size_t) 4 * 1024 * 1024)

/* Integers of as many digits fit into their type, and those of int64 into a word. */
#define PLAIN_INT16 4
#define PLAIN_INT32 9
#define PLAIN_INT64 15

/* ---------- the hash table ---------- */

static inline size_t
first_slot(const FlowPacked *packed, uint32_t hash)
{
	return hash >> (32 - packed->bits);
}

static inline size_t
next_slot(const FlowPacked *packed, size_t slot)
{
	return (slot + 1) & (((size_t) 1 << packed->bits) - 1);
}

/* Returns the bytes of slots and of the rows that these refer to. */
static inline size_t
size_of_table(const FlowPacked *packed)
{
	return (sizeof(FlowGroupSlot) << packed->bits) +
	       (packed->count - packed->settled) * packed->row_size;
}

bool
flow_packed_is_large(const FlowPacked *packed)
{
	return size_of_table(packed) > FETCH_AHEAD_SIZE;
}

/* Fills the first empty slot for a group, from a slot on. */
static inline void
fill_slot(FlowPacked *packed, size_t slot, FlowGroupSlot filled)
{
	while (packed->slots[slot].group != 0)
		slot = next_slot(packed, slot);
	packed->slots[slot] = filled;
}

/*
 * Makes sure that a slot is free.  At most half of the slots are full, or
 * three quarters where the bound forbids more slots.
 */
static FlowStatus
have_free_slot(FlowGroups *groups)
{
	FlowPacked *packed = groups->packed;
	size_t size = (size_t) 1 << packed->bits;
	size_t count = packed->count - packed->settled;
	FlowStatus status;

	if (flow_likely(count < size / 2))
		return FLOW_OK;
	/* half of these groups have been made since it grew the last time */
	packed->grows_fast = packed->records - packed->since < count / 2 * FLOW_FAST_RECORDS;
	packed->since = packed->records;
	status = flow_group_grow_slots(groups, &packed->slots, &packed->bits);
	return status == FLOW_LIMIT && count < size / 4 * 3 ? FLOW_OK : status;
}

/* ---------- finding ---------- */

/*
 * Returns true if a field is surely a good one, and written in its value's
 * form, or NULL.
 */
static inline bool
is_plain(const FlowGroups *groups, int k, uint64_t word)
{
	const FlowGroupBy *key = &groups->spec.keys[k];

	if (key->expression != NULL)
		return true;
	if (word == groups->packed->nulls[k])
		return !groups->spec.columns[key->column].not_null;
	switch (groups->spec.columns[key->column].type)
	{
		case FLOW_INT16:
			return flow_word_is_plain_integer(word, PLAIN_INT16);
		case FLOW_INT32:
			return flow_word_is_plain_integer(word, PLAIN_INT32);
		case FLOW_INT64:
			return flow_word_is_plain_integer(word, PLAIN_INT64);
		case FLOW_TEXT:
			return groups->spec.columns[key->column].max_chars < 0 &&
			       FLOW_WORD_KIND(word) == FLOW_WORD_NIBBLES &&
			       !(word == FLOW_WORD_EMPTY && flow_group_empty_is_null(groups, k));
		default:
			return false;
	}
}

/*
 * The same for the words of records, of a key of which integers of "digits" are
 * plain, or of texts if that is 0; without branches.
 */
static inline __attribute__((always_inline)) void
mark_plain_words(const FlowGroups *groups, int k, size_t first, size_t end, size_t digits,
                 bool *plain)
{
	const uint64_t *words = groups->packed->words + k * FLOW_RUN;
	uint64_t null = groups->packed->nulls[k];
	uint64_t empty = flow_group_empty_is_null(groups, k) ? FLOW_WORD_EMPTY : 0;
	bool nullable = !groups->spec.columns[groups->spec.keys[k].column].not_null;

	for (size_t i = first; i < end; i++)
	{
		bool is_null = words[i] == null;
		bool is_good = digits > 0
		                   ? flow_word_is_plain_integer(words[i], digits)
		                   : (FLOW_WORD_KIND(words[i]) == FLOW_WORD_NIBBLES) & (words[i] != empty);

		plain[i] &= (is_null & nullable) | (!is_null & is_good);
	}
}

void
flow_packed_mark_plain(const FlowGroups *groups, size_t first, size_t end, bool *plain)
{
	for (int k = 0; k < groups->spec.nkeys; k++)
	{
		const FlowGroupBy *key = &groups->spec.keys[k];
		const FlowColumn *column = &groups->spec.columns[key->column];

		if (key->expression != NULL)
			continue;
		if (column->type == FLOW_TEXT && column->max_chars < 0)
			mark_plain_words(groups, k, first, end, 0, plain);
		else if (column->type == FLOW_INT32)
			mark_plain_words(groups, k, first, end, PLAIN_INT32, plain);
		else
			for (size_t i = first; i < end; i++)
				plain[i] &= is_plain(groups, k, groups->packed->words[k * FLOW_RUN + i]);
	}
}

/* Makes a row for a group whose hash is in no slot, from an empty slot on; NULL: see *status. */
static inline uint64_t *
make_row(FlowGroups *groups, uint32_t hash, size_t slot, FlowStatus *status)
{
	FlowPacked *packed = groups->packed;
	unsigned bits = packed->bits;

	*status = have_free_slot(groups);
	if (flow_likely(*status == FLOW_OK))
		*status = flow_rows_have(groups);
	if (flow_unlikely(*status != FLOW_OK))
		return NULL;
	groups->count++;
	packed->count++;
	if (packed->bits != bits)
		slot = first_slot(packed, hash);
	fill_slot(packed, slot, (FlowGroupSlot) {hash, (uint32_t) packed->count});
	return flow_packed_row(packed, packed->count - 1);
}

/* Makes a group of record i, for which a slot is empty; NULL: the run ends there. */
static uint64_t *
insert_row(FlowGroups *groups, FlowRun *run, size_t i, size_t slot)
{
	FlowPacked *packed = groups->packed;
	bool plain = true;
	uint64_t *row;
	FlowStatus status;

	for (int k = 0; k < groups->spec.nkeys && !packed->trusted; k++)
		plain &= is_plain(groups, k, packed->words[k * FLOW_RUN + i]);
	if (!plain && !run->bad_is_null && !flow_group_check_keys(groups, run, i))
		return NULL;
	row = make_row(groups, groups->hashes[i], slot, &status);
	if (row == NULL)
	{
		flow_run_cut(run, i, status, -1);
		return NULL;
	}
	if (!plain && groups->spec.by_value)
		groups->spelled += flow_group_is_spelled(groups, run, i);
	for (size_t word = 0; word < packed->row_size / sizeof(uint64_t); word++)
		row[word] = 0; /* a few words, for which a call would take longer */
	for (int k = 0; k < groups->spec.nkeys; k++)
		row[k] = packed->words[k * FLOW_RUN + i];
	return row;
}

/* Returns the hash of words that are so far apart. */
static inline __attribute__((always_inline)) uint32_t
hash_of(const FlowGroups *groups, const uint64_t *words, size_t stride, int nkeys)
{
	uint64_t hash = groups->seed[0];

	for (int k = 0; k < nkeys; k += 2)
		hash =
			flow_key_fold(words[(size_t) k * stride] ^ hash,
		                  (k + 1 < nkeys ? words[(size_t) (k + 1) * stride] : 0) ^ groups->seed[1]);
	return (uint32_t) (flow_key_fold(hash, groups->seed[2]) >> 32);
}

/* Sets the hash of record i's words. */
static inline __attribute__((always_inline)) void
hash_words(FlowGroups *groups, size_t i, int nkeys)
{
	groups->hashes[i] = hash_of(groups, groups->packed->words + i, FLOW_RUN, nkeys);
}

/*
 * Finds or makes the group of record i, whose words have been hashed, from a
 * slot on; NULL: the run ends there.
 */
static inline __attribute__((always_inline)) uint64_t *
find_row(FlowGroups *groups, FlowRun *run, size_t i, size_t slot, int nkeys)
{
	const FlowPacked *packed = groups->packed;
	uint32_t hash = groups->hashes[i];

	for (; packed->slots[slot].group != 0; slot = next_slot(packed, slot))
	{
		uint64_t *row, others = 0;

		if (packed->slots[slot].hash != hash)
			continue;
		row = flow_packed_row(packed, packed->slots[slot].group - 1);
		for (int k = 0; k < nkeys; k++)
			others |= row[k] ^ packed->words[k * FLOW_RUN + i];
		if (flow_likely(others == 0))
			return row;
	}
	return insert_row(groups, run, i, slot);
}

/* Returns the first slot of a hash that is its own, or empty. */
static inline size_t
slot_of_hash(const FlowPacked *packed, uint32_t hash)
{
	size_t slot = first_slot(packed, hash);

	while (packed->slots[slot].group != 0 && packed->slots[slot].hash != hash)
		slot = next_slot(packed, slot);
	return slot;
}

/*
 * Prefetches first slots, then the rows of the slots where the search will end,
 * which are noted in "found" (see group_table.c).  The row of a slot with
 * another hash is not looked at, and to wait for that of the right one was
 * half of the time of a query with a million groups.
 */
static inline __attribute__((always_inline)) void
fetch_ahead(const FlowGroups *groups, size_t first, size_t end, uint32_t *found)
{
	const FlowPacked *packed = groups->packed;

	for (size_t i = first; i < end; i++)
		__builtin_prefetch(&packed->slots[first_slot(packed, groups->hashes[i])]);
	for (size_t i = first; i < end; i++)
	{
		size_t slot = slot_of_hash(packed, groups->hashes[i]);
		uint32_t group = packed->slots[slot].group;

		found[i] = (uint32_t) slot;
		if (group != 0)
		{
			const char *row = (const char *) flow_packed_row(packed, group - 1);

			__builtin_prefetch(row, 1);
			__builtin_prefetch(row + packed->row_size - 1, 1);
		}
	}
}

/* What flow_packed_find does; "nkeys" is compiled in. */
static inline __attribute__((always_inline)) size_t
find_rows(FlowGroups *groups, FlowRun *run, size_t first, int nkeys)
{
	FlowPacked *packed = groups->packed;
	uint32_t slots[FLOW_RUN];
	unsigned bits = 0; /* of the table in which these are */
	size_t end = first;

	for (; end < run->count && packed->words[end] != 0; end++)
		hash_words(groups, end, nkeys);
	if (flow_packed_is_large(packed))
	{
		fetch_ahead(groups, first, end, slots);
		bits = packed->bits;
	}
	for (size_t i = first; i < end; i++)
	{
		size_t slot = packed->bits == bits ? slots[i] : first_slot(packed, groups->hashes[i]);

		if ((packed->found[i] = find_row(groups, run, i, slot, nkeys)) == NULL)
			return i;
	}
	return end;
}

size_t
flow_packed_find(FlowGroups *groups, FlowRun *run, size_t first)
{
	switch (groups->spec.nkeys)
	{
		case 1:
			return find_rows(groups, run, first, 1);
		case 2:
			return find_rows(groups, run, first, 2);
		default:
			return find_rows(groups, run, first, groups->spec.nkeys);
	}
}

uint64_t *
flow_packed_find_one(FlowGroups *groups, FlowRun *run, size_t i)
{
	hash_words(groups, i, groups->spec.nkeys);
	return find_row(groups,
	                run,
	                i,
	                first_slot(groups->packed, groups->hashes[i]),
	                groups->spec.nkeys);
}

void
flow_packed_fetch(FlowGroups *groups, const uint16_t *records, size_t count)
{
	const FlowPacked *packed = groups->packed;

	for (size_t i = 0; i < count; i++)
	{
		hash_words(groups, records[i], groups->spec.nkeys);
		__builtin_prefetch(&packed->slots[first_slot(packed, groups->hashes[records[i]])]);
	}
	for (size_t i = 0; i < count; i++)
	{
		size_t slot = slot_of_hash(packed, groups->hashes[records[i]]);

		if (packed->slots[slot].group != 0)
			__builtin_prefetch(flow_packed_row(packed, packed->slots[slot].group - 1), 1);
	}
}

/* ---------- rows ---------- */

/* Prefetches the groups of the slots of rows. */
static inline __attribute__((always_inline)) void
fetch_groups(const FlowGroups *groups, size_t count)
{
	const FlowPacked *packed = groups->packed;

	for (size_t i = 0; i < count; i++)
	{
		uint32_t group = packed->slots[slot_of_hash(packed, groups->hashes[i])].group;

		if (group != 0)
			__builtin_prefetch(flow_packed_row(packed, group - 1), 1);
	}
}

/* What flow_packed_place_rows does; "nkeys" is compiled in. */
static inline __attribute__((always_inline)) size_t
place_rows(FlowGroups *groups, uint64_t **rows, size_t count, size_t *nfound, FlowStatus *status,
           int nkeys)
{
	FlowPacked *packed = groups->packed;

	*nfound = 0;
	*status = FLOW_OK;
	for (size_t i = 0; i < count; i++)
	{
		groups->hashes[i] = hash_of(groups, rows[i], 1, nkeys);
		__builtin_prefetch(&packed->slots[first_slot(packed, groups->hashes[i])], 1);
	}
	if (size_of_table(packed) > FETCH_GROUPS_SIZE)
		fetch_groups(groups, count);
	for (size_t i = 0; i < count; i++)
	{
		uint32_t hash = groups->hashes[i];
		size_t slot = first_slot(packed, hash);
		uint64_t *row = NULL;

		for (; packed->slots[slot].group != 0; slot = next_slot(packed, slot))
		{
			uint64_t others = 0;

			if (packed->slots[slot].hash != hash)
				continue;
			row = flow_packed_row(packed, packed->slots[slot].group - 1);
			for (int k = 0; k < nkeys; k++)
				others |= row[k] ^ rows[i][k];
			if (flow_likely(others == 0))
				break;
		}
		if (packed->slots[slot].group != 0)
		{
			packed->found[*nfound] = row;
			rows[(*nfound)++] = rows[i];
			continue;
		}
		row = make_row(groups, hash, slot, status);
		if (row == NULL)
			return i;
		for (size_t word = 0; word < packed->row_size / sizeof(uint64_t); word++)
			row[word] = rows[i][word];
	}
	return count;
}

size_t
flow_packed_place_rows(FlowGroups *groups, uint64_t **rows, size_t count, size_t *nfound,
                       FlowStatus *status)
{
	switch (groups->spec.nkeys)
	{
		case 1:
			return place_rows(groups, rows, count, nfound, status, 1);
		case 2:
			return place_rows(groups, rows, count, nfound, status, 2);
		default:
			return place_rows(groups, rows, count, nfound, status, groups->spec.nkeys);
	}
}

/* ---------- words ---------- */

static inline bool
is_number(const FlowGroups *groups, int k)
{
	const FlowExpression *expression = groups->spec.keys[k].expression;

	return expression != NULL && expression->vector.texts == NULL;
}

static inline uint64_t
word_of(bool number, const FlowFieldKey *key)
{
	return number ? flow_word_of_number(key) : flow_word_of_field(key);
}

/* Makes words of a key of a run; returns 0 if none of its records fits. */
static uint64_t
read_words_of_key(FlowGroups *groups, FlowRun *run, int k, uint64_t *words)
{
	const FlowFieldKey *keys = groups->keys + k * FLOW_RUN;
	bool number = is_number(groups, k);
	uint64_t any = 0;
	int place;

	if (!flow_group_is_direct(groups, run, k, &place))
	{
		flow_group_read_key(groups, run, k);
		for (size_t i = 0; i < run->count; i++)
			any |= words[i] = word_of(number, &keys[i]);
	}
	else if (place >= 0)
		any = groups->packed->read_words(run->batch->data,
		                                 run->batch->next + place,
		                                 run->batch->rows + run->first,
		                                 run->count,
		                                 words);
	else
	{
		const FlowVector values = groups->spec.keys[k].expression->vector;

		for (size_t i = 0; i < run->count; i++)
			any |= words[i] = flow_word_of_value((uint64_t) values.numbers[i], values.present[i]);
	}
	return any;
}

bool
flow_packed_read_words(FlowGroups *groups, FlowRun *run)
{
	uint64_t *words = groups->packed->words;
	uint64_t any = read_words_of_key(groups, run, 0, words);

	for (int k = 1; k < groups->spec.nkeys && any != 0; k++)
	{
		uint64_t *of_key = words + k * FLOW_RUN;

		(void) read_words_of_key(groups, run, k, of_key);
		/* the first word says of all whether they are there */
		any = 0;
		for (size_t i = 0; i < run->count; i++)
			any |= words[i] = of_key[i] != 0 ? words[i] : 0;
	}
	return any != 0;
}

bool
flow_packed_read_word(FlowGroups *groups, size_t i)
{
	for (int k = 0; k < groups->spec.nkeys; k++)
	{
		uint64_t word = word_of(is_number(groups, k), &groups->keys[k * FLOW_RUN + i]);

		if (word == 0)
			return false;
		groups->packed->words[k * FLOW_RUN + i] = word;
	}
	return true;
}

/* ---------- life ---------- */

/* Returns true if the totals of all aggregates can be packed. */
static bool
may_be_packed(const FlowGroups *groups)
{
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
	return false; /* words are made of bytes as they are loaded */
#endif
	for (int a = 0; a < groups->spec.naggregates; a++)
	{
		FlowAggregateKind kind = groups->spec.aggregates[a].kind;
		const FlowVector *values = groups->aggregates[a].values;

		if (kind == FLOW_SQUARES || (flow_packed_has_value(kind) && values->numbers == NULL))
			return false;
	}
	return groups->spec.nkeys <= FLOW_PACK_KEYS;
}

/* Places the totals in a row, and sets the sizes. */
static void
lay_out(FlowGroups *groups)
{
	FlowPacked *packed = groups->packed;
	size_t size = (size_t) groups->spec.nkeys * sizeof(uint64_t);

	for (int a = 0; a < groups->spec.naggregates; a++)
	{
		packed->totals[a].value = size;
		size += flow_packed_has_value(groups->spec.aggregates[a].kind) ? sizeof(uint64_t) : 0;
	}
	for (int a = 0; a < groups->spec.naggregates; a++)
	{
		packed->totals[a].count = size;
		size += sizeof(uint32_t);
	}
	packed->row_size = (size + sizeof(uint64_t) - 1) / sizeof(uint64_t) * sizeof(uint64_t);
	flow_rows_lay_out(groups);
}

/* Notes the words of NULL. */
static void
read_nulls(FlowGroups *groups)
{
	for (int k = 0; k < groups->spec.nkeys; k++)
	{
		FlowFieldKey key;

		groups->packed->nulls[k] = 0;
		if (groups->spec.keys[k].expression != NULL)
			continue;
		key =
			flow_key_make(groups->seed,
		                  flow_group_null_form(&groups->spec.columns[groups->spec.keys[k].column]));
		groups->packed->nulls[k] = flow_word_of_field(&key);
	}
}

bool
flow_packed_create(FlowGroups *groups)
{
	const FlowHost *host = groups->spec.host;
	size_t nkeys = (size_t) groups->spec.nkeys;
	size_t naggregates = (size_t) groups->spec.naggregates;
	FlowPacked *packed;

	if (!may_be_packed(groups))
		return true;
	packed = groups->packed = flow_allocate(host, sizeof(FlowPacked));
	if (packed == NULL)
		return false;
	memset(packed, 0, sizeof(*packed));
	packed->bits = FIRST_TABLE_BITS;
	packed->read_words = flow_group_words(0);
	packed->slots = flow_allocate(host, sizeof(FlowGroupSlot) << packed->bits);
	packed->totals = flow_allocate(host, naggregates * sizeof(FlowPackedTotal) + 1);
	packed->nulls = flow_allocate(host, nkeys * sizeof(uint64_t));
	packed->texts = flow_allocate(host, nkeys * FLOW_KEY_SHORT);
	packed->shown = flow_allocate(host, naggregates * sizeof(FlowTotal) + 1);
	packed->words = flow_allocate(host, nkeys * FLOW_RUN * sizeof(uint64_t));
	groups->aside = flow_allocate(host, groups->group_size);
	if (packed->slots == NULL || packed->totals == NULL || packed->nulls == NULL ||
	    packed->texts == NULL || packed->shown == NULL || packed->words == NULL ||
	    groups->aside == NULL)
		return false;
	groups->used += sizeof(FlowGroupSlot) << packed->bits;
	memset(packed->totals, 0, naggregates * sizeof(FlowPackedTotal));
	memset(packed->shown, 0, naggregates * sizeof(FlowTotal));
	memset(groups->aside, 0, groups->group_size);
	lay_out(groups);
	packed->aside = flow_allocate(host, packed->row_size);
	if (packed->aside == NULL)
		return false;
	memset(packed->aside, 0, packed->row_size);
	read_nulls(groups);
	memset(packed->slots, 0, sizeof(FlowGroupSlot) << packed->bits);
	return true;
}

void
flow_packed_free(FlowGroups *groups)
{
	const FlowHost *host = groups->spec.host;
	FlowPacked *packed = groups->packed;

	flow_free(host, groups->aside);
	if (packed == NULL)
		return;
	flow_rows_free(groups);
	flow_free(host, packed->slots);
	flow_free(host, packed->totals);
	flow_free(host, packed->nulls);
	flow_free(host, packed->texts);
	flow_free(host, packed->shown);
	flow_free(host, packed->words);
	flow_free(host, packed->aside);
	flow_free(host, packed);
	groups->packed = NULL;
}

FlowStatus
flow_packed_clear(FlowGroups *groups)
{
	FlowPacked *packed = groups->packed;

	packed->count = packed->settled = packed->nspread = 0;
	packed->spreading = false;
	flow_rows_clear(packed);
	return flow_group_empty_slots(groups->spec.host, packed->slots, (size_t) 1 << packed->bits);
}

/* Shrinks an empty table, as flow_group_shrink_table does, and releases its rows. */
FlowStatus
flow_packed_shrink(FlowGroups *groups)
{
	const FlowHost *host = groups->spec.host;
	FlowPacked *packed = groups->packed;
	size_t size = sizeof(FlowGroupSlot) << FIRST_TABLE_BITS;
	FlowGroupSlot *slots;

	packed->spreading = false;
	flow_rows_clear(packed);
	while (flow_group_release_slab(groups))
		if (flow_interrupted(host))
			return FLOW_INTERRUPTED;
	if (packed->bits == FIRST_TABLE_BITS)
		return FLOW_OK;
	slots = flow_allocate(host, size);
	if (slots == NULL)
		return FLOW_OK;
	memset(slots, 0, size);
	flow_free(host, packed->slots);
	groups->used -= (sizeof(FlowGroupSlot) << packed->bits) - size;
	packed->slots = slots;
	packed->bits = FIRST_TABLE_BITS;
	return FLOW_OK;
}
