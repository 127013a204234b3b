/*-------------------------------------------------------------------------
 *
 * table.c
 *	  The definition of a foreign table: its columns, and where their values
 *	  come from.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include "access/table.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_foreign_table.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/*
 * Finds what fills a column.  A variable of the location takes precedence over
 * a field of a record, and "field" over the column's name.
 */
static void
find_column_source(FlowlogTable *table, FlowColumn *column)
{
	const char *name = column->field != NULL ? column->field : column->name;
	int nvariables;
	const FlowVariable *variables = flow_location_variables(table->location, &nvariables);

	column->source = flowlog_find_source(name);
	for (int i = 0; i < nvariables; i++)
		if (strcmp(variables[i].name, name) == 0)
		{
			column->source = FLOW_FROM_VARIABLE;
			column->variable = i;
		}

	/*
	 * values of other columns may fail to convert; those of "$line" must not,
	 * as lines would have to be counted to know whether one is a row
	 */
	if (column->source == FLOW_FROM_LINE && column->type != FLOW_INT32 &&
	    column->type != FLOW_INT64 && (column->type != FLOW_TEXT || column->max_chars >= 0))
		ereport(ERROR,
		        errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
		        errmsg("column \"%s\", which is \"$line\", cannot be of type %s",
		               column->name,
		               column->type_name),
		        errhint("Use type bigint, integer or text."));
}

/* Reads a column's definition. */
static void
read_column(FlowlogTable *table, Form_pg_attribute attribute, FlowColumn *column)
{
	FlowlogOptions options;
	const char *null_text = table->options.null_text;

	flowlog_options_parse(&options,
	                      GetForeignColumnOptions(table->relid, attribute->attnum),
	                      AttributeRelationId);

	if (null_text == NULL && !table->options.null_off)
		null_text = "-";
	if (options.null_text != NULL)
		null_text = options.null_text;
	else if (options.null_off)
		null_text = NULL;

	column->name = pstrdup(NameStr(attribute->attname));
	column->field = options.field;
	column->null_text = null_text;
	column->null_len = null_text ? strlen(null_text) : 0;
	column->not_null = attribute->attnotnull;
	column->type_name = format_type_be(attribute->atttypid);
	flowlog_column_set_type(column, attribute->atttypid, attribute->atttypmod);
	find_column_source(table, column);
}

/*
 * Returns true if we fill the attribute.  A virtual generated column (since
 * PostgreSQL 18) is computed by PostgreSQL; a stored one is refused, as
 * nothing is stored.
 */
static bool
is_filled_column(Form_pg_attribute attribute)
{
	if (attribute->attisdropped)
		return false;
	if (attribute->attgenerated == ATTRIBUTE_GENERATED_STORED)
		ereport(
			ERROR,
			errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg(
				"column \"%s\" of a flowlog_fdw foreign table cannot be a stored generated column",
				NameStr(attribute->attname)),
			errhint("Compute it in a view over the foreign table."));
	return attribute->attgenerated == '\0';
}

const char *
flowlog_column_field(const FlowColumn *column)
{
	bool numbered =
		column->field != NULL && strspn(column->field, "0123456789") == strlen(column->field);

	return column->field != NULL && !numbered ? column->field : column->name;
}

/* Returns true if the column is one of a record's times. */
static bool
is_time_column(const FlowColumn *column)
{
	return column->source == FLOW_FROM_RECORD && flow_field_is_time(flowlog_column_field(column));
}

/* Calls a function for each text of a table's definition. */
static void
for_each_text(FlowlogTable *table, void (*function)(const char **text, void *arg), void *arg)
{
	function(&table->name, arg);
	function(&table->options.location, arg);
	function(&table->options.regex, arg);
	function(&table->options.log_format, arg);
	function(&table->options.null_text, arg);
	function(&table->options.compression, arg);
	for (int i = 0; i < table->ncolumns; i++)
	{
		FlowColumn *column = &table->columns[i];

		function(&column->name, arg);
		function(&column->field, arg);
		function(&column->null_text, arg);
		function(&column->type_name, arg);
	}
}

/* Adds the size of a text to *arg. */
static void
count_text(const char **text, void *arg)
{
	if (*text != NULL)
		*(Size *) arg += strlen(*text) + 1;
}

/* Moves a text to *arg, the next free byte. */
static void
move_text(const char **text, void *arg)
{
	char **next = arg;
	Size size;

	if (*text == NULL)
		return;
	size = strlen(*text) + 1;
	*text = memcpy(*next, *text, size);
	*next += size;
}

/* Moves all texts into one chunk of the current memory context. */
static void
move_texts(FlowlogTable *table)
{
	Size size = 0;
	char *next;

	for_each_text(table, count_text, &size);
	next = palloc(size);
	for_each_text(table, move_text, &next);
}

