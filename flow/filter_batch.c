/*-------------------------------------------------------------------------
 *
 * filter_batch.c
 *	  The filter on many records at once: one conjunct after the other, each on
 *	  the rows that are left.
 *
 * A conjunct that is a leaf may know how to judge a batch without a call for each record;
 * the others are judged record by record.  In which order they come is learned from the
 * first records of the scan: what drops most for its cost comes first.
 *
 *-------------------------------------------------------------------------
 */
#include "filter.h"

#include <string.h>

/* So many records are judged by every conjunct, to learn how many it drops. */
#define LEARN_FROM 4096

/* what judging record by record costs more, in the unit of FlowPredicate.cost */
#define COST_SINGLE 8

typedef struct Conjunct
{
	const FlowPredicate *predicate;
	const int *columns; /* those it looks at */
	int ncolumns;
	bool waits;  /* for a value: it stays after those before it, and before those after it */
	size_t kept; /* of the records learned from */
} Conjunct;

struct FlowSelector
{
	const FlowFilter *filter;
	size_t learned; /* records; from LEARN_FROM on the order stands */
	size_t count;
	FlowSlice *fields;  /* by column: of the record that is judged by itself */
	uint32_t *learning; /* a copy of the rows, at most FLOW_SPLIT_MOST */
	Conjunct conjuncts[];
};

/* ---------- judging ---------- */

static size_t
select_singly(const FlowSelector *selector, const Conjunct *conjunct, const FlowBatch *batch, uint32_t *rows, size_t count)
{
	const FlowPredicate *predicate = conjunct->predicate;
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
	{
		FlowBadField bad = {-1, FLOW_OK};
		uint32_t row = rows[i];

		if (!(row & FLOW_ROW_DOUBTFUL))
		{
			for (int j = 0; j < conjunct->ncolumns; j++)
			{
				int column = conjunct->columns[j];
				int place = batch->place[column];

				selector->fields[column] = place < 0 ? flow_batch_constant(batch, column) : flow_filter_field(batch, row, (uint32_t) place);
			}
			if (!flow_filter_keeps(predicate->test(predicate, selector->fields, &bad), &bad, &row))
				continue;
		}
		rows[kept++] = row;
	}
	return kept;
}

static size_t
select_rows(const FlowSelector *selector, const Conjunct *conjunct, const FlowBatch *batch, uint32_t *rows, size_t count)
{
	const FlowPredicate *predicate = conjunct->predicate;

	if (predicate->select != NULL && batch->place[predicate->column] >= 0)
		return predicate->select(predicate, batch, selector->fields, rows, count);
	return select_singly(selector, conjunct, batch, rows, count);
}

/* ---------- the order ---------- */

/* What a conjunct costs for each record that it drops; the unit does not matter. */
static double
price(const Conjunct *conjunct, size_t records)
{
	double cost = conjunct->predicate->cost + 1 + (conjunct->predicate->select == NULL ? COST_SINGLE : 0);
	double dropped = (double) (records - conjunct->kept) / (double) records;

	return dropped > 0 ? cost / dropped : cost * 1e9;
}

static void
put_in_order(FlowSelector *selector)
{
	for (size_t i = 1; i < selector->count; i++)
	{
		Conjunct conjunct = selector->conjuncts[i];
		size_t place = i;

		for (; place > 0 && !conjunct.waits && !selector->conjuncts[place - 1].waits; place--)
		{
			if (price(&selector->conjuncts[place - 1], selector->learned) <= price(&conjunct, selector->learned))
				break;
			selector->conjuncts[place] = selector->conjuncts[place - 1];
		}
		selector->conjuncts[place] = conjunct;
	}
}

static void
learn(FlowSelector *selector, const FlowBatch *batch, const uint32_t *rows, size_t count)
{
	for (size_t i = 0; i < selector->count; i++)
	{
		Conjunct *conjunct = &selector->conjuncts[i];

		memcpy(selector->learning, rows, count * sizeof(uint32_t));
		conjunct->kept += select_rows(selector, conjunct, batch, selector->learning, count);
	}
	selector->learned += count;
	put_in_order(selector);
}

size_t
flow_selector_apply(FlowSelector *selector, const FlowBatch *batch, uint32_t *rows, size_t count)
{
	if (selector->count > 1 && count > 0 && selector->learned < LEARN_FROM)
		learn(selector, batch, rows, count);
	for (size_t i = 0; i < selector->count && count > 0; i++)
		count = select_rows(selector, &selector->conjuncts[i], batch, rows, count);
	return count;
}

/* ---------- building ---------- */

/* The columns that a predicate looks at, each once. */
typedef struct ColumnList
{
	int *columns;
	int count;
} ColumnList;

static void
add_column(void *arg, const FlowPredicate *leaf)
{
	ColumnList *list = arg;

	for (int i = 0; i < list->count; i++)
		if (list->columns[i] == leaf->column)
			return;
	list->columns[list->count++] = leaf->column;
}

FlowSelector *
flow_selector_create(const FlowHost *host, const FlowFilter *filter)
{
	const FlowPredicate *const *predicates = NULL;
	size_t count = filter->root == NULL ? 0 : flow_filter_conjuncts(filter, &predicates);
	size_t ncolumns = (size_t) filter->ncolumns;
	size_t head = sizeof(FlowSelector) + count * sizeof(Conjunct);
	size_t fields = ncolumns * sizeof(FlowSlice);
	size_t columns = count * ncolumns * sizeof(int);
	FlowSelector *selector;
	char *memory;

	/* memory was short when the filter was built: to be told by those who judge record by record */
	if (filter->root == NULL)
		return NULL;

	memory = flow_allocate(host, head + fields + columns + FLOW_SPLIT_MOST * sizeof(uint32_t));
	if (memory == NULL)
		return NULL;
	memset(memory, 0, head + fields + columns);
	selector = (FlowSelector *) memory;
	selector->filter = filter;
	selector->count = count;
	selector->fields = (FlowSlice *) (memory + head);
	selector->learning = (uint32_t *) (memory + head + fields + columns);
	for (size_t i = 0; i < count; i++)
	{
		ColumnList list = {(int *) (memory + head + fields) + i * ncolumns, 0};

		flow_filter_visit_leaves(predicates[i], add_column, &list);
		selector->conjuncts[i] = (Conjunct) {predicates[i], list.columns, list.count, flow_filter_waits(predicates[i]), 0};
	}
	return selector;
}
