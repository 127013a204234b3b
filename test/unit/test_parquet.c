/*-------------------------------------------------------------------------
 *
 * test_parquet.c
 *	  Tests reading Parquet files: every encoding, codec and version of pages,
 *	  what types mean, and statistics.
 *
 *-------------------------------------------------------------------------
 */
#include "model_parquet.h"

#define DATA "test/data/parquet/"

static FlowError error;

/* Opens a file of the tree; the test ends if it cannot. */
static FlowParquet *
open_file(ParquetFile *file, const char *path)
{
	FlowParquetInput input;
	FlowParquet *parquet;

	*file = parquet_load(path);
	input = parquet_input(file);
	if (flow_parquet_open(&unit_host, &input, &parquet, &error) != FLOW_OK)
	{
		printf("# %s %s: %s\n", path, error.message, error.detail);
		exit(1);
	}
	return parquet;
}

static FlowParquetColumn *
create_column(void)
{
	FlowParquetColumn *column;

	if (flow_parquet_column_create(&unit_host, &column, &error) != FLOW_OK)
		exit(1);
	return column;
}

/* Returns the number of the leaf of that name. */
static size_t
find_leaf(const FlowParquet *parquet, const char *name)
{
	for (size_t i = 0; i < flow_parquet_leaves(parquet); i++)
		if (strcmp(flow_parquet_leaf(parquet, i)->name, name) == 0)
			return i;
	printf("# there is no column \"%s\"\n", name);
	exit(1);
}

/* ---------- the matrix ---------- */

/* Compares all columns of a matrix with the model. */
static void
compare_matrix(const char *path, size_t max_rows)
{
	ParquetFile file;
	FlowParquet *parquet = open_file(&file, path);
	FlowParquetColumn *column = create_column();
	ParquetText got = {NULL, 0, 0, 0}, want = {NULL, 0, 0, 0};

	for (size_t leaf = 0; leaf < flow_parquet_leaves(parquet); leaf++)
	{
		const char *name = flow_parquet_leaf(parquet, leaf)->name;
		uint64_t first = 0;

		CHECK(flow_parquet_leaf(parquet, leaf)->refused == NULL);
		for (size_t group = 0; group < flow_parquet_groups(parquet); group++)
		{
			uint64_t rows = flow_parquet_group_rows(parquet, group);
			FlowStatus status;

			got.len = got.rows = want.len = want.rows = 0;
			status =
				parquet_read_leaf(parquet, column, group, leaf, max_rows, UINT64_MAX, &got, &error);
			for (uint64_t row = 0; row < rows; row++)
				parquet_append_model(&want, name, first + row);
			first += rows;
			CHECK(status == FLOW_END);
			if (status != FLOW_END)
				printf("# %s: %s: %s\n", name, error.message, error.detail);
			else if (got.len != want.len || memcmp(got.data, want.data, want.len) != 0)
			{
				CHECK_STRING(got.data, want.data);
				printf("# in column \"%s\"\n", name);
			}
		}
	}
	CHECK(!file.out_of_file);
	flow_parquet_column_free(column);
	flow_parquet_close(parquet);
	free(file.data);
	free(got.data);
	free(want.data);
}

static void
it_reads_all_encodings(void)
{
	compare_matrix(DATA "matrix.parquet", 1000);
	CHECK_INT(unit_state.outstanding, 0);
}

static void
it_reads_any_number_of_rows_at_once(void)
{
	for (size_t rows = 1; rows <= 23; rows++)
		compare_matrix(DATA "matrix.parquet", rows);
}

/*
 * Each encoding in each codec: only with FLOWLOG_LONG, and where there is
 * Python.
 */
static void
it_reads_all_encodings_in_all_codecs(void)
{
	char directory[200], command[500], path[300];

	if (getenv("FLOWLOG_LONG") == NULL || system("python3 -c ''") != 0)
		return;
	snprintf(directory, sizeof(directory), "%s/flowlog_parquet_XXXXXX", unit_temporary());
	CHECK(mkdtemp(directory) != NULL);
	snprintf(command, sizeof(command), "test/support/parquet/make_parquet --full %s", directory);
	CHECK_INT(system(command), 0);
	snprintf(path, sizeof(path), "%s/full.parquet", directory);
	compare_matrix(path, 16);
	unlink(path);
	rmdir(directory);
}

