/*-------------------------------------------------------------------------
 *
 * fields.h
 *	  Makes fields of the values of a Parquet file's leaves.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_PARQUET_FIELDS_H
#define FLOW_PARQUET_FIELDS_H

#include "records.h"

/*
 * A longer field is not copied among the others; its row is doubtful.  No
 * field of a flow log is nearly as long.
 */
#define FLOW_PARQUET_FIELD 512

/* The fields of a block, one column after the other. */
typedef struct FlowParquetFields
{
	const FlowHost *host;
	char *memory; /* of "data"; there is room before it and after it */
	char *data;
	size_t used, size; /* bytes of data */
	uint32_t *next;    /* see FlowBatch */
	uint8_t *digits;

	uint64_t *serial; /* the last FlowCodes.serial in use */

	/* copies of long fields, which are in no dictionary */
	void *copies;
	size_t copied; /* their bytes */
} FlowParquetFields;

/* What a dictionary's entry, or a field of a row, needs. */
typedef enum FlowParquetNeed
{
	FLOW_PARQUET_PLAIN,   /* nothing */
	FLOW_PARQUET_DOUBT,   /* it is empty, or not all of it is printable ASCII */
	FLOW_PARQUET_LONG,    /* it was not copied */
	FLOW_PARQUET_NO_FIELD /* there is none */
} FlowParquetNeed;

typedef struct FlowParquetLong
{
	uint32_t row;
	FlowSlice field;
} FlowParquetLong;

/* A column of the table, as the rows of a file fill it. */
typedef struct FlowParquetField
{
	const FlowHost *host;
	const FlowColumn *column;
	const FlowParquetLeaf *leaf; /* NULL: nothing fills it */
	size_t number;               /* of the leaf */
	size_t base;                 /* index in "next" of the start of row 0's field */

	FlowParquetColumn *cursor;   /* NULL: not needed yet */
	bool begun;                  /* the cursor is in the current row group */
	uint64_t position;           /* rows of the group that were read or skipped */
	FlowParquetPageIndex *pages; /* of the chunk; NULL: not read, or there is none */

	/* the current block */
	bool read;                 /* its codes, as far as there are any, and its integers */
	bool loaded;               /* its fields */
	size_t ncoded;             /* rows with codes; the others come after them */
	FlowParquetValues pending; /* the values that come first after the codes */
	uint32_t *codes;           /* by row */
	const FlowParquetDictionary *coded_by; /* whose codes they are */

	/* integers by row: those after the codes, or all if "gathered" */
	int64_t *numbers;
	uint8_t *present; /* of all integers */
	bool gathered;
	uint64_t bits; /* those that are set in any of them, and perhaps others */

	uint8_t *needs; /* by row: a FlowParquetNeed, if "any_need" */
	bool any_need;
	FlowParquetLong *longs; /* in order of rows */
	size_t nlongs, longs_size;

	/* the entries of the dictionary; the last one is no field */
	FlowCodes view;
	FlowSlice *entries;
	uint8_t *entry_needs;  /* a FlowParquetNeed each */
	uint8_t *entry_digits; /* 1: all digits */
	size_t entries_size;   /* how many have room */
	char *entry_text;
	size_t longest;              /* length of an entry that is not LONG */
	uint64_t dictionary;         /* its serial, if there are entries */
	bool all_digits, any_digits; /* entries, but for the last */
} FlowParquetField;

/* in fields.c */

/* Prepare for the next block of at most FLOW_PARQUET_BLOCK rows. */
extern void flow_parquet_fields_reset(FlowParquetFields *fields);
extern void flow_parquet_field_reset(FlowParquetField *field);

extern void flow_parquet_fields_free(FlowParquetFields *fields);
extern void flow_parquet_field_free(FlowParquetField *field);

/* in codes.c */

/*
 * Reads the codes of a block: those of its first field->ncoded rows, of
 * field->coded_by.  The cursor is at the block's first row.
 */
extern FlowStatus flow_parquet_field_read(FlowParquetField *field, size_t rows, FlowError *error);

/*
 * Takes the entries of a dictionary of the row group, which are then in
 * field->view.  Integers can do without: to write them takes longer than to
 * read their codes.
 */
extern FlowStatus flow_parquet_field_entries(FlowParquetField *field, FlowParquetFields *fields,
                                             const FlowParquetDictionary *dictionary,
                                             FlowError *error);

/* Returns how many rows of the block the cursor is past, after this. */
extern size_t flow_parquet_field_rows_read(const FlowParquetField *field, size_t block);

/*
 * Sets *numbers to the values of all rows of the block, which were read, and
 * *present to which of them are there, if they are integers from 0 to below
 * "limit"; otherwise to NULL.  What is not there is 0.
 */
extern void flow_parquet_field_numbers(FlowParquetField *field, size_t block, uint64_t limit,
                                       const int64_t **numbers, const uint8_t **present);

/*
 * For values after the codes: reads the next ones, of which there must be some;
 * and takes codes, those of rows from "from" on.
 */
extern FlowStatus flow_parquet_field_next(FlowParquetField *field, size_t most,
                                          FlowParquetValues *values, FlowError *error);
extern FlowStatus flow_parquet_field_take_codes(FlowParquetField *field, FlowParquetFields *fields,
                                                const FlowParquetValues *values, size_t from,
                                                FlowError *error);
extern void flow_parquet_field_free_entries(FlowParquetField *field);

/* in fields.c */

/*
 * Makes fields for some rows of a block of "block" rows, whose codes were
 * read.  Rows may become doubtful.
 */
extern FlowStatus flow_parquet_field_load(FlowParquetField *field, FlowParquetFields *fields,
                                          size_t block, uint32_t *rows, size_t count,
                                          FlowError *error);

/* Makes those of the rows doubtful that became so when their fields were made. */
extern void flow_parquet_field_doubt(const FlowParquetField *field, uint32_t *rows, size_t count);

/* Returns the field of such a row. */
extern FlowSlice flow_parquet_field_get(const FlowParquetField *field,
                                        const FlowParquetFields *fields, uint32_t row);

#endif /* FLOW_PARQUET_FIELDS_H */
