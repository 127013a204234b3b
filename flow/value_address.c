/*-------------------------------------------------------------------------
 *
 * value_address.c
 *	  Reads an internet address or network from text.
 *
 * The accepted texts and their values are those of PostgreSQL's inet_in and
 * cidr_in, including oddities: "1.2.3.4." is an address, a cidr may be
 * hexadecimal, "::1.2.3" is "::1.2.3.0", and a prefix length of a dotted
 * address is taken modulo 2^32.  Rows must not depend on whether PostgreSQL or
 * this file reads the text.
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

/* Text not yet read.  Past its end, END is read, which is not a byte. */
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

/* Returns the byte after the next one. */
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
 * Reads "/bits" up to the end of the text.  *bits is NO_BITS if the text ends
 * at once.  The value wraps as PostgreSQL's int does, so it may be negative.
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
 * Reads an inet: all four octets, or fewer with a prefix length for which they
 * suffice.
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
 * Reads "0x" and hexadecimal digits, two per octet; a single last one is the
 * high half of its octet.
 */
static bool
read_hex_octets(Cursor *in, FlowAddress *address, int *octets)
{
	int count = 0;
	int value;

	in->next += 2;
	while ((value = flow_hex_value(peek(in))) >= 0)
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

/* Reads one to four octets separated by dots. */
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

/*
 * Returns the prefix length, by its class, of a network that was written
 * without one.
 */
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

/* Reads a cidr: octets may be left out, and the prefix length too. */
static bool
read_v4_network(Cursor in, FlowAddress *address)
{
	int octets;
	int bits;
	bool is_hex = in.end - in.next > 2 && in.next[0] == '0' &&
	              (in.next[1] == 'x' || in.next[1] == 'X') && flow_hex_value(in.next[2]) >= 0;

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

/*
 * Reads a number up to 128 without leading zeros, up to the end of the text.
 */
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
 * Reads the dotted end of an IPv6 address and its prefix length, up to the end
 * of the text.  Any octet but the last may be empty, and octets may be
 * missing.
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

		/* the octet ends here */
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

/* Moves what follows the "::" to the end of the address. */
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

/* Reads an IPv6 address and its prefix length. */
static bool
read_v6(Cursor in, FlowAddress *address)
{
	uint8_t *bytes = address->bytes;
	int filled = 0; /* bytes read */
	int gap = -1;   /* position of the "::", in bytes */
	int bits = V6_BITS;
	int digits = 0; /* of the group being read */
	unsigned group = 0;
	Cursor group_start;

	/* the text may begin with "::", but not with a single ":" */
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
		int value = flow_hex_value(byte);

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

	/* the last group */
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

/* Returns true if all bits after the prefix are zero. */
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

/* ---------- plain IPv6 ---------- */

#define NO_GAP SIZE_MAX

/* Returns the value of a hexadecimal digit, or at least 16. */
static inline unsigned
hex_value(unsigned char c)
{
	unsigned digit = c - (unsigned) '0', letter = (c | 0x20u) - (unsigned) 'a';

	return digit <= 9 ? digit : letter <= 5 ? letter + 10 : 16;
}

/* Writes groups, with zeros before the last ones for those that "::" stands for. */
static void
put_groups(const uint16_t *groups, size_t count, size_t gap, uint8_t *bytes)
{
	for (size_t i = 0; i < count; i++)
	{
		size_t place = i < gap ? i : i + 8 - count;

		bytes[2 * place] = (uint8_t) (groups[i] >> 8);
		bytes[2 * place + 1] = (uint8_t) groups[i];
	}
}

/*
 * Reads the form that logs have: hexadecimal groups, and "::" at most once.
 * False says nothing; "bytes" are 0 before, and then still are.  (0.4 of the
 * instructions of read_v6.)
 */
static bool
read_plain_v6(const char *data, size_t len, uint8_t *bytes)
{
	uint16_t groups[8];
	size_t count = 0, gap = NO_GAP, i = 0;

	if (len >= 2 && data[0] == ':' && data[1] == ':')
		gap = 0, i = 2;
	while (i < len || count == 0)
	{
		unsigned group = 0, value;
		size_t first = i;

		for (; i < len && (value = hex_value((unsigned char) data[i])) < 16; i++)
			group = group << 4 | value;
		if (count == 8 || i - first - 1 > 3)
			return false;
		groups[count++] = (uint16_t) group;
		if (i == len)
			break;
		if (data[i++] != ':' || i == len)
			return false;
		if (data[i] == ':')
		{
			if (gap != NO_GAP)
				return false;
			gap = count;
			i++;
		}
	}
	if ((gap == NO_GAP) != (count == 8))
		return false;
	put_groups(groups, count, gap, bytes);
	return true;
}

/* ---------- addresses ---------- */

/* Reads an inet or a cidr. */
FlowStatus
flow_value_address(const char *data, size_t len, bool network, FlowAddress *address)
{
	Cursor in = {(const unsigned char *) data, (const unsigned char *) data + len};
	bool valid;

	memset(address, 0, sizeof(*address));
	address->family = 4;
	address->bits = V4_BITS;
	if (flow_likely(flow_read_dotted_quad(data, len, false, address->bytes)))
		return FLOW_OK; /* a cidr with 32 bits has no host bits */

	memset(address->bytes, 0, sizeof(address->bytes));
	if (len > 0 && memchr(data, ':', len) != NULL)
	{
		address->family = 6;
		address->bits = V6_BITS;
		if (flow_likely(read_plain_v6(data, len, address->bytes)))
			return FLOW_OK;
		valid = read_v6(in, address);
	}
	else
		valid = network ? read_v4_network(in, address) : read_v4_host(in, address);

	return valid && (!network || is_network(address)) ? FLOW_OK : FLOW_BAD_SYNTAX;
}

/* ---------- the order ---------- */

static int
compare_prefixes(const FlowAddress *a, const FlowAddress *b, unsigned bits)
{
	int order = memcmp(a->bytes, b->bytes, bits / 8);

	if (order == 0 && bits % 8 != 0)
		order = (a->bytes[bits / 8] >> (8 - bits % 8)) - (b->bytes[bits / 8] >> (8 - bits % 8));
	return order;
}

int
flow_address_compare(const FlowAddress *a, const FlowAddress *b)
{
	int order = (int) a->family - (int) b->family;

	if (order == 0)
		order = compare_prefixes(a, b, a->bits < b->bits ? a->bits : b->bits);
	if (order == 0)
		order = (int) a->bits - (int) b->bits;
	return order != 0 ? order : memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}
