/*-------------------------------------------------------------------------
 *
 * filter_key.c
 *	  Predicates on integers, booleans, times and days.
 *
 * All of them become keys, and so does what a view computes from an integer:
 * an int64 that orders like the value.  A comparison is then a range of keys,
 * or what is outside it, and a set is a bitmap or a hash table of keys.
 *
 *-------------------------------------------------------------------------
 */
#include "filter.h"
#include "flow_digits.h"
#include "lines.h"
#include "seconds.h"

#include <string.h>

/*
 * A set of keys that is at most this wide is a bitmap (8 KiB), else a hash
 * table.
 */
#define DENSE_SPAN 65535

typedef struct KeyPredicate KeyPredicate;

/*
 * Returns FLOW_TRUE with the key, else the truth of a predicate on that field.
 */
typedef FlowTruth (*ReadKey)(const KeyPredicate *p, FlowSlice field, FlowBadField *bad,
                             int64_t *key);

struct KeyPredicate
{
	FlowPredicate base;
	ReadKey read;
	/*
	 * this number of digits is certainly a value of an integer type; 0: never
	 */
	unsigned max_digits;
	uint64_t most; /* digits up to here are a value, in batches */

	uint64_t low, span;      /* as a range: low <= key <= low + span */
	const uint64_t *members; /* as a bitmap of that range */
	const int64_t *slots;    /* as a hash table; an empty slot holds "pivot", */
	int64_t pivot;           /* a member, so that it is found there too */
	uint64_t seed;           /* of the hash */
	unsigned shift;
};

/* ---------- reading keys ---------- */

static FlowTruth
read_key_slowly(const KeyPredicate *p, FlowSlice field, FlowBadField *bad, int64_t *key)
{
	FlowValue value;
	FlowStatus status = flow_filter_read(&p->base, field, &value);

	*key = 0;
	if (flow_unlikely(status != FLOW_OK))
		return flow_filter_without_value(&p->base, status, bad);
	*key = value.integer;
	return FLOW_TRUE;
}

static inline FlowTruth
read_integer(const KeyPredicate *p, FlowSlice field, FlowBadField *bad, int64_t *key)
{
	int64_t number = 0;

	/* an empty field's len - 1 is too large as well */
	if (field.data == NULL || field.len - 1 >= p->max_digits)
		return read_key_slowly(p, field, bad, key);
	for (size_t i = 0; i < field.len; i++)
	{
		unsigned digit = (unsigned char) field.data[i] - (unsigned) '0';

		if (flow_unlikely(digit > 9))
			return read_key_slowly(p, field, bad, key);
		number = number * 10 + digit;
	}
	*key = number;
	return FLOW_TRUE;
}

static int64_t
integer_key(const FlowValue *constant)
{
	return constant->integer;
}

/*
 * Doubles as integers in the same order: no two zeros, one NaN above
 * everything.
 */
static int64_t
double_key(double number)
{
	int64_t bits;

	if (number != number)
		return INT64_MAX;
	number += 0.0; /* -0 becomes 0 */
	memcpy(&bits, &number, sizeof(bits));
	return bits < 0 ? bits ^ INT64_MAX : bits;
}

static FlowTruth
read_as_double(const KeyPredicate *p, FlowSlice field, FlowBadField *bad, int64_t *key)
{
	FlowTruth truth = read_integer(p, field, bad, key);

	if (truth == FLOW_TRUE)
		*key = double_key((double) *key);
	return truth;
}

static int64_t
real_key(const FlowValue *constant)
{
	return double_key(constant->real);
}

/* The key is in microseconds since 2000, in which no time overflows. */
static FlowTruth
read_as_unix_time(const KeyPredicate *p, FlowSlice field, FlowBadField *bad, int64_t *key)
{
	FlowTruth truth = read_integer(p, field, bad, key);

	if (truth != FLOW_TRUE)
		return truth;
	if (flow_unlikely(!flow_time_of_seconds(*key, key)))
	{
		/* the field is good, to_timestamp() is what fails: no case for NULL */
		*bad = (FlowBadField) {p->base.column, FLOW_OUT_OF_RANGE};
		return FLOW_ERROR;
	}
	return FLOW_TRUE;
}

