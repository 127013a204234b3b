/*-------------------------------------------------------------------------
 *
 * test_json_shape.c
 *	  Tests how objects are read that are written like an earlier one.
 *
 *-------------------------------------------------------------------------
 */
#include "model_json.h"

#include "../../flow/bytes/json_shape.h"

/*
 * FlowJsonRole: "m" is 1, "t" is 2.  Objects that have "no" are not to be
 * learned.
 */
static int
role(const void *arg, FlowSlice name)
{
	(void) arg;
	if (name.len == 2 && memcmp(name.data, "no", 2) == 0)
		return -1;
	return name.len != 1 ? 0 : *name.data == 'm' ? 1 : *name.data == 't' ? 2 : 0;
}

static bool
learn(FlowJsonShape *shape, const char *text, size_t len)
{
	const uint8_t *begin = (const uint8_t *) unit_at_edge(text, len);

	return flow_json_shape_learn(shape, begin, begin + len, role, NULL);
}

/*
 * Returns how many bytes match, or 0, and the values, each between "<" and
 * ">".
 */
static size_t
match(const FlowJsonShape *shape, const char *text, char *values)
{
	FlowSlice slices[FLOW_JSON_MAX_VALUES];
	const uint8_t *begin = (const uint8_t *) unit_at_edge(text, strlen(text));
	const uint8_t *end = flow_json_shape_match(shape, begin, begin + strlen(text), slices);

	*values = '\0';
	for (int i = 0; i < shape->count && end != NULL; i++)
		sprintf(values + strlen(values), "<%.*s>", (int) slices[i].len, slices[i].data);
	return end != NULL ? (size_t) (end - begin) : 0;
}

static void
what_differs_only_in_values_matches(void)
{
	static const char *const learned = "{\"t\":1,\"m\":\"a b\", \"x\":[true,{\"m\":\"c\"}]}";
	static const struct
	{
		const char *text;
		const char *values; /* NULL: it does not match */
	} cases[] = {{"{\"t\":1,\"m\":\"a b\", \"x\":[true,{\"m\":\"c\"}]}", "<1><a b><c>"},
	             {"{\"t\":0,\"m\":\"\", \"x\":[true,{\"m\":\" ,:{}[]\"}]}", "<0><>< ,:{}[]>"},
	             {"{\"t\":12345678901234567890123,\"m\":"
	              "\"0123456789012345678901234567890123456789\", \"x\":[true,{\"m\":\"\x7F\"}]}",
	              "<12345678901234567890123><0123456789012345678901234567890123456789><\x7F>"},
	             /* invalid JSON */
	             {"{\"t\":01,\"m\":\"a b\", \"x\":[true,{\"m\":\"c\"}]}", NULL},
	             {"{\"t\":00,\"m\":\"a b\", \"x\":[true,{\"m\":\"c\"}]}", NULL},
	             {"{\"t\":,\"m\":\"a b\", \"x\":[true,{\"m\":\"c\"}]}", NULL},
	             {"{\"t\":1,\"m\":\"a\tb\", \"x\":[true,{\"m\":\"c\"}]}", NULL},
	             {"{\"t\":1,\"m\":\"a\xFF b\", \"x\":[true,{\"m\":\"c\"}]}", NULL},
	             /* for the tokenizer */
	             {"{\"t\":-1,\"m\":\"a b\", \"x\":[true,{\"m\":\"c\"}]}", NULL},
	             {"{\"t\":1.0,\"m\":\"a b\", \"x\":[true,{\"m\":\"c\"}]}", NULL},
	             {"{\"t\":1e5,\"m\":\"a b\", \"x\":[true,{\"m\":\"c\"}]}", NULL},
	             {"{\"t\":1,\"m\":\"a\\\"b\", \"x\":[true,{\"m\":\"c\"}]}", NULL},
	             {"{\"t\":1,\"m\":\"\xC3\xA9\", \"x\":[true,{\"m\":\"c\"}]}", NULL},
	             {"{\"t\":1 ,\"m\":\"a b\", \"x\":[true,{\"m\":\"c\"}]}", NULL},
	             {"{\"t\":1,\"m\":\"a b\", \"x\":[true,{\"m\":\"c\"}] }", NULL},
	             {"{\"t\":1,\"m\":\"a b\", \"x\":[false,{\"m\":\"c\"}]}", NULL},
	             {"{\"t\":1,\"m\":\"a b\", \"x\":[true,{\"t\":\"c\"}]}", NULL},
	             {"{\"t\":\"1\",\"m\":\"a b\", \"x\":[true,{\"m\":\"c\"}]}", NULL},
	             {"{\"t\":1,\"m\":2, \"x\":[true,{\"m\":\"c\"}]}", NULL}};
	FlowJsonShape shape = {.count = 0};
	char values[256];

	CHECK(match(&shape, learned, values) == 0);
	CHECK(learn(&shape, learned, strlen(learned)));
	CHECK_INT(shape.count, 3);
	CHECK(shape.slots[0].role == 2 && shape.slots[1].role == 1 && shape.slots[2].role == 0);
	for (size_t i = 0; i < flow_countof(cases); i++)
	{
		char text[256];

		CHECK_INT(match(&shape, cases[i].text, values),
		          cases[i].values != NULL ? strlen(cases[i].text) : 0);
		CHECK_STRING(values, cases[i].values != NULL ? cases[i].values : "");
		/* more bytes may follow, but not fewer */
		snprintf(text, sizeof(text), "%s,", cases[i].text);
		CHECK_INT(match(&shape, text, values), cases[i].values != NULL ? strlen(cases[i].text) : 0);
		for (size_t len = 0; len < strlen(cases[i].text); len++)
		{
			snprintf(text, len + 1, "%s", cases[i].text);
			CHECK_INT(match(&shape, text, values), 0);
		}
	}
}

