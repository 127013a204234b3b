/*-------------------------------------------------------------------------
 *
 * test_json.c
 *	  Tests how events are extracted from JSON: in any order of members and any
 *	  sizes of pieces, in little memory, in short steps.
 *
 * The results for simple files are in test_wrapper.c.
 *
 *-------------------------------------------------------------------------
 */
#include "../../flow/bytes/source.h"
#include "model_json.h"

#include "model_reader.h"

#include <malloc.h>

#define MAX_LINE ((size_t) 1 << 20)

/* ---------- against the plain reader ---------- */

/* Compares the codec with the plain reader, with such pieces and lines. */
static void
check_pieces(const char *text, size_t len, size_t in_size, size_t out_size, size_t max_line_length)
{
	FlowKeys *keys = len % 8 == 0 ? NULL : model_json_keys();
	const FlowUnwrap unwrap = {.max_line_length = max_line_length, .keys = keys};
	ModelText want = model_json_unwrap(text, len, &unwrap);
	ModelText made = model_unwrap_as(&flow_json_codec, text, len, in_size, out_size, &unwrap);
	bool agrees = model_json_agrees(&made, &want);

	CHECK(agrees);
	if (!agrees)
		printf("# status %d, should be %d; \"%s\", should have \"%s\"; %zu bytes, should be %zu; "
		       "of: %.*s\n",
		       made.status,
		       want.status,
		       made.error.detail,
		       want.error.detail,
		       made.len,
		       want.len,
		       (int) len,
		       text);
	free(made.data);
	free(want.data);
	flow_keys_free(&unit_host, keys);
}

static const char *const files[] =
	{("{\"messageType\":\"DATA_MESSAGE\",\"owner\":\"1\",\"subscriptionFilters\":[\"a\",\"]}\"],"
      "\"logEvents\":[{\"id\":\"1\",\"timestamp\":1,\"message\":\"a "
      "b\"},{\"id\":\"2\",\"timestamp\":2,\"message\":\"c\\n\","
      "\"extractedFields\":{\"message\":\"none\",\"x\":[{}]}}]}{\"messageType\":\"CONTROL_"
      "MESSAGE\",\"logEvents\":[{\"message\":\"none\"}]}\n{\"message\":\"b\"}"),
     "{\"logEvents\":[{\"message\":\"a\",\"timestamp\":\"t\"},{},7,\"s\",null,[1,{\"message\":"
     "\"none\"}],{\"message\":1}],\"messageType\":\"DATA_MESSAGE\"}",
     "{ \"events\" : [ { \"timestamp\" : -0 , \"message\" : \"\\u0061\\r\\n\" } , { \"message\" : "
     "\"a\\nb\" } ] , \"searchedLogStreams\" : [ ] , \"nextToken\" : \"f/{\" }",
     "[{\"timestamp\":1e3,\"message\":\"a\"},\n "
     "{\"timestamp\":12,\"message\":\"\xE2\x82\xAC\\uD83D\\uDE00\"}\n,]\r\n{\"x\":\"\\\"\"}"};

static void
whatever_is_cut_where_the_lines_are_the_same(void)
{
	for (size_t i = 0; i < flow_countof(files); i++)
		for (size_t size = 1; size <= strlen(files[i]); size++)
		{
			/* pieces of that size, and two pieces */
			check_pieces(files[i], strlen(files[i]), size, 1 + size % 90, MAX_LINE);
			check_pieces(files[i], strlen(files[i]), size, 1 << 16, size % 80);
			/* the text ends there */
			check_pieces(files[i], size, 1 + size % 7, 1 << 16, MAX_LINE);
		}
	CHECK_INT(unit_state.outstanding, 0);
}

static const char *
random_of(uint64_t *seed, const char *const *texts, size_t count)
{
	return texts[unit_random(seed) % count];
}

