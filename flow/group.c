/*-------------------------------------------------------------------------
 *
 * group.c
 *	  Partial aggregates by group, in bounded memory.
 *
 *-------------------------------------------------------------------------
 */
#include "group.h"

#include <string.h>

FlowStatus
flow_groups_create(const FlowGroupSpec *spec, FlowGroups **groups, FlowError *error)
{
	const FlowHost *host = spec->host;
	size_t naggregates = (size_t) spec->naggregates;
	FlowGroups *made = flow_allocate(host, sizeof(FlowGroups));

	*groups = NULL;
	if (made == NULL)
		return flow_error_memory(error);
	memset(made, 0, sizeof(*made));
	made->spec = *spec;
	made->totals_offset = (size_t) spec->nkeys * sizeof(FlowGroupKey);
	made->group_size = made->totals_offset + naggregates * sizeof(FlowTotal);
	made->aggregates = flow_allocate(host, naggregates * sizeof(FlowGroupAggregate) + 1);
	made->inputs = flow_allocate(host, naggregates * sizeof(FlowGroupInput) + 1);
	if (spec->by_value)
		made->fields = flow_allocate(host, (size_t) spec->ncolumns * sizeof(FlowSlice) + 1);
	if (spec->nkeys == 0)
		made->alone = flow_allocate(host, naggregates * sizeof(FlowTotal) + 1);
	if (made->aggregates == NULL || made->inputs == NULL ||
	    (spec->by_value && made->fields == NULL) ||
	    (spec->nkeys == 0 ? made->alone == NULL : !flow_group_create_table(made)))
	{
		flow_groups_free(made);
		return flow_error_memory(error);
	}
	flow_group_init_aggregates(made);
	flow_groups_clear(made);
	*groups = made;
	return FLOW_OK;
}

void
flow_groups_free(FlowGroups *groups)
{
	const FlowHost *host;

	if (groups == NULL)
		return;
	host = groups->spec.host;
	flow_group_free_table(groups);
	flow_free(host, groups->alone);
	flow_free(host, groups->fields);
	flow_free(host, groups->inputs);
	flow_free(host, groups->aggregates);
	flow_free(host, groups);
}

/*
 * Adds the next records of a run; the run's status says why it was cut short,
 * if it was.
 */
static void
add_run(FlowGroups *groups, FlowGroupRun *run)
{
	flow_group_read_inputs(groups, run);
	if (groups->alone == NULL)
		flow_group_find(groups, run);
	else if (run->count > 0)
		groups->count = 1;
	flow_group_update_totals(groups, run);
}

FlowStatus
flow_groups_add(FlowGroups *groups, const FlowBatch *batch, size_t *done, bool bad_is_null,
                FlowBadField *bad)
{
	size_t most = FLOW_GROUP_RUN;

	if (bad_is_null)
		most = 1;
	else if (groups->alone != NULL && groups->ninputs == 0)
		most = SIZE_MAX; /* no field is read */

	*bad = (FlowBadField) {-1, FLOW_OK};
	while (*done < batch->count)
	{
		size_t left = batch->count - *done;
		FlowGroupRun run = {batch, *done, left < most ? left : most, bad_is_null, FLOW_OK, *bad};

		add_run(groups, &run);
		*done += run.count;
		*bad = run.bad;
		if (run.status != FLOW_OK || bad_is_null)
			return run.status;
	}
	return FLOW_OK;
}

FlowStatus
flow_groups_next(const FlowGroups *groups, size_t *position, FlowGroup *group)
{
	if (groups->alone == NULL)
		return flow_group_show(groups, position, group);
	if (*position == groups->count)
		return FLOW_END;
	++*position;
	*group = (FlowGroup) {NULL, groups->alone};
	return FLOW_OK;
}

size_t
flow_groups_count(const FlowGroups *groups)
{
	return groups->count;
}

void
flow_groups_clear(FlowGroups *groups)
{
	groups->count = 0;
	groups->spelled = 0;
	if (groups->alone != NULL)
		memset(groups->alone, 0, (size_t) groups->spec.naggregates * sizeof(FlowTotal));
	else
		flow_group_clear_table(groups);
}

/* ---------- groups by value ---------- */

bool
flow_groups_are_whole(const FlowGroups *groups)
{
	return groups->spelled == 0;
}

FlowSlice
flow_groups_key_form(const FlowGroups *groups, int key, FlowSlice field, char *buffer)
{
	const FlowColumn *column = &groups->spec.columns[groups->spec.keys[key]];
	FlowValue value;

	if (flow_value_read(column, groups->spec.host, field, &value) != FLOW_OK)
		return flow_group_null_form(column);
	return flow_value_write(column->type, &value, buffer);
}

FlowStatus
flow_groups_merge(FlowGroups *groups, const FlowSlice *keys, const FlowTotal *totals)
{
	FlowBatch batch = {.count = 1, .fields = groups->fields};
	/* a NULL key may have come from a bad field */
	FlowGroupRun run = {&batch, 0, 1, true, FLOW_OK, {-1, FLOW_OK}};

	for (int k = 0; k < groups->spec.nkeys; k++)
		groups->fields[groups->spec.keys[k]] = keys[k];
	flow_group_find(groups, &run);
	if (run.status != FLOW_OK)
		return run.status;
	flow_group_merge_totals(groups,
	                        (FlowTotal *) ((char *) groups->found[0] + groups->totals_offset),
	                        totals);
	return FLOW_OK;
}
