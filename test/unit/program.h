/*-------------------------------------------------------------------------
 *
 * program.h
 *	  Random expressions, and their values for many records at once against
 *	  those of each.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include "../../flow/expression.h"
#include "model_group.h"

/* ---------- the columns ---------- */

enum
{
	SMALL,
	MEDIUM,
	LARGE,
	FLAG,
	MOMENT,
	WORD,
	PLACE,
	NCOLUMNS
};

#define PROGRAM_COLUMN(n, t)                                                                       \
	{                                                                                              \
		.name = n, .type = t, .max_chars = -1, .scale = -1, .null_text = "-", .null_len = 1        \
	}

static const FlowColumn program_columns[NCOLUMNS] = {
	PROGRAM_COLUMN("small", FLOW_INT16),
	PROGRAM_COLUMN("medium", FLOW_INT32),
	PROGRAM_COLUMN("large", FLOW_INT64),
	PROGRAM_COLUMN("flag", FLOW_BOOLEAN),
	PROGRAM_COLUMN("moment", FLOW_TIME),
	PROGRAM_COLUMN("word", FLOW_TEXT),
	PROGRAM_COLUMN("place", FLOW_ADDRESS),
};

/* for FlowBatch.digits: of no field it is known that it is all digits */
#define PROGRAM_RECORDS 1024
static const uint8_t program_no_digits[PROGRAM_RECORDS * (NCOLUMNS + 2) / 8 + 64];

/* ---------- random expressions ---------- */

/* Expressions that the host computes have numbers from this one on. */
#define PROGRAM_REMEMBERED 1000
#define PROGRAM_REMEMBERED_MAX 64

typedef struct Program
{
	/* returns a number from 0 to below - 1; two programs with the same numbers are the same */
	unsigned (*choose)(void *arg, unsigned below);
	void *arg;
	FlowExpressions *expressions;
	FlowMemo *memo;
	int number; /* of the last operation that may fail */

	/* those that the host computes: their columns, and where they are */
	int columns[PROGRAM_REMEMBERED_MAX];
	FlowType types[PROGRAM_REMEMBERED_MAX];
	FlowExpressions *owners[PROGRAM_REMEMBERED_MAX];
	int nremembered;
} Program;

static FlowExpression *program_condition(Program *p, int depth);
static FlowExpression *program_time(Program *p, int depth);

static inline unsigned
program_choose(Program *p, unsigned below)
{
	return p->choose(p->arg, below);
}

/* Makes an expression of a column that the host computes. */
static inline FlowExpression *
program_remembered(Program *p, FlowExpressions *owner, FlowType type)
{
	int i = p->nremembered;

	if (i == PROGRAM_REMEMBERED_MAX)
		return flow_expression_constant(owner, type, NULL);
	p->columns[i] = (int) program_choose(p, NCOLUMNS);
	p->types[i] = type;
	p->owners[i] = owner;
	p->nremembered++;
	return flow_expression_remembered(owner,
	                                  p->columns[i],
	                                  type,
	                                  PROGRAM_REMEMBERED + i,
	                                  program_choose(p, 2));
}