/* Appends the value of a row of long.parquet. */
static void
append_long(ParquetText *text, const char *column, int64_t row)
{
	char value[40];

	if (strcmp(column, "numbers") == 0)
		snprintf(value, sizeof(value), "%" PRId64, row * row);
	else
		snprintf(value, sizeof(value), "eni-%04d", (int) row);
	parquet_append(text, value, strlen(value));
}

static void
it_reads_long_pages_and_headers(void)
{
	static const size_t some[] = {1, 100, 1023, 1024, 1025, 5000};
	ParquetFile file;
	FlowParquet *parquet = open_file(&file, DATA "long.parquet");
	FlowParquetColumn *column = create_column();
	ParquetText got = {NULL, 0, 0, 0}, want = {NULL, 0, 0, 0};
	FlowParquetValues values;

	for (size_t leaf = 0; leaf < flow_parquet_leaves(parquet); leaf++)
	{
		const FlowParquetLeaf *what = flow_parquet_leaf(parquet, leaf);

		want.len = want.rows = 0;
		for (int64_t row = 0; row < 3000; row++)
			append_long(&want, what->name, row);
		for (size_t i = 0; i < flow_countof(some); i++)
		{
			got.len = got.rows = 0;
			CHECK_INT(
				parquet_read_leaf(parquet, column, 0, leaf, some[i], UINT64_MAX, &got, &error),
				FLOW_END);
			CHECK(got.len == want.len && memcmp(got.data, want.data, want.len) == 0);
		}

		/* a row after many that are skipped */
		got.len = got.rows = want.len = want.rows = 0;
		CHECK_INT(flow_parquet_column_begin(column, parquet, 0, leaf, &error), FLOW_OK);
		CHECK_INT(flow_parquet_column_skip(column, 2500, &error), FLOW_OK);
		CHECK_INT(flow_parquet_column_next(column, 1, &values, &error), FLOW_OK);
		parquet_append_row(&got, what, &values, 0);
		append_long(&want, what->name, 2500);
		CHECK_STRING(got.data, want.data);
	}
	flow_parquet_column_free(column);
	flow_parquet_close(parquet);
	free(file.data);
	free(got.data);
	free(want.data);
}

/*
 * Skips and reads in turn, by a random number each, and compares with the
 * model.
 */
static void
compare_skips(FlowParquet *parquet, FlowParquetColumn *column, size_t group, size_t leaf,
              uint64_t first, uint64_t *seed)
{
	const FlowParquetLeaf *what = flow_parquet_leaf(parquet, leaf);
	uint64_t rows = flow_parquet_group_rows(parquet, group), row = 0;
	ParquetText got = {NULL, 0, 0, 0}, want = {NULL, 0, 0, 0};
	FlowParquetValues values;

	CHECK_INT(flow_parquet_column_begin(column, parquet, group, leaf, &error), FLOW_OK);
	while (row < rows)
	{
		uint64_t skip = unit_random(seed) % 30;

		if (skip > rows - row)
			skip = rows - row;
		CHECK_INT(flow_parquet_column_skip(column, skip, &error), FLOW_OK);
		row += skip;
		if (row == rows)
			break;
		CHECK_INT(flow_parquet_column_next(column, 1 + unit_random(seed) % 9, &values, &error),
		          FLOW_OK);
		for (size_t i = 0; i < values.count; i++, row++)
		{
			parquet_append_row(&got, what, &values, i);
			parquet_append_model(&want, what->name, first + row);
		}
	}
	CHECK_INT(flow_parquet_column_next(column, 1, &values, &error), FLOW_END);
	CHECK(got.len == want.len && (got.len == 0 || memcmp(got.data, want.data, got.len) == 0));
	free(got.data);
	free(want.data);
}

static void
it_skips_rows(void)
{
	ParquetFile file;
	FlowParquet *parquet = open_file(&file, DATA "matrix.parquet");
	FlowParquetColumn *column = create_column();
	uint64_t seed = 42;

	for (size_t leaf = 0; leaf < flow_parquet_leaves(parquet); leaf++)
		for (int time = 0; time < 10; time++)
		{
			compare_skips(parquet, column, 0, leaf, 0, &seed);
			compare_skips(parquet, column, 1, leaf, flow_parquet_group_rows(parquet, 0), &seed);
		}
	flow_parquet_column_free(column);
	flow_parquet_close(parquet);
	free(file.data);
}

