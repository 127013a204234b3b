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
#include "../../flow/keys.h"

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

/* What lines are made of, and where they go. */
typedef struct ModelEvents
{
	const char *data; /* text of the value */
	const FlowKeys *keys;
	size_t max_text;
	ModelText *made;
	bool *by_key;      /* the last line was of a record with members for its fields */
	const char *where; /* what the value is in, for errors: "the file" */
	const char *time;  /* of the event around, or NULL */
	int depth;         /* of texts around */
	uint64_t number;   /* of the value */

	/* of the value: see json.c */
	bool has_log_events, given, known, control, by_key_before;
	size_t before;
	size_t failed_at;   /* where it is wrong; 0: nowhere */
	FlowStatus failure; /* then: how */
	char problem[512];  /* then: the detail, or its end; empty: made of the place */
} ModelEvents;

/* The members of an object that are fields. */
typedef struct ModelSet
{
	const ModelNode *values[128];
	bool is_alias[128];
	const ModelNode *lost[128]; /* values that others replaced */
	int nlost;
	int known, other;
	bool specific, source, destination;
	char broken; /* why it is none, or '\0' */
} ModelSet;

/* What an event has. */
typedef struct ModelRecord
{
	const ModelNode *time, *message;
	int time_rank, message_rank;
	bool is_data;
	ModelSet own, part; /* "part" is a record, if there is one */
	bool has_part, by_key, has_events, has_named;
} ModelRecord;

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

static inline bool
model_json_fail_at(ModelEvents *events, size_t at, FlowStatus failure)
{
	events->failed_at = at;
	events->failure = failure;
	return false;
}

/* ---------- names ---------- */

/* Columns for lines of records that have a member for each field. */
static const FlowColumn model_key_columns[] = {
	{.name = "ts", .null_text = "-", .null_len = 1},
	{.name = "srcaddr", .null_text = "-", .null_len = 1},
	{.name = "dstaddr"},
	{.name = "bytes", .null_text = "", .null_len = 0},
	{.name = "log_status", .null_text = "none", .null_len = 4},
	{.name = "own", .null_text = "-", .null_len = 1},
};

static inline FlowKeys *
model_json_keys(void)
{
	FlowKeys *keys;
	FlowError error;

	if (flow_keys_create(&unit_host,
	                     model_key_columns,
	                     flow_countof(model_key_columns),
	                     &keys,
	                     &error) != FLOW_OK)
		abort();
	return keys;
}

#define MODEL_DATA 18 /* index of the first message that is base64 */
static const char *const model_times[] =
	{"timestamp", "@timestamp", "time", "_time", "date", "Timestamp", "timeUnixNano", NULL};
static const char *const model_messages[] = {"event.original",
                                             "original",
                                             "message",
                                             "@message",
                                             "_raw",
                                             "log",
                                             "line",
                                             "event",
                                             "full_message",
                                             "short_message",
                                             "textPayload",
                                             "raw_data",
                                             "raw",
                                             "MESSAGE",
                                             "Message",
                                             "Body",
                                             "body",
                                             "stringValue",
                                             "data",
                                             "Data",
                                             "rawData",
                                             NULL};
static const char *const model_parts[] = {"message",
                                          "log",
                                          "event",
                                          "data",
                                          "body",
                                          "_source",
                                          "attributes",
                                          "detail",
                                          "kinesis",
                                          "awslogs",
                                          "aws",
                                          "vpcflow",
                                          "result",
                                          "hits",
                                          NULL};
static const char *const model_arrays[] = {"data",
                                           "result",
                                           "hits",
                                           "records",
                                           "Records",
                                           "results",
                                           "streams",
                                           "Messages",
                                           "resourceLogs",
                                           "scopeLogs",
                                           "logRecords",
                                           "values",
                                           "logEvents",
                                           "events",
                                           NULL};

/* Returns the index of a name in a list, or -1. */
static inline int
model_json_find(const char *const names[], const char *name, size_t len)
{
	for (int i = 0; names[i] != NULL; i++)
		if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
			return i;
	return -1;
}

/* What a name is: 'm' if it is read, 'f' for a field, with *id, or 'o'. */
static inline char
model_json_class(const ModelEvents *events, char kind, const char *name, size_t len, int *id)
{
	int message = model_json_find(model_messages, name, len);

	*id = -1;
	if (message >= 0 && (message != 1 || kind == 'p'))
		return 'm';
	if (model_json_find(model_times, name, len) >= 0 ||
	    model_json_find(model_parts, name, len) >= 0 ||
	    model_json_find(model_arrays, name, len) >= 0 ||
	    (kind == 'v' && len == 11 && memcmp(name, "messageType", len) == 0))
		return 'm';
	if (events->keys != NULL && len > 0 && len < 64)
	{
		bool is_alias;

		*id = events->keys->find(events->keys, (FlowSlice) {name, len}, &is_alias);
	}
	return *id >= 0 ? 'f' : 'o';
}

