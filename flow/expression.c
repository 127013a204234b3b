/*-------------------------------------------------------------------------
 *
 * expression.c
 *	  Expressions: columns, constants, CASE and COALESCE, and the set of all.
 *
 *-------------------------------------------------------------------------
 */
#include "expression.h"

#include <string.h>

/* ---------- memory ---------- */

struct FlowExpressionChunk
{
	FlowExpressionChunk *next;
	max_align_t data[];
};

void *
flow_expression_allocate(FlowExpressions *expressions, size_t size)
{
	FlowExpressionChunk *chunk =
		flow_allocate(expressions->host, sizeof(FlowExpressionChunk) + size);

	if (chunk == NULL)
		return NULL;
	memset(chunk->data, 0, size);
	chunk->next = expressions->chunks;
	expressions->chunks = chunk;
	return chunk->data;
}

FlowExpressions *
flow_expressions_create(const FlowHost *host, const FlowColumn *columns, int ncolumns)
{
	FlowExpressions *expressions = flow_allocate(host, sizeof(FlowExpressions));

	if (expressions == NULL)
		return NULL;
	*expressions = (FlowExpressions) {.host = host, .columns = columns, .ncolumns = ncolumns};
	expressions->by_column =
		flow_expression_allocate(expressions, ((size_t) ncolumns + 1) * sizeof(FlowExpression *));
	if (expressions->by_column == NULL)
	{
		flow_free(host, expressions);
		return NULL;
	}
	return expressions;
}

void
flow_expressions_free(FlowExpressions *expressions)
{
	FlowExpressionChunk *chunk;

	if (expressions == NULL)
		return;
	for (FlowExpression *e = expressions->holders; e != NULL; e = e->next_holder)
		e->release(e);
	for (FlowExpression *e = expressions->failing; e != NULL; e = e->next_failing)
		flow_free(expressions->host, (char *) e->provided_text.data);
	while ((chunk = expressions->chunks) != NULL)
	{
		expressions->chunks = chunk->next;
		flow_free(expressions->host, chunk);
	}
	flow_free(expressions->host, expressions);
}

void *
flow_expression_new(FlowExpressions *expressions, FlowType type, FlowEvaluate evaluate, size_t size,
                    int number)
{
	FlowExpression *made = flow_expression_allocate(expressions, size);
	void *values = flow_expression_allocate(expressions, flow_vector_size(type));

	if (made == NULL || values == NULL)
		return NULL;
	made->evaluate = evaluate;
	made->owner = expressions;
	made->number = number;
	made->column = FLOW_ANY_COLUMN;
	if (number != 0)
	{
		made->next_failing = expressions->failing;
		expressions->failing = made;
	}
	flow_vector_init(&made->vector, type, values);
	return made;
}

FlowType
flow_expression_type(const FlowExpression *expression)
{
	return expression->vector.type;
}

/* ---------- evaluating ---------- */

void
flow_expressions_begin_run(FlowExpressions *expressions)
{
	expressions->run++;
}

void
flow_expressions_mark(const FlowExpressions *expressions, const FlowColumnMarks *marks)
{
	for (int i = 0; i < expressions->ncolumns; i++)
		marks->vectors[i] |= expressions->by_column[i] != NULL;
	for (const FlowExpression *e = expressions->holders; e != NULL; e = e->next_holder)
		e->mark(e, marks);
}

/* ---------- what fails ---------- */

bool
flow_expression_fail(FlowExpression *expression, FlowRun *run, size_t i)
{
	if (!expression->provided || run->count != 1)
	{
		flow_run_cut(run, i, FLOW_NEED_VALUE, expression->number);
		return false;
	}
	if (expression->vector.texts != NULL)
		expression->vector.texts[i] = expression->provided_text;
	else
		expression->vector.numbers[i] = expression->provided_number;
	expression->vector.present[i] = !expression->provided_null;
	return true;
}

/* Copies a text that is provided; false if memory is short. */
static bool
keep_text(FlowExpression *expression, FlowSlice text)
{
	const FlowHost *host = expression->owner->host;
	char *bytes = (char *) expression->provided_text.data;

	if (bytes == NULL || expression->text_room < text.len)
	{
		flow_free(host, bytes);
		bytes = flow_allocate(host, text.len + FLOW_RECORD_SLACK);
		expression->provided_text = (FlowSlice) {bytes, 0};
		expression->text_room = text.len;
		if (bytes == NULL)
			return false;
	}
	memcpy(bytes, text.data, text.len);
	expression->provided_text.len = text.len;
	return true;
}

