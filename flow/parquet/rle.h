/*-------------------------------------------------------------------------
 *
 * rle.h
 *	  Reads numbers of a fixed width, as runs of one number and as groups of
 *	  eight that are packed bit by bit: Encodings.md, "RLE / Bit-Packing Hybrid".
 *
 * All data must be followed by FLOW_PAGE_PADDING readable bytes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_RLE_H
#define FLOW_RLE_H

#include "codec.h"

#define FLOW_GROUP 8 /* numbers that are packed together */

/*
 * Unpacks groups of eight numbers of up to 32 bits, the lowest bit first.  A
 * group has "width" bytes.
 */
typedef void (*FlowUnpack)(const uint8_t *in, unsigned width, uint32_t *numbers, size_t groups);

typedef struct FlowRle
{
	const uint8_t *at, *end;
	unsigned width; /* bits of a number: at most 32 */
	FlowUnpack unpack;

	/* the current run */
	bool packed;
	uint32_t left;   /* numbers of it that follow, apart from "rest" */
	uint32_t number; /* of a run that is not packed */

	/* the end of a group of which the beginning has been returned */
	uint32_t rest[FLOW_GROUP];
	unsigned rest_at; /* FLOW_GROUP: there is none */
} FlowRle;

/* Returns true if eight bytes that are 0 or 1 are all 1. */
static inline bool
flow_all_present(const uint8_t *present)
{
	return flow_load_word((const char *) present) == UINT64_C(0x0101010101010101);
}

extern void flow_rle_init(FlowRle *rle, const uint8_t *data, size_t len, unsigned width);

/*
 * Returns how many of the next numbers are known to be the same, and that
 * number.  0: not known, or there is none.
 */
extern uint32_t flow_rle_same(FlowRle *rle, uint32_t *number);

/* Reads the next numbers.  Returns false if there are fewer. */
extern bool flow_rle_read(FlowRle *rle, uint32_t *numbers, size_t count);

/* Skips the next numbers.  Returns false if there are fewer. */
extern bool flow_rle_skip(FlowRle *rle, uint64_t count);

/*
 * Reads the next numbers as bytes that are 1 where the number is "wanted" and
 * 0 elsewhere.  *found is how many are 1.  Returns false if there are fewer
 * numbers, or one is above "wanted".
 */
extern bool flow_rle_match(FlowRle *rle, uint32_t wanted, uint8_t *matches, size_t count,
                           size_t *found);

/* in unpack.c */

/*
 * Returns a FlowUnpack that this processor can run, the fastest of which is
 * version 0; NULL if there are not as many.
 */
extern FlowUnpack flow_unpacker(int version);

/* The one of them that any processor can run. */
extern void flow_unpack(const uint8_t *in, unsigned width, uint32_t *numbers, size_t groups);

/* As flow_unpack, for numbers of up to 64 bits. */
extern void flow_unpack_wide(const uint8_t *in, unsigned width, uint64_t *numbers, size_t groups);

/* Unpacks groups of eight bits into bytes that are 0 or 1. */
extern void flow_unpack_bits(const uint8_t *in, uint8_t *bits, size_t groups);

#endif /* FLOW_RLE_H */
