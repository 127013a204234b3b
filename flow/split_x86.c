/*-------------------------------------------------------------------------
 *
 * split_x86.c
 *	  The splitter for x86-64: SSE2, AVX2 and AVX-512.
 *
 * Each function names the instructions that it needs; which of them may be
 * called is asked at run time.
 *
 *-------------------------------------------------------------------------
 */
#include "split.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

#define USES_AVX2 __attribute__((target("avx2,bmi,bmi2,popcnt")))
#define USES_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,bmi,bmi2,popcnt")))

#define STEP_WORDS 4 /* words that are split at once */
#define STEP (STEP_WORDS * FLOW_SPLIT_WORD)

/* Vectors below AVX-512's are compared as signed bytes: added to digits, and what the sum is then below. */
#define DIGIT_SHIFT ((char) (0x80 - '0'))
#define DIGIT_END ((char) (0x80 + 10))

/*
 * What is carried from word to word.  It is copied to and from the functions that handle
 * rare steps, so that it stays in registers elsewhere.
 */
typedef struct State
{
	size_t count;
	uint64_t start;        /* 1: a field starts with the next word */
	uint64_t digit_carry;  /* of flow_split_digits */
	uint64_t odd_carry;    /* of flow_split_mark_odd */
	uint64_t newline_part; /* of FlowBits */
	uint64_t digits_part;
} State;

/*
 * What a step found, if nothing about it is rare, becomes part of the state: the bits
 * of all its words are appended at once.
 */
flow_always_inline void
finish_step(State *state, FlowEnds *ends, uint64_t newline, uint64_t digits, size_t n)
{
	size_t used = state->count % 8;

	newline = state->newline_part | newline << used;
	digits = state->digits_part | digits << used;
	memcpy(ends->newline + state->count / 8, &newline, sizeof(newline));
	memcpy(ends->digits + state->count / 8, &digits, sizeof(digits));
	used = (used + n) & ~(size_t) 7;
	state->newline_part = newline >> used;
	state->digits_part = digits >> used;
	state->count += n;
}

/* ---------- AVX-512 ---------- */

/* Stores what is behind each end of a word, 16 at a time. */
USES_AVX512 flow_always_inline void
next_avx512(uint32_t *next, __m512i numbers, __m512i base, uint64_t end)
{
	__m512i packed = _mm512_maskz_compress_epi8(end, numbers);

	_mm512_storeu_si512(next, _mm512_add_epi32(base, _mm512_cvtepu8_epi32(_mm512_castsi512_si128(packed))));
	if (flow_unlikely((unsigned) __builtin_popcountll(end) > 16))
	{
		_mm512_storeu_si512(next + 16, _mm512_add_epi32(base, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(packed, 1))));
		_mm512_storeu_si512(next + 32, _mm512_add_epi32(base, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(packed, 2))));
		_mm512_storeu_si512(next + 48, _mm512_add_epi32(base, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(packed, 3))));
	}
}

/* The numbers of a step's bytes. */
static const uint8_t step_numbers[STEP] __attribute__((aligned(64))) = {
#define NUMBERS_8(n) (n), (n) + 1, (n) + 2, (n) + 3, (n) + 4, (n) + 5, (n) + 6, (n) + 7
#define NUMBERS_64(n) NUMBERS_8(n), NUMBERS_8((n) + 8), NUMBERS_8((n) + 16), NUMBERS_8((n) + 24), \
					  NUMBERS_8((n) + 32), NUMBERS_8((n) + 40), NUMBERS_8((n) + 48), NUMBERS_8((n) + 56)
	NUMBERS_64(0), NUMBERS_64(64), NUMBERS_64(128), NUMBERS_64(192)};

/* A step with too many ends for the fast way, or with odd ones. */
USES_AVX512 static __attribute__((noinline, cold)) void
rare_avx512(const char *data, uint32_t at, char separator, FlowEnds *ends, State *state)
{
	FlowBits newline = {ends->newline, state->newline_part}, digits = {ends->digits, state->digits_part};

	for (int i = 0; i < STEP_WORDS; i++)
	{
		__m512i bytes = _mm512_loadu_si512(data + i * FLOW_SPLIT_WORD);
		uint64_t is_newline = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('\n'));
		uint64_t end = is_newline | _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(separator));
		uint64_t digit = _mm512_cmplt_epu8_mask(_mm512_sub_epi8(bytes, _mm512_set1_epi8('0')), _mm512_set1_epi8(10));
		uint64_t odd = _mm512_cmplt_epi8_mask(bytes, _mm512_set1_epi8(0x20)) & ~end;
		uint64_t start = end << 1 | state->start;
		uint64_t sum = flow_split_digits(start, digit, &state->digit_carry);
		size_t n = (size_t) __builtin_popcountll(end);

		next_avx512(ends->next + state->count, _mm512_load_si512(step_numbers + i * FLOW_SPLIT_WORD),
		            _mm512_set1_epi32((int) at + 1), end);
		flow_split_append(&newline, state->count, _pext_u64(is_newline, end), n);
		flow_split_append(&digits, state->count, _pext_u64(sum, end), n);
		state->odd_carry = flow_split_mark_odd(ends, state->count, end, start, odd, state->odd_carry);
		state->start = end >> 63;
		state->count += n;
	}
	state->newline_part = newline.part;
	state->digits_part = digits.part;
}

