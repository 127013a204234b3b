/*-------------------------------------------------------------------------
 *
 * test_expression.c
 *	  Expressions: many records at once against one by one, what fails, and
 *	  patterns of LIKE against a plain matcher.
 *
 *-------------------------------------------------------------------------
 */
#include "../../flow/filter.h"
#include "program.h"

/* ---------- records ---------- */

#define columns program_columns
#define RECORDS 700 /* more than two runs */

static char texts[RECORDS * NCOLUMNS][32];
static FlowSlice fields[RECORDS * NCOLUMNS];

static const char *const numbers[] =
	{"0", "1", "-1", "2", "7", "300", "32767", "-32768", "-", "x", "007"};
static const char *const large_numbers[] = {"9223372036854775807",
                                            "-9223372036854775808",
                                            "2147483648",
                                            "3000000000",
                                            "5"};
static const char *const words[] = {"ACCEPT",
                                    "REJECT",
                                    "a",
                                    "ab",
                                    "a%b",
                                    "abcabd",
                                    "-",
                                    "10.0.0.1",
                                    "\xc3\xa4"
                                    "b"};
static const char *const places[] =
	{"10.0.0.1", "10.0.0.0/8", "2001:db8::1", "2001:0db8::", "::ffff:10.0.0.1", "::1", "-"};

static const char *
random_text(int column, uint64_t *seed)
{
	uint64_t n = unit_random(seed);

	switch (column)
	{
		case FLAG:
			return (const char *[]) {"t", "f", "-", "true"}[n % 4];
		case MOMENT:
			return (
				const char *[]) {"1769731200", "1769731200000", "-", "2026-01-30T00:00:00Z"}[n % 4];
		case WORD:
			return words[n % flow_countof(words)];
		case PLACE:
			return places[n % flow_countof(places)];
		case LARGE:
			if (n % 5 == 0)
				return large_numbers[n / 5 % flow_countof(large_numbers)];
			break;
		default:
			break;
	}
	return n % 97 == 0 ? "x" : numbers[n / 97 % (flow_countof(numbers) - 2)];
}

static void
make_records(uint64_t *seed)
{
	for (int i = 0; i < RECORDS * NCOLUMNS; i++)
	{
		snprintf(texts[i], sizeof(texts[i]), "%s", random_text(i % NCOLUMNS, seed));
		fields[i] = (FlowSlice) {texts[i], strlen(texts[i])};
	}
}

/* ---------- many records against one by one ---------- */

/* Evaluates one record. */
static FlowStatus
evaluate_one(FlowExpression *expression, size_t record)
{
	FlowBatch batch = {.count = 1, .fields = fields + record * NCOLUMNS};
	FlowRun run = {&batch, 0, 1, false, FLOW_OK, {-1, FLOW_OK}};

	flow_expressions_begin_run(expression->owner);
	flow_expression_evaluate(expression, &run, NULL);
	return run.status;
}

static unsigned
choose(void *seed, unsigned below)
{
	return (unsigned) (unit_random(seed) % below);
}

static void
it_computes_many_records_as_each(void)
{
	for (uint64_t round = 1; round <= 1000; round++)
	{
		uint64_t seed = round, shuffle = round, seeds[2] = {round, round};
		Program many = {.choose = choose, .arg = &seeds[0]};
		Program one = {.choose = choose, .arg = &seeds[1]};
		FlowExpression *a = program_make(&many, 3);
		FlowExpression *b = program_make(&one, 3);
		ModelBatch made;

		make_records(&seed);
		model_batch(&made, fields, RECORDS, NCOLUMNS, &shuffle);
		made.batch.digits = program_no_digits;
		CHECK_INT(program_count_agreeing(&many, a, &one, b, &made.batch, fields, RECORDS), RECORDS);
		program_free(&many);
		program_free(&one);
		model_batch_free(&made);
	}
}

/* ---------- what fails ---------- */

/* "large / small" */
static FlowExpression *
quotient(FlowExpressions *expressions)
{
	return flow_expression_operation(expressions,
	                                 FLOW_DIVIDE,
	                                 FLOW_INT64,
	                                 flow_expression_column(expressions, LARGE),
	                                 flow_expression_column(expressions, SMALL),
	                                 9);
}

