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

#include <ctype.h>

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

/*
 * Appends a character between parts of a date to the date's form.  One that
 * would have a meaning there gets a "\".
 */
static void
append_separator(StringInfo form, char before, char c, char after)
{
	bool letter = isalpha((unsigned char) c);
	bool alone = !isalpha((unsigned char) before) && !isalpha((unsigned char) after);

	if (strchr("*?[]{}\\$|", c) != NULL || (letter && (alone || c == before || c == after)))
		appendStringInfoChar(form, '\\');
	appendStringInfoChar(form, c);
}

/*
 * Returns a format of Java's in the form of a variable; NULL if it has letters
 * that are not a variable's.
 */
static char *
date_form(const char *format)
{
	StringInfoData form;
	bool quoted = false;

	initStringInfo(&form);
	for (; *format != '\0'; format++)
	{
		if (*format == '\'' && format[1] != '\'')
		{
			quoted = !quoted;
			continue;
		}
		format += *format == '\'';
		if (!quoted && strchr("yMdH/-_.'", *format) == NULL)
			return NULL;
		if (quoted)
			append_separator(&form, format[-1], *format, format[1]);
		else
			appendStringInfoChar(&form, *format);
	}
	return quoted ? NULL : form.data;
}

/*
 * Returns the form of a variable for a column projected as dates, or NULL if
 * its values are names as they stand.
 */
