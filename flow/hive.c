/*-------------------------------------------------------------------------
 *
 * hive.c
 *	  Reads Hive's statements for external tables.
 *
 * A parser by recursive descent over tokens; each function reads the syntax
 * element it is named after.  Clauses after the columns may be in any order.
 *
 *-------------------------------------------------------------------------
 */
#include "hive.h"

#include <string.h>

/* ---------- lists ---------- */

#define MAX_ITEMS 1600 /* of a list: PostgreSQL's maximum number of columns */

static FlowStatus
too_many(FlowHiveParser *parser)
{
	return flow_error_set(parser->error,
	                      FLOW_LIMIT,
	                      "Athena's statement has a list of more than %d items",
	                      MAX_ITEMS);
}

/*
 * Reads ('name' = 'value', ...).  The names are strings, or names if
 * "by_name".
 */
static FlowStatus
pairs(FlowHiveParser *parser, FlowHivePairs *result, bool by_name)
{
	FlowStatus status = flow_hive_expect_sign(parser, '(');

	if (status == FLOW_OK && flow_hive_take_sign(parser, ')'))
		return FLOW_OK;
	while (status == FLOW_OK)
	{
		FlowHivePair *pair = &result->items[result->count];

		if (result->count == MAX_ITEMS)
			return too_many(parser);
		status =
			by_name ? flow_hive_name(parser, &pair->name) : flow_hive_string(parser, &pair->name);
		if (status == FLOW_OK)
			status = flow_hive_expect_sign(parser, '=');
		pair->is_number = by_name && parser->token.kind == FLOW_HIVE_NUMBER;
		if (status == FLOW_OK && pair->is_number)
			status = flow_hive_name(parser, &pair->value); /* year=2020 */
		else if (status == FLOW_OK)
			status = flow_hive_string(parser, &pair->value);
		result->count++;
		if (status == FLOW_OK && !flow_hive_take_sign(parser, ','))
			break;
	}
	return status == FLOW_OK ? flow_hive_expect_sign(parser, ')') : status;
}

/* Skips the arguments of array<...> and map<...>, which are not used. */
static FlowStatus
skip_angles(FlowHiveParser *parser)
{
	int depth = 1;

	while (depth > 0)
	{
		if (parser->token.kind == FLOW_HIVE_END || parser->token.kind == FLOW_HIVE_BAD)
			return flow_hive_unexpected(parser, "\">\"");
		if (flow_hive_take_sign(parser, '<'))
			depth++;
		else if (flow_hive_take_sign(parser, '>'))
			depth--;
		else
			flow_hive_advance(parser);
	}
	return FLOW_OK;
}

/* Reads a column's type and its arguments, but not the members of a struct. */
static FlowStatus
type(FlowHiveParser *parser, FlowHiveColumn *column)
{
	FlowStatus status;

	column->at = (size_t) (parser->token.begin - parser->text);
	if (parser->token.kind != FLOW_HIVE_WORD)
		return flow_hive_unexpected(parser, "a type");
	status = flow_hive_name(parser, &column->type);
	if (status == FLOW_OK && strcmp(column->type, "double") == 0)
		(void) flow_hive_take(parser, "precision");
	if (status == FLOW_OK && strcmp(column->type, "struct") == 0)
		return flow_hive_expect_sign(parser, '<');
	if (status == FLOW_OK && flow_hive_take_sign(parser, '<'))
		return skip_angles(parser);
	if (status != FLOW_OK || !flow_hive_take_sign(parser, '('))
		return status;
	do
	{
		if (column->narguments == 2)
			return flow_hive_unexpected(parser, "\")\"");
		status = flow_hive_number(parser, &column->arguments[column->narguments++]);
	} while (status == FLOW_OK && flow_hive_take_sign(parser, ','));
	return status == FLOW_OK ? flow_hive_expect_sign(parser, ')') : status;
}

/* Adds a column to a list. */
static FlowStatus
add_column(FlowHiveParser *parser, FlowHiveColumns *list, FlowHiveColumn column)
{
	if (list->count == MAX_ITEMS)
		return too_many(parser);
	list->items[list->count++] = column;
	return FLOW_OK;
}

static FlowStatus member(FlowHiveParser *parser, FlowHiveColumns *result, int group, int depth);

