/*-------------------------------------------------------------------------
 *
 * fuzz_wrapper.c
 *	  Fuzzes JSON and CSV around records: the lines are those of the plain
 *	  readers, and do not depend on the sizes of the pieces.
 *
 * The first two bytes determine these sizes and the wrapper.  If the second
 * byte is odd, lines are short.
 *
 *-------------------------------------------------------------------------
 */
#include "../../flow/bytes/source.h"
#include "../unit/model_json.h"

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
	ModelText whole, pieces, plain;
	size_t max_line_length;

	if (size < 2)
		return 0;
	codec = data[0] & 1 ? &flow_csv_codec : &flow_json_codec;
	max_line_length = data[1] & 1 ? 64 : 1 << 20;
	whole = model_unwrap_lines(codec, data + 2, size - 2, 1 << 16, 1 << 16, max_line_length);
	pieces = model_unwrap_lines(codec,
	                            data + 2,
	                            size - 2,
	                            1 + (data[0] >> 1),
	                            1 + data[1],
	                            max_line_length);

	must(whole.status == pieces.status && whole.skipped == pieces.skipped);
	must(whole.len >= pieces.len || whole.status == FLOW_END);
	must(memcmp(whole.data, pieces.data, whole.len < pieces.len ? whole.len : pieces.len) == 0);
	must(whole.status != FLOW_END || whole.len == pieces.len);
	if (codec == &flow_csv_codec)
		must(model_csv_agrees((const char *) data + 2, size - 2, &whole));
	else
	{
		must(whole.len == pieces.len && strcmp(whole.error.detail, pieces.error.detail) == 0);
		plain = model_json_unwrap((const char *) data + 2, size - 2, max_line_length);
		must(model_json_agrees(&whole, &plain));
		free(plain.data);
	}

	free(whole.data);
	free(pieces.data);
	must(unit_state.outstanding == 0);
	return 0;
}
