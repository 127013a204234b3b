/*-------------------------------------------------------------------------
 *
 * test_value_time.c
 *	  Tests value_time.c, and how value.c reads times.
 *
 *-------------------------------------------------------------------------
 */
#include "unit_value.h"

#include <math.h>

#define SECOND_US INT64_C(1000000)
#define DAY_US (86400 * SECOND_US)

/* Returns a text's microseconds, or minus the status. */
static int64_t
iso8601(const char *text, bool blank_separator)
{
	int64_t microseconds = 0;
	FlowStatus status = flow_value_iso8601(unit_at_edge(text, strlen(text)),
	                                       strlen(text),
	                                       blank_separator,
	                                       &microseconds);

	return status == FLOW_OK ? microseconds : -(int64_t) status;
}

static int64_t
time_us(int year, int month, int day, int hour, int minute, int second, int microsecond)
{
	struct tm tm = {.tm_year = year - 1900,
	                .tm_mon = month - 1,
	                .tm_mday = day,
	                .tm_hour = hour,
	                .tm_min = minute,
	                .tm_sec = second};

	return (int64_t) timegm(&tm) * SECOND_US + microsecond;
}

static void
it_takes_digits_for_unix_time(void)
{
	static const struct
	{
		const char *text;
		int64_t wanted; /* microseconds, or minus a status */
	} cases[] = {
		{"0", 0},
		{"1", SECOND_US},
		{"1517315104", INT64_C(1517315104) * SECOND_US},
		{"2147483647", INT64_C(2147483647) * SECOND_US},
		{"2147483648", INT64_C(2147483648) * 1000},
		{"1517315104123", INT64_C(1517315104123) * 1000},
		{"4102444800000", INT64_C(4102444800000) * 1000},
		{"4102444800001", -FLOW_OUT_OF_RANGE},
		{"999999999999999999", -FLOW_OUT_OF_RANGE},
		{"99999999999999999999999999", -FLOW_OUT_OF_RANGE},
		{"00000000000000000000000000001517315104", INT64_C(1517315104) * SECOND_US},
		{"2018", INT64_C(2018) * SECOND_US}, /* not a year */
		{"20180130", INT64_C(20180130) * SECOND_US},
		{"", -FLOW_BAD_SYNTAX},
		{" 1", -FLOW_BAD_SYNTAX},
		{"1 ", -FLOW_BAD_SYNTAX},
		{"-1", -FLOW_BAD_SYNTAX},
		{"+1", -FLOW_BAD_SYNTAX},
		{"1.5", -FLOW_BAD_SYNTAX},
		{"now", -FLOW_BAD_SYNTAX},
		{"infinity", -FLOW_BAD_SYNTAX},
		{"99999999999999999999999x", -FLOW_BAD_SYNTAX},
	};
	FlowValue value;

	for (size_t i = 0; i < flow_countof(cases); i++)
	{
		FlowStatus status = read_as(FLOW_TIME, cases[i].text, &value);

		CHECK_INT(status == FLOW_OK ? value.integer : -(int64_t) status, cases[i].wanted);
	}
}

static void
it_reads_every_day_of_the_calendar(void)
{
	static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int64_t day = -719162; /* 0001-01-01 */
	char text[32];

	for (int year = 1; year <= 9999; year++)
	{
		bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
		bool every = year % 400 < 12 || year % 100 == 0 || (year > 1968 && year < 2040);
		int of_year = 1;

		for (int month = 1; month <= 12; month++)
		{
			int length = lengths[month - 1] + (month == 2 && leap);

			for (int of_month = 1; of_month <= 32; of_month++)
			{
				bool exists = of_month <= length;

				if (every || of_month == 1 || of_month >= length)
				{
					snprintf(text, sizeof(text), "%04d-%02d-%02d", year, month, of_month);
					CHECK_INT(iso8601(text, true), exists ? day * DAY_US : -FLOW_OUT_OF_RANGE);
					CHECK_INT(iso8601(text, false), exists ? day * DAY_US : -FLOW_OUT_OF_RANGE);
					snprintf(text, sizeof(text), "%04d-%03d", year, of_year);
					CHECK(!exists || iso8601(text, true) == day * DAY_US);
				}
				day += exists;
				of_year += exists;
			}
		}
		snprintf(text, sizeof(text), "%04d-366", year);
		CHECK_INT(iso8601(text, true), leap ? (day - 1) * DAY_US : -FLOW_OUT_OF_RANGE);
	}
	CHECK_INT(day, 2932897); /* 10000-01-01 */
}

