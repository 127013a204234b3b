/*-------------------------------------------------------------------------
 *
 * group_word.h
 *	  Keys of groups as words.
 *
 * A field of up to 15 digits, dots, dashes, colons and a few more, as numbers
 * and most addresses are, becomes the low four bits of each byte; one of up to
 * 7 other bytes stands there itself.  Different fields are different words.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_GROUP_WORD_H
#define FLOW_GROUP_WORD_H

#include "field_key.h"

#include <string.h>

/* What a word holds, in its highest four bits. */
#define FLOW_WORD_KIND(word) ((word) >> 60)
#define FLOW_WORD_BYTES 1  /* bytes; their number is in the next four bits */
#define FLOW_WORD_NUMBER 2 /* a number of 60 bits, the value of an expression */
#define FLOW_WORD_NONE 3   /* there is no field */
#define FLOW_WORD_NIBBLES 12

#define FLOW_WORD_EMPTY UINT64_C(0xCCCCCCCCCCCCCCCC) /* an empty field */
#define FLOW_WORD_NO_FIELD ((uint64_t) FLOW_WORD_NONE << 60)

#define FLOW_WORD_EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* The byte '<', whose low four bits no byte of a field has, follows a field's nibbles. */
#define FLOW_WORD_PAD 0x3C

/* Moves the low four bits of each byte together. */
static inline uint64_t
flow_word_nibbles(uint64_t bytes)
{
	bytes &= FLOW_WORD_EACH(0x0F);
	bytes = (bytes | bytes >> 4) & UINT64_C(0x00FF00FF00FF00FF);
	bytes = (bytes | bytes >> 8) & UINT64_C(0x0000FFFF0000FFFF);
	return (bytes | bytes >> 16) & UINT64_C(0x00000000FFFFFFFF);
}

/* Makes the bytes of eight nibbles. */
static inline uint64_t
flow_word_bytes(uint64_t nibbles)
{
	uint64_t bytes = nibbles & UINT64_C(0x00000000FFFFFFFF);

	bytes = (bytes | bytes << 16) & UINT64_C(0x0000FFFF0000FFFF);
	bytes = (bytes | bytes << 8) & UINT64_C(0x00FF00FF00FF00FF);
	bytes = (bytes | bytes << 4) & FLOW_WORD_EACH(0x0F);
	/* 0 to 12 are those of 0x30 to 0x3C, 13 to 15 of 0x2D to 0x2F */
	return (bytes | FLOW_WORD_EACH(0x30)) - ((bytes + FLOW_WORD_EACH(3)) & FLOW_WORD_EACH(0x10));
}

/* Returns bits that are set for bytes outside of '-' to ';', but may not be set for a pad. */
static inline uint64_t
flow_word_others(uint64_t bytes, uint64_t padded)
{
	uint64_t above = bytes | (bytes + FLOW_WORD_EACH(0x7F - (FLOW_WORD_PAD - 1)));
	uint64_t below = ~((padded | FLOW_WORD_EACH(0x80)) - FLOW_WORD_EACH(0x2D));

	return (above | below) & FLOW_WORD_EACH(0x80);
}

/* Returns what the word of that many bytes has above them. */
static inline uint64_t
flow_word_bytes_head(uint64_t len)
{
	return (uint64_t) FLOW_WORD_BYTES << 60 | len << 56;
}

/* Returns the word of a field, or 0 if it does not fit. */
static inline uint64_t
flow_word_of_field(const FlowFieldKey *key)
{
	/* 16 zeros, then 16 pads; from position 16 - len on, those of a field */
	static const uint64_t pads[4] = {0,
	                                 0,
	                                 FLOW_WORD_EACH(FLOW_WORD_PAD),
	                                 FLOW_WORD_EACH(FLOW_WORD_PAD)};
	uint64_t pad[2], low, high;

	if (flow_unlikely(key->len >= FLOW_KEY_SHORT))
		return key->len == FLOW_KEY_NO_FIELD ? FLOW_WORD_NO_FIELD : 0;
	memcpy(pad, (const char *) pads + FLOW_KEY_SHORT - key->len, sizeof(pad));
	low = key->words[0] | pad[0];
	high = key->words[1] | pad[1];
	if (flow_likely(
			(flow_word_others(key->words[0], low) | flow_word_others(key->words[1], high)) == 0))
		return flow_word_nibbles(low) | flow_word_nibbles(high) << 32;
	if (key->len >= sizeof(uint64_t))
		return 0;
	return key->words[0] | flow_word_bytes_head(key->len);
}

