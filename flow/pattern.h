/*-------------------------------------------------------------------------
 *
 * pattern.h
 *	  The tokens of a pattern, between pattern_read.c and pattern.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_PATTERN_H
#define FLOW_PATTERN_H

#include "internal.h"

#include <string.h>

#define FLOW_PATTERN_TOKENS 1024 /* enough for every pattern that only splits */
#define FLOW_UNBOUNDED UINT32_MAX

/* ---------- sets of bytes ---------- */

typedef struct FlowByteSet
{
	uint64_t bits[4];
} FlowByteSet;

static inline bool
flow_set_has(const FlowByteSet *set, uint8_t byte)
{
	return (set->bits[byte / 64] >> (byte % 64) & 1) != 0;
}

static inline void
flow_set_add(FlowByteSet *set, unsigned first, unsigned last)
{
	for (unsigned byte = first; byte <= last; byte++)
		set->bits[byte / 64] |= UINT64_C(1) << (byte % 64);
}

static inline void
flow_set_add_all(FlowByteSet *set, const FlowByteSet *other, bool complement)
{
	for (int i = 0; i < 4; i++)
		set->bits[i] |= complement ? ~other->bits[i] : other->bits[i];
}

static inline FlowByteSet
flow_set_common(const FlowByteSet *a, const FlowByteSet *b)
{
	FlowByteSet common;

	for (int i = 0; i < 4; i++)
		common.bits[i] = a->bits[i] & b->bits[i];
	return common;
}

static inline bool
flow_set_equal(const FlowByteSet *a, const FlowByteSet *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static inline bool
flow_set_covers(const FlowByteSet *set, const FlowByteSet *part)
{
	FlowByteSet common = flow_set_common(set, part);

	return flow_set_equal(&common, part);
}

/* Returns the set's only byte, or -1. */
static inline int
flow_set_single(const FlowByteSet *set)
{
	int found = -1;

	for (int i = 0; i < 4; i++)
	{
		if (set->bits[i] == 0)
			continue;
		if (found >= 0 || (set->bits[i] & (set->bits[i] - 1)) != 0)
			return -1;
		found = i * 64 + __builtin_ctzll(set->bits[i]);
	}
	return found;
}

/* ---------- tokens ---------- */

typedef enum FlowTokenKind
{
	FLOW_TOKEN_RUN,  /* a class of bytes, repeated */
	FLOW_TOKEN_OPEN, /* "(" */
	FLOW_TOKEN_BAR,
	FLOW_TOKEN_CLOSE
} FlowTokenKind;

typedef enum FlowManner
{
	FLOW_GREEDY,
	FLOW_LAZY,
	FLOW_POSSESSIVE
} FlowManner;

typedef struct FlowToken
{
	FlowTokenKind kind;
	int group;         /* of an opening token: the group's number, 0 if it captures nothing */
	FlowByteSet bytes; /* of a run */
	uint32_t min, max; /* repetitions of the run, or of the group that closes */
	FlowManner manner;
} FlowToken;

/* ---------- pattern_read.c ---------- */

/*
 * Reads a pattern into at most FLOW_PATTERN_TOKENS tokens, without the anchors
 * at its ends.  Returns the number of tokens, or -1 if the pattern has
 * anything that is not certainly understood.
 */
extern int flow_pattern_read(const char *pattern, FlowToken *tokens);

#endif /* FLOW_PATTERN_H */
