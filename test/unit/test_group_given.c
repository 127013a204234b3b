/*-------------------------------------------------------------------------
 *
 * test_group_given.c
 *	  Tests flow/group_given.c: a record that is added many times at once makes
 *	  the groups that it makes when it is added time after time.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#define NCOLUMNS 5
#define MAX_GROUPS 64

static const FlowColumn columns[NCOLUMNS] = {
	{.name = "action", .type = FLOW_TEXT, .max_chars = -1, .null_text = "-", .null_len = 1},
	{.name = "bytes", .type = FLOW_INT64, .max_chars = -1, .null_text = "-", .null_len = 1},
	{.name = "srcaddr", .type = FLOW_ADDRESS, .max_chars = -1, .null_text = "-", .null_len = 1},
	{.name = "start",
     .type = FLOW_TIME,
     .max_chars = -1,
     .scale = -1,
     .null_text = "-",
     .null_len = 1},
	{.name = "day", .type = FLOW_DAY, .max_chars = -1, .null_text = "-", .null_len = 1},
};

static const FlowAggregate aggregates[] = {
	{FLOW_COUNT_ALL, -1, NULL, NULL},
	{FLOW_COUNT, 1, NULL, NULL},
	{FLOW_SUM, 1, NULL, NULL},
	{FLOW_SQUARES, 1, NULL, NULL},
	{FLOW_MIN, 3, NULL, NULL},
	{FLOW_MAX, 2, NULL, NULL},
};

#define NAGGREGATES ((int) flow_countof(aggregates))

static const FlowGroupBy keys[][2] = {{{0, NULL}, {1, NULL}}, {{0, NULL}, {2, NULL}}, {{4, NULL}}};

/* A set of groups by the first keys of one of these lists. */
static FlowGroups *
make_groups(int list, int nkeys, bool by_value)
{
	FlowGroupSpec spec = {.host = &unit_host,
	                      .columns = columns,
	                      .ncolumns = NCOLUMNS,
	                      .keys = keys[list],
	                      .nkeys = nkeys,
	                      .aggregates = aggregates,
	                      .naggregates = NAGGREGATES,
	                      .memory = 1000000,
	                      .by_value = by_value};
	FlowGroups *groups;
	FlowError error;

	CHECK_INT(flow_groups_create(&spec, &groups, &error), FLOW_OK);
	return groups;
}

static FlowSlice
one_of(const char *const *texts, size_t count, uint64_t *seed)
{
	const char *text = texts[unit_random(seed) % count];

	return (FlowSlice) {text, text == NULL ? 0 : strlen(text)};
}

/* Sets the fields of a record; "08" and "8" are one value, and so are "-" and no field. */
static void
random_record(FlowSlice *fields, uint64_t *seed)
{
	static const char *const actions[] = {"ACCEPT", "REJECT", "-", NULL};
	static const char *const numbers[] =
		{"8", "08", "-7", "9223372036854775807", "-9223372036854775808", "-", NULL};
	static const char *const addresses[] = {"10.0.0.1", "10.0.0.2", "2001:db8::1", "-"};
	static const char *const times[] = {"1700000000", "2023-11-14T22:13:21Z", "-"};
	static const char *const days[] = {"2026-01-30", "2026-01-31"};

	fields[0] = one_of(actions, flow_countof(actions), seed);
	fields[1] = one_of(numbers, flow_countof(numbers), seed);
	fields[2] = one_of(addresses, flow_countof(addresses), seed);
	fields[3] = one_of(times, flow_countof(times), seed);
	fields[4] = one_of(days, flow_countof(days), seed);
}

/* The groups of a set, by their keys as values. */
typedef struct Listed
{
	char keys[MAX_GROUPS][100];
	FlowTotal totals[MAX_GROUPS][NAGGREGATES];
	size_t count;
} Listed;

/* Lists groups, those of one value together as they are in whole groups. */
static void
list_groups(const FlowGroups *groups, int list, int nkeys, Listed *listed)
{
	size_t position = 0;
	FlowGroup group;

	listed->count = 0;
	while (flow_groups_next(groups, &position, &group) == FLOW_OK)
	{
		char *key = listed->keys[listed->count];

		*key = '\0';
		for (int k = 0; k < nkeys; k++)
		{
			int column = keys[list][k].column;
			FlowValue value;
			char form[FLOW_FORM_SIZE];
			FlowSlice text = {"null", 4};

			if (flow_value_read(&columns[column], &unit_host, group.keys[k], &value) == FLOW_OK)
				text = column == 4 ? group.keys[k]
				                   : flow_value_write(columns[column].type, &value, form);
			snprintf(key + strlen(key), 50, "%.*s|", (int) text.len, text.data);
		}
		memcpy(listed->totals[listed->count++], group.totals, sizeof(listed->totals[0]));
		if (listed->count == MAX_GROUPS)
			abort();
	}
}

