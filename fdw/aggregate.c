/*-------------------------------------------------------------------------
 *
 * aggregate.c
 *	  Which aggregates the reader can compute, and the paths in which it does.
 *
 * The reader collects groups in a table of bounded size, so one group may come
 * in pieces: one for each time that the table was full, for each worker, and
 * for each spelling of a key ("6", "06").  There are two ways to combine them.
 * Either the pieces are returned with partial states, and PostgreSQL combines
 * them; it compares keys by their values.  Or the pieces are combined here
 * (group_store.c), and whole groups are returned.  For that, all keys must be
 * of types whose values have one form.  It takes a quarter of the time of
 * PostgreSQL's final aggregation, which matters if there are many groups: with
 * 130,000 of them, of 8 million records, that took as long as reading the
 * logs.
 *
 * Groups of several sets of keys (GROUPING SETS) are always whole; see
 * aggregate_sets.c.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/planner.h"
#include "optimizer/prep.h"
#include "optimizer/restrictinfo.h"
#include "optimizer/tlist.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"

/* ---------- paths ---------- */

/*
 * Returns true if the input is a scan of one of our tables in which all
 * conditions are evaluated by us.  These include those of row-level security.
 * Their order does not matter, as none of them calls a function that could
 * leak rows that another one drops.  Pseudoconstant conditions are not
 * evaluated by the scan.
 */
static bool
is_pushable_input(PlannerInfo *root, RelOptInfo *input)
{
	ListCell *cell;

	if (!IS_SIMPLE_REL(input) || input->rtekind != RTE_RELATION || input->fdw_private == NULL ||
	    IS_DUMMY_REL(input) || planner_rt_fetch(input->relid, root)->inh ||
	    !bms_is_empty(input->lateral_relids) || root->parse->hasTargetSRFs)
		return false;
	foreach(cell, input->baserestrictinfo)
		if (!flowlog_plan_is_pushed(root, input, lfirst_node(RestrictInfo, cell)))
			return false;
	return true;
}

/*
 * Returns true if PostgreSQL can compute a key of partial groups from columns
 * that the reader groups by.  More than one of these groups may then have the
 * same key, but partial groups are combined anyway.
 */
static bool
is_computed_key(PlannerInfo *root, const FlowlogTable *table, Expr *expr)
{
	List *vars;
	ListCell *cell;

	/* aggregates, and GROUPING(), are not keys */
	if (contain_agg_clause((Node *) expr) || contain_volatile_functions((Node *) expr) ||
	    contain_subplans((Node *) expr))
		return false;
	vars = pull_var_clause((Node *) expr, PVC_RECURSE_PLACEHOLDERS);
	if (vars == NIL)
		return false;
	foreach(cell, vars)
	{
		FlowlogOutput output;

		if (!flowlog_recognise_output(root, table, lfirst(cell), &output))
			return false;
	}
	return true;
}

/*
 * Returns true if the reader can compute all columns of a target, as whole
 * groups or as partial ones.
 */
static bool
is_pushable_target(PlannerInfo *root, RelOptInfo *input, List *exprs, bool whole)
{
	const FlowlogTable *table = flowlog_plan_table(input);
	bool distinct = false;
	bool by_value = false; /* a column's groups cannot be told apart by its fields */
	int nkeys = 0;
	ListCell *cell;

	foreach(cell, exprs)
	{
		FlowlogOutput output;

		if (flowlog_output_is_constant(lfirst(cell)) || (whole && IsA(lfirst(cell), GroupingFunc)))
			continue;
		if (IsA(lfirst(cell), GroupingFunc) && !whole)
			return false;
		if (!flowlog_recognise_output(root, table, lfirst(cell), &output))
		{
			if (whole || IsA(lfirst(cell), Aggref) || !is_computed_key(root, table, lfirst(cell)))
				return false;
			nkeys++;
			continue;
		}
		if (output.as_key && whole)
			return false;
		if (output.distinct && (!whole || root->parse->groupingSets != NIL))
			return false;
		distinct |= output.distinct;
		if ((output.aggregate == NULL || output.distinct) && whole && output.column >= 0 &&
		    !flow_group_keeps_values(&output.type))
		{
			if (!flowlog_grouping_by_value(&output.type))
				return false;
			by_value = true;
		}
		if (output.aggregate != NULL && (!whole || OidIsValid(output.aggregate->final)) &&
		    !flowlog_aggregate_state_is_known(output.aggregate))
			return false;
		nkeys += output.aggregate == NULL;
	}
	if (by_value && !distinct && root->parse->groupingSets == NIL)
		return false;
	return nkeys > 0 || !whole || (distinct && root->parse->groupClause == NIL);
}

