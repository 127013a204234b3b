/*-------------------------------------------------------------------------
 *
 * test_gzip.c
 *	  Tests gzip data: the result is the same as zlib's, or an error.
 *
 *-------------------------------------------------------------------------
 */
#include "codec.h"

#include <zlib.h>

static const FlowCodec *const gzip = &flow_gzip_codec;

/* ---------- random data ---------- */

/* Appends text with repetitions, like a log, or noise. */
static void
put_random(Bytes *bytes, size_t len)
{
	bool noise = random_below(4) == 0;

	for (size_t end = bytes->len + len; bytes->len < end;)
	{
		char word[24];
		int n =
			noise
				? snprintf(word,
		                   sizeof(word),
		                   "%c%c",
		                   (char) random_below(256),
		                   (char) random_below(256))
				: snprintf(word, sizeof(word), "%zu.%zu ", random_below(4) * 10, random_below(300));

		n = noise ? 2 : n;
		put(bytes, word, (size_t) n < end - bytes->len ? (size_t) n : end - bytes->len);
	}
}

/* ---------- making gzip data, by zlib ---------- */

typedef struct Layout
{
	int level, strategy, memory, window; /* parameters of deflateInit2 */
	gz_header *header;                   /* NULL: a plain header */
	int flushes;                         /* number of flushes within the data */
} Layout;

static const Layout plain = {6, Z_DEFAULT_STRATEGY, 8, 15, NULL, 0};

static void
put_member(Bytes *bytes, const uint8_t *data, size_t len, const Layout *layout)
{
	static const int flushes[] = {Z_SYNC_FLUSH, Z_FULL_FLUSH, Z_PARTIAL_FLUSH, Z_BLOCK};
	z_stream stream = {0};
	uint8_t out[4096];
	size_t done = 0;
	int flush = Z_NO_FLUSH;

	if (deflateInit2(&stream,
	                 layout->level,
	                 Z_DEFLATED,
	                 layout->window + 16,
	                 layout->memory,
	                 layout->strategy) != Z_OK)
		abort();
	if (layout->header != NULL)
		deflateSetHeader(&stream, layout->header);

	for (int piece = layout->flushes; flush != Z_FINISH; piece--)
	{
		size_t n = piece == 0 ? len - done : random_below(len - done + 1);

		flush = piece == 0 ? Z_FINISH : flushes[random_below(flow_countof(flushes))];
		stream.next_in = (uint8_t *) data + done;
		stream.avail_in = (unsigned) n;
		done += n;
		do
		{
			stream.next_out = out;
			stream.avail_out = sizeof(out);
			deflate(&stream, flush);
			put(bytes, out, sizeof(out) - stream.avail_out);
		} while (stream.avail_out == 0);
	}
	deflateEnd(&stream);
}

/* ---------- reading them by zlib ---------- */

/*
 * Inflates all members with zlib.  Returns false if they are invalid, or other
 * data follow.
 */
static bool
inflate_by_zlib(const uint8_t *in, size_t len, Bytes *out)
{
	z_stream stream = {0};
	uint8_t piece[4096];
	int result = Z_STREAM_END;

	out->len = 0;
	stream.next_in = (uint8_t *) in;
	stream.avail_in = (unsigned) len;
	if (inflateInit2(&stream, 15 + 16) != Z_OK)
		abort();
	while (result == Z_STREAM_END && stream.avail_in > 0 &&
	       (stream.next_in == in || *stream.next_in != 0))
	{
		inflateReset(&stream);
		do
		{
			stream.next_out = piece;
			stream.avail_out = sizeof(piece);
			result = inflate(&stream, Z_NO_FLUSH);
			put(out, piece, sizeof(piece) - stream.avail_out);
		} while (result == Z_OK);
	}
	while (stream.avail_in > 0 && *stream.next_in == 0)
		stream.next_in++, stream.avail_in--;
	inflateEnd(&stream);
	return result == Z_STREAM_END && stream.avail_in == 0;
}

