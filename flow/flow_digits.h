/*-------------------------------------------------------------------------
 *
 * flow_digits.h
 *	  Decimal digits by arithmetic on words: up to eight at once, in the same
 *	  time however many there are.
 *
 * A field that does not have the form that a function here knows may still be
 * a number or an address.  The function then returns false, and value.c or
 * value_address.c decides.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_API_DIGITS_H
#define FLOW_API_DIGITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* A call would cost as much as the work of these functions. */
#if defined(__GNUC__)
#define flow_always_inline inline __attribute__((always_inline))
#else
#define flow_always_inline inline
#endif

/*
 * Returns the 8 bytes at an address as a word.  The first byte is the lowest
 * of the word on every machine.
 */
static inline uint64_t
flow_load_word(const char *data)
{
	uint64_t word;

	memcpy(&word, data, sizeof(word));
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	return word;
}

static inline uint32_t
flow_load_half(const char *data)
{
	uint32_t half;

	memcpy(&half, data, sizeof(half));
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
	half = __builtin_bswap32(half);
#endif
	return half;
}

/*
 * Returns 1 to 8 digits as a word for flow_eight_digits, padded with leading
 * zeros.  All 8 bytes must be readable, whatever follows the digits.
 */
static inline uint64_t
flow_load_digits(const char *data, uint32_t len)
{
	return (flow_load_word(data) ^ UINT64_C(0x3030303030303030)) << (64 - 8 * len);
}

/* The same if only the digits are readable. */
static inline uint64_t
flow_load_digits_alone(const char *data, uint32_t len)
{
	uint64_t word;

	if (len == 8)
		return flow_load_digits(data, len);
	if (len >= 4)
		word = flow_load_half(data) | (uint64_t) flow_load_half(data + len - 4) << (8 * (len - 4));
	else
		word = (uint64_t) (uint8_t) data[0] |
		       (uint64_t) (uint8_t) data[len / 2] << (8 * (len / 2)) |
		       (uint64_t) (uint8_t) data[len - 1] << (8 * (len - 1));
	return (word ^ UINT64_C(0x3030303030303030)) << (64 - 8 * len);
}

/*
 * Returns the high bit of every byte that is not a digit, in a word that was
 * loaded that way; above the first such byte the bits may be wrong.
 */
static inline uint64_t
flow_non_digits(uint64_t word)
{
	return ((word + UINT64_C(0x7676767676767676)) | word) & UINT64_C(0x8080808080808080);
}

/*
 * Returns the number that eight digits make.  Each step joins neighbours,
 * pairs first.
 */
static inline uint64_t
flow_eight_digits(uint64_t word)
{
	word = (word * 10 + (word >> 8)) & UINT64_C(0x00FF00FF00FF00FF);
	word = (word * 100 + (word >> 16)) & UINT64_C(0x0000FFFF0000FFFF);
	return (word * 10000 + (word >> 32)) & UINT64_C(0xFFFFFFFF);
}

#define FLOW_MAX_DIGITS 16

/*
 * Reads 1 to 16 digits; returns false if the field is anything else.
 * "may_pass": 8 bytes are readable at the field whatever its length, which
 * saves a branch.
 */
static flow_always_inline bool
flow_read_digits(const char *data, size_t len, bool may_pass, uint64_t *number)
{
	uint64_t word, high = 0;

	/* an empty field's len - 1 is too large as well */
	if (len - 1 >= FLOW_MAX_DIGITS)
		return false;
	if (len > 8)
	{
		word = may_pass ? flow_load_digits(data, (uint32_t) len - 8)
		                : flow_load_digits_alone(data, (uint32_t) len - 8);
		if (flow_non_digits(word) != 0)
			return false;
		high = flow_eight_digits(word) * 100000000;
		word = flow_load_digits(data + len - 8, 8);
	}
	else
		word = may_pass ? flow_load_digits(data, (uint32_t) len)
		                : flow_load_digits_alone(data, (uint32_t) len);
	if (flow_non_digits(word) != 0)
		return false;
	*number = high + flow_eight_digits(word);
	return true;
}

#if defined(__SSE2__)

/*
 * Finds the dots among 16 bytes, a bit for each, and the bytes that are
 * neither dots nor digits.
 */
static inline void
flow_find_dots(uint64_t first, uint64_t last, uint32_t *dots, uint32_t *others)
{
	__m128i bytes = _mm_set_epi64x((int64_t) last, (int64_t) first);
	__m128i values = _mm_sub_epi8(bytes, _mm_set1_epi8('0'));
	__m128i is_dot = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('.'));
	__m128i is_digit = _mm_cmpeq_epi8(_mm_min_epu8(values, _mm_set1_epi8(9)), values);

	*dots = (uint32_t) _mm_movemask_epi8(is_dot);
	*others = (uint32_t) _mm_movemask_epi8(_mm_or_si128(is_dot, is_digit)) ^ 0xFFFF;
}

