/*-------------------------------------------------------------------------
 *
 * set_join.c
 *	  Offers hash joins of a foreign table with a small relation, whose keys
 *	  the scan of the foreign table knows before it begins.
 *
 * The join is PostgreSQL's ordinary one.  Below its hash table stands a node
 * that collects the keys (see runtime_set.c).  Of "WHERE EXISTS (SELECT FROM
 * logs ...)" PostgreSQL makes the hash table of the logs, and the node is the
 * join's other side.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"
#include "utils/lsyscache.h"

/* the minimum of the estimated share of rows that a set leaves */
#define SHARE_MIN 0.1

static set_join_pathlist_hook_type next_hook = NULL;

/* Returns true if a join drops rows of its outer side that have no match. */
static bool
drops_unmatched(JoinType type)
{
	switch (type)
	{
		case JOIN_INNER:
		case JOIN_SEMI:
		case JOIN_RIGHT:
#if PG_VERSION_NUM >= 160000
		case JOIN_RIGHT_ANTI:
#endif
#if PG_VERSION_NUM >= 180000
		case JOIN_RIGHT_SEMI:
#endif
			return true;
		default:
			return false;
	}
}

/* Returns true if a clause compares something of one side with something of the other. */
static bool
sides_match(const RestrictInfo *clause, const RelOptInfo *outer, const RelOptInfo *inner)
{
	return (bms_is_subset(clause->left_relids, outer->relids) &&
	        bms_is_subset(clause->right_relids, inner->relids)) ||
	       (bms_is_subset(clause->left_relids, inner->relids) &&
	        bms_is_subset(clause->right_relids, outer->relids));
}

/*
 * Finds the clauses that a hash join can hash by, as joinpath.c's
 * hash_inner_and_outer does.
 */
static List *
find_hash_clauses(const FlowlogSetJoin *join)
{
	List *clauses = NIL;
	ListCell *cell;

	foreach(cell, join->extra.restrictlist)
	{
		RestrictInfo *clause = lfirst_node(RestrictInfo, cell);

		if (IS_OUTER_JOIN(join->type) && RINFO_IS_PUSHED_DOWN(clause, join->joinrel->relids))
			continue;
		if (!clause->can_join || !OidIsValid(clause->hashjoinoperator) ||
		    !sides_match(clause, join->logs, join->small) ||
		    !OidIsValid(get_commutator(((OpExpr *) clause->clause)->opno)))
			continue;
		clauses = lappend(clauses, clause);
	}
	return clauses;
}

/* Returns the small side's part of a clause that the join hashes by. */
static Expr *
small_part(const FlowlogSetJoin *join, const RestrictInfo *clause)
{
	bool is_left = bms_is_subset(clause->left_relids, join->small->relids);

	return (Expr *) (is_left ? get_leftop(clause->clause) : get_rightop(clause->clause));
}

/*
 * Makes the sets of the clauses for which the reader can look up a column, in
 * all of the tables that are the logs; NULL: of none.
 */
static FlowlogSetPlan *
make_sets(const FlowlogSetJoin *join)
{
	FlowlogSetPlan *sets = palloc0(sizeof(FlowlogSetPlan));
	int nkeys = 0;
	ListCell *cell;

	sets->param = -1;
	sets->rows = join->small->rows;
	sets->ahead = join->hashes_logs;
	foreach(cell, join->hash_clauses)
	{
		RestrictInfo *clause = lfirst_node(RestrictInfo, cell);
		Expr *condition;
		Expr *key;

		if (flowlog_set_scan_takes(join->root, join->logs, clause->clause, &condition, &key))
		{
			sets->numbers = lappend_int(sets->numbers, list_length(sets->conditions));
			sets->conditions = lappend(sets->conditions, condition);
			sets->keys = lappend(sets->keys, key);
			nkeys = list_length(sets->keys);
		}
		else if (op_strict(((OpExpr *) clause->clause)->opno))
		{
			sets->numbers = lappend_int(sets->numbers, -1);
			sets->keys = lappend(sets->keys, small_part(join, clause));
		}
	}
	sets->keys = list_truncate(sets->keys, nkeys);
	sets->numbers = list_truncate(sets->numbers, nkeys);
	return sets->conditions != NIL ? sets : NULL;
}

