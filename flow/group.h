/*-------------------------------------------------------------------------
 *
 * group.h
 *	  Shared by the files of the aggregates by group.
 *
 * Records are added in runs: the aggregates' arguments become vectors, the
 * keys become groups, and then each aggregate processes the run.  A record
 * whose field is bad, whose value is not known, or whose group does not fit,
 * cuts the run short before anything is changed, so all records before it are
 * added, and nothing of that record.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_GROUP_H
#define FLOW_GROUP_H

#include "expression.h"
#include "group_word.h"

typedef struct FlowGroupSlot
{
	uint32_t hash;
	uint32_t group; /* reference to it; 0: empty */
} FlowGroupSlot;

typedef struct FlowGroupChunk
{
	char *data;
	size_t size; /* chunk_size, or more for a single group that needs it */
} FlowGroupChunk;

/*
 * Processes a run: adds value i of the vector to the total at "offset" in the
 * group found for record i, or to the only total.
 */
typedef void (*FlowGroupUpdate)(const FlowVector *values, FlowFieldKey *const *found, size_t offset,
                                FlowTotal *alone, size_t count);

typedef struct FlowGroupAggregate
{
	FlowGroupUpdate update;
	FlowExpression *argument; /* NULL for FLOW_COUNT_ALL */
	FlowExpression *filter;   /* NULL: all records */
	FlowVector filtered;      /* with a filter: the values of records that pass it */
	const FlowVector *values; /* what is added */
	size_t offset;            /* of its total in a group */
} FlowGroupAggregate;

/* The keys of the entries of a column that has codes, or of what is computed of it. */
typedef struct FlowGroupEntries
{
	const FlowCodes *codes; /* of the run; NULL: its fields are read, or values computed */
	FlowFieldKey *keys;     /* by code */
	uint8_t *computed;      /* for an expression: those that are there */
	size_t size;            /* how many have room */
	uint64_t serial;        /* of the entries */
} FlowGroupEntries;

/*
 * The maximum size of a chunk of groups.  With large pages (group_memory.c)
 * those of a large table are freed at once.
 */
#define FLOW_GROUP_CHUNK (8 * 1024 * 1024)

/* Keys with codes are looked up by them if there are no more combinations. */
#define FLOW_GROUP_CODES 65536

/* ---------- packed groups ---------- */

/* Groups are many and new if there are fewer records for each. */
#define FLOW_FAST_RECORDS 4

/* Groups by no more keys than this are packed. */
#define FLOW_PACK_KEYS 4

/*
 * Where an aggregate's total is in a packed row: a sum or an extreme in 64
 * bits, and a count in 32.
 */
typedef struct FlowPackedTotal
{
	size_t value; /* offset in the row; unused for counts */
	size_t count; /* offset in the row */
	/* of FLOW_SUM: no sum in any row has a greater magnitude */
	uint64_t bound;
} FlowPackedTotal;

typedef struct FlowSpread FlowSpread;

/*
 * Groups whose keys fit into a word each (group_word.h), with totals of 64
 * bits.  They take a third of the memory of others, and so of the waits for
 * it.  Whether a group is one of these depends on the bytes of its keys alone.
 */