static void
it_reads_every_week(void)
{
	char text[32];

	for (int64_t day = -30000; day < 60000; day++)
	{
		time_t seconds = day * 86400;
		struct tm tm;

		gmtime_r(&seconds, &tm);
		strftime(text, sizeof(text), "%G-W%V-%u", &tm);
		CHECK_INT(iso8601(text, true), day * DAY_US);
		if (tm.tm_wday == 1)
		{
			text[8] = '\0';
			CHECK_INT(iso8601(text, true), day * DAY_US);
		}
	}
	CHECK_INT(iso8601("2015-W53", true), time_us(2015, 12, 28, 0, 0, 0, 0));
	CHECK_INT(iso8601("2018-W53", true), -FLOW_OUT_OF_RANGE);
	CHECK_INT(iso8601("2018-W00", true), -FLOW_OUT_OF_RANGE);
	CHECK_INT(iso8601("2018-W54", true), -FLOW_OUT_OF_RANGE);
	CHECK_INT(iso8601("2018-W05-0", true), -FLOW_OUT_OF_RANGE);
	CHECK_INT(iso8601("2018-W05-8", true), -FLOW_OUT_OF_RANGE);
}

static void
it_reads_every_second_of_a_day(void)
{
	char text[64];

	for (int second = 0; second < 86400; second++)
	{
		int64_t wanted = time_us(2018, 1, 30, second / 3600, second / 60 % 60, second % 60, 0);

		snprintf(text,
		         sizeof(text),
		         "2018-01-30%c%02d:%02d:%02d%s",
		         "Tt "[second % 3],
		         second / 3600,
		         second / 60 % 60,
		         second % 60,
		         second % 2 ? "Z" : "");
		CHECK_INT(iso8601(text, true), wanted);
		snprintf(text,
		         sizeof(text),
		         "20180130T%02d%02d%02dZ",
		         second / 3600,
		         second / 60 % 60,
		         second % 60);
		CHECK_INT(iso8601(text, true), wanted);
	}
}

static void
it_honours_every_offset(void)
{
	static const char *const forms[] = {"2018-01-30T12:00:00%c%02d:%02d",
	                                    "2018-01-30T12:00%c%02d%02d",
	                                    "20180130T12%c%02d:%02d"};
	char text[64];

	for (int minutes = 0; minutes < 24 * 60; minutes++)
	{
		for (int negative = 0; negative < 2; negative++)
		{
			int64_t offset = minutes * 60 * SECOND_US;
			int64_t wanted = time_us(2018, 1, 30, 12, 0, 0, 0) + (negative ? offset : -offset);

			snprintf(text,
			         sizeof(text),
			         forms[minutes % 3],
			         "+-"[negative],
			         minutes / 60,
			         minutes % 60);
			CHECK_INT(iso8601(text, minutes % 2), wanted);
		}
	}
	CHECK_INT(iso8601("2018-01-30T12+05", true), time_us(2018, 1, 30, 7, 0, 0, 0));
}

typedef struct TimeCase
{
	const char *text;
	/*
	 * the same as yyyy-MM-dd HH:mm:ss.ffffff; NULL: bad syntax; "": out of
	 * range
	 */
	const char *plain;
} TimeCase;

static void
check_times(bool blank_separator, const TimeCase *cases, size_t count)
{
	for (size_t i = 0; i < count; i++)
	{
		int64_t got = iso8601(cases[i].text, blank_separator);
		int64_t wanted = cases[i].plain == NULL ? -FLOW_BAD_SYNTAX : -FLOW_OUT_OF_RANGE;
		int y, mo, d, h, mi, s, us;

		if (cases[i].plain != NULL && *cases[i].plain != '\0')
		{
			CHECK_INT(
				sscanf(cases[i].plain, "%d-%d-%d %d:%d:%d.%6d", &y, &mo, &d, &h, &mi, &s, &us), 7);
			wanted = time_us(y, mo, d, h, mi, s, us);
		}
		if (got != wanted)
			printf("# \"%s\" with%s blank\n", cases[i].text, blank_separator ? "" : "out");
		CHECK_INT(got, wanted);
	}
}

