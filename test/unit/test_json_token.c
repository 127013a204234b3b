/*-------------------------------------------------------------------------
 *
 * test_json_token.c
 *	  Tests the JSON tokenizer.
 *
 *-------------------------------------------------------------------------
 */
#include "json_trace.h"

#include "../../flow/bytes/json_scan.h"

/* Checks the tokens, however the text is cut. */
static void
check_tokens(const char *data, size_t len, const char *want)
{
	char *whole = tokens_of(data, len, len, 1);
	int complaints = unit_complaints;

	if (want != NULL)
		CHECK_STRING(whole, want);
	for (size_t first = 0; first <= len; first++)
	{
		char *cut = tokens_of(data, len, first, len);

		CHECK_STRING(cut, whole);
		free(cut);
	}
	for (size_t size = 1; size < 4; size++)
	{
		char *cut = tokens_of(data, len, size, size);

		CHECK_STRING(cut, whole);
		free(cut);
	}
	if (unit_complaints != complaints)
		printf("# of: %s\n", data);
	free(whole);
}

typedef struct Case
{
	const char *json;
	const char *tokens;
} Case;

static void
check_cases(const Case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check_tokens(cases[i].json, strlen(cases[i].json), cases[i].tokens);
}

static void
it_takes_values_apart(void)
{
	static const Case cases[] = {{"{}", "{}"},
	                             {"[]", "[]"},
	                             {" \t\r\n[ \t\r\n] \t\r\n", "[]"},
	                             {"[[],[[]],{}]", "[[][[]]{}]"},
	                             {"{\"a\":1,\"b\":[true,false,null],\"\":\"\"}",
	                              "{K<a><1>iK<b>[truefalsenull]K<>S<>}"},
	                             {" { \"a\" : \"b\" , \"c\" : { \"a\" : { } } } ",
	                              "{K<a>S<b>K<c>{K<a>{}}}"},
	                             {"\"a\"", "S<a>"},
	                             {"true", "true"},
	                             {"false", "false"},
	                             {"null", "null"},
	                             {" null ", "null"},
	                             {"{\"a\":1,\"a\":1}", "{K<a><1>iK<a><1>i}"},
	                             {"[\"\x7F\"]", "[S<\x7F>]"}};

	check_cases(cases, flow_countof(cases));
}

static void
it_reads_numbers_by_the_grammar(void)
{
	static const Case cases[] = {{"[0]", "[<0>i]"},
	                             {"[-0]", "[<-0>i]"},
	                             {"[10]", "[<10>i]"},
	                             {"[-1234567890123456789012345678901234567890]",
	                              "[<-1234567890123456789012345678901234567890>i]"},
	                             {"[0.0]", "[<0.0>]"},
	                             {"[1.25]", "[<1.25>]"},
	                             {"[1e5]", "[<1e5>]"},
	                             {"[1E+05]", "[<1E+05>]"},
	                             {"[-0.5e-10]", "[<-0.5e-10>]"},
	                             {"[0e0]", "[<0e0>]"},
	                             {"[1 ]", "[<1>i]"},
	                             {"[1\n,2]", "[<1>i<2>i]"},
	                             {"[1e999]", "[<1e999>]"},
	                             {"{\"a\":1}", "{K<a><1>i}"},
	                             /* a single number ends with the text */
	                             {"0", "<0"},
	                             {"-12", "<-12"},
	                             {"1.5e3", "<1.5e3"},
	                             {"12 ", "<12>i"},
	                             {"-", "<-!"},
	                             {"1.", "<1.!"},
	                             {"1e", "<1e!"},
	                             {"1e+", "<1e+!"},
	                             {"[01]", "[<0>i!Expected \",\" or \"]\" at 3"},
	                             {"[-01]", "[<-0>i!Expected \",\" or \"]\" at 4"},
	                             {"[1.2.3]", "[<1.2>!Expected \",\" or \"]\" at 5"},
	                             {"[0x1]", "[<0>i!Expected \",\" or \"]\" at 3"},
	                             {"[1_0]", "[<1>i!Expected \",\" or \"]\" at 3"},
	                             {"[1a]", "[<1>i!Expected \",\" or \"]\" at 3"},
	                             {"[1\"a\"]", "[<1>i!Expected \",\" or \"]\" at 3"},
	                             {"[+1]", "[!Expected a value at 2"},
	                             {"[.5]", "[!Expected a value at 2"},
	                             {"[NaN]", "[!Expected a value at 2"},
	                             {"[Infinity]", "[!Expected a value at 2"},
	                             {"[\xEF\xBC\x91]", "[!Expected a value at 2"}};
	/* what has arrived of an unfinished token is returned */
	static const char *const unfinished[][2] = {{"[-]", "at 3"},
	                                            {"[--1]", "at 3"},
	                                            {"[-a]", "at 3"},
	                                            {"[1.]", "at 4"},
	                                            {"[1.e1]", "at 4"},
	                                            {"[1e]", "at 4"},
	                                            {"[1e+]", "at 5"},
	                                            {"[1e+-1]", "at 5"},
	                                            {"[-Infinity]", "at 3"}};

	check_cases(cases, flow_countof(cases));
	for (size_t i = 0; i < flow_countof(unfinished); i++)
		for (size_t first = 0; first < 6; first++)
		{
			char *made =
				tokens_of(unfinished[i][0], strlen(unfinished[i][0]), first, 1 + first % 3);

			CHECK(strstr(made, "!Expected a digit") != NULL &&
			      strstr(made, unfinished[i][1]) != NULL);
			free(made);
		}
}

