/*-------------------------------------------------------------------------
 *
 * version.c
 *	  Checks that the library and the extension's SQL objects are of one
 *	  version.
 *
 * A new package brings a new library to all databases at once, but each of
 * them keeps its SQL objects until ALTER EXTENSION UPDATE is run there; and a
 * session that has loaded the old library keeps that.  A library knows the
 * objects of older versions, but not those of newer ones.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/pg_extension.h"
#include "commands/dbcommands.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"

/*
 * Returns the version of the SQL objects in this database; NULL if the
 * extension is not there.
 */
static char *
sql_version(void)
{
	char *version = NULL;
	Relation relation = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;

	ScanKeyInit(&key,
	            Anum_pg_extension_extname,
	            BTEqualStrategyNumber,
	            F_NAMEEQ,
	            CStringGetDatum("flowlog_fdw"));
	scan = systable_beginscan(relation, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		bool isnull;
		Datum value =
			heap_getattr(tuple, Anum_pg_extension_extversion, RelationGetDescr(relation), &isnull);

		if (!isnull)
			version = TextDatumGetCString(value);
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return version;
}

/*
 * Returns a number less than, equal to or greater than 0 if "a" is before,
 * equal to or after "b"; "1.10" is after "1.9".
 */
static int
compare_versions(const char *a, const char *b)
{
	for (;;)
	{
		char *a_end;
		char *b_end;
		unsigned long a_number = strtoul(a, &a_end, 10);
		unsigned long b_number = strtoul(b, &b_end, 10);

		if (a_number != b_number)
			return a_number < b_number ? -1 : 1;
		if (*a_end != '.' || *b_end != '.')
			return strcmp(a_end, b_end);
		a = a_end + 1;
		b = b_end + 1;
	}
}

/*
 * Compares the two versions.  Not while an extension's script runs, which
 * changes the objects from one version to another; nor in pg_upgrade, which
 * creates them as they were; nor in a worker, whose leader has checked.
 */
void
flowlog_check_version(void)
{
	static bool warned = false;
	char *version;
	int order;

	if (creating_extension || IsBinaryUpgrade || IsParallelWorker())
		return;
	version = sql_version();
	order = version == NULL ? 0 : compare_versions(FLOWLOG_VERSION, version);
	if (order < 0)
		ereport(ERROR,
		        errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		        errmsg("library of flowlog_fdw is version %s, but the extension in database \"%s\" "
		               "is version %s",
		               FLOWLOG_VERSION,
		               get_database_name(MyDatabaseId),
		               version),
		        errhint("Install the library of version %s. If it is installed, connect again, or "
		                "restart the server if that preloads the library.",
		                version));
	if (order > 0 && !warned)
	{
		warned = true;
		ereport(WARNING,
		        errmsg("library of flowlog_fdw is version %s, but the extension in database \"%s\" "
		               "is version %s",
		               FLOWLOG_VERSION,
		               get_database_name(MyDatabaseId),
		               version),
		        errhint("Run ALTER EXTENSION flowlog_fdw UPDATE."));
	}
}
