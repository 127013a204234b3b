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
 * Is a column of that name, or with that field, one of a record's times:
 * start, end, or when it was logged?
 */
extern bool flow_field_is_time(const char *name);

/* in field.c */

/*
 * The place of a field, by its name in headers, in the order in which AWS
 * documents them; behind them all if it is not known.
 */
extern int flow_field_rank(const char *name);

/* The type that a known field has by its nature. */
extern bool flow_field_type(const char *name, FlowType *type);

/* in name_time.c */

/*
 * The time in the name of a file that AWS delivers, as
 * "..._20240131T2330Z_....log.gz": its records end in the five minutes from
 * "from" to before "to", more or less.  False if there is none.
 */
extern bool flow_name_time(const char *path, int64_t *from, int64_t *to);

#endif /* FLOW_API_FIELD_H */