/* Reads the columns that we fill. */
static void
read_columns(FlowlogTable *table, TupleDesc desc)
{
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		table->column_of_attr[i] = -1;
		if (!is_filled_column(attribute))
			continue;
		table->column_of_attr[i] = table->ncolumns;
		table->attnums[table->ncolumns] = attribute->attnum;
		read_column(table, attribute, &table->columns[table->ncolumns]);
		table->is_time[table->ncolumns] = is_time_column(&table->columns[table->ncolumns]);
		table->ncolumns++;
	}
}

/* Allocates a table of "natts" attributes, in one chunk. */
static FlowlogTable *
make_table(int natts)
{
	FlowlogTable *table;

	table = palloc0(sizeof(FlowlogTable) +
	                natts * (sizeof(FlowColumn) + sizeof(int) + sizeof(AttrNumber) + sizeof(bool)));
	table->natts = natts;
	table->columns = (FlowColumn *) (table + 1);
	table->column_of_attr = (int *) (table->columns + natts);
	table->attnums = (AttrNumber *) (table->column_of_attr + natts);
	table->is_time = (bool *) (table->attnums + natts);
	return table;
}

/*
 * Reads a foreign table's definition.  A plan over thousands of partitions has
 * thousands of these, so they are kept small: a memory context of its own
 * takes what the catalogs return.
 */
FlowlogTable *
flowlog_table_open(Oid relid)
{
	Relation relation = table_open(relid, AccessShareLock);
	TupleDesc desc = RelationGetDescr(relation);
	FlowlogTable *table = make_table(desc->natts);
	MemoryContext reading;
	MemoryContext old;
	ForeignTable *foreign;
	FlowError error;

	table->relid = relid;
	flowlog_backend_init(&table->backend, CurrentMemoryContext);

	/*
	 * read the definition in a temporary context; the host allocates the
	 * location outside of it
	 */
	reading = AllocSetContextCreate(CurrentMemoryContext,
	                                "flowlog_fdw definition",
	                                ALLOCSET_START_SMALL_SIZES);
	old = MemoryContextSwitchTo(reading);
	table->name = RelationGetRelationName(relation);
	foreign = GetForeignTable(relid);
	table->serverid = foreign->serverid;
	flowlog_options_parse(&table->options, foreign->options, ForeignTableRelationId);
	if (table->options.shard.count == 0)
	{
		FlowlogOptions server;

		flowlog_options_parse(&server,
		                      GetForeignServer(table->serverid)->options,
		                      ForeignServerRelationId);
		table->options.shard = server.shard;
	}
	if (flow_location_parse(&table->backend.host,
	                        table->options.location,
	                        &table->location,
	                        &error) != FLOW_OK)
		flowlog_raise(&table->backend, &error, NULL);
	flow_shard_set(table->location, table->options.shard);
	read_columns(table, desc);

	/* keep the texts, and free the rest */
	MemoryContextSwitchTo(old);
	move_texts(table);
	MemoryContextDelete(reading);
	table_close(relation, NoLock);
	return table;
}

/* Sets the type of a domain's base; returns false if the index has no such values. */
static bool
set_base_type(FlowColumn *column, Form_pg_attribute attribute)
{
	int32 typmod = attribute->atttypmod;
	Oid base = getBaseTypeAndTypmod(attribute->atttypid, &typmod);

	if (base == attribute->atttypid)
		return false;
	flowlog_column_set_type(column, base, typmod);
	return flow_index_takes(column);
}

const FlowlogTable *
flowlog_table_with_bases(const FlowlogTable *table)
{
	FlowlogTable *copy = NULL;
	Relation relation;

	if (table->options.on_error != FLOW_ON_ERROR_STOP)
		return table;
	relation = table_open(table->relid, AccessShareLock);
	for (int i = 0; i < table->ncolumns; i++)
	{
		FlowColumn column = table->columns[i];

		if (column.type != FLOW_OPAQUE ||
		    !set_base_type(&column,
		                   TupleDescAttr(RelationGetDescr(relation), table->attnums[i] - 1)))
			continue;
		if (copy == NULL)
		{
			copy = palloc(sizeof(FlowlogTable));
			*copy = *table;
			copy->columns = palloc(sizeof(FlowColumn) * table->ncolumns);
			memcpy(copy->columns, table->columns, sizeof(FlowColumn) * table->ncolumns);
		}
		copy->columns[i] = column;
	}
	table_close(relation, NoLock);
	return copy != NULL ? copy : table;
}

/* Returns the column of an attribute for the reader, or -1. */
int
flowlog_table_column(const FlowlogTable *table, AttrNumber attnum)
{
	int column;

	if (attnum < 1 || attnum > table->natts)
		return -1;
	column = table->column_of_attr[attnum - 1];
	return column >= 0 && table->columns[column].source == FLOW_FROM_LINE ? -1 : column;
}
