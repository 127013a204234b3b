/*-------------------------------------------------------------------------
 *
 * json_error.c
 *	  Errors of json.c.
 *
 *-------------------------------------------------------------------------
 */
#include "json_state.h"

#include <inttypes.h>
#include <stdio.h>

/*
 * Writes which value is being read: "value 2 of the file", or "value 1 of the
 * text of the event that ends at byte 80 in value 2 of the file".
 */
static const char *
name_value(const FlowJson *json, char *name, size_t size)
{
	const FlowJson *outer = json->outer;
	char outside[384];

	if (outer == NULL)
		snprintf(name, size, "value %" PRIu64 " of the file", json->number);
	else
		snprintf(name,
		         size,
		         "value %" PRIu64 " of the text of the event that ends at byte %" PRIu64 " in %s",
		         json->number,
		         outer->value_before + (uint64_t) (outer->in - outer->value_begin),
		         name_value(outer, outside, sizeof(outside)));
	return name;
}

/*
 * Sets an error about the value that began last.  "problem" must be a
 * constant, or made of constants, because an error must not show what the file
 * contains.
 */
FlowStatus
flow_json_corrupt(const FlowJson *json, const char *problem, FlowError *error)
{
	char name[448];

	flow_error_set(error, FLOW_CORRUPT, "is not well-formed JSON");
	flow_error_detail(error, "%s in %s.", problem, name_value(json, name, sizeof(name)));
	return FLOW_CORRUPT;
}

/* Adds to an error a problem and its place, the last byte that was read. */
static void
add_place(const FlowJson *json, const char *problem, FlowError *error)
{
	uint64_t byte = json->value_before + (uint64_t) (json->in - json->value_begin);
	char name[448];

	flow_error_detail(error,
	                  "%s at byte %" PRIu64 " in %s.",
	                  problem,
	                  byte,
	                  name_value(json, name, sizeof(name)));
}

FlowStatus
flow_json_corrupt_here(const FlowJson *json, const char *problem, FlowError *error)
{
	flow_error_set(error, FLOW_CORRUPT, "is not well-formed JSON");
	add_place(json, problem, error);
	return FLOW_CORRUPT;
}

/* Reports well-formed JSON that cannot be read as events. */
FlowStatus
flow_json_unsupported(const FlowJson *json, const char *problem, FlowError *error)
{
	flow_error_set(error, FLOW_UNSUPPORTED, "has JSON that cannot be read as events");
	add_place(json, problem, error);
	return FLOW_UNSUPPORTED;
}

/* Reports data in a text that cannot be decompressed. */
FlowStatus
flow_json_damaged(const FlowJson *json, FlowError *error)
{
	flow_error_set(error, FLOW_CORRUPT, "has damaged data in its JSON");
	add_place(json, "The gzip data are not whole in the text of the event that ends", error);
	return FLOW_CORRUPT;
}

/* Reports that there are too many things within each other. */
FlowStatus
flow_json_too_deep(const FlowJson *json, const char *what, int most, FlowError *error)
{
	char name[448];

	flow_error_set(error, FLOW_LIMIT, "has JSON that is nested too deeply");
	flow_error_detail(error,
	                  "There are more than %d %s within each other in %s.",
	                  most,
	                  what,
	                  name_value(json, name, sizeof(name)));
	return FLOW_LIMIT;
}

/* Reports an error of the tokenizer. */
FlowStatus
flow_json_token_error(const FlowJson *json, FlowError *error)
{
	if (!json->tokens.too_deep)
		return flow_json_corrupt_here(json, json->tokens.problem, error);
	return flow_json_too_deep(json, "arrays and objects", FLOW_JSON_MAX_DEPTH, error);
}

/* Reports that too much must be in memory, of "what". */
FlowStatus
flow_json_too_large(const FlowJson *json, const char *what, FlowError *error)
{
	char name[448];

	flow_error_set(error, FLOW_LIMIT, "has a JSON value that is too large");
	flow_error_detail(error,
	                  "There are more than %d MiB of %s in %s.",
	                  FLOW_JSON_MAX_HELD >> 20,
	                  what,
	                  name_value(json, name, sizeof(name)));
	return FLOW_LIMIT;
}

/* Reports that too many events wait for the "messageType". */
FlowStatus
flow_json_too_many_held(const FlowJson *json, FlowError *error)
{
	return flow_json_too_large(json, "\"logEvents\" before the \"messageType\"", error);
}
