/*-------------------------------------------------------------------------
 *
 * dump.c
 *	  Prints what the core reads of a Parquet file, for comparison with other
 *	  readers.
 *
 * dump FILE [ROWS]       a line of JSON for each leaf: its name, what it is,
 *                        and its values as text, ROWS of them in one call; bytes
 *                        that are not ASCII are characters up to U+00FF
 * dump --chunks FILE     a line for each column chunk, with its statistics
 * dump --time FILE TIMES how long it takes to decode all columns
 *
 *-------------------------------------------------------------------------
 */
#include "../../../flow/parquet/parquet.h"
#include "../../unit/unit.h"

#include <fcntl.h>

static int file;

static FlowStatus
read_file(void *arg, uint64_t offset, void *buffer, size_t len, FlowError *error)
{
	(void) arg;
	if (pread(file, buffer, len, (off_t) offset) == (ssize_t) len)
		return FLOW_OK;
	return flow_error_set(error, FLOW_IO, "could not be read");
}

static void
print_text(FlowSlice text)
{
	putchar('"');
	for (size_t i = 0; i < text.len; i++)
	{
		uint8_t c = (uint8_t) text.data[i];

		if (c < 0x20 || c >= 0x7F || c == '"' || c == '\\')
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void
print_error(const FlowError *error)
{
	printf("\"error\":");
	print_text((FlowSlice) {error->message, strlen(error->message)});
	printf(",\"status\":%d,\"detail\":", error->status);
	print_text((FlowSlice) {error->detail, strlen(error->detail)});
	printf("}\n");
}

static void
fail(const FlowError *error)
{
	putchar('{');
	print_error(error);
	exit(1);
}

static const char *const kinds[] = {"boolean",
                                    "integer",
                                    "unsigned",
                                    "float",
                                    "double",
                                    "text",
                                    "uuid",
                                    "decimal",
                                    "date",
                                    "timestamp",
                                    "int96"};

/* Prints the values of a leaf. */
static void
dump_leaf(FlowParquet *parquet, FlowParquetColumn *column, size_t i, size_t rows)
{
	const FlowParquetLeaf *leaf = flow_parquet_leaf(parquet, i);
	FlowParquetValues values;
	FlowError error;
	FlowStatus status;
	bool first = true;

	printf("{\"name\":");
	print_text((FlowSlice) {leaf->name, strlen(leaf->name)});
	if (leaf->refused != NULL)
	{
		printf(",\"refused\":\"%s\"}\n", leaf->refused);
		return;
	}
	printf(",\"kind\":\"%s\",\"values\":[", kinds[leaf->kind]);
	for (size_t group = 0; group < flow_parquet_groups(parquet); group++)
	{
		status = flow_parquet_column_begin(column, parquet, group, i, &error);
		while (status == FLOW_OK &&
		       (status = flow_parquet_column_next(column, rows, &values, &error)) == FLOW_OK)
			for (size_t row = 0; row < values.count; row++)
			{
				char buffer[FLOW_PARQUET_TEXT_SIZE];

				if (!first)
					putchar(',');
				first = false;
				if (values.present != NULL && !values.present[row])
					printf("null");
				else if (values.codes != NULL)
					print_text(flow_parquet_write_text(leaf,
					                                   &values.dictionary->values,
					                                   values.codes[row],
					                                   buffer));
				else
					print_text(flow_parquet_write_text(leaf, &values.values, row, buffer));
			}
		if (status != FLOW_END)
		{
			printf("],");
			print_error(&error);
			return;
		}
	}
	printf("]}\n");
}

static void
dump_chunk(FlowParquet *parquet, size_t group, size_t i)
{
	const FlowParquetLeaf *leaf = flow_parquet_leaf(parquet, i);
	FlowParquetChunk chunk;
	FlowParquetArray array = {chunk.number, chunk.real, chunk.text};
	char buffer[FLOW_PARQUET_TEXT_SIZE];

	printf("%zu %s ", group, leaf->name);
	if (leaf->refused != NULL)
	{
		printf("is %s\n", leaf->refused);
		return;
	}
	flow_parquet_chunk(parquet, group, i, &chunk);
	printf("bytes %" PRIu64 "+%" PRIu64 " dictionary %" PRIu64 "%s",
	       chunk.offset,
	       chunk.size,
	       chunk.dictionary_size,
	       chunk.dictionary_coded ? " alone" : "");
	printf(" nulls %" PRId64, chunk.nulls);
	if (chunk.has_min)
	{
		printf(chunk.min_exact ? " min=" : " min>=");
		print_text(flow_parquet_write_text(leaf, &array, 0, buffer));
	}
	if (chunk.has_max)
	{
		printf(chunk.max_exact ? " max=" : " max<=");
		print_text(flow_parquet_write_text(leaf, &array, 1, buffer));
	}
	printf(" bloom %" PRIu64 " column index %" PRIu64 " offset index %" PRIu64 "\n",
	       chunk.bloom_size,
	       chunk.column_index_size,
	       chunk.offset_index_size);
}

/* Decodes all columns and throws the values away. */
static void
time_all(FlowParquet *parquet, FlowParquetColumn *column, int times)
{
	FlowParquetValues values;
	FlowError error;
	int64_t all = 0;

	for (size_t i = 0; i < flow_parquet_leaves(parquet); i++)
	{
		int64_t begin = unit_cpu_time(), took;

		if (flow_parquet_leaf(parquet, i)->refused != NULL)
			continue;
		for (int time = 0; time < times; time++)
			for (size_t group = 0; group < flow_parquet_groups(parquet); group++)
			{
				FlowStatus status = flow_parquet_column_begin(column, parquet, group, i, &error);

				while (status == FLOW_OK)
					status = flow_parquet_column_next(column, 4096, &values, &error);
				if (status != FLOW_END)
					fail(&error);
			}
		took = (unit_cpu_time() - begin) / times;
		all += took;
		printf("%-24s %8.3f ms\n", flow_parquet_leaf(parquet, i)->name, (double) took / 1e6);
	}
	printf("%-24s %8.3f ms\n", "all", (double) all / 1e6);
}

int
main(int argc, char **argv)
{
	bool chunks = argc > 1 && strcmp(argv[1], "--chunks") == 0;
	bool timed = argc > 1 && strcmp(argv[1], "--time") == 0;
	int first = chunks || timed ? 2 : 1;
	FlowParquetInput input = {.read = read_file};
	FlowParquetColumn *column;
	FlowParquet *parquet;
	FlowError error;

	if (argc <= first || (file = open(argv[first], O_RDONLY)) < 0)
		return 2;
	input.size = (uint64_t) lseek(file, 0, SEEK_END);
	if (flow_parquet_open(&unit_host, &input, &parquet, &error) != FLOW_OK ||
	    flow_parquet_column_create(&unit_host, &column, &error) != FLOW_OK)
		fail(&error);

	if (timed)
		time_all(parquet, column, argc > 3 ? atoi(argv[3]) : 1);
	else if (chunks)
		for (size_t group = 0; group < flow_parquet_groups(parquet); group++)
			for (size_t i = 0; i < flow_parquet_leaves(parquet); i++)
				dump_chunk(parquet, group, i);
	else
		for (size_t i = 0; i < flow_parquet_leaves(parquet); i++)
			dump_leaf(parquet, column, i, argc > 2 ? (size_t) atol(argv[2]) : 1000);

	flow_parquet_column_free(column);
	flow_parquet_close(parquet);
	return unit_state.outstanding != 0;
}
