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
#include "selector.h"

#define FLOW_LONG_LINE_KEPT 1024 /* bytes kept of a line that is too long, to show */
/* maximum parts taken ahead; a store may want fewer */
#define FLOW_READER_ANNOUNCED 256

/* A column that is checked in every row. */
typedef struct FlowColumnCheck
{
	int column;
	/* a field of digits only, and no more than this number of them, is good */
	uint32_t good_digits;
} FlowColumnCheck;

/* A line, without its newline and carriage return. */
typedef struct FlowLine
{
	const char *data;
	size_t len;
	bool too_long; /* data is only its beginning */
} FlowLine;

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
	bool timed;                 /* a wrapper puts a time before each record */
	bool has_marks;             /* and makes the lines: see flow_source_has_marks */
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
	char long_line[FLOW_LONG_LINE_KEPT];
	size_t long_line_len;

	/*
	 * the piece that was split last; all its lines are rows, and rows that did
	 * not pass are removed
	 */
	FlowLines *lines;       /* NULL: the format has no shape */
	FlowSelector *selector; /* NULL: no filter */
	size_t nrows;           /* rows that remain */
	size_t row;             /* index of the next row */
	size_t settled;         /* end up to which the ledger includes the lines */
	/* rows after "settled" that were handed out, and are counted already */
	uint64_t taken;

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
	int needed;        /* and the predicate's number */

	/* the ledger */
	FlowCounts counts;
	uint64_t objects_opened; /* in this scan */
	uint64_t rejects_before; /* in earlier scans: reject_limit applies to each scan */
	FlowReject last_reject;
	FlowReject first_reject;
	char last_reason[sizeof(((FlowError *) 0)->detail)];
	char first_reason[sizeof(((FlowError *) 0)->detail)];
};

/* ---------- reader.c ---------- */

/*
 * Reads on until there is something to return.  FLOW_OK: a record is in
 * reader->fields or, if *is_row is set, reader->row is the next of some rows.
 * Otherwise as flow_reader_next.
 */
extern FlowStatus flow_reader_advance(FlowReader *reader, bool *is_row, FlowError *error);

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

/* Opens the next object; FLOW_END after the last. */
extern FlowStatus flow_reader_open_next(FlowReader *reader, FlowError *error);
extern void flow_reader_close_source(FlowReader *reader);

/* Brings counts.messages_skipped up to date. */
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

/* ---------- reader_judge.c: a line to a record ---------- */

/*
 * Processes a line that was counted: FLOW_OK if it is a record that passes,
 * FLOW_END if not, FLOW_REJECTED if there is a reject to report,
 * FLOW_NEED_VALUE if it waits for a value.
 */
extern FlowStatus flow_reader_take_line(FlowReader *reader, const FlowLine *line, FlowError *error);

/*
 * Continues with the line that waits for a value, which is there now; returns
 * the same as flow_reader_take_line.
 */
extern FlowStatus flow_reader_take_waiting(FlowReader *reader, FlowError *error);

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
