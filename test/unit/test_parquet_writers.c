/*-------------------------------------------------------------------------
 *
 * test_parquet_writers.c
 *	  Tests reading Parquet files that other writers made: the values, and
 *	  whether all that the files say of their values is so.
 *
 * test/support/parquet/make_others.mjs has made test/data/parquet/others.
 *
 *-------------------------------------------------------------------------
 */
#include "model_parquet.h"

#include <dirent.h>
#include <math.h>

#define OTHERS "test/data/parquet/others"
#define ROWS 250

static FlowError error;

/* ---------- values ---------- */

/* Appends the value of a row of the table that the files have. */
static void
append_other(ParquetText *text, const char *column, int64_t row)
{
	char value[100] = PARQUET_NULL;

	if (strcmp(column, "number") == 0)
		snprintf(value, sizeof(value), "%" PRId64, row * 1000000007 - INT64_C(5000000000));
	else if (strcmp(column, "port") == 0 && row % 5 != 3)
		snprintf(value, sizeof(value), "%d", (int) (row * 7 % 13));
	else if (strcmp(column, "action") == 0 && row % 11 != 4)
		snprintf(value, sizeof(value), "%s", row % 3 == 0 ? "REJECT" : "ACCEPT");
	else if (strcmp(column, "address") == 0)
		snprintf(value, sizeof(value), "10.0.%d.%d", (int) (row % 4), (int) row);
	else if (strcmp(column, "ratio") == 0 && row % 17 != 2)
		snprintf(value, sizeof(value), "%g", (double) row / 8);
	else if (strcmp(column, "flag") == 0 && row % 7 != 1)
		snprintf(value, sizeof(value), "%s", row % 2 == 0 ? "true" : "false");
	else if (strcmp(column, "time") == 0)
	{
		int64_t milliseconds = row * 1001;
		char fraction[10];
		size_t len =
			(size_t) snprintf(fraction, sizeof(fraction), ".%03d", (int) (milliseconds % 1000));

		while (len > 0 && (fraction[len - 1] == '0' || fraction[len - 1] == '.'))
			fraction[--len] = '\0';
		snprintf(value,
		         sizeof(value),
		         "2024-01-01T00:%02d:%02d%sZ",
		         (int) (milliseconds / 60000),
		         (int) (milliseconds / 1000 % 60),
		         fraction);
	}
	parquet_append(text, value, strlen(value));
}

static void
compare_values(FlowParquet *parquet, FlowParquetColumn *column)
{
	ParquetText got = {NULL, 0, 0, 0}, want = {NULL, 0, 0, 0};

	CHECK_INT(flow_parquet_rows(parquet), ROWS);
	CHECK_INT(flow_parquet_leaves(parquet), 7);
	for (size_t leaf = 0; leaf < flow_parquet_leaves(parquet); leaf++)
	{
		got.len = got.rows = want.len = want.rows = 0;
		for (size_t group = 0; group < flow_parquet_groups(parquet); group++)
			CHECK_INT(parquet_read_leaf(parquet, column, group, leaf, 64, UINT64_MAX, &got, &error),
			          FLOW_END);
		for (int64_t row = 0; row < ROWS; row++)
			append_other(&want, flow_parquet_leaf(parquet, leaf)->name, row);
		CHECK_STRING(got.data, want.data);
	}
	free(got.data);
	free(want.data);
}

/* ---------- what a file says of its values ---------- */

/*
 * Compares value i with a bound: negative, 0 or positive.  *known is cleared
 * if it has no order.
 */
static int
compare_bound(const FlowParquetLeaf *leaf, const FlowParquetArray *values, size_t i,
              const int64_t *number, const double *real, const FlowSlice *text, bool *known)
{
	if (leaf->form == FLOW_PARQUET_NUMBERS && leaf->kind == FLOW_PARQUET_UNSIGNED)
		return (uint64_t) values->numbers[i] < (uint64_t) *number
		           ? -1
		           : (uint64_t) values->numbers[i] > (uint64_t) *number;
	if (leaf->form == FLOW_PARQUET_NUMBERS)
		return values->numbers[i] < *number ? -1 : values->numbers[i] > *number;
	if (leaf->form == FLOW_PARQUET_REALS)
	{
		/* bounds say nothing of a NaN */
		*known = !isnan(values->reals[i]);
		return values->reals[i] < *real ? -1 : values->reals[i] > *real;
	}
	*known = leaf->kind != FLOW_PARQUET_DECIMAL;
	if (*known)
	{
		FlowSlice value = values->texts[i];
		size_t len = value.len < text->len ? value.len : text->len;
		int result = len > 0 ? memcmp(value.data, text->data, len) : 0;

		return result != 0 ? result : value.len < text->len ? -1 : value.len > text->len;
	}
	return 0;
}

/*
 * Returns true if a value is within bounds, of which either may not be known.
 */
static bool
is_within(const FlowParquetLeaf *leaf, const FlowParquetArray *values, size_t i, bool has_min,
          bool has_max, const int64_t number[2], const double real[2], const FlowSlice text[2])
{
	bool known = true;

	if (has_min && compare_bound(leaf, values, i, &number[0], &real[0], &text[0], &known) < 0)
		return !known;
	if (has_max && compare_bound(leaf, values, i, &number[1], &real[1], &text[1], &known) > 0)
		return !known;
	return true;
}

