/*-------------------------------------------------------------------------
 *
 * plain_json.h
 *	  JSON around records, read in the simplest way: wholly in memory, by
 *	  recursion.  The tests compare json_token.c and json.c with it.
 *
 * A damaged text becomes a tree up to the damage, so that the lines before it
 * are known, too.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PLAIN_JSON_H
#define PLAIN_JSON_H

#include "plain_wrapper.h"

#include "../../flow/bytes/json_token.h"

typedef struct PlainNode
{
	char type;         /* '{', '[', '"', '0' or a literal's first letter */
	size_t begin, end; /* in the text */
	bool whole;
	bool opened; /* of an object or array: its first byte was read */
	char *text;  /* of a string: decoded; otherwise as written */
	size_t len;
	char *key; /* of a member */
	size_t key_len, key_end;
	struct PlainNode *first, *next;
} PlainNode;

typedef struct PlainJson
{
	const char *data;
	size_t at, len;
	int depth;
	bool ends;     /* the text ends too early */
	bool failed;   /* "at" is after the wrong byte */
	bool too_deep; /* the reason is the depth */
} PlainJson;

/* ---------- text to tree ---------- */

static inline void
plain_json_free(PlainNode *node)
{
	while (node != NULL)
	{
		PlainNode *next = node->next;

		plain_json_free(node->first);
		free(node->text);
		free(node->key);
		free(node);
		node = next;
	}
}

/* Returns the next byte, or -1. */
static inline int
plain_json_peek(const PlainJson *json)
{
	return json->at < json->len ? (unsigned char) json->data[json->at] : -1;
}

/* Skips blanks and returns the next byte, or -1. */
static inline int
plain_json_skip_blanks(PlainJson *json)
{
	while (json->at < json->len && strchr(" \t\r\n", json->data[json->at]) != NULL &&
	       json->data[json->at] != '\0')
		json->at++;
	return plain_json_peek(json);
}

/* Reads the next byte, which must be one of these. */
static inline bool
plain_json_take(PlainJson *json, const char *bytes)
{
	int byte = plain_json_peek(json);

	if (byte < 0)
		return !(json->ends = true);
	json->at++;
	if (byte == 0 || strchr(bytes, byte) == NULL)
		return !(json->failed = true);
	return true;
}

static inline bool
plain_json_hex(PlainJson *json, unsigned *unit)
{
	char digits[5] = "";

	for (int i = 0; i < 4; i++)
	{
		if (!plain_json_take(json, "0123456789abcdefABCDEF"))
			return false;
		digits[i] = json->data[json->at - 1];
	}
	*unit = (unsigned) strtoul(digits, NULL, 16);
	return true;
}

static inline size_t
plain_json_utf8(char *to, unsigned c)
{
	if (c < 0x80)
		return (size_t) sprintf(to, "%c", (int) c);
	if (c < 0x800)
		return (size_t) sprintf(to, "%c%c", (int) (0xC0 + c / 64), (int) (0x80 + c % 64));
	if (c < 0x10000)
		return (size_t) sprintf(to,
		                        "%c%c%c",
		                        (int) (0xE0 + c / 4096),
		                        (int) (0x80 + c / 64 % 64),
		                        (int) (0x80 + c % 64));
	return (size_t) sprintf(to,
	                        "%c%c%c%c",
	                        (int) (0xF0 + c / 262144),
	                        (int) (0x80 + c / 4096 % 64),
	                        (int) (0x80 + c / 64 % 64),
	                        (int) (0x80 + c % 64));
}

static inline bool
plain_json_escape(PlainJson *json, char *to, size_t *len)
{
	static const char letters[] = "\"\\/bfnrtu", meanings[] = "\"\\/\b\f\n\r\t";
	unsigned unit, low;
	char letter;

	if (!plain_json_take(json, letters))
		return false;
	letter = json->data[json->at - 1];
	if (letter != 'u')
	{
		to[(*len)++] = meanings[strchr(letters, letter) - letters];
		return true;
	}
	if (!plain_json_hex(json, &unit))
		return false;
	if (unit >= 0xDC00 && unit <= 0xDFFF)
		return !(json->failed = true);
	if (unit >= 0xD800 && unit <= 0xDBFF)
	{
		if (!plain_json_take(json, "\\") || !plain_json_take(json, "u") ||
		    !plain_json_hex(json, &low))
			return false;
		if (low < 0xDC00 || low > 0xDFFF)
			return !(json->failed = true);
		unit = 0x10000 + (unit - 0xD800) * 0x400 + (low - 0xDC00);
	}
	*len += plain_json_utf8(to + *len, unit);
	return true;
}

