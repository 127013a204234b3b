/*-------------------------------------------------------------------------
 *
 * json.c
 *	  Takes records out of the JSON that carries CloudWatch's events, and texts out of
 *	  other JSON; the only file that knows jansson.
 *
 * Known are a subscription's payloads ({"messageType": "DATA_MESSAGE", "logEvents": [...]}: Amazon
 * CloudWatch Logs User Guide, "Real-time processing of log data with subscriptions"), which Firehose
 * writes one directly behind the other; answers of the API ({"events": [...]}); and single
 * events ({"timestamp": ..., "message": ...}), one behind the other or in an array.
 *
 * The end of each value at the top is found first, so memory is bounded by the largest of
 * them; jansson then reads it as a whole.
 *
 *-------------------------------------------------------------------------
 */
#include "internal.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

/*
 * A value at the top is not larger.  CloudWatch's payloads have 1 MB at most before Firehose
 * unpacks them.  jansson needs 0.1 s for so much, in which nobody can interrupt it.
 */
#define MOST_VALUE (16 * 1024 * 1024)
#define FIRST_ROOM (16 * 1024)

/* Bytes shown of an event that has no message. */
#define SHOWN 64

/* What a byte outside of strings is to the search for the end of a value. */
typedef enum JsonPlace
{
	PLACE_BETWEEN, /* before a value, or behind one */
	PLACE_INSIDE,
	PLACE_STRING,
	PLACE_ESCAPE /* in a string, behind a backslash */
} JsonPlace;

typedef struct Buffer
{
	char *data;
	size_t len;
	size_t room;
} Buffer;

typedef struct Json
{
	const FlowHost *host;

	/* the value that is being collected */
	JsonPlace place;
	int depth;     /* of braces and brackets */
	bool in_array; /* one at the top, whose elements are the values */
	bool comma;    /* a comma must come before the next of them */
	Buffer value;
	uint64_t number; /* of values that were begun */

	/* the one whose events are given out, if any */
	json_t *root;
	json_t *events; /* an array in it; NULL: it is an event itself */
	size_t next;    /* of them */
	Buffer line;
	size_t given; /* of the line */

	uint64_t skipped;
} Json;

bool
flow_json_recognizes(const uint8_t *data, size_t len)
{
	size_t i = 0;

	while (i < len && (data[i] == ' ' || data[i] == '\t' || data[i] == '\r' || data[i] == '\n'))
		i++;
	return i < len && (data[i] == '{' || data[i] == '[');
}

static FlowStatus
json_create(const FlowHost *host, void **state, FlowError *error)
{
	Json *json = flow_allocate(host, sizeof(Json));

	if (json == NULL)
		return flow_error_memory(error);
	*json = (Json) {.host = host};
	*state = json;
	return FLOW_OK;
}

static void
json_free(void *state)
{
	Json *json = state;

	if (json == NULL)
		return;
	json_decref(json->root);
	flow_free(json->host, json->value.data);
	flow_free(json->host, json->line.data);
	flow_free(json->host, json);
}

static uint64_t
json_skipped(const void *state)
{
	return ((const Json *) state)->skipped;
}

/* ---------- buffers ---------- */

static FlowStatus
append(const FlowHost *host, Buffer *buffer, const char *data, size_t len, FlowError *error)
{
	if (buffer->room - buffer->len < len)
	{
		size_t room = buffer->room > 0 ? buffer->room * 2 : FIRST_ROOM;
		char *larger;

		while (room - buffer->len < len)
			room *= 2;
		larger = flow_allocate(host, room);
		if (larger == NULL)
			return flow_error_memory(error);
		if (buffer->len > 0)
			memcpy(larger, buffer->data, buffer->len);
		flow_free(host, buffer->data);
		buffer->data = larger;
		buffer->room = room;
	}
	memcpy(buffer->data + buffer->len, data, len);
	buffer->len += len;
	return FLOW_OK;
}

/* ---------- events to lines ---------- */

/* A time as it stood, if that is a number or text that stays one field. */
static FlowStatus
append_time(Json *json, const json_t *event, FlowError *error)
{
	const json_t *time = json_object_get(event, "timestamp");
	char number[32];

	if (json_is_integer(time))
	{
		int len = snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(time));

		return append(json->host, &json->line, number, (size_t) len, error);
	}
	if (json_is_string(time) && json_string_length(time) > 0)
	{
		const char *text = json_string_value(time);
		size_t len = json_string_length(time);
		bool one = true;

		for (size_t i = 0; i < len; i++)
			one &= (unsigned char) text[i] > ' ';
		if (one)
			return append(json->host, &json->line, text, len, error);
	}
	return append(json->host, &json->line, "-", 1, error);
}

