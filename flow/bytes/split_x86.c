/*-------------------------------------------------------------------------
 *
 * split_x86.c
 *	  The splitters for x86-64: SSE2, AVX2 and AVX-512.
 *
 * Each function names the instructions that it needs.  Which of them may be
 * called is checked at run time.
 *
 *-------------------------------------------------------------------------
 */
#include "ends.h"
#include "split.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

#define USES_BMI __attribute__((target("bmi,bmi2,popcnt")))
#define USES_AVX2 __attribute__((target("avx2,bmi,bmi2,popcnt")))
#define USES_AVX512                                                                                \
	__attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,bmi,bmi2,popcnt")))

/*
 * SSE2 and AVX2 compare signed bytes.  After adding DIGIT_SHIFT, the digits
 * are the bytes below DIGIT_END.
 */
#define DIGIT_SHIFT ((char) (0x80 - '0'))
#define DIGIT_END ((char) (0x80 + 10))

/* The masks of a word, with a bit for each byte. */
typedef struct Masks
{
	uint64_t end; /* including newlines */
	uint64_t newline;
	uint64_t digit;
	uint64_t special; /* special bytes that are no ends */
} Masks;

/* ---------- steps of AVX2 and AVX-512 ---------- */

/*
 * Number of words that are split at once.  Their bits are merged before they
 * are stored, and one branch checks whether any of them is rare.  4 words are
 * 1.15 times as fast as 2 (AVX-512; AVX2 1.2).
 */
#define STEP_WORDS 4
#define STEP (STEP_WORDS * FLOW_SPLIT_WORD)

/* The state between steps. */
typedef struct State
{
	size_t count;
	uint64_t start;         /* 1 if a field starts with the next word */
	uint64_t digit_carry;   /* of flow_split_digits */
	uint64_t special_carry; /* of flow_split_mark_special */
	uint64_t newline_part;  /* of FlowBits */
	uint64_t digits_part;
} State;

/* The words of a step that were added so far. */
typedef struct Step
{
	size_t count;
	uint64_t newline; /* a bit by end */
	uint64_t digits;
	uint64_t start; /* as in State */
	unsigned char digit_carry;
	uint64_t rare; /* not 0 if the step must be repeated by add_rare_word */
} Step;

/*
 * Makes the compiler have a value in a register at this point.  Without it gcc
 * defers most of the computation of a step to its end, runs out of registers,
 * and is 1.3 times as slow (AVX-512: 15.5 cycles a word, 11.9 with it). clang
 * turns "end >> 63" into half of a shld, which is microcode on AMD.
 */
#define HAVE(value) __asm__("" : "+r"(value))
#define HAVE_VECTOR(value) __asm__("" : "+x"(value))

static flow_always_inline Step
begin_step(const State *state)
{
	return (Step) {.start = state->start,
	               .digit_carry = (unsigned char) state->digit_carry,
	               .rare = state->special_carry};
}

/*
 * Adds a word.  The addition is that of flow_split_digits, but with the
 * processor's carry.  If there are more bits than fit, the result is wrong,
 * which finish_step detects.
 */
USES_BMI static flow_always_inline void
add_word(Step *step, uint64_t end, uint64_t newline, uint64_t digit)
{
	uint64_t start = end * 2 + step->start;
	unsigned long long sum;

	step->start = end >> 63;
	HAVE(step->start);
	step->rare |= start & end;
	step->digit_carry = _addcarry_u64(step->digit_carry, start & digit, digit, &sum);
	step->digits |= _pext_u64(sum, end) << step->count % 64;
	step->newline |= _pext_u64(newline, end) << step->count % 64;
	HAVE(step->rare);
	HAVE(step->digits);
	HAVE(step->newline);
	step->count += (size_t) _mm_popcnt_u64(end);
}

/*
 * Adds a step to the state.  Returns false if the step is rare and must be
 * repeated.
 */
static flow_always_inline bool
finish_step(State *state, FlowEnds *ends, const Step *step)
{
	size_t used = state->count % 8;
	uint64_t newline = state->newline_part | step->newline << used;
	uint64_t digits = state->digits_part | step->digits << used;

	if (flow_unlikely(step->rare != 0 || step->count > 56))
		return false;
	memcpy(ends->newline + state->count / 8, &newline, sizeof(newline));
	memcpy(ends->digits + state->count / 8, &digits, sizeof(digits));
	used = (used + step->count) & ~(size_t) 7;
	state->newline_part = newline >> used;
	state->digits_part = digits >> used;
	state->count += step->count;
	state->start = step->start;
	state->digit_carry = step->digit_carry;
	return true;
}

