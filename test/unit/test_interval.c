/*-------------------------------------------------------------------------
 *
 * test_interval.c
 *	  Tests flow/filter_interval.c: compares the possible results of a filter
 *	  for values with known bounds with its results for each of the values.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

enum
{
	NUMBER,
	TIME,
	DAY,
	WORD,
	NCOLUMNS
};

static const FlowColumn columns[] = {
	[NUMBER] = {"number", NULL, FLOW_INT64, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
	[TIME] = {"time", NULL, FLOW_TIME, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
	[DAY] = {"day", NULL, FLOW_DAY, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
	[WORD] = {"word", NULL, FLOW_TEXT, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
};

#define DAY_SECONDS 86400
#define MOST 12 /* values and constants are numbers from 0 to 11 */

/*
 * Returns a number as a value of a column.  Times are whole days, so that
 * every column can have them.
 */
static int64_t
value_of(int column, int64_t number)
{
	return column == NUMBER ? number * DAY_SECONDS
	       : column == TIME ? number * DAY_SECONDS * 1000000
	                        : number;
}

/* Makes a leaf, or a tree. */
static FlowPredicate *
random_predicate(FlowFilter *filter, uint64_t *seed, int depth)
{
	FlowPredicate *children[3];
	size_t count = 1 + unit_random(seed) % 3;
	int column = (int) (unit_random(seed) % 3);
	FlowValue constants[5];
	FlowValue word = {.text = {"a", 1}};
	FlowView view = FLOW_AS_IS;

	if (depth > 0 && unit_random(seed) % 2 == 0)
	{
		for (size_t i = 0; i < count; i++)
			children[i] = random_predicate(filter, seed, depth - 1);
		switch (unit_random(seed) % 3)
		{
			case 0:
				return flow_filter_and(filter, children, count);
			case 1:
				return flow_filter_or(filter, children, count);
			default:
				return flow_filter_not(filter, children[0]);
		}
	}

	for (int i = 0; i < 5; i++)
	{
		int64_t number = (int64_t) (unit_random(seed) % (MOST + 4)) - 2;

		/* a few are far away, so that a set is not a bitmap */
		if (unit_random(seed) % 10 == 0)
			number *= 1000000;
		constants[i].integer = value_of(column, number);
		if (column == NUMBER && unit_random(seed) % 4 == 0)
			view = FLOW_AS_UNIX_TIME;
	}
	if (view == FLOW_AS_UNIX_TIME)
		for (int i = 0; i < 5; i++)
			constants[i].integer *= 1000000;
	switch (unit_random(seed) % 12)
	{
		case 0:
			return flow_filter_is_null(filter, column);
		case 1:
			return flow_filter_constant(filter, (FlowTruth) (unit_random(seed) % 3));
		case 2:
			return flow_filter_compare(filter, WORD, FLOW_AS_IS, FLOW_EQ, &word);
		case 3:
		case 4:
			return flow_filter_any(filter,
			                       column,
			                       view,
			                       FLOW_EQ,
			                       constants,
			                       1 + unit_random(seed) % 5,
			                       unit_random(seed) % 4 == 0);
		default:
			return flow_filter_compare(filter,
			                           column,
			                           view,
			                           (FlowOp) (unit_random(seed) % (FLOW_GE + 1)),
			                           constants);
	}
}

/*
 * Returns a bit for each result of records whose values are among these numbers
 * or, unless it is said that there always is one, NULL.  "word" is their text;
 * NULL: either of two.
 */
static unsigned
all_results(const FlowFilter *filter, int64_t low, int64_t high, bool always, const char *word)
{
	unsigned results = 0;

	for (int64_t numbers = 0; numbers < (MOST + 1) * (MOST + 1) * (MOST + 1) * 2; numbers++)
	{
		int64_t number[] = {numbers % (MOST + 1),
		                    numbers / (MOST + 1) % (MOST + 1),
		                    numbers / ((MOST + 1) * (MOST + 1)) % (MOST + 1)};
		char text[3][30];
		FlowSlice fields[NCOLUMNS];
		FlowBadField bad;
		bool among = true;

		/* the last one stands for NULL */
		for (int i = 0; i < 3; i++)
			among &= number[i] == MOST ? !always : number[i] >= low && number[i] <= high;
		if (!among)
			continue;
		for (int i = 0; i < 3; i++)
		{
			snprintf(text[i], sizeof(text[i]), "%" PRId64, number[i] * DAY_SECONDS);
			fields[i] =
				number[i] == MOST ? (FlowSlice) {"-", 1} : (FlowSlice) {text[i], strlen(text[i])};
		}
		fields[WORD] = numbers / ((MOST + 1) * (MOST + 1) * (MOST + 1)) % 2 ? (FlowSlice) {"a", 1}
		                                                                    : (FlowSlice) {"b", 1};
		if (word == NULL || *word == *fields[WORD].data)
			results |= 1u << flow_filter_test(filter, fields, &bad);
	}
	return results;
}

/* Returns true if one of these records passes. */
static bool
any_passes(const FlowFilter *filter, int64_t low, int64_t high)
{
	return (all_results(filter, low, high, false, NULL) & 1u << FLOW_TRUE) != 0;
}

