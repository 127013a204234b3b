/*-------------------------------------------------------------------------
 *
 * test_filter_address.c
 *	  Comparisons of texts that are cast to addresses: as those of a column of
 *	  addresses, and what is left to the host.
 *
 *-------------------------------------------------------------------------
 */
#include "../../flow/expression.h"
#include "../../flow/filter.h"
#include "unit.h"
#include "batch_filter.h"

enum
{
	PLACE, /* the same field as text, */
	NEAR,  /* and as an address */
	SHORT, /* a text that is too short for most addresses */
	NCOLUMNS
};

static const FlowColumn columns[NCOLUMNS] = {
	{.name = "place",
     .type = FLOW_TEXT,
     .max_chars = -1,
     .scale = -1,
     .null_text = "-",
     .null_len = 1},
	{.name = "near",
     .type = FLOW_ADDRESS,
     .max_chars = -1,
     .scale = -1,
     .null_text = "-",
     .null_len = 1},
	{.name = "short",
     .type = FLOW_TEXT,
     .max_chars = 8,
     .scale = -1,
     .null_text = "-",
     .null_len = 1},
};

static const char *const addresses[] = {"10.0.0.1",
                                        "10.0.0.2",
                                        "10.200.3.4",
                                        "192.168.1.1",
                                        "10.0.0.0/8",
                                        "10.0.0.1/24",
                                        "2001:db8::1",
                                        "2001:DB8::/32",
                                        "::ffff:10.0.0.1",
                                        "-"};
static const char *const others[] = {"nowhere", "", "10.1.2.300", "10.0.0.1/33", "1.2.3.4 "};

#define HOST_NUMBER 7

static FlowValue
address_value(const char *text)
{
	FlowValue value = {0};

	CHECK_INT(flow_value_address(text, strlen(text), false, &value.address), FLOW_OK);
	return value;
}

/* Makes "column OP constants", of which the host evaluates what is no address. */
static FlowPredicate *
comparison(FlowFilter *filter, FlowMemo *memo, int column, FlowOp op, const FlowValue *constants,
           size_t count, bool all, bool whole)
{
	FlowView view = columns[column].type == FLOW_TEXT ? FLOW_AS_ADDRESS : FLOW_AS_IS;
	FlowExpressions *expressions = flow_filter_expressions(filter);
	FlowPredicate *made;

	flow_expressions_use_memo(expressions, memo);
	made = (all ? flow_filter_all
	            : flow_filter_any)(filter, column, view, op, constants, count, false);
	if (view == FLOW_AS_IS)
		return made;
	return flow_filter_set_otherwise(made,
	                                 whole,
	                                 flow_filter_expression(filter,
	                                                        flow_expression_remembered(expressions,
	                                                                                   column,
	                                                                                   FLOW_BOOLEAN,
	                                                                                   HOST_NUMBER,
	                                                                                   false)));
}

static void
texts_compare_as_addresses(void)
{
	static FilterBatch batch;
	uint64_t seed = 3;

	for (int round = 0; round < 3000; round++)
	{
		FlowMemo *memo = flow_memo_create(&unit_host);
		FlowFilter *filters[2];
		FlowSlice fields[NCOLUMNS];
		FlowValue constants[3];
		uint64_t n = unit_random(&seed);
		FlowOp op = (FlowOp) (n % (FLOW_OVERLAPS + 1));
		size_t count = 1 + n / 16 % 3;

		for (size_t i = 0; i < count; i++)
			constants[i] =
				address_value(addresses[unit_random(&seed) % (flow_countof(addresses) - 1)]);
		for (int column = PLACE; column <= NEAR; column++)
		{
			FlowFilter *filter = flow_filter_create(&unit_host, columns, NCOLUMNS, false);

			filters[column] = filter;
			flow_filter_set_root(
				filter, comparison(filter, memo, column, op, constants, count, n / 64 % 2, false));
		}
		filter_batch_begin(&batch, NCOLUMNS);
		for (size_t i = 0; i < flow_countof(addresses); i++)
		{
			FlowBadField bad;
			FlowTruth expected;

			for (int column = 0; column < NCOLUMNS; column++)
				fields[column] = (FlowSlice) {addresses[i], strlen(addresses[i])};
			expected = flow_filter_test(filters[NEAR], fields, &bad);
			CHECK_INT(flow_filter_test(filters[PLACE], fields, &bad), expected);
			filter_batch_add(&batch, fields, expected, bad);
		}
		CHECK(filter_batch_agrees(&batch, filters[PLACE]));
		for (size_t i = 0; i < flow_countof(others); i++)
		{
			FlowBadField bad;

			fields[PLACE] = (FlowSlice) {others[i], strlen(others[i])};
			CHECK_INT(flow_filter_test(filters[PLACE], fields, &bad), FLOW_ERROR);
			CHECK_INT(bad.status, FLOW_NEED_VALUE);
			CHECK_INT(bad.column, HOST_NUMBER);
		}
		flow_filter_free(filters[PLACE]);
		flow_filter_free(filters[NEAR]);
		flow_memo_free(memo);
	}
}

