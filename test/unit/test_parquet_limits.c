/*-------------------------------------------------------------------------
 *
 * test_parquet_limits.c
 *	  Tests Parquet files that would take much memory or time: they take little
 *	  of both, or are an error.
 *
 *-------------------------------------------------------------------------
 */
#include "model_parquet.h"

#define MIB (1024 * 1024)

static FlowError error;
static FlowHost host;
static int64_t most_bytes; /* that were allocated at once */
static uint8_t pages[40 * MIB];

static void *
allocate_and_note(void *arg, size_t size)
{
	void *ptr = unit_allocate(arg, size);

	if (unit_state.bytes > most_bytes)
		most_bytes = unit_state.bytes;
	return ptr;
}

/*
 * Reads a file of one column to its end or an error.  Returns the error's
 * status, or FLOW_OK.
 */
static FlowStatus
read_file(ParquetFile file, uint64_t most)
{
	FlowStatus status;

	most_bytes = 0;
	status = parquet_read_all(&host, &file, 1000, most, &error);
	CHECK_INT(unit_state.outstanding, 0);
	free(file.data);
	return status;
}

/*
 * A page says that it has the most rows that a page can have, in a run of
 * levels and a run of codes.
 */
static void
it_reads_two_billion_rows_of_a_few_bytes(void)
{
	uint64_t rows = INT32_MAX, left = rows;
	uint8_t data[100], *to = pages, *end = data;
	ParquetFile file;
	FlowParquetInput input;
	FlowParquet *parquet;
	FlowParquetColumn *column;
	FlowParquetValues values;

	/* a dictionary of two numbers; levels of 1; codes of 1 */
	to = parquet_put_page(to, true, 8, 8, 2, 0);
	to = parquet_put_bytes(to, "\x05\0\0\0\x07\0\0\0", 8);
	end = parquet_put_bytes(end, "\x06\0\0\0", 4);
	end = parquet_put_varint(end, rows << 1);
	*end++ = 1;
	*end++ = 1;
	end = parquet_put_varint(end, rows << 1);
	*end++ = 1;
	to = parquet_put_page(to, false, (size_t) (end - data), (size_t) (end - data), rows, 8);
	to = parquet_put_bytes(to, data, (size_t) (end - data));
	file = parquet_make(1, 0, 1, rows, pages, (size_t) (to - pages));

	input = parquet_input(&file);
	most_bytes = 0;
	CHECK_INT(flow_parquet_open(&host, &input, &parquet, &error), FLOW_OK);
	CHECK_INT(flow_parquet_column_create(&host, &column, &error), FLOW_OK);
	CHECK_INT(flow_parquet_column_begin(column, parquet, 0, 0, &error), FLOW_OK);
	while (left > 0)
	{
		CHECK_INT(flow_parquet_column_next(column, SIZE_MAX, &values, &error), FLOW_OK);
		CHECK_INT(values.count, left < FLOW_PARQUET_MAX_ROWS ? left : FLOW_PARQUET_MAX_ROWS);
		CHECK(values.present == NULL);
		CHECK_INT(values.codes[values.count - 1], 1);
		CHECK_INT(values.dictionary->values.numbers[1], 7);
		left -= values.count;
		/* some, from the middle to near the end */
		if (left > UINT64_C(100000))
		{
			uint64_t skip = left > UINT64_C(1000000000) ? UINT64_C(1000000000) : left - 100000;

			CHECK_INT(flow_parquet_column_skip(column, skip, &error), FLOW_OK);
			left -= skip;
		}
	}
	CHECK_INT(flow_parquet_column_next(column, 1, &values, &error), FLOW_END);
	flow_parquet_column_free(column);
	flow_parquet_close(parquet);
	free(file.data);
	CHECK(most_bytes < 3 * MIB);
}

/*
 * Each text has all bytes of the one before: a million of a megabyte, in 1.5.
 */
