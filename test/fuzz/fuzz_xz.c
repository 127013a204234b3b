/*-------------------------------------------------------------------------
 *
 * fuzz_xz.c
 *	  Fuzzes the xz codec with any bytes: the result is the same as liblzma's,
 *	  or an error.
 *
 * The first two bytes determine the sizes of the pieces of input and output.
 *
 *-------------------------------------------------------------------------
 */
#include "../unit/codec.h"

#include <lzma.h>

static uint8_t wanted[FUZZED_MOST], got[FUZZED_MOST];

/*
 * Decompresses all streams with liblzma, which finds their borders by itself.
 * Returns false if the data are invalid.
 */
static bool
decode_plainly(const uint8_t *in, size_t len, size_t *out_len)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	lzma_ret result;

	if (lzma_stream_decoder(&stream, 66 << 20, LZMA_CONCATENATED | LZMA_TELL_UNSUPPORTED_CHECK) !=
	    LZMA_OK)
		abort();
	stream.next_in = in;
	stream.avail_in = len;
	stream.next_out = wanted;
	stream.avail_out = FUZZED_MOST;
	result = lzma_code(&stream, LZMA_FINISH);
	*out_len = FUZZED_MOST - stream.avail_out;
	lzma_end(&stream);
	return result == LZMA_STREAM_END;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t wanted_len, got_len;
	FlowStatus status;
	bool valid;

	if (!decode_fuzzed(&flow_xz_codec, data, size, got, &got_len, &status))
		return 0;

	/* no data are no streams; liblzma wants one */
	valid = size == 2 || decode_plainly(data + 2, size - 2, &wanted_len);
	if (valid != (status == FLOW_END) ||
	    (size > 2 && valid && (wanted_len != got_len || memcmp(got, wanted, got_len) != 0)))
		abort();
	return 0;
}