/* Returns true if it is in the query's, also if it is redundant there. */
static bool
is_key(PlannerInfo *root, PathTarget *target, int i)
{
	return flowlog_is_in_clause(target, i, root->parse->groupClause);
}

/* Replaces the keys in an expression by constants. */
static Node *
without_keys(Node *node, void *keys)
{
	if (node == NULL || IsA(node, Aggref) || IsA(node, GroupingFunc))
		return node;
	if (list_member(keys, node))
		return (Node *) makeBoolConst(false, true);
	return expression_tree_mutator(node, without_keys, keys);
}

/*
 * Returns what an aggregation must return so that "target" and HAVING can be
 * computed from it: the group keys and the aggregates.
 */
static PathTarget *
make_scan_target(PlannerInfo *root, PathTarget *target, Node *having)
{
	PathTarget *result = create_empty_pathtarget();
	List *others = NIL;
	ListCell *cell;

	foreach(cell, target->exprs)
	{
		if (is_key(root, target, foreach_current_index(cell)))
			add_column_to_pathtarget(result,
			                         lfirst(cell),
			                         get_pathtarget_sortgroupref(target,
			                                                     foreach_current_index(cell)));
		else
			others = lappend(others, lfirst(cell));
	}
	if (having != NULL)
		others = lappend(others, having);
	/* what contains a key is computed from the key, not from its columns */
	add_new_columns_to_pathtarget(result,
	                              pull_var_clause(without_keys((Node *) others, result->exprs),
	                                              PVC_INCLUDE_AGGREGATES | PVC_RECURSE_WINDOWFUNCS |
	                                                  PVC_INCLUDE_PLACEHOLDERS));
	return set_pathtarget_cost_width(root, result);
}

/*
 * Returns the same with all aggregates marked as partial.  PostgreSQL's
 * function for that, make_partial_grouping_target, is not exported.
 */
static PathTarget *
make_partial_target(PlannerInfo *root, PathTarget *target, Node *having)
{
	PathTarget *partial = make_scan_target(root, target, having);
	ListCell *cell;

	foreach(cell, partial->exprs)
	{
		Aggref *copy;

		if (!IsA(lfirst(cell), Aggref))
			continue;
		copy = makeNode(Aggref);
		memcpy(copy, lfirst(cell), sizeof(Aggref));
		mark_partial_aggref(copy, AGGSPLIT_INITIAL_SERIAL);
		lfirst(cell) = copy;
	}
	return set_pathtarget_cost_width(root, partial);
}

/*
 * Returns the fdw_private of a ForeignPath: the relation, and whether its
 * groups are whole; the columns it returns; HAVING; what it leaves groups out
 * by; the sets of keys, if there are several; and what it has of a join, which
 * flowlog_aggregate_below_join adds.
 */
static List *
path_private(RelOptInfo *input, bool whole, PathTarget *scan_target, List *having, List *top,
             List *sets)
{
	List *private =
		list_make5(list_make2_int(input->relid, whole), scan_target->exprs, having, top, sets);

	return lappend(private, NULL);
}

