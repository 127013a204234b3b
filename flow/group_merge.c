/*-------------------------------------------------------------------------
 *
 * group_merge.c
 *	  Adds packed groups to others: those of distinct values to those of their
 *	  keys, those of all keys to those of several sets of keys, and rows to those of
 *	  a table.
 *
 *-------------------------------------------------------------------------
 */
#include "group.h"

#include <string.h>

/* Rows that are merged into a table, at most FLOW_RUN. */
typedef struct Source
{
	const FlowPackedTotal *totals; /* where they are in each row */
	int naggregates;               /* which are the first ones of the table's, too */
	uint64_t *rows[FLOW_RUN];
	size_t count;

	/* of the table's other aggregates, those that "distinct" has of this value are added to */
	const FlowDistinct *distinct; /* NULL: there are none */
	int value;
	const uint8_t *present;
	const int64_t *numbers;
} Source;

/* Returns true if the totals of an aggregate, one of the source's, are merged. */
static bool
merges_totals(const Source *source)
{
	/* each group comes once for each value */
	return source->value == 0;
}

/* Returns true if an aggregate, none of the source's, is of the source's distinct values. */
static bool
adds_values(const Source *source, int a)
{
	return source->distinct->of[a - source->naggregates] == source->value;
}

/* ---------- rows to rows ---------- */

/*
 * Makes sure that the sums of the table have room for those of the rows.  What
 * is noted although they are not merged does no harm.
 */
static bool
has_room(FlowGroups *groups, const Source *source)
{
	FlowPacked *packed = groups->packed;
	uint64_t most = source->numbers != NULL ? source->count : 0;
	int64_t numbers[FLOW_RUN];

	if (flow_packed_is_empty(packed))
		flow_packed_forget_bounds(groups);
	for (int a = 0; a < source->naggregates && merges_totals(source); a++)
	{
		const FlowPackedTotal *total = &source->totals[a];
		uint64_t counts = 0;

		for (size_t i = 0; i < source->count; i++)
			counts += *flow_packed_count(source->rows[i], total);
		most = counts > most ? counts : most;
		if (groups->spec.aggregates[a].kind != FLOW_SUM)
			continue;
		for (size_t i = 0; i < source->count; i++)
			numbers[i] = (int64_t) *flow_packed_value(source->rows[i], total);
		if (!flow_packed_raise(groups, a, numbers, source->count))
			return false;
	}
	for (int a = source->naggregates; a < groups->spec.naggregates; a++)
		if (groups->spec.aggregates[a].kind == FLOW_SUM && adds_values(source, a) &&
		    !flow_packed_raise(groups, a, source->numbers, source->count))
			return false;
	packed->records += most;
	return packed->records <= UINT32_MAX;
}

/* Merges an aggregate's totals, "from" being where they are in the source. */
static void
merge_total(const FlowGroups *groups, int a, const Source *source, size_t count)
{
	const FlowPacked *packed = groups->packed;
	const FlowPackedTotal *from = &source->totals[a], *into = &packed->totals[a];
	FlowAggregateKind kind = groups->spec.aggregates[a].kind;

	for (size_t i = 0; i < count; i++)
	{
		uint32_t added = *flow_packed_count(source->rows[i], from);
		uint32_t *known = flow_packed_count(packed->found[i], into);

		if (kind == FLOW_SUM)
			*flow_packed_value(packed->found[i], into) += *flow_packed_value(source->rows[i], from);
		else if ((kind == FLOW_MIN || kind == FLOW_MAX) && added > 0)
		{
			int64_t number = (int64_t) *flow_packed_value(source->rows[i], from);
			uint64_t *value = flow_packed_value(packed->found[i], into);

			if (*known == 0 ||
			    (kind == FLOW_MIN ? number < (int64_t) *value : number > (int64_t) *value))
				*value = (uint64_t) number;
		}
		*known += added;
	}
}

