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
#include "internal.h"
#include "flow_hive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum TokenKind
{
	TOKEN_END,
	TOKEN_WORD,   /* a name or a keyword */
	TOKEN_QUOTED, /* a name in backticks */
	TOKEN_STRING,
	TOKEN_NUMBER,
	TOKEN_SIGN, /* one character */
	TOKEN_BAD   /* a string or a name that does not end */
} TokenKind;

typedef struct Token
{
	TokenKind kind;
	const char *begin, *end;
} Token;

typedef struct Parser
{
	const FlowHost *host;
	const char *text;
	Token token;  /* the next one */
	bool is_open; /* no comment is closed from here on */
	bool refused; /* the error says what the statement is, whatever precedes */
	FlowHive *hive;
	char *strings; /* free space for the values of names and strings */
	FlowError *error;
} Parser;

/* ---------- tokens ---------- */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' ||
	       (unsigned char) c >= 0x80;
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char) (c + ('a' - 'A')) : c;
}

/* Skips blanks and comments. */
static const char *
skip(Parser *parser, const char *next)
{
	for (;;)
	{
		const char *close = NULL;

		while (is_blank(*next))
			next++;
		if (strncmp(next, "--", 2) == 0)
			next += strcspn(next, "\n");
		else
		{
			if (strncmp(next, "/*", 2) == 0 && !parser->is_open)
			{
				close = strstr(next + 2, "*/");
				parser->is_open = close == NULL;
			}
			if (close == NULL)
				return next;
			next = close + 2;
		}
	}
}

/* Returns the end of the quoted literal at "next"; NULL if it has none. */
static const char *
quoted_end(const char *next)
{
	char quote = *next++;

	for (; *next != '\0'; next++)
	{
		if (*next == '\\' && quote != '`')
		{
			if (*++next == '\0')
				return NULL;
		}
		else if (*next == quote && quote == '`' && next[1] == quote)
			next++;
		else if (*next == quote)
			return next + 1;
	}
	return NULL;
}

/* Returns the token at "next". */
static Token
token_at(const char *next)
{
	Token token = {TOKEN_SIGN, next, next + 1};

	if (*next == '\0')
		return (Token) {TOKEN_END, next, next};
	if (*next == '\'' || *next == '"' || *next == '`')
	{
		token.kind = *next == '`' ? TOKEN_QUOTED : TOKEN_STRING;
		token.end = quoted_end(next);

		/* adjacent literals are one */
		while (token.kind == TOKEN_STRING && token.end != NULL &&
		       (*token.end == '\'' || *token.end == '"'))
			token.end = quoted_end(token.end);
		if (token.end == NULL)
			token = (Token) {TOKEN_BAD, next, next + strlen(next)};
	}
	else if (is_word(*next))
	{
		token.kind = TOKEN_NUMBER;
		for (token.end = next; is_word(*token.end); token.end++)
			if (!is_digit(*token.end))
				token.kind = TOKEN_WORD;
	}
	return token;
}

static void
advance(Parser *parser)
{
	parser->token = token_at(skip(parser, parser->token.end));
}

/* Fills the error for a token that is not what was expected. */
static FlowStatus
unexpected(Parser *parser, const char *expected)
{
	const Token *token = &parser->token;
	int len = (int) (token->end - token->begin);

	if (token->kind == TOKEN_END)
		flow_error_set(parser->error,
		               FLOW_BAD_FORMAT,
		               "syntax error at the end of Athena's statement");
	else if (token->kind == TOKEN_BAD)
		flow_error_set(parser->error, FLOW_BAD_FORMAT, "unterminated quotes in Athena's statement");
	else
		flow_error_set(parser->error,
		               FLOW_BAD_FORMAT,
		               "syntax error at or near \"%.*s\" in Athena's statement",
		               len < 60 ? len : 60,
		               token->begin);
	flow_error_detail(parser->error, "Expected %s.", expected);
	return FLOW_BAD_FORMAT;
}

