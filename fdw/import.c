/*-------------------------------------------------------------------------
 *
 * import.c
 *	  IMPORT FOREIGN SCHEMA: a table for what lies at a location, as the
 *	  headers of its files and the names of its directories say.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include "catalog/pg_foreign_table.h"
#include "commands/defrem.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/builtins.h"

/* So many files are opened at most. */
#define MAX_PROBES 100

/* What the statement's options say. */
typedef struct Import
{
	const char *location;
	const char *table;
	bool timestamps; /* start and end as timestamptz */
	const char *log_format;
	const char *compression;
	List *table_options; /* those that the table gets as they are */

	FlowlogBackend backend;
	FlowLocation *parsed;
	FlowStore *store; /* NULL: the location is local */
	int reserved_fds;
	FlowObjects *objects;

	/* what was found */
	List *fields; /* names, as in headers */
	/*
	 * those of them that all files have which were looked at; NIL before the
	 * first
	 */
	List *everyone;
	bool timed;
} Import;

/* ---------- options ---------- */

static void
parse_times(Import *import, DefElem *def)
{
	const char *value = defGetString(def);

	if (strcmp(value, "timestamptz") != 0 && strcmp(value, "bigint") != 0)
		ereport(ERROR,
		        errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
		        errmsg("invalid value for option \"%s\": \"%s\"", def->defname, value),
		        errhint("Valid values are \"bigint\" and \"timestamptz\"."));
	import->timestamps = strcmp(value, "timestamptz") == 0;
}

/*
 * Those of the import itself; all others are the table's, whose validator
 * looks at them.
 */
static void
read_options(Import *import, const ImportForeignSchemaStmt *stmt)
{
	List *location = NIL;
	ListCell *cell;

	import->table = stmt->remote_schema;
	import->compression = "auto";
	foreach(cell, stmt->options)
	{
		DefElem *def = lfirst_node(DefElem, cell);

		if (strcmp(def->defname, "table") == 0)
			import->table = defGetString(def);
		else if (strcmp(def->defname, "times") == 0)
			parse_times(import, def);
		else
		{
			import->table_options = lappend(import->table_options, def);
			if (strcmp(def->defname, "location") == 0)
			{
				import->location = defGetString(def);
				location = list_make1(def);
			}
			else if (strcmp(def->defname, "log_format") == 0)
				import->log_format = defGetString(def);
			else if (strcmp(def->defname, "compression") == 0)
				import->compression = defGetString(def);
			else if (strcmp(def->defname, "regex") == 0)
				ereport(ERROR,
				        errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
				        errmsg("option \"%s\" cannot be set when a foreign schema is imported",
				               def->defname),
				        errdetail("The columns of the table are the fields that headers name."),
				        errhint("Create the foreign table with its columns yourself."));
		}
	}

	/*
	 * may this user read there?  The others are looked at when the table is
	 * created
	 */
	flowlog_options_validate(location, ForeignTableRelationId);
}

/* ---------- what lies there ---------- */

static bool
has_field(const List *fields, const char *name)
{
	ListCell *cell;

	foreach(cell, fields)
		if (strcmp(lfirst(cell), name) == 0)
			return true;
	return false;
}

/*
 * In the documentation's order; those that it does not know at the end, as
 * they are found.
 */
static void
add_field(Import *import, const char *name)
{
	int rank = flow_field_rank(name);
	int position = 0;
	ListCell *cell;

	if (has_field(import->fields, name))
		return;
	foreach(cell, import->fields)
		if (flow_field_rank(lfirst(cell)) <= rank)
			position = foreach_current_index(cell) + 1;
	import->fields = list_insert_nth(import->fields, position, pstrdup(name));
}

/* Keeps in import->everyone what the next file has as well. */
static void
keep_common(Import *import, const FlowProbe *probe)
{
	List *common = NIL;

	for (int i = 0; i < probe->nfields; i++)
		if (import->everyone == NIL || has_field(import->everyone, probe->fields[i]))
			common = lappend(common, pstrdup(probe->fields[i]));
	import->everyone = common != NIL ? common : list_make1("");
}

/*
 * A column of a field that is not known must be in each file (a known one is
 * NULL where it is not), so such fields are left out where they are not.
 */
static void
leave_out_unknown(Import *import)
{
	ListCell *cell;

	foreach(cell, import->fields)
	{
		const char *name = lfirst(cell);
		FlowType type;

		if (flow_field_type(name, &type) || has_field(import->everyone, name))
			continue;
		ereport(NOTICE,
		        errmsg("field \"%s\" is left out", name),
		        errdetail("It is not a known field of flow logs, and not all of these have it."));
		import->fields = foreach_delete_current(import->fields, cell);
	}
}

