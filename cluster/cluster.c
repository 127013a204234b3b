/*-------------------------------------------------------------------------
 *
 * cluster.c
 *	  Makes the statements that divide a table of flow logs among several
 *	  servers.
 *
 * Each node gets parts of the table: foreign tables that read a shard of its
 * files each, or views that show a range of a column that the path fills.  The
 * coordinator gets a partitioned table whose partitions are these parts, by
 * postgres_fdw.  Each part has a server object of its own, as postgres_fdw
 * runs one query at a time on each.
 *
 * A part by shards is a view with the column "shard", the key by which the
 * coordinator's table is partitioned: a number that identifies the part, even
 * if shards of two nodes have the same number because each node has files of
 * its own.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_type.h"
#include "catalog/pg_user_mapping.h"
#include "commands/comment.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "foreign/foreign.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#define COORDINATOR "coordinator"
/* rows that postgres_fdw fetches at a time; its default of 100 is too few */
#define FETCH_SIZE "10000"
#define MAX_PARTS 1000

FLOWLOG_FUNCTION(flowlog_cluster_ddl);

/* A node: a PostgreSQL server that has parts of the table. */
typedef struct ClusterNode
{
	const char *connection; /* as given */
	StringInfoData server;  /* options of postgres_fdw's server */
	StringInfoData mapping; /* options of its user mapping */
	const char *settings;   /* libpq's "options" */
} ClusterNode;

typedef struct Cluster
{
	FlowlogTable *table;
	Relation relation;
	const char *schema;
	const char *name;
	const char *parent; /* the name of the coordinator's table */

	ClusterNode *nodes;
	int nnodes;
	int nparts;
	int shards_per_node;
	bool own_files;

	/* if the parts are ranges of a column of the path */
	const FlowColumn *column; /* NULL: the parts are shards */
	bool by_range;
	char **bounds; /* literals */
	int nbounds;

	Tuplestorestate *result;
	TupleDesc desc;
} Cluster;

static void emit(Cluster *cluster, const char *node, const char *format, ...)
	pg_attribute_printf(3, 4);

/* Adds a statement for a node, or for the coordinator, to the result. */
static void
emit(Cluster *cluster, const char *node, const char *format, ...)
{
	StringInfoData sql;
	Datum values[2];
	bool isnull[2] = {false, false};

	initStringInfo(&sql);
	for (;;)
	{
		va_list args;
		int needed;

		va_start(args, format);
		needed = appendStringInfoVA(&sql, format, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&sql, needed);
	}
	appendStringInfoChar(&sql, ';');
	values[0] = CStringGetTextDatum(node);
	values[1] = CStringGetTextDatum(sql.data);
	tuplestore_putvalues(cluster->result, cluster->desc, values, isnull);
}

/* ---------- names and options ---------- */

/* Returns a name with the table's schema, quoted where needed. */
static const char *
qualified(const Cluster *cluster, const char *name)
{
	return quote_qualified_identifier(cluster->schema, name);
}

/*
 * The names of a part: of its server object and partition, of the view that
 * the coordinator reads, and of the foreign table below that.  All differ, so
 * the coordinator's database may be a node's, too.
 */
static const char *
partition_name(const Cluster *cluster, int part)
{
	return psprintf("%s_%d", cluster->parent, part + 1);
}

static const char *
view_name(const Cluster *cluster, int part)
{
	return psprintf("%s_%d_part", cluster->parent, part + 1);
}

static const char *
table_name(const Cluster *cluster, int part)
{
	if (cluster->column != NULL)
		return psprintf("%s_files", cluster->parent);
	return psprintf("%s_%d_files", cluster->parent, part + 1);
}

static void
append_option(StringInfo list, const char *name, const char *value)
{
	appendStringInfo(list,
	                 "%s%s %s",
	                 list->len > 0 ? ", " : "",
	                 quote_identifier(name),
	                 quote_literal_cstr(value));
}

