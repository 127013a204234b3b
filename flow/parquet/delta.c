/*-------------------------------------------------------------------------
 *
 * delta.c
 *	  DELTA_BINARY_PACKED: numbers as differences, in blocks, each of which has
 *	  miniblocks of packed numbers of one width.
 *
 * The header has the numbers of a block, the miniblocks of a block, the count
 * of all numbers, and the first of them.  A block has its least difference,
 * the widths of its miniblocks in a byte each, and the miniblocks; those that
 * no number is in have no data, and their widths say nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "delta.h"

#include <string.h>

static const char too_few[] = "fewer values than rows";
static const char bad_header[] = "a header of differences that is not valid";

/*
 * Reads a number of seven bits in each byte.  Returns false if there is none.
 */
static bool
read_varint(const uint8_t **at, const uint8_t *end, uint64_t *number)
{
	*number = 0;
	for (int shift = 0; shift < 64 && *at < end; shift += 7)
	{
		uint8_t byte = *(*at)++;

		if (shift == 63 && byte > 1)
			return false;
		*number |= (uint64_t) (byte & 0x7F) << shift;
		if (byte < 0x80)
			return true;
	}
	return false;
}

/* Reads a signed number, modulo 2^64. */
static bool
read_zigzag(const uint8_t **at, const uint8_t *end, uint64_t *number)
{
	if (!read_varint(at, end, number))
		return false;
	*number = *number >> 1 ^ -(*number & 1);
	return true;
}

/* Begins with a header. */
FlowWrong
flow_delta_init(FlowDelta *delta, const uint8_t *data, const uint8_t *end)
{
	uint64_t block, minis;

	*delta = (FlowDelta) {.at = data, .end = end};
	/* a page of NULLs may have no values at all */
	if (data == end)
		return NULL;
	if (!read_varint(&delta->at, end, &block) || !read_varint(&delta->at, end, &minis) ||
	    !read_varint(&delta->at, end, &delta->left) || !read_zigzag(&delta->at, end, &delta->last))
		return bad_header;
	/* groups of eight are enough for us; the format says 32 */
	if (block == 0 || block > 1 << 24 || minis == 0 || minis > block ||
	    block % (minis * FLOW_GROUP) != 0)
		return bad_header;
	delta->block = (uint32_t) block;
	delta->minis = (uint32_t) minis;
	return NULL;
}

/* Begins the next miniblock.  There is at least one more number. */
static FlowWrong
next_mini(FlowDelta *delta)
{
	/* begin a block */
	if (delta->minis_left == 0)
	{
		if (!read_zigzag(&delta->at, delta->end, &delta->least) ||
		    (size_t) (delta->end - delta->at) < delta->minis)
			return too_few;
		delta->widths = delta->at;
		delta->at += delta->minis;
		delta->minis_left = delta->minis;
	}

	delta->width = *delta->widths++;
	delta->minis_left--;
	delta->mini_left = delta->block / delta->minis;
	return delta->width <= 64 ? NULL : "differences of more than 64 bits";
}

/* Unpacks some numbers of the miniblock, at most as many as follow. */
static FlowWrong
unpack_some(FlowDelta *delta)
{
	uint32_t groups = flow_countof(delta->unpacked) / FLOW_GROUP;
	uint32_t count;
	size_t bytes;

	if (groups > delta->mini_left / FLOW_GROUP)
		groups = delta->mini_left / FLOW_GROUP;
	count = groups * FLOW_GROUP;
	bytes = (size_t) groups * delta->width;

	/* the end of the last miniblock may be missing */
	if (bytes > (size_t) (delta->end - delta->at))
	{
		uint64_t there = (uint64_t) (delta->end - delta->at) * 8 / delta->width;

		if (there < delta->left)
			return too_few;
		bytes = (size_t) (delta->end - delta->at);
		groups = (uint32_t) ((delta->left + FLOW_GROUP - 1) / FLOW_GROUP);
	}
	flow_unpack_wide(delta->at, delta->width, delta->unpacked, groups);
	delta->at += bytes;
	delta->mini_left -= count;
	delta->unpacked_at = 0;
	delta->unpacked_len = count;
	return NULL;
}

/* Reads the next numbers. */
FlowWrong
flow_delta_read(FlowDelta *delta, uint64_t *numbers, size_t count)
{
	FlowWrong wrong;

	if (count > delta->left)
		return too_few;
	if (count > 0 && !delta->begun)
	{
		delta->begun = true;
		delta->left--;
		*numbers++ = delta->last;
		count--;
	}

	while (count > 0)
	{
		size_t len = delta->unpacked_len - delta->unpacked_at;
		const uint64_t *unpacked = delta->unpacked + delta->unpacked_at;
		uint64_t last = delta->last, least = delta->least;

		if (len == 0)
		{
			wrong = delta->mini_left == 0 ? next_mini(delta) : NULL;
			if (wrong == NULL)
				wrong = unpack_some(delta);
			if (wrong != NULL)
				return wrong;
			continue;
		}
		if (len > count)
			len = count;
		for (size_t i = 0; i < len; i++)
		{
			last += least + unpacked[i];
			numbers[i] = last;
		}
		delta->last = last;
		delta->unpacked_at += (unsigned) len;
		delta->left -= len;
		numbers += len;
		count -= len;
	}
	return NULL;
}

/* Finds the end of all numbers. */
FlowWrong
flow_delta_end(const FlowHost *host, const FlowDelta *delta, const uint8_t **end)
{
	FlowDelta walk = *delta;
	const uint8_t *asked = walk.at;
	FlowWrong wrong;

	if (walk.left > 0)
		walk.left--; /* the first is in the header */
	while (walk.left > 0)
	{
		size_t bytes;

		wrong = next_mini(&walk);
		if (wrong != NULL)
			return wrong;
		bytes = (size_t) walk.mini_left / FLOW_GROUP * walk.width;
		if (bytes > (size_t) (walk.end - walk.at))
			return too_few;
		walk.at += bytes;
		walk.left -= walk.left < walk.mini_left ? walk.left : walk.mini_left;
		walk.mini_left = 0;

		if (walk.at - asked >= FLOW_BLOCK_SIZE / 4)
		{
			asked = walk.at;
			if (flow_interrupted(host))
				return flow_wrong_interrupted;
		}
	}
	*end = walk.at;
	return NULL;
}

/* ---------- the encoding ---------- */

static FlowWrong
delta_begin(FlowDecoder *decoder)
{
	return flow_delta_init(&decoder->delta, decoder->at, decoder->end);
}

/* Numbers of 32 bits are differences modulo 2^32. */
static FlowWrong
delta_read(FlowDecoder *decoder, size_t count, FlowDecoded *to)
{
	int64_t *numbers = to->numbers;
	FlowWrong wrong = flow_delta_read(&decoder->delta, (uint64_t *) numbers, count);

	if (wrong != NULL || decoder->stored->type == FLOW_STORED_INT64)
		return wrong;
	if (decoder->leaf->kind == FLOW_PARQUET_UNSIGNED)
		for (size_t i = 0; i < count; i++)
			numbers[i] = (uint32_t) numbers[i];
	else
		for (size_t i = 0; i < count; i++)
			numbers[i] = (int32_t) numbers[i];
	return NULL;
}

const FlowEncoding flow_delta_encoding = {.name = "DELTA_BINARY_PACKED",
                                          .types = 1 << FLOW_STORED_INT32 | 1 << FLOW_STORED_INT64,
                                          .begin = delta_begin,
                                          .read = delta_read};
