/*-------------------------------------------------------------------------
 *
 * index_values.c
 *	  Collects the distinct fields of a file, and adds their values to a batch.
 *
 * A field is converted when it comes for the first time.  Columns whose fields
 * mean the same share a table: in a flow log the same hosts are sources and
 * destinations, so there is one entry for both, with a mask of columns.
 *
 * A dotted quad that is packed into a word (group_word.h) is found by it, and its
 * address is in the slot.  All other fields are found by their bytes, most of
 * which are compared and hashed in one step: IPv6 comes at random among IPv4,
 * and in any length.
 *
 *-------------------------------------------------------------------------
 */
#include "flow_digits.h"
#include "group_word.h"
#include "index_values.h"

/* slots of a table at first */
#define QUAD_BITS 10
#define OTHER_BITS 6

#define CHUNK_SIZE ((size_t) 32 * 1024)
#define LINE ((size_t) 64) /* bytes of the processor's cache */

/* A field of up to SHORT bytes, as those of IPv6 are, with zeros after it. */
#define SHORT 40

typedef struct Bytes
{
	uint64_t words[SHORT / sizeof(uint64_t)];
} Bytes;

/* A dotted quad. */
typedef struct Quad
{
	uint64_t word; /* 0: the slot is empty */
	uint32_t address;
	uint32_t mask; /* the columns in which it stood */
} Quad;

/* Another field.  Its first SHORT bytes are in one line of the cache. */
typedef struct Other
{
	uint32_t mask;
	uint32_t len;
	uint8_t key_len;
	uint8_t address_len; /* of texts that are addresses in canonical form; else 0 */
	/* the field, followed by zeros up to SHORT; then its key, and that of an address */
	char bytes[];
} Other;

typedef struct OtherSlot
{
	Other *other; /* NULL: the slot is empty */
	uint32_t hash;
} OtherSlot;

/* Columns whose fields mean the same. */
typedef struct Kind
{
	const FlowColumn *column; /* one of them */
	uint32_t mask;            /* all of them */
	bool has_quads;
	Quad *quads;
	unsigned quad_bits;
	size_t nquads;
	OtherSlot *others;
	unsigned other_bits;
	size_t nothers;
} Kind;

/* A column of the index. */
typedef struct Column
{
	int column;
	uint32_t mask;
	Kind *kind;
	/* of its dictionary's codes, those that were added */
	uint8_t *seen;
	size_t seen_size;
	uint64_t serial; /* of the dictionary; 0: none were */
} Column;

typedef struct Chunk
{
	struct Chunk *next;
	size_t size;
} Chunk;

struct FlowIndexValues
{
	const FlowHost *host;
	size_t memory;
	size_t used; /* bytes of tables and chunks */
	uint64_t seed[FLOW_KEY_SEEDS];
	Kind *kinds;
	int nkinds;
	Column *indexed;
	int nindexed;
	FlowReadWords read_words;
	size_t run;     /* records of the next run, at most: see flow_index_values_add */
	uint32_t nulls; /* the columns that had no field, or a bad one that is NULL */

	/* others: the first chunk is the one that is filled */
	Chunk *chunks;
	size_t chunk_used;
};

/* ---------- memory ---------- */

/* Returns true if a number of bytes may be allocated.  One record always fits. */
static bool
may_take(const FlowIndexValues *values, size_t size)
{
	size_t count = 0;

	for (int i = 0; i < values->nkinds; i++)
		count += values->kinds[i].nquads + values->kinds[i].nothers;
	return count < (size_t) values->nindexed || values->used + size <= values->memory;
}

static void *
allocate_table(FlowIndexValues *values, size_t size)
{
	void *table = flow_allocate(values->host, size);

	if (table != NULL)
	{
		memset(table, 0, size);
		values->used += size;
	}
	return table;
}

static void
free_table(FlowIndexValues *values, void *table, size_t size)
{
	if (table != NULL)
		values->used -= size;
	flow_free(values->host, table);
}

