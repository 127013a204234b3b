/*-------------------------------------------------------------------------
 *
 * test_parquet_index.c
 *	  Tests page indexes and bloom filters of Parquet files.
 *
 * Row r of test/data/parquet/index.parquet has 3 r, in most columns; a page
 * has ten rows.  See make_index in test/support/parquet/make_parquet.
 *
 *-------------------------------------------------------------------------
 */
#include "model_parquet.h"

#define DATA "test/data/parquet/"
#define ROWS 95

static FlowError error;
static ParquetFile file;
static FlowParquet *parquet;
static FlowParquetColumn *column;

static size_t
find_leaf(const char *name)
{
	for (size_t i = 0; i < flow_parquet_leaves(parquet); i++)
		if (strcmp(flow_parquet_leaf(parquet, i)->name, name) == 0)
			return i;
	printf("# there is no column \"%s\"\n", name);
	exit(1);
}

/* Reads the index of a column, which may have none. */
static FlowParquetPageIndex *
read_index(const char *name)
{
	FlowParquetPageIndex *index;

	CHECK_INT(flow_parquet_page_index_read(parquet, 0, find_leaf(name), &index, &error), FLOW_OK);
	return index;
}

/* Returns a bound of a page as text. */
static const char *
bound(const char *name, const FlowParquetPage *page, int side)
{
	static char buffers[2][FLOW_PARQUET_TEXT_SIZE + 1];
	FlowParquetArray array = {page->number, page->real, page->text};
	FlowSlice text = flow_parquet_write_text(flow_parquet_leaf(parquet, find_leaf(name)),
	                                         &array,
	                                         (size_t) side,
	                                         buffers[side]);

	memmove(buffers[side], text.data, text.len);
	buffers[side][text.len] = '\0';
	return buffers[side];
}

/* Checks the places of the pages of a column. */
static void
check_places(const FlowParquetPageIndex *index, const char *name)
{
	FlowParquetChunk chunk;
	uint64_t at;

	flow_parquet_chunk(parquet, 0, find_leaf(name), &chunk);
	at = chunk.offset + chunk.dictionary_size;
	CHECK_INT(index->count, 10);
	for (size_t i = 0; i < index->count; i++)
	{
		CHECK_INT(index->pages[i].first_row, i * 10);
		CHECK_INT(index->pages[i].rows, i == 9 ? 5 : 10);
		CHECK_INT(index->pages[i].offset, at);
		at += index->pages[i].size;
	}
	CHECK_INT(at, chunk.offset + chunk.size);
}

static void
it_reads_page_indexes(void)
{
	FlowParquetPageIndex *index = read_index("numbers");
	char want[100];

	check_places(index, "numbers");
	for (size_t i = 0; i < index->count; i++)
	{
		FlowParquetPage *page = &index->pages[i];

		CHECK(page->has_min && page->has_max && !page->only_nulls);
		CHECK_INT(page->nulls, 0);
		CHECK_INT(page->number[0], (int64_t) i * 30);
		CHECK_INT(page->number[1], i == 9 ? 282 : (int64_t) i * 30 + 27);
	}
	flow_parquet_page_index_free(&unit_host, index);

	index = read_index("texts");
	check_places(index, "texts");
	for (size_t i = 0; i < index->count; i++)
	{
		snprintf(want, sizeof(want), "eni-%04zu", i * 2);
		CHECK_STRING(bound("texts", &index->pages[i], 0), want);
	}
	flow_parquet_page_index_free(&unit_host, index);

	index = read_index("doubles");
	CHECK_STRING(bound("doubles", &index->pages[1], 0), "7.5");
	/* the zero of the first page may be either */
	CHECK_STRING(bound("doubles", &index->pages[0], 0), "-0");
	flow_parquet_page_index_free(&unit_host, index);
}

