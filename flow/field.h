/*-------------------------------------------------------------------------
 *
 * field.h
 *	  The table of the fields that AWS documents.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_FIELD_H
#define FLOW_FIELD_H

#include "internal.h"

typedef struct FlowField
{
	const char *name; /* as headers spell it: "account-id" */
	int version;      /* of the record format that brought it; 6 is the transit gateway's */
	FlowType type;    /* its natural type */
} FlowField;

extern const FlowField *flow_field_find(const char *name, size_t len);

/*
 * All of them in the documentation's order, by an index from 0; NULL behind
 * the last.
 */
extern const FlowField *flow_field_at(size_t index);

/*
 * The same for a column's name: "_" for "-", and the names of Athena's old
 * page.
 */
extern const FlowField *flow_field_of_column(const char *column_name);

#endif /* FLOW_FIELD_H */
