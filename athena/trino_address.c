/*-------------------------------------------------------------------------
 *
 * trino_address.c
 *	  Trino's contains(cidr, address), with Trino's results.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include <arpa/inet.h>

#include "catalog/dependency.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "utils/builtins.h"
#include "utils/inet.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

FLOWLOG_FUNCTION(flowlog_contains);

/* An address, and how many of its bits count. */
typedef struct Address
{
	uint8 bytes[16];
	int size; /* 4 or 16 */
	int bits;
} Address;

/*
 * Converts an IPv4 address in the form of IPv6 (::ffff:1.2.3.4) to IPv4, which
 * it is to Trino.
 */
static void
unmap(Address *address)
{
	static const uint8 prefix[12] = {[10] = 0xff, [11] = 0xff};

	if (address->size == 16 && address->bits >= 96 &&
	    memcmp(address->bytes, prefix, sizeof(prefix)) == 0)
	{
		memmove(address->bytes, address->bytes + sizeof(prefix), 4);
		address->size = 4;
		address->bits -= 96;
	}
}

/* Returns true if the first bits of two addresses are the same. */
static bool
same_prefix(const uint8 *a, const uint8 *b, int bits)
{
	int whole = bits / 8;
	int rest = bits % 8;

	return memcmp(a, b, whole) == 0 && (rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0);
}

/*
 * Reads "address/bits"; returns what is wrong with it, or NULL.  As in Trino,
 * bits after the prefix must be 0 in IPv4, but not in IPv6.  Unlike in inet's
 * input, an IPv4 address must have all four numbers.
 */
static const char *
read_cidr(char *cidr, Address *network)
{
	char *slash = strchr(cidr, '/');
	char *digits;
	int bit;

	if (slash == NULL)
		return "It has no \"/\".";

	/* read the address */
	*slash = '\0';
	network->size = 4;
	if (inet_pton(AF_INET, cidr, network->bytes) != 1)
	{
		network->size = 16;
		if (inet_pton(AF_INET6, cidr, network->bytes) != 1)
			network->size = 0;
	}
	*slash = '/';
	if (network->size == 0)
		return "The part before the \"/\" is not an address.";
	network->bits = 128;
	unmap(network);

	/* read the length of the prefix */
	network->bits = 0;
	for (digits = slash + 1; *digits >= '0' && *digits <= '9' && network->bits <= 128; digits++)
		network->bits = network->bits * 10 + (*digits - '0');
	if (digits == slash + 1 || *digits != '\0' || network->bits > network->size * 8)
		return "The part after the \"/\" is not a prefix length of this address.";

	for (bit = network->bits; network->size == 4 && bit < 32; bit++)
		if ((network->bytes[bit / 8] & (0x80 >> bit % 8)) != 0)
			return "It has bits set to the right of the prefix.";
	return NULL;
}

/*
 * contains(cidr, address): returns true if the address is in the network;
 * false for an address of the other family. inet values may be networks, which
 * Trino does not have; for these the result is that of <<=.
 */
Datum
flowlog_contains(PG_FUNCTION_ARGS)
{
	char *cidr = text_to_cstring(PG_GETARG_TEXT_PP(0));
	inet *in = PG_GETARG_INET_PP(1);
	Address network, address;
	const char *detail = read_cidr(cidr, &network);

	if (detail != NULL)
		ereport(ERROR,
		        errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
		        errmsg("invalid CIDR: \"%s\"", cidr),
		        errdetail("%s", detail));
	address.size = ip_addrsize(in);
	address.bits = ip_bits(in);
	memcpy(address.bytes, ip_addr(in), address.size);
	unmap(&address);
	PG_RETURN_BOOL(address.size == network.size && address.bits >= network.bits &&
	               same_prefix(address.bytes, network.bytes, network.bits));
}

/* ---------- for the reader ---------- */

/* Returns true if the function is our contains(text, inet), by its address. */
bool
flowlog_is_contains(Oid function)
{
	FmgrInfo info;

	if (function < FirstNormalObjectId)
		return false;
	fmgr_info(function, &info);
	return info.fn_addr == flowlog_contains;
}

/*
 * Sets the networks in one of which, by "<<=", an address is that a CIDR of
 * IPv4 contains.  Returns false for any other CIDR.
 */
bool
flowlog_contains_networks(Datum cidr, FlowAddress networks[2])
{
	Address network;

	if (read_cidr(text_to_cstring(DatumGetTextPP(cidr)), &network) != NULL || network.size != 4)
		return false;
	networks[0] = (FlowAddress) {.family = 4, .bits = network.bits};
	memcpy(networks[0].bytes, network.bytes, 4);
	networks[1] =
		(FlowAddress) {.family = 6, .bits = 96 + network.bits, .bytes = {[10] = 0xff, [11] = 0xff}};
	memcpy(networks[1].bytes + 12, network.bytes, 4);
	return true;
}

/*
 * Returns true if the type is our domain "ipaddress", as the extension's script
 * makes it: an inet that is not a network.
 */
bool
flowlog_is_ipaddress(Oid type)
{
	DomainConstraintRef *reference;
	Oid extension = getExtensionOfObject(TypeRelationId, type);

	if (!OidIsValid(extension) || extension != get_extension_oid("flowlog_fdw", true) ||
	    get_typtype(type) != TYPTYPE_DOMAIN || getBaseType(type) != INETOID)
		return false;
	reference = palloc(sizeof(DomainConstraintRef));
	InitDomainConstraintRef(type, reference, CurrentMemoryContext, false);
	return list_length(reference->constraints) == 1;
}
