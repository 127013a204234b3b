/*-------------------------------------------------------------------------
 *
 * flow_reader.h
 *	  The reader: the records of some files that pass a filter.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_API_READER_H
#define FLOW_API_READER_H

#include "flow_batch.h"
#include "flow_format.h"
#include "flow_index.h"
#include "flow_store.h"
#include "flow_top.h"

typedef struct FlowReader FlowReader;

typedef enum FlowOnError
{
	FLOW_ON_ERROR_STOP,
	FLOW_ON_ERROR_IGNORE,
	FLOW_ON_ERROR_SET_NULL
} FlowOnError;

/*
 * The ledger: lines = headers + blank + emitted + filtered + rejected, and
 * files = files_read + files_pruned + files_skipped + files_not_reached +
 * files_answered.  A line that set_null keeps is emitted or filtered, and
 * counted in set_null too.  Rescans add to the lines and to bytes_read, not to
 * the files.  A file read in parts counts as read for the part that begins at
 * 0, and its bytes for the part that contains them.
 */
typedef struct FlowCounts
{
	uint64_t files, files_read, files_pruned, files_skipped, files_not_reached;
	uint64_t files_answered;    /* not read: an index had what was wanted of them */
	uint64_t files_known;       /* of files: those that came from an earlier list */
	uint64_t files_not_indexed; /* of those to be read: an index does not cover them */
	FlowPruned pruned;          /* its files are files_pruned */
	/* stored bytes of the files listed, those pruned or answered excluded */
	uint64_t bytes;
	uint64_t bytes_read; /* stored bytes read */
	/* to a store, for lists and objects; retries are included in requests */
	uint64_t requests, retries;
	uint64_t lines, headers, blank, emitted, filtered, rejected;
	uint64_t set_null;
	uint64_t unmatched; /* of rejected and set_null: lines that are not records at all */
	/* CloudWatch's CONTROL_MESSAGEs, which hold no events and are not lines */
	uint64_t messages_skipped;
	/*
	 * files that lack a known field for which there is a column, counted each
	 * time they are read
	 */
	uint64_t files_lacking;

	/*
	 * of Parquet files: row groups, those of them that no record can pass, and
	 * their rows, which are in no count of lines; and of the lines, those that
	 * are rows.  The rows of both are those that the footers name.
	 */
	uint64_t row_groups, row_groups_pruned, pages_pruned, rows_pruned;
	uint64_t rows;
} FlowCounts;

/* in counts.c */

/* Add each number of "counts" to that of "sum", or subtract it. */
extern void flow_counts_add(FlowCounts *sum, const FlowCounts *counts);
extern void flow_counts_subtract(FlowCounts *sum, const FlowCounts *counts);

/*
 * A part of a file: the lines that begin after byte "start" and up to byte
 * "end", both counted from 0, and the line at byte 0 if "start" is 0.
 * Consecutive parts thus hold each line once, wherever they are cut.  Only a
 * file that is not compressed can be cut; of any other file, a part with start
 * > 0 is empty, and the part with start 0 is the whole file.
 */
typedef struct FlowPart
{
	size_t object; /* index into the objects */
	uint64_t start;
	uint64_t end;
} FlowPart;

/*
 * alignment of the starts of parts, so that files are read at aligned offsets
 */
#define FLOW_PART_ALIGN (256 * 1024)

/* How far the lines of a file have been counted; zeros at first. */
typedef struct FlowLineCount
{
	const FlowObject *object;
	uint64_t offset;
	uint64_t newlines; /* before the offset */
} FlowLineCount;

/* in part.c */

/*
 * Finds the number in its file of line "line" of the part that begins at
 * "start".  Reads the file up to the start, continuing from *count; of a file
 * that cannot be cut, start is 0 and nothing is read.  *number is 0 unless
 * FLOW_OK is returned.
 */
extern FlowStatus flow_part_line(const FlowHost *host, const FlowObject *object,
                                 const FlowAccess *access, FlowLineCount *count, uint64_t start,
                                 uint64_t line, uint64_t *number, FlowError *error);

