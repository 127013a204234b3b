/*-------------------------------------------------------------------------
 *
 * test_split.c
 *	  Compares the portable splitter with results written by hand, and every
 *	  splitter that runs here with the portable one.
 *
 *-------------------------------------------------------------------------
 */
#include "../../flow/bytes/ends.h"
#include "unit.h"

static const char separators[] =
	{' ', '\t', ',', '|', '\x01', '\x1F', '\n', '5', 'x', '\0', '\x7F', '\x80', '\xFF'};

static const FlowSplitter *
portable(void)
{
	const FlowSplitter *splitter = flow_splitters;

	while (strcmp(splitter->name, "portable") != 0)
		splitter++;
	return splitter;
}

static bool
bit(const uint8_t *bits, size_t number)
{
	return bits[number / 8] >> number % 8 & 1;
}

/* ---------- the portable version ---------- */

/*
 * Describes the ends of a text: for each the offset after it, then "n" for a
 * newline, "d" for digits, "o" for special.
 */
static const char *
told(const char *text, size_t len, char separator)
{
	static char buffer[4096];
	FlowEnds *ends = flow_ends_create(&unit_host);
	size_t used = 0;

	memset(ends->special, 0xA5, FLOW_SPLIT_MAX / 8);
	portable()->split(unit_at_edge(text, len), len, separator, ends);
	buffer[0] = 0;
	for (size_t i = 0; i < ends->count; i++)
		used += (size_t) snprintf(buffer + used,
		                          sizeof(buffer) - used,
		                          "%s%u%s%s%s",
		                          i ? " " : "",
		                          ends->next[i],
		                          bit(ends->newline, i) ? "n" : "",
		                          bit(ends->digits, i) ? "d" : "",
		                          bit(ends->special, i) ? "o" : "");
	if (ends->any_special)
		snprintf(buffer + used, sizeof(buffer) - used, " odd");
	CHECK_INT(ends->next[-1], 0);
	flow_free(&unit_host, ends);
	return buffer;
}

#define TOLD(text, separator) told(text, sizeof(text) - 1, separator)

static void
it_finds_fields_and_lines(void)
{
	CHECK_STRING(TOLD("", ' '), "");
	CHECK_STRING(TOLD("abc", ' '), "");
	CHECK_STRING(TOLD("abc\n", ' '), "4n");
	CHECK_STRING(TOLD("a b\nc d\n", ' '), "2 4n 6 8n");
	CHECK_STRING(TOLD("a b\nc d", ' '), "2 4n 6");
	CHECK_STRING(TOLD("a,b c,d\n", ','), "2 6 8n");
	CHECK_STRING(TOLD("a\tb\n", '\t'), "2 4n");
	CHECK_STRING(TOLD("a\nb\n", '\n'), "2n 4n");
}

static void
it_tells_digits(void)
{
	CHECK_STRING(TOLD("1 12 a1 1a 0123456789\n", ' '), "2d 5d 8 11 22nd");
	CHECK_STRING(TOLD("/ : -1 1.5 1 2", ' '), "2 4 7 11 13d");
	CHECK_STRING(TOLD("151 5\n", '5'), "2d 5 6no odd");
}

static void
it_tells_odd_fields(void)
{
	CHECK_STRING(TOLD("\n", ' '), "1no odd");
	CHECK_STRING(TOLD("  a\n", ' '), "1o 2o 4n odd");
	CHECK_STRING(TOLD("a b\r\nc\n", ' '), "2 5no 7n odd");
	CHECK_STRING(TOLD("a\tb c \x7F \x80 \xFF\x31 \x1F \n", ' '), "4o 6 8 10o 13o 15o 16no odd");
	CHECK_STRING(TOLD("a\x01 b\x01\n", '\x01'), "2 5 6no odd");
	CHECK_STRING(TOLD("a b \x01", ' '), "2 4");
}

/* ---------- every version against it ---------- */

static FlowEnds *expected, *found;

/*
 * Returns true if a splitter gives the same result for data[0..len).  Reports
 * only once.
 */
static bool
check_split(const FlowSplitter *splitter, const char *data, size_t len, char separator)
{
	const char *wrong = NULL;

	portable()->split(data, len, separator, expected);

	/* old contents of the arrays must not matter */
	memset(found->newline, 0xA5, FLOW_SPLIT_MAX / 8);
	memset(found->digits, 0xA5, FLOW_SPLIT_MAX / 8);
	memset(found->special, 0xA5, FLOW_SPLIT_MAX / 8);
	found->any_special = len % 2;
	found->count = 12345;
	splitter->split(data, len, separator, found);

	if (found->count != expected->count)
		wrong = "count";
	else if (found->any_special != expected->any_special)
		wrong = "any_special";
	else if (found->next[-1] != 0)
		wrong = "next[-1]";
	for (size_t i = 0; wrong == NULL && i < expected->count; i++)
	{
		if (found->next[i] != expected->next[i])
			wrong = "next";
		else if (bit(found->newline, i) != bit(expected->newline, i))
			wrong = "newline";
		else if (bit(found->digits, i) != bit(expected->digits, i))
			wrong = "digits";
		else if (expected->any_special && bit(found->special, i) != bit(expected->special, i))
			wrong = "odd";
	}
	if (wrong != NULL && unit_complaints++ < 20)
		printf("# %s: wrong %s for %zu bytes, separator 0x%02X\n",
		       splitter->name,
		       wrong,
		       len,
		       separator & 0xFF);
	return wrong == NULL;
}

