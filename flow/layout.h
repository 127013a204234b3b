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
	FlowFraming framing;    /* FLOW_TIMED: the first field is the time before the record */
	bool lacks_field;       /* a column's known field is not in the lines */
	bool by_key;            /* a record has a member for each field: see flow_json_codec */

	/* of a layout made from a list of names */
	struct FlowLayout *next; /* another for lines with another number of fields; or NULL */
	const char *source;      /* the source of the names, for messages: "header" */
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
	FlowFraming framing;
	bool splitter; /* true if lines may be split many at a time */
	bool partial;  /* columns may have their fields in other layouts */
	const FlowColumn *columns;
	int ncolumns;
} FlowLayoutSpec;

/* in layout.c */

/*
 * Makes a layout.  FLOW_OK, FLOW_NO_MEMORY, FLOW_BAD_HEADER for a column that
 * is neither named nor a known field, or FLOW_BAD_FORMAT as below.
 */
extern FlowStatus flow_layout_create(const FlowLayoutSpec *spec, FlowLayout **layout,
                                     FlowError *error);
extern void flow_layout_free(FlowLayout *layout); /* and those after it */

/*
 * Returns the layout for lines of a number of fields, of a layout and those
 * after it; NULL if there is none.
 */
static inline const FlowLayout *
flow_layout_for(const FlowLayout *layout, int nfields)
{
	while (layout != NULL && layout->nfields != nfields)
		layout = layout->next;
	return layout;
}

/* Returns the name by which a column finds its field. */
extern const char *flow_layout_name(const FlowColumn *column);

/*
 * Checks that no two columns find the same field, or group, by their names;
 * several may be given one by their option "field".  "places" is by column,
 * and "nowhere" the place of a column without a field.  FLOW_OK or
 * FLOW_BAD_FORMAT.
 */
extern FlowStatus flow_layout_check_shared(const FlowColumn *columns, int ncolumns,
                                           const int *places, int nowhere, FlowError *error);

/*
 * Makes the layout of lines of records with a member for each field: the JSON,
 * and a field for each column that a record fills.  FLOW_OK or FLOW_NO_MEMORY.
 */
extern FlowStatus flow_layout_create_by_key(const FlowHost *host, const FlowColumn *columns,
                                            int ncolumns, bool splitter, FlowLayout **layout,
                                            FlowError *error);

/*
 * Fills the error for a column that no file can fill, unless its "source"
 * names such a field.  "names" are those that were meant perhaps, or NULL.
 */
extern FlowStatus flow_layout_unknown_column(const FlowColumn *column, const FlowNames *names,
                                             const char *source, FlowError *error);

/*
 * Splits a line at its separators into fields by column; FLOW_END if it has
 * more or fewer fields than the layout, or any of those after it.
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
extern void flow_default_names(FlowNames *names, FlowFraming framing);
extern bool flow_default_fits(const char *line, size_t len, FlowFraming framing);

/*
 * Adds to an error about a first line that is neither a header nor such a
 * record the detail that says why, and as raw text the line, or the field that
 * does not fit.  Returns the number of that field, from 1, or 0.
 */
extern int flow_default_explain(FlowSlice line, FlowFraming framing, FlowError *error);

#endif /* FLOW_LAYOUT_H */
