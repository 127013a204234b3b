/*-------------------------------------------------------------------------
 *
 * athena.h
 *	  What the files of flowlog_athena_ddl share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOWLOG_ATHENA_H
#define FLOWLOG_ATHENA_H

#include "flowlog_fdw.h"

typedef struct Athena
{
	FlowlogBackend backend;
	const char *ddl;
	const char *server;
	const char *location; /* in place of the statement's, or NULL */
	const FlowHive *hive;

	/* what comes out */
	StringInfoData notes; /* comments in front of the statement */
	char *regex;
	bool named_groups;
	const char *null_text; /* of string columns, or NULL: no text means NULL */
	const char *header;    /* or NULL */
	StringInfoData path;
} Athena;

/* ---------- athena_text.c ---------- */

/*
 * Adds a comment in front of the statement.  A name may have a line break, and
 * what follows one is no comment any more: it becomes a blank.
 */
extern void flowlog_athena_note(Athena *athena, const char *text);

/* The table's name, quoted where it needs to be. */
extern char *flowlog_athena_name(const FlowHive *hive);

/* ---------- athena_path.c ---------- */

/*
 * What is said of a column's projection; NULL: nothing, or partitions are not
 * projected.
 */
extern const char *flowlog_athena_projection(const Athena *athena, const char *column,
                                             const char *what);

/* The format of a column whose values are dates, if it can be one of ours. */
extern const char *flowlog_athena_date_format(Athena *athena, const char *column);

/* Fills athena->path: the option "location". */
extern void flowlog_athena_read_location(Athena *athena);

/* The answer where nothing is to be done. */
extern char *flowlog_athena_nothing(Athena *athena);

/*
 * The statement that makes the table find all partitions that lie as the added
 * one does: where a value stands in its location, there is the column's.
 */
extern char *flowlog_athena_add_partition(Athena *athena);

#endif /* FLOWLOG_ATHENA_H */