/* Returns " OPTIONS (...)", or nothing if the list is empty. */
static const char *
options_clause(const char *list)
{
	return list[0] == '\0' ? "" : psprintf(" OPTIONS (%s)", list);
}

/* Returns options as a list for OPTIONS (...). */
static const char *
options_of(List *options)
{
	StringInfoData list;
	ListCell *cell;

	initStringInfo(&list);
	foreach(cell, options)
	{
		DefElem *def = lfirst_node(DefElem, cell);

		append_option(&list, def->defname, defGetString(def));
	}
	return list.data;
}

/* ---------- nodes ---------- */

static void
invalid_connection(const char *connection, const char *detail)
{
	ereport(ERROR,
	        errcode(ERRCODE_INVALID_PARAMETER_VALUE),
	        errmsg("invalid connection of a node: \"%s\"", connection),
	        errdetail("%s", detail),
	        errhint("Use keywords and values as in psql, such as 'host=node1 dbname=flow'."));
}

/*
 * Reads a value as libpq does: it ends at a blank, or is in single quotes; a
 * backslash escapes a character.
 */
static const char *
read_value(const char *p, StringInfo value, const char *connection)
{
	bool quotes = *p == '\'';

	resetStringInfo(value);
	if (quotes)
		p++;
	for (; *p != '\0' && !(quotes ? *p == '\'' : isspace((unsigned char) *p)); p++)
	{
		if (*p == '\\' && p[1] != '\0')
			p++;
		appendStringInfoChar(value, *p);
	}
	if (quotes && *p++ != '\'')
		invalid_connection(connection, "A quote is not closed.");
	return p;
}

/*
 * Reads a connection string.  User and password are options of the user
 * mapping, all else of the server.
 */
static void
read_connection(ClusterNode *node, const char *connection)
{
	const char *p = connection;
	StringInfoData value;

	node->connection = connection;
	node->settings = "";
	initStringInfo(&node->server);
	initStringInfo(&node->mapping);
	initStringInfo(&value);
	for (;;)
	{
		/* read the next keyword */
		size_t len;
		char *keyword;

		CHECK_FOR_INTERRUPTS();
		p += strspn(p, " \t\n");
		if (*p == '\0')
			break;
		len = strcspn(p, " \t\n=");
		keyword = pnstrdup(p, len);
		p += len;
		p += strspn(p, " \t\n");
		if (len == 0 || *p != '=')
			invalid_connection(connection, "A keyword has no value.");
		p++;

		/* read its value */
		p = read_value(p + strspn(p, " \t\n"), &value, connection);
		if (strcmp(keyword, "options") == 0)
			node->settings = psprintf("%s ", value.data);
		else
			append_option(strcmp(keyword, "user") == 0 || strcmp(keyword, "password") == 0
			                  ? &node->mapping
			                  : &node->server,
			              keyword,
			              value.data);
	}
	if (node->server.len == 0)
		invalid_connection(connection, "It does not say where the node is.");
}

/* Reads the nodes' connection strings. */
static void
read_nodes(Cluster *cluster, ArrayType *array)
{
	Datum *elements;
	bool *isnull;

	deconstruct_array(
		array, TEXTOID, -1, false, TYPALIGN_INT, &elements, &isnull, &cluster->nnodes);
	if (cluster->nnodes == 0)
		ereport(ERROR,
		        errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		        errmsg("a cluster must have at least one node"));
	if (cluster->nnodes > MAX_PARTS)
		ereport(ERROR,
		        errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		        errmsg("a cluster cannot have more than %d nodes", MAX_PARTS));
	cluster->nodes = palloc0(sizeof(ClusterNode) * cluster->nnodes);
	for (int i = 0; i < cluster->nnodes; i++)
	{
		if (isnull[i])
			ereport(ERROR,
			        errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			        errmsg("the connection of a node cannot be null"));
		read_connection(&cluster->nodes[i], TextDatumGetCString(elements[i]));
		for (int k = 0; k < i; k++)
			if (strcmp(cluster->nodes[k].connection, cluster->nodes[i].connection) == 0)
				ereport(ERROR,
				        errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				        errmsg("node \"%s\" is named twice", cluster->nodes[i].connection),
				        errhint("Set \"shards_per_node\" to give each node several parts."));
	}
}