static void
probe_file(Import *import, const FlowObject *object, const FlowAccess *allowed)
{
	FlowProbe probe;
	FlowError error;

	if (flow_object_probe(&import->backend.host,
	                      object,
	                      allowed,
	                      import->compression,
	                      true,
	                      import->log_format,
	                      &probe,
	                      &error) != FLOW_OK)
		flowlog_raise(&import->backend, &error, NULL);

	for (int i = 0; i < probe.nfields; i++)
		add_field(import, probe.fields[i]);
	if (probe.nfields > 0)
		keep_common(import, &probe);
	import->timed |= probe.timed;
	if (probe.source == FLOW_FIELDS_UNKNOWN)
		ereport(ERROR,
		        errcode(ERRCODE_FDW_UNABLE_TO_CREATE_REPLY),
		        errmsg("fields of flow log \"%s\" are not known", flowlog_message(object->path)),
		        errdetail(
					"It has no header, and its first line is no record of the default format."),
		        errhint("Set option \"log_format\" to the format of these flow logs."));
	flow_probe_free(&import->backend.host, &probe);
}

static void
probe_files(Import *import, Oid serverid)
{
	FlowAccess allowed;
	FlowObject *chosen;
	size_t probes;
	FlowError error;

	if (flow_location_parse(&import->backend.host, import->location, &import->parsed, &error) !=
	    FLOW_OK)
		flowlog_raise(&import->backend, &error, NULL);
	import->store = flowlog_s3_open(&import->backend, import->parsed, serverid, GetUserId());
	for (int most = import->store != NULL ? import->store->storage->descriptors(import->store) : 1;
	     import->reserved_fds < most;
	     import->reserved_fds++)
		ReserveExternalFD();
	allowed = flowlog_get_access(import->store);
	if (flow_objects_list_pruned(&import->backend.host,
	                             import->parsed,
	                             &allowed,
	                             NULL,
	                             NULL,
	                             &import->objects,
	                             &error) != FLOW_OK)
		flowlog_raise(&import->backend, &error, NULL);
	if (import->objects->count == 0)
		ereport(ERROR,
		        errcode(ERRCODE_FDW_SCHEMA_NOT_FOUND),
		        errmsg("no flow logs found at \"%s\"", flowlog_message(import->location)));

	/* the first, the last and some between */
	probes = Min(import->objects->count, MAX_PROBES);
	chosen = palloc(sizeof(FlowObject) * probes);
	for (size_t i = 0; i < probes; i++)
		chosen[i] = import->objects
		                ->items[probes == 1 ? 0 : i * (import->objects->count - 1) / (probes - 1)];
	flowlog_ledger_check_probes(import->location, chosen, probes);
	for (size_t i = 0; i < probes; i++)
	{
		CHECK_FOR_INTERRUPTS();
		probe_file(import, &chosen[i], &allowed);
	}
	leave_out_unknown(import);
	if (probes < import->objects->count)
		ereport(NOTICE,
		        errmsg("looked at the headers of %zu of %zu flow logs",
		               probes,
		               import->objects->count));
}

/* ---------- the directories ---------- */

/*
 * The layouts in which AWS delivers to S3 (Amazon VPC User Guide, "Flow log
 * files"): the segments of a path between "AWSLogs" and the file.  A column
 * takes the place of what varies.
 */
typedef struct Segment
{
	const char *literal; /* how its name begins */
	int digits;          /* that follow; 0: any text, if it varies */
	bool begins;         /* does a location that begins here stand by itself? */
	const char *pattern; /* what stands for it in a location */
	const char *column;  /* that is filled, when this is known; or NULL */
	const char *type;
} Segment;

#define MAX_SEGMENTS 7

typedef struct Layout
{
	Segment segments[MAX_SEGMENTS];
	int count;
} Layout;

#define DIRECTORY(name)                                                                            \
	{                                                                                              \
		name, 0, true, name, NULL, NULL                                                            \
	}
#define HIVE(key, column, type, digits)                                                            \
	{                                                                                              \
		key "=", digits, true, key "=${" column "}", column, type                                  \
	}
#define ACCOUNT                                                                                    \
	{                                                                                              \
		"", 12, true, "${account}", "account", "text"                                              \
	}
#define REGION                                                                                     \
	{                                                                                              \
		"", 0, true, "${region}", "region", "text"                                                 \
	}

