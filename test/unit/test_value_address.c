/*-------------------------------------------------------------------------
 *
 * test_value_address.c
 *	  Tests value_address.c.
 *
 *-------------------------------------------------------------------------
 */
#include "unit_value.h"

#include <arpa/inet.h>

static bool
reads_address(const char *text, bool network, int family, const void *bytes, int bits)
{
	FlowAddress address;
	uint8_t wanted[16] = {0};

	memcpy(wanted, bytes, family == 4 ? 4 : 16);
	memset(&address, 0xAA, sizeof(address));
	return flow_value_address(unit_at_edge(text, strlen(text)), strlen(text), network, &address) ==
	           FLOW_OK &&
	       address.family == family && address.bits == bits &&
	       memcmp(address.bytes, wanted, 16) == 0;
}

static bool
is_address(const char *text, bool network)
{
	FlowAddress address;

	return flow_value_address(unit_at_edge(text, strlen(text)), strlen(text), network, &address) ==
	       FLOW_OK;
}

static void
it_reads_every_octet_in_every_place(void)
{
	char text[64];

	for (int place = 0; place < 4; place++)
	{
		/* every octet of up to four digits, with its leading zeros */
		for (int digits = 1; digits <= 4; digits++)
		{
			for (int octet = 0; octet < power_of_ten(digits); octet++)
			{
				uint8_t bytes[4] = {1, 22, 255, 0};
				int at = 0;

				for (int i = 0; i < 4; i++)
					at += snprintf(text + at,
					               sizeof(text) - (size_t) at,
					               "%s%0*d",
					               i > 0 ? "." : "",
					               i == place ? digits : 1,
					               i == place ? octet : bytes[i]);
				bytes[place] = (uint8_t) octet;
				CHECK(octet <= 255 ? reads_address(text, false, 4, bytes, 32)
				                   : !is_address(text, false));
			}
		}
	}
}

static void
it_reads_every_pair_of_octets(void)
{
	char text[64];

	for (int pair = 0; pair < 65536; pair++)
	{
		uint8_t bytes[4] = {10, (uint8_t) pair, (uint8_t) (pair >> 8), 7};

		snprintf(text, sizeof(text), "%d.%d.%d.%d", bytes[0], bytes[1], bytes[2], bytes[3]);
		CHECK(reads_address(text, false, 4, bytes, 32));
		CHECK(reads_address(text, true, 4, bytes, 32));
	}
}

static void
it_takes_only_dots_between_octets(void)
{
	for (int place = 0; place < 8; place++)
	{
		for (int byte = 0; byte < 256; byte++)
		{
			char text[] = "1.2.3.44";
			FlowAddress address;
			struct in_addr plain;
			bool wanted;

			text[place] = (char) byte;
			wanted = byte != 0 && inet_pton(AF_INET, text, &plain) == 1;
			/*
			 * inet_pton accepts no leading zeros, no "1.2.3./4" and no dot at
			 * the end
			 */
			if ((byte == '0' && place == 6) || (byte == '.' && place == 7) ||
			    (byte == '/' && place == 6))
				wanted = true;
			CHECK_INT(flow_value_address(unit_at_edge(text, 8), 8, false, &address),
			          wanted ? FLOW_OK : FLOW_BAD_SYNTAX);
		}
	}
}

typedef struct AddressCase
{
	const char *text;
	const char *plain; /* the address as inet_pton accepts it; NULL: none */
	int bits;
} AddressCase;

static void
check_addresses(bool network, const AddressCase *cases, size_t count)
{
	for (size_t i = 0; i < count; i++)
	{
		const char *plain = cases[i].plain;
		uint8_t bytes[16] = {0};
		int family = plain != NULL && strchr(plain, ':') != NULL ? 6 : 4;
		bool right;

		if (plain != NULL)
			CHECK(inet_pton(family == 4 ? AF_INET : AF_INET6, plain, bytes) == 1);
		right = plain == NULL ? !is_address(cases[i].text, network)
		                      : reads_address(cases[i].text, network, family, bytes, cases[i].bits);
		if (!right)
			printf("# \"%s\" as a %s\n", cases[i].text, network ? "network" : "host");
		CHECK(right);
	}
}

