/*-------------------------------------------------------------------------
 *
 * filter_batch.c
 *	  Applies the filter to many records at once: one conjunct after the other,
 *	  each to the rows that are left.
 *
 * A conjunct that is a leaf may have a function that evaluates a batch without
 * a call for each record; the others are evaluated record by record.  Their
 * order is learned from the first records of the scan: the conjunct that drops
 * the most records for its cost is evaluated first.
 *
 *-------------------------------------------------------------------------
 */
#include "filter.h"
#include "lines.h"
#include "selector.h"
#include "sort.h"

#include <string.h>

/*
 * Every conjunct evaluates this number of records, to learn how many it drops.
 */
#define LEARN_FROM 4096

/*
 * additional cost of evaluating record by record, in the unit of
 * FlowPredicate.cost
 */
#define COST_SINGLE 8

/* nodes evaluated between two checks for an interrupt */
#define NODES_A_LOOK 65536

typedef struct Conjunct
{
	const FlowPredicate *predicate;
	const int *columns; /* those it uses */
	int ncolumns;
	size_t segment; /* conjuncts may change places within a segment */
	size_t kept;    /* of the records learned from */
} Conjunct;

struct FlowSelector
{
	const FlowHost *host;
	const FlowFilter *filter;
	size_t work;      /* nodes evaluated since the last check for an interrupt */
	bool interrupted; /* it wants to stop */
	size_t learned;   /* records; from LEARN_FROM on the order is fixed */
	size_t count;
	FlowSlice *fields;  /* by column: of the record that is evaluated by itself */
	uint32_t *learning; /* a copy of the rows, at most FLOW_SPLIT_MAX */
	int *columns;       /* those of all conjuncts, one after the other */
	Conjunct conjuncts[];
};

/* ---------- judging ---------- */

/*
 * Counts nodes that are evaluated; returns false once the host wants to stop.
 */
static inline bool
goes_on(FlowSelector *selector, size_t nodes)
{
	selector->work += nodes;
	if (flow_unlikely(selector->work >= NODES_A_LOOK))
	{
		selector->work = 0;
		selector->interrupted = flow_interrupted(selector->host);
	}
	return !selector->interrupted;
}

static size_t
select_singly(FlowSelector *selector, const Conjunct *conjunct, const FlowBatch *batch,
              uint32_t *rows, size_t count)
{
	const FlowPredicate *predicate = conjunct->predicate;
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
	{
		FlowBadField bad = {-1, FLOW_OK};
		uint32_t row = rows[i];

		if (!(row & FLOW_ROW_DOUBTFUL) && goes_on(selector, predicate->weight))
		{
			for (int j = 0; j < conjunct->ncolumns; j++)
			{
				int column = conjunct->columns[j];
				int place = batch->place[column];

				selector->fields[column] = place < 0
				                               ? flow_batch_constant(batch, column)
				                               : flow_filter_field(batch, row, (uint32_t) place);
			}
			if (!flow_filter_keeps(predicate->test(predicate, selector->fields, &bad), &bad, &row))
				continue;
			selector->interrupted |= bad.status == FLOW_INTERRUPTED;
		}
		rows[kept++] = row;
	}
	return kept;
}

static size_t
select_rows(FlowSelector *selector, const Conjunct *conjunct, const FlowBatch *batch,
            uint32_t *rows, size_t count)
{
	const FlowPredicate *predicate = conjunct->predicate;

	if (predicate->select == NULL || batch->place[predicate->column] < 0)
		return select_singly(selector, conjunct, batch, rows, count);
	return goes_on(selector, count)
	           ? predicate->select(predicate, batch, selector->fields, rows, count)
	           : count;
}

/* ---------- the order ---------- */

/*
 * Returns a conjunct's cost for each record that it drops; the unit does not
 * matter.
 */
static double
price(const Conjunct *conjunct, size_t records)
{
	double cost =
		conjunct->predicate->cost + 1 + (conjunct->predicate->select == NULL ? COST_SINGLE : 0);
	double dropped = (double) (records - conjunct->kept) / (double) records;

	return dropped > 0 ? cost / dropped : cost * 1e9;
}

static int
compare_prices(const void *a, const void *b, const void *arg)
{
	const Conjunct *left = a;
	const Conjunct *right = b;
	size_t records = *(const size_t *) arg;
	double x = price(left, records);
	double y = price(right, records);

	if (left->segment != right->segment)
		return left->segment < right->segment ? -1 : 1;
	return (x > y) - (x < y);
}

static void
learn(FlowSelector *selector, const FlowBatch *batch, const uint32_t *rows, size_t count)
{
	for (size_t i = 0; i < selector->count && !selector->interrupted; i++)
	{
		Conjunct *conjunct = &selector->conjuncts[i];

		memcpy(selector->learning, rows, count * sizeof(uint32_t));
		conjunct->kept += select_rows(selector, conjunct, batch, selector->learning, count);
	}
	selector->learned += count;

	/* without memory for it, they are in some other order */
	if (flow_sort(selector->host,
	              selector->conjuncts,
	              selector->count,
	              sizeof(Conjunct),
	              compare_prices,
	              &selector->learned) == FLOW_INTERRUPTED)
		selector->interrupted = true;
}

