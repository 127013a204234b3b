/*-------------------------------------------------------------------------
 *
 * test_field.c
 *	  Tests the table of fields: which fields are known, and by which names.
 *
 *-------------------------------------------------------------------------
 */
#include "../../flow/field.h"
#include "unit.h"

/*
 * Every field, as spelled by the header of a file with all fields of its
 * version.
 */
static const struct
{
	int version;
	const char *header;
} versions[] = {
	{2,
     "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start "
     "end action log-status"},
	{3, "vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr"},
	{4, "region az-id sublocation-type sublocation-id"},
	{5, "pkt-src-aws-service pkt-dst-aws-service flow-direction traffic-path"},
	{6,
     "resource-type tgw-id tgw-attachment-id tgw-src-vpc-account-id tgw-dst-vpc-account-id "
     "tgw-src-vpc-id tgw-dst-vpc-id "
     "tgw-src-subnet-id tgw-dst-subnet-id tgw-src-eni tgw-dst-eni tgw-src-az-id tgw-dst-az-id "
     "tgw-pair-attachment-id "
     "packets-lost-no-route packets-lost-blackhole packets-lost-mtu-exceeded "
     "packets-lost-ttl-expired"},
	{7,
     "ecs-cluster-arn ecs-cluster-name ecs-container-instance-arn ecs-container-instance-id "
     "ecs-container-id "
     "ecs-second-container-id ecs-service-name ecs-task-definition-arn ecs-task-arn ecs-task-id"},
	{8, "reject-reason"},
	{9, "resource-id"},
	{10, "encryption-status"},
	{11,
     "instance-tag instance-tag-2 interface-tag interface-tag-2 asg-tag asg-tag-2 interface-type "
     "next-hop-interface-id "
     "next-hop-subnet-id next-hop-az-id next-hop-vpc-id next-hop-interface-type"},
};

/*
 * A whole record of a transit gateway: 36 fields, half of which a VPC's record
 * also has.
 */
static const char *const gateway_header =
	"version resource-type account-id tgw-id tgw-attachment-id tgw-src-vpc-account-id "
	"tgw-dst-vpc-account-id tgw-src-vpc-id "
	"tgw-dst-vpc-id tgw-src-subnet-id tgw-dst-subnet-id tgw-src-eni tgw-dst-eni tgw-src-az-id "
	"tgw-dst-az-id "
	"tgw-pair-attachment-id srcaddr dstaddr srcport dstport protocol packets bytes start end "
	"log-status type "
	"packets-lost-no-route packets-lost-blackhole packets-lost-mtu-exceeded "
	"packets-lost-ttl-expired tcp-flags region "
	"flow-direction pkt-src-aws-service pkt-dst-aws-service";

static const char *const integers32 =
	" version srcport dstport protocol tcp-flags traffic-path encryption-status ";
static const char *const integers64 =
	" packets bytes start end packets-lost-no-route packets-lost-blackhole "
	"packets-lost-mtu-exceeded packets-lost-ttl-expired ";
static const char *const addresses = " srcaddr dstaddr pkt-srcaddr pkt-dstaddr ";

static bool
listed(const char *list, const char *name)
{
	char padded[96];

	snprintf(padded, sizeof(padded), " %s ", name);
	return strstr(list, padded) != NULL;
}

/* Copies the next token of a header.  Returns false at the end. */
static bool
next_token(const char **header, char *token, size_t size)
{
	size_t len = strcspn(*header, " ");

	if (len == 0)
		return false;
	snprintf(token, size, "%.*s", (int) len, *header);
	*header += len + ((*header)[len] == ' ');
	return true;
}

static const FlowField *
find(const char *name)
{
	return flow_field_find(unit_at_edge(name, strlen(name)), strlen(name));
}

static void
every_documented_field_is_found_with_its_version(void)
{
	int count = 0;

	for (size_t i = 0; i < flow_countof(versions); i++)
	{
		const char *header = versions[i].header;
		char token[80];

		while (next_token(&header, token, sizeof(token)))
		{
			const FlowField *field = find(token);

			count++;
			CHECK(field != NULL);
			if (field == NULL)
				continue;
			CHECK_STRING(field->name, token);
			CHECK_INT(field->version, versions[i].version);
		}
	}
	/* the number of fields up to version 11, and the transit gateway's own */
	CHECK_INT(count, 54 + 18);
}

