/*-------------------------------------------------------------------------
 *
 * plan_qual.c
 *	  Where the restrictions of a scan are evaluated, and in which order.
 *
 *-------------------------------------------------------------------------
 */
#include "plan_info.h"

#include "nodes/nodeFuncs.h"
#include "optimizer/appendinfo.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/restrictinfo.h"
#include "utils/snapmgr.h"

/* Returns the foreign table of a base relation. */
const FlowlogTable *
flowlog_plan_table(const RelOptInfo *baserel)
{
	return ((const FlowlogPlanInfo *) baserel->fdw_private)->table;
}

/* Returns true if PostgreSQL does not evaluate the restriction row by row. */
bool
flowlog_plan_is_pushed(PlannerInfo *root, RelOptInfo *baserel, RestrictInfo *restriction)
{
	return flowlog_plan_place(root, baserel, restriction) != QUAL_LOCAL;
}

/* ---------- where a restriction is evaluated ---------- */

/*
 * Returns true if a restriction on columns of the path may be evaluated when
 * files are listed, before all else.
 *
 * One that may leak what it is given may be only if all restrictions of a
 * lower security level are evaluated so, too.  Pseudoconstant restrictions
 * become a one-time filter, which is checked when the scan is executed, but
 * files may be listed before.  What a policy's one-time filter hides must not
 * leak then, and nothing may raise an error that would not be reached.
 */
static bool
may_be_evaluated_by_file(const FlowlogPlanInfo *info, const RestrictInfo *restriction)
{
	if (info->may_not_run)
		return restriction->leakproof && restriction->security_level == 0;
	return restriction->leakproof || restriction->security_level <= info->least_level;
}

/*
 * Returns where a restriction is evaluated.  Those evaluated by file come
 * before all others.
 */
QualPlace
flowlog_plan_place(PlannerInfo *root, RelOptInfo *baserel, RestrictInfo *restriction)
{
	const FlowlogPlanInfo *info = baserel->fdw_private;

	if (restriction->pseudoconstant || !flowlog_enable_pushdown)
		return QUAL_LOCAL;
	if (flowlog_prune_is_file_qual(info->table, baserel->relid, restriction->clause) &&
	    may_be_evaluated_by_file(info, restriction))
		return QUAL_FILE;
	return flowlog_qual_is_pushable(root, baserel, info->table, restriction->clause) ? QUAL_PUSHED
	                                                                                 : QUAL_LOCAL;
}

/*
 * Finds the lowest security level of the restrictions that are not evaluated
 * by file.
 */
void
flowlog_plan_find_least_level(FlowlogPlanInfo *info, Index relid, List *restrictions)
{
	ListCell *cell;

	foreach(cell, restrictions)
	{
		RestrictInfo *restriction = lfirst_node(RestrictInfo, cell);

		if (!restriction->pseudoconstant &&
		    !flowlog_prune_is_file_qual(info->table, relid, restriction->clause))
			info->least_level = Min(info->least_level, restriction->security_level);
	}
}

/* Returns an entry of FlowlogQuals.file_flags. */
static int
file_flags(PlannerInfo *root, RelOptInfo *baserel, const FlowlogTable *table,
           RestrictInfo *restriction)
{
	return (int) (restriction->security_level << FLOWLOG_QUAL_LEVEL_SHIFT) |
	       (restriction->leakproof ? FLOWLOG_QUAL_LEAKPROOF : 0) |
	       (flowlog_qual_is_comparison(root, baserel->relid, table, restriction->clause)
	            ? FLOWLOG_QUAL_COMPARISONS
	            : 0);
}

/* ---------- the order of restrictions ---------- */

/*
 * Returns true if a restriction that stands after another one is to be
 * evaluated before it.
 */
typedef bool (*ComesBefore)(const RestrictInfo *restriction, const RestrictInfo *other);

/*
 * Sorts restrictions; those that comes_before does not order keep their order.
 */
static List *
sort_restrictions(List *restrictions, ComesBefore comes_before)
{
	List *sorted = NIL;
	ListCell *cell;

	foreach(cell, restrictions)
	{
		int place = list_length(sorted);

		while (place > 0 && comes_before(lfirst_node(RestrictInfo, cell),
		                                 list_nth_node(RestrictInfo, sorted, place - 1)))
			place--;
		sorted = list_insert_nth(sorted, place, lfirst(cell));
	}
	return sorted;
}

