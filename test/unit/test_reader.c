/*-------------------------------------------------------------------------
 *
 * test_reader.c
 *	  Tests lines and records across blocks and files, the ledger, and lines
 *	  that are not records.
 *
 *-------------------------------------------------------------------------
 */
#include "model_reader.h"

#define MAX_FILES 4

static char directory[128];
static char paths[MAX_FILES][256];

/*
 * true while the tests run with lines that are split, false with lines that
 * are matched
 */
static bool split;

/* A reader of some files, and everything that it needs. */
typedef struct Fixture
{
	FlowFormat *format;
	FlowFilter *filter;
	FlowObject items[MAX_FILES];
	FlowObjects objects;
	FlowReadSpec spec;
	FlowReader *reader;
	FlowError error;
} Fixture;

static FlowStatus
open_fixture_columns(Fixture *f, const char *regex, FlowHeaderMode header,
                     const FlowColumn *columns, int ncolumns)
{
	FlowFormatSpec format = {regex, true, split, header, columns, ncolumns, NULL};
	FlowStatus status = flow_format_create(&unit_host, &format, &f->format, &f->error);

	if (status != FLOW_OK)
		return status;
	f->objects.items = f->items;
	f->spec = (FlowReadSpec) {
		.host = &unit_host,
		.format = f->format,
		.filter = f->filter,
		.objects = &f->objects,
		.on_error = f->spec.on_error,
		.report_rejects = f->spec.report_rejects,
		.reject_limit = -1,
		.compression = "auto",
		.max_line_length = f->spec.max_line_length ? f->spec.max_line_length : 1024 * 1024,
	};
	return flow_reader_create(&f->spec, &f->reader, &f->error);
}

static FlowStatus
open_fixture(Fixture *f)
{
	return open_fixture_columns(f, MODEL_REGEX, FLOW_HEADER_FALSE, model_columns, 2);
}

static void
add_file(Fixture *f, const void *data, size_t len)
{
	f->items[f->objects.count] = model_write(paths[f->objects.count], data, len);
	f->objects.bytes += len;
	f->objects.count++;
}

static void
add_text(Fixture *f, const char *text)
{
	add_file(f, text, strlen(text));
}

static void
close_fixture(Fixture *f)
{
	flow_reader_close(f->reader);
	flow_filter_free(f->filter);
	flow_format_free(f->format);
	CHECK_INT(unit_state.outstanding, 0);
	memset(f, 0, sizeof(*f));
}

/* Reads the next record.  The ledger must balance after every step. */
static FlowStatus
next(Fixture *f, FlowRecord *record)
{
	FlowStatus status = flow_reader_next(f->reader, record, &f->error);

	if (status == FLOW_OK || status == FLOW_END || status == FLOW_REJECTED)
		CHECK(flow_reader_balances(f->reader));
	return status;
}

/* Reads to the end, and returns the number of records, or -1 for an error. */
static int
count_records(Fixture *f)
{
	FlowRecord record;
	FlowStatus status;
	int count = 0;

	while ((status = next(f, &record)) == FLOW_OK)
		count++;
	return status == FLOW_END ? count : -1;
}

static void
it_reads_lines_in_all_their_forms(void)
{
	static const char text[] = "\xEF\xBB\xBF"
							   "a 1\r\n\n\r\nb 2\n\xEF\xBB\xBF 3\nlast 4";
	Fixture f = {0};
	FlowRecord record;
	const char *path;
	uint64_t line;

	add_text(&f, text);
	CHECK_INT(open_fixture(&f), FLOW_OK);
	CHECK_INT(next(&f, &record), FLOW_OK);
	CHECK(model_same(record.fields[0], (FlowSlice) {"a", 1}));
	CHECK(model_same(record.fields[1], (FlowSlice) {"1", 1}));
	CHECK_INT(model_line_number(f.reader), 1);
	CHECK(flow_reader_position(f.reader, &path, &line));
	CHECK_STRING(path, paths[0]);
	CHECK_INT(next(&f, &record), FLOW_OK);
	CHECK_INT(model_line_number(f.reader), 4);
	CHECK_INT(next(&f, &record), FLOW_OK);
	/* a byte order mark is one only at the start */
	CHECK(model_same(record.fields[0], (FlowSlice) {"\xEF\xBB\xBF", 3}));
	CHECK_INT(next(&f, &record), FLOW_OK);
	CHECK(model_same(record.fields[0], (FlowSlice) {"last", 4}));
	CHECK_INT(next(&f, &record), FLOW_END);
	CHECK_INT(flow_reader_counts(f.reader)->blank, 2);
	CHECK_INT(flow_reader_counts(f.reader)->lines, 6);
	close_fixture(&f);
}