/*
 * Reads a character that is not ASCII.  The error is at the end of the
 * shortest sequence with which no valid character begins.
 */
static inline bool
plain_json_character(PlainJson *json, char *to, size_t *len)
{
	for (int n = 1; n <= 4; n++)
	{
		char tail[] = "\x80\x80\x80\x80";
		char whole[8];
		bool possible = false;

		if (json->at + (size_t) n > json->len)
		{
			json->at = json->len;
			return !(json->ends = true);
		}
		memcpy(whole, json->data + json->at, (size_t) n);
		if (unit_text_valid(NULL, whole, (size_t) n))
		{
			memcpy(to + *len, whole, (size_t) n);
			*len += (size_t) n;
			json->at += (size_t) n;
			return true;
		}
		for (int more = 1; n + more <= 4 && !possible; more++)
			for (int second = 0x80; second < 0xC0 && !possible; second++)
			{
				tail[0] = (char) second;
				memcpy(whole + n, tail, (size_t) more);
				possible = unit_text_valid(NULL, whole, (size_t) (n + more));
			}
		if (!possible)
		{
			json->at += (size_t) n;
			return !(json->failed = true);
		}
	}
	abort();
}

/* Returns a decoded string, or NULL if it is not whole. */
static inline char *
plain_json_string(PlainJson *json, size_t *len)
{
	char *text = malloc(json->len - json->at + 8);
	bool good = plain_json_take(json, "\"");

	*len = 0;
	while (good)
	{
		int byte = plain_json_peek(json);

		if (byte < 0)
			good = !(json->ends = true);
		else if (byte >= 0x80)
			good = plain_json_character(json, text, len);
		else
		{
			json->at++;
			if (byte == '"')
				return text;
			if (byte == '\\')
				good = plain_json_escape(json, text, len);
			else if (byte < 0x20)
				good = !(json->failed = true);
			else
				text[(*len)++] = (char) byte;
		}
	}
	free(text);
	return NULL;
}

static inline bool
plain_json_digits(PlainJson *json)
{
	if (!plain_json_take(json, "0123456789"))
		return false;
	while (plain_json_peek(json) >= '0' && plain_json_peek(json) <= '9')
		json->at++;
	return true;
}

/* Reads a number.  At the top, the end of the text also ends it. */
static inline bool
plain_json_number(PlainJson *json)
{
	if (plain_json_peek(json) == '-')
		json->at++;
	if (plain_json_peek(json) == '0')
		json->at++;
	else if (!plain_json_digits(json))
		return false;
	if (plain_json_peek(json) == '.')
	{
		json->at++;
		if (!plain_json_digits(json))
			return false;
	}
	if (plain_json_peek(json) == 'e' || plain_json_peek(json) == 'E')
	{
		json->at++;
		if (plain_json_peek(json) == '+' || plain_json_peek(json) == '-')
			json->at++;
		if (!plain_json_digits(json))
			return false;
	}
	if (plain_json_peek(json) < 0 && json->depth > 0)
		return !(json->ends = true);
	return true;
}

static inline PlainNode *plain_json_value(PlainJson *json);

