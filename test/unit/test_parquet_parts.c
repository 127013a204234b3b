/*-------------------------------------------------------------------------
 *
 * test_parquet_parts.c
 *	  Tests what Parquet's pages are made of against plain versions: packed
 *	  numbers, runs, differences; and Thrift's structs.
 *
 *-------------------------------------------------------------------------
 */
#include "../../flow/parquet/delta.h"
#include "unit.h"

#define MOST 4000 /* numbers of a test */

static uint64_t seed = 2026;

/*
 * Returns where readable memory ends after the data and the padding that
 * follows any page.
 */
static const uint8_t *
with_padding(const uint8_t *data, size_t len)
{
	static uint8_t copy[1 << 20];

	memcpy(copy, data, len);
	memset(copy + len, 0xA5, FLOW_PAGE_PADDING);
	return (const uint8_t *) unit_at_edge(copy, len + FLOW_PAGE_PADDING);
}

/* ---------- plain versions ---------- */

/* Packs numbers bit by bit. */
static size_t
pack(const uint64_t *numbers, size_t count, unsigned width, uint8_t *out)
{
	size_t bytes = (count * width + 7) / 8;

	memset(out, 0, bytes);
	for (size_t i = 0; i < count * width; i++)
		out[i / 8] |= (uint8_t) ((numbers[i / width] >> i % width & 1) << i % 8);
	return bytes;
}

static uint64_t
random_number(unsigned width)
{
	return width == 0 ? 0 : unit_random(&seed) >> (64 - width);
}

static uint8_t *
put_varint(uint8_t *out, uint64_t number)
{
	for (; number > 127; number >>= 7)
		*out++ = (uint8_t) (number | 128);
	*out++ = (uint8_t) number;
	return out;
}

/* ---------- packed numbers ---------- */

static void
it_unpacks_all_widths(void)
{
	static uint64_t numbers[MOST], wide[MOST];
	static uint32_t narrow[MOST];
	static uint8_t packed[MOST * 8];

	for (unsigned width = 0; width <= 64; width++)
		for (size_t groups = 1; groups <= 33; groups += 4)
		{
			size_t len;
			const uint8_t *data;

			for (size_t i = 0; i < groups * 8; i++)
				numbers[i] = random_number(width);
			len = pack(numbers, groups * 8, width, packed);
			data = with_padding(packed, len);
			flow_unpack_wide(data, width, wide, groups);
			CHECK(memcmp(wide, numbers, groups * 8 * sizeof(wide[0])) == 0);
			if (width > 32)
				continue;
			for (int version = 0; flow_unpacker(version) != NULL; version++)
			{
				memset(narrow, 0xFF, sizeof(narrow));
				flow_unpacker(version)(data, width, narrow, groups);
				for (size_t i = 0; i < groups * 8; i++)
					CHECK_INT(narrow[i], numbers[i]);
				CHECK_INT(narrow[groups * 8], UINT32_MAX);
			}
		}
}

static void
it_unpacks_bits(void)
{
	static uint8_t bytes[256], bits[256 * 8];

	for (int i = 0; i < 256; i++)
		bytes[i] = (uint8_t) i;
	flow_unpack_bits((const uint8_t *) unit_at_edge(bytes, 256), bits, 256);
	for (int i = 0; i < 256 * 8; i++)
		CHECK_INT(bits[i], i / 8 >> i % 8 & 1);
}

/* ---------- runs ---------- */