static int64_t
unix_time_key(const FlowValue *constant)
{
	int64_t time = constant->integer;

	/*
	 * the infinities keep their values; the values next to them are not times
	 */
	if (time == INT64_MAX || time < INT64_MIN + FLOW_POSTGRES_EPOCH * 1000000)
		return time;
	return time - FLOW_POSTGRES_EPOCH * 1000000;
}

/* ---------- tests ---------- */

static inline bool
in_range(const KeyPredicate *p, int64_t key)
{
	return (uint64_t) key - p->low <= p->span;
}

/* The most common case, ports and protocols, with read_integer compiled in. */
static FlowTruth
test_integer_range(const FlowPredicate *predicate, const FlowSlice *fields, FlowBadField *bad)
{
	const KeyPredicate *p = (const KeyPredicate *) predicate;
	int64_t key;
	FlowTruth truth = read_integer(p, fields[p->base.column], bad, &key);

	return flow_likely(truth == FLOW_TRUE) ? p->base.verdict[in_range(p, key)] : truth;
}

static FlowTruth
test_range(const FlowPredicate *predicate, const FlowSlice *fields, FlowBadField *bad)
{
	const KeyPredicate *p = (const KeyPredicate *) predicate;
	int64_t key;
	FlowTruth truth = p->read(p, fields[p->base.column], bad, &key);

	return flow_likely(truth == FLOW_TRUE) ? p->base.verdict[in_range(p, key)] : truth;
}

static FlowTruth
test_dense_keys(const FlowPredicate *predicate, const FlowSlice *fields, FlowBadField *bad)
{
	const KeyPredicate *p = (const KeyPredicate *) predicate;
	int64_t key;
	uint64_t offset;
	FlowTruth truth = p->read(p, fields[p->base.column], bad, &key);

	if (flow_unlikely(truth != FLOW_TRUE))
		return truth;
	offset = (uint64_t) key - p->low;
	return p->base.verdict[offset <= p->span && (p->members[offset / 64] >> (offset % 64) & 1)];
}

/* Looks a key up in the hash table. */
static inline bool
has_key(const KeyPredicate *p, int64_t key)
{
	size_t mask = flow_filter_table_size(p->shift) - 1;

	for (size_t i = flow_filter_mix((uint64_t) key + p->seed) >> p->shift;; i = (i + 1) & mask)
	{
		if (p->slots[i] == key)
			return true;
		if (p->slots[i] == p->pivot)
			return false;
	}
}

static FlowTruth
test_sparse_keys(const FlowPredicate *predicate, const FlowSlice *fields, FlowBadField *bad)
{
	const KeyPredicate *p = (const KeyPredicate *) predicate;
	int64_t key;
	FlowTruth truth = p->read(p, fields[p->base.column], bad, &key);

	return flow_likely(truth == FLOW_TRUE) ? p->base.verdict[has_key(p, key)] : truth;
}

/* ---------- many records at once ---------- */

/*
 * Returns a number of 1 to 16 digits, all known to be digits, in at most two
 * steps of eight.  16 bytes are readable there.
 */
static inline uint64_t
digits_value(const char *data, uint32_t len)
{
	uint64_t high = 0;

	if (flow_unlikely(len > 8))
	{
		high = flow_eight_digits(flow_load_digits(data, len - 8)) * 100000000;
		data += len - 8;
		len = 8;
	}
	return high + flow_eight_digits(flow_load_digits(data, len));
}

/* the keys that a predicate compares with */
typedef enum KeySet
{
	KEY_RANGE,
	KEY_BITMAP,
	KEY_TABLE
} KeySet;

/*
 * The splitter has found which fields are all digits.  "scale" is the number
 * of keys for one of their units.  (A range of ports takes 2 ns per record
 * instead of 7; the mispredicted branch of a test that one in four passes
 * would cost as much again, hence "keeps".)
 */
