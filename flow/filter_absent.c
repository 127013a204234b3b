/*-------------------------------------------------------------------------
 *
 * filter_absent.c
 *	  Finds out whether a filter can be true for records among which some
 *	  values do not occur, as far as it compares columns with constants.
 *
 *-------------------------------------------------------------------------
 */
#include "filter.h"

/*
 * Returns the comparison of a leaf that is true only if a value compares so
 * with one of the constants.
 */
static const FlowComparison *
comparison_of(const FlowPredicate *predicate)
{
	const FlowComparison *comparison = predicate->comparison;

	if (predicate->column < 0 || comparison == NULL || comparison->view != FLOW_AS_IS ||
	    comparison->op == FLOW_NE || comparison->op > FLOW_GE ||
	    (comparison->all && comparison->count > 1) ||
	    (comparison->op == FLOW_EQ && predicate->verdict[false] == FLOW_TRUE))
		return NULL;
	return comparison;
}

/* Returns false only if the predicate is true for none of the records. */
bool
flow_filter_may_find(const FlowPredicate *predicate, FlowSearch *search)
{
	const FlowFilterList *list = flow_filter_list(predicate);
	const FlowComparison *comparison = comparison_of(predicate);
	bool any = list != NULL && list->decides == FLOW_TRUE;
	FlowTruth truth;

	if (flow_filter_is_deferred(predicate))
		return true;
	if (flow_filter_is_constant(predicate, &truth))
		return truth != FLOW_FALSE && truth != FLOW_UNKNOWN;
	if (comparison != NULL)
		return search->may_have(search,
		                        predicate->column,
		                        comparison->op,
		                        comparison->constants,
		                        comparison->count);

	/* of an OR one child is enough, and of an AND all are needed */
	for (size_t i = 0; list != NULL && i < list->count; i++)
	{
		if (i % FLOW_FILTER_LOOK == FLOW_FILTER_LOOK - 1 &&
		    flow_interrupted(predicate->filter->host))
			return true;
		if (flow_filter_may_find(list->children[i], search) == any)
			return any;
	}
	return list == NULL || !any;
}

static void
mark_leaf(void *arg, const FlowPredicate *leaf)
{
	bool *columns = arg;

	const FlowComparison *comparison = comparison_of(leaf);

	if (comparison != NULL && comparison->op == FLOW_EQ)
		columns[leaf->column] = true;
}

/* Marks the columns that a filter compares for equality. */
void
flow_filter_mark_equalities(const FlowFilter *filter, bool *columns)
{
	if (filter->root != NULL)
		flow_filter_visit_leaves(filter->root, mark_leaf, columns);
}
