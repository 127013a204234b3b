/*-------------------------------------------------------------------------
 *
 * codec.h
 *	  Decompresses pages.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_PAGE_CODEC_H
#define FLOW_PAGE_CODEC_H

#include "parquet.h"

#include "bytes/source.h"

/* Readable bytes that must follow those of a page, for reading words. */
#define FLOW_PAGE_PADDING 64

/* A value of enum CompressionCodec. */
typedef struct FlowPageCodec
{
	const char *name; /* NULL: not read */
	/* why a column that is so compressed is refused, see FlowParquetLeaf */
	const char *refused;
	/* one of a stream, which can be interrupted; or */
	const FlowCodec *stream;
	/* one of a block: returns false if it is damaged or not exactly out_len */
	bool (*block)(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_len);
} FlowPageCodec;

/*
 * Returns what decompresses a codec, or NULL if there is none of that number.
 */
extern const FlowPageCodec *flow_page_codec(int32_t number);

/* What is kept from page to page. */
typedef struct FlowPageInflater
{
	const FlowCodec *stream;
	void *state;
} FlowPageInflater;

/*
 * Decompresses a page to exactly out_len bytes.  There must be room for one
 * more.  "offset" is that of the data in the file.  Returns FLOW_CORRUPT with
 * a message that does not say where; otherwise as FlowCodec.step.
 */
extern FlowStatus flow_page_inflate(const FlowHost *host, const FlowPageCodec *codec,
                                    FlowPageInflater *inflater, const uint8_t *in, size_t in_len,
                                    uint8_t *out, size_t out_len, uint64_t offset,
                                    FlowError *error);
extern void flow_page_inflater_free(FlowPageInflater *inflater);

/* in codec_snappy.c and codec_lz4.c */
extern bool flow_snappy_block(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_len);
extern bool flow_lz4_block(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_len);

#endif /* FLOW_PAGE_CODEC_H */