static void
it_reads_the_dictionary_alone(void)
{
	ParquetFile file;
	FlowParquet *parquet = open_file(&file, DATA "matrix.parquet");
	FlowParquetColumn *column = create_column();
	const FlowParquetDictionary *dictionary;
	ParquetText got = {NULL, 0, 0, 0}, want = {NULL, 0, 0, 0};
	uint64_t serial;

	for (size_t leaf = 0; leaf < flow_parquet_leaves(parquet); leaf++)
	{
		const FlowParquetLeaf *what = flow_parquet_leaf(parquet, leaf);
		FlowParquetValues values;
		uint64_t row = 0;

		CHECK_INT(flow_parquet_column_begin(column, parquet, 0, leaf, &error), FLOW_OK);
		CHECK_INT(flow_parquet_column_dictionary(column, &dictionary, &error), FLOW_OK);
		CHECK((dictionary != NULL) == (strstr(what->name, "dictionary") != NULL));
		serial = dictionary != NULL ? dictionary->serial : 0;

		/* and all rows afterwards */
		got.len = got.rows = want.len = want.rows = 0;
		while (flow_parquet_column_next(column, 100, &values, &error) == FLOW_OK)
		{
			CHECK(values.dictionary == dictionary);
			CHECK(dictionary == NULL || dictionary->serial == serial);
			for (size_t i = 0; i < values.count; i++, row++)
			{
				parquet_append_row(&got, what, &values, i);
				parquet_append_model(&want, what->name, row);
			}
		}
		CHECK_INT(row, flow_parquet_group_rows(parquet, 0));
		CHECK(got.len == want.len && memcmp(got.data, want.data, got.len) == 0);

		/* another chunk has another dictionary */
		CHECK_INT(flow_parquet_column_begin(column, parquet, 1, leaf, &error), FLOW_OK);
		CHECK_INT(flow_parquet_column_dictionary(column, &dictionary, &error), FLOW_OK);
		CHECK(dictionary == NULL || dictionary->serial != serial);
	}
	flow_parquet_column_free(column);
	flow_parquet_close(parquet);
	free(file.data);
	free(got.data);
	free(want.data);
}

static void
it_keeps_dictionary_codes(void)
{
	ParquetFile file;
	FlowParquet *parquet = open_file(&file, DATA "matrix.parquet");
	FlowParquetColumn *column = create_column();
	FlowParquetValues values;

	for (size_t leaf = 0; leaf < flow_parquet_leaves(parquet); leaf++)
	{
		const char *name = flow_parquet_leaf(parquet, leaf)->name;

		CHECK_INT(flow_parquet_column_begin(column, parquet, 0, leaf, &error), FLOW_OK);
		CHECK_INT(flow_parquet_column_next(column, 100, &values, &error), FLOW_OK);
		CHECK((values.codes != NULL) == (strstr(name, "dictionary") != NULL));
		CHECK((values.dictionary != NULL) == (values.codes != NULL));
		/* where all rows have a value, none is asked */
		CHECK((values.present != NULL) == (strstr(name, " some ") || strstr(name, " all ")));
	}
	flow_parquet_column_free(column);
	flow_parquet_close(parquet);
	free(file.data);
}

/* ---------- types ---------- */

