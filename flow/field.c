/*-------------------------------------------------------------------------
 *
 * field.c
 *	  The fields that AWS documents for flow log records.
 *
 *-------------------------------------------------------------------------
 */
#include "field.h"

#include <string.h>

/* A field and the length of its name, which distinguishes most names. */
typedef struct Row
{
	FlowField field;
	size_t len;
} Row;

#define FIELD(name, version, type)                                                                 \
	{                                                                                              \
		{name, version, type}, sizeof(name) - 1                                                    \
	}

/*
 * In the order of the documentation.  Versions 2 to 5 and their types: Amazon
 * VPC User Guide, "Flow log records"; where that says INT_32 or INT_64 for the
 * Parquet format, so does the type here.  Account numbers may begin with zeros
 * and are no integers.  Versions 7 to 11: the AWS announcements of these
 * fields.  Version 6: Amazon VPC Transit Gateways, "Transit Gateway Flow Log
 * records"; what such records share with a VPC's has its row there.
 */
static const Row fields[] = {
	FIELD("version", 2, FLOW_INT32),
	FIELD("account-id", 2, FLOW_TEXT),
	FIELD("interface-id", 2, FLOW_TEXT),
	FIELD("srcaddr", 2, FLOW_ADDRESS),
	FIELD("dstaddr", 2, FLOW_ADDRESS),
	FIELD("srcport", 2, FLOW_INT32),
	FIELD("dstport", 2, FLOW_INT32),
	FIELD("protocol", 2, FLOW_INT32),
	FIELD("packets", 2, FLOW_INT64),
	FIELD("bytes", 2, FLOW_INT64),
	FIELD("start", 2, FLOW_INT64),
	FIELD("end", 2, FLOW_INT64),
	FIELD("action", 2, FLOW_TEXT),
	FIELD("log-status", 2, FLOW_TEXT),

	FIELD("vpc-id", 3, FLOW_TEXT),
	FIELD("subnet-id", 3, FLOW_TEXT),
	FIELD("instance-id", 3, FLOW_TEXT),
	FIELD("tcp-flags", 3, FLOW_INT32),
	FIELD("type", 3, FLOW_TEXT),
	FIELD("pkt-srcaddr", 3, FLOW_ADDRESS),
	FIELD("pkt-dstaddr", 3, FLOW_ADDRESS),

	FIELD("region", 4, FLOW_TEXT),
	FIELD("az-id", 4, FLOW_TEXT),
	FIELD("sublocation-type", 4, FLOW_TEXT),
	FIELD("sublocation-id", 4, FLOW_TEXT),

	FIELD("pkt-src-aws-service", 5, FLOW_TEXT),
	FIELD("pkt-dst-aws-service", 5, FLOW_TEXT),
	FIELD("flow-direction", 5, FLOW_TEXT),
	FIELD("traffic-path", 5, FLOW_INT32),

	FIELD("resource-type", 6, FLOW_TEXT),
	FIELD("tgw-id", 6, FLOW_TEXT),
	FIELD("tgw-attachment-id", 6, FLOW_TEXT),
	FIELD("tgw-src-vpc-account-id", 6, FLOW_TEXT),
	FIELD("tgw-dst-vpc-account-id", 6, FLOW_TEXT),
	FIELD("tgw-src-vpc-id", 6, FLOW_TEXT),
	FIELD("tgw-dst-vpc-id", 6, FLOW_TEXT),
	FIELD("tgw-src-subnet-id", 6, FLOW_TEXT),
	FIELD("tgw-dst-subnet-id", 6, FLOW_TEXT),
	FIELD("tgw-src-eni", 6, FLOW_TEXT),
	FIELD("tgw-dst-eni", 6, FLOW_TEXT),
	FIELD("tgw-src-az-id", 6, FLOW_TEXT),
	FIELD("tgw-dst-az-id", 6, FLOW_TEXT),
	FIELD("tgw-pair-attachment-id", 6, FLOW_TEXT),
	FIELD("packets-lost-no-route", 6, FLOW_INT64),
	FIELD("packets-lost-blackhole", 6, FLOW_INT64),
	FIELD("packets-lost-mtu-exceeded", 6, FLOW_INT64),
	FIELD("packets-lost-ttl-expired", 6, FLOW_INT64),

	FIELD("ecs-cluster-arn", 7, FLOW_TEXT),
	FIELD("ecs-cluster-name", 7, FLOW_TEXT),
	FIELD("ecs-container-instance-arn", 7, FLOW_TEXT),
	FIELD("ecs-container-instance-id", 7, FLOW_TEXT),
	FIELD("ecs-container-id", 7, FLOW_TEXT),
	FIELD("ecs-second-container-id", 7, FLOW_TEXT),
	FIELD("ecs-service-name", 7, FLOW_TEXT),
	FIELD("ecs-task-definition-arn", 7, FLOW_TEXT),
	FIELD("ecs-task-arn", 7, FLOW_TEXT),
	FIELD("ecs-task-id", 7, FLOW_TEXT),

	FIELD("reject-reason", 8, FLOW_TEXT),

	FIELD("resource-id", 9, FLOW_TEXT),

	FIELD("encryption-status", 10, FLOW_INT32),

	FIELD("instance-tag", 11, FLOW_TEXT),
	FIELD("instance-tag-2", 11, FLOW_TEXT),
	FIELD("interface-tag", 11, FLOW_TEXT),
	FIELD("interface-tag-2", 11, FLOW_TEXT),
	FIELD("asg-tag", 11, FLOW_TEXT),
	FIELD("asg-tag-2", 11, FLOW_TEXT),
	FIELD("interface-type", 11, FLOW_TEXT),
	FIELD("next-hop-interface-id", 11, FLOW_TEXT),
	FIELD("next-hop-subnet-id", 11, FLOW_TEXT),
	FIELD("next-hop-az-id", 11, FLOW_TEXT),
	FIELD("next-hop-vpc-id", 11, FLOW_TEXT),
	FIELD("next-hop-interface-type", 11, FLOW_TEXT),
};