/* Returns the word of a number, or of NULL; 0 if it does not fit. */
static inline uint64_t
flow_word_of_value(uint64_t number, bool present)
{
	if (!present)
		return FLOW_WORD_NO_FIELD;
	if (number + (UINT64_C(1) << 59) >= UINT64_C(1) << 60)
		return 0;
	return (number & ((UINT64_C(1) << 60) - 1)) | (uint64_t) FLOW_WORD_NUMBER << 60;
}

/* The same for a number that stands in a key as such. */
static inline uint64_t
flow_word_of_number(const FlowFieldKey *key)
{
	return flow_word_of_value(key->words[0], key->len != FLOW_KEY_NO_FIELD);
}

/* Returns the number of a word of that kind. */
static inline int64_t
flow_word_number(uint64_t word)
{
	return (int64_t) (word << 4) >> 4;
}

/* Returns how many nibbles a word of that kind has. */
static inline size_t
flow_word_len(uint64_t word)
{
	uint64_t other = word ^ FLOW_WORD_EMPTY;

	/* a bit for each nibble that is none of the pad's */
	other |= other >> 2;
	other |= other >> 1;
	other &= UINT64_C(0x1111111111111111);
	/* their sum, which is 15 at most, is in the highest nibble */
	return other * UINT64_C(0x1111111111111111) >> 60;
}

/* Returns the field, or the number's bytes, of a word; its bytes are in the buffer. */
static inline FlowSlice
flow_word_show(uint64_t word, char buffer[FLOW_KEY_SHORT])
{
	uint64_t bytes[2] = {word, 0};
	size_t len = sizeof(uint64_t);

	switch (FLOW_WORD_KIND(word))
	{
		case FLOW_WORD_NONE:
			return (FlowSlice) {NULL, 0};
		case FLOW_WORD_NUMBER:
			bytes[0] = (uint64_t) flow_word_number(word);
			break;
		case FLOW_WORD_BYTES:
			len = word >> 56 & 0x0F;
			break;
		default:
			bytes[0] = flow_word_bytes(word);
			bytes[1] = flow_word_bytes(word >> 32);
			len = flow_word_len(word);
			break;
	}
	memcpy(buffer, bytes, FLOW_KEY_SHORT);
	return (FlowSlice) {buffer, len};
}

/*
 * Returns true if a word is that of an integer without leading zeros, of at
 * most that many digits, up to 15.  It is called for each record, so it has no
 * branches.
 */
static inline bool
flow_word_is_plain_integer(uint64_t word, size_t most)
{
	/* nibbles above 9 that are no pads, which are 1100 in bits */
	uint64_t others = word >> 3 & (word >> 1 | (word >> 2 & word)) & UINT64_C(0x1111111111111111);
	uint64_t first = word & 0x0F, second = word >> 4 & 0x0F, after = word >> (4 * most) & 0x0F;
	uint64_t pad = FLOW_WORD_PAD & 0x0F;

	return (FLOW_WORD_KIND(word) == FLOW_WORD_NIBBLES) & (others == 0) & (first != pad) &
	       (after == pad) & ((first != 0) | (second == pad));
}

/* ---------- group_words.c ---------- */

/*
 * Makes words of a field of records; "ends" is as in FlowDigitFields.  Returns
 * 0 if none of them fits.
 */
typedef uint64_t (*FlowReadWords)(const char *data, const uint32_t *ends, const uint32_t *rows,
                                  size_t count, uint64_t *words);

/*
 * Returns a function that this processor can run, the fastest of which is
 * version 0; NULL if there are not as many.
 */
extern FlowReadWords flow_group_words(int version);

#endif /* FLOW_GROUP_WORD_H */
