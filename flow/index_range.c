/*-------------------------------------------------------------------------
 *
 * index_range.c
 *	  Collects ranges of keys, sorts and merges them.
 *
 *-------------------------------------------------------------------------
 */
#include "index_range.h"
#include "sort.h"

#define STEPS_A_LOOK 1024
#define FIRST_ROOM 16

/* ---------- collecting ---------- */

void
flow_index_ranges_begin(FlowIndexRanges *ranges, const FlowHost *host)
{
	*ranges = (FlowIndexRanges) {.host = host, .form = FLOW_INDEX_ANY_FORM};
}

void
flow_index_ranges_free(FlowIndexRanges *ranges)
{
	flow_free(ranges->host, ranges->numbers);
	flow_free(ranges->host, ranges->texts);
}

bool
flow_index_ranges_go_on(FlowIndexRanges *ranges)
{
	if (++ranges->steps % STEPS_A_LOOK == 0 && ranges->status == FLOW_OK &&
	    flow_interrupted(ranges->host))
		ranges->status = FLOW_INTERRUPTED;
	return ranges->status == FLOW_OK;
}

/* Sees to it that an array has room for one more item; returns false if it has not. */
static bool
make_room(FlowIndexRanges *ranges, void **items, size_t *room, size_t count, size_t size)
{
	size_t more = *room == 0 ? FIRST_ROOM : 2 * *room;
	void *larger;

	if (!flow_index_ranges_go_on(ranges))
		return false;
	if (count < *room)
		return true;
	larger = flow_allocate(ranges->host, more * size);
	if (larger == NULL)
	{
		ranges->status = FLOW_NO_MEMORY;
		return false;
	}
	if (count > 0)
		memcpy(larger, *items, count * size);
	flow_free(ranges->host, *items);
	*items = larger;
	*room = more;
	return true;
}

void
flow_index_ranges_add(FlowIndexRanges *ranges, FlowIndexKind kind, uint64_t from_high,
                      uint64_t from_low, uint64_t to_high, uint64_t to_low)
{
	if (make_room(ranges,
	              (void **) &ranges->numbers,
	              &ranges->numbers_room,
	              ranges->nnumbers,
	              sizeof(FlowIndexNumbers)))
		ranges->numbers[ranges->nnumbers++] =
			(FlowIndexNumbers) {kind, from_high, from_low, to_high, to_low};
}

void
flow_index_ranges_add_kind(FlowIndexRanges *ranges, FlowIndexKind kind)
{
	flow_index_ranges_add(ranges, kind, 0, 0, 0, 0);
}

void
flow_index_ranges_add_integers(FlowIndexRanges *ranges, int64_t from, int64_t to)
{
	flow_index_ranges_add(ranges,
	                      FLOW_INDEX_INTEGER,
	                      0,
	                      flow_index_integer(from),
	                      0,
	                      flow_index_integer(to));
}

static void
add_text(FlowIndexRanges *ranges, FlowSlice text, bool prefix)
{
	if (make_room(ranges,
	              (void **) &ranges->texts,
	              &ranges->texts_room,
	              ranges->ntexts,
	              sizeof(FlowIndexText)))
		ranges->texts[ranges->ntexts++] = (FlowIndexText) {text, prefix};
}

/* Returns up to 8 bytes as a number. */
static uint64_t
number_of(const unsigned char *bytes, size_t count)
{
	uint64_t number = 0;

	for (size_t i = 0; i < count; i++)
		number = number << 8 | bytes[i];
	return number;
}

void
flow_index_ranges_add_text(FlowIndexRanges *ranges, FlowSlice text)
{
	FlowIndexKey key;

	add_text(ranges, text, false);
	if (!flow_index_key_of_address(text, &key))
		return;
	if (key.bytes[0] == FLOW_INDEX_IPV4)
		flow_index_ranges_add(ranges,
		                      FLOW_INDEX_IPV4,
		                      0,
		                      flow_index_ipv4(&key),
		                      0,
		                      flow_index_ipv4(&key));
	else
	{
		uint64_t high = number_of(key.bytes + 1, 8), low = number_of(key.bytes + 9, 8);

		flow_index_ranges_add(ranges, FLOW_INDEX_IPV6, high, low, high, low);
	}
}

/*
 * Reads the numbers at the beginning of a dotted quad that end with a dot, at
 * most three; returns how many there are.
 */
static unsigned
whole_numbers(FlowSlice text, uint32_t *address)
{
	unsigned count = 0;

	*address = 0;
	for (size_t i = 0; count < 3; i++)
	{
		size_t begin = i;
		unsigned number = 0;

		for (; i < text.len && i - begin < 3 && text.data[i] >= '0' && text.data[i] <= '9'; i++)
			number = number * 10 + (unsigned) (text.data[i] - '0');
		if (i == begin || i == text.len || text.data[i] != '.' || number > 255 ||
		    (text.data[begin] == '0' && i - begin > 1))
			break;
		*address |= number << (24 - 8 * count++);
	}
	return count;
}

void
flow_index_ranges_add_prefix(FlowIndexRanges *ranges, FlowSlice prefix)
{
	uint32_t address;
	unsigned count = whole_numbers(prefix, &address);

	add_text(ranges, prefix, true);
	if (count == 0)
		ranges->form = FLOW_INDEX_AS_TEXT;
	else
		flow_index_ranges_add(ranges,
		                      FLOW_INDEX_IPV4,
		                      0,
		                      address,
		                      0,
		                      address | UINT32_MAX >> 8 * count);
}

/* ---------- sorting ---------- */

static int
compare_pairs(uint64_t a_high, uint64_t a_low, uint64_t b_high, uint64_t b_low)
{
	if (a_high != b_high)
		return a_high < b_high ? -1 : 1;
	return (a_low > b_low) - (a_low < b_low);
}

