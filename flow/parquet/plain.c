/*-------------------------------------------------------------------------
 *
 * plain.c
 *	  PLAIN: the values one after the other, numbers with their lowest byte
 *	  first, bits from the lowest on, texts after their length in four bytes.
 *
 *-------------------------------------------------------------------------
 */
#include "encoding.h"

#include <string.h>

static const char too_few[] = "fewer values than rows";

static uint64_t
load64(const uint8_t *data)
{
	return flow_load_word((const char *) data);
}

static uint32_t
load32(const uint8_t *data)
{
	return flow_load_half((const char *) data);
}

/* Takes "count" values of "len" bytes each; NULL if there are fewer. */
static const uint8_t *
take(FlowDecoder *decoder, size_t count, size_t len)
{
	const uint8_t *at = decoder->at;

	if (count > (size_t) (decoder->end - at) / len)
		return NULL;
	decoder->at += count * len;
	return at;
}

static FlowWrong
read_boolean(FlowDecoder *decoder, size_t count, FlowDecoded *to)
{
	if (count > (size_t) (decoder->end - decoder->at) * 8 - decoder->bit)
		return too_few;
	for (size_t i = 0; i < count; i++)
	{
		to->numbers[i] = *decoder->at >> decoder->bit & 1;
		decoder->bit = (decoder->bit + 1) % 8;
		decoder->at += decoder->bit == 0;
	}
	return NULL;
}

static FlowWrong
read_int32(FlowDecoder *decoder, size_t count, FlowDecoded *to)
{
	const uint8_t *at = take(decoder, count, 4);
	int64_t *numbers = to->numbers;

	if (at == NULL)
		return too_few;
	if (decoder->leaf->kind == FLOW_PARQUET_UNSIGNED)
		for (size_t i = 0; i < count; i++)
			numbers[i] = load32(at + i * 4);
	else
		for (size_t i = 0; i < count; i++)
			numbers[i] = (int32_t) load32(at + i * 4);
	return NULL;
}

static FlowWrong
read_int64(FlowDecoder *decoder, size_t count, FlowDecoded *to)
{
	const uint8_t *at = take(decoder, count, 8);
	int64_t *numbers = to->numbers;

	if (at == NULL)
		return too_few;
	for (size_t i = 0; i < count; i++)
		numbers[i] = (int64_t) load64(at + i * 8);
	return NULL;
}

static FlowWrong
read_float(FlowDecoder *decoder, size_t count, FlowDecoded *to)
{
	const uint8_t *at = take(decoder, count, 4);

	if (at == NULL)
		return too_few;
	for (size_t i = 0; i < count; i++)
	{
		uint32_t word = load32(at + i * 4);
		float real;

		memcpy(&real, &word, sizeof(real));
		to->reals[i] = real;
	}
	return NULL;
}

static FlowWrong
read_double(FlowDecoder *decoder, size_t count, FlowDecoded *to)
{
	const uint8_t *at = take(decoder, count, 8);

	if (at == NULL)
		return too_few;
	for (size_t i = 0; i < count; i++)
	{
		uint64_t word = load64(at + i * 8);

		memcpy(&to->reals[i], &word, sizeof(word));
	}
	return NULL;
}

static FlowWrong
read_bytes(FlowDecoder *decoder, size_t count, FlowDecoded *to)
{
	const uint8_t *at = decoder->at, *end = decoder->end;

	for (size_t i = 0; i < count; i++)
	{
		uint32_t len;

		if (end - at < 4)
			return too_few;
		len = load32(at);
		at += 4;
		if (len > (size_t) (end - at))
			return "a text that is longer than the data";
		to->texts[i] = (FlowSlice) {(const char *) at, len};
		at += len;
	}
	decoder->at = at;
	return NULL;
}

static FlowWrong
skip_bytes(FlowDecoder *decoder, size_t count)
{
	const uint8_t *at = decoder->at, *end = decoder->end;

	for (size_t i = 0; i < count; i++)
	{
		uint32_t len;

		if (end - at < 4)
			return too_few;
		len = load32(at);
		at += 4;
		if (len > (size_t) (end - at))
			return "a text that is longer than the data";
		at += len;
	}
	decoder->at = at;
	return NULL;
}

static FlowWrong
read_fixed(FlowDecoder *decoder, size_t count, FlowDecoded *to)
{
	size_t len = decoder->stored->len;
	const uint8_t *at = take(decoder, count, len);

	if (at == NULL)
		return too_few;
	for (size_t i = 0; i < count; i++)
		to->texts[i] = (FlowSlice) {(const char *) at + i * len, len};
	return NULL;
}

static FlowWrong (*const read_type[])(FlowDecoder *decoder, size_t count, FlowDecoded *to) = {
	[FLOW_STORED_BOOLEAN] = read_boolean,
	[FLOW_STORED_INT32] = read_int32,
	[FLOW_STORED_INT64] = read_int64,
	[FLOW_STORED_INT96] = read_fixed,
	[FLOW_STORED_FLOAT] = read_float,
	[FLOW_STORED_DOUBLE] = read_double,
	[FLOW_STORED_BYTES] = read_bytes,
	[FLOW_STORED_FIXED] = read_fixed,
};

static FlowWrong
plain_begin(FlowDecoder *decoder)
{
	decoder->bit = 0;
	return NULL;
}

static FlowWrong
plain_read(FlowDecoder *decoder, size_t count, FlowDecoded *to)
{
	return read_type[decoder->stored->type](decoder, count, to);
}

static FlowWrong
plain_skip(FlowDecoder *decoder, size_t count)
{
	if (decoder->stored->type == FLOW_STORED_BYTES)
		return skip_bytes(decoder, count);
	if (decoder->stored->type != FLOW_STORED_BOOLEAN)
		return take(decoder, count, decoder->stored->len) != NULL ? NULL : too_few;
	if (count > (size_t) (decoder->end - decoder->at) * 8 - decoder->bit)
		return too_few;
	decoder->at += (decoder->bit + count) / 8;
	decoder->bit = (unsigned) ((decoder->bit + count) % 8);
	return NULL;
}

const FlowEncoding flow_plain_encoding = {.name = "PLAIN",
                                          .types = 0xFF,
                                          .begin = plain_begin,
                                          .read = plain_read,
                                          .skip = plain_skip};
