/*-------------------------------------------------------------------------
 *
 * test_value.c
 *	  Tests value.c: numbers, booleans, text and NULL.
 *
 * test/value shows, inside a server, that the readers agree with PostgreSQL's
 * input functions.  Here every rule is tested once.
 *
 *-------------------------------------------------------------------------
 */
#include "unit_value.h"

#include <math.h>
#include <strings.h>

typedef struct TextStatus
{
	const char *text;
	FlowStatus status;
} TextStatus;

static void
check_statuses(FlowType type, const TextStatus *cases, size_t count)
{
	for (size_t i = 0; i < count; i++)
	{
		FlowStatus status = status_of(type, cases[i].text);

		if (status != cases[i].status)
			printf("# \"%s\" has status %d\n", cases[i].text, (int) status);
		CHECK(status == cases[i].status);
	}
}

/* ---------- integers ---------- */

static FlowStatus
status_in_range(int64_t number, int64_t least, int64_t most)
{
	return number < least || number > most ? FLOW_OUT_OF_RANGE : FLOW_OK;
}

static void
it_reads_every_smallint_in_every_spelling(void)
{
	static const char *const spellings[] =
		{"%s%d", "%s00%d", "  %s%d", "%s%d\t\n", "\v\f\r%s%d ", "%s00000000000000000000%d"};
	static const char *const signs[] = {"", "+", "-"};
	char text[64];
	FlowValue value;

	for (int number = 0; number <= 66000; number++)
	{
		for (size_t sign = 0; sign < flow_countof(signs); sign++)
		{
			int64_t wanted = sign == 2 ? -number : number;
			size_t spelling = (size_t) number % flow_countof(spellings);
			FlowStatus status;

			/* all spellings at the limits, one elsewhere */
			for (size_t tries = number > 32760 && number < 32780 ? flow_countof(spellings) : 1;
			     tries > 0;
			     tries--)
			{
				snprintf(text,
				         sizeof(text),
				         spellings[spelling++ % flow_countof(spellings)],
				         signs[sign],
				         number);
				status = read_as(FLOW_INT16, text, &value);
				CHECK_INT(status, status_in_range(wanted, INT16_MIN, INT16_MAX));
				CHECK(status != FLOW_OK || value.integer == wanted);
				CHECK(reads_integer(FLOW_INT32, text, wanted) &&
				      reads_integer(FLOW_INT64, text, wanted));
			}
		}
	}
}

/* The obvious reader of digits, with room for any of the numbers below. */
static __int128
plain_number(const char *digits)
{
	__int128 number = 0;

	while (*digits != '\0')
		number = number * 10 + (*digits++ - '0');
	return number;
}

static void
it_reads_digits_of_any_number(void)
{
	uint64_t seed = 20180130;
	FlowValue value;

	for (int i = 0; i < 200000; i++)
	{
		char text[32];
		int len = 1 + (int) (unit_random(&seed) % 22);
		__int128 wanted;

		for (int j = 0; j < len; j++)
			text[j] = (char) ('0' + unit_random(&seed) % 10);
		text[len] = '\0';
		wanted = plain_number(text);
		CHECK_INT(read_as(FLOW_INT64, text, &value),
		          wanted > INT64_MAX ? FLOW_OUT_OF_RANGE : FLOW_OK);
		CHECK(wanted > INT64_MAX || value.integer == (int64_t) wanted);
		CHECK_INT(read_as(FLOW_INT32, text, &value),
		          wanted > INT32_MAX ? FLOW_OUT_OF_RANGE : FLOW_OK);
		CHECK(wanted > INT32_MAX || value.integer == (int64_t) wanted);
	}
}

