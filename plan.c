/*-------------------------------------------------------------------------
 *
 * plan.c
 *	  Sizes, paths, costs and plans of foreign scans.
 *
 * Planning opens no data file.  What a location holds is taken from a short look at its
 * directories; how many lines that is, from ANALYZE or else from a usual line's length.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include <math.h>

#include "access/sysattr.h"
#include "access/table.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/planmain.h"
#include "optimizer/restrictinfo.h"
#include "parser/parsetree.h"

/* what a look at the directories may cost */
#define PLAN_ENTRIES 1000
#define PLAN_MICROSECONDS 20000

/* what a line takes, and what compression makes of it, where ANALYZE has not told */
#define BYTES_PER_LINE 128
#define COMPRESSION_RATIO 8

/*
 * What a line costs, in tuples of a heap table: split at its separators, matched by a regular
 * expression, and inflated.  A pushed comparison is cheaper than the executor's.
 */
#define SPLIT_COST 0.5
#define MATCH_COST 3
#define INFLATE_COST 2

/* What planning keeps of a foreign table. */
typedef struct FlowlogPlanInfo
{
	FlowlogTable *table;
	double bytes; /* as stored */
	double lines;
	double units;     /* that processes can share, those that were seen */
	double line_cost; /* what a line costs, all but reading its bytes */
} FlowlogPlanInfo;

/* ---------- sizes ---------- */

/*
 * Looks at what the location holds: stored bytes, lines by a usual line's
 * length, units of work.  False if the look was cut short, so that there is more than that.
 */
static bool
look_at_location(FlowlogPlanInfo *info)
{
	const FlowlogTable *table = info->table;
	FlowListLimits limits = {PLAN_ENTRIES, PLAN_MICROSECONDS};
	FlowAllowedPaths allowed = flowlog_get_allowed_paths();
	FlowObjects *objects = NULL;
	FlowlogBackend backend;
	FlowError error;
	FlowStatus status;
	double line_cost;
	double cost = 0;
	uint64 unit_size;
	bool complete;

	flowlog_backend_init(&backend, CurrentMemoryContext);
	line_cost = flow_format_splits(&backend.host, table->options.regex, flowlog_enable_splitter) ? SPLIT_COST : MATCH_COST;
	info->line_cost = line_cost * cpu_tuple_cost;

	status = flow_objects_list(&backend.host, table->options.location, &allowed, &limits, &objects, &error);
	if (status == FLOW_INTERRUPTED)
		flowlog_raise(&backend, &error, table);
	if (status != FLOW_OK)
		return true; /* the scan will say what is wrong */

	unit_size = flowlog_parallel_unit_size(objects->bytes);
	for (size_t i = 0; i < objects->count; i++)
	{
		const FlowObject *object = &objects->items[i];
		bool plain = strcmp(flow_source_compression_by_name(object->path), "none") == 0;
		double lines = (double) object->size * (plain ? 1 : COMPRESSION_RATIO) / BYTES_PER_LINE;

		info->lines += lines;
		cost += lines * (line_cost + (plain ? 0 : INFLATE_COST));
		info->units += flowlog_parallel_units(table, object, unit_size);
	}
	if (info->lines > 0)
		info->line_cost = cost / info->lines * cpu_tuple_cost;
	info->bytes = objects->bytes;
	complete = objects->complete;
	flow_objects_free(&backend.host, objects);
	return complete;
}

void
flowlog_get_rel_size(PlannerInfo *root, RelOptInfo *baserel, Oid relid)
{
	FlowlogPlanInfo *info = palloc0(sizeof(FlowlogPlanInfo));
	bool complete;
	double selectivity;

	info->table = flowlog_table_open(relid);
	baserel->fdw_private = info;

	complete = look_at_location(info);
	if (baserel->pages > 0 && baserel->tuples >= 0)
	{
		/* ANALYZE has counted: so many lines a page.  Of a long list it has seen more than we have. */
		double pages = Max(ceil(info->bytes / BLCKSZ), 1);

		if (!complete)
		{
			pages = Max(pages, baserel->pages);
			info->bytes = pages * BLCKSZ;
		}
		info->lines = baserel->tuples / baserel->pages * pages;
	}
	info->lines = clamp_row_est(info->lines);

	selectivity = clauselist_selectivity(root, baserel->baserestrictinfo, 0, JOIN_INNER, NULL);
	baserel->tuples = info->lines;
	baserel->rows = clamp_row_est(info->lines * selectivity);
}

/* ---------- costs ---------- */

const FlowlogTable *
flowlog_plan_table(const RelOptInfo *baserel)
{
	return ((const FlowlogPlanInfo *) baserel->fdw_private)->table;
}