/* Allocates an entry with some bytes. */
static FlowStatus
allocate_other(FlowIndexValues *values, size_t len, Other **other)
{
	size_t size = (offsetof(Other, bytes) + len + LINE - 1) / LINE * LINE;
	Chunk *chunk = values->chunks;

	if (chunk == NULL || values->chunk_used + size > chunk->size)
	{
		size_t need = sizeof(Chunk) + LINE + size;
		size_t whole = need > CHUNK_SIZE ? need : CHUNK_SIZE;

		if (!may_take(values, whole))
			return FLOW_LIMIT;
		chunk = flow_allocate(values->host, whole);
		if (chunk == NULL)
			return FLOW_NO_MEMORY;
		*chunk = (Chunk) {values->chunks, whole};
		values->chunks = chunk;
		values->chunk_used = LINE - (uintptr_t) chunk % LINE;
		if (values->chunk_used < sizeof(Chunk))
			values->chunk_used += LINE;
		values->used += whole;
	}
	*other = (Other *) (void *) ((char *) chunk + values->chunk_used);
	values->chunk_used += size;
	return FLOW_OK;
}

static void
free_chunks(FlowIndexValues *values)
{
	while (values->chunks != NULL)
	{
		Chunk *next = values->chunks->next;

		values->used -= values->chunks->size;
		flow_free(values->host, values->chunks);
		values->chunks = next;
	}
}

/* ---------- dotted quads ---------- */

/* Returns true if a word may be that of a dotted quad. */
static inline bool
may_be_quad(uint64_t word)
{
	return FLOW_WORD_KIND(word) == FLOW_WORD_NIBBLES;
}

static inline size_t
quad_slot(const FlowIndexValues *values, uint64_t word, unsigned bits)
{
	return flow_key_fold(word ^ values->seed[0], values->seed[1]) >> (64 - bits);
}

/* Makes room for one more; at most half of the slots are full. */
static FlowStatus
have_quad(FlowIndexValues *values, Kind *kind)
{
	size_t size = (size_t) 1 << kind->quad_bits;
	unsigned bits = kind->quad_bits + 2;
	Quad *larger;

	if (kind->nquads < size / 2)
		return FLOW_OK;
	if (!may_take(values, 4 * size * sizeof(Quad)))
		return FLOW_LIMIT;
	larger = allocate_table(values, 4 * size * sizeof(Quad));
	if (larger == NULL)
		return FLOW_NO_MEMORY;
	for (size_t i = 0; i < size; i++)
	{
		size_t slot;

		if (kind->quads[i].word == 0)
			continue;
		slot = quad_slot(values, kind->quads[i].word, bits);
		while (larger[slot].word != 0)
			slot = (slot + 1) & (4 * size - 1);
		larger[slot] = kind->quads[i];
	}
	free_table(values, kind->quads, size * sizeof(Quad));
	kind->quads = larger;
	kind->quad_bits = bits;
	return FLOW_OK;
}

/* Reads the address of a word whose field is surely a good one; returns false for all others. */
static bool
read_quad(const Kind *kind, uint64_t word, uint32_t *address)
{
	const FlowColumn *column = kind->column;
	char buffer[FLOW_KEY_SHORT];
	FlowSlice field = flow_word_show(word, buffer);
	FlowIndexKey key;

	if (column->null_text != NULL && field.len == column->null_len &&
	    memcmp(field.data, column->null_text, field.len) == 0)
		return false;
	if (column->type == FLOW_TEXT
	        ? !flow_index_key_of_address(field, &key)
	        : !flow_read_dotted_quad(field.data, field.len, true, key.bytes + 1))
		return false;
	if (column->type == FLOW_TEXT && key.bytes[0] != FLOW_INDEX_IPV4)
		return false;
	*address = flow_index_ipv4(&key);
	return true;
}

/* Adds a dotted quad that is not there; FLOW_END if it is none. */
static FlowStatus
insert_quad(FlowIndexValues *values, const Column *column, uint64_t word)
{
	Kind *kind = column->kind;
	size_t slot;
	uint32_t address;
	FlowStatus status;

	if (!read_quad(kind, word, &address))
		return FLOW_END;
	status = have_quad(values, kind);
	if (status != FLOW_OK)
		return status;
	slot = quad_slot(values, word, kind->quad_bits);
	while (kind->quads[slot].word != 0)
		slot = (slot + 1) & (((size_t) 1 << kind->quad_bits) - 1);
	kind->quads[slot] = (Quad) {word, address, column->mask};
	kind->nquads++;
	return FLOW_OK;
}

