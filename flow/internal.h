/*-------------------------------------------------------------------------
 *
 * internal.h
 *	  What the files of the core share among themselves.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_INTERNAL_H
#define FLOW_INTERNAL_H

#include "flow.h"

#include <string.h>

/*
 * No step between two looks at FlowHost.interrupted handles more bytes than
 * this, and a reader's block has this size.  64 to 512 KiB read equally fast.
 */
#define FLOW_BLOCK_SIZE (256 * 1024)

#define flow_countof(array) (sizeof(array) / sizeof((array)[0]))

#if defined(__GNUC__)
#define flow_likely(x) __builtin_expect((x) != 0, 1)
#define flow_unlikely(x) __builtin_expect((x) != 0, 0)
#define flow_printf_like(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define flow_likely(x) ((x) != 0)
#define flow_unlikely(x) ((x) != 0)
#define flow_printf_like(fmt, args)
#endif

/* ---------- error.c: filling a FlowError ---------- */

/* Clears *error, sets status and message, and returns the status. */
extern FlowStatus flow_error_set(FlowError *error, FlowStatus status, const char *format, ...) flow_printf_like(3, 4);

/* Add to an error that was set. */
extern void flow_error_detail(FlowError *error, const char *format, ...) flow_printf_like(2, 3);
extern void flow_error_hint(FlowError *error, const char *format, ...) flow_printf_like(2, 3);
extern void flow_error_at(FlowError *error, const char *path, uint64_t line);

/*
 * What a message shows of a path: all of it, or its end, with "..." for *dots, if it has more than so many bytes.
 */
extern const char *flow_error_tail(const char *path, size_t most, const char **dots);

/*
 * What a failed system call's errno means: ENOENT and ENOTDIR FLOW_NOT_FOUND; EACCES and EPERM FLOW_NO_PERMISSION; ENOMEM
 * FLOW_NO_MEMORY; EMFILE, ENFILE, ENOBUFS, ENOSPC and EDQUOT FLOW_NO_RESOURCES; others FLOW_IO.
 */
extern FlowStatus flow_status_of_errno(int os_errno);

/*
 * A failed system call: status by errno, os_errno, and the message "could not VERB "PATH""; the host appends the
 * errno's text.
 */
extern FlowStatus flow_error_os(FlowError *error, int os_errno, const char *verb, const char *path);

extern FlowStatus flow_error_memory(FlowError *error);
extern FlowStatus flow_error_interrupted(FlowError *error);

/* ---------- host shorthands ---------- */

static inline void *
flow_allocate(const FlowHost *host, size_t size)
{
	return host->allocate(host->arg, size);
}

static inline void
flow_free(const FlowHost *host, void *ptr)
{
	if (ptr != NULL)
		host->free(host->arg, ptr);
}

static inline bool
flow_interrupted(const FlowHost *host)
{
	return host->interrupted(host->arg);
}

/* ---------- sort.c ---------- */

/* Less than, equal to or greater than 0, as "a" is before, beside or after "b". */
typedef int (*FlowCompare)(const void *a, const void *b, const void *arg);

/*
 * Sorts items of "size" bytes each; those that are equal stay in their order.  FLOW_OK, or
 * FLOW_NO_MEMORY or FLOW_INTERRUPTED, after which the items are in any order, and some
 * may be lost.  Fills no FlowError.
 */
extern FlowStatus flow_sort(const FlowHost *host, void *items, size_t count, size_t size, FlowCompare compare, const void *arg);

/* ---------- regex.c: PCRE2 ---------- */

typedef struct FlowRegex FlowRegex;

/*
 * Compiles a pattern that must match whole lines (reference: Hive's RegexSerDe,
 * Matcher.matches() with DOTALL).  FLOW_BAD_PATTERN with the offset in the detail.
 */
extern FlowStatus flow_regex_compile(const FlowHost *host, const char *pattern, bool jit, FlowRegex **regex, FlowError *error);
extern void flow_regex_free(FlowRegex *regex);

