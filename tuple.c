/*-------------------------------------------------------------------------
 *
 * tuple.c
 *	  A record's values to a tuple's Datums, and back: the one file that knows
 *	  type modifiers, and how PostgreSQL stores what the core reads.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include <ctype.h>
#include <sys/socket.h>

#include "access/sysattr.h"
#include "catalog/pg_type.h"
#include "common/int.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/inet.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

typedef struct ColumnConverter ColumnConverter;

/* A column that the query needs. */
struct ColumnConverter
{
	int column;    /* index into the table's columns */
	int attribute; /* attnum - 1 */
	int32 typmod;
	Datum (*convert)(FlowlogTuple *tuple, const ColumnConverter *converter, const FlowValue *value);

	/* for a type that only PostgreSQL can read */
	FmgrInfo input;
	Oid ioparam;
	bool sees_nulls; /* a domain may forbid them */
};

struct FlowlogTuple
{
	FlowlogScan *scan;
	int natts;
	ColumnConverter *converters;
	int nconverters;
	MemoryContext row; /* by-reference values of the current row */
	bool row_used;

	/* for the error's context of an input function */
	const ColumnConverter *running; /* whose it is */
	bool may_see_raw;
};

typedef Datum (*ConvertFunction)(FlowlogTuple *tuple, const ColumnConverter *converter, const FlowValue *value);

/* ---------- one converter for each type ---------- */

static void *
row_alloc(FlowlogTuple *tuple, Size size)
{
	tuple->row_used = true;
	return MemoryContextAlloc(tuple->row, size);
}

static char *
row_string(FlowlogTuple *tuple, FlowSlice text)
{
	char *copy = row_alloc(tuple, text.len + 1);

	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	return copy;
}

static Datum
convert_int16(FlowlogTuple *tuple, const ColumnConverter *converter, const FlowValue *value)
{
	return Int16GetDatum((int16) value->integer);
}

static Datum
convert_int32(FlowlogTuple *tuple, const ColumnConverter *converter, const FlowValue *value)
{
	return Int32GetDatum((int32) value->integer);
}

static Datum
convert_int64(FlowlogTuple *tuple, const ColumnConverter *converter, const FlowValue *value)
{
	return Int64GetDatum(value->integer);
}

static Datum
convert_float(FlowlogTuple *tuple, const ColumnConverter *converter, const FlowValue *value)
{
	return Float4GetDatum((float4) value->real);
}

static Datum
convert_double(FlowlogTuple *tuple, const ColumnConverter *converter, const FlowValue *value)
{
	return Float8GetDatum(value->real);
}

/*
 * The core has seen that numeric_in of PostgreSQL 15 accepts it.  That allows blanks behind an "e", which
 * later ones do not: they are left out.
 */
static Datum
convert_decimal(FlowlogTuple *tuple, const ColumnConverter *converter, const FlowValue *value)
{
	char *text = row_string(tuple, value->text);
	char *to = text;
	MemoryContext old;
	Datum datum;

	for (const char *from = text; *from != '\0'; from++)
		if (!isspace((unsigned char) *from))
			*to++ = *from;
	*to = '\0';

	old = MemoryContextSwitchTo(tuple->row);
	datum = DirectFunctionCall3(numeric_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid),
	                            Int32GetDatum(converter->typmod));
	MemoryContextSwitchTo(old);
	return datum;
}

static Datum
convert_boolean(FlowlogTuple *tuple, const ColumnConverter *converter, const FlowValue *value)
{
	return BoolGetDatum(value->integer != 0);
}

static Datum
convert_text(FlowlogTuple *tuple, const ColumnConverter *converter, const FlowValue *value)
{
	struct varlena *text = row_alloc(tuple, VARHDRSZ + value->text.len);

	SET_VARSIZE(text, VARHDRSZ + value->text.len);
	memcpy(VARDATA(text), value->text.data, value->text.len);
	return PointerGetDatum(text);
}

