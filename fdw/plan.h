/*-------------------------------------------------------------------------
 *
 * plan.h
 *	  Plans: costs, and where conditions are evaluated.
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

/*
 * Returns the attributes that a plan's scan fills, for flowlog_tuple_create.
 */
extern Bitmapset *flowlog_plan_attrs_used(ForeignScan *plan);

/* The clauses of a plan that PostgreSQL does not evaluate row by row. */
typedef struct FlowlogQuals
{
	List *pushed; /* evaluated by the reader */
	/*
	 * evaluated once for each file (see prune.c), in the order of their
	 * security levels
	 */
	List *file;
	/* integers: FLOWLOG_QUAL_... flags, and the security level above them */
	List *file_flags;
	/* not evaluated here, but used to prune by the time in a file's name */
	List *time;
} FlowlogQuals;

#define FLOWLOG_QUAL_LEAKPROOF 1
#define FLOWLOG_QUAL_COMPARISONS 2 /* the reader's filter can evaluate it */
#define FLOWLOG_QUAL_LEVEL_SHIFT 2

extern FlowlogQuals flowlog_plan_quals(const ForeignScan *plan);

/*
 * Returns restrictions in the order in which PostgreSQL evaluates them (see
 * createplan.c's order_qual_clauses).
 */
extern List *flowlog_plan_order_quals(PlannerInfo *root, List *restrictions);

/*
 * Sorts a relation's restrictions, which are in that order, into those for
 * PostgreSQL, which go to *local, and those for the plan.  The list returned
 * is for fdw_exprs, *counts for an entry of fdw_private.
 */
extern List *flowlog_plan_sort_quals(PlannerInfo *root, RelOptInfo *baserel, List *restrictions,
                                     List **local, List **counts);

/*
 * Return the table of a base relation whose size was estimated, and true if
 * PostgreSQL does not evaluate a restriction row by row.
 */
extern const FlowlogTable *flowlog_plan_table(const RelOptInfo *baserel);
extern bool flowlog_plan_is_pushed(PlannerInfo *root, RelOptInfo *baserel,
                                   RestrictInfo *restriction);

/* Returns how many processes a leader and its workers count for. */
extern double flowlog_parallel_divisor(int workers);

/*
 * Estimates the cost of reading all lines and evaluating the pushed
 * restrictions.  The work of the processor is divided by "divisor"; reading is
 * not, as it is not faster when it is shared.  *passed is the number of all
 * lines that pass.
 */
extern void flowlog_cost_lines(PlannerInfo *root, RelOptInfo *baserel, List *pushed, double divisor,
                               Cost *startup, Cost *run, double *passed);

/* ---------- qual.c ---------- */

/*
 * Return true if the reader's filter can evaluate a clause, and true if it
 * does so.
 */
extern bool flowlog_qual_is_comparison(PlannerInfo *root, Index relid, const FlowlogTable *table,
                                       Expr *clause);
extern bool flowlog_qual_is_pushable(PlannerInfo *root, RelOptInfo *baserel,
                                     const FlowlogTable *table, Expr *clause);

/*
 * Evaluates the values that a plan's pushed clauses compare with, and makes
 * scan->filter of the clauses; it stays NULL if there are none.
 */
extern void flowlog_qual_build(FlowlogScan *scan, ForeignScanState *node, List *clauses);

/*
 * Makes a filter of such clauses, or returns NULL if there are none.  The
 * caller frees it with flow_filter_free.
 */
extern FlowFilter *flowlog_qual_filter(const FlowlogTable *table, FlowlogBackend *backend,
                                       List *clauses, PlanState *planstate, ExprContext *econtext);

/*
 * Evaluates the values of the deferred predicate of scan->filter with that
 * number, which a record needs now.
 */
extern void flowlog_qual_resolve(FlowlogScan *scan, int number);

/* ---------- qual_error.c ---------- */

/*
 * Returns true if evaluating an expression without columns may raise an error,
 * or would run a subplan for the first time.  "econtext" is NULL while
 * planning; external parameters are assumed to have values then.
 */
extern bool flowlog_expr_may_fail(Expr *expr, const ExprContext *econtext);

/* Returns true if an expression's value depends on nothing but parameters. */
extern bool flowlog_expr_is_constant(Node *expr);

/*
 * Returns true if a condition has a part without columns of the relation (0:
 * of any relation) that may fail, in a branch that PostgreSQL does not always
 * evaluate.
 */
extern bool flowlog_expr_branch_may_fail(Expr *clause, Index relid);

/*
 * Returns true if all such parts, in branches or not, either cannot fail or
 * are also evaluated by PostgreSQL's planner when it estimates numbers of
 * rows.
 */
extern bool flowlog_expr_is_foreseen(Expr *clause, Index relid);

/*
 * Returns true if a condition converts a column of seconds to a time, which
 * fails for numbers out of range.  Nothing else that the reader computes from
 * a value of a column's type fails.
 */
extern bool flowlog_expr_makes_time(Expr *clause);

/* ---------- prune.c ---------- */

/*
 * Returns true if all columns of that relation in the clause have the same
 * value in all records of a file.
 */
extern bool flowlog_prune_is_file_qual(const FlowlogTable *table, Index relid, Expr *clause);

/* Returns true if one of them is one of a record's times. */
extern bool flowlog_prune_has_time(const FlowlogTable *table, Index relid, Expr *clause);

/*
 * Prepares pruning for a plan's scan, or for planning if "parent" is NULL.
 * Returns NULL if nothing can be pruned by.  The result lives in the backend's
 * memory context; the table must live as long.  With explain_only, nothing is
 * evaluated that has side effects.
 */
extern FlowlogPrune *flowlog_prune_create(const FlowlogTable *table, FlowlogBackend *backend,
                                          bool explain_only, PlanState *parent, List *scan_tlist,
                                          const FlowlogQuals *quals);

/* Returns true if pruning depends on run-time parameters. */
extern bool flowlog_prune_depends_on_run(const FlowlogPrune *prune);

/*
 * Evaluate the values that conditions compare with, for a listing, and release
 * them.  Both accept NULL.
 */
extern const FlowPruner *flowlog_prune_begin(FlowlogPrune *prune);
extern void flowlog_prune_end(FlowlogPrune *prune);

#endif /* FLOWLOG_PLAN_H */