/* Makes an object of members that events of other programs have. */
static void
random_foreign(uint64_t *seed, char *text, int depth)
{
	static const char *const keys[] =
		{"message",      "log",
	     "line",         "event",
	     "original",     "event.original",
	     "@message",     "_raw",
	     "data",         "Data",
	     "_source",      "kinesis",
	     "awslogs",      "aws",
	     "vpcflow",      "result",
	     "hits",         "records",
	     "Records",      "results",
	     "streams",      "values",
	     "logEvents",    "events",
	     "full_message", "body",
	     "stringValue",  "attributes",
	     "logRecords",   "Timestamp",
	     "other",        "x",
	     "tags",         "@timestamp",
	     "timestamp",    "time",
	     "date",         "_time",
	     "srcaddr",      "dstaddr",
	     "bytes",        "log-status",
	     "srcAddr",      "DstAddr",
	     "interfaceId",  "account_id",
	     "version",      "action",
	     "own",          "Own",
	     "srcaddr",      "dstaddr",
	     "interface-id", "log_status",
	     "start",        "end",
	     "packets",      "sourceAddress",
	     "field",        "value",
	     "@ptr",         "0123456789012345678901234567890123456789012345678901234567890123456789"};
	static const char *const values[] =
		{"\"a b\"",
	     "\"one\"",
	     "\"\"",
	     "\"10.0.0.1\"",
	     "400",
	     "443.0",
	     "-0.50",
	     "1e3",
	     "null",
	     "true",
	     "false",
	     "\"-\"",
	     "\"a\\tb\"",
	     "\"\\u0001\"",
	     "\"1672912800000000000\"",
	     "1672912800000000",
	     "1672912800",
	     "{}",
	     "[]",
	     "[\"a\",\"b c\"]",
	     "[[\"1672912800000000000\",\"a b\"],[1,\"c\",{}]]",
	     "[[{\"field\":\"@message\",\"value\":\"a "
	     "b\"},{\"field\":\"@timestamp\",\"value\":\"2023-01-05 "
	     "10:00:00.000\"}],[{\"field\":\"srcAddr\",\"value\":\"10.0.0.1\"},{\"field\":\"bytes\"}]]",
	     "[{\"srcAddr\":\"a\",\"dstAddr\":\"b\",\"bytes\":1,\"start\":2},{}]",
	     "\"{\\\"message\\\":\\\"in it\\\"}\\n\"",
	     "\"{\\\"srcaddr\\\":\\\"in\\\",\\\"interface_id\\\":null}\"",
	     "\"{\\\"message\\\":\\\"{\\\\\\\"log\\\\\\\":\\\\\\\"a b\\\\\\\"}\\\"}\"",
	     "\"{\\\"message\\\":1,\\\"message\\\":2}\"",
	     "\" {\\\"logEvents\\\":[{\\\"message\\\":\\\"in\\\"},{}]}\"",
	     "\"{no JSON\"",
	     "\"MiAxIGVuaSAxMC4wLjAuMQp7Ingi\"",
	     "\"eyJtZXNzYWdlIjoicCBxIn0KeyJsb2ciOiJyIn0=\"",
	     "\"eyJtZXNzYWdlIjoicCBxIn0KeyJsb2ciOiJyIn\"",
	     "\"eyJtZXNzYWdlIjoi\"",
	     "\"H4sIAAAAAAACA6tWyk0tLk5MTw2pLEhVslJycQxxjPd1DQ52dHdV0lHKyU93LUvNKylWsoquVirJBCouScwtULI"
	     "y1IFpBGpKV8hQqtWpRhLJVKqNrQUAYMWYOVwAAAA=\"",
	     "\"H4sIAAAAAAACA8tRyOXKU8jnAgCCDwUyCAAAAA==\"",
	     "\"H4sIAAAAAAAAA8vRBgCHLtUxAgAAAA==\"",
	     "\"H4s=\"",
	     "\"AAAA\"",
	     "\"0123456789012345678901234567890123456789012345678901234567890123456789 12345678901\""};
	int count = (int) (unit_random(seed) % 7), more;

	strcat(text, "{");
	for (int i = 0; i < count; i++)
	{
		sprintf(text + strlen(text),
		        "%s\"%s\":",
		        i > 0 ? "," : "",
		        random_of(seed, keys, flow_countof(keys)));
		more = depth < 4 ? (int) (unit_random(seed) % 8) : 7;
		if (more == 0)
			random_foreign(seed, text, depth + 1);
		else if (more == 1)
		{
			strcat(text, "[");
			for (int j = (int) (unit_random(seed) % 4); j > 0; j--)
			{
				if (unit_random(seed) % 8 != 0)
					random_foreign(seed, text, depth + 1);
				else
					strcat(text, random_of(seed, values, flow_countof(values)));
				strcat(text, j > 1 ? "," : "");
			}
			strcat(text, "]");
		}
		else
			strcat(text, random_of(seed, values, flow_countof(values)));
	}
	strcat(text, "}");
}

/* Makes an object, like events and values, of up to four members. */
static void
random_object(uint64_t *seed, char *text, int depth)
{
	static const char *const keys[] = {"message",
	                                   "timestamp",
	                                   "message",
	                                   "timestamp",
	                                   "id",
	                                   "events",
	                                   "logEvents",
	                                   "messageType",
	                                   "m\\u0065ssage",
	                                   "a_long_name_of_a_member",
	                                   "Message",
	                                   ""};
	static const char *const values[] = {"\"a b\"",
	                                     "1",
	                                     "\"2018-01-30T12:25:04Z\"",
	                                     "\"CONTROL_MESSAGE\"",
	                                     "\"DATA_MESSAGE\"",
	                                     "\"CONTROL_MESSAGES\"",
	                                     "null",
	                                     "1.5",
	                                     "-0",
	                                     "\"x\\ny\\n\"",
	                                     "\"\"",
	                                     "true",
	                                     "[]",
	                                     "{}",
	                                     "{\"message\":\"in\"}",
	                                     "[[]]",
	                                     "\"\\\"{\\\\}\\\"\"",
	                                     "\"0123456789012345678901234567890123456789012345678901234"
	                                     "567890123456789012345678901234567890123456789\""};
	int count = (int) (unit_random(seed) % 5);

	strcat(text, "{");
	for (int i = 0; i < count; i++)
	{
		const char *key = random_of(seed, keys, flow_countof(keys));

		sprintf(text + strlen(text),
		        "%s\"%s\"%s:",
		        i > 0 ? "," : "",
		        key,
		        unit_random(seed) % 8 == 0 ? " " : "");
		if ((strcmp(key, "events") == 0 || strcmp(key, "logEvents") == 0) && depth < 2 &&
		    unit_random(seed) % 8 != 0)
		{
			int events = (int) (unit_random(seed) % 4);

			strcat(text, "[");
			for (int j = 0; j < events; j++)
			{
				strcat(text, j > 0 ? unit_random(seed) % 8 == 0 ? " , " : "," : "");
				if (unit_random(seed) % 8 != 0)
					random_object(seed, text, depth + 1);
				else
					strcat(text, random_of(seed, values, flow_countof(values)));
			}
			strcat(text, "]");
		}
		else
			strcat(text, random_of(seed, values, flow_countof(values)));
	}
	strcat(text, "}");
}

