/*-------------------------------------------------------------------------
 *
 * fuzz_index_block.c
 *	  Fuzzes the blocks of an index: any bytes are one or are damaged, and the
 *	  entries that are read from them can be written and read again.
 *
 *-------------------------------------------------------------------------
 */
#include "../unit/unit.h"

#define BASE 1000000

/*
 * Reads the block: after "before" entries it has the files of an entry, from
 * one to another.
 */
static void
expect(const FlowIndexWriter *writer, size_t before, const FlowIndexEntry *entry, size_t from,
       size_t to)
{
	static uint32_t files[FLOW_INDEX_ENTRY_FILES];
	FlowIndexCursor cursor;
	FlowIndexEntry read;
	FlowStatus status;

	flow_index_read_begin(&cursor, writer->bytes, writer->len, BASE, files);
	while ((status = flow_index_read(&cursor, &read)) == FLOW_OK)
	{
		if (before > 0)
		{
			before--;
			continue;
		}
		if (flow_index_key_compare(&read.key, &entry->key) != 0 || read.mask != entry->mask)
			abort();
		for (size_t i = 0; i < read.nfiles; i++)
			if (from == to || read.files[i] != entry->files[from++])
				abort();
	}
	if (status != FLOW_END || from != to || writer->len > FLOW_INDEX_BLOCK_SIZE)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint32_t files[FLOW_INDEX_ENTRY_FILES];
	char *bytes = malloc(size + 1); /* reading too far is detected */
	FlowIndexWriter writer;
	FlowIndexCursor cursor;
	FlowIndexEntry entry;
	FlowStatus status;
	size_t entries = 0;

	memcpy(bytes + 1, data, size);
	flow_index_read_begin(&cursor, bytes + 1, size, BASE, files);
	flow_index_write_begin(&writer, BASE);
	while ((status = flow_index_read(&cursor, &entry)) == FLOW_OK)
	{
		if (entry.nfiles == 0 || entry.nfiles > FLOW_INDEX_ENTRY_FILES || entry.mask == 0)
			abort();
		for (size_t i = 1; i < entry.nfiles; i++)
			if (entry.files[i] <= entry.files[i - 1])
				abort();
		for (size_t done = 0; done < entry.nfiles;)
		{
			size_t from = done, before = writer.entries;

			flow_index_write(&writer, &entry, &done);
			if (++entries < 100)
				expect(&writer, before, &entry, from, done);
			if (done < entry.nfiles)
				flow_index_write_begin(&writer, BASE);
		}
	}
	if (status != FLOW_END && status != FLOW_CORRUPT)
		abort();
	free(bytes);
	return 0;
}