/* Creates a path, with the arguments that each release of PostgreSQL takes. */
static ForeignPath *
create_path(PlannerInfo *root, RelOptInfo *output, PathTarget *target, double rows, Cost startup,
            List *private)
{
	return create_foreign_upper_path(root,
	                                 output,
	                                 target,
	                                 rows,
#if PG_VERSION_NUM >= 180000
	                                 0, /* no disabled nodes */
#endif
	                                 startup,
	                                 startup + rows * (cpu_tuple_cost + target->cost.per_tuple),
	                                 NIL,  /* no order */
	                                 NULL, /* no outer path */
#if PG_VERSION_NUM >= 170000
	                                 NIL, /* no restrictions of a join */
#endif
	                                 private);
}

/*
 * Creates a path that returns partial groups.  "workers" share the work; 0:
 * there are none.
 */
static ForeignPath *
create_partial_path(PlannerInfo *root, RelOptInfo *input, RelOptInfo *output, PathTarget *target,
                    int workers)
{
	double rows;
	Cost startup = flowlog_cost_partial_groups(root, input, target, workers, &rows);

	return create_path(root,
	                   output,
	                   target,
	                   rows,
	                   startup,
	                   path_private(input, false, target, NIL, NIL, NIL));
}

/* Returns what a scan of whole groups leaves groups out by, or NIL. */
static List *
top_of_groups(PlannerInfo *root, RelOptInfo *input, List *outputs)
{
	Expr *key = input->reloptkind == RELOPT_BASEREL ? flowlog_top_key(root, true) : NULL;
	FlowlogOutput output;

	if (key == NULL || !list_member(outputs, key) ||
	    !flowlog_recognise_output(root, flowlog_plan_table(input), key, &output) ||
	    (!flowlog_output_has_order(&output) && !flowlog_output_is_average(&output)))
		return NIL;
	return flowlog_top_of_groups(root, key, flowlog_output_type(&output));
}

/* Creates a path that returns whole groups, which pass HAVING. */
static ForeignPath *
create_whole_path(PlannerInfo *root, RelOptInfo *input, RelOptInfo *output, PathTarget *target,
                  PathTarget *scan_target, List *having, List *sets, int workers)
{
	double divisor = workers > 0 ? flowlog_parallel_divisor(workers) : 1;
	double groups;
	Cost startup = flowlog_cost_whole_groups(root, input, scan_target, sets, workers, &groups);
	List *top = top_of_groups(root, input, scan_target->exprs);
	ForeignPath *path;

	groups =
		clamp_row_est(groups / divisor * clauselist_selectivity(root, having, 0, JOIN_INNER, NULL));
	if (top != NIL && workers > 0 && !flowlog_top_is_parallel_safe(root, top))
		top = NIL;
	if (top != NIL)
	{
		startup += groups * cpu_operator_cost;
		groups = flowlog_top_estimate(top, groups);
	}
	path = create_path(root,
	                   output,
	                   target,
	                   groups,
	                   startup,
	                   path_private(input, true, scan_target, having, top, sets));
	/* as for a scan of rows: workers run partial paths only */
	path->path.parallel_safe = workers > 0;
	path->path.parallel_aware = workers > 0;
	path->path.parallel_workers = workers;
	return path;
}

/* Returns how many workers share the work; 0: none. */
static int
parallel_workers(const RelOptInfo *input, const RelOptInfo *output)
{
	if (!output->consider_parallel || input->partial_pathlist == NIL)
		return 0;
	return ((const Path *) linitial(input->partial_pathlist))->parallel_workers;
}

/*
 * Adds paths of partial groups: for each partition, below an Append; and for
 * each worker, below a Gather.
 */
