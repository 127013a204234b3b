/*-------------------------------------------------------------------------
 *
 * catalogue_write.c
 *	  What the statements that write the extension's tables have in common:
 *	  who may call them, whose rights they use, and how they write.
 *
 * A table's logs are read with its owner's rights, and the extension's tables
 * are written with those of their own owner; as in VACUUM, without the caller's
 * settings.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"
#include "catalogue.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* ---------- rights ---------- */

FlowlogBefore
flowlog_become(Oid user)
{
	FlowlogBefore before;

	GetUserIdAndSecContext(&before.user, &before.context);
	SetUserIdAndSecContext(user, before.context | SECURITY_RESTRICTED_OPERATION);
	before.level = NewGUCNestLevel();
	(void) set_config_option("search_path",
	                         "pg_catalog, pg_temp",
	                         PGC_USERSET,
	                         PGC_S_SESSION,
	                         GUC_ACTION_SAVE,
	                         true,
	                         0,
	                         false);
	return before;
}

void
flowlog_return_to(const FlowlogBefore *before)
{
	AtEOXact_GUC(false, before->level);
	SetUserIdAndSecContext(before->user, before->context);
}

void
flowlog_check_owner(Oid relid)
{
	char kind = get_rel_relkind(relid);

	if (kind == '\0')
		ereport(ERROR,
		        errcode(ERRCODE_UNDEFINED_TABLE),
		        errmsg("relation with OID %u does not exist", relid));
#if PG_VERSION_NUM >= 160000
	if (!object_ownercheck(RelationRelationId, relid, GetUserId()))
#else
	if (!pg_class_ownercheck(relid, GetUserId()))
#endif
		aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(kind), get_rel_name(relid));
}

void
flowlog_check_maintain(Oid relid)
{
#if PG_VERSION_NUM >= 170000
	if (pg_class_aclcheck(relid, GetUserId(), ACL_MAINTAIN) == ACLCHECK_OK)
		return;
#endif
	flowlog_check_owner(relid);
}

/* ---------- arguments ---------- */

/* Returns true if a procedure was called by a CALL that may commit. */
static bool
may_commit(FunctionCallInfo fcinfo)
{
	return fcinfo->context != NULL && IsA(fcinfo->context, CallContext) &&
	       !castNode(CallContext, fcinfo->context)->atomic;
}

void
flowlog_check_procedure(FunctionCallInfo fcinfo, const char *command)
{
	if (!may_commit(fcinfo))
		ereport(ERROR,
		        errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
		        errmsg("%s cannot run inside a transaction block", command));
	PreventCommandIfReadOnly(command);
	PreventCommandDuringRecovery(command);
	flowlog_check_version();
	if (PG_ARGISNULL(0))
		ereport(ERROR,
		        errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
		        errmsg("the table must not be null"));
}

List *
flowlog_catalogue_tables(Oid relid, LOCKMODE lock, void (*check)(Oid relid),
                         bool (*is_wanted)(Oid relid))
{
	List *tables = NIL;
	ListCell *cell;

	check(relid);
	foreach(cell, find_all_inheritors(relid, lock, NULL))
		if (is_wanted(lfirst_oid(cell)))
		{
			check(lfirst_oid(cell));
			tables = lappend_oid(tables, lfirst_oid(cell));
		}
	return tables;
}

/* ---------- statements ---------- */

void
flowlog_commit(void)
{
	SPI_commit();
	SPI_start_transaction();
	/* at other levels a snapshot would last as long as a listing, or as files are read */
	XactIsoLevel = XACT_READ_COMMITTED;
}

char *
flowlog_catalogue_name(const char *table)
{
	Oid relid = flowlog_catalogue_table(table);

	if (!OidIsValid(relid))
		ereport(ERROR,
		        errcode(ERRCODE_UNDEFINED_TABLE),
		        errmsg("table \"%s\" of extension \"%s\" does not exist", table, "flowlog_fdw"));
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)), table);
}

Oid
flowlog_catalogue_owner(void)
{
	Oid relid = flowlog_catalogue_table(FLOWLOG_LISTS);
	Relation relation;
	Oid owner;

	(void) flowlog_catalogue_name(FLOWLOG_LISTS);
	relation = table_open(relid, AccessShareLock);
	owner = relation->rd_rel->relowner;
	table_close(relation, NoLock);
	return owner;
}

void
flowlog_catalogue_run(const char *statement, int nargs, Oid *types, Datum *values)
{
	if (SPI_execute_with_args(statement, nargs, types, values, NULL, false, 0) < 0)
		elog(ERROR, "could not execute \"%s\"", statement);
}

Datum
flowlog_bytes_datum(const void *data, size_t len)
{
	bytea *bytes = palloc(VARHDRSZ + len);

	SET_VARSIZE(bytes, VARHDRSZ + len);
	memcpy(VARDATA(bytes), data, len);
	return PointerGetDatum(bytes);
}

Datum
flowlog_array_datum(Datum *values, bool *isnull, int count, Oid type)
{
	int dims[] = {count};
	int lbs[] = {1};
	int16 len;
	bool byval;
	char align;

	get_typlenbyvalalign(type, &len, &byval, &align);
	return PointerGetDatum(
		construct_md_array(values, isnull, 1, dims, lbs, type, len, byval, align));
}
