/*-------------------------------------------------------------------------
 *
 * plan.c
 *	  Sizes, paths, costs and plans of foreign scans.
 *
 * Planning opens no data file.  The size of a location is estimated from its
 * directories, within a limit of entries and of time; the number of lines from
 * what ANALYZE has counted, or else from the length of an average line.
 *
 *-------------------------------------------------------------------------
 */
#include "plan_info.h"
#include "qual.h"
#include "sort.h"

#include <math.h>

#include "access/sysattr.h"
#include "access/table.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/planmain.h"
#include "optimizer/restrictinfo.h"
#include "parser/parsetree.h"

/*
 * Limits for listing directories while planning.  The number of entries makes
 * plans depend on the files alone: on a disk, 1,000 of them take a few
 * milliseconds.  The time is for file systems that hardly answer, and so long
 * that a busy processor does not reach it.
 */
#define PLAN_ENTRIES 1000
#define PLAN_MICROSECONDS 200000

/*
 * what a bucket is assumed to hold, unless ANALYZE has counted: bytes, and
 * units of work
 */
#define STORE_BYTES (64 * 1024 * 1024)
#define STORE_UNITS 64

/*
 * the bytes of a line, and the factor of compression, unless ANALYZE has
 * counted
 */
#define BYTES_PER_LINE 128
#define BYTES_PER_ROW 16 /* of a Parquet file, as stored */
#define COMPRESSION_RATIO 8

/*
 * The cost of a line, in units of cpu_tuple_cost: for splitting it at its
 * separators, for matching it with a regular expression, and for decompressing
 * it.  A pushed comparison costs half of what the executor's does.
 */
#define SPLIT_COST 0.5
#define MATCH_COST 3
#define INFLATE_COST 2

/* ---------- sizes ---------- */

/* Returns true if an expression contains a parameter or a placeholder. */
static bool
has_parameter(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Param) || IsA(node, PlaceHolderVar))
		return true;
	return expression_tree_walker(node, has_parameter, context);
}

/*
 * Returns what prunes the listing while planning, or NULL. Restrictions are
 * left out that take a value from the run, that may raise an error that
 * PostgreSQL's planner would not raise, or that could leak paths: the user's
 * right to read the table has not been checked yet.  Appends the restrictions
 * on files that are used to *used.
 */
static FlowlogPrune *
prune_for_planning(PlannerInfo *root, RelOptInfo *baserel, FlowlogBackend *backend, List **used)
{
	const FlowlogTable *table = flowlog_plan_table(baserel);
	FlowlogQuals quals = {0};
	ListCell *cell;

	foreach(cell, baserel->baserestrictinfo)
	{
		RestrictInfo *restriction = lfirst_node(RestrictInfo, cell);
		bool file = flowlog_plan_place(root, baserel, restriction) == QUAL_FILE;
		bool time = flowlog_plan_prunes_by_time(root, baserel, table, restriction);
		Expr *clause;

		if (!file && !time)
			continue;
		if (!flowlog_expr_is_foreseen(restriction->clause, baserel->relid))
			continue;

		/* fold stable functions, as the planner does for its estimates */
		clause = (Expr *) estimate_expression_value(root, copyObject((Node *) restriction->clause));
		if (has_parameter((Node *) clause, NULL) || contain_leaked_vars((Node *) clause))
			continue;
		time &= flowlog_qual_is_comparison(root, baserel->relid, table, clause);
		file &= flowlog_prune_is_file_qual(table, baserel->relid, clause);
		if (time)
			quals.time = lappend(quals.time, clause);
		if (!file)
			continue;

		/* contain_leaked_vars has checked that it leaks nothing */
		quals.file = lappend(quals.file, clause);
		quals.file_flags =
			lappend_int(quals.file_flags,
		                FLOWLOG_QUAL_LEAKPROOF |
		                    (flowlog_qual_is_comparison(root, baserel->relid, table, clause)
		                         ? FLOWLOG_QUAL_COMPARISONS
		                         : 0));
		*used = lappend(*used, restriction);
	}
	return flowlog_prune_create(table, backend, false, NULL, &quals);
}

