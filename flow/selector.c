/*-------------------------------------------------------------------------
 *
 * selector.c
 *	  Makes selectors: conjuncts, their columns, and the branches of ORs.
 *
 *-------------------------------------------------------------------------
 */
#include "selector_state.h"

#include <string.h>

/* ---------- columns ---------- */

/* Marks the columns that are read of rows: see load_columns. */
void
flow_selector_mark(const FlowSelector *selector, const FlowColumnMarks *marks)
{
	for (size_t i = 0; i < selector->count; i++)
	{
		const FlowConjunct *conjunct = &selector->conjuncts[i];
		bool *used = conjunct->ncolumns == 1           ? marks->codes
		             : conjunct->predicate->by_vectors ? marks->vectors
		                                               : marks->fields;

		for (int j = 0; j < conjunct->ncolumns; j++)
			used[conjunct->columns[j]] = true;
	}
}

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

	if (!flow_selector_goes_on(search->selector, 1))
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
		FlowConjunct *conjunct = &selector->conjuncts[i];
		size_t before = search.count;

		search.predicate = i + 1;
		flow_filter_visit_leaves(conjunct->predicate, add_columns, &search);
		conjunct->ncolumns = (int) (search.count - before);
		if (columns != NULL)
			conjunct->columns = columns + before;
	}
	return search.count;
}

/* Notes the only column of a predicate, or that there are several. */
static void
note_column(void *arg, const FlowPredicate *leaf)
{
	int *column = arg;

	if (leaf->column < 0 || (*column != FLOW_NO_COLUMN && *column != leaf->column))
		*column = FLOW_ANY_COLUMN;
	else if (*column == FLOW_NO_COLUMN)
		*column = leaf->column;
}

/*
 * Sets the branches of a conjunct, from "branches" on, unless that is NULL;
 * returns their number.
 */
static size_t
find_branches(const FlowConjunct *conjunct, FlowConjunct *branches)
{
	const FlowFilterList *list = flow_filter_list(conjunct->predicate);

	/* an entry is evaluated although no record may come to it */
	if (list == NULL || list->decides != FLOW_TRUE || list->count > FLOW_BRANCHES_MAX ||
	    conjunct->ncolumns < 2 || list->base.may_fail || flow_filter_waits(&list->base))
		return 0;
	for (size_t i = 0; i < list->count; i++)
	{
		const int *place = conjunct->columns;
		int column = FLOW_NO_COLUMN;

		flow_filter_visit_leaves(list->children[i], note_column, &column);
		if (column < 0)
			return 0;
		while (*place != column)
			place++;
		if (branches != NULL)
			branches[i] =
				(FlowConjunct) {.predicate = list->children[i], .columns = place, .ncolumns = 1};
	}
	return list->count;
}

/* Allocates and sets the branches of all conjuncts; false if memory is short. */
static bool
make_branches(FlowSelector *selector)
{
	size_t size, next = 0;

	for (size_t i = 0; i < selector->count; i++)
	{
		selector->conjuncts[i].nbranches = find_branches(&selector->conjuncts[i], NULL);
		selector->nbranches += selector->conjuncts[i].nbranches;
	}
	size = selector->nbranches * sizeof(FlowConjunct);
	selector->branches = flow_allocate(selector->host, size + 1);
	if (selector->branches == NULL)
	{
		selector->nbranches = 0;
		return false;
	}
	memset(selector->branches, 0, size);
	for (size_t i = 0; i < selector->count; i++)
	{
		FlowConjunct *conjunct = &selector->conjuncts[i];

		conjunct->branches = selector->branches + next;
		if (conjunct->nbranches > 0)
			next += find_branches(conjunct, conjunct->branches);
	}
	return true;
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

	head = sizeof(FlowSelector) + flow_filter_conjuncts(filter, &predicates) * sizeof(FlowConjunct);
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
	if (selector->columns == NULL || selector->interrupted || !make_branches(selector) ||
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
	for (size_t i = 0; i < selector->nbranches; i++)
		flow_free(selector->host, selector->branches[i].verdicts);
	flow_free(selector->host, selector->branches);
	flow_free(selector->host, selector->columns);
	flow_free(selector->host, selector->saved);
	flow_free(selector->host, selector);
}