/* Writes runs of both kinds and what they mean.  Returns their bytes. */
static size_t
make_runs(unsigned width, size_t count, uint32_t *numbers, uint8_t *out)
{
	uint8_t *begin = out;
	size_t done = 0;

	while (done < count)
	{
		uint64_t group[64 * 8];

		if (unit_random(&seed) % 2 == 0)
		{
			size_t len = 1 + unit_random(&seed) % 100;
			uint64_t number = random_number(width);

			if (len > count - done)
				len = count - done;
			out = put_varint(out, len << 1);
			for (unsigned i = 0; i < (width + 7) / 8; i++)
				*out++ = (uint8_t) (number >> 8 * i);
			for (size_t i = 0; i < len; i++)
				numbers[done++] = (uint32_t) number;
		}
		else
		{
			size_t groups = 1 + unit_random(&seed) % 20;

			/* only the last may have more numbers than there are */
			if (groups * 8 > count - done)
				groups = (count - done + 7) / 8;
			for (size_t i = 0; i < groups * 8; i++)
				group[i] = random_number(width);
			out = put_varint(out, groups << 1 | 1);
			out += pack(group, groups * 8, width, out);
			for (size_t i = 0; i < groups * 8 && done < count; i++)
				numbers[done++] = (uint32_t) group[i];
		}
	}
	return (size_t) (out - begin);
}

static void
it_reads_runs(void)
{
	static uint32_t want[MOST], got[MOST];
	static uint8_t out[MOST * 8], matches[MOST];

	for (int time = 0; time < unit_tries(3000); time++)
	{
		unsigned width = (unsigned) (unit_random(&seed) % 33);
		size_t count = 1 + unit_random(&seed) % 1000, done = 0;
		size_t len = make_runs(width, count, want, out);
		const uint8_t *data = with_padding(out, len);
		uint32_t wanted = want[unit_random(&seed) % count], number;
		FlowRle rle;

		/* in pieces, some of which are skipped */
		flow_rle_init(&rle, data, len, width);
		while (done < count)
		{
			size_t piece = 1 + unit_random(&seed) % 40;

			if (piece > count - done)
				piece = count - done;
			if (flow_rle_same(&rle, &number) >= piece)
				CHECK_INT(number, want[done]);
			if (unit_random(&seed) % 3 == 0)
				CHECK(flow_rle_skip(&rle, piece));
			else
			{
				CHECK(flow_rle_read(&rle, got, piece));
				CHECK(memcmp(got, want + done, piece * sizeof(got[0])) == 0);
			}
			done += piece;
		}

		/* compared: every number above the wanted one is an error */
		flow_rle_init(&rle, data, len, width);
		for (done = 0; done < count;)
		{
			size_t piece = 1 + unit_random(&seed) % 300, found, expected = 0;
			bool above = false;

			if (piece > count - done)
				piece = count - done;
			for (size_t i = 0; i < piece; i++)
			{
				above |= want[done + i] > wanted;
				expected += want[done + i] == wanted;
			}
			CHECK(flow_rle_match(&rle, wanted, matches, piece, &found) == !above);
			if (above)
				break;
			CHECK_INT(found, expected);
			for (size_t i = 0; i < piece; i++)
				CHECK_INT(matches[i], want[done + i] == wanted);
			done += piece;
		}
	}
}

/* Levels of one bit, which are most of them, have a way of their own. */
static void
it_matches_bits(void)
{
	static uint32_t want[MOST];
	static uint8_t out[MOST * 8], matches[MOST];

	for (int time = 0; time < unit_tries(3000); time++)
	{
		size_t count = 1 + unit_random(&seed) % 1000, done = 0;
		size_t len = make_runs(1, count, want, out);
		FlowRle rle;

		flow_rle_init(&rle, with_padding(out, len), len, 1);
		while (done < count)
		{
			size_t piece = 1 + unit_random(&seed) % 300, found, expected = 0;

			if (piece > count - done)
				piece = count - done;
			CHECK(flow_rle_match(&rle, 1, matches, piece, &found));
			for (size_t i = 0; i < piece; i++)
			{
				CHECK_INT(matches[i], want[done + i]);
				expected += want[done + i];
			}
			CHECK_INT(found, expected);
			done += piece;
		}
	}
}

