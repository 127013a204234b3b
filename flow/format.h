/*-------------------------------------------------------------------------
 *
 * format.h
 *	  How a line becomes fields.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_FORMAT_H
#define FLOW_FORMAT_H

#include "layout.h"

/*
 * How lines are laid out before a header was met; NULL if that takes a header.
 * "timed": a wrapper puts a time before each record.  Layouts live as long as
 * the format, but for those of headers: of them, only the one that was asked
 * for last is certain to.
 */
extern const FlowLayout *flow_format_layout(const FlowFormat *format, bool timed);

/*
 * Do the files' own headers say what their fields are?  Then a file cannot be
 * read from its middle.
 */
extern bool flow_format_is_by_header(const FlowFormat *format);

/*
 * Are records taken out of what is wrapped round them?  A pattern is for lines
 * as they are.
 */
extern bool flow_format_unwraps(const FlowFormat *format);

/* Is any line split at separators? */
extern bool flow_format_has_shape(const FlowFormat *format);

extern const FlowColumn *flow_format_columns(const FlowFormat *format, int *ncolumns);
extern FlowHeaderMode flow_format_header_mode(const FlowFormat *format);

/*
 * Splits a line into fields[column]: FLOW_OK, FLOW_END if it is no record of
 * this format, or an error.
 */
extern FlowStatus flow_format_split(FlowFormat *format, const FlowLayout *layout, const char *line,
                                    size_t len, FlowSlice *fields, FlowError *error);

/* Adds to an error about a line that is no record why that may be. */
extern void flow_format_explain_mismatch(const FlowFormat *format, const FlowLayout *layout,
                                         const char *line, size_t len, FlowError *error);

/* Does the line look like a header?  "first": it is the first of its file. */
extern bool flow_format_is_header(const FlowFormat *format, const char *line, size_t len,
                                  bool first);

/*
 * Takes a header: FLOW_BAD_HEADER if it does not fit the columns.  Where
 * headers say what the fields are, the lines that follow have *layout.
 */
extern FlowStatus flow_format_take_header(FlowFormat *format, const char *line, size_t len,
                                          bool timed, const FlowLayout **layout, FlowError *error);

/*
 * The layout of a file that begins with this line, which is no header: the
 * default format's, or FLOW_BAD_HEADER if the line does not fit it.
 */
extern FlowStatus flow_format_assume_default(FlowFormat *format, const char *line, size_t len,
                                             bool timed, const FlowLayout **layout,
                                             FlowError *error);

#endif /* FLOW_FORMAT_H */
