/*-------------------------------------------------------------------------
 *
 * group_spread.c
 *	  Many packed groups, gathered by partitions.
 *
 * Where most records make a group, a hash table that is larger than the
 * processor's caches has it wait for memory once or twice for each of them.
 * Instead, records become rows of their own, which are appended to partitions
 * by a hash of their keys, and the rows of a partition are merged in a table
 * that fits into a cache: when they take all the memory there is, and before
 * groups are visited.  A million groups of two million records take 0.6 times
 * as long as in a table.
 *
 * Rows that are merged stay in the order of the partitions, and are merged
 * again with what comes later.
 *
 *-------------------------------------------------------------------------
 */
#include "group.h"

#include <string.h>

#define PARTITIONS (1 << FLOW_SPREAD_BITS)

/* A table that is smaller is found in caches. */
#define TABLE_SIZE ((size_t) 2 * 1024 * 1024)

/*
 * Chunks that are kept for merging: each partition may need one for rows of the
 * table, and then rows are read from two while they are written to another.
 */
#define KEPT_CHUNKS (PARTITIONS + 4)

/* Rows of records, in chunks. */
typedef struct Partition
{
	char *chunk; /* the last one, in a list; NULL: there are none */
	size_t nchunks;
	char *next; /* where the next row will be in the last one */
	char *end;
} Partition;

struct FlowSpread
{
	Partition partitions[PARTITIONS];
	size_t settled[PARTITIONS + 1]; /* by partition: the first one of its settled rows */

	/* while rows are merged: those that were settled */
	char **chunks;
	size_t max_chunks;
	size_t nchunks;
	size_t nread; /* chunks of which all rows have been merged */
};

/* Returns how many rows a partition has. */
static size_t
count_rows(const FlowPacked *packed, const Partition *partition)
{
	size_t room = (size_t) (partition->end - partition->next) / packed->row_size;

	return (partition->nchunks << packed->row_bits) - room;
}

/* Adds a chunk to a partition, which is full. */
static FlowStatus
add_chunk(FlowGroups *groups, Partition *partition)
{
	FlowPacked *packed = groups->packed;
	char *chunk;
	FlowStatus status = flow_rows_take(groups, &chunk);

	if (status != FLOW_OK)
		return status;
	*flow_rows_link(chunk) = partition->chunk;
	partition->chunk = partition->next = chunk;
	partition->end = chunk + (packed->row_size << packed->row_bits);
	partition->nchunks++;
	packed->nspread += (size_t) 1 << packed->row_bits;
	return FLOW_OK;
}

/* Appends a row to a partition, which has room for it. */
static inline uint64_t *
append_row(const FlowPacked *packed, Partition *partition)
{
	char *row = partition->next;

	partition->next = row + packed->row_size;
	/* the processor does not foresee where as many lists are written to */
	__builtin_prefetch(row + 2 * FLOW_CACHE_LINE, 1);
	return (uint64_t *) (void *) row;
}

/* ---------- the table's rows ---------- */

/* Moves the rows of the table, which are not settled, to the partitions, and empties it. */
static FlowStatus
spread_table(FlowGroups *groups)
{
	FlowPacked *packed = groups->packed;

	if (packed->count == packed->settled)
		return FLOW_OK;
	while (packed->count > packed->settled)
	{
		const uint64_t *row = flow_packed_row(packed, packed->count - 1);
		unsigned number =
			flow_words_partition(row, 1, groups->spec.partition_keys, FLOW_SPREAD_BITS);
		Partition *partition = &packed->spread->partitions[number];
		FlowStatus status = FLOW_OK;

		if (partition->next == partition->end)
			status = add_chunk(groups, partition);
		if (status != FLOW_OK)
			return status;
		memcpy(append_row(packed, partition), row, packed->row_size);
		packed->count--;
		groups->count--;
		flow_rows_trim(packed);
		if (packed->count % ((size_t) 1 << packed->row_bits) == 0 &&
		    flow_interrupted(groups->spec.host))
			return FLOW_INTERRUPTED;
	}
	/* rows may have been found by codes */
	groups->combinations = 0;
	return flow_group_empty_slots(groups->spec.host, packed->slots, (size_t) 1 << packed->bits);
}

