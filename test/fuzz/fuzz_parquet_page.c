/*-------------------------------------------------------------------------
 *
 * fuzz_parquet_page.c
 *	  Fuzzes the pages of a column chunk: any bytes are pages, or an error, and
 *	  the same however many rows are read at once, or skipped.
 *
 * The first four bytes determine the column's type and codec, how deep it is,
 * its rows, and how it is read; the others are the pages.
 *
 *-------------------------------------------------------------------------
 */
#include "../unit/model_parquet.h"

#define MOST_ROWS 3000

/* ---------- reading ---------- */

/* A number for each row's text; 0: it was skipped. */
typedef struct Rows
{
	uint64_t count;
	uint64_t hash[MOST_ROWS];
} Rows;

/* Returns a number that is not 0 for a row of values. */
static uint64_t
hash_row(const FlowParquetLeaf *leaf, const FlowParquetValues *values, size_t row)
{
	static ParquetText text;
	uint64_t hash = 1;

	text.len = 0;
	parquet_append_row(&text, leaf, values, row);
	for (size_t i = 0; i < text.len; i++)
		hash = (hash ^ (uint8_t) text.data[i]) * UINT64_C(0x100000001B3);
	return hash | 1;
}

/*
 * Reads all rows, or skips some of them by a pattern of bits: 0 to read all.
 */
static FlowStatus
read_rows(ParquetFile *file, size_t max_rows, unsigned skips, Rows *rows)
{
	FlowParquetInput input = parquet_input(file);
	FlowParquet *parquet;
	FlowParquetColumn *column;
	FlowParquetValues values;
	FlowError error;
	FlowStatus status;
	uint64_t left;

	rows->count = 0;
	if (flow_parquet_open(&unit_host, &input, &parquet, &error) != FLOW_OK)
	{
		fprintf(stderr, "%s: %s\n", error.message, error.detail);
		abort();
	}
	if (flow_parquet_column_create(&unit_host, &column, &error) != FLOW_OK)
		abort();
	left = flow_parquet_rows(parquet);
	status = flow_parquet_column_begin(column, parquet, 0, 0, &error);
	for (unsigned i = 0; status == FLOW_OK && left > 0; i++)
	{
		uint64_t skip = (skips >> i % 8 & 1) == 0 ? 0 : left < 5 ? left : 5;

		status = flow_parquet_column_skip(column, skip, &error);
		for (uint64_t j = 0; j < skip; j++)
			rows->hash[rows->count++] = 0;
		left -= skip;
		if (status != FLOW_OK || left == 0)
			break;
		status = flow_parquet_column_next(column, skips != 0 ? 5 : max_rows, &values, &error);
		if (status != FLOW_OK)
			break;
		if (values.count == 0 || values.count > left)
			abort();
		for (size_t row = 0; row < values.count; row++)
			rows->hash[rows->count++] = hash_row(flow_parquet_leaf(parquet, 0), &values, row);
		left -= values.count;
	}
	if (status != FLOW_OK && status != FLOW_CORRUPT && status != FLOW_UNSUPPORTED &&
	    status != FLOW_LIMIT)
		abort();
	flow_parquet_column_free(column);
	flow_parquet_close(parquet);
	if (file->out_of_file || unit_state.outstanding != 0)
		abort();
	return status;
}

/*
 * Returns true if two results have the same rows, where neither was skipped.
 */
static bool
are_same(const Rows *one, const Rows *other)
{
	for (uint64_t i = 0; i < one->count; i++)
		if (one->hash[i] != 0 && other->hash[i] != 0 && one->hash[i] != other->hash[i])
			return false;
	return one->count == other->count;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static Rows all, some;
	static const uint8_t codecs[] = {0, 1, 2, 6, 7};
	ParquetFile file;
	int type, codec, depth;
	uint64_t rows;

	if (size <= 4)
		return 0;
	type = data[0] % 8;
	codec = codecs[data[1] % sizeof(codecs)];
	depth = data[1] / sizeof(codecs) % 4;
	rows = 1 + data[2] % 200 * (data[2] % 5 == 0 ? 15 : 1);

	file = parquet_make(type, codec, depth, rows, data + 4, size - 4);

	if (read_rows(&file, MOST_ROWS, 0, &all) == FLOW_OK)
	{
		if (all.count != rows)
			abort();
		if (read_rows(&file, 1 + data[3] % 64, 0, &some) != FLOW_OK || !are_same(&all, &some))
			abort();
		if (read_rows(&file, 1, data[3], &some) != FLOW_OK || !are_same(&all, &some))
			abort();
	}
	free(file.data);
	return 0;
}