/* Returns the node of a part: parts are dealt to the nodes in turn. */
static const ClusterNode *
node_of_part(const Cluster *cluster, int part)
{
	return &cluster->nodes[part % cluster->nnodes];
}

/* ---------- parts ---------- */

/* Checks the arguments of a division by shards. */
static void
read_shards(Cluster *cluster, bool own_files_given)
{
	bool local = flow_location_is_local(cluster->table->location);

	if (local && !own_files_given)
		ereport(ERROR,
		        errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		        errmsg("\"own_files\" must be set for a location that is a path"),
		        errdetail("With a wrong guess, rows would be missing or returned several times."),
		        errhint("Set it to true if each node has files of its own at \"%s\", to false if "
		                "all see the same ones.",
		                cluster->table->options.location));
	if (!local && cluster->own_files)
		ereport(ERROR,
		        errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		        errmsg("\"own_files\" cannot be true for a location in S3"));
	for (int i = 0; i < cluster->table->ncolumns; i++)
		if (strcmp(cluster->table->columns[i].name, "shard") == 0)
			ereport(ERROR,
			        errcode(ERRCODE_DUPLICATE_COLUMN),
			        errmsg("column \"shard\" of foreign table \"%s\" conflicts with the cluster's "
			               "own column",
			               cluster->name));
	cluster->nparts = cluster->nnodes * cluster->shards_per_node;
}

/*
 * Returns a value of the column as a literal that means the same on all nodes,
 * whatever their settings.  DateStyle is ISO meanwhile.
 */
static char *
bound_literal(Oid type, int32 typmod, const char *text)
{
	Oid input, output, ioparam;
	bool varlena;
	Datum value;

	getTypeInputInfo(type, &input, &ioparam);
	getTypeOutputInfo(type, &output, &varlena);
	value = OidInputFunctionCall(input, (char *) text, ioparam, typmod);
	return quote_literal_cstr(OidOutputFunctionCall(output, value));
}

