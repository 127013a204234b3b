/*-------------------------------------------------------------------------
 *
 * value_oracle.c
 *	  Compares the core's value readers with PostgreSQL's own input functions.
 *
 * This is a module for a scratch database, not a part of the extension.  It
 * makes random texts, about half of which are values.  It reads each with
 * flow_value_read and with the type's input function, and requires the same
 * result (value, bad syntax, out of range, too long, bad encoding) and the
 * same value, bit for bit.
 *
 * Times are not read as PostgreSQL reads them, so only formats that both
 * accept are made for them.  The session's time zone must be UTC.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <float.h>
#include <math.h>
#include <sys/socket.h>

#include "common/pg_prng.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/inet.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "../../flow/flow.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(flow_value_check);
PG_FUNCTION_INFO_V1(flow_value_compare);

#define EPOCH_DAYS (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE)
#define MAX_SHOWN 5 /* maximum number of differences in the report */

static pg_prng_state random_state;

/* A type under test. */
typedef struct TestedType
{
	const char *name;
	FlowType type;
	PGFunction input;
	PGFunction output;
	bool by_value;
	int16 length; /* pg_type.typlen */
	/* one is chosen at random for each text */
	const int32 *typmods;
	int ntypmods; /* 0: always -1 */
	/* pieces of random texts; NULL: only make's texts */
	const char *const *pieces;
	/* appends a text that is a value, or nearly one */
	void (*make)(StringInfo text);
	/* true if make's texts may be damaged */
	bool spoil;
	/* converts a value to the type's Datum */
	Datum (*datum)(const FlowColumn *column, const FlowValue *value);
} TestedType;

/* ---------- the host ---------- */

static bool
host_interrupted(void *arg)
{
	return false;
}

static void *
host_allocate(void *arg, size_t size)
{
	return malloc(size);
}

static void
host_free(void *arg, void *ptr)
{
	free(ptr);
}

static bool
host_text_valid(void *arg, const char *data, size_t len)
{
	return pg_verifymbstr(data, (int) len, true);
}

static size_t
host_text_length(void *arg, const char *data, size_t len)
{
	return (size_t) pg_mbstrlen_with_len(data, (int) len);
}

static const FlowHost host = {
	.interrupted = host_interrupted,
	.allocate = host_allocate,
	.free = host_free,
	.text_valid = host_text_valid,
	.text_length = host_text_length,
};

/* ---------- values to Datums ---------- */

static Datum
datum_int16(const FlowColumn *column, const FlowValue *value)
{
	return Int16GetDatum((int16) value->integer);
}

static Datum
datum_int32(const FlowColumn *column, const FlowValue *value)
{
	return Int32GetDatum((int32) value->integer);
}

static Datum
datum_int64(const FlowColumn *column, const FlowValue *value)
{
	return Int64GetDatum(value->integer);
}

static Datum
datum_float(const FlowColumn *column, const FlowValue *value)
{
	return Float4GetDatum((float4) value->real);
}

static Datum
datum_double(const FlowColumn *column, const FlowValue *value)
{
	return Float8GetDatum(value->real);
}

static Datum
datum_boolean(const FlowColumn *column, const FlowValue *value)
{
	return BoolGetDatum(value->integer != 0);
}

static int32
numeric_typmod(int precision, int scale)
{
	return ((precision << 16) | (scale & 0x7ff)) + VARHDRSZ;
}

/*
 * The core only checks a numeric, so it suffices that this call does not fail.
 */
static Datum
datum_decimal(const FlowColumn *column, const FlowValue *value)
{
	int32 typmod = column->precision < 0 ? -1 : numeric_typmod(column->precision, column->scale);

	return DirectFunctionCall3(numeric_in,
	                           CStringGetDatum(pnstrdup(value->text.data, value->text.len)),
	                           ObjectIdGetDatum(InvalidOid),
	                           Int32GetDatum(typmod));
}

static Datum
datum_text(const FlowColumn *column, const FlowValue *value)
{
	return PointerGetDatum(cstring_to_text_with_len(value->text.data, (int) value->text.len));
}

