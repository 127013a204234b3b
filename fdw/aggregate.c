/*-------------------------------------------------------------------------
 *
 * aggregate.c
 *	  Which aggregates the reader can compute, and the plans in which it does.
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
 * The list of a scan's columns (fdw_scan_tlist) contains the group keys and
 * aggregates of the plan's target, then the columns that only pushed clauses
 * use.  These are returned as NULLs: they are in the list so that PostgreSQL
 * can process the clauses as all expressions of a plan.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include "executor/nodeHash.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/planmain.h"
#include "optimizer/planner.h"
#include "optimizer/prep.h"
#include "optimizer/restrictinfo.h"
#include "optimizer/tlist.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "utils/selfuncs.h"

/* bytes of a group besides its keys and states, for the planner's estimates */
#define GROUP_OVERHEAD 64

/* ---------- recognising keys and aggregates ---------- */

/*
 * Returns the table's column that a Var stands for, or -1.  The scan has no
 * other relation.
 */
static int
column_of_var(const FlowlogTable *table, const Expr *expr)
{
	const Var *var = (const Var *) expr;

	return IsA(expr, Var) && var->varlevelsup == 0 ? flowlog_table_column(table, var->varattno)
	                                               : -1;
}

/*
 * Returns true if equal values of the column look alike, so that any one of a
 * group can be shown.  That is not so for numeric (1.0, 1.00), the
 * floating-point types (0, -0) and text with a nondeterministic collation.
 */
static bool
can_be_key(const FlowColumn *column, const Var *var)
{
	switch (column->type)
	{
		case FLOW_INT16:
		case FLOW_INT32:
		case FLOW_INT64:
		case FLOW_BOOLEAN:
		case FLOW_ADDRESS:
		case FLOW_NETWORK:
		case FLOW_TIME:
		case FLOW_DAY:
			return true;
		case FLOW_TEXT:
			return OidIsValid(var->varcollid) && get_collation_isdeterministic(var->varcollid);
		default:
			return false;
	}
}

/*
 * Returns true for the argument of count(1), which counts all; count(NULL)
 * would count nothing.
 */
static bool
is_never_null(const Expr *expr)
{
	return IsA(expr, Const) && !((const Const *) expr)->constisnull;
}

/* Recognises an aggregate that the reader can compute. */
static bool
recognise_aggregate(const FlowlogTable *table, const Aggref *call, FlowlogOutput *output)
{
	const FlowlogAggregate *row = flowlog_aggregate_find(call->aggfnoid);
	Expr *argument;

	if (row == NULL || call->aggdistinct != NIL || call->aggorder != NIL ||
	    call->aggfilter != NULL || call->aggdirectargs != NIL || call->agglevelsup != 0)
		return false;

	output->aggregate = row;
	output->kind = row->kind;
	output->column = -1;
	if (call->args == NIL)
		return row->kind == FLOW_COUNT_ALL;

	argument = linitial_node(TargetEntry, call->args)->expr;
	if (row->kind == FLOW_COUNT)
	{
		if (is_never_null(argument))
		{
			output->kind = FLOW_COUNT_ALL;
			return true;
		}
		while (IsA(argument, RelabelType))
			argument = ((RelabelType *) argument)->arg;
	}
	output->column = column_of_var(table, argument);
	return output->column >= 0 && table->columns[output->column].type != FLOW_OPAQUE;
}

/*
 * Returns true if a key is a constant.  Views give names to constants, such as
 * the number of a shard, and queries group by them.  PostgreSQL adds them to a
 * plan's rows itself.
 */
static bool
is_constant_key(const Expr *expr)
{
	return IsA(expr, Const);
}

/* Recognises a column of an aggregation's target; "index" is not set. */
bool
flowlog_recognise_output(const FlowlogTable *table, Expr *expr, FlowlogOutput *output)
{
	if (IsA(expr, Aggref))
		return recognise_aggregate(table, (Aggref *) expr, output);
	output->aggregate = NULL;
	output->column = column_of_var(table, expr);
	return output->column >= 0 && can_be_key(&table->columns[output->column], (Var *) expr);
}