/* Beyond microseconds, PostgreSQL rounds and Joda truncates. */
static void
it_ends_a_fraction_as_its_model_does(void)
{
	CHECK_INT(iso8601("2018-01-30T23:59:59.9999999Z", true), time_us(2018, 1, 31, 0, 0, 0, 0));
	CHECK_INT(iso8601("2018-01-30T23:59:59.9999999Z", false),
	          time_us(2018, 1, 30, 23, 59, 59, 999999));
}

/*
 * Computes "digits" as a fraction of "unit" microseconds by schoolbook
 * multiplication: the integer part, rounded half to even or truncated.
 */
static int64_t
naive_fraction(const char *digits, int64_t unit, bool rounds)
{
	int product[400] = {0}; /* decimal, the last digit first */
	int count = (int) strlen(digits);
	int64_t whole = 0;
	bool more = false;

	for (int i = 0; i < count; i++)
	{
		int64_t carry = (digits[count - 1 - i] - '0') * unit;

		for (int place = i; carry != 0; place++, carry /= 10)
		{
			carry += product[place];
			product[place] = (int) (carry % 10);
		}
	}
	for (int place = count + 12; place >= count; place--)
		whole = whole * 10 + product[place];
	for (int place = 0; place < count - 1; place++)
		more |= product[place] != 0;
	if (rounds && (product[count - 1] > 5 || (product[count - 1] == 5 && (more || whole % 2 != 0))))
		whole++;
	return whole;
}

/*
 * Tests fractions of hours, minutes and seconds, with any number of digits,
 * that are often whole microseconds, half of one, or next to it, with dates of
 * the basic and the extended format.
 */
static void
it_reads_fractions_exactly(void)
{
	static const struct
	{
		const char *form;
		int64_t unit;
	} forms[] = {
		{"1970-01-01T00,%s", 3600 * SECOND_US},
		{"19700101T00.%s", 3600 * SECOND_US},
		{"1970-01-01T00:00.%s", 60 * SECOND_US},
		{"19700101T0000,%s", 60 * SECOND_US},
		{"1970-01-01T00:00:00.%s", SECOND_US},
		{"19700101T000000.%s", SECOND_US},
	};
	uint64_t seed = 14;
	char digits[128];
	char text[160];

	for (int n = 0; n < 60000; n++)
	{
		int64_t unit = forms[n % 6].unit;
		int count = 1 + (int) (unit_random(&seed) % (n % 4 == 0 ? 90 : 20));

		for (int i = 0; i < count; i++)
			digits[i] = (char) ('0' + unit_random(&seed) % 10);
		digits[count] = '\0';
		if (n % 4 == 1)
		{
			/*
			 * 36 and 6 times a power of ten divide numbers with fewer digits,
			 * so these are whole microseconds, or end with half of one
			 */
			int zeros = (int) (unit_random(&seed) % 20);

			snprintf(digits,
			         sizeof(digits),
			         "%07d%s%.*s%s",
			         (int) (unit_random(&seed) % 10000000),
			         n % 8 == 1 ? "5" : "",
			         zeros,
			         "00000000000000000000",
			         n % 16 == 1 ? "1" : "");
		}
		snprintf(text, sizeof(text), forms[n % 6].form, digits);
		CHECK_INT(iso8601(text, false), naive_fraction(digits, unit, false));
		if (unit != SECOND_US || strlen(digits) < 7)
			CHECK_INT(iso8601(text, true), naive_fraction(digits, unit, true));
		else /* as PostgreSQL reads it */
			CHECK_INT(iso8601(text, true), llrint(strtod(strchr(text, '.'), NULL) * SECOND_US));
	}
	CHECK_INT(iso8601("7777-354T23,0023047", false), iso8601("7777-354T23:00:08.296920", false));
	CHECK_INT(iso8601("20180130T235959.9999999Z", false), time_us(2018, 1, 30, 23, 59, 59, 999999));
	CHECK_INT(iso8601("20180130T235959.9999999Z", true), time_us(2018, 1, 31, 0, 0, 0, 0));
}

