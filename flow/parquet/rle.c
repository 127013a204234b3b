/*-------------------------------------------------------------------------
 *
 * rle.c
 *	  Reads numbers in runs and in packed groups.
 *
 * A run begins with a header, a number of seven bits in each byte, the lowest
 * first.  If its lowest bit is set, the others are the number of groups that
 * follow; otherwise they are the number of times that one number is repeated,
 * which follows in whole bytes.
 *
 *-------------------------------------------------------------------------
 */
#include "rle.h"

#include <string.h>

void
flow_rle_init(FlowRle *rle, const uint8_t *data, size_t len, unsigned width)
{
	*rle = (FlowRle) {.at = data,
	                  .end = data + len,
	                  .width = width,
	                  .unpack = flow_unpacker(0),
	                  .rest_at = FLOW_GROUP};
}

/* Begins the next run that is not empty.  Returns false at the end. */
static bool
next_run(FlowRle *rle)
{
	while (rle->left == 0)
	{
		uint32_t header = 0;
		uint64_t count;

		for (int shift = 0;; shift += 7)
		{
			if (rle->at == rle->end || shift > 28 || (shift == 28 && *rle->at > 0x0F))
				return false;
			header |= (uint32_t) (*rle->at & 0x7F) << shift;
			if (*rle->at++ < 0x80)
				break;
		}

		rle->packed = (header & 1) != 0;
		if (rle->packed)
		{
			/* some writers leave out the end of the last group */
			uint64_t there = (uint64_t) (rle->end - rle->at) * 8;

			count = (uint64_t) (header >> 1) * FLOW_GROUP;
			if (rle->width > 0 && count > there / rle->width)
				count = there / rle->width;
			rle->left = count < UINT32_MAX ? (uint32_t) count : UINT32_MAX;
			continue;
		}

		rle->left = header >> 1;
		rle->number = 0;
		for (unsigned i = 0; i < (rle->width + 7) / 8; i++)
		{
			if (rle->at == rle->end)
			{
				rle->left = 0;
				return false;
			}
			rle->number |= (uint32_t) *rle->at++ << 8 * i;
		}
	}
	return true;
}

uint32_t
flow_rle_same(FlowRle *rle, uint32_t *number)
{
	if (rle->rest_at < FLOW_GROUP || !next_run(rle) || rle->packed)
		return 0;
	*number = rle->number;
	return rle->left;
}

/* Leaves a packed group, of which all or the last has been read. */
static void
pass_groups(FlowRle *rle, uint32_t count, size_t groups)
{
	size_t bytes = groups * rle->width;

	rle->left -= count;
	/* the end of the last group may be missing */
	rle->at = bytes < (size_t) (rle->end - rle->at) ? rle->at + bytes : rle->end;
}

/* Unpacks the next group and returns the number of its numbers that count. */
static void
begin_group(FlowRle *rle)
{
	uint32_t count = rle->left < FLOW_GROUP ? rle->left : FLOW_GROUP;

	rle->unpack(rle->at, rle->width, rle->rest, 1);
	/* keep them at the end */
	if (count < FLOW_GROUP)
		memmove(rle->rest + FLOW_GROUP - count, rle->rest, count * sizeof(rle->rest[0]));
	rle->rest_at = FLOW_GROUP - count;
	pass_groups(rle, count, 1);
}

/* Reads the next numbers. */
bool
flow_rle_read(FlowRle *rle, uint32_t *numbers, size_t count)
{
	while (count > 0)
	{
		size_t len;

		if (rle->rest_at < FLOW_GROUP)
		{
			len = FLOW_GROUP - rle->rest_at < count ? FLOW_GROUP - rle->rest_at : count;
			memcpy(numbers, rle->rest + rle->rest_at, len * sizeof(numbers[0]));
			rle->rest_at += (unsigned) len;
		}
		else if (!next_run(rle))
			return false;
		else if (!rle->packed)
		{
			len = rle->left < count ? rle->left : count;
			for (size_t i = 0; i < len; i++)
				numbers[i] = rle->number;
			rle->left -= (uint32_t) len;
		}
		else
		{
			len = (rle->left < count ? rle->left : count) / FLOW_GROUP * FLOW_GROUP;
			if (len == 0)
			{
				begin_group(rle);
				continue;
			}
			rle->unpack(rle->at, rle->width, numbers, len / FLOW_GROUP);
			pass_groups(rle, (uint32_t) len, len / FLOW_GROUP);
		}
		numbers += len;
		count -= len;
	}
	return true;
}

