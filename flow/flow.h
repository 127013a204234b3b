/*-------------------------------------------------------------------------
 *
 * flow.h
 *	  Reads flow logs: the whole interface of the server-free core.
 *
 * A host (the foreign data wrapper, a test, a benchmark) compiles a FlowFormat
 * from its columns and a line format, lists the files of a location into
 * FlowObjects, optionally builds a FlowFilter, and pulls from a FlowReader the
 * records that pass.  Nothing here prints, exits, jumps or keeps global state.
 *
 * Conventions.  A function that can fail returns a FlowStatus and, unless that
 * is FLOW_OK, FLOW_END or FLOW_NEED_VALUE, has filled the FlowError given to it.  Whoever creates
 * an object frees it; every free or close function takes NULL.  Sizes are bytes,
 * times are microseconds since 1970-01-01 00:00 UTC unless a comment says
 * otherwise.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_H
#define FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---------- status and errors ---------- */

typedef enum FlowStatus
{
	FLOW_OK = 0,
	FLOW_END,             /* there is nothing more */
	FLOW_REJECTED,        /* a line was rejected; only if the host asked to be told */
	FLOW_NEED_VALUE,      /* the host must resolve a deferred predicate first */
	FLOW_INTERRUPTED,     /* the host wants to stop */
	FLOW_NO_MEMORY,       /* the host's allocator returned NULL */
	FLOW_NOT_FOUND,       /* a file or directory does not exist */
	FLOW_NO_PERMISSION,   /* the operating system denies access */
	FLOW_NOT_ALLOWED,     /* outside the paths that the host allows */
	FLOW_NOT_REGULAR,     /* neither a regular file nor a directory */
	FLOW_IO,              /* any other failure of a system call: os_errno */
	FLOW_NO_RESOURCES,    /* no descriptor is left, or no room on a disk: os_errno */
	FLOW_CHANGED,         /* a file changed since it was listed */
	FLOW_CORRUPT,         /* compressed data that are damaged or end too early */
	FLOW_LIMIT,           /* one of our own limits was reached */
	FLOW_UNSUPPORTED,     /* legal, but not something we can read */
	FLOW_BAD_LOCATION,    /* a location that is not well-formed */
	FLOW_BAD_PATTERN,     /* a regular expression that does not compile */
	FLOW_BAD_FORMAT,      /* columns and line format do not fit together */
	FLOW_BAD_HEADER,      /* a header that is missing, or contradicts the format */
	FLOW_BAD_RECORD,      /* a line that is no record of the format */
	FLOW_BAD_SYNTAX,      /* a field that is not a value of its column's type */
	FLOW_OUT_OF_RANGE,    /* a field whose value its column's type cannot hold */
	FLOW_NO_TIME,         /* a number of seconds that is no time */
	FLOW_TOO_LONG,        /* a field longer than its column's type allows */
	FLOW_BAD_ENCODING,    /* a field with bytes that are not valid text */
	FLOW_MISSING,         /* no value for a column that is NOT NULL */
	FLOW_TOO_MANY_REJECTS /* reject_limit was exceeded */
} FlowStatus;

#define FLOW_RAW_SHOWN 64 /* bytes of a raw line that an error may carry */

/*
 * What went wrong, in the words a user shall read.  The texts keep to
 * PostgreSQL's message style.  "raw" is text of the log itself, not
 * NUL-terminated and in no particular encoding: a host shows it only to those
 * who may read the whole log.
 */
typedef struct FlowError
{
	FlowStatus status;
	int os_errno;      /* of the failed system call, or 0 */
	char message[320]; /* primary message: lower case, no period */
	char detail[512];  /* a sentence, or empty */
	char hint[400];    /* a sentence, or empty */

	/* where, as far as known */
	char path[4096]; /* file, or empty */
	uint64_t line;   /* line of that file, from 1; 0: not known */
	int column;      /* index into the format's columns, or -1 */
	char raw[FLOW_RAW_SHOWN];
	size_t raw_len; /* bytes of raw in use */
} FlowError;

/* ---------- the host ---------- */

/* A socket that somebody waits for. */
typedef struct FlowSocket
{
	int fd;
	bool read, write;         /* wanted */
	bool can_read, can_write; /* told */
} FlowSocket;

#define FLOW_CHARACTER_SIZE 6 /* bytes that a character of an escape sequence may take: no more than the sequence */

/*
 * What the core needs from the program around it.  None of these may jump out
 * of the call.  "arg" is handed back to each.
 */
typedef struct FlowHost
{
	void *arg;

	/* should the current operation stop?  Called often: must be cheap. */
	bool (*interrupted)(void *arg);

	/* sleep at most so many milliseconds; returns early when interrupted */
	void (*wait)(void *arg, int milliseconds);

	/* memory, aligned for any type; NULL when there is none.  free takes NULL. */
	void *(*allocate)(void *arg, size_t size);
	void (*free)(void *arg, void *ptr);

	/* microseconds of a clock that only moves forward */
	int64_t (*clock)(void *arg);

	/*
	 * Text that contains bytes >= 0x80 (all-ASCII text is never asked about): is
	 * it valid in the host's encoding, and how many characters has it?
	 */
	bool (*text_valid)(void *arg, const char *data, size_t len);
	size_t (*text_length)(void *arg, const char *data, size_t len);

	/*
	 * Writes a character of Unicode from U+0080 on in the host's encoding, and returns how many bytes that took, at
	 * most FLOW_CHARACTER_SIZE; 0 if it cannot, perhaps because the host wants to stop.  NULL: the encoding is UTF-8.
	 */
	size_t (*text_encode)(void *arg, uint32_t character, char *to);

	/*
	 * Sleeps as "wait" does, but returns also when one of some sockets is ready for what is wanted of it, and tells of which that is
	 * so.  "version" is another number whenever the sockets are others than in the last call, or the same number is another
	 * socket.  NULL: the host has no FlowStore that needs it.
	 */
	void (*wait_sockets)(void *arg, FlowSocket *sockets, int count, uint64_t version, int milliseconds);
} FlowHost;