static void
it_reads_escapes(void)
{
	static const Case cases[] =
		{{"[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]", "[S<\"\\/\b\f\n\r\t>]"},
	     {"[\"\\u0041\\u00e9\\u20AC\\uFFFF\"]", "[S<A\xC3\xA9\xE2\x82\xAC\xEF\xBF\xBF>]"},
	     {"[\"\\uD83D\\uDE00\"]", "[S<\xF0\x9F\x98\x80>]"},
	     {"[\"\\ud800\\udc00\\uDBFF\\uDFFF\"]", "[S<\xF0\x90\x80\x80\xF4\x8F\xBF\xBF>]"},
	     {"[\"a\\tb\\tc\"]", "[S<a\tb\tc>]"},
	     {"{\"\\u0061\":1}", "{K<a><1>i}"},
	     {"[\"\\\\u0041\"]", "[S<\\u0041>]"},
	     {"[\"\\\\\"]", "[S<\\>]"},
	     {"[\"0123456789012345678901234567890123456789012345678901234567890123456789\\n012345678901"
	      "2345678901234567890123456789\\n"
	      "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567"
	      "8901234567890123456789012345678901234567890123456789\\n\"]",
	      "[S<"
	      "0123456789012345678901234567890123456789012345678901234567890123456789\n0123456789012345"
	      "678901234567890123456789\n"
	      "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567"
	      "8901234567890123456789012345678901234567890123456789\n>]"}};
	static const Case invalid[] =
		{{"[\"\\x\"]", "!Invalid escape at 4"},
	     {"[\"\\a\"]", "!Invalid escape at 4"},
	     {"[\"\\U0041\"]", "!Invalid escape at 4"},
	     {"[\"\\'\"]", "!Invalid escape at 4"},
	     {"[\"\\\n\"]", "!Invalid escape at 4"},
	     {"[\"\\u00g0\"]", "!Expected four hexadecimal digits after \"\\u\" at 7"},
	     {"[\"\\u00\"]", "!Expected four hexadecimal digits after \"\\u\" at 7"},
	     {"[\"\\u 041\"]", "!Expected four hexadecimal digits after \"\\u\" at 5"},
	     {"[\"\\uDC00\"]", "!A low surrogate follows no high surrogate at 8"},
	     {"[\"\\uDE00\\uD83D\"]", "!A low surrogate follows no high surrogate at 8"},
	     {"[\"\\uD83D\"]", "!Expected a low surrogate after a high surrogate at 9"},
	     {"[\"\\uD83Dx\"]", "!Expected a low surrogate after a high surrogate at 9"},
	     {"[\"\\uD83D\\n\"]", "!Expected a low surrogate after a high surrogate at 10"},
	     {"[\"\\uD83D\\u0041\"]", "!Expected a low surrogate after a high surrogate at 14"},
	     {"[\"\\uD83D\\uD83D\\uDE00\"]", "!Expected a low surrogate after a high surrogate at 14"}};
	char *made;

	check_cases(cases, flow_countof(cases));
	for (size_t i = 0; i < flow_countof(invalid); i++)
		for (size_t first = 0; first < 16; first++)
		{
			made = tokens_of(invalid[i].json, strlen(invalid[i].json), first, 1 + first);
			CHECK(strlen(made) >= strlen(invalid[i].tokens));
			CHECK_STRING(made + strlen(made) - strlen(invalid[i].tokens), invalid[i].tokens);
			free(made);
		}

	/* a NUL */
	made = tokens_of("[\"a\\u0000b\"]", 12, 12, 12);
	CHECK_STRING(made, "[S<a\\0b>]");
	free(made);
}

