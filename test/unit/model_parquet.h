/*-------------------------------------------------------------------------
 *
 * model_parquet.h
 *	  Parquet files in memory, and what is in those of test/data/parquet, which
 *	  test/support/parquet/make_parquet has made.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MODEL_PARQUET_H
#define MODEL_PARQUET_H

#include "../../flow/parquet/parquet.h"
#include "unit.h"

#include <errno.h>

/* ---------- files ---------- */

/* A file in memory.  Each read is checked and counted. */
typedef struct ParquetFile
{
	uint8_t *data;
	size_t size;
	uint64_t read;    /* bytes read */
	int reads;        /* calls */
	int fail_after;   /* calls that succeed before one fails; -1: all */
	bool out_of_file; /* something beyond its ends was asked for */
} ParquetFile;

static inline FlowStatus
parquet_file_read(void *arg, uint64_t offset, void *buffer, size_t len, FlowError *error)
{
	ParquetFile *file = arg;

	file->reads++;
	file->read += len;
	if (file->fail_after >= 0 && file->reads > file->fail_after)
		return flow_error_os(error, EIO, "read", "the file");
	if (len == 0 || offset > file->size || len > file->size - offset)
	{
		file->out_of_file = true;
		return flow_error_set(error, FLOW_IO, "a read outside the file");
	}
	memcpy(buffer, file->data + offset, len);
	return FLOW_OK;
}

static inline FlowParquetInput
parquet_input(ParquetFile *file)
{
	return (FlowParquetInput) {.arg = file, .read = parquet_file_read, .size = file->size};
}

/* Reads a file of the tree into memory. */
static inline ParquetFile
parquet_load(const char *path)
{
	ParquetFile file = {NULL, 0, 0, 0, -1, false};
	FILE *stream = fopen(path, "rb");

	if (stream == NULL)
	{
		printf("# cannot open %s: %s\n", path, strerror(errno));
		exit(1);
	}
	fseek(stream, 0, SEEK_END);
	file.size = (size_t) ftell(stream);
	rewind(stream);
	file.data = malloc(file.size + 1);
	if (fread(file.data, 1, file.size, stream) != file.size)
		exit(1);
	fclose(stream);
	return file;
}

/* ---------- reading ---------- */

#define PARQUET_NULL "(null)"

/*
 * All values of a leaf as text, one after the other with a line feed after
 * each.
 */
typedef struct ParquetText
{
	char *data;
	size_t len, room;
	uint64_t rows;
} ParquetText;

static inline void
parquet_append(ParquetText *text, const char *data, size_t len)
{
	if (text->len + len + 2 > text->room)
	{
		text->room = (text->len + len + 2) * 2;
		text->data = realloc(text->data, text->room);
	}
	memcpy(text->data + text->len, data, len);
	text->len += len;
	text->data[text->len++] = '\n';
	text->data[text->len] = '\0';
	text->rows++;
}

/* Appends a row of values. */
static inline void
parquet_append_row(ParquetText *text, const FlowParquetLeaf *leaf, const FlowParquetValues *values,
                   size_t row)
{
	char buffer[FLOW_PARQUET_TEXT_SIZE];
	FlowSlice slice;

	if (values->present != NULL && !values->present[row])
	{
		parquet_append(text, PARQUET_NULL, strlen(PARQUET_NULL));
		return;
	}
	if (values->codes != NULL)
		slice =
			flow_parquet_write_text(leaf, &values->dictionary->values, values->codes[row], buffer);
	else
		slice = flow_parquet_write_text(leaf, &values->values, row, buffer);
	if (slice.data == buffer && slice.len > sizeof(buffer))
		abort();
	parquet_append(text, slice.data, slice.len);
}

/*
 * Reads the rows of a leaf in a row group, at most max_rows at once.  Every
 * value and code is looked at, also those of rows that are NULL.  At most
 * "most" rows are read, and FLOW_OK is returned if there are more.
 */