/* ---------- values and columns ---------- */

/* Bytes in somebody else's buffer, not NUL-terminated.  data == NULL: no value. */
typedef struct FlowSlice
{
	const char *data;
	size_t len;
} FlowSlice;

/*
 * The types a field can be read as.  What each accepts is what PostgreSQL 15's
 * input function of the type in parentheses accepts, except that FLOW_TIME and
 * FLOW_DAY read Unix seconds or ISO 8601 only, and integers are decimal.
 */
typedef enum FlowType
{
	FLOW_INT16,   /* (smallint) */
	FLOW_INT32,   /* (integer) */
	FLOW_INT64,   /* (bigint) */
	FLOW_FLOAT,   /* (real) */
	FLOW_DOUBLE,  /* (double precision) */
	FLOW_DECIMAL, /* (numeric), with precision and scale */
	FLOW_BOOLEAN, /* (boolean) */
	FLOW_TEXT,    /* (text, varchar), with max_chars */
	FLOW_PADDED,  /* (char), with max_chars; compares without trailing blanks */
	FLOW_ADDRESS, /* (inet) */
	FLOW_NETWORK, /* (cidr) */
	FLOW_TIME,    /* (timestamptz, timestamp in UTC), with scale */
	FLOW_DAY,     /* (date, the day in UTC) */
	FLOW_OPAQUE   /* a type only the host can read; checked as text */
} FlowType;

/* Where a column's value comes from. */
typedef enum FlowColumnSource
{
	FLOW_FROM_RECORD,
	FLOW_FROM_VARIABLE, /* of the location, in the file's path */
	FLOW_FROM_PATH,     /* it is the path */
	FLOW_FROM_SIZE,     /* stored bytes */
	FLOW_FROM_MODIFIED, /* ISO 8601, in UTC, to the microsecond */
	FLOW_FROM_LINE      /* the record's line number in the file */
} FlowColumnSource;

/* A column of the host's table, as far as reading concerns it. */
typedef struct FlowColumn
{
	const char *name;  /* for messages, and to find a group of that name */
	const char *field; /* field, or group's name or number, that fills it; NULL: by position or name */
	FlowType type;
	int max_chars;         /* FLOW_TEXT, FLOW_PADDED: most characters, -1: any number */
	int precision;         /* FLOW_DECIMAL: digits in all, -1: any number */
	int scale;             /* FLOW_DECIMAL: digits after the point (may be negative when
							* precision is set); FLOW_TIME: digits of the second kept, -1: 6 */
	const char *null_text; /* the text that means NULL; NULL: none does */
	size_t null_len;
	bool not_null;         /* having no value is an error */
	const char *type_name; /* for messages; NULL: the name that FlowType has there */
	FlowColumnSource source;
	int variable; /* FLOW_FROM_VARIABLE: which, of the location's */
} FlowColumn;

typedef struct FlowAddress
{
	uint8_t family;    /* 4 or 6 */
	uint8_t bits;      /* prefix length: 0..32 or 0..128 */
	uint8_t bytes[16]; /* network order; 4 or 16 of them count, the others are 0 */
} FlowAddress;

typedef union FlowValue
{
	int64_t integer;     /* FLOW_INT*; FLOW_BOOLEAN 0 or 1; FLOW_TIME; FLOW_DAY: days since 1970-01-01 */
	double real;         /* FLOW_FLOAT (rounded to float), FLOW_DOUBLE */
	FlowAddress address; /* FLOW_ADDRESS, FLOW_NETWORK */
	FlowSlice text;      /* FLOW_TEXT, FLOW_PADDED (cut to max_chars, not padded), FLOW_DECIMAL
						  * (checked and trimmed, not yet rounded), FLOW_OPAQUE: points into the field */
} FlowValue;

/* in value.c */

/* Digits alone are a time's Unix seconds up to here, which is in 2038; above they are milliseconds. */
#define FLOW_MAX_UNIX_SECONDS UINT64_C(2147483647)

/*
 * Reads a field as a value of its column: FLOW_OK, or FLOW_END when it means
 * NULL (there is no field, or it is the column's null text), or FLOW_BAD_SYNTAX,
 * FLOW_OUT_OF_RANGE, FLOW_TOO_LONG, FLOW_BAD_ENCODING, FLOW_MISSING, or
 * FLOW_NO_MEMORY.  Fills no FlowError: rejected fields are too frequent for that.
 */
extern FlowStatus flow_value_read(const FlowColumn *column, const FlowHost *host, FlowSlice field, FlowValue *value);

/* in value_write.c */

#define FLOW_FORM_SIZE 64 /* bytes that a value other than text may take */

