/*-------------------------------------------------------------------------
 *
 * flow_location.h
 *	  Locations: which paths a text with wildcards and variables means.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_API_LOCATION_H
#define FLOW_API_LOCATION_H

#include "flow_value.h"

#define FLOW_MAX_VARIABLES 32 /* in a location */

typedef struct FlowLocation FlowLocation;

/* A variable of a location, ${name} or ${name:yyyy/MM/dd}. */
typedef struct FlowVariable
{
	const char *name;
	bool is_date;
	bool has_hour; /* of a date */
} FlowVariable;

/* What is known of a variable's value in a path. */
typedef struct FlowPathValue
{
	/* in the path or in "date"; data NULL: not fully known, or NULL */
	FlowSlice text;
	/* the text is encoded as Hive does it; flow_path_value_decode decodes it */
	bool encoded;
	bool is_null; /* it is known, and NULL */

	/* of a date whose year is known: it is in [from, to) */
	bool begun;
	int64_t from, to;
	char date[24]; /* in ISO 8601 */
} FlowPathValue;

/* in location.c */

/*
 * Parses a location: a fixed part, followed by segments with wildcards.  The
 * host must outlive it.  FLOW_BAD_LOCATION, FLOW_UNSUPPORTED, FLOW_LIMIT,
 * FLOW_NO_MEMORY, FLOW_INTERRUPTED.
 */
extern FlowStatus flow_location_parse(const FlowHost *host, const char *location,
                                      FlowLocation **parsed, FlowError *error);
extern void flow_location_free(FlowLocation *location);

/*
 * Returns true if the location is a path.  Otherwise its objects are in a
 * bucket, of S3 or of a compatible store.
 */
extern bool flow_location_is_local(const FlowLocation *location);

/* Returns the bucket's name, not NUL-terminated. */
extern const char *flow_location_bucket(const FlowLocation *location, size_t *len);

/* in location_template.c */
extern const FlowVariable *flow_location_variables(const FlowLocation *location, int *count);

/*
 * Copies a value's text, decoded if it is encoded, and returns its length.
 * "to" has room for the text as it is.  A text whose decoding is not valid
 * UTF-8, or has a NUL, stays as it is.
 */
extern size_t flow_path_value_decode(const FlowPathValue *value, char *to);

/* in location_match.c */

/*
 * Sets the values of all variables in the path of a file, by variable; they
 * point into the path and into values[]. Returns false if the file is not one
 * of the location.
 */
extern bool flow_location_values(const FlowLocation *location, const char *path,
                                 FlowPathValue *values);

/*
 * The same for the path of a directory, as far as values are known for all
 * paths in it.  "more": the directory's own name added to what is known.
 * Returns false if nothing in it can match.
 */
extern bool flow_location_directory_values(const FlowLocation *location, const char *path,
                                           FlowPathValue *values, bool *more);

/* in location.c */

/* Checks that a location can be listed.  Opens nothing. */
extern FlowStatus flow_location_check(const FlowHost *host, const char *location, FlowError *error);

#endif /* FLOW_API_LOCATION_H */