extern bool flow_regex_is_jit(const FlowRegex *regex);
extern int flow_regex_group_count(const FlowRegex *regex);                    /* capture groups */
extern bool flow_regex_has_names(const FlowRegex *regex);                     /* is any group named? */
extern int flow_regex_group_number(const FlowRegex *regex, const char *name); /* 0: no group of that name */

/*
 * Matches a line: FLOW_OK; FLOW_END if it does not match; FLOW_LIMIT when a limit
 * or the deadline of a line was hit (never taken for "does not match");
 * FLOW_INTERRUPTED.  groups[i] becomes what group wanted[i] (from 1) took, data NULL if
 * it took no part.
 */
extern FlowStatus flow_regex_match(FlowRegex *regex, const char *line, size_t len,
                                   const int *wanted, int nwanted, FlowSlice *groups, FlowError *error);

/* Has it a doubled backslash before a class letter or a dot, as text copied from a Hive string has? */
extern bool flow_regex_looks_escaped(const char *pattern);

/* ---------- pattern.c: patterns that are only splitters ---------- */

#define FLOW_SHAPE_FIELDS 57 /* so many bits can be read at any offset of a bit array */

/*
 * A further check of a field: it is one of the literals, or its length and all of
 * its bytes are right.
 */
typedef struct FlowShapeCheck
{
	int field;
	uint32_t min, max;    /* bytes; max is 0 if only literals pass */
	const uint8_t *class; /* 256 entries: 1 for the bytes it may have; NULL: any */
	bool digits;          /* "class" has all digits: of a field known to be digits, only the length is to be looked at */
	const char *literals; /* each ends with a NUL, the last with two; NULL: none */
} FlowShapeCheck;

/*
 * What a line must look like for its fields to be what stands between its
 * separators: fields that are not empty, one separator between any two of them.
 */
typedef struct FlowShape
{
	char separator;
	int nfields;                      /* most of them */
	int nrequired;                    /* least of them; the others may be missing from the end */
	bool open;                        /* more may follow, of which nothing is wanted */
	uint64_t digits;                  /* bit f: field f must be all digits */
	int group[FLOW_SHAPE_FIELDS + 1]; /* by field: the capture group that it is, or 0 */
	int nchecks;                      /* at most one a field; those of missing fields hold */
	FlowShapeCheck checks[FLOW_SHAPE_FIELDS + 1];
} FlowShape;

/*
 * The shape of the lines on which a pattern, matched as regex.c matches it, does
 * nothing but split: a line of that shape, without bytes below 0x20 (other than the separator) or from 0x80 on,
 * matches in one way, and its groups are its fields.  FLOW_OK; FLOW_END if there is no such shape; FLOW_NO_MEMORY.
 * Freed by flow_shape_free.
 */
extern FlowStatus flow_pattern_shape(const FlowHost *host, const char *pattern, FlowShape **shape);
extern void flow_shape_free(const FlowHost *host, FlowShape *shape);

/* Does such a field, of a line as above, pass the check? */
extern bool flow_shape_passes(const FlowShapeCheck *check, const char *data, size_t len);

/* ---------- header.c: lists of field names ---------- */

#define FLOW_NAMES_MOST 256
#define FLOW_NAME_LENGTH 63

typedef struct FlowNames
{
	FlowSlice items[FLOW_NAMES_MOST];
	int count;
	char separator; /* between them; '\0' if that is not always the same */
} FlowNames;

/* Takes a line apart into distinct names; false if it holds anything else.  The names are slices of the line. */
extern bool flow_header_read(const char *line, size_t len, FlowNames *names);

/* Are they at least so many, and half of them known fields' (design.md, option "header")? */
extern bool flow_header_is_likely(const FlowNames *names, int least);

/* Reads an AWS log format, NUL-terminated; the names are slices of it.  FLOW_OK or FLOW_BAD_FORMAT. */
extern FlowStatus flow_log_format_read(const char *text, FlowNames *names, FlowError *error);