/* ---------- good data ---------- */

static void
random_layout(Bytes *stored, Bytes *text, int max_members, int max_bits)
{
	size_t members = 1 + random_below((size_t) max_members);

	stored->len = text->len = 0;
	for (size_t i = 0; i < members; i++)
	{
		Layout layout = {(int) random_below(10),
		                 (int) random_below(5),
		                 1 + (int) random_below(6),
		                 9 + (int) random_below(7),
		                 NULL,
		                 (int) random_size(2)};
		size_t len = random_size(max_bits), start = text->len;

		put_random(text, len);
		put_member(stored, text->data + start, len, &layout);
	}
	if (random_below(8) == 0)
		for (size_t i = random_below(600); i > 0; i--)
			put(stored, "", 1);
}

static void
random_layouts_read_as_zlib_reads_them(void)
{
	Bytes stored = {0}, text = {0}, wanted = {0}, got = {0};
	FlowError error;

	for (int i = 0; i < unit_tries(20000) && unit_complaints == 0; i++)
	{
		random_layout(&stored, &text, 3, 12);
		CHECK(inflate_by_zlib(stored.data, stored.len, &wanted));
		CHECK_INT(decode(gzip, stored.data, stored.len, &got, &error), FLOW_END);
		CHECK(wanted.len == text.len && memcmp(wanted.data, text.data, text.len) == 0);
		CHECK(got.len == wanted.len && memcmp(got.data, wanted.data, got.len) == 0);
	}
	for (int i = 0; i < 60 && unit_complaints == 0; i++)
	{
		random_layout(&stored, &text, 3, 20);
		CHECK_INT(decode_with(gzip,
		                      stored.data,
		                      stored.len,
		                      65536,
		                      FLOW_BLOCK_SIZE,
		                      i % 2 == 0,
		                      &got,
		                      &error),
		          FLOW_END);
		CHECK(got.len == text.len && memcmp(got.data, text.data, text.len) == 0);
	}
	free(stored.data), free(text.data), free(wanted.data), free(got.data);
}

/*
 * At a member's end, ISA-L reads too far.  It must not matter where the input
 * is cut.
 */
static void
every_split_of_two_members_reads_alike(void)
{
	Bytes stored = {0}, text = {0}, got = {0};
	FlowError error;

	put_random(&text, 3000);
	put_member(&stored, text.data, 1500, &plain);
	put_member(&stored, text.data + 1500, 1500, &(Layout) {0, Z_DEFAULT_STRATEGY, 8, 15, NULL, 0});
	for (size_t most_in = 1; most_in <= stored.len && unit_complaints == 0; most_in++)
	{
		CHECK_INT(decode_with(gzip,
		                      stored.data,
		                      stored.len,
		                      most_in,
		                      1 + most_in * 7 % 1000,
		                      false,
		                      &got,
		                      &error),
		          FLOW_END);
		CHECK(got.len == text.len && memcmp(got.data, text.data, text.len) == 0);
	}
	free(stored.data), free(text.data), free(got.data);
}

static void
headers_with_all_fields_are_stepped_over(void)
{
	Bytes stored = {0}, text = {0}, got = {0};
	uint8_t extra[300] = {0};
	FlowError error;

	put_random(&text, 100);
	for (int fields = 0; fields < 32; fields++)
	{
		gz_header header = {.text = fields & 1,
		                    .time = 1700000000,
		                    .hcrc = fields & 2,
		                    .extra = fields & 4 ? extra : NULL,
		                    .extra_len = fields < 16 ? 0 : sizeof(extra),
		                    .name = fields & 8 ? (Bytef *) "flow.log" : NULL,
		                    .comment = fields & 16 ? (Bytef *) "" : NULL};
		Layout layout = plain;

		layout.header = &header;
		stored.len = 0;
		put_member(&stored, text.data, text.len, &layout);
		put_member(&stored, text.data, text.len, &layout);
		for (size_t most_in = 1; most_in < 30; most_in++)
		{
			CHECK_INT(decode_with(gzip, stored.data, stored.len, most_in, 64, false, &got, &error),
			          FLOW_END);
			CHECK_INT(got.len, 2 * text.len);
		}
	}
	free(stored.data), free(text.data), free(got.data);
}

