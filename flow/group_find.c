/*-------------------------------------------------------------------------
 *
 * group_find.c
 *	  Finds the groups of a run's records, packed ones and others.
 *
 *-------------------------------------------------------------------------
 */
#include "group.h"

/* A packed group among those that were found by codes; rows are aligned. */
#define PACKED_BIT ((uintptr_t) 1)

/* Notes the group of record i, which is NULL if the run ends there. */
static inline bool
note_loose(FlowGroups *groups, size_t i, FlowFieldKey *group)
{
	if (group == NULL)
		return false;
	groups->found[i] = group;
	groups->nloose++;
	if (groups->packed != NULL)
		groups->packed->found[i] = groups->packed->aside;
	return true;
}

static inline bool
note_packed(FlowGroups *groups, size_t i, uint64_t *row)
{
	if (row == NULL)
		return false;
	groups->packed->found[i] = row;
	groups->npacked++;
	groups->found[i] = groups->aside;
	return true;
}

/* Finds or makes the group of record i by its codes, which were not looked up before. */
static void *
look_up_codes(FlowGroups *groups, FlowRun *run, size_t i)
{
	uint32_t record = run->batch->rows[run->first + i];
	uint64_t *row;

	for (int k = 0; k < groups->spec.nkeys; k++)
		groups->keys[k * FLOW_RUN + i] =
			groups->entries[k].keys[groups->entries[k].codes->codes[record]];
	if (groups->packed == NULL || groups->packed->off || !flow_packed_read_word(groups, i))
		return flow_group_find_one(groups, run, i);
	row = flow_packed_find_one(groups, run, i);
	return row == NULL ? NULL : (char *) row + PACKED_BIT;
}

/* Finds or makes the groups of a run by the codes of their keys; "nkeys" is compiled in. */
static inline __attribute__((always_inline)) void
find_by_codes(FlowGroups *groups, FlowRun *run, int nkeys)
{
	const uint32_t *rows = run->batch->rows + run->first;

	for (size_t i = 0; i < run->count; i++)
	{
		size_t combination = 0;
		char *group;

		for (int k = 0; k < nkeys; k++)
		{
			const FlowCodes *codes = groups->entries[k].codes;

			combination = combination * codes->count + codes->codes[rows[i]];
		}
		group = groups->by_codes[combination];
		if (flow_unlikely(group == NULL))
		{
			if ((group = look_up_codes(groups, run, i)) == NULL)
				return;
			groups->by_codes[combination] = group;
		}
		if (((uintptr_t) group & PACKED_BIT) != 0)
			(void) note_packed(groups, i, (uint64_t *) (void *) (group - PACKED_BIT));
		else
			(void) note_loose(groups, i, (FlowFieldKey *) (void *) group);
	}
}

/* Finds or makes the groups of a run of which some records have words. */
static void
find_by_words(FlowGroups *groups, FlowRun *run)
{
	/* groups that are added are merged at once */
	bool spreads = groups->packed->spreading && groups->given == NULL;
	size_t i = 0;

	while (i < run->count)
	{
		size_t end = spreads ? flow_spread_find(groups, run, i) : flow_packed_find(groups, run, i);

		groups->npacked += end - i;
		for (; i < end; i++)
			groups->found[i] = groups->aside;
		if (i < run->count)
		{
			flow_group_read_direct_keys(groups, run, i);
			if (!note_loose(groups, i, flow_group_find_one(groups, run, i)))
				return;
		}
		i++;
	}
}

void
flow_group_find(FlowGroups *groups, FlowRun *run)
{
	groups->nloose = groups->npacked = 0;
	if (groups->combinations > 0 && groups->spec.nkeys == 1)
		find_by_codes(groups, run, 1);
	else if (groups->combinations > 0)
		find_by_codes(groups, run, groups->spec.nkeys);
	else if (groups->packed != NULL && !groups->packed->off && flow_packed_read_words(groups, run))
		find_by_words(groups, run);
	else
	{
		flow_group_read_keys(groups, run);
		flow_group_find_all(groups, run);
		groups->nloose = run->count;
	}
}
