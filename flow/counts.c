/*-------------------------------------------------------------------------
 *
 * counts.c
 *	  Adds the counts of readers.
 *
 *-------------------------------------------------------------------------
 */
#include "internal.h"

/* All members of FlowCounts are numbers of one type. */
#define NUMBERS (sizeof(FlowCounts) / sizeof(uint64_t))

_Static_assert(sizeof(FlowCounts) % sizeof(uint64_t) == 0, "FlowCounts has numbers of one type");

/* Adds each number of "counts" to that of "sum". */
void
flow_counts_add(FlowCounts *sum, const FlowCounts *counts)
{
	uint64_t *to = (uint64_t *) sum;
	const uint64_t *from = (const uint64_t *) counts;

	for (size_t i = 0; i < NUMBERS; i++)
		to[i] += from[i];
}

/* Subtracts each number of "counts" from that of "sum". */
void
flow_counts_subtract(FlowCounts *sum, const FlowCounts *counts)
{
	uint64_t *to = (uint64_t *) sum;
	const uint64_t *from = (const uint64_t *) counts;

	for (size_t i = 0; i < NUMBERS; i++)
		to[i] -= from[i];
}
