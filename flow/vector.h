/*-------------------------------------------------------------------------
 *
 * vector.h
 *	  Values of many records: one column, or what is computed from columns.
 *
 * Records are processed in runs, a vector at a time.  A record whose field is
 * bad, or whose value cannot be computed, cuts the run short: all records
 * before it remain, and it is then processed as a run of its own.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_VECTOR_H
#define FLOW_VECTOR_H

#include "internal.h"

/*
 * Maximum records of a run; a few of its vectors stay in the first-level
 * cache.
 */
#define FLOW_RUN 256

/* The records that are being processed. */
typedef struct FlowRun
{
	const FlowBatch *batch;
	size_t first;
	size_t count;      /* records known so far to be good */
	bool bad_is_null;  /* the run is then one record */
	FlowStatus status; /* of the record that cut the run short */
	FlowBadField bad;
} FlowRun;

/*
 * The values of a run; only the array of the type's kind is there.  What has
 * no value is 0 in "numbers".
 */
typedef struct FlowVector
{
	FlowType type;
	uint8_t *present; /* 1: it has a value; 0: it is NULL */
	int64_t *numbers;
	FlowAddress *addresses;
	FlowSlice *texts;
} FlowVector;

/* Returns one of two numbers, without a branch; "taken" is 1 or 0. */
static inline int64_t
flow_choose(int64_t taken, int64_t one, int64_t other)
{
	return other ^ ((one ^ other) & -taken);
}

/* Fields of lines, by record. */
typedef struct FlowDigitFields
{
	const char *data;
	const uint32_t *ends; /* offset after the separator of field 0 of a column; see FlowBatch */
	const uint32_t *rows;
	uint64_t limit;  /* digits are a value if their number is below this, */
	uint64_t factor; /* multiplied by this */
} FlowDigitFields;

/*
 * Reads the numbers of records from "first" to before "count", up to one whose
 * field is not from 1 to 16 digits, or not below the limit; returns that
 * record, or "count".
 */
typedef size_t (*FlowReadDigits)(const FlowDigitFields *fields, size_t first, size_t count,
                                 int64_t *numbers, uint8_t *present);

/* How a column is read into vectors. */
typedef struct FlowColumnReader
{
	const FlowColumn *columns;
	int column;
	bool by_digits; /* a batch's plain digits are read without flow_value_read */
	FlowReadDigits read_digits;
	uint64_t limit; /* as in FlowDigitFields */
	uint64_t factor;
} FlowColumnReader;

/*
 * Ends the run before its record i, with a status.  "column" is that of a bad
 * field, or the number of the expression that the host must evaluate.
 */
static inline void
flow_run_cut(FlowRun *run, size_t i, FlowStatus status, int column)
{
	run->count = i;
	run->status = status;
	run->bad =
		(FlowBadField) {status == FLOW_NO_MEMORY || status == FLOW_LIMIT ? -1 : column, status};
}

/*
 * Returns how many records to try in the run after one that was of "most"
 * records.  Where runs are cut short often, long ones would be evaluated in
 * vain.
 */
static inline size_t
flow_run_next(const FlowRun *run, size_t most)
{
	if (run->status == FLOW_NEED_VALUE && run->bad.column != 0)
		most = run->count < 2 ? 2 : run->count;
	return most < FLOW_RUN / 2 ? most * 2 : FLOW_RUN;
}

/* in vector_digits.c */

/*
 * Returns a function that this processor can run, the fastest of which is
 * version 0; NULL if there are not as many.
 */
extern FlowReadDigits flow_vector_digits(int version);

/* in vector.c */

/* Returns true if a type's values are numbers. */
extern bool flow_type_is_number(FlowType type);

/* Returns the bytes of the arrays of a vector. */
extern size_t flow_vector_size(FlowType type);

/* Makes a vector of such arrays; "memory" is aligned for any type. */
extern void flow_vector_init(FlowVector *vector, FlowType type, void *memory);

extern void flow_column_reader_init(FlowColumnReader *reader, const FlowColumn *columns,
                                    int column);

/*
 * Makes a column of a batch ready to be read into vectors, as flow_batch_load
 * does.
 */
extern FlowStatus flow_vector_load(const FlowColumn *columns, int column, const FlowBatch *batch,
                                   uint32_t *rows, size_t count);

/*
 * Sets *numbers if a column's values in a batch are there as numbers, all of
 * which are values of its type; *present says which are there.
 */
extern FlowStatus flow_vector_numbers(const FlowColumn *columns, int column, const FlowBatch *batch,
                                      const int64_t **numbers, const uint8_t **present);

/*
 * Lets a vector show a column's values of a run where they are, and returns
 * true, if they are there as numbers one after the other.  They are not to be
 * changed.
 */
extern bool flow_vector_show(const FlowColumnReader *reader, const FlowRun *run,
                             FlowVector *vector);

/* Reads a column's values of a run, which a bad field cuts short. */
extern void flow_vector_read(const FlowColumnReader *reader, const FlowHost *host, FlowRun *run,
                             FlowVector *vector);

#endif /* FLOW_VECTOR_H */
