/*-------------------------------------------------------------------------
 *
 * aggregate_sets.c
 *	  GROUPING SETS, ROLLUP and CUBE: groups of several sets of keys.
 *
 * The reader groups by all keys that are in any of the sets.  Each of these
 * groups is then added to one group of each set, whose keys are those of the
 * set, NULLs for others, and the set's number.  That number tells a rolled-up
 * key from one that is NULL in the records, and equal sets from each other.
 * Of groups by the day and the interface there are thousands where there are
 * millions of records, so reading costs what it does for a plain GROUP BY.
 *
 * What a set's rows have besides totals is known when a query is planned: the
 * plan has, for each set, a list of numbers, one for each column that the scan
 * returns.  For a key it is 1 if it is in the set, for GROUPING() its value.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"
#include "rewrite/rewriteManip.h"
#include "utils/selfuncs.h"

/* ---------- planning ---------- */

/*
 * Returns keys without the mark by which PostgreSQL 18 and later tells a key
 * that may be rolled up from the column of a record.
 */
List *
flowlog_grouping_bare(PlannerInfo *root, List *keys)
{
#if PG_VERSION_NUM >= 180000
	if (root->group_rtindex > 0 && root->parse->groupingSets != NIL)
		return (List *) remove_nulling_relids((Node *) keys,
		                                      bms_make_singleton(root->group_rtindex),
		                                      NULL);
#endif
	return keys;
}

/*
 * Returns true if groups of sets have the column's value as a key, like that of
 * an expression: groups cannot be told apart by its fields.
 */
bool
flowlog_grouping_by_value(const FlowColumn *column)
{
	return !flow_group_keeps_values(column) &&
	       (column->type == FLOW_BOOLEAN || column->type == FLOW_TIME || column->type == FLOW_DAY);
}

/* Returns the value of GROUPING() in the rows of a set. */
static int
grouping_value(const GroupingFunc *grouping, const List *set)
{
	int value = 0;
	ListCell *cell;

	foreach(cell, grouping->refs)
		value = value << 1 | !list_member_int(set, lfirst_int(cell));
	return value;
}

/*
 * Returns true if each key is a column of its own for PostgreSQL when it looks
 * for it in the scan's rows.  A constant is not, as it computes these itself.
 */
static bool
has_distinct_keys(PlannerInfo *root, PathTarget *target)
{
	List *found = NIL;
	ListCell *cell;

	foreach(cell, target->exprs)
	{
		List *key = list_make1(flowlog_output_bare(lfirst(cell)));

		if (get_pathtarget_sortgroupref(target, foreach_current_index(cell)) == 0)
			continue;
		key = flowlog_grouping_bare(root, key);
		if (IsA(linitial(key), Const) || list_member(found, linitial(key)))
			return false;
		found = list_concat(found, key);
	}
	return found != NIL;
}

/*
 * Finds the sets of keys of the query, for a scan that returns the columns of
 * a target; there are none for a plain GROUP BY.  Returns false if the scan
 * cannot return their groups.
 */
bool
flowlog_grouping_of_target(PlannerInfo *root, PathTarget *target, List **sets)
{
	ListCell *cell;

	*sets = NIL;
	foreach(cell, target->exprs)
	{
		const GroupingFunc *grouping = lfirst(cell);

		if (IsA(grouping, GroupingFunc) &&
		    (root->parse->groupingSets == NIL || grouping->agglevelsup != 0))
			return false;
	}
	if (root->parse->groupingSets == NIL)
		return true;
	if (!has_distinct_keys(root, target))
		return false;

	/* PostgreSQL has made a list of sets of all ROLLUPs and CUBEs */
	foreach(cell, root->parse->groupingSets)
	{
		const List *set = lfirst(cell);
		List *values = NIL;
		ListCell *column;

		foreach(column, target->exprs)
		{
			int i = foreach_current_index(column);

			if (IsA(lfirst(column), GroupingFunc))
				values = lappend_int(values, grouping_value(lfirst(column), set));
			else
				values = lappend_int(values,
				                     list_member_int(set, get_pathtarget_sortgroupref(target, i)));
		}
		*sets = lappend(*sets, values);
	}
	return true;
}

/* Estimates the number of groups of all sets, as PostgreSQL does. */
double
flowlog_grouping_estimate(PlannerInfo *root, PathTarget *target, double records)
{
	double groups = 0;
	ListCell *cell;

	foreach(cell, root->parse->groupingSets)
	{
		const List *set = lfirst(cell);
		List *keys = NIL;
		ListCell *column;

		foreach(column, target->exprs)
		{
			Index ref = get_pathtarget_sortgroupref(target, foreach_current_index(column));

			if (ref != 0 && list_member_int(set, ref))
				keys = lappend(keys, lfirst(column));
		}
		groups +=
			keys == NIL
				? 1
				: estimate_num_groups(root, flowlog_grouping_bare(root, keys), records, NULL, NULL);
	}
	return groups;
}

