/*-------------------------------------------------------------------------
 *
 * memo.h
 *	  Shared by memo.c and what evaluates expressions for many records.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_MEMO_H
#define FLOW_MEMO_H

#include "flow_expression.h"

/*
 * To be called when no vector is in use: forgets all values if there are too
 * many of them, unless something is to be evaluated again with them.  Accepts
 * NULL, as all of these do.
 */
extern void flow_memo_settle(FlowMemo *memo);

/*
 * While it gathers, an expression that may be evaluated ahead has no value for
 * a record whose value is not known, and the value is awaited.  What was
 * evaluated meanwhile is then to be evaluated again.
 */
extern void flow_memo_gather(FlowMemo *memo, bool gathers);

/* Returns true if values are awaited. */
extern bool flow_memo_awaits(const FlowMemo *memo);

#endif /* FLOW_MEMO_H */
