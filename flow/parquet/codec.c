/*-------------------------------------------------------------------------
 *
 * codec.c
 *	  Decompresses pages: the table of codecs.
 *
 *-------------------------------------------------------------------------
 */
#include "codec.h"

/* enum CompressionCodec */
static const FlowPageCodec codecs[] = {
	[0] = {"none", NULL, NULL, NULL},
	[1] = {"Snappy", NULL, NULL, flow_snappy_block},
	[2] = {"gzip", NULL, &flow_gzip_codec, NULL},
	[3] = {"LZO", "compressed by LZO", NULL, NULL},
	[4] = {"Brotli", "compressed by Brotli", NULL, NULL},
	[5] = {"LZ4", "compressed by LZ4 in Hadoop's frames", NULL, NULL},
	[6] = {"zstd", NULL, &flow_zstd_codec, NULL},
	[7] = {"LZ4", NULL, NULL, flow_lz4_block},
};

const FlowPageCodec *
flow_page_codec(int32_t number)
{
	return number >= 0 && (size_t) number < flow_countof(codecs) ? &codecs[number] : NULL;
}

/* Decompresses by a codec of a stream. */
static FlowStatus
inflate_stream(const FlowHost *host, void *state, const FlowCodec *stream, const uint8_t *in,
               size_t in_len, uint8_t *out, size_t out_len, uint64_t offset, FlowError *error)
{
	const uint8_t *at = in, *in_end = in + in_len;
	uint8_t *to = out, *out_end = out + out_len + 1;
	FlowStatus status;

	do
	{
		if (flow_interrupted(host))
			return flow_error_interrupted(error);
		status = stream->step(
			state, &at, in_end, true, &to, out_end, offset + (uint64_t) (at - in), error);
	} while (status == FLOW_OK && to < out_end);

	if (status == FLOW_OK || (status == FLOW_END && to != out_end - 1))
		return flow_error_set(error, FLOW_CORRUPT, "is damaged");
	return status == FLOW_END ? FLOW_OK : status;
}

/* Decompresses a page. */
FlowStatus
flow_page_inflate(const FlowHost *host, const FlowPageCodec *codec, FlowPageInflater *inflater,
                  const uint8_t *in, size_t in_len, uint8_t *out, size_t out_len, uint64_t offset,
                  FlowError *error)
{
	FlowStatus status;

	if (codec->block != NULL)
	{
		if (out_len > FLOW_PARQUET_MAX_RAW_PAGE || in_len > FLOW_PARQUET_MAX_RAW_PAGE)
			return flow_error_set(error,
			                      FLOW_LIMIT,
			                      "has a page of more than %d MiB, compressed by %s",
			                      FLOW_PARQUET_MAX_RAW_PAGE / (1024 * 1024),
			                      codec->name);
		if (flow_interrupted(host))
			return flow_error_interrupted(error);
		return codec->block(in, in_len, out, out_len)
		           ? FLOW_OK
		           : flow_error_set(error, FLOW_CORRUPT, "is damaged");
	}

	/* keep the state for the next page */
	if (inflater->stream != codec->stream)
	{
		flow_page_inflater_free(inflater);
		status = codec->stream->create(host, NULL, &inflater->state, error);
		if (status != FLOW_OK)
			return status;
		inflater->stream = codec->stream;
	}
	else
		codec->stream->reset(inflater->state);
	return inflate_stream(
		host, inflater->state, codec->stream, in, in_len, out, out_len, offset, error);
}

void
flow_page_inflater_free(FlowPageInflater *inflater)
{
	if (inflater->stream != NULL)
		inflater->stream->free(inflater->state);
	*inflater = (FlowPageInflater) {NULL, NULL};
}