static bool
is_keyword(const Token *token, const char *keyword)
{
	size_t len = strlen(keyword);

	if (token->kind != TOKEN_WORD || (size_t) (token->end - token->begin) != len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (lower(token->begin[i]) != lower(keyword[i]))
			return false;
	return true;
}

/* Takes the next token if it is this keyword. */
static bool
take(Parser *parser, const char *keyword)
{
	if (!is_keyword(&parser->token, keyword))
		return false;
	advance(parser);
	return true;
}

static bool
take_sign(Parser *parser, char sign)
{
	if (parser->token.kind != TOKEN_SIGN || *parser->token.begin != sign)
		return false;
	advance(parser);
	return true;
}

/*
 * Takes keywords, written with a blank between them, all of which must come
 * next.
 */
static FlowStatus
expect(Parser *parser, const char *keywords)
{
	char keyword[32];

	while (*keywords != '\0')
	{
		size_t len = strcspn(keywords, " ");

		snprintf(keyword, sizeof(keyword), "%.*s", (int) len, keywords);
		if (!take(parser, keyword))
			return unexpected(parser, keyword);
		keywords += len + (keywords[len] == ' ');
	}
	return FLOW_OK;
}

static FlowStatus
expect_sign(Parser *parser, char sign)
{
	char expected[4] = {'"', sign, '"', '\0'};

	return take_sign(parser, sign) ? FLOW_OK : unexpected(parser, expected);
}

/* ---------- what tokens mean ---------- */

/* Reads a name, in lower case. */
static FlowStatus
any_name(Parser *parser, const char **result)
{
	const Token token = parser->token;
	char *to = parser->strings;
	bool quoted = token.kind == TOKEN_QUOTED;

	if (token.kind == TOKEN_STRING)
		return unexpected(parser, "a name, for which Athena has backticks and no other quotes");
	if (token.kind != TOKEN_WORD && token.kind != TOKEN_NUMBER && !quoted)
		return unexpected(parser, "a name");
	*result = to;
	for (const char *from = token.begin + quoted; from < token.end - quoted; from++)
	{
		from += quoted && *from == '`'; /* it is doubled in the text */
		*to++ = lower(*from);
	}
	if (to == *result)
		return unexpected(parser, "a name");
	*to++ = '\0';
	parser->strings = to;
	advance(parser);
	return FLOW_OK;
}

static bool
is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* Reads "u" and four hexadecimal digits; false if they are not there. */
static bool
read_code(const char *text, const char *end, uint32_t *code)
{
	char digits[5] = {0};

	if (end - text < 5 || text[0] != 'u' || strspn(text + 1, "0123456789abcdefABCDEF") < 4)
		return false;
	memcpy(digits, text + 1, 4);
	*code = (uint32_t) strtoul(digits, NULL, 16);
	return true;
}

static size_t
encode_utf8(uint32_t code, char *to)
{
	size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

	for (size_t i = len - 1; i > 0; i--, code >>= 6)
		to[i] = (char) (0x80 | (code & 0x3F));
	to[0] = (char) (0xF00 >> len | code);
	return len;
}

/*
 * Writes the character of "u" and four hexadecimal digits, or of a pair of
 * surrogates.  Returns false if there is no such character.
 */
static bool
put_character(const FlowHost *host, const char **text, const char *end, uint32_t code, char **to)
{
	uint32_t low;
	size_t len;

	*text += 5;
	if (code >= 0xD800 && code < 0xDC00 && *text < end && **text == '\\' &&
	    read_code(*text + 1, end, &low) && low >= 0xDC00 && low < 0xE000)
	{
		code = 0x10000 + (code - 0xD800) * 0x400 + (low - 0xDC00);
		*text += 6;
	}
	if (code == 0 || (code >= 0xD800 && code < 0xE000))
		return false;
	if (code < 0x80)
	{
		*(*to)++ = (char) code;
		return true;
	}
	len = host->text_encode != NULL ? host->text_encode(host->arg, code, *to)
	                                : encode_utf8(code, *to);
	*to += len;
	return len > 0;
}

/* Unescapes the text between the quotes of a string literal. */
char *
flow_hive_unescape(const FlowHost *host, const char *text, size_t len, char *to)
{
	static const char codes[] = "'\"bnrtZ0";
	static const char meanings[] = "'\"\b\n\r\t\032";
	const char *end = text + len;
	uint32_t number;

	while (text < end)
	{
		const char *code;
		char *from = to;

		if (*text != '\\' || end - text < 2)
		{
			*to++ = *text++;
			continue;
		}
		text++;

		/* \uXXXX, \ooo, or a single character */
		if (read_code(text, end, &number))
		{
			if (!put_character(host, &text, end, number, &to))
				return NULL;
		}
		else if (end - text >= 3 && (text[0] == '0' || text[0] == '1') && is_octal(text[1]) &&
		         is_octal(text[2]))
		{
			*to++ = (char) ((text[0] - '0') << 6 | (text[1] - '0') << 3 | (text[2] - '0'));
			text += 3;
		}
		else
		{
			code = strchr(codes, *text);
			if (*text == '%' || *text == '_')
				*to++ = '\\'; /* as in MySQL, for LIKE */
			*to++ = code != NULL ? meanings[code - codes] : *text;
			text++;
		}
		if (*from == '\0')
			return NULL;
	}
	*to = '\0';
	return to;
}

/* Reads a string of one or more adjacent literals. */
static FlowStatus
string(Parser *parser, const char **result)
{
	const char *next = parser->token.begin;
	const char *end = parser->token.end;
	char *to = parser->strings;

	if (parser->token.kind != TOKEN_STRING)
		return unexpected(parser, "a string in quotes");
	*result = to;
	while (next < end)
	{
		const char *close = quoted_end(next);

		to = flow_hive_unescape(parser->host, next + 1, (size_t) (close - next) - 2, to);
		if (to == NULL && flow_interrupted(parser->host))
			return flow_error_interrupted(parser->error);
		if (to == NULL)
			return unexpected(parser, "a string of Unicode characters other than NUL");
		next = close;
	}
	parser->strings = to + 1;
	advance(parser);
	return FLOW_OK;
}

static FlowStatus
number(Parser *parser, int *result)
{
	if (parser->token.kind != TOKEN_NUMBER || parser->token.end - parser->token.begin > 9)
		return unexpected(parser, "a number");
	*result = atoi(parser->token.begin);
	advance(parser);
	return FLOW_OK;
}

/* ---------- lists ---------- */

#define MAX_ITEMS 1600 /* of a list: PostgreSQL's maximum number of columns */

static FlowStatus
too_many(Parser *parser)
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
pairs(Parser *parser, FlowHivePairs *result, bool by_name)
{
	FlowStatus status = expect_sign(parser, '(');

	if (status == FLOW_OK && take_sign(parser, ')'))
		return FLOW_OK;
	while (status == FLOW_OK)
	{
		FlowHivePair *pair = &result->items[result->count];

		if (result->count == MAX_ITEMS)
			return too_many(parser);
		status = by_name ? any_name(parser, &pair->name) : string(parser, &pair->name);
		if (status == FLOW_OK)
			status = expect_sign(parser, '=');
		if (status == FLOW_OK && by_name && parser->token.kind == TOKEN_NUMBER)
			status = any_name(parser, &pair->value); /* year=2020 */
		else if (status == FLOW_OK)
			status = string(parser, &pair->value);
		result->count++;
		if (status == FLOW_OK && !take_sign(parser, ','))
			break;
	}
	return status == FLOW_OK ? expect_sign(parser, ')') : status;
}

/* Skips the arguments of array<...> and similar types, which are not used. */
static FlowStatus
skip_angles(Parser *parser)
{
	int depth = 1;

	while (depth > 0)
	{
		if (parser->token.kind == TOKEN_END || parser->token.kind == TOKEN_BAD)
			return unexpected(parser, "\">\"");
		if (take_sign(parser, '<'))
			depth++;
		else if (take_sign(parser, '>'))
			depth--;
		else
			advance(parser);
	}
	return FLOW_OK;
}

/* Reads a column's type and its arguments. */
static FlowStatus
type(Parser *parser, FlowHiveColumn *column)
{
	FlowStatus status;

	column->at = (size_t) (parser->token.begin - parser->text);
	if (parser->token.kind != TOKEN_WORD)
		return unexpected(parser, "a type");
	status = any_name(parser, &column->type);
	if (status == FLOW_OK && strcmp(column->type, "double") == 0)
		(void) take(parser, "precision");
	if (status == FLOW_OK && take_sign(parser, '<'))
		return skip_angles(parser);
	if (status != FLOW_OK || !take_sign(parser, '('))
		return status;
	do
	{
		if (column->narguments == 2)
			return unexpected(parser, "\")\"");
		status = number(parser, &column->arguments[column->narguments++]);
	} while (status == FLOW_OK && take_sign(parser, ','));
	return status == FLOW_OK ? expect_sign(parser, ')') : status;
}

/* Reads a list of columns in parentheses. */
static FlowStatus
columns(Parser *parser, FlowHiveColumns *result)
{
	FlowStatus status = expect_sign(parser, '(');

	while (status == FLOW_OK)
	{
		FlowHiveColumn *column = &result->items[result->count];

		if (result->count == MAX_ITEMS)
			return too_many(parser);
		*column = (FlowHiveColumn) {0};
		status = any_name(parser, &column->name);
		if (status == FLOW_OK)
			status = type(parser, column);
		if (status == FLOW_OK && take(parser, "comment"))
			status = string(parser, &column->comment);
		result->count++;
		if (status == FLOW_OK && !take_sign(parser, ','))
			break;
	}
	return status == FLOW_OK ? expect_sign(parser, ')') : status;
}

/* ---------- clauses ---------- */

static FlowStatus
comment_clause(Parser *parser)
{
	return string(parser, &parser->hive->comment);
}

static FlowStatus
partitioned_clause(Parser *parser)
{
	FlowStatus status = expect(parser, "BY");

	return status == FLOW_OK ? columns(parser, &parser->hive->partitions) : status;
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
next_delimiter(const Parser *parser)
{
	for (size_t i = 0; i < flow_countof(delimiters); i++)
		if (is_keyword(&parser->token, delimiters[i].first))
			return i;
	return flow_countof(delimiters);
}

/* Reads the parts of ROW FORMAT DELIMITED as properties of a SerDe. */
static FlowStatus
delimited(Parser *parser)
{
	FlowHivePairs *all = &parser->hive->serde_properties;
	size_t i;

	while ((i = next_delimiter(parser)) < flow_countof(delimiters))
	{
		FlowHivePair *pair = &all->items[all->count];
		FlowStatus status;

		if (all->count == MAX_ITEMS)
			return too_many(parser);
		advance(parser);
		status = expect(parser, delimiters[i].others);
		if (status == FLOW_OK)
			status = string(parser, &pair->value);
		if (status != FLOW_OK)
			return status;
		pair->name = delimiters[i].property;
		all->count++;
	}
	return FLOW_OK;
}

/* Reads ROW FORMAT DELIMITED ... or ROW FORMAT SERDE '...'. */
static FlowStatus
row_clause(Parser *parser)
{
	FlowStatus status = expect(parser, "FORMAT");

	if (status != FLOW_OK)
		return status;
	if (take(parser, "delimited"))
		return delimited(parser);
	if (!take(parser, "serde"))
		return unexpected(parser, "DELIMITED or SERDE");
	return string(parser, &parser->hive->serde);
}

static FlowStatus
with_clause(Parser *parser)
{
	FlowStatus status = expect(parser, "SERDEPROPERTIES");

	return status == FLOW_OK ? pairs(parser, &parser->hive->serde_properties, false) : status;
}

/* Reads STORED BY '...', STORED AS name, or STORED AS INPUTFORMAT '...'. */
static FlowStatus
stored_clause(Parser *parser)
{
	const char *output;
	FlowStatus status;

	if (take(parser, "by"))
		return string(parser, &parser->hive->stored_as);
	status = expect(parser, "AS");
	if (status != FLOW_OK)
		return status;
	if (!take(parser, "inputformat"))
		return any_name(parser, &parser->hive->stored_as);
	status = string(parser, &parser->hive->stored_as);
	if (status == FLOW_OK && take(parser, "outputformat"))
		status = string(parser, &output);
	return status;
}

static FlowStatus
location_clause(Parser *parser)
{
	return string(parser, &parser->hive->location);
}

static FlowStatus
tblproperties_clause(Parser *parser)
{
	return pairs(parser, &parser->hive->table_properties, false);
}

/* Refuses USING name, which Spark has in place of ROW FORMAT and STORED AS. */
static FlowStatus
using_clause(Parser *parser)
{
	const Token *token = &parser->token;
	int len = (int) (token->end - token->begin);

	if (token->kind != TOKEN_WORD && token->kind != TOKEN_QUOTED)
		return unexpected(parser, "a name");
	parser->refused = true;
	flow_error_set(parser->error,
	               FLOW_UNSUPPORTED,
	               "cannot read a table that is declared with USING %.*s",
	               len < 60 ? len : 60,
	               token->begin);
	flow_error_detail(parser->error,
	                  "USING names a format in a statement of Spark. Those of Athena have ROW "
	                  "FORMAT or STORED AS, and tables of flow logs read lines of text.");
	return FLOW_UNSUPPORTED;
}

static const struct
{
	const char *keyword;
	FlowStatus (*read)(Parser *parser);
} clauses[] = {
	{"COMMENT", comment_clause},
	{"PARTITIONED", partitioned_clause},
	{"ROW", row_clause},
	{"WITH", with_clause},
	{"STORED", stored_clause},
	{"LOCATION", location_clause},
	{"TBLPROPERTIES", tblproperties_clause},
	{"USING", using_clause},
};

/* Reads the clauses after the columns, in any order. */
static FlowStatus
all_clauses(Parser *parser)
{
	for (;;)
	{
		FlowStatus status;
		size_t i = 0;

		while (i < flow_countof(clauses) && !take(parser, clauses[i].keyword))
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
table_name(Parser *parser)
{
	FlowHive *hive = parser->hive;
	FlowStatus status = any_name(parser, &hive->table);

	if (status != FLOW_OK || !take_sign(parser, '.'))
		return status;
	hive->database = hive->table;
	return any_name(parser, &hive->table);
}

static FlowStatus
if_not_exists(Parser *parser)
{
	parser->hive->if_not_exists = take(parser, "if");
	return parser->hive->if_not_exists ? expect(parser, "NOT EXISTS") : FLOW_OK;
}

/*
 * Reads CREATE EXTERNAL TABLE.  Without EXTERNAL, which is an error, it reads
 * on to see whether the statement is Spark's.
 */
static FlowStatus
create(Parser *parser)
{
	const Token first = parser->token;
	bool external = take(parser, "external");
	FlowStatus status = expect(parser, "TABLE");

	parser->hive->kind = FLOW_HIVE_CREATE;
	if (status == FLOW_OK)
		status = if_not_exists(parser);
	if (status == FLOW_OK)
		status = table_name(parser);
	if (status == FLOW_OK)
		status = columns(parser, &parser->hive->columns);
	if (status == FLOW_OK)
		status = all_clauses(parser);
	if (external || parser->refused || status == FLOW_INTERRUPTED)
		return status;
	parser->token = first;
	return unexpected(parser, "EXTERNAL");
}

/* Reads MSCK REPAIR TABLE. */
static FlowStatus
repair(Parser *parser)
{
	FlowStatus status = expect(parser, "REPAIR TABLE");

	parser->hive->kind = FLOW_HIVE_REPAIR;
	return status == FLOW_OK ? table_name(parser) : status;
}

/*
 * Reads ALTER TABLE ... ADD PARTITION (name = 'value', ...) LOCATION '...',
 * with one or more partitions; the first is kept.
 */
static FlowStatus
alter(Parser *parser)
{
	FlowHive *hive = parser->hive;
	FlowStatus status = expect(parser, "TABLE");
	int count = 0;

	hive->kind = FLOW_HIVE_ADD_PARTITION;
	if (status == FLOW_OK)
		status = table_name(parser);
	if (status == FLOW_OK)
		status = expect(parser, "ADD");
	if (status == FLOW_OK)
		status = if_not_exists(parser);
	do
	{
		const char *location = NULL;

		if (status == FLOW_OK)
			status = expect(parser, "PARTITION");
		if (status == FLOW_OK)
			status = pairs(parser, &hive->partition_values, true);
		if (status == FLOW_OK && take(parser, "location"))
			status = string(parser, &location);
		if (count == 0)
		{
			count = hive->partition_values.count;
			hive->location = location;
		}
		hive->partition_values.count = count;
		(void) take_sign(parser, ',');
	} while (status == FLOW_OK && is_keyword(&parser->token, "partition"));
	return status;
}

/* Reads a whole statement. */
static FlowStatus
statement(Parser *parser)
{
	FlowStatus status;

	if (take(parser, "create"))
		status = create(parser);
	else if (take(parser, "msck"))
		status = repair(parser);
	else if (take(parser, "alter"))
		status = alter(parser);
	else
		status = unexpected(parser, "CREATE EXTERNAL TABLE, MSCK REPAIR TABLE or ALTER TABLE");
	if (status != FLOW_OK)
		return status;
	(void) take_sign(parser, ';');
	return parser->token.kind == TOKEN_END ? FLOW_OK
	                                       : unexpected(parser, "the end of the statement");
}

/* Reads one of Hive's statements. */
FlowStatus
flow_hive_read(const FlowHost *host, const char *text, FlowHive **result, size_t *at,
               FlowError *error)
{
	size_t len = strlen(text);

	/* maximum items of a list: each takes four characters, such as "a b," */
	size_t most = len / 4 + 1;
	Parser parser = {.host = host, .text = text, .error = error};
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
	                         most * (2 * sizeof(FlowHiveColumn) + 3 * sizeof(FlowHivePair)) +
	                         2 * len + 1);
	if (hive == NULL)
		return flow_error_memory(error);
	memset(hive, 0, sizeof(*hive));

	/* lay the allocation out */
	all_columns = (FlowHiveColumn *) (hive + 1);
	all_pairs = (FlowHivePair *) (all_columns + 2 * most);
	hive->columns.items = all_columns;
	hive->partitions.items = all_columns + most;
	hive->serde_properties.items = all_pairs;
	hive->table_properties.items = all_pairs + most;
	hive->partition_values.items = all_pairs + 2 * most;

	/* parse */
	parser.hive = hive;
	parser.strings = (char *) (all_pairs + 3 * most);
	parser.token = token_at(skip(&parser, text));
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