static void
it_knows_where_runs_end(void)
{
	static uint32_t want[MOST], got[MOST];
	static uint8_t out[MOST * 8], matches[MOST];

	for (int time = 0; time < unit_tries(2000); time++)
	{
		unsigned width = (unsigned) (1 + unit_random(&seed) % 20);
		size_t count = 1 + unit_random(&seed) % 100, found;
		size_t len = make_runs(width, count, want, out);
		/*
		 * the last group may have seven more, and no cut is longer than the
		 * data
		 */
		size_t cut = unit_random(&seed) % len;
		FlowRle rle;
		bool whole;

		flow_rle_init(&rle, with_padding(out, len), len, width);
		CHECK(!flow_rle_read(&rle, got, count + 8));
		flow_rle_init(&rle, with_padding(out, len), len, width);
		CHECK(!flow_rle_skip(&rle, count + 8));

		/* all ways to read agree on whether there are enough after a cut */
		flow_rle_init(&rle, with_padding(out, cut), cut, width);
		whole = flow_rle_read(&rle, got, count);
		if (whole)
			CHECK(memcmp(got, want, count * sizeof(got[0])) == 0);
		flow_rle_init(&rle, with_padding(out, cut), cut, width);
		CHECK(flow_rle_skip(&rle, count) == whole);
		flow_rle_init(&rle, with_padding(out, cut), cut, width);
		CHECK(flow_rle_match(&rle, UINT32_MAX, matches, count, &found) == whole);
	}
}

/* ---------- differences ---------- */

/* Writes DELTA_BINARY_PACKED as the format says it. */
static size_t
make_delta(const uint64_t *numbers, size_t count, uint32_t block, uint32_t minis, uint8_t *out)
{
	uint8_t *begin = out;
	uint32_t size = block / minis;

	out = put_varint(out, block);
	out = put_varint(out, minis);
	out = put_varint(out, count);
	out = put_varint(out, numbers[0] << 1 ^ -(numbers[0] >> 63));
	for (size_t at = 1; at < count; at += block)
	{
		size_t len = count - at < block ? count - at : block;
		int64_t least = INT64_MAX;
		uint8_t *widths;

		for (size_t i = 0; i < len; i++)
		{
			int64_t difference = (int64_t) (numbers[at + i] - numbers[at + i - 1]);

			least = difference < least ? difference : least;
		}
		out = put_varint(out, (uint64_t) least << 1 ^ -((uint64_t) least >> 63));
		widths = out;
		out += minis;
		for (uint32_t mini = 0; mini < minis; mini++)
		{
			uint64_t above[1024] = {0}, all = 0;
			unsigned width = 0;

			/* a width that nothing has says nothing */
			widths[mini] = 0xFF;
			if ((size_t) mini * size >= len)
				continue;
			for (uint32_t i = 0; i < size && (size_t) mini * size + i < len; i++)
			{
				size_t n = at + (size_t) mini * size + i;

				above[i] = numbers[n] - numbers[n - 1] - (uint64_t) least;
				all |= above[i];
			}
			while (width < 64 && all >> width != 0)
				width++;
			widths[mini] = (uint8_t) width;
			out += pack(above, size, width, out);
		}
	}
	return (size_t) (out - begin);
}

static void
it_reads_differences(void)
{
	static const struct
	{
		uint32_t block, minis;
	} blocks[] = {{128, 4}, {128, 1}, {256, 8}, {1024, 4}, {8, 1}, {64, 8}, {1024, 1}};
	static uint64_t want[MOST], got[MOST];
	static uint8_t out[MOST * 10];

	for (int time = 0; time < unit_tries(3000); time++)
	{
		size_t i = unit_random(&seed) % flow_countof(blocks), done = 0, len;
		size_t count = 1 + unit_random(&seed) % 1500;
		unsigned width = (unsigned) (unit_random(&seed) % 65);
		const uint8_t *data, *end;
		FlowDelta delta;

		for (size_t j = 0; j < count; j++)
			want[j] =
				random_number(width) + (unit_random(&seed) % 100 == 0 ? random_number(64) : 0);
		len = make_delta(want, count, blocks[i].block, blocks[i].minis, out);
		data = with_padding(out, len);

		CHECK(flow_delta_init(&delta, data, data + len) == NULL);
		CHECK(flow_delta_end(&unit_host, &delta, &end) == NULL);
		CHECK_INT(end - data, len);
		while (done < count)
		{
			size_t piece = unit_random(&seed) % 200;

			if (piece > count - done)
				piece = count - done;
			CHECK(flow_delta_read(&delta, got, piece) == NULL);
			CHECK(memcmp(got, want + done, piece * sizeof(got[0])) == 0);
			done += piece;
		}
		CHECK(flow_delta_read(&delta, got, 1) != NULL);

		/*
		 * a cut is noticed, unless it only takes what pads the last miniblock
		 */
		data = with_padding(out, len - 1);
		if (flow_delta_init(&delta, data, data + len - 1) == NULL &&
		    flow_delta_read(&delta, got, count) == NULL)
			CHECK(memcmp(got, want, count * sizeof(got[0])) == 0);
	}
}