/*
 * Adds a word of a step that has special ends, or too many ends for the fast
 * path.
 */
USES_BMI static flow_always_inline void
add_rare_word(State *state, FlowEnds *ends, const Masks *masks)
{
	FlowBits newline = {ends->newline, state->newline_part},
			 digits = {ends->digits, state->digits_part};
	uint64_t start = masks->end << 1 | state->start;
	uint64_t sum = flow_split_digits(start, masks->digit, &state->digit_carry);
	size_t n = (size_t) _mm_popcnt_u64(masks->end);

	flow_split_append(&newline, state->count, _pext_u64(masks->newline, masks->end), n);
	flow_split_append(&digits, state->count, _pext_u64(sum, masks->end), n);
	state->special_carry = flow_split_mark_special(ends,
	                                               state->count,
	                                               masks->end,
	                                               start,
	                                               masks->special,
	                                               state->special_carry);
	state->start = masks->end >> 63;
	state->count += n;
	state->newline_part = newline.part;
	state->digits_part = digits.part;
}

/* ---------- AVX-512 ---------- */

/* The numbers of the bytes of a step. */
#define NUMBERS_8(n) (n), (n) + 1, (n) + 2, (n) + 3, (n) + 4, (n) + 5, (n) + 6, (n) + 7
#define NUMBERS_32(n) NUMBERS_8(n), NUMBERS_8((n) + 8), NUMBERS_8((n) + 16), NUMBERS_8((n) + 24)
static const uint8_t step_numbers[STEP] __attribute__((aligned(64))) = {NUMBERS_32(0),
                                                                        NUMBERS_32(32),
                                                                        NUMBERS_32(64),
                                                                        NUMBERS_32(96),
                                                                        NUMBERS_32(128),
                                                                        NUMBERS_32(160),
                                                                        NUMBERS_32(192),
                                                                        NUMBERS_32(224)};

/* Stores 16 numbers of a step's bytes as offsets of the bytes after them. */
USES_AVX512 static flow_always_inline void
store_avx512(uint32_t *next, __m512i base, __m128i numbers)
{
	_mm512_storeu_si512(next, _mm512_add_epi32(base, _mm512_cvtepu8_epi32(numbers)));
}

/*
 * Splits a whole rare step.  It returns a copy of the state, because its
 * address is taken: the caller's state can stay in registers.
 */
USES_AVX512 static __attribute__((noinline)) State
rare_step_avx512(const char *data, size_t at, char separator, FlowEnds *ends, const State *before)
{
	__m512i base = _mm512_set1_epi32((int) at + 1);
	State state = *before;

	for (int i = 0; i < STEP_WORDS; i++)
	{
		__m512i x = _mm512_loadu_si512(data + i * FLOW_SPLIT_WORD);
		uint64_t newline = _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8('\n'));
		uint64_t end = newline | _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8(separator));
		uint64_t digit =
			_mm512_cmplt_epu8_mask(_mm512_sub_epi8(x, _mm512_set1_epi8('0')), _mm512_set1_epi8(10));
		uint64_t special = _mm512_cmplt_epi8_mask(x, _mm512_set1_epi8(0x20)) & ~end;
		__m512i numbers =
			_mm512_maskz_compress_epi8(end, _mm512_load_si512(step_numbers + i * FLOW_SPLIT_WORD));
		uint32_t *next = ends->next + state.count;

		store_avx512(next, base, _mm512_castsi512_si128(numbers));
		store_avx512(next + 16, base, _mm512_extracti32x4_epi32(numbers, 1));
		store_avx512(next + 32, base, _mm512_extracti32x4_epi32(numbers, 2));
		store_avx512(next + 48, base, _mm512_extracti32x4_epi32(numbers, 3));
		add_rare_word(&state, ends, &(Masks) {end, newline, digit, special});
	}
	return state;
}

/*
 * Splits with AVX-512.  The first 16 ends of each word are stored: the numbers
 * of their bytes are compressed to the front of a vector, and widened.  A word
 * with more ends is rare.
 *
 * Special bytes are found by the minimum of all signed bytes that are no ends,
 * once for each step.
 */
