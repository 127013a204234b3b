/*-------------------------------------------------------------------------
 *
 * test_wrapper.c
 *	  Tests the formats in which records are wrapped.
 *
 *-------------------------------------------------------------------------
 */
#include "../../flow/bytes/source.h"
#include "model_wrapper.h"

#include "model_reader.h"

#define WHOLE ((size_t) 1 << 20)

static char path[128];

static const size_t sizes[] = {1, 2, 3, 7, 64, WHOLE};

/*
 * Checks that these lines come out with pieces of any sizes.  A "|" stands for
 * each NUL byte.
 */
static void
check_lines(const FlowCodec *codec, const char *text, const char *lines)
{
	for (size_t i = 0; i < flow_countof(sizes); i++)
		for (size_t j = 0; j < flow_countof(sizes); j++)
		{
			ModelText made = model_unwrap(codec, text, strlen(text), sizes[i], sizes[j]);

			CHECK_INT(made.status, FLOW_END);
			for (size_t k = 0; k < made.len; k++)
				if (made.data[k] == '\0')
					made.data[k] = '|';
			made.data[made.len] = '\0';
			CHECK_STRING(made.data, lines);
			free(made.data);
		}
	CHECK_INT(unit_state.outstanding, 0);
}

static void
check_error(const FlowCodec *codec, const char *text, FlowStatus status, const char *message,
            const char *detail)
{
	for (size_t i = 0; i < flow_countof(sizes); i++)
	{
		ModelText made =
			model_unwrap(codec, text, strlen(text), sizes[i], sizes[flow_countof(sizes) - 1 - i]);

		CHECK_INT(made.status, status);
		CHECK_STRING(made.error.message, message);
		CHECK_STRING(made.error.detail, detail);
		free(made.data);
	}
	CHECK_INT(unit_state.outstanding, 0);
}

static void
it_takes_events_out_of_payloads(void)
{
	ModelText made;

	check_lines(&flow_json_codec,
	            "{\"logEvents\":[{\"timestamp\":1,\"message\":\"a "
	            "b\"},{\"timestamp\":2,\"message\":\"c\"}]}",
	            "1 a b\n2 c\n");
	check_lines(&flow_json_codec,
	            "{\"logEvents\":[{\"timestamp\":1,\"message\":\"a\"}]}{\"logEvents\":[{"
	            "\"timestamp\":2,\"message\":\"b\"}]}\n",
	            "1 a\n2 b\n");
	check_lines(&flow_json_codec,
	            " [ {\"timestamp\":1,\"message\":\"a\"} ,\n{\"message\":\"b\"}] ",
	            "1 a\n- b\n");
	check_lines(&flow_json_codec,
	            "{\"events\":[{\"timestamp\":1418530010000,\"message\":\"a\"}],\"x\":[]}",
	            "1418530010000 a\n");
	check_lines(&flow_json_codec, "{\"logEvents\":[]}", "");
	check_lines(&flow_json_codec,
	            "{\"timestamp\":\"2018-01-30T12:25:04Z\",\"message\":\"a\\\"}{\"}",
	            "2018-01-30T12:25:04Z a\"}{\n");
	check_lines(&flow_json_codec, "[]{\"message\":\"a\"}[{\"message\":\"b\"}]", "- a\n- b\n");
	check_lines(&flow_json_codec,
	            "{\"messageType\":\"CONTROL_MESSAGE\",\"logEvents\":[{\"message\":\"a\"}]}{"
	            "\"message\":\"b\"}",
	            "- b\n");

	made =
		model_unwrap(&flow_json_codec,
	                 "{\"messageType\":\"CONTROL_MESSAGE\"} {\"messageType\":\"CONTROL_MESSAGE\"}",
	                 67,
	                 WHOLE,
	                 WHOLE);
	CHECK_INT(made.skipped, 2);
	free(made.data);
}

static void
an_event_is_one_line_and_one_that_is_no_record_stays_none(void)
{
	check_lines(&flow_json_codec,
	            "{\"timestamp\":1,\"message\":\"a\\n\"}{\"timestamp\":1,\"message\":\"a\\r\\n\"}",
	            "1 a\n1 a\n");
	check_lines(&flow_json_codec, "{\"timestamp\":1,\"message\":\"a\\nb\\n\\n\"}", "1 a|b|\n");
	check_lines(&flow_json_codec, "{\"timestamp\":1,\"message\":\"a\\u0000b\"}", "1 a|b\n");
	check_lines(&flow_json_codec, "{\"timestamp\":1,\"message\":\"\"}", "1 \n");
	check_lines(&flow_json_codec,
	            "{\"timestamp\":\"1 "
	            "2\",\"message\":\"a\"}{\"timestamp\":1.5,\"message\":\"a\"}{\"timestamp\":\"\","
	            "\"message\":\"a\"}",
	            "1_2 a\n1970-01-01T00:00:01.5Z a\n\"\" a\n");
	check_lines(&flow_json_codec,
	            "{\"x\":1}{\"logEvents\":[7,{\"message\":null}]}",
	            "|{\"x\":1}\n|7\n|{\"message\":null}\n");
	check_lines(&flow_json_codec, "{\"logEvents\":{\"message\":\"a\"},\"message\":\"b\"}", "- b\n");
	check_lines(
		&flow_json_codec,
		"{\"a\":\"0123456789012345678901234567890123456789012345678901234567890123456789\"}",
		"|{\"a\":\"0123456789012345678901234567890123456789012345678901234567890123456789\"}\n");
}

