/*-------------------------------------------------------------------------
 *
 * command.h
 *	  Commands and functions: EXPLAIN, ANALYZE, IMPORT FOREIGN SCHEMA.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOWLOG_COMMAND_H
#define FLOWLOG_COMMAND_H

#include "fdw/scan.h"

/* ---------- explain.c ---------- */

extern void flowlog_explain(FlowlogScan *scan, ForeignScanState *node, struct ExplainState *es);

/* ---------- analyze.c ---------- */

extern bool flowlog_analyze(Relation relation, AcquireSampleRowsFunc *func,
                            BlockNumber *totalpages);

/* ---------- import.c ---------- */

/*
 * Returns the statements that create what IMPORT FOREIGN SCHEMA imports: one
 * table.
 */
extern List *flowlog_import(ImportForeignSchemaStmt *stmt, Oid serverid);

/* ---------- function.c ---------- */

/*
 * Sets the handler that our tables have; called once, when the module is
 * loaded.
 */
extern void flowlog_function_init(PGFunction handler);

/*
 * Opens a function's argument, which must be a foreign table of this wrapper.
 * The lock is kept when the caller closes it with NoLock.
 */
extern Relation flowlog_open_argument(Oid relid);

/* Returns true for a foreign table of this wrapper. */
extern bool flowlog_is_flow_log(Oid relid);

/*
 * Returns the flow log tables of a function's argument: itself, or its
 * partitions and children.  Raises an error unless the caller may see all of
 * their lines and file names.
 */
extern List *flowlog_visible_tables(Oid relid);

/* Begins the result of a set-returning function that fills a tuplestore. */
extern Tuplestorestate *flowlog_begin_result(FunctionCallInfo fcinfo, TupleDesc *desc);

/* ---------- version.c ---------- */

/*
 * Compares the version of the library with that of the extension in this
 * database, except in an extension's script.  An older library is an error; a
 * newer one is a warning, once in a session.  To be called where a statement
 * begins to use the wrapper; it costs one lookup in pg_extension.
 */
extern void flowlog_check_version(void);

#endif /* FLOWLOG_COMMAND_H */
