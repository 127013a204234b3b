/*-------------------------------------------------------------------------
 *
 * index_write.c
 *	  Writes the entries of an index: batches of files, and batches that are
 *	  made of several.
 *
 * Nothing is changed in place.  A refresh writes new batches; when there are
 * several of one level, one of the next level replaces them, so that a search
 * has few batches to look at, and each value is written a few times at most.
 * The files of a batch follow each other, as do the batches that are merged.
 *
 *-------------------------------------------------------------------------
 */
#include "index.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/skey.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "lib/binaryheap.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#define BLOCKS_AT_ONCE 64

/* So many batches of a level become one of the next. */
#define BATCHES_TO_MERGE 6

/* ---------- blocks ---------- */

/* A batch that is being written. */
typedef struct BatchWriter
{
	int32 number; /* of the index */
	int32 batch;
	FlowIndexWriter block;
	bool begun;
	int32 blocks;
	int64 bytes, values, pairs;
	FlowIndexKey last;

	/* blocks that wait to be written */
	MemoryContext context;
	Datum firsts[BLOCKS_AT_ONCE], contents[BLOCKS_AT_ONCE];
	int waiting;
} BatchWriter;

/* Writes the blocks that wait. */
static void
write_waiting(BatchWriter *writer)
{
	Oid types[] = {INT4OID, INT4OID, BYTEAARRAYOID, BYTEAARRAYOID};
	MemoryContext old;
	Datum values[lengthof(types)];

	if (writer->waiting == 0)
		return;
	old = MemoryContextSwitchTo(writer->context);
	values[0] = Int32GetDatum(writer->number);
	values[1] = Int32GetDatum(writer->batch);
	values[2] = flowlog_array_datum(writer->firsts, NULL, writer->waiting, BYTEAOID);
	values[3] = flowlog_array_datum(writer->contents, NULL, writer->waiting, BYTEAOID);
	flowlog_catalogue_run(psprintf("INSERT INTO %s SELECT $1, $2, b.* FROM unnest($3, $4) b",
	                               flowlog_catalogue_name(FLOWLOG_INDEX_BLOCKS)),
	                      lengthof(types),
	                      types,
	                      values);
	MemoryContextSwitchTo(old);
	MemoryContextReset(writer->context);
	writer->waiting = 0;
}

/* Takes the block that is full, or the last one. */
static void
take_block(BatchWriter *writer)
{
	const FlowIndexWriter *block = &writer->block;
	MemoryContext old;

	if (block->len == 0)
		return;
	CHECK_FOR_INTERRUPTS();
	if (writer->waiting == BLOCKS_AT_ONCE)
		write_waiting(writer);
	old = MemoryContextSwitchTo(writer->context);
	writer->firsts[writer->waiting] = flowlog_bytes_datum(block->first.bytes, block->first.len);
	writer->contents[writer->waiting] = flowlog_bytes_datum(block->bytes, block->len);
	MemoryContextSwitchTo(old);
	writer->waiting++;
	writer->blocks++;
	writer->bytes += (int64) block->len;
}

/* Adds an entry to the batch; entries come in order. */
static void
write_entry(BatchWriter *writer, uint32 base, const FlowIndexEntry *entry)
{
	size_t done = 0;

	if (!writer->begun)
		flow_index_write_begin(&writer->block, base);
	if (!writer->begun || !flow_index_key_is(&writer->last, &entry->key))
		writer->values++;
	writer->pairs += (int64) entry->nfiles;
	writer->begun = true;
	writer->last = entry->key;
	for (;;)
	{
		flow_index_write(&writer->block, entry, &done);
		if (done == entry->nfiles)
			return;
		take_block(writer);
		flow_index_write_begin(&writer->block, base);
	}
}