static const struct
{
	const char *name;
	FlowParquetKind kind;
	const char *values[3]; /* NULL: the row has none */
} kinds[] = {
	{"string", FLOW_PARQUET_TEXT, {"a", "", "\xc3\xa9"}},
	{"utf8", FLOW_PARQUET_TEXT, {"a", "", "\xc3\xa9"}},
	{"enum", FLOW_PARQUET_TEXT, {"A", "B", "C"}},
	{"json", FLOW_PARQUET_TEXT, {"{}", "[1]", "null"}},
	{"uuid",
     FLOW_PARQUET_UUID,
     {"00010203-0405-0607-0809-0a0b0c0d0e0f",
      "ffffffff-ffff-ffff-ffff-ffffffffffff",
      "00000000-0000-0000-0000-000000000000"}},
	{"date", FLOW_PARQUET_DATE, {"1970-01-01", "0000-12-31", "+5881580-07-11"}},
	{"date old", FLOW_PARQUET_DATE, {"2024-01-15", "1969-12-31", "-5877641-06-23"}},
	{"millis",
     FLOW_PARQUET_TIMESTAMP,
     {"1970-01-01T00:00:00Z", "1969-12-31T23:59:59.999Z", "+292278994-08-17T07:12:55.807Z"}},
	{"micros",
     FLOW_PARQUET_TIMESTAMP,
     {"2023-11-14T22:13:20.123456Z",
      "1969-12-31T23:59:59.999999Z",
      "-290308-12-21T19:59:05.224192Z"}},
	{"nanos",
     FLOW_PARQUET_TIMESTAMP,
     {"2023-11-14T22:13:20.123456Z", "1969-12-31T23:59:59.999999Z", "1677-09-21T00:12:43.145224Z"}},
	{"local",
     FLOW_PARQUET_TIMESTAMP,
     {"1970-01-01T00:00:01.5Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z"}},
	{"millis old",
     FLOW_PARQUET_TIMESTAMP,
     {"1970-01-01T00:00:01.5Z", "0000-12-31T23:59:59.999Z", "+10000-01-01T00:00:00Z"}},
	{"micros old",
     FLOW_PARQUET_TIMESTAMP,
     {"1970-01-01T00:00:01.000001Z", "1970-01-01T00:00:00.00001Z", "1970-01-01T00:00:00.1Z"}},
	{"int8", FLOW_PARQUET_INTEGER, {"-128", "127", "0"}},
	{"uint8", FLOW_PARQUET_UNSIGNED, {"255", "127", "0"}},
	{"uint32", FLOW_PARQUET_UNSIGNED, {"4294967295", "1", "0"}},
	{"uint32 delta", FLOW_PARQUET_UNSIGNED, {"4294967295", "1", "0"}},
	{"uint32 split", FLOW_PARQUET_UNSIGNED, {"4294967295", "1", "0"}},
	{"uint64", FLOW_PARQUET_UNSIGNED, {"18446744073709551615", "9223372036854775808", "0"}},
	{"decimal32", FLOW_PARQUET_DECIMAL, {"123.45", "-0.05", "0.00"}},
	{"decimal64",
     FLOW_PARQUET_DECIMAL,
     {"0.000000000000000001", "-0.999999999999999999", "0.000000000000000000"}},
	{"decimal bytes",
     FLOW_PARQUET_DECIMAL,
     {"0.001",
      "-1000000000000000000000000000000000000000000000000000000000000000000000000.000",
      "9999999999999999999999999999999999999999999999999999999999999999999999999.999"}},
	{"decimal fixed",
     FLOW_PARQUET_DECIMAL,
     {"-57896044618658097711785492504343953926634992332820282019728792003956564819968",
      "57896044618658097711785492504343953926634992332820282019728792003956564819967",
      "-1"}},
	{"always null", FLOW_PARQUET_INTEGER, {NULL, NULL, NULL}},
	{"later", FLOW_PARQUET_INTEGER, {"7", "8", "9"}},
	{"a.b.c", FLOW_PARQUET_INTEGER, {"1", NULL, NULL}},
	{"a.b.d", FLOW_PARQUET_TEXT, {"1", NULL, "2"}},
	{"a.e", FLOW_PARQUET_INTEGER, {"1", NULL, NULL}},
};