/* Reads the column and the bounds of a division by ranges or values. */
static void
read_bounds(Cluster *cluster, const char *name, ArrayType *array)
{
	Form_pg_attribute attribute = NULL;
	FlowlogTable *table = cluster->table;
	Datum *elements;
	bool *isnull;
	int nvariables;
	const FlowVariable *variables = flow_location_variables(table->location, &nvariables);
	int level;

	/* find the column */
	for (int i = 0; i < table->ncolumns; i++)
		if (strcmp(table->columns[i].name, name) == 0 &&
		    table->columns[i].source == FLOW_FROM_VARIABLE)
		{
			cluster->column = &table->columns[i];
			attribute = TupleDescAttr(RelationGetDescr(cluster->relation), table->attnums[i] - 1);
		}
	if (cluster->column == NULL)
		ereport(ERROR,
		        errcode(ERRCODE_UNDEFINED_COLUMN),
		        errmsg("foreign table \"%s\" has no column \"%s\" that its location fills",
		               cluster->name,
		               name),
		        errhint("Only with a column whose value is in the path can files be left out."));
	if (array == NULL)
		ereport(ERROR,
		        errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		        errmsg("\"bounds\" must be set with \"partition_column\""));

	/* read the bounds, which are converted with DateStyle ISO */
	deconstruct_array(
		array, TEXTOID, -1, false, TYPALIGN_INT, &elements, &isnull, &cluster->nbounds);
	if (cluster->nbounds == 0 || cluster->nbounds >= MAX_PARTS)
		ereport(ERROR,
		        errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		        errmsg("\"bounds\" must have from 1 to %d elements", MAX_PARTS - 1));
	cluster->by_range = variables[cluster->column->variable].is_date;
	cluster->bounds = palloc(sizeof(char *) * cluster->nbounds);
	level = NewGUCNestLevel();
	(void) set_config_option(
		"datestyle", "ISO", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	for (int i = 0; i < cluster->nbounds; i++)
	{
		if (isnull[i])
			ereport(ERROR,
			        errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			        errmsg("a bound cannot be null"));
		cluster->bounds[i] = bound_literal(attribute->atttypid,
		                                   attribute->atttypmod,
		                                   TextDatumGetCString(elements[i]));
	}
	AtEOXact_GUC(true, level);
	cluster->nparts = cluster->nbounds + 1;
}

/* Returns the bound of a part's partition. */
static const char *
partition_bound(const Cluster *cluster, int part)
{
	bool first = part == 0;
	bool last = part == cluster->nparts - 1;

	if (cluster->column == NULL)
		return psprintf("FOR VALUES IN (%d)", part + 1);
	if (cluster->by_range)
		return psprintf("FOR VALUES FROM (%s) TO (%s)",
		                first ? "MINVALUE" : cluster->bounds[part - 1],
		                last ? "MAXVALUE" : cluster->bounds[part]);
	return last ? "DEFAULT" : psprintf("FOR VALUES IN (%s)", cluster->bounds[part]);
}

/*
 * Returns the same as a condition.  The last part of a list has the values
 * that are no bound.
 */
static const char *
part_condition(const Cluster *cluster, int part)
{
	const char *column = quote_identifier(cluster->column->name);
	StringInfoData list;

	if (cluster->by_range && part == 0)
		return psprintf("%s < %s", column, cluster->bounds[0]);
	if (cluster->by_range && part == cluster->nparts - 1)
		return psprintf("%s >= %s", column, cluster->bounds[part - 1]);
	if (cluster->by_range)
		return psprintf("%s >= %s AND %s < %s",
		                column,
		                cluster->bounds[part - 1],
		                column,
		                cluster->bounds[part]);
	if (part < cluster->nparts - 1)
		return psprintf("%s = %s", column, cluster->bounds[part]);
	initStringInfo(&list);
	for (int i = 0; i < cluster->nbounds; i++)
		appendStringInfo(&list, "%s%s", i > 0 ? ", " : "", cluster->bounds[i]);
	return psprintf("%s NOT IN (%s) OR %s IS NULL", column, list.data, column);
}

/* ---------- the statements of a node ---------- */

/*
 * Returns the definitions of the columns, for the foreign tables ("foreign")
 * or for the coordinator's table.
 */
static const char *
column_list(const Cluster *cluster, bool foreign)
{
	TupleDesc desc = RelationGetDescr(cluster->relation);
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		/* there may be many columns, for each of many parts */
		CHECK_FOR_INTERRUPTS();
		if (attribute->attisdropped)
			continue;
		if (attribute->attgenerated != '\0')
			ereport(ERROR,
			        errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			        errmsg("column \"%s\" is generated, which a cluster does not support",
			               NameStr(attribute->attname)),
			        errhint("Compute it in a view over the cluster's table."));
		appendStringInfo(&list,
		                 "%s\n\t%s %s",
		                 list.len > 0 ? "," : "",
		                 quote_identifier(NameStr(attribute->attname)),
		                 format_type_with_typemod(attribute->atttypid, attribute->atttypmod));
		if (foreign)
			appendStringInfoString(&list,
			                       options_clause(
									   options_of(GetForeignColumnOptions(cluster->table->relid,
			                                                              attribute->attnum))));
		if (OidIsValid(attribute->attcollation) &&
		    attribute->attcollation != get_typcollation(attribute->atttypid))
			appendStringInfo(&list,
			                 " COLLATE %s",
			                 generate_collation_name(attribute->attcollation));
		if (foreign && attribute->attnotnull)
			appendStringInfoString(&list, " NOT NULL");
	}
	if (!foreign && cluster->column == NULL)
		appendStringInfo(&list, "%s\n\tshard integer", list.len > 0 ? "," : "");
	return list.data;
}

