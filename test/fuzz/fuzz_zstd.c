/*-------------------------------------------------------------------------
 *
 * fuzz_zstd.c
 *	  Fuzzes the zstd codec with any bytes: the result is the same as
 *	  libzstd's, or an error.
 *
 * The first two bytes determine the sizes of the pieces of input and output.
 *
 *-------------------------------------------------------------------------
 */
#include "../unit/codec.h"

#include <zstd.h>

static uint8_t wanted[FUZZED_MOST], got[FUZZED_MOST];

/*
 * Decompresses with libzstd's streaming decoder, one byte at a time, because
 * it is stricter if it has a whole frame.  Returns false if the data are
 * invalid.
 */
static bool
decode_plainly(const uint8_t *in, size_t len, size_t *out_len)
{
	ZSTD_DCtx *context = ZSTD_createDCtx();
	ZSTD_inBuffer input = {in, 0, 0};
	ZSTD_outBuffer output = {wanted, FUZZED_MOST, 0};
	size_t result = 0;

	while (!ZSTD_isError(result) && output.pos < output.size &&
	       (input.pos < input.size || input.size++ < len))
		result = ZSTD_decompressStream(context, &output, &input);
	ZSTD_freeDCtx(context);
	*out_len = output.pos;
	return result == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t wanted_len = FUZZED_MOST, got_len;
	FlowStatus status;

	if (!decode_fuzzed(&flow_zstd_codec, data, size, got, &got_len, &status))
		return 0;

	/*
	 * libzstd accepts everything that we accept, but not vice versa, because
	 * it knows older formats, too
	 */
	if (status == FLOW_END && (!decode_plainly(data + 2, size - 2, &wanted_len) ||
	                           wanted_len != got_len || memcmp(got, wanted, got_len) != 0))
		abort();

	/* the sizes of the pieces make no difference */
	wanted_len = FUZZED_MOST;
	if (decode_into(&flow_zstd_codec, data + 2, size - 2, size, FUZZED_MOST, got, &wanted_len) !=
	        status ||
	    (status == FLOW_END && wanted_len != got_len))
		abort();
	return 0;
}