FlowStatus
flow_selector_apply(FlowSelector *selector, const FlowBatch *batch, uint32_t *rows, size_t *count)
{
	if (selector->count > 1 && *count > 0 && selector->learned < LEARN_FROM)
		learn(selector, batch, rows, *count);
	for (size_t i = 0; i<selector->count && * count> 0 && !selector->interrupted; i++)
		*count = select_rows(selector, &selector->conjuncts[i], batch, rows, *count);
	return selector->interrupted ? FLOW_INTERRUPTED : FLOW_OK;
}

/* ---------- building ---------- */

/* Collects the columns that predicates use, each once. */
typedef struct ColumnSearch
{
	FlowSelector *selector;
	size_t predicate; /* which one, from 1 */
	size_t *seen;     /* by column: the last predicate that uses it */
	int *columns;     /* those found; NULL: they are only counted */
	size_t count;
} ColumnSearch;

static void
add_column(void *arg, const FlowPredicate *leaf)
{
	ColumnSearch *search = arg;

	if (!goes_on(search->selector, 1) || search->seen[leaf->column] == search->predicate)
		return;
	search->seen[leaf->column] = search->predicate;
	if (search->columns != NULL)
		search->columns[search->count] = leaf->column;
	search->count++;
}

/*
 * Finds the columns of all conjuncts and returns their number; stores them in
 * "columns" unless that is NULL.
 */
static size_t
find_columns(FlowSelector *selector, size_t *seen, int *columns)
{
	ColumnSearch search = {.selector = selector, .seen = seen, .columns = columns};

	memset(seen, 0, (size_t) selector->filter->ncolumns * sizeof(size_t));
	for (size_t i = 0; i < selector->count; i++)
	{
		Conjunct *conjunct = &selector->conjuncts[i];
		size_t before = search.count;

		search.predicate = i + 1;
		flow_filter_visit_leaves(conjunct->predicate, add_column, &search);
		conjunct->ncolumns = (int) (search.count - before);
		if (columns != NULL)
			conjunct->columns = columns + before;
	}
	return search.count;
}

/*
 * A predicate that waits for its value stays after those before it, and before
 * those after it.
 */
static void
set_conjuncts(FlowSelector *selector, const FlowPredicate *const *predicates)
{
	bool waited = false;
	size_t segment = 0;

	for (size_t i = 0; i < selector->count; i++)
	{
		bool waits = flow_filter_waits(predicates[i]);

		segment += waits || waited;
		selector->conjuncts[i].predicate = predicates[i];
		selector->conjuncts[i].segment = segment;
		waited = waits;
	}
}

FlowStatus
flow_selector_create(const FlowHost *host, const FlowFilter *filter, FlowSelector **created)
{
	const FlowPredicate *const *predicates = NULL;
	size_t ncolumns = (size_t) filter->ncolumns;
	size_t fields = ncolumns * sizeof(FlowSlice);
	size_t seen = (ncolumns + 1) * sizeof(size_t);
	size_t head;
	FlowSelector *selector;
	char *memory;

	*created = NULL;

	/*
	 * the reason why it could not be built is reported by evaluation record by
	 * record
	 */
	if (filter->root == NULL)
		return FLOW_NO_MEMORY;

	head = sizeof(FlowSelector) + flow_filter_conjuncts(filter, &predicates) * sizeof(Conjunct);
	memory = flow_allocate(host, head + fields + seen + FLOW_SPLIT_MAX * sizeof(uint32_t));
	if (memory == NULL)
		return FLOW_NO_MEMORY;
	memset(memory, 0, head + fields);
	selector = (FlowSelector *) memory;
	selector->host = host;
	selector->filter = filter;
	selector->count = flow_filter_conjuncts(filter, &predicates);
	selector->fields = (FlowSlice *) (memory + head);
	selector->learning = (uint32_t *) (memory + head + fields + seen);
	set_conjuncts(selector, predicates);
	selector->columns =
		flow_allocate(host,
	                  (find_columns(selector, (size_t *) (memory + head + fields), NULL) + 1) *
	                      sizeof(int));
	if (selector->columns != NULL)
		(void) find_columns(selector, (size_t *) (memory + head + fields), selector->columns);
	if (selector->columns == NULL || selector->interrupted)
	{
		FlowStatus status = selector->interrupted ? FLOW_INTERRUPTED : FLOW_NO_MEMORY;

		flow_selector_free(selector);
		return status;
	}
	*created = selector;
	return FLOW_OK;
}

void
flow_selector_free(FlowSelector *selector)
{
	if (selector == NULL)
		return;
	flow_free(selector->host, selector->columns);
	flow_free(selector->host, selector);
}
