/*-------------------------------------------------------------------------
 *
 * index_search.c
 *	  Finds the files of an index in which a filter's values stand.
 *
 * The values of a batch are in blocks, each with the first of its values as its
 * key.  A value is in the last block of a batch whose key is less, or in those
 * whose key is equal, so the index of blocks is read backwards from it until
 * each batch had its turn: the blocks of all batches lie together there by
 * their values.  A batch of few blocks, compared with the values sought, is
 * read as a whole.
 *
 * All is read by one snapshot, without rights on the tables.
 *
 *-------------------------------------------------------------------------
 */
#include "index.h"

#include "access/genam.h"
#include "access/skey.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* A batch of so many blocks is always read as a whole. */
#define SMALL_BATCH 4

/* A batch that was written under the table's current meaning. */
typedef struct Batch
{
	int32 batch;
	int32 first_file, last_file;
	int32 blocks;
	uint64 offset; /* position of the first file */
	bool whole;    /* it is read as a whole */
	/* of the others: the key of the first block; its len is 0 before it is read */
	FlowIndexKey least;
	uint64 probe; /* the last probe that had all that it wants of the batch */
} Batch;

struct FlowlogIndexSearch
{
	const FlowlogIndex *index;
	const FlowlogTable *table;
	FlowlogBackend *backend;
	Snapshot snapshot;
	MemoryContext context;
	int columns[FLOWLOG_INDEX_COLUMNS];

	Batch *batches; /* by first_file */
	int nbatches;
	const Batch **by_number; /* the same, by batch */
	FlowlogIndexFiles files;

	/* while values are sought */
	Relation blocks, by_value, by_batch;
	TupleTableSlot *slot;
	uint64 probe;
	uint32 room[FLOW_INDEX_ENTRY_FILES];

	/* what is sought */
	uint32 mask; /* of the column */
	const FlowIndexRange *ranges;
	size_t nranges;
	uint64 *bits;

	/* called for each file with one of the values; NULL: its bit is set */
	void (*visit)(void *arg, const FlowIndexKey *key, uint64 position);
	void *arg;
};

/* ---------- what the index has ---------- */

/* Reads the batches with the table's current meaning. */
static void
read_batches(FlowlogIndexSearch *search, const unsigned char *meaning)
{
	int room = 8;
	FlowlogIndexRows rows;
	Datum values[FLOWLOG_BATCH_NATTS];
	bool isnull[FLOWLOG_BATCH_NATTS];

	search->batches = palloc(sizeof(Batch) * room);
	flowlog_index_rows_begin(&rows,
	                         FLOWLOG_INDEX_BATCHES,
	                         FLOWLOG_BATCH_NUMBER,
	                         FLOWLOG_BATCH_FIRST_FILE,
	                         search->index->number,
	                         search->snapshot);
	while (flowlog_index_rows_next(&rows, values, isnull))
	{
		const bytea *of = DatumGetByteaPP(values[FLOWLOG_BATCH_MEANING]);

		if (VARSIZE_ANY_EXHDR(of) != FLOWLOG_INDEX_MEANING ||
		    memcmp(VARDATA_ANY(of), meaning, FLOWLOG_INDEX_MEANING) != 0)
			continue;
		if (search->nbatches == room)
			search->batches = repalloc(search->batches, sizeof(Batch) * (room *= 2));
		search->batches[search->nbatches++] = (Batch) {
			.batch = DatumGetInt32(values[FLOWLOG_BATCH_BATCH]),
			.first_file = DatumGetInt32(values[FLOWLOG_BATCH_FIRST_FILE]),
			.last_file = DatumGetInt32(values[FLOWLOG_BATCH_LAST_FILE]),
			.blocks = DatumGetInt32(values[FLOWLOG_BATCH_BLOCKS]),
		};
	}
	flowlog_index_rows_end(&rows);
}

