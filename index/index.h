/*-------------------------------------------------------------------------
 *
 * index.h
 *	  The index over raw logs: what its files share.
 *
 * An index only ever says that a file need not be read.  It is kept in tables
 * of the extension: definitions, files, batches of values, and their blocks.
 * They belong to the extension's owner; no rights on them are granted.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOWLOG_INDEX_H
#define FLOWLOG_INDEX_H

#include "flowlog_fdw.h"
#include "fdw/catalogue.h"

#include "utils/relcache.h"
#include "utils/snapshot.h"

/* ---------- the tables ---------- */

#define FLOWLOG_INDEX_DEFINITIONS "flowlog_index_definitions"
#define FLOWLOG_INDEX_BATCHES "flowlog_index_batches"
#define FLOWLOG_INDEX_FILES "flowlog_index_files"
#define FLOWLOG_INDEX_BLOCKS "flowlog_index_blocks"

/* Their columns, from 0. */
enum
{
	FLOWLOG_DEFINITION_NUMBER,
	FLOWLOG_DEFINITION_TABLE,
	FLOWLOG_DEFINITION_COLUMNS,
	FLOWLOG_DEFINITION_SEED1,
	FLOWLOG_DEFINITION_SEED2,
	FLOWLOG_DEFINITION_NATTS
};

enum
{
	FLOWLOG_BATCH_BATCH,
	FLOWLOG_BATCH_NUMBER,
	FLOWLOG_BATCH_MEANING,
	FLOWLOG_BATCH_LEVEL,
	FLOWLOG_BATCH_FIRST_FILE,
	FLOWLOG_BATCH_LAST_FILE,
	FLOWLOG_BATCH_BLOCKS,
	FLOWLOG_BATCH_BYTES,
	FLOWLOG_BATCH_VALUES,
	FLOWLOG_BATCH_PAIRS, /* of a value and a file */
	FLOWLOG_BATCH_MADE,
	FLOWLOG_BATCH_NATTS
};

enum
{
	FLOWLOG_FILES_NUMBER,
	FLOWLOG_FILES_FILE,
	FLOWLOG_FILES_HASH1,
	FLOWLOG_FILES_HASH2,
	FLOWLOG_FILES_ADDRESS_COLUMNS,
	FLOWLOG_FILES_LEAST_START,
	FLOWLOG_FILES_GREATEST_START,
	FLOWLOG_FILES_LEAST_END,
	FLOWLOG_FILES_GREATEST_END,
	FLOWLOG_FILES_NULL_TIMES, /* mask: 1, a record has no start; 2, none has an end */
	FLOWLOG_FILES_BYTES,
	FLOWLOG_FILES_LINES,
	FLOWLOG_FILES_LEDGER,
	FLOWLOG_FILES_GROUPS,
	FLOWLOG_FILES_ERROR,
	FLOWLOG_FILES_PATH,
	FLOWLOG_FILES_NATTS
};

/* What the array "ledger" has, from 0. */
enum
{
	FLOWLOG_LEDGER_HEADERS,
	FLOWLOG_LEDGER_BLANK,
	FLOWLOG_LEDGER_EMITTED,
	FLOWLOG_LEDGER_REJECTED,
	FLOWLOG_LEDGER_SET_NULL,
	FLOWLOG_LEDGER_MESSAGES_SKIPPED
};

enum
{
	FLOWLOG_BLOCK_NUMBER,
	FLOWLOG_BLOCK_BATCH,
	FLOWLOG_BLOCK_FIRST,
	FLOWLOG_BLOCK_BLOCK,
	FLOWLOG_BLOCK_NATTS
};

/* ---------- index_definition.c ---------- */

#define FLOWLOG_INDEX_COLUMNS 30 /* maximum, so that a mask of them is an int4 */
#define FLOWLOG_INDEX_MEANING 16 /* bytes */

/* The index of a table. */
typedef struct FlowlogIndex
{
	int32 number;
	Oid relid;       /* of the table */
	uint64 seeds[2]; /* of the hashes of files */
	List *names;     /* of the columns, as String nodes */
} FlowlogIndex;

