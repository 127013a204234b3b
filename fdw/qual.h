/*-------------------------------------------------------------------------
 *
 * qual.h
 *	  What qual.c, which walks over WHERE clauses, and qual_compare.c, which
 *	  makes comparisons, share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOWLOG_QUAL_H
#define FLOWLOG_QUAL_H

#include "flowlog_fdw.h"

/* How the other side of a comparison is converted to the column's kind. */
typedef enum ConstantForm
{
	CONSTANT_PLAIN,   /* by flowlog_value_from_datum */
	CONSTANT_NUMERIC, /* a numeric, for an integer column */
	CONSTANT_DAY,     /* a timestamp, for a date column */
	/* a timestamp or date for a timestamptz, a date for a timestamp */
	CONSTANT_TIME,
} ConstantForm;

/* The context of the walk; filter is NULL while planning. */
typedef struct QualWalk
{
	const FlowlogTable *table;
	Index relid;
	PlannerInfo *root; /* planning only */

	/*
	 * the rest is for execution only: the expressions that Vars of the scan's
	 * own columns stand for
	 */
	List *scan_tlist;
	FlowFilter *filter;
	PlanState *planstate;
	ExprContext *econtext;

	/*
	 * In a branch (below OR, or below an AND other than that of WHERE itself)
	 * what may raise an error is deferred until a record needs it.  "deferred"
	 * keeps such conditions; NULL: they will not be asked for.
	 */
	bool in_branch;
	FlowlogDeferred *deferred;
} QualWalk;

/* A comparison that was recognised: column OP other. */
typedef struct Comparison
{
	int column; /* index into the table's columns */
	FlowView view;
	FlowOp op;
	Expr *other;
	Oid other_type; /* of "other", or of its elements */
	ConstantForm form;
} Comparison;

/* in qual_compare.c; all of it is for execution only */

/* Makes the predicate of "column op constant"; the constant is not NULL. */
extern FlowPredicate *flowlog_compare(const QualWalk *context, const Comparison *comparison,
                                      Datum constant);

/* Makes the predicate of "column op ANY (array)", or of ALL. */
extern FlowPredicate *flowlog_compare_with_array(const QualWalk *context,
                                                 const Comparison *comparison, bool any,
                                                 Datum array_datum);

#endif /* FLOWLOG_QUAL_H */