bool
flow_expression_provide(FlowExpressions *expressions, int number, const FlowValue *value)
{
	bool kept = true;

	for (FlowExpression *e = expressions->failing; e != NULL; e = e->next_failing)
	{
		if (e->number != number)
			continue;
		e->provided = true;
		e->provided_null = value == NULL;
		e->provided_number = 0;
		if (value != NULL && e->vector.texts != NULL)
			kept &= keep_text(e, value->text);
		else if (value != NULL)
			e->provided_number = value->integer;
	}
	return kept;
}

void
flow_expressions_forget(FlowExpressions *expressions)
{
	if (expressions == NULL)
		return;
	for (FlowExpression *e = expressions->failing; e != NULL; e = e->next_failing)
		e->provided = false;
	for (FlowExpression *e = expressions->holders; e != NULL; e = e->next_holder)
		e->forget(e);
}

/* ---------- columns and constants ---------- */

typedef struct ColumnExpression
{
	FlowExpression base;
	FlowColumnReader reader;
	FlowVector own; /* the vector that it fills; "base" has another where values are shown */
} ColumnExpression;

/* Reads all records of the run, so that its other users need not. */
static void
evaluate_column(FlowExpression *expression, FlowRun *run, const uint8_t *mask)
{
	ColumnExpression *column = (ColumnExpression *) expression;

	(void) mask;
	expression->vector = column->own;
	if (!flow_vector_show(&column->reader, run, &expression->vector))
		flow_vector_read(&column->reader, expression->owner->host, run, &expression->vector);
	expression->run = expression->owner->run;
}

FlowExpression *
flow_expression_column(FlowExpressions *expressions, int column)
{
	ColumnExpression *made;

	if (expressions->by_column[column] != NULL)
		return expressions->by_column[column];
	made = flow_expression_new(expressions,
	                           expressions->columns[column].type,
	                           evaluate_column,
	                           sizeof(ColumnExpression),
	                           0);
	if (made == NULL)
		return NULL;
	made->own = made->base.vector;
	made->base.column = column;
	flow_column_reader_init(&made->reader, expressions->columns, column);
	expressions->by_column[column] = &made->base;
	return &made->base;
}

static void
evaluate_constant(FlowExpression *expression, FlowRun *run, const uint8_t *mask)
{
	/* its vector was filled when it was made */
	(void) expression;
	(void) run;
	(void) mask;
}

FlowExpression *
flow_expression_constant(FlowExpressions *expressions, FlowType type, const FlowValue *value)
{
	FlowExpression *made =
		flow_expression_new(expressions, type, evaluate_constant, sizeof(FlowExpression), 0);
	FlowSlice text = {NULL, 0};

	if (made != NULL)
		made->column = FLOW_NO_COLUMN;
	if (made == NULL || value == NULL)
		return made;
	if (made->vector.texts != NULL)
	{
		char *bytes = flow_expression_allocate(expressions, value->text.len + FLOW_RECORD_SLACK);

		if (bytes == NULL)
			return NULL;
		memcpy(bytes, value->text.data, value->text.len);
		text = (FlowSlice) {bytes, value->text.len};
	}
	for (size_t i = 0; i < FLOW_RUN; i++)
	{
		made->vector.present[i] = 1;
		if (made->vector.numbers != NULL)
			made->vector.numbers[i] = value->integer;
		else
			made->vector.texts[i] = text;
	}
	return made;
}

/* ---------- CASE and COALESCE ---------- */

typedef struct ChoiceExpression
{
	FlowExpression base;
	FlowExpression **conditions; /* NULL: COALESCE, whose condition is the result itself */
	FlowExpression **results;
	int count;               /* conditions, or arguments but the last */
	uint8_t left[FLOW_RUN];  /* records of which no condition was true */
	uint8_t taken[FLOW_RUN]; /* those of which the current one is */
} ChoiceExpression;

/* Copies the values of some records; those of others stay. */
static void
copy_values(FlowVector *to, const FlowVector *from, const uint8_t *mask, size_t count)
{
	const FlowVector values = *from;
	FlowVector result = *to;

	for (size_t i = 0; i < count; i++)
		result.present[i] = mask[i] ? values.present[i] : result.present[i];
	if (result.numbers != NULL)
		for (size_t i = 0; i < count; i++)
		{
			int64_t all = -(int64_t) mask[i];

			result.numbers[i] = (values.numbers[i] & all) | (result.numbers[i] & ~all);
		}
	else
		for (size_t i = 0; i < count; i++)
			if (mask[i] && result.texts != NULL)
				result.texts[i] = values.texts[i];
			else if (mask[i])
				result.addresses[i] = values.addresses[i];
}

/*
 * Marks the records, among those left, of which a condition is true or, for
 * COALESCE, an argument is not NULL.
 */