static Datum
datum_padded(const FlowColumn *column, const FlowValue *value)
{
	StringInfoData padded;
	int chars = pg_mbstrlen_with_len(value->text.data, (int) value->text.len);

	initStringInfo(&padded);
	appendBinaryStringInfo(&padded, value->text.data, (int) value->text.len);
	if (column->max_chars > chars)
		appendStringInfoSpaces(&padded, column->max_chars - chars);
	return PointerGetDatum(cstring_to_text_with_len(padded.data, padded.len));
}

static Datum
datum_address(const FlowColumn *column, const FlowValue *value)
{
	inet *address = palloc0(sizeof(inet));

	ip_family(address) = value->address.family == 4 ? PGSQL_AF_INET : PGSQL_AF_INET6;
	ip_bits(address) = value->address.bits;
	memcpy(ip_addr(address), value->address.bytes, ip_addrsize(address));
	SET_INET_VARSIZE(address);
	return PointerGetDatum(address);
}

static Datum
datum_time(const FlowColumn *column, const FlowValue *value)
{
	return TimestampTzGetDatum(value->integer - EPOCH_DAYS * USECS_PER_DAY);
}

static Datum
datum_day(const FlowColumn *column, const FlowValue *value)
{
	return DateADTGetDatum((DateADT) (value->integer - EPOCH_DAYS));
}

/*
 * Reads a date in the way of a date column, which is given times: it takes
 * their day, unlike date_in.
 */
static Datum
day_in(PG_FUNCTION_ARGS)
{
	Datum time = DirectFunctionCall3(timestamptz_in,
	                                 PG_GETARG_DATUM(0),
	                                 ObjectIdGetDatum(InvalidOid),
	                                 Int32GetDatum(-1));

	return DirectFunctionCall1(timestamptz_date, time);
}

/* ---------- random texts ---------- */

/* Returns a random number below the bound. */
static uint64
below(uint64 bound)
{
	return pg_prng_uint64_range(&random_state, 0, bound - 1);
}

/* Returns true in one of n cases. */
static bool
one_in(uint64 n)
{
	return below(n) == 0;
}

/* Returns a random element of a list. */
static const char *
any_of(const char *const *list)
{
	int n = 0;

	while (list[n] != NULL)
		n++;
	return list[below(n)];
}

static void
append_digits(StringInfo text, int count)
{
	while (count-- > 0)
		appendStringInfoChar(text, '0' + (char) below(10));
}

static void
append_repeated(StringInfo text, char byte, int count)
{
	while (count-- > 0)
		appendStringInfoChar(text, byte);
}

static void
append_spaces(StringInfo text)
{
	if (one_in(8))
		append_repeated(text, " \t\n\v\f\r"[below(6)], 1 + (int) below(2));
}

static void
append_sign(StringInfo text)
{
	if (one_in(3))
		appendStringInfoChar(text, "+-"[below(2)]);
}

/*
 * Makes an integer that is close to a power of two, as all limits are, or of
 * any size.
 */
static void
make_integer(StringInfo text)
{
	uint64 number = pg_prng_uint64(&random_state) >> below(64);

	if (one_in(2))
		number = (UINT64CONST(1) << (7 + 8 * below(8))) + below(5) - 2;
	append_spaces(text);
	append_sign(text);
	if (one_in(6))
		append_repeated(text, '0', (int) below(30));
	appendStringInfo(text, UINT64_FORMAT, number);
	if (one_in(10))
		append_digits(text, 1 + (int) below(3));
	append_spaces(text);
}

static void
append_exponent(StringInfo text, int largest)
{
	appendStringInfoChar(text, "eE"[below(2)]);
	if (one_in(30))
		append_spaces(text);
	append_sign(text);
	appendStringInfo(text, "%d", (int) below(largest));
}

/*
 * Appends a number in hexadecimal, which PostgreSQL's own printf does not
 * support.
 */
#undef snprintf
static void
append_hexadecimal(StringInfo text, double number)
{
	char hexadecimal[64];

	snprintf(hexadecimal, sizeof(hexadecimal), "%a", number);
	appendStringInfoString(text, hexadecimal);
}

