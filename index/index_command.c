/*-------------------------------------------------------------------------
 *
 * index_command.c
 *	  flowlog_index_create and flowlog_index_drop: the definitions of indexes.
 *
 *-------------------------------------------------------------------------
 */
#include "index.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "tcop/utility.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

FLOWLOG_FUNCTION(flowlog_index_create);
FLOWLOG_FUNCTION(flowlog_index_drop);

/* ---------- columns ---------- */

/* Returns true if a column is indexed by default. */
static bool
is_default(const FlowColumn *column)
{
	const char *field = flow_field_name(flowlog_column_field(column));

	return flow_index_takes(column) && (flowlog_index_is_address(column) ||
	                                    (field != NULL && strcmp(field, "interface-id") == 0));
}

/* Returns the names of the columns that are indexed by default. */
static List *
default_columns(const FlowlogTable *table)
{
	List *names = NIL;

	for (int i = 0; i < table->ncolumns; i++)
		if (is_default(&table->columns[i]))
			names = lappend(names, makeString(pstrdup(table->columns[i].name)));
	if (names == NIL)
		ereport(ERROR,
		        errcode(ERRCODE_UNDEFINED_COLUMN),
		        errmsg("foreign table \"%s\" has no column of addresses or of an interface",
		               flowlog_message(table->name)),
		        errhint("Name the columns to index: SELECT flowlog_index_create(%s, ARRAY[...]).",
		                flowlog_index_quoted(table->name)));
	return names;
}

/* Returns the names of the columns in an array, after checking them. */
static List *
named_columns(const FlowlogTable *table, ArrayType *array)
{
	List *names = NIL;
	Datum *values;
	bool *isnull;
	int count;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &values, &isnull, &count);
	if (count == 0 || count > FLOWLOG_INDEX_COLUMNS)
		ereport(ERROR,
		        errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		        errmsg("an index has from 1 to %d columns", FLOWLOG_INDEX_COLUMNS));
	for (int i = 0; i < count; i++)
	{
		char *name = isnull[i] ? "" : TextDatumGetCString(values[i]);

		if (get_attnum(table->relid, name) <= 0)
			ereport(ERROR,
			        errcode(ERRCODE_UNDEFINED_COLUMN),
			        errmsg("column \"%s\" of foreign table \"%s\" does not exist",
			               name,
			               flowlog_message(table->name)));
		if (flowlog_index_find_column(table, name) < 0)
			ereport(ERROR,
			        errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			        errmsg("column \"%s\" of foreign table \"%s\" cannot be indexed",
			               name,
			               flowlog_message(table->name)),
			        errdetail("An index takes addresses, texts, integers and booleans of records. "
			                  "It has the times \"start\" and \"end\" of each file anyway."));
		if (list_member(names, makeString(name)))
			ereport(ERROR,
			        errcode(ERRCODE_DUPLICATE_COLUMN),
			        errmsg("column \"%s\" is named twice", name));
		names = lappend(names, makeString(name));
	}
	return names;
}

/* ---------- creating and dropping ---------- */

/* Returns the tables of an argument: itself, or its partitions and children. */
static List *
tables_of(Oid relid)
{
	List *tables = flowlog_catalogue_tables(relid,
	                                        ShareUpdateExclusiveLock,
	                                        flowlog_check_owner,
	                                        flowlog_is_flow_log);

	if (tables == NIL)
		ereport(ERROR,
		        errcode(ERRCODE_WRONG_OBJECT_TYPE),
		        errmsg("\"%s\" is not a foreign table of flow logs", get_rel_name(relid)));
	return tables;
}

/* Writes a definition. */
static void
insert_definition(Oid relid, List *names)
{
	char *table = flowlog_catalogue_name(FLOWLOG_INDEX_DEFINITIONS);
	Oid types[] = {OIDOID, TEXTARRAYOID, INT8OID, INT8OID};
	Datum *texts = palloc(sizeof(Datum) * list_length(names));
	uint64 seeds[2];
	Datum values[lengthof(types)];

	if (!pg_strong_random(seeds, sizeof(seeds)))
		ereport(ERROR,
		        errcode(ERRCODE_INTERNAL_ERROR),
		        errmsg("could not generate a random number"));
	for (int i = 0; i < list_length(names); i++)
		texts[i] = CStringGetTextDatum(strVal(list_nth(names, i)));
	values[0] = ObjectIdGetDatum(relid);
	values[1] = PointerGetDatum(
		construct_array(texts, list_length(names), TEXTOID, -1, false, TYPALIGN_INT));
	values[2] = Int64GetDatum((int64) seeds[0]);
	values[3] = Int64GetDatum((int64) seeds[1]);
	flowlog_catalogue_run(psprintf("INSERT INTO %s (\"table\", columns, seed1, seed2) "
	                               "VALUES ($1, $2, $3, $4)",
	                               table),
	                      lengthof(types),
	                      types,
	                      values);
}