/* Adds the statement for a foreign table of a node; "shard" may be NULL. */
static void
emit_table(Cluster *cluster, const char *node, const char *name, const char *shard)
{
	ForeignTable *foreign = GetForeignTable(cluster->table->relid);
	StringInfoData options;

	initStringInfo(&options);
	appendStringInfoString(&options, options_of(foreign->options));
	if (shard != NULL)
		append_option(&options, "shard", shard);
	emit(cluster,
	     node,
	     "CREATE FOREIGN TABLE %s (%s\n) SERVER %s OPTIONS (%s)",
	     qualified(cluster, name),
	     column_list(cluster, true),
	     quote_identifier(GetForeignServer(foreign->serverid)->servername),
	     options.data);
}

/* Adds the statements for what all parts of a node have in common. */
static void
emit_node(Cluster *cluster, const char *node)
{
	ForeignServer *server = GetForeignServer(cluster->table->serverid);
	ForeignDataWrapper *wrapper = GetForeignDataWrapper(server->fdwid);
	/* of the extension */
	const char *schema = get_namespace_name(get_func_namespace(wrapper->fdwhandler));

	if (strcmp(schema, "public") != 0)
		emit(cluster, node, "CREATE SCHEMA IF NOT EXISTS %s", quote_identifier(schema));
	emit(cluster,
	     node,
	     "CREATE EXTENSION IF NOT EXISTS flowlog_fdw SCHEMA %s",
	     quote_identifier(schema));
	emit(cluster,
	     node,
	     "CREATE SERVER IF NOT EXISTS %s FOREIGN DATA WRAPPER %s%s",
	     quote_identifier(server->servername),
	     quote_identifier(wrapper->fdwname),
	     options_clause(options_of(server->options)));
	if (strcmp(cluster->schema, "public") != 0)
		emit(cluster, node, "CREATE SCHEMA IF NOT EXISTS %s", quote_identifier(cluster->schema));
	if (cluster->column != NULL)
		emit_table(cluster, node, table_name(cluster, 0), NULL);
}

/*
 * Adds the statements for a part: a view with the name that the coordinator
 * uses.
 */
static void
emit_part(Cluster *cluster, int part)
{
	const char *node = node_of_part(cluster, part)->connection;
	const char *table = table_name(cluster, part);
	const char *view = qualified(cluster, view_name(cluster, part));
	/* number of the node's parts before this one */
	int of_node = part / cluster->nnodes;

	if (cluster->column != NULL)
	{
		emit(cluster,
		     node,
		     "CREATE VIEW %s AS\n\tSELECT * FROM %s WHERE %s",
		     view,
		     qualified(cluster, table),
		     part_condition(cluster, part));
		return;
	}
	emit_table(cluster,
	           node,
	           table,
	           cluster->own_files ? psprintf("%d/%d", of_node + 1, cluster->shards_per_node)
	                              : psprintf("%d/%d", part + 1, cluster->nparts));
	emit(cluster,
	     node,
	     "CREATE VIEW %s AS\n\tSELECT *, %d AS shard FROM %s",
	     view,
	     part + 1,
	     qualified(cluster, table));
}

/* ---------- the statements of the coordinator ---------- */

