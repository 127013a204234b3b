/*-------------------------------------------------------------------------
 *
 * setting.h
 *	  Configuration parameters.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOWLOG_SETTING_H
#define FLOWLOG_SETTING_H

#include "fdw/common.h"

/* ---------- setting.c ---------- */

extern bool flowlog_enable_pushdown;
extern bool flowlog_enable_splitter;
extern bool flowlog_enable_aggregate_pushdown;
extern bool flowlog_enable_expressions;
extern bool flowlog_enable_parquet_pruning;
extern bool flowlog_enable_index;
extern bool flowlog_enable_top;
extern bool flowlog_enable_sort;
extern bool flowlog_enable_runtime_sets;
extern bool flowlog_regex_jit;
extern double flowlog_max_scan_bytes; /* 0: no limit */
extern bool flowlog_progress;
extern bool flowlog_enable_rollup;
extern char *flowlog_allowed_paths; /* NULL: not set */
/* a value was set that is not valid, or must not be set */
extern bool flowlog_allowed_paths_refused;
extern char *flowlog_allowed_endpoints; /* the same two */
extern bool flowlog_allowed_endpoints_refused;

extern void flowlog_settings_define(void);

/* Returns the bytes that a hash table of the executor may use. */
extern size_t flowlog_hash_memory(void);

#endif /* FLOWLOG_SETTING_H */
