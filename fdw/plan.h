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
 * Return the attributes that a plan's scan fills, for flowlog_tuple_create;
 * and all that the query uses, those of pushed conditions and of groups
 * included.
 */
extern Bitmapset *flowlog_plan_attrs_used(ForeignScan *plan);
extern Bitmapset *flowlog_plan_attrs_of_query(ForeignScan *plan);

/* By what a scan looks up files in the table's index. */
typedef enum FlowlogIndexUse
{
	FLOWLOG_INDEX_UNUSED, /* the table has none, or nothing can be found in it */
	/*
	 * by FlowlogQuals.index alone: other conditions are of a higher security
	 * level, and the number of files that are left must tell nothing of rows
	 * that others hide
	 */
	FLOWLOG_INDEX_BY_CLAUSES,
	FLOWLOG_INDEX_BY_FILTER /* by all that the reader evaluates */
} FlowlogIndexUse;

/* The clauses of a plan that PostgreSQL does not evaluate row by row. */
typedef struct FlowlogQuals
{
	List *pushed; /* evaluated by the reader */
	List *sets;   /* those with sets of keys, see runtime_set.h */
	int param;    /* the slot in which the keys are found; -1: there are none */
	/*
	 * evaluated once for each file (see prune.c), in the order of their
	 * security levels
	 */
	List *file;
	/* integers: FLOWLOG_QUAL_... flags, and the security level above them */
	List *file_flags;
	/* not evaluated here, but used to prune by the table's index */
	List *index;
	FlowlogIndexUse index_use;
	/* not evaluated here, but used to prune by the time in a file's name */
	List *time;
} FlowlogQuals;

/*
 * What a path has for conditions with sets of keys: the conditions, each
 * "column = NULL", and the expressions of the other side that the join hashes
 * by, up to the last one that gives keys.  Of each there is the number of its
 * condition, or -1; a row in which one is NULL has no match.  Of several tables
 * that are appended, the conditions are the join's clauses.
 */
typedef struct FlowlogSetPlan
{
	List *conditions;
	List *keys;
	List *numbers;
	double rows; /* estimated number of keys */
	int param;   /* -1: not yet assigned */

	/* of one of several tables: what all of them have, keys and all; else NULL */
	struct FlowlogSetPlan *of;
	bool ahead; /* the scan has the keys collected, before the join reads them */
} FlowlogSetPlan;

/* Returns a child relation's form of an expression on its parent. */
extern Node *flowlog_plan_for_child(PlannerInfo *root, const RelOptInfo *rel, Node *expr);

/* Returns the slot of the executor's parameters in which the keys are found. */
extern int flowlog_plan_set_param(PlannerInfo *root, FlowlogSetPlan *sets);

/*
 * Creates the path of a scan with sets, by which a share of its rows is left.
 * The keys cost "before", and must be known before the scan begins.
 * "parallel": for several processes; NULL if they do not pay.
 */
extern Path *flowlog_plan_scan_with_sets(PlannerInfo *root, RelOptInfo *baserel,
                                         FlowlogSetPlan *sets, double share, Cost before,
                                         bool parallel);

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
 * PostgreSQL, which go to *local, and those for the plan, to which the
 * conditions with sets are added unless "sets" is NULL.  The list returned is
 * for fdw_exprs, *counts for an entry of fdw_private.
 */
extern List *flowlog_plan_sort_quals(PlannerInfo *root, RelOptInfo *baserel, List *restrictions,
                                     FlowlogSetPlan *sets, List **local, List **counts);

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
 * Return true if the reader's filter can evaluate a clause by comparisons of
 * columns with constants alone; true if a filter that is only asked for files
 * in the table's index can be made of it; and true if the reader evaluates it,
 * expressions included.
 */
extern bool flowlog_qual_is_comparison(PlannerInfo *root, Index relid, const FlowlogTable *table,
                                       Expr *clause);
extern bool flowlog_qual_is_for_index(PlannerInfo *root, Index relid, const FlowlogTable *table,
                                      Expr *clause);
extern bool flowlog_qual_is_pushable(PlannerInfo *root, RelOptInfo *baserel,
                                     const FlowlogTable *table, Expr *clause);