static void
set_record(const char *small, const char *large)
{
	for (int i = 0; i < NCOLUMNS; i++)
		fields[i] = (FlowSlice) {"-", 1};
	fields[SMALL] = (FlowSlice) {small, strlen(small)};
	fields[LARGE] = (FlowSlice) {large, strlen(large)};
}

static void
it_waits_for_what_it_cannot_compute(void)
{
	FlowExpressions *expressions = flow_expressions_create(&unit_host, columns, NCOLUMNS);
	FlowExpression *e = quotient(expressions);
	FlowValue value = {.integer = 42};

	set_record("3", "-7");
	CHECK_INT(evaluate_one(e, 0), FLOW_OK);
	CHECK_INT(e->vector.numbers[0], -2);
	set_record("0", "7");
	CHECK_INT(evaluate_one(e, 0), FLOW_NEED_VALUE);
	set_record("-1", "-9223372036854775808");
	CHECK_INT(evaluate_one(e, 0), FLOW_NEED_VALUE);
	flow_expression_provide(expressions, 9, &value);
	CHECK_INT(evaluate_one(e, 0), FLOW_OK);
	CHECK_INT(e->vector.numbers[0], 42);
	flow_expression_provide(expressions, 9, NULL);
	CHECK_INT(evaluate_one(e, 0), FLOW_OK);
	CHECK_INT(e->vector.present[0], 0);
	flow_expressions_forget(expressions);
	CHECK_INT(evaluate_one(e, 0), FLOW_NEED_VALUE);

	/* NULL fails nowhere, whatever the other argument */
	set_record("0", "-");
	CHECK_INT(evaluate_one(e, 0), FLOW_OK);
	CHECK_INT(e->vector.present[0], 0);
	flow_expressions_free(expressions);
}

static void
a_branch_that_is_not_taken_does_not_fail(void)
{
	FlowExpressions *expressions = flow_expressions_create(&unit_host, columns, NCOLUMNS);
	FlowValue zero = {.integer = 0};
	FlowExpression *none = flow_expression_constant(expressions, FLOW_INT64, &zero);
	FlowExpression *condition = flow_expression_operation(
		expressions, FLOW_EQUAL, FLOW_BOOLEAN, flow_expression_column(expressions, SMALL), none, 0);
	FlowExpression *results[2] = {none, quotient(expressions)};
	FlowExpression *e = flow_expression_case(expressions, &condition, results, 1);

	set_record("0", "7");
	CHECK_INT(evaluate_one(e, 0), FLOW_OK);
	CHECK_INT(e->vector.numbers[0], 0);
	set_record("2", "7");
	CHECK_INT(evaluate_one(e, 0), FLOW_OK);
	CHECK_INT(e->vector.numbers[0], 3);
	flow_expressions_free(expressions);
}

/* A condition that may fail in CASE keeps its place among others. */
static void
what_fails_in_a_condition_fails_in_the_filter(void)
{
	FlowFilter *outer = flow_filter_create(&unit_host, columns, NCOLUMNS, false);
	FlowFilter *inner = flow_filter_create(&unit_host, columns, NCOLUMNS, false);
	FlowExpressions *expressions = flow_filter_expressions(outer);
	FlowExpressions *of_inner = flow_filter_expressions(inner);
	FlowValue one = {.integer = 1};
	FlowExpression *results[2];
	FlowExpression *condition;
	FlowPredicate *predicate;

	condition = flow_expression_operation(of_inner,
	                                      FLOW_GREATER,
	                                      FLOW_BOOLEAN,
	                                      quotient(of_inner),
	                                      flow_expression_constant(of_inner, FLOW_INT64, &one),
	                                      0);
	flow_filter_set_condition(inner, flow_filter_expression(inner, condition));
	condition = flow_expression_filter(expressions, inner);
	results[0] = flow_expression_column(expressions, FLAG);
	results[1] = flow_expression_constant(expressions, FLOW_BOOLEAN, NULL);
	predicate =
		flow_filter_expression(outer, flow_expression_case(expressions, &condition, results, 1));
	CHECK(predicate->may_fail);
	flow_filter_free(outer);
}