static flow_always_inline size_t
select_digits(const KeyPredicate *p, const FlowBatch *batch, FlowSlice *fields, uint32_t *rows,
              size_t count, uint64_t scale, KeySet set)
{
	const uint32_t *next = batch->next + batch->place[p->base.column];
	const uint8_t *digits = batch->digits;
	uint32_t place = (uint32_t) batch->place[p->base.column];
	const char *data = batch->data;
	uint64_t low = p->low, span = p->span, most = p->most;
	size_t keeps[2] = {p->base.verdict[false] == FLOW_TRUE, p->base.verdict[true] == FLOW_TRUE};
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
	{
		uint32_t row = rows[i];
		uint32_t start, len, end;
		uint64_t number = 0;
		uint64_t offset;
		bool member;

		rows[kept] = row;
		if (flow_unlikely(row & FLOW_ROW_DOUBTFUL))
		{
			kept++;
			continue;
		}
		start = next[(ptrdiff_t) row - 1];
		len = next[row] - 1 - start;
		end = row + place;
		if (flow_unlikely(!(digits[end / 8] >> (end % 8) & 1) || len > FLOW_MAX_DIGITS ||
		                  (number = digits_value(data + start, len)) > most))
		{
			kept += flow_filter_test_row(&p->base, batch, fields, &rows[kept]);
			continue;
		}
		offset = number * scale - low;
		member = offset <= span;
		if (set == KEY_BITMAP)
			member = member && (p->members[offset / 64] >> (offset % 64) & 1);
		else if (set == KEY_TABLE)
			member = member && has_key(p, (int64_t) (number * scale));
		kept += keeps[member];
	}
	return kept;
}

static size_t
select_integer_range(const FlowPredicate *predicate, const FlowBatch *batch, FlowSlice *fields,
                     uint32_t *rows, size_t count)
{
	return select_digits(
		(const KeyPredicate *) predicate, batch, fields, rows, count, 1, KEY_RANGE);
}

static size_t
select_dense_integers(const FlowPredicate *predicate, const FlowBatch *batch, FlowSlice *fields,
                      uint32_t *rows, size_t count)
{
	return select_digits(
		(const KeyPredicate *) predicate, batch, fields, rows, count, 1, KEY_BITMAP);
}

static size_t
select_sparse_integers(const FlowPredicate *predicate, const FlowBatch *batch, FlowSlice *fields,
                       uint32_t *rows, size_t count)
{
	return select_digits(
		(const KeyPredicate *) predicate, batch, fields, rows, count, 1, KEY_TABLE);
}

static size_t
select_time_range(const FlowPredicate *predicate, const FlowBatch *batch, FlowSlice *fields,
                  uint32_t *rows, size_t count)
{
	return select_digits(
		(const KeyPredicate *) predicate, batch, fields, rows, count, 1000000, KEY_RANGE);
}

static size_t
select_sparse_times(const FlowPredicate *predicate, const FlowBatch *batch, FlowSlice *fields,
                    uint32_t *rows, size_t count)
{
	return select_digits(
		(const KeyPredicate *) predicate, batch, fields, rows, count, 1000000, KEY_TABLE);
}

/* Evaluates integers, or times in seconds, which no text is made of. */
static flow_always_inline size_t
select_values(const KeyPredicate *p, const int64_t *numbers, const uint8_t *present, uint32_t *rows,
              size_t count, int64_t scale)
{
	uint64_t low = p->low, span = p->span;
	bool range = p->members == NULL && p->slots == NULL;
	size_t keeps[2] = {p->base.verdict[false] == FLOW_TRUE, p->base.verdict[true] == FLOW_TRUE};
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
	{
		uint32_t row = rows[i], place = row & ~FLOW_ROW_MARKS;
		int64_t key = numbers[place] * scale;
		uint64_t offset = (uint64_t) key - low;
		bool member = offset <= span;

		if (flow_unlikely(!range) && member)
			member =
				p->members != NULL ? p->members[offset / 64] >> (offset % 64) & 1 : has_key(p, key);
		rows[kept] = row;
		kept += (keeps[member] & present[place]) | row >> 31;
	}
	return kept;
}