/* Adds the numbers of the source to an aggregate of distinct values. */
static void
add_numbers(const FlowGroups *groups, int a, const Source *source, size_t count)
{
	const FlowPacked *packed = groups->packed;
	const FlowPackedTotal *total = &packed->totals[a];

	for (size_t i = 0; i < count; i++)
	{
		if (groups->spec.aggregates[a].kind == FLOW_SUM)
			*flow_packed_value(packed->found[i], total) += (uint64_t) source->numbers[i];
		*flow_packed_count(packed->found[i], total) += source->present[i];
	}
}

/*
 * Merges the rows, whose keys' words have been set; returns how many were
 * merged, before one that does not fit.
 */
static size_t
merge_rows(FlowGroups *groups, const Source *source, FlowStatus *status)
{
	static const FlowBatch batch = {0};
	FlowRun run = {&batch, 0, source->count, true, FLOW_OK, {-1, FLOW_OK}};
	size_t done;

	groups->packed->trusted = true;
	done = flow_packed_find(groups, &run, 0);
	groups->packed->trusted = false;
	for (int a = 0; a < source->naggregates && merges_totals(source); a++)
		merge_total(groups, a, source, done);
	for (int a = source->naggregates; a < groups->spec.naggregates; a++)
		if (adds_values(source, a))
			add_numbers(groups, a, source, done);
	*status = run.status;
	return done;
}

/* Merges rows of the same form; returns how many were merged, before one that does not fit. */
static size_t
merge_same_rows(FlowGroups *groups, Source *source, FlowStatus *status)
{
	size_t found;
	size_t done = flow_packed_place_rows(groups, source->rows, source->count, &found, status);

	for (int a = 0; a < groups->spec.naggregates; a++)
		merge_total(groups, a, source, found);
	return done;
}

FlowStatus
flow_packed_merge_rows(FlowGroups *groups, uint64_t *const *rows, size_t count, size_t *done)
{
	Source source = {.totals = groups->packed->totals, .naggregates = groups->spec.naggregates};
	FlowStatus status = FLOW_OK;

	for (; source.count < FLOW_RUN && source.count < count; source.count++)
		source.rows[source.count] = rows[source.count];
	*done = merge_same_rows(groups, &source, &status);
	return status;
}

/* ---------- distinct values ---------- */

/* Sets *number to the number of a word; false if it cannot be read here. */
static bool
read_number(uint64_t word, int64_t *number)
{
	*number = 0;
	if (FLOW_WORD_KIND(word) == FLOW_WORD_NUMBER)
		*number = flow_word_number(word);
	else if (flow_word_is_plain_integer(word, 15))
		for (size_t i = 0; i < flow_word_len(word); i++)
			*number = *number * 10 + (int64_t) (word >> (4 * i) & 0x0F);
	else
		return false;
	return true;
}

/* Returns true if a sum of the source's distinct values is wanted. */
static bool
sums_values(const FlowGroups *groups, const Source *source)
{
	for (int a = source->naggregates; a < groups->spec.naggregates; a++)
		if (groups->spec.aggregates[a].kind == FLOW_SUM && adds_values(source, a))
			return true;
	return false;
}

/* Returns the number of the distinct value that a row is of. */
static int
number_of_value(const FlowDistinct *distinct, const uint64_t *row)
{
	return distinct->number >= 0 ? (int) flow_word_number(row[distinct->number]) : 0;
}

/*
 * Reads a distinct value of a row, and whether it passes the filter, if there
 * is one; false if that cannot be done here.
 */
static bool
read_value(const FlowGroups *from, const uint64_t *row, const FlowDistinctValue *value, bool sums,
           uint8_t *present, int64_t *number)
{
	uint64_t word = row[value->key];
	int64_t passes = 1;

	*number = 0;
	if (value->filter >= 0 && !read_number(row[value->filter], &passes))
		passes = 0; /* it is NULL */
	*present = passes != 0 && word != FLOW_WORD_NO_FIELD && word != from->packed->nulls[value->key];
	return !*present || !sums || read_number(word, number);
}

