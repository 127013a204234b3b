/*-------------------------------------------------------------------------
 *
 * index_refresh.c
 *	  CALL flowlog_index_refresh(): reads the files that an index does not
 *	  cover, and forgets those that are gone.
 *
 * The table's owner lists and reads, the owner of the extension's tables
 * writes (see catalogue_write.c).  A lock on the foreign table, which no query
 * waits for, is kept from the first transaction to the last, as VACUUM does.
 * What was read is written and committed every so often, so a cancel loses
 * little of it.  There is no snapshot while files are listed or read.
 *
 *-------------------------------------------------------------------------
 */
#include "index.h"

#include "access/relation.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* What was read is written after so many files, or so long. */
#define MAX_BATCH_FILES 16384
#define MAX_BATCH_MS (60 * 1000)

/* Descriptors for the listing, or the file that is read. */
#define LOCAL_FDS 3

FLOWLOG_FUNCTION(flowlog_index_refresh);

/* A table whose index is refreshed. */
typedef struct Refresh
{
	Oid relid;
	Oid owner;
	MemoryContext context; /* of all that lives as long as the refresh of this table */
	MemoryContextCallback callback;
	FlowlogIndex *index;
	const FlowlogTable *table;
	unsigned char meaning[FLOWLOG_INDEX_MEANING];
	FlowlogBackend backend;
	FlowStore *store;
	FlowObjects *objects; /* what was listed; then, what is new of it */
	int columns[FLOWLOG_INDEX_COLUMNS];
	int ncolumns;

	FlowlogIndexBatchInfo *batches; /* as they are written, in the order of their files */
	int nbatches;

	/* what is being read */
	FlowlogIndexReader *reader;
	FlowIndexBatch *gathered;
	int32 next_file; /* the next file's number */
	MemoryContext rows_context;
	FlowlogIndexRow *rows;
	int nrows;

	uint64 recent; /* files that are left for the next refresh */

	/* files that cannot be indexed */
	uint64 bad;
	char *first_bad; /* why the first one cannot */
} Refresh;

/* Releases what the memory context does not own: its reset callback. */
static void
release(void *arg)
{
	Refresh *refresh = arg;

	flow_index_batch_free(refresh->gathered);
	flowlog_store_close(&refresh->backend, refresh->store, refresh->objects);
	refresh->gathered = NULL;
	refresh->objects = NULL;
	refresh->store = NULL;
}

/* ---------- listing ---------- */

/* Sets the columns of the index; one that is gone makes it useless. */
static void
find_columns(Refresh *refresh)
{
	flowlog_index_find_columns(refresh->index, refresh->table, refresh->columns);
	refresh->ncolumns = list_length(refresh->index->names);
	for (int i = 0; i < refresh->ncolumns; i++)
		if (refresh->columns[i] < 0)
			ereport(ERROR,
			        errcode(ERRCODE_UNDEFINED_COLUMN),
			        errmsg("the index of foreign table \"%s\" has column \"%s\", which does not "
			               "exist or cannot be indexed any more",
			               flowlog_message(refresh->table->name),
			               strVal(list_nth(refresh->index->names, i))),
			        errhint("Drop the index with flowlog_index_drop(%s), and create it again.",
			                flowlog_index_quoted(refresh->table->name)));
}

/*
 * Reads the definitions of the table and of its index, and opens the store for
 * the owner.  Returns false if there is no index.
 */
static bool
prepare(Refresh *refresh, Relation relation)
{
	FlowlogBefore before;

	PushActiveSnapshot(GetTransactionSnapshot());
	refresh->owner = relation->rd_rel->relowner;
	refresh->index = flowlog_index_find(refresh->relid, GetActiveSnapshot());
	if (refresh->index != NULL)
	{
		refresh->table = flowlog_table_with_bases(flowlog_table_open(refresh->relid));
		flowlog_index_meaning(refresh->index, refresh->table, refresh->meaning);
		find_columns(refresh);
		/* the meaning is the same for all shards, so the index covers all files */
		flow_shard_set(refresh->table->location, (FlowShard) {0});
		before = flowlog_become(refresh->owner);
		refresh->store = flowlog_store_open(&refresh->backend,
		                                    refresh->table->location,
		                                    refresh->table->serverid,
		                                    refresh->owner,
		                                    LOCAL_FDS);
		flowlog_return_to(&before);
	}
	PopActiveSnapshot();
	return refresh->index != NULL;
}

