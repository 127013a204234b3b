/*-------------------------------------------------------------------------
 *
 * cluster.h
 *	  Tables that are divided among servers.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOWLOG_CLUSTER_H
#define FLOWLOG_CLUSTER_H

#include "fdw/common.h"

/* ---------- cluster_table.c ---------- */

/*
 * Registers for invalidation messages; called once, when the module is loaded.
 */
extern void flowlog_cluster_table_init(void);

/*
 * Return true if a server's postgres_fdw sends functions of this extension; if
 * the database has any such server; if a partitioned table has partitions and
 * all of them are on such servers.  They lock only catalogs, and only while
 * they look something up.
 */
extern bool flowlog_is_cluster_server(Oid serverid);
extern bool flowlog_has_cluster_servers(void);
extern bool flowlog_is_divided(Oid relid);

/* ---------- rollup.c ---------- */

/*
 * The reason for which a query is left alone that PostgreSQL divides by
 * itself.
 */
extern const char flowlog_rollup_grouped_by_key[];

/*
 * Returns true if the entry is a partitioned table, all of whose partitions
 * are on servers of a cluster.
 */
extern bool flowlog_rollup_takes_table(const RangeTblEntry *entry);

/*
 * Returns a query over such a table in two levels, a new tree; or NULL, and the
 * reason, which is static, in *left.
 */
extern Query *flowlog_rollup_query(Query *given, const char **left);

/* ---------- rollup_plan.c ---------- */

/*
 * Installs the hooks by which aggregates over partitions on other servers are
 * computed there.
 */
extern void flowlog_rollup_init(void);

#endif /* FLOWLOG_CLUSTER_H */
