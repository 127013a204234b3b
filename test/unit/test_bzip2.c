/*-------------------------------------------------------------------------
 *
 * test_bzip2.c
 *	  Tests bzip2 data: the result is the original data, or an error.
 *
 *-------------------------------------------------------------------------
 */
#include "codec.h"

#include <bzlib.h>

static const FlowCodec *const bzip2 = &flow_bzip2_codec;

static void
put_stream(Bytes *bytes, const uint8_t *data, size_t len, int level)
{
	unsigned size = (unsigned) (len + len / 50 + 1000);
	char *out = malloc(size), empty = 0;

	if (BZ2_bzBuffToBuffCompress(
			out, &size, len > 0 ? (char *) data : &empty, (unsigned) len, level, 0, 0) != BZ_OK)
		abort();
	put(bytes, out, size);
	free(out);
}

/* ---------- good data ---------- */

static void
streams_of_all_kinds_read_as_they_were_written(void)
{
	Bytes stored = {0}, text = {0}, got = {0};
	FlowError error;
	int tries = unit_tries(300);

	for (int i = 0; i < tries && unit_complaints == 0; i++)
	{
		stored.len = text.len = 0;
		for (size_t j = random_below(4); j > 0; j--)
		{
			size_t len = random_size(i % 30 ? 12 : 18), start = text.len;

			put_text(&text, len);
			put_stream(&stored, text.data + start, len, 1 + (int) random_below(9));
		}
		CHECK_INT(decode(bzip2, stored.data, stored.len, &got, &error), FLOW_END);
		CHECK(got.len == text.len && (got.len == 0 || memcmp(got.data, text.data, text.len) == 0));
	}
	free(stored.data), free(text.data), free(got.data);
}

/* A block of 900 kB, and more of it: many steps for one block. */
static void
a_stream_may_have_several_blocks(void)
{
	Bytes stored = {0}, text = {0}, got = {0};
	FlowError error;

	put_text(&text, 2000000);
	put_stream(&stored, text.data, text.len, 9);
	CHECK_INT(decode(bzip2, stored.data, stored.len, &got, &error), FLOW_END);
	CHECK(got.len == text.len && memcmp(got.data, text.data, text.len) == 0);
	free(stored.data), free(text.data), free(got.data);
}

static void
data_of_bzip2_are_recognized(void)
{
	Bytes stored = {0};

	put_stream(&stored, (const uint8_t *) "x", 1, 9);
	for (size_t len = 0; len < stored.len; len++)
		CHECK(bzip2->recognizes(stored.data, len) == (len >= 4));
	stored.len = 0;
	put_stream(&stored, NULL, 0, 1);
	CHECK_INT(stored.len, 14);
	CHECK(bzip2->recognizes(stored.data, stored.len));
	CHECK(!bzip2->recognizes((const uint8_t *) "BZh9 eni-1", 10));
	CHECK(!bzip2->recognizes((const uint8_t *) "BZh01AY&SY", 10));
	CHECK(!bzip2->recognizes((const uint8_t *) "BZ091AY&SY", 10));
	free(stored.data);
}

static void
a_state_can_be_used_again(void)
{
	Bytes stored = {0};

	put_stream(&stored, (const uint8_t *) "text", 4, 9);
	check_reuse(bzip2, &stored);
	free(stored.data);
}

/* ---------- bad data ---------- */

static void
data_cut_short_are_corrupt_at_every_length(void)
{
	Bytes stored = {0}, text = {0};
	size_t ends[2][2];

	put_text(&text, 3000);
	put_stream(&stored, text.data, 2000, 9);
	ends[0][0] = stored.len, ends[0][1] = 2000;
	put_stream(&stored, NULL, 0, 5);
	ends[1][0] = stored.len, ends[1][1] = 2000;
	put_stream(&stored, text.data + 2000, 1000, 1);
	check_cuts(bzip2, &stored, &text, ends, 2, "ends in the middle of a bzip2 stream");
	free(stored.data), free(text.data);
}

static void
a_flipped_bit_gives_the_right_data_or_an_error(void)
{
	Bytes stored = {0}, text = {0};

	put_text(&text, 500);
	put_stream(&stored, text.data, 300, 9);
	put_stream(&stored, text.data + 300, 200, 1);
	check_flips(bzip2, &stored, &text);
	free(stored.data), free(text.data);
}

static void
check_sums_are_verified(void)
{
	Bytes stored = {0}, got = {0};
	FlowError error;

	/* bytes 10 to 13 are the block's, the last ones the stream's */
	put_stream(&stored, (const uint8_t *) "text", 4, 1);
	for (int i = 0; i < 2; i++)
	{
		size_t at = i == 0 ? 12 : stored.len - 2;

		stored.data[at] ^= 0x10;
		CHECK_INT(decode(bzip2, stored.data, stored.len, &got, &error), FLOW_CORRUPT);
		CHECK_STRING(error.message, "is damaged");
		CHECK(strstr(error.detail, "check sum, at byte ") != NULL);
		stored.data[at] ^= 0x10;
	}
	free(stored.data), free(got.data);
}

static void
what_follows_the_last_stream_is_corrupt(void)
{
	static const char *const tails[] = {"garbage", "BZh0", "\x1F\x8B\x08\x08", "BZH91AY&SY"};
	Bytes stored = {0}, got = {0};
	FlowError error;
	char detail[100];

	put_stream(&stored, (const uint8_t *) "text", 4, 9);
	snprintf(detail, sizeof(detail), "They begin at byte %zu.", stored.len);
	for (size_t i = 0; i < flow_countof(tails); i++)
	{
		size_t len = stored.len;

		put(&stored, tails[i], strlen(tails[i]));
		CHECK_INT(decode(bzip2, stored.data, stored.len, &got, &error), FLOW_CORRUPT);
		CHECK_STRING(error.message, "has other data after its last bzip2 stream");
		CHECK_STRING(error.detail, detail);
		stored.len = len;
		CHECK_INT(decode(bzip2, (const uint8_t *) tails[i], 4, &got, &error), FLOW_CORRUPT);
		CHECK_STRING(error.message, "is not bzip2 data");
	}
	free(stored.data), free(got.data);
}

static void
memory_may_run_out_at_every_place(void)
{
	Bytes stored = {0}, text = {0};

	put_text(&text, 100000);
	put_stream(&stored, text.data, text.len, 9);
	put_stream(&stored, text.data, 0, 9);
	CHECK(check_memory(bzip2, &stored, &text) >= 3);
	free(stored.data), free(text.data);
}

int
main(void)
{
	RUN(streams_of_all_kinds_read_as_they_were_written);
	RUN(a_stream_may_have_several_blocks);
	RUN(data_of_bzip2_are_recognized);
	RUN(a_state_can_be_used_again);
	RUN(data_cut_short_are_corrupt_at_every_length);
	RUN(a_flipped_bit_gives_the_right_data_or_an_error);
	RUN(check_sums_are_verified);
	RUN(what_follows_the_last_stream_is_corrupt);
	RUN(memory_may_run_out_at_every_place);
	if (unit_state.outstanding != 0)
		unit_failed++;
	return unit_done();
}
