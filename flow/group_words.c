/*-------------------------------------------------------------------------
 *
 * group_words.c
 *	  Makes words of the fields of many records, as flow_word_of_field does.
 *
 * There is a version for SSE4.1, which takes the 16 bytes of a field at once,
 * and a portable one, which makes a key first and takes 45 instructions more for
 * a field.
 *
 *-------------------------------------------------------------------------
 */
#include "group_word.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

/* Returns the word of a field, at whose beginning FLOW_KEY_SHORT bytes are readable. */
typedef uint64_t (*LoadWord)(const char *data, uint32_t len);

/* Does what all versions have in common; "load" is compiled in. */
static inline __attribute__((always_inline)) uint64_t
read_each(const char *data, const uint32_t *ends, const uint32_t *rows, size_t count,
          uint64_t *words, LoadWord load)
{
	uint64_t any = 0;

	for (size_t i = 0; i < count; i++)
	{
		const uint32_t *next = ends + rows[i];

		words[i] = load(data + next[-1], next[0] - 1 - next[-1]);
		any |= words[i];
	}
	return any;
}

/* ---------- SSE4.1 ---------- */

#if defined(__x86_64__)

#define USES_SSE4 __attribute__((target("sse4.1")))

/* 16 bytes from 16 - "len" on keep the first "len" bytes of as many */
static const uint8_t first_bytes[2 * FLOW_KEY_SHORT] = {
	0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};

USES_SSE4 static inline uint64_t
load_word_sse4(const char *data, uint32_t len)
{
	/* longer ones come at random, as IPv6 does: these are no branch */
	uint32_t kept = len < FLOW_KEY_SHORT ? len : FLOW_KEY_SHORT - 1;
	__m128i keep = _mm_loadu_si128((const __m128i *) (first_bytes + FLOW_KEY_SHORT - kept));
	__m128i bytes = _mm_loadu_si128((const __m128i *) data);
	__m128i nibbles, others;
	uint64_t fits, word;

	/* what is not from '-' to ';' */
	others = _mm_subs_epu8(_mm_sub_epi8(bytes, _mm_set1_epi8('-')), _mm_set1_epi8(';' - '-'));
	fits = (uint64_t) (_mm_testz_si128(others, keep) & (len < FLOW_KEY_SHORT));
	nibbles = _mm_blendv_epi8(_mm_set1_epi8(FLOW_WORD_PAD), bytes, keep);
	nibbles = _mm_and_si128(nibbles, _mm_set1_epi8(0x0F));
	/* join neighbours, the second one being the higher */
	nibbles = _mm_maddubs_epi16(nibbles, _mm_set1_epi16(16 << 8 | 1));
	word = (uint64_t) _mm_cvtsi128_si64(_mm_packus_epi16(nibbles, nibbles)) & (0 - fits);
	if (flow_likely(len >= sizeof(uint64_t) || fits != 0))
		return word;
	return (uint64_t) _mm_cvtsi128_si64(_mm_and_si128(bytes, keep)) | flow_word_bytes_head(len);
}

USES_SSE4 static uint64_t
read_words_sse4(const char *data, const uint32_t *ends, const uint32_t *rows, size_t count,
                uint64_t *words)
{
	return read_each(data, ends, rows, count, words, load_word_sse4);
}

static bool
has_sse4(void)
{
	return __builtin_cpu_supports("sse4.1");
}

#endif

/* ---------- portable ---------- */

static inline uint64_t
load_word(const char *data, uint32_t len)
{
	static const uint64_t no_seed[FLOW_KEY_SEEDS];
	FlowFieldKey key;

	if (flow_unlikely(len >= FLOW_KEY_SHORT))
		return 0;
	key = flow_key_load(no_seed, data, len);
	return flow_word_of_field(&key);
}

static uint64_t
read_words(const char *data, const uint32_t *ends, const uint32_t *rows, size_t count,
           uint64_t *words)
{
	return read_each(data, ends, rows, count, words, load_word);
}

/* ---------- the versions ---------- */

FlowReadWords
flow_group_words(int version)
{
#ifdef __x86_64__
	if (has_sse4() && version-- == 0)
		return read_words_sse4;
#endif
	return version == 0 ? read_words : NULL;
}
