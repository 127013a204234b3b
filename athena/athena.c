/*-------------------------------------------------------------------------
 *
 * athena.c
 *	  flowlog_athena_ddl: converts Athena's statement for a table of flow logs
 *	  to PostgreSQL's.
 *
 * flow/hive.c parses the statement.  This file gives it a meaning: how files
 * are read, where they are, and what Athena does with a value that is not of
 * its column's type.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"
#include "athena.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"

FLOWLOG_FUNCTION(flowlog_athena_ddl);

/* ---------- errors ---------- */

/* Sets the position of an error in the statement, for ereport. */
static int
point_at(const Athena *athena, size_t at)
{
	internalerrquery(athena->ddl);
	return internalerrposition(pg_mbstrlen_with_len(athena->ddl, (int) at) + 1);
}

/* Raises the error for a column of a type that is not read. */
static void
refuse_type(const Athena *athena, const FlowHiveColumn *column, const char *detail)
{
	ereport(ERROR,
	        errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
	        errmsg("cannot read a column of type %s", column->type),
	        errdetail_internal("%s", detail),
	        athena->serde == FLOWLOG_ATHENA_PARQUET ? errhint("Leave the column out.") : 0,
	        point_at(athena, column->at));
}

/* ---------- how files are read ---------- */

#define DEFAULT_NULL "\\N" /* what LazySimpleSerDe reads as NULL */

/* The storage formats of text, by the end of their names. */
static const char *const text_formats[] = {"textfile", "TextInputFormat"};

static const struct
{
	/* a part of the name of a class or format, in lower case */
	const char *text;
	const char *name;
} other_formats[] = {
	{"orc", "ORC"},
	{"avro", "Avro"},
	{"json", "JSON"},
	{"grok", "Grok"},
};

/* Returns true if a class or a format has a text, in lower case, in its name. */
static bool
names_format(const char *class_name, const char *text)
{
	char *lower = pstrdup(class_name);

	for (char *c = lower; *c != '\0'; c++)
		*c = pg_tolower((unsigned char) *c);
	return strstr(lower, text) != NULL;
}

/*
 * Raises an error for a format that is neither Parquet nor text split by
 * RegexSerDe, LazySimpleSerDe or OpenCSVSerde.
 */
static void
refuse_format(const char *class_name)
{
	for (size_t i = 0; i < lengthof(other_formats); i++)
		if (names_format(class_name, other_formats[i].text))
			ereport(ERROR,
			        errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			        errmsg("cannot read flow logs in %s", other_formats[i].name),
			        errdetail("The statement names \"%s\"; tables of flow logs read lines of text "
			                  "and Parquet.",
			                  class_name),
			        errhint("Tables without option \"regex\" read flow logs as AWS delivers them "
			                "in text or Parquet, in CSV, and in JSON, also with a member for each "
			                "field: IMPORT FOREIGN SCHEMA makes such a table."));
	ereport(ERROR,
	        errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
	        errmsg("cannot read flow logs with \"%s\"", class_name),
	        errdetail("Only RegexSerDe, LazySimpleSerDe, OpenCSVSerde, ROW FORMAT DELIMITED and "
	                  "ParquetHiveSerDe are understood."));
}

/*
 * Returns true if the statement says that the files are Parquet.  Raises an
 * error if its SerDe says that, but its storage format does not, or vice versa.
 */
static bool
is_parquet(const FlowHive *hive)
{
	bool stored = hive->stored_as != NULL && names_format(hive->stored_as, "parquet");
	bool serde = hive->serde != NULL && names_format(hive->serde, "parquet");

	if ((stored && hive->serde != NULL && !serde) || (serde && hive->stored_as != NULL && !stored))
		ereport(ERROR,
		        errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		        errmsg("the SerDe of the table does not fit its storage format"),
		        errdetail("The SerDe is \"%s\", and the storage format \"%s\".",
		                  hive->serde,
		                  hive->stored_as));
	return stored || serde;
}