static void
it_refuses_what_is_no_json(void)
{
	static const Case cases[] = {{"", "!"},
	                             {" ", "!"},
	                             {"[", "[!"},
	                             {"{", "{!"},
	                             {"[1,", "[<1>i!"},
	                             {"{\"a\"", "{K<a>!"},
	                             {"{\"a\":", "{K<a>!"},
	                             {"\"a", "S<a!"},
	                             {"\"", "!"},
	                             {"\"\\", "!"},
	                             {"\"\\u12", "!"},
	                             {"tru", "!"},
	                             {"]", "!Expected a value at 1"},
	                             {"}", "!Expected a value at 1"},
	                             {",", "!Expected a value at 1"},
	                             {":", "!Expected a value at 1"},
	                             {"[,1]", "[!Expected a value at 2"},
	                             {"[1,]", "[<1>i!Expected a value at 4"},
	                             {"[1,,2]", "[<1>i!Expected a value at 4"},
	                             {"[1 2]", "[<1>i!Expected \",\" or \"]\" at 4"},
	                             {"[1}", "[<1>i!Expected \",\" or \"]\" at 3"},
	                             {"[1:2]", "[<1>i!Expected \",\" or \"]\" at 3"},
	                             {"[\"a\":2]", "[S<a>!Expected \",\" or \"]\" at 5"},
	                             {"{,}", "{!Expected a string or \"}\" at 2"},
	                             {"{1:2}", "{!Expected a string or \"}\" at 2"},
	                             {"{a:2}", "{!Expected a string or \"}\" at 2"},
	                             {"{'a':2}", "{!Expected a string or \"}\" at 2"},
	                             {"{]", "{!Expected a string or \"}\" at 2"},
	                             {"{\"a\" 1}", "{K<a>!Expected \":\" at 6"},
	                             {"{\"a\",1}", "{K<a>!Expected \":\" at 5"},
	                             {"{\"a\"}", "{K<a>!Expected \":\" at 5"},
	                             {"{\"a\":}", "{K<a>!Expected a value at 6"},
	                             {"{\"a\":1,}", "{K<a><1>i!Expected a string at 8"},
	                             {"{\"a\":1 \"b\":2}", "{K<a><1>i!Expected \",\" or \"}\" at 8"},
	                             {"{\"a\":1]", "{K<a><1>i!Expected \",\" or \"}\" at 7"},
	                             {"{}{}", "{}!Expected the end at 3"},
	                             {"[]]", "[]!Expected the end at 3"},
	                             {"1 2", "<1>i!Expected the end at 3"},
	                             {"true false", "true!Expected the end at 6"},
	                             {"[]x", "[]!Expected the end at 3"},
	                             {"[truth]", "[!Expected a value at 5"},
	                             {"[True]", "[!Expected a value at 2"},
	                             {"[nul]", "[!Expected a value at 5"},
	                             {"[fals]", "[!Expected a value at 6"},
	                             {"[truex]", "[true!Expected \",\" or \"]\" at 6"},
	                             {"[\f]", "[!Expected a value at 2"},
	                             {"[\v1]", "[!Expected a value at 2"},
	                             {"[1]/**/", "[<1>i]!Expected the end at 4"},
	                             {"[1//\n]", "[<1>i!Expected \",\" or \"]\" at 3"},
	                             {"\xEF\xBB\xBF[]", "!Expected a value at 1"}};
	static const char *const controls[] = {"[\"a\nb\"]",
	                                       "[\"a\tb\"]",
	                                       "[\"a\x01 b\"]",
	                                       "[\"a\x1F b\"]",
	                                       "[\"a\rb\"]"};
	char *made;

	check_cases(cases, flow_countof(cases));
	for (size_t i = 0; i < flow_countof(controls); i++)
	{
		made = tokens_of(controls[i], strlen(controls[i]), i, 9);
		CHECK(strstr(made, "!Expected an escape instead of a control character at 4") != NULL);
		free(made);
	}
	made = tokens_of("[\"a\0b\"]", 7, 7, 7);
	CHECK(strstr(made, "!Expected an escape instead of a control character at 4") != NULL);
	free(made);
	made = tokens_of("\0[]", 3, 3, 3);
	CHECK_STRING(made, "!Expected a value at 1");
	free(made);
}