/* Skips the next numbers. */
bool
flow_rle_skip(FlowRle *rle, uint64_t count)
{
	while (count > 0)
	{
		uint64_t len;

		if (rle->rest_at < FLOW_GROUP)
		{
			len = FLOW_GROUP - rle->rest_at < count ? FLOW_GROUP - rle->rest_at : count;
			rle->rest_at += (unsigned) len;
		}
		else if (!next_run(rle))
			return false;
		else if (!rle->packed)
		{
			len = rle->left < count ? rle->left : count;
			rle->left -= (uint32_t) len;
		}
		else
		{
			len = (rle->left < count ? rle->left : count) / FLOW_GROUP * FLOW_GROUP;
			if (len == 0)
			{
				begin_group(rle);
				continue;
			}
			pass_groups(rle, (uint32_t) len, (size_t) (len / FLOW_GROUP));
		}
		count -= len;
	}
	return true;
}

/* Returns the sum of bytes that are 0 or 1. */
static size_t
count_ones(const uint8_t *bytes, size_t count)
{
	size_t sum = 0, i = 0;

	for (; i + 8 <= count; i += 8)
		sum += flow_load_word((const char *) bytes + i) * UINT64_C(0x0101010101010101) >> 56;
	for (; i < count; i++)
		sum += bytes[i];
	return sum;
}

/* Reads packed groups of one bit as bytes. */
static void
match_bits(FlowRle *rle, uint32_t wanted, uint8_t *matches, size_t len)
{
	flow_unpack_bits(rle->at, matches, len / FLOW_GROUP);
	if (wanted == 0)
		for (size_t i = 0; i < len; i++)
			matches[i] ^= 1;
	pass_groups(rle, (uint32_t) len, len / FLOW_GROUP);
}

/* Compares the next numbers. */
bool
flow_rle_match(FlowRle *rle, uint32_t wanted, uint8_t *matches, size_t count, size_t *found)
{
	uint32_t numbers[256];

	*found = 0;
	while (count > 0)
	{
		size_t len = 0;

		if (rle->rest_at == FLOW_GROUP)
		{
			if (!next_run(rle))
				return false;
			len = rle->left < count ? rle->left : count;
			if (rle->packed)
				len = rle->width == 1 ? len / FLOW_GROUP * FLOW_GROUP : 0;
		}

		/* a run of one number, or one of bits */
		if (len > 0 && !rle->packed)
		{
			if (rle->number > wanted)
				return false;
			memset(matches, rle->number == wanted, len);
			*found += rle->number == wanted ? len : 0;
			rle->left -= (uint32_t) len;
		}
		else if (len > 0)
		{
			size_t equal;

			match_bits(rle, wanted, matches, len);
			equal = count_ones(matches, len);
			/* every bit that is set is above 0 */
			if (wanted == 0 && equal < len)
				return false;
			*found += equal;
		}
		else
		{
			uint32_t above = 0;

			len = count < flow_countof(numbers) ? count : flow_countof(numbers);
			/* not far into the next run, which may be long */
			if (rle->rest_at < FLOW_GROUP && len > FLOW_GROUP - rle->rest_at)
				len = FLOW_GROUP - rle->rest_at;
			else if (len > rle->left && rle->rest_at == FLOW_GROUP)
				len = rle->left;
			if (!flow_rle_read(rle, numbers, len))
				return false;
			for (size_t i = 0; i < len; i++)
			{
				above |= numbers[i] > wanted;
				matches[i] = numbers[i] == wanted;
			}
			if (above)
				return false;
			*found += count_ones(matches, len);
		}
		matches += len;
		count -= len;
	}
	return true;
}