/* Lists all files. */
static void
list_files(Refresh *refresh)
{
	FlowAccess access = flowlog_get_access(refresh->store);
	FlowlogBefore before = flowlog_become(refresh->owner);
	FlowError error;

	InvalidateCatalogSnapshot(); /* the last one */
	if (flow_objects_list_pruned(&refresh->backend.host,
	                             refresh->table->location,
	                             &access,
	                             NULL,
	                             NULL,
	                             &refresh->objects,
	                             &error) != FLOW_OK)
		flowlog_raise(&refresh->backend, &error, refresh->table);
	flowlog_return_to(&before);
}

/* ---------- what the index has ---------- */

/* Reads the batches of the index, whatever their meaning, in the order of their files. */
static void
read_batches(Refresh *refresh)
{
	Oid type = INT4OID;
	Datum value = Int32GetDatum(refresh->index->number);
	MemoryContext old;

	flowlog_catalogue_run(psprintf("SELECT batch, level, first_file, last_file, meaning FROM %s "
	                               "WHERE number = $1 ORDER BY first_file",
	                               flowlog_catalogue_name(FLOWLOG_INDEX_BATCHES)),
	                      1,
	                      &type,
	                      &value);
	old = MemoryContextSwitchTo(refresh->context);
	refresh->nbatches = (int) SPI_processed;
	refresh->batches = palloc(sizeof(FlowlogIndexBatchInfo) * (refresh->nbatches + 1));
	MemoryContextSwitchTo(old);
	for (int i = 0; i < refresh->nbatches; i++)
	{
		HeapTuple tuple = SPI_tuptable->vals[i];
		TupleDesc desc = SPI_tuptable->tupdesc;
		bool isnull;
		const bytea *meaning = DatumGetByteaPP(SPI_getbinval(tuple, desc, 5, &isnull));

		refresh->batches[i] = (FlowlogIndexBatchInfo) {
			.batch = DatumGetInt32(SPI_getbinval(tuple, desc, 1, &isnull)),
			.level = DatumGetInt16(SPI_getbinval(tuple, desc, 2, &isnull)),
			.first_file = DatumGetInt32(SPI_getbinval(tuple, desc, 3, &isnull)),
			.last_file = DatumGetInt32(SPI_getbinval(tuple, desc, 4, &isnull)),
			.is_current =
				VARSIZE_ANY_EXHDR(meaning) == FLOWLOG_INDEX_MEANING &&
				memcmp(VARDATA_ANY(meaning), refresh->meaning, FLOWLOG_INDEX_MEANING) == 0,
		};
	}
	SPI_freetuptable(SPI_tuptable);
	refresh->next_file =
		refresh->nbatches > 0 ? refresh->batches[refresh->nbatches - 1].last_file + 1 : 0;
}

/* Deletes files of the index by their numbers. */
static void
delete_files(const Refresh *refresh, Datum *files, int count)
{
	Oid types[] = {INT4OID, INT4ARRAYOID};
	Datum values[lengthof(types)];

	if (count == 0)
		return;
	values[0] = Int32GetDatum(refresh->index->number);
	values[1] = flowlog_array_datum(files, NULL, count, INT4OID);
	flowlog_catalogue_run(psprintf("DELETE FROM %s WHERE number = $1 AND file = ANY ($2)",
	                               flowlog_catalogue_name(FLOWLOG_INDEX_FILES)),
	                      lengthof(types),
	                      types,
	                      values);
}

/* Deletes batches of other meanings, with all that they have. */
static void
delete_dead_batches(Refresh *refresh)
{
	Oid types[] = {INT4OID, INT4OID, INT4OID};
	int kept = 0;

	for (int i = 0; i < refresh->nbatches; i++)
	{
		const FlowlogIndexBatchInfo *batch = &refresh->batches[i];
		Datum values[] = {Int32GetDatum(refresh->index->number),
		                  Int32GetDatum(batch->first_file),
		                  Int32GetDatum(batch->last_file)};

		if (batch->is_current)
		{
			refresh->batches[kept++] = *batch;
			continue;
		}
		flowlog_index_delete_batches(batch, 1);
		flowlog_catalogue_run(
			psprintf("DELETE FROM %s WHERE number = $1 AND file BETWEEN $2 AND $3",
		             flowlog_catalogue_name(FLOWLOG_INDEX_FILES)),
			lengthof(types),
			types,
			values);
	}
	refresh->nbatches = kept;
}

