/*-------------------------------------------------------------------------
 *
 * top.c
 *	  The best n: drops records that cannot be among the first n of an order.
 *
 * A key becomes a rank, a number of 64 bits: of two keys, the one that comes
 * first has the lower rank, or both have the same.  Different keys may have
 * the same rank, such as texts with the same first bytes.  A record is dropped
 * if n others have a lower rank, so it never matters that ranks are coarse.
 * The n lowest ranks are in a heap whose first element is the highest of them.
 *
 *-------------------------------------------------------------------------
 */
#include "expression.h"
#include "top.h"

#include <string.h>

/*
 * A run is not longer than this after a record without a known key has cut one
 * short, so that no more than that is evaluated again for each such record.
 */
#define SHORT_RUN 16

struct FlowTop
{
	const FlowHost *host;
	FlowExpressions *expressions;
	FlowExpression *key;
	FlowType type;
	bool descending;
	int64_t null_rank;
	size_t most; /* records of the next run */

	size_t count;    /* ranks wanted; 0: all records stay */
	size_t used;     /* ranks in the heap */
	size_t capacity; /* for which there is memory */
	int64_t *heap;
	int64_t worst; /* the first in the heap if it is full, else FLOW_TOP_LAST */
	int64_t ranks[FLOW_RUN];
};

/* ---------- ranks ---------- */

static inline int64_t
number_rank(int64_t number)
{
	return number;
}

/* The first bytes of a text, as a number. */
static inline int64_t
text_rank(const FlowSlice *text)
{
	uint64_t rank = 0;

	for (size_t i = 0; i < sizeof(rank); i++)
		rank = rank << 8 | (i < text->len ? (uint8_t) text->data[i] : 0);
	return (int64_t) (rank ^ (UINT64_C(1) << 63));
}

/*
 * The family and the first 63 bits of an address, without those after its
 * prefix length: inet compares common prefixes first, then prefix lengths.
 */
static inline int64_t
address_rank(const FlowAddress *address)
{
	unsigned bits = address->bits < 63 ? address->bits : 63;
	uint64_t rank = 0;

	for (int i = 0; i < 8; i++)
		rank = rank << 8 | address->bytes[i];
	if (bits == 0)
		rank = 0;
	else
		rank &= UINT64_MAX << (64 - bits);
	rank = rank >> 1 | (address->family == 6 ? UINT64_C(1) << 63 : 0);
	return (int64_t) (rank ^ (UINT64_C(1) << 63));
}

static inline int64_t
ordered(const FlowTop *top, int64_t rank)
{
	return flow_top_ordered(top->descending, rank);
}

static int64_t
value_rank(const FlowTop *top, const FlowValue *value)
{
	if (flow_type_is_number(top->type))
		return ordered(top, number_rank(value->integer));
	return ordered(top,
	               top->type == FLOW_TEXT ? text_rank(&value->text)
	                                      : address_rank(&value->address));
}

/* Ranks the records of a run, which one without a known key cuts short. */
static void
rank_run(FlowTop *top, FlowRun *run)
{
	const FlowVector *keys = &top->key->vector;

	flow_expressions_begin_run(top->expressions);
	flow_expression_evaluate(top->key, run, NULL);
	for (size_t i = 0; i < run->count; i++)
	{
		if (!keys->present[i])
			top->ranks[i] = top->null_rank;
		else if (keys->numbers != NULL)
			top->ranks[i] = ordered(top, number_rank(keys->numbers[i]));
		else
			top->ranks[i] = ordered(top,
			                        keys->texts != NULL ? text_rank(&keys->texts[i])
			                                            : address_rank(&keys->addresses[i]));
	}
}

/* ---------- the heap ---------- */

/* Moves a rank from the end towards the first element. */
static void
add_to_heap(FlowTop *top, int64_t rank)
{
	size_t place = top->used++;

	while (place > 0 && top->heap[(place - 1) / 2] < rank)
	{
		top->heap[place] = top->heap[(place - 1) / 2];
		place = (place - 1) / 2;
	}
	top->heap[place] = rank;
}