static void
make_real(StringInfo text)
{
	uint64 bits = pg_prng_uint64(&random_state);
	uint32 half_bits = (uint32) bits;
	double number;
	float small;

	memcpy(&number, &bits, sizeof(number));
	memcpy(&small, &half_bits, sizeof(small));
	append_spaces(text);
	switch (below(6))
	{
		case 0:
			appendStringInfo(text, "%.*g", (int) below(25), number);
			break;
		case 1:
			appendStringInfo(text, "%.*g", (int) below(30), small);
			break;
		case 2:
			append_hexadecimal(text, one_in(2) ? number : small);
			break;
		case 3: /* just between two floats */
			appendStringInfo(text,
			                 "%.*g",
			                 40 + (int) below(60),
			                 ((double) small + nextafterf(small, FLT_MAX)) / 2);
			break;
		case 4: /* long enough to need more than the stack */
			append_sign(text);
			append_digits(text, (int) below(200));
			appendStringInfoChar(text, '.');
			append_digits(text, (int) below(200));
			if (one_in(2))
				append_exponent(text, 400);
			break;
		default:
			append_sign(text);
			append_digits(text, 1 + (int) below(4));
			if (one_in(2))
				appendStringInfoChar(text, '.');
			append_digits(text, (int) below(5));
			if (one_in(2))
				append_exponent(text, one_in(2) ? 60 : 400);
			break;
	}
	append_spaces(text);
}

/*
 * Makes a number around the limits of some precision, of storage, or of the
 * exponent.
 */
static void
make_decimal(StringInfo text)
{
	static const int large[] = {16380, 16390, 131060, 131080, INT_MAX / 2 - 5, INT_MAX / 2 + 5};

	append_spaces(text);
	append_sign(text);
	if (one_in(3))
		append_repeated(text, '0', (int) below(6));
	if (one_in(2))
		append_repeated(text, '9', (int) below(9));
	append_digits(text, (int) below(one_in(20) ? 40 : 6));
	if (!one_in(4))
	{
		appendStringInfoChar(text, '.');
		if (one_in(2))
			append_repeated(text, "09"[below(2)], (int) below(9));
		append_digits(text, (int) below(one_in(20) ? 40 : 6));
	}
	if (one_in(12))
		appendStringInfo(text,
		                 "%c%s%d",
		                 "eE"[below(2)],
		                 one_in(2) ? "-" : "",
		                 large[below(lengthof(large))] + (int) below(12));
	else if (one_in(3))
		append_exponent(text, 12);
	append_spaces(text);
}

static void
make_boolean(StringInfo text)
{
	static const char *const words[] = {"true", "false", "yes", "no", "on", "off", "1", "0", NULL};
	const char *word = any_of(words);

	append_spaces(text);
	for (size_t i = 0, len = below(strlen(word) + 1); i <= len && word[i] != '\0'; i++)
		appendStringInfoChar(text, one_in(3) ? (char) pg_toupper(word[i]) : word[i]);
	append_spaces(text);
}

/*
 * Makes a text of some characters of one to four bytes, perhaps followed by
 * blanks.
 */
static void
make_text(StringInfo text)
{
	static const char *const characters[] =
		{"a", "Z", " ", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "-", NULL};

	for (int i = (int) below(7); i > 0; i--)
		appendStringInfoString(text, any_of(characters));
	if (one_in(2))
		append_repeated(text, ' ', (int) below(8));
	if (one_in(8))
		appendStringInfoChar(text, (char) (1 + below(255)));
	if (one_in(8))
		append_repeated(text, 'x', (int) below(12));
}

static void
append_groups(StringInfo text, int count)
{
	static const char *const groups[] =
		{"0", "1", "ffff", "FEDC", "00ab", "db8", "2001", "a", NULL};

	while (count-- > 0)
		appendStringInfo(text, "%s%s", any_of(groups), count > 0 ? ":" : "");
}

