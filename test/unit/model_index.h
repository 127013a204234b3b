/*-------------------------------------------------------------------------
 *
 * model_index.h
 *	  Entries of an index that are made at random, and kept in the obvious way.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MODEL_INDEX_H
#define MODEL_INDEX_H

#include "unit.h"

/* A value in a file. */
typedef struct ModelPlace
{
	FlowIndexKey key;
	uint32_t mask;
	uint32_t file;
} ModelPlace;

static inline int
model_place_order(const void *a, const void *b)
{
	const ModelPlace *x = a, *y = b;
	int order = flow_index_key_compare(&x->key, &y->key);

	if (order == 0)
		order = (x->mask > y->mask) - (x->mask < y->mask);
	return order != 0 ? order : (x->file > y->file) - (x->file < y->file);
}

/* Makes a key of any kind; there are about "spread" of each. */
static inline FlowIndexKey
model_key(uint64_t *seed, uint32_t spread)
{
	static const unsigned char kinds[] = {FLOW_INDEX_NULL,
	                                      FLOW_INDEX_OTHER,
	                                      FLOW_INDEX_IPV4,
	                                      FLOW_INDEX_IPV4,
	                                      FLOW_INDEX_IPV4,
	                                      FLOW_INDEX_IPV4,
	                                      FLOW_INDEX_IPV6,
	                                      FLOW_INDEX_TEXT,
	                                      FLOW_INDEX_INTEGER};
	uint64_t number = unit_random(seed) % spread * UINT64_C(0x9E3779B97F4A7C15) >> 16;
	FlowIndexKey key = {1, {kinds[unit_random(seed) % sizeof(kinds)]}};

	switch (key.bytes[0])
	{
		case FLOW_INDEX_IPV4:
			number = number % 3 == 0 ? number : number % 3 == 1 ? number & 0xFFFF : number | 0xFF;
			key.len += 4;
			break;
		case FLOW_INDEX_IPV6:
			key.len += 16;
			break;
		case FLOW_INDEX_TEXT:
			key.len += (uint8_t) (number % FLOW_INDEX_KEY_SIZE);
			break;
		case FLOW_INDEX_INTEGER:
			key.len += 8;
			break;
		default:
			break;
	}
	for (unsigned i = 1; i < key.len; i++)
		key.bytes[i] = i > 8 && number % 2 ? 0 : (unsigned char) (number >> (i % 6 * 8));
	return key;
}

static inline bool
model_same_key(const FlowIndexKey *a, const FlowIndexKey *b)
{
	return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

#endif /* MODEL_INDEX_H */