/* Formats that both readers accept, or neither. */
static void
it_reads_iso_8601(void)
{
	static const TimeCase cases[] = {
		{"2018-01-30T12:25:04.000Z", "2018-01-30 12:25:04.000000"},
		{"2018-01-30T12:25:04,5", "2018-01-30 12:25:04.500000"},
		{"2018-01-30t12:25:04.123456z", "2018-01-30 12:25:04.123456"},
		{"2018-01-30T12:25:04+01:00", "2018-01-30 11:25:04.000000"},
		{"2018-01-30T12:25", "2018-01-30 12:25:00.000000"},
		{"2018-01-30T12", "2018-01-30 12:00:00.000000"},
		{"2018-01-30T12Z", "2018-01-30 12:00:00.000000"},
		{"2018-01-30T12.5", "2018-01-30 12:30:00.000000"},
		{"2018-01-30T12:30.25", "2018-01-30 12:30:15.000000"},
		{"2018-01-30T12.0000001", "2018-01-30 12:00:00.000360"},
		{"2018-01", "2018-01-01 00:00:00.000000"},
		{"2018", "2018-01-01 00:00:00.000000"},
		{"2018-030", "2018-01-30 00:00:00.000000"},
		{"2018-030T12:25", "2018-01-30 12:25:00.000000"},
		{"2018-W05-2T12:25", "2018-01-30 12:25:00.000000"},
		{"2018-w05", "2018-01-29 00:00:00.000000"},
		{"0001-01-01T00:00:00Z", "1-01-01 00:00:00.000000"},
		{"9999-12-31T23:59:59.999999Z", "9999-12-31 23:59:59.999999"},
		{"9999-12-31T23:59:59-01:00", "10000-01-01 00:59:59.000000"},
		/* the basic format */
		{"20180130T122504Z", "2018-01-30 12:25:04.000000"},
		{"20180130t122504.5+0130", "2018-01-30 10:55:04.500000"},
		{"20180130T1225", "2018-01-30 12:25:00.000000"},
		{"20180130T12.5", "2018-01-30 12:30:00.000000"},
		{"2018030T12", "2018-01-30 12:00:00.000000"},
		{"2018W052T12", "2018-01-30 12:00:00.000000"},
		{"20180130T12:25", NULL},
		{"20180130T122", NULL},
		{"20180130T12250", NULL},
		{"2018-01-30T122504Z", NULL},
		{"20181330T12", ""},
		{"2018366T12", ""},
		{"2018W542T12", ""},
		/* not a time */
		{"", NULL},
		{"T12:25", NULL},
		{"12:25", NULL},
		{"2018-", NULL},
		{"2018-01-", NULL},
		{"2018-01-30-", NULL},
		{"2018/01/30", NULL},
		{"2018-01-30Z", NULL},
		{"2018-01-30 ", NULL},
		{" 2018-01-30", NULL},
		{"2018-01-30T12:25:04 Z", NULL},
		{"2018-01-30T12:25:04 UTC", NULL},
		{"2018-01-30T12:25:04.Z", NULL},
		{"2018-01-30T12:", NULL},
		{"2018-01-30T12:25:", NULL},
		{"2018-01-30T12:25:04ZZ", NULL},
		{"2018-01-30T12:25:04+1", NULL},
		{"2018-01-30T12:25:04+01:", NULL},
		{"2018-01-30T12:25:04+01:0", NULL},
		{"2018-01-30T12:25:04+010", NULL},
		{"2018-01-30TT12", NULL},
		{"2018-01-30T12:25:04.5.5", NULL},
		{"2018-W", NULL},
		{"2018-W05-", NULL},
		{"2018W05", NULL},
		{"2018-0300", NULL},
		{"\xD9\xA2\xD9\xA0", NULL},
		/* a time that does not exist */
		{"2018-00-01", ""},
		{"2018-13-01", ""},
		{"2018-01-00", ""},
		{"2018-02-29", ""},
		{"2018-000", ""},
		{"0000-01-01", ""},
		{"2018-01-30T24:00:00", ""},
		{"2018-01-30T23:60:00", ""},
		{"2018-01-30T23:59:60", ""},
		{"2018-01-30T12+24:00", ""},
		{"2018-01-30T12+01:60", ""},
	};

	check_times(true, cases, flow_countof(cases));
	check_times(false, cases, flow_countof(cases));
}

