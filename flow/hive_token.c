/*-------------------------------------------------------------------------
 *
 * hive_token.c
 *	  Splits Hive's statements into tokens, and reads names, strings and
 *	  numbers.
 *
 *-------------------------------------------------------------------------
 */
#include "hive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* Skips blanks and comments. */
static const char *
skip(FlowHiveParser *parser, const char *next)
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
static FlowHiveToken
token_at(const char *next)
{
	FlowHiveToken token = {FLOW_HIVE_SIGN, next, next + 1};

	if (*next == '\0')
		return (FlowHiveToken) {FLOW_HIVE_END, next, next};
	if (*next == '\'' || *next == '"' || *next == '`')
	{
		token.kind = *next == '`' ? FLOW_HIVE_QUOTED : FLOW_HIVE_STRING;
		token.end = quoted_end(next);

		/* adjacent literals are one */
		while (token.kind == FLOW_HIVE_STRING && token.end != NULL &&
		       (*token.end == '\'' || *token.end == '"'))
			token.end = quoted_end(token.end);
		if (token.end == NULL)
			token = (FlowHiveToken) {FLOW_HIVE_BAD, next, next + strlen(next)};
	}
	else if (is_word(*next))
	{
		token.kind = FLOW_HIVE_NUMBER;
		for (token.end = next; is_word(*token.end); token.end++)
			if (!is_digit(*token.end))
				token.kind = FLOW_HIVE_WORD;
	}
	return token;
}

void
flow_hive_advance(FlowHiveParser *parser)
{
	parser->token = token_at(skip(parser, parser->token.end));
}

/* Fills the error for a token that is not what was expected. */
FlowStatus
flow_hive_unexpected(FlowHiveParser *parser, const char *expected)
{
	const FlowHiveToken *token = &parser->token;
	int len = (int) (token->end - token->begin);

	if (token->kind == FLOW_HIVE_END)
		flow_error_set(parser->error,
		               FLOW_BAD_FORMAT,
		               "syntax error at the end of Athena's statement");
	else if (token->kind == FLOW_HIVE_BAD)
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

bool
flow_hive_is_keyword(const FlowHiveToken *token, const char *keyword)
{
	size_t len = strlen(keyword);

	if (token->kind != FLOW_HIVE_WORD || (size_t) (token->end - token->begin) != len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (flow_lower(token->begin[i]) != flow_lower(keyword[i]))
			return false;
	return true;
}

/* Takes the next token if it is this keyword. */
bool
flow_hive_take(FlowHiveParser *parser, const char *keyword)
{
	if (!flow_hive_is_keyword(&parser->token, keyword))
		return false;
	flow_hive_advance(parser);
	return true;
}

bool
flow_hive_take_sign(FlowHiveParser *parser, char sign)
{
	if (parser->token.kind != FLOW_HIVE_SIGN || *parser->token.begin != sign)
		return false;
	flow_hive_advance(parser);
	return true;
}

/*
 * Takes keywords, written with a blank between them, all of which must come
 * next.
 */
FlowStatus
flow_hive_expect(FlowHiveParser *parser, const char *keywords)
{
	char keyword[32];

	while (*keywords != '\0')
	{
		size_t len = strcspn(keywords, " ");

		snprintf(keyword, sizeof(keyword), "%.*s", (int) len, keywords);
		if (!flow_hive_take(parser, keyword))
			return flow_hive_unexpected(parser, keyword);
		keywords += len + (keywords[len] == ' ');
	}
	return FLOW_OK;
}

FlowStatus
flow_hive_expect_sign(FlowHiveParser *parser, char sign)
{
	char expected[4] = {'"', sign, '"', '\0'};

	return flow_hive_take_sign(parser, sign) ? FLOW_OK : flow_hive_unexpected(parser, expected);
}

/* ---------- what tokens mean ---------- */

/* Reads a name, in lower case. */
FlowStatus
flow_hive_name(FlowHiveParser *parser, const char **result)
{
	const FlowHiveToken token = parser->token;
	char *to = parser->strings;
	bool quoted = token.kind == FLOW_HIVE_QUOTED;

	if (token.kind == FLOW_HIVE_STRING)
		return flow_hive_unexpected(parser,
		                            "a name, for which Athena has backticks and no other quotes");
	if (token.kind != FLOW_HIVE_WORD && token.kind != FLOW_HIVE_NUMBER && !quoted)
		return flow_hive_unexpected(parser, "a name");
	*result = to;
	for (const char *from = token.begin + quoted; from < token.end - quoted; from++)
	{
		from += quoted && *from == '`'; /* it is doubled in the text */
		*to++ = flow_lower(*from);
	}
	if (to == *result)
		return flow_hive_unexpected(parser, "a name");
	*to++ = '\0';
	parser->strings = to;
	flow_hive_advance(parser);
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
FlowStatus
flow_hive_string(FlowHiveParser *parser, const char **result)
{
	const char *next = parser->token.begin;
	const char *end = parser->token.end;
	char *to = parser->strings;

	if (parser->token.kind != FLOW_HIVE_STRING)
		return flow_hive_unexpected(parser, "a string in quotes");
	*result = to;
	while (next < end)
	{
		const char *close = quoted_end(next);

		to = flow_hive_unescape(parser->host, next + 1, (size_t) (close - next) - 2, to);
		if (to == NULL && flow_interrupted(parser->host))
			return flow_error_interrupted(parser->error);
		if (to == NULL)
			return flow_hive_unexpected(parser, "a string of Unicode characters other than NUL");
		next = close;
	}
	parser->strings = to + 1;
	flow_hive_advance(parser);
	return FLOW_OK;
}

FlowStatus
flow_hive_number(FlowHiveParser *parser, int *result)
{
	if (parser->token.kind != FLOW_HIVE_NUMBER || parser->token.end - parser->token.begin > 9)
		return flow_hive_unexpected(parser, "a number");
	*result = atoi(parser->token.begin);
	flow_hive_advance(parser);
	return FLOW_OK;
}