/* Returns the sum of a total over the groups of a key, for those that are sums. */
static void
sum_up(const Listed *listed, const char *key, int aggregate, FlowTotal *sum)
{
	memset(sum, 0, sizeof(*sum));
	for (size_t i = 0; i < listed->count; i++)
	{
		const FlowTotal *total = &listed->totals[i][aggregate];
		unsigned __int128 low, added;

		if (strcmp(listed->keys[i], key) != 0)
			continue;
		switch (aggregates[aggregate].kind)
		{
			case FLOW_SUM:
				low = (unsigned __int128) (uint64_t) sum->as.sum.high << 64 | sum->as.sum.low;
				added = (unsigned __int128) (uint64_t) total->as.sum.high << 64 | total->as.sum.low;
				low += added;
				sum->as.sum.low = (uint64_t) low;
				sum->as.sum.high = (int64_t) (uint64_t) (low >> 64);
				break;
			case FLOW_SQUARES:
				/* two words are enough to see a difference */
				low = (unsigned __int128) sum->as.squares.middle << 64 | sum->as.squares.low;
				low += (unsigned __int128) total->as.squares.middle << 64 | total->as.squares.low;
				sum->as.squares.low = (uint64_t) low;
				sum->as.squares.middle = (uint64_t) (low >> 64);
				break;
			case FLOW_MIN:
				if (total->count > 0 &&
				    (sum->count == 0 || total->as.extreme.integer < sum->as.extreme.integer))
					sum->as.extreme = total->as.extreme;
				break;
			case FLOW_MAX:
				if (total->count > 0 &&
				    (sum->count == 0 || flow_address_compare(&total->as.extreme.address,
				                                             &sum->as.extreme.address) > 0))
					sum->as.extreme = total->as.extreme;
				break;
			default:
				break;
		}
		sum->count += total->count;
	}
}

/* Fails unless all groups of either list have the same sums in the other. */
static void
check_alike(const Listed *a, const Listed *b)
{
	for (size_t i = 0; i < a->count; i++)
		for (int k = 0; k < NAGGREGATES; k++)
		{
			FlowTotal x, y;

			sum_up(a, a->keys[i], k, &x);
			sum_up(b, a->keys[i], k, &y);
			CHECK(memcmp(&x, &y, sizeof(x)) == 0);
		}
}

static void
a_record_added_many_times_is_as_many_records(void)
{
	uint64_t seed = 1618;
	static Listed once, many;

	for (int round = 0; round < unit_tries(2000); round++)
	{
		int list = (int) (unit_random(&seed) % flow_countof(keys));
		int nkeys = list == 2 ? 1 : (int) (unit_random(&seed) % 3);
		bool by_value = list != 2 && nkeys > 0 && unit_random(&seed) % 2 == 0;
		FlowGroups *groups = make_groups(list, nkeys, by_value);
		FlowGroups *plain = make_groups(list, nkeys, by_value);
		FlowGroups *alike;
		FlowError error;

		CHECK_INT(flow_groups_create_alike(groups, 60000, &alike, &error), FLOW_OK);
		for (int record = 0; record < 12; record++)
		{
			uint64_t times = 1 + unit_random(&seed) % 40;
			FlowSlice fields[NCOLUMNS];
			FlowBatch batch = {.count = 1, .fields = fields};
			FlowBadField bad;

			random_record(fields, &seed);
			CHECK_INT(flow_groups_add_repeated(groups, alike, fields, times, &bad), FLOW_OK);
			for (uint64_t i = 0; i < times; i++)
			{
				size_t done = 0;

				CHECK_INT(flow_groups_add(plain, &batch, &done, false, &bad), FLOW_OK);
			}
		}
		list_groups(groups, list, nkeys, &once);
		list_groups(plain, list, nkeys, &many);
		check_alike(&once, &many);
		check_alike(&many, &once);
		flow_groups_free(alike);
		flow_groups_free(groups);
		flow_groups_free(plain);
	}
}

static void
a_record_added_no_time_gives_its_extremes_alone(void)
{
	FlowGroups *groups = make_groups(0, 0, false);
	FlowSlice fields[NCOLUMNS] = {{"ACCEPT", 6},
	                              {"7", 1},
	                              {"10.0.0.1", 8},
	                              {"1700000000", 10},
	                              {"-", 1}};
	FlowGroups *alike;
	FlowBadField bad;
	FlowTotal total;
	FlowError error;

	CHECK_INT(flow_groups_create_alike(groups, 60000, &alike, &error), FLOW_OK);
	CHECK_INT(flow_groups_add_repeated(groups, alike, fields, UINT64_C(5000000000), &bad), FLOW_OK);
	fields[2] = (FlowSlice) {"10.0.0.9", 8};
	fields[3] = (FlowSlice) {"1600000000", 10};
	CHECK_INT(flow_groups_add_repeated(groups, alike, fields, 0, &bad), FLOW_OK);
	flow_groups_total(groups, 0, 0, &total);
	CHECK(total.count == UINT64_C(5000000000));
	flow_groups_total(groups, 0, 2, &total);
	CHECK(total.count == UINT64_C(5000000000) && total.as.sum.low == UINT64_C(35000000000));
	flow_groups_total(groups, 0, 4, &total);
	CHECK(total.as.extreme.integer == INT64_C(1600000000000000));
	flow_groups_total(groups, 0, 5, &total);
	CHECK_INT(total.as.extreme.address.bytes[3], 9);

	/* a bad field is named, and nothing is added */
	fields[1] = (FlowSlice) {"x", 1};
	CHECK_INT(flow_groups_add_repeated(groups, alike, fields, 1, &bad), FLOW_BAD_SYNTAX);
	CHECK_INT(bad.column, 1);
	flow_groups_total(groups, 0, 0, &total);
	CHECK(total.count == UINT64_C(5000000000));
	flow_groups_free(alike);
	flow_groups_free(groups);
}

int
main(void)
{
	RUN(a_record_added_many_times_is_as_many_records);
	RUN(a_record_added_no_time_gives_its_extremes_alone);
	return unit_done();
}
