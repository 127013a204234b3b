/*-------------------------------------------------------------------------
 *
 * setting.c
 *	  The settings flowlog_fdw.*: their variables, definitions and checks.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include <float.h>

#include "access/parallel.h"
#include "access/xact.h"
#include "executor/nodeHash.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/varlena.h"

bool flowlog_enable_pushdown = true;
bool flowlog_enable_splitter = true;
bool flowlog_enable_aggregate_pushdown = true;
bool flowlog_enable_expressions = true;
bool flowlog_enable_parquet_pruning = true;
bool flowlog_enable_index = true;
bool flowlog_enable_top = true;
bool flowlog_enable_sort = true;
bool flowlog_enable_runtime_sets = true;
bool flowlog_regex_jit = true;
double flowlog_max_scan_bytes = 0;
bool flowlog_progress = true;
bool flowlog_enable_rollup = true;
char *flowlog_allowed_paths = NULL;
bool flowlog_allowed_paths_refused = false;
char *flowlog_allowed_endpoints = NULL;
bool flowlog_allowed_endpoints_refused = false;

/* ---------- checks ---------- */

/* Checks a list of directories. */
static bool
check_allowed_paths(char **newval, void **extra, GucSource source)
{
	char *copy;
	List *list = NIL;
	ListCell *cell;

	if (*newval == NULL)
		return true;
	copy = pstrdup(*newval);
	if (!SplitDirectoriesString(copy, ',', &list))
	{
		GUC_check_errdetail("List syntax is invalid.");
		return false;
	}
	foreach(cell, list)
	{
		if (!is_absolute_path((char *) lfirst(cell)))
		{
			GUC_check_errdetail("\"%s\" is not an absolute path.", (char *) lfirst(cell));
			return false;
		}
	}
	return true;
}

/* Checks a list of hosts, addresses and networks. */
static bool
check_allowed_endpoints(char **newval, void **extra, GucSource source)
{
	List *list = NIL;
	ListCell *cell;

	if (*newval == NULL)
		return true;
	if (!SplitGUCList(pstrdup(*newval), ',', &list))
	{
		GUC_check_errdetail("List syntax is invalid.");
		return false;
	}
	foreach(cell, list)
	{
		if (!flow_endpoint_is_valid(lfirst(cell)))
		{
			GUC_check_errdetail(
				"\"%s\" is not a host, a pattern such as \"*.example.com\", an address "
				"or a network, with or without a port.",
				(char *) lfirst(cell));
			return false;
		}
	}
	return true;
}

/* Returns the bytes that a hash table of the executor may use. */
size_t
flowlog_hash_memory(void)
{
#if PG_VERSION_NUM >= 150000
	return get_hash_memory_limit();
#else
	return (size_t) get_hash_mem() * 1024;
#endif
}

/* ---------- definitions ---------- */

/*
 * Defines the lists of what is allowed.  Before the module is loaded, its
 * settings are placeholders, which any user may set when connecting.  If
 * PostgreSQL then refuses to apply such a value, or if the value is not valid,
 * the setting is as if it had never been set.  That must not mean that
 * everything is allowed.
 */
static void
define_allowed(void)
{
	bool paths_set = GetConfigOption("flowlog_fdw.allowed_paths", true, false) != NULL;
	bool endpoints_set = GetConfigOption("flowlog_fdw.allowed_endpoints", true, false) != NULL;

	DefineCustomStringVariable("flowlog_fdw.allowed_paths",
	                           "Directories from which flow logs may be read, separated by commas.",
	                           "An empty list allows all directories.",
	                           &flowlog_allowed_paths,
	                           NULL,
	                           PGC_SIGHUP,
	                           GUC_LIST_INPUT | GUC_SUPERUSER_ONLY,
	                           check_allowed_paths,
	                           NULL,
	                           NULL);
	flowlog_allowed_paths_refused = paths_set && flowlog_allowed_paths == NULL;

	DefineCustomStringVariable(
		"flowlog_fdw.allowed_endpoints",
		"Hosts, addresses and networks to which connections may be made, separated by commas.",
		"An empty list allows the hosts of AWS only.",
		&flowlog_allowed_endpoints,
		NULL,
		PGC_SIGHUP,
		GUC_LIST_INPUT | GUC_SUPERUSER_ONLY,
		check_allowed_endpoints,
		NULL,
		NULL);
	flowlog_allowed_endpoints_refused = endpoints_set && flowlog_allowed_endpoints == NULL;
}

/*
 * Defines a switch that is on, that every user may turn off, and that EXPLAIN
 * (SETTINGS) shows.
 */
static void
define_switch(const char *name, const char *description, const char *details, bool *variable)
{
	DefineCustomBoolVariable(
		name, description, details, variable, true, PGC_USERSET, GUC_EXPLAIN, NULL, NULL, NULL);
}

