/*-------------------------------------------------------------------------
 *
 * sort_dictionary.c
 *	  The distinct values of a column, and their ranks in an order.
 *
 * Flow logs have few addresses, interfaces and words, each in many records.  A
 * row has the code of a value instead of the value, and only distinct values
 * are compared, by PostgreSQL's own functions.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"
#include "sort.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/sortsupport.h"

#define FIRST_SLOTS 256
#define BLOCK_SIZE 8192

/*
 * Values are looked up so many at a time: by then their slots, which are
 * fetched when they come, are in the processor's cache.
 */
#define AWAITED 16

/* The bytes of a value of up to 16 bytes, or the hash of a longer one. */
typedef struct ValueKey
{
	uint64 first, last; /* the first 8 bytes, and the last ones, or less */
	uint32 len;
} ValueKey;

#define SHORT_VALUE 16

typedef struct Slot
{
	uint64 first, last;
	uint32 len;
	uint32 code; /* 0: free */
} Slot;

/* A value whose code is not known yet. */
typedef struct AwaitedValue
{
	ValueKey key;
	uint32 hash;
	uint32 *code;
} AwaitedValue;

struct FlowlogDictionary
{
	MemoryContext context;
	Size *memory; /* what is allocated is added to it */
	int16 typlen;
	bool typbyval;

	uint32 count;  /* of values, whose codes are 1 to count */
	Datum *values; /* by code - 1 */
	uint32 capacity;

	Slot *slots; /* a hash table */
	uint32 mask;
	uint64 seed; /* of the hash, lest records be made to collide; 0 if there is none */

	/* where the next value is stored, unless that needs a block of its own */
	char *next, *end;

	AwaitedValue awaited[AWAITED];
	int nawaited;
};

/* A value to be ranked. */
typedef struct RankItem
{
	Datum prefix; /* the abbreviated key, or the value */
	Datum value;
	uint32 code;
} RankItem;

/* ---------- values ---------- */

static void *
allocate(FlowlogDictionary *dictionary, Size size)
{
	*dictionary->memory += size;
	return MemoryContextAllocHuge(dictionary->context, size);
}

FlowlogDictionary *
flowlog_dictionary_create(int16 typlen, bool typbyval, Size *memory)
{
	FlowlogDictionary *dictionary = palloc0(sizeof(FlowlogDictionary));

	dictionary->context = CurrentMemoryContext;
	dictionary->memory = memory;
	dictionary->typlen = typlen;
	dictionary->typbyval = typbyval;
	dictionary->mask = FIRST_SLOTS - 1;
	(void) pg_strong_random(&dictionary->seed, sizeof(dictionary->seed));
	dictionary->slots = allocate(dictionary, FIRST_SLOTS * sizeof(Slot));
	memset(dictionary->slots, 0, FIRST_SLOTS * sizeof(Slot));
	dictionary->capacity = FIRST_SLOTS;
	dictionary->values = allocate(dictionary, dictionary->capacity * sizeof(Datum));
	return dictionary;
}

/* Returns the bytes by which a value is found. */
static inline FlowSlice
bytes_of(const FlowlogDictionary *dictionary, const Datum *value)
{
	if (dictionary->typbyval)
		return (FlowSlice) {(const char *) value, sizeof(Datum)};
	if (dictionary->typlen > 0)
		return (FlowSlice) {DatumGetPointer(*value), dictionary->typlen};
	return (FlowSlice) {VARDATA_ANY(DatumGetPointer(*value)),
	                    VARSIZE_ANY_EXHDR(DatumGetPointer(*value))};
}

/* Returns room for a value. */
static char *
room_for(FlowlogDictionary *dictionary, Size size)
{
	char *room = (char *) MAXALIGN(dictionary->next);

	if (size > BLOCK_SIZE / 4)
		return allocate(dictionary, size);
	if (dictionary->next == NULL || room + size > dictionary->end)
	{
		room = allocate(dictionary, BLOCK_SIZE);
		dictionary->end = room + BLOCK_SIZE;
	}
	dictionary->next = room + size;
	return room;
}

/* Adds a value, whose code becomes the count. */
static void
add_value(FlowlogDictionary *dictionary, Datum value)
{
	if (dictionary->count == dictionary->capacity)
	{
		Size size = dictionary->capacity * sizeof(Datum);

		*dictionary->memory += size;
		dictionary->values = repalloc_huge(dictionary->values, 2 * size);
		dictionary->capacity *= 2;
	}
	dictionary->values[dictionary->count++] = value;
	*dictionary->memory += FLOWLOG_RANK_SIZE;
}

