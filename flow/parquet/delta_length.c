/*-------------------------------------------------------------------------
 *
 * delta_length.c
 *	  DELTA_LENGTH_BYTE_ARRAY: the lengths of all texts, and the texts.
 *
 *-------------------------------------------------------------------------
 */
#include "delta.h"

static FlowWrong
delta_length_begin(FlowDecoder *decoder)
{
	FlowWrong wrong = flow_delta_init(&decoder->delta, decoder->at, decoder->end);

	if (wrong == NULL)
		wrong = flow_delta_end(decoder->host, &decoder->delta, &decoder->at);
	return wrong;
}

static FlowWrong
delta_length_read(FlowDecoder *decoder, size_t count, FlowDecoded *to)
{
	uint64_t lengths[256];

	for (size_t done = 0, len; done < count; done += len)
	{
		FlowWrong wrong;

		len = count - done < flow_countof(lengths) ? count - done : flow_countof(lengths);
		wrong = flow_delta_read(&decoder->delta, lengths, len);
		if (wrong != NULL)
			return wrong;
		for (size_t i = 0; i < len; i++)
		{
			if (lengths[i] > (uint64_t) (decoder->end - decoder->at))
				return "a text that is longer than the data";
			to->texts[done + i] = (FlowSlice) {(const char *) decoder->at, (size_t) lengths[i]};
			decoder->at += lengths[i];
		}
	}
	return NULL;
}

const FlowEncoding flow_delta_length_encoding = {.name = "DELTA_LENGTH_BYTE_ARRAY",
                                                 .types = 1 << FLOW_STORED_BYTES,
                                                 .begin = delta_length_begin,
                                                 .read = delta_length_read};
