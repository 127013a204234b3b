/*-------------------------------------------------------------------------
 *
 * value.c
 *	  Reads a field as a value of its column's type; never throws.
 *
 * A type accepts the texts that PostgreSQL 15's input function of the type
 * accepts, with the same meaning, so that a value does not depend on which of
 * the two reads it.  Times are the exception: see read_time_us.  Dates in ISO
 * 8601 and addresses are read in value_time.c and value_address.c.
 *
 * PostgreSQL uses the database's locale for white space; here it is the six
 * ASCII characters, as everywhere in UTF-8.  Floats are read by the C library,
 * so LC_NUMERIC must be "C"; in a PostgreSQL backend it always is.
 *
 *-------------------------------------------------------------------------
 */
#include "flow_digits.h"
#include "internal.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_US INT64_C(1000000)
#define DAY_US (86400 * SECOND_US)

typedef FlowStatus (*ReadFunction)(const FlowColumn *column, const FlowHost *host, FlowSlice field,
                                   FlowValue *value);

static inline bool
is_digit(char byte)
{
	return (unsigned char) (byte - '0') <= 9;
}

static inline bool
is_space(char byte)
{
	return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static inline const char *
skip_spaces(const char *next, const char *end)
{
	while (next < end && is_space(*next))
		next++;
	return next;
}

static inline FlowSlice
trim(FlowSlice field)
{
	while (field.len > 0 && is_space(field.data[field.len - 1]))
		field.len--;
	while (field.len > 0 && is_space(field.data[0]))
	{
		field.data++;
		field.len--;
	}
	return field;
}

/*
 * Returns true if the first "len" bytes of the text are those of a word in
 * lower case.  Only ASCII letters are folded: strncasecmp would use the
 * locale, and in a Turkish one the small letter for "I" is another.
 */
static bool
starts_word(const char *text, const char *word, size_t len)
{
	for (size_t i = 0; i < len; i++)
	{
		char byte = text[i];

		if (byte >= 'A' && byte <= 'Z')
			byte = (char) (byte - 'A' + 'a');
		if (byte != word[i])
			return false;
	}
	return true;
}

/* ---------- integers ---------- */

/*
 * Reads white space, a sign and any number of digits.  "limit" is the
 * magnitude of the most negative value.  A number that exceeds it is out of
 * range whatever follows; a positive number that is just the limit is out of
 * range only if nothing but white space follows.
 */
static FlowStatus
read_any_integer(FlowSlice field, uint64_t limit, int64_t *integer)
{
	const char *end = field.data + field.len;
	const char *next = skip_spaces(field.data, end);
	bool negative = false;
	uint64_t magnitude = 0;

	if (next < end && (*next == '-' || *next == '+'))
		negative = *next++ == '-';
	if (next == end || !is_digit(*next))
		return FLOW_BAD_SYNTAX;

	for (; next < end && is_digit(*next); next++)
	{
		if (magnitude > limit / 10)
			return FLOW_OUT_OF_RANGE;
		magnitude = magnitude * 10 + (uint64_t) (*next - '0');
		if (magnitude > limit)
			return FLOW_OUT_OF_RANGE;
	}
	if (skip_spaces(next, end) != end)
		return FLOW_BAD_SYNTAX;
	if (!negative && magnitude == limit)
		return FLOW_OUT_OF_RANGE;

	/*
	 * negate as unsigned, because the most negative value has no positive
	 * counterpart
	 */
	*integer = (int64_t) (negative ? -magnitude : magnitude);
	return FLOW_OK;
}

/* Reads an integer. */
static inline FlowStatus
read_integer(FlowSlice field, uint64_t limit, int64_t *integer)
{
	uint64_t magnitude = 0;

	/* nearly all integers of a log are digits and nothing else */
	if (flow_unlikely(!flow_read_digits(field.data, field.len, false, &magnitude)))
		return read_any_integer(field, limit, integer);
	if (flow_unlikely(magnitude >= limit))
		return FLOW_OUT_OF_RANGE;
	*integer = (int64_t) magnitude;
	return FLOW_OK;
}

static FlowStatus
read_int16(const FlowColumn *column, const FlowHost *host, FlowSlice field, FlowValue *value)
{
	(void) column;
	(void) host;
	return read_integer(field, UINT64_C(1) << 15, &value->integer);
}

static FlowStatus
read_int32(const FlowColumn *column, const FlowHost *host, FlowSlice field, FlowValue *value)
{
	(void) column;
	(void) host;
	return read_integer(field, UINT64_C(1) << 31, &value->integer);
}

static FlowStatus
read_int64(const FlowColumn *column, const FlowHost *host, FlowSlice field, FlowValue *value)
{
	(void) column;
	(void) host;
	return read_integer(field, UINT64_C(1) << 63, &value->integer);
}

/* ---------- floats ---------- */

/*
 * Reads what strtod accepts, including hexadecimal and "nan(...)", followed by
 * white space.  A result that is too small or too large is out of range,
 * whatever follows it; a denormal is not.
 */
static FlowStatus
parse_real(const char *number, size_t len, bool single, double *real)
{
	char *stop;
	double parsed;

	errno = 0;
	parsed = single ? (double) strtof(number, &stop) : strtod(number, &stop);
	if (stop == number)
		return FLOW_BAD_SYNTAX;
	if (errno == ERANGE && (parsed == 0 || isinf(parsed)))
		return FLOW_OUT_OF_RANGE;
	if (skip_spaces(stop, number + len) != number + len)
		return FLOW_BAD_SYNTAX;
	*real = parsed;
	return FLOW_OK;
}

/* Reads a float with white space around it. */
static FlowStatus
read_real(const FlowHost *host, FlowSlice field, bool single, double *real)
{
	char stack[128];
	char *number = stack;
	FlowStatus status;

	field = trim(field);
	if (field.len >= sizeof(stack) && (number = flow_allocate(host, field.len + 1)) == NULL)
		return FLOW_NO_MEMORY;
	if (field.len > 0)
		memcpy(number, field.data, field.len);
	number[field.len] = '\0';
	status = parse_real(number, field.len, single, real);
	if (number != stack)
		flow_free(host, number);
	return status;
}

static FlowStatus
read_float(const FlowColumn *column, const FlowHost *host, FlowSlice field, FlowValue *value)
{
	(void) column;
	return read_real(host, field, true, &value->real);
}

static FlowStatus
read_double(const FlowColumn *column, const FlowHost *host, FlowSlice field, FlowValue *value)
{
	(void) column;
	return read_real(host, field, false, &value->real);
}

/* ---------- decimals ---------- */

#define DECIMAL_MAX_EXPONENT (INT_MAX / 2) /* limit of a written exponent */
#define DECIMAL_MAX_WEIGHT 131072          /* digits before the point that numeric can store */
#define DECIMAL_MAX_SCALE 16383            /* digits after the point that numeric can store */

/* The digits of a decimal in its text, perhaps with a point among them. */
typedef struct Digits
{
	const char *first; /* the first digit that is not 0; NULL: the number is zero */
	const char *end;
	int64_t weight; /* of that digit: 10 to this power */
	int64_t scale;  /* digits after the point, with the exponent applied */
} Digits;

/*
 * Reads the number after an "e".  PostgreSQL 15 reads it by strtol, so white
 * space may precede its sign; PostgreSQL 16 no longer allows that.
 */
static FlowStatus
read_exponent(const char **next, const char *end, int64_t *exponent)
{
	const char *p = skip_spaces(*next, end);
	bool negative = false;
	int64_t magnitude = 0;

	if (p < end && (*p == '-' || *p == '+'))
		negative = *p++ == '-';
	if (p == end || !is_digit(*p))
		return FLOW_BAD_SYNTAX;
	for (; p < end && is_digit(*p); p++)
	{
		if (magnitude < DECIMAL_MAX_EXPONENT)
			magnitude = magnitude * 10 + (*p - '0');
	}
	if (magnitude >= DECIMAL_MAX_EXPONENT)
		return FLOW_OUT_OF_RANGE;
	*exponent = negative ? -magnitude : magnitude;
	*next = p;
	return FLOW_OK;
}

/*
 * Reads digits, optionally with a point among or around them, and an exponent;
 * nothing else is allowed.
 */
static FlowStatus
read_digits(const char *next, const char *end, Digits *digits)
{
	int64_t before = 0, behind = 0; /* digits on either side of the point */
	int64_t leading = 0;            /* zeros among them before the first other digit */
	int64_t exponent = 0;
	bool point = false;

	/* digits and point */
	digits->first = NULL;
	for (; next < end; next++)
	{
		if (*next == '.' && !point)
		{
			point = true;
			continue;
		}
		if (!is_digit(*next))
			break;
		if (point)
			behind++;
		else
			before++;
		if (digits->first == NULL && *next == '0')
			leading++;
		else if (digits->first == NULL)
			digits->first = next;
	}
	if (before + behind == 0)
		return FLOW_BAD_SYNTAX;
	digits->end = next;

	/* exponent */
	if (next < end && (*next == 'e' || *next == 'E'))
	{
		FlowStatus status;

		next++;
		status = read_exponent(&next, end, &exponent);
		if (status != FLOW_OK)
			return status;
	}
	if (next != end)
		return FLOW_BAD_SYNTAX;

	digits->weight = before - 1 - leading + exponent;
	digits->scale = behind > exponent ? behind - exponent : 0;
	return FLOW_OK;
}

/*
 * Returns true if the number rounds up to the next power of ten when all but
 * its first "kept" digits are dropped.
 */
static bool
rounds_to_power(const Digits *digits, int64_t kept)
{
	for (const char *p = digits->first; p < digits->end; p++)
	{
		if (*p == '.')
			continue;
		if (kept-- == 0)
			return *p >= '5';
		if (*p != '9')
			return false;
	}
	return false;
}

/*
 * Returns true if the number, rounded half away from zero to its column's
 * scale, fits its precision.
 */
static bool
fits_precision(const Digits *digits, int precision, int scale)
{
	int64_t kept = digits->weight + scale + 1; /* digits that rounding leaves */
	/* digits before the point, negative for zeros after it */
	int64_t whole = digits->weight + 1;

	/* at most a 1 in the last place is left */
	if (digits->first == NULL || kept <= 0)
		return true;
	if (whole == precision - scale)
		return !rounds_to_power(digits, kept);
	return whole < precision - scale;
}

/* Reads NaN and the infinities, in upper or lower case; NaN has no sign. */
static FlowStatus
read_special_decimal(FlowSlice text, bool constrained)
{
	bool has_sign = text.len > 0 && (text.data[0] == '-' || text.data[0] == '+');
	const char *word = text.data + has_sign;
	size_t len = text.len - has_sign;

	if (len == 3 && !has_sign && starts_word(word, "nan", len))
		return FLOW_OK;
	if ((len == 3 || len == 8) && starts_word(word, "infinity", len))
		return constrained ? FLOW_OUT_OF_RANGE : FLOW_OK;
	return FLOW_BAD_SYNTAX;
}

/*
 * Checks a decimal.  The value is the text itself, without white space around
 * it, because only the host has numerics.
 */
static FlowStatus
read_decimal(const FlowColumn *column, const FlowHost *host, FlowSlice field, FlowValue *value)
{
	FlowSlice text = trim(field);
	const char *next = text.data;
	const char *end = text.data + text.len;
	bool constrained = column->precision >= 0;
	Digits digits;
	FlowStatus status;

	(void) host;
	value->text = text;
	if (next < end && (*next == '-' || *next == '+'))
		next++;
	if (next == end || (!is_digit(*next) && *next != '.'))
		return read_special_decimal(text, constrained);

	status = read_digits(next, end, &digits);
	if (status != FLOW_OK)
		return status;
	if (constrained)
		return fits_precision(&digits, column->precision, column->scale) ? FLOW_OK
		                                                                 : FLOW_OUT_OF_RANGE;
	if (digits.scale > DECIMAL_MAX_SCALE ||
	    (digits.first != NULL && digits.weight >= DECIMAL_MAX_WEIGHT))
		return FLOW_OUT_OF_RANGE;
	return FLOW_OK;
}

/* ---------- booleans ---------- */

typedef struct BooleanWord
{
	const char *word;
	size_t len;
	size_t least; /* minimum bytes of it that are not ambiguous */
	bool truth;
} BooleanWord;

static const BooleanWord boolean_words[] = {
	{"true", 4, 1, true},
	{"false", 5, 1, false},
	{"yes", 3, 1, true},
	{"no", 2, 1, false},
	{"on", 2, 2, true},
	{"off", 3, 2, false},
	{"1", 1, 1, true},
	{"0", 1, 1, false},
};

/* Reads a boolean word or an unambiguous beginning of one. */
static FlowStatus
read_boolean(const FlowColumn *column, const FlowHost *host, FlowSlice field, FlowValue *value)
{
	FlowSlice text = trim(field);

	(void) column;
	(void) host;
	for (size_t i = 0; i < flow_countof(boolean_words); i++)
	{
		const BooleanWord *word = &boolean_words[i];

		if (text.len >= word->least && text.len <= word->len &&
		    starts_word(text.data, word->word, text.len))
		{
			value->integer = word->truth;
			return FLOW_OK;
		}
	}
	return FLOW_BAD_SYNTAX;
}

/* ---------- text ---------- */

/*
 * Finds whether a text has NULs, and whether it has bytes that are not ASCII.
 */
static void
scan_text(FlowSlice text, bool *has_nul, bool *has_high)
{
	uint64_t high = 0, nul = 0;
	size_t i = 0;

	/* eight bytes at a time: a NUL byte borrows when 1 is subtracted */
	for (; i + 8 <= text.len; i += 8)
	{
		uint64_t bytes;

		memcpy(&bytes, text.data + i, 8);
		high |= bytes;
		nul |= (bytes - UINT64_C(0x0101010101010101)) & ~bytes;
	}
	for (; i < text.len; i++)
	{
		unsigned char byte = (unsigned char) text.data[i];

		high |= byte;
		if (byte == 0)
			nul = 0x80;
	}
	*has_high = (high & UINT64_C(0x8080808080808080)) != 0;
	*has_nul = (nul & UINT64_C(0x8080808080808080)) != 0;
}

/* Checks that a text is valid; sets *ascii if it is ASCII only. */
static FlowStatus
check_text(const FlowHost *host, FlowSlice text, bool *ascii)
{
	bool has_nul, has_high;

	scan_text(text, &has_nul, &has_high);
	*ascii = !has_high;
	if (has_nul || (has_high && !host->text_valid(host->arg, text.data, text.len)))
		return FLOW_BAD_ENCODING;
	return FLOW_OK;
}

/* Reads a text of limited length. */
static FlowStatus
read_text(const FlowColumn *column, const FlowHost *host, FlowSlice field, FlowValue *value)
{
	size_t length, excess;
	bool ascii;
	FlowStatus status = check_text(host, field, &ascii);

	value->text = field;
	if (status != FLOW_OK)
		return status;
	if (column->max_chars < 0 || field.len <= (size_t) column->max_chars)
		return FLOW_OK;

	length = ascii ? field.len : host->text_length(host->arg, field.data, field.len);
	if (length <= (size_t) column->max_chars)
		return FLOW_OK;

	/*
	 * only blanks may exceed the limit, and they are cut; n blanks at the end
	 * are n characters, because no server encoding has a blank as part of
	 * another character
	 */
	excess = length - (size_t) column->max_chars;
	for (size_t i = field.len - excess; i < field.len; i++)
	{
		if (field.data[i] != ' ')
			return FLOW_TOO_LONG;
	}
	value->text.len -= excess;
	return FLOW_OK;
}

static FlowStatus
read_opaque(const FlowColumn *column, const FlowHost *host, FlowSlice field, FlowValue *value)
{
	bool ascii;

	(void) column;
	value->text = field;
	return check_text(host, field, &ascii);
}

/* ---------- addresses ---------- */

static FlowStatus
read_address(const FlowColumn *column, const FlowHost *host, FlowSlice field, FlowValue *value)
{
	(void) column;
	(void) host;
	return flow_value_address(field.data, field.len, false, &value->address);
}

static FlowStatus
read_network(const FlowColumn *column, const FlowHost *host, FlowSlice field, FlowValue *value)
{
	(void) column;
	(void) host;
	return flow_value_address(field.data, field.len, true, &value->address);
}

/* ---------- times ---------- */

#define POSTGRES_EPOCH_US (INT64_C(946684800) * SECOND_US) /* 2000-01-01 */

/*
 * Reads a time.  Digits alone are Unix seconds or milliseconds; all else must
 * be ISO 8601.  Other inputs that PostgreSQL accepts, such as "now",
 * "infinity" or those that depend on DateStyle, do not belong in a log.
 */
static FlowStatus
read_time_us(FlowSlice field, int64_t *microseconds)
{
	uint64_t number;

	if (!flow_read_digits(field.data, field.len, false, &number))
	{
		number = 0;
		for (size_t i = 0; i < field.len; i++)
		{
			if (!is_digit(field.data[i]))
				return flow_value_iso8601(field.data, field.len, true, microseconds);
			if (number <= FLOW_MAX_UNIX_MILLISECONDS)
				number = number * 10 + (uint64_t) (field.data[i] - '0');
		}
		if (field.len == 0)
			return FLOW_BAD_SYNTAX;
	}
	if (number > FLOW_MAX_UNIX_MILLISECONDS)
		return FLOW_OUT_OF_RANGE;
	*microseconds =
		(int64_t) number * (number > FLOW_MAX_UNIX_SECONDS ? SECOND_US / 1000 : SECOND_US);
	return FLOW_OK;
}

/*
 * Rounds to "scale" digits of a second as PostgreSQL's
 * AdjustTimestampForTypmod does: half away from its epoch.
 */
static int64_t
round_time(int64_t microseconds, int scale)
{
	static const int64_t units[] = {1000000, 100000, 10000, 1000, 100, 10};
	int64_t distance = microseconds - POSTGRES_EPOCH_US;
	int64_t unit;

	if (scale < 0 || scale >= (int) flow_countof(units))
		return microseconds;
	unit = units[scale];
	distance += distance >= 0 ? unit / 2 : -(unit / 2);
	return POSTGRES_EPOCH_US + distance / unit * unit;
}

static FlowStatus
read_time(const FlowColumn *column, const FlowHost *host, FlowSlice field, FlowValue *value)
{
	int64_t microseconds;
	FlowStatus status = read_time_us(field, &microseconds);

	(void) host;
	if (status == FLOW_OK)
		value->integer = round_time(microseconds, column->scale);
	return status;
}

static FlowStatus
read_day(const FlowColumn *column, const FlowHost *host, FlowSlice field, FlowValue *value)
{
	int64_t microseconds;
	FlowStatus status = read_time_us(field, &microseconds);

	(void) column;
	(void) host;
	if (status == FLOW_OK)
		value->integer = microseconds / DAY_US - (microseconds % DAY_US < 0);
	return status;
}

/* ---------- all types ---------- */

static const ReadFunction readers[] = {
	[FLOW_INT16] = read_int16,
	[FLOW_INT32] = read_int32,
	[FLOW_INT64] = read_int64,
	[FLOW_FLOAT] = read_float,
	[FLOW_DOUBLE] = read_double,
	[FLOW_DECIMAL] = read_decimal,
	[FLOW_BOOLEAN] = read_boolean,
	[FLOW_TEXT] = read_text,
	[FLOW_PADDED] = read_text,
	[FLOW_ADDRESS] = read_address,
	[FLOW_NETWORK] = read_network,
	[FLOW_TIME] = read_time,
	[FLOW_DAY] = read_day,
	[FLOW_OPAQUE] = read_opaque,
};

/* Reads a field as a value of its column. */
FlowStatus
flow_value_read(const FlowColumn *column, const FlowHost *host, FlowSlice field, FlowValue *value)
{
	if (field.data == NULL || (column->null_text != NULL && field.len == column->null_len &&
	                           memcmp(field.data, column->null_text, field.len) == 0))
		return column->not_null ? FLOW_MISSING : FLOW_END;
	return readers[column->type](column, host, field, value);
}

/* ---------- digits ---------- */

/* by type: the number of digits that are certainly a value */
static const uint32_t good_digits[FLOW_OPAQUE + 1] = {
	[FLOW_INT16] = 4,
	[FLOW_INT32] = 9,
	[FLOW_INT64] = 18,
	[FLOW_TIME] = 12, /* seconds or milliseconds */
	[FLOW_DAY] = 12,
};

uint32_t
flow_value_good_digits(const FlowColumn *column)
{
	bool digits_are_null = column->null_text != NULL && column->null_len > 0 &&
	                       column->null_text[0] >= '0' && column->null_text[0] <= '9';

	return digits_are_null ? 0 : good_digits[column->type];
}
