/*-------------------------------------------------------------------------
 *
 * import.c
 *	  IMPORT FOREIGN SCHEMA: a table for the flow logs of a location, by the
 *	  headers of its files and the names of its directories.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"
#include "import.h"

#include "catalog/pg_foreign_table.h"
#include "commands/defrem.h"
#include "foreign/foreign.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
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
	bool has_slack;      /* one of them is "name_time_slack" */
	List *table_options; /* options for the table, unchanged */

	FlowlogBackend backend;
	FlowLocation *parsed;
	FlowStore *store; /* NULL: the location is local */
	FlowObjects *objects;

	/* found in the files */
	List *fields; /* names, as in headers */
	List *kinds;  /* what is known of their values: KnownKind */
	/* fields that all files probed so far have; NIL before the first */
	List *everyone;
	List *refused; /* fields that cannot be read: KnownRefused */
	bool timed;
	bool has_others;     /* JSON has members that are no known fields */
	bool has_name_times; /* the names of all have AWS's time */
} Import;

/* What the values of a field are, in all files that say it. */
typedef struct KnownKind
{
	const char *name;
	FlowProbeKind kind; /* FLOW_KIND_ANY: files differ, or some do not say it */
} KnownKind;

/* A field that a file has in a form that is not read. */
typedef struct KnownRefused
{
	const char *name;
	const char *reason; /* after "is" */
	const char *path;
} KnownRefused;

/* ---------- options ---------- */

/*
 * Reads the options of the statement, and checks whether this user may read
 * the location.  The table's options are checked once more when it is created.
 */
static void
read_options(Import *import, const ImportForeignSchemaStmt *stmt)
{
	FlowlogOptions options;
	List *location = NIL;
	ListCell *cell;

	flowlog_options_parse(&options, stmt->options, FLOWLOG_OPTIONS_OF_IMPORT);
	if (options.regex != NULL)
		ereport(ERROR,
		        errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
		        errmsg("option \"%s\" cannot be set when a foreign schema is imported", "regex"),
		        errdetail("The columns of the table are the fields that headers name."),
		        errhint("Create the foreign table with its columns yourself."));
	import->table = options.table != NULL ? options.table : stmt->remote_schema;
	import->timestamps = !options.times_as_numbers;
	import->location = options.location;
	import->log_format = options.log_format;
	import->compression = options.compression;
	import->has_slack = options.name_time_slack >= 0;
	foreach(cell, stmt->options)
	{
		DefElem *def = lfirst_node(DefElem, cell);

		if (strcmp(def->defname, "location") == 0)
			location = list_make1(def);
		if (strcmp(def->defname, "table") != 0 && strcmp(def->defname, "times") != 0)
			import->table_options = lappend(import->table_options, def);
	}
	flowlog_options_validate(location, ForeignTableRelationId);
}

/*
 * Warns if the statement's list of tables leaves out the only one that there
 * is; returns true if not.
 */
static bool
is_wanted(const Import *import, ImportForeignSchemaStmt *stmt)
{
	bool wanted = IsImportableForeignTable(import->table, stmt);

	if (!wanted)
		ereport(WARNING,
		        errcode(ERRCODE_WARNING),
		        errmsg("table \"%s\" is not imported", import->table),
		        stmt->list_type == FDW_IMPORT_SCHEMA_LIMIT_TO
		            ? errdetail("It is the only table there is, and LIMIT TO does not name it.")
		            : errdetail("It is the only table there is, and EXCEPT names it."),
		        errhint("Set option \"table\" to another name, or leave out the list of tables."));
	return wanted;
}

/* ---------- the files ---------- */

/*
 * Returns true if two names, in small letters, are of one field: "_" and "-"
 * are alike.
 */
static bool
is_same_name(const char *name, const char *other)
{
	for (; *name != '\0'; name++, other++)
		if (*name != *other &&
		    (strchr("_-", *name) == NULL || *other == '\0' || strchr("_-", *other) == NULL))
			return false;
	return *other == '\0';
}

static bool
has_field(const List *fields, const char *name)
{
	ListCell *cell;

	foreach(cell, fields)
		if (is_same_name(lfirst(cell), name))
			return true;
	return false;
}

/*
 * Returns true if other files have a known field by another name.  Two names
 * of one file are two fields, whatever else they may mean.
 */
static bool
has_other_name(const Import *import, const FlowProbe *probe, const char *name)
{
	const char *field = flow_field_name(name);
	ListCell *cell;

	foreach(cell, import->fields)
	{
		const char *other = lfirst(cell);
		bool here = false;

		for (int i = 0; i < probe->nfields; i++)
			here |= is_same_name(probe->fields[i], other);
		if (field != NULL && !here && flow_field_name(other) == field)
			return true;
	}
	return false;
}

