/*-------------------------------------------------------------------------
 *
 * flow_batch.h
 *	  Many records at a time: batches, and aggregates over them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_API_BATCH_H
#define FLOW_API_BATCH_H

#include "flow_expression.h"

/*
 * readable bytes after and before a field of a FlowRecord, whatever they hold
 */
#define FLOW_RECORD_SLACK 64

/* ---------- batches ---------- */

/*
 * A column whose fields are codes of entries, each of which is usually the
 * field of many records.
 */
typedef struct FlowCodes
{
	const uint32_t *codes;    /* by row */
	const FlowSlice *entries; /* by code: the field */
	size_t count;             /* of entries */
	uint64_t serial;          /* differs where entries differ */
} FlowCodes;

/* Whether records have one of some values. */
typedef enum FlowFound
{
	FLOW_FOUND_UNKNOWN,
	FLOW_FOUND_NONE,
	FLOW_FOUND_SOME /* probably: as good as the entries of the column would tell */
} FlowFound;

/*
 * Reads the columns of a batch when they are needed, where a file stores them
 * apart.
 */
typedef struct FlowBatchLoader
{
	void *arg;

	/*
	 * Makes a column's fields ready for some of the rows; later calls for the
	 * same batch may have fewer rows, but no others.  Each time, rows become
	 * doubtful whose fields can only be read by themselves.  FLOW_OK, or a
	 * status that the reader explains.
	 */
	FlowStatus (*load)(void *arg, int column, uint32_t *rows, size_t count);

	/* Sets *codes to the codes of a column; does nothing if it has none. */
	FlowStatus (*codes)(void *arg, int column, const FlowCodes **codes);

	/*
	 * Sets *numbers to a column's values by row, and *present to 1 for each
	 * that is there, if they are stored as integers and are all from 0 to
	 * below "limit"; otherwise does nothing.  What is not there is 0.
	 */
	FlowStatus (*numbers)(void *arg, int column, uint64_t limit, const int64_t **numbers,
	                      const uint8_t **present);

	/* Returns the field of a row, of a column that was loaded or has codes. */
	FlowSlice (*field)(const void *arg, uint32_t row, int column);

	/*
	 * Sets *entries, but for its codes, to entries among which are the fields
	 * of a column in all records of the batch and in those after it, as far as
	 * the file stores them together; does nothing if they are not known.
	 */
	FlowStatus (*entries)(void *arg, int column, FlowCodes *entries);

	/*
	 * Sets *found to whether one of some values is among the fields of a column
	 * in these records, if that is known for less than their entries cost;
	 * otherwise does nothing.
	 */
	FlowStatus (*find)(void *arg, int column, const FlowValue *values, size_t count,
	                   FlowFound *found);
} FlowBatchLoader;

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

	/*
	 * The fields of lines that were split at separators, one line after the
	 * other; or those of columns, one column after the other.
	 */
	const char *data;
	/* offset in data after each field's separator; next[-1] may be read */
	const uint32_t *next;
	/* a bit for each of next: set only if that field is all digits, and always in lines */
	const uint8_t *digits;
	const uint32_t *rows;          /* by record: index in next of the field with place 0 */
	const FlowBatchLoader *loader; /* NULL: all columns are ready */

	/*
	 * a single record that was split otherwise: its fields by column; "next"
	 * is then NULL
	 */
	const FlowSlice *fields;
} FlowBatch;

/*
 * Makes a column ready for some of a batch's rows, or sets *codes, as
 * FlowBatchLoader does.
 */
static inline FlowStatus
flow_batch_load(const FlowBatch *batch, int column, uint32_t *rows, size_t count)
{
	return batch->loader != NULL ? batch->loader->load(batch->loader->arg, column, rows, count)
	                             : FLOW_OK;
}

static inline FlowStatus
flow_batch_codes(const FlowBatch *batch, int column, const FlowCodes **codes)
{
	*codes = NULL;
	return batch->loader != NULL ? batch->loader->codes(batch->loader->arg, column, codes)
	                             : FLOW_OK;
}