static void
a_long_text_is_left_to_the_host(void)
{
	FlowExpressions *expressions = flow_expressions_create(&unit_host, columns, NCOLUMNS);
	static char long_text[5000];
	FlowValue value = {.text = {long_text, sizeof(long_text)}};
	FlowExpression *arguments[2] = {flow_expression_constant(expressions, FLOW_TEXT, &value),
	                                flow_expression_column(expressions, WORD)};
	FlowExpression *e = flow_expression_concat(expressions, NULL, arguments, 2, false, 5);

	memset(long_text, 'x', sizeof(long_text));
	set_record("1", "1");
	CHECK_INT(evaluate_one(e, 0), FLOW_OK);
	CHECK_INT(e->vector.present[0], 0);
	fields[WORD] = (FlowSlice) {"a", 1};
	CHECK_INT(evaluate_one(e, 0), FLOW_NEED_VALUE);
	CHECK(flow_expression_provide(expressions, 5, &value));
	CHECK_INT(evaluate_one(e, 0), FLOW_OK);
	CHECK_INT(e->vector.texts[0].len, sizeof(long_text));
	flow_expressions_free(expressions);
}

/* Sets the fields of the record, from SMALL on. */
static void
set_fields(const char *const *texts_of_record)
{
	for (int i = 0; i < NCOLUMNS; i++)
		fields[i] = (FlowSlice) {texts_of_record[i], strlen(texts_of_record[i])};
}

/* Returns true if that is the text of an expression. */
static bool
is_text(const FlowExpression *e, const char *wanted)
{
	FlowSlice text = e->vector.texts[0];

	return text.len == strlen(wanted) && memcmp(text.data, wanted, text.len) == 0;
}

/* Checks the text of an expression for a record; NULL: it is NULL. */
static void
check_text(FlowExpression *e, const char *const *record, const char *wanted)
{
	set_fields(record);
	CHECK_INT(evaluate_one(e, 0), FLOW_OK);
	CHECK_INT(e->vector.present[0], wanted != NULL);
	if (wanted != NULL && e->vector.present[0])
		CHECK(is_text(e, wanted));
}

static void
texts_are_joined(void)
{
	static const char *const full[] = {"-7",
	                                   "443",
	                                   "9223372036854775807",
	                                   "true",
	                                   "1",
	                                   "a word of more than 16 bytes",
	                                   "10.0.0.1"};
	static const char *const other[] = {"0", "-", "1", "f", "1", "", "2001:db8:0:0::/64"};
	static const char *const none[] = {"-", "-", "-", "-", "-", "-", "-"};
	FlowExpressions *expressions = flow_expressions_create(&unit_host, columns, NCOLUMNS);
	FlowValue comma = {.text = {", ", 2}};
	FlowExpression *separator = flow_expression_constant(expressions, FLOW_TEXT, &comma);
	FlowExpression *null = flow_expression_constant(expressions, FLOW_TEXT, NULL);
	FlowExpression *parts[5];
	FlowExpression *e;

	for (int i = 0; i < 3; i++)
		parts[i] =
			flow_expression_number_text(expressions,
		                                flow_expression_column(expressions,
		                                                       (int[]) {SMALL, MEDIUM, FLAG}[i]));
	parts[3] = flow_expression_column(expressions, WORD);
	parts[4] =
		flow_expression_address_text(expressions, flow_expression_column(expressions, PLACE), 6);

	e = flow_expression_concat(expressions, NULL, parts, 5, true, 5);
	check_text(e, full, "-7443ta word of more than 16 bytes10.0.0.1");
	check_text(e, other, "0f2001:db8::/64");
	check_text(e, none, "");
	e = flow_expression_concat(expressions, NULL, parts, 5, false, 5);
	check_text(e, full, "-7443ta word of more than 16 bytes10.0.0.1");
	check_text(e, other, NULL);
	e = flow_expression_concat(expressions, separator, parts, 5, true, 5);
	check_text(e, full, "-7, 443, t, a word of more than 16 bytes, 10.0.0.1");
	check_text(e, other, "0, f, , 2001:db8::/64");
	check_text(e, none, "");
	check_text(flow_expression_concat(expressions, null, parts, 5, true, 5), full, NULL);
	check_text(flow_expression_concat(expressions, separator, parts, 0, true, 5), full, "");
	flow_expressions_free(expressions);
}

