/*-------------------------------------------------------------------------
 *
 * test_zstd.c
 *	  Tests Zstandard data: the result is the original data, or an error.
 *
 *-------------------------------------------------------------------------
 */
#include "codec.h"

#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

static const FlowCodec *const zstd = &flow_zstd_codec;

/* ---------- making frames ---------- */

typedef struct Layout
{
	int level, checksum, content_size, window_log; /* 0: the level's default */
} Layout;

static ZSTD_CCtx *compressor;

static void
put_frame(Bytes *bytes, const uint8_t *data, size_t len, const Layout *layout)
{
	size_t bound = ZSTD_compressBound(len), result;
	uint8_t *out = malloc(bound);

	ZSTD_CCtx_reset(compressor, ZSTD_reset_session_and_parameters);
	ZSTD_CCtx_setParameter(compressor, ZSTD_c_compressionLevel, layout->level);
	ZSTD_CCtx_setParameter(compressor, ZSTD_c_checksumFlag, layout->checksum);
	ZSTD_CCtx_setParameter(compressor, ZSTD_c_contentSizeFlag, layout->content_size);
	ZSTD_CCtx_setParameter(compressor, ZSTD_c_windowLog, layout->window_log);
	result = ZSTD_compress2(compressor, out, bound, data, len);
	if (ZSTD_isError(result))
		abort();
	put(bytes, out, result);
	free(out);
}

static void
put_skippable(Bytes *bytes, size_t len)
{
	uint8_t head[8] = {(uint8_t) (0x50 + random_below(16)),
	                   0x2A,
	                   0x4D,
	                   0x18,
	                   (uint8_t) len,
	                   (uint8_t) (len >> 8),
	                   (uint8_t) (len >> 16),
	                   0};

	put(bytes, head, 8);
	for (size_t i = 0; i < len; i++)
		put(bytes, "s", 1);
}

/* ---------- good data ---------- */

static void
frames_of_all_kinds_read_as_they_were_written(void)
{
	Bytes stored = {0}, text = {0}, got = {0};
	FlowError error;

	for (int i = 0; i < 3000 && unit_complaints == 0; i++)
	{
		stored.len = text.len = 0;
		for (size_t j = random_below(4); j > 0; j--)
		{
			Layout layout = {1 + (int) random_below(5),
			                 (int) random_below(2),
			                 (int) random_below(2),
			                 random_below(2) ? 10 : 0};
			size_t len = random_size(i % 100 ? 12 : 19), start = text.len;

			if (random_below(3) == 0)
				put_skippable(&stored, random_size(10));
			put_text(&text, len);
			put_frame(&stored, text.data + start, len, &layout);
			if (random_below(8) == 0)
				put_skippable(&stored, 0);
		}
		CHECK_INT(decode(zstd, stored.data, stored.len, &got, &error), FLOW_END);
		CHECK(got.len == text.len && (got.len == 0 || memcmp(got.data, text.data, text.len) == 0));
	}
	free(stored.data), free(text.data), free(got.data);
}

static void
data_of_zstd_are_recognized(void)
{
	Bytes stored = {0};

	put_frame(&stored, (const uint8_t *) "x", 1, &(Layout) {1, 0, 0, 0});
	CHECK(zstd->recognizes(stored.data, 4));
	CHECK(!zstd->recognizes(stored.data, 3));
	for (int i = 0; i < 50; i++)
	{
		stored.len = 0;
		put_skippable(&stored, 0);
		CHECK(zstd->recognizes(stored.data, 4));
	}
	CHECK(!zstd->recognizes((const uint8_t *) "\x4F\x2A\x4D\x18", 4));
	CHECK(!zstd->recognizes((const uint8_t *) "\x60\x2A\x4D\x18", 4));
	CHECK(!zstd->recognizes((const uint8_t *) "vers", 4));
	free(stored.data);
}

/* ---------- bad data ---------- */

static void
data_cut_short_are_corrupt_at_every_length(void)
{
	Bytes stored = {0}, text = {0};

	put_text(&text, 3000);
	for (int i = 0; i < 4; i++)
	{
		size_t ends[2][2];

		stored.len = 0;
		put_frame(&stored, text.data, 2000, &(Layout) {1 + 6 * (i / 2), i % 2, i % 2, 0});
		ends[0][0] = stored.len, ends[0][1] = 2000;
		put_skippable(&stored, 30);
		ends[1][0] = stored.len, ends[1][1] = 2000;
		put_frame(&stored, text.data + 2000, 1000, &(Layout) {3, 1, 1, 10});
		check_cuts(zstd, &stored, &text, ends, 2, "ends in the middle of a zstd frame");
	}
	free(stored.data), free(text.data);
}

static void
a_flipped_bit_gives_the_right_data_or_an_error(void)
{
	Bytes stored = {0}, text = {0};

	put_text(&text, 3000);
	put_frame(&stored, text.data, 2000, &(Layout) {3, 1, 1, 0});
	put_skippable(&stored, 20);
	put_frame(&stored, text.data + 2000, 1000, &(Layout) {3, 1, 0, 10});
	check_flips(zstd, &stored, &text);
	free(stored.data), free(text.data);
}