static inline FlowStatus
parquet_read_leaf(FlowParquet *parquet, FlowParquetColumn *column, size_t group, size_t leaf,
                  size_t max_rows, uint64_t most, ParquetText *text, FlowError *error)
{
	const FlowParquetLeaf *what = flow_parquet_leaf(parquet, leaf);
	FlowParquetValues values;
	FlowStatus status = flow_parquet_column_begin(column, parquet, group, leaf, error);

	while (status == FLOW_OK && text->rows < most)
	{
		status = flow_parquet_column_next(column, max_rows, &values, error);
		if (status != FLOW_OK)
			break;
		if (values.count == 0 || values.count > max_rows)
			abort();
		if (values.codes != NULL)
			for (size_t i = 0; i < values.count; i++)
			{
				bool there = values.present == NULL || values.present[i];

				if (there ? values.codes[i] >= values.dictionary->count
				          : values.codes[i] != values.dictionary->count)
					abort();
			}
		for (size_t i = 0; i < values.count && text->rows < most; i++)
			parquet_append_row(text, what, &values, i);
	}
	return status;
}

/* Reads the page index and the bloom filter of a chunk, and forgets them. */
static inline FlowStatus
parquet_read_indexes(const FlowHost *host, FlowParquet *parquet, size_t group, size_t leaf,
                     FlowError *error)
{
	FlowParquetPageIndex *index = NULL;
	FlowParquetBloom *bloom = NULL;
	FlowSlice text = {"ACCEPT", 6};
	int64_t number = 443;
	double real = 0.5;
	FlowParquetArray array = {&number, &real, &text};
	FlowStatus status = flow_parquet_page_index_read(parquet, group, leaf, &index, error);

	if (status == FLOW_OK)
		status = flow_parquet_bloom_read(parquet, group, leaf, &bloom, error);
	if (bloom != NULL)
		flow_parquet_bloom_may_have(bloom, flow_parquet_leaf(parquet, leaf), &array, 0);
	flow_parquet_page_index_free(host, index);
	flow_parquet_bloom_free(host, bloom);
	return status;
}

/*
 * Reads all of a file, of a leaf at most "most" rows.  Returns the first
 * error.
 */
static inline FlowStatus
parquet_read_all(const FlowHost *host, ParquetFile *file, size_t max_rows, uint64_t most,
                 FlowError *error)
{
	FlowParquetInput input = parquet_input(file);
	FlowParquetColumn *column = NULL;
	FlowParquet *parquet = NULL;
	FlowParquetChunk chunk;
	ParquetText text = {NULL, 0, 0, 0};
	FlowStatus status = flow_parquet_open(host, &input, &parquet, error);

	if (status == FLOW_OK)
		status = flow_parquet_column_create(host, &column, error);
	for (size_t leaf = 0; status == FLOW_OK && leaf < flow_parquet_leaves(parquet); leaf++)
		for (size_t group = 0; status == FLOW_OK && group < flow_parquet_groups(parquet); group++)
		{
			if (flow_parquet_leaf(parquet, leaf)->refused != NULL)
				continue;
			flow_parquet_chunk(parquet, group, leaf, &chunk);
			text.len = text.rows = 0;
			status = parquet_read_indexes(host, parquet, group, leaf, error);
			if (status != FLOW_OK)
				break;
			status = parquet_read_leaf(parquet, column, group, leaf, max_rows, most, &text, error);
			if (status == FLOW_END)
				status = FLOW_OK;
		}
	free(text.data);
	flow_parquet_column_free(column);
	flow_parquet_close(parquet);
	return status;
}

/* ---------- making files ---------- */

/*
 * Each writes something in Thrift's compact protocol and returns where it
 * ends.
 */
static inline uint8_t *
parquet_put_varint(uint8_t *to, uint64_t number)
{
	for (; number > 127; number >>= 7)
		*to++ = (uint8_t) (number | 128);
	*to++ = (uint8_t) number;
	return to;
}

/*
 * A field that is a number, and whose own number follows that of the last
 * field by "step".
 */