static void
random_json_becomes_what_the_plain_reader_makes_of_it(void)
{
	static const char *const between[] = {"", "\n", " ", ",", "[", "]", "x"};
	uint64_t seed = 5;

	for (int i = 0; i < unit_tries(15000); i++)
	{
		static char text[262144];
		bool array = unit_random(&seed) % 4 == 0;
		int n = (int) (unit_random(&seed) % 4);
		size_t len;

		strcpy(text, array ? "[" : "");
		for (int j = 0; j < n; j++)
		{
			if (j > 0)
				strcat(text,
				       unit_random(&seed) % 20 == 0
				           ? random_of(&seed, between, flow_countof(between))
				       : array ? ","
				               : "\n");
			if (i % 3 != 0)
				random_object(&seed, text, 0);
			else
				random_foreign(&seed, text, 0);
		}
		strcat(text, array ? "]" : "");
		len = strlen(text);
		if (len > 0 && unit_random(&seed) % 4 == 0)
			text[unit_random(&seed) % len] = "\"\\{}[]:,1-\n\xC3 e"[unit_random(&seed) % 14];
		if (unit_random(&seed) % 8 == 0)
			len = unit_random(&seed) % (len + 1);
		check_pieces(text,
		             len,
		             1 + unit_random(&seed) % 80,
		             1 + unit_random(&seed) % 80,
		             unit_random(&seed) % 2 ? 64 : MAX_LINE);
	}
	CHECK_INT(unit_state.outstanding, 0);
}

/* Most of the events are written alike. */
static void
events_written_alike_become_what_the_plain_reader_makes_of_them(void)
{
	static const char *const forms[] =
		{"{\"id\":\"%1$d\",\"timestamp\":%2$s,\"message\":\"%3$s\"}",
	     "{\"message\":\"%3$s\",\"timestamp\":\"%2$s\",\"n\":%1$d,\"x\":{\"message\":[%1$d,\"%1$"
	     "d\"]}}",
	     "{ \"timestamp\" : %2$s , \"x\" : null , \"message\" : \"%3$s\" }",
	     "{\"message\":\"%3$s\"}",
	     "{\"n\":\"%1$d\",\"message\":%2$s}",
	     "{\"message\":\"%3$s\",\"messageType\":\"%1$d\"}"};
	static const char *const files[][3] =
		{{"{\"events\":[", ",", "]}"},
	     {"{\"messageType\":\"DATA_MESSAGE\",\"logEvents\":[", ", ", "]}"},
	     {"{\"logEvents\":[", ",\n\t", "],\"messageType\":\"DATA_MESSAGE\"}"},
	     {"[", ",", "]"},
	     {"", "\n", "\n"}};
	static const char *const times[] =
		{"1769731200000",
	     "1",
	     "0",
	     "12",
	     "-1",
	     "-0",
	     "1.5",
	     "null",
	     "00",
	     "true",
	     "123456789012345678901234567890123456789012345678901234567890123456789",
	     " ",
	     ""};
	static const char *const messages[] = {"a b",
	                                       "",
	                                       "0123456789 0123456789 0123456789",
	                                       "a\\n",
	                                       "\\u0061",
	                                       "\xC3\xA9",
	                                       "\xFF",
	                                       "a\n",
	                                       "a\\\\",
	                                       "0123456789012345678901234567890123456789012345678901234"
	                                       "567890123456789012345678901234567890123456789",
	                                       "\\\"}"};
	uint64_t seed = 23;

	for (int i = 0; i < unit_tries(6000); i++)
	{
		static char text[65536];
		const char *const *file = files[unit_random(&seed) % flow_countof(files)];
		const char *form = forms[unit_random(&seed) % flow_countof(forms)];
		int n = 1 + (int) (unit_random(&seed) % 12);
		size_t len = (size_t) sprintf(text, "%s", file[0]);

		for (int j = 0; j < n; j++)
		{
			const char *time =
				times[unit_random(&seed) % 16 != 0 ? unit_random(&seed) % 4
			                                       : unit_random(&seed) % flow_countof(times)];
			const char *message = messages[unit_random(&seed) % 16 != 0
			                                   ? unit_random(&seed) % 3
			                                   : unit_random(&seed) % flow_countof(messages)];

			if (unit_random(&seed) % 32 == 0)
				form = forms[unit_random(&seed) % flow_countof(forms)];
			len += (size_t) sprintf(text + len, "%s", j > 0 ? file[1] : "");
			len += (size_t)
				sprintf(text + len, form, (int) (unit_random(&seed) % 1000), time, message);
		}
		len += (size_t) sprintf(text + len, "%s", file[2]);
		if (unit_random(&seed) % 16 == 0)
			text[unit_random(&seed) % len] = "\"\\{}[]:,1-\n\xC3 e"[unit_random(&seed) % 14];
		/*
		 * in one piece and in many, and with much and little room for the
		 * output
		 */
		check_pieces(text, len, 1 << 16, 1 << 16, unit_random(&seed) % 4 ? MAX_LINE : 64);
		check_pieces(text,
		             len,
		             64 + unit_random(&seed) % 512,
		             1 + unit_random(&seed) % 200,
		             MAX_LINE);
	}
	CHECK_INT(unit_state.outstanding, 0);
}