/* Compares without regard to case. */
static bool
ends_with(const char *text, const char *end)
{
	size_t len = strlen(text);
	size_t end_len = strlen(end);

	return len >= end_len && pg_strcasecmp(text + len - end_len, end) == 0;
}

/* Checks that the table's files are text, if they are not Parquet. */
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
 * Checks that the groups of the pattern fit the columns, as the table will
 * have them, and that PCRE2 accepts the pattern.
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
		        errcode(ERRCODE_FDW_INVALID_OPTION_INDEX),
		        errmsg("regular expression has %d %s, but the table has %d %s",
		               ngroups,
		               ngroups == 1 ? "group" : "groups",
		               columns->count,
		               columns->count == 1 ? "column" : "columns"),
		        errdetail("Athena would stop at the first line: \"Number of matching groups "
		                  "doesn't match the number of columns\"."));

	for (int i = 0; i < columns->count; i++)
		all[i] = (FlowColumn) {.name = columns->items[i].name,
		                       .field = psprintf("%d", i + 1),
		                       .type = FLOW_TEXT,
		                       .max_chars = -1};
	if (flow_format_create(&athena->backend.host, &spec, &format, &error) != FLOW_OK)
		flowlog_raise(&athena->backend, &error, NULL);
	flow_format_free(format);
}

/* Reads the pattern of RegexSerDe. */
static void
read_regex(Athena *athena)
{
	const char *regex = flowlog_athena_property(athena, "input.regex");

	if (regex == NULL)
		ereport(ERROR,
		        errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
		        errmsg("the table does not have the SerDe property \"input.regex\""));
	athena->regex =
		psprintf("%s%s",
	             flowlog_athena_property_is_true(athena, "input.regex.case.insensitive") ? "(?i)"
	                                                                                     : "",
	             regex);
	check_regex(athena);
}

/*
 * Returns a delimiter as Hive's LazyUtils.getByte reads it: a number is a
 * character code; in other texts the first character counts.
 */
static char
delimiter(const char *text)
{
	char *end;
	long code = strtol(text, &end, 10);

	if (text[0] != '\0' && *end == '\0')
		text = code > 0 && code < 128 ? psprintf("%c", (char) code) : "";
	if (strlen(text) != 1 || *text == '\n' || *text == '\r' || (unsigned char) *text >= 0x80)
		ereport(ERROR,
		        errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		        errmsg("cannot split lines at \"%s\"", text),
		        errdetail("Athena separates fields by one ASCII character."));
	return *text;
}

/*
 * Returns a character as it is written in a regular expression, also within a
 * class.
 */
static char *
literal(char c)
{
	if ((unsigned char) c < ' ' || c == 0x7F)
		return psprintf("\\x%02x", (unsigned) c);
	return strchr("\\^$.[]|()?*+{}-&#", c) != NULL ? psprintf("\\%c", c) : psprintf("%c", c);
}

/*
 * Returns a pattern that splits as LazySimpleSerDe does, and matches any
 * number of fields.
 */
static char *
delimited_regex(const char *separator, int ncolumns, bool last_takes_rest)
{
	StringInfoData regex;

	initStringInfo(&regex);
	for (int i = 1; i <= ncolumns; i++)
	{
		bool rest = last_takes_rest && i == ncolumns;

		if (i > 1)
			appendStringInfo(&regex, "(?:%s", separator);
		if (rest)
			appendStringInfoString(&regex, "(.*)");
		else
			appendStringInfo(&regex, "([^%s]*)", separator);
		if (i > 1)
			appendStringInfoString(&regex, ")?");
	}
	if (!last_takes_rest)
		appendStringInfo(&regex, "(?:%s.*)?", separator);
	return regex.data;
}

/*
 * Converts LazySimpleSerDe's splitting to a pattern: columns without a field
 * are NULL, fields after the last column are dropped, unless the last column
 * takes the rest of the line.
 */
