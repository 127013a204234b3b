/*-------------------------------------------------------------------------
 *
 * test_constant.c
 *	  Tests flow/constant.c, and the reader with columns that no record fills:
 *	  the path, its variables, size, time, and the line number.
 *
 *-------------------------------------------------------------------------
 */
#include "tree.h"

enum
{
	NUMBER,
	WORD,
	PATH,
	SIZE,
	MODIFIED,
	LINE,
	MONTH,
	DATE,
	NCOLUMNS
};

static const FlowColumn columns[] = {
	[NUMBER] = {"number", NULL, FLOW_INT32, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
	[WORD] = {"word", NULL, FLOW_TEXT, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
	[PATH] = {"$path", NULL, FLOW_TEXT, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_PATH, 0},
	[SIZE] = {"$size", NULL, FLOW_INT64, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_SIZE, 0},
	[MODIFIED] =
		{"$modified", NULL, FLOW_TIME, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_MODIFIED, 0},
	[LINE] = {"$line", NULL, FLOW_INT64, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_LINE, 0},
	[MONTH] = {"month", NULL, FLOW_INT32, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_VARIABLE, 0},
	[DATE] = {"date", NULL, FLOW_DAY, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_VARIABLE, 1},
};

static const FlowAccess everywhere = {0};

static FlowError error;

/* ---------- the values ---------- */

/* Adds up all bytes that may be read around a field, so that they are read. */
static unsigned
read_around(FlowSlice field)
{
	unsigned sum = 0;

	for (const char *p = field.data - 16; p < field.data + field.len + FLOW_RECORD_SLACK; p++)
		sum += (unsigned char) *p;
	return sum;
}

static void
check_text(FlowSlice field, const char *want)
{
	char text[5000];

	if (want == NULL)
	{
		CHECK(field.data == NULL);
		CHECK_INT(field.len, 0);
		return;
	}
	CHECK(field.data != NULL);
	snprintf(text, sizeof(text), "%.*s", (int) field.len, field.data == NULL ? "" : field.data);
	CHECK_STRING(text, want);
	if (field.data != NULL)
		(void) read_around(field);
}

static void
values_are_texts_with_room_around(void)
{
	FlowPathValue values[2] = {{.text = {"08", 2}}, {.text = {"2024-08-01", 10}}};
	FlowObject file = {.path = "/a/b",
	                   .size = UINT64_MAX,
	                   .modified = INT64_C(1722488401234567890)};
	FlowConstants *constants;
	const FlowSlice *fields;
	char longer[4001];

	CHECK_INT(flow_constants_create(&unit_host, columns, NCOLUMNS, &constants, &error), FLOW_OK);
	fields = flow_constants_fill(constants, &file, values);
	check_text(fields[NUMBER], NULL);
	check_text(fields[LINE], NULL);
	check_text(fields[PATH], "/a/b");
	check_text(fields[SIZE], "18446744073709551615");
	check_text(fields[MODIFIED], "2024-08-01T05:00:01.234567Z");
	check_text(fields[MONTH], "08");
	check_text(fields[DATE], "2024-08-01");

	/* a date is one to a time or day; others have it in its variable's form */
	values[0] = values[1];
	values[0].form = values[1].form = "year=yyyy/month=MM/\\ddd";
	values[0].from = values[1].from = INT64_C(1722470400000000);
	fields = flow_constants_fill(constants, &file, values);
	check_text(fields[MONTH], "year=2024/month=08/d01");
	check_text(fields[DATE], "2024-08-01");
	values[0] = (FlowPathValue) {.text = {"08", 2}};

	/* for a directory only the variables are known, or some of them */
	values[1].text = (FlowSlice) {NULL, 0};
	fields = flow_constants_fill(constants, NULL, values);
	check_text(fields[PATH], NULL);
	check_text(fields[SIZE], NULL);
	check_text(fields[MODIFIED], NULL);
	check_text(fields[MONTH], "08");
	check_text(fields[DATE], NULL);

	memset(longer, 'x', sizeof(longer));
	longer[0] = '/';
	longer[4000] = '\0';
	file = (FlowObject) {.path = longer, .size = 0, .modified = -1};
	fields = flow_constants_fill(constants, &file, values);
	check_text(fields[PATH], longer);
	check_text(fields[SIZE], "0");
	check_text(fields[MODIFIED], "1969-12-31T23:59:59.999999Z");

	unit_state.fail_after = 0;
	longer[3999] = '\0';
	CHECK(flow_constants_fill(constants, &file, values) != NULL); /* there is room */
	unit_state.fail_after = -1;
	flow_constants_free(constants);
	CHECK_INT(unit_state.outstanding, 0);
}

/* ---------- the reader ---------- */

/*
 * true while the tests run with lines that are split, false with lines that
 * are matched
 */
static bool split;

typedef struct Fixture
{
	FlowColumn columns[NCOLUMNS];
	FlowFormat *format;
	FlowLocation *location;
	FlowObjects *objects;
	FlowReadSpec spec;
	FlowReader *reader;
} Fixture;

static void
write_text(const char *name, const char *text)
{
	FILE *stream;

	file(name, 0);
	stream = fopen(at(name), "w");
	must(stream != NULL && fputs(text, stream) >= 0 && fclose(stream) == 0, "write");
}

/* Opens a reader of the tree.  "f" may have columns and other settings. */
static void
open_fixture(Fixture *f, const FlowFilter *filter)
{
	FlowFormatSpec spec =
		{"(\\d+) (\\S+)", true, split, FLOW_HEADER_AUTO, f->columns, NCOLUMNS, NULL};

	must(flow_location_parse(&unit_host,
	                         at("month=${month}/${date:yyyyMMdd}-*"),
	                         &f->location,
	                         &error) == FLOW_OK,
	     "parse");
	must(flow_objects_list_pruned(
			 &unit_host, f->location, &everywhere, NULL, NULL, &f->objects, &error) == FLOW_OK,
	     "list");
	must(flow_format_create(&unit_host, &spec, &f->format, &error) == FLOW_OK, error.message);
	CHECK(!split || strstr(flow_format_name(f->format), "split") != NULL);
	f->spec.host = &unit_host;
	f->spec.format = f->format;
	f->spec.filter = filter;
	f->spec.objects = f->objects;
	f->spec.location = f->location;
	f->spec.reject_limit = -1;
	f->spec.compression = "auto";
	f->spec.max_line_length = 1000;
	must(flow_reader_create(&f->spec, &f->reader, &error) == FLOW_OK, error.message);
}

static void
close_fixture(Fixture *f)
{
	flow_reader_close(f->reader);
	flow_format_free(f->format);
	flow_objects_free(&unit_host, f->objects);
	flow_location_free(f->location);
	CHECK_INT(unit_state.outstanding, 0);
}

/*
 * Returns "number/line/month/date/file" of each record, and "error" if an
 * error ends them.
 */
static const char *
records(Fixture *f)
{
	static char text[4000];
	FlowRecord record;
	FlowStatus status;
	size_t used = 0;

	text[0] = '\0';
	while ((status = flow_reader_next(f->reader, &record, &error)) == FLOW_OK)
	{
		const FlowSlice *fields = record.fields;
		const char *path = fields[PATH].data;

		CHECK(flow_reader_balances(f->reader));
		CHECK(path != NULL);
		for (int i = 0; i < NCOLUMNS; i++)
			if (fields[i].data != NULL)
				(void) read_around(fields[i]);
		used += (size_t) sprintf(text + used,
		                         "%.*s/%.*s/%.*s/%.*s/%.*s ",
		                         (int) fields[NUMBER].len,
		                         fields[NUMBER].data == NULL ? "" : fields[NUMBER].data,
		                         (int) fields[LINE].len,
		                         fields[LINE].data,
		                         (int) fields[MONTH].len,
		                         fields[MONTH].data,
		                         (int) fields[DATE].len,
		                         fields[DATE].data,
		                         (int) fields[PATH].len - (int) strlen(root) - 10,
		                         path + strlen(root) + 10);
	}
	if (status != FLOW_END)
		strcpy(text + used, "error");
	return text;
}

static void
plant_logs(void)
{
	plant();
	write_text("month=08/20240801-a", "srcport action\n1 x\n\n2 y\n");
	write_text("month=09/20240930-b", "3 x\nbroken\n4 y\n5 z\n");
}

static void
records_have_what_their_file_has(void)
{
	Fixture f = {.spec = {.on_error = FLOW_ON_ERROR_IGNORE}};

	plant_logs();
	memcpy(f.columns, columns, sizeof(columns));
	open_fixture(&f, NULL);
	CHECK_STRING(
		records(&f),
		"1/2/08/2024-08-01/20240801-a 2/4/08/2024-08-01/20240801-a "
		"3/1/09/2024-09-30/20240930-b 4/3/09/2024-09-30/20240930-b 5/4/09/2024-09-30/20240930-b ");
	CHECK_INT(flow_reader_counts(f.reader)->rejected, 1);
	close_fixture(&f);
	fell();
}

static void
a_row_of_nulls_keeps_them(void)
{
	Fixture f = {.spec = {.on_error = FLOW_ON_ERROR_SET_NULL}};

	plant_logs();
	memcpy(f.columns, columns, sizeof(columns));
	f.columns[MONTH].not_null = f.columns[PATH].not_null = true;
	open_fixture(&f, NULL);
	CHECK(strstr(records(&f), " /2/09/2024-09-30/20240930-b ") != NULL);
	close_fixture(&f);
	fell();
}

static void
filters_see_them_beside_fields(void)
{
	Fixture f = {.spec = {.on_error = FLOW_ON_ERROR_IGNORE}};
	FlowFilter *filter;
	FlowPredicate *children[2];
	FlowValue month = {.integer = 8}, number = {.integer = 5};

	plant_logs();
	memcpy(f.columns, columns, sizeof(columns));
	filter = flow_filter_create(&unit_host, f.columns, NCOLUMNS, false);
	children[0] = flow_filter_compare(filter, MONTH, FLOW_AS_IS, FLOW_EQ, &month);
	children[1] = flow_filter_compare(filter, NUMBER, FLOW_AS_IS, FLOW_EQ, &number);
	flow_filter_set_root(filter, flow_filter_or(filter, children, 2));
	open_fixture(&f, filter);
	CHECK_STRING(
		records(&f),
		"1/2/08/2024-08-01/20240801-a 2/4/08/2024-08-01/20240801-a 5/4/09/2024-09-30/20240930-b ");
	flow_filter_free(filter);
	close_fixture(&f);

	filter = flow_filter_create(&unit_host, f.columns, NCOLUMNS, false);
	flow_filter_set_root(filter, flow_filter_compare(filter, MONTH, FLOW_AS_IS, FLOW_EQ, &month));
	open_fixture(&f, filter);
	CHECK_STRING(records(&f), "1/2/08/2024-08-01/20240801-a 2/4/08/2024-08-01/20240801-a ");
	CHECK_INT(flow_reader_counts(f.reader)->filtered, 3);
	flow_filter_free(filter);
	close_fixture(&f);
	fell();
}

static void
a_value_that_does_not_convert_is_told_by_on_error(void)
{
	Fixture f = {.spec = {.on_error = FLOW_ON_ERROR_IGNORE}};
	FlowRecord record;

	plant_logs();
	write_text("month=xx/20240930-c", "6 x\n7 y\n\n8 z\n");
	memcpy(f.columns, columns, sizeof(columns));
	open_fixture(&f, NULL);
	CHECK(strstr(records(&f), "20240930-c") == NULL);
	CHECK_INT(flow_reader_counts(f.reader)->rejected, 4);
	CHECK_INT(flow_reader_counts(f.reader)->blank, 2);
	close_fixture(&f);

	/*
	 * a column that must have a value is checked by all, others only if they
	 * are used
	 */
	f.spec.on_error = FLOW_ON_ERROR_STOP;
	must(unlink(at("month=09/20240930-b")) == 0, "unlink");
	open_fixture(&f, NULL);
	CHECK_STRING(
		records(&f),
		"1/2/08/2024-08-01/20240801-a 2/4/08/2024-08-01/20240801-a 6/1/xx/2024-09-30/20240930-c "
		"7/2/xx/2024-09-30/20240930-c 8/4/xx/2024-09-30/20240930-c ");
	close_fixture(&f);
	open_fixture(&f, NULL);
	while (flow_reader_next(f.reader, &record, &error) == FLOW_OK &&
	       record.fields[NUMBER].data[0] != '6')
		;
	CHECK_INT(flow_reader_bad_field(f.reader, (FlowBadField) {MONTH, FLOW_BAD_SYNTAX}, &error),
	          FLOW_BAD_SYNTAX);
	CHECK(strstr(error.message, "20240930-c\" has an invalid value for column \"month\"") != NULL);
	close_fixture(&f);

	/* a long path is cut at its beginning, not the column's name at its end */
	{
		char path[1024];
		FlowObject file = {.path = path};

		memset(path, 'x', sizeof(path) - 1);
		path[sizeof(path) - 1] = '\0';
		flow_constant_error(&f.columns[MONTH], MONTH, &file, FLOW_BAD_SYNTAX, true, &error);
		CHECK(strncmp(error.message, "flow log \"...xxx", 15) == 0);
		CHECK(strstr(error.message, "xxx\" has an invalid value for column \"month\"") != NULL);
	}
	f.spec.on_error = FLOW_ON_ERROR_SET_NULL;
	f.columns[MONTH].null_text = "xx";
	f.columns[MONTH].null_len = 2;
	f.columns[MONTH].not_null = true;
	open_fixture(&f, NULL);
	CHECK_STRING(records(&f), "1/2/08/2024-08-01/20240801-a 2/4/08/2024-08-01/20240801-a error");
	CHECK_INT(error.status, FLOW_MISSING);
	CHECK(strstr(error.detail, "NOT NULL") != NULL);
	close_fixture(&f);
	fell();
}

/* Groups by month, in the order in which the months are found. */
static void
groups_have_them_as_keys_and_in_totals(void)
{
	Fixture f = {.spec = {.on_error = FLOW_ON_ERROR_IGNORE}};
	const FlowGroupBy keys[] = {{MONTH, NULL}, {PATH, NULL}};
	const FlowAggregate aggregates[] = {{FLOW_COUNT_ALL, -1, NULL, NULL},
	                                    {FLOW_SUM, SIZE, NULL, NULL},
	                                    {FLOW_MAX, DATE, NULL, NULL},
	                                    {FLOW_SUM, NUMBER, NULL, NULL}};
	FlowGroupSpec spec = {.host = &unit_host,
	                      .columns = f.columns,
	                      .ncolumns = NCOLUMNS,
	                      .keys = keys,
	                      .nkeys = 2,
	                      .aggregates = aggregates,
	                      .naggregates = 4,
	                      .memory = 1000000};
	FlowGroups *groups;
	FlowGroup group;
	size_t position = 0;
	int seen = 0;

	plant_logs();
	memcpy(f.columns, columns, sizeof(columns));
	open_fixture(&f, NULL);
	CHECK_INT(flow_groups_create(&spec, &groups, &error), FLOW_OK);
	CHECK_INT(flow_reader_group(f.reader, groups, &error), FLOW_END);
	CHECK_INT(flow_groups_count(groups), 2);
	while (flow_groups_next(groups, &position, &group) == FLOW_OK)
	{
		bool august = memcmp(group.keys[0].data, "08", 2) == 0;

		seen |= august ? 1 : 2;
		check_text(group.keys[1], at(august ? "month=08/20240801-a" : "month=09/20240930-b"));
		CHECK_INT(group.totals[0].count, august ? 2 : 3);
		CHECK_INT(group.totals[1].as.sum.low, august ? 2 * 24 : 3 * 19);
		CHECK_INT(group.totals[2].as.extreme.integer, august ? 19936 : 19996);
		CHECK_INT(group.totals[3].as.sum.low, august ? 3 : 12);
	}
	CHECK_INT(seen, 3);
	flow_groups_free(groups);
	close_fixture(&f);
	fell();
}

/*
 * The parts into which a file would be cut if the numbers of its lines were
 * not needed.
 */
static uint64_t next_start;

static FlowStatus
next_part(void *arg, bool wait, FlowPart *part, FlowError *error)
{
	uint64_t size = *(uint64_t *) arg;

	(void) wait;
	(void) error;
	if (next_start >= size)
		return FLOW_END;
	*part = (FlowPart) {0, next_start, next_start + FLOW_PART_ALIGN};
	next_start += FLOW_PART_ALIGN;
	return FLOW_OK;
}

static void
a_file_is_not_cut_where_lines_are_counted(void)
{
	Fixture f = {.spec = {.on_error = FLOW_ON_ERROR_STOP, .next_part = next_part}};
	FlowRecord record;
	FILE *stream;
	uint64_t size, expected = 0;

	plant();
	file("month=01/20240101-a", 0);
	stream = fopen(at("month=01/20240101-a"), "w");
	for (int i = 1; i <= 60000; i++)
		/* a few lines do not have the shape */
		fprintf(stream, "%d %s\n", i, i % 1000 == 0 ? "\xc3\xa4" : "word");
	size = (uint64_t) ftell(stream);
	must(fclose(stream) == 0, "write");
	memcpy(f.columns, columns, sizeof(columns));
	f.spec.next_part_arg = &size;
	next_start = 0;
	open_fixture(&f, NULL);
	while (flow_reader_next(f.reader, &record, &error) == FLOW_OK)
	{
		char want[20];
		FlowSlice line = record.fields[LINE];

		snprintf(want, sizeof(want), "%d", (int) ++expected);
		if (line.len != strlen(want) || memcmp(line.data, want, line.len) != 0 ||
		    record.fields[NUMBER].len != line.len ||
		    memcmp(record.fields[NUMBER].data, want, line.len) != 0)
			check_text(line, want);
	}
	CHECK_INT(expected, 60000);
	CHECK_INT(flow_reader_counts(f.reader)->bytes_read, size);
	close_fixture(&f);
	fell();
}

static void
a_reader_without_memory_fails_and_leaks_nothing(void)
{
	FlowConstants *constants;

	unit_state.fail_after = 0;
	CHECK_INT(flow_constants_create(&unit_host, columns, NCOLUMNS, &constants, &error),
	          FLOW_NO_MEMORY);
	unit_state.fail_after = -1;
	CHECK(constants == NULL);
	flow_constants_free(constants);
	CHECK_INT(flow_constants_create(&unit_host, columns, NCOLUMNS, &constants, &error), FLOW_OK);
	unit_state.fail_after = 0;
	CHECK(flow_constants_fill(constants,
	                          &(FlowObject) {.path = "/a"},
	                          (FlowPathValue[2]) {{.text = {NULL, 0}}}) == NULL);
	unit_state.fail_after = -1;
	flow_constants_free(constants);
	CHECK_INT(unit_state.outstanding, 0);
}

int
main(void)
{
	RUN(values_are_texts_with_room_around);
	RUN(a_reader_without_memory_fails_and_leaks_nothing);
	for (int i = 0; i < 2; i++)
	{
		split = i == 1;
		RUN(records_have_what_their_file_has);
		RUN(a_row_of_nulls_keeps_them);
		RUN(filters_see_them_beside_fields);
		RUN(a_value_that_does_not_convert_is_told_by_on_error);
		RUN(groups_have_them_as_keys_and_in_totals);
		RUN(a_file_is_not_cut_where_lines_are_counted);
	}
	return unit_done();
}