static void
it_reads_inet_as_postgresql_does(void)
{
	static const AddressCase cases[] = {
		{"10.1.2.3/8", "10.1.2.3", 8},
		{"10.1.2.3/0", "10.1.2.3", 0},
		{"10.1.2.3/32", "10.1.2.3", 32},
		{"10.1.2.3/33", NULL, 0},
		{"10.1.2.3/008", "10.1.2.3", 8},
		{"10.1.2.3/4294967304", "10.1.2.3", 8}, /* an int there, which wraps */
		{"10.1.2.3/4294967295", "10.1.2.3", 32},
		{"10.1.2.3/4294967290", NULL, 0},
		{"10.1.2.3/", NULL, 0},
		{"10.1.2.3/8/8", NULL, 0},
		{"10.1.2.3/-1", NULL, 0},
		{"10.1.2.3/8 ", NULL, 0},
		{"10", NULL, 0},
		{"10.1.2", NULL, 0},
		{"10/8", "10.0.0.0", 8},
		{"10/15", "10.0.0.0", 15},
		{"10/16", NULL, 0},
		{"10.1/16", "10.1.0.0", 16},
		{"10.1.2/24", "10.1.2.0", 24},
		{"10.1.2.3.", "10.1.2.3", 32},
		{"10.1.2./24", "10.1.2.0", 24},
		{"10.1.2.", NULL, 0},
		{".10.1.2", NULL, 0},
		{"10..1.2", NULL, 0},
		{"10.1.2.3.4", NULL, 0},
		{"00000010.1.2.3", "10.1.2.3", 32},
		{"256.1.2.3", NULL, 0},
		{"0x0a.1.2.3", NULL, 0},
		{" 10.1.2.3", NULL, 0},
		{"10.1.2.3 ", NULL, 0},
		{"", NULL, 0},
		{"-", NULL, 0},
		{"/8", NULL, 0},

		{"::", "::", 128},
		{"::1", "::1", 128},
		{"1::", "1::", 128},
		{"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8", 128},
		{"1::8/64", "1::8", 64},
		{"FFFF::aBcD/0", "ffff::abcd", 0},
		{"::/128", "::", 128},
		{"::/129", NULL, 0},
		{"::/064", NULL, 0},
		{"::/0", "::", 0},
		{"::/00", NULL, 0},
		{"::/", NULL, 0},
		{"::ffff:1.2.3.4", "::ffff:1.2.3.4", 128},
		{"::ffff:1.2.3.4/96", "::ffff:1.2.3.4", 96},
		{"::1.2.3", "::1.2.3.0", 128}, /* octets may be missing here */
		{"::.2.3.4", "::0.2.3.4", 128},
		{"::1.2.3.", NULL, 0},
		{"::1.2.3./8", "::1.2.3.0", 8},
		{"::1.2.3.4.5", NULL, 0},
		{"::01.2.3.4", NULL, 0},
		{"::1.2.3.256", NULL, 0},
		{"1:2:3:4:5:6:7:1.2.3.4", NULL, 0},
		{"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:1.2.3.4", 128},
		{"1:2:3:4:5:6:7:8:/64", "1:2:3:4:5:6:7:8", 64},
		{"1:2:3:4:5:6:7:8:", NULL, 0},
		{"1:2:3:4:5:6:7:8::", NULL, 0},
		{"1:2:3:4:5:6:7:8:9", NULL, 0},
		{"1:2:3:4:5:6:7", NULL, 0},
		{"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0", 128},
		{"1::2::3", NULL, 0},
		{":::", NULL, 0},
		{":1", NULL, 0},
		{":", NULL, 0},
		{"1:", NULL, 0},
		{"12345::", NULL, 0},
		{"g::", NULL, 0},
		{"fe80::1%eth0", NULL, 0},
		{" ::1", NULL, 0},
		{"::1 ", NULL, 0},
	};

	check_addresses(false, cases, flow_countof(cases));
}