/* Returns true and sets the numbers of a column, as FlowBatchLoader does. */
static inline bool
flow_batch_numbers(const FlowBatch *batch, int column, uint64_t limit, const int64_t **numbers,
                   const uint8_t **present, FlowStatus *status)
{
	*numbers = NULL;
	*status = batch->loader != NULL && batch->place[column] >= 0
	              ? batch->loader->numbers(batch->loader->arg, column, limit, numbers, present)
	              : FLOW_OK;
	return *numbers != NULL;
}

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
	if (batch->loader != NULL)
		return batch->loader->field(batch->loader->arg, batch->rows[record], column);
	end = batch->rows[record] + (uint32_t) batch->place[column];
	start = batch->next[(ptrdiff_t) end - 1];
	return (FlowSlice) {batch->data + start, batch->next[end] - 1 - start};
}

typedef enum FlowAggregateKind
{
	FLOW_COUNT_ALL, /* count(*): its column is -1 */
	FLOW_COUNT,     /* of values that are not NULL */
	FLOW_SUM,       /* of integers: sum, and count for an average */
	FLOW_SQUARES,   /* of integers: the sum of their squares */
	FLOW_MIN,       /* of integers, booleans, times, days or addresses */
	FLOW_MAX
} FlowAggregateKind;

typedef struct FlowAggregate
{
	FlowAggregateKind kind;
	int column; /* the argument, unless it is an expression */
	FlowExpression *argument;
	FlowExpression *filter; /* a boolean: only records of which it is true; NULL: all */
} FlowAggregate;

/* What to group by: a column or, if that is -1, an expression. */
typedef struct FlowGroupBy
{
	int column;
	FlowExpression *expression;
} FlowGroupBy;

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
		struct
		{
			uint64_t low, middle, high; /* FLOW_SQUARES: a number of 192 bits */
		} squares;
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
	FlowExpressions *expressions; /* those used below; NULL: none are */
	const FlowGroupBy *keys;
	int nkeys; /* 0: one group, which exists if there was a record */
	const FlowAggregate *aggregates;
	int naggregates;
	size_t memory; /* approximate limit, in bytes, for the groups */

	/*
	 * Tell groups apart by the values of their keys, as far as that costs
	 * nothing; see flow_groups_are_whole.  There is at least one key, and
	 * flow_group_keeps_values is true for each that is a column.
	 */
	bool by_value;

	/*
	 * By key: true if an empty text is to be in the group of NULL, once groups
	 * are whole.  NULL: none.
	 */
	const bool *empty_is_null;

	/*
	 * If above 0, groups that are many may be in pieces, in partitions by so
	 * many of the first keys, until flow_groups_settle puts them together.
	 */
	int partition_keys;
} FlowGroupSpec;

/*
 * A group.  Its keys are fields as they stood in a log; data is NULL where
 * there was no field.  The key of an expression is its value: a text, or an
 * int64_t's bytes; data is NULL for SQL's NULL.
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
 * does not fit; take the groups and clear them first.  FLOW_NEED_VALUE: it
 * needs the value of the expression with number bad->column or, if that is 0,
 * the values that the expressions' memo awaits.  Any other
 * status: a field of record *done is bad.  Nothing of that record was added.
 * With "bad_is_null" only record *done is added, its bad fields taken for
 * NULL.
 */
extern FlowStatus flow_groups_add(FlowGroups *groups, const FlowBatch *batch, size_t *done,
                                  bool bad_is_null, FlowBadField *bad);

/*
 * Visits the groups, in no order.  *position begins at 0.  Returns FLOW_OK, or
 * FLOW_END after the last.  The group's keys are valid until the next call,
 * their bytes and the totals until records are added.
 */
extern FlowStatus flow_groups_next(const FlowGroups *groups, size_t *position, FlowGroup *group);

/* Does the same, but returns no group. */
extern FlowStatus flow_groups_skip(const FlowGroups *groups, size_t *position);

/* Sets *total to that of an aggregate in the group at a position, where there is one. */
extern void flow_groups_total(const FlowGroups *groups, size_t position, int aggregate,
                              FlowTotal *total);

extern size_t flow_groups_count(const FlowGroups *groups);

/*
 * Makes one of each group's pieces, as is to be done before groups are counted or
 * visited, if the spec has "partition_keys".  FLOW_OK; after FLOW_NO_MEMORY or
 * FLOW_INTERRUPTED they can only be freed.
 */
extern FlowStatus flow_groups_settle(FlowGroups *groups);

/*
 * Forgets all groups; and shrinks an empty table, for fewer groups than it had.
 * After FLOW_INTERRUPTED they can only be freed.
 */
