/*-------------------------------------------------------------------------
 *
 * split.h
 *	  What the versions of the splitter share: their declarations, and steps
 *	  that all of them perform on 64 bytes of a log at a time, a "word".
 *
 * For each word a version finds masks with a bit for each byte: whether it is
 * an end, a newline, a digit, or special (below 0x20 or from 0x80 on).  The
 * rest is arithmetic.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_SPLIT_H
#define FLOW_SPLIT_H

#include "ends.h"

#include <string.h>

#define FLOW_SPLIT_WORD 64 /* bytes */

/* in split_portable.c */
extern void flow_split_portable(const char *data, size_t len, char separator, FlowEnds *ends);

/* in split_x86.c */
extern void flow_split_sse2(const char *data, size_t len, char separator, FlowEnds *ends);
extern void flow_split_avx2(const char *data, size_t len, char separator, FlowEnds *ends);
extern bool flow_split_avx2_available(void);
extern void flow_split_avx2_plain(const char *data, size_t len, char separator, FlowEnds *ends);
extern bool flow_split_avx2_plain_available(void);
extern void flow_split_avx512(const char *data, size_t len, char separator, FlowEnds *ends);
extern bool flow_split_avx512_available(void);

/* in split_arm.c */
extern void flow_split_neon(const char *data, size_t len, char separator, FlowEnds *ends);

/*
 * Copies the last bytes of the data into a buffer that may be read to its end.
 * It is filled up with bytes that are no ends, no digits and not special.
 */
static inline const char *
flow_split_pad(char *buffer, size_t size, const char *data, size_t len, char separator)
{
	memset(buffer, separator == 'x' ? 'y' : 'x', size);
	memcpy(buffer, data, len);
	return buffer;
}

/*
 * Returns true if the separator is a byte that the arithmetic takes for
 * something else.
 */
static inline bool
flow_split_needs_portable(char separator)
{
	return separator >= '0' && separator <= '9';
}

/*
 * Finds the fields that consist of digits: the result has a bit set at the
 * ends of such fields.  Its other bits mean nothing.  Where a field starts
 * with a digit, adding one to its digits carries through the run of digits to
 * the byte after it.  A run may continue in the next word: *carry is 1 if the
 * last field so far consists of digits.
 *
 * The sum of both carries is never above 1: a carry comes from a preceding
 * byte that is a digit, a start from a preceding byte that is an end.  So the
 * addition carries out of bit 63 if that bit is a digit's and became 0.
 */
static flow_always_inline uint64_t
flow_split_digits(uint64_t start, uint64_t digit, uint64_t *carry)
{
	uint64_t sum = (start & digit) + digit + *carry;

	*carry = (digit & ~sum) >> 63;
	return sum;
}

/*
 * Sets the bits of a word's special ends.  The word's first end has number
 * "count".  "special" has a bit for each special byte that is no end.  A
 * special byte carries through the bytes of its field to the end.  Returns 1
 * if that is in a later word.  "carry" is what was returned for the word
 * before.
 *
 * Few words have special ends, so special[] is cleared when the first is met.
 */
static inline uint64_t
flow_split_mark_special(FlowEnds *ends, size_t count, uint64_t end, uint64_t start,
                        uint64_t special, uint64_t carry)
{
	uint64_t sum, found;
	bool over;

	over = __builtin_add_overflow(special, ~end, &sum);
	over |= __builtin_add_overflow(sum, carry, &sum);
	found = (sum | start) & end;
	if (found != 0 && !ends->any_special)
	{
		memset(ends->special, 0, FLOW_SPLIT_MAX / 8);
		ends->any_special = true;
	}
	for (; found != 0; found &= found - 1)
	{
		uint64_t before = end & ((found & -found) - 1);
		size_t bit = count + (size_t) __builtin_popcountll(before);

		ends->special[bit / 8] |= (uint8_t) (1 << bit % 8);
	}
	return over;
}

/*
 * Appends bits to a bit array.  Bits that do not fill a byte yet are in
 * "part".
 */
typedef struct FlowBits
{
	uint8_t *bytes; /* the array */
	uint64_t part;  /* the count % 8 bits of its last byte */
} FlowBits;

/*
 * Appends n bits, at most 64, to an array that has "count" bits.  Bits from n
 * on must be 0.  Writes 8 bytes, or 9 if necessary.
 */
static flow_always_inline void
flow_split_append(FlowBits *array, size_t count, uint64_t bits, size_t n)
{
	size_t shift = count % 8;
	uint64_t low = array->part | bits << shift;

	memcpy(array->bytes + count / 8, &low, sizeof(low));
	if (flow_likely(shift + n < 64))
		array->part = low >> ((shift + n) & ~(size_t) 7);
	else
	{
		uint64_t high = shift == 0 ? 0 : bits >> (64 - shift);

		array->part = high;
		array->bytes[count / 8 + 8] = (uint8_t) high;
	}
}

/*
 * Counts the bits that are set.  Not every x86-64 processor has an instruction
 * for that, and without it the compiler would call its library.
 */
static flow_always_inline size_t
flow_split_count(uint64_t bits, bool instruction)
{
	if (instruction)
		return (size_t) __builtin_popcountll(bits);
	bits -= bits >> 1 & UINT64_C(0x5555555555555555);
	bits = (bits & UINT64_C(0x3333333333333333)) + (bits >> 2 & UINT64_C(0x3333333333333333));
	bits = (bits + (bits >> 4)) & UINT64_C(0x0F0F0F0F0F0F0F0F);
	return bits * UINT64_C(0x0101010101010101) >> 56;
}

/*
 * Appends a word's ends to next[] and to both bit arrays, for processors
 * without an instruction that gathers bits.  "digits" is the result of
 * flow_split_digits.  Returns the new count.
 *
 * In v2 records, 98 % of the words have at most 10 ends.  These are stored
 * without checking the count, because a wrong prediction costs as much as
 * three more of them.  Newlines are few, so each is looked up.
 */
static flow_always_inline size_t
flow_split_append_ends(uint32_t *next, uint32_t base, size_t count, uint64_t end, uint64_t newline,
                       uint64_t digits, FlowBits *newline_array, FlowBits *digits_array,
                       bool instruction)
{
	enum
	{
		ONCE = 10
	};
	const uint64_t last = UINT64_C(1) << 63; /* __builtin_ctzll(0) is undefined */
	size_t n = flow_split_count(end, instruction);
	uint64_t some_newline = 0, some_digits = 0, rest = end;

	next += count;
#pragma GCC unroll 10
	for (int i = 0; i < ONCE; i++)
	{
		unsigned place = (unsigned) __builtin_ctzll(rest | last);

		next[i] = base + place;
		some_digits |= (digits >> place & 1) << i;
		rest &= rest - 1;
	}
	if (n < ONCE)
		some_digits &= (UINT64_C(1) << n) - 1;
	for (size_t i = ONCE; flow_unlikely(i < n); i++)
	{
		unsigned place = (unsigned) __builtin_ctzll(rest);

		next[i] = base + place;
		some_digits |= (digits >> place & 1) << i;
		rest &= rest - 1;
	}
	for (; newline != 0; newline &= newline - 1)
		some_newline |= UINT64_C(1)
		                << flow_split_count(end & ((newline & -newline) - 1), instruction);

	flow_split_append(newline_array, count, some_newline, n);
	flow_split_append(digits_array, count, some_digits, n);
	return count + n;
}

#endif /* FLOW_SPLIT_H */
