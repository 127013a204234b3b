/*-------------------------------------------------------------------------
 *
 * aggregate_cost.c
 *	  What scans of groups cost, and how many groups they return.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"
#include "plan_info.h"

#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"

/* bytes of a group besides its keys and states, for the planner's estimates */
#define GROUP_OVERHEAD 64

/*
 * Groups by texts of which only an extreme is wanted have more records than
 * this.  PostgreSQL estimates no less for several columns of which it knows
 * nothing else.
 */
#define TEXT_GROUPS 10

/* ---------- keys ---------- */

/*
 * Returns the query's GROUP BY clause, without redundant columns if PostgreSQL
 * has removed them.
 */
List *
flowlog_group_clause(PlannerInfo *root)
{
#if PG_VERSION_NUM >= 160000
	return root->processed_groupClause;
#else
	return root->parse->groupClause;
#endif
}

/* Returns true if column i of a target is in a GROUP BY clause. */
bool
flowlog_is_in_clause(PathTarget *target, int i, List *clause)
{
	Index group = get_pathtarget_sortgroupref(target, i);

	return group != 0 && get_sortgroupref_clause_noerr(group, clause) != NULL;
}

/*
 * Returns the group keys of a target, without redundant ones: of SELECT
 * DISTINCT, all columns.
 */
List *
flowlog_group_keys(PlannerInfo *root, PathTarget *target)
{
	bool grouped = root->parse->groupClause != NIL;
	List *keys = NIL;
	ListCell *cell;

	foreach(cell, target->exprs)
	{
		if (grouped ? flowlog_is_in_clause(target,
		                                   foreach_current_index(cell),
		                                   flowlog_group_clause(root))
		            : !IsA(lfirst(cell), Aggref) && !flowlog_output_is_constant(lfirst(cell)))
			keys = lappend(keys, lfirst(cell));
	}
	return flowlog_grouping_bare(root, keys);
}

/*
 * Returns what the reader groups by for a target: its keys, or the columns of
 * which PostgreSQL computes them, and what is aggregated with DISTINCT or as a
 * text.
 */
static List *
reader_keys(PlannerInfo *root, const FlowlogTable *table, PathTarget *target)
{
	List *keys = NIL;
	ListCell *cell;

	foreach(cell, flowlog_group_keys(root, target))
	{
		FlowlogOutput output;

		if (flowlog_recognise_output(root, table, lfirst(cell), &output))
			keys = lappend(keys, lfirst(cell));
		else
			keys = list_concat(keys, pull_var_clause(lfirst(cell), PVC_RECURSE_PLACEHOLDERS));
	}
	foreach(cell, target->exprs)
	{
		FlowlogOutput output;

		if (IsA(lfirst(cell), Aggref) &&
		    flowlog_recognise_output(root, table, lfirst(cell), &output) &&
		    (output.distinct || output.as_key))
			keys = list_append_unique(keys, output.argument);
	}
	return keys;
}

/* ---------- partial groups ---------- */

/*
 * Estimates how many partial groups the records make, as the table of groups
 * is bounded.
 */
double
flowlog_estimate_partial_groups(PlannerInfo *root, RelOptInfo *input, PathTarget *target,
                                double records)
{
	double capacity = (double) flowlog_hash_memory() / (target->width + GROUP_OVERHEAD);
	/* by the columns of which PostgreSQL computes keys, there may be more */
	List *keys = reader_keys(root, flowlog_plan_table(input), target);
	double rows = flowlog_estimate_groups(root, input, keys, records);

	/*
	 * Before ANALYZE, PostgreSQL assumes that an equality holds for one row in
	 * 200, and that a column has 200 values.  By that, few rows would be left,
	 * and each would be a group of its own.
	 */
	if (input->pages == 0)
		rows = Min(rows, records / 10);

	/*
	 * if there are more groups than fit, most records make a group of their
	 * own
	 */
	if (rows > capacity)
		rows = Max(rows, records * (1 - capacity / rows));
	return clamp_row_est(rows);
}

/*
 * Returns false if a target has an extreme of texts, by which the reader would
 * group, too, and these are so many that rows cost less than partial groups.
 */
bool
flowlog_has_few_texts(PlannerInfo *root, RelOptInfo *input, PathTarget *target)
{
	const FlowlogTable *table = flowlog_plan_table(input);
	ListCell *cell;

	foreach(cell, target->exprs)
	{
		FlowlogOutput output;

		if (IsA(lfirst(cell), Aggref) &&
		    flowlog_recognise_output(root, table, lfirst(cell), &output) && output.as_key)
			return flowlog_estimate_groups(root,
			                               input,
			                               reader_keys(root, table, target),
			                               input->rows) < input->rows / TEXT_GROUPS;
	}
	return true;
}

/*
 * Of files with what a query wants in the index, the share that is read all the
 * same: those that the index does not cover, or some of whose records a
 * condition on times drops.
 */
#define UNANSWERED_SHARE 0.1

/*
 * Returns the cost of reading and evaluating the lines, and of grouping and
 * aggregating the records that pass.
 */
