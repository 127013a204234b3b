/*-------------------------------------------------------------------------
 *
 * unit_value.h
 *	  Functions that the tests of the value readers share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef UNIT_VALUE_H
#define UNIT_VALUE_H

#include "unit.h"

/* Returns a column of the type, without limits. */
static inline FlowColumn
column_of(FlowType type)
{
	return (FlowColumn) {.name = "c", .type = type, .max_chars = -1, .precision = -1, .scale = -1};
}

/* Reads a text that ends where readable memory ends. */
static inline FlowStatus
read_bytes(const FlowColumn *column, const char *text, size_t len, FlowValue *value)
{
	memset(value, 0xAA, sizeof(*value));
	return flow_value_read(column, &unit_host, (FlowSlice) {unit_at_edge(text, len), len}, value);
}

static inline FlowStatus
read_as(FlowType type, const char *text, FlowValue *value)
{
	FlowColumn column = column_of(type);

	return read_bytes(&column, text, strlen(text), value);
}

static inline bool
reads_integer(FlowType type, const char *text, int64_t wanted)
{
	FlowValue value;

	return read_as(type, text, &value) == FLOW_OK && value.integer == wanted;
}

static inline FlowStatus
status_of(FlowType type, const char *text)
{
	FlowValue value;

	return read_as(type, text, &value);
}

static inline int64_t
power_of_ten(int exponent)
{
	int64_t power = 1;

	while (exponent-- > 0)
		power *= 10;
	return power;
}

#endif /* UNIT_VALUE_H */