/* Sets chunks aside that will be needed to merge rows. */
static FlowStatus
keep_chunks(FlowGroups *groups)
{
	FlowPacked *packed = groups->packed;
	char *chunks[KEPT_CHUNKS];
	FlowStatus status = FLOW_OK;
	int count = 0;

	packed->nkept = 0;
	while (count < KEPT_CHUNKS && (status = flow_rows_take(groups, &chunks[count])) == FLOW_OK)
		count++;
	while (count > 0)
		flow_rows_give(packed, chunks[--count]);
	return status;
}

FlowStatus
flow_spread_begin(FlowGroups *groups)
{
	FlowPacked *packed = groups->packed;
	FlowStatus status;

	if (packed->spread == NULL)
	{
		packed->spread = flow_allocate(groups->spec.host, sizeof(FlowSpread));
		if (packed->spread == NULL)
			return FLOW_NO_MEMORY;
		memset(packed->spread, 0, sizeof(FlowSpread));
	}
	memset(packed->spread->partitions, 0, sizeof(packed->spread->partitions));
	memset(packed->spread->settled, 0, sizeof(packed->spread->settled));
	status = keep_chunks(groups);
	if (status == FLOW_OK)
	{
		status = spread_table(groups);
		packed->nkept = KEPT_CHUNKS;
		packed->spreading = status == FLOW_OK;
	}
	return status;
}

/* ---------- records ---------- */

/* Makes sure that there is room for a row in a partition, and later for its group. */
static FlowStatus
have_room(FlowGroups *groups, unsigned number)
{
	FlowPacked *packed = groups->packed;
	const FlowSpread *spread = packed->spread;
	Partition *partition = &packed->spread->partitions[number];
	size_t rows = spread->settled[number + 1] - spread->settled[number] +
	              ((partition->nchunks + 1) << packed->row_bits);
	FlowStatus status = FLOW_OK;

	if (partition->next != partition->end)
		return FLOW_OK;
	if (rows > ((size_t) 1 << packed->bits) / 2)
		status = flow_group_grow_slots(groups, &packed->slots, &packed->bits);
	return status == FLOW_OK ? add_chunk(groups, partition) : status;
}

/* Makes a row of record i, in a partition; NULL: the run ends there. */
static inline uint64_t *
add_record(FlowGroups *groups, FlowRun *run, size_t i, unsigned number)
{
	FlowPacked *packed = groups->packed;
	Partition *partition = &packed->spread->partitions[number];
	size_t nkeys = (size_t) groups->spec.nkeys;
	uint64_t *row;

	if (flow_unlikely(partition->next == partition->end))
	{
		FlowStatus status = have_room(groups, number);

		if (status != FLOW_OK)
		{
			flow_run_cut(run, i, status, -1);
			return NULL;
		}
	}
	row = append_row(packed, partition);
	for (size_t k = 0; k < nkeys; k++)
		row[k] = packed->words[k * FLOW_RUN + i];
	for (size_t word = nkeys; word < packed->row_size / sizeof(uint64_t); word++)
		row[word] = 0;
	return row;
}

size_t
flow_spread_find(FlowGroups *groups, FlowRun *run, size_t first)
{
	FlowPacked *packed = groups->packed;
	uint8_t numbers[FLOW_RUN];
	bool plain[FLOW_RUN];
	size_t end = first;

	for (; end < run->count && packed->words[end] != 0; end++)
	{
		numbers[end] = (uint8_t) flow_words_partition(packed->words + end,
		                                              FLOW_RUN,
		                                              groups->spec.partition_keys,
		                                              FLOW_SPREAD_BITS);
		plain[end] = true;
	}
	flow_packed_mark_plain(groups, first, end, plain);
	for (size_t i = first; i < end; i++)
	{
		/* what is not plain is checked when its group is made */
		packed->found[i] = flow_likely(plain[i]) ? add_record(groups, run, i, numbers[i])
		                                         : flow_packed_find_one(groups, run, i);
		if (flow_unlikely(packed->found[i] == NULL))
			return i;
	}
	return end;
}