/* Makes the row of a batch, and returns its number. */
static int32
insert_batch(const FlowlogIndexBatchSpec *spec)
{
	Oid types[] = {INT4OID, BYTEAOID, INT2OID, INT4OID, INT4OID};
	Datum values[] = {
		Int32GetDatum(spec->number),
		flowlog_bytes_datum(spec->meaning, FLOWLOG_INDEX_MEANING),
		Int16GetDatum(spec->level),
		Int32GetDatum(spec->first_file),
		Int32GetDatum(spec->last_file),
	};
	bool isnull;

	flowlog_catalogue_run(
		psprintf("INSERT INTO %s (number, meaning, level, first_file, last_file, blocks, bytes, "
	             "\"values\", pairs, made) VALUES ($1, $2, $3, $4, $5, 0, 0, 0, 0, now()) "
	             "RETURNING batch",
	             flowlog_catalogue_name(FLOWLOG_INDEX_BATCHES)),
		lengthof(types),
		types,
		values);
	if (SPI_processed != 1)
		elog(ERROR, "could not write table \"%s\"", FLOWLOG_INDEX_BATCHES);
	return DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
}

/* Begins to write a batch. */
static BatchWriter *
begin_batch(const FlowlogIndexBatchSpec *spec)
{
	BatchWriter *writer = palloc0(sizeof(BatchWriter));

	writer->number = spec->number;
	writer->context =
		AllocSetContextCreate(CurrentMemoryContext, "flowlog_fdw blocks", ALLOCSET_DEFAULT_SIZES);
	writer->batch = insert_batch(spec);
	return writer;
}

/* Ends a batch: writes its last blocks, and how many there are. */
static void
end_batch(BatchWriter *writer)
{
	Oid types[] = {INT4OID, INT4OID, INT8OID, INT8OID, INT8OID};
	Datum values[lengthof(types)];

	if (writer->begun)
		take_block(writer);
	write_waiting(writer);
	values[0] = Int32GetDatum(writer->batch);
	values[1] = Int32GetDatum(writer->blocks);
	values[2] = Int64GetDatum(writer->bytes);
	values[3] = Int64GetDatum(writer->values);
	values[4] = Int64GetDatum(writer->pairs);
	flowlog_catalogue_run(
		psprintf(
			"UPDATE %s SET blocks = $2, bytes = $3, \"values\" = $4, pairs = $5 WHERE batch = $1",
			flowlog_catalogue_name(FLOWLOG_INDEX_BATCHES)),
		lengthof(types),
		types,
		values);
	MemoryContextDelete(writer->context);
	pfree(writer);
}

/* ---------- a batch of files ---------- */

/* Writes the entries of a batch that was gathered, and is sorted. */
void
flowlog_index_write_batch(FlowlogBackend *backend, const FlowlogIndexBatchSpec *spec,
                          FlowIndexBatch *gathered)
{
	BatchWriter *writer = begin_batch(spec);
	size_t position = 0;
	FlowIndexEntry entry;
	FlowStatus status;

	while ((status = flow_index_batch_next(gathered, &position, &entry)) == FLOW_OK)
		write_entry(writer, (uint32) spec->first_file, &entry);
	if (status != FLOW_END)
		flowlog_raise_status(backend, status);
	end_batch(writer);
}

/* ---------- batches of batches ---------- */

/* A batch that is read to be merged. */
typedef struct Source
{
	int32 batch;
	int32 first_file;
	SysScanDesc scan;
	HeapTuple tuple; /* of the current block */
	FlowIndexCursor cursor;
	FlowIndexEntry entry;
	uint32 *files;
} Source;

typedef struct Merge
{
	Relation blocks, index;
	const uint8 *gone; /* a bit for each file from first_file on: it is forgotten */
	int32 first_file;
	uint32 *kept; /* files of an entry that are left */
} Merge;

