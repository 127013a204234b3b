/*-------------------------------------------------------------------------
 *
 * catalogue.c
 *	  Reads the files of settled days from the catalogue.
 *
 * Option "settled_after" is a promise: folders of days that are that long past
 * do not change any more.  CALL flowlog_list_refresh() lists them and keeps the
 * list in tables of the extension (see list_refresh.c); a scan takes it from
 * there, and lists only what is not settled.
 *
 * A table has one list, which has the files of all days before one day.  So
 * that day is all there is to compare: files of days before it, and before the
 * first day that is not settled now, come from the catalogue, and the listing
 * leaves them out (see FlowKnown).  A list counts only if it was made under the
 * options that the table has now.
 *
 * The tables belong to the extension's owner, and no rights on them are
 * granted; they are read here without any, by the statement's snapshot.  The
 * process that begins the list reads them, which is never a parallel worker.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"
#include "catalogue.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/skey.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_index.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* Raised by a release whose listings find other files. */
#define LISTING_VERSION 1

/* The columns of flowlog_lists, from 0. */
enum
{
	LIST_NUMBER,
	LIST_TABLE,
	LIST_MEANING,
	LIST_BEFORE,
	LIST_COLUMNS = 5 /* and when it was made */
};

/* ---------- the catalogue's tables ---------- */

/* Returns the schema of an extension. */
static Oid
schema_of(Oid extension)
{
	Relation relation = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;
	Oid schema = InvalidOid;

	ScanKeyInit(&key,
	            Anum_pg_extension_oid,
	            BTEqualStrategyNumber,
	            F_OIDEQ,
	            ObjectIdGetDatum(extension));
	scan = systable_beginscan(relation, ExtensionOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		schema = ((Form_pg_extension) GETSTRUCT(tuple))->extnamespace;
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return schema;
}

/* Returns a table of the extension, or InvalidOid. */
Oid
flowlog_catalogue_table(const char *name)
{
	Oid extension = get_extension_oid("flowlog_fdw", true);
	Oid relid;

	if (!OidIsValid(extension))
		return InvalidOid;
	relid = get_relname_relid(name, schema_of(extension));
	if (!OidIsValid(relid) || get_rel_relkind(relid) != RELKIND_RELATION ||
	    getExtensionOfObject(RelationRelationId, relid) != extension)
		return InvalidOid;
	return relid;
}

/*
 * Returns the index of a table whose columns begin with these, from 0.  Others
 * may have been added.
 */
Oid
flowlog_catalogue_btree(Relation relation, const int *columns, int ncolumns)
{
	List *indexes = RelationGetIndexList(relation);
	ListCell *cell;
	Oid found = InvalidOid;

	foreach(cell, indexes)
	{
		Relation index = index_open(lfirst_oid(cell), AccessShareLock);
		bool fits = index->rd_index->indisvalid && index->rd_rel->relam == BTREE_AM_OID &&
		            index->rd_index->indnkeyatts >= ncolumns &&
		            heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL);

		for (int i = 0; i < ncolumns && fits; i++)
			fits = index->rd_index->indkey.values[i] == columns[i] + 1 &&
			       (index->rd_indoption[i] & INDOPTION_DESC) == 0;
		if (fits)
			found = lfirst_oid(cell);
		index_close(index, AccessShareLock);
	}
	list_free(indexes);
	if (!OidIsValid(found))
		elog(ERROR, "table \"%s\" has lost its index", RelationGetRelationName(relation));
	return found;
}

/* ---------- what is settled ---------- */

/* Returns what decides which files a table has. */
char *
flowlog_catalogue_meaning(const FlowlogTable *table)
{
	FlowlogOptions server;

	/* the shard is not part of it: a list has the files of all shards */
	flowlog_options_parse(&server,
	                      GetForeignServer(table->serverid)->options,
	                      ForeignServerRelationId);
	return psprintf("%d " INT64_FORMAT " %s%s %s %s",
	                LISTING_VERSION,
	                table->options.settled_after,
	                server.endpoint_plain ? "http://" : "https://",
	                server.endpoint_host != NULL ? server.endpoint_host : "",
	                server.region != NULL ? server.region : "",
	                flowlog_valid_text(table->options.location));
}