/*
 * Estimates what the location holds: stored bytes, lines of average length,
 * units of work.  Returns false if the listing was cut short, so that there is
 * more.  Appends the restrictions that were taken into account to *used.
 *
 * "looking" is for memory that is not needed afterwards.  What the planner
 * makes of expressions must not be allocated there, as the planner notes in
 * the plan which functions it has inlined.
 */
static bool
estimate_location(PlannerInfo *root, RelOptInfo *baserel, MemoryContext looking, List **used)
{
	FlowlogPlanInfo *info = baserel->fdw_private;
	FlowlogTable *table = info->table;
	FlowlogBackend backend;
	FlowlogPrune *prune;
	Bitmapset *attrs = flowlog_plan_used_attributes(baserel);
	bool whole = flowlog_plan_needs_lines(attrs, table);
	FlowListLimits limits = {PLAN_ENTRIES, PLAN_MICROSECONDS};
	MemoryContext old;
	FlowAccess allowed;
	FlowObjects *objects = NULL;
	FlowError error;
	FlowStatus status;
	double line_cost;
	double cost = 0;
	double share = flowlog_plan_share_of_columns(attrs, table);
	double row_cost = 0; /* of a Parquet file, once there is one */
	double read = 0;
	uint64 unit_size;
	bool complete;

	flowlog_backend_init(&backend, looking);
	line_cost = flow_format_splits(&backend.host, table->options.regex, flowlog_enable_splitter)
	                ? SPLIT_COST
	                : MATCH_COST;
	info->line_cost = line_cost * cpu_tuple_cost;

	if (!flow_location_is_local(table->location))
	{
		/* planning sends no requests over the network */
		info->bytes = STORE_BYTES;
		info->units = STORE_UNITS;
		info->lines = (double) STORE_BYTES * COMPRESSION_RATIO / BYTES_PER_LINE;
		info->line_cost = (line_cost + INFLATE_COST) * cpu_tuple_cost;
		return false;
	}

	/* list the files, as far as the limits allow */
	prune = prune_for_planning(root, baserel, &backend, used);
	old = MemoryContextSwitchTo(looking);
	allowed = flowlog_get_access(NULL);
	status = flow_objects_list_pruned(&backend.host,
	                                  table->location,
	                                  &allowed,
	                                  &limits,
	                                  flowlog_prune_begin(prune),
	                                  &objects,
	                                  &error);
	flowlog_prune_end(prune);
	MemoryContextSwitchTo(old);
	if (status == FLOW_INTERRUPTED)
		flowlog_raise(&backend, &error, table);
	if (status != FLOW_OK)
		return true; /* the scan will report the error */

	/* sum up sizes, costs and units of the files */
	unit_size = flowlog_queue_unit_size(objects->bytes);
	for (size_t i = 0; i < objects->count; i++)
	{
		const FlowObject *object = &objects->items[i];
		bool plain = strcmp(flow_source_compression_by_name(object->path), "none") == 0;
		bool parquet = flow_source_is_parquet_by_name(object->path);
		double lines = (double) object->size * (plain ? 1 : COMPRESSION_RATIO) /
		               (parquet ? BYTES_PER_ROW : BYTES_PER_LINE);

		if (parquet && row_cost == 0)
			row_cost = flowlog_plan_cost_of_row(root, baserel, attrs, table);
		info->lines += lines;
		read += (double) object->size * (parquet ? share : 1);
		cost += lines * (parquet ? row_cost : line_cost + (plain ? 0 : INFLATE_COST));
		info->units += flowlog_queue_units(table, object, unit_size, whole);
	}
	if (info->lines > 0)
		info->line_cost = cost / info->lines * cpu_tuple_cost;
	info->bytes = objects->bytes;
	if (info->bytes > 0)
		info->read_share = read / info->bytes;
	complete = objects->complete;
	flow_objects_free(&backend.host, objects);
	return complete;
}

/*
 * Replaces the estimate of a location that was not listed, or not to its end,
 * by what the table's index has.
 */
static void
take_indexed_size(FlowlogPlanInfo *info)
{
	double files, bytes, lines;

	if (info->index == NULL || !flowlog_index_estimate(info->index, &files, &bytes, &lines) ||
	    (flow_location_is_local(info->table->location) && bytes < info->bytes))
		return;
	info->units = files;
	info->bytes = bytes;
	info->lines = lines;
}