static void
append_octets(StringInfo text, int count)
{
	while (count-- > 0)
		appendStringInfo(text,
		                 "%d%s",
		                 (int) (one_in(3) ? below(2) * 255 : below(260)),
		                 count > 0 ? "." : "");
}

static void
make_address(StringInfo text)
{
	int groups = (int) below(9);
	bool v6 = one_in(2);

	if (!v6)
		append_octets(text, one_in(3) ? 1 + (int) below(5) : 4);
	else if (one_in(3))
		append_groups(text, 8);
	else
	{
		append_groups(text, groups / 2);
		appendStringInfoString(text, "::");
		append_groups(text, (groups + 1) / 2);
		if (one_in(3))
		{
			if (groups > 0)
				appendStringInfoChar(text, ':');
			append_octets(text, one_in(6) ? 1 + (int) below(5) : 4);
		}
	}
	if (one_in(2))
		appendStringInfo(text, "/%d", (int) below(v6 ? 131 : 35));
}

/* Makes networks whose host bits are zero about half of the time. */
static void
make_network(StringInfo text)
{
	int kept = (int) below(5);

	switch (below(4))
	{
		case 0:
			make_address(text);
			break;
		case 1:
			appendStringInfoString(text, one_in(2) ? "0x" : "0X");
			for (int i = (int) below(10); i > 0; i--)
				appendStringInfoChar(text, "0123456789abcdefABCDEF0000"[below(26)]);
			break;
		case 2:
			append_octets(text, kept);
			for (int i = kept; i < 4; i++)
				appendStringInfoString(text, i > 0 ? ".0" : "0");
			break;
		default:
			append_groups(text, kept);
			appendStringInfoString(text, "::");
			break;
	}
	if (one_in(2))
		appendStringInfo(text, "/%d", (int) (one_in(2) ? below(130) : 8 * below(17)));
}

/*
 * Makes a time in one of the ISO 8601 formats that PostgreSQL also accepts.
 * Sometimes a field is just outside of its range, except where PostgreSQL does
 * not check it.
 */
static void
make_moment(StringInfo text)
{
	bool basic = one_in(5);
	bool lower = one_in(8);
	const char *dash = basic ? "" : "-";
	const char *colon = basic ? "" : ":";

	/* the date */
	appendStringInfo(text,
	                 "%04d%s%02d%s%02d",
	                 (int) (one_in(3) ? below(10000) : 1999 + below(3)),
	                 dash,
	                 (int) (one_in(20) ? below(14) : 1 + below(12)),
	                 dash,
	                 (int) (one_in(20) ? below(33) : 1 + below(28)));
	if (!basic && one_in(6))
		return;
	/* the time */
	appendStringInfoChar(text, lower ? 't' : basic || one_in(2) ? 'T' : ' ');
	appendStringInfo(text,
	                 "%02d%s%02d",
	                 (int) below(24),
	                 colon,
	                 (int) (!basic && one_in(30) ? 60 : below(60)));
	if (basic || !one_in(6))
	{
		appendStringInfo(text, "%s%02d", colon, (int) below(60));
		if (one_in(2))
		{
			appendStringInfoChar(text, '.');
			append_digits(text, 1 + (int) below(7));
			if (one_in(2))
				append_repeated(text, "05"[below(2)], 1);
			if (one_in(8))
				append_digits(text, (int) below(30));
		}
	}
	/* the time zone */
	switch (below(6))
	{
		case 0:
			appendStringInfoChar(text, lower ? 'z' : 'Z');
			break;
		case 1:
			appendStringInfo(text, "%c%02d", "+-"[below(2)], (int) below(16));
			break;
		case 2: /* PostgreSQL does not accept "120000-01:00" as a time */
			appendStringInfo(text,
			                 "%c%02d%s%02d",
			                 basic ? '+' : "+-"[below(2)],
			                 (int) below(16),
			                 one_in(2) ? ":" : "",
			                 (int) (one_in(30) ? 60 : below(60)));
			break;
	}
}