/* ---------- the order of members ---------- */

static void
check_lines(const char *text, const char *lines, uint64_t skipped)
{
	ModelText made = model_unwrap(&flow_json_codec, text, strlen(text), 1, 1 << 16);

	CHECK_INT(made.status, FLOW_END);
	CHECK_INT(made.skipped, skipped);
	made.data[made.len] = '\0';
	CHECK_STRING(made.data, lines);
	free(made.data);
	check_pieces(text, strlen(text), 1 << 16, 1 << 16, MAX_LINE);
}

static void
check_error(const char *text, FlowStatus status, const char *message, const char *detail,
            const char *lines)
{
	ModelText made = model_unwrap(&flow_json_codec, text, strlen(text), 1 << 16, 1 << 16);

	CHECK_INT(made.status, status);
	CHECK_STRING(made.error.message, message);
	CHECK_STRING(made.error.detail, detail);
	made.data[made.len] = '\0';
	CHECK_STRING(made.data, lines);
	free(made.data);
	check_pieces(text, strlen(text), 1, 1, MAX_LINE);
}

static void
a_control_message_has_no_rows_whatever_the_order(void)
{
	static const char *const message = "has JSON that cannot be read as events";

	check_lines("{\"logEvents\":[{\"message\":\"a\"}],\"messageType\":\"CONTROL_MESSAGE\"}{"
	            "\"message\":\"b\"}",
	            "- b\n",
	            1);
	check_lines("{\"logEvents\":[{\"message\":\"a\"}],\"x\":{\"messageType\":\"CONTROL_MESSAGE\"}}",
	            "- a\n",
	            0);
	check_lines("{\"logEvents\":[{\"message\":\"a\",\"messageType\":\"CONTROL_MESSAGE\"}],"
	            "\"messageType\":\"DATA_MESSAGE\"}",
	            "- a\n",
	            0);
	check_lines("{\"logEvents\":[{\"message\":\"a\"},{\"message\":\"b\"}],\"messageType\":\"DATA_"
	            "MESSAGE\"}",
	            "- a\n- b\n",
	            0);
	check_lines("{\"messageType\":\"CONTROL_MESSAGE\",\"events\":[{\"message\":\"a\"}]}", "", 1);
	check_lines("{\"message\":\"a\",\"messageType\":\"CONTROL_MESSAGE\"}", "", 1);
	check_lines("{\"events\":[],\"messageType\":\"CONTROL_MESSAGE\"}", "", 1);
	check_lines("{\"messageType\":\"CONTROL_MESSAGE \",\"logEvents\":[{\"message\":\"a\"}]}",
	            "- a\n",
	            0);
	check_lines("{\"messageType\":\"CONTROL_MESSAGE\\u0000\",\"logEvents\":[{\"message\":\"a\"}]}",
	            "- a\n",
	            0);
	check_lines("{\"messageType\":\"\\u0043ONTROL_MESSAGE\",\"logEvents\":[{\"message\":\"a\"}]}",
	            "",
	            1);
	/* events of the API's answers are not held back, and they have no type */
	check_error("{\"events\":[{\"message\":\"a\"}],\"messageType\":\"CONTROL_MESSAGE\"}",
	            FLOW_UNSUPPORTED,
	            message,
	            "The \"messageType\" of a control message comes after \"events\" at byte 59 in "
	            "value 1 of the file.",
	            "- a\n");
	check_lines("{\"events\":[{\"message\":\"a\"}],\"messageType\":\"DATA_MESSAGE\"}", "- a\n", 0);
	/* lines that are held back at an error are not rows */
	check_error("{\"message\":\"x\"}{\"logEvents\":[{\"message\":\"a\"}],",
	            FLOW_CORRUPT,
	            "is not well-formed JSON",
	            "The file ends in value 2 of the file.",
	            "- x\n");
}

static void
events_are_those_of_log_events_first(void)
{
	static const char *const message = "has JSON that cannot be read as events";

	check_lines(
		"{\"logEvents\":[{\"message\":\"a\"}],\"events\":[{\"message\":\"b\"}],\"message\":\"c\"}",
		"- a\n",
		0);
	check_lines("{\"message\":\"c\",\"timestamp\":3,\"logEvents\":[{\"message\":\"a\"},{"
	            "\"message\":\"b\"}],\"id\":1}",
	            "- a\n- b\n",
	            0);
	check_lines("{\"logEvents\":null,\"events\":[{\"message\":\"b\"}],\"message\":\"c\"}",
	            "- c\n",
	            0);
	check_lines("{\"events\":null,\"logEvents\":[{\"message\":\"b\"}]}", "- b\n", 0);
	check_error("{\"events\":[{\"message\":\"b\"}],\"logEvents\":[]}",
	            FLOW_UNSUPPORTED,
	            message,
	            "A member \"logEvents\" comes after \"events\" at byte 41 in value 1 of the file.",
	            "- b\n");
	check_error("{\"events\":[],\"logEvents\":\"x\"}",
	            FLOW_UNSUPPORTED,
	            message,
	            "A member \"logEvents\" comes after \"events\" at byte 28 in value 1 of the file.",
	            "");
}