/*
 * The share of rows that are read of Parquet files, where not all are: a share
 * of their row groups, and of the rows in these.  All others are in
 * FlowCounts.rows_pruned.
 */
typedef struct FlowSample
{
	uint64_t seed;
	double groups, rows; /* up to 1, which is all */
	uint64_t run;        /* rows are left out by so many, at least 1 */
} FlowSample;

typedef struct FlowReadSpec
{
	const FlowHost *host;
	FlowFormat *format;
	const FlowFilter *filter; /* NULL: every record passes */
	/*
	 * drops records that pass, for flow_reader_next; they count as emitted, but
	 * are not returned.  NULL: all are
	 */
	FlowTop *top;
	/* must outlive the reader; may grow if next_part returns new objects */
	const FlowObjects *objects;
	const FlowLocation *location; /* that has the columns' variables; NULL: no column is one */
	FlowAccess access;
	FlowOnError on_error;
	bool report_rejects;     /* flow_reader_next returns FLOW_REJECTED for each */
	int64_t reject_limit;    /* -1: none */
	const char *compression; /* "auto", or the name of the only one accepted */
	size_t max_line_length;
	/*
	 * end with FLOW_END after each file, too; the next call goes on with the
	 * next file.  Only if files are not read in parts
	 */
	bool pause_at_files;
	bool prune_groups;        /* leave out row groups of Parquet files in which nothing can pass */
	const FlowSample *sample; /* NULL: all rows are read */

	/*
	 * The columns whose fields the host uses in a FlowRecord, each once;
	 * fields of other columns are undefined there.  NULL: all.
	 */
	const int *used;
	int nused;

	/*
	 * By column, all false at first: set to true where a header, a log format,
	 * the default format or a record in JSON has the column's field.  May be
	 * shared by several readers, which only ever write true.  NULL: not
	 * wanted.
	 */
	bool *found;

	/*
	 * For several readers that share the work, or a list that grows: returns
	 * the next part.  FLOW_OK; FLOW_END when none is left or, without "wait",
	 * when the next one would have to be waited for; or an error.  NULL: the
	 * reader reads all objects, one after the other.  "shared_rejects" counts
	 * the rejects of all readers for reject_limit; NULL: the reader's own.
	 * The host resets it to 0 when all of them are rewound.
	 */
	FlowStatus (*next_part)(void *arg, bool wait, FlowPart *part, FlowError *error);
	void *next_part_arg;
	uint64_t *shared_rejects;
} FlowReadSpec;

/*
 * A record that passed the filter, valid until the next call.  A column
 * without a field has length 0 too.
 */
typedef struct FlowRecord
{
	const FlowSlice *fields; /* by column; not yet checked unless on_error is 'ignore' */
} FlowRecord;

/* Why a line was rejected, or kept with nulls. */
typedef struct FlowReject
{
	const FlowObject *object;
	uint64_t part;      /* start of the part that was read */
	uint64_t line;      /* counted in that part; see flow_part_line */
	FlowStatus status;  /* FLOW_BAD_RECORD, or a bad field's */
	int column;         /* the bad field's column, or -1 */
	const char *reason; /* NUL-terminated; for the user */
	const char *hint;   /* what to do about it; may be empty */
	FlowSlice raw;      /* the line, or its beginning if it was too long */
	bool has_marks;     /* it must be shown by flow_shown_byte */
} FlowReject;

/*
 * Returns what a byte of a line that a wrapper made stands for: a line break
 * for NUL, and what is between values of CSV.
 */
extern char flow_shown_byte(char c);

/* in reader.c and reader_group.c */
extern FlowStatus flow_reader_create(const FlowReadSpec *spec, FlowReader **reader,
                                     FlowError *error);
extern void flow_reader_close(FlowReader *reader);

/*
 * Returns the next record: FLOW_OK, FLOW_END, FLOW_REJECTED (see
 * flow_reader_reject), FLOW_NEED_VALUE, or an error, after which only
 * flow_reader_close may be called.  Buffers are made for the first file and
 * freed at the end: a reader that has not begun, or has ended, uses very
 * little memory.
 */
extern FlowStatus flow_reader_next(FlowReader *reader, FlowRecord *record, FlowError *error);