/* Adds a column to a dotted quad, from its first slot on; returns false if it is not there. */
static inline bool
mark_quad(const Column *column, uint64_t word, size_t slot)
{
	Quad *quads = column->kind->quads;
	size_t last = ((size_t) 1 << column->kind->quad_bits) - 1;

	for (; quads[slot].word != word; slot = (slot + 1) & last)
		if (quads[slot].word == 0)
			return false;
	quads[slot].mask |= column->mask;
	return true;
}

/* ---------- other fields ---------- */

static inline uint64_t
load_word(const void *from)
{
	uint64_t word;

	memcpy(&word, from, sizeof(word));
	return word;
}

/* Loads a field of which at least SHORT bytes are readable, if it has no more. */
static inline Bytes
load_bytes(const char *data, size_t len)
{
	/* from byte SHORT - len on, a mask of the first "len" bytes */
	static const uint64_t masks[2 * SHORT / sizeof(uint64_t)] = {UINT64_MAX,
	                                                             UINT64_MAX,
	                                                             UINT64_MAX,
	                                                             UINT64_MAX,
	                                                             UINT64_MAX};
	const char *mask = (const char *) masks + SHORT - (len < SHORT ? len : SHORT);

	return (Bytes) {{load_word(data) & load_word(mask),
	                 load_word(data + 8) & load_word(mask + 8),
	                 load_word(data + 16) & load_word(mask + 16),
	                 load_word(data + 24) & load_word(mask + 24),
	                 load_word(data + 32) & load_word(mask + 32)}};
}

/* The same for any field. */
static Bytes
copy_bytes(FlowSlice field)
{
	Bytes bytes = {{0}};

	memcpy(&bytes, field.data, field.len < SHORT ? field.len : SHORT);
	return bytes;
}

/* Returns the hash of a field; its multipliers are seeds, as those of flow_key_hash. */
static inline uint32_t
hash_other(const FlowIndexValues *values, const Bytes *bytes, FlowSlice field)
{
	const uint64_t *words = bytes->words, *seed = values->seed;
	uint64_t hash = flow_key_fold(words[0] ^ seed[0], words[1] ^ seed[1]) ^
	                flow_key_fold(words[2] ^ seed[1], words[3] ^ seed[2]) ^
	                flow_key_fold(words[4] ^ seed[2], seed[0]);

	if (flow_unlikely(field.len > SHORT))
		hash = flow_key_hash_bytes(seed, field.data, field.len);
	return (uint32_t) (hash >> 32);
}

static inline size_t
other_slot(const Kind *kind, uint32_t hash)
{
	return hash >> (32 - kind->other_bits);
}

static FlowStatus
have_other(FlowIndexValues *values, Kind *kind)
{
	size_t size = (size_t) 1 << kind->other_bits;
	unsigned bits = kind->other_bits + 2;
	OtherSlot *larger;

	if (kind->nothers < size / 2)
		return FLOW_OK;
	if (bits > 30 || !may_take(values, 4 * size * sizeof(OtherSlot)))
		return FLOW_LIMIT;
	larger = allocate_table(values, 4 * size * sizeof(OtherSlot));
	if (larger == NULL)
		return FLOW_NO_MEMORY;
	for (size_t i = 0; i < size; i++)
	{
		size_t slot = kind->others[i].hash >> (32 - bits);

		if (kind->others[i].other == NULL)
			continue;
		while (larger[slot].other != NULL)
			slot = (slot + 1) & (4 * size - 1);
		larger[slot] = kind->others[i];
	}
	free_table(values, kind->others, size * sizeof(OtherSlot));
	kind->others = larger;
	kind->other_bits = bits;
	return FLOW_OK;
}

/* Sets the keys of a value, or of NULL; the second one's len is 0 if there is none. */
static void
make_keys(const FlowColumn *column, const FlowValue *value, FlowIndexKey *key,
          FlowIndexKey *address)
{
	flow_index_key(column, value, key);
	if (column->type != FLOW_TEXT || value == NULL ||
	    !flow_index_key_of_address(value->text, address))
		address->len = 0;
}

/* Returns how many bytes of a stored field are before its key. */
static inline size_t
room_of(size_t len)
{
	return len < SHORT ? SHORT : len;
}