USES_AVX512 void
flow_split_avx512(const char *data, size_t len, char separator, FlowEnds *ends)
{
	char tail[STEP];
	State s = {.start = 1};
	uint32_t *next = ends->next;

	if (flow_split_needs_portable(separator))
	{
		flow_split_portable(data, len, separator, ends);
		return;
	}

	ends->any_odd = false;
	for (size_t at = 0; at < len; at += STEP)
	{
		const char *p = data + at;
		__m512i base = _mm512_set1_epi32((int) at + 1);
		__m512i lowest = _mm512_set1_epi8(0x7F);
		uint64_t start_carry = s.start;
		unsigned char digit_carry = (unsigned char) s.digit_carry;
		uint64_t all_newline = 0, all_digits = 0, empty = s.odd_carry, dense = 0;
		size_t shift = 0;

		if (flow_unlikely(len - at < STEP))
			p = flow_split_pad(tail, STEP, p, len - at, separator);

#pragma GCC unroll 4
		for (int i = 0; i < STEP_WORDS; i++)
		{
			__m512i bytes = _mm512_loadu_si512(p + i * FLOW_SPLIT_WORD);
			__mmask64 is_newline = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('\n'));
			__mmask64 is_end = _kor_mask64(is_newline, _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(separator)));
			uint64_t end = is_end;
			uint64_t digit = _mm512_cmplt_epu8_mask(_mm512_sub_epi8(bytes, _mm512_set1_epi8('0')), _mm512_set1_epi8(10));
			uint64_t start = end * 2 + start_carry;
			size_t n = (size_t) _mm_popcnt_u64(end);
			unsigned long long sum;
			__m512i packed = _mm512_maskz_compress_epi8(is_end, _mm512_load_si512(step_numbers + i * FLOW_SPLIT_WORD));

			_mm512_storeu_si512(next + s.count + shift, _mm512_add_epi32(base, _mm512_cvtepu8_epi32(_mm512_castsi512_si128(packed))));
			lowest = _mm512_mask_min_epi8(lowest, _knot_mask64(is_end), lowest, bytes);
			start_carry = end >> 63;
			__asm__(""
			        : "+r"(start_carry));
			empty |= start & end;
			dense |= n;
			digit_carry = _addcarry_u64(digit_carry, start & digit, digit, &sum);
			all_digits |= _pext_u64(sum, end) << (shift % 64);
			all_newline |= _pext_u64(is_newline, end) << (shift % 64);
			__asm__(""
			        : "+r"(all_digits), "+r"(all_newline), "+r"(empty), "+v"(lowest));
			shift += n;
		}

		if (flow_unlikely((empty | (dense & ~UINT64_C(15))) != 0 || shift > 56 ||
		                  _mm512_cmplt_epi8_mask(lowest, _mm512_set1_epi8(0x20)) != 0))
		{
			State copy = s;

			rare_avx512(p, (uint32_t) at, separator, ends, &copy);
			s = copy;
			continue;
		}

		finish_step(&s, ends, all_newline, all_digits, shift);
		s.start = start_carry;
		s.digit_carry = digit_carry;
	}
	ends->count = s.count;
}

bool
flow_split_avx512_available(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi") &&
	       __builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("bmi") &&
	       __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
}

/* ---------- AVX2 ---------- */

/* 64 bits of two vectors' bytes, each 0 or 0xFF. */
USES_AVX2 flow_always_inline uint64_t
bits_avx2(__m256i low, __m256i high)
{
	return (uint32_t) _mm256_movemask_epi8(low) | (uint64_t) (uint32_t) _mm256_movemask_epi8(high) << 32;
}

/* Stores what is behind each of a word's n ends, 8 at a time. */
USES_AVX2 flow_always_inline void
next_avx2(uint32_t *next, uint32_t base, uint64_t end, size_t n)
{
#pragma GCC unroll 16
	for (int i = 0; i < 10; i++)
	{
		next[i] = base + (uint32_t) _tzcnt_u64(end);
		end &= end - 1;
	}
	if (flow_likely(n <= 10))
		return;
#pragma GCC unroll 16
	for (int i = 10; i < 16; i++)
	{
		next[i] = base + (uint32_t) _tzcnt_u64(end);
		end &= end - 1;
	}
	for (size_t i = 16; i < n; i++)
	{
		next[i] = base + (uint32_t) _tzcnt_u64(end);
		end &= end - 1;
	}
}