static void
add_partial_groups(PlannerInfo *root, RelOptInfo *input, RelOptInfo *output,
                   GroupPathExtraData *extra)
{
	ForeignPath *path;
	int workers;

	if (!is_pushable_target(root, input, output->reltarget->exprs, false) ||
	    !flowlog_has_few_texts(root, input, output->reltarget))
		return;
	if (extra->patype == PARTITIONWISE_AGGREGATE_PARTIAL)
		add_path(output, (Path *) create_partial_path(root, input, output, output->reltarget, 0));

	workers = parallel_workers(input, output);
	if (workers <= 0)
		return;
	path = create_partial_path(root, input, output, output->reltarget, workers);
	path->path.parallel_aware = true;
	path->path.parallel_workers = workers;
	add_partial_path(output, (Path *) path);
}

/* Returns true if a target contains all columns of the GROUP BY clause. */
static bool
has_all_keys(PlannerInfo *root, PathTarget *target)
{
	ListCell *cell;

	foreach(cell, flowlog_group_clause(root))
	{
		Index group = lfirst_node(SortGroupClause, cell)->tleSortGroupRef;
		int i = 0;

		while (i < list_length(target->exprs) && get_pathtarget_sortgroupref(target, i) != group)
			i++;
		if (i == list_length(target->exprs))
			return false;
	}
	return true;
}

/*
 * Returns true if all columns of a target but aggregates are keys.  Others,
 * such as a column that PostgreSQL wants for an expression of a window
 * function, may have any value of the group's records; the reader would group
 * by them, too.
 */
static bool
has_only_keys(PlannerInfo *root, PathTarget *target)
{
	ListCell *cell;

	foreach(cell, target->exprs)
	{
		if (!IsA(lfirst(cell), Aggref) && !IsA(lfirst(cell), GroupingFunc) &&
		    !flowlog_output_is_constant(lfirst(cell)) &&
		    !is_key(root, target, foreach_current_index(cell)))
			return false;
	}
	return true;
}

/*
 * Adds the paths of whole groups that compute "target" from "scan_target".
 * Each worker returns some of the groups; PostgreSQL itself would gather such
 * a path only to sort it first.
 */
static void
add_whole_paths(PlannerInfo *root, RelOptInfo *input, RelOptInfo *output, PathTarget *target,
                PathTarget *scan_target, List *having, List *sets)
{
	int workers = parallel_workers(input, output);
	double rows;
	Path *path;

	add_path(output,
	         (Path *) create_whole_path(root, input, output, target, scan_target, having, sets, 0));
	/* workers share groups by their keys, or the only one by its distinct values */
	if (workers <= 0 || (flowlog_group_keys(root, scan_target) == NIL &&
	                     (root->parse->groupClause != NIL || root->parse->groupingSets != NIL)))
		return;
	path =
		(Path *) create_whole_path(root, input, output, target, scan_target, having, sets, workers);
	rows = path->rows * flowlog_parallel_divisor(workers);
	add_path(output, (Path *) create_gather_path(root, output, path, target, NULL, &rows));
	add_partial_path(output,
	                 (Path *) create_whole_path(
						 root, input, output, target, scan_target, having, sets, workers));
}

/*
 * Adds paths of whole groups, which need no final aggregation.  Returns false
 * if that is not possible.
 */
static bool
add_whole_groups(PlannerInfo *root, RelOptInfo *input, RelOptInfo *output,
                 GroupPathExtraData *extra)
{
	PathTarget *target = make_scan_target(root, output->reltarget, extra->havingQual);

	List *sets = NIL;

	if (!has_all_keys(root, target) || !has_only_keys(root, target) ||
	    !is_pushable_target(root, input, target->exprs, true))
		return false;
	if (!flowlog_grouping_of_target(root, target, &sets))
		return false;
	add_whole_paths(
		root, input, output, output->reltarget, target, (List *) extra->havingQual, sets);
	return true;
}

