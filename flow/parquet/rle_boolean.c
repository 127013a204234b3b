/*-------------------------------------------------------------------------
 *
 * rle_boolean.c
 *	  RLE, as the encoding of booleans: the length of the data in four bytes,
 *	  and runs of bits.
 *
 *-------------------------------------------------------------------------
 */
#include "encoding.h"

static FlowWrong
rle_begin(FlowDecoder *decoder)
{
	uint32_t len;

	/* a page of NULLs may have no values at all */
	if (decoder->at == decoder->end)
	{
		flow_rle_init(&decoder->rle, decoder->at, 0, 1);
		return NULL;
	}
	if (decoder->end - decoder->at < 4)
		return "fewer values than rows";
	len = flow_load_half((const char *) decoder->at);
	if (len > (size_t) (decoder->end - decoder->at - 4))
		return "runs that are longer than the data";
	flow_rle_init(&decoder->rle, decoder->at + 4, len, 1);
	return NULL;
}

static FlowWrong
rle_read(FlowDecoder *decoder, size_t count, FlowDecoded *to)
{
	uint8_t bits[256];

	for (size_t done = 0, len, found; done < count; done += len)
	{
		len = count - done < flow_countof(bits) ? count - done : flow_countof(bits);
		if (!flow_rle_match(&decoder->rle, 1, bits, len, &found))
			return "fewer values than rows";
		for (size_t i = 0; i < len; i++)
			to->numbers[done + i] = bits[i];
	}
	return NULL;
}

static FlowWrong
rle_skip(FlowDecoder *decoder, size_t count)
{
	return flow_rle_skip(&decoder->rle, count) ? NULL : "fewer values than rows";
}

const FlowEncoding flow_rle_encoding = {.name = "RLE",
                                        .types = 1 << FLOW_STORED_BOOLEAN,
                                        .begin = rle_begin,
                                        .read = rle_read,
                                        .skip = rle_skip};
