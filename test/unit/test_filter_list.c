/*-------------------------------------------------------------------------
 *
 * test_filter_list.c
 *	  Tests long lists in flow/filter*.c: they become structures that are
 *	  evaluated quickly, are built in no more steps than necessary, and can be
 *	  interrupted.
 *
 * Steps are counted by the number of times that the host is asked about an
 * interrupt, because that happens after a fixed number of steps.
 *
 *-------------------------------------------------------------------------
 */
#include "../../flow/bytes/ends.h"
#include "../../flow/filter.h"
#include "../../flow/selector.h"
#include "batch_filter.h"

enum
{
	PORT,
	BYTES,
	START,
	INTERFACE,
	PADDED,
	ADDRESS,
	OTHER,
	NCOLUMNS
};

static const FlowColumn columns[NCOLUMNS] = {
	[PORT] = {"port", NULL, FLOW_INT32, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
	[BYTES] = {"bytes", NULL, FLOW_INT64, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
	[START] = {"start", NULL, FLOW_TIME, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
	[INTERFACE] =
		{"interface", NULL, FLOW_TEXT, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
	[PADDED] = {"padded", NULL, FLOW_PADDED, 12, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
	[ADDRESS] =
		{"address", NULL, FLOW_ADDRESS, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
	[OTHER] = {"other", NULL, FLOW_INT32, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
};

#define SLICE(literal) ((FlowSlice) {(literal), sizeof(literal) - 1})

/* ---------- what is compared ---------- */

typedef struct Case
{
	int column;
	FlowView view;
	FlowOp op;
} Case;

static const Case cases[] = {
	{PORT, FLOW_AS_IS, FLOW_EQ},          {PORT, FLOW_AS_IS, FLOW_NE},
	{PORT, FLOW_AS_DOUBLE, FLOW_EQ},      {BYTES, FLOW_AS_IS, FLOW_EQ},
	{BYTES, FLOW_AS_IS, FLOW_LT},         {BYTES, FLOW_AS_IS, FLOW_GE},
	{BYTES, FLOW_AS_UNIX_TIME, FLOW_GT},  {START, FLOW_AS_IS, FLOW_EQ},
	{START, FLOW_AS_IS, FLOW_NE},         {START, FLOW_AS_IS, FLOW_LE},
	{INTERFACE, FLOW_AS_IS, FLOW_EQ},     {INTERFACE, FLOW_AS_IS, FLOW_NE},
	{INTERFACE, FLOW_AS_IS, FLOW_GT},     {PADDED, FLOW_AS_IS, FLOW_EQ},
	{PADDED, FLOW_AS_IS, FLOW_LE},        {ADDRESS, FLOW_AS_IS, FLOW_EQ},
	{ADDRESS, FLOW_AS_IS, FLOW_NE},       {ADDRESS, FLOW_AS_IS, FLOW_GE},
	{ADDRESS, FLOW_AS_IS, FLOW_WITHIN},   {ADDRESS, FLOW_AS_IS, FLOW_WITHIN_OR_EQUAL},
	{ADDRESS, FLOW_AS_IS, FLOW_CONTAINS}, {ADDRESS, FLOW_AS_IS, FLOW_CONTAINS_OR_EQUAL},
	{ADDRESS, FLOW_AS_IS, FLOW_OVERLAPS},
};

/* Makes distinct constants, in no order, which the caller frees. */
static FlowValue *
make_constants(const Case *c, size_t count)
{
	FlowValue *constants = calloc(count, sizeof(FlowValue) + 24);
	char *texts = (char *) (constants + count);

	for (size_t i = 0; i < count; i++)
	{
		/* multiplying by an odd number keeps them distinct */
		uint32_t number = (uint32_t) i * UINT32_C(2654435761);

		if (c->column == INTERFACE || c->column == PADDED)
			constants[i].text =
				(FlowSlice) {texts + i * 24, (size_t) sprintf(texts + i * 24, "eni-%08x", number)};
		else if (c->column == ADDRESS)
			constants[i].address = (FlowAddress) {4,
			                                      32,
			                                      {(uint8_t) (number >> 24),
			                                       (uint8_t) (number >> 16),
			                                       (uint8_t) (number >> 8),
			                                       (uint8_t) number}};
		else if (c->view == FLOW_AS_DOUBLE)
			constants[i].real = number;
		else
			constants[i].integer =
				(int64_t) number *
				(c->column == START || c->view == FLOW_AS_UNIX_TIME ? 1000000 : 1);
	}
	return constants;
}

/* Builds the same comparison as an array of constants. */
static FlowPredicate *
build_array(FlowFilter *filter, const Case *c, bool any, const FlowValue *constants, size_t count)
{
	return (any ? flow_filter_any
	            : flow_filter_all)(filter, c->column, c->view, c->op, constants, count, false);
}

/*
 * Builds the same comparison written out.  "negated": as NOT of the opposite
 * list of NOTs.
 */
static FlowPredicate *
build_list(FlowFilter *filter, const Case *c, bool any, bool negated, const FlowValue *constants,
           size_t count)
{
	FlowPredicate **children = calloc(count, sizeof(FlowPredicate *));
	FlowPredicate *list;

	for (size_t i = 0; i < count; i++)
	{
		children[i] = flow_filter_compare(filter, c->column, c->view, c->op, &constants[i]);
		if (negated)
			children[i] = flow_filter_not(filter, children[i]);
	}
	list = (any != negated ? flow_filter_or : flow_filter_and)(filter, children, count);
	free(children);
	return negated ? flow_filter_not(filter, list) : list;
}

/* ---------- what becomes of lists ---------- */

static void
a_list_that_is_written_out_becomes_one_comparison(void)
{
	for (size_t i = 0; i < flow_countof(cases); i++)
		for (int any = 0; any < 2; any++)
			for (int negated = 0; negated < 2; negated++)
			{
				FlowFilter *filter = flow_filter_create(&unit_host, columns, NCOLUMNS, false);
				FlowValue *constants = make_constants(&cases[i], 2000);
				FlowPredicate *list = build_list(filter, &cases[i], any, negated, constants, 2000);

				CHECK(list->weight <= 3);
				flow_filter_free(filter);
				free(constants);
			}
}

static void
a_list_is_evaluated_like_the_array_of_its_constants(void)
{
	static const char *const fields[] = {"-",
	                                     "7",
	                                     "x",
	                                     "443",
	                                     "1700000000",
	                                     "eni-00000000",
	                                     "eni-9e3779b1",
	                                     "10.0.0.0/8",
	                                     "158.55.121.177",
	                                     "0.0.0.0",
	                                     "::"};

	for (size_t i = 0; i < flow_countof(cases); i++)
		for (size_t count = 1; count < 60; count += 29)
			for (int any = 0; any < 2; any++)
				for (int negated = 0; negated < 2; negated++)
				{
					FlowFilter *filters[2] =
						{flow_filter_create(&unit_host, columns, NCOLUMNS, false),
					     flow_filter_create(&unit_host, columns, NCOLUMNS, false)};
					FlowValue *constants = make_constants(&cases[i], count);

					flow_filter_set_root(
						filters[0],
						build_list(filters[0], &cases[i], any, negated, constants, count));
					flow_filter_set_root(filters[1],
					                     build_array(filters[1], &cases[i], any, constants, count));
					for (size_t f = 0; f < flow_countof(fields); f++)
					{
						FlowSlice record[NCOLUMNS];
						FlowBadField bad[2];

						for (int k = 0; k < NCOLUMNS; k++)
							record[k] = (FlowSlice) {fields[f], strlen(fields[f])};
						CHECK_INT(flow_filter_test(filters[0], record, &bad[0]),
						          flow_filter_test(filters[1], record, &bad[1]));
						CHECK_INT(bad[0].column, bad[1].column);
					}
					flow_filter_free(filters[0]);
					flow_filter_free(filters[1]);
					free(constants);
				}
}

static void
sets_of_one_column_become_one_set(void)
{
	FlowFilter *filter = flow_filter_create(&unit_host, columns, NCOLUMNS, false);
	FlowValue *constants = make_constants(&cases[0], 3000);
	FlowPredicate *sets[1000], *list;
	FlowSlice fields[NCOLUMNS] = {{NULL, 0}};
	FlowBadField bad;

	for (int i = 0; i < 1000; i++)
		sets[i] =
			flow_filter_any(filter, PORT, FLOW_AS_IS, FLOW_EQ, &constants[i * 3], 3, i == 500);
	list = flow_filter_or(filter, sets, 1000);
	CHECK_INT(list->weight, 1);
	flow_filter_set_root(filter, list);
	fields[PORT] = SLICE("0");
	CHECK_INT(flow_filter_test(filter, fields, &bad), FLOW_TRUE);
	fields[PORT] = SLICE("7");
	CHECK_INT(flow_filter_test(filter, fields, &bad), FLOW_UNKNOWN);

	/* an AND of them is not a set, because several may contain a value */
	for (int i = 0; i < 1000; i++)
		sets[i] = flow_filter_any(filter, PORT, FLOW_AS_IS, FLOW_EQ, &constants[i * 3], 3, false);
	CHECK(flow_filter_and(filter, sets, 1000)->weight > 1000);
	for (int i = 0; i < 1000; i++)
		sets[i] = flow_filter_all(filter, PORT, FLOW_AS_IS, FLOW_NE, &constants[i * 3], 3, false);
	CHECK_INT(flow_filter_and(filter, sets, 1000)->weight, 1);
	flow_filter_free(filter);
	free(constants);
}

static void
what_is_the_same_for_all_stands_once(void)
{
	FlowFilter *filter = flow_filter_create(&unit_host, columns, NCOLUMNS, false);
	FlowPredicate *children[900], *list;
	FlowSlice fields[NCOLUMNS] = {{NULL, 0}};
	FlowBadField bad;

	for (int i = 0; i < 300; i++)
	{
		children[i * 3] = flow_filter_constant(filter, FLOW_UNKNOWN);
		children[i * 3 + 1] = flow_filter_is_null(filter, PORT);
		children[i * 3 + 2] = flow_filter_not(filter, flow_filter_is_null(filter, OTHER));
	}
	list = flow_filter_or(filter, children, 900);
	CHECK_INT(list->weight, 1 + 1 + 1 + 2);
	flow_filter_set_root(filter, list);
	fields[PORT] = fields[OTHER] = SLICE("7");
	CHECK_INT(flow_filter_test(filter, fields, &bad), FLOW_TRUE);
	fields[OTHER] = SLICE("-");
	CHECK(flow_filter_test(filter, fields, &bad) != FLOW_TRUE);
	fields[PORT] = SLICE("-");
	CHECK_INT(flow_filter_test(filter, fields, &bad), FLOW_TRUE);
	flow_filter_free(filter);
}

static void
many_bounds_of_one_column_are_one_range(void)
{
	FlowFilter *filter = flow_filter_create(&unit_host, columns, NCOLUMNS, false);
	FlowPredicate *children[4000], *list;
	FlowSlice fields[NCOLUMNS] = {{NULL, 0}};
	FlowBadField bad;

	for (int i = 0; i < 4000; i++)
	{
		FlowValue value = {.integer = i % 2 ? 100 + i : 9000 - i};

		children[i] =
			flow_filter_compare(filter, PORT, FLOW_AS_IS, i % 2 ? FLOW_GE : FLOW_LT, &value);
	}
	list = flow_filter_and(filter, children, 4000);
	CHECK_INT(list->weight, 1);
	flow_filter_set_root(filter, list);
	fields[PORT] = SLICE("4098");
	CHECK_INT(flow_filter_test(filter, fields, &bad), FLOW_FALSE);
	fields[PORT] = SLICE("4099");
	CHECK_INT(flow_filter_test(filter, fields, &bad), FLOW_TRUE);
	fields[PORT] = SLICE("5001");
	CHECK_INT(flow_filter_test(filter, fields, &bad), FLOW_TRUE);
	fields[PORT] = SLICE("5002");
	CHECK_INT(flow_filter_test(filter, fields, &bad), FLOW_FALSE);
	flow_filter_free(filter);
}

/* ---------- steps and interrupts ---------- */

#define MANY INT64_C(1000000000)

typedef FlowPredicate *(*Build)(FlowFilter *filter, const Case *c, bool any,
                                const FlowValue *constants, size_t count);

static FlowPredicate *
build_written_out(FlowFilter *filter, const Case *c, bool any, const FlowValue *constants,
                  size_t count)
{
	return build_list(filter, c, any, false, constants, count);
}

/*
 * Builds pairs that cannot be combined: "(a = 1 AND other = 1) OR (a = 2 AND
 * other = 2) ...".
 */
static FlowPredicate *
build_pairs(FlowFilter *filter, const Case *c, bool any, const FlowValue *constants, size_t count)
{
	FlowPredicate **children = calloc(count, sizeof(FlowPredicate *));
	FlowPredicate *list;

	for (size_t i = 0; i < count; i++)
	{
		FlowValue other = {.integer = (int64_t) i};
		FlowPredicate *pair[2] =
			{flow_filter_compare(filter, c->column, c->view, c->op, &constants[i]),
		     flow_filter_compare(filter, OTHER, FLOW_AS_IS, FLOW_EQ, &other)};

		children[i] = (any ? flow_filter_and : flow_filter_or)(filter, pair, 2);
	}
	list = (any ? flow_filter_or : flow_filter_and)(filter, children, count);
	free(children);
	return list;
}

/* Builds a filter and returns how often the host was asked. */
static int64_t
looks_while_building(Build build, const Case *c, bool any, size_t count)
{
	FlowFilter *filter = flow_filter_create(&unit_host, columns, NCOLUMNS, false);
	FlowValue *constants = make_constants(c, count);
	int64_t looks;

	unit_state.interrupt_after = MANY;
	flow_filter_set_root(filter, build(filter, c, any, constants, count));
	looks = MANY - unit_state.interrupt_after;
	unit_state.interrupt_after = -1;
	CHECK_INT(flow_filter_status(filter), FLOW_OK);
	flow_filter_free(filter);
	free(constants);
	return looks;
}

/*
 * Checks that twice as many constants take about twice as many steps: n log n.
 */
static void
check_growth(Build build, const Case *c, bool any)
{
	size_t count = unit_is_long() ? 16384 : 4096;
	int64_t once = looks_while_building(build, c, any, count);
	int64_t twice = looks_while_building(build, c, any, count * 2);

	/* each constant is at least one step, and log2(n) is 14 at most */
	CHECK(once >= (int64_t) count / FLOW_FILTER_LOOK - 1);
	CHECK(once <= (int64_t) count / FLOW_FILTER_LOOK * 14 * 2);
	CHECK(twice * 10 <= once * 24 + 20);
}

static void
building_takes_n_log_n_steps(void)
{
	for (size_t i = 0; i < flow_countof(cases); i++)
		for (int any = 0; any < 2; any++)
		{
			/* nothing may be left to do after two constants that differ */
			bool equality = cases[i].op == FLOW_EQ || cases[i].op == FLOW_NE;

			if (!equality || any == (cases[i].op == FLOW_EQ))
				check_growth(build_array, &cases[i], any);
			check_growth(build_written_out, &cases[i], any);
			check_growth(build_pairs, &cases[i], any);
		}
}

static void
building_can_be_interrupted_at_any_point(void)
{
	for (size_t i = 0; i < flow_countof(cases); i++)
	{
		static const Build builds[] = {build_array, build_written_out};
		bool any = cases[i].op != FLOW_NE;
		FlowValue *constants = make_constants(&cases[i], 4096);

		for (size_t b = 0; b < flow_countof(builds); b++)
		{
			int64_t looks = looks_while_building(builds[b], &cases[i], any, 4096);

			CHECK(looks >= 3);
			for (int64_t n = 0; n <= looks; n++)
			{
				FlowFilter *filter;
				FlowSlice fields[NCOLUMNS] = {{NULL, 0}};
				FlowPredicate *root;
				FlowBadField bad;

				if (n < looks - 1 && !unit_takes((size_t) n, 3))
					continue;
				filter = flow_filter_create(&unit_host, columns, NCOLUMNS, false);
				unit_state.interrupt_after = n;
				root = builds[b](filter, &cases[i], any, constants, 4096);
				unit_state.interrupt_after = -1;
				flow_filter_set_root(filter, root);
				CHECK_INT(root == NULL, n < looks);
				CHECK_INT(flow_filter_status(filter), n < looks ? FLOW_INTERRUPTED : FLOW_OK);
				if (n < looks)
				{
					CHECK_INT(flow_filter_test(filter, fields, &bad), FLOW_ERROR);
					CHECK_INT(bad.status, FLOW_INTERRUPTED);
				}
				flow_filter_free(filter);
			}
		}
		free(constants);
		CHECK_INT(unit_state.outstanding, 0);
	}
}

static void
evaluating_a_set_takes_few_steps(void)
{
	for (size_t i = 0; i < flow_countof(cases); i++)
		for (int any = 0; any < 2; any++)
		{
			FlowFilter *filter = flow_filter_create(&unit_host, columns, NCOLUMNS, false);
			FlowValue *constants = make_constants(&cases[i], 20000);
			FlowSlice fields[NCOLUMNS] = {SLICE("7"),
			                              SLICE("7"),
			                              SLICE("7"),
			                              SLICE("eni-7"),
			                              SLICE("eni-7"),
			                              SLICE("10.0.0.7"),
			                              SLICE("7")};
			FlowBadField bad;

			flow_filter_set_root(filter,
			                     build_written_out(filter, &cases[i], any, constants, 20000));
			unit_state.interrupt_after = 0;
			CHECK(flow_filter_test(filter, fields, &bad) != FLOW_ERROR);
			unit_state.interrupt_after = -1;
			flow_filter_free(filter);
			free(constants);
		}
}

/* None of the pairs decides, so that all are evaluated. */
static void
evaluating_what_cannot_be_combined_can_be_interrupted(void)
{
	static const Case c = {PORT, FLOW_AS_IS, FLOW_EQ};
	size_t count = 100000;
	FlowFilter *filter = flow_filter_create(&unit_host, columns, NCOLUMNS, false);
	FlowValue *constants = make_constants(&c, count);
	FlowSlice fields[NCOLUMNS] = {{NULL, 0}};
	FlowBadField bad;
	int64_t looks;

	fields[PORT] = SLICE("7");
	fields[OTHER] = SLICE("-");
	flow_filter_set_root(filter, build_pairs(filter, &c, true, constants, count));
	unit_state.interrupt_after = MANY;
	CHECK(flow_filter_test(filter, fields, &bad) != FLOW_TRUE);
	looks = MANY - unit_state.interrupt_after;
	CHECK(looks >= (int64_t) count * 3 / FLOW_FILTER_LOOK / 2 &&
	      looks <= (int64_t) count * 3 / FLOW_FILTER_LOOK * 2);
	for (int64_t n = 0; n < looks; n += 7)
	{
		unit_state.interrupt_after = n;
		CHECK_INT(flow_filter_test(filter, fields, &bad), FLOW_ERROR);
		CHECK_INT(bad.status, FLOW_INTERRUPTED);
	}
	unit_state.interrupt_after = -1;
	flow_filter_free(filter);
	free(constants);
}

/*
 * Tests a list of lists, each of which is too short to be interrupted by
 * itself.
 */
static void
lists_of_lists_can_be_interrupted(void)
{
	FlowFilter *filter = flow_filter_create(&unit_host, columns, NCOLUMNS, false);
	FlowPredicate *lists[500], *sets[500];
	FlowSlice fields[NCOLUMNS] = {{NULL, 0}};
	FlowBadField bad;
	int64_t looks;

	for (int i = 0; i < 500; i++)
	{
		/* all sets have 7, so that an AND of them continues */
		for (int k = 0; k < 500; k++)
		{
			FlowValue values[2] = {{.integer = 7}, {.integer = i * 500 + k + 1000}};

			sets[k] = flow_filter_any(filter, PORT, FLOW_AS_IS, FLOW_EQ, values, 2, false);
		}
		sets[0] = flow_filter_is_null(filter, OTHER);
		lists[i] = flow_filter_and(filter, sets, 500);
	}
	flow_filter_set_root(filter, flow_filter_or(filter, lists, 500));
	fields[PORT] = SLICE("7");
	fields[OTHER] = SLICE("-");
	unit_state.interrupt_after = MANY;
	CHECK_INT(flow_filter_test(filter, fields, &bad), FLOW_TRUE);
	CHECK_INT(MANY - unit_state.interrupt_after, 0); /* the first list was true */
	fields[PORT] = SLICE("-");
	CHECK(flow_filter_test(filter, fields, &bad) != FLOW_TRUE);
	flow_filter_free(filter);

	filter = flow_filter_create(&unit_host, columns, NCOLUMNS, false);
	for (int i = 0; i < 500; i++)
	{
		for (int k = 0; k < 500; k++)
		{
			FlowValue values[2] = {{.integer = 8}, {.integer = i * 500 + k + 1000}};

			sets[k] = flow_filter_all(filter, PORT, FLOW_AS_IS, FLOW_NE, values, 2, false);
		}
		lists[i] = flow_filter_or(filter, sets, 500);
	}
	flow_filter_set_root(filter, flow_filter_not(filter, flow_filter_or(filter, lists, 500)));
	fields[PORT] = SLICE("8");
	unit_state.interrupt_after = MANY;
	CHECK_INT(flow_filter_test(filter, fields, &bad), FLOW_TRUE);
	looks = MANY - unit_state.interrupt_after;
	CHECK(looks >= 500 * 500 / FLOW_FILTER_LOOK / 2 && looks <= 500 * 500 / FLOW_FILTER_LOOK * 4);
	unit_state.interrupt_after = looks / 2;
	CHECK_INT(flow_filter_test(filter, fields, &bad), FLOW_ERROR);
	CHECK_INT(bad.status, FLOW_INTERRUPTED);
	unit_state.interrupt_after = -1;
	flow_filter_free(filter);
}

/* ---------- many records at once ---------- */

/*
 * Splits lines with a port and another number, and applies the filter to them.
 */
static FlowStatus
apply(const FlowFilter *filter, size_t nrows, size_t *kept)
{
	char *data = malloc(nrows * 4 + FLOW_RECORD_SLACK);
	uint32_t *rows = malloc(nrows * sizeof(uint32_t));
	int place[NCOLUMNS] = {0, -1, -1, -1, -1, -1, 1};
	FlowEnds *ends = flow_ends_create(&unit_host);
	FlowBatch batch = {.data = data, .place = place};
	FlowSelector *selector;
	FlowStatus status;

	for (size_t i = 0; i < nrows; i++)
	{
		memcpy(data + i * 4, "7 8\n", 4);
		rows[i] = (uint32_t) (i * 2);
	}
	flow_split_choose()->split(data, nrows * 4, ' ', ends);
	batch.next = ends->next;
	batch.digits = ends->digits;
	status = flow_selector_create(&unit_host, filter, FLOW_SPLIT_MAX, &selector);
	*kept = nrows;
	if (status == FLOW_OK)
		status = flow_selector_apply(selector, &batch, rows, kept);
	flow_selector_free(selector);
	unit_host.free(unit_host.arg, ends);
	free(rows);
	free(data);
	return status;
}

/*
 * Builds an AND of "count" sets that all have 7, as conjuncts or as one list.
 */
static FlowFilter *
build_sets(size_t count, bool conjuncts)
{
	FlowFilter *filter = flow_filter_create(&unit_host, columns, NCOLUMNS, false);
	FlowPredicate **sets = calloc(count, sizeof(FlowPredicate *));
	FlowPredicate *list;

	for (size_t i = 0; i < count; i++)
	{
		FlowValue values[2] = {{.integer = 7}, {.integer = (int64_t) i + 1000}};

		sets[i] = flow_filter_any(filter, PORT, FLOW_AS_IS, FLOW_EQ, values, 2, false);
	}
	list = flow_filter_and(filter, sets, count);
	flow_filter_set_root(filter,
	                     conjuncts ? list : flow_filter_not(filter, flow_filter_not(filter, list)));
	free(sets);
	return filter;
}

static void
batches_can_be_interrupted(void)
{
	/*
	 * each takes long for a different reason: many rows, many conjuncts, a
	 * list too short to be interrupted by itself, a long list
	 */
	static const struct
	{
		size_t rows, sets;
		bool conjuncts;
	} sizes[] = {{8000, 100, true}, {50, 20000, true}, {8000, 1000, false}, {50, 20000, false}};

	for (size_t i = 0; i < flow_countof(sizes); i++)
	{
		FlowFilter *filter = build_sets(sizes[i].sets, sizes[i].conjuncts);
		int64_t nodes = (int64_t) (sizes[i].rows * sizes[i].sets);
		int64_t looks;
		size_t kept;

		unit_state.interrupt_after = MANY;
		CHECK_INT(apply(filter, sizes[i].rows, &kept), FLOW_OK);
		CHECK_INT(kept, sizes[i].rows);
		looks = MANY - unit_state.interrupt_after;
		printf("# %" PRId64 " nodes, %" PRId64 " looks\n", nodes, looks);
		CHECK(looks >= nodes / 65536 / 2);
		for (int64_t n = 0; n < looks; n += looks / (unit_is_long() ? 10 : 3) + 1)
		{
			unit_state.interrupt_after = n;
			CHECK_INT(apply(filter, sizes[i].rows, &kept), FLOW_INTERRUPTED);
		}
		unit_state.interrupt_after = -1;
		flow_filter_free(filter);
		CHECK_INT(unit_state.outstanding, 0);
	}
}

static void
short_filters_ask_seldom(void)
{
	FlowFilter *filter = build_sets(3, true);
	size_t kept;

	unit_state.interrupt_after = MANY;
	CHECK_INT(apply(filter, 8000, &kept), FLOW_OK);
	CHECK(MANY - unit_state.interrupt_after <= 1);
	unit_state.interrupt_after = -1;
	flow_filter_free(filter);
}

/* ---------- OR for many records at once ---------- */

/*
 * An OR of a port, a number of bytes and an interface is evaluated child after
 * child, also where lines lack one of the columns.
 */
static void
an_or_of_columns_agrees_with_single_records(void)
{
	static FilterBatch batch;
	static const char *const ports[] = {"22", "443", "-", "x", "99999999999"};
	static const char *const bytes[] = {"1", "1000", "-", "y"};
	static const char *const interfaces[] = {"eni-1", "eni-2", "-"};
	uint64_t seed = 11;

	for (int lacking = -1; lacking <= (int) INTERFACE; lacking++)
	{
		FlowFilter *filter = flow_filter_create(&unit_host, columns, NCOLUMNS, lacking % 2 == 0);
		FlowValue port = {.integer = 443}, least = {.integer = 500};
		FlowValue interface = {.text = SLICE("eni-2")};
		FlowPredicate *children[3];

		children[0] = flow_filter_compare(filter, PORT, FLOW_AS_IS, FLOW_EQ, &port);
		children[1] = flow_filter_compare(filter, BYTES, FLOW_AS_IS, FLOW_GE, &least);
		children[2] = flow_filter_compare(filter, INTERFACE, FLOW_AS_IS, FLOW_EQ, &interface);
		for (int i = 0; i < 3; i++)
			CHECK(children[i]->select != NULL);
		children[0] = flow_filter_or(filter, children, 3);
		CHECK(children[0]->select != NULL);
		flow_filter_set_root(filter, children[0]);
		filter_batch_begin(&batch, NCOLUMNS);
		if (lacking >= 0)
			batch.place[lacking] = -1;
		for (int i = 0; i < 400; i++)
		{
			FlowSlice fields[NCOLUMNS];
			FlowSlice field;
			FlowBadField bad;
			FlowTruth truth;

			for (int column = 0; column < NCOLUMNS; column++)
				fields[column] = SLICE("-");
			fields[PORT].data = ports[unit_random(&seed) % flow_countof(ports)];
			fields[BYTES].data = bytes[unit_random(&seed) % flow_countof(bytes)];
			fields[INTERFACE].data = interfaces[unit_random(&seed) % flow_countof(interfaces)];
			for (int column = 0; column < NCOLUMNS; column++)
				fields[column].len = strlen(fields[column].data);

			/* what the line has in place of a column that it lacks does not matter */
			field = fields[lacking >= 0 ? lacking : 0];
			if (lacking >= 0)
				fields[lacking] = (FlowSlice) {NULL, 0};
			truth = flow_filter_test(filter, fields, &bad);
			fields[lacking >= 0 ? lacking : 0] = field;
			filter_batch_add(&batch, fields, truth, bad);
		}
		CHECK(batch.count > 200);
		CHECK(filter_batch_agrees(&batch, filter));
		flow_filter_free(filter);
	}
}

int
main(void)
{
	RUN(a_list_that_is_written_out_becomes_one_comparison);
	RUN(a_list_is_evaluated_like_the_array_of_its_constants);
	RUN(sets_of_one_column_become_one_set);
	RUN(what_is_the_same_for_all_stands_once);
	RUN(many_bounds_of_one_column_are_one_range);
	RUN(building_takes_n_log_n_steps);
	RUN(building_can_be_interrupted_at_any_point);
	RUN(evaluating_a_set_takes_few_steps);
	RUN(evaluating_what_cannot_be_combined_can_be_interrupted);
	RUN(lists_of_lists_can_be_interrupted);
	RUN(an_or_of_columns_agrees_with_single_records);
	RUN(batches_can_be_interrupted);
	RUN(short_filters_ask_seldom);
	return unit_done();
}