/* A step with too many ends for the fast way, or with odd ones. */
USES_AVX2 static __attribute__((noinline, cold)) void
rare_avx2(const char *data, uint32_t at, char separator, FlowEnds *ends, State *state)
{
	const __m256i nl = _mm256_set1_epi8('\n'), sep = _mm256_set1_epi8(separator), space = _mm256_set1_epi8(0x20);
	const __m256i zero = _mm256_set1_epi8(DIGIT_SHIFT), ten = _mm256_set1_epi8(DIGIT_END);
	FlowBits newline = {ends->newline, state->newline_part}, digits = {ends->digits, state->digits_part};

	for (int i = 0; i < STEP_WORDS; i++)
	{
		__m256i x = _mm256_loadu_si256((const __m256i *) (data + i * FLOW_SPLIT_WORD));
		__m256i y = _mm256_loadu_si256((const __m256i *) (data + i * FLOW_SPLIT_WORD + 32));
		uint64_t is_newline = bits_avx2(_mm256_cmpeq_epi8(x, nl), _mm256_cmpeq_epi8(y, nl));
		uint64_t end = is_newline | bits_avx2(_mm256_cmpeq_epi8(x, sep), _mm256_cmpeq_epi8(y, sep));
		uint64_t digit = bits_avx2(_mm256_cmpgt_epi8(ten, _mm256_add_epi8(x, zero)),
		                           _mm256_cmpgt_epi8(ten, _mm256_add_epi8(y, zero)));
		uint64_t odd = bits_avx2(_mm256_cmpgt_epi8(space, x), _mm256_cmpgt_epi8(space, y)) & ~end;
		uint64_t start = end << 1 | state->start;
		uint64_t sum = flow_split_digits(start, digit, &state->digit_carry);
		size_t n = (size_t) __builtin_popcountll(end);

		next_avx2(ends->next + state->count, at + (uint32_t) i * FLOW_SPLIT_WORD + 1, end, n);
		flow_split_append(&newline, state->count, _pext_u64(is_newline, end), n);
		flow_split_append(&digits, state->count, _pext_u64(sum, end), n);
		state->odd_carry = flow_split_mark_odd(ends, state->count, end, start, odd, state->odd_carry);
		state->start = end >> 63;
		state->count += n;
	}
	state->newline_part = newline.part;
	state->digits_part = digits.part;
}

USES_AVX2 void
flow_split_avx2(const char *data, size_t len, char separator, FlowEnds *ends)
{
	const __m256i nl = _mm256_set1_epi8('\n'), sep = _mm256_set1_epi8(separator), space = _mm256_set1_epi8(0x20);
	const __m256i zero = _mm256_set1_epi8(DIGIT_SHIFT), ten = _mm256_set1_epi8(DIGIT_END);
	char tail[STEP];
	State s = {.start = 1};
	uint32_t *next = ends->next;

	if (flow_split_needs_portable(separator))
	{
		flow_split_portable(data, len, separator, ends);
		return;
	}

	ends->any_odd = false;
	for (size_t at = 0; at < len; at += STEP)
	{
		const char *p = data + at;
		__m256i odd = _mm256_setzero_si256();
		uint64_t start_carry = s.start;
		unsigned char digit_carry = (unsigned char) s.digit_carry;
		uint64_t all_newline = 0, all_digits = 0, empty = s.odd_carry;
		size_t shift = 0;

		if (flow_unlikely(len - at < STEP))
			p = flow_split_pad(tail, STEP, p, len - at, separator);

#pragma GCC unroll 4
		for (int i = 0; i < STEP_WORDS; i++)
		{
			__m256i x = _mm256_loadu_si256((const __m256i *) (p + i * FLOW_SPLIT_WORD));
			__m256i y = _mm256_loadu_si256((const __m256i *) (p + i * FLOW_SPLIT_WORD + 32));
			__m256i x_newline = _mm256_cmpeq_epi8(x, nl), y_newline = _mm256_cmpeq_epi8(y, nl);
			__m256i x_end = _mm256_or_si256(x_newline, _mm256_cmpeq_epi8(x, sep));
			__m256i y_end = _mm256_or_si256(y_newline, _mm256_cmpeq_epi8(y, sep));
			uint64_t end = bits_avx2(x_end, y_end);
			uint64_t digit = bits_avx2(_mm256_cmpgt_epi8(ten, _mm256_add_epi8(x, zero)),
			                           _mm256_cmpgt_epi8(ten, _mm256_add_epi8(y, zero)));
			uint64_t start = end * 2 + start_carry;
			size_t n = (size_t) _mm_popcnt_u64(end);
			unsigned long long sum;

			odd = _mm256_or_si256(odd, _mm256_andnot_si256(x_end, _mm256_cmpgt_epi8(space, x)));
			odd = _mm256_or_si256(odd, _mm256_andnot_si256(y_end, _mm256_cmpgt_epi8(space, y)));
			start_carry = end >> 63;
			__asm__(""
			        : "+r"(start_carry));
			empty |= start & end;
			digit_carry = _addcarry_u64(digit_carry, start & digit, digit, &sum);
			all_digits |= _pext_u64(sum, end) << (shift % 64);
			all_newline |= _pext_u64(bits_avx2(x_newline, y_newline), end) << (shift % 64);
			__asm__(""
			        : "+r"(all_digits), "+r"(all_newline), "+r"(empty), "+x"(odd));
			next_avx2(next + s.count + shift, (uint32_t) (at + (size_t) i * FLOW_SPLIT_WORD + 1), end, n);
			shift += n;
		}

		if (flow_unlikely(empty != 0 || shift > 56 || !_mm256_testz_si256(odd, odd)))
		{
			State copy = s;

			rare_avx2(p, (uint32_t) at, separator, ends, &copy);
			s = copy;
			continue;
		}

		finish_step(&s, ends, all_newline, all_digits, shift);
		s.start = start_carry;
		s.digit_carry = digit_carry;
	}
	ends->count = s.count;
}