/* Has a type one form for each of its values?  Not all types have. */
extern bool flow_value_has_form(FlowType type);

/*
 * Writes a value in that form, which flow_value_read reads as the same value.  It lies in
 * the buffer, or is the value's own text.
 */
extern FlowSlice flow_value_write(FlowType type, const FlowValue *value, char buffer[FLOW_FORM_SIZE]);

/* in value_time.c */

/*
 * ISO 8601 to microseconds since 1970: calendar, week or ordinal date, alone or
 * with "T" and a time of day, fraction and offset; no offset means UTC.  The years
 * are 0001 to 9999.  With "blank_separator" this is how a column is read: exactly
 * the standard's forms, and a blank may stand in place of the "T" (RFC 3339, section
 * 5.6).  Without it whatever Joda-Time's ISODateTimeFormat.dateTimeParser reads is
 * read as well ("2018-1-3T4:5", "2018-01-30TZ"), save times without a date.
 * FLOW_OK, FLOW_BAD_SYNTAX or FLOW_OUT_OF_RANGE (a month 13, an hour 24).
 */
extern FlowStatus flow_value_iso8601(const char *data, size_t len, bool blank_separator, int64_t *microseconds);

/* in value_address.c */

/* inet or cidr text; FLOW_OK or FLOW_BAD_SYNTAX. */
extern FlowStatus flow_value_address(const char *data, size_t len, bool network, FlowAddress *address);

/* ---------- the filter ---------- */

typedef struct FlowFilter FlowFilter;
typedef struct FlowPredicate FlowPredicate;

typedef enum FlowTruth
{
	FLOW_FALSE,
	FLOW_TRUE,
	FLOW_UNKNOWN, /* SQL's NULL */
	FLOW_BROKEN   /* a field that had to be read is bad; see FlowBadField */
} FlowTruth;

typedef enum FlowOp
{
	FLOW_EQ,
	FLOW_NE,
	FLOW_LT,
	FLOW_LE,
	FLOW_GT,
	FLOW_GE,
	FLOW_INSIDE,          /* << : column is strictly inside constant; addresses only */
	FLOW_INSIDE_OR_EQUAL, /* <<= */
	FLOW_AROUND,          /* >> */
	FLOW_AROUND_OR_EQUAL, /* >>= */
	FLOW_OVERLAPS         /* && */
} FlowOp;

/* What is compared: the column's value, or something computed from it. */
typedef enum FlowView
{
	FLOW_AS_IS,
	FLOW_AS_DOUBLE,   /* an integer column cast to double precision; constant: real */
	FLOW_AS_UNIX_TIME /* to_timestamp() of an integer column of seconds; constant: integer,
					   * microseconds since 1970 */
} FlowView;

/* A field that could not be read as its column's type. */
typedef struct FlowBadField
{
	int column;        /* index into the format's columns; -1: none */
	FlowStatus status; /* as flow_value_read says */
} FlowBadField;

/* in filter.c */

/*
 * A filter is built bottom up: predicates are made, combined and at last one is
 * set as its root.  All live until flow_filter_free.  Constants are copied.
 * Functions that return a predicate return NULL when memory is short or the host
 * interrupts, and take NULL for a child (giving NULL), so one check at the end suffices.
 *
 * "columns" must outlive the filter.  With "bad_is_null" a bad field counts as
 * NULL (on_error 'set_null'), unless its column is NOT NULL.
 */
extern FlowFilter *flow_filter_create(const FlowHost *host, const FlowColumn *columns, int ncolumns, bool bad_is_null);
extern void flow_filter_free(FlowFilter *filter);

/* FLOW_OK, or why predicates could not be built: FLOW_NO_MEMORY or FLOW_INTERRUPTED. */
extern FlowStatus flow_filter_status(const FlowFilter *filter);

/*
 * column OP constant.  Which member of the constant counts is the column's type's
 * (see FlowValue), or the view's.  Texts compare as bytes, FLOW_PADDED without
 * trailing blanks; doubles with NaN equal to itself and above all else; addresses
 * as PostgreSQL orders inet.  FLOW_DECIMAL, FLOW_FLOAT, FLOW_DOUBLE and FLOW_OPAQUE columns have no
 * comparisons, FLOW_BOOLEAN's have FLOW_AS_IS.
 */
extern FlowPredicate *flow_filter_compare(FlowFilter *filter, int column, FlowView view, FlowOp op, const FlowValue *constant);

/*
 * column OP ANY (constants), and column OP ALL (constants): an OR, or an AND, of comparisons with each of
 * them.  "has_null": the set also holds a NULL.  ANY of an empty set is false, and ALL of it true, even for NULL.
 * However many constants there are, evaluating takes a few steps, and building at most n log n.
 */
extern FlowPredicate *flow_filter_any(FlowFilter *filter, int column, FlowView view, FlowOp op,
                                      const FlowValue *constants, size_t count, bool has_null);
extern FlowPredicate *flow_filter_all(FlowFilter *filter, int column, FlowView view, FlowOp op,
                                      const FlowValue *constants, size_t count, bool has_null);

extern FlowPredicate *flow_filter_is_null(FlowFilter *filter, int column);
extern FlowPredicate *flow_filter_constant(FlowFilter *filter, FlowTruth truth);
extern FlowPredicate *flow_filter_and(FlowFilter *filter, FlowPredicate **children, size_t count);
extern FlowPredicate *flow_filter_or(FlowFilter *filter, FlowPredicate **children, size_t count);
extern FlowPredicate *flow_filter_not(FlowFilter *filter, FlowPredicate *child);