/* Deletes the entries of indexes, and the definitions of tables, that do not exist. */
static void
delete_orphans(void)
{
	static const char *const tables[] = {FLOWLOG_INDEX_BLOCKS,
	                                     FLOWLOG_INDEX_FILES,
	                                     FLOWLOG_INDEX_BATCHES};
	const char *definitions = flowlog_catalogue_name(FLOWLOG_INDEX_DEFINITIONS);

	flowlog_catalogue_run(psprintf("DELETE FROM %s d WHERE NOT EXISTS "
	                               "(SELECT FROM pg_foreign_table t WHERE t.ftrelid = d.\"table\")",
	                               definitions),
	                      0,
	                      NULL,
	                      NULL);
	/* by batches, which are few, so that the other tables are read only if there are any */
	flowlog_catalogue_run(psprintf("SELECT FROM %s b WHERE NOT EXISTS "
	                               "(SELECT FROM %s d WHERE d.number = b.number) LIMIT 1",
	                               flowlog_catalogue_name(FLOWLOG_INDEX_BATCHES),
	                               definitions),
	                      0,
	                      NULL,
	                      NULL);
	if (SPI_processed == 0)
		return;
	for (int i = 0; i < (int) lengthof(tables); i++)
		flowlog_catalogue_run(psprintf("DELETE FROM %s e WHERE NOT EXISTS "
		                               "(SELECT FROM %s d WHERE d.number = e.number)",
		                               flowlog_catalogue_name(tables[i]),
		                               definitions),
		                      0,
		                      NULL,
		                      NULL);
}

/* ---------- what is new, and what is gone ---------- */

/* Leaves what is new in the list, and returns the numbers of the files that are gone. */
static Datum *
compare_files(Refresh *refresh, const FlowlogIndexSearch *search, int *ngone)
{
	FlowlogIndexTable *known = flowlog_index_table_create(search);
	FlowObjects *objects = refresh->objects;
	Datum *gone = palloc(sizeof(Datum) * (flowlog_index_search_files(search)->count + 1));
	size_t kept = 0;
	uint64 position;

	for (size_t i = 0; i < objects->count; i++)
	{
		if (i % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
		if (flowlog_index_table_find(known,
		                             flowlog_index_hash(refresh->index, &objects->items[i]),
		                             &position))
			flowlog_index_table_mark(known, position);
		else
			objects->items[kept++] = objects->items[i];
	}
	objects->count = kept;
	for (size_t i = 0; i < kept; i++)
		objects->items[i].number = i;

	*ngone = 0;
	position = 0;
	while (flowlog_index_table_next_unmarked(known, &position))
		gone[(*ngone)++] = Int32GetDatum(flowlog_index_search_number(search, position++));
	return gone;
}

/* Returns how many of the files that are gone, which are in order, are from one to another. */
static int
count_gone(const Datum *gone, int ngone, int32 first, int32 last)
{
	int count = 0;

	for (int i = 0; i < ngone; i++)
		count += DatumGetInt32(gone[i]) >= first && DatumGetInt32(gone[i]) <= last;
	return count;
}

/* Returns a bit for each of the files from first to last that the index does not have. */
static uint8 *
find_missing(const Refresh *refresh, int32 first, int32 last)
{
	Oid types[] = {INT4OID, INT4OID, INT4OID};
	Datum values[] = {Int32GetDatum(refresh->index->number),
	                  Int32GetDatum(first),
	                  Int32GetDatum(last)};
	size_t count = (size_t) ((int64) last - first + 1);
	uint8 *missing = palloc(count / 8 + 1);

	memset(missing, 0xFF, count / 8 + 1);
	flowlog_catalogue_run(
		psprintf("SELECT file FROM %s WHERE number = $1 AND file BETWEEN $2 AND $3",
	             flowlog_catalogue_name(FLOWLOG_INDEX_FILES)),
		lengthof(types),
		types,
		values);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool isnull;
		int32 file =
			DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));
		uint32 place = (uint32) (file - first);

		missing[place / 8] &= (uint8) ~(1u << (place % 8));
	}
	SPI_freetuptable(SPI_tuptable);
	return missing;
}

static bool
is_missing(const uint8 *missing, int32 place)
{
	return (missing[place / 8] >> (place % 8) & 1) != 0;
}