/* Replaces the highest rank by a lower one. */
static void
replace_worst(FlowTop *top, int64_t rank)
{
	size_t place = 0;

	for (;;)
	{
		size_t child = 2 * place + 1;

		if (child >= top->used)
			break;
		if (child + 1 < top->used && top->heap[child + 1] > top->heap[child])
			child++;
		if (top->heap[child] <= rank)
			break;
		top->heap[place] = top->heap[child];
		place = child;
	}
	top->heap[place] = rank;
}

/* Notes a rank, and returns true if its record stays. */
static inline bool
take_rank(FlowTop *top, int64_t rank)
{
	if (flow_likely(rank >= top->worst) && top->used == top->count)
		return rank == top->worst;
	if (top->used < top->count)
		add_to_heap(top, rank);
	else
		replace_worst(top, rank);
	if (top->used == top->count)
		top->worst = top->heap[0];
	return true;
}

/* ---------- records ---------- */

bool
flow_top_takes(FlowTop *top, const FlowValue *key)
{
	return top->count == 0 || take_rank(top, key != NULL ? value_rank(top, key) : top->null_rank);
}

bool
flow_top_may_take(const FlowTop *top, const FlowValue *low, const FlowValue *high)
{
	return top->count == 0 || value_rank(top, top->descending ? high : low) <= top->worst;
}

bool
flow_top_order(const FlowTop *top, FlowTopOrder *order)
{
	*order = (FlowTopOrder) {top->worst, top->null_rank, top->descending};
	return top->count > 0 && top->used == top->count && flow_type_is_number(top->type);
}

size_t
flow_top_select(FlowTop *top, const FlowBatch *batch, uint32_t *rows)
{
	size_t done = 0;
	size_t kept = 0;

	if (top->count == 0)
		return batch->count;
	while (done < batch->count)
	{
		size_t left = batch->count - done;
		FlowRun run = {.batch = batch, .first = done, .count = left < top->most ? left : top->most};

		rank_run(top, &run);
		for (size_t i = 0; i < run.count; i++)
		{
			if (!take_rank(top, top->ranks[i]))
				continue;
			if (rows != NULL)
				rows[kept] = rows[done + i];
			kept++;
		}
		done += run.count;
		if (run.status == FLOW_OK)
		{
			top->most = 2 * top->most < FLOW_RUN ? 2 * top->most : FLOW_RUN;
			continue;
		}

		/* the next record's key is not known */
		if (rows != NULL)
			rows[kept] = rows[done];
		kept++;
		done++;
		top->most = SHORT_RUN;
	}
	return kept;
}

void
flow_top_mark(const FlowTop *top, bool *fields, bool *vectors)
{
	if (top == NULL || top->expressions == NULL)
		return;
	flow_expressions_mark(top->expressions, &(FlowColumnMarks) {fields, vectors, fields});
}

/* ---------- the life of it ---------- */

bool
flow_top_has_order(FlowType type)
{
	return flow_type_is_number(type) || type == FLOW_TEXT || type == FLOW_ADDRESS ||
	       type == FLOW_NETWORK;
}

FlowStatus
flow_top_create(const FlowTopSpec *spec, FlowTop **top, FlowError *error)
{
	FlowTop *made = flow_allocate(spec->host, sizeof(FlowTop));

	*top = NULL;
	if (made == NULL)
		return flow_error_memory(error);
	*made = (FlowTop) {
		.host = spec->host,
		.expressions = spec->expressions,
		.key = spec->key,
		.type = spec->type,
		.descending = spec->descending,
		.null_rank = spec->nulls_first ? FLOW_TOP_FIRST : FLOW_TOP_LAST,
		.most = FLOW_RUN,
	};
	*top = made;
	return FLOW_OK;
}

void
flow_top_free(FlowTop *top)
{
	if (top == NULL)
		return;
	flow_free(top->host, top->heap);
	flow_free(top->host, top);
}

FlowStatus
flow_top_begin(FlowTop *top, size_t count, FlowError *error)
{
	top->count = top->used = 0;
	top->worst = FLOW_TOP_LAST;
	top->most = FLOW_RUN;
	if (count == 0 || count > top->capacity)
	{
		flow_free(top->host, top->heap);
		top->heap = NULL;
		top->capacity = 0;
	}
	if (count > top->capacity)
	{
		top->heap = flow_allocate(top->host, count * FLOW_TOP_SIZE);
		if (top->heap == NULL)
			return flow_error_memory(error);
		top->capacity = count;
	}
	top->count = count;
	return FLOW_OK;
}
