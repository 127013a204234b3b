/*-------------------------------------------------------------------------
 *
 * test_xz.c
 *	  Tests xz data: the result is the original data, or an error.
 *
 *-------------------------------------------------------------------------
 */
#include "codec.h"

#include <lzma.h>

static const FlowCodec *const xz = &flow_xz_codec;

/* How a stream is written. */
typedef struct Layout
{
	int level;
	lzma_check check;
	uint32_t dictionary; /* bytes; 0: the level's */
	uint64_t block;      /* bytes of a block; 0: one block */
} Layout;

static const Layout plain = {0, LZMA_CHECK_CRC64, 4096, 0};

static void
put_stream(Bytes *bytes, const uint8_t *data, size_t len, const Layout *layout)
{
	lzma_options_lzma options;
	lzma_filter filters[2] = {{LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, NULL}};
	lzma_stream stream = LZMA_STREAM_INIT;
	lzma_action action = LZMA_RUN;
	size_t done = 0;
	uint8_t out[4096];
	lzma_ret result = LZMA_OK;

	lzma_lzma_preset(&options, (uint32_t) layout->level);
	if (layout->dictionary > 0)
		options.dict_size = layout->dictionary;
	if (lzma_stream_encoder(&stream, filters, layout->check) != LZMA_OK)
		abort();
	while (result != LZMA_STREAM_END)
	{
		size_t n = layout->block > 0 && len - done > layout->block ? layout->block : len - done;

		stream.next_in = n > 0 ? data + done : NULL;
		stream.avail_in = n;
		done += n;
		action = done == len ? LZMA_FINISH : LZMA_FULL_FLUSH;
		do
		{
			stream.next_out = out;
			stream.avail_out = sizeof(out);
			result = lzma_code(&stream, action);
			put(bytes, out, sizeof(out) - stream.avail_out);
		} while (result == LZMA_OK);
		if (result != LZMA_STREAM_END)
			abort();
		if (action == LZMA_FULL_FLUSH)
			result = LZMA_OK;
	}
	lzma_end(&stream);
}

static void
put_zeros(Bytes *bytes, size_t len)
{
	for (; len > 0; len--)
		put(bytes, "", 1);
}

/* ---------- good data ---------- */

static void
streams_of_all_kinds_read_as_they_were_written(void)
{
	static const lzma_check checks[] = {LZMA_CHECK_NONE,
	                                    LZMA_CHECK_CRC32,
	                                    LZMA_CHECK_CRC64,
	                                    LZMA_CHECK_SHA256};
	Bytes stored = {0}, text = {0}, got = {0};
	FlowError error;

	for (int i = 0; i < 500 && unit_complaints == 0; i++)
	{
		stored.len = text.len = 0;
		for (size_t j = random_below(4); j > 0; j--)
		{
			Layout layout = {(int) random_below(3),
			                 checks[random_below(flow_countof(checks))],
			                 4096U << random_below(4),
			                 random_size(12)};
			size_t len = random_size(i % 50 ? 12 : 19), start = text.len;

			put_text(&text, len);
			put_stream(&stored, text.data + start, len, &layout);
			put_zeros(&stored, 4 * random_size(4));
		}
		CHECK_INT(decode(xz, stored.data, stored.len, &got, &error), FLOW_END);
		CHECK(got.len == text.len && (got.len == 0 || memcmp(got.data, text.data, text.len) == 0));
	}
	free(stored.data), free(text.data), free(got.data);
}

static void
data_of_xz_are_recognized(void)
{
	Bytes stored = {0};

	put_stream(&stored, NULL, 0, &plain);
	for (size_t len = 0; len < stored.len; len++)
		CHECK(xz->recognizes(stored.data, len) == (len >= 4));
	stored.data[5] = '\n';
	CHECK(!xz->recognizes(stored.data, stored.len));
	CHECK(!xz->recognizes((const uint8_t *) "7zXZ", 4));
	free(stored.data);
}