/*
 * Estimates the size of a foreign table, and the rows that pass its
 * restrictions.
 */
void
flowlog_get_rel_size(PlannerInfo *root, RelOptInfo *baserel, Oid relid)
{
	FlowlogPlanInfo *info = palloc0(sizeof(FlowlogPlanInfo));
	MemoryContext looking;
	List *used = NIL;
	bool complete;
	double selectivity;

	/* read the definition, and look at the location */
	info->table = flowlog_table_open(relid);
	info->least_level = PG_UINT32_MAX;
	info->may_not_run = root->hasPseudoConstantQuals;
	info->read_share = 1;
	info->index_share = 1;
	baserel->fdw_private = info;
	if (flowlog_plan_has_index(root, baserel))
		info->index = flowlog_index_size(info->table);
	if (info->index != NULL)
		info->index_share =
			flowlog_index_share(info->index, baserel->relid, baserel->baserestrictinfo);
	flowlog_plan_find_least_level(info, baserel->relid, baserel->baserestrictinfo);
	flowlog_plan_find_least_level(info, baserel->relid, baserel->joininfo);

	/*
	 * memory that only the estimate needs is freed: there may be thousands of
	 * partitions
	 */
	looking = AllocSetContextCreate(CurrentMemoryContext,
	                                "flowlog_fdw planning",
	                                ALLOCSET_START_SMALL_SIZES);
	complete = estimate_location(root, baserel, looking, &used);
	MemoryContextDelete(looking);
	if (!complete)
		take_indexed_size(info);
	flow_location_free(info->table->location);
	info->table->location = NULL;
	if (baserel->pages > 0 && baserel->tuples >= 0)
	{
		/*
		 * ANALYZE has counted lines per page; it saw all files, so its pages
		 * are the minimum if our listing was cut short
		 */
		double pages = Max(ceil(info->bytes / BLCKSZ), 1);

		if (!complete)
		{
			pages = Max(pages, baserel->pages);
			info->bytes = pages * BLCKSZ;
		}
		info->lines = baserel->tuples / baserel->pages * pages;
	}
	info->lines = clamp_row_est(info->lines);

	/*
	 * the sizes of a complete list are those of the files that were not pruned
	 */
	info->pruned_by = complete ? used : NIL;
	selectivity =
		clauselist_selectivity(root,
	                           list_difference_ptr(baserel->baserestrictinfo, info->pruned_by),
	                           0,
	                           JOIN_INNER,
	                           NULL);
	baserel->tuples = info->lines;
	baserel->rows = clamp_row_est(info->lines * selectivity);
}

/* ---------- costs ---------- */

/*
 * Estimates the cost of reading all lines and evaluating the pushed
 * restrictions.
 */
void
flowlog_cost_lines(PlannerInfo *root, RelOptInfo *baserel, List *pushed, double divisor,
                   Cost *startup, Cost *run, double *passed)
{
	FlowlogPlanInfo *info = baserel->fdw_private;
	List *by_line = NIL;
	QualCost cost;
	ListCell *cell;

	/* the cost of those that are evaluated by file is negligible */
	foreach(cell, pushed)
		if (flowlog_plan_place(root, baserel, lfirst_node(RestrictInfo, cell)) != QUAL_FILE)
			by_line = lappend(by_line, lfirst(cell));
	cost_qual_eval(&cost, by_line, root);
	*startup = cost.startup;
	*run = seq_page_cost * ceil(info->bytes * info->read_share / BLCKSZ) +
	       info->lines * (info->line_cost + cost.per_tuple / 2) / divisor;
	*run *= info->index_share;
	*passed = info->lines * clauselist_selectivity(root,
	                                               list_difference_ptr(pushed, info->pruned_by),
	                                               0,
	                                               JOIN_INNER,
	                                               NULL);
}

/*
 * Estimates the cost of a scan that evaluates these restrictions and returns
 * "rows" rows, where "divisor" processes share the work of the processor.
 */
