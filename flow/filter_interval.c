/*-------------------------------------------------------------------------
 *
 * filter_interval.c
 *	  Finds the possible results of a filter for records of which only bounds
 *	  of some values are known.
 *
 *-------------------------------------------------------------------------
 */
#include "filter.h"

/* A set of truths: bits by FlowTruth, of which FLOW_ERROR is none. */
#define BIT(truth) (1u << (truth))
#define ANY_TRUTH (BIT(FLOW_FALSE) | BIT(FLOW_TRUE) | BIT(FLOW_UNKNOWN))

/* A value may be NULL, or be taken for NULL, if it is not said that it never is. */
static unsigned
leaf_truths(const FlowPredicate *leaf, const FlowInterval *interval)
{
	unsigned outcomes;

	if (!interval->known || leaf->outcomes == NULL)
		return ANY_TRUTH;
	outcomes = leaf->outcomes(leaf, interval->low, interval->high);
	return (interval->always ? 0 : BIT(FLOW_UNKNOWN)) |
	       ((outcomes & 1) ? BIT(leaf->verdict[false]) : 0) |
	       ((outcomes & 2) ? BIT(leaf->verdict[true]) : 0);
}

static unsigned truths(const FlowPredicate *predicate, const FlowInterval *intervals);

/* One child is enough to decide; the other results need all children. */
static unsigned
list_truths(const FlowFilterList *list, const FlowInterval *intervals)
{
	FlowTruth decides = list->decides;
	FlowTruth otherwise = list->otherwise;
	unsigned all = BIT(otherwise) | BIT(FLOW_UNKNOWN);
	unsigned any = 0;

	for (size_t i = 0; i < list->count; i++)
	{
		unsigned child = truths(list->children[i], intervals);

		any |= child & (BIT(decides) | BIT(FLOW_UNKNOWN));
		if ((child & BIT(otherwise)) == 0)
			all &= ~BIT(otherwise);
		if ((child & (BIT(otherwise) | BIT(FLOW_UNKNOWN))) == 0)
			all = 0;
		if (i % FLOW_FILTER_LOOK == FLOW_FILTER_LOOK - 1 &&
		    flow_interrupted(list->base.filter->host))
			return ANY_TRUTH;
	}
	if ((any & BIT(FLOW_UNKNOWN)) == 0)
		all &= ~BIT(FLOW_UNKNOWN);
	return all | (any & BIT(decides));
}

/*
 * Returns the possible truths of a list.  Children are assumed to be
 * independent of one another.
 */
static unsigned
truths(const FlowPredicate *predicate, const FlowInterval *intervals)
{
	const FlowPredicate *negated = flow_filter_negated(predicate);
	const FlowFilterList *list = flow_filter_list(predicate);
	FlowTruth truth;
	unsigned any;

	if (flow_filter_is_deferred(predicate))
		return ANY_TRUTH;
	if (flow_filter_is_constant(predicate, &truth))
		return truth == FLOW_ERROR ? ANY_TRUTH : BIT(truth);
	if (predicate->column >= 0)
		return leaf_truths(predicate, &intervals[predicate->column]);
	if (list != NULL)
		return list_truths(list, intervals);
	if (negated == NULL) /* an expression */
		return ANY_TRUTH;
	any = truths(negated, intervals);
	return (any & BIT(FLOW_UNKNOWN)) | ((any & BIT(FLOW_FALSE)) ? BIT(FLOW_TRUE) : 0) |
	       ((any & BIT(FLOW_TRUE)) ? BIT(FLOW_FALSE) : 0);
}

bool
flow_filter_may_pass(const FlowFilter *filter, const FlowInterval *intervals)
{
	return filter->root == NULL || (truths(filter->root, intervals) & BIT(FLOW_TRUE)) != 0;
}

/* ---------- filters that are decided ---------- */

static bool is_decided(const FlowPredicate *predicate, const FlowInterval *intervals,
                       const bool *same);

/* A list is decided if all of its children are, or if one decides it. */
static bool
list_is_decided(const FlowFilterList *list, const FlowInterval *intervals, const bool *same)
{
	bool all = true;

	for (size_t i = 0; i < list->count; i++)
	{
		if (truths(list->children[i], intervals) == BIT(list->decides))
			return true;
		all = all && is_decided(list->children[i], intervals, same);
		if (i % FLOW_FILTER_LOOK == FLOW_FILTER_LOOK - 1 &&
		    flow_interrupted(list->base.filter->host))
			return false;
	}
	return all;
}

static bool
is_decided(const FlowPredicate *predicate, const FlowInterval *intervals, const bool *same)
{
	const FlowPredicate *negated = flow_filter_negated(predicate);
	const FlowFilterList *list = flow_filter_list(predicate);
	FlowTruth truth;
	unsigned outcomes;

	if (flow_filter_is_deferred(predicate))
		return false;
	if (flow_filter_is_constant(predicate, &truth))
		return truth != FLOW_ERROR;
	if (predicate->column >= 0)
	{
		outcomes = leaf_truths(predicate, &intervals[predicate->column]);
		return same[predicate->column] || (outcomes & (outcomes - 1)) == 0;
	}
	if (list != NULL)
		return list_is_decided(list, intervals, same);
	return negated != NULL && is_decided(negated, intervals, same); /* no expression is */
}

bool
flow_filter_is_decided(const FlowFilter *filter, const FlowInterval *intervals, const bool *same)
{
	return filter->root == NULL || is_decided(filter->root, intervals, same);
}
