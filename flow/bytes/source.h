/*-------------------------------------------------------------------------
 *
 * source.h
 *	  Sources: the bytes of an object, without its compression and without the
 *	  wrapper around its records.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_SOURCE_H
#define FLOW_SOURCE_H

#include "header.h"

typedef struct FlowSource FlowSource;

/*
 * What the members of a record in JSON are that has one for each field.  A
 * field has a number, its id, from 0.
 */
typedef enum FlowKeyKind
{
	FLOW_KEY_SPECIFIC,    /* few other JSON has such a member */
	FLOW_KEY_GENERIC,     /* a word such as "type" */
	FLOW_KEY_SOURCE,      /* the source's address */
	FLOW_KEY_DESTINATION, /* the destination's address */
	FLOW_KEY_OWN          /* no known field: a column of the table has this name */
} FlowKeyKind;

typedef struct FlowKey
{
	const char *name; /* of the field, for messages */
	FlowKeyKind kind;
	bool wanted; /* it is in the lines */
} FlowKey;

#define FLOW_KEY_NONE -1
#define FLOW_KEY_TIME -2    /* the time of the event */
#define FLOW_KEY_IGNORED -3 /* an alias of a field that has another member */

/* A field of the lines that are made of such records. */
typedef struct FlowKeyField
{
	int id;         /* of the record's field, or FLOW_KEY_TIME */
	FlowSlice null; /* stands for no value */
} FlowKeyField;

typedef struct FlowKeys
{
	const FlowKey *keys; /* by id */
	int nkeys;
	const FlowKeyField *fields;
	int nfields;

	/*
	 * Returns the id of a member's name, or FLOW_KEY_NONE.  *is_alias is set
	 * if the field has another name of its own, which is preferred.
	 */
	int (*find)(const struct FlowKeys *keys, FlowSlice name, bool *is_alias);
} FlowKeys;

/* Which members were in such records, up to now. */
typedef struct FlowKeysSeen
{
	bool *keys; /* by id */
	bool time;
	bool others; /* some that no field and no column has, also in an object */
} FlowKeysSeen;

/* How records are extracted from their wrapper. */
typedef struct FlowUnwrap
{
	size_t max_line_length; /* the end of a longer line may be missing */
	/* the beginning of the data, as FlowCodec.recognizes has seen it */
	const uint8_t *begin;
	size_t begin_len;
	const FlowKeys *keys; /* NULL: records with a member for each field are none */
} FlowUnwrap;

/*
 * Opens an object and detects its compression and, unless "unwrap" is NULL,
 * its wrapper.  Its records then become lines with a time before each.
 * "compression" is "auto" or a name.  Returns FLOW_CHANGED if the object is
 * not the one that was listed.  The object must outlive the source.
 */
extern FlowStatus flow_source_open(const FlowHost *host, const FlowObject *object,
                                   const FlowAccess *access, const char *compression,
                                   const FlowUnwrap *unwrap, FlowSource **source, FlowError *error);
extern void flow_source_close(FlowSource *source);

/*
 * As flow_source_open, but sets *source also where the object was opened and
 * its contents cannot be read, because of their format or because they are
 * damaged: FLOW_UNSUPPORTED, FLOW_CORRUPT or FLOW_LIMIT.  Such a source can
 * only be asked what it is and closed.  Otherwise *source is NULL after an
 * error.
 */
extern FlowStatus flow_source_examine(const FlowHost *host, const FlowObject *object,
                                      const FlowAccess *access, const char *compression,
                                      const FlowUnwrap *unwrap, FlowSource **source,
                                      FlowError *error);

/*
 * Reads the next *len decompressed bytes, at most "capacity", into the buffer.
 * *len is 0 only at the end of all data, after the file was checked to be
 * unchanged and every check sum was correct.  "capacity" must be at least
 * FLOW_BLOCK_SIZE.  A file that is not compressed fills the buffer until the
 * file ends.
 */
extern FlowStatus flow_source_read(FlowSource *source, char *buffer, size_t capacity, size_t *len,
                                   FlowError *error);

/*
 * Returns true if the source can be read from any offset.  Only then may the
 * caller seek in it, before anything is read, and pass a smaller capacity.
 */
extern bool flow_source_is_plain(const FlowSource *source);
extern void flow_source_seek(FlowSource *source, uint64_t offset);