static size_t
select_integer_values(const FlowPredicate *predicate, const int64_t *numbers,
                      const uint8_t *present, uint32_t *rows, size_t count)
{
	return select_values((const KeyPredicate *) predicate, numbers, present, rows, count, 1);
}

static size_t
select_time_values(const FlowPredicate *predicate, const int64_t *numbers, const uint8_t *present,
                   uint32_t *rows, size_t count)
{
	return select_values((const KeyPredicate *) predicate, numbers, present, rows, count, 1000000);
}

/* ---------- intervals ---------- */

static int64_t
last_key(const KeyPredicate *p)
{
	return (int64_t) (p->low + p->span);
}

/* A set's table of more slots than this is not searched. */
#define SEARCHED_SLOTS 4096

/*
 * Returns true if a key of a set is, or may be, among those from low to high,
 * which are in its range.
 */
static bool
has_member(const KeyPredicate *p, int64_t low, int64_t high)
{
	size_t size;

	if (p->members != NULL)
	{
		uint64_t first = (uint64_t) low - p->low;
		uint64_t last = (uint64_t) high - p->low;

		for (uint64_t word = first / 64; word <= last / 64; word++)
		{
			uint64_t bits = p->members[word];

			if (word == first / 64)
				bits &= UINT64_MAX << (first % 64);
			if (word == last / 64)
				bits &= UINT64_MAX >> (63 - last % 64);
			if (bits != 0)
				return true;
		}
		return false;
	}
	size = p->slots == NULL ? SIZE_MAX : flow_filter_table_size(p->shift);
	if (size > SEARCHED_SLOTS)
		return true;
	for (size_t i = 0; i < size; i++)
		if (p->slots[i] >= low && p->slots[i] <= high)
			return true;
	return false;
}

/*
 * Returns the possible results of a predicate's range, or set, for keys from
 * low to high.
 */
static unsigned
range_outcomes(const KeyPredicate *p, int64_t low, int64_t high)
{
	bool is_set = p->members != NULL || p->slots != NULL;
	int64_t first = (int64_t) p->low;
	int64_t last = last_key(p);

	if (high < first || low > last)
		return 1;
	if (!is_set && low >= first && high <= last)
		return 2;
	return has_member(p, low > first ? low : first, high < last ? high : last) ? 3 : 1;
}

/* of a key that is the value itself */
static unsigned
key_outcomes(const FlowPredicate *predicate, int64_t low, int64_t high)
{
	const KeyPredicate *p = (const KeyPredicate *) predicate;

	return range_outcomes(p, low, high);
}

/* to_timestamp() grows with its argument */
static unsigned
unix_time_outcomes(const FlowPredicate *predicate, int64_t low, int64_t high)
{
	const KeyPredicate *p = (const KeyPredicate *) predicate;

	if (low < FLOW_FIRST_SECOND || high >= FLOW_END_SECOND)
		return 3;
	return range_outcomes(p,
	                      (low - FLOW_POSTGRES_EPOCH) * 1000000,
	                      (high - FLOW_POSTGRES_EPOCH) * 1000000);
}

/* ---------- values ---------- */

/* Finds the keys that match, which are integers themselves. */
static bool
find_integers(const FlowPredicate *predicate, FlowIndexRanges *ranges)
{
	const KeyPredicate *p = (const KeyPredicate *) predicate;
	size_t size = p->slots == NULL ? 0 : flow_filter_table_size(p->shift);

	if (ranges == NULL)
		return true;
	if (p->slots != NULL)
		flow_index_ranges_add_integers(ranges, p->pivot, p->pivot);
	else if (p->members == NULL)
		flow_index_ranges_add_integers(ranges, (int64_t) p->low, last_key(p));
	for (size_t i = 0; i < size && flow_index_ranges_go_on(ranges); i++)
		if (p->slots[i] != p->pivot)
			flow_index_ranges_add_integers(ranges, p->slots[i], p->slots[i]);
	for (uint64_t i = 0; p->members != NULL && i <= p->span; i++)
		if (p->members[i / 64] >> (i % 64) & 1)
			flow_index_ranges_add_integers(ranges, (int64_t) (p->low + i), (int64_t) (p->low + i));
	return true;
}