static bool
is_of_lower_level(const RestrictInfo *restriction, const RestrictInfo *other)
{
	return restriction->security_level < other->security_level;
}

/*
 * Returns the security level by which a restriction is ordered: 0 for one that
 * is leakproof and cheap.
 */
static Index
level_of(const RestrictInfo *restriction)
{
	return restriction->leakproof && restriction->eval_cost.per_tuple < 10 * cpu_operator_cost
	           ? 0
	           : restriction->security_level;
}

/* Orders as createplan.c's order_qual_clauses does. */
static bool
is_of_lower_level_or_cost(const RestrictInfo *restriction, const RestrictInfo *other)
{
	Index level = level_of(restriction);
	Index other_level = level_of(other);

	return level < other_level ||
	       (level == other_level && restriction->eval_cost.per_tuple < other->eval_cost.per_tuple);
}

/* Returns the restrictions in the order in which PostgreSQL evaluates them. */
List *
flowlog_plan_order_quals(PlannerInfo *root, List *restrictions)
{
	QualCost cost;

	/* this sets eval_cost in each of them */
	cost_qual_eval(&cost, restrictions, root);
	return sort_restrictions(restrictions, is_of_lower_level_or_cost);
}

/* ---------- times in names of files ---------- */

/* Returns true if the restriction can prune by the time in a file's name. */
bool
flowlog_plan_prunes_by_time(PlannerInfo *root, RelOptInfo *baserel, const FlowlogTable *table,
                            RestrictInfo *restriction)
{
	const FlowlogPlanInfo *info = baserel->fdw_private;

	return table->options.name_time_slack >= 0 && !restriction->pseudoconstant &&
	       !(info->may_not_run && restriction->security_level > 0) &&
	       flowlog_prune_has_time(table, baserel->relid, restriction->clause) &&
	       flowlog_qual_is_comparison(root, baserel->relid, table, restriction->clause);
}

/* ---------- views that hide rows ---------- */

/* Returns true if a query reads one of some tables. */
static bool
reads_table(Node *node, void *relids)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
		return ((RangeTblEntry *) node)->rtekind == RTE_RELATION &&
		       list_member_oid(relids, ((RangeTblEntry *) node)->relid);
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, reads_table, relids, QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, reads_table, relids);
}

/* Returns true if a query does more than to choose columns of one table or view. */
static bool
may_hide_rows(const Query *query)
{
	const FromExpr *from = query->jointree;

	return from->quals != NULL || list_length(from->fromlist) != 1 ||
	       !IsA(linitial(from->fromlist), RangeTblRef) || query->setOperations != NULL ||
	       query->hasAggs || query->hasSubLinks || query->hasTargetSRFs || query->hasWindowFuncs ||
	       query->groupClause != NIL || query->groupingSets != NIL ||
	       query->distinctClause != NIL || query->havingQual != NULL || query->limitCount != NULL ||
	       query->limitOffset != NULL;
}

/*
 * Returns true if the table is read through a view with security_barrier that
 * may hide rows of it.  PostgreSQL moves leakproof conditions on such a view
 * into its query, where they cannot be told from the view's own.
 */
static bool
is_behind_barrier(const PlannerInfo *root, const RelOptInfo *baserel)
{
	List *relids = list_make1_oid(flowlog_plan_table(baserel)->relid);
	Index relid = baserel->relid;

	/* the query names what the table is a partition of */
	while (root->append_rel_array != NULL && root->append_rel_array[relid] != NULL)
	{
		relid = root->append_rel_array[relid]->parent_relid;
		relids = lappend_oid(relids, root->simple_rte_array[relid]->relid);
	}
	for (root = root->parent_root; root != NULL; root = root->parent_root)
	{
		ListCell *cell;

		foreach(cell, root->parse->rtable)
		{
			const RangeTblEntry *rte = lfirst_node(RangeTblEntry, cell);

			if (rte->rtekind == RTE_SUBQUERY && rte->security_barrier &&
			    may_hide_rows(rte->subquery) && reads_table((Node *) rte->subquery, relids))
				return true;
		}
	}
	return false;
}

/* ---------- the index ---------- */

/*
 * Returns true if a restriction may be looked up in the table's index, which
 * has the values of "indexed".  What the index says of files, as EXPLAIN shows
 * it, is of records that restrictions of a lower security level may hide.
 */
