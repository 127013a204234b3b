/*-------------------------------------------------------------------------
 *
 * test_group_packed.c
 *	  Tests words (flow/group_word.h), and what is done with packed groups at
 *	  once (flow/group_merge.c) against doing it one by one.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#include "../../flow/group_word.h"

/* ---------- words ---------- */

static const uint64_t seed_of_keys[FLOW_KEY_SEEDS] = {7, 8, 9};

/* Makes a field of bytes that are near what nibbles can be, or of any. */
static size_t
random_text(char *text, uint64_t *seed)
{
	size_t len = unit_random(seed) % 20;
	uint64_t kind = unit_random(seed) % 4;

	for (size_t i = 0; i < len; i++)
	{
		static const char usual[] = "0123456789.-:/;";
		uint64_t random = unit_random(seed);

		text[i] = (char) (kind == 0 ? random : kind == 1 ? 0x2B + random % 20 : 0);
		if (kind >= 2)
			text[i] = usual[random % (kind == 2 ? 10 : sizeof(usual) - 1)];
	}
	return len;
}

static void
it_keeps_all_bytes_of_a_field(void)
{
	uint64_t seed = 3;
	int nibbles = 0, bytes = 0, none = 0;

	for (int i = 0; i < unit_tries(50000); i++)
	{
		char text[20], buffer[FLOW_KEY_SHORT];
		size_t len = random_text(text, &seed);
		FlowFieldKey key = flow_key_make(seed_of_keys, (FlowSlice) {text, len});
		uint64_t word = flow_word_of_field(&key);
		FlowSlice field;

		none += word == 0;
		if (word == 0)
			continue;
		nibbles += FLOW_WORD_KIND(word) == FLOW_WORD_NIBBLES;
		bytes += FLOW_WORD_KIND(word) == FLOW_WORD_BYTES;
		field = flow_word_show(word, buffer);
		CHECK_INT(field.len, len);
		CHECK(memcmp(field.data, text, len) == 0);
	}
	CHECK(nibbles > unit_tries(2000) && bytes > unit_tries(2000) && none > unit_tries(2000));
}

static void
it_packs_what_logs_have(void)
{
	static const struct
	{
		const char *text;
		uint64_t kind;
	} cases[] = {{"", FLOW_WORD_NIBBLES},
	             {"-", FLOW_WORD_NIBBLES},
	             {"443", FLOW_WORD_NIBBLES},
	             {"10.0.0.1", FLOW_WORD_NIBBLES},
	             {"255.255.255.255", FLOW_WORD_NIBBLES},
	             {"123456789012345", FLOW_WORD_NIBBLES},
	             {"1234567890123456", 0},
	             {"2001:db8::1", 0},
	             {"ACCEPT", FLOW_WORD_BYTES},
	             {"NODATA!", FLOW_WORD_BYTES},
	             {"SKIPDATA", 0},
	             {"12<", FLOW_WORD_BYTES},
	             {"eni-0123456789abcdef0", 0}};

	for (size_t i = 0; i < flow_countof(cases); i++)
	{
		FlowSlice field = {cases[i].text, strlen(cases[i].text)};
		FlowFieldKey key = flow_key_make(seed_of_keys, field);

		CHECK_INT(FLOW_WORD_KIND(flow_word_of_field(&key)), cases[i].kind);
	}
}

#define FIELDS 300

/* Whatever is beside a field does not matter, and what is after the last one is not readable. */
static void
every_version_makes_the_words_of_fields(void)
{
	char *memory = malloc(FIELDS * 20 + FLOW_KEY_SHORT);
	uint64_t seed = 29;

	for (int t = 0; t < unit_tries(300); t++)
	{
		uint32_t ends[FIELDS + 1] = {0}, rows[FIELDS];
		uint64_t words[FIELDS];
		size_t count = 1 + unit_random(&seed) % FIELDS;
		/* the fields end where readable memory does, but for what may be read after each */
		char *data = memory + FIELDS * 20 - count * 20;
		FlowReadWords read;

		for (size_t i = 0; i < count; i++)
		{
			size_t len = random_text(data + ends[i], &seed);

			data[ends[i] + len] = ' ';
			ends[i + 1] = ends[i] + (uint32_t) len + 1;
			rows[i] = (uint32_t) i;
		}
		for (int version = 0; (read = flow_group_words(version)) != NULL; version++)
		{
			uint64_t any = read(data, ends + 1, rows, count, words), all = 0;

			for (size_t i = 0; i < count; i++)
			{
				FlowSlice field = {data + ends[i], ends[i + 1] - 1 - ends[i]};
				FlowFieldKey key = flow_key_make(seed_of_keys, field);

				CHECK(words[i] == flow_word_of_field(&key));
				all |= words[i];
			}
			CHECK((any != 0) == (all != 0));
		}
	}
	CHECK(flow_group_words(0) != NULL);
	CHECK(flow_group_words(8) == NULL);
	free(memory);
}

