/*-------------------------------------------------------------------------
 *
 * digits.h
 *	  Eight decimal digits at once, by arithmetic on a word.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_DIGITS_H
#define FLOW_DIGITS_H

#include <stdint.h>
#include <string.h>

/*
 * 1 to 8 digits as a word for flow_eight_digits, zeros put before them.  8 bytes can
 * be read there, whatever follows the digits.
 */
static inline uint64_t
flow_load_digits(const char *data, uint32_t len)
{
	uint64_t word;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	memcpy(&word, data, sizeof(word));
	return (word ^ UINT64_C(0x3030303030303030)) << (64 - 8 * len);
#else
	word = 0;
	for (uint32_t i = 0; i < len; i++)
		word |= (uint64_t) (data[i] - '0') << (8 * (8 - len + i));
	return word;
#endif
}

/* Each step joins neighbours, pairs first. */
static inline uint64_t
flow_eight_digits(uint64_t word)
{
	word = (word * 10 + (word >> 8)) & UINT64_C(0x00FF00FF00FF00FF);
	word = (word * 100 + (word >> 16)) & UINT64_C(0x0000FFFF0000FFFF);
	return (word * 10000 + (word >> 32)) & UINT64_C(0xFFFFFFFF);
}

#endif /* FLOW_DIGITS_H */
