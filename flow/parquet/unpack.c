/*-------------------------------------------------------------------------
 *
 * unpack.c
 *	  Unpacks numbers that are packed bit by bit.
 *
 * There is a function for each width, so that all shifts and masks are
 * constants: 5 billion numbers a second instead of 2.5 in one loop for all
 * widths.  Bits go to bytes by arithmetic on a word, 15 billion a second.
 *
 *-------------------------------------------------------------------------
 */
#include "rle.h"

/* Returns number i of a group, of "width" bits. */
static flow_always_inline uint32_t
get(const uint8_t *in, unsigned width, unsigned i)
{
	unsigned bit = i * width;

	return (uint32_t) (flow_load_word((const char *) in + bit / 8) >> bit % 8) &
	       (uint32_t) ((UINT64_C(1) << width) - 1);
}

#define UNPACK(width)                                                                              \
	static void unpack_##width(const uint8_t *in, uint32_t *numbers, size_t groups)                \
	{                                                                                              \
		for (; groups > 0; groups--, in += width, numbers += FLOW_GROUP)                           \
		{                                                                                          \
			numbers[0] = get(in, width, 0);                                                        \
			numbers[1] = get(in, width, 1);                                                        \
			numbers[2] = get(in, width, 2);                                                        \
			numbers[3] = get(in, width, 3);                                                        \
			numbers[4] = get(in, width, 4);                                                        \
			numbers[5] = get(in, width, 5);                                                        \
			numbers[6] = get(in, width, 6);                                                        \
			numbers[7] = get(in, width, 7);                                                        \
		}                                                                                          \
	}

/* clang-format off */
#define WIDTHS(DO) \
	DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) \
	DO(11) DO(12) DO(13) DO(14) DO(15) DO(16) DO(17) DO(18) DO(19) DO(20) DO(21) \
	DO(22) DO(23) DO(24) DO(25) DO(26) DO(27) DO(28) DO(29) DO(30) DO(31) DO(32)

WIDTHS(UNPACK)

#define ROW(width) unpack_##width,

static void (*const unpack[])(const uint8_t *in, uint32_t *numbers, size_t groups) = {WIDTHS(ROW)};
/* clang-format on */

void
flow_unpack(const uint8_t *in, unsigned width, uint32_t *numbers, size_t groups)
{
	unpack[width](in, numbers, groups);
}

void
flow_unpack_wide(const uint8_t *in, unsigned width, uint64_t *numbers, size_t groups)
{
	uint64_t mask = width == 64 ? UINT64_MAX : (UINT64_C(1) << width) - 1;

	for (; groups > 0; groups--, in += width, numbers += FLOW_GROUP)
		for (unsigned i = 0; i < FLOW_GROUP; i++)
		{
			unsigned bit = i * width, shift = bit % 8;
			uint64_t number = flow_load_word((const char *) in + bit / 8) >> shift;

			/* a number of more than 57 bits may be in nine bytes */
			if (shift + width > 64)
				number |= (uint64_t) in[bit / 8 + 8] << (64 - shift);
			numbers[i] = number & mask;
		}
}

void
flow_unpack_bits(const uint8_t *in, uint8_t *bits, size_t groups)
{
	for (; groups > 0; groups--, in++, bits += FLOW_GROUP)
	{
		/*
		 * bit i of the byte goes to byte i of the word, and there to its
		 * lowest bit
		 */
		uint64_t word = *in * UINT64_C(0x0101010101010101) & UINT64_C(0x8040201008040201);

		word = (word + UINT64_C(0x7F7F7F7F7F7F7F7F)) >> 7 & UINT64_C(0x0101010101010101);
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
		word = __builtin_bswap64(word);
#endif
		memcpy(bits, &word, sizeof(word));
	}
}
