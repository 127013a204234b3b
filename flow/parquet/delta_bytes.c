/*-------------------------------------------------------------------------
 *
 * delta_bytes.c
 *	  DELTA_BYTE_ARRAY: how many bytes each text has in common with the one
 *	  before, the lengths of their other bytes, and these bytes.
 *
 *-------------------------------------------------------------------------
 */
#include "delta.h"

#include <string.h>

static FlowWrong
delta_bytes_begin(FlowDecoder *decoder)
{
	FlowWrong wrong;

	decoder->last = (FlowSlice) {"", 0};
	wrong = flow_delta_init(&decoder->prefixes, decoder->at, decoder->end);
	if (wrong == NULL)
		wrong = flow_delta_end(decoder->host, &decoder->prefixes, &decoder->at);
	if (wrong == NULL)
		wrong = flow_delta_init(&decoder->delta, decoder->at, decoder->end);
	if (wrong == NULL)
		wrong = flow_delta_end(decoder->host, &decoder->delta, &decoder->at);
	return wrong;
}

/* Keeps the last text, for its bytes are about to be written over. */
static FlowWrong
keep_last(FlowDecoder *decoder)
{
	FlowSlice last = decoder->last;

	if (last.len == 0 || last.data == (const char *) decoder->kept.data)
		return NULL;
	if (!flow_room_reserve(decoder->host, &decoder->kept, last.len))
		return flow_wrong_memory;
	memcpy(decoder->kept.data, last.data, last.len);
	decoder->last.data = (const char *) decoder->kept.data;
	return NULL;
}

/* Checks the lengths and makes room for the texts. */
static FlowWrong
make_room(FlowDecoder *decoder, const uint64_t *prefixes, const uint64_t *suffixes, size_t count)
{
	uint64_t before = decoder->last.len, left = (uint64_t) (decoder->end - decoder->at);
	uint64_t size = 0;

	for (size_t i = 0; i < count; i++)
	{
		if (prefixes[i] > before)
			return "a text that has more bytes of the one before than that has";
		if (suffixes[i] > left)
			return "a text that is longer than the data";
		left -= suffixes[i];
		before = prefixes[i] + suffixes[i];
		size += before;
		if (decoder->stored->len != 0 && before != decoder->stored->len)
			return "a value of another length than its type";
	}
	if (size > FLOW_PARQUET_MAX_PAGE)
		return flow_wrong_limit;
	return flow_room_reserve(decoder->host, &decoder->texts, (size_t) size) ? NULL
	                                                                        : flow_wrong_memory;
}

static FlowWrong
delta_bytes_read(FlowDecoder *decoder, size_t count, FlowDecoded *to)
{
	uint64_t prefixes[FLOW_DECODER_BUILDS], suffixes[FLOW_DECODER_BUILDS];
	FlowWrong wrong = flow_delta_read(&decoder->prefixes, prefixes, count);
	FlowSlice last;
	char *at;

	if (wrong == NULL)
		wrong = flow_delta_read(&decoder->delta, suffixes, count);
	if (wrong == NULL)
		wrong = keep_last(decoder);
	if (wrong == NULL)
		wrong = make_room(decoder, prefixes, suffixes, count);
	if (wrong != NULL)
		return wrong;

	last = decoder->last;
	at = (char *) decoder->texts.data;
	for (size_t i = 0; i < count; i++)
	{
		memcpy(at, last.data, prefixes[i]);
		memcpy(at + prefixes[i], decoder->at, suffixes[i]);
		decoder->at += suffixes[i];
		last = (FlowSlice) {at, (size_t) (prefixes[i] + suffixes[i])};
		to->texts[i] = last;
		at += last.len;
	}
	decoder->last = last;
	return NULL;
}

const FlowEncoding flow_delta_bytes_encoding = {.name = "DELTA_BYTE_ARRAY",
                                                .types =
                                                    1 << FLOW_STORED_BYTES | 1 << FLOW_STORED_FIXED,
                                                .max_values = FLOW_DECODER_BUILDS,
                                                .begin = delta_bytes_begin,
                                                .read = delta_bytes_read};