/*
 * Estimates the share of the logs' rows that have a match, where the logs are
 * the right side of PostgreSQL's join.  It must not see the RestrictInfos, in
 * which it keeps the share of the left side's rows.
 */
static double
estimate_turned_share(const FlowlogSetJoin *join)
{
	SpecialJoinInfo turned = *join->extra.sjinfo;

	turned.jointype = JOIN_SEMI;
	turned.min_lefthand = turned.syn_lefthand = join->logs->relids;
	turned.min_righthand = turned.syn_righthand = join->small->relids;
	return Max(clauselist_selectivity(join->root,
	                                  extract_actual_clauses(join->hash_clauses, false),
	                                  0,
	                                  JOIN_SEMI,
	                                  &turned),
	           SHARE_MIN);
}

/*
 * Estimates the share of the logs' rows that have a match.  PostgreSQL mostly
 * assumes that a column's values are equally frequent, but what people look for
 * are often the frequent ones: five ports may be half of all records.
 */
static double
estimate_share(const FlowlogSetJoin *join)
{
	SemiAntiJoinFactors factors;

	if (join->hashes_logs)
		return estimate_turned_share(join);
	compute_semi_anti_join_factors(join->root,
	                               join->joinrel,
	                               join->logs,
	                               join->small,
	                               JOIN_SEMI,
	                               join->extra.sjinfo,
	                               join->hash_clauses,
	                               &factors);
	return Max(factors.outer_match_frac, SHARE_MIN);
}

/* Creates a hash join of two paths. */
static HashPath *
create_hash_join(const FlowlogSetJoin *join, RelOptInfo *joinrel, Path *outer, Path *inner)
{
	JoinPathExtraData extra = join->extra;
	JoinCostWorkspace workspace;

	initial_cost_hashjoin(
		join->root, &workspace, join->type, join->hash_clauses, outer, inner, &extra, false);
	return create_hashjoin_path(join->root,
	                            joinrel,
	                            join->type,
	                            &workspace,
	                            &extra,
	                            outer,
	                            inner,
	                            false,
	                            extra.restrictlist,
	                            NULL,
	                            join->hash_clauses);
}

/*
 * Creates the join of a path with sets, whose costs include those of the other
 * side, with that side.
 */
Path *
flowlog_set_join_create(const FlowlogSetJoin *join, RelOptInfo *joinrel, Path *logs, Path *keys)
{
	HashPath *path = create_hash_join(join, joinrel, logs, keys);

	/* the small side is read once */
	path->jpath.path.startup_cost -= keys->total_cost;
	path->jpath.path.total_cost -= keys->total_cost;
	return &path->jpath.path;
}

/* Returns the cheapest path of the small side that can be used, or NULL. */
static Path *
find_small(const FlowlogSetJoin *join, bool parallel)
{
	Path *path = join->small->cheapest_total_path;

	if (parallel && path != NULL && !path->parallel_safe)
		path = get_cheapest_parallel_safe_total_inner(join->small->pathlist);
	return path != NULL && bms_is_empty(PATH_REQ_OUTER(path)) ? path : NULL;
}

/* Makes the sets of a join, and the path that collects their keys. */
FlowlogSetPlan *
flowlog_set_join_sets(const FlowlogSetJoin *join, bool parallel, Path **keys)
{
	FlowlogSetPlan *sets = make_sets(join);
	Path *small = find_small(join, parallel);

	if (sets == NULL || small == NULL)
		return NULL;
	*keys = flowlog_sets_collect(small, sets);
	return sets;
}

/* Returns true if several processes can share the join. */
bool
flowlog_set_join_is_parallel(const FlowlogSetJoin *join)
{
	return join->joinrel->consider_parallel && bms_is_empty(join->joinrel->lateral_relids) &&
	       (join->type == JOIN_INNER || join->type == JOIN_SEMI);
}

/* Creates a join of rows; NULL: there is none. */
static Path *
create_join(const FlowlogSetJoin *join, bool parallel)
{
	Path *keys;
	FlowlogSetPlan *sets = flowlog_set_join_sets(join, parallel, &keys);
	Path *logs;

	if (sets == NULL)
		return NULL;

	/*
	 * Where the outer side starts at less cost than the hash table is made,
	 * PostgreSQL first looks whether it has any row.  It must not do that here.
	 */
	logs = flowlog_set_scan_create(join->root,
	                               join->logs,
	                               sets,
	                               join->share,
	                               keys->total_cost,
	                               parallel);
	return logs != NULL ? flowlog_set_join_create(join, join->joinrel, logs, keys) : NULL;
}

