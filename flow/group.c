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
	made->run = FLOW_RUN;
	made->totals_offset = (size_t) spec->nkeys * sizeof(FlowFieldKey);
	made->group_size = made->totals_offset + naggregates * sizeof(FlowTotal);
	made->expressions = spec->expressions != NULL
	                        ? spec->expressions
	                        : flow_expressions_create(host, spec->columns, spec->ncolumns);
	made->aggregates = flow_allocate(host, naggregates * sizeof(FlowGroupAggregate) + 1);
	if (spec->nkeys == 0)
		made->alone = flow_allocate(host, naggregates * sizeof(FlowTotal) + 1);
	if (made->expressions == NULL || made->aggregates == NULL ||
	    (spec->nkeys == 0 ? made->alone == NULL : !flow_group_create_table(made)) ||
	    !flow_group_init_aggregates(made) || (spec->nkeys > 0 && !flow_packed_create(made)))
	{
		flow_groups_free(made);
		return flow_error_memory(error);
	}
	if (made->alone != NULL)
		memset(made->alone, 0, naggregates * sizeof(FlowTotal));
	flow_expressions_forget(made->expressions);
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
	flow_spread_free(groups);
	flow_packed_free(groups);
	flow_free(host, groups->alone);
	if (groups->spec.expressions == NULL)
		flow_expressions_free(groups->expressions);
	flow_free(host, groups->aggregates);
	flow_free(host, groups);
}

/* Marks the columns that groups read. */
void
flow_groups_mark(const FlowGroups *groups, bool *fields, bool *vectors, bool *codes)
{
	for (int i = 0; i < groups->spec.nkeys; i++)
	{
		int column = groups->spec.keys[i].column;

		if (groups->spec.keys[i].expression == NULL)
			(groups->spec.columns[column].not_null ? fields : codes)[column] = true;
	}
	flow_expressions_mark(groups->expressions, &(FlowColumnMarks) {fields, vectors, codes});
}

/* Adds a group to one that is not packed. */
static FlowStatus
merge_loose(FlowGroups *groups, FlowRun *run, const FlowTotal *totals)
{
	flow_group_find_all(groups, run);
	if (run->status == FLOW_OK)
		flow_group_merge_totals(groups,
		                        (FlowTotal *) ((char *) groups->found[0] + groups->totals_offset),
		                        totals);
	return run->status;
}

/*
 * Moves packed groups to the others, as sums may not fit any more.  What stays
 * packed after FLOW_LIMIT must be taken before anything is added.
 */
static FlowStatus
unpack(FlowGroups *groups)
{
	static const FlowBatch batch = {.count = 1};
	const FlowSlice *given = groups->given;
	FlowPacked *packed = groups->packed;
	const FlowCodes *codes[FLOW_PACK_KEYS];
	FlowStatus status = flow_spread_settle(groups);

	packed->off = true;
	packed->spreading = false;
	packed->settled = packed->nkept = 0;
	/* those of the run that is being added */
	for (int k = 0; k < groups->spec.nkeys; k++)
	{
		codes[k] = groups->entries[k].codes;
		groups->entries[k].codes = NULL;
	}
	groups->combinations = 0;
	while (packed->count > 0 && status == FLOW_OK)
	{
		FlowRun run = {&batch, 0, 1, true, FLOW_OK, {-1, FLOW_OK}};
		FlowGroup group;

		flow_packed_show(groups, flow_packed_row(packed, packed->count - 1), &group);
		groups->given = group.keys;
		flow_group_read_keys(groups, &run);
		status = merge_loose(groups, &run, group.totals);
		packed->count -= status == FLOW_OK;
		groups->count -= status == FLOW_OK;
		flow_rows_trim(packed);
		if (status == FLOW_OK && packed->count % FLOW_RUN == 0 &&
		    flow_interrupted(groups->spec.host))
			status = FLOW_INTERRUPTED;
	}
	for (int k = 0; k < groups->spec.nkeys; k++)
		groups->entries[k].codes = codes[k];
	groups->given = given;
	return status;
}

/* Makes sure that totals have room for a run's values, or for totals. */
static FlowStatus
make_room(FlowGroups *groups, const FlowRun *run, const FlowTotal *added)
{
	FlowPacked *packed = groups->packed;

	if (packed == NULL || (packed->off && flow_packed_is_empty(packed)))
		return FLOW_OK;
	if (!packed->off && (added != NULL ? flow_packed_has_room_for(groups, added)
	                                   : flow_packed_has_room(groups, run)))
		return FLOW_OK;
	return unpack(groups);
}

/*
 * Adds the next records of a run; the run's status says why it was cut short,
 * if it was.  Adds none if values of them are awaited.
 */
static void
add_run(FlowGroups *groups, FlowRun *run)
{
	FlowMemo *memo = groups->expressions->memo;
	FlowStatus status;

	if (flow_spread_is_due(groups) && (status = flow_spread_begin(groups)) != FLOW_OK &&
	    status != FLOW_LIMIT)
	{
		flow_run_cut(run, 0, status, -1);
		return;
	}
	if (groups->alone == NULL)
		flow_group_find_codes(groups, run);
	flow_memo_gather(memo, run->batch->next != NULL);
	flow_group_read_values(groups, run);
	flow_memo_gather(memo, false);
	if (flow_memo_awaits(memo))
	{
		flow_run_cut(run, 0, FLOW_NEED_VALUE, 0);
		return;
	}
	status = make_room(groups, run, NULL);
	if (status != FLOW_OK)
		flow_run_cut(run, 0, status, -1);
	else if (groups->alone == NULL)
		flow_group_find(groups, run);
	else if (run->count > 0)
		groups->count = 1;
	if (run->count == 0)
		return;
	if (groups->npacked > 0)
		flow_packed_update(groups, run);
	flow_group_update_totals(groups, run);
}