/* ---------- paths ---------- */

/*
 * Returns the query's GROUP BY clause, without redundant columns if PostgreSQL
 * has removed them.
 */
static List *
group_clause(PlannerInfo *root)
{
#if PG_VERSION_NUM >= 160000
	return root->processed_groupClause;
#else
	return root->parse->groupClause;
#endif
}

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
 * Returns true if the reader can compute all columns of a target, as whole
 * groups or as partial ones.
 */
static bool
is_pushable_target(PlannerInfo *root, RelOptInfo *input, List *exprs, bool whole)
{
	const FlowlogTable *table = flowlog_plan_table(input);
	int nkeys = 0;
	ListCell *cell;

	foreach(cell, exprs)
	{
		FlowlogOutput output;

		if (is_constant_key(lfirst(cell)))
			continue;
		if (!flowlog_recognise_output(table, lfirst(cell), &output))
			return false;
		if (output.aggregate == NULL && whole &&
		    !flow_group_keeps_values(&table->columns[output.column]))
			return false;
		if (output.aggregate != NULL && !whole &&
		    !flowlog_aggregate_state_is_known(output.aggregate))
			return false;
		nkeys += output.aggregate == NULL;
	}
	return nkeys > 0 || !whole;
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
		Index group = get_pathtarget_sortgroupref(target, foreach_current_index(cell));

		if (group != 0 && get_sortgroupref_clause_noerr(group, group_clause(root)) != NULL)
			add_column_to_pathtarget(result, lfirst(cell), group);
		else
			others = lappend(others, lfirst(cell));
	}
	if (having != NULL)
		others = lappend(others, having);
	add_new_columns_to_pathtarget(result,
	                              pull_var_clause((Node *) others,
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

/* Returns the bytes that a hash table of the executor may use. */
size_t
flowlog_hash_memory(void)
{
#if PG_VERSION_NUM >= 150000
	return get_hash_memory_limit();
#else
	return (size_t) get_hash_mem() * 1024;
#endif
}

/*
 * Estimates the number of groups as PostgreSQL does, so that its paths and
 * ours differ in costs only.
 */
static double
estimate_groups(PlannerInfo *root, PathTarget *target, double records)
{
	List *keys = NIL;
	ListCell *cell;

	foreach(cell, target->exprs)
	{
		Index group = get_pathtarget_sortgroupref(target, foreach_current_index(cell));

		if (group != 0 && get_sortgroupref_clause_noerr(group, group_clause(root)) != NULL)
			keys = lappend(keys, lfirst(cell));
	}
	return keys == NIL ? 1 : estimate_num_groups(root, keys, records, NULL, NULL);
}

/*
 * Estimates how many partial groups the records make, as the table of groups
 * is bounded.
 */
static double
estimate_rows(PlannerInfo *root, RelOptInfo *input, PathTarget *target, double records)
{
	double capacity = (double) flowlog_hash_memory() / (target->width + GROUP_OVERHEAD);
	double rows = estimate_groups(root, target, records);

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
 * Returns the fdw_private of a ForeignPath: the relation, and whether its
 * groups are whole; the columns it returns; HAVING.
 */
static List *
path_private(RelOptInfo *input, bool whole, PathTarget *scan_target, List *having)
{
	return list_make3(list_make2_int(input->relid, whole), scan_target->exprs, having);
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
	                                 startup + rows * cpu_tuple_cost,
	                                 NIL,  /* no order */
	                                 NULL, /* no outer path */
#if PG_VERSION_NUM >= 170000
	                                 NIL, /* no restrictions of a join */
#endif
	                                 private);
}

/*
 * Returns the cost of reading and evaluating the lines, and of half an
 * operator for each key and aggregate of a record that passes.  In the
 * executor it would be a whole operator, and cpu_tuple_cost for the record.
 */
static Cost
cost_groups(PlannerInfo *root, RelOptInfo *input, PathTarget *target, double divisor,
            double *records)
{
	Cost startup;
	Cost run;

	flowlog_cost_lines(root, input, input->baserestrictinfo, divisor, &startup, &run, records);
	return startup + run +
	       clamp_row_est(*records / divisor) * cpu_operator_cost / 2 * list_length(target->exprs);
}

/*
 * Creates a path that returns partial groups.  "workers" share the work; 0:
 * there are none.
 */
static ForeignPath *
create_partial_path(PlannerInfo *root, RelOptInfo *input, RelOptInfo *output, PathTarget *target,
                    int workers)
{
	double divisor = workers > 0 ? flowlog_parallel_divisor(workers) : 1;
	double records;
	Cost startup = cost_groups(root, input, target, divisor, &records);
	double rows = estimate_rows(root, input, target, clamp_row_est(records / divisor));

	return create_path(root,
	                   output,
	                   target,
	                   rows,
	                   startup,
	                   path_private(input, false, target, NIL));
}

/*
 * The cost of combining the groups of several processes: of some files each
 * (in units of seq_page_cost), and for each group that they have about the
 * cost of writing and reading a row of a hash join.
 */
#define EXCHANGE_FILES_COST 10.0 /* in units of seq_page_cost */

/* Creates a path that returns whole groups, which pass HAVING. */
static ForeignPath *
create_whole_path(PlannerInfo *root, RelOptInfo *input, RelOptInfo *output, PathTarget *scan_target,
                  List *having, int workers)
{
	double divisor = workers > 0 ? flowlog_parallel_divisor(workers) : 1;
	double records;
	Cost startup = cost_groups(root, input, scan_target, divisor, &records);
	double groups = estimate_groups(root, scan_target, clamp_row_est(records));
	double partial = estimate_rows(root, input, scan_target, clamp_row_est(records / divisor));
	ForeignPath *path;

	if (workers > 0)
		startup += EXCHANGE_FILES_COST * seq_page_cost + 2 * partial * cpu_tuple_cost;
	else if (partial > groups)
		/* the groups do not fit into the table */
		startup += 2 * partial * cpu_tuple_cost;
	groups =
		clamp_row_est(groups / divisor * clauselist_selectivity(root, having, 0, JOIN_INNER, NULL));
	path = create_path(root,
	                   output,
	                   output->reltarget,
	                   groups,
	                   startup,
	                   path_private(input, true, scan_target, having));
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

	if (!is_pushable_target(root, input, output->reltarget->exprs, false))
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

	foreach(cell, group_clause(root))
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
 * Adds paths of whole groups, which need no final aggregation.  Returns false
 * if that is not possible.  Each worker returns some of the groups; PostgreSQL
 * itself would gather such a path only to sort it first.
 */
static bool
add_whole_groups(PlannerInfo *root, RelOptInfo *input, RelOptInfo *output,
                 GroupPathExtraData *extra)
{
	PathTarget *target = make_scan_target(root, output->reltarget, extra->havingQual);
	List *having = (List *) extra->havingQual;
	int workers = parallel_workers(input, output);

	if (root->parse->groupClause == NIL || !has_all_keys(root, target) ||
	    !is_pushable_target(root, input, target->exprs, true))
		return false;
	add_path(output, (Path *) create_whole_path(root, input, output, target, having, 0));
	if (workers > 0)
	{
		Path *path = (Path *) create_whole_path(root, input, output, target, having, workers);
		double rows = path->rows * flowlog_parallel_divisor(workers);

		add_path(output,
		         (Path *) create_gather_path(root, output, path, output->reltarget, NULL, &rows));
		add_partial_path(output,
		                 (Path *) create_whole_path(root, input, output, target, having, workers));
	}
	return true;
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

/*
 * Adds paths of partial groups with PostgreSQL's final aggregation on top,
 * which PostgreSQL itself would not consider.
 */
static void
add_combined_groups(PlannerInfo *root, RelOptInfo *input, RelOptInfo *output,
                    GroupPathExtraData *extra)
{
	PathTarget *target = make_partial_target(root, output->reltarget, extra->havingQual);
	List *clauses = group_clause(root);
	bool grouped = root->parse->groupClause != NIL;
	AggClauseCosts costs = {0};
	double groups;
	Path *path;

	if (!is_pushable_target(root, input, target->exprs, false))
		return;

	/* the partial groups */
	path = (Path *) create_partial_path(root, input, output, target, 0);
	/* as for a scan of rows: workers run partial paths only */
	path->parallel_safe = false;
	groups = estimate_groups(root, target, input->rows);
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

/* Adds paths in which the reader computes aggregates. */
void
flowlog_get_upper_paths(PlannerInfo *root, UpperRelationKind stage, RelOptInfo *input,
                        RelOptInfo *output, void *extra)
{
	GroupPathExtraData *grouping = extra;

	if (!flowlog_enable_aggregate_pushdown ||
	    (stage != UPPERREL_PARTIAL_GROUP_AGG && stage != UPPERREL_GROUP_AGG))
		return;
	if ((grouping->flags & GROUPING_CAN_PARTIAL_AGG) == 0 || !is_pushable_input(root, input))
		return;
	if (stage == UPPERREL_PARTIAL_GROUP_AGG)
		add_partial_groups(root, input, output, grouping);
	else if (!add_whole_groups(root, input, output, grouping))
		add_combined_groups(root, input, output, grouping);
}

/* ---------- plans ---------- */

/*
 * Makes the plan of a scan of groups.  Its fdw_private has the table's OID;
 * the number of columns it returns, and whether their groups are whole; and
 * the counts of clauses.
 */
ForeignScan *
flowlog_get_aggregate_plan(PlannerInfo *root, ForeignPath *path, List *tlist, Plan *outer_plan)
{
	List *relation = linitial(path->fdw_private);
	Index relid = linitial_int(relation);
	bool whole = lsecond_int(relation);
	List *outputs = lsecond(path->fdw_private);
	List *having = lthird(path->fdw_private);
	RelOptInfo *input = root->simple_rel_array[relid];
	List *local = NIL;
	List *counts;
	List *clauses = flowlog_plan_sort_quals(root,
	                                        input,
	                                        flowlog_plan_order_quals(root, input->baserestrictinfo),
	                                        &local,
	                                        &counts);
	List *scan_tlist = NIL;
	int noutputs;
	ListCell *cell;

	/* the columns it returns, followed by those that only clauses use */
	foreach(cell, outputs)
		if (!is_constant_key(lfirst(cell)))
			scan_tlist = add_to_flat_tlist(scan_tlist, list_make1(lfirst(cell)));
	noutputs = list_length(scan_tlist);
	scan_tlist =
		add_to_flat_tlist(scan_tlist, pull_var_clause((Node *) clauses, PVC_RECURSE_PLACEHOLDERS));
	return make_foreignscan(tlist,
	                        having,
	                        0, /* the scan's rows are not the table's */
	                        clauses,
	                        list_make3(list_make1_oid(planner_rt_fetch(relid, root)->relid),
	                                   list_make2_int(noutputs, whole),
	                                   counts),
	                        scan_tlist,
	                        NIL,
	                        outer_plan);
}

/* Returns true if the plan's scan returns groups. */
bool
flowlog_plan_aggregates(const ForeignScan *plan)
{
	return plan->scan.scanrelid == 0;
}

Oid
flowlog_aggregate_relid(const ForeignScan *plan)
{
	return linitial_oid((List *) linitial(plan->fdw_private));
}

/*
 * Returns the columns that the scan returns, without those that only clauses
 * use.
 */
List *
flowlog_aggregate_outputs(const ForeignScan *plan)
{
	return list_truncate(list_copy(plan->fdw_scan_tlist),
	                     linitial_int((List *) lsecond(plan->fdw_private)));
}
