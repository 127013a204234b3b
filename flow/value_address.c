/*-------------------------------------------------------------------------
 *
 * value_address.c
 *	  Reads an internet address or network from text.
 *
 * What is accepted, and what it yields, is what PostgreSQL's inet_in and
 * cidr_in accept and yield, down to the odd: "1.2.3.4." is an address, a cidr
 * may be hexadecimal, "::1.2.3" is "::1.2.3.0", and a prefix length of a
 * dotted address is taken modulo 2^32.  Rows must not depend on which of the
 * two read the text.
 *
 *-------------------------------------------------------------------------
 */
#include "flow_digits.h"
#include "internal.h"

#include <string.h>

#define V4_BYTES 4
#define V6_BYTES 16
#define V4_BITS 32
#define V6_BITS 128
#define NO_BITS (-1) /* no prefix length was given */

/*
 * Text not yet read.  What lies beyond its end reads as END, which no byte is.
 */
typedef struct Cursor
{
	const unsigned char *next;
	const unsigned char *end;
} Cursor;

#define END (-1)

static inline int
peek(const Cursor *in)
{
	return in->next < in->end ? *in->next : END;
}

/* the byte after the next one */
static inline int
peek_second(const Cursor *in)
{
	return in->end - in->next >= 2 ? in->next[1] : END;
}

static inline bool
is_digit(int byte)
{
	return byte >= '0' && byte <= '9';
}

/* the value of a hexadecimal digit, or -1 */
static inline int
hex_value(int byte)
{
	if (is_digit(byte))
		return byte - '0';
	if (byte >= 'a' && byte <= 'f')
		return byte - 'a' + 10;
	if (byte >= 'A' && byte <= 'F')
		return byte - 'A' + 10;
	return -1;
}

/* Reads a number of any length up to 255; the next byte must be a digit. */
static bool
read_octet(Cursor *in, uint8_t *octet)
{
	unsigned value = 0;

	do
	{
		value = value * 10 + (unsigned) (*in->next++ - '0');
		if (value > 255)
			return false;
	} while (is_digit(peek(in)));

	*octet = (uint8_t) value;
	return true;
}

/*
 * Reads "/bits" up to the end of the text, or NO_BITS if the text ends at
 * once. The value wraps as PostgreSQL's int does, so it may come out negative.
 */
static bool
read_v4_bits(Cursor *in, int *bits)
{
	uint32_t value = 0;

	*bits = NO_BITS;
	if (peek(in) == '/' && is_digit(peek_second(in)))
	{
		in->next++;
		while (is_digit(peek(in)))
			value = value * 10 + (uint32_t) (*in->next++ - '0');
		*bits = (int32_t) value;
	}
	return peek(in) == END && *bits <= V4_BITS;
}

/*
 * An inet: all four octets, or fewer and a prefix length that they suffice
 * for.
 */
static bool
read_v4_host(Cursor in, FlowAddress *address)
{
	int octets = 0;
	int bits;

	while (is_digit(peek(&in)))
	{
		if (octets == V4_BYTES || !read_octet(&in, &address->bytes[octets]))
			return false;
		octets++;
		if (peek(&in) == END || peek(&in) == '/')
			break;
		if (*in.next++ != '.')
			return false;
	}
	if (octets == 0 || !read_v4_bits(&in, &bits))
		return false;
	if (bits == NO_BITS)
	{
		if (octets < V4_BYTES)
			return false;
		bits = V4_BITS;
	}
	if (bits < 0 || bits / 8 > octets)
		return false;
	address->bits = (uint8_t) bits;
	return true;
}

/*
 * "0x" and hexadecimal digits, two an octet; a last one alone is the high half
 */
static bool
read_hex_octets(Cursor *in, FlowAddress *address, int *octets)
{
	int count = 0;
	int value;

	in->next += 2;
	while ((value = hex_value(peek(in))) >= 0)
	{
		if (count == V4_BYTES * 2)
			return false;
		address->bytes[count / 2] |= (uint8_t) (count % 2 == 0 ? value << 4 : value);
		count++;
		in->next++;
	}
	*octets = (count + 1) / 2;
	return true;
}

static bool
read_dotted_octets(Cursor *in, FlowAddress *address, int *octets)
{
	*octets = 0;
	for (;;)
	{
		if (!is_digit(peek(in)) || *octets == V4_BYTES || !read_octet(in, &address->bytes[*octets]))
			return false;
		++*octets;
		if (peek(in) == END || peek(in) == '/')
			return true;
		if (*in->next++ != '.')
			return false;
	}
}

/* the prefix length of a network that was written without one, by its class */
static int
class_bits(uint8_t first, int octets)
{
	int bits = first >= 240 ? 32 : first >= 224 ? 8 : first >= 192 ? 24 : first >= 128 ? 16 : 8;

	if (bits < octets * 8)
		bits = octets * 8;
	if (bits == 8 && first == 224)
		bits = 4;
	return bits;
}

/* A cidr: octets may be left out, and the prefix length too. */
static bool
read_v4_network(Cursor in, FlowAddress *address)
{
	int octets;
	int bits;
	bool is_hex = in.end - in.next > 2 && in.next[0] == '0' &&
	              (in.next[1] == 'x' || in.next[1] == 'X') && hex_value(in.next[2]) >= 0;

	if (!(is_hex ? read_hex_octets(&in, address, &octets)
	             : read_dotted_octets(&in, address, &octets)) ||
	    !read_v4_bits(&in, &bits))
		return false;
	if (bits == NO_BITS)
		bits = class_bits(address->bytes[0], octets);
	if (bits < 0)
		return false;
	address->bits = (uint8_t) bits;
	return true;
}