/* Inserts, replaces or removes one or two bytes. */
static void
damage(StringInfo text, const char *const *pieces)
{
	for (int i = 1 + (int) below(2); i > 0; i--)
	{
		int at = (int) below((uint64) text->len + 1);
		int gone = at < text->len && one_in(2) ? 1 : 0;
		char *rest = pstrdup(text->data + at + gone);

		text->len = at;
		text->data[at] = '\0';
		if (!gone || one_in(2))
			appendStringInfoString(text, any_of(pieces));
		appendStringInfoString(text, rest);
	}
}

/* Makes a random text for a type. */
static void
make_random(const TestedType *tested, StringInfo text)
{
	resetStringInfo(text);
	if (tested->pieces != NULL && one_in(3))
	{
		for (int i = (int) below(one_in(2) ? 4 : 14); i > 0; i--)
			appendStringInfoString(text, any_of(tested->pieces));
		return;
	}
	tested->make(text);
	if (tested->spoil && one_in(4))
		damage(text, tested->pieces);
}

/* ---------- the types ---------- */

static const char *const integer_pieces[] =
	{"0",  "1",  "9", "32767", "32768", "2147483647", "2147483648", "922337203685477580",
     "7",  "8",  "+", "-",     " ",     "\t",         "\n",         "\v",
     "\f", "\r", ".", "e",     "x",     "0x",         "_",          "\xc2\xa0",
     ",",  NULL};

static const char *const real_pieces[] = {"0",       "1",    "9",   "17",  "e",     "E",
                                          "+",       "-",    ".",   "x",   "0x",    "p",
                                          "P",       "f",    "a",   "nan", "NaN",   "NAN(",
                                          "(12)",    ")",    "inf", "INF", "inity", "Infinity",
                                          "infinit", " ",    "\t",  "\n",  "\v",    "308",
                                          "309",     "-324", "-45", "38",  "39",    "d",
                                          "_",       ",",    NULL};

static const char *const decimal_pieces[] = {"0",          "1",          "9",     "99",
                                             "5",          "4",          "e",     "E",
                                             "+",          "-",          ".",     "x",
                                             "0x",         "nan",        "NaN",   "NAN",
                                             "inf",        "iNf",        "inity", "Infinity",
                                             "infinit",    " ",          "\t",    "\r",
                                             "131071",     "131072",     "16383", "16384",
                                             "1073741822", "1073741823", "_",     NULL};

static const char *const boolean_pieces[] = {"t",  "T",  "tr", "rue", "f",        "F",  "alse", "y",
                                             "es", "n",  "N",  "o",   "O",        "ff", "1",    "0",
                                             " ",  "\t", "\n", "x",   "\xc4\xb1", NULL};

static const char *const text_pieces[] = {"a",
                                          "b",
                                          " ",
                                          "  ",
                                          "-",
                                          "\xc3\xa4",
                                          "\xe2\x82\xac",
                                          "\xf0\x9f\x98\x80",
                                          "\x80",
                                          "\xff",
                                          "\xc3",
                                          "\xed\xa0\x80",
                                          "\t",
                                          NULL};

static const char *const address_pieces[] = {"0",
                                             "1",
                                             "9",
                                             "10",
                                             "00",
                                             "01",
                                             "032",
                                             "127",
                                             "128",
                                             "255",
                                             "256",
                                             "4294967304",
                                             "4294967295",
                                             "224",
                                             "240",
                                             ".",
                                             ":",
                                             "::",
                                             "/",
                                             "/8",
                                             "/24",
                                             "/0",
                                             "/32",
                                             "/33",
                                             "/128",
                                             "/129",
                                             "0x",
                                             "0X",
                                             "a",
                                             "F",
                                             "ffff",
                                             "12345",
                                             "g",
                                             " ",
                                             "%",
                                             "-",
                                             ".0.0.0",
                                             "1.2.3.4",
                                             "::ffff:",
                                             "2001:db8::",
                                             "1:2:3:4:5:6:7:8",
                                             NULL};

