/*-------------------------------------------------------------------------
 *
 * model_json.h
 *	  JSON around records, read in the simplest way: wholly in memory, by
 *	  recursion.  The tests compare json_token.c and json.c with it.
 *
 * A damaged text becomes a tree up to the damage, so that the lines before it
 * are known, too.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MODEL_JSON_H
#define MODEL_JSON_H

#include "model_wrapper.h"

#include "../../flow/bytes/json_token.h"

typedef struct ModelNode
{
	char type;         /* '{', '[', '"', '0' or a literal's first letter */
	size_t begin, end; /* in the text */
	bool whole;
	bool opened; /* of an object or array: its first byte was read */
	char *text;  /* of a string: decoded; otherwise as written */
	size_t len;
	char *key; /* of a member */
	size_t key_len, key_end;
	struct ModelNode *first, *next;
} ModelNode;

typedef struct ModelJson
{
	const char *data;
	size_t at, len;
	int depth;
	bool ends;     /* the text ends too early */
	bool failed;   /* "at" is after the wrong byte */
	bool too_deep; /* the reason is the depth */
} ModelJson;

/* ---------- text to tree ---------- */

static inline void
model_json_free(ModelNode *node)
{
	while (node != NULL)
	{
		ModelNode *next = node->next;

		model_json_free(node->first);
		free(node->text);
		free(node->key);
		free(node);
		node = next;
	}
}

/* Returns the next byte, or -1. */
static inline int
model_json_peek(const ModelJson *json)
{
	return json->at < json->len ? (unsigned char) json->data[json->at] : -1;
}

/* Skips blanks and returns the next byte, or -1. */
static inline int
model_json_skip_blanks(ModelJson *json)
{
	while (json->at < json->len && strchr(" \t\r\n", json->data[json->at]) != NULL &&
	       json->data[json->at] != '\0')
		json->at++;
	return model_json_peek(json);
}

/* Reads the next byte, which must be one of these. */
static inline bool
model_json_take(ModelJson *json, const char *bytes)
{
	int byte = model_json_peek(json);

	if (byte < 0)
		return !(json->ends = true);
	json->at++;
	if (byte == 0 || strchr(bytes, byte) == NULL)
		return !(json->failed = true);
	return true;
}

static inline bool
model_json_hex(ModelJson *json, unsigned *unit)
{
	char digits[5] = "";

	for (int i = 0; i < 4; i++)
	{
		if (!model_json_take(json, "0123456789abcdefABCDEF"))
			return false;
		digits[i] = json->data[json->at - 1];
	}
	*unit = (unsigned) strtoul(digits, NULL, 16);
	return true;
}

static inline size_t
model_json_utf8(char *to, unsigned c)
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
model_json_escape(ModelJson *json, char *to, size_t *len)
{
	static const char letters[] = "\"\\/bfnrtu", meanings[] = "\"\\/\b\f\n\r\t";
	unsigned unit, low;
	char letter;

	if (!model_json_take(json, letters))
		return false;
	letter = json->data[json->at - 1];
	if (letter != 'u')
	{
		to[(*len)++] = meanings[strchr(letters, letter) - letters];
		return true;
	}
	if (!model_json_hex(json, &unit))
		return false;
	if (unit >= 0xDC00 && unit <= 0xDFFF)
		return !(json->failed = true);
	if (unit >= 0xD800 && unit <= 0xDBFF)
	{
		if (!model_json_take(json, "\\") || !model_json_take(json, "u") ||
		    !model_json_hex(json, &low))
			return false;
		if (low < 0xDC00 || low > 0xDFFF)
			return !(json->failed = true);
		unit = 0x10000 + (unit - 0xD800) * 0x400 + (low - 0xDC00);
	}
	*len += model_json_utf8(to + *len, unit);
	return true;
}

/*
 * Reads a character that is not ASCII.  The error is at the end of the
 * shortest sequence with which no valid character begins.
 */