/*
 * Reads the type and the comment of a column that has a name, and adds it; of
 * a struct, its members.
 */
static FlowStatus
rest_of_column(FlowHiveParser *parser, FlowHiveColumns *result, FlowHiveColumn column, int depth)
{
	FlowStatus status = type(parser, &column);
	bool is_struct = status == FLOW_OK && strcmp(column.type, "struct") == 0;

	if (is_struct)
	{
		int group;

		if (depth == FLOW_HIVE_MAX_DEPTH)
			return flow_error_set(parser->error,
			                      FLOW_LIMIT,
			                      "Athena's statement has structs in more than %d others",
			                      FLOW_HIVE_MAX_DEPTH);
		status = add_column(parser, &parser->hive->groups, column);
		group = parser->hive->groups.count;
		do
			status = status == FLOW_OK ? member(parser, result, group, depth + 1) : status;
		while (status == FLOW_OK && flow_hive_take_sign(parser, ','));
		if (status == FLOW_OK)
			status = flow_hive_expect_sign(parser, '>');
	}
	if (status == FLOW_OK && flow_hive_take(parser, "comment"))
		status = flow_hive_string(parser, &column.comment);
	return status == FLOW_OK && !is_struct ? add_column(parser, result, column) : status;
}

/* Reads a member of a struct: name:type, also without the colon. */
static FlowStatus
member(FlowHiveParser *parser, FlowHiveColumns *result, int group, int depth)
{
	FlowHiveColumn column = {.group = group};
	FlowStatus status = flow_hive_name(parser, &column.name);

	if (status != FLOW_OK)
		return status;
	(void) flow_hive_take_sign(parser, ':');
	return rest_of_column(parser, result, column, depth);
}

/* Reads a list of columns in parentheses. */
static FlowStatus
columns(FlowHiveParser *parser, FlowHiveColumns *result)
{
	FlowStatus status = flow_hive_expect_sign(parser, '(');

	while (status == FLOW_OK)
	{
		FlowHiveColumn column = {0};

		status = flow_hive_name(parser, &column.name);
		if (status == FLOW_OK)
			status = rest_of_column(parser, result, column, 0);
		if (status == FLOW_OK && !flow_hive_take_sign(parser, ','))
			break;
	}
	return status == FLOW_OK ? flow_hive_expect_sign(parser, ')') : status;
}

/*
 * Moves a column of the table to its partitions: in Spark's statements the
 * table has them, and PARTITIONED BY has only their names.
 */
static FlowStatus
move_to_partitions(FlowHiveParser *parser, const char *name)
{
	FlowHiveColumns *list = &parser->hive->columns;

	for (int i = 0; i < list->count; i++)
		if (list->items[i].group == 0 && strcmp(list->items[i].name, name) == 0)
		{
			FlowStatus status = add_column(parser, &parser->hive->partitions, list->items[i]);

			list->count--;
			memmove(&list->items[i],
			        &list->items[i + 1],
			        (size_t) (list->count - i) * sizeof(FlowHiveColumn));
			return status;
		}
	return FLOW_BAD_FORMAT;
}

/* Reads a list of columns, or of their names. */
static FlowStatus
partition_names(FlowHiveParser *parser)
{
	FlowStatus status = flow_hive_expect_sign(parser, '(');

	while (status == FLOW_OK)
	{
		const FlowHiveToken token = parser->token;
		FlowHiveColumn column = {0};

		status = flow_hive_name(parser, &column.name);
		if (status == FLOW_OK && parser->token.kind == FLOW_HIVE_SIGN)
		{
			status = move_to_partitions(parser, column.name);
			if (status == FLOW_BAD_FORMAT)
			{
				parser->token = token;
				return flow_hive_unexpected(parser, "a column of the table");
			}
		}
		else if (status == FLOW_OK)
			status = rest_of_column(parser, &parser->hive->partitions, column, 0);
		if (status == FLOW_OK && !flow_hive_take_sign(parser, ','))
			break;
	}
	return status == FLOW_OK ? flow_hive_expect_sign(parser, ')') : status;
}

/* ---------- clauses ---------- */

static FlowStatus
comment_clause(FlowHiveParser *parser)
{
	return flow_hive_string(parser, &parser->hive->comment);
}

