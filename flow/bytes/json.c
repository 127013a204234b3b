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
 * array.  Other programs name the time and the message otherwise, or put them
 * into objects and arrays of their own, and rows of Logs Insights have a name
 * beside each value.  The message may itself be JSON, or base64 of it.  An
 * event without a message may be a record with a member for each field.
 *
 * json_token.c makes tokens of the bytes, and json_place.c knows what they mean.
 * json_event.c makes a line of each event as soon as it ends, so that only one
 * event is in memory, however large the value is, and what events are within
 * each other.
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
#include "json_state.h"

#define MAX_PAUSE 63 /* maximum number of events that are skipped before another is learned */

static inline bool
is_blank(uint8_t byte)
{
	return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* Makes the state that reads a file, or a text in what "outer" reads. */
static FlowStatus
create_json(const FlowHost *host, FlowJsonOutput *output, FlowJson *outer, FlowJson **result,
            FlowError *error)
{
	FlowJson *json = flow_allocate(host, sizeof(FlowJson));

	if (json == NULL)
		return flow_error_memory(error);
	memset(json, 0, sizeof(FlowJson));
	json->host = host;
	json->output = output;
	json->outer = outer;
	json->depth = outer != NULL ? outer->depth + 1 : 0;
	for (int i = 0; i < FLOW_JSON_MAX_LEVELS; i++)
		json->events[i].output = output;
	*result = json;
	return FLOW_OK;
}

static void
free_json(FlowJson *json)
{
	if (json == NULL)
		return;
	free_json(json->inner);
	for (int i = 0; i < FLOW_JSON_MAX_LEVELS; i++)
		flow_json_event_free(&json->events[i]);
	flow_json_content_free(json->host, &json->content);
	flow_free(json->host, json->time.data);
	flow_free(json->host, json);
}

static void
json_free(void *state)
{
	FlowJson *json = state;
	FlowJsonOutput *output;

	if (json == NULL)
		return;
	output = json->output;
	free_json(json);
	flow_json_output_free(output);
	flow_free(output->host, output);
}

static FlowStatus
json_create(const FlowHost *host, const FlowUnwrap *unwrap, void **state, FlowError *error)
{
	FlowJsonOutput *output = flow_allocate(host, sizeof(FlowJsonOutput));
	FlowStatus status = FLOW_OK;
	FlowJson *json = NULL;
	size_t nkeys = unwrap->keys != NULL ? (size_t) unwrap->keys->nkeys : 0;

	if (output == NULL)
		return flow_error_memory(error);
	memset(output, 0, sizeof(FlowJsonOutput));
	output->host = host;
	output->max_line_length = unwrap->max_line_length;
	output->keys = unwrap->keys;
	output->seen.keys = flow_allocate(host, nkeys + 1);
	if (output->seen.keys == NULL)
		status = flow_error_memory(error);
	else
	{
		memset(output->seen.keys, 0, nkeys + 1);
		status = create_json(host, output, NULL, &json, error);
	}
	if (status != FLOW_OK)
	{
		flow_json_output_free(output);
		flow_free(host, output);
		return status;
	}
	*state = json;
	return FLOW_OK;
}

static uint64_t
json_skipped(const void *state)
{
	const FlowJson *json = state;

	return json->skipped + (json->inner != NULL ? json_skipped(json->inner) : 0);
}

/* Returns which members there were; NULL if no record had any. */
static const FlowKeysSeen *
json_keys(const void *state)
{
	const FlowJsonOutput *output = ((const FlowJson *) state)->output;

	for (int id = 0; output->keys != NULL && id < output->keys->nkeys; id++)
		if (output->seen.keys[id])
			return &output->seen;
	return NULL;
}

/* ---------- events that are written like one before them ---------- */

enum
{
	ROLE_NONE,
	ROLE_TIME,
	ROLE_MESSAGE
};

/* What learning an event needs. */
typedef struct Lesson
{
	FlowJsonKind kind;
	const FlowJsonEvent *event;
} Lesson;

/*
 * A FlowJsonRole; "arg" is a Lesson.  An object is not learned if it has a
 * member that may make it something other than an event with this message.
 */
static int
role_of_member(const void *arg, FlowSlice name)
{
	const Lesson *lesson = arg;
	const FlowJsonMember *member = flow_json_find_member(lesson->kind, name);

	if (member == NULL)
		return ROLE_NONE;
	if (member->message_rank > 0 && member->message_rank == lesson->event->message_rank)
		return ROLE_MESSAGE;
	if (member->time_rank == 0)
		return -1;
	return member->time_rank == lesson->event->time_rank ? ROLE_TIME : ROLE_NONE;
}

/*
 * Learns how the event that has just ended is written.  Learning takes longer
 * than reading, so the pause until the next attempt grows while no event
 * matches.
 */
static void
learn_event(FlowJson *json, FlowJsonKind kind, int level)
{
	const Lesson lesson = {kind, &json->events[level]};
	FlowJsonShape *shape = &json->shape;

	if (json->object_begin == NULL || !json->alike || json->wait-- > 0)
		return;
	json->pause = json->pause < MAX_PAUSE / 2 ? 2 * json->pause + 1 : MAX_PAUSE;
	json->wait = json->pause;
	if (!flow_json_shape_learn(shape, json->object_begin, json->in, role_of_member, &lesson))
		return;

	json->shape_kind = kind;
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
take_alike(FlowJson *json, FlowJsonKind kind, int level, const uint8_t *begin, FlowStatus *status,
           FlowError *error)
{
	FlowSlice values[FLOW_JSON_MAX_VALUES], time = {"", 0}, message;
	const uint8_t *end = json->shape_kind == kind
	                         ? flow_json_shape_match(&json->shape, begin, json->in_end, values)
	                         : NULL;

	if (end == NULL)
		return false;
	message = values[json->message_slot];
	if (json->time_slot >= 0)
		time = values[json->time_slot];
	else if (json->time.len > 0)
		return false;
	if (time.len > json->output->max_line_length || message.len > json->output->max_line_length)
		return false;
	if (json->time_slot >= 0 && !flow_json_time_is_plain(time))
		return false;
	/* the message may be JSON */
	if (message.len > 0 && (message.data[0] == '{' || message.data[0] == ' '))
		return false;
	*status = flow_json_event_add(&json->events[level], time, message, error);
	if (*status == FLOW_LIMIT)
		*status = flow_json_too_many_held(json, error);
	json->in = end;
	json->pause = json->wait = 0;
	return true;
}

/* Reads all such events that follow in an array. */
static FlowStatus
take_all_alike(FlowJson *json, int level, FlowError *error)
{
	FlowStatus status = FLOW_OK;

	while (status == FLOW_OK && json->output->npending == 0 && !json->reads_inner &&
	       json->in < json->in_end && *json->in == ',')
	{
		const uint8_t *p = json->in + 1;

		while (p < json->in_end && is_blank(*p))
			p++;
		if (!take_alike(json, FLOW_JSON_IN_EVENT, level, p, &status, error))
			break;
	}
	return status;
}

/* ---------- texts with records in them ---------- */

/* Begins to read what is in the content of "inner". */
static void
begin_inner(FlowJson *inner)
{
	inner->in = inner->in_end = inner->value_begin = NULL;
	inner->value_before = inner->number = 0;
	inner->inside = inner->in_array = inner->comma = inner->holds = false;
	inner->content_last = inner->reads_inner = false;
	inner->object_begin = NULL;
	inner->level = 0;
	flow_json_event_begin(&inner->events[0], NULL);
}

/*
 * Opens the event's message, which is JSON or base64.  Returns FLOW_END if it
 * is base64 of nothing that can be read; there is then no message.
 */
static FlowStatus
open_message(FlowJson *json, FlowJsonEvent *event, FlowError *error)
{
	bool is_data = event->message_is_data;
	FlowStatus status = FLOW_OK;
	FlowJson *inner;

	if (json->depth == FLOW_JSON_MAX_TEXTS)
		return flow_json_too_deep(json, "texts of JSON", FLOW_JSON_MAX_TEXTS, error);
	if (json->inner == NULL)
		status = create_json(json->host, json->output, json, &json->inner, error);
	if (status != FLOW_OK)
		return status;
	inner = json->inner;
	inner->content.text.len = 0;
	status = flow_json_event_move_message(event, &inner->content.text, error);
	inner->time.len = 0;
	if (status == FLOW_OK && event->time_good)
		status = flow_json_append(json->host,
		                          &inner->time,
		                          event->time.slice,
		                          FLOW_JSON_MAX_NAME,
		                          json->output->max_line_length + FLOW_JSON_MAX_NAME,
		                          error);
	if (status == FLOW_OK)
		status = flow_json_content_open(json->host, &inner->content, is_data, error);
	if (status != FLOW_OK)
		return status;
	begin_inner(inner);
	json->reads_inner = true;
	return FLOW_OK;
}

/* Ends a line of a text that is not JSON.  A blank one is no event. */
static FlowStatus
end_line(FlowJson *json, FlowError *error)
{
	FlowJsonEvent *event = &json->events[0];
	FlowSlice text = event->message.slice;
	FlowStatus status = FLOW_OK;

	event->message.whole = true;
	if (json->time.len > 0)
		status =
			flow_json_event_set_time(event, (FlowSlice) {json->time.data, json->time.len}, error);
	if (status == FLOW_OK && text.len > 0 && !(text.len == 1 && text.data[0] == '\r'))
		status = flow_json_event_end(event, json->in, error);
	flow_json_event_begin(event, json->in);
	return status == FLOW_LIMIT ? flow_json_too_many_held(json, error) : status;
}

/* Reads a line of such a text, or the piece of it that is there. */
static FlowStatus
take_line(FlowJson *json, FlowError *error)
{
	const uint8_t *begin = json->in;
	size_t len = (size_t) (json->in_end - begin);
	const uint8_t *newline = memchr(begin, '\n', len);
	FlowStatus status;

	if (newline != NULL)
		len = (size_t) (newline - begin);
	json->in = newline != NULL ? newline + 1 : json->in_end;
	status =
		flow_json_event_append(&json->events[0], (FlowSlice) {(const char *) begin, len}, error);
	return status == FLOW_OK && newline != NULL ? end_line(json, error) : status;
}

static FlowStatus take_input(FlowJson *json, FlowError *error);
static FlowStatus keep_events(FlowJson *json, FlowError *error);

/* Gets the next input of "inner". */
static FlowStatus
fill_inner(FlowJson *json, FlowError *error)
{
	FlowJson *inner = json->inner;
	FlowStatus status = keep_events(inner, error);

	if (status != FLOW_OK)
		return status;
	inner->value_before += (uint64_t) (inner->in - inner->value_begin);
	status = flow_json_content_read(json->host,
	                                &inner->content,
	                                &inner->in,
	                                &inner->in_end,
	                                &inner->content_last,
	                                error);
	inner->value_begin = inner->in;
	inner->object_begin = NULL;
	for (int i = 0; i <= inner->level; i++)
		inner->events[i].begin = inner->in;
	json->output->work += (size_t) (inner->in_end - inner->in);
	return status == FLOW_CORRUPT || status == FLOW_LIMIT ? flow_json_damaged(json, error) : status;
}

/* Reads on in a text. */
static FlowStatus
read_inner(FlowJson *json, FlowError *error)
{
	FlowJson *inner = json->inner;
	FlowStatus status = FLOW_OK;

	json->output->work++;
	if (inner->in == inner->in_end && !inner->content_last && !inner->reads_inner)
		status = fill_inner(json, error);
	if (status == FLOW_OK)
		status = take_input(inner, error);
	if (status != FLOW_OK || inner->in < inner->in_end || !inner->content_last ||
	    inner->reads_inner || json->output->npending > 0)
		return status;

	/* the text ends */
	if (!inner->content.is_json && inner->events[0].message.slice.len > 0)
		return end_line(inner, error);
	if (inner->inside || inner->in_array)
		return flow_json_corrupt(inner, "The text ends", error);
	json->reads_inner = false;
	flow_json_content_close(json->host, &inner->content);
	return FLOW_OK;
}

/* ---------- events and values ---------- */

/*
 * Chooses what an event's record is: its message, or the members that are
 * fields.  A message of one word is no record.
 */
static FlowStatus
choose_record(FlowJson *json, int level, FlowError *error)
{
	FlowJsonEvent *event = &json->events[level];
	FlowSlice text = event->message.slice;
	FlowStatus status = flow_json_end_fields(json, event, 0, error);
	bool has_fields = event->record >= 0;

	if (status != FLOW_OK)
		return status;
	if (has_fields && flow_json_event_has_message(event) &&
	    (memchr(text.data, ' ', text.len) != NULL || flow_json_event_may_be_json(event)))
		event->record = -1;
	json->alike = !has_fields && flow_json_event_has_message(event);
	if (json->has_events[level] && (has_fields || event->message.whole))
		return flow_json_unsupported(json, "A record stands beside an array of records", error);
	return FLOW_OK;
}

/* Ends an event and makes its line, or begins to read what is in its message. */
static FlowStatus
end_event(FlowJson *json, int level, FlowError *error)
{
	FlowJsonEvent *event = &json->events[level];
	FlowStatus status = FLOW_OK;

	if (!event->time_good && json->time.len > 0)
		status =
			flow_json_event_set_time(event, (FlowSlice) {json->time.data, json->time.len}, error);
	if (status == FLOW_OK && event->record < 0 && event->message.whole &&
	    (event->message_is_data ||
	     (flow_json_event_may_be_json(event) && flow_json_content_is_object(event->message.slice))))
	{
		json->alike = false;
		status = open_message(json, event, error);
		if (status != FLOW_END)
			return status;
		status = FLOW_OK;
	}
	if (status == FLOW_OK)
		status = flow_json_event_end(event, json->in, error);
	return status == FLOW_LIMIT ? flow_json_too_many_held(json, error) : status;
}

/* Ends an element of an array of events. */
static FlowStatus
end_element(FlowJson *json, FlowError *error)
{
	FlowJsonPlace *place = &json->places[json->tokens.depth];
	int level = place->level;
	const FlowJsonEvent *event = &json->events[level];
	FlowStatus status = choose_record(json, level, error);

	if (status != FLOW_OK)
		return status;

	/* the first element decides */
	if (place->kind != FLOW_JSON_IN_EVENTS)
	{
		if (!json->has_events[level] && event->record < 0 &&
		    !(place->kind == FLOW_JSON_IN_ARRAY && event->message.whole))
		{
			json->skip_depth = json->tokens.depth;
			json->level = level - 1;
			return FLOW_OK;
		}
		place->kind = FLOW_JSON_IN_EVENTS;
		json->has_events[level - 1] = true;
	}

	if (!json->has_events[level])
	{
		status = end_event(json, level, error);
		learn_event(json, FLOW_JSON_IN_EVENT, level);
		if (status == FLOW_OK)
			status = take_all_alike(json, level, error);
	}
	json->given_events |= !json->has_log_events;
	flow_json_begin_event(json, level);
	return status;
}

/* Ends a value. */
static FlowStatus
end_value(FlowJson *json, FlowError *error)
{
	FlowStatus status = FLOW_OK;

	json->inside = false;
	json->comma = json->in_array;
	if (json->is_control)
	{
		json->skipped++;
		return FLOW_OK;
	}
	/* with events of these names, nothing else in it is one */
	if (json->has_named_events)
	{
		flow_json_release_lines(json);
		return FLOW_OK;
	}
	status = choose_record(json, 0, error);
	if (status != FLOW_OK || json->has_events[0])
		return status;
	status = end_event(json, 0, error);
	learn_event(json, FLOW_JSON_IN_VALUE, 0);
	return status;
}

/* Processes a token. */
static FlowStatus
take_token(FlowJson *json, FlowJsonToken token, FlowError *error)
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
		return flow_json_take_key(json, error);
	else if (token == FLOW_JSON_OBJECT_END || token == FLOW_JSON_ARRAY_END)
		status = flow_json_leave(json, error);
	else
		status = flow_json_take_value(json, token, error);

	if (status != FLOW_OK || !flow_json_ends_value(json, token))
		return status;
	if (depth == 0)
		return end_value(json, error);
	if ((json->places[depth].kind & FLOW_JSON_IN_ANY_ARRAY) != 0)
		return end_element(json, error);
	if (json->places[depth].kind == FLOW_JSON_IN_ROW)
	{
		json->element++;
		json->fresh = true;
	}
	return FLOW_OK;
}

/*
 * Processes tokens until the value ends, a line is pending, a text must be
 * read, or there are no more.
 */
static FlowStatus
take_tokens(FlowJson *json, FlowError *error)
{
	FlowStatus status = FLOW_OK;

	while (status == FLOW_OK && json->inside && json->output->npending == 0 && !json->reads_inner)
	{
		FlowJsonToken token = flow_json_next(&json->tokens, &json->in, json->in_end);

		if (token == FLOW_JSON_MORE)
			break;
		status = token == FLOW_JSON_ERROR ? flow_json_token_error(json, error)
		                                  : take_token(json, token, error);
	}
	return status;
}

/* ---------- values ---------- */

/* Begins the value whose first byte is next. */
static void
begin_value(FlowJson *json)
{
	json->inside = true;
	json->value_begin = json->object_begin = json->in;
	json->value_before = 0;
	flow_json_start(&json->tokens);
	json->skip_depth = 0;
	json->name_len = json->kind_len = 0;
	json->kind_known = json->is_control = json->has_log_events = json->has_named_events =
		json->given_events = json->holds = false;
	flow_json_begin_event(json, 0);
}

/*
 * Begins a value, an object or a row, or reads all of it if it is an event like
 * the one before.
 */
static FlowStatus
take_object(FlowJson *json, FlowError *error)
{
	FlowStatus status = FLOW_OK;

	json->number++;
	if (json->comma)
		return flow_json_corrupt(json, "There is no comma before an object", error);
	if (take_alike(json, FLOW_JSON_IN_VALUE, 0, json->in, &status, error))
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
take_between(FlowJson *json, FlowError *error)
{
	uint8_t byte = *json->in;

	if (byte == '{' || (byte == '[' && json->in_array))
		return take_object(json, error);
	if (byte == '[')
		json->in_array = true;
	else if (byte == ',' && json->comma)
		json->comma = false;
	else if (byte == ']' && json->in_array)
		json->in_array = json->comma = false;
	else if (!is_blank(byte))
	{
		json->number++;
		return flow_json_corrupt(json, "There is no object", error);
	}
	json->in++;
	return FLOW_OK;
}

/* ---------- the input ---------- */

/*
 * Reads the input until it is used up, the output is full, or enough was done
 * for a step.
 */
static FlowStatus
take_input(FlowJson *json, FlowError *error)
{
	FlowStatus status = FLOW_OK;

	while (status == FLOW_OK && flow_json_output_give(json->output) &&
	       json->output->work <= FLOW_BLOCK_SIZE && (json->reads_inner || json->in < json->in_end))
	{
		if (json->reads_inner)
			status = read_inner(json, error);
		else if (json->outer != NULL && !json->content.is_json)
			status = take_line(json, error);
		else
			status = json->inside ? take_tokens(json, error) : take_between(json, error);
	}
	return status;
}

/* Copies what is needed of the input, which is about to be replaced. */
static FlowStatus
keep_events(FlowJson *json, FlowError *error)
{
	FlowStatus status = FLOW_OK;

	for (int i = 0; json->inside && i <= json->level && status == FLOW_OK; i++)
	{
		/* what has events of its own is not shown */
		if (json->has_events[i])
			json->events[i].begin = json->in;
		status = flow_json_event_keep(&json->events[i], json->in, error);
	}
	return status;
}

/* Converts JSON into lines, see FlowCodec. */
static FlowStatus
json_step(void *state, const uint8_t **in, const uint8_t *in_end, bool last, uint8_t **out,
          uint8_t *out_end, uint64_t offset, FlowError *error)
{
	FlowJson *json = state;
	FlowJsonOutput *output = json->output;
	FlowStatus status;

	/* process at most one block */
	(void) offset;
	json->in = json->value_begin = *in;
	for (int i = 0; i <= json->level; i++)
		json->events[i].begin = *in;
	json->object_begin = NULL;
	json->in_end = in_end - *in > FLOW_BLOCK_SIZE ? *in + FLOW_BLOCK_SIZE : in_end;
	output->out = *out;
	output->out_end = out_end;
	output->work = 0;
	status = take_input(json, error);
	if (status == FLOW_OK)
		status = keep_events(json, error);
	json->value_before += (uint64_t) (json->in - json->value_begin);
	*in = json->in;
	*out = output->out;
	if (status != FLOW_OK || output->npending > 0 || json->reads_inner || *in < in_end || !last)
		return status;

	/* the file may only end between values */
	if (json->inside || json->in_array)
		return flow_json_corrupt(json, "The file ends", error);
	return FLOW_END;
}

const FlowCodec flow_json_codec = {.name = "json",
                                   .recognizes = flow_json_recognizes,
                                   .create = json_create,
                                   .free = json_free,
                                   .step = json_step,
                                   .skipped = json_skipped,
                                   .keys = json_keys};