typedef struct FlowPacked
{
	bool off;     /* sums might not fit: no group is packed any more */
	bool trusted; /* keys are good, and in their form */
	size_t count;
	uint64_t records; /* no count in any row is greater */
	uint64_t since;   /* its value when the table grew */

	/* a hash table like that of other groups; a slot has 1 + the row's number */
	FlowGroupSlot *slots;
	unsigned bits;

	/* rows, one after the other: a word for each key, then totals */
	char **chunks;
	size_t max_chunks; /* room in chunks[] */
	size_t nchunks;
	size_t row_size;
	unsigned row_bits; /* log2 of the rows of a chunk */

	/* the memory of chunks (group_rows.c): each slab has several */
	char **slabs;
	size_t max_slabs; /* room in slabs[] */
	size_t nslabs;
	size_t slab_size;
	size_t slab_chunks;  /* in each slab */
	size_t chunk_stride; /* from one to the next */
	size_t ncut;         /* chunks that have been taken of slabs, in their order */
	char *given;         /* the last of those that were given back; NULL: none */
	size_t ngiven;
	size_t nkept; /* so many of these are not taken */

	/* partitions of rows of records, which are not yet merged (group_spread.c) */
	bool grows_fast; /* many of the last records made groups */
	bool spreading;  /* records become rows there */
	FlowSpread *spread;
	size_t nspread; /* number of rows there, at most */
	size_t settled; /* rows before this one are merged ones, and in no slot */

	FlowPackedTotal *totals; /* by aggregate */
	uint64_t *nulls;         /* by key: the word of its column's null text, or 0 */

	/* what flow_groups_next returns */
	char (*texts)[FLOW_KEY_SHORT];
	FlowTotal *shown;

	/* of the run */
	FlowReadWords read_words;
	uint64_t *words; /* FLOW_RUN of the first key, ...; 0: it does not fit */
	/* the row of each record; "aside" if its group is not packed */
	uint64_t *found[FLOW_RUN];
	uint64_t *aside;
} FlowPacked;

struct FlowGroups
{
	FlowGroupSpec spec;
	size_t count;
	size_t used; /* bytes of table and chunks */

	/*
	 * the hash table: the number of slots is a power of two; if one is taken,
	 * the next one is tried
	 */
	FlowGroupSlot *slots;
	unsigned bits;
	uint64_t seed[FLOW_KEY_SEEDS];

	/*
	 * chunks: [1, nused) hold groups, [nused, nchunks) are spare; number 0 is
	 * not used, so that no group has reference 0
	 */
	FlowGroupChunk *chunks;
	size_t max_chunks; /* room in chunks[] */
	size_t nchunks;
	size_t nused;
	size_t current;      /* where groups are added */
	size_t current_used; /* bytes of it */
	size_t chunk_size;
	unsigned unit_bits; /* log2 of the units of a chunk */

	size_t totals_offset;         /* in a group */
	size_t group_size;            /* without long keys */
	FlowExpressions *expressions; /* those of "spec", or its own */
	FlowGroupAggregate *aggregates;
	bool reads_fields; /* an aggregate has an argument or a filter */
	FlowTotal *alone;  /* the totals of the only group, if there are no keys */
	FlowSlice *slices; /* the keys that flow_groups_next returns */
	/* the keys that flow_groups_merge adds; NULL: they are read from records */
	const FlowSlice *given;
	/*
	 * groups with a key that is not written in its value's form; only if
	 * "by_value"
	 */
	size_t spelled;

	FlowPacked *packed;  /* NULL: no groups are */
	FlowFieldKey *aside; /* a group that is none, for records whose group is packed */

	/* for batches with codes */
	FlowGroupEntries *entries; /* by key */
	/*
	 * by combination of codes: the group, the row of a packed one with its
	 * lowest bit set, or NULL if it was not looked up
	 */
	void **by_codes;
	size_t combinations;  /* 0: by_codes is not in use */
	uint64_t code_serial; /* the sum of the entries' serials, to which by_codes belongs */

	/* of the run */
	size_t run;         /* records of the next one, at most */
	FlowFieldKey *keys; /* FLOW_RUN of the first key, FLOW_RUN of the second, ... */
	uint32_t hashes[FLOW_RUN];
	FlowFieldKey *found[FLOW_RUN]; /* "aside" if the record's group is packed */
	size_t nloose;                 /* records whose group is not packed */
	size_t npacked;
};

/* Returns true if an empty field of a key means NULL. */
static inline bool
flow_group_empty_is_null(const FlowGroups *groups, int k)
{
	return groups->spec.empty_is_null != NULL && groups->spec.empty_is_null[k];
}

/* Returns the form of NULL where groups are told apart by value. */
static inline FlowSlice
flow_group_null_form(const FlowColumn *column)
{
	return (FlowSlice) {column->null_text, column->null_text != NULL ? column->null_len : 0};
}

/* ---------- group_key.c ---------- */

/* Returns a key's field in record i of the run. */
extern FlowSlice flow_group_key_field(const FlowGroups *groups, const FlowRun *run, size_t i,
                                      int k);

/*
 * Finds the codes of the keys of a run, before values are computed.  An
 * expression of a single column whose codes are few is computed once for each
 * of them.
 */