static const int32 decimal_typmods[] =
	{-1,
     -1, /* (p << 16 | s & 0x7ff) + 4, as numerictypmodin has it */
     (5 << 16) + 4,
     (5 << 16 | 2) + 4,
     (3 << 16 | 5) + 4,
     (2 << 16 | (-3 & 0x7ff)) + 4,
     (1 << 16 | 1) + 4,
     (1 << 16) + 4,
     (1000 << 16 | 1000) + 4,
     (1000 << 16 | (-1000 & 0x7ff)) + 4,
     (1 << 16 | 10) + 4,
     (20 << 16 | 4) + 4,
     (4 << 16 | (-1 & 0x7ff)) + 4};

static const int32 text_typmods[] =
	{-1, VARHDRSZ + 1, VARHDRSZ + 2, VARHDRSZ + 3, VARHDRSZ + 5, VARHDRSZ + 8, VARHDRSZ + 13};

static const int32 time_typmods[] = {-1, 0, 1, 2, 3, 4, 5, 6};

static const TestedType tested_types[] = {
	{"smallint",
     FLOW_INT16,
     int2in,
     int2out,
     true,
     2,
     NULL,
     0,
     integer_pieces,
     make_integer,
     true,
     datum_int16},
	{"integer",
     FLOW_INT32,
     int4in,
     int4out,
     true,
     4,
     NULL,
     0,
     integer_pieces,
     make_integer,
     true,
     datum_int32},
	{"bigint",
     FLOW_INT64,
     int8in,
     int8out,
     true,
     8,
     NULL,
     0,
     integer_pieces,
     make_integer,
     true,
     datum_int64},
	{"real",
     FLOW_FLOAT,
     float4in,
     float4out,
     true,
     4,
     NULL,
     0,
     real_pieces,
     make_real,
     true,
     datum_float},
	{"double precision",
     FLOW_DOUBLE,
     float8in,
     float8out,
     true,
     8,
     NULL,
     0,
     real_pieces,
     make_real,
     true,
     datum_double},
	{"numeric",
     FLOW_DECIMAL,
     numeric_in,
     numeric_out,
     false,
     -1,
     decimal_typmods,
     lengthof(decimal_typmods),
     decimal_pieces,
     make_decimal,
     true,
     datum_decimal},
	{"boolean",
     FLOW_BOOLEAN,
     boolin,
     boolout,
     true,
     1,
     NULL,
     0,
     boolean_pieces,
     make_boolean,
     true,
     datum_boolean},
	{"text",
     FLOW_TEXT,
     textin,
     textout,
     false,
     -1,
     NULL,
     0,
     text_pieces,
     make_text,
     true,
     datum_text},
	{"varchar",
     FLOW_TEXT,
     varcharin,
     varcharout,
     false,
     -1,
     text_typmods,
     lengthof(text_typmods),
     text_pieces,
     make_text,
     true,
     datum_text},
	{"char",
     FLOW_PADDED,
     bpcharin,
     bpcharout,
     false,
     -1,
     text_typmods,
     lengthof(text_typmods),
     text_pieces,
     make_text,
     true,
     datum_padded},
	{"inet",
     FLOW_ADDRESS,
     inet_in,
     inet_out,
     false,
     -1,
     NULL,
     0,
     address_pieces,
     make_address,
     true,
     datum_address},
	{"cidr",
     FLOW_NETWORK,
     cidr_in,
     cidr_out,
     false,
     -1,
     NULL,
     0,
     address_pieces,
     make_network,
     true,
     datum_address},
	{"timestamptz",
     FLOW_TIME,
     timestamptz_in,
     timestamptz_out,
     true,
     8,
     time_typmods,
     lengthof(time_typmods),
     NULL,
     make_moment,
     false,
     datum_time},
	{"date", FLOW_DAY, day_in, date_out, true, 4, NULL, 0, NULL, make_moment, false, datum_day},
};

static const TestedType *
find_type(const char *name)
{
	for (int i = 0; i < lengthof(tested_types); i++)
	{
		if (strcmp(tested_types[i].name, name) == 0)
			return &tested_types[i];
	}
	ereport(ERROR,
	        (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("type \"%s\" is not tested", name)));
}