static inline FlowExpression *
program_number(Program *p, int depth)
{
	static const FlowType types[] = {FLOW_INT16, FLOW_INT32, FLOW_INT64};
	FlowType type = types[program_choose(p, 3)];
	FlowExpression *arguments[3];
	FlowOperation operation;

	if (depth <= 0 || program_choose(p, 4) == 0)
	{
		FlowValue value = {.integer = (int64_t) program_choose(p, 5) - 2};
		unsigned n = program_choose(p, 6);

		if (n == 5)
			return program_remembered(p, p->expressions, FLOW_INT64);
		if (n > 2)
			return flow_expression_constant(p->expressions, FLOW_INT64, n == 3 ? &value : NULL);
		return flow_expression_column(p->expressions, (int) n);
	}
	for (int i = 0; i < 3; i++)
		arguments[i] = program_number(p, depth - 1);
	switch (program_choose(p, 5))
	{
		case 0:
			return flow_expression_coalesce(p->expressions, arguments, 3);
		case 1:
		{
			FlowExpression *conditions[2];

			for (int i = 0; i < 2; i++)
				conditions[i] = program_condition(p, depth - 1);
			return flow_expression_case(p->expressions, conditions, arguments, 2);
		}
		case 2:
		{
			static const FlowZoneChange changes[] = {{0, 3600},
			                                         {INT64_C(1774746000000000), 7200},
			                                         {INT64_C(1792890000000000), 3600}};
			FlowZone zone = {changes, 3, INT64_C(4102444800000000)};
			FlowTimePart part =
				(FlowTimePart) (FLOW_MINUTE_OF_HOUR +
			                    program_choose(p, FLOW_YEAR - FLOW_MINUTE_OF_HOUR + 1));
			FlowExpression *time = program_time(p, depth - 1);

			return flow_expression_time(p->expressions, part, &zone, time, ++p->number);
		}
		default:
			operation = (FlowOperation) program_choose(p, FLOW_CONVERT + 1);
			return flow_expression_operation(p->expressions,
			                                 operation,
			                                 type,
			                                 arguments[0],
			                                 flow_operation_is_unary(operation) ? NULL
			                                                                    : arguments[1],
			                                 ++p->number);
	}
}

static inline FlowExpression *
program_time(Program *p, int depth)
{
	static const FlowZoneChange never = {0, 0};
	FlowZone utc = {&never, 1, INT64_C(4102444800000000)};
	FlowTimePart part;
	FlowExpression *time;

	switch (depth <= 0 ? 0 : program_choose(p, 4))
	{
		case 0:
			return flow_expression_column(p->expressions, MOMENT);
		case 1:
			time = program_time(p, depth - 1);
			return flow_expression_bin(p->expressions,
			                           1 + program_choose(p, 250) * INT64_C(1000000),
			                           7,
			                           time,
			                           ++p->number);
		case 2:
			time = program_number(p, depth - 1);
			return flow_expression_operation(p->expressions,
			                                 FLOW_TO_TIME,
			                                 FLOW_TIME,
			                                 time,
			                                 NULL,
			                                 ++p->number);
		default:
			part = (FlowTimePart) program_choose(p, FLOW_LOCAL_TIME + 1);
			time = program_time(p, depth - 1);
			return flow_expression_time(p->expressions, part, &utc, time, ++p->number);
	}
}

static inline FlowExpression *
program_text(Program *p, int depth)
{
	static const char *const constants[] = {"", "a", "0", "REJECT"};
	FlowExpression *arguments[2];
	FlowExpression *condition;
	FlowExpression *separator;

	if (depth <= 0 || program_choose(p, 4) == 0)
	{
		const char *text = constants[program_choose(p, 4)];
		FlowValue value = {.text = {text, strlen(text)}};

		switch (program_choose(p, 5))
		{
			case 0:
				return flow_expression_constant(p->expressions, FLOW_TEXT, &value);
			case 1:
				return flow_expression_constant(p->expressions, FLOW_TEXT, NULL);
			case 2:
				return program_remembered(p, p->expressions, FLOW_TEXT);
			default:
				return flow_expression_column(p->expressions, WORD);
		}
	}
	switch (program_choose(p, 8))
	{
		case 0:
			return flow_expression_number_text(p->expressions, program_number(p, depth - 1));
		case 1:
			return flow_expression_number_text(p->expressions,
			                                   flow_expression_column(p->expressions, FLAG));
		case 2:
			return flow_expression_address_text(p->expressions,
			                                    flow_expression_column(p->expressions, PLACE),
			                                    ++p->number);
		default:
			break;
	}
	for (int i = 0; i < 2; i++)
		arguments[i] = program_text(p, depth - 1);
	switch (program_choose(p, 4))
	{
		case 0:
			return flow_expression_coalesce(p->expressions, arguments, 2);
		case 1:
			condition = program_condition(p, depth - 1);
			return flow_expression_case(p->expressions, &condition, arguments, 1);
		default:
			separator = program_choose(p, 2) ? program_text(p, depth - 2) : NULL;
			return flow_expression_concat(p->expressions,
			                              separator,
			                              arguments,
			                              2,
			                              program_choose(p, 2),
			                              ++p->number);
	}
}

