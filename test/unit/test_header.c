/*-------------------------------------------------------------------------
 *
 * test_header.c
 *	  Tests headers and log formats, and how lines are read with them.
 *
 *-------------------------------------------------------------------------
 */
#include "../../flow/bytes/source.h"
#include "model_header.h"

#define FILES 3000

static char path[128];

static bool
agrees(const char *text)
{
	uint64_t line;

	return model_header_agrees(path, text, strlen(text), true, 1 << 20, &line) &&
	       model_header_agrees(path, text, strlen(text), false, 1 << 20, &line);
}

static void
it_reads_headers_in_all_their_forms(void)
{
	CHECK(agrees(""));
	CHECK(agrees("\n\n"));
	CHECK(agrees("srcaddr\n1\n2\n"));
	CHECK(agrees("srcaddr \r\n1\r\n \r\n2"));
	CHECK(agrees("\xEF\xBB\xBFsrcaddr account_id\n1 2\n"));
	CHECK(agrees("srcaddr account\n1 2\nsrcaddr\naccount-id srcaddr\n1 2\n"));
	CHECK(agrees("srcaddr start\nsrcaddr,log-status\n1,2\n1\n,\n1,2,3\n\"1\",2\n"));
	CHECK(agrees("srcaddr\tlog-status\n1\t2\n1 2\n\t\n1\t2\t\n"));
	CHECK(agrees("srcaddr log-status\n1 2\n1  2\n 1 2\n1 2 \n1\t2\n\n1 2 3\n"));
	CHECK(agrees("srcaddr, log-status\n1, 2\n"));
	CHECK(agrees("SRCADDR Account_Id\n1 2\nAccount-ID srcAddr\n3 4\n"));
	CHECK(agrees("SrcAddr\tLog_Status\n1\t2\nACCEPT\tOK\nAction,\tStart\n"));
	CHECK(agrees("accountId srcAddr logStatus\n1 2 3\n"));
	CHECK(agrees("srcaddr start SrcAddr\n1 2 3\n"));
	CHECK(agrees("  srcaddr   start  \n 1  2 \n1   2\n  srcaddr start\n  \n"));
	CHECK(agrees(" srcaddr,start\n1,2\n 1,2\n srcaddr , start\n"));
	CHECK(agrees("srcaddr account-id\n1 2\nstart end start\n1 2 3\n"));
	CHECK(agrees("account-id account_id\n1 2\n"));
	CHECK(agrees("srcaddr new-field\n1 2\n"));
	CHECK(agrees("# srcaddr start\n1 2\n#start end\n3 4\n# end\n#\n"));
	CHECK(agrees("  #srcaddr\tstart\n1\t2\n##srcaddr start\n"));
	CHECK(agrees("${srcaddr} ${start}\n1 2\n${start} ${srcaddr}\n3 4\n${end}\n"));
	CHECK(agrees("#${srcaddr},${log-status}\n1,2\n${srcaddr} end\n1 2\n"));
	CHECK(agrees("srcaddr start\n${srcaddr ${start\n${} ${}\n$ {srcaddr}\n#srcaddr $start\n"));
	CHECK(agrees("srcaddr new-field newer-field\n1 2 3\n"));
	CHECK(agrees("\n2 1 eni-1 - - - - - - - 1 2 - NODATA\n2 1 eni-1 1.1.1.1 ::1 1 2 3 4 5 6 7 "
	             "ACCEPT OK\nsrcaddr start\n1 2\n"));
	CHECK(agrees("3 1 eni-1 - - - - - - - 1 2 - NODATA\n"));
	CHECK(agrees("2 1 eni-1 - - - - - - - 1 2 - nodata\n"));
}

