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

/* Sets a column of the result to a column of the only row that a statement returned. */
static void
take(int column, int from, Datum *values, bool *isnull)
{
	values[column] =
		SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, from, &isnull[column]);
}

/* Sets what the index's tables say: how many values, and how large they are. */
static void
add_sizes(const FlowlogIndex *index, const unsigned char *meaning, Datum *values, bool *isnull)
{
	FlowlogBefore before = flowlog_become(flowlog_catalogue_owner());
	Oid types[] = {INT4OID, BYTEAOID};
	Datum arguments[] = {Int32GetDatum(index->number),
	                     flowlog_bytes_datum(meaning, FLOWLOG_INDEX_MEANING)};

	flowlog_catalogue_run(
		psprintf("SELECT coalesce(sum(\"values\"), 0)::int8, coalesce(sum(bytes), 0)::int8, "
	             "max(made) FROM %s WHERE number = $1 AND meaning = $2",
	             flowlog_catalogue_name(FLOWLOG_INDEX_BATCHES)),
		lengthof(types),
		types,
		arguments);
	take(STATUS_VALUES, 1, values, isnull);
	take(STATUS_BYTES, 2, values, isnull);
	take(STATUS_REFRESHED, 3, values, isnull);
	flowlog_return_to(&before);
}

/* Compares the files that the table has with those that the index covers. */
static void
add_coverage(const FlowlogIndex *index, Datum *values, bool *isnull)
{
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
	values[STATUS_FILES] = Int64GetDatum((int64) covered);
	values[STATUS_NOT_COVERED] = Int64GetDatum((int64) (scan->objects->count - covered));
	values[STATUS_SHARE] =
		Float8GetDatum((double) DatumGetInt64(values[STATUS_BYTES]) / (double) bytes);
	isnull[STATUS_SHARE] = bytes == 0;
	MemoryContextDelete(scan->context);
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
		const FlowlogIndex *index = lfirst(cell);
		unsigned char meaning[FLOWLOG_INDEX_MEANING];
		Datum values[STATUS_NATTS];
		bool isnull[STATUS_NATTS] = {0};

		if (!may_see(index->relid))
			continue;
		flowlog_index_meaning(index, flowlog_table_open(index->relid), meaning);
		values[STATUS_TABLE] = ObjectIdGetDatum(index->relid);
		values[STATUS_COLUMNS] = names_of(index);
		add_sizes(index, meaning, values, isnull);
		add_coverage(index, values, isnull);
		tuplestore_putvalues(result, desc, values, isnull);
	}
	SPI_finish();
	return (Datum) 0;
}