static void
nothing_passes_where_it_says_so(void)
{
	uint64_t seed = 31337;
	int refused = 0, impossible = 0;

	for (int round = 0; round < 4000; round++)
	{
		FlowFilter *filter = flow_filter_create(&unit_host, columns, NCOLUMNS, round % 2 == 0);
		int64_t low = (int64_t) (unit_random(&seed) % MOST);
		int64_t high = low + (int64_t) (unit_random(&seed) % (uint64_t) (MOST - low) / 3);
		FlowInterval intervals[NCOLUMNS] = {{false, 0, 0, false}};
		bool may, does;

		flow_filter_set_root(filter, random_predicate(filter, &seed, 3));
		for (int i = 0; i < 3; i++)
			intervals[i] = (FlowInterval) {true, value_of(i, low), value_of(i, high), false};
		may = flow_filter_may_pass(filter, intervals);
		does = any_passes(filter, low, high);
		CHECK(may || !does);
		refused += !may;
		impossible += !does;
		flow_filter_free(filter);
	}

	/* it is not exact, but useful */
	CHECK(impossible > 800);
	CHECK(refused > impossible * 8 / 10);
	printf("# %d of %d\n", refused, impossible);
}

/* Returns true if all results let a record pass, or none does. */
static bool
is_one(unsigned results)
{
	return (results & 1u << FLOW_TRUE) == 0 || results == 1u << FLOW_TRUE;
}

static void
what_is_decided_is_the_same_for_all_records(void)
{
	uint64_t seed = 271828;
	int decided = 0, constant = 0;

	for (int round = 0; round < 4000; round++)
	{
		FlowFilter *filter = flow_filter_create(&unit_host, columns, NCOLUMNS, round % 2 == 0);
		int64_t low = (int64_t) (unit_random(&seed) % MOST);
		int64_t high = low + (int64_t) (unit_random(&seed) % (uint64_t) (MOST - low) / 3);
		FlowInterval intervals[NCOLUMNS] = {{false, 0, 0, false}};
		bool always = unit_random(&seed) % 2 == 0;
		bool same[NCOLUMNS] = {false};
		unsigned results[2];
		bool is_decided;

		flow_filter_set_root(filter, random_predicate(filter, &seed, 3));
		same[WORD] = unit_random(&seed) % 2 == 0;
		for (int i = 0; i < 3; i++)
			intervals[i] = (FlowInterval) {true, value_of(i, low), value_of(i, high), always};
		for (int i = 0; i < 2; i++)
			results[i] = all_results(filter, low, high, always, same[WORD] ? &"ab"[i] : NULL);
		is_decided = flow_filter_is_decided(filter, intervals, same);
		for (int i = 0; i < 2; i++)
			CHECK(!is_decided || is_one(results[i]));
		decided += is_decided;
		constant += is_one(results[0]) && is_one(results[1]);
		flow_filter_free(filter);
	}

	/* it is not exact, but useful */
	CHECK(constant > 800);
	CHECK(decided > constant * 6 / 10);
	printf("# %d of %d\n", decided, constant);
}

static void
a_single_comparison_is_judged_exactly(void)
{
	for (int column = 0; column < 3; column++)
		for (FlowOp op = FLOW_EQ; op <= FLOW_GE; op++)
			for (int64_t constant = 0; constant < MOST; constant++)
				for (int64_t low = 0; low < MOST; low++)
					for (int64_t high = low; high < MOST; high++)
					{
						FlowFilter *filter =
							flow_filter_create(&unit_host, columns, NCOLUMNS, false);
						FlowValue value = {.integer = value_of(column, constant)};
						FlowInterval intervals[NCOLUMNS] = {{false, 0, 0, false}};
						bool want = op == FLOW_EQ   ? low <= constant && constant <= high
						            : op == FLOW_NE ? low != constant || high != constant
						            : op == FLOW_LT ? low < constant
						            : op == FLOW_LE ? low <= constant
						            : op == FLOW_GT ? high > constant
						                            : high >= constant;

						flow_filter_set_root(
							filter, flow_filter_compare(filter, column, FLOW_AS_IS, op, &value));
						CHECK(flow_filter_may_pass(filter, intervals)); /* nothing is known */
						intervals[column] = (FlowInterval) {true,
						                                    value_of(column, low),
						                                    value_of(column, high),
						                                    false};
						CHECK(flow_filter_may_pass(filter, intervals) == want);
						flow_filter_free(filter);
					}
}

static void
a_large_set_is_judged_by_its_range(void)
{
	static FlowValue values[5000];
	FlowFilter *filter = flow_filter_create(&unit_host, columns, NCOLUMNS, false);
	FlowInterval intervals[NCOLUMNS] = {{false, 0, 0, false}};

	for (int i = 0; i < 5000; i++)
		values[i].integer = (int64_t) i * 1000;
	flow_filter_set_root(filter,
	                     flow_filter_any(filter, NUMBER, FLOW_AS_IS, FLOW_EQ, values, 5000, false));
	intervals[NUMBER] = (FlowInterval) {true, 5000000, 6000000, false};
	CHECK(!flow_filter_may_pass(filter, intervals));
	intervals[NUMBER] = (FlowInterval) {true, -10, -1, false};
	CHECK(!flow_filter_may_pass(filter, intervals));
	intervals[NUMBER] = (FlowInterval) {true, 4000, 4000, false};
	CHECK(flow_filter_may_pass(filter, intervals));
	flow_filter_free(filter);
}

int
main(void)
{
	RUN(a_single_comparison_is_judged_exactly);
	RUN(nothing_passes_where_it_says_so);
	RUN(what_is_decided_is_the_same_for_all_records);
	RUN(a_large_set_is_judged_by_its_range);
	return unit_done();
}