/*
 * Keeps the join for the aggregation of the query's rows, if it is the one that
 * gives them.
 */
static void
keep_join(const FlowlogSetJoin *join)
{
	FlowlogSetJoin *kept = flowlog_set_join_of(join->joinrel);

	if ((join->type != JOIN_INNER && join->type != JOIN_SEMI) || join->logs->fdw_private == NULL)
		return;
	if (kept == NULL && join->joinrel->fdw_private != NULL)
		return;
	if (kept != NULL && kept->small->rows <= join->small->rows)
		return;
	kept = palloc(sizeof(FlowlogSetJoin));
	*kept = *join;
	kept->extra.sjinfo = NULL; /* may be a variable of the planner's */
	join->joinrel->fdw_private = kept;
}

/* Returns a join that was kept, or NULL. */
FlowlogSetJoin *
flowlog_set_join_of(const RelOptInfo *joinrel)
{
	FlowlogSetJoin *join = joinrel->fdw_private;

	return join != NULL && join->magic == FLOWLOG_SET_JOIN_MAGIC ? join : NULL;
}

/*
 * Adds the join whose hash table is made of the logs.  Its processes cannot
 * share it, as each would have to know all keys before.
 */
static void
add_join_by_logs(const FlowlogSetJoin *join)
{
	Path *keys;
	FlowlogSetPlan *sets = flowlog_set_join_sets(join, false, &keys);
	Path *logs;

	if (sets == NULL)
		return;
	logs = flowlog_set_scan_create(join->root, join->logs, sets, join->share, 0, false);
	if (logs != NULL)
		add_path(join->joinrel, (Path *) create_hash_join(join, join->joinrel, keys, logs));
}

/*
 * Adds joins of one process, and of several, each of which has its own copy of
 * the small side.
 */
static void
add_joins(const FlowlogSetJoin *join)
{
	Path *path = create_join(join, false);

	if (path == NULL)
		return;
	add_path(join->joinrel, path);
	keep_join(join);
	path = flowlog_set_join_is_parallel(join) ? create_join(join, true) : NULL;
	if (path != NULL)
		add_partial_path(join->joinrel, path);
}

/*
 * Sets which side is the logs; returns false if neither is, or if the join
 * needs rows of the logs that have no match.
 */
static bool
find_sides(FlowlogSetJoin *join, RelOptInfo *outer, RelOptInfo *inner)
{
	join->hashes_logs = join->type == JOIN_SEMI || join->type == JOIN_ANTI;
	if (drops_unmatched(join->type) && flowlog_set_scan_is_of(join->root, outer))
	{
		join->logs = outer;
		join->small = inner;
		join->hashes_logs = false;
		return true;
	}
	join->logs = inner;
	join->small = outer;
	return join->hashes_logs && flowlog_set_scan_is_of(join->root, inner);
}

/* Adds paths of a join with sets, if one is possible. */
static void
add_set_joins(PlannerInfo *root, RelOptInfo *joinrel, RelOptInfo *outer, RelOptInfo *inner,
              JoinType type, JoinPathExtraData *extra)
{
	FlowlogSetJoin join = {
		.magic = FLOWLOG_SET_JOIN_MAGIC,
		.root = root,
		.joinrel = joinrel,
		.type = type,
		.extra = *extra,
	};

	if (next_hook != NULL)
		next_hook(root, joinrel, outer, inner, type, extra);
	if (!flowlog_enable_runtime_sets || !flowlog_enable_pushdown || !enable_hashjoin ||
	    !find_sides(&join, outer, inner) || IS_DUMMY_REL(join.small) ||
	    join.small->rows > FLOWLOG_KEYS_MAX ||
	    join.small->rows * FLOWLOG_KEY_BYTES > (double) flowlog_sets_memory())
		return;
	join.hash_clauses = find_hash_clauses(&join);
	if (join.hash_clauses == NIL)
		return;
	join.share = estimate_share(&join);
	if (join.hashes_logs)
		add_join_by_logs(&join);
	else
		add_joins(&join);
}

/* Installs the hook. */
void
flowlog_set_join_init(void)
{
	next_hook = set_join_pathlist_hook;
	set_join_pathlist_hook = add_set_joins;
}
