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

/* Sets the keys of record i, which is that one in the batch, to those of its codes. */
static inline void
take_entries(FlowGroups *groups, uint32_t record, size_t i)
{
	for (int k = 0; k < groups->spec.nkeys; k++)
		groups->keys[k * FLOW_RUN + i] =
			groups->entries[k].keys[groups->entries[k].codes->codes[record]];
}

/* Finds or makes the group of record i by its codes, which were not looked up before. */
static void *
look_up_codes(FlowGroups *groups, FlowRun *run, size_t i)
{
	uint64_t *row;

	take_entries(groups, run->batch->rows[run->first + i], i);
	if (groups->packed == NULL || groups->packed->off || !flow_packed_read_word(groups, i))
		return flow_group_find_one(groups, run, i);
	row = flow_packed_find_one(groups, run, i);
	return row == NULL ? NULL : (char *) row + PACKED_BIT;
}

/*
 * Prefetches what look_up_codes needs for the records whose codes were not
 * looked up before.  A dictionary of many entries has a group of its own for
 * most of them, and each was a wait for memory.
 */
static void
fetch_ahead(FlowGroups *groups, const FlowRun *run)
{
	const uint32_t *rows = run->batch->rows + run->first;
	uint16_t unknown[FLOW_RUN];
	size_t count = 0;

	for (size_t i = 0; i < run->count; i++)
	{
		size_t combination = 0;

		for (int k = 0; k < groups->spec.nkeys; k++)
		{
			const FlowCodes *codes = groups->entries[k].codes;

			combination = combination * codes->count + codes->codes[rows[i]];
		}
		if (groups->by_codes[combination] != NULL)
			continue;
		take_entries(groups, rows[i], i);
		if (flow_packed_read_word(groups, i))
			unknown[count++] = (uint16_t) i;
	}
	flow_packed_fetch(groups, unknown, count);
}

/*
 * Finds or makes the groups of a run by the codes of their keys, as they are
 * in by_codes; "nkeys" is compiled in.  Returns PACKED_BIT if some of them are
 * packed, and sets *loose if some are not.
 */
static inline __attribute__((always_inline)) uintptr_t
find_by_codes(FlowGroups *groups, FlowRun *run, int nkeys, bool *loose)
{
	const uint32_t *rows = run->batch->rows + run->first;
	/* copies, which the compiler need not read again after each group that is stored */
	const FlowCodes first = *groups->entries[0].codes;
	const FlowCodes second = nkeys > 1 ? *groups->entries[1].codes : first;
	void **by_codes = groups->by_codes;
	uintptr_t any = 0, all = PACKED_BIT;

	for (size_t i = 0; i < run->count; i++)
	{
		uint32_t record = rows[i];
		size_t combination = first.codes[record];
		void *group;

		if (nkeys > 1)
			combination = combination * second.count + second.codes[record];
		for (int k = 2; k < nkeys; k++)
			combination = combination * groups->entries[k].codes->count +
			              groups->entries[k].codes->codes[record];
		group = by_codes[combination];

		if (flow_unlikely(group == NULL))
		{
			if ((group = look_up_codes(groups, run, i)) == NULL)
				break;
			by_codes[combination] = group;
		}
		groups->found[i] = group;
		any |= (uintptr_t) group;
		all &= (uintptr_t) group;
	}
	*loose = run->count > 0 && all == 0;
	return any & PACKED_BIT;
}

/*
 * Notes the groups that find_by_codes has found.  Mostly all are packed, or
 * none is.
 */
static void
note_by_codes(FlowGroups *groups, size_t count, bool packed, bool loose)
{
	uint64_t **rows;

	groups->nloose = packed ? 0 : count;
	groups->npacked = packed ? count : 0;
	if (!packed)
		return;
	rows = groups->packed->found;
	if (!loose)
	{
		for (size_t i = 0; i < count; i++)
			rows[i] = (uint64_t *) (void *) ((char *) groups->found[i] - PACKED_BIT);
		return;
	}
	groups->npacked = 0;
	for (size_t i = 0; i < count; i++)
		if (((uintptr_t) groups->found[i] & PACKED_BIT) != 0)
			(void) note_packed(groups,
			                   i,
			                   (uint64_t *) (void *) ((char *) groups->found[i] - PACKED_BIT));
		else
			(void) note_loose(groups, i, groups->found[i]);
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
	bool packed, loose;

	groups->nloose = groups->npacked = 0;
	if (groups->combinations > 0)
	{
		if (groups->packed != NULL && !groups->packed->off && flow_packed_is_large(groups->packed))
			fetch_ahead(groups, run);
		packed =
			(groups->spec.nkeys == 1 ? find_by_codes(groups, run, 1, &loose)
		                             : find_by_codes(groups, run, groups->spec.nkeys, &loose)) != 0;
		note_by_codes(groups, run->count, packed, loose);
	}
	else if (groups->packed != NULL && !groups->packed->off && flow_packed_read_words(groups, run))
		find_by_words(groups, run);
	else
	{
		flow_group_read_keys(groups, run);
		flow_group_find_all(groups, run);
		groups->nloose = run->count;
	}
}
