/*-------------------------------------------------------------------------
 *
 * header.h
 *	  Lists of names of fields: headers and log formats.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_HEADER_H
#define FLOW_HEADER_H

#include "internal.h"

#define FLOW_NAMES_MAX 256
#define FLOW_NAME_LENGTH 63

typedef struct FlowNames
{
	FlowSlice items[FLOW_NAMES_MAX];
	int count;
	char separator; /* between the names; '\0' if it is not always the same */
} FlowNames;

/* in header.c */

/*
 * Splits a line into distinct names; false if it holds anything else.  The
 * names are slices of the line.
 */
extern bool flow_header_read(const char *line, size_t len, FlowNames *names);

/*
 * Returns true if there are at least "least" names, and half of them are known
 * fields.
 */
extern bool flow_header_is_likely(const FlowNames *names, int least);

/*
 * Reads an AWS log format, NUL-terminated; the names are slices of it.
 * FLOW_OK or FLOW_BAD_FORMAT.
 */
extern FlowStatus flow_log_format_read(const char *text, FlowNames *names, FlowError *error);

/*
 * Returns the index of the name that fills a column of the given name, with
 * "_" and "-" alike; -1 if there is none.
 */
extern int flow_names_find(const FlowNames *names, const char *name);
extern bool flow_names_equal(const FlowNames *a, const FlowNames *b);

/*
 * Finds the name, among these and the known fields, of which "name" may be a
 * misspelling; false if none is near.
 */
extern bool flow_names_nearest(const FlowNames *names, const char *name,
                               char nearest[FLOW_NAME_LENGTH + 1]);

#endif /* FLOW_HEADER_H */