static FlowStatus
partitioned_clause(FlowHiveParser *parser)
{
	FlowStatus status = flow_hive_expect(parser, "BY");

	if (status != FLOW_OK)
		return status;
	return parser->hive->is_spark ? partition_names(parser)
	                              : columns(parser, &parser->hive->partitions);
}

/*
 * The parts of ROW FORMAT DELIMITED, and the names that Hive gives them as
 * properties.
 */
static const struct
{
	const char *first, *others; /* keywords */
	const char *property;
} delimiters[] = {
	{"FIELDS", "TERMINATED BY", "field.delim"},
	{"ESCAPED", "BY", "escape.delim"},
	{"COLLECTION", "ITEMS TERMINATED BY", "collection.delim"},
	{"MAP", "KEYS TERMINATED BY", "mapkey.delim"},
	{"LINES", "TERMINATED BY", "line.delim"},
	{"NULL", "DEFINED AS", "serialization.null.format"},
};

/*
 * Returns the delimiter that comes next, or the number of delimiters if none
 * does.
 */
static size_t
next_delimiter(const FlowHiveParser *parser)
{
	for (size_t i = 0; i < flow_countof(delimiters); i++)
		if (flow_hive_is_keyword(&parser->token, delimiters[i].first))
			return i;
	return flow_countof(delimiters);
}

/* Reads the parts of ROW FORMAT DELIMITED as properties of a SerDe. */
static FlowStatus
delimited(FlowHiveParser *parser)
{
	FlowHivePairs *all = &parser->hive->serde_properties;
	size_t i;

	while ((i = next_delimiter(parser)) < flow_countof(delimiters))
	{
		FlowHivePair *pair = &all->items[all->count];
		FlowStatus status;

		if (all->count == MAX_ITEMS)
			return too_many(parser);
		flow_hive_advance(parser);
		status = flow_hive_expect(parser, delimiters[i].others);
		if (status == FLOW_OK)
			status = flow_hive_string(parser, &pair->value);
		if (status != FLOW_OK)
			return status;
		pair->name = delimiters[i].property;
		all->count++;
	}
	return FLOW_OK;
}

/* Reads ROW FORMAT DELIMITED ... or ROW FORMAT SERDE '...'. */
static FlowStatus
row_clause(FlowHiveParser *parser)
{
	FlowStatus status = flow_hive_expect(parser, "FORMAT");

	if (status != FLOW_OK)
		return status;
	if (flow_hive_take(parser, "delimited"))
		return delimited(parser);
	if (!flow_hive_take(parser, "serde"))
		return flow_hive_unexpected(parser, "DELIMITED or SERDE");
	return flow_hive_string(parser, &parser->hive->serde);
}

static FlowStatus
with_clause(FlowHiveParser *parser)
{
	FlowStatus status = flow_hive_expect(parser, "SERDEPROPERTIES");

	return status == FLOW_OK ? pairs(parser, &parser->hive->serde_properties, false) : status;
}

/* Reads STORED BY '...', STORED AS name, or STORED AS INPUTFORMAT '...'. */
static FlowStatus
stored_clause(FlowHiveParser *parser)
{
	const char *output;
	FlowStatus status;

	if (flow_hive_take(parser, "by"))
		return flow_hive_string(parser, &parser->hive->stored_as);
	status = flow_hive_expect(parser, "AS");
	if (status != FLOW_OK)
		return status;
	if (!flow_hive_take(parser, "inputformat"))
		return flow_hive_name(parser, &parser->hive->stored_as);
	status = flow_hive_string(parser, &parser->hive->stored_as);
	if (status == FLOW_OK && flow_hive_take(parser, "outputformat"))
		status = flow_hive_string(parser, &output);
	return status;
}

static FlowStatus
location_clause(FlowHiveParser *parser)
{
	return flow_hive_string(parser, &parser->hive->location);
}

static FlowStatus
tblproperties_clause(FlowHiveParser *parser)
{
	return pairs(parser, &parser->hive->table_properties, false);
}

