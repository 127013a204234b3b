/*-------------------------------------------------------------------------
 *
 * keys.h
 *	  What the members of JSON fill, in records that have one for each field.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_KEYS_H
#define FLOW_KEYS_H

#include "bytes/source.h"

/* in keys.c */

/*
 * Makes the keys for a table: the lines have a field for each column that a
 * record fills, in their order.  Without columns, the members are only found.
 * The columns must outlive the keys.  FLOW_OK or FLOW_NO_MEMORY.
 */
extern FlowStatus flow_keys_create(const FlowHost *host, const FlowColumn *columns, int ncolumns,
                                   FlowKeys **keys, FlowError *error);
extern void flow_keys_free(const FlowHost *host, FlowKeys *keys);

/* Returns true if there was a member for a field of the lines. */
extern bool flow_keys_have(const FlowKeys *keys, const FlowKeysSeen *seen, int field);

/*
 * Returns the index, among the columns that a record fills, of one that is no
 * known field and for which there was no member; -1 if there is none.
 */
extern int flow_keys_missing(const FlowKeys *keys, const FlowKeysSeen *seen);

#endif /* FLOW_KEYS_H */
