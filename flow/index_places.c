/*-------------------------------------------------------------------------
 *
 * index_places.c
 *	  Places of values, while they are gathered.
 *
 *-------------------------------------------------------------------------
 */
#include "index_places.h"

#define DIGIT_BITS 11
#define DIGITS (1u << DIGIT_BITS)

#define STEPS_A_LOOK 4096 /* places between two checks for an interrupt */

void
flow_index_places_free(const FlowHost *host, FlowIndexPlaces *places)
{
	flow_free(host, places->items);
	*places = (FlowIndexPlaces) {NULL, 0, 0};
}

FlowStatus
flow_index_places_grow(const FlowHost *host, FlowIndexPlaces *places, size_t room)
{
	uint64_t *larger = flow_allocate(host, room * sizeof(uint64_t));

	if (larger == NULL)
		return FLOW_NO_MEMORY;
	if (places->count > 0)
		memcpy(larger, places->items, places->count * sizeof(uint64_t));
	flow_free(host, places->items);
	places->items = larger;
	places->room = room;
	return FLOW_OK;
}

/*
 * Copies places in the order of some bits of their values.  If they all have
 * the same there, *copied is false.
 */
static FlowStatus
sort_by_digit(const FlowHost *host, const uint64_t *from, size_t count, unsigned shift,
              uint64_t *to, bool *copied)
{
	size_t ends[DIGITS] = {0};
	size_t sum = 0;

	for (size_t i = 0; i < count; i++)
		ends[from[i] >> shift & (DIGITS - 1)]++;
	*copied = ends[from[0] >> shift & (DIGITS - 1)] < count;
	if (!*copied)
		return FLOW_OK;
	for (size_t i = 0; i < DIGITS; i++)
	{
		size_t number = ends[i];

		ends[i] = sum;
		sum += number;
	}
	for (size_t i = 0; i < count; i++)
	{
		if (i % STEPS_A_LOOK == 0 && flow_interrupted(host))
			return FLOW_INTERRUPTED;
		to[ends[from[i] >> shift & (DIGITS - 1)]++] = from[i];
	}
	return FLOW_OK;
}

FlowStatus
flow_index_places_sort(const FlowHost *host, FlowIndexPlaces *places, unsigned value_bits)
{
	FlowIndexPlaces sorted = {NULL, 0, 0};
	FlowStatus status = FLOW_OK;

	if (places->count == 0)
		return FLOW_OK;
	status = flow_index_places_grow(host, &sorted, places->room);
	for (unsigned bits = 0; bits < value_bits && status == FLOW_OK; bits += DIGIT_BITS)
	{
		FlowIndexPlaces before = *places;
		bool copied;

		status = sort_by_digit(host,
		                       before.items,
		                       before.count,
		                       FLOW_PLACE_VALUE_SHIFT + bits,
		                       sorted.items,
		                       &copied);
		if (status != FLOW_OK || !copied)
			continue;
		places->items = sorted.items;
		sorted.items = before.items;
	}
	flow_index_places_free(host, &sorted);
	return status;
}
