/*-------------------------------------------------------------------------
 *
 * qual.h
 *	  What the walk over WHERE clauses and the making of comparisons share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOWLOG_QUAL_H
#define FLOWLOG_QUAL_H

#include "flowlog_fdw.h"

/*
 * How the other side of a comparison becomes a constant of the column's kind.
 */
typedef enum ConstantForm
{
	CONSTANT_PLAIN,   /* as flowlog_value_from_datum gives it */
	CONSTANT_NUMERIC, /* a numeric beside an integer */
	CONSTANT_DAY,     /* a timestamp beside a date */
	CONSTANT_TIME,    /* a timestamp or date beside a timestamptz, a date beside a timestamp */
} ConstantForm;

/* The walk's surroundings; filter is NULL while planning. */
typedef struct QualWalk
{
	const FlowlogTable *table;
	Index relid;
	PlannerInfo *root; /* planning only */

	/*
	 * execution only, as the rest: what Vars of the scan's own columns stand
	 * for
	 */
	List *scan_tlist;
	FlowFilter *filter;
	PlanState *planstate;
	ExprContext *econtext;

	/*
	 * In a branch, below OR or an AND that is not that of WHERE itself, what
	 * may raise an error is deferred until a record comes to it.  "deferred"
	 * keeps such conditions; NULL: nobody will ask for them.
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
	Oid other_type; /* of other, or of its elements */
	ConstantForm form;
} Comparison;

/* in qual_compare.c, all of it while executing */

/* The predicate of "column op constant"; the constant is not NULL. */
extern FlowPredicate *flowlog_compare(const QualWalk *context, const Comparison *comparison,
                                      Datum constant);

/* The predicate of "column op ANY (array)", or of ALL. */
extern FlowPredicate *flowlog_compare_with_array(const QualWalk *context,
                                                 const Comparison *comparison, bool any,
                                                 Datum array_datum);

#endif /* FLOWLOG_QUAL_H */
