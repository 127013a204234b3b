/*-------------------------------------------------------------------------
 *
 * filter_network.c
 *	  Predicates on addresses and networks, as PostgreSQL's inet has them.
 *
 *-------------------------------------------------------------------------
 */
#include "digits.h"
#include "filter.h"

#include <stdlib.h>

/* An inet as numbers: "hi" and "lo" hold the bytes from the left, an IPv4 address is the upper half of "hi". */
typedef struct Network
{
	uint64_t hi, lo;
	uint8_t family; /* 4 or 6; 0: an empty slot of a hash table */
	uint8_t bits;
} Network;

typedef bool (*Relation)(const Network *column, const Network *constant);

/*
 * Networks none of which contains another, in order.  What lies between the first
 * and the last is cut into equal buckets, about two for a network, so that hardly
 * anything is left to search (10,000 IPv4 networks: 20 ns a record instead of 45, besides reading the address).
 */
typedef struct NetworkList
{
	const Network *items;
	size_t count;
	const uint32_t *index; /* by bucket, and one more: how many networks begin in those before it */
	size_t buckets;
	uint64_t base; /* "hi" of the first network */
	unsigned shift;
} NetworkList;

typedef struct NetworkPredicate NetworkPredicate;

typedef bool (*Matches)(const NetworkPredicate *p, const Network *column);

struct NetworkPredicate
{
	FlowPredicate base;
	Matches matches;
	Relation relation;

	/* a constant */
	Network constant;
	unsigned accepts; /* which orders of column and constant match */

	/* or many, to be equal to: a hash table */
	const Network *slots;
	unsigned shift;

	/* or many, to be related to: by family, 4 and 6 */
	NetworkList lists[2];
};

/* ---------- networks ---------- */

/* Spelled out, for then compilers make it one load and a swap. */
static inline uint64_t
load_big_endian(const uint8_t *b)
{
	return (uint64_t) b[0] << 56 | (uint64_t) b[1] << 48 | (uint64_t) b[2] << 40 | (uint64_t) b[3] << 32 |
	       (uint64_t) b[4] << 24 | (uint64_t) b[5] << 16 | (uint64_t) b[6] << 8 | (uint64_t) b[7];
}

static inline Network
network_of(const FlowAddress *address)
{
	return (Network) {load_big_endian(address->bytes), load_big_endian(address->bytes + 8), address->family, address->bits};
}

/* The bits of hi, or of lo, that do not belong to a prefix of so many bits. */
static inline uint64_t
host_hi(unsigned bits)
{
	return bits < 64 ? UINT64_MAX >> bits : 0;
}

static inline uint64_t
host_lo(unsigned bits)
{
	return bits <= 64 ? UINT64_MAX : bits < 128 ? UINT64_MAX >> (bits - 64)
	                                            : 0;
}