static void
read_delimited(Athena *athena)
{
	const char *delim = flowlog_athena_property(athena, "field.delim");
	const char *line = flowlog_athena_property(athena, "line.delim");
	bool takes_rest =
		flowlog_athena_property_is_true(athena, "serialization.last.column.takes.rest");
	char *separator;

	if (delim == NULL)
		delim = flowlog_athena_property(athena, "serialization.format");
	separator = literal(delimiter(delim != NULL ? delim : "1"));
	if (line != NULL && strcmp(line, "\n") != 0 && strcmp(line, "10") != 0)
		ereport(ERROR,
		        errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		        errmsg("cannot end lines at \"%s\"", line),
		        errdetail("Lines of flow logs end at line feeds."));
	if (flowlog_athena_property(athena, "escape.delim") != NULL ||
	    flowlog_athena_property_is_true(athena, "serialization.escape.crlf"))
		flowlog_athena_note(athena,
		                    "ESCAPED BY is left out: no field of a flow log has a character that "
		                    "would have to be escaped.");
	athena->regex = delimited_regex(separator, athena->hive->columns.count, takes_rest);
	flowlog_athena_note(athena,
	                    psprintf("As in Athena, a line with fewer fields has NULLs for the "
	                             "others, and %s.",
	                             takes_rest ? "the last column takes the rest of the line"
	                                        : "fields after the last column are dropped"));
	athena->null_text = flowlog_athena_property(athena, "serialization.null.format");
	if (athena->null_text == NULL)
		athena->null_text = DEFAULT_NULL;
}

/* Returns a property of OpenCSVSerde, as it is written in an expression. */
static char *
csv_character(const Athena *athena, const char *name, const char *otherwise)
{
	const char *value = flowlog_athena_property(athena, name);

	if (value == NULL)
		value = otherwise;
	if (strlen(value) != 1 || *value == '\n' || *value == '\r' || (unsigned char) *value >= 0x80)
		ereport(ERROR,
		        errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		        errmsg("cannot read a table whose property \"%s\" is \"%s\"", name, value),
		        errdetail("It must be one ASCII character."));
	return literal(*value);
}

/*
 * Converts OpenCSVSerde's splitting to a pattern.  A value with a quote or an
 * escape in it does not match, as it would have to be rewritten: its line is
 * no record.
 */
static void
read_csv(Athena *athena)
{
	char *separator = csv_character(athena, "separatorChar", ",");
	char *quote = csv_character(athena, "quoteChar", "\"");
	char *escape = csv_character(athena, "escapeChar", "\\");
	char *quoted = psprintf("[ \\t]*%s([^%s%s]*)%s", quote, quote, escape, quote);
	char *plain = psprintf("([^%s%s%s]*)", separator, quote, escape);
	StringInfoData regex;

	initStringInfo(&regex);
	for (int i = 0; i < athena->hive->columns.count; i++)
		appendStringInfo(&regex,
		                 "%s%s(?|%s|%s)",
		                 i > 0 ? "(?:" : "",
		                 i > 0 ? separator : "",
		                 quoted,
		                 plain);
	for (int i = 1; i < athena->hive->columns.count; i++)
		appendStringInfoString(&regex, ")?");
	appendStringInfo(&regex, "(?:%s[^%s%s]*)?", separator, quote, escape);
	athena->regex = regex.data;
	flowlog_athena_note(athena,
	                    "As in Athena, a line with fewer values has NULLs for the others, and a "
	                    "value that is empty is not NULL. A line is no record if a value has "
	                    "quotes or escapes in it, or one after the last column is quoted.");
}

static const struct
{
	const char *serde; /* the end of the class name */
	FlowlogAthenaSerde kind;
	void (*read)(Athena *athena);
} serdes[] = {
	{".LazySimpleSerDe", FLOWLOG_ATHENA_LAZY, read_delimited},
	{".RegexSerDe", FLOWLOG_ATHENA_REGEX, read_regex},
	{".OpenCSVSerde", FLOWLOG_ATHENA_CSV, read_csv},
};

