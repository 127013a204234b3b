/*-------------------------------------------------------------------------
 *
 * qual.h
 *	  What the files share that walk over WHERE clauses (qual.c, and qual_*.c
 *	  for kinds of clauses) and make filters of them (qual_build.c).
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOWLOG_QUAL_H
#define FLOWLOG_QUAL_H

#include "flowlog_fdw.h"

/*
 * operator families without a name in catalog/pg_opfamily_d.h; OIDs of the
 * bootstrap catalog do not change
 */
#define FLOWLOG_NUMERIC_FAMILY 1988
#define FLOWLOG_FLOAT_FAMILY 1970
#define FLOWLOG_DATETIME_FAMILY 434

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
typedef struct QualWalk QualWalk;

struct QualWalk
{
	const FlowlogTable *table;
	Index relid;
	PlannerInfo *root; /* planning only */

	/* the rest is for execution only */
	FlowFilter *filter;
	PlanState *planstate;
	ExprContext *econtext;

	/*
	 * In a branch (below OR, or below an AND other than that of WHERE itself)
	 * what may raise an error is deferred until a record needs it.  "needs"
	 * keeps such conditions; NULL: they will not be asked for.
	 */
	bool in_branch;
	FlowlogNeeds *needs;

	bool computes; /* expressions of columns may be computed */
	/*
	 * The filter is only asked for files in the table's index.  It compares
	 * patterns and casts of columns, too, but tests no record.
	 */
	bool for_index;
	/* it is a part of what is grouped by or aggregated */
	bool in_group;
	bool in_output; /* it is not one of the scan's conditions */
	/* where expressions are made, at execution, and the host of their filters */
	FlowExpressions *expressions;
	const FlowHost *host;
	FlowMemo *memo;  /* of such expressions */
	bool *remembers; /* set if there are remembered expressions; NULL: not wanted */

	/*
	 * Handles a condition in an expression, of which only being true matters,
	 * as flowlog_expression_walk does an expression; for that function.
	 */
	bool (*walk_condition)(const QualWalk *context, Expr *node, FlowExpression **expression);
};

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

/* in qual.c */

/*
 * Return true if the reader can evaluate a list of conditions, and a part of an
 * aggregation (an expression, or a condition in one); at execution, also make a
 * predicate of each, and the expression, which are NULL if memory is short.
 */
extern bool flowlog_qual_walk_list(const QualWalk *context, List *args,
                                   FlowPredicate ***predicates);
extern bool flowlog_qual_walk_part_of_group(QualWalk *context, Expr *expr, bool condition,
                                            FlowExpression **expression);

/*
 * Makes the predicate of a condition of flowlog_qual_takes_set, with keys in
 * place of NULL.
 */
extern FlowPredicate *flowlog_qual_walk_set(const QualWalk *context, const OpExpr *condition,
                                            const FlowlogKeySet *set);

/* Returns the varno of the columns in an expression, or 0 if it has none. */
extern Index flowlog_qual_relation(Node *node);

/*
 * Raises an internal error: the planner has pushed a clause that the executor
 * does not understand.
 */
extern void flowlog_qual_complain(const FlowlogTable *table);

/* in qual_part.c */

/* Returns the table's column that a Var stands for, or -1. */
extern int flowlog_part_column(const QualWalk *context, const Node *node);

/*
 * Strips RelabelType nodes that do not change a value: varchar to text, cidr
 * to inet.
 */
extern const Node *flowlog_part_strip(const Node *node);

/*
 * Returns true if an expression has no columns of this table, and one value
 * during a scan.
 */
extern bool flowlog_part_is_constant(const QualWalk *context, Expr *other);

/*
 * Finds the comparison that an operator makes, by a btree family; returns
 * false if it is not one of the family's.
 */
extern bool flowlog_part_operator(Oid opno, Oid family, FlowOp *op);

/*
 * Returns true if the reader, which compares texts as bytes, compares values
 * of a type as the collation does.
 */
extern bool flowlog_part_collation_fits(Oid type, FlowOp op, Oid collation);

/* Adds the attributes that an expression uses to a set, as pull_varattnos does. */
extern Bitmapset *flowlog_part_attributes(Bitmapset *attrs, Node *expr);

/*
 * Return true if the core has the value, and convert it, as
 * flowlog_value_from_datum does; raises an error if it has not.
 */
extern bool flowlog_part_fits(Oid type, Datum datum);
extern void flowlog_part_value(Oid type, Datum datum, FlowValue *value);

/* Evaluates such an expression; for execution only. */
extern Datum flowlog_part_evaluate(const QualWalk *context, Expr *expression, bool *isnull);

/* in expression_time.c */

/*
 * Return the time that a function takes, or NULL if the reader does not compute
 * the function; and its expression, of an argument that was made.  Those that
 * extract a number have the type numeric, and an integer as their value.
 */
