/*-------------------------------------------------------------------------
 *
 * import.c
 *	  IMPORT FOREIGN SCHEMA: a table for the flow logs of a location, by the
 *	  headers of its files and the names of its directories.
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

/* maximum number of files that are opened */
#define MAX_PROBES 100

/* The statement's options, and what was found. */
typedef struct Import
{
	const char *location;
	const char *table;
	bool timestamps; /* "start" and "end" are timestamptz */
	const char *log_format;
	const char *compression;
	List *table_options; /* options for the table, unchanged */

	FlowlogBackend backend;
	FlowLocation *parsed;
	FlowStore *store; /* NULL: the location is local */
	int reserved_fds;
	FlowObjects *objects;

	/* found in the files */
	List *fields; /* names, as in headers */
	/* fields that all files probed so far have; NIL before the first */
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
 * Reads the import's own options.  All others are the table's, and checked by
 * the table's validator.
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
	 * checks whether this user may read there; the other options are checked
	 * when the table is created
	 */
	flowlog_options_validate(location, ForeignTableRelationId);
}

/* ---------- the files ---------- */

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
 * Adds a field, unless it is there: in the order of AWS's documentation,
 * unknown ones at the end.
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

/*
 * Removes the fields that the next file does not have from import->everyone.
 */
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
 * Removes unknown fields that not all files have.  Such a column would be an
 * error for a file without the field, where a column of a known field is NULL.
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
		ereport(
			NOTICE,
			errmsg("field \"%s\" is left out", name),
			errdetail(
				"It is not a known field of flow logs, and not all of these flow logs have it."));
		import->fields = foreach_delete_current(import->fields, cell);
	}
}

/* Returns true for a file where AWS puts another service's logs. */
static bool
is_of_other_service(const char *path)
{
	const char *logs = strstr(path, "/AWSLogs/");

	return logs != NULL && strstr(logs, "vpcflowlogs") == NULL;
}

/* Returns a location below which there are only flow logs, for a hint. */
static const char *
location_of_flow_logs(const Import *import)
{
	size_t len = strlen(import->location);

	if (strpbrk(import->location, "*?[{\\$") != NULL || is_of_other_service(import->location))
		return psprintf("%s/**/vpcflowlogs/**", flowlog_ellipsis());
	while (len > 1 && import->location[len - 1] == '/')
		len--;
	return psprintf("%.*s/**/vpcflowlogs/**", (int) len, import->location);
}

/*
 * Raises the error for a file whose fields are not known.  Where it is no flow
 * log at all, no format can help.
 */
static void
raise_unknown(const Import *import, const FlowObject *object, const FlowProbe *probe,
              const FlowError *why)
{
	const char *context = flowlog_file_context(why, probe->misfit);

	ereport(ERROR,
	        errcode(ERRCODE_FDW_UNABLE_TO_CREATE_REPLY),
	        errmsg("fields of flow log \"%s\" are not known", flowlog_message(object->path)),
	        why->detail[0] != '\0' ? errdetail("%s", why->detail)
	                               : errdetail("There is no line in it, or not at its beginning."),
	        probe->no_messages || is_of_other_service(object->path)
	            ? errhint("If these are not flow logs, give the folder of the flow logs, such as "
	                      "'%s'.",
	                      flowlog_message(location_of_flow_logs(import)))
	            : errhint("Set option \"log_format\" to the format of these flow logs, or give a "
	                      "location without files that are not flow logs."),
	        context != NULL ? errcontext("%s", context) : 0);
}

/*
 * Reads the beginning of a file, and adds its fields.  A file without any line
 * has none, but the fields of all must be known after the last.
 */
static void
probe_file(Import *import, const FlowObject *object, const FlowAccess *allowed, bool last)
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

	/* add the fields */
	for (int i = 0; i < probe.nfields; i++)
		add_field(import, probe.fields[i]);
	if (probe.nfields > 0)
		keep_common(import, &probe);
	import->timed |= probe.timed;
	if (probe.source == FLOW_FIELDS_UNKNOWN && (error.line > 0 || (last && import->fields == NIL)))
		raise_unknown(import, object, &probe, &error);
	flow_probe_free(&import->backend.host, &probe);
}