static void
every_field_has_its_natural_type(void)
{
	for (size_t i = 0; i < flow_countof(versions); i++)
	{
		const char *header = versions[i].header;
		char token[80];

		while (next_token(&header, token, sizeof(token)))
		{
			const FlowField *field = find(token);
			FlowType type = listed(integers32, token)   ? FLOW_INT32
			                : listed(integers64, token) ? FLOW_INT64
			                : listed(addresses, token)  ? FLOW_ADDRESS
			                                            : FLOW_TEXT;

			CHECK(field != NULL && field->type == type);
		}
	}
}

static void
a_transit_gateway_header_is_known_as_a_whole(void)
{
	const char *header = gateway_header;
	char token[80];
	int count = 0;

	for (; next_token(&header, token, sizeof(token)); count++)
		CHECK(find(token) != NULL);
	CHECK_INT(count, 36);
}

/* A field that both kinds of record have is in the VPC's row. */
static void
what_both_kinds_of_record_hold_is_one_row(void)
{
	const char *header = gateway_header;
	char token[80];
	int shared = 0;

	while (next_token(&header, token, sizeof(token)))
	{
		const FlowField *field = find(token);

		if (field == NULL || field->version == 6)
			continue;
		shared++;
		CHECK(field->version < 6);
	}
	CHECK_INT(shared, 36 - 18);
}

static void
other_names_are_not_found(void)
{
	static const char *const names[] =
		{"",
	     "-",
	     "x",
	     "Version",
	     "VERSION",
	     "versio",
	     "version ",
	     " version",
	     "versions",
	     "account_id",
	     "accountid",
	     "account-i",
	     "account-idd",
	     "tgw",
	     "end-",
	     "start-time",
	     "srcaddr,dstaddr",
	     "next-hop-interface-typf",
	     "0123456789012345678901234567890123456789012345678901234567890123456789"};

	for (size_t i = 0; i < flow_countof(names); i++)
		CHECK(find(names[i]) == NULL);

	/* the length counts, not a NUL */
	CHECK(flow_field_find("end\0", 4) == NULL);
	CHECK(flow_field_find("end and more", 3) != NULL);
}

static void
a_column_finds_its_field_with_hyphens_or_underscores(void)
{
	for (size_t i = 0; i < flow_countof(versions); i++)
	{
		const char *header = versions[i].header;
		char token[80];

		while (next_token(&header, token, sizeof(token)))
		{
			const FlowField *field = find(token);

			CHECK(field != NULL && flow_field_of_column(token) == field);
			for (char *c = token; *c != '\0'; c++)
				if (*c == '-')
					*c = '_';
			CHECK(flow_field_of_column(token) == field);
		}
	}
	CHECK(flow_field_of_column("tgw_src-vpc_account-id") == find("tgw-src-vpc-account-id"));
}

/* "srcaddr" for "src-addr" would be a trap if another field were that. */
static void
hyphens_and_underscores_do_not_count(void)
{
	const FlowField *field;

	CHECK(flow_field_of_column("src_addr") == find("srcaddr"));
	CHECK(flow_field_of_column("pkt_dst_addr") == find("pkt-dstaddr"));
	CHECK(flow_field_of_column("accountid") == find("account-id"));
	CHECK(flow_field_of_column("pktsrcawsservice") == find("pkt-src-aws-service"));
	CHECK(flow_field_of_column("end_") == find("end"));
	for (size_t i = 0; (field = flow_field_at(i)) != NULL; i++)
	{
		char joined[80];
		size_t len = 0;

		for (const char *c = field->name; *c != '\0'; c++)
			if (*c != '-')
				joined[len++] = *c;
		joined[len] = '\0';
		CHECK(flow_field_of_column(joined) == field);
	}
}

