/*-------------------------------------------------------------------------
 *
 * filter.h
 *	  Shared by the files of the filter.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_FILTER_H
#define FLOW_FILTER_H

#include "index_range.h"
#include "lines.h"
#include "sort.h"

typedef FlowTruth (*FlowTest)(const FlowPredicate *predicate, const FlowSlice *fields,
                              FlowBadField *bad);

/*
 * Evaluates one predicate for many records at once, as flow_selector_apply
 * does.  "fields" has room for the fields of a record, by column.
 */
typedef size_t (*FlowSelect)(const FlowPredicate *predicate, const FlowBatch *batch,
                             FlowSlice *fields, uint32_t *rows, size_t count);

/*
 * The same by the values of the only column that it tests, which are there as
 * numbers: see flow_vector_numbers.
 */
typedef size_t (*FlowSelectNumbers)(const FlowPredicate *predicate, const int64_t *numbers,
                                    const uint8_t *present, uint32_t *rows, size_t count);

/* "column OP ANY (constants)", or ALL; of a single constant it is both. */
typedef struct FlowComparison
{
	FlowView view;
	FlowOp op;
	bool all;
	bool has_null;              /* the set also holds a NULL */
	const FlowValue *constants; /* at least one */
	size_t count;
} FlowComparison;

/*
 * A node of the filter.  Each file has nodes of its own, which begin with
 * this.  A test writes nothing to its node, so several readers may share one
 * filter.
 */
struct FlowPredicate
{
	FlowTest test;
	FlowSelect select;                /* leaves may have a faster one for batches; else NULL */
	FlowSelectNumbers select_numbers; /* NULL: values are no use to it */
	const FlowFilter *filter;
	int cost;   /* relative to others; only the order counts */
	int column; /* leaves: what is tested, else -1 */
	/* leaves without such a column: what their expression reads; else NULL */
	const int *columns;
	int ncolumns;
	/*
	 * its test may fail with an error that is not the record's, so it stays
	 * after those before it
	 */
	bool may_fail;
	bool by_vectors; /* "select" reads "columns" into vectors, and no fields */
	size_t weight;   /* nodes, this one and those below it */

	/* leaves: their comparison; NULL: cannot be combined */
	const FlowComparison *comparison;

	/*
	 * leaves: the possible results for values in an interval, as bits for
	 * "does not match" and "matches"; NULL: both
	 */
	unsigned (*outcomes)(const FlowPredicate *predicate, int64_t low, int64_t high);
	FlowTruth verdict[2]; /* leaves: the truth if the value does not match, and if it does */

	/*
	 * leaves: adds the keys of an index that values that match may have;
	 * returns false if it cannot say.  NULL for "ranges": only returns that.
	 * NULL: it cannot
	 */
	bool (*find_values)(const FlowPredicate *predicate, FlowIndexRanges *ranges);
};

typedef struct FlowFilterChunk FlowFilterChunk;

struct FlowFilter
{
	const FlowHost *host;
	const FlowColumn *columns;
	int ncolumns;
	bool bad_is_null;
	uint64_t seed;                /* of hashes, so that colliding constants cannot be chosen */
	FlowPredicate *root;          /* NULL: not set, or it could not be built */
	uint64_t resolved;            /* how many deferred predicates have got their value */
	FlowExpressions *expressions; /* those of its predicates; NULL: none */

	/* the arena of everything but the filter itself */
	FlowFilterChunk *chunks;
	char *free_space;
	size_t free_size;
	FlowStatus status; /* once it is not FLOW_OK, nothing can be built any more */
};

/* AND or OR, which differ only in where they stop */
typedef struct FlowFilterList
{
	FlowPredicate base;
	FlowPredicate **children; /* the cheapest first, as far as the order may change */
	size_t count;
	FlowTruth decides;   /* a child with this truth gives it to the list */
	FlowTruth otherwise; /* the truth if no child decides it and none is UNKNOWN */
	unsigned stops;      /* truths of a child that end the evaluation, as FLOW_TRUTH_BITs */
	size_t check_every;  /* number of children between two checks for an interrupt */
	bool is_root;        /* it is an AND, and its children are the filter's conjuncts */
} FlowFilterList;

#define FLOW_TRUTH_BIT(truth) (1u << (truth))

/* nodes or constants processed between two checks for an interrupt */
#define FLOW_FILTER_LOOK 1024

#define FLOW_FILTER_COST_MAX 1000000
#define FLOW_FILTER_COST_SET 8 /* of a lookup, in addition to that of the column's type */

/* ---------- filter.c ---------- */

/*
 * Memory that lives as long as the filter, aligned for any type; NULL when
 * there is none.
 */
