/*-------------------------------------------------------------------------
 *
 * key_set.c
 *	  A set of values of a type, within a bound.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include "common/hashfn.h"
#include "utils/datum.h"
#include "utils/typcache.h"

#define FIRST_SIZE 256 /* of the table */

/*
 * The part of the memory for hash tables that sets may take.  The reader makes
 * a table of its own of them.
 */
#define KEYS_SHARE 2

typedef struct KeyEntry
{
	Datum key;
	uint32 hash;
	char status;
} KeyEntry;

struct FlowlogKeySet
{
	MemoryContext context; /* of the table and the keys */
	struct keys_hash *table;
	TypeCacheEntry *type;
	Oid collation;
	Size limit;
	Size used; /* bytes of by-reference keys */
	bool everything;
};

static uint32 hash_key(const FlowlogKeySet *set, Datum key);
static bool same_key(const FlowlogKeySet *set, Datum a, Datum b);

#define SH_PREFIX keys
#define SH_ELEMENT_TYPE KeyEntry
#define SH_KEY_TYPE Datum
#define SH_KEY key
#define SH_HASH_KEY(table, key) hash_key((table)->private_data, key)
#define SH_EQUAL(table, a, b) same_key((table)->private_data, a, b)
#define SH_STORE_HASH
#define SH_GET_HASH(table, entry) (entry)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

static uint32
hash_key(const FlowlogKeySet *set, Datum key)
{
	Datum hash = FunctionCall1Coll(&set->type->hash_proc_finfo, set->collation, key);

	/* the table takes the lower bits, which some types' functions do not mix */
	return murmurhash32(DatumGetUInt32(hash));
}

static bool
same_key(const FlowlogKeySet *set, Datum a, Datum b)
{
	return DatumGetBool(FunctionCall2Coll(&set->type->eq_opr_finfo, set->collation, a, b));
}

static void
make_table(FlowlogKeySet *set)
{
	set->table = keys_create(set->context, FIRST_SIZE, set);
	set->used = 0;
}

/* Returns the bytes that sets may take. */
Size
flowlog_sets_memory(void)
{
	return flowlog_hash_memory() / KEYS_SHARE;
}

/* Makes an empty set. */
FlowlogKeySet *
flowlog_key_set_create(MemoryContext parent, Oid type, Oid collation, Size limit)
{
	FlowlogKeySet *set = MemoryContextAllocZero(parent, sizeof(FlowlogKeySet));

	set->context = AllocSetContextCreate(parent, "flowlog_fdw keys", ALLOCSET_DEFAULT_SIZES);
	set->type = lookup_type_cache(type, TYPECACHE_HASH_PROC_FINFO | TYPECACHE_EQ_OPR_FINFO);
	set->collation = collation;
	set->limit = limit;
	if (!OidIsValid(set->type->hash_proc) || !OidIsValid(set->type->eq_opr))
		elog(ERROR, "type %u has no hash function", type);
	make_table(set);
	return set;
}

void
flowlog_key_set_clear(FlowlogKeySet *set)
{
	set->everything = false;
	MemoryContextReset(set->context);
	make_table(set);
}

/* Frees the keys: from now on the set holds everything. */
static void
hold_everything(FlowlogKeySet *set)
{
	flowlog_key_set_clear(set);
	set->everything = true;
}

/* Adds a copy of a key. */
void
flowlog_key_set_add(FlowlogKeySet *set, Datum key)
{
	const TypeCacheEntry *type = set->type;
	MemoryContext old;
	KeyEntry *entry;
	bool found;

	if (set->everything)
		return;
	/* what is stored elsewhere may not be there any more when it is compared */
	if (type->typlen == -1)
		key = PointerGetDatum(PG_DETOAST_DATUM_PACKED(key));
	entry = keys_insert(set->table, key, &found);
	if (found)
		return;
	if (!type->typbyval)
	{
		old = MemoryContextSwitchTo(set->context);
		entry->key = datumCopy(key, false, type->typlen);
		set->used += GetMemoryChunkSpace(DatumGetPointer(entry->key));
		MemoryContextSwitchTo(old);
	}
	if (set->table->members > FLOWLOG_KEYS_MAX ||
	    set->used + set->table->members * FLOWLOG_KEY_BYTES > set->limit)
		hold_everything(set);
}

void
flowlog_key_set_free(FlowlogKeySet *set)
{
	MemoryContextDelete(set->context);
	pfree(set);
}

bool
flowlog_key_set_is_everything(const FlowlogKeySet *set)
{
	return set->everything;
}

size_t
flowlog_key_set_count(const FlowlogKeySet *set)
{
	return set->table->members;
}

void
flowlog_key_set_keys(const FlowlogKeySet *set, Datum *keys)
{
	keys_iterator iterator;
	const KeyEntry *entry;

	keys_start_iterate(set->table, &iterator);
	while ((entry = keys_iterate(set->table, &iterator)) != NULL)
		*keys++ = entry->key;
}