static const Layout layouts[] = {
	{{ACCOUNT,
      DIRECTORY("vpcflowlogs"),
      REGION,
      {"", 4, true, "${day:yyyy", NULL, NULL},
      {"", 2, false, "MM", NULL, NULL},
      {"", 2, false, "dd}", "day", "date"}},
     6},
	{{ACCOUNT,
      DIRECTORY("vpcflowlogs"),
      REGION,
      {"", 4, true, "${hour:yyyy", NULL, NULL},
      {"", 2, false, "MM", NULL, NULL},
      {"", 2, false, "dd", NULL, NULL},
      {"", 2, false, "HH}", "hour", "timestamptz"}},
     7},
	{{HIVE("aws-account-id", "account", "text", 12),
      DIRECTORY("aws-service=vpcflowlogs"),
      HIVE("aws-region", "region", "text", 0),
      HIVE("year", "year", "integer", 4),
      HIVE("month", "month", "integer", 2),
      HIVE("day", "day", "integer", 2)},
     6},
	{{HIVE("aws-account-id", "account", "text", 12),
      DIRECTORY("aws-service=vpcflowlogs"),
      HIVE("aws-region", "region", "text", 0),
      HIVE("year", "year", "integer", 4),
      HIVE("month", "month", "integer", 2),
      HIVE("day", "day", "integer", 2),
      HIVE("hour", "hour", "integer", 2)},
     7},
};

/* Does a directory's name, up to the next slash, fit the segment? */
static bool
fits_segment(const Segment *segment, const char *name, size_t len)
{
	size_t literal = strlen(segment->literal);

	if (len < literal || strncmp(name, segment->literal, literal) != 0)
		return false;
	if (segment->digits == 0)
		return segment->column == NULL ? len == literal : len > literal;
	return len - literal == (size_t) segment->digits &&
	       strspn(name + literal, "0123456789") >= (size_t) segment->digits;
}

/*
 * Does the path, from behind "AWSLogs/" on, lie in the layout?  An
 * organization's number may stand before the account (*organization).
 */
static bool
fits_layout(const Layout *layout, const char *path, bool *organization)
{
	int i = 0;

	*organization = strncmp(path, "o-", 2) == 0;
	if (*organization)
	{
		path = strchr(path, '/');
		if (path == NULL)
			return false;
		path++;
	}
	for (; i < layout->count; i++)
	{
		const char *slash = strchr(path, '/');

		if (slash == NULL || !fits_segment(&layout->segments[i], path, slash - path))
			return false;
		path = slash + 1;
	}
	return strchr(path, '/') == NULL; /* the file itself */
}

/*
 * Where a file lies in one of AWS's layouts, as seen from a directory above
 * it.
 */
typedef struct Place
{
	const Layout *layout;
	bool organization;
	/*
	 * directories below that one down to "AWSLogs", which is one of them; 0:
	 * that one is in there
	 */
	int above;
	int inside; /* segments of the layout that the directory's own path has already */
} Place;

/*
 * "prefix": length of the directory's path; false if the file lies otherwise.
 */
static bool
find_place(const char *path, size_t prefix, Place *place)
{
	const char *directory = path + prefix;
	const char *logs = strstr(path, "/AWSLogs/");
	const char *first;

	if (logs == NULL || *directory != '/')
		return false;
	place->above = place->inside = 0;
	for (const char *c = directory; c <= logs; c++)
		place->above += *c == '/';

	first = logs + strlen("/AWSLogs/");
	for (size_t i = 0; i < lengthof(layouts); i++)
	{
		place->layout = &layouts[i];
		if (!fits_layout(place->layout, first, &place->organization))
			continue;
		if (place->organization)
			first = strchr(first, '/') + 1;
		place->organization &= first > directory;
		for (const char *c = first; c < directory; c++)
			place->inside += *c == '/';
		place->inside += first < directory;
		/* a date is one column: its year alone cannot be the directory's */
		return place->inside == 0 || place->inside == place->layout->count ||
		       place->layout->segments[place->inside].begins;
	}
	return false;
}

/*
 * The place of all files, if they lie alike and the location is plainly a
 * directory above them.
 */
static bool
find_common_place(const Import *import, size_t prefix, Place *place)
{
	for (size_t i = 0; i < import->objects->count; i++)
	{
		const char *path = import->objects->items[i].path;
		Place other;

		CHECK_FOR_INTERRUPTS();
		if (strncmp(path, import->location, prefix) != 0 || !find_place(path, prefix, &other))
			return false;
		if (i == 0)
			*place = other;
		else if (other.layout != place->layout || other.organization != place->organization ||
		         other.above != place->above || other.inside != place->inside)
			return false;
	}
	return true;
}

/*
 * The location that the table gets, and the columns that its directories fill.
 */