static void
a_check_sum_is_verified(void)
{
	Bytes stored = {0}, got = {0};
	FlowError error;

	put_frame(&stored, (const uint8_t *) "text", 4, &(Layout) {1, 1, 1, 0});
	stored.data[stored.len - 1] ^= 1;
	CHECK_INT(decode(zstd, stored.data, stored.len, &got, &error), FLOW_CORRUPT);
	CHECK_STRING(error.message, "is damaged");
	CHECK(strstr(error.detail, "checksum") != NULL);
	free(stored.data), free(got.data);
}

/* libzstd 1.5.4 accepts it if the last block is empty. */
static void
a_frame_must_hold_what_its_header_names(void)
{
	/* content of 32 bytes, and an empty block */
	static const uint8_t frame[] = {0x28, 0xB5, 0x2F, 0xFD, 0x20, 0x20, 0x01, 0x00, 0x00};
	Bytes got = {0};
	FlowError error;

	CHECK_INT(decode(zstd, frame, sizeof(frame), &got, &error), FLOW_CORRUPT);
	CHECK_STRING(error.message, "is damaged");
	CHECK_STRING(error.detail,
	             "The frame that ends at byte 9 holds 0 bytes, but its header names 32.");
	free(got.data);
}

static void
what_follows_the_last_frame_is_corrupt(void)
{
	static const char *const tails[] = {"garbage",
	                                    "\xFD\x2F\xB5\x28",
	                                    "\x27\xB5\x2F\xFDzstd 0.7",
	                                    "(((("};
	Bytes stored = {0}, got = {0};
	FlowError error;
	char detail[100];

	put_frame(&stored, (const uint8_t *) "text", 4, &(Layout) {1, 1, 1, 0});
	snprintf(detail, sizeof(detail), "They begin at byte %zu.", stored.len);
	for (size_t i = 0; i < flow_countof(tails); i++)
	{
		size_t len = stored.len;

		put(&stored, tails[i], strlen(tails[i]));
		CHECK_INT(decode(zstd, stored.data, stored.len, &got, &error), FLOW_CORRUPT);
		CHECK_STRING(error.message, "has other data after its last zstd frame");
		CHECK_STRING(error.detail, detail);
		stored.len = len;
		CHECK_INT(decode(zstd, (const uint8_t *) tails[i], strlen(tails[i]), &got, &error),
		          FLOW_CORRUPT);
		CHECK_STRING(error.message, "is not zstd data");
	}
	free(stored.data), free(got.data);
}

static void
a_window_may_have_eight_mebibytes(void)
{
	static const uint8_t zeros[1000];
	/*
	 * a header alone may request much memory: window descriptor, exponent 13
	 * is 8 MiB
	 */
	static const uint8_t fits[] = {0x28, 0xB5, 0x2F, 0xFD, 0x00, 13 << 3, 0x01, 0x00, 0x00};
	static const uint8_t above[] = {0x28, 0xB5, 0x2F, 0xFD, 0x00, 13 << 3 | 1, 0x01, 0x00, 0x00};
	static const uint8_t most[] = {0x28, 0xB5, 0x2F, 0xFD, 0x00, 0xFF, 0x01, 0x00, 0x00};
	Bytes stored = {0}, got = {0};
	FlowError error;

	put_frame(&stored, zeros, sizeof(zeros), &(Layout) {19, 1, 0, 0});
	CHECK_INT(decode(zstd, stored.data, stored.len, &got, &error), FLOW_END);
	CHECK_INT(decode(zstd, fits, sizeof(fits), &got, &error), FLOW_END);
	CHECK_INT(decode(zstd, above, sizeof(above), &got, &error), FLOW_LIMIT);
	CHECK_STRING(error.message, "was compressed with too large a window");
	CHECK_STRING(error.detail, "A zstd frame needs a window of more than 8 MiB.");
	CHECK(decode(zstd, most, sizeof(most), &got, &error) != FLOW_END);
	free(stored.data), free(got.data);
}

static void
a_dictionary_is_not_supported(void)
{
	/* a header that names dictionary 7, and a block of one byte */
	static const uint8_t named[] =
		{0x28, 0xB5, 0x2F, 0xFD, 0x21, 0x07, 0x01, 0x09, 0x00, 0x00, 'x'};
	Bytes got = {0};
	FlowError error;

	CHECK_INT(decode(zstd, named, sizeof(named), &got, &error), FLOW_UNSUPPORTED);
	CHECK_STRING(error.message, "was compressed with a dictionary");
	free(got.data);
}

static void
memory_may_run_out_at_every_place(void)
{
	Bytes stored = {0}, text = {0};

	put_text(&text, 1000000);
	put_frame(&stored, text.data, text.len, &(Layout) {3, 1, 1, 0});
	CHECK(check_memory(zstd, &stored, &text) >= 3);
	free(stored.data), free(text.data);
}

int
main(void)
{
	compressor = ZSTD_createCCtx();
	RUN(frames_of_all_kinds_read_as_they_were_written);
	RUN(data_of_zstd_are_recognized);
	RUN(data_cut_short_are_corrupt_at_every_length);
	RUN(a_flipped_bit_gives_the_right_data_or_an_error);
	RUN(a_check_sum_is_verified);
	RUN(a_frame_must_hold_what_its_header_names);
	RUN(what_follows_the_last_frame_is_corrupt);
	RUN(a_window_may_have_eight_mebibytes);
	RUN(a_dictionary_is_not_supported);
	RUN(memory_may_run_out_at_every_place);
	ZSTD_freeCCtx(compressor);
	if (unit_state.outstanding != 0)
		unit_failed++;
	return unit_done();
}