/* Which of them is the field of a column of that name, "_" and "-" alike?  -1: none. */
extern int flow_names_find(const FlowNames *names, const char *name);
extern bool flow_names_equal(const FlowNames *a, const FlowNames *b);

/* The one of them, or of the known fields, that "name" may be a slip of; false if none is near. */
extern bool flow_names_nearest(const FlowNames *names, const char *name, char nearest[FLOW_NAME_LENGTH + 1]);

/* ---------- layout.c: which field of a line fills which column ---------- */

typedef struct FlowLayout
{
	const FlowHost *host;
	const FlowShape *shape; /* what to split lines by; NULL: nothing, they are taken one by one */
	int *places;            /* by column: the field of a line that fills it, from 0, or -1 */
	bool timed;             /* the first field is the time that a wrapper put before the record */
	bool lacks_field;       /* the known field of a column is not among them */

	/* of a list of names */
	const char *source; /* what named the fields, for messages: "header" */
	char separator;
	int nfields;
	FlowShape own_shape;

	/* the header that it was made of, in the format's list of them */
	char *key;
	size_t key_len;
} FlowLayout;

typedef struct FlowLayoutSpec
{
	const FlowHost *host;
	const FlowNames *names;
	const char *source;
	bool timed;
	bool splitter; /* may lines be split many at a time? */
	const FlowColumn *columns;
	int ncolumns;
} FlowLayoutSpec;

/* FLOW_OK, FLOW_NO_MEMORY, or FLOW_BAD_HEADER for a column that is neither named nor a known field. */
extern FlowStatus flow_layout_create(const FlowLayoutSpec *spec, FlowLayout **layout, FlowError *error);
extern void flow_layout_free(FlowLayout *layout);

/* Splits a line at its separators into fields by column; FLOW_END if it has more fields or less than the layout. */
extern FlowStatus flow_layout_split(const FlowLayout *layout, const char *line, size_t len, FlowSlice *by_column, int ncolumns);

/* Adds to an error about such a line what is wrong with it. */
extern void flow_layout_explain_mismatch(const FlowLayout *layout, const char *line, size_t len, FlowError *error);

/* The fields of AWS's default format, and whether a line is certainly a record of it. */
extern void flow_default_names(FlowNames *names);
extern bool flow_default_fits(const char *line, size_t len, bool timed);

/* ---------- split.c: fields and lines at their separators ---------- */

#define FLOW_SPLIT_MOST (32 * 1024) /* bytes that are split at once, at most */

/*
 * The ends of fields in some bytes of a log: each is a separator or a newline.
 * "The field" of an end is what stands between it and the one before, or the
 * beginning.
 */
typedef struct FlowEnds
{
	size_t count;
	uint32_t *next;   /* by end: offset of the byte behind it; next[-1] is 0 */
	uint8_t *newline; /* bit by end: it is a newline */
	uint8_t *digits;  /* bit by end: its field is all digits, one at least */
	uint8_t *odd;     /* bit by end: its field is empty, or has a byte below 0x20 or from 0x80 on */
	bool any_odd;     /* otherwise all bits of odd[] are 0, and need not be looked at */
} FlowEnds;

/* Room for FLOW_SPLIT_MOST ends, all arrays readable for 8 bytes behind that; one allocation, freed by flow_free. */
extern FlowEnds *flow_ends_create(const FlowHost *host);

/* Finds the ends in data[0..len), len at most FLOW_SPLIT_MOST; reads no byte outside of it. */
typedef void (*FlowSplit)(const char *data, size_t len, char separator, FlowEnds *ends);

/* A version of it for a processor. */
typedef struct FlowSplitter
{
	const char *name; /* "portable", "SSE2", "AVX2", "AVX-512", "NEON" */
	FlowSplit split;
	bool (*available)(void); /* can this processor run it, and well? */
} FlowSplitter;

/* All that were compiled in, the fastest first; the last is portable.  Ends with a NULL name. */
extern const FlowSplitter flow_splitters[];

/* The fastest that can run here. */
extern const FlowSplitter *flow_split_choose(void);

