/*-------------------------------------------------------------------------
 *
 * records_state.h
 *	  The state of the records of a Parquet file, for the files that share it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_PARQUET_RECORDS_STATE_H
#define FLOW_PARQUET_RECORDS_STATE_H

#include "fields.h"

/* Rows of a row group that are left out. */
typedef struct FlowParquetSkip
{
	uint64_t from, end;
} FlowParquetSkip;

struct FlowParquetRecords
{
	const FlowHost *host;
	const FlowColumn *columns;
	int ncolumns;
	FlowParquet *parquet;
	uint64_t start, end; /* row groups that begin here are read */
	FlowSample sample;   /* of the file */

	FlowParquetField *fields; /* by column */
	int *place;               /* by column: see FlowBatch */
	FlowParquetFields made;
	FlowBatchLoader loader;
	FlowBatch batch;
	size_t block_rows;

	/* the current row group, and the block in it */
	size_t group;        /* index of the next one */
	uint64_t group_from; /* number of its first row in the file */
	uint64_t group_rows;
	uint64_t rows; /* of it and those before it that are read */
	uint64_t at;   /* rows of the group before the block */
	size_t count;  /* rows of the block */
	bool reported; /* a block has begun the row group */

	/* rows of it that are left out, in order and apart from one another */
	FlowParquetSkip *skips;
	size_t nskips;
	size_t skip; /* index of the first that is not past */

	FlowError error; /* of the loader */
};

/* in page_skip.c */

/* Forgets what is left out of a row group, before the next one begins. */
extern void flow_parquet_skips_clear(FlowParquetRecords *records);

#define FLOW_PARQUET_GAP (128 * 1024) /* bytes between ranges that are read with them */

/*
 * Append ranges: those of the indexes by which pages are left out, at most two
 * for a column, and those of a column's pages that are left.
 */
extern void flow_parquet_index_ranges(const FlowParquetRecords *records, size_t group,
                                      const FlowParquetNeeds *needs, FlowRange *ranges,
                                      size_t *count);
extern void flow_parquet_page_ranges(const FlowParquetRecords *records,
                                     const FlowParquetField *field, const FlowParquetChunk *chunk,
                                     FlowRange *ranges, size_t *count);

/* in statistics.c */

/*
 * Returns what a column makes of integers between two bounds; it may not be
 * known.
 */
extern FlowInterval flow_parquet_interval(FlowType type, int64_t low, int64_t high);

/* in search.c */

/*
 * Returns true if a chunk's bloom filter says for less than the chunk or its
 * dictionary costs whether values are in it.
 */
extern bool flow_parquet_bloom_pays(const FlowParquetField *field, const FlowParquetChunk *chunk);

/* FlowBatchLoader's find, for the current row group. */
extern FlowStatus flow_parquet_records_find(void *records, int column, const FlowValue *values,
                                            size_t count, FlowFound *found);

#endif /* FLOW_PARQUET_RECORDS_STATE_H */
