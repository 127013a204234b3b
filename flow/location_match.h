/*-------------------------------------------------------------------------
 *
 * location_match.h
 *	  Matches paths against a location.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_LOCATION_MATCH_H
#define FLOW_LOCATION_MATCH_H

#include "internal.h"

/* in location.c */

/*
 * Returns the segments before the first one with a wildcard, without their
 * escapes.  It ends in "/" if it is "/", or if there is no wildcard and the
 * location ends in "/"; in a bucket also if there is a wildcard.
 */
extern const char *flow_location_fixed(const FlowLocation *location);
extern bool flow_location_has_wildcard(const FlowLocation *location);

/*
 * For a location in a bucket: returns the fixed part after "s3://bucket/"; ""
 * if there is none.
 */
extern const char *flow_location_key(const FlowLocation *location);

/*
 * A set of the location's segments, a bit for each.  A walk down from the
 * fixed part keeps, for each directory, the set of segments that names in it
 * may match; so each path is visited once, in however many ways it matches.
 * Empty set: nothing in the directory can match.
 */
typedef uint64_t FlowSegments;

/* The result of matching a name in a directory. */
typedef struct FlowNameMatch
{
	FlowSegments below; /* for the names in it, if it is a directory; 0: no match */
	bool file;          /* it also matches if it is a file */
	bool hidden;        /* it would match, but listings leave such names out */
} FlowNameMatch;

/* in location_match.c */

extern FlowSegments flow_location_start(const FlowLocation *location);

/* Returns true if names may match at any depth. */
extern bool flow_location_is_deep(const FlowLocation *location, FlowSegments segments);
extern FlowNameMatch flow_location_match(const FlowLocation *location, FlowSegments segments,
                                         const char *name, size_t len);

/*
 * Returns how many names may be matched between two checks for an interrupt:
 * fewer if the location has many alternatives.
 */
extern size_t flow_location_names_per_check(const FlowLocation *location);

#endif /* FLOW_LOCATION_MATCH_H */