/*
 * Tests all sequences of two bytes, and those of three and four with the bytes
 * that are limits.
 */
static void
utf8_is_checked_as_by_the_plain_check(void)
{
	static const unsigned char limits[] = {0x00, 0x22, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0,
	                                       0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED,
	                                       0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF};
	char text[8] = "\"";

	for (int a = 0x80; a < 0x100; a++)
		for (int b = 0x80; b < 0x100; b++)
		{
			char *made;

			text[1] = (char) a;
			text[2] = (char) b;
			text[3] = '"';
			made = tokens_of(text, 4, (size_t) (b % 4), 3);
			CHECK_INT(strchr(made, '!') == NULL, unit_text_valid(NULL, text + 1, 2));
			free(made);
		}
	for (size_t i = 0; i < flow_countof(limits) * flow_countof(limits) * flow_countof(limits) *
	                           flow_countof(limits);
	     i++)
	{
		size_t n = i;
		bool plain = true;
		char *made;

		for (int j = 1; j <= 4; j++, n /= flow_countof(limits))
		{
			text[j] = (char) limits[n % flow_countof(limits)];
			plain &=
				limits[n % flow_countof(limits)] != 0 && limits[n % flow_countof(limits)] != '"';
		}
		if (!plain)
			continue;
		text[5] = '"';
		made = tokens_of(text, 6, 1 + i % 6, 1 + i % 3);
		CHECK_INT(strchr(made, '!') == NULL, unit_text_valid(NULL, text + 1, 4));
		free(made);
	}
	check_tokens("[\"\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80\"]",
	             15,
	             "[S<\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80>]");
	check_tokens("{\"\xC3\xA9\":\"\\n\xE2\x82\xAC\\n\"}", 16, "{K<\xC3\xA9>S<\n\xE2\x82\xAC\n>}");
	check_tokens("[\"\xC3", 3, "[S<\xC3!");
}

static void
depth_is_bounded(void)
{
	size_t most = FLOW_JSON_MAX_DEPTH;
	char *text = malloc(2 * most + 2);
	char *made;

	/* every other one is an object, closed again before the next */
	memset(text, '[', most);
	memset(text + most, ']', most);
	text[2 * most] = '\0';
	made = tokens_of(text, 2 * most, 2 * most, 1);
	CHECK_STRING(made, text);
	free(made);
	made = tokens_of(text, 2 * most, 1, 1);
	CHECK_STRING(made, text);
	free(made);

	memset(text, '[', most + 1);
	made = tokens_of(text, most + 1, most + 1, 1);
	CHECK_STRING(made + most, "!Too many arrays and objects are open at 2049");
	free(made);
	free(text);
}

