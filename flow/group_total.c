/*-------------------------------------------------------------------------
 *
 * group_total.c
 *	  Computes the values to be aggregated, and adds them to totals.
 *
 *-------------------------------------------------------------------------
 */
#include "group.h"

#include <assert.h>
#include <string.h>

/* ---------- computing what is aggregated ---------- */

/*
 * Sets the values of records that pass the aggregate's filter; others have
 * none.
 */
static void
filter_values(FlowGroupAggregate *aggregate, FlowRun *run)
{
	FlowVector to = aggregate->filtered, values;
	size_t count;

	flow_expression_evaluate(aggregate->filter, run, NULL);
	values = aggregate->filter->vector;
	count = run->count;
	for (size_t i = 0; i < count; i++)
		to.present[i] = values.present[i] & (uint8_t) values.numbers[i];
	if (aggregate->argument == NULL)
		return;

	flow_expression_evaluate(aggregate->argument, run, to.present);
	values = aggregate->argument->vector;
	count = run->count;
	for (size_t i = 0; i < count; i++)
		to.present[i] &= values.present[i];
	if (to.numbers == NULL)
		return;
	for (size_t i = 0; i < count; i++)
		to.numbers[i] = values.numbers[i] & -(int64_t) to.present[i];
}

void
flow_group_read_values(FlowGroups *groups, FlowRun *run)
{
	flow_expressions_begin_run(groups->expressions);
	for (int k = 0; k < groups->spec.nkeys; k++)
	{
		if (groups->spec.keys[k].expression != NULL && groups->entries[k].codes == NULL)
			flow_expression_evaluate(groups->spec.keys[k].expression, run, NULL);
	}
	for (int i = 0; i < groups->spec.naggregates; i++)
	{
		FlowGroupAggregate *aggregate = &groups->aggregates[i];

		if (aggregate->filter != NULL)
			filter_values(aggregate, run);
		else if (aggregate->argument != NULL)
			flow_expression_evaluate(aggregate->argument, run, NULL);
	}
}

/* ---------- totals ---------- */

static inline void
add_one(FlowTotal *total, const FlowVector *values, size_t i)
{
	(void) values;
	(void) i;
	total->count++;
}

static inline void
add_present(FlowTotal *total, const FlowVector *values, size_t i)
{
	total->count += values->present[i];
}

static inline void
add_number(FlowTotal *total, const FlowVector *values, size_t i)
{
	int64_t number = values->numbers[i];
	uint64_t low = total->as.sum.low + (uint64_t) number;

	total->as.sum.high += (low < (uint64_t) number) - (number < 0);
	total->as.sum.low = low;
	total->count += values->present[i];
}

/* The same for a number that is not negative: the high half hardly ever changes. */
static inline void
add_natural(FlowTotal *total, const FlowVector *values, size_t i)
{
	uint64_t number = (uint64_t) values->numbers[i];
	uint64_t low = total->as.sum.low + number;

	if (flow_unlikely(low < number))
		total->as.sum.high++;
	total->as.sum.low = low;
	total->count += values->present[i];
}

/* Adds to a number of 192 bits. */
static inline void
add_squares(FlowTotal *total, uint64_t low, uint64_t middle, uint64_t high)
{
	uint64_t carry;

	total->as.squares.low += low;
	carry = total->as.squares.low < low;
	middle += carry;
	high += middle < carry;
	total->as.squares.middle += middle;
	total->as.squares.high += high + (total->as.squares.middle < middle);
}

/* Returns the product as two words. */
static inline void
square(uint64_t number, uint64_t *low, uint64_t *high)
{
#ifdef __SIZEOF_INT128__
	unsigned __int128 product = (unsigned __int128) number * number;

	*low = (uint64_t) product;
	*high = (uint64_t) (product >> 64);
#else
	uint64_t a = number >> 32, b = number & UINT32_MAX;
	uint64_t middle = a * b;

	*low = b * b + (middle << 33);
	*high = a * a + (middle >> 31) + (*low < middle << 33);
#endif
}

