/*-------------------------------------------------------------------------
 *
 * set_scan.c
 *	  The logs' side of a join with sets: one of our tables or several that are
 *	  appended, as partitions or branches of UNION ALL.
 *
 * What is appended may be other relations, too, which have no sets.  All scans
 * with sets find the same keys.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include "optimizer/cost.h"
#include "optimizer/pathnode.h"
#include "parser/parsetree.h"

/* Returns true if a relation is one of our tables, read by itself. */
static bool
is_ours(RelOptInfo *rel)
{
	return IS_SIMPLE_REL(rel) && rel->fdwroutine != NULL &&
	       rel->fdwroutine->GetForeignPaths == flowlog_get_paths && rel->fdw_private != NULL &&
	       !IS_DUMMY_REL(rel);
}

/* Returns true if a relation is made of others that are appended. */
static bool
is_appended(PlannerInfo *root, RelOptInfo *rel)
{
	return IS_SIMPLE_REL(rel) && root->append_rel_array != NULL &&
	       planner_rt_fetch(rel->relid, root)->inh && !IS_DUMMY_REL(rel);
}

/* Returns the relations that are appended, without those that have no rows. */
static List *
find_parts(PlannerInfo *root, const RelOptInfo *rel)
{
	List *parts = NIL;
	ListCell *cell;

	foreach(cell, root->append_rel_list)
	{
		const AppendRelInfo *info = lfirst_node(AppendRelInfo, cell);
		RelOptInfo *part;

		if (info->parent_relid != rel->relid)
			continue;
		part = root->simple_rel_array[info->child_relid];
		if (part == NULL || IS_DUMMY_REL(part))
			continue;
		if (is_appended(root, part))
			parts = list_concat(parts, find_parts(root, part));
		else
			parts = lappend(parts, part);
	}
	return parts;
}

/* Returns true if a relation is ours, or has parts that are. */
bool
flowlog_set_scan_is_of(PlannerInfo *root, RelOptInfo *rel)
{
	ListCell *cell;

	if (!bms_is_empty(rel->lateral_relids))
		return false;
	if (!is_appended(root, rel))
		return is_ours(rel);
	foreach(cell, find_parts(root, rel))
		if (is_ours(lfirst(cell)))
			return true;
	return false;
}

/* Makes the condition of a part of a clause on all of them; returns false if there is none. */
static bool
make_condition(PlannerInfo *root, RelOptInfo *part, Expr *clause, OpExpr **condition, Expr **key)
{
	clause = (Expr *) flowlog_plan_for_child(root, part, (Node *) clause);
	return flowlog_qual_takes_set(root, part, flowlog_plan_table(part), clause, condition, key);
}

bool
flowlog_set_scan_takes(PlannerInfo *root, RelOptInfo *rel, Expr *clause, Expr **condition,
                       Expr **key)
{
	OpExpr *made;
	ListCell *cell;

	if (!is_appended(root, rel))
	{
		if (!flowlog_qual_takes_set(root, rel, flowlog_plan_table(rel), clause, &made, key))
			return false;
		*condition = (Expr *) made;
		return true;
	}
	*condition = clause;
	foreach(cell, find_parts(root, rel))
		if (is_ours(lfirst(cell)) && !make_condition(root, lfirst(cell), clause, &made, key))
			return false;
	return true;
}

/* Makes the sets of a part. */
static FlowlogSetPlan *
make_part_sets(PlannerInfo *root, RelOptInfo *part, FlowlogSetPlan *sets)
{
	FlowlogSetPlan *own = palloc0(sizeof(FlowlogSetPlan));
	ListCell *cell;

	own->of = sets;
	own->rows = sets->rows;
	foreach(cell, sets->conditions)
	{
		OpExpr *condition;
		Expr *key;

		if (!make_condition(root, part, lfirst(cell), &condition, &key))
			elog(ERROR,
			     "pushed-down qual of foreign table \"%s\" is not understood any more",
			     flowlog_plan_table(part)->name);
		own->conditions = lappend(own->conditions, condition);
	}
	return own;
}

/* Creates the path of a part; NULL if there is none that can be used. */
static Path *
create_part_path(PlannerInfo *root, RelOptInfo *part, FlowlogSetPlan *sets, double share,
                 bool parallel)
{
	Path *path;

	if (is_ours(part))
		return flowlog_plan_scan_with_sets(root,
		                                   part,
		                                   make_part_sets(root, part, sets),
		                                   share,
		                                   0,
		                                   parallel);
	if (parallel)
		path = part->partial_pathlist != NIL ? linitial(part->partial_pathlist) : NULL;
	else
		path = part->cheapest_total_path;
	return path != NULL && bms_is_empty(PATH_REQ_OUTER(path)) ? path : NULL;
}

/* Appends the paths of all parts. */
static Path *
create_append(PlannerInfo *root, RelOptInfo *rel, FlowlogSetPlan *sets, double share, Cost before,
              bool parallel)
{
	List *paths = NIL;
	int workers = 0;
	Path *path;
	ListCell *cell;

	if (parallel && !rel->consider_parallel)
		return NULL;
	foreach(cell, find_parts(root, rel))
	{
		path = create_part_path(root, lfirst(cell), sets, share, parallel);
		if (path == NULL)
			return NULL;
		workers = Max(workers, path->parallel_workers);
		paths = lappend(paths, path);
	}
	path = (Path *) create_append_path(root,
	                                   rel,
	                                   parallel ? NIL : paths,
	                                   parallel ? paths : NIL,
	                                   NIL,
	                                   NULL,
	                                   parallel ? workers : 0,
	                                   parallel && enable_parallel_append,
	                                   -1);
	path->startup_cost += before;
	path->total_cost += before;
	return path;
}

Path *
flowlog_set_scan_create(PlannerInfo *root, RelOptInfo *rel, FlowlogSetPlan *sets, double share,
                        Cost before, bool parallel)
{
	return is_appended(root, rel)
	           ? create_append(root, rel, sets, share, before, parallel)
	           : flowlog_plan_scan_with_sets(root, rel, sets, share, before, parallel);
}