/* Makes random lines.  Many are as long as the rest of a block. */
static size_t
make_random_file(uint64_t *seed, char *buffer, size_t capacity)
{
	size_t len = 0;

	while (len + 4096 < capacity)
	{
		size_t a = unit_random(seed) % 16 == 0 ? unit_random(seed) % 4000 : unit_random(seed) % 60;

		if (unit_random(seed) % 8 == 0 && FLOW_BLOCK_SIZE - len % FLOW_BLOCK_SIZE < 4000)
			/* around the end of the block */
			a = FLOW_BLOCK_SIZE - len % FLOW_BLOCK_SIZE + unit_random(seed) % 3;
		if (len + a + 64 > capacity)
			break;
		memset(buffer + len, 'a' + (int) (unit_random(seed) % 26), a);
		len += a;
		if (unit_random(seed) % 20 != 0)
			len += (size_t) sprintf(buffer + len, " %d", (int) (unit_random(seed) % 1000));
		if (unit_random(seed) % 50 == 0)
			buffer[len++] = '\0';
		if (unit_random(seed) % 5 == 0)
			buffer[len++] = '\r';
		buffer[len++] = '\n';
	}
	return len - unit_random(seed) % 3;
}

/*
 * With 'ignore', the records of the files must be those of the plain reader.
 */
static void
check_against_plain(Fixture *f, char *const *data, const size_t *lens, size_t max_line_length)
{
	FlowRecord record;

	for (size_t i = 0; i < f->objects.count; i++)
	{
		const char *from = data[i];
		ModelLine line;
		uint64_t number = 0;

		while (model_next_line(&from, data[i] + lens[i], max_line_length, &line))
		{
			number++;
			if (!line.record)
				continue;
			if (next(f, &record) != FLOW_OK)
			{
				CHECK(!"the plain reader has one more");
				return;
			}
			CHECK_INT(model_line_number(f->reader), number);
			CHECK(model_same(record.fields[0], line.a));
			CHECK(model_same(record.fields[1], line.b));
		}
	}
	CHECK_INT(next(f, &record), FLOW_END);
}

static void
it_finds_the_records_that_a_plain_reader_finds(void)
{
	static const size_t max_line_lengths[] = {64, 500, 5000, 1024 * 1024};
	uint64_t seed = 20260130;
	char *data[2];
	size_t lens[2];

	for (int i = 0; i < 2; i++)
		data[i] = malloc(3 * FLOW_BLOCK_SIZE);
	for (int round = 0; round < 24; round++)
	{
		Fixture f = {0};

		for (int i = 0; i < 2; i++)
		{
			lens[i] =
				make_random_file(&seed, data[i], 3 * FLOW_BLOCK_SIZE - unit_random(&seed) % 70000);
			add_file(&f, data[i], lens[i]);
		}
		f.spec.on_error = FLOW_ON_ERROR_IGNORE;
		f.spec.max_line_length = max_line_lengths[round % 4];
		CHECK_INT(open_fixture(&f), FLOW_OK);
		check_against_plain(&f, data, lens, f.spec.max_line_length);

		/* and again after a rewind */
		flow_reader_rewind(f.reader, f.format, NULL);
		check_against_plain(&f, data, lens, f.spec.max_line_length);
		CHECK_INT(flow_reader_counts(f.reader)->files_read, 2);
		close_fixture(&f);
	}
	for (int i = 0; i < 2; i++)
		free(data[i]);
}

static void
it_never_holds_a_line_that_is_too_long(void)
{
	size_t len = 40 * 1024 * 1024;
	char *data = malloc(len);
	Fixture f = {0};
	FlowRecord record;

	memset(data, 'x', len);
	memcpy(data + len - 9, "\na 1\nb 2\n", 9);
	add_file(&f, data, len);
	f.spec.on_error = FLOW_ON_ERROR_IGNORE;
	f.spec.report_rejects = true;
	CHECK_INT(open_fixture(&f), FLOW_OK);
	CHECK_INT(next(&f, &record), FLOW_REJECTED);
	CHECK_STRING(flow_reader_reject(f.reader)->reason, "The line is longer than 1048576 bytes.");
	CHECK_INT(flow_reader_reject(f.reader)->line, 1);
	CHECK(flow_reader_reject(f.reader)->raw.len >= FLOW_RAW_SHOWN);
	CHECK_INT(count_records(&f), 2);
	close_fixture(&f);
	free(data);
}