static void
it_keeps_numbers_of_60_bits(void)
{
	static const int64_t edges[] = {0, 1, -1, INT64_MAX, INT64_MIN};
	int64_t limit = INT64_C(1) << 59;
	FlowFieldKey none = flow_key_make(seed_of_keys, (FlowSlice) {NULL, 0});

	CHECK(flow_word_of_number(&none) == FLOW_WORD_NO_FIELD);
	CHECK(flow_word_of_field(&none) == FLOW_WORD_NO_FIELD);
	for (size_t i = 0; i < flow_countof(edges); i++)
		for (int64_t near = -2; near <= 2; near++)
			for (int sign = -1; sign <= 1; sign++)
			{
				int64_t number = (int64_t) ((uint64_t) edges[i] + (uint64_t) (near + sign * limit));
				FlowSlice bytes = {(const char *) &number, sizeof(number)};
				FlowFieldKey key = flow_key_make(seed_of_keys, bytes);
				uint64_t word = flow_word_of_number(&key);

				CHECK_INT(word != 0, number >= -limit && number < limit);
				if (word != 0)
					CHECK_INT(flow_word_number(word), number);
			}
}

static void
it_knows_plain_integers(void)
{
	static const struct
	{
		const char *text;
		bool plain;
	} cases[] = {{"0", true},
	             {"7", true},
	             {"19", true},
	             {"1234", true},
	             {"9999", true},
	             {"12345", false},
	             {"", false},
	             {"00", false},
	             {"07", false},
	             {"-1", false},
	             {"1:", false},
	             {"1.", false},
	             {"1;2", false},
	             {"1/2", false},
	             {"6x", false}};

	for (size_t i = 0; i < flow_countof(cases); i++)
	{
		FlowSlice field = {cases[i].text, strlen(cases[i].text)};
		FlowFieldKey key = flow_key_make(seed_of_keys, field);

		CHECK_INT(flow_word_is_plain_integer(flow_word_of_field(&key), 4), cases[i].plain);
	}
}

/* Says the same digit by digit. */
static bool
is_plain_integer(const char *text, size_t len, size_t most)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] < '0' || text[i] > '9')
			return false;
	return len > 0 && len <= most && (text[0] != '0' || len == 1);
}

static void
it_knows_plain_integers_of_any_length(void)
{
	uint64_t seed = 19;
	int plain = 0;

	for (int i = 0; i < unit_tries(50000); i++)
	{
		char text[20];
		size_t len = random_text(text, &seed), most = 1 + unit_random(&seed) % 15;
		FlowFieldKey key = flow_key_make(seed_of_keys, (FlowSlice) {text, len});
		uint64_t word = flow_word_of_field(&key);

		if (word == 0)
			continue;
		CHECK_INT(flow_word_is_plain_integer(word, most), is_plain_integer(text, len, most));
		plain += is_plain_integer(text, len, most);
	}
	CHECK(plain > unit_tries(2000));
	CHECK(!flow_word_is_plain_integer(FLOW_WORD_NO_FIELD, 15));
	CHECK(!flow_word_is_plain_integer(flow_word_of_value(443, true), 15));
}

/* ---------- groups to groups ---------- */

#define COLUMN(name_, type_)                                                                       \
	{                                                                                              \
		.name = name_, .type = type_, .max_chars = -1, .precision = -1, .scale = -1,               \
		.null_text = "-", .null_len = 1                                                            \
	}

