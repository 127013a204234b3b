/*-------------------------------------------------------------------------
 *
 * list_write.c
 *	  Writes the catalogue of files of settled days: the statements of
 *	  flowlog_list_refresh().
 *
 * The caller has become the catalogue's owner, with a safe search_path, and is
 * connected to SPI, with an active snapshot.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"
#include "catalogue.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#define ROWS_AT_ONCE 1000

/* Deletes the lists of tables that do not exist, or lack the option, any more. */
void
flowlog_catalogue_delete_dead(void)
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
void
flowlog_catalogue_delete_files(int32 number)
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
int32
flowlog_catalogue_write_list(const FlowlogTable *table, const char *meaning, int64 before)
{
	Oid types[] = {OIDOID, TEXTOID, DATEOID};
	Datum values[] = {
		ObjectIdGetDatum(table->relid),
		CStringGetTextDatum(meaning),
		DateADTGetDatum((DateADT) (before / USECS_PER_DAY - FLOWLOG_EPOCH_DAYS)),
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
void
flowlog_catalogue_write_files(const FlowlogTable *table, int32 number, const FlowObjects *objects)
{
	MemoryContext rows =
		AllocSetContextCreate(CurrentMemoryContext, "flowlog_fdw rows", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(rows);

	for (size_t i = 0; i < objects->count; i += ROWS_AT_ONCE)
	{
		CHECK_FOR_INTERRUPTS();
		write_some(table, number, &objects->items[i], (int) Min(ROWS_AT_ONCE, objects->count - i));
		MemoryContextReset(rows);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(rows);
}