static void
a_column_finds_its_field_by_the_names_of_other_tools(void)
{
	static const char *const others[][2] = {
		/* Athena's old page */
		{"account", "account-id"},
		{"interfaceid", "interface-id"},
		{"sourceaddress", "srcaddr"},
		{"destinationaddress", "dstaddr"},
		{"sourceport", "srcport"},
		{"destinationport", "dstport"},
		{"numpackets", "packets"},
		{"numbytes", "bytes"},
		{"starttime", "start"},
		{"endtime", "end"},
		{"logstatus", "log-status"},
		/* the same with underscores, and others */
		{"source_address", "srcaddr"},
		{"destination_address", "dstaddr"},
		{"source_port", "srcport"},
		{"dest_port", "dstport"},
		{"start_time", "start"},
		{"end_time", "end"},
		{"src_ip", "srcaddr"},
		{"dst_ip", "dstaddr"},
		{"dest_ip", "dstaddr"},
		{"source_ip", "srcaddr"},
		{"destination_ip", "dstaddr"},
		{"src_port", "srcport"},
		{"start_timestamp", "start"},
		{"eni_id", "interface-id"},
		{"network_interface_id", "interface-id"},
		{"packets_count", "packets"},
		{"num_bytes", "bytes"},
		{"proto", "protocol"},
	};

	for (size_t i = 0; i < flow_countof(others); i++)
	{
		CHECK(find(others[i][0]) == NULL); /* no header of AWS's spells it like this */
		CHECK(find(others[i][1]) != NULL &&
		      flow_field_of_column(others[i][0]) == find(others[i][1]));
	}
}

static void
other_columns_have_no_field(void)
{
	static const char *const names[] =
		{"",
	     "ts",
	     "_",
	     "Account",
	     "start_of_time",
	     "$path",
	     "srcaddr$",
	     "date",
	     "status",
	     "source",
	     "a_column_name_of_sixty_three_bytes_which_is_the_most_there_can_be",
	     "a_name_much_longer_than_any_column_can_have_and_than_any_field_will_ever_have_in_a_"
	     "header"};

	for (size_t i = 0; i < flow_countof(names); i++)
		CHECK(flow_field_of_column(names[i]) == NULL);
}

static void
a_name_in_camel_case_finds_its_field(void)
{
	static const struct
	{
		const char *name, *field;
	} cases[] = {{"srcAddr", "srcaddr"},
	             {"interfaceId", "interface-id"},
	             {"accountId", "account-id"},
	             {"logStatus", "log-status"},
	             {"startTime", "start"},
	             {"endTime", "end"},
	             {"pktSrcAwsService", "pkt-src-aws-service"},
	             {"interfaceTag2", "interface-tag-2"},
	             {"bytes", "bytes"},
	             {"BYTES", "bytes"},
	             {"InterfaceID", "interface-id"},
	             {"sourceAddress", "srcaddr"},
	             {"srcIp", "srcaddr"},
	             {"srcaddr_", "srcaddr"},
	             {"srcadd", NULL},
	             {"-", NULL},
	             {"tcp_flags", "tcp-flags"},
	             {"vpc-id", "vpc-id"},
	             {"interfaceIds", NULL},
	             {"interfaceI", NULL},
	             {"@timestamp", NULL},
	             {"", NULL}};

	for (size_t i = 0; i < flow_countof(cases); i++)
	{
		const FlowField *field = flow_field_of_camel(cases[i].name, strlen(cases[i].name));

		CHECK_STRING(field != NULL ? field->name : "", cases[i].field ? cases[i].field : "");
	}
	CHECK(flow_field_of_camel("srcAddrX", 7) != NULL);
	CHECK(flow_field_of_camel("srcaddr\0", 8) == NULL);
	for (size_t i = 0; flow_field_at(i) != NULL; i++)
		CHECK(flow_field_of_camel(flow_field_at(i)->name, strlen(flow_field_at(i)->name)) ==
		      flow_field_at(i));
}

int
main(void)
{
	RUN(every_documented_field_is_found_with_its_version);
	RUN(every_field_has_its_natural_type);
	RUN(a_transit_gateway_header_is_known_as_a_whole);
	RUN(what_both_kinds_of_record_hold_is_one_row);
	RUN(other_names_are_not_found);
	RUN(a_column_finds_its_field_with_hyphens_or_underscores);
	RUN(hyphens_and_underscores_do_not_count);
	RUN(a_column_finds_its_field_by_the_names_of_other_tools);
	RUN(other_columns_have_no_field);
	RUN(a_name_in_camel_case_finds_its_field);
	return unit_done();
}
