/*-------------------------------------------------------------------------
 *
 * location_match.h
 *	  Which paths a location means.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_LOCATION_MATCH_H
#define FLOW_LOCATION_MATCH_H

#include "internal.h"

/*
 * The segments before the first one with a wildcard, without their escapes.
 * Ends in "/" if it is "/", or if there is no wildcard and the location ends
 * in one; in a bucket also if there is a wildcard.
 */
extern const char *flow_location_fixed(const FlowLocation *location);
extern bool flow_location_has_wildcard(const FlowLocation *location);

/*
 * Of one that is in a bucket: the fixed part behind "s3://bucket/", "" if
 * there is none.
 */
extern const char *flow_location_key(const FlowLocation *location);

/*
 * Who walks down from the fixed part holds, for each directory, the set of
 * segments that the names in it may match, a bit for each; so a path is met
 * once, in however many ways it matches.  An empty set: nothing in there can
 * match.
 */
typedef uint64_t FlowSegments;

/* What a name in a directory is to a location. */
typedef struct FlowNameMatch
{
	FlowSegments below; /* for the names in it, if it is a directory; 0: no match */
	bool file;          /* it matches also if it is a file */
	bool hidden;        /* it would match, but listings leave such names out */
} FlowNameMatch;

extern FlowSegments flow_location_start(const FlowLocation *location);

/* May names match however deep they are? */
extern bool flow_location_is_deep(const FlowLocation *location, FlowSegments segments);
extern FlowNameMatch flow_location_match(const FlowLocation *location, FlowSegments segments,
                                         const char *name, size_t len);

/*
 * So many names may be matched between two looks at the host: fewer if the
 * location has many alternatives.
 */
extern size_t flow_location_names_per_check(const FlowLocation *location);

#endif /* FLOW_LOCATION_MATCH_H */