static const FlowColumn columns[] = {COLUMN("host", FLOW_TEXT),
                                     COLUMN("port", FLOW_INT32),
                                     COLUMN("bytes", FLOW_INT64)};

#define NCOLUMNS 3

static const FlowGroupBy keys[] = {{0, NULL}, {1, NULL}};
/* for the groups of keys and values the first four; then those of distinct values */
static const FlowAggregate aggregates[] = {{FLOW_COUNT_ALL, -1, NULL, NULL},
                                           {FLOW_SUM, 2, NULL, NULL},
                                           {FLOW_MIN, 2, NULL, NULL},
                                           {FLOW_MAX, 2, NULL, NULL},
                                           {FLOW_COUNT, 1, NULL, NULL},
                                           {FLOW_SUM, 1, NULL, NULL}};

#define NREAD 4
#define NALL 6

static FlowGroups *
make_groups(int nkeys, int naggregates, size_t memory)
{
	FlowGroupSpec spec = {.host = &unit_host,
	                      .columns = columns,
	                      .ncolumns = NCOLUMNS,
	                      .keys = keys,
	                      .nkeys = nkeys,
	                      .aggregates = aggregates,
	                      .naggregates = naggregates,
	                      .memory = memory,
	                      .by_value = true};
	FlowGroups *groups;
	FlowError error;

	CHECK_INT(flow_groups_create(&spec, &groups, &error), FLOW_OK);
	return groups;
}

/* Adds records of few hosts and many ports; with "large" of large sums. */
static void
add_records(FlowGroups *groups, int count, bool large, uint64_t *seed)
{
	for (int i = 0; i < count; i++)
	{
		char texts[NCOLUMNS][32];
		FlowSlice fields[NCOLUMNS];
		FlowBatch batch = {.count = 1, .fields = fields};
		FlowBadField bad;
		size_t done = 0;
		uint64_t random = unit_random(seed);

		/* some hosts are not packed, some ports are no plain digits, some are NULL */
		if (random % 7 == 0)
			snprintf(texts[0],
			         sizeof(texts[0]),
			         "host-with-a-long-name-%d",
			         (int) (random >> 8 & 3));
		else
			snprintf(texts[0], sizeof(texts[0]), "10.0.0.%d", (int) (random >> 8 & 15));
		snprintf(texts[1], sizeof(texts[1]), "%d", (int) (random >> 16 & 127) - 20);
		snprintf(texts[2], sizeof(texts[2]), "%" PRId64, (int64_t) (random >> (large ? 1 : 40)));
		if (random >> 56 == 0)
			strcpy(texts[random % NCOLUMNS], "-");
		for (int c = 0; c < NCOLUMNS; c++)
			fields[c] = (FlowSlice) {texts[c], strlen(texts[c])};
		CHECK_INT(flow_groups_add(groups, &batch, &done, false, &bad), FLOW_OK);
	}
	CHECK(flow_groups_are_whole(groups));
}

/* Finds the group with the same keys; the keys of a group are valid only until the next one. */
static bool
has_same_group(const FlowGroups *groups, const FlowGroup *wanted, int nkeys, int naggregates)
{
	FlowGroup group;

	for (size_t position = 0; flow_groups_next(groups, &position, &group) == FLOW_OK;)
	{
		bool same = true;

		for (int k = 0; k < nkeys; k++)
			same &= group.keys[k].len == wanted->keys[k].len &&
			        memcmp(group.keys[k].data, wanted->keys[k].data, group.keys[k].len) == 0;
		for (int a = 0; same && a < naggregates; a++)
		{
			const FlowTotal *x = &group.totals[a], *y = &wanted->totals[a];

			same &= x->count == y->count;
			if (aggregates[a].kind == FLOW_SUM)
				same &= x->as.sum.low == y->as.sum.low && x->as.sum.high == y->as.sum.high;
			else if (aggregates[a].kind >= FLOW_MIN && x->count > 0)
				same &= x->as.extreme.integer == y->as.extreme.integer;
		}
		if (same)
			return true;
	}
	return false;
}

