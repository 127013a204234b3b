/*-------------------------------------------------------------------------
 *
 * test_group_top.c
 *	  Tests that no group is skipped (flow/group_top.c) that is among the best n
 *	  when each is looked at.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#include "../../flow/flow_top.h"

#define COLUMN(name_, type_)                                                                       \
	{                                                                                              \
		.name = name_, .type = type_, .max_chars = -1, .precision = -1, .scale = -1,               \
		.null_text = "-", .null_len = 1                                                            \
	}

static const FlowColumn columns[] = {COLUMN("host", FLOW_TEXT), COLUMN("bytes", FLOW_INT64)};
static const FlowGroupBy keys[] = {{0, NULL}};
static const FlowAggregate aggregates[] = {{FLOW_COUNT_ALL, -1, NULL, NULL},
                                           {FLOW_COUNT, 1, NULL, NULL},
                                           {FLOW_SUM, 1, NULL, NULL},
                                           {FLOW_MIN, 1, NULL, NULL},
                                           {FLOW_MAX, 1, NULL, NULL}};

#define NAGGREGATES 5

/* Makes groups with random totals, of which some are equal or extreme, and some are not packed. */
static FlowGroups *
make_groups(int count, uint64_t *seed)
{
	static const int64_t extremes[] = {INT64_MIN / 2, -1, 0, 1, INT64_MAX / 2};
	FlowGroupSpec spec = {.host = &unit_host,
	                      .columns = columns,
	                      .ncolumns = 2,
	                      .keys = keys,
	                      .nkeys = 1,
	                      .aggregates = aggregates,
	                      .naggregates = NAGGREGATES,
	                      .memory = SIZE_MAX,
	                      .by_value = true};
	FlowGroups *groups;
	FlowError error;

	CHECK_INT(flow_groups_create(&spec, &groups, &error), FLOW_OK);
	for (int i = 0; i < count; i++)
	{
		uint64_t random = unit_random(seed);
		int64_t number = (int64_t) (random >> 32) % 2000 - 1000;
		char text[40];
		FlowSlice key = {text, 0};
		FlowTotal totals[NAGGREGATES] = {{.count = 1 + random % 50}};

		key.len = (size_t) snprintf(text,
		                            sizeof(text),
		                            random >> 8 & 15 ? "10.0.%d.%d" : "a-host-of-a-long-name-%d-%d",
		                            i / 250,
		                            i % 250);
		if ((random >> 12 & 63) == 0)
			number = extremes[(random >> 18) % flow_countof(extremes)];
		for (int a = 1; a < NAGGREGATES && (random >> 24 & 7) != 0; a++)
		{
			totals[a].count = totals[0].count;
			/* great sums would not be packed */
			if (aggregates[a].kind == FLOW_SUM)
				totals[a].as.sum.low = (uint64_t) (number % 1000),
				totals[a].as.sum.high = -(number % 1000 < 0);
			else if (aggregates[a].kind >= FLOW_MIN)
				totals[a].as.extreme.integer = number;
		}
		CHECK_INT(flow_groups_merge(groups, &key, totals), FLOW_OK);
	}
	return groups;
}

/* Returns the positions of the groups that stay, and how many groups were looked at. */
static size_t
best_groups(const FlowGroups *groups, int aggregate, FlowTop *top, bool skips, size_t *positions,
            size_t *looked)
{
	size_t position = 0, count = 0;

	*looked = 0;
	for (;; ++*looked)
	{
		size_t shown;
		FlowTotal total;
		FlowValue value = {0};
		bool known;

		if (skips)
			flow_groups_skip_worse(groups, aggregate, top, &position);
		shown = position;
		if (flow_groups_skip(groups, &position) != FLOW_OK)
			return count;
		flow_groups_total(groups, shown, aggregate, &total);
		known = total.count > 0;
		if (aggregates[aggregate].kind <= FLOW_COUNT)
			known = true, value.integer = (int64_t) total.count;
		else if (aggregates[aggregate].kind == FLOW_SUM)
			value.integer = (int64_t) total.as.sum.low;
		else
			value = total.as.extreme;
		if (flow_top_takes(top, known ? &value : NULL))
			positions[count++] = shown;
	}
}

#define MANY 3000

static void
it_skips_none_of_the_best(void)
{
	static size_t each[MANY], rest[MANY];
	uint64_t seed = 3;

	for (int round = 0; round < unit_tries(200); round++)
	{
		FlowGroups *groups = make_groups(MANY, &seed);
		int aggregate = round % NAGGREGATES;
		FlowTopSpec spec = {.host = &unit_host,
		                    .type = FLOW_INT64,
		                    .descending = round / 5 % 2,
		                    .nulls_first = round / 10 % 2};
		size_t wanted = round % 7 == 6 ? 0 : 1 + unit_random(&seed) % 200;
		size_t looked_each, looked, count;
		FlowTop *top;
		FlowError error;

		CHECK_INT(flow_top_create(&spec, &top, &error), FLOW_OK);
		CHECK_INT(flow_top_begin(top, wanted, &error), FLOW_OK);
		count = best_groups(groups, aggregate, top, false, each, &looked_each);
		CHECK_INT(flow_top_begin(top, wanted, &error), FLOW_OK);
		CHECK_INT(best_groups(groups, aggregate, top, true, rest, &looked), count);
		CHECK(memcmp(each, rest, count * sizeof(size_t)) == 0);
		CHECK_INT(looked_each, MANY);
		CHECK(wanted == 0 ? looked == MANY : looked < MANY);
		flow_top_free(top);
		flow_groups_free(groups);
	}
	CHECK_INT(unit_state.outstanding, 0);
}

int
main(void)
{
	RUN(it_skips_none_of_the_best);
	return unit_done();
}
