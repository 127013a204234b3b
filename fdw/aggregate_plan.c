/*-------------------------------------------------------------------------
 *
 * aggregate_plan.c
 *	  The plans of scans that return groups: what such a plan has, for those
 *	  that execute or explain it.
 *
 * The list of a scan's columns (fdw_scan_tlist) contains the group keys and
 * aggregates of the plan's target, then the columns that only pushed clauses
 * use.  The latter are returned as NULLs: they are in the list so that
 * PostgreSQL can process the clauses as all expressions of a plan.  A key of
 * partial groups may be any expression of columns: the reader groups by these
 * columns, and the scan's target list computes the key once for each partial
 * group.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"
#include "plan_info.h"

#include "optimizer/optimizer.h"
#include "optimizer/planmain.h"
#include "optimizer/tlist.h"
#include "parser/parsetree.h"

/*
 * Returns what a scan returns for an output: itself, or the columns of which its
 * target list computes it.
 */
static List *
columns_of_output(PlannerInfo *root, const FlowlogTable *table, Expr *expr)
{
	FlowlogOutput output;

	if (flowlog_output_is_constant(expr))
		return NIL;
	if (flowlog_recognise_output(root, table, expr, &output))
		return list_make1(expr);
	return pull_var_clause((Node *) expr, PVC_RECURSE_PLACEHOLDERS);
}

/*
 * Returns true if the table's index may have all that is wanted of some files.
 * Their number must tell nothing of rows that a policy or a view hides.
 */
bool
flowlog_aggregate_may_answer(PlannerInfo *root, RelOptInfo *input, List *outputs)
{
	const FlowlogTable *table = flowlog_plan_table(input);
	List *wanted = NIL;
	List *conditions = NIL;
	ListCell *cell;

	if (root->qual_security_level > 0 || !flowlog_plan_has_index(root, input))
		return false;
	foreach(cell, outputs)
		wanted = list_concat(wanted, columns_of_output(root, table, lfirst(cell)));
	foreach(cell, input->baserestrictinfo)
	{
		RestrictInfo *restriction = lfirst_node(RestrictInfo, cell);
		QualPlace place;

		if (restriction->pseudoconstant)
			continue;
		place = flowlog_plan_place(root, input, restriction);
		if (place == QUAL_LOCAL)
			return false;
		if (place == QUAL_PUSHED)
			conditions = lappend(conditions, restriction->clause);
	}
	return flowlog_index_may_answer(root, table, input->relid, wanted, conditions);
}

/*
 * Makes the plan of a scan of groups.  Its fdw_private has the table's OID; the
 * number of columns it returns, whether their groups are whole, and whether the
 * index may have what is wanted of files; the sets of keys, if there are
 * several; and the counts of clauses.
 */
ForeignScan *
flowlog_get_aggregate_plan(PlannerInfo *root, ForeignPath *path, List *tlist, Plan *outer_plan)
{
	List *relation = linitial(path->fdw_private);
	Index relid = linitial_int(relation);
	bool whole = lsecond_int(relation);
	List *outputs = lsecond(path->fdw_private);
	List *having = lthird(path->fdw_private);
	List *top = lfourth(path->fdw_private);
	List *sets = list_nth(path->fdw_private, 4);
	FlowlogSetPlan *join = list_nth(path->fdw_private, 5);
	RelOptInfo *input = root->simple_rel_array[relid];
	List *local = NIL;
	List *counts;
	List *clauses = flowlog_plan_sort_quals(root,
	                                        input,
	                                        flowlog_plan_order_quals(root, input->baserestrictinfo),
	                                        join,
	                                        &local,
	                                        &counts);
	List *scan_tlist = NIL;
	int noutputs;
	bool answered =
		join == NULL && local == NIL && flowlog_aggregate_may_answer(root, input, outputs);
	ListCell *cell;

	/*
	 * the columns it returns, or of which its target list computes keys,
	 * followed by those that only clauses use
	 */
	foreach(cell, outputs)
		scan_tlist =
			add_to_flat_tlist(scan_tlist,
		                      columns_of_output(root, flowlog_plan_table(input), lfirst(cell)));
	noutputs = list_length(scan_tlist);
	if (sets != NIL)
		clauses = flowlog_grouping_clauses(clauses, outputs);
	scan_tlist =
		add_to_flat_tlist(scan_tlist, pull_var_clause((Node *) clauses, PVC_RECURSE_PLACEHOLDERS));
	return make_foreignscan(tlist,
	                        having,
	                        0, /* the scan's rows are not the table's */
	                        top != NIL ? lappend(list_copy(clauses), top) : clauses,
	                        list_make4(list_make1_oid(planner_rt_fetch(relid, root)->relid),
	                                   list_make3_int(noutputs, whole, answered),
	                                   sets,
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

bool
flowlog_aggregate_is_answered(const ForeignScan *plan)
{
	return lthird_int((List *) lsecond(plan->fdw_private)) != 0;
}

bool
flowlog_output_is_key(const TargetEntry *output)
{
	return !IsA(output->expr, Aggref) && !IsA(output->expr, GroupingFunc);
}