/* Adds a field that is not there; the status of a bad field is returned. */
static FlowStatus
insert_other(FlowIndexValues *values, const Column *column, FlowSlice field, uint32_t hash)
{
	Kind *kind = column->kind;
	size_t slot;
	FlowIndexKey key, address;
	FlowValue value;
	Other *other;
	size_t room = room_of(field.len);
	FlowStatus status = flow_value_read(kind->column, values->host, field, &value);

	if (status != FLOW_OK && status != FLOW_END)
		return status;
	make_keys(kind->column, status == FLOW_OK ? &value : NULL, &key, &address);
	status = have_other(values, kind);
	if (status == FLOW_OK)
		status = allocate_other(values, room + key.len + address.len, &other);
	if (status != FLOW_OK)
		return status;
	*other = (Other) {column->mask, (uint32_t) field.len, key.len, address.len};
	memset(other->bytes, 0, room);
	if (field.len > 0)
		memcpy(other->bytes, field.data, field.len);
	memcpy(other->bytes + room, key.bytes, key.len);
	memcpy(other->bytes + room + key.len, address.bytes, address.len);
	slot = other_slot(kind, hash);
	while (kind->others[slot].other != NULL)
		slot = (slot + 1) & (((size_t) 1 << kind->other_bits) - 1);
	kind->others[slot] = (OtherSlot) {other, hash};
	kind->nothers++;
	return FLOW_OK;
}

static inline bool
is_same(const Other *other, const Bytes *bytes, FlowSlice field)
{
	uint64_t difference = other->len ^ field.len;

	for (size_t i = 0; i < flow_countof(bytes->words); i++)
		difference |= load_word(other->bytes + 8 * i) ^ bytes->words[i];
	return difference == 0 &&
	       (flow_likely(field.len <= SHORT) || memcmp(other->bytes, field.data, field.len) == 0);
}

/* Adds a column to a field, which is made if it is not there. */
static inline FlowStatus
add_other(FlowIndexValues *values, const Column *column, const Bytes *bytes, FlowSlice field,
          uint32_t hash)
{
	const Kind *kind = column->kind;
	size_t last = ((size_t) 1 << kind->other_bits) - 1;

	for (size_t slot = other_slot(kind, hash); kind->others[slot].other != NULL;
	     slot = (slot + 1) & last)
	{
		Other *other = kind->others[slot].other;

		if (kind->others[slot].hash == hash && flow_likely(is_same(other, bytes, field)))
		{
			other->mask |= column->mask;
			return FLOW_OK;
		}
	}
	return insert_other(values, column, field, hash);
}

/* ---------- fields ---------- */

/* Adds a field by its bytes. */
static FlowStatus
add_by_bytes(FlowIndexValues *values, const Column *column, FlowSlice field)
{
	Bytes bytes = copy_bytes(field);

	return add_other(values, column, &bytes, field, hash_other(values, &bytes, field));
}

/* Adds a field whose word is not there. */
static FlowStatus
add_new(FlowIndexValues *values, const Column *column, FlowSlice field, uint64_t word)
{
	FlowStatus status = insert_quad(values, column, word);

	return status == FLOW_END ? add_by_bytes(values, column, field) : status;
}

/* Adds any field, or none. */
static FlowStatus
add_field(FlowIndexValues *values, const Column *column, FlowSlice field)
{
	FlowFieldKey key;
	uint64_t word;

	if (field.data == NULL)
	{
		if (column->kind->column->not_null)
			return FLOW_MISSING;
		values->nulls |= column->mask;
		return FLOW_OK;
	}
	key = flow_key_make(values->seed, field);
	word = column->kind->has_quads ? flow_word_of_field(&key) : 0;
	if (!may_be_quad(word))
		return add_by_bytes(values, column, field);
	if (mark_quad(column, word, quad_slot(values, word, column->kind->quad_bits)))
		return FLOW_OK;
	return add_new(values, column, field, word);
}

/*
 * Adds the fields of single records, and of columns that a file does not have;
 * a bad field may be NULL.
 */
static void
add_singly(FlowIndexValues *values, FlowRun *run, const Column *column)
{
	for (size_t i = 0; i < run->count; i++)
	{
		FlowStatus status =
			add_field(values, column, flow_batch_field(run->batch, run->first + i, column->column));

		if (run->bad_is_null && status != FLOW_OK && status != FLOW_LIMIT &&
		    status != FLOW_NO_MEMORY)
		{
			values->nulls |= column->mask;
			status = FLOW_OK;
		}
		if (status != FLOW_OK)
			flow_run_cut(run, i, status, column->column);
	}
}

