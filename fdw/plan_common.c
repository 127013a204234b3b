/*-------------------------------------------------------------------------
 *
 * plan_common.c
 *	  What several files need to plan: expressions of a partition, and the slot
 *	  among the executor's parameters for the keys of a join's other side.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include "optimizer/appendinfo.h"
#include "optimizer/paramassign.h"

/* Returns a child relation's form of an expression on its parent. */
Node *
flowlog_plan_for_child(PlannerInfo *root, const RelOptInfo *rel, Node *expr)
{
	AppendRelInfo *info =
		root->append_rel_array != NULL ? root->append_rel_array[rel->relid] : NULL;

	if (info == NULL)
		return expr;
	expr = flowlog_plan_for_child(root, root->simple_rel_array[info->parent_relid], expr);
	return adjust_appendrel_attrs(root, expr, 1, &info);
}

/* Returns the slot of a plan's sets. */
int
flowlog_plan_set_param(PlannerInfo *root, FlowlogSetPlan *sets)
{
	if (sets->of != NULL)
		return flowlog_plan_set_param(root, sets->of);
	if (sets->param < 0)
		sets->param = assign_special_exec_param(root);
	return sets->param;
}