extern void *flow_filter_allocate(FlowFilter *filter, size_t count, size_t size);
extern void *flow_filter_allocate_zeroed(FlowFilter *filter, size_t count, size_t size);

/*
 * Returns the memo of a filter's expressions; NULL if there is none, or no
 * filter.
 */
extern FlowMemo *flow_filter_memo(const FlowFilter *filter);

/*
 * Makes a node of "size" bytes for a column, zeroed after its FlowPredicate,
 * whose match is FLOW_TRUE.
 */
extern FlowPredicate *flow_filter_new_leaf(FlowFilter *filter, int column, FlowTest test,
                                           size_t size);

/* Makes a node of "size" bytes that is not a leaf. */
extern void *flow_filter_new_node(FlowFilter *filter, FlowTest test, int cost, size_t size);

/* Makes a leaf that is "truth" for every value of the column. */
extern FlowPredicate *flow_filter_same(FlowFilter *filter, int column, FlowTruth truth);

/* Records that the filter could not be built; returns false. */
extern bool flow_filter_fail(FlowFilter *filter, FlowStatus status);

/*
 * Checks for an interrupt; returns false if there was one, and the filter has
 * then failed.
 */
extern bool flow_filter_check_interrupts(FlowFilter *filter);

/* The result of reducing a comparison with one or more constants. */
typedef enum FlowReduced
{
	FLOW_REDUCED_TO_ONE, /* a comparison with one constant */
	FLOW_REDUCED_TO_SET, /* FLOW_EQ ANY, or FLOW_NE ALL, which is false for the set's members */
	FLOW_REDUCED_TO_FALSE,
	FLOW_REDUCED_TO_TRUE,
	FLOW_NOT_REDUCED /* the filter has failed */
} FlowReduced;

/*
 * Reduces a comparison with an operator from FLOW_EQ to FLOW_GE.  "compare"
 * orders constants, as for flow_sort.
 */
extern FlowReduced flow_filter_reduce(FlowFilter *filter, const FlowComparison *comparison,
                                      FlowCompare compare, const void *arg,
                                      const FlowValue **constant);

/*
 * Returns a predicate's truth if flow_value_read returned "status", which is
 * not FLOW_OK.
 */
extern FlowTruth flow_filter_without_value(const FlowPredicate *predicate, FlowStatus status,
                                           FlowBadField *bad);

/*
 * Return the place of the child of a NOT, and that child; NULL if the
 * predicate is not a NOT.
 */
extern FlowPredicate **flow_filter_negated_place(FlowPredicate *predicate);
extern FlowPredicate *flow_filter_negated(const FlowPredicate *predicate);
extern bool flow_filter_is_null_test(const FlowPredicate *predicate);

/*
 * Sets the truth of a constant predicate; returns false if it is not constant.
 */
extern bool flow_filter_is_constant(const FlowPredicate *predicate, FlowTruth *truth);
extern void flow_filter_visit_leaves(const FlowPredicate *predicate,
                                     void (*visit)(void *arg, const FlowPredicate *leaf),
                                     void *arg);

/* Sets used[column] for each column that a filter reads. */
extern void flow_filter_mark(const FlowFilter *filter, bool *used);

/*
 * Evaluates a leaf for one row; returns false if the row is dropped.  The row
 * may become doubtful.
 */
extern bool flow_filter_test_row(const FlowPredicate *leaf, const FlowBatch *batch,
                                 FlowSlice *fields, uint32_t *row);

/* ---------- filter_deferred.c ---------- */

/*
 * Returns true if the predicate is deferred, or one below it is, and is not
 * resolved.
 */
extern bool flow_filter_is_deferred(const FlowPredicate *predicate);
extern bool flow_filter_waits(const FlowPredicate *predicate);

/*
 * by operator from FLOW_EQ to FLOW_GE: the accepted orders, as bits of
 * flow_filter_order_bit
 */
extern const unsigned flow_filter_accepts[];

/* ---------- filter_absent.c ---------- */

/* Says whether records may have a value; the caller's state comes after it. */
typedef struct FlowSearch FlowSearch;
struct FlowSearch
{
	/*
	 * Returns false only if no record has a value in a column that compares
	 * so, as by "=" or "<", with one of these.
	 */
	bool (*may_have)(FlowSearch *search, int column, FlowOp op, const FlowValue *constants,
	                 size_t count);
};

/*
 * Returns false only if the predicate is true for none of the records, as they
 * lack the values that it needs.
 */
extern bool flow_filter_may_find(const FlowPredicate *predicate, FlowSearch *search);

/* Sets columns[column] for each column that is compared by "=". */
extern void flow_filter_mark_equalities(const FlowFilter *filter, bool *columns);

/* ---------- filter_list.c ---------- */

