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

/* The statements that create what IMPORT FOREIGN SCHEMA imports: one table. */
extern List *flowlog_import(ImportForeignSchemaStmt *stmt, Oid serverid);

/* ---------- function.c ---------- */

/*
 * Says which handler our tables have; called once, when the module is loaded.
 */
extern void flowlog_function_init(PGFunction handler);

/*
 * Opens a function's argument, which must be a foreign table of this wrapper.
 * It stays locked when it is closed without.
 */
extern Relation flowlog_open_argument(Oid relid);

/* Begins the result of a set-returning function that fills a tuplestore. */
extern Tuplestorestate *flowlog_begin_result(FunctionCallInfo fcinfo, TupleDesc *desc);

/* ---------- version.c ---------- */

/*
 * Compares the version of the library with that of the extension in this
 * database, outside of an extension's script: an older library is an error, a
 * newer one a warning, once in a session.  To be called where a statement
 * begins to use the wrapper; it costs a look into pg_extension.
 */
extern void flowlog_check_version(void);

#endif /* FLOWLOG_COMMAND_H */