static void
take_records(ChoiceExpression *choice, int which, size_t count)
{
	const FlowVector *test = choice->conditions != NULL ? &choice->conditions[which]->vector
	                                                    : &choice->results[which]->vector;

	const uint8_t *present = test->present;
	const int64_t *numbers = test->numbers;

	if (choice->conditions == NULL)
		for (size_t i = 0; i < count; i++)
			choice->taken[i] = choice->left[i] & present[i];
	else
		for (size_t i = 0; i < count; i++)
			choice->taken[i] = choice->left[i] & present[i] & (uint8_t) numbers[i];
	for (size_t i = 0; i < count; i++)
		choice->left[i] ^= choice->taken[i];
}

/*
 * Sets the values of CASE with a single condition: two thirds less work than
 * to copy those of one result after the other.
 */
static void
choose_numbers(FlowVector *to, const FlowVector *condition, const FlowVector *one,
               const FlowVector *other, const uint8_t *taken, size_t count)
{
	/* a condition that is NULL is 0, too */
	const int64_t *truths = condition->numbers;
	const FlowVector result = *to, chosen = *one, otherwise = *other;

	for (size_t i = 0; i < count; i++)
		result.numbers[i] = flow_choose(truths[i], chosen.numbers[i], otherwise.numbers[i]);
	for (size_t i = 0; i < count; i++)
		result.present[i] =
			otherwise.present[i] ^ ((chosen.present[i] ^ otherwise.present[i]) & taken[i]);
}

static void
evaluate_choice(FlowExpression *expression, FlowRun *run, const uint8_t *mask)
{
	ChoiceExpression *choice = (ChoiceExpression *) expression;
	bool single = choice->conditions != NULL && choice->count == 1 && mask == NULL &&
	              expression->vector.numbers != NULL;

	if (mask != NULL)
		memcpy(choice->left, mask, run->count);
	else
		memset(choice->left, 1, run->count);
	for (int i = 0; i < choice->count; i++)
	{
		FlowExpression *test =
			choice->conditions != NULL ? choice->conditions[i] : choice->results[i];

		flow_expression_evaluate(test, run, choice->left);
		take_records(choice, i, run->count);
		if (choice->conditions != NULL)
			flow_expression_evaluate(choice->results[i], run, choice->taken);
		if (!single)
			copy_values(&expression->vector,
			            &choice->results[i]->vector,
			            choice->taken,
			            run->count);
	}
	flow_expression_evaluate(choice->results[choice->count], run, choice->left);
	if (single)
		choose_numbers(&expression->vector,
		               &choice->conditions[0]->vector,
		               &choice->results[0]->vector,
		               &choice->results[1]->vector,
		               choice->taken,
		               run->count);
	else
		copy_values(&expression->vector,
		            &choice->results[choice->count]->vector,
		            choice->left,
		            run->count);
}

static FlowExpression *
make_choice(FlowExpressions *expressions, FlowExpression *const *conditions,
            FlowExpression *const *results, int count)
{
	size_t size = ((size_t) count + 1) * sizeof(FlowExpression *);
	ChoiceExpression *made;

	for (int i = 0; i <= count; i++)
		if (results[i] == NULL || (conditions != NULL && i < count && conditions[i] == NULL))
			return NULL;
	made = flow_expression_new(expressions,
	                           flow_expression_type(results[0]),
	                           evaluate_choice,
	                           sizeof(ChoiceExpression),
	                           0);
	if (made == NULL)
		return NULL;
	made->count = count;
	made->results = flow_expression_allocate(expressions, size);
	if (conditions != NULL)
		made->conditions = flow_expression_allocate(expressions, size);
	if (made->results == NULL || (conditions != NULL && made->conditions == NULL))
		return NULL;
	memcpy(made->results, results, size);
	made->base.column = FLOW_NO_COLUMN;
	for (int i = 0; i <= count; i++)
	{
		flow_expression_reads(&made->base, results[i]);
		if (conditions != NULL && i < count)
			flow_expression_reads(&made->base, conditions[i]);
	}
	if (conditions != NULL)
		memcpy(made->conditions, conditions, (size_t) count * sizeof(FlowExpression *));
	return &made->base;
}

FlowExpression *
flow_expression_coalesce(FlowExpressions *expressions, FlowExpression *const *arguments, int count)
{
	return make_choice(expressions, NULL, arguments, count - 1);
}

FlowExpression *
flow_expression_case(FlowExpressions *expressions, FlowExpression *const *conditions,
                     FlowExpression *const *results, int count)
{
	return make_choice(expressions, conditions, results, count);
}