/*
 * Makes "root" what the filter tests.  Children of a list are put in order of cost, except that what
 * may fail (FLOW_AS_UNIX_TIME, deferred predicates) stays after those before it and before those after it.
 */
extern void flow_filter_set_root(FlowFilter *filter, FlowPredicate *root);

/*
 * Judges a record; fields are indexed by column.  FLOW_BROKEN: *bad says why; if its status is
 * FLOW_INTERRUPTED, the host wants to stop.  If a field is bad, no other child of an AND that is the root
 * is FALSE or UNKNOWN, as far as it cannot fail.
 * Otherwise bad->column is the first bad field that was taken for NULL, or -1.
 * Where bad->status is FLOW_NEED_VALUE, bad->column is the number of a deferred predicate.
 */
extern FlowTruth flow_filter_test(const FlowFilter *filter, const FlowSlice *fields, FlowBadField *bad);

/* in filter_deferred.c */

/*
 * A predicate that is not yet known, under a number that no other one of the filter has.  Each of them is
 * in the tree once.  flow_filter_resolve puts "value" in its place, after flow_filter_set_root; NULL for "value"
 * says that memory was short.  A filter with such predicates belongs to one reader.
 */
extern FlowPredicate *flow_filter_deferred(FlowFilter *filter, int number);
extern void flow_filter_resolve(FlowFilter *filter, int number, FlowPredicate *value);

/* What is known of a column's value before it is read: it is from low to high (as FlowValue.integer has it), or NULL, or bad. */
typedef struct FlowInterval
{
	bool known;
	int64_t low, high;
} FlowInterval;

/* in filter_interval.c */

/*
 * May a record pass of whose columns this is known, by column?  Not exact, but false only if none can.
 */
extern bool flow_filter_may_pass(const FlowFilter *filter, const FlowInterval *intervals);

/* ---------- the line format ---------- */

typedef struct FlowFormat FlowFormat;

typedef enum FlowHeaderMode
{
	FLOW_HEADER_AUTO,
	FLOW_HEADER_TRUE,
	FLOW_HEADER_MATCH,
	FLOW_HEADER_FALSE
} FlowHeaderMode;

/* What a format is made of; all of it must outlive the format. */
typedef struct FlowFormatSpec
{
	const char *regex; /* NUL-terminated pattern, or NULL */
	bool regex_jit;    /* compile it to machine code if that is possible */
	bool splitter;     /* split lines at their separators where that gives what the pattern gives */
	FlowHeaderMode header;
	const FlowColumn *columns; /* the live columns, in table order */
	int ncolumns;
	const char *log_format; /* without regex: an AWS log format; NULL: each file's own header says its fields */
} FlowFormatSpec;

/* in format.c */
extern FlowStatus flow_format_create(const FlowHost *host, const FlowFormatSpec *spec, FlowFormat **format, FlowError *error);
extern void flow_format_free(FlowFormat *format);

/* which splitter runs, as EXPLAIN names it: "header", "regex, PCRE2 JIT" */
extern const char *flow_format_name(const FlowFormat *format);

/*
 * May lines be split at their separators, instead of matching a valid pattern or being taken apart one by
 * one?  "regex" and "splitter" as in the spec.
 */
extern bool flow_format_splits(const FlowHost *host, const char *regex, bool splitter);

/*
 * Is it a log format?  FLOW_BAD_FORMAT if not.  Otherwise "unknown" is the first of its fields that is not a known one, and
 * "nearest" the known one that may have been meant; empty if there is none.
 */
extern FlowStatus flow_format_check_log_format(const char *log_format, char unknown[64], char nearest[64], FlowError *error);

/* Only compiles the pattern, to tell whether it is valid; FLOW_BAD_PATTERN if not. */
extern FlowStatus flow_format_check_regex(const FlowHost *host, const char *regex, FlowError *error);

/* Does the pattern look like one pasted from a Hive string, with doubled backslashes? */
extern bool flow_format_regex_looks_escaped(const char *regex);

/* ---------- locations and objects ---------- */

/* A file to read, with its identity when it was listed. */
typedef struct FlowObject
{
	const char *path; /* NUL-terminated */
	uint64_t size;    /* bytes as stored */
	int64_t modified; /* nanoseconds since 1970 */
	uint64_t device;  /* st_dev */
	uint64_t inode;   /* st_ino */

	/* of one in a store, what tells this version of it from others (S3: the ETag), NUL-terminated; of a local file NULL */
	const char *version;
	bool archived;   /* it is where it cannot be read from */
	uint64_t number; /* its place in the list, from 0 */
} FlowObject;

/* What was left out of a list as nobody need read it; nothing of it was opened. */
typedef struct FlowPruned
{
	uint64_t by_shard;         /* files of other shards */
	uint64_t by_path, by_time; /* files that a FlowPruner left out */
	uint64_t directories;      /* the same, with who knows how many files */
} FlowPruned;

static inline uint64_t
flow_pruned_files(const FlowPruned *pruned)
{
	return pruned->by_shard + pruned->by_path + pruned->by_time;
}