static inline void
add_square(FlowTotal *total, const FlowVector *values, size_t i)
{
	int64_t number = values->numbers[i];
	uint64_t low, high;

	square(number < 0 ? -(uint64_t) number : (uint64_t) number, &low, &high);
	add_squares(total, low, high, 0);
	total->count += values->present[i];
}

/* The same for a number below 2 to the power of 32, as most are. */
static inline void
add_small_square(FlowTotal *total, const FlowVector *values, size_t i)
{
	uint64_t number = (uint64_t) values->numbers[i];
	uint64_t low = total->as.squares.low + number * number;

	if (flow_unlikely(low < number * number))
		add_squares(total, 0, 1, 0);
	total->as.squares.low = low;
	total->count += values->present[i];
}

/*
 * Keeps a number if it is better than the one so far, or the first, without
 * branches: in times that grow, many a number is the greatest one so far.
 */
static inline void
keep_number(FlowTotal *total, const FlowVector *values, size_t i, bool better)
{
	int64_t old = total->as.extreme.integer, number = values->numbers[i];
	bool kept = values->present[i] & (better | (total->count == 0));

	total->as.extreme.integer = flow_choose(kept, number, old);
	total->count += values->present[i];
}

static inline void
keep_least(FlowTotal *total, const FlowVector *values, size_t i)
{
	keep_number(total, values, i, values->numbers[i] < total->as.extreme.integer);
}

static inline void
keep_greatest(FlowTotal *total, const FlowVector *values, size_t i)
{
	keep_number(total, values, i, values->numbers[i] > total->as.extreme.integer);
}

/* The same where no value is NULL. */
static inline void
keep_less(FlowTotal *total, const FlowVector *values, size_t i)
{
	int64_t old = total->as.extreme.integer, number = values->numbers[i];

	if (flow_unlikely(total->count++ == 0))
		old = number;
	total->as.extreme.integer = number < old ? number : old;
}

static inline void
keep_more(FlowTotal *total, const FlowVector *values, size_t i)
{
	int64_t old = total->as.extreme.integer, number = values->numbers[i];

	if (flow_unlikely(total->count++ == 0))
		old = number;
	total->as.extreme.integer = number > old ? number : old;
}

static inline void
keep_address(FlowTotal *total, const FlowVector *values, size_t i, int sign)
{
	const FlowAddress *address = &values->addresses[i];

	if (!values->present[i])
		return;
	if (total->count == 0 || flow_address_compare(address, &total->as.extreme.address) * sign > 0)
		total->as.extreme.address = *address;
	total->count++;
}

static inline void
keep_least_address(FlowTotal *total, const FlowVector *values, size_t i)
{
	keep_address(total, values, i, -1);
}

static inline void
keep_greatest_address(FlowTotal *total, const FlowVector *values, size_t i)
{
	keep_address(total, values, i, 1);
}

/*
 * Does what all updates have in common; "step" is compiled in.  A single total
 * stays in registers: in memory each record would wait for the one before.  So
 * do the places of the values, which the compiler would read again after each
 * total.
 */
static inline __attribute__((always_inline)) void
update_totals(const FlowVector *values, FlowFieldKey *const *found, size_t offset, FlowTotal *alone,
              size_t count, void (*step)(FlowTotal *total, const FlowVector *values, size_t i))
{
	FlowVector own = values != NULL ? *values : (FlowVector) {.numbers = NULL};

	if (alone != NULL)
	{
		FlowTotal total = *alone;

		for (size_t i = 0; i < count; i++)
			step(&total, &own, i);
		*alone = total;
		return;
	}
	for (size_t i = 0; i < count; i++)
		step((FlowTotal *) ((char *) found[i] + offset), &own, i);
}

static void
update_count_all(const FlowVector *values, FlowFieldKey *const *found, size_t offset,
                 FlowTotal *alone, size_t count)
{
	if (alone != NULL)
		alone->count += count;
	else
		update_totals(values, found, offset, NULL, count, add_one);
}

