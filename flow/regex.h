/*-------------------------------------------------------------------------
 *
 * regex.h
 *	  Regular expressions that match whole lines.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_REGEX_H
#define FLOW_REGEX_H

#include "internal.h"

typedef struct FlowRegex FlowRegex;

/* in regex.c */

/*
 * Compiles a pattern that must match whole lines (reference: Hive's
 * RegexSerDe, Matcher.matches() with DOTALL).  FLOW_BAD_PATTERN with the
 * offset in the detail.
 */
extern FlowStatus flow_regex_compile(const FlowHost *host, const char *pattern, bool jit,
                                     FlowRegex **regex, FlowError *error);
extern void flow_regex_free(FlowRegex *regex);

extern bool flow_regex_is_jit(const FlowRegex *regex);
extern int flow_regex_group_count(const FlowRegex *regex); /* capture groups */
/* true if any group is named */
extern bool flow_regex_has_names(const FlowRegex *regex);
/* 0: no group of that name */
extern int flow_regex_group_number(const FlowRegex *regex, const char *name);

/*
 * Matches a line: FLOW_OK; FLOW_END if it does not match; FLOW_LIMIT if a
 * limit or the time for one line was reached (never reported as "does not
 * match"); FLOW_INTERRUPTED. groups[i] is set to what group wanted[i] (from 1)
 * matched; data is NULL if the group took no part.
 */
extern FlowStatus flow_regex_match(FlowRegex *regex, const char *line, size_t len,
                                   const int *wanted, int nwanted, FlowSlice *groups,
                                   FlowError *error);

/*
 * Returns true if there is a doubled backslash before a class letter or a dot,
 * as in text copied from a Hive string.
 */
extern bool flow_regex_is_escaped(const char *pattern);

#endif /* FLOW_REGEX_H */
