/*-------------------------------------------------------------------------
 *
 * function.c
 *	  SQL functions that return information about a table's flow logs.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include "access/relation.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "foreign/foreign.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"

#define RAW_LINE_SHOWN 1024

FLOWLOG_FUNCTION(flowlog_rejects);
FLOWLOG_FUNCTION(flowlog_files);
FLOWLOG_FUNCTION(flowlog_last_scan);

static PGFunction our_handler; /* the handler of this wrapper's tables */

/* Sets the handler by which this wrapper's tables are recognised. */
void
flowlog_function_init(PGFunction handler)
{
	our_handler = handler;
}

/*
 * Returns true for a foreign table of this wrapper; false if its wrapper has
 * no handler.
 */
bool
flowlog_is_flow_log(Oid relid)
{
	ForeignServer *server;
	Oid function;
	FmgrInfo handler;

	if (get_rel_relkind(relid) != RELKIND_FOREIGN_TABLE)
		return false;
	server = GetForeignServer(GetForeignTable(relid)->serverid);
	function = GetForeignDataWrapper(server->fdwid)->fdwhandler;
	if (!OidIsValid(function))
		return false;
	fmgr_info(function, &handler);
	return handler.fn_addr == our_handler;
}

static void
error_not_flow_log(Relation relation)
{
	ereport(ERROR,
	        errcode(ERRCODE_WRONG_OBJECT_TYPE),
	        errmsg("\"%s\" is not a foreign table of flow logs",
	               RelationGetRelationName(relation)));
}

/* Opens a relation by its regclass, which may be any number. */
static Relation
open_any(Oid relid)
{
	Relation relation = try_relation_open(relid, AccessShareLock);

	if (relation == NULL)
		ereport(ERROR,
		        errcode(ERRCODE_UNDEFINED_TABLE),
		        errmsg("relation with OID %u does not exist", relid));
	return relation;
}

/*
 * Opens a function's argument, which must be a foreign table of this wrapper.
 */
Relation
flowlog_open_argument(Oid relid)
{
	Relation relation = open_any(relid);

	if (!flowlog_is_flow_log(relid))
		error_not_flow_log(relation);
	return relation;
}

/* ---------- permissions ---------- */

/* Checks that the caller may SELECT the whole relation. */
static void
check_select(Relation relation)
{
	AclResult result = pg_class_aclcheck(RelationGetRelid(relation), GetUserId(), ACL_SELECT);

	if (result != ACLCHECK_OK)
		aclcheck_error(result,
		               get_relkind_objtype(relation->rd_rel->relkind),
		               RelationGetRelationName(relation));
}

/*
 * Checks that no policies of row-level security apply.  They cannot be applied
 * to what these functions show: lines that are not rows, and files.  As in a
 * query, the policies of the named table count, not those of its partitions.
 */
static void
check_row_security(Relation relation)
{
	if (check_enable_rls(RelationGetRelid(relation), InvalidOid, false) == RLS_ENABLED)
		ereport(ERROR,
		        errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
		        errmsg("permission denied to see all flow logs of table \"%s\"",
		               RelationGetRelationName(relation)),
		        errdetail("Row-level security policies of the table apply to role \"%s\".",
		                  GetUserNameFromId(GetUserId(), false)));
}

/*
 * Returns true if an inheritance child has columns that the table does not
 * have.
 */
static bool
has_other_columns(Relation child, Relation relation)
{
	TupleDesc desc = RelationGetDescr(child);

	for (int i = 0; i < desc->natts; i++)
		if (!TupleDescAttr(desc, i)->attisdropped &&
		    get_attnum(RelationGetRelid(relation), NameStr(TupleDescAttr(desc, i)->attname)) ==
		        InvalidAttrNumber)
			return true;
	return false;
}

/*
 * Returns the flow log tables that a table stands for: itself, or its
 * partitions and children.  The right to read the table is enough for these,
 * if all their columns are columns of the table.
 */
