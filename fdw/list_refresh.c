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
 * not keep dead rows of other tables alive.  It commits now and then, from the
 * oldest days on; only verifying takes one transaction, as all of a list that
 * turns out to be wrong is made again.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"
#include "catalogue.h"

#include "access/relation.h"
#include "access/xact.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#define ROWS_AT_ONCE 1000
#define MAX_NOTICES 100

/*
 * The first days that a transaction lists, and about how many files it lists
 * later on: 20 MB of memory.  Each lists the folders above those of days again.
 */
#define FIRST_DAYS 8
#define FILES_AT_ONCE 100000

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

/* Returns true for a foreign table of ours that has option "settled_after". */
static bool
is_settled(Oid relid)
{
	FlowlogOptions options;

	if (!flowlog_is_flow_log(relid))
		return false;
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
	List *tables =
		flowlog_catalogue_tables(relid, AccessShareLock, flowlog_check_maintain, is_settled);

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
	int64 before;         /* days before this are settled, in microseconds since 1970 */
	int64 until;          /* those before this are listed now */
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

	flowlog_store_close(&refresh->backend, refresh->store, refresh->objects);
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
	bool keep = file == NULL ? !known || from < refresh->until : known && to <= refresh->until;

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
	Oid lists = flowlog_catalogue_table(FLOWLOG_LISTS);
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
	refresh->store = flowlog_store_open(&refresh->backend,
	                                    refresh->table->location,
	                                    refresh->table->serverid,
	                                    refresh->relation->rd_rel->relowner,
	                                    1);
	flowlog_return_to(&before);
	refresh->list = flowlog_catalogue_find(refresh->table, refresh->meaning, GetActiveSnapshot());
	/* who alters the catalogue need not wait for the listing, nor queries for him */
	if (OidIsValid(lists))
		UnlockRelationOid(lists, AccessShareLock);
	PopActiveSnapshot();
}

/* Lists the owner's files that a pruner keeps, without those of days before one. */
static void
list_kept(Refresh *refresh, FlowPruner pruner, int64 known_before)
{
	FlowlogTable *table = refresh->table;
	FlowAccess access = flowlog_get_access(refresh->store);
	FlowKnown known = {.before = known_before};
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

/* Leaves out all, and whatever cannot have an earlier day: FlowPruner's evaluate. */
static FlowStatus
note_first(void *arg, const FlowObject *file, const FlowPathValue *values, FlowPruning *pruning,
           FlowError *error)
{
	Refresh *refresh = arg;
	int64_t from;
	int64_t to;
	bool known = flow_location_days(refresh->table->location, values, &from, &to);

	*pruning = FLOW_PRUNE_BY_PATH;
	if (file == NULL && (!known || (from < refresh->until && to - from > USECS_PER_DAY)))
		*pruning = FLOW_KEEP;
	else if (known)
		refresh->until = Min(refresh->until, from);
	return FLOW_OK;
}

/*
 * Sets the day up to which this transaction lists: some days after those that
 * the list has or, without a list, after the first day that there is, for which
 * hardly more than the folders above it are listed.
 */
static void
choose_days(Refresh *refresh, int64 days)
{
	int64 from = refresh->list.before;

	refresh->until = refresh->before;
	if (from == PG_INT64_MIN)
	{
		list_kept(refresh, (FlowPruner) {refresh, note_first}, PG_INT64_MIN);
		flow_objects_free(&refresh->backend.host, refresh->objects);
		refresh->objects = NULL;
		from = refresh->until;
	}
	if (days < (refresh->before - from) / USECS_PER_DAY)
		refresh->until = from + days * USECS_PER_DAY;
	else
		refresh->until = refresh->before;
}

/*
 * Lists the files of settled days.  Those of days that the catalogue has are
 * left out, unless they are to be verified.
 */
static void
list_settled(Refresh *refresh, bool verify)
{
	list_kept(refresh,
	          (FlowPruner) {refresh, leave_out},
	          verify ? PG_INT64_MIN : refresh->list.before);
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
		flowlog_catalogue_delete_files(refresh->list.number);
	if (verify && is_valid)
		keep_new(refresh);

	number = flowlog_catalogue_write_list(refresh->table, refresh->meaning, refresh->until);
	flowlog_catalogue_write_files(refresh->table, number, refresh->objects);
	flowlog_catalogue_delete_dead();
	PopActiveSnapshot();
	flowlog_return_to(&before);
	if (refresh->list.is_valid && !is_valid)
		warn_of_changes(refresh);
}

/* How many days to list next, so that a transaction writes about FILES_AT_ONCE files. */
static int64
adapt_days(int64 days, uint64 files)
{
	if (files < FILES_AT_ONCE / 8)
		return days * 4;
	if (files < FILES_AT_ONCE / 2)
		return days * 2;
	return files > FILES_AT_ONCE ? Max(days / 2, 1) : days;
}

/*
 * Refreshes the list of a table by so many days, or verifies all of it.
 * Returns true if there are more, and adapts the number of days.
 */
static bool
refresh_days(Oid relid, bool verify, int64 *days)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "flowlog_fdw refresh", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Refresh *refresh = palloc0(sizeof(Refresh));
	bool more;

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
	refresh->until = refresh->before;
	if (verify || refresh->before > refresh->list.before)
	{
		if (!verify)
			choose_days(refresh, *days);
		list_settled(refresh, verify);
		*days = adapt_days(*days, refresh->objects->count);
		write_catalogue(refresh, verify);
	}
	more = refresh->until < refresh->before;
	relation_close(refresh->relation, NoLock);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return more;
}

/*
 * Refreshes the list of a table in transactions of its own.  After each, the
 * list has all files of the days before some day, so a scan takes these from it
 * and lists the others; and what was listed stays if a later one fails.
 */
static void
refresh_list(Oid relid, bool verify)
{
	int64 days = FIRST_DAYS;
	bool more;

	do
	{
		flowlog_commit();
		more = refresh_days(relid, verify, &days);
	} while (more);
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

	flowlog_check_procedure(fcinfo, "CALL flowlog_list_refresh");
	tables = tables_of(PG_GETARG_OID(0));

	SPI_connect_ext(SPI_OPT_NONATOMIC);
	foreach(cell, tables)
		refresh_list(lfirst_oid(cell), verify);
	SPI_finish();
	PG_RETURN_VOID();
}