/* Reads the next entry of a source; returns false after the last. */
static bool
advance(Merge *merge, Source *source)
{
	for (;;)
	{
		FlowStatus status = FLOW_END;
		bool isnull;
		const bytea *bytes;

		CHECK_FOR_INTERRUPTS();
		if (source->tuple != NULL)
			status = flow_index_read(&source->cursor, &source->entry);
		if (status == FLOW_OK)
			return true;
		if (status != FLOW_END)
			ereport(ERROR,
			        errcode(ERRCODE_INDEX_CORRUPTED),
			        errmsg("batch %d of an index of flow logs is damaged", source->batch),
			        errhint("Drop the index with flowlog_index_drop(), and create it again."));
		source->tuple = systable_getnext_ordered(source->scan, ForwardScanDirection);
		if (!HeapTupleIsValid(source->tuple))
			return false;
		bytes = DatumGetByteaPP(heap_getattr(source->tuple,
		                                     FLOWLOG_BLOCK_BLOCK + 1,
		                                     RelationGetDescr(merge->blocks),
		                                     &isnull));
		flow_index_read_begin(&source->cursor,
		                      VARDATA_ANY(bytes),
		                      VARSIZE_ANY_EXHDR(bytes),
		                      (uint32) source->first_file,
		                      source->files);
	}
}

/* Orders by key, then mask, then files; the least is on top of the heap. */
static int
compare_sources(Datum a, Datum b, void *arg)
{
	const Source *x = (const Source *) DatumGetPointer(a);
	const Source *y = (const Source *) DatumGetPointer(b);
	int order = flow_index_key_compare(&x->entry.key, &y->entry.key);

	if (order == 0)
		order = (x->entry.mask > y->entry.mask) - (x->entry.mask < y->entry.mask);
	if (order == 0)
		order = (x->first_file > y->first_file) - (x->first_file < y->first_file);
	return -order;
}

/* Removes the files of an entry that are forgotten; returns false if none is left. */
static bool
leave_out_gone(const Merge *merge, FlowIndexEntry *entry)
{
	size_t kept = 0;

	for (size_t i = 0; i < entry->nfiles; i++)
	{
		uint32 place = entry->files[i] - (uint32) merge->first_file;

		if (!(merge->gone[place / 8] >> (place % 8) & 1))
			merge->kept[kept++] = entry->files[i];
	}
	entry->files = merge->kept;
	entry->nfiles = kept;
	return kept > 0;
}

/* Entries of one value and mask from several sources, put together. */
typedef struct Joined
{
	FlowIndexEntry entry;
	uint32 *files;
	size_t room;
	bool is_open;
} Joined;

/* Adds an entry to the last one, or writes that and begins another. */
static void
join(Joined *joined, const FlowIndexEntry *entry, BatchWriter *writer, uint32 base)
{
	if (joined->is_open &&
	    (joined->entry.mask != entry->mask || !flow_index_key_is(&joined->entry.key, &entry->key)))
	{
		joined->entry.files = joined->files;
		write_entry(writer, base, &joined->entry);
		joined->is_open = false;
	}
	if (!joined->is_open)
	{
		joined->entry = *entry;
		joined->entry.nfiles = 0;
		joined->is_open = true;
	}
	if (joined->entry.nfiles + entry->nfiles > joined->room)
	{
		joined->room = (joined->entry.nfiles + entry->nfiles) * 2;
		joined->files = joined->files == NULL
		                    ? palloc(sizeof(uint32) * joined->room)
		                    : repalloc_huge(joined->files, sizeof(uint32) * joined->room);
	}
	memcpy(joined->files + joined->entry.nfiles, entry->files, sizeof(uint32) * entry->nfiles);
	joined->entry.nfiles += entry->nfiles;
}