static void
members_that_matter_are_given_once(void)
{
	static const char *const message = "is not well-formed JSON";

	check_error("{\"events\":[{\"message\":\"a\"},{\"message\":\"b\",\"x\":1,\"message\":\"b\"}]}",
	            FLOW_CORRUPT,
	            message,
	            "Member \"message\" is repeated at byte 57 in value 1 of the file.",
	            "- a\n");
	check_error("{\"timestamp\":1,\"timestamp\":1}",
	            FLOW_CORRUPT,
	            message,
	            "Member \"timestamp\" is repeated at byte 26 in value 1 of the file.",
	            "");
	check_error("{\"logEvents\":[],\"logEvents\":[]}",
	            FLOW_CORRUPT,
	            message,
	            "Member \"logEvents\" is repeated at byte 27 in value 1 of the file.",
	            "");
	check_error("{\"messageType\":1,\"messageTyp\\u0065\":1}",
	            FLOW_CORRUPT,
	            message,
	            "Member \"messageType\" is repeated at byte 35 in value 1 of the file.",
	            "");
	check_lines("{\"id\":1,\"id\":2,\"message\":\"a\",\"x\":{\"message\":1,\"message\":2}}",
	            "- a\n",
	            0);
	check_lines("{\"message\\u0000\":1,\"message\":\"a\",\"messag\":1,\"messages\":2,\"message_"
	            "message_message\":3}",
	            "- a\n",
	            0);
}

static void
json_that_is_nested_too_deeply_is_refused(void)
{
	char text[FLOW_JSON_MAX_DEPTH + 64] = "{\"x\":";

	memset(text + 5, '[', FLOW_JSON_MAX_DEPTH);
	check_error(
		text,
		FLOW_LIMIT,
		"has JSON that is nested too deeply",
		"There are more than 2048 arrays and objects within each other in value 1 of the file.",
		"");
}

/* An error never shows text from the file. */
static void
errors_show_no_text(void)
{
	static const char *const texts[] = {"{\"SECRET\" SECRET",
	                                    "{\"SECRET\":SECRET",
	                                    "{\"SECRET\":1 SECRET",
	                                    "{\"message\":\"SECRET\\x\"}",
	                                    "{\"a\":[SECRET]}",
	                                    "SECRET",
	                                    "{\"SECRET\":1}SECRET",
	                                    "[{} SECRET",
	                                    "{\"SECRET\":{\"SECRET\":\"SECRET\n\"}}",
	                                    "{\"message\":\"SECRET\",\"message\":\"SECRET\"}",
	                                    "{\"events\":[\"SECRET\"],\"logEvents\":\"SECRET\"}"};

	for (size_t i = 0; i < flow_countof(texts); i++)
	{
		ModelText made = model_unwrap(&flow_json_codec, texts[i], strlen(texts[i]), 7, 1 << 16);

		CHECK(made.status == FLOW_CORRUPT || made.status == FLOW_UNSUPPORTED);
		CHECK(strstr(made.error.message, "SECRET") == NULL &&
		      strstr(made.error.detail, "SECRET") == NULL &&
		      strstr(made.error.hint, "SECRET") == NULL);
		free(made.data);
	}
}

/* ---------- memory ---------- */

static size_t lent, peak;

static void *
counting_allocate(void *arg, size_t size)
{
	void *ptr = unit_allocate(arg, size);

	lent += malloc_usable_size(ptr);
	peak = lent > peak ? lent : peak;
	return ptr;
}

static void
counting_free(void *arg, void *ptr)
{
	lent -= malloc_usable_size(ptr);
	unit_free(arg, ptr);
}

/*
 * An endless value: a beginning, a piece of it repeated up to a number of
 * bytes, then an end.
 */
typedef struct Endless
{
	const char *begin, *again, *end;
	size_t bytes;
} Endless;

typedef struct Measured
{
	FlowStatus status;
	FlowError error;
	size_t peak;      /* maximum size of allocations */
	size_t made;      /* bytes of output */
	size_t newlines;  /* newlines in the output */
	size_t longest;   /* longest line of the output */
	size_t most_step; /* maximum number of bytes read or written by one step */
} Measured;

static size_t
fill(const Endless *endless, size_t from, uint8_t *buffer, size_t size)
{
	size_t begin = strlen(endless->begin), again = strlen(endless->again),
		   end = strlen(endless->end);
	size_t middle = endless->bytes / again * again;
	size_t at = from > begin ? (from - begin) % again : 0;
	size_t n = 0;

	for (; n < size && from < begin; from++)
		buffer[n++] = (uint8_t) endless->begin[from];
	for (; n < size && from < begin + middle; from++)
	{
		buffer[n++] = (uint8_t) endless->again[at];
		at = at + 1 < again ? at + 1 : 0;
	}
	for (; n < size && from < begin + middle + end; from++)
		buffer[n++] = (uint8_t) endless->end[from - begin - middle];
	return n;
}

