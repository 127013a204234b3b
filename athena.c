/*-------------------------------------------------------------------------
 *
 * athena.c
 *	  flowlog_athena_ddl: Athena's statement for a table of flow logs, as
 *	  PostgreSQL's.
 *
 * Parsing is flow/hive.c's.  Here is what the statement means: how lines are split, where
 * the files are, and what Athena would do with a value that is none of its
 * column's type.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"
#include "flow/hive.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"

FLOWLOG_FUNCTION(flowlog_athena_ddl);

typedef struct Athena
{
	FlowlogBackend backend;
	const char *ddl;
	const char *server;
	const char *location; /* in place of the statement's, or NULL */
	const FlowHive *hive;

	/* what comes out */
	StringInfoData notes; /* comments in front of the statement */
	char *regex;
	bool named_groups;
	const char *null_text; /* of string columns, or NULL: no text means NULL */
	const char *header;    /* or NULL */
	StringInfoData path;
} Athena;

/* ---------- what cannot be ---------- */

/* Points into the statement. */
static void raise_at(Athena *athena, const FlowError *error, size_t at) __attribute__((noreturn));

static void
raise_at(Athena *athena, const FlowError *error, size_t at)
{
	if (error->status != FLOW_BAD_FORMAT && error->status != FLOW_UNSUPPORTED)
		flowlog_raise(&athena->backend, error, NULL);
	ereport(ERROR,
	        (errcode(error->status == FLOW_BAD_FORMAT ? ERRCODE_SYNTAX_ERROR : ERRCODE_FEATURE_NOT_SUPPORTED),
	         errmsg("%s", error->message),
	         error->detail[0] != '\0' ? errdetail("%s", error->detail) : 0,
	         error->hint[0] != '\0' ? errhint("%s", error->hint) : 0,
	         internalerrquery(athena->ddl),
	         internalerrposition(pg_mbstrlen_with_len(athena->ddl, (int) at) + 1)));
}

/*
 * Adds a comment in front of the statement.  A name may have a line break, and what follows one is
 * no comment any more: it becomes a blank.
 */
static void note(Athena *athena, const char *format, ...) pg_attribute_printf(2, 3);

static void
note(Athena *athena, const char *format, ...)
{
	char *text = NULL;
	va_list arguments;
	StringInfoData made;
	int needed;

	initStringInfo(&made);
	do
	{
		va_start(arguments, format);
		needed = appendStringInfoVA(&made, format, arguments);
		va_end(arguments);
		if (needed > 0)
			enlargeStringInfo(&made, needed);
	} while (needed > 0);
	for (text = made.data; *text != '\0'; text++)
		if ((unsigned char) *text < ' ')
			*text = ' ';
	appendStringInfo(&athena->notes, "-- %s\n", made.data);
}

/* ---------- how lines are split ---------- */

/* The classes that read and write text: the last part of their names. */
static const char *const text_formats[] = {"textfile", "TextInputFormat"};

static const struct
{
	const char *text; /* somewhere in the name of a class or a format, in lower case */
	const char *name;
} other_formats[] = {
	{"parquet", "Parquet"},
	{"orc", "ORC"},
	{"avro", "Avro"},
	{"json", "JSON"},
	{"csv", "CSV with quotes"},
	{"grok", "Grok"},
};

/* Refuses what is not text that RegexSerDe or LazySimpleSerDe splits. */
static void
refuse_format(const char *class)
{
	char *lower = pstrdup(class);

	for (char *c = lower; *c != '\0'; c++)
		*c = pg_tolower((unsigned char) *c);
	for (size_t i = 0; i < lengthof(other_formats); i++)
		if (strstr(lower, other_formats[i].text) != NULL)
			ereport(ERROR,
			        (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			         errmsg("cannot read flow logs in %s", other_formats[i].name),
			         errdetail("The statement names \"%s\"; tables of flow logs read lines of text.", class),
			         errhint("Tables without option \"regex\" read flow logs as AWS delivers them in text, also within JSON or the console's CSV.")));
	ereport(ERROR,
	        (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
	         errmsg("cannot read flow logs by \"%s\"", class),
	         errdetail("Only RegexSerDe, LazySimpleSerDe and ROW FORMAT DELIMITED are understood.")));
}