/* A message; one line break at its end is no part of the record, others make it none. */
static FlowStatus
append_message(Json *json, const json_t *message, FlowError *error)
{
	size_t from = json->line.len;
	size_t len = json_string_length(message);
	const char *text = json_string_value(message);
	FlowStatus status;

	if (len > 0 && text[len - 1] == '\n')
		len--;
	if (len > 0 && text[len - 1] == '\r')
		len--;
	status = append(json->host, &json->line, text, len, error);
	for (size_t i = from; i < json->line.len; i++)
		if (json->line.data[i] == '\n' || json->line.data[i] == '\r')
			json->line.data[i] = '\0';
	return status;
}

/* Takes what jansson writes, as far as it is shown. */
static int
take_shown(const char *data, size_t len, void *arg)
{
	Buffer *shown = arg;
	size_t room = shown->room - shown->len;

	memcpy(shown->data + shown->len, data, len < room ? len : room);
	shown->len += len < room ? len : room;
	return 0;
}

/* What has no message cannot be a record; its beginning is for who looks at the rejects. */
static FlowStatus
append_other(Json *json, const json_t *event, FlowError *error)
{
	char text[SHOWN];
	Buffer shown = {text, 0, sizeof(text)};
	FlowStatus status = append(json->host, &json->line, "", 1, error);

	(void) json_dump_callback(event, take_shown, &shown, JSON_COMPACT | JSON_ENCODE_ANY);
	return status == FLOW_OK ? append(json->host, &json->line, text, shown.len, error) : status;
}

static FlowStatus
make_line(Json *json, const json_t *event, FlowError *error)
{
	const json_t *message = json_object_get(event, "message");
	FlowStatus status;

	json->line.len = json->given = 0;
	if (!json_is_string(message))
		status = append_other(json, event, error);
	else if ((status = append_time(json, event, error)) == FLOW_OK &&
	         (status = append(json->host, &json->line, " ", 1, error)) == FLOW_OK)
		status = append_message(json, message, error);
	return status == FLOW_OK ? append(json->host, &json->line, "\n", 1, error) : status;
}

/* The next event of the value that was read last; FLOW_END if there is none. */
static FlowStatus
next_event(Json *json, FlowError *error)
{
	const json_t *event;

	if (json->root == NULL)
		return FLOW_END;
	event = json->events != NULL ? json_array_get(json->events, json->next) : json->next == 0 ? json->root
	                                                                                          : NULL;
	if (event == NULL)
	{
		json_decref(json->root);
		json->root = json->events = NULL;
		return FLOW_END;
	}
	json->next++;
	return make_line(json, event, error);
}

/* ---------- values ---------- */

static FlowStatus
corrupt(const Json *json, const char *problem, FlowError *error)
{
	flow_error_set(error, FLOW_CORRUPT, "is not well-formed JSON");
	flow_error_detail(error, "%s in value %" PRIu64 " of the file.", problem, json->number);
	return FLOW_CORRUPT;
}

/*
 * Reads the value that was collected.  What its text says twice would be lost once, so that is an
 * error; a NUL byte in a message is for the reader of lines to see.
 */
static FlowStatus
read_value(Json *json, FlowError *error)
{
	json_error_t problem;
	const json_t *type;

	json->root = json_loadb(json->value.data, json->value.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &problem);
	if (json->root == NULL)
	{
		char where[64];

		if (json_error_code(&problem) == json_error_out_of_memory)
			return flow_error_memory(error);
		/* jansson's own text may show what stands in the log */
		snprintf(where, sizeof(where), "There is an error at byte %d", problem.position);
		return corrupt(json, where, error);
	}

	json->next = 0;
	json->events = json_object_get(json->root, "logEvents");
	if (json->events == NULL)
		json->events = json_object_get(json->root, "events");
	if (!json_is_array(json->events))
		json->events = NULL;

	type = json_object_get(json->root, "messageType");
	if (json_is_string(type) && strcmp(json_string_value(type), "CONTROL_MESSAGE") == 0)
	{
		json->skipped++;
		json_decref(json->root);
		json->root = json->events = NULL;
	}
	return FLOW_OK;
}