typedef struct FlowObjects
{
	FlowObject *items; /* in order of their paths' bytes, if they were listed at once */
	size_t count;
	uint64_t bytes;   /* sum of their sizes */
	uint64_t skipped; /* entries left out: hidden, empty, markers (design.md, option location) */
	bool complete;    /* false: a limit of FlowListLimits ended the listing, or it goes on */
	FlowPruned pruned;
	uint64_t directories_read;
} FlowObjects;

/* Where objects lie that are no local files, and how they are read; see below. */
typedef struct FlowStore FlowStore;

/* What may be opened, and by whom. */
typedef struct FlowAccess
{
	/*
	 * The directories that may be read, as the administrator wrote them; count 0: all.
	 * Checked against what a path resolves to, at every open of a file or directory.
	 */
	const char *const *paths;
	size_t count;

	FlowStore *store; /* opens all objects; NULL: they are local files */
	bool glance;      /* no more than the first FLOW_GLANCE_SIZE bytes of an object are wanted */
} FlowAccess;

#define FLOW_GLANCE_SIZE (256 * 1024)

/* For the planner: stop listing after so many entries, or so long. 0: no limit. */
typedef struct FlowListLimits
{
	size_t entries;
	int64_t microseconds;
} FlowListLimits;

#define FLOW_MOST_VARIABLES 32 /* in a location */

typedef struct FlowLocation FlowLocation;

/* A variable of a location, ${name} or ${name:yyyy/MM/dd}. */
typedef struct FlowVariable
{
	const char *name;
	bool is_date;
	bool has_hour; /* of a date */
} FlowVariable;

/* What is known of a variable's value in a path. */
typedef struct FlowPathValue
{
	FlowSlice text; /* in the path, or in "date"; data NULL: not all of it is known */

	/* of a date, as soon as its year is known: it is not before "from", but before "to" */
	bool begun;
	int64_t from, to;
	char date[24]; /* in ISO 8601 */
} FlowPathValue;

/* in location.c */

/*
 * Parses a location: a fixed part, and then segments with wildcards.  The host
 * must outlive it.  FLOW_BAD_LOCATION, FLOW_UNSUPPORTED, FLOW_LIMIT, FLOW_NO_MEMORY,
 * FLOW_INTERRUPTED.
 */
extern FlowStatus flow_location_parse(const FlowHost *host, const char *location, FlowLocation **parsed, FlowError *error);
extern void flow_location_free(FlowLocation *location);

/* Is it a path?  Otherwise its objects are in a bucket, of S3 or what speaks its language. */
extern bool flow_location_is_local(const FlowLocation *location);

/* The bucket's name, not NUL-terminated. */
extern const char *flow_location_bucket(const FlowLocation *location, size_t *len);

/* in shard.c */

/* One of the shares that the files of a location are divided into: "number" from 1 to "count"; count 0: all of them. */
typedef struct FlowShard
{
	uint32_t number, count;
} FlowShard;

#define FLOW_MOST_SHARDS 10000

/*
 * In which of so many shares, from 1, is a file whose path below the location is this one?  It depends on nothing else, so all
 * who list the same files, in whatever order and wherever they lie, divide them alike.  With one share
 * more, only those files change theirs that go to the new one (Lamping and Veach, "A Fast, Minimal Memory, Consistent Hash
 * Algorithm").
 */
extern uint32_t flow_shard_of(const char *path, uint32_t count);

/* From now on the location means only the files of that shard. */
extern void flow_shard_set(FlowLocation *location, FlowShard shard);

/*
 * For servers that run one scan in many places at once, as Greenplum does on "all segments": one of them lists, all get the list, and
 * each takes its share of it, so that files which come and go meanwhile are neither missed nor read twice.  FLOW_UNSUPPORTED if
 * there is no list, or one that is not complete: who would list for himself might see other files than the rest.
 */
extern FlowStatus flow_shard_take(FlowObjects *objects, const FlowLocation *location, FlowShard shard, FlowError *error);

/* in location_template.c */
extern const FlowVariable *flow_location_variables(const FlowLocation *location, int *count);

/* in location_match.c */

/*
 * The values of all variables in the path of a file, by variable; they point into the path and into
 * values[].  False if the location does not mean the file.
 */
extern bool flow_location_values(const FlowLocation *location, const char *path, FlowPathValue *values);

/*
 * The same in the path of a directory, as far as they are known whatever is in it.  "more": its own name made one of them
 * known, or more of it.  False if nothing in it can match.
 */
extern bool flow_location_directory_values(const FlowLocation *location, const char *path, FlowPathValue *values, bool *more);

/* in location.c */

/* Is it a location we can list?  Opens nothing. */
extern FlowStatus flow_location_check(const FlowHost *host, const char *location, FlowError *error);

typedef enum FlowPruning
{
	FLOW_KEEP,
	FLOW_PRUNE_BY_PATH, /* by what is known of the file itself */
	FLOW_PRUNE_BY_TIME  /* by the time in its name; only of files */
} FlowPruning;

/*
 * What to leave out of a listing.  It is asked about each file, whose path and other properties are known; and before
 * that about each directory whose name makes the value of a variable known, or more of it: "file" is NULL
 * then, and what it leaves out is never opened.  Values are by variable of the location.
 */
typedef struct FlowPruner
{
	void *arg;
	FlowStatus (*judge)(void *arg, const FlowObject *file, const FlowPathValue *values, FlowPruning *pruning, FlowError *error);
} FlowPruner;

