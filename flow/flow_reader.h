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
#include "flow_store.h"

typedef struct FlowReader FlowReader;

typedef enum FlowOnError
{
	FLOW_ON_ERROR_STOP,
	FLOW_ON_ERROR_IGNORE,
	FLOW_ON_ERROR_SET_NULL
} FlowOnError;

/*
 * lines = headers + blank + emitted + filtered + rejected, and files =
 * files_read + files_pruned + files_skipped + files_not_reached. A line that
 * set_null keeps is emitted or filtered, and in set_null too. Rescans add to
 * the lines and bytes_read, not to the files.  A file read in parts counts as
 * read for the part that begins at 0, and its bytes for the part they lie in.
 */
typedef struct FlowCounts
{
	uint64_t files, files_read, files_pruned, files_skipped, files_not_reached;
	FlowPruned pruned;          /* its files are files_pruned */
	uint64_t bytes;             /* stored bytes of the files listed, pruned ones excluded */
	uint64_t bytes_read;        /* stored bytes read */
	uint64_t requests, retries; /* to a store, for lists and objects; of these, repeated ones */
	uint64_t lines, headers, blank, emitted, filtered, rejected;
	uint64_t set_null;
	uint64_t unmatched;        /* of rejected and set_null: lines that are no record at all */
	uint64_t messages_skipped; /* CloudWatch's CONTROL_MESSAGEs, which hold no events: no lines */
	/*
	 * files, each time they were read, that lack a known field which a column
	 * is for
	 */
	uint64_t files_lacking;
} FlowCounts;

/* in counts.c */

/* Adds each number of "counts" to that of "sum", or takes it away. */
extern void flow_counts_add(FlowCounts *sum, const FlowCounts *counts);
extern void flow_counts_subtract(FlowCounts *sum, const FlowCounts *counts);

/*
 * A part of a file: the lines that begin behind byte "start" up to byte "end",
 * both counted from 0, and the line at byte 0 if "start" is 0.  Parts that
 * follow one another thus hold each line once, wherever they are cut.  Only a
 * file that is not compressed can be cut; of another one, a part with start >
 * 0 is empty, and that with start 0 is all of it.
 */
typedef struct FlowPart
{
	size_t object; /* index into the objects */
	uint64_t start;
	uint64_t end;
} FlowPart;

/* start of each part, so that files are read at aligned offsets */
#define FLOW_PART_ALIGN (256 * 1024)

/* How far the lines of a file have been counted; begins as zeros. */
typedef struct FlowLineCount
{
	const FlowObject *object;
	uint64_t offset;
	uint64_t newlines; /* before that */
} FlowLineCount;

/* in part.c */

/*
 * The number that a line has in its file, where it is line "line" of the part
 * that begins at "start".  Reads the file up to there, or on from where *count
 * got to; of a file that cannot be cut, start is 0 and nothing is read.
 * Otherwise than FLOW_OK *number is 0.
 */
extern FlowStatus flow_part_line(const FlowHost *host, const FlowObject *object,
                                 const FlowAccess *access, FlowLineCount *count, uint64_t start,
                                 uint64_t line, uint64_t *number, FlowError *error);

typedef struct FlowReadSpec
{
	const FlowHost *host;
	FlowFormat *format;
	const FlowFilter *filter; /* NULL: every record passes */
	/* must outlive the reader; may grow if next_part tells of what is new */
	const FlowObjects *objects;
	const FlowLocation *location; /* whose variables columns are; NULL: none is */
	FlowAccess access;
	FlowOnError on_error;
	bool report_rejects;     /* flow_reader_next returns FLOW_REJECTED for each */
	int64_t reject_limit;    /* -1: none */
	const char *compression; /* "auto", or the name of one, which is insisted on */
	size_t max_line_length;

	/*
	 * The columns whose fields the host looks at in a FlowRecord, each once;
	 * of the others nothing is said there.  NULL: all.
	 */
	const int *used;
	int nused;

	/*
	 * Where several readers share the work, or the list grows: gives the next
	 * part.  FLOW_OK; FLOW_END when there is none left or, without "wait",
	 * when one would have to be waited for; or an error.  NULL: all objects,
	 * one after the other. "shared_rejects" counts the rejects of all readers
	 * for reject_limit; NULL: the reader's own.  The host sets it back to 0
	 * when all of them are rewound.
	 */
	FlowStatus (*next_part)(void *arg, bool wait, FlowPart *part, FlowError *error);
	void *next_part_arg;
	uint64_t *shared_rejects;
} FlowReadSpec;