/*
 * Checks all rows of a chunk against its statistics, page index and bloom
 * filter.
 */
static void
check_chunk(FlowParquet *parquet, FlowParquetColumn *column, size_t group, size_t leaf)
{
	const FlowParquetLeaf *what = flow_parquet_leaf(parquet, leaf);
	FlowParquetChunk chunk;
	FlowParquetPageIndex *index;
	FlowParquetBloom *bloom;
	FlowParquetValues values;
	FlowStatus status = flow_parquet_column_begin(column, parquet, group, leaf, &error);
	uint64_t row = 0;
	int64_t nulls = 0, page_nulls = 0;
	size_t page = 0;

	flow_parquet_chunk(parquet, group, leaf, &chunk);
	CHECK_INT(flow_parquet_page_index_read(parquet, group, leaf, &index, &error), FLOW_OK);
	CHECK_INT(flow_parquet_bloom_read(parquet, group, leaf, &bloom, &error), FLOW_OK);
	CHECK((chunk.offset_index_size > 0) == (index != NULL));
	CHECK((chunk.bloom_size > 0) == (bloom != NULL));
	if (index != NULL)
		flow_parquet_column_use_index(column, index);
	while (status == FLOW_OK &&
	       (status = flow_parquet_column_next(column, 50, &values, &error)) == FLOW_OK)
	{
		CHECK(!chunk.dictionary_coded || values.codes != NULL);
		for (size_t i = 0; i < values.count; i++, row++)
		{
			const FlowParquetArray *array =
				values.codes != NULL ? &values.dictionary->values : &values.values;
			size_t at = values.codes != NULL ? values.codes[i] : i;
			const FlowParquetPage *in;

			while (index != NULL && row >= index->pages[page].first_row + index->pages[page].rows)
			{
				if (index->pages[page].nulls >= 0)
					CHECK_INT(page_nulls, index->pages[page].nulls);
				page++;
				page_nulls = 0;
			}
			in = index != NULL ? &index->pages[page] : NULL;
			if (values.present != NULL && !values.present[i])
			{
				nulls++;
				page_nulls++;
				continue;
			}
			CHECK(is_within(what,
			                array,
			                at,
			                chunk.has_min,
			                chunk.has_max,
			                chunk.number,
			                chunk.real,
			                chunk.text));
			if (in != NULL)
			{
				CHECK(!in->only_nulls);
				CHECK(is_within(
					what, array, at, in->has_min, in->has_max, in->number, in->real, in->text));
			}
			CHECK(bloom == NULL || flow_parquet_bloom_may_have(bloom, what, array, at));
		}
	}
	if (status == FLOW_END && chunk.nulls >= 0)
		CHECK_INT(nulls, chunk.nulls);
	if (unit_complaints > 0)
		printf("# in column \"%s\"\n", what->name);
	flow_parquet_page_index_free(&unit_host, index);
	flow_parquet_bloom_free(&unit_host, bloom);
}

static void
check_file(const char *path, bool is_other)
{
	ParquetFile file = parquet_load(path);
	FlowParquetInput input = parquet_input(&file);
	FlowParquet *parquet;
	FlowParquetColumn *column;
	int before = unit_complaints;

	CHECK_INT(flow_parquet_column_create(&unit_host, &column, &error), FLOW_OK);
	if (flow_parquet_open(&unit_host, &input, &parquet, &error) == FLOW_OK)
	{
		if (is_other)
			compare_values(parquet, column);
		for (size_t leaf = 0; leaf < flow_parquet_leaves(parquet); leaf++)
			for (size_t group = 0; group < flow_parquet_groups(parquet); group++)
				if (flow_parquet_leaf(parquet, leaf)->refused == NULL)
					check_chunk(parquet, column, group, leaf);
		flow_parquet_close(parquet);
	}
	else
		CHECK(!is_other);
	if (unit_complaints > before)
		printf("# in %s\n", path);
	flow_parquet_column_free(column);
	free(file.data);
}

/* Checks all files of a directory.  Returns their number. */
static int
check_files(const char *directory, bool is_other)
{
	DIR *stream = opendir(directory);
	struct dirent *entry;
	char path[1000];
	int count = 0;

	while (stream != NULL && (entry = readdir(stream)) != NULL)
	{
		const char *suffix = strstr(entry->d_name, ".parquet");

		if (suffix == NULL || strcmp(suffix, ".parquet") != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		check_file(path, is_other);
		count++;
	}
	if (stream != NULL)
		closedir(stream);
	return count;
}

static void
it_reads_what_other_writers_made(void)
{
	CHECK(check_files(OTHERS, true) >= 18);
	CHECK_INT(unit_state.outstanding, 0);
}

/* If they are there. */
static void
it_finds_that_samples_say_what_is_so(void)
{
	char directory[600];

	if (getenv("FLOWLOG_SAMPLES") == NULL)
		return;
	snprintf(directory, sizeof(directory), "%s/parquet-testing/data", getenv("FLOWLOG_SAMPLES"));
	check_files(directory, false);
	snprintf(directory, sizeof(directory), "%s/parquet", getenv("FLOWLOG_SAMPLES"));
	check_files(directory, false);
}

int
main(void)
{
	RUN(it_reads_what_other_writers_made);
	RUN(it_finds_that_samples_say_what_is_so);
	return unit_done();
}
