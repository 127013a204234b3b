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

/* What a format is made of; all of it must outlive the format. */
typedef struct FlowFormatSpec
{
	const char *regex; /* NUL-terminated pattern, or NULL */
	bool regex_jit;    /* compile it to machine code if that is possible */
	bool splitter;     /* split lines at their separators where that gives what the pattern gives */
	FlowHeaderMode header;
	const FlowColumn *columns; /* the live columns, in table order */
	int ncolumns;
	/*
	 * without regex: an AWS log format; NULL: each file's own header says its
	 * fields
	 */
	const char *log_format;
} FlowFormatSpec;

/* in format.c */
extern FlowStatus flow_format_create(const FlowHost *host, const FlowFormatSpec *spec,
                                     FlowFormat **format, FlowError *error);
extern void flow_format_free(FlowFormat *format);

/* which splitter runs, as EXPLAIN names it: "header", "regex, PCRE2 JIT" */
extern const char *flow_format_name(const FlowFormat *format);

/*
 * May lines be split at their separators, instead of matching a valid pattern
 * or being taken apart one by one?  "regex" and "splitter" as in the spec.
 */
extern bool flow_format_splits(const FlowHost *host, const char *regex, bool splitter);

/*
 * Is it a log format?  FLOW_BAD_FORMAT if not.  Otherwise "unknown" is the
 * first of its fields that is not a known one, and "nearest" the known one
 * that may have been meant; empty if there is none.
 */
extern FlowStatus flow_format_check_log_format(const char *log_format, char unknown[64],
                                               char nearest[64], FlowError *error);

/*
 * Only compiles the pattern, to tell whether it is valid; FLOW_BAD_PATTERN if
 * not.
 */
extern FlowStatus flow_format_check_regex(const FlowHost *host, const char *regex,
                                          FlowError *error);

/*
 * Does the pattern look like one pasted from a Hive string, with doubled
 * backslashes?
 */
extern bool flow_format_regex_is_escaped(const char *regex);

#endif /* FLOW_API_FORMAT_H */