static void
it_knows_what_types_mean(void)
{
	ParquetFile file;
	FlowParquet *parquet = open_file(&file, DATA "kinds.parquet");
	FlowParquetColumn *column = create_column();
	ParquetText got = {NULL, 0, 0, 0}, want = {NULL, 0, 0, 0};

	CHECK_INT(flow_parquet_rows(parquet), 3);
	for (size_t i = 0; i < flow_countof(kinds); i++)
	{
		size_t leaf = find_leaf(parquet, kinds[i].name);

		CHECK_INT(flow_parquet_leaf(parquet, leaf)->kind, kinds[i].kind);
		got.len = got.rows = want.len = want.rows = 0;
		CHECK_INT(parquet_read_leaf(parquet, column, 0, leaf, 10, 10, &got, &error), FLOW_END);
		for (int row = 0; row < 3; row++)
		{
			const char *value = kinds[i].values[row] != NULL ? kinds[i].values[row] : PARQUET_NULL;

			parquet_append(&want, value, strlen(value));
		}
		CHECK_STRING(got.data, want.data);
	}

	CHECK(flow_parquet_leaf(parquet, find_leaf(parquet, "millis"))->is_utc);
	CHECK(!flow_parquet_leaf(parquet, find_leaf(parquet, "local"))->is_utc);
	CHECK(flow_parquet_leaf(parquet, find_leaf(parquet, "micros old"))->is_utc);
	CHECK_INT(flow_parquet_leaf(parquet, find_leaf(parquet, "nanos"))->unit, 1000000000);
	CHECK_INT(flow_parquet_leaf(parquet, find_leaf(parquet, "decimal64"))->scale, 18);
	CHECK_INT(flow_parquet_leaf(parquet, find_leaf(parquet, "a.b.d"))->max_definition, 1);
	CHECK_INT(flow_parquet_leaf(parquet, find_leaf(parquet, "a.b.c"))->max_definition, 2);
	flow_parquet_column_free(column);
	flow_parquet_close(parquet);
	free(file.data);
	free(got.data);
	free(want.data);
}

static void
it_refuses_by_name(void)
{
	static const struct
	{
		const char *name, *is;
	} refused[] = {
		{"time", "a TIME"},
		{"time old", "a TIME"},
		{"interval", "an INTERVAL"},
		{"float16", "a FLOAT16"},
		{"geometry", "a GEOMETRY"},
		{"geography", "a GEOGRAPHY"},
		{"wrong", "annotated with a type that it cannot have"},
		{"too precise", "a DECIMAL of more than 76 digits"},
		{"no precision", "a DECIMAL with an invalid precision or scale"},
		{"lzo", "compressed by LZO"},
		{"brotli", "compressed by Brotli"},
		{"lz4", "compressed by LZ4 in Hadoop's frames"},
		{"alp", "encoded by ALP"},
		{"list", "a list"},
		{"r.x", "a list"},
		{"v.metadata", "a VARIANT"},
		{"m.pairs.key", "a map"},
		{"l.list.element", "a list"},
	};
	ParquetFile file;
	FlowParquet *parquet = open_file(&file, DATA "kinds.parquet");
	FlowParquetColumn *column = create_column();
	char want[200];

	for (size_t i = 0; i < flow_countof(refused); i++)
	{
		size_t leaf = find_leaf(parquet, refused[i].name);

		CHECK_STRING(flow_parquet_leaf(parquet, leaf)->refused, refused[i].is);
		CHECK_INT(flow_parquet_column_begin(column, parquet, 0, leaf, &error), FLOW_UNSUPPORTED);
		snprintf(want,
		         sizeof(want),
		         "has a column \"%s\" that is %s",
		         refused[i].name,
		         refused[i].is);
		CHECK_STRING(error.message, want);
	}
	flow_parquet_column_free(column);
	flow_parquet_close(parquet);
	free(file.data);
}

/* What a column of times makes of the text is the value, or refused. */
static void
it_writes_times_that_are_read_as_the_same(void)
{
	FlowParquetLeaf leaf = {.kind = FLOW_PARQUET_TIMESTAMP, .unit = 1000000};
	FlowColumn column = {.name = "t", .type = FLOW_TIME, .scale = -1};
	uint64_t seed = 7;

	for (int i = 0; i < unit_tries(1000000); i++)
	{
		int64_t number = (int64_t) (unit_random(&seed) >> unit_random(&seed) % 64);
		FlowParquetArray array = {.numbers = &number};
		char buffer[FLOW_PARQUET_TEXT_SIZE];
		FlowSlice text;
		FlowValue value;
		FlowStatus status;
		bool in_range;

		if (i % 2 == 0)
			number = -number;
		text = flow_parquet_write_text(&leaf, &array, 0, buffer);
		status = flow_value_read(&column, &unit_host, text, &value);
		/* the years 0001 to 9999 */
		in_range = number >= INT64_C(-62135596800000000) && number < INT64_C(253402300800000000);
		CHECK_INT(status == FLOW_OK, in_range);
		if (status == FLOW_OK)
			CHECK_INT(value.integer, number);
	}
}