static void
it_knows_pages_of_nulls(void)
{
	FlowParquetPageIndex *index = read_index("some");

	check_places(index, "some");
	for (size_t i = 0; i < index->count; i++)
	{
		FlowParquetPage *page = &index->pages[i];
		int nulls = 0;

		for (uint64_t row = page->first_row; row < page->first_row + page->rows; row++)
			nulls += (row >= 20 && row < 40) || row % 7 == 3;
		CHECK_INT(page->nulls, nulls);
		CHECK_INT(page->only_nulls, i == 2 || i == 3);
		CHECK_INT(page->has_min, !page->only_nulls);
		CHECK_INT(page->has_max, !page->only_nulls);
	}
	flow_parquet_page_index_free(&unit_host, index);
}

static void
it_passes_over_indexes_that_cannot_be(void)
{
	static const char *const none[] = {"without",
	                                   "no offsets",
	                                   "beyond the chunk",
	                                   "before the chunk",
	                                   "two at one place",
	                                   "not from the first row",
	                                   "rows that go back",
	                                   "more rows",
	                                   "no size",
	                                   "a negative row"};
	static const char *const places[] = {"offsets alone", "fewer bounds"};
	FlowParquetPageIndex *index;

	for (size_t i = 0; i < flow_countof(none); i++)
	{
		index = read_index(none[i]);
		if (index != NULL)
			printf("# column \"%s\"\n", none[i]);
		CHECK(index == NULL);
		flow_parquet_page_index_free(&unit_host, index);
	}

	/* what is in the pages is not known */
	for (size_t i = 0; i < flow_countof(places); i++)
	{
		index = read_index(places[i]);
		check_places(index, places[i]);
		for (size_t page = 0; page < index->count; page++)
			CHECK(!index->pages[page].has_min && !index->pages[page].has_max &&
			      !index->pages[page].only_nulls && index->pages[page].nulls == -1);
		flow_parquet_page_index_free(&unit_host, index);
	}

	/* nor that of one page */
	index = read_index("a wrong number of nulls");
	CHECK_INT(index->pages[2].nulls, -1);
	CHECK_INT(index->pages[3].nulls, 0);
	flow_parquet_page_index_free(&unit_host, index);
	index = read_index("nulls that are values");
	CHECK(!index->pages[2].only_nulls && !index->pages[2].has_min && !index->pages[2].has_max);
	CHECK(index->pages[3].has_min);
	flow_parquet_page_index_free(&unit_host, index);
}

/*
 * Reads some rows from each of the given ones on, with or without the index.
 */
static FlowStatus
read_from(const char *name, const FlowParquetPageIndex *index, const uint64_t *from, size_t count,
          ParquetText *text)
{
	size_t leaf = find_leaf(name);
	FlowParquetValues values;
	FlowStatus status = flow_parquet_column_begin(column, parquet, 0, leaf, &error);
	uint64_t row = 0;

	text->len = text->rows = 0;
	if (index != NULL)
		flow_parquet_column_use_index(column, index);
	for (size_t i = 0; i < count && status == FLOW_OK; i++)
	{
		status = flow_parquet_column_skip(column, from[i] - row, &error);
		row = from[i];
		if (status == FLOW_OK)
			status = flow_parquet_column_next(column, 3, &values, &error);
		for (size_t j = 0; status == FLOW_OK && j < values.count; j++, row++)
			parquet_append_row(text, flow_parquet_leaf(parquet, leaf), &values, j);
	}
	return status;
}

static void
it_goes_directly_to_pages(void)
{
	static const char *const names[] = {"numbers", "some", "texts", "doubles"};
	static const uint64_t from[][4] = {{0, 10, 50, 94},
	                                   {5, 8, 20, 93},
	                                   {94, 95, 95, 95},
	                                   {19, 20, 30, 40},
	                                   {60, 63, 66, 69},
	                                   {0, 3, 89, 90},
	                                   {35, 45, 55, 65}};
	ParquetText plain = {NULL, 0, 0, 0}, direct = {NULL, 0, 0, 0};

	for (size_t i = 0; i < flow_countof(names); i++)
	{
		FlowParquetPageIndex *index = read_index(names[i]);

		for (size_t j = 0; j < flow_countof(from); j++)
		{
			uint64_t before = file.read, read;
			FlowStatus status = read_from(names[i], NULL, from[j], 4, &plain);

			read = file.read - before;
			before = file.read;
			CHECK_INT(read_from(names[i], index, from[j], 4, &direct), status);
			CHECK(plain.len == direct.len && memcmp(plain.data, direct.data, plain.len) == 0);
			CHECK(file.read - before <= read);
		}

		/* any one row */
		for (uint64_t row = 0; row < ROWS; row++)
		{
			CHECK_INT(read_from(names[i], NULL, &row, 1, &plain), FLOW_OK);
			CHECK_INT(read_from(names[i], index, &row, 1, &direct), FLOW_OK);
			CHECK(plain.len == direct.len && memcmp(plain.data, direct.data, plain.len) == 0);
		}
		flow_parquet_page_index_free(&unit_host, index);
	}
	free(plain.data);
	free(direct.data);
}