static void
check_same_groups(const FlowGroups *a, const FlowGroups *b, int nkeys, int naggregates)
{
	FlowGroup group;

	CHECK_INT(flow_groups_count(a), flow_groups_count(b));
	for (size_t position = 0; flow_groups_next(a, &position, &group) == FLOW_OK;)
		CHECK(has_same_group(b, &group, nkeys, naggregates));
}

/* The host's distinct ports; and these together with the hosts, in groups that have a number. */
static const FlowDistinctValue distinct_values[] = {{1, -1}, {0, -1}};
static const FlowDistinct distinct_ports = {1, distinct_values, -1, (const int[]) {0, 0}};
static const FlowDistinct distinct_both = {1, distinct_values, 2, (const int[]) {1, 0}};

/* Adds a group of a key and a value to that of the key. */
static void
add_one_distinct(FlowGroups *groups, const FlowGroup *group, const FlowDistinct *distinct)
{
	FlowTotal totals[NALL] = {0};
	int64_t number = 0;
	int key;
	FlowValue value;

	if (distinct->number >= 0)
		memcpy(&number, group->keys[distinct->number].data, sizeof(number));
	key = distinct->values[number].key;
	if (number == 0)
		memcpy(totals, group->totals, NREAD * sizeof(FlowTotal));
	if (flow_value_read(&columns[key], &unit_host, group->keys[key], &value) == FLOW_OK)
		for (int a = NREAD; a < NALL; a++)
		{
			if (distinct->of[a - NREAD] != number)
				continue;
			totals[a].count = 1;
			if (aggregates[a].kind != FLOW_SUM)
				continue;
			totals[a].as.sum.low = (uint64_t) value.integer;
			totals[a].as.sum.high = -(value.integer < 0);
		}
	CHECK_INT(flow_groups_merge(groups, group->keys, totals), FLOW_OK);
}

/* Adds all groups, many at once where that is possible; returns how many those were. */
static size_t
add_all_distinct(FlowGroups *groups, const FlowGroups *from, const FlowDistinct *distinct)
{
	size_t position = 0, many = 0;
	FlowGroup group;

	for (;;)
	{
		size_t before = position;
		FlowStatus status = flow_groups_add_distinct(groups, from, distinct, &position);

		many += position - before;
		if (status == FLOW_OK)
			continue;
		CHECK_INT(status, FLOW_END);
		if (flow_groups_next(from, &position, &group) != FLOW_OK)
			return many;
		add_one_distinct(groups, &group, distinct);
	}
}

static void
it_adds_distinct_values(void)
{
	uint64_t seed = 11;

	for (int round = 0; round < unit_tries(8); round++)
	{
		FlowGroups *from = make_groups(2, NREAD, SIZE_MAX);
		FlowGroups *at_once = make_groups(1, NALL, SIZE_MAX);
		FlowGroups *one_by_one = make_groups(1, NALL, SIZE_MAX);
		size_t many;
		FlowGroup group;

		add_records(from, 1500, round % 4 == 3, &seed);
		many = add_all_distinct(at_once, from, &distinct_ports);
		CHECK(round % 4 == 3 || many > 100);
		for (size_t position = 0; flow_groups_next(from, &position, &group) == FLOW_OK;)
			add_one_distinct(one_by_one, &group, &distinct_ports);
		check_same_groups(at_once, one_by_one, 1, NALL);
		flow_groups_free(from);
		flow_groups_free(at_once);
		flow_groups_free(one_by_one);
	}
	CHECK_INT(unit_state.outstanding, 0);
}

/* Makes groups of the two keys and a number. */
static FlowGroups *
make_groups_of_sets(FlowExpressions *expressions, const FlowGroupBy *more)
{
	FlowGroupSpec spec = {.host = &unit_host,
	                      .columns = columns,
	                      .ncolumns = NCOLUMNS,
	                      .expressions = expressions,
	                      .keys = more,
	                      .nkeys = 3,
	                      .aggregates = aggregates,
	                      .naggregates = NREAD,
	                      .memory = SIZE_MAX,
	                      .by_value = true};
	FlowGroups *groups;
	FlowError error;

	CHECK_INT(flow_groups_create(&spec, &groups, &error), FLOW_OK);
	return groups;
}