/* ---------- Thrift ---------- */

static void
it_reads_thrift(void)
{
	/*
	 * 1: true, 2: false, 3: -3, 20: 1 << 40, 21: "ab", 22: [1, -1], 23: {1:
	 * 5}, 40: map, 41: double
	 */
	static const uint8_t data[] = {0x11, 0x12, 0x13, 0xFD, 0x06, 0x28, 0x80, 0x80, 0x80, 0x80, 0x80,
	                               0x40, 0x18, 0x02, 'a',  'b',  0x19, 0x25, 0x02, 0x01, 0x1C, 0x15,
	                               0x0A, 0x00, 0x0B, 0x50, 0x01, 0x58, 0x04, 0x01, 'x',  0x17, 1,
	                               2,    3,    4,    5,    6,    7,    8,    0x00};
	FlowThrift thrift;
	FlowSlice slice;
	int seen = 0;

	flow_thrift_init(&thrift,
	                 &unit_host,
	                 (const uint8_t *) unit_at_edge(data, sizeof(data)),
	                 sizeof(data));
	flow_thrift_begin(&thrift);
	while (flow_thrift_field(&thrift))
	{
		seen++;
		switch (thrift.field)
		{
			case 1:
				CHECK(flow_thrift_bool(&thrift));
				break;
			case 2:
				CHECK(!flow_thrift_bool(&thrift));
				break;
			case 3:
				CHECK_INT(flow_thrift_int32(&thrift), -3);
				break;
			case 23:
				flow_thrift_begin(&thrift);
				CHECK(flow_thrift_field(&thrift));
				CHECK_INT(flow_thrift_int32(&thrift), 5);
				CHECK(!flow_thrift_field(&thrift));
				CHECK_INT(thrift.field, 23);
				break;
			case 20:
				CHECK_INT(flow_thrift_int64(&thrift), INT64_C(1) << 40);
				break;
			case 21:
				slice = flow_thrift_binary(&thrift);
				CHECK(slice.len == 2 && memcmp(slice.data, "ab", 2) == 0);
				break;
			case 22:
				CHECK_INT(flow_thrift_list(&thrift, FLOW_THRIFT_INT32), 2);
				CHECK_INT(flow_thrift_next_int32(&thrift), 1);
				CHECK_INT(flow_thrift_next_int32(&thrift), -1);
				break;
			default:
				flow_thrift_skip(&thrift);
		}
	}
	CHECK(thrift.what == NULL);
	CHECK_INT(seen, 9);
	CHECK(thrift.at == thrift.end);

	/* cut anywhere, it ends early */
	for (size_t len = 0; len < sizeof(data); len++)
	{
		flow_thrift_init(&thrift, &unit_host, (const uint8_t *) unit_at_edge(data, len), len);
		flow_thrift_begin(&thrift);
		while (flow_thrift_field(&thrift))
			flow_thrift_skip(&thrift);
		CHECK(thrift.what != NULL && thrift.ended);
	}
}

int
main(void)
{
	RUN(it_unpacks_all_widths);
	RUN(it_unpacks_bits);
	RUN(it_reads_runs);
	RUN(it_matches_bits);
	RUN(it_knows_where_runs_end);
	RUN(it_reads_differences);
	RUN(it_reads_thrift);
	return unit_done();
}
