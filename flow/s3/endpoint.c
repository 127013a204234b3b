/*-------------------------------------------------------------------------
 *
 * endpoint.c
 *	  Decides which hosts and addresses may be connected to.
 *
 *-------------------------------------------------------------------------
 */
#include "internal.h"
#include "flow_s3.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <strings.h>

/* A parsed entry of the allowed endpoints. */
typedef struct Entry
{
	char name[256];      /* a host, or "*.suffix"; empty: an address or a network */
	uint8_t address[16]; /* of "len" bytes */
	size_t len;
	int bits;
	int port; /* 0: any */
} Entry;

/* Reads a number of at most five digits in the given range. */
static bool
read_number(const char *text, int least, int most, int *number)
{
	size_t len = strlen(text);

	if (len == 0 || len > 5 || strspn(text, "0123456789") != len)
		return false;
	*number = atoi(text);
	return *number >= least && *number <= most;
}

/* Returns true if the text is a host's name, or "*." and one. */
static bool
is_host(const char *name)
{
	size_t len;

	if (name[0] == '*')
	{
		if (name[1] != '.')
			return false;
		name += 2;
	}
	len = strlen(name);
	return len > 0 &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") ==
	           len &&
	       name[0] != '.' && name[len - 1] != '.' && strstr(name, "..") == NULL;
}

/*
 * Reads an address or a network, such as "10.0.0.0/8" or "fd00::1".  Returns
 * false if the text is neither.  Sets *valid to whether its "/bits" is valid.
 */
static bool
read_address(char *text, Entry *entry, bool *valid)
{
	char *slash = strchr(text, '/');

	if (slash != NULL)
		*slash = '\0';
	if (inet_pton(AF_INET, text, entry->address) == 1)
		entry->len = 4;
	else if (inet_pton(AF_INET6, text, entry->address) == 1)
		entry->len = 16;
	else
	{
		if (slash != NULL)
			*slash = '/';
		return false;
	}
	entry->bits = (int) entry->len * 8;
	*valid = slash == NULL || read_number(slash + 1, 0, entry->bits, &entry->bits);
	return true;
}

/* Reads "HOST", "HOST:PORT", "ADDRESS", "NETWORK/BITS" or "[IPV6]:PORT". */
static bool
read_entry(const char *text, Entry *entry)
{
	char *colon, *name = entry->name;
	bool valid;

	memset(entry, 0, sizeof(*entry));
	if (strlen(text) >= sizeof(entry->name))
		return false;
	strcpy(name, text);

	/* an IPv6 address in brackets, perhaps with a port */
	if (name[0] == '[')
	{
		char *close = strchr(name, ']');
		bool address;

		if (close == NULL || (close[1] != '\0' &&
		                      (close[1] != ':' || !read_number(close + 2, 1, 65535, &entry->port))))
			return false;
		*close = '\0';
		address = read_address(name + 1, entry, &valid) && valid && entry->len == 16;
		name[0] = '\0';
		return address;
	}
	/* a port after a host or an IPv4 address */
	colon = strchr(name, ':');
	if (colon != NULL && strchr(colon + 1, ':') == NULL) /* more than one colon: an IPv6 address */
	{
		if (!read_number(colon + 1, 1, 65535, &entry->port))
			return false;
		*colon = '\0';
	}
	if (read_address(name, entry, &valid))
	{
		name[0] = '\0';
		return valid;
	}
	return is_host(name);
}

/* Returns true if the text is a valid entry of the allowed endpoints. */
bool
flow_endpoint_is_valid(const char *text)
{
	Entry entry;

	return read_entry(text, &entry);
}

/* Returns true if the first "bits" bits of two addresses are equal. */
static bool
shares_bits(const uint8_t *a, const uint8_t *b, int bits)
{
	int bytes = bits / 8, rest = bits % 8;

	return memcmp(a, b, (size_t) bytes) == 0 &&
	       (rest == 0 || ((a[bytes] ^ b[bytes]) >> (8 - rest)) == 0);
}

/*
 * Returns true for addresses that are reached under a host's name only by
 * mistake or malice: those of this machine, of the link, and of groups.
 */
static bool
is_near(const uint8_t *address, size_t len)
{
	static const struct
	{
		size_t len;
		uint8_t address[16];
		int bits;
	} near[] = {
		{4, {0}, 8},                        /* "this network", and 0.0.0.0 */
		{4, {127}, 8},                      /* loopback */
		{4, {169, 254}, 16},                /* link-local: an instance's metadata */
		{4, {224}, 3},                      /* multicast, and reserved addresses */
		{16, {0}, 96},                      /* ::, ::1, and IPv4 written in IPv6 */
		{16, {0xFE, 0x80}, 10},             /* link-local */
		{16, {0xFF}, 8},                    /* multicast */
		{16, {0xFD, 0x00, 0x0E, 0xC2}, 32}, /* an instance's metadata */
		/* NAT64, which leads to any IPv4 address */
		{16, {0x00, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0}, 96},
	};

	for (size_t i = 0; i < flow_countof(near); i++)
		if (near[i].len == len && shares_bits(near[i].address, address, near[i].bits))
			return true;
	return false;
}

static bool
is_loopback(const uint8_t *address, size_t len)
{
	static const uint8_t one[16] = {[15] = 1};

	return len == 4 ? address[0] == 127 : memcmp(address, one, 16) == 0;
}

static bool
has_suffix(const char *name, const char *suffix)
{
	size_t len = strlen(name), suffix_len = strlen(suffix);

	return len > suffix_len && strcasecmp(name + len - suffix_len, suffix) == 0;
}

static bool
name_matches(const char *pattern, const char *name)
{
	return pattern[0] == '*' ? has_suffix(name, pattern + 1) : strcasecmp(pattern, name) == 0;
}

/* Returns true if a connection to the address may be made. */
bool
flow_endpoint_allows(const char *const *entries, size_t count, const char *name,
                     const uint8_t *address, size_t len, int port, bool tls)
{
	static const uint8_t mapped[12] = {[10] = 0xFF, [11] = 0xFF};
	bool near;

	/* an IPv4 address mapped into IPv6 */
	if (len == 16 && memcmp(address, mapped, sizeof(mapped)) == 0)
	{
		address += sizeof(mapped);
		len = 4;
	}
	near = is_near(address, len);

	/* without entries, only AWS is allowed */
	if (count == 0)
		return tls && !near &&
		       (has_suffix(name, ".amazonaws.com") || has_suffix(name, ".amazonaws.com.cn"));
	for (size_t i = 0; i < count; i++)
	{
		Entry entry;

		if (!read_entry(entries[i], &entry) || (entry.port != 0 && entry.port != port))
			continue;
		if (entry.name[0] == '\0')
		{
			if (entry.len == len && shares_bits(entry.address, address, entry.bits))
				return true;
		}
		else if (name_matches(entry.name, name) &&
		         (!near || (strcasecmp(entry.name, "localhost") == 0 && is_loopback(address, len))))
			return true;
	}
	return false;
}