static void
it_takes_only_digits_for_digits(void)
{
	FlowColumn column = column_of(FLOW_INT64);
	FlowValue value;

	/* every byte at every place of every length that is read fast */
	for (int len = 1; len <= 19; len++)
	{
		for (int place = 0; place < len; place++)
		{
			for (int byte = 0; byte < 256; byte++)
			{
				char text[20] = "0000000000000000000";
				bool digit = byte >= '0' && byte <= '9';
				bool sign = (byte == '-' || byte == '+') && place == 0 && len > 1;
				bool space = (byte == ' ' || (byte >= '\t' && byte <= '\r')) && len > 1 &&
				             (place == 0 || place == len - 1);

				text[place] = (char) byte;
				CHECK_INT(read_bytes(&column, text, (size_t) len, &value),
				          digit || sign || space ? FLOW_OK : FLOW_BAD_SYNTAX);
			}
		}
	}
}

static void
it_knows_the_limits_of_integers(void)
{
	static const TextStatus bigint[] = {
		{"9223372036854775807", FLOW_OK},
		{"9223372036854775808", FLOW_OUT_OF_RANGE},
		{"-9223372036854775808", FLOW_OK},
		{"-9223372036854775809", FLOW_OUT_OF_RANGE},
		{"18446744073709551616", FLOW_OUT_OF_RANGE},
		{"-18446744073709551617", FLOW_OUT_OF_RANGE},
		{"000000000000000000009223372036854775807", FLOW_OK},
	};
	static const TextStatus integer[] = {
		{"2147483647", FLOW_OK},
		{"2147483648", FLOW_OUT_OF_RANGE},
		{"-2147483648", FLOW_OK},
		{"-2147483649", FLOW_OUT_OF_RANGE},
	};

	check_statuses(FLOW_INT64, bigint, flow_countof(bigint));
	check_statuses(FLOW_INT32, integer, flow_countof(integer));
	CHECK(reads_integer(FLOW_INT64, "-9223372036854775808", INT64_MIN));
	CHECK(reads_integer(FLOW_INT64, "9223372036854775807", INT64_MAX));
	CHECK(reads_integer(FLOW_INT32, "-2147483648", INT32_MIN));
	CHECK(reads_integer(FLOW_INT16, "-32768", INT16_MIN));
}

static void
it_rejects_what_is_no_integer(void)
{
	static const TextStatus cases[] = {
		{"", FLOW_BAD_SYNTAX},
		{" ", FLOW_BAD_SYNTAX},
		{"-", FLOW_BAD_SYNTAX},
		{"+", FLOW_BAD_SYNTAX},
		{"- 1", FLOW_BAD_SYNTAX},
		{"--1", FLOW_BAD_SYNTAX},
		{"1 2", FLOW_BAD_SYNTAX},
		{"1.0", FLOW_BAD_SYNTAX},
		{"1e3", FLOW_BAD_SYNTAX},
		{"0x1F", FLOW_BAD_SYNTAX}, /* PostgreSQL 16 would accept it, and the next ones */
		{"0b1", FLOW_BAD_SYNTAX},
		{"1_000", FLOW_BAD_SYNTAX},
		{"\xD9\xA3", FLOW_BAD_SYNTAX},
		{"\xC2\xA0"
	     "1",
	     FLOW_BAD_SYNTAX},
		/* a number that became too large is out of range, whatever follows */
		{"32769x", FLOW_OUT_OF_RANGE},
		{"-32769x", FLOW_OUT_OF_RANGE},
		{"32768x", FLOW_BAD_SYNTAX},
		{"327680.0", FLOW_OUT_OF_RANGE},
	};

	check_statuses(FLOW_INT16, cases, flow_countof(cases));
}

/* ---------- floats ---------- */

