/*-------------------------------------------------------------------------
 *
 * flow_filter.h
 *	  Filters: which records pass.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_API_FILTER_H
#define FLOW_API_FILTER_H

#include "flow_value.h"

typedef struct FlowFilter FlowFilter;
typedef struct FlowPredicate FlowPredicate;

typedef enum FlowTruth
{
	FLOW_FALSE,
	FLOW_TRUE,
	FLOW_UNKNOWN, /* SQL's NULL */
	FLOW_ERROR    /* a field that had to be read is bad; see FlowBadField */
} FlowTruth;

typedef enum FlowOp
{
	FLOW_EQ,
	FLOW_NE,
	FLOW_LT,
	FLOW_LE,
	FLOW_GT,
	FLOW_GE,
	FLOW_WITHIN,            /* the column is strictly inside the constant; addresses only */
	FLOW_WITHIN_OR_EQUAL,   /* <<= */
	FLOW_CONTAINS,          /* >> */
	FLOW_CONTAINS_OR_EQUAL, /* >>= */
	FLOW_OVERLAPS           /* && */
} FlowOp;

/* What is compared: the column's value, or something computed from it. */
typedef enum FlowView
{
	FLOW_AS_IS,
	FLOW_AS_DOUBLE,    /* an integer column cast to double precision; constant: real */
	FLOW_AS_UNIX_TIME, /* to_timestamp() of an integer column of seconds; constant: integer,
						* microseconds since 1970 */
	FLOW_AS_ADDRESS    /* a text column cast to inet; constant: address.  See
						* flow_filter_set_otherwise */
} FlowView;

/* A field that could not be read as its column's type. */
typedef struct FlowBadField
{
	int column;        /* index into the format's columns; -1: none */
	FlowStatus status; /* as flow_value_read says */
} FlowBadField;

/* in filter.c, filter_compare.c and filter_list.c */

/*
 * Makes an empty filter.  A filter is built bottom up: predicates are made and
 * combined, and finally one is set as its root.  All of them live until
 * flow_filter_free.  Constants are copied.  Functions that return a predicate
 * return NULL when memory is short or the host interrupts.  They accept NULL
 * for a child and then return NULL, so one check at the end suffices.
 *
 * "columns" must outlive the filter.  With "bad_is_null" a bad field counts as
 * NULL (on_error 'set_null'), unless its column is NOT NULL.
 */
extern FlowFilter *flow_filter_create(const FlowHost *host, const FlowColumn *columns, int ncolumns,
                                      bool bad_is_null);
extern void flow_filter_free(FlowFilter *filter);

/*
 * Returns FLOW_OK, or the reason why predicates could not be built:
 * FLOW_NO_MEMORY or FLOW_INTERRUPTED.
 */
extern FlowStatus flow_filter_status(const FlowFilter *filter);

/*
 * Returns the predicate "column OP constant".  The column's type (see
 * FlowValue), or the view, decides which member of the constant is used.
 * Texts compare as bytes, FLOW_PADDED without trailing blanks; doubles with
 * NaN equal to itself and above all else; addresses as PostgreSQL orders inet.
 * FLOW_DECIMAL, FLOW_FLOAT, FLOW_DOUBLE and FLOW_OPAQUE columns have no
 * comparisons; FLOW_BOOLEAN columns have them with FLOW_AS_IS only.
 */
extern FlowPredicate *flow_filter_compare(FlowFilter *filter, int column, FlowView view, FlowOp op,
                                          const FlowValue *constant);

/*
 * Return the predicates "column OP ANY (constants)" and "column OP ALL
 * (constants)": an OR, or an AND, of comparisons with each of them.
 * "has_null": the set also holds a NULL. ANY of an empty set is false, and ALL
 * of it true, even for NULL. However many constants there are, evaluating
 * takes a few steps, and building at most n log n.
 */
extern FlowPredicate *flow_filter_any(FlowFilter *filter, int column, FlowView view, FlowOp op,
                                      const FlowValue *constants, size_t count, bool has_null);
extern FlowPredicate *flow_filter_all(FlowFilter *filter, int column, FlowView view, FlowOp op,
                                      const FlowValue *constants, size_t count, bool has_null);

/*
 * Sets what is evaluated for texts that are not addresses, where a comparison
 * of at least one constant, by FLOW_AS_ADDRESS, must have that; with "whole",
 * also for those that are networks.  Returns the comparison; NULL if one of
 * them is.
 */