/* Adds a group to that of a set of its keys. */
static void
add_one_to_set(FlowGroups *groups, const FlowGroup *group, const bool *has, int set)
{
	int64_t number = set;
	FlowSlice slices[] = {has[0] ? group->keys[0] : (FlowSlice) {NULL, 0},
	                      has[1] ? group->keys[1] : (FlowSlice) {NULL, 0},
	                      {(const char *) &number, sizeof(number)}};

	CHECK_INT(flow_groups_merge(groups, slices, group->totals), FLOW_OK);
}

static void
it_adds_distinct_values_of_several_keys(void)
{
	static const bool sets[][2] = {{true, true}, {true, false}};
	uint64_t seed = 41;

	for (int round = 0; round < unit_tries(8); round++)
	{
		FlowExpressions *expressions = flow_expressions_create(&unit_host, columns, NCOLUMNS);
		FlowValue zero = {0};
		FlowGroupBy more[] = {keys[0],
		                      keys[1],
		                      {-1, flow_expression_constant(expressions, FLOW_INT64, &zero)}};
		FlowGroups *of_sets = make_groups_of_sets(expressions, more);
		FlowGroups *at_once = make_groups(1, NALL, SIZE_MAX);
		FlowGroups *one_by_one = make_groups(1, NALL, SIZE_MAX);
		size_t many;
		FlowGroup group;

		/* groups of one value stand together, or not */
		for (int part = 0; part < 3; part++)
		{
			FlowGroups *from = make_groups(2, NREAD, SIZE_MAX);

			add_records(from, 500, round % 4 == 3, &seed);
			for (size_t position = 0; flow_groups_next(from, &position, &group) == FLOW_OK;)
				for (int set = 0; set < 2; set++)
					add_one_to_set(of_sets, &group, sets[set], set);
			flow_groups_free(from);
		}
		many = add_all_distinct(at_once, of_sets, &distinct_both);
		CHECK(round % 4 == 3 || many > 100);
		for (size_t position = 0; flow_groups_next(of_sets, &position, &group) == FLOW_OK;)
			add_one_distinct(one_by_one, &group, &distinct_both);
		check_same_groups(at_once, one_by_one, 1, NALL);
		flow_groups_free(of_sets);
		flow_groups_free(at_once);
		flow_groups_free(one_by_one);
		flow_expressions_free(expressions);
	}
	CHECK_INT(unit_state.outstanding, 0);
}

static void
it_adds_groups_to_sets(void)
{
	static const bool sets[][2] = {{true, true}, {true, false}, {false, true}, {false, false}};
	uint64_t seed = 23;

	for (int round = 0; round < unit_tries(8); round++)
	{
		FlowExpressions *expressions = flow_expressions_create(&unit_host, columns, NCOLUMNS);
		FlowGroups *from = make_groups(2, NREAD, SIZE_MAX);
		FlowValue zero = {0};
		FlowGroupBy more[] = {keys[0],
		                      keys[1],
		                      {-1, flow_expression_constant(expressions, FLOW_INT64, &zero)}};
		FlowGroups *at_once = make_groups_of_sets(expressions, more);
		FlowGroups *one_by_one = make_groups_of_sets(expressions, more);
		size_t many = 0;
		FlowGroup group;

		add_records(from, 1500, round % 4 == 3, &seed);
		for (int set = 0; set < (int) flow_countof(sets); set++)
		{
			for (size_t position = 0;;)
			{
				size_t before = position;
				FlowStatus status =
					flow_groups_add_to_set(at_once, from, sets[set], set, &position);

				many += position - before;
				if (status == FLOW_OK)
					continue;
				CHECK_INT(status, FLOW_END);
				if (flow_groups_next(from, &position, &group) != FLOW_OK)
					break;
				add_one_to_set(at_once, &group, sets[set], set);
			}
			for (size_t position = 0; flow_groups_next(from, &position, &group) == FLOW_OK;)
				add_one_to_set(one_by_one, &group, sets[set], set);
		}
		CHECK(round % 4 == 3 || many > 2000);
		check_same_groups(at_once, one_by_one, 3, NREAD);
		flow_groups_free(from);
		flow_groups_free(at_once);
		flow_groups_free(one_by_one);
		flow_expressions_free(expressions);
	}
	CHECK_INT(unit_state.outstanding, 0);
}