#else

/*
 * Returns a bit for each byte of a word whose high bit is set.  All other bits
 * of the word must be 0.
 */
static inline uint32_t
flow_high_bits(uint64_t word)
{
	/*
	 * the highest byte of the product has the lowest bit of each byte, in
	 * order
	 */
	return (uint32_t) ((word >> 7) * UINT64_C(0x0102040810204080) >> 56);
}

static inline uint32_t
flow_dot_bits(uint64_t word)
{
	const uint64_t low_bits = UINT64_C(0x7F7F7F7F7F7F7F7F);

	word ^= UINT64_C(0x2E2E2E2E2E2E2E2E);
	return flow_high_bits(~(((word & low_bits) + low_bits) | word | low_bits));
}

static inline void
flow_find_dots(uint64_t first, uint64_t last, uint32_t *dots, uint32_t *others)
{
	*dots = flow_dot_bits(first) | flow_dot_bits(last) << 8;
	*others = (flow_high_bits(flow_non_digits(first ^ UINT64_C(0x3030303030303030))) |
	           flow_high_bits(flow_non_digits(last ^ UINT64_C(0x3030303030303030))) << 8) &
	          ~*dots;
}

#endif

/*
 * Converts two numbers of up to four digits, each in a half of a word loaded
 * as for flow_eight_digits.  Returns the two numbers in the same halves.
 */
static inline uint64_t
flow_four_digits_twice(uint64_t word)
{
	word = (word * 10 + (word >> 8)) & UINT64_C(0x00FF00FF00FF00FF);
	return (word * 100 + (word >> 16)) & UINT64_C(0x0000FFFF0000FFFF);
}

/*
 * Reads the form that nearly every address of a log has: up to 15 bytes, in
 * which three dots separate four numbers up to 255, each of one to four
 * digits.  "may_pass": 16 bytes are readable at the field whatever its length.
 */
static flow_always_inline bool
flow_read_dotted_quad(const char *data, size_t len, bool may_pass, uint8_t *bytes)
{
	const uint32_t zeros = UINT32_C(0x30303030);
	uint32_t inside = (UINT32_C(1) << (len & 15)) - 1;
	uint64_t first, last, low, high;
	uint32_t dots, others;
	uint32_t two, one;       /* dots without the first one, without the first two */
	uint32_t a, b, c;        /* offsets of the dots */
	uint32_t na, nb, nc, nd; /* digits of the numbers around them */

	if (len - 7 > 15 - 7)
		return false;
	if (may_pass)
	{
		first = flow_load_word(data);
		last = flow_load_word(data + 8);
	}
	else if (len > 7)
	{
		first = flow_load_word(data);
		last = flow_load_word(data + len - 8) >> (8 * (15 - len)) >> 8;
	}
	else
	{
		first = flow_load_half(data) | (uint64_t) (flow_load_half(data + 3) >> 8) << 32;
		last = 0;
	}

	flow_find_dots(first, last, &dots, &others);
	dots &= inside;
	two = dots & (dots - 1);
	one = two & (two - 1);
	if ((others & inside) != 0 || one == 0 || (one & (one - 1)) != 0)
		return false;
	a = (uint32_t) __builtin_ctz(dots);
	b = (uint32_t) __builtin_ctz(two);
	c = (uint32_t) __builtin_ctz(one);
	na = a;
	nb = b - a - 1;
	nc = c - b - 1;
	nd = (uint32_t) len - c - 1;
	if (((na - 1) | (nb - 1) | (nc - 1) | (nd - 1)) > 3)
		return false;

	/*
	 * load the first two numbers from their first digit on, the others up to
	 * their last digit: all of these bytes are inside the field
	 */
	low = (uint32_t) ((flow_load_half(data) ^ zeros) << (32 - 8 * na)) |
	      (uint64_t) ((flow_load_half(data + a + 1) ^ zeros) << (32 - 8 * nb)) << 32;
	high = ((flow_load_half(data + c - 4) ^ zeros) >> (32 - 8 * nc) << (32 - 8 * nc)) |
	       (uint64_t) ((flow_load_half(data + len - 4) ^ zeros) >> (32 - 8 * nd) << (32 - 8 * nd))
	           << 32;
	low = flow_four_digits_twice(low);
	high = flow_four_digits_twice(high);
	if (((low | high) & UINT64_C(0xFFFFFF00FFFFFF00)) != 0)
		return false;
	bytes[0] = (uint8_t) low;
	bytes[1] = (uint8_t) (low >> 32);
	bytes[2] = (uint8_t) high;
	bytes[3] = (uint8_t) (high >> 32);
	return true;
}

/* Returns the value of a hexadecimal digit, or -1 if the character is none. */
static inline int
flow_hex_value(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

#endif /* FLOW_API_DIGITS_H */