static void
cost_scan(PlannerInfo *root, RelOptInfo *baserel, List *restrictions, double rows, double divisor,
          Cost *startup, Cost *total)
{
	List *pushed = NIL;
	List *local = NIL;
	QualCost local_cost;
	double local_lines;
	Cost run;
	ListCell *cell;

	foreach(cell, restrictions)
	{
		RestrictInfo *restriction = lfirst_node(RestrictInfo, cell);

		if (flowlog_plan_is_pushed(root, baserel, restriction))
			pushed = lappend(pushed, restriction);
		else
			local = lappend(local, restriction);
	}
	flowlog_cost_lines(root, baserel, pushed, divisor, startup, &run, &local_lines);
	cost_qual_eval(&local_cost, local, root);

	*startup += local_cost.startup + baserel->reltarget->cost.startup;
	*total = *startup + run;
	*total += local_lines * (cpu_tuple_cost + local_cost.per_tuple) / divisor;
	*total += rows * baserel->reltarget->cost.per_tuple / divisor;
}

/* ---------- paths ---------- */

/*
 * Creates a path, with the arguments that each release of PostgreSQL takes.
 * Its fdw_private has what it leaves rows out by, its sets, and the keys of its
 * order.
 */
static ForeignPath *
create_scan_path(PlannerInfo *root, RelOptInfo *baserel, double rows, Cost startup, Cost total,
                 Relids required_outer, List *top, FlowlogSetPlan *sets)
{
	return create_foreignscan_path(root,
	                               baserel,
	                               NULL, /* default pathtarget */
	                               rows,
#if PG_VERSION_NUM >= 180000
	                               0, /* no disabled nodes */
#endif
	                               startup,
	                               total,
	                               NIL, /* no order */
	                               required_outer,
	                               NULL, /* no outer path */
#if PG_VERSION_NUM >= 170000
	                               NIL, /* no restrictions of a join */
#endif
	                               list_make3(top, sets, NIL));
}

/* Returns true if PostgreSQL evaluates no restriction row by row. */
static bool
is_all_pushed(PlannerInfo *root, RelOptInfo *baserel)
{
	ListCell *cell;

	foreach(cell, baserel->baserestrictinfo)
		if (!flowlog_plan_is_pushed(root, baserel, lfirst_node(RestrictInfo, cell)))
			return false;
	return true;
}

/* Returns what a scan leaves rows out by, or NIL if it returns all that pass. */
static List *
top_of_rows(PlannerInfo *root, RelOptInfo *baserel)
{
	if (!is_all_pushed(root, baserel))
		return NIL;
	return flowlog_top_of_rows(root, baserel, flowlog_plan_table(baserel));
}

/*
 * Returns a path that is another one, but for the order in which its scan
 * returns the rows, or NULL.  If that one leaves rows out, few remain to be
 * sorted; and a scan that evaluates some restrictions would sort rows that
 * PostgreSQL drops.
 */
static ForeignPath *
create_sorted_path(PlannerInfo *root, RelOptInfo *baserel, const ForeignPath *path)
{
	ForeignPath *sorted;
	FlowlogOrder order;
	Cost cost;

	if (linitial(path->fdw_private) != NIL || PATH_REQ_OUTER(&path->path) != NULL ||
	    !flowlog_sort_find_order(root, baserel, &order) || !is_all_pushed(root, baserel))
		return NULL;
	cost = flowlog_sort_cost(root, baserel, path->path.rows);
	if (cost < 0)
		return NULL;
	sorted = makeNode(ForeignPath);
	*sorted = *path;
	sorted->path.pathkeys = order.pathkeys;
	sorted->path.startup_cost = path->path.total_cost + cost;
	sorted->path.total_cost = sorted->path.startup_cost + path->path.rows * cpu_operator_cost;
	sorted->fdw_private = list_make3(NIL, NULL, order.keys);
	return sorted;
}

/*
 * Lowers the number of rows that a scan returns, and its cost, for one that
 * leaves rows out.  In each process the best rows are others.
 */
static void
leave_out_rows(const RelOptInfo *baserel, const List *top, double *rows, Cost *total)
{
	double kept = flowlog_top_estimate(top, *rows);

	*total -= (*rows - kept) * (cpu_tuple_cost + baserel->reltarget->cost.per_tuple);
	*total += *rows * cpu_operator_cost / 2;
	*rows = kept;
}

/*
 * Adds the path of a scan by one process, with the outer relations' values as
 * parameters if there are any.
 */