static Node *
as_outputs(Node *node, void *outputs)
{
	const Var *var = (const Var *) node;
	ListCell *cell;

	if (node == NULL)
		return NULL;
	if (!IsA(node, Var))
		return expression_tree_mutator(node, as_outputs, outputs);
	foreach(cell, (List *) outputs)
	{
		const Var *output = lfirst(cell);

		if (IsA(output, Var) && output->varno == var->varno && output->varattno == var->varattno)
			return (Node *) output;
	}
	return node;
}

/*
 * Returns clauses with their columns as they are among a scan's outputs.
 * PostgreSQL 18 and later marks columns that may be rolled up, and looks for
 * both by the same number.  The clauses are of the records all the same.
 */
List *
flowlog_grouping_clauses(List *clauses, List *outputs)
{
	return (List *) as_outputs((Node *) clauses, outputs);
}

/* Returns the sets of a plan, lists of numbers for its outputs; NIL: there is one. */
List *
flowlog_grouping_of_plan(const ForeignScan *plan)
{
	return list_nth(plan->fdw_private, 2);
}

/* ---------- execution ---------- */

struct FlowlogGroupingSets
{
	int nsets;
	int noutputs;
	int *values; /* of a plan, by set and output */
	int nkeys;   /* without the set's number, which is the last key of a group */
	bool *has;   /* by set and key */
	FlowlogBackend *backend;
	/* by key: the column of which it has the value; NULL: fields, or an expression */
	const FlowColumn **columns;

	FlowGroups *groups; /* of the sets; NULL: not yet started */

	/* of the group that is added */
	char (*buffers)[FLOW_FORM_SIZE];
	int64 *numbers;
	FlowSlice *keys; /* in the set, and the set's number */
	FlowTotal *zero; /* totals of no records */
};

/* Prepares for sets, whose keys are by columns or values that need no conversion. */
FlowlogGroupingSets *
flowlog_grouping_create_of(FlowlogBackend *backend, int nsets, int nkeys, bool *has,
                           int naggregates)
{
	FlowlogGroupingSets *sets = palloc0(sizeof(FlowlogGroupingSets));

	sets->nsets = nsets;
	sets->nkeys = nkeys;
	sets->has = has;
	sets->backend = backend;
	sets->columns = palloc0(sizeof(FlowColumn *) * nkeys);
	sets->numbers = palloc(sizeof(int64) * nkeys);
	sets->buffers = palloc(FLOW_FORM_SIZE * nkeys);
	sets->keys = palloc0(sizeof(FlowSlice) * (nkeys + 1));
	sets->zero = palloc0(sizeof(FlowTotal) * naggregates);
	return sets;
}

void
flowlog_grouping_set_column(FlowlogGroupingSets *sets, int key, const FlowColumn *column)
{
	sets->columns[key] = column;
}

/* Prepares for the sets of a plan; returns NULL if there is only one. */
FlowlogGroupingSets *
flowlog_grouping_create(const ForeignScan *plan, FlowlogBackend *backend,
                        const FlowlogOutput *outputs, int noutputs, int nkeys)
{
	List *lists = flowlog_grouping_of_plan(plan);
	int nsets = list_length(lists);
	FlowlogGroupingSets *sets;
	ListCell *cell;

	if (lists == NIL)
		return NULL;
	/* an output has two aggregates at most */
	sets = flowlog_grouping_create_of(backend,
	                                  nsets,
	                                  nkeys,
	                                  palloc0(sizeof(bool) * nsets * nkeys),
	                                  noutputs * 2);
	sets->noutputs = noutputs;
	sets->values = palloc(sizeof(int) * nsets * noutputs);
	foreach(cell, lists)
	{
		int set = foreach_current_index(cell);
		List *values = lfirst(cell);

		for (int i = 0; i < noutputs; i++)
		{
			int value = list_nth_int(values, i);

			sets->values[set * noutputs + i] = value;
			if (outputs[i].aggregate == NULL && !outputs[i].is_grouping)
				sets->has[set * nkeys + outputs[i].index] = value;
		}
	}
	for (int i = 0; i < noutputs; i++)
		if (outputs[i].is_value)
			flowlog_grouping_set_column(sets, outputs[i].index, &outputs[i].type);
	return sets;
}