static Measured
measure(const FlowCodec *codec, const Endless *endless, size_t max_line_length)
{
	static uint8_t in_buffer[1 << 20], out_buffer[1 << 20];
	FlowHost counting = unit_host;
	const FlowUnwrap unwrap = {.max_line_length = max_line_length,
	                           .begin = (const uint8_t *) endless->begin,
	                           .begin_len = strlen(endless->begin)};
	Measured m = {.status = FLOW_OK};
	const uint8_t *in = in_buffer, *in_end = in;
	size_t from = 0, line = 0;
	bool last = false;
	void *state;

	counting.allocate = counting_allocate;
	counting.free = counting_free;
	lent = peak = 0;
	m.status = codec->create(&counting, &unwrap, &state, &m.error);
	while (m.status == FLOW_OK)
	{
		const uint8_t *before;
		uint8_t *out = out_buffer;

		if (in == in_end)
		{
			in = in_buffer;
			in_end = in + fill(endless, from, in_buffer, sizeof(in_buffer));
			from += (size_t) (in_end - in);
			last = in_end < in_buffer + sizeof(in_buffer);
		}
		before = in;
		m.status = codec->step(
			state, &in, in_end, last, &out, out_buffer + sizeof(out_buffer), from, &m.error);
		m.most_step = (size_t) (in - before) > m.most_step ? (size_t) (in - before) : m.most_step;
		m.made += (size_t) (out - out_buffer);
		for (const uint8_t *p = out_buffer; p < out; p++)
		{
			line = *p == '\n' ? 0 : line + 1;
			m.newlines += *p == '\n';
			m.longest = line > m.longest ? line : m.longest;
		}
	}
	codec->free(state);
	CHECK_INT(lent, 0);
	m.peak = peak;
	return m;
}

/*
 * Values of 1 and of 16 MB take the same memory, and all of their events are
 * output.
 */
static void
memory_does_not_grow_with_a_value(void)
{
	static const char *const event =
		"{\"id\":\"0123456789\",\"timestamp\":1769731200000,\"message\":\"0 1 2 3 4 5 6 7 8 9 "
		"\\u20AC \\\" 0 1 2 3 4 5 6 7 8 9\"},";
	static const char *const begins[] = {"{\"messageType\":\"DATA_MESSAGE\",\"logEvents\":[",
	                                     "{\"events\":[",
	                                     "[",
	                                     "{\"x\":[",
	                                     "{\"message\":\"a\",\"x\":["};
	static const char *const ends[] = {"{}]}", "{}],\"nextToken\":\"\"}", "{}]", "{}]}", "{}]}"};

	for (size_t i = 0; i < flow_countof(begins); i++)
	{
		Endless endless = {begins[i], event, ends[i], 1 << 20};
		Measured small = measure(&flow_json_codec, &endless, MAX_LINE), large;

		endless.bytes = 16 << 20;
		large = measure(&flow_json_codec, &endless, MAX_LINE);
		CHECK_INT(small.status, FLOW_END);
		CHECK_INT(large.status, FLOW_END);
		CHECK(large.peak == small.peak && large.peak < 16 * 1024);
		CHECK_INT(large.newlines, i < 3 ? (16 << 20) / strlen(event) + 1 : 1);
		CHECK(large.most_step <= FLOW_BLOCK_SIZE);
	}
}

/*
 * Of a text that is too long for a line, only as much is kept as shows that,
 * wherever the text is.
 */
static void
memory_does_not_grow_with_a_text(void)
{
	static const char *const begins[] = {"{\"events\":[{\"timestamp\":1,\"message\":\"",
	                                     "{\"events\":[{\"message\":\"",
	                                     "{\"message\":\"",
	                                     "{\"logEvents\":[{\"message\":\"",
	                                     "[{\"timestamp\":\"",
	                                     "{\"events\":[{\"x\":\"",
	                                     "{\"",
	                                     "{\"messageType\":\"",
	                                     "{\"events\":[",
	                                     "{\"events\":[{\"timestamp\":1"};
	static const char *const ends[] = {"\"},{\"message\":\"b\"}]}",
	                                   "\",\"timestamp\":2},{\"message\":\"b\"}]}",
	                                   "\"}{\"message\":\"b\"}",
	                                   "\"},{\"message\":\"b\"}],\"messageType\":\"DATA_MESSAGE\"}",
	                                   "\",\"message\":\"a\"},{\"message\":\"b\"}]",
	                                   "\",\"message\":\"a\"},{\"message\":\"b\"}]}",
	                                   "\":1}{\"message\":\"b\"}",
	                                   "\"}{\"message\":\"b\"}",
	                                   ",{\"message\":\"b\"}]}",
	                                   ",\"message\":\"a\"},{\"message\":\"b\"}]}"};
	static const char *const again[] = {"0123456789", "0123456789\\n\\u20AC", "0123456789\\n"};

	for (size_t i = 0; i < flow_countof(begins); i++)
		for (size_t j = 0; j < flow_countof(again); j++)
		{
			Endless endless = {begins[i], i < 8 ? again[j] : "123456789", ends[i], 3 << 20};
			Measured m = measure(&flow_json_codec, &endless, 100000);

			CHECK_INT(m.status, FLOW_END);
			CHECK_INT(m.newlines, 2);
			CHECK(m.longest < 100000 + 100000 + 16);
			CHECK(i < 4 ? m.longest > 100001 : true);
			CHECK(m.peak < 3 * 100000 + 16 * 1024);
			CHECK(m.most_step <= FLOW_BLOCK_SIZE);
		}
}