/* Adds the entries of a dictionary that are in a run, each once. */
static void
add_codes(FlowIndexValues *values, FlowRun *run, Column *column, const FlowCodes *codes)
{
	const uint32_t *rows = run->batch->rows + run->first;

	if (column->seen_size < codes->count)
	{
		flow_free(values->host, column->seen);
		column->seen_size = 0;
		column->serial = 0;
		column->seen = flow_allocate(values->host, codes->count);
		if (column->seen == NULL)
		{
			flow_run_cut(run, 0, FLOW_NO_MEMORY, -1);
			return;
		}
		column->seen_size = codes->count;
	}
	if (column->serial != codes->serial)
		memset(column->seen, 0, codes->count);
	column->serial = codes->serial;
	for (size_t i = 0; i < run->count; i++)
	{
		uint32_t code = codes->codes[rows[i]];
		FlowStatus status;

		if (column->seen[code])
			continue;
		status = add_field(values, column, codes->entries[code]);
		column->seen[code] = status == FLOW_OK;
		if (status != FLOW_OK)
			flow_run_cut(run, i, status, column->column);
	}
}

/* The fields of a run: those that may be dotted quads, and others. */
typedef struct Fields
{
	uint64_t words[FLOW_RUN];                   /* of all of them, then of quads */
	uint16_t quads[FLOW_RUN], others[FLOW_RUN]; /* their numbers */
	size_t nquads, nothers;
	uint32_t places[FLOW_RUN]; /* slots of quads, or hashes of others */
	Bytes bytes[FLOW_RUN];     /* of others */
} Fields;

static inline FlowSlice
field_at(const FlowBatch *batch, const uint32_t *next)
{
	return (FlowSlice) {batch->data + next[-1], next[0] - 1 - next[-1]};
}

/* Tells the fields that may be dotted quads from others. */
static inline void
divide(const FlowIndexValues *values, const Kind *kind, const FlowBatch *batch,
       const uint32_t *ends, const uint32_t *rows, size_t count, Fields *fields)
{
	size_t nquads = 0, nothers = 0;

	if (kind->has_quads)
		(void) values->read_words(batch->data, ends, rows, count, fields->words);
	else
		memset(fields->words, 0, count * sizeof(uint64_t));
	for (size_t i = 0; i < count; i++)
	{
		uint64_t word = fields->words[i];
		bool quad = may_be_quad(word);

		fields->quads[nquads] = fields->others[nothers] = (uint16_t) i;
		fields->words[nquads] = word;
		nquads += quad;
		nothers += !quad;
	}
	fields->nquads = nquads;
	fields->nothers = nothers;
}

/* Finds the first slots of dotted quads, from one on, and prefetches them. */
static inline void
find_slots(const FlowIndexValues *values, const Kind *kind, Fields *fields, size_t first)
{
	const Quad *quads = kind->quads;
	unsigned bits = kind->quad_bits;

	for (size_t k = first; k < fields->nquads; k++)
	{
		size_t slot = quad_slot(values, fields->words[k], bits);

		fields->places[k] = (uint32_t) slot;
		__builtin_prefetch(&quads[slot], 1);
	}
}

/* Adds dotted quads.  A file may have more values than there is room for in the cache. */
static void
add_quads(FlowIndexValues *values, FlowRun *run, const Column *column, const uint32_t *ends,
          const uint32_t *rows, Fields *fields)
{
	const Kind *kind = column->kind;
	const Quad *quads = kind->quads;
	size_t count = fields->nquads;

	find_slots(values, kind, fields, 0);
	for (size_t k = 0; k < count; k++)
	{
		size_t i = fields->quads[k];
		FlowStatus status;

		if (flow_likely(mark_quad(column, fields->words[k], fields->places[k])))
			continue;
		status = add_new(values, column, field_at(run->batch, ends + rows[i]), fields->words[k]);
		if (flow_unlikely(status != FLOW_OK))
		{
			flow_run_cut(run, i, status, column->column);
			return;
		}
		if (kind->quads != quads)
			find_slots(values, kind, fields, k + 1);
		quads = kind->quads;
	}
}