static bool
ends_with(const char *text, const char *end)
{
	size_t len = strlen(text);
	size_t end_len = strlen(end);

	return len >= end_len && pg_strcasecmp(text + len - end_len, end) == 0;
}

static void
check_storage(const FlowHive *hive)
{
	if (hive->stored_as == NULL)
		return;
	for (size_t i = 0; i < lengthof(text_formats); i++)
		if (ends_with(hive->stored_as, text_formats[i]))
			return;
	refuse_format(hive->stored_as);
}

/*
 * The columns and the groups must fit together, as the table will have them; and PCRE2 must take the
 * pattern.
 */
static void
check_regex(Athena *athena)
{
	const FlowHiveColumns *columns = &athena->hive->columns;
	FlowColumn *all = palloc0(sizeof(FlowColumn) * columns->count);
	FlowFormatSpec spec = {.regex = athena->regex, .columns = all, .ncolumns = columns->count};
	FlowFormat *format = NULL;
	FlowError error;
	int ngroups;

	if (flow_java_regex_check(athena->regex, &ngroups, &athena->named_groups, &error) != FLOW_OK)
		flowlog_raise(&athena->backend, &error, NULL);
	if (ngroups != columns->count)
		ereport(ERROR,
		        (errcode(ERRCODE_FDW_INVALID_OPTION_INDEX),
		         errmsg("regular expression has %d %s, but the table has %d %s", ngroups, ngroups == 1 ? "group" : "groups",
		                columns->count, columns->count == 1 ? "column" : "columns"),
		         errdetail("Athena would stop at the first line: \"Number of matching groups doesn't match the number of columns\".")));

	for (int i = 0; i < columns->count; i++)
		all[i] = (FlowColumn) {.name = psprintf("%d", i + 1), .field = psprintf("%d", i + 1), .type = FLOW_TEXT, .max_chars = -1};
	if (flow_format_create(&athena->backend.host, &spec, &format, &error) != FLOW_OK)
		flowlog_raise(&athena->backend, &error, NULL);
	flow_format_free(format);
}

static void
read_regex(Athena *athena)
{
	const FlowHivePairs *properties = &athena->hive->serde_properties;
	const char *regex = flow_hive_property(properties, "input.regex");
	const char *insensitive = flow_hive_property(properties, "input.regex.case.insensitive");

	if (regex == NULL)
		ereport(ERROR,
		        (errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
		         errmsg("the table does not have the SerDe property \"input.regex\"")));
	athena->regex = psprintf("%s%s", insensitive != NULL && pg_strcasecmp(insensitive, "true") == 0 ? "(?i)" : "", regex);
	check_regex(athena);
}

/* As Hive's LazyUtils.getByte: a number is a code, of all else the first character counts. */
static char
delimiter(const char *text)
{
	char *end;
	long code = strtol(text, &end, 10);

	if (text[0] != '\0' && *end == '\0')
		text = code > 0 && code < 128 ? psprintf("%c", (char) code) : "";
	if (strlen(text) != 1 || *text == '\n' || *text == '\r' || (unsigned char) *text >= 0x80)
		ereport(ERROR,
		        (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		         errmsg("cannot split lines at \"%s\"", text),
		         errdetail("Athena separates fields by one ASCII character.")));
	return *text;
}

/* A character as itself in a regular expression, within a class or not. */
static char *
literal(char c)
{
	if ((unsigned char) c < ' ' || c == 0x7F)
		return psprintf("\\x%02x", (unsigned) c);
	return strchr("\\^$.[]|()?*+{}-&#", c) != NULL ? psprintf("\\%c", c) : psprintf("%c", c);
}