static void
add_scan_path(PlannerInfo *root, RelOptInfo *baserel, Relids required_outer)
{
	List *restrictions = baserel->baserestrictinfo;
	double rows = baserel->rows;
	List *top = NIL;
	ForeignPath *path, *sorted;
	Cost startup;
	Cost total;

	if (!bms_is_empty(required_outer))
	{
		ParamPathInfo *param = get_baserel_parampathinfo(root, baserel, required_outer);

		restrictions = list_concat_copy(restrictions, param->ppi_clauses);
		rows = param->ppi_rows;
	}
	else
		top = top_of_rows(root, baserel);
	cost_scan(root, baserel, restrictions, rows, 1, &startup, &total);
	if (top != NIL)
		leave_out_rows(baserel, top, &rows, &total);
	path = create_scan_path(root, baserel, rows, startup, total, required_outer, top, NULL);

	/*
	 * Workers run only the partial path: if each worker scanned on its own,
	 * each would read all logs and warn of their rejects, and EXPLAIN would
	 * show the leader's share only.
	 */
	path->path.parallel_safe = false;
	sorted = create_sorted_path(root, baserel, path);
	add_path(baserel, (Path *) path);
	if (sorted != NULL)
		add_path(baserel, (Path *) sorted);
}

/*
 * Returns how many processes a leader and its workers count for (see
 * costsize.c's get_parallel_divisor).
 */
double
flowlog_parallel_divisor(int workers)
{
	double leader = parallel_leader_participation ? 1.0 - 0.3 * workers : 0;

	return workers + Max(leader, 0);
}

/*
 * Returns the number of workers for a scan: as many as for a heap table that
 * takes as long to read, as starting a worker takes as long, too (10 ms).
 * There are fewer workers than units, as a process without a unit would be
 * idle.  But an inheritance child of one unit may have one worker: its
 * siblings are read at the same time.
 */
static int
count_workers(RelOptInfo *baserel)
{
	const FlowlogPlanInfo *info = baserel->fdw_private;
	double pages =
		info->lines * BYTES_PER_LINE / BLCKSZ * Min(info->line_cost / cpu_tuple_cost, 1) / 2;
	int workers =
		compute_parallel_worker(baserel, ceil(pages), -1, max_parallel_workers_per_gather);
	double most = info->units - 1;

	if (info->units == 1 && baserel->reloptkind == RELOPT_OTHER_MEMBER_REL)
		most = 1;
	return workers < most ? workers : (int) most;
}

/* Adds the path of a scan by several processes. */
static void
add_partial_scan_path(PlannerInfo *root, RelOptInfo *baserel)
{
	ForeignPath *path, *sorted;
	double divisor;
	double rows;
	Cost startup;
	Cost total;
	List *top;
	int workers;

	if (!baserel->consider_parallel || !bms_is_empty(baserel->lateral_relids))
		return;
	workers = count_workers(baserel);
	if (workers <= 0)
		return;

	divisor = flowlog_parallel_divisor(workers);
	rows = clamp_row_est(baserel->rows / divisor);
	cost_scan(root, baserel, baserel->baserestrictinfo, baserel->rows, divisor, &startup, &total);
	top = top_of_rows(root, baserel);
	if (top != NIL && !flowlog_top_is_parallel_safe(root, top))
		top = NIL;
	if (top != NIL)
		leave_out_rows(baserel, top, &rows, &total);
	path = create_scan_path(root, baserel, rows, startup, total, NULL, top, NULL);
	path->path.parallel_aware = true;
	path->path.parallel_workers = workers;
	sorted = create_sorted_path(root, baserel, path);
	add_partial_path(baserel, (Path *) path);
	if (sorted != NULL)
		add_partial_path(baserel, (Path *) sorted);
}

