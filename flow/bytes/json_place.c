/*-------------------------------------------------------------------------
 *
 * json_place.c
 *	  What the tokens of JSON mean at their places.
 *
 * members[] lists the members that are read, and of which objects.  Of all
 * others, only those are read that FlowKeys knows, and arrays whose first
 * element is a record.
 *
 *-------------------------------------------------------------------------
 */
#include "json_state.h"

#include <stdio.h>

static FlowStatus take_kind(FlowJson *json, FlowJsonToken token, FlowError *error);
static FlowStatus take_log_events(FlowJson *json, FlowJsonToken token, FlowError *error);
static FlowStatus take_events(FlowJson *json, FlowJsonToken token, FlowError *error);
static FlowStatus take_pair_name(FlowJson *json, FlowJsonToken token, FlowError *error);
static FlowStatus take_pair_value(FlowJson *json, FlowJsonToken token, FlowError *error);

#define NAME(name) (name), sizeof(name) - 1

static const FlowJsonMember members[] = {
	{FLOW_JSON_IN_VALUE, NAME("messageType"), .take = take_kind},
	{FLOW_JSON_IN_VALUE, NAME("logEvents"), .take = take_log_events},
	{FLOW_JSON_IN_VALUE, NAME("events"), .take = take_events},

	/* times, the first is preferred */
	{FLOW_JSON_IN_OBJECT, NAME("timestamp"), .time_rank = 1},
	{FLOW_JSON_IN_OBJECT, NAME("@timestamp"), .time_rank = 2},
	{FLOW_JSON_IN_OBJECT, NAME("time"), .time_rank = 3},
	{FLOW_JSON_IN_OBJECT, NAME("_time"), .time_rank = 4},
	{FLOW_JSON_IN_OBJECT, NAME("date"), .time_rank = 5},
	{FLOW_JSON_IN_OBJECT, NAME("Timestamp"), .time_rank = 6},
	{FLOW_JSON_IN_OBJECT, NAME("timeUnixNano"), .time_rank = 7},

	/* messages, likewise */
	{FLOW_JSON_IN_OBJECT, NAME("event.original"), .message_rank = 1},
	{FLOW_JSON_IN_PART, NAME("original"), .message_rank = 2},
	{FLOW_JSON_IN_OBJECT, NAME("message"), .message_rank = 3, .is_part = true},
	{FLOW_JSON_IN_OBJECT, NAME("@message"), .message_rank = 4},
	{FLOW_JSON_IN_OBJECT, NAME("_raw"), .message_rank = 5},
	{FLOW_JSON_IN_OBJECT, NAME("log"), .message_rank = 6, .is_part = true},
	{FLOW_JSON_IN_OBJECT, NAME("line"), .message_rank = 7},
	{FLOW_JSON_IN_OBJECT, NAME("event"), .message_rank = 8, .is_part = true},
	{FLOW_JSON_IN_OBJECT, NAME("full_message"), .message_rank = 9},
	{FLOW_JSON_IN_OBJECT, NAME("short_message"), .message_rank = 10},
	{FLOW_JSON_IN_OBJECT, NAME("textPayload"), .message_rank = 11},
	{FLOW_JSON_IN_OBJECT, NAME("raw_data"), .message_rank = 12},
	{FLOW_JSON_IN_OBJECT, NAME("raw"), .message_rank = 13},
	{FLOW_JSON_IN_OBJECT, NAME("MESSAGE"), .message_rank = 14},
	{FLOW_JSON_IN_OBJECT, NAME("Message"), .message_rank = 15},
	{FLOW_JSON_IN_OBJECT, NAME("Body"), .message_rank = 16},
	{FLOW_JSON_IN_OBJECT, NAME("body"), .message_rank = 17, .is_part = true},
	{FLOW_JSON_IN_OBJECT, NAME("stringValue"), .message_rank = 18},
	{FLOW_JSON_IN_OBJECT,
     NAME("data"),
     .message_rank = 19,
     .is_data = true,
     .is_part = true,
     .is_array = true},
	{FLOW_JSON_IN_OBJECT, NAME("Data"), .message_rank = 20, .is_data = true},
	{FLOW_JSON_IN_OBJECT, NAME("rawData"), .message_rank = 21, .is_data = true},

	/* what they may be in */
	{FLOW_JSON_IN_OBJECT, NAME("_source"), .is_part = true},
	{FLOW_JSON_IN_OBJECT, NAME("attributes"), .is_part = true},
	{FLOW_JSON_IN_OBJECT, NAME("detail"), .is_part = true},
	{FLOW_JSON_IN_OBJECT, NAME("kinesis"), .is_part = true},
	{FLOW_JSON_IN_OBJECT, NAME("awslogs"), .is_part = true},
	{FLOW_JSON_IN_OBJECT, NAME("aws"), .is_part = true},
	{FLOW_JSON_IN_OBJECT, NAME("vpcflow"), .is_part = true},
	{FLOW_JSON_IN_OBJECT, NAME("result"), .is_part = true, .is_array = true},
	{FLOW_JSON_IN_OBJECT, NAME("hits"), .is_part = true, .is_array = true},
	{FLOW_JSON_IN_OBJECT, NAME("records"), .is_array = true},
	{FLOW_JSON_IN_OBJECT, NAME("Records"), .is_array = true},
	{FLOW_JSON_IN_OBJECT, NAME("results"), .is_array = true},
	{FLOW_JSON_IN_OBJECT, NAME("streams"), .is_array = true},
	{FLOW_JSON_IN_OBJECT, NAME("Messages"), .is_array = true},
	{FLOW_JSON_IN_OBJECT, NAME("resourceLogs"), .is_array = true},
	{FLOW_JSON_IN_OBJECT, NAME("scopeLogs"), .is_array = true},
	{FLOW_JSON_IN_OBJECT, NAME("logRecords"), .is_array = true},
	{FLOW_JSON_IN_OBJECT, NAME("values"), .is_array = true},
	{FLOW_JSON_IN_EVENT | FLOW_JSON_IN_PART, NAME("logEvents"), .is_array = true},
	{FLOW_JSON_IN_EVENT | FLOW_JSON_IN_PART, NAME("events"), .is_array = true},

	{FLOW_JSON_IN_PAIR, NAME("field"), .take = take_pair_name},
	{FLOW_JSON_IN_PAIR, NAME("value"), .take = take_pair_value},
};