static void
it_reads_floats_as_the_library_does(void)
{
	static const char *const cases[] = {"0",
	                                    "-0",
	                                    "1",
	                                    "+1.5",
	                                    ".5",
	                                    "5.",
	                                    "1e3",
	                                    "1E-3",
	                                    "  1.25\t\n",
	                                    "0x1p3",
	                                    "0x.8",
	                                    "-0X1.8P-1",
	                                    "inf",
	                                    "-INF",
	                                    "+Infinity",
	                                    "iNfInItY",
	                                    "123456789012345678901234567890",
	                                    "1e308",
	                                    "5e-324",
	                                    "1.4e-45",
	                                    "7.038531e-26",
	                                    "9007199254740993"};
	FlowValue value;

	for (size_t i = 0; i < flow_countof(cases); i++)
	{
		CHECK_INT(read_as(FLOW_DOUBLE, cases[i], &value), FLOW_OK);
		CHECK(value.real == strtod(cases[i], NULL) &&
		      signbit(value.real) == signbit(strtod(cases[i], NULL)));
	}

	/* the float nearest to the text, not to the nearest double */
	CHECK_INT(read_as(FLOW_FLOAT, "7.038531e-26", &value), FLOW_OK);
	CHECK(value.real == (double) 0x1.5C87FAp-84f && value.real != (double) (float) 7.038531e-26);
	CHECK_INT(read_as(FLOW_FLOAT, "0.1", &value), FLOW_OK);
	CHECK(value.real == (double) 0.1f);

	CHECK(read_as(FLOW_DOUBLE, "nan", &value) == FLOW_OK && isnan(value.real));
	CHECK(read_as(FLOW_DOUBLE, " NaN(12) ", &value) == FLOW_OK && isnan(value.real));
	CHECK(read_as(FLOW_FLOAT, "-nan", &value) == FLOW_OK && isnan(value.real));
}

static void
it_rejects_what_is_no_float(void)
{
	static const TextStatus cases[] = {
		{"", FLOW_BAD_SYNTAX},
		{" \t", FLOW_BAD_SYNTAX},
		{".", FLOW_BAD_SYNTAX},
		{"-", FLOW_BAD_SYNTAX},
		{"e5", FLOW_BAD_SYNTAX},
		{"1.5d", FLOW_BAD_SYNTAX},
		{"1 1", FLOW_BAD_SYNTAX},
		{"1,5", FLOW_BAD_SYNTAX},
		{"1e", FLOW_BAD_SYNTAX},
		{"infinit", FLOW_BAD_SYNTAX},
		{"nan(", FLOW_BAD_SYNTAX},
		{"1e309", FLOW_OUT_OF_RANGE},
		{"-1e309", FLOW_OUT_OF_RANGE},
		{"1e-400", FLOW_OUT_OF_RANGE},
		{"1e309x", FLOW_OUT_OF_RANGE},
		{"2.2e-308", FLOW_OK},
		{"4.9e-324", FLOW_OK},
	};
	static const TextStatus single[] = {
		{"3.4e38", FLOW_OK},
		{"3.5e38", FLOW_OUT_OF_RANGE},
		{"1e-45", FLOW_OK},
		{"1e-46", FLOW_OUT_OF_RANGE},
		{"1e-50 x", FLOW_OUT_OF_RANGE},
	};
	FlowColumn column = column_of(FLOW_DOUBLE);
	FlowValue value;

	check_statuses(FLOW_DOUBLE, cases, flow_countof(cases));
	check_statuses(FLOW_FLOAT, single, flow_countof(single));
	CHECK_INT(read_bytes(&column, "1\0", 2, &value), FLOW_BAD_SYNTAX);
	CHECK_INT(read_bytes(&column, "1\0002", 3, &value), FLOW_BAD_SYNTAX);
	CHECK_INT(read_bytes(&column, "\0", 1, &value), FLOW_BAD_SYNTAX);
}

static void
it_asks_for_memory_only_for_long_floats(void)
{
	char text[300];
	FlowValue value;

	for (size_t len = 1; len < sizeof(text) - 1; len++)
	{
		memset(text, '0', len);
		text[len] = '\0';
		text[len / 2] = '1';
		text[0] = '.';

		unit_state.fail_after = 0;
		CHECK_INT(status_of(FLOW_DOUBLE, text),
		          len == 1    ? FLOW_BAD_SYNTAX
		          : len < 128 ? FLOW_OK
		                      : FLOW_NO_MEMORY);
		unit_state.fail_after = -1;
		if (len > 1)
		{
			CHECK_INT(read_as(FLOW_DOUBLE, text, &value), FLOW_OK);
			CHECK(value.real == strtod(text, NULL));
		}
	}
	CHECK_INT(unit_state.outstanding, 0);
}

