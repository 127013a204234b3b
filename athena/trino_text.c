/*-------------------------------------------------------------------------
 *
 * trino_text.c
 *	  Functions of Trino for texts and arrays, with Trino's results, as queries
 *	  on flow logs use them.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include <ctype.h>
#include <math.h>

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

FLOWLOG_FUNCTION(flowlog_url_decode);
FLOWLOG_FUNCTION(flowlog_parse_duration);
FLOWLOG_FUNCTION(flowlog_split);
FLOWLOG_FUNCTION(flowlog_element_at);

/* ---------- url_decode ---------- */

/* Returns the byte that "%" and two hexadecimal digits stand for. */
static char
decode_byte(const char *escape, size_t len)
{
	int high = len > 2 ? flow_hex_value(escape[1]) : -1;
	int low = len > 2 ? flow_hex_value(escape[2]) : -1;

	if (high < 0 || low < 0)
		ereport(ERROR,
		        errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
		        errmsg("invalid escape in a URL: \"%s\"",
		               flowlog_printable(escape, Min(len, 3), 3)),
		        errdetail("Two hexadecimal digits must follow a \"%%\"."));
	return (char) (high << 4 | low);
}

/* url_decode(text): as of a form, "+" is a blank; bytes are UTF-8 */
Datum
flowlog_url_decode(PG_FUNCTION_ARGS)
{
	text *value = PG_GETARG_TEXT_PP(0);
	const char *in = VARDATA_ANY(value);
	size_t len = VARSIZE_ANY_EXHDR(value);
	char *decoded = palloc(len + 1);
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
	{
		if (in[i] == '%')
		{
			decoded[n++] = decode_byte(in + i, len - i);
			i += 2;
		}
		else
			decoded[n++] = in[i] == '+' ? ' ' : in[i];
	}
	decoded[n] = '\0';
	PG_RETURN_TEXT_P(cstring_to_text(pg_any_to_server(decoded, (int) n, PG_UTF8)));
}

/* ---------- parse_duration ---------- */

static const struct
{
	const char *name;
	double milliseconds;
} duration_units[] = {
	{"ns", 1e-6},
	{"us", 1e-3},
	{"ms", 1},
	{"s", 1e3},
	{"m", 60e3},
	{"h", 3600e3},
	{"d", 86400e3},
};

/* Returns the number of milliseconds, or NaN if the text is no duration. */
static double
duration_of(const char *text)
{
	const char *unit;
	size_t len;
	size_t digits;

	text += strspn(text, " \t\n\r\f\v");
	digits = strspn(text, "0123456789");
	unit = text + digits;
	if (*unit == '.' && isdigit((unsigned char) unit[1]))
		unit += 1 + strspn(unit + 1, "0123456789");
	unit += strspn(unit, " \t\n\r\f\v");
	len = strcspn(unit, " \t\n\r\f\v");
	if (digits == 0 || unit[len + strspn(unit + len, " \t\n\r\f\v")] != '\0')
		return NAN;
	for (size_t i = 0; i < lengthof(duration_units); i++)
		if (strlen(duration_units[i].name) == len &&
		    strncmp(unit, duration_units[i].name, len) == 0)
			return strtod(text, NULL) * duration_units[i].milliseconds;
	return NAN;
}

/*
 * parse_duration(text): to the millisecond.  All of it is time, for a day of
 * an interval may have 23 hours in the session's zone.
 */
Datum
flowlog_parse_duration(PG_FUNCTION_ARGS)
{
	const char *duration = text_to_cstring(PG_GETARG_TEXT_PP(0));
	double milliseconds = floor(duration_of(duration) + 0.5);
	Interval *interval = palloc0(sizeof(Interval));

	if (isnan(milliseconds))
		ereport(ERROR,
		        errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
		        errmsg("invalid duration: \"%s\"", duration),
		        errhint("It is a number and one of the units ns, us, ms, s, m, h and d."));
	if (milliseconds >= (double) PG_INT64_MAX / 1000)
		ereport(ERROR, errcode(ERRCODE_INTERVAL_FIELD_OVERFLOW), errmsg("interval out of range"));
	interval->time = (int64) milliseconds * 1000;
	PG_RETURN_INTERVAL_P(interval);
}

/* ---------- arrays ---------- */

/* split(text, text): as string_to_array, but of an empty text it is one */
Datum
flowlog_split(PG_FUNCTION_ARGS)
{
	text *value = PG_GETARG_TEXT_PP(0);
	Datum whole = PointerGetDatum(value);

	if (VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(1)) == 0)
		ereport(ERROR,
		        errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		        errmsg("the delimiter must not be empty"));
	if (VARSIZE_ANY_EXHDR(value) == 0)
		return PointerGetDatum(construct_array(&whole, 1, TEXTOID, -1, false, TYPALIGN_INT));
	return DirectFunctionCall2Coll(text_to_array,
	                               PG_GET_COLLATION(),
	                               PG_GETARG_DATUM(0),
	                               PG_GETARG_DATUM(1));
}

/*
 * element_at(anyarray, bigint): counts from 1, and from the end with -1; NULL
 * where there is none
 */
Datum
flowlog_element_at(PG_FUNCTION_ARGS)
{
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(0);
	int64 number = PG_GETARG_INT64(1);
	int16 len;
	bool byval;
	char align;
	bool isnull = true;
	Datum value = (Datum) 0;
	int count;
	int index;

	if (number == 0)
		ereport(ERROR,
		        errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
		        errmsg("elements of an array count from 1"));
	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
		        errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		        errmsg("an array of several dimensions has no such elements"));
	if (ARR_NDIM(array) == 0)
		PG_RETURN_NULL();
	count = ARR_DIMS(array)[0];
	if (number > count || number < -(int64) count)
		PG_RETURN_NULL();
	index = ARR_LBOUND(array)[0] + (int) (number > 0 ? number - 1 : count + number);
	get_typlenbyvalalign(ARR_ELEMTYPE(array), &len, &byval, &align);
	value = array_get_element(PointerGetDatum(array), 1, &index, -1, len, byval, align, &isnull);
	if (isnull)
		PG_RETURN_NULL();
	return value;
}