/* Makes a filter with comparisons, a pattern, and what the host computes. */
static inline FlowExpression *
program_filter(Program *p)
{
	FlowFilter *filter = flow_filter_create(&unit_host, program_columns, NCOLUMNS, false);
	FlowExpressions *expressions = flow_filter_expressions(filter);
	FlowValue value = {.integer = (int64_t) program_choose(p, 3)};
	FlowPredicate *children[3];

	flow_expressions_use_memo(expressions, p->memo);
	children[0] =
		flow_filter_compare(filter, (int) program_choose(p, 3), FLOW_AS_IS, FLOW_GT, &value);
	children[1] =
		flow_filter_like(filter, WORD, (FlowSlice) {"%E%", 3}, true, program_choose(p, 2));
	children[2] = flow_filter_expression(filter, program_remembered(p, expressions, FLOW_BOOLEAN));
	if (program_choose(p, 2))
		children[2] = flow_filter_not(filter, children[2]);
	flow_filter_set_condition(filter,
	                          program_choose(p, 2) ? flow_filter_and(filter, children, 3)
	                                               : flow_filter_or(filter, children, 3));
	return flow_expression_filter(p->expressions, filter);
}

/* Makes a filter, or a comparison of numbers or texts. */
static inline FlowExpression *
program_condition(Program *p, int depth)
{
	FlowOperation operation =
		(FlowOperation) (FLOW_EQUAL + program_choose(p, FLOW_GREATER_EQUAL - FLOW_EQUAL + 1));
	FlowExpression *left;

	switch (program_choose(p, 3))
	{
		case 0:
			left = program_text(p, depth / 2);
			return flow_expression_compare(p->expressions,
			                               operation,
			                               left,
			                               program_text(p, depth / 2));
		case 1:
			left = program_number(p, depth / 2);
			return flow_expression_operation(p->expressions,
			                                 operation,
			                                 FLOW_BOOLEAN,
			                                 left,
			                                 program_number(p, depth / 2),
			                                 0);
		default:
			return program_filter(p);
	}
}

/* Makes an expression of any kind. */
static inline FlowExpression *
program_make(Program *p, int depth)
{
	p->memo = flow_memo_create(&unit_host);
	p->expressions = flow_expressions_create(&unit_host, program_columns, NCOLUMNS);
	flow_expressions_use_memo(p->expressions, p->memo);
	switch (program_choose(p, 4))
	{
		case 0:
			return program_condition(p, depth);
		case 1:
			return program_text(p, depth);
		case 2:
			return program_time(p, depth);
		default:
			return program_number(p, depth);
	}
}

static inline void
program_free(Program *p)
{
	flow_expressions_free(p->expressions);
	flow_memo_free(p->memo);
}

/* ---------- the host ---------- */

/* What the host computes: some number, text or NULL for each field that is not NULL. */
static inline const FlowValue *
program_host_value(const Program *p, int number, FlowSlice field)
{
	static FlowValue value;
	int i = number - PROGRAM_REMEMBERED;
	FlowValue read;
	unsigned sum = 0;

	if (flow_value_read(&program_columns[p->columns[i]], &unit_host, field, &read) != FLOW_OK)
		return i % 2 ? NULL : (value.integer = 1, value.text = (FlowSlice) {"null", 4}, &value);
	for (size_t k = 0; k < field.len; k++)
		sum = sum * 31 + (unsigned char) field.data[k];
	if ((sum + (unsigned) i) % 7 == 0)
		return NULL;
	if (p->types[i] == FLOW_TEXT)
		value.text = (FlowSlice) {"some text, of any length", sum % 25};
	else if (p->types[i] == FLOW_BOOLEAN)
		value.integer = sum % 2;
	else
		value.integer = (int64_t) (sum % 100) - 50;
	return &value;
}