/* ---------- decimals ---------- */

static FlowStatus
read_numeric(const char *text, int precision, int scale)
{
	FlowColumn column = column_of(FLOW_DECIMAL);
	FlowValue value;

	column.precision = precision;
	column.scale = scale;
	return read_bytes(&column, text, strlen(text), &value);
}

/*
 * Returns true if "digits" * 10^-behind fits precision and scale after
 * rounding.  Everything is counted in units of 10^-8, of which the number and
 * its limit are integers.
 */
static bool
plainly_fits(int64_t digits, int behind, int precision, int scale)
{
	int64_t number = digits * power_of_ten(8 - behind);
	int64_t unit = power_of_ten(8 - scale); /* of the last digit kept */
	int64_t rounded = (number + unit / 2) / unit * unit;
	int whole = precision - scale; /* digits before the point */

	return rounded == 0 || rounded < power_of_ten(8 + whole);
}

static void
it_rounds_decimals_before_it_measures_them(void)
{
	char text[32];

	for (int precision = 1; precision <= 5; precision++)
	{
		for (int scale = -4; scale <= 7; scale++)
		{
			for (int behind = 0; behind <= 5; behind++)
			{
				for (int digits = 0; digits < 100000;
				     digits += digits < 1200 || digits % 1000 > 940 ? 1 : 17)
				{
					/* as digits with a point, or with an exponent */
					if (digits % 2 == 0)
						snprintf(text,
						         sizeof(text),
						         "%d.%0*d",
						         (int) (digits / power_of_ten(behind)),
						         behind,
						         (int) (digits % power_of_ten(behind)));
					else
						snprintf(text, sizeof(text), "-00%d.0e-%d", digits, behind);
					if (digits % 2 == 0 && behind == 0)
						*strchr(text, '.') = '\0';
					CHECK_INT(read_numeric(text, precision, scale),
					          plainly_fits(digits, behind, precision, scale) ? FLOW_OK
					                                                         : FLOW_OUT_OF_RANGE);
				}
			}
		}
	}
}

static void
it_knows_the_limits_of_decimals(void)
{
	static const TextStatus cases[] = {
		{"0", FLOW_OK},
		{"1e131071", FLOW_OK},
		{"1e131072", FLOW_OUT_OF_RANGE},
		{"0.0001e131076", FLOW_OUT_OF_RANGE},
		{"0.0001e131075", FLOW_OK},
		{"1e-16383", FLOW_OK},
		{"1e-16384", FLOW_OUT_OF_RANGE},
		{"0e-16384", FLOW_OUT_OF_RANGE},
		{"0e1000000", FLOW_OK},
		{"0e1073741822", FLOW_OK},
		{"0e1073741823", FLOW_OUT_OF_RANGE},
		{"0e99999999999999999999", FLOW_OUT_OF_RANGE},
		{"1e99999999999999999999x", FLOW_OUT_OF_RANGE},
	};

	check_statuses(FLOW_DECIMAL, cases, flow_countof(cases));
	CHECK_INT(read_numeric("1e-20000", 5, 2), FLOW_OK); /* rounded to 0.00 first */
	CHECK_INT(read_numeric("1e20000", 5, 2), FLOW_OUT_OF_RANGE);
	CHECK_INT(read_numeric("999.995", 5, 2), FLOW_OUT_OF_RANGE);
	CHECK_INT(read_numeric("999.994", 5, 2), FLOW_OK);
	CHECK_INT(read_numeric("0.00999", 3, 5), FLOW_OK);
	CHECK_INT(read_numeric("0.01", 3, 5), FLOW_OUT_OF_RANGE);
	CHECK_INT(read_numeric("0.009999949", 3, 5), FLOW_OUT_OF_RANGE);
	CHECK_INT(read_numeric("99499", 2, -3), FLOW_OK);
	CHECK_INT(read_numeric("99500", 2, -3), FLOW_OUT_OF_RANGE);
}

