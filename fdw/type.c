/*-------------------------------------------------------------------------
 *
 * type.c
 *	  What a column's type and type modifier mean to the core, and a Datum of a
 *	  type as the core has its values.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include <sys/socket.h>

#include "catalog/pg_type.h"
#include "common/int.h"
#include "utils/date.h"
#include "utils/inet.h"
#include "utils/timestamp.h"

/* Sets precision and scale of a numeric column. */
static void
set_numeric_modifier(FlowColumn *column, int32 typmod)
{
	if (typmod < (int32) VARHDRSZ)
		return;
	column->precision = ((typmod - VARHDRSZ) >> 16) & 0xFFFF;
#if PG_VERSION_NUM >= 150000
	/* eleven bits with a sign */
	column->scale = (((typmod - VARHDRSZ) & 0x7FF) ^ 1024) - 1024;
#else
	column->scale = (typmod - VARHDRSZ) & 0xFFFF;
#endif
}

/* Sets the core's type of a column, and its limits. */
void
flowlog_column_set_type(FlowColumn *column, Oid type, int32 typmod)
{
	column->max_chars = -1;
	column->precision = -1;
	column->scale = -1;

	switch (type)
	{
		case INT2OID:
			column->type = FLOW_INT16;
			break;
		case INT4OID:
			column->type = FLOW_INT32;
			break;
		case INT8OID:
			column->type = FLOW_INT64;
			break;
		case FLOAT4OID:
			column->type = FLOW_FLOAT;
			break;
		case FLOAT8OID:
			column->type = FLOW_DOUBLE;
			break;
		case NUMERICOID:
			column->type = FLOW_DECIMAL;
			set_numeric_modifier(column, typmod);
			break;
		case BOOLOID:
			column->type = FLOW_BOOLEAN;
			break;
		case TEXTOID:
			column->type = FLOW_TEXT;
			break;
		case VARCHAROID:
			column->type = FLOW_TEXT;
			if (typmod >= (int32) VARHDRSZ)
				column->max_chars = typmod - VARHDRSZ;
			break;
		case BPCHAROID:
			column->type = FLOW_PADDED;
			if (typmod >= (int32) VARHDRSZ)
				column->max_chars = typmod - VARHDRSZ;
			break;
		case INETOID:
			column->type = FLOW_ADDRESS;
			break;
		case CIDROID:
			column->type = FLOW_NETWORK;
			break;
		case TIMESTAMPTZOID:
		case TIMESTAMPOID:
			column->type = FLOW_TIME;
			column->scale = typmod;
			break;
		case DATEOID:
			column->type = FLOW_DAY;
			break;
		default:
			column->type = FLOW_OPAQUE;
			break;
	}
}

/* Reads an integer of a type; returns false if that is none of integers. */
bool
flowlog_read_integer(Oid type, Datum datum, int64 *integer)
{
	switch (type)
	{
		case INT2OID:
			*integer = DatumGetInt16(datum);
			return true;
		case INT4OID:
			*integer = DatumGetInt32(datum);
			return true;
		case INT8OID:
			*integer = DatumGetInt64(datum);
			return true;
		default:
			return false;
	}
}

/* ---------- Datums to values ---------- */

/*
 * Returns the Unix time of a timestamp, in microseconds.  Infinity, and what
 * is too near to it, becomes an end of the range.
 */
static int64
unix_microseconds(Timestamp timestamp)
{
	int64 result;

	if (TIMESTAMP_NOT_FINITE(timestamp))
		return timestamp;
	if (pg_add_s64_overflow(timestamp, FLOWLOG_EPOCH_MICROSECONDS, &result))
		return PG_INT64_MAX;
	return result;
}

/* Returns an inet or cidr as the core has it. */
static FlowAddress
address_of(const inet *in)
{
	FlowAddress address = {0};

	address.family = ip_family(in) == PGSQL_AF_INET ? 4 : 6;
	address.bits = ip_bits(in);
	memcpy(address.bytes, ip_addr(in), ip_addrsize(in));
	return address;
}

/*
 * Converts a Datum to the core's value.  It must know all types that qual.c
 * compares columns with.
 */
void
flowlog_value_from_datum(Oid type, Datum datum, FlowValue *value)
{
	switch (type)
	{
		case BOOLOID:
			value->integer = DatumGetBool(datum);
			break;
		case INT2OID:
			value->integer = DatumGetInt16(datum);
			break;
		case INT4OID:
			value->integer = DatumGetInt32(datum);
			break;
		case INT8OID:
			value->integer = DatumGetInt64(datum);
			break;
		case FLOAT4OID:
			value->real = DatumGetFloat4(datum);
			break;
		case FLOAT8OID:
			value->real = DatumGetFloat8(datum);
			break;
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		{
			struct varlena *text = PG_DETOAST_DATUM_PACKED(datum);

			value->text.data = VARDATA_ANY(text);
			value->text.len = VARSIZE_ANY_EXHDR(text);
			break;
		}
		case INETOID:
		case CIDROID:
			value->address = address_of(DatumGetInetPP(datum));
			break;
		case TIMESTAMPTZOID:
		case TIMESTAMPOID:
			value->integer = unix_microseconds(DatumGetTimestampTz(datum));
			break;
		case DATEOID:
		{
			DateADT date = DatumGetDateADT(datum);

			value->integer = DATE_IS_NOBEGIN(date) ? PG_INT64_MIN
			                 : DATE_IS_NOEND(date) ? PG_INT64_MAX
			                                       : (int64) date + FLOWLOG_EPOCH_DAYS;
			break;
		}
		default:
			elog(ERROR, "unexpected type %u in a pushed-down qual", type);
	}
}
