/*-------------------------------------------------------------------------
 *
 * rollup_plan.c
 *	  Plans statements over tables whose partitions are on other servers: the
 *	  planner's hooks.
 *
 * Queries of the statement are rolled up (rollup.c) before it is planned, if
 * setting flowlog_fdw.enable_rollup is on.  Statements without such a table are
 * planned as without the hooks.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/planner.h"
#include "utils/guc.h"

static planner_hook_type next_planner = NULL;
static create_upper_paths_hook_type next_upper_paths = NULL;

/* The way in which a query is planned. */
typedef struct Planning
{
	bool cluster;             /* it has a table of a cluster */
	bool partitionwise;       /* with enable_partitionwise_aggregate */
	bool users_partitionwise; /* the user's setting */
} Planning;

static Planning planning; /* of the query that is being planned */

/* ---------- queries ---------- */

/*
 * Rolls up all queries of a statement for which it can be done, from the
 * innermost on.  Sets *context to true if there are any, or any that
 * PostgreSQL divides by itself.
 */
static Node *
roll_up_all(Node *node, void *context)
{
	bool *any = context;
	const char *left;
	Query *query;
	Query *rolled;

	if (node == NULL)
		return NULL;
	if (!IsA(node, Query))
		return expression_tree_mutator(node, roll_up_all, context);
	query = query_tree_mutator((Query *) node, roll_up_all, context, 0);
	rolled = flowlog_rollup_query(query, &left);
	*any |= rolled != NULL || left == flowlog_rollup_grouped_by_key;
	return (Node *) (rolled != NULL ? rolled : query);
}

/*
 * Returns true if a query has a table of a cluster.  Most queries have none,
 * and are not even copied.  Expressions are searched only if they contain
 * subqueries.
 */
static bool
has_cluster_table(Node *node, void *context)
{
	Query *query = (Query *) node;
	ListCell *cell;

	if (node == NULL)
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, has_cluster_table, context);
	foreach(cell, query->rtable)
	{
		const RangeTblEntry *entry = lfirst_node(RangeTblEntry, cell);

		if (flowlog_rollup_takes_table(entry) ||
		    (entry->rtekind == RTE_SUBQUERY &&
		     has_cluster_table((Node *) entry->subquery, context)))
			return true;
	}
	foreach(cell, query->cteList)
		if (has_cluster_table(lfirst_node(CommonTableExpr, cell)->ctequery, context))
			return true;
	return query->hasSubLinks &&
	       query_tree_walker(query,
	                         has_cluster_table,
	                         context,
	                         QTW_IGNORE_RT_SUBQUERIES | QTW_IGNORE_CTE_SUBQUERIES);
}

/* Plans a query with the next planner hook, or the standard planner. */
static PlannedStmt *
plan_next(Query *query, const char *text, int cursor_options, ParamListInfo params)
{
	if (next_planner != NULL)
		return next_planner(query, text, cursor_options, params);
	return standard_planner(query, text, cursor_options, params);
}

/*
 * Plans a query in the given way.  A function that is evaluated meanwhile may
 * plan queries of its own, and planning may fail: in any case, the way of the
 * query around it is restored.  After an error, the end of the transaction or
 * subtransaction restores the setting.
 */
static PlannedStmt *
plan_in_way(Planning inside, Query *query, const char *text, int cursor_options,
            ParamListInfo params)
{
	Planning around = planning;
	PlannedStmt *plan = NULL;
	int level = NewGUCNestLevel();

	if (inside.partitionwise != enable_partitionwise_aggregate)
		(void) set_config_option("enable_partitionwise_aggregate",
		                         inside.partitionwise ? "on" : "off",
		                         PGC_USERSET,
		                         PGC_S_SESSION,
		                         GUC_ACTION_SAVE,
		                         true,
		                         0,
		                         false);
	planning = inside;
	PG_TRY();
	{
		plan = plan_next(query, text, cursor_options, params);
	}
	PG_FINALLY();
	{
		planning = around;
	}
	PG_END_TRY();
	AtEOXact_GUC(true, level);
	return plan;
}

/*
 * Plans a query, rolled up if that can be done: the planner hook.
 * Partitionwise aggregation is enabled for that.
 */
static PlannedStmt *
plan_rolled_up(Query *query, const char *text, int cursor_options, ParamListInfo params)
{
	Planning inside = {false};
	bool any = false;

	/* no table of a cluster: plan as the user has set it */
	if (likely(!flowlog_enable_rollup || !flowlog_has_cluster_servers() ||
	           !has_cluster_table((Node *) query, NULL)))
	{
		if (likely(!planning.cluster))
			return plan_next(query, text, cursor_options, params);
		inside.partitionwise = planning.users_partitionwise;
		return plan_in_way(inside, query, text, cursor_options, params);
	}
	query = (Query *) roll_up_all((Node *) query, &any);
	inside.cluster = true;
	inside.users_partitionwise =
		planning.cluster ? planning.users_partitionwise : enable_partitionwise_aggregate;
	inside.partitionwise = any || inside.users_partitionwise;
	return plan_in_way(inside, query, text, cursor_options, params);
}

/* ---------- paths ---------- */

/*
 * Returns true if the path returns groups that servers of a cluster compute.
 */
static bool
gives_servers_groups(const Path *path)
{
	List *subpaths = NIL;
	ListCell *cell;

	if (IsA(path, ForeignPath))
		return IS_UPPER_REL(path->parent) && OidIsValid(path->parent->serverid) &&
		       flowlog_is_cluster_server(path->parent->serverid);
	if (IsA(path, AppendPath))
		subpaths = ((const AppendPath *) path)->subpaths;
	else if (IsA(path, MergeAppendPath))
		subpaths = ((const MergeAppendPath *) path)->subpaths;
	foreach(cell, subpaths)
		if (!gives_servers_groups(lfirst(cell)))
			return false;
	return subpaths != NIL;
}

/*
 * Keeps only paths in which servers compute the groups, if there are any.
 * Costs do not tell: PostgreSQL assumes that tables that were never analyzed,
 * as those of postgres_fdw mostly are, have a few hundred rows, and that each
 * row is a group of its own as soon as there are two keys.
 */
static void
choose_servers_groups(PlannerInfo *root, UpperRelationKind stage, RelOptInfo *input,
                      RelOptInfo *output, void *extra)
{
	List *chosen = NIL;
	ListCell *cell;

	if (next_upper_paths != NULL)
		next_upper_paths(root, stage, input, output, extra);
	if (likely(!planning.cluster) || stage != UPPERREL_GROUP_AGG)
		return;
	foreach(cell, output->pathlist)
		if (gives_servers_groups(lfirst(cell)))
			chosen = lappend(chosen, lfirst(cell));
	if (chosen == NIL)
		return;
	output->pathlist = chosen;
	output->partial_pathlist = NIL;
}

/* Installs the planner's hooks. */
void
flowlog_rollup_init(void)
{
	next_planner = planner_hook;
	planner_hook = plan_rolled_up;
	next_upper_paths = create_upper_paths_hook;
	create_upper_paths_hook = choose_servers_groups;
	flowlog_cluster_table_init();
}