static bool
may_use_index(PlannerInfo *root, RelOptInfo *baserel, const FlowlogTable *table,
              const Bitmapset *indexed, const RestrictInfo *restriction)
{
	const FlowlogPlanInfo *info = baserel->fdw_private;
	Bitmapset *attrs = NULL;

	pull_varattnos((Node *) restriction->clause, baserel->relid, &attrs);
	return bms_overlap(attrs, indexed) &&
	       restriction->security_level <= baserel->baserestrict_min_security &&
	       !(info->may_not_run && root->qual_security_level > 0) &&
	       flowlog_qual_is_for_index(root, baserel->relid, table, restriction->clause);
}

/*
 * Returns true if the index knows a condition that the reader does not evaluate,
 * as it is on a domain's column.  It is evaluated for files, even if PostgreSQL
 * would not evaluate it for any row.
 */
static bool
is_for_index_alone(PlannerInfo *root, RelOptInfo *baserel, const FlowlogTable *table, Expr *clause)
{
	return flowlog_enable_pushdown &&
	       !flowlog_qual_is_for_index(root, baserel->relid, flowlog_plan_table(baserel), clause) &&
	       flowlog_qual_is_for_index(root, baserel->relid, table, clause) &&
	       !flowlog_expr_constants_may_fail(clause, baserel->relid);
}

/*
 * Returns true if scans of the table may look up files in its index.  Which
 * files it leaves out, as EXPLAIN shows it, says something of all records, also
 * of those that a view hides.
 */
bool
flowlog_plan_has_index(const PlannerInfo *root, const RelOptInfo *baserel)
{
	return flowlog_enable_index && flowlog_index_is_defined(flowlog_plan_table(baserel)->relid) &&
	       !is_behind_barrier(root, baserel);
}

/* Returns by what a plan's scan may look up files in the table's index. */
static FlowlogIndexUse
index_use(PlannerInfo *root, RelOptInfo *baserel, const List *restrictions,
          const FlowlogSetPlan *sets)
{
	if ((restrictions == NIL && sets == NULL) || !flowlog_plan_has_index(root, baserel))
		return FLOWLOG_INDEX_UNUSED;
	return root->qual_security_level == 0 ? FLOWLOG_INDEX_BY_FILTER : FLOWLOG_INDEX_BY_CLAUSES;
}

/* ---------- a plan's list of clauses ---------- */

/*
 * Returns true if the reader computes something for a condition that may fail.
 * A mere comparison of a time made of seconds does so only for years that no
 * flow log has, and is worth more if it is always pushed.
 */
static bool
computes_what_may_fail(PlannerInfo *root, RelOptInfo *baserel, Expr *clause)
{
	return flowlog_expression_can_fail(clause) ||
	       flowlog_qual_remembers(root, baserel, flowlog_plan_table(baserel), clause) ||
	       (flowlog_expr_makes_time(clause) &&
	        !flowlog_qual_is_comparison(root, baserel->relid, flowlog_plan_table(baserel), clause));
}

/*
 * Makes the list of a plan's clauses: those that are pushed, those with sets,
 * those that are evaluated by file, and those that prune by time.
 */
