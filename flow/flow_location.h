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
	bool has_hour;    /* of a date */
	const char *form; /* of a date: how a text column has it */
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
	char date[24];    /* in ISO 8601 */
	const char *form; /* how a text column has it; NULL: it is no date */
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

/*
 * Sets *date to a complete value of a date that begins in the range of a value
 * of which only that is known: the first one if *date has not begun, or the one
 * after *date.  Returns false if there is none.
 */
extern bool flow_location_next_date(const FlowLocation *location, int variable,
                                    const FlowPathValue *range, FlowPathValue *date);

/*
 * Writes a date in the form of a variable, and returns the text's length, which
 * is not more than the form's.  The time is in microseconds since 1970.
 */
extern size_t flow_date_write(const char *form, int64_t microseconds, char *to);

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

/* in location_day.c */

/*
 * Returns true if the location has folders of days: by a date with a day, or
 * by Hive's keys year, month and day.
 */
extern bool flow_location_has_days(const FlowLocation *location);

/*
 * Sets the time of the days to which the values of a path belong, from the
 * beginning of the first one to the end of the last one, in microseconds since
 * 1970: one day, or all of a month or year if no more is known.  Returns false
 * if they belong to no day, or it is not known.  The days of a directory are
 * all days of the paths in it.
 */
extern bool flow_location_days(const FlowLocation *location, const FlowPathValue *values,
                               int64_t *from, int64_t *to);

/*
 * Sets the values of a directory of which only the day that begins at "from"
 * is known.  "texts", with room for FLOW_DAY_TEXTS bytes, must live as long as
 * the values.  Returns false if there is no such directory.
 */
#define FLOW_DAY_TEXTS 8
extern bool flow_location_set_day(const FlowLocation *location, int64_t from, char *texts,
                                  FlowPathValue *values);

/* Returns the variable that is the date of folders of days, or -1. */
extern int flow_location_day_variable(const FlowLocation *location);

/* in location.c */

/* Checks that a location can be listed.  Opens nothing. */
extern FlowStatus flow_location_check(const FlowHost *host, const char *location, FlowError *error);

#endif /* FLOW_API_LOCATION_H */
