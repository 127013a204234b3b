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

#include "optimizer/optimizer.h"
#include "optimizer/planmain.h"
#include "optimizer/tlist.h"
#include "parser/parsetree.h"

/*
 * Makes the plan of a scan of groups.  Its fdw_private has the table's OID;
 * the number of columns it returns, and whether their groups are whole; the
 * sets of keys, if there are several; and the counts of clauses.
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
	ListCell *cell;

	/*
	 * the columns it returns, or of which its target list computes keys,
	 * followed by those that only clauses use
	 */
	foreach(cell, outputs)
	{
		FlowlogOutput output;
		List *exprs = list_make1(lfirst(cell));

		if (flowlog_output_is_constant(lfirst(cell)))
			continue;
		if (!flowlog_recognise_output(root, flowlog_plan_table(input), lfirst(cell), &output))
			exprs = pull_var_clause(lfirst(cell), PVC_RECURSE_PLACEHOLDERS);
		scan_tlist = add_to_flat_tlist(scan_tlist, exprs);
	}
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
	                                   list_make2_int(noutputs, whole),
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
flowlog_output_is_key(const TargetEntry *output)
{
	return !IsA(output->expr, Aggref) && !IsA(output->expr, GroupingFunc);
}
