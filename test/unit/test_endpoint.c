/*-------------------------------------------------------------------------
 *
 * test_endpoint.c
 *	  Tests which hosts and addresses may be connected to.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#include <arpa/inet.h>

#include "../../flow/flow_s3.h"

static bool
allows(const char *const *entries, size_t count, const char *name, const char *address, int port,
       bool tls)
{
	uint8_t bytes[16];
	size_t len = 4;

	if (inet_pton(AF_INET, address, bytes) != 1)
	{
		CHECK_INT(inet_pton(AF_INET6, address, bytes), 1);
		len = 16;
	}
	return flow_endpoint_allows(entries, count, name, bytes, len, port, tls);
}

static void
entries_have_a_form(void)
{
	static const char *const good[] = {"s3.example.com",
	                                   "S3.Example.com:443",
	                                   "*.example.com",
	                                   "*.example.com:9000",
	                                   "localhost",
	                                   "127.0.0.1",
	                                   "127.0.0.1:9000",
	                                   "10.0.0.0/8",
	                                   "10.0.0.0/8:9000",
	                                   "0.0.0.0/0",
	                                   "::1",
	                                   "fd00::/8",
	                                   "[::1]:9000",
	                                   "[fd00::/8]",
	                                   "[fd00::/8]:1",
	                                   "minio",
	                                   "a_b-c.d"};
	static const char *const bad[] = {"",          "*",           "*.",         "*example.com",
	                                  "a.*.com",   "http://a",    "a/b",        "a:0",
	                                  "a:65536",   "a:x",         "a:",         "10.0.0.0/33",
	                                  "10.0.0.0/", "10.0.0.0/-1", "[::1",       "[::1]x",
	                                  "[::1]:",    "[10.0.0.1]",  "fd00::/129", ".a",
	                                  "a.",        "a..b",        "a b",        "*.*.a",
	                                  "[host]:1"};
	char longest[400];

	for (size_t i = 0; i < flow_countof(good); i++)
		if (!flow_endpoint_is_valid(good[i]))
			CHECK_STRING(good[i], "valid");
	for (size_t i = 0; i < flow_countof(bad); i++)
		if (flow_endpoint_is_valid(bad[i]))
			CHECK_STRING(bad[i], "invalid");
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	CHECK(!flow_endpoint_is_valid(longest));
}

static void
without_entries_only_aws_is_allowed(void)
{
	static const char *const names[] = {"s3.eu-central-1.amazonaws.com",
	                                    "b.s3.us-east-1.amazonaws.com",
	                                    "s3.cn-north-1.amazonaws.com.cn"};
	static const char *const others[] = {"amazonaws.com",
	                                     "amazonaws.com.example.com",
	                                     "xamazonaws.com",
	                                     "s3.example.com",
	                                     "localhost",
	                                     "52.216.0.1"};

	for (size_t i = 0; i < flow_countof(names); i++)
	{
		CHECK(allows(NULL, 0, names[i], "52.216.0.1", 443, true));
		CHECK(allows(NULL, 0, names[i], "10.1.2.3", 443, true)); /* a VPC endpoint */
		CHECK(!allows(NULL, 0, names[i], "52.216.0.1", 80, false));
	}
	for (size_t i = 0; i < flow_countof(others); i++)
		CHECK(!allows(NULL, 0, others[i], "52.216.0.1", 443, true));
}

static void
a_name_alone_leads_to_no_address_nearby(void)
{
	static const char *const near[] = {"127.0.0.1",
	                                   "127.255.255.254",
	                                   "0.0.0.0",
	                                   "0.1.2.3",
	                                   "169.254.169.254",
	                                   "169.254.0.1",
	                                   "224.0.0.1",
	                                   "255.255.255.255",
	                                   "::",
	                                   "::1",
	                                   "::ffff:127.0.0.1",
	                                   "::ffff:169.254.169.254",
	                                   "::127.0.0.1",
	                                   "fe80::1",
	                                   "febf::1",
	                                   "ff02::1",
	                                   "fd00:ec2::254",
	                                   "64:ff9b::a9fe:a9fe"};
	static const char *const far[] = {"52.216.0.1",
	                                  "10.0.0.1",
	                                  "192.168.1.1",
	                                  "126.255.255.255",
	                                  "128.0.0.1",
	                                  "169.253.0.1",
	                                  "2600:1f18::1",
	                                  "fd00:ec3::1",
	                                  "::ffff:10.0.0.1"};
	const char *name = "*.example.com";

	for (size_t i = 0; i < flow_countof(near); i++)
	{
		CHECK(!allows(NULL, 0, "s3.us-east-1.amazonaws.com", near[i], 443, true));
		if (allows(&name, 1, "s3.example.com", near[i], 443, true))
			CHECK_STRING(near[i], "refused");
	}
	for (size_t i = 0; i < flow_countof(far); i++)
		if (!allows(&name, 1, "s3.example.com", far[i], 443, true))
			CHECK_STRING(far[i], "allowed");
}