static void
not_everything_is_learned(void)
{
	static const char *const texts[] = {"{\"m\":\"\\u0061\"}",
	                                    "{\"m\":\"a\",\"x\":\"\\n\"}",
	                                    "{\"\\u006D\":\"a\"}",
	                                    "{\"m\":"
	                                    "\"01234567890123456789012345678901234567890123456789012345"
	                                    "67890123456789012345678901234567890123456789\\n\"}",
	                                    "{\"m\":\"a\",\"t\":-1}",
	                                    "{\"m\":\"a\",\"t\":1.5}",
	                                    "{\"m\":\"a\",\"no\":1}",
	                                    "{\"no\":{\"m\":\"a\"},\"m\":\"a\"}",
	                                    "{\"a\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,"
	                                    "20,21,22,23,24,25,26,27,28,29,30,31,32,33]}",
	                                    "{\"m\":\"a\"",
	                                    "{\"m\":\"a\"}{}",
	                                    "{\"m\":\xFF}"};
	FlowJsonShape shape = {.count = 0};
	char text[FLOW_JSON_MAX_SAME + 64], values[64];

	CHECK(learn(&shape, "{\"m\":\"a\"}", 9));
	for (size_t i = 0; i < flow_countof(texts); i++)
		CHECK(!learn(&shape, texts[i], strlen(texts[i])));
	for (size_t len = FLOW_JSON_MAX_SAME - 16; len < FLOW_JSON_MAX_SAME + 16; len++)
	{
		FlowJsonShape other;

		/* all bytes except the "a" are the same */
		memset(text, ' ', len);
		memcpy(text, "{\"m\":\"a\"", 8);
		text[len] = '}';
		CHECK_INT(learn(&other, text, len + 1), len <= FLOW_JSON_MAX_SAME);
	}
	/* the earlier shape is kept */
	CHECK_INT(match(&shape, "{\"m\":\"b\"}", values), 9);
	CHECK_STRING(values, "<b>");
	/* a member of a member does not count */
	CHECK(learn(&shape, "{\"x\":{\"no\":1,\"m\":2},\"m\":3}", 26));
	CHECK(shape.slots[0].role == 0 && shape.slots[1].role == 0 && shape.slots[2].role == 1);
}

/*
 * Any object that matches would be learned as the same shape, with those
 * values, because the tokenizer reads it in the same way.
 */
static void
a_shape_accepts_only_what_the_tokenizer_takes_apart_alike(void)
{
	static const char *const values[] = {"1",
	                                     "0",
	                                     "\"a\"",
	                                     "\"\"",
	                                     "123",
	                                     "\"0123456789 0123456789\"",
	                                     "null",
	                                     "{\"m\":1}",
	                                     "[\"a\",7]",
	                                     "-1",
	                                     "1.5",
	                                     "\"\xC3\xA9\""};
	static const char *const keys[] = {"m", "t", "x", "no_", ""};
	uint64_t seed = 17;
	int learned = 0, matched = 0;

	for (int i = 0; i < 100000; i++)
	{
		char text[512] = "{", out[512];
		int n = (int) (unit_random(&seed) % 5);
		FlowJsonShape shape, again;
		size_t len, end;

		for (int j = 0; j < n; j++)
			sprintf(text + strlen(text),
			        "%s\"%s\":%s",
			        j > 0 ? "," : "",
			        keys[unit_random(&seed) % flow_countof(keys)],
			        values[unit_random(&seed) % flow_countof(values)]);
		strcat(text, "}");
		len = strlen(text);
		if (!learn(&shape, text, len) || shape.count == 0)
			continue;
		learned++;
		for (int changes = (int) (unit_random(&seed) % 3); changes > 0; changes--)
			text[unit_random(&seed) % len] = "01a\"\\,}: -.\n"[unit_random(&seed) % 12];
		end = match(&shape, text, out);
		if (end == 0)
			continue;
		matched++;
		CHECK(learn(&again, text, end));
		CHECK(again.count == shape.count && again.rest_len == shape.rest_len &&
		      memcmp(again.slots, shape.slots, sizeof(shape.slots)) == 0);
		CHECK(memcmp(again.same, shape.same, sizeof(shape.same)) == 0);
	}
	CHECK(learned > 10000 && matched > 5000);
}

int
main(void)
{
	RUN(what_differs_only_in_values_matches);
	RUN(not_everything_is_learned);
	RUN(a_shape_accepts_only_what_the_tokenizer_takes_apart_alike);
	return unit_done();
}
