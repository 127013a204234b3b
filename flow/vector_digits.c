/*-------------------------------------------------------------------------
 *
 * vector_digits.c
 *	  Reads fields of plain digits as numbers, many at a time.
 *
 * There is a version for SSE4.1, which has instructions to join neighbours, so
 * that up to 16 digits take as long as one; and a portable one, which takes
 * two steps for more than eight digits.  (Times in seconds have ten: 1.7 ns
 * instead of 5.2; what has up to eight, 1.6 instead of 3.0.)
 *
 *-------------------------------------------------------------------------
 */
#include "vector.h"

#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

/*
 * Reads the number that "len" digits before "end" make, from 1 to 16 of them;
 * 16 bytes are readable there.  False if there is anything else among them.
 */
typedef bool (*LoadDigits)(const char *end, size_t len, uint64_t *number);

/* Does what all versions have in common; "load" is compiled in. */
static inline __attribute__((always_inline)) size_t
read_each(const FlowDigitFields *fields, size_t first, size_t count, int64_t *numbers,
          uint8_t *present, LoadDigits load)
{
	/*
	 * all in variables, because the compiler cannot know that storing numbers
	 * changes none of it
	 */
	const char *data = fields->data;
	const uint32_t *ends = fields->ends;
	const uint32_t *rows = fields->rows;
	uint64_t limit = fields->limit;
	uint64_t factor = fields->factor;
	size_t i;

	for (i = first; i < count; i++)
	{
		const uint32_t *next = ends + rows[i];
		uint32_t end = next[0] - 1;
		uint32_t len = end - next[-1];
		uint64_t number;

		if (flow_unlikely(len - 1 >= 16 || !load(data + end, len, &number) || number >= limit))
			break;
		numbers[i] = (int64_t) (number * factor);
		present[i] = 1;
	}
	return i;
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__

/* ---------- SSE4.1 ---------- */

#ifdef __x86_64__

#define USES_SSE4 __attribute__((target("sse4.1")))

/* 16 bytes from "len" on keep the last "len" bytes of as many */
static const uint8_t last_bytes[2 * 16] = {[16] = 0xFF,
                                           [17] = 0xFF,
                                           [18] = 0xFF,
                                           [19] = 0xFF,
                                           [20] = 0xFF,
                                           [21] = 0xFF,
                                           [22] = 0xFF,
                                           [23] = 0xFF,
                                           [24] = 0xFF,
                                           [25] = 0xFF,
                                           [26] = 0xFF,
                                           [27] = 0xFF,
                                           [28] = 0xFF,
                                           [29] = 0xFF,
                                           [30] = 0xFF,
                                           [31] = 0xFF};

USES_SSE4 static inline bool
load_digits_sse4(const char *end, size_t len, uint64_t *number)
{
	__m128i keep = _mm_loadu_si128((const __m128i *) (last_bytes + len));
	__m128i bytes = _mm_loadu_si128((const __m128i *) (end - 16));
	__m128i above_nine;
	uint64_t halves;

	bytes = _mm_and_si128(_mm_sub_epi8(bytes, _mm_set1_epi8('0')), keep);
	above_nine = _mm_subs_epu8(bytes, _mm_set1_epi8(9));
	if (flow_unlikely(!_mm_testz_si128(above_nine, above_nine)))
		return false;
	/* each step joins neighbours: to numbers of two digits, of four, of eight */
	bytes = _mm_maddubs_epi16(bytes, _mm_set1_epi16(1 << 8 | 10));
	bytes = _mm_madd_epi16(bytes, _mm_set1_epi32(1 << 16 | 100));
	bytes = _mm_packus_epi32(bytes, bytes);
	bytes = _mm_madd_epi16(bytes, _mm_set1_epi32(1 << 16 | 10000));
	halves = (uint64_t) _mm_cvtsi128_si64(bytes);
	*number = (halves & UINT32_MAX) * 100000000 + (halves >> 32);
	return true;
}

USES_SSE4 static size_t
read_digits_sse4(const FlowDigitFields *fields, size_t first, size_t count, int64_t *numbers,
                 uint8_t *present)
{
	return read_each(fields, first, count, numbers, present, load_digits_sse4);
}

static bool
has_sse4(void)
{
	return __builtin_cpu_supports("sse4.1");
}

#endif

/* ---------- portable ---------- */

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* From 1 to 8 digits, of which the bytes before them are loaded too. */
static inline bool
load_few_digits(const char *end, size_t len, uint64_t *number)
{
	uint64_t wanted = UINT64_MAX << (64 - 8 * len);
	uint64_t bytes;

	memcpy(&bytes, end - 8, 8);
	bytes = (bytes ^ EACH('0')) & wanted;
	if (flow_unlikely((((bytes + EACH(0x06)) | bytes) & EACH(0xF0)) != 0))
		return false;
	bytes = bytes * 10 + (bytes >> 8); /* as in flow_digits.h: each step joins neighbours */
	bytes = (bytes & UINT64_C(0x00FF00FF00FF00FF)) * 100 +
	        ((bytes >> 16) & UINT64_C(0x00FF00FF00FF00FF));
	*number =
		((bytes & UINT64_C(0x0000FFFF0000FFFF)) * 10000 + ((bytes >> 32) & UINT64_C(0x0000FFFF))) &
		UINT64_C(0xFFFFFFFF);
	return true;
}

static inline bool
load_digits(const char *end, size_t len, uint64_t *number)
{
	uint64_t high = 0;

	if (len <= 8)
		return load_few_digits(end, len, number);
	if (!load_few_digits(end, 8, number) || !load_few_digits(end - 8, len - 8, &high))
		return false;
	*number += high * 100000000;
	return true;
}

#else

static inline bool
load_digits(const char *end, size_t len, uint64_t *number)
{
	*number = 0;
	for (const char *c = end - len; c < end; c++)
	{
		if (*c < '0' || *c > '9')
			return false;
		*number = *number * 10 + (uint64_t) (*c - '0');
	}
	return true;
}

#endif

static size_t
read_digits(const FlowDigitFields *fields, size_t first, size_t count, int64_t *numbers,
            uint8_t *present)
{
	return read_each(fields, first, count, numbers, present, load_digits);
}

/* ---------- the versions ---------- */

FlowReadDigits
flow_vector_digits(int version)
{
#ifdef __x86_64__
	if (has_sse4() && version-- == 0)
		return read_digits_sse4;
#endif
	return version == 0 ? read_digits : NULL;
}
