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
	int repeated;   /* index of the first name that is the same as one before it, or -1 */
	char separator; /* between the names; '\0' if it is not always the same */
} FlowNames;

/* in header.c */

/* Returns true for a letter, with which a name begins. */
static inline bool
flow_is_letter(char c)
{
	return (unsigned char) ((c | 0x20) - 'a') < 26;
}

/* Writes a name, which may have capitals, in small letters. */
extern void flow_name_write(FlowSlice name, char text[FLOW_NAME_LENGTH + 1]);

/*
 * Splits a line into names; false if it holds anything else.  The names are
 * slices of the line.  They may have capitals, which make no difference, and
 * blanks before the first.
 */
extern bool flow_header_read(const char *line, size_t len, FlowNames *names);

/*
 * Returns true if there are at least "least" names, and half of them are known
 * fields.
 */
extern bool flow_header_is_likely(const FlowNames *names, int least);

/*
 * Reads a log format, NUL-terminated: as AWS writes it, as Terraform does
 * ("$${version}"), or bare names.  The names are slices of it.  FLOW_OK or
 * FLOW_BAD_FORMAT.
 */
extern FlowStatus flow_log_format_read(const char *text, FlowNames *names, FlowError *error);

/*
 * Returns the index of the name that fills a column of the given name, with
 * "_" and "-" alike; -1 if there is none.
 */
extern int flow_names_find(const FlowNames *names, const char *name);

/*
 * Returns true if a header has the names of a list in the same order.  Where
 * the header repeats a name, the list may have any: it cannot repeat one.
 */
extern bool flow_names_fit(const FlowNames *list, const FlowNames *header);

/* Returns true if the name at this index occurs more than once. */
extern bool flow_names_is_repeated(const FlowNames *names, int index);

/* Fills the error for a header with a repeated name. */
extern FlowStatus flow_names_repeated_error(const FlowNames *names, FlowError *error);

/*
 * Finds the name, among these and the known fields, of which "name" may be a
 * misspelling; false if none is near.
 */
extern bool flow_names_nearest(const FlowNames *names, const char *name,
                               char nearest[FLOW_NAME_LENGTH + 1]);

#endif /* FLOW_HEADER_H */
