/*-------------------------------------------------------------------------
 *
 * set_aggregate.c
 *	  Offers aggregations of a join with a small relation in which the reader
 *	  aggregates first.
 *
 * Of a query such as
 *
 *	  SELECT p.name, sum(t.bytes) FROM t JOIN p ON p.port = t.dstport GROUP BY 1
 *
 * the reader makes partial groups by t.dstport, the join gives each of them the
 * names that it has, and PostgreSQL's final aggregation combines them.  All
 * records of a partial group have the same matches, as the group has the values
 * of all columns that the join and what is above it use.  A group that matches
 * several rows is combined as often, and so would have been each of its
 * records.  In a semi-join it is combined once.
 *
 * PostgreSQL 14 to 18 do not plan that themselves, so the relations of groups,
 * and of joined groups, are copies of the table's and of the join's.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/planner.h"
#include "optimizer/prep.h"
#include "optimizer/tlist.h"
#include "utils/float.h"
#include "utils/selfuncs.h"

static create_upper_paths_hook_type next_hook = NULL;

/* What the reader's groups, and the join of them, return. */
typedef struct Targets
{
	PlannerInfo *root;
	const FlowlogSetJoin *join;
	PathTarget *groups;
	PathTarget *joined;
	bool known; /* the reader can compute its part */
} Targets;

/* Returns true if an expression has columns of our table, and of no other one. */
static bool
is_of_logs(const Targets *targets, Node *expr)
{
	return bms_equal(pull_varnos(targets->root, expr), targets->join->logs->relids);
}

/* Adds a column that the reader groups by, if it is our table's. */
static void
add_column(Targets *targets, Expr *expr)
{
	FlowlogOutput output;

	if (!IsA(expr, Var))
		targets->known = false;
	else if (is_of_logs(targets, (Node *) expr))
	{
		targets->known &= flowlog_recognise_output(targets->root,
		                                           flowlog_plan_table(targets->join->logs),
		                                           expr,
		                                           &output);
		add_new_column_to_pathtarget(targets->groups, expr);
	}
}

/* Adds the columns of an expression. */
static void
add_columns(Targets *targets, Node *expr)
{
	ListCell *cell;

	foreach(cell, pull_var_clause(expr, PVC_INCLUDE_PLACEHOLDERS))
		add_column(targets, lfirst(cell));
}

/* Adds a group key of the query, which the reader computes if it can. */
static void
add_key(Targets *targets, Expr *expr, Index group)
{
	FlowlogOutput output;

	add_column_to_pathtarget(targets->joined, expr, group);
	if (is_of_logs(targets, (Node *) expr) &&
	    flowlog_recognise_output(targets->root,
	                             flowlog_plan_table(targets->join->logs),
	                             expr,
	                             &output))
		add_new_column_to_pathtarget(targets->groups, expr);
	else
		add_columns(targets, (Node *) expr);
}

/* Adds an aggregate, in its partial form. */
static void
add_aggregate(Targets *targets, const Aggref *call)
{
	FlowlogOutput output;
	Aggref *partial = makeNode(Aggref);
	Relids used = pull_varnos(targets->root, (Node *) call);

	if (!bms_is_subset(used, targets->join->logs->relids) ||
	    !flowlog_recognise_output(targets->root,
	                              flowlog_plan_table(targets->join->logs),
	                              (Expr *) call,
	                              &output) ||
	    output.distinct || !flowlog_aggregate_state_is_known(output.aggregate))
	{
		targets->known = false;
		return;
	}
	memcpy(partial, call, sizeof(Aggref));
	mark_partial_aggref(partial, AGGSPLIT_INITIAL_SERIAL);
	add_new_column_to_pathtarget(targets->groups, (Expr *) partial);
	add_new_column_to_pathtarget(targets->joined, (Expr *) partial);
}

/* Adds what an expression above the aggregation uses, besides the keys that it contains. */
static void
add_used(Targets *targets, Node *expr)
{
	List *parts = pull_var_clause(expr,
	                              PVC_INCLUDE_AGGREGATES | PVC_RECURSE_WINDOWFUNCS |
	                                  PVC_INCLUDE_PLACEHOLDERS);
	ListCell *cell;

	foreach(cell, parts)
	{
		if (IsA(lfirst(cell), Aggref))
			add_aggregate(targets, lfirst_node(Aggref, cell));
		else
		{
			add_column(targets, lfirst(cell));
			add_new_column_to_pathtarget(targets->joined, lfirst(cell));
		}
	}
}

/* Returns true if a part of the query must be evaluated for each record. */
static bool
is_of_records(const Targets *targets, Node *expr)
{
	return contain_volatile_functions(expr) || contain_subplans(expr);
}

/* Makes the targets; returns false if the reader cannot compute its part. */
static bool
make_targets(Targets *targets, const RelOptInfo *output, List *having)
{
	const Query *query = targets->root->parse;
	const PathTarget *target = output->reltarget;
	ListCell *cell;

	targets->groups = create_empty_pathtarget();
	targets->joined = create_empty_pathtarget();
	targets->known = true;

	/* the columns that the join compares */
	foreach(cell, targets->join->extra.restrictlist)
	{
		RestrictInfo *clause = lfirst_node(RestrictInfo, cell);

		if (clause->pseudoconstant || is_of_records(targets, (Node *) clause->clause))
			return false;
		add_columns(targets, (Node *) clause->clause);
	}

	/* the keys, and what is computed of groups */
	foreach(cell, target->exprs)
	{
		Index group = get_pathtarget_sortgroupref(target, foreach_current_index(cell));

		if (is_of_records(targets, lfirst(cell)))
			return false;
		if (group != 0 && get_sortgroupref_clause_noerr(group, query->groupClause) != NULL)
			add_key(targets, lfirst(cell), group);
		else
			add_used(targets, lfirst(cell));
	}
	if (is_of_records(targets, (Node *) having))
		return false;
	add_used(targets, (Node *) having);
	set_pathtarget_cost_width(targets->root, targets->groups);
	set_pathtarget_cost_width(targets->root, targets->joined);
	return targets->known && targets->groups->exprs != NIL;
}

