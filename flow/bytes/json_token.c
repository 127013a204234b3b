/*-------------------------------------------------------------------------
 *
 * json_token.c
 *	  Splits JSON into tokens while its bytes arrive.
 *
 * The input may end anywhere, so the tokenizer remembers its position in the
 * grammar, and in a literal, a number, an escape or a UTF-8 character.
 *
 *-------------------------------------------------------------------------
 */
#include "json_token.h"

/* What may come next. */
typedef enum JsonState
{
	JSON_VALUE,          /* a value */
	JSON_VALUE_OR_CLOSE, /* after "[" */
	JSON_KEY,            /* after a comma in an object */
	JSON_KEY_OR_CLOSE,   /* after "{" */
	JSON_COLON,
	JSON_COMMA, /* or the end of the object or array */
	JSON_END,   /* the end of the text */

	/* within a token; in a number, after the part that is named */
	JSON_IN_LITERAL,
	JSON_IN_STRING,
	JSON_IN_MINUS,
	JSON_IN_ZERO,
	JSON_IN_INTEGER,
	JSON_IN_POINT,
	JSON_IN_FRACTION,
	JSON_IN_E,
	JSON_IN_E_SIGN,
	JSON_IN_EXPONENT
} JsonState;

/* What may come next in an escape. */
typedef enum JsonEscape
{
	ESCAPE_NONE,
	ESCAPE_LETTER,        /* after the backslash */
	ESCAPE_DIGITS,        /* after "\u" */
	ESCAPE_LOW_BACKSLASH, /* after a high surrogate */
	ESCAPE_LOW_LETTER
} JsonEscape;

#define MAX_CHARACTER 4 /* maximum number of bytes of UTF-8 that an escape becomes */

/* A longer slice before an escape is returned by itself. */
#define MAX_COLLECTED (FLOW_JSON_ROOM / 2)

/* Begins a JSON text. */
void
flow_json_start(FlowJsonTokenizer *json)
{
	json->depth = 0;
	json->state = JSON_VALUE;
	json->in_object = json->is_key = json->too_deep = false;
	json->utf8_missing = 0;
	json->escape = ESCAPE_NONE;
	json->high = 0;
}

/* Returns true if the text may end here. */
bool
flow_json_may_end(const FlowJsonTokenizer *json)
{
	return json->depth == 0 && (json->state == JSON_END || json->state == JSON_IN_ZERO ||
	                            json->state == JSON_IN_INTEGER || json->state == JSON_IN_FRACTION ||
	                            json->state == JSON_IN_EXPONENT);
}

static FlowJsonToken
fail(FlowJsonTokenizer *json, const char *problem)
{
	json->problem = problem;
	return FLOW_JSON_ERROR;
}

static inline void
end_value(FlowJsonTokenizer *json)
{
	json->state = json->depth > 0 ? JSON_COMMA : JSON_END;
}

/* ---------- objects and arrays ---------- */

static FlowJsonToken
open_container(FlowJsonTokenizer *json, bool object)
{
	uint64_t bit;

	if (json->depth == FLOW_JSON_MAX_DEPTH)
	{
		json->too_deep = true;
		return fail(json, "Too many arrays and objects are open");
	}
	json->depth++;
	bit = UINT64_C(1) << json->depth % 64;
	if (object)
		json->objects[json->depth / 64] |= bit;
	else
		json->objects[json->depth / 64] &= ~bit;
	json->in_object = object;
	json->state = object ? JSON_KEY_OR_CLOSE : JSON_VALUE_OR_CLOSE;
	return object ? FLOW_JSON_OBJECT : FLOW_JSON_ARRAY;
}

static FlowJsonToken
close_container(FlowJsonTokenizer *json)
{
	FlowJsonToken token = json->in_object ? FLOW_JSON_OBJECT_END : FLOW_JSON_ARRAY_END;

	json->depth--;
	json->in_object =
		json->depth > 0 && (json->objects[json->depth / 64] >> json->depth % 64 & 1) != 0;
	end_value(json);
	return token;
}

/* ---------- literals and numbers ---------- */