/*
 * bytes that can be read behind a field of a FlowRecord, and before it,
 * whatever they are
 */
#define FLOW_RECORD_SLACK 64

/*
 * A record that passed, valid until the next call.  Where there is no field,
 * its length is 0 too.
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
	uint64_t line;      /* counted in that part: flow_part_line tells its number */
	FlowStatus status;  /* FLOW_BAD_RECORD, or a bad field's */
	int column;         /* the bad field's column, or -1 */
	const char *reason; /* NUL-terminated; for the user */
	FlowSlice raw;      /* the line, or its beginning if it was too long */
} FlowReject;

/* in reader.c */
extern FlowStatus flow_reader_create(const FlowReadSpec *spec, FlowReader **reader,
                                     FlowError *error);
extern void flow_reader_close(FlowReader *reader);

/*
 * The next record: FLOW_OK, FLOW_END, FLOW_REJECTED (flow_reader_reject
 * tells), FLOW_NEED_VALUE, or an error, after which only flow_reader_close is
 * of use. Buffers are made for the first file, and freed at the end: a reader
 * that has not begun, or has ended, takes next to nothing.
 */
extern FlowStatus flow_reader_next(FlowReader *reader, FlowRecord *record, FlowError *error);

/*
 * After FLOW_NEED_VALUE: the number of the deferred predicate that a record
 * came to.  Once that is resolved, the same call as before goes on with that
 * record.
 */
extern int flow_reader_needed(const FlowReader *reader);

/*
 * Adds the records that pass to the groups: FLOW_END when all are added,
 * FLOW_OK when the groups are full (take them, clear them and call again),
 * FLOW_REJECTED, FLOW_NEED_VALUE, or an error, as flow_reader_next.
 */
extern FlowStatus flow_reader_group(FlowReader *reader, FlowGroups *groups, FlowError *error);

/*
 * To be called when a field of the current record turned out bad: FLOW_OK if
 * it shall be NULL (counted), else the error to raise.  Fields of NULL rows
 * and null texts are not bad.
 */
extern FlowStatus flow_reader_bad_field(FlowReader *reader, FlowBadField bad, FlowError *error);

/*
 * From the first file again, with another filter perhaps.  "format" is the one
 * that the reader was made with, or another one of the same FlowFormatSpec: at
 * the end of all files the reader has no use for it, and it may be freed.
 */
extern void flow_reader_rewind(FlowReader *reader, FlowFormat *format, const FlowFilter *filter);

extern const FlowCounts *flow_reader_counts(FlowReader *reader);

/*
 * The same as far as they are known at any time, also while the reader works;
 * lines may lag behind.
 */
extern const FlowCounts *flow_reader_counts_now(const FlowReader *reader);

/*
 * Is every line accounted for?  True between any two calls that did not fail.
 */
extern bool flow_reader_balances(FlowReader *reader);

/*
 * the last reject, if rejects are reported, and the first one; NULL if there
 * was none
 */
extern const FlowReject *flow_reader_reject(const FlowReader *reader);
extern const FlowReject *flow_reader_first_reject(const FlowReader *reader);

/*
 * Where the reader stands, for an error that somebody else raises about the
 * current record.  False: nowhere.  *line is 0 if it could not be found (see
 * flow_part_line), because the host interrupts for instance.
 */
extern bool flow_reader_position(FlowReader *reader, const char **path, uint64_t *line);

#endif /* FLOW_API_READER_H */
