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

#define MOST (1 << 20) /* maximum output that is compared */

static uint8_t wanted[MOST], got[MOST];

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
	stream.avail_out = MOST;
	result = lzma_code(&stream, LZMA_FINISH);
	*out_len = MOST - stream.avail_out;
	lzma_end(&stream);
	return result == LZMA_STREAM_END;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t wanted_len, got_len = MOST;
	FlowStatus status;
	bool valid;

	if (size < 2)
		return 0;
	status = decode_into(&flow_xz_codec,
	                     data + 2,
	                     size - 2,
	                     1 + data[0] * data[0],
	                     1 + data[1] * data[1],
	                     got,
	                     &got_len);
	if (got_len == MOST)
		return 0;
	if (status == FLOW_OK)
		abort();

	/* no data are no streams; liblzma wants one */
	valid = size == 2 || decode_plainly(data + 2, size - 2, &wanted_len);
	if (valid != (status == FLOW_END) ||
	    (size > 2 && valid && (wanted_len != got_len || memcmp(got, wanted, got_len) != 0)))
		abort();
	return 0;
}
