/*-------------------------------------------------------------------------
 *
 * codec_lz4.c
 *	  Decompresses a page in LZ4's block format.  No other file uses liblz4.
 *
 *-------------------------------------------------------------------------
 */
#include "codec.h"

#include <lz4.h>

bool
flow_lz4_block(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_len)
{
	/* a page's sizes fit into an int */
	return LZ4_decompress_safe((const char *) in, (char *) out, (int) in_len, (int) out_len) ==
	       (int) out_len;
}