/* The first 128 bits of what tells a file from all others. */
typedef struct FlowlogIndexHash
{
	uint64 word[2];
} FlowlogIndexHash;

/*
 * Returns the index of a table as the snapshot sees it, or NULL, in the current
 * memory context.  Without a snapshot, as it is now.
 */
extern FlowlogIndex *flowlog_index_find(Oid relid, Snapshot snapshot);

/* Returns all of them, as a list. */
extern List *flowlog_index_find_all(Snapshot snapshot);

/*
 * Finds the columns of an index among the table's; one that the table has no
 * more, or that cannot be indexed any more, is -1.
 */
extern void flowlog_index_find_columns(const FlowlogIndex *index, const FlowlogTable *table,
                                       int columns[FLOWLOG_INDEX_COLUMNS]);

extern int flowlog_index_find_column(const FlowlogTable *table, const char *name);

/* Returns true if a column is an address, by the field that fills it. */
extern bool flowlog_index_is_address(const FlowColumn *column);

/*
 * Sets what decides which lines of a file are rows and which values they have.
 * Entries that were made under another meaning say nothing.
 */
extern void flowlog_index_meaning(const FlowlogIndex *index, const FlowlogTable *table,
                                  unsigned char meaning[FLOWLOG_INDEX_MEANING]);

/* Returns the hash of a file's path and identity. */
extern FlowlogIndexHash flowlog_index_hash(const FlowlogIndex *index, const FlowObject *object);

/* Returns the name of a foreign table as an argument of a function, for a hint. */
extern const char *flowlog_index_quoted(const char *name);

/* Raises an error about an index whose entries cannot be read. */
extern void flowlog_index_raise_damaged(const FlowlogTable *table) __attribute__((noreturn));

/* Opens one of the tables above; raises an error if the extension lacks it. */
extern Relation flowlog_index_open(const char *name, LOCKMODE lock);

/* Opens the index of such a table whose first columns are these, from 0. */
extern Relation flowlog_index_open_btree(Relation relation, int first, int second);

/* The rows of an index in one of these tables. */
typedef struct FlowlogIndexRows
{
	Relation relation, index;
	struct SysScanDescData *scan;
} FlowlogIndexRows;

/*
 * Read the rows of an index, given its number, which is in column "first", in
 * the order of column "second"; or only those where that is at least "from".
 */
extern void flowlog_index_rows_begin(FlowlogIndexRows *rows, const char *name, int first,
                                     int second, int32 number, Snapshot snapshot);
extern void flowlog_index_rows_begin_at(FlowlogIndexRows *rows, const char *name, int first,
                                        int second, int32 number, int32 from, Snapshot snapshot);
extern bool flowlog_index_rows_next(FlowlogIndexRows *rows, Datum *values, bool *isnull);
extern void flowlog_index_rows_end(FlowlogIndexRows *rows);

/* The columns of a table that the index has something of, besides values; -1: there is none. */
typedef struct FlowlogIndexColumns
{
	int times[2];  /* start and end: times, days or integers */
	int groups[2]; /* action and log_status: texts */
} FlowlogIndexColumns;

extern FlowlogIndexColumns flowlog_index_columns(const FlowlogTable *table);

/* ---------- index_read.c: what the index stores of a file ---------- */

/* Records with the same action and log_status; data is NULL for SQL's NULL. */
typedef struct FlowlogIndexedGroup
{
	FlowSlice values[2]; /* NUL-terminated; NULL where there is no such column */
	uint64 count;
} FlowlogIndexedGroup;

/* maximum number of these groups, and maximum bytes of each of their values */
#define FLOWLOG_INDEXED_GROUPS FLOW_INDEX_GROUPS
#define FLOWLOG_INDEXED_TEXT FLOW_INDEX_GROUP_TEXT