/* char(n) is stored with the blanks that fill it up */
static Datum
convert_padded(FlowlogTuple *tuple, const ColumnConverter *converter, const FlowValue *value)
{
	const FlowColumn *column = &tuple->scan->table->columns[converter->column];
	Size len = value->text.len;
	Size padding = 0;
	struct varlena *text;

	if (column->max_chars > 0)
		padding = column->max_chars - Min(column->max_chars, pg_mbstrlen_with_len(value->text.data, len));
	text = row_alloc(tuple, VARHDRSZ + len + padding);
	SET_VARSIZE(text, VARHDRSZ + len + padding);
	memcpy(VARDATA(text), value->text.data, len);
	memset(VARDATA(text) + len, ' ', padding);
	return PointerGetDatum(text);
}

static Datum
convert_address(FlowlogTuple *tuple, const ColumnConverter *converter, const FlowValue *value)
{
	const FlowAddress *address = &value->address;
	inet *result = row_alloc(tuple, sizeof(inet));

	memset(result, 0, sizeof(inet));
	ip_family(result) = address->family == 4 ? PGSQL_AF_INET : PGSQL_AF_INET6;
	ip_bits(result) = address->bits;
	memcpy(ip_addr(result), address->bytes, ip_addrsize(result));
	SET_INET_VARSIZE(result);
	return InetPGetDatum(result);
}

static Datum
convert_time(FlowlogTuple *tuple, const ColumnConverter *converter, const FlowValue *value)
{
	return TimestampTzGetDatum(value->integer - FLOWLOG_EPOCH_MICROSECONDS);
}

static Datum
convert_day(FlowlogTuple *tuple, const ColumnConverter *converter, const FlowValue *value)
{
	return DateADTGetDatum((DateADT) (value->integer - FLOWLOG_EPOCH_DAYS));
}

/*
 * Adds the place in the log to what a type's input function raises.  Its own words quote
 * the value, which is not for everybody.
 */
static void
input_error_context(void *arg)
{
	FlowlogTuple *tuple = arg;
	const char *column = tuple->scan->table->columns[tuple->running->column].name;
	const char *path;
	uint64 line;

	if (!tuple->may_see_raw)
	{
		errmsg("invalid flow log record");
		errdetail("The value for column \"%s\" is not of its type.", column);
		errhint("Those who may SELECT the whole table are told more.");
	}
	if (flow_reader_position(tuple->scan->reader, &path, &line))
		errcontext("flow log \"%s\", line %llu, column %s", path, (unsigned long long) line, column);
}

/* Calls the type's own input function; text NULL: for no value. */
static Datum
call_input(FlowlogTuple *tuple, const ColumnConverter *converter, char *text)
{
	MemoryContext old = MemoryContextSwitchTo(tuple->row);
	ErrorContextCallback callback = {error_context_stack, input_error_context, tuple};
	Datum datum;

	tuple->running = converter;
	error_context_stack = &callback;
	datum = InputFunctionCall((FmgrInfo *) &converter->input, text, converter->ioparam, converter->typmod);
	error_context_stack = callback.previous;
	MemoryContextSwitchTo(old);
	return datum;
}

static Datum
convert_opaque(FlowlogTuple *tuple, const ColumnConverter *converter, const FlowValue *value)
{
	return call_input(tuple, converter, row_string(tuple, value->text));
}

static void
check_null(FlowlogTuple *tuple, const ColumnConverter *converter)
{
	tuple->row_used = true;
	(void) call_input(tuple, converter, NULL);
}

static const ConvertFunction converters[] = {
	[FLOW_INT16] = convert_int16,
	[FLOW_INT32] = convert_int32,
	[FLOW_INT64] = convert_int64,
	[FLOW_FLOAT] = convert_float,
	[FLOW_DOUBLE] = convert_double,
	[FLOW_DECIMAL] = convert_decimal,
	[FLOW_BOOLEAN] = convert_boolean,
	[FLOW_TEXT] = convert_text,
	[FLOW_PADDED] = convert_padded,
	[FLOW_ADDRESS] = convert_address,
	[FLOW_NETWORK] = convert_address,
	[FLOW_TIME] = convert_time,
	[FLOW_DAY] = convert_day,
	[FLOW_OPAQUE] = convert_opaque,
};

