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

/* Registers for invalidations; called once, when the module is loaded. */
extern void flowlog_cluster_table_init(void);

/*
 * Returns true if a server's postgres_fdw sends functions of this extension;
 * if the database has any such server; if a partitioned table has partitions
 * and all of them are on such servers.  They lock nothing but catalogs, and
 * those for no longer than they look.
 */
extern bool flowlog_is_cluster_server(Oid serverid);
extern bool flowlog_has_cluster_servers(void);
extern bool flowlog_is_divided(Oid relid);

/* ---------- rollup.c ---------- */

/*
 * From now on aggregates over partitions on other servers are computed there.
 */
extern void flowlog_rollup_init(void);

#endif /* FLOWLOG_CLUSTER_H */
