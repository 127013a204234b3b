/*-------------------------------------------------------------------------
 *
 * index_file.c
 *	  The rows of the files that an index covers.
 *
 *-------------------------------------------------------------------------
 */
#include "index.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"

void
flowlog_index_make_row(FlowlogIndexRow *row, const FlowlogIndex *index, int32 number,
                       const FlowlogIndexedFile *file)
{
	size_t size = offsetof(FlowlogIndexedFile, groups) +
	              sizeof(FlowlogIndexedGroup) * (file->ngroups > 0 ? file->ngroups : 0);

	row->file = number;
	row->hash = flowlog_index_hash(index, file->object);
	row->path = pstrdup(file->object->path);
	row->bytes = (int64) file->object->size;
	row->indexed = palloc(size);
	memcpy(row->indexed, file, size);
	if (file->error != NULL)
		row->indexed->error = pstrdup(file->error);
	for (int i = 0; i < file->ngroups; i++)
		for (int k = 0; k < 2; k++)
			if (file->groups[i].values[k].data != NULL)
				row->indexed->groups[i].values[k].data =
					pnstrdup(file->groups[i].values[k].data, file->groups[i].values[k].len);
}

/* Returns a file's line counts: column "ledger". */
static Datum
ledger_datum(const FlowCounts *counts)
{
	Datum values[] = {
		[FLOWLOG_LEDGER_HEADERS] = Int64GetDatum((int64) counts->headers),
		[FLOWLOG_LEDGER_BLANK] = Int64GetDatum((int64) counts->blank),
		[FLOWLOG_LEDGER_EMITTED] = Int64GetDatum((int64) counts->emitted),
		[FLOWLOG_LEDGER_REJECTED] = Int64GetDatum((int64) counts->rejected),
		[FLOWLOG_LEDGER_SET_NULL] = Int64GetDatum((int64) counts->set_null),
		[FLOWLOG_LEDGER_MESSAGES_SKIPPED] = Int64GetDatum((int64) counts->messages_skipped),
	};

	return flowlog_array_datum(values, NULL, lengthof(values), INT8OID);
}

/* Appends a value of a group: its length, or 0xFF for NULL, and its bytes. */
static void
add_group_value(StringInfo all, const FlowSlice *value)
{
	if (value->data == NULL)
		appendStringInfoChar(all, (char) 0xFF);
	else
	{
		appendStringInfoChar(all, (char) value->len);
		appendBinaryStringInfo(all, value->data, (int) value->len);
	}
}

/* Returns a file's records by action and log status; NULL if they are not known. */
static Datum
groups_datum(const FlowlogIndexedFile *file, bool *isnull)
{
	StringInfoData all;

	*isnull = file->ngroups < 0 || file->error != NULL;
	if (*isnull)
		return (Datum) 0;
	initStringInfo(&all);
	for (int i = 0; i < file->ngroups; i++)
	{
		for (int k = 0; k < 2; k++)
			add_group_value(&all, &file->groups[i].values[k]);
		appendBinaryStringInfo(&all, (char *) &file->groups[i].count, sizeof(uint64));
	}
	return flowlog_bytes_datum(all.data, all.len);
}

/* Takes a value of a group. */
static const char *
take_group_value(const char *data, const char *end, FlowSlice *value)
{
	size_t len;

	*value = (FlowSlice) {NULL, 0};
	if (data == NULL || data == end)
		return NULL;
	len = (unsigned char) *data++;
	if (len == 0xFF)
		return data;
	if (len > (size_t) (end - data))
		return NULL;
	*value = (FlowSlice) {data, len};
	return data + len;
}

const char *
flowlog_index_take_group(const char *data, const char *end, FlowlogIndexedGroup *group)
{
	for (int k = 0; k < 2; k++)
		data = take_group_value(data, end, &group->values[k]);
	if (data == NULL || (size_t) (end - data) < sizeof(group->count))
		return NULL;
	memcpy(&group->count, data, sizeof(group->count));
	return data + sizeof(group->count);
}

/* Sets the columns of a file's row. */
static void
set_row(int32 number, const FlowlogIndexRow *row, Datum *values, bool *isnull)
{
	const FlowlogIndexedFile *file = row->indexed;

	memset(isnull, 0, sizeof(bool) * FLOWLOG_FILES_NATTS);
	values[FLOWLOG_FILES_NUMBER] = Int32GetDatum(number);
	values[FLOWLOG_FILES_FILE] = Int32GetDatum(row->file);
	values[FLOWLOG_FILES_HASH1] = Int64GetDatum((int64) row->hash.word[0]);
	values[FLOWLOG_FILES_HASH2] = Int64GetDatum((int64) row->hash.word[1]);
	values[FLOWLOG_FILES_ADDRESS_COLUMNS] = Int32GetDatum((int32) file->address_columns);
	for (int i = 0; i < 2; i++)
	{
		int least = FLOWLOG_FILES_LEAST_START + 2 * i;

		isnull[least] = isnull[least + 1] = !file->has_times[i] || file->error != NULL;
		values[least] = Int64GetDatum(file->least[i]);
		values[least + 1] = Int64GetDatum(file->greatest[i]);
	}
	values[FLOWLOG_FILES_NULL_TIMES] =
		Int32GetDatum(file->has_null_time[0] | file->has_null_time[1] << 1);
	values[FLOWLOG_FILES_BYTES] = Int64GetDatum(row->bytes);
	values[FLOWLOG_FILES_LINES] = Int64GetDatum((int64) file->counts.lines);
	values[FLOWLOG_FILES_LEDGER] = ledger_datum(&file->counts);
	values[FLOWLOG_FILES_GROUPS] = groups_datum(file, &isnull[FLOWLOG_FILES_GROUPS]);
	isnull[FLOWLOG_FILES_ERROR] = file->error == NULL;
	values[FLOWLOG_FILES_ERROR] =
		file->error == NULL ? (Datum) 0 : CStringGetTextDatum(file->error);
	values[FLOWLOG_FILES_PATH] = flowlog_bytes_datum(row->path, strlen(row->path));
}

void
flowlog_index_write_rows(const FlowlogIndex *index, const FlowlogIndexRow *files, int count)
{
	Relation relation = flowlog_index_open(FLOWLOG_INDEX_FILES, RowExclusiveLock);
	CatalogIndexState indexes = CatalogOpenIndexes(relation);
	MemoryContext rows =
		AllocSetContextCreate(CurrentMemoryContext, "flowlog_fdw rows", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(rows);

	for (int i = 0; i < count; i++)
	{
		Datum values[FLOWLOG_FILES_NATTS];
		bool isnull[FLOWLOG_FILES_NATTS];

		CHECK_FOR_INTERRUPTS();
		set_row(index->number, &files[i], values, isnull);
		CatalogTupleInsertWithInfo(relation,
		                           heap_form_tuple(RelationGetDescr(relation), values, isnull),
		                           indexes);
		MemoryContextReset(rows);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(rows);
	CatalogCloseIndexes(indexes);
	table_close(relation, NoLock);
}
