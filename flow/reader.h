/*-------------------------------------------------------------------------
 *
 * reader.h
 *	  What the files of the reader share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_READER_H
#define FLOW_READER_H

#include "bytes/source.h"
#include "lines.h"
#include "selector.h"

#define FLOW_LONG_LINE_KEPT 1024 /* bytes kept of a line that is too long, to show */
/* parts taken before their turn, at most; a store may want fewer */
#define FLOW_READER_ANNOUNCED 256

/* A column that is checked in every row. */
typedef struct FlowColumnCheck
{
	int column;
	uint32_t good_digits; /* a field of no more than so many digits, and nothing else, is good */
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
	FlowColumnCheck *checks; /* of rows, whatever the query uses */
	int nchecks;
	int *constant_columns; /* those that are the same in all of a file */
	int nconstant;
	bool wants_line; /* somebody looks at the number of a record's line */

	/* the file being read */
	size_t next_object;       /* index of the one after it, unless the host gives parts */
	const FlowObject *object; /* NULL: none is open */
	FlowPart part;            /* what is read of it */
	FlowSource *source;
	uint64_t source_counted; /* of the part's bytes, in counts already */
	uint64_t line;           /* number of the current line, in the part */
	/*
	 * number of the first that is read: a wrapper's header may stand before it
	 */
	uint64_t first_line;
	FlowAhead ahead;     /* files asked for before their turn */
	FlowPart *announced; /* to the store, before their turn; NULL: none was yet */
	int nannounced;
	FlowLineCount counted; /* of the lines before parts */
	FlowConstants *constants;
	const FlowSlice *constant; /* by column: of those that are the same in all of it */
	bool bad_constant;         /* one of them makes each record a reject, or an error */
	char line_text[16 + 20 + FLOW_RECORD_SLACK];
	char *header; /* header 'match': the first line */
	size_t header_len;
	bool timed;                 /* a wrapper puts a time before each record */
	const char *wrapper_header; /* see flow_source_header */
	uint64_t skipped_counted;   /* of its messages, in counts already */
	const FlowLayout *layout;   /* of its lines; NULL: not yet known */
	bool lacking_counted;       /* it is in files_lacking */

	/*
	 * the buffer, which there is from the first file to the end of the last
	 * one
	 */
	char *allocation; /* what host->free takes; NULL: there is none */
	char *block;      /* page-aligned */
	size_t headroom;  /* bytes before it */
	char *cursor;     /* next unread byte */
	char *end;        /* behind the last byte read */
	char *stop;       /* no line of the part begins behind this byte; "end" if all may */
	size_t scanned;   /* bytes from cursor known to hold no newline */
	bool at_start;    /* nothing of it was read yet */
	bool no_more;     /* the source has ended */
	bool discarding;  /* cursor is inside a line that is too long */
	char long_line[FLOW_LONG_LINE_KEPT];
	size_t long_line_len;

	/*
	 * the piece that was split last; all its lines are rows, of which those
	 * that did not pass are left out
	 */
	FlowLines *lines;       /* NULL: the format has no shape */
	FlowSelector *selector; /* NULL: no filter */
	size_t nrows;           /* rows that are left */
	size_t row;             /* the next of them */
	size_t settled;         /* end up to which the ledger has its lines */
	/* rows behind that which were handed out, and counted where they belong */
	uint64_t taken;

	/* the current record */
	FlowSlice *fields;
	int *wanted; /* columns whose fields somebody looks at once it has passed */
	int nwanted;
	bool record_waits; /* it passed; its reject had to be reported first */
	bool line_nulled;  /* it is counted in set_null */
	bool group_waits;  /* it passed, but the groups were full */
	bool group_nulls;  /* its bad fields are NULL in them */
	bool value_waits;  /* its test came to a deferred predicate */
	FlowLine waiting;  /* then: its line, */
	int needed;        /* and the predicate's number */

	/* the ledger */
	FlowCounts counts;
	uint64_t objects_opened; /* in this scan */
	uint64_t rejects_before; /* of earlier scans: reject_limit is for each */
	FlowReject last_reject;
	FlowReject first_reject;
	char last_reason[sizeof(((FlowError *) 0)->detail)];
	char first_reason[sizeof(((FlowError *) 0)->detail)];
};