/* At every depth it is known whether an object or an array is open. */
static void
objects_and_arrays_are_closed_as_they_were_opened(void)
{
	uint64_t seed = 7;

	for (int round = 0; round < 50; round++)
	{
		int depth = 1 + (int) (unit_random(&seed) % FLOW_JSON_MAX_DEPTH);
		char *text = malloc((size_t) depth * 6 + 16), *closing = malloc((size_t) depth + 1);
		size_t len = 0;
		char *made;

		for (int i = 0; i < depth; i++)
		{
			bool object = unit_random(&seed) % 2 != 0;

			len +=
				(size_t) sprintf(text + len, "%s", object ? i == depth - 1 ? "{" : "{\"\":" : "[");
			closing[depth - 1 - i] = object ? '}' : ']';
		}
		memcpy(text + len, closing, (size_t) depth);
		made = tokens_of(text, len + (size_t) depth, len, (size_t) depth);
		CHECK(strchr(made, '!') == NULL);
		free(made);

		/* one is closed as the other */
		text[len + unit_random(&seed) % (size_t) depth] ^= ']' ^ '}';
		made = tokens_of(text, len + (size_t) depth, len, (size_t) depth);
		CHECK(strchr(made, '!') != NULL);
		free(made);
		free(closing);
		free(text);
	}
}

static void
a_text_that_is_cut_ends_too_early(void)
{
	static const char *const texts[] =
		{"{\"messageType\":\"DATA_MESSAGE\",\"logEvents\":[{\"id\":\"1\",\"timestamp\":"
	     "1769775904000,\"message\":\"a \\u20AC\\n\"},{}]}",
	     "[null, true, false, -1.5e+10, \"\xC3\xA9\\\"\", [[], {\"a\": {}}]]",
	     "\"\\uD83D\\uDE00\"",
	     "null"};

	for (size_t i = 0; i < flow_countof(texts); i++)
		for (size_t len = 0; len < strlen(texts[i]); len++)
			for (size_t size = 1; size < 12; size += 5)
			{
				char *made = tokens_of(texts[i], len, size, size);

				CHECK(strchr(made, '!') != NULL && strchr(made, '!')[1] == '\0');
				free(made);
			}
}

static void
strings_without_escapes_are_slices_of_the_input(void)
{
	static const char text[] = "{\"key\":\"some text of a string\",\"n\":123456}";
	const uint8_t *in = (const uint8_t *) text, *end = in + strlen(text);
	FlowJsonTokenizer json;

	flow_json_start(&json);
	CHECK_INT(flow_json_next(&json, &in, end), FLOW_JSON_OBJECT);
	CHECK_INT(flow_json_next(&json, &in, end), FLOW_JSON_KEY);
	CHECK(json.text.data == text + 2 && json.text.len == 3 && json.ends && !json.escaped);
	CHECK_INT(flow_json_next(&json, &in, end), FLOW_JSON_STRING);
	CHECK(json.text.data == text + 8 && json.text.len == 21 && json.ends && !json.escaped);
	CHECK_INT(flow_json_next(&json, &in, end), FLOW_JSON_KEY);
	CHECK_INT(flow_json_next(&json, &in, end), FLOW_JSON_NUMBER);
	CHECK(json.text.data == text + 35 && json.text.len == 6 && json.ends && json.integer);
	CHECK_INT(json.depth, 1);
	CHECK_INT(flow_json_next(&json, &in, end), FLOW_JSON_OBJECT_END);
	CHECK_INT(json.depth, 0);
	CHECK_INT(flow_json_next(&json, &in, end), FLOW_JSON_MORE);
	CHECK(in == end && flow_json_may_end(&json));
}