/* FlowJsonPlace's "seen" has a bit for each. */
_Static_assert(flow_countof(members) <= 64, "too many members");

/* The elements of a row that are not named. */
static const FlowJsonMember row_members[] = {{FLOW_JSON_IN_ROW, NAME(""), .time_rank = 1},
                                             {FLOW_JSON_IN_ROW, NAME(""), .message_rank = 3}};

/* ---------- places ---------- */

/* Returns true if a value ends with this token. */
bool
flow_json_ends_value(const FlowJson *json, FlowJsonToken token)
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

/* Returns the place that a token is in. */
static FlowJsonPlace *
place_of(FlowJson *json, FlowJsonToken token)
{
	return &json->places[json->tokens.depth - (opens_value(token) ? 1 : 0)];
}

/* Reads the object or array that has begun, which else is skipped. */
static void
enter(FlowJson *json, FlowJsonKind kind, int level)
{
	if (json->tokens.depth == FLOW_JSON_MAX_PLACES)
		return;
	json->places[json->tokens.depth] = (FlowJsonPlace) {.kind = kind, .level = level};
	json->skip_depth = 0;
	if (kind == FLOW_JSON_IN_EVENT)
		json->object_begin = json->in - 1;
	if (kind == FLOW_JSON_IN_ROW)
	{
		json->element = 0;
		json->fresh = true;
	}
}

/* Begins an event.  Its JSON follows. */
void
flow_json_begin_event(FlowJson *json, int level)
{
	flow_json_event_begin(&json->events[level], json->in);
	json->has_events[level] = false;
	json->level = level;
	json->next_name = 0;
}

/* Reads the array that has begun as one of events. */
static void
enter_array(FlowJson *json, FlowJsonKind kind, int level)
{
	if (level == FLOW_JSON_MAX_LEVELS)
		return;
	enter(json, kind, level);
	if (json->skip_depth == 0)
		flow_json_begin_event(json, level);
}

/* Returns true if a set of fields is a record's, or that of an object around. */
static bool
is_used(const FlowJson *json, int level, int set)
{
	if (json->events[level].record == set)
		return true;
	for (int depth = json->tokens.depth - 1; depth > 0; depth--)
		if (json->places[depth].level == level && json->places[depth].set == set)
			return true;
	return false;
}

/* Reads the object that has begun as a part of the event that it is in. */
static void
enter_part(FlowJson *json, const FlowJsonPlace *around)
{
	int level = around->level, parts = around->parts + 1, set = 1;

	if (parts > FLOW_JSON_MAX_PARTS)
		return;
	while (is_used(json, level, set))
		set++;
	enter(json, FLOW_JSON_IN_PART, level);
	if (json->skip_depth > 0)
		return;
	json->places[json->tokens.depth].parts = parts;
	json->places[json->tokens.depth].set = set;
	flow_json_fields_begin(&json->events[level].sets[set]);
}

