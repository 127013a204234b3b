/*-------------------------------------------------------------------------
 *
 * list_refresh.c
 *	  CALL flowlog_list_refresh(): lists the files of settled days, and keeps
 *	  the list in the catalogue.
 *
 * The table's owner lists: with the owner's user mapping, and as in VACUUM
 * without the caller's rights and settings.  The catalogue is written by its
 * own owner.  A lock on the foreign table, which no query waits for, lets one
 * session at a time do this.
 *
 * A store with many objects is listed for minutes, so this is done at the
 * beginning of a transaction of its own that has no snapshot then, and so does
 * not keep dead rows of other tables alive.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"
#include "catalogue.h"

#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#define ROWS_AT_ONCE 1000
#define MAX_NOTICES 100

FLOWLOG_FUNCTION(flowlog_list_refresh);

/* ---------- permissions ---------- */

static void
error_not_settled(Oid relid)
{
	ereport(ERROR,
	        errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
	        errmsg("foreign table \"%s\" has no option \"settled_after\"",
	               flowlog_message(get_rel_name(relid))),
	        errhint("ALTER FOREIGN TABLE ... OPTIONS (ADD settled_after '3 days') promises that "
	                "folders of days so long past do not change any more."));
}

/* Returns true if the table has option "settled_after". */
static bool
is_settled(Oid relid)
{
	FlowlogOptions options;

	flowlog_options_parse(&options, GetForeignTable(relid)->options, ForeignTableRelationId);
	return options.settled_after >= 0;
}

/*
 * Returns the tables of the procedure's argument, after checking that the
 * caller may refresh their lists: the table itself, or those of its partitions
 * and children that have the option.
 */
static List *
tables_of(Oid relid)
{
	List *tables = NIL;
	ListCell *cell;

	if (get_rel_relkind(relid) == '\0')
		ereport(ERROR,
		        errcode(ERRCODE_UNDEFINED_TABLE),
		        errmsg("relation with OID %u does not exist", relid));
	flowlog_check_maintain(relid);
	foreach(cell, find_all_inheritors(relid, AccessShareLock, NULL))
		if (flowlog_is_flow_log(lfirst_oid(cell)) && is_settled(lfirst_oid(cell)))
		{
			flowlog_check_maintain(lfirst_oid(cell));
			tables = lappend_oid(tables, lfirst_oid(cell));
		}
	if (tables == NIL && flowlog_is_flow_log(relid))
		error_not_settled(relid);
	if (tables == NIL)
		ereport(ERROR,
		        errcode(ERRCODE_WRONG_OBJECT_TYPE),
		        errmsg("\"%s\" is not a foreign table of flow logs", get_rel_name(relid)));
	return tables;
}

/* ---------- the listing ---------- */

/* A table whose list is refreshed. */
typedef struct Refresh
{
	Oid relid;
	Relation relation;
	FlowlogTable *table;
	FlowlogBackend backend;
	FlowStore *store;
	const char *meaning;  /* which files these are */
	FlowObjects *objects; /* what was listed */
	FlowlogList list;     /* what the catalogue has */
	int64 before;         /* of days before this, in microseconds since 1970 */
	MemoryContextCallback callback;

	/* found by verifying */
	uint64 added, removed, changed;
	int notices;
} Refresh;

/* Releases what the memory context does not own: its reset callback. */
static void
release(void *arg)
{
	Refresh *refresh = arg;

	flow_objects_free(&refresh->backend.host, refresh->objects);
	if (refresh->store != NULL)
		refresh->store->storage->free(refresh->store);
	flowlog_backend_release(&refresh->backend);
	flowlog_descriptors_release(&refresh->backend.descriptors);
	refresh->objects = NULL;
	refresh->store = NULL;
}

/* Leaves out what is not settled: FlowPruner's evaluate. */
static FlowStatus
leave_out(void *arg, const FlowObject *file, const FlowPathValue *values, FlowPruning *pruning,
          FlowError *error)
{
	const Refresh *refresh = arg;
	int64_t from;
	int64_t to;
	bool known = flow_location_days(refresh->table->location, values, &from, &to);
	bool keep = file == NULL ? !known || from < refresh->before : known && to <= refresh->before;

	*pruning = keep ? FLOW_KEEP : FLOW_PRUNE_BY_PATH;
	return FLOW_OK;
}

