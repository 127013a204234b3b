/*-------------------------------------------------------------------------
 *
 * encoding.h
 *	  Decodes the values of a page: one row of a table for each encoding
 *	  (Encodings.md in apache/parquet-format).
 *
 * Values are those that are not NULL, without gaps.  They are decoded some at
 * a time, into arrays of the leaf's form.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_ENCODING_H
#define FLOW_ENCODING_H

#include "metadata.h"
#include "rle.h"

/*
 * rows of which the encodings that build texts decode at most that many at
 * once
 */
#define FLOW_DECODER_BUILDS 1024

/* Where values go; only the array of the leaf's form is there. */
typedef struct FlowDecoded
{
	int64_t *numbers;
	double *reals;
	FlowSlice *texts;
} FlowDecoded;

/* A buffer that grows. */
typedef struct FlowRoom
{
	uint8_t *data;
	size_t size;
} FlowRoom;

/* The state of DELTA_BINARY_PACKED. */
typedef struct FlowDelta
{
	const uint8_t *at, *end;
	uint32_t block, minis; /* numbers of a block, miniblocks of a block */
	uint64_t left;         /* numbers that follow, buffered ones included */
	uint64_t last;         /* the last number, modulo 2^64 */
	bool begun;            /* the first number, which is in the header, was returned */

	/* the current block */
	uint64_t least;        /* is added to each difference */
	const uint8_t *widths; /* of the miniblocks that follow */
	uint32_t minis_left;

	/* the current miniblock */
	unsigned width;
	uint32_t mini_left; /* numbers of it that were not unpacked */

	uint64_t unpacked[FLOW_GROUP * 4];
	unsigned unpacked_at, unpacked_len;
} FlowDelta;

typedef struct FlowDecoder
{
	const FlowHost *host;
	const FlowParquetLeaf *leaf;
	const FlowParquetStored *stored;

	const uint8_t *at, *end; /* of the data that follow */

	/* the state, by encoding */
	unsigned bit;       /* PLAIN booleans: the next bit of *at */
	FlowRle rle;        /* RLE booleans */
	FlowDelta delta;    /* DELTA_*: numbers, or lengths of texts or of their ends */
	FlowDelta prefixes; /* DELTA_BYTE_ARRAY: lengths of their beginnings */
	FlowSlice last;     /* DELTA_BYTE_ARRAY: the last text, in "kept" */
	size_t count, next; /* BYTE_STREAM_SPLIT: values, and the next one */

	/* buffers, which are kept from page to page */
	FlowRoom texts, kept;
} FlowDecoder;

/*
 * What decoding has come to: NULL, or what the page has that is wrong, such as
 * "a text that is longer than the data".
 */
typedef const char *FlowWrong;

/* errors that are not the page's; in damage.c */
extern const char flow_wrong_memory[], flow_wrong_interrupted[], flow_wrong_limit[];

typedef struct FlowEncoding
{
	const char *name;
	uint32_t types;    /* enum Type, as bits: those that it is defined for */
	size_t max_values; /* that "read" decodes at once; 0: any number */

	/* begins a page; at and end of the decoder are set */
	FlowWrong (*begin)(FlowDecoder *decoder);
	/* decodes the next values */
	FlowWrong (*read)(FlowDecoder *decoder, size_t count, FlowDecoded *to);
	/* skips the next values; NULL: they have to be read */
	FlowWrong (*skip)(FlowDecoder *decoder, size_t count);
} FlowEncoding;

/* The encodings of codes into a dictionary have no functions. */
extern const FlowEncoding flow_plain_encoding;        /* plain.c */
extern const FlowEncoding flow_rle_encoding;          /* rle_boolean.c */
extern const FlowEncoding flow_delta_encoding;        /* delta.c */
extern const FlowEncoding flow_delta_length_encoding; /* delta_length.c */
extern const FlowEncoding flow_delta_bytes_encoding;  /* delta_bytes.c */
extern const FlowEncoding flow_stream_split_encoding; /* stream_split.c */

/* enum Encoding */
#define FLOW_ENCODED_PLAIN 0
#define FLOW_ENCODED_PLAIN_DICTIONARY 2
#define FLOW_ENCODED_RLE 3
#define FLOW_ENCODED_RLE_DICTIONARY 8

/* in encoding.c */

/*
 * Returns an encoding, or NULL if there is none of that number that is read.
 */
extern const FlowEncoding *flow_encoding(int32_t number);

/* Returns the name of an encoding, for messages. */
extern const char *flow_encoding_name(int32_t number);

/* in room.c */

/*
 * Makes room for "size" bytes and FLOW_PAGE_PADDING more; the contents may be
 * lost.
 */
extern bool flow_room_reserve(const FlowHost *host, FlowRoom *room, size_t size);
extern void flow_room_free(const FlowHost *host, FlowRoom *room);

#endif /* FLOW_ENCODING_H */
