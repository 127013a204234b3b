/*-------------------------------------------------------------------------
 *
 * tuple.h
 *	  Types of columns, and the conversion of records to tuples.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOWLOG_TUPLE_H
#define FLOWLOG_TUPLE_H

#include "fdw/table.h"

/* ---------- type.c ---------- */

/* What a column's type means to the core. */
extern void flowlog_column_set_type(FlowColumn *column, Oid type, int32 typmod);

typedef struct FlowlogTuple FlowlogTuple;

/* ---------- tuple.c ---------- */

/* Where the records come from that are converted. */
typedef struct FlowlogTupleSource
{
	const FlowlogTable *table;
	const FlowHost *host;
	MemoryContext context; /* in which the converter lives */

	/*
	 * called for a field that does not convert: returns if it is to be NULL,
	 * or raises an error
	 */
	void (*bad_field)(void *arg, FlowBadField bad);

	/*
	 * the place of the current record, for the context of an error; returns
	 * false if it is not known.  NULL: it never is
	 */
	bool (*position)(void *arg, const char **path, uint64 *line);
	void *arg; /* of both */
} FlowlogTupleSource;

/*
 * Prepares to convert the columns whose attnums are in the set (offset by
 * FirstLowInvalidHeapAttributeNumber).  Copies the source.
 */
extern FlowlogTuple *flowlog_tuple_create(const FlowlogTupleSource *source, TupleDesc desc,
                                          Bitmapset *attrs_used);

/*
 * The columns of a record that it looks at, as FlowReadSpec takes them; they
 * live as long as the scan.
 */
extern const int *flowlog_tuple_columns(const FlowlogTuple *tuple, int *count);

/*
 * Fills values and isnull of a whole row; by-reference values live until the
 * next call.  Only a call with other arrays than the last one's writes the
 * NULLs of columns that are not converted.
 */
extern void flowlog_tuple_fill(FlowlogTuple *tuple, const FlowRecord *record, Datum *values,
                               bool *isnull);

/* Frees what rows took; the next row makes it anew. */
extern void flowlog_tuple_rest(FlowlogTuple *tuple);

/*
 * A value of a column as a Datum, in the current memory context.  Not of the
 * types for which that takes more than the value: FLOW_DECIMAL, FLOW_PADDED,
 * FLOW_OPAQUE.
 */
extern Datum flowlog_value_to_datum(const FlowColumn *column, const FlowValue *value);

/*
 * A value of one of the types that columns are compared with, as the core has
 * it.
 */
extern void flowlog_value_from_datum(Oid type, Datum datum, FlowValue *value);

#endif /* FLOWLOG_TUPLE_H */
