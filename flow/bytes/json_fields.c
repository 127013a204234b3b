/*-------------------------------------------------------------------------
 *
 * json_fields.c
 *	  The members of a JSON object that are fields of a flow log.
 *
 *-------------------------------------------------------------------------
 */
#include "json_fields.h"

#define FIRST_TEXT 256

/* Appends to a buffer. */
FlowStatus
flow_json_append(const FlowHost *host, FlowJsonBuffer *buffer, FlowSlice more, size_t first,
                 size_t max, FlowError *error)
{
	size_t need = buffer->len + more.len;

	if (need > buffer->room)
	{
		size_t room = buffer->room > 0 ? buffer->room : first;
		char *larger;

		while (room < need)
			room *= 2;
		if (room > max)
			room = max;
		larger = flow_allocate(host, room);
		if (larger == NULL)
			return flow_error_memory(error);
		if (buffer->len > 0)
			memcpy(larger, buffer->data, buffer->len);
		flow_free(host, buffer->data);
		buffer->data = larger;
		buffer->room = room;
	}
	if (more.len > 0)
		memcpy(buffer->data + buffer->len, more.data, more.len);
	buffer->len = need;
	return FLOW_OK;
}

void
flow_json_fields_free(const FlowHost *host, FlowJsonFields *fields)
{
	flow_free(host, fields->values);
	flow_free(host, fields->text.data);
}

/* Begins an object. */
void
flow_json_fields_begin(FlowJsonFields *fields)
{
	fields->object++;
	fields->text.len = 0;
	fields->broken = '\0';
	fields->cut = false;
	fields->kept = 0;
	fields->nknown = fields->nother = 0;
	fields->specific = fields->source = fields->destination = false;
}

/*
 * Notes what a member says about its object.  Other logs have the names of
 * other tools, too.
 */
static void
weigh_key(FlowJsonFields *fields, FlowKeyKind kind, bool is_alias)
{
	bool is_address = kind == FLOW_KEY_SOURCE || kind == FLOW_KEY_DESTINATION;

	fields->specific |= is_address || (kind == FLOW_KEY_SPECIFIC && !is_alias);
	fields->source |= kind == FLOW_KEY_SOURCE && !is_alias;
	fields->destination |= kind == FLOW_KEY_DESTINATION && !is_alias;
}

/* Begins a member. */
FlowStatus
flow_json_fields_add(const FlowHost *host, FlowJsonFields *fields, const FlowKeys *keys, int *id,
                     bool is_alias, bool *repeated, FlowError *error)
{
	FlowJsonValue *value;
	bool again;

	if (fields->values == NULL)
	{
		size_t size = (size_t) keys->nkeys * sizeof(FlowJsonValue);

		fields->values = flow_allocate(host, size);
		if (fields->values == NULL)
			return flow_error_memory(error);
		memset(fields->values, 0, size);
	}
	value = &fields->values[*id];
	again = value->object == fields->object;
	*repeated = again && !value->is_alias && !is_alias;
	if (again && is_alias)
	{
		*id = FLOW_KEY_IGNORED;
		return FLOW_OK;
	}
	weigh_key(fields, keys->keys[*id].kind, is_alias);
	if (again)
		fields->kept -= value->len;
	else
		fields->nknown += keys->keys[*id].kind != FLOW_KEY_OWN;
	*value = (FlowJsonValue) {.object = fields->object,
	                          .offset = fields->text.len,
	                          .is_null = true,
	                          .is_alias = is_alias};
	return FLOW_OK;
}

/* Returns true if a text has a byte that cannot stand in a line. */
static bool
has_control(FlowSlice text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char) text.data[i] < ' ')
			return true;
	return false;
}

/* Returns the length of a number without a fraction of zeros: "443.0". */
static size_t
length_of_whole(const char *number, size_t len)
{
	size_t end = len;

	while (end > 0 && number[end - 1] == '0')
		end--;
	return end > 0 && number[end - 1] == '.' ? end - 1 : len;
}

/* Reads a token of a value. */
FlowStatus
flow_json_fields_take(const FlowHost *host, FlowJsonFields *fields, int id, FlowJsonToken token,
                      const FlowJsonTokenizer *tokens, size_t most, FlowError *error)
{
	FlowJsonValue *value = &fields->values[id];
	FlowSlice piece = tokens->text;
	FlowStatus status;

	switch (token)
	{
		case FLOW_JSON_NULL:
			return FLOW_OK;
		case FLOW_JSON_OBJECT:
		case FLOW_JSON_ARRAY:
			fields->broken = FLOW_NESTED_VALUE;
			return FLOW_OK;
		case FLOW_JSON_TRUE:
			piece = (FlowSlice) {"true", 4};
			break;
		case FLOW_JSON_FALSE:
			piece = (FlowSlice) {"false", 5};
			break;
		default:
			if (tokens->escaped && token == FLOW_JSON_STRING && has_control(piece))
				fields->broken = FLOW_BROKEN_VALUE;
	}
	value->is_null = false;
	if (piece.len > most - fields->text.len)
	{
		piece.len = most - fields->text.len;
		fields->cut = true;
	}
	status = flow_json_append(host, &fields->text, piece, FIRST_TEXT, most, error);
	value->len += piece.len;
	fields->kept += piece.len;
	if (status == FLOW_OK && token == FLOW_JSON_NUMBER && tokens->ends && !tokens->integer)
	{
		fields->kept -= value->len;
		value->len = length_of_whole(fields->text.data + value->offset, value->len);
		fields->kept += value->len;
	}
	return status;
}

/* Ends an object. */
void
flow_json_fields_end(FlowJsonFields *fields, size_t max_length)
{
	if (fields->cut && fields->kept < max_length)
		fields->broken = FLOW_CUT_VALUE;
}

/* Returns true if the object is a record. */
bool
flow_json_fields_are_record(const FlowJsonFields *fields)
{
	return (fields->source && fields->destination &&
	        (fields->nknown >= 4 || fields->nknown >= fields->nother)) ||
	       (fields->specific && fields->nknown >= 2 && fields->nknown > 2 * fields->nother);
}