/* A number up to 128 without leading zeros, up to the end of the text. */
static bool
read_v6_bits(Cursor *in, int *bits)
{
	int value = 0;
	int digits = 0;

	for (; is_digit(peek(in)); in->next++)
	{
		if (digits++ != 0 && value == 0)
			return false;
		value = value * 10 + (*in->next - '0');
		if (value > V6_BITS)
			return false;
	}
	*bits = value;
	return digits != 0 && peek(in) == END;
}

/*
 * The dotted end of an IPv6 address and its prefix length, up to the end of
 * the text.  An octet may be empty, save the last, and octets may be missing.
 */
static bool
read_embedded_v4(Cursor *in, uint8_t *bytes, int *bits)
{
	int octets = 0;
	int digits = 0;
	unsigned value = 0;

	for (;; in->next++)
	{
		int byte = peek(in);

		if (is_digit(byte))
		{
			if (digits++ != 0 && value == 0)
				return false;
			value = value * 10 + (unsigned) (byte - '0');
			if (value > 255)
				return false;
			continue;
		}
		if (octets == V4_BYTES || (byte != '.' && byte != '/' && (byte != END || digits == 0)))
			return false;
		bytes[octets++] = (uint8_t) value;
		if (byte == END)
			return true;
		if (byte == '/')
		{
			in->next++;
			return read_v6_bits(in, bits);
		}
		value = 0;
		digits = 0;
	}
}

/* Moves what stands behind the "::" to the end of the address. */
static bool
expand_gap(uint8_t *bytes, int filled, int gap)
{
	int tail = filled - gap;

	if (gap < 0)
		return filled == V6_BYTES;
	if (filled == V6_BYTES)
		return false;
	memmove(bytes + V6_BYTES - tail, bytes + gap, (size_t) tail);
	memset(bytes + gap, 0, (size_t) (V6_BYTES - filled));
	return true;
}

static bool
read_v6(Cursor in, FlowAddress *address)
{
	uint8_t *bytes = address->bytes;
	int filled = 0; /* bytes read */
	int gap = -1;   /* where the "::" stands, in bytes */
	int bits = V6_BITS;
	int digits = 0; /* of the group that is being read */
	unsigned group = 0;
	Cursor group_start;

	if (peek(&in) == ':')
	{
		in.next++;
		if (peek(&in) != ':')
			return false;
	}
	group_start = in;

	while (peek(&in) != END)
	{
		int byte = *in.next++;
		int value = hex_value(byte);

		if (value >= 0)
		{
			if (++digits > 4)
				return false;
			group = group << 4 | (unsigned) value;
		}
		else if (byte == ':' && digits == 0)
		{
			if (gap >= 0)
				return false;
			gap = filled;
			group_start = in;
		}
		else if (byte == ':')
		{
			if (peek(&in) == END || filled == V6_BYTES)
				return false;
			bytes[filled++] = (uint8_t) (group >> 8);
			bytes[filled++] = (uint8_t) group;
			digits = 0;
			group = 0;
			group_start = in;
		}
		else if (byte == '.')
		{
			if (filled + V4_BYTES > V6_BYTES ||
			    !read_embedded_v4(&group_start, bytes + filled, &bits))
				return false;
			filled += V4_BYTES;
			digits = 0;
			break;
		}
		else if (byte != '/' || !read_v6_bits(&in, &bits))
			return false;
		else
			break;
	}
	if (digits != 0)
	{
		if (filled == V6_BYTES)
			return false;
		bytes[filled++] = (uint8_t) (group >> 8);
		bytes[filled++] = (uint8_t) group;
	}
	address->bits = (uint8_t) bits;
	return expand_gap(bytes, filled, gap);
}

/* Are all bits beyond the prefix zero? */
static bool
is_network(const FlowAddress *address)
{
	int full = address->bits / 8;
	int partial = address->bits % 8;
	int size = address->family == 4 ? V4_BYTES : V6_BYTES;

	if (full < size && (uint8_t) (address->bytes[full] << partial) != 0)
		return false;
	for (int i = full + 1; i < size; i++)
	{
		if (address->bytes[i] != 0)
			return false;
	}
	return true;
}

FlowStatus
flow_value_address(const char *data, size_t len, bool network, FlowAddress *address)
{
	Cursor in = {(const unsigned char *) data, (const unsigned char *) data + len};
	bool valid;

	memset(address, 0, sizeof(*address));
	address->family = 4;
	address->bits = V4_BITS;
	if (flow_likely(flow_read_dotted_quad(data, len, false, address->bytes)))
		return FLOW_OK; /* as a cidr it has no host bits either */

	memset(address->bytes, 0, sizeof(address->bytes));
	if (len > 0 && memchr(data, ':', len) != NULL)
	{
		address->family = 6;
		valid = read_v6(in, address);
	}
	else
		valid = network ? read_v4_network(in, address) : read_v4_host(in, address);

	return valid && (!network || is_network(address)) ? FLOW_OK : FLOW_BAD_SYNTAX;
}