static void
it_rejects_what_is_no_decimal(void)
{
	static const TextStatus cases[] = {
		{"", FLOW_BAD_SYNTAX},
		{" ", FLOW_BAD_SYNTAX},
		{".", FLOW_BAD_SYNTAX},
		{"+.", FLOW_BAD_SYNTAX},
		{"1..2", FLOW_BAD_SYNTAX},
		{"1.2.3", FLOW_BAD_SYNTAX},
		{"1e", FLOW_BAD_SYNTAX},
		{"1e+", FLOW_BAD_SYNTAX},
		{"1e+-5", FLOW_BAD_SYNTAX},
		{"1 2", FLOW_BAD_SYNTAX},
		{"0x10", FLOW_BAD_SYNTAX},
		{"1_000", FLOW_BAD_SYNTAX},
		{"+nan", FLOW_BAD_SYNTAX},
		{"infinit", FLOW_BAD_SYNTAX},
		{"inf inity", FLOW_BAD_SYNTAX},
		{"NaN", FLOW_OK},
		{"-iNf", FLOW_OK},
		{"+Infinity ", FLOW_OK},
		{".5", FLOW_OK},
		{"5.", FLOW_OK},
		{"-.5e-3", FLOW_OK},
		{"1e 5", FLOW_OK}, /* strtol reads the exponent in PostgreSQL 15 */
		{"\t+00012.50E+02\n", FLOW_OK},
	};
	FlowColumn column = column_of(FLOW_DECIMAL);
	FlowValue value;

	check_statuses(FLOW_DECIMAL, cases, flow_countof(cases));
	CHECK_INT(read_numeric("NaN", 3, 1), FLOW_OK);
	CHECK_INT(read_numeric("inf", 3, 1), FLOW_OUT_OF_RANGE);
	CHECK_INT(read_numeric("inf x", 3, 1), FLOW_BAD_SYNTAX);
	CHECK_INT(read_bytes(&column, "1\0", 2, &value), FLOW_BAD_SYNTAX);
}

static void
it_yields_a_decimal_without_white_space(void)
{
	static const char text[] = " \t-12.50e1\n";
	FlowColumn column = column_of(FLOW_DECIMAL);
	FlowValue value;

	CHECK_INT(flow_value_read(&column, &unit_host, (FlowSlice) {text, strlen(text)}, &value),
	          FLOW_OK);
	CHECK(value.text.data == text + 2 && value.text.len == 8);
}

/* ---------- booleans ---------- */

/*
 * Returns the value of the word that begins with the text, or -1 if there is
 * none or the text is ambiguous.
 */
static int
plain_boolean(const char *text)
{
	static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
	int found = -1;

	for (int i = 0; i < (int) flow_countof(words); i++)
	{
		if (*text != '\0' && strncasecmp(text, words[i], strlen(text)) == 0)
		{
			if (found >= 0)
				return -1;
			found = i;
		}
	}
	return found < 0 ? -1 : found % 2;
}

static void
it_reads_booleans_by_their_beginnings(void)
{
	static const char letters[] = "truefalsynoOFTY10x"; /* some letters twice, and capitals */
	char text[6];
	FlowValue value;

	/* all texts of up to four letters */
	for (int len = 0; len <= 4; len++)
	{
		int count = 1;

		for (int i = 0; i < len; i++)
			count *= (int) sizeof(letters) - 1;
		for (int n = 0; n < count; n++)
		{
			int rest = n, wanted;

			for (int i = 0; i < len; i++, rest /= (int) sizeof(letters) - 1)
				text[i] = letters[rest % ((int) sizeof(letters) - 1)];
			text[len] = '\0';
			wanted = plain_boolean(text);
			CHECK_INT(read_as(FLOW_BOOLEAN, text, &value), wanted < 0 ? FLOW_BAD_SYNTAX : FLOW_OK);
			CHECK(wanted < 0 || value.integer == wanted);
		}
	}
	CHECK(reads_integer(FLOW_BOOLEAN, " \tTRUE\n", 1));
	CHECK(reads_integer(FLOW_BOOLEAN, "fALSe", 0));
	CHECK_INT(status_of(FLOW_BOOLEAN, "falsee"), FLOW_BAD_SYNTAX);
	CHECK_INT(status_of(FLOW_BOOLEAN, "t rue"), FLOW_BAD_SYNTAX);
	CHECK_INT(status_of(FLOW_BOOLEAN, " "), FLOW_BAD_SYNTAX);
	CHECK_INT(status_of(FLOW_BOOLEAN, "o"), FLOW_BAD_SYNTAX);
	CHECK_INT(status_of(FLOW_BOOLEAN, "\x11"), FLOW_BAD_SYNTAX);
}