/* ---------- merging ---------- */

/*
 * Merges rows.  Should there be no room for a slot, what comes next makes
 * groups of its own, so that groups are not whole.
 */
static FlowStatus
merge_rows(FlowGroups *groups, uint64_t *const *rows, size_t count)
{
	FlowPacked *packed = groups->packed;
	size_t done = 0;

	while (done < count)
	{
		size_t some = 0;
		FlowStatus status = flow_packed_merge_rows(groups, rows + done, count - done, &some);

		done += some;
		if (status == FLOW_LIMIT && packed->count > packed->settled)
		{
			packed->settled = packed->count;
			groups->spelled++;
			status = flow_group_empty_slots(groups->spec.host,
			                                packed->slots,
			                                (size_t) 1 << packed->bits);
		}
		if (status != FLOW_OK)
			return status == FLOW_LIMIT ? FLOW_NO_MEMORY : status;
	}
	return FLOW_OK;
}

/* Merges rows that were settled, from one on, and gives back chunks when all of them are read. */
static FlowStatus
merge_settled(FlowGroups *groups, size_t first, size_t end)
{
	FlowPacked *packed = groups->packed;
	FlowSpread *spread = packed->spread;
	FlowStatus status = FLOW_OK;

	while (first < end && status == FLOW_OK)
	{
		uint64_t *rows[FLOW_RUN];
		size_t count = 0;

		for (; count < FLOW_RUN && first < end; first++)
			rows[count++] = flow_packed_row_of(packed, spread->chunks, first);
		status = merge_rows(groups, rows, count);
		for (; spread->nread < first >> packed->row_bits; spread->nread++)
			flow_rows_give(packed, spread->chunks[spread->nread]);
		if (status == FLOW_OK && flow_interrupted(groups->spec.host))
			status = FLOW_INTERRUPTED;
	}
	return status;
}

/* Merges the rows of a partition's chunks, and gives these back. */
static FlowStatus
merge_chunks(FlowGroups *groups, Partition *partition)
{
	FlowPacked *packed = groups->packed;
	const char *end = partition->next;
	FlowStatus status = FLOW_OK;

	while (partition->chunk != NULL && status == FLOW_OK)
	{
		char *chunk = partition->chunk, *next = chunk;

		while (next < end && status == FLOW_OK)
		{
			uint64_t *rows[FLOW_RUN];
			size_t count = 0;

			for (; count < FLOW_RUN && next < end; next += packed->row_size)
				rows[count++] = (uint64_t *) (void *) next;
			status = merge_rows(groups, rows, count);
		}
		partition->chunk = *flow_rows_link(chunk);
		flow_rows_give(packed, chunk);
		if (partition->chunk != NULL)
			end = partition->chunk + (packed->row_size << packed->row_bits);
		if (status == FLOW_OK && flow_interrupted(groups->spec.host))
			status = FLOW_INTERRUPTED;
	}
	*partition = (Partition) {0};
	return status;
}

/* Merges all rows of a partition, in a part of the table, which is left empty. */
static FlowStatus
merge_partition(FlowGroups *groups, int number, unsigned *table_bits)
{
	FlowPacked *packed = groups->packed;
	FlowSpread *spread = packed->spread;
	Partition *partition = &spread->partitions[number];
	size_t first = spread->settled[number], end = spread->settled[number + 1];
	size_t rows = end - first + count_rows(packed, partition);
	FlowStatus status;

	packed->bits = 0;
	while (packed->bits < *table_bits && (size_t) 1 << packed->bits < 2 * rows)
		packed->bits++;
	packed->settled = packed->count;
	spread->settled[number] = packed->count;
	status = merge_settled(groups, first, end);
	if (status == FLOW_OK)
		status = merge_chunks(groups, partition);
	if (packed->bits > *table_bits)
		*table_bits = packed->bits;
	if (status == FLOW_OK)
		status =
			flow_group_empty_slots(groups->spec.host, packed->slots, (size_t) 1 << packed->bits);
	return status;
}