FlowStatus
flow_groups_add_distinct(FlowGroups *groups, const FlowGroups *from, const FlowDistinct *distinct,
                         size_t *position)
{
	FlowPacked *packed = groups->packed;
	bool sums;
	uint8_t present[FLOW_RUN];
	int64_t numbers[FLOW_RUN];
	Source source;
	FlowStatus status = FLOW_OK;

	if (packed == NULL || packed->off || from->packed == NULL || *position >= from->packed->count)
		return FLOW_END;
	source = (Source) {.totals = from->packed->totals,
	                   .naggregates = from->spec.naggregates,
	                   .distinct = distinct,
	                   .present = present,
	                   .numbers = numbers};
	source.value = number_of_value(distinct, flow_packed_row(from->packed, *position));
	sums = sums_values(groups, &source);
	for (; source.count < FLOW_RUN; source.count++)
	{
		size_t i = source.count;
		uint64_t *row;

		if (*position + i >= from->packed->count)
			break;
		row = flow_packed_row(from->packed, *position + i);
		if (number_of_value(distinct, row) != source.value ||
		    !read_value(from, row, &distinct->values[source.value], sums, &present[i], &numbers[i]))
			break;
		source.rows[i] = row;
		for (int k = 0; k < distinct->nkeys; k++)
			packed->words[k * FLOW_RUN + i] = row[k];
		if (distinct->nkeys == 0) /* the only group's key is 0 */
			packed->words[i] = (uint64_t) FLOW_WORD_NUMBER << 60;
	}
	if (source.count == 0 || !has_room(groups, &source))
		return FLOW_END;
	*position += merge_rows(groups, &source, &status);
	return status;
}

/* ---------- groups of several sets of keys ---------- */

/* Sets the words of a key of the source's rows. */
static void
copy_words(const Source *source, int k, uint64_t *words)
{
	for (size_t i = 0; i < source->count; i++)
		words[i] = source->rows[i][k];
}

static void
repeat_word(uint64_t word, uint64_t *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		words[i] = word;
}

FlowStatus
flow_groups_add_to_set(FlowGroups *groups, const FlowGroups *from, const bool *has, int number,
                       size_t *position)
{
	FlowPacked *packed = groups->packed;
	int nkeys = from->spec.nkeys;
	Source source;
	FlowStatus status = FLOW_OK;

	if (packed == NULL || packed->off || from->packed == NULL || from->spelled > 0)
		return FLOW_END;
	source = (Source) {.totals = from->packed->totals, .naggregates = from->spec.naggregates};
	for (; source.count < FLOW_RUN && *position + source.count < from->packed->count;
	     source.count++)
		source.rows[source.count] = flow_packed_row(from->packed, *position + source.count);
	for (int k = 0; k < nkeys; k++)
	{
		uint64_t *words = packed->words + k * FLOW_RUN;
		uint64_t null =
			groups->spec.keys[k].expression != NULL ? FLOW_WORD_NO_FIELD : packed->nulls[k];

		if (has[k])
			copy_words(&source, k, words);
		else if (null != 0)
			repeat_word(null, words, source.count);
		else
			return FLOW_END;
	}
	repeat_word((uint64_t) FLOW_WORD_NUMBER << 60 | (uint64_t) number,
	            packed->words + nkeys * FLOW_RUN,
	            source.count);
	if (source.count == 0 || !has_room(groups, &source))
		return FLOW_END;
	*position += merge_rows(groups, &source, &status);
	return status;
}

/* ---------- rows in memory ---------- */

FlowStatus
flow_groups_add_rows(FlowGroups *groups, void *rows, size_t count, size_t *done)
{
	FlowPacked *packed = groups->packed;
	Source source = {.totals = packed->totals, .naggregates = groups->spec.naggregates};
	FlowStatus status = FLOW_OK;

	if (packed->off)
		return FLOW_END;
	for (; source.count < FLOW_RUN && *done + source.count < count; source.count++)
		source.rows[source.count] =
			(uint64_t *) (void *) ((char *) rows + (*done + source.count) * packed->row_size);
	if (!has_room(groups, &source))
		return FLOW_END;
	*done += merge_same_rows(groups, &source, &status);
	return status;
}

void
flow_groups_show_row(const FlowGroups *groups, void *rows, size_t number, FlowGroup *group)
{
	flow_packed_show(groups,
	                 (uint64_t *) (void *) ((char *) rows + number * groups->packed->row_size),
	                 group);
}
