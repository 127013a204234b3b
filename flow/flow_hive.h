/*-------------------------------------------------------------------------
 *
 * flow_hive.h
 *	  Statements of Hive for external tables, as people give them to Athena.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_API_HIVE_H
#define FLOW_API_HIVE_H

#include "flow_host.h"

#define FLOW_HIVE_MAX_LENGTH (1024 * 1024) /* of a statement, in bytes */

typedef enum FlowHiveKind
{
	FLOW_HIVE_CREATE,       /* CREATE EXTERNAL TABLE */
	FLOW_HIVE_REPAIR,       /* MSCK REPAIR TABLE */
	FLOW_HIVE_ADD_PARTITION /* ALTER TABLE ... ADD PARTITION */
} FlowHiveKind;

typedef struct FlowHiveColumn
{
	const char *name;
	const char *type; /* in lower case, without its arguments: "decimal" */
	int arguments[2];
	int narguments;
	const char *comment; /* or NULL */
	size_t at;           /* where in the statement its type stands */
} FlowHiveColumn;

typedef struct FlowHiveColumns
{
	FlowHiveColumn *items;
	int count;
} FlowHiveColumns;

typedef struct FlowHivePair
{
	const char *name;
	const char *value;
} FlowHivePair;

typedef struct FlowHivePairs
{
	FlowHivePair *items;
	int count;
} FlowHivePairs;

/*
 * What a statement says; names as Hive keeps them, in lower case.  All else
 * NULL or 0 if it does not say.
 */
typedef struct FlowHive
{
	FlowHiveKind kind;
	const char *database;
	const char *table;
	bool if_not_exists;
	const char *comment;
	FlowHiveColumns columns;
	FlowHiveColumns partitions; /* of PARTITIONED BY */
	const char *serde;          /* class */
	/*
	 * ROW FORMAT DELIMITED too, by the names that Hive gives its parts:
	 * "field.delim"
	 */
	FlowHivePairs serde_properties;
	const char *stored_as; /* "PARQUET", or the class of an input format */
	const char *location;  /* of an added partition: the first one's */
	FlowHivePairs table_properties;
	FlowHivePairs partition_values; /* of the first partition that is added */
} FlowHive;

/*
 * Reads a statement, in the grammar of the Hive Language Manual ("DDL").  All
 * is one allocation, which flow_hive_free gives back.
 *
 * FLOW_BAD_FORMAT: it is none of these; *at is then the byte where reading
 * stopped.  FLOW_LIMIT, FLOW_NO_MEMORY.
 */
extern FlowStatus flow_hive_read(const FlowHost *host, const char *text, FlowHive **hive,
                                 size_t *at, FlowError *error);
extern void flow_hive_free(const FlowHost *host, FlowHive *hive);

/*
 * The value of a property; of several the last, as in Hive; NULL if it is not
 * set.
 */
extern const char *flow_hive_property(const FlowHivePairs *pairs, const char *name);

/*
 * What is between the quotes of a string literal, as Hive's unescapeSQLString
 * reads it (Hive, ql/parse/BaseSemanticAnalyzer): "\\s" is \s, and so is what
 * stands behind a "\" in general, but "\%" and "\_" keep theirs.  to: room for
 * "len" bytes and one more; returns the end, where it puts a NUL.  NULL: the
 * literal has a NUL, half of a pair of surrogates, or what the host cannot
 * encode.
 */
extern char *flow_hive_unescape(const FlowHost *host, const char *text, size_t len, char *to);

/*
 * Can PCRE2, matching bytes, take the place of java.util.regex for this
 * pattern?  FLOW_UNSUPPORTED if it has what only Java understands, or
 * understands in another way.  *ngroups: how many groups it has, *named: has
 * one a name? Whether it is well-formed is PCRE2's to say.
 */
extern FlowStatus flow_java_regex_check(const char *regex, int *ngroups, bool *named,
                                        FlowError *error);

#endif /* FLOW_API_HIVE_H */