static void
it_stops_at_the_first_line_that_is_no_record(void)
{
	Fixture f = {0};
	FlowRecord record;

	add_text(&f, "a 1\n\nb\nc 3\n");
	CHECK_INT(open_fixture(&f), FLOW_OK);
	CHECK_INT(next(&f, &record), FLOW_OK);
	CHECK_INT(next(&f, &record), FLOW_BAD_RECORD);
	CHECK_STRING(f.error.path, paths[0]);
	CHECK_INT(f.error.line, 3);
	CHECK_INT(f.error.raw_len, 1);
	CHECK(strstr(f.error.hint, "on_error") != NULL);
	close_fixture(&f);

	add_text(&f, "2 x eni-1 - - - NODATA\n");
	CHECK_INT(open_fixture(&f), FLOW_OK);
	CHECK_INT(next(&f, &record), FLOW_BAD_RECORD);
	CHECK(strstr(f.error.hint, "NODATA") != NULL);
	close_fixture(&f);
}

static void
it_leaves_out_what_is_to_be_ignored(void)
{
	static const char text[] = "a 1\nb\nc x\nd 4\ne 99999999999\n\xFF 6\n";
	Fixture f = {0};
	const FlowCounts *counts;

	add_text(&f, text);
	f.spec.on_error = FLOW_ON_ERROR_IGNORE;
	CHECK_INT(open_fixture(&f), FLOW_OK);
	CHECK_INT(count_records(&f), 2);
	counts = flow_reader_counts(f.reader);
	CHECK_INT(counts->rejected, 4);
	CHECK_INT(counts->unmatched, 1);
	CHECK_INT(flow_reader_first_reject(f.reader)->line, 2);
	CHECK_STRING(flow_reader_first_reject(f.reader)->reason,
	             "The line does not match the regular expression.");
	close_fixture(&f);

	add_text(&f, "\xFF 6\n");
	f.spec.on_error = FLOW_ON_ERROR_IGNORE;
	CHECK_INT(open_fixture(&f), FLOW_OK);
	CHECK_INT(count_records(&f), 0);
	CHECK_STRING(flow_reader_first_reject(f.reader)->reason,
	             "The value for column \"a\" is not valid text in the encoding of the database.");
	close_fixture(&f);
}

static void
it_keeps_what_is_to_be_null(void)
{
	Fixture f = {0};
	FlowRecord record;

	add_text(&f, "a 1\nb\nc x\n");
	f.spec.on_error = FLOW_ON_ERROR_SET_NULL;
	f.spec.report_rejects = true;
	CHECK_INT(open_fixture(&f), FLOW_OK);
	CHECK_INT(next(&f, &record), FLOW_OK);
	CHECK_INT(next(&f, &record), FLOW_REJECTED);
	CHECK_INT(next(&f, &record), FLOW_OK);
	CHECK_INT(model_line_number(f.reader), 2);
	CHECK(record.fields[0].data == NULL && record.fields[1].data == NULL);
	CHECK_INT(next(&f, &record), FLOW_OK); /* nobody has checked "x" yet */
	CHECK_INT(flow_reader_bad_field(f.reader, (FlowBadField) {1, FLOW_BAD_SYNTAX}, &f.error),
	          FLOW_OK);
	CHECK_INT(flow_reader_bad_field(f.reader, (FlowBadField) {0, FLOW_BAD_SYNTAX}, &f.error),
	          FLOW_OK);
	CHECK_INT(flow_reader_counts(f.reader)->set_null, 2); /* lines, not fields */
	CHECK_INT(next(&f, &record), FLOW_END);
	close_fixture(&f);
}

/* NOT NULL is a promise to PostgreSQL, whichever columns the query uses. */
static void
it_insists_on_not_null(void)
{
	static const char *const texts[] = {"a -\n", "b\n", "c x\n"};
	static const FlowStatus expected[3][3] = {
		[FLOW_ON_ERROR_STOP] = {FLOW_MISSING, FLOW_BAD_RECORD, FLOW_OK},
		[FLOW_ON_ERROR_IGNORE] = {FLOW_END, FLOW_END, FLOW_END},
		[FLOW_ON_ERROR_SET_NULL] = {FLOW_MISSING, FLOW_MISSING, FLOW_BAD_SYNTAX},
	};
	FlowColumn columns[2] = {model_columns[0], model_columns[1]};

	columns[1].not_null = true;
	for (int on_error = 0; on_error < 3; on_error++)
		for (int i = 0; i < 3; i++)
		{
			Fixture f = {0};
			FlowRecord record;

			add_text(&f, texts[i]);
			f.spec.on_error = on_error;
			CHECK_INT(open_fixture_columns(&f, MODEL_REGEX, FLOW_HEADER_FALSE, columns, 2),
			          FLOW_OK);
			CHECK_INT(next(&f, &record), expected[on_error][i]);
			close_fixture(&f);
		}
}