/*
 * Returns true if the reader can look up a column in a set of the values of the
 * other side of a clause "column = other", or with its sides exchanged.
 * *condition becomes "column = NULL", and *key the other side.
 */
extern bool flowlog_qual_takes_set(PlannerInfo *root, RelOptInfo *baserel,
                                   const FlowlogTable *table, Expr *clause, OpExpr **condition,
                                   Expr **key);

/* Returns true if the collation compares texts as bytes. */
extern bool flowlog_collation_is_c(Oid collation);

/*
 * Returns true if the reader can compute an expression that is grouped by or
 * aggregated, or a condition of an aggregate.  "root" is NULL at execution.
 */
extern bool flowlog_qual_is_computable(PlannerInfo *root, const FlowlogTable *table, Expr *expr,
                                       bool condition);

/* Returns true if it can, by itself: PostgreSQL computes no part of it. */
extern bool flowlog_qual_is_native(PlannerInfo *root, const FlowlogTable *table, Expr *expr);

/*
 * Returns true if a clause that the reader evaluates has a part that
 * PostgreSQL computes, and the reader remembers.
 */
extern bool flowlog_qual_remembers(PlannerInfo *root, RelOptInfo *baserel,
                                   const FlowlogTable *table, Expr *clause);

/* ---------- qual_build.c ---------- */

/*
 * Evaluates the values that a plan's pushed clauses compare with, and makes
 * scan->filter of the clauses and of scan->sets; it stays NULL if there are
 * none.
 */
extern void flowlog_qual_build(FlowlogScan *scan, ForeignScanState *node, List *clauses);

/*
 * Makes a filter of such clauses, or returns NULL if there are none.  The
 * caller frees it with flow_filter_free.
 */
extern FlowFilter *flowlog_qual_filter(const FlowlogTable *table, FlowlogBackend *backend,
                                       List *clauses, bool for_index, PlanState *planstate,
                                       ExprContext *econtext);

/*
 * Evaluates what the record that waits needs, by its number: the values of a
 * deferred predicate of scan->filter, or an expression.
 */
extern void flowlog_qual_resolve(FlowlogScan *scan, int number);

/*
 * Makes an expression of "expressions" of what is grouped by or aggregated, or
 * of a condition in it; raises an error if that fails.
 */
extern FlowExpression *flowlog_qual_compute(FlowlogScan *scan, FlowlogNeeds *needs,
                                            FlowExpressions *expressions, Expr *expr,
                                            bool condition);

/* ---------- need.c ---------- */

/*
 * Returns an empty list of what records may need, which lives as long as the
 * scan.  All numbers have that sign.
 */
extern FlowlogNeeds *flowlog_needs_create(FlowlogScan *scan, ForeignScanState *node, int sign);
extern ForeignScanState *flowlog_needs_node(const FlowlogNeeds *needs);
extern void flowlog_needs_forget(FlowlogNeeds *needs);

/*
 * Adds an expression of a set or, if that is NULL, a condition.  Returns its
 * number, which is not 0; "needs" is NULL if nobody will ask for it.
 */
extern int flowlog_needs_add(FlowlogNeeds *needs, Expr *expr, FlowExpressions *expressions);

/*
 * Prepares the subplans of a plan's conditions.  To be called when the plan is
 * initialized, in a memory context that lives as long.
 */
extern void flowlog_needs_prepare_subplans(FlowlogScan *scan, ForeignScanState *node,
                                           List *conditions);

/*
 * Runs such a subplan.  Returns the set of its values, which the caller frees,
 * or NULL if there are too many.
 */
extern struct FlowlogKeySet *flowlog_needs_run_subplan(const FlowlogNeeds *needs,
                                                       const SubPlan *subplan, Oid type,
                                                       Oid collation, bool *has_null);

/* Returns the condition with a number, or NULL if it is an expression's. */
extern Expr *flowlog_needs_condition(const FlowlogNeeds *needs, int number);

/*
 * Evaluate an expression for the record that waits, and all that the scan's
 * memo awaits; or raise an error.
 */
extern void flowlog_needs_provide(FlowlogNeeds *needs, int number);
extern void flowlog_needs_provide_awaited(FlowlogScan *scan);

