/*-------------------------------------------------------------------------
 *
 * fuzz_pattern.c
 *	  Fuzzes splitters, compared with PCRE2: if a line has the shape of a
 *	  pattern, the pattern matches it, and the groups are its fields.
 *
 * The first byte determines whether the other bytes make a pattern by
 * model_make_pattern or are a pattern.  The lines depend on the shape and a
 * hash of the input.
 *
 *-------------------------------------------------------------------------
 */
#define _GNU_SOURCE

/*
 * The coverage of the code that makes lines is of no interest, and recording
 * it takes longer than everything else.
 */
#pragma clang attribute push(__attribute__((no_sanitize("coverage"))), apply_to = function)
#include "../unit/model_pattern.h"

#define LINES 1000

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static ModelCount total;

/* Time runs fast, so that the fuzzer does not wait for slow patterns. */
static int64_t
fast_clock(void *arg)
{
	static int64_t now;

	(void) arg;
	return now += 10000;
}

static void
tell_total(void)
{
	printf("%" PRIu64 " patterns, %" PRIu64 " shapes, %" PRIu64 " pairs, %" PRIu64
	       " accepted, %" PRIu64 " of them without an answer\n",
	       total.patterns,
	       total.shapes,
	       total.pairs,
	       total.accepted,
	       total.limits);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static ModelPattern pattern;
	FlowHost host = unit_host;
	uint64_t hash = 0x9E3779B97F4A7C15;

	if (size == 0)
		return 0;
	if (total.patterns == 0)
		atexit(tell_total);
	host.clock = fast_clock;
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ data[i]) * 0x100000001B3;

	if (data[0] % 4 != 0)
	{
		ModelSource source = {data + 1, data + size, hash | 1};

		model_make_pattern(&pattern, &source);
	}
	else
	{
		size_t len = size - 1 < sizeof(pattern.text) ? size - 1 : sizeof(pattern.text) - 1;

		memcpy(pattern.text, data + 1, len);
		pattern.text[len] = '\0';
	}
	if (!model_compare(&host, pattern.text, hash >> 63, LINES, hash, &total))
		abort();
	return 0;
}

#pragma clang attribute pop