/* ---------- building ---------- */

/* How a column's fields, or the values of a view on them, become keys. */
typedef struct KeyKind
{
	ReadKey read;
	int64_t (*constant)(const FlowValue *constant);
	FlowTest test_range;
	FlowSelect select_range;
	FlowSelect select_dense;
	FlowSelect select_sparse;
	FlowSelectNumbers select_numbers;
	unsigned (*outcomes)(const FlowPredicate *predicate, int64_t low, int64_t high);
	bool (*find_values)(const FlowPredicate *predicate, FlowIndexRanges *ranges);
} KeyKind;

static const KeyKind integer_keys = {read_integer,
                                     integer_key,
                                     test_integer_range,
                                     select_integer_range,
                                     select_dense_integers,
                                     select_sparse_integers,
                                     select_integer_values,
                                     key_outcomes,
                                     find_integers};
static const KeyKind time_keys = {read_key_slowly,
                                  integer_key,
                                  test_range,
                                  select_time_range,
                                  NULL,
                                  select_sparse_times,
                                  select_time_values,
                                  key_outcomes,
                                  NULL};
static const KeyKind other_keys =
	{read_key_slowly, integer_key, test_range, NULL, NULL, NULL, NULL, key_outcomes, find_integers};
static const KeyKind double_keys =
	{read_as_double, real_key, test_range, NULL, NULL, NULL, NULL, NULL, NULL};
static const KeyKind unix_time_keys = {
	read_as_unix_time, unix_time_key, test_range, NULL, NULL, NULL, NULL, unix_time_outcomes, NULL};

/* by type and view; NULL: no such comparison */
static const KeyKind *const kinds[FLOW_OPAQUE + 1][FLOW_AS_UNIX_TIME + 1] = {
	[FLOW_INT16] = {&integer_keys, &double_keys, &unix_time_keys},
	[FLOW_INT32] = {&integer_keys, &double_keys, &unix_time_keys},
	[FLOW_INT64] = {&integer_keys, &double_keys, &unix_time_keys},
	[FLOW_BOOLEAN] = {&other_keys},
	[FLOW_TIME] = {&time_keys},
	[FLOW_DAY] = {&other_keys},
};

static const unsigned max_digits[FLOW_OPAQUE + 1] =
	{[FLOW_INT16] = 4, [FLOW_INT32] = 9, [FLOW_INT64] = 18};

/*
 * larger numbers are not values or, in times, are milliseconds (read_time_us
 * in value.c)
 */
static const uint64_t most[FLOW_OPAQUE + 1] = {[FLOW_INT16] = INT16_MAX,
                                               [FLOW_INT32] = INT32_MAX,
                                               [FLOW_INT64] = INT64_MAX,
                                               [FLOW_TIME] = INT32_MAX};

static KeyPredicate *
new_key(FlowFilter *filter, int column, const KeyKind *kind)
{
	const FlowColumn *definition = &filter->columns[column];
	KeyPredicate *p = (KeyPredicate *)
		flow_filter_new_leaf(filter, column, kind->test_range, sizeof(KeyPredicate));

	if (p == NULL)
		return NULL;
	p->read = kind->read;
	p->base.outcomes = kind->outcomes;
	p->base.find_values = kind->find_values;
	p->base.may_fail = kind->read == read_as_unix_time;

	/* unless digits may mean NULL */
	if (definition->null_text == NULL || definition->null_len == 0 ||
	    definition->null_text[0] < '0' || definition->null_text[0] > '9')
	{
		p->max_digits = max_digits[definition->type];
		p->most = most[definition->type];
		p->base.select = kind->select_range;
		p->base.select_numbers = kind->select_numbers;
	}
	return p;
}

/*
 * Makes a predicate true from "low" to "high", which is nowhere if low > high.
 */