/* Finds the list of a table, as the snapshot sees it. */
FlowlogList
flowlog_catalogue_find(const FlowlogTable *table, const char *meaning, Snapshot snapshot)
{
	static const int column = LIST_TABLE;
	Oid relid = flowlog_catalogue_table(FLOWLOG_LISTS);
	FlowlogList found = {0, false, PG_INT64_MIN};
	Relation relation;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;
	Datum values[LIST_COLUMNS];
	bool isnull[LIST_COLUMNS];

	if (!OidIsValid(relid))
		return found;
	relation = table_open(relid, AccessShareLock);
	ScanKeyInit(&key,
	            LIST_TABLE + 1,
	            BTEqualStrategyNumber,
	            F_OIDEQ,
	            ObjectIdGetDatum(table->relid));
	scan = systable_beginscan(relation,
	                          flowlog_catalogue_btree(relation, &column, 1),
	                          true,
	                          snapshot,
	                          1,
	                          &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		heap_deform_tuple(tuple, RelationGetDescr(relation), values, isnull);
		found.number = DatumGetInt32(values[LIST_NUMBER]);
		found.is_valid = strcmp(TextDatumGetCString(values[LIST_MEANING]), meaning) == 0;
		if (found.is_valid)
			found.before =
				((int64) DatumGetDateADT(values[LIST_BEFORE]) + FLOWLOG_EPOCH_DAYS) * USECS_PER_DAY;
	}
	systable_endscan(scan);
	table_close(relation, NoLock);
	return found;
}

/* Returns the beginning of the first day that is not settled. */
int64
flowlog_settled_before(const FlowlogTable *table, TimestampTz now)
{
	/* a day is settled if its end is before this */
	int64 limit = now + FLOWLOG_EPOCH_MICROSECONDS - table->options.settled_after;

	return flowlog_floor_divide(limit - 1, USECS_PER_DAY) * USECS_PER_DAY;
}

/* ---------- a scan's files ---------- */

/* What is known of a scan's files. */
typedef struct Known
{
	FlowKnown known;
	FlowlogScan *scan;
	int32 list;

	/* while they are added */
	FlowObjects *objects;
	FlowStatus status;
	FlowError *error;
} Known;