/* Merges the entries of the sources into one batch. */
static void
merge_entries(Merge *merge, Source *sources, int count, BatchWriter *writer, uint32 base)
{
	binaryheap *heap = binaryheap_allocate(count, compare_sources, NULL);
	Joined joined = {0};

	for (int i = 0; i < count; i++)
		if (advance(merge, &sources[i]))
			binaryheap_add_unordered(heap, PointerGetDatum(&sources[i]));
	binaryheap_build(heap);
	while (!binaryheap_empty(heap))
	{
		Source *source = (Source *) DatumGetPointer(binaryheap_first(heap));
		FlowIndexEntry entry = source->entry;

		if (leave_out_gone(merge, &entry))
			join(&joined, &entry, writer, base);
		if (advance(merge, source))
			binaryheap_replace_first(heap, PointerGetDatum(source));
		else
			(void) binaryheap_remove_first(heap);
	}
	if (joined.is_open)
	{
		joined.entry.files = joined.files;
		write_entry(writer, base, &joined.entry);
	}
	binaryheap_free(heap);
}

/* Begins to read a batch in the order of its values. */
static void
begin_source(const Merge *merge, Source *source, const FlowlogIndexBatchInfo *batch)
{
	ScanKeyData key;

	*source = (Source) {.batch = batch->batch, .first_file = batch->first_file};
	source->files = palloc(sizeof(uint32) * FLOW_INDEX_ENTRY_FILES);
	ScanKeyInit(&key,
	            FLOWLOG_BLOCK_BATCH + 1,
	            BTEqualStrategyNumber,
	            F_INT4EQ,
	            Int32GetDatum(batch->batch));
	source->scan =
		systable_beginscan_ordered(merge->blocks, merge->index, GetActiveSnapshot(), 1, &key);
}

/* Deletes batches and their blocks. */
void
flowlog_index_delete_batches(const FlowlogIndexBatchInfo *batches, int count)
{
	static const char *const tables[] = {FLOWLOG_INDEX_BLOCKS, FLOWLOG_INDEX_BATCHES};
	Oid type = INT4ARRAYOID;
	Datum *numbers = palloc(sizeof(Datum) * count);
	Datum value;

	for (int i = 0; i < count; i++)
		numbers[i] = Int32GetDatum(batches[i].batch);
	value = flowlog_array_datum(numbers, NULL, count, INT4OID);
	for (int i = 0; i < (int) lengthof(tables); i++)
		flowlog_catalogue_run(psprintf("DELETE FROM %s WHERE batch = ANY ($1)",
		                               flowlog_catalogue_name(tables[i])),
		                      1,
		                      &type,
		                      &value);
}

/*
 * Puts one batch in the place of some that follow each other.  gone has a bit
 * for each file from their first one on that is forgotten.
 */
void
flowlog_index_merge(const FlowlogIndexBatchSpec *spec, const FlowlogIndexBatchInfo *batches,
                    int count, const uint8 *gone)
{
	Source *sources = palloc(sizeof(Source) * count);
	BatchWriter *writer = begin_batch(spec);
	Merge merge = {.gone = gone, .first_file = batches[0].first_file};

	merge.kept = palloc(sizeof(uint32) * FLOW_INDEX_ENTRY_FILES);
	merge.blocks = flowlog_index_open(FLOWLOG_INDEX_BLOCKS, RowExclusiveLock);
	merge.index = flowlog_index_open_btree(merge.blocks, FLOWLOG_BLOCK_BATCH, FLOWLOG_BLOCK_FIRST);
	for (int i = 0; i < count; i++)
		begin_source(&merge, &sources[i], &batches[i]);
	merge_entries(&merge, sources, count, writer, (uint32) spec->first_file);
	for (int i = 0; i < count; i++)
		systable_endscan_ordered(sources[i].scan);
	index_close(merge.index, NoLock);
	table_close(merge.blocks, NoLock);
	end_batch(writer);
	flowlog_index_delete_batches(batches, count);
}

/*
 * Finds batches to merge: the last ones, as many as there are of their level.
 * Returns how many; fewer than two: none.
 */
int
flowlog_index_find_merge(const FlowlogIndexBatchInfo *batches, int count)
{
	int run = 1;

	if (count < 2)
		return 0;
	while (run < count && batches[count - 1 - run].level == batches[count - 1].level)
		run++;
	return run >= BATCHES_TO_MERGE ? run : 0;
}
