/*-------------------------------------------------------------------------
 *
 * index_definition.c
 *	  Which table has an index, of which columns, and what its entries mean.
 *
 *-------------------------------------------------------------------------
 */
#include "index.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/skey.h"
#include "access/stratnum.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/nodes.h"
#include "nodes/value.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

/*
 * The number of the reader's own meaning.  To be raised by any release that
 * changes which lines are rows, which values they have, or the form of keys
 * and blocks.
 */
#define MEANING_VERSION 1

/* ---------- the tables ---------- */

void
flowlog_index_raise_damaged(const FlowlogTable *table)
{
	ereport(ERROR,
	        errcode(ERRCODE_INDEX_CORRUPTED),
	        errmsg("the index of foreign table \"%s\" is damaged", flowlog_message(table->name)),
	        errhint("Drop it with flowlog_index_drop(%s), and create it again.",
	                flowlog_index_quoted(table->name)));
}

Relation
flowlog_index_open(const char *name, LOCKMODE lock)
{
	Oid relid = flowlog_catalogue_table(name);

	if (!OidIsValid(relid))
		ereport(ERROR,
		        errcode(ERRCODE_UNDEFINED_TABLE),
		        errmsg("table \"%s\" of extension \"%s\" does not exist", name, "flowlog_fdw"));
	return table_open(relid, lock);
}

Relation
flowlog_index_open_btree(Relation relation, int first, int second)
{
	int columns[] = {first, second};

	return index_open(flowlog_catalogue_btree(relation, columns, second < 0 ? 1 : 2),
	                  AccessShareLock);
}

void
flowlog_index_rows_begin(FlowlogIndexRows *rows, const char *name, int first, int second,
                         int32 number, Snapshot snapshot)
{
	flowlog_index_rows_begin_at(rows, name, first, second, number, PG_INT32_MIN, snapshot);
}

void
flowlog_index_rows_begin_at(FlowlogIndexRows *rows, const char *name, int first, int second,
                            int32 number, int32 from, Snapshot snapshot)
{
	ScanKeyData keys[2];

	rows->relation = flowlog_index_open(name, AccessShareLock);
	rows->index = flowlog_index_open_btree(rows->relation, first, second);
	ScanKeyInit(&keys[0], first + 1, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(number));
	ScanKeyInit(&keys[1], second + 1, BTGreaterEqualStrategyNumber, F_INT4GE, Int32GetDatum(from));
	rows->scan = systable_beginscan_ordered(rows->relation,
	                                        rows->index,
	                                        snapshot,
	                                        from == PG_INT32_MIN ? 1 : 2,
	                                        keys);
}

bool
flowlog_index_rows_next(FlowlogIndexRows *rows, Datum *values, bool *isnull)
{
	HeapTuple tuple = systable_getnext_ordered(rows->scan, ForwardScanDirection);

	CHECK_FOR_INTERRUPTS();
	if (!HeapTupleIsValid(tuple))
		return false;
	heap_deform_tuple(tuple, RelationGetDescr(rows->relation), values, isnull);
	return true;
}

void
flowlog_index_rows_end(FlowlogIndexRows *rows)
{
	systable_endscan_ordered(rows->scan);
	index_close(rows->index, NoLock);
	table_close(rows->relation, NoLock);
}

/* Returns the name of a table as an argument in a hint. */
const char *
flowlog_index_quoted(const char *name)
{
	return flowlog_message(quote_literal_cstr(quote_identifier(name)));
}

/* ---------- definitions ---------- */