static void
it_limits_rejects(void)
{
	for (int on_error = FLOW_ON_ERROR_IGNORE; on_error <= FLOW_ON_ERROR_SET_NULL; on_error++)
		for (int64_t limit = 0; limit < 4; limit++)
		{
			Fixture f = {0};

			add_text(&f, "a\nb\nc 1\n");
			f.spec.on_error = on_error;
			CHECK_INT(open_fixture(&f), FLOW_OK);
			flow_reader_close(f.reader);
			f.spec.reject_limit = limit;
			CHECK_INT(flow_reader_create(&f.spec, &f.reader, &f.error), FLOW_OK);
			CHECK_INT(count_records(&f), limit < 2 ? -1 : on_error == FLOW_ON_ERROR_IGNORE ? 1 : 3);
			if (limit < 2)
			{
				CHECK_INT(f.error.status, FLOW_TOO_MANY_REJECTS);
				CHECK_INT(f.error.line, limit + 1);
			}
			close_fixture(&f);
		}
}

static void
it_filters_before_anything_else_is_looked_at(void)
{
	Fixture f = {0};
	FlowValue one = {.integer = 1};
	const FlowCounts *counts;

	f.filter = flow_filter_create(&unit_host, model_columns, 2, false);
	flow_filter_set_root(f.filter, flow_filter_compare(f.filter, 1, FLOW_AS_IS, FLOW_EQ, &one));
	add_text(&f, "a 1\n\xFF 2\nb 1\nc -\n");
	CHECK_INT(open_fixture(&f), FLOW_OK);
	CHECK_INT(count_records(&f), 2);
	counts = flow_reader_counts(f.reader);
	CHECK_INT(counts->filtered, 2);
	CHECK_INT(counts->emitted, 2);
	close_fixture(&f);
}

static void
it_knows_headers(void)
{
	static const char header[] = "srcaddr dstport\n";
	static const struct
	{
		FlowHeaderMode mode;
		const char *text;
		int records; /* -1: an error */
		int headers;
	} cases[] = {
		{FLOW_HEADER_AUTO, "srcaddr dstport\na 1\nsrcaddr dstport\nb 2\n", 2, 2},
		{FLOW_HEADER_AUTO, "a 1\nb 2\n", 2, 0},
		{FLOW_HEADER_AUTO, "srcaddr unheard-of\na 1\n", 1, 1},
		{FLOW_HEADER_AUTO, "never heard\n", 1, 0},
		{FLOW_HEADER_AUTO, "srcaddr srcaddr\n", 0, 1},
		{FLOW_HEADER_AUTO, "SrcAddr DSTPORT\na 1\n", 1, 1},
		{FLOW_HEADER_AUTO, "DSTPORT SrcAddr\na 1\n", -1, 0},
		{FLOW_HEADER_AUTO, "dstport srcaddr\na 1\n", -1, 0},
		{FLOW_HEADER_TRUE, "anything at all\na 1\n", 1, 1},
		{FLOW_HEADER_TRUE, "srcaddr dstport\na 1\n", 1, 1},
		{FLOW_HEADER_TRUE, "dstport srcaddr\na 1\n", -1, 0},
		{FLOW_HEADER_MATCH, "srcaddr dstport\na 1\n", 1, 1},
		{FLOW_HEADER_MATCH, "a 1\n", -1, 0},
		{FLOW_HEADER_MATCH, "srcaddr dstport\na 1\nsrcaddr dstport\nb 2\n", 2, 2},
		{FLOW_HEADER_MATCH, "srcaddr dstport\na 1\nsrcaddr srcport\nb 2\n", -1, 1},
		{FLOW_HEADER_FALSE, header, 1, 0},
	};
	FlowColumn columns[2] = {model_columns[0], model_columns[1]};

	columns[0].name = "sourceaddress"; /* the field srcaddr */
	columns[1].name = "dstport";
	columns[1].type = FLOW_TEXT;
	for (size_t i = 0; i < flow_countof(cases); i++)
	{
		Fixture f = {0};

		add_text(&f, cases[i].text);
		CHECK_INT(open_fixture_columns(&f, MODEL_REGEX, cases[i].mode, columns, 2), FLOW_OK);
		CHECK_INT(count_records(&f), cases[i].records);
		if (cases[i].records < 0)
			CHECK_INT(f.error.status, FLOW_BAD_HEADER);
		else
			CHECK_INT(flow_reader_counts(f.reader)->headers, cases[i].headers);
		close_fixture(&f);
	}
}