/* Replaces batches, from one on, by one of the given level. */
static void
merge(Refresh *refresh, int from, int count, int16 level)
{
	int32 first = refresh->batches[from].first_file;
	int32 last = refresh->batches[from + count - 1].last_file;
	const uint8 *missing = find_missing(refresh, first, last);
	FlowlogIndexBatchSpec spec = {
		.number = refresh->index->number,
		.meaning = refresh->meaning,
		.level = level,
		.first_file = first,
		.last_file = last,
	};

	/* files that are gone are mostly the oldest ones */
	while (spec.first_file < last && is_missing(missing, spec.first_file - first))
		spec.first_file++;
	while (spec.last_file > spec.first_file && is_missing(missing, spec.last_file - first))
		spec.last_file--;
	flowlog_index_merge(&spec, &refresh->batches[from], count, missing);
}

/*
 * Deletes batches all of whose files are gone, and writes those anew of which
 * most are: each time that the number of files that are left falls below a
 * power of two, so that files that go one by one cost little.
 */
static void
forget_batches(Refresh *refresh, const Datum *gone, int ngone)
{
	for (int i = 0; i < refresh->nbatches && ngone > 0; i++)
	{
		const FlowlogIndexBatchInfo *batch = &refresh->batches[i];
		uint32 files = (uint32) (batch->last_file - batch->first_file) + 1;
		uint32 forgotten = (uint32) count_gone(gone, ngone, batch->first_file, batch->last_file);
		const uint8 *missing;
		uint32 left = 0;

		if (forgotten == 0)
			continue;
		missing = find_missing(refresh, batch->first_file, batch->last_file);
		for (uint32 place = 0; place < files; place++)
			left += !is_missing(missing, (int32) place);
		if (left == 0)
			flowlog_index_delete_batches(batch, 1);
		else if (left <= files / 2 &&
		         pg_leftmost_one_pos32(left) < pg_leftmost_one_pos32(left + forgotten))
			merge(refresh, i, 1, batch->level);
	}
}

/* Compares the list with the index: deletes what is gone, and leaves in the list what is new. */
static void
update_index(Refresh *refresh)
{
	FlowlogBefore before = flowlog_become(flowlog_catalogue_owner());
	FlowlogIndexSearch *search;
	Datum *gone;
	int ngone;

	PushActiveSnapshot(GetTransactionSnapshot());
	read_batches(refresh);
	delete_dead_batches(refresh);
	search = flowlog_index_search_begin(refresh->index,
	                                    refresh->table,
	                                    &refresh->backend,
	                                    GetActiveSnapshot(),
	                                    false);
	gone = compare_files(refresh, search, &ngone);
	delete_files(refresh, gone, ngone);
	CommandCounterIncrement();
	UpdateActiveSnapshotCommandId();
	forget_batches(refresh, gone, ngone);
	PopActiveSnapshot();
	flowlog_return_to(&before);
}

/* ---------- reading and writing ---------- */

/* Keeps what was read of a file until it is written. */
static void
keep_row(Refresh *refresh, const FlowlogIndexedFile *file)
{
	MemoryContext old = MemoryContextSwitchTo(refresh->rows_context);

	flowlog_index_make_row(&refresh->rows[refresh->nrows++],
	                       refresh->index,
	                       refresh->next_file++,
	                       file);
	if (file->error != NULL && refresh->bad++ == 0)
		refresh->first_bad = MemoryContextStrdup(refresh->context,
		                                         psprintf("%s: %s",
		                                                  flowlog_message(file->object->path),
		                                                  file->error));
	MemoryContextSwitchTo(old);
}

/*
 * Reads files until there is enough to be written, or none is left; returns
 * false then.
 */
static bool
read_files(Refresh *refresh)
{
	FlowlogBefore before = flowlog_become(refresh->owner);
	TimestampTz began = GetCurrentTimestamp();
	bool more = true;
	bool full = false;
	FlowlogIndexedFile file;

	InvalidateCatalogSnapshot(); /* the last one */
	while (more && !full && refresh->nrows < MAX_BATCH_FILES &&
	       !TimestampDifferenceExceeds(began, GetCurrentTimestamp(), MAX_BATCH_MS))
	{
		CHECK_FOR_INTERRUPTS();
		more = flowlog_index_read_next(refresh->reader,
		                               refresh->gathered,
		                               (uint32) refresh->next_file,
		                               &file,
		                               &full);
		if (full && refresh->nrows == 0)
		{
			/* the second time, the reader says that it does not fit */
			flow_index_batch_clear(refresh->gathered);
			full = false;
			continue;
		}
		if (more && !full && !file.changed)
			keep_row(refresh, &file);
		refresh->recent += more && file.recent;
	}
	flowlog_return_to(&before);
	return more;
}

