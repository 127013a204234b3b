/*-------------------------------------------------------------------------
 *
 * flow_format.h
 *	  Line formats: how a line becomes fields.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_API_FORMAT_H
#define FLOW_API_FORMAT_H

#include "flow_value.h"

typedef struct FlowFormat FlowFormat;

typedef enum FlowHeaderMode
{
	FLOW_HEADER_AUTO,
	FLOW_HEADER_TRUE,
	FLOW_HEADER_MATCH,
	FLOW_HEADER_FALSE
} FlowHeaderMode;

/* The specification of a format; all of it must outlive the format. */
typedef struct FlowFormatSpec
{
	const char *regex; /* NUL-terminated pattern, or NULL */
	bool regex_jit;    /* compile it to machine code if that is possible */
	bool splitter;     /* split lines at their separators if that gives the pattern's result */
	FlowHeaderMode header;
	const FlowColumn *columns; /* the live columns, in table order */
	int ncolumns;
	/*
	 * without regex: an AWS log format; NULL: each file's own header names its
	 * fields
	 */
	const char *log_format;
} FlowFormatSpec;

/* in format.c */
extern FlowStatus flow_format_create(const FlowHost *host, const FlowFormatSpec *spec,
                                     FlowFormat **format, FlowError *error);
extern void flow_format_free(FlowFormat *format);

/*
 * Returns the name of the splitter, as EXPLAIN shows it: "header", "regex,
 * PCRE2 JIT".
 */
extern const char *flow_format_name(const FlowFormat *format);

/*
 * Returns true if lines may be split at their separators, instead of being
 * matched by the pattern, which must be valid, or taken apart one by one.
 * "regex" and "splitter" are as in the spec.
 */
extern bool flow_format_splits(const FlowHost *host, const char *regex, bool splitter);

/*
 * Checks a log format; returns FLOW_BAD_FORMAT if it is not one.  Otherwise
 * "unknown" is the first of its fields that is not known, and "nearest" the
 * known field that may have been meant; each is empty if there is none.
 */
extern FlowStatus flow_format_check_log_format(const char *log_format, char unknown[64],
                                               char nearest[64], FlowError *error);

/* Checks that a pattern compiles; returns FLOW_BAD_PATTERN if it does not. */
extern FlowStatus flow_format_check_regex(const FlowHost *host, const char *regex,
                                          FlowError *error);

/*
 * Returns true if the pattern looks as if it was pasted from a Hive string,
 * with doubled backslashes.
 */
extern bool flow_format_regex_is_escaped(const char *regex);

#endif /* FLOW_API_FORMAT_H */