static void
it_is_exact_about_columns(void)
{
	static const TimeCase cases[] = {
		{"2018-01-30 12:25:04", "2018-01-30 12:25:04.000000"},
		{"2018-01-30 12:25:04.5+02", "2018-01-30 10:25:04.500000"},
		{"2018-030 12", "2018-01-30 12:00:00.000000"},
		{"2018-01-30  12:25:04", NULL},
		{"20180130 122504", NULL},
		{"2018-01-30T", NULL},
		{"2018-01-30TZ", NULL},
		{"2018-01-30 Z", NULL},
		{"2018-1-30", NULL},
		{"2018-01-3", NULL},
		{"2018-W5", NULL},
		{"18-01-30", NULL},
		{"02018-01-30", NULL},
		{"+2018-01-30", NULL},
		{"2018-01-30T1:25", NULL},
		{"2018-01-30T12:5", NULL},
		{"2018T12", NULL},
		{"2018-01T12", NULL},
		{"2018-W05T12", NULL},
		{"2018W05T12", NULL},
		{"20180130", NULL},
		{"2018-01-30T12+01:02:03", NULL},
	};

	check_times(true, cases, flow_countof(cases));
}

static void
it_follows_joda_time_elsewhere(void)
{
	static const TimeCase cases[] = {
		{"2018-01-30 12:25:04", NULL},
		{"2018-01-30T", "2018-01-30 00:00:00.000000"},
		{"2018-01-30TZ", "2018-01-30 00:00:00.000000"},
		{"2018-01-30T+01:30", "2018-01-29 22:30:00.000000"},
		{"20180130T", "2018-01-30 00:00:00.000000"},
		{"2018-1-3T4:5:6Z", "2018-01-03 04:05:06.000000"},
		{"2018-W5-2", "2018-01-30 00:00:00.000000"},
		{"18-1-30", "18-01-30 00:00:00.000000"},
		{"02018-01-30", "2018-01-30 00:00:00.000000"},
		{"+2018-01-30", "2018-01-30 00:00:00.000000"},
		{"-2018-01-30", ""},
		{"20180130", ""},
		{"12018-01-30", ""},
		{"2147483648-01-30", NULL},
		{"2018T12", "2018-01-01 12:00:00.000000"},
		{"2018-01T12", "2018-01-01 12:00:00.000000"},
		{"2018-W05T12", "2018-01-29 12:00:00.000000"},
		{"2018-01-30T12+01:02:03", "2018-01-30 10:57:57.000000"},
		{"2018-01-30T12-010203", "2018-01-30 13:02:03.000000"},
		{"2018-01-30T12+00:00:01.5", "2018-01-30 11:59:58.500000"},
		{"2018-01-30T12+00:00:01,25", "2018-01-30 11:59:58.750000"},
		{"2018-01-30T12-000001125", "2018-01-30 12:00:01.125000"},
		{"2018-01-30T12+00:00:60", ""},
		{"2018-01-30T12+00:00:01.", NULL},
		{"2018-01-30T12+00:0001", NULL},
	};

	check_times(false, cases, flow_countof(cases));
}

