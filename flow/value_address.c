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

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

#define MAX_PLAIN_V6 39 /* bytes */
#define BEFORE 8        /* bytes before a copied text that may be read */

/* Returns the highest bit of each byte that is that one. */
static inline uint64_t
bytes_that_are(uint64_t bytes, uint8_t byte)
{
	uint64_t others = bytes ^ EACH(byte);

	return ~(((others & EACH(0x7F)) + EACH(0x7F)) | others) & EACH(0x80);
}

/*
 * Returns the highest bit of each byte that is from one to another, both below
 * 128.
 */
static inline uint64_t
bytes_between(uint64_t bytes, uint8_t from, uint8_t to)
{
	uint64_t low = bytes & EACH(0x7F);

	return (low + EACH(0x80 - from)) & ~(low + EACH(0x7F - to)) & ~bytes & EACH(0x80);
}

/*
 * Finds the colons, a bit for each byte; returns false if there is anything
 * besides these and hexadecimal digits.
 */
static inline bool
find_colons(const char *text, size_t len, uint64_t *colons)
{
	uint64_t good = 0, inside = (UINT64_C(1) << len) - 1;

	*colons = 0;
	for (size_t i = 0; i < len; i += 8)
	{
		uint64_t bytes = flow_load_word(text + i);
		uint64_t colon = bytes_that_are(bytes, ':');
		uint64_t hex = bytes_between(bytes, '0', '9') | bytes_between(bytes | EACH(0x20), 'a', 'f');

		/* gathers the highest bits of the bytes */
		*colons |= ((colon >> 7) * UINT64_C(0x0102040810204080) >> 56) << i;
		good |= (((colon | hex) >> 7) * UINT64_C(0x0102040810204080) >> 56) << i;
	}
	*colons &= inside;
	return (good & inside) == inside;
}

/* Returns the number of up to four hexadecimal digits before "end". */
static inline uint32_t
read_group(const char *end, size_t len)
{
	uint32_t bytes = flow_load_half(end - 4);

	bytes = (bytes & 0x0F0F0F0F) + (bytes >> 6 & 0x01010101) * 9;
	bytes = len < 4 ? bytes >> 8 * (4 - len) << 8 * (4 - len) : bytes;
	bytes = (bytes << 4 | bytes >> 8) & 0x00FF00FF;
	return (bytes << 8 | bytes >> 16) & 0xFFFF;
}

/* Writes groups, of which those after the gap are the last ones. */
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
 * False says nothing; "bytes" are 0 before, and then still are.  What digits a
 * group has cannot be predicted, so there are no branches on that: an address
 * takes 48 ns instead of 91.
 */
static bool
read_plain_v6(const char *data, size_t len, uint8_t *bytes)
{
	char copy[BEFORE + MAX_PLAIN_V6 + 1] = {0};
	char *text = copy + BEFORE;
	uint16_t groups[9];
	uint64_t colons;
	size_t count = 0, gap = SIZE_MAX, start = 0;

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
	return false;
#endif
	if (len < 3 || len > MAX_PLAIN_V6)
		return false;
	memcpy(text, data, len);
	if (!find_colons(text, len, &colons))
		return false;
	if (text[0] == ':')
	{
		if (text[1] != ':')
			return false;
		gap = 0;
		start = 2;
		colons &= ~UINT64_C(3);
	}
	for (colons |= UINT64_C(1) << len; colons != 0; colons &= colons - 1)
	{
		size_t end = (size_t) __builtin_ctzll(colons);

		if (end == start)
		{
			/* a second colon, or the end after one or two */
			if (end == len ? gap != count : gap != SIZE_MAX)
				return false;
			gap = count;
		}
		else if (end - start > 4 || count == 8)
			return false;
		else
			groups[count++] = (uint16_t) read_group(text + end, end - start);
		start = end + 1;
	}
	if (gap != SIZE_MAX ? count >= 8 : count != 8)
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
