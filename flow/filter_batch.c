/*-------------------------------------------------------------------------
 *
 * filter_batch.c
 *	  Applies the filter to many records at once: one conjunct after the other,
 *	  each to the rows that are left.
 *
 * A conjunct that is a leaf, or an OR of some leaves, may have a function that
 * evaluates a batch without a call for each record; the others are evaluated
 * record by record.  Where the only column of a conjunct has codes, it is
 * evaluated once for each entry that occurs; so is each branch of an OR.  The
 * order of conjuncts is learned from the first records of the scan: the one
 * that drops the most records for its cost is evaluated first.
 *
 *-------------------------------------------------------------------------
 */
#include "filter.h"
#include "lines.h"
#include "memo.h"
#include "selector_state.h"
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

/* What becomes of rows with an entry; the first two are the truth. */
typedef enum Verdict
{
	VERDICT_DROP,
	VERDICT_KEEP,
	VERDICT_UNKNOWN,
	VERDICT_DOUBT
} Verdict;

/* ---------- judging ---------- */

static inline bool
has_stopped(const FlowSelector *selector)
{
	return selector->interrupted || selector->status != FLOW_OK;
}

static size_t
select_singly(FlowSelector *selector, const FlowConjunct *conjunct, const FlowBatch *batch,
              uint32_t *rows, size_t count)
{
	const FlowPredicate *predicate = conjunct->predicate;
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
	{
		FlowBadField bad = {-1, FLOW_OK};
		uint32_t row = rows[i];

		if (!(row & FLOW_ROW_DOUBTFUL) && flow_selector_goes_on(selector, predicate->weight))
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
prepare_verdicts(FlowSelector *selector, FlowConjunct *conjunct, const FlowCodes *codes)
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
judge_entry(FlowSelector *selector, const FlowConjunct *conjunct, FlowSlice entry)
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
select_by_codes(FlowSelector *selector, FlowConjunct *conjunct, const FlowCodes *codes,
                uint32_t *rows, size_t count)
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
			if (!flow_selector_goes_on(selector, weight))
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

/*
 * Evaluates an OR for rows whose columns have codes, those of each branch.
 * The first branch that does not drop a row decides.
 */
static size_t
select_by_branches(FlowSelector *selector, FlowConjunct *conjunct, const FlowCodes *const *codes,
                   uint32_t *rows, size_t count)
{
	size_t kept = 0;

	for (size_t b = 0; b < conjunct->nbranches; b++)
		if (!prepare_verdicts(selector, &conjunct->branches[b], codes[b]))
			return count;
	for (size_t i = 0; i < count; i++)
	{
		uint32_t row = rows[i];
		uint8_t verdict = VERDICT_DROP;

		for (size_t b = 0; b < conjunct->nbranches && verdict == VERDICT_DROP; b++)
		{
			FlowConjunct *branch = &conjunct->branches[b];
			uint32_t code = codes[b]->codes[row & ~FLOW_ROW_MARKS];

			verdict = branch->verdicts[code];
			if (flow_likely(verdict != VERDICT_UNKNOWN))
				continue;
			if (!flow_selector_goes_on(selector, branch->predicate->weight))
				return count;
			verdict = (uint8_t) judge_entry(selector, branch, codes[b]->entries[code]);
			branch->verdicts[code] = verdict;
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

/*
 * Finds the codes of an OR's branches.  codes[0] becomes NULL if one of them
 * has none.
 */
static bool
find_branch_codes(FlowSelector *selector, const FlowConjunct *conjunct, const FlowBatch *batch,
                  const FlowCodes **codes)
{
	codes[0] = NULL;
	for (size_t b = 0; b < conjunct->nbranches && batch->loader != NULL; b++)
	{
		codes[b] = NULL;
		selector->status = flow_batch_codes(batch, conjunct->branches[b].columns[0], &codes[b]);
		if (selector->status != FLOW_OK || codes[b] == NULL)
		{
			codes[0] = NULL;
			break;
		}
	}
	return selector->status == FLOW_OK;
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
find_numbers(const FlowSelector *selector, const FlowConjunct *conjunct, const FlowBatch *batch,
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
load_columns(FlowSelector *selector, const FlowConjunct *conjunct, const FlowBatch *batch,
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
select_rows(FlowSelector *selector, FlowConjunct *conjunct, const FlowBatch *batch, uint32_t *rows,
            size_t count)
{
	const FlowPredicate *predicate = conjunct->predicate;
	const FlowCodes *codes[FLOW_BRANCHES_MAX];
	Values values;

	if (!find_branch_codes(selector, conjunct, batch, codes))
		return count;
	if (codes[0] != NULL)
		return flow_selector_goes_on(selector, count)
		           ? select_by_branches(selector, conjunct, codes, rows, count)
		           : count;
	if (!load_columns(selector, conjunct, batch, rows, count, &values) ||
	    ((values.codes != NULL || values.numbers != NULL) &&
	     !flow_selector_goes_on(selector, count)))
		return count;
	if (values.codes != NULL)
		return select_by_codes(selector, conjunct, values.codes, rows, count);
	if (values.numbers != NULL)
		return predicate->select_numbers(predicate, values.numbers, values.present, rows, count);
	if (predicate->select == NULL ||
	    (predicate->column >= 0 && batch->place[predicate->column] < 0))
		return select_singly(selector, conjunct, batch, rows, count);
	return flow_selector_goes_on(selector, count)
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
		FlowConjunct *conjunct = &selector->conjuncts[i];
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
	return !first && flow_selector_goes_on(selector, count);
}

/* Returns true if a conjunct drops all rows, whichever of the entries they have. */
static bool
drops_all(FlowSelector *selector, FlowConjunct *conjunct, const FlowCodes *entries)
{
	if (!prepare_verdicts(selector, conjunct, entries))
		return false;
	for (size_t i = 0; i < entries->count; i++)
	{
		uint8_t *verdict = &conjunct->verdicts[i];

		if (*verdict == VERDICT_UNKNOWN)
		{
			if (!flow_selector_goes_on(selector, conjunct->predicate->weight))
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
finds_none(FlowSelector *selector, const FlowConjunct *conjunct, const FlowBatch *batch, bool *none)
{
	LoaderSearch search = {{may_have}, selector, batch->loader, false, false};

	*none = !flow_filter_may_find(conjunct->predicate, &search.base) && !has_stopped(selector);
	return *none || (search.asked && !search.unknown);
}

/* Returns true if a conjunct drops all records, as its column has no other entries. */
static bool
entries_exclude(FlowSelector *selector, FlowConjunct *conjunct, const FlowBatch *batch)
{
	FlowCodes entries = {.count = 0};

	if (has_stopped(selector))
		return false;
	selector->status = batch->loader->entries(batch->loader->arg, conjunct->columns[0], &entries);
	return selector->status == FLOW_OK && entries.entries != NULL &&
	       drops_all(selector, conjunct, &entries);
}

/* Finds out whether the values that a column has exclude all records. */
FlowStatus
flow_selector_exclude(FlowSelector *selector, const FlowBatch *batch, bool *excluded)
{
	*excluded = false;
	for (size_t i = 0; i < selector->count && !*excluded && !has_stopped(selector); i++)
	{
		FlowConjunct *conjunct = &selector->conjuncts[i];

		if (finds_none(selector, conjunct, batch, excluded))
			continue;
		if (conjunct->ncolumns == 1)
			*excluded = entries_exclude(selector, conjunct, batch);
		for (size_t b = 0; b < conjunct->nbranches; b++)
			if (!(*excluded = entries_exclude(selector, &conjunct->branches[b], batch)))
				break;
	}
	return selector->interrupted ? FLOW_INTERRUPTED : selector->status;
}

/* ---------- the order ---------- */

/*
 * Returns a conjunct's cost for each record that it drops; the unit does not
 * matter.
 */
static double
price(const FlowConjunct *conjunct, size_t records)
{
	double cost =
		conjunct->predicate->cost + 1 + (conjunct->predicate->select == NULL ? COST_SINGLE : 0);
	double dropped = (double) (records - conjunct->kept) / (double) records;

	return dropped > 0 ? cost / dropped : cost * 1e9;
}

static int
compare_prices(const void *a, const void *b, const void *arg)
{
	const FlowConjunct *left = a;
	const FlowConjunct *right = b;
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
		FlowConjunct *conjunct = &selector->conjuncts[i];

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
	              sizeof(FlowConjunct),
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