static void
set_range(KeyPredicate *p, int64_t low, int64_t high)
{
	if (low > high)
	{
		/* no range of keys is empty: false within all of them */
		low = INT64_MIN;
		high = INT64_MAX;
		p->base.verdict[true] = FLOW_FALSE;
	}
	p->low = (uint64_t) low;
	p->span = (uint64_t) high - (uint64_t) low;
}

/* by operator: the keys that match begin, and end, at the constant */
static const struct
{
	bool from, to;
	bool equal; /* with it */
} ranges[] = {
	[FLOW_EQ] = {true, true, true},
	[FLOW_NE] = {true, true, true}, /* and these do not */
	[FLOW_LT] = {false, true, false},
	[FLOW_LE] = {false, true, true},
	[FLOW_GT] = {true, false, false},
	[FLOW_GE] = {true, false, true},
};

static FlowPredicate *
compare_keys(FlowFilter *filter, int column, const KeyKind *kind, FlowOp op, int64_t key)
{
	KeyPredicate *p = new_key(filter, column, kind);

	if (p == NULL)
		return NULL;
	if ((op == FLOW_LT && key == INT64_MIN) || (op == FLOW_GT && key == INT64_MAX))
		set_range(p, INT64_MAX, INT64_MIN);
	else
		set_range(p,
		          ranges[op].from ? key + !ranges[op].equal : INT64_MIN,
		          ranges[op].to ? key - !ranges[op].equal : INT64_MAX);
	if (op == FLOW_NE)
	{
		p->base.verdict[false] = FLOW_TRUE;
		p->base.verdict[true] = FLOW_FALSE;
	}
	return &p->base;
}

FlowPredicate *
flow_filter_key_merge(FlowFilter *filter, const FlowPredicate *a, const FlowPredicate *b)
{
	const KeyPredicate *x = (const KeyPredicate *) a;
	const KeyPredicate *y = (const KeyPredicate *) b;
	int64_t low, high;
	KeyPredicate *p;

	if (a->column != b->column || a->test != b->test ||
	    (a->test != test_range && a->test != test_integer_range) || x->read != y->read ||
	    a->verdict[true] != FLOW_TRUE || b->verdict[true] != FLOW_TRUE ||
	    a->verdict[false] != FLOW_FALSE || b->verdict[false] != FLOW_FALSE)
		return NULL;
	low = (int64_t) x->low > (int64_t) y->low ? (int64_t) x->low : (int64_t) y->low;
	high = last_key(x) < last_key(y) ? last_key(x) : last_key(y);
	p = (KeyPredicate *) flow_filter_new_leaf(filter, a->column, a->test, sizeof(KeyPredicate));
	if (p == NULL)
		return NULL;
	p->read = x->read;
	p->base.outcomes = a->outcomes;
	p->base.find_values = a->find_values;
	p->base.may_fail = a->may_fail;
	p->base.select = a->select;
	p->max_digits = x->max_digits;
	p->most = x->most;
	set_range(p, low, high);
	return &p->base;
}

static bool
fill_dense_keys(FlowFilter *filter, KeyPredicate *p, const KeyKind *kind,
                const FlowComparison *comparison)
{
	uint64_t *members = flow_filter_allocate_zeroed(filter, p->span / 64 + 1, sizeof(uint64_t));

	if (members == NULL)
		return false;
	for (size_t i = 0; i < comparison->count; i++)
	{
		uint64_t offset = (uint64_t) kind->constant(&comparison->constants[i]) - p->low;

		members[offset / 64] |= UINT64_C(1) << (offset % 64);
		if (!flow_filter_goes_on(filter, i))
			return false;
	}
	p->members = members;
	p->base.test = test_dense_keys;
	if (p->base.select != NULL)
		p->base.select = kind->select_dense;
	return true;
}

