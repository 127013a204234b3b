/*-------------------------------------------------------------------------
 *
 * reader.h
 *	  The reader's state, and the functions that its files share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_READER_H
#define FLOW_READER_H

#include "bytes/source.h"
#include "lines.h"
#include "parquet/records.h"
#include "selector.h"

#define FLOW_LONG_LINE_KEPT 1024 /* bytes kept of a line that is too long, to show */
/* maximum parts taken ahead; a store may want fewer */
#define FLOW_READER_ANNOUNCED 1024

/* A column that is checked in every row. */
typedef struct FlowColumnCheck
{
	int column;
	/* a field of digits only, and no more than this number of them, is good */
	uint32_t good_digits;
} FlowColumnCheck;

/*
 * By column, what is read of it: one allocation, at "fields".  Of a row that
 * goes into groups, the host wants fields only if it has to compute something.
 */
typedef struct FlowNeeded
{
	bool *fields;  /* its fields, of the rows that pass */
	bool *vectors; /* vectors of it, of these rows */
	bool *codes;   /* its codes or, if it has none, its fields, of these rows */
	bool *single;  /* its fields, of rows that are taken singly */
	bool *filter;  /* the filter reads it */
	bool *sought;  /* and compares it for equality */
	bool *checked; /* a bad field of it makes a row a reject */
	/* for spec.top, of the rows that pass */
	bool *ranked;        /* vectors of it */
	bool *ranked_fields; /* its fields */
} FlowNeeded;

#define FLOW_NEEDED_ARRAYS 9

/* Which entries of a column's codes are bad fields. */
typedef struct FlowEntryCheck
{
	uint8_t *bad; /* by code: 1 */
	size_t size;  /* how many have room */
	uint64_t serial;
	bool any;
} FlowEntryCheck;

/* A line, without its newline and carriage return. */
typedef struct FlowLine
{
	const char *data;
	size_t len;
	bool too_long; /* data is only its beginning */
	bool is_mark;  /* it is a mark of the wrapper, which is not counted */
} FlowLine;

/* How much of a row group of a Parquet file is read. */
typedef enum FlowReadStage
{
	FLOW_STAGE_NONE,
	FLOW_STAGE_DICTIONARIES, /* may any row pass? */
	FLOW_STAGE_FILTER,       /* columns that the filter reads: which rows pass? */
	FLOW_STAGE_PASSED,       /* columns that are needed of rows that pass */
	FLOW_STAGE_ROWS          /* also those that are needed of single rows */
} FlowReadStage;

/* A Parquet file that was opened before the reader comes to it. */
typedef struct FlowOpened
{
	const char *path; /* of its object */
	FlowSource *source;
	FlowParquetRecords *records;
	bool lacks_field; /* see flow_parquet_records_open */
} FlowOpened;

#define FLOW_READER_OPENED 4 /* maximum number of them */

struct FlowReader
{
	FlowReadSpec spec;
	const FlowHost *host;
	const FlowColumn *columns;
	int ncolumns;
	FlowHeaderMode header_mode;
	FlowColumnCheck *checks; /* of rows, whichever columns the query uses */
	int nchecks;
	int *constant_columns; /* those that are constant in a file */
	int nconstant;
	bool wants_line; /* line numbers are used */

	/* the file being read */
	size_t next_object;       /* index of the one after it, unless the host gives parts */
	const FlowObject *object; /* NULL: none is open */
	const FlowObject *ended;  /* at whose end the reader has paused; NULL: it has not */
	FlowPart part;            /* what is read of it */
	FlowSource *source;
	uint64_t source_counted; /* bytes of the part that "counts" already includes */
	uint64_t line;           /* number of the current line, in the part */
	/* number of the first line read: a wrapper's header may come before it */
	uint64_t first_line;
	FlowAhead ahead;     /* files requested ahead */
	FlowPart *announced; /* parts announced to the store, ahead; NULL: none yet */
	int nannounced;
	FlowLineCount counted; /* lines counted before parts */
	FlowConstants *constants;
	const FlowSlice *constant; /* by column: values of those that are constant in the file */
	bool bad_constant;         /* one of them is bad, so each record is a reject or an error */
	char line_text[16 + 20 + FLOW_RECORD_SLACK];
	char *header; /* header 'match': the first line */
	size_t header_len;
	FlowFraming framing;        /* what the wrapper makes of a record */
	bool has_marks;             /* and makes the lines: see flow_source_has_marks */
	bool by_key;                /* the lines are of records with a member for each field */
	bool had_keys;              /* some lines of the file were */
	const FlowLayout *messages; /* then: the layout of the other lines */
	const char *wrapper_header; /* see flow_source_header */
	uint64_t skipped_counted;   /* skipped messages that "counts" already includes */
	const FlowLayout *layout;   /* of the lines; NULL: not yet known */
	bool lacking_counted;       /* the file is counted in files_lacking */

