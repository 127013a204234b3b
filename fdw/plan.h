/*-------------------------------------------------------------------------
 *
 * plan.h
 *	  Plans: costs, and which conditions the reader evaluates.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOWLOG_PLAN_H
#define FLOWLOG_PLAN_H

#include "fdw/scan.h"

/* ---------- plan.c ---------- */

extern void flowlog_get_rel_size(PlannerInfo *root, RelOptInfo *baserel, Oid relid);
extern void flowlog_get_paths(PlannerInfo *root, RelOptInfo *baserel, Oid relid);
extern ForeignScan *flowlog_get_plan(PlannerInfo *root, RelOptInfo *baserel, Oid relid,
                                     ForeignPath *best_path, List *tlist, List *scan_clauses,
                                     Plan *outer_plan);

/* The attributes a plan's scan needs, as flowlog_tuple_create takes them. */
extern Bitmapset *flowlog_plan_attrs_used(ForeignScan *plan);

/* The clauses of a plan that PostgreSQL does not judge row by row. */
typedef struct FlowlogQuals
{
	List *pushed; /* judged by the reader */
	/*
	 * judged once for each file (see prune.c), in the order of their security
	 * levels
	 */
	List *file;
	List *file_flags; /* integers: of FLOWLOG_QUAL_..., and the level above them */
	List *time;       /* judged otherwise, but of use to prune by the time in a file's name */
} FlowlogQuals;

#define FLOWLOG_QUAL_LEAKPROOF 1
#define FLOWLOG_QUAL_COMPARISONS 2 /* the reader's filter could have it */
#define FLOWLOG_QUAL_LEVEL_SHIFT 2

extern FlowlogQuals flowlog_plan_quals(const ForeignScan *plan);

/*
 * The order in which PostgreSQL evaluates restrictions: as createplan.c's
 * order_qual_clauses.
 */
extern List *flowlog_plan_order_quals(PlannerInfo *root, List *restrictions);

/*
 * Sorts a relation's restrictions, which are in that order; those for
 * PostgreSQL go to *local.  The list is fdw_exprs, *counts an entry of
 * fdw_private.
 */
extern List *flowlog_plan_sort_quals(PlannerInfo *root, RelOptInfo *baserel, List *restrictions,
                                     List **local, List **counts);

/*
 * Of a base relation that was given a size: its table, and whether a
 * restriction is judged by us, row by row or not.
 */
extern const FlowlogTable *flowlog_plan_table(const RelOptInfo *baserel);
extern bool flowlog_plan_is_pushed(PlannerInfo *root, RelOptInfo *baserel,
                                   RestrictInfo *restriction);

/* How many processes' worth of work do a leader and its workers do? */
extern double flowlog_parallel_divisor(int workers);

/*
 * The cost of reading all lines and judging restrictions that are pushed,
 * where the work of the processor is divided; reading is not faster for being
 * shared.  "passed": all lines that pass.
 */
extern void flowlog_cost_lines(PlannerInfo *root, RelOptInfo *baserel, List *pushed, double divisor,
                               Cost *startup, Cost *run, double *passed);

/* ---------- qual.c ---------- */

/* Has the reader's filter a form for this clause?  Is it then to judge it? */
extern bool flowlog_qual_is_comparison(PlannerInfo *root, Index relid, const FlowlogTable *table,
                                       Expr *clause);
extern bool flowlog_qual_is_pushable(PlannerInfo *root, RelOptInfo *baserel,
                                     const FlowlogTable *table, Expr *clause);

/*
 * Evaluates what a plan's pushed clauses compare with, and makes them
 * scan->filter, which stays NULL if there is none.
 */
extern void flowlog_qual_build(FlowlogScan *scan, ForeignScanState *node, List *clauses);

/*
 * Makes such clauses a filter of its own; NULL if there are none.  Freed by
 * flow_filter_free.
 */
extern FlowFilter *flowlog_qual_filter(const FlowlogTable *table, FlowlogBackend *backend,
                                       List *clauses, PlanState *planstate, ExprContext *econtext);

/*
 * Evaluates the deferred predicate of scan->filter of that number, which a
 * record has come to.
 */
extern void flowlog_qual_resolve(FlowlogScan *scan, int number);

/* ---------- qual_error.c ---------- */

/*
 * Returns true if an error may be raised when the expression, which has no
 * columns, is evaluated; also if that would run a subplan for the first time.
 * NULL while planning, when external parameters are taken to have values.
 */
extern bool flowlog_expr_may_fail(Expr *expr, const ExprContext *econtext);

/*
 * Returns true if an expression's value depends on nothing around it but
 * parameters.
 */
extern bool flowlog_expr_is_constant(Node *expr);

/*
 * Returns true if a condition has a part without columns of the relation (0:
 * of any) that may fail, in a branch that PostgreSQL does not always evaluate.
 */
extern bool flowlog_expr_branch_may_fail(Expr *clause, Index relid);

/*
 * Returns true if all such parts, wherever they stand, either cannot fail or
 * are evaluated by PostgreSQL's planner, too, to estimate how many rows there
 * will be.
 */
extern bool flowlog_expr_is_foreseen(Expr *clause, Index relid);

/*
 * Returns true if a condition makes a time of a column of seconds, which is an
 * error for a number that is none.  Nothing else that the reader computes from
 * a value of a column's type fails.
 */
extern bool flowlog_expr_makes_time(Expr *clause);

/* ---------- prune.c ---------- */

/*
 * Are its only columns of that relation such as are the same in all of a file?
 */
extern bool flowlog_prune_is_file_qual(const FlowlogTable *table, Index relid, Expr *clause);

/* Is one of them one of a record's times? */
extern bool flowlog_prune_has_time(const FlowlogTable *table, Index relid, Expr *clause);

/*
 * For a plan's scan, or with "parent" NULL for planning; NULL if there is
 * nothing to prune by.  It lives in the backend's memory context, and as long
 * as the table.  With explain_only, nothing is evaluated that has an effect.
 */
extern FlowlogPrune *flowlog_prune_create(const FlowlogTable *table, FlowlogBackend *backend,
                                          bool explain_only, PlanState *parent, List *scan_tlist,
                                          const FlowlogQuals *quals);

/* Does it take values that may be others for a rescan? */
extern bool flowlog_prune_depends_on_run(const FlowlogPrune *prune);

/*
 * Evaluates what it compares with, for a listing, and lets go of that; take
 * NULL.
 */
extern const FlowPruner *flowlog_prune_begin(FlowlogPrune *prune);
extern void flowlog_prune_end(FlowlogPrune *prune);

#endif /* FLOWLOG_PLAN_H */