/* Is it judged by the reader?  Pseudoconstant clauses become a Result node's. */
bool
flowlog_plan_is_pushed(PlannerInfo *root, RelOptInfo *baserel, RestrictInfo *restriction)
{
	FlowlogPlanInfo *info = baserel->fdw_private;

	return !restriction->pseudoconstant && flowlog_qual_is_pushable(root, baserel, info->table, restriction->clause);
}

void
flowlog_cost_lines(PlannerInfo *root, RelOptInfo *baserel, List *pushed, double divisor, Cost *startup, Cost *run, double *passed)
{
	FlowlogPlanInfo *info = baserel->fdw_private;
	QualCost cost;

	cost_qual_eval(&cost, pushed, root);
	*startup = cost.startup;
	*run = seq_page_cost * ceil(info->bytes / BLCKSZ) + info->lines * (info->line_cost + cost.per_tuple / 2) / divisor;
	*passed = info->lines * clauselist_selectivity(root, pushed, 0, JOIN_INNER, NULL);
}

/*
 * The cost of a scan that judges these restrictions and emits so many rows, where "divisor"
 * processes share the work of the processor.
 */
static void
cost_scan(PlannerInfo *root, RelOptInfo *baserel, List *restrictions, double rows, double divisor, Cost *startup, Cost *total)
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

static ForeignPath *
create_scan_path(PlannerInfo *root, RelOptInfo *baserel, double rows, Cost startup, Cost total, Relids required_outer)
{
	return create_foreignscan_path(root, baserel,
	                               NULL, /* default pathtarget */
	                               rows,
#if PG_VERSION_NUM >= 180000
	                               0, /* no disabled nodes */
#endif
	                               startup, total,
	                               NIL, /* no order */
	                               required_outer,
	                               NULL, /* no outer path */
#if PG_VERSION_NUM >= 170000
	                               NIL, /* no restrictions of a join */
#endif
	                               NIL);
}

static void
add_scan_path(PlannerInfo *root, RelOptInfo *baserel, Relids required_outer)
{
	List *restrictions = baserel->baserestrictinfo;
	double rows = baserel->rows;
	ForeignPath *path;
	Cost startup;
	Cost total;

	if (!bms_is_empty(required_outer))
	{
		ParamPathInfo *param = get_baserel_parampathinfo(root, baserel, required_outer);

		restrictions = list_concat_copy(restrictions, param->ppi_clauses);
		rows = param->ppi_rows;
	}
	cost_scan(root, baserel, restrictions, rows, 1, &startup, &total);
	path = create_scan_path(root, baserel, rows, startup, total, required_outer);

	/*
	 * In workers only the partial path runs: where each worker scans for itself, the
	 * logs are read, and their rejects warned of, as often, and EXPLAIN knows only the leader's share.
	 */
	path->path.parallel_safe = false;
	add_path(baserel, (Path *) path);
}

/* As costsize.c's get_parallel_divisor. */
double
flowlog_parallel_divisor(int workers)
{
	double leader = parallel_leader_participation ? 1.0 - 0.3 * workers : 0;

	return workers + Max(leader, 0);
}

/*
 * So many workers as for a heap table that takes as long to read: starting them takes as long too (10 ms).
 * A process without a unit of its own would be idle, so there are fewer workers than units.  But
 * an inheritance child is read together with others: one worker may take it.
 */
static int
count_workers(RelOptInfo *baserel)
{
	const FlowlogPlanInfo *info = baserel->fdw_private;
	double pages = info->lines * BYTES_PER_LINE / BLCKSZ * Min(info->line_cost / cpu_tuple_cost, 1) / 2;
	int workers = compute_parallel_worker(baserel, ceil(pages), -1, max_parallel_workers_per_gather);
	double most = info->units - 1;

	if (info->units == 1 && baserel->reloptkind == RELOPT_OTHER_MEMBER_REL)
		most = 1;
	return workers < most ? workers : (int) most;
}

static void
add_partial_scan_path(PlannerInfo *root, RelOptInfo *baserel)
{
	ForeignPath *path;
	double divisor;
	double rows;
	Cost startup;
	Cost total;
	int workers;

	if (!baserel->consider_parallel || !bms_is_empty(baserel->lateral_relids))
		return;
	workers = count_workers(baserel);
	if (workers <= 0)
		return;

	divisor = flowlog_parallel_divisor(workers);
	rows = clamp_row_est(baserel->rows / divisor);
	cost_scan(root, baserel, baserel->baserestrictinfo, baserel->rows, divisor, &startup, &total);
	path = create_scan_path(root, baserel, rows, startup, total, NULL);
	path->path.parallel_aware = true;
	path->path.parallel_workers = workers;
	add_partial_path(baserel, (Path *) path);
}

static bool
is_one(PlannerInfo *root, Node *node)
{
	node = eval_const_expressions(root, node);
	return node != NULL && IsA(node, Const) && !((Const *) node)->constisnull &&
	       DatumGetInt64(((Const *) node)->constvalue) == 1;
}