/* Reads the content of an object or an array, after its first byte. */
static inline bool
plain_json_content(PlainJson *json, PlainNode *node)
{
	const char *close = node->type == '{' ? "}" : "]";
	PlainNode **last = &node->first;

	if (plain_json_skip_blanks(json) == *close)
		return ++json->at;
	for (;;)
	{
		size_t key_len = 0, key_end = 0;
		char *key = NULL;

		plain_json_skip_blanks(json);
		if (node->type == '{')
		{
			if ((key = plain_json_string(json, &key_len)) == NULL)
				return false;
			key_end = json->at;
			plain_json_skip_blanks(json);
			if (!plain_json_take(json, ":"))
			{
				/* the key counts, because it may be a repeated one */
				*last = calloc(1, sizeof(PlainNode));
				**last = (PlainNode) {.key = key, .key_len = key_len, .key_end = key_end};
				return false;
			}
		}
		*last = plain_json_value(json);
		(*last)->key = key;
		(*last)->key_len = key_len;
		(*last)->key_end = key_end;
		if (!(*last)->whole)
			return false;
		last = &(*last)->next;
		if (plain_json_skip_blanks(json) == *close)
			return ++json->at;
		if (!plain_json_take(json, ","))
			return false;
	}
}

static inline bool
plain_json_literal(PlainJson *json, const char *literal)
{
	for (; *literal != '\0'; literal++)
	{
		char byte[2] = {*literal, '\0'};

		if (!plain_json_take(json, byte))
			return false;
	}
	return true;
}

/* Reads a value.  Always returns a node, which may not be whole. */
static inline PlainNode *
plain_json_value(PlainJson *json)
{
	PlainNode *node = calloc(1, sizeof(PlainNode));
	int byte = plain_json_skip_blanks(json);

	node->begin = json->at;
	if (byte < 0)
		json->ends = true;
	else if (byte == '{' || byte == '[')
	{
		json->at++;
		node->type = (char) byte;
		if (json->depth == FLOW_JSON_MAX_DEPTH)
			json->failed = json->too_deep = true;
		else
		{
			node->opened = true;
			json->depth++;
			node->whole = plain_json_content(json, node);
			json->depth--;
		}
	}
	else if (byte == '"')
	{
		node->type = '"';
		node->text = plain_json_string(json, &node->len);
		node->whole = node->text != NULL;
	}
	else if (byte == '-' || (byte >= '0' && byte <= '9'))
	{
		node->type = '0';
		node->whole = plain_json_number(json);
		node->len = json->at - node->begin;
		node->text = malloc(node->len + 1);
		memcpy(node->text, json->data + node->begin, node->len);
		node->text[node->len] = '\0';
	}
	else if (byte == 't' || byte == 'f' || byte == 'n')
	{
		node->type = (char) byte;
		node->whole = plain_json_literal(json,
		                                 byte == 't'   ? "true"
		                                 : byte == 'f' ? "false"
		                                               : "null");
	}
	else
	{
		json->at++;
		json->failed = true;
	}
	node->end = json->at;
	return node;
}

/* ---------- tree to lines ---------- */

typedef struct PlainEvents
{
	const char *data; /* text of the value */
	size_t max_text;
	PlainText *made;
	size_t failed_at; /* where a member is wrong; 0: nowhere */
	bool unsupported; /* the members are only in the wrong order */
} PlainEvents;

static inline bool
plain_json_has_key(const PlainNode *node, const char *key)
{
	return node->key != NULL && node->key_len == strlen(key) &&
	       memcmp(node->key, key, node->key_len) == 0;
}

static inline void
plain_json_add(PlainText *made, const char *data, size_t len)
{
	memcpy(made->data + made->len, data, len);
	made->len += len;
}

static inline bool
plain_json_is_time(const PlainNode *time)
{
	if (time == NULL || (time->type != '"' && time->type != '0') || time->len == 0)
		return false;
	for (size_t i = 0; i < time->len; i++)
		if (time->type == '0' ? strchr("-0123456789", time->text[i]) == NULL
		                      : (unsigned char) time->text[i] <= ' ')
			return false;
	return true;
}

static inline void
plain_json_add_message(PlainEvents *events, const PlainNode *message)
{
	PlainText *made = events->made;
	size_t from = made->len, len = message->len;

	if (len > events->max_text)
		len = events->max_text;
	else
	{
		if (len > 0 && message->text[len - 1] == '\n')
			len--;
		if (len > 0 && message->text[len - 1] == '\r')
			len--;
	}
	plain_json_add(made, message->text, len);
	for (size_t i = from; i < made->len; i++)
		if (made->data[i] == '\n' || made->data[i] == '\r')
			made->data[i] = '\0';
}