static void
the_end_of_what_is_plain_is_found_wherever_it_is(void)
{
	char text[80];

	for (int byte = 0; byte < 256; byte++)
		for (size_t len = 0; len < 50; len++)
			for (size_t at = 0; at <= len; at++)
			{
				const uint8_t *begin, *found;

				memset(text, 'a' + (int) (len % 3), sizeof(text));
				if (at < len)
					text[at] = (char) byte;
				begin = (const uint8_t *) unit_at_edge(text, len);
				found = begin + (at < len && !flow_json_is_plain((uint8_t) byte) ? at : len);
				CHECK(flow_json_skip_plain(begin, begin + len) == found);
				CHECK(flow_json_skip_plain_portable(begin, begin + len) == found);

				/* the bytes before it are copied, as far as there is room */
				for (size_t room = at > 2 ? at - 2 : 0; room <= at + 2;
				     room += 1 + (size_t) (byte % 2))
				{
					size_t want = (size_t) (found - begin) < room ? (size_t) (found - begin) : room;
					char to[64 + FLOW_JSON_SLACK];

					memset(to, 0, sizeof(to));
					CHECK_INT(flow_json_copy_plain(to, room, begin, begin + len), want);
					CHECK(memcmp(to, begin, want) == 0);
					for (size_t i = room + FLOW_JSON_SLACK; i < sizeof(to); i++)
						CHECK_INT(to[i], 0);
					CHECK_INT(flow_json_copy_plain_portable(to, room, begin, begin + len), want);
					CHECK(memcmp(to, begin, want) == 0);
				}
			}
	for (int byte = 0; byte < 256; byte++)
		CHECK_INT(flow_json_is_plain((uint8_t) byte),
		          byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\');
}

/* ---------- against the plain reader ---------- */

static void
random_json_is_read_as_by_the_plain_reader(void)
{
	static const char *const pieces[] = {"{",
	                                     "}",
	                                     "[",
	                                     "]",
	                                     ",",
	                                     ":",
	                                     "{\"a\":",
	                                     "{\"b\":1}",
	                                     "[1,2]",
	                                     "\"a\"",
	                                     "\"\\n\"",
	                                     "\"\\uD83D\\uDE00 \"",
	                                     "\"\xC3\xA9\"",
	                                     "1",
	                                     "-0",
	                                     "1.5",
	                                     "1e5",
	                                     "true",
	                                     "false",
	                                     "null",
	                                     " ",
	                                     "\n",
	                                     "\"",
	                                     "\\",
	                                     "\\u12",
	                                     "\"key\":",
	                                     ",\"x\":",
	                                     ",",
	                                     ","};
	uint64_t seed = 3;
	int valid = 0;

	for (int i = 0; i < 60000; i++)
	{
		char text[512] = "[";
		int n = (int) (unit_random(&seed) % 12);
		ModelJson plain = {.depth = 0};
		ModelNode *node;
		char *made;

		if (i % 3 == 0)
			text[0] = '\0';
		for (int j = 0; j < n; j++)
			strcat(text, pieces[unit_random(&seed) % flow_countof(pieces)]);
		if (i % 3 != 0)
			strcat(text, "]");
		plain.data = text;
		plain.len = strlen(text);
		node = model_json_value(&plain);
		if (node->whole)
			model_json_skip_blanks(&plain);
		made = tokens_of(text, plain.len, unit_random(&seed) % 20, 1 + unit_random(&seed) % 9);
		if (node->whole && plain.at == plain.len && node->type != '0')
		{
			Trace want = {NULL, 0, 0, false};

			trace_node(&want, node);
			CHECK_STRING(made, want.text);
			free(want.text);
			valid++;
		}
		else if (node->whole && plain.at < plain.len)
			CHECK(strstr(made, "!Expected the end") != NULL);
		else if (!node->whole && plain.failed)
		{
			char where[32];

			snprintf(where, sizeof(where), " at %zu", plain.at);
			CHECK(strchr(made, '!') != NULL && strstr(made, where) != NULL);
		}
		else if (!node->whole)
			CHECK(strchr(made, '!') != NULL && strrchr(made, '!')[1] == '\0');
		model_json_free(node);
		free(made);
	}
	CHECK(valid > 1000);
}

int
main(void)
{
	RUN(it_takes_values_apart);
	RUN(it_reads_numbers_by_the_grammar);
	RUN(it_reads_escapes);
	RUN(it_refuses_what_is_no_json);
	RUN(utf8_is_checked_as_by_the_plain_check);
	RUN(depth_is_bounded);
	RUN(objects_and_arrays_are_closed_as_they_were_opened);
	RUN(a_text_that_is_cut_ends_too_early);
	RUN(strings_without_escapes_are_slices_of_the_input);
	RUN(the_end_of_what_is_plain_is_found_wherever_it_is);
	RUN(random_json_is_read_as_by_the_plain_reader);
	return unit_done();
}