static inline uint8_t *
parquet_put_field(uint8_t *to, int step, int type, uint64_t number)
{
	*to++ = (uint8_t) (step << 4 | type);
	return parquet_put_varint(to, number << 1);
}

static inline uint8_t *
parquet_put_bytes(uint8_t *to, const void *bytes, size_t len)
{
	memcpy(to, bytes, len);
	return to + len;
}

/*
 * Elements of a schema: "depth" groups, each OPTIONAL, the last of which is
 * the leaf "c".
 */
static inline uint8_t *
parquet_put_schema(uint8_t *to, int type, int depth)
{
	*to++ = 0x19; /* field 2, a list of structs */
	*to++ = (uint8_t) ((depth < 2 ? 2 : 1 + depth) << 4 | 12);
	to = parquet_put_bytes(to, "\x48\x01s\x15\x02\x00", 6); /* the root: its name and one child */
	for (int i = 1; i < depth; i++)
		to = parquet_put_bytes(to, "\x35\x02\x18\x01g\x15\x02\x00", 8);
	to = parquet_put_field(to, 1, 5, (uint64_t) type);
	to = parquet_put_field(to, 1, 5, 4);         /* bytes of a value of fixed length */
	to = parquet_put_field(to, 1, 5, depth > 0); /* REQUIRED or OPTIONAL */
	return parquet_put_bytes(to, "\x18\x01\x63\x00", 4);
}

/* A footer with one column chunk, of "size" bytes at the file's beginning. */
static inline uint8_t *
parquet_put_footer(uint8_t *to, int type, int codec, int depth, uint64_t rows, size_t size)
{
	to = parquet_put_field(to, 1, 5, 2);
	to = parquet_put_schema(to, type, depth);
	to = parquet_put_field(to, 1, 6, rows);
	to = parquet_put_bytes(to, "\x19\x1c\x19\x1c\x26\x00\x1c", 7); /* one row group, one column */
	to = parquet_put_field(to, 1, 5, (uint64_t) type);
	to = parquet_put_bytes(to, "\x19\x05\x19\x18\x01\x63", 6); /* no encodings; the path */
	to = parquet_put_field(to, 1, 5, (uint64_t) codec);
	to = parquet_put_field(to, 1, 6, rows);
	to = parquet_put_field(to, 1, 6, size);
	to = parquet_put_field(to, 1, 6, size);
	to = parquet_put_field(to, 2, 6, 4); /* the pages' offset */
	to = parquet_put_bytes(to, "\x00\x00", 2);
	to = parquet_put_field(to, 1, 6, size);
	to = parquet_put_field(to, 1, 6, rows);
	return parquet_put_bytes(to, "\x00\x00", 2);
}

/* Makes a file with one column, of which these are the pages. */
static inline ParquetFile
parquet_make(int type, int codec, int depth, uint64_t rows, const void *pages, size_t size)
{
	ParquetFile file = {malloc(4 + size + 500), 0, 0, 0, -1, false};
	uint8_t *to = parquet_put_bytes(file.data, FLOW_PARQUET_MAGIC, 4), *footer;

	footer = to = parquet_put_bytes(to, pages, size);
	to = parquet_put_footer(to, type, codec, depth, rows, size);
	size = (size_t) (to - footer);
	for (int i = 0; i < 4; i++)
		*to++ = (uint8_t) (size >> 8 * i);
	to = parquet_put_bytes(to, FLOW_PARQUET_MAGIC, 4);
	file.size = (size_t) (to - file.data);
	return file;
}

/* The header of a dictionary page or of a data page of version 1. */
static inline uint8_t *
parquet_put_page(uint8_t *to, bool is_dictionary, size_t inflated, size_t size, uint64_t values,
                 int encoding)
{
	to = parquet_put_field(to, 1, 5, is_dictionary ? 2 : 0);
	to = parquet_put_field(to, 1, 5, inflated);
	to = parquet_put_field(to, 1, 5, size);
	*to++ = is_dictionary ? 0x4C : 0x2C;
	to = parquet_put_field(to, 1, 5, values);
	to = parquet_put_field(to, 1, 5, (uint64_t) encoding);
	if (!is_dictionary)
	{
		to = parquet_put_field(to, 1, 5, 3);
		to = parquet_put_field(to, 1, 5, 3);
	}
	return parquet_put_bytes(to, "\x00\x00", 2);
}