static void
entries_allow_what_they_say(void)
{
	static const struct
	{
		const char *entry, *name, *address;
		int port;
		bool allowed;
	} cases[] = {
		{"s3.example.com", "s3.example.com", "10.0.0.1", 443, true},
		{"s3.example.com", "S3.EXAMPLE.COM", "10.0.0.1", 443, true},
		{"s3.example.com", "b.s3.example.com", "10.0.0.1", 443, false},
		{"*.s3.example.com", "b.s3.example.com", "10.0.0.1", 443, true},
		{"*.s3.example.com", "s3.example.com", "10.0.0.1", 443, false},
		{"s3.example.com:9000", "s3.example.com", "10.0.0.1", 9000, true},
		{"s3.example.com:9000", "s3.example.com", "10.0.0.1", 9001, false},
		{"10.0.0.0/8", "anything", "10.255.0.1", 80, true},
		{"10.0.0.0/8", "anything", "11.0.0.1", 80, false},
		{"10.0.0.0/8:80", "anything", "10.0.0.1", 81, false},
		{"10.1.2.0/23", "anything", "10.1.3.255", 1, true},
		{"10.1.2.0/23", "anything", "10.1.4.0", 1, false},
		{"127.0.0.1", "rebound.example.com", "127.0.0.1", 9000, true},
		{"127.0.0.1", "127.0.0.1", "127.0.0.2", 9000, false},
		{"127.0.0.1", "localhost", "::ffff:127.0.0.1", 9000, true},
		{"::1", "localhost", "::1", 9000, true},
		{"[::1]:9000", "localhost", "::1", 9001, false},
		{"localhost", "localhost", "127.0.0.1", 9000, true},
		{"localhost", "localhost", "::1", 9000, true},
		{"localhost", "localhost", "169.254.169.254", 9000, false},
		{"169.254.169.254", "x", "169.254.169.254", 80, true},
		{"0.0.0.0/0", "x", "169.254.169.254", 80, true}, /* an explicit entry allows it */
		{"fd00::/8", "x", "fd12::1", 80, true},
		{"fd00::/8", "x", "10.0.0.1", 80, false},
	};

	for (size_t i = 0; i < flow_countof(cases); i++)
		for (int tls = 0; tls < 2; tls++)
			if (allows(&cases[i].entry, 1, cases[i].name, cases[i].address, cases[i].port, tls) !=
			    cases[i].allowed)
			{
				CHECK_STRING(cases[i].entry, cases[i].address);
				CHECK_INT(!cases[i].allowed, cases[i].allowed);
			}
}

static void
one_of_several_entries_is_enough(void)
{
	static const char *const entries[] = {"a.example.com:1", "10.0.0.0/8:2", "nonsense:x"};

	CHECK(allows(entries, 3, "a.example.com", "52.0.0.1", 1, true));
	CHECK(allows(entries, 3, "b.example.com", "10.0.0.1", 2, true));
	CHECK(!allows(entries, 3, "b.example.com", "10.0.0.1", 1, true));
	/* with entries, AWS must be one of them */
	CHECK(!allows(entries, 3, "s3.us-east-1.amazonaws.com", "52.0.0.1", 443, true));
}

int
main(void)
{
	RUN(entries_have_a_form);
	RUN(without_entries_only_aws_is_allowed);
	RUN(a_name_alone_leads_to_no_address_nearby);
	RUN(entries_allow_what_they_say);
	RUN(one_of_several_entries_is_enough);
	return unit_done();
}
