/*-------------------------------------------------------------------------
 *
 * fuzz_wrapper.c
 *	  Fuzzes what is around records: the lines of JSON and CSV are those of the
 *	  plain readers, and none depends on the sizes of the pieces.
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

static size_t
count_lines(const char *data, size_t len)
{
	size_t count = 0;

	for (size_t i = 0; i < len; i++)
		count += data[i] == '\n';
	return count;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const FlowCodec *codec;
	ModelText whole, pieces, plain;
	FlowUnwrap unwrap = {.begin = data + 2, .begin_len = size - 2};
	FlowKeys *keys;

	if (size < 2)
		return 0;
	keys = model_json_keys();
	codec = !(data[0] & 1) ? &flow_json_codec : data[1] & 2 ? &flow_printed_codec : &flow_csv_codec;
	unwrap.keys = data[1] & 2 ? NULL : keys;
	unwrap.max_line_length = data[1] & 1 ? 64 : 1 << 20;
	whole = model_unwrap_as(codec, data + 2, size - 2, 1 << 16, 1 << 16, &unwrap);
	pieces = model_unwrap_as(codec, data + 2, size - 2, 1 + (data[0] >> 1), 1 + data[1], &unwrap);

	must(whole.status == pieces.status && whole.skipped == pieces.skipped);
	must(whole.len >= pieces.len || whole.status == FLOW_END);
	must(memcmp(whole.data, pieces.data, whole.len < pieces.len ? whole.len : pieces.len) == 0);
	must(whole.status != FLOW_END || whole.len == pieces.len);
	if (codec == &flow_csv_codec)
		must(model_csv_agrees((const char *) data + 2, size - 2, unwrap.max_line_length, &whole));
	else if (codec == &flow_printed_codec)
		must(count_lines(whole.data, whole.len) ==
		     count_lines((const char *) data + 2, size - 2) + (size > 2 && data[size - 1] != '\n'));
	else
	{
		must(whole.len == pieces.len && strcmp(whole.error.detail, pieces.error.detail) == 0);
		plain = model_json_unwrap((const char *) data + 2, size - 2, &unwrap);
		must(model_json_agrees(&whole, &plain));
		free(plain.data);
	}

	free(whole.data);
	free(pieces.data);
	flow_keys_free(&unit_host, keys);
	must(unit_state.outstanding == 0);
	return 0;
}
