/*-------------------------------------------------------------------------
 *
 * s3_file.h
 *	  Objects that are being read, or will be, as the files share them that
 *	  request their bytes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_S3_FILE_H
#define FLOW_S3_FILE_H

#include "s3_store.h"

/*
 * Size of a piece of a large object, and maximum size of all pieces.  With 30
 * ms until the first byte and 80 MB/s after it, a connection is busy half of
 * the time, and eight of them deliver more than one process inflates.
 * FLOW_S3_BUFFERED leaves almost half of the memory that a process may use (32
 * MiB) for lists and the reader.  What libcurl, TLS and an attempt need is not
 * in there: these are 128 KiB for each connection.
 */
#define FLOW_S3_PIECE (2 * 1024 * 1024)
#define FLOW_S3_BUFFERED (17 * 1024 * 1024)

/*
 * An object of up to this size is fetched by one request and kept until it is
 * closed.  Its beginning, its end and its middle would take two round trips of
 * 30 ms or more; this many bytes take 13 ms.  As many as there are connections
 * fit into FLOW_S3_BUFFERED.
 */
#define FLOW_S3_SMALL (1024 * 1024)

/* The bytes at the end of a larger Parquet file that are requested first. */
#define FLOW_S3_TAIL (64 * 1024)

/* Bytes that are requested, in a buffer of their own. */
typedef struct FlowS3Piece
{
	struct FlowS3Piece *next;
	uint64_t from;
	size_t size;
	size_t have;   /* bytes received */
	size_t taken;  /* bytes read by the caller, if they are read in order */
	uint64_t used; /* FlowS3File.uses when it was read last */
	char *data;
	FlowS3Request request;
} FlowS3Piece;

/* Bytes that will be requested. */
typedef struct FlowS3Span
{
	uint64_t from, to;
} FlowS3Span;

/* A range that was announced: see FlowRange. */
typedef struct FlowS3Range
{
	uint64_t from, to;
	uint64_t at; /* offset up to which it was read */
	uint32_t step;
	bool shared;
} FlowS3Range;

/* An object that is being read, or will be. */
struct FlowS3File
{
	FlowS3 *s3;
	const FlowObject *object;
	FlowS3File *next;
	bool opened;
	bool glance;               /* only a little of it is wanted */
	uint64_t requested;        /* bytes of all pieces that were begun */
	FlowS3Piece *first, *last; /* in the order in which they were begun */

	/* read in order */
	uint64_t position; /* offset up to which it was read */
	uint64_t begun;    /* offset up to which pieces were begun */
	uint64_t end;      /* offset up to which bytes are wanted */

	/* read by ranges */
	bool ranged;
	bool guessed;        /* not yet, but its name says so: "spans" are its ends */
	bool planned;        /* ranges were announced */
	FlowS3Range *ranges; /* those that were announced, sorted by step and offset */
	size_t nranges;
	FlowS3Span *spans; /* to be requested, in this order; or "ends" */
	size_t nspans, next_span;
	FlowS3Span ends[2];
	uint64_t uses; /* how often pieces were read */
};

/* ---------- s3_piece.c ---------- */

/*
 * Requests bytes of a file, which must not be more than FLOW_S3_BUFFERED.
 * *piece may be NULL.
 */
extern FlowStatus flow_s3_begin_piece(FlowS3File *file, uint64_t from, size_t size,
                                      FlowS3Piece **piece, FlowError *error);
extern void flow_s3_drop_piece(FlowS3File *file, FlowS3Piece *piece);

/*
 * Begins pieces, in the order in which files are read, while there is room for
 * them and a connection is free.  Begins one even without room if nothing is
 * buffered.
 */
extern FlowStatus flow_s3_begin_pieces(FlowS3 *s3, FlowError *error);

/* Returns the number of bytes that are buffered for a file, or will be. */
extern uint64_t flow_s3_wanted(const FlowS3File *file);

/* Returns the piece with the byte at an offset, or NULL. */
extern FlowS3Piece *flow_s3_find_piece(const FlowS3File *file, uint64_t offset);

/*
 * Reduces a span to the first part of it that is in no piece; false if there
 * is none.
 */
extern bool flow_s3_trim(const FlowS3File *file, FlowS3Span *span);

/* Returns the first byte of a range that may still be read. */
extern uint64_t flow_s3_range_start(const FlowS3Range *range);

/* Returns true if some of the bytes are in an announced range and may be read. */
extern bool flow_s3_needs(const FlowS3File *file, uint64_t from, uint64_t to);

/* Returns true if the whole object is one piece. */
extern bool flow_s3_is_whole(const FlowS3File *file, const FlowS3Piece *piece);

/* ---------- s3_range.c ---------- */

/* FlowStorage's read_range and plan. */
extern FlowStatus flow_s3_read_range(void *file, uint64_t offset, void *buffer, size_t len,
                                     FlowError *error);
extern FlowStatus flow_s3_plan(void *file, const FlowRange *ranges, size_t count, FlowError *error);

#endif /* FLOW_S3_FILE_H */
