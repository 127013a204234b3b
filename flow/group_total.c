/*-------------------------------------------------------------------------
 *
 * group_total.c
 *	  Reads the values to be aggregated, and adds them to totals.
 *
 *-------------------------------------------------------------------------
 */
#include "group.h"

#include <assert.h>
#include <string.h>

/* ---------- reading what is aggregated ---------- */

/*
 * Reads one field.  If it is bad, ends the run before it and returns false,
 * unless bad fields are NULL.
 */
static bool
read_field(const FlowGroups *groups, FlowGroupInput *input, FlowGroupRun *run, size_t i)
{
	FlowSlice field = flow_batch_field(run->batch, run->first + i, input->column);
	FlowValue value;
	FlowStatus status =
		flow_value_read(&groups->spec.columns[input->column], groups->spec.host, field, &value);

	if (status == FLOW_OK && input->address)
		input->as.addresses[i] = value.address;
	else if (status == FLOW_OK)
		input->as.numbers[i] = value.integer;
	else if (status == FLOW_END || (run->bad_is_null && status != FLOW_NO_MEMORY))
	{
		if (!input->address)
			input->as.numbers[i] = 0;
	}
	else
	{
		flow_group_cut_run(run, i, status, input->column);
		return false;
	}
	input->present[i] = status == FLOW_OK;
	return true;
}

