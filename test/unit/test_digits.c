/*-------------------------------------------------------------------------
 *
 * test_digits.c
 *	  Tests digits.h: compares every shortcut with the obvious way.
 *
 * Texts have memory of exactly their size, so that the sanitizer detects reads
 * of one byte too many on either side.
 *
 *-------------------------------------------------------------------------
 */
#include "unit_value.h"

#include "../../flow/flow_digits.h"

/*
 * Bytes in place of a digit: neighbours of the digits, and bytes that differ
 * from one in a single bit.
 */
static const unsigned char strangers[] = {0,
                                          ' ',
                                          '.',
                                          '/',
                                          ':',
                                          '-',
                                          '+',
                                          'p',
                                          0x10,
                                          0x39 ^ 0x02,
                                          0x70,
                                          0x7F,
                                          0x80,
                                          0x8A,
                                          0xB0,
                                          0xB9,
                                          0xD0,
                                          0xFF};

static bool
plainly_digits(const char *data, size_t len, uint64_t *number)
{
	*number = 0;
	for (size_t i = 0; i < len; i++)
	{
		if (data[i] < '0' || data[i] > '9')
			return false;
		*number = *number * 10 + (uint64_t) (data[i] - '0');
	}
	return len >= 1 && len <= FLOW_MAX_DIGITS;
}

/*
 * Compares both ways of reading digits with the obvious one.  After the digits
 * there is what a log has there.
 */
static bool
reads_digits_alike(const char *text, size_t len)
{
	static const char *const behind[] = {"        ",
	                                     "\n1234567",
	                                     "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
	                                     "00000000"};
	char *alone = malloc(len ? len : 1);
	char *longer = malloc(len + 8);
	uint64_t number = 0, wanted;
	bool are_digits = plainly_digits(text, len, &wanted);
	bool alike;

	memcpy(alone, text, len);
	alike = flow_read_digits(alone, len, false, &number) == are_digits &&
	        (!are_digits || number == wanted);
	for (size_t i = 0; i < flow_countof(behind); i++)
	{
		memcpy(longer, text, len);
		memcpy(longer + len, behind[i], 8);
		alike = alike && flow_read_digits(longer, len, true, &number) == are_digits &&
		        (!are_digits || number == wanted);
	}
	free(alone);
	free(longer);
	return alike;
}

static void
it_reads_digits_of_every_length(void)
{
	char text[32];
	uint64_t seed = 1;

	for (size_t len = 0; len <= 20; len++)
	{
		CHECK(reads_digits_alike("00000000000000000000", len));
		CHECK(reads_digits_alike("99999999999999999999", len));
		for (int tries = 0; tries < 2000; tries++)
		{
			for (size_t i = 0; i < len; i++)
				text[i] = (char) ('0' + unit_random(&seed) % 10);
			CHECK(reads_digits_alike(text, len));
		}
	}
}

static void
it_sees_whatever_is_no_digit(void)
{
	char text[32];
	uint64_t seed = 2;

	for (size_t len = 1; len <= FLOW_MAX_DIGITS; len++)
	{
		for (size_t place = 0; place < len; place++)
		{
			for (int byte = 0; byte < 256; byte++)
			{
				for (size_t i = 0; i < len; i++)
					text[i] = (char) ('0' + unit_random(&seed) % 10);
				text[place] = (char) byte;
				CHECK(reads_digits_alike(text, len));
			}
		}
	}
}

static bool
plainly_quad(const char *data, size_t len, uint8_t *bytes)
{
	const char *next = data, *end = data + len;

	for (int i = 0; i < 4; i++)
	{
		unsigned value = 0;
		int digits = 0;

		for (; next < end && *next >= '0' && *next <= '9'; next++, digits++)
			value = value * 10 + (unsigned) (*next - '0');
		if (digits < 1 || digits > 4 || value > 255)
			return false;
		bytes[i] = (uint8_t) value;
		if (i < 3 && (next == end || *next++ != '.'))
			return false;
	}
	return next == end && len <= 15;
}

static bool
reads_quad_alike(const char *text, size_t len)
{
	static const char *const behind[] =
		{"                ",
	     "\n123456789012345",
	     ".1.2.3.4.5.6.7.8",
	     "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"};
	char *alone = malloc(len ? len : 1);
	char *longer = malloc(len + 16);
	uint8_t bytes[4], wanted[4];
	bool is_quad = plainly_quad(text, len, wanted);
	bool alike;

	memcpy(alone, text, len);
	alike = flow_read_dotted_quad(alone, len, false, bytes) == is_quad &&
	        (!is_quad || memcmp(bytes, wanted, 4) == 0);
	for (size_t i = 0; i < flow_countof(behind); i++)
	{
		memcpy(longer, text, len);
		memcpy(longer + len, behind[i], 16);
		alike = alike && flow_read_dotted_quad(longer, len, true, bytes) == is_quad &&
		        (!is_quad || memcmp(bytes, wanted, 4) == 0);
	}
	free(alone);
	free(longer);
	return alike;
}

static void
it_reads_every_shape_of_dotted_quad(void)
{
	static const char *const numbers[] = {"",
	                                      "0",
	                                      "7",
	                                      "00",
	                                      "10",
	                                      "99",
	                                      "000",
	                                      "100",
	                                      "199",
	                                      "255",
	                                      "256",
	                                      "260",
	                                      "300",
	                                      "999",
	                                      "0255",
	                                      "0256",
	                                      "1000",
	                                      "00001"};
	size_t count = flow_countof(numbers);
	char text[32];

	for (size_t i = 0; i < count * count * count * count; i++)
	{
		int len = snprintf(text,
		                   sizeof(text),
		                   "%s.%s.%s.%s",
		                   numbers[i % count],
		                   numbers[i / count % count],
		                   numbers[i / count / count % count],
		                   numbers[i / count / count / count]);

		CHECK(reads_quad_alike(text, (size_t) len));
	}
}

/* one byte of a dotted quad is replaced, removed or inserted */
static void
it_sees_whatever_is_no_dotted_quad(void)
{
	uint64_t seed = 3;

	for (int tries = 0; tries < unit_tries(400000); tries++)
	{
		char text[40];
		size_t len = (size_t) snprintf(text,
		                               sizeof(text),
		                               "%d.%d.%d.%d",
		                               (int) (unit_random(&seed) % 256 >> unit_random(&seed) % 8),
		                               (int) (unit_random(&seed) % 256 >> unit_random(&seed) % 8),
		                               (int) (unit_random(&seed) % 300),
		                               (int) (unit_random(&seed) % 256));
		size_t place = (size_t) (unit_random(&seed) % len);
		char stranger = (char) (tries % 2 ? strangers[unit_random(&seed) % sizeof(strangers)]
		                                  : (unsigned char) ('.' + unit_random(&seed) % 12));

		CHECK(reads_quad_alike(text, len));
		switch (unit_random(&seed) % 4)
		{
			case 0:
				text[place] = stranger;
				break;
			case 1:
				memmove(text + place, text + place + 1, len - place - 1);
				len--;
				break;
			case 2:
				memmove(text + place + 1, text + place, len - place);
				text[place] = stranger;
				len++;
				break;
			default:
				len = place;
				break;
		}
		CHECK(reads_quad_alike(text, len));
	}
}

int
main(void)
{
	RUN(it_reads_digits_of_every_length);
	RUN(it_sees_whatever_is_no_digit);
	RUN(it_reads_every_shape_of_dotted_quad);
	RUN(it_sees_whatever_is_no_dotted_quad);
	return unit_done();
}