/* PostgreSQL shows some of these with an address of IPv4 at the end. */
static void
addresses_that_begin_with_zeros_are_left_to_the_host(void)
{
	FlowExpressions *expressions = flow_expressions_create(&unit_host, columns, NCOLUMNS);
	FlowExpression *e =
		flow_expression_address_text(expressions, flow_expression_column(expressions, PLACE), 6);
	FlowValue shown = {.text = {"shown", 5}};

	fields[PLACE] = (FlowSlice) {"::ffff:10.0.0.1", 15};
	CHECK_INT(evaluate_one(e, 0), FLOW_NEED_VALUE);
	CHECK(flow_expression_provide(expressions, 6, &shown));
	CHECK_INT(evaluate_one(e, 0), FLOW_OK);
	CHECK(is_text(e, "shown"));
	flow_expressions_forget(expressions);
	fields[PLACE] = (FlowSlice) {"0:0:0:0:1::", 11};
	CHECK_INT(evaluate_one(e, 0), FLOW_OK);
	CHECK(is_text(e, "::1:0:0:0"));
	flow_expressions_free(expressions);
}

static void
lack_of_memory_is_told(void)
{
	FlowExpressions *expressions = flow_expressions_create(&unit_host, columns, NCOLUMNS);

	CHECK(flow_expression_operation(expressions,
	                                FLOW_ADD,
	                                FLOW_INT32,
	                                NULL,
	                                flow_expression_column(expressions, SMALL),
	                                1) == NULL);
	CHECK(flow_expression_coalesce(expressions, (FlowExpression *[]) {NULL, NULL}, 2) == NULL);
	flow_expressions_free(expressions);
}

/* ---------- LIKE ---------- */

/* Matches characters of UTF-8, as the standard defines LIKE. */
static bool
model_like(const char *text, const char *pattern)
{
	if (*pattern == '\0')
		return *text == '\0';
	if (*pattern == '%')
		return model_like(text, pattern + 1) || (*text != '\0' && model_like(text + 1, pattern));
	if (*text == '\0')
		return false;
	if (*pattern == '_')
	{
		for (text++; ((unsigned char) *text & 0xC0) == 0x80; text++)
			;
		return model_like(text, pattern + 1);
	}
	if (*pattern == '\\')
		pattern++;
	return *text == *pattern && model_like(text + 1, pattern + 1);
}

static void
it_matches_patterns(void)
{
	static const char alphabet[] = "ab%_\\1.";
	uint64_t seed = 5;

	for (int round = 0; round < unit_tries(20000); round++)
	{
		FlowFilter *filter = flow_filter_create(&unit_host, columns, NCOLUMNS, false);
		char pattern[8] = "";
		size_t len = unit_random(&seed) % sizeof(pattern);
		const char *word = words[unit_random(&seed) % flow_countof(words)];
		FlowBadField bad;

		for (size_t i = 0; i < len; i++)
			pattern[i] = alphabet[unit_random(&seed) % (sizeof(alphabet) - 1)];
		pattern[len < sizeof(pattern) ? len : len - 1] = '\0';
		len = strlen(pattern);
		if (flow_filter_like_fits((FlowSlice) {pattern, len}) && strcmp(word, "-") != 0)
		{
			bool negated = unit_random(&seed) % 2;

			flow_filter_set_root(
				filter, flow_filter_like(filter, WORD, (FlowSlice) {pattern, len}, true, negated));
			fields[WORD] = (FlowSlice) {word, strlen(word)};
			CHECK_INT(flow_filter_test(filter, fields, &bad),
			          model_like(word, pattern) != negated ? FLOW_TRUE : FLOW_FALSE);
		}
		flow_filter_free(filter);
	}
	CHECK(!flow_filter_like_fits((FlowSlice) {"a\\", 2}));
	CHECK(flow_filter_like_fits((FlowSlice) {"a\\\\", 3}));
}

int
main(void)
{
	RUN(it_computes_many_records_as_each);
	RUN(it_waits_for_what_it_cannot_compute);
	RUN(a_branch_that_is_not_taken_does_not_fail);
	RUN(what_fails_in_a_condition_fails_in_the_filter);
	RUN(a_long_text_is_left_to_the_host);
	RUN(texts_are_joined);
	RUN(addresses_that_begin_with_zeros_are_left_to_the_host);
	RUN(lack_of_memory_is_told);
	RUN(it_matches_patterns);
	return unit_done();
}
