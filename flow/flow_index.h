/*-------------------------------------------------------------------------
 *
 * flow_index.h
 *	  An index of files by the values in them: its keys, its blocks, and which
 *	  files a filter needs.
 *
 * An index only ever says that a file need not be read.  It consists of
 * entries: a value, the columns in which it stood, and the files.  Values are
 * written as keys, which order as bytes do.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_API_INDEX_H
#define FLOW_API_INDEX_H

#include "flow_filter.h"
#include "flow_object.h"

/* ---------- keys ---------- */

/* The first byte of a key. */
typedef enum FlowIndexKind
{
	FLOW_INDEX_NULL = 0x00,   /* no value; nothing follows */
	FLOW_INDEX_OTHER = 0x01,  /* a value without a key, such as a network; nothing follows */
	FLOW_INDEX_IPV4 = 0x04,   /* an address; 4 bytes follow */
	FLOW_INDEX_IPV6 = 0x06,   /* an address; 16 bytes follow */
	FLOW_INDEX_TEXT = 0x10,   /* a text's bytes follow, as far as there is room */
	FLOW_INDEX_INTEGER = 0x20 /* 8 bytes follow, the highest first, with the sign inverted */
} FlowIndexKind;

#define FLOW_INDEX_KEY_SIZE 64 /* maximum bytes of a key; longer texts are cut */

/* Equal values have equal keys; different values may, if they are long or have no key. */
typedef struct FlowIndexKey
{
	uint8_t len;
	unsigned char bytes[FLOW_INDEX_KEY_SIZE];
} FlowIndexKey;

/* in index_key.c */

/*
 * Returns true if a column can be indexed: it is filled from the record, and
 * is an address, a text, an integer or a boolean.
 */
extern bool flow_index_takes(const FlowColumn *column);

/* Sets the key of a value of the column, or of NULL if value is NULL. */
extern void flow_index_key(const FlowColumn *column, const FlowValue *value, FlowIndexKey *key);

/*
 * Sets the key of a text that is an address in the form that flow_value_write
 * gives it, without a prefix length; returns false for any other text.
 */
extern bool flow_index_key_of_address(FlowSlice text, FlowIndexKey *key);

/* Returns less than, equal to or greater than 0. */
extern int flow_index_key_compare(const FlowIndexKey *a, const FlowIndexKey *b);

/* Returns true if keys are equal. */
static inline bool
flow_index_key_is(const FlowIndexKey *a, const FlowIndexKey *b)
{
	/* keys come in order, and most of those that follow each other differ in their first bytes */
	if (a->len != b->len || memcmp(a->bytes, b->bytes, 1) != 0)
		return false;
	if (a->len >= 5 && memcmp(a->bytes + 1, b->bytes + 1, 4) != 0)
		return false;
	return memcmp(a->bytes, b->bytes, a->len) == 0;
}

/* ---------- entries and blocks ---------- */

/*
 * A value with files in which it stands, in exactly the columns of the mask: a
 * bit for each column of the index, from 1 << 0.  Other entries of the same
 * value have other masks, or other files.
 */
typedef struct FlowIndexEntry
{
	FlowIndexKey key;
	uint32_t mask;
	const uint32_t *files; /* numbers, each greater than the one before */
	size_t nfiles;         /* at least 1 */
} FlowIndexEntry;

/* maximum bytes of a block, so that four rows of blocks fit on a page */
#define FLOW_INDEX_BLOCK_SIZE 1900

/* What a block's entries so far say of the next: see index_block.c. */
typedef struct FlowIndexModel
{
	uint32_t masks[3];
	uint32_t address_bits; /* of differences of addresses */
	uint32_t file_bits;
} FlowIndexModel;

/*
 * Writes entries, in order of their keys, into blocks.  Other members than
 * first, len and bytes are index_block.c's own.
 */
typedef struct FlowIndexWriter
{
	uint32_t base; /* files are numbered from it */
	FlowIndexKey first, last;
	FlowIndexModel model;
	size_t entries;
	size_t bit;                                      /* where the next one begins */
	size_t len;                                      /* 0: the block has no entries */
	unsigned char bytes[FLOW_INDEX_BLOCK_SIZE + 16]; /* with room beyond its end */
} FlowIndexWriter;

/* in index_block.c */

/* Begins a block; no file's number is less than "base". */
extern void flow_index_write_begin(FlowIndexWriter *writer, uint32_t base);

