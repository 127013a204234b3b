/*-------------------------------------------------------------------------
 *
 * field_key.h
 *	  Fields as keys of hash tables: of groups, and of values that are known.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_FIELD_KEY_H
#define FLOW_FIELD_KEY_H

#include "internal.h"

#define FLOW_KEY_SHORT 16
#define FLOW_KEY_NO_FIELD UINT64_MAX

/*
 * A field in a form that is compared in one step.  A short one is the bytes
 * themselves, followed by zeros; a longer one is a hash of them.
 */
typedef struct FlowFieldKey
{
	uint64_t len; /* FLOW_KEY_NO_FIELD: there is no field */
	uint64_t words[2];
} FlowFieldKey;

/* Multiplies to 128 bits, and folds them into 64. */
static inline uint64_t
flow_key_fold(uint64_t a, uint64_t b)
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
 * hash depends on a seed that each table draws (no result depends on it), and
 * its multipliers are not known outside.
 */
static inline uint64_t
flow_key_hash(const uint64_t *seed, uint64_t hash, const FlowFieldKey *key)
{
	return flow_key_fold(key->words[0] ^ hash,
	                     (key->words[1] ^ seed[1]) + key->len * UINT64_C(0x9E3779B97F4A7C15));
}

/*
 * The hash of more than FLOW_KEY_SHORT bytes; the last piece may overlap the
 * one before.
 */
static inline uint64_t
flow_key_hash_bytes(const uint64_t *seed, const char *data, size_t len)
{
	uint64_t hash = seed[2];
	uint64_t words[2];

	for (size_t i = 0; i < len; i += sizeof(words))
	{
		memcpy(words, data + (i + sizeof(words) <= len ? i : len - sizeof(words)), sizeof(words));
		hash = flow_key_fold(words[0] ^ hash, words[1] ^ seed[1]);
	}
	return hash;
}

static inline FlowFieldKey
flow_key_make(const uint64_t *seed, FlowSlice field)
{
	FlowFieldKey key = {field.len, {0, 0}};

	if (field.data == NULL)
		key.len = FLOW_KEY_NO_FIELD;
	else if (field.len > FLOW_KEY_SHORT)
		key.words[0] = flow_key_hash_bytes(seed, field.data, field.len);
	else
		memcpy(key.words, field.data, field.len);
	return key;
}

/* The same if FLOW_KEY_SHORT bytes are readable at any position. */
static inline FlowFieldKey
flow_key_load(const uint64_t *seed, const char *data, uint32_t len)
{
	static const uint8_t masks[2 * FLOW_KEY_SHORT] = {0xFF,
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
	FlowFieldKey key;

	if (flow_unlikely(len > FLOW_KEY_SHORT))
		return (FlowFieldKey) {len, {flow_key_hash_bytes(seed, data, len), 0}};
	memcpy(mask, masks + FLOW_KEY_SHORT - len, FLOW_KEY_SHORT);
	memcpy(key.words, data, FLOW_KEY_SHORT);
	key.words[0] &= mask[0];
	key.words[1] &= mask[1];
	key.len = len;
	return key;
}

#define FLOW_KEY_SEEDS 3

/* Draws the seed of a table. */
static inline void
flow_key_draw_seed(const FlowHost *host, const void *table, uint64_t seed[FLOW_KEY_SEEDS])
{
	uint64_t next = (uint64_t) host->clock(host->arg) ^ (uint64_t) (uintptr_t) table << 20;

	for (size_t i = 0; i < FLOW_KEY_SEEDS; i++)
	{
		next += UINT64_C(0x9E3779B97F4A7C15);
		seed[i] = (next ^ (next >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
		seed[i] = (seed[i] ^ (seed[i] >> 27)) * UINT64_C(0x94D049BB133111EB);
		seed[i] ^= seed[i] >> 31;
	}
}

static inline bool
flow_key_is_long(const FlowFieldKey *key)
{
	return key->len > FLOW_KEY_SHORT && key->len != FLOW_KEY_NO_FIELD;
}

#endif /* FLOW_FIELD_KEY_H */