/* ---------- privilege.c ---------- */

/*
 * Checks that the current user may execute all functions in a list of
 * expressions, as the executor does for those that it evaluates.
 */
extern void flowlog_check_execute(List *exprs);

/* ---------- expression.c ---------- */

/*
 * Returns true if a condition computes from columns what may fail: an
 * overflow, a division by zero.
 */
extern bool flowlog_expression_can_fail(Expr *clause);

/* ---------- expression_memo.c ---------- */

/*
 * Returns true if PostgreSQL had better compute a key of each partial group,
 * than for each value of a column.
 */
extern bool flowlog_expression_is_for_groups(Expr *key);

/* ---------- qual_error.c ---------- */

/*
 * Returns true if evaluating an expression without columns may raise an error,
 * or would run a subplan for the first time.  "econtext" is NULL while
 * planning; external parameters are assumed to have values then.
 */
extern bool flowlog_expr_may_fail(Expr *expr, const ExprContext *econtext);

/*
 * Returns true if evaluating an expression may raise an error because of the
 * values of its columns, which are short texts or dates.  Parts without
 * columns do not count.
 */
extern bool flowlog_expr_columns_may_fail(Expr *expr);

/* Returns true if an expression's value depends on nothing but parameters. */
extern bool flowlog_expr_is_constant(Node *expr);

/*
 * Returns true if a condition has a part without columns of the relation (0:
 * of any relation) that may fail, in a branch that PostgreSQL does not always
 * evaluate.
 */
extern bool flowlog_expr_branch_may_fail(Expr *clause, Index relid);

/* The same of any such part. */
extern bool flowlog_expr_constants_may_fail(Expr *expr, Index relid);

/*
 * Returns true if all such parts, in branches or not, either cannot fail or
 * are also evaluated by PostgreSQL's planner when it estimates numbers of
 * rows.
 */
extern bool flowlog_expr_is_foreseen(Expr *clause, Index relid);

/*
 * Returns true if a node is a constant format of to_char() with nothing but
 * numbers in it, which cannot fail.
 */
extern bool flowlog_expr_is_date_format(const Node *node);

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
                                          bool explain_only, PlanState *parent,
                                          const FlowlogQuals *quals);

/* Returns true if pruning depends on run-time parameters. */
extern bool flowlog_prune_depends_on_run(const FlowlogPrune *prune);

/*
 * Evaluate the values that conditions compare with, for a listing, and release
 * them.  Both accept NULL.
 */
extern const FlowPruner *flowlog_prune_begin(FlowlogPrune *prune);
extern void flowlog_prune_end(FlowlogPrune *prune);

/*
 * Sets what is taken from the index instead of reading files, and all
 * conditions of records.
 */
extern void flowlog_prune_set_answers(FlowlogPrune *prune, FlowlogAnswers *answers, List *pushed);

/*
 * Sets the filter by which the next listing looks up the table's index, and
 * which lives as long as that begins.  Without it, or if it is NULL, the
 * plan's clauses are used.
 */
extern void flowlog_prune_set_filter(FlowlogPrune *prune, const FlowFilter *filter);

/* Returns true if a listing looks up files in the table's index.  Accepts NULL. */
extern bool flowlog_prune_uses_index(const FlowlogPrune *prune);

/*
 * Returns true if the index can say more of the files when the sets of keys of
 * the query's joins are known, which is when the scan begins to read.  Accepts
 * NULL.
 */
extern bool flowlog_prune_waits_for_sets(const FlowlogPrune *prune);

/*
 * Returns what the index says of a file: see flowlog_index_prune_file.  A
 * listing looks up files in the index, and has begun.
 */
extern FlowPruning flowlog_prune_file_by_index(const FlowlogPrune *prune, const FlowObject *file);

/* ---------- prune_date.c ---------- */

/*
 * Returns true if no record can pass whose date, a variable of the location, is
 * that of a day that begins at "from" or later, in microseconds since 1970.
 * False if it is not known.  flowlog_prune_begin was called.
 */
extern bool flowlog_prune_ends_before(FlowlogPrune *prune, int variable, int64 from);

#endif /* FLOWLOG_PLAN_H */