static void
no_data_and_padding_are_fine(void)
{
	Bytes stored = {0}, got = {0};
	FlowError error;

	CHECK_INT(decode(gzip, (const uint8_t *) "", 0, &got, &error), FLOW_END);
	CHECK_INT(got.len, 0);

	put_member(&stored, (const uint8_t *) "x", 1, &plain);
	for (int i = 0; i < 1000; i++)
	{
		put(&stored, "", 1);
		CHECK_INT(decode(gzip, stored.data, stored.len, &got, &error), FLOW_END);
		CHECK_INT(got.len, 1);
	}
	free(stored.data), free(got.data);
}

/* palloc, for example, aligns memory only to 8 bytes */
static void *
allocate_odd(void *arg, size_t size)
{
	return (char *) unit_allocate(arg, size + 8) + 8;
}

static void
free_odd(void *arg, void *ptr)
{
	unit_free(arg, (char *) ptr - 8);
}

static void
memory_aligned_to_eight_bytes_is_enough(void)
{
	FlowHost host = unit_host;
	Bytes stored = {0}, text = {0}, got = {0};
	FlowError error;

	host.allocate = allocate_odd;
	host.free = free_odd;
	for (int i = 0; i < 100; i++)
	{
		random_layout(&stored, &text, 3, 14);
		CHECK_INT(decode_for(&host, gzip, stored.data, stored.len, 1000, 10000, true, &got, &error),
		          FLOW_END);
		CHECK(got.len == text.len && memcmp(got.data, text.data, text.len) == 0);
	}
	free(stored.data), free(text.data), free(got.data);
}

/* ---------- bad data ---------- */

static void
data_cut_short_are_corrupt_at_every_length(void)
{
	static const Layout layouts[] = {{6, Z_DEFAULT_STRATEGY, 8, 15, NULL, 0},
	                                 {0, Z_DEFAULT_STRATEGY, 8, 15, NULL, 0},
	                                 {6, Z_FIXED, 8, 15, NULL, 0},
	                                 {9, Z_DEFAULT_STRATEGY, 1, 9, NULL, 3}};
	Bytes stored = {0}, text = {0};
	gz_header header = {.hcrc = 1,
	                    .extra = (Bytef *) "extra",
	                    .extra_len = 5,
	                    .name = (Bytef *) "name",
	                    .comment = (Bytef *) "comment"};

	put_random(&text, 2000);
	for (size_t i = 0; i < 2 * flow_countof(layouts); i++)
	{
		Layout layout = layouts[i / 2];
		size_t ends[1][2];

		layout.header = i % 2 ? &header : NULL;
		stored.len = 0;
		put_member(&stored, text.data, 1200, &layout);
		ends[0][0] = stored.len, ends[0][1] = 1200;
		put_member(&stored, text.data + 1200, 800, &layout);
		check_cuts(gzip, &stored, &text, ends, 1, "ends in the middle of a gzip member");
	}
	free(stored.data), free(text.data);
}

static void
a_flipped_bit_gives_the_right_data_or_an_error(void)
{
	Bytes stored = {0}, text = {0}, got = {0};
	FlowError error;
	size_t right = 0, members = 0;

	while (stored.len < 2048)
	{
		size_t start = text.len;

		put_random(&text, 2500);
		put_member(&stored, text.data + start, 2500, &plain);
		members++;
	}
	for (size_t bit = 0; bit < 8 * stored.len; bit++)
	{
		FlowStatus status;

		stored.data[bit / 8] ^= (uint8_t) (1 << bit % 8);
		status = decode_with(gzip, stored.data, stored.len, stored.len, 65536, false, &got, &error);
		stored.data[bit / 8] ^= (uint8_t) (1 << bit % 8);
		if (status == FLOW_END)
		{
			CHECK(got.len == text.len && memcmp(got.data, text.data, text.len) == 0);
			right++;
		}
		else
			CHECK_INT(status, FLOW_CORRUPT);
	}
	/*
	 * without effect: time, extra flags, system, FTEXT, and up to 7 bits after
	 * the deflate data
	 */
	CHECK(right >= 49 * members && right <= 56 * members);
	free(stored.data), free(text.data), free(got.data);
}