/* The first four letters of the vendors' names, "AuthenticAMD" and "HygonGenuine". */
#define AMD_EBX 0x68747541
#define HYGON_EBX 0x6F677948

/*
 * AMD before Zen 3 (family 0x19) has a pext of about 8 micro-operations per bit of its mask.
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

bool
flow_split_avx2_available(void)
{
	return flow_split_avx2_plain_available() && !pext_is_slow();
}

/* ---------- SSE2, and AVX2 without pext ---------- */

#define VECTORS 4 /* of 16 bytes, in a word */

/* 64 bits of four vectors' bytes, each 0 or 0xFF. */
flow_always_inline uint64_t
bits_sse2(const __m128i x[VECTORS])
{
	uint64_t a = (uint64_t) _mm_movemask_epi8(x[0]), b = (uint64_t) _mm_movemask_epi8(x[1]);
	uint64_t c = (uint64_t) _mm_movemask_epi8(x[2]), d = (uint64_t) _mm_movemask_epi8(x[3]);

	return a | b << 16 | c << 32 | d << 48;
}

flow_always_inline void
split_plain(const char *data, size_t len, char separator, FlowEnds *ends, bool instruction)
{
	const __m128i nl = _mm_set1_epi8('\n'), sep = _mm_set1_epi8(separator), space = _mm_set1_epi8(0x20);
	const __m128i zero = _mm_set1_epi8(DIGIT_SHIFT), ten = _mm_set1_epi8(DIGIT_END);
	char tail[FLOW_SPLIT_WORD];
	FlowBits newline = {ends->newline, 0}, digits = {ends->digits, 0};
	uint64_t start_carry = 1, digit_carry = 0, odd_carry = 0;
	size_t count = 0;

	ends->any_odd = false;
	for (size_t at = 0; at < len; at += FLOW_SPLIT_WORD)
	{
		const char *p = data + at;
		__m128i is_newline[VECTORS], is_end[VECTORS], is_digit[VECTORS], is_low[VECTORS];
		uint64_t end, start, odd, sum;

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
		odd = bits_sse2(is_low) & ~end;
		start = end << 1 | start_carry;
		start_carry = end >> 63;
		sum = flow_split_digits(start, bits_sse2(is_digit), &digit_carry);
		if (flow_unlikely((odd | (start & end) | odd_carry) != 0))
			odd_carry = flow_split_mark_odd(ends, count, end, start, odd, odd_carry);
		count = flow_split_append_ends(ends->next, (uint32_t) at + 1, count, end, bits_sse2(is_newline), sum,
		                               &newline, &digits, instruction);
	}
	ends->count = count;
}

void
flow_split_sse2(const char *data, size_t len, char separator, FlowEnds *ends)
{
	if (flow_split_needs_portable(separator))
		flow_split_portable(data, len, separator, ends);
	else
		split_plain(data, len, separator, ends, false);
}

/*
 * The same steps with the shifts and counts of newer processors, for those whose pext is
 * slow: 1.3 times as fast.
 */
USES_AVX2 void
flow_split_avx2_plain(const char *data, size_t len, char separator, FlowEnds *ends)
{
	if (flow_split_needs_portable(separator))
		flow_split_portable(data, len, separator, ends);
	else
		split_plain(data, len, separator, ends, true);
}

bool
flow_split_avx2_plain_available(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
	       __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
}

#endif /* __x86_64__ */
