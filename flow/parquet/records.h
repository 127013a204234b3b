/*-------------------------------------------------------------------------
 *
 * records.h
 *	  The rows of a Parquet file as batches of records, whose fields are text.
 *
 * A value becomes the field that it would be in a log, so that it is read,
 * compared and grouped as a field of any other file.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_PARQUET_RECORDS_H
#define FLOW_PARQUET_RECORDS_H

#include "internal.h"
#include "parquet.h"

typedef struct FlowParquetRecords FlowParquetRecords;

typedef struct FlowParquetSpec
{
	const FlowHost *host;
	const FlowColumn *columns;
	int ncolumns;
	FlowParquetInput input;
	/* only the row groups that begin in [start, end) are read */
	uint64_t start, end;
	uint64_t *serial;         /* the last FlowCodes.serial in use; is advanced */
	const FlowSample *sample; /* the rows that are read; NULL: all */
	uint64_t number;          /* of the file, in this sample */
} FlowParquetSpec;

/*
 * Opens a file and finds the leaf of each column that records fill.  A known
 * field of flow logs may be missing, which sets *lacks_field; for another
 * column that is FLOW_BAD_HEADER.  The errors of all functions are predicates
 * about the file, without its name, except FLOW_BAD_HEADER.
 */
extern FlowStatus flow_parquet_records_open(const FlowParquetSpec *spec,
                                            FlowParquetRecords **records, bool *lacks_field,
                                            FlowError *error);
extern void flow_parquet_records_close(FlowParquetRecords *records);

/* Returns true if the file has a leaf for the column. */
extern bool flow_parquet_records_has(const FlowParquetRecords *records, int column);

#define FLOW_PARQUET_BLOCK 2048 /* maximum rows of a block */

/* Consecutive rows of a file. */
typedef struct FlowParquetBlock
{
	uint64_t first; /* number of its first row in the file, from 0 */
	size_t count;
	uint64_t group_rows; /* of its row group, if it begins one; otherwise 0 */
} FlowParquetBlock;

/*
 * Goes on to the next block; FLOW_END after the last.  No column of it has
 * been read.
 */
extern FlowStatus flow_parquet_records_next(FlowParquetRecords *records, FlowParquetBlock *block,
                                            FlowError *error);

/* Finds out whether records may pass whose columns lie in intervals, by column. */
typedef struct FlowParquetProspect
{
	bool (*may_pass)(void *arg, const FlowInterval *intervals);
	void *arg;
} FlowParquetProspect;

/*
 * Leaves out the rows of the current row group, which has just begun, that lie
 * in pages in which no record may pass, by the bounds of some columns, given by
 * column.  *pages and *rows are set to their numbers.  If there are any, the
 * next block is the first one of the row group again, and the ranges of the
 * columns in "paged" are those of pages that are left; NULL: of none.
 */
extern FlowStatus flow_parquet_records_prune(FlowParquetRecords *records, const bool *columns,
                                             const bool *paged, const FlowParquetProspect *prospect,
                                             uint64_t *pages, uint64_t *rows, FlowError *error);

/*
 * Returns true if pruning a row group so may save far more bytes than it reads,
 * where each range costs a request.
 */
extern bool flow_parquet_records_index_pays(const FlowParquetRecords *records, size_t group,
                                            const bool *columns, const bool *paged);

/* Returns true if the sample has rows of a row group. */
extern bool flow_parquet_records_is_sampled(const FlowParquetRecords *records, size_t group);

/*
 * Leaves out the rows of the current row group that are not in the sample, in
 * the same way.
 */
extern FlowStatus flow_parquet_records_sample(FlowParquetRecords *records, uint64_t *rows,
                                              FlowError *error);

/* Skips the rest of the current row group. */
extern void flow_parquet_records_skip_group(FlowParquetRecords *records);

/* Returns the rows of the row groups that have begun, as the footer has it. */
extern uint64_t flow_parquet_records_rows(const FlowParquetRecords *records);

/*
 * Returns the number of the current row group.  flow_parquet_records_after
 * sets *group to that of the next one that is read after it; false if there is
 * none.
 */
extern size_t flow_parquet_records_group(const FlowParquetRecords *records);
extern uint64_t flow_parquet_records_group_rows(const FlowParquetRecords *records);
extern bool flow_parquet_records_after(const FlowParquetRecords *records, size_t *group);

/*
 * Sets what the statistics of a row group say about each column:
 * FlowInterval's bounds hold also for what the column makes of the values.
 */
extern void flow_parquet_records_intervals(const FlowParquetRecords *records, size_t group,
                                           FlowInterval *intervals);

/*
 * Returns false only if no row of a row group has a value in a column that
 * compares so with one of some values, by the bounds of texts.
 */
extern bool flow_parquet_records_may_have(const FlowParquetRecords *records, size_t group,
                                          int column, FlowOp op, const FlowValue *values,
                                          size_t count);

/* What is read of a row group, by column. */
typedef struct FlowParquetNeeds
{
	const bool *columns;
	/*
	 * Only the dictionaries that have all values of these columns, or the bloom
	 * filters that FlowBatchLoader's find reads instead.
	 */
	bool dictionaries;
	const bool *sought; /* columns that are compared by "=" */
	const bool *paged;  /* also what flow_parquet_records_prune reads; NULL: not */
} FlowParquetNeeds;

/*
 * Sets the byte ranges that are needed of a row group, sorted by offset.
 * "ranges" has room for as many as flow_parquet_records_room says.  *count is
 * set to their number and *bytes to their size, without what is shared.
 */
extern FlowStatus flow_parquet_records_ranges(const FlowParquetRecords *records, size_t group,
                                              const FlowParquetNeeds *needs, FlowRange *ranges,
                                              size_t *count, uint64_t *bytes, FlowError *error);
extern size_t flow_parquet_records_room(const FlowParquetRecords *records, size_t group);

/*
 * Returns the batch of the current block, without rows.  Row i of the block is
 * row i of the batch.  Its columns are read by flow_batch_load.
 */
extern FlowBatch *flow_parquet_records_batch(FlowParquetRecords *records);

/*
 * Returns the field of a row for which the column was loaded, also if the row
 * is doubtful, or for which it has codes; data is NULL for no value, or if the
 * file has no such leaf.
 */
extern FlowSlice flow_parquet_records_field(const FlowParquetRecords *records, uint32_t row,
                                            int column);

/* Returns the error for a status that flow_batch_load returned. */
extern const FlowError *flow_parquet_records_error(const FlowParquetRecords *records);

#endif /* FLOW_PARQUET_RECORDS_H */