/* What the index stores of a file. */
typedef struct FlowlogIndexedFile
{
	const FlowObject *object;
	/*
	 * why it cannot be indexed, or NULL: the error's primary message and the
	 * line, valid in the database's encoding
	 */
	const char *error;
	/*
	 * it is not, or may not stay, the file that was listed, or could not be
	 * read now: it is to be indexed next time.  Nothing else is known of it
	 */
	bool changed;
	bool recent;       /* that, because it was written a moment ago */
	FlowCounts counts; /* of this file alone */

	/* of start and end, as FlowValue's integer; false: no column, or no value */
	bool has_times[2];
	int64 least[2], greatest[2];
	bool has_null_time[2]; /* some record has no value */

	/*
	 * a bit for each column of the index: text columns all of whose values are
	 * addresses in canonical form, or NULL; their keys are those of addresses
	 */
	uint32 address_columns;

	/* the records by action and log_status; -1: there are too many groups, or too long values */
	int ngroups;
	FlowlogIndexedGroup groups[FLOWLOG_INDEXED_GROUPS];
} FlowlogIndexedFile;

typedef struct FlowlogIndexReader FlowlogIndexReader;

/*
 * Begins to read files, in the order of a complete list.  The values of
 * "columns", indexes into the table's, all of which flow_index_takes, are added
 * to a batch.  The reader lives in the current memory context, before whose end
 * it is ended, by itself if need be; the arguments must outlive it.  "store" is
 * NULL for local files.
 */
extern FlowlogIndexReader *flowlog_index_read_begin(const FlowlogTable *table,
                                                    FlowlogBackend *backend, FlowStore *store,
                                                    const FlowObjects *objects, const int *columns,
                                                    int ncolumns);

/*
 * Reads the next file, and adds its values to the batch under "number"; false
 * after the last.  A file that cannot be read under the table's on_error has an
 * error, and one that changes is marked; nothing is added of either.  If the
 * batch is full, *full is set, nothing of the file is in it, and the next call
 * gives the same file.  What *file points to is valid until the next call.
 * Errors that are not the file's are raised: a cancel, lack of memory, a store
 * that does not answer or refuses the keys.
 *
 * Under on_error "stop" a bad field is an error of the file if it is one of an
 * indexed column, of start, end, action or log_status; other fields are not
 * read.  So a query that the index spares the file may not raise an error that
 * a scan of it would, but only one that a scan need not raise either, as it
 * checks the fields that it uses.  Which rows there are is always the same.
 */
extern bool flowlog_index_read_next(FlowlogIndexReader *reader, FlowIndexBatch *batch,
                                    uint32 number, FlowlogIndexedFile *file, bool *full);
extern void flowlog_index_read_end(FlowlogIndexReader *reader);

/* ---------- index_file.c ---------- */

/* A row of the table of files that waits to be written. */
typedef struct FlowlogIndexRow
{
	int32 file; /* its number */
	FlowlogIndexHash hash;
	const char *path;
	int64 bytes;
	FlowlogIndexedFile *indexed;
} FlowlogIndexRow;

/* Copies what was read of a file into the current memory context. */
extern void flowlog_index_make_row(FlowlogIndexRow *row, const FlowlogIndex *index, int32 number,
                                   const FlowlogIndexedFile *file);

/*
 * Takes a group from the column "groups" of a row, and returns where the next
 * one begins; NULL if the bytes are not those of a group.
 */
extern const char *flowlog_index_take_group(const char *data, const char *end,
                                            FlowlogIndexedGroup *group);

/* Writes the rows of files. */
extern void flowlog_index_write_rows(const FlowlogIndex *index, const FlowlogIndexRow *files,
                                     int count);

/* ---------- index_search.c ---------- */

/* What an index has of a file. */
struct FlowlogIndexFile
{
	FlowlogIndexHash hash;
	FlowInterval times[2];  /* start and end */
	uint32 address_columns; /* mask of text columns that have addresses only */
	bool covered;           /* it was read to its end, and its entries count */
	bool may_pass;          /* set by flowlog_index_search_filter */
	bool is_answered;       /* set by index_prune.c */
	/* its records by action and log status; NULL: not wanted, or not known */
	const bytea *groups;
};

