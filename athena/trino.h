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

/* Returns true if the function is our from_unixtime(double precision). */
extern bool flowlog_is_from_unixtime(Oid function);

/*
 * Return the time that Trino's functions compute with: microseconds since
 * 2000-01-01 in UTC, for a timestamp of either kind, or for the beginning of a
 * date.  Infinity is an error.
 */
extern Timestamp flowlog_trino_timestamp(Timestamp timestamp);
extern Timestamp flowlog_trino_timestamp_of_date(DateADT date);

/* Divides and rounds down; the divisor must be positive. */
static inline int64
flowlog_floor_divide(int64 dividend, int64 divisor)
{
	return dividend / divisor - (dividend % divisor < 0);
}

#endif /* FLOWLOG_TRINO_H */