static void
it_writes_days_that_are_read_as_the_same(void)
{
	FlowParquetLeaf leaf = {.kind = FLOW_PARQUET_DATE};
	FlowColumn column = {.name = "d", .type = FLOW_DAY, .scale = -1};

	for (int64_t day = -800000; day < 3000000; day++)
	{
		FlowParquetArray array = {.numbers = &day};
		char buffer[FLOW_PARQUET_TEXT_SIZE];
		FlowValue value;
		FlowStatus status = flow_value_read(&column,
		                                    &unit_host,
		                                    flow_parquet_write_text(&leaf, &array, 0, buffer),
		                                    &value);

		CHECK_INT(status == FLOW_OK, day >= -719162 && day <= 2932896);
		if (status == FLOW_OK)
			CHECK_INT(value.integer, day);
	}
}

static void
it_writes_reals_that_are_read_as_the_same(void)
{
	FlowParquetLeaf leaf = {.kind = FLOW_PARQUET_DOUBLE};
	uint64_t seed = 11;

	for (int i = 0; i < unit_tries(300000); i++)
	{
		uint64_t bits = unit_random(&seed);
		uint32_t half = (uint32_t) unit_random(&seed);
		double real, again;
		float single;
		FlowParquetArray array = {.reals = &real};
		char buffer[FLOW_PARQUET_TEXT_SIZE], shorter[40];
		FlowSlice text;

		memcpy(&real, &bits, sizeof(real));
		leaf.kind = FLOW_PARQUET_DOUBLE;
		text = flow_parquet_write_text(&leaf, &array, 0, buffer);
		buffer[text.len] = '\0';
		again = strtod(buffer, NULL);
		CHECK(memcmp(&again, &real, sizeof(real)) == 0 || (real != real && again != again));

		memcpy(&single, &half, sizeof(single));
		real = single;
		leaf.kind = FLOW_PARQUET_FLOAT;
		text = flow_parquet_write_text(&leaf, &array, 0, buffer);
		buffer[text.len] = '\0';
		CHECK(strtof(buffer, NULL) == single || single != single);
		/* no shorter form is read as the same */
		if (single == single && single - single == 0)
			for (int digits = 1; digits < 9; digits++)
			{
				snprintf(shorter, sizeof(shorter), "%.*e", digits - 1, (double) single);
				if (strtof(shorter, NULL) == single)
				{
					int count = 0;

					for (const char *c = buffer; *c != '\0' && *c != 'e'; c++)
						count += (*c >= '1' && *c <= '9') || (*c == '0' && count > 0);
					/* zeros before the point are none of its digits */
					while (count > digits && strchr(buffer, 'e') == NULL &&
					       strchr(buffer, '.') == NULL)
						count--;
					CHECK(count <= digits);
					break;
				}
			}
	}
}

/* ---------- statistics ---------- */

