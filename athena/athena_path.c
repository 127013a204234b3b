/*-------------------------------------------------------------------------
 *
 * athena_path.c
 *	  Where the files of Athena's table are: its location, with its partitions
 *	  as variables of the path.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"
#include "athena.h"

#include "miscadmin.h"
#include "utils/builtins.h"

/* ---------- where the files are ---------- */

/* Appends a slash, unless there is one at the end. */
static void
append_slash(StringInfo path)
{
	if (path->len > 0 && path->data[path->len - 1] != '/')
		appendStringInfoChar(path, '/');
}

/* Appends text without wildcards: our wildcards get a "\". */
static void
append_escaped(StringInfo path, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
	{
		if (strchr("*?[]{}\\$", text[i]) != NULL)
			appendStringInfoChar(path, '\\');
		appendStringInfoChar(path, text[i]);
	}
}

/* Returns true if the table's partitions are projected. */
static bool
is_projected(const Athena *athena)
{
	const char *enabled = flow_hive_property(&athena->hive->table_properties, "projection.enabled");

	return enabled != NULL && pg_strcasecmp(enabled, "true") == 0;
}

/* Returns a property of a column's projection, or NULL. */
const char *
flowlog_athena_projection(const Athena *athena, const char *column, const char *what)
{
	if (!is_projected(athena))
		return NULL;
	return flow_hive_property(&athena->hive->table_properties,
	                          psprintf("projection.%s.%s", column, what));
}

/* Returns the format of a column projected as dates, or NULL. */
const char *
flowlog_athena_date_format(Athena *athena, const char *column)
{
	const char *type = flowlog_athena_projection(athena, column, "type");
	const char *format = flowlog_athena_projection(athena, column, "format");
	FlowLocation *location = NULL;
	FlowStatus status = FLOW_BAD_LOCATION;
	FlowError error;
	bool ours;

	if (type == NULL || pg_strcasecmp(type, "date") != 0 || format == NULL)
		return NULL;

	/* see whether a location can have this format */
	if (format[strspn(format, "yMdH/-_")] == '\0')
		status = flow_location_parse(&athena->backend.host,
		                             psprintf("/${x:%s}/", format),
		                             &location,
		                             &error);
	if (status == FLOW_NO_MEMORY || status == FLOW_INTERRUPTED)
		flowlog_raise(&athena->backend, &error, NULL);
	ours = status == FLOW_OK;
	flow_location_free(location);
	if (!ours && strchr(format, '/') != NULL)
		ereport(ERROR,
		        errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		        errmsg("cannot read dates of the format \"%s\" from paths", format),
		        errdetail("Column \"%s\" is projected by it. A date over several directories has "
		                  "yyyy, MM and dd, and may have HH.",
		                  column));
	return ours ? format : NULL;
}

/* Appends a variable for a column. */
static void
append_variable(Athena *athena, const char *column)
{
	const char *format = flowlog_athena_date_format(athena, column);

	if (format != NULL)
		appendStringInfo(&athena->path, "${%s:%s}", column, format);
	else
		appendStringInfo(&athena->path, "${%s}", column);
}

/* Appends storage.location.template, or the end of it, with its variables. */
static void
append_template(Athena *athena, const char *path_template)
{
	const char *close = path_template;

	while (*path_template != '\0')
	{
		size_t len = strcspn(path_template, "$");

		CHECK_FOR_INTERRUPTS();
		append_escaped(&athena->path, path_template, len);
		path_template += len;
		/* without a "}" after this "${", there is none after a later one */
		if (close != NULL && strncmp(path_template, "${", 2) == 0 &&
		    (close = strchr(path_template, '}')) != NULL)
		{
			char *column = pnstrdup(path_template + 2, close - path_template - 2);

			for (char *c = column; *c != '\0'; c++)
				*c = pg_tolower((unsigned char) *c);
			append_variable(athena, column);
			path_template = close + 1;
		}
		else if (*path_template != '\0')
			append_escaped(&athena->path, path_template++, 1);
	}
	append_slash(&athena->path);
}

/* Returns a location with "s3" for Hadoop's names of S3. */
static const char *
s3_address(const char *location)
{
	if (strncmp(location, "s3a://", 6) == 0 || strncmp(location, "s3n://", 6) == 0)
		return psprintf("s3%s", location + 3);
	return location;
}

/* Returns true if a location has variables; then it is the whole location. */
static bool
has_variables(const char *location)
{
	return strstr(location, "${") != NULL;
}