/* ---------- the matrix ---------- */

/* The values of each type, of which row r has number r * 7 % 13. */
static const struct
{
	const char *type;
	const char *values[13];
} parquet_values[] = {
	{"boolean",
     {"false",
      "true",
      "true",
      "false",
      "false",
      "false",
      "true",
      "true",
      "true",
      "true",
      "false",
      "true",
      "false"}},
	{"int32",
     {"0",
      "-1",
      "1",
      "2147483647",
      "-2147483648",
      "443",
      "22",
      "6",
      "17",
      "65535",
      "-65536",
      "1000000",
      "123456789"}},
	{"int64",
     {"0",
      "-1",
      "1",
      "9223372036854775807",
      "-9223372036854775808",
      "443",
      "1700000000",
      "1700000000000",
      "17",
      "4294967296",
      "-4294967297",
      "1000000",
      "123456789012345678"}},
	{"float",
     {"0",
      "-0",
      "1.5",
      "-2.25",
      "NaN",
      "Infinity",
      "-Infinity",
      "3.4028235e+38",
      "1e-45",
      "0.1",
      "1.6777216e+07",
      "1e-05",
      "123456"}},
	{"double",
     {"0",
      "-0",
      "1.5",
      "-2.25",
      "NaN",
      "Infinity",
      "-Infinity",
      "1.7976931348623157e+308",
      "5e-324",
      "0.1",
      "9.007199254740992e+15",
      "1e-05",
      "0.30000000000000004"}},
	{"bytes",
     {"",
      "-",
      "ACCEPT",
      "ACCEPTED",
      "REJECT",
      "eni-0123456789abcdef0",
      "10.0.0.1",
      "10.0.0.12",
      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
      "\xc3\xa9",
      "\xff",
      "2001:db8::1",
      "2001:db8::"}},
	/* of four bytes; the third is four zeros */
	{"fixed",
     {"abcd",
      "abce",
      NULL,
      "    ",
      "zzzz",
      "zzza",
      "0000",
      "1111",
      "2222",
      "abcd",
      "\xff\xff\xff\xff",
      "3333",
      "4444"}},
	{"int96",
     {"1970-01-01T00:00:00Z",
      "1970-01-01T00:00:00Z",
      "1970-01-01T00:00:00Z",
      "1970-01-01T00:00:00.000001Z",
      "1969-12-31T23:59:59.999999Z",
      "2021-12-31T12:00:00Z",
      "-4713-11-24T00:00:00Z",
      "+5874898-06-03T00:00:00Z",
      "-5884323-05-15T00:00:00Z",
      "1969-12-31T23:59:59.999999Z",
      "1970-01-02T00:00:00Z",
      "1995-10-09T00:02:03.456789Z",
      "+10000-01-01T00:00:00Z"}},
};

/* Appends the value that a row has in a column of that name. */
static inline void
parquet_append_model(ParquetText *text, const char *column, uint64_t row)
{
	bool null = strstr(column, " all ") != NULL ||
	            (strstr(column, " some ") != NULL && (row % 3 == 1 || (row >= 20 && row < 31)));

	if (null)
	{
		parquet_append(text, PARQUET_NULL, strlen(PARQUET_NULL));
		return;
	}
	for (size_t i = 0; i < flow_countof(parquet_values); i++)
		if (strncmp(parquet_values[i].type, column, strcspn(column, " ")) == 0)
		{
			const char *value = parquet_values[i].values[row * 7 % 13];

			if (value == NULL)
				parquet_append(text, "\0\0\0\0", 4);
			else
				parquet_append(text, value, strlen(value));
			return;
		}
	abort();
}

#endif /* MODEL_PARQUET_H */