extern void flow_group_find_codes(FlowGroups *groups, FlowRun *run);

/*
 * Reads the keys of a run into groups->keys, or only their codes if
 * groups->combinations is not 0.
 */
extern void flow_group_read_keys(FlowGroups *groups, FlowRun *run);

/* The same for one key. */
extern void flow_group_read_key(FlowGroups *groups, FlowRun *run, int k);

/*
 * Returns true if a key of a run stands in fields of lines as it is, or is a
 * number that has been computed; *place is that of the fields, or -1.
 */
extern bool flow_group_is_direct(const FlowGroups *groups, const FlowRun *run, int k, int *place);

/* Reads those keys of record i. */
extern void flow_group_read_direct_keys(FlowGroups *groups, FlowRun *run, size_t i);

/*
 * Return true if all fields among the keys of record i are good; cuts the run
 * short if not.  And true if a key is not written in its value's form: then
 * there may be another group of the same value.
 */
extern bool flow_group_check_keys(const FlowGroups *groups, FlowRun *run, size_t i);
extern bool flow_group_is_spelled(const FlowGroups *groups, const FlowRun *run, size_t i);

/* ---------- group.c ---------- */

/*
 * Marks the columns, by column, whose fields groups read, those that they read
 * into vectors, and those of which they need codes or fields.
 */
extern void flow_groups_mark(const FlowGroups *groups, bool *fields, bool *vectors, bool *codes);

/* ---------- group_total.c ---------- */

/*
 * Sets up the aggregates, for which memory is allocated; false if memory is
 * short.
 */
extern bool flow_group_init_aggregates(FlowGroups *groups);

/*
 * Computes the keys that are expressions and the values to be aggregated, in
 * PostgreSQL's order.
 */
extern void flow_group_read_values(FlowGroups *groups, FlowRun *run);

/* Adds them to the totals of the groups found. */
extern void flow_group_update_totals(FlowGroups *groups, const FlowRun *run);

/* Adds totals to those of a group. */
extern void flow_group_merge_totals(const FlowGroups *groups, FlowTotal *totals,
                                    const FlowTotal *added);

#define FLOW_CACHE_LINE 64

/* Returns a row of a list of chunks; and one of the groups. */
static inline uint64_t *
flow_packed_row_of(const FlowPacked *packed, char *const *chunks, size_t row)
{
	size_t number = row & (((size_t) 1 << packed->row_bits) - 1);

	return (uint64_t *) (void *) (chunks[row >> packed->row_bits] + number * packed->row_size);
}

static inline uint64_t *
flow_packed_row(const FlowPacked *packed, size_t row)
{
	return flow_packed_row_of(packed, packed->chunks, row);
}

/* Returns true if there are no rows at all. */
static inline bool
flow_packed_is_empty(const FlowPacked *packed)
{
	return packed->count == 0 && packed->nspread == 0;
}

/* Returns the number of slabs of which no chunk has been taken. */
static inline size_t
flow_packed_spare_slabs(const FlowPacked *packed)
{
	return packed->nslabs - (packed->ncut + packed->slab_chunks - 1) / packed->slab_chunks;
}

/*
 * Returns the partition of the first words, which are so far apart; it does not
 * depend on the table.
 */
static inline unsigned
flow_words_partition(const uint64_t *words, size_t stride, int nkeys, unsigned bits)
{
	uint64_t hash = 0;

	for (int k = 0; k < nkeys; k++)
		hash = flow_key_fold(hash ^ words[(size_t) k * stride] ^ UINT64_C(0xA0761D6478BD642F),
		                     UINT64_C(0xE7037ED1A0B428DB));
	return (unsigned) (hash >> (64 - bits));
}

/* Returns true if a total has a value beside its count. */
static inline bool
flow_packed_has_value(FlowAggregateKind kind)
{
	return kind == FLOW_SUM || kind == FLOW_MIN || kind == FLOW_MAX;
}

static inline uint64_t *
flow_packed_value(uint64_t *row, const FlowPackedTotal *total)
{
	return (uint64_t *) (void *) ((char *) row + total->value);
}