	/* the buffer, which exists from the first file to the end of the last */
	char *allocation; /* pointer for host->free; NULL: there is none */
	char *block;      /* page-aligned */
	size_t headroom;  /* bytes before the block */
	char *cursor;     /* next unread byte */
	char *end;        /* after the last byte read */
	char *stop;       /* no line of the part begins after this byte; "end" if all may */
	size_t scanned;   /* bytes from cursor known to hold no newline */
	bool at_start;    /* nothing of the file was read yet */
	bool no_more;     /* the source has ended */
	bool discarding;  /* cursor is inside a line that is too long */
	char *long_line;  /* FLOW_LONG_LINE_KEPT bytes, which exist as long as the buffer */
	size_t long_line_len;

	/* a file that has columns instead of lines; see reader_parquet.c */
	FlowParquetRecords *records; /* NULL: the file has lines */
	uint32_t *block_rows;        /* of a block */
	FlowNeeded needed_columns;
	FlowEntryCheck *entry_checks; /* by column */
	FlowReadStage planned_stage;  /* up to which the row group was announced */
	FlowReadStage reached_stage;  /* and which it has reached */
	bool index_awaited;           /* its page index is read before its columns */
	bool index_useless;           /* that of the last row group did not help */
	uint64_t rows_before;         /* counted before the part */
	bool rows_differ;             /* those of a part are not what its footer names */
	bool lacks_field;             /* see flow_parquet_records_open */
	FlowOpened opened[FLOW_READER_OPENED];
	int nopened;
	const char *unopened; /* the path of a file that could not be opened ahead */
	/* that row groups are expected to reach, by what the last one has reached, if any */
	FlowReadStage expected_stage;
	bool has_expected;
	uint64_t serial; /* see FlowParquetSpec */
	/* the sets that records are added to; NULL: none */
	FlowGroups *const *groups;
	int ngroups;
	FlowGroups *only_groups; /* if there is one */
	/* what they are added to instead, as set 0 and 1; NULL: neither */
	FlowIndexTotals *totals;
	FlowIndexValues *values;
	int full;                       /* the set that had no room, or did not take a record */
	char shown[FLOW_RAW_SHOWN + 1]; /* the beginning of a row that is a reject */

	/*
	 * the piece that was split last; all its lines are rows, and rows that did
	 * not pass are removed
	 */
	FlowLines *lines;       /* NULL: the format has no shape */
	FlowSelector *selector; /* NULL: no filter */
	FlowBatch *batch;       /* that of the lines, or of a block; NULL: there is none */
	uint32_t *rows;         /* and their rows */
	uint64_t resolved;      /* the filter's, when the selector was made */
	bool piece_waits;       /* its rows are not selected yet: values are awaited */
	size_t nrows;           /* rows that remain */
	size_t row;             /* index of the next row */
	size_t piece;           /* ends in the piece; in a block, rows */
	size_t settled;         /* end up to which the ledger includes the lines */
	/* rows after "settled" that were handed out, and are counted already */
	uint64_t taken;

	/*
	 * where rows are dropped by spec.top: rows before this one are those that
	 * stay; SIZE_MAX if none are dropped
	 */
	size_t ranked;
	uint64_t dropped;   /* rows, up to the line that ends there, to be counted */
	size_t dropped_end; /* as emitted */

	/* the current record */
	FlowSlice *fields;
	int *wanted; /* columns whose fields are used once the record has passed */
	int nwanted;
	bool record_waits; /* it passed; its reject had to be reported first */
	bool line_nulled;  /* it is counted in set_null */
	bool group_waits;  /* it passed, but the groups were full */
	bool group_nulls;  /* its bad fields are NULL in the groups */
	bool value_waits;  /* its evaluation needs a deferred predicate */
	FlowLine waiting;  /* then: its line */
	int needed;        /* and the predicate's number; 0: the memo awaits values */

	/* the ledger */
	FlowCounts counts;
	uint64_t objects_opened; /* in this scan */
	uint64_t rejects_before; /* in earlier scans: reject_limit applies to each scan */
	FlowReject last_reject;
	FlowReject first_reject;
	char last_reason[sizeof(((FlowError *) 0)->detail)];
	char first_reason[sizeof(((FlowError *) 0)->detail)];
	char last_hint[sizeof(((FlowError *) 0)->hint)];
	char first_hint[sizeof(((FlowError *) 0)->hint)];
};

/* ---------- reader.c ---------- */

/*
 * Reads on until there is something to return.  FLOW_OK: a record is in
 * reader->fields or, if *is_row is set, reader->row is the next of some rows.
 * Otherwise as flow_reader_next.
 */