static inline bool
model_json_character(ModelJson *json, char *to, size_t *len)
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
model_json_string(ModelJson *json, size_t *len)
{
	char *text = malloc(json->len - json->at + 8);
	bool good = model_json_take(json, "\"");

	*len = 0;
	while (good)
	{
		int byte = model_json_peek(json);

		if (byte < 0)
			good = !(json->ends = true);
		else if (byte >= 0x80)
			good = model_json_character(json, text, len);
		else
		{
			json->at++;
			if (byte == '"')
				return text;
			if (byte == '\\')
				good = model_json_escape(json, text, len);
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
model_json_digits(ModelJson *json)
{
	if (!model_json_take(json, "0123456789"))
		return false;
	while (model_json_peek(json) >= '0' && model_json_peek(json) <= '9')
		json->at++;
	return true;
}

/* Reads a number.  At the top, the end of the text also ends it. */
static inline bool
model_json_number(ModelJson *json)
{
	if (model_json_peek(json) == '-')
		json->at++;
	if (model_json_peek(json) == '0')
		json->at++;
	else if (!model_json_digits(json))
		return false;
	if (model_json_peek(json) == '.')
	{
		json->at++;
		if (!model_json_digits(json))
			return false;
	}
	if (model_json_peek(json) == 'e' || model_json_peek(json) == 'E')
	{
		json->at++;
		if (model_json_peek(json) == '+' || model_json_peek(json) == '-')
			json->at++;
		if (!model_json_digits(json))
			return false;
	}
	if (model_json_peek(json) < 0 && json->depth > 0)
		return !(json->ends = true);
	return true;
}

static inline ModelNode *model_json_value(ModelJson *json);

/* Reads the content of an object or an array, after its first byte. */
static inline bool
model_json_content(ModelJson *json, ModelNode *node)
{
	const char *close = node->type == '{' ? "}" : "]";
	ModelNode **last = &node->first;

	if (model_json_skip_blanks(json) == *close)
		return ++json->at;
	for (;;)
	{
		size_t key_len = 0, key_end = 0;
		char *key = NULL;

		model_json_skip_blanks(json);
		if (node->type == '{')
		{
			if ((key = model_json_string(json, &key_len)) == NULL)
				return false;
			key_end = json->at;
			model_json_skip_blanks(json);
			if (!model_json_take(json, ":"))
			{
				/* the key counts, because it may be a repeated one */
				*last = calloc(1, sizeof(ModelNode));
				**last = (ModelNode) {.key = key, .key_len = key_len, .key_end = key_end};
				return false;
			}
		}
		*last = model_json_value(json);
		(*last)->key = key;
		(*last)->key_len = key_len;
		(*last)->key_end = key_end;
		if (!(*last)->whole)
			return false;
		last = &(*last)->next;
		if (model_json_skip_blanks(json) == *close)
			return ++json->at;
		if (!model_json_take(json, ","))
			return false;
	}
}

static inline bool
model_json_literal(ModelJson *json, const char *literal)
{
	for (; *literal != '\0'; literal++)
	{
		char byte[2] = {*literal, '\0'};

		if (!model_json_take(json, byte))
			return false;
	}
	return true;
}

/* Reads a value.  Always returns a node, which may not be whole. */
static inline ModelNode *
model_json_value(ModelJson *json)
{
	ModelNode *node = calloc(1, sizeof(ModelNode));
	int byte = model_json_skip_blanks(json);

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
			node->whole = model_json_content(json, node);
			json->depth--;
		}
	}
	else if (byte == '"')
	{
		node->type = '"';
		node->text = model_json_string(json, &node->len);
		node->whole = node->text != NULL;
	}
	else if (byte == '-' || (byte >= '0' && byte <= '9'))
	{
		node->type = '0';
		node->whole = model_json_number(json);
		node->len = json->at - node->begin;
		node->text = malloc(node->len + 1);
		memcpy(node->text, json->data + node->begin, node->len);
		node->text[node->len] = '\0';
	}
	else if (byte == 't' || byte == 'f' || byte == 'n')
	{
		node->type = (char) byte;
		node->whole = model_json_literal(json,
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

typedef struct ModelEvents
{
	const char *data; /* text of the value */
	size_t max_text;
	ModelText *made;
	size_t failed_at; /* where a member is wrong; 0: nowhere */
	bool unsupported; /* the members are only in the wrong order */
} ModelEvents;

static inline bool
model_json_has_key(const ModelNode *node, const char *key)
{
	return node->key != NULL && node->key_len == strlen(key) &&
	       memcmp(node->key, key, node->key_len) == 0;
}

static inline void
model_json_add(ModelText *made, const char *data, size_t len)
{
	memcpy(made->data + made->len, data, len);
	made->len += len;
}

/*
 * Adds an event's time as one field.  Seconds with a fraction are written by
 * gmtime, a blank between date and time is "T", and none is before the zone.
 */
static inline void
model_json_add_time(ModelEvents *events, const ModelNode *time)
{
	char text[4096], whole[32] = "", fraction[32] = "", more = 0;
	size_t len;

	if (time == NULL || time->type == 'n')
		strcpy(text, "-");
	else if (time->type == '{')
		strcpy(text, "{}");
	else if (time->type == '[')
		strcpy(text, "[]");
	else if (time->type == 't')
		strcpy(text, "true");
	else if (time->type == 'f')
		strcpy(text, "false");
	else if (time->len == 0)
		strcpy(text, "\"\"");
	else if (time->len > events->max_text || time->len >= sizeof(text) ||
	         memchr(time->text, '\0', time->len) != NULL)
	{
		/* too long for a record, or no time */
		len = time->len < events->max_text ? time->len : events->max_text;
		for (size_t i = 0; i < len; i++)
		{
			char byte = (unsigned char) time->text[i] <= ' ' ? '_' : time->text[i];

			if (i == 10 && byte == '_' && time->text[i] == ' ' && len > 11 &&
			    time->text[4] == '-' && time->text[7] == '-')
				byte = 'T';
			model_json_add(events->made, &byte, 1);
		}
		return;
	}
	else
	{
		memcpy(text, time->text, time->len);
		text[time->len] = '\0';
		if (strcmp(text, "-0") == 0 && time->type == '0')
			strcpy(text, "0");
		if (sscanf(text, "%13[0-9].%9[0-9]%c", whole, fraction, &more) == 2)
		{
			int64_t number = strtoll(whole, NULL, 10);
			bool milliseconds = number > INT64_C(2147483647);
			time_t seconds = (time_t) (milliseconds ? number / 1000 : number);
			struct tm parts;

			gmtime_r(&seconds, &parts);
			len = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S.", &parts);
			if (milliseconds)
				len += (size_t) sprintf(text + len, "%03d", (int) (number % 1000));
			sprintf(text + len, "%sZ", fraction);
		}
		else if (strlen(text) > 11 && text[4] == '-' && text[7] == '-' && text[10] == ' ')
		{
			char *blank = strchr(text + 11, ' ');

			text[10] = 'T';
			if (blank != NULL && (strcmp(blank, " UTC") == 0 || strcmp(blank, " GMT") == 0))
				strcpy(blank, "Z");
			else if (blank != NULL && blank[1] != '\0' && strchr("Z+-", blank[1]) != NULL)
				memmove(blank, blank + 1, strlen(blank));
		}
	}
	len = strlen(text);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char) text[i] <= ' ')
			text[i] = '_';
	model_json_add(events->made, text, len);
}

static inline void
model_json_add_message(ModelEvents *events, const ModelNode *message)
{
	ModelText *made = events->made;
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
	model_json_add(made, message->text, len);
	for (size_t i = from; i < made->len; i++)
		if (made->data[i] == '\n' || made->data[i] == '\r')
			made->data[i] = '\0';
}

static inline void
model_json_add_shown(ModelEvents *events, const ModelNode *event)
{
	size_t line = events->max_text - 3;
	size_t most = line > 1025 ? 1025 : line > 64 ? line - 1 : 64;
	bool string = false;
	size_t count = 0;

	for (size_t i = event->begin; i < event->end && count < most; i++)
	{
		char byte = events->data[i];

		if (!string && strchr(" \t\r\n", byte) != NULL)
			continue;
		model_json_add(events->made, &byte, 1);
		count++;
		if (string && byte == '\\' && count < most)
		{
			model_json_add(events->made, &events->data[++i], 1);
			count++;
		}
		else if (byte == '"')
			string = !string;
	}
}

/* Adds the line of an event that is whole. */
static inline void
model_json_add_line(ModelEvents *events, const ModelNode *event)
{
	const ModelNode *time = NULL, *message = NULL;

	for (const ModelNode *member = event->type == '{' ? event->first : NULL; member != NULL;
	     member = member->next)
	{
		if (model_json_has_key(member, "timestamp"))
			time = member;
		if (model_json_has_key(member, "message"))
			message = member;
	}
	if (message == NULL || message->type != '"')
	{
		model_json_add(events->made, "", 1);
		model_json_add_shown(events, event);
	}
	else
	{
		model_json_add_time(events, time);
		model_json_add(events->made, " ", 1);
		model_json_add_message(events, message);
	}
	model_json_add(events->made, "\n", 1);
}

/* Returns where a member with one of these names is repeated, or 0. */
static inline size_t
model_json_repeated(const ModelNode *object, const char *const names[], const ModelNode *member)
{
	for (; *names != NULL; names++)
		if (model_json_has_key(member, *names))
			for (const ModelNode *other = object->first; other != member; other = other->next)
				if (model_json_has_key(other, *names))
					return member->key_end;
	return 0;
}

/*
 * Adds the lines of an array of events, up to the first event that is wrong or
 * not whole.
 */
static inline void
model_json_add_lines(ModelEvents *events, const ModelNode *array)
{
	static const char *const names[] = {"timestamp", "message", NULL};

	for (const ModelNode *event = array->first; event != NULL && events->failed_at == 0;
	     event = event->next)
	{
		for (const ModelNode *member = event->type == '{' ? event->first : NULL;
		     member != NULL && events->failed_at == 0;
		     member = member->next)
			events->failed_at = model_json_repeated(event, names, member);
		if (events->failed_at == 0 && event->whole)
			model_json_add_line(events, event);
	}
}

/* Adds the lines of a value, which is an object. */
static inline void
model_json_add_value(ModelEvents *events, const ModelNode *value)
{
	static const char *const names[] =
		{"messageType", "logEvents", "events", "timestamp", "message", NULL};
	bool known = false, control = false, has_log_events = false, has_events = false, given = false;
	size_t before = events->made->len;

	for (const ModelNode *member = value->first; member != NULL && events->failed_at == 0;
	     member = member->next)
	{
		bool begun = member->whole || member->opened;
		bool array = member->type == '[' && member->opened;
		size_t begun_at = member->opened ? member->begin + 1 : member->end;

		if ((events->failed_at = model_json_repeated(value, names, member)) != 0)
			break;
		if (model_json_has_key(member, "messageType") && begun)
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
		else if (model_json_has_key(member, "logEvents") && begun)
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
				model_json_add_lines(events, member);
		}
		else if (model_json_has_key(member, "events") && array && !control && !has_log_events)
		{
			size_t len = events->made->len;

			has_events = true;
			model_json_add_lines(events, member);
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
		model_json_add_line(events, value);
}

/* ---------- files ---------- */

static inline void
model_json_fail(ModelText *made, FlowStatus status, size_t at, uint64_t number)
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
model_json_take_value(const char *data, size_t len, size_t *at, size_t max_line_length,
                      uint64_t number, ModelText *made)
{
	ModelJson json = {.data = data + *at, .len = len - *at};
	ModelNode *value = model_json_value(&json);
	ModelEvents events = {.data = json.data, .max_text = max_line_length + 3, .made = made};

	model_json_add_value(&events, value);
	model_json_free(value);
	*at += json.at;
	if (events.failed_at != 0)
		model_json_fail(made,
		                events.unsupported ? FLOW_UNSUPPORTED : FLOW_CORRUPT,
		                events.failed_at,
		                number);
	else if (json.too_deep)
		model_json_fail(made, FLOW_LIMIT, 0, number);
	else if (json.failed)
		model_json_fail(made, FLOW_CORRUPT, json.at, number);
	else if (json.ends)
		model_json_fail(made, FLOW_CORRUPT, 0, number);
	return made->status == FLOW_OK;
}

/*
 * Returns what the codec should make of a file.  The detail of an error is
 * only a part of the codec's.
 */
static inline ModelText
model_json_unwrap(const char *data, size_t len, size_t max_line_length)
{
	ModelText made = {.data = malloc(4 * len + 4097)};
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
			model_json_take_value(data, len, &at, max_line_length, number, &made);
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
			model_json_fail(&made, FLOW_CORRUPT, 0, number + 1);
	}
	if (made.status == FLOW_OK && in_array)
		model_json_fail(&made, FLOW_CORRUPT, 0, number);
	if (made.status == FLOW_OK)
		made.status = FLOW_END;
	return made;
}

/* Returns true if the codec's output is as wanted. */
static inline bool
model_json_agrees(const ModelText *made, const ModelText *want)
{
	return made->status == want->status && made->skipped == want->skipped &&
	       made->len == want->len && memcmp(made->data, want->data, made->len) == 0 &&
	       (made->status == FLOW_END || strstr(made->error.detail, want->error.detail) != NULL);
}

#endif /* MODEL_JSON_H */
