/*-------------------------------------------------------------------------
 *
 * hive.h
 *	  Tokens of Hive's statements, and what they mean.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_HIVE_H
#define FLOW_HIVE_H

#include "internal.h"
#include "flow_hive.h"

typedef enum FlowHiveTokenKind
{
	FLOW_HIVE_END,
	FLOW_HIVE_WORD,   /* a name or a keyword */
	FLOW_HIVE_QUOTED, /* a name in backticks */
	FLOW_HIVE_STRING,
	FLOW_HIVE_NUMBER,
	FLOW_HIVE_SIGN, /* one character */
	FLOW_HIVE_BAD   /* a string or a name that does not end */
} FlowHiveTokenKind;

typedef struct FlowHiveToken
{
	FlowHiveTokenKind kind;
	const char *begin, *end;
} FlowHiveToken;

typedef struct FlowHiveParser
{
	const FlowHost *host;
	const char *text;
	FlowHiveToken token; /* the next one */
	bool is_open;        /* no comment is closed from here on */
	bool refused;        /* the error says what the statement is, whatever precedes */
	FlowHive *hive;
	char *strings; /* free space for the values of names and strings */
	FlowError *error;
} FlowHiveParser;

/* in hive_token.c */

/* Goes on to the next token: the first one after parser->token.end. */
extern void flow_hive_advance(FlowHiveParser *parser);

/*
 * Fills the error for a token that is not what was expected; returns
 * FLOW_BAD_FORMAT.
 */
extern FlowStatus flow_hive_unexpected(FlowHiveParser *parser, const char *expected);

/* Returns true if a token is a keyword, which is written in any case. */
extern bool flow_hive_is_keyword(const FlowHiveToken *token, const char *keyword);

/* Take the next token if it is this one. */
extern bool flow_hive_take(FlowHiveParser *parser, const char *keyword);
extern bool flow_hive_take_sign(FlowHiveParser *parser, char sign);

/*
 * Take keywords, written with a blank between them, or a sign, which must come
 * next: FLOW_BAD_FORMAT if not.
 */
extern FlowStatus flow_hive_expect(FlowHiveParser *parser, const char *keywords);
extern FlowStatus flow_hive_expect_sign(FlowHiveParser *parser, char sign);

/*
 * Read a name, in lower case; a string of one or more adjacent literals; a
 * number of at most nine digits.  FLOW_BAD_FORMAT if that does not come next.
 */
extern FlowStatus flow_hive_name(FlowHiveParser *parser, const char **result);
extern FlowStatus flow_hive_string(FlowHiveParser *parser, const char **result);
extern FlowStatus flow_hive_number(FlowHiveParser *parser, int *result);

#endif /* FLOW_HIVE_H */
