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
	size_t at;           /* offset of its type in the statement */
	int group;           /* the number of the struct that it is a member of, from 1; 0: none */
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
	bool is_number; /* written without quotes */
} FlowHivePair;

typedef struct FlowHivePairs
{
	FlowHivePair *items;
	int count;
} FlowHivePairs;

/*
 * The contents of a statement.  Names are in lower case, as Hive keeps them.
 * Members are NULL or 0 if the statement does not set them.
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
	/*
	 * columns that are structs, or members of others that are: in their place
	 * among the columns are their members
	 */
	FlowHiveColumns groups;
	const char *serde; /* class */
	/*
	 * also those of ROW FORMAT DELIMITED, by Hive's names for its parts, such
	 * as "field.delim"
	 */
	FlowHivePairs serde_properties;
	const char *stored_as; /* "parquet", or the class of an input format */
	bool is_spark;         /* that was said by USING */
	const char *location;  /* of ADD PARTITION: the first partition's */
	FlowHivePairs table_properties;
	FlowHivePairs partition_values; /* of the first partition that is added */
} FlowHive;

/* in hive.c */

#define FLOW_HIVE_MAX_DEPTH 32 /* of structs in structs */

/*
 * Reads a statement, in the grammar of the Hive Language Manual ("DDL"), or one
 * of Spark's with "USING parquet".  The result is one allocation, freed by
 * flow_hive_free.
 *
 * FLOW_BAD_FORMAT: it is none of these statements; *at is then the byte where
 * reading stopped.  FLOW_LIMIT, FLOW_NO_MEMORY.
 */
extern FlowStatus flow_hive_read(const FlowHost *host, const char *text, FlowHive **hive,
                                 size_t *at, FlowError *error);
extern void flow_hive_free(const FlowHost *host, FlowHive *hive);

/*
 * Returns the value of a property, or NULL if it is not set.  If it is set
 * more than once, the last one counts, as in Hive.
 */
extern const char *flow_hive_property(const FlowHivePairs *pairs, const char *name);

/*
 * Unescapes the text between the quotes of a string literal, as Hive's
 * unescapeSQLString does (Hive, ql/parse/BaseSemanticAnalyzer): "\\s" is \s,
 * and in general a "\" is dropped before the character it escapes, but "\%"
 * and "\_" keep theirs.  "to" has room for "len" + 1 bytes; returns the end,
 * where it puts a NUL.  Returns NULL if the literal has a NUL, half of a pair
 * of surrogates, or a character that the host cannot encode.
 */
extern char *flow_hive_unescape(const FlowHost *host, const char *text, size_t len, char *to);

/* in java_regex.c */

/*
 * Checks that PCRE2, matching bytes, can take the place of java.util.regex for
 * this pattern.  FLOW_UNSUPPORTED if the pattern has something that only Java
 * understands, or that Java understands differently.  *ngroups: the number of
 * its groups; *named: true if a group is named.  Whether the pattern is
 * well-formed is left to PCRE2.
 */
extern FlowStatus flow_java_regex_check(const char *regex, int *ngroups, bool *named,
                                        FlowError *error);

#endif /* FLOW_API_HIVE_H */