#define BITS 3

/* Moves rows to memory; returns it. */
static char *
move_rows(FlowGroups *groups, size_t *counts)
{
	char *places[1 << BITS];
	size_t size = flow_groups_row_size(groups);
	size_t sum = 0, position = 0;
	char *rows;

	memset(counts, 0, sizeof(size_t) << BITS);
	while (flow_groups_count_rows(groups, 1, BITS, counts, &position) == FLOW_OK)
		;

	for (int i = 0; i < 1 << BITS; i++)
		sum += counts[i];
	rows = malloc(sum * size + 1);
	for (size_t i = 0, before = 0; i < 1 << BITS; before += counts[i++])
		places[i] = rows + before * size;
	position = 0;
	while (flow_groups_move_rows(groups, 1, BITS, places, &position) == FLOW_OK)
		;
	return rows;
}

/* Adds a partition's rows to groups; takes these into "full" when they do not fit. */
static void
add_rows(FlowGroups *groups, char *rows, size_t count, unsigned partition, FlowGroups *full)
{
	size_t done = 0;
	FlowGroup group;

	while (done < count)
	{
		FlowStatus status = flow_groups_add_rows(groups, rows, count, &done);

		if (status == FLOW_LIMIT)
		{
			for (size_t position = 0; flow_groups_next(groups, &position, &group) == FLOW_OK;)
				CHECK_INT(flow_groups_merge(full, group.keys, group.totals), FLOW_OK);
			flow_groups_clear(groups);
		}
		else if (status == FLOW_END)
		{
			FlowGroups *single = make_groups(2, NREAD, SIZE_MAX);

			/* what is shown is valid only until groups are added */
			flow_groups_show_row(groups, rows, done++, &group);
			CHECK_INT(flow_groups_merge(single, group.keys, group.totals), FLOW_OK);
			for (size_t position = 0; flow_groups_next(single, &position, &group) == FLOW_OK;)
				CHECK_INT(flow_groups_merge(full, group.keys, group.totals), FLOW_OK);
			flow_groups_free(single);
		}
		else
			CHECK_INT(status, FLOW_OK);
	}
	for (size_t position = 0; flow_groups_next(groups, &position, &group) == FLOW_OK;)
	{
		CHECK_INT(flow_groups_partition(groups, group.keys, 1, BITS), partition);
		CHECK_INT(flow_groups_merge(full, group.keys, group.totals), FLOW_OK);
	}
	flow_groups_clear(groups);
}

static void
it_adds_rows_of_other_tables(void)
{
	uint64_t seed = 5;

	for (int round = 0; round < unit_tries(6); round++)
	{
		bool large = round % 3 == 2;
		FlowGroups *all = make_groups(2, NREAD, SIZE_MAX);
		FlowGroups *merged = make_groups(2, NREAD, SIZE_MAX);
		FlowGroups *table = make_groups(2, NREAD, round % 2 ? 20000 : SIZE_MAX);
		FlowGroup group;

		for (int part = 0; part < 2; part++)
		{
			FlowGroups *own = make_groups(2, NREAD, SIZE_MAX);
			uint64_t again = seed;
			size_t counts[1 << BITS];
			char *rows, *next;
			size_t size;

			add_records(own, 700, large, &seed);
			add_records(all, 700, large, &again);
			size = flow_groups_row_size(own);
			next = rows = move_rows(own, counts);
			CHECK(large || flow_groups_count(own) < 400);
			for (unsigned i = 0; i < 1 << BITS; i++)
			{
				add_rows(table, next, counts[i], i, merged);
				next += counts[i] * size;
			}
			for (size_t position = 0; flow_groups_next(own, &position, &group) == FLOW_OK;)
				CHECK_INT(flow_groups_merge(merged, group.keys, group.totals), FLOW_OK);
			free(rows);
			flow_groups_free(own);
		}
		check_same_groups(all, merged, 2, NREAD);
		flow_groups_free(all);
		flow_groups_free(merged);
		flow_groups_free(table);
	}
	CHECK_INT(unit_state.outstanding, 0);
}