static void
read_fields(const FlowGroups *groups, FlowGroupInput *input, FlowGroupRun *run)
{
	for (size_t i = 0; i < run->count; i++)
	{
		if (!read_field(groups, input, run, i))
			return;
	}
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/*
 * Reads the number that "len" digits before "end" make, from 1 to 8 of them;
 * the bytes before them are loaded too.  False if there is anything else among
 * them.
 */
static inline bool
load_digits(const char *end, size_t len, uint64_t *number)
{
	uint64_t wanted = UINT64_MAX << (64 - 8 * len);
	uint64_t bytes;

	memcpy(&bytes, end - 8, 8);
	bytes = (bytes ^ EACH('0')) & wanted;
	if (flow_unlikely((((bytes + EACH(0x06)) | bytes) & EACH(0xF0)) != 0))
		return false;
	bytes = bytes * 10 + (bytes >> 8); /* as in flow_digits.h: each step joins neighbours */
	bytes = (bytes & UINT64_C(0x00FF00FF00FF00FF)) * 100 +
	        ((bytes >> 16) & UINT64_C(0x00FF00FF00FF00FF));
	*number =
		((bytes & UINT64_C(0x0000FFFF0000FFFF)) * 10000 + ((bytes >> 32) & UINT64_C(0x0000FFFF))) &
		UINT64_C(0xFFFFFFFF);
	return true;
}

/* The same, up to 16 digits. */
static inline bool
load_more_digits(const char *end, size_t len, uint64_t *number)
{
	uint64_t high = 0;

	if (len <= 8)
		return load_digits(end, len, number);
	if (!load_digits(end, 8, number) || !load_digits(end - 8, len - 8, &high))
		return false;
	*number += high * 100000000;
	return true;
}

/*
 * Reads integers of plain digits, no more of them than their type certainly
 * holds, and times in seconds.  All others are read by read_field.
 */
static void
read_digits(const FlowGroups *groups, FlowGroupInput *input, FlowGroupRun *run)
{
	/*
	 * all in variables, because the compiler cannot know that storing numbers
	 * changes none of it
	 */
	const FlowBatch *batch = run->batch;
	const char *data = batch->data;
	const uint32_t *ends = batch->next;
	const uint32_t *rows = batch->rows + run->first;
	int place = batch->place[input->column];
	size_t count = run->count;
	uint64_t limit = input->limit;
	uint64_t factor = input->factor;

	if (place < 0)
	{
		read_fields(groups, input, run);
		return;
	}
	for (size_t i = 0; i < count; i++)
	{
		const uint32_t *next = ends + rows[i] + place;
		uint32_t end = next[0] - 1;
		uint32_t len = end - next[-1];
		uint64_t number;

		if (flow_likely(len - 1 < 16 && load_more_digits(data + end, len, &number) &&
		                number < limit))
		{
			input->as.numbers[i] = (int64_t) (number * factor);
			input->present[i] = 1;
		}
		else if (!read_field(groups, input, run, i))
			return;
	}
}

#else

#define read_digits read_fields

#endif

/*
 * Returns true if a column's null text is made of digits.  Then digits must be
 * compared as text.
 */
static bool
null_is_digits(const FlowColumn *column)
{
	if (column->null_text == NULL || column->null_len == 0)
		return false;
	for (size_t i = 0; i < column->null_len; i++)
	{
		if ((unsigned char) (column->null_text[i] - '0') > 9)
			return false;
	}
	return true;
}

/*
 * How a type's digits are read: the number they must be less than, and the
 * value of one unit.
 */
static const struct
{
	uint64_t limit, factor;
} digits_of[FLOW_OPAQUE + 1] = {
	[FLOW_INT16] = {UINT64_C(1) << 15, 1},
	[FLOW_INT32] = {UINT64_C(1) << 31, 1},
	[FLOW_INT64] = {UINT64_C(1) << 63, 1},
	[FLOW_TIME] = {UINT64_C(1) << 31, 1000000}, /* larger ones are milliseconds */
};

static void
init_input(FlowGroupInput *input, const FlowColumn *columns, int column)
{
	FlowType type = columns[column].type;

	input->column = column;
	input->address = type == FLOW_ADDRESS || type == FLOW_NETWORK;
	input->limit = digits_of[type].limit;
	input->factor = digits_of[type].factor;
	input->read = input->limit == 0 || null_is_digits(&columns[column]) ? read_fields : read_digits;
}

void
flow_group_read_inputs(FlowGroups *groups, FlowGroupRun *run)
{
	for (int i = 0; i < groups->ninputs; i++)
	{
		FlowGroupInput *input = &groups->inputs[i];

		if (run->batch->next == NULL || run->bad_is_null)
			read_fields(groups, input, run);
		else
			input->read(groups, input, run);
	}
}

/* ---------- totals ---------- */

static inline void
add_one(FlowTotal *total, const FlowGroupInput *input, size_t i)
{
	(void) input;
	(void) i;
	total->count++;
}

static inline void
add_present(FlowTotal *total, const FlowGroupInput *input, size_t i)
{
	total->count += input->present[i];
}

static inline void
add_number(FlowTotal *total, const FlowGroupInput *input, size_t i)
{
	int64_t number = input->as.numbers[i];
	uint64_t low = total->as.sum.low + (uint64_t) number;

	total->as.sum.high += (low < (uint64_t) number) - (number < 0);
	total->as.sum.low = low;
	total->count += input->present[i];
}

static inline void
keep_least(FlowTotal *total, const FlowGroupInput *input, size_t i)
{
	int64_t number = input->as.numbers[i];

	if (input->present[i] && (number < total->as.extreme.integer || total->count == 0))
		total->as.extreme.integer = number;
	total->count += input->present[i];
}

static inline void
keep_greatest(FlowTotal *total, const FlowGroupInput *input, size_t i)
{
	int64_t number = input->as.numbers[i];

	if (input->present[i] && (number > total->as.extreme.integer || total->count == 0))
		total->as.extreme.integer = number;
	total->count += input->present[i];
}

static int
compare_prefixes(const FlowAddress *a, const FlowAddress *b, unsigned bits)
{
	int order = memcmp(a->bytes, b->bytes, bits / 8);

	if (order == 0 && bits % 8 != 0)
		order = (a->bytes[bits / 8] >> (8 - bits % 8)) - (b->bytes[bits / 8] >> (8 - bits % 8));
	return order;
}

/* The order of inet: family, common prefix, prefix length, all bits. */
static int
compare_addresses(const FlowAddress *a, const FlowAddress *b)
{
	int order = (int) a->family - (int) b->family;

	if (order == 0)
		order = compare_prefixes(a, b, a->bits < b->bits ? a->bits : b->bits);
	if (order == 0)
		order = (int) a->bits - (int) b->bits;
	return order != 0 ? order : memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

static inline void
keep_address(FlowTotal *total, const FlowGroupInput *input, size_t i, int sign)
{
	const FlowAddress *address = &input->as.addresses[i];

	if (!input->present[i])
		return;
	if (total->count == 0 || compare_addresses(address, &total->as.extreme.address) * sign > 0)
		total->as.extreme.address = *address;
	total->count++;
}

static inline void
keep_least_address(FlowTotal *total, const FlowGroupInput *input, size_t i)
{
	keep_address(total, input, i, -1);
}

static inline void
keep_greatest_address(FlowTotal *total, const FlowGroupInput *input, size_t i)
{
	keep_address(total, input, i, 1);
}

/*
 * Does what all updates have in common; "step" is compiled in.  A single total
 * stays in registers: in memory each record would wait for the one before.
 */
static inline __attribute__((always_inline)) void
update_totals(const FlowGroupInput *input, FlowGroupKey *const *found, size_t offset,
              FlowTotal *alone, size_t count,
              void (*step)(FlowTotal *total, const FlowGroupInput *input, size_t i))
{
	if (alone != NULL)
	{
		FlowTotal total = *alone;

		for (size_t i = 0; i < count; i++)
			step(&total, input, i);
		*alone = total;
		return;
	}
	for (size_t i = 0; i < count; i++)
		step((FlowTotal *) ((char *) found[i] + offset), input, i);
}

static void
update_count_all(const FlowGroupInput *input, FlowGroupKey *const *found, size_t offset,
                 FlowTotal *alone, size_t count)
{
	if (alone != NULL)
		alone->count += count;
	else
		update_totals(input, found, offset, NULL, count, add_one);
}

static void
update_count(const FlowGroupInput *input, FlowGroupKey *const *found, size_t offset,
             FlowTotal *alone, size_t count)
{
	update_totals(input, found, offset, alone, count, add_present);
}

static void
update_sum(const FlowGroupInput *input, FlowGroupKey *const *found, size_t offset, FlowTotal *alone,
           size_t count)
{
	update_totals(input, found, offset, alone, count, add_number);
}

static void
update_min(const FlowGroupInput *input, FlowGroupKey *const *found, size_t offset, FlowTotal *alone,
           size_t count)
{
	update_totals(input, found, offset, alone, count, keep_least);
}

static void
update_max(const FlowGroupInput *input, FlowGroupKey *const *found, size_t offset, FlowTotal *alone,
           size_t count)
{
	update_totals(input, found, offset, alone, count, keep_greatest);
}

static void
update_min_address(const FlowGroupInput *input, FlowGroupKey *const *found, size_t offset,
                   FlowTotal *alone, size_t count)
{
	update_totals(input, found, offset, alone, count, keep_least_address);
}

static void
update_max_address(const FlowGroupInput *input, FlowGroupKey *const *found, size_t offset,
                   FlowTotal *alone, size_t count)
{
	update_totals(input, found, offset, alone, count, keep_greatest_address);
}

/* ---------- totals to totals ---------- */

static void
merge_sum(FlowTotal *total, const FlowTotal *added)
{
	uint64_t low = total->as.sum.low + added->as.sum.low;

	total->as.sum.high = (int64_t) ((uint64_t) total->as.sum.high + (uint64_t) added->as.sum.high +
	                                (low < added->as.sum.low));
	total->as.sum.low = low;
}

static void
merge_extreme(FlowTotal *total, const FlowTotal *added, bool address, int sign)
{
	const FlowValue *x = &total->as.extreme, *y = &added->as.extreme;
	int order;

	if (added->count == 0)
		return;
	if (address)
		order = compare_addresses(&y->address, &x->address);
	else
		order = (y->integer > x->integer) - (y->integer < x->integer);
	if (total->count == 0 || order * sign > 0)
		total->as.extreme = *y;
}

void
flow_group_merge_totals(const FlowGroups *groups, FlowTotal *totals, const FlowTotal *added)
{
	for (int i = 0; i < groups->spec.naggregates; i++)
	{
		const FlowGroupInput *input = groups->aggregates[i].input;

		switch (groups->spec.aggregates[i].kind)
		{
			case FLOW_COUNT_ALL:
			case FLOW_COUNT:
				break;
			case FLOW_SUM:
				merge_sum(&totals[i], &added[i]);
				break;
			case FLOW_MIN:
				merge_extreme(&totals[i], &added[i], input->address, -1);
				break;
			case FLOW_MAX:
				merge_extreme(&totals[i], &added[i], input->address, 1);
				break;
		}
		totals[i].count += added[i].count;
	}
}

/* ---------- the aggregates ---------- */

/* by kind of aggregate, and by whether it is of addresses */
static const FlowGroupUpdate updates[][2] = {
	[FLOW_COUNT_ALL] = {update_count_all, NULL},
	[FLOW_COUNT] = {update_count, update_count},
	[FLOW_SUM] = {update_sum, NULL},
	[FLOW_MIN] = {update_min, update_min_address},
	[FLOW_MAX] = {update_max, update_max_address},
};
/* Returns the input of a column, which several aggregates may share. */
static FlowGroupInput *
have_input(FlowGroups *groups, int column)
{
	for (int i = 0; i < groups->ninputs; i++)
	{
		if (groups->inputs[i].column == column)
			return &groups->inputs[i];
	}
	init_input(&groups->inputs[groups->ninputs], groups->spec.columns, column);
	return &groups->inputs[groups->ninputs++];
}

void
flow_group_init_aggregates(FlowGroups *groups)
{
	for (int i = 0; i < groups->spec.naggregates; i++)
	{
		const FlowAggregate *wanted = &groups->spec.aggregates[i];
		FlowGroupAggregate *aggregate = &groups->aggregates[i];

		aggregate->offset = groups->totals_offset + (size_t) i * sizeof(FlowTotal);
		aggregate->input =
			wanted->kind == FLOW_COUNT_ALL ? NULL : have_input(groups, wanted->column);
		aggregate->update =
			updates[wanted->kind][aggregate->input != NULL && aggregate->input->address];
		assert(aggregate->update != NULL);
	}
}

void
flow_group_update_totals(FlowGroups *groups, const FlowGroupRun *run)
{
	for (int i = 0; i < groups->spec.naggregates; i++)
	{
		const FlowGroupAggregate *aggregate = &groups->aggregates[i];

		aggregate->update(aggregate->input,
		                  groups->found,
		                  aggregate->offset,
		                  groups->alone == NULL ? NULL : &groups->alone[i],
		                  run->count);
	}
}