extern FlowStatus flow_reader_advance(FlowReader *reader, bool *is_row, FlowError *error);

/* ---------- reader_open.c: files ---------- */

/* Opens an object as a source. */
extern FlowStatus flow_reader_open_source(const FlowReader *reader, const FlowObject *object,
                                          FlowSource **source, FlowError *error);

/*
 * Opens the source of a part's object as a Parquet file; errors do not have its
 * name yet.
 */
extern FlowStatus flow_reader_open_records(FlowReader *reader, const FlowPart *part,
                                           FlowSource *source, FlowParquetRecords **records,
                                           bool *lacks_field, FlowError *error);

/* ---------- reader_line.c: bytes to lines ---------- */

/*
 * The first capacity for the rest of a line. flow_reader_make_room grows it to
 * "need" bytes, keeping what is unread.
 */
#define FLOW_READER_ROOM (64 * 1024)
extern FlowStatus flow_reader_make_room(FlowReader *reader, size_t need, FlowError *error);

/* Makes the buffers for reading, if there are none. */
extern FlowStatus flow_reader_make_buffers(FlowReader *reader, FlowError *error);

/*
 * Makes the selector, which applies the filter to many records at once; it
 * replaces an older one.
 */
extern FlowStatus flow_reader_make_selector(FlowReader *reader, FlowError *error);

/*
 * Opens the next object; FLOW_END after the last.  Of one that has columns,
 * flow_reader_begin_parquet does the rest.
 */
extern FlowStatus flow_reader_open_next(FlowReader *reader, FlowError *error);
extern void flow_reader_close_source(FlowReader *reader);

/* Brings counts.messages_skipped up to date, and bytes_read of a Parquet file. */
extern void flow_reader_count_skipped(FlowReader *reader);

/* Sets the layout of the lines that follow; NULL: it is not known. */
extern void flow_reader_set_layout(FlowReader *reader, const FlowLayout *layout);

/*
 * Returns the next line of the current object, and counts it; FLOW_END after
 * the last.
 */
extern FlowStatus flow_reader_next_line(FlowReader *reader, FlowLine *line, FlowError *error);

/*
 * Counts a line, which extends up to its newline, and removes what does not
 * belong to it.
 */
extern void flow_reader_begin_line(FlowReader *reader, FlowLine *line);

/*
 * Puts the columns that are not filled from records into reader->fields, for
 * the current line; flow_reader_set_line only the line's number.
 */
extern void flow_reader_set_others(FlowReader *reader);
extern void flow_reader_set_line(FlowReader *reader);

/* ---------- reader_piece.c: rows of a piece ---------- */

/*
 * Enters the lines of the piece up to an end into the ledger, or up to the row
 * that was handed out last, if one was: those that were not handed out were
 * filtered.
 */
extern void flow_reader_settle(FlowReader *reader, size_t end);
extern void flow_reader_flush(FlowReader *reader);

/* Counts as emitted the rows that spec.top has dropped, up to dropped_end. */
extern void flow_reader_count_dropped(FlowReader *reader);

/* Returns the end after a row. */
extern size_t flow_reader_row_end(const FlowReader *reader, uint32_t row);

/*
 * Applies the filter to the rows of the piece.  A status as
 * flow_selector_apply_first returns it; after FLOW_NEED_VALUE the piece waits.
 */
extern FlowStatus flow_reader_select(FlowReader *reader);

/* Lists the columns that are checked in every row. */
extern void flow_reader_list_checks(FlowReader *reader);

/* Marks the rows with a bad field in such a column as doubtful. */
extern void flow_reader_doubt_columns(FlowReader *reader);

/* Marks all rows as doubtful if a value that they share is bad. */
extern void flow_reader_doubt_constants(FlowReader *reader);

/* Returns true if a field is not a value of its column. */
extern bool flow_reader_is_bad(const FlowReader *reader, int column, FlowSlice field);

/*
 * Drops those of the rows from "from" to "end" that are not among the best,
 * and returns how many stay: they are moved to "from".  The others are counted
 * up to "dropped_end", later.
 */
extern size_t flow_reader_drop(FlowReader *reader, size_t from, size_t end, size_t dropped_end);

/* ---------- reader_parquet.c: files with columns ---------- */

/* Begins to read the row groups of the part, of the file that was opened. */
extern FlowStatus flow_reader_begin_parquet(FlowReader *reader, FlowError *error);

/*
 * Goes on to the next block: its rows are in the piece, and columns that are
 * needed of those that are left have been loaded.  FLOW_END after the last.
 */
extern FlowStatus flow_reader_next_block(FlowReader *reader, FlowError *error);

