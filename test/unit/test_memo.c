/*-------------------------------------------------------------------------
 *
 * test_memo.c
 *	  Expressions of one column that the host computes: values that are awaited
 *	  together or one by one, and what is remembered of them.
 *
 *-------------------------------------------------------------------------
 */
#include "../../flow/expression.h"
#include "model_group.h"

enum
{
	WORD,
	NUMBER,
	NCOLUMNS
};

#define RECORDS 1000

static const FlowColumn columns[NCOLUMNS] = {
	{.name = "word",
     .type = FLOW_TEXT,
     .max_chars = -1,
     .scale = -1,
     .null_text = "-",
     .null_len = 1},
	{.name = "number",
     .type = FLOW_INT32,
     .max_chars = -1,
     .scale = -1,
     .null_text = "-",
     .null_len = 1},
};

static char texts[RECORDS * NCOLUMNS][48];
static FlowSlice fields[RECORDS * NCOLUMNS];
static const uint8_t no_digits[RECORDS * (NCOLUMNS + 2) / 8 + 64];

/* Makes records of so many words, short and long ones, and some NULLs. */
static void
make_records(uint64_t *seed, uint64_t words)
{
	for (int i = 0; i < RECORDS; i++)
	{
		uint64_t n = unit_random(seed) % words;
		char *word = texts[i * NCOLUMNS + WORD];
		char *number = texts[i * NCOLUMNS + NUMBER];

		if (n % 19 == 3)
			snprintf(word, sizeof(texts[0]), "%s", n % 2 ? "-" : "");
		else
			snprintf(word,
			         sizeof(texts[0]),
			         n % 3 ? "w%" PRIu64 : "a word of more than 16 bytes: %" PRIu64,
			         n);
		snprintf(number, sizeof(texts[0]), n % 23 == 4 ? "bad" : "%" PRIu64, n % 40);
	}
	for (int i = 0; i < RECORDS * NCOLUMNS; i++)
		fields[i] = (FlowSlice) {texts[i], strlen(texts[i])};
}

/* ---------- what the host computes ---------- */

static size_t computed; /* how often */
static char buffer[4096];

/* NULL for NULL, and for words that end in 7; else the last byte, and as text the word twice. */
static const FlowValue *
compute(int column, FlowType type, FlowSlice field)
{
	static FlowValue value;
	char last = '0';

	computed++;
	if (flow_value_read(&columns[column], &unit_host, field, &value) != FLOW_OK)
		return NULL;
	if (field.len > 0)
		last = field.data[field.len - 1];
	if (last == '7')
		return NULL;
	if (type == FLOW_TEXT)
	{
		size_t len = field.len;

		memcpy(buffer, field.data, len);
		memcpy(buffer + len, field.data, len);
		value.text = (FlowSlice) {buffer, 2 * len};
	}
	else
		value.integer = last;
	return &value;
}

/* An expression whose number says its column and type. */
static FlowExpression *
remembered(FlowExpressions *expressions, int column, FlowType type, bool ahead)
{
	return flow_expression_remembered(expressions,
	                                  column,
	                                  type,
	                                  1 + column * 2 + (type == FLOW_TEXT),
	                                  ahead);
}

static const FlowValue *
compute_number(int number, FlowSlice field)
{
	return compute((number - 1) / 2, (number - 1) % 2 ? FLOW_TEXT : FLOW_INT64, field);
}

/* Gives all that is awaited; returns how much it was. */
static size_t
give_awaited(FlowMemo *memo)
{
	FlowAwaited awaited;
	size_t count = 0;

	for (; flow_memo_next(memo, &awaited); count++)
		flow_memo_provide(memo, compute_number(awaited.number, awaited.field));
	return count;
}

/* ---------- many records ---------- */

/* Returns true if a record has the value that the host computes. */
static bool
is_right(const FlowExpression *e, size_t i, int column, FlowSlice field)
{
	FlowType type = flow_expression_type(e);
	size_t before = computed;
	const FlowValue *value = compute(column, type, field);

	computed = before;
	if (value == NULL || !e->vector.present[i])
		return value == NULL && !e->vector.present[i];
	if (type != FLOW_TEXT)
		return e->vector.numbers[i] == value->integer;
	return e->vector.texts[i].len == value->text.len &&
	       memcmp(e->vector.texts[i].data, value->text.data, value->text.len) == 0;
}

/* Evaluates a record that cut a run, by itself; its bad field is NULL. */
static void
evaluate_singly(FlowExpressions *expressions, FlowExpression *e, size_t record)
{
	FlowBatch batch = {.count = 1, .fields = fields + record * NCOLUMNS};
	FlowRun run = {&batch, 0, 1, false, FLOW_OK, {-1, FLOW_OK}};

	for (int tries = 0; tries < 3; tries++)
	{
		run.count = 1;
		run.status = FLOW_OK;
		flow_expressions_begin_run(expressions);
		flow_expression_evaluate(e, &run, NULL);
		if (run.status == FLOW_OK)
			break;
		if (run.status == FLOW_NEED_VALUE)
		{
			int column = (run.bad.column - 1) / 2;

			CHECK(flow_expression_provide(
				expressions,
				run.bad.column,
				compute_number(run.bad.column, fields[record * NCOLUMNS + (size_t) column])));
		}
		else
		{
			CHECK_INT(run.status, FLOW_BAD_SYNTAX);
			run.bad_is_null = true;
		}
	}
	CHECK_INT(run.status, FLOW_OK);
	flow_expressions_forget(expressions);
}