/*
 * Raises an error if lists of what is allowed could not be applied: PostgreSQL
 * sets nothing during a parallel operation, which may have come to the library
 * by a function.  Otherwise nothing could be read in the rest of the session.
 */
static void
check_parallel_operation(void)
{
	if (!IsInParallelMode() || InitializingParallelWorker)
		return;
	if (GetConfigOption("flowlog_fdw.allowed_paths", true, false) == NULL &&
	    GetConfigOption("flowlog_fdw.allowed_endpoints", true, false) == NULL)
		return;
	ereport(ERROR,
	        errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
	        errmsg("library \"flowlog_fdw\" cannot be loaded during a parallel operation"),
	        errdetail("Settings of flowlog_fdw could not be applied."),
	        errhint("Query a foreign table of flow logs before, or add flowlog_fdw to the setting "
	                "session_preload_libraries."));
}

/* Defines all settings. */
void
flowlog_settings_define(void)
{
	check_parallel_operation();
	define_switch("flowlog_fdw.enable_pushdown",
	              "Lets the reader of flow logs evaluate WHERE clauses.",
	              "If off, PostgreSQL evaluates all of them; the rows are the same.",
	              &flowlog_enable_pushdown);
	define_switch(
		"flowlog_fdw.enable_splitter",
		"Splits lines at their separators if a regular expression does no more than that.",
		"If off, the regular expression is matched against every line; the rows are the same.",
		&flowlog_enable_splitter);
	define_switch("flowlog_fdw.enable_aggregate_pushdown",
	              "Lets the reader of flow logs compute aggregates.",
	              "If off, PostgreSQL computes all of them; the results are the same.",
	              &flowlog_enable_aggregate_pushdown);
	define_switch("flowlog_fdw.enable_expressions",
	              "Lets the reader of flow logs compute expressions.",
	              "If off, PostgreSQL computes all of them; the results are the same.",
	              &flowlog_enable_expressions);
	define_switch("flowlog_fdw.enable_parquet_pruning",
	              "Lets the reader of flow logs leave out row groups of Parquet files.",
	              "They are left out if their statistics or dictionaries show that "
	              "nothing in them passes; if off, all are read.",
	              &flowlog_enable_parquet_pruning);
	define_switch("flowlog_fdw.enable_index",
	              "Leaves out files that cannot match, as an index says.",
	              "The rows are the same without, but for errors in what is left out.",
	              &flowlog_enable_index);
	define_switch("flowlog_fdw.enable_top",
	              "Lets the reader of flow logs leave out rows that are not among the "
	              "first of ORDER BY with LIMIT.",
	              "If off, PostgreSQL sorts all rows; the results are the same.",
	              &flowlog_enable_top);
	define_switch("flowlog_fdw.enable_sort",
	              "Lets scans of flow logs return rows in the order that a query wants.",
	              "If off, PostgreSQL sorts all rows; the results are the same.",
	              &flowlog_enable_sort);
	define_switch("flowlog_fdw.enable_runtime_sets",
	              "Lets the reader of flow logs leave out rows whose values are not those "
	              "of the other side of a join.",
	              "If off, the join alone drops them; the rows are the same.",
	              &flowlog_enable_runtime_sets);
	define_switch("flowlog_fdw.enable_rollup",
	              "Lets servers compute their parts of aggregates over a table that is "
	              "partitioned among them.",
	              "If off, their rows are fetched; the results are the same.",
	              &flowlog_enable_rollup);
	DefineCustomBoolVariable("flowlog_fdw.regex_jit",
	                         "Compiles regular expressions of flow log tables to machine code.",
	                         NULL,
	                         &flowlog_regex_jit,
	                         true,
	                         PGC_SUSET,
	                         0,
	                         NULL,
	                         NULL,
	                         NULL);
	DefineCustomRealVariable(
		"flowlog_fdw.max_scan_bytes",
		"Sets the maximum number of bytes of flow logs, as stored, that a scan may read.",
		"A scan that would read more raises an error before it begins. 0 means no limit.",
		&flowlog_max_scan_bytes,
		0,
		0,
		DBL_MAX,
		PGC_USERSET,
		GUC_UNIT_BYTE,
		NULL,
		NULL,
		NULL);
	DefineCustomBoolVariable("flowlog_fdw.progress",
	                         "Reports the progress of a long scan of flow logs every few seconds.",
	                         NULL,
	                         &flowlog_progress,
	                         true,
	                         PGC_USERSET,
	                         0,
	                         NULL,
	                         NULL,
	                         NULL);
	define_allowed();
#if PG_VERSION_NUM >= 150000
	MarkGUCPrefixReserved("flowlog_fdw");
#else
	EmitWarningsOnPlaceholders("flowlog_fdw");
#endif
}