/* Adds paths of SELECT DISTINCT, whose rows are whole groups without aggregates. */
static void
add_distinct_rows(PlannerInfo *root, RelOptInfo *input, RelOptInfo *output)
{
	const Query *query = root->parse;
	PathTarget *target = root->upper_targets[UPPERREL_DISTINCT];
	ListCell *cell;

	if (query->hasDistinctOn || query->hasAggs || query->groupClause != NIL ||
	    query->groupingSets != NIL || query->havingQual != NULL || query->hasWindowFuncs)
		return;
	foreach(cell, target->exprs)
	{
		if (!flowlog_output_is_constant(lfirst(cell)) &&
		    !flowlog_is_in_clause(target, foreach_current_index(cell), query->distinctClause))
			return;
	}
	if (is_pushable_target(root, input, target->exprs, true))
		add_whole_paths(root, input, output, target, target, NIL, NIL);
}

/*
 * Returns true if sorting the partial groups may pay: if their order is
 * useful, or if they cannot be hashed.  The estimate of their number is too
 * rough to decide by: without statistics it is a few hundred.
 */
static bool
sorting_pays(PlannerInfo *root, const GroupPathExtraData *extra)
{
	List *wanted = root->window_pathkeys != NIL ? root->window_pathkeys : root->sort_pathkeys;

	return (extra->flags & GROUPING_CAN_USE_HASH) == 0 || !enable_hashagg ||
	       (wanted != NIL && pathkeys_contained_in(wanted, root->group_pathkeys));
}

/* Adds paths that combine the partial groups of a path, by hashing and by sorting. */
void
flowlog_aggregate_add_final(PlannerInfo *root, RelOptInfo *output, Path *path,
                            GroupPathExtraData *extra, double groups)
{
	List *clauses = flowlog_group_clause(root);
	bool grouped = root->parse->groupClause != NIL;
	AggClauseCosts costs = {0};

	if (root->parse->hasAggs)
		get_agg_clause_costs(root, AGGSPLIT_FINAL_DESERIAL, &costs);

	/* combined by hashing */
	if (grouped && clauses != NIL && (extra->flags & GROUPING_CAN_USE_HASH) != 0)
		add_path(output,
		         (Path *) create_agg_path(root,
		                                  output,
		                                  path,
		                                  output->reltarget,
		                                  AGG_HASHED,
		                                  AGGSPLIT_FINAL_DESERIAL,
		                                  clauses,
		                                  (List *) extra->havingQual,
		                                  &costs,
		                                  groups));
	/*
	 * combined by sorting; if all keys are constants, PostgreSQL 16 and later
	 * leaves nothing to sort by
	 */
	if (grouped && clauses != NIL &&
	    (!sorting_pays(root, extra) || (extra->flags & GROUPING_CAN_USE_SORT) == 0))
		return;
	if (root->group_pathkeys != NIL && clauses != NIL)
		path = (Path *) create_sort_path(root, output, path, root->group_pathkeys, -1.0);
	add_path(output,
	         (Path *) create_agg_path(root,
	                                  output,
	                                  path,
	                                  output->reltarget,
	                                  grouped ? AGG_SORTED : AGG_PLAIN,
	                                  AGGSPLIT_FINAL_DESERIAL,
	                                  clauses,
	                                  (List *) extra->havingQual,
	                                  &costs,
	                                  groups));
}

/* The same for the groups of one relation. */
static void
add_final_groups(PlannerInfo *root, RelOptInfo *input, RelOptInfo *output,
                 GroupPathExtraData *extra, Path *path)
{
	flowlog_aggregate_add_final(root,
	                            output,
	                            path,
	                            extra,
	                            flowlog_estimate_groups(root,
	                                                    input,
	                                                    flowlog_group_keys(root, path->pathtarget),
	                                                    input->rows));
}

/*
 * Adds paths of partial groups with PostgreSQL's final aggregation on top,
 * which PostgreSQL itself would not consider.
 */
static void
add_combined_groups(PlannerInfo *root, RelOptInfo *input, RelOptInfo *output,
                    GroupPathExtraData *extra)
{
	PathTarget *target = make_partial_target(root, output->reltarget, extra->havingQual);
	Path *path;

	if (!is_pushable_target(root, input, target->exprs, false) ||
	    !flowlog_has_few_texts(root, input, target))
		return;
	path = (Path *) create_partial_path(root, input, output, target, 0);
	/* as for a scan of rows: workers run partial paths only */
	path->parallel_safe = false;
	add_final_groups(root, input, output, extra, path);
}