static void
it_trusts_statistics_that_can_be_trusted(void)
{
	static const struct
	{
		const char *name;
		int64_t nulls;
		const char *min, *max; /* NULL: none */
		bool exact;
	} want[] = {
		{"int32", 1, "-5", "7", true},
		{"uint32", 0, "1", "4294967295", false},
		{"int64", 0, "-5", "7", false},
		{"boolean", 0, "false", "true", false},
		/* either zero may stand for the other */
		{"float", 0, "-0", "0", false},
		/* a NaN says nothing */
		{"double", 0, NULL, "2.5", false},
		{"text", 0, "Al", "Kf", false},
		/* "min" and "max" were written in any order */
		{"old", 0, NULL, NULL, false},
		{"int96", 0, NULL, NULL, false},
		{"short", 0, NULL, NULL, false},
		{"many nulls", -1, NULL, NULL, false},
		{"few nulls", -1, NULL, NULL, false},
		{"later", 0, NULL, NULL, false},
		{"without", -1, NULL, NULL, false},
		{"wrong", -1, NULL, NULL, false},
	};
	ParquetFile file;
	FlowParquet *parquet = open_file(&file, DATA "statistics.parquet");

	for (size_t i = 0; i < flow_countof(want); i++)
	{
		size_t leaf = find_leaf(parquet, want[i].name);
		char buffer[FLOW_PARQUET_TEXT_SIZE];
		FlowParquetChunk chunk;
		FlowParquetArray array = {chunk.number, chunk.real, chunk.text};
		FlowSlice text;

		flow_parquet_chunk(parquet, 0, leaf, &chunk);
		CHECK_INT(chunk.nulls, want[i].nulls);
		CHECK_INT(chunk.has_min, want[i].min != NULL);
		CHECK_INT(chunk.has_max, want[i].max != NULL);
		CHECK_INT(chunk.min_exact, want[i].exact);
		CHECK_INT(chunk.max_exact, want[i].exact);
		if (chunk.has_min)
		{
			text = flow_parquet_write_text(flow_parquet_leaf(parquet, leaf), &array, 0, buffer);
			CHECK(text.len == strlen(want[i].min) && memcmp(text.data, want[i].min, text.len) == 0);
		}
		if (chunk.has_max)
		{
			text = flow_parquet_write_text(flow_parquet_leaf(parquet, leaf), &array, 1, buffer);
			CHECK(text.len == strlen(want[i].max) && memcmp(text.data, want[i].max, text.len) == 0);
		}
	}
	flow_parquet_close(parquet);
	free(file.data);
}

static void
it_knows_which_chunks_have_only_codes(void)
{
	static const struct
	{
		const char *name;
		bool alone, has_dictionary;
	} want[] = {
		{"coded", true, true},
		/* PLAIN may be the dictionary's encoding, or a page's */
		{"coded new", false, true},
		{"coded and so said", true, true},
		{"coded at first", false, true},
		{"coded at first and so said", false, true},
		{"without", false, false},
	};
	ParquetFile file;
	FlowParquet *parquet = open_file(&file, DATA "statistics.parquet");
	FlowParquetColumn *column = create_column();

	for (size_t i = 0; i < flow_countof(want); i++)
	{
		size_t leaf = find_leaf(parquet, want[i].name);
		FlowParquetChunk chunk;
		FlowParquetValues values;
		int coded = 0, plain = 0;

		flow_parquet_chunk(parquet, 0, leaf, &chunk);
		CHECK_INT(chunk.dictionary_coded, want[i].alone);
		CHECK_INT(chunk.dictionary_size > 0, want[i].has_dictionary);
		CHECK(chunk.dictionary_size < chunk.size);
		CHECK(chunk.offset >= 4 && chunk.offset + chunk.size < file.size);

		/* a chunk may begin with codes and go on without */
		CHECK_INT(flow_parquet_column_begin(column, parquet, 0, leaf, &error), FLOW_OK);
		while (flow_parquet_column_next(column, 10, &values, &error) == FLOW_OK)
			*(values.codes != NULL ? &coded : &plain) += (int) values.count;
		CHECK_INT(coded + plain, 3);
		CHECK_INT(coded > 0, want[i].has_dictionary);
		CHECK_INT(plain > 0, !want[i].has_dictionary || strstr(want[i].name, "at first") != NULL);
	}
	flow_parquet_column_free(column);
	flow_parquet_close(parquet);
	free(file.data);
}

/* ---------- hosts ---------- */

static void
it_survives_failing_allocations(void)
{
	ParquetFile file = parquet_load(DATA "small_v1.parquet");
	FlowStatus status = FLOW_NO_MEMORY;

	for (int64_t n = 0; status != FLOW_OK && n < 1000; n++)
	{
		unit_state.fail_after = n;
		status = parquet_read_all(&unit_host, &file, 4, 100, &error);
		CHECK(status == FLOW_OK || status == FLOW_NO_MEMORY);
		CHECK_INT(unit_state.outstanding, 0);
	}
	CHECK_INT(status, FLOW_OK);
	unit_state.fail_after = -1;
	free(file.data);
}

static void
it_stops_when_interrupted(void)
{
	ParquetFile file = parquet_load(DATA "small_v2.parquet");
	FlowStatus status = FLOW_INTERRUPTED;

	for (int64_t n = 0; status != FLOW_OK && n < 1000; n++)
	{
		unit_state.interrupt_after = n;
		status = parquet_read_all(&unit_host, &file, 4, 100, &error);
		CHECK(status == FLOW_OK || status == FLOW_INTERRUPTED);
		CHECK_INT(unit_state.outstanding, 0);
	}
	CHECK_INT(status, FLOW_OK);
	unit_state.interrupt_after = -1;
	free(file.data);
}

