/*-------------------------------------------------------------------------
 *
 * filter_compare.c
 *	  Comparisons of a field with constants.
 *
 * Their nodes are in three files, by what the field is converted to: a key (an
 * int64 that orders like the value), a text, or a network.
 *
 *-------------------------------------------------------------------------
 */
#include "filter.h"

#include <string.h>

#define COMBINED_MAX 256 /* constants of an array that a list may combine with others */

/* how comparisons of a column are built; NULL: there are none of this type */
static const FlowBuild builds[] = {
	[FLOW_INT16] = flow_filter_key,
	[FLOW_INT32] = flow_filter_key,
	[FLOW_INT64] = flow_filter_key,
	[FLOW_BOOLEAN] = flow_filter_key,
	[FLOW_TEXT] = flow_filter_text,
	[FLOW_PADDED] = flow_filter_text,
	[FLOW_ADDRESS] = flow_filter_network,
	[FLOW_NETWORK] = flow_filter_network,
	[FLOW_TIME] = flow_filter_key,
	[FLOW_DAY] = flow_filter_key,
	[FLOW_OPAQUE] = NULL,
};

/*
 * Copies constants, so that a list can combine them with others.  There can
 * only be few large sets, so these are evaluated one by one.
 */
static bool
keep_constants(FlowFilter *filter, FlowPredicate *predicate, const FlowComparison *comparison)
{
	FlowType type = flow_filter_column(predicate)->type;
	FlowComparison *kept;
	FlowValue *copies;

	if (comparison->count > COMBINED_MAX)
		return true;
	kept = flow_filter_allocate(filter, 1, sizeof(FlowComparison));
	copies = flow_filter_allocate(filter, comparison->count, sizeof(FlowValue));
	if (kept == NULL || copies == NULL)
		return false;
	for (size_t i = 0; i < comparison->count; i++)
	{
		copies[i] = comparison->constants[i];
		if (comparison->view == FLOW_AS_IS && (type == FLOW_TEXT || type == FLOW_PADDED))
		{
			FlowSlice text = copies[i].text;
			char *bytes = flow_filter_allocate(filter, text.len + 1, 1);

			if (bytes == NULL)
				return false;
			if (text.len > 0)
				memcpy(bytes, text.data, text.len);
			copies[i].text.data = bytes;
		}
	}
	*kept = *comparison;
	kept->constants = copies;
	predicate->comparison = kept;
	return true;
}

static FlowPredicate *
build_comparison(FlowFilter *filter, int column, const FlowComparison *comparison)
{
	FlowBuild build = comparison->view == FLOW_AS_ADDRESS ? flow_filter_network
	                                                      : builds[filter->columns[column].type];
	FlowPredicate *predicate = build == NULL ? NULL : build(filter, column, comparison);
	FlowTruth weak = comparison->all ? FLOW_TRUE : FLOW_FALSE;

	if (predicate == NULL || !keep_constants(filter, predicate, comparison))
		return NULL;
	if (comparison->has_null)
		for (int matches = 0; matches < 2; matches++)
			if (predicate->verdict[matches] == weak)
				predicate->verdict[matches] = FLOW_UNKNOWN;
	return predicate;
}

FlowPredicate *
flow_filter_compare(FlowFilter *filter, int column, FlowView view, FlowOp op,
                    const FlowValue *constant)
{
	return build_comparison(filter,
	                        column,
	                        &(FlowComparison) {view, op, false, false, constant, 1});
}

/* With the constants of an array. */
static FlowPredicate *
compare_with_array(FlowFilter *filter, int column, const FlowComparison *comparison)
{
	if (comparison->count == 0 && comparison->has_null)
		return flow_filter_same(filter, column, FLOW_UNKNOWN);
	if (comparison->count == 0)
		return flow_filter_constant(filter, comparison->all ? FLOW_TRUE : FLOW_FALSE);
	return build_comparison(filter, column, comparison);
}

FlowPredicate *
flow_filter_any(FlowFilter *filter, int column, FlowView view, FlowOp op,
                const FlowValue *constants, size_t count, bool has_null)
{
	return compare_with_array(filter,
	                          column,
	                          &(FlowComparison) {view, op, false, has_null, constants, count});
}

FlowPredicate *
flow_filter_all(FlowFilter *filter, int column, FlowView view, FlowOp op,
                const FlowValue *constants, size_t count, bool has_null)
{
	return compare_with_array(filter,
	                          column,
	                          &(FlowComparison) {view, op, true, has_null, constants, count});
}