/*
 * After FLOW_NEED_VALUE: returns the number of the deferred predicate, or of
 * the expression, whose value a record needs.  Once that is resolved or
 * provided, repeating the call goes on with the record, whose fields
 * flow_reader_waiting returns.  0: the memo of the expressions awaits values
 * (flow_memo_next), of no certain record.
 */
extern int flow_reader_needed(const FlowReader *reader);
extern FlowRecord flow_reader_waiting(const FlowReader *reader);

/*
 * Adds the records that pass to the groups: FLOW_END when all are added;
 * FLOW_OK when the groups are full (take them, clear them and call again);
 * FLOW_REJECTED, FLOW_NEED_VALUE or an error, as for flow_reader_next.
 */
extern FlowStatus flow_reader_group(FlowReader *reader, FlowGroups *groups, FlowError *error);

/*
 * Does the same with the totals and the values of an index.  After FLOW_OK, the
 * values are full: they are to be taken and cleared.  Totals have each record
 * once; values may get one again.
 */
extern FlowStatus flow_reader_index(FlowReader *reader, FlowIndexTotals *totals,
                                    FlowIndexValues *values, FlowError *error);

/*
 * Does the same with several sets of groups, at least one.  After FLOW_OK,
 * *full is the set that has no room: it is to be taken and cleared.  The first
 * set has each record once.  The others may get one again, so they must not
 * have aggregates.
 */
extern FlowStatus flow_reader_group_all(FlowReader *reader, FlowGroups *const *groups, int ngroups,
                                        int *full, FlowError *error);

/*
 * Adds a record that an index has, given by its fields, to groups of the reader
 * as flow_groups_add_repeated does.  Only when all files have been read.
 * FLOW_END: it is added; otherwise as for flow_reader_group, and the call is to
 * be repeated.
 */
extern FlowStatus flow_reader_group_given(FlowReader *reader, FlowGroups *groups, FlowGroups *alike,
                                          const FlowSlice *fields, uint64_t times,
                                          FlowError *error);

/*
 * Returns the file that is being read, or after which the reader has paused
 * (see FlowReadSpec); NULL if there is none, as when all have been read.  After
 * an error, it is the file that the error is about.
 */
extern const FlowObject *flow_reader_file(const FlowReader *reader);

/* Returns true if the current record is of a Parquet file. */
extern bool flow_reader_is_parquet(const FlowReader *reader);

/*
 * Handles a bad field of the current record that the host found: FLOW_OK if it
 * is to be NULL (and is counted), else the error to raise.  Fields of NULL
 * rows and null texts are not bad.
 */
extern FlowStatus flow_reader_bad_field(FlowReader *reader, FlowBadField bad, FlowError *error);

/*
 * Starts again from the first file, perhaps with another filter.  "format" is
 * the one that the reader was made with, or another one of the same
 * FlowFormatSpec: at the end of all files the reader no longer uses it, and it
 * may be freed.
 */
extern void flow_reader_rewind(FlowReader *reader, FlowFormat *format, const FlowFilter *filter);

/* Returns the counts, brought up to date. */
extern const FlowCounts *flow_reader_counts(FlowReader *reader);

/*
 * Returns the counts as far as they are known, also while the reader works;
 * those of lines may lag behind.
 */
extern const FlowCounts *flow_reader_counts_now(const FlowReader *reader);

/*
 * Returns true if every line is accounted for, which holds between any two
 * calls that did not fail; and of Parquet files every row.
 */
extern bool flow_reader_balances(FlowReader *reader);

/*
 * Return the last reject, if rejects are reported, and the first one; NULL if
 * there was none.
 */
extern const FlowReject *flow_reader_reject(const FlowReader *reader);
extern const FlowReject *flow_reader_first_reject(const FlowReader *reader);

/*
 * Returns the reader's position, for an error that its caller raises about the
 * current record; false if it has none. *line is 0 if it could not be found
 * (see flow_part_line), for example because the host interrupts.
 */
extern bool flow_reader_position(FlowReader *reader, const char **path, uint64_t *line);

#endif /* FLOW_API_READER_H */