/* Reads the rest of a literal. */
static FlowJsonToken
next_of_literal(FlowJsonTokenizer *json, const uint8_t **in, const uint8_t *end)
{
	for (; *json->rest != '\0'; json->rest++)
	{
		if (*in == end)
			return FLOW_JSON_MORE;
		if (*(*in)++ != (uint8_t) *json->rest)
			return fail(json, "Expected a value");
	}
	end_value(json);
	return json->literal;
}

static FlowJsonToken
begin_literal(FlowJsonTokenizer *json, FlowJsonToken literal, const char *rest, const uint8_t **in,
              const uint8_t *end)
{
	json->state = JSON_IN_LITERAL;
	json->literal = literal;
	json->rest = rest;
	return next_of_literal(json, in, end);
}

static inline bool
is_digit(uint8_t byte)
{
	return byte >= '0' && byte <= '9';
}

/* Returns the state after the next byte of a number; -1 after its end. */
static int
next_state_in_number(int state, uint8_t byte)
{
	switch (state)
	{
		case JSON_IN_MINUS:
			return byte == '0' ? JSON_IN_ZERO : is_digit(byte) ? JSON_IN_INTEGER : -1;
		case JSON_IN_ZERO:
		case JSON_IN_INTEGER:
			if (state == JSON_IN_INTEGER && is_digit(byte))
				return JSON_IN_INTEGER;
			return byte == '.' ? JSON_IN_POINT : (byte | 0x20) == 'e' ? JSON_IN_E : -1;
		case JSON_IN_POINT:
		case JSON_IN_FRACTION:
			if (is_digit(byte))
				return JSON_IN_FRACTION;
			return state == JSON_IN_FRACTION && (byte | 0x20) == 'e' ? JSON_IN_E : -1;
		case JSON_IN_E:
			if (byte == '+' || byte == '-')
				return JSON_IN_E_SIGN;
			return is_digit(byte) ? JSON_IN_EXPONENT : -1;
		default: /* JSON_IN_E_SIGN, JSON_IN_EXPONENT */
			return is_digit(byte) ? JSON_IN_EXPONENT : -1;
	}
}

/* Reads a piece of a number.  "begin" is its first byte, *in the next one. */
static FlowJsonToken
next_of_number(FlowJsonTokenizer *json, const uint8_t *begin, const uint8_t **in,
               const uint8_t *end)
{
	const uint8_t *p = *in;
	int state = json->state;

	for (;;)
	{
		int next;

		if (state == JSON_IN_INTEGER)
			while (p < end && is_digit(*p))
				p++;
		if (p == end)
			break;
		next = next_state_in_number(state, *p);
		if (next < 0)
			break;
		state = next;
		p++;
	}

	/* return what was read, if the number may go on */
	json->state = state;
	json->text = (FlowSlice) {(const char *) begin, (size_t) (p - begin)};
	json->ends = p < end;
	*in = p;
	if (p == end)
		return p > begin ? FLOW_JSON_NUMBER : FLOW_JSON_MORE;

	/* the number must not end after these */
	if (state == JSON_IN_MINUS || state == JSON_IN_POINT || state == JSON_IN_E ||
	    state == JSON_IN_E_SIGN)
	{
		(*in)++;
		return fail(json, "Expected a digit");
	}
	json->integer = state == JSON_IN_ZERO || state == JSON_IN_INTEGER;
	end_value(json);
	return FLOW_JSON_NUMBER;
}

/* ---------- strings ---------- */

/* Returns a piece of a string. */
static inline FlowJsonToken
give_text(FlowJsonTokenizer *json, const char *data, size_t len, bool escaped, bool ends)
{
	json->text = (FlowSlice) {data, len};
	json->escaped = escaped;
	json->ends = ends;
	if (!ends)
		return len == 0 ? FLOW_JSON_MORE : json->is_key ? FLOW_JSON_KEY : FLOW_JSON_STRING;
	if (json->is_key)
	{
		json->state = JSON_COLON;
		return FLOW_JSON_KEY;
	}
	end_value(json);
	return FLOW_JSON_STRING;
}

