/*-------------------------------------------------------------------------
 *
 * common.h
 *	  Headers of PostgreSQL and of the core that all files of the wrapper need.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOWLOG_COMMON_H
#define FLOWLOG_COMMON_H

#include "postgres.h"

#include "access/parallel.h"
#include "commands/explain.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "foreign/fdwapi.h"
#include "foreign/foreign.h"
#include "nodes/execnodes.h"
#include "nodes/pathnodes.h"
#include "storage/dsm.h"
#include "storage/latch.h"
#if PG_VERSION_NUM >= 180000
#include "storage/waiteventset.h"
#endif
#include "utils/date.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "flow/flow.h"

#if PG_VERSION_NUM < 140000
#error "flowlog_fdw needs PostgreSQL 14 or later"
#endif

/*
 * The module is built with hidden symbols.  Before 16 PostgreSQL marks neither
 * its own entry points nor SQL-callable functions for export.
 */
#if PG_VERSION_NUM < 160000
#undef PGDLLEXPORT
#define PGDLLEXPORT __attribute__((visibility("default")))
#endif
#define FLOWLOG_FUNCTION(name)                                                                     \
	extern PGDLLEXPORT Datum name(PG_FUNCTION_ARGS);                                               \
	PG_FUNCTION_INFO_V1(name)

/*
 * Days and microseconds from 1970-01-01, the core's epoch, to 2000-01-01,
 * PostgreSQL's epoch.
 */
#define FLOWLOG_EPOCH_DAYS 10957
#define FLOWLOG_EPOCH_MICROSECONDS (INT64CONST(86400000000) * FLOWLOG_EPOCH_DAYS)

#endif /* FLOWLOG_COMMON_H */