/* The page that an index points to is the one that it means. */
static void
it_notices_an_index_of_other_pages(void)
{
	static const uint64_t row = 55;
	ParquetText text = {NULL, 0, 0, 0};
	FlowParquetPageIndex *index = read_index("other rows");

	CHECK(index != NULL);
	CHECK_INT(read_from("other rows", index, &row, 1, &text), FLOW_CORRUPT);
	CHECK(strstr(error.detail, "other rows than the page index says") != NULL);
	CHECK(strstr(error.detail, " at byte ") != NULL);
	flow_parquet_page_index_free(&unit_host, index);

	index = read_index("another page");
	CHECK(index == NULL || read_from("another page", index, &row, 1, &text) == FLOW_CORRUPT);
	flow_parquet_page_index_free(&unit_host, index);
	free(text.data);
}

/* ---------- bloom filters ---------- */

static void
it_finds_values_in_bloom_filters(void)
{
	static const char *const names[] =
		{"numbers", "some", "texts", "doubles", "floats", "long texts"};
	char text[100];

	for (size_t i = 0; i < flow_countof(names); i++)
	{
		size_t leaf = find_leaf(names[i]);
		const FlowParquetLeaf *what = flow_parquet_leaf(parquet, leaf);
		FlowParquetBloom *bloom;
		int absent = 0;

		CHECK_INT(flow_parquet_bloom_read(parquet, 0, leaf, &bloom, &error), FLOW_OK);
		CHECK(bloom != NULL);
		for (int n = 0; n < 1000; n++)
		{
			int64_t number = n;
			double real = n / 4.0;
			FlowSlice slice = {text, 0};
			FlowParquetArray array = {&number, &real, &slice};
			bool there;

			slice.len = (size_t) snprintf(text, sizeof(text), "eni-%04d", n);
			if (i == 5)
			{
				text[slice.len++] = ' ';
				memset(text + slice.len, 'x', 60);
				slice.len += 60;
			}
			if (i == 2 || i == 5)
				there = n < ROWS / 5;
			else
				there = n < ROWS * 3 && n % 3 == 0;
			if (i == 1)
				there = there && !(n / 3 >= 20 && n / 3 < 40) && n / 3 % 7 != 3;
			if (there)
				CHECK(flow_parquet_bloom_may_have(bloom, what, &array, 0));
			else
				absent += !flow_parquet_bloom_may_have(bloom, what, &array, 0);
		}
		/* some values that are absent are taken for present, most are not */
		CHECK(absent > 700);
		flow_parquet_bloom_free(&unit_host, bloom);
	}
}

static void
it_has_no_bloom_filter_where_there_is_none(void)
{
	FlowParquetBloom *bloom;

	CHECK_INT(flow_parquet_bloom_read(parquet, 0, find_leaf("without"), &bloom, &error), FLOW_OK);
	CHECK(bloom == NULL);
}

/* ---------- damage ---------- */

/*
 * Whatever is in the indexes, reading by them gives the same rows or an error.
 */