/* in object.c */

/*
 * Lists the files of a location.  The list comes from the host's allocator, a
 * copy of its own, freed by flow_objects_free.
 */
extern FlowStatus flow_objects_list(const FlowHost *host, const char *location, const FlowAccess *access,
                                    const FlowListLimits *limits, FlowObjects **objects, FlowError *error);

/* The same of a location that was parsed, without what is pruned; pruner may be NULL. */
extern FlowStatus flow_objects_list_pruned(const FlowHost *host, const FlowLocation *location, const FlowAccess *access,
                                           const FlowListLimits *limits, const FlowPruner *pruner, FlowObjects **objects,
                                           FlowError *error);
extern void flow_objects_free(const FlowHost *host, FlowObjects *objects);

/*
 * Lists step by step: begins a list, which flow_objects_more makes longer until it is complete.  A local location is listed
 * at once.  What is given must outlive the listing; objects stay where they are while it goes on.
 */
extern FlowStatus flow_objects_begin(const FlowHost *host, const FlowLocation *location, const FlowAccess *access,
                                     const FlowPruner *pruner, FlowObjects **objects, FlowError *error);

/*
 * Adds what has come since the last call, waiting for something if need be and "wait" is set.  FLOW_OK; FLOW_END if nothing was added,
 * be it because the list is complete or, without "wait", because nothing has come.
 */
extern FlowStatus flow_objects_more(FlowObjects *objects, bool wait, FlowError *error);

/* For one that was begun: goes on where another process has stopped, and stops for another one; see FlowStorage. */
extern FlowStatus flow_objects_resume(FlowObjects *objects, const char *bytes, size_t len, FlowError *error);
extern FlowStatus flow_objects_suspend(FlowObjects *objects, char **bytes, size_t *len, FlowError *error);

/* ---------- stores ---------- */

/* What a store has done so far. */
typedef struct FlowStoreCounts
{
	uint64_t requests; /* those that were repeated included */
	uint64_t retries;  /* of these, repeated ones */
} FlowStoreCounts;

/*
 * How objects of a kind are listed and read: local files (file.c), or those of a FlowStore.  "store" is access->store.
 * A file is opened for one object, which must outlive it, and read from its beginning.
 */
typedef struct FlowStorage
{
	/* As flow_objects_more, for a location whose listing goes on in *state, NULL at first; end_list frees that. */
	FlowStatus (*list)(FlowStore *store, const FlowLocation *location, const FlowPruner *pruner, bool wait, void **state,
	                   FlowObjects *objects, FlowError *error);
	void (*end_list)(void *state);

	/*
	 * Where processes take turns in listing: ends what is under way, of which the objects are added to the list, and makes
	 * bytes of what is left, which another process can go on with; they are freed by the host's "free".
	 */
	FlowStatus (*suspend_list)(void *state, FlowObjects *objects, char **bytes, size_t *len, FlowError *error);
	FlowStatus (*resume_list)(FlowStore *store, const FlowLocation *location, const FlowPruner *pruner, const char *bytes, size_t len,
	                          void **state, FlowError *error);

	FlowStatus (*open)(const FlowHost *host, const FlowAccess *access, const FlowObject *object, void **file, FlowError *error);
	void (*close)(void *file);

	/*
	 * Reads on: fewer than "capacity" bytes only if the object ends there; *len 0 at its end, once it was seen to be what was
	 * listed.
	 */
	FlowStatus (*read)(void *file, void *buffer, size_t capacity, size_t *len, FlowError *error);
	uint64_t (*position)(const void *file);
	void (*seek)(void *file, uint64_t offset);             /* behind the end: to the end */
	FlowStatus (*unchanged)(void *file, FlowError *error); /* FLOW_OK, or FLOW_CHANGED: it is not what was listed */

	/* Objects are fetched before their turn, in the order in which they are announced and then opened.  NULL: they are not. */
	bool (*has_room)(const FlowStore *store); /* may one more be announced? */
	FlowStatus (*announce)(FlowStore *store, const FlowObject *object, FlowError *error);
	void (*forget)(FlowStore *store); /* what was announced will not be opened */
	void (*rest)(FlowStore *store);   /* closes connections; what is asked for next makes new ones */

	FlowStoreCounts (*counts)(const FlowStore *store);
	int (*descriptors)(const FlowStore *store); /* that it may have open at once, and the host to wait for them */
	void (*free)(FlowStore *store);
} FlowStorage;

struct FlowStore
{
	const FlowStorage *storage;
};

/* in name_time.c */

/*
 * The time in the name of a file that AWS delivers, as "..._20240131T2330Z_....log.gz": its records end in
 * the five minutes from "from" to before "to", more or less.  False if there is none.
 */
extern bool flow_name_time(const char *path, int64_t *from, int64_t *to);

/* in field.c */

/* Is a column of that name, or with that field, one of a record's times: start, end, or when it was logged? */
extern bool flow_field_is_time(const char *name);

/* in constant.c */

/* Is it the same in all of a file? */
static inline bool
flow_column_is_constant(const FlowColumn *column)
{
	return column->source != FLOW_FROM_RECORD && column->source != FLOW_FROM_LINE;
}

typedef struct FlowConstants FlowConstants;