/* Makes the column that the wrapper would make for the type and typmod. */
static void
make_column(const TestedType *tested, int32 typmod, FlowColumn *column)
{
	memset(column, 0, sizeof(*column));
	column->name = tested->name;
	column->type = tested->type;
	column->max_chars = column->precision = column->scale = -1;
	if (tested->type == FLOW_TIME)
		column->scale = typmod;
	else if (tested->type == FLOW_DECIMAL && typmod >= (int32) VARHDRSZ)
	{
		column->precision = ((typmod - VARHDRSZ) >> 16) & 0xffff;
		column->scale = (((typmod - VARHDRSZ) & 0x7ff) ^ 1024) - 1024;
	}
	else if (typmod >= (int32) VARHDRSZ)
		column->max_chars = typmod - VARHDRSZ;
}

/* ---------- reading in both ways ---------- */

static const char *
status_name(FlowStatus status)
{
	switch (status)
	{
		case FLOW_OK:
			return "ok";
		case FLOW_BAD_SYNTAX:
			return "bad syntax";
		case FLOW_OUT_OF_RANGE:
			return "out of range";
		case FLOW_TOO_LONG:
			return "too long";
		case FLOW_BAD_ENCODING:
			return "bad encoding";
		default:
			return "another status";
	}
}

/* Returns the status that corresponds to PostgreSQL's error. */
static FlowStatus
status_of_error(int sqlerrcode)
{
	switch (sqlerrcode)
	{
		case ERRCODE_INVALID_TEXT_REPRESENTATION:
		case ERRCODE_INVALID_DATETIME_FORMAT:
			return FLOW_BAD_SYNTAX;
		case ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE:
		case ERRCODE_DATETIME_FIELD_OVERFLOW:
		case ERRCODE_INVALID_TIME_ZONE_DISPLACEMENT_VALUE:
			return FLOW_OUT_OF_RANGE;
		case ERRCODE_STRING_DATA_RIGHT_TRUNCATION:
			return FLOW_TOO_LONG;
		default:
			return FLOW_UNSUPPORTED;
	}
}

/*
 * Calls a type's input or output function and converts an error to a status.
 * There is no subtransaction: it would take longer than everything else
 * together, and these functions hold only memory when they fail.
 */
static FlowStatus
call_function(PGFunction function, Datum argument, int32 typmod, Datum *result)
{
	MemoryContext context = CurrentMemoryContext;
	volatile FlowStatus status = FLOW_OK;

	PG_TRY();
	{
		*result = DirectFunctionCall3(function,
		                              argument,
		                              ObjectIdGetDatum(InvalidOid),
		                              Int32GetDatum(typmod));
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		status = status_of_error(geterrcode());
		FlushErrorState();
	}
	PG_END_TRY();
	return status;
}

/* Reads a text with the type's input function. */
static FlowStatus
read_theirs(const TestedType *tested, int32 typmod, const StringInfo text, Datum *datum)
{
	/* input functions only ever get valid text */
	if ((tested->type == FLOW_TEXT || tested->type == FLOW_PADDED) &&
	    !pg_verifymbstr(text->data, text->len, true))
		return FLOW_BAD_ENCODING;
	return call_function(tested->input, CStringGetDatum(text->data), typmod, datum);
}

/* Describes a result in words. */
static char *
describe(const TestedType *tested, FlowStatus status, Datum datum)
{
	Datum printed;

	if (status != FLOW_OK)
		return pstrdup(status_name(status));
	if (call_function(tested->output, datum, -1, &printed) != FLOW_OK)
		return pstrdup("ok, but cannot be printed");
	return psprintf("ok %s", DatumGetCString(printed));
}

/*
 * flow_value_check(type text, typmod integer, input text) returns text: "ok"
 * and the value that the core reads, or why the text is not a value.
 */