/*
 * Reads the table's definition, and what the catalogue has; opens the store
 * for the owner.
 */
static void
prepare(Refresh *refresh)
{
	FlowlogBefore before;

	PushActiveSnapshot(GetTransactionSnapshot());
	refresh->table = flowlog_table_open(refresh->relid);
	if (refresh->table->options.settled_after < 0)
		error_not_settled(refresh->relid);
	/* a list has the files of all shards */
	flow_shard_set(refresh->table->location, (FlowShard) {0});
	refresh->before = flowlog_settled_before(refresh->table, GetCurrentTransactionStartTimestamp());

	before = flowlog_become(refresh->relation->rd_rel->relowner);
	refresh->meaning = flowlog_catalogue_meaning(refresh->table);
	refresh->store = flowlog_s3_open(&refresh->backend,
	                                 refresh->table->location,
	                                 refresh->table->serverid,
	                                 refresh->relation->rd_rel->relowner);
	flowlog_return_to(&before);
	refresh->list = flowlog_catalogue_find(refresh->table, refresh->meaning, GetActiveSnapshot());
	flowlog_descriptors_reserve(&refresh->backend.descriptors,
	                            refresh->store != NULL
	                                ? refresh->store->storage->descriptors(refresh->store)
	                                : 1);
	PopActiveSnapshot();
}

/*
 * Lists the files of settled days.  Those of days that the catalogue has are
 * left out, unless they are to be verified.
 */
static void
list_settled(Refresh *refresh, bool verify)
{
	FlowlogTable *table = refresh->table;
	FlowAccess access = flowlog_get_access(refresh->store);
	FlowPruner pruner = {refresh, leave_out};
	FlowKnown known = {.before = verify ? PG_INT64_MIN : refresh->list.before};
	FlowlogBefore before = flowlog_become(refresh->relation->rd_rel->relowner);
	FlowError error;

	InvalidateCatalogSnapshot(); /* the last one */
	if (flow_objects_list_known(&refresh->backend.host,
	                            table->location,
	                            &access,
	                            &pruner,
	                            &known,
	                            &refresh->objects,
	                            &error) != FLOW_OK)
		flowlog_raise(&refresh->backend, &error, table);
	flowlog_return_to(&before);
}

/* ---------- writing the catalogue ---------- */

/* Deletes the lists of tables that do not exist, or lack the option, any more. */
static void
delete_dead(void)
{
	char *lists = flowlog_catalogue_name(FLOWLOG_LISTS);

	flowlog_catalogue_run(
		psprintf("WITH dead AS (DELETE FROM %s l WHERE NOT EXISTS (SELECT FROM pg_foreign_table t, "
	             "unnest(t.ftoptions) o WHERE t.ftrelid = l.\"table\" AND "
	             "starts_with(o, 'settled_after=')) RETURNING l.list) "
	             "DELETE FROM %s f USING dead WHERE f.list = dead.list",
	             lists,
	             flowlog_catalogue_name(FLOWLOG_LISTED_FILES)),
		0,
		NULL,
		NULL);
}

/* Deletes the files of a list. */
static void
delete_files(int32 number)
{
	Oid type = INT4OID;
	Datum value = Int32GetDatum(number);

	flowlog_catalogue_run(psprintf("DELETE FROM %s WHERE list = $1",
	                               flowlog_catalogue_name(FLOWLOG_LISTED_FILES)),
	                      1,
	                      &type,
	                      &value);
}

/* Sets up to which day the list is complete, and returns its number. */
static int32
write_list(const Refresh *refresh)
{
	Oid types[] = {OIDOID, TEXTOID, DATEOID};
	Datum values[] = {
		ObjectIdGetDatum(refresh->relid),
		CStringGetTextDatum(refresh->meaning),
		DateADTGetDatum((DateADT) (refresh->before / USECS_PER_DAY - FLOWLOG_EPOCH_DAYS)),
	};
	bool isnull;

	flowlog_catalogue_run(
		psprintf("INSERT INTO %s (\"table\", meaning, settled_before, refreshed) "
	             "VALUES ($1, $2, $3, now()) ON CONFLICT (\"table\") DO UPDATE SET "
	             "meaning = EXCLUDED.meaning, settled_before = EXCLUDED.settled_before, "
	             "refreshed = EXCLUDED.refreshed RETURNING list",
	             flowlog_catalogue_name(FLOWLOG_LISTS)),
		lengthof(types),
		types,
		values);
	if (SPI_processed != 1)
		elog(ERROR, "could not write table \"%s\"", FLOWLOG_LISTS);
	return DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
}