/* Writes what was read, as a batch of the lowest level. */
static void
write_batch(Refresh *refresh)
{
	FlowlogBefore before = flowlog_become(flowlog_catalogue_owner());
	FlowlogIndexBatchSpec spec = {
		.number = refresh->index->number,
		.meaning = refresh->meaning,
		.level = 0,
		.first_file = refresh->rows[0].file,
		.last_file = refresh->rows[refresh->nrows - 1].file,
	};
	FlowStatus status = flow_index_batch_sort(refresh->gathered);

	if (status != FLOW_OK)
		flowlog_raise_status(&refresh->backend, status);
	PushActiveSnapshot(GetTransactionSnapshot());
	flowlog_index_write_rows(refresh->index, refresh->rows, refresh->nrows);
	flowlog_index_write_batch(&refresh->backend, &spec, refresh->gathered);
	PopActiveSnapshot();
	flowlog_return_to(&before);
	flow_index_batch_clear(refresh->gathered);
	MemoryContextReset(refresh->rows_context);
	refresh->nrows = 0;
}

/* Reads the files that are new, and writes their values. */
static void
index_new_files(Refresh *refresh)
{
	bool more = refresh->objects->count > 0;
	MemoryContext old = MemoryContextSwitchTo(refresh->context);
	FlowError error;

	if (more)
	{
		refresh->rows_context =
			AllocSetContextCreate(refresh->context, "flowlog_fdw rows", ALLOCSET_DEFAULT_SIZES);
		refresh->rows = palloc(sizeof(FlowlogIndexRow) * MAX_BATCH_FILES);
		if (flow_index_batch_create(&refresh->backend.host,
		                            (size_t) maintenance_work_mem * 1024,
		                            &refresh->gathered,
		                            &error) != FLOW_OK)
			flowlog_raise(&refresh->backend, &error, refresh->table);
		refresh->reader = flowlog_index_read_begin(refresh->table,
		                                           &refresh->backend,
		                                           refresh->store,
		                                           refresh->objects,
		                                           refresh->columns,
		                                           refresh->ncolumns);
	}
	while (more)
	{
		more = read_files(refresh);
		if (refresh->nrows > 0)
		{
			write_batch(refresh);
			MemoryContextSwitchTo(old);
			flowlog_commit();
			MemoryContextSwitchTo(refresh->context);
		}
	}
	if (refresh->reader != NULL)
		flowlog_index_read_end(refresh->reader);
	refresh->reader = NULL;
	MemoryContextSwitchTo(old);
}

/* Merges batches until there are few of each level; each time in a transaction of its own. */
static void
merge_batches(Refresh *refresh)
{
	for (;;)
	{
		FlowlogBefore before = flowlog_become(flowlog_catalogue_owner());
		int count;

		PushActiveSnapshot(GetTransactionSnapshot());
		read_batches(refresh);
		count = flowlog_index_find_merge(refresh->batches, refresh->nbatches);
		if (count > 0)
			merge(refresh,
			      refresh->nbatches - count,
			      count,
			      (int16) (refresh->batches[refresh->nbatches - 1].level + 1));
		PopActiveSnapshot();
		flowlog_return_to(&before);
		flowlog_commit();
		if (count == 0)
			return;
	}
}

/* ---------- the procedure ---------- */

/* Warns of files that cannot be indexed. */
static void
warn_of_bad(const Refresh *refresh)
{
	if (refresh->bad > 0)
		ereport(WARNING,
		        errmsg_plural("%llu file of foreign table \"%s\" cannot be indexed",
		                      "%llu files of foreign table \"%s\" cannot be indexed",
		                      (unsigned long) refresh->bad,
		                      (unsigned long long) refresh->bad,
		                      flowlog_message(refresh->table->name)),
		        errdetail("The first is %s.", refresh->first_bad),
		        errhint(
					"Queries read these files always, and may fail at them. Option \"on_error\" "
					"says what becomes of lines that are no records."));
}