/* The composition of a random text: the numbers are out of 256 bytes. */
typedef struct Mixture
{
	int separators, newlines, digits, special; /* the rest are letters */
} Mixture;

static const Mixture mixtures[] = {
	{26, 2, 120, 0},
	{26, 2, 120, 1},
	{5, 1, 240, 0},
	{3, 1, 250, 1},
	{60, 20, 150, 20},
	{128, 0, 128, 0},
	{255, 1, 0, 0},
	{256, 0, 0, 0},
	{0, 256, 0, 0},
	{0, 0, 256, 0},
	{1, 0, 0, 254},
	{0, 1, 0, 0},
	{64, 64, 64, 64},
};

static char
random_byte(const Mixture *mixture, char separator, uint64_t *seed)
{
	uint64_t random = unit_random(seed);
	int choice = (int) (random % 256);

	random >>= 16;
	if ((choice -= mixture->separators) < 0)
		return separator;
	if ((choice -= mixture->newlines) < 0)
		return '\n';
	if ((choice -= mixture->digits) < 0)
		return (char) ('0' + random % 10);
	if ((choice -= mixture->special) < 0)
		return (char) (random % 2 ? 0x80 + random / 2 % 128 : random / 2 % 32);
	return (char) (0x20 + random % 0x60);
}

static void
fill(char *data, size_t len, const Mixture *mixture, char separator, uint64_t *seed)
{
	for (size_t i = 0; i < len; i++)
		data[i] = random_byte(mixture, separator, seed);
}

/* Runs a check for each splitter that can run here. */
static void
each_version(void (*check)(const FlowSplitter *splitter))
{
	for (const FlowSplitter *splitter = flow_splitters; splitter->name != NULL; splitter++)
	{
		if (!splitter->available())
			printf("# %s cannot run here\n", splitter->name);
		else
			check(splitter);
	}
}

static char text[FLOW_SPLIT_MAX + 64];

static void
check_lengths(const FlowSplitter *splitter)
{
	uint64_t seed = 42;

	for (size_t len = 0; len <= 600; len++)
	{
		const Mixture *mixture = &mixtures[len % flow_countof(mixtures)];
		char separator = separators[len % flow_countof(separators)];

		fill(text, len, mixture, separator, &seed);
		check_split(splitter, unit_at_edge(text, len), len, separator);
	}
}

/*
 * Checks every length at every offset from a multiple of 64, in a block of its
 * own.
 */
static void
check_offsets(const FlowSplitter *splitter)
{
	uint64_t seed = 4711;

	for (size_t m = 0; m < flow_countof(mixtures); m++)
	{
		char separator = separators[m % 6];

		fill(text, 1024, &mixtures[m], separator, &seed);
		for (size_t offset = 0; offset < 64; offset++)
			for (size_t len = 0; len <= 300; len++)
			{
				char *copy;

				/* each length at each offset has some of the mixtures */
				if (!unit_takes(m + offset + len, 4))
					continue;
				copy = malloc(offset + len + 1); /* no byte more is readable */
				copy = realloc(copy, offset + len ? offset + len : 1);
				memcpy(copy + offset, text + (offset * 7 + len) % 512, len);
				check_split(splitter, copy + offset, len, separator);
				free(copy);
			}
	}
}

static void
check_blocks(const FlowSplitter *splitter)
{
	uint64_t seed = 99;

	for (size_t m = 0; m < flow_countof(mixtures); m++)
		for (size_t s = 0; s < flow_countof(separators); s++)
			for (size_t less = 0; less < 3; less++)
			{
				size_t len = FLOW_SPLIT_MAX - (less == 0 ? 0 : unit_random(&seed) % 600);

				if (!unit_takes(m + s + less, 5))
					continue;
				fill(text, len, &mixtures[m], separators[s], &seed);
				check_split(splitter, unit_at_edge(text, len), len, separators[s]);
			}
}

/*
 * Around multiples of 64, checks one byte of each kind at each place among
 * others of one kind.
 */