static void
it_names_what_is_wrong(void)
{
	const FlowColumn columns[] = {{.name = "srcadr", .type = FLOW_TEXT, .max_chars = -1}};
	FlowFormatSpec spec = {.columns = columns,
	                       .ncolumns = 1,
	                       .log_format = "${version} ${srcaddr}"};
	FlowFormat *format = NULL;
	FlowError error;
	char unknown[64], nearest[64];

	CHECK_INT(flow_format_create(&unit_host, &spec, &format, &error), FLOW_BAD_HEADER);
	CHECK_STRING(error.message, "no field \"srcadr\" for column \"srcadr\"");
	CHECK_STRING(error.detail,
	             "It is not a known field of flow logs, and the log format does not name it.");
	CHECK_STRING(error.hint, "Perhaps you meant the field \"srcaddr\".");
	CHECK_INT(error.column, 0);

	CHECK_INT(flow_format_check_log_format("${version} ${srcadr} ${x}", unknown, nearest, &error),
	          FLOW_OK);
	CHECK_STRING(unknown, "srcadr");
	CHECK_STRING(nearest, "srcaddr");
	CHECK_INT(flow_format_check_log_format("${version} ${a-field-of-later}",
	                                       unknown,
	                                       nearest,
	                                       &error),
	          FLOW_OK);
	CHECK_STRING(unknown, "a-field-of-later");
	CHECK_STRING(nearest, "");
	CHECK_INT(flow_format_check_log_format("${version}  ${end}", unknown, nearest, &error),
	          FLOW_OK);
	CHECK_STRING(unknown, "");
	CHECK_INT(flow_format_check_log_format("${version} ${end} ", unknown, nearest, &error),
	          FLOW_OK);
	CHECK_INT(flow_format_check_log_format("$version", unknown, nearest, &error), FLOW_BAD_FORMAT);
	CHECK_INT(flow_format_check_log_format("${}", unknown, nearest, &error), FLOW_BAD_FORMAT);
}

/* Reads a file with a log format or a pattern; returns the number of records. */
static int
read_with(const char *log_format, const char *regex, bool splitter, const char *text,
          uint64_t *headers, FlowError *error)
{
	static const FlowColumn columns[] = {{.name = "srcaddr", .type = FLOW_TEXT, .max_chars = -1},
	                                     {.name = "end", .type = FLOW_TEXT, .max_chars = -1}};
	FlowFormatSpec format_spec = {.columns = columns,
	                              .ncolumns = 2,
	                              .splitter = splitter,
	                              .log_format = log_format,
	                              .regex = regex};
	FlowObject object = model_write(path, text, strlen(text));
	FlowObjects objects = {.count = 1, .items = &object, .bytes = object.size};
	FlowReadSpec spec = {.host = &unit_host,
	                     .reject_limit = -1,
	                     .compression = "none",
	                     .objects = &objects,
	                     .max_line_length = 1000};
	FlowReader *reader = NULL;
	FlowRecord record;
	FlowStatus status;
	int records = 0;

	if (flow_format_create(&unit_host, &format_spec, &spec.format, error) != FLOW_OK)
		return -1;
	if (flow_reader_create(&spec, &reader, error) != FLOW_OK)
		abort();
	while ((status = flow_reader_next(reader, &record, error)) == FLOW_OK)
		records++;
	*headers = flow_reader_counts(reader)->headers;
	flow_reader_close(reader);
	flow_format_free(spec.format);
	unlink(path);
	return status == FLOW_END ? records : -1;
}

static void
headers_in_capitals_and_with_repeated_names_are_headers_for_all_formats(void)
{
	static const char capitals[] = "SrcAddr END\na b\nSRCADDR End\nc d\n";
	static const char repeated[] = "srcaddr end End\na b c\nsrcaddr end End\nd e f\n";
	uint64_t headers;
	FlowError error;

	for (int splitter = 0; splitter < 2; splitter++)
	{
		CHECK_INT(read_with("${srcaddr} ${end}", NULL, splitter, capitals, &headers, &error), 2);
		CHECK_INT((int) headers, 2);
		CHECK_INT(read_with(NULL, "(\\S+) (\\S+)", splitter, capitals, &headers, &error), 2);
		CHECK_INT((int) headers, 2);
		CHECK_INT(read_with(NULL, NULL, splitter, capitals, &headers, &error), 2);

		/* the log format may name the repeated field as it likes */
		CHECK_INT(
			read_with("${srcaddr} ${end} ${again}", NULL, splitter, repeated, &headers, &error), 2);
		CHECK_INT((int) headers, 2);
		CHECK_INT(
			read_with("${end} ${srcaddr} ${again}", NULL, splitter, repeated, &headers, &error),
			-1);
		CHECK_INT(read_with(NULL, "(\\S+) \\S+ (\\S+)", splitter, repeated, &headers, &error), 2);
		CHECK_INT((int) headers, 2);
		CHECK_INT(read_with(NULL, NULL, splitter, repeated, &headers, &error), -1);
		CHECK_INT(error.status, FLOW_BAD_HEADER);
		CHECK_STRING(error.message, "header of a flow log names a field twice");
		CHECK_STRING(error.detail, "Its names 2 and 3 are the same.");
	}
}