/* Does the same for the block when values that it has waited for are there. */
extern FlowStatus flow_reader_select_block(FlowReader *reader, FlowError *error);

/* Sets reader->fields to those of a row that passed. */
extern FlowStatus flow_reader_fill_row(FlowReader *reader, uint32_t row, FlowError *error);

/* Takes the next row, which is doubtful, as flow_reader_take_line does. */
extern FlowStatus flow_reader_take_row(FlowReader *reader, FlowError *error);

/* Returns true if row groups and pages are left out by what the file says of them. */
static inline bool
flow_reader_prunes(const FlowReader *reader)
{
	return reader->spec.filter != NULL && reader->selector != NULL && reader->spec.prune_groups;
}

/* ---------- reader_ahead.c: what is announced of them ---------- */

/* Sets *may_pass to false if no row of a row group can pass, by its statistics. */
extern FlowStatus flow_reader_may_pass(const FlowReader *reader, const FlowParquetRecords *records,
                                       size_t group, bool *may_pass, FlowError *error);

/* Announces what the row group that begins probably needs. */
extern FlowStatus flow_reader_plan_group(FlowReader *reader, FlowError *error);

/*
 * Sets *columns, which the caller frees, to those of which only pages are read
 * that the page index of the row group leaves; NULL if it is not read first.
 */
extern FlowStatus flow_reader_awaits_index(const FlowReader *reader, bool **columns,
                                           FlowError *error);

/* The row group has reached a stage: announces what was not announced. */
extern FlowStatus flow_reader_plan(FlowReader *reader, FlowReadStage stage, FlowError *error);

/*
 * Opens a file that was announced to the store, if its footer has arrived, and
 * announces its first row groups.  Errors are left to the time when the reader
 * comes to it.
 */
extern void flow_reader_open_ahead(FlowReader *reader);

/* Makes the object's file the current one if it was opened ahead; else false. */
extern bool flow_reader_take_opened(FlowReader *reader, const FlowObject *object);
extern void flow_reader_close_opened(FlowReader *reader);

/* ---------- reader_judge.c: a line to a record ---------- */

/*
 * Processes a line that was counted: FLOW_OK if it is a record that passes,
 * FLOW_END if not, FLOW_REJECTED if there is a reject to report,
 * FLOW_NEED_VALUE if it waits for a value.
 */
extern FlowStatus flow_reader_take_line(FlowReader *reader, const FlowLine *line, FlowError *error);

/* The same for a line whose fields are in reader->fields. */
extern FlowStatus flow_reader_take_record(FlowReader *reader, const FlowLine *line,
                                          FlowError *error);

/*
 * Continues with the line that waits for a value, which is there now; returns
 * the same as flow_reader_take_line.
 */
extern FlowStatus flow_reader_take_waiting(FlowReader *reader, FlowError *error);

/*
 * Processes the record in reader->fields, which was counted; returns the same.
 * "line" is shown if it is a reject.
 */
extern FlowStatus flow_reader_take_record(FlowReader *reader, const FlowLine *line,
                                          FlowError *error);

/*
 * Returns the first bad field of reader->fields among those that are checked
 * whatever the query uses.
 */
extern FlowBadField flow_reader_check_columns(const FlowReader *reader);

/* ---------- reader_reject.c: what is wrong with a line ---------- */

/*
 * Adds the current position to an error that has none; returns the status.
 * flow_reader_error_leaves finds the line's number.
 */
extern FlowStatus flow_reader_error_here(FlowReader *reader, FlowStatus status, FlowError *error);

/*
 * Completes an error before it leaves the reader: the line in it, which was
 * counted within the part, is replaced by its number in the file.
 */
extern FlowStatus flow_reader_error_leaves(FlowReader *reader, FlowStatus status, FlowError *error);

/* Adds the beginning of a raw line to an error, without the wrapper's marks. */
extern void flow_reader_attach_raw(const FlowReader *reader, const FlowLine *line,
                                   FlowError *error);

/*
 * Fill the error for a line that is not a record, or for a bad field, and
 * return its status.
 */
extern FlowStatus flow_reader_unmatched_error(FlowReader *reader, const FlowLine *line,
                                              FlowError *error);
extern FlowStatus flow_reader_bad_field_error(FlowReader *reader, FlowBadField bad,
                                              FlowError *error);

/*
 * Leave the current line out, or keep it with nulls in it, because of such an
 * error.  FLOW_OK, FLOW_REJECTED, or the error that there are too many
 * rejects.
 */
extern FlowStatus flow_reader_reject_line(FlowReader *reader, const FlowLine *line,
                                          FlowError *error);
extern FlowStatus flow_reader_null_line(FlowReader *reader, const FlowLine *line, FlowError *error);

#endif /* FLOW_READER_H */