static void
it_survives_any_change_of_an_index(void)
{
	static const uint64_t from[4] = {0, 25, 50, 90};
	ParquetText want = {NULL, 0, 0, 0}, got = {NULL, 0, 0, 0};
	size_t leaf = find_leaf("some");
	FlowParquetChunk chunk;
	int64_t value = 3;
	FlowParquetArray array = {.numbers = &value};

	CHECK_INT(read_from("some", NULL, from, 4, &want), FLOW_OK);
	flow_parquet_chunk(parquet, 0, leaf, &chunk);
	for (uint64_t at = chunk.bloom_offset; at < chunk.column_index_offset + chunk.column_index_size;
	     at++)
		for (int to = 0; to < 256; to += getenv("FLOWLOG_LONG") != NULL ? 1 : 5)
		{
			uint8_t was = file.data[at];
			FlowParquetPageIndex *index;
			FlowParquetBloom *bloom;
			FlowStatus status;

			/*
			 * from one end of this column's ranges to the other, others' may
			 * be between
			 */
			file.data[at] = (uint8_t) to;
			CHECK_INT(flow_parquet_page_index_read(parquet, 0, leaf, &index, &error), FLOW_OK);
			status = read_from("some", index, from, 4, &got);
			CHECK(status == FLOW_CORRUPT || (status == FLOW_OK && got.len == want.len &&
			                                 memcmp(got.data, want.data, got.len) == 0));
			CHECK_INT(flow_parquet_bloom_read(parquet, 0, leaf, &bloom, &error), FLOW_OK);
			if (bloom != NULL)
				flow_parquet_bloom_may_have(bloom, flow_parquet_leaf(parquet, leaf), &array, 0);
			flow_parquet_bloom_free(&unit_host, bloom);
			flow_parquet_page_index_free(&unit_host, index);
			file.data[at] = was;
		}
	CHECK(!file.out_of_file);
	free(want.data);
	free(got.data);
}

/* The samples have a filter that another writer made, if they are there. */
static void
it_reads_filters_of_others(void)
{
	static const char *const values[] = {"Hello", "This is", "a", "test", "jumps", "the lazy"};
	char path[600];
	ParquetFile sample;
	FlowParquetInput input;
	FlowParquet *opened;
	FlowParquetBloom *bloom;

	snprintf(path,
	         sizeof(path),
	         "%s/parquet-testing/data/data_index_bloom_encoding_with_length.parquet",
	         getenv("FLOWLOG_SAMPLES") != NULL ? getenv("FLOWLOG_SAMPLES") : "");
	if (access(path, R_OK) != 0)
		return;
	sample = parquet_load(path);
	input = parquet_input(&sample);
	CHECK_INT(flow_parquet_open(&unit_host, &input, &opened, &error), FLOW_OK);
	CHECK_INT(flow_parquet_bloom_read(opened, 0, 0, &bloom, &error), FLOW_OK);
	CHECK(bloom != NULL);
	for (size_t i = 0; bloom != NULL && i < flow_countof(values); i++)
	{
		FlowSlice slice = {values[i], strlen(values[i])};
		FlowParquetArray array = {.texts = &slice};

		CHECK(flow_parquet_bloom_may_have(bloom, flow_parquet_leaf(opened, 0), &array, 0));
		slice.data = "nowhere at all";
		slice.len = strlen(slice.data);
		CHECK(!flow_parquet_bloom_may_have(bloom, flow_parquet_leaf(opened, 0), &array, 0));
	}
	flow_parquet_bloom_free(&unit_host, bloom);
	flow_parquet_close(opened);
	free(sample.data);
}

int
main(void)
{
	FlowParquetInput input;

	file = parquet_load(DATA "index.parquet");
	input = parquet_input(&file);
	if (flow_parquet_open(&unit_host, &input, &parquet, &error) != FLOW_OK ||
	    flow_parquet_column_create(&unit_host, &column, &error) != FLOW_OK)
	{
		printf("# %s: %s\n", error.message, error.detail);
		return 1;
	}
	RUN(it_reads_page_indexes);
	RUN(it_knows_pages_of_nulls);
	RUN(it_passes_over_indexes_that_cannot_be);
	RUN(it_goes_directly_to_pages);
	RUN(it_notices_an_index_of_other_pages);
	RUN(it_finds_values_in_bloom_filters);
	RUN(it_has_no_bloom_filter_where_there_is_none);
	RUN(it_survives_any_change_of_an_index);
	RUN(it_reads_filters_of_others);
	flow_parquet_column_free(column);
	flow_parquet_close(parquet);
	if (unit_state.outstanding != 0)
		return 1;
	return unit_done();
}