/* Makes a value of bytes. */
static Datum
make_value(FlowlogDictionary *dictionary, FlowSlice bytes)
{
	bool is_varlena = dictionary->typlen < 0;
	bool is_short = bytes.len + VARHDRSZ_SHORT <= VARATT_SHORT_MAX;
	Size header = !is_varlena ? 0 : is_short ? VARHDRSZ_SHORT : VARHDRSZ;
	Datum datum;
	char *room;

	if (dictionary->typbyval)
	{
		memcpy(&datum, bytes.data, sizeof(datum));
		return datum;
	}
	room = room_for(dictionary, header + bytes.len);
	if (is_varlena && is_short)
		SET_VARSIZE_SHORT(room, header + bytes.len);
	else if (is_varlena)
		SET_VARSIZE(room, header + bytes.len);
	memcpy(room + header, bytes.data, bytes.len);
	return PointerGetDatum(room);
}

/* ---------- the hash table ---------- */

static inline ValueKey
key_of(const FlowlogDictionary *dictionary, FlowSlice bytes)
{
	ValueKey key = {0, 0, (uint32) bytes.len};

	if (likely(bytes.len >= 8 && bytes.len <= SHORT_VALUE))
	{
		memcpy(&key.first, bytes.data, 8);
		memcpy(&key.last, bytes.data + bytes.len - 8, 8);
	}
	else if (bytes.len < 8)
		memcpy(&key.first, bytes.data, bytes.len);
	else
		key.first = hash_bytes_extended((const unsigned char *) bytes.data,
		                                (int) bytes.len,
		                                dictionary->seed);
	return key;
}

/* Writes the bytes of a key of a short value. */
static FlowSlice
bytes_of_key(const ValueKey *key, char buffer[SHORT_VALUE])
{
	memcpy(buffer, &key->first, 8);
	if (key->len >= 8)
		memcpy(buffer + key->len - 8, &key->last, 8);
	return (FlowSlice) {buffer, key->len};
}

static inline uint32
hash_of(const FlowlogDictionary *dictionary, const ValueKey *key)
{
	uint64 hash = (key->first ^ key->len ^ dictionary->seed) * UINT64CONST(0x9E3779B97F4A7C15);

	hash = (hash ^ hash >> 32 ^ key->last) * UINT64CONST(0xD6E8FEB86659FD93);
	return (uint32) (hash >> 32);
}

/* Returns the slot of a key: a free one if it has none. */
static inline Slot *
find_slot(const FlowlogDictionary *dictionary, const ValueKey *key, uint32 hash,
          const FlowSlice *bytes)
{
	for (uint32 place = hash;; place++)
	{
		Slot *slot = &dictionary->slots[place & dictionary->mask];
		FlowSlice found;

		if (slot->code == 0)
			return slot;
		if (slot->first != key->first || slot->last != key->last || slot->len != key->len)
			continue;
		if (likely(key->len <= SHORT_VALUE))
			return slot;
		found = bytes_of(dictionary, &dictionary->values[slot->code - 1]);
		if (memcmp(found.data, bytes->data, found.len) == 0)
			return slot;
	}
}

/* Makes the table twice as large. */
static void
grow(FlowlogDictionary *dictionary)
{
	Slot *old = dictionary->slots;
	Size nold = (Size) dictionary->mask + 1;

	dictionary->mask = (uint32) (2 * nold - 1);
	dictionary->slots = allocate(dictionary, 2 * nold * sizeof(Slot));
	memset(dictionary->slots, 0, 2 * nold * sizeof(Slot));
	for (Size i = 0; i < nold; i++)
	{
		ValueKey key = {old[i].first, old[i].last, old[i].len};
		uint32 place = hash_of(dictionary, &key);

		CHECK_FOR_INTERRUPTS();
		if (old[i].code == 0)
			continue;
		while (dictionary->slots[place & dictionary->mask].code != 0)
			place++;
		dictionary->slots[place & dictionary->mask] = old[i];
	}
	pfree(old);
	*dictionary->memory -= nold * sizeof(Slot);
}