/* Evaluates all records, as a filter or groups would, and checks all values. */
static void
check_records(FlowExpressions *expressions, FlowMemo *memo, FlowExpression *e, int column,
              const FlowBatch *batch, uint8_t *mask)
{
	size_t done = 0;

	while (done < RECORDS)
	{
		size_t left = RECORDS - done;
		FlowRun run =
			{batch, done, left < FLOW_RUN ? left : FLOW_RUN, false, FLOW_OK, {-1, FLOW_OK}};

		flow_memo_settle(memo);
		flow_memo_gather(memo, true);
		flow_expressions_begin_run(expressions);
		flow_expression_evaluate(e, &run, mask);
		flow_memo_gather(memo, false);
		if (flow_memo_awaits(memo))
		{
			CHECK(give_awaited(memo) > 0);
			continue;
		}
		for (size_t i = 0; i < run.count; i++)
		{
			bool right = is_right(e, i, column, fields[(done + i) * NCOLUMNS + (size_t) column]);

			CHECK(right || (mask != NULL && !mask[i] && !e->vector.present[i]));
		}
		done += run.count;
		if (run.status != FLOW_OK)
		{
			evaluate_singly(expressions, e, done);
			CHECK(is_right(e, 0, column, fields[done * NCOLUMNS + (size_t) column]));
			done++;
		}
	}
}

static void
it_has_the_values_that_the_host_computes(void)
{
	for (uint64_t round = 1; round <= 200; round++)
	{
		uint64_t seed = round, shuffle = round;
		FlowMemo *memo = flow_memo_create(&unit_host);
		FlowExpressions *expressions = flow_expressions_create(&unit_host, columns, NCOLUMNS);
		int column = round % 3 ? WORD : NUMBER;
		uint8_t mask[FLOW_RUN];
		FlowExpression *e;
		ModelBatch made;

		make_records(&seed, round % 4 ? 60 : 5000);
		model_batch(&made, fields, RECORDS, NCOLUMNS, &shuffle);
		made.batch.digits = no_digits;
		for (size_t i = 0; i < FLOW_RUN; i++)
			mask[i] = unit_random(&seed) % 2;
		flow_expressions_use_memo(expressions, memo);
		e = remembered(expressions, column, round % 5 ? FLOW_TEXT : FLOW_INT64, round % 2);
		check_records(expressions, memo, e, column, &made.batch, round % 7 ? NULL : mask);
		flow_expressions_free(expressions);
		flow_memo_free(memo);
		model_batch_free(&made);
	}
}

static void
each_value_is_computed_once(void)
{
	FlowMemo *memo = flow_memo_create(&unit_host);
	FlowExpressions *expressions = flow_expressions_create(&unit_host, columns, NCOLUMNS);
	FlowExpression *e[2];
	uint64_t seed = 1;
	ModelBatch made;

	flow_expressions_use_memo(expressions, memo);
	e[0] = remembered(expressions, WORD, FLOW_TEXT, true);
	e[1] = remembered(expressions, WORD, FLOW_INT64, false);
	make_records(&seed, 40);
	model_batch(&made, fields, RECORDS, NCOLUMNS, &seed);
	made.batch.digits = no_digits;
	for (int i = 0; i < 2; i++)
	{
		computed = 0;
		check_records(expressions, memo, e[i], WORD, &made.batch, NULL);
		CHECK(computed > 20 && computed <= 40);
		computed = 0;
		check_records(expressions, memo, e[i], WORD, &made.batch, NULL);
		CHECK_INT(computed, 0);
	}
	flow_expressions_free(expressions);
	flow_memo_free(memo);
	model_batch_free(&made);
}

/* ---------- one record ---------- */

static FlowStatus
evaluate_field(FlowExpression *e, const char *field, bool gathers)
{
	FlowSlice slices[NCOLUMNS] = {{field, strlen(field)}, {"1", 1}};
	FlowBatch batch = {.count = 1, .fields = slices};
	FlowRun run = {&batch, 0, 1, false, FLOW_OK, {-1, FLOW_OK}};

	flow_memo_gather(e->owner->memo, gathers);
	flow_expressions_begin_run(e->owner);
	flow_expression_evaluate(e, &run, NULL);
	flow_memo_gather(e->owner->memo, false);
	return run.status;
}

