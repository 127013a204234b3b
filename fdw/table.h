/*-------------------------------------------------------------------------
 *
 * table.h
 *	  The definition of a foreign table.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOWLOG_TABLE_H
#define FLOWLOG_TABLE_H

#include "fdw/backend.h"
#include "fdw/option.h"

/* ---------- table.c ---------- */

/* A foreign table's definition. */
struct FlowlogTable
{
	Oid relid;
	Oid serverid;
	const char *name;
	FlowlogOptions options;

	/* the columns that are not computed from others, in the table's order */
	FlowColumn *columns;
	int ncolumns;
	AttrNumber *attnums; /* of these columns */
	int *column_of_attr; /* by attnum - 1: index into columns, or -1 */
	/*
	 * by column: true if it is one of a record's times (see option
	 * name_time_slack)
	 */
	bool *is_time;
	int natts;

	FlowlogBackend backend; /* the location's host */
	FlowLocation *location;
};

/* Reads a foreign table's definition into the current memory context. */
extern FlowlogTable *flowlog_table_open(Oid relid);

/*
 * Returns the table with columns of domains as if they were of the domains'
 * base types: addresses, texts, integers and booleans.  That is how the index
 * has their values; domains' constraints are not checked.  It is the table
 * itself if it has no such columns, or if its lines need not all be records: a
 * value that is none of the base type would be left out, where the domain's
 * input function may read it.
 */
extern const FlowlogTable *flowlog_table_with_bases(const FlowlogTable *table);

/*
 * Returns the name of a column's field: that of option "field", or the column's
 * own if that is a group's number or missing.
 */
extern const char *flowlog_column_field(const FlowColumn *column);

/*
 * Returns the column of an attribute that the reader may filter by or
 * aggregate, or -1.  Line numbers are not among them, as the reader does not
 * know them.
 */
extern int flowlog_table_column(const FlowlogTable *table, AttrNumber attnum);

#endif /* FLOWLOG_TABLE_H */
