/*-------------------------------------------------------------------------
 *
 * group_packed_total.c
 *	  Totals of groups whose keys are a word each: bounded, added to, shown.
 *
 *-------------------------------------------------------------------------
 */
#include "group.h"

/* No sum may be as great. */
#define SUM_LIMIT (UINT64_C(1) << 63)

/* Returns a bound of the sum of any of the run's values, at most SUM_LIMIT. */
static uint64_t
bound_of_run(const int64_t *numbers, size_t count)
{
	uint64_t bits = 0, sum = 0;

	/* mostly none is negative */
	for (size_t i = 0; i < count; i++)
		bits |= (uint64_t) numbers[i];
	if (bits >= SUM_LIMIT)
	{
		bits = 0;
		for (size_t i = 0; i < count; i++)
			bits |= (uint64_t) (numbers[i] ^ (numbers[i] >> 63));
	}
	if (bits < UINT64_C(1) << 50)
		return (bits + 1) * count;
	for (size_t i = 0; i < count && sum < SUM_LIMIT; i++)
	{
		uint64_t number = (uint64_t) numbers[i];

		number = numbers[i] < 0 ? 0 - number : number;
		sum = number > SUM_LIMIT - sum ? SUM_LIMIT : sum + number;
	}
	return sum;
}

/* Notes what will be added to a sum; false if it does not fit. */
static bool
raise_bound(FlowPackedTotal *total, uint64_t added)
{
	if (added >= SUM_LIMIT - total->bound)
		return false;
	total->bound += added;
	return true;
}

void
flow_packed_forget_bounds(FlowGroups *groups)
{
	groups->packed->records = groups->packed->since = 0;
	for (int a = 0; a < groups->spec.naggregates; a++)
		groups->packed->totals[a].bound = 0;
}

bool
flow_packed_raise(FlowGroups *groups, int a, const int64_t *numbers, size_t count)
{
	return raise_bound(&groups->packed->totals[a], bound_of_run(numbers, count));
}

bool
flow_packed_has_room(FlowGroups *groups, const FlowRun *run)
{
	FlowPacked *packed = groups->packed;

	if (flow_packed_is_empty(packed))
		flow_packed_forget_bounds(groups);
	packed->records += run->count;
	for (int a = 0; a < groups->spec.naggregates; a++)
		if (groups->spec.aggregates[a].kind == FLOW_SUM &&
		    !flow_packed_raise(groups, a, groups->aggregates[a].values->numbers, run->count))
			return false;
	return packed->records <= UINT32_MAX;
}

bool
flow_packed_has_room_for(FlowGroups *groups, const FlowTotal *added)
{
	FlowPacked *packed = groups->packed;
	uint64_t most = 0;

	if (flow_packed_is_empty(packed))
		flow_packed_forget_bounds(groups);
	for (int a = 0; a < groups->spec.naggregates; a++)
	{
		uint64_t low = added[a].as.sum.low;

		most = added[a].count > most ? added[a].count : most;
		if (groups->spec.aggregates[a].kind == FLOW_SUM &&
		    (added[a].as.sum.high != -(int64_t) (low >> 63) ||
		     !raise_bound(&packed->totals[a], added[a].as.sum.high < 0 ? 0 - low : low)))
			return false;
	}
	packed->records += most;
	return packed->records <= UINT32_MAX;
}

/* Keeps a number in an extreme if it is one, without branches: "sign" is 1 for the greatest. */
static inline __attribute__((always_inline)) void
keep_extremes(const FlowVector *values, const FlowPackedTotal *total, uint64_t *const *found,
              size_t count, int sign)
{
	/* copies, which the compiler need not read again after each total */
	const FlowPackedTotal own = *total;
	const int64_t *numbers = values->numbers;
	const uint8_t *present = values->present;

	for (size_t i = 0; i < count; i++)
	{
		uint64_t *value = flow_packed_value(found[i], &own);
		uint32_t *known = flow_packed_count(found[i], &own);
		int64_t number = numbers[i], old = (int64_t) *value;
		bool more = sign > 0 ? number > old : number < old;
		bool kept = present[i] & (more | (*known == 0));

		*value = (uint64_t) flow_choose(kept, number, old);
		*known += present[i];
	}
}

/* Adds the values of an aggregate. */
static void
update_total(const FlowGroups *groups, int a, uint64_t *const *found, size_t count)
{
	const FlowPackedTotal total = groups->packed->totals[a];
	const FlowVector *values = groups->aggregates[a].values;
	const int64_t *numbers = values != NULL ? values->numbers : NULL;
	const uint8_t *present = values != NULL ? values->present : NULL;

	switch (groups->spec.aggregates[a].kind)
	{
		case FLOW_COUNT_ALL:
		case FLOW_COUNT:
			for (size_t i = 0; i < count; i++)
				*flow_packed_count(found[i], &total) += present != NULL ? present[i] : 1;
			break;
		case FLOW_SUM:
			for (size_t i = 0; i < count; i++)
			{
				*flow_packed_value(found[i], &total) += (uint64_t) numbers[i];
				*flow_packed_count(found[i], &total) += present[i];
			}
			break;
		case FLOW_MIN:
			keep_extremes(values, &total, found, count, -1);
			break;
		case FLOW_MAX:
			keep_extremes(values, &total, found, count, 1);
			break;
		default:
			break;
	}
}

void
flow_packed_update(FlowGroups *groups, const FlowRun *run)
{
	for (int a = 0; a < groups->spec.naggregates; a++)
		update_total(groups, a, groups->packed->found, run->count);
}

void
flow_packed_merge(const FlowGroups *groups, uint64_t *row, const FlowTotal *added)
{
	for (int a = 0; a < groups->spec.naggregates; a++)
	{
		const FlowPackedTotal *total = &groups->packed->totals[a];
		uint32_t *count = flow_packed_count(row, total);
		FlowAggregateKind kind = groups->spec.aggregates[a].kind;

		if (added[a].count == 0)
			continue;
		if (kind == FLOW_SUM)
			*flow_packed_value(row, total) += added[a].as.sum.low;
		else if (flow_packed_has_value(kind))
		{
			int64_t number = added[a].as.extreme.integer;
			int64_t value = (int64_t) *flow_packed_value(row, total);

			if (*count == 0 || (kind == FLOW_MIN ? number < value : number > value))
				*flow_packed_value(row, total) = (uint64_t) number;
		}
		*count += (uint32_t) added[a].count;
	}
}

void
flow_packed_show_total(const FlowGroups *groups, uint64_t *row, int a, FlowTotal *total)
{
	const FlowPacked *packed = groups->packed;
	FlowAggregateKind kind = groups->spec.aggregates[a].kind;

	total->count = *flow_packed_count(row, &packed->totals[a]);
	if (kind == FLOW_SUM)
	{
		total->as.sum.low = *flow_packed_value(row, &packed->totals[a]);
		total->as.sum.high = -(int64_t) (total->as.sum.low >> 63);
	}
	else if (flow_packed_has_value(kind))
		total->as.extreme.integer = (int64_t) *flow_packed_value(row, &packed->totals[a]);
}

void
flow_packed_show(const FlowGroups *groups, uint64_t *row, FlowGroup *group)
{
	const FlowPacked *packed = groups->packed;

	for (int k = 0; k < groups->spec.nkeys; k++)
		groups->slices[k] = flow_word_show(row[k], packed->texts[k]);
	for (int a = 0; a < groups->spec.naggregates; a++)
		flow_packed_show_total(groups, row, a, &packed->shown[a]);
	*group = (FlowGroup) {groups->slices, packed->shown};
}