extern Expr *flowlog_expression_time_argument(const FuncExpr *node);
extern FlowExpression *flowlog_expression_of_time(const QualWalk *context, FuncExpr *node,
                                                  FlowExpression *argument);

/* in expression_text.c */

typedef bool (*ExpressionWalk)(const QualWalk *context, Expr *node, FlowExpression **expression);

/*
 * Return true if the reader can compute an expression of texts, or a comparison
 * of two texts or addresses; as flowlog_expression_walk, which is "walk", for
 * what is in it.
 */
extern bool flowlog_expression_walk_text(const QualWalk *context, Expr *node, ExpressionWalk walk,
                                         FlowExpression **expression);
extern bool flowlog_expression_walk_comparison(const QualWalk *context, OpExpr *node,
                                               ExpressionWalk walk, FlowExpression **expression);

/*
 * Finds the comparison that an operator makes by a btree family, as
 * flowlog_part_operator does.
 */
extern bool flowlog_expression_comparison(Oid opno, Oid family, FlowOperation *operation);

/* in expression_memo.c */

/*
 * Returns true if an expression is one that PostgreSQL computes once for each
 * value of its only column, which is set.
 */
extern bool flowlog_expression_is_remembered(const QualWalk *context, Expr *expr, int *column);

/*
 * Returns true if a subplan is one that PostgreSQL looks up once for each value
 * of its only column, which is set.
 */
extern bool flowlog_expression_subplan_is_remembered(const QualWalk *context,
                                                     const SubPlan *subplan, int *column);

/* in expression.c */

/*
 * Returns true if the reader can compute the expression.  At execution, also
 * makes *expression of it, which is NULL if memory is short.
 */
extern bool flowlog_expression_walk(const QualWalk *context, Expr *node,
                                    FlowExpression **expression);

/* in qual_column.c */

/*
 * Recognises a column under casts that the reader knows.  Returns its index,
 * or -1.
 */
extern int flowlog_qual_column(const QualWalk *context, const Node *node, FlowView *view);

/*
 * Returns true if a column that is compared as FLOW_AS_ADDRESS is cast to our
 * domain, which takes no networks.
 */
extern bool flowlog_qual_is_whole_address(const Node *node);

/* Returns true if this view of a column can be compared as a type is. */
extern bool flowlog_qual_view_fits(const FlowColumn *column, FlowView view, Oid compared_as);

/* in qual_like.c */

/*
 * Return true if the reader can evaluate LIKE or NOT LIKE, and a function or
 * operator that is starts_with(); at execution, also make the predicate.
 */
extern bool flowlog_qual_walk_like(const QualWalk *context, OpExpr *clause,
                                   FlowPredicate **predicate);
extern bool flowlog_qual_walk_starts_with(const QualWalk *context, Oid function, List *args,
                                          Oid collation, FlowPredicate **predicate);

/* in qual_address.c */

/*
 * Returns true if the reader can evaluate a clause about a column that is
 * compared as FLOW_AS_ADDRESS.
 */
extern bool flowlog_qual_address_fits(const QualWalk *context, Expr *clause);

/* Completes the predicate of such a clause; "address" is the column under its casts. */
extern FlowPredicate *flowlog_qual_complete_address(const QualWalk *context, Expr *clause,
                                                    const Node *address, int column,
                                                    FlowPredicate *predicate);

/*
 * Makes the predicate of a clause that PostgreSQL computes once for each value
 * of a column; NULL if memory is short.
 */
extern FlowPredicate *flowlog_qual_remember(const QualWalk *context, Expr *clause, int column);

/*
 * Returns true if the reader can evaluate contains() of a constant network; at
 * execution, also makes the predicate.
 */
extern bool flowlog_qual_walk_contains(const QualWalk *context, FuncExpr *call,
                                       FlowPredicate **predicate);

/* in qual_compare.c; all of it is for execution only */

/* Makes the predicate of "column op constant"; the constant is not NULL. */
extern FlowPredicate *flowlog_compare(const QualWalk *context, const Comparison *comparison,
                                      Datum constant);

/*
 * Makes the predicate of "column = ANY (constants)".  None of these is NULL, but
 * there may be one besides.
 */
extern FlowPredicate *flowlog_compare_with_set(const QualWalk *context,
                                               const Comparison *comparison, const Datum *constants,
                                               size_t count, bool has_null);

/* Returns true if an array has an element that is not NULL. */
extern bool flowlog_has_elements(Datum array_datum);

/* Makes the predicate of "column op ANY (array)", or of ALL. */
extern FlowPredicate *flowlog_compare_with_array(const QualWalk *context,
                                                 const Comparison *comparison, bool any,
                                                 Datum array_datum);

#endif /* FLOWLOG_QUAL_H */
