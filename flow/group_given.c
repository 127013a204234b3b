/*-------------------------------------------------------------------------
 *
 * group_given.c
 *	  Adds a record to groups as if it came many times.
 *
 * An index has how many records of a file are alike to a query.  Such a record
 * is added once, to an empty set of groups that are computed alike, whose
 * totals are then repeated.
 *
 *-------------------------------------------------------------------------
 */
#include "group.h"

#include <string.h>

FlowStatus
flow_groups_create_alike(const FlowGroups *groups, size_t memory, FlowGroups **alike,
                         FlowError *error)
{
	FlowGroupSpec spec = groups->spec;

	spec.expressions = groups->expressions;
	spec.memory = memory;
	return flow_groups_create(&spec, alike, error);
}

/*
 * Sets result[] to the totals of so many records with the totals of one, in
 * base[], which is overwritten.  Of no record, only extremes are kept.
 */
static void
repeat(const FlowGroups *groups, FlowTotal *base, uint64_t times, FlowTotal *result)
{
	for (int i = 0; i < groups->spec.naggregates; i++)
	{
		FlowAggregateKind kind = groups->spec.aggregates[i].kind;

		memset(&result[i], 0, sizeof(FlowTotal));
		if (times == 0 && (kind == FLOW_MIN || kind == FLOW_MAX))
			result[i] = base[i];
	}

	/* double them, and add those of the bits that are set */
	while (times > 0)
	{
		if (times & 1)
			flow_group_merge_totals(groups, result, base);
		times >>= 1;
		if (times > 0)
			flow_group_merge_totals(groups, base, base);
	}
}

/* Returns true if groups are told apart by the values of a key, not the bytes. */
static bool
keeps_values(const FlowGroups *groups, size_t k)
{
	const FlowGroupBy *key = &groups->spec.keys[k];

	return groups->spec.by_value && key->expression == NULL &&
	       flow_group_keeps_values(&groups->spec.columns[key->column]);
}

/* Adds the totals of the only group of "single", repeated, to the group with its keys. */
static FlowStatus
merge_repeated(FlowGroups *groups, const FlowGroups *single, uint64_t times)
{
	const FlowHost *host = groups->spec.host;
	size_t naggregates = (size_t) groups->spec.naggregates, nkeys = (size_t) groups->spec.nkeys;
	FlowTotal *totals = flow_allocate(host, (2 * naggregates + 1) * sizeof(FlowTotal));
	FlowSlice *keys = flow_allocate(host, nkeys * (sizeof(FlowSlice) + FLOW_FORM_SIZE) + 1);
	FlowStatus status = FLOW_NO_MEMORY;
	size_t position = 0;
	FlowGroup group;

	if (totals != NULL && keys != NULL &&
	    (status = flow_groups_next(single, &position, &group)) == FLOW_OK)
	{
		char *forms = (char *) (keys + nkeys);

		memcpy(totals, group.totals, naggregates * sizeof(FlowTotal));
		repeat(groups, totals, times, totals + naggregates);
		if (nkeys > 0)
			memcpy(keys, group.keys, nkeys * sizeof(FlowSlice));
		for (size_t k = 0; k < nkeys; k++)
			if (keeps_values(groups, k))
				keys[k] =
					flow_groups_key_form(groups, (int) k, keys[k], forms + k * FLOW_FORM_SIZE);
		status = flow_groups_merge(groups, keys, totals + naggregates);
	}
	flow_free(host, keys);
	flow_free(host, totals);
	return status;
}

FlowStatus
flow_groups_add_repeated(FlowGroups *groups, FlowGroups *alike, const FlowSlice *fields,
                         uint64_t times, FlowBadField *bad)
{
	FlowBatch batch = {.count = 1, .fields = fields};
	size_t done = 0;
	FlowStatus status = FLOW_OK;

	/* otherwise it is empty, and values that were provided for the record must stay */
	if (flow_groups_count(alike) > 0)
		status = flow_groups_clear(alike);
	bad->column = -1;
	if (status == FLOW_OK)
		status = flow_groups_add(alike, &batch, &done, false, bad);
	return status == FLOW_OK ? merge_repeated(groups, alike, times) : status;
}