/*
 * LazySimpleSerDe as a pattern: as many fields as the line has; columns behind them are NULL, fields
 * behind the columns are dropped.
 */
static void
read_delimited(Athena *athena)
{
	const FlowHivePairs *properties = &athena->hive->serde_properties;
	const char *delim = flow_hive_property(properties, "field.delim");
	const char *escape = flow_hive_property(properties, "escape.delim");
	const char *line = flow_hive_property(properties, "line.delim");
	char *separator;
	StringInfoData regex;

	if (delim == NULL)
		delim = flow_hive_property(properties, "serialization.format");
	separator = literal(delimiter(delim != NULL ? delim : "1"));
	if (line != NULL && strcmp(line, "\n") != 0 && strcmp(line, "10") != 0)
		ereport(ERROR,
		        (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		         errmsg("cannot end lines at \"%s\"", line),
		         errdetail("Lines of flow logs end at line feeds.")));
	if (escape != NULL)
		note(athena, "ESCAPED BY is left out: no field of a flow log has a character that were to be escaped.");

	initStringInfo(&regex);
	appendStringInfo(&regex, "([^%s]*)", separator);
	for (int i = 1; i < athena->hive->columns.count; i++)
		appendStringInfo(&regex, "(?:%s([^%s]*))?", separator, separator);
	appendStringInfo(&regex, "(?:%s.*)?", separator);
	athena->regex = regex.data;
	note(athena, "As in Athena, a line with fewer fields has NULLs for the others, and fields behind the last column are dropped.");
	athena->null_text = flow_hive_property(properties, "serialization.null.format");
}

static const struct
{
	const char *serde; /* the end of the class's name */
	void (*read)(Athena *athena);
} serdes[] = {
	{".RegexSerDe", read_regex},
	{".LazySimpleSerDe", read_delimited},
};

static void
read_serde(Athena *athena)
{
	const char *serde = athena->hive->serde;

	check_storage(athena->hive);
	for (size_t i = 0; serde != NULL && i < lengthof(serdes); i++)
		if (ends_with(serde, serdes[i].serde))
		{
			serdes[i].read(athena);
			return;
		}
	if (serde != NULL)
		refuse_format(serde);
	read_delimited(athena);
}

static void
read_header(Athena *athena)
{
	const char *lines = flow_hive_property(&athena->hive->table_properties, "skip.header.line.count");

	if (lines == NULL || strcmp(lines, "0") == 0)
		return;
	if (strcmp(lines, "1") != 0)
		ereport(ERROR,
		        (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		         errmsg("cannot skip %s lines of each file", lines),
		         errdetail("A flow log has one header, if any.")));
	athena->header = "true";
}

/* ---------- columns ---------- */

static const struct
{
	const char *hive;
	const char *postgres;
	int most_arguments;
} types[] = {
	{"tinyint", "smallint", 0},
	{"smallint", "smallint", 0},
	{"int", "integer", 0},
	{"integer", "integer", 0},
	{"bigint", "bigint", 0},
	{"float", "real", 0},
	{"double", "double precision", 0},
	{"decimal", "numeric", 2},
	{"numeric", "numeric", 2},
	{"boolean", "boolean", 0},
	{"string", "text", 0},
	{"varchar", "varchar", 1},
	{"char", "char", 1},
	{"date", "date", 0},
	{"timestamp", "timestamp", 0},
};

static char *
column_type(Athena *athena, const FlowHiveColumn *column)
{
	FlowError error;

	for (size_t i = 0; i < lengthof(types); i++)
	{
		const char *type = types[i].postgres;

		if (strcmp(types[i].hive, column->type) != 0)
			continue;
		if (column->narguments > types[i].most_arguments)
			break;
		if (column->narguments == 2)
			return psprintf("%s(%d,%d)", type, column->arguments[0], column->arguments[1]);
		if (column->narguments == 1)
			return psprintf("%s(%d)", type, column->arguments[0]);
		return strcmp(type, "numeric") == 0 ? "numeric(10,0)" : pstrdup(type);
	}
	memset(&error, 0, sizeof(error));
	error.status = FLOW_UNSUPPORTED;
	snprintf(error.message, sizeof(error.message), "cannot read a column of type %.60s", column->type);
	snprintf(error.detail, sizeof(error.detail), "Column \"%.63s\" is none of Hive's simple types, which are what a flow log has.", column->name);
	raise_at(athena, &error, column->at);
}

