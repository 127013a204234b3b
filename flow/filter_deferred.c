/*-------------------------------------------------------------------------
 *
 * filter_deferred.c
 *	  Predicates whose constants are not known until a record needs them.
 *
 * In "a OR b = c" an error in the expression c concerns only the records for
 * which a is not true.  So the host may leave such a predicate open: the test
 * of a record that needs it ends with FLOW_NEED_VALUE, the host evaluates the
 * expression, and puts the resulting predicate in its place.  The predicates
 * of a list before it are tested before it, and those after it after it.
 *
 *-------------------------------------------------------------------------
 */
#include "filter.h"

#define COST_DEFERRED 2 /* not known: that of most comparisons */

typedef struct Deferred
{
	FlowPredicate base;
	int number;
} Deferred;

static FlowTruth
test_deferred(const FlowPredicate *predicate, const FlowSlice *fields, FlowBadField *bad)
{
	(void) fields;
	*bad = (FlowBadField) {((const Deferred *) predicate)->number, FLOW_NEED_VALUE};
	return FLOW_ERROR;
}

FlowPredicate *
flow_filter_deferred(FlowFilter *filter, int number, int column)
{
	Deferred *deferred =
		flow_filter_new_node(filter, test_deferred, COST_DEFERRED, sizeof(Deferred));

	if (deferred == NULL)
		return NULL;
	deferred->base.column = column;
	deferred->base.may_fail = true;
	deferred->number = number;
	return &deferred->base;
}

bool
flow_filter_is_deferred(const FlowPredicate *predicate)
{
	return predicate->test == test_deferred;
}

bool
flow_filter_waits(const FlowPredicate *predicate)
{
	const FlowPredicate *negated = flow_filter_negated(predicate);
	const FlowFilterList *list = flow_filter_list(predicate);

	if (negated != NULL)
		return flow_filter_waits(negated);
	for (size_t i = 0; list != NULL && i < list->count; i++)
		if (flow_filter_waits(list->children[i]))
			return true;
	return flow_filter_is_deferred(predicate);
}

/*
 * The predicate, in which "value" has taken the place of the deferred one of
 * that number.
 */
static FlowPredicate *
replace(FlowPredicate *predicate, int number, FlowPredicate *value)
{
	FlowPredicate **children;
	size_t count;

	if (flow_filter_is_deferred(predicate))
		return ((Deferred *) predicate)->number == number ? value : predicate;

	/* no reader tests now */
	count = flow_filter_children(predicate, &children);
	if (count > 0)
		predicate->may_fail = false;
	for (size_t i = 0; i < count; i++)
	{
		children[i] = replace(children[i], number, value);
		predicate->may_fail |= children[i]->may_fail;
	}
	return predicate;
}

void
flow_filter_resolve(FlowFilter *filter, int number, FlowPredicate *value)
{
	filter->resolved++;
	if (value == NULL || filter->root == NULL)
		filter->root = NULL;
	else
		flow_filter_set_root(filter, replace(filter->root, number, value));
}