static void
a_state_can_be_used_again(void)
{
	Bytes stored = {0};

	put_stream(&stored, (const uint8_t *) "text", 4, &plain);
	check_reuse(xz, &stored);
	free(stored.data);
}

/* ---------- bad data ---------- */

static void
data_cut_short_are_corrupt_at_every_length(void)
{
	Bytes stored = {0}, text = {0};
	size_t ends[2][2];

	put_text(&text, 3000);
	put_stream(&stored, text.data, 2000, &(Layout) {1, LZMA_CHECK_CRC32, 4096, 700});
	ends[0][0] = stored.len, ends[0][1] = 2000;
	put_stream(&stored, NULL, 0, &plain);
	ends[1][0] = stored.len, ends[1][1] = 2000;
	put_stream(&stored, text.data + 2000, 1000, &plain);
	check_cuts(xz, &stored, &text, ends, 2, "ends in the middle of an xz stream");
	free(stored.data), free(text.data);
}

static void
a_flipped_bit_gives_the_right_data_or_an_error(void)
{
	Bytes stored = {0}, text = {0};

	put_text(&text, 3000);
	put_stream(&stored, text.data, 2000, &(Layout) {1, LZMA_CHECK_SHA256, 4096, 1500});
	put_zeros(&stored, 4);
	put_stream(&stored, text.data + 2000, 1000, &(Layout) {1, LZMA_CHECK_CRC32, 8192, 0});
	check_flips(xz, &stored, &text);
	free(stored.data), free(text.data);
}

static void
check_sums_are_verified(void)
{
	Bytes stored = {0}, got = {0};
	FlowError error;
	size_t sum;

	/* the block's sum stands before the index of 8 bytes and the footer of 12 */
	put_stream(&stored, (const uint8_t *) "text", 4, &plain);
	sum = stored.len - 12 - 8 - 4;
	stored.data[sum] ^= 1;
	CHECK_INT(decode(xz, stored.data, stored.len, &got, &error), FLOW_CORRUPT);
	CHECK_STRING(error.message, "is damaged");
	CHECK(strstr(error.detail, "check sum, at byte ") != NULL);
	free(stored.data), free(got.data);
}

static void
zeros_come_in_fours(void)
{
	Bytes stored = {0}, got = {0};
	FlowError error;
	char detail[200];

	for (int i = 0; i < 9; i++)
		for (int before = 0; before < 2; before++)
		{
			stored.len = 0;
			put_stream(&stored, (const uint8_t *) "text", 4, &plain);
			put_zeros(&stored, (size_t) i);
			snprintf(detail,
			         sizeof(detail),
			         "The number of zeros %s an xz stream is not divisible by 4, at byte %zu.",
			         before ? "before" : "after",
			         stored.len);
			if (before)
				put_stream(&stored, (const uint8_t *) "text", 4, &plain);
			CHECK_INT(decode(xz, stored.data, stored.len, &got, &error),
			          i % 4 == 0 ? FLOW_END : FLOW_CORRUPT);
			if (i % 4 != 0)
				CHECK_STRING(error.detail, detail);
		}
	/* but not at the beginning */
	stored.len = 0;
	put_zeros(&stored, 8);
	CHECK_INT(decode(xz, stored.data, stored.len, &got, &error), FLOW_CORRUPT);
	CHECK_STRING(error.message, "is not xz data");
	free(stored.data), free(got.data);
}