static bool
is_text(const FlowHiveColumn *column)
{
	return strcmp(column->type, "string") == 0 || strcmp(column->type, "varchar") == 0 || strcmp(column->type, "char") == 0;
}

/* ---------- where the files are ---------- */

/* Text that Athena takes as it stands: our wildcards get a "\". */
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

static const char *
projection(const Athena *athena, const char *column, const char *what)
{
	return flow_hive_property(&athena->hive->table_properties, psprintf("projection.%s.%s", column, what));
}

static bool
is_projected(const Athena *athena)
{
	const char *enabled = flow_hive_property(&athena->hive->table_properties, "projection.enabled");

	return enabled != NULL && pg_strcasecmp(enabled, "true") == 0;
}

/* The format of a column whose values are dates, if it can be one of ours. */
static const char *
date_format(Athena *athena, const char *column)
{
	const char *type = is_projected(athena) ? projection(athena, column, "type") : NULL;
	const char *format = projection(athena, column, "format");
	FlowLocation *location = NULL;
	FlowError error;
	bool ours;

	if (type == NULL || pg_strcasecmp(type, "date") != 0 || format == NULL)
		return NULL;
	ours = format[strspn(format, "yMdH/-_")] == '\0' &&
	       flow_location_parse(&athena->backend.host, psprintf("/${x:%s}/", format), &location, &error) == FLOW_OK;
	flow_location_free(location);
	if (!ours && strchr(format, '/') != NULL)
		ereport(ERROR,
		        (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		         errmsg("cannot read dates of the format \"%s\" from paths", format),
		         errdetail("Column \"%s\" is projected by it. A date over several directories has yyyy, MM and dd, and may have HH.", column)));
	return ours ? format : NULL;
}

static void
append_variable(Athena *athena, const char *column)
{
	const char *format = date_format(athena, column);

	if (format != NULL)
		appendStringInfo(&athena->path, "${%s:%s}", column, format);
	else
		appendStringInfo(&athena->path, "${%s}", column);
}

/* storage.location.template from some place on. */
static void
append_template(Athena *athena, const char *template)
{
	while (*template != '\0')
	{
		size_t len = strcspn(template, "$");
		const char *close;

		append_escaped(&athena->path, template, len);
		template += len;
		if (strncmp(template, "${", 2) == 0 && (close = strchr(template, '}')) != NULL)
		{
			char *column = pnstrdup(template + 2, close - template - 2);

			for (char *c = column; *c != '\0'; c++)
				*c = pg_tolower((unsigned char) *c);
			append_variable(athena, column);
			template = close + 1;
		}
		else if (*template != '\0')
			append_escaped(&athena->path, template ++, 1);
	}
	if (athena->path.len > 0 && athena->path.data[athena->path.len - 1] != '/')
		appendStringInfoChar(&athena->path, '/');
}

/* Hadoop's names of S3. */
static const char *
s3_address(const char *location)
{
	if (strncmp(location, "s3a://", 6) == 0 || strncmp(location, "s3n://", 6) == 0)
		return psprintf("s3%s", location + 3);
	return location;
}

/* A path from the name on that has its first variable. */
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

/* The part of a template behind the directory that another location is given for. */
static const char *
template_below(const Athena *athena, const char *template)
{
	const char *given = athena->hive->location;
	size_t len = given != NULL ? strlen(given) : 0;

	while (len > 0 && given[len - 1] == '/')
		len--;
	if (len > 0 && strncmp(template, given, len) == 0 && template[len] == '/')
		return template + len + 1;
	return from_variable(template);
}

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
		        (errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
		         errmsg("the statement has no LOCATION"),
		         errhint("Give the location as the third argument.")));
}