static inline void
plain_json_add_shown(PlainEvents *events, const PlainNode *event)
{
	bool string = false;
	size_t count = 0;

	for (size_t i = event->begin; i < event->end && count < 64; i++)
	{
		char byte = events->data[i];

		if (!string && strchr(" \t\r\n", byte) != NULL)
			continue;
		plain_json_add(events->made, &byte, 1);
		count++;
		if (string && byte == '\\' && count < 64)
		{
			plain_json_add(events->made, &events->data[++i], 1);
			count++;
		}
		else if (byte == '"')
			string = !string;
	}
}

/* Adds the line of an event that is whole. */
static inline void
plain_json_add_line(PlainEvents *events, const PlainNode *event)
{
	const PlainNode *time = NULL, *message = NULL;

	for (const PlainNode *member = event->type == '{' ? event->first : NULL; member != NULL;
	     member = member->next)
	{
		if (plain_json_has_key(member, "timestamp"))
			time = member;
		if (plain_json_has_key(member, "message"))
			message = member;
	}
	if (message == NULL || message->type != '"')
	{
		plain_json_add(events->made, "", 1);
		plain_json_add_shown(events, event);
	}
	else
	{
		if (!plain_json_is_time(time))
			plain_json_add(events->made, "-", 1);
		else if (time->type == '0' && time->len == 2 && memcmp(time->text, "-0", 2) == 0)
			plain_json_add(events->made, "0", 1);
		else
			plain_json_add(events->made,
			               time->text,
			               time->len < events->max_text ? time->len : events->max_text);
		plain_json_add(events->made, " ", 1);
		plain_json_add_message(events, message);
	}
	plain_json_add(events->made, "\n", 1);
}

/* Returns where a member with one of these names is repeated, or 0. */
static inline size_t
plain_json_repeated(const PlainNode *object, const char *const names[], const PlainNode *member)
{
	for (; *names != NULL; names++)
		if (plain_json_has_key(member, *names))
			for (const PlainNode *other = object->first; other != member; other = other->next)
				if (plain_json_has_key(other, *names))
					return member->key_end;
	return 0;
}

/*
 * Adds the lines of an array of events, up to the first event that is wrong or
 * not whole.
 */
static inline void
plain_json_add_lines(PlainEvents *events, const PlainNode *array)
{
	static const char *const names[] = {"timestamp", "message", NULL};

	for (const PlainNode *event = array->first; event != NULL && events->failed_at == 0;
	     event = event->next)
	{
		for (const PlainNode *member = event->type == '{' ? event->first : NULL;
		     member != NULL && events->failed_at == 0;
		     member = member->next)
			events->failed_at = plain_json_repeated(event, names, member);
		if (events->failed_at == 0 && event->whole)
			plain_json_add_line(events, event);
	}
}

/* Adds the lines of a value, which is an object. */
static inline void
plain_json_add_value(PlainEvents *events, const PlainNode *value)
{
	static const char *const names[] =
		{"messageType", "logEvents", "events", "timestamp", "message", NULL};
	bool known = false, control = false, has_log_events = false, has_events = false, given = false;
	size_t before = events->made->len;

	for (const PlainNode *member = value->first; member != NULL && events->failed_at == 0;
	     member = member->next)
	{
		bool begun = member->whole || member->opened;
		bool array = member->type == '[' && member->opened;
		size_t begun_at = member->opened ? member->begin + 1 : member->end;

		if ((events->failed_at = plain_json_repeated(value, names, member)) != 0)
			break;
		if (plain_json_has_key(member, "messageType") && begun)
		{
			known = true;
			control = member->type == '"' && member->len == 15 &&
			          memcmp(member->text, "CONTROL_MESSAGE", 15) == 0;
			if (control && given)
			{
				events->failed_at = begun_at;
				events->unsupported = true;
			}
			else if (control)
				events->made->len = before;
		}
		else if (plain_json_has_key(member, "logEvents") && begun)
		{
			if (has_events)
			{
				events->failed_at = begun_at;
				events->unsupported = true;
				break;
			}
			has_log_events = true;
			has_events = array && !control;
			if (has_events)
				plain_json_add_lines(events, member);
		}
		else if (plain_json_has_key(member, "events") && array && !control && !has_log_events)
		{
			size_t len = events->made->len;

			has_events = true;
			plain_json_add_lines(events, member);
			given = events->made->len > len;
		}
	}

	/* lines that are held back at an error are lost */
	if ((events->failed_at != 0 || !value->whole) && has_log_events && !known)
		events->made->len = before;
	if (events->failed_at != 0 || !value->whole)
		return;
	if (control)
		events->made->skipped++;
	else if (!has_events)
		plain_json_add_line(events, value);
}