static FlowTruth
test_one(const FlowFilter *filter, int column, const char *text, FlowBadField *bad)
{
	FlowSlice fields[NCOLUMNS] = {{"-", 1}, {"-", 1}, {"-", 1}};

	fields[column] = (FlowSlice) {text, strlen(text)};
	return flow_filter_test(filter, fields, bad);
}

static void
networks_may_be_left_to_the_host(void)
{
	FlowMemo *memo = flow_memo_create(&unit_host);
	FlowFilter *filter = flow_filter_create(&unit_host, columns, NCOLUMNS, false);
	FlowValue network = address_value("10.0.0.0/8");
	FlowValue yes = {.integer = 1};
	FlowBadField bad;

	flow_filter_set_root(
		filter, comparison(filter, memo, PLACE, FLOW_WITHIN_OR_EQUAL, &network, 1, false, true));
	CHECK_INT(test_one(filter, PLACE, "10.0.0.1", &bad), FLOW_TRUE);
	CHECK_INT(test_one(filter, PLACE, "10.0.0.1/32", &bad), FLOW_TRUE);
	CHECK_INT(test_one(filter, PLACE, "11.0.0.1", &bad), FLOW_FALSE);
	CHECK_INT(test_one(filter, PLACE, "-", &bad), FLOW_UNKNOWN);
	CHECK_INT(test_one(filter, PLACE, "10.0.0.0/24", &bad), FLOW_ERROR);
	CHECK_INT(bad.status, FLOW_NEED_VALUE);
	CHECK(flow_expression_provide(flow_filter_expressions(filter), HOST_NUMBER, &yes));
	CHECK_INT(test_one(filter, PLACE, "10.0.0.0/24", &bad), FLOW_TRUE);
	flow_expressions_forget(flow_filter_expressions(filter));

	/* and is known then */
	CHECK_INT(test_one(filter, PLACE, "10.0.0.0/24", &bad), FLOW_TRUE);
	flow_filter_free(filter);
	flow_memo_free(memo);
}

/* "a = x OR a = y" is not one comparison where it may be left to the host. */
static void
two_comparisons_stay_two(void)
{
	FlowMemo *memo = flow_memo_create(&unit_host);

	for (int all = 0; all < 2; all++)
	{
		FlowFilter *filter = flow_filter_create(&unit_host, columns, NCOLUMNS, false);
		FlowValue values[2] = {address_value("10.0.0.1"), address_value("10.0.0.2")};
		FlowPredicate *children[2];
		FlowBadField bad;

		for (int i = 0; i < 2; i++)
			children[i] = comparison(
				filter, memo, PLACE, all ? FLOW_NE : FLOW_EQ, &values[i], 1, false, false);
		flow_filter_set_root(filter,
		                     all ? flow_filter_and(filter, children, 2)
		                         : flow_filter_or(filter, children, 2));
		CHECK_INT(test_one(filter, PLACE, "10.0.0.2", &bad), all ? FLOW_FALSE : FLOW_TRUE);
		CHECK_INT(test_one(filter, PLACE, "10.0.0.3", &bad), all ? FLOW_TRUE : FLOW_FALSE);
		CHECK_INT(test_one(filter, PLACE, "nowhere", &bad), FLOW_ERROR);
		CHECK_INT(bad.status, FLOW_NEED_VALUE);
		flow_filter_free(filter);
	}
	flow_memo_free(memo);
}

static void
a_text_that_is_too_long_is_a_bad_field(void)
{
	static FilterBatch batch;
	FlowMemo *memo = flow_memo_create(&unit_host);
	FlowFilter *filter = flow_filter_create(&unit_host, columns, NCOLUMNS, false);
	FlowValue network = address_value("10.0.0.0/8");
	FlowSlice fields[NCOLUMNS] = {{"-", 1}, {"-", 1}, {"10.0.0.100", 10}};
	FlowBadField bad;

	flow_filter_set_root(filter,
	                     comparison(filter, memo, SHORT, FLOW_WITHIN, &network, 1, false, false));
	CHECK_INT(test_one(filter, SHORT, "10.0.0.1", &bad), FLOW_TRUE);
	CHECK_INT(flow_filter_test(filter, fields, &bad), FLOW_ERROR);
	CHECK_INT(bad.status, FLOW_TOO_LONG);
	filter_batch_begin(&batch, NCOLUMNS);
	filter_batch_add(&batch, fields, FLOW_ERROR, bad);
	CHECK(filter_batch_agrees(&batch, filter));
	flow_filter_free(filter);
	flow_memo_free(memo);
}

int
main(void)
{
	RUN(texts_compare_as_addresses);
	RUN(networks_may_be_left_to_the_host);
	RUN(two_comparisons_stay_two);
	RUN(a_text_that_is_too_long_is_a_bad_field);
	return unit_done();
}