extern FlowStatus flow_groups_clear(FlowGroups *groups);
extern FlowStatus flow_groups_shrink(FlowGroups *groups);

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
 * FLOW_OK; after FLOW_LIMIT (it does not fit), FLOW_NO_MEMORY or
 * FLOW_INTERRUPTED nothing was added.
 */
extern FlowStatus flow_groups_merge(FlowGroups *groups, const FlowSlice *keys,
                                    const FlowTotal *totals);

/*
 * in group_given.c: creates an empty set of groups that are computed as others
 * are, and must be freed before these.
 */
extern FlowStatus flow_groups_create_alike(const FlowGroups *groups, size_t memory,
                                           FlowGroups **alike, FlowError *error);

/*
 * Adds a record, given by its fields, to groups so many times; of a record that
 * is added 0 times, only extremes are taken.  "alike" is a set made of the
 * groups, and of no use otherwise.  FLOW_OK, or a status of flow_groups_add:
 * nothing was added then.
 */
extern FlowStatus flow_groups_add_repeated(FlowGroups *groups, FlowGroups *alike,
                                           const FlowSlice *fields, uint64_t times,
                                           FlowBadField *bad);

/* Keys of groups that are a distinct value, and whether it passes a filter (-1: there is none). */
typedef struct FlowDistinctValue
{
	int key;
	int filter;
} FlowDistinctValue;

/* What is added of groups of distinct values to groups of their first keys. */
typedef struct FlowDistinct
{
	int nkeys; /* which are the first ones; 0: a constant 0 is the key */
	const FlowDistinctValue *values;
	/*
	 * The key that says of which value a group is, if there are several.  The
	 * totals are those of groups of the first value.  -1: there is only one.
	 */
	int number;
	const int *of; /* by aggregate that only the groups added to have: its value */
} FlowDistinct;

/*
 * in group_merge.c: adds some of the groups of another set, which are whole, to
 * groups of their first keys, and advances *position past them.  The totals of
 * the other set's aggregates are merged into the first ones, and the others
 * count or sum distinct values.  FLOW_LIMIT: the next one does not fit.
 * FLOW_END: the next one is to be merged by itself, or there is none.
 * FLOW_NO_MEMORY; FLOW_INTERRUPTED.
 */
extern FlowStatus flow_groups_add_distinct(FlowGroups *groups, const FlowGroups *from,
                                           const FlowDistinct *distinct, size_t *position);

/*
 * Adds some of the groups of another set, which has the same aggregates, to
 * groups of its keys and one more.  Those that has[] does not name are NULL,
 * and the last one is a number, at least 0.  Keys are by the same columns or
 * computed alike.  *position and the result are as above.
 */
extern FlowStatus flow_groups_add_to_set(FlowGroups *groups, const FlowGroups *from,
                                         const bool *has, int number, size_t *position);

/*
 * in group_share.c and group_merge.c: most groups can be rows in memory, which
 * other processes that group in the same way add to theirs.  They are in one of
 * 1 << "bits" partitions by the first "nkeys" keys, at least one;
 * flow_groups_partition returns that of any group's keys, which are in their
 * form.
 */
extern unsigned flow_groups_partition(const FlowGroups *groups, const FlowSlice *keys, int nkeys,
                                      unsigned bits);

/* Returns the bytes of each row; 0: no group can be one. */
extern size_t flow_groups_row_size(const FlowGroups *groups);

/*
 * Adds to counts[] how many rows there are by partition; or moves the rows to
 * places[], by partition, each of which is advanced past them.  Some rows at a
 * time, from row *position on, which is advanced: until FLOW_END.  In between,
 * nothing else is done with groups that are moved.
 */
extern FlowStatus flow_groups_count_rows(const FlowGroups *groups, int nkeys, unsigned bits,
                                         size_t *counts, size_t *position);
extern FlowStatus flow_groups_move_rows(FlowGroups *groups, int nkeys, unsigned bits, char **places,
                                        size_t *position);

/*
 * Adds some of the rows, from row *done on, and advances that.  FLOW_LIMIT: the
 * next one does not fit.  FLOW_END: the next one is to be shown and merged by
 * itself.  FLOW_NO_MEMORY; FLOW_INTERRUPTED.
 */
extern FlowStatus flow_groups_add_rows(FlowGroups *groups, void *rows, size_t count, size_t *done);
extern void flow_groups_show_row(const FlowGroups *groups, void *rows, size_t number,
                                 FlowGroup *group);

#endif /* FLOW_API_BATCH_H */