static void
it_compares_the_order_of_a_header_of_another_width(void)
{
	FlowColumn columns[2] = {model_columns[0], model_columns[1]};
	Fixture f = {0};

	columns[0].name = "action";
	columns[1].name = "dstport";
	add_text(&f, "srcaddr dstport action\n");
	CHECK_INT(open_fixture_columns(&f, "(\\S+) \\S+ (\\S+)", FLOW_HEADER_AUTO, columns, 2),
	          FLOW_OK);
	CHECK_INT(count_records(&f), -1);
	CHECK_INT(f.error.status, FLOW_BAD_HEADER);
	close_fixture(&f);

	add_text(&f, "srcaddr action dstport\n");
	CHECK_INT(open_fixture_columns(&f, "(\\S+) \\S+ (\\S+)", FLOW_HEADER_AUTO, columns, 2),
	          FLOW_OK);
	CHECK_INT(count_records(&f), 0);
	close_fixture(&f);
}

static void
it_maps_groups_to_columns(void)
{
	FlowColumn columns[3] = {model_columns[0], model_columns[0], model_columns[0]};
	Fixture f = {0};
	FlowRecord record;

	/* by number, besides those by position */
	columns[1].field = "2";
	add_text(&f, "x y\n");
	CHECK_INT(open_fixture_columns(&f, "(\\S+) (\\S+)", FLOW_HEADER_FALSE, columns, 3), FLOW_OK);
	CHECK_INT(next(&f, &record), FLOW_OK);
	CHECK(model_same(record.fields[0], (FlowSlice) {"x", 1}));
	CHECK(model_same(record.fields[1], (FlowSlice) {"y", 1}));
	CHECK(model_same(record.fields[2], (FlowSlice) {"y", 1}));
	close_fixture(&f);

	/* a group that did not take part gives NULL, an empty one an empty text */
	add_text(&f, "x \n");
	columns[1].field = NULL;
	CHECK_INT(open_fixture_columns(&f, "(x) (y)?(z*)", FLOW_HEADER_FALSE, columns, 3), FLOW_OK);
	CHECK_INT(next(&f, &record), FLOW_OK);
	CHECK(record.fields[1].data == NULL);
	CHECK(record.fields[2].data != NULL && record.fields[2].len == 0);
	close_fixture(&f);

	/* too few, too many, no such group */
	CHECK_INT(open_fixture_columns(&f, "(x)", FLOW_HEADER_FALSE, columns, 3), FLOW_BAD_FORMAT);
	CHECK_INT(open_fixture_columns(&f, "(x)(x)(x)(x)", FLOW_HEADER_FALSE, columns, 3),
	          FLOW_BAD_FORMAT);
	columns[2].field = "9";
	CHECK_INT(open_fixture_columns(&f, "(x)(x)", FLOW_HEADER_FALSE, columns, 3), FLOW_BAD_FORMAT);
	CHECK_INT(open_fixture_columns(&f, "(?<a>x)(x)", FLOW_HEADER_FALSE, columns, 3),
	          FLOW_BAD_FORMAT);
	CHECK_INT(unit_state.outstanding, 0);
}

static void
it_stops_when_interrupted(void)
{
	size_t len = 3 * FLOW_BLOCK_SIZE;
	char *data = malloc(len);

	memset(data, '\n', len);
	for (int64_t after = 0; after < 40; after++)
	{
		Fixture f = {0};
		FlowRecord record;

		add_file(&f, data, len);
		CHECK_INT(open_fixture(&f), FLOW_OK);
		unit_state.interrupt_after = after;
		CHECK_INT(next(&f, &record), FLOW_INTERRUPTED);
		unit_state.interrupt_after = -1;
		close_fixture(&f);
	}
	free(data);
}

/*
 * A query may have thousands of readers.  Only those that are reading have
 * buffers.
 */