/*
 * Adds an entry, from its file number *done on (an index into its files), and
 * advances *done past those that fit.  If that is not all of them, the block is
 * full: it is to be taken (first, len, bytes) and begun anew.
 */
extern void flow_index_write(FlowIndexWriter *writer, const FlowIndexEntry *entry, size_t *done);

/* Reads a block.  Its members are index_block.c's own. */
typedef struct FlowIndexCursor
{
	const unsigned char *block;
	size_t len;
	size_t bit;     /* where the next entry begins */
	size_t entries; /* that are left */
	uint32_t base;
	FlowIndexKey last; /* its len is 0 before the first entry */
	FlowIndexModel model;
	uint32_t *files; /* room for those of an entry */
} FlowIndexCursor;

/* An entry of a block has no more files than this. */
#define FLOW_INDEX_ENTRY_FILES (8 * FLOW_INDEX_BLOCK_SIZE)

/*
 * Begins to read a block.  "files" has room for FLOW_INDEX_ENTRY_FILES, and the
 * entries' files are there.
 */
extern void flow_index_read_begin(FlowIndexCursor *cursor, const void *block, size_t len,
                                  uint32_t base, uint32_t *files);

/*
 * Reads the next entry: FLOW_OK; FLOW_END; FLOW_CORRUPT if the bytes are not
 * those of a block.
 */
extern FlowStatus flow_index_read(FlowIndexCursor *cursor, FlowIndexEntry *entry);

/* ---------- gathering ---------- */

/* Values and files that become entries. */
typedef struct FlowIndexBatch FlowIndexBatch;

/* in index_batch.c */

/* Makes an empty batch, which takes about "memory" bytes at most. */
extern FlowStatus flow_index_batch_create(const FlowHost *host, size_t memory,
                                          FlowIndexBatch **batch, FlowError *error);
extern void flow_index_batch_free(FlowIndexBatch *batch);
extern void flow_index_batch_clear(FlowIndexBatch *batch);

/* A batch has files of so many numbers, from its first one's on. */
#define FLOW_INDEX_BATCH_FILES 65536

/*
 * Adds a value that stands in a file, in the columns of a mask, which is not 0.
 * Files come one after the other, with growing numbers; the masks of a value
 * that comes again for the same file are put together.  FLOW_OK, FLOW_LIMIT,
 * FLOW_NO_MEMORY or FLOW_INTERRUPTED.
 */
extern FlowStatus flow_index_batch_add(FlowIndexBatch *batch, const FlowIndexKey *key,
                                       uint32_t mask, uint32_t file);

/* The same for an IPv4 address, as a number. */
extern FlowStatus flow_index_batch_add_ipv4(FlowIndexBatch *batch, uint32_t address, uint32_t mask,
                                            uint32_t file);

/*
 * Removes what was added for the last file, of that number, which could not be
 * read to its end or did not fit.
 */
extern void flow_index_batch_forget(FlowIndexBatch *batch, uint32_t file);

/*
 * Sorts the values: FLOW_OK, FLOW_NO_MEMORY or FLOW_INTERRUPTED.  Nothing can be
 * added after that until the batch is cleared.
 */
extern FlowStatus flow_index_batch_sort(FlowIndexBatch *batch);

/*
 * Returns the entries of a sorted batch in order of their keys, and then masks.
 * *position begins at 0.  An entry is valid until the next call.  FLOW_OK,
 * FLOW_END, FLOW_NO_MEMORY or FLOW_INTERRUPTED.
 */
extern FlowStatus flow_index_batch_next(FlowIndexBatch *batch, size_t *position,
                                        FlowIndexEntry *entry);

/* ---------- the values of a file ---------- */

/* The distinct values of some columns, which the reader collects (flow_reader_index). */
typedef struct FlowIndexValues FlowIndexValues;

typedef struct FlowIndexValuesSpec
{
	const FlowHost *host;
	const FlowColumn *columns; /* they must outlive the values */
	const int *indexed;        /* numbers of columns that flow_index_takes, at most 32 */
	int nindexed;
	size_t memory; /* approximate limit, in bytes */
} FlowIndexValuesSpec;

/* in index_values.c */

extern FlowStatus flow_index_values_create(const FlowIndexValuesSpec *spec,
                                           FlowIndexValues **values, FlowError *error);
extern void flow_index_values_free(FlowIndexValues *values);
extern void flow_index_values_clear(FlowIndexValues *values);

