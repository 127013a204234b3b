/*-------------------------------------------------------------------------
 *
 * index_sighting.c
 *	  flowlog_sightings(): in which files addresses stand, and when, without
 *	  reading any of them.
 *
 * The answer is of the files that the table has now and that its index covers.
 * An index has the times of files, not of records: an address was seen between
 * the least and the greatest start of its files.
 *
 *-------------------------------------------------------------------------
 */
#include "index.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

FLOWLOG_FUNCTION(flowlog_sightings);

/* An address that was seen. */
typedef struct Sighting
{
	FlowIndexKey key; /* the hash table's; bytes after its end are 0 */
	int64 files;
	bool has_times;
	int64 first, last; /* microseconds since 1970 */
} Sighting;

/* What is looked for in a table. */
typedef struct Sight
{
	HTAB *found;
	const FlowlogIndexFiles *files;
	FlowlogIndexTable *table; /* marked: files that are listed, and count */
	FlowType time_type;       /* of column start */
} Sight;

/* ---------- addresses ---------- */

/* Returns the ranges of an array of addresses, in order and without overlaps. */
static FlowIndexRange *
ranges_of(FlowlogBackend *backend, ArrayType *array, size_t *count)
{
	Datum *addresses;
	bool *isnull;
	int naddresses;
	FlowAddress *networks;
	FlowIndexRange *ranges;
	size_t all = 0;
	FlowStatus status;

	deconstruct_array(array, INETOID, -1, false, TYPALIGN_INT, &addresses, &isnull, &naddresses);
	networks = MemoryContextAllocHuge(CurrentMemoryContext,
	                                  sizeof(FlowAddress) * ((size_t) naddresses + 1));
	ranges = MemoryContextAllocHuge(CurrentMemoryContext,
	                                sizeof(FlowIndexRange) * ((size_t) naddresses + 1));
	for (int i = 0; i < naddresses; i++)
	{
		FlowValue value;

		if (i % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
		if (isnull[i])
			continue;
		flowlog_value_from_datum(INETOID, addresses[i], &value);
		networks[all++] = value.address;
	}
	status = flow_index_network_ranges(&backend->host, networks, all, ranges, count);
	if (status != FLOW_OK)
		flowlog_raise_status(backend, status);
	pfree(networks);
	return ranges;
}

/* Returns the address of a key. */
static Datum
address_of(const FlowIndexKey *key)
{
	static const FlowColumn column = {.type = FLOW_ADDRESS};
	FlowValue value;

	memset(&value, 0, sizeof(value));
	value.address.family = key->bytes[0] == FLOW_INDEX_IPV4 ? 4 : 6;
	value.address.bits = key->bytes[0] == FLOW_INDEX_IPV4 ? 32 : 128;
	memcpy(value.address.bytes, key->bytes + 1, key->len - 1);
	return flowlog_value_to_datum(&column, &value);
}

/* ---------- files ---------- */

/* Returns a value of column start as microseconds since 1970. */
static int64
microseconds_of(FlowType type, int64 value)
{
	switch (type)
	{
		case FLOW_TIME:
			return value;
		case FLOW_DAY:
			return value * USECS_PER_DAY;
		default:
			return value * USECS_PER_SEC;
	}
}

/* Takes a file in which an address stands. */
static void
take_file(void *arg, const FlowIndexKey *key, uint64 position)
{
	Sight *sight = arg;
	const FlowlogIndexFile *file = &sight->files->items[position];
	FlowIndexKey whole;
	Sighting *sighting;
	bool found;
	int64 first;
	int64 last;

	if (!flowlog_index_table_is_marked(sight->table, position))
		return;
	memset(&whole, 0, sizeof(whole));
	whole.len = key->len;
	memcpy(whole.bytes, key->bytes, key->len);
	sighting = hash_search(sight->found, &whole, HASH_ENTER, &found);
	if (!found)
	{
		sighting->files = 0;
		sighting->has_times = false;
	}
	sighting->files++;
	if (!file->times[0].known)
		return;
	first = microseconds_of(sight->time_type, file->times[0].low);
	last = microseconds_of(sight->time_type, file->times[0].high);
	sighting->first = sighting->has_times ? Min(sighting->first, first) : first;
	sighting->last = sighting->has_times ? Max(sighting->last, last) : last;
	sighting->has_times = true;
}

/* Returns the mask of the index's text columns that have addresses by their fields. */
static uint32
text_addresses(const FlowlogIndex *index, const FlowlogTable *table)
{
	int columns[FLOWLOG_INDEX_COLUMNS];
	uint32 mask = 0;

	table = flowlog_table_with_bases(table);
	flowlog_index_find_columns(index, table, columns);
	for (int i = 0; i < list_length(index->names); i++)
	{
		const FlowColumn *column = columns[i] < 0 ? NULL : &table->columns[columns[i]];

		if (column != NULL && (column->type == FLOW_TEXT || column->type == FLOW_PADDED) &&
		    flowlog_index_is_address(column))
			mask |= UINT32_C(1) << i;
	}
	return mask;
}

/*
 * Marks the files that are listed and whose addresses the index has; returns
 * the number of the others.
 */
static uint64
mark_files(FlowlogIndexTable *table, const FlowlogIndexFiles *files, const FlowlogIndex *index,
           const FlowObjects *objects, uint32 texts)
{
	uint64 others = 0;

	for (size_t i = 0; i < objects->count; i++)
	{
		uint64 position;
		bool found = flowlog_index_table_find(table,
		                                      flowlog_index_hash(index, &objects->items[i]),
		                                      &position);

		if (i % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
		if (found && files->items[position].covered &&
		    (files->items[position].address_columns & texts) == texts)
			flowlog_index_table_mark(table, position);
		else
			others++;
	}
	return others;
}

/* Looks for the addresses in a table; returns the number of files that do not count. */
static uint64
look_at_table(Oid relid, HTAB *found, const FlowIndexRange *ranges, size_t count)
{
	FlowlogIndex *index = flowlog_index_find(relid, GetActiveSnapshot());
	FlowlogScan *scan;
	FlowlogIndexSearch *search;
	FlowlogIndexColumns columns;
	Sight sight = {.found = found};
	uint64 others;

	if (index == NULL)
		ereport(ERROR,
		        errcode(ERRCODE_UNDEFINED_OBJECT),
		        errmsg("foreign table \"%s\" has no index", flowlog_message(get_rel_name(relid))),
		        errhint("SELECT flowlog_index_create(%s) defines one.",
		                flowlog_index_quoted(get_rel_name(relid))));
	scan = flowlog_scan_begin(relid, InvalidOid, CurrentMemoryContext);
	search =
		flowlog_index_search_begin(index, scan->table, &scan->backend, GetActiveSnapshot(), false);
	columns = flowlog_index_columns(scan->table);
	sight.files = flowlog_index_search_files(search);
	sight.table = flowlog_index_table_create(search);
	if (columns.times[0] >= 0)
		sight.time_type = scan->table->columns[columns.times[0]].type;
	flowlog_scan_list(scan);
	others = mark_files(sight.table,
	                    sight.files,
	                    index,
	                    scan->objects,
	                    text_addresses(index, scan->table));
	flowlog_index_search_visit(search, ranges, count, take_file, &sight);
	MemoryContextDelete(scan->context);
	return others;
}

/* ---------- the function ---------- */

/* Puts what was found into the result. */
static void
return_sightings(HTAB *found, Tuplestorestate *result, TupleDesc desc)
{
	HASH_SEQ_STATUS status;
	const Sighting *sighting;

	hash_seq_init(&status, found);
	while ((sighting = hash_seq_search(&status)) != NULL)
	{
		Datum values[4];
		bool isnull[4] = {false, !sighting->has_times, !sighting->has_times, false};

		values[0] = address_of(&sighting->key);
		values[1] = TimestampTzGetDatum(sighting->first - FLOWLOG_EPOCH_MICROSECONDS);
		values[2] = TimestampTzGetDatum(sighting->last - FLOWLOG_EPOCH_MICROSECONDS);
		values[3] = Int64GetDatum(sighting->files);
		tuplestore_putvalues(result, desc, values, isnull);
	}
}

/* flowlog_sightings(regclass, inet[]): the files of addresses, and their times. */
Datum
flowlog_sightings(PG_FUNCTION_ARGS)
{
	TupleDesc desc;
	Tuplestorestate *result = flowlog_begin_result(fcinfo, &desc);
	HASHCTL control = {.keysize = sizeof(FlowIndexKey), .entrysize = sizeof(Sighting)};
	const FlowIndexRange *ranges;
	size_t count;
	uint64 others = 0;
	FlowlogBackend backend;
	HTAB *found;
	ListCell *cell;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return (Datum) 0;
	control.hcxt = CurrentMemoryContext;
	found =
		hash_create("flow log sightings", 1024, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	flowlog_backend_init(&backend, CurrentMemoryContext);
	ranges = ranges_of(&backend, PG_GETARG_ARRAYTYPE_P(1), &count);
	foreach(cell, flowlog_visible_tables(PG_GETARG_OID(0)))
		others += look_at_table(lfirst_oid(cell), found, ranges, count);
	return_sightings(found, result, desc);
	if (others > 0)
		ereport(WARNING,
		        errmsg("%llu files are not covered by the index", (unsigned long long) others),
		        errhint("CALL flowlog_index_refresh(%s) reads them.",
		                flowlog_index_quoted(get_rel_name(PG_GETARG_OID(0)))));
	return (Datum) 0;
}