static int
compare_batches(const void *a, const void *b)
{
	int32 x = (*(const Batch *const *) a)->batch;
	int32 y = (*(const Batch *const *) b)->batch;

	return (x > y) - (x < y);
}

/* Gives each file of the batches its position. */
static void
place_files(FlowlogIndexSearch *search)
{
	FlowlogIndexFiles *files = &search->files;

	search->by_number = palloc(sizeof(Batch *) * (search->nbatches + 1));
	for (int i = 0; i < search->nbatches; i++)
	{
		Batch *batch = &search->batches[i];

		batch->offset = files->count;
		files->count += (uint64) ((int64) batch->last_file - batch->first_file + 1);
		search->by_number[i] = batch;
	}
	qsort(search->by_number, search->nbatches, sizeof(Batch *), compare_batches);
	files->items = MemoryContextAllocExtended(CurrentMemoryContext,
	                                          sizeof(FlowlogIndexFile) * (files->count + 1),
	                                          MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

/* Sets what is known of a file's times. */
static void
set_times(FlowlogIndexFile *file, const Datum *values, const bool *isnull)
{
	for (int i = 0; i < 2; i++)
	{
		int least = FLOWLOG_FILES_LEAST_START + 2 * i;

		file->times[i] = (FlowInterval) {
			.always = (DatumGetInt32(values[FLOWLOG_FILES_NULL_TIMES]) >> i & 1) == 0,
			.known = !isnull[least] && !isnull[least + 1],
			.low = isnull[least] ? 0 : DatumGetInt64(values[least]),
			.high = isnull[least + 1] ? 0 : DatumGetInt64(values[least + 1]),
		};
	}
}

/* Returns what the records of a file are, if none was rejected or made null. */
static const bytea *
read_groups(const Datum *values, const bool *isnull)
{
	Datum *ledger;
	int count;
	bool clean;

	if (isnull[FLOWLOG_FILES_GROUPS])
		return NULL;
	deconstruct_array(DatumGetArrayTypeP(values[FLOWLOG_FILES_LEDGER]),
	                  INT8OID,
	                  sizeof(int64),
	                  FLOAT8PASSBYVAL,
	                  TYPALIGN_DOUBLE,
	                  &ledger,
	                  NULL,
	                  &count);
	clean = count > FLOWLOG_LEDGER_SET_NULL &&
	        DatumGetInt64(ledger[FLOWLOG_LEDGER_REJECTED]) == 0 &&
	        DatumGetInt64(ledger[FLOWLOG_LEDGER_SET_NULL]) == 0;
	pfree(ledger);
	return clean ? DatumGetByteaPCopy(values[FLOWLOG_FILES_GROUPS]) : NULL;
}

/* Reads the files of the batches. */
static void
read_files(FlowlogIndexSearch *search, bool groups)
{
	int batch = 0;
	FlowlogIndexRows rows;
	Datum values[FLOWLOG_FILES_NATTS];
	bool isnull[FLOWLOG_FILES_NATTS];

	flowlog_index_rows_begin(&rows,
	                         FLOWLOG_INDEX_FILES,
	                         FLOWLOG_FILES_NUMBER,
	                         FLOWLOG_FILES_FILE,
	                         search->index->number,
	                         search->snapshot);
	while (flowlog_index_rows_next(&rows, values, isnull))
	{
		int32 number = DatumGetInt32(values[FLOWLOG_FILES_FILE]);
		FlowlogIndexFile *file;

		while (batch < search->nbatches && search->batches[batch].last_file < number)
			batch++;
		if (batch == search->nbatches)
			break;
		if (number < search->batches[batch].first_file)
			continue; /* of another meaning */
		file = &search->files.items[search->batches[batch].offset +
		                            (uint64) (number - search->batches[batch].first_file)];
		file->hash.word[0] = (uint64) DatumGetInt64(values[FLOWLOG_FILES_HASH1]);
		file->hash.word[1] = (uint64) DatumGetInt64(values[FLOWLOG_FILES_HASH2]);
		file->address_columns = (uint32) DatumGetInt32(values[FLOWLOG_FILES_ADDRESS_COLUMNS]);
		file->covered = isnull[FLOWLOG_FILES_ERROR];
		set_times(file, values, isnull);
		if (groups && file->covered)
			file->groups = read_groups(values, isnull);
	}
	flowlog_index_rows_end(&rows);
}

/* Reads which files an index covers. */
FlowlogIndexSearch *
flowlog_index_search_begin(const FlowlogIndex *index, const FlowlogTable *table,
                           FlowlogBackend *backend, Snapshot snapshot, bool groups)
{
	FlowlogIndexSearch *search = palloc0(sizeof(FlowlogIndexSearch));
	unsigned char meaning[FLOWLOG_INDEX_MEANING];

	search->index = index;
	search->table = flowlog_table_with_bases(table);
	search->backend = backend;
	search->snapshot = snapshot;
	search->context = CurrentMemoryContext;
	flowlog_index_meaning(index, table, meaning);
	flowlog_index_find_columns(index, table, search->columns);
	read_batches(search, meaning);
	place_files(search);
	if (search->nbatches > 0)
		read_files(search, groups);
	return search;
}

const FlowlogIndexFiles *
flowlog_index_search_files(const FlowlogIndexSearch *search)
{
	return &search->files;
}

int32
flowlog_index_search_number(const FlowlogIndexSearch *search, uint64 position)
{
	int i = search->nbatches - 1;

	while (search->batches[i].offset > position)
		i--;
	return search->batches[i].first_file + (int32) (position - search->batches[i].offset);
}

/* ---------- blocks ---------- */

/* Returns the batch of that number, or NULL if it is of another meaning. */
static Batch *
find_batch(const FlowlogIndexSearch *search, int32 number)
{
	Batch sought = {.batch = number};
	const Batch *key = &sought;
	const Batch **found;

	found = bsearch(&key, search->by_number, search->nbatches, sizeof(Batch *), compare_batches);
	return found != NULL ? (Batch *) *found : NULL;
}

/* Sets the bits of an entry's files. */
static void
take_entry(FlowlogIndexSearch *search, const Batch *batch, const FlowIndexEntry *entry)
{
	uint32 count = (uint32) (batch->last_file - batch->first_file) + 1;

	for (size_t i = 0; i < entry->nfiles; i++)
	{
		uint32 place = entry->files[i] - (uint32) batch->first_file;
		uint64 position = batch->offset + place;

		if (place >= count)
			flowlog_index_raise_damaged(search->table);
		if (search->visit != NULL)
			search->visit(search->arg, &entry->key, position);
		else
			search->bits[position / 64] |= UINT64CONST(1) << (position % 64);
	}
}

/*
 * Looks for values of ranges in a block: from range *next on, which is advanced
 * past those before the block's last value.
 */
static void
search_block(FlowlogIndexSearch *search, const Batch *batch, Datum block, size_t *next, size_t end)
{
	const bytea *bytes = DatumGetByteaPP(block);
	FlowIndexCursor cursor;
	FlowIndexEntry entry;
	FlowStatus status;

	flow_index_read_begin(&cursor,
	                      VARDATA_ANY(bytes),
	                      VARSIZE_ANY_EXHDR(bytes),
	                      (uint32) batch->first_file,
	                      search->room);
	while ((status = flow_index_read(&cursor, &entry)) == FLOW_OK)
	{
		while (*next < end && flow_index_key_compare(&search->ranges[*next].to, &entry.key) < 0)
			(*next)++;
		if (*next == end)
			return;
		if ((entry.mask & search->mask) != 0 &&
		    flow_index_key_compare(&search->ranges[*next].from, &entry.key) <= 0)
			take_entry(search, batch, &entry);
	}
	if (status != FLOW_END)
		flowlog_index_raise_damaged(search->table);
}

/* Returns the key as a bytea. */
static Datum
key_datum(const FlowIndexKey *key)
{
	return flowlog_bytes_datum(key->bytes, key->len);
}

/* Begins a scan of the blocks by one of their indexes. */
static IndexScanDesc
begin_scan(const FlowlogIndexSearch *search, Relation index, int nkeys)
{
#if PG_VERSION_NUM >= 180000
	return index_beginscan(search->blocks, index, search->snapshot, NULL, nkeys, 0);
#else
	return index_beginscan(search->blocks, index, search->snapshot, nkeys, 0);
#endif
}

/* Looks for all ranges in all blocks of a batch. */
static void
search_batch(FlowlogIndexSearch *search, const Batch *batch)
{
	IndexScanDesc scan = begin_scan(search, search->by_batch, 1);
	size_t next = 0;
	ScanKeyData key;

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(batch->batch));
	index_rescan(scan, &key, 1, NULL, 0);
	while (next < search->nranges && index_getnext_slot(scan, ForwardScanDirection, search->slot))
	{
		bool isnull;

		CHECK_FOR_INTERRUPTS();
		search_block(search,
		             batch,
		             slot_getattr(search->slot, FLOWLOG_BLOCK_BLOCK + 1, &isnull),
		             &next,
		             search->nranges);
	}
	index_endscan(scan);
}

/* Returns true if a bytea is the key. */
static bool
is_key(Datum value, const FlowIndexKey *key)
{
	const bytea *bytes = DatumGetByteaPP(value);

	return VARSIZE_ANY_EXHDR(bytes) == key->len &&
	       memcmp(VARDATA_ANY(bytes), key->bytes, key->len) == 0;
}

/* Reads the key of a batch's first block. */
static void
read_least(FlowlogIndexSearch *search, Batch *batch)
{
	IndexScanDesc scan = begin_scan(search, search->by_batch, 1);
	ScanKeyData key;

	memset(&batch->least, 0, sizeof(batch->least));
	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(batch->batch));
	index_rescan(scan, &key, 1, NULL, 0);
	if (index_getnext_slot(scan, ForwardScanDirection, search->slot))
	{
		bool isnull;
		const bytea *first =
			DatumGetByteaPP(slot_getattr(search->slot, FLOWLOG_BLOCK_FIRST + 1, &isnull));

		batch->least.len = (uint8) Min(VARSIZE_ANY_EXHDR(first), FLOW_INDEX_KEY_SIZE);
		memcpy(batch->least.bytes, VARDATA_ANY(first), batch->least.len);
	}
	index_endscan(scan);
}

