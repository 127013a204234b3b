/*-------------------------------------------------------------------------
 *
 * metadata.h
 *	  What the footer of a Parquet file says, as the files of the reader share
 *	  it.  Numbers are those of parquet.thrift in apache/parquet-format.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_METADATA_H
#define FLOW_METADATA_H

#include "parquet.h"
#include "thrift.h"

/* How values are stored: enum Type. */
typedef enum FlowParquetType
{
	FLOW_STORED_BOOLEAN = 0,
	FLOW_STORED_INT32 = 1,
	FLOW_STORED_INT64 = 2,
	FLOW_STORED_INT96 = 3,
	FLOW_STORED_FLOAT = 4,
	FLOW_STORED_DOUBLE = 5,
	FLOW_STORED_BYTES = 6, /* BYTE_ARRAY: of any length */
	FLOW_STORED_FIXED = 7  /* FIXED_LEN_BYTE_ARRAY */
} FlowParquetType;

#define FLOW_STORED_TYPES 8

/* What is between the footer's leaf and its values. */
typedef struct FlowParquetStored
{
	FlowParquetType type;
	uint32_t len; /* bytes of a value; 0: they differ */
	bool unknown; /* it has an annotation that we do not know */
	bool ordered; /* the order of min_value and max_value is the type's */
} FlowParquetStored;

/* Where a chunk is.  There may be very many. */
typedef struct FlowParquetPlace
{
	uint64_t offset, size;
	uint32_t at; /* of its description in the footer */
	uint8_t codec;
} FlowParquetPlace;

struct FlowParquet
{
	const FlowHost *host;
	FlowParquetInput input;

	/* the footer's bytes, and where they are in the file */
	uint8_t *footer;
	size_t footer_len;
	uint64_t footer_offset;

	size_t nleaves;
	FlowParquetLeaf *leaves;
	FlowParquetStored *stored; /* by leaf */

	uint64_t rows;
	size_t ngroups, groups_room;
	uint64_t *group_rows; /* by group */
	size_t nplaces, places_room;
	FlowParquetPlace *places; /* by group and leaf */

	/*
	 * Bytes that the size of a chunk may be too small by: parquet-mr before
	 * 1.2.9 left out the header of the dictionary's page (PARQUET-816).
	 */
	uint64_t slack;
};

/* The fields of ColumnChunk and ColumnMetaData, as far as they are used. */
typedef struct FlowParquetFields
{
	/* numbers of the fields that were there, as bits */
	uint32_t chunk_seen, meta_seen;

	int32_t type, codec;
	uint32_t encodings;      /* as bits; those above 30 are bit 31 */
	uint32_t data_encodings; /* of data pages, by encoding_stats */
	int64_t values, size;
	int64_t data_offset, dictionary_offset;
	int64_t bloom_offset, bloom_size;
	int64_t column_index_offset, column_index_size;
	int64_t offset_index_offset, offset_index_size;

	/* statistics */
	int64_t nulls;
	FlowSlice min, max; /* data NULL: there is none */
	bool min_exact, max_exact;
} FlowParquetFields;

/* fields of ColumnChunk */
#define FLOW_CHUNK_FILE_PATH 1
#define FLOW_CHUNK_META_DATA 3
#define FLOW_CHUNK_CRYPTO 8

#define FLOW_SEEN(mask, field) (((mask) >> (field) &1) != 0)

/* in schema.c */

/*
 * Reads the value of the current field, a list of SchemaElement, into leaves.
 */
extern FlowStatus flow_parquet_read_schema(FlowParquet *parquet, FlowThrift *thrift,
                                           FlowError *error);

/* in chunk.c */

/* Reads a ColumnChunk.  Errors are the reader's. */
extern void flow_parquet_read_fields(FlowThrift *thrift, FlowParquetFields *fields);

/*
 * Returns what a chunk is that cannot be read, as FlowParquetLeaf.refused, or
 * NULL.
 */
extern const char *flow_parquet_refused_chunk(const FlowParquetFields *fields);

/*
 * Reads a bound, which is in PLAIN but has no length, into the array of the
 * leaf's form.  "side" is 0 for a minimum, 1 for a maximum.  Returns false if
 * it is not a value of the leaf, or says nothing.
 */
extern bool flow_parquet_read_bound(const FlowParquetLeaf *leaf, const FlowParquetStored *stored,
                                    FlowSlice bound, int side, int64_t number[2], double real[2],
                                    FlowSlice text[2]);

/* in damage.c */

/*
 * Fills an error for a damaged file.  The detail gets the offset and a period.
 */
extern FlowStatus flow_parquet_damaged(FlowError *error, uint64_t offset, const char *format, ...)
	flow_printf_like(3, 4);

#endif /* FLOW_METADATA_H */
