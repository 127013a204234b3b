/*-------------------------------------------------------------------------
 *
 * index_fields.h
 *	  The distinct fields of columns that mean the same, with their values as
 *	  keys of an index.
 *
 * A dotted quad that is packed into a word (group_word.h) is found by it, and
 * its address is in the slot.  All other fields are found by their bytes, most
 * of which are compared and hashed in one step: IPv6 comes at random among
 * IPv4, and in any length.  Masks have a bit for each column of the index.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_INDEX_FIELDS_H
#define FLOW_INDEX_FIELDS_H

#include "group_word.h"
#include "index.h"

/* What the fields of several kinds of columns share. */
typedef struct FlowIndexRoom
{
	const FlowHost *host;
	uint64_t seed[FLOW_KEY_SEEDS];
	size_t memory, used; /* bytes of tables and chunks */
	size_t count;        /* of fields */
	size_t always;       /* so many fields may take more memory */
} FlowIndexRoom;

/* A dotted quad. */
typedef struct FlowIndexQuad
{
	uint64_t word; /* 0: the slot is empty */
	uint32_t address;
	uint32_t mask; /* the columns in which it stood */
} FlowIndexQuad;

/* no table of quads has fewer slots */
#define FLOW_INDEX_QUADS 1024

/*
 * The first bytes of a field, as many as those of IPv6, with zeros after its
 * end.
 */
#define FLOW_FIELD_BYTES 40

typedef struct FlowFieldBytes
{
	uint64_t words[FLOW_FIELD_BYTES / sizeof(uint64_t)];
} FlowFieldBytes;

/* Another field.  Its first bytes are in one line of the cache. */
typedef struct FlowIndexOther
{
	uint32_t mask;
	uint32_t len;
	uint8_t key_len;
	uint8_t address_len; /* of texts that are addresses in canonical form; else 0 */
	/*
	 * the field, or FlowFieldBytes if it is shorter; then its key, and that of
	 * an address
	 */
	char bytes[];
} FlowIndexOther;

typedef struct FlowIndexOtherSlot
{
	FlowIndexOther *other; /* NULL: the slot is empty */
	uint32_t hash;
} FlowIndexOtherSlot;

/* Memory of others. */
typedef struct FlowIndexChunk
{
	struct FlowIndexChunk *next;
	size_t size;
	size_t first; /* offset of its first entry, */
	size_t used;  /* and after the last one */
} FlowIndexChunk;

typedef struct FlowIndexFields
{
	FlowIndexRoom *room;
	const FlowColumn *column; /* one of the columns */
	uint32_t mask;            /* all of them */
	bool has_quads;
	FlowIndexQuad *quads;
	unsigned quad_bits; /* log2 of the slots */
	size_t nquads;
	FlowIndexOtherSlot *others;
	unsigned other_bits;
	size_t nothers;
	FlowIndexChunk *chunks; /* the first one is the one that is filled */
} FlowIndexFields;

/* ---------- index_fields.c ---------- */

/*
 * Makes empty tables; returns false if memory is short, and they are to be
 * freed then, too.
 */
extern bool flow_index_fields_init(FlowIndexFields *fields, FlowIndexRoom *room,
                                   const FlowColumn *column);
extern void flow_index_fields_free(FlowIndexFields *fields);
extern void flow_index_fields_clear(FlowIndexFields *fields);

/*
 * Add a field that is not there: FLOW_LIMIT, FLOW_NO_MEMORY, or a bad field's
 * status.
 */
extern FlowStatus flow_index_fields_insert_quad(FlowIndexFields *fields, uint32_t mask,
                                                uint64_t word); /* FLOW_END: it is none */
extern FlowStatus flow_index_fields_insert_other(FlowIndexFields *fields, uint32_t mask,
                                                 FlowSlice field, uint32_t hash);

/* Other fields, in the order in which they are in memory. */
typedef struct FlowIndexOthers
{
	const FlowIndexChunk *chunk;
	size_t at;
} FlowIndexOthers;

/* Begins to read them; returns the next one, or NULL. */
extern FlowIndexOthers flow_index_fields_begin(const FlowIndexFields *fields);
extern const FlowIndexOther *flow_index_fields_next(FlowIndexOthers *others);

/* ---------- inline: dotted quads ---------- */

/* Returns true if a word may be that of a dotted quad. */
static inline bool
flow_index_may_be_quad(uint64_t word)
{
	return FLOW_WORD_KIND(word) == FLOW_WORD_NIBBLES;
}

/* Returns the first slot to try in a table of some size. */
static inline size_t
flow_index_quad_slot(const FlowIndexRoom *room, uint64_t word, unsigned bits)
{
	return flow_key_fold(word ^ room->seed[0], room->seed[1]) >> (64 - bits);
}

