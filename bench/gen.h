/*-------------------------------------------------------------------------
 *
 * gen.h
 *	  What the files of bench/gen share: random numbers, text, and what makes
 *	  the records of a file.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GEN_H
#define GEN_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define GEN_LINE_MAX 320 /* bytes of a line, at most */

/* The file whose records are being made. */
typedef struct GenFile
{
	uint64_t number;   /* from 0 */
	uint64_t interval; /* which of its source's intervals it is, from 0 */
	int source;        /* of the accounts and regions that deliver logs */
	const char *account;
	int64_t start; /* Unix seconds */
	int64_t seconds;
	uint64_t records;
	bool export; /* lines begin with a time */
} GenFile;

/* A kind of traffic. */
typedef struct GenTraffic
{
	const char *name;
	/* prepares all that files have in common */
	void (*begin)(uint64_t seed);
	/* prepares a file; NULL: nothing depends on it */
	void (*begin_file)(const GenFile *file);
	/* writes the line of the n-th record of a file */
	char *(*put_line)(char *p, const GenFile *file, uint64_t n);
	/* share of the records that an interval has; NULL: all have equally many */
	uint64_t (*weight)(int64_t start);
} GenTraffic;

/* in gen_busy.c */
extern const GenTraffic gen_busy;

/* in gen_profile.c */
extern const GenTraffic gen_profiles[];
extern const int gen_nprofiles;

/* ---------- random numbers ---------- */

extern uint64_t gen_random_state;

static inline uint64_t
gen_mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
	return z ^ (z >> 31);
}

/* splitmix64: any seed is good */
static inline uint64_t
gen_random(void)
{
	return gen_mix(gen_random_state += 0x9E3779B97F4A7C15u);
}

/* Returns a random number below the limit. */
static inline uint32_t
gen_below(uint32_t limit)
{
	return (uint32_t) (((gen_random() >> 32) * limit) >> 32);
}

/*
 * Returns a random number below the limit that is in its lowest eighth half of
 * the time.
 */
static inline uint32_t
gen_skewed_below(uint32_t limit)
{
	double u = (double) (gen_random() >> 11) / 9007199254740992.0;

	return (uint32_t) (u * u * u * limit);
}

/* ---------- text ---------- */

static inline char *
gen_put_text(char *p, const char *text)
{
	size_t len = strlen(text);

	memcpy(p, text, len);
	return p + len;
}

/* Writes a number and a space. */
static inline char *
gen_put_number(char *p, uint64_t number)
{
	char digits[20];
	int len = 0;

	do
	{
		digits[len++] = (char) ('0' + number % 10);
		number /= 10;
	} while (number > 0);
	while (len > 0)
		*p++ = digits[--len];
	*p++ = ' ';
	return p;
}

/* Writes an IPv4 address and a space. */
static inline char *
gen_put_address(char *p, uint32_t address)
{
	for (int shift = 24; shift >= 0; shift -= 8)
	{
		p = gen_put_number(p, (address >> shift) & 255);
		p[-1] = '.';
	}
	p[-1] = ' ';
	return p;
}

/* in gen.c */

/* Writes the time of an export line: YYYY-MM-DDTHH:MM:SS.000Z. */
extern char *gen_put_time(char *p, int64_t when);

#endif /* GEN_H */