static void
update_count(const FlowVector *values, FlowFieldKey *const *found, size_t offset, FlowTotal *alone,
             size_t count)
{
	update_totals(values, found, offset, alone, count, add_present);
}

/*
 * Adds to a single total: the halves of the numbers by themselves, of which a
 * run has too few to overflow, so that several are added at once.
 */
static void
add_numbers(FlowTotal *total, const FlowVector *values, size_t count)
{
	const int64_t *numbers = values->numbers;
	const uint8_t *present = values->present;
	uint64_t low = 0, there = 0, sum;
	int64_t high = 0;

	for (size_t i = 0; i < count; i++)
	{
		low += (uint32_t) numbers[i];
		/* the lowest number becomes 0 */
		high += (int64_t) (((uint64_t) numbers[i] ^ UINT64_C(1) << 63) >> 32);
	}
	for (size_t i = 0; i < count; i++)
		there += present[i];
	high -= (int64_t) count << 31;

	sum = total->as.sum.low + low;
	total->as.sum.high += sum < low;
	total->as.sum.low = sum + ((uint64_t) high << 32);
	total->as.sum.high += (high >> 32) + (total->as.sum.low < sum);
	total->count += there;
}

/* Returns true if no value is NULL. */
static bool
are_present(const FlowVector *values, size_t count)
{
	const uint8_t *present = values->present;
	uint8_t all = 1;

	for (size_t i = 0; i < count; i++)
		all &= present[i];
	return all;
}

/* Returns the bits that are set in any of the numbers. */
static uint64_t
bits_of(const FlowVector *values, size_t count)
{
	const int64_t *numbers = values->numbers;
	uint64_t bits = 0;

	for (size_t i = 0; i < count; i++)
		bits |= (uint64_t) numbers[i];
	return bits;
}

static void
update_sum(const FlowVector *values, FlowFieldKey *const *found, size_t offset, FlowTotal *alone,
           size_t count)
{
	if (alone != NULL)
		add_numbers(alone, values, count);
	else if (bits_of(values, count) <= INT64_MAX)
		update_totals(values, found, offset, alone, count, add_natural);
	else
		update_totals(values, found, offset, alone, count, add_number);
}

static void
update_min(const FlowVector *values, FlowFieldKey *const *found, size_t offset, FlowTotal *alone,
           size_t count)
{
	if (are_present(values, count))
		update_totals(values, found, offset, alone, count, keep_less);
	else
		update_totals(values, found, offset, alone, count, keep_least);
}

static void
update_max(const FlowVector *values, FlowFieldKey *const *found, size_t offset, FlowTotal *alone,
           size_t count)
{
	if (are_present(values, count))
		update_totals(values, found, offset, alone, count, keep_more);
	else
		update_totals(values, found, offset, alone, count, keep_greatest);
}

static void
update_min_address(const FlowVector *values, FlowFieldKey *const *found, size_t offset,
                   FlowTotal *alone, size_t count)
{
	update_totals(values, found, offset, alone, count, keep_least_address);
}

static void
update_max_address(const FlowVector *values, FlowFieldKey *const *found, size_t offset,
                   FlowTotal *alone, size_t count)
{
	update_totals(values, found, offset, alone, count, keep_greatest_address);
}

static void
update_squares(const FlowVector *values, FlowFieldKey *const *found, size_t offset,
               FlowTotal *alone, size_t count)
{
	if (bits_of(values, count) <= UINT32_MAX)
		update_totals(values, found, offset, alone, count, add_small_square);
	else
		update_totals(values, found, offset, alone, count, add_square);
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
		order = flow_address_compare(&y->address, &x->address);
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
		const FlowExpression *argument = groups->aggregates[i].argument;
		bool address = argument != NULL && argument->vector.addresses != NULL;
		const FlowTotal *add = &added[i];

		switch (groups->spec.aggregates[i].kind)
		{
			case FLOW_COUNT_ALL:
			case FLOW_COUNT:
				break;
			case FLOW_SUM:
				merge_sum(&totals[i], add);
				break;
			case FLOW_SQUARES:
				add_squares(&totals[i],
				            add->as.squares.low,
				            add->as.squares.middle,
				            add->as.squares.high);
				break;
			case FLOW_MIN:
				merge_extreme(&totals[i], add, address, -1);
				break;
			case FLOW_MAX:
				merge_extreme(&totals[i], add, address, 1);
				break;
		}
		totals[i].count += add->count;
	}
}

