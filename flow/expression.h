/*-------------------------------------------------------------------------
 *
 * expression.h
 *	  Shared by the files of expressions.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_EXPRESSION_H
#define FLOW_EXPRESSION_H

#include "memo.h"
#include "vector.h"

/*
 * Fills the vector of an expression for the records of a run, which a record
 * without a known value cuts short.  "mask" has a byte for each record: what
 * is not 1 needs no value, and must not cut the run.  NULL: all need one.
 */
typedef void (*FlowEvaluate)(FlowExpression *expression, FlowRun *run, const uint8_t *mask);

/*
 * Marks of columns, by column: those whose fields are read, those that are read
 * into vectors, and those of which codes are enough, and otherwise fields.
 */
typedef struct FlowColumnMarks
{
	bool *fields, *vectors, *codes;
} FlowColumnMarks;

#define FLOW_NO_COLUMN (-1)
#define FLOW_ANY_COLUMN (-2)

/*
 * An expression.  Each file has expressions of its own, which begin with this.
 */
struct FlowExpression
{
	FlowEvaluate evaluate;
	FlowExpressions *owner;
	FlowVector vector; /* of the run evaluated last */
	/*
	 * the run of which it has the values of all records, as it can be used
	 * more than once in it; 0: none, or it is not used so
	 */
	uint64_t run;

	/*
	 * the only column of which it is computed: FLOW_NO_COLUMN if there is
	 * none, FLOW_ANY_COLUMN if there are several, or that is not known
	 */
	int column;

	/* the number by which the host knows it, should it fail; 0: it cannot */
	int number;
	FlowExpression *next_failing; /* in a list of all that can */
	bool provided;                /* the host has given its value for this record */
	bool provided_null;
	int64_t provided_number;
	FlowSlice provided_text; /* a copy */
	size_t text_room;        /* bytes of it */

	/*
	 * for one that holds more than memory: frees that, forgets the values in
	 * it, and marks the columns that it reads by itself
	 */
	void (*release)(FlowExpression *expression);
	void (*forget)(FlowExpression *expression);
	void (*mark)(const FlowExpression *expression, const FlowColumnMarks *marks);
	FlowExpression *next_holder; /* in a list of all such */
};

typedef struct FlowExpressionChunk FlowExpressionChunk;

struct FlowExpressions
{
	const FlowHost *host;
	const FlowColumn *columns;
	int ncolumns;
	FlowExpression **by_column;
	FlowExpressionChunk *chunks;
	FlowExpression *failing;
	bool filter_may_fail; /* that of an expression */
	FlowExpression *holders;
	FlowMemo *memo; /* NULL: no expression of a column is remembered */
	uint64_t run;   /* number of the run that is evaluated */
};

/* ---------- expression.c ---------- */

/*
 * Makes an expression of "size" bytes, zeroed after its FlowExpression, with a
 * vector; NULL if memory is short.  "number" as for flow_expression_operation.
 */
extern void *flow_expression_new(FlowExpressions *expressions, FlowType type, FlowEvaluate evaluate,
                                 size_t size, int number);

/* Memory that lives as long as the expressions; NULL when there is none. */
extern void *flow_expression_allocate(FlowExpressions *expressions, size_t size);

/* Marks the columns that any of the expressions reads. */
extern void flow_expressions_mark(const FlowExpressions *expressions, const FlowColumnMarks *marks);

/* To be called before expressions are evaluated for another run. */
extern void flow_expressions_begin_run(FlowExpressions *expressions);

/*
 * Notes that an expression, whose column has been set, is computed of another
 * one, too.
 */
static inline void
flow_expression_reads(FlowExpression *expression, const FlowExpression *argument)
{
	if (expression->column == FLOW_NO_COLUMN)
		expression->column = argument->column;
	else if (argument->column != FLOW_NO_COLUMN && argument->column != expression->column)
		expression->column = FLOW_ANY_COLUMN;
}

/* Evaluates an expression; its values are then in its vector. */
static inline void
flow_expression_evaluate(FlowExpression *expression, FlowRun *run, const uint8_t *mask)
{
	if (expression->run == 0 || expression->run != expression->owner->run)
		expression->evaluate(expression, run, mask);
}

/*
 * For record i, which the expression fails on: takes the value that the host
 * has given, or ends the run before it.  Returns false if it ends.
 */
extern bool flow_expression_fail(FlowExpression *expression, FlowRun *run, size_t i);

#endif /* FLOW_EXPRESSION_H */