static void
what_may_fail_is_computed_for_its_record(void)
{
	FlowMemo *memo = flow_memo_create(&unit_host);
	FlowExpressions *expressions = flow_expressions_create(&unit_host, columns, NCOLUMNS);
	FlowExpression *e;
	FlowValue value = {.integer = 42};

	flow_expressions_use_memo(expressions, memo);
	e = remembered(expressions, WORD, FLOW_INT64, false);
	CHECK_INT(evaluate_field(e, "a", true), FLOW_NEED_VALUE);
	CHECK(!flow_memo_awaits(memo));
	CHECK(flow_expression_provide(expressions, 1, &value));
	CHECK_INT(evaluate_field(e, "a", false), FLOW_OK);
	flow_expressions_forget(expressions);
	CHECK_INT(evaluate_field(e, "a", true), FLOW_OK);
	CHECK_INT(e->vector.numbers[0], 42);
	CHECK_INT(evaluate_field(e, "b", false), FLOW_NEED_VALUE);
	flow_expressions_free(expressions);
	flow_memo_free(memo);
}

static void
a_long_text_is_not_remembered(void)
{
	FlowMemo *memo = flow_memo_create(&unit_host);
	FlowExpressions *expressions = flow_expressions_create(&unit_host, columns, NCOLUMNS);
	FlowExpression *e;
	FlowValue value = {.text = {buffer, 2000}};
	FlowAwaited awaited;

	flow_expressions_use_memo(expressions, memo);
	e = remembered(expressions, WORD, FLOW_TEXT, true);
	memset(buffer, 'x', sizeof(buffer));
	CHECK_INT(evaluate_field(e, "a", true), FLOW_OK);
	CHECK(flow_memo_next(memo, &awaited));
	CHECK_INT(awaited.column, WORD);
	flow_memo_provide(memo, &value);
	CHECK(!flow_memo_next(memo, &awaited));

	/* it is needed for each record */
	for (int i = 0; i < 2; i++)
	{
		CHECK_INT(evaluate_field(e, "a", true), FLOW_NEED_VALUE);
		CHECK(flow_expression_provide(expressions, 2, &value));
		CHECK_INT(evaluate_field(e, "a", false), FLOW_OK);
		CHECK_INT(e->vector.texts[0].len, 2000);
		CHECK_INT(e->vector.texts[0].data[1999], 'x');
		flow_expressions_forget(expressions);
	}
	flow_expressions_free(expressions);
	flow_memo_free(memo);
}

/* ---------- memory ---------- */

static size_t allocated;

static void *
counting_allocate(void *arg, size_t size)
{
	size_t *block = unit_host.allocate(arg, size + sizeof(max_align_t));

	if (block == NULL)
		return NULL;
	*block = size;
	allocated += size;
	return (char *) block + sizeof(max_align_t);
}

static void
counting_free(void *arg, void *ptr)
{
	size_t *block;

	if (ptr == NULL)
		return;
	block = (size_t *) ((char *) ptr - sizeof(max_align_t));
	allocated -= *block;
	unit_host.free(arg, block);
}

/* Its values are a few hundred bytes. */
static const FlowValue *
large_value(FlowSlice field)
{
	static FlowValue value;

	memset(buffer, field.data[field.len - 1], 300);
	value.text = (FlowSlice) {buffer, 300};
	return &value;
}

static void
it_stays_within_its_bound(void)
{
	FlowHost host = unit_host;
	FlowMemo *memo;
	FlowExpressions *expressions;
	FlowExpression *e[3];
	size_t before, most = 0;

	host.allocate = counting_allocate;
	host.free = counting_free;
	memo = flow_memo_create(&host);
	expressions = flow_expressions_create(&host, columns, NCOLUMNS);
	flow_expressions_use_memo(expressions, memo);
	e[0] = remembered(expressions, WORD, FLOW_TEXT, true);
	e[1] = remembered(expressions, WORD, FLOW_TEXT, false);
	e[2] = remembered(expressions, NUMBER, FLOW_INT64, true);
	before = allocated;
	for (int i = 0; i < 60000; i++)
	{
		char field[64];
		FlowExpression *one = e[i / 20000];
		FlowAwaited awaited;

		snprintf(field, sizeof(field), "%s%d", i % 2 ? "" : "00000000000000000000000000", i);
		flow_memo_settle(memo);
		if (evaluate_field(one, field, true) == FLOW_NEED_VALUE)
		{
			CHECK(flow_expression_provide(expressions,
			                              one->number,
			                              large_value((FlowSlice) {field, strlen(field)})));
			CHECK_INT(evaluate_field(one, field, false), FLOW_OK);
			flow_expressions_forget(expressions);
		}
		while (flow_memo_next(memo, &awaited))
			flow_memo_provide(memo, large_value(awaited.field));
		(void) evaluate_field(one, field, true);
		CHECK(!flow_memo_awaits(memo));
		if (allocated - before > most)
			most = allocated - before;
	}
	CHECK(most > 1000 * 1000 && most < 1200 * 1000);
	flow_expressions_free(expressions);
	flow_memo_free(memo);
	CHECK_INT(allocated, 0);
}

int
main(void)
{
	RUN(it_has_the_values_that_the_host_computes);
	RUN(each_value_is_computed_once);
	RUN(what_may_fail_is_computed_for_its_record);
	RUN(a_long_text_is_not_remembered);
	RUN(it_stays_within_its_bound);
	return unit_done();
}