/* Notes that a set of fields is complete, which may be a record. */
FlowStatus
flow_json_end_fields(FlowJson *json, FlowJsonEvent *event, int set, FlowError *error)
{
	if (json->output->keys == NULL || !flow_json_fields_are_record(&event->sets[set]))
		return FLOW_OK;
	if (event->record >= 0)
		return flow_json_unsupported(json, "An event has two records", error);
	event->record = set;
	return FLOW_OK;
}

/* Leaves an object or array that was read. */
FlowStatus
flow_json_leave(FlowJson *json, FlowError *error)
{
	const FlowJsonPlace *place = &json->places[json->tokens.depth + 1];

	if (place->kind == FLOW_JSON_IN_PART)
		return flow_json_end_fields(json, &json->events[place->level], place->set, error);
	if ((place->kind & FLOW_JSON_IN_ANY_ARRAY) != 0)
		json->level = place->level - 1;
	return FLOW_OK;
}

/* ---------- lines that are held back ---------- */

static void
hold_lines(FlowJson *json)
{
	json->holds = true;
	json->held_before = json->output->held.len;
	json->by_key_before = json->output->by_key;
	flow_json_output_hold(json->output);
}

void
flow_json_release_lines(FlowJson *json)
{
	if (json->holds)
		flow_json_output_release(json->output);
	json->holds = false;
}

static void
forget_lines(FlowJson *json)
{
	if (json->holds)
		flow_json_output_forget(json->output, json->held_before, json->by_key_before);
	json->holds = false;
}

/* ---------- members ---------- */

/* Reads a token of "messageType". */
static FlowStatus
take_kind(FlowJson *json, FlowJsonToken token, FlowError *error)
{
	static const char control[] = "CONTROL_MESSAGE";
	size_t len = json->tokens.text.len;

	if (token == FLOW_JSON_STRING)
	{
		if (len > FLOW_JSON_MAX_KIND - json->kind_len)
			len = FLOW_JSON_MAX_KIND - json->kind_len;
		memcpy(json->kind + json->kind_len, json->tokens.text.data, len);
		json->kind_len += len;
		json->is_control = json->kind_len == sizeof(control) - 1 &&
		                   memcmp(json->kind, control, sizeof(control) - 1) == 0;
	}
	if (!flow_json_ends_value(json, token) && !opens_value(token))
		return FLOW_OK;
	json->kind_known = true;
	if (json->is_control && json->given_events)
		return flow_json_unsupported(
			json, "The \"messageType\" of a control message comes after \"events\"", error);
	if (json->is_control)
		forget_lines(json);
	else
		flow_json_release_lines(json);
	return FLOW_OK;
}

/* Reads a token of "logEvents". */
static FlowStatus
take_log_events(FlowJson *json, FlowJsonToken token, FlowError *error)
{
	if (!flow_json_ends_value(json, token) && !opens_value(token))
		return FLOW_OK;
	if (json->has_events[0])
		return flow_json_unsupported(json, "A member \"logEvents\" comes after \"events\"", error);
	json->has_log_events = true;
	if (token == FLOW_JSON_ARRAY && !json->is_control)
	{
		json->has_events[0] = json->has_named_events = true;
		if (!json->kind_known)
			hold_lines(json);
		enter_array(json, FLOW_JSON_IN_EVENTS, 1);
	}
	return FLOW_OK;
}

/*
 * Reads a token of "events", the events of the API's answers, which have no
 * "logEvents".
 */
static FlowStatus
take_events(FlowJson *json, FlowJsonToken token, FlowError *error)
{
	(void) error;
	if (token == FLOW_JSON_ARRAY && !json->is_control && !json->has_log_events)
	{
		json->has_events[0] = json->has_named_events = true;
		enter_array(json, FLOW_JSON_IN_EVENTS, 1);
	}
	return FLOW_OK;
}

/*
 * Reads an array that has events if its first element is one, unless there is
 * something to read beside it already.
 */
static void
try_array(FlowJson *json, const FlowJsonPlace *around, const FlowJsonMember *member)
{
	const FlowJsonEvent *event = &json->events[around->level];
	bool is_named =
		around->level == 0 && (json->is_control || json->has_log_events || json->has_named_events);

	if (is_named || flow_json_event_has_message(event) || event->record >= 0)
		return;
	if (member != NULL)
		enter_array(json, FLOW_JSON_IN_ARRAY, around->level + 1);
	else if (json->output->keys != NULL)
		enter_array(json, FLOW_JSON_IN_RECORDS, around->level + 1);
}

