/*-------------------------------------------------------------------------
 *
 * split.h
 *	  What the versions of the splitter share: their names, and steps that
 *	  all of them take with 64 bytes of a log at a time, a "word".
 *
 * A version finds, for each word, masks with a bit for each byte: is it an
 * end, is it a newline, is it a digit, is it odd.  The rest is arithmetic.
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
 * Copies the last bytes of the data into a buffer that may be read to its end:
 * what follows them is no end, no digit, and not odd.
 */
static inline const char *
flow_split_pad(char *buffer, size_t size, const char *data, size_t len, char separator)
{
	memset(buffer, separator == 'x' ? 'y' : 'x', size);
	memcpy(buffer, data, len);
	return buffer;
}

/*
 * Is a byte that separates also one that the arithmetic takes for something
 * else?
 */
static inline bool
flow_split_needs_portable(char separator)
{
	return separator >= '0' && separator <= '9';
}

/*
 * At the ends of fields that are all digits the result has a bit set; others
 * of its bits mean nothing.  Where a field starts with a digit, adding one to
 * its digits carries through the run of them to the byte behind.  A run may go
 * on in the next word: *carry is 1 if all of the last field so far are digits.
 *
 * The sum of both carries is never above 1: a carry comes from a byte before
 * that is a digit, a start from one that is an end.  So the carry out of bit
 * 63 is where a digit's bit became 0.
 */
static flow_always_inline uint64_t
flow_split_digits(uint64_t start, uint64_t digit, uint64_t *carry)
{
	uint64_t sum = (start & digit) + digit + *carry;

	*carry = (digit & ~sum) >> 63;
	return sum;
}

/*
 * Sets the bits of a word's odd ends, of which the first is number "count".
 * "odd" has a bit by byte that is odd and no end.  An odd byte carries through
 * the bytes of its field to the end; returns 1 if that is in a later word, and
 * takes what was returned for the word before.
 *
 * Few words have any, so odd[] is cleared when the first is met.
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
 * Bits that are appended to a bit array: what does not fill a byte waits in
 * "part".
 */
typedef struct FlowBits
{
	uint8_t *bytes; /* the array */
	uint64_t part;  /* the count % 8 bits of its last byte */
} FlowBits;

/*
 * Appends n bits, 64 at most, to an array that has "count".  Bits from n on
 * must be 0.  Writes 8 bytes, or 9 if so many are needed.
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
 * How many bits are set.  x86-64 need not have an instruction for that, and
 * the compiler's library would be called.
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
 * Appends a word's ends to next[] and to both bit arrays, where no instruction
 * gathers bits.  "digits" is flow_split_digits's.  Returns the new count.
 *
 * Of v2 records 98 % of the words have at most 10 ends: those are taken
 * without asking whether there are so many, as a wrong guess costs as much as
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
	const uint64_t last = UINT64_C(1) << 63; /* it may not be asked where the lowest bit of 0 is */
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
