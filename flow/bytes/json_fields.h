/*-------------------------------------------------------------------------
 *
 * json_fields.h
 *	  The members of a JSON object that are fields of a flow log.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_JSON_FIELDS_H
#define FLOW_JSON_FIELDS_H

#include "json_token.h"
#include "source.h"

typedef struct FlowJsonBuffer
{
	char *data;
	size_t len;
	size_t room;
} FlowJsonBuffer;

/* Appends to a buffer, whose room begins with "first" and ends at "max". */
extern FlowStatus flow_json_append(const FlowHost *host, FlowJsonBuffer *buffer, FlowSlice more,
                                   size_t first, size_t max, FlowError *error);

/* The value of a field. */
typedef struct FlowJsonValue
{
	uint64_t object; /* number of the object in which it was read */
	size_t offset, len;
	bool is_null;  /* or it has none */
	bool is_alias; /* it is that of an alias */
} FlowJsonValue;

/* The fields of an object.  If all zero, there are none. */
typedef struct FlowJsonFields
{
	uint64_t object;       /* number of the object */
	FlowJsonValue *values; /* by id; NULL: none was read yet */
	FlowJsonBuffer text;   /* of the values, or its beginning if it is too long */
	char broken;           /* why the object is no record, as after a NUL byte; or '\0' */
	bool cut;              /* a value was cut, because there was no room */
	size_t kept;           /* bytes of the values, without those that others replaced */

	/* which members there are */
	int nknown; /* known fields */
	int nother; /* neither these, nor columns, nor what json.c reads */
	bool specific, source, destination;
} FlowJsonFields;

extern void flow_json_fields_free(const FlowHost *host, FlowJsonFields *fields);

/* Begins an object. */
extern void flow_json_fields_begin(FlowJsonFields *fields);

/*
 * To be called when all values are read: a value that was cut, although the
 * values are not too long, makes the object no record.
 */
extern void flow_json_fields_end(FlowJsonFields *fields, size_t max_length);

/*
 * Begins the member with the id *id.  The field's own name is preferred to an
 * alias, and that to a later one: if the object has the other, *id becomes
 * FLOW_KEY_IGNORED, or the other's value is dropped.  *repeated is set if it
 * has had the field's own name.
 */
extern FlowStatus flow_json_fields_add(const FlowHost *host, FlowJsonFields *fields,
                                       const FlowKeys *keys, int *id, bool is_alias, bool *repeated,
                                       FlowError *error);

/* Reads a token of its value; at most "most" bytes are kept of all values. */
extern FlowStatus flow_json_fields_take(const FlowHost *host, FlowJsonFields *fields, int id,
                                        FlowJsonToken token, const FlowJsonTokenizer *tokens,
                                        size_t most, FlowError *error);

/*
 * Returns true if so many members are fields of a flow log that the object is
 * a record: both addresses, by their own names, and two more fields; or two
 * fields, more than twice as many as other members, one of them an address, or
 * by its own name more than a word that any log may have.  Queries of Route 53
 * have a third of their members in common with flow logs, and alerts of
 * Suricata half.
 */
extern bool flow_json_fields_are_record(const FlowJsonFields *fields);

/* Returns the value with an id; NULL if there is none. */
static inline const FlowJsonValue *
flow_json_fields_value(const FlowJsonFields *fields, int id)
{
	const FlowJsonValue *value = &fields->values[id];

	return value->object == fields->object && !value->is_null ? value : NULL;
}

#endif /* FLOW_JSON_FIELDS_H */
