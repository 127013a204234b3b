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
 * One of the shares that the files of a location are divided into: "number"
 * from 1 to "count"; count 0: all of them.
 */
typedef struct FlowShard
{
	uint32_t number, count;
} FlowShard;

#define FLOW_MAX_SHARDS 10000

/*
 * In which of so many shares, from 1, is a file whose path below the location
 * is this one?  It depends on nothing else, so all who list the same files, in
 * whatever order and wherever they lie, divide them alike.  With one share
 * more, only those files change theirs that go to the new one (Lamping and
 * Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm").
 */
extern uint32_t flow_shard_of(const char *path, uint32_t count);

/* From now on the location means only the files of that shard. */
extern void flow_shard_set(FlowLocation *location, FlowShard shard);

#endif /* FLOW_API_SHARD_H */
