/*-------------------------------------------------------------------------
 *
 * json.c
 *	  Takes records out of the JSON that carries CloudWatch's events.
 *
 * Known are a subscription's payloads ({"messageType": "DATA_MESSAGE",
 * "logEvents": [...]}: Amazon CloudWatch Logs User Guide, "Real-time
 * processing of log data with subscriptions"), which Firehose writes one
 * directly after the other; answers of the API ({"events": [...]}); and single
 * events ({"timestamp": ..., "message": ...}), one after the other or in an
 * array.
 *
 * json_token.c makes tokens of the bytes; this file knows what they mean.
 * members[] lists the members that are read, and of which objects; all others
 * are skipped.  json_event.c makes a line of each event as soon as it ends, so
 * that only one event is in memory, however large the value is.
 *
 * There is one exception.  The events of a control message are not records, so
 * events before the "messageType" of their value wait for it, or for the end
 * of the value.
 *
 * Most events are written like the one before them.  json_shape.c reads these
 * without the tokenizer (3 times as fast).
 *
 *-------------------------------------------------------------------------
 */
#include "json_event.h"
#include "json_shape.h"
#include "source.h"

#include <inttypes.h>
#include <stdio.h>

#define MAX_NAME 16  /* maximum length of a name in members[] */
#define MAX_PLACES 4 /* maximum depth of nested places */
#define MAX_PAUSE 63 /* maximum number of events that are skipped before another is learned */

/* What the tokens at a depth are. */
typedef enum JsonPlace
{
	PLACE_TOP,    /* a value */
	PLACE_VALUE,  /* members of a value, an object */
	PLACE_EVENTS, /* elements of its array of events */
	PLACE_EVENT,  /* members of an event in that array */
	PLACES
} JsonPlace;

typedef struct JsonMember JsonMember;

typedef struct Json
{
	const FlowHost *host;
	const uint8_t *in, *in_end; /* the step's input */
	uint64_t skipped;

	/* at the top */
	uint64_t number; /* number of values that have begun */
	bool inside;     /* a value has begun and not ended */
	bool in_array;   /* the values are the elements of an array */
	bool comma;      /* a comma must come before the next value */

	/* the value being read */
	FlowJsonTokenizer tokens;
	const uint8_t *value_begin; /* its first byte in this input */
	uint64_t value_before;      /* bytes of it before this input */
	JsonPlace places[MAX_PLACES];
	int skip_depth; /* everything this deep or deeper is skipped; 0: nothing */
	char name[MAX_NAME];
	size_t name_len;          /* bytes of it that were read */
	const JsonMember *member; /* the member whose value comes next, or NULL */
	uint32_t seen[PLACES];    /* bit by member */

	/* what is known about the value */
	char kind[MAX_NAME]; /* its "messageType" */
	size_t kind_len;
	bool kind_known;
	bool is_control;
	bool has_log_events; /* it has a member "logEvents", array or not */
	bool has_events;     /* it has an array of events: it is not an event */
	bool given_events;   /* lines were made from "events" */

	FlowJsonEvent event;

	/* how an event was written */
	FlowJsonShape shape;
	JsonPlace shape_place;
	int time_slot, message_slot; /* -1: none */
	const uint8_t *object_begin; /* first byte of the event; NULL: in an earlier input */
	int pause, wait;             /* events until the next is learned */
} Json;

/* A member that is read. */
struct JsonMember
{
	JsonPlace place; /* of which objects */
	const char *name;
	size_t name_len;

	/*
	 * Takes a token of its value: each piece of a string or number, a literal,
	 * or the beginning of an object or an array.  An object or array is
	 * skipped unless this function calls enter().
	 */
	FlowStatus (*take)(Json *json, FlowJsonToken token, FlowError *error);
};

static FlowStatus take_kind(Json *json, FlowJsonToken token, FlowError *error);
static FlowStatus take_log_events(Json *json, FlowJsonToken token, FlowError *error);
static FlowStatus take_events(Json *json, FlowJsonToken token, FlowError *error);
static FlowStatus take_time(Json *json, FlowJsonToken token, FlowError *error);
static FlowStatus take_message(Json *json, FlowJsonToken token, FlowError *error);

#define NAME(name) (name), sizeof(name) - 1

static const JsonMember members[] = {{PLACE_VALUE, NAME("messageType"), take_kind},
                                     {PLACE_VALUE, NAME("logEvents"), take_log_events},
                                     {PLACE_VALUE, NAME("events"), take_events},
                                     {PLACE_VALUE, NAME("timestamp"), take_time},
                                     {PLACE_VALUE, NAME("message"), take_message},
                                     {PLACE_EVENT, NAME("timestamp"), take_time},
                                     {PLACE_EVENT, NAME("message"), take_message}};

