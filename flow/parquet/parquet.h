/*-------------------------------------------------------------------------
 *
 * parquet.h
 *	  Reads Parquet files (github.com/apache/parquet-format): the interface.
 *
 * A file has rows in row groups, and in each row group a chunk of pages for
 * each leaf of its schema.  Only leaves of groups that are not repeated are
 * read: each has one value, or none, in a row.
 *
 * All functions that can fail return a FlowStatus and fill the FlowError.
 * Messages are predicates about the file, such as "is damaged"; the caller
 * puts its name before them.  FLOW_CORRUPT: the file is not what the format
 * says, and the detail says what is wrong and at which byte of the file.
 * FLOW_UNSUPPORTED: legal, but not read.  FLOW_LIMIT: beyond the limits below.
 * Whatever the callbacks return is passed on.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_PARQUET_H
#define FLOW_PARQUET_H

#include "internal.h"

/* ---------- limits ---------- */

#define FLOW_PARQUET_MAX_FOOTER (64 * 1024 * 1024)
#define FLOW_PARQUET_MAX_LEAVES 20000
#define FLOW_PARQUET_MAX_NAME 1024 /* bytes of a leaf's name */
#define FLOW_PARQUET_MAX_DEPTH 32  /* of nested groups, and of Thrift's structs */
#define FLOW_PARQUET_MAX_PAGE (64 * 1024 * 1024)
/* of a page in a codec that cannot be interrupted */
#define FLOW_PARQUET_MAX_RAW_PAGE (16 * 1024 * 1024)
#define FLOW_PARQUET_MAX_PRECISION 76 /* digits of a DECIMAL */

/* ---------- files ---------- */

/* How the bytes of a file are read. */
typedef struct FlowParquetInput
{
	void *arg;
	/* Reads exactly "len" bytes at "offset", which are inside the file. */
	FlowStatus (*read)(void *arg, uint64_t offset, void *buffer, size_t len, FlowError *error);
	uint64_t size; /* bytes of the file */
	/*
	 * The bytes at the file's end that are read first, in the hope that they
	 * hold the footer; 0: FLOW_PARQUET_TAIL.
	 */
	size_t tail;
} FlowParquetInput;

typedef struct FlowParquet FlowParquet;

#define FLOW_PARQUET_MAGIC "PAR1" /* at both ends of a file */
#define FLOW_PARQUET_TAIL (64 * 1024)

/*
 * Reads and checks the footer.  One read is enough unless the footer has more
 * bytes than the input's tail; then there is one more.  The magic bytes at
 * the beginning are the caller's to check, unless the first read has them.
 * The host must outlive the result; *input is copied.
 */
extern FlowStatus flow_parquet_open(const FlowHost *host, const FlowParquetInput *input,
                                    FlowParquet **parquet, FlowError *error);
extern void flow_parquet_close(FlowParquet *parquet);

extern uint64_t flow_parquet_rows(const FlowParquet *parquet);
extern size_t flow_parquet_groups(const FlowParquet *parquet);
extern size_t flow_parquet_leaves(const FlowParquet *parquet);

/* Returns the rows of a row group. */
extern uint64_t flow_parquet_group_rows(const FlowParquet *parquet, size_t group);

/* ---------- leaves ---------- */

/* What values are. */
typedef enum FlowParquetKind
{
	FLOW_PARQUET_BOOLEAN,   /* numbers: 0, 1 */
	FLOW_PARQUET_INTEGER,   /* numbers */
	FLOW_PARQUET_UNSIGNED,  /* numbers that are uint64_t */
	FLOW_PARQUET_FLOAT,     /* reals, each of which is a float */
	FLOW_PARQUET_DOUBLE,    /* reals */
	FLOW_PARQUET_TEXT,      /* texts: strings, enums, JSON, and bytes of any kind */
	FLOW_PARQUET_UUID,      /* texts of 16 bytes */
	FLOW_PARQUET_DECIMAL,   /* numbers, or texts: big-endian, signed; without the scale */
	FLOW_PARQUET_DATE,      /* numbers: days since 1970-01-01 */
	FLOW_PARQUET_TIMESTAMP, /* numbers: "unit" since 1970-01-01 00:00 */
	FLOW_PARQUET_INT96      /* texts of 12 bytes: nanoseconds of a day, Julian day number */
} FlowParquetKind;

/* How values lie in memory. */
typedef enum FlowParquetForm
{
	FLOW_PARQUET_NUMBERS,
	FLOW_PARQUET_REALS,
	FLOW_PARQUET_TEXTS
} FlowParquetForm;

