/*-------------------------------------------------------------------------
 *
 * split_portable.c
 *	  The splitter that processes one byte at a time, for processors without a
 *	  faster one.  The tests compare the others with it.
 *
 *-------------------------------------------------------------------------
 */
#include "ends.h"
#include "split.h"

static inline void
put_bit(uint8_t *bits, size_t number, bool value)
{
	uint8_t mask = (uint8_t) (1 << number % 8);

	if (value)
		bits[number / 8] |= mask;
	else
		bits[number / 8] &= (uint8_t) ~mask;
}

/* Splits byte by byte. */
void
flow_split_portable(const char *data, size_t len, char separator, FlowEnds *ends)
{
	bool empty = true, digits = true, special = false; /* the field so far */
	size_t count = 0;

	ends->any_special = false;
	for (size_t i = 0; i < len; i++)
	{
		unsigned char byte = (unsigned char) data[i];

		if (data[i] == separator || byte == '\n')
		{
			ends->next[count] = (uint32_t) (i + 1);
			put_bit(ends->newline, count, byte == '\n');
			put_bit(ends->digits, count, digits && !empty);
			put_bit(ends->special, count, special || empty);
			ends->any_special |= special || empty;
			count++;
			empty = digits = true;
			special = false;
		}
		else
		{
			empty = false;
			digits &= byte >= '0' && byte <= '9';
			special |= byte < 0x20 || byte >= 0x80;
		}
	}
	ends->count = count;
}