/* Does the relation have one row at most, certainly? */
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
			       (query->hasAggs && query->groupClause == NIL && query->groupingSets == NIL && !query->hasTargetSRFs);
		}
		case RTE_RELATION:
			return rel != NULL && !rte->inh && relation_has_unique_index_for(root, rel, NIL, NIL, NIL);
		default:
			return false;
	}
}

/* Could the reader judge a join clause, given the other side's row? */
static bool
is_useful_join_clause(PlannerInfo *root, RelOptInfo *baserel, RestrictInfo *clause)
{
	return join_clause_is_movable_to(clause, baserel) && flowlog_plan_is_pushed(root, baserel, clause);
}

static bool
any_member_matches(PlannerInfo *root, RelOptInfo *rel, EquivalenceClass *ec, EquivalenceMember *em, void *arg)
{
	return bms_is_member(rel->relid, em->em_relids);
}

/*
 * A scan with a nested loop's parameter reads everything again for each outer row, so
 * it is offered only where the outer side is one row for certain.
 */
static void
add_parameterized_paths(PlannerInfo *root, RelOptInfo *baserel)
{
	List *clauses = NIL;
	List *seen = NIL;
	ListCell *cell;

	foreach(cell, baserel->joininfo)
	{
		RestrictInfo *clause = lfirst_node(RestrictInfo, cell);

		if (is_useful_join_clause(root, baserel, clause))
			clauses = lappend(clauses, clause);
	}
	if (baserel->has_eclass_joins)
	{
		List *implied = generate_implied_equalities_for_column(root, baserel, any_member_matches, NULL,
		                                                       baserel->lateral_referencers);

		foreach(cell, implied)
		{
			RestrictInfo *clause = lfirst_node(RestrictInfo, cell);

			if (is_useful_join_clause(root, baserel, clause))
				clauses = lappend(clauses, clause);
		}
	}

	foreach(cell, clauses)
	{
		RestrictInfo *clause = lfirst_node(RestrictInfo, cell);
		Relids others = bms_del_member(bms_union(clause->clause_relids, baserel->lateral_relids), baserel->relid);
		int other;

		if (!bms_get_singleton_member(others, &other) || other >= root->simple_rel_array_size ||
		    root->simple_rel_array[other] == NULL || list_member_int(seen, other) || !has_one_row(root, other))
			continue;
		seen = lappend_int(seen, other);
		add_scan_path(root, baserel, others);
	}
}

void
flowlog_get_paths(PlannerInfo *root, RelOptInfo *baserel, Oid relid)
{
	add_scan_path(root, baserel, baserel->lateral_relids);
	add_parameterized_paths(root, baserel);
	add_partial_scan_path(root, baserel);
}

/* ---------- plans ---------- */

/*
 * The attributes that must be filled: those that come out of the scan, and those that
 * PostgreSQL's own filter looks at.  What only pushed clauses look at need not be converted.
 */
static List *
attrs_to_fill(RelOptInfo *baserel, List *local_clauses)
{
	Bitmapset *attrs = NULL;
	List *result = NIL;
	int member = -1;

	pull_varattnos((Node *) baserel->reltarget->exprs, baserel->relid, &attrs);
	pull_varattnos((Node *) local_clauses, baserel->relid, &attrs);
	while ((member = bms_next_member(attrs, member)) >= 0)
		result = lappend_int(result, member);
	return result;
}

ForeignScan *
flowlog_get_plan(PlannerInfo *root, RelOptInfo *baserel, Oid relid, ForeignPath *best_path,
                 List *tlist, List *scan_clauses, Plan *outer_plan)
{
	List *pushed = NIL;
	List *local = NIL;
	ListCell *cell;

	foreach(cell, scan_clauses)
	{
		RestrictInfo *restriction = lfirst_node(RestrictInfo, cell);

		if (restriction->pseudoconstant)
			continue;
		if (flowlog_plan_is_pushed(root, baserel, restriction))
			pushed = lappend(pushed, restriction->clause);
		else
			local = lappend(local, restriction->clause);
	}

	/*
	 * Pushed clauses go into fdw_exprs, where parameters are replaced and the
	 * executor and EXPLAIN find them, and into fdw_recheck_quals for EvalPlanQual.
	 */
	return make_foreignscan(tlist, local, baserel->relid,
	                        pushed,
	                        list_make1(attrs_to_fill(baserel, local)),
	                        NIL, /* the scan's rows are the table's */
	                        pushed, outer_plan);
}

Bitmapset *
flowlog_plan_attrs_used(ForeignScan *plan)
{
	Bitmapset *attrs = NULL;
	ListCell *cell;

	foreach(cell, (List *) linitial(plan->fdw_private))
		attrs = bms_add_member(attrs, lfirst_int(cell));
	return attrs;
}
