/*-------------------------------------------------------------------------
 *
 * text.c
 *	  Writes values of a Parquet file as the text that a log would have.
 *
 *-------------------------------------------------------------------------
 */
#include "parquet.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS_OF_DAY 86400
#define UNIX_JULIAN_DAY 2440588 /* 1970-01-01 */

/* ---------- integers ---------- */

/* Writes a number with at least that many digits. */
static char *
write_digits(char *out, uint64_t number, int least)
{
	char digits[20];
	int count = 0;

	do
		digits[count++] = (char) ('0' + number % 10);
	while ((number /= 10) != 0 || count < least);
	while (count > 0)
		*out++ = digits[--count];
	return out;
}

static char *
write_unsigned(char *out, int64_t number)
{
	return write_digits(out, (uint64_t) number, 1);
}

static char *
write_signed(char *out, int64_t number)
{
	if (number >= 0)
		return write_unsigned(out, number);
	*out++ = '-';
	return write_digits(out, -(uint64_t) number, 1);
}

/* ---------- times ---------- */

/*
 * Writes the day that is so many days after 1970-01-01, in the Gregorian
 * calendar.
 */
static char *
write_day(char *out, int64_t days)
{
	/*
	 * count from 0000-03-01, in eras of 400 years, so that leap days come last
	 */
	int64_t shifted = days + 719468;
	int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	int64_t day = shifted - era * 146097;
	int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	int64_t month;

	day -= 365 * year + year / 4 - year / 100;
	month = (5 * day + 2) / 153;
	day -= (153 * month + 2) / 5;
	year += era * 400 + (month >= 10);
	month = month < 10 ? month + 3 : month - 9;

	if (year < 0)
		*out++ = '-';
	else if (year > 9999)
		*out++ = '+';
	out = write_digits(out, year < 0 ? -(uint64_t) year : (uint64_t) year, 4);
	*out++ = '-';
	out = write_digits(out, (uint64_t) month, 2);
	*out++ = '-';
	return write_digits(out, (uint64_t) (day + 1), 2);
}

/* Writes a time in UTC: days after 1970-01-01, and microseconds of the day. */
static char *
write_time(char *out, int64_t days, int64_t microseconds)
{
	int64_t seconds = microseconds / 1000000, fraction = microseconds % 1000000;

	out = write_day(out, days);
	*out++ = 'T';
	out = write_digits(out, (uint64_t) (seconds / 3600), 2);
	*out++ = ':';
	out = write_digits(out, (uint64_t) (seconds / 60 % 60), 2);
	*out++ = ':';
	out = write_digits(out, (uint64_t) (seconds % 60), 2);
	if (fraction != 0)
	{
		*out++ = '.';
		out = write_digits(out, (uint64_t) fraction, 6);
		while (out[-1] == '0')
			out--;
	}
	*out++ = 'Z';
	return out;
}

/* Divides and rounds down. */
static int64_t
divide(int64_t number, int64_t by, int64_t *rest)
{
	int64_t quotient = number / by;

	*rest = number % by;
	if (*rest < 0)
	{
		*rest += by;
		quotient--;
	}
	return quotient;
}

static char *
write_timestamp(char *out, int64_t time, int64_t unit)
{
	int64_t rest;
	int64_t days = divide(time, SECONDS_OF_DAY * unit, &rest);

	return write_time(out,
	                  days,
	                  unit > 1000000 ? rest / (unit / 1000000) : rest * (1000000 / unit));
}

/* Writes an INT96: eight bytes of nanoseconds and four of the Julian day. */
static char *
write_int96(char *out, FlowSlice bytes)
{
	int64_t nanoseconds = (int64_t) flow_load_word(bytes.data), rest;
	int32_t day = (int32_t) flow_load_half(bytes.data + 8);
	int64_t more = divide(nanoseconds, SECONDS_OF_DAY * INT64_C(1000000000), &rest);

	return write_time(out, (int64_t) day - UNIX_JULIAN_DAY + more, rest / 1000);
}

/* ---------- decimals ---------- */

/*
 * Writes an integer of so many digits with a point before the last "scale"
 * ones.
 */
static char *
write_point(char *out, bool negative, const char *digits, int count, int scale)
{
	if (negative)
		*out++ = '-';
	for (int i = count > scale ? count : scale + 1; i > 0; i--)
	{
		if (i == scale)
			*out++ = '.';
		*out++ = i > count ? '0' : digits[count - i];
	}
	return out;
}

/* Writes a decimal of up to 32 bytes, big-endian. */
static char *
write_decimal_bytes(char *out, FlowSlice bytes, int scale)
{
	uint32_t words[8] = {0}; /* the highest first */
	char digits[96];
	int count = 0, first = 0;
	bool negative = (bytes.data[0] & 0x80) != 0;

	/*
	 * take the absolute value; that of the least number fits, without a sign
	 */
	for (size_t i = 0; i < 32; i++)
	{
		size_t missing = 32 - bytes.len;
		uint8_t byte = i < missing ? (negative ? 0xFF : 0) : (uint8_t) bytes.data[i - missing];

		words[i / 4] = words[i / 4] << 8 | (negative ? (uint8_t) ~byte : byte);
	}
	for (int i = 7; i >= 0 && negative; i--)
		if (++words[i] != 0)
			break;

	/* divide by ten to the ninth */
	while (first < 8)
	{
		uint64_t rest = 0;

		for (int i = first; i < 8; i++)
		{
			rest = rest << 32 | words[i];
			words[i] = (uint32_t) (rest / 1000000000);
			rest %= 1000000000;
		}
		while (first < 8 && words[first] == 0)
			first++;
		for (int i = 0; i < 9; i++, rest /= 10)
			digits[count++] = (char) ('0' + rest % 10);
	}
	while (count > 1 && digits[count - 1] == '0')
		count--;
	for (int i = 0; i < count / 2; i++)
	{
		char digit = digits[i];

		digits[i] = digits[count - 1 - i];
		digits[count - 1 - i] = digit;
	}
	return write_point(out, negative, digits, count, scale);
}