static void
it_names_json_that_is_damaged(void)
{
	const char *message = "is not well-formed JSON";

	check_error(&flow_json_codec,
	            "{\"message\":\"a\"}{\"message\":",
	            FLOW_CORRUPT,
	            message,
	            "The file ends in value 2 of the file.");
	check_error(&flow_json_codec,
	            "[{\"message\":\"a\"}",
	            FLOW_CORRUPT,
	            message,
	            "The file ends in value 1 of the file.");
	check_error(&flow_json_codec,
	            "{\"message\":\"a\"} x",
	            FLOW_CORRUPT,
	            message,
	            "There is no object in value 2 of the file.");
	check_error(&flow_json_codec,
	            "[{} {}]",
	            FLOW_CORRUPT,
	            message,
	            "There is no comma before an object in value 2 of the file.");
	check_error(&flow_json_codec,
	            "{},{}",
	            FLOW_CORRUPT,
	            message,
	            "There is no object in value 2 of the file.");
	check_error(&flow_json_codec,
	            "[1]",
	            FLOW_CORRUPT,
	            message,
	            "There is no object in value 1 of the file.");
	check_error(&flow_json_codec,
	            "[[{}]]",
	            FLOW_CORRUPT,
	            message,
	            "There is no object in value 1 of the file.");
	check_error(&flow_json_codec,
	            "{\"message\":1,\"message\":2}",
	            FLOW_CORRUPT,
	            message,
	            "Member \"message\" is repeated at byte 22 in value 1 of the file.");
	check_error(&flow_json_codec,
	            "{\"a\" 1}",
	            FLOW_CORRUPT,
	            message,
	            "Expected \":\" at byte 6 in value 1 of the file.");
	check_error(&flow_json_codec,
	            "{\"a\":\"\xFF\"}",
	            FLOW_CORRUPT,
	            message,
	            "Invalid UTF-8 at byte 7 in value 1 of the file.");
	check_error(&flow_json_codec,
	            "{]",
	            FLOW_CORRUPT,
	            message,
	            "Expected a string or \"}\" at byte 2 in value 1 of the file.");
}

static void
it_takes_events_out_of_csv(void)
{
	check_lines(&flow_csv_codec, "timestamp,message", "");
	check_lines(&flow_csv_codec,
	            "timestamp,message\n1,a b\n\"2\",\"c\"\r\n3,\"d \"\"e\"\"\"",
	            "1 a b\n2 c\n3 d \"e\"\n");
	check_lines(&flow_csv_codec, "\"timestamp\",\"message\"\r\n1,a\r\n\r\n2,b\r", "1 a\n\n2 b\n");
	check_lines(&flow_csv_codec, "timestamp,message\n,a\n1,\n\"\",a\n", "- a\n1 \n- a\n");
	/* lines that are not events */
	check_lines(&flow_csv_codec,
	            "timestamp,message\n1\n1,2,3\n1,\"a\nb\"\n1 2,a\n1,\"a\"b\n1,a\rb\n\"\"\n",
	            "1|\n1 2|3\n1 a|b\n1|2 a\n1 a|b\n1 a|b\n|\n");
	check_error(&flow_csv_codec,
	            "timestamp,message\n1,\"a\n",
	            FLOW_CORRUPT,
	            "ends in the middle of a quoted field",
	            "");
}

static void
it_recognizes_wrappers(void)
{
	static const struct
	{
		const char *text;
		bool csv, json;
	} cases[] = {{"timestamp,message", true, false},
	             {"timestamp,message\n", true, false},
	             {"timestamp,message\r\n1,a", true, false},
	             {"\"timestamp\",\"message\"\n", true, false},
	             {"timestamp,messages\n", false, false},
	             {"timestamp,\"message\n", false, false},
	             {"timestamp message\n", false, false},
	             {"timestamp,", false, false},
	             {"timestamp", false, false},
	             {" \r\n\t{", false, true},
	             {"[", false, true},
	             {" ", false, false},
	             {"2 1 {", false, false},
	             {"", false, false}};

	for (size_t i = 0; i < flow_countof(cases); i++)
	{
		size_t len = strlen(cases[i].text);
		const uint8_t *text = (const uint8_t *) unit_at_edge(cases[i].text, len);

		CHECK_INT(flow_csv_recognizes(text, len), cases[i].csv);
		CHECK_INT(flow_json_recognizes(text, len), cases[i].json);
	}
}