/* Returns the number of batches that have a block before a key. */
static int
count_before(const FlowlogIndexSearch *search, const FlowIndexKey *key)
{
	int count = 0;

	for (int i = 0; i < search->nbatches; i++)
		count +=
			!search->batches[i].whole && flow_index_key_compare(&search->batches[i].least, key) < 0;
	return count;
}

/*
 * Looks at the next block of a scan by values, unless its batch is read
 * otherwise or had its turn.  Returns false at the end of the scan; backwards,
 * also if no batch is wanted any more, as all had their turn.
 */
static bool
step(FlowlogIndexSearch *search, IndexScanDesc scan, ScanDirection direction, size_t range,
     int *wanted)
{
	const FlowIndexKey *from = &search->ranges[range].from;
	Batch *batch;
	bool isnull;
	bool before;

	CHECK_FOR_INTERRUPTS();
	if (index_getnext_tid(scan, direction) == NULL)
		return false;
	before = direction == BackwardScanDirection &&
	         !is_key(index_getattr(scan->xs_itup, 2, scan->xs_itupdesc, &isnull), from);
	if (before && *wanted <= 0)
		return false;
	batch = find_batch(search,
	                   DatumGetInt32(index_getattr(scan->xs_itup, 3, scan->xs_itupdesc, &isnull)));
	if (batch == NULL || batch->whole || batch->probe == search->probe ||
	    !index_fetch_heap(scan, search->slot))
		return true;

	search_block(search,
	             batch,
	             slot_getattr(search->slot, FLOWLOG_BLOCK_BLOCK + 1, &isnull),
	             &range,
	             range + 1);

	/* no block before this one has the value, if its key is less */
	if (before)
	{
		batch->probe = search->probe;
		(*wanted)--;
	}
	return true;
}

