/*-------------------------------------------------------------------------
 *
 * shard.c
 *	  Divides the files of a location into shares.
 *
 *-------------------------------------------------------------------------
 */
#include "objects.h"
#include "location.h"

#include <string.h>

/*
 * Returns the hash of a text: FNV-1a of 64 bits (Fowler, Noll, Vo;
 * draft-eastlake-fnv), followed by the final steps of splitmix64, because
 * FNV's upper bits hardly depend on a text's last bytes.
 */
static uint64_t
hash(const char *text)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *text != '\0'; text++)
		h = (h ^ (unsigned char) *text) * UINT64_C(0x100000001b3);
	h = (h ^ (h >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	h = (h ^ (h >> 27)) * UINT64_C(0x94d049bb133111eb);
	return h ^ (h >> 31);
}

/* Returns the share of a file by its path, by jump consistent hashing. */
uint32_t
flow_shard_of(const char *path, uint32_t count)
{
	uint64_t key = hash(path);
	int64_t share = 0;

	/*
	 * each step finds the next number of shares at which the file would move
	 * to the last of them; in integers, so that all machines agree
	 */
	for (int64_t next = 0; next < (int64_t) count;)
	{
		share = next;
		key = key * UINT64_C(2862933555777941757) + 1;
		next = (int64_t) (((uint64_t) (share + 1) << 31) / ((key >> 33) + 1));
	}
	return (uint32_t) share + 1;
}

/* Restricts a location to the files of a shard. */
void
flow_shard_set(FlowLocation *location, FlowShard shard)
{
	location->shard = shard;
}

/* Returns true if a file, by its complete path, is in the location's shard. */
bool
flow_shard_holds(const FlowLocation *location, const char *path)
{
	FlowShard shard = location->shard;

	if (shard.count < 2)
		return true;
	path += location->fixed_len;
	while (*path == '/')
		path++;
	return flow_shard_of(path, shard.count) == shard.number;
}