static inline uint32_t *
flow_packed_count(uint64_t *row, const FlowPackedTotal *total)
{
	return (uint32_t *) (void *) ((char *) row + total->count);
}

/* ---------- group_memory.c ---------- */

/*
 * Allocates memory within the bound, releasing spare chunks if necessary.
 * While there is no group, everything fits.
 */
extern FlowStatus flow_group_take_memory(FlowGroups *groups, size_t size, void **memory);

/* Releases a slab of which no chunk has been taken; false if there is none. */
extern bool flow_group_release_slab(FlowGroups *groups);

/* Makes slots empty; FLOW_OK or FLOW_INTERRUPTED. */
extern FlowStatus flow_group_empty_slots(const FlowHost *host, FlowGroupSlot *slots, size_t count);

/*
 * Doubles the slots of a hash table, of which there are 1 << *bits.  It uses
 * only the 32 bits of a hash that a slot keeps, so that no group is accessed.
 * After FLOW_LIMIT, FLOW_NO_MEMORY or FLOW_INTERRUPTED the table is as it was.
 */
extern FlowStatus flow_group_grow_slots(FlowGroups *groups, FlowGroupSlot **slots, unsigned *bits);

/* ---------- group_rows.c ---------- */

/* Sets the sizes of chunks and slabs, that of rows being set. */
extern void flow_rows_lay_out(FlowGroups *groups);

/* Makes sure that there is space for one more row. */
extern FlowStatus flow_rows_have(FlowGroups *groups);

/*
 * Takes a chunk of memory for rows, which begins with a cache line; and gives it
 * back.
 */
extern FlowStatus flow_rows_take(FlowGroups *groups, char **chunk);
extern void flow_rows_give(FlowPacked *packed, char *chunk);

/* Returns the place before a chunk that links it to the next one of a list. */
static inline char **
flow_rows_link(char *chunk)
{
	return (char **) (void *) (chunk - FLOW_CACHE_LINE);
}

/* Gives back the chunks after the last row. */
extern void flow_rows_trim(FlowPacked *packed);

/* Makes all chunks free, when there are no rows; and releases all memory. */
extern void flow_rows_clear(FlowPacked *packed);
extern void flow_rows_free(FlowGroups *groups);

/* ---------- group_packed.c ---------- */

/*
 * Prepares to pack groups, unless the spec has what is not packed; false if
 * memory is short.
 */
extern bool flow_packed_create(FlowGroups *groups);
extern void flow_packed_free(FlowGroups *groups);
extern FlowStatus flow_packed_clear(FlowGroups *groups);
extern FlowStatus flow_packed_shrink(FlowGroups *groups);

/*
 * Makes words of the keys of a run; false if none of its records fits.  Keys
 * that are not direct are read.
 */
extern bool flow_packed_read_words(FlowGroups *groups, FlowRun *run);

/* The same for record i alone, whose keys have been read. */
extern bool flow_packed_read_word(FlowGroups *groups, size_t i);

/*
 * Clears plain[i] if a key of record i, whose words are there, is not surely
 * both good and written in its value's form.
 */
extern void flow_packed_mark_plain(const FlowGroups *groups, size_t first, size_t end, bool *plain);

/* Finds or makes the group of record i, whose words are there; NULL: the run ends there. */
extern uint64_t *flow_packed_find_one(FlowGroups *groups, FlowRun *run, size_t i);

/* Returns true if the table is larger than what the processor caches. */
extern bool flow_packed_is_large(const FlowPacked *packed);

/* Prefetches what flow_packed_find_one needs for some records, whose words are there. */
extern void flow_packed_fetch(FlowGroups *groups, const uint16_t *records, size_t count);

/*
 * Finds or makes the groups of records from record "first" on whose words are
 * there.  Returns the first one whose words are not, or the run's count.
 */
extern size_t flow_packed_find(FlowGroups *groups, FlowRun *run, size_t first);

/*
 * Finds the groups of rows, at most FLOW_RUN; a row whose group is not there
 * becomes one.  Returns how many were processed, all if *status is FLOW_OK.  Of
 * these, rows[] keeps those whose groups were found, *nfound in number, which
 * are in packed->found.
 */