FlowStatus
flow_groups_add(FlowGroups *groups, const FlowBatch *batch, size_t *done, bool bad_is_null,
                FlowBadField *bad)
{
	size_t most = groups->run;

	if (bad_is_null)
		most = 1;
	else if (groups->alone != NULL && !groups->reads_fields)
		most = SIZE_MAX; /* no field is read */

	*bad = (FlowBadField) {-1, FLOW_OK};
	while (*done < batch->count)
	{
		size_t left = batch->count - *done;
		FlowRun run = {batch, *done, left < most ? left : most, bad_is_null, FLOW_OK, *bad};

		flow_memo_settle(groups->expressions->memo);
		add_run(groups, &run);
		*done += run.count;
		*bad = run.bad;
		if (batch->next != NULL && !bad_is_null && most != SIZE_MAX)
			groups->run = most = flow_run_next(&run, most);
		if (run.status == FLOW_LIMIT && (run.status = flow_spread_make_room(groups)) == FLOW_OK)
			continue;
		if (run.status != FLOW_OK)
			return run.status;
		if (batch->next == NULL)
			flow_expressions_forget(groups->expressions);
		if (bad_is_null)
			break;
	}
	return FLOW_OK;
}

FlowStatus
flow_groups_next(const FlowGroups *groups, size_t *position, FlowGroup *group)
{
	if (groups->alone == NULL)
	{
		size_t npacked = groups->packed != NULL ? groups->packed->count : 0;
		size_t other = *position - npacked;
		FlowStatus status;

		if (*position < npacked)
		{
			flow_packed_show(groups, flow_packed_row(groups->packed, (*position)++), group);
			return FLOW_OK;
		}
		status = flow_group_show(groups, &other, group);
		*position = npacked + other;
		return status;
	}
	if (*position == groups->count)
		return FLOW_END;
	++*position;
	*group = (FlowGroup) {NULL, groups->alone};
	return FLOW_OK;
}

FlowStatus
flow_groups_skip(const FlowGroups *groups, size_t *position)
{
	FlowGroup group;

	if (groups->packed == NULL || *position >= groups->packed->count)
		return flow_groups_next(groups, position, &group);
	++*position;
	return FLOW_OK;
}

void
flow_groups_total(const FlowGroups *groups, size_t position, int aggregate, FlowTotal *total)
{
	FlowGroup group;

	if (groups->packed != NULL && position < groups->packed->count)
		flow_packed_show_total(groups, flow_packed_row(groups->packed, position), aggregate, total);
	else if (flow_groups_next(groups, &position, &group) == FLOW_OK)
		*total = group.totals[aggregate];
}

size_t
flow_groups_count(const FlowGroups *groups)
{
	return groups->count;
}

FlowStatus
flow_groups_settle(FlowGroups *groups)
{
	return groups->packed != NULL ? flow_spread_settle(groups) : FLOW_OK;
}

FlowStatus
flow_groups_clear(FlowGroups *groups)
{
	bool spreads = flow_spread_is_worth_it(groups);
	FlowStatus status = FLOW_OK;

	groups->count = 0;
	groups->spelled = 0;
	flow_expressions_forget(groups->expressions);
	if (groups->alone != NULL)
		memset(groups->alone, 0, (size_t) groups->spec.naggregates * sizeof(FlowTotal));
	else
		status = flow_group_clear_table(groups);
	if (groups->packed != NULL && status == FLOW_OK)
		status = flow_packed_clear(groups);
	if (spreads && status == FLOW_OK && (status = flow_spread_begin(groups)) == FLOW_LIMIT)
		status = FLOW_OK;
	return status;
}

FlowStatus
flow_groups_shrink(FlowGroups *groups)
{
	if (groups->alone != NULL || groups->count > 0)
		return FLOW_OK;
	flow_group_shrink_table(groups);
	return groups->packed != NULL ? flow_packed_shrink(groups) : FLOW_OK;
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
	const FlowColumn *column;
	FlowValue value;

	if (groups->spec.keys[key].expression != NULL)
		return field;
	column = &groups->spec.columns[groups->spec.keys[key].column];
	if (flow_value_read(column, groups->spec.host, field, &value) != FLOW_OK ||
	    (flow_group_empty_is_null(groups, key) && value.text.len == 0))
		return flow_group_null_form(column);
	return flow_value_write(column->type, &value, buffer);
}

FlowStatus
flow_groups_merge(FlowGroups *groups, const FlowSlice *keys, const FlowTotal *totals)
{
	FlowBatch batch = {.count = 1};
	/* a NULL key may have come from a bad field */
	FlowRun run = {&batch, 0, 1, true, FLOW_OK, {-1, FLOW_OK}};

	if (groups->alone != NULL)
	{
		flow_group_merge_totals(groups, groups->alone, totals);
		groups->count = 1;
		return FLOW_OK;
	}
	groups->given = keys;
	flow_group_find_codes(groups, &run);
	run.status = make_room(groups, &run, totals);
	if (run.status == FLOW_OK)
		flow_group_find(groups, &run);
	groups->given = NULL;
	if (run.status != FLOW_OK)
		return run.status;
	if (groups->npacked > 0)
		flow_packed_merge(groups, groups->packed->found[0], totals);
	else
		flow_group_merge_totals(groups,
		                        (FlowTotal *) ((char *) groups->found[0] + groups->totals_offset),
		                        totals);
	return FLOW_OK;
}
