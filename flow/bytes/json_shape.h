/*-------------------------------------------------------------------------
 *
 * json_shape.h
 *	  Reads objects that are written like an earlier one.
 *
 * A program writes all its events in the same way: they differ only in their
 * strings and numbers.  Such an event is read by comparing the other bytes and
 * finding the ends of the strings and numbers.
 *
 * A shape only accepts objects that the tokenizer would read in the same way.
 * It refuses everything else, such as an escape, a character that is not ASCII
 * or one more blank, and the caller uses the tokenizer instead.  This is
 * correct because:
 *
 * 1. The object that was learned is well-formed, and the matched one has
 *    the same bytes before, between and after its values.
 * 2. A value that was a string is between two quotes, which belong to these
 *    bytes, and consists of plain characters.
 * 3. A value that was a whole number consists of digits, without a leading
 *    zero, and is followed by bytes that were learned after a whole number,
 *    so that they are not a part of it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_JSON_SHAPE_H
#define FLOW_JSON_SHAPE_H

#include "json_token.h"

#define FLOW_JSON_MAX_VALUES 32
#define FLOW_JSON_MAX_SAME 1024

/* A string or number of the object. */
typedef struct FlowJsonSlot
{
	size_t same_len; /* bytes before it, after the value before it */
	bool is_string;
	int role; /* role of the object's member; 0 if the value is nested deeper */
} FlowJsonSlot;

/* A shape.  If all zero, it matches nothing. */
typedef struct FlowJsonShape
{
	FlowJsonSlot slots[FLOW_JSON_MAX_VALUES];
	int count;
	size_t rest_len;                  /* bytes after the last value */
	uint8_t same[FLOW_JSON_MAX_SAME]; /* the bytes outside of the values */
} FlowJsonShape;

/*
 * Returns the caller's number for the role of a member of this name, 0 if it
 * does not matter, -1 if an object with it must not be learned.
 */
typedef int (*FlowJsonRole)(const void *arg, FlowSlice name);

/*
 * Learns the shape of the object between "begin" and "end".  Returns false if
 * it cannot be learned; the shape then stays as it was.
 */
extern bool flow_json_shape_learn(FlowJsonShape *shape, const uint8_t *begin, const uint8_t *end,
                                  FlowJsonRole role, const void *arg);

/*
 * If the input at "begin" begins with an object of that shape, returns its end
 * and sets values[] by slot, strings without their quotes; otherwise returns
 * NULL.
 */
extern const uint8_t *flow_json_shape_match(const FlowJsonShape *shape, const uint8_t *begin,
                                            const uint8_t *end,
                                            FlowSlice values[FLOW_JSON_MAX_VALUES]);

#endif /* FLOW_JSON_SHAPE_H */