Datum
flow_value_check(PG_FUNCTION_ARGS)
{
	const TestedType *tested = find_type(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	text *input = PG_GETARG_TEXT_PP(2);
	FlowSlice field = {VARDATA_ANY(input), VARSIZE_ANY_EXHDR(input)};
	FlowColumn column;
	FlowValue value;
	Datum datum = 0;
	FlowStatus status;

	make_column(tested, PG_GETARG_INT32(1), &column);
	status = flow_value_read(&column, &host, field, &value);
	if (status == FLOW_OK)
		datum = tested->datum(&column, &value);
	PG_RETURN_TEXT_P(cstring_to_text(describe(tested, status, datum)));
}

/* Adds a difference to the report, with bytes that are not ASCII as "\x". */
static void
report_difference(StringInfo report, const TestedType *tested, int32 typmod, StringInfo text,
                  const char *ours, const char *theirs)
{
	appendStringInfo(report, "%s typmod %d \"", tested->name, typmod);
	for (int i = 0; i < text->len; i++)
	{
		unsigned char byte = (unsigned char) text->data[i];

		if (byte < ' ' || byte >= 0x7f)
			appendStringInfo(report, "\\x%02x", byte);
		else
			appendStringInfoChar(report, (char) byte);
	}
	appendStringInfo(report, "\": %s, but PostgreSQL says %s\n", ours, theirs);
}

/*
 * Reads the text in both ways.  Returns true if the results are the same,
 * otherwise adds to the report.
 */
static bool
compare_text(const TestedType *tested, int32 typmod, const StringInfo text, bool *accepted,
             StringInfo report)
{
	FlowColumn column;
	FlowValue value;
	FlowStatus ours, theirs;
	Datum our_datum = 0, their_datum = 0;
	const char *our_words;

	make_column(tested, typmod, &column);
	ours = flow_value_read(&column, &host, (FlowSlice) {text->data, text->len}, &value);
	theirs = read_theirs(tested, typmod, text, &their_datum);
	*accepted = theirs == FLOW_OK;
	if (ours != FLOW_OK && ours == theirs)
		return true;

	/* only a text that PostgreSQL accepts can surely become a Datum */
	if (ours == FLOW_OK && theirs == FLOW_OK)
	{
		our_datum = tested->datum(&column, &value);
		if (datumIsEqual(our_datum, their_datum, tested->by_value, tested->length))
			return true;
	}
	our_words = ours == FLOW_OK && theirs != FLOW_OK ? "ok" : describe(tested, ours, our_datum);
	report_difference(report,
	                  tested,
	                  typmod,
	                  text,
	                  our_words,
	                  describe(tested, theirs, their_datum));
	/*
	 * flow_value_compare(type text, count bigint, seed bigint, OUT accepted
	 * bigint, OUT different bigint, OUT report text) compares "count" random
	 * texts.  "accepted" counts the texts that PostgreSQL accepts.
	 */
	return false;
}

/*
 * flow_value_compare(type text, count bigint, seed bigint, OUT accepted
 * bigint, OUT different bigint, OUT report text) compares so many random
 * texts.  "accepted" counts the texts that PostgreSQL accepts.
 */
Datum
flow_value_compare(PG_FUNCTION_ARGS)
{
	const TestedType *tested = find_type(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	int64 count = PG_GETARG_INT64(1);
	int64 accepted = 0, different = 0;
	StringInfoData text, report, unshown;
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "flow value", ALLOCSET_DEFAULT_SIZES);
	TupleDesc desc;
	Datum result[3];
	bool isnull[3] = {false};

	initStringInfo(&text);
	initStringInfo(&report);
	initStringInfo(&unshown);
	pg_prng_seed(&random_state, (uint64) PG_GETARG_INT64(2));

	/* compare random texts, with a memory context for each */
	for (int64 i = 0; i < count; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(context);
		int32 typmod = tested->ntypmods > 0 ? tested->typmods[below(tested->ntypmods)] : -1;
		bool is_value;

		CHECK_FOR_INTERRUPTS();
		make_random(tested, &text);
		if (!compare_text(tested,
		                  typmod,
		                  &text,
		                  &is_value,
		                  different < MAX_SHOWN ? &report : &unshown))
			different++;
		accepted += is_value;
		resetStringInfo(&unshown);
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
	}

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	result[0] = Int64GetDatum(accepted);
	result[1] = Int64GetDatum(different);
	result[2] = PointerGetDatum(cstring_to_text(report.data));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), result, isnull)));
}
