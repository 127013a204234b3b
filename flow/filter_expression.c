/*-------------------------------------------------------------------------
 *
 * filter_expression.c
 *	  Predicates on expressions.
 *
 *-------------------------------------------------------------------------
 */
#include "expression.h"
#include "filter.h"

#define COST_EXPRESSION 24 /* of a few operations, in the unit of FlowPredicate.cost */

typedef struct ExpressionPredicate
{
	FlowPredicate base;
	FlowExpression *expression;
} ExpressionPredicate;

static FlowTruth
truth_of(const FlowVector *vector, size_t i)
{
	if (!vector->present[i])
		return FLOW_UNKNOWN;
	return vector->numbers[i] ? FLOW_TRUE : FLOW_FALSE;
}

/* Evaluates one record; returns FLOW_ERROR if its run was cut, with the reason. */
static FlowTruth
evaluate_record(FlowExpression *expression, const FlowSlice *fields, bool bad_is_null,
                FlowBadField *bad)
{
	FlowBatch batch = {.count = 1, .fields = fields};
	FlowRun run = {&batch, 0, 1, bad_is_null, FLOW_OK, {-1, FLOW_OK}};

	flow_expressions_begin_run(expression->owner);
	flow_expression_evaluate(expression, &run, NULL);
	if (run.status == FLOW_OK)
		return truth_of(&expression->vector, 0);
	*bad = run.bad;
	return FLOW_ERROR;
}

/* Returns true if what cut a record's run is a bad field that may be NULL. */
static bool
may_be_null(const FlowFilter *filter, FlowBadField bad)
{
	return filter->bad_is_null && bad.column >= 0 && bad.status != FLOW_NEED_VALUE &&
	       !filter->columns[bad.column].not_null;
}

/* Evaluates one record; its bad fields are NULL if that is allowed. */
static FlowTruth
test_expression(const FlowPredicate *predicate, const FlowSlice *fields, FlowBadField *bad)
{
	FlowExpression *expression = ((const ExpressionPredicate *) predicate)->expression;
	FlowBadField cut;
	FlowTruth truth = evaluate_record(expression, fields, false, &cut);

	if (truth == FLOW_ERROR && may_be_null(predicate->filter, cut))
	{
		if (bad->column < 0)
			*bad = cut;
		truth = evaluate_record(expression, fields, true, &cut);
	}
	if (truth == FLOW_ERROR)
		*bad = cut;
	return truth;
}

/* Evaluates rows up to one that is cut off, and keeps those that pass. */
static size_t
select_run(FlowExpression *expression, FlowRun *run, uint32_t *rows, size_t *kept)
{
	const uint32_t *from = run->batch->rows;
	const int64_t *numbers;
	const uint8_t *present;
	size_t next = *kept, count;

	flow_expressions_begin_run(expression->owner);
	flow_expression_evaluate(expression, run, NULL);
	numbers = expression->vector.numbers;
	present = expression->vector.present;
	count = run->count;
	for (size_t i = 0; i < count; i++)
	{
		rows[next] = from[i];
		next += present[i] & (numbers[i] != 0);
	}
	*kept = next;
	return count;
}

static size_t
select_by_expression(const FlowPredicate *predicate, const FlowBatch *batch, FlowSlice *fields,
                     uint32_t *rows, size_t count)
{
	FlowExpression *expression = ((const ExpressionPredicate *) predicate)->expression;
	size_t most = FLOW_RUN;
	size_t kept = 0;

	(void) fields;
	for (size_t i = 0; i < count;)
	{
		FlowBatch part = *batch;
		FlowRun run = {&part, 0, 0, false, FLOW_OK, {-1, FLOW_OK}};

		while (i + run.count < count && run.count < most &&
		       !(rows[i + run.count] & FLOW_ROW_DOUBTFUL))
			run.count++;
		part.rows = rows + i;
		part.count = run.count;
		if (run.count > 0)
			i += select_run(expression, &run, rows, &kept);
		most = flow_run_next(&run, most);
		if (i < count && (run.status != FLOW_OK || (rows[i] & FLOW_ROW_DOUBTFUL)))
			rows[kept++] =
				rows[i++] | (run.status == FLOW_NEED_VALUE ? FLOW_ROW_MARKS : FLOW_ROW_DOUBTFUL);
	}
	return kept;
}

/* Lists the columns that the expressions made so far read. */
static bool
list_columns(FlowFilter *filter, FlowPredicate *predicate, const FlowExpressions *expressions)
{
	int *columns = flow_filter_allocate(filter, (size_t) filter->ncolumns + 1, sizeof(int));
	bool *used = flow_filter_allocate_zeroed(filter, (size_t) filter->ncolumns + 1, sizeof(bool));

	if (columns == NULL || used == NULL)
		return false;
	flow_expressions_mark(expressions, &(FlowColumnMarks) {used, used, used});
	for (int i = 0; i < filter->ncolumns; i++)
		if (used[i])
			columns[predicate->ncolumns++] = i;
	predicate->columns = columns;
	return true;
}

FlowPredicate *
flow_filter_expression(FlowFilter *filter, FlowExpression *expression)
{
	ExpressionPredicate *made;

	if (expression == NULL)
		return NULL;
	made = flow_filter_new_node(filter, test_expression, COST_EXPRESSION, sizeof(*made));
	if (made == NULL || !list_columns(filter, &made->base, expression->owner))
		return NULL;
	made->base.select = select_by_expression;
	made->base.may_fail = expression->owner->failing != NULL || expression->owner->filter_may_fail;
	made->base.by_vectors = expression->owner->holders == NULL;
	made->expression = expression;
	return &made->base;
}