/* ---------- text ---------- */

static void
it_finds_nul_and_bad_bytes_wherever_they_are(void)
{
	static const FlowType types[] = {FLOW_TEXT, FLOW_PADDED, FLOW_OPAQUE};
	char text[40];
	FlowValue value;

	for (size_t len = 1; len < sizeof(text); len++)
	{
		for (size_t place = 0; place < len; place++)
		{
			for (int byte = 0; byte < 256; byte++)
			{
				FlowColumn column = column_of(types[(len + place) % flow_countof(types)]);
				FlowStatus status;

				memset(text, byte % 2 ? 0x01 : 0x7F, len);
				text[place] = (char) byte;
				status = read_bytes(&column, text, len, &value);
				CHECK_INT(status, byte == 0 || byte >= 0x80 ? FLOW_BAD_ENCODING : FLOW_OK);
				CHECK(status != FLOW_OK || value.text.len == len);
			}
		}
	}
	CHECK_INT(status_of(FLOW_TEXT, ""), FLOW_OK);
	CHECK_INT(status_of(FLOW_TEXT, "\xC3\xA4 \xE2\x82\xAC \xF0\x9F\x98\x80"), FLOW_OK);
	CHECK_INT(status_of(FLOW_TEXT, "12345678\xED\xA0\x80"), FLOW_BAD_ENCODING);
	CHECK_INT(status_of(FLOW_OPAQUE, "\xC3"), FLOW_BAD_ENCODING);
}

static void
it_cuts_only_blanks(void)
{
	static const struct
	{
		const char *text;
		int max_chars;
		FlowStatus status;
		int len; /* bytes that remain */
	} cases[] = {
		{"abc", 3, FLOW_OK, 3},
		{"abcd", 3, FLOW_TOO_LONG, 0},
		{"abc  ", 3, FLOW_OK, 3},
		{"abc  ", 4, FLOW_OK, 4},
		{"abc \t", 3, FLOW_TOO_LONG, 0},
		{"abc x", 3, FLOW_TOO_LONG, 0},
		{"ab   ", 3, FLOW_OK, 3},
		{"     ", 3, FLOW_OK, 3},
		{"a", 3, FLOW_OK, 1},
		{"", 1, FLOW_OK, 0},
		{"\xC3\xA4\xC3\xA4\xC3\xA4", 3, FLOW_OK, 6},
		{"\xC3\xA4\xC3\xA4\xC3\xA4", 2, FLOW_TOO_LONG, 0},
		{"\xC3\xA4\xE2\x82\xAC  ", 2, FLOW_OK, 5},
		{"\xF0\x9F\x98\x80  ", 2, FLOW_OK, 5},
		{"\xF0\x9F\x98\x80\xC3", 9, FLOW_BAD_ENCODING, 0},
		{"abc\xC3", 2, FLOW_BAD_ENCODING, 0},
	};
	FlowValue value;

	for (size_t i = 0; i < flow_countof(cases); i++)
	{
		for (int padded = 0; padded < 2; padded++)
		{
			FlowColumn column = column_of(padded ? FLOW_PADDED : FLOW_TEXT);

			column.max_chars = cases[i].max_chars;
			CHECK_INT(read_bytes(&column, cases[i].text, strlen(cases[i].text), &value),
			          cases[i].status);
			if (cases[i].status == FLOW_OK)
			{
				CHECK_INT(value.text.len, cases[i].len);
				CHECK(memcmp(value.text.data, cases[i].text, value.text.len) == 0);
			}
		}
	}
}