static FlowJsonToken
give_slice(FlowJsonTokenizer *json, const uint8_t *begin, const uint8_t *end, bool ends)
{
	return give_text(json, (const char *) begin, (size_t) (end - begin), false, ends);
}

/*
 * Reads the first byte of a character that is not ASCII.  Returns false if it
 * cannot be one.  The bytes that may follow are given by table 3-7 of the
 * Unicode standard: no overlong forms, no surrogates, nothing above U+10FFFF.
 */
static bool
begin_character(FlowJsonTokenizer *json, uint8_t byte)
{
	if (byte < 0xC2 || byte > 0xF4)
		return false;
	json->utf8_missing = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
	json->utf8_low = byte == 0xE0 ? 0xA0 : byte == 0xF0 ? 0x90 : 0x80;
	json->utf8_high = byte == 0xED ? 0x9F : byte == 0xF4 ? 0x8F : 0xBF;
	return true;
}

/*
 * Reads characters that are not ASCII.  Returns false after an invalid byte.
 */
static bool
take_characters(FlowJsonTokenizer *json, const uint8_t **in, const uint8_t *end)
{
	while (*in < end)
	{
		uint8_t byte = **in;

		if (json->utf8_missing == 0)
		{
			if (byte < 0x80)
				return true;
			(*in)++;
			if (!begin_character(json, byte))
				return false;
			continue;
		}
		(*in)++;
		if (byte < json->utf8_low || byte > json->utf8_high)
			return false;
		json->utf8_missing--;
		json->utf8_low = 0x80;
		json->utf8_high = 0xBF;
	}
	return true;
}

/* Writes a character and returns its length in bytes. */
static size_t
write_character(char *to, uint32_t character)
{
	if (character < 0x80)
	{
		to[0] = (char) character;
		return 1;
	}
	if (character < 0x800)
	{
		to[0] = (char) (0xC0 | character >> 6);
		to[1] = (char) (0x80 | (character & 0x3F));
		return 2;
	}
	if (character < 0x10000)
	{
		to[0] = (char) (0xE0 | character >> 12);
		to[1] = (char) (0x80 | (character >> 6 & 0x3F));
		to[2] = (char) (0x80 | (character & 0x3F));
		return 3;
	}
	to[0] = (char) (0xF0 | character >> 18);
	to[1] = (char) (0x80 | (character >> 12 & 0x3F));
	to[2] = (char) (0x80 | (character >> 6 & 0x3F));
	to[3] = (char) (0x80 | (character & 0x3F));
	return 4;
}

/*
 * Processes the value of \uXXXX and appends its character to room[].  Returns
 * NULL, or a problem.
 */
static const char *
take_unit(FlowJsonTokenizer *json, size_t *len)
{
	uint32_t character = json->unit;
	bool low = character >= 0xDC00 && character <= 0xDFFF;

	json->escape = ESCAPE_NONE;
	if (low != (json->high != 0))
		return low ? "A low surrogate follows no high surrogate"
		           : "Expected a low surrogate after a high surrogate";
	if (low)
		character = 0x10000 + ((uint32_t) (json->high - 0xD800) << 10) + (character - 0xDC00);
	else if (character >= 0xD800 && character <= 0xDBFF)
	{
		json->high = json->unit;
		json->escape = ESCAPE_LOW_BACKSLASH;
		return NULL;
	}
	json->high = 0;
	*len += write_character(json->room + *len, character);
	return NULL;
}

/* Returns the character for an escape of one letter, or 0 if it is invalid. */
static inline char
meaning_of_letter(uint8_t letter)
{
	static const char meanings[128] = {['"'] = '"',
	                                   ['\\'] = '\\',
	                                   ['/'] = '/',
	                                   ['b'] = '\b',
	                                   ['f'] = '\f',
	                                   ['n'] = '\n',
	                                   ['r'] = '\r',
	                                   ['t'] = '\t'};

	return letter < sizeof(meanings) ? meanings[letter] : 0;
}

/*
 * Processes a byte of an escape, for whose character room[] must have room.
 * Returns NULL, or a problem.
 */