/* Makes the index that a row of the definitions says. */
static FlowlogIndex *
read_definition(TupleDesc desc, HeapTuple tuple)
{
	FlowlogIndex *index = palloc0(sizeof(FlowlogIndex));
	Datum values[FLOWLOG_DEFINITION_NATTS];
	bool isnull[FLOWLOG_DEFINITION_NATTS];
	Datum *names;
	int count;

	heap_deform_tuple(tuple, desc, values, isnull);
	index->number = DatumGetInt32(values[FLOWLOG_DEFINITION_NUMBER]);
	index->relid = DatumGetObjectId(values[FLOWLOG_DEFINITION_TABLE]);
	index->seeds[0] = (uint64) DatumGetInt64(values[FLOWLOG_DEFINITION_SEED1]);
	index->seeds[1] = (uint64) DatumGetInt64(values[FLOWLOG_DEFINITION_SEED2]);
	deconstruct_array(DatumGetArrayTypeP(values[FLOWLOG_DEFINITION_COLUMNS]),
	                  TEXTOID,
	                  -1,
	                  false,
	                  TYPALIGN_INT,
	                  &names,
	                  NULL,
	                  &count);
	for (int i = 0; i < count && i < FLOWLOG_INDEX_COLUMNS; i++)
		index->names = lappend(index->names, makeString(TextDatumGetCString(names[i])));
	return index;
}