static void
it_limits_texts_that_are_made_of_others(void)
{
	uint32_t count = 1000001, len = MIB;
	uint8_t *data = malloc(4 * MIB), *to = data, *page;

	/* common beginnings: 0, then all bytes; blocks are of eight numbers */
	to = parquet_put_bytes(to, "\x08\x01", 2);
	to = parquet_put_varint(to, count);
	to = parquet_put_bytes(to, "\0\0\x15", 3);
	memset(to, 0, 21);
	to[2] = 0x10; /* 2^20, in 21 bits */
	to += 21;
	for (uint32_t done = 9; done < count; done += 8)
		to = parquet_put_bytes(to, "\0\0", 2);
	/* lengths of the rest: all bytes, then 0 */
	to = parquet_put_bytes(to, "\x08\x01", 2);
	to = parquet_put_varint(to, count);
	to = parquet_put_varint(to, (uint64_t) len << 1);
	to = parquet_put_varint(to, ((uint64_t) len << 1) - 1);
	*to++ = 21;
	memset(to, 0, 21);
	for (int bit = 21 + 20; bit < 8 * 21; bit += 21)
		to[bit / 8] |= (uint8_t) (1 << bit % 8);
	to += 21;
	for (uint32_t done = 9; done < count; done += 8)
		to = parquet_put_bytes(to, "\0\0", 2);
	memset(to, 'x', len);
	to += len;

	page = parquet_put_page(pages, false, (size_t) (to - data), (size_t) (to - data), count, 7);
	page = parquet_put_bytes(page, data, (size_t) (to - data));
	CHECK_INT(read_file(parquet_make(6, 0, 0, count, pages, (size_t) (page - pages)), 5000),
	          FLOW_LIMIT);
	CHECK_STRING(error.message, "has texts of more than 64 MiB in 1024 rows");
	CHECK_STRING(error.detail, "The page is in column \"c\", at byte 4.");
	CHECK(most_bytes < 10 * MIB);
	free(data);
}

/* A codec that cannot be interrupted gets smaller pages. */
static void
it_limits_pages_by_their_codec(void)
{
	static const struct
	{
		int codec;
		size_t inflated;
		FlowStatus status;
		const char *message;
	} cases[] = {
		{1, 16 * MIB, FLOW_CORRUPT, "is damaged"},
		{1, 16 * MIB + 1, FLOW_LIMIT, "has a page of more than 16 MiB, compressed by Snappy"},
		{7, 16 * MIB, FLOW_CORRUPT, "is damaged"},
		{7, 16 * MIB + 1, FLOW_LIMIT, "has a page of more than 16 MiB, compressed by LZ4"},
		{2, 64 * MIB, FLOW_CORRUPT, "is damaged"},
		{2, 64 * MIB + 1, FLOW_LIMIT, "has a page of more than 64 MiB"},
		{6, 64 * MIB, FLOW_CORRUPT, "is damaged"},
		{6, 64 * MIB + 1, FLOW_LIMIT, "has a page of more than 64 MiB"},
		{0, 64 * MIB + 1, FLOW_LIMIT, "has a page of more than 64 MiB"},
	};

	for (size_t i = 0; i < flow_countof(cases); i++)
	{
		uint8_t *to = parquet_put_page(pages, false, cases[i].inflated, 20, 10, 0);

		memset(to, 0xEE, 20);
		to += 20;
		CHECK_INT(read_file(parquet_make(1, cases[i].codec, 0, 10, pages, (size_t) (to - pages)),
		                    100),
		          cases[i].status);
		CHECK_STRING(error.message, cases[i].message);
		CHECK(strstr(error.detail, "column \"c\"") != NULL &&
		      strstr(error.detail, " at byte 4.") != NULL);
		CHECK(most_bytes < 66 * MIB);
	}
}

/* A file that is all zeros but for its end. */
static FlowStatus
read_zeros(void *arg, uint64_t offset, void *buffer, size_t len, FlowError *ignored)
{
	const uint8_t *end = arg;
	uint64_t size = UINT64_C(100) * MIB;

	(void) ignored;
	memset(buffer, 0, len);
	if (offset + len == size)
		memcpy((uint8_t *) buffer + len - 8, end, 8);
	return FLOW_OK;
}

static void
it_limits_the_footer(void)
{
	uint8_t end[8] = {1, 0, 0, 4, 'P', 'A', 'R', '1'}; /* 64 MiB and a byte */
	FlowParquetInput input = {end, read_zeros, UINT64_C(100) * MIB, 0};
	FlowParquet *parquet;

	most_bytes = 0;
	CHECK_INT(flow_parquet_open(&host, &input, &parquet, &error), FLOW_LIMIT);
	CHECK_STRING(error.message, "has a footer of more than 64 MiB");
	CHECK(most_bytes < MIB);

	/* one byte less is read, and is no footer */
	end[0] = 0;
	CHECK_INT(flow_parquet_open(&host, &input, &parquet, &error), FLOW_CORRUPT);
	CHECK_INT(unit_state.outstanding, 0);
}