/* Reads a token of the value of a member of an event. */
static FlowStatus
take_member(FlowJson *json, const FlowJsonMember *member, int id, FlowJsonToken token,
            FlowError *error)
{
	const FlowJsonPlace *place = place_of(json, token);
	FlowJsonEvent *event = &json->events[place->level];
	bool first = json->fresh;
	FlowStatus status = FLOW_OK;

	json->fresh = false;
	if (token == FLOW_JSON_OBJECT && member != NULL && member->is_part &&
	    (place->kind & FLOW_JSON_IN_OBJECT) != 0)
		enter_part(json, place);
	else if (token == FLOW_JSON_ARRAY &&
	         (member != NULL ? member->is_array : id == FLOW_KEY_NONE) &&
	         (place->kind & FLOW_JSON_IN_OBJECT) != 0)
		try_array(json, place, member);
	else if (member == NULL && id >= 0 && json->output->keys->keys[id].wanted)
		status = flow_json_fields_take(json->host,
		                               &event->sets[place->set],
		                               id,
		                               token,
		                               &json->tokens,
		                               json->output->max_line_length + 3,
		                               error);
	else if (member != NULL && member->time_rank > 0)
		status =
			flow_json_event_take_time(event, member->time_rank, first, token, &json->tokens, error);
	else if (member != NULL && member->message_rank > 0)
		status = flow_json_event_take_message(
			event, member->message_rank, member->is_data, first, token, &json->tokens, error);
	if (status == FLOW_LIMIT)
		return flow_json_too_large(json, "a text that is JSON or base64", error);
	return status;
}

/* ---------- names ---------- */

const FlowJsonMember *
flow_json_find_member(FlowJsonKind kind, FlowSlice name)
{
	for (size_t i = 0; i < flow_countof(members); i++)
		if (members[i].name_len == name.len && (members[i].kinds & (int) kind) != 0 &&
		    memcmp(members[i].name, name.data, name.len) == 0)
			return &members[i];
	return NULL;
}

/*
 * Finds what a name means.  It is probably the one that stood at the same
 * place in the last event.
 */
static const FlowJsonName *
find_name(FlowJson *json, FlowJsonKind kind, FlowSlice text)
{
	int place =
		json->next_name < FLOW_JSON_KEPT_NAMES - 1 ? json->next_name++ : FLOW_JSON_KEPT_NAMES - 1;
	FlowJsonName *name = &json->names[place];

	if (name->kind == kind && name->len == text.len && memcmp(name->text, text.data, text.len) == 0)
		return name;
	if (text.len >= FLOW_JSON_MAX_NAME)
		text.len = 0; /* none is so long */
	memcpy(name->text, text.data, text.len);
	name->len = text.len;
	name->kind = kind;
	name->member = flow_json_find_member(kind, text);
	name->id = FLOW_KEY_NONE;
	if (name->member == NULL && json->output->keys != NULL && text.len > 0)
		name->id = json->output->keys->find(json->output->keys, text, &name->is_alias);
	return name;
}

/* Reports a repeated name, of a member or a field. */
static FlowStatus
repeated(const FlowJson *json, const char *what, const char *name, FlowError *error)
{
	char problem[128];

	snprintf(problem, sizeof(problem), "%s \"%.64s\" is repeated", what, name);
	return flow_json_corrupt_here(json, problem, error);
}

/*
 * Counts a name in an object or row; its id may become FLOW_KEY_IGNORED.  RFC 8259 does not define what a repeated
 * name means, so that is an error.
 */
static FlowStatus
count_name(FlowJson *json, FlowJsonPlace *place, const FlowJsonName *name, int *id,
           FlowError *error)
{
	const FlowKeys *keys = json->output->keys;
	FlowJsonFields *fields = &json->events[place->level].sets[place->set];
	FlowStatus status;
	bool again;

	if (name->member != NULL)
	{
		uint64_t bit = UINT64_C(1) << (name->member - members);

		if ((place->seen & bit) != 0)
			return repeated(json, "Member", name->member->name, error);
		place->seen |= bit;
		return FLOW_OK;
	}
	if (name->id == FLOW_KEY_NONE)
	{
		/* CloudWatch's own names begin with "@" */
		fields->nother += name->len == 0 || name->text[0] != '@';
		return FLOW_OK;
	}
	status = flow_json_fields_add(json->host, fields, keys, id, name->is_alias, &again, error);
	if (status == FLOW_OK && again)
		return repeated(json, "Field", keys->keys[name->id].name, error);
	return status;
}