static void
it_passes_on_what_the_input_says(void)
{
	ParquetFile file = parquet_load(DATA "small_v1.parquet");
	FlowStatus status = FLOW_IO;

	for (int n = 0; status != FLOW_OK && n < 1000; n++)
	{
		file.reads = 0;
		file.fail_after = n;
		status = parquet_read_all(&unit_host, &file, 4, 100, &error);
		CHECK(status == FLOW_OK || status == FLOW_IO);
	}
	CHECK_INT(status, FLOW_OK);
	free(file.data);
}

/* A failed read is not taken for the end of a page. */
static void
it_reads_nothing_after_an_error(void)
{
	ParquetFile file;
	FlowParquet *parquet = open_file(&file, DATA "small_v1.parquet");
	FlowParquetColumn *column = create_column();
	FlowParquetValues values;

	CHECK_INT(flow_parquet_column_begin(column, parquet, 0, 1, &error), FLOW_OK);
	file.fail_after = file.reads;
	CHECK_INT(flow_parquet_column_next(column, 10, &values, &error), FLOW_IO);
	file.fail_after = -1;
	CHECK_INT(flow_parquet_column_next(column, 10, &values, &error), FLOW_CORRUPT);
	CHECK_INT(flow_parquet_column_skip(column, 1, &error), FLOW_CORRUPT);
	CHECK_INT(flow_parquet_column_begin(column, parquet, 0, 1, &error), FLOW_OK);
	CHECK_INT(flow_parquet_column_next(column, 10, &values, &error), FLOW_OK);
	flow_parquet_column_free(column);
	flow_parquet_close(parquet);
	free(file.data);
}

/* Opens a file that was loaded, and returns how many reads that takes. */
static int
reads_to_open(ParquetFile *file, size_t tail)
{
	FlowParquetInput input = parquet_input(file);
	FlowParquet *parquet;

	file->reads = 0;
	input.tail = tail;
	CHECK_INT(flow_parquet_open(&unit_host, &input, &parquet, &error), FLOW_OK);
	flow_parquet_close(parquet);
	return file->reads;
}

static void
it_opens_a_small_file_by_one_read(void)
{
	ParquetFile file;
	FlowParquet *parquet = open_file(&file, DATA "small_v1.parquet");

	CHECK_INT(file.reads, 1);
	CHECK_INT(file.read, file.size);
	flow_parquet_close(parquet);
	CHECK_INT(reads_to_open(&file, 1), 1);
	CHECK_INT(reads_to_open(&file, 9), 2);
	CHECK_INT(reads_to_open(&file, (size_t) file.size), 1);
	free(file.data);

	/* one whose footer is larger than the first guess, by two */
	parquet = open_file(&file, DATA "matrix.parquet");
	CHECK(file.reads <= 2);
	flow_parquet_close(parquet);
	free(file.data);
}

int
main(void)
{
	RUN(it_reads_all_encodings);
	RUN(it_reads_any_number_of_rows_at_once);
	RUN(it_reads_all_encodings_in_all_codecs);
	RUN(it_reads_long_pages_and_headers);
	RUN(it_skips_rows);
	RUN(it_reads_the_dictionary_alone);
	RUN(it_keeps_dictionary_codes);
	RUN(it_knows_what_types_mean);
	RUN(it_refuses_by_name);
	RUN(it_writes_times_that_are_read_as_the_same);
	RUN(it_writes_days_that_are_read_as_the_same);
	RUN(it_writes_reals_that_are_read_as_the_same);
	RUN(it_trusts_statistics_that_can_be_trusted);
	RUN(it_knows_which_chunks_have_only_codes);
	RUN(it_survives_failing_allocations);
	RUN(it_stops_when_interrupted);
	RUN(it_passes_on_what_the_input_says);
	RUN(it_reads_nothing_after_an_error);
	RUN(it_opens_a_small_file_by_one_read);
	CHECK_INT(unit_state.outstanding, 0);
	return unit_done();
}