static char *
write_decimal(char *out, int64_t number, int scale)
{
	char digits[20];
	char *end = write_digits(digits, number < 0 ? -(uint64_t) number : (uint64_t) number, 1);

	return write_point(out, number < 0, digits, (int) (end - digits), scale);
}

/* ---------- reals ---------- */

/*
 * Writes the shortest digits that are read as the same number, as PostgreSQL
 * lays them out: with an exponent if it is below -4 or not below "most".
 */
static char *
write_real(char *out, double real, bool single, int most)
{
	char text[40], digits[20];
	int count = 0, exponent, least = single ? 6 : 15, longest = single ? 9 : 17;

	if (isnan(real))
		return (char *) memcpy(out, "NaN", 3) + 3;
	if (signbit(real))
		*out++ = '-';
	real = fabs(real);
	if (isinf(real))
		return (char *) memcpy(out, "Infinity", 8) + 8;
	if (real == 0)
	{
		*out++ = '0';
		return out;
	}

	/*
	 * so few digits are exact, but for the smallest numbers, which have fewer
	 * bits
	 */
	if (real < (single ? 1.17549435e-38 : 2.2250738585072014e-308))
		least = 1;
	for (int precision = least; precision <= longest; precision++)
	{
		snprintf(text, sizeof(text), "%.*e", precision - 1, real);
		if ((single ? (double) strtof(text, NULL) : strtod(text, NULL)) == real)
			break;
	}

	/* take it apart: digits without zeros at the end, and the exponent */
	exponent = atoi(strchr(text, 'e') + 1);
	for (const char *c = text; *c != 'e'; c++)
		if (*c >= '0' && *c <= '9')
			digits[count++] = *c;
	while (count > 1 && digits[count - 1] == '0')
		count--;

	if (exponent < -4 || exponent >= most)
	{
		*out++ = digits[0];
		if (count > 1)
		{
			*out++ = '.';
			memcpy(out, digits + 1, (size_t) count - 1);
			out += count - 1;
		}
		*out++ = 'e';
		*out++ = exponent < 0 ? '-' : '+';
		return write_digits(out, (uint64_t) abs(exponent), 2);
	}
	while (count <= exponent)
		digits[count++] = '0';
	return write_point(out, false, digits, count, count - 1 - exponent);
}

/* ---------- texts ---------- */

static char *
write_uuid(char *out, FlowSlice bytes)
{
	for (size_t i = 0; i < bytes.len; i++)
	{
		uint8_t byte = (uint8_t) bytes.data[i];

		if (i == 4 || i == 6 || i == 8 || i == 10)
			*out++ = '-';
		*out++ = "0123456789abcdef"[byte >> 4];
		*out++ = "0123456789abcdef"[byte & 15];
	}
	return out;
}

static char *
write_boolean(char *out, int64_t number)
{
	return number != 0 ? (char *) memcpy(out, "true", 4) + 4 : (char *) memcpy(out, "false", 5) + 5;
}

/* Writes a value. */
FlowSlice
flow_parquet_write_text(const FlowParquetLeaf *leaf, const FlowParquetArray *values, size_t i,
                        char buffer[FLOW_PARQUET_TEXT_SIZE])
{
	char *end = buffer;

	switch (leaf->kind)
	{
		case FLOW_PARQUET_BOOLEAN:
			end = write_boolean(buffer, values->numbers[i]);
			break;
		case FLOW_PARQUET_INTEGER:
			end = write_signed(buffer, values->numbers[i]);
			break;
		case FLOW_PARQUET_UNSIGNED:
			end = write_unsigned(buffer, values->numbers[i]);
			break;
		case FLOW_PARQUET_FLOAT:
			end = write_real(buffer, values->reals[i], true, 6);
			break;
		case FLOW_PARQUET_DOUBLE:
			end = write_real(buffer, values->reals[i], false, 15);
			break;
		case FLOW_PARQUET_TEXT:
			return values->texts[i];
		case FLOW_PARQUET_UUID:
			end = write_uuid(buffer, values->texts[i]);
			break;
		case FLOW_PARQUET_DECIMAL:
			end = leaf->form == FLOW_PARQUET_NUMBERS
			          ? write_decimal(buffer, values->numbers[i], leaf->scale)
			          : write_decimal_bytes(buffer, values->texts[i], leaf->scale);
			break;
		case FLOW_PARQUET_DATE:
			end = write_day(buffer, values->numbers[i]);
			break;
		case FLOW_PARQUET_TIMESTAMP:
			end = write_timestamp(buffer, values->numbers[i], leaf->unit);
			break;
		case FLOW_PARQUET_INT96:
			end = write_int96(buffer, values->texts[i]);
			break;
	}
	return (FlowSlice) {buffer, (size_t) (end - buffer)};
}