/*
 * Adds the values to a batch; a mask has a bit for each column, in the order of
 * "indexed".  If these are all values of the file, which "whole" says, columns
 * of texts whose values are all addresses in canonical form, or NULL, get keys
 * of addresses, and are in *address_columns.  FLOW_OK or a status of
 * flow_index_batch_add; the values stay.
 */
extern FlowStatus flow_index_values_give(const FlowIndexValues *values, bool whole,
                                         FlowIndexBatch *batch, uint32_t file,
                                         uint32_t *address_columns);

/* ---------- the totals of a file ---------- */

/* The extremes of two times, and the records by two texts, which the reader adds up. */
typedef struct FlowIndexTotals FlowIndexTotals;

typedef struct FlowIndexTotalsSpec
{
	const FlowHost *host;
	const FlowColumn *columns; /* they must outlive the totals */
	int times[2];              /* columns of times, days or integers; -1: there is none */
	int texts[2];              /* columns of type FLOW_TEXT, or -1 */
} FlowIndexTotalsSpec;

/* The values of a column of times, as FlowValue's integer. */
typedef struct FlowIndexExtremes
{
	bool any;  /* there are some */
	bool null; /* some record has none */
	int64_t least, greatest;
} FlowIndexExtremes;

/* maximum number of groups, and maximum bytes of each of their texts */
#define FLOW_INDEX_GROUPS 64
#define FLOW_INDEX_GROUP_TEXT 64

/* Records with the same texts; data is NULL for SQL's NULL, and where there is no column. */
typedef struct FlowIndexGroup
{
	FlowSlice texts[2];
	uint64_t count;
} FlowIndexGroup;

/* in index_totals.c */

extern FlowStatus flow_index_totals_create(const FlowIndexTotalsSpec *spec,
                                           FlowIndexTotals **totals, FlowError *error);
extern void flow_index_totals_free(FlowIndexTotals *totals);
extern void flow_index_totals_clear(FlowIndexTotals *totals);

/* Returns the extremes of a column of times, 0 or 1. */
extern FlowIndexExtremes flow_index_totals_times(const FlowIndexTotals *totals, int k);

/*
 * Sets the groups, whose texts are valid until the totals change, and returns
 * their number; -1: there are too many, or a text is too long.
 */
extern int flow_index_totals_groups(const FlowIndexTotals *totals,
                                    FlowIndexGroup groups[FLOW_INDEX_GROUPS]);

/* ---------- filters ---------- */

/* Keys from one to another, both included. */
typedef struct FlowIndexRange
{
	FlowIndexKey from, to;
} FlowIndexRange;

/*
 * in index_range.c: sets ranges[], which has room for "count", to the keys of
 * the addresses in some networks, in order and without overlaps.  FLOW_OK,
 * FLOW_NO_MEMORY or FLOW_INTERRUPTED.
 */
extern FlowStatus flow_index_network_ranges(const FlowHost *host, const FlowAddress *networks,
                                            size_t count, FlowIndexRange *ranges, size_t *nranges);

/*
 * Which forms of a text column's values a condition knows.  In a file in which
 * all of them are addresses, their keys are addresses; in all others, texts.
 */
typedef enum FlowIndexForm
{
	FLOW_INDEX_ANY_FORM,
	FLOW_INDEX_AS_TEXT,   /* files whose keys are addresses may have any value */
	FLOW_INDEX_AS_ADDRESS /* files whose keys are texts may have any value */
} FlowIndexForm;

/* What knows in which files values are.  Files are numbered from 0. */
typedef struct FlowIndexSearch
{
	void *arg;
	size_t files;
	const bool *indexed; /* by column of the filter */

	/*
	 * Sets the bits of all files that may have a record whose column has a key
	 * in one of the ranges, which are in order and do not overlap.  The bits
	 * are 0 before.  Of many ranges it is called for some thousand at a time,
	 * also in their order.  Without ranges, only files of the other form may
	 * have one.
	 */
	FlowStatus (*find)(void *arg, int column, FlowIndexForm form, const FlowIndexRange *ranges,
	                   size_t count, uint64_t *bits, FlowError *error);
} FlowIndexSearch;

/* in filter_index.c */

/*
 * Sets the bits of the files in which a record may pass; (files + 63) / 64
 * words, those beyond the files are 0.  A file whose bit is 0 has none.
 */
extern FlowStatus flow_filter_find_files(const FlowFilter *filter, const FlowIndexSearch *search,
                                         uint64_t *bits, FlowError *error);

#endif /* FLOW_API_INDEX_H */
