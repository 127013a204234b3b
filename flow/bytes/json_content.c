/*-------------------------------------------------------------------------
 *
 * json_content.c
 *	  What is in a text of JSON: JSON, or base64 of JSON or lines, which may be
 *	  compressed with gzip.
 *
 * Firehose, Kinesis and Lambda carry records so (Amazon Data Firehose
 * Developer Guide, "HTTP endpoint delivery request"; AWS Lambda Developer
 * Guide, "Process Amazon Kinesis Data Streams records"; "CloudWatch Logs").
 *
 *-------------------------------------------------------------------------
 */
#include "json_content.h"

#define BLOCK_SIZE (64 * 1024)
#define LOOKED_AT 512 /* bytes at the beginning of a text that show what it is */

/* ---------- base64 ---------- */

/* Returns the value of a digit of base64 (RFC 4648, section 4), or -1. */
static int
value_of_digit(uint8_t digit)
{
	if (digit >= 'A' && digit <= 'Z')
		return digit - 'A';
	if (digit >= 'a' && digit <= 'z')
		return digit - 'a' + 26;
	if (digit >= '0' && digit <= '9')
		return digit - '0' + 52;
	return digit == '+' ? 62 : digit == '/' ? 63 : -1;
}

/* Removes line breaks, which some programs write into base64. */
static size_t
remove_breaks(uint8_t *data, size_t len)
{
	size_t kept = 0;

	for (size_t i = 0; i < len; i++)
		if (data[i] != '\n' && data[i] != '\r')
			data[kept++] = data[i];
	return kept;
}

/* Decodes base64 in its place.  Returns false if it is not well-formed. */
static bool
decode_base64(uint8_t *data, size_t *len)
{
	size_t digits = remove_breaks(data, *len), padding = 0;
	uint8_t *to = data;
	uint32_t bits = 0;

	if (digits % 4 != 0)
		return false;
	while (padding < 2 && padding < digits && data[digits - 1 - padding] == '=')
		padding++;
	for (size_t i = 0; i < digits; i++)
	{
		int value = i < digits - padding ? value_of_digit(data[i]) : 0;

		if (value < 0)
			return false;
		bits = bits << 6 | (uint32_t) value;
		if (i % 4 != 3)
			continue;
		*to++ = (uint8_t) (bits >> 16);
		*to++ = (uint8_t) (bits >> 8);
		*to++ = (uint8_t) bits;
	}
	*len = (size_t) (to - data) - padding;
	return true;
}

/* ---------- what it is ---------- */

/* Returns true if data may be JSON with events. */
bool
flow_json_recognizes(const uint8_t *data, size_t len)
{
	size_t i = 0;

	while (i < len && (data[i] == ' ' || data[i] == '\t' || data[i] == '\n' || data[i] == '\r'))
		i++;
	return i < len && (data[i] == '{' || data[i] == '[');
}

/* Returns true if a text is one JSON object, well-formed. */
bool
flow_json_content_is_object(FlowSlice text)
{
	const uint8_t *in = (const uint8_t *) text.data, *end = in + text.len;
	FlowJsonTokenizer tokens;
	FlowJsonToken token;

	flow_json_start(&tokens);
	if (flow_json_next(&tokens, &in, end) != FLOW_JSON_OBJECT)
		return false;
	do
		token = flow_json_next(&tokens, &in, end);
	while (token != FLOW_JSON_MORE && token != FLOW_JSON_ERROR);
	return token == FLOW_JSON_MORE && flow_json_may_end(&tokens);
}

/* Returns true if data begin like text: without control characters. */
static bool
begins_like_text(const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len && i < LOOKED_AT; i++)
		if (data[i] < ' ' && data[i] != '\t' && data[i] != '\n' && data[i] != '\r')
			return false;
	return len > 0;
}

/* Opens the content of a text. */
FlowStatus
flow_json_content_open(const FlowHost *host, FlowJsonContent *content, bool is_data,
                       FlowError *error)
{
	FlowJsonBuffer *text = &content->text;
	FlowStatus status = FLOW_OK;
	bool is_gzip;

	if (text->len == 0 || (is_data && !decode_base64((uint8_t *) text->data, &text->len)))
		return FLOW_END;
	content->in = (const uint8_t *) text->data;
	content->in_end = content->in + text->len;
	content->ended = false;
	is_gzip = is_data &&
	          flow_gzip_codec.recognizes(content->in,
	                                     text->len < FLOW_MAGIC_SIZE ? text->len : FLOW_MAGIC_SIZE);
	if (is_gzip)
		status = flow_gzip_codec.create(host, NULL, &content->gzip, error);
	else if (is_data && !begins_like_text(content->in, text->len))
		return FLOW_END;
	content->is_json = !is_gzip && flow_json_recognizes(content->in, text->len);
	return status;
}

/* ---------- reading ---------- */

/* Inflates the next piece. */
static FlowStatus
inflate(const FlowHost *host, FlowJsonContent *content, const uint8_t **piece_end, FlowError *error)
{
	uint8_t *out;
	FlowStatus status;

	if (content->block == NULL && (content->block = flow_allocate(host, BLOCK_SIZE)) == NULL)
		return flow_error_memory(error);
	out = content->block;
	do
		status = flow_gzip_codec.step(content->gzip,
		                              &content->in,
		                              content->in_end,
		                              true,
		                              &out,
		                              content->block + BLOCK_SIZE,
		                              0,
		                              error);
	while (status == FLOW_OK && out == content->block);
	content->ended = status == FLOW_END;
	*piece_end = out;
	return status == FLOW_END ? FLOW_OK : status;
}

/* Returns the next piece of the content. */
FlowStatus
flow_json_content_read(const FlowHost *host, FlowJsonContent *content, const uint8_t **piece,
                       const uint8_t **piece_end, bool *last, FlowError *error)
{
	bool first = content->gzip != NULL && content->block == NULL;
	FlowStatus status = FLOW_OK;

	if (content->gzip != NULL)
	{
		status = inflate(host, content, piece_end, error);
		*piece = content->block;
		if (first && status == FLOW_OK)
			content->is_json = flow_json_recognizes(*piece, (size_t) (*piece_end - *piece));
	}
	else
	{
		size_t len = (size_t) (content->in_end - content->in);

		*piece = content->in;
		content->in += len < FLOW_BLOCK_SIZE ? len : FLOW_BLOCK_SIZE;
		*piece_end = content->in;
		content->ended = content->in == content->in_end;
	}
	*last = content->ended;
	return status;
}

/* ---------- closing ---------- */

void
flow_json_content_close(const FlowHost *host, FlowJsonContent *content)
{
	if (content->gzip != NULL)
		flow_gzip_codec.free(content->gzip);
	flow_free(host, content->block);
	content->gzip = NULL;
	content->block = NULL;
}

void
flow_json_content_free(const FlowHost *host, FlowJsonContent *content)
{
	flow_json_content_close(host, content);
	flow_free(host, content->text.data);
}
