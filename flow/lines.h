/*-------------------------------------------------------------------------
 *
 * lines.h
 *	  The lines of a piece of a log that have a shape.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_LINES_H
#define FLOW_LINES_H

#include "bytes/ends.h"
#include "layout.h"

/*
 * Set in a row that must be judged by itself, from its line on: FlowBatch
 * never has it.
 */
#define FLOW_ROW_DOUBTFUL (UINT32_C(1) << 31)

typedef struct FlowLines
{
	const FlowHost *host;
	const FlowLayout *layout; /* NULL: not yet known */
	const FlowShape *shape;   /* its shape; NULL: it has none */
	int ncolumns;
	FlowSplit split;
	bool has_headers;       /* headers may stand among the lines */
	bool doubt_letters;     /* lines whose record begins with a small letter may be headers */
	size_t max_line_length; /* a longer line is doubtful */

	FlowEnds *ends;
	uint32_t *rows; /* by line: index of its first end, perhaps FLOW_ROW_DOUBTFUL */
	size_t nrows;
	FlowBatch batch; /* of these lines, save rows and count */
	int *place;      /* its places, for lines of "nfields" fields */
	int nfields;
} FlowLines;

/* FLOW_NO_MEMORY leaves nothing. */
extern FlowStatus flow_lines_create(const FlowHost *host, const FlowFormat *format,
                                    size_t max_line_length, FlowLines **lines, FlowError *error);
extern void flow_lines_free(FlowLines *lines);

/*
 * What lines are split into takes room, from before the first to after the
 * last of them.
 */
extern FlowStatus flow_lines_make_room(FlowLines *lines, FlowError *error);
extern void flow_lines_free_room(FlowLines *lines);

/*
 * The lines that follow have this layout, which must live as long as they are
 * split.
 */
extern void flow_lines_set_layout(FlowLines *lines, const FlowLayout *layout);

/*
 * Splits the whole lines at the beginning of some data, FLOW_SPLIT_MAX bytes
 * of them at most; returns how many bytes that were, 0 if no line ends in
 * there.  All of them become rows; those that are not of the shape, or may be
 * more than a record, doubtful ones.
 */
extern size_t flow_lines_split(FlowLines *lines, const char *data, size_t len);

/* The end behind the newline of a row. */
extern size_t flow_lines_behind(const FlowLines *lines, uint32_t row);

/* The line of a row, without newline. */
extern FlowSlice flow_lines_line(const FlowLines *lines, uint32_t row);

/* How many lines end among the ends from "from" up to, but without, "to"? */
extern size_t flow_lines_count(const FlowLines *lines, size_t from, size_t to);

#endif /* FLOW_LINES_H */