/* Returns true if a known field was found, under any of its names. */
static bool
has_known_field(const Import *import, const char *field)
{
	ListCell *cell;

	foreach(cell, import->fields)
	{
		const char *known = flow_field_name(lfirst(cell));

		if (known != NULL && strcmp(known, field) == 0)
			return true;
	}
	return false;
}

/*
 * Adds a field of a file, unless it is there: in the order of AWS's
 * documentation, unknown ones at the end.
 */
static void
add_field(Import *import, const FlowProbe *probe, const char *name)
{
	int rank = flow_field_rank(name);
	int position = 0;
	ListCell *cell;

	if (has_field(import->fields, name) || has_other_name(import, probe, name))
		return;
	foreach(cell, import->fields)
		if (flow_field_rank(lfirst(cell)) <= rank)
			position = foreach_current_index(cell) + 1;
	import->fields = list_insert_nth(import->fields, position, pstrdup(name));
}

/* Returns what is known of a field's values, or NULL. */
static KnownKind *
find_kind(const Import *import, const char *name)
{
	ListCell *cell;

	foreach(cell, import->kinds)
		if (is_same_name(((KnownKind *) lfirst(cell))->name, name))
			return lfirst(cell);
	return NULL;
}

/* Notes what the values of a field of a file are. */
static void
note_kind(Import *import, const char *name, FlowProbeKind kind)
{
	KnownKind *known = find_kind(import, name);

	if (known == NULL)
	{
		known = palloc(sizeof(KnownKind));
		*known = (KnownKind) {pstrdup(name), kind};
		import->kinds = lappend(import->kinds, known);
	}
	else if (known->kind != kind)
		known->kind = FLOW_KIND_ANY;
}

/* Notes a field of a file that cannot be read. */
static void
note_refused(Import *import, const FlowProbeRefused *refused, const char *path)
{
	KnownRefused *known;
	ListCell *cell;

	foreach(cell, import->refused)
		if (is_same_name(((KnownRefused *) lfirst(cell))->name, refused->name))
			return;
	known = palloc(sizeof(KnownRefused));
	*known = (KnownRefused) {pstrdup(refused->name), pstrdup(refused->reason), path};
	import->refused = lappend(import->refused, known);
}

/* Says which fields are left out because they cannot be read. */
static void
tell_refused(const Import *import)
{
	ListCell *cell;

	foreach(cell, import->refused)
	{
		const KnownRefused *refused = lfirst(cell);

		if (!has_field(import->fields, refused->name))
			ereport(NOTICE,
			        errmsg("field \"%s\" is left out", flowlog_message(refused->name)),
			        errdetail("It is %s in flow log \"%s\".",
			                  refused->reason,
			                  flowlog_message(refused->path)));
	}
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

/* Returns why a field cannot be a column, or NULL. */
static const char *
why_no_column(const Import *import, const char *name)
{
	FlowType type;

	if (name[0] == '\0' || flowlog_valid_text(name) != name)
		return "Its name cannot be that of a column in this database.";
	if (flow_field_type(name, &type) || has_field(import->everyone, name))
		return NULL;
	return "It is not a known field of flow logs, and not all of these flow logs have it.";
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
		const char *why = why_no_column(import, name);

		if (why == NULL)
			continue;
		ereport(NOTICE,
		        errmsg("field \"%s\" is left out", flowlog_message(name)),
		        errdetail_internal("%s", why));
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
	        strcmp(object->path, import->location) == 0 && probe->no_messages
	            ? errhint("If this is not a flow log, give the location of flow logs.")
	        : probe->no_messages || is_of_other_service(object->path)
	            ? errhint("If these are not flow logs, give the folder of the flow logs, such as "
	                      "'%s'.",
	                      flowlog_message(location_of_flow_logs(import)))
	            : errhint(
					  "Set option \"log_format\" to the format of these flow logs. If this is not "
					  "one, give a location without it, such as a pattern that ends in "
					  "\"/**/*.log.gz\"."),
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
	{
		CHECK_FOR_INTERRUPTS();
		add_field(import, &probe, probe.fields[i]);
		note_kind(import, probe.fields[i], probe.kinds != NULL ? probe.kinds[i] : FLOW_KIND_ANY);
	}
	for (int i = 0; i < probe.nrefused; i++)
	{
		CHECK_FOR_INTERRUPTS();
		note_refused(import, &probe.refused[i], object->path);
	}
	if (probe.nfields > 0)
		keep_common(import, &probe);
	import->timed |= probe.timed;
	import->has_others |= probe.has_others;
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
	size_t announced = 0;
	int64 from, to;
	FlowError error;

	/* list the files */
	if (flow_location_parse(&import->backend.host, import->location, &import->parsed, &error) !=
	    FLOW_OK)
		flowlog_raise(&import->backend, &error, NULL);
	import->store = flowlog_store_open(&import->backend, import->parsed, serverid, GetUserId(), 1);
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
		        errmsg("no flow logs found at \"%s\"", flowlog_message(import->location)),
		        strpbrk(import->location, "*?[{") != NULL
		            ? errhint("A directory is read with all that is below it. In a pattern, \"*\" "
		                      "stands for a part of one name, and \"**\" for any number of "
		                      "directories.")
		            : errhint(
						  "Names that begin with \"_\" or \".\", and empty files, are left out."));

	/* choose the first file, the last and some between */
	probes = Min(import->objects->count, MAX_PROBES);
	chosen = palloc(sizeof(FlowObject) * probes);
	for (size_t i = 0; i < probes; i++)
		chosen[i] = import->objects
		                ->items[probes == 1 ? 0 : i * (import->objects->count - 1) / (probes - 1)];
	flowlog_ledger_check_probes(import->location, chosen, probes);
	import->has_name_times = probes > 1;
	for (size_t i = 0; i < probes; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (flow_probe_announce(&allowed, chosen, probes, &announced, &error) != FLOW_OK)
			flowlog_raise(&import->backend, &error, NULL);
		import->has_name_times &= flow_name_time(chosen[i].path, &from, &to);
		probe_file(import, &chosen[i], &allowed, i == probes - 1);
	}
	leave_out_unknown(import);
	tell_refused(import);
	if (probes < import->objects->count)
		ereport(NOTICE,
		        errmsg("looked at the headers of %zu of %zu flow logs",
		               probes,
		               import->objects->count));
}

