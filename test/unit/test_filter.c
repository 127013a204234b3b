/*-------------------------------------------------------------------------
 *
 * test_filter.c
 *	  Tests flow/filter*.c by comparing it with a filter implemented in the
 *	  obvious way.
 *
 *-------------------------------------------------------------------------
 */
#include "batch_filter.h"
#include "model_filter.h"

#define SLICE(literal) ((FlowSlice) {(literal), sizeof(literal) - 1})
#define NO_FIELD ((FlowSlice) {NULL, 0})

/* ---------- a table of all types, and fields for each ---------- */

static const FlowColumn columns[] = {
	{"small", NULL, FLOW_INT16, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
	{"port", NULL, FLOW_INT32, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
	{"bytes", NULL, FLOW_INT64, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
	/* digits that mean NULL */
	{"zero", NULL, FLOW_INT32, -1, -1, -1, "0", 1, false, NULL, FLOW_FROM_RECORD, 0},
	{"needed", NULL, FLOW_INT32, -1, -1, -1, "-", 1, true, NULL, FLOW_FROM_RECORD, 0},
	{"flag", NULL, FLOW_BOOLEAN, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
	{"action", NULL, FLOW_TEXT, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
	{"short", NULL, FLOW_TEXT, 6, -1, -1, "REJECT", 6, false, NULL, FLOW_FROM_RECORD, 0},
	{"verbatim", NULL, FLOW_TEXT, -1, -1, -1, NULL, 0, false, NULL, FLOW_FROM_RECORD, 0},
	{"needed_text", NULL, FLOW_TEXT, -1, -1, -1, "", 0, true, NULL, FLOW_FROM_RECORD, 0},
	{"padded", NULL, FLOW_PADDED, 8, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
	{"address", NULL, FLOW_ADDRESS, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
	{"network", NULL, FLOW_NETWORK, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
	{"needed_address", NULL, FLOW_ADDRESS, -1, -1, -1, "-", 1, true, NULL, FLOW_FROM_RECORD, 0},
	{"start", NULL, FLOW_TIME, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
	{"day", NULL, FLOW_DAY, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
	{"opaque", NULL, FLOW_OPAQUE, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
	{"real", NULL, FLOW_FLOAT, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
	{"double", NULL, FLOW_DOUBLE, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
	{"decimal", NULL, FLOW_DECIMAL, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
};

#define NCOLUMNS ((int) flow_countof(columns))

static const char *const integers[] = {NULL,
                                       "",
                                       "-",
                                       "0",
                                       "6",
                                       "7",
                                       "06",
                                       "-6",
                                       "+6",
                                       " 6",
                                       "443",
                                       "9999",
                                       "10000",
                                       "32767",
                                       "-32768",
                                       "32768",
                                       "65535",
                                       "999999999",
                                       "1700000000",
                                       "2147483647",
                                       "-2147483648",
                                       "2147483648",
                                       "999999999999999999",
                                       "9007199254740993",
                                       "9223372036854775807",
                                       "-9223372036854775808",
                                       "9223372036854775808",
                                       "-210866803200",
                                       "-210866803201",
                                       "9224318015999",
                                       "9224318016000",
                                       "6x",
                                       "x",
                                       "6\xC3\xA9",
                                       "1e3",
                                       "--",
                                       ":",
                                       "/"};

static const char *const booleans[] = {NULL, "", "-", "t", "f", "true", "maybe"};

static const char *const texts[] = {NULL,
                                    "",
                                    "-",
                                    " ",
                                    "A",
                                    "B",
                                    "AC",
                                    "ACC",
                                    "ACCE",
                                    "ACCEP",
                                    "ACCEPT",
                                    "REJECT",
                                    "ACCEPT ",
                                    "ACCEPT    ",
                                    "ACCEPTED",
                                    "NODATA",
                                    "012345678",
                                    "0123456789abcdef",
                                    "0123456789abcdeg",
                                    "1123456789abcdef",
                                    "0123456789abcdef0",
                                    "eni-0123456789abcdef0",
                                    "eni-0123456789abcdef1",
                                    "eni-0123456789abcd\xC3\xA9",
                                    "\xC3\xA9",
                                    "\xC3",
                                    "\xC3\xA9\xC3\xA9\xC3\xA9",
                                    "ACCEP\xC3\xA9",
                                    "ACCEP\xFF",
                                    "\xFF@CCEPTED0",
                                    "a long text of more than sixteen bytes\x80",
                                    "\x7F"};

static const char *const addresses[] = {NULL,
                                        "",
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
                                        "2001:db8::/32",
                                        "2001:db8::/64",
                                        "2001:db8::/65",
                                        "2001:db8::1/64",
                                        "2001:db8:0:0:8000::",
                                        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                                        "::ffff:10.0.0.1",
                                        "10.0.0.256",
                                        "10.0.0",
                                        "10.0.0.1/33",
                                        "x",
                                        "\xFF"};

static const char *const times[] = {NULL,
                                    "",
                                    "-",
                                    "0",
                                    "1",
                                    "86399",
                                    "86400",
                                    "1700000000",
                                    "1700000001",
                                    "2147483647",
                                    "99999999999999999",
                                    "now"};

static const char *const numbers[] = {NULL, "", "-", "1.5", "12", "x", "\xFF"};

typedef struct Pool
{
	const char *const *fields; /* NULL: no field */
	size_t count;
} Pool;

static const Pool pools[] = {
	[FLOW_INT16] = {integers, flow_countof(integers)},
	[FLOW_INT32] = {integers, flow_countof(integers)},
	[FLOW_INT64] = {integers, flow_countof(integers)},
	[FLOW_FLOAT] = {numbers, flow_countof(numbers)},
	[FLOW_DOUBLE] = {numbers, flow_countof(numbers)},
	[FLOW_DECIMAL] = {numbers, flow_countof(numbers)},
	[FLOW_BOOLEAN] = {booleans, flow_countof(booleans)},
	[FLOW_TEXT] = {texts, flow_countof(texts)},
	[FLOW_PADDED] = {texts, flow_countof(texts)},
	[FLOW_ADDRESS] = {addresses, flow_countof(addresses)},
	[FLOW_NETWORK] = {addresses, flow_countof(addresses)},
	[FLOW_TIME] = {times, flow_countof(times)},
	[FLOW_DAY] = {times, flow_countof(times)},
	[FLOW_OPAQUE] = {texts, flow_countof(texts)},
};

static FlowSlice
pool_field(const Pool *pool, size_t i)
{
	const char *text = pool->fields[i % pool->count];

	return (FlowSlice) {text, text == NULL ? 0 : strlen(text)};
}

static const double reals[] = {0.0,
                               -0.0,
                               6.0,
                               6.5,
                               -6.0,
                               443.0,
                               9007199254740992.0,
                               9223372036854775808.0,
                               -1e300,
                               1e-300,
                               INFINITY,
                               -INFINITY,
                               NAN};

/* Returns true if the column has the view. */
static bool
has_view(int column, FlowView view)
{
	FlowType type = columns[column].type;

	if (view != FLOW_AS_IS)
		return type <= FLOW_INT64;
	return type != FLOW_FLOAT && type != FLOW_DOUBLE && type != FLOW_DECIMAL && type != FLOW_OPAQUE;
}

static bool
has_operator(int column, FlowView view, FlowOp op)
{
	return has_view(column, view) && (op < FLOW_WITHIN || columns[column].type == FLOW_ADDRESS ||
	                                  columns[column].type == FLOW_NETWORK);
}

/*
 * Makes the i-th constant for a column and view.  Returns false if there is
 * none.  The constants come from the fields, so that some are equal.  A text
 * need not be a value of its column.
 */
static bool
constant_for(int column, FlowView view, size_t i, FlowValue *constant)
{
	FlowColumn lenient = columns[column];
	const Pool *pool = &pools[lenient.type];

	memset(constant, 0, sizeof(*constant));
	if (view == FLOW_AS_DOUBLE && i < flow_countof(reals))
	{
		constant->real = reals[i];
		return true;
	}
	if (i < 2)
	{
		constant->integer = i == 0 ? INT64_MIN : INT64_MAX;
		if (view == FLOW_AS_UNIX_TIME || lenient.type <= FLOW_INT64 || lenient.type == FLOW_TIME ||
		    lenient.type == FLOW_DAY)
			return true;
	}
	if (pool_field(pool, i).data == NULL)
		return false;
	if (lenient.type == FLOW_TEXT || lenient.type == FLOW_PADDED)
	{
		constant->text = pool_field(pool, i);
		return true;
	}
	lenient.null_text = NULL;
	lenient.type = lenient.type == FLOW_INT16 ? FLOW_INT64 : lenient.type;
	if (flow_value_read(&lenient, &unit_host, pool_field(pool, i), constant) != FLOW_OK)
		return false;
	if (view == FLOW_AS_UNIX_TIME && constant->integer > -(INT64_C(1) << 40) &&
	    constant->integer < INT64_C(1) << 40)
		constant->integer *= 1000000;
	if (view == FLOW_AS_DOUBLE)
		constant->real = (double) constant->integer;
	return true;
}

/* ---------- judging one predicate ---------- */

static FlowTruth
evaluate(bool bad_is_null, const ModelTree *tree, const FlowSlice *fields, FlowBadField *bad)
{
	FlowFilter *filter = flow_filter_create(&unit_host, columns, NCOLUMNS, bad_is_null);
	FlowTruth truth;

	flow_filter_set_root(filter, model_build(filter, tree));
	truth = flow_filter_test(filter, fields, bad);
	flow_filter_free(filter);
	return truth;
}

/*
 * Checks a leaf on every field of its column's pool, each at the end of
 * readable memory.
 */
static void
check_leaf(const ModelTree *tree)
{
	const Pool *pool = &pools[columns[tree->column].type];
	FlowSlice fields[flow_countof(columns)] = {{NULL, 0}};

	for (int bad_is_null = 0; bad_is_null < 2; bad_is_null++)
	{
		FlowFilter *filter = flow_filter_create(&unit_host, columns, NCOLUMNS, bad_is_null);
		ModelRecord record = {columns, fields, bad_is_null};

		flow_filter_set_root(filter, model_build(filter, tree));
		for (size_t i = 0; i < pool->count; i++)
		{
			FlowSlice field = pool_field(pool, i);
			FlowBadField bad;
			FlowTruth got, want;

			if (field.data != NULL)
				field.data = unit_at_edge(field.data, field.len);
			fields[tree->column] = field;
			got = flow_filter_test(filter, fields, &bad);
			want = model_leaf(tree, &record);
			CHECK_INT(got, want);
			CHECK(model_agrees(tree, &record, got, bad));
			if (got != want)
				printf("# %s view %d op %d field \"%.*s\"\n",
				       columns[tree->column].name,
				       tree->view,
				       tree->op,
				       (int) field.len,
				       field.data ? field.data : "");
		}
		flow_filter_free(filter);
	}
}

static void
every_operator_of_every_type_agrees_with_the_naive_one(void)
{
	for (int column = 0; column < NCOLUMNS; column++)
		for (FlowView view = FLOW_AS_IS; view <= FLOW_AS_UNIX_TIME; view++)
			for (FlowOp op = FLOW_EQ; op <= FLOW_OVERLAPS; op++)
				for (size_t i = 0; i < 50 && has_operator(column, view, op); i++)
				{
					FlowValue constant;
					ModelTree tree = {.kind = MODEL_COMPARE,
					                  .column = column,
					                  .view = view,
					                  .op = op,
					                  .constants = &constant,
					                  .count = 1};

					if (constant_for(column, view, i, &constant))
						check_leaf(&tree);
				}
}

static void
null_tests_read_the_field_of_every_type(void)
{
	for (int column = 0; column < NCOLUMNS; column++)
	{
		ModelTree tree = {.kind = MODEL_IS_NULL, .column = column};

		check_leaf(&tree);
	}
}

static void
small_sets_of_every_type_agree_with_the_naive_ones(void)
{
	for (int column = 0; column < NCOLUMNS; column++)
		for (FlowView view = FLOW_AS_IS; view <= FLOW_AS_UNIX_TIME; view++)
			for (FlowOp op = FLOW_EQ; op <= FLOW_OVERLAPS; op++)
				for (size_t size = 0; size < 12 && has_operator(column, view, op); size++)
				{
					FlowValue constants[12];
					size_t count = 0;

					for (size_t i = 0; i < 200 && count < size; i++)
						count += constant_for(column, view, i * 7 + size, &constants[count]);

					/* some sets repeat the same constant */
					for (size_t i = 1; i < count && size % 4 == 3; i++)
						constants[i] = constants[0];
					for (int has_null = 0; has_null < 2; has_null++)
						for (ModelKind kind = MODEL_ANY; kind <= MODEL_ALL; kind++)
						{
							ModelTree tree = {.kind = kind,
							                  .column = column,
							                  .view = view,
							                  .op = op,
							                  .constants = constants,
							                  .count = count,
							                  .has_null = has_null};

							check_leaf(&tree);
						}
				}
}

static void
what_cannot_be_compared_is_no_predicate(void)
{
	FlowFilter *filter = flow_filter_create(&unit_host, columns, NCOLUMNS, false);
	FlowValue constant;

	memset(&constant, 0, sizeof(constant));
	for (int column = 0; column < NCOLUMNS; column++)
		for (FlowView view = FLOW_AS_IS; view <= FLOW_AS_UNIX_TIME; view++)
			for (FlowOp op = FLOW_EQ; op <= FLOW_OVERLAPS; op++)
			{
				CHECK_INT(flow_filter_compare(filter, column, view, op, &constant) != NULL,
				          has_operator(column, view, op));
				CHECK_INT(flow_filter_any(filter, column, view, op, &constant, 1, false) != NULL,
				          has_operator(column, view, op));
				CHECK_INT(flow_filter_all(filter, column, view, op, &constant, 1, true) != NULL,
				          has_operator(column, view, op));
			}
	flow_filter_free(filter);
}

static void
texts_are_read_no_further_than_they_reach(void)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	FlowSlice fields[flow_countof(columns)] = {{NULL, 0}};
	ModelRecord record = {columns, fields, false};

	for (size_t len = 0; len < 40; len++)
		for (size_t changed = 0; changed <= len; changed++)
		{
			static const char bytes[] = {'!', '\x80', '\xFF', '\0'};
			FlowValue constant = {.text = {letters, len}};
			char copy[40];

			for (size_t i = 0; i < sizeof(bytes); i++)
				for (FlowOp op = FLOW_EQ; op <= FLOW_NE; op++)
				{
					ModelTree tree = {.kind = MODEL_COMPARE,
					                  .column = 6,
					                  .op = op,
					                  .constants = &constant,
					                  .count = 1};
					FlowBadField bad;

					memcpy(copy, letters, len);
					if (changed < len)
						copy[changed] = bytes[i];
					fields[6] = (FlowSlice) {unit_at_edge(copy, len), len};
					CHECK_INT(evaluate(false, &tree, fields, &bad), model_leaf(&tree, &record));
				}
		}
}

/* ---------- facts that do not come from the naive filter ---------- */

static FlowTruth
judge_texts(int column, FlowOp op, const char *field, const char *constant)
{
	FlowSlice fields[flow_countof(columns)] = {{NULL, 0}};
	FlowValue value;
	ModelTree tree = {.kind = MODEL_COMPARE,
	                  .column = column,
	                  .op = op,
	                  .constants = &value,
	                  .count = 1};
	FlowBadField bad;

	memset(&value, 0, sizeof(value));
	fields[column] = (FlowSlice) {field, strlen(field)};
	if (columns[column].type == FLOW_TEXT || columns[column].type == FLOW_PADDED)
		value.text = (FlowSlice) {constant, strlen(constant)};
	else if (flow_value_read(&columns[column],
	                         &unit_host,
	                         (FlowSlice) {constant, strlen(constant)},
	                         &value) != FLOW_OK)
		return FLOW_ERROR;
	return evaluate(false, &tree, fields, &bad);
}

static void
comparisons_are_as_sql_has_them(void)
{
	CHECK_INT(judge_texts(1, FLOW_EQ, "443", "443"), FLOW_TRUE);
	CHECK_INT(judge_texts(1, FLOW_EQ, "0443", "443"), FLOW_TRUE);
	CHECK_INT(judge_texts(1, FLOW_LT, "-6", "0"), FLOW_TRUE);
	CHECK_INT(judge_texts(1, FLOW_NE, "-", "6"), FLOW_UNKNOWN);
	CHECK_INT(judge_texts(1, FLOW_NE, "x", "6"), FLOW_ERROR);
	CHECK_INT(judge_texts(3, FLOW_EQ, "0", "6"), FLOW_UNKNOWN);
	CHECK_INT(judge_texts(6, FLOW_EQ, "REJECT", "REJECT"), FLOW_TRUE);
	CHECK_INT(judge_texts(6, FLOW_EQ, "REJECT ", "REJECT"), FLOW_FALSE);
	CHECK_INT(judge_texts(6, FLOW_EQ, "REJECS", "REJECT"), FLOW_FALSE);
	CHECK_INT(judge_texts(6, FLOW_EQ, "REJEC\xFF", "REJECT"), FLOW_ERROR);
	CHECK_INT(judge_texts(6, FLOW_GT, "REJECT", "ACCEPT"), FLOW_TRUE);
	CHECK_INT(judge_texts(6, FLOW_LT, "REJECT", "REJECTED"), FLOW_TRUE);
	CHECK_INT(judge_texts(7, FLOW_EQ, "REJECT", "REJECT"), FLOW_UNKNOWN);
	CHECK_INT(judge_texts(7, FLOW_EQ, "ACCEPT   ", "ACCEPT"), FLOW_TRUE);
	CHECK_INT(judge_texts(7, FLOW_EQ, "ACCEPTED", "ACCEPT"), FLOW_ERROR);
	CHECK_INT(judge_texts(10, FLOW_EQ, "REJECT  ", "REJECT "), FLOW_TRUE);
	CHECK_INT(judge_texts(10, FLOW_EQ, " REJECT", "REJECT"), FLOW_FALSE);

	/* the documentation's examples of the inet operators */
	CHECK_INT(judge_texts(11, FLOW_WITHIN, "192.168.1.5", "192.168.1.0/24"), FLOW_TRUE);
	CHECK_INT(judge_texts(11, FLOW_WITHIN, "192.168.0.5", "192.168.1.0/24"), FLOW_FALSE);
	CHECK_INT(judge_texts(11, FLOW_WITHIN, "192.168.1.0/24", "192.168.1.0/24"), FLOW_FALSE);
	CHECK_INT(judge_texts(11, FLOW_WITHIN_OR_EQUAL, "192.168.1.0/24", "192.168.1.0/24"), FLOW_TRUE);
	CHECK_INT(judge_texts(11, FLOW_CONTAINS, "192.168.1.0/24", "192.168.1.5"), FLOW_TRUE);
	CHECK_INT(judge_texts(11, FLOW_CONTAINS_OR_EQUAL, "192.168.1.0/24", "192.168.1.0/24"),
	          FLOW_TRUE);
	CHECK_INT(judge_texts(11, FLOW_OVERLAPS, "192.168.1.0/24", "192.168.1.80/28"), FLOW_TRUE);
	CHECK_INT(judge_texts(11, FLOW_OVERLAPS, "192.168.1.0/24", "192.168.2.0/28"), FLOW_FALSE);
	CHECK_INT(judge_texts(11, FLOW_LT, "192.168.1.5", "::"), FLOW_TRUE);
	CHECK_INT(judge_texts(11, FLOW_GT, "10.1.0.0/16", "10.0.0.0/8"), FLOW_TRUE);
	CHECK_INT(judge_texts(11, FLOW_LT, "10.255.0.0/8", "10.0.0.0/16"), FLOW_TRUE);
	CHECK_INT(judge_texts(11, FLOW_EQ, "10.0.0.1/8", "10.0.0.2/8"), FLOW_FALSE);
	CHECK_INT(judge_texts(11, FLOW_WITHIN_OR_EQUAL, "::1", "0.0.0.0/0"), FLOW_FALSE);
}

static void
to_timestamp_is_postgresqls_to_the_last_bit(void)
{
	uint64_t seed = 5;
	FlowSlice fields[flow_countof(columns)] = {{NULL, 0}};
	ModelRecord record = {columns, fields, true};

	for (int i = 0; i < unit_tries(20000); i++)
	{
		int64_t seconds = (int64_t) (unit_random(&seed) >> (unit_random(&seed) % 24 + 19));
		char text[32];
		FlowBadField bad;
		__int128 time;
		FlowValue constant = {.integer = 0};
		ModelTree tree = {.kind = MODEL_COMPARE,
		                  .column = 2,
		                  .view = FLOW_AS_UNIX_TIME,
		                  .op = FLOW_EQ,
		                  .constants = &constant,
		                  .count = 1};

		seconds = i % 2 ? -seconds : seconds;
		if (i < 40) /* around both limits */
			seconds = (i % 2 ? INT64_C(-210866803200) : INT64_C(9224318016000)) + i / 2 - 10;
		fields[2] = (FlowSlice) {text, (size_t) snprintf(text, sizeof(text), "%" PRId64, seconds)};
		if (!model_unix_time(seconds, &time))
		{
			CHECK_INT(evaluate(true, &tree, fields, &bad), FLOW_ERROR);
			CHECK_INT(bad.column, 2);
			CHECK_INT(bad.status, FLOW_OUT_OF_RANGE);
			continue;
		}
		if (time >= INT64_MAX) /* no constant can be that time */
		{
			constant.integer = INT64_MAX - 1;
			tree.op = FLOW_GT;
		}
		else
			constant.integer = (int64_t) time;
		CHECK_INT(evaluate(true, &tree, fields, &bad), FLOW_TRUE);
		constant.integer -= i % 3;
		CHECK_INT(evaluate(true, &tree, fields, &bad), model_leaf(&tree, &record));
	}
}

static void
constants_are_copied(void)
{
	FlowFilter *filter = flow_filter_create(&unit_host, columns, NCOLUMNS, false);
	FlowSlice fields[flow_countof(columns)] = {{NULL, 0}};
	char text[][24] = {"eni-0123456789abcdef0", "ACCEPT"};
	FlowValue constants[2] = {{.text = {text[0], 21}}, {.text = {text[1], 6}}};
	FlowPredicate *children[3];
	FlowBadField bad;

	children[0] = flow_filter_compare(filter, 6, FLOW_AS_IS, FLOW_EQ, &constants[0]);
	children[1] = flow_filter_compare(filter, 8, FLOW_AS_IS, FLOW_EQ, &constants[1]);
	children[2] = flow_filter_any(filter, 6, FLOW_AS_IS, FLOW_EQ, constants, 2, false);
	flow_filter_set_root(filter, flow_filter_and(filter, children, 3));
	memset(text, 'x', sizeof(text));
	memset(constants, 0xEE, sizeof(constants));
	memset(children, 0xEE, sizeof(children));
	fields[6] = SLICE("eni-0123456789abcdef0");
	fields[8] = SLICE("ACCEPT");
	CHECK_INT(flow_filter_test(filter, fields, &bad), FLOW_TRUE);
	flow_filter_free(filter);
}

/* ---------- order and short cuts ---------- */

/*
 * Evaluates AND, or OR, of two conditions: column "port" is 6, and a predicate
 * on "address".
 */
static FlowTruth
judge_pair(bool conjunction, bool negated, const char *port, const char *address, FlowBadField *bad)
{
	FlowValue constants[2];
	ModelTree first = {.kind = MODEL_COMPARE,
	                   .column = 11,
	                   .op = FLOW_EQ,
	                   .constants = &constants[0],
	                   .count = 1};
	ModelTree second = {.kind = MODEL_COMPARE,
	                    .column = 1,
	                    .op = FLOW_EQ,
	                    .constants = &constants[1],
	                    .count = 1};
	ModelTree pair = {.kind = conjunction ? MODEL_AND : MODEL_OR,
	                  .children = {&first, &second},
	                  .nchildren = 2};
	ModelTree not_pair = {.kind = MODEL_NOT, .children = {&pair}, .nchildren = 1};
	FlowSlice fields[flow_countof(columns)] = {{NULL, 0}};

	flow_value_read(&columns[11], &unit_host, SLICE("10.0.0.1"), &constants[0]);
	constants[1].integer = 6;
	fields[1] = (FlowSlice) {port, strlen(port)};
	fields[11] = (FlowSlice) {address, strlen(address)};
	return evaluate(false, negated ? &not_pair : &pair, fields, bad);
}

static void
the_cheap_part_is_judged_first_and_may_spare_the_other(void)
{
	FlowBadField bad;

	CHECK_INT(judge_pair(true, false, "7", "bad", &bad), FLOW_FALSE);
	CHECK_INT(judge_pair(true, false, "6", "bad", &bad), FLOW_ERROR);
	CHECK_INT(bad.column, 11);
	CHECK_INT(bad.status, FLOW_BAD_SYNTAX);
	CHECK_INT(judge_pair(false, false, "6", "bad", &bad), FLOW_TRUE);
	CHECK_INT(judge_pair(false, false, "7", "bad", &bad), FLOW_ERROR);
	CHECK_INT(judge_pair(true, false, "bad", "bad", &bad), FLOW_ERROR);
	CHECK_INT(bad.column, 1);
}

/*
 * The cheap conjunct is evaluated first, but a bad field of it does not matter
 * if the other one drops the record.
 */
static void
a_conjunct_that_drops_a_record_spares_it_the_error_of_another(void)
{
	FlowBadField bad;

	CHECK_INT(judge_pair(true, false, "bad", "10.0.0.2", &bad), FLOW_FALSE);
	CHECK_INT(bad.column, -1);
	CHECK_INT(judge_pair(true, false, "bad", "-", &bad), FLOW_UNKNOWN);
	CHECK_INT(bad.column, -1);
	CHECK_INT(judge_pair(true, false, "bad", "10.0.0.1", &bad), FLOW_ERROR);
	CHECK_INT(bad.column, 1);

	/* this is not so for an AND below a NOT, whose FALSE matters */
	CHECK_INT(judge_pair(true, true, "bad", "10.0.0.2", &bad), FLOW_ERROR);
	CHECK_INT(judge_pair(false, false, "bad", "10.0.0.1", &bad), FLOW_ERROR);
}

static void
unknown_stops_a_list_where_it_cannot_matter_any_more(void)
{
	FlowBadField bad;

	/*
	 * at the root only TRUE matters, which an AND can no longer become, but an
	 * OR can
	 */
	CHECK(judge_pair(true, false, "-", "bad", &bad) == FLOW_UNKNOWN);
	CHECK_INT(judge_pair(false, false, "-", "bad", &bad), FLOW_ERROR);
	CHECK_INT(judge_pair(false, false, "-", "10.0.0.1", &bad), FLOW_TRUE);

	/* below NOT it is the other way round */
	CHECK_INT(judge_pair(true, true, "-", "bad", &bad), FLOW_ERROR);
	CHECK_INT(judge_pair(true, true, "-", "10.0.0.2", &bad), FLOW_TRUE);
	CHECK(judge_pair(false, true, "-", "bad", &bad) == FLOW_UNKNOWN);
}

static void
children_of_equal_cost_keep_their_order(void)
{
	FlowSlice fields[flow_countof(columns)] = {{NULL, 0}};
	FlowValue six = {.integer = 6};
	FlowBadField bad;

	fields[0] = fields[1] = fields[2] = SLICE("bad");
	for (int first = 0; first < 3; first++)
	{
		ModelTree leaves[3], list = {.kind = MODEL_OR, .nchildren = 3};

		for (int i = 0; i < 3; i++)
		{
			leaves[i] = (ModelTree) {.kind = MODEL_COMPARE,
			                         .column = (first + i) % 3,
			                         .op = FLOW_EQ,
			                         .constants = &six,
			                         .count = 1};
			list.children[i] = &leaves[i];
		}
		CHECK_INT(evaluate(false, &list, fields, &bad), FLOW_ERROR);
		CHECK_INT(bad.column, first);

		/* the first field that is taken as NULL is reported, too */
		CHECK_INT(evaluate(true, &list, fields, &bad), FLOW_UNKNOWN);
		CHECK_INT(bad.column, first);
	}
}

static void
two_bounds_of_one_column_are_judged_like_two_predicates(void)
{
	static const int bounded[] = {0, 1, 3, 4, 14, 15};
	FlowSlice fields[flow_countof(columns)] = {{NULL, 0}};
	uint64_t seed = 3;

	for (int round = 0; round < unit_tries(6000); round++)
	{
		ModelTree leaves[2],
			both = {.kind = MODEL_AND, .children = {&leaves[0], &leaves[1]}, .nchildren = 2};
		ModelTree negated = {.kind = MODEL_NOT, .children = {&both}, .nchildren = 1};
		ModelRecord record = {columns, fields, round % 2};
		int column = bounded[round % (int) flow_countof(bounded)];
		FlowView view = columns[column].type <= FLOW_INT64 ? unit_random(&seed) % 3 : FLOW_AS_IS;
		FlowValue constants[2];
		FlowFilter *filter[2];

		for (int i = 0; i < 2; i++)
		{
			leaves[i] = (ModelTree) {.kind = MODEL_COMPARE,
			                         .column = column,
			                         .view = view,
			                         .constants = &constants[i],
			                         .count = 1};
			leaves[i].op = unit_random(&seed) % (FLOW_GE + 1);
			while (!constant_for(column, view, unit_random(&seed) % 60, &constants[i]))
				;
			filter[i] = flow_filter_create(&unit_host, columns, NCOLUMNS, round % 2);
		}
		flow_filter_set_root(filter[0], model_build(filter[0], &both));
		flow_filter_set_root(filter[1], model_build(filter[1], &negated));
		for (size_t i = 0; i < pools[columns[column].type].count; i++)
		{
			FlowBadField bad;
			FlowTruth got;

			fields[column] = pool_field(&pools[columns[column].type], i);
			got = flow_filter_test(filter[0], fields, &bad);
			CHECK(model_agrees(&both, &record, got, bad));
			got = flow_filter_test(filter[1], fields, &bad);
			CHECK(model_agrees(&negated, &record, got, bad));
		}
		flow_filter_free(filter[0]);
		flow_filter_free(filter[1]);
	}
}

static void
empty_lists_and_sets_are_what_sql_says(void)
{
	FlowSlice fields[flow_countof(columns)] = {{NULL, 0}};
	ModelTree nothing = {.kind = MODEL_AND};
	ModelTree set = {.kind = MODEL_ANY, .column = 1, .op = FLOW_EQ};
	FlowBadField bad;

	CHECK_INT(evaluate(false, &nothing, fields, &bad), FLOW_TRUE);
	nothing.kind = MODEL_OR;
	CHECK_INT(evaluate(false, &nothing, fields, &bad), FLOW_FALSE);
	CHECK_INT(evaluate(false, &set, fields, &bad), FLOW_FALSE);
	fields[1] = SLICE("bad");
	CHECK_INT(evaluate(false, &set, fields, &bad), FLOW_FALSE);
	CHECK_INT(bad.column, -1);
	set.has_null = true;
	CHECK_INT(evaluate(false, &set, fields, &bad), FLOW_ERROR);
	CHECK_INT(evaluate(true, &set, fields, &bad), FLOW_UNKNOWN);
	fields[1] = SLICE("6");
	CHECK_INT(evaluate(false, &set, fields, &bad), FLOW_UNKNOWN);
}

static void
a_predicate_may_stand_in_two_places(void)
{
	FlowFilter *filter = flow_filter_create(&unit_host, columns, NCOLUMNS, false);
	FlowSlice fields[flow_countof(columns)] = {{NULL, 0}};
	FlowValue six = {.integer = 6};
	FlowPredicate *leaves[2], *pair, *both[2];
	FlowBadField bad;

	/*
	 * (port = 6 AND small = 6) OR NOT (the same): UNKNOWN only if the pair is
	 */
	leaves[0] = flow_filter_compare(filter, 1, FLOW_AS_IS, FLOW_EQ, &six);
	leaves[1] = flow_filter_compare(filter, 0, FLOW_AS_IS, FLOW_EQ, &six);
	pair = flow_filter_and(filter, leaves, 2);
	both[0] = pair;
	both[1] = flow_filter_not(filter, pair);
	flow_filter_set_root(filter, flow_filter_or(filter, both, 2));
	fields[0] = SLICE("7");
	CHECK_INT(flow_filter_test(filter, fields, &bad), FLOW_TRUE);
	fields[0] = fields[1] = SLICE("6");
	CHECK_INT(flow_filter_test(filter, fields, &bad), FLOW_TRUE);
	fields[1] = NO_FIELD;
	CHECK(flow_filter_test(filter, fields, &bad) != FLOW_TRUE);
	flow_filter_free(filter);
}

/* ---------- random trees ---------- */

typedef struct Forest
{
	ModelTree trees[96];
	FlowValue constants[96][6];
	size_t count;
} Forest;

/*
 * Makes a random tree.  "like" is a leaf beside it, or NULL.  A leaf often
 * compares the same as that one, so that lists can combine them.
 */
static ModelTree *
random_tree(Forest *forest, uint64_t *seed, int depth, const ModelTree *like)
{
	size_t place = forest->count++;
	ModelTree *tree = &forest->trees[place];
	FlowValue *constants = forest->constants[place];
	bool alike = like != NULL && like->kind <= MODEL_ALL && unit_random(seed) % 2 == 0;

	*tree = (ModelTree) {.kind = MODEL_COMPARE, .constants = constants};
	if (depth > 0 && unit_random(seed) % 8 != 0)
	{
		tree->kind = MODEL_NOT + unit_random(seed) % 3;
		tree->nchildren = tree->kind == MODEL_NOT ? 1 : unit_random(seed) % (depth == 1 ? 6 : 4);
		for (size_t i = 0; i < tree->nchildren; i++)
		{
			tree->children[i] = random_tree(forest, seed, depth - 1, like);
			like = tree->children[i]->kind == MODEL_NOT ? tree->children[i]->children[0]
			                                            : tree->children[i];
		}
		return tree;
	}
	tree->kind = unit_random(seed) % 16 == 0 ? MODEL_CONSTANT
	                                         : (ModelKind[]) {MODEL_COMPARE,
	                                                          MODEL_COMPARE,
	                                                          MODEL_ANY,
	                                                          MODEL_ALL,
	                                                          MODEL_IS_NULL}[unit_random(seed) % 5];
	tree->truth = unit_random(seed) % FLOW_ERROR;
	tree->has_null =
		(tree->kind == MODEL_ANY || tree->kind == MODEL_ALL) && unit_random(seed) % 3 == 0;
	do
	{
		tree->column = alike ? like->column : (int) (unit_random(seed) % flow_countof(columns));
		tree->view = alike ? like->view : unit_random(seed) % 3;
		tree->op = alike && unit_random(seed) % 4 != 0 ? like->op
		                                               : unit_random(seed) % (FLOW_OVERLAPS + 1);
	} while (tree->kind <= MODEL_ALL && !has_operator(tree->column, tree->view, tree->op));
	if (tree->kind <= MODEL_ALL)
		tree->count = tree->kind == MODEL_COMPARE ? 1 : unit_random(seed) % 6;
	for (size_t i = 0; i < tree->count; i++)
		while (!constant_for(tree->column, tree->view, unit_random(seed) % 60, &constants[i]))
			;
	return tree;
}

/*
 * Makes mostly good fields: with many bad ones, nearly every result is
 * FLOW_ERROR.
 */
static void
random_fields(uint64_t *seed, FlowSlice *fields)
{
	bool clean = unit_random(seed) % 2 == 0;

	for (int i = 0; i < NCOLUMNS; i++)
	{
		const Pool *pool = &pools[columns[i].type];
		FlowStatus status;
		FlowValue value;

		do
		{
			fields[i] = pool_field(pool, unit_random(seed));
			status = flow_value_read(&columns[i], &unit_host, fields[i], &value);
		} while (clean && status != FLOW_OK && status != FLOW_END);
	}
}

#define TREES 8000
#define RECORDS 64

/* Makes a record whose fields can all be in a line, and mostly are values. */
static void
even_fields(uint64_t *seed, FlowSlice *fields)
{
	for (int i = 0; i < NCOLUMNS; i++)
	{
		int tries = unit_random(seed) % 16 ? 20 : 1;
		FlowStatus status;
		FlowValue value;

		do
		{
			do
				fields[i] = pool_field(&pools[columns[i].type], unit_random(seed));
			while (!filter_batch_is_even(fields[i]));
			status = flow_value_read(&columns[i], &unit_host, fields[i], &value);
		} while (status != FLOW_OK && --tries > 0);
	}
}

static void
batches_agree_with_single_records(void)
{
	static FlowSlice records[RECORDS][flow_countof(columns)];
	static FilterBatch batch;
	static Forest forest;
	uint64_t seed = 78;
	int64_t judged = 0;

	for (int i = 0; i < RECORDS; i++)
		even_fields(&seed, records[i]);
	for (int t = 0; t < unit_tries(TREES / 4); t++)
	{
		bool bad_is_null = t % 2;
		FlowFilter *filter = flow_filter_create(&unit_host, columns, NCOLUMNS, bad_is_null);
		ModelTree *conjuncts[3];
		ModelTree root = {.kind = MODEL_AND,
		                  .nchildren = 1 + unit_random(&seed) % flow_countof(conjuncts)};

		forest.count = 0;
		for (size_t i = 0; i < root.nchildren; i++)
			root.children[i] = random_tree(&forest, &seed, 1, i > 0 ? root.children[i - 1] : NULL);
		flow_filter_set_root(filter, model_build(filter, &root));
		filter_batch_begin(&batch, NCOLUMNS);
		for (int i = 0; i < RECORDS; i++)
		{
			FlowBadField bad;
			FlowTruth truth = flow_filter_test(filter, records[i], &bad);

			filter_batch_add(&batch, records[i], truth, bad);
		}
		CHECK_INT(batch.count, RECORDS);
		CHECK(filter_batch_agrees(&batch, filter));
		judged += 2 * RECORDS;
		flow_filter_free(filter);
	}
	printf("# %" PRId64 " rows, doubtful %zu\n", judged, batch.doubtful);
	CHECK(batch.doubtful > 0 && (int64_t) batch.doubtful < judged / 2);
}

static void
random_trees_agree_with_the_naive_interpreter(void)
{
	static FlowSlice records[RECORDS][flow_countof(columns)];
	static Forest forest;
	uint64_t seed = 77;
	int64_t judged = 0;
	int seen[FLOW_ERROR + 1] = {0};

	for (int i = 0; i < RECORDS; i++)
		random_fields(&seed, records[i]);
	for (int t = 0; t < unit_tries(TREES); t++)
	{
		bool bad_is_null = t % 2;
		FlowFilter *filter = flow_filter_create(&unit_host, columns, NCOLUMNS, bad_is_null);
		FlowFilter *opposite = flow_filter_create(&unit_host, columns, NCOLUMNS, bad_is_null);
		ModelTree *tree, negated;

		forest.count = 0;
		tree = random_tree(&forest, &seed, 3, NULL);
		negated = (ModelTree) {.kind = MODEL_NOT, .children = {tree}, .nchildren = 1};
		flow_filter_set_root(filter, model_build(filter, tree));
		flow_filter_set_root(opposite, model_build(opposite, &negated));
		for (int i = 0; i < RECORDS; i++)
		{
			ModelRecord record = {columns, records[i], bad_is_null};
			FlowBadField bad;
			FlowTruth got = flow_filter_test(filter, records[i], &bad);

			CHECK(model_agrees(tree, &record, got, bad));
			seen[got]++;

			/*
			 * the negation distinguishes FALSE from UNKNOWN, which are the
			 * same at the root
			 */
			got = flow_filter_test(opposite, records[i], &bad);
			CHECK(model_agrees(&negated, &record, got, bad));
			judged += 2;
		}
		flow_filter_free(filter);
		flow_filter_free(opposite);
	}
	printf("# %" PRId64 " evaluations; false %d, true %d, unknown %d, broken %d\n",
	       judged,
	       seen[FLOW_FALSE],
	       seen[FLOW_TRUE],
	       seen[FLOW_UNKNOWN],
	       seen[FLOW_ERROR]);
	for (int i = 0; i <= FLOW_ERROR; i++)
		CHECK(seen[i] > unit_tries(TREES) * RECORDS / 50);
}

static void
the_order_of_children_never_changes_which_rows_pass(void)
{
	static Forest forest;
	uint64_t seed = 4711;
	FlowSlice fields[flow_countof(columns)];

	for (int t = 0; t < unit_tries(3000); t++)
	{
		FlowFilter *filter[2];
		ModelTree list = {.kind = MODEL_AND + t % 2, .nchildren = MODEL_CHILDREN};

		forest.count = 0;
		for (int i = 0; i < MODEL_CHILDREN; i++)
			list.children[i] = random_tree(&forest, &seed, 1, i > 0 ? list.children[i - 1] : NULL);
		for (int k = 0; k < 2; k++)
		{
			filter[k] = flow_filter_create(&unit_host, columns, NCOLUMNS, true);
			flow_filter_set_root(filter[k], model_build(filter[k], &list));
			for (int i = MODEL_CHILDREN - 1; i > 0; i--)
			{
				int other = (int) (unit_random(&seed) % (unsigned) (i + 1));
				ModelTree *child = list.children[i];

				list.children[i] = list.children[other];
				list.children[other] = child;
			}
		}
		for (int i = 0; i < 10; i++)
		{
			FlowBadField bad[2];
			FlowTruth truth[2];

			random_fields(&seed, fields);
			for (int k = 0; k < 2; k++)
				truth[k] = flow_filter_test(filter[k], fields, &bad[k]);
			if (truth[0] != FLOW_ERROR && truth[1] != FLOW_ERROR)
				CHECK_INT(truth[0] == FLOW_TRUE, truth[1] == FLOW_TRUE);
			else if (truth[0] == FLOW_TRUE || truth[1] == FLOW_TRUE)
				CHECK_INT(list.kind, MODEL_OR); /* which may spare the bad field */
		}
		flow_filter_free(filter[0]);
		flow_filter_free(filter[1]);
	}
}

/* ---------- memory ---------- */

/* Builds a filter with every kind of node.  Returns the root. */
static FlowPredicate *
build_everything(FlowFilter *filter)
{
	FlowPredicate *children[10];
	FlowValue constants[3], some_texts[3], networks[3];
	FlowPredicate *list;

	memset(constants, 0, sizeof(constants));
	memset(networks, 0, sizeof(networks));
	constants[1].integer = 1000000;
	children[0] = flow_filter_compare(filter, 1, FLOW_AS_IS, FLOW_LT, &constants[1]);
	children[1] = flow_filter_any(filter, 1, FLOW_AS_IS, FLOW_EQ, constants, 3, false);
	children[2] = flow_filter_any(filter, 2, FLOW_AS_DOUBLE, FLOW_EQ, constants, 2, true);
	children[3] = flow_filter_is_null(filter, 6);
	for (int i = 0; i < 3; i++)
		some_texts[i].text = (FlowSlice) {texts[10 + i], strlen(texts[10 + i])};
	children[4] = flow_filter_compare(filter, 6, FLOW_AS_IS, FLOW_EQ, some_texts);
	children[5] = flow_filter_any(filter, 6, FLOW_AS_IS, FLOW_EQ, some_texts, 3, false);
	for (int i = 0; i < 3; i++)
		networks[i].address.family = 4;
	children[6] = flow_filter_any(filter, 11, FLOW_AS_IS, FLOW_EQ, networks, 3, false);
	children[7] = flow_filter_any(filter, 11, FLOW_AS_IS, FLOW_OVERLAPS, networks, 3, false);
	children[8] = flow_filter_all(filter, 11, FLOW_AS_IS, FLOW_OVERLAPS, networks, 3, false);
	children[9] = flow_filter_all(filter, 11, FLOW_AS_IS, FLOW_EQ, networks, 3, false);
	list = flow_filter_or(filter, children, 10);
	children[0] = flow_filter_not(filter, list);
	children[1] = flow_filter_constant(filter, FLOW_TRUE);
	list = flow_filter_and(filter, children, 2);
	flow_filter_set_root(filter, list);
	return list;
}

static void
memory_that_runs_out_is_noticed_and_nothing_is_lost(void)
{
	FlowSlice fields[flow_countof(columns)] = {{NULL, 0}};
	FlowBadField bad;
	int failures = 0;

	for (int64_t n = 0;; n++)
	{
		FlowFilter *filter;
		FlowPredicate *root = NULL;

		unit_state.fail_after = n;
		filter = flow_filter_create(&unit_host, columns, NCOLUMNS, false);
		if (filter != NULL)
			root = build_everything(filter);
		unit_state.fail_after = -1;
		if (filter != NULL && root == NULL)
		{
			CHECK_INT(flow_filter_test(filter, fields, &bad), FLOW_ERROR);
			CHECK_INT(bad.status, FLOW_NO_MEMORY);

			/*
			 * after a failure the filter stays unusable, although there is
			 * memory again
			 */
			CHECK(flow_filter_constant(filter, FLOW_TRUE) == NULL);
		}
		flow_filter_free(filter);
		CHECK_INT(unit_state.outstanding, 0);
		if (root != NULL)
			break;
		failures++;
	}
	CHECK(failures >= 2);
	flow_filter_free(NULL);
}

static void
a_list_that_could_not_be_merged_for_lack_of_memory_is_none(void)
{
	FlowSlice fields[flow_countof(columns)] = {{NULL, 0}};
	FlowValue six = {.integer = 6};
	int built = 0, failed = 0;

	fields[1] = SLICE("6");

	/* the more nodes exist, the earlier memory runs out */
	for (int before = 0; before < 300; before++)
	{
		FlowFilter *filter = flow_filter_create(&unit_host, columns, NCOLUMNS, false);
		FlowPredicate *children[2], *list;
		FlowBadField bad;

		for (int i = 0; i < before; i++)
			flow_filter_constant(filter, FLOW_TRUE);
		children[0] = flow_filter_compare(filter, 1, FLOW_AS_IS, FLOW_GE, &six);
		children[1] = flow_filter_compare(filter, 1, FLOW_AS_IS, FLOW_LE, &six);
		unit_state.fail_after = before % 5;
		list = flow_filter_and(filter, children, 2);
		unit_state.fail_after = -1;
		flow_filter_set_root(filter, list);
		CHECK_INT(flow_filter_test(filter, fields, &bad), list == NULL ? FLOW_ERROR : FLOW_TRUE);
		CHECK_INT(flow_filter_status(filter), list == NULL ? FLOW_NO_MEMORY : FLOW_OK);
		built += list != NULL;
		failed += list == NULL;
		flow_filter_free(filter);
	}
	CHECK(built > 0 && failed > 0);
}

static void
a_filter_without_a_root_lets_nothing_pass(void)
{
	FlowFilter *filter = flow_filter_create(&unit_host, columns, NCOLUMNS, false);
	FlowSlice fields[flow_countof(columns)] = {{NULL, 0}};
	FlowPredicate *children[2] = {flow_filter_constant(filter, FLOW_TRUE), NULL};
	FlowBadField bad;

	CHECK_INT(flow_filter_test(filter, fields, &bad), FLOW_ERROR);
	CHECK(flow_filter_and(filter, children, 2) == NULL);
	CHECK(flow_filter_not(filter, NULL) == NULL);
	flow_filter_set_root(filter, NULL);
	CHECK_INT(flow_filter_test(filter, fields, &bad), FLOW_ERROR);
	CHECK_INT(bad.column, -1);
	flow_filter_free(filter);
}

static void
every_filter_was_freed_entirely(void)
{
	CHECK_INT(unit_state.outstanding, 0);
}

int
main(void)
{
	RUN(every_operator_of_every_type_agrees_with_the_naive_one);
	RUN(null_tests_read_the_field_of_every_type);
	RUN(small_sets_of_every_type_agree_with_the_naive_ones);
	RUN(what_cannot_be_compared_is_no_predicate);
	RUN(texts_are_read_no_further_than_they_reach);
	RUN(comparisons_are_as_sql_has_them);
	RUN(to_timestamp_is_postgresqls_to_the_last_bit);
	RUN(constants_are_copied);
	RUN(the_cheap_part_is_judged_first_and_may_spare_the_other);
	RUN(a_conjunct_that_drops_a_record_spares_it_the_error_of_another);
	RUN(unknown_stops_a_list_where_it_cannot_matter_any_more);
	RUN(children_of_equal_cost_keep_their_order);
	RUN(two_bounds_of_one_column_are_judged_like_two_predicates);
	RUN(empty_lists_and_sets_are_what_sql_says);
	RUN(a_predicate_may_stand_in_two_places);
	RUN(random_trees_agree_with_the_naive_interpreter);
	RUN(batches_agree_with_single_records);
	RUN(the_order_of_children_never_changes_which_rows_pass);
	RUN(memory_that_runs_out_is_noticed_and_nothing_is_lost);
	RUN(a_list_that_could_not_be_merged_for_lack_of_memory_is_none);
	RUN(a_filter_without_a_root_lets_nothing_pass);
	RUN(every_filter_was_freed_entirely);
	return unit_done();
}