/* Returns the end of a path, from the name that has its first variable on. */
static const char *
from_variable(const char *path)
{
	const char *variable = strstr(path, "${");
	const char *name = path;

	for (const char *c = path; variable != NULL && c < variable; c++)
		if (*c == '/')
			name = c + 1;
	return name;
}

/*
 * Returns the part of a template below the table's directory, which is
 * replaced by another location.
 */
static const char *
template_below(const Athena *athena, const char *path_template)
{
	const char *given = athena->hive->location;
	size_t len = given != NULL ? strlen(given) : 0;

	while (len > 0 && given[len - 1] == '/')
		len--;
	if (len > 0 && strncmp(path_template, given, len) == 0 && path_template[len] == '/')
		return path_template + len + 1;
	return from_variable(path_template);
}

/* Appends the location given, or else the table's directory. */
static void
append_directory(Athena *athena)
{
	if (athena->location != NULL)
		appendStringInfoString(&athena->path, athena->location);
	else if (athena->hive->location != NULL)
	{
		const char *given = s3_address(athena->hive->location);

		append_escaped(&athena->path, given, strlen(given));
	}
	else
		ereport(ERROR,
		        errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
		        errmsg("the statement has no LOCATION"),
		        errhint("Give the location as the third argument."));
}

/*
 * Returns true if a column has the name that a crawler of AWS Glue gives to
 * the directories of a level that are values without "name=": partition_0 and
 * so on.
 */
static bool
is_bare(const Athena *athena, const char *column)
{
	static const char prefix[] = "partition_";
	const char *number = column + strlen(prefix);

	return !is_projected(athena) && strncmp(column, prefix, strlen(prefix)) == 0 &&
	       number[0] != '\0' && number[strspn(number, "0123456789")] == '\0';
}

/*
 * Appends the directories of partitions that no template lays out: name=value,
 * as Hive writes them, or values.
 */
static void
append_partition_layout(Athena *athena)
{
	const FlowHiveColumns *partitions = &athena->hive->partitions;
	int nbare = 0;

	for (int i = 0; i < partitions->count; i++)
	{
		const char *name = partitions->items[i].name;
		bool bare = is_bare(athena, name);

		append_slash(&athena->path);
		if (!bare)
		{
			append_escaped(&athena->path, name, strlen(name));
			appendStringInfoChar(&athena->path, '=');
		}
		append_variable(athena, name);
		nbare += bare;
	}
	if (partitions->count == 0)
		return;
	appendStringInfoChar(&athena->path, '/');
	if (nbare > 0)
		flowlog_athena_note(athena,
		                    "Columns partition_0 and so on, as a crawler of AWS Glue names them, "
		                    "stand for directories without \"name=\".");
	if (nbare < partitions->count && !is_projected(athena))
		flowlog_athena_note(athena,
		                    "Partitions are directories \"name=value\". For others, added with a "
		                    "LOCATION, give that ALTER TABLE to flowlog_athena_ddl as well.");
}

/* Checks that every partition column is in the path. */
static void
check_partitions(Athena *athena)
{
	const FlowHiveColumns *partitions = &athena->hive->partitions;

	for (int i = 0; i < partitions->count; i++)
	{
		const char *name = partitions->items[i].name;

		CHECK_FOR_INTERRUPTS();
		if (strstr(athena->path.data, psprintf("${%s}", name)) == NULL &&
		    strstr(athena->path.data, psprintf("${%s:", name)) == NULL)
			ereport(ERROR,
			        errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
			        errmsg("the location does not contain a variable for partition column \"%s\"",
			               name),
			        errdetail("The location is \"%s\".", athena->path.data),
			        errhint("Give a location with \"${%s}\" as the third argument.", name));
	}
}

/*
 * Sets athena->path: from the location given, the template or the table's
 * directory.
 */
void
flowlog_athena_read_location(Athena *athena)
{
	const char *path_template =
		is_projected(athena)
			? flow_hive_property(&athena->hive->table_properties, "storage.location.template")
			: NULL;

	if (athena->location != NULL && has_variables(athena->location))
		append_directory(athena);
	else if (path_template != NULL && athena->location == NULL)
		append_template(athena, s3_address(path_template));
	else if (path_template != NULL)
	{
		append_directory(athena);
		append_slash(&athena->path);
		append_template(athena, template_below(athena, path_template));
	}
	else
	{
		append_directory(athena);
		append_partition_layout(athena);
	}
	check_partitions(athena);
}

/* ---------- partitions ---------- */

/* Returns a comment as the result where there is nothing to do. */
char *
flowlog_athena_nothing(Athena *athena)
{
	(void) athena;
	ereport(NOTICE, errmsg("nothing to do: a table of flow logs finds new directories by itself"));
	return "-- A table of flow logs finds new directories by itself: nothing is to be done.";
}