extern size_t flow_packed_place_rows(FlowGroups *groups, uint64_t **rows, size_t count,
                                     size_t *nfound, FlowStatus *status);

/* ---------- group_packed_total.c ---------- */

/*
 * Return true if totals have room for what is added: a run's values, or
 * totals.  It is noted even if not.
 */
extern bool flow_packed_has_room(FlowGroups *groups, const FlowRun *run);
extern bool flow_packed_has_room_for(FlowGroups *groups, const FlowTotal *added);

/* Returns true if a sum has room for that many numbers, which is noted. */
extern bool flow_packed_raise(FlowGroups *groups, int a, const int64_t *numbers, size_t count);

/* In an empty table, no total is above 0. */
extern void flow_packed_forget_bounds(FlowGroups *groups);

/* Adds the run's values to the totals of the rows found. */
extern void flow_packed_update(FlowGroups *groups, const FlowRun *run);

/* Adds totals to those of a row. */
extern void flow_packed_merge(const FlowGroups *groups, uint64_t *row, const FlowTotal *added);

/* Returns the group of a row. */
extern void flow_packed_show(const FlowGroups *groups, uint64_t *row, FlowGroup *group);

/* The same for one of its totals. */
extern void flow_packed_show_total(const FlowGroups *groups, uint64_t *row, int a,
                                   FlowTotal *total);

/* ---------- group_merge.c ---------- */

/*
 * Merges some rows into the table, where sums have room for them, and sets
 * *done to their number; FLOW_LIMIT: there is no room for the next one.
 */
extern FlowStatus flow_packed_merge_rows(FlowGroups *groups, uint64_t *const *rows, size_t count,
                                         size_t *done);

/* ---------- group_spread.c ---------- */

/* The logarithm of the number of partitions: 32. */
#define FLOW_SPREAD_BITS 5

/* Returns true if records should be spread to partitions from now on. */
extern bool flow_spread_is_due(FlowGroups *groups);

/* Begins with that.  After FLOW_LIMIT all is as it was. */
extern FlowStatus flow_spread_begin(FlowGroups *groups);

/* Does what flow_packed_find does, while records are spread. */
extern size_t flow_spread_find(FlowGroups *groups, FlowRun *run, size_t first);

/*
 * Merges all rows, so that each group is one again.  After FLOW_INTERRUPTED or
 * FLOW_NO_MEMORY the groups can only be freed.
 */
extern FlowStatus flow_spread_settle(FlowGroups *groups);

/*
 * Returns where partitions of rows begin, the last one being followed by the
 * rows' end; NULL if not all rows have been merged.
 */
extern const size_t *flow_spread_partitions(const FlowGroups *groups);

/*
 * The same, when there is no room for a record.  FLOW_LIMIT: that has not made
 * enough room, or records are not spread.
 */
extern FlowStatus flow_spread_make_room(FlowGroups *groups);

/* Returns true if records have been spread that made as many groups as expected. */
extern bool flow_spread_is_worth_it(const FlowGroups *groups);
extern void flow_spread_free(FlowGroups *groups);

/* ---------- group_table.c ---------- */

/*
 * Sets the sizes and makes an empty table, for at least one key; false if
 * memory is short.
 */
extern bool flow_group_create_table(FlowGroups *groups);
extern void flow_group_free_table(FlowGroups *groups);
extern FlowStatus flow_group_clear_table(FlowGroups *groups);
extern void flow_group_shrink_table(FlowGroups *groups);

/* Finds or makes the group of each record of the run, whose keys have been read. */
extern void flow_group_find_all(FlowGroups *groups, FlowRun *run);

/* The same for record i alone; NULL: the run ends there. */
extern FlowFieldKey *flow_group_find_one(FlowGroups *groups, FlowRun *run, size_t i);

/*
 * Returns the next group at or after slot *position, and moves *position past
 * it.
 */
extern FlowStatus flow_group_show(const FlowGroups *groups, size_t *position, FlowGroup *group);

/* ---------- group_find.c ---------- */

/* Finds or makes the group of each record of the run. */
extern void flow_group_find(FlowGroups *groups, FlowRun *run);

#endif /* FLOW_GROUP_H */
