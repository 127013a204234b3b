/*-------------------------------------------------------------------------
 *
 * unpack.c
 *	  Unpacks numbers that are packed bit by bit.
 *
 * There is a function for each width, so that all shifts and masks are
 * constants: 5 billion numbers a second instead of 2.5 in one loop for all
 * widths.  Bits go to bytes by arithmetic on a word, 15 billion a second.
 *
 * The version for AVX2 takes a group at once, 1.3 instructions a number instead
 * of 4.2.
 *
 *-------------------------------------------------------------------------
 */
#include "rle.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

/* clang-format off */
#define WIDTHS(DO) \
	DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) \
	DO(11) DO(12) DO(13) DO(14) DO(15) DO(16) DO(17) DO(18) DO(19) DO(20) DO(21) \
	DO(22) DO(23) DO(24) DO(25) DO(26) DO(27) DO(28) DO(29) DO(30) DO(31) DO(32)
/* clang-format on */

typedef void (*UnpackWidth)(const uint8_t *in, uint32_t *numbers, size_t groups);

/* ---------- AVX2 ---------- */

#if defined(__x86_64__)

#define USES_AVX2 __attribute__((target("avx2")))

/* A number is shifted out of four bytes, so it may begin at any of the first's bits. */
#define WIDEST_AVX2 25

/* The bits from the beginning of the half of a group, a whole byte, to number i. */
#define BITS_TO(width, i) ((i) * (width) - (i) / 4 * ((width) / 2 * 8))
#define FIRST_BYTE(width, i) (BITS_TO(width, i) / 8)
#define SHIFT(width, i) (int) (BITS_TO(width, i) % 8)

/* four bytes from the first of number i on */
#define BYTES_OF(width, i)                                                                         \
	(char) FIRST_BYTE(width, i), (char) (FIRST_BYTE(width, i) + 1),                                \
		(char) (FIRST_BYTE(width, i) + 2), (char) (FIRST_BYTE(width, i) + 3)

/* Unpacks groups of numbers of "width" bits, which is compiled in. */
USES_AVX2 static flow_always_inline void
unpack_avx2(const uint8_t *in, unsigned width, uint32_t *numbers, size_t groups)
{
	const __m256i bytes = _mm256_setr_epi8(BYTES_OF(width, 0),
	                                       BYTES_OF(width, 1),
	                                       BYTES_OF(width, 2),
	                                       BYTES_OF(width, 3),
	                                       BYTES_OF(width, 4),
	                                       BYTES_OF(width, 5),
	                                       BYTES_OF(width, 6),
	                                       BYTES_OF(width, 7));
	const __m256i shifts = _mm256_setr_epi32(SHIFT(width, 0),
	                                         SHIFT(width, 1),
	                                         SHIFT(width, 2),
	                                         SHIFT(width, 3),
	                                         SHIFT(width, 4),
	                                         SHIFT(width, 5),
	                                         SHIFT(width, 6),
	                                         SHIFT(width, 7));
	const __m256i mask = _mm256_set1_epi32((int) ((UINT32_C(1) << width) - 1));

	for (; groups > 0; groups--, in += width, numbers += FLOW_GROUP)
	{
		__m256i group =
			_mm256_inserti128_si256(_mm256_castsi128_si256(
										_mm_loadu_si128((const __m128i *) (const void *) in)),
		                            _mm_loadu_si128(
										(const __m128i *) (const void *) (in + width / 2)),
		                            1);

		group = _mm256_srlv_epi32(_mm256_shuffle_epi8(group, bytes), shifts);
		_mm256_storeu_si256((__m256i *) (void *) numbers, _mm256_and_si256(group, mask));
	}
}

#define UNPACK_AVX2(width)                                                                         \
	USES_AVX2 static void unpack_avx2_##width(const uint8_t *in, uint32_t *numbers, size_t groups) \
	{                                                                                              \
		unpack_avx2(in, (width) < WIDEST_AVX2 ? (width) : WIDEST_AVX2, numbers, groups);           \
	}

WIDTHS(UNPACK_AVX2)

#define ROW_AVX2(width) unpack_avx2_##width,

static const UnpackWidth by_width_avx2[] = {WIDTHS(ROW_AVX2)};

static void
unpack_by_avx2(const uint8_t *in, unsigned width, uint32_t *numbers, size_t groups)
{
	if (width <= WIDEST_AVX2)
		by_width_avx2[width](in, numbers, groups);
	else
		flow_unpack(in, width, numbers, groups);
}

static bool
has_avx2(void)
{
	return __builtin_cpu_supports("avx2");
}

#endif

/* ---------- portable ---------- */

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

WIDTHS(UNPACK)

#define ROW(width) unpack_##width,

static const UnpackWidth by_width[] = {WIDTHS(ROW)};

void
flow_unpack(const uint8_t *in, unsigned width, uint32_t *numbers, size_t groups)
{
	by_width[width](in, numbers, groups);
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

/* ---------- the versions ---------- */

FlowUnpack
flow_unpacker(int version)
{
#ifdef __x86_64__
	if (has_avx2() && version-- == 0)
		return unpack_by_avx2;
#endif
	return version == 0 ? flow_unpack : NULL;
}