static const char *
projected_form(Athena *athena, const char *column)
{
	const char *type = flowlog_athena_projection(athena, column, "type");
	const char *format = flowlog_athena_projection(athena, column, "format");
	FlowLocation *location = NULL;
	FlowStatus status = FLOW_BAD_LOCATION;
	FlowError error;
	const char *form;
	bool ours;

	if (type == NULL || pg_strcasecmp(type, "date") != 0 || format == NULL)
		return NULL;

	/* see whether a location can have this form */
	form = date_form(format);
	if (form != NULL)
		status = flow_location_parse(&athena->backend.host,
		                             psprintf("/${x:%s}/", form),
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
	return ours ? form : NULL;
}

/* Returns true if a column is in the list. */
static bool
has_column(const FlowHiveColumns *columns, const char *name)
{
	for (int i = 0; i < columns->count; i++)
		if (strcmp(columns->items[i].name, name) == 0)
			return true;
	return false;
}

/* Appends a variable for a column. */
static void
append_variable(Athena *athena, const char *column)
{
	const char *form = projected_form(athena, column);

	if (form != NULL)
		appendStringInfo(&athena->path, "${%s:%s}", column, form);
	else
		appendStringInfo(&athena->path, "${%s}", column);
}

/*
 * Checks that a variable of storage.location.template is a partition column,
 * as Athena does.
 */
static void
check_template_column(const Athena *athena, const char *column)
{
	const FlowHive *hive = athena->hive;
	bool is_data = has_column(&hive->columns, column);

	if (has_column(&hive->partitions, column))
		return;
	ereport(ERROR,
	        errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
	        errmsg("\"${%s}\" in \"storage.location.template\" is not a partition column", column),
	        is_data ? errdetail("Column \"%s\" is in the files, not in PARTITIONED BY.", column)
	                : errdetail("The statement has no column \"%s\".", column),
	        is_data
	            ? errhint("Move it to PARTITIONED BY if the files do not have it.")
	            : errhint("Add it to PARTITIONED BY, or give the location as the third argument."));
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
			check_template_column(athena, column);
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

/* Returns the length of "s3://bucket", or 0. */
static size_t
bucket_length(const char *location)
{
	return strncmp(location, "s3://", 5) == 0 ? 5 + strcspn(location + 5, "/") : 0;
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

/* Returns true if the path has a variable for the column. */
static bool
is_in_path(const Athena *athena, const char *name)
{
	return strstr(athena->path.data, psprintf("${%s}", name)) != NULL ||
	       strstr(athena->path.data, psprintf("${%s:", name)) != NULL;
}

/* Checks that the path has the partition columns, and no other ones. */
static void
check_partitions(Athena *athena)
{
	const FlowHiveColumns *columns = &athena->hive->columns;
	const FlowHiveColumns *partitions = &athena->hive->partitions;

	for (int i = 0; i < columns->count && has_variables(athena->path.data); i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (is_in_path(athena, columns->items[i].name))
			ereport(ERROR,
			        errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
			        errmsg("the location has a variable for column \"%s\", which the files have",
			               columns->items[i].name),
			        errdetail("The location is \"%s\".", athena->path.data),
			        errhint("Give the variable another name, or write \"*\"."));
	}

	for (int i = 0; i < partitions->count; i++)
	{
		const char *name = partitions->items[i].name;

		CHECK_FOR_INTERRUPTS();
		if (!is_in_path(athena, name))
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
 * Returns true if a text is the value, or is it in Hive's encoding; "len" is
 * not more than INT_MAX.
 */
static bool
is_value(const char *text, size_t len, const char *value, bool encoded)
{
	FlowPathValue found = {.text = {text, len}, .encoded = encoded};
	char *decoded;

	/*
	 * look no further than the text's end: there may be as many texts as the
	 * value is long
	 */
	if (strncmp(text, value, len) == 0 && value[len] == '\0')
		return true;
	if (!encoded || memchr(text, '%', len) == NULL)
		return false;
	decoded = palloc(len + 1);
	len = flow_path_value_decode(&found, decoded);
	return strncmp(decoded, value, len) == 0 && value[len] == '\0';
}

/* Returns true if a text is the value, or the same number with zeros before. */
static bool
is_value_of(const char *text, size_t len, const FlowHivePair *pair, bool encoded)
{
	const char *value = pair->value;

	if (is_value(text, len, value, encoded))
		return true;
	if (!pair->is_number)
		return false;
	for (; len > 1 && *text == '0'; text++)
		len--;
	while (value[0] == '0' && value[1] != '\0')
		value++;
	return is_value(text, len, value, false);
}

/*
 * Returns how many characters of a segment come before the value, if the
 * segment is the value or name=value; -1 if it is neither.
 */
static int
value_in_segment(const char *segment, size_t len, const FlowHivePair *pair)
{
	static const char *const equals[] = {"=", "%3D", "%3d"};
	size_t name_len = strnlen(pair->name, len);

	if (is_value_of(segment, len, pair, false))
		return 0;
	if (pg_strncasecmp(segment, pair->name, name_len) != 0)
		return -1;
	for (size_t i = 0; i < lengthof(equals); i++)
	{
		size_t before = name_len + strlen(equals[i]);

		if (len > before && strncmp(segment + name_len, equals[i], strlen(equals[i])) == 0 &&
		    is_value_of(segment + before, len - before, pair, i == 0))
			return (int) before;
	}
	return -1;
}

/* The parts of a date, as a variable has them. */
static const struct
{
	const char *letters;
	int least, most;
} date_parts[] = {{"yyyy", 1, 9999}, {"MM", 1, 12}, {"dd", 1, 31}, {"HH", 0, 23}};

#define DATE_DIGITS 10 /* of all parts */

/*
 * Reads a part of a date and appends it to "digits"; returns its length, or 0.
 */
static size_t
read_part(const char *text, size_t part, char *digits)
{
	size_t width = strlen(date_parts[part].letters);
	char number[5] = {0};

	if (strnlen(text, width) < width)
		return 0;
	memcpy(number, text, width);
	if (strspn(number, "0123456789") < width || atoi(number) < date_parts[part].least ||
	    atoi(number) > date_parts[part].most)
		return 0;
	strcat(digits, number);
	return width;
}

/*
 * Reads the first parts of a date, with any text between them that has no
 * digit, and at most one "/".  Sets their digits and the date's form.  Returns
 * the length of the text, or 0.
 */
static size_t
read_date(const char *text, size_t nparts, char *digits, StringInfo form)
{
	const char *p = text;

	digits[0] = '\0';
	resetStringInfo(form);
	for (size_t i = 0; i < nparts; i++)
	{
		int slashes = 0;
		size_t len;

		for (; i > 0 && *p != '\0' && !isdigit((unsigned char) *p) && slashes < 2; p++)
		{
			slashes += *p == '/';
			append_separator(form, p[-1], *p, p[1]);
		}
		len = read_part(p, i, digits);
		if (len == 0 || slashes > 1)
			return 0;
		appendStringInfoString(form, date_parts[i].letters);
		p += len;
	}
	return p - text;
}

/*
 * Finds a value that is a date, of two parts at least, at the beginning of a
 * path, also with other separators.  Returns its length there and sets the
 * form of a variable; 0 if it is not there.
 */
static size_t
date_in_path(const char *path, const char *value, StringInfo form)
{
	StringInfoData of_value;
	char value_digits[DATE_DIGITS + 1];
	char path_digits[DATE_DIGITS + 1];

	initStringInfo(&of_value);
	for (size_t nparts = lengthof(date_parts); nparts > 1; nparts--)
	{
		size_t len = read_date(value, nparts, value_digits, &of_value);

		if (len == 0 || value[len] != '\0')
			continue;
		len = read_date(path, nparts, path_digits, form);
		if (len == 0 || (path[len] != '/' && path[len] != '\0') ||
		    strcmp(path_digits, value_digits) != 0)
			return 0;
		if (strcmp(form->data, of_value.data) != 0)
			appendStringInfo(form, "|%s", of_value.data);
		return len;
	}
	return 0;
}

/* What a segment of an added partition's location has. */
typedef struct Found
{
	const char *column;  /* NULL: no value */
	size_t before;       /* characters before the value */
	size_t len;          /* of the value; a date may span several segments */
	StringInfoData form; /* of a date; empty: none */
} Found;

/* Finds a value in the segment at "segment". */
static bool
find_value(const char *segment, const FlowHivePair *pair, Found *found)
{
	size_t len = strcspn(segment, "/");
	int before = value_in_segment(segment, len, pair);

	resetStringInfo(&found->form);
	found->column = pair->name;
	if (before >= 0)
	{
		found->before = before;
		found->len = len - before;
		return true;
	}
	found->before = strcspn(segment, "0123456789/");
	found->len = date_in_path(segment + found->before, pair->value, &found->form);
	return found->len > 0;
}

/*
 * Finds one of the values that are not yet found in the segment at "segment".
 */
static void
find_any_value(const FlowHivePairs *values, bool *is_found, const char *segment, Found *found)
{
	for (int i = 0; i < values->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (is_found[i])
			continue;
		is_found[i] = find_value(segment, &values->items[i], found);
		if (is_found[i])
			return;
	}
	found->column = NULL;
	found->before = strcspn(segment, "/");
	found->len = 0;
}

/* Raises an error for the first value that was not found. */
static void
check_found(const Athena *athena, const bool *is_found)
{
	const FlowHivePairs *values = &athena->hive->partition_values;

	for (int i = 0; i < values->count; i++)
		if (!is_found[i])
			ereport(
				ERROR,
				errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				errmsg("the location does not contain the value of partition column \"%s\"",
			           values->items[i].name),
				errdetail("The value is \"%s\", the location is \"%s\".",
			              values->items[i].value,
			              athena->hive->location),
				errhint("A column that the path fills has the value found there: write \"${%s}\" "
			            "in its place in option \"location\" of the table.",
			            values->items[i].name));
}

/*
 * Sets athena->path to the location of the added partition, with variables for
 * its values.  Returns false if the table finds the partition anyway, as it
 * has Hive's layout.
 */
static bool
append_added_location(Athena *athena)
{
	const FlowHivePairs *values = &athena->hive->partition_values;
	bool *is_found = palloc0(sizeof(bool) * (values->count + 1));
	const char *location = s3_address(athena->hive->location);
	const char *next = location + bucket_length(location);
	bool hive_layout = true;
	Found found;

	initStringInfo(&found.form);
	append_escaped(&athena->path, location, next - location);
	while (*next != '\0')
	{
		/* a value becomes a variable, all else stays */
		find_any_value(values, is_found, next, &found);
		append_escaped(&athena->path, next, found.before);
		if (found.column != NULL)
		{
			appendStringInfo(&athena->path, "${%s", found.column);
			if (found.form.len > 0)
				appendStringInfo(&athena->path, ":%s", found.form.data);
			appendStringInfoChar(&athena->path, '}');
			hive_layout &= found.form.len == 0 && found.before > 0 && next[found.before - 1] == '=';
		}
		next += found.before + found.len;
		if (*next == '/')
			appendStringInfoChar(&athena->path, *next++);
	}
	check_found(athena, is_found);
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
	StringInfoData location;

	if (athena->hive->location == NULL || !append_added_location(athena))
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
	return psprintf("ALTER FOREIGN TABLE %s OPTIONS (SET location %s)",
	                flowlog_athena_name(athena->hive),
	                quote_literal_cstr(location.data));
}