/* The directories that Hive makes for partitions: name=value */
static void
append_hive_layout(Athena *athena)
{
	const FlowHiveColumns *partitions = &athena->hive->partitions;

	for (int i = 0; i < partitions->count; i++)
	{
		if (athena->path.data[athena->path.len - 1] != '/')
			appendStringInfoChar(&athena->path, '/');
		append_escaped(&athena->path, partitions->items[i].name, strlen(partitions->items[i].name));
		appendStringInfoChar(&athena->path, '=');
		append_variable(athena, partitions->items[i].name);
	}
	if (partitions->count == 0)
		return;
	appendStringInfoChar(&athena->path, '/');
	if (!is_projected(athena))
		note(athena, "Partitions are directories \"name=value\". For others, added with a LOCATION, give that ALTER TABLE to flowlog_athena_ddl as well.");
}

/* Every partition column must be somewhere in the path. */
static void
check_partitions(Athena *athena)
{
	const FlowHiveColumns *partitions = &athena->hive->partitions;

	for (int i = 0; i < partitions->count; i++)
	{
		const char *name = partitions->items[i].name;

		if (strstr(athena->path.data, psprintf("${%s}", name)) == NULL && strstr(athena->path.data, psprintf("${%s:", name)) == NULL)
			ereport(ERROR,
			        (errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
			         errmsg("the location does not say where the values of partition column \"%s\" stand", name),
			         errdetail("It is \"%s\".", athena->path.data),
			         errhint("Give a location with \"${%s}\" as the third argument.", name)));
	}
}

static void
read_location(Athena *athena)
{
	const char *template = is_projected(athena) ? flow_hive_property(&athena->hive->table_properties, "storage.location.template") : NULL;

	if (athena->location != NULL && strstr(athena->location, "${") != NULL)
		append_directory(athena); /* who writes variables means all of it */
	else if (template != NULL && athena->location == NULL)
		append_template(athena, s3_address(template));
	else if (template != NULL)
	{
		append_directory(athena);
		if (!ends_with(athena->path.data, "/"))
			appendStringInfoChar(&athena->path, '/');
		append_template(athena, template_below(athena, template));
	}
	else
	{
		append_directory(athena);
		append_hive_layout(athena);
	}
	check_partitions(athena);
}

/* ---------- the table ---------- */

static char *
qualified_name(const FlowHive *hive)
{
	/* the database that is there from the beginning is nobody's choice */
	if (hive->database == NULL || strcmp(hive->database, "default") == 0)
		return pstrdup(quote_identifier(hive->table));
	return psprintf("%s.%s", quote_identifier(hive->database), quote_identifier(hive->table));
}

static void
append_option(StringInfo sql, const char *name, const char *value)
{
	appendStringInfo(sql, "%s %s", name, quote_literal_cstr(value));
}

static void
append_column(Athena *athena, StringInfo sql, const FlowHiveColumn *column, int number)
{
	StringInfoData options;

	initStringInfo(&options);
	if (athena->named_groups)
		append_option(&options, "field", psprintf("%d", number));
	if (is_text(column))
	{
		if (athena->named_groups)
			appendStringInfoString(&options, ", ");
		if (athena->null_text != NULL)
			append_option(&options, "\"null\"", athena->null_text);
		else
			append_option(&options, "null_off", "true");
	}
	appendStringInfo(sql, "%s\n\t%s %s", number > 1 ? "," : "", quote_identifier(column->name), column_type(athena, column));
	if (options.len > 0)
		appendStringInfo(sql, " OPTIONS (%s)", options.data);
}