/* ---------- the table ---------- */

/*
 * Returns the SQL type for a field that is not known, by its values: one that
 * takes all of them.
 */
static const char *
type_of_kind(const Import *import, const char *name)
{
	static const char *const types[] = {[FLOW_KIND_ANY] = "text",
	                                    [FLOW_KIND_BOOLEAN] = "boolean",
	                                    [FLOW_KIND_INTEGER] = "bigint",
	                                    [FLOW_KIND_UNSIGNED] = "numeric",
	                                    [FLOW_KIND_FLOAT] = "real",
	                                    [FLOW_KIND_DOUBLE] = "double precision",
	                                    [FLOW_KIND_DECIMAL] = "numeric",
	                                    [FLOW_KIND_DATE] = "date",
	                                    [FLOW_KIND_TIME] = "timestamptz"};
	const KnownKind *known = find_kind(import, name);

	return types[known != NULL ? known->kind : FLOW_KIND_ANY];
}

/* Returns true if the values of a field are times, not numbers of seconds. */
static bool
has_times(const Import *import, const char *name)
{
	const KnownKind *known = find_kind(import, name);

	return known != NULL && (known->kind == FLOW_KIND_TIME || known->kind == FLOW_KIND_DATE);
}

/* Returns the SQL type of a field's column. */
static const char *
field_type(const Import *import, const char *name)
{
	static const char *const types[FLOW_OPAQUE + 1] = {[FLOW_INT32] = "integer",
	                                                   [FLOW_INT64] = "bigint",
	                                                   [FLOW_ADDRESS] = "inet",
	                                                   [FLOW_TEXT] = "text"};
	const char *field = flow_field_name(name);
	FlowType type;

	/* beside a field's own name, another name means something else */
	if (field == NULL || (!is_same_name(field, name) && has_field(import->fields, field)))
		return type_of_kind(import, name);
	if (flow_field_is_time(field) && (import->timestamps || has_times(import, name)))
		return "timestamptz";
	return flow_field_type(field, &type) && types[type] != NULL ? types[type] : "text";
}

/*
 * Returns true if another column finds the same field by its name: by the
 * field's own name, or else by one that was found before this one.
 */
static bool
shares_field(const Import *import, const char *name)
{
	const char *field = flow_field_name(name);
	ListCell *cell;

	if (field == NULL || is_same_name(field, name))
		return false;
	if (has_field(import->fields, field))
		return true;
	foreach(cell, import->fields)
	{
		const char *other = flow_field_name(lfirst(cell));

		if (is_same_name(lfirst(cell), name))
			return false;
		if (other != NULL && strcmp(other, field) == 0)
			return true;
	}
	return false;
}

/*
 * Appends a column, unless there is one of that name.  "field" is the name of
 * its field, if the column's is not enough; else NULL.
 */
static void
append_column(StringInfo sql, List **names, const char *name, const char *type, const char *field)
{
	if (has_field(*names, name))
		return; /* a directory's column takes precedence */
	appendStringInfo(sql, "%s\n\t%s %s", *names == NIL ? "" : ",", quote_identifier(name), type);
	if (field != NULL)
		appendStringInfo(sql, " OPTIONS (field %s)", quote_literal_cstr(field));
	*names = lappend(*names, pstrdup(name));
}