/* Adds other fields: first their slots are prefetched, then what these refer to. */
static void
add_others(FlowIndexValues *values, FlowRun *run, const Column *column, const uint32_t *ends,
           const uint32_t *rows, Fields *fields)
{
	const Kind *kind = column->kind;
	const OtherSlot *others = kind->others;
	size_t count = fields->nothers;

	while (count > 0 && fields->others[count - 1] >= run->count)
		count--;
	for (size_t k = 0; k < count; k++)
	{
		FlowSlice field = field_at(run->batch, ends + rows[fields->others[k]]);
		Bytes bytes = load_bytes(field.data, field.len);
		uint32_t hash = hash_other(values, &bytes, field);

		fields->bytes[k] = bytes;
		fields->places[k] = hash;
		__builtin_prefetch(&others[other_slot(kind, hash)]);
	}
	for (size_t k = 0; k < count; k++)
		__builtin_prefetch(others[other_slot(kind, fields->places[k])].other, 1);
	for (size_t k = 0; k < count; k++)
	{
		size_t i = fields->others[k];
		FlowStatus status = add_other(values,
		                              column,
		                              &fields->bytes[k],
		                              field_at(run->batch, ends + rows[i]),
		                              fields->places[k]);

		if (flow_unlikely(status != FLOW_OK))
		{
			flow_run_cut(run, i, status, column->column);
			return;
		}
	}
}

/* Adds the fields of a column that are one after the other in memory. */
static void
add_fields(FlowIndexValues *values, FlowRun *run, const Column *column)
{
	const uint32_t *ends = run->batch->next + run->batch->place[column->column];
	const uint32_t *rows = run->batch->rows + run->first;
	Fields fields;

	divide(values, column->kind, run->batch, ends, rows, run->count, &fields);
	add_quads(values, run, column, ends, rows, &fields);
	add_others(values, run, column, ends, rows, &fields);
}

static void
add_column(FlowIndexValues *values, FlowRun *run, Column *column)
{
	const FlowBatch *batch = run->batch;
	const FlowCodes *codes = NULL;

	if (batch->next == NULL || run->bad_is_null || batch->place[column->column] < 0)
	{
		add_singly(values, run, column);
		return;
	}
	/* as for groups, a field that is required is checked in each record */
	if (!column->kind->column->not_null &&
	    flow_batch_codes(batch, column->column, &codes) == FLOW_OK && codes != NULL)
		add_codes(values, run, column, codes);
	else
		add_fields(values, run, column);
}

/*
 * Adds the records of a batch.  Where values do not fit, those of one column may
 * take all memory before another column comes to the first record of the run;
 * so the next run is that record alone.
 */
FlowStatus
flow_index_values_add(FlowIndexValues *values, const FlowBatch *batch, size_t *done,
                      bool bad_is_null, FlowBadField *bad)
{
	*bad = (FlowBadField) {-1, FLOW_OK};
	while (*done < batch->count)
	{
		size_t left = batch->count - *done, most = bad_is_null ? 1 : values->run;
		FlowRun run = {batch, *done, left < most ? left : most, bad_is_null, FLOW_OK, *bad};

		for (int i = values->nindexed - 1; i >= 0; i--)
			add_column(values, &run, &values->indexed[i]);
		*done += run.count;
		*bad = run.bad;
		if (flow_unlikely(values->run < FLOW_RUN))
			values->run *= 2;
		if (flow_unlikely(run.status == FLOW_LIMIT))
			values->run = 1;
		if (run.status != FLOW_OK)
			return run.status;
		if (bad_is_null)
			break;
	}
	return FLOW_OK;
}

/* ---------- values ---------- */

/* Returns the columns of texts of which all values are addresses, or NULL. */
static uint32_t
find_address_columns(const FlowIndexValues *values)
{
	uint32_t columns = 0, others = 0;

	for (int i = 0; i < values->nkinds; i++)
	{
		const Kind *kind = &values->kinds[i];

		if (kind->column->type != FLOW_TEXT)
			continue;
		columns |= kind->mask;
		for (size_t k = 0; k < (size_t) 1 << kind->other_bits; k++)
		{
			const OtherSlot *slot = &kind->others[k];

			if (slot->other != NULL && slot->other->address_len == 0 &&
			    slot->other->bytes[room_of(slot->other->len)] != FLOW_INDEX_NULL)
				others |= slot->other->mask;
		}
	}
	return columns & ~others;
}

