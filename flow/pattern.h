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

#define FLOW_PATTERN_TOKENS 1024 /* no splitter has more */
#define FLOW_UNBOUNDED UINT32_MAX

/* ---------- sets of bytes ---------- */

typedef struct ByteSet
{
	uint64_t bits[4];
} ByteSet;

static inline bool
set_has(const ByteSet *set, uint8_t byte)
{
	return (set->bits[byte / 64] >> (byte % 64) & 1) != 0;
}

static inline void
set_add(ByteSet *set, unsigned first, unsigned last)
{
	for (unsigned byte = first; byte <= last; byte++)
		set->bits[byte / 64] |= UINT64_C(1) << (byte % 64);
}

static inline void
set_add_all(ByteSet *set, const ByteSet *other, bool complement)
{
	for (int i = 0; i < 4; i++)
		set->bits[i] |= complement ? ~other->bits[i] : other->bits[i];
}

static inline ByteSet
set_common(const ByteSet *a, const ByteSet *b)
{
	ByteSet common;

	for (int i = 0; i < 4; i++)
		common.bits[i] = a->bits[i] & b->bits[i];
	return common;
}

static inline bool
set_equal(const ByteSet *a, const ByteSet *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static inline bool
set_covers(const ByteSet *set, const ByteSet *part)
{
	ByteSet common = set_common(set, part);

	return set_equal(&common, part);
}

/* The set's only byte, or -1. */
static inline int
set_single(const ByteSet *set)
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

typedef enum TokenKind
{
	TOKEN_RUN,  /* a class of bytes, so many times */
	TOKEN_OPEN, /* "(" */
	TOKEN_BAR,
	TOKEN_CLOSE
} TokenKind;

typedef enum Manner
{
	GREEDY,
	LAZY,
	POSSESSIVE
} Manner;

typedef struct Token
{
	TokenKind kind;
	int group;         /* that opens: its number, 0 if it captures nothing */
	ByteSet bytes;     /* of a run */
	uint32_t min, max; /* how often: the run, or the group that closes */
	Manner manner;
} Token;

/* ---------- pattern_read.c ---------- */

/*
 * Reads a pattern into at most FLOW_PATTERN_TOKENS tokens, without the anchors at its ends.  Their
 * number, or -1 if it has anything that is not surely understood.
 */
extern int flow_pattern_read(const char *pattern, Token *tokens);

#endif /* FLOW_PATTERN_H */