/* ---------- many rows ---------- */

static FlowStatus merge_number(FlowGroups *groups, int number, int64_t sum);

/* Adds groups until they are too many; returns their number. */
static int
fill(FlowGroups *groups)
{
	int count = 0;
	FlowStatus status;

	while ((status = merge_number(groups, count, count)) == FLOW_OK)
		count++;
	CHECK_INT(status, FLOW_LIMIT);
	CHECK_INT(flow_groups_count(groups), count);
	return count;
}

/* Chunks of large pages give their memory back to groups of another kind. */
static void
it_fills_its_memory_again(void)
{
	FlowGroups *groups = make_groups(2, NREAD, (size_t) 72 * 1024 * 1024);
	int count = fill(groups), found = 0;
	int64_t sum = 0;
	FlowGroup group;

	for (size_t position = 0; flow_groups_next(groups, &position, &group) == FLOW_OK; found++)
		sum += (int64_t) group.totals[1].as.sum.low;
	CHECK_INT(found, count);
	CHECK_INT(sum, (int64_t) count * (count - 1) / 2);

	/* groups that are not packed take the place of spare rows */
	flow_groups_clear(groups);
	CHECK_INT(merge_number(groups, 0, INT64_MAX), FLOW_OK);
	CHECK(fill(groups) > count / 4);
	flow_groups_clear(groups);
	flow_groups_shrink(groups);
	CHECK(fill(groups) > count / 4);
	flow_groups_free(groups);
	CHECK_INT(unit_state.outstanding, 0);
}

/* ---------- interrupts ---------- */

#define MANY 300000

/* Rows and slots that may be touched between two looks for interrupts. */
#define PIECE 65536

/* Adds a group of one record, with a number as its second key. */
static FlowStatus
merge_number(FlowGroups *groups, int number, int64_t sum)
{
	char text[16];
	FlowSlice slices[] = {{"10.0.0.1", 8}, {text, 0}};
	FlowTotal totals[NREAD] = {{.count = 1},
	                           {.count = 1, .as.sum.low = (uint64_t) sum},
	                           {.count = 1, .as.extreme.integer = sum},
	                           {.count = 1, .as.extreme.integer = sum}};

	slices[1].len = (size_t) snprintf(text, sizeof(text), "%d", number);
	return flow_groups_merge(groups, slices, totals);
}

static FlowGroups *
make_many_groups(void)
{
	FlowGroups *groups = make_groups(2, NREAD, SIZE_MAX);

	for (int i = 0; i < MANY; i++)
		CHECK_INT(merge_number(groups, i, i), FLOW_OK);
	return groups;
}

static void
it_counts_and_moves_rows_in_pieces(void)
{
	FlowGroups *groups = make_many_groups();
	size_t size = flow_groups_row_size(groups);
	size_t counts[1 << BITS] = {0};
	size_t position = 0, before = 0;
	char *rows = malloc(MANY * size);
	char *places[1 << BITS];

	while (flow_groups_count_rows(groups, 2, BITS, counts, &position) == FLOW_OK)
	{
		CHECK(position - before > 0 && position - before <= PIECE);
		before = position;
	}
	CHECK_INT(position, MANY);
	for (size_t i = 0, sum = 0; i < 1 << BITS; sum += counts[i++])
		places[i] = rows + sum * size;
	position = before = 0;
	while (flow_groups_move_rows(groups, 2, BITS, places, &position) == FLOW_OK)
	{
		CHECK(position - before > 0 && position - before <= PIECE);
		before = position;
	}
	CHECK(position - before <= PIECE);
	CHECK_INT(position, MANY);
	CHECK_INT(flow_groups_count(groups), 0);
	CHECK(places[(1 << BITS) - 1] == rows + MANY * size);
	free(rows);
	flow_groups_free(groups);
	CHECK_INT(unit_state.outstanding, 0);
}

/*
 * Interrupts a merge after some looks: after the last of them no group is
 * there twice, and none is lost.
 */