typedef struct FlowParquetLeaf
{
	const char *name; /* with those of the groups around it: "src_endpoint.ip" */
	FlowParquetKind kind;
	FlowParquetForm form;
	int precision, scale; /* DECIMAL */
	int64_t unit;         /* TIMESTAMP: how many are a second: 1000, 1000000, 1000000000 */
	bool is_utc;          /* TIMESTAMP: false: a local time, which we take for UTC */
	int max_definition;   /* 0: it has a value in each row */
	int width;            /* bits of a number or real, as it is stored: 1, 32 or 64; or 0 */
	/*
	 * NULL, or why it cannot be read, to be said after "is": "a list",
	 * "encrypted", "compressed by LZO".  It concerns only those who want this
	 * leaf.
	 */
	const char *refused;
} FlowParquetLeaf;

/* The result is valid until the file is closed. */
extern const FlowParquetLeaf *flow_parquet_leaf(const FlowParquet *parquet, size_t leaf);

/* ---------- values ---------- */

/* Values of a leaf, in the form that the leaf says; the others are NULL. */
typedef struct FlowParquetArray
{
	const int64_t *numbers;
	const double *reals;
	const FlowSlice *texts;
} FlowParquetArray;

#define FLOW_PARQUET_TEXT_SIZE 128 /* bytes that flow_parquet_write_text needs */

/*
 * Writes values.X[i] as the text that a log would have there.  The result lies
 * in the buffer or is the value's own text.
 *
 * Integers are decimal; TEXT is as it is; BOOLEAN is "true" or "false"; UUID
 * has its canonical form; DECIMAL has "scale" digits after its point; FLOAT
 * and DOUBLE are the shortest decimal that reads as the same value, "NaN",
 * "Infinity" or "-Infinity".  DATE is "2024-01-31".  TIMESTAMP and INT96 are
 * "2024-01-31T12:34:56.789Z", with up to six digits after the point; of
 * nanoseconds, the rest is cut downward.  A year above 9999 has a plus before
 * it and one before 1 is "0000" or has a minus: flow_value_read reads neither
 * as a time.
 */
extern FlowSlice flow_parquet_write_text(const FlowParquetLeaf *leaf,
                                         const FlowParquetArray *values, size_t i,
                                         char buffer[FLOW_PARQUET_TEXT_SIZE]);

/* ---------- column chunks ---------- */

/* A leaf in a row group. */
typedef struct FlowParquetChunk
{
	/* the byte range that its pages take */
	uint64_t offset, size;
	/*
	 * The bytes of it, from its beginning, that hold the dictionary; 0: there
	 * is none, or that is not known.
	 */
	uint64_t dictionary_size;
	/*
	 * true if it is known that the dictionary has all values: no page is
	 * encoded otherwise
	 */
	bool dictionary_coded;

	/*
	 * Statistics, as far as they can be trusted.  They are of the file's
	 * values, not of what a column makes of them.
	 */
	int64_t nulls;             /* rows without a value; -1: not known */
	bool has_min, has_max;     /* of the values, NaN apart: no value is beyond them */
	bool min_exact, max_exact; /* they are values that occur */
	int64_t number[2];         /* the minimum, the maximum: */
	double real[2];            /* the one of the leaf's form */
	FlowSlice text[2];         /* valid until the file is closed */

	/* byte ranges of the file; size 0: there is none, or it is not known */
	uint64_t bloom_offset, bloom_size;
	uint64_t column_index_offset, column_index_size;
	uint64_t offset_index_offset, offset_index_size;
} FlowParquetChunk;

/* Describes a chunk.  The leaf must not be refused. */
extern void flow_parquet_chunk(const FlowParquet *parquet, size_t group, size_t leaf,
                               FlowParquetChunk *chunk);

/* ---------- cursors ---------- */

/* Reads chunks, one after the other, and keeps its buffers. */
typedef struct FlowParquetColumn FlowParquetColumn;

typedef struct FlowParquetDictionary
{
	uint32_t count;
	uint64_t serial;         /* differs from that of the cursor's last dictionary */
	FlowParquetArray values; /* and a value 0 after the last */
	uint64_t bits;           /* those that are set in any of its numbers */
} FlowParquetDictionary;

/* Values of some rows, all of one page. */
typedef struct FlowParquetValues
{
	size_t count;
	const uint8_t *present; /* by row: 1, or 0: NULL; or NULL: all have a value */
	/*
	 * Either codes by row, each below dictionary->count, or values by row.  A
	 * row that is NULL has an arbitrary value that can be read, or
	 * dictionary->count for a code.
	 */
	const uint32_t *codes;
	const FlowParquetDictionary *dictionary;
	FlowParquetArray values;
} FlowParquetValues;