/* Returns the predicate as a list, AND or OR; NULL if it is neither. */
extern const FlowFilterList *flow_filter_list(const FlowPredicate *predicate);

/*
 * Sets the place of the children of a list, or of a NOT; returns their number,
 * which is 0 for a leaf or a constant.
 */
extern size_t flow_filter_children(FlowPredicate *predicate, FlowPredicate ***children);

/*
 * Sets the predicates that a record must all pass, in order of cost; returns
 * their number.
 */
extern size_t flow_filter_conjuncts(const FlowFilter *filter,
                                    const FlowPredicate *const **conjuncts);

/*
 * ---------- filter_key.c, filter_text.c, filter_network.c ----------
 *
 * Build the leaf of a comparison for their kind of types, as if no NULL were
 * among the constants.  NULL if there is no such comparison, or the filter has
 * failed.
 */
typedef FlowPredicate *(*FlowBuild)(FlowFilter *filter, int column,
                                    const FlowComparison *comparison);

extern FlowPredicate *flow_filter_key(FlowFilter *filter, int column,
                                      const FlowComparison *comparison);
extern FlowPredicate *flow_filter_text(FlowFilter *filter, int column,
                                       const FlowComparison *comparison);
extern FlowPredicate *flow_filter_network(FlowFilter *filter, int column,
                                          const FlowComparison *comparison);

/*
 * Returns "a AND b" as one leaf; NULL if they are not two ranges of one
 * column, or memory is short.
 */
extern FlowPredicate *flow_filter_key_merge(FlowFilter *filter, const FlowPredicate *a,
                                            const FlowPredicate *b);

/* ---------- inline ---------- */

/*
 * To be called for each constant or similar item that is processed; "i" counts
 * them.  False: give up.
 */
static inline bool
flow_filter_goes_on(FlowFilter *filter, size_t i)
{
	return flow_likely(i % FLOW_FILTER_LOOK != FLOW_FILTER_LOOK - 1) ||
	       flow_filter_check_interrupts(filter);
}

/*
 * Returns 8 bytes in the machine's order, to be compared with others that were
 * copied.
 */
static inline uint64_t
flow_filter_load_word(const char *data)
{
	uint64_t word;

	memcpy(&word, data, sizeof(word));
	return word;
}

static inline const FlowColumn *
flow_filter_column(const FlowPredicate *predicate)
{
	return &predicate->filter->columns[predicate->column];
}

static inline FlowStatus
flow_filter_read(const FlowPredicate *predicate, FlowSlice field, FlowValue *value)
{
	return flow_value_read(flow_filter_column(predicate), predicate->filter->host, field, value);
}

/*
 * Returns a row's field in a column that has a place; the row is not doubtful.
 */
static inline FlowSlice
flow_filter_field(const FlowBatch *batch, uint32_t row, uint32_t place)
{
	uint32_t end = row + place;
	uint32_t start = batch->next[(ptrdiff_t) end - 1];

	return (FlowSlice) {batch->data + start, batch->next[end] - 1 - start};
}

/*
 * Returns true if a predicate's truth keeps a row.  A row with an error or a
 * bad field stays as a doubtful one.
 */
static inline bool
flow_filter_keeps(FlowTruth truth, const FlowBadField *bad, uint32_t *row)
{
	if (truth == FLOW_ERROR && bad->status == FLOW_NEED_VALUE)
		*row |= FLOW_ROW_MARKS;
	else if (truth == FLOW_ERROR || bad->column >= 0)
		*row |= FLOW_ROW_DOUBTFUL;
	else if (truth != FLOW_TRUE)
		return false;
	return true;
}

/* Bit 0, 1 or 2: less, equal or greater. */
static inline unsigned
flow_filter_order_bit(int order)
{
	return 1u << (1 + (order > 0) - (order < 0));
}

/*
 * Spreads a number's bits so that its upper ones are fit to index a hash
 * table.
 */
static inline uint64_t
flow_filter_mix(uint64_t x)
{
	x = (x ^ (x >> 32)) * UINT64_C(0x9E3779B97F4A7C15);
	return (x ^ (x >> 29)) * UINT64_C(0xBF58476D1CE4E5B9);
}

/*
 * Hash tables have a power of two of slots, at most half of which are full; if
 * a slot is taken, the next one is tried.  "shift" is 64 - log2(slots), so
 * that flow_filter_mix(x) >> shift is the first slot to try.
 */
static inline unsigned
flow_filter_table_shift(size_t count)
{
	unsigned shift = 63;

	while ((UINT64_C(1) << (64 - shift)) / 2 < count)
		shift--;
	return shift;
}

static inline size_t
flow_filter_table_size(unsigned shift)
{
	return (size_t) 1 << (64 - shift);
}

#endif /* FLOW_FILTER_H */
