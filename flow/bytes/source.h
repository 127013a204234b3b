/*-------------------------------------------------------------------------
 *
 * source.h
 *	  Sources: the bytes of an object, out of what they are compressed and
 *	  wrapped in.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_SOURCE_H
#define FLOW_SOURCE_H

#include "internal.h"

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
extern FlowStatus flow_source_open(const FlowHost *host, const FlowObject *object,
                                   const FlowAccess *access, const char *compression,
                                   const FlowUnwrap *unwrap, FlowSource **source, FlowError *error);
extern void flow_source_close(FlowSource *source);

/*
 * Reads on: up to "capacity" decompressed bytes into buffer, *len of them; 0
 * only at the end of all data, after the file was seen to be unchanged and
 * every check sum was right.  capacity must be at least FLOW_BLOCK_SIZE; a
 * file that is read as it is fills it until it ends.
 */
extern FlowStatus flow_source_read(FlowSource *source, char *buffer, size_t capacity, size_t *len,
                                   FlowError *error);

/*
 * Can it be read from anywhere?  Only then may it be sought in, before
 * anything is read, and capacity be less.
 */
extern bool flow_source_is_plain(const FlowSource *source);
extern void flow_source_seek(FlowSource *source, uint64_t offset);

/* Is it still what was listed?  For who does not read to its end. */
extern FlowStatus flow_source_unchanged(FlowSource *source, FlowError *error);

/*
 * The stored offset that was read to; of a plain file, what flow_source_read
 * has returned.
 */
extern uint64_t flow_source_bytes_read(const FlowSource *source);
extern const char *flow_source_compression(const FlowSource *source);

/*
 * The name of what was found round the records: "none", "export", "csv" or
 * "json".
 */
extern const char *flow_source_wrapper(const FlowSource *source);

/* Is there a time before each record?  So there is with every wrapper. */
static inline bool
flow_source_is_timed(const FlowSource *source)
{
	return strcmp(flow_source_wrapper(source), "none") != 0;
}

/*
 * If the wrapper has a header of its own, what comes out for one that does not
 * stand in the first line, where it becomes nothing; else NULL.
 */
extern const char *flow_source_header(const FlowSource *source);

/*
 * Messages so far that hold no events, as CloudWatch sends them to see whether
 * anybody listens.
 */
extern uint64_t flow_source_skipped(const FlowSource *source);

/* Which files have been asked for before their turn; all zero at first. */
typedef struct FlowAhead
{
	size_t next; /* index of the first that has not */
	bool cold;   /* some of the last ones were not in the page cache */
} FlowAhead;

/*
 * To be called when objects->items[index] has been opened as source: where
 * files are not in the page cache, asks the kernel to fetch those that follow,
 * which then come while this one is worked on.  Where they are, it costs
 * nothing.
 */
extern void flow_source_prefetch(const FlowSource *source, FlowAhead *ahead,
                                 const FlowObjects *objects, size_t index,
                                 const FlowAccess *access);

#define FLOW_MAGIC_SIZE 4 /* first bytes of data that tell what they are */

/*
 * A compression, or a wrapper: streams, gives back what it took, knows nothing
 * of files.  Each is in a row of compressions[] or wrappers[] in source.c.
 */
typedef struct FlowCodec
{
	const char *name;
	const char *suffix; /* of file names, for the planner's estimate: ".gz" */

	/*
	 * Do such data begin like this?  "len" is FLOW_MAGIC_SIZE, or less if
	 * there are no more.
	 */
	bool (*recognizes)(const uint8_t *data, size_t len);

	/* "unwrap" is for wrappers, and NULL for a compression. */
	FlowStatus (*create)(const FlowHost *host, const FlowUnwrap *unwrap, void **state,
	                     FlowError *error);
	void (*free)(void *state);

	/*
	 * Takes from [*in, in_end) and writes to [*out, out_end), moving both;
	 * handles at most FLOW_BLOCK_SIZE bytes of either.  "last": no input
	 * follows in_end; only then may there be none.  FLOW_OK while there may be
	 * more, FLOW_END when "last" is set and all input was used up at a point
	 * where data may end.  FLOW_CORRUPT otherwise; "offset" is the stored
	 * offset of *in, for the detail.  The message of an error is a predicate,
	 * such as "is damaged": source.c puts the file before it.
	 */
	FlowStatus (*step)(void *state, const uint8_t **in, const uint8_t *in_end, bool last,
	                   uint8_t **out, uint8_t *out_end, uint64_t offset, FlowError *error);

	uint64_t (*skipped)(const void *state); /* see flow_source_skipped; NULL: nothing is */
	const char *header;                     /* see flow_source_header */
} FlowCodec;

extern const FlowCodec flow_gzip_codec; /* gzip.c */
extern const FlowCodec flow_zstd_codec; /* zstd.c */

/*
 * Both make a line of each event: its time as it stood, or "-" if there is
 * none, a blank, and its message.  A message with a line break in it has a NUL
 * byte there, and an event without a message begins with one: so neither can
 * be taken for a record.
 */
extern const FlowCodec flow_json_codec;
extern bool flow_json_recognizes(const uint8_t *data, size_t len);
extern const FlowCodec flow_csv_codec;
extern bool flow_csv_recognizes(const uint8_t *data, size_t len);

#endif /* FLOW_SOURCE_H */
