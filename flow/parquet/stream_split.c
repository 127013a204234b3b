/*-------------------------------------------------------------------------
 *
 * stream_split.c
 *	  BYTE_STREAM_SPLIT: the first bytes of all values, then the second bytes
 *	  of all, and so on.
 *
 *-------------------------------------------------------------------------
 */
#include "encoding.h"

#include <string.h>

static FlowWrong
split_begin(FlowDecoder *decoder)
{
	size_t size = (size_t) (decoder->end - decoder->at), len = decoder->stored->len;

	if (size % len != 0)
		return "values whose bytes are not equally many";
	decoder->count = size / len;
	decoder->next = 0;
	return NULL;
}

/* Gathers the bytes of a number. */
static uint64_t
gather(const uint8_t *at, size_t stride, size_t len)
{
	uint64_t word = 0;

	for (size_t i = len; i-- > 0;)
		word = word << 8 | at[i * stride];
	return word;
}

static void
read_int32(const FlowDecoder *decoder, const uint8_t *at, size_t count, FlowDecoded *to)
{
	if (decoder->leaf->kind == FLOW_PARQUET_UNSIGNED)
		for (size_t i = 0; i < count; i++)
			to->numbers[i] = (uint32_t) gather(at + i, decoder->count, 4);
	else
		for (size_t i = 0; i < count; i++)
			to->numbers[i] = (int32_t) (uint32_t) gather(at + i, decoder->count, 4);
}

static void
read_int64(const FlowDecoder *decoder, const uint8_t *at, size_t count, FlowDecoded *to)
{
	for (size_t i = 0; i < count; i++)
		to->numbers[i] = (int64_t) gather(at + i, decoder->count, 8);
}

static void
read_float(const FlowDecoder *decoder, const uint8_t *at, size_t count, FlowDecoded *to)
{
	for (size_t i = 0; i < count; i++)
	{
		uint32_t word = (uint32_t) gather(at + i, decoder->count, 4);
		float real;

		memcpy(&real, &word, sizeof(real));
		to->reals[i] = real;
	}
}

static void
read_double(const FlowDecoder *decoder, const uint8_t *at, size_t count, FlowDecoded *to)
{
	for (size_t i = 0; i < count; i++)
	{
		uint64_t word = gather(at + i, decoder->count, 8);

		memcpy(&to->reals[i], &word, sizeof(word));
	}
}

static void
read_fixed(const FlowDecoder *decoder, const uint8_t *at, size_t count, FlowDecoded *to)
{
	size_t len = decoder->stored->len;
	uint8_t *text = decoder->texts.data;

	for (size_t i = 0; i < count; i++, text += len)
	{
		for (size_t j = 0; j < len; j++)
			text[j] = at[i + j * decoder->count];
		to->texts[i] = (FlowSlice) {(const char *) text, len};
	}
}

static void (*const read_type[FLOW_STORED_TYPES])(const FlowDecoder *decoder, const uint8_t *at,
                                                  size_t count, FlowDecoded *to) = {
	[FLOW_STORED_INT32] = read_int32,
	[FLOW_STORED_INT64] = read_int64,
	[FLOW_STORED_FLOAT] = read_float,
	[FLOW_STORED_DOUBLE] = read_double,
	[FLOW_STORED_FIXED] = read_fixed,
};

static FlowWrong
split_read(FlowDecoder *decoder, size_t count, FlowDecoded *to)
{
	if (count > decoder->count - decoder->next)
		return "fewer values than rows";
	if (decoder->stored->type == FLOW_STORED_FIXED &&
	    !flow_room_reserve(decoder->host, &decoder->texts, count * decoder->stored->len))
		return flow_wrong_memory;
	read_type[decoder->stored->type](decoder, decoder->at + decoder->next, count, to);
	decoder->next += count;
	return NULL;
}

static FlowWrong
split_skip(FlowDecoder *decoder, size_t count)
{
	if (count > decoder->count - decoder->next)
		return "fewer values than rows";
	decoder->next += count;
	return NULL;
}

const FlowEncoding flow_stream_split_encoding = {.name = "BYTE_STREAM_SPLIT",
                                                 .types = 1 << FLOW_STORED_INT32 |
                                                          1 << FLOW_STORED_INT64 |
                                                          1 << FLOW_STORED_FLOAT |
                                                          1 << FLOW_STORED_DOUBLE |
                                                          1 << FLOW_STORED_FIXED,
                                                 .begin = split_begin,
                                                 .read = split_read,
                                                 .skip = split_skip};