/*
 * Returns how many characters of a segment come before the value, if the
 * segment is the value or name=value; -1 if it is neither.
 */
static int
value_in_segment(const char *segment, size_t len, const char *name, const char *value)
{
	size_t name_len = strnlen(name, len);

	/*
	 * compare no further than the segment's end: there may be as many segments
	 * as the value is long
	 */
	if (strncmp(segment, value, len) == 0 && value[len] == '\0')
		return 0;
	if (len > name_len && pg_strncasecmp(segment, name, name_len) == 0 &&
	    segment[name_len] == '=' &&
	    strncmp(segment + name_len + 1, value, len - name_len - 1) == 0 &&
	    value[len - name_len - 1] == '\0')
		return (int) name_len + 1;
	return -1;
}

/*
 * Returns the length of a date that spans the segments from here on, such as
 * 2024/01/31 for the value 2024-01-31; 0 if there is none.
 */
static size_t
date_in_path(const char *path, const char *value)
{
	char spread[11];

	if (strnlen(value, 11) != 10 || strspn(value, "0123456789") != 4)
		return 0;
	snprintf(spread, sizeof(spread), "%.4s/%.2s/%.2s", value, value + 5, value + 8);
	if (strspn(spread + 5, "0123456789") != 2 || strspn(spread + 8, "0123456789") != 2)
		return 0;
	return strncmp(path, spread, 10) == 0 && (path[10] == '/' || path[10] == '\0') ? 10 : 0;
}

/*
 * Sets athena->path to the location of the added partition, with variables for
 * its values.  Appends the changes of column types to "columns".  Returns
 * false if the table finds the partition anyway, as it has Hive's layout.
 */
static bool
append_added_location(Athena *athena, StringInfo columns)
{
	const FlowHivePairs *values = &athena->hive->partition_values;
	const char *next = s3_address(athena->hive->location);
	bool hive_layout = true;
	int found = 0;

	while (*next != '\0')
	{
		size_t len = strcspn(next, "/");
		const FlowHivePair *pair = found < values->count ? &values->items[found] : NULL;
		int before = pair != NULL ? value_in_segment(next, len, pair->name, pair->value) : -1;
		size_t date = pair != NULL && before < 0 ? date_in_path(next, pair->value) : 0;

		/* a value becomes a variable, all else stays */
		CHECK_FOR_INTERRUPTS();
		if (date > 0)
		{
			appendStringInfo(&athena->path, "${%s:yyyy/MM/dd}", pair->name);
			appendStringInfo(columns, "ALTER COLUMN %s TYPE date, ", quote_identifier(pair->name));
			len = date;
		}
		else
		{
			append_escaped(&athena->path, next, before >= 0 ? (size_t) before : len);
			if (before >= 0)
				appendStringInfo(&athena->path, "${%s}", pair->name);
		}
		if (date > 0 || before >= 0)
		{
			hive_layout &= before > 0;
			found++;
		}
		next += len;
		if (*next == '/')
			appendStringInfoChar(&athena->path, *next++);
	}
	if (found < values->count)
		ereport(
			ERROR,
			errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
			errmsg("the location does not contain the value of partition column \"%s\"",
		           values->items[found].name),
			errdetail("The value is \"%s\", the location is \"%s\".",
		              values->items[found].value,
		              athena->hive->location),
			errhint("A column that the path fills has the value found there: write \"${%s}\" in "
		            "its place in option \"location\" of the table.",
		            values->items[found].name));
	append_slash(&athena->path);
	return !hive_layout;
}

/*
 * Returns the statement that makes the table find partitions such as the added
 * one.
 */
char *
flowlog_athena_add_partition(Athena *athena)
{
	StringInfoData columns;
	StringInfoData location;

	initStringInfo(&columns);
	if (athena->hive->location == NULL || !append_added_location(athena, &columns))
		return flowlog_athena_nothing(athena);

	initStringInfo(&location);
	if (athena->location == NULL)
		appendStringInfoString(&location, athena->path.data);
	else
	{
		appendStringInfoString(&location, athena->location);
		if (!has_variables(athena->location))
		{
			append_slash(&location);
			appendStringInfoString(&location, from_variable(athena->path.data));
		}
	}
	return psprintf("ALTER FOREIGN TABLE %s %sOPTIONS (SET location %s)",
	                flowlog_athena_name(athena->hive),
	                columns.data,
	                quote_literal_cstr(location.data));
}