/* Adds dotted quads to a batch, as addresses or, in columns of texts, as such. */
static FlowStatus
give_quads(const Kind *kind, uint32_t texts, FlowIndexBatch *batch, uint32_t file)
{
	size_t size = (size_t) 1 << kind->quad_bits;
	FlowStatus status = FLOW_OK;

	for (size_t i = 0; i < size && kind->nquads > 0 && status == FLOW_OK; i++)
	{
		const Quad *quad = &kind->quads[i];
		char buffer[FLOW_KEY_SHORT];
		FlowIndexKey key;

		if ((quad->mask & ~texts) != 0)
			status = flow_index_batch_add_ipv4(batch, quad->address, quad->mask & ~texts, file);
		if (flow_likely((quad->mask & texts) == 0) || status != FLOW_OK)
			continue;
		flow_index_set_text(&key, flow_word_show(quad->word, buffer));
		status = flow_index_batch_add(batch, &key, quad->mask & texts, file);
	}
	return status;
}

/* Adds the other fields' values. */
static FlowStatus
give_others(const Kind *kind, uint32_t addresses, FlowIndexBatch *batch, uint32_t file)
{
	size_t size = (size_t) 1 << kind->other_bits;
	FlowStatus status = FLOW_OK;

	for (size_t i = 0; i < size && kind->nothers > 0 && status == FLOW_OK; i++)
	{
		const Other *other = kind->others[i].other;
		const char *bytes;
		uint32_t mask;
		FlowIndexKey key;

		if (other == NULL)
			continue;
		bytes = other->bytes + room_of(other->len);
		mask = other->address_len > 0 ? other->mask & addresses : 0;
		if (mask != 0)
		{
			key.len = other->address_len;
			memcpy(key.bytes, bytes + other->key_len, key.len);
			status = flow_index_batch_add(batch, &key, mask, file);
		}
		if (mask == other->mask || status != FLOW_OK)
			continue;
		key.len = other->key_len;
		memcpy(key.bytes, bytes, key.len);
		status = flow_index_batch_add(batch, &key, other->mask & ~mask, file);
	}
	return status;
}

/* Adds all values to a batch. */
FlowStatus
flow_index_values_give(const FlowIndexValues *values, bool whole, FlowIndexBatch *batch,
                       uint32_t file, uint32_t *address_columns)
{
	uint32_t addresses = whole ? find_address_columns(values) : 0;
	FlowStatus status = FLOW_OK;
	FlowIndexKey null;

	*address_columns = addresses;
	for (int i = 0; i < values->nkinds && status == FLOW_OK; i++)
	{
		const Kind *kind = &values->kinds[i];

		status = give_quads(kind,
		                    kind->column->type == FLOW_TEXT ? kind->mask & ~addresses : 0,
		                    batch,
		                    file);
		if (status == FLOW_OK)
			status = give_others(kind, addresses, batch, file);
	}
	if (values->nulls == 0 || status != FLOW_OK)
		return status;
	flow_index_set_key(&null, FLOW_INDEX_NULL, 0, 0);
	return flow_index_batch_add(batch, &null, values->nulls, file);
}

/* ---------- life ---------- */

/* Returns true if the same fields of two columns have the same values, and are as good. */
static bool
are_alike(const FlowColumn *a, const FlowColumn *b)
{
	return a->type == b->type && a->max_chars == b->max_chars && a->precision == b->precision &&
	       a->scale == b->scale && a->not_null == b->not_null &&
	       (a->null_text == NULL) == (b->null_text == NULL) &&
	       (a->null_text == NULL ||
	        (a->null_len == b->null_len && memcmp(a->null_text, b->null_text, a->null_len) == 0));
}

static bool
has_quads(const FlowColumn *column)
{
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
	return false; /* words are made of bytes as they are loaded */
#endif
	return column->type == FLOW_ADDRESS || column->type == FLOW_NETWORK ||
	       (column->type == FLOW_TEXT && column->max_chars < 0);
}

