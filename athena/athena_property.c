/*-------------------------------------------------------------------------
 *
 * athena_property.c
 *	  Properties of Athena's tables: which of them are read, which change rows
 *	  in a way that cannot be had here, and which change nothing.
 *
 * Names and meanings are those of Hive's LazySerDeParameters and of its text
 * reader, and of AWS Glue's crawlers.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"
#include "athena.h"

#include "miscadmin.h"

/* ---------- values ---------- */

/*
 * Returns the value of a property, or NULL if it is not set.  The table's
 * properties are put over those of the SerDe, as Hive and Trino do it.
 */
const char *
flowlog_athena_property(const Athena *athena, const char *name)
{
	const char *value = flow_hive_property(&athena->hive->table_properties, name);

	return value != NULL ? value : flow_hive_property(&athena->hive->serde_properties, name);
}

/* Returns true if a property is set to "true". */
bool
flowlog_athena_property_is_true(const Athena *athena, const char *name)
{
	const char *value = flowlog_athena_property(athena, name);

	return value != NULL && pg_strcasecmp(value, "true") == 0;
}

/* ---------- values that are refused ---------- */

/* Returns true if the table has a column of a type. */
static bool
has_column(const Athena *athena, const char *type)
{
	const FlowHiveColumns *columns = &athena->hive->columns;

	for (int i = 0; i < columns->count; i++)
		if (strcmp(columns->items[i].type, type) == 0)
			return true;
	return false;
}

static bool
is_not_zero(const Athena *athena, const char *value)
{
	(void) athena;
	return value[0] == '\0' || value[strspn(value, "0")] != '\0';
}

static bool
is_not_utf8(const Athena *athena, const char *value)
{
	static const char *const names[] = {"UTF-8", "UTF8", "US-ASCII", "ASCII"};

	(void) athena;
	for (size_t i = 0; i < lengthof(names); i++)
		if (pg_strcasecmp(value, names[i]) == 0)
			return false;
	return true;
}

static bool
is_not_newline(const Athena *athena, const char *value)
{
	(void) athena;
	return strcmp(value, "\n") != 0;
}

static bool
changes_timestamps(const Athena *athena, const char *value)
{
	return value[0] != '\0' && has_column(athena, "timestamp");
}

static bool
changes_booleans(const Athena *athena, const char *value)
{
	return pg_strcasecmp(value, "true") == 0 && has_column(athena, "boolean");
}

static bool
is_true(const Athena *athena, const char *value)
{
	(void) athena;
	return pg_strcasecmp(value, "true") == 0;
}

static bool
is_not_hive(const Athena *athena, const char *value)
{
	static const char *const names[] = {"ICEBERG", "DELTA", "HUDI"};

	(void) athena;
	for (size_t i = 0; i < lengthof(names); i++)
		if (pg_strcasecmp(value, names[i]) == 0)
			return true;
	return false;
}

/* ---------- the properties ---------- */

#define TEXT (FLOWLOG_ATHENA_REGEX | FLOWLOG_ATHENA_LAZY | FLOWLOG_ATHENA_CSV)
#define ALL (TEXT | FLOWLOG_ATHENA_PARQUET)

/* Properties that are read elsewhere, by the SerDes that use them. */
static const struct
{
	const char *name; /* with a "*" at its end: all names that begin so */
	int serdes;
} used[] = {
	{"input.regex", FLOWLOG_ATHENA_REGEX},
	{"input.regex.case.insensitive", FLOWLOG_ATHENA_REGEX},
	{"field.delim", FLOWLOG_ATHENA_LAZY},
	{"serialization.format", FLOWLOG_ATHENA_LAZY},
	{"line.delim", FLOWLOG_ATHENA_LAZY},
	{"escape.delim", FLOWLOG_ATHENA_LAZY},
	{"serialization.escape.crlf", FLOWLOG_ATHENA_LAZY},
	{"serialization.null.format", FLOWLOG_ATHENA_LAZY},
	{"serialization.last.column.takes.rest", FLOWLOG_ATHENA_LAZY},
	{"separatorChar", FLOWLOG_ATHENA_CSV},
	{"quoteChar", FLOWLOG_ATHENA_CSV},
	{"escapeChar", FLOWLOG_ATHENA_CSV},
	{"skip.header.line.count", TEXT},
	{"projection.*", ALL},
	{"storage.location.template", ALL},
};

