/*-------------------------------------------------------------------------
 *
 * format.h
 *	  Splits lines into fields.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_FORMAT_H
#define FLOW_FORMAT_H

#include "keys.h"
#include "layout.h"

/* in format.c */

/*
 * Returns the layout of lines before any header was read; NULL if that takes a
 * header.  Layouts live as long as the format, except those of headers: of
 * these, only the one returned last is certain to live.
 */
extern const FlowLayout *flow_format_layout(const FlowFormat *format, FlowFraming framing);

/*
 * Returns true if the files' own headers name the fields.  Then a file cannot
 * be read from its middle.
 */
extern bool flow_format_is_by_header(const FlowFormat *format);

/*
 * Returns true if records are taken out of their wrapper.  A pattern is
 * matched against lines as they are.
 */
extern bool flow_format_unwraps(const FlowFormat *format);

/* Returns true if any line is split at separators. */
extern bool flow_format_has_shape(const FlowFormat *format);

extern const FlowColumn *flow_format_columns(const FlowFormat *format, int *ncolumns);
extern FlowHeaderMode flow_format_header_mode(const FlowFormat *format);

/*
 * Splits a line into fields[column]: FLOW_OK, FLOW_END if it is not a record
 * of this format, or an error.
 */
extern FlowStatus flow_format_split(FlowFormat *format, const FlowLayout *layout, const char *line,
                                    size_t len, FlowSlice *fields, FlowError *error);

/*
 * Adds to an error about a line that is not a record the detail that says why.
 */
extern void flow_format_explain_mismatch(const FlowFormat *format, const FlowLayout *layout,
                                         const char *line, size_t len, FlowError *error);

/*
 * Returns true if the line looks like a header.  "first": it is the first of
 * its file.
 */
extern bool flow_format_is_header(const FlowFormat *format, const char *line, size_t len,
                                  FlowFraming framing, bool first);

/*
 * Accepts a header: FLOW_BAD_HEADER if it does not fit the columns.  Where
 * headers name the fields, *layout is set to the layout of the lines that
 * follow.
 */
extern FlowStatus flow_format_take_header(FlowFormat *format, const char *line, size_t len,
                                          FlowFraming framing, const FlowLayout **layout,
                                          FlowError *error);

/*
 * Returns the layout of a file that begins with this line, which is not a
 * header: the default format's, or FLOW_BAD_HEADER if the line does not fit
 * it.
 */
extern FlowStatus flow_format_assume_default(FlowFormat *format, const char *line, size_t len,
                                             FlowFraming framing, const FlowLayout **layout,
                                             FlowError *error);

/*
 * Returns what the members of records in JSON fill that have one for each
 * field; NULL if records are not taken out of JSON.
 */
extern const FlowKeys *flow_format_keys(const FlowFormat *format);

/*
 * Sets *layout to the layout of the lines that are made of such records.
 * "seen" are members of the first: FLOW_BAD_HEADER for a column that is
 * neither among them nor a known field.
 */
extern FlowStatus flow_format_take_keys(const FlowFormat *format, const FlowKeysSeen *seen,
                                        const FlowLayout **layout, FlowError *error);

#endif /* FLOW_FORMAT_H */