static inline bool
is_blank(uint8_t byte)
{
	return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* Returns true if the data may be JSON with events. */
bool
flow_json_recognizes(const uint8_t *data, size_t len)
{
	size_t i = 0;

	while (i < len && is_blank(data[i]))
		i++;
	return i < len && (data[i] == '{' || data[i] == '[');
}

static FlowStatus
json_create(const FlowHost *host, const FlowUnwrap *unwrap, void **state, FlowError *error)
{
	Json *json = flow_allocate(host, sizeof(Json));

	if (json == NULL)
		return flow_error_memory(error);
	memset(json, 0, sizeof(Json));
	json->host = host;
	json->event.host = host;
	json->event.max_line_length = unwrap->max_line_length;
	*state = json;
	return FLOW_OK;
}

static void
json_free(void *state)
{
	Json *json = state;

	if (json == NULL)
		return;
	flow_json_event_free(&json->event);
	flow_free(json->host, json);
}

static uint64_t
json_skipped(const void *state)
{
	return ((const Json *) state)->skipped;
}

/* ---------- errors ---------- */

/*
 * Sets an error about the value that began last.  "problem" must be a
 * constant, or made of constants, because an error must not show what the file
 * contains.
 */
static FlowStatus
corrupt(const Json *json, const char *problem, FlowError *error)
{
	flow_error_set(error, FLOW_CORRUPT, "is not well-formed JSON");
	flow_error_detail(error, "%s in value %" PRIu64 " of the file.", problem, json->number);
	return FLOW_CORRUPT;
}

/* Adds to an error a problem and its place, the last byte that was read. */
static void
add_place(const Json *json, const char *problem, FlowError *error)
{
	uint64_t byte = json->value_before + (uint64_t) (json->in - json->value_begin);

	flow_error_detail(error,
	                  "%s at byte %" PRIu64 " in value %" PRIu64 " of the file.",
	                  problem,
	                  byte,
	                  json->number);
}

static FlowStatus
corrupt_here(const Json *json, const char *problem, FlowError *error)
{
	flow_error_set(error, FLOW_CORRUPT, "is not well-formed JSON");
	add_place(json, problem, error);
	return FLOW_CORRUPT;
}

/* Reports well-formed JSON that cannot be read as events. */
static FlowStatus
unsupported_here(const Json *json, const char *problem, FlowError *error)
{
	flow_error_set(error, FLOW_UNSUPPORTED, "has JSON that cannot be read as events");
	add_place(json, problem, error);
	return FLOW_UNSUPPORTED;
}

/* Reports an error of the tokenizer. */
static FlowStatus
token_error(const Json *json, FlowError *error)
{
	if (!json->tokens.too_deep)
		return corrupt_here(json, json->tokens.problem, error);
	flow_error_set(error, FLOW_LIMIT, "has JSON that is nested too deeply");
	flow_error_detail(error,
	                  "Value %" PRIu64
	                  " of the file has more than %d arrays and objects within each other.",
	                  json->number,
	                  FLOW_JSON_MAX_DEPTH);
	return FLOW_LIMIT;
}

/* Reports that too many events wait for the "messageType". */
static FlowStatus
too_many_held(const Json *json, FlowError *error)
{
	flow_error_set(error, FLOW_LIMIT, "has a JSON value that is too large");
	flow_error_detail(
		error,
		"Value %" PRIu64
		" of the file has more than %d MiB of \"logEvents\" before its \"messageType\".",
		json->number,
		FLOW_JSON_MAX_HELD >> 20);
	return FLOW_LIMIT;
}

/* ---------- members ---------- */

/* Returns true if a value ends with this token. */
static bool
ends_value(const Json *json, FlowJsonToken token)
{
	switch (token)
	{
		case FLOW_JSON_STRING:
		case FLOW_JSON_NUMBER:
			return json->tokens.ends;
		case FLOW_JSON_OBJECT:
		case FLOW_JSON_ARRAY:
			return false;
		default:
			return true;
	}
}

/* Returns true if an object or an array begins with this token. */
static bool
opens_value(FlowJsonToken token)
{
	return token == FLOW_JSON_OBJECT || token == FLOW_JSON_ARRAY;
}

/* Reads the object or array that has begun: its place is "place". */
static void
enter(Json *json, JsonPlace place)
{
	json->places[json->tokens.depth] = place;
	if (place != PLACE_EVENTS)
		json->seen[place] = 0;
	if (place == PLACE_EVENT)
		json->object_begin = json->in - 1;
	json->skip_depth = 0;
}

/* Reads a token of "messageType". */
static FlowStatus
take_kind(Json *json, FlowJsonToken token, FlowError *error)
{
	static const char control[] = "CONTROL_MESSAGE";
	size_t len = json->tokens.text.len;

	if (token == FLOW_JSON_STRING)
	{
		if (len > MAX_NAME - json->kind_len)
			len = MAX_NAME - json->kind_len;
		memcpy(json->kind + json->kind_len, json->tokens.text.data, len);
		json->kind_len += len;
		json->is_control = json->kind_len == sizeof(control) - 1 &&
		                   memcmp(json->kind, control, sizeof(control) - 1) == 0;
	}
	if (!ends_value(json, token) && !opens_value(token))
		return FLOW_OK;
	json->kind_known = true;
	if (json->is_control && json->given_events)
		return unsupported_here(json,
		                        "The \"messageType\" of a control message comes after \"events\"",
		                        error);
	if (json->is_control)
		flow_json_event_forget(&json->event);
	else
		flow_json_event_release(&json->event);
	return FLOW_OK;
}

/* Reads a token of "logEvents". */
static FlowStatus
take_log_events(Json *json, FlowJsonToken token, FlowError *error)
{
	if (!ends_value(json, token) && !opens_value(token))
		return FLOW_OK;
	if (json->has_events)
		return unsupported_here(json, "A member \"logEvents\" comes after \"events\"", error);
	json->has_log_events = true;
	if (token == FLOW_JSON_ARRAY && !json->is_control)
	{
		enter(json, PLACE_EVENTS);
		json->has_events = true;
		if (!json->kind_known)
			flow_json_event_hold(&json->event);
		flow_json_event_begin(&json->event, json->in);
	}
	return FLOW_OK;
}

/*
 * Reads a token of "events", the events of the API's answers, which have no
 * "logEvents".
 */
static FlowStatus
take_events(Json *json, FlowJsonToken token, FlowError *error)
{
	(void) error;
	if (token == FLOW_JSON_ARRAY && !json->is_control && !json->has_log_events)
	{
		enter(json, PLACE_EVENTS);
		json->has_events = true;
		flow_json_event_begin(&json->event, json->in);
	}
	return FLOW_OK;
}

static FlowStatus
take_time(Json *json, FlowJsonToken token, FlowError *error)
{
	return flow_json_event_take_time(&json->event, token, &json->tokens, error);
}

static FlowStatus
take_message(Json *json, FlowJsonToken token, FlowError *error)
{
	return flow_json_event_take_message(&json->event, token, &json->tokens, error);
}

/* ---------- tokens ---------- */

static const JsonMember *
find_member(JsonPlace place, const char *name, size_t len)
{
	for (size_t i = 0; i < flow_countof(members); i++)
		if (members[i].name_len == len && members[i].place == place &&
		    memcmp(members[i].name, name, len) == 0)
			return &members[i];
	return NULL;
}

/*
 * Reads a piece of a member's name.  RFC 8259 does not define what a repeated
 * name means, so that is an error.
 */
static FlowStatus
take_key(Json *json, FlowError *error)
{
	FlowSlice name = json->tokens.text;
	JsonPlace place = json->places[json->tokens.depth];
	uint32_t bit;

	if (!json->tokens.ends || json->name_len > 0)
	{
		/* a name cut to MAX_NAME bytes is longer than any in members[] */
		size_t len = name.len < MAX_NAME - json->name_len ? name.len : MAX_NAME - json->name_len;

		memcpy(json->name + json->name_len, name.data, len);
		json->name_len += len;
		if (!json->tokens.ends)
			return FLOW_OK;
		name = (FlowSlice) {json->name, json->name_len};
		json->name_len = 0;
	}

	json->member = find_member(place, name.data, name.len);
	if (json->member == NULL)
		return FLOW_OK;
	bit = UINT32_C(1) << (json->member - members);
	if ((json->seen[place] & bit) != 0)
	{
		char problem[64];

		snprintf(problem, sizeof(problem), "Member \"%s\" is repeated", json->member->name);
		return corrupt_here(json, problem, error);
	}
	json->seen[place] |= bit;
	return FLOW_OK;
}

/* Processes a token of a value other than the end of an object or an array. */
static FlowStatus
take_value(Json *json, FlowJsonToken token, FlowError *error)
{
	bool opens = opens_value(token);
	int depth = json->tokens.depth;

	if (opens)
		json->skip_depth = depth;
	switch (json->places[opens ? depth - 1 : depth])
	{
		case PLACE_TOP:
			enter(json, PLACE_VALUE);
			return FLOW_OK;
		case PLACE_EVENTS:
			if (token == FLOW_JSON_OBJECT)
				enter(json, PLACE_EVENT);
			return FLOW_OK;
		default:
			return json->member != NULL ? json->member->take(json, token, error) : FLOW_OK;
	}
}

/* ---------- events that are written like one before them ---------- */

enum
{
	ROLE_NONE,
	ROLE_TIME,
	ROLE_MESSAGE
};

/*
 * A FlowJsonRole; "arg" is the place.  An object is not learned if it has a
 * member that may make it something other than an event.
 */
static int
role_of_member(const void *arg, FlowSlice name)
{
	const JsonMember *member = find_member(*(const JsonPlace *) arg, name.data, name.len);

	if (member == NULL)
		return ROLE_NONE;
	return member->take == take_time ? ROLE_TIME : member->take == take_message ? ROLE_MESSAGE : -1;
}

/*
 * Learns how the event that has just ended is written.  Learning takes longer
 * than reading, so the pause until the next attempt grows while no event
 * matches.
 */
static void
learn_event(Json *json, JsonPlace place)
{
	FlowJsonShape *shape = &json->shape;

	if (json->object_begin == NULL || !json->event.message.whole || json->wait-- > 0)
		return;
	json->pause = json->pause < MAX_PAUSE / 2 ? 2 * json->pause + 1 : MAX_PAUSE;
	json->wait = json->pause;
	if (!flow_json_shape_learn(shape, json->object_begin, json->in, role_of_member, &place))
		return;

	json->shape_place = place;
	json->time_slot = json->message_slot = -1;
	for (int i = 0; i < shape->count; i++)
	{
		if (shape->slots[i].role == ROLE_TIME)
			json->time_slot = i;
		else if (shape->slots[i].role == ROLE_MESSAGE && shape->slots[i].is_string)
			json->message_slot = i;
	}
	if (json->message_slot < 0)
		shape->count = 0;
}

/*
 * If an event that is written like the one that was learned begins at "begin",
 * makes its line, moves the input to its end and returns true.
 */
static bool
take_alike(Json *json, JsonPlace place, const uint8_t *begin, FlowStatus *status, FlowError *error)
{
	FlowSlice values[FLOW_JSON_MAX_VALUES], time = {"", 0};
	const uint8_t *end = json->shape_place == place
	                         ? flow_json_shape_match(&json->shape, begin, json->in_end, values)
	                         : NULL;

	if (end == NULL)
		return false;
	if (json->time_slot >= 0)
		time = values[json->time_slot];
	if (time.len > json->event.max_line_length ||
	    values[json->message_slot].len > json->event.max_line_length)
		return false;
	if (json->time_slot >= 0 && !flow_json_time_is_plain(time))
		return false;
	*status = flow_json_event_add(&json->event, time, values[json->message_slot], error);
	json->in = end;
	json->pause = json->wait = 0;
	return true;
}

/* Reads all such events that follow in an array. */
static FlowStatus
take_all_alike(Json *json, FlowError *error)
{
	FlowStatus status = FLOW_OK;

	while (status == FLOW_OK && json->event.npending == 0 && json->in < json->in_end &&
	       *json->in == ',')
	{
		const uint8_t *p = json->in + 1;

		while (p < json->in_end && is_blank(*p))
			p++;
		if (!take_alike(json, PLACE_EVENT, p, &status, error))
			break;
	}
	return status;
}

/* ---------- events and values ---------- */

/* Ends an element of an array of events. */
static FlowStatus
end_event(Json *json, FlowError *error)
{
	FlowStatus status = flow_json_event_end(&json->event, json->in, error);

	learn_event(json, PLACE_EVENT);
	if (status == FLOW_OK)
		status = take_all_alike(json, error);
	if (status == FLOW_LIMIT)
		return too_many_held(json, error);
	json->given_events |= !json->has_log_events;
	flow_json_event_begin(&json->event, json->in);
	return status;
}

/* Ends a value. */
static FlowStatus
end_value(Json *json, FlowError *error)
{
	FlowStatus status = FLOW_OK;

	json->inside = false;
	json->comma = json->in_array;
	if (json->is_control)
		json->skipped++;
	else if (!json->has_events)
	{
		status = flow_json_event_end(&json->event, json->in, error);
		learn_event(json, PLACE_VALUE);
	}
	else
		flow_json_event_release(&json->event);
	return status;
}

/* Processes a token. */
static FlowStatus
take_token(Json *json, FlowJsonToken token, FlowError *error)
{
	FlowStatus status = FLOW_OK;
	int depth = json->tokens.depth;

	if (json->skip_depth > 0)
	{
		if (depth >= json->skip_depth)
			return FLOW_OK;
		json->skip_depth = 0;
	}
	else if (token == FLOW_JSON_KEY)
		return take_key(json, error);
	else if (token != FLOW_JSON_OBJECT_END && token != FLOW_JSON_ARRAY_END)
		status = take_value(json, token, error);

	if (status != FLOW_OK || !ends_value(json, token))
		return status;
	if (depth == 0)
		return end_value(json, error);
	return json->places[depth] == PLACE_EVENTS ? end_event(json, error) : FLOW_OK;
}

/*
 * Processes tokens until the value ends, a line is pending, or there are no
 * more.
 */
static FlowStatus
take_tokens(Json *json, FlowError *error)
{
	FlowStatus status = FLOW_OK;

	while (status == FLOW_OK && json->inside && json->event.npending == 0)
	{
		FlowJsonToken token = flow_json_next(&json->tokens, &json->in, json->in_end);

		if (token == FLOW_JSON_MORE)
			break;
		status =
			token == FLOW_JSON_ERROR ? token_error(json, error) : take_token(json, token, error);
	}
	return status;
}

/* ---------- values ---------- */

/* Begins the value whose first byte is next. */
static void
begin_value(Json *json)
{
	json->inside = true;
	json->value_begin = json->object_begin = json->in;
	json->value_before = 0;
	flow_json_start(&json->tokens);
	json->skip_depth = 0;
	json->name_len = json->kind_len = 0;
	json->kind_known = json->is_control = json->has_log_events = json->has_events =
		json->given_events = false;
	flow_json_event_forget(&json->event);
	flow_json_event_begin(&json->event, json->in);
}

/* Begins a value, or reads all of it if it is an event like the one before. */
static FlowStatus
take_object(Json *json, FlowError *error)
{
	FlowStatus status = FLOW_OK;

	json->number++;
	if (json->comma)
		return corrupt(json, "There is no comma before an object", error);
	if (take_alike(json, PLACE_VALUE, json->in, &status, error))
		json->comma = json->in_array;
	else
		begin_value(json);
	return status;
}

/*
 * Processes a byte between values: a blank, the beginning or the end of an
 * array of values, a comma in it, or the beginning of a value.
 */
static FlowStatus
take_between(Json *json, FlowError *error)
{
	uint8_t byte = *json->in;

	if (byte == '{')
		return take_object(json, error);
	if (byte == '[' && !json->in_array)
		json->in_array = true;
	else if (byte == ',' && json->comma)
		json->comma = false;
	else if (byte == ']' && json->in_array)
		json->in_array = json->comma = false;
	else if (!is_blank(byte))
	{
		json->number++;
		return corrupt(json, "There is no object", error);
	}
	json->in++;
	return FLOW_OK;
}

/* Converts JSON into lines, see FlowCodec. */
static FlowStatus
json_step(void *state, const uint8_t **in, const uint8_t *in_end, bool last, uint8_t **out,
          uint8_t *out_end, uint64_t offset, FlowError *error)
{
	Json *json = state;
	FlowJsonEvent *event = &json->event;
	FlowStatus status = FLOW_OK;
	bool given = false;

	/* process at most one block */
	(void) offset;
	json->in = json->value_begin = event->begin = *in;
	json->object_begin = NULL;
	json->in_end = in_end - *in > FLOW_BLOCK_SIZE ? *in + FLOW_BLOCK_SIZE : in_end;
	event->out = *out;
	event->out_end = out_end;
	while (status == FLOW_OK && (given = flow_json_event_give(event)) && json->in < json->in_end)
		status = json->inside ? take_tokens(json, error) : take_between(json, error);
	if (status == FLOW_OK && json->inside)
		status = flow_json_event_keep(event, json->in, error);
	json->value_before += (uint64_t) (json->in - json->value_begin);
	*in = json->in;
	*out = event->out;
	if (status != FLOW_OK || !given || *in < in_end || !last)
		return status;

	/* the file may only end between values */
	if (json->inside || json->in_array)
		return corrupt(json, "The file ends", error);
	return FLOW_END;
}

const FlowCodec flow_json_codec = {.name = "json",
                                   .recognizes = flow_json_recognizes,
                                   .create = json_create,
                                   .free = json_free,
                                   .step = json_step,
                                   .skipped = json_skipped};