/* Returns the code of a value; "bytes" is NULL if its key has them. */
static uint32
find_code(FlowlogDictionary *dictionary, const ValueKey *key, uint32 hash, const FlowSlice *bytes)
{
	Slot *slot = find_slot(dictionary, key, hash, bytes);
	char buffer[SHORT_VALUE];

	if (likely(slot->code != 0))
		return slot->code;
	add_value(dictionary,
	          make_value(dictionary, bytes != NULL ? *bytes : bytes_of_key(key, buffer)));
	*slot = (Slot) {key->first, key->last, key->len, dictionary->count};
	if (dictionary->count > dictionary->mask / 4 * 3)
		grow(dictionary);
	return dictionary->count;
}

/* Sets the codes of values that have come. */
void
flowlog_dictionary_settle(FlowlogDictionary *dictionary)
{
	for (int i = 0; i < dictionary->nawaited; i++)
	{
		const AwaitedValue *awaited = &dictionary->awaited[i];

		*awaited->code = find_code(dictionary, &awaited->key, awaited->hash, NULL);
	}
	dictionary->nawaited = 0;
}

/* Finds the code of a value. */
void
flowlog_dictionary_find(FlowlogDictionary *dictionary, Datum value, uint32 *code)
{
	FlowSlice bytes = bytes_of(dictionary, &value);
	ValueKey key = key_of(dictionary, bytes);
	uint32 hash = hash_of(dictionary, &key);

	if (unlikely(bytes.len > SHORT_VALUE))
	{
		*code = find_code(dictionary, &key, hash, &bytes);
		return;
	}
	__builtin_prefetch(&dictionary->slots[hash & dictionary->mask]);
	dictionary->awaited[dictionary->nawaited++] = (AwaitedValue) {key, hash, code};
	if (dictionary->nawaited == AWAITED)
		flowlog_dictionary_settle(dictionary);
}

const Datum *
flowlog_dictionary_values(const FlowlogDictionary *dictionary)
{
	return dictionary->values;
}

/* ---------- ranks ---------- */

/* Compares two values that are not NULL. */
static inline int
compare_items(const RankItem *a, const RankItem *b, SortSupport support)
{
	int result = ApplySortComparator(a->prefix, false, b->prefix, false, support);

	if (result == 0 && support->abbrev_converter != NULL)
		result = ApplySortAbbrevFullComparator(a->value, false, b->value, false, support);
	return result;
}

#define ST_SORT sort_items
#define ST_ELEMENT_TYPE RankItem
#define ST_COMPARE(a, b, support) compare_items(a, b, support)
#define ST_COMPARE_ARG_TYPE struct SortSupportData
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DECLARE
#define ST_DEFINE
#include "lib/sort_template.h"

/* Ranks all values. */
uint32 *
flowlog_dictionary_rank(const FlowlogDictionary *dictionary, const FlowlogSortKey *key,
                        const Datum **by_rank, uint32 *most)
{
	Size count = dictionary->count;
	uint32 *ranks = MemoryContextAllocHuge(CurrentMemoryContext, (count + 1) * sizeof(uint32));
	RankItem *items = MemoryContextAllocHuge(CurrentMemoryContext, (count + 1) * sizeof(RankItem));
	SortSupportData support = {
		.ssup_cxt = CurrentMemoryContext,
		.ssup_collation = key->collation,
		.ssup_nulls_first = key->nulls_first,
		.ssup_attno = key->attnum,
		.abbreviate = true, /* never given up */
	};
	Datum *values = MemoryContextAllocHuge(CurrentMemoryContext, (count + 1) * sizeof(Datum));
	uint32 rank = 0;

	PrepareSortSupportFromOrderingOp(key->opno, &support);
	for (Size i = 0; i < count; i++)
	{
		Datum value = dictionary->values[i];

		CHECK_FOR_INTERRUPTS(); /* ICU takes a microsecond */
		items[i].prefix =
			support.abbrev_converter != NULL ? support.abbrev_converter(value, &support) : value;
		items[i].value = value;
		items[i].code = (uint32) i + 1;
	}
	sort_items(items, count, &support);
	ranks[0] = 0;
	for (Size i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (i > 0 && compare_items(&items[i - 1], &items[i], &support) != 0)
			rank++;
		ranks[items[i].code] = rank;
		values[i] = items[i].value;
	}
	pfree(items);
	*most = rank;
	*by_rank = rank + 1 == count ? values : NULL;
	return ranks;
}
