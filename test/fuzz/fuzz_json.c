/*-------------------------------------------------------------------------
 *
 * fuzz_json.c
 *	  Fuzzes the JSON tokenizer: its tokens, and a member, are those that the
 *	  plain reader finds, however the text is cut.  A shape accepts only
 *	  objects that would be learned as the same shape.
 *
 * The first two bytes determine where the text is cut.
 *
 *-------------------------------------------------------------------------
 */
#include "../unit/json_trace.h"

#include "../../flow/bytes/json_member.h"
#include "../../flow/bytes/json_shape.h"

static void
must(bool condition)
{
	if (!condition)
		abort();
}

/* Compares the tokens, or the place of the error, with the plain reader. */
static void
check_tokens(const char *text, size_t len, size_t first, size_t size)
{
	ModelJson plain = {.data = text, .len = len};
	ModelNode *node = model_json_value(&plain);
	char *made = tokens_of(text, len, first, size), *whole = tokens_of(text, len, len, 1);
	size_t made_len = strlen(made);

	if (node->whole)
		model_json_skip_blanks(&plain);
	if (node->whole && plain.at == len && node->type != '0')
	{
		Trace want = {NULL, 0, 0, false};

		trace_add(&want, "", 0);
		trace_node(&want, node);
		must(strcmp(made, want.text) == 0 && strcmp(whole, want.text) == 0);
		free(want.text);
	}
	else if (plain.failed || plain.at < len)
	{
		char where[32];

		/*
		 * before an error, fewer tokens may have been returned from a text in
		 * one piece
		 */
		snprintf(where, sizeof(where), " at %zu", plain.failed ? plain.at : plain.at + 1);
		must(made_len > strlen(where) && strcmp(made + made_len - strlen(where), where) == 0);
		must(strcmp(strrchr(made, '!'), strrchr(whole, '!')) == 0);
	}
	else if (!node->whole)
		must(made_len > 0 && made[made_len - 1] == '!' && strcmp(made, whole) == 0);
	model_json_free(node);
	free(made);
	free(whole);
}

/* Compares a member with the plain reader. */
static void
check_member(const char *json, size_t len)
{
	ModelJson plain = {.data = json, .len = len};
	ModelNode *node = model_json_value(&plain);
	const ModelNode *found = NULL;
	char text[16] = "x";
	bool good;
	int times = 0;

	model_json_skip_blanks(&plain);
	for (const ModelNode *member = node->type == '{' ? node->first : NULL; member != NULL;
	     member = member->next)
		if (model_json_has_key(member, "a"))
		{
			found = member;
			times++;
		}
	good = node->whole && plain.at == len && times == 1 && found->type == '"' &&
	       found->len < sizeof(text) && memchr(found->text, '\0', found->len) == NULL;
	must(flow_json_member(json, len, "a", text, sizeof(text)) == good);
	must(strlen(text) == (good ? found->len : 0) &&
	     memcmp(text, good ? found->text : "", strlen(text)) == 0);
	model_json_free(node);
}

static int
role(const void *arg, FlowSlice name)
{
	(void) arg;
	return name.len == 1 && *name.data == 'a';
}

/* Learns an object and matches the text after it. */
static void
check_shape(const char *text, size_t len)
{
	ModelJson plain = {.data = text, .len = len};
	ModelNode *node = model_json_value(&plain);
	const uint8_t *begin = (const uint8_t *) text, *end = begin + plain.at, *stop = begin + len,
				  *matched;
	FlowSlice values[FLOW_JSON_MAX_VALUES];
	FlowJsonShape shape, again;

	if (node->whole && node->type == '{' && flow_json_shape_learn(&shape, begin, end, role, NULL))
	{
		matched = flow_json_shape_match(&shape, end, stop, values);
		if (matched != NULL)
		{
			must(flow_json_shape_learn(&again, end, matched, role, NULL));
			must(again.count == shape.count && again.rest_len == shape.rest_len);
			must(memcmp(again.slots, shape.slots, sizeof(shape.slots)) == 0 &&
			     memcmp(again.same, shape.same, sizeof(shape.same)) == 0);
		}
	}
	model_json_free(node);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size < 2)
		return 0;
	text = malloc(size);
	memcpy(text, data + 2, size - 2);
	check_tokens(text, size - 2, data[0], 1 + data[1]);
	check_member(text, size - 2);
	check_shape(text, size - 2);
	free(text);
	must(unit_state.outstanding == 0);
	return 0;
}