extern FlowStatus flow_constants_create(const FlowHost *host, const FlowColumn *columns, int ncolumns, FlowConstants **constants,
                                        FlowError *error);
extern void flow_constants_free(FlowConstants *constants);

/*
 * Fields, by column, of those that are the same in all of a file; data NULL if they are not, or not known.  "file" is NULL if
 * only values are known.  Around each of them there are bytes to read as there are in a FlowBatch.  They live until the
 * next call.  NULL: no memory.
 */
extern const FlowSlice *flow_constants_fill(FlowConstants *constants, const FlowObject *file, const FlowPathValue *values);

/* The error for a value that is none of its column's: "status" is flow_value_read's.  "may_differ": another on_error would do. */
extern FlowStatus flow_constant_error(const FlowColumn *column, int index, const FlowObject *file, FlowStatus status, bool may_differ,
                                      FlowError *error);

/* in source.c */

/* Is that a compression's name, or "auto"? */
extern bool flow_source_knows_compression(const char *name);

/* The compression that a file's name promises ("gzip" for ".gz"), else "none". */
extern const char *flow_source_compression_by_name(const char *path);

/* ---------- what a file is ---------- */

typedef enum FlowProbeFields
{
	FLOW_FIELDS_UNKNOWN,
	FLOW_FIELDS_OF_HEADER,
	FLOW_FIELDS_OF_LOG_FORMAT, /* no header */
	FLOW_FIELDS_OF_DEFAULT     /* no header, but a record of the default format */
} FlowProbeFields;

/* What the beginning of a file tells. */
typedef struct FlowProbe
{
	const char *compression; /* its name */
	const char *wrapper;     /* the name of what is round the records: "none" */
	bool timed;              /* it puts a time before each of them */
	FlowProbeFields source;
	const char **fields; /* their names, as the header spells them */
	int nfields;
} FlowProbe;

/* in probe.c */

/*
 * Opens a file and reads FLOW_GLANCE_SIZE of its bytes at most.  "compression" as in FlowReadSpec; "unwrap": as a table without
 * a regular expression reads it; "log_format": the format of files without header, or NULL.  The probe is freed by flow_probe_free, also after an error.
 */
extern FlowStatus flow_object_probe(const FlowHost *host, const FlowObject *object, const FlowAccess *access,
                                    const char *compression, bool unwrap, const char *log_format, FlowProbe *probe, FlowError *error);
extern void flow_probe_free(const FlowHost *host, FlowProbe *probe);

/* in field.c */

/* The place of a field, by its name in headers, in the order in which AWS documents them; behind them all if it is not known. */
extern int flow_field_rank(const char *name);

/* The type that a known field has by its nature. */
extern bool flow_field_type(const char *name, FlowType *type);

#include "batch.h"

/* ---------- the reader ---------- */

typedef struct FlowReader FlowReader;

typedef enum FlowOnError
{
	FLOW_ON_ERROR_STOP,
	FLOW_ON_ERROR_IGNORE,
	FLOW_ON_ERROR_SET_NULL
} FlowOnError;

/*
 * lines = headers + blank + emitted + filtered + rejected, and
 * files = files_read + files_pruned + files_skipped + files_not_reached.
 * A line that set_null keeps is emitted or filtered, and in set_null too.
 * Rescans add to the lines and bytes_read, not to the files.  A file read in parts counts
 * as read for the part that begins at 0, and its bytes for the part they lie in.
 */
typedef struct FlowCounts
{
	uint64_t files, files_read, files_pruned, files_skipped, files_not_reached;
	FlowPruned pruned;          /* its files are files_pruned */
	uint64_t bytes;             /* stored bytes of the files listed, pruned ones excluded */
	uint64_t bytes_read;        /* stored bytes read */
	uint64_t requests, retries; /* to a store, for lists and objects; of these, repeated ones */
	uint64_t lines, headers, blank, emitted, filtered, rejected;
	uint64_t set_null;
	uint64_t unmatched;        /* of rejected and set_null: lines that are no record at all */
	uint64_t messages_skipped; /* CloudWatch's CONTROL_MESSAGEs, which hold no events: no lines */
	uint64_t files_lacking;    /* files, each time they were read, that lack a known field which a column is for */
} FlowCounts;

/* in counts.c */

/* Adds each number of "counts" to that of "sum", or takes it away. */
extern void flow_counts_add(FlowCounts *sum, const FlowCounts *counts);
extern void flow_counts_subtract(FlowCounts *sum, const FlowCounts *counts);

/*
 * A part of a file: the lines that begin behind byte "start" up to byte "end",
 * both counted from 0, and the line at byte 0 if "start" is 0.  Parts that follow one
 * another thus hold each line once, wherever they are cut.  Only a file that is not
 * compressed can be cut; of another one, a part with start > 0 is empty, and that
 * with start 0 is all of it.
 */
typedef struct FlowPart
{
	size_t object; /* index into the objects */
	uint64_t start;
	uint64_t end;
} FlowPart;

/* start of each part, so that files are read at aligned offsets */
#define FLOW_PART_ALIGN (256 * 1024)

/* How far the lines of a file have been counted; begins as zeros. */
typedef struct FlowLineCount
{
	const FlowObject *object;
	uint64_t offset;
	uint64_t newlines; /* before that */
} FlowLineCount;

/* in part.c */

