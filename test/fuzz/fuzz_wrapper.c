/*-------------------------------------------------------------------------
 *
 * fuzz_wrapper.c
 *	  JSON and CSV round records: what comes out does not depend on the sizes of the
 *	  pieces that go in, and CSV is what the plain reader makes of it.
 *
 * The first two bytes are these sizes, and which of the two it is.
 *
 *-------------------------------------------------------------------------
 */
#include "../unit/plain_wrapper.h"

static void
must(bool condition)
{
	if (!condition)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const FlowCodec *codec;
	PlainText whole, pieces;

	if (size < 2)
		return 0;
	codec = data[0] & 1 ? &flow_csv_codec : &flow_json_codec;
	whole = plain_unwrap(codec, data + 2, size - 2, 1 << 16, 1 << 16);
	pieces = plain_unwrap(codec, data + 2, size - 2, 1 + (data[0] >> 1), 1 + data[1]);

	must(whole.status == pieces.status && whole.skipped == pieces.skipped);
	must(whole.len >= pieces.len || whole.status == FLOW_END);
	must(memcmp(whole.data, pieces.data, whole.len < pieces.len ? whole.len : pieces.len) == 0);
	must(whole.status != FLOW_END || whole.len == pieces.len);
	if (codec == &flow_csv_codec)
		must(plain_csv_agrees((const char *) data + 2, size - 2, &whole));

	free(whole.data);
	free(pieces.data);
	must(unit_state.outstanding == 0);
	return 0;
}
