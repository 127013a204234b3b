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
 * Finds the field for a column's name, in small letters: "-" and "_" do not
 * count, wherever they stand ("src_addr", "accountid"), and the names that
 * Athena's old page and other tools have for a field are known too
 * ("source_address", "src_ip").
 */
extern const FlowField *flow_field_of_column(const char *column_name);

/*
 * Finds the field for a name that may have capitals, as in "interfaceId" or
 * "startTime"; otherwise as for a column.
 */
extern const FlowField *flow_field_of_camel(const char *name, size_t len);

/*
 * Returns true if two names are the same: capitals make no difference, and "-"
 * and "_" do not count.
 */
extern bool flow_field_is_same(const char *a, const char *b, size_t b_len);

#endif /* FLOW_FIELD_H */