/* Lists the location, and probes some of its files. */
static void
probe_files(Import *import, Oid serverid)
{
	FlowAccess allowed;
	FlowObject *chosen;
	size_t probes;
	FlowError error;

	/* list the files */
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

	/* choose the first file, the last and some between */
	probes = Min(import->objects->count, MAX_PROBES);
	chosen = palloc(sizeof(FlowObject) * probes);
	for (size_t i = 0; i < probes; i++)
		chosen[i] = import->objects
		                ->items[probes == 1 ? 0 : i * (import->objects->count - 1) / (probes - 1)];
	flowlog_ledger_check_probes(import->location, chosen, probes);
	for (size_t i = 0; i < probes; i++)
	{
		CHECK_FOR_INTERRUPTS();
		probe_file(import, &chosen[i], &allowed, i == probes - 1);
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
 * files"), as the segments of a path between "AWSLogs" and the file.  Segments
 * that vary become columns.
 */
typedef struct Segment
{
	const char *literal; /* the beginning of the directory's name */
	/*
	 * number of digits that follow; 0: any text if there is a column, else
	 * none
	 */
	int digits;
	bool begins;         /* true if a location may begin with this segment */
	const char *pattern; /* what a location has in its place */
	const char *column;  /* known with this segment; or NULL */
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

/*
 * Returns true if a directory's name, which ends at the next slash, fits the
 * segment.
 */
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
 * Returns true if a path, after "AWSLogs/", fits the layout.  An
 * organization's ID may come before the account (*organization).
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
	return strchr(path, '/') == NULL; /* the rest is the file */
}

/*
 * The place of a file in one of AWS's layouts, relative to a directory above
 * it.
 */
typedef struct Place
{
	const Layout *layout;
	bool organization;
	/*
	 * number of directories from that directory down to "AWSLogs"; 0: the
	 * directory is "AWSLogs" or below it
	 */
	int above;
	/* number of the layout's segments in the directory's own path */
	int inside;
} Place;

/*
 * Finds the place of a file relative to a directory, whose path has the length
 * "prefix".  Returns false if the file is not in one of the layouts.
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

	/* find the layout, and how much of it is in the directory's path */
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
		/*
		 * a date is one column, so the directory's path cannot have a part of
		 * it
		 */
		return place->inside == 0 || place->inside == place->layout->count ||
		       place->layout->segments[place->inside].begins;
	}
	return false;
}

/*
 * Finds the place that all files have; returns false if they differ, or if the
 * location is not simply a directory above them.
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
 * Returns the location for the table, and the columns that its directories
 * fill.
 */
static char *
describe_location(const Import *import, const Segment **columns, int *ncolumns)
{
	size_t prefix = strlen(import->location);
	StringInfoData location;
	Place place = {0};

	/* a pattern, or another layout, is taken as it is */
	*ncolumns = 0;
	while (prefix > 1 && import->location[prefix - 1] == '/')
		prefix--;
	if (strpbrk(import->location, "*?[{\\$") != NULL || !find_common_place(import, prefix, &place))
		return pstrdup(import->location);

	/* write the part of the layout that is below the directory as patterns */
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

/* Returns the SQL type of a field's column. */
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

/* Appends a column, unless there is one of that name. */
static void
append_column(StringInfo sql, List **names, const char *name, const char *type)
{
	if (has_field(*names, name))
		return; /* a directory's column takes precedence */
	appendStringInfo(sql, "%s\n\t%s %s", *names == NIL ? "" : ",", quote_identifier(name), type);
	*names = lappend(*names, pstrdup(name));
}

/*
 * Returns the name of a field's column: with "_" for "-", which would need
 * quotes.
 */
static char *
column_name(const char *field)
{
	char *name = pstrdup(field);

	for (char *c = name; *c != '\0'; c++)
		if (*c == '-')
			*c = '_';
	return name;
}

/* Returns the statement that creates the table. */
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

	/* append the options */
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

/* ---------- the import ---------- */

/* Releases resources not owned by the memory context. */
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

/* Returns the statements that create what is imported: one table. */
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