USES_AVX512 void
flow_split_avx512(const char *data, size_t len, char separator, FlowEnds *ends)
{
	char tail[STEP];
	State state = {.start = 1};
	uint32_t *next = ends->next;

	if (flow_split_needs_portable(separator))
	{
		flow_split_portable(data, len, separator, ends);
		return;
	}

	ends->any_special = false;
	for (size_t at = 0; at < len; at += STEP)
	{
		const char *p = len - at >= STEP
		                    ? data + at
		                    : flow_split_pad(tail, STEP, data + at, len - at, separator);
		__m512i base = _mm512_set1_epi32((int) at + 1), lowest = _mm512_set1_epi8(0x7F);
		Step step = begin_step(&state);
		uint64_t most = 0; /* numbers of ends of the words, or-ed */

/* find the ends of each word */
#pragma GCC unroll 4
		for (int i = 0; i < STEP_WORDS; i++)
		{
			__m512i x = _mm512_loadu_si512(p + i * FLOW_SPLIT_WORD);
			__mmask64 newline = _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8('\n'));
			__mmask64 end =
				_kor_mask64(newline, _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8(separator)));
			__mmask64 digit = _mm512_cmplt_epu8_mask(_mm512_sub_epi8(x, _mm512_set1_epi8('0')),
			                                         _mm512_set1_epi8(10));
			__m512i numbers =
				_mm512_maskz_compress_epi8(end,
			                               _mm512_load_si512(step_numbers + i * FLOW_SPLIT_WORD));

			store_avx512(next + state.count + step.count, base, _mm512_castsi512_si128(numbers));
			lowest = _mm512_mask_min_epi8(lowest, _knot_mask64(end), lowest, x);
			HAVE_VECTOR(lowest);
			most |= (uint64_t) _mm_popcnt_u64(end);
			add_word(&step, end, newline, digit);
		}
		/* repeat a rare step */
		step.rare |= most & ~UINT64_C(15);
		if (flow_unlikely(_mm512_cmplt_epi8_mask(lowest, _mm512_set1_epi8(0x20)) != 0) ||
		    !finish_step(&state, ends, &step))
		{
			State before = state;

			state = rare_step_avx512(p, at, separator, ends, &before);
		}
	}
	ends->count = state.count;
}

/* Returns true if this processor has all instructions of USES_AVX512. */
bool
flow_split_avx512_available(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi") &&
	       __builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("bmi") &&
	       __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
}

/* ---------- AVX2 ---------- */

#define ONCE_AVX2 10 /* number of ends of a word that are stored without checking the count */

/* Returns 64 bits for the bytes of two vectors, each byte 0 or 0xFF. */
USES_AVX2 static flow_always_inline uint64_t
bits_avx2(__m256i low, __m256i high)
{
	return (uint32_t) _mm256_movemask_epi8(low) | (uint64_t) (uint32_t) _mm256_movemask_epi8(high)
	                                                  << 32;
}

/*
 * Returns the masks of a word.  *special becomes a vector in which a byte is
 * not 0 for each special byte of the word or of earlier ones.
 */
USES_AVX2 static flow_always_inline Masks
masks_avx2(const char *data, char separator, __m256i *special)
{
	const __m256i newline = _mm256_set1_epi8('\n'), sep = _mm256_set1_epi8(separator),
				  space = _mm256_set1_epi8(0x20);
	const __m256i shift = _mm256_set1_epi8(DIGIT_SHIFT), digit_end = _mm256_set1_epi8(DIGIT_END);
	__m256i x = _mm256_loadu_si256((const __m256i *) data),
			y = _mm256_loadu_si256((const __m256i *) (data + 32));
	__m256i x_newline = _mm256_cmpeq_epi8(x, newline), y_newline = _mm256_cmpeq_epi8(y, newline);
	__m256i x_end = _mm256_or_si256(x_newline, _mm256_cmpeq_epi8(x, sep));
	__m256i y_end = _mm256_or_si256(y_newline, _mm256_cmpeq_epi8(y, sep));
	__m256i x_special = _mm256_andnot_si256(x_end, _mm256_cmpgt_epi8(space, x));
	__m256i y_special = _mm256_andnot_si256(y_end, _mm256_cmpgt_epi8(space, y));

	*special = _mm256_or_si256(*special, _mm256_or_si256(x_special, y_special));
	return (Masks) {
		.end = bits_avx2(x_end, y_end),
		.newline = bits_avx2(x_newline, y_newline),
		.digit = bits_avx2(_mm256_cmpgt_epi8(digit_end, _mm256_add_epi8(x, shift)),
	                       _mm256_cmpgt_epi8(digit_end, _mm256_add_epi8(y, shift))),
		.special = bits_avx2(x_special, y_special), /* not computed where it is not used */
	};
}

