/*-------------------------------------------------------------------------
 *
 * index_status.c
 *	  flowlog_index_status(), which view flowlog_indexes shows: how large the
 *	  indexes are, and how many files they lack.
 *
 *-------------------------------------------------------------------------
 */
#include "index.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

FLOWLOG_FUNCTION(flowlog_index_status);

/* The columns of the result, from 0. */
enum
{
	STATUS_TABLE,
	STATUS_COLUMNS,
	STATUS_FILES,
	STATUS_VALUES,
	STATUS_BYTES,
	STATUS_SHARE,
	STATUS_NOT_COVERED,
	STATUS_REFRESHED,
	STATUS_NATTS
};

/*
 * Returns true if the caller may SELECT the whole table, and no row security
 * applies.
 */
static bool
may_see(Oid relid)
{
	return get_rel_relkind(relid) != '\0' &&
	       pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK &&
	       check_enable_rls(relid, InvalidOid, true) != RLS_ENABLED;
}

/* Returns the names of an index's columns as an array. */
static Datum
names_of(const FlowlogIndex *index)
{
	Datum *names = palloc(sizeof(Datum) * (list_length(index->names) + 1));

	for (int i = 0; i < list_length(index->names); i++)
		names[i] = CStringGetTextDatum(strVal(list_nth(index->names, i)));
	return flowlog_array_datum(names, NULL, list_length(index->names), TEXTOID);
}

/* A row of the result that is being made. */
typedef struct Status
{
	const FlowlogIndex *index;
	Datum values[STATUS_NATTS];
	bool isnull[STATUS_NATTS];
} Status;

/* Sets a column of the result to a column of the only row that a statement returned. */
static void
take(Status *status, int column, int from)
{
	status->values[column] =
		SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, from, &status->isnull[column]);
}

/* Sets what the index's tables say: how many values, and how large they are. */
static void
add_sizes(Status *status, const FlowlogTable *table)
{
	unsigned char meaning[FLOWLOG_INDEX_MEANING];
	Oid types[] = {INT4OID, BYTEAOID};
	Datum arguments[] = {Int32GetDatum(status->index->number), (Datum) 0};
	FlowlogBefore before;

	flowlog_index_meaning(status->index, table, meaning);
	arguments[1] = flowlog_bytes_datum(meaning, FLOWLOG_INDEX_MEANING);
	before = flowlog_become(flowlog_catalogue_owner());
	flowlog_catalogue_run(
		psprintf("SELECT coalesce(sum(\"values\"), 0)::int8, coalesce(sum(bytes), 0)::int8, "
	             "max(made) FROM %s WHERE number = $1 AND meaning = $2",
	             flowlog_catalogue_name(FLOWLOG_INDEX_BATCHES)),
		lengthof(types),
		types,
		arguments);
	take(status, STATUS_VALUES, 1);
	take(status, STATUS_BYTES, 2);
	take(status, STATUS_REFRESHED, 3);
	flowlog_return_to(&before);
}

/* Compares the files that the table has with those that the index covers. */
static void
add_coverage(Status *status)
{
	const FlowlogIndex *index = status->index;
	FlowlogScan *scan = flowlog_scan_begin(index->relid, InvalidOid, CurrentMemoryContext);
	FlowlogIndexSearch *search =
		flowlog_index_search_begin(index, scan->table, &scan->backend, GetActiveSnapshot(), false);
	FlowlogIndexTable *files = flowlog_index_table_create(search);
	uint64 covered = 0;
	uint64 bytes = 0;

	flowlog_scan_list(scan);
	for (size_t i = 0; i < scan->objects->count; i++)
	{
		const FlowObject *object = &scan->objects->items[i];
		uint64 position;

		if (i % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
		if (!flowlog_index_table_find(files, flowlog_index_hash(index, object), &position) ||
		    !flowlog_index_search_files(search)->items[position].covered)
			continue;
		covered++;
		bytes += object->size;
	}
	status->values[STATUS_FILES] = Int64GetDatum((int64) covered);
	status->values[STATUS_NOT_COVERED] = Int64GetDatum((int64) (scan->objects->count - covered));
	status->values[STATUS_SHARE] =
		Float8GetDatum((double) DatumGetInt64(status->values[STATUS_BYTES]) / (double) bytes);
	status->isnull[STATUS_FILES] = false;
	status->isnull[STATUS_NOT_COVERED] = false;
	status->isnull[STATUS_SHARE] = bytes == 0;
	MemoryContextDelete(scan->context);
}

/* Sets what the table must be opened and listed for.  May raise errors of the table's. */
static void
add_numbers(void *arg)
{
	Status *status = arg;
	MemoryContext context = CurrentMemoryContext;

	add_sizes(status, flowlog_table_open(status->index->relid));
	MemoryContextSwitchTo(context); /* SPI leaves its own one */
	add_coverage(status);
}

/* Warns of a table whose files cannot be listed. */
static void
warn_of_failure(const FlowlogIndex *index, const ErrorData *error)
{
	const char *name = get_rel_name(index->relid);

	/* it may have been dropped meanwhile */
	if (name == NULL || error == NULL)
		return;
	ereport(WARNING,
	        errmsg("could not list the files of foreign table \"%s\"", flowlog_message(name)),
	        errdetail("The error is: %s.", flowlog_message(error->message)),
	        error->hint != NULL ? errhint("%s", flowlog_message(error->hint)) : 0);
}

/*
 * Fills the row of an index.  What its table must be opened and listed for is
 * NULL if that fails, so that a table does not hide the others.
 */
static void
make_row(Status *status)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "flowlog_fdw status", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	ErrorData *error;

	memset(status->isnull, true, sizeof(status->isnull));
	if (!flowlog_backend_try(add_numbers, status, &error))
		warn_of_failure(status->index, error);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);

	status->values[STATUS_TABLE] = ObjectIdGetDatum(status->index->relid);
	status->values[STATUS_COLUMNS] = names_of(status->index);
	status->isnull[STATUS_TABLE] = false;
	status->isnull[STATUS_COLUMNS] = false;
}

/* flowlog_index_status(): a row for each index of a table that the caller may read. */
Datum
flowlog_index_status(PG_FUNCTION_ARGS)
{
	TupleDesc desc;
	Tuplestorestate *result = flowlog_begin_result(fcinfo, &desc);
	ListCell *cell;

	flowlog_check_version();
	SPI_connect();
	foreach(cell, flowlog_index_find_all(GetActiveSnapshot()))
	{
		Status status = {.index = lfirst(cell)};

		if (!may_see(status.index->relid))
			continue;
		make_row(&status);
		tuplestore_putvalues(result, desc, status.values, status.isnull);
	}
	SPI_finish();
	return (Datum) 0;
}