/*
 * Adds the same of the partial groups of workers.  PostgreSQL considers that,
 * too, but with its own estimate of their number, which may be far too large.
 */
static void
add_gathered_groups(PlannerInfo *root, RelOptInfo *input, RelOptInfo *output,
                    GroupPathExtraData *extra)
{
	PathTarget *target = make_partial_target(root, output->reltarget, extra->havingQual);
	int workers = parallel_workers(input, output);
	double rows;
	Path *path;

	if (workers <= 0 || flowlog_group_keys(root, target) == NIL ||
	    !is_pushable_target(root, input, target->exprs, false) ||
	    !flowlog_has_few_texts(root, input, target))
		return;
	path = (Path *) create_partial_path(root, input, output, target, workers);
	path->parallel_aware = true;
	path->parallel_workers = workers;
	rows = path->rows * flowlog_parallel_divisor(workers);
	path = (Path *) create_gather_path(root, output, path, target, NULL, &rows);
	add_final_groups(root, input, output, extra, path);
}

/* Creates a path of partial groups of the records that sets leave. */
Path *
flowlog_aggregate_below_join(PlannerInfo *root, RelOptInfo *input, RelOptInfo *groups,
                             FlowlogSetPlan *sets, double share, double most, Cost before,
                             bool parallel)
{
	int workers = parallel ? parallel_workers(input, groups) : 0;
	double divisor = workers > 0 ? flowlog_parallel_divisor(workers) : 1;
	ForeignPath *path;
	double records;
	double rows;
	Cost startup;
	Cost run;

	if ((parallel && workers <= 0) || !is_pushable_input(root, input))
		return NULL;
	flowlog_cost_lines(root, input, input->baserestrictinfo, divisor, &startup, &run, &records);
	records = records * share / divisor;
	startup += run + before;
	startup += input->tuples * list_length(sets->conditions) * cpu_operator_cost / 2 / divisor;
	startup +=
		records * flowlog_cost_of_groups(root, flowlog_plan_table(input), groups->reltarget->exprs);
	rows = flowlog_estimate_partial_groups(root, input, groups->reltarget, clamp_row_est(records));
	rows = Min(rows, most);
	path = create_path(root,
	                   groups,
	                   groups->reltarget,
	                   rows,
	                   startup,
	                   path_private(input, false, groups->reltarget, NIL, NIL, NIL));
	llast(path->fdw_private) = sets;
	path->path.parallel_safe = parallel;
	path->path.parallel_aware = parallel;
	path->path.parallel_workers = workers;
	return &path->path;
}

/* Adds paths in which the reader computes aggregates. */
void
flowlog_get_upper_paths(PlannerInfo *root, UpperRelationKind stage, RelOptInfo *input,
                        RelOptInfo *output, void *extra)
{
	GroupPathExtraData *grouping = extra;

	if (!flowlog_enable_aggregate_pushdown ||
	    (stage != UPPERREL_PARTIAL_GROUP_AGG && stage != UPPERREL_GROUP_AGG &&
	     stage != UPPERREL_DISTINCT) ||
	    !is_pushable_input(root, input))
		return;
	if (stage == UPPERREL_DISTINCT)
		add_distinct_rows(root, input, output);
	else if (stage == UPPERREL_PARTIAL_GROUP_AGG)
		add_partial_groups(root, input, output, grouping);
	else
	{
		bool whole = add_whole_groups(root, input, output, grouping);

		if ((grouping->flags & GROUPING_CAN_PARTIAL_AGG) == 0)
			return;
		if (!whole)
			add_combined_groups(root, input, output, grouping);
		add_gathered_groups(root, input, output, grouping);
	}
}