/* ---------- lines.c: the lines of a piece of log that have a shape ---------- */

/* Set in a row that must be judged by itself, from its line on: FlowBatch never has it. */
#define FLOW_ROW_DOUBTFUL (UINT32_C(1) << 31)

typedef struct FlowLines
{
	const FlowHost *host;
	const FlowLayout *layout; /* NULL: not yet known */
	const FlowShape *shape;   /* its shape; NULL: it has none */
	int ncolumns;
	FlowSplit split;
	bool has_headers;       /* headers may stand among the lines */
	bool doubt_letters;     /* lines whose record begins with a small letter may be headers */
	size_t max_line_length; /* a longer line is doubtful */

	FlowEnds *ends;
	uint32_t *rows; /* by line: index of its first end, perhaps FLOW_ROW_DOUBTFUL */
	size_t nrows;
	FlowBatch batch; /* of these lines, save rows and count */
	int *place;      /* its places, for lines of "nfields" fields */
	int nfields;
} FlowLines;

/* FLOW_NO_MEMORY leaves nothing. */
extern FlowStatus flow_lines_create(const FlowHost *host, const FlowFormat *format, size_t max_line_length,
                                    FlowLines **lines, FlowError *error);
extern void flow_lines_free(FlowLines *lines);

/* What lines are split into takes room, from before the first to after the last of them. */
extern FlowStatus flow_lines_make_room(FlowLines *lines, FlowError *error);
extern void flow_lines_free_room(FlowLines *lines);

/* The lines that follow have this layout, which must live as long as they are split. */
extern void flow_lines_set_layout(FlowLines *lines, const FlowLayout *layout);

/*
 * Splits the whole lines at the beginning of some data, FLOW_SPLIT_MOST bytes of them at most; returns how many
 * bytes that were, 0 if no line ends in there.  All of them become rows; those
 * that are not of the shape, or may be more than a record, doubtful ones.
 */
extern size_t flow_lines_split(FlowLines *lines, const char *data, size_t len);

/* The end behind the newline of a row. */
extern size_t flow_lines_behind(const FlowLines *lines, uint32_t row);

/* The line of a row, without newline. */
extern FlowSlice flow_lines_line(const FlowLines *lines, uint32_t row);

/* How many lines end among the ends from "from" up to, but without, "to"? */
extern size_t flow_lines_count(const FlowLines *lines, size_t from, size_t to);

/* ---------- filter_batch.c: the filter on many records at once ---------- */

typedef struct FlowSelector FlowSelector;

/* Of what a scan learns about its filter while it runs.  FLOW_OK, FLOW_NO_MEMORY or FLOW_INTERRUPTED; fills no FlowError. */
extern FlowStatus flow_selector_create(const FlowHost *host, const FlowFilter *filter, FlowSelector **selector);
extern void flow_selector_free(FlowSelector *selector);

/*
 * Drops from rows[0..*count) those that do not pass; *count becomes how many stay.  A row about which there is
 * more to be said than that (a bad field, an error) stays too, as a doubtful one.  FLOW_OK; or FLOW_INTERRUPTED, and
 * then not all rows were evaluated.
 */
extern FlowStatus flow_selector_apply(FlowSelector *selector, const FlowBatch *batch, uint32_t *rows, size_t *count);

/* ---------- format.c: how a line becomes fields ---------- */

/*
 * How lines are laid out before a header was met; NULL if that takes a header.  "timed": a wrapper
 * puts a time before each record.  Layouts live as long as the format, but for those of headers: of them, only
 * the one that was asked for last is certain to.
 */
extern const FlowLayout *flow_format_layout(const FlowFormat *format, bool timed);

/* Do the files' own headers say what their fields are?  Then a file cannot be read from its middle. */
extern bool flow_format_is_by_header(const FlowFormat *format);

/* Are records taken out of what is wrapped round them?  A pattern is for lines as they are. */
extern bool flow_format_unwraps(const FlowFormat *format);

/* Is any line split at separators? */
extern bool flow_format_has_shape(const FlowFormat *format);