/*
 * Looks for one range in the batches that are not read as a whole: in the
 * blocks before its first value, and in those that begin within it.
 */
static void
search_range(FlowlogIndexSearch *search, IndexScanDesc back, IndexScanDesc ahead, size_t range)
{
	const FlowIndexRange *sought = &search->ranges[range];
	Datum from = key_datum(&sought->from);
	Datum to;
	int wanted = count_before(search, &sought->from);
	ScanKeyData keys[3];

	search->probe++;
	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(search->index->number));
	ScanKeyInit(&keys[1], 2, BTLessEqualStrategyNumber, F_BYTEALE, from);
	index_rescan(back, keys, 2, NULL, 0);
	while (step(search, back, BackwardScanDirection, range, &wanted))
		;
	if (flow_index_key_compare(&sought->from, &sought->to) < 0)
	{
		search->probe++;
		to = key_datum(&sought->to);
		ScanKeyInit(&keys[1], 2, BTGreaterStrategyNumber, F_BYTEAGT, from);
		ScanKeyInit(&keys[2], 2, BTLessEqualStrategyNumber, F_BYTEALE, to);
		index_rescan(ahead, keys, 3, NULL, 0);
		while (step(search, ahead, ForwardScanDirection, range, &wanted))
			;
		pfree(DatumGetPointer(to));
	}
	pfree(DatumGetPointer(from));
}

