/*-------------------------------------------------------------------------
 *
 * top.h
 *	  ORDER BY ... LIMIT: the scan leaves out rows that cannot be among the
 *	  first.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOWLOG_TOP_H
#define FLOWLOG_TOP_H

#include "fdw/aggregate.h"

/* ---------- top.c: planning ---------- */

/*
 * Returns the first column of the query's order by which rows, or groups, may
 * be left out; NULL: none may be.
 */
extern Expr *flowlog_top_key(PlannerInfo *root, bool grouped);

/*
 * Return what a scan leaves rows out by, or NIL: one of rows, which evaluates
 * all of its conditions; and one that returns whole groups, of which such a
 * key is one output, with values of that type for the reader.  It becomes the
 * last entry of the plan's fdw_exprs.
 */
extern List *flowlog_top_of_rows(PlannerInfo *root, RelOptInfo *rel, const FlowlogTable *table);
extern List *flowlog_top_of_groups(PlannerInfo *root, Expr *key, FlowType type);

/* Return true if workers can evaluate it; and estimates how many of the rows remain. */
extern bool flowlog_top_is_parallel_safe(PlannerInfo *root, List *top);
extern double flowlog_top_estimate(const List *top, double rows);

/* ---------- top.c: plans ---------- */

/* What a plan's scan leaves rows out by. */
typedef struct FlowlogTopPlan
{
	Expr *key;
	FlowType type;
	int output; /* the key as an output of a scan of groups, or -1 */
	bool descending;
	bool nulls_first;
	Expr *limit;
	Expr *offset; /* NULL: none */
	double count; /* LIMIT plus OFFSET, if they are constants, or -1 */
} FlowlogTopPlan;

/* Returns false if the scan leaves none out. */
extern bool flowlog_top_of_plan(const ForeignScan *plan, FlowlogTopPlan *top);

/* Returns the fdw_exprs of a plan without it. */
extern List *flowlog_top_without(List *exprs);

/* ---------- top.c: execution ---------- */

/* Prepares scan->top, if the plan has one. */
extern void flowlog_top_begin(FlowlogScan *scan, ForeignScanState *node);

/*
 * Evaluates LIMIT and OFFSET, and forgets what came before: the scan begins,
 * again or not.  Makes scan->best.
 */
extern void flowlog_top_start(FlowlogScan *scan, ForeignScanState *node);

/* Returns the output that groups are left out by, or -1: none are. */
extern int flowlog_top_output(const FlowlogScan *scan);

#endif /* FLOWLOG_TOP_H */