/* Returns a copy of a relation that has no paths, and another target. */
static RelOptInfo *
copy_relation(const RelOptInfo *rel, PathTarget *target)
{
	RelOptInfo *copy = makeNode(RelOptInfo);

	*copy = *rel;
	copy->reloptkind = RELOPT_JOINREL;
	copy->relid = 0;
	copy->reltarget = target;
	copy->baserestrictinfo = NIL;
	copy->pathlist = NIL;
	copy->partial_pathlist = NIL;
	copy->cheapest_startup_path = NULL;
	copy->cheapest_total_path = NULL;
	copy->cheapest_unique_path = NULL;
	copy->cheapest_parameterized_paths = NIL;
	return copy;
}

/* Returns how many groups there can be, by the keys that the small side has. */
static double
most_groups(const FlowlogSetJoin *join, const FlowlogSetPlan *sets, const PathTarget *groups)
{
	int nkeys = 0;
	ListCell *cell;

	foreach(cell, groups->exprs)
		nkeys += !IsA(lfirst(cell), Aggref);
	return nkeys == list_length(sets->conditions) ? join->small->rows : get_float8_infinity();
}

/* Creates the join of partial groups; NULL: there is none. */
static Path *
create_joined_groups(const FlowlogSetJoin *join, RelOptInfo *groups, RelOptInfo *joined,
                     bool parallel)
{
	Path *keys;
	FlowlogSetPlan *sets = flowlog_set_join_sets(join, parallel, &keys);
	Path *path;

	if (sets == NULL)
		return NULL;
	path = flowlog_aggregate_below_join(join->root,
	                                    join->logs,
	                                    groups,
	                                    sets,
	                                    join->share,
	                                    most_groups(join, sets, groups->reltarget),
	                                    keys->total_cost,
	                                    parallel);
	if (path == NULL)
		return NULL;

	/* each group has as many matches as a record has */
	joined->rows = clamp_row_est(path->rows * Max(join->joinrel->rows, 1) /
	                             clamp_row_est(join->logs->rows * join->share));
	return flowlog_set_join_create(join, joined, path, keys);
}

/* Estimates the number of the query's groups. */
static double
estimate_groups(PlannerInfo *root, const PathTarget *target, double rows)
{
	List *keys = NIL;
	ListCell *cell;

	foreach(cell, target->exprs)
	{
		Index group = get_pathtarget_sortgroupref(target, foreach_current_index(cell));

		if (group != 0 && get_sortgroupref_clause_noerr(group, root->parse->groupClause) != NULL)
			keys = lappend(keys, lfirst(cell));
	}
	return keys == NIL ? 1 : estimate_num_groups(root, keys, rows, NULL, NULL);
}

/* Adds paths in which the reader aggregates below a join, if that is possible. */
static void
add_joined_groups(PlannerInfo *root, const FlowlogSetJoin *join, RelOptInfo *output,
                  GroupPathExtraData *extra)
{
	Targets targets = {.root = root, .join = join};
	RelOptInfo *groups;
	RelOptInfo *joined;
	Path *path;
	double count;
	double rows;

	if (root->parse->groupingSets != NIL || root->parse->hasTargetSRFs ||
	    (extra->flags & GROUPING_CAN_PARTIAL_AGG) == 0 ||
	    !make_targets(&targets, output, (List *) extra->havingQual))
		return;
	groups = copy_relation(join->logs, targets.groups);
	joined = copy_relation(join->joinrel, targets.joined);
	count = estimate_groups(root, targets.joined, join->joinrel->rows);
	path = create_joined_groups(join, groups, joined, false);
	if (path != NULL)
		flowlog_aggregate_add_final(root, output, path, extra, count);

	if (!output->consider_parallel || !flowlog_set_join_is_parallel(join))
		return;
	path = create_joined_groups(join, groups, joined, true);
	if (path == NULL)
		return;
	rows = path->rows * path->parallel_workers;
	path = (Path *) create_gather_path(root, joined, path, joined->reltarget, NULL, &rows);
	flowlog_aggregate_add_final(root, output, path, extra, count);
}

/*
 * This is a hook, as PostgreSQL asks a foreign data wrapper only about joins
 * that are wholly its own.
 */
static void
add_upper_paths(PlannerInfo *root, UpperRelationKind stage, RelOptInfo *input, RelOptInfo *output,
                void *extra)
{
	const FlowlogSetJoin *join;

	if (next_hook != NULL)
		next_hook(root, stage, input, output, extra);
	if (stage != UPPERREL_GROUP_AGG || !flowlog_enable_aggregate_pushdown ||
	    !flowlog_enable_runtime_sets || input->reloptkind != RELOPT_JOINREL || IS_DUMMY_REL(input))
		return;
	join = flowlog_set_join_of(input);
	if (join != NULL && join->root == root)
		add_joined_groups(root, join, output, extra);
}

/* Installs the hook. */
void
flowlog_set_aggregate_init(void)
{
	next_hook = create_upper_paths_hook;
	create_upper_paths_hook = add_upper_paths;
}