/* Returns the day of a file; -infinity if it does not belong to a single one. */
static DateADT
day_of(const FlowlogTable *table, const FlowObject *object)
{
	FlowPathValue values[FLOW_MAX_VARIABLES];
	int64_t from;
	int64_t to;

	if (!flow_location_values(table->location, object->path, values) ||
	    !flow_location_days(table->location, values, &from, &to) || to - from != USECS_PER_DAY)
		return DATEVAL_NOBEGIN;
	return (DateADT) (from / USECS_PER_DAY - FLOWLOG_EPOCH_DAYS);
}

/* Writes some files. */
static void
write_some(const FlowlogTable *table, int32 number, const FlowObject *objects, int count)
{
	static const Oid types[FLOWLOG_FILE_COLUMNS] = {
		INT4OID, DATEOID, BYTEAOID, INT8OID, INT8OID, BYTEAOID, BOOLOID, INT8OID, INT8OID, INT8OID};
	static const Oid arrays[FLOWLOG_FILE_COLUMNS] = {INT4OID,
	                                                 DATEARRAYOID,
	                                                 BYTEAARRAYOID,
	                                                 INT8ARRAYOID,
	                                                 INT8ARRAYOID,
	                                                 BYTEAARRAYOID,
	                                                 BOOLARRAYOID,
	                                                 INT8ARRAYOID,
	                                                 INT8ARRAYOID,
	                                                 INT8ARRAYOID};
	Datum *columns[FLOWLOG_FILE_COLUMNS];
	Oid argument_types[FLOWLOG_FILE_COLUMNS];
	Datum values[FLOWLOG_FILE_COLUMNS];
	bool *no_version = palloc(sizeof(bool) * count);

	memcpy(argument_types, arrays, sizeof(arrays));
	for (int k = 0; k < FLOWLOG_FILE_COLUMNS; k++)
		columns[k] = palloc(sizeof(Datum) * count);
	for (int i = 0; i < count; i++)
	{
		const FlowObject *object = &objects[i];

		columns[FLOWLOG_FILE_DAY][i] = DateADTGetDatum(day_of(table, object));
		columns[FLOWLOG_FILE_PATH][i] = flowlog_bytes_datum(object->path, strlen(object->path));
		columns[FLOWLOG_FILE_BYTES][i] = Int64GetDatum((int64) object->size);
		columns[FLOWLOG_FILE_MODIFIED][i] = Int64GetDatum(object->modified);
		no_version[i] = object->version == NULL;
		columns[FLOWLOG_FILE_VERSION][i] =
			no_version[i] ? (Datum) 0
						  : flowlog_bytes_datum(object->version, strlen(object->version));
		columns[FLOWLOG_FILE_ARCHIVED][i] = BoolGetDatum(object->archived);
		columns[FLOWLOG_FILE_DEVICE][i] = Int64GetDatum((int64) object->device);
		columns[FLOWLOG_FILE_INODE][i] = Int64GetDatum((int64) object->inode);
		columns[FLOWLOG_FILE_CHANGED][i] = Int64GetDatum(object->changed);
	}
	values[FLOWLOG_FILE_LIST] = Int32GetDatum(number);
	for (int k = FLOWLOG_FILE_LIST + 1; k < FLOWLOG_FILE_COLUMNS; k++)
		values[k] = flowlog_array_datum(columns[k],
		                                k == FLOWLOG_FILE_VERSION ? no_version : NULL,
		                                count,
		                                types[k]);
	flowlog_catalogue_run(
		psprintf("INSERT INTO %s SELECT $1, f.* FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10) f",
	             flowlog_catalogue_name(FLOWLOG_LISTED_FILES)),
		FLOWLOG_FILE_COLUMNS,
		argument_types,
		values);
}