/*
 * Stores the offsets after the ends of a word.  In v2 records, 2 % of the
 * words have more than 10 ends, but a quarter has more than 8.  With 8, wrong
 * predictions cost more than two stores (24.6 cycles a word; 23.6 with 10,
 * 26.8 with 12).
 */
USES_AVX2 static flow_always_inline void
store_avx2(uint32_t *next, uint32_t base, uint64_t end)
{
	size_t n = (size_t) _mm_popcnt_u64(end);

#pragma GCC unroll 10
	for (int i = 0; i < ONCE_AVX2; i++)
	{
		next[i] = base + (uint32_t) _tzcnt_u64(end);
		end &= end - 1;
	}
	for (size_t i = ONCE_AVX2; flow_unlikely(i < n); i++)
	{
		next[i] = base + (uint32_t) _tzcnt_u64(end);
		end &= end - 1;
	}
}

/* Splits a whole rare step, see rare_step_avx512. */
USES_AVX2 static __attribute__((noinline)) State
rare_step_avx2(const char *data, size_t at, char separator, FlowEnds *ends, const State *before)
{
	State state = *before;
	__m256i special = _mm256_setzero_si256();

	for (int i = 0; i < STEP_WORDS; i++)
	{
		Masks masks = masks_avx2(data + i * FLOW_SPLIT_WORD, separator, &special);

		store_avx2(ends->next + state.count,
		           (uint32_t) at + (uint32_t) i * FLOW_SPLIT_WORD + 1,
		           masks.end);
		add_rare_word(&state, ends, &masks);
	}
	return state;
}

/* Splits with AVX2, see flow_split_avx512. */
USES_AVX2 void
flow_split_avx2(const char *data, size_t len, char separator, FlowEnds *ends)
{
	char tail[STEP];
	State state = {.start = 1};
	uint32_t *next = ends->next;

	if (flow_split_needs_portable(separator))
	{
		flow_split_portable(data, len, separator, ends);
		return;
	}

	ends->any_special = false;
	for (size_t at = 0; at < len; at += STEP)
	{
		const char *p = len - at >= STEP
		                    ? data + at
		                    : flow_split_pad(tail, STEP, data + at, len - at, separator);
		__m256i special = _mm256_setzero_si256();
		Step step = begin_step(&state);

/* find the ends of each word */
#pragma GCC unroll 4
		for (int i = 0; i < STEP_WORDS; i++)
		{
			Masks masks = masks_avx2(p + i * FLOW_SPLIT_WORD, separator, &special);

			HAVE_VECTOR(special);
			store_avx2(next + state.count + step.count,
			           (uint32_t) at + (uint32_t) i * FLOW_SPLIT_WORD + 1,
			           masks.end);
			add_word(&step, masks.end, masks.newline, masks.digit);
		}
		/* repeat a rare step */
		step.rare |= !_mm256_testz_si256(special, special);
		if (!finish_step(&state, ends, &step))
		{
			State before = state;

			state = rare_step_avx2(p, at, separator, ends, &before);
		}
	}
	ends->count = state.count;
}

/*
 * The first four letters of the vendors' names, "AuthenticAMD" and
 * "HygonGenuine".
 */
#define AMD_EBX 0x68747541
#define HYGON_EBX 0x6F677948

/*
 * Returns true if pext is slow.  AMD processors before Zen 3 (family 0x19)
 * need about 8 micro-operations per bit of its mask.
 */
static bool
pext_is_slow(void)
{
	unsigned eax, ebx, ecx, edx, family;

	if (!__get_cpuid(0, &eax, &ebx, &ecx, &edx))
		return true;
	if (ebx != AMD_EBX && ebx != HYGON_EBX)
		return false;
	if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx))
		return true;
	family = (eax >> 8 & 0xF) + (eax >> 20 & 0xFF);
	return family < 0x19;
}