static char *
describe_location(const Import *import, const Segment **columns, int *ncolumns)
{
	size_t prefix = strlen(import->location);
	StringInfoData location;
	Place place = {0};

	*ncolumns = 0;
	while (prefix > 1 && import->location[prefix - 1] == '/')
		prefix--;
	if (strpbrk(import->location, "*?[{\\$") != NULL || !find_common_place(import, prefix, &place))
		return pstrdup(import->location);

	initStringInfo(&location);
	appendBinaryStringInfo(&location, import->location, prefix);
	for (int i = 1; i < place.above; i++)
		appendStringInfoString(&location, "/*");
	appendStringInfoString(&location, place.above > 0 ? "/AWSLogs/" : "/");
	if (place.organization)
		appendStringInfoString(&location, "*/");
	for (int i = place.inside; i < place.layout->count; i++)
	{
		appendStringInfo(&location, "%s/", place.layout->segments[i].pattern);
		if (place.layout->segments[i].column != NULL)
			columns[(*ncolumns)++] = &place.layout->segments[i];
	}
	return location.data;
}

/* ---------- the table ---------- */

static const char *
field_type(const Import *import, const char *name)
{
	static const char *const types[FLOW_OPAQUE + 1] = {[FLOW_INT32] = "integer",
	                                                   [FLOW_INT64] = "bigint",
	                                                   [FLOW_ADDRESS] = "inet",
	                                                   [FLOW_TEXT] = "text"};
	FlowType type;

	if (import->timestamps && (strcmp(name, "start") == 0 || strcmp(name, "end") == 0))
		return "timestamptz";
	return flow_field_type(name, &type) && types[type] != NULL ? types[type] : "text";
}

static void
append_column(StringInfo sql, List **names, const char *name, const char *type)
{
	if (has_field(*names, name))
		return; /* a directory's name was there first */
	appendStringInfo(sql, "%s\n\t%s %s", *names == NIL ? "" : ",", quote_identifier(name), type);
	*names = lappend(*names, pstrdup(name));
}

/* A field's name as PostgreSQL's users like it: "-" is for those who quote. */
static char *
column_name(const char *field)
{
	char *name = pstrdup(field);

	for (char *c = name; *c != '\0'; c++)
		if (*c == '-')
			*c = '_';
	return name;
}

static char *
create_statement(Import *import, const char *server)
{
	const Segment *columns[MAX_SEGMENTS];
	int ncolumns;
	char *location = describe_location(import, columns, &ncolumns);
	List *names = NIL;
	StringInfoData sql;
	ListCell *cell;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE FOREIGN TABLE %s (", quote_identifier(import->table));
	for (int i = 0; i < ncolumns; i++)
		append_column(&sql, &names, columns[i]->column, columns[i]->type);
	if (import->timed)
		append_column(&sql, &names, "ts", "timestamptz");
	foreach(cell, import->fields)
		append_column(&sql, &names, column_name(lfirst(cell)), field_type(import, lfirst(cell)));

	appendStringInfo(&sql, "\n) SERVER %s OPTIONS (", quote_identifier(server));
	foreach(cell, import->table_options)
	{
		DefElem *def = lfirst_node(DefElem, cell);
		const char *value = strcmp(def->defname, "location") == 0 ? location : defGetString(def);

		appendStringInfo(&sql,
		                 "%s\n\t%s %s",
		                 cell == list_head(import->table_options) ? "" : ",",
		                 quote_identifier(def->defname),
		                 quote_literal_cstr(value));
	}
	appendStringInfoString(&sql, "\n)");
	return sql.data;
}

/* ---------- the whole ---------- */

static void
release_import(void *arg)
{
	Import *import = arg;

	flow_objects_free(&import->backend.host, import->objects);
	if (import->store != NULL)
		import->store->storage->free(import->store);
	flow_location_free(import->parsed);
	flowlog_backend_release(&import->backend);
	import->objects = NULL;
	for (; import->reserved_fds > 0; import->reserved_fds--)
		ReleaseExternalFD();
}

List *
flowlog_import(ImportForeignSchemaStmt *stmt, Oid serverid)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "flowlog_fdw import", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));
	Import *import = palloc0(sizeof(Import));
	char *statement;

	flowlog_backend_init(&import->backend, context);
	read_options(import, stmt);
	callback->func = release_import;
	callback->arg = import;
	MemoryContextRegisterResetCallback(context, callback);

	probe_files(import, serverid);
	statement = create_statement(import, GetForeignServer(serverid)->servername);

	MemoryContextSwitchTo(old);
	statement = pstrdup(statement);
	MemoryContextDelete(context);
	return list_make1(statement);
}