/*
 * Appends a piece of a name.  One that is cut to FLOW_JSON_MAX_NAME bytes is longer than
 * any that is known.
 */
static void
append_name(char name[FLOW_JSON_MAX_NAME], size_t *len, FlowSlice piece)
{
	size_t room = FLOW_JSON_MAX_NAME - *len;

	if (piece.len > room)
		piece.len = room;
	memcpy(name + *len, piece.data, piece.len);
	*len += piece.len;
}

/* Reads a piece of a member's name. */
FlowStatus
flow_json_take_key(FlowJson *json, FlowError *error)
{
	FlowSlice text = json->tokens.text;
	FlowJsonPlace *place = &json->places[json->tokens.depth];
	const FlowJsonName *name;

	if (!json->tokens.ends || json->name_len > 0)
	{
		append_name(json->name, &json->name_len, text);
		if (!json->tokens.ends)
			return FLOW_OK;
		text = (FlowSlice) {json->name, json->name_len};
		json->name_len = 0;
	}
	name = find_name(json, place->kind, text);
	json->member = name->member;
	json->id = name->id;
	json->fresh = true;
	return place->kind == FLOW_JSON_IN_PAIR && name->member == NULL
	           ? FLOW_OK
	           : count_name(json, place, name, &json->id, error);
}

/* ---------- rows of Logs Insights ---------- */

/* Reads a token of the name of a field in a row. */
static FlowStatus
take_pair_name(FlowJson *json, FlowJsonToken token, FlowError *error)
{
	FlowJsonPlace *row = &json->places[json->tokens.depth - (opens_value(token) ? 2 : 1)];
	const FlowJsonName *name;

	if (json->fresh)
		json->pair_len = 0;
	json->fresh = false;
	if (token != FLOW_JSON_STRING)
		return FLOW_OK;
	append_name(json->pair, &json->pair_len, json->tokens.text);
	if (!json->tokens.ends)
		return FLOW_OK;
	name = find_name(json, FLOW_JSON_IN_EVENT, (FlowSlice) {json->pair, json->pair_len});
	json->pair_member = name->member;
	json->pair_id = name->id;
	json->pair_named = true;
	return count_name(json, row, name, &json->pair_id, error);
}

/* Reads a token of its value. */
static FlowStatus
take_pair_value(FlowJson *json, FlowJsonToken token, FlowError *error)
{
	if (!json->pair_named)
		return flow_json_ends_value(json, token) || opens_value(token)
		           ? flow_json_unsupported(json, "A \"value\" comes before its \"field\"", error)
		           : FLOW_OK;
	return take_member(json, json->pair_member, json->pair_id, token, error);
}

/* Processes a token of a row's element. */
static FlowStatus
take_element(FlowJson *json, FlowJsonToken token, int level, FlowError *error)
{
	if (token == FLOW_JSON_OBJECT)
	{
		enter(json, FLOW_JSON_IN_PAIR, level);
		json->pair_named = false;
		return FLOW_OK;
	}
	if (json->element >= (int) flow_countof(row_members))
		return FLOW_OK;
	return take_member(json, &row_members[json->element], FLOW_KEY_NONE, token, error);
}

/* ---------- tokens ---------- */

/* Processes a token of a value other than the end of an object or an array. */
FlowStatus
flow_json_take_value(FlowJson *json, FlowJsonToken token, FlowError *error)
{
	const FlowJsonPlace *place = place_of(json, token);

	if (opens_value(token))
		json->skip_depth = json->tokens.depth;
	switch (place->kind)
	{
		case FLOW_JSON_IN_TOP:
			enter(json, token == FLOW_JSON_OBJECT ? FLOW_JSON_IN_VALUE : FLOW_JSON_IN_ROW, 0);
			return FLOW_OK;
		case FLOW_JSON_IN_EVENTS:
		case FLOW_JSON_IN_ARRAY:
		case FLOW_JSON_IN_RECORDS:
			if (token == FLOW_JSON_OBJECT)
				enter(json, FLOW_JSON_IN_EVENT, place->level);
			else if (token == FLOW_JSON_ARRAY && place->kind != FLOW_JSON_IN_RECORDS)
				enter(json, FLOW_JSON_IN_ROW, place->level);
			return FLOW_OK;
		case FLOW_JSON_IN_ROW:
			return take_element(json, token, place->level, error);
		default:
			if (json->member != NULL && json->member->take != NULL)
				return json->member->take(json, token, error);
			return place->kind == FLOW_JSON_IN_PAIR
			           ? FLOW_OK
			           : take_member(json, json->member, json->id, token, error);
	}
}
