/*-------------------------------------------------------------------------
 *
 * seconds.h
 *	  Times of Unix seconds, as to_timestamp(double precision) makes them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_SECONDS_H
#define FLOW_SECONDS_H

#include <stdbool.h>
#include <stdint.h>

#define FLOW_POSTGRES_EPOCH INT64_C(946684800)             /* 2000-01-01, in seconds since 1970 */
#define FLOW_FIRST_SECOND (INT64_C(86400) * (0 - 2440588)) /* of a timestamptz: Julian day 0 */
#define FLOW_END_SECOND (INT64_C(86400) * (109203528 - 2440588))

/*
 * Sets *time to the microseconds since 2000, which PostgreSQL computes as
 * rint((seconds - 946684800.0) * 1000000.0).  rint() has no effect for whole
 * seconds: whatever the product is rounded to is a whole number.  Counted from
 * 1970, the last of these times overflow.  Returns false for a number that is
 * out of the range of times.
 */
static inline bool
flow_time_of_seconds(int64_t seconds, int64_t *time)
{
	if (seconds < FLOW_FIRST_SECOND || seconds >= FLOW_END_SECOND)
		return false;
	*time = (int64_t) ((double) (seconds - FLOW_POSTGRES_EPOCH) * 1000000.0);
	return true;
}

#endif /* FLOW_SECONDS_H */
