/*-------------------------------------------------------------------------
 *
 * filter_batch.c
 *	  Applies the filter to many records at once: one conjunct after the other,
 *	  each to the rows that are left.
 *
 * A conjunct that is a leaf, or an OR of some leaves, may have a function that
 * evaluates a batch without a call for each record; the others are evaluated
 * record by record.  Where the only column of a conjunct has codes, it is
 * evaluated once for each entry that occurs.  Their order is learned from the
 * first records of the scan: the conjunct that drops the most records for its
 * cost is evaluated first.
 *
 *-------------------------------------------------------------------------
 */
#include "filter.h"
#include "lines.h"
#include "memo.h"
#include "selector.h"
#include "sort.h"
#include "vector.h"

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

	/* by code: a Verdict; of the entries with a serial */
	uint8_t *verdicts;
	size_t nverdicts;
	uint64_t serial;
} Conjunct;

/* What becomes of rows with an entry; the first two are the truth. */
typedef enum Verdict
{
	VERDICT_DROP,
	VERDICT_KEEP,
	VERDICT_UNKNOWN,
	VERDICT_DOUBT
} Verdict;

struct FlowSelector
{
	const FlowHost *host;
	const FlowFilter *filter;
	size_t work;       /* nodes evaluated since the last check for an interrupt */
	bool interrupted;  /* it wants to stop */
	FlowStatus status; /* of a column that could not be loaded */
	size_t learned;    /* records; from LEARN_FROM on the order is fixed */
	size_t count;
	FlowSlice *fields;  /* by column: of the record that is evaluated by itself */
	uint32_t *learning; /* a copy of the rows */
	FlowMemo *memo;     /* of values that its predicates use; NULL: none is used */
	uint32_t *saved;    /* with a memo: the rows before they are evaluated */
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

static inline bool
has_stopped(const FlowSelector *selector)
{
	return selector->interrupted || selector->status != FLOW_OK;
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

/*
 * Makes room for the verdicts on entries; those on other entries than before
 * are not known.
 */
static bool
prepare_verdicts(FlowSelector *selector, Conjunct *conjunct, const FlowCodes *codes)
{
	size_t count = codes->count + 1; /* that of no value may be left out */

	if (conjunct->serial == codes->serial)
		return true;
	if (conjunct->nverdicts < count)
	{
		flow_free(selector->host, conjunct->verdicts);
		conjunct->nverdicts = 0;
		conjunct->verdicts = flow_allocate(selector->host, count);
		if (conjunct->verdicts == NULL)
		{
			selector->status = FLOW_NO_MEMORY;
			return false;
		}
		conjunct->nverdicts = count;
	}
	memset(conjunct->verdicts, VERDICT_UNKNOWN, count);
	conjunct->serial = codes->serial;
	return true;
}

/*
 * Evaluates a conjunct for an entry of its column.  The verdict is not known
 * while the host's value is needed, or awaited.
 */
static Verdict
judge_entry(FlowSelector *selector, const Conjunct *conjunct, FlowSlice entry)
{
	const FlowPredicate *predicate = conjunct->predicate;
	FlowBadField bad = {-1, FLOW_OK};
	uint32_t row = 0;
	bool keeps;

	selector->fields[conjunct->columns[0]] = entry;
	keeps = flow_filter_keeps(predicate->test(predicate, selector->fields, &bad), &bad, &row);
	selector->interrupted |= bad.status == FLOW_INTERRUPTED;
	if (bad.status == FLOW_NEED_VALUE || flow_memo_awaits(selector->memo))
		return VERDICT_UNKNOWN;
	if (!keeps)
		return VERDICT_DROP;
	return row & FLOW_ROW_DOUBTFUL ? VERDICT_DOUBT : VERDICT_KEEP;
}

/* Evaluates a conjunct for rows whose column has codes. */
static size_t
select_by_codes(FlowSelector *selector, Conjunct *conjunct, const FlowCodes *codes, uint32_t *rows,
                size_t count)
{
	size_t weight = conjunct->predicate->weight;
	const uint32_t *by_row = codes->codes;
	uint8_t *verdicts;
	size_t kept = 0;

	if (!prepare_verdicts(selector, conjunct, codes))
		return count;
	verdicts = conjunct->verdicts;
	for (size_t i = 0; i < count; i++)
	{
		uint32_t row = rows[i];
		uint32_t code = by_row[row & ~FLOW_ROW_MARKS];
		uint8_t verdict = verdicts[code];

		if (flow_unlikely(verdict == VERDICT_UNKNOWN))
		{
			if (!goes_on(selector, weight))
				return count;
			verdict = (uint8_t) judge_entry(selector, conjunct, codes->entries[code]);
			verdicts[code] = verdict;
		}
		if (flow_unlikely(verdict >= VERDICT_UNKNOWN))
		{
			row |= FLOW_ROW_DOUBTFUL;
			verdict = VERDICT_KEEP;
		}
		rows[kept] = row;
		kept += verdict | row >> 31;
	}
	return kept;
}

/* What a conjunct of a single column can be evaluated by, instead of by fields. */
typedef struct Values
{
	const FlowCodes *codes; /* NULL: not by codes */
	const int64_t *numbers; /* NULL: not by numbers */
	const uint8_t *present;
} Values;

/*
 * Finds the numbers of a conjunct's only column.  One that is required is
 * checked by its fields.
 */
static FlowStatus
find_numbers(const FlowSelector *selector, const Conjunct *conjunct, const FlowBatch *batch,
             Values *values)
{
	const FlowColumn *columns = selector->filter->columns;
	int column = conjunct->columns[0];

	if (conjunct->predicate->select_numbers == NULL || columns[column].not_null)
		return FLOW_OK;
	return flow_vector_numbers(columns, column, batch, &values->numbers, &values->present);
}

/*
 * Makes the columns of a conjunct ready; *values is set if it can be evaluated
 * by those of its only column.
 */
static bool
load_columns(FlowSelector *selector, const Conjunct *conjunct, const FlowBatch *batch,
             uint32_t *rows, size_t count, Values *values)
{
	FlowStatus status = FLOW_OK;
	bool found;

	*values = (Values) {NULL, NULL, NULL};
	if (batch->loader == NULL)
		return true;
	if (conjunct->ncolumns == 1)
		status = flow_batch_codes(batch, conjunct->columns[0], &values->codes);
	if (conjunct->ncolumns == 1 && values->codes == NULL && status == FLOW_OK)
		status = find_numbers(selector, conjunct, batch, values);
	found = values->codes != NULL || values->numbers != NULL;
	for (int i = 0; i < conjunct->ncolumns && !found && status == FLOW_OK; i++)
		if (conjunct->predicate->by_vectors)
			status = flow_vector_load(selector->filter->columns,
			                          conjunct->columns[i],
			                          batch,
			                          rows,
			                          count);
		else
			status = flow_batch_load(batch, conjunct->columns[i], rows, count);
	selector->status = status;
	return status == FLOW_OK;
}

static size_t
select_rows(FlowSelector *selector, Conjunct *conjunct, const FlowBatch *batch, uint32_t *rows,
            size_t count)
{
	const FlowPredicate *predicate = conjunct->predicate;
	Values values;

	if (!load_columns(selector, conjunct, batch, rows, count, &values) ||
	    ((values.codes != NULL || values.numbers != NULL) && !goes_on(selector, count)))
		return count;
	if (values.codes != NULL)
		return select_by_codes(selector, conjunct, values.codes, rows, count);
	if (values.numbers != NULL)
		return predicate->select_numbers(predicate, values.numbers, values.present, rows, count);
	if (predicate->select == NULL ||
	    (predicate->column >= 0 && batch->place[predicate->column] < 0))
		return select_singly(selector, conjunct, batch, rows, count);
	return goes_on(selector, count)
	           ? predicate->select(predicate, batch, selector->fields, rows, count)
	           : count;
}

/* Finds out which rows pass, if that is known by codes. */
bool
flow_selector_find_truths(FlowSelector *selector, const FlowBatch *batch, const uint32_t *rows,
                          size_t count, int64_t *truths)
{
	bool first = true;

	for (size_t i = 0; i < selector->count; i++)
	{
		Conjunct *conjunct = &selector->conjuncts[i];
		const FlowCodes *codes = NULL;
		const uint32_t *code;
		const uint8_t *verdicts;
		unsigned all = 0;

		if (conjunct->ncolumns != 1 ||
		    flow_batch_codes(batch, conjunct->columns[0], &codes) != FLOW_OK || codes == NULL ||
		    conjunct->serial != codes->serial)
			return false;
		code = codes->codes;
		verdicts = conjunct->verdicts;
		if (first)
			for (size_t j = 0; j < count; j++)
			{
				uint8_t verdict = verdicts[code[rows[j]]];

				truths[j] = verdict & 1;
				all |= verdict;
			}
		else
			for (size_t j = 0; j < count; j++)
			{
				uint8_t verdict = verdicts[code[rows[j]]];

				truths[j] &= verdict;
				all |= verdict;
			}
		if (all >= VERDICT_UNKNOWN)
			return false;
		first = false;
	}
	return !first && goes_on(selector, count);
}

/* Returns true if a conjunct drops all rows, whichever of the entries they have. */
static bool
drops_all(FlowSelector *selector, Conjunct *conjunct, const FlowCodes *entries)
{
	if (!prepare_verdicts(selector, conjunct, entries))
		return false;
	for (size_t i = 0; i < entries->count; i++)
	{
		uint8_t *verdict = &conjunct->verdicts[i];

		if (*verdict == VERDICT_UNKNOWN)
		{
			if (!goes_on(selector, conjunct->predicate->weight))
				return false;
			*verdict = (uint8_t) judge_entry(selector, conjunct, entries->entries[i]);
		}
		if (*verdict != VERDICT_DROP)
			return false;
	}
	return !has_stopped(selector);
}

/* A search for values by the batch's loader. */
typedef struct LoaderSearch
{
	FlowSearch base;
	FlowSelector *selector;
	const FlowBatchLoader *loader;
	bool asked, unknown; /* whether it was asked, and did not always know */
} LoaderSearch;

static bool
may_have(FlowSearch *base, int column, FlowOp op, const FlowValue *constants, size_t count)
{
	LoaderSearch *search = (LoaderSearch *) base;
	FlowSelector *selector = search->selector;
	FlowFound found = FLOW_FOUND_UNKNOWN;

	if (has_stopped(selector))
		return true;
	if (op == FLOW_EQ)
		selector->status =
			search->loader->find(search->loader->arg, column, constants, count, &found);
	search->asked = true;
	search->unknown |= found == FLOW_FOUND_UNKNOWN;
	return found != FLOW_FOUND_NONE;
}

/*
 * Finds out whether all records lack what a conjunct looks for.  Returns true
 * if its columns' entries need not be read to know it.
 */
static bool
finds_none(FlowSelector *selector, const Conjunct *conjunct, const FlowBatch *batch, bool *none)
{
	LoaderSearch search = {{may_have}, selector, batch->loader, false, false};

	*none = !flow_filter_may_find(conjunct->predicate, &search.base) && !has_stopped(selector);
	return *none || (search.asked && !search.unknown);
}

/* Finds out whether the values that a column has exclude all records. */
FlowStatus
flow_selector_exclude(FlowSelector *selector, const FlowBatch *batch, bool *excluded)
{
	*excluded = false;
	for (size_t i = 0; i < selector->count && !*excluded && !has_stopped(selector); i++)
	{
		Conjunct *conjunct = &selector->conjuncts[i];
		FlowCodes entries = {.count = 0};

		if (finds_none(selector, conjunct, batch, excluded) || conjunct->ncolumns != 1)
			continue;
		selector->status =
			batch->loader->entries(batch->loader->arg, conjunct->columns[0], &entries);
		if (selector->status == FLOW_OK && entries.entries != NULL)
			*excluded = drops_all(selector, conjunct, &entries);
	}
	return selector->interrupted ? FLOW_INTERRUPTED : selector->status;
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
	for (size_t i = 0; i < selector->count && !has_stopped(selector); i++)
	{
		Conjunct *conjunct = &selector->conjuncts[i];

		/* it keeps its place, and is costly */
		if (conjunct->predicate->may_fail)
			continue;
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

	/*
	 * While values are awaited, fewer rows may be left than there will be, and
	 * what later conjuncts read is loaded once, for the rows that are left.
	 */
	for (size_t i = 0; i<selector->count && * count> 0 && !has_stopped(selector) &&
	                   !flow_memo_awaits(selector->memo);
	     i++)
		*count = select_rows(selector, &selector->conjuncts[i], batch, rows, *count);
	return selector->interrupted ? FLOW_INTERRUPTED : selector->status;
}

FlowStatus
flow_selector_apply_first(FlowSelector *selector, const FlowBatch *batch, uint32_t *rows,
                          size_t *count)
{
	size_t before = *count;
	FlowStatus status;

	if (selector->memo == NULL)
		return flow_selector_apply(selector, batch, rows, count);
	memcpy(selector->saved, rows, before * sizeof(uint32_t));
	flow_memo_gather(selector->memo, true);
	status = flow_selector_apply(selector, batch, rows, count);
	flow_memo_gather(selector->memo, false);
	if (status != FLOW_OK || !flow_memo_awaits(selector->memo))
		return status;
	memcpy(rows, selector->saved, before * sizeof(uint32_t));
	*count = before;
	return FLOW_NEED_VALUE;
}

/* Marks the columns that are read of rows: see load_columns. */
void
flow_selector_mark(const FlowSelector *selector, const FlowColumnMarks *marks)
{
	for (size_t i = 0; i < selector->count; i++)
	{
		const Conjunct *conjunct = &selector->conjuncts[i];
		bool *used = conjunct->ncolumns == 1           ? marks->codes
		             : conjunct->predicate->by_vectors ? marks->vectors
		                                               : marks->fields;

		for (int j = 0; j < conjunct->ncolumns; j++)
			used[conjunct->columns[j]] = true;
	}
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
add_column(ColumnSearch *search, int column)
{
	if (search->seen[column] == search->predicate)
		return;
	search->seen[column] = search->predicate;
	if (search->columns != NULL)
		search->columns[search->count] = column;
	search->count++;
}

static void
add_columns(void *arg, const FlowPredicate *leaf)
{
	ColumnSearch *search = arg;

	if (!goes_on(search->selector, 1))
		return;
	if (leaf->column >= 0)
		add_column(search, leaf->column);
	for (int i = 0; i < leaf->ncolumns; i++)
		add_column(search, leaf->columns[i]);
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
		flow_filter_visit_leaves(conjunct->predicate, add_columns, &search);
		conjunct->ncolumns = (int) (search.count - before);
		if (columns != NULL)
			conjunct->columns = columns + before;
	}
	return search.count;
}

/*
 * A predicate that waits for its value, or may fail, stays after those before
 * it, and before those after it: an error is raised for the record for which
 * PostgreSQL raises it, or for none.
 */
static void
set_conjuncts(FlowSelector *selector, const FlowPredicate *const *predicates)
{
	bool stayed = false;
	size_t segment = 0;

	for (size_t i = 0; i < selector->count; i++)
	{
		bool stays = flow_filter_waits(predicates[i]) || predicates[i]->may_fail;

		segment += stays || stayed;
		selector->conjuncts[i].predicate = predicates[i];
		selector->conjuncts[i].segment = segment;
		stayed = stays;
	}
}

FlowStatus
flow_selector_create(const FlowHost *host, const FlowFilter *filter, size_t max_rows,
                     FlowSelector **created)
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
	memory = flow_allocate(host, head + fields + seen + max_rows * sizeof(uint32_t));
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
	selector->memo = flow_filter_memo(filter);
	if (selector->memo != NULL)
		selector->saved = flow_allocate(host, max_rows * sizeof(uint32_t));
	if (selector->columns == NULL || selector->interrupted ||
	    (selector->memo != NULL && selector->saved == NULL))
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
	for (size_t i = 0; i < selector->count; i++)
		flow_free(selector->host, selector->conjuncts[i].verdicts);
	flow_free(selector->host, selector->columns);
	flow_free(selector->host, selector->saved);
	flow_free(selector->host, selector);
}
