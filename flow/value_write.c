/*-------------------------------------------------------------------------
 *
 * value_write.c
 *	  Writes a value in a canonical form, which nearly all fields of a log
 *	  have.
 *
 * Values can thus be told apart by the bytes of their fields: two fields in
 * canonical form have the same value only if their bytes are the same.
 *
 *-------------------------------------------------------------------------
 */
#include "internal.h"

#include <string.h>

/* Returns true if a type has a canonical form for its values. */
bool
flow_value_has_form(FlowType type)
{
	switch (type)
	{
		case FLOW_INT16:
		case FLOW_INT32:
		case FLOW_INT64:
		case FLOW_TEXT:
		case FLOW_ADDRESS:
		case FLOW_NETWORK:
			return true;
		default:
			return false;
	}
}

static char *
write_decimal(char *out, uint64_t number)
{
	char digits[20];
	size_t count = 0;

	do
		digits[count++] = (char) ('0' + number % 10);
	while ((number /= 10) != 0);
	while (count > 0)
		*out++ = digits[--count];
	return out;
}

static char *
write_integer(char *out, int64_t integer)
{
	if (integer >= 0)
		return write_decimal(out, (uint64_t) integer);
	*out++ = '-';
	return write_decimal(out, -(uint64_t) integer);
}

static char *
write_hexadecimal(char *out, unsigned word)
{
	bool begun = false;

	for (int shift = 12; shift >= 0; shift -= 4)
	{
		begun |= word >> shift != 0 || shift == 0;
		if (begun)
			*out++ = "0123456789abcdef"[word >> shift & 15];
	}
	return out;
}

static char *
write_ipv4(char *out, const uint8_t *bytes)
{
	for (int i = 0; i < 4; i++)
	{
		if (i > 0)
			*out++ = '.';
		out = write_decimal(out, bytes[i]);
	}
	return out;
}

/*
 * Writes an IPv6 address as in RFC 5952: "::" stands for the first of the
 * longest runs of at least two zeros.
 */
static char *
write_ipv6(char *out, const uint8_t *bytes)
{
	unsigned words[8];
	int best = 8, best_len = 1;

	for (int i = 0; i < 8; i++)
		words[i] = (unsigned) bytes[2 * i] << 8 | bytes[2 * i + 1];

	/* find the run of zeros */
	for (int i = 0, len = 0; i < 8; i++)
	{
		len = words[i] == 0 ? len + 1 : 0;
		if (len > best_len)
		{
			best = i + 1 - len;
			best_len = len;
		}
	}

	/* write the words */
	for (int i = 0; i < 8;)
	{
		if (i == best)
		{
			*out++ = ':';
			*out++ = ':';
			i += best_len;
			continue;
		}
		if (i > 0 && out[-1] != ':')
			*out++ = ':';
		out = write_hexadecimal(out, words[i++]);
	}
	return out;
}

static char *
write_address(char *out, const FlowAddress *address)
{
	out = address->family == 4 ? write_ipv4(out, address->bytes) : write_ipv6(out, address->bytes);
	if (address->bits == (address->family == 4 ? 32 : 128))
		return out;
	*out++ = '/';
	return write_decimal(out, address->bits);
}

/* Writes a value in its canonical form. */
FlowSlice
flow_value_write(FlowType type, const FlowValue *value, char buffer[FLOW_FORM_SIZE])
{
	char *end;

	if (type == FLOW_TEXT)
		return value->text;
	if (type == FLOW_ADDRESS || type == FLOW_NETWORK)
		end = write_address(buffer, &value->address);
	else
		end = write_integer(buffer, value->integer);
	return (FlowSlice) {buffer, (size_t) (end - buffer)};
}
