/*-------------------------------------------------------------------------
 *
 * json_shape.c
 *	  Reads objects that are written like an earlier one.
 *
 *-------------------------------------------------------------------------
 */
#include "json_shape.h"

/* ---------- learning ---------- */

/* A shape while it is learned. */
typedef struct Lesson
{
	FlowJsonShape shape;
	size_t same_len;     /* of shape.same */
	const uint8_t *from; /* the end of the last value */
} Lesson;

/* Appends the bytes from the last value up to "to". */
static bool
take_same(Lesson *lesson, const uint8_t *to, size_t *len)
{
	*len = (size_t) (to - lesson->from);
	if (*len > FLOW_JSON_MAX_SAME - lesson->same_len)
		return false;
	memcpy(lesson->shape.same + lesson->same_len, lesson->from, *len);
	lesson->same_len += *len;
	return true;
}

/* Adds a slot for the token. */
static bool
add_slot(Lesson *lesson, const FlowJsonTokenizer *json, bool is_string, int role)
{
	FlowJsonSlot *slot = &lesson->shape.slots[lesson->shape.count];
	const uint8_t *value = (const uint8_t *) json->text.data;

	if (lesson->shape.count == FLOW_JSON_MAX_VALUES || !take_same(lesson, value, &slot->same_len))
		return false;
	slot->is_string = is_string;
	slot->role = role;
	lesson->from = value + json->text.len;
	lesson->shape.count++;
	return true;
}

/* Learns the shape of an object. */
bool
flow_json_shape_learn(FlowJsonShape *shape, const uint8_t *begin, const uint8_t *end,
                      FlowJsonRole role, const void *arg)
{
	Lesson lesson = {.from = begin};
	FlowJsonTokenizer json;
	FlowJsonToken token;
	int next = 0; /* the role of the value that comes next */

	flow_json_start(&json);
	while ((token = flow_json_next(&json, &begin, end)) != FLOW_JSON_MORE)
	{
		bool is_text = token == FLOW_JSON_KEY || token == FLOW_JSON_STRING;
		bool is_number = token == FLOW_JSON_NUMBER && json.integer && json.text.data[0] != '-';

		if (token == FLOW_JSON_ERROR || (is_text && json.escaped))
			return false;
		if (token == FLOW_JSON_KEY && json.depth == 1)
			next = role(arg, json.text);
		if (next < 0)
			return false;
		/* a value without a slot would not be in values[] */
		if (((token == FLOW_JSON_NUMBER && !is_number) || token == FLOW_JSON_TRUE ||
		     token == FLOW_JSON_FALSE) &&
		    json.depth == 1 && next > 0)
			return false;
		if ((token == FLOW_JSON_OBJECT || token == FLOW_JSON_ARRAY) && json.depth == 2 && next > 0)
			return false;
		if ((token == FLOW_JSON_STRING || is_number) &&
		    !add_slot(&lesson, &json, !is_number, json.depth == 1 ? next : 0))
			return false;
	}
	if (!flow_json_may_end(&json) || !take_same(&lesson, end, &lesson.shape.rest_len))
		return false;
	*shape = lesson.shape;
	return true;
}

/* ---------- matching ---------- */

/* Returns the end of a number of digits, or NULL if more digits may follow. */
static const uint8_t *
skip_number(const uint8_t *p, const uint8_t *end)
{
	const uint8_t *begin = p;

	while (p < end && (uint8_t) (*p - '0') <= 9)
		p++;
	return p == begin || p == end || (*begin == '0' && p > begin + 1) ? NULL : p;
}

/* Reads an object of the shape. */
const uint8_t *
flow_json_shape_match(const FlowJsonShape *shape, const uint8_t *begin, const uint8_t *end,
                      FlowSlice values[FLOW_JSON_MAX_VALUES])
{
	const uint8_t *same = shape->same;
	const uint8_t *p = begin;

	if (shape->count == 0)
		return NULL;
	for (int i = 0; i < shape->count; i++)
	{
		const FlowJsonSlot *slot = &shape->slots[i];
		const uint8_t *value;

		if ((size_t) (end - p) < slot->same_len || memcmp(p, same, slot->same_len) != 0)
			return NULL;
		same += slot->same_len;
		value = p + slot->same_len;
		p = slot->is_string ? flow_json_skip_plain(value, end) : skip_number(value, end);
		if (p == NULL)
			return NULL;
		values[i] = (FlowSlice) {(const char *) value, (size_t) (p - value)};
	}
	if ((size_t) (end - p) < shape->rest_len || memcmp(p, same, shape->rest_len) != 0)
		return NULL;
	return p + shape->rest_len;
}
