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

#define MAX_NAME_LENGTH 63 /* no name above is longer */

/*
 * The columns of "Querying Amazon VPC Flow Logs" in the Amazon Athena User
 * Guide, until 2021, whose names differ from their field's.
 */
static const struct
{
	const char *column;
	const char *field;
} old_columns[] = {
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

/* Finds the field for a column's name; NULL if there is none. */
const FlowField *
flow_field_of_column(const char *column_name)
{
	char name[MAX_NAME_LENGTH];
	size_t len = strlen(column_name);
	const FlowField *field;

	if (len > sizeof(name))
		return NULL;
	for (size_t i = 0; i < len; i++)
		name[i] = column_name[i] == '_' ? '-' : column_name[i];

	field = flow_field_find(name, len);
	if (field != NULL)
		return field;

	for (size_t i = 0; i < flow_countof(old_columns); i++)
		if (strcmp(old_columns[i].column, column_name) == 0)
			return flow_field_find(old_columns[i].field, strlen(old_columns[i].field));
	return NULL;
}

/*
 * Returns the rank of a field in the documentation's order.  Names that differ
 * in "_" and "-" only are the same.
 */
int
flow_field_rank(const char *name)
{
	const FlowField *field = flow_field_of_column(name);
	int rank = 0;

	while (rank < (int) flow_countof(fields) && &fields[rank].field != field)
		rank++;
	return rank;
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