static void
it_reads_log_formats_as_other_tools_write_them(void)
{
	static const char single[] = "Write a single \"$\"", braces[] = "Write \"${\" before",
					  aws[] = "Write it as AWS does", told[] = "Lines are told apart";
	static const struct
	{
		const char *format;
		const char *hint; /* its beginning; NULL: the format is read */
		int position;
	} cases[] = {{"version account-id srcaddr", NULL, 0},
	             {" version  account_id\tsrcaddr", aws, 21},
	             {"  version   account_id srcaddr  ", NULL, 0},
	             {"version,account-id,srcaddr", NULL, 0},
	             {"$${version} $${account-id} $${srcaddr}", NULL, 0},
	             {"$${version},$${account-id},$${srcaddr}", NULL, 0},
	             {"  ${version} ${account-id}  ${srcaddr}", NULL, 0},
	             {"${Version} ${ACCOUNT-ID} ${SrcAddr}", NULL, 0},
	             {"Version AccountId srcaddr", NULL, 0},
	             {"Version AccountIds srcaddr", braces, 9},
	             {"version AccountName srcaddr", braces, 9},
	             {"version unheard-of srcaddr", braces, 9},
	             {"version account-id, srcaddr", aws, 19},
	             {"version, account-id, srcaddr", "Write no more between", 9},
	             {"\\${version} \\${account-id} \\${srcaddr}", NULL, 0},
	             {"\\${version} ${account-id}", "Write \"${\" before each name, without", 13},
	             {"\\${version} \\${unheard-of}", "Write \"${\" before each name, without", 13},
	             {"<version> <account-id> <srcaddr>", NULL, 0},
	             {"<version> <unheard-of>", braces, 11},
	             {"\"version\",\"account-id\",\"srcaddr\"", NULL, 0},
	             {"\"version account-id", braces, 1},
	             {"$version $account-id", braces, 1},
	             {"{version} {account-id}", braces, 1},
	             {"${version} account-id", braces, 12},
	             {"version ${account-id}", braces, 9},
	             {"${version} $${account-id}", single, 12},
	             {"$${version} ${account-id}", single, 13},
	             {"$${version} $${unheard-of}", single, 13},
	             {"$${version", single, 1},
	             {"version version", aws, 9},
	             {"${version};${account-id}", aws, 11},
	             {"${version}|${account-id}", told, 12},
	             {"${version}|${account-id} ${srcaddr}", NULL, 0},
	             {"version account-id\n| version account-id srcaddr |action\n", NULL, 0},
	             {"version,account-id | version,account-id,srcaddr | action", NULL, 0},
	             {"version,account-id | version account-id srcaddr", told, 22},
	             {"action | version,account-id | action ", told, 31},
	             {"version account-id | ", aws, 22},
	             {"| version", aws, 1},
	             {"version || action", aws, 10},
	             {"version | unheard-of action", braces, 11},
	             {"", aws, 1},
	             {"  ", aws, 3},
	             {" version\n\t| version action\t|\t\taction,version,start", told, 31},
	             {" version\n\t| version action\t|\t\taction version start", NULL, 0}};
	char unknown[64], nearest[64], detail[40];
	FlowError error;

	for (size_t i = 0; i < flow_countof(cases); i++)
	{
		FlowStatus status = flow_format_check_log_format(cases[i].format, unknown, nearest, &error);

		CHECK_INT(status, cases[i].hint == NULL ? FLOW_OK : FLOW_BAD_FORMAT);
		if (cases[i].hint == NULL)
			CHECK_STRING(unknown, "");
		else if (status != FLOW_OK)
		{
			error.hint[strlen(cases[i].hint)] = '\0';
			CHECK_STRING(error.hint, cases[i].hint);
			snprintf(detail, sizeof(detail), "at position %d.", cases[i].position);
			CHECK(strstr(error.detail, detail) != NULL);
		}
	}
}

/* Makes lines of 0 to 6 fields, mostly several of one kind together. */
static size_t
lines_of_several_formats(char *text, size_t size, uint64_t *seed)
{
	static const char *const words[] = {"1", "22", "10.0.0.1", "ACCEPT", "-", "\xC3\xA4"};
	int nfields = 2;
	size_t len = 0;

	while (len < size - 100)
	{
		if (unit_random(seed) % 6 == 0)
			nfields = (int) (unit_random(seed) % 7);
		for (int i = 0; i < nfields; i++)
			len += (size_t) sprintf(text + len,
			                        "%s%s",
			                        i == 0                        ? ""
			                        : unit_random(seed) % 40 == 0 ? "  "
			                                                      : " ",
			                        words[unit_random(seed) % flow_countof(words)]);
		text[len++] = '\n';
	}
	return len;
}

