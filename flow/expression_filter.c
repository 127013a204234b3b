/*-------------------------------------------------------------------------
 *
 * expression_filter.c
 *	  Filters as expressions: conditions of CASE, and FILTER of aggregates.
 *
 *-------------------------------------------------------------------------
 */
#include "expression.h"
#include "filter.h"
#include "lines.h"
#include "selector.h"

#include <string.h>

typedef struct FilterExpression
{
	FlowExpression base;
	FlowFilter *filter;
	FlowSelector *selector;
	uint32_t rows[FLOW_RUN];
} FilterExpression;

/* Sets the value of record i. */
static void
set_truth(FlowVector *vector, size_t i, bool truth)
{
	vector->numbers[i] = truth;
	vector->present[i] = 1;
}

/* Evaluates a single record, which was not split at separators, or is bad. */
static void
evaluate_singly(FilterExpression *e, FlowRun *run)
{
	FlowBadField bad;
	FlowTruth truth = flow_filter_test(e->filter, run->batch->fields, &bad);

	if (truth == FLOW_ERROR || (bad.column >= 0 && !run->bad_is_null))
		flow_run_cut(run, 0, bad.status, bad.column);
	else
		set_truth(&e->base.vector, 0, truth == FLOW_TRUE);
}

/*
 * Marks the records whose rows are still there, up to one that the filter
 * could not evaluate.
 */
static void
mark_rows(FilterExpression *e, FlowRun *run, size_t kept)
{
	const uint32_t *rows = run->batch->rows + run->first;
	size_t next = 0;

	for (size_t i = 0; i < run->count; i++)
	{
		bool there = next < kept && (e->rows[next] & ~FLOW_ROW_MARKS) == rows[i];

		if (there && (e->rows[next] & FLOW_ROW_DOUBTFUL))
		{
			/* evaluated by itself, it will say why */
			flow_run_cut(run, i, FLOW_BAD_SYNTAX, -1);
			return;
		}
		next += there;
		set_truth(&e->base.vector, i, there);
	}
}

static void
evaluate_filter(FlowExpression *expression, FlowRun *run, const uint8_t *mask)
{
	FilterExpression *e = (FilterExpression *) expression;
	size_t kept = run->count;
	FlowStatus status;

	if (run->count == 0)
		return;
	if (run->batch->next == NULL)
	{
		if (mask == NULL || mask[0])
			evaluate_singly(e, run);
		return;
	}
	if (run->batch->loader != NULL && flow_selector_find_truths(e->selector,
	                                                            run->batch,
	                                                            run->batch->rows + run->first,
	                                                            run->count,
	                                                            expression->vector.numbers))
	{
		memset(expression->vector.present, 1, run->count);
		return;
	}
	memcpy(e->rows, run->batch->rows + run->first, run->count * sizeof(uint32_t));
	status = flow_selector_apply(e->selector, run->batch, e->rows, &kept);
	if (status != FLOW_OK)
		flow_run_cut(run, 0, status, -1);
	else
		mark_rows(e, run, kept);
}

static void
release_filter(FlowExpression *expression)
{
	FilterExpression *e = (FilterExpression *) expression;

	flow_selector_free(e->selector);
	flow_filter_free(e->filter);
}

static void
forget_values(FlowExpression *expression)
{
	flow_expressions_forget(((FilterExpression *) expression)->filter->expressions);
}

static void
mark_columns(const FlowExpression *expression, const FlowColumnMarks *marks)
{
	flow_selector_mark(((const FilterExpression *) expression)->selector, marks);
}

FlowExpression *
flow_expression_filter(FlowExpressions *expressions, FlowFilter *filter)
{
	FilterExpression *made = flow_expression_new(expressions,
	                                             FLOW_BOOLEAN,
	                                             evaluate_filter,
	                                             sizeof(FilterExpression),
	                                             0);

	if (made == NULL)
	{
		flow_filter_free(filter);
		return NULL;
	}
	made->filter = filter;
	expressions->filter_may_fail |= filter->root != NULL && filter->root->may_fail;
	made->base.release = release_filter;
	made->base.forget = forget_values;
	made->base.mark = mark_columns;
	made->base.next_holder = expressions->holders;
	expressions->holders = &made->base;
	if (flow_selector_create(expressions->host, filter, FLOW_RUN, &made->selector) != FLOW_OK)
		return NULL;
	return &made->base;
}