/*
 * Returns true if this processor has all instructions of USES_AVX2, and a fast
 * pext.
 */
bool
flow_split_avx2_available(void)
{
	return flow_split_avx2_plain_available() && !pext_is_slow();
}

/* ---------- SSE2, and AVX2 without pext ---------- */

#define VECTORS 4 /* of 16 bytes, in a word */

/* Returns 64 bits for the bytes of four vectors, each byte 0 or 0xFF. */
static flow_always_inline uint64_t
bits_sse2(const __m128i x[VECTORS])
{
	uint64_t a = (uint64_t) _mm_movemask_epi8(x[0]), b = (uint64_t) _mm_movemask_epi8(x[1]);
	uint64_t c = (uint64_t) _mm_movemask_epi8(x[2]), d = (uint64_t) _mm_movemask_epi8(x[3]);

	return a | b << 16 | c << 32 | d << 48;
}

/*
 * Splits one word at a time, without pext.  "instruction" is true if the
 * processor has popcnt.
 */
static flow_always_inline void
split_plain(const char *data, size_t len, char separator, FlowEnds *ends, bool instruction)
{
	const __m128i nl = _mm_set1_epi8('\n'), sep = _mm_set1_epi8(separator),
				  space = _mm_set1_epi8(0x20);
	const __m128i zero = _mm_set1_epi8(DIGIT_SHIFT), ten = _mm_set1_epi8(DIGIT_END);
	char tail[FLOW_SPLIT_WORD];
	FlowBits newline = {ends->newline, 0}, digits = {ends->digits, 0};
	uint64_t start_carry = 1, digit_carry = 0, special_carry = 0;
	size_t count = 0;

	ends->any_special = false;
	for (size_t at = 0; at < len; at += FLOW_SPLIT_WORD)
	{
		const char *p = data + at;
		__m128i is_newline[VECTORS], is_end[VECTORS], is_digit[VECTORS], is_low[VECTORS];
		uint64_t end, start, special, sum;

		if (flow_unlikely(len - at < FLOW_SPLIT_WORD))
			p = flow_split_pad(tail, FLOW_SPLIT_WORD, p, len - at, separator);
#pragma GCC unroll 4
		for (int i = 0; i < VECTORS; i++)
		{
			__m128i x = _mm_loadu_si128((const __m128i *) (p + 16 * i));

			is_newline[i] = _mm_cmpeq_epi8(x, nl);
			is_end[i] = _mm_or_si128(is_newline[i], _mm_cmpeq_epi8(x, sep));
			is_digit[i] = _mm_cmpgt_epi8(ten, _mm_add_epi8(x, zero));
			is_low[i] = _mm_cmpgt_epi8(space, x);
		}
		end = bits_sse2(is_end);
		special = bits_sse2(is_low) & ~end;
		start = end << 1 | start_carry;
		/* find the fields of digits */
		start_carry = end >> 63;
		sum = flow_split_digits(start, bits_sse2(is_digit), &digit_carry);
		/* mark special fields, which are rare */
		if (flow_unlikely((special | (start & end) | special_carry) != 0))
			special_carry =
				flow_split_mark_special(ends, count, end, start, special, special_carry);
		/* append the ends */
		count = flow_split_append_ends(ends->next,
		                               (uint32_t) at + 1,
		                               count,
		                               end,
		                               bits_sse2(is_newline),
		                               sum,
		                               &newline,
		                               &digits,
		                               instruction);
	}
	ends->count = count;
}

/* Splits with SSE2, which every x86-64 processor has. */
void
flow_split_sse2(const char *data, size_t len, char separator, FlowEnds *ends)
{
	if (flow_split_needs_portable(separator))
		flow_split_portable(data, len, separator, ends);
	else
		split_plain(data, len, separator, ends, false);
}

/*
 * Splits in the same way with the shifts and counts of newer processors, for
 * those whose pext is slow: 1.3 times as fast.
 */
USES_AVX2 void
flow_split_avx2_plain(const char *data, size_t len, char separator, FlowEnds *ends)
{
	if (flow_split_needs_portable(separator))
		flow_split_portable(data, len, separator, ends);
	else
		split_plain(data, len, separator, ends, true);
}

/* Returns true if this processor has all instructions of USES_AVX2. */
bool
flow_split_avx2_plain_available(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
	       __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
}

#endif /* __x86_64__ */