/* Adds statements that copy comments, which reporting tools show. */
static void
emit_comments(Cluster *cluster)
{
	const char *parent = qualified(cluster, cluster->parent);
	char *comment = GetComment(cluster->table->relid, RelationRelationId, 0);

	if (comment != NULL)
		emit(cluster,
		     COORDINATOR,
		     "COMMENT ON TABLE %s IS %s",
		     parent,
		     quote_literal_cstr(comment));
	for (int i = 0; i < cluster->table->ncolumns; i++)
	{
		comment = GetComment(cluster->table->relid, RelationRelationId, cluster->table->attnums[i]);
		if (comment != NULL)
			emit(cluster,
			     COORDINATOR,
			     "COMMENT ON COLUMN %s.%s IS %s",
			     parent,
			     quote_identifier(cluster->table->columns[i].name),
			     quote_literal_cstr(comment));
	}
}

/*
 * Adds the statements for a partition of the coordinator's table, its server
 * and its user mapping.
 */
static void
emit_partition(Cluster *cluster, int part)
{
	const ClusterNode *node = node_of_part(cluster, part);
	const char *name = partition_name(cluster, part);
	StringInfoData options;

	initStringInfo(&options);
	appendStringInfoString(&options, node->server.data);
	append_option(&options, "extensions", "flowlog_fdw");
	append_option(&options, "async_capable", "true");
	append_option(&options, "fetch_size", FETCH_SIZE);
	/*
	 * postgres_fdw reads through a cursor, of which PostgreSQL expects that
	 * only the first rows are fetched; it would push no aggregates then
	 */
	append_option(&options, "options", psprintf("%s-c cursor_tuple_fraction=1", node->settings));
	emit(cluster,
	     COORDINATOR,
	     "CREATE SERVER %s FOREIGN DATA WRAPPER postgres_fdw OPTIONS (%s)",
	     quote_identifier(name),
	     options.data);
	emit(cluster,
	     COORDINATOR,
	     "CREATE USER MAPPING FOR CURRENT_USER SERVER %s%s",
	     quote_identifier(name),
	     options_clause(node->mapping.data));
	emit(cluster,
	     COORDINATOR,
	     "CREATE FOREIGN TABLE %s PARTITION OF %s %s\n\tSERVER %s OPTIONS (schema_name %s, "
	     "table_name %s)",
	     qualified(cluster, name),
	     qualified(cluster, cluster->parent),
	     partition_bound(cluster, part),
	     quote_identifier(name),
	     quote_literal_cstr(cluster->schema),
	     quote_literal_cstr(view_name(cluster, part)));
}

/*
 * Adds a statement that makes sessions of the coordinator load the module
 * before they plan queries, without which aggregates are not divided (see
 * rollup.c).  Not all users may see, or set, which libraries are loaded.
 */
static void
emit_preload(Cluster *cluster)
{
	const char *set = GetConfigOption("session_preload_libraries", false, false);

	if (!has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_SETTINGS))
		ereport(
			NOTICE,
			errmsg("sessions of the coordinator need the library flowlog_fdw"),
			errdetail("Only roles with privileges of the \"%s\" role may see whether it is loaded.",
		              "pg_read_all_settings"),
			errhint(
				"Add it to \"session_preload_libraries\", or the nodes compute no aggregates."));
	else if (strstr(set, "flowlog_fdw") == NULL &&
	         strstr(GetConfigOption("shared_preload_libraries", false, false), "flowlog_fdw") ==
	             NULL)
		emit(cluster,
		     COORDINATOR,
		     "ALTER DATABASE %s SET session_preload_libraries = %s%sflowlog_fdw",
		     quote_identifier(get_database_name(MyDatabaseId)),
		     set,
		     set[0] != '\0' ? ", " : "");
}

/* Adds the statements for the coordinator. */
static void
emit_coordinator(Cluster *cluster)
{
	emit(cluster, COORDINATOR, "CREATE EXTENSION IF NOT EXISTS postgres_fdw");
	emit(cluster,
	     COORDINATOR,
	     "CREATE TABLE %s (%s\n) PARTITION BY %s (%s)",
	     qualified(cluster, cluster->parent),
	     column_list(cluster, false),
	     cluster->column != NULL && cluster->by_range ? "RANGE" : "LIST",
	     cluster->column != NULL ? quote_identifier(cluster->column->name) : "shard");
	for (int part = 0; part < cluster->nparts; part++)
		emit_partition(cluster, part);
	emit_comments(cluster);
	emit_preload(cluster);
}

