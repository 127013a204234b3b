/*-------------------------------------------------------------------------
 *
 * cluster_table.c
 *	  Which tables are divided among the servers of a cluster.
 *
 * The planner's hooks see every query of the session.  A query that has
 * nothing to do with a cluster must not be slowed, and nothing of it may be
 * locked or opened for this.  So the hooks check in this order:
 *
 * 1. that there is a server of a cluster in this database;
 * 2. that there is a partitioned table in the query;
 * 3. that all of its partitions are on such servers.
 *
 * The results of 1 and 3 are kept until an invalidation message says that they
 * may have changed.  Partitions are found in pg_inherits and looked up in the
 * system caches, without a lock; one that is dropped meanwhile belongs to no
 * cluster.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_inherits.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

typedef enum ClusterServers
{
	SERVERS_NOT_KNOWN,
	NO_SERVERS,
	SOME_SERVERS
} ClusterServers;

/* An entry of cluster_tables. */
typedef struct ClusterTable
{
	Oid relid;     /* of a partitioned table; the key */
	bool is_known; /* is_cluster is set */
	bool is_cluster;
} ClusterTable;

static ClusterServers cluster_servers = SERVERS_NOT_KNOWN;
/* number of changes that have made it unknown */
static uint64 servers_changes = 0;

/*
 * The partitioned tables that were looked up, and those below them, of which
 * only changes matter.  NULL: none so far.
 */
static HTAB *cluster_tables = NULL;
static bool cluster_tables_changed = false; /* all entries must be forgotten */

/*
 * Forgets what is known, as a foreign server or data wrapper has changed.
 * Callback of the system cache.
 */
static void
forget_servers(Datum arg, int cache, uint32 hash)
{
	cluster_servers = SERVERS_NOT_KNOWN;
	servers_changes++;
	cluster_tables_changed = true;
}

/*
 * Forgets what is known about tables, as a relation has changed; attaching and
 * detaching a partition changes its parent.  Callback of the relation cache.
 */
static void
forget_table(Datum arg, Oid relid)
{
	if (cluster_tables != NULL &&
	    (!OidIsValid(relid) || hash_search(cluster_tables, &relid, HASH_FIND, NULL) != NULL))
		cluster_tables_changed = true;
}

/*
 * Returns true if the server's postgres_fdw sends functions of this extension,
 * as do the servers that flowlog_cluster_ddl() makes.  Returns false if the
 * server does not exist any more.
 */
bool
flowlog_is_cluster_server(Oid serverid)
{
	ForeignServer *server = GetForeignServerExtended(serverid, FSV_MISSING_OK);
	ForeignDataWrapper *wrapper =
		server == NULL ? NULL : GetForeignDataWrapperExtended(server->fdwid, FDW_MISSING_OK);
	ListCell *cell;

	if (wrapper == NULL || strcmp(wrapper->fdwname, "postgres_fdw") != 0)
		return false;
	foreach(cell, server->options)
	{
		DefElem *def = lfirst_node(DefElem, cell);
		List *names = NIL;
		ListCell *name;

		if (strcmp(def->defname, "extensions") != 0 ||
		    !SplitIdentifierString(pstrdup(defGetString(def)), ',', &names))
			continue;
		foreach(name, names)
			if (strcmp(lfirst(name), "flowlog_fdw") == 0)
				return true;
	}
	return false;
}

/* Returns true if any server of the database belongs to a cluster. */
bool
flowlog_has_cluster_servers(void)
{
	Relation catalog;
	SysScanDesc scan;
	HeapTuple tuple;
	uint64 changes = servers_changes;
	List *servers = NIL;
	bool found = false;
	ListCell *cell;

	if (likely(cluster_servers != SERVERS_NOT_KNOWN))
		return cluster_servers == SOME_SERVERS;

	catalog = table_open(ForeignServerRelationId, AccessShareLock);
	scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		servers = lappend_oid(servers, ((Form_pg_foreign_server) GETSTRUCT(tuple))->oid);
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);

	foreach(cell, servers)
		if ((found = flowlog_is_cluster_server(lfirst_oid(cell))))
			break;

	/* unless the lookups have processed a change */
	if (servers_changes == changes)
		cluster_servers = found ? SOME_SERVERS : NO_SERVERS;
	return found;
}

/*
 * Returns the server of a foreign table, or InvalidOid if it is none, or does
 * not exist any more.
 */
static Oid
server_of(Oid relid)
{
	HeapTuple tuple = SearchSysCache1(FOREIGNTABLEREL, ObjectIdGetDatum(relid));
	Oid server = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		server = ((Form_pg_foreign_table) GETSTRUCT(tuple))->ftserver;
		ReleaseSysCache(tuple);
	}
	return server;
}

/* Returns the entry of a table; makes it if there is none. */
static ClusterTable *
enter_table(Oid relid)
{
	bool found;
	ClusterTable *entry = hash_search(cluster_tables, &relid, HASH_ENTER, &found);

	if (!found)
		entry->is_known = entry->is_cluster = false;
	return entry;
}

/*
 * Returns true if all partitions below a table are on servers of clusters.
 * Sets *any if there is one.
 */
static bool
are_cluster_partitions(Oid relid, bool *any)
{
	List *partitions;
	ListCell *cell;

	check_stack_depth();
	(void) enter_table(relid);
	partitions = find_inheritance_children(relid, NoLock);
	foreach(cell, partitions)
	{
		Oid partition = lfirst_oid(cell);

		CHECK_FOR_INTERRUPTS();
		switch (get_rel_relkind(partition))
		{
			case RELKIND_PARTITIONED_TABLE:
				if (!are_cluster_partitions(partition, any))
					return false;
				break;
			case RELKIND_FOREIGN_TABLE:
				if (!flowlog_is_cluster_server(server_of(partition)))
					return false;
				*any = true;
				break;
			default:
				return false;
		}
	}
	list_free(partitions);
	return true;
}

/*
 * Returns true if a partitioned table is divided among the servers of a
 * cluster.
 */
bool
flowlog_is_divided(Oid relid)
{
	ClusterTable *entry;
	MemoryContext temporary;
	MemoryContext old;
	bool any = false;
	bool is_cluster;

	/* forget what may have changed */
	if (cluster_tables_changed && cluster_tables != NULL)
	{
		hash_destroy(cluster_tables);
		cluster_tables = NULL;
	}
	if (cluster_tables == NULL)
	{
		HASHCTL control = {.keysize = sizeof(Oid), .entrysize = sizeof(ClusterTable)};

		cluster_tables =
			hash_create("flowlog_fdw cluster tables", 64, &control, HASH_ELEM | HASH_BLOBS);
		cluster_tables_changed = false;
	}
	entry = hash_search(cluster_tables, &relid, HASH_FIND, NULL);
	if (entry != NULL && entry->is_known)
		return entry->is_cluster;

	/* look at the partitions */
	temporary = AllocSetContextCreate(CurrentMemoryContext,
	                                  "flowlog_fdw partitions",
	                                  ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(temporary);
	is_cluster = are_cluster_partitions(relid, &any) && any;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(temporary);

	entry = enter_table(relid);
	entry->is_known = true;
	entry->is_cluster = is_cluster;
	return is_cluster;
}

/* Registers for invalidation messages. */
void
flowlog_cluster_table_init(void)
{
	CacheRegisterSyscacheCallback(FOREIGNSERVEROID, forget_servers, (Datum) 0);
	CacheRegisterSyscacheCallback(FOREIGNDATAWRAPPEROID, forget_servers, (Datum) 0);
	CacheRegisterRelcacheCallback(forget_table, (Datum) 0);
}