/* Reads USING name, which Spark has in place of ROW FORMAT and STORED AS. */
static FlowStatus
using_clause(FlowHiveParser *parser)
{
	const FlowHiveToken token = parser->token;
	int len = (int) (token.end - token.begin);
	const char *name;
	FlowStatus status = flow_hive_name(parser, &name);

	if (status != FLOW_OK)
		return status;
	if (strcmp(name, "parquet") == 0)
	{
		parser->hive->is_spark = true;
		parser->hive->stored_as = name;
		return FLOW_OK;
	}
	parser->token = token;
	parser->refused = true;
	flow_error_set(parser->error,
	               FLOW_UNSUPPORTED,
	               "cannot read a table that is declared with USING %.*s",
	               len < 60 ? len : 60,
	               token.begin);
	flow_error_detail(parser->error,
	                  "USING names a format in a statement of Spark, of which only \"parquet\" is "
	                  "read. Statements of Athena have ROW FORMAT or STORED AS.");
	return FLOW_UNSUPPORTED;
}

/* Reads the name of an option of Spark's: a string, or names with dots. */
static FlowStatus
option_name(FlowHiveParser *parser, const char **result)
{
	FlowStatus status;
	const char *more;

	if (parser->token.kind == FLOW_HIVE_STRING)
		return flow_hive_string(parser, result);
	status = flow_hive_name(parser, result);
	while (status == FLOW_OK && flow_hive_take_sign(parser, '.'))
	{
		parser->strings[-1] = '.'; /* in place of the NUL before what comes next */
		status = flow_hive_name(parser, &more);
	}
	return status;
}

/* Reads OPTIONS (name 'value', ...), also with "=", where "path" is the location. */
static FlowStatus
options_clause(FlowHiveParser *parser)
{
	FlowHivePairs *all = &parser->hive->serde_properties;
	FlowStatus status = flow_hive_expect_sign(parser, '(');

	while (status == FLOW_OK)
	{
		FlowHivePair *pair = &all->items[all->count];

		if (all->count == MAX_ITEMS)
			return too_many(parser);
		status = option_name(parser, &pair->name);
		(void) flow_hive_take_sign(parser, '=');
		if (status == FLOW_OK)
			status = parser->token.kind == FLOW_HIVE_STRING ? flow_hive_string(parser, &pair->value)
			                                                : flow_hive_name(parser, &pair->value);
		if (status == FLOW_OK && strcmp(pair->name, "path") == 0)
			parser->hive->location = pair->value;
		else
			all->count++;
		if (status == FLOW_OK && !flow_hive_take_sign(parser, ','))
			break;
	}
	return status == FLOW_OK ? flow_hive_expect_sign(parser, ')') : status;
}

/* Reads a list of names, with ASC or DESC, of which none matters. */
static FlowStatus
ignored_names(FlowHiveParser *parser)
{
	FlowStatus status = flow_hive_expect_sign(parser, '(');
	const char *name;

	while (status == FLOW_OK)
	{
		status = flow_hive_name(parser, &name);
		if (!flow_hive_take(parser, "asc"))
			(void) flow_hive_take(parser, "desc");
		if (status == FLOW_OK && !flow_hive_take_sign(parser, ','))
			break;
	}
	return status == FLOW_OK ? flow_hive_expect_sign(parser, ')') : status;
}

/* Reads CLUSTERED BY, which says in which files rows are, and changes none. */
static FlowStatus
clustered_clause(FlowHiveParser *parser)
{
	FlowStatus status = flow_hive_expect(parser, "BY");
	int count;

	if (status == FLOW_OK)
		status = ignored_names(parser);
	if (status == FLOW_OK && flow_hive_take(parser, "sorted"))
	{
		status = flow_hive_expect(parser, "BY");
		if (status == FLOW_OK)
			status = ignored_names(parser);
	}
	if (status == FLOW_OK)
		status = flow_hive_expect(parser, "INTO");
	if (status == FLOW_OK)
		status = flow_hive_number(parser, &count);
	return status == FLOW_OK ? flow_hive_expect(parser, "BUCKETS") : status;
}

static const struct
{
	const char *keyword;
	FlowStatus (*read)(FlowHiveParser *parser);
	bool after_using; /* only there */
} clauses[] = {
	{"COMMENT", comment_clause, false},
	{"PARTITIONED", partitioned_clause, false},
	{"CLUSTERED", clustered_clause, false},
	{"ROW", row_clause, false},
	{"WITH", with_clause, false},
	{"STORED", stored_clause, false},
	{"LOCATION", location_clause, false},
	{"TBLPROPERTIES", tblproperties_clause, false},
	{"USING", using_clause, false},
	{"OPTIONS", options_clause, true},
};