/* Finds or makes the kind of a column; NULL: memory is short. */
static Kind *
find_kind(FlowIndexValues *values, const FlowColumn *column)
{
	Kind *kind = values->kinds;

	for (; kind < values->kinds + values->nkinds; kind++)
		if (are_alike(kind->column, column))
			return kind;
	*kind = (Kind) {.column = column,
	                .has_quads = has_quads(column),
	                .quad_bits = QUAD_BITS,
	                .other_bits = OTHER_BITS};
	values->nkinds++;
	kind->quads = allocate_table(values, sizeof(Quad) << QUAD_BITS);
	kind->others = allocate_table(values, sizeof(OtherSlot) << OTHER_BITS);
	return kind->quads != NULL && kind->others != NULL ? kind : NULL;
}

FlowStatus
flow_index_values_create(const FlowIndexValuesSpec *spec, FlowIndexValues **values,
                         FlowError *error)
{
	const FlowHost *host = spec->host;
	size_t count = (size_t) spec->nindexed;
	FlowIndexValues *made = flow_allocate(host, sizeof(FlowIndexValues));
	bool complete = made != NULL;

	*values = NULL;
	if (made == NULL)
		return flow_error_memory(error);
	*made = (FlowIndexValues) {.host = host, .memory = spec->memory, .run = FLOW_RUN};
	made->read_words = flow_group_words(0);
	flow_key_draw_seed(host, made, made->seed);
	made->kinds = flow_allocate(host, count * sizeof(Kind) + 1);
	made->indexed = flow_allocate(host, count * sizeof(Column) + 1);
	complete = made->kinds != NULL && made->indexed != NULL;
	for (int i = 0; i < spec->nindexed && complete; i++)
	{
		Kind *kind = find_kind(made, &spec->columns[spec->indexed[i]]);

		complete = kind != NULL;
		if (!complete)
			break;
		kind->mask |= (uint32_t) 1 << i;
		made->indexed[made->nindexed++] =
			(Column) {.column = spec->indexed[i], .mask = (uint32_t) 1 << i, .kind = kind};
	}
	if (!complete)
	{
		flow_index_values_free(made);
		return flow_error_memory(error);
	}
	*values = made;
	return FLOW_OK;
}

void
flow_index_values_free(FlowIndexValues *values)
{
	const FlowHost *host;

	if (values == NULL)
		return;
	host = values->host;
	for (int i = 0; i < values->nkinds; i++)
	{
		flow_free(host, values->kinds[i].quads);
		flow_free(host, values->kinds[i].others);
	}
	for (int i = 0; i < values->nindexed; i++)
		flow_free(host, values->indexed[i].seen);
	free_chunks(values);
	flow_free(host, values->kinds);
	flow_free(host, values->indexed);
	flow_free(host, values);
}

/* Makes a table empty and, if it was much too large, smaller. */
static void *
clear_table(FlowIndexValues *values, void *table, unsigned *bits, unsigned first, size_t count,
            size_t size)
{
	if (*bits > first && count < ((size_t) 1 << *bits) / 64)
	{
		void *smaller = allocate_table(values, size << (*bits - 2));

		if (smaller != NULL)
		{
			free_table(values, table, size << *bits);
			*bits -= 2;
			return smaller;
		}
	}
	memset(table, 0, size << *bits);
	return table;
}

void
flow_index_values_clear(FlowIndexValues *values)
{
	for (int i = 0; i < values->nkinds; i++)
	{
		Kind *kind = &values->kinds[i];

		kind->quads = clear_table(values,
		                          kind->quads,
		                          &kind->quad_bits,
		                          QUAD_BITS,
		                          kind->nquads,
		                          sizeof(Quad));
		kind->others = clear_table(values,
		                           kind->others,
		                           &kind->other_bits,
		                           OTHER_BITS,
		                           kind->nothers,
		                           sizeof(OtherSlot));
		kind->nquads = kind->nothers = 0;
	}
	for (int i = 0; i < values->nindexed; i++)
		values->indexed[i].serial = 0;
	values->nulls = 0;
	free_chunks(values);
}

/* Marks the columns that are read, as flow_groups_mark does. */
void
flow_index_values_mark(const FlowIndexValues *values, bool *fields, bool *codes)
{
	for (int i = 0; i < values->nindexed; i++)
	{
		const Column *column = &values->indexed[i];

		(column->kind->column->not_null ? fields : codes)[column->column] = true;
	}
}