static List *
flow_log_tables(Relation relation)
{
	List *result = NIL;
	ListCell *cell;

	foreach(cell, find_all_inheritors(RelationGetRelid(relation), AccessShareLock, NULL))
	{
		Relation child;

		CHECK_FOR_INTERRUPTS();
		if (!flowlog_is_flow_log(lfirst_oid(cell)))
			continue;
		child = relation_open(lfirst_oid(cell), NoLock);
		if (has_other_columns(child, relation))
			check_select(child);
		relation_close(child, NoLock);
		result = lappend_oid(result, lfirst_oid(cell));
	}
	if (result == NIL)
		error_not_flow_log(relation);
	return result;
}

/*
 * Returns the flow log tables of a function's argument, after checking that
 * the caller may see all of their lines and file names.
 */
List *
flowlog_visible_tables(Oid relid)
{
	Relation relation = open_any(relid);
	List *tables;

	check_select(relation);
	check_row_security(relation);
	tables = flow_log_tables(relation);
	relation_close(relation, NoLock);
	return tables;
}

/* ---------- results ---------- */

/* Begins the result of a set-returning function that fills a tuplestore. */
Tuplestorestate *
flowlog_begin_result(FunctionCallInfo fcinfo, TupleDesc *desc)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext old;

	if (result == NULL || !IsA(result, ReturnSetInfo) ||
	    (result->allowedModes & SFRM_Materialize) == 0)
		ereport(ERROR,
		        errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		        errmsg("set-valued function called in context that cannot accept a set"));
	if (get_call_result_type(fcinfo, NULL, desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	/* the rows of another version may have other columns */
	flowlog_check_version();

	old = MemoryContextSwitchTo(result->econtext->ecxt_per_query_memory);
	result->returnMode = SFRM_Materialize;
	result->setResult = tuplestore_begin_heap(true, false, work_mem);
	result->setDesc = CreateTupleDescCopy(*desc);
	MemoryContextSwitchTo(old);
	return result->setResult;
}

/* Returns the raw line of a reject, cut, as text. */
static Datum
raw_datum(const FlowReject *reject)
{
	size_t len = reject->raw.len;
	char *raw = pnstrdup("", 0);

	if (len > 0)
	{
		raw = palloc(len);
		memcpy(raw, reject->raw.data, len);
	}
	for (size_t i = 0; reject->has_marks && i < len; i++)
		raw[i] = flow_shown_byte(raw[i]);
	return CStringGetTextDatum(flowlog_printable(raw, len, RAW_LINE_SHOWN));
}

/*
 * Appends up to "most" rejects of a table; returns how many more may be
 * appended.
 */
static int64
append_rejects(Oid relid, int64 most, Tuplestorestate *result, TupleDesc desc)
{
	FlowlogScan *scan = flowlog_scan_begin(relid, InvalidOid, CurrentMemoryContext);
	MemoryContext row =
		AllocSetContextCreate(CurrentMemoryContext, "flowlog_fdw reject", ALLOCSET_DEFAULT_SIZES);
	FlowRecord record;
	FlowStatus status;

	flowlog_scan_start_for_rejects(scan);
	while (most > 0 && (status = flowlog_scan_step(scan, &record)) != FLOW_END)
	{
		const FlowReject *reject = flow_reader_reject(scan->reader);
		MemoryContext old;
		Datum values[4];
		bool isnull[4] = {false};

		if (status != FLOW_REJECTED)
			continue;
		old = MemoryContextSwitchTo(row);
		values[0] = CStringGetTextDatum(flowlog_valid_text(reject->object->path));
		values[1] = Int64GetDatum((int64) reject->line);
		values[2] = CStringGetTextDatum(flowlog_valid_text(reject->reason));
		values[3] = raw_datum(reject);
		tuplestore_putvalues(result, desc, values, isnull);
		MemoryContextSwitchTo(old);
		MemoryContextReset(row);
		most--;
	}
	MemoryContextDelete(row);
	MemoryContextDelete(scan->context);
	return most;
}

/*
 * flowlog_rejects(regclass, bigint): the lines that are not rows, with all
 * columns checked.
 */
Datum
flowlog_rejects(PG_FUNCTION_ARGS)
{
	int64 most = PG_ARGISNULL(1) ? PG_INT64_MAX : PG_GETARG_INT64(1);
	Tuplestorestate *result;
	TupleDesc desc;
	ListCell *cell;

	result = flowlog_begin_result(fcinfo, &desc);
	if (PG_ARGISNULL(0))
		return (Datum) 0;

	if (most < 0)
		ereport(ERROR,
		        errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		        errmsg("\"max_rows\" must not be negative"));
	foreach(cell, flowlog_visible_tables(PG_GETARG_OID(0)))
		most = append_rejects(lfirst_oid(cell), most, result, desc);
	return (Datum) 0;
}

/*
 * Returns an array of a file's fields: those of its header, of the table's log
 * format, or of the default format.
 */
static Datum
fields_array(const FlowProbe *probe)
{
	Datum *names = palloc(sizeof(Datum) * (probe->nfields + 1));

	for (int i = 0; i < probe->nfields; i++)
		names[i] = CStringGetTextDatum(flowlog_valid_text(probe->fields[i]));
	return PointerGetDatum(
		construct_array(names, probe->nfields, TEXTOID, -1, false, TYPALIGN_INT));
}

/* Returns a name as text, or NULL if it is not known. */
static Datum
name_datum(const char *name, bool *isnull)
{
	*isnull = name == NULL;
	return name != NULL ? CStringGetTextDatum(name) : (Datum) 0;
}

/* Returns what is wrong with a file that cannot be read. */
static Datum
error_datum(const FlowError *error)
{
	const char *message = flowlog_valid_text(error->message);
	const char *detail = flowlog_valid_text(error->detail);

	return CStringGetTextDatum(detail[0] != '\0' ? psprintf("%s: %s", message, detail) : message);
}

/*
 * Appends a file.  One that cannot be read because of what is in it has what
 * is known about it, and why.
 */
static void
append_file(FlowlogScan *scan, const FlowObject *object, const FlowAccess *allowed,
            Tuplestorestate *result, TupleDesc desc)
{
	const FlowlogOptions *options = &scan->table->options;
	int64_t from, to;
	FlowProbe probe;
	FlowError error;
	Datum values[9];
	bool isnull[9] = {false};

	isnull[8] = flow_object_probe(&scan->backend.host,
	                              object,
	                              allowed,
	                              options->compression,
	                              options->regex == NULL,
	                              options->log_format,
	                              &probe,
	                              &error) == FLOW_OK;
	if (!isnull[8] && !probe.unreadable)
	{
		flowlog_known_hint(scan, &error);
		flowlog_raise(&scan->backend, &error, scan->table);
	}
	values[0] = CStringGetTextDatum(flowlog_valid_text(object->path));
	values[1] = Int64GetDatum((int64) object->size);
	values[2] = TimestampTzGetDatum(flowlog_floor_divide(object->modified, 1000) -
	                                FLOWLOG_EPOCH_MICROSECONDS);
	values[3] = name_datum(probe.compression, &isnull[3]);
	values[4] = name_datum(probe.wrapper, &isnull[4]);
	values[5] = fields_array(&probe);
	isnull[5] = probe.nfields == 0;
	isnull[6] = isnull[7] = !flow_name_time(object->path, &from, &to);
	values[6] = TimestampTzGetDatum(isnull[6] ? 0 : from - FLOWLOG_EPOCH_MICROSECONDS);
	values[7] = TimestampTzGetDatum(isnull[7] ? 0 : to - FLOWLOG_EPOCH_MICROSECONDS);
	values[8] = isnull[8] ? (Datum) 0 : error_datum(&error);
	tuplestore_putvalues(result, desc, values, isnull);
	flow_probe_free(&scan->backend.host, &probe);
}

/* Appends a table's files, whose beginnings are fetched ahead. */
static void
append_files(Oid relid, Tuplestorestate *result, TupleDesc desc)
{
	FlowlogScan *scan = flowlog_scan_begin(relid, InvalidOid, CurrentMemoryContext);
	MemoryContext row =
		AllocSetContextCreate(CurrentMemoryContext, "flowlog_fdw file", ALLOCSET_DEFAULT_SIZES);
	FlowAccess allowed;
	size_t announced = 0;
	FlowError error;

	/* list the files; reading their beginnings counts for the limit */
	flowlog_scan_list(scan);
	flowlog_ledger_check_probes(scan->table->options.location,
	                            scan->objects->items,
	                            scan->objects->count);
	allowed = flowlog_get_access(scan->store);
	for (size_t i = 0; i < scan->objects->count; i++)
	{
		MemoryContext old;

		CHECK_FOR_INTERRUPTS();
		if (flow_probe_announce(&allowed,
		                        scan->objects->items,
		                        scan->objects->count,
		                        &announced,
		                        &error) != FLOW_OK)
			flowlog_raise(&scan->backend, &error, scan->table);
		old = MemoryContextSwitchTo(row);
		append_file(scan, &scan->objects->items[i], &allowed, result, desc);
		MemoryContextSwitchTo(old);
		MemoryContextReset(row);
	}
	MemoryContextDelete(row);
	MemoryContextDelete(scan->context);
}

/*
 * flowlog_files(regclass): a table's files, and what their beginnings tell
 * about them.
 */
Datum
flowlog_files(PG_FUNCTION_ARGS)
{
	Tuplestorestate *result;
	TupleDesc desc;
	ListCell *cell;

	result = flowlog_begin_result(fcinfo, &desc);
	if (PG_ARGISNULL(0))
		return (Datum) 0;

	foreach(cell, flowlog_visible_tables(PG_GETARG_OID(0)))
		append_files(lfirst_oid(cell), result, desc);
	return (Datum) 0;
}

/* ---------- flowlog_last_scan ---------- */

/*
 * flowlog_last_scan(): the counts of the session's last statement that scanned
 * flow logs, by table.
 */
Datum
flowlog_last_scan(PG_FUNCTION_ARGS)
{
	Tuplestorestate *result;
	TupleDesc desc;
	ListCell *cell;

	result = flowlog_begin_result(fcinfo, &desc);
	foreach(cell, flowlog_ledger_last_scans())
	{
		const FlowlogLastScan *last = lfirst(cell);
		const FlowCounts *counts = &last->counts;
		const uint64 numbers[] = {counts->files,
		                          counts->files_read,
		                          counts->files_pruned,
		                          counts->files_skipped,
		                          counts->files_not_reached,
		                          counts->files_lacking,
		                          counts->bytes,
		                          counts->bytes_read,
		                          counts->lines,
		                          counts->headers,
		                          counts->blank,
		                          counts->emitted,
		                          counts->filtered,
		                          counts->rejected,
		                          counts->set_null,
		                          counts->messages_skipped,
		                          counts->row_groups,
		                          counts->row_groups_pruned,
		                          counts->pages_pruned,
		                          counts->rows_pruned,
		                          counts->files_not_indexed,
		                          counts->files_answered};
		Datum values[2 + lengthof(numbers)];
		bool isnull[2 + lengthof(numbers)] = {false};

		CHECK_FOR_INTERRUPTS();
		values[0] = ObjectIdGetDatum(last->relid);
		values[1] = TimestampTzGetDatum(last->finished);
		for (size_t i = 0; i < lengthof(numbers); i++)
			values[2 + i] = Int64GetDatum((int64) numbers[i]);
		tuplestore_putvalues(result, desc, values, isnull);
	}
	return (Datum) 0;
}