/* Returns the indexes of a table, or of all tables if that is InvalidOid. */
static List *
find_definitions(Oid relid, Snapshot snapshot)
{
	static const int column = FLOWLOG_DEFINITION_TABLE;
	Oid definitions = flowlog_catalogue_table(FLOWLOG_INDEX_DEFINITIONS);
	List *found = NIL;
	Relation relation;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;

	/* a database may have an older version of the extension's objects */
	if (!OidIsValid(definitions))
		return NIL;
	relation = table_open(definitions, AccessShareLock);
	ScanKeyInit(&key,
	            FLOWLOG_DEFINITION_TABLE + 1,
	            BTEqualStrategyNumber,
	            F_OIDEQ,
	            ObjectIdGetDatum(relid));
	scan = systable_beginscan(relation,
	                          flowlog_catalogue_btree(relation, &column, 1),
	                          OidIsValid(relid),
	                          snapshot,
	                          OidIsValid(relid) ? 1 : 0,
	                          &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		found = lappend(found, read_definition(RelationGetDescr(relation), tuple));
	systable_endscan(scan);
	table_close(relation, NoLock);
	return found;
}

FlowlogIndex *
flowlog_index_find(Oid relid, Snapshot snapshot)
{
	List *found = find_definitions(relid, snapshot);

	return found == NIL ? NULL : linitial(found);
}

List *
flowlog_index_find_all(Snapshot snapshot)
{
	return find_definitions(InvalidOid, snapshot);
}

/* Returns the table's column of that name if it can be indexed, or -1. */
int
flowlog_index_find_column(const FlowlogTable *table, const char *name)
{
	table = flowlog_table_with_bases(table);
	for (int i = 0; i < table->ncolumns; i++)
		if (strcmp(table->columns[i].name, name) == 0)
			return flow_index_takes(&table->columns[i]) ? i : -1;
	return -1;
}

bool
flowlog_index_is_address(const FlowColumn *column)
{
	static const char *const fields[] = {"srcaddr", "dstaddr", "pkt-srcaddr", "pkt-dstaddr"};
	const char *field = flow_field_name(flowlog_column_field(column));

	for (int i = 0; field != NULL && i < (int) lengthof(fields); i++)
		if (strcmp(field, fields[i]) == 0)
			return true;
	return false;
}

void
flowlog_index_find_columns(const FlowlogIndex *index, const FlowlogTable *table,
                           int columns[FLOWLOG_INDEX_COLUMNS])
{
	int count = 0;
	ListCell *cell;

	table = flowlog_table_with_bases(table); /* once for all */
	foreach(cell, index->names)
		columns[count++] = flowlog_index_find_column(table, strVal(lfirst(cell)));
}

/* Returns true if the column is filled by a field of the record that is known by a name. */
static bool
has_field(const FlowColumn *column, const char *field)
{
	const char *name = flow_field_name(flowlog_column_field(column));

	return column->source == FLOW_FROM_RECORD && name != NULL && strcmp(name, field) == 0;
}

/* Returns true if the extremes of a time can be kept as integers. */
static bool
is_time(const FlowColumn *column)
{
	return column->type == FLOW_TIME || column->type == FLOW_DAY || column->type == FLOW_INT16 ||
	       column->type == FLOW_INT32 || column->type == FLOW_INT64;
}

FlowlogIndexColumns
flowlog_index_columns(const FlowlogTable *table)
{
	FlowlogIndexColumns columns = {{-1, -1}, {-1, -1}};

	/* the first column of each is taken */
	for (int i = table->ncolumns - 1; i >= 0; i--)
	{
		const FlowColumn *column = &table->columns[i];

		for (int k = 0; k < 2; k++)
		{
			if (is_time(column) && has_field(column, k == 0 ? "start" : "end"))
				columns.times[k] = i;
			if (column->type == FLOW_TEXT && has_field(column, k == 0 ? "action" : "log-status"))
				columns.groups[k] = i;
		}
	}
	return columns;
}

Bitmapset *
flowlog_index_attrs(const FlowlogTable *table, Snapshot snapshot)
{
	FlowlogIndex *index = flowlog_index_find(table->relid, snapshot);
	FlowlogIndexColumns others = flowlog_index_columns(table);
	int columns[FLOWLOG_INDEX_COLUMNS];
	Bitmapset *attrs = NULL;

	if (index == NULL)
		return NULL;
	flowlog_index_find_columns(index, table, columns);
	for (int i = 0; i < list_length(index->names); i++)
		if (columns[i] >= 0)
			attrs = bms_add_member(attrs,
			                       table->attnums[columns[i]] - FirstLowInvalidHeapAttributeNumber);
	for (int i = 0; i < (int) lengthof(others.times); i++)
		if (others.times[i] >= 0)
			attrs = bms_add_member(attrs,
			                       table->attnums[others.times[i]] -
			                           FirstLowInvalidHeapAttributeNumber);
	return attrs;
}

/* ---------- what entries mean ---------- */

/* Appends a text that may be missing, so that no other text gives the same. */
static void
add_text(StringInfo all, const char *text)
{
	if (text == NULL)
		appendStringInfoChar(all, 'n');
	else
		appendStringInfo(all, "%d:%s", (int) strlen(text), text);
}

/*
 * Appends a domain's constraints, which decide which values are bad, as they
 * are stored.  The type cache would plan them, which may call the functions of
 * whoever owns the domain, with the rights of whoever refreshes or looks.
 */
static void
add_constraints(StringInfo all, Oid type)
{
	Relation relation = table_open(ConstraintRelationId, AccessShareLock);

	while (get_typtype(type) == TYPTYPE_DOMAIN)
	{
		HeapTuple domain = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
		ScanKeyData key;
		SysScanDesc scan;
		HeapTuple tuple;

		if (!HeapTupleIsValid(domain))
			elog(ERROR, "cache lookup failed for type %u", type);
		ScanKeyInit(&key,
		            Anum_pg_constraint_contypid,
		            BTEqualStrategyNumber,
		            F_OIDEQ,
		            ObjectIdGetDatum(type));
		scan = systable_beginscan(relation, ConstraintTypidIndexId, true, NULL, 1, &key);
		while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		{
			bool isnull;
			Datum check =
				heap_getattr(tuple, Anum_pg_constraint_conbin, RelationGetDescr(relation), &isnull);

			if (!isnull)
				add_text(all, TextDatumGetCString(check));
		}
		systable_endscan(scan);
		appendStringInfo(all, " %d", (int) ((Form_pg_type) GETSTRUCT(domain))->typnotnull);
		type = ((Form_pg_type) GETSTRUCT(domain))->typbasetype;
		ReleaseSysCache(domain);
	}
	table_close(relation, AccessShareLock);
}

/* Appends a column. */
static void
add_column(StringInfo all, const FlowColumn *column, Form_pg_attribute attribute)
{
	add_text(all, column->name);
	add_text(all, column->field);
	appendStringInfo(all,
	                 " %d %d %d %d %d %d %d %u %d",
	                 (int) column->type,
	                 column->max_chars,
	                 column->precision,
	                 column->scale,
	                 (int) column->not_null,
	                 (int) column->source,
	                 column->variable,
	                 attribute->atttypid,
	                 attribute->atttypmod);
	if (column->null_text == NULL)
		add_text(all, NULL);
	else
		add_text(all, pnstrdup(column->null_text, column->null_len));
	add_constraints(all, attribute->atttypid);
}

void
flowlog_index_meaning(const FlowlogIndex *index, const FlowlogTable *table,
                      unsigned char meaning[FLOWLOG_INDEX_MEANING])
{
	const FlowlogOptions *options = &table->options;
	Relation relation = table_open(table->relid, AccessShareLock);
	TupleDesc desc = RelationGetDescr(relation);
	StringInfoData all;
	ListCell *cell;

	table = flowlog_table_with_bases(table);
	initStringInfo(&all);
	appendStringInfo(&all,
	                 "%d %d %d %d %d " INT64_FORMAT,
	                 MEANING_VERSION,
	                 GetDatabaseEncoding(),
	                 (int) options->header,
	                 (int) options->on_error,
	                 options->max_line_length,
	                 options->reject_limit);
	add_text(&all, options->location);
	add_text(&all, options->regex);
	add_text(&all, options->log_format);
	add_text(&all, options->null_text);
	add_text(&all, options->compression);
	for (int i = 0; i < table->ncolumns; i++)
		add_column(&all, &table->columns[i], TupleDescAttr(desc, table->attnums[i] - 1));
	appendStringInfoChar(&all, ';');
	foreach(cell, index->names)
		add_text(&all, strVal(lfirst(cell)));
	table_close(relation, NoLock);

	for (int i = 0; i < 2; i++)
	{
		uint64 hash =
			DatumGetUInt64(hash_any_extended((unsigned char *) all.data, all.len, index->seeds[i]));

		memcpy(meaning + i * sizeof(hash), &hash, sizeof(hash));
	}
	pfree(all.data);
}

/* ---------- hashes of files ---------- */

/* Mixes the bits of a number, as SplitMix64 does. */
static inline uint64
mix(uint64 x)
{
	x = (x ^ (x >> 30)) * UINT64CONST(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64CONST(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

/* Adds a number to a hash. */
static inline void
add_number(FlowlogIndexHash *hash, uint64 number)
{
	hash->word[0] = mix(hash->word[0] ^ number);
	hash->word[1] = mix(hash->word[1] ^ number);
}

/* Adds the length and the bytes of a text to a hash. */
static FlowlogIndexHash
add_text_to_hash(FlowlogIndexHash hash, const char *text)
{
	size_t len = strlen(text);
	uint64 number;

	add_number(&hash, len);
	for (; len >= sizeof(number); len -= sizeof(number), text += sizeof(number))
	{
		memcpy(&number, text, sizeof(number));
		add_number(&hash, number);
	}
	number = 0;
	memcpy(&number, text, len);
	add_number(&hash, number);
	return hash;
}

/*
 * Returns the hash of a file's path and identity.  The seeds are secret, so
 * nobody can find two files with the same.  PostgreSQL's own hash functions
 * make 64 bits at most, so they would have to be called twice.  This is done for
 * each file of a listing: 840 instructions instead of 1,590 for a path of 155
 * bytes.
 */
FlowlogIndexHash
flowlog_index_hash(const FlowlogIndex *index, const FlowObject *object)
{
	FlowlogIndexHash hash = {{index->seeds[0], index->seeds[1]}};

	add_number(&hash, object->size);
	add_number(&hash, (uint64) object->modified);
	add_number(&hash, (uint64) object->changed);
	add_number(&hash, object->device);
	add_number(&hash, object->inode);
	hash = add_text_to_hash(hash, object->path);
	return object->version != NULL ? add_text_to_hash(hash, object->version) : hash;
}
