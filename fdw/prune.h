/*-------------------------------------------------------------------------
 *
 * prune.h
 *	  What prune.c, which prunes a listing, and the other prune_*.c share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOWLOG_PRUNE_H
#define FLOWLOG_PRUNE_H

#include "flowlog_fdw.h"

/* Whether a condition holds for any date of a range. */
typedef struct KnownRange
{
	int64 from, to;
	bool passes;
} KnownRange;

/*
 * Directories of one year come again below each account and region, of which a
 * listing has all years, or months, one after the other.
 */
#define KNOWN_RANGES 16

typedef struct FlowlogPrunePart FlowlogPrunePart;

/* A condition on a file. */
typedef struct FileQual
{
	Expr *clause;
	/* the clause to be evaluated now; NULL: it cannot be evaluated now */
	Expr *now;
	ExprState *state;      /* of "now" */
	MemoryContext renewed; /* what it is in, if it was made anew; or NULL */
	/* for a listing; NULL: the clause is not made of comparisons */
	FlowFilter *filter;
	FlowlogPrunePart *part; /* its parts; NULL: all of it is of one column */
	Index level;
	bool leakproof;
	bool comparisons; /* the reader's filter can evaluate it */
	bool is_attempt;  /* it may fail, which is not an error now */
	bool columns_may_fail;
	int *columns; /* the columns it uses */
	int ncolumns;

	/* for a listing: ranges of dates, and whether it holds for any of them */
	KnownRange ranges[KNOWN_RANGES];
	unsigned nranges; /* the last ones are kept */
} FileQual;

/* What is known about a column. */
typedef enum Knowledge
{
	NOT_KNOWN,
	KNOWN,
	BAD /* its text is not of its type, or it is null and must not be */
} Knowledge;

struct FlowlogPrune
{
	const FlowlogTable *definition; /* the table as defined */
	const FlowlogTable *indexed;    /* as the index has it; NULL: it is not used */
	FlowlogBackend *backend;        /* this lives in its memory context */
	bool explain_only;
	PlanState *parent; /* NULL: planning */
	FileQual *quals;   /* ordered by security level */
	int nquals;
	List *time_clauses;
	List *index_clauses;
	List *pushed;            /* all conditions of records, if there are answers */
	FlowlogAnswers *answers; /* NULL: all files that are left are read */
	FlowlogIndexUse index_use;
	bool has_sets; /* of the keys of joins */
	/* on run-time parameters, which may have other values in a rescan */
	bool depends_on_run;

	/* set when the first listing begins */
	bool ready;
	ExprContext *econtext;
	TupleTableSlot *slot;
	/*
	 * the table, but all columns may be NULL: whether they may is checked here
	 */
	FlowlogTable table;
	FlowlogTuple *tuple;
	FlowConstants *constants;
	FlowSlice *fields;    /* by column */
	Knowledge *knowledge; /* by column */
	FlowStatus *statuses; /* by column that is BAD */
	MemoryContext lookup; /* of what the index says */

	/* read when it is first wanted, for all listings; NULL: there is no index */
	FlowlogIndexPrune *known_index;
	bool index_is_known;

	/* for a listing */
	FlowFilter *times;        /* NULL: none */
	FlowlogIndexPrune *index; /* NULL: the index is not used */
	const FlowFilter *filter; /* all that the reader evaluates; NULL: not known */
	FlowInterval *intervals;  /* by column */
	FlowPruner pruner;
};

/* Something that is evaluated in a subtransaction. */
typedef struct Attempt
{
	FlowlogPrune *prune;
	ExprContext *econtext;
	Expr *expr; /* a part of a clause; value is its result */
	Const *value;
	/* or a condition on the current file, or on dates; holds is its result */
	FileQual *qual;
	const FlowPathValue *values;
	int variable;
	bool holds;
} Attempt;

/* in prune_row.c */

/*
 * Fills the slot with the columns known for this file or directory; "file" is
 * NULL for a directory.
 */
extern void flowlog_prune_fill_row(FlowlogPrune *prune, const FlowObject *file,
                                   const FlowPathValue *values);

/* Returns the first column of a condition whose value is not known, or -1. */
extern int flowlog_prune_first_unknown(const FlowlogPrune *prune, const FileQual *qual);

/*
 * Calls the function with the attempt in a subtransaction; returns false if it
 * fails, or cannot be called so.  The function makes the attempt's econtext,
 * which stays NULL if it is not called, and ends the attempt.
 */
extern bool flowlog_prune_try(Attempt *attempt, void (*function)(void *arg));
extern void flowlog_prune_end_attempt(Attempt *attempt);

/* in prune_date.c */

/*
 * Returns true if the condition may hold in a directory that does not have all
 * of its values.
 */
extern bool flowlog_prune_may_hold_below(FlowlogPrune *prune, FileQual *qual,
                                         const FlowPathValue *values);

/*
 * Returns true if all conditions can hold for some day, where only the year of
 * a date is known, or its year and month.
 */
extern bool flowlog_prune_dates_may_pass(FlowlogPrune *prune, const FlowPathValue *values);

/*
 * Returns true if a record can pass whose times are near the time in the
 * file's name.
 */
extern bool flowlog_prune_times_may_pass(FlowlogPrune *prune, const FlowObject *file);

/* in prune_part.c */

/* Returns the parts of a condition; NULL if all of it is of one column. */
extern FlowlogPrunePart *flowlog_prune_make_part(const FlowlogPrune *prune, const FileQual *qual);

/*
 * Returns true if a condition may hold in the current directory, which does
 * not have all of its values.
 */
extern bool flowlog_prune_part_may_hold(const FlowlogPrune *prune, const FlowlogPrunePart *part);

#endif /* FLOWLOG_PRUNE_H */
