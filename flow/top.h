/*-------------------------------------------------------------------------
 *
 * top.h
 *	  What the reader asks of the best n.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_TOP_H
#define FLOW_TOP_H

#include "internal.h"

/* in top.c */

/*
 * Marks the columns, by column, whose fields a key needs, and those that are
 * read into vectors for it.  Accepts NULL.
 */
extern void flow_top_mark(const FlowTop *top, bool *fields, bool *vectors);

#endif /* FLOW_TOP_H */