/* Tells of files that were written a moment ago. */
static void
tell_of_recent(const Refresh *refresh)
{
	if (refresh->recent > 0)
		ereport(NOTICE,
		        errmsg_plural("%llu file of foreign table \"%s\" is left for the next refresh",
		                      "%llu files of foreign table \"%s\" are left for the next refresh",
		                      (unsigned long) refresh->recent,
		                      (unsigned long long) refresh->recent,
		                      flowlog_message(refresh->table->name)),
		        errdetail("A file that was written within the last two seconds may change "
		                  "without getting another time."),
		        errhint("Refresh the index again later; until then queries read these files."));
}

/* Makes what is known of a table whose index is to be refreshed. */
static Refresh *
begin_refresh(Oid relid)
{
	MemoryContext context =
		AllocSetContextCreate(PortalContext, "flowlog_fdw refresh", ALLOCSET_DEFAULT_SIZES);
	Refresh *refresh = MemoryContextAllocZero(context, sizeof(Refresh));

	refresh->relid = relid;
	refresh->context = context;
	flowlog_backend_init(&refresh->backend, context);
	refresh->callback.func = release;
	refresh->callback.arg = refresh;
	MemoryContextRegisterResetCallback(context, &refresh->callback);
	return refresh;
}

/* Refreshes the index of a table.  Begins and ends in a transaction that has done nothing. */
static void
refresh_index(Oid relid)
{
	Refresh *refresh = begin_refresh(relid);
	Relation relation = try_relation_open(relid, ShareUpdateExclusiveLock);
	MemoryContext old;
	LockRelId lock;
	bool found;

	/* it may have been dropped, or given away, since the last transaction */
	if (relation == NULL)
		ereport(ERROR,
		        errcode(ERRCODE_UNDEFINED_TABLE),
		        errmsg("relation with OID %u does not exist", relid));
	flowlog_check_maintain(relid);
	lock = relation->rd_lockInfo.lockRelId;
	LockRelationIdForSession(&lock, ShareUpdateExclusiveLock);

	old = MemoryContextSwitchTo(refresh->context);
	found = prepare(refresh, relation);
	relation_close(relation, NoLock);
	MemoryContextSwitchTo(old);
	flowlog_commit(); /* no lock on the extension's tables is held while it lists */
	MemoryContextSwitchTo(refresh->context);
	if (found)
		list_files(refresh);
	MemoryContextSwitchTo(old);
	if (found)
	{
		update_index(refresh);
		flowlog_commit();
		index_new_files(refresh);
		merge_batches(refresh);
		CacheInvalidateRelcacheByRelid(relid); /* cached plans are costed anew */
		tell_of_recent(refresh);
		warn_of_bad(refresh);
	}
	UnlockRelationIdForSession(&lock, ShareUpdateExclusiveLock);
	MemoryContextDelete(refresh->context);
}

static bool
has_index(Oid relid)
{
	return flowlog_index_find(relid, GetActiveSnapshot()) != NULL;
}

/*
 * Returns the tables of the argument that have an index, after checking that
 * the caller may refresh them.
 */
static List *
tables_of(Oid relid)
{
	List *tables =
		flowlog_catalogue_tables(relid, AccessShareLock, flowlog_check_maintain, has_index);

	if (tables == NIL)
		ereport(ERROR,
		        errcode(ERRCODE_UNDEFINED_OBJECT),
		        errmsg("\"%s\" has no index of flow logs", get_rel_name(relid)),
		        errhint("SELECT flowlog_index_create(%s) defines one.",
		                flowlog_index_quoted(get_rel_name(relid))));
	return tables;
}

/* flowlog_index_refresh(regclass): brings the index of a table up to date. */
Datum
flowlog_index_refresh(PG_FUNCTION_ARGS)
{
	FlowlogBefore before;
	List *tables;
	ListCell *cell;
	MemoryContext old;

	flowlog_check_procedure(fcinfo, "CALL flowlog_index_refresh");

	old = MemoryContextSwitchTo(PortalContext);
	tables = tables_of(PG_GETARG_OID(0));
	MemoryContextSwitchTo(old);

	SPI_connect_ext(SPI_OPT_NONATOMIC);
	foreach(cell, tables)
	{
		flowlog_commit();
		refresh_index(lfirst_oid(cell));
	}
	before = flowlog_become(flowlog_catalogue_owner());
	PushActiveSnapshot(GetTransactionSnapshot());
	delete_orphans();
	PopActiveSnapshot();
	flowlog_return_to(&before);
	SPI_finish();
	PG_RETURN_VOID();
}