/* Looks for all ranges in the batches that are not read as a whole. */
static void
search_ranges(FlowlogIndexSearch *search)
{
	IndexScanDesc back = begin_scan(search, search->by_value, 2);
	IndexScanDesc ahead = begin_scan(search, search->by_value, 3);

	back->xs_want_itup = true;
	ahead->xs_want_itup = true;
	for (size_t i = 0; i < search->nranges; i++)
		search_range(search, back, ahead, i);
	index_endscan(back);
	index_endscan(ahead);
}

/* Looks for the ranges in all batches.  May raise errors. */
static void
search_all(void *arg)
{
	FlowlogIndexSearch *search = arg;
	bool all = true;

	search->blocks = flowlog_index_open(FLOWLOG_INDEX_BLOCKS, AccessShareLock);
	search->by_value =
		flowlog_index_open_btree(search->blocks, FLOWLOG_BLOCK_NUMBER, FLOWLOG_BLOCK_FIRST);
	search->by_batch =
		flowlog_index_open_btree(search->blocks, FLOWLOG_BLOCK_BATCH, FLOWLOG_BLOCK_FIRST);
	search->slot = table_slot_create(search->blocks, NULL);

	for (int i = 0; i < search->nbatches; i++)
	{
		Batch *batch = &search->batches[i];

		batch->whole = batch->blocks <= SMALL_BATCH || (uint64) batch->blocks <= search->nranges;
		if (batch->whole)
			search_batch(search, batch);
		else
		{
			if (batch->least.len == 0)
				read_least(search, batch);
			all = false;
		}
	}
	if (!all)
		search_ranges(search);

	ExecDropSingleTupleTableSlot(search->slot);
	index_close(search->by_batch, NoLock);
	index_close(search->by_value, NoLock);
	table_close(search->blocks, NoLock);
}

/* Calls a function for each file with a value of the ranges in any column. */
void
flowlog_index_search_visit(FlowlogIndexSearch *search, const FlowIndexRange *ranges, size_t count,
                           void (*visit)(void *arg, const FlowIndexKey *key, uint64 position),
                           void *arg)
{
	search->mask = PG_UINT32_MAX;
	search->ranges = ranges;
	search->nranges = count;
	search->visit = visit;
	search->arg = arg;
	if (count > 0)
		search_all(search);
	search->visit = NULL;
}