/* ---------- the function ---------- */

/* Reports that keys are not copied: a user who may use them must do that. */
static void
note_mappings(const Cluster *cluster)
{
	if (!flow_location_is_local(cluster->table->location))
		ereport(NOTICE,
		        errmsg("the nodes need user mappings for server \"%s\"",
		               GetForeignServer(cluster->table->serverid)->servername),
		        errdetail("Keys are not copied."));
}

/* Checks that the table can be divided, and the names of the parts. */
static void
check_table(const Cluster *cluster)
{
	if (cluster->table->options.shard.count > 0)
		ereport(ERROR,
		        errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		        errmsg("foreign table \"%s\" is a shard already", cluster->name));
	if (cluster->parent[0] == '\0')
		ereport(ERROR,
		        errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		        errmsg("\"cluster\" must not be empty"));
	if (strlen(cluster->parent) + strlen("_1000_files") >= NAMEDATALEN)
		ereport(ERROR,
		        errcode(ERRCODE_NAME_TOO_LONG),
		        errmsg("the names of a cluster's parts would be too long"),
		        errhint("Set \"cluster\" to a shorter name."));
}

/*
 * flowlog_cluster_ddl("table" regclass, nodes text[], shards_per_node int,
 * own_files bool, partition_column text, bounds text[], cluster text): the
 * statements, and the node of each.
 */
Datum
flowlog_cluster_ddl(PG_FUNCTION_ARGS)
{
	Cluster cluster = {0};
	Oid relid;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		ereport(ERROR,
		        errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
		        errmsg("\"table\", \"nodes\" and \"shards_per_node\" cannot be null"));

	/* read the arguments */
	relid = PG_GETARG_OID(0);
	cluster.result = flowlog_begin_result(fcinfo, &cluster.desc);
	cluster.relation = flowlog_open_argument(relid);
	cluster.table = flowlog_table_open(relid);
	cluster.schema = get_namespace_name(RelationGetNamespace(cluster.relation));
	cluster.name = cluster.table->name;
	cluster.parent =
		PG_ARGISNULL(6) ? psprintf("%s_all", cluster.name) : text_to_cstring(PG_GETARG_TEXT_PP(6));
	cluster.shards_per_node = PG_GETARG_INT32(2);
	cluster.own_files = !PG_ARGISNULL(3) && PG_GETARG_BOOL(3);
	check_table(&cluster);
	read_nodes(&cluster, PG_GETARG_ARRAYTYPE_P(1));
	if (cluster.shards_per_node < 1 || cluster.shards_per_node > MAX_PARTS / cluster.nnodes)
		ereport(ERROR,
		        errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		        errmsg("\"shards_per_node\" must be from 1 to %d for %d nodes",
		               MAX_PARTS / cluster.nnodes,
		               cluster.nnodes));
	if (!PG_ARGISNULL(4))
		read_bounds(&cluster,
		            text_to_cstring(PG_GETARG_TEXT_PP(4)),
		            PG_ARGISNULL(5) ? NULL : PG_GETARG_ARRAYTYPE_P(5));
	else if (!PG_ARGISNULL(5))
		ereport(ERROR,
		        errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		        errmsg("\"partition_column\" must be set with \"bounds\""));
	else
		read_shards(&cluster, !PG_ARGISNULL(3));

	/* make the statements */
	for (int i = 0; i < cluster.nnodes; i++)
	{
		emit_node(&cluster, cluster.nodes[i].connection);
		for (int part = i; part < cluster.nparts; part += cluster.nnodes)
			emit_part(&cluster, part);
	}
	emit_coordinator(&cluster);
	note_mappings(&cluster);
	table_close(cluster.relation, NoLock);
	return (Datum) 0;
}