/* Says which columns must be in all files. */
static void
note_unknown(Athena *athena)
{
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < athena->hive->columns.count; i++)
		if (athena->leaves[i] != NULL ||
		    flow_field_name(athena->hive->columns.items[i].name) == NULL)
			appendStringInfo(&names,
			                 "%s%s",
			                 names.len > 0 ? ", " : "",
			                 quote_identifier(athena->hive->columns.items[i].name));
	if (names.len > 0)
		flowlog_athena_note(athena,
		                    psprintf("Columns that are not known fields of flow logs must be in "
		                             "each file, where Athena has NULL: %s.",
		                             names.data));
}

/*
 * Finds the leaves of a Parquet file that members of structs are: "a.b".  Such
 * a column is called "a_b".
 */
static void
read_structs(Athena *athena)
{
	FlowHive *hive = athena->hive;

	athena->leaves = palloc0(sizeof(char *) * (hive->columns.count + 1));
	for (int i = 0; i < hive->columns.count; i++)
	{
		FlowHiveColumn *column = &hive->columns.items[i];
		char *leaf = pstrdup(column->name);
		char *name = pstrdup(column->name);

		CHECK_FOR_INTERRUPTS();
		if (column->group == 0)
			continue;
		for (int group = column->group; group > 0; group = hive->groups.items[group - 1].group)
		{
			leaf = psprintf("%s.%s", hive->groups.items[group - 1].name, leaf);
			name = psprintf("%s_%s", hive->groups.items[group - 1].name, name);
		}
		athena->leaves[i] = leaf;
		column->name = name;
	}
}

/* Takes the files as Parquet. */
static void
read_parquet(Athena *athena)
{
	athena->serde = FLOWLOG_ATHENA_PARQUET;
	flowlog_athena_check_properties(athena);
	note_unknown(athena);
}

/* Raises an error for columns that only Parquet files can have. */
static void
refuse_structs(const Athena *athena, const FlowHiveColumns *columns)
{
	for (int i = 0; i < columns->count; i++)
		if (columns->items[i].group > 0)
		{
			const FlowHiveColumn *group = &athena->hive->groups.items[columns->items[i].group - 1];

			refuse_type(athena, group, "Only columns of tables in Parquet may be structs.");
		}
}

/* Finds out how files are read. */
static void
read_serde(Athena *athena)
{
	const char *serde = athena->hive->serde;
	size_t i = 0; /* without a SerDe, the first of them */

	refuse_structs(athena, &athena->hive->partitions);
	if (is_parquet(athena->hive))
	{
		read_parquet(athena);
		return;
	}
	refuse_structs(athena, &athena->hive->columns);
	check_storage(athena->hive);
	while (serde != NULL && i < lengthof(serdes) && !ends_with(serde, serdes[i].serde))
		i++;
	if (i == lengthof(serdes))
		refuse_format(serde);
	athena->serde = serdes[i].kind;
	serdes[i].read(athena);
	flowlog_athena_check_properties(athena);
}

