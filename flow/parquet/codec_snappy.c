/*-------------------------------------------------------------------------
 *
 * codec_snappy.c
 *	  Decompresses a page in Snappy's raw format.  No other file uses libsnappy.
 *
 *-------------------------------------------------------------------------
 */
#include "codec.h"

#include <snappy-c.h>

bool
flow_snappy_block(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_len)
{
	size_t len;

	if (snappy_uncompressed_length((const char *) in, in_len, &len) != SNAPPY_OK || len != out_len)
		return false;
	return snappy_uncompress((const char *) in, in_len, (char *) out, &len) == SNAPPY_OK &&
	       len == out_len;
}