static void
it_reads_cidr_as_postgresql_does(void)
{
	static const AddressCase cases[] = {
		{"10", "10.0.0.0", 8},
		{"127", "127.0.0.0", 8},
		{"128", "128.0.0.0", 16},
		{"192", "192.0.0.0", 24},
		{"224", "224.0.0.0", 4},
		{"225", "225.0.0.0", 8},
		{"240", "240.0.0.0", 32},
		{"10.1", "10.1.0.0", 16},
		{"10.1.2", "10.1.2.0", 24},
		{"10.1.2.3", "10.1.2.3", 32},
		{"10/8", "10.0.0.0", 8},
		{"10/4", NULL, 0},
		{"10/16", "10.0.0.0", 16},
		{"10.1/16", "10.1.0.0", 16},
		{"10.1/8", NULL, 0},
		{"10.0.0.0/8", "10.0.0.0", 8},
		{"10.0.0.1/8", NULL, 0},
		{"10.0.1.0/8", NULL, 0},
		{"10.1.0.0/8", NULL, 0},
		{"10.0.0.128/25", "10.0.0.128", 25},
		{"10.0.0.128/24", NULL, 0},
		{"0/0", "0.0.0.0", 0},
		{"1/0", NULL, 0},
		{"10.", NULL, 0},
		{"10.1.2.3.", NULL, 0},
		{"0x0a", "10.0.0.0", 8},
		{"0X0A0102", "10.1.2.0", 24},
		{"0x0a0", "10.0.0.0", 16},
		{"0x0a000001/32", "10.0.0.1", 32},
		{"0x0a0000010", NULL, 0},
		{"0x", NULL, 0},
		{"0xg", NULL, 0},
		{"10.1.2.3/33", NULL, 0},
		{"", NULL, 0},
		{"::", "::", 128},
		{"2001:db8::/32", "2001:db8::", 32},
		{"2001:db8::/31", "2001:db8::", 31},
		{"2001:db8::/28", NULL, 0},
		{"2001:db8::1/32", NULL, 0},
		{"2001:db8:1::/32", NULL, 0},
		{"2001:db8:100::/32", NULL, 0},
		{"::1.2.3.4/120", NULL, 0},
		{"::1.2.3.0/120", "::1.2.3.0", 120},
	};

	check_addresses(true, cases, flow_countof(cases));
}

static void
it_reads_what_inet_ntop_writes(void)
{
	uint64_t seed = 6;
	FlowColumn column = column_of(FLOW_ADDRESS);

	for (int i = 0; i < 100000; i++)
	{
		uint8_t bytes[16];
		char text[64];
		int bits = (int) (unit_random(&seed) % 129);
		FlowValue value;

		for (int j = 0; j < 16; j++)
			bytes[j] = (uint8_t) (unit_random(&seed) % 3 ? 0 : unit_random(&seed));
		inet_ntop(AF_INET6, bytes, text, sizeof(text));
		CHECK(reads_address(text, false, 6, bytes, 128));
		snprintf(text + strlen(text), 8, "/%d", bits);
		CHECK(reads_address(text, false, 6, bytes, bits));
		CHECK_INT(read_bytes(&column, text, strlen(text), &value), FLOW_OK);

		inet_ntop(AF_INET, bytes, text, sizeof(text));
		snprintf(text + strlen(text), 8, "/%d", bits % 33);
		CHECK(reads_address(text, false, 4, bytes, bits % 33));
	}
}

int
main(void)
{
	RUN(it_reads_every_octet_in_every_place);
	RUN(it_reads_every_pair_of_octets);
	RUN(it_takes_only_dots_between_octets);
	RUN(it_reads_inet_as_postgresql_does);
	RUN(it_reads_cidr_as_postgresql_does);
	RUN(it_reads_what_inet_ntop_writes);
	return unit_done();
}