static const char *
take_escape(FlowJsonTokenizer *json, uint8_t byte, size_t *len)
{
	char meaning;

	/* the part of the escape that the byte belongs to */
	switch ((JsonEscape) json->escape)
	{
		case ESCAPE_NONE:
			break;
		case ESCAPE_LOW_BACKSLASH:
			if (byte != '\\')
				return "Expected a low surrogate after a high surrogate";
			json->escape = ESCAPE_LOW_LETTER;
			break;
		case ESCAPE_LETTER:
		case ESCAPE_LOW_LETTER:
			if (byte == 'u')
			{
				json->escape = ESCAPE_DIGITS;
				json->digits = 4;
				json->unit = 0;
				break;
			}
			if (json->escape == ESCAPE_LOW_LETTER)
				return "Expected a low surrogate after a high surrogate";
			if ((meaning = meaning_of_letter(byte)) == 0)
				return "Invalid escape";
			json->room[(*len)++] = meaning;
			json->escape = ESCAPE_NONE;
			break;
		case ESCAPE_DIGITS:
			if (!is_digit(byte) && !((byte | 0x20) >= 'a' && (byte | 0x20) <= 'f'))
				return "Expected four hexadecimal digits after \"\\u\"";
			json->unit = (uint16_t) (json->unit << 4 |
			                         (is_digit(byte) ? byte - '0' : (byte | 0x20) - 'a' + 10));
			if (--json->digits == 0)
				return take_unit(json, len);
			break;
	}
	return NULL;
}

/*
 * Reads the rest of an escape.  Returns false if the input ends or the escape
 * is invalid.
 */
static bool
finish_escape(FlowJsonTokenizer *json, size_t *len, const uint8_t **in, const uint8_t *end,
              const char **problem)
{
	while (json->escape != ESCAPE_NONE)
	{
		if (*in == end)
			return false;
		*problem = take_escape(json, *(*in)++, len);
		if (*problem != NULL)
			return false;
	}
	return true;
}

/*
 * Returns a piece of a string that is in an escape.  It is collected in
 * room[], to which this function appends the characters of escapes and the
 * bytes after them.
 */
static FlowJsonToken
give_collected(FlowJsonTokenizer *json, size_t len, const uint8_t **in, const uint8_t *end)
{
	const uint8_t *p = *in;
	const char *problem = NULL;
	bool ends = false;

	while (len <= FLOW_JSON_ROOM - MAX_CHARACTER)
	{
		/* decode the escape */
		char meaning = json->escape == ESCAPE_LETTER && p < end ? meaning_of_letter(*p) : 0;
		size_t plain_len;

		if (flow_likely(meaning != 0))
		{
			json->room[len++] = meaning;
			json->escape = ESCAPE_NONE;
			p++;
		}
		else
		{
			bool whole;

			*in = p;
			whole = finish_escape(json, &len, in, end, &problem);
			p = *in;
			if (!whole)
				break;
		}

		/* copy the plain bytes after it */
		plain_len = flow_json_copy_plain(json->room + len, FLOW_JSON_ROOM - len, p, end);
		len += plain_len;
		p += plain_len;
		if (p == end || (*p != '"' && *p != '\\'))
			break;
		ends = *p++ == '"';
		if (ends)
			break;
		json->escape = ESCAPE_LETTER;
	}
	*in = p;
	return problem != NULL ? fail(json, problem) : give_text(json, json->room, len, true, ends);
}

/* Reads a piece of a string. */
static FlowJsonToken
next_of_string(FlowJsonTokenizer *json, const uint8_t **in, const uint8_t *end)
{
	const uint8_t *begin = *in;
	const uint8_t *p = begin;
	size_t len;

	if (json->escape != ESCAPE_NONE)
		return give_collected(json, 0, in, end);
	for (;;)
	{
		if (json->utf8_missing == 0)
			p = flow_json_skip_plain(p, end);
		if (p == end || (*p < 0x80 && json->utf8_missing == 0))
			break;
		if (!take_characters(json, &p, end))
		{
			*in = p;
			return fail(json, "Invalid UTF-8");
		}
	}

	/* return the slice, unless an escape follows */
	*in = p;
	if (p == end)
		return give_slice(json, begin, p, false);
	if (*p == '"')
	{
		(*in)++;
		return give_slice(json, begin, p, true);
	}
	len = (size_t) (p - begin);
	if (*p != '\\')
	{
		(*in)++;
		return fail(json, "Expected an escape instead of a control character");
	}
	/* collect a short slice together with the escape */
	if (len > MAX_COLLECTED)
		return give_slice(json, begin, p, false);
	(*in)++;
	json->escape = ESCAPE_LETTER;
	memcpy(json->room, begin, len);
	return give_collected(json, len, in, end);
}

