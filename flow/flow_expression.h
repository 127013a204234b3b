/*-------------------------------------------------------------------------
 *
 * flow_expression.h
 *	  Expressions: what is computed from the fields of records.
 *
 * An expression is built bottom up, as a filter is, and evaluated for many
 * records at once.  Each operation gives exactly what PostgreSQL's function of
 * the same meaning gives.  Where that is an error, or not known to the core,
 * the record waits for the host: see flow_expression_provide.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_API_EXPRESSION_H
#define FLOW_API_EXPRESSION_H

#include "flow_filter.h"

/* The expressions of one reader, which share what they read. */
typedef struct FlowExpressions FlowExpressions;
typedef struct FlowExpression FlowExpression;

typedef enum FlowOperation
{
	/* of integers; NULL if an argument is NULL; they fail out of the result's range */
	FLOW_ADD,
	FLOW_SUBTRACT,
	FLOW_MULTIPLY,
	FLOW_DIVIDE, /* truncates; fails for a divisor of 0 */
	FLOW_MODULO, /* the sign of the dividend; fails for a divisor of 0 */
	FLOW_BIT_AND,
	FLOW_BIT_OR,
	FLOW_BIT_XOR,
	FLOW_SHIFT_LEFT_16, /* to an integer of so many bits, which loses others */
	FLOW_SHIFT_LEFT_32, /* shifts by more than an integer has bits, or less than 0, fail */
	FLOW_SHIFT_LEFT_64,
	FLOW_SHIFT_RIGHT_16,
	FLOW_SHIFT_RIGHT_32,
	FLOW_SHIFT_RIGHT_64,
	FLOW_BIT_NOT, /* one argument, as those that follow */
	FLOW_NEGATE,
	FLOW_ABSOLUTE,
	FLOW_CONVERT, /* to another integer type */
	FLOW_TO_TIME, /* seconds since 1970 to FLOW_TIME; fails out of the range of times */
	FLOW_EQUAL,   /* FLOW_EQUAL to FLOW_GREATER_EQUAL: two numbers of one kind to a boolean */
	FLOW_NOT_EQUAL,
	FLOW_LESS,
	FLOW_LESS_EQUAL,
	FLOW_GREATER,
	FLOW_GREATER_EQUAL
} FlowOperation;

/* in expression.c */

/*
 * Makes an empty set of expressions.  "columns" must outlive it.  All
 * expressions live until flow_expressions_free; constants are copied.
 * Functions that return an expression return NULL when memory is short.  They
 * accept NULL for an argument and then return NULL.
 */
extern FlowExpressions *flow_expressions_create(const FlowHost *host, const FlowColumn *columns,
                                                int ncolumns);
extern void flow_expressions_free(FlowExpressions *expressions);

/*
 * Returns the value of a column; each column's expression is made once.  Its
 * type is not FLOW_FLOAT, FLOW_DOUBLE, FLOW_DECIMAL, FLOW_PADDED or
 * FLOW_OPAQUE, unless only its being NULL matters.
 */
extern FlowExpression *flow_expression_column(FlowExpressions *expressions, int column);

/*
 * Returns a constant of a type whose value is FlowValue.integer or
 * FlowValue.text; NULL for "value" is SQL's NULL.
 */
extern FlowExpression *flow_expression_constant(FlowExpressions *expressions, FlowType type,
                                                const FlowValue *value);

/* Returns the type of an expression's values. */
extern FlowType flow_expression_type(const FlowExpression *expression);

/*
 * Returns the first of the arguments that is not NULL (COALESCE); all have one
 * type.
 */
extern FlowExpression *flow_expression_coalesce(FlowExpressions *expressions,
                                                FlowExpression *const *arguments, int count);

/*
 * Returns CASE: the result whose condition, a boolean, is the first to be
 * true, or results[count].  All results have one type.  A result is evaluated
 * only for records for which it is the one.
 */
extern FlowExpression *flow_expression_case(FlowExpressions *expressions,
                                            FlowExpression *const *conditions,
                                            FlowExpression *const *results, int count);

/*
 * Gives the value of the expression with a number for the record that waits
 * for it with FLOW_NEED_VALUE; NULL is SQL's NULL.  It is copied, and holds
 * until flow_expressions_forget.  Returns false if memory is short.
 */
extern bool flow_expression_provide(FlowExpressions *expressions, int number,
                                    const FlowValue *value);
extern void flow_expressions_forget(FlowExpressions *expressions);

/* in expression_number.c */

/*
 * Returns an operation on numbers: integers, booleans, times or days; of one
 * argument if "right" is NULL and the operation takes one.  "number" is the
 * one by which the host knows it, should it fail, and is not 0; an operation
 * that cannot fail has number 0.
 */
extern FlowExpression *flow_expression_operation(FlowExpressions *expressions,
                                                 FlowOperation operation, FlowType type,
                                                 FlowExpression *left, FlowExpression *right,
                                                 int number);

/* Returns true if an operation has one argument. */
extern bool flow_operation_is_unary(FlowOperation operation);

/* in expression_text.c */

/*
 * Returns texts one after another, of which NULL makes the result NULL, or, if
 * "skips_null", is left out.  "separator" stands between those that are not
 * left out, and makes the result NULL if it is NULL; without one, there is
 * nothing between them.  It fails for a long result.
 */
extern FlowExpression *flow_expression_concat(FlowExpressions *expressions,
                                              FlowExpression *separator,
                                              FlowExpression *const *arguments, int count,
                                              bool skips_null, int number);

