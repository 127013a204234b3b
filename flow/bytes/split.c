/*-------------------------------------------------------------------------
 *
 * split.c
 *	  Finds where the fields and lines of a log end: the table of all versions
 *	  of the splitter, and the memory for their result.
 *
 *-------------------------------------------------------------------------
 */
#include "ends.h"
#include "split.h"

/*
 * Unused entries at the end of next[], and unused bytes at the end of the bit
 * arrays: splitters write whole vectors, and readers of the bits read 8 bytes.
 *
 * A word after w others writes at most 64 entries, or 9 bytes, from a count of
 * at most 64 * w on, so that no version needs more than one additional word.
 */
#define SLACK_ENTRIES 64
#define SLACK_BYTES 64

#define ALIGNMENT 64 /* size of a cache line */

static inline size_t
round_up(size_t size)
{
	return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* Allocates the result of a splitter. */
FlowEnds *
flow_ends_create(const FlowHost *host)
{
	size_t next_size = round_up((FLOW_SPLIT_MAX + SLACK_ENTRIES) * sizeof(uint32_t));
	size_t bits_size = round_up(FLOW_SPLIT_MAX / 8 + SLACK_BYTES);
	size_t size = sizeof(FlowEnds) + 2 * ALIGNMENT + next_size + 3 * bits_size;
	FlowEnds *ends = flow_allocate(host, size);
	char *place;

	if (ends == NULL)
		return NULL;
	memset(ends, 0, sizeof(FlowEnds));

	/* next[0] begins a cache line */
	place = (char *) (ends + 1) + sizeof(uint32_t);
	place += round_up((uintptr_t) place) - (uintptr_t) place;
	ends->next = (uint32_t *) place;
	ends->next[-1] = 0;
	ends->newline = (uint8_t *) place + next_size;
	/* next[] is large and only read where it was written */
	memset(ends->newline, 0, 3 * bits_size);
	ends->digits = ends->newline + bits_size;
	ends->special = ends->digits + bits_size;
	return ends;
}

static bool
always(void)
{
	return true;
}

const FlowSplitter flow_splitters[] = {
#if defined(__x86_64__)
	{"AVX-512", flow_split_avx512, flow_split_avx512_available},
	{"AVX2", flow_split_avx2, flow_split_avx2_available},
	{"AVX2, no pext", flow_split_avx2_plain, flow_split_avx2_plain_available},
	{"SSE2", flow_split_sse2, always},
#elif defined(__aarch64__) && !defined(__AARCH64EB__)
	{"NEON", flow_split_neon, always},
#endif
	{"portable", flow_split_portable, always},
	{NULL, NULL, NULL},
};

/* Returns the fastest splitter that this processor can run. */
const FlowSplitter *
flow_split_choose(void)
{
	const FlowSplitter *splitter = flow_splitters;

	while (!splitter->available())
		splitter++;
	return splitter;
}