/*
 * Adds columns to a dotted quad, from its first slot on; returns false if it
 * is not there.
 */
static inline bool
flow_index_mark_quad(const FlowIndexFields *fields, uint32_t mask, uint64_t word, size_t slot)
{
	FlowIndexQuad *quads = fields->quads;
	size_t last = ((size_t) 1 << fields->quad_bits) - 1;

	for (; quads[slot].word != word; slot = (slot + 1) & last)
		if (quads[slot].word == 0)
			return false;
	quads[slot].mask |= mask;
	return true;
}

/* ---------- inline: other fields ---------- */

static inline uint64_t
flow_field_word(const void *from)
{
	uint64_t word;

	memcpy(&word, from, sizeof(word));
	return word;
}

/* Loads a field after whose beginning FLOW_FIELD_BYTES are readable. */
static inline FlowFieldBytes
flow_field_load(const char *data, size_t len)
{
	/* from byte FLOW_FIELD_BYTES - len on, a mask of the first "len" bytes */
	static const uint64_t masks[2 * FLOW_FIELD_BYTES / sizeof(uint64_t)] = {UINT64_MAX,
	                                                                        UINT64_MAX,
	                                                                        UINT64_MAX,
	                                                                        UINT64_MAX,
	                                                                        UINT64_MAX};
	const char *mask =
		(const char *) masks + FLOW_FIELD_BYTES - (len < FLOW_FIELD_BYTES ? len : FLOW_FIELD_BYTES);

	return (FlowFieldBytes) {{flow_field_word(data) & flow_field_word(mask),
	                          flow_field_word(data + 8) & flow_field_word(mask + 8),
	                          flow_field_word(data + 16) & flow_field_word(mask + 16),
	                          flow_field_word(data + 24) & flow_field_word(mask + 24),
	                          flow_field_word(data + 32) & flow_field_word(mask + 32)}};
}

/* The same for any field. */
static inline FlowFieldBytes
flow_field_copy(FlowSlice field)
{
	FlowFieldBytes bytes = {{0}};

	if (field.len > 0)
		memcpy(&bytes, field.data, field.len < sizeof(bytes) ? field.len : sizeof(bytes));
	return bytes;
}

/*
 * Returns the hash of a field; its multipliers are seeds, as those of
 * flow_key_hash.
 */
static inline uint32_t
flow_index_hash_other(const FlowIndexRoom *room, const FlowFieldBytes *bytes, FlowSlice field)
{
	const uint64_t *words = bytes->words, *seed = room->seed;
	uint64_t hash = flow_key_fold(words[0] ^ seed[0], words[1] ^ seed[1]) ^
	                flow_key_fold(words[2] ^ seed[1], words[3] ^ seed[2]) ^
	                flow_key_fold(words[4] ^ seed[2], seed[0]);

	if (flow_unlikely(field.len > FLOW_FIELD_BYTES))
		hash = flow_key_hash_bytes(seed, field.data, field.len);
	return (uint32_t) (hash >> 32);
}

/* Returns the first slot to try. */
static inline size_t
flow_index_other_slot(const FlowIndexFields *fields, uint32_t hash)
{
	return hash >> (32 - fields->other_bits);
}

/* Returns the key of a field. */
static inline const char *
flow_index_other_key(const FlowIndexOther *other)
{
	return other->bytes + (other->len < FLOW_FIELD_BYTES ? FLOW_FIELD_BYTES : other->len);
}

static inline bool
flow_index_is_other(const FlowIndexOther *other, const FlowFieldBytes *bytes, FlowSlice field)
{
	uint64_t difference = other->len ^ field.len;

	for (size_t i = 0; i < flow_countof(bytes->words); i++)
		difference |= flow_field_word(other->bytes + 8 * i) ^ bytes->words[i];
	return difference == 0 && (flow_likely(field.len <= FLOW_FIELD_BYTES) ||
	                           memcmp(other->bytes, field.data, field.len) == 0);
}

/* Adds columns to a field; returns false if it is not there. */
static inline bool
flow_index_mark_other(const FlowIndexFields *fields, uint32_t mask, const FlowFieldBytes *bytes,
                      FlowSlice field, uint32_t hash)
{
	const FlowIndexOtherSlot *others = fields->others;
	size_t last = ((size_t) 1 << fields->other_bits) - 1;

	for (size_t slot = flow_index_other_slot(fields, hash); others[slot].other != NULL;
	     slot = (slot + 1) & last)
		if (others[slot].hash == hash &&
		    flow_likely(flow_index_is_other(others[slot].other, bytes, field)))
		{
			others[slot].other->mask |= mask;
			return true;
		}
	return false;
}

#endif /* FLOW_INDEX_FIELDS_H */