#define FLOW_PARQUET_MAX_ROWS 65536 /* that flow_parquet_column_next returns */

extern FlowStatus flow_parquet_column_create(const FlowHost *host, FlowParquetColumn **column,
                                             FlowError *error);
extern void flow_parquet_column_free(FlowParquetColumn *column);

/*
 * Goes to the first row of a chunk, which need not be of the same file as
 * before.  Reads nothing yet.  Nothing that the cursor has returned is valid
 * any more.  The file must stay open.  FLOW_UNSUPPORTED if the leaf is
 * refused.
 */
extern FlowStatus flow_parquet_column_begin(FlowParquetColumn *column, FlowParquet *parquet,
                                            size_t group, size_t leaf, FlowError *error);

/*
 * Returns the next rows, at least one and at most max_rows.  FLOW_END after
 * the last row of the row group.  The values are valid until the next call
 * with this cursor, the dictionary and its values until the next chunk begins.
 */
extern FlowStatus flow_parquet_column_next(FlowParquetColumn *column, size_t max_rows,
                                           FlowParquetValues *values, FlowError *error);

/*
 * Skips rows, no more than are left.  Pages that are skipped as a whole are
 * neither read nor inflated, except for their headers.
 */
extern FlowStatus flow_parquet_column_skip(FlowParquetColumn *column, uint64_t rows,
                                           FlowError *error);

/*
 * Reads the dictionary and nothing else, if the chunk begins with one;
 * otherwise *dictionary is NULL.  Rows can be read afterwards.  To be called
 * before the first row.
 */
extern FlowStatus flow_parquet_column_dictionary(FlowParquetColumn *column,
                                                 const FlowParquetDictionary **dictionary,
                                                 FlowError *error);

/* ---------- page indexes ---------- */

/* A data page of a chunk, as the file's page index describes it. */
typedef struct FlowParquetPage
{
	uint64_t first_row, rows; /* in the row group */
	uint64_t offset, size;    /* its byte range, with its header */
	bool only_nulls;          /* no row has a value, and there are no bounds */

	/* as those of a chunk */
	int64_t nulls;
	bool has_min, has_max;
	int64_t number[2];
	double real[2];
	FlowSlice text[2]; /* valid until the index is freed */
} FlowParquetPage;

/* All data pages of a chunk, in their order. */
typedef struct FlowParquetPageIndex
{
	size_t count;
	FlowParquetPage *pages;
} FlowParquetPageIndex;

/*
 * Reads the page index of a chunk: the ranges that FlowParquetChunk names.
 * *index is NULL if there is none, or none that can be used.  The leaf must
 * not be refused.
 */
extern FlowStatus flow_parquet_page_index_read(const FlowParquet *parquet, size_t group,
                                               size_t leaf, FlowParquetPageIndex **index,
                                               FlowError *error);

/* The same without what is in the pages: only one of the two ranges is read. */
extern FlowStatus flow_parquet_offset_index_read(const FlowParquet *parquet, size_t group,
                                                 size_t leaf, FlowParquetPageIndex **index,
                                                 FlowError *error);
extern void flow_parquet_page_index_free(const FlowHost *host, FlowParquetPageIndex *index);

/*
 * Lets a cursor go directly to pages when it skips rows; nothing of pages that
 * are skipped as a whole is then read.  To be called after
 * flow_parquet_column_begin, for that chunk alone; the index must stay.
 */
extern void flow_parquet_column_use_index(FlowParquetColumn *column,
                                          const FlowParquetPageIndex *index);

/* ---------- bloom filters ---------- */

typedef struct FlowParquetBloom FlowParquetBloom;

/*
 * Reads the bloom filter of a chunk.  *bloom is NULL if there is none, or one
 * of a kind that is not known.
 */
extern FlowStatus flow_parquet_bloom_read(const FlowParquet *parquet, size_t group, size_t leaf,
                                          FlowParquetBloom **bloom, FlowError *error);
extern void flow_parquet_bloom_free(const FlowHost *host, FlowParquetBloom *bloom);

/*
 * Returns false only if the chunk does not have a value: values.X[i], in the
 * form that the leaf says and just as it is stored; 0 and -0 are two values.
 */
extern bool flow_parquet_bloom_may_have(const FlowParquetBloom *bloom, const FlowParquetLeaf *leaf,
                                        const FlowParquetArray *values, size_t i);

#endif /* FLOW_PARQUET_H */
