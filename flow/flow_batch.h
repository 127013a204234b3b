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
 * Records that passed the filter, which are not handed over one by one.  Their
 * fields are found by flow_batch_field.  Around each field in "data", 16 bytes
 * before it and 64 behind it can be read, whatever they hold, so that fields
 * are loaded a word at a time; a field of "fields" may stand at the edge of
 * memory.
 */
typedef struct FlowBatch
{
	size_t count;
	/* by column: which field of a line it is, or -1 if it has none there */
	const int *place;
	/*
	 * by column: what it is in all records if it has no place; NULL: no value
	 */
	const FlowSlice *constants;

	/* where lines were split at separators: */
	const char *data;
	const uint32_t *next;  /* offset in data behind the end of each field; next[-1] may be read */
	const uint8_t *digits; /* a bit for each of next: is that field all digits? */
	const uint32_t *rows;  /* by record: index into next of its first field */

	/*
	 * a single record that was split otherwise, then next is NULL: by column
	 */
	const FlowSlice *fields;
} FlowBatch;

/* A column that has no place. */
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

/* What an aggregate has come to in a group. */
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
	size_t memory; /* bytes that the groups may take, about */

	/*
	 * Tell groups apart by the values of their keys, which must all be columns
	 * that flow_group_keeps_values knows, as far as that is possible at no
	 * cost: see flow_groups_are_whole.  There is a key.
	 */
	bool by_value;
} FlowGroupSpec;

/*
 * A group: its keys are fields as they stood in a log, data NULL where there
 * was none.
 */
typedef struct FlowGroup
{
	const FlowSlice *keys;
	const FlowTotal *totals; /* by aggregate */
} FlowGroup;

/* in group.c */

/*
 * Groups are told apart by their keys' bytes, so values that are equal but
 * written differently ("6", "06"), and records after flow_groups_clear, make
 * several groups of one: they are partial, and whoever takes them combines
 * them by value.
 */
extern FlowStatus flow_groups_create(const FlowGroupSpec *spec, FlowGroups **groups,
                                     FlowError *error);
extern void flow_groups_free(FlowGroups *groups);

/*
 * Adds records of a batch from record *done on, and counts them there.
 * FLOW_OK: all are added.  FLOW_LIMIT: record *done does not fit, the groups
 * must be taken and cleared first.  Any other status: a field of record *done
 * is bad, and nothing of that record was added.  With "bad_is_null" only
 * record *done is added, its bad fields taken for NULL.
 */
extern FlowStatus flow_groups_add(FlowGroups *groups, const FlowBatch *batch, size_t *done,
                                  bool bad_is_null, FlowBadField *bad);

/*
 * Visits the groups, in no order: FLOW_OK or FLOW_END.  *position begins at 0.
 * The group's keys are valid until the next call, their bytes and the totals
 * until records are added.
 */
extern FlowStatus flow_groups_next(const FlowGroups *groups, size_t *position, FlowGroup *group);

extern size_t flow_groups_count(const FlowGroups *groups);
extern void flow_groups_clear(FlowGroups *groups);

/* Makes an empty table small again, for fewer groups than it had. */
extern void flow_groups_shrink(FlowGroups *groups);

/* Can groups be told apart by a column's values? */
extern bool flow_group_keeps_values(const FlowColumn *column);

/*
 * For groups "by_value": is each of them all of its value's records that were
 * added?  It is if all keys were written in their values' form.  Otherwise a
 * value may have several groups, as without "by_value".
 */
extern bool flow_groups_are_whole(const FlowGroups *groups);

/*
 * Writes a key of such a group in the form of its value; of NULL it is the
 * column's null text, or no field if that has none.  The buffer is as for
 * flow_value_write.
 */
extern FlowSlice flow_groups_key_form(const FlowGroups *groups, int key, FlowSlice field,
                                      char *buffer);

/*
 * Adds a group, with keys in their form, to that of these keys: FLOW_OK,
 * FLOW_LIMIT (it does not fit) or FLOW_NO_MEMORY, after which nothing of it
 * was added.
 */
extern FlowStatus flow_groups_merge(FlowGroups *groups, const FlowSlice *keys,
                                    const FlowTotal *totals);

#endif /* FLOW_API_BATCH_H */