/* Returns the bytes of a column as a text. */
static const char *
bytes_of(Datum value)
{
	const bytea *bytes = DatumGetByteaPP(value);

	return pnstrdup(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
}

/* Adds a file, given its row. */
static FlowStatus
add_file(Known *known, TupleDesc desc, HeapTuple tuple)
{
	Datum values[FLOWLOG_FILE_COLUMNS];
	bool isnull[FLOWLOG_FILE_COLUMNS];
	FlowObject object;

	heap_deform_tuple(tuple, desc, values, isnull);
	object = (FlowObject) {
		.path = bytes_of(values[FLOWLOG_FILE_PATH]),
		.size = (uint64) DatumGetInt64(values[FLOWLOG_FILE_BYTES]),
		.modified = DatumGetInt64(values[FLOWLOG_FILE_MODIFIED]),
		.device = (uint64) DatumGetInt64(values[FLOWLOG_FILE_DEVICE]),
		.inode = (uint64) DatumGetInt64(values[FLOWLOG_FILE_INODE]),
		.changed = DatumGetInt64(values[FLOWLOG_FILE_CHANGED]),
		.version = isnull[FLOWLOG_FILE_VERSION] ? NULL : bytes_of(values[FLOWLOG_FILE_VERSION]),
		.archived = DatumGetBool(values[FLOWLOG_FILE_ARCHIVED]),
		.settled = true,
	};
	return flow_objects_add_known(&known->scan->backend.host,
	                              known->objects,
	                              &object,
	                              known->error);
}

/*
 * Begins to read the files of days after a day and before the end of what is
 * known.
 */
static SysScanDesc
begin_days(const Known *known, Relation files, Relation index, DateADT after)
{
	DateADT before = (DateADT) (known->known.before / USECS_PER_DAY - FLOWLOG_EPOCH_DAYS);
	ScanKeyData keys[3];
	int nkeys = after == DATEVAL_NOBEGIN ? 2 : 3; /* no day is before that one */

	ScanKeyInit(&keys[0],
	            FLOWLOG_FILE_LIST + 1,
	            BTEqualStrategyNumber,
	            F_INT4EQ,
	            Int32GetDatum(known->list));
	ScanKeyInit(&keys[1],
	            FLOWLOG_FILE_DAY + 1,
	            BTLessStrategyNumber,
	            F_DATE_LT,
	            DateADTGetDatum(before));
	ScanKeyInit(&keys[2],
	            FLOWLOG_FILE_DAY + 1,
	            BTGreaterStrategyNumber,
	            F_DATE_GT,
	            DateADTGetDatum(after));
	return systable_beginscan_ordered(files, index, GetActiveSnapshot(), nkeys, keys);
}

/*
 * Adds files from the current place of the scan on, up to a day of which none
 * is wanted.  Returns true if there is such a day, and sets *day to it.
 */
static bool
add_days(Known *known, SysScanDesc scan, TupleDesc desc, DateADT *day, MemoryContext row)
{
	bool begun = false;
	HeapTuple tuple;

	while (known->status == FLOW_OK &&
	       HeapTupleIsValid(tuple = systable_getnext_ordered(scan, ForwardScanDirection)))
	{
		MemoryContext old = MemoryContextSwitchTo(row);
		bool isnull;
		DateADT of = DatumGetDateADT(heap_getattr(tuple, FLOWLOG_FILE_DAY + 1, desc, &isnull));
		bool keep = true;

		CHECK_FOR_INTERRUPTS();
		if ((!begun || of != *day) && of != DATEVAL_NOBEGIN)
			known->status =
				flow_objects_prune_day(known->objects,
			                           ((int64) of + FLOWLOG_EPOCH_DAYS) * USECS_PER_DAY,
			                           &keep,
			                           known->error);
		begun = true;
		*day = of;
		if (known->status == FLOW_OK && keep)
			known->status = add_file(known, desc, tuple);
		MemoryContextSwitchTo(old);
		MemoryContextReset(row);
		if (!keep)
			return true;
	}
	return false;
}

/* Adds the files of settled days.  May raise errors. */
static void
add_files(void *arg)
{
	Known *known = arg;
	static const int columns[] = {FLOWLOG_FILE_LIST, FLOWLOG_FILE_DAY};
	Oid relid = flowlog_catalogue_table(FLOWLOG_LISTED_FILES);
	Relation files;
	Relation index;
	DateADT after = DATEVAL_NOBEGIN;
	bool more = true;
	MemoryContext row;

	if (!OidIsValid(relid))
		elog(ERROR, "the extension has lost table \"%s\"", FLOWLOG_LISTED_FILES);
	row = AllocSetContextCreate(CurrentMemoryContext, "flowlog_fdw row", ALLOCSET_SMALL_SIZES);
	files = table_open(relid, AccessShareLock);
	index = index_open(flowlog_catalogue_btree(files, columns, lengthof(columns)), AccessShareLock);

	/* days of which no file is wanted are passed over by the index */
	while (more)
	{
		SysScanDesc scan = begin_days(known, files, index, after);

		more = add_days(known, scan, RelationGetDescr(files), &after, row);
		systable_endscan_ordered(scan);
	}
	index_close(index, NoLock);
	table_close(files, NoLock);
	MemoryContextDelete(row);
}

/* Adds the files of settled days: FlowKnown's add. */
static FlowStatus
add_known(void *arg, FlowObjects *objects, FlowError *error)
{
	Known *known = arg;

	known->objects = objects;
	known->status = FLOW_OK;
	known->error = error;
	if (!flowlog_backend_call(&known->scan->backend, add_files, known))
		return flowlog_backend_interrupted(error);
	return known->status;
}

/* Returns what the catalogue knows of a scan's files, or NULL. */
const FlowKnown *
flowlog_known_begin(FlowlogScan *scan, const FlowPruner *pruner)
{
	const FlowlogTable *table = scan->table;
	FlowlogList list;
	Known *known;
	int64 before;

	if (table->options.settled_after < 0 || !ActiveSnapshotSet())
		return NULL;
	list = flowlog_catalogue_find(table, scan->meaning, GetActiveSnapshot());
	before = Min(list.before, flowlog_settled_before(table, GetCurrentTransactionStartTimestamp()));
	if (!list.is_valid || before == PG_INT64_MIN)
		return NULL;

	known = palloc0(sizeof(Known));
	known->scan = scan;
	known->list = list.number;
	known->known = (FlowKnown) {
		.before = before,
		.all =
			pruner != NULL && flowlog_prune_ends_before(scan->prune,
	                                                    flow_location_day_variable(table->location),
	                                                    before),
		.add = add_known,
		.arg = known,
	};
	return &known->known;
}

/* Adds a hint to an error about a file of the catalogue. */
void
flowlog_known_hint(const FlowlogScan *scan, FlowError *error)
{
	if ((error->status != FLOW_NOT_FOUND && error->status != FLOW_CHANGED) || scan->objects == NULL)
		return;
	for (size_t i = 0; i < scan->objects->count; i++)
	{
		const FlowObject *object = &scan->objects->items[i];

		if (!object->settled || strcmp(object->path, error->path) != 0)
			continue;
		snprintf(
			error->hint,
			sizeof(error->hint),
			"By option \"settled_after\" the file's day is settled, so it was not listed again: "
			"CALL flowlog_list_refresh(%s, verify => true).",
			flowlog_message(quote_literal_cstr(quote_identifier(scan->table->name))));
		return;
	}
}