static inline int
compare_words(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static inline int
compare_prefixes(const Network *a, const Network *b, unsigned bits)
{
	int order = compare_words(a->hi | host_hi(bits), b->hi | host_hi(bits));

	return order != 0 ? order : compare_words(a->lo | host_lo(bits), b->lo | host_lo(bits));
}

static inline bool
same_prefix(const Network *a, const Network *b, unsigned bits)
{
	return a->family == b->family &&
	       (((a->hi ^ b->hi) & ~host_hi(bits)) | ((a->lo ^ b->lo) & ~host_lo(bits))) == 0;
}

/* The order of inet: family, common prefix, prefix length, all bits. */
static int
compare_networks(const Network *a, const Network *b)
{
	int order = (int) a->family - (int) b->family;

	if (order == 0)
		order = compare_prefixes(a, b, a->bits < b->bits ? a->bits : b->bits);
	if (order == 0)
		order = (int) a->bits - (int) b->bits;
	return order != 0 ? order : compare_prefixes(a, b, 128);
}

static bool
inside(const Network *column, const Network *constant)
{
	return column->bits > constant->bits && same_prefix(column, constant, constant->bits);
}

static bool
inside_or_equal(const Network *column, const Network *constant)
{
	return column->bits >= constant->bits && same_prefix(column, constant, constant->bits);
}

static bool
around(const Network *column, const Network *constant)
{
	return inside(constant, column);
}

static bool
around_or_equal(const Network *column, const Network *constant)
{
	return inside_or_equal(constant, column);
}

static bool
overlaps(const Network *column, const Network *constant)
{
	return same_prefix(column, constant, column->bits < constant->bits ? column->bits : constant->bits);
}

/* ---------- tests ---------- */

static inline FlowTruth
read_network(const NetworkPredicate *p, FlowSlice field, FlowBadField *bad, Network *network)
{
	FlowValue value;
	FlowStatus status = flow_filter_read(&p->base, field, &value);

	*network = (Network) {0};
	if (flow_unlikely(status != FLOW_OK))
		return flow_filter_without_value(&p->base, status, bad);
	*network = network_of(&value.address);
	return FLOW_TRUE;
}

static FlowTruth
test_network(const FlowPredicate *predicate, const FlowSlice *fields, FlowBadField *bad)
{
	const NetworkPredicate *p = (const NetworkPredicate *) predicate;
	Network network;
	FlowTruth truth = read_network(p, fields[p->base.column], bad, &network);

	return truth == FLOW_TRUE ? p->base.verdict[p->matches(p, &network)] : truth;
}

/*
 * Many at once, most of which are dotted quads, with 16 bytes to be read behind where they begin (10 ns
 * instead of 25 a record).
 */
static size_t
select_networks(const FlowPredicate *predicate, const FlowBatch *batch, FlowSlice *fields, uint32_t *rows, size_t count)
{
	const NetworkPredicate *p = (const NetworkPredicate *) predicate;
	uint32_t place = (uint32_t) batch->place[predicate->column];
	bool keeps[2] = {predicate->verdict[false] == FLOW_TRUE, predicate->verdict[true] == FLOW_TRUE};
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
	{
		uint32_t row = rows[i];
		uint8_t bytes[8] = {0};
		FlowSlice field;

		rows[kept] = row;
		if (flow_unlikely(row & FLOW_ROW_DOUBTFUL))
		{
			kept++;
			continue;
		}
		field = flow_filter_field(batch, row, place);
		if (flow_likely(flow_read_dotted_quad(field.data, field.len, true, bytes)))
		{
			Network network = {load_big_endian(bytes), 0, 4, 32};

			kept += keeps[p->matches(p, &network)];
		}
		else
			kept += flow_filter_judge_row(predicate, batch, fields, &rows[kept]);
	}
	return kept;
}

/* ---------- what matches ---------- */

static bool
matches_order(const NetworkPredicate *p, const Network *column)
{
	return (flow_filter_order_bit(compare_networks(column, &p->constant)) & p->accepts) != 0;
}

static bool
matches_relation(const NetworkPredicate *p, const Network *column)
{
	return p->relation(column, &p->constant);
}

/* The slot that holds the network, or the empty one where it belongs. */
static size_t
find_network(const Network *slots, unsigned shift, const Network *network)
{
	size_t mask = flow_filter_table_size(shift) - 1;
	uint64_t hash = flow_filter_mix(flow_filter_mix(network->lo + network->bits) + network->hi + network->family);
	size_t i;

	for (i = hash >> shift; slots[i].family != 0; i = (i + 1) & mask)
		if (slots[i].hi == network->hi && slots[i].lo == network->lo &&
		    slots[i].family == network->family && slots[i].bits == network->bits)
			break;
	return i;
}

static bool
matches_any_equal(const NetworkPredicate *p, const Network *column)
{
	return p->slots[find_network(p->slots, p->shift, column)].family != 0;
}

/* The last network that begins at or before an address, if any does, or some other one. */
static const Network *
find_last(const NetworkList *list, uint64_t hi, uint64_t lo)
{
	uint64_t bucket = hi < list->base ? 0 : (hi - list->base) >> list->shift;
	const Network *items = list->items;
	size_t count;

	bucket = bucket < list->buckets ? bucket : list->buckets - 1;
	count = list->index[bucket + 1];
	if (list->index[bucket] > 0)
	{
		/* one from before, in case that none of the bucket's does */
		items += list->index[bucket] - 1;
		count -= list->index[bucket] - 1;
	}
	while (count > 1)
	{
		const Network *middle = items + count / 2;

		items = (middle->hi < hi) | ((middle->hi == hi) & (middle->lo <= lo)) ? middle : items;
		count -= count / 2;
	}
	return items;
}

/*
 * Of networks none of which contains another, all that can matter to a column
 * is the last one that begins before the column's network ends.  (See
 * fill_related_networks for why that suffices for every relation.)
 */
static bool
matches_any_related(const NetworkPredicate *p, const Network *column)
{
	const NetworkList *list = &p->lists[column->family == 6];

	return list->count > 0 &&
	       p->relation(column, find_last(list, column->hi | host_hi(column->bits), column->lo | host_lo(column->bits)));
}

/* ---------- building ---------- */

static const struct
{
	Relation relation;
	bool innermost; /* of a set's networks, the narrowest imply the others; else the widest do */
} relations[] = {
	[FLOW_INSIDE] = {inside, false},
	[FLOW_INSIDE_OR_EQUAL] = {inside_or_equal, false},
	[FLOW_AROUND] = {around, true},
	[FLOW_AROUND_OR_EQUAL] = {around_or_equal, true},
	[FLOW_OVERLAPS] = {overlaps, false},
};

static NetworkPredicate *
new_network(FlowFilter *filter, int column, Matches matches)
{
	const FlowColumn *definition = &filter->columns[column];
	NetworkPredicate *p = (NetworkPredicate *) flow_filter_new_leaf(filter, column, test_network, sizeof(NetworkPredicate));

	if (p == NULL)
		return NULL;
	p->matches = matches;

	/* unless a dotted quad may mean NULL */
	if (definition->type == FLOW_ADDRESS &&
	    (definition->null_text == NULL || definition->null_len == 0 ||
	     definition->null_text[0] < '0' || definition->null_text[0] > '9'))
		p->base.select = select_networks;
	return p;
}

FlowPredicate *
flow_filter_network_compare(FlowFilter *filter, int column, FlowView view, FlowOp op,
                            const FlowValue *constants, size_t count)
{
	NetworkPredicate *p;

	(void) count;
	if (view != FLOW_AS_IS)
		return NULL;
	p = new_network(filter, column, op > FLOW_GE ? matches_relation : matches_order);
	if (p == NULL)
		return NULL;
	p->constant = network_of(&constants->address);
	if (op > FLOW_GE)
		p->relation = relations[op].relation;
	else
		p->accepts = flow_filter_accepts[op];
	return &p->base;
}

static bool
fill_equal_networks(FlowFilter *filter, NetworkPredicate *p, const FlowValue *constants, size_t count)
{
	unsigned shift = flow_filter_table_shift(count);
	Network *slots = flow_filter_allocate_zeroed(filter, flow_filter_table_size(shift), sizeof(Network));

	if (slots == NULL)
		return false;
	for (size_t i = 0; i < count; i++)
	{
		Network network = network_of(&constants[i].address);

		slots[find_network(slots, shift, &network)] = network;
	}
	p->slots = slots;
	p->shift = shift;
	return true;
}

/* Where networks begin; of those that begin together the widest comes first. */
static int
compare_places(const void *a, const void *b)
{
	const Network *x = a;
	const Network *y = b;
	int order = compare_prefixes(x, y, 128);

	return order != 0 ? order : (int) x->bits - (int) y->bits;
}

/*
 * Sorts networks of one family, whose host bits are 0, and leaves only those
 * that are within no other one ("innermost": that have no other one within);
 * returns how many.  In this order, what is within a network follows it.
 */
static size_t
keep_disjoint(Network *items, size_t count, bool innermost)
{
	size_t kept = 0;

	qsort(items, count, sizeof(Network), compare_places);
	for (size_t i = 0; i < count; i++)
	{
		if (innermost ? i + 1 < count && inside_or_equal(&items[i + 1], &items[i])
		              : kept > 0 && inside_or_equal(&items[i], &items[kept - 1]))
			continue;
		items[kept++] = items[i];
	}
	return kept;
}

static bool
fill_list(FlowFilter *filter, NetworkList *list, Network *items, size_t count)
{
	uint64_t span = items[count - 1].hi - items[0].hi;
	uint32_t *index;

	list->items = items;
	list->count = count;
	list->base = items[0].hi;
	while (span >> list->shift >= 2 * (uint64_t) count)
		list->shift++;
	list->buckets = (span >> list->shift) + 1;
	index = flow_filter_allocate_zeroed(filter, list->buckets + 1, sizeof(uint32_t));
	if (index == NULL)
		return false;
	for (size_t i = 0; i < count; i++)
		index[((items[i].hi - list->base) >> list->shift) + 1]++;
	for (size_t i = 0; i < list->buckets; i++)
		index[i + 1] += index[i];
	list->index = index;
	return true;
}

/*
 * column OP ANY (networks) without looking at each.  A column inside or
 * overlapping a network is so for every wider one; a column around one is so for
 * every narrower one.  Hence the widest, or the narrowest, decide, and these are
 * disjoint.  Any of them that is related to the column begins before the column's
 * network ends, and another one that begins after it and still before that end
 * can only be if both lie within the column: then that one is related as well.
 */
static bool
fill_related_networks(FlowFilter *filter, NetworkPredicate *p, FlowOp op, const FlowValue *constants, size_t count)
{
	for (int six = 0; six < 2; six++)
	{
		Network *items = flow_filter_allocate(filter, count, sizeof(Network));
		size_t n = 0;

		if (items == NULL)
			return false;
		for (size_t i = 0; i < count; i++)
		{
			Network network = network_of(&constants[i].address);

			if ((network.family == 6) != six)
				continue;
			network.hi &= ~host_hi(network.bits);
			network.lo &= ~host_lo(network.bits);
			items[n++] = network;
		}
		if (n > 0 && !fill_list(filter, &p->lists[six], items, keep_disjoint(items, n, relations[op].innermost)))
			return false;
	}
	p->relation = relations[op].relation;
	return true;
}

FlowPredicate *
flow_filter_network_any(FlowFilter *filter, int column, FlowView view, FlowOp op,
                        const FlowValue *constants, size_t count)
{
	NetworkPredicate *p;
	bool filled;

	if (view != FLOW_AS_IS || (op != FLOW_EQ && op <= FLOW_GE) || count >= UINT32_MAX)
		return NULL;
	p = new_network(filter, column, op == FLOW_EQ ? matches_any_equal : matches_any_related);
	if (p == NULL)
		return NULL;
	if (op == FLOW_EQ)
		filled = fill_equal_networks(filter, p, constants, count);
	else
		filled = fill_related_networks(filter, p, op, constants, count);
	return filled ? &p->base : NULL;
}
