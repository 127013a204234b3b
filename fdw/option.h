/*-------------------------------------------------------------------------
 *
 * option.h
 *	  Options of tables, columns, servers, user mappings and IMPORT.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOWLOG_OPTION_H
#define FLOWLOG_OPTION_H

#include "fdw/common.h"

/* ---------- option.c ---------- */

typedef enum FlowlogVerbosity
{
	FLOWLOG_VERBOSITY_SILENT,
	FLOWLOG_VERBOSITY_DEFAULT,
	FLOWLOG_VERBOSITY_VERBOSE
} FlowlogVerbosity;

typedef enum FlowlogUrlStyle
{
	FLOWLOG_URL_DEFAULT, /* AWS: virtual; an endpoint: path */
	FLOWLOG_URL_VIRTUAL,
	FLOWLOG_URL_PATH
} FlowlogUrlStyle;

/*
 * In place of a catalog: the options of IMPORT FOREIGN SCHEMA, which are those
 * of the table that it makes and its own.
 */
#define FLOWLOG_OPTIONS_OF_IMPORT InvalidOid

/* The options of an object. */
typedef struct FlowlogOptions
{
	const char *location;
	const char *regex;
	const char *log_format;
	FlowHeaderMode header;
	const char *null_text;
	bool null_off;
	FlowOnError on_error;
	int64 reject_limit; /* -1: none */
	FlowlogVerbosity log_verbosity;
	const char *compression;
	int max_line_length;   /* bytes */
	int64 name_time_slack; /* microseconds; -1: off */
	int64 settled_after;   /* microseconds; -1: off */
	/* of tables, and of servers for tables without it; count 0: all files */
	FlowShard shard;

	const char *field; /* of a column */

	/* of IMPORT FOREIGN SCHEMA */
	const char *table; /* NULL: named like the remote schema */
	bool times_as_numbers;

	/* of a server */
	const char *region;
	const char *endpoint_host; /* with a port, or not; NULL: AWS's */
	bool endpoint_plain;       /* requests use no TLS */
	FlowlogUrlStyle url_style;
	bool requester_pays;
	const char *ca_file;
	int max_connections;

	/* of a user mapping */
	const char *access_key_id;
	const char *secret_access_key;
	const char *session_token;
	FlowS3Source credential_source;
} FlowlogOptions;

/*
 * Checks the options of an object of this catalog, when CREATE or ALTER sets
 * them.
 */
extern void flowlog_options_validate(List *list, Oid catalog);

/* Sets the defaults, and reads the options of an object of this catalog. */
extern void flowlog_options_parse(FlowlogOptions *options, List *list, Oid catalog);

/*
 * Returns the source of a column whose field has this name; FLOW_FROM_RECORD
 * unless it is one of the names with "$".
 */
extern FlowColumnSource flowlog_find_source(const char *name);

#endif /* FLOWLOG_OPTION_H */