/*
 * Returns true for a Parquet file, which has no lines: it is read by
 * flow_source_read_range instead of flow_source_read.
 */
extern bool flow_source_is_parquet(const FlowSource *source);

/* Reads exactly "len" stored bytes at an offset; they are inside the object. */
extern FlowStatus flow_source_read_range(FlowSource *source, uint64_t offset, void *buffer,
                                         size_t len, FlowError *error);

/* Returns the number of bytes at the object's end that are best read at once. */
extern size_t flow_source_tail_size(const FlowSource *source);

/*
 * Returns true if ranges are read faster when they were announced by
 * flow_source_plan; see FlowStorage's plan.
 */
extern bool flow_source_has_plan(const FlowSource *source);
extern FlowStatus flow_source_plan(FlowSource *source, const FlowRange *ranges, size_t count,
                                   FlowError *error);

/*
 * Returns the number of stored bytes that were read, or requested, of an
 * object that is read by ranges.
 */
extern uint64_t flow_source_bytes_fetched(const FlowSource *source);

/*
 * Checks that the object is still the one that was listed.  For callers that
 * do not read to its end.
 */
extern FlowStatus flow_source_unchanged(FlowSource *source, FlowError *error);

/*
 * Returns the stored offset up to which the source was read.  For a plain file
 * that is the number of bytes that flow_source_read has returned.
 */
extern uint64_t flow_source_bytes_read(const FlowSource *source);

/*
 * Returns the name of the outermost compression, also of one that is not read;
 * NULL if it is not known.
 */
extern const char *flow_source_compression(const FlowSource *source);

/*
 * Returns the name of the wrapper that was detected: "none", "printed", "export",
 * "csv" or "json"; or "parquet".  If the source cannot be read, the name of what is in its
 * outermost compression, such as "parquet", or NULL if that is not known.
 */
extern const char *flow_source_wrapper(const FlowSource *source);

/* Returns what the wrapper makes of a record. */
extern FlowFraming flow_source_framing(const FlowSource *source);

/*
 * Returns true if the wrapper makes the lines, with marks in them: see
 * flow_json_codec.
 */
extern bool flow_source_has_marks(const FlowSource *source);

/*
 * Returns the line that a repeated header of the wrapper becomes, or NULL if
 * the wrapper has no header.  A header in the first line is dropped.
 */
extern const char *flow_source_header(const FlowSource *source);

/*
 * Returns a sentence about a line of the wrapper that begins with a NUL byte:
 * why it is no event.
 */
extern const char *flow_source_not_event(const FlowSource *source);

/*
 * Returns which members were in records, so far, that have one for each field;
 * NULL if there was no such record.
 */
extern const FlowKeysSeen *flow_source_keys(const FlowSource *source);

/*
 * Returns the number of messages read so far that hold no events.  CloudWatch
 * sends them to test whether the destination is reachable.
 */
extern uint64_t flow_source_skipped(const FlowSource *source);

/* Which files have been prefetched.  All zero at first. */
typedef struct FlowAhead
{
	size_t next; /* index of the first file that was not prefetched */
	bool cold;   /* true if some of the last files were not in the page cache */
} FlowAhead;

/*
 * To be called after objects->items[index] has been opened as "source".  Where
 * files are not in the page cache, asks the kernel to fetch the following
 * ones, so that they arrive while this one is read.  Costs nothing where they
 * are.
 */
extern void flow_source_prefetch(const FlowSource *source, FlowAhead *ahead,
                                 const FlowObjects *objects, size_t index,
                                 const FlowAccess *access);

#define FLOW_MAGIC_SIZE 4 /* number of bytes at the beginning of data that identify their format */

/*
 * A compression or a wrapper.  It works on a stream and knows nothing about
 * files.  Each is in a row of compressions[] or wrappers[] in source.c.
 */