static void
it_rounds_fractions_to_microseconds(void)
{
	static const struct
	{
		const char *fraction;
		int64_t microseconds;
	} cases[] = {
		{"0", 0},
		{"1", 100000},
		{"123456", 123456},
		{"0000004", 0},
		{"0000005", 0}, /* half to even */
		{"0000006", 1},
		{"0000015", 2},
		{"0000025", 2},
		{"1234565", 123456},
		{"12345650000000000000001", 123456}, /* the nearest double is the half */
		{"1234565000001", 123457},
		{"9999995", 1000000},
		{"9999994", 999999},
		{"00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	     "000000000000000000001",
	     0},
		{"33333333333333333333333333333333333333333333333333333333333333333333333333333333333333333"
	     "333333333333333333333",
	     333333},
	};
	char text[200];

	for (size_t i = 0; i < flow_countof(cases); i++)
	{
		snprintf(text, sizeof(text), "1970-01-01T00:00:00.%s", cases[i].fraction);
		CHECK_INT(iso8601(text, true), cases[i].microseconds);
	}
	CHECK_INT(iso8601("1970-01-01T00.3333333333", true), 1199999999 + 1); /* of an hour */
}

static void
it_rounds_times_to_their_scale(void)
{
	static const char *const texts[] = {"2018-01-30T12:25:04.500000",
	                                    "2018-01-30T12:25:04.499999",
	                                    "2018-01-30T12:25:04.123455",
	                                    "2018-01-30T12:25:04.000005",
	                                    /* before 2000, halves go down */
	                                    "1999-12-31T23:59:59.500000",
	                                    "1999-12-31T23:59:59.500001",
	                                    "1999-12-31T23:59:59.499999",
	                                    "1969-12-31T23:59:59.123455",
	                                    "1970-01-01T00:00:00.000005",
	                                    "2000-01-01T00:00:00.500000"};

	for (size_t i = 0; i < flow_countof(texts); i++)
	{
		int64_t exact = iso8601(texts[i], true);

		for (int scale = -1; scale <= 6; scale++)
		{
			FlowColumn column = column_of(FLOW_TIME);
			FlowValue value;
			int64_t unit = power_of_ten(6 - (scale < 0 ? 6 : scale));
			int64_t since_2000 = exact - INT64_C(946684800) * SECOND_US;
			int64_t size = since_2000 < 0 ? -since_2000 : since_2000;
			int64_t wanted = size - size % unit + (size % unit * 2 >= unit && unit > 1 ? unit : 0);

			column.scale = scale;
			CHECK_INT(read_bytes(&column, texts[i], strlen(texts[i]), &value), FLOW_OK);
			CHECK_INT(value.integer,
			          (since_2000 < 0 ? -wanted : wanted) + INT64_C(946684800) * SECOND_US);
		}
	}
}

static void
it_takes_the_utc_day_of_a_time(void)
{
	CHECK(reads_integer(FLOW_DAY, "0", 0));
	CHECK(reads_integer(FLOW_DAY, "86399", 0));
	CHECK(reads_integer(FLOW_DAY, "86400", 1));
	CHECK(reads_integer(FLOW_DAY, "1517315104123", 17561));
	CHECK(reads_integer(FLOW_DAY, "2018-01-30", 17561));
	CHECK(reads_integer(FLOW_DAY, "2018-01-30T00:30+01:00", 17560));
	CHECK(reads_integer(FLOW_DAY, "2018-01-30 23:30-01:00", 17562));
	CHECK(reads_integer(FLOW_DAY, "1969-12-31T23:59:59.999999", -1));
	CHECK(reads_integer(FLOW_DAY, "1969-12-31", -1));
	CHECK(reads_integer(FLOW_DAY, "1969-12-30T23:59:59.999999", -2));
	CHECK_INT(status_of(FLOW_DAY, "2018-02-30"), FLOW_OUT_OF_RANGE);
	CHECK_INT(status_of(FLOW_DAY, "today"), FLOW_BAD_SYNTAX);
}

int
main(void)
{
	RUN(it_takes_digits_for_unix_time);
	RUN(it_reads_every_day_of_the_calendar);
	RUN(it_reads_every_week);
	RUN(it_reads_every_second_of_a_day);
	RUN(it_honours_every_offset);
	RUN(it_ends_a_fraction_as_its_model_does);
	RUN(it_reads_fractions_exactly);
	RUN(it_reads_iso_8601);
	RUN(it_is_exact_about_columns);
	RUN(it_follows_joda_time_elsewhere);
	RUN(it_rounds_fractions_to_microseconds);
	RUN(it_rounds_times_to_their_scale);
	RUN(it_takes_the_utc_day_of_a_time);
	return unit_done();
}