static void
what_follows_the_last_member_is_corrupt(void)
{
	static const struct
	{
		const char *tail;
		size_t len;
		const char *message;
	} tails[] = {{"garbage", 7, "has other data after its last gzip member"},
	             {"\x1F", 1, "ends in the middle of a gzip member"},
	             {"\x1F\x8C", 2, "has other data after its last gzip member"},
	             {"\x1F\x8B", 2, "ends in the middle of a gzip member"},
	             {"\0\0\0x", 4, "has other data after its last gzip member"},
	             {"\0\x1F\x8B\x08", 4, "has other data after its last gzip member"}};
	Bytes stored = {0}, got = {0};
	FlowError error;

	put_member(&stored, (const uint8_t *) "text", 4, &plain);
	for (size_t i = 0; i < flow_countof(tails); i++)
	{
		size_t len = stored.len;

		put(&stored, tails[i].tail, tails[i].len);
		for (int j = 0; j < 20; j++)
		{
			CHECK_INT(decode(gzip, stored.data, stored.len, &got, &error), FLOW_CORRUPT);
			CHECK_STRING(error.message, tails[i].message);
		}
		stored.len = len;
	}

	put(&stored, "\x1F\x8C", 2);
	decode(gzip, stored.data, stored.len, &got, &error);
	CHECK_STRING(error.detail, "They begin at byte 24.");
	CHECK_INT(decode(gzip, (const uint8_t *) "text", 4, &got, &error), FLOW_CORRUPT);
	CHECK_STRING(error.message, "is not gzip data");
	free(stored.data), free(got.data);
}

static void
damage_is_told_apart_and_located(void)
{
	static const struct
	{
		size_t byte; /* byte to damage; counted from the end if above 1000 */
		uint8_t flip;
		const char *detail;
	} cases[] =
		{{2, 0x01, "The gzip member has an unknown compression method, at byte 10."},
	     {3, 0x20, "The gzip member has unknown flags, at byte 10."},
	     {3, 0x80, "The gzip member has unknown flags, at byte 10."},
	     {4, 0x01, "The gzip member has a header that does not match its check sum, at byte 12."},
	     {10, 0x01, "The gzip member has a header that does not match its check sum, at byte 12."},
	     {12, 0x06, "The gzip member has invalid deflate data, at byte %zu."},
	     {1008,
	      0x01,
	      "The gzip member has data that do not match its check sum or length, at byte %zu."},
	     {1001,
	      0x80,
	      "The gzip member has data that do not match its check sum or length, at byte %zu."}};
	gz_header header = {.hcrc = 1};
	Layout layout = {6, Z_FIXED, 8, 15, &header, 0};
	Bytes stored = {0}, got = {0};
	FlowError error;

	put_member(&stored, (const uint8_t *) "text text text", 14, &layout);
	for (size_t i = 0; i < flow_countof(cases); i++)
	{
		uint8_t *byte = stored.data + (cases[i].byte > 1000 ? stored.len - (cases[i].byte - 1000)
		                                                    : cases[i].byte);
		char detail[128];

		*byte ^= cases[i].flip;
		CHECK_INT(decode_with(gzip, stored.data, stored.len, 1000, 1000, false, &got, &error),
		          FLOW_CORRUPT);
		CHECK_STRING(error.message, "is damaged");
		if (cases[i].byte != 12)
		{
			snprintf(detail, sizeof(detail), cases[i].detail, stored.len);
			CHECK_STRING(error.detail, detail);
		}
		else
			CHECK(strncmp(error.detail, cases[i].detail, 45) == 0);
		*byte ^= cases[i].flip;
	}
	CHECK_INT(decode(gzip, stored.data, stored.len, &got, &error), FLOW_END);
	free(stored.data), free(got.data);
}

