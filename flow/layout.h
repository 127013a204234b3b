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
	const FlowShape *shape; /* what to split lines by; NULL: nothing, they are taken one by one */
	int *places;            /* by column: the field of a line that fills it, from 0, or -1 */
	bool timed;             /* the first field is the time that a wrapper put before the record */
	bool lacks_field;       /* the known field of a column is not among them */

	/* of a list of names */
	const char *source; /* what named the fields, for messages: "header" */
	char separator;
	int nfields;
	FlowShape own_shape;

	/* the header that it was made of, in the format's list of them */
	char *key;
	size_t key_len;
} FlowLayout;

typedef struct FlowLayoutSpec
{
	const FlowHost *host;
	const FlowNames *names;
	const char *source;
	bool timed;
	bool splitter; /* may lines be split many at a time? */
	const FlowColumn *columns;
	int ncolumns;
} FlowLayoutSpec;

/*
 * FLOW_OK, FLOW_NO_MEMORY, or FLOW_BAD_HEADER for a column that is neither
 * named nor a known field.
 */
extern FlowStatus flow_layout_create(const FlowLayoutSpec *spec, FlowLayout **layout,
                                     FlowError *error);
extern void flow_layout_free(FlowLayout *layout);

/*
 * Splits a line at its separators into fields by column; FLOW_END if it has
 * more fields or less than the layout.
 */
extern FlowStatus flow_layout_split(const FlowLayout *layout, const char *line, size_t len,
                                    FlowSlice *by_column, int ncolumns);

/* Adds to an error about such a line what is wrong with it. */
extern void flow_layout_explain_mismatch(const FlowLayout *layout, const char *line, size_t len,
                                         FlowError *error);

/*
 * The fields of AWS's default format, and whether a line is certainly a record
 * of it.
 */
extern void flow_default_names(FlowNames *names);
extern bool flow_default_fits(const char *line, size_t len, bool timed);

#endif /* FLOW_LAYOUT_H */
