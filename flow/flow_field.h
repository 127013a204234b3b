/*-------------------------------------------------------------------------
 *
 * flow_field.h
 *	  The fields that AWS documents, and the times in names of files.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_API_FIELD_H
#define FLOW_API_FIELD_H

#include "flow_value.h"

/* in field.c */

/*
 * Returns true if the field of that name, or of a column so named, is one of a
 * record's times: start, end, or when it was logged.
 */
extern bool flow_field_is_time(const char *name);

/* in field.c */

/*
 * Returns the rank of a field, by its name in headers, in the order in which
 * AWS documents the fields.  An unknown field ranks after all of them.
 */
extern int flow_field_rank(const char *name);

/*
 * Returns the name that AWS documents for the field of that name, or of a
 * column so named; NULL if it is not known.
 */
extern const char *flow_field_name(const char *name);

/*
 * Sets *type to the natural type of a known field; false if it is not known.
 */
extern bool flow_field_type(const char *name, FlowType *type);

/*
 * Returns the types that a column of a known field should have, for a hint:
 * "timestamptz or bigint"; NULL if it is not known.
 */
extern const char *flow_field_types(const char *name);

/* in name_time.c */

/*
 * Reads the time in the name of a file that AWS delivers, such as
 * "..._20240131T2330Z_....log.gz".  Its records end in the five minutes from
 * "from" to before "to", more or less.  Returns false if the name has no time.
 */
extern bool flow_name_time(const char *path, int64_t *from, int64_t *to);

#endif /* FLOW_API_FIELD_H */
