/*-------------------------------------------------------------------------
 *
 * index_places.h
 *	  Places of values, while they are gathered: a value, a file, and columns
 *	  in which it stood there.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_INDEX_PLACES_H
#define FLOW_INDEX_PLACES_H

#include "index.h"

/*
 * A place is a word: from its highest bits down, the value (32 bits), the file
 * (16 bits, from the batch's first one on), and a part of the mask: its number
 * (2 bits), and its bits.
 */
#define FLOW_PLACE_VALUE_SHIFT 32
#define FLOW_PLACE_FILE_SHIFT 16
#define FLOW_PLACE_MASK_BITS 14
#define FLOW_PLACE_PARTS 3 /* maximum number of places of a value in a file */

typedef struct FlowIndexPlaces
{
	uint64_t *items;
	size_t count, room;
} FlowIndexPlaces;

/* in index_places.c */

extern void flow_index_places_free(const FlowHost *host, FlowIndexPlaces *places);

/* Makes room for so many, which are more than before. */
extern FlowStatus flow_index_places_grow(const FlowHost *host, FlowIndexPlaces *places,
                                         size_t room);

/*
 * Sorts places by their values, all of which are below a power of two; those
 * of a value stay in their order.  Takes as much memory again.  FLOW_OK,
 * FLOW_NO_MEMORY or FLOW_INTERRUPTED, after which they are in any order.
 */
extern FlowStatus flow_index_places_sort(const FlowHost *host, FlowIndexPlaces *places,
                                         unsigned value_bits);

/* Adds the places of a value, for which there is room. */
static inline void
flow_index_places_add(FlowIndexPlaces *places, uint32_t value, uint32_t file, uint32_t mask)
{
	uint64_t place = (uint64_t) value << FLOW_PLACE_VALUE_SHIFT | (uint64_t) file
	                                                                  << FLOW_PLACE_FILE_SHIFT;

	for (uint64_t part = 0; mask != 0; part++, mask >>= FLOW_PLACE_MASK_BITS)
	{
		uint32_t bits = mask & ((1u << FLOW_PLACE_MASK_BITS) - 1);

		if (bits != 0)
			places->items[places->count++] = place | part << FLOW_PLACE_MASK_BITS | bits;
	}
}

static inline uint32_t
flow_index_place_value(uint64_t place)
{
	return (uint32_t) (place >> FLOW_PLACE_VALUE_SHIFT);
}

/* Returns a place of another value. */
static inline uint64_t
flow_index_place_with(uint64_t place, uint32_t value)
{
	return (uint32_t) place | (uint64_t) value << FLOW_PLACE_VALUE_SHIFT;
}

static inline uint32_t
flow_index_place_file(uint64_t place)
{
	return (uint32_t) (place >> FLOW_PLACE_FILE_SHIFT) & (FLOW_INDEX_BATCH_FILES - 1);
}

static inline uint32_t
flow_index_place_mask(uint64_t place)
{
	uint32_t bits = (uint32_t) place & ((1u << FLOW_PLACE_MASK_BITS) - 1);

	return bits << FLOW_PLACE_MASK_BITS * (place >> FLOW_PLACE_MASK_BITS & 3);
}

#endif /* FLOW_INDEX_PLACES_H */