/*
 * flowlog_index_create(regclass, text[]): defines an index, which has no
 * entries until it is refreshed.
 */
Datum
flowlog_index_create(PG_FUNCTION_ARGS)
{
	ListCell *cell;
	List *tables;

	flowlog_check_version();
	if (PG_ARGISNULL(0))
		ereport(ERROR,
		        errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
		        errmsg("the table must not be null"));
	PreventCommandIfReadOnly("flowlog_index_create");
	PreventCommandDuringRecovery("flowlog_index_create");

	/* another session that creates one waits, and then finds this one */
	flowlog_check_owner(PG_GETARG_OID(0));
	LockRelationOid(PG_GETARG_OID(0), ShareUpdateExclusiveLock);
	tables = tables_of(PG_GETARG_OID(0));

	SPI_connect();
	foreach(cell, tables)
	{
		const FlowlogTable *table = flowlog_table_with_bases(flowlog_table_open(lfirst_oid(cell)));
		List *names = PG_ARGISNULL(1) ? default_columns(table)
		                              : named_columns(table, PG_GETARG_ARRAYTYPE_P(1));
		FlowlogBefore before;

		PushActiveSnapshot(GetLatestSnapshot());
		if (flowlog_index_find(table->relid, GetActiveSnapshot()) != NULL)
			ereport(ERROR,
			        errcode(ERRCODE_DUPLICATE_OBJECT),
			        errmsg("foreign table \"%s\" already has an index",
			               flowlog_message(table->name)),
			        errhint("SELECT flowlog_index_drop(%s) drops it.",
			                flowlog_index_quoted(table->name)));
		before = flowlog_become(flowlog_catalogue_owner());
		insert_definition(table->relid, names);
		flowlog_return_to(&before);
		PopActiveSnapshot();
		CacheInvalidateRelcacheByRelid(table->relid); /* plans are made anew */
	}
	SPI_finish();
	PG_RETURN_VOID();
}

/* Deletes an index with all its entries. */
static void
delete_index(int32 number)
{
	static const char *const tables[] = {FLOWLOG_INDEX_BLOCKS,
	                                     FLOWLOG_INDEX_FILES,
	                                     FLOWLOG_INDEX_BATCHES,
	                                     FLOWLOG_INDEX_DEFINITIONS};
	Oid type = INT4OID;
	Datum value = Int32GetDatum(number);

	for (int i = 0; i < (int) lengthof(tables); i++)
		flowlog_catalogue_run(psprintf("DELETE FROM %s WHERE number = $1",
		                               flowlog_catalogue_name(tables[i])),
		                      1,
		                      &type,
		                      &value);
}

/* flowlog_index_drop(regclass): drops the index of a table. */
Datum
flowlog_index_drop(PG_FUNCTION_ARGS)
{
	Oid relid = PG_GETARG_OID(0);
	bool dropped = false;
	ListCell *cell;
	List *tables;

	flowlog_check_version();
	tables = tables_of(relid);
	SPI_connect();
	foreach(cell, tables)
	{
		FlowlogIndex *index;
		FlowlogBefore before;

		PushActiveSnapshot(GetLatestSnapshot());
		index = flowlog_index_find(lfirst_oid(cell), GetActiveSnapshot());
		if (index != NULL)
		{
			before = flowlog_become(flowlog_catalogue_owner());
			delete_index(index->number);
			flowlog_return_to(&before);
			CacheInvalidateRelcacheByRelid(index->relid);
			dropped = true;
		}
		PopActiveSnapshot();
	}
	SPI_finish();
	if (!dropped)
		ereport(ERROR,
		        errcode(ERRCODE_UNDEFINED_OBJECT),
		        errmsg("\"%s\" has no index of flow logs", get_rel_name(relid)));
	PG_RETURN_VOID();
}