/* Creates the path of a scan with sets, which leave a share of its rows. */
Path *
flowlog_plan_scan_with_sets(PlannerInfo *root, RelOptInfo *baserel, FlowlogSetPlan *sets,
                            double share, Cost before, bool parallel)
{
	FlowlogPlanInfo *info = baserel->fdw_private;
	int workers = parallel ? count_workers(baserel) : 0;
	double divisor = workers > 0 ? flowlog_parallel_divisor(workers) : 1;
	double rows = clamp_row_est(baserel->rows * share / divisor);
	double index_share = info->index_share;
	ForeignPath *path;
	Cost startup;
	Cost total;

	if (parallel && (workers <= 0 || !baserel->consider_parallel))
		return NULL;

	/* the index leaves out files by the sets, too */
	if (info->index != NULL && root->qual_security_level == 0)
		info->index_share = Min(index_share,
		                        flowlog_index_share_of_sets(info->index,
		                                                    baserel->relid,
		                                                    sets->conditions,
		                                                    sets->rows));
	cost_scan(root,
	          baserel,
	          baserel->baserestrictinfo,
	          clamp_row_est(baserel->rows * share),
	          divisor,
	          &startup,
	          &total);
	total += info->lines * info->index_share * list_length(sets->conditions) * cpu_operator_cost /
	         2 / divisor;
	info->index_share = index_share;
	total -= baserel->rows * (1 - share) * cpu_tuple_cost / divisor;
	path = create_scan_path(
		root, baserel, rows, startup + before, Max(total, startup) + before, NULL, NIL, sets);
	path->path.parallel_safe = parallel;
	path->path.parallel_aware = parallel;
	path->path.parallel_workers = workers;
	return &path->path;
}

/* Returns true if an expression of type bigint is the constant 1. */
static bool
is_one(PlannerInfo *root, Node *node)
{
	node = eval_const_expressions(root, node);
	return node != NULL && IsA(node, Const) && !((Const *) node)->constisnull &&
	       DatumGetInt64(((Const *) node)->constvalue) == 1;
}

/* Returns true if the relation certainly has at most one row. */
static bool
has_one_row(PlannerInfo *root, Index relid)
{
	RangeTblEntry *rte = planner_rt_fetch(relid, root);
	RelOptInfo *rel = root->simple_rel_array[relid];

	switch (rte->rtekind)
	{
		case RTE_RESULT:
			return true;
		case RTE_VALUES:
			return list_length(rte->values_lists) == 1;
		case RTE_SUBQUERY:
		{
			Query *query = rte->subquery;

			return is_one(root, query->limitCount) ||
			       (query->hasAggs && query->groupClause == NIL && query->groupingSets == NIL &&
			        !query->hasTargetSRFs);
		}
		case RTE_RELATION:
			return rel != NULL && !rte->inh &&
			       relation_has_unique_index_for(root, rel, NIL, NIL, NIL);
		default:
			return false;
	}
}

/*
 * Returns true if the reader could evaluate a join clause, given the other
 * side's row.
 */
static bool
is_useful_join_clause(PlannerInfo *root, RelOptInfo *baserel, RestrictInfo *clause)
{
	return join_clause_is_movable_to(clause, baserel) &&
	       flowlog_plan_is_pushed(root, baserel, clause);
}

/* Returns true if a member of an equivalence class is of this relation. */
static bool
any_member_matches(PlannerInfo *root, RelOptInfo *rel, EquivalenceClass *ec, EquivalenceMember *em,
                   void *arg)
{
	return bms_is_member(rel->relid, em->em_relids);
}

/*
 * Adds paths with parameters from a nested loop.  Such a scan reads everything
 * again for each outer row, so they are added only where the outer side
 * certainly has one row.
 */
static void
add_parameterized_paths(PlannerInfo *root, RelOptInfo *baserel)
{
	List *clauses = NIL;
	List *seen = NIL;
	ListCell *cell;

	/* find the join clauses that the reader could evaluate */
	foreach(cell, baserel->joininfo)
	{
		RestrictInfo *clause = lfirst_node(RestrictInfo, cell);

		if (is_useful_join_clause(root, baserel, clause))
			clauses = lappend(clauses, clause);
	}
	if (baserel->has_eclass_joins)
	{
		List *implied = generate_implied_equalities_for_column(root,
		                                                       baserel,
		                                                       any_member_matches,
		                                                       NULL,
		                                                       baserel->lateral_referencers);

		foreach(cell, implied)
		{
			RestrictInfo *clause = lfirst_node(RestrictInfo, cell);

			if (is_useful_join_clause(root, baserel, clause))
				clauses = lappend(clauses, clause);
		}
	}

	/* add a path for each relation of one row that they join with */
	foreach(cell, clauses)
	{
		RestrictInfo *clause = lfirst_node(RestrictInfo, cell);
		Relids others = bms_del_member(bms_union(clause->clause_relids, baserel->lateral_relids),
		                               baserel->relid);
		int other;

		if (!bms_get_singleton_member(others, &other) || other >= root->simple_rel_array_size ||
		    root->simple_rel_array[other] == NULL || list_member_int(seen, other) ||
		    !has_one_row(root, other))
			continue;
		seen = lappend_int(seen, other);
		add_scan_path(root, baserel, others);
	}
}