static void
what_follows_the_last_stream_is_corrupt(void)
{
	static const char *const tails[] = {"garbage", "\xFD\x37zXZ\1", "\x1F\x8B\x08\x08\x08\x08"};
	Bytes stored = {0}, got = {0};
	FlowError error;
	char detail[100];

	for (size_t i = 0; i < 2 * flow_countof(tails); i++)
	{
		const char *tail = tails[i / 2];

		stored.len = 0;
		put_stream(&stored, (const uint8_t *) "text", 4, &plain);
		put_zeros(&stored, i % 2 * 4);
		snprintf(detail, sizeof(detail), "They begin at byte %zu.", stored.len);
		put(&stored, tail, strlen(tail));
		CHECK_INT(decode(xz, stored.data, stored.len, &got, &error), FLOW_CORRUPT);
		CHECK_STRING(error.message, "has other data after its last xz stream");
		CHECK_STRING(error.detail, detail);
		CHECK_INT(decode(xz, (const uint8_t *) tail, strlen(tail), &got, &error), FLOW_CORRUPT);
		CHECK_STRING(error.message, "is not xz data");
	}
	free(stored.data), free(got.data);
}

static void
a_dictionary_may_have_64_mebibytes(void)
{
	Bytes stored = {0}, got = {0};
	FlowError error;

	put_stream(&stored, (const uint8_t *) "text", 4, &(Layout) {0, LZMA_CHECK_CRC64, 64 << 20, 0});
	CHECK_INT(decode(xz, stored.data, stored.len, &got, &error), FLOW_END);
	stored.len = 0;
	put_stream(&stored, (const uint8_t *) "text", 4, &(Layout) {0, LZMA_CHECK_CRC64, 96 << 20, 0});
	CHECK_INT(decode(xz, stored.data, stored.len, &got, &error), FLOW_LIMIT);
	CHECK_STRING(error.message, "was compressed with too large a dictionary");
	CHECK_STRING(error.detail, "An xz stream needs 97 MiB of memory, more than 66 MiB.");
	free(stored.data), free(got.data);
}

/* Filter 0x3F is none, and the header's check sum is right. */
static void
an_unknown_filter_is_not_supported(void)
{
	Bytes stored = {0}, got = {0};
	FlowError error;
	uint32_t sum;

	put_stream(&stored, (const uint8_t *) "text", 4, &plain);
	stored.data[12 + 2] = 0x3F;
	sum = lzma_crc32(stored.data + 12, 8, 0);
	for (int i = 0; i < 4; i++)
		stored.data[12 + 8 + i] = (uint8_t) (sum >> 8 * i);
	CHECK_INT(decode(xz, stored.data, stored.len, &got, &error), FLOW_UNSUPPORTED);
	CHECK_STRING(error.message, "was compressed in a way that is not known");

	/* check sums of kind 2, which is reserved */
	stored.data[7] = 2;
	sum = lzma_crc32(stored.data + 6, 2, 0);
	for (int i = 0; i < 4; i++)
		stored.data[8 + i] = (uint8_t) (sum >> 8 * i);
	CHECK_INT(decode(xz, stored.data, stored.len, &got, &error), FLOW_UNSUPPORTED);
	CHECK_STRING(error.message, "has check sums of an unknown kind");
	free(stored.data), free(got.data);
}

static void
memory_may_run_out_at_every_place(void)
{
	Bytes stored = {0}, text = {0};

	put_text(&text, 1000000);
	put_stream(&stored, text.data, text.len, &(Layout) {1, LZMA_CHECK_CRC64, 0, 100000});
	CHECK(check_memory(xz, &stored, &text) >= 3);
	free(stored.data), free(text.data);
}

int
main(void)
{
	RUN(streams_of_all_kinds_read_as_they_were_written);
	RUN(data_of_xz_are_recognized);
	RUN(a_state_can_be_used_again);
	RUN(data_cut_short_are_corrupt_at_every_length);
	RUN(a_flipped_bit_gives_the_right_data_or_an_error);
	RUN(check_sums_are_verified);
	RUN(zeros_come_in_fours);
	RUN(what_follows_the_last_stream_is_corrupt);
	RUN(a_dictionary_may_have_64_mebibytes);
	RUN(an_unknown_filter_is_not_supported);
	RUN(memory_may_run_out_at_every_place);
	if (unit_state.outstanding != 0)
		unit_failed++;
	return unit_done();
}