typedef struct FlowlogIndexFiles
{
	FlowlogIndexFile *items;
	uint64 count;
} FlowlogIndexFiles;

typedef struct FlowlogIndexSearch FlowlogIndexSearch;

/*
 * Reads which files an index covers, as the snapshot sees it, into the current
 * memory context; "groups": and what their records are, where none was rejected
 * or made null.
 */
extern FlowlogIndexSearch *flowlog_index_search_begin(const FlowlogIndex *index,
                                                      const FlowlogTable *table,
                                                      FlowlogBackend *backend, Snapshot snapshot,
                                                      bool groups);
extern const FlowlogIndexFiles *flowlog_index_search_files(const FlowlogIndexSearch *search);

/* Returns the number of the file at a position. */
extern int32 flowlog_index_search_number(const FlowlogIndexSearch *search, uint64 position);

/* Sets may_pass of each file; without a filter every record passes. */
extern void flowlog_index_search_filter(FlowlogIndexSearch *search, const FlowFilter *filter);

/*
 * Calls a function for each file with a value of the ranges, which are in order
 * and do not overlap, in any of the index's columns; once for each value and
 * file, in no order.
 */
extern void
flowlog_index_search_visit(FlowlogIndexSearch *search, const FlowIndexRange *ranges, size_t count,
                           void (*visit)(void *arg, const FlowIndexKey *key, uint64 position),
                           void *arg);

/* ---------- index_answer.c ---------- */

/*
 * Returns true if what a query wants of a file can be taken from the index,
 * once conditions are evaluated.  False if they are not.
 */
extern bool flowlog_answers_decide(FlowlogAnswers *answers, const FlowlogIndexFile *file);

/* ---------- index_table.c ---------- */

typedef struct FlowlogIndexTable FlowlogIndexTable;

/* Makes a table of the files of an index, in the current memory context. */
extern FlowlogIndexTable *flowlog_index_table_create(const FlowlogIndexSearch *search);

/* Finds the position of a file by its hash. */
extern bool flowlog_index_table_find(const FlowlogIndexTable *table, FlowlogIndexHash hash,
                                     uint64 *position);

/*
 * Marks a file; returns whether it is marked; and moves *position to the next
 * file that is not, or returns false.
 */
extern void flowlog_index_table_mark(FlowlogIndexTable *table, uint64 position);
extern bool flowlog_index_table_is_marked(const FlowlogIndexTable *table, uint64 position);
extern bool flowlog_index_table_next_unmarked(const FlowlogIndexTable *table, uint64 *position);

/* ---------- index_write.c ---------- */

/* A batch, as its row says. */
typedef struct FlowlogIndexBatchInfo
{
	int32 batch;
	int16 level;
	int32 first_file, last_file;
	bool is_current; /* it has the table's current meaning */
} FlowlogIndexBatchInfo;

/* A batch to be written. */
typedef struct FlowlogIndexBatchSpec
{
	int32 number; /* of the index */
	const unsigned char *meaning;
	int16 level;
	int32 first_file, last_file;
} FlowlogIndexBatchSpec;

/* Writes a batch of values that were gathered and sorted.  Within SPI. */
extern void flowlog_index_write_batch(FlowlogBackend *backend, const FlowlogIndexBatchSpec *spec,
                                      FlowIndexBatch *gathered);

/* Deletes batches and their blocks. */
extern void flowlog_index_delete_batches(const FlowlogIndexBatchInfo *batches, int count);

/*
 * Puts one batch in the place of some that follow each other.  "gone" has a bit
 * for each file from their first one on: it is forgotten.  All that are left
 * are within the new batch.
 */
extern void flowlog_index_merge(const FlowlogIndexBatchSpec *spec,
                                const FlowlogIndexBatchInfo *batches, int count, const uint8 *gone);

/*
 * Returns how many of the last batches are to be merged; 0: none.  They are in
 * the order of their files.
 */
extern int flowlog_index_find_merge(const FlowlogIndexBatchInfo *batches, int count);

#endif /* FLOWLOG_INDEX_H */