/* Makes the list of chunks an empty one, with room for all rows; the other has those settled. */
static FlowStatus
exchange_lists(FlowGroups *groups)
{
	FlowPacked *packed = groups->packed;
	FlowSpread *spread = packed->spread;
	size_t room = ((packed->count + packed->nspread) >> packed->row_bits) + 2;
	char **list = spread->chunks;
	size_t most = spread->max_chunks;

	if (most < room)
	{
		list = flow_allocate(groups->spec.host, room * sizeof(char *));
		if (list == NULL)
			return FLOW_NO_MEMORY;
		flow_free(groups->spec.host, spread->chunks);
		groups->used += (room - most) * sizeof(char *);
		most = room;
	}
	spread->chunks = packed->chunks;
	spread->max_chunks = packed->max_chunks;
	spread->nchunks = packed->nchunks;
	packed->chunks = list;
	packed->max_chunks = most;
	packed->nchunks = 0;
	spread->nread = 0;
	return FLOW_OK;
}

FlowStatus
flow_spread_settle(FlowGroups *groups)
{
	FlowPacked *packed = groups->packed;
	FlowSpread *spread = packed->spread;
	unsigned table_bits = packed->bits;
	FlowStatus status;

	if (packed->nspread == 0 && (packed->settled == 0 || packed->settled == packed->count))
		return FLOW_OK;
	packed->nkept = 0;
	status = spread_table(groups);
	if (status == FLOW_OK)
		status = exchange_lists(groups);
	if (status != FLOW_OK)
		return status == FLOW_LIMIT ? FLOW_NO_MEMORY : status;

	groups->count -= packed->count;
	packed->count = packed->nspread = 0;
	for (int i = 0; i < PARTITIONS && status == FLOW_OK; i++)
		status = merge_partition(groups, i, &table_bits);
	while (spread->nread < spread->nchunks)
		flow_rows_give(packed, spread->chunks[spread->nread++]);
	spread->settled[PARTITIONS] = packed->settled = packed->count;
	packed->bits = table_bits;
	packed->nkept = packed->spreading ? KEPT_CHUNKS : 0;
	return status;
}

const size_t *
flow_spread_partitions(const FlowGroups *groups)
{
	const FlowPacked *packed = groups->packed;

	return packed->count > 0 && packed->nspread == 0 && packed->settled == packed->count
	           ? packed->spread->settled
	           : NULL;
}

FlowStatus
flow_spread_make_room(FlowGroups *groups)
{
	FlowPacked *packed = groups->packed;
	size_t enough = groups->spec.memory / 4;
	size_t merged;
	FlowStatus status;

	if (packed == NULL || !packed->spreading)
		return FLOW_LIMIT;
	merged = packed->nspread * packed->row_size;
	status = flow_spread_settle(groups);
	if (status != FLOW_OK)
		return status;
	return merged > enough && packed->ngiven * packed->chunk_stride >= enough ? FLOW_OK
	                                                                          : FLOW_LIMIT;
}

/* ---------- life ---------- */

bool
flow_spread_is_due(FlowGroups *groups)
{
	FlowPacked *packed = groups->packed;

	if (packed == NULL || flow_likely(!packed->grows_fast))
		return false;
	packed->grows_fast = false;
	return groups->spec.partition_keys > 0 && !packed->spreading && !packed->off &&
	       (sizeof(FlowGroupSlot) << packed->bits) + packed->count * packed->row_size >= TABLE_SIZE;
}

bool
flow_spread_is_worth_it(const FlowGroups *groups)
{
	const FlowPacked *packed = groups->packed;

	return packed != NULL && packed->spreading &&
	       packed->records < packed->count * FLOW_FAST_RECORDS;
}

void
flow_spread_free(FlowGroups *groups)
{
	FlowSpread *spread = groups->packed != NULL ? groups->packed->spread : NULL;

	if (spread == NULL)
		return;
	flow_free(groups->spec.host, spread->chunks);
	flow_free(groups->spec.host, spread);
}