/* Properties that are refused if they change rows. */
static const struct
{
	const char *name;
	int serdes;
	bool (*changes_rows)(const Athena *athena, const char *value);
	const char *detail; /* why it cannot be had */
} refused[] = {
	{"skip.footer.line.count",
     TEXT,
     is_not_zero,
     "All lines to the end of a file are read; none can be left out by its place."},
	{"textinputformat.record.delimiter", TEXT, is_not_newline, "Lines end at line feeds."},
	{"serialization.encoding", TEXT, is_not_utf8, "Files are read as UTF-8."},
	{"timestamp.formats",
     FLOWLOG_ATHENA_LAZY,
     changes_timestamps,
     "Columns of type timestamp are read by the forms of ISO 8601 and of flow logs only."},
	{"hive.lazysimple.extended_boolean_literal",
     FLOWLOG_ATHENA_LAZY,
     changes_booleans,
     "Columns of type boolean are read from \"true\" and \"false\" only."},
	{"parquet.column.index.access",
     FLOWLOG_ATHENA_PARQUET,
     is_true,
     "Columns are found by their names, not by their places."},
	{"table_type", ALL, is_not_hive, "Which of its files are rows is said by its metadata."},
};

/* Properties that describe the table, or how it is written. */
static const char *const idle[] = {
	"EXTERNAL",
	"comment",
	"classification",
	"delimiter",
	"areColumnsQuoted",
	"averageRecordSize",
	"columnsOrdered",
	"compressionType",
	"CrawlerSchema*",
	"exclusions",
	"objectCount",
	"partition_filtering.enabled",
	"recordCount",
	"sizeKey",
	"typeOfData",
	"UPDATED_BY_CRAWLER",
	"bucketing_*",
	"collection.delim",
	"colelction.delim", /* as Hive writes it */
	"mapkey.delim",
	"hive.serialization.extend.*",
	"hive.serialization.decode.binary.as.base64",
	"output.format.string",
	"write.compression",
	"compression",
	"mergeschema", /* in lower case, as names are in Spark's OPTIONS */
	"orc.*",
	"parquet.*",
	"avro.*",
	"has_encrypted_data",
	"discover.partitions",
	"external.table.purge",
	"COLUMN_STATS_ACCURATE",
	"DO_NOT_UPDATE_STATS",
	"STATS_GENERATED*",
	"numFiles",
	"numRows",
	"rawDataSize",
	"totalSize",
	"last_modified_by",
	"last_modified_time",
	"transient_lastDdlTime",
};

/* Returns true if a property is one of those that a name of our list means. */
static bool
is_meant(const char *property, const char *name)
{
	size_t len = strcspn(name, "*");

	return strncmp(property, name, len) == 0 && (name[len] == '*' || property[len] == '\0');
}

/* Raises an error for a property that changes rows. */
static void
check_refused(const Athena *athena, const char *name)
{
	const char *value = flowlog_athena_property(athena, name);

	for (size_t i = 0; i < lengthof(refused); i++)
		if (strcmp(name, refused[i].name) == 0 && (refused[i].serdes & athena->serde) != 0 &&
		    refused[i].changes_rows(athena, value))
			ereport(ERROR,
			        errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			        errmsg("cannot read a table whose property \"%s\" is \"%s\"", name, value),
			        errdetail_internal("%s", refused[i].detail),
			        errhint("If the files do not depend on it, leave the property out."));
}

/* Returns true if a property is read, by a SerDe of these. */
static bool
is_used(const char *property, int serdes)
{
	for (size_t i = 0; i < lengthof(used); i++)
		if ((used[i].serdes & serdes) != 0 && is_meant(property, used[i].name))
			return true;
	return false;
}

/* Returns true if a property is known and changes no row. */
static bool
is_idle(const char *property)
{
	for (size_t i = 0; i < lengthof(refused); i++)
		if (strcmp(property, refused[i].name) == 0)
			return true;
	for (size_t i = 0; i < lengthof(idle); i++)
		if (is_meant(property, idle[i]))
			return true;
	return is_used(property, ALL);
}

/* Appends a name to a list of names. */
static void
append_name(StringInfo names, const char *name)
{
	appendStringInfo(names, "%s\"%s\"", names->len > 0 ? ", " : "", name);
}

/* Checks all properties, and adds comments that name those without effect. */
void
flowlog_athena_check_properties(Athena *athena)
{
	const FlowHivePairs *lists[] = {&athena->hive->serde_properties,
	                                &athena->hive->table_properties};
	StringInfoData unused;
	StringInfoData unknown;

	initStringInfo(&unused);
	initStringInfo(&unknown);
	for (size_t i = 0; i < lengthof(lists); i++)
		for (int j = 0; j < lists[i]->count; j++)
		{
			const char *name = lists[i]->items[j].name;

			CHECK_FOR_INTERRUPTS();
			check_refused(athena, name);
			if (!is_used(name, athena->serde))
				append_name(is_idle(name) ? &unused : &unknown, name);
		}
	if (unused.len > 0)
		flowlog_athena_note(athena,
		                    psprintf("Properties that change no row are left out: %s.",
		                             unused.data));
	if (unknown.len > 0)
		flowlog_athena_note(athena,
		                    psprintf("Properties that are not known are left out: %s. See whether "
		                             "they change rows.",
		                             unknown.data));
}
