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
 * Installs the hooks by which aggregates over partitions on other servers are
 * computed there.
 */
extern void flowlog_rollup_init(void);

#endif /* FLOWLOG_CLUSTER_H */
