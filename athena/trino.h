/*-------------------------------------------------------------------------
 *
 * trino.h
 *	  The functions of Trino.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOWLOG_TRINO_H
#define FLOWLOG_TRINO_H

#include "fdw/common.h"

/* ---------- trino.c ---------- */

/* Is it our from_unixtime(double precision)? */
extern bool flowlog_is_from_unixtime(Oid function);

/*
 * What Trino's functions take for a time: microseconds since 2000-01-01 in
 * UTC, of a timestamp of either kind or of a date's first moment.  Infinity is
 * an error.
 */
extern Timestamp flowlog_trino_timestamp(Timestamp timestamp);
extern Timestamp flowlog_trino_timestamp_of_date(DateADT date);

/* Rounded down, for a positive divisor. */
static inline int64
flowlog_floor_divide(int64 dividend, int64 divisor)
{
	return dividend / divisor - (dividend % divisor < 0);
}

#endif /* FLOWLOG_TRINO_H */