typedef struct FlowCodec
{
	const char *name;
	const char *suffix; /* of file names, for the planner's estimate: ".gz" */

	/*
	 * Returns true if data in this format begin like this.  "len" is at least
	 * FLOW_MAGIC_SIZE, unless there are no more data.
	 */
	bool (*recognizes)(const uint8_t *data, size_t len);

	/*
	 * Creates the state.  "unwrap" is for wrappers, and NULL for a
	 * compression.
	 */
	FlowStatus (*create)(const FlowHost *host, const FlowUnwrap *unwrap, void **state,
	                     FlowError *error);
	void (*free)(void *state);
	/* makes the state as new, for other data; NULL: it cannot be used again */
	void (*reset)(void *state);

	/*
	 * Reads from [*in, in_end) and writes to [*out, out_end), advancing both,
	 * by at most FLOW_BLOCK_SIZE bytes each.  "last" is set if no input
	 * follows in_end, and only then may the input be empty.  Returns FLOW_OK
	 * while there may be more output, FLOW_END if "last" is set and all input
	 * was used up at a point where the data may end, and otherwise an error
	 * such as FLOW_CORRUPT.  "offset" is the stored offset of *in, for the
	 * error's detail.  An error's message is a predicate, such as "is
	 * damaged".  source.c puts the file's name before it.
	 */
	FlowStatus (*step)(void *state, const uint8_t **in, const uint8_t *in_end, bool last,
	                   uint8_t **out, uint8_t *out_end, uint64_t offset, FlowError *error);

	/* see flow_source_skipped; NULL if nothing is skipped */
	uint64_t (*skipped)(const void *state);
	/* what the lines are, of a wrapper; NULL: FLOW_TIMED */
	FlowFraming (*framing)(const void *state);
	/* see flow_source_header; NULL: there is none */
	const char *(*header)(const void *state);
	/* see flow_source_not_event; NULL: "The event has no message." */
	const char *not_event;
	/* see flow_source_keys; NULL: there are none */
	const FlowKeysSeen *(*keys)(const void *state);
} FlowCodec;

/* A compression or a format that is not read. */
typedef struct FlowUnread
{
	const char *name;    /* "bzip2" */
	const char *what;    /* "bzip2 data", for the message */
	const char *hint;    /* a sentence: how to convert it */
	bool is_compression; /* it compresses other data */
} FlowUnread;

/*
 * Returns the compression or format that is not read and whose data begin like
 * this, or NULL.  Up to 512 bytes are looked at.  In unread.c.
 */
extern const FlowUnread *flow_unread_find(const uint8_t *data, size_t len);

extern const FlowCodec flow_gzip_codec;  /* gzip.c */
extern const FlowCodec flow_zstd_codec;  /* zstd.c */
extern const FlowCodec flow_bzip2_codec; /* bzip2.c */
extern const FlowCodec flow_xz_codec;    /* xz.c */

/* Returns the check sum of RFC 1952, section 8.  In gzip.c. */
extern uint32_t flow_gzip_check_sum(const void *data, size_t len);

/*
 * They make a line of each event: its time as written, or "-" if there is
 * none, a blank, and its message.  A line break within a message becomes a NUL
 * byte, and the line of an event without a message, or of a row of CSV that
 * is damaged, begins with one, so that none can be mistaken for a record.  CSV
 * may have the fields themselves, see FLOW_CSV.
 *
 * The line of a record of JSON with a member for each field has the JSON of
 * the event, as far as it is shown, and then a tab and a value for each of
 * FlowKeys' fields.  FLOW_KEYS_MARK stands in a line of its own before such
 * lines, FLOW_MESSAGES_MARK before others that follow them.  Neither is an
 * event's.
 */
#define FLOW_KEYS_MARK "\0="
#define FLOW_MESSAGES_MARK "\0-"
#define FLOW_MARK_LENGTH 2

/* After the NUL byte of such a record that is none: why. */
#define FLOW_NESTED_VALUE '\1' /* a value is an object or an array */
#define FLOW_BROKEN_VALUE '\2' /* a value has a tab, a line break or a NUL byte */

#define FLOW_CUT_VALUE '\3' /* there was no room for a value */

/* Stands for no value if no text does. */
#define FLOW_NO_VALUE "\1"
extern const FlowCodec flow_json_codec;
extern bool flow_json_recognizes(const uint8_t *data, size_t len);
extern const FlowCodec flow_csv_codec;
extern bool flow_csv_recognizes(const uint8_t *data, size_t len);
extern const FlowCodec flow_printed_codec;
extern bool flow_printed_recognizes(const uint8_t *data, size_t len);

/*
 * Returns true for a time as it stands before a record, with no blank in it:
 * ISO 8601, or milliseconds since 1970.  In printed.c.
 */
extern bool flow_printed_is_time(FlowSlice word);

#endif /* FLOW_SOURCE_H */
