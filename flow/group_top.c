/*-------------------------------------------------------------------------
 *
 * group_top.c
 *	  Skips packed groups that are not among the best n.
 *
 *-------------------------------------------------------------------------
 */
#include "group.h"
#include "top.h"

/* So many rows are looked at within a millisecond. */
#define ROWS_AT_ONCE ((size_t) 64 * 1024)

/* Returns the rank of a row's total, as flow_top_takes has it of the result. */
static inline int64_t
rank_of(const FlowTopOrder *order, uint64_t *row, const FlowPackedTotal *total, bool counts)
{
	uint32_t count = *flow_packed_count(row, total);

	if (counts)
		return flow_top_ordered(order->descending, count);
	return count == 0
	           ? order->null_rank
	           : flow_top_ordered(order->descending, (int64_t) *flow_packed_value(row, total));
}

void
flow_groups_skip_worse(const FlowGroups *groups, int aggregate, const FlowTop *top,
                       size_t *position)
{
	const FlowPacked *packed = groups->packed;
	const FlowPackedTotal *total;
	bool counts;
	FlowTopOrder order;
	size_t end;

	if (packed == NULL || *position >= packed->count || !flow_top_order(top, &order))
		return;
	total = &packed->totals[aggregate];
	counts = !flow_packed_has_value(groups->spec.aggregates[aggregate].kind);
	end = packed->count - *position < ROWS_AT_ONCE ? packed->count : *position + ROWS_AT_ONCE;
	while (*position < end &&
	       rank_of(&order, flow_packed_row(packed, *position), total, counts) > order.worst)
		++*position;
}
