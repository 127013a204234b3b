/*-------------------------------------------------------------------------
 *
 * json_scan.h
 *	  Finds the end of the plain bytes in a JSON string.
 *
 * Plain bytes are those that stand for themselves: ASCII without control
 * characters, the quote and the backslash.  The portable version processes 8
 * bytes at a time.  The other one uses SSE2, which all x86-64 processors have,
 * processes 16 bytes, and is tested against it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_JSON_SCAN_H
#define FLOW_JSON_SCAN_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

#define FLOW_JSON_SLACK 16 /* bytes that a copy may write after its room */

static inline bool
flow_json_is_plain(uint8_t byte)
{
	return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

/* Returns the first byte that is not plain, or "end". */
static inline const uint8_t *
flow_json_skip_plain_portable(const uint8_t *p, const uint8_t *end)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	const uint64_t tops = ones << 7;

	/* subtracting sets the top bit of a byte that is too small */
	for (; end - p >= 8; p += 8)
	{
		uint64_t word, quote, backslash;

		memcpy(&word, p, sizeof(word));
		quote = word ^ ones * '"';
		backslash = word ^ ones * '\\';
		if (((word | (word - ones * 0x20) | (quote - ones) | (backslash - ones)) & tops) != 0)
			break;
	}
	while (p < end && flow_json_is_plain(*p))
		p++;
	return p;
}

/*
 * Copies plain bytes up to the first other one, at most "room".  Returns their
 * number.
 */
static inline size_t
flow_json_copy_plain_portable(char *to, size_t room, const uint8_t *p, const uint8_t *end)
{
	const uint8_t *stop = (size_t) (end - p) < room ? end : p + room;
	size_t len = (size_t) (flow_json_skip_plain_portable(p, stop) - p);

	memcpy(to, p, len);
	return len;
}

#if defined(__x86_64__)

/*
 * Returns a bit for each byte that is not plain.  The comparison is signed, so
 * that bytes from 0x80 on are less than 0x20.
 */
static inline unsigned
flow_json_find_other(__m128i x)
{
	__m128i control = _mm_cmplt_epi8(x, _mm_set1_epi8(0x20));
	__m128i quote = _mm_cmpeq_epi8(x, _mm_set1_epi8('"'));
	__m128i backslash = _mm_cmpeq_epi8(x, _mm_set1_epi8('\\'));

	return (unsigned) _mm_movemask_epi8(_mm_or_si128(control, _mm_or_si128(quote, backslash)));
}

static inline const uint8_t *
flow_json_skip_plain(const uint8_t *p, const uint8_t *end)
{
	for (; end - p >= 16; p += 16)
	{
		unsigned other = flow_json_find_other(_mm_loadu_si128((const __m128i *) p));

		if (other != 0)
			return p + __builtin_ctz(other);
	}
	while (p < end && flow_json_is_plain(*p))
		p++;
	return p;
}

static inline size_t
flow_json_copy_plain(char *to, size_t room, const uint8_t *p, const uint8_t *end)
{
	size_t len = 0;

	for (; len < room && end - p >= 16; p += 16, len += 16)
	{
		__m128i x = _mm_loadu_si128((const __m128i *) p);
		unsigned other = flow_json_find_other(x);

		_mm_storeu_si128((__m128i *) (to + len), x);
		if (other != 0)
		{
			len += (size_t) __builtin_ctz(other);
			return len < room ? len : room;
		}
	}
	if (len >= room)
		return room;
	while (len < room && p < end && flow_json_is_plain(*p))
		to[len++] = (char) *p++;
	return len;
}

#else

#define flow_json_skip_plain flow_json_skip_plain_portable
#define flow_json_copy_plain flow_json_copy_plain_portable

#endif

#endif /* FLOW_JSON_SCAN_H */
