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

/* Sets what a column's type means to the core. */
extern void flowlog_column_set_type(FlowColumn *column, Oid type, int32 typmod);

/* Reads an integer of a type; returns false if that is none of integers. */
extern bool flowlog_read_integer(Oid type, Datum datum, int64 *integer);

/*
 * Converts a Datum of a type that columns are compared with to the core's
 * value.
 */
extern void flowlog_value_from_datum(Oid type, Datum datum, FlowValue *value);

typedef struct FlowlogTuple FlowlogTuple;

/* ---------- tuple.c ---------- */

/* Where the records to be converted come from. */
typedef struct FlowlogTupleSource
{
	const FlowlogTable *table;
	const FlowHost *host;
	MemoryContext context; /* of the converter */

	/*
	 * called for a field that does not convert: returns if it shall be NULL,
	 * or raises an error
	 */
	void (*bad_field)(void *arg, FlowBadField bad);

	/*
	 * finds the place of the current record, for an error's context; returns
	 * false if it is not known.  NULL: it is never known
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
 * Returns the columns of a record that are converted, for FlowReadSpec; the
 * array lives as long as the converter.
 */
extern const int *flowlog_tuple_columns(const FlowlogTuple *tuple, int *count);

/*
 * Fills values and isnull of a whole row; by-reference values live until the
 * next call.  NULLs of columns that are not converted are written only if the
 * arrays are not those of the last call.
 */
extern void flowlog_tuple_fill(FlowlogTuple *tuple, const FlowRecord *record, Datum *values,
                               bool *isnull);

/* Frees the memory of rows; the next row allocates it again. */
extern void flowlog_tuple_rest(FlowlogTuple *tuple);

/*
 * Converts a column's value to a Datum, in the current memory context.  Not
 * for types that need more than the value: FLOW_DECIMAL, FLOW_PADDED,
 * FLOW_OPAQUE.
 */
extern Datum flowlog_value_to_datum(const FlowColumn *column, const FlowValue *value);

#endif /* FLOWLOG_TUPLE_H */