static void
random_csv_is_read_as_by_the_plain_reader(void)
{
	static const char *const pieces[] =
		{"1", "a b", ",", ",", "\n", "\n", "\r\n", "\"", "\"\"", "\r", " ", "x\"y", "\"q,\nr\""};
	uint64_t seed = 11;

	for (int i = 0; i < 20000; i++)
	{
		char text[1024] = "timestamp,message\n";
		int n = (int) (unit_random(&seed) % 24);
		ModelText made;
		bool agrees;

		for (int j = 0; j < n; j++)
			strcat(text, pieces[unit_random(&seed) % flow_countof(pieces)]);
		made = model_unwrap(&flow_csv_codec,
		                    text,
		                    strlen(text),
		                    1 + unit_random(&seed) % 40,
		                    1 + unit_random(&seed) % 40);
		agrees = model_csv_agrees(text, strlen(text), &made);
		CHECK(agrees);
		if (!agrees)
			printf("# of: %s\n", text);
		free(made.data);
	}
}

/*
 * The expected result of reading a file that has a wrapper, by headers or by a
 * log format.
 */
typedef struct FileCase
{
	const char *text;
	const char *log_format;
	FlowHeaderMode mode;
	uint64_t lines, headers, blank, rejected;
	uint64_t places[3]; /* the records' lines */
} FileCase;

static void
check_file(const FileCase *file, bool splitter)
{
	const FlowColumn columns[] = {{.name = "srcaddr", .type = FLOW_TEXT, .max_chars = -1},
	                              {.name = "dstport", .type = FLOW_INT32, .max_chars = -1}};
	FlowFormatSpec format_spec = {.splitter = splitter,
	                              .header = file->mode,
	                              .log_format = file->log_format,
	                              .columns = columns,
	                              .ncolumns = 2};
	FlowObject object = model_write(path, file->text, strlen(file->text));
	FlowObjects objects = {.count = 1, .items = &object, .bytes = object.size};
	FlowReadSpec spec = {.host = &unit_host,
	                     .reject_limit = -1,
	                     .compression = "auto",
	                     .objects = &objects,
	                     .on_error = FLOW_ON_ERROR_IGNORE,
	                     .max_line_length = 1000};
	FlowReader *reader = NULL;
	const FlowCounts *counts;
	FlowRecord record;
	FlowStatus status;
	FlowError error;
	size_t n = 0;

	CHECK_INT(flow_format_create(&unit_host, &format_spec, &spec.format, &error), FLOW_OK);
	CHECK_INT(flow_reader_create(&spec, &reader, &error), FLOW_OK);
	while ((status = flow_reader_next(reader, &record, &error)) == FLOW_OK &&
	       n < flow_countof(file->places))
	{
		CHECK_INT(model_line_number(reader), file->places[n++]);
		CHECK(flow_reader_balances(reader));
	}
	CHECK_INT(status, FLOW_END);
	CHECK(n == flow_countof(file->places) || file->places[n] == 0);

	counts = flow_reader_counts(reader);
	CHECK(flow_reader_balances(reader));
	CHECK_INT(counts->lines, file->lines);
	CHECK_INT(counts->headers, file->headers);
	CHECK_INT(counts->blank, file->blank);
	CHECK_INT(counts->rejected, file->rejected);
	CHECK_INT(counts->emitted, n);
	flow_reader_close(reader);
	flow_format_free(spec.format);
	CHECK_INT(unit_state.outstanding, 0);
}