/* Returns an integer as text, or a boolean as "t" or "f". */
extern FlowExpression *flow_expression_number_text(FlowExpressions *expressions,
                                                   FlowExpression *number);

/*
 * Returns an address as text.  It fails for those of IPv6 that begin with
 * zeros, some of which have an IPv4 address at their end.
 */
extern FlowExpression *flow_expression_address_text(FlowExpressions *expressions,
                                                    FlowExpression *address, int number);

/*
 * Returns a comparison, FLOW_EQUAL to FLOW_GREATER_EQUAL, of two texts by their
 * bytes, or of two addresses or networks.
 */
extern FlowExpression *flow_expression_compare(FlowExpressions *expressions,
                                               FlowOperation operation, FlowExpression *left,
                                               FlowExpression *right);

/* in expression_time.c */

/* From a time on, microseconds since 1970, a zone is so many seconds east of UTC. */
typedef struct FlowZoneChange
{
	int64_t from;
	int32_t offset;
} FlowZoneChange;

/*
 * A time zone, which is known from its first change, of which there is at
 * least one, to before "end".
 */
typedef struct FlowZone
{
	const FlowZoneChange *changes;
	size_t count;
	int64_t end;
} FlowZone;

typedef enum FlowTimePart
{
	/* the time, cut in the zone; weeks begin on Monday */
	FLOW_TO_SECOND,
	FLOW_TO_MINUTE,
	FLOW_TO_HOUR,
	FLOW_TO_DAY,
	FLOW_TO_WEEK,
	FLOW_TO_MONTH,
	FLOW_TO_QUARTER,
	FLOW_TO_YEAR,
	/* what clock and calendar show in the zone */
	FLOW_LOCAL_TIME,
	FLOW_LOCAL_DAY, /* FLOW_DAY */
	/* numbers of it, FLOW_INT64 */
	FLOW_MINUTE_OF_HOUR,
	FLOW_HOUR_OF_DAY,
	FLOW_DAY_OF_WEEK,     /* Sunday is 0 */
	FLOW_ISO_DAY_OF_WEEK, /* Monday is 1, Sunday 7 */
	FLOW_DAY_OF_MONTH,
	FLOW_DAY_OF_YEAR,
	FLOW_MONTH_OF_YEAR,
	FLOW_QUARTER_OF_YEAR,
	FLOW_YEAR
} FlowTimePart;

/*
 * Returns a part of a time, in a zone.  It fails for a time for which the zone
 * is not known, and where a cut time does not exist or exists twice in it.  The
 * zone is copied.
 */
extern FlowExpression *flow_expression_time(FlowExpressions *expressions, FlowTimePart part,
                                            const FlowZone *zone, FlowExpression *argument,
                                            int number);

/*
 * Returns the last of the times "origin", "origin" + "stride" (microseconds,
 * above 0) and so on that is not after a time; fails before the origin.
 */
extern FlowExpression *flow_expression_bin(FlowExpressions *expressions, int64_t stride,
                                           int64_t origin, FlowExpression *argument, int number);

/* in memo.c */

/*
 * The values, as far as they are known, of expressions that the host computes
 * of one column: a table of at most about 1 MiB for all expressions of a scan.
 * It outlives the expressions that use it.
 */
typedef struct FlowMemo FlowMemo;

extern FlowMemo *flow_memo_create(const FlowHost *host);
extern void flow_memo_free(FlowMemo *memo);

/* Sets the memo of expressions that will be made. */
extern void flow_expressions_use_memo(FlowExpressions *expressions, FlowMemo *memo);

/*
 * Returns an expression of a single column that only the host can compute, and
 * that has one value for each value of the column.  It fails for a record
 * whose value is not known; what is provided is then known for other records
 * with the same field.  The type is that of a number or FLOW_TEXT.  With
 * "ahead", the expression has no effect but its value: it cannot raise an
 * error.  Then many values may be awaited at once, also of records that will
 * not need it.
 */
extern FlowExpression *flow_expression_remembered(FlowExpressions *expressions, int column,
                                                  FlowType type, int number, bool ahead);

/* A value that is awaited: of an expression, for a field of a column. */
typedef struct FlowAwaited
{
	int number; /* of the expression */
	int column;
	FlowSlice field; /* as in a FlowRecord */
} FlowAwaited;

/*
 * After FLOW_NEED_VALUE for number 0: sets the next value that is awaited,
 * which is to be given by flow_memo_provide (NULL is SQL's NULL) before the
 * next one is asked for; false if there is none.
 */
extern bool flow_memo_next(FlowMemo *memo, FlowAwaited *awaited);
extern void flow_memo_provide(FlowMemo *memo, const FlowValue *value);

/* in expression_filter.c */

/*
 * Returns true for the records that pass a filter, and false for others.  The
 * filter becomes the expressions', which free it.
 */
extern FlowExpression *flow_expression_filter(FlowExpressions *expressions, FlowFilter *filter);

/* in filter.c: the expressions of a filter's predicates; NULL when memory is short */
extern FlowExpressions *flow_filter_expressions(FlowFilter *filter);

/*
 * in filter_expression.c: the predicate "expression is true"; the expression is
 * one of the filter's
 */
extern FlowPredicate *flow_filter_expression(FlowFilter *filter, FlowExpression *expression);

#endif /* FLOW_API_EXPRESSION_H */