/* By number of fields of a line: those of srcaddr, end and bytes; 0: none. */
static const int places_of_formats[7][3] = {[2] = {1, 2, 0}, [4] = {4, 0, 2}, [5] = {0, 3, 5}};

/* Checks a record against the line it should be of. */
static bool
is_record_of(const FlowRecord *record, const char *line, size_t len)
{
	FlowSlice words[8];
	int count = 0;

	for (size_t i = 0; i < len; i++)
		if (line[i] != ' ' && (i == 0 || line[i - 1] == ' '))
			words[count++] = (FlowSlice) {line + i, strcspn(line + i, " \n")};
	for (int i = 0; i < 3; i++)
	{
		int place = places_of_formats[count][i];
		FlowSlice field = record->fields[i];

		if (place == 0 ? field.data != NULL
		               : field.len != words[place - 1].len ||
		                     memcmp(field.data, words[place - 1].data, field.len) != 0)
			return false;
	}
	return true;
}

static void
lines_of_several_log_formats_are_told_apart_by_their_number_of_fields(void)
{
	static const FlowColumn columns[] = {{.name = "srcaddr", .type = FLOW_TEXT, .max_chars = -1},
	                                     {.name = "end", .type = FLOW_TEXT, .max_chars = -1},
	                                     {.name = "bytes", .type = FLOW_TEXT, .max_chars = -1}};
	static char text[40000];
	uint64_t seed = 5;

	for (int i = 0; i < 40; i++)
	{
		FlowFormatSpec format_spec = {.columns = columns,
		                              .ncolumns = 3,
		                              .splitter = i % 2,
		                              .log_format = "srcaddr end | version bytes start srcaddr "
		                                            "| action start end version bytes"};
		size_t len = lines_of_several_formats(text, sizeof(text), &seed);
		FlowObject object = model_write(path, text, len);
		FlowObjects objects = {.count = 1, .items = &object, .bytes = object.size};
		FlowReadSpec spec = {.host = &unit_host,
		                     .reject_limit = -1,
		                     .compression = "none",
		                     .objects = &objects,
		                     .on_error = FLOW_ON_ERROR_IGNORE,
		                     .max_line_length = 1000};
		FlowReader *reader = NULL;
		const char *next = text;
		FlowRecord record;
		FlowError error;

		CHECK_INT(flow_format_create(&unit_host, &format_spec, &spec.format, &error), FLOW_OK);
		CHECK_STRING(flow_format_name(spec.format), "log formats");
		CHECK_INT(flow_reader_create(&spec, &reader, &error), FLOW_OK);
		while (next < text + len)
		{
			size_t line = strcspn(next, "\n");
			int count = 0;

			for (size_t j = 0; j < line; j++)
				count += next[j] != ' ' && (j == 0 || next[j - 1] == ' ');
			if (count == 2 || count == 4 || count == 5)
			{
				CHECK_INT(flow_reader_next(reader, &record, &error), FLOW_OK);
				CHECK(is_record_of(&record, next, line));
			}
			next += line + 1;
		}
		CHECK_INT(flow_reader_next(reader, &record, &error), FLOW_END);
		CHECK(flow_reader_balances(reader));
		flow_reader_close(reader);
		flow_format_free(spec.format);
		unlink(path);
	}
	CHECK_INT(unit_state.outstanding, 0);
}

static void
a_log_format_of_one_field_has_the_separator_of_the_others(void)
{
	static const char *const formats[] = {"end | srcaddr,end", "srcaddr,end|end"};
	uint64_t headers;
	FlowError error;

	for (size_t i = 0; i < 2 * flow_countof(formats); i++)
	{
		CHECK_INT(read_with(formats[i / 2], NULL, i % 2, "1\n2,3\n4 5\n6 7,8\n", &headers, &error),
		          4);
		CHECK_INT(read_with(formats[i / 2], NULL, i % 2, "1\n2,3,4\n", &headers, &error), -1);
		CHECK(strstr(error.detail, "The line has 3 fields, but the log formats name ") != NULL);
	}
}