/* ---------- files ---------- */

static inline void
plain_json_fail(PlainText *made, FlowStatus status, size_t at, uint64_t number)
{
	made->status = status;
	if (status == FLOW_LIMIT)
		snprintf(made->error.detail,
		         sizeof(made->error.detail),
		         "Value %" PRIu64 " of the file",
		         number);
	else if (at > 0)
		snprintf(made->error.detail,
		         sizeof(made->error.detail),
		         " at byte %zu in value %" PRIu64 " of the file.",
		         at,
		         number);
	else
		snprintf(made->error.detail,
		         sizeof(made->error.detail),
		         " value %" PRIu64 " of the file",
		         number);
}

/* Reads the value at *at.  Returns false if the output ends with it. */
static inline bool
plain_json_take_value(const char *data, size_t len, size_t *at, size_t max_line_length,
                      uint64_t number, PlainText *made)
{
	PlainJson json = {.data = data + *at, .len = len - *at};
	PlainNode *value = plain_json_value(&json);
	PlainEvents events = {.data = json.data, .max_text = max_line_length + 3, .made = made};

	plain_json_add_value(&events, value);
	plain_json_free(value);
	*at += json.at;
	if (events.failed_at != 0)
		plain_json_fail(made,
		                events.unsupported ? FLOW_UNSUPPORTED : FLOW_CORRUPT,
		                events.failed_at,
		                number);
	else if (json.too_deep)
		plain_json_fail(made, FLOW_LIMIT, 0, number);
	else if (json.failed)
		plain_json_fail(made, FLOW_CORRUPT, json.at, number);
	else if (json.ends)
		plain_json_fail(made, FLOW_CORRUPT, 0, number);
	return made->status == FLOW_OK;
}

/*
 * Returns what the codec should make of a file.  The detail of an error is
 * only a part of the codec's.
 */
static inline PlainText
plain_json_unwrap(const char *data, size_t len, size_t max_line_length)
{
	PlainText made = {.data = malloc(4 * len + 4097)};
	bool in_array = false, comma = false;
	uint64_t number = 0;
	size_t at = 0;

	while (made.status == FLOW_OK && at < len)
	{
		char byte = data[at];

		if (byte == '{' && !comma)
		{
			number++;
			comma = in_array;
			plain_json_take_value(data, len, &at, max_line_length, number, &made);
			continue;
		}
		at++;
		if (byte == '[' && !in_array)
			in_array = true;
		else if (byte == ']' && in_array)
			in_array = comma = false;
		else if (byte == ',' && comma)
			comma = false;
		else if (byte != ' ' && byte != '\t' && byte != '\r' && byte != '\n')
			plain_json_fail(&made, FLOW_CORRUPT, 0, number + 1);
	}
	if (made.status == FLOW_OK && in_array)
		plain_json_fail(&made, FLOW_CORRUPT, 0, number);
	if (made.status == FLOW_OK)
		made.status = FLOW_END;
	return made;
}

/* Returns true if the codec's output is as wanted. */
static inline bool
plain_json_agrees(const PlainText *made, const PlainText *want)
{
	return made->status == want->status && made->skipped == want->skipped &&
	       made->len == want->len && memcmp(made->data, want->data, made->len) == 0 &&
	       (made->status == FLOW_END || strstr(made->error.detail, want->error.detail) != NULL);
}

#endif /* PLAIN_JSON_H */