static void
it_is_interrupted_while_groups_are_unpacked(void)
{
	uint64_t seed = 17;

	for (int round = 0; round < unit_tries(4); round++)
	{
		FlowGroups *groups = make_many_groups();
		int looks = 0;
		FlowStatus status;

		/* a sum that is too large for packed groups moves them all */
		do
		{
			unit_state.interrupt_after = (int64_t) (unit_random(&seed) % 200);
			status = merge_number(groups, 7, INT64_MAX);
			CHECK_INT(flow_groups_count(groups), MANY);
			looks++;
		} while (status == FLOW_INTERRUPTED);
		unit_state.interrupt_after = -1;
		CHECK_INT(status, FLOW_OK);
		CHECK(looks > MANY / PIECE);
		flow_groups_free(groups);
	}
	CHECK_INT(unit_state.outstanding, 0);
}

/* A table of a million slots is not made at once. */
static void
it_is_interrupted_while_a_table_grows(void)
{
	bool packed = true;

	for (int round = 0; round < 2; round++, packed = false)
	{
		FlowGroups *groups = make_groups(2, NREAD, SIZE_MAX);
		int interrupted = 0;

		if (!packed)
			CHECK_INT(merge_number(groups, 0, INT64_MAX), FLOW_OK);
		unit_state.interrupt_after = 0;
		for (int i = 0; i < MANY; i++)
		{
			FlowStatus status = merge_number(groups, i, i);

			if (status == FLOW_OK)
				continue;
			CHECK_INT(status, FLOW_INTERRUPTED);
			CHECK_INT(flow_groups_count(groups), i);
			interrupted++;
			unit_state.interrupt_after = -1;
			CHECK_INT(merge_number(groups, i, i), FLOW_OK);
			unit_state.interrupt_after = 0;
		}
		unit_state.interrupt_after = -1;
		CHECK(interrupted > 1);
		CHECK_INT(flow_groups_count(groups), MANY);
		flow_groups_free(groups);
	}
	CHECK_INT(unit_state.outstanding, 0);
}

static void
it_is_interrupted_while_a_table_is_cleared(void)
{
	bool packed = true;

	for (int round = 0; round < 2; round++, packed = false)
	{
		FlowGroups *groups = make_groups(2, NREAD, SIZE_MAX);
		FlowStatus status;

		if (!packed)
			CHECK_INT(merge_number(groups, 0, INT64_MAX), FLOW_OK);
		for (int i = 0; i < MANY; i++)
			CHECK_INT(merge_number(groups, i, i), FLOW_OK);
		unit_state.interrupt_after = 1;
		CHECK_INT(flow_groups_clear(groups), FLOW_INTERRUPTED);
		unit_state.interrupt_after = -1;
		CHECK_INT(flow_groups_clear(groups), FLOW_OK);
		CHECK_INT(flow_groups_count(groups), 0);
		CHECK_INT(merge_number(groups, 1, 1), FLOW_OK);
		CHECK_INT(flow_groups_count(groups), 1);
		CHECK_INT(flow_groups_clear(groups), FLOW_OK);
		unit_state.interrupt_after = 0;
		/* of groups that are not packed there may be nothing large to release */
		status = flow_groups_shrink(groups);
		CHECK(status == FLOW_INTERRUPTED || (!packed && status == FLOW_OK));
		unit_state.interrupt_after = -1;
		flow_groups_free(groups);
	}
	CHECK_INT(unit_state.outstanding, 0);
}

int
main(void)
{
	RUN(it_keeps_all_bytes_of_a_field);
	RUN(it_packs_what_logs_have);
	RUN(every_version_makes_the_words_of_fields);
	RUN(it_keeps_numbers_of_60_bits);
	RUN(it_knows_plain_integers);
	RUN(it_knows_plain_integers_of_any_length);
	RUN(it_adds_distinct_values);
	RUN(it_adds_distinct_values_of_several_keys);
	RUN(it_adds_groups_to_sets);
	RUN(it_adds_rows_of_other_tables);
	RUN(it_fills_its_memory_again);
	RUN(it_counts_and_moves_rows_in_pieces);
	RUN(it_is_interrupted_while_groups_are_unpacked);
	RUN(it_is_interrupted_while_a_table_grows);
	RUN(it_is_interrupted_while_a_table_is_cleared);
	return unit_done();
}