/*
 * The number that a line has in its file, where it is line "line" of the part that begins at
 * "start".  Reads the file up to there, or on from where *count got to; of a file that cannot be
 * cut, start is 0 and nothing is read.  Otherwise than FLOW_OK *number is 0.
 */
extern FlowStatus flow_part_line(const FlowHost *host, const FlowObject *object, const FlowAccess *access, FlowLineCount *count,
                                 uint64_t start, uint64_t line, uint64_t *number, FlowError *error);

typedef struct FlowReadSpec
{
	const FlowHost *host;
	FlowFormat *format;
	const FlowFilter *filter;     /* NULL: every record passes */
	const FlowObjects *objects;   /* must outlive the reader; may grow if next_part tells of what is new */
	const FlowLocation *location; /* whose variables columns are; NULL: none is */
	FlowAccess access;
	FlowOnError on_error;
	bool report_rejects;     /* flow_reader_next returns FLOW_REJECTED for each */
	int64_t reject_limit;    /* -1: none */
	const char *compression; /* "auto", or the name of one, which is insisted on */
	size_t max_line_length;

	/*
	 * The columns whose fields the host looks at in a FlowRecord, each once; of the
	 * others nothing is said there.  NULL: all.
	 */
	const int *used;
	int nused;

	/*
	 * Where several readers share the work, or the list grows: gives the next part.  FLOW_OK; FLOW_END when there is
	 * none left or, without "wait", when one would have to be waited for; or an error.  NULL: all objects, one after the other.
	 * "shared_rejects" counts the rejects of all readers for reject_limit; NULL: the reader's own.  The host
	 * sets it back to 0 when all of them are rewound.
	 */
	FlowStatus (*next_part)(void *arg, bool wait, FlowPart *part, FlowError *error);
	void *next_part_arg;
	uint64_t *shared_rejects;
} FlowReadSpec;

/* bytes that can be read behind a field of a FlowRecord, and before it, whatever they are */
#define FLOW_RECORD_SLACK 64

/* A record that passed, valid until the next call.  Where there is no field, its length is 0 too. */
typedef struct FlowRecord
{
	const FlowSlice *fields; /* by column; not yet checked unless on_error is 'ignore' */
} FlowRecord;

/* Why a line was rejected, or kept with nulls. */
typedef struct FlowReject
{
	const FlowObject *object;
	uint64_t part;      /* start of the part that was read */
	uint64_t line;      /* counted in that part: flow_part_line tells its number */
	FlowStatus status;  /* FLOW_BAD_RECORD, or a bad field's */
	int column;         /* the bad field's column, or -1 */
	const char *reason; /* NUL-terminated; for the user */
	FlowSlice raw;      /* the line, or its beginning if it was too long */
} FlowReject;

/* in reader.c */
extern FlowStatus flow_reader_create(const FlowReadSpec *spec, FlowReader **reader, FlowError *error);
extern void flow_reader_close(FlowReader *reader);

/*
 * The next record: FLOW_OK, FLOW_END, FLOW_REJECTED (flow_reader_reject tells),
 * FLOW_NEED_VALUE, or an error, after which only flow_reader_close is of use.
 * Buffers are made for the first file, and freed at the end: a reader that has
 * not begun, or has ended, takes next to nothing.
 */
extern FlowStatus flow_reader_next(FlowReader *reader, FlowRecord *record, FlowError *error);

/*
 * After FLOW_NEED_VALUE: the number of the deferred predicate that a record came to.  Once that is
 * resolved, the same call as before goes on with that record.
 */
extern int flow_reader_needed(const FlowReader *reader);

/*
 * Adds the records that pass to the groups: FLOW_END when all are added, FLOW_OK
 * when the groups are full (take them, clear them and call again), FLOW_REJECTED,
 * FLOW_NEED_VALUE, or an error, as flow_reader_next.
 */
extern FlowStatus flow_reader_group(FlowReader *reader, FlowGroups *groups, FlowError *error);

/*
 * To be called when a field of the current record turned out bad: FLOW_OK if it
 * shall be NULL (counted), else the error to raise.  Fields of NULL rows and
 * null texts are not bad.
 */
extern FlowStatus flow_reader_bad_field(FlowReader *reader, FlowBadField bad, FlowError *error);

/*
 * From the first file again, with another filter perhaps.  "format" is the one that the reader was made with, or another
 * one of the same FlowFormatSpec: at the end of all files the reader has no use for it, and it may be freed.
 */
extern void flow_reader_rewind(FlowReader *reader, FlowFormat *format, const FlowFilter *filter);

extern const FlowCounts *flow_reader_counts(FlowReader *reader);

/* The same as far as they are known at any time, also while the reader works; lines may lag behind. */
extern const FlowCounts *flow_reader_glance(const FlowReader *reader);

/* Is every line accounted for?  True between any two calls that did not fail. */
extern bool flow_reader_balances(FlowReader *reader);

/* the last reject, if rejects are reported, and the first one; NULL if there was none */
extern const FlowReject *flow_reader_reject(const FlowReader *reader);
extern const FlowReject *flow_reader_first_reject(const FlowReader *reader);

/*
 * Where the reader stands, for an error that somebody else raises about the
 * current record.  False: nowhere.  *line is 0 if it could not be found (see
 * flow_part_line), because the host interrupts for instance.
 */
extern bool flow_reader_position(FlowReader *reader, const char **path, uint64_t *line);

#endif /* FLOW_H */
