/*-------------------------------------------------------------------------
 *
 * field_text.h
 *	  The text of fields that are made of a Parquet file's values.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_PARQUET_FIELD_TEXT_H
#define FLOW_PARQUET_FIELD_TEXT_H

#include "fields.h"

#define FLOW_FIELD_MARGIN FLOW_RECORD_SLACK /* readable bytes before and after the fields */
#define FLOW_FIELD_NUMBER 21                /* bytes of an integer */

static inline bool
flow_field_is_integer(const FlowParquetLeaf *leaf)
{
	return leaf->kind == FLOW_PARQUET_INTEGER || leaf->kind == FLOW_PARQUET_UNSIGNED;
}

/*
 * Writes an integer in decimal and returns its length.  The compiler divides
 * by a constant with a multiplication.
 */
static inline size_t
flow_field_write_integer(char *to, int64_t number, bool is_unsigned)
{
	static const char pairs[201] = "00010203040506070809101112131415161718192021222324"
								   "25262728293031323334353637383940414243444546474849"
								   "50515253545556575859606162636465666768697071727374"
								   "75767778798081828384858687888990919293949596979899";
	char buffer[FLOW_FIELD_NUMBER];
	char *begin = buffer + sizeof(buffer);
	bool negative = number < 0 && !is_unsigned;
	uint64_t rest = negative ? 0 - (uint64_t) number : (uint64_t) number;
	size_t len;

	while (rest >= 100)
	{
		begin -= 2;
		memcpy(begin, pairs + 2 * (rest % 100), 2);
		rest /= 100;
	}
	if (rest >= 10)
	{
		begin -= 2;
		memcpy(begin, pairs + 2 * rest, 2);
	}
	else
		*--begin = (char) ('0' + rest);
	if (negative)
		*--begin = '-';
	len = (size_t) (buffer + sizeof(buffer) - begin);
	memcpy(to, begin, len);
	return len;
}

/* Returns true if a text is not what the splitter promises of a field. */
static inline bool
flow_field_is_doubtful(const char *data, size_t len)
{
	uint64_t found = 0;
	size_t i = 0;

	/* a byte below the blank borrows; after it the bits may be wrong, but one is set */
	for (; i + 8 <= len; i += 8)
	{
		uint64_t word = flow_load_word(data + i);

		found |= (word | (word - UINT64_C(0x2020202020202020))) & UINT64_C(0x8080808080808080);
	}
	for (; i < len; i++)
		found |= (unsigned char) (data[i] - ' ') >= 0x80 - ' ';
	return found != 0 || len == 0;
}

static inline bool
flow_field_is_digits(FlowSlice text)
{
	for (size_t i = 0; i < text.len; i++)
	{
		if ((unsigned char) (text.data[i] - '0') > 9)
			return false;
	}
	return text.len > 0;
}

/* Returns the text that stands for no value, if there is one. */
static inline FlowSlice
flow_field_null_text(const FlowParquetField *field)
{
	if (field->column->null_text == NULL)
		return (FlowSlice) {NULL, 0};
	return (FlowSlice) {field->column->null_text, field->column->null_len};
}

#endif /* FLOW_PARQUET_FIELD_TEXT_H */