extern FlowPredicate *flow_filter_set_otherwise(FlowPredicate *comparison, bool whole,
                                                FlowPredicate *otherwise);

extern FlowPredicate *flow_filter_is_null(FlowFilter *filter, int column);
extern FlowPredicate *flow_filter_constant(FlowFilter *filter, FlowTruth truth);
extern FlowPredicate *flow_filter_and(FlowFilter *filter, FlowPredicate **children, size_t count);
extern FlowPredicate *flow_filter_or(FlowFilter *filter, FlowPredicate **children, size_t count);
extern FlowPredicate *flow_filter_not(FlowFilter *filter, FlowPredicate *child);

/*
 * Makes "root" the predicate that the filter tests.  Children of a list are
 * ordered by cost.  A child that may fail (FLOW_AS_UNIX_TIME, FLOW_AS_ADDRESS,
 * deferred predicates) stays after those before it and before those after it.
 */
extern void flow_filter_set_root(FlowFilter *filter, FlowPredicate *root);

/*
 * The same for a condition in an expression, such as one of CASE.  Among
 * WHERE's conjuncts PostgreSQL stops at one that is NULL; in other conditions
 * it tests those after it, too, which may fail.
 */
extern void flow_filter_set_condition(FlowFilter *filter, FlowPredicate *root);

/*
 * Evaluates the filter for a record; fields are indexed by column.
 * FLOW_ERROR: *bad says why; if its status is FLOW_INTERRUPTED, the host wants
 * to stop.  If a field is bad, no other child of a root AND is FALSE or
 * UNKNOWN, except children that may fail.  Otherwise bad->column is the first
 * bad field that was taken for NULL, or -1.  If bad->status is
 * FLOW_NEED_VALUE, bad->column is the number of a deferred predicate.
 */
extern FlowTruth flow_filter_test(const FlowFilter *filter, const FlowSlice *fields,
                                  FlowBadField *bad);

/* in filter_like.c */

#define FLOW_LIKE_MAX 1024   /* bytes of a pattern, */
#define FLOW_LIKE_MAX_ANY 32 /* and "_" in it, so that matching needs no check for interrupts */

/*
 * Returns true if a pattern of LIKE, with backslashes as escapes, is valid and
 * within these limits.
 */
extern bool flow_filter_like_fits(FlowSlice pattern);

/*
 * Returns the predicate "column LIKE pattern", or NOT LIKE.  The column is
 * FLOW_TEXT, the pattern fits, and the host's encoding is UTF-8 or, if "utf8"
 * is false, has one byte a character.
 */
extern FlowPredicate *flow_filter_like(FlowFilter *filter, int column, FlowSlice pattern, bool utf8,
                                       bool negated);

/* in filter_deferred.c */

/*
 * Makes a predicate that is not yet known, with a number that is unique in the
 * filter.  "column" is the one that it will read, or -1: readers of columns
 * read it for records that wait.  Each such predicate is in the tree once.
 * After flow_filter_set_root, flow_filter_resolve puts "value" in its place;
 * NULL for "value" says that memory was short.  A filter with such predicates
 * belongs to one reader.
 */
extern FlowPredicate *flow_filter_deferred(FlowFilter *filter, int number, int column);
extern void flow_filter_resolve(FlowFilter *filter, int number, FlowPredicate *value);

/*
 * What is known of a column's value before it is read: it is between low and
 * high (as FlowValue.integer has it), inclusive, or NULL, or bad.
 */
typedef struct FlowInterval
{
	bool known;
	int64_t low, high;
	bool always; /* there is a value, neither NULL nor bad */
} FlowInterval;

/* in filter_interval.c */

/*
 * Returns false only if no record can pass whose columns lie in these
 * intervals, given by column.  Not exact: may return true if none can.
 */
extern bool flow_filter_may_pass(const FlowFilter *filter, const FlowInterval *intervals);

/*
 * Returns true if of the records whose columns lie in these intervals and that
 * have the same fields in the columns of same[], given by column, all pass or
 * none does.  Not exact: may return false if so.
 */
extern bool flow_filter_is_decided(const FlowFilter *filter, const FlowInterval *intervals,
                                   const bool *same);

#endif /* FLOW_API_FILTER_H */
