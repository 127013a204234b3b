/*-------------------------------------------------------------------------
 *
 * fuzz_gzip.c
 *	  Fuzzes the gzip codec with any bytes: the result is the same as zlib's,
 *	  or an error.
 *
 * The first two bytes determine the sizes of the pieces of input and output.
 *
 *-------------------------------------------------------------------------
 */
#include "../unit/codec.h"

#include <zlib.h>

static uint8_t wanted[FUZZED_MOST], got[FUZZED_MOST];

/* Inflates all members with zlib.  Returns false if they are invalid. */
static bool
inflate_by_zlib(const uint8_t *in, size_t len, size_t *out_len)
{
	z_stream stream = {0};
	int result = Z_STREAM_END;

	stream.next_in = (uint8_t *) in;
	stream.avail_in = (unsigned) len;
	stream.next_out = wanted;
	stream.avail_out = FUZZED_MOST;
	if (inflateInit2(&stream, 15 + 16) != Z_OK)
		abort();
	while (result == Z_STREAM_END && stream.avail_in > 0 &&
	       (stream.next_in == in || *stream.next_in != 0))
	{
		inflateReset(&stream);
		result = inflate(&stream, Z_SYNC_FLUSH);
	}
	while (stream.avail_in > 0 && *stream.next_in == 0)
		stream.next_in++, stream.avail_in--;
	inflateEnd(&stream);
	*out_len = FUZZED_MOST - stream.avail_out;
	return result == Z_STREAM_END && stream.avail_in == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t wanted_len, got_len;
	FlowStatus status;
	bool good;

	if (!decode_fuzzed(&flow_gzip_codec, data, size, got, &got_len, &status))
		return 0;
	good = inflate_by_zlib(data + 2, size - 2, &wanted_len);
	if (wanted_len == FUZZED_MOST)
		return 0;
	if (good != (status == FLOW_END))
	{
		/* zlib accepts data beyond our own limit */
		if (!(good && status == FLOW_LIMIT))
			abort();
	}
	else if (good && (got_len != wanted_len || memcmp(got, wanted, got_len) != 0))
		abort();
	return 0;
}