static void
it_holds_buffers_only_while_it_reads(void)
{
	const int64_t most = 8 * 1024;
	FlowFormatSpec format = {MODEL_REGEX, true, split, FLOW_HEADER_FALSE, model_columns, 2, NULL};
	Fixture f = {0};
	FlowRecord record;
	const FlowReject *reject;
	FlowValue value = {.text = {"b", 1}};

	add_text(&f, "a 1\nb 2\nnorecord\n");
	add_text(&f, "b 3\n");
	f.spec.on_error = FLOW_ON_ERROR_IGNORE;
	f.filter = flow_filter_create(&unit_host, model_columns, 2, false);
	flow_filter_set_root(f.filter, flow_filter_compare(f.filter, 0, FLOW_AS_IS, FLOW_EQ, &value));
	CHECK_INT(open_fixture(&f), FLOW_OK);
	for (int round = 1; round <= 3; round++)
	{
		int64_t before = unit_state.bytes;

		CHECK_INT(next(&f, &record), FLOW_OK);
		CHECK(model_same(record.fields[1], (FlowSlice) {"2", 1}));
		CHECK(unit_state.bytes - before > FLOW_BLOCK_SIZE);
		CHECK(next(&f, &record) == FLOW_OK && model_same(record.fields[1], (FlowSlice) {"3", 1}));
		CHECK_INT(next(&f, &record), FLOW_END);
		CHECK(unit_state.bytes - before < most);
		CHECK_INT(next(&f, &record), FLOW_END);

		/* the ledger is kept */
		CHECK_INT(flow_reader_counts(f.reader)->lines, 4 * round);
		CHECK_INT(flow_reader_counts(f.reader)->filtered, round);
		CHECK_INT(flow_reader_counts(f.reader)->rejected, round);
		CHECK_INT(flow_reader_counts(f.reader)->files_read, 2);
		reject = flow_reader_first_reject(f.reader);
		CHECK(reject != NULL && reject->line == 3 && strcmp(reject->object->path, paths[0]) == 0);

		/* the format is not needed for that */
		flow_format_free(f.format);
		CHECK_INT(flow_format_create(&unit_host, &format, &f.format, &f.error), FLOW_OK);
		flow_reader_rewind(f.reader, f.format, f.filter);
	}
	close_fixture(&f);
}

static void
it_survives_a_lack_of_memory(void)
{
	char *data = malloc(400000);
	int64_t allowed = 0;
	FlowStatus status;

	/* a line that makes the headroom grow */
	memset(data, 'x', 400000);
	memcpy(data + 399990, " 1\n", 3);
	do
	{
		Fixture f = {0};
		FlowRecord record;

		add_file(&f, data, 399993);
		unit_state.fail_after = allowed++;
		status = open_fixture(&f);
		if (status == FLOW_OK)
			status = next(&f, &record);
		unit_state.fail_after = -1;
		CHECK(status == FLOW_OK || status == FLOW_NO_MEMORY);
		close_fixture(&f);
	} while (status != FLOW_OK && allowed < 1000);
	CHECK(allowed > 5 && allowed < 1000);
	free(data);
}

int
main(void)
{
	snprintf(directory, sizeof(directory), "%s/flow_reader_XXXXXX", unit_temporary());
	if (mkdtemp(directory) == NULL)
		abort();
	for (int i = 0; i < MAX_FILES; i++)
		snprintf(paths[i], sizeof(paths[i]), "%s/%d.log", directory, i);

	for (int round = 0; round < 2; round++)
	{
		split = round == 1;
		RUN(it_reads_lines_in_all_their_forms);
		RUN(it_finds_the_records_that_a_plain_reader_finds);
		RUN(it_never_holds_a_line_that_is_too_long);
		RUN(it_stops_at_the_first_line_that_is_no_record);
		RUN(it_leaves_out_what_is_to_be_ignored);
		RUN(it_keeps_what_is_to_be_null);
		RUN(it_insists_on_not_null);
		RUN(it_limits_rejects);
		RUN(it_filters_before_anything_else_is_looked_at);
		RUN(it_knows_headers);
		RUN(it_compares_the_order_of_a_header_of_another_width);
		RUN(it_maps_groups_to_columns);
		RUN(it_stops_when_interrupted);
		RUN(it_holds_buffers_only_while_it_reads);
		RUN(it_survives_a_lack_of_memory);
	}

	for (int i = 0; i < MAX_FILES; i++)
		unlink(paths[i]);
	rmdir(directory);
	return unit_done();
}