static Cost
cost_groups(PlannerInfo *root, RelOptInfo *input, PathTarget *target, double divisor,
            double *records)
{
	const FlowlogPlanInfo *info = input->fdw_private;
	Cost startup;
	Cost run;

	flowlog_cost_lines(root, input, input->baserestrictinfo, divisor, &startup, &run, records);
	/* not rounded up: a group of no record must not cost more than in the executor */
	run += *records / divisor * flowlog_cost_of_groups(root, info->table, target->exprs);
	if (info->index != NULL && flowlog_index_has_files(info->index) &&
	    flowlog_aggregate_may_answer(root, input, target->exprs))
		run *= UNANSWERED_SHARE;
	return startup + run;
}

Cost
flowlog_cost_partial_groups(PlannerInfo *root, RelOptInfo *input, PathTarget *target, int workers,
                            double *rows)
{
	double divisor = workers > 0 ? flowlog_parallel_divisor(workers) : 1;
	double records;
	Cost startup = cost_groups(root, input, target, divisor, &records);

	*rows = flowlog_estimate_partial_groups(root, input, target, clamp_row_est(records / divisor));
	return startup;
}

/* ---------- whole groups ---------- */

/*
 * The cost of combining the groups of several processes: for each group that
 * they have about the cost of writing and reading a row of a hash join; and of
 * their files, at least that, in units of seq_page_cost.  Even for few groups
 * files are created and removed, which takes as long as to start a worker.
 */
#define EXCHANGE_FILES_COST 10.0

/*
 * Returns the cost of these files.  If nothing is known of the number of
 * groups, they are cheap: it is worse to have PostgreSQL combine many groups
 * than to have files for few.
 */
static Cost
cost_of_files(PlannerInfo *root, RelOptInfo *input, List *keys)
{
	Cost least = EXCHANGE_FILES_COST * seq_page_cost;

	return flowlog_groups_are_known(root, input, keys) ? Max(least, parallel_setup_cost) : least;
}

/*
 * Estimates the number of groups by the keys and one distinct value of a
 * target, for all values together; and sets how many these are.
 */
static double
estimate_values(PlannerInfo *root, RelOptInfo *input, PathTarget *target, double records,
                int *values)
{
	const FlowlogTable *table = flowlog_plan_table(input);
	List *keys = flowlog_group_keys(root, target);
	List *arguments = NIL;
	double groups = 0;
	ListCell *cell;

	foreach(cell, target->exprs)
	{
		FlowlogOutput output;

		if (IsA(lfirst(cell), Aggref) &&
		    flowlog_recognise_output(root, table, lfirst(cell), &output) && output.distinct)
			arguments = list_append_unique(arguments, output.argument);
	}
	foreach(cell, arguments)
		groups += flowlog_estimate_groups(root,
		                                  input,
		                                  list_append_unique(list_copy(keys), lfirst(cell)),
		                                  records);
	*values = list_length(arguments);
	return groups;
}

/*
 * Returns the cost of what becomes of the reader's groups before they are
 * returned, and sets how many of them are returned: each is added to one of
 * each set of keys, or of each distinct value; and those of values, to those of
 * the keys.
 */
static Cost
cost_of_steps(PlannerInfo *root, RelOptInfo *input, PathTarget *target, List *sets, double records,
              double divisor, double *groups)
{
	int steps = list_length(sets);
	double added =
		flowlog_estimate_partial_groups(root, input, target, clamp_row_est(records / divisor));
	double inner;
	int values;
	Cost cost = 0;

	*groups = flowlog_estimate_groups(root, input, flowlog_group_keys(root, target), records);
	inner = estimate_values(root, input, target, records, &values);
	if (values > 1)
		steps = values;
	if (sets != NIL)
		*groups = flowlog_grouping_estimate(root, target, records);
	if (steps > 0)
		cost += 2 * Min(added, clamp_row_est(records / divisor)) * steps * cpu_operator_cost;
	if (inner > *groups)
		cost += 2 * inner * cpu_operator_cost / divisor;
	return cost;
}

Cost
flowlog_cost_whole_groups(PlannerInfo *root, RelOptInfo *input, PathTarget *target, List *sets,
                          int workers, double *groups)
{
	double divisor = workers > 0 ? flowlog_parallel_divisor(workers) : 1;
	double records;
	Cost startup = cost_groups(root, input, target, divisor, &records);
	double partial =
		flowlog_estimate_partial_groups(root, input, target, clamp_row_est(records / divisor));
	List *keys = reader_keys(root, flowlog_plan_table(input), target);
	/* with DISTINCT, the reader's groups are by its arguments, too */
	double inner = flowlog_estimate_groups(root, input, keys, clamp_row_est(records));

	startup += cost_of_steps(root, input, target, sets, clamp_row_est(records), divisor, groups);
	if (workers > 0)
		startup += cost_of_files(root, input, keys) + 2 * partial * cpu_tuple_cost;
	else if (partial > inner)
		/* the groups do not fit into the table */
		startup += 2 * partial * cpu_tuple_cost;
	return startup;
}