/*
 * Inflates data whose header has fields of such lengths.  Lengths include the
 * zero at a text's end.
 */
static FlowStatus
decode_header(int extra, int name, int comment, bool endless)
{
	Bytes stored = {0}, member = {0}, got = {0};
	uint8_t flags = (uint8_t) ((extra ? 4 : 0) | (name ? 8 : 0) | (comment ? 16 : 0));
	uint8_t xlen[2] = {(uint8_t) extra, (uint8_t) (extra >> 8)};
	FlowError error = {0};
	FlowStatus status;

	put_member(&member, (const uint8_t *) "text", 4, &plain);
	put(&stored, member.data, 10);
	stored.data[3] = flags;
	if (extra)
		put(&stored, xlen, 2);
	for (int i = 0; i < extra; i++)
		put(&stored, "e", 1);
	for (int i = 1; i < name; i++)
		put(&stored, "n", 1);
	put(&stored, "", name && !endless ? 1 : 0);
	for (int i = 1; i < comment; i++)
		put(&stored, "c", 1);
	put(&stored, "", comment && !endless ? 1 : 0);
	if (!endless)
		put(&stored, member.data + 10, member.len - 10);

	status = decode(gzip, stored.data, stored.len, &got, &error);
	if (status == FLOW_END)
		CHECK(got.len == 4 && memcmp(got.data, "text", 4) == 0);
	else if (status == FLOW_LIMIT)
		CHECK_STRING(error.message, "has a gzip header of more than 65536 bytes");
	free(stored.data), free(member.data), free(got.data);
	return status;
}

static void
a_header_may_have_64_kib_of_fields(void)
{
	CHECK_INT(decode_header(65535, 0, 0, false), FLOW_END);
	CHECK_INT(decode_header(65535, 1, 0, false), FLOW_END);
	CHECK_INT(decode_header(65535, 2, 0, false), FLOW_LIMIT);
	CHECK_INT(decode_header(65535, 0, 2, false), FLOW_LIMIT);
	CHECK_INT(decode_header(0, 65536, 0, false), FLOW_END);
	CHECK_INT(decode_header(0, 65537, 0, false), FLOW_LIMIT);
	CHECK_INT(decode_header(0, 65536, 1, false), FLOW_LIMIT);
	CHECK_INT(decode_header(30000, 30000, 5536, false), FLOW_END);
	CHECK_INT(decode_header(30000, 30000, 5537, false), FLOW_LIMIT);
	CHECK_INT(decode_header(0, 1000000, 0, true), FLOW_LIMIT);
	CHECK_INT(decode_header(0, 0, 100, true), FLOW_CORRUPT);
}

static void
memory_may_run_out(void)
{
	FlowError error;
	void *state;

	unit_state.fail_after = 0;
	CHECK_INT(gzip->create(&unit_host, NULL, &state, &error), FLOW_NO_MEMORY);
	unit_state.fail_after = -1;
}

int
main(void)
{
	RUN(random_layouts_read_as_zlib_reads_them);
	RUN(every_split_of_two_members_reads_alike);
	RUN(headers_with_all_fields_are_stepped_over);
	RUN(no_data_and_padding_are_fine);
	RUN(memory_aligned_to_eight_bytes_is_enough);
	RUN(data_cut_short_are_corrupt_at_every_length);
	RUN(a_flipped_bit_gives_the_right_data_or_an_error);
	RUN(what_follows_the_last_member_is_corrupt);
	RUN(damage_is_told_apart_and_located);
	RUN(a_header_may_have_64_kib_of_fields);
	RUN(memory_may_run_out);
	if (unit_state.outstanding != 0)
		unit_failed++;
	return unit_done();
}