extern const FlowColumn *flow_format_columns(const FlowFormat *format, int *ncolumns);
extern FlowHeaderMode flow_format_header_mode(const FlowFormat *format);

/*
 * Splits a line into fields[column]: FLOW_OK, FLOW_END if it is no record of
 * this format, or an error.
 */
extern FlowStatus flow_format_split(FlowFormat *format, const FlowLayout *layout, const char *line, size_t len,
                                    FlowSlice *fields, FlowError *error);

/* Adds to an error about a line that is no record why that may be. */
extern void flow_format_explain_mismatch(const FlowFormat *format, const FlowLayout *layout, const char *line, size_t len, FlowError *error);

/* Does the line look like a header (design.md, option "header")?  "first": it is the first of its file. */
extern bool flow_format_is_header(const FlowFormat *format, const char *line, size_t len, bool first);

/*
 * Takes a header: FLOW_BAD_HEADER if it does not fit the columns.  Where headers say what the fields
 * are, the lines that follow have *layout.
 */
extern FlowStatus flow_format_take_header(FlowFormat *format, const char *line, size_t len, bool timed,
                                          const FlowLayout **layout, FlowError *error);

/*
 * The layout of a file that begins with this line, which is no header: the default format's, or
 * FLOW_BAD_HEADER if the line does not fit it.
 */
extern FlowStatus flow_format_assume_default(FlowFormat *format, const char *line, size_t len, bool timed,
                                             const FlowLayout **layout, FlowError *error);

/* ---------- field.c: the fields that AWS documents ---------- */

typedef struct FlowField
{
	const char *name; /* as headers spell it: "account-id" */
	int version;      /* of the record format that brought it; 6 is the transit gateway's */
	FlowType type;    /* its natural type */
} FlowField;

extern const FlowField *flow_field_find(const char *name, size_t len);

/* All of them in the documentation's order, by an index from 0; NULL behind the last. */
extern const FlowField *flow_field_at(size_t index);

/* The same for a column's name: "_" for "-", and the names of Athena's old page. */
extern const FlowField *flow_field_of_column(const char *column_name);

/* ---------- source.c: storages, compressions and wrappers ---------- */

typedef struct FlowSource FlowSource;

/* How records are taken out of what is wrapped round them. */
typedef struct FlowUnwrap
{
	size_t max_line_length; /* of a longer line the end may be missing */
} FlowUnwrap;

/*
 * Opens an object and finds out its compression and, unless "unwrap" is NULL,
 * its wrapper: its records then become lines with a time before each.
 * compression: "auto" or a name.  FLOW_CHANGED if the object is not what was
 * listed.  It must outlive the source.
 */
extern FlowStatus flow_source_open(const FlowHost *host, const FlowObject *object, const FlowAccess *access,
                                   const char *compression, const FlowUnwrap *unwrap, FlowSource **source,
                                   FlowError *error);
extern void flow_source_close(FlowSource *source);

/*
 * Reads on: up to "capacity" decompressed bytes into buffer, *len of them; 0 only
 * at the end of all data, after the file was seen to be unchanged and every check sum
 * was right.  capacity must be at least FLOW_BLOCK_SIZE; a file that is
 * read as it is fills it until it ends.
 */
extern FlowStatus flow_source_read(FlowSource *source, char *buffer, size_t capacity, size_t *len, FlowError *error);

/* Can it be read from anywhere?  Only then may it be sought in, before anything is read, and capacity be less. */
extern bool flow_source_is_plain(const FlowSource *source);
extern void flow_source_seek(FlowSource *source, uint64_t offset);

/* Is it still what was listed?  For who does not read to its end. */
extern FlowStatus flow_source_unchanged(FlowSource *source, FlowError *error);

/* The stored offset that was read to; of a plain file, what flow_source_read has returned. */
extern uint64_t flow_source_bytes_read(const FlowSource *source);
extern const char *flow_source_compression(const FlowSource *source);