static void
it_limits_columns(void)
{
	for (uint32_t count = FLOW_PARQUET_MAX_LEAVES; count <= FLOW_PARQUET_MAX_LEAVES + 1; count++)
	{
		uint8_t *to = parquet_put_bytes(pages, FLOW_PARQUET_MAGIC, 4), *footer = to;
		ParquetFile file = {pages, 0, 0, 0, -1, false};
		FlowParquetInput input;
		FlowParquet *parquet;
		FlowStatus status;

		/*
		 * the root, and so many leaves of one name; no rows and no row groups
		 */
		to = parquet_put_bytes(to, "\x15\x04\x19\xFC", 4);
		to = parquet_put_varint(to, count + 1);
		to = parquet_put_bytes(to, "\x48\x01s", 3);
		to = parquet_put_field(to, 1, 5, count);
		*to++ = 0;
		for (uint32_t i = 0; i < count; i++)
			to = parquet_put_bytes(to, "\x15\x02\x25\0\x18\x01\x63\0", 8);
		to = parquet_put_bytes(to, "\x16\0\x19\x0C\0", 5);
		for (size_t i = 0, size = (size_t) (to - footer); i < 4; i++)
			*to++ = (uint8_t) (size >> 8 * i);
		to = parquet_put_bytes(to, FLOW_PARQUET_MAGIC, 4);
		file.size = (size_t) (to - pages);

		input = parquet_input(&file);
		status = flow_parquet_open(&host, &input, &parquet, &error);
		if (count <= FLOW_PARQUET_MAX_LEAVES)
			CHECK_INT(status, FLOW_OK);
		else
		{
			CHECK_INT(status, FLOW_LIMIT);
			CHECK_STRING(error.message, "has more than 20000 columns");
		}
		flow_parquet_close(parquet);
		CHECK_INT(unit_state.outstanding, 0);
	}
}

/* Many pages without rows are passed over, and may be interrupted. */
static void
it_can_be_interrupted_in_empty_pages(void)
{
	uint8_t *to = pages;
	ParquetFile file;

	for (int i = 0; i < 100000; i++)
		to = parquet_put_page(to, false, 0, 0, 0, 0);
	file = parquet_make(1, 0, 0, 10, pages, (size_t) (to - pages));
	unit_state.interrupt_after = 500;
	CHECK_INT(read_file(file, 100), FLOW_INTERRUPTED);
	unit_state.interrupt_after = -1;

	CHECK_INT(read_file(parquet_make(1, 0, 0, 10, pages, (size_t) (to - pages)), 100),
	          FLOW_CORRUPT);
	CHECK(strstr(error.detail, "no rows, but its row group has more") != NULL);
}

static void
it_can_be_interrupted_in_a_long_footer(void)
{
	uint8_t *to = parquet_put_bytes(pages, FLOW_PARQUET_MAGIC, 4), *footer = to;
	ParquetFile file = {pages, 0, 0, 0, -1, false};
	FlowParquetInput input;
	FlowParquet *parquet;

	/* field 9, which is not known: a million numbers */
	to = parquet_put_bytes(to, "\x99\xF5", 2);
	to = parquet_put_varint(to, 1000000);
	memset(to, 2, 1000000);
	to += 1000000;
	*to++ = 0;
	for (size_t i = 0, size = (size_t) (to - footer); i < 4; i++)
		*to++ = (uint8_t) (size >> 8 * i);
	to = parquet_put_bytes(to, FLOW_PARQUET_MAGIC, 4);
	file.size = (size_t) (to - pages);
	input = parquet_input(&file);

	for (int64_t n = 0; n < 3; n++)
	{
		unit_state.interrupt_after = n;
		CHECK_INT(flow_parquet_open(&host, &input, &parquet, &error), FLOW_INTERRUPTED);
	}
	unit_state.interrupt_after = -1;
	CHECK_INT(flow_parquet_open(&host, &input, &parquet, &error), FLOW_CORRUPT);
	CHECK_INT(unit_state.outstanding, 0);
}

int
main(void)
{
	host = unit_host;
	host.allocate = allocate_and_note;
	RUN(it_reads_two_billion_rows_of_a_few_bytes);
	RUN(it_limits_texts_that_are_made_of_others);
	RUN(it_limits_pages_by_their_codec);
	RUN(it_limits_the_footer);
	RUN(it_limits_columns);
	RUN(it_can_be_interrupted_in_empty_pages);
	RUN(it_can_be_interrupted_in_a_long_footer);
	return unit_done();
}
