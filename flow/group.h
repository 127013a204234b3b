/*-------------------------------------------------------------------------
 *
 * group.h
 *	  Shared by the files of the aggregates by group.
 *
 * Records are added in runs, a column at a time: the aggregates' fields become
 * numbers, the keys' fields become groups, and then each aggregate processes
 * the run.  A record whose field is bad, or whose group does not fit, cuts the
 * run short before anything is changed, so all records before it are added,
 * and nothing of that record.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_GROUP_H
#define FLOW_GROUP_H

#include "internal.h"

/*
 * Maximum records of a run; their numbers and keys stay in the first-level
 * cache.
 */
#define FLOW_GROUP_RUN 256

#define FLOW_GROUP_SHORT_KEY 16
#define FLOW_GROUP_NO_FIELD UINT64_MAX

/*
 * A key's field in a form that is compared in one step.  A short one is the
 * bytes themselves, followed by zeros; a longer one is a hash of them.
 */
typedef struct FlowGroupKey
{
	uint64_t words[2];
	uint64_t len; /* FLOW_GROUP_NO_FIELD: there is no field */
} FlowGroupKey;

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

typedef struct FlowGroupInput FlowGroupInput;

/* The records that are being added. */
typedef struct FlowGroupRun
{
	const FlowBatch *batch;
	size_t first;
	size_t count;      /* records known so far to be addable */
	bool bad_is_null;  /* the run is then one record */
	FlowStatus status; /* of the record that cut the run short */
	FlowBadField bad;
} FlowGroupRun;

typedef void (*FlowGroupRead)(const FlowGroups *groups, FlowGroupInput *input, FlowGroupRun *run);

/* A column that aggregates need, and its values in the run. */
struct FlowGroupInput
{
	int column;
	bool address;                    /* its values are addresses */
	FlowGroupRead read;              /* from a batch that was split at separators */
	uint64_t limit;                  /* digits are a value if their number is below this, */
	uint64_t factor;                 /* multiplied by this; see read_digits */
	uint8_t present[FLOW_GROUP_RUN]; /* 1: it has a value; 0: it is NULL, and the number is 0 */
	union
	{
		int64_t numbers[FLOW_GROUP_RUN];
		FlowAddress addresses[FLOW_GROUP_RUN];
	} as;
};

/*
 * Processes a run: adds the input's value i to the total at "offset" in the
 * group found for record i, or to the only total.
 */
typedef void (*FlowGroupUpdate)(const FlowGroupInput *input, FlowGroupKey *const *found,
                                size_t offset, FlowTotal *alone, size_t count);

typedef struct FlowGroupAggregate
{
	FlowGroupUpdate update;
	const FlowGroupInput *input; /* NULL for FLOW_COUNT_ALL */
	size_t offset;               /* of its total in a group */
} FlowGroupAggregate;

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
	uint64_t seed[3];

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

	size_t totals_offset; /* in a group */
	size_t group_size;    /* without long keys */
	FlowGroupAggregate *aggregates;
	FlowGroupInput *inputs;
	int ninputs;
	FlowTotal *alone;  /* the totals of the only group, if there are no keys */
	FlowSlice *slices; /* the keys that flow_groups_next returns */
	FlowSlice *fields; /* by column: the keys that flow_groups_merge adds; only if "by_value" */
	/*
	 * groups with a key that is not written in its value's form; only if
	 * "by_value"
	 */
	size_t spelled;

	/* of the run */
	FlowGroupKey *keys; /* FLOW_GROUP_RUN of the first key, FLOW_GROUP_RUN of the second, ... */
	uint32_t hashes[FLOW_GROUP_RUN];
	FlowGroupKey *found[FLOW_GROUP_RUN];
};

/* Returns the form of NULL where groups are told apart by value. */
static inline FlowSlice
flow_group_null_form(const FlowColumn *column)
{
	return (FlowSlice) {column->null_text, column->null_text != NULL ? column->null_len : 0};
}

/* Ends the run before its record i, with a status. */
static inline void
flow_group_cut_run(FlowGroupRun *run, size_t i, FlowStatus status, int column)
{
	run->count = i;
	run->status = status;
	run->bad =
		(FlowBadField) {status == FLOW_NO_MEMORY || status == FLOW_LIMIT ? -1 : column, status};
}

/* ---------- group_total.c ---------- */

/* Sets up the aggregates and their inputs, for which memory is allocated. */
extern void flow_group_init_aggregates(FlowGroups *groups);

/* Reads the values to be aggregated. */
extern void flow_group_read_inputs(FlowGroups *groups, FlowGroupRun *run);

/* Adds them to the totals of the groups found. */
extern void flow_group_update_totals(FlowGroups *groups, const FlowGroupRun *run);

/* Adds totals to those of a group. */
extern void flow_group_merge_totals(const FlowGroups *groups, FlowTotal *totals,
                                    const FlowTotal *added);

/* ---------- group_table.c ---------- */

/*
 * Sets the sizes and makes an empty table, for at least one key; false if
 * memory is short.
 */
extern bool flow_group_create_table(FlowGroups *groups);
extern void flow_group_free_table(FlowGroups *groups);
extern void flow_group_clear_table(FlowGroups *groups);

/* Finds or makes the group of each record of the run. */
extern void flow_group_find(FlowGroups *groups, FlowGroupRun *run);

/*
 * Returns the next group at or after slot *position, and moves *position past
 * it.
 */
extern FlowStatus flow_group_show(const FlowGroups *groups, size_t *position, FlowGroup *group);

#endif /* FLOW_GROUP_H */