/* ---------- filters ---------- */

/* Returns the bit of a table's column in the masks of entries. */
static uint32
mask_of(const FlowlogIndexSearch *search, int column)
{
	uint32 mask = 0;

	for (int i = 0; i < list_length(search->index->names); i++)
		if (search->columns[i] == column)
			mask |= UINT32_C(1) << i;
	return mask;
}

/* Sets the bits of files that have a column's values in the other form. */
static void
add_other_form(FlowlogIndexSearch *search, FlowIndexForm form)
{
	const FlowlogIndexFiles *files = &search->files;

	for (uint64 i = 0; form != FLOW_INDEX_ANY_FORM && i < files->count; i++)
	{
		bool addresses = (files->items[i].address_columns & search->mask) != 0;

		if (addresses == (form == FLOW_INDEX_AS_TEXT))
			search->bits[i / 64] |= UINT64CONST(1) << (i % 64);
	}
}

/* Finds the files with one of some values: FlowIndexSearch's find. */
static FlowStatus
find_values(void *arg, int column, FlowIndexForm form, const FlowIndexRange *ranges, size_t count,
            uint64_t *bits, FlowError *error)
{
	FlowlogIndexSearch *search = arg;

	search->mask = mask_of(search, column);
	search->ranges = ranges;
	search->nranges = count;
	search->bits = bits;
	if (count > 0 && !flowlog_backend_call(search->backend, search_all, search))
		return flowlog_backend_interrupted(error);
	if (search->table->columns[column].type == FLOW_TEXT ||
	    search->table->columns[column].type == FLOW_PADDED)
		add_other_form(search, form);
	return FLOW_OK;
}

/* Returns true if a record can pass, given the times of a file's records. */
static bool
times_may_pass(const FlowFilter *filter, const FlowlogIndexFile *file, const int *columns,
               FlowInterval *intervals)
{
	for (int i = 0; i < 2; i++)
		if (columns[i] >= 0)
			intervals[columns[i]] = file->times[i];
	return flow_filter_may_pass(filter, intervals);
}

/* Says of each file whether a record of it may pass the filter. */
void
flowlog_index_search_filter(FlowlogIndexSearch *search, const FlowFilter *filter)
{
	const FlowlogTable *table = search->table;
	FlowlogIndexFiles *files = &search->files;
	bool *indexed = palloc0(sizeof(bool) * (table->ncolumns + 1));
	FlowInterval *intervals = palloc0(sizeof(FlowInterval) * (table->ncolumns + 1));
	uint64 *bits = MemoryContextAllocExtended(CurrentMemoryContext,
	                                          sizeof(uint64) * (files->count / 64 + 1),
	                                          MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	FlowIndexSearch spec = {.arg = search, .files = files->count, .find = find_values};
	FlowlogIndexColumns columns = flowlog_index_columns(table);
	FlowError error;

	for (int i = 0; i < list_length(search->index->names); i++)
		if (search->columns[i] >= 0)
			indexed[search->columns[i]] = true;
	spec.indexed = indexed;
	if (filter == NULL)
		memset(bits, 0xFF, sizeof(uint64) * (files->count / 64 + 1));
	else if (flow_filter_find_files(filter, &spec, bits, &error) != FLOW_OK)
		flowlog_raise(search->backend, &error, table);

	for (uint64 i = 0; i < files->count; i++)
	{
		FlowlogIndexFile *file = &files->items[i];

		if ((i & 1023) == 0)
			CHECK_FOR_INTERRUPTS();
		file->may_pass = (bits[i / 64] >> (i % 64) & 1) != 0 &&
		                 (filter == NULL || times_may_pass(filter, file, columns.times, intervals));
	}
	pfree(bits);
	pfree(intervals);
	pfree(indexed);
}