static void
it_keeps_layouts_within_bounds(void)
{
	char text[8192];
	size_t len = 0;

	/* more headers in a file than are cached, each several times */
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < 20; i++)
		{
			len += (size_t) snprintf(text + len, sizeof(text) - len, "srcaddr account-id");
			for (int j = 0; j < i; j++)
				len += (size_t) snprintf(text + len, sizeof(text) - len, " f%d", j);
			len +=
				(size_t) snprintf(text + len,
			                      sizeof(text) - len,
			                      "%s\n1 2 3 4\n1 2\n",
			                      i > 2 ? " start end vpc-id type region action bytes az-id" : "");
		}
	CHECK(agrees(text));
}

/* Makes a random file.  Most of it looks as if it might be read. */
static size_t
random_text(char *text, size_t size, uint64_t *seed)
{
	static const char *const names[] = {"srcaddr",
	                                    "account-id",
	                                    "account_id",
	                                    "account",
	                                    "log-status",
	                                    "start",
	                                    "vpc-id",
	                                    "type",
	                                    "x-1",
	                                    "asg-tag-2"};
	static const char *const values[] = {"1",
	                                     "10.0.0.1",
	                                     "-",
	                                     "OK",
	                                     "use1-az2",
	                                     "x",
	                                     "12345678901234567890",
	                                     "\xC3\xA4",
	                                     "a,b",
	                                     "c\td",
	                                     "",
	                                     " ",
	                                     "srcaddr"};
	static const char *const separators[] = {" ", " ", " ", " ", " ", "  ", ",", "\t"};
	const char *separator = " ";
	int nfields = 2;
	size_t len = 0;
	int lines = (int) (unit_random(seed) % 40);

	for (int i = 0; i < lines && len + 4096 < size; i++)
	{
		bool header = i == 0 || unit_random(seed) % 12 == 0;

		if (header)
		{
			separator = separators[unit_random(seed) % flow_countof(separators)];
			nfields = 1 + (int) (unit_random(seed) % 5);
		}
		else if (unit_random(seed) % 12 == 0)
			nfields = 1 + (int) (unit_random(seed) % 5);
		for (int j = 0; j < nfields; j++)
		{
			const char *word =
				header && unit_random(seed) % 50
					? names[(unit_random(seed) % 3 + (uint64_t) j * 2) % flow_countof(names)]
					: values[unit_random(seed) %
			                 (unit_random(seed) % 8 ? 5 : flow_countof(values))];

			len += (size_t) sprintf(text + len, "%s%s", j > 0 ? separator : "", word);
		}
		len += (size_t) sprintf(text + len, "%s", unit_random(seed) % 20 ? "\n" : "\r\n\n");
	}
	if (len > 0 && unit_random(seed) % 4 == 0)
		text[unit_random(seed) % len] = "\n, \t\r"[unit_random(seed) % 5];
	if (len > 0 && unit_random(seed) % 16 == 0)
		text[unit_random(seed) % len] = '\0';
	return len;
}

static void
it_reads_random_files_as_the_plain_reader(void)
{
	uint64_t seed = 7;
	static char text[65536];

	for (int i = 0; i < FILES; i++)
	{
		size_t len = random_text(text, sizeof(text), &seed);
		uint64_t line = 0;
		bool same =
			flow_csv_recognizes((const uint8_t *) text, len) ||
			model_header_agrees(path, text, len, i % 4 != 0, i % 7 == 0 ? 24 : 1 << 20, &line);

		CHECK(same);
		if (!same)
			printf("# file %d, line %d of\n# %.*s\n", i, (int) line, (int) len, text);
	}
}

static void
it_survives_failing_allocations(void)
{
	static const char text[] = "srcaddr account-id\n1 2\naccount-id srcaddr\n1 2\n";
	uint64_t line;

	for (int after = 0; after < 60; after++)
	{
		unit_state.fail_after = after;
		(void) model_header_agrees(path, text, strlen(text), true, 1 << 20, &line);
		unit_state.fail_after = -1;
	}
	CHECK(agrees(text));
}

int
main(void)
{
	snprintf(path, sizeof(path), "%s/test_header.%d", unit_temporary(), (int) getpid());
	RUN(it_reads_headers_in_all_their_forms);
	RUN(it_names_what_is_wrong);
	RUN(headers_in_capitals_and_with_repeated_names_are_headers_for_all_formats);
	RUN(it_reads_log_formats_as_other_tools_write_them);
	RUN(lines_of_several_log_formats_are_told_apart_by_their_number_of_fields);
	RUN(a_log_format_of_one_field_has_the_separator_of_the_others);
	RUN(it_keeps_layouts_within_bounds);
	RUN(it_reads_random_files_as_the_plain_reader);
	RUN(it_survives_failing_allocations);
	return unit_done();
}