static bool
fill_sparse_keys(FlowFilter *filter, KeyPredicate *p, const KeyKind *kind,
                 const FlowComparison *comparison)
{
	int64_t pivot = kind->constant(&comparison->constants[0]);
	unsigned shift = flow_filter_table_shift(comparison->count);
	size_t size = flow_filter_table_size(shift);
	int64_t *slots = flow_filter_allocate(filter, size, sizeof(int64_t));

	if (slots == NULL)
		return false;
	for (size_t i = 0; i < size; i++)
	{
		slots[i] = pivot;
		if (!flow_filter_goes_on(filter, i))
			return false;
	}
	for (size_t i = 1; i < comparison->count; i++)
	{
		int64_t key = kind->constant(&comparison->constants[i]);
		size_t slot = flow_filter_mix((uint64_t) key + filter->seed) >> shift;

		while (slots[slot] != pivot && slots[slot] != key)
			slot = (slot + 1) & (size - 1);
		slots[slot] = key;
		if (!flow_filter_goes_on(filter, i))
			return false;
	}
	p->slots = slots;
	p->pivot = pivot;
	p->seed = filter->seed;
	p->shift = shift;
	p->base.test = test_sparse_keys;
	if (p->base.select != NULL)
		p->base.select = kind->select_sparse;
	return true;
}

/* FLOW_EQ ANY, or FLOW_NE ALL */
static FlowPredicate *
find_in_keys(FlowFilter *filter, int column, const KeyKind *kind, const FlowComparison *comparison)
{
	int64_t low = INT64_MAX;
	int64_t high = INT64_MIN;
	KeyPredicate *p;
	bool filled;

	for (size_t i = 0; i < comparison->count; i++)
	{
		int64_t key = kind->constant(&comparison->constants[i]);

		low = key < low ? key : low;
		high = key > high ? key : high;
		if (!flow_filter_goes_on(filter, i))
			return NULL;
	}
	if (low == high)
		return compare_keys(filter, column, kind, comparison->op, low);
	p = new_key(filter, column, kind);
	if (p == NULL)
		return NULL;
	p->low = (uint64_t) low;
	p->span = (uint64_t) high - (uint64_t) low;
	if (p->span <= DENSE_SPAN)
		filled = fill_dense_keys(filter, p, kind, comparison);
	else
		filled = fill_sparse_keys(filter, p, kind, comparison);
	if (!filled)
		return NULL;
	if (comparison->op == FLOW_NE)
	{
		p->base.verdict[false] = FLOW_TRUE;
		p->base.verdict[true] = FLOW_FALSE;
	}
	p->base.cost += FLOW_FILTER_COST_SET;
	return &p->base;
}

/* Makes a predicate that is the same for every key; a view may still fail. */
static FlowPredicate *
same_for_keys(FlowFilter *filter, int column, const KeyKind *kind, FlowTruth truth)
{
	KeyPredicate *p = new_key(filter, column, kind);

	if (p == NULL)
		return NULL;
	set_range(p, INT64_MIN, INT64_MAX);
	p->base.verdict[false] = p->base.verdict[true] = truth;
	return &p->base;
}

/* "arg" is their KeyKind. */
static int
compare_constants(const void *a, const void *b, const void *arg)
{
	const KeyKind *kind = arg;
	int64_t x = kind->constant(a);
	int64_t y = kind->constant(b);

	return (x > y) - (x < y);
}

FlowPredicate *
flow_filter_key(FlowFilter *filter, int column, const FlowComparison *comparison)
{
	const KeyKind *kind = kinds[filter->columns[column].type][comparison->view];
	const FlowValue *constant;

	if (kind == NULL || comparison->op > FLOW_GE)
		return NULL;
	switch (flow_filter_reduce(filter, comparison, compare_constants, kind, &constant))
	{
		case FLOW_REDUCED_TO_ONE:
			return compare_keys(filter, column, kind, comparison->op, kind->constant(constant));
		case FLOW_REDUCED_TO_SET:
			return find_in_keys(filter, column, kind, comparison);
		case FLOW_REDUCED_TO_FALSE:
			return same_for_keys(filter, column, kind, FLOW_FALSE);
		case FLOW_REDUCED_TO_TRUE:
			return same_for_keys(filter, column, kind, FLOW_TRUE);
		case FLOW_NOT_REDUCED:
			break;
	}
	return NULL;
}
