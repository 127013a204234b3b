/*-------------------------------------------------------------------------
 *
 * json_token.h
 *	  Splits JSON into tokens while its bytes arrive.
 *
 * The input is one JSON text (RFC 8259), in pieces of any size.  The output is
 * tokens.  Nothing is allocated.  A key, a string or a number is returned in
 * pieces too: slices of the input, except where a string has escapes.
 *
 * The text is checked strictly: the grammar of numbers, escapes and their
 * surrogates, control characters, UTF-8.  Only repeated keys are left to the
 * caller.
 *
 * 	FlowJsonTokenizer json;
 *
 * 	flow_json_start(&json);
 * 	while ((token = flow_json_next(&json, &next, end)) != FLOW_JSON_MORE)
 * 		...
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_JSON_TOKEN_H
#define FLOW_JSON_TOKEN_H

#include "internal.h"
#include "json_scan.h"

/* Maximum depth of nested objects and arrays. */
#define FLOW_JSON_MAX_DEPTH 2048

/*
 * Maximum number of bytes of a string with escapes that are decoded at a time.
 */
#define FLOW_JSON_ROOM 512

typedef enum FlowJsonToken
{
	FLOW_JSON_MORE, /* none: the input is used up */
	FLOW_JSON_ERROR,
	FLOW_JSON_OBJECT,
	FLOW_JSON_OBJECT_END,
	FLOW_JSON_ARRAY,
	FLOW_JSON_ARRAY_END,
	FLOW_JSON_KEY,    /* a piece of it */
	FLOW_JSON_STRING, /* a piece of it */
	FLOW_JSON_NUMBER, /* a piece of it, as in the text */
	FLOW_JSON_TRUE,
	FLOW_JSON_FALSE,
	FLOW_JSON_NULL
} FlowJsonToken;

typedef struct FlowJsonTokenizer
{
	/* a piece of a key, string or number; only the last may be empty */
	FlowSlice text; /* valid until the next call, and while the input is */
	bool ends;      /* it is the last piece */
	bool escaped;   /* it was decoded, and is not a slice of the input */
	bool integer;   /* if "ends": the number has no fraction and no exponent */

	int depth;           /* objects and arrays open after the token */
	const char *problem; /* of an error: a constant, such as "Invalid UTF-8" */
	bool too_deep;       /* of an error: the maximum depth would be exceeded */

	/* the rest is only for json_token.c */

	int state;      /* a JsonState */
	bool in_object; /* the innermost open object or array is an object */
	bool is_key;    /* the string being read is a key */

	/* of a literal */
	FlowJsonToken literal;
	const char *rest; /* letters still to come */

	/* of a string: a character of UTF-8 */
	uint8_t utf8_missing;        /* bytes still to come */
	uint8_t utf8_low, utf8_high; /* range of the next byte */

	/* of a string: an escape */
	uint8_t escape; /* a JsonEscape */
	uint8_t digits; /* of \uXXXX: digits still to come */
	uint16_t unit;  /* value of the digits so far */
	uint16_t high;  /* the high surrogate before it; 0: none */

	/* of a string: what was decoded */
	char room[FLOW_JSON_ROOM + FLOW_JSON_SLACK];

	/* bit by depth, from 1 on: an object */
	uint64_t objects[FLOW_JSON_MAX_DEPTH / 64 + 1];
} FlowJsonTokenizer;

/* Begins a JSON text. */
extern void flow_json_start(FlowJsonTokenizer *json);

/*
 * Returns the next token and moves *in past it.  FLOW_JSON_MORE means that *in
 * has reached "end".  FLOW_JSON_ERROR leaves *in after the byte that is wrong;
 * the text must not be continued.  After the end of the text only blanks are
 * accepted.
 *
 * A text that is a number ends with the input: then no piece of it has "ends"
 * set.
 */
extern FlowJsonToken flow_json_next(FlowJsonTokenizer *json, const uint8_t **in,
                                    const uint8_t *end);

/* Returns true if the text may end here. */
extern bool flow_json_may_end(const FlowJsonTokenizer *json);

#endif /* FLOW_JSON_TOKEN_H */
