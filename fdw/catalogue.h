/*-------------------------------------------------------------------------
 *
 * catalogue.h
 *	  The catalogue of files of settled days, as those that read it and those
 *	  that write it share it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOWLOG_CATALOGUE_H
#define FLOWLOG_CATALOGUE_H

#include "flowlog_fdw.h"

#include "utils/date.h"

#define FLOWLOG_LISTS "flowlog_lists"
#define FLOWLOG_LISTED_FILES "flowlog_listed_files"

/* The columns of flowlog_listed_files, from 0. */
typedef enum FlowlogFileColumn
{
	FLOWLOG_FILE_LIST,
	FLOWLOG_FILE_DAY, /* -infinity: it is not of a single day */
	FLOWLOG_FILE_PATH,
	FLOWLOG_FILE_BYTES,
	FLOWLOG_FILE_MODIFIED, /* nanoseconds since 1970 */
	FLOWLOG_FILE_VERSION,
	FLOWLOG_FILE_ARCHIVED,
	FLOWLOG_FILE_DEVICE,
	FLOWLOG_FILE_INODE,
	FLOWLOG_FILE_CHANGED, /* nanoseconds since 1970, which an index knows a file by */
	FLOWLOG_FILE_COLUMNS
} FlowlogFileColumn;

/* What the catalogue has of a table. */
typedef struct FlowlogList
{
	int32 number;  /* of the list, which its files have; 0: there is none */
	bool is_valid; /* false: it is of other options than the table has now */
	int64 before;  /* it has the files of all days before it, in microseconds since 1970 */
} FlowlogList;

/*
 * Returns a table of the extension, or InvalidOid if there is none of that
 * name that is a member of the extension.
 */
extern Oid flowlog_catalogue_table(const char *name);

/*
 * Returns the index of one of these tables whose columns begin with these, from
 * 0; raises an error if it is lost.
 */
extern Oid flowlog_catalogue_btree(Relation relation, const int *columns, int ncolumns);

/*
 * Returns what decides which files a table has: a list that was made under
 * another meaning is dead.  It must be read just before the store is opened, as
 * the server's options may be altered at any time.
 */
extern char *flowlog_catalogue_meaning(const FlowlogTable *table);

/* Finds the list of a table of this meaning, as the snapshot sees it. */
extern FlowlogList flowlog_catalogue_find(const FlowlogTable *table, const char *meaning,
                                          Snapshot snapshot);

/*
 * Returns the beginning of the first day that is not settled at a time, in
 * microseconds since 1970.
 */
extern int64 flowlog_settled_before(const FlowlogTable *table, TimestampTz now);

/* ---------- catalogue_write.c ---------- */

/* What was before another user took over. */
typedef struct FlowlogBefore
{
	Oid user;
	int context;
	int level; /* of settings */
} FlowlogBefore;

/*
 * Continue as another user, who cannot do what outlives this, with a safe
 * search_path; and as the one before.
 */
extern FlowlogBefore flowlog_become(Oid user);
extern void flowlog_return_to(const FlowlogBefore *before);

/* Check that the caller owns the table, or has the right to maintain it. */
extern void flowlog_check_owner(Oid relid);
extern void flowlog_check_maintain(Oid relid);

/*
 * Checks that a procedure can do its work, which it commits itself, and that
 * its first argument, a table, is not NULL.
 */
extern void flowlog_check_procedure(FunctionCallInfo fcinfo, const char *command);

/*
 * Returns those that are wanted of a table and of what is below it, its
 * partitions and children, which are locked.  "check" raises an error unless
 * the caller has the right; it is called for the table and for those returned.
 */
extern List *flowlog_catalogue_tables(Oid relid, LOCKMODE lock, void (*check)(Oid relid),
                                      bool (*is_wanted)(Oid relid));

/* Ends the transaction of a procedure that is connected to SPI, and begins the next one. */
extern void flowlog_commit(void);

/* Returns the name of one of the extension's tables, for a statement. */
extern char *flowlog_catalogue_name(const char *table);

/* Returns the owner of these tables. */
extern Oid flowlog_catalogue_owner(void);

/* Runs a statement with arguments. */
extern void flowlog_catalogue_run(const char *statement, int nargs, Oid *types, Datum *values);

/* Return bytes as a bytea, and a column of some rows as an array. */
extern Datum flowlog_bytes_datum(const void *data, size_t len);
extern Datum flowlog_array_datum(Datum *values, bool *isnull, int count, Oid type);

/* ---------- list_write.c ---------- */

/* Deletes the lists of tables that do not exist, or lack the option, any more. */
extern void flowlog_catalogue_delete_dead(void);

/* Deletes the files of a list. */
extern void flowlog_catalogue_delete_files(int32 number);

/*
 * Sets up to which day the list of a table is complete, in microseconds since
 * 1970, and returns its number.
 */
extern int32 flowlog_catalogue_write_list(const FlowlogTable *table, const char *meaning,
                                          int64 before);

/* Adds files to a list. */
extern void flowlog_catalogue_write_files(const FlowlogTable *table, int32 number,
                                          const FlowObjects *objects);

#endif /* FLOWLOG_CATALOGUE_H */
