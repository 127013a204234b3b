/*-------------------------------------------------------------------------
 *
 * test_vector_digits.c
 *	  Tests vector_digits.c: each version against reading a digit at a time.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#include "../../flow/vector.h"

#define FIELDS FLOW_RUN
#define BEFORE 16
#define AFTER 64

/*
 * Bytes in place of a digit: neighbours of the digits, and bytes that differ
 * from one in a single bit.
 */
static const char strangers[] = {0,
                                 ' ',
                                 '.',
                                 '/',
                                 ':',
                                 '-',
                                 '+',
                                 'p',
                                 0x10,
                                 0x7F,
                                 (char) 0x80,
                                 (char) 0xB0,
                                 (char) 0xB9,
                                 (char) 0xFF};

/* Fields of a line, one after the other. */
static char *data;
static uint32_t ends[1 + FIELDS];
static uint32_t rows[FIELDS];
static size_t used;

static void
begin_fields(void)
{
	used = 0;
	ends[0] = 0;
}

/* Adds a field, and a separator. */
static void
add_field(size_t i, const char *field, size_t len)
{
	memcpy(data + used, field, len);
	used += len;
	data[used++] = ' ';
	ends[i + 1] = (uint32_t) used;
	rows[i] = (uint32_t) i;
}

/* Reads field i a digit at a time; false if it is not 1 to 16 digits. */
static bool
plainly_read(size_t i, uint64_t *number)
{
	size_t len = ends[i + 1] - 1 - ends[i];

	*number = 0;
	for (size_t k = 0; k < len; k++)
	{
		char c = data[ends[i] + k];

		if (c < '0' || c > '9')
			return false;
		*number = *number * 10 + (uint64_t) (c - '0');
	}
	return len >= 1 && len <= 16;
}

/* Compares all versions, for all records from "first" on. */
static void
check_versions(size_t first, size_t count, uint64_t limit, uint64_t factor)
{
	FlowDigitFields fields = {data, ends + 1, rows, limit, factor};
	FlowReadDigits read;

	for (int version = 0; (read = flow_vector_digits(version)) != NULL; version++)
	{
		int64_t numbers[FLOW_RUN];
		uint8_t present[FLOW_RUN] = {0};
		size_t end = read(&fields, first, count, numbers, present);
		uint64_t number;

		CHECK(end >= first && end <= count);
		for (size_t i = first; i < end; i++)
			CHECK(plainly_read(i, &number) && number < limit && present[i] == 1 &&
			      numbers[i] == (int64_t) (number * factor));
		CHECK(end == count || !plainly_read(end, &number) || number >= limit);
	}
}

static void
every_version_reads_digits(void)
{
	uint64_t seed = 11;

	for (int t = 0; t < unit_tries(20000); t++)
	{
		size_t count = 1 + unit_random(&seed) % FIELDS;
		uint64_t limit = UINT64_C(1) << (unit_random(&seed) % 3 == 0 ? 15 : 63);
		uint64_t strange = unit_random(&seed) % 50;

		begin_fields();
		for (size_t i = 0; i < count; i++)
		{
			char field[20];
			size_t len = unit_random(&seed) % (strange == 1 ? 20 : 16) + (strange != 1);

			if (limit == UINT64_C(1) << 15 && unit_random(&seed) % 50 != 0)
				len = 1 + len % 4;
			for (size_t k = 0; k < len; k++)
				field[k] = (char) ('0' + unit_random(&seed) % 10);
			if (len > 0 && strange < 10 && unit_random(&seed) % 100 == 0)
				field[unit_random(&seed) % len] = strangers[unit_random(&seed) % sizeof(strangers)];
			add_field(i, field, len);
		}
		check_versions(unit_random(&seed) % count, count, limit, t % 2 ? 1 : 1000000);
	}
}

/* whatever is beside a field does not matter */
static void
every_stranger_is_found_at_every_place(void)
{
	for (size_t len = 1; len <= 17; len++)
		for (size_t place = 0; place < len; place++)
			for (size_t s = 0; s < sizeof(strangers); s++)
			{
				char field[17];

				memset(field, '9', len);
				begin_fields();
				add_field(0, field, len);
				field[place] = strangers[s];
				add_field(1, field, len);
				field[place] = '0';
				add_field(2, field, len);
				check_versions(0, 3, UINT64_C(1) << 63, 1);
				check_versions(1, 3, UINT64_C(1) << 63, 1);
				check_versions(2, 3, UINT64_C(1) << 63, 1);
			}
}

static void
there_is_a_portable_version(void)
{
	CHECK(flow_vector_digits(0) != NULL);
	CHECK(flow_vector_digits(8) == NULL);
}

int
main(void)
{
	/* what is readable before and after a batch's fields, and no more */
	char *memory = malloc(BEFORE + FIELDS * 21 + AFTER);

	memset(memory, '7', BEFORE + FIELDS * 21 + AFTER);
	data = memory + BEFORE;
	RUN(there_is_a_portable_version);
	RUN(every_version_reads_digits);
	RUN(every_stranger_is_found_at_every_place);
	free(memory);
	return unit_done();
}
