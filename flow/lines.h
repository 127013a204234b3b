/*-------------------------------------------------------------------------
 *
 * lines.h
 *	  Finds the lines of a piece of a log that have a shape.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_LINES_H
#define FLOW_LINES_H

#include "bytes/ends.h"
#include "layout.h"

/*
 * Set in a row that must be examined by itself, beginning with its line.  A
 * FlowBatch never has it.
 */
#define FLOW_ROW_DOUBTFUL (UINT32_C(1) << 31)

/*
 * Set as well if it is certainly a record of these fields, and is doubtful only
 * because the filter needs a value of the host.
 */
#define FLOW_ROW_NEEDS (UINT32_C(1) << 30)
#define FLOW_ROW_MARKS (FLOW_ROW_DOUBTFUL | FLOW_ROW_NEEDS)

typedef struct FlowLines
{
	const FlowHost *host;
	const FlowLayout *layouts; /* by number of fields; NULL: not yet known */
	const FlowLayout *layout;  /* that of the rows */
	const FlowShape *shape;    /* its shape; NULL: it has none */
	int ncolumns;
	FlowSplit split;
	bool has_headers;       /* headers may be among the lines */
	bool doubt_letters;     /* lines whose fields begin with letters may be headers */
	size_t max_line_length; /* a longer line is doubtful */

	FlowEnds *ends;
	uint32_t *rows; /* by line: index of its first end, perhaps with FLOW_ROW_MARKS */
	size_t nrows;
	FlowBatch batch; /* of these lines, except rows and count */
	int *place;      /* its places, for lines of "nfields" fields */
	int nfields;
} FlowLines;

/* in lines.c */

/* On FLOW_NO_MEMORY, *lines is not set. */
extern FlowStatus flow_lines_create(const FlowHost *host, const FlowFormat *format,
                                    size_t max_line_length, FlowLines **lines, FlowError *error);
extern void flow_lines_free(FlowLines *lines);

/*
 * The buffers for split lines are needed from before the first line until
 * after the last.
 */
extern FlowStatus flow_lines_make_room(FlowLines *lines, FlowError *error);
extern void flow_lines_free_room(FlowLines *lines);

/*
 * Sets the layout of the lines that follow.  It must live as long as they are
 * split.
 */
extern void flow_lines_set_layout(FlowLines *lines, const FlowLayout *layout);

/*
 * Splits the complete lines at the beginning of some data, at most
 * FLOW_SPLIT_MAX bytes of them.  Returns the number of bytes that were split,
 * 0 if no line ends within them.  All of these lines become rows; lines that
 * do not have the shape, or may be something other than a record, become
 * doubtful rows.
 */
extern size_t flow_lines_split(FlowLines *lines, const char *data, size_t len);

/* Returns the index of the end after a row's newline. */
extern size_t flow_lines_behind(const FlowLines *lines, uint32_t row);

/* Returns the line of a row, without newline. */
extern FlowSlice flow_lines_line(const FlowLines *lines, uint32_t row);

/*
 * Returns the number of lines that end among the ends from "from" to before
 * "to".
 */
extern size_t flow_lines_count(const FlowLines *lines, size_t from, size_t to);

#endif /* FLOW_LINES_H */
