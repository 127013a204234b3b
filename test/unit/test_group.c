/*-------------------------------------------------------------------------
 *
 * test_group.c
 *	  Tests flow/group*.c by comparing it with groups made in the obvious way.
 *
 *-------------------------------------------------------------------------
 */
#include "model_group.h"

#include "../../flow/group.h"

#include <arpa/inet.h>
#include <malloc.h>

#define SLICE(literal) ((FlowSlice) {(literal), sizeof(literal) - 1})
#define NO_FIELD ((FlowSlice) {NULL, 0})

/* ---------- a table, and fields for it ---------- */

static const FlowColumn columns[] = {
	{"action", NULL, FLOW_TEXT, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
	{"short", NULL, FLOW_TEXT, 8, -1, -1, "REJECT", 6, true, NULL, FLOW_FROM_RECORD, 0},
	{"padded", NULL, FLOW_PADDED, 20, -1, -1, NULL, 0, false, NULL, FLOW_FROM_RECORD, 0},
	{"small", NULL, FLOW_INT16, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
	{"port", NULL, FLOW_INT32, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
	{"bytes", NULL, FLOW_INT64, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
	/* digits that mean NULL */
	{"zero", NULL, FLOW_INT32, -1, -1, -1, "0", 1, false, NULL, FLOW_FROM_RECORD, 0},
	/* more of them */
	{"many", NULL, FLOW_INT64, -1, -1, -1, "6666", 4, false, NULL, FLOW_FROM_RECORD, 0},
	{"blank", NULL, FLOW_INT64, -1, -1, -1, "", 0, false, NULL, FLOW_FROM_RECORD, 0},
	{"needed", NULL, FLOW_INT32, -1, -1, -1, "-", 1, true, NULL, FLOW_FROM_RECORD, 0},
	{"address", NULL, FLOW_ADDRESS, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
	{"network", NULL, FLOW_NETWORK, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
	{"start", NULL, FLOW_TIME, -1, -1, 0, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
	{"day", NULL, FLOW_DAY, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
	{"real", NULL, FLOW_DOUBLE, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
	{"host", NULL, FLOW_TEXT, -1, -1, -1, "-", 1, true, NULL, FLOW_FROM_RECORD, 0},
};

#define NCOLUMNS ((int) flow_countof(columns))

static const char *const good_integers[] =
	{"0", "1", "6", "443", "6666", "9999", "32767", "-32768", "-7"};

static const char *const integers[] = {"",
                                       "-",
                                       "0",
                                       "6",
                                       "7",
                                       "06",
                                       "-6",
                                       "+6",
                                       " 6",
                                       "6 ",
                                       "443",
                                       "6666",
                                       "9999",
                                       "10000",
                                       "32767",
                                       "-32768",
                                       "32768",
                                       "65535",
                                       "9999999",
                                       "99999999",
                                       "999999999",
                                       "1700000000",
                                       "2147483647",
                                       "-2147483648",
                                       "2147483648",
                                       "9999999999999999",
                                       "99999999999999999",
                                       "999999999999999999",
                                       "9223372036854775807",
                                       "-9223372036854775808",
                                       "9223372036854775808",
                                       "6x",
                                       "x",
                                       "6\xC3\xA9",
                                       "1e3",
                                       "--",
                                       ":",
                                       "/",
                                       "12345/78",
                                       "1234567:",
                                       "0000000000000006",
                                       "00000000000000006",
                                       "123456781234x678"};

static const char *const texts[] = {"",
                                    "-",
                                    " ",
                                    "A",
                                    "AC",
                                    "ACCEPT",
                                    "REJECT",
                                    "ACCEPT ",
                                    "ACCEPT    ",
                                    "012345678",
                                    "0123456789abcdef",
                                    "0123456789abcdeg",
                                    "1123456789abcdef",
                                    "0123456789abcdef0",
                                    "0123456789abcdef1",
                                    "eni-0123456789abcdef0",
                                    "eni-0123456789abcdef1",
                                    "\xC3\xA9",
                                    "\xC3",
                                    "2001:0db8:85a3:0000:0000:8a2e:0370:7334",
                                    "2001:0db8:85a3:0000:0000:8a2e:0370:7335",
                                    "a text of exactly thirty-two byt",
                                    "ACCEP\xFF"};

static const char *const addresses[] = {"",
                                        "-",
                                        "10.0.0.1",
                                        "10.0.0.2",
                                        "10.0.0.0/8",
                                        "10.0.0.1/8",
                                        "10.0.0.0/16",
                                        "10.0.0.1/32",
                                        "11.0.0.0/8",
                                        "0.0.0.0/0",
                                        "255.255.255.255",
                                        "128.0.0.0/1",
                                        "::1",
                                        "::",
                                        "::/0",
                                        "a00::/8",
                                        "2001:db8::1",
                                        "2001:db8::/33",
                                        "2001:db8:8000::/33",
                                        "2001:db8::1/64",
                                        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                                        "10.0.0.256",
                                        "x"};

static const char *const times[] = {"",
                                    "-",
                                    "0",
                                    "1",
                                    "86399",
                                    "86400",
                                    "1700000000",
                                    "2147483647",
                                    "2147483648",
                                    "1700000000123",
                                    "4102444800001",
                                    "2023-11-14T22:13:20.7Z",
                                    "now"};

static const char *const numbers[] = {"", "-", "1.5", "12", "x"};

static const struct
{
	const char *const *fields;
	size_t count;
} pools[] = {
	[FLOW_INT16] = {integers, flow_countof(integers)},
	[FLOW_INT32] = {integers, flow_countof(integers)},
	[FLOW_INT64] = {integers, flow_countof(integers)},
	[FLOW_DOUBLE] = {numbers, flow_countof(numbers)},
	[FLOW_TEXT] = {texts, flow_countof(texts)},
	[FLOW_PADDED] = {texts, flow_countof(texts)},
	[FLOW_ADDRESS] = {addresses, flow_countof(addresses)},
	[FLOW_NETWORK] = {addresses, flow_countof(addresses)},
	[FLOW_TIME] = {times, flow_countof(times)},
	[FLOW_DAY] = {times, flow_countof(times)},
};

/* Makes a field of a column.  If "tame" is set, it is nearly always good. */
static FlowSlice
random_field(int column, bool tame, uint64_t *seed)
{
	FlowType type = columns[column].type;
	FlowValue value;
	FlowSlice field;

	do
	{
		const char *text = pools[type].fields[unit_random(seed) % pools[type].count];

		if (type <= FLOW_INT64 && unit_random(seed) % 2)
			text = good_integers[unit_random(seed) % flow_countof(good_integers)];
		field = (FlowSlice) {text, strlen(text)};
	} while (tame && unit_random(seed) % 2000 != 0 &&
	         flow_value_read(&columns[column], &unit_host, field, &value) > FLOW_END);
	return field;
}

static bool
has_aggregate(FlowAggregateKind kind, FlowType type)
{
	if (kind == FLOW_SUM || kind == FLOW_SQUARES)
		return type <= FLOW_INT64;
	return kind < FLOW_SUM || type <= FLOW_INT64 || (type >= FLOW_ADDRESS && type <= FLOW_DAY);
}

typedef struct RandomSpec
{
	FlowGroupSpec spec;
	FlowGroupBy keys[MODEL_KEYS];
	FlowAggregate aggregates[MODEL_AGGREGATES];
} RandomSpec;

static void
random_spec(RandomSpec *made, uint64_t *seed)
{
	static const size_t bounds[] = {0, 1, 14000, 20000, 60000, 1000000, SIZE_MAX};

	made->spec = (FlowGroupSpec) {.host = &unit_host,
	                              .columns = columns,
	                              .ncolumns = NCOLUMNS,
	                              .keys = made->keys,
	                              .aggregates = made->aggregates};
	made->spec.nkeys = (int) (unit_random(seed) % (MODEL_KEYS + 1));
	made->spec.naggregates = (int) (unit_random(seed) % (MODEL_AGGREGATES + 1));
	made->spec.memory = bounds[unit_random(seed) % flow_countof(bounds)];
	if (made->spec.nkeys > 0 && unit_random(seed) % 2)
		made->spec.partition_keys = 1 + (int) (unit_random(seed) % (uint64_t) made->spec.nkeys);
	for (int k = 0; k < made->spec.nkeys; k++)
		made->keys[k] = (FlowGroupBy) {(int) (unit_random(seed) % (uint64_t) NCOLUMNS), NULL};
	for (int a = 0; a < made->spec.naggregates; a++)
	{
		FlowAggregate *aggregate = &made->aggregates[a];

		*aggregate = (FlowAggregate) {FLOW_COUNT_ALL, -1, NULL, NULL};
		do
		{
			aggregate->kind = unit_random(seed) % (FLOW_MAX + 1);
			aggregate->column = (int) (unit_random(seed) % (uint64_t) NCOLUMNS);
		} while (!has_aggregate(aggregate->kind, columns[aggregate->column].type));
		if (aggregate->kind == FLOW_COUNT_ALL)
			aggregate->column = -1;
	}
}

/* ---------- adding a batch, and the same to the model ---------- */

typedef struct Pair
{
	const FlowGroupSpec *spec;
	FlowGroups *groups;
	ModelGroups model;     /* all records that were added */
	ModelGroups collected; /* the groups that were taken out so far */
	int limits, bads, failures;
} Pair;

static void
pair_open(Pair *pair, const FlowGroupSpec *spec)
{
	static FlowError error;

	*pair = (Pair) {.spec = spec, .model = {.spec = spec}, .collected = {.spec = spec}};
	CHECK_INT(flow_groups_create(spec, &pair->groups, &error), FLOW_OK);
	CHECK_INT(flow_groups_count(pair->groups), 0);
}

/* Has records be spread from now on, as many groups are, if the spec allows that. */
static void
pair_spread(Pair *pair)
{
	if (pair->spec->partition_keys == 0 || pair->groups->packed == NULL ||
	    pair->groups->packed->spreading || pair->groups->packed->off)
		return;
	CHECK(flow_spread_begin(pair->groups) ==
	      (pair->groups->packed->spreading ? FLOW_OK : FLOW_LIMIT));
}

static void
pair_flush(Pair *pair)
{
	CHECK_INT(flow_groups_settle(pair->groups), FLOW_OK);
	model_absorb(&pair->collected, pair->groups);
	flow_groups_clear(pair->groups);
	CHECK_INT(flow_groups_count(pair->groups), 0);
}

static void
pair_close(Pair *pair)
{
	pair_flush(pair);
	CHECK(model_equal(&pair->model, &pair->collected));
	flow_groups_free(pair->groups);
	model_free(&pair->model);
	model_free(&pair->collected);
}

static bool
is_wanted(const FlowGroupSpec *spec, int column)
{
	for (int k = 0; k < spec->nkeys; k++)
	{
		if (spec->keys[k].column == column)
			return true;
	}
	for (int a = 0; a < spec->naggregates; a++)
	{
		if (spec->aggregates[a].kind != FLOW_COUNT_ALL && spec->aggregates[a].column == column)
			return true;
	}
	return false;
}

/* Adds all records.  For bad fields of some of them, NULL is taken. */
static void
pair_add(Pair *pair, const FlowBatch *batch, const FlowSlice *fields, uint64_t *seed)
{
	size_t done = 0;
	bool bad_is_null = false;

	for (;;)
	{
		size_t before = done;
		FlowBadField bad;
		FlowStatus status = flow_groups_add(pair->groups, batch, &done, bad_is_null, &bad);

		for (; before < done; before++)
			CHECK(model_add(&pair->model, fields + before * (size_t) NCOLUMNS, bad_is_null));
		if (status == FLOW_OK && done == batch->count)
			break;
		if (status == FLOW_OK)
		{
			CHECK(bad_is_null); /* there was one record */
			bad_is_null = false;
		}
		else if (status == FLOW_LIMIT)
		{
			CHECK_INT(flow_groups_settle(pair->groups), FLOW_OK);
			CHECK(flow_groups_count(pair->groups) > 0);
			pair->limits++;
			pair_flush(pair);
		}
		else if (status == FLOW_NO_MEMORY)
		{
			pair->failures++;
			unit_state.fail_after = -1;
		}
		else
		{
			CHECK(!bad_is_null && done < batch->count);
			CHECK_INT(bad.status, status);
			CHECK(bad.column >= 0 && is_wanted(pair->spec, bad.column));
			CHECK_INT(model_bad(pair->spec, fields + done * (size_t) NCOLUMNS, bad.column), status);
			pair->bads++;
			if (unit_random(seed) % 2)
				bad_is_null = true;
			else
				done++;
		}
		if (unit_complaints > 0)
			break;
	}
}

/* Adds records, split at separators, or each on its own. */
static void
pair_add_records(Pair *pair, const FlowSlice *fields, size_t count, bool split, uint64_t *seed)
{
	if (split)
	{
		ModelBatch made;

		model_batch(&made, fields, count, NCOLUMNS, seed);
		pair_add(pair, &made.batch, fields, seed);
		model_batch_free(&made);
		return;
	}
	for (size_t i = 0; i < count; i++)
	{
		FlowBatch batch = {.count = 1, .fields = fields + i * (size_t) NCOLUMNS};

		pair_add(pair, &batch, batch.fields, seed);
	}
}

/* ---------- tests ---------- */

#define MAX_RECORDS 700

/*
 * Makes records.  In a batch, some columns are in no line.  A single record
 * may lack any fields.
 */
static size_t
random_records(FlowSlice *fields, bool split, bool tame, uint64_t *seed)
{
	size_t count = unit_random(seed) % (unit_random(seed) % 2 ? MAX_RECORDS : 20);
	uint64_t missing = unit_random(seed) & unit_random(seed) & unit_random(seed);

	for (size_t i = 0; i < count * (size_t) NCOLUMNS; i++)
	{
		int column = (int) (i % (size_t) NCOLUMNS);

		fields[i] = random_field(column, tame, seed);
		if (split ? missing >> column & 1 : unit_random(seed) % 16 == 0)
			fields[i] = NO_FIELD;
	}
	return count;
}

static void
it_adds_what_the_model_adds(void)
{
	static FlowSlice fields[MAX_RECORDS * NCOLUMNS];
	uint64_t seed = 20240501;
	int limits = 0, bads = 0;

	for (int round = 0; round < unit_tries(400) && unit_complaints == 0; round++)
	{
		RandomSpec random;
		Pair pair;
		bool tame = unit_random(&seed) % 4 != 0;

		random_spec(&random, &seed);
		pair_open(&pair, &random.spec);
		for (int i = 0; i < 6; i++)
		{
			bool split = unit_random(&seed) % 3 != 0;
			size_t count = random_records(fields, split, tame, &seed);

			if (unit_random(&seed) % 2)
				pair_spread(&pair);
			pair_add_records(&pair, fields, count, split, &seed);
			if (random.spec.nkeys == 0)
				CHECK(flow_groups_count(pair.groups) <= 1);
		}
		limits += pair.limits;
		bads += pair.bads;
		pair_close(&pair);
	}
	CHECK(limits > unit_tries(20));
	CHECK(bads > unit_tries(1000));
	CHECK_INT(unit_state.outstanding, 0);
}

static const FlowGroupBy by_action[] = {{0, NULL}};
static const FlowAggregate all_of_bytes[] = {{FLOW_COUNT_ALL, -1, NULL, NULL},
                                             {FLOW_COUNT, 5, NULL, NULL},
                                             {FLOW_SUM, 5, NULL, NULL},
                                             {FLOW_MIN, 5, NULL, NULL},
                                             {FLOW_MAX, 5, NULL, NULL}};

static FlowGroupSpec
spec_of_bytes(int nkeys, size_t memory)
{
	return (FlowGroupSpec) {&unit_host,
	                        columns,
	                        NCOLUMNS,
	                        NULL,
	                        by_action,
	                        nkeys,
	                        all_of_bytes,
	                        (int) flow_countof(all_of_bytes),
	                        memory,
	                        false,
	                        NULL,
	                        0};
}

/* Sums exceed 64 bits in both directions, and return. */
static void
it_sums_beyond_64_bits(void)
{
	static const char *const extremes[] =
		{"9223372036854775807", "-9223372036854775808", "9223372036854775806", "1", "-1", "-"};
	FlowSlice fields[200 * NCOLUMNS] = {0};
	uint64_t seed = 7;

	for (int round = 0; round < 40; round++)
	{
		FlowGroupSpec spec = spec_of_bytes(round % 2, 1000000);
		Pair pair;

		for (int i = 0; i < 200; i++)
		{
			int leaning = i < 100 ? round % 4 / 2 : 1 - round % 4 / 2;
			const char *text =
				extremes[unit_random(&seed) % 4 == 0 ? unit_random(&seed) % flow_countof(extremes)
			                                         : (uint64_t) leaning];

			for (int c = 0; c < NCOLUMNS; c++)
				fields[i * NCOLUMNS + c] = SLICE("1");
			fields[i * NCOLUMNS + 5] = (FlowSlice) {text, strlen(text)};
		}
		pair_open(&pair, &spec);
		pair_add_records(&pair, fields, 200, round % 3 > 0, &seed);
		CHECK_INT(pair.bads, 0);
		pair_close(&pair);
	}
}

/* Digits of each length, with other digits before and after them. */
static void
it_reads_digits_of_any_length(void)
{
	static char texts_of_digits[26 * 2][32];
	FlowSlice fields[26 * 2 * NCOLUMNS];
	uint64_t seed = 77;

	for (int c = 3; c < 14; c++)
	{
		FlowAggregate aggregates[] =
			{{c == 10 || c == 11 || c > 11 ? FLOW_MAX : FLOW_SUM, c, NULL, NULL},
		     {FLOW_COUNT, c, NULL, NULL},
		     {FLOW_MIN, c, NULL, NULL}};
		FlowGroupSpec spec =
			{&unit_host, columns, NCOLUMNS, NULL, by_action, 0, aggregates, 3, 0, false, NULL, 0};
		Pair pair;

		for (int len = 0; len < 26 * 2; len++)
		{
			for (int i = 0; i < len / 2; i++)
				texts_of_digits[len][i] = (char) ('0' + unit_random(&seed) % 10);
			if (len % 2 && len > 1)
				texts_of_digits[len][unit_random(&seed) % (uint64_t) (len / 2)] =
					(char) unit_random(&seed);
			for (int d = 0; d < NCOLUMNS; d++)
				fields[len * NCOLUMNS + d] = (FlowSlice) {texts_of_digits[len], (size_t) len / 2};
		}
		pair_open(&pair, &spec);
		pair_add_records(&pair, fields, 26 * 2, true, &seed);
		pair_close(&pair);
	}
}

/*
 * Keys of one byte to 100 KB, in limits of all sizes: equal except for the
 * last byte, the first byte, or the length.
 */
static void
it_takes_keys_of_any_length(void)
{
	static const size_t lengths[] = {1, 8, 15, 16, 17, 31, 32, 33, 100, 4000, 5000, 20000, 100000};
	static char bytes[3][100001];
	static FlowSlice fields[flow_countof(lengths) * 6 * NCOLUMNS];
	size_t count = 0;
	uint64_t seed = 99;

	memset(bytes, 'x', sizeof(bytes));
	bytes[1][0] = 'y';
	for (size_t l = 0; l < flow_countof(lengths); l++)
	{
		for (int form = 0; form < 6; form++)
		{
			for (int c = 0; c < NCOLUMNS; c++)
				fields[count * NCOLUMNS + (size_t) c] = SLICE("1");
			fields[count++ * NCOLUMNS] =
				(FlowSlice) {bytes[form % 3], lengths[l] + (size_t) form / 3};
		}
	}
	for (size_t memory = 0; memory <= 3000000; memory = memory * 2 + 1000)
	{
		FlowGroupSpec spec = spec_of_bytes(1, memory);
		Pair pair;

		pair_open(&pair, &spec);
		for (int repeat = 0; repeat < 2; repeat++)
		{
			memset(bytes[2] + 50, 'x' + repeat, 1);
			pair_add_records(&pair, fields, count, repeat == 0, &seed);
		}
		CHECK(memory > 2000000 ? pair.limits == 0 : memory > 500000 || pair.limits > 0);
		pair_close(&pair);
	}
}

/*
 * A group without a field may result from a bad one.  Where a field is
 * required, it is an error nevertheless.
 */
static void
it_does_not_hide_missing_fields_behind_groups(void)
{
	static const FlowGroupBy keys[] = {{9, NULL}};
	FlowGroupSpec spec =
		{&unit_host, columns, NCOLUMNS, NULL, keys, 1, all_of_bytes, 1, 100000, false, NULL, 0};
	FlowSlice fields[NCOLUMNS] = {0};
	FlowBatch batch = {.count = 1, .fields = fields};
	FlowGroups *groups;
	FlowBadField bad;
	FlowError error;
	size_t done = 0;

	CHECK_INT(flow_groups_create(&spec, &groups, &error), FLOW_OK);
	fields[9] = SLICE("x");
	CHECK_INT(flow_groups_add(groups, &batch, &done, false, &bad), FLOW_BAD_SYNTAX);
	CHECK_INT(bad.column, 9);
	CHECK_INT(flow_groups_count(groups), 0);
	CHECK_INT(flow_groups_add(groups, &batch, &done, true, &bad), FLOW_OK);
	CHECK_INT(done, 1);
	CHECK_INT(flow_groups_count(groups), 1);
	fields[9] = NO_FIELD;
	done = 0;
	CHECK_INT(flow_groups_add(groups, &batch, &done, false, &bad), FLOW_MISSING);
	CHECK_INT(bad.column, 9);
	CHECK_INT(done, 0);
	CHECK_INT(flow_groups_add(groups, &batch, &done, true, &bad), FLOW_OK);
	CHECK_INT(flow_groups_count(groups), 1);
	flow_groups_free(groups);
}

/* There is one group from the first record on, and none before. */
static void
it_has_one_group_without_keys(void)
{
	static const FlowAggregate count_all[] = {{FLOW_COUNT_ALL, -1, NULL, NULL}};
	FlowGroupSpec spec =
		{&unit_host, columns, NCOLUMNS, NULL, NULL, 0, count_all, 1, 0, false, NULL, 0};
	FlowBatch batch = {.count = 0, .rows = NULL, .next = (const uint32_t *) &spec};
	FlowGroups *groups;
	FlowGroup group;
	FlowBadField bad;
	FlowError error;
	size_t done = 0, position = 0;

	CHECK_INT(flow_groups_create(&spec, &groups, &error), FLOW_OK);
	CHECK_INT(flow_groups_add(groups, &batch, &done, false, &bad), FLOW_OK);
	CHECK_INT(flow_groups_count(groups), 0);
	CHECK_INT(flow_groups_next(groups, &position, &group), FLOW_END);

	/* a number of records that nobody could read */
	batch.count = SIZE_MAX / 2;
	CHECK_INT(flow_groups_add(groups, &batch, &done, false, &bad), FLOW_OK);
	CHECK_INT(done, SIZE_MAX / 2);
	CHECK_INT(flow_groups_count(groups), 1);
	CHECK_INT(flow_groups_next(groups, &position, &group), FLOW_OK);
	CHECK_INT(group.totals[0].count, SIZE_MAX / 2);
	CHECK_INT(flow_groups_next(groups, &position, &group), FLOW_END);
	flow_groups_clear(groups);
	CHECK_INT(flow_groups_count(groups), 0);
	flow_groups_free(groups);
}

/* ---------- memory ---------- */

static size_t lent, most_lent, times_lent;

static void *
counting_allocate(void *arg, size_t size)
{
	void *memory = unit_allocate(arg, size);

	lent += malloc_usable_size(memory);
	most_lent = lent > most_lent ? lent : most_lent;
	times_lent++;
	return memory;
}

static void
counting_free(void *arg, void *memory)
{
	lent -= malloc_usable_size(memory);
	unit_free(arg, memory);
}

/*
 * Adds groups "first", "first" + 1 and so on until they no longer fit.
 * Returns how many did.
 */
static size_t
add_until_full(FlowGroups *groups, uint64_t first, size_t key_len)
{
	char key[200];
	FlowSlice fields[NCOLUMNS] = {0};
	FlowBatch batch = {.count = 1, .fields = fields};
	FlowBadField bad;

	memset(key, 'k', sizeof(key));
	for (;; first++)
	{
		size_t done = 0;
		FlowStatus status;

		snprintf(key, 21, "%020" PRIu64, first);
		key[20] = 'k';
		fields[0] = (FlowSlice) {key + 20 - (key_len < 20 ? key_len : 20), key_len};
		status = flow_groups_add(groups, &batch, &done, false, &bad);
		CHECK_INT(done, status == FLOW_OK);
		if (status == FLOW_OK)
			continue;
		CHECK_INT(status, FLOW_LIMIT);
		return flow_groups_count(groups);
	}
}

static void
it_keeps_to_its_memory(void)
{
	static const size_t bounds[] = {100000, 1000000, 8000000};
	static const size_t key_lens[] = {12, 150};
	FlowHost host = unit_host;

	host.allocate = counting_allocate;
	host.free = counting_free;
	for (size_t b = 0; b < flow_countof(bounds) * 2; b++)
	{
		size_t memory = bounds[b / 2], key_len = key_lens[b % 2];
		FlowGroupSpec spec = spec_of_bytes(1, memory);
		/* short keys, which are digits, are packed */
		size_t packed_size = 8 + 3 * 8 + 5 * 4 + 8;
		size_t loose_size = sizeof(FlowTotal) * 5 + 24 + 8 + 150;
		size_t group_size = key_len == 12 ? packed_size : loose_size;
		size_t other_size = key_len == 12 ? loose_size : packed_size;
		size_t fixed, count, times;
		FlowGroups *groups;
		FlowError error;

		lent = most_lent = times_lent = 0;
		spec.host = &host;
		CHECK_INT(flow_groups_create(&spec, &groups, &error), FLOW_OK);
		fixed = lent;
		count = add_until_full(groups, 0, key_len);
		CHECK(most_lent <= fixed + memory + memory / 50);
		CHECK(count * group_size > memory / 2);

		/* and again, in the same memory */
		flow_groups_clear(groups);
		times = times_lent;
		CHECK(add_until_full(groups, 1000000, key_len) >= count);
		CHECK(times_lent <= times + 2);
		CHECK(most_lent <= fixed + memory + memory / 50);

		/* groups of another size fit into it */
		flow_groups_clear(groups);
		CHECK(add_until_full(groups, 2000000, 162 - key_len) * other_size > memory / 4);
		CHECK(most_lent <= fixed + memory + memory / 50);
		flow_groups_free(groups);
		CHECK_INT(lent, 0);
	}
}

/*
 * Small groups and groups that need a chunk each alternate: memory left by one
 * kind is used by the other.
 */
static void
it_gives_memory_back(void)
{
	static char large[30000];
	FlowGroupSpec spec = spec_of_bytes(1, 200000);
	FlowSlice fields[NCOLUMNS] = {0};
	FlowBatch batch = {.count = 1, .fields = fields};
	size_t small_count = 0, large_count = 0;
	FlowGroups *groups;
	FlowBadField bad;
	FlowError error;

	memset(large, 'x', sizeof(large));
	CHECK_INT(flow_groups_create(&spec, &groups, &error), FLOW_OK);
	for (int turn = 0; turn < 20; turn++)
	{
		size_t count = add_until_full(groups, (uint64_t) turn * 1000000, 12);
		size_t done;

		CHECK(turn < 2 || count >= small_count);
		small_count = count;
		flow_groups_clear(groups);
		do
		{
			done = 0;
			large[snprintf(large, 20, "%d %zu", turn, flow_groups_count(groups))] = 'x';
			fields[0] = (FlowSlice) {large, sizeof(large)};
		} while (flow_groups_add(groups, &batch, &done, false, &bad) == FLOW_OK);
		count = flow_groups_count(groups);
		CHECK(count > 1 && (turn < 2 || count >= large_count));
		large_count = count;
		flow_groups_clear(groups);
	}
	flow_groups_free(groups);
}

/* Whichever allocation fails, nothing is lost, and adding can continue. */
static void
it_bears_failing_allocations(void)
{
	static FlowSlice fields[MAX_RECORDS * NCOLUMNS];
	static char keys[1000][40];
	FlowGroupSpec spec = spec_of_bytes(1, 400000);
	size_t batch_size = 200;
	bool failed = true;
	FlowError error;

	for (int i = 0; i < 1000; i++)
		snprintf(keys[i], sizeof(keys[i]), "%d %s", i, i % 3 ? "" : "with more to it than fits");
	for (int after = 0; failed && after < 200; after++)
	{
		uint64_t seed = 3;
		Pair pair = {.spec = &spec, .model = {.spec = &spec}, .collected = {.spec = &spec}};
		FlowStatus status;

		unit_state.fail_after = after;
		status = flow_groups_create(&spec, &pair.groups, &error);
		if (status != FLOW_OK)
		{
			CHECK_INT(status, FLOW_NO_MEMORY);
			CHECK(pair.groups == NULL);
			CHECK_INT(unit_state.outstanding, 0);
			continue;
		}
		for (size_t first = 0; first < 1000; first += batch_size)
		{
			for (size_t i = 0; i < batch_size * NCOLUMNS; i++)
				fields[i] = SLICE("12");
			for (size_t i = 0; i < batch_size; i++)
				fields[i * NCOLUMNS] = (FlowSlice) {keys[first + i], strlen(keys[first + i])};
			pair_add_records(&pair, fields, batch_size, true, &seed);
		}
		failed = pair.failures > 0;
		unit_state.fail_after = -1;
		CHECK_INT(flow_groups_count(pair.groups), 1000);
		pair_close(&pair);
	}
	CHECK(!failed); /* the last one had all the memory it needed */
	CHECK_INT(unit_state.outstanding, 0);
}

/* ---------- groups by value ---------- */

/* Writes a key as its value, in another way. */
static FlowSlice
naive_form(const FlowColumn *column, FlowSlice field, char *buffer)
{
	FlowValue value;
	char *end;

	if (flow_value_read(column, &unit_host, field, &value) != FLOW_OK)
		return (FlowSlice) {column->null_text, column->null_text ? column->null_len : 0};
	if (column->type == FLOW_TEXT)
		return value.text;
	if (column->type <= FLOW_INT64)
		return (FlowSlice) {buffer, (size_t) sprintf(buffer, "%" PRId64, value.integer)};
	inet_ntop(value.address.family == 4 ? AF_INET : AF_INET6, value.address.bytes, buffer, 64);
	end = buffer + strlen(buffer);
	if (value.address.bits != (value.address.family == 4 ? 32 : 128))
		end += sprintf(end, "/%d", value.address.bits);
	return (FlowSlice) {buffer, (size_t) (end - buffer)};
}

/* Returns true if the field is a value in another spelling. */
static bool
is_spelled_otherwise(int column, FlowSlice field)
{
	char buffer[64];
	FlowSlice form = naive_form(&columns[column], field, buffer);

	return form.data != NULL && field.data != NULL && !model_same_bytes(form, field);
}

/* Adds record "i" to the model, with its keys written like that. */
static void
add_by_value(ModelGroups *model, const FlowSlice *fields, bool bad_is_null)
{
	static char buffers[NCOLUMNS][64];
	FlowSlice copy[NCOLUMNS];

	memcpy(copy, fields, sizeof(copy));
	for (int k = 0; k < model->spec->nkeys; k++)
	{
		int column = model->spec->keys[k].column;

		copy[column] = naive_form(&columns[column], fields[column], buffers[column]);
	}
	CHECK(model_add(model, copy, bad_is_null));
}

/* Moves all groups to others, like a host that has stored them. */
static void
merge_all(const FlowGroupSpec *spec, FlowGroups *from, FlowGroups *into)
{
	size_t position = 0;
	FlowGroup group;

	while (flow_groups_next(from, &position, &group) == FLOW_OK)
	{
		char buffers[MODEL_KEYS][FLOW_FORM_SIZE];
		FlowSlice keys[MODEL_KEYS];

		for (int k = 0; k < spec->nkeys; k++)
			keys[k] = flow_groups_key_form(from, k, group.keys[k], buffers[k]);
		CHECK_INT(flow_groups_merge(into, keys, group.totals), FLOW_OK);
		CHECK(flow_groups_are_whole(into));
	}
	flow_groups_clear(from);
	flow_groups_shrink(from);
}

/*
 * Adds a batch to groups and model.  Merges groups that do not fit into
 * others, and returns false in that case.
 */
static bool
add_whole(const FlowGroupSpec *spec, FlowGroups *groups, FlowGroups *others, ModelGroups *model,
          const FlowBatch *batch, const FlowSlice *fields)
{
	size_t done = 0;
	bool bad_is_null = false, fits = true;

	while (done < batch->count && unit_complaints == 0)
	{
		size_t before = done;
		FlowBadField bad;
		FlowStatus status = flow_groups_add(groups, batch, &done, bad_is_null, &bad);

		for (; before < done; before++)
			add_by_value(model, fields + before * (size_t) NCOLUMNS, bad_is_null);
		bad_is_null = status != FLOW_OK && status != FLOW_LIMIT;
		if (status == FLOW_LIMIT)
		{
			merge_all(spec, groups, others);
			fits = false;
		}
	}
	return fits;
}

static void
it_makes_groups_whole(void)
{
	static FlowSlice fields[MAX_RECORDS * NCOLUMNS];
	uint64_t seed = 20260130;
	int rounds = 0, at_once = 0, merged = 0;

	while (rounds < unit_tries(300) && unit_complaints == 0)
	{
		RandomSpec random;
		FlowGroupSpec unbounded;
		FlowGroups *groups, *others;
		ModelGroups model = {.spec = &random.spec}, collected = {.spec = &random.spec};
		FlowError error;
		bool fits = true;

		random_spec(&random, &seed);
		random.spec.by_value = random.spec.nkeys > 0;
		for (int k = 0; k < random.spec.nkeys; k++)
			random.spec.by_value &= flow_group_keeps_values(&columns[random.keys[k].column]) &&
			                        !columns[random.keys[k].column].not_null;
		if (!random.spec.by_value)
			continue;
		rounds++;
		unbounded = random.spec;
		unbounded.memory = SIZE_MAX;
		CHECK_INT(flow_groups_create(&random.spec, &groups, &error), FLOW_OK);
		CHECK_INT(flow_groups_create(&unbounded, &others, &error), FLOW_OK);
		for (int i = 0; i < 6; i++)
		{
			size_t count = random_records(fields, true, true, &seed);
			ModelBatch made;

			/* every other time there are no other spellings */
			for (size_t f = 0; f < count * (size_t) NCOLUMNS && rounds % 2; f++)
			{
				int column = (int) (f % (size_t) NCOLUMNS);

				for (int k = 0; k < random.spec.nkeys; k++)
					if (random.keys[k].column == column && is_spelled_otherwise(column, fields[f]))
						fields[f] =
							(FlowSlice) {columns[column].null_text, columns[column].null_len};
			}
			model_batch(&made, fields, count, NCOLUMNS, &seed);
			fits &= add_whole(&random.spec, groups, others, &model, &made.batch, fields);
			model_batch_free(&made);
		}

		if (fits && flow_groups_are_whole(groups))
			at_once++;
		else
		{
			merge_all(&random.spec, groups, others);
			merged++;
		}
		model_absorb(&collected, groups);
		model_absorb(&collected, others);
		CHECK_INT(flow_groups_count(groups) + flow_groups_count(others), collected.count);
		CHECK(model_equal(&model, &collected));
		flow_groups_free(groups);
		flow_groups_free(others);
		model_free(&model);
		model_free(&collected);
	}
	CHECK(at_once > unit_tries(30));
	CHECK(merged > unit_tries(100));
	CHECK_INT(unit_state.outstanding, 0);
}

static void
it_knows_which_values_it_can_tell_apart(void)
{
	static const struct
	{
		FlowColumn column;
		bool can;
	} cases[] = {
		{{.type = FLOW_TEXT, .max_chars = -1, .null_text = "-", .null_len = 1}, true},
		{{.type = FLOW_TEXT, .max_chars = -1, .null_text = "0123456789abcdef", .null_len = 16},
	     true},
		{{.type = FLOW_TEXT, .max_chars = -1, .null_text = "0123456789abcdefg", .null_len = 17},
	     false},
		{{.type = FLOW_TEXT, .max_chars = 6, .null_text = "-", .null_len = 1}, true},
		/* "-  " is cut to this */
		{{.type = FLOW_TEXT, .max_chars = 1, .null_text = "-", .null_len = 1}, false},
		{{.type = FLOW_TEXT, .max_chars = 1, .null_text = NULL}, true},
		{{.type = FLOW_INT32, .null_text = "-", .null_len = 1}, true},
		{{.type = FLOW_INT32, .null_text = "0", .null_len = 1}, false}, /* the value of "00" */
		{{.type = FLOW_INT32, .null_text = "00", .null_len = 2}, false},
		{{.type = FLOW_ADDRESS, .null_text = "0.0.0.0", .null_len = 7}, false},
		{{.type = FLOW_NETWORK, .null_text = "", .null_len = 0}, true},
		{{.type = FLOW_PADDED, .max_chars = -1}, false},
		{{.type = FLOW_TIME}, false},
		{{.type = FLOW_DOUBLE}, false},
	};

	for (size_t i = 0; i < flow_countof(cases); i++)
		CHECK_INT(flow_group_keeps_values(&cases[i].column), cases[i].can);
}

int
main(void)
{
	RUN(it_adds_what_the_model_adds);
	RUN(it_sums_beyond_64_bits);
	RUN(it_reads_digits_of_any_length);
	RUN(it_takes_keys_of_any_length);
	RUN(it_does_not_hide_missing_fields_behind_groups);
	RUN(it_has_one_group_without_keys);
	RUN(it_keeps_to_its_memory);
	RUN(it_gives_memory_back);
	RUN(it_bears_failing_allocations);
	RUN(it_makes_groups_whole);
	RUN(it_knows_which_values_it_can_tell_apart);
	flow_groups_free(NULL);
	return unit_done();
}