static inline void
program_give_awaited(Program *p)
{
	FlowAwaited awaited;

	while (flow_memo_next(p->memo, &awaited))
		flow_memo_provide(p->memo, program_host_value(p, awaited.number, awaited.field));
}

/* ---------- evaluating ---------- */

/* Evaluates one record; what the host computes is given. */
static inline FlowStatus
program_evaluate(Program *p, FlowExpression *expression, const FlowSlice *fields)
{
	FlowBatch batch = {.count = 1, .fields = fields};
	FlowRun run = {&batch, 0, 0, false, FLOW_OK, {-1, FLOW_OK}};
	int number;

	flow_memo_settle(p->memo);
	do
	{
		run.count = 1;
		run.status = FLOW_OK;
		flow_expressions_begin_run(p->expressions);
		flow_expression_evaluate(expression, &run, NULL);
		number = run.status == FLOW_NEED_VALUE ? run.bad.column : 0;
		if (number >= PROGRAM_REMEMBERED)
		{
			int i = number - PROGRAM_REMEMBERED;

			(void) flow_expression_provide(p->owners[i],
			                               number,
			                               program_host_value(p, number, fields[p->columns[i]]));
		}
	} while (number >= PROGRAM_REMEMBERED);
	flow_expressions_forget(p->expressions);
	return run.status;
}

static inline bool
program_same_value(const FlowVector *a, size_t i, const FlowVector *b, size_t j)
{
	if (!a->present[i] || !b->present[j])
		return a->present[i] == b->present[j];
	if (a->texts != NULL)
		return a->texts[i].len == b->texts[j].len &&
		       memcmp(a->texts[i].data, b->texts[j].data, a->texts[i].len) == 0;
	return a->numbers[i] == b->numbers[j];
}

/*
 * Returns the number of records, of "count", on which the same program agrees
 * with itself for many records and for each, which is all of them if it does.
 * "fields" has those of the batch.
 */
static inline size_t
program_count_agreeing(Program *many, FlowExpression *a, Program *one, FlowExpression *b,
                       const FlowBatch *batch, const FlowSlice *fields, size_t count)
{
	size_t done = 0;

	while (done < count)
	{
		size_t left = count - done;
		FlowRun run =
			{batch, done, left < FLOW_RUN ? left : FLOW_RUN, false, FLOW_OK, {-1, FLOW_OK}};

		flow_memo_settle(many->memo);
		flow_memo_gather(many->memo, true);
		flow_expressions_begin_run(many->expressions);
		flow_expression_evaluate(a, &run, NULL);
		flow_memo_gather(many->memo, false);
		if (flow_memo_awaits(many->memo))
		{
			program_give_awaited(many);
			continue;
		}
		for (size_t i = 0; i < run.count; i++)
			if (program_evaluate(one, b, fields + (done + i) * NCOLUMNS) != FLOW_OK ||
			    !program_same_value(&a->vector, i, &b->vector, 0))
				return done + i;
		done += run.count;
		if (run.status == FLOW_OK)
			continue;

		/*
		 * the next record is to be evaluated by itself; that may succeed, if a
		 * bad field is in a branch that it does not take
		 */
		if (program_evaluate(many, a, fields + done * NCOLUMNS) !=
		        program_evaluate(one, b, fields + done * NCOLUMNS) ||
		    (program_evaluate(one, b, fields + done * NCOLUMNS) == FLOW_OK &&
		     !program_same_value(&a->vector, 0, &b->vector, 0)))
			return done;
		done++;
	}
	return done;
}

#endif /* PROGRAM_H */