/* ---------- reader.c ---------- */

/*
 * Goes on until there is something to hand out.  FLOW_OK: a record is in
 * reader->fields or, if *is_row is set, reader->row is the next of some rows.
 * Else as flow_reader_next.
 */
extern FlowStatus flow_reader_advance(FlowReader *reader, bool *is_row, FlowError *error);

/* ---------- reader_line.c: bytes to lines ---------- */

/*
 * The first room for the rest of a line; grows to "need" bytes, keeping what
 * is unread.
 */
#define FLOW_READER_ROOM (64 * 1024)
extern FlowStatus flow_reader_make_room(FlowReader *reader, size_t need, FlowError *error);

/* Makes the buffers that reading takes, if there are none. */
extern FlowStatus flow_reader_make_buffers(FlowReader *reader, FlowError *error);

/*
 * Makes what applies the filter to many records at once, in place of an older
 * one.
 */
extern FlowStatus flow_reader_make_selector(FlowReader *reader, FlowError *error);

/* Opens the next object; FLOW_END after the last. */
extern FlowStatus flow_reader_open_next(FlowReader *reader, FlowError *error);
extern void flow_reader_close_source(FlowReader *reader);

/* Brings counts.messages_skipped up to date. */
extern void flow_reader_count_skipped(FlowReader *reader);

/* From here on the lines have this layout; NULL: it is not known. */
extern void flow_reader_set_layout(FlowReader *reader, const FlowLayout *layout);

/* The next line of the current object, counted; FLOW_END after the last. */
extern FlowStatus flow_reader_next_line(FlowReader *reader, FlowLine *line, FlowError *error);

/*
 * Counts a line, cut from the data up to its newline, and takes off what does
 * not belong to it.
 */
extern void flow_reader_begin_line(FlowReader *reader, FlowLine *line);

/*
 * Puts the columns that no record fills into reader->fields, for the current
 * line; or only the line's number.
 */
extern void flow_reader_set_others(FlowReader *reader);
extern void flow_reader_set_line(FlowReader *reader);

/* ---------- reader_judge.c: a line to a record ---------- */

/*
 * Takes a line that was counted: FLOW_OK if it is a record that passes,
 * FLOW_END if not, FLOW_REJECTED if there is a reject to report,
 * FLOW_NEED_VALUE if it waits for a value.
 */
extern FlowStatus flow_reader_take_line(FlowReader *reader, const FlowLine *line, FlowError *error);

/*
 * Goes on with the line that waits for a value, which is there now; returns
 * the same.
 */
extern FlowStatus flow_reader_take_waiting(FlowReader *reader, FlowError *error);

/*
 * The first bad field of reader->fields among those that are checked whatever
 * the query uses.
 */
extern FlowBadField flow_reader_check_columns(const FlowReader *reader);

/* ---------- reader_reject.c: what is wrong with a line ---------- */

/*
 * Adds the current place to an error that has none; returns the status.
 * flow_reader_error_leaves finds the line's number.
 */
extern FlowStatus flow_reader_error_here(FlowReader *reader, FlowStatus status, FlowError *error);

/*
 * An error that leaves the reader: the line it names, which was counted in the
 * part until now, gets the number that it has in the file.
 */
extern FlowStatus flow_reader_error_leaves(FlowReader *reader, FlowStatus status, FlowError *error);

extern void flow_reader_attach_raw(FlowError *error, FlowSlice raw);

/* The error for a line that is no record, and for a bad field. */
extern FlowStatus flow_reader_unmatched_error(FlowReader *reader, const FlowLine *line,
                                              FlowError *error);
extern FlowStatus flow_reader_bad_field_error(FlowReader *reader, FlowBadField bad,
                                              FlowError *error);

/*
 * The current line is left out, or kept with nulls in it, because of such an
 * error.  FLOW_OK, FLOW_REJECTED or the error that there are too many of them.
 */
extern FlowStatus flow_reader_reject_line(FlowReader *reader, const FlowLine *line,
                                          FlowError *error);
extern FlowStatus flow_reader_null_line(FlowReader *reader, const FlowLine *line, FlowError *error);

#endif /* FLOW_READER_H */
