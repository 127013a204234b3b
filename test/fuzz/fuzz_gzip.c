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
#include "../../flow/bytes/source.h"
#include "../unit/unit.h"

#include <zlib.h>

#define MOST (1 << 20) /* maximum output that is compared */

static uint8_t wanted[MOST], got[MOST];

/* Inflates all members with zlib.  Returns false if they are invalid. */
static bool
inflate_by_zlib(const uint8_t *in, size_t len, size_t *out_len)
{
	z_stream stream = {0};
	int result = Z_STREAM_END;

	stream.next_in = (uint8_t *) in;
	stream.avail_in = (unsigned) len;
	stream.next_out = wanted;
	stream.avail_out = MOST;
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
	*out_len = MOST - stream.avail_out;
	return result == Z_STREAM_END && stream.avail_in == 0;
}

/* Inflates with the codec, in pieces of the given sizes. */
static FlowStatus
inflate_by_codec(const uint8_t *in, size_t len, size_t most_in, size_t most_out, size_t *out_len)
{
	FlowError error;
	FlowStatus status = FLOW_OK;
	size_t done = 0;
	void *state;

	*out_len = 0;
	if (flow_gzip_codec.create(&unit_host, NULL, &state, &error) != FLOW_OK)
		abort();
	while (status == FLOW_OK)
	{
		size_t n = most_in < len - done ? most_in : len - done;
		const uint8_t *p = in + done, *end = p + n;

		done += n;
		do
		{
			size_t room = most_out < MOST - *out_len ? most_out : MOST - *out_len;
			uint8_t *next = got + *out_len;

			status = flow_gzip_codec.step(
				state, &p, end, done == len, &next, next + room, done - (size_t) (end - p), &error);
			*out_len = (size_t) (next - got);
		} while (status == FLOW_OK && (p < end || done == len) && *out_len < MOST);
		if (*out_len == MOST)
			break;
	}
	flow_gzip_codec.free(state);
	return status;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t wanted_len, got_len;
	FlowStatus status;
	bool good;

	if (size < 2)
		return 0;
	status = inflate_by_codec(data + 2,
	                          size - 2,
	                          1 + data[0] * data[0],
	                          1 + data[1] * data[1],
	                          &got_len);
	good = inflate_by_zlib(data + 2, size - 2, &wanted_len);
	if (got_len == MOST || wanted_len == MOST)
		return 0;
	if (status == FLOW_OK || good != (status == FLOW_END))
	{
		/* zlib accepts data beyond our own limit */
		if (!(good && status == FLOW_LIMIT))
			abort();
	}
	else if (good && (got_len != wanted_len || memcmp(got, wanted, got_len) != 0))
		abort();
	return 0;
}