/* Lines that are held back are limited, too. */
static void
what_is_held_back_is_bounded(void)
{
	static const char *const event =
		"{\"message\":\"01234567890123456789012345678901234567890123456789\"},";
	Endless endless = {"{\"logEvents\":[",
	                   event,
	                   "{}],\"messageType\":\"DATA_MESSAGE\"}",
	                   16 << 20};
	Measured m = measure(&flow_json_codec, &endless, MAX_LINE);

	CHECK_INT(m.status, FLOW_END);
	CHECK_INT(m.newlines, (16 << 20) / strlen(event) + 1);
	CHECK(m.peak < 25 << 20);

	endless.bytes = 22 << 20;
	m = measure(&flow_json_codec, &endless, MAX_LINE);
	CHECK_INT(m.status, FLOW_LIMIT);
	CHECK_STRING(m.error.message, "has a JSON value that is too large");
	CHECK_STRING(m.error.detail,
	             "There are more than 16 MiB of \"logEvents\" before the \"messageType\" in value "
	             "1 of the file.");
	CHECK_INT(m.made, 0);

	/* a control message has no output */
	endless.bytes = 1 << 20;
	endless.end = "{}],\"messageType\":\"CONTROL_MESSAGE\"}";
	m = measure(&flow_json_codec, &endless, MAX_LINE);
	CHECK_INT(m.status, FLOW_END);
	CHECK_INT(m.made, 0);
	endless.begin = "{\"messageType\":\"CONTROL_MESSAGE\",\"logEvents\":[";
	endless.end = "{}]}";
	m = measure(&flow_json_codec, &endless, MAX_LINE);
	CHECK_INT(m.status, FLOW_END);
	CHECK_INT(m.made, 0);
	CHECK(m.peak < 16 * 1024);
}

/* CSV keeps nothing, so a quoted field may have any length. */
static void
a_huge_field_of_csv_takes_the_memory_of_a_line(void)
{
	Endless endless = {"timestamp,message\n1,\"", "0123456789\"\"\n", "\"\n2,b\n", 8 << 20};
	Measured m = measure(&flow_csv_codec, &endless, MAX_LINE);

	CHECK_INT(m.status, FLOW_END);
	CHECK_INT(m.newlines, 2);
	CHECK(m.peak < 2 * MAX_LINE + 16384);
	CHECK(m.most_step <= FLOW_BLOCK_SIZE);
}

/* ---------- through the reader ---------- */

static char path[256];

static const FlowColumn columns[] = {{.name = "a", .type = FLOW_TEXT, .max_chars = -1},
                                     {.name = "b", .type = FLOW_INT32, .max_chars = -1}};

typedef struct Read
{
	FlowStatus status;
	FlowError error;
	FlowCounts counts;
	size_t records;
} Read;

/* Lets only one allocation fail. */
static void *
allocate_but_once(void *arg, size_t size)
{
	UnitHost *state = arg;
	void *ptr = unit_allocate(arg, size);

	if (ptr == NULL)
		state->fail_after = -1;
	return ptr;
}

static FlowHost host;

/* Reads a file that was written to "path". */
static Read
read_file(FlowObject *object, size_t max_line_length)
{
	FlowFormatSpec format_spec = {.splitter = true,
	                              .log_format = "${a} ${b}",
	                              .columns = columns,
	                              .ncolumns = 2};
	FlowObjects objects = {.count = 1, .items = object, .bytes = object->size};
	FlowReadSpec spec = {.host = &host,
	                     .reject_limit = -1,
	                     .compression = "auto",
	                     .objects = &objects,
	                     .on_error = FLOW_ON_ERROR_IGNORE,
	                     .max_line_length = max_line_length};
	Read read = {.status = FLOW_OK};
	FlowReader *reader = NULL;
	FlowRecord record;

	read.status = flow_format_create(&host, &format_spec, &spec.format, &read.error);
	if (read.status == FLOW_OK)
		read.status = flow_reader_create(&spec, &reader, &read.error);
	while (read.status == FLOW_OK &&
	       (read.status = flow_reader_next(reader, &record, &read.error)) == FLOW_OK)
		read.records++;
	if (reader != NULL)
	{
		CHECK(flow_reader_balances(reader));
		read.counts = *flow_reader_counts(reader);
	}
	flow_reader_close(reader);
	flow_format_free(spec.format);
	CHECK_INT(unit_state.outstanding, 0);
	return read;
}

static FlowObject
write_endless(const Endless *endless)
{
	size_t len = strlen(endless->begin) + endless->bytes + strlen(endless->end);
	uint8_t *text = malloc(len);
	FlowObject object;

	len = fill(endless, 0, text, len);
	object = model_write(path, (const char *) text, len);
	free(text);
	return object;
}