static void
check_places(const FlowSplitter *splitter)
{
	static const char kinds[] = {' ', '\n', '7', 'a', '\r', '\x80', '\0'};

	for (size_t most = 0; most < flow_countof(kinds); most++)
		for (size_t one = 0; one < flow_countof(kinds); one++)
			for (size_t place = 0; place < 520; place++)
			{
				char *edge;

				/* each place has some of the pairs of kinds */
				if (!unit_takes(most + one + place, 4))
					continue;
				memset(text, kinds[most], 520);
				text[place] = kinds[one];
				text[(place + 70) % 520] = ' ';
				edge = unit_at_edge(text, 520);
				check_split(splitter, edge, 520, ' ');
				check_split(splitter, edge + 1, 519 - place % 130, ' ');
			}
}

/*
 * Checks fields that are not empty or special, in bursts of short ones and
 * runs of longer ones: any number of ends in 64 bytes and in 256, up to the
 * maximum, after any number of ends.
 */
static void
check_densities(const FlowSplitter *splitter)
{
	uint64_t seed = 2026;

	for (int round = 0; round < unit_tries(20000); round++)
	{
		size_t len = 1024, end = 0, change = 0, longest = 1;
		char byte = 'a';

		for (size_t i = 0; i < len; i++)
		{
			if (i >= change)
			{
				change = i + 16 + unit_random(&seed) % 240;
				longest = 1 + unit_random(&seed) % (round % 2 ? 5 : 16);
			}
			if (i < end)
				text[i] = byte;
			else
			{
				text[i] = i > 0 && end > 0 ? (unit_random(&seed) % 15 ? ' ' : '\n') : byte;
				byte = unit_random(&seed) % 2 ? '7' : 'a';
				end = i + 1 + 1 + unit_random(&seed) % longest;
			}
		}
		check_split(splitter, text, len, ' ');
	}
}

/*
 * Checks that data before the beginning are not read: it is where readable
 * memory begins.
 */
static void
check_beginning(const FlowSplitter *splitter)
{
	size_t page = (size_t) sysconf(_SC_PAGESIZE);
	char *map = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t seed = 7;

	mprotect(map, page, PROT_NONE);
	mprotect(map + 2 * page, page, PROT_NONE);
	for (size_t len = 0; len <= page; len += 1 + len / 64)
	{
		fill(map + page, len, &mixtures[len % flow_countof(mixtures)], ' ', &seed);
		check_split(splitter, map + page, len, ' ');
	}
	fill(map + page, page, &mixtures[0], ' ', &seed);
	check_split(splitter, map + page, page, ' ');
	munmap(map, 3 * page);
}

static void
all_versions_agree_at_every_length(void)
{
	each_version(check_lengths);
}

static void
all_versions_agree_at_every_offset(void)
{
	each_version(check_offsets);
}

static void
all_versions_agree_on_whole_blocks(void)
{
	each_version(check_blocks);
}

static void
all_versions_agree_wherever_a_byte_is(void)
{
	each_version(check_places);
}

static void
all_versions_agree_on_any_number_of_ends(void)
{
	each_version(check_densities);
}

static void
no_version_reads_before_the_data(void)
{
	each_version(check_beginning);
}

/* ---------- the table ---------- */

static void
the_last_version_is_portable(void)
{
	const FlowSplitter *last = flow_splitters, *chosen = flow_split_choose();

	while (last[1].name != NULL)
		last++;
	CHECK_STRING(last->name, "portable");
	CHECK(last->available());
	CHECK(chosen->available());
	for (const FlowSplitter *faster = flow_splitters; faster != chosen; faster++)
		CHECK(!faster->available());
	printf("# chosen: %s\n", chosen->name);
}

static void
ends_are_one_allocation(void)
{
	UnitHost before = unit_state;

	FlowEnds *ends = flow_ends_create(&unit_host);

	CHECK_INT(unit_state.outstanding, before.outstanding + 1);
	CHECK_INT(ends->next[-1], 0);
	CHECK_INT(ends->count, 0);
	flow_free(&unit_host, ends);
	CHECK_INT(unit_state.outstanding, before.outstanding);

	unit_state.fail_after = 0;
	CHECK(flow_ends_create(&unit_host) == NULL);
	unit_state.fail_after = -1;
}

int
main(void)
{
	expected = flow_ends_create(&unit_host);
	found = flow_ends_create(&unit_host);

	RUN(it_finds_fields_and_lines);
	RUN(it_tells_digits);
	RUN(it_tells_odd_fields);
	RUN(all_versions_agree_at_every_length);
	RUN(all_versions_agree_at_every_offset);
	RUN(all_versions_agree_on_whole_blocks);
	RUN(all_versions_agree_wherever_a_byte_is);
	RUN(all_versions_agree_on_any_number_of_ends);
	RUN(no_version_reads_before_the_data);
	RUN(the_last_version_is_portable);
	RUN(ends_are_one_allocation);

	flow_free(&unit_host, expected);
	flow_free(&unit_host, found);
	return unit_done();
}