/* A column that the path fills: what is projected as dates is one. */
static void
append_partition(Athena *athena, StringInfo sql, const FlowHiveColumn *column, bool first)
{
	const char *format = date_format(athena, column->name);
	const char *type = column_type(athena, column);

	if (format != NULL && is_text(column))
	{
		type = strstr(format, "HH") != NULL ? "timestamp" : "date";
		note(athena, "Column %s is a %s, no text: compare it with %s '...'.", quote_identifier(column->name), type,
		     strcmp(type, "date") == 0 ? "DATE" : "TIMESTAMP");
	}
	if (is_projected(athena) && (projection(athena, column->name, "range") != NULL || projection(athena, column->name, "values") != NULL))
		note(athena, "Column %s has the values of all directories that are there; Athena sees those of the projection only.", quote_identifier(column->name));
	appendStringInfo(sql, "%s\n\t%s %s", first ? "" : ",", quote_identifier(column->name), type);
}

static void
append_comments(const FlowHive *hive, StringInfo sql)
{
	const FlowHiveColumns *lists[] = {&hive->columns, &hive->partitions};

	if (hive->comment != NULL)
		appendStringInfo(sql, ";\nCOMMENT ON FOREIGN TABLE %s IS %s", qualified_name(hive), quote_literal_cstr(hive->comment));
	for (size_t i = 0; i < lengthof(lists); i++)
		for (int j = 0; j < lists[i]->count; j++)
			if (lists[i]->items[j].comment != NULL)
				appendStringInfo(sql, ";\nCOMMENT ON COLUMN %s.%s IS %s", qualified_name(hive),
				                 quote_identifier(lists[i]->items[j].name), quote_literal_cstr(lists[i]->items[j].comment));
}