/* ---------- types ---------- */

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

/* Unix time of a timestamp; infinity, and what lies too near to it, stays at the end of the scale. */
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

static FlowAddress
address_of(const inet *in)
{
	FlowAddress address = {0};

	address.family = ip_family(in) == PGSQL_AF_INET ? 4 : 6;
	address.bits = ip_bits(in);
	memcpy(address.bytes, ip_addr(in), ip_addrsize(in));
	return address;
}

/* Must know every type that qual.c compares columns with. */
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

Datum
flowlog_value_to_datum(const FlowColumn *column, const FlowValue *value)
{
	FlowlogTuple tuple = {.row = CurrentMemoryContext};

	return converters[column->type](&tuple, NULL, value);
}

/* ---------- rows ---------- */

FlowlogTuple *
flowlog_tuple_create(FlowlogScan *scan, TupleDesc desc, Bitmapset *attrs_used)
{
	const FlowlogTable *table = scan->table;
	MemoryContext old = MemoryContextSwitchTo(scan->context);
	bool whole_row = bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, attrs_used);
	FlowlogTuple *tuple = palloc0(sizeof(FlowlogTuple));

	tuple->scan = scan;
	tuple->natts = desc->natts;
	tuple->row = AllocSetContextCreate(scan->context, "flowlog_fdw row", ALLOCSET_DEFAULT_SIZES);
	tuple->converters = palloc0(sizeof(ColumnConverter) * (table->ncolumns + 1));
	for (int i = 0; i < table->ncolumns; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, table->attnums[i] - 1);
		ColumnConverter *converter = &tuple->converters[tuple->nconverters];
		Oid input;

		if (!whole_row && !bms_is_member(attribute->attnum - FirstLowInvalidHeapAttributeNumber, attrs_used))
			continue;
		converter->column = i;
		converter->attribute = attribute->attnum - 1;
		converter->typmod = attribute->atttypmod;
		converter->convert = converters[table->columns[i].type];
		if (table->columns[i].type == FLOW_OPAQUE)
		{
			getTypeInputInfo(attribute->atttypid, &input, &converter->ioparam);
			fmgr_info_cxt(input, &converter->input, scan->context);
			converter->sees_nulls = !converter->input.fn_strict;
			tuple->may_see_raw = flowlog_may_see_raw(table);
		}
		tuple->nconverters++;
	}

	MemoryContextSwitchTo(old);
	return tuple;
}

void
flowlog_tuple_fill(FlowlogTuple *tuple, const FlowRecord *record, Datum *values, bool *isnull)
{
	FlowlogScan *scan = tuple->scan;
	const FlowlogTable *table = scan->table;

	if (tuple->row_used)
	{
		MemoryContextReset(tuple->row);
		tuple->row_used = false;
	}

	memset(isnull, true, sizeof(bool) * tuple->natts);
	for (int i = 0; i < tuple->nconverters; i++)
	{
		const ColumnConverter *converter = &tuple->converters[i];
		FlowSlice field = record->fields[converter->column];
		FlowStatus status;
		FlowValue value;

		status = flow_value_read(&table->columns[converter->column], &scan->backend.host, field, &value);
		if (status == FLOW_OK)
		{
			values[converter->attribute] = converter->convert(tuple, converter, &value);
			isnull[converter->attribute] = false;
		}
		else if (status != FLOW_END)
			flowlog_scan_bad_field(scan, (FlowBadField) {converter->column, status});
		else if (converter->sees_nulls)
			check_null(tuple, converter);
	}
	/* values of NULLs are looked at by nobody, but shall not be rubbish */
	for (int i = 0; i < tuple->natts; i++)
		if (isnull[i])
			values[i] = (Datum) 0;
}
