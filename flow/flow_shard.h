/*-------------------------------------------------------------------------
 *
 * flow_shard.h
 *	  Shards: the shares that the files of a location are divided into.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_API_SHARD_H
#define FLOW_API_SHARD_H

#include "flow_object.h"

/* in shard.c */

/*
 * One of the shares into which the files of a location are divided: "number"
 * from 1 to "count"; count 0: all files.
 */
typedef struct FlowShard
{
	uint32_t number, count;
} FlowShard;

#define FLOW_MAX_SHARDS 10000

/*
 * Returns the number, from 1 to "count", of the share that a file belongs to,
 * by its path below the location.  Nothing else matters, so that all processes
 * that list the same files, in whatever order and place, divide them alike.
 * When "count" grows by one, only those files change their share that move to
 * the new one (Lamping and Veach, "A Fast, Minimal Memory, Consistent Hash
 * Algorithm").
 */
extern uint32_t flow_shard_of(const char *path, uint32_t count);

/* Restricts the location to the files of a shard. */
extern void flow_shard_set(FlowLocation *location, FlowShard shard);

#endif /* FLOW_API_SHARD_H */