/* ---------- times, messages and what is shown ---------- */

/* Writes a time as one field, by gmtime. */
static inline void
model_json_add_time(ModelEvents *events, const char *time, size_t time_len, bool number)
{
	char text[4096], whole[32] = "", fraction[32] = "", more = 0;
	size_t len = time_len;

	if (len == 0)
		strcpy(text, "\"\"");
	else if (len > events->max_text || len >= sizeof(text) || memchr(time, '\0', len) != NULL)
	{
		/* too long for a record, or no time */
		len = len < events->max_text ? len : events->max_text;
		for (size_t i = 0; i < len; i++)
		{
			char byte = (unsigned char) time[i] <= ' ' ? '_' : time[i];

			if (i == 10 && byte == '_' && time[i] == ' ' && len > 11 && time[4] == '-' &&
			    time[7] == '-')
				byte = 'T';
			model_json_add(events->made, &byte, 1);
		}
		return;
	}
	else
	{
		memcpy(text, time, len);
		text[len] = '\0';
		if (strcmp(text, "-0") == 0 && number)
			strcpy(text, "0");
		if ((len == 16 || len == 19) && strspn(text, "0123456789") == len)
		{
			struct tm parts;
			time_t seconds;

			strcpy(fraction, text + 10);
			text[10] = '\0';
			seconds = (time_t) strtoll(text, NULL, 10);
			gmtime_r(&seconds, &parts);
			len = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S.", &parts);
			sprintf(text + len, "%sZ", fraction);
		}
		else if (sscanf(text, "%13[0-9].%9[0-9]%c", whole, fraction, &more) == 2)
		{
			int64_t value = strtoll(whole, NULL, 10);
			bool milliseconds = value > INT64_C(2147483647);
			time_t seconds = (time_t) (milliseconds ? value / 1000 : value);
			struct tm parts;

			gmtime_r(&seconds, &parts);
			len = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S.", &parts);
			if (milliseconds)
				len += (size_t) sprintf(text + len, "%03d", (int) (value % 1000));
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

/* Adds an event's time; returns false if there is none. */
static inline bool
model_json_add_time_of(ModelEvents *events, const ModelRecord *record)
{
	const ModelNode *time = record->time;

	if (time == NULL && events->time == NULL)
		return false;
	if (time == NULL)
		model_json_add(events->made, events->time, strlen(events->time));
	else if (time->type == '{' || time->type == '[')
		model_json_add(events->made, time->type == '{' ? "{}" : "[]", 2);
	else if (time->type == 't' || time->type == 'f')
		model_json_add(events->made,
		               time->type == 't' ? "true" : "false",
		               time->type == 't' ? 4 : 5);
	else
		model_json_add_time(events, time->text, time->len, time->type == '0');
	return true;
}

static inline void
model_json_add_message(ModelEvents *events, const char *message, size_t len)
{
	ModelText *made = events->made;
	size_t from = made->len;

	if (len > events->max_text)
		len = events->max_text;
	else
	{
		if (len > 0 && message[len - 1] == '\n')
			len--;
		if (len > 0 && message[len - 1] == '\r')
			len--;
	}
	model_json_add(made, message, len);
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

/* Adds a mark, if the line is of another kind than the one before. */
static inline void
model_json_add_mark(ModelEvents *events, bool by_key)
{
	if (*events->by_key != by_key)
		model_json_add(events->made, by_key ? "\0=\n" : "\0-\n", 3);
	*events->by_key = by_key;
}

/* ---------- records with a member for each field ---------- */

/*
 * Counts a name among the fields of an object; false if it is a field's own
 * and repeated.  Sets *ignored if it is an alias of one that is there.
 */
static inline bool
model_json_count(ModelEvents *events, ModelSet *set, char class, int id, const char *name,
                 size_t len, const ModelNode *value, bool *ignored)
{
	FlowKeyKind kind;
	bool is_alias, is_address;

	*ignored = false;

	if (class == 'o' && (len == 0 || len >= 64 || name[0] != '@'))
		set->other++;
	if (class != 'f')
		return true;
	(void) events->keys->find(events->keys, (FlowSlice) {name, len}, &is_alias);
	if (set->values[id] != NULL)
	{
		*ignored = is_alias;
		if (!set->is_alias[id] && !is_alias)
			return false;
		if (is_alias)
			return true;
		if (set->nlost < 128)
			set->lost[set->nlost++] = set->values[id];
	}
	else
		set->known += events->keys->keys[id].kind != FLOW_KEY_OWN;
	set->values[id] = value;
	set->is_alias[id] = is_alias;
	kind = events->keys->keys[id].kind;
	is_address = kind == FLOW_KEY_SOURCE || kind == FLOW_KEY_DESTINATION;
	set->specific |= is_address || (kind == FLOW_KEY_SPECIFIC && !is_alias);
	set->source |= kind == FLOW_KEY_SOURCE && !is_alias;
	set->destination |= kind == FLOW_KEY_DESTINATION && !is_alias;
	return true;
}

static inline bool
model_json_is_record(const ModelSet *set)
{
	return (set->source && set->destination && (set->known >= 4 || set->known >= set->other)) ||
	       (set->specific && set->known >= 2 && set->known > 2 * set->other);
}

/* Notes whether a value can be one of a line. */
static inline void
model_json_check_value(const ModelEvents *events, ModelSet *set, int id, const ModelNode *node)
{
	set->values[id] = node;
	if (!events->keys->keys[id].wanted)
		return;
	if (node->type == '{' || node->type == '[')
		set->broken = FLOW_NESTED_VALUE;
	for (size_t i = 0; node->type == '"' && node->whole && i < node->len; i++)
		if ((unsigned char) node->text[i] < ' ')
			set->broken = FLOW_BROKEN_VALUE;
}

/* Returns the length of a value's text, for which there is some room. */
static inline size_t
model_json_value_length(const ModelNode *node, size_t room, size_t *used)
{
	size_t full = node->type == 't' ? 4 : node->type == 'f' ? 5 : node->len;
	size_t len = full < room ? full : room, end = len;

	*used += len;
	if (node->type != '0' || strcspn(node->text, ".eE") == node->len)
		return len;
	while (end > 0 && node->text[end - 1] == '0')
		end--;
	return end > 0 && node->text[end - 1] == '.' ? end - 1 : len;
}

/*
 * Cuts the values: the room for texts is used up in the order of the members.
 * Returns true if a value was cut though the values that count have room.
 */
static inline bool
model_json_cut(const ModelEvents *events, const ModelSet *set, size_t cut[128])
{
	size_t used = 0, kept = 0, at = 0;
	bool was_cut = false;

	for (;;)
	{
		const ModelNode *next = NULL;
		int field = -1;
		size_t room = events->max_text - used, len;

		for (int id = 0; id < events->keys->nkeys; id++)
			if (set->values[id] != NULL && events->keys->keys[id].wanted &&
			    set->values[id]->begin >= at &&
			    (next == NULL || set->values[id]->begin < next->begin))
				next = set->values[field = id];
		for (int i = 0; i < set->nlost; i++)
			if (set->lost[i]->begin >= at && (next == NULL || set->lost[i]->begin < next->begin))
			{
				next = set->lost[i];
				field = -1;
			}
		if (next == NULL)
			return was_cut && kept < events->max_text;
		at = next->begin + 1;
		if (next->type == 'n' || next->type == '{' || next->type == '[')
			continue;
		len = model_json_value_length(next, room, &used);
		was_cut |= (next->type == 't' ? 4 : next->type == 'f' ? 5 : next->len) > room;
		if (field >= 0)
			kept += cut[field] = len;
	}
}

/* Adds the line of such a record. */
static inline void
model_json_add_fields(ModelEvents *events, const ModelRecord *record, const ModelSet *set,
                      const ModelNode *event)
{
	ModelText *made = events->made, *final = made;
	size_t most = events->max_text - 3, shown;
	size_t cut[128] = {0};
	ModelText line = {.data = malloc(MODEL_ROOM(event->end))};

	(void) model_json_cut(events, set, cut);
	events->made = &line;
	for (int i = 0; i < events->keys->nfields; i++)
	{
		int id = events->keys->fields[i].id;
		FlowSlice null = events->keys->fields[i].null;
		const ModelNode *value = id >= 0 ? set->values[id] : NULL;
		size_t from;

		if (line.len < events->max_text)
			model_json_add(&line, "\t", 1);
		if (line.len >= events->max_text)
			continue;
		from = line.len;
		if (id == FLOW_KEY_TIME)
		{
			if (!model_json_add_time_of(events, record))
				model_json_add(&line, null.data, null.len);
		}
		else if (value == NULL || value->type == 'n')
			model_json_add(&line, null.data, null.len);
		else
			model_json_add(&line,
			               value->type == 't'   ? "true"
			               : value->type == 'f' ? "false"
			                                    : value->text,
			               cut[id]);
		if (line.len - from > events->max_text)
			line.len = from + events->max_text;
	}
	events->made = final;
	shown = final->len;
	model_json_add_shown(events, event);
	if (line.len <= most && final->len - shown > most - line.len)
		final->len = shown + most - line.len;
	model_json_add(final, line.data, line.len);
	free(line.data);
}

/* ---------- texts with records in them ---------- */

static inline void model_json_unwrap_in(ModelEvents events, const char *data, size_t len,
                                        bool damaged);

/* Decodes base64; returns its length, or -1 if it is none. */
static inline long
model_json_base64(const char *text, size_t len, char *to)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t bits = 0, count = 0, padding = 0, made = 0;
	unsigned value = 0;

	for (size_t i = 0; i < len; i++)
	{
		const char *digit;

		if (text[i] == '\n' || text[i] == '\r')
			continue;
		count++;
		if (text[i] == '=')
		{
			padding++;
			continue;
		}
		if (padding > 0 || text[i] == '\0' || (digit = strchr(digits, text[i])) == NULL)
			return -1;
		value = value << 6 | (unsigned) (digit - digits);
		bits += 6;
		if (bits >= 8)
		{
			bits -= 8;
			to[made++] = (char) (value >> bits & 255);
		}
	}
	return count % 4 == 0 && padding <= 2 ? (long) made : -1;
}

/* Inflates gzip data, as far as whole pieces of it are good. */
static inline ModelText
model_json_inflate(const char *data, size_t len)
{
	ModelText made = {.data = malloc(MODEL_ROOM(64 * len)), .status = FLOW_OK};
	const uint8_t *in = (const uint8_t *) data, *end = in + len;
	uint8_t *block = malloc(64 * 1024);
	void *state;

	if (flow_gzip_codec.create(&unit_host, NULL, &state, &made.error) != FLOW_OK)
		abort();
	while (made.status == FLOW_OK)
	{
		uint8_t *out = block;

		made.status =
			flow_gzip_codec.step(state, &in, end, true, &out, block + 64 * 1024, 0, &made.error);
		if (made.len > MODEL_ROOM(64 * len) - 64 * 1024)
			abort();
		if (made.status == FLOW_OK || made.status == FLOW_END)
			model_json_add(&made, (char *) block, (size_t) (out - block));
	}
	flow_gzip_codec.free(state);
	free(block);
	return made;
}

/* Adds a line for each line of a text. */
static inline void
model_json_add_text(ModelEvents *events, const char *text, size_t len)
{
	for (size_t from = 0, to; from < len; from = to + 1)
	{
		const char *newline = memchr(text + from, '\n', len - from);

		to = newline != NULL ? (size_t) (newline - text) : len;
		if (to == from || (to == from + 1 && text[from] == '\r'))
			continue;
		model_json_add_mark(events, false);
		if (events->time != NULL)
			model_json_add(events->made, events->time, strlen(events->time));
		else
			model_json_add(events->made, "-", 1);
		model_json_add(events->made, " ", 1);
		model_json_add_message(events, text + from, to - from);
		model_json_add(events->made, "\n", 1);
	}
}

/* Returns true if a text is one object of JSON. */
static inline bool
model_json_is_object(const char *text, size_t len)
{
	ModelJson json = {.data = text, .len = len};
	ModelNode *node;
	bool good;

	if (model_json_skip_blanks(&json) != '{')
		return false;
	node = model_json_value(&json);
	good = node->whole && model_json_skip_blanks(&json) < 0;
	model_json_free(node);
	return good;
}

/* Adds the lines of JSON or text in a message. */
static inline void
model_json_add_content_of(ModelEvents *events, bool json, const char *data, size_t len,
                          const char *where, const char *time, bool damaged)
{
	ModelEvents lines = *events;

	lines.time = time;
	lines.where = where;
	lines.depth++;
	if (json)
		model_json_unwrap_in(lines, data, len, damaged);
	else
		model_json_add_text(&lines, data, len);
}

/*
 * Adds the lines of what is in a message, if it is JSON or base64.  Returns
 * false if there is nothing.
 */
static inline bool
model_json_add_content(ModelEvents *events, const ModelRecord *record, size_t at)
{
	const ModelNode *message = record->message;
	char *text = malloc(message->len + 1), where[400], *time = NULL;
	ModelText times = {.data = malloc(events->max_text + 4200)}, *made = events->made, inflated;
	long len = (long) message->len;
	bool found = false, plain = false, json = true;

	memcpy(text, message->text, message->len);
	if (record->is_data)
		len = model_json_base64(message->text, message->len, text);
	else if (!model_json_is_object(message->text, message->len))
		len = -1;
	snprintf(where,
	         sizeof(where),
	         "the text of the event that ends at byte %zu in value %" PRIu64 " of %s",
	         at,
	         events->number,
	         events->where);

	/* the time of the event is that of what is in it */
	events->made = &times;
	if (model_json_add_time_of(events, record))
	{
		times.data[times.len] = '\0';
		time = times.data;
	}
	events->made = made;

	if (events->depth == 4 && (record->is_data || len >= 0))
	{
		found = true;
		model_json_fail_at(events, at, FLOW_LIMIT);
		snprintf(events->problem,
		         sizeof(events->problem),
		         "There are more than 4 texts of JSON within each other in value %" PRIu64
		         " of %s.",
		         events->number,
		         events->where);
	}
	else if (len >= 2 && record->is_data && memcmp(text, "\x1F\x8B", 2) == 0)
	{
		found = true;
		inflated = model_json_inflate(text, (size_t) len);
		json = inflated.len > 0 && flow_json_recognizes((uint8_t *) inflated.data, inflated.len);
		if (inflated.status != FLOW_END)
			while (!json && inflated.len > 0 && inflated.data[inflated.len - 1] != '\n')
				inflated.len--;
		model_json_add_content_of(
			events, json, inflated.data, inflated.len, where, time, inflated.status != FLOW_END);
		if (inflated.status != FLOW_END && made->status == FLOW_OK)
		{
			model_json_fail_at(events, at, FLOW_CORRUPT);
			strcpy(events->problem, "The gzip data are not whole in the text");
		}
		free(inflated.data);
	}
	else if (len > 0 && record->is_data)
	{
		found = plain = true;
		for (long i = 0; i < len && i < 512; i++)
			found &= (unsigned char) text[i] >= ' ' || strchr("\t\n\r", text[i]) != NULL;
		found &= memchr(text, '\0', len < 512 ? (size_t) len : 512) == NULL;
		json = flow_json_recognizes((uint8_t *) text, (size_t) len);
	}
	else if (len >= 0 && !record->is_data)
		found = plain = true;
	if (found && plain)
		model_json_add_content_of(events, json, text, (size_t) len, where, time, false);
	free(times.data);
	free(text);
	return found;
}

/* ---------- events ---------- */

static inline bool model_json_array(ModelEvents *events, ModelRecord *record,
                                    const ModelNode *array, char mode, int level, int depth);

/* Reads the value of a member, or an element of a row, that was named. */
static inline bool model_json_member(ModelEvents *events, ModelRecord *record, ModelSet *set,
                                     const ModelNode *node, const char *name, size_t len, char kind,
                                     int level, int parts, int depth);

/* Reads the members of a value that json.c reads in its own way. */
static inline bool
model_json_special(ModelEvents *events, ModelRecord *record, const ModelNode *node)
{
	bool begun = node->whole || node->opened;
	bool array = node->type == '[' && node->opened;
	size_t begun_at = node->opened ? node->begin + 1 : node->end;

	if (model_json_has_key(node, "messageType") && begun)
	{
		events->known = true;
		events->control =
			node->type == '"' && node->len == 15 && memcmp(node->text, "CONTROL_MESSAGE", 15) == 0;
		record->has_named |= events->control;
		if (events->control && events->given)
			return model_json_fail_at(events, begun_at, FLOW_UNSUPPORTED);
		if (events->control && events->has_log_events)
		{
			events->made->len = events->before;
			*events->by_key = events->by_key_before;
		}
	}
	else if (model_json_has_key(node, "logEvents") && begun)
	{
		if (record->has_events)
			return model_json_fail_at(events, begun_at, FLOW_UNSUPPORTED);
		events->has_log_events = record->has_named = true;
		record->has_events = array && !events->control;
		if (record->has_events)
			return model_json_array(events, record, node, 'e', 1, 2);
	}
	else if (model_json_has_key(node, "events") && array && !events->control &&
	         !events->has_log_events)
	{
		record->has_events = record->has_named = true;
		return model_json_array(events, record, node, 'e', 1, 2);
	}
	return true;
}

/* Reads the members of an object. */
static inline bool
model_json_object(ModelEvents *events, ModelRecord *record, ModelSet *set, const ModelNode *object,
                  char kind, int level, int parts, int depth)
{
	for (const ModelNode *node = object->first; node != NULL; node = node->next)
	{
		char class;
		bool ignored;
		int id;

		if (node->key == NULL)
			return true;
		class = model_json_class(events, kind, node->key, node->key_len, &id);
		if (class == 'm')
			for (const ModelNode *other = object->first; other != node; other = other->next)
				if (other->key_len == node->key_len &&
				    memcmp(other->key, node->key, node->key_len) == 0)
					return model_json_fail_at(events, node->key_end, FLOW_CORRUPT);
		if (!model_json_count(events, set, class, id, node->key, node->key_len, node, &ignored))
			return model_json_fail_at(events, node->key_end, FLOW_CORRUPT);
		if (kind == 'v' &&
		    (model_json_has_key(node, "messageType") || model_json_has_key(node, "logEvents") ||
		     model_json_has_key(node, "events")))
		{
			if (!model_json_special(events, record, node))
				return false;
		}
		else if (!ignored && !model_json_member(events,
		                                        record,
		                                        set,
		                                        node,
		                                        node->key,
		                                        node->key_len,
		                                        kind,
		                                        level,
		                                        parts,
		                                        depth))
			return false;
	}
	return true;
}

/* Ends an object whose members may be a record. */
static inline bool
model_json_end_part(ModelEvents *events, ModelRecord *record, const ModelSet *set, size_t at)
{
	if (!model_json_is_record(set))
		return true;
	if (record->has_part)
		return model_json_fail_at(events, at, FLOW_UNSUPPORTED);
	record->part = *set;
	record->has_part = true;
	return true;
}

static inline bool
model_json_has_message(const ModelRecord *record)
{
	return record->message != NULL && !record->is_data;
}

static inline bool
model_json_member(ModelEvents *events, ModelRecord *record, ModelSet *set, const ModelNode *node,
                  const char *name, size_t len, char kind, int level, int parts, int depth)
{
	int time = model_json_find(model_times, name, len);
	int message = model_json_find(model_messages, name, len);
	bool in_object = kind == 'v' || kind == 'e' || kind == 'p';
	bool known;
	int id;
	char class = model_json_class(events, kind == 'r' ? 'e' : kind, name, len, &id);

	if (message == 1 && kind != 'p')
		message = -1;
	known = class == 'm' && model_json_find(model_arrays, name, len) >= 0;
	if (node->type == '{' && node->opened && in_object && class == 'm' &&
	    model_json_find(model_parts, name, len) >= 0)
	{
		ModelSet *part;
		bool good;

		if (parts == 3 || depth + 1 >= 16)
			return true;
		part = calloc(1, sizeof(ModelSet));
		good = model_json_object(events, record, part, node, 'p', level, parts + 1, depth + 1) &&
		       (!node->whole || model_json_end_part(events, record, part, node->end));
		free(part);
		return good;
	}
	if (node->type == '[' && node->opened && in_object && (known || class == 'o'))
	{
		if (record->has_named || model_json_has_message(record) || record->has_part ||
		    (!known && events->keys == NULL) || level + 1 == 4 || depth + 1 >= 16)
			return true;
		return model_json_array(events, record, node, known ? 'a' : 'r', level + 1, depth + 1);
	}
	if (class == 'f')
		model_json_check_value(events, set, id, node);
	else if (time >= 0 && node->type != 'n' && time < record->time_rank && node->type != '\0')
	{
		record->time = node;
		record->time_rank = time;
	}
	else if (message >= 0 && time < 0 && node->type == '"' && node->whole)
	{
		int rank = node->len > 0 ? message : 98;

		if (rank < record->message_rank)
		{
			record->message = node;
			record->message_rank = rank;
			record->is_data = message >= MODEL_DATA;
		}
	}
	return true;
}

/* A field of a row of which only the name was read. */
static const ModelNode model_json_none = {.type = 'n'};

/* Reads an object of a row: a name and a value. */
static inline bool
model_json_pair(ModelEvents *events, ModelRecord *record, ModelSet *set, const ModelNode *pair,
                const char **seen, int *nseen, int level, int depth)
{
	const ModelNode *name = NULL;
	bool ignored = false;

	for (const ModelNode *node = pair->first; node != NULL; node = node->next)
	{
		bool is_name, is_value;
		char class;
		int id;

		if (node->key == NULL)
			return true;
		is_name = model_json_has_key(node, "field");
		is_value = model_json_has_key(node, "value");
		for (const ModelNode *other = pair->first; other != node && (is_name || is_value);
		     other = other->next)
			if (other->key_len == node->key_len &&
			    memcmp(other->key, node->key, node->key_len) == 0)
				return model_json_fail_at(events, node->key_end, FLOW_CORRUPT);
		if (is_name && node->type == '"' && node->whole)
		{
			name = node;
			ignored = false;
			class = model_json_class(events, 'e', node->text, node->len, &id);
			if (class == 'm')
			{
				for (int i = 0; i < *nseen; i++)
					if (strlen(seen[i]) == node->len && memcmp(seen[i], node->text, node->len) == 0)
						return model_json_fail_at(events, node->end, FLOW_CORRUPT);
				node->text[node->len] = '\0';
				seen[(*nseen)++] = node->text;
			}
			else if (!model_json_count(
						 events, set, class, id, node->text, node->len, &model_json_none, &ignored))
				return model_json_fail_at(events, node->end, FLOW_CORRUPT);
		}
		if (is_value && name == NULL && (node->whole || node->opened))
			return model_json_fail_at(events,
			                          node->opened ? node->begin + 1 : node->end,
			                          FLOW_UNSUPPORTED);
		if (is_value && name != NULL && !ignored &&
		    !model_json_member(
				events, record, set, node, name->text, name->len, 'r', level, 0, depth))
			return false;
	}
	return true;
}

/* Reads an array that is an event. */
static inline bool
model_json_row(ModelEvents *events, ModelRecord *record, ModelSet *set, const ModelNode *row,
               int level, int depth)
{
	const char *seen[64];
	int element = 0, nseen = 0;

	for (const ModelNode *node = row->first; node != NULL; node = node->next, element++)
	{
		if (node->type == '{' && node->opened)
		{
			if (depth + 1 < 16 &&
			    !model_json_pair(events, record, set, node, seen, &nseen, level, depth + 1))
				return false;
		}
		else if (element < 2 && node->type != '[' &&
		         !model_json_member(events,
		                            record,
		                            set,
		                            node,
		                            element == 0 ? "timestamp" : "message",
		                            element == 0 ? 9 : 7,
		                            'r',
		                            level,
		                            0,
		                            depth))
			return false;
	}
	return true;
}

/* Chooses what the record of an event is that ends "at". */
static inline bool
model_json_choose(ModelEvents *events, ModelRecord *record, size_t at)
{
	const ModelNode *message = record->message;
	bool has_fields;

	if (!model_json_end_part(events, record, &record->own, at))
		return false;
	has_fields = record->by_key = record->has_part;
	if (has_fields && model_json_has_message(record))
	{
		ModelJson blanks = {.data = message->text, .len = message->len};

		/* of a text that is too long, the beginning is known */
		if (memchr(message->text,
		           ' ',
		           message->len < events->max_text ? message->len : events->max_text) != NULL ||
		    model_json_skip_blanks(&blanks) == '{')
			record->by_key = false;
	}
	if (record->has_events && (has_fields || message != NULL))
		return model_json_fail_at(events, at, FLOW_UNSUPPORTED);
	return true;
}

/* Adds the line of an event. */
static inline bool
model_json_add_event(ModelEvents *events, const ModelRecord *record, const ModelNode *event)
{
	char broken = record->part.broken;
	bool is_text = record->message != NULL && !record->by_key;

	if (is_text)
	{
		ModelJson blanks = {.data = record->message->text, .len = record->message->len};

		if ((record->is_data || model_json_skip_blanks(&blanks) == '{') &&
		    model_json_add_content(events, record, event->end))
			return events->failed_at == 0 && events->made->status == FLOW_OK;
		is_text = !record->is_data;
	}
	if (record->by_key && broken == '\0' &&
	    model_json_cut(events, &record->part, (size_t[128]) {0}))
		broken = FLOW_CUT_VALUE;
	if (record->by_key)
		model_json_add_mark(events, true);
	if (record->by_key && broken == '\0')
	{
		model_json_add_fields(events, record, &record->part, event);
	}
	else if (is_text)
	{
		model_json_add_mark(events, false);
		if (!model_json_add_time_of(events, record))
			model_json_add(events->made, "-", 1);
		model_json_add(events->made, " ", 1);
		model_json_add_message(events, record->message->text, record->message->len);
	}
	else
	{
		model_json_add(events->made, "", 1);
		if (record->by_key)
			model_json_add(events->made, &broken, 1);
		model_json_add_shown(events, event);
	}
	model_json_add(events->made, "\n", 1);
	return true;
}

/*
 * Reads an array of events: mode 'e', or 'a' or 'r' if the first element must
 * be any record, or one with a member for each field.
 */
static inline bool
model_json_array(ModelEvents *events, ModelRecord *around, const ModelNode *array, char mode,
                 int level, int depth)
{
	bool good = true;

	for (const ModelNode *event = array->first; event != NULL && good; event = event->next)
	{
		ModelRecord *record = calloc(1, sizeof(ModelRecord));
		bool more = true;

		record->time_rank = record->message_rank = 100;
		if (event->type == '{' && event->opened && depth + 1 < 16)
			good = model_json_object(events, record, &record->own, event, 'e', level, 0, depth + 1);
		else if (event->type == '[' && event->opened && mode != 'r' && depth + 1 < 16)
			good = model_json_row(events, record, &record->own, event, level, depth + 1);
		more = good && event->whole;
		good = more && model_json_choose(events, record, event->end);
		if (good && mode != 'e')
		{
			more = record->has_events || record->by_key || (mode == 'a' && record->message != NULL);
			mode = 'e';
			around->has_events |= more;
		}
		if (good && more && !record->has_events)
			good = model_json_add_event(events, record, event);
		if (good && more)
			events->given |= !events->has_log_events;
		free(record);
		if (!more)
			return events->failed_at == 0;
	}
	return good;
}

/* ---------- values ---------- */

/* Adds the lines of a value, which is an object or a row. */
static inline void
model_json_add_value(ModelEvents *events, const ModelNode *value)
{
	ModelRecord *record = calloc(1, sizeof(ModelRecord));
	bool good;

	record->time_rank = record->message_rank = 100;
	events->before = events->made->len;
	events->by_key_before = *events->by_key;
	if (value->type == '{')
		good = model_json_object(events, record, &record->own, value, 'v', 0, 0, 1);
	else
		good = model_json_row(events, record, &record->own, value, 0, 1);

	/* lines that are held back at an error are lost */
	if ((!good || !value->whole) && events->has_log_events && !events->known)
		events->made->len = events->before;
	if (good && value->whole && events->control)
		events->made->skipped++;
	else if (good && value->whole && !(record->has_events && record->has_named) &&
	         model_json_choose(events, record, value->end) && !record->has_events)
		model_json_add_event(events, record, value);
	free(record);
}

/* ---------- files ---------- */

/* Ends the lines with an error in a value: at a byte, or at its end. */
static inline void
model_json_fail(const ModelEvents *events, FlowStatus status, size_t at)
{
	FlowError *error = &events->made->error;

	events->made->status = status;
	if (events->problem[0] != '\0')
		snprintf(error->detail, sizeof(error->detail), "%s", events->problem);
	else if (at > 0)
		snprintf(error->detail,
		         sizeof(error->detail),
		         " at byte %zu in value %" PRIu64 " of %s.",
		         at,
		         events->number,
		         events->where);
	else
		snprintf(error->detail,
		         sizeof(error->detail),
		         " value %" PRIu64 " of %s.",
		         events->number,
		         events->where);
}

/* Reads the value at *at.  Returns false if the output ends with it. */
static inline bool
model_json_take_value(ModelEvents events, const char *data, size_t len, size_t *at, bool damaged)
{
	ModelJson json = {.data = data + *at, .len = len - *at};
	ModelNode *value = model_json_value(&json);

	events.data = json.data;
	model_json_add_value(&events, value);
	model_json_free(value);
	*at += json.at;
	if (events.failed_at != 0)
		model_json_fail(&events, events.failure, events.failed_at);
	else if (events.made->status == FLOW_OK && json.too_deep)
		model_json_fail(&events, FLOW_LIMIT, 0);
	else if (events.made->status == FLOW_OK && json.failed)
		model_json_fail(&events, FLOW_CORRUPT, json.at);
	else if (events.made->status == FLOW_OK && json.ends && !damaged)
		model_json_fail(&events, FLOW_CORRUPT, 0);
	return events.made->status == FLOW_OK;
}

/* Adds the lines of values, one after the other or in an array. */
static inline void
model_json_unwrap_in(ModelEvents events, const char *data, size_t len, bool damaged)
{
	ModelText *made = events.made;
	bool in_array = false, comma = false;
	size_t at = 0;

	events.number = 0;
	events.failed_at = 0;
	events.has_log_events = events.given = events.known = events.control = false;
	while (made->status == FLOW_OK && at < len)
	{
		char byte = data[at];

		if ((byte == '{' || (byte == '[' && in_array)) && !comma)
		{
			events.number++;
			comma = in_array;
			model_json_take_value(events, data, len, &at, damaged);
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
		{
			events.number++;
			model_json_fail(&events, FLOW_CORRUPT, 0);
		}
	}
	if (made->status == FLOW_OK && in_array && !damaged)
		model_json_fail(&events, FLOW_CORRUPT, 0);
}

/*
 * Returns what the codec should make of a file.  The detail of an error is
 * only a part of the codec's.
 */
static inline ModelText
model_json_unwrap(const char *data, size_t len, const FlowUnwrap *unwrap)
{
	ModelText made = {.data = malloc(MODEL_ROOM(len))};
	bool by_key = false;
	const ModelEvents events = {.keys = unwrap->keys,
	                            .max_text = unwrap->max_line_length + 3,
	                            .made = &made,
	                            .by_key = &by_key,
	                            .where = "the file"};

	model_json_unwrap_in(events, data, len, false);
	if (made.status == FLOW_OK)
		made.status = FLOW_END;
	return made;
}

/*
 * Returns true if the codec's output is as wanted.  Before an error in a text
 * within an event, the event itself may have been written or not.
 */
static inline bool
model_json_agrees(const ModelText *made, const ModelText *want)
{
	bool ended = made->status == FLOW_END;
	size_t len = made->len < want->len ? made->len : want->len;

	return made->status == want->status && made->skipped == want->skipped &&
	       (made->len == want->len || !ended) && memcmp(made->data, want->data, len) == 0 &&
	       (ended || strstr(made->error.detail, want->error.detail) != NULL);
}

#endif /* MODEL_JSON_H */
