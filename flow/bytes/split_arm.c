/*-------------------------------------------------------------------------
 *
 * split_arm.c
 *	  The splitter for arm64: NEON, which every such processor has.
 *
 *-------------------------------------------------------------------------
 */
#include "ends.h"
#include "split.h"

#if defined(__aarch64__) && !defined(__AARCH64EB__)

#include <arm_neon.h>

#define VECTORS 4 /* of 16 bytes, in a word */

/*
 * Returns 64 bits for the bytes of four vectors, each byte 0 or 0xFF.  NEON
 * has no instruction for that: one different bit is kept of each byte, and
 * adding neighbours three times puts 8 of them into one byte.
 */
static flow_always_inline uint64_t
bits_neon(const uint8x16_t x[VECTORS])
{
	const uint8x16_t own = vreinterpretq_u8_u64(vdupq_n_u64(UINT64_C(0x8040201008040201)));
	uint8x16_t low = vpaddq_u8(vandq_u8(x[0], own), vandq_u8(x[1], own));
	uint8x16_t high = vpaddq_u8(vandq_u8(x[2], own), vandq_u8(x[3], own));
	uint8x16_t sum = vpaddq_u8(low, high);

	return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(sum, sum)), 0);
}

/* Splits with NEON, one word at a time. */
void
flow_split_neon(const char *data, size_t len, char separator, FlowEnds *ends)
{
	const uint8x16_t nl = vdupq_n_u8('\n'), sep = vdupq_n_u8((uint8_t) separator);
	const uint8x16_t zero = vdupq_n_u8('0'), nine = vdupq_n_u8(9);
	const int8x16_t space = vdupq_n_s8(0x20);
	char tail[FLOW_SPLIT_WORD];
	FlowBits newline = {ends->newline, 0}, digits = {ends->digits, 0};
	uint64_t start_carry = 1, digit_carry = 0, special_carry = 0;
	size_t count = 0;

	if (flow_split_needs_portable(separator))
	{
		flow_split_portable(data, len, separator, ends);
		return;
	}

	ends->any_special = false;
	for (size_t at = 0; at < len; at += FLOW_SPLIT_WORD)
	{
		const char *p = data + at;
		uint8x16_t is_newline[VECTORS], is_end[VECTORS], is_digit[VECTORS], is_special[VECTORS],
			any;
		uint64_t end, start, sum;

		if (flow_unlikely(len - at < FLOW_SPLIT_WORD))
			p = flow_split_pad(tail, FLOW_SPLIT_WORD, p, len - at, separator);
#pragma GCC unroll 4
		for (int i = 0; i < VECTORS; i++)
		{
			uint8x16_t x = vld1q_u8((const uint8_t *) p + 16 * i);

			is_newline[i] = vceqq_u8(x, nl);
			is_end[i] = vorrq_u8(is_newline[i], vceqq_u8(x, sep));
			is_digit[i] = vcleq_u8(vsubq_u8(x, zero), nine);
			is_special[i] = vbicq_u8(vcltq_s8(vreinterpretq_s8_u8(x), space), is_end[i]);
		}
		/* find the fields of digits */
		end = bits_neon(is_end);
		start = end << 1 | start_carry;
		start_carry = end >> 63;
		sum = flow_split_digits(start, bits_neon(is_digit), &digit_carry);
		/* mark special fields, which are rare */
		any = vorrq_u8(vorrq_u8(is_special[0], is_special[1]),
		               vorrq_u8(is_special[2], is_special[3]));
		if (flow_unlikely((start & end) != 0 || special_carry != 0 || vmaxvq_u8(any) != 0))
			special_carry = flow_split_mark_special(ends,
			                                        count,
			                                        end,
			                                        start,
			                                        bits_neon(is_special),
			                                        special_carry);
		/* append the ends */
		count = flow_split_append_ends(ends->next,
		                               (uint32_t) at + 1,
		                               count,
		                               end,
		                               bits_neon(is_newline),
		                               sum,
		                               &newline,
		                               &digits,
		                               true);
	}
	ends->count = count;
}

#endif /* __aarch64__ */