/* The name of what was found round the records: "none", "export", "csv" or "json". */
extern const char *flow_source_wrapper(const FlowSource *source);

/* Is there a time before each record?  So there is with every wrapper. */
static inline bool
flow_source_is_timed(const FlowSource *source)
{
	return strcmp(flow_source_wrapper(source), "none") != 0;
}

/*
 * If the wrapper has a header of its own, what comes out for one that does not stand in the first line, where it
 * becomes nothing; else NULL.
 */
extern const char *flow_source_header(const FlowSource *source);

/* Messages so far that hold no events, as CloudWatch sends them to see whether anybody listens. */
extern uint64_t flow_source_skipped(const FlowSource *source);

/* Which files have been asked for before their turn; all zero at first. */
typedef struct FlowAhead
{
	size_t next; /* index of the first that has not */
	bool cold;   /* some of the last ones were not in the page cache */
} FlowAhead;

/*
 * To be called when objects->items[index] has been opened as source: where files are not in the page
 * cache, asks the kernel to fetch those that follow, which then come while this one is
 * worked on.  Where they are, it costs nothing.
 */
extern void flow_source_prefetch(const FlowSource *source, FlowAhead *ahead, const FlowObjects *objects, size_t index,
                                 const FlowAccess *access);

#define FLOW_MAGIC_SIZE 4 /* first bytes of data that tell what they are */

/*
 * A compression, or a wrapper: streams, gives back what it took, knows nothing of files.  Each
 * is in a row of compressions[] or wrappers[] in source.c.
 */
typedef struct FlowCodec
{
	const char *name;
	const char *suffix; /* of file names, for the planner's estimate: ".gz" */

	/* Do such data begin like this?  "len" is FLOW_MAGIC_SIZE, or less if there are no more. */
	bool (*recognizes)(const uint8_t *data, size_t len);

	/* "unwrap" is for wrappers, and NULL for a compression. */
	FlowStatus (*create)(const FlowHost *host, const FlowUnwrap *unwrap, void **state, FlowError *error);
	void (*free)(void *state);

	/*
	 * Takes from [*in, in_end) and writes to [*out, out_end), moving both; handles at most FLOW_BLOCK_SIZE bytes
	 * of either.  "last": no input follows in_end; only then may there be none.  FLOW_OK while there may be more, FLOW_END
	 * when "last" is set and all input was used up at a point where data may end.  FLOW_CORRUPT
	 * otherwise; "offset" is the stored offset of *in, for the detail.  The message of an error is
	 * a predicate, such as "is damaged": source.c puts the file before it.
	 */
	FlowStatus (*step)(void *state, const uint8_t **in, const uint8_t *in_end, bool last,
	                   uint8_t **out, uint8_t *out_end, uint64_t offset, FlowError *error);

	uint64_t (*skipped)(const void *state); /* see flow_source_skipped; NULL: nothing is */
	const char *header;                     /* see flow_source_header */
} FlowCodec;

extern const FlowCodec flow_gzip_codec; /* gzip.c */
extern const FlowCodec flow_zstd_codec; /* zstd.c */

/* ---------- json.c, csv.c: wrappers round records ---------- */

/*
 * Both make a line of each event: its time as it stood, or "-" if there is none, a blank, and its message.  A message with a line break
 * in it has a NUL byte there, and an event without a message begins with one: so neither can be taken
 * for a record.
 */
extern const FlowCodec flow_json_codec;
extern bool flow_json_recognizes(const uint8_t *data, size_t len);
extern const FlowCodec flow_csv_codec;
extern bool flow_csv_recognizes(const uint8_t *data, size_t len);

/* ---------- json_member.c: other JSON ---------- */

/*
 * Copies the text of a member of an object, which is all of the JSON, with a
 * NUL after it.  Returns false, with all of text[0..size) 0, if the JSON is
 * anything else, or the object has no such member or two, or the member is no
 * text, has a NUL in it, or is too long.
 */
extern bool flow_json_member(const char *json, size_t len, const char *name, char *text, size_t size);

