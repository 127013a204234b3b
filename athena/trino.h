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

/* Returns the built-in function of which bitwise_and() or the like is another name, or itself. */
extern Oid flowlog_trino_builtin(Oid function);

/*
 * Return the time that Trino's functions compute with: microseconds since
 * 2000-01-01 in UTC, for a timestamp of either kind, or for the beginning of a
 * date.  Infinity is an error.
 */
extern Timestamp flowlog_trino_timestamp(Timestamp timestamp);
extern Timestamp flowlog_trino_timestamp_of_date(DateADT date);

/*
 * Return the number of whole months between two such times, negative if "from"
 * is after "to"; and a time so many months later, on the last day of a month
 * that does not have the day.
 */
extern int64 flowlog_trino_months(Timestamp from, Timestamp to);
extern Timestamp flowlog_trino_add_months(Timestamp timestamp, int64 count);

/* Divides and rounds down; the divisor must be positive. */
static inline int64
flowlog_floor_divide(int64 dividend, int64 divisor)
{
	return dividend / divisor - (dividend % divisor < 0);
}

/* ---------- trino_aggregate.c ---------- */

/* Returns true if the aggregate is our count_if(boolean). */
extern bool flowlog_is_count_if(Oid aggregate);

/* ---------- trino_address.c ---------- */

/*
 * Return true if the function is our contains(text, inet); and set the two
 * networks in one of which, by "<<=", each address is that a CIDR of IPv4
 * contains (false for any other CIDR, or if it is none).
 */
extern bool flowlog_is_contains(Oid function);
extern bool flowlog_contains_networks(Datum cidr, FlowAddress networks[2]);

/* Returns true if the type is our domain "ipaddress". */
extern bool flowlog_is_ipaddress(Oid type);

#endif /* FLOWLOG_TRINO_H */