/* Finds out whether files have a header. */
static void
read_header(Athena *athena)
{
	const char *lines = flowlog_athena_property(athena, "skip.header.line.count");

	if (athena->serde == FLOWLOG_ATHENA_PARQUET || lines == NULL || strcmp(lines, "0") == 0)
		return;
	if (strcmp(lines, "1") != 0)
		ereport(ERROR,
		        errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		        errmsg("cannot skip %s lines of each file", lines),
		        errdetail("A flow log has one header, if any."));
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

/* Returns the PostgreSQL type of a column. */
static char *
column_type(Athena *athena, const FlowHiveColumn *column)
{
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
	refuse_type(athena,
	            column,
	            psprintf("Column \"%s\" must be of one of Hive's primitive types%s.",
	                     column->name,
	                     athena->serde == FLOWLOG_ATHENA_PARQUET ? ", or a struct of them" : ""));
	return NULL;
}

static bool
is_text(const FlowHiveColumn *column)
{
	return strcmp(column->type, "string") == 0 || strcmp(column->type, "varchar") == 0 ||
	       strcmp(column->type, "char") == 0;
}

/* ---------- the table ---------- */

static void
append_option(StringInfo sql, const char *separator, const char *name, const char *value)
{
	appendStringInfo(sql, "%s%s %s", separator, name, quote_literal_cstr(value));
}

/*
 * Returns true if the text that means NULL must be said for a column of this
 * type.  A number or time can be neither "-" nor \N, which are NULL there
 * anyway.
 */
static bool
needs_null_text(const Athena *athena, const FlowHiveColumn *column)
{
	return athena->null_text != NULL &&
	       (is_text(column) ||
	        (strcmp(athena->null_text, "-") != 0 && strcmp(athena->null_text, DEFAULT_NULL) != 0));
}

/* Appends the definition of a column that a field fills. */
static void
append_column(Athena *athena, StringInfo sql, const FlowHiveColumn *column, int number)
{
	StringInfoData options;

	initStringInfo(&options);
	if (athena->named_groups)
		append_option(&options, "", "field", psprintf("%d", number));
	if (athena->leaves[number - 1] != NULL)
		append_option(&options, "", "field", athena->leaves[number - 1]);
	if (needs_null_text(athena, column))
		append_option(&options, options.len > 0 ? ", " : "", "\"null\"", athena->null_text);
	else if (is_text(column))
		append_option(&options, options.len > 0 ? ", " : "", "null_off", "true");
	appendStringInfo(sql,
	                 "%s\n\t%s %s",
	                 number > 1 ? "," : "",
	                 quote_identifier(column->name),
	                 column_type(athena, column));
	if (options.len > 0)
		appendStringInfo(sql, " OPTIONS (%s)", options.data);
}

/* Appends the definition of a column that the path fills. */
static void
append_partition(Athena *athena, StringInfo sql, const FlowHiveColumn *column, bool first)
{
	if (flowlog_athena_projection(athena, column->name, "range") != NULL ||
	    flowlog_athena_projection(athena, column->name, "values") != NULL)
		flowlog_athena_note(athena,
		                    psprintf("Column %s has the values of all directories that are there; "
		                             "Athena sees those of the projection only.",
		                             quote_identifier(column->name)));
	appendStringInfo(sql,
	                 "%s\n\t%s %s",
	                 first ? "" : ",",
	                 quote_identifier(column->name),
	                 column_type(athena, column));
}

/* Appends the statements for the table's comments. */
static void
append_comments(const FlowHive *hive, StringInfo sql)
{
	const FlowHiveColumns *lists[] = {&hive->columns, &hive->partitions};

	if (hive->comment != NULL)
		appendStringInfo(sql,
		                 ";\nCOMMENT ON FOREIGN TABLE %s IS %s",
		                 flowlog_athena_name(hive),
		                 quote_literal_cstr(hive->comment));
	for (size_t i = 0; i < lengthof(lists); i++)
		for (int j = 0; j < lists[i]->count; j++)
			if (lists[i]->items[j].comment != NULL)
				appendStringInfo(sql,
				                 ";\nCOMMENT ON COLUMN %s.%s IS %s",
				                 flowlog_athena_name(hive),
				                 quote_identifier(lists[i]->items[j].name),
				                 quote_literal_cstr(lists[i]->items[j].comment));
}

/* Checks that no two columns have the same name. */
static void
check_names(const Athena *athena)
{
	const FlowHiveColumns *columns = &athena->hive->columns;
	const FlowHiveColumns *partitions = &athena->hive->partitions;

	for (int i = 0; i < columns->count + partitions->count; i++)
	{
		bool is_partition = i >= columns->count;
		const FlowHiveColumn *column =
			is_partition ? &partitions->items[i - columns->count] : &columns->items[i];

		CHECK_FOR_INTERRUPTS();
		for (int j = 0; is_partition && j < columns->count; j++)
			if (strcmp(columns->items[j].name, column->name) == 0)
				ereport(ERROR,
				        errcode(ERRCODE_DUPLICATE_COLUMN),
				        errmsg("column \"%s\" is in the table and in PARTITIONED BY", column->name),
				        errdetail(
							"Athena refuses it: \"Column repeated in partitioning columns\"."),
				        errhint("If the files have it, give it another name in the first list; "
				                "if not, leave it out there."),
				        point_at(athena, column->at));
		for (const FlowHiveColumn *other = is_partition ? partitions->items : columns->items;
		     other < column;
		     other++)
			if (strcmp(other->name, column->name) == 0)
				ereport(ERROR,
				        errcode(ERRCODE_DUPLICATE_COLUMN),
				        errmsg("column \"%s\" is in Athena's statement twice", column->name),
				        errdetail("Athena reads names without regard to case."),
				        point_at(athena, column->at));
	}
}

/* Returns the statement that creates the table. */
static char *
create_table(Athena *athena)
{
	const FlowHive *hive = athena->hive;
	StringInfoData sql;

	read_structs(athena);
	check_names(athena);

	/* find out how files are read, and where they are */
	read_serde(athena);
	read_header(athena);
	flowlog_athena_read_location(athena);

	/* define the columns */
	initStringInfo(&sql);
	appendStringInfo(&sql,
	                 "CREATE FOREIGN TABLE %s%s (",
	                 hive->if_not_exists ? "IF NOT EXISTS " : "",
	                 flowlog_athena_name(hive));
	for (int i = 0; i < hive->columns.count; i++)
		append_column(athena, &sql, &hive->columns.items[i], i + 1);
	for (int i = 0; i < hive->partitions.count; i++)
		append_partition(athena, &sql, &hive->partitions.items[i], hive->columns.count + i == 0);

	/* set the options */
	appendStringInfo(&sql, "\n) SERVER %s OPTIONS (", quote_identifier(athena->server));
	append_option(&sql, "\n\t", "location", athena->path.data);
	if (athena->regex != NULL)
		append_option(&sql, ",\n\t", "regex", athena->regex);
	if (athena->header != NULL)
		append_option(&sql, ",\n\t", "header", athena->header);
	/* Athena reads a text that does not fit as NULL, and such a value in Parquet not at all */
	if (athena->regex != NULL)
		append_option(&sql, ",\n\t", "on_error", "set_null");
	appendStringInfoString(&sql, "\n)");
	append_comments(hive, &sql);
	return psprintf("%s%s", athena->notes.data, sql.data);
}

/* ---------- the function ---------- */

static char *(*const answers[])(Athena *athena) = {
	[FLOW_HIVE_CREATE] = create_table,
	[FLOW_HIVE_REPAIR] = flowlog_athena_nothing,
	[FLOW_HIVE_ADD_PARTITION] = flowlog_athena_add_partition,
};

/*
 * flowlog_athena_ddl(ddl text, server text, location text): converts a
 * statement of Athena to PostgreSQL's.
 */
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

	/*
	 * the result is palloc'd: it is freed by an error, or at the end of the
	 * call
	 */
	if (flow_hive_read(&athena.backend.host, athena.ddl, &hive, &at, &error) != FLOW_OK)
	{
		if (error.status != FLOW_BAD_FORMAT)
			flowlog_raise(&athena.backend, &error, NULL);
		ereport(ERROR,
		        errcode(ERRCODE_SYNTAX_ERROR),
		        errmsg("%s", flowlog_message(error.message)),
		        errdetail("%s", flowlog_message(error.detail)),
		        error.hint[0] != '\0' ? errhint("%s", error.hint) : 0,
		        point_at(&athena, at));
	}
	athena.hive = hive;
	PG_RETURN_TEXT_P(cstring_to_text(answers[hive->kind](&athena)));
}