/* Reads the clauses after the columns, in any order. */
static FlowStatus
all_clauses(FlowHiveParser *parser)
{
	for (;;)
	{
		FlowStatus status;
		size_t i = 0;

		while (i < flow_countof(clauses) && ((clauses[i].after_using && !parser->hive->is_spark) ||
		                                     !flow_hive_take(parser, clauses[i].keyword)))
			i++;
		if (i == flow_countof(clauses))
			return FLOW_OK;
		status = clauses[i].read(parser);
		if (status != FLOW_OK)
			return status;
	}
}

/* ---------- statements ---------- */

static FlowStatus
table_name(FlowHiveParser *parser)
{
	FlowHive *hive = parser->hive;
	FlowStatus status = flow_hive_name(parser, &hive->table);

	if (status != FLOW_OK || !flow_hive_take_sign(parser, '.'))
		return status;
	hive->database = hive->table;
	return flow_hive_name(parser, &hive->table);
}

static FlowStatus
if_not_exists(FlowHiveParser *parser)
{
	parser->hive->if_not_exists = flow_hive_take(parser, "if");
	return parser->hive->if_not_exists ? flow_hive_expect(parser, "NOT EXISTS") : FLOW_OK;
}

/*
 * Reads CREATE EXTERNAL TABLE.  Without EXTERNAL, it must be a statement of
 * Spark's.
 */
static FlowStatus
create(FlowHiveParser *parser)
{
	const FlowHiveToken first = parser->token;
	bool external = flow_hive_take(parser, "external");
	FlowStatus status;

	if (flow_hive_is_keyword(&first, "view") || flow_hive_is_keyword(&first, "or"))
	{
		status = flow_hive_unexpected(parser, "EXTERNAL TABLE");
		flow_error_hint(parser->error,
		                "PostgreSQL has views of its own: run CREATE VIEW there, with the query.");
		return status;
	}
	status = flow_hive_expect(parser, "TABLE");

	parser->hive->kind = FLOW_HIVE_CREATE;
	if (status == FLOW_OK)
		status = if_not_exists(parser);
	if (status == FLOW_OK)
		status = table_name(parser);
	if (status == FLOW_OK)
		status = columns(parser, &parser->hive->columns);
	if (status == FLOW_OK)
		status = all_clauses(parser);
	if (external || parser->hive->is_spark || parser->refused || status == FLOW_INTERRUPTED)
		return status;
	parser->token = first;
	status = flow_hive_unexpected(parser, "EXTERNAL");
	flow_error_hint(
		parser->error,
		"A table without it, such as one of Iceberg or of CREATE TABLE AS, knows by "
		"itself which files it has. IMPORT FOREIGN SCHEMA makes a table of what lies at "
		"a location.");
	return status;
}

/* Reads MSCK REPAIR TABLE. */
static FlowStatus
repair(FlowHiveParser *parser)
{
	FlowStatus status = flow_hive_expect(parser, "REPAIR TABLE");

	parser->hive->kind = FLOW_HIVE_REPAIR;
	return status == FLOW_OK ? table_name(parser) : status;
}

/*
 * Reads ALTER TABLE ... ADD PARTITION (name = 'value', ...) LOCATION '...',
 * with one or more partitions; the first is kept.
 */
static FlowStatus
alter(FlowHiveParser *parser)
{
	FlowHive *hive = parser->hive;
	FlowStatus status = flow_hive_expect(parser, "TABLE");
	int count = 0;

	hive->kind = FLOW_HIVE_ADD_PARTITION;
	if (status == FLOW_OK)
		status = table_name(parser);
	if (status == FLOW_OK)
		status = flow_hive_expect(parser, "ADD");
	if (status == FLOW_OK)
		status = if_not_exists(parser);
	do
	{
		const char *location = NULL;

		if (status == FLOW_OK)
			status = flow_hive_expect(parser, "PARTITION");
		if (status == FLOW_OK)
			status = pairs(parser, &hive->partition_values, true);
		if (status == FLOW_OK && flow_hive_take(parser, "location"))
			status = flow_hive_string(parser, &location);
		if (count == 0)
		{
			count = hive->partition_values.count;
			hive->location = location;
		}
		hive->partition_values.count = count;
		(void) flow_hive_take_sign(parser, ',');
	} while (status == FLOW_OK && flow_hive_is_keyword(&parser->token, "partition"));
	return status;
}

