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
	int version;      /* of the record format that introduced it; 6 is the transit gateway's */
	FlowType type;    /* its natural type */
} FlowField;

/* in field.c */

/* Finds a field by its name in headers; NULL if it is not known. */
extern const FlowField *flow_field_find(const char *name, size_t len);

/*
 * Returns a field by its index, from 0, in the documentation's order; NULL
 * after the last one.
 */
extern const FlowField *flow_field_at(size_t index);

/*
 * Finds the field for a column's name: "_" stands for "-", and the names on
 * Athena's old page are known too.
 */
extern const FlowField *flow_field_of_column(const char *column_name);

#endif /* FLOW_FIELD_H */