/* ---------- no value ---------- */

static void
it_takes_the_null_text_for_no_value(void)
{
	for (int type = FLOW_INT16; type <= FLOW_OPAQUE; type++)
	{
		FlowColumn column = column_of((FlowType) type);
		FlowValue value;
		FlowStatus dash = read_bytes(&column, "-", 1, &value);

		/* without a null text, "-" is a value */
		CHECK_INT(dash,
		          type == FLOW_TEXT || type == FLOW_PADDED || type == FLOW_OPAQUE
		              ? FLOW_OK
		              : FLOW_BAD_SYNTAX);
		CHECK_INT(flow_value_read(&column, &unit_host, (FlowSlice) {NULL, 0}, &value), FLOW_END);

		column.null_text = "-";
		column.null_len = 1;
		CHECK_INT(read_bytes(&column, "-", 1, &value), FLOW_END);
		CHECK(read_bytes(&column, "--", 2, &value) != FLOW_END);
		CHECK(read_bytes(&column, "", 0, &value) != FLOW_END);
		column.not_null = true;
		CHECK_INT(read_bytes(&column, "-", 1, &value), FLOW_MISSING);
		CHECK_INT(flow_value_read(&column, &unit_host, (FlowSlice) {NULL, 0}, &value),
		          FLOW_MISSING);

		column.null_text = "";
		column.null_len = 0;
		column.not_null = false;
		CHECK_INT(read_bytes(&column, "", 0, &value), FLOW_END);
		CHECK_INT(read_bytes(&column, "-", 1, &value), dash);

		/* it need not be valid text */
		column.null_text = "\xFF";
		column.null_len = 1;
		CHECK_INT(read_bytes(&column, "\xFF", 1, &value), FLOW_END);
	}
}

/* ---------- anything ---------- */

static void
it_survives_any_bytes(void)
{
	static const char bytes[] = "0123456789+-.:/eExXnaifTZW \t\0\xFF";
	uint64_t seed = 1;

	for (int i = 0; i < 300000; i++)
	{
		char text[160];
		size_t len = unit_random(&seed) % (i % 50 == 0 ? sizeof(text) : 16);
		FlowColumn column = column_of((FlowType) (i % (FLOW_OPAQUE + 1)));
		FlowValue value;
		FlowStatus status;

		for (size_t j = 0; j < len; j++)
			text[j] = bytes[unit_random(&seed) % (sizeof(bytes) - 1)];
		column.max_chars = i % 3 == 0 ? 4 : -1;
		column.precision = i % 3 == 0 ? 4 : -1;
		column.scale = i % 3 == 0 ? 2 : -1;
		status = read_bytes(&column, text, len, &value);
		CHECK(status == FLOW_OK || status == FLOW_BAD_SYNTAX || status == FLOW_OUT_OF_RANGE ||
		      status == FLOW_TOO_LONG || status == FLOW_BAD_ENCODING);
	}
	CHECK_INT(unit_state.outstanding, 0);
}

int
main(void)
{
	RUN(it_reads_every_smallint_in_every_spelling);
	RUN(it_reads_digits_of_any_number);
	RUN(it_takes_only_digits_for_digits);
	RUN(it_knows_the_limits_of_integers);
	RUN(it_rejects_what_is_no_integer);
	RUN(it_reads_floats_as_the_library_does);
	RUN(it_rejects_what_is_no_float);
	RUN(it_asks_for_memory_only_for_long_floats);
	RUN(it_rounds_decimals_before_it_measures_them);
	RUN(it_knows_the_limits_of_decimals);
	RUN(it_rejects_what_is_no_decimal);
	RUN(it_yields_a_decimal_without_white_space);
	RUN(it_reads_booleans_by_their_beginnings);
	RUN(it_finds_nul_and_bad_bytes_wherever_they_are);
	RUN(it_cuts_only_blanks);
	RUN(it_takes_the_null_text_for_no_value);
	RUN(it_survives_any_bytes);
	return unit_done();
}
