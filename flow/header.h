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

/* How the bytes of a line say what are the fields of its record. */
typedef enum FlowFraming
{
	FLOW_BARE,  /* it is the record */
	FLOW_TIMED, /* a wrapper put a time and a blank before the record */
	FLOW_CSV    /* it was CSV: values with FLOW_CSV_SEPARATOR between them */
} FlowFraming;

#define FLOW_FRAMINGS 3

/*
 * Bytes in lines that were CSV, where no value has any of them: between
 * values, and in place of one that is empty but was quoted, and so not NULL.
 */
#define FLOW_CSV_SEPARATOR '\x1F'
#define FLOW_CSV_EMPTY '\x1E'

#define FLOW_NAMES_MAX 256
#define FLOW_NAME_LENGTH 63

typedef struct FlowNames
{
	FlowSlice items[FLOW_NAMES_MAX];
	int count;
	int repeated;   /* index of the first name that is the same as one before it, or -1 */
	bool logged;    /* one is FLOW_LOGGED, by a wrapper */
	char separator; /* between the names; '\0' if it is not always the same */
} FlowNames;

/* in header.c */

/* Returns true for a letter, with which a name begins. */
static inline bool
flow_is_letter(char c)
{
	return (unsigned char) ((c | 0x20) - 'a') < 26;
}

/* Returns true if the first name of a header may begin so, also one of CSV. */
static inline bool
flow_may_begin_header(char c)
{
	return flow_is_letter(c) || c == ' ' || c == '@' || c == '_' || c == '#' || c == '$';
}

/* The name for the time at which a record was logged. */
#define FLOW_LOGGED "ts"

/* Writes a name, which may have capitals, in small letters. */
extern void flow_name_write(FlowSlice name, char text[FLOW_NAME_LENGTH + 1]);

/*
 * The same, but a known field in camel case, as Logs Insights has it, is
 * written as AWS does in headers: "interface-id" for "interfaceId".
 */
extern void flow_name_spell(FlowSlice name, char text[FLOW_NAME_LENGTH + 1]);

/* Returns true if two names are the same: capitals and "_" for "-" aside. */
extern bool flow_name_is_same(FlowSlice name, const char *other);

/*
 * Splits a line into names; false if it holds anything else.  The names are
 * slices of the line, or static.  They may have capitals, which make no
 * difference, "${" and "}" around each, and blanks and a "#" before the first.
 * In a row of CSV a name may be any text that begins with a letter or "_";
 * "@timestamp", as Logs Insights has it, is "ts", and other names are without
 * their "@".
 */
extern bool flow_header_read(const char *line, size_t len, FlowFraming framing, FlowNames *names);

/*
 * Returns true if there are at least "least" names, and half of them are known
 * fields.
 */
extern bool flow_header_is_likely(const FlowNames *names, int least);

#define FLOW_LOG_FORMATS_MAX 16

/* What stands between the log formats of an option. */
#define FLOW_LOG_FORMATS_SEPARATOR '|'

/*
 * Reads a log format: as AWS writes it, as Terraform does ("$${version}"), or
 * bare names.  "text" is NUL-terminated and may have several, which lines are
 * told apart by their number of fields.  The one at *next is read, at first
 * that is "text"; *next is set to the one after it, or NULL.  The names are
 * slices of the text.  FLOW_OK or FLOW_BAD_FORMAT.
 */
extern FlowStatus flow_log_format_read(const char *text, const char **next, FlowNames *names,
                                       FlowError *error);

/*
 * Checks all log formats of a text: their numbers of fields must differ, their
 * separator, which is *common, must not.
 */
extern FlowStatus flow_log_formats_check(const char *text, char *common, FlowError *error);

/*
 * Returns the index of the name that fills a column of the given name: the
 * same, with "_" and "-" alike, or else another name of the same known field;
 * -1 if there is none.
 */
extern int flow_names_find(const FlowNames *names, const char *name);

/* Returns the index of the name that is the same as another, or -1. */
extern int flow_names_find_exact(const FlowNames *names, FlowSlice name);

/*
 * Returns true if a header has the names of a list, or other names of the same
 * known fields, in the same order.  Where the header repeats a name, the list
 * may have any: it cannot repeat one.
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