/*
 * Returns true if a field's column can have its name: it is no leaf of a group,
 * and PostgreSQL does not cut the name.
 */
static bool
is_column_name(const char *field)
{
	return strchr(field, '.') == NULL && strlen(field) < NAMEDATALEN;
}

/* Returns true if a name is that of a column, or of a field's column. */
static bool
is_taken(const Import *import, const List *names, const char *name)
{
	return has_field(names, name) || has_field(import->fields, name);
}

/*
 * Returns the name of a field's column: with "_" for "-" and ".", which would
 * need quotes.  If it is not the field's, it must be no other's.
 */
static char *
column_name(const Import *import, const List *names, const char *field)
{
	char *name = pstrdup(field);
	char *base;

	for (char *c = name; *c != '\0'; c++)
		if (*c == '-' || *c == '.')
			*c = '_';
	if (is_column_name(field))
		return name;

	/* leave room for a number */
	base = name;
	base[pg_mbcliplen(base, (int) strlen(base), NAMEDATALEN - 6)] = '\0';
	for (int i = 2; is_taken(import, names, name); i++)
		name = psprintf("%s_%d", base, i);
	return name;
}

/* Returns the statement that creates the table. */
static char *
create_statement(Import *import, const char *server)
{
	FlowlogPathColumn columns[FLOWLOG_IMPORT_SEGMENTS];
	int ncolumns;
	char *location = flowlog_import_location(import->location, import->objects, columns, &ncolumns);
	List *names = NIL;
	StringInfoData sql;
	ListCell *cell;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE FOREIGN TABLE %s (", quote_identifier(import->table));
	for (int i = 0; i < ncolumns; i++)
		append_column(&sql, &names, columns[i].name, columns[i].type, NULL);
	if (import->timed)
		append_column(&sql, &names, "ts", "timestamptz", NULL);
	foreach(cell, import->fields)
	{
		const char *field = lfirst(cell);

		CHECK_FOR_INTERRUPTS();
		append_column(&sql,
		              &names,
		              column_name(import, names, field),
		              field_type(import, field),
		              shares_field(import, field) || !is_column_name(field) ? field : NULL);
	}

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

/*
 * Proposes the option "name_time_slack", where it would be of use.  It is not
 * set: if records are further from the time in the name of their file than the
 * slack, rows are missing, and no header tells how far that is.
 */
static void
propose_slack(const Import *import, const char *schema)
{
	if (import->has_slack || !import->has_name_times ||
	    (!has_known_field(import, "start") && !has_known_field(import, "end")))
		return;
	ereport(
		NOTICE,
		errmsg("names of the files of foreign table \"%s\" have times", import->table),
		errhint("ALTER FOREIGN TABLE %s OPTIONS (ADD name_time_slack '30 minutes') lets conditions "
	            "on \"start\" and \"end\" leave out files, if no record is further from them.",
	            quote_qualified_identifier(schema, import->table)));
}

/* Says that records of JSON have more than the columns, and how to get it. */
static void
note_others(const Import *import)
{
	if (import->has_others)
		ereport(NOTICE,
		        errmsg("members of JSON that are no known fields are left out"),
		        errhint("A column that is called like such a member, or has its name in option "
		                "\"field\", is filled by it."));
}

/* ---------- the import ---------- */

/* Releases resources not owned by the memory context. */
static void
release_import(void *arg)
{
	Import *import = arg;

	flowlog_store_close(&import->backend, import->store, import->objects);
	import->store = NULL;
	import->objects = NULL;
	flow_location_free(import->parsed);
	import->parsed = NULL;
}

/*
 * Returns the statements that create what is imported: one table.  PostgreSQL
 * takes no other statements, so there are no comments on columns.
 */
List *
flowlog_import(ImportForeignSchemaStmt *stmt, Oid serverid)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "flowlog_fdw import", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));
	Import *import = palloc0(sizeof(Import));
	char *statement = NULL;
	List *statements = NIL;

	flowlog_backend_init(&import->backend, context);
	read_options(import, stmt);
	callback->func = release_import;
	callback->arg = import;
	MemoryContextRegisterResetCallback(context, callback);

	if (is_wanted(import, stmt))
	{
		probe_files(import, serverid);
		statement = create_statement(import, GetForeignServer(serverid)->servername);
		note_others(import);
		propose_slack(import, stmt->local_schema);
	}

	MemoryContextSwitchTo(old);
	if (statement != NULL)
		statements = list_make1(pstrdup(statement));
	MemoryContextDelete(context);
	return statements;
}