/*
 * Reads MSCK REPAIR TABLE after another statement, for which there is nothing to
 * do: each query finds the partitions that there are.
 */
static FlowStatus
ignored_repair(FlowHiveParser *parser)
{
	FlowHive first = *parser->hive;
	FlowStatus status = FLOW_OK;

	while (status == FLOW_OK && flow_hive_take(parser, "msck"))
	{
		status = repair(parser);
		(void) flow_hive_take_sign(parser, ';');
	}
	*parser->hive = first;
	return status;
}

/* Reads a whole statement. */
static FlowStatus
statement(FlowHiveParser *parser)
{
	FlowStatus status;

	if (flow_hive_take(parser, "create"))
		status = create(parser);
	else if (flow_hive_take(parser, "msck"))
		status = repair(parser);
	else if (flow_hive_take(parser, "alter"))
		status = alter(parser);
	else
		status =
			flow_hive_unexpected(parser, "CREATE EXTERNAL TABLE, MSCK REPAIR TABLE or ALTER TABLE");
	if (status != FLOW_OK)
		return status;
	if (flow_hive_take_sign(parser, ';'))
		status = ignored_repair(parser);
	if (status != FLOW_OK || parser->token.kind == FLOW_HIVE_END)
		return status;
	status = flow_hive_unexpected(parser, "the end of the statement");
	if (flow_hive_is_keyword(&parser->token, "alter") ||
	    flow_hive_is_keyword(&parser->token, "create"))
		flow_error_hint(parser->error, "Give each statement to flowlog_athena_ddl by itself.");
	return status;
}

/* Reads one of Hive's statements. */
FlowStatus
flow_hive_read(const FlowHost *host, const char *text, FlowHive **result, size_t *at,
               FlowError *error)
{
	size_t len = strlen(text);

	/* maximum items of a list: each takes four characters, such as "a b," or "a:b," */
	size_t most = len / 4 + 1;
	FlowHiveParser parser = {.host = host, .text = text, .error = error};
	FlowHiveColumn *all_columns;
	FlowHivePair *all_pairs;
	FlowStatus status;
	FlowHive *hive;

	*at = 0;
	if (len > FLOW_HIVE_MAX_LENGTH)
		return flow_error_set(error,
		                      FLOW_LIMIT,
		                      "Athena's statement is longer than %d bytes",
		                      FLOW_HIVE_MAX_LENGTH);
	if (most > MAX_ITEMS)
		most = MAX_ITEMS;
	/*
	 * a string's value is shorter than its literal with quotes; a name needs a
	 * NUL in addition
	 */
	hive = flow_allocate(host,
	                     sizeof(FlowHive) +
	                         most * (3 * sizeof(FlowHiveColumn) + 3 * sizeof(FlowHivePair)) +
	                         2 * len + 1);
	if (hive == NULL)
		return flow_error_memory(error);
	memset(hive, 0, sizeof(*hive));

	/* lay the allocation out */
	all_columns = (FlowHiveColumn *) (hive + 1);
	all_pairs = (FlowHivePair *) (all_columns + 3 * most);
	hive->columns.items = all_columns;
	hive->partitions.items = all_columns + most;
	hive->groups.items = all_columns + 2 * most;
	hive->serde_properties.items = all_pairs;
	hive->table_properties.items = all_pairs + most;
	hive->partition_values.items = all_pairs + 2 * most;

	/* parse */
	parser.hive = hive;
	parser.strings = (char *) (all_pairs + 3 * most);
	parser.token.end = text;
	flow_hive_advance(&parser);
	status = statement(&parser);
	if (status != FLOW_OK)
	{
		*at = (size_t) (parser.token.begin - text);
		flow_hive_free(host, hive);
		return status;
	}
	*result = hive;
	return FLOW_OK;
}

void
flow_hive_free(const FlowHost *host, FlowHive *hive)
{
	flow_free(host, hive);
}

/* Returns the last value of a property, or NULL. */
const char *
flow_hive_property(const FlowHivePairs *all, const char *name)
{
	const char *value = NULL;

	for (int i = 0; i < all->count; i++)
		if (strcmp(all->items[i].name, name) == 0)
			value = all->items[i].value;
	return value;
}