List *
flowlog_plan_sort_quals(PlannerInfo *root, RelOptInfo *baserel, List *restrictions,
                        FlowlogSetPlan *sets, List **local, List **counts)
{
	const FlowlogTable *table = flowlog_plan_table(baserel);
	List *pushed = NIL;
	List *file = NIL;
	List *index = NIL;
	List *time = NIL;
	List *clauses = NIL;
	FlowlogIndexUse use = index_use(root, baserel, restrictions, sets);
	const FlowlogTable *bases = table;
	Bitmapset *indexed = NULL;
	Index least_local = PG_UINT32_MAX; /* lowest security level of *local */
	ListCell *cell;

	*local = NIL;
	if (use != FLOWLOG_INDEX_UNUSED)
	{
		bases = flowlog_table_with_bases(table);
		indexed = flowlog_index_attrs(table, GetActiveSnapshot());
	}
	foreach(cell, restrictions)
	{
		RestrictInfo *restriction = lfirst_node(RestrictInfo, cell);
		QualPlace place;

		if (restriction->pseudoconstant)
			continue;
		if (flowlog_plan_prunes_by_time(root, baserel, table, restriction))
			time = lappend(time, restriction->clause);

		/*
		 * an error in a branch or a computation must not be raised for a row
		 * that an earlier condition drops
		 */
		place = flowlog_plan_place(root, baserel, restriction);
		if (place == QUAL_PUSHED && *local != NIL &&
		    (flowlog_expr_branch_may_fail(restriction->clause, baserel->relid) ||
		     computes_what_may_fail(root, baserel, restriction->clause)))
			place = QUAL_LOCAL;

		/* nor for a row that a policy or a view hides */
		if (place == QUAL_PUSHED && least_local < restriction->security_level &&
		    flowlog_expr_makes_time(restriction->clause))
			place = QUAL_LOCAL;
		switch (place)
		{
			case QUAL_LOCAL:
				*local = lappend(*local, restriction->clause);
				least_local = Min(least_local, restriction->security_level);
				if (bases != table &&
				    is_for_index_alone(root, baserel, bases, restriction->clause) &&
				    may_use_index(root, baserel, bases, indexed, restriction))
				{
					/* the reader's filter does not have it */
					index = lappend(index, restriction->clause);
					use = FLOWLOG_INDEX_BY_CLAUSES;
				}
				break;
			case QUAL_FILE:
				file = lappend(file, restriction);
				break;
			case QUAL_PUSHED:
				pushed = lappend(pushed, restriction->clause);
				if (indexed != NULL && may_use_index(root, baserel, bases, indexed, restriction))
					index = lappend(index, restriction->clause);
				break;
		}
	}

	file = sort_restrictions(file, is_of_lower_level);
	if (index == NIL && (sets == NULL || use == FLOWLOG_INDEX_BY_CLAUSES))
		use = FLOWLOG_INDEX_UNUSED;
	*counts = list_make4_int(list_length(pushed),
	                         list_length(file),
	                         sets != NULL ? list_length(sets->conditions) : 0,
	                         sets != NULL ? flowlog_plan_set_param(root, sets) : -1);
	*counts = lappend_int(lappend_int(*counts, list_length(index)), (int) use);
	foreach(cell, file)
	{
		*counts =
			lappend_int(*counts, file_flags(root, baserel, table, lfirst_node(RestrictInfo, cell)));
		clauses = lappend(clauses, lfirst_node(RestrictInfo, cell)->clause);
	}
	clauses = list_concat(list_concat(clauses, index), time);
	if (sets != NULL)
		clauses = list_concat(copyObject(sets->conditions), clauses);
	return list_concat(pushed, clauses);
}

/* Returns such a list without the conditions with sets. */
List *
flowlog_plan_without_sets(List *clauses, const List *counts)
{
	int npushed = linitial_int(counts);

	return list_concat(list_truncate(list_copy(clauses), npushed),
	                   list_copy_tail(clauses, npushed + lthird_int(counts)));
}

/*
 * Replaces what a scan of groups returns by what it stands for: PostgreSQL has
 * replaced columns, and expressions of keys, in the plan's clauses, but these
 * are evaluated for records.
 */
static Node *
restore_columns(Node *node, void *scan_tlist)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Var) && ((Var *) node)->varno == INDEX_VAR)
		return copyObject(
			(Node *) list_nth_node(TargetEntry, scan_tlist, ((Var *) node)->varattno - 1)->expr);
	return expression_tree_mutator(node, restore_columns, scan_tlist);
}

/* Takes the list that flowlog_plan_sort_quals has made apart. */
FlowlogQuals
flowlog_plan_quals(const ForeignScan *plan)
{
	List *counts = (List *) llast(plan->fdw_private);
	List *exprs = flowlog_top_without(plan->fdw_exprs);
	int npushed = linitial_int(counts);
	int nfile = lsecond_int(counts);
	int nsets = lthird_int(counts);
	int nindex = list_nth_int(counts, 4);

	if (plan->fdw_scan_tlist != NIL)
		exprs = (List *) restore_columns((Node *) exprs, plan->fdw_scan_tlist);

	return (FlowlogQuals) {
		.pushed = list_truncate(list_copy(exprs), npushed),
		.sets = list_truncate(list_copy_tail(exprs, npushed), nsets),
		.param = lfourth_int(counts),
		.file = list_truncate(list_copy_tail(exprs, npushed + nsets), nfile),
		.file_flags = list_copy_tail(counts, 6),
		.index = list_truncate(list_copy_tail(exprs, npushed + nsets + nfile), nindex),
		.index_use = (FlowlogIndexUse) list_nth_int(counts, 5),
		.time = list_copy_tail(exprs, npushed + nsets + nfile + nindex),
	};
}