/* ---------- part.c: parts of files ---------- */

/* How much to read at an offset of the file. */
extern size_t flow_part_read_size(const FlowPart *part, uint64_t offset);

/*
 * Of a block of "len" bytes read at "offset": the byte behind which no line of the part
 * begins.  The block's end if all may begin there; the byte before the block if none may.
 */
extern char *flow_part_stop(const FlowPart *part, char *block, uint64_t offset, size_t len);

/* How many of the bytes before "position" lie in the part. */
extern uint64_t flow_part_owned(const FlowPart *part, uint64_t position);

/* ---------- file.c: local files ---------- */

typedef struct FlowFile FlowFile;

/* The functions below as a storage. */
extern const FlowStorage flow_file_storage;

/*
 * Regular files only; checks the identity and the allowed paths on the open
 * descriptor.  The object must outlive the file.
 */
extern FlowStatus flow_file_open(const FlowHost *host, const FlowObject *object, const FlowAccess *access,
                                 FlowFile **file, FlowError *error);
extern void flow_file_close(FlowFile *file);

/*
 * pread at the position: fewer than "capacity" bytes only if the file ends there; *len 0 at the
 * listed end, once the file was seen unchanged.
 */
extern FlowStatus flow_file_read(FlowFile *file, void *buffer, size_t capacity, size_t *len, FlowError *error);
extern uint64_t flow_file_position(const FlowFile *file);
extern bool flow_file_is_cold(const FlowFile *file);         /* was some of it not in the page cache? */
extern void flow_file_seek(FlowFile *file, uint64_t offset); /* behind the end: to the end */

/*
 * If the beginning of a file is not in the page cache, asks the kernel to fetch it, and
 * tells so.  Waits for no data and reports no error.
 */
extern bool flow_file_prefetch(const FlowHost *host, const FlowObject *object, const FlowAccess *access);

/* Is it still the file that was listed?  FLOW_OK or FLOW_CHANGED. */
extern FlowStatus flow_file_unchanged(FlowFile *file, FlowError *error);

/* Makes 'flow log "PATH" changed' of the message 'changed', and sets the error's path. */
extern void flow_file_name_error(FlowError *error, const char *path);

/* Is what the descriptor fd resolves to inside the allowed paths?  FLOW_OK or FLOW_NOT_ALLOWED. */
extern FlowStatus flow_file_allowed(const FlowHost *host, int fd, const char *path, const FlowAccess *access, FlowError *error);

/* ---------- location.c: which paths a location means ---------- */

/*
 * The segments before the first one with a wildcard, without their escapes.  Ends
 * in "/" if it is "/", or if there is no wildcard and the location ends in one; in a bucket also if there is a wildcard.
 */
extern const char *flow_location_fixed(const FlowLocation *location);
extern bool flow_location_has_wildcard(const FlowLocation *location);

/* Of one that is in a bucket: the fixed part behind "s3://bucket/", "" if there is none. */
extern const char *flow_location_key(const FlowLocation *location);

/*
 * Who walks down from the fixed part holds, for each directory, the set of
 * segments that the names in it may match, a bit for each; so a path is met once,
 * in however many ways it matches.  An empty set: nothing in there can match.
 */
typedef uint64_t FlowSegments;

/* What a name in a directory is to a location. */
typedef struct FlowNameMatch
{
	FlowSegments below; /* for the names in it, if it is a directory; 0: no match */
	bool file;          /* it matches also if it is a file */
	bool hidden;        /* it would match, but listings leave such names out */
} FlowNameMatch;

extern FlowSegments flow_location_start(const FlowLocation *location);

/* May names match however deep they are? */
extern bool flow_location_is_deep(const FlowLocation *location, FlowSegments segments);
extern FlowNameMatch flow_location_match(const FlowLocation *location, FlowSegments segments, const char *name, size_t len);

/* So many names may be matched between two looks at the host: fewer if the location has many alternatives. */
extern size_t flow_location_names_a_look(const FlowLocation *location);

#endif /* FLOW_INTERNAL_H */
