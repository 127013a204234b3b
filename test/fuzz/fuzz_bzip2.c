/*-------------------------------------------------------------------------
 *
 * fuzz_bzip2.c
 *	  Fuzzes the bzip2 codec with any bytes: the result is the same as
 *	  libbz2's, or an error.
 *
 * The first two bytes determine the sizes of the pieces of input and output.
 *
 *-------------------------------------------------------------------------
 */
#include "../unit/codec.h"

#include <bzlib.h>

static uint8_t wanted[FUZZED_MOST], got[FUZZED_MOST];

/*
 * Decompresses all streams with libbz2, each at once.  Returns false if the
 * data are invalid.
 */
static bool
decode_plainly(const uint8_t *in, size_t len, size_t *out_len)
{
	size_t done = 0, made = 0;

	while (done < len)
	{
		bz_stream stream = {.next_in = (char *) in + done,
		                    .avail_in = (unsigned) (len - done),
		                    .next_out = (char *) wanted + made,
		                    .avail_out = (unsigned) (FUZZED_MOST - made)};
		int result = BZ2_bzDecompressInit(&stream, 0, 0);

		if (result != BZ_OK)
			abort();
		result = BZ2_bzDecompress(&stream);
		BZ2_bzDecompressEnd(&stream);
		if (result != BZ_STREAM_END)
			return false;
		done = len - stream.avail_in;
		made = FUZZED_MOST - stream.avail_out;
	}
	*out_len = made;
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t wanted_len, got_len;
	FlowStatus status;
	bool valid;

	if (!decode_fuzzed(&flow_bzip2_codec, data, size, got, &got_len, &status))
		return 0;

	valid = decode_plainly(data + 2, size - 2, &wanted_len);
	if (valid != (status == FLOW_END) ||
	    (valid && (wanted_len != got_len || memcmp(got, wanted, got_len) != 0)))
		abort();
	return 0;
}