static void
a_message_that_is_too_long_is_a_reject(void)
{
	static const char *const members[][2] =
		{{"{\"events\":[{\"message\":\"a 1\"},{\"timestamp\":1,\"message\":\"",
	      "\"},{\"message\":\"b 2\"}]}"},
	     {"{\"message\":\"a 1\"}{\"message\":\"", "\",\"timestamp\":3}{\"message\":\"b 2\"}"}};

	for (size_t i = 0; i < flow_countof(members); i++)
		for (size_t len = 980; len < 1020; len++)
		{
			Endless endless = {members[i][0], "x", members[i][1], len - 2};
			FlowObject object = write_endless(&endless);
			Read read = read_file(&object, 1000);

			/*
			 * the time and a blank are part of the line; none of these is a
			 * record
			 */
			CHECK_INT(read.status, FLOW_END);
			CHECK_INT(read.records, 2);
			CHECK_INT(read.counts.rejected, 1);
			CHECK_INT(read.counts.lines, 3);
		}
}

/* An interrupted scan has read only a few more blocks. */
static void
it_can_be_interrupted_within_a_value(void)
{
	static const Endless values[] =
		{{"{\"events\":[", "{\"timestamp\":1,\"message\":\"a 1\"},", "{}]}", 6 << 20},
	     {"{\"messageType\":\"DATA_MESSAGE\",\"logEvents\":[",
	      "{\"timestamp\":1,\"message\":\"a 1\"},",
	      "{}]}",
	      6 << 20},
	     {"{\"logEvents\":[", "{\"timestamp\":1,\"message\":\"a 1\"},", "{}]}", 6 << 20},
	     {"{\"message\":\"", "x", "\"}", 6 << 20},
	     {"{\"x\":[", "[1,{\"a\":2}],", "0]}", 6 << 20},
	     {"timestamp,message\n1,\"", "x", "\"", 6 << 20}};

	for (size_t i = 0; i < flow_countof(values); i++)
	{
		FlowObject object = write_endless(&values[i]);

		for (int64_t after = 5; after < 12; after += 6)
		{
			Read read;

			unit_state.interrupt_after = after;
			read = read_file(&object, 1 << 20);
			unit_state.interrupt_after = -1;
			CHECK_INT(read.status, FLOW_INTERRUPTED);
			CHECK(read.counts.bytes_read <= (uint64_t) (after + 1) * FLOW_BLOCK_SIZE);
		}
	}
}

/*
 * Each allocation fails once: the error says so, or its memory was not needed.
 */
static void
without_memory_no_row_is_another(void)
{
	static const Endless values[] =
		{{"{\"events\":[",
	      "{\"timestamp\":1769731200000,\"message\":\"a \\u0031\"},{\"message\":\"b "
	      "2\",\"timestamp\":\"1 \"},",
	      "{}]}",
	      300000},
	     {"{\"logEvents\":[",
	      "{\"timestamp\":1769731200000,\"message\":\"a\\t1\"},{\"message\":\"a 1\\n\"},",
	      "{}],\"messageType\":\"DATA_MESSAGE\"}",
	      300000},
	     {"[",
	      "{\"time\\u0073tamp\":1769731200000,\"messag\\u0065\":\"a 1\"},{\"message\":\"\\u0061 "
	      "23456789\\n\"},",
	      "{}]",
	      200000},
	     {"{\"message\":\"a 1\"}{\"message\":\"", "0123456789\\n", "\"}", 300000},
	     {"timestamp,message\n1,a 1\n2,\"", "0123456789\"\"", "\"\n", 300000}};

	for (size_t i = 0; i < flow_countof(values); i++)
	{
		FlowObject object = write_endless(&values[i]);
		Read good = read_file(&object, 100000);
		int failures = 0;

		CHECK_INT(good.status, FLOW_END);
		CHECK(good.records > 0);
		for (int64_t after = 0;; after++)
		{
			Read read;

			unit_state.fail_after = after;
			read = read_file(&object, 100000);
			if (unit_state.fail_after >= 0)
				break;
			CHECK_INT(read.status, FLOW_NO_MEMORY);
			CHECK(read.records <= good.records);
			failures++;
		}
		unit_state.fail_after = -1;
		CHECK(failures > 8);
	}
}

int
main(void)
{
	host = unit_host;
	host.allocate = allocate_but_once;
	snprintf(path, sizeof(path), "%s/flow_json_XXXXXX", unit_temporary());
	close(mkstemp(path));
	RUN(whatever_is_cut_where_the_lines_are_the_same);
	RUN(random_json_becomes_what_the_plain_reader_makes_of_it);
	RUN(events_written_alike_become_what_the_plain_reader_makes_of_them);
	RUN(a_control_message_has_no_rows_whatever_the_order);
	RUN(events_are_those_of_log_events_first);
	RUN(members_that_matter_are_given_once);
	RUN(json_that_is_nested_too_deeply_is_refused);
	RUN(errors_show_no_text);
	RUN(memory_does_not_grow_with_a_value);
	RUN(memory_does_not_grow_with_a_text);
	RUN(what_is_held_back_is_bounded);
	RUN(a_huge_field_of_csv_takes_the_memory_of_a_line);
	RUN(a_message_that_is_too_long_is_a_reject);
	RUN(it_can_be_interrupted_within_a_value);
	RUN(without_memory_no_row_is_another);
	unlink(path);
	return unit_done();
}
