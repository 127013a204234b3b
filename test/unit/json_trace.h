/*-------------------------------------------------------------------------
 *
 * json_trace.h
 *	  Tokens of JSON as text: those of the tokenizer, and those of a tree from
 *	  the plain reader.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JSON_TRACE_H
#define JSON_TRACE_H

#include "model_json.h"

/* The tokens of a JSON text, as text. */
typedef struct Trace
{
	char *text;
	size_t len;
	size_t room;
	bool in_piece;
} Trace;

/* Appends to the trace.  A NUL byte becomes "\0". */
static inline void
trace_add(Trace *trace, const char *data, size_t len)
{
	while (trace->len + 2 * len + 1 > trace->room)
		trace->text = realloc(trace->text, trace->room = 2 * trace->room + 64);
	for (size_t i = 0; i < len; i++)
	{
		if (data[i] == '\0')
			trace->text[trace->len++] = '\\';
		trace->text[trace->len++] = data[i] == '\0' ? '0' : data[i];
	}
	trace->text[trace->len] = '\0';
}

/*
 * Appends a piece of a key, string or number.  Whole, they become "K<a>",
 * "S<a>", "<1.5>", or "<1>i" for a whole number.
 */
static inline void
trace_piece(Trace *trace, FlowJsonToken token, const FlowJsonTokenizer *json)
{
	if (!trace->in_piece)
		trace_add(trace,
		          token == FLOW_JSON_KEY      ? "K<"
		          : token == FLOW_JSON_STRING ? "S<"
		                                      : "<",
		          token == FLOW_JSON_NUMBER ? 1 : 2);
	CHECK(json->ends || json->text.len > 0);
	trace_add(trace, json->text.data, json->text.len);
	trace->in_piece = !json->ends;
	if (json->ends)
		trace_add(trace,
		          token == FLOW_JSON_NUMBER && json->integer ? ">i" : ">",
		          token == FLOW_JSON_NUMBER && json->integer ? 2 : 1);
}

static inline void
trace_token(Trace *trace, FlowJsonToken token, const FlowJsonTokenizer *json)
{
	static const char *const words[] = {[FLOW_JSON_OBJECT] = "{",
	                                    [FLOW_JSON_OBJECT_END] = "}",
	                                    [FLOW_JSON_ARRAY] = "[",
	                                    [FLOW_JSON_ARRAY_END] = "]",
	                                    [FLOW_JSON_TRUE] = "true",
	                                    [FLOW_JSON_FALSE] = "false",
	                                    [FLOW_JSON_NULL] = "null"};

	if (token == FLOW_JSON_KEY || token == FLOW_JSON_STRING || token == FLOW_JSON_NUMBER)
		trace_piece(trace, token, json);
	else
		trace_add(trace, words[token], strlen(words[token]));
}

/*
 * Returns all tokens of a text that is passed in pieces, of "first" bytes and
 * then of "size".  An error ends them: "!PROBLEM at BYTE".  A single "!" means
 * that the text ends too early.
 */
static inline char *
tokens_of(const char *data, size_t len, size_t first, size_t size)
{
	FlowJsonTokenizer json;
	Trace trace = {NULL, 0, 0, false};
	size_t from = 0, piece = first;

	trace_add(&trace, "", 0);
	flow_json_start(&json);
	do
	{
		size_t to = len - from < piece ? len : from + piece;
		const uint8_t *begin = (const uint8_t *) unit_at_edge(data + from, to - from), *in = begin,
					  *end = begin + (to - from);
		FlowJsonToken token;

		while ((token = flow_json_next(&json, &in, end)) != FLOW_JSON_MORE)
		{
			if (token == FLOW_JSON_ERROR)
			{
				char where[128];

				snprintf(where,
				         sizeof(where),
				         "!%s at %zu",
				         json.problem,
				         from + (size_t) (in - begin));
				trace_add(&trace, where, strlen(where));
				return trace.text;
			}
			trace_token(&trace, token, &json);
		}
		CHECK(in == end);
		from = to;
		piece = size;
	} while (from < len);
	if (!flow_json_may_end(&json))
		trace_add(&trace, "!", 1);
	return trace.text;
}

/* Appends the tokens of a tree. */
static inline void
trace_node(Trace *trace, const ModelNode *node)
{
	const char *word = node->type == 't' ? "true" : node->type == 'f' ? "false" : "null";

	switch (node->type)
	{
		case '"':
			trace_add(trace, "S<", 2);
			trace_add(trace, node->text, node->len);
			trace_add(trace, ">", 1);
			break;
		case '0':
			trace_add(trace, "<", 1);
			trace_add(trace, node->text, node->len);
			trace_add(trace, ">i", strcspn(node->text, ".eE") < node->len ? 1 : 2);
			break;
		case '{':
		case '[':
			trace_add(trace, &node->type, 1);
			for (const ModelNode *child = node->first; child != NULL; child = child->next)
			{
				if (node->type == '{')
				{
					trace_add(trace, "K<", 2);
					trace_add(trace, child->key, child->key_len);
					trace_add(trace, ">", 1);
				}
				trace_node(trace, child);
			}
			trace_add(trace, node->type == '{' ? "}" : "]", 1);
			break;
		default:
			trace_add(trace, word, strlen(word));
	}
}

#endif /* JSON_TRACE_H */