static FlowJsonToken
begin_string(FlowJsonTokenizer *json, bool is_key, const uint8_t **in, const uint8_t *end)
{
	json->state = JSON_IN_STRING;
	json->is_key = is_key;
	return next_of_string(json, in, end);
}

/* ---------- tokens ---------- */

/* Continues a token that the last input ended in. */
static FlowJsonToken
next_of_token(FlowJsonTokenizer *json, const uint8_t **in, const uint8_t *end)
{
	if (json->state == JSON_IN_STRING)
		return next_of_string(json, in, end);
	if (json->state == JSON_IN_LITERAL)
		return next_of_literal(json, in, end);
	return next_of_number(json, *in, in, end);
}

/* Begins a value whose first byte "byte" was read. */
static FlowJsonToken
begin_value(FlowJsonTokenizer *json, uint8_t byte, const uint8_t **in, const uint8_t *end)
{
	switch (byte)
	{
		case '"':
			return begin_string(json, false, in, end);
		case '{':
			return open_container(json, true);
		case '[':
			return open_container(json, false);
		case 't':
			return begin_literal(json, FLOW_JSON_TRUE, "rue", in, end);
		case 'f':
			return begin_literal(json, FLOW_JSON_FALSE, "alse", in, end);
		case 'n':
			return begin_literal(json, FLOW_JSON_NULL, "ull", in, end);
		case '-':
			json->state = JSON_IN_MINUS;
			return next_of_number(json, *in - 1, in, end);
		case '0':
			json->state = JSON_IN_ZERO;
			return next_of_number(json, *in - 1, in, end);
		default:
			if (!is_digit(byte))
				return fail(json, "Expected a value");
			json->state = JSON_IN_INTEGER;
			return next_of_number(json, *in - 1, in, end);
	}
}

static inline bool
is_blank(uint8_t byte)
{
	return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

/* Returns the next token. */
FlowJsonToken
flow_json_next(FlowJsonTokenizer *json, const uint8_t **in, const uint8_t *end)
{
	const uint8_t *p = *in;
	/* continue a token */

	if (json->state >= JSON_IN_LITERAL)
		return next_of_token(json, in, end);
	for (;;)
	{
		uint8_t byte;

		while (p < end && is_blank(*p))
			p++;
		*in = p;
		if (p == end)
			return FLOW_JSON_MORE;
		byte = *p++;
		*in = p;

		switch ((JsonState) json->state)
		{
			case JSON_VALUE_OR_CLOSE:
				if (byte == ']')
					return close_container(json);
				return begin_value(json, byte, in, end);
			case JSON_VALUE:
				return begin_value(json, byte, in, end);
			case JSON_KEY_OR_CLOSE:
				if (byte == '}')
					return close_container(json);
				/* fall through */
			case JSON_KEY:
				if (byte != '"')
					return fail(json,
					            json->state == JSON_KEY ? "Expected a string"
					                                    : "Expected a string or \"}\"");
				return begin_string(json, true, in, end);
			case JSON_COLON:
				if (byte != ':')
					return fail(json, "Expected \":\"");
				json->state = JSON_VALUE;
				break;
			case JSON_COMMA:
				if (byte == (json->in_object ? '}' : ']'))
					return close_container(json);
				if (byte != ',')
					return fail(json,
					            json->in_object ? "Expected \",\" or \"}\""
					                            : "Expected \",\" or \"]\"");
				json->state = json->in_object ? JSON_KEY : JSON_VALUE;
				break;
			default:
				return fail(json, "Expected the end");
		}
	}
}
