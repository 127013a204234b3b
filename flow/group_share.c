/*-------------------------------------------------------------------------
 *
 * group_share.c
 *	  Packed groups as rows in memory, by partitions, for other processes.
 *
 *-------------------------------------------------------------------------
 */
#include "group.h"

#include <string.h>

/* So many rows are counted or moved within a few milliseconds. */
#define ROWS_AT_ONCE ((size_t) 64 * 1024)

unsigned
flow_groups_partition(const FlowGroups *groups, const FlowSlice *keys, int nkeys, unsigned bits)
{
	static const uint64_t seed[FLOW_KEY_SEEDS] = {1, 2, 3};
	uint64_t words[FLOW_PACK_KEYS] = {0};
	uint64_t hash = 0;
	bool packed = nkeys <= FLOW_PACK_KEYS;

	for (int k = 0; k < nkeys; k++)
	{
		const FlowExpression *expression = groups->spec.keys[k].expression;
		FlowFieldKey key = flow_key_make(seed, keys[k]);
		uint64_t word = expression != NULL && expression->vector.texts == NULL
		                    ? flow_word_of_number(&key)
		                    : flow_word_of_field(&key);

		hash = flow_key_hash(seed, hash, &key);
		packed &= word != 0;
		if (packed)
			words[k] = word;
	}
	return packed ? flow_words_partition(words, 1, nkeys, bits)
	              : (unsigned) (flow_key_fold(hash, UINT64_C(0xE7037ED1A0B428DB)) >> (64 - bits));
}

size_t
flow_groups_row_size(const FlowGroups *groups)
{
	return groups->packed != NULL ? groups->packed->row_size : 0;
}

/* Returns the end of the rows that are done at once, from a position on. */
static size_t
end_of_piece(const FlowPacked *packed, size_t position)
{
	return packed->count - position > ROWS_AT_ONCE ? position + ROWS_AT_ONCE : packed->count;
}

/*
 * Returns where partitions of rows begin, the last one being followed by their
 * end; NULL if rows are not in the order of these partitions.
 */
static const size_t *
find_partitions(const FlowGroups *groups, int nkeys, unsigned bits)
{
	return nkeys == groups->spec.partition_keys && bits == FLOW_SPREAD_BITS
	           ? flow_spread_partitions(groups)
	           : NULL;
}

FlowStatus
flow_groups_count_rows(const FlowGroups *groups, int nkeys, unsigned bits, size_t *counts,
                       size_t *position)
{
	const FlowPacked *packed = groups->packed;
	const size_t *partitions;
	size_t end;

	if (packed == NULL || *position == packed->count)
		return FLOW_END;
	partitions = find_partitions(groups, nkeys, bits);
	if (partitions != NULL)
	{
		for (size_t i = 0; i < (size_t) 1 << bits; i++)
			counts[i] += partitions[i + 1] - partitions[i];
		*position = packed->count;
		return FLOW_OK;
	}
	end = end_of_piece(packed, *position);
	for (; *position < end; ++*position)
		counts[flow_words_partition(flow_packed_row(packed, *position), 1, nkeys, bits)]++;
	return FLOW_OK;
}

/* Moves rows that are in the order of partitions, from one on; many are side by side. */
static void
move_in_order(const FlowPacked *packed, const size_t *partitions, char **places, size_t first,
              size_t end)
{
	size_t in_chunk = (size_t) 1 << packed->row_bits;

	for (size_t number = 0; first < end;)
	{
		size_t next = (first / in_chunk + 1) * in_chunk;
		size_t size;

		while (partitions[number + 1] <= first)
			number++;
		next = next < partitions[number + 1] ? next : partitions[number + 1];
		next = next < end ? next : end;
		size = (next - first) * packed->row_size;
		memcpy(places[number], flow_packed_row(packed, first), size);
		places[number] += size;
		first = next;
	}
}

FlowStatus
flow_groups_move_rows(FlowGroups *groups, int nkeys, unsigned bits, char **places, size_t *position)
{
	FlowPacked *packed = groups->packed;
	const size_t *partitions = find_partitions(groups, nkeys, bits);
	size_t end = end_of_piece(packed, *position);
	FlowStatus status;

	if (partitions != NULL)
		move_in_order(packed, partitions, places, *position, end);
	for (size_t i = *position; i < end && partitions == NULL; i++)
	{
		const uint64_t *row = flow_packed_row(packed, i);
		char **place = &places[flow_words_partition(row, 1, nkeys, bits)];

		memcpy(*place, row, packed->row_size);
		*place += packed->row_size;
	}
	*position = end;
	if (end < packed->count)
		return FLOW_OK;
	groups->count -= packed->count;
	groups->combinations = 0;
	status = flow_packed_clear(groups);
	return status == FLOW_OK ? FLOW_END : status;
}
