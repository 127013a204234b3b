/*-------------------------------------------------------------------------
 *
 * test_parquet_samples.c
 *	  Tests reading the files of apache/parquet-testing, and Parquet flow logs,
 *	  if they are there: below $FLOWLOG_SAMPLES.
 *
 * test/data/parquet/samples says what comes of each: for a column, its rows
 * and a check sum of its values as text, which were compared with DuckDB's; or
 * why it cannot be read.  "test_parquet_samples --print" writes that file
 * anew.
 *
 *-------------------------------------------------------------------------
 */
#include "model_parquet.h"

#include "../../flow/bytes/source.h"

#define SAMPLES "test/data/parquet/samples"

/* Says what comes of a column. */
static void
describe_leaf(FlowParquet *parquet, size_t leaf, char *line, size_t room)
{
	const FlowParquetLeaf *what = flow_parquet_leaf(parquet, leaf);
	ParquetText text = {NULL, 0, 0, 0};
	FlowParquetColumn *column;
	FlowError error;
	FlowStatus status = FLOW_END;

	if (what->refused != NULL)
	{
		snprintf(line, room, "is %s", what->refused);
		return;
	}
	if (flow_parquet_column_create(&unit_host, &column, &error) != FLOW_OK)
		exit(1);
	parquet_append(&text, "", 0);
	for (size_t group = 0; status == FLOW_END && group < flow_parquet_groups(parquet); group++)
		status = parquet_read_leaf(parquet, column, group, leaf, 999, UINT64_MAX, &text, &error);
	if (status == FLOW_END)
		snprintf(line,
		         room,
		         "%" PRIu64 " rows %08" PRIx32,
		         text.rows - 1,
		         flow_gzip_check_sum(text.data, text.len));
	else
		snprintf(line, room, "%s: %s", error.message, error.detail);
	flow_parquet_column_free(column);
	free(text.data);
}

/* Says what comes of column "leaf" of a file; false: there are not so many. */
static bool
describe(const char *directory, const char *name, size_t leaf, char *line, size_t room)
{
	char path[600], what[700];
	ParquetFile file;
	FlowParquetInput input;
	FlowParquet *parquet;
	FlowError error;
	bool there = true;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = parquet_load(path);
	input = parquet_input(&file);
	if (flow_parquet_open(&unit_host, &input, &parquet, &error) != FLOW_OK)
	{
		there = leaf == 0;
		snprintf(line, room, "%s\t\t%s: %s", name, error.message, error.detail);
	}
	else if (leaf >= flow_parquet_leaves(parquet))
		there = false;
	else
	{
		describe_leaf(parquet, leaf, what, sizeof(what));
		snprintf(line, room, "%s\t%s\t%s", name, flow_parquet_leaf(parquet, leaf)->name, what);
	}
	flow_parquet_close(parquet);
	free(file.data);
	return there;
}

/*
 * Goes through the file of what is expected: lines of name, column and result.
 */
static void
it_reads_samples_as_others_do(void)
{
	const char *directory = getenv("FLOWLOG_SAMPLES");
	char line[1500], got[1500], name[300], last[300] = "";
	size_t leaf = 0, count = 0;
	FILE *expected = fopen(SAMPLES, "r");

	CHECK(expected != NULL);
	while (expected != NULL && fgets(line, sizeof(line), expected) != NULL)
	{
		line[strcspn(line, "\n")] = '\0';
		snprintf(name, sizeof(name), "%.*s", (int) strcspn(line, "\t"), line);
		leaf = strcmp(name, last) == 0 ? leaf + 1 : 0;
		strcpy(last, name);
		if (describe(directory, name, leaf, got, sizeof(got)))
			CHECK_STRING(got, line);
		else
			CHECK_STRING("nothing", line);
		count++;
	}
	if (expected != NULL)
		fclose(expected);
	printf("# %zu columns\n", count);
	CHECK(count > 500);
	CHECK_INT(unit_state.outstanding, 0);
}

/* Writes what comes of the files that are named on standard input. */
static void
print_samples(const char *directory)
{
	char name[300], line[1500];

	while (fgets(name, sizeof(name), stdin) != NULL)
	{
		name[strcspn(name, "\n")] = '\0';
		for (size_t leaf = 0; describe(directory, name, leaf, line, sizeof(line)); leaf++)
			printf("%s\n", line);
	}
}

int
main(int argc, char **argv)
{
	const char *directory = getenv("FLOWLOG_SAMPLES");
	char path[600];

	snprintf(path, sizeof(path), "%s/parquet-testing", directory != NULL ? directory : "");
	if (argc > 1 && strcmp(argv[1], "--print") == 0)
		print_samples(directory);
	else if (access(path, R_OK) != 0)
		printf("1..0 # SKIP there are no samples\n");
	else
	{
		RUN(it_reads_samples_as_others_do);
		return unit_done();
	}
	return 0;
}
