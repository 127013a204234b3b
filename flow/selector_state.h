/*-------------------------------------------------------------------------
 *
 * selector_state.h
 *	  Shared by the files that make a selector and apply it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_SELECTOR_STATE_H
#define FLOW_SELECTOR_STATE_H

#include "filter.h"
#include "selector.h"

/* nodes evaluated between two checks for an interrupt */
#define FLOW_NODES_A_LOOK 65536

typedef struct FlowConjunct
{
	const FlowPredicate *predicate;
	const int *columns; /* those it uses */
	int ncolumns;
	size_t segment; /* conjuncts may change places within a segment */
	size_t kept;    /* of the records learned from */

	/* by code: a Verdict; of the entries with a serial */
	uint8_t *verdicts;
	size_t nverdicts;
	uint64_t serial;

	/* the children of an OR of several columns, if each has a single one */
	struct FlowConjunct *branches;
	size_t nbranches;
} FlowConjunct;

/* An OR of more children than this has no branches. */
#define FLOW_BRANCHES_MAX 16

struct FlowSelector
{
	const FlowHost *host;
	const FlowFilter *filter;
	size_t work;       /* nodes evaluated since the last check for an interrupt */
	bool interrupted;  /* it wants to stop */
	FlowStatus status; /* of a column that could not be loaded */
	size_t learned;    /* records; from LEARN_FROM on the order is fixed */
	size_t count;
	FlowSlice *fields;      /* by column: of the record that is evaluated by itself */
	uint32_t *learning;     /* a copy of the rows */
	FlowMemo *memo;         /* of values that its predicates use; NULL: none is used */
	uint32_t *saved;        /* with a memo: the rows before they are evaluated */
	int *columns;           /* those of all conjuncts, one after the other */
	FlowConjunct *branches; /* likewise */
	size_t nbranches;
	FlowConjunct conjuncts[];
};

/*
 * Counts nodes that are evaluated; returns false once the host wants to stop.
 */
static inline bool
flow_selector_goes_on(FlowSelector *selector, size_t nodes)
{
	selector->work += nodes;
	if (flow_unlikely(selector->work >= FLOW_NODES_A_LOOK))
	{
		selector->work = 0;
		selector->interrupted = flow_interrupted(selector->host);
	}
	return !selector->interrupted;
}

#endif /* FLOW_SELECTOR_STATE_H */
