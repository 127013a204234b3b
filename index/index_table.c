/*-------------------------------------------------------------------------
 *
 * index_table.c
 *	  Finds the files of an index by their hashes.
 *
 * The hashes are made with seeds that nobody can read, so their bits are as
 * good as random, and two files have the same 128 bits by accident only.
 *
 *-------------------------------------------------------------------------
 */
#include "index.h"

#include "miscadmin.h"

struct FlowlogIndexTable
{
	const FlowlogIndexFiles *files;
	uint32 *slots; /* a file's position + 1; 0: none */
	uint64 mask;   /* number of slots - 1, a power of two less one */
	uint8 *marks;  /* a bit for each position */
};

/* Returns true if the index has a file at a position. */
static bool
has_file(const FlowlogIndexFile *file)
{
	return file->covered || file->hash.word[0] != 0 || file->hash.word[1] != 0;
}

FlowlogIndexTable *
flowlog_index_table_create(const FlowlogIndexSearch *search)
{
	FlowlogIndexTable *table = palloc(sizeof(FlowlogIndexTable));
	const FlowlogIndexFiles *files = flowlog_index_search_files(search);
	uint64 size = 16;

	while (size < files->count * 2)
		size *= 2;
	table->files = files;
	table->mask = size - 1;
	table->slots = MemoryContextAllocExtended(CurrentMemoryContext,
	                                          sizeof(uint32) * size,
	                                          MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	table->marks = MemoryContextAllocExtended(CurrentMemoryContext,
	                                          files->count / 8 + 1,
	                                          MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (uint64 i = 0; i < files->count; i++)
	{
		uint64 slot = files->items[i].hash.word[0] & table->mask;

		if (i % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
		if (!has_file(&files->items[i]))
			continue;
		while (table->slots[slot] != 0)
			slot = (slot + 1) & table->mask;
		table->slots[slot] = (uint32) i + 1;
	}
	return table;
}

bool
flowlog_index_table_find(const FlowlogIndexTable *table, FlowlogIndexHash hash, uint64 *position)
{
	uint64 slot = hash.word[0] & table->mask;

	for (; table->slots[slot] != 0; slot = (slot + 1) & table->mask)
	{
		const FlowlogIndexFile *file = &table->files->items[table->slots[slot] - 1];

		if (file->hash.word[0] != hash.word[0] || file->hash.word[1] != hash.word[1])
			continue;
		*position = table->slots[slot] - 1;
		return true;
	}
	return false;
}

void
flowlog_index_table_mark(FlowlogIndexTable *table, uint64 position)
{
	table->marks[position / 8] |= (uint8) (1u << (position % 8));
}

bool
flowlog_index_table_is_marked(const FlowlogIndexTable *table, uint64 position)
{
	return (table->marks[position / 8] >> (position % 8) & 1) != 0;
}

bool
flowlog_index_table_next_unmarked(const FlowlogIndexTable *table, uint64 *position)
{
	for (; *position < table->files->count; (*position)++)
		if (has_file(&table->files->items[*position]) &&
		    !flowlog_index_table_is_marked(table, *position))
			return true;
	return false;
}
