/*-------------------------------------------------------------------------
 *
 * layout.h
 *	  Layouts: which field of a line fills which column.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_LAYOUT_H
#define FLOW_LAYOUT_H

#include "header.h"
#include "shape.h"

typedef struct FlowLayout
{
	const FlowHost *host;
	const FlowShape *shape; /* how to split lines; NULL: only one by one */
	int *places;            /* by column: the field of a line that fills it, from 0, or -1 */
	bool timed;             /* the first field is the time that a wrapper put before the record */
	bool lacks_field;       /* a column's known field is not in the lines */

	/* of a layout made from a list of names */
	const char *source; /* the source of the names, for messages: "header" */
	char separator;
	int nfields;
	FlowShape own_shape;

	/* the header it was made from, in the format's list of layouts */
	char *key;
	size_t key_len;
} FlowLayout;

typedef struct FlowLayoutSpec
{
	const FlowHost *host;
	const FlowNames *names;
	const char *source;
	bool timed;
	bool splitter; /* true if lines may be split many at a time */
	const FlowColumn *columns;
	int ncolumns;
} FlowLayoutSpec;

/* in layout.c */

/*
 * Makes a layout.  FLOW_OK, FLOW_NO_MEMORY, or FLOW_BAD_HEADER for a column
 * that is neither named nor a known field.
 */
extern FlowStatus flow_layout_create(const FlowLayoutSpec *spec, FlowLayout **layout,
                                     FlowError *error);
extern void flow_layout_free(FlowLayout *layout);

/*
 * Splits a line at its separators into fields by column; FLOW_END if it has
 * more or fewer fields than the layout.
 */
extern FlowStatus flow_layout_split(const FlowLayout *layout, const char *line, size_t len,
                                    FlowSlice *by_column, int ncolumns);

/*
 * Adds to an error about such a line the detail that says what is wrong with
 * it.
 */
extern void flow_layout_explain_mismatch(const FlowLayout *layout, const char *line, size_t len,
                                         FlowError *error);

/*
 * Set the names of AWS's default format; return true if a line is certainly a
 * record of that format.
 */
extern void flow_default_names(FlowNames *names);
extern bool flow_default_fits(const char *line, size_t len, bool timed);

/*
 * Adds to an error about a first line that is neither a header nor such a
 * record the detail that says why, and as raw text the line, or the field that
 * does not fit.  Returns the number of that field, from 1, or 0.
 */
extern int flow_default_explain(FlowSlice line, bool timed, FlowError *error);

#endif /* FLOW_LAYOUT_H */