/* Adds totals to the group of a set whose keys have been set. */
static void
add_to_set(FlowlogGroupingSets *sets, int set, const FlowTotal *totals, FlowlogStore *store)
{
	int64 number = set;
	FlowStatus status;

	sets->keys[sets->nkeys] = (FlowSlice) {(const char *) &number, sizeof(number)};
	while ((status = flow_groups_merge(sets->groups, sets->keys, totals)) == FLOW_LIMIT)
		flowlog_store_put(store, sets->groups);
	if (status != FLOW_OK)
		flowlog_raise_status(sets->backend, status);
}

/*
 * Begins to fill a table.  The set of no keys has a group, also of no records.
 * Each process that reads adds it, which changes nothing.
 */
void
flowlog_grouping_begin(FlowlogGroupingSets *sets, FlowGroups *groups, FlowlogStore *store)
{
	sets->groups = groups;
	memset(sets->keys, 0, sizeof(FlowSlice) * sets->nkeys);
	for (int set = 0; set < sets->nsets; set++)
		if (memchr(&sets->has[set * sets->nkeys], true, sets->nkeys) == NULL)
			add_to_set(sets, set, sets->zero, store);
}

/* Returns the form of a key of the reader's table in groups of sets. */
static FlowSlice
key_form(FlowlogGroupingSets *sets, const FlowGroups *from, int k, FlowSlice key)
{
	FlowValue value;

	if (sets->columns[k] == NULL)
		return flow_groups_key_form(from, k, key, sets->buffers[k]);
	if (flow_value_read(sets->columns[k], &sets->backend->host, key, &value) != FLOW_OK)
		return (FlowSlice) {NULL, 0};
	sets->numbers[k] = value.integer;
	return (FlowSlice) {(const char *) &sets->numbers[k], sizeof(int64)};
}

/*
 * Returns true if a key of a set is a column's value, which the reader's table
 * does not have.
 */
static bool
has_values(const FlowlogGroupingSets *sets, int set)
{
	for (int k = 0; k < sets->nkeys; k++)
		if (sets->has[set * sets->nkeys + k] && sets->columns[k] != NULL)
			return true;
	return false;
}

/* Adds a group of the reader's table to that of a set. */
static void
add_group(FlowlogGroupingSets *sets, int set, const FlowGroups *from, const FlowGroup *group,
          FlowlogStore *store)
{
	const bool *has = &sets->has[set * sets->nkeys];
	bool in_form = flow_groups_are_whole(from); /* all keys are written in their forms */

	memset(sets->keys, 0, sizeof(FlowSlice) * sets->nkeys);
	for (int k = 0; k < sets->nkeys; k++)
		if (has[k])
			sets->keys[k] = in_form && sets->columns[k] == NULL
			                    ? group->keys[k]
			                    : key_form(sets, from, k, group->keys[k]);
	add_to_set(sets, set, group->totals, store);
}

/*
 * Adds all groups of the reader's table to those of a set: many at once where
 * that is possible.
 */
static void
add_groups(FlowlogGroupingSets *sets, int set, const FlowGroups *from, FlowlogStore *store)
{
	const bool *has = &sets->has[set * sets->nkeys];
	bool one_by_one = has_values(sets, set);
	size_t position = 0;
	FlowGroup group;

	for (;;)
	{
		FlowStatus status =
			one_by_one ? FLOW_END : flow_groups_add_to_set(sets->groups, from, has, set, &position);

		CHECK_FOR_INTERRUPTS();
		if (status == FLOW_LIMIT)
			flowlog_store_put(store, sets->groups);
		else if (status == FLOW_NO_MEMORY || status == FLOW_INTERRUPTED)
			flowlog_raise_status(sets->backend, status);
		else if (status == FLOW_OK)
			continue;
		else if (flow_groups_next(from, &position, &group) == FLOW_OK)
			add_group(sets, set, from, &group, store);
		else
			break;
	}
}

/*
 * Adds all groups of the reader's table to those of the sets, and clears it.
 * One set after the other, as all groups of one are more likely to fit into
 * the processor's cache.
 */
void
flowlog_grouping_add(FlowlogGroupingSets *sets, FlowGroups *from, FlowlogStore *store)
{
	for (int set = 0; set < sets->nsets; set++)
		add_groups(sets, set, from, store);
	flowlog_check_status(sets->backend, flow_groups_clear(from));
}

/* Returns the number that the plan has for an output and the set of a group. */
int
flowlog_grouping_value(const FlowlogGroupingSets *sets, const FlowGroup *group, int output)
{
	int64 set;

	memcpy(&set, group->keys[sets->nkeys].data, sizeof(set));
	return sets->values[set * sets->noutputs + output];
}