/* Writes the files that were listed. */
static void
write_files(const Refresh *refresh, int32 number)
{
	const FlowObjects *objects = refresh->objects;
	MemoryContext rows =
		AllocSetContextCreate(CurrentMemoryContext, "flowlog_fdw rows", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(rows);

	for (size_t i = 0; i < objects->count; i += ROWS_AT_ONCE)
	{
		CHECK_FOR_INTERRUPTS();
		write_some(refresh->table,
		           number,
		           &objects->items[i],
		           (int) Min(ROWS_AT_ONCE, objects->count - i));
		MemoryContextReset(rows);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(rows);
}

/* ---------- the promise ---------- */

/* Names a file that is not as it was listed, and counts it. */
static void
tell(Refresh *refresh, uint64 *count, const char *path, const char *what)
{
	(*count)++;
	if (++refresh->notices > MAX_NOTICES)
		return;
	ereport(NOTICE,
	        errmsg("flow log \"%s\" of a settled day was %s", flowlog_message(path), what),
	        refresh->notices == MAX_NOTICES ? errdetail("Further files are not named.") : 0);
}

/* Returns true if a file of the catalogue is the one that was listed. */
static bool
is_same(HeapTuple tuple, TupleDesc desc, const FlowObject *object)
{
	bool isnull;
	int64 bytes = DatumGetInt64(SPI_getbinval(tuple, desc, 2, &isnull));
	int64 modified = DatumGetInt64(SPI_getbinval(tuple, desc, 3, &isnull));
	Datum version = SPI_getbinval(tuple, desc, 4, &isnull);

	if (bytes != (int64) object->size || modified != object->modified ||
	    isnull != (object->version == NULL))
		return false;
	return isnull || (VARSIZE_ANY_EXHDR(DatumGetPointer(version)) == strlen(object->version) &&
	                  memcmp(VARDATA_ANY(DatumGetPointer(version)),
	                         object->version,
	                         strlen(object->version)) == 0);
}

/* Returns true if a file that was listed is of a day that the catalogue has. */
static bool
is_of_list(const Refresh *refresh, const FlowObject *object)
{
	FlowPathValue values[FLOW_MAX_VARIABLES];
	int64_t from;
	int64_t to;

	return flow_location_values(refresh->table->location, object->path, values) &&
	       flow_location_days(refresh->table->location, values, &from, &to) &&
	       to <= refresh->list.before;
}

/*
 * Tells of the files that were listed but are not in the catalogue, from *next
 * on and before a path; NULL: all.
 */
static void
tell_added(Refresh *refresh, size_t *next, const char *path)
{
	const FlowObjects *objects = refresh->objects;

	for (; *next < objects->count; (*next)++)
	{
		const FlowObject *object = &objects->items[*next];

		CHECK_FOR_INTERRUPTS();
		if (path != NULL && strcmp(object->path, path) >= 0)
			break;
		if (is_of_list(refresh, object))
			tell(refresh, &refresh->added, object->path, "added");
	}
}

/* Compares a file of the catalogue with what was listed. */
static void
verify_file(Refresh *refresh, size_t *next, HeapTuple tuple, TupleDesc desc)
{
	const FlowObjects *objects = refresh->objects;
	bool isnull;
	bytea *bytes = DatumGetByteaPP(SPI_getbinval(tuple, desc, 1, &isnull));
	char *path = pnstrdup(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));

	tell_added(refresh, next, path);
	if (*next == objects->count || strcmp(objects->items[*next].path, path) != 0)
		tell(refresh, &refresh->removed, path, "removed");
	else if (!is_same(tuple, desc, &objects->items[(*next)++]))
		tell(refresh, &refresh->changed, path, "changed");
	pfree(path);
}

/*
 * Compares the catalogue with what was listed; both are in the order of paths.
 */
static void
verify_list(Refresh *refresh)
{
	Oid type = INT4OID;
	Datum value = Int32GetDatum(refresh->list.number);
	size_t next = 0;
	Portal portal;

	portal = SPI_cursor_open_with_args(
		NULL,
		psprintf("SELECT path, bytes, modified, version FROM %s WHERE list = $1 ORDER BY path",
	             flowlog_catalogue_name(FLOWLOG_LISTED_FILES)),
		1,
		&type,
		&value,
		NULL,
		false,
		0);
	for (;;)
	{
		SPI_cursor_fetch(portal, true, ROWS_AT_ONCE);
		if (SPI_processed == 0)
			break;
		for (uint64 i = 0; i < SPI_processed; i++)
			verify_file(refresh, &next, SPI_tuptable->vals[i], SPI_tuptable->tupdesc);
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
	tell_added(refresh, &next, NULL);
}

/* Warns of a promise that was broken. */
static void
warn_of_changes(const Refresh *refresh)
{
	ereport(WARNING,
	        errmsg("files of settled days of foreign table \"%s\" have changed",
	               flowlog_message(refresh->table->name)),
	        errdetail("Added: %llu. Removed: %llu. Changed: %llu.",
	                  (unsigned long long) refresh->added,
	                  (unsigned long long) refresh->removed,
	                  (unsigned long long) refresh->changed),
	        errhint("The list is correct now. If logs come later than option \"settled_after\" "
	                "says, make it longer."));
}

/* ---------- the procedure ---------- */

/* Removes what the list already has from what was listed. */
static void
keep_new(Refresh *refresh)
{
	FlowObjects *objects = refresh->objects;
	size_t kept = 0;

	for (size_t i = 0; i < objects->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!is_of_list(refresh, &objects->items[i]))
			objects->items[kept++] = objects->items[i];
	}
	objects->count = kept;
}

/* Writes to the catalogue what was listed, after comparing it. */
static void
write_catalogue(Refresh *refresh, bool verify)
{
	FlowlogBefore before = flowlog_become(flowlog_catalogue_owner());
	bool has_list = refresh->list.number != 0;
	bool is_valid = refresh->list.is_valid;
	int32 number;

	PushActiveSnapshot(GetTransactionSnapshot());
	if (verify && is_valid)
		verify_list(refresh);

	/* a list of other options is dead; a wrong one is made again */
	if (refresh->added + refresh->removed + refresh->changed > 0)
		is_valid = false;
	if (has_list && !is_valid)
		delete_files(refresh->list.number);
	if (verify && is_valid)
		keep_new(refresh);

	number = write_list(refresh);
	write_files(refresh, number);
	delete_dead();
	PopActiveSnapshot();
	flowlog_return_to(&before);
	if (refresh->list.is_valid && !is_valid)
		warn_of_changes(refresh);
}

/* Refreshes the list of a table, in a transaction of its own. */
static void
refresh_list(Oid relid, bool verify)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "flowlog_fdw refresh", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Refresh *refresh = palloc0(sizeof(Refresh));

	refresh->relid = relid;
	flowlog_backend_init(&refresh->backend, context);
	refresh->callback.func = release;
	refresh->callback.arg = refresh;
	MemoryContextRegisterResetCallback(context, &refresh->callback);

	/* it may have been dropped, or given away, since the last transaction */
	refresh->relation = try_relation_open(relid, ShareUpdateExclusiveLock);
	if (refresh->relation == NULL)
		ereport(ERROR,
		        errcode(ERRCODE_UNDEFINED_TABLE),
		        errmsg("relation with OID %u does not exist", relid));
	flowlog_check_maintain(relid);
	prepare(refresh);
	/* if the clock was put back, the list has more days than are settled */
	refresh->before = Max(refresh->before, refresh->list.before);
	if (verify || refresh->before > refresh->list.before)
	{
		list_settled(refresh, verify);
		write_catalogue(refresh, verify);
	}
	relation_close(refresh->relation, NoLock);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/*
 * flowlog_list_refresh(regclass, boolean): brings the list of a table's settled
 * files up to date; with "verify", compares it with what there is.
 */
Datum
flowlog_list_refresh(PG_FUNCTION_ARGS)
{
	bool verify = !PG_ARGISNULL(1) && PG_GETARG_BOOL(1);
	List *tables;
	ListCell *cell;

	if (!flowlog_may_commit(fcinfo))
		ereport(ERROR,
		        errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
		        errmsg("%s cannot run inside a transaction block", "CALL flowlog_list_refresh"));
	PreventCommandIfReadOnly("CALL flowlog_list_refresh");
	PreventCommandDuringRecovery("CALL flowlog_list_refresh");
	flowlog_check_version();
	if (PG_ARGISNULL(0))
		ereport(ERROR,
		        errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
		        errmsg("the table must not be null"));
	tables = tables_of(PG_GETARG_OID(0));

	SPI_connect_ext(SPI_OPT_NONATOMIC);
	foreach(cell, tables)
	{
		SPI_commit();
		SPI_start_transaction();
		/* at other levels a snapshot would last as long as the listing */
		XactIsoLevel = XACT_READ_COMMITTED;
		refresh_list(lfirst_oid(cell), verify);
	}
	SPI_finish();
	PG_RETURN_VOID();
}