/*
 * Other names that columns, and headers of other tools, have for a field.
 * "account" to "end_time": "Querying Amazon VPC Flow Logs" in the Amazon
 * Athena User Guide, until 2021, without the "_".  The others: published
 * tables, schemas and parsers of flow logs.
 */
static const struct
{
	const char *name;
	const char *field;
} aliases[] = {
	{"account", "account-id"},
	{"source_address", "srcaddr"},
	{"destination_address", "dstaddr"},
	{"source_port", "srcport"},
	{"destination_port", "dstport"},
	{"num_packets", "packets"},
	{"num_bytes", "bytes"},
	{"start_time", "start"},
	{"end_time", "end"},

	{"account_number", "account-id"},
	{"aws_account_id", "account-id"},
	{"eni", "interface-id"},
	{"eni_id", "interface-id"},
	{"interface", "interface-id"},
	{"network_interface_id", "interface-id"},
	{"source_addr", "srcaddr"},
	{"source_ip", "srcaddr"},
	{"source_ip_address", "srcaddr"},
	{"src_address", "srcaddr"},
	{"src_ip", "srcaddr"},
	{"dest_addr", "dstaddr"},
	{"dest_address", "dstaddr"},
	{"destination_addr", "dstaddr"},
	{"destination_ip", "dstaddr"},
	{"destination_ip_address", "dstaddr"},
	{"dest_ip", "dstaddr"},
	{"dst_address", "dstaddr"},
	{"dst_ip", "dstaddr"},
	{"dest_port", "dstport"},
	{"proto", "protocol"},
	{"protocol_number", "protocol"},
	{"packet_count", "packets"},
	{"packets_count", "packets"},
	{"byte_count", "bytes"},
	{"bytes_count", "bytes"},
	{"start_timestamp", "start"},
	{"end_timestamp", "end"},
};

/*
 * Finds a field by its name in headers; NULL if it is not known.  The lengths
 * rule out most rows: a search takes 4 to 37 ns, and there is no index to keep
 * in step with the table.
 */
const FlowField *
flow_field_find(const char *name, size_t len)
{
	for (size_t i = 0; i < flow_countof(fields); i++)
		if (fields[i].len == len && memcmp(fields[i].field.name, name, len) == 0)
			return &fields[i].field;
	return NULL;
}

/* Returns a field by its index; NULL after the last one. */
const FlowField *
flow_field_at(size_t index)
{
	return index < flow_countof(fields) ? &fields[index].field : NULL;
}

/* Returns true if two names are the same, but for capitals, "-" and "_". */
bool
flow_field_is_same(const char *a, const char *b, size_t b_len)
{
	const char *end = b + b_len;

	for (;; a++, b++)
	{
		while (*a == '-' || *a == '_')
			a++;
		while (b < end && (*b == '-' || *b == '_'))
			b++;
		if (*a == '\0' || b == end)
			return *a == '\0' && b == end;
		if (flow_lower(*a) != flow_lower(*b))
			return false;
	}
}

/* Finds the field for a name in any case; NULL if there is none. */
const FlowField *
flow_field_of_camel(const char *name, size_t len)
{
	for (size_t i = 0; i < flow_countof(fields); i++)
		if (flow_field_is_same(fields[i].field.name, name, len))
			return &fields[i].field;
	for (size_t i = 0; i < flow_countof(aliases); i++)
		if (flow_field_is_same(aliases[i].name, name, len))
			return flow_field_find(aliases[i].field, strlen(aliases[i].field));
	return NULL;
}

/* Finds the field for a column's name, which has no capitals. */
const FlowField *
flow_field_of_column(const char *column_name)
{
	for (const char *c = column_name; *c != '\0'; c++)
		if (*c != flow_lower(*c))
			return NULL;
	return flow_field_of_camel(column_name, strlen(column_name));
}

/* Returns the rank of a field in the documentation's order. */
int
flow_field_rank(const char *name)
{
	const FlowField *field = flow_field_of_column(name);
	int rank = 0;

	while (rank < (int) flow_countof(fields) && &fields[rank].field != field)
		rank++;
	return rank;
}

/* Returns the documented name of a known field, or NULL. */
const char *
flow_field_name(const char *name)
{
	const FlowField *field = flow_field_of_column(name);

	return field != NULL ? field->name : NULL;
}

/* Sets *type to the natural type of a known field. */
bool
flow_field_type(const char *name, FlowType *type)
{
	const FlowField *field = flow_field_of_column(name);

	if (field != NULL)
		*type = field->type;
	return field != NULL;
}

/* Returns the column types that suit a known field, or NULL. */
const char *
flow_field_types(const char *name)
{
	static const char *const types[] = {[FLOW_INT32] = "integer",
	                                    [FLOW_INT64] = "bigint",
	                                    [FLOW_ADDRESS] = "inet",
	                                    [FLOW_TEXT] = "text"};
	const FlowField *field = flow_field_of_column(name);

	if (field == NULL)
		return NULL;
	return flow_field_is_time(name) ? "timestamptz or bigint" : types[field->type];
}

/*
 * Returns true if the field of that name is one of a record's times.  "ts" is
 * the time at which a wrapper logged the record.
 */
bool
flow_field_is_time(const char *name)
{
	const FlowField *field = flow_field_of_column(name);

	if (field == NULL)
		return strcmp(name, "ts") == 0;
	return strcmp(field->name, "start") == 0 || strcmp(field->name, "end") == 0 ||
	       strcmp(field->name, "ts") == 0;
}
