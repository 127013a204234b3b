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

/* How files are read; a set of them can be made. */
typedef enum FlowlogAthenaSerde
{
	FLOWLOG_ATHENA_REGEX = 1, /* RegexSerDe */
	FLOWLOG_ATHENA_LAZY = 2,  /* LazySimpleSerDe, ROW FORMAT DELIMITED */
	FLOWLOG_ATHENA_CSV = 4,   /* OpenCSVSerde */
	FLOWLOG_ATHENA_PARQUET = 8
} FlowlogAthenaSerde;

typedef struct Athena
{
	FlowlogBackend backend;
	const char *ddl;
	const char *server;
	/* replaces the statement's location; NULL: not given */
	const char *location;
	FlowHive *hive;

	/* results */
	StringInfoData notes; /* comments before the statement */
	FlowlogAthenaSerde serde;
	char *regex; /* NULL: Parquet */
	/* by column: the name of its leaf, if that is not the column's; or NULL */
	const char **leaves;
	bool named_groups;
	const char *null_text; /* of string columns; NULL: no text means NULL */
	const char *header;    /* NULL: none */
	StringInfoData path;
} Athena;

/* ---------- athena_text.c ---------- */

/*
 * Adds a comment before the statement.  Control characters become blanks, as a
 * name may have a line break, which would end the comment.
 */
extern void flowlog_athena_note(Athena *athena, const char *text);

/* Returns the table's name, quoted where needed. */
extern char *flowlog_athena_name(const FlowHive *hive);

/* ---------- athena_property.c ---------- */

/*
 * Returns the value of a property of the table or, if it is not set there, of
 * its SerDe; NULL if neither has it.
 */
extern const char *flowlog_athena_property(const Athena *athena, const char *name);
extern bool flowlog_athena_property_is_true(const Athena *athena, const char *name);

/*
 * Raises an error for a property that changes rows in a way that cannot be had
 * here.  Adds comments that name the other properties without effect.
 */
extern void flowlog_athena_check_properties(Athena *athena);

/* ---------- athena_path.c ---------- */

/*
 * Returns a property of a column's projection; NULL if it is not set, or if
 * partitions are not projected.
 */
extern const char *flowlog_athena_projection(const Athena *athena, const char *column,
                                             const char *what);

/* Sets athena->path, the option "location". */
extern void flowlog_athena_read_location(Athena *athena);

/* Returns a comment as the result where there is nothing to do. */
extern char *flowlog_athena_nothing(Athena *athena);

/*
 * Returns the statement that makes the table find all partitions whose
 * locations have the form of the added one: a value in its location becomes a
 * variable of the value's column.
 */
extern char *flowlog_athena_add_partition(Athena *athena);

#endif /* FLOWLOG_ATHENA_H */