/* Adds all paths of a foreign table. */
void
flowlog_get_paths(PlannerInfo *root, RelOptInfo *baserel, Oid relid)
{
	add_scan_path(root, baserel, baserel->lateral_relids);
	add_parameterized_paths(root, baserel);
	add_partial_scan_path(root, baserel);
}

/* ---------- plans ---------- */

/*
 * Returns the attributes that must be filled: those that the scan returns,
 * those that local clauses use, and the keys of its order.  Attributes that
 * only pushed clauses use are not converted.
 */
static List *
attrs_to_fill(RelOptInfo *baserel, List *local_clauses, const List *keys)
{
	Bitmapset *attrs = NULL;
	List *result = NIL;
	int member = -1;

	pull_varattnos((Node *) baserel->reltarget->exprs, baserel->relid, &attrs);
	pull_varattnos((Node *) local_clauses, baserel->relid, &attrs);
	attrs = flowlog_sort_add_attrs(attrs, keys);
	while ((member = bms_next_member(attrs, member)) >= 0)
		result = lappend_int(result, member);
	return result;
}

/* Returns the fdw_exprs of a plan: its clauses, and what it leaves rows out by. */
static List *
add_top(List *clauses, List *top)
{
	return top != NIL ? lappend(list_copy(clauses), top) : clauses;
}

/* Makes the plan of a scan of rows. */
ForeignScan *
flowlog_get_plan(PlannerInfo *root, RelOptInfo *baserel, Oid relid, ForeignPath *best_path,
                 List *tlist, List *scan_clauses, Plan *outer_plan)
{
	List *local;
	List *counts;
	List *top = linitial(best_path->fdw_private);
	FlowlogSetPlan *sets = lsecond(best_path->fdw_private);
	List *keys = lthird(best_path->fdw_private);
	List *clauses = flowlog_plan_sort_quals(root, baserel, scan_clauses, sets, &local, &counts);

	/*
	 * Clauses go into fdw_exprs, where the planner replaces their parameters
	 * and the executor and EXPLAIN find them, and into fdw_recheck_quals for
	 * EvalPlanQual.  A clause that prunes by time may be local as well, which
	 * does no harm.  A row need not be looked up in a set again, as the join
	 * itself is checked.
	 */
	return make_foreignscan(tlist,
	                        local,
	                        baserel->relid,
	                        add_top(clauses, top),
	                        list_make3(attrs_to_fill(baserel, local, keys), keys, counts),
	                        NIL, /* the scan's rows are the table's */
	                        flowlog_plan_without_sets(clauses, counts),
	                        outer_plan);
}

/*
 * Returns the attributes that the query uses: those that the plan's scan
 * fills, groups or aggregates, and those of pushed conditions.
 */
Bitmapset *
flowlog_plan_attrs_of_query(ForeignScan *plan)
{
	/* the target list of a scan of groups has the conditions' columns, too */
	if (flowlog_plan_aggregates(plan))
		return flowlog_part_attributes(NULL, (Node *) plan->fdw_scan_tlist);
	return flowlog_part_attributes(flowlog_plan_attrs_used(plan),
	                               (Node *) flowlog_plan_quals(plan).pushed);
}

/* Returns the attributes that the plan's scan fills. */
Bitmapset *
flowlog_plan_attrs_used(ForeignScan *plan)
{
	Bitmapset *attrs = NULL;
	ListCell *cell;

	foreach(cell, (List *) linitial(plan->fdw_private))
		attrs = bms_add_member(attrs, lfirst_int(cell));
	return attrs;
}