static char *
create_table(Athena *athena)
{
	const FlowHive *hive = athena->hive;
	StringInfoData sql;

	read_serde(athena);
	read_header(athena);
	read_location(athena);

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE FOREIGN TABLE %s%s (", hive->if_not_exists ? "IF NOT EXISTS " : "", qualified_name(hive));
	for (int i = 0; i < hive->columns.count; i++)
		append_column(athena, &sql, &hive->columns.items[i], i + 1);
	for (int i = 0; i < hive->partitions.count; i++)
		append_partition(athena, &sql, &hive->partitions.items[i], hive->columns.count + i == 0);

	appendStringInfo(&sql, "\n) SERVER %s OPTIONS (\n\t", quote_identifier(athena->server));
	append_option(&sql, "location", athena->path.data);
	appendStringInfoString(&sql, ",\n\t");
	append_option(&sql, "regex", athena->regex);
	if (athena->header != NULL)
	{
		appendStringInfoString(&sql, ",\n\t");
		append_option(&sql, "header", athena->header);
	}
	appendStringInfoString(&sql, ",\n\ton_error 'set_null'\n)");
	append_comments(hive, &sql);
	return psprintf("%s%s", athena->notes.data, sql.data);
}

/* ---------- partitions ---------- */

#define NOTHING "A table of flow logs finds new directories by itself: nothing is to be done."

static char *
nothing(void)
{
	ereport(NOTICE, (errmsg("nothing to do: a table of flow logs finds new directories by itself")));
	return "-- " NOTHING;
}

/* If a segment is the value, or name=value, how long is the part in front of the value?  -1: it is neither. */
static int
value_in_segment(const char *segment, size_t len, const char *name, const char *value)
{
	size_t name_len = strlen(name);
	size_t value_len = strlen(value);

	if (len == value_len && strncmp(segment, value, len) == 0)
		return 0;
	if (len == name_len + 1 + value_len && pg_strncasecmp(segment, name, name_len) == 0 && segment[name_len] == '=' &&
	    strncmp(segment + name_len + 1, value, value_len) == 0)
		return (int) name_len + 1;
	return -1;
}

/* Do the segments from here on make the date of a value, as 2024/01/31 of 2024-01-31?  Its length, or 0. */
static size_t
date_in_path(const char *path, const char *value)
{
	char spread[11];

	if (strlen(value) != 10 || strspn(value, "0123456789") != 4)
		return 0;
	snprintf(spread, sizeof(spread), "%.4s/%.2s/%.2s", value, value + 5, value + 8);
	if (strspn(spread + 5, "0123456789") != 2 || strspn(spread + 8, "0123456789") != 2)
		return 0;
	return strncmp(path, spread, 10) == 0 && (path[10] == '/' || path[10] == '\0') ? 10 : 0;
}

/*
 * The statement that makes the table find all partitions that lie as this one does: where a value stands in
 * its location, there is the column's.
 */
static char *
add_partition(Athena *athena)
{
	const FlowHivePairs *values = &athena->hive->partition_values;
	bool hive_layout = true; /* the table looks there already */
	StringInfoData columns;
	const char *next;
	const char *path;
	int found = 0;

	if (athena->hive->location == NULL)
		return nothing();

	initStringInfo(&columns);
	next = s3_address(athena->hive->location);
	while (*next != '\0')
	{
		size_t len = strcspn(next, "/");
		const FlowHivePair *pair = found < values->count ? &values->items[found] : NULL;
		int before = pair != NULL ? value_in_segment(next, len, pair->name, pair->value) : -1;
		size_t date = pair != NULL && before < 0 ? date_in_path(next, pair->value) : 0;

		if (date > 0)
		{
			appendStringInfo(&athena->path, "${%s:yyyy/MM/dd}", pair->name);
			appendStringInfo(&columns, "ALTER COLUMN %s TYPE date, ", quote_identifier(pair->name));
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
		ereport(ERROR,
		        (errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
		         errmsg("the value of partition column \"%s\" does not stand in the location", values->items[found].name),
		         errdetail("It is \"%s\", the location is \"%s\".", values->items[found].value, athena->hive->location),
		         errhint("A column of the path has the value that stands there: write \"${%s}\" in its place into option \"location\" of the table.", values->items[found].name)));
	if (hive_layout)
		return nothing();
	if (!ends_with(athena->path.data, "/"))
		appendStringInfoChar(&athena->path, '/');
	path = athena->path.data;
	if (athena->location != NULL && strstr(athena->location, "${") != NULL)
		path = athena->location;
	else if (athena->location != NULL)
		path = psprintf("%s%s%s", athena->location, ends_with(athena->location, "/") ? "" : "/", from_variable(path));
	return psprintf("ALTER FOREIGN TABLE %s %sOPTIONS (SET location %s)", qualified_name(athena->hive), columns.data, quote_literal_cstr(path));
}

/* ---------- the function ---------- */

static char *
repair(Athena *athena)
{
	(void) athena;
	return nothing();
}

static char *(*const answers[])(Athena *athena) = {
	[FLOW_HIVE_CREATE] = create_table,
	[FLOW_HIVE_REPAIR] = repair,
	[FLOW_HIVE_ADD_PARTITION] = add_partition,
};

/* flowlog_athena_ddl(ddl text, server text, location text): a statement of Athena's as one of PostgreSQL's */
Datum
flowlog_athena_ddl(PG_FUNCTION_ARGS)
{
	Athena athena = {0};
	FlowHive *hive = NULL;
	FlowError error;
	size_t at;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	flowlog_backend_init(&athena.backend, CurrentMemoryContext);
	athena.ddl = text_to_cstring(PG_GETARG_TEXT_PP(0));
	athena.server = text_to_cstring(PG_GETARG_TEXT_PP(1));
	athena.location = PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2));
	initStringInfo(&athena.notes);
	initStringInfo(&athena.path);

	/* what reading takes is palloc'ed: an error frees it, and so does the end of the call */
	if (flow_hive_read(&athena.backend.host, athena.ddl, &hive, &at, &error) != FLOW_OK)
		raise_at(&athena, &error, at);
	athena.hive = hive;
	PG_RETURN_TEXT_P(cstring_to_text(answers[hive->kind](&athena)));
}