static int
compare_numbers(const void *a, const void *b, const void *arg)
{
	const FlowIndexNumbers *x = a, *y = b;

	(void) arg;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return compare_pairs(x->from_high, x->from_low, y->from_high, y->from_low);
}

static int
compare_texts(const void *a, const void *b, const void *arg)
{
	(void) arg;
	return flow_text_compare(((const FlowIndexText *) a)->text, ((const FlowIndexText *) b)->text);
}

FlowStatus
flow_index_ranges_sort(FlowIndexRanges *ranges)
{
	if (ranges->status == FLOW_OK)
		ranges->status = flow_sort(ranges->host,
		                           ranges->numbers,
		                           ranges->nnumbers,
		                           sizeof(FlowIndexNumbers),
		                           compare_numbers,
		                           NULL);
	if (ranges->status == FLOW_OK)
		ranges->status = flow_sort(ranges->host,
		                           ranges->texts,
		                           ranges->ntexts,
		                           sizeof(FlowIndexText),
		                           compare_texts,
		                           NULL);
	return ranges->status;
}

/* ---------- returning ---------- */

/* Returns true if numbers begin within others, or just after them. */
static bool
continues(const FlowIndexNumbers *numbers, const FlowIndexNumbers *next)
{
	uint64_t low = numbers->to_low + 1;
	uint64_t high = numbers->to_high + (low == 0);

	if (next->kind != numbers->kind)
		return false;
	if (low == 0 && high == 0) /* they end with the last number */
		return true;
	return compare_pairs(next->from_high, next->from_low, high, low) <= 0;
}

static void
next_numbers(FlowIndexRanges *ranges, FlowIndexRange *next)
{
	FlowIndexNumbers merged = ranges->numbers[ranges->numbers_done++];

	for (; ranges->numbers_done < ranges->nnumbers; ranges->numbers_done++)
	{
		const FlowIndexNumbers *more = &ranges->numbers[ranges->numbers_done];

		if (!continues(&merged, more))
			break;
		if (compare_pairs(more->to_high, more->to_low, merged.to_high, merged.to_low) > 0)
		{
			merged.to_high = more->to_high;
			merged.to_low = more->to_low;
		}
	}
	flow_index_set_key(&next->from, merged.kind, merged.from_high, merged.from_low);
	flow_index_set_key(&next->to, merged.kind, merged.to_high, merged.to_low);
}

/* Sets the greatest key of a text, or of those that begin with it. */
static void
set_last_key(FlowIndexKey *key, const FlowIndexText *text)
{
	flow_index_set_text(key, text->text);
	if (!text->prefix)
		return;
	memset(key->bytes + key->len, 0xFF, (size_t) FLOW_INDEX_KEY_SIZE - key->len);
	key->len = FLOW_INDEX_KEY_SIZE;
}

static void
next_texts(FlowIndexRanges *ranges, FlowIndexRange *next)
{
	const FlowIndexText *text = &ranges->texts[ranges->texts_done++];

	flow_index_set_text(&next->from, text->text);
	set_last_key(&next->to, text);
	for (; ranges->texts_done < ranges->ntexts; ranges->texts_done++)
	{
		FlowIndexKey key;

		text = &ranges->texts[ranges->texts_done];
		flow_index_set_text(&key, text->text);
		if (flow_index_key_compare(&key, &next->to) > 0)
			break;
		set_last_key(&key, text);
		if (flow_index_key_compare(&key, &next->to) > 0)
			next->to = key;
	}
}

/* No column has both texts and integers, whose keys come after those of texts. */
size_t
flow_index_ranges_next(FlowIndexRanges *ranges, FlowIndexRange *next, size_t room)
{
	size_t count = 0;

	while (count < room && ranges->numbers_done < ranges->nnumbers)
		next_numbers(ranges, &next[count++]);
	while (count < room && ranges->texts_done < ranges->ntexts)
		next_texts(ranges, &next[count++]);
	return count;
}

/* ---------- networks ---------- */

/* Adds the addresses of a network. */
static void
add_network(FlowIndexRanges *ranges, const FlowAddress *network)
{
	unsigned bits = network->bits;

	if (network->family == 4)
	{
		uint64_t address = number_of(network->bytes, 4), hosts = UINT32_MAX;

		hosts = bits < 32 ? hosts >> bits : 0;
		flow_index_ranges_add(ranges, FLOW_INDEX_IPV4, 0, address & ~hosts, 0, address | hosts);
	}
	else
	{
		uint64_t high = number_of(network->bytes, 8), low = number_of(network->bytes + 8, 8);
		uint64_t high_hosts = bits < 64 ? UINT64_MAX >> bits : 0;
		uint64_t low_hosts = bits <= 64 ? UINT64_MAX : bits < 128 ? UINT64_MAX >> (bits - 64) : 0;

		flow_index_ranges_add(ranges,
		                      FLOW_INDEX_IPV6,
		                      high & ~high_hosts,
		                      low & ~low_hosts,
		                      high | high_hosts,
		                      low | low_hosts);
	}
}

FlowStatus
flow_index_network_ranges(const FlowHost *host, const FlowAddress *networks, size_t count,
                          FlowIndexRange *ranges, size_t *nranges)
{
	FlowIndexRanges all;
	FlowStatus status;

	flow_index_ranges_begin(&all, host);
	for (size_t i = 0; i < count && flow_index_ranges_go_on(&all); i++)
		add_network(&all, &networks[i]);
	status = flow_index_ranges_sort(&all);
	if (status == FLOW_OK)
		*nranges = flow_index_ranges_next(&all, ranges, count);
	flow_index_ranges_free(&all);
	return status;
}
