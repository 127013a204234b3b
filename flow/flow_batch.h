/*-------------------------------------------------------------------------
 *
 * flow_batch.h
 *	  Many records at a time: batches, and aggregates over them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_API_BATCH_H
#define FLOW_API_BATCH_H

#include "flow_filter.h"

/* ---------- batches ---------- */

/*
 * Records that passed the filter, as a set.  Their fields are read by
 * flow_batch_field.  In "data", 16 bytes before and 64 bytes after each field
 * are readable, whatever they hold, so that fields can be loaded a word at a
 * time; a field of "fields" may stand at the edge of readable memory.
 */
typedef struct FlowBatch
{
	size_t count;
	/* by column: the field of a line that fills it, or -1 if none does */
	const int *place;
	/* by column: its value in all records if "place" is -1; NULL: none */
	const FlowSlice *constants;

	/* where lines were split at separators: */
	const char *data;
	/* offset in data after each field's separator; next[-1] may be read */
	const uint32_t *next;
	const uint8_t *digits; /* a bit for each of next: set if that field is all digits */
	const uint32_t *rows;  /* by record: index in next of its first field */

	/*
	 * a single record that was split otherwise: its fields by column; "next"
	 * is then NULL
	 */
	const FlowSlice *fields;
} FlowBatch;

/* Returns the constant of a column that has no place. */
static inline FlowSlice
flow_batch_constant(const FlowBatch *batch, int column)
{
	return batch->constants != NULL ? batch->constants[column] : (FlowSlice) {NULL, 0};
}

static inline FlowSlice
flow_batch_field(const FlowBatch *batch, size_t record, int column)
{
	uint32_t end, start;

	if (batch->next == NULL)
		return batch->fields[column];
	if (batch->place[column] < 0)
		return flow_batch_constant(batch, column);
	end = batch->rows[record] + (uint32_t) batch->place[column];
	start = batch->next[(ptrdiff_t) end - 1];
	return (FlowSlice) {batch->data + start, batch->next[end] - 1 - start};
}

typedef enum FlowAggregateKind
{
	FLOW_COUNT_ALL, /* count(*): its column is -1 */
	FLOW_COUNT,     /* of values that are not NULL */
	FLOW_SUM,       /* of an integer column: sum, and count for an average */
	FLOW_MIN,       /* of an integer, time, day or address column */
	FLOW_MAX
} FlowAggregateKind;

typedef struct FlowAggregate
{
	FlowAggregateKind kind;
	int column;
} FlowAggregate;

/* The state of an aggregate in a group. */
typedef struct FlowTotal
{
	uint64_t count; /* records (FLOW_COUNT_ALL), else values that are not NULL */
	union
	{
		struct
		{
			uint64_t low; /* FLOW_SUM: a two's complement number of 128 bits */
			int64_t high;
		} sum;
		FlowValue extreme; /* FLOW_MIN, FLOW_MAX; only if count > 0 */
	} as;
} FlowTotal;

typedef struct FlowGroups FlowGroups;

/* What to group by and to compute; the arrays must outlive the groups. */
typedef struct FlowGroupSpec
{
	const FlowHost *host;
	const FlowColumn *columns;
	int ncolumns;
	const int *keys; /* columns */
	int nkeys;       /* 0: one group, which exists if there was a record */
	const FlowAggregate *aggregates;
	int naggregates;
	size_t memory; /* approximate limit, in bytes, for the groups */

	/*
	 * Tell groups apart by the values of their keys, as far as that costs
	 * nothing; see flow_groups_are_whole.  There is at least one key, and
	 * flow_group_keeps_values is true for each.
	 */
	bool by_value;
} FlowGroupSpec;

/*
 * A group.  Its keys are fields as they stood in a log; data is NULL where
 * there was no field.
 */
typedef struct FlowGroup
{
	const FlowSlice *keys;
	const FlowTotal *totals; /* by aggregate */
} FlowGroup;

/* in group.c and group_table.c */

/*
 * Makes an empty set of groups.  Groups are told apart by their keys' bytes,
 * so values that are equal but written differently ("6", "06") make several
 * groups, and so do records added after flow_groups_clear.  The groups are
 * therefore partial: the caller combines them by value.
 */
extern FlowStatus flow_groups_create(const FlowGroupSpec *spec, FlowGroups **groups,
                                     FlowError *error);
extern void flow_groups_free(FlowGroups *groups);

/*
 * Adds the records of a batch, beginning with record *done, and advances *done
 * past each record added.  FLOW_OK: all are added.  FLOW_LIMIT: record *done
 * does not fit; take the groups and clear them first.  Any other status: a
 * field of record *done is bad, and nothing of that record was added.  With
 * "bad_is_null" only record *done is added, its bad fields taken for NULL.
 */
extern FlowStatus flow_groups_add(FlowGroups *groups, const FlowBatch *batch, size_t *done,
                                  bool bad_is_null, FlowBadField *bad);

/*
 * Visits the groups, in no order.  *position begins at 0.  Returns FLOW_OK, or
 * FLOW_END after the last.  The group's keys are valid until the next call,
 * their bytes and the totals until records are added.
 */
extern FlowStatus flow_groups_next(const FlowGroups *groups, size_t *position, FlowGroup *group);

extern size_t flow_groups_count(const FlowGroups *groups);
extern void flow_groups_clear(FlowGroups *groups);

/* Shrinks an empty table, for fewer groups than it had. */
extern void flow_groups_shrink(FlowGroups *groups);

/* Returns true if groups can be told apart by the values of this column. */
extern bool flow_group_keeps_values(const FlowColumn *column);

/*
 * For groups "by_value": returns true if each group holds all records of its
 * value that were added.  That holds if every key was written in its value's
 * form.  Otherwise a value may have several groups, as without "by_value".
 */
extern bool flow_groups_are_whole(const FlowGroups *groups);

/*
 * Writes a key of such a group in the form of its value.  For NULL, returns
 * the column's null text, or no field if the column has none.  The buffer is
 * as for flow_value_write.
 */
extern FlowSlice flow_groups_key_form(const FlowGroups *groups, int key, FlowSlice field,
                                      char *buffer);

/*
 * Adds a group, whose keys are in their form, to the group with the same keys.
 * FLOW_OK; after FLOW_LIMIT (it does not fit) or FLOW_NO_MEMORY nothing was
 * added.
 */
extern FlowStatus flow_groups_merge(FlowGroups *groups, const FlowSlice *keys,
                                    const FlowTotal *totals);

#endif /* FLOW_API_BATCH_H */