static void
the_reader_counts_what_stands_in_the_file(void)
{
	static const char *const format = "${srcaddr} ${dstport}";
	static const FileCase cases[] = {
		/*
		 * the first line of CSV is a header, and so is that of another file
		 * joined to it
		 */
		{"timestamp,message", NULL, FLOW_HEADER_AUTO, 1, 1, 0, 0, {0}},
		{"timestamp,message\n1,srcaddr dstport\n2,a 1\n\n3,a x\n4,b 2\n",
	     NULL,
	     FLOW_HEADER_AUTO,
	     6,
	     2,
	     1,
	     1,
	     {3, 6}},
		{"timestamp,message\r\n1,srcaddr dstport\r\n2,a 1\r\n\"timestamp\",\"message\"\r\n3,b "
	     "2\r\n",
	     NULL,
	     FLOW_HEADER_AUTO,
	     5,
	     3,
	     0,
	     0,
	     {3, 5}},
		{"timestamp,message\n1,srcaddr dstport\n2,a 1\ntimestamp,message\n1,dstport srcaddr\n1,2 "
	     "b\n3,3 c\n",
	     NULL,
	     FLOW_HEADER_AUTO,
	     7,
	     4,
	     0,
	     0,
	     {3, 6, 7}},
		{"timestamp,message\n1,a 1\ntimestamp,message\n2,b 2\n",
	     format,
	     FLOW_HEADER_AUTO,
	     4,
	     2,
	     0,
	     0,
	     {2, 4}},
		{"timestamp,message\n1,a 1\ntimestamp,message\n2,b 2\n",
	     format,
	     FLOW_HEADER_FALSE,
	     4,
	     1,
	     0,
	     1,
	     {2, 4}},
		{"timestamp,message\n1,x 7\n2,a 1\ntimestamp,message\n2,b 2\n",
	     format,
	     FLOW_HEADER_TRUE,
	     5,
	     3,
	     0,
	     0,
	     {3, 5}},
		{"timestamp,message\n1,srcaddr dstport\n2,a 1\ntimestamp,message\n3,b 2\n",
	     NULL,
	     FLOW_HEADER_TRUE,
	     5,
	     3,
	     0,
	     0,
	     {3, 5}},
		{"timestamp,message\n1,a 1\ntimestamp,messages\n",
	     format,
	     FLOW_HEADER_AUTO,
	     3,
	     1,
	     0,
	     1,
	     {2}},
		{"timestamp,message\n1,srcaddr dstport\n2,a 1\n3,srcaddr "
	     "dstport\ntimestamp,message\n4,srcaddr dstport\n5,b 2\n",
	     NULL,
	     FLOW_HEADER_MATCH,
	     7,
	     5,
	     0,
	     0,
	     {3, 7}},
		/* a single name is a header in the first line of the records */
		{"timestamp,message\n1,srcaddr\n2,a\n", NULL, FLOW_HEADER_AUTO, 3, 2, 0, 0, {3}},
		/* an export after an empty line */
		{"2018-01-30T12:25:04.000Z srcaddr dstport\n2018-01-30T12:25:04Z a 1\n",
	     NULL,
	     FLOW_HEADER_AUTO,
	     2,
	     1,
	     0,
	     0,
	     {2}},
		{"\r\n\n2018-01-30T12:25:04.000Z srcaddr dstport\n2018-01-30T12:25:04Z a 1\n",
	     NULL,
	     FLOW_HEADER_AUTO,
	     4,
	     1,
	     2,
	     0,
	     {4}},
		/* JSON has no header of its own: events are numbered */
		{"{\"message\":\"srcaddr dstport\"}\n{\"message\":\"a 1\"}\n\n{\"message\":\"b 2\"}\n",
	     NULL,
	     FLOW_HEADER_AUTO,
	     3,
	     1,
	     0,
	     0,
	     {2, 3}},
	};

	snprintf(path, sizeof(path), "%s/flow_wrapper_XXXXXX", unit_temporary());
	close(mkstemp(path));
	for (size_t i = 0; i < flow_countof(cases); i++)
		for (int splitter = 0; splitter < 2; splitter++)
		{
			int complaints = unit_complaints;

			check_file(&cases[i], splitter);
			if (unit_complaints != complaints)
				printf("# of: %s\n", cases[i].text);
		}
	unlink(path);
}

static void
they_survive_failing_allocations(void)
{
	static const char text[] = "{\"logEvents\":[{\"timestamp\":1,\"message\":\"a b\"}]}";

	for (int after = 0; after < 8; after++)
	{
		ModelText made;

		unit_state.fail_after = after;
		made = model_unwrap(&flow_json_codec, text, strlen(text), WHOLE, WHOLE);
		CHECK(made.status == FLOW_NO_MEMORY || made.status == FLOW_END);
		free(made.data);
		unit_state.fail_after = after;
		made = model_unwrap(&flow_csv_codec, "timestamp,message\n1,a", 21, WHOLE, WHOLE);
		CHECK(made.status == FLOW_NO_MEMORY || made.status == FLOW_END);
		free(made.data);
		unit_state.fail_after = -1;
	}
	CHECK_INT(unit_state.outstanding, 0);
}

int
main(void)
{
	RUN(it_takes_events_out_of_payloads);
	RUN(an_event_is_one_line_and_one_that_is_no_record_stays_none);
	RUN(it_names_json_that_is_damaged);
	RUN(it_takes_events_out_of_csv);
	RUN(it_recognizes_wrappers);
	RUN(random_csv_is_read_as_by_the_plain_reader);
	RUN(the_reader_counts_what_stands_in_the_file);
	RUN(they_survive_failing_allocations);
	return unit_done();
}