/* ---------- the aggregates ---------- */

/* by kind of aggregate, and by whether it is of addresses */
static const FlowGroupUpdate updates[][2] = {
	[FLOW_COUNT_ALL] = {update_count_all, NULL},
	[FLOW_COUNT] = {update_count, update_count},
	[FLOW_SUM] = {update_sum, NULL},
	[FLOW_SQUARES] = {update_squares, NULL},
	[FLOW_MIN] = {update_min, update_min_address},
	[FLOW_MAX] = {update_max, update_max_address},
};

/*
 * Gives an aggregate with a filter a vector of its own.  Addresses stay where
 * the argument has them.
 */
static bool
make_filtered(FlowGroups *groups, FlowGroupAggregate *aggregate)
{
	const FlowVector *values = aggregate->argument != NULL ? &aggregate->argument->vector : NULL;
	bool numbers = values != NULL && values->numbers != NULL;
	FlowType type = numbers ? FLOW_INT64 : FLOW_BOOLEAN;
	void *memory = flow_expression_allocate(groups->expressions, flow_vector_size(type));

	if (memory == NULL)
		return false;
	flow_vector_init(&aggregate->filtered, type, memory);
	if (values != NULL && !numbers)
	{
		aggregate->filtered.numbers = NULL;
		aggregate->filtered.addresses = values->addresses;
	}
	return true;
}

static bool
init_aggregate(FlowGroups *groups, int i)
{
	const FlowAggregate *wanted = &groups->spec.aggregates[i];
	FlowGroupAggregate *aggregate = &groups->aggregates[i];
	FlowAggregateKind kind = wanted->kind;

	*aggregate = (FlowGroupAggregate) {
		.offset = groups->totals_offset + (size_t) i * sizeof(FlowTotal),
		.argument = wanted->argument,
		.filter = wanted->filter,
	};
	if (kind != FLOW_COUNT_ALL && aggregate->argument == NULL)
		aggregate->argument = flow_expression_column(groups->expressions, wanted->column);
	if (kind != FLOW_COUNT_ALL && aggregate->argument == NULL)
		return false;
	if (aggregate->filter != NULL && !make_filtered(groups, aggregate))
		return false;

	if (aggregate->filter != NULL)
	{
		aggregate->values = &aggregate->filtered;
		kind = kind == FLOW_COUNT_ALL ? FLOW_COUNT : kind;
	}
	else if (aggregate->argument != NULL)
		aggregate->values = &aggregate->argument->vector;
	aggregate->update =
		updates[kind][aggregate->argument != NULL && aggregate->argument->vector.addresses != NULL];
	assert(aggregate->update != NULL);
	groups->reads_fields |= aggregate->values != NULL;
	return true;
}

bool
flow_group_init_aggregates(FlowGroups *groups)
{
	for (int i = 0; i < groups->spec.naggregates; i++)
		if (!init_aggregate(groups, i))
			return false;
	return true;
}

void
flow_group_update_totals(FlowGroups *groups, const FlowRun *run)
{
	if (groups->alone == NULL && groups->nloose == 0)
		return;
	for (int i = 0; i < groups->spec.naggregates; i++)
	{
		const FlowGroupAggregate *aggregate = &groups->aggregates[i];

		aggregate->update(aggregate->values,
		                  groups->found,
		                  aggregate->offset,
		                  groups->alone == NULL ? NULL : &groups->alone[i],
		                  run->count);
	}
}