/* Takes a byte between values: blanks, the beginning of a value, or an array that holds them. */
static FlowStatus
take_between(Json *json, char byte, FlowError *error)
{
	switch (byte)
	{
		case ' ':
		case '\t':
		case '\r':
		case '\n':
			return FLOW_OK;
		case '{':
			json->number++;
			if (json->comma)
				return corrupt(json, "There is no comma before an object", error);
			json->place = PLACE_INSIDE;
			json->depth = 1;
			json->value.len = 0;
			return append(json->host, &json->value, &byte, 1, error);
		case '[':
			if (json->in_array)
				break;
			json->in_array = true;
			return FLOW_OK;
		case ',':
			if (!json->comma)
				break;
			json->comma = false;
			return FLOW_OK;
		case ']':
			if (!json->in_array)
				break;
			json->in_array = json->comma = false;
			return FLOW_OK;
		default:
			break;
	}
	json->number++;
	return corrupt(json, "There is no object", error);
}

/* How many bytes from here on belong to the value; *ends: the last of them ends it. */
static size_t
scan_value(Json *json, const uint8_t *data, size_t len, bool *ends)
{
	JsonPlace place = json->place;
	size_t i = 0;

	*ends = false;
	while (i < len && !*ends)
	{
		uint8_t byte = data[i++];

		if (place == PLACE_ESCAPE)
			place = PLACE_STRING;
		else if (byte == '"')
			place = place == PLACE_STRING ? PLACE_INSIDE : PLACE_STRING;
		else if (place == PLACE_STRING)
			place = byte == '\\' ? PLACE_ESCAPE : PLACE_STRING;
		else if (byte == '{' || byte == '[')
			json->depth++;
		else if (byte == '}' || byte == ']')
			*ends = --json->depth == 0;
	}
	json->place = *ends ? PLACE_BETWEEN : place;
	return i;
}

/* Takes bytes until a value has ended, or all. */
static FlowStatus
collect(Json *json, const uint8_t **in, const uint8_t *stop, FlowError *error)
{
	while (*in < stop)
	{
		FlowStatus status;
		size_t len;
		bool ends;

		if (json->place == PLACE_BETWEEN)
		{
			if ((status = take_between(json, (char) *(*in)++, error)) != FLOW_OK)
				return status;
			continue;
		}
		len = scan_value(json, *in, (size_t) (stop - *in), &ends);
		if (len > MOST_VALUE - json->value.len)
		{
			flow_error_set(error, FLOW_LIMIT, "has a JSON value that is too large");
			flow_error_detail(error, "Value %" PRIu64 " of the file has more than %d MiB.", json->number, MOST_VALUE >> 20);
			return FLOW_LIMIT;
		}
		status = append(json->host, &json->value, (const char *) *in, len, error);
		*in += len;
		if (status != FLOW_OK)
			return status;
		if (ends)
		{
			json->comma = json->in_array;
			return read_value(json, error);
		}
	}
	return FLOW_OK;
}

static FlowStatus
json_step(void *state, const uint8_t **in, const uint8_t *in_end, bool last, uint8_t **out, uint8_t *out_end,
          uint64_t offset, FlowError *error)
{
	Json *json = state;
	const uint8_t *stop = in_end - *in > FLOW_BLOCK_SIZE ? *in + FLOW_BLOCK_SIZE : in_end;
	FlowStatus status;

	(void) offset;
	for (;;)
	{
		size_t len = json->line.len - json->given;

		if (len > (size_t) (out_end - *out))
			len = (size_t) (out_end - *out);
		if (len > 0)
			memcpy(*out, json->line.data + json->given, len);
		*out += len;
		json->given += len;
		if (json->given < json->line.len)
			return FLOW_OK;

		status = next_event(json, error);
		if (status == FLOW_END)
		{
			if (*in == stop)
				break;
			status = collect(json, in, stop, error);
		}
		if (status != FLOW_OK)
			return status;
	}
	if (*in < in_end || !last)
		return FLOW_OK;
	if (json->place != PLACE_BETWEEN || json->in_array)
		return corrupt(json, "The file ends", error);
	return FLOW_END;
}

const FlowCodec flow_json_codec = {
	.name = "json",
	.recognizes = flow_json_recognizes,
	.create = json_create,
	.free = json_free,
	.step = json_step,
	.skipped = json_skipped};

/* ---------- other JSON ---------- */

bool
flow_json_member(const char *json, size_t len, const char *name, char *text, size_t size)
{
	json_error_t problem;
	json_t *root = json_loadb(json, len, JSON_REJECT_DUPLICATES, &problem);
	const json_t *member = json_object_get(root, name);
	bool found = json_is_string(member) && json_string_length(member) < size;

	if (found)
		memcpy(text, json_string_value(member), json_string_length(member) + 1);
	json_decref(root);
	return found;
}
