/*-------------------------------------------------------------------------
 *
 * group_key.c
 *	  Reads the keys of records: from fields, values of expressions, or codes.
 *
 *-------------------------------------------------------------------------
 */
#include "group.h"

#include <string.h>

/* ---------- fields and values ---------- */

/*
 * Returns a key's field in record i of the run.  The value of an expression is
 * taken for the field.
 */
FlowSlice
flow_group_key_field(const FlowGroups *groups, const FlowRun *run, size_t i, int k)
{
	const FlowGroupBy *key = &groups->spec.keys[k];
	const FlowVector *values;

	if (groups->given != NULL)
		return groups->given[k];
	if (key->expression == NULL)
		return flow_batch_field(run->batch, run->first + i, key->column);
	values = &key->expression->vector;
	if (!values->present[i])
		return (FlowSlice) {NULL, 0};
	if (values->texts != NULL)
		return values->texts[i];
	return (FlowSlice) {(const char *) &values->numbers[i], sizeof(int64_t)};
}

static inline FlowFieldKey
key_of_number(const FlowVector *values, size_t i)
{
	return (FlowFieldKey) {values->present[i] ? sizeof(int64_t) : FLOW_KEY_NO_FIELD,
	                       {(uint64_t) values->numbers[i], 0}};
}

/* Makes keys of an expression's values, which are computed already. */
static void
compute_keys(FlowGroups *groups, FlowRun *run, int k, FlowFieldKey *keys)
{
	FlowExpression *expression = groups->spec.keys[k].expression;
	const FlowVector *values = &expression->vector;

	if (groups->given != NULL || values->texts != NULL)
	{
		for (size_t i = 0; i < run->count; i++)
			keys[i] = flow_key_make(groups->seed, flow_group_key_field(groups, run, i, k));
		return;
	}
	for (size_t i = 0; i < run->count; i++)
		keys[i] = key_of_number(values, i);
}

/*
 * Reads the keys of one record, or of a batch whose lines lack the column.  A
 * missing field must be checked in each record if a field is required: a group
 * without it may exist, as bad fields may be taken for NULL.  Where groups are
 * told apart by value, a missing field has the same key as a field that means
 * NULL.
 */
static void
make_keys(FlowGroups *groups, FlowRun *run, int k, FlowFieldKey *keys)
{
	int column = groups->spec.keys[k].column;

	for (size_t i = 0; i < run->count; i++)
	{
		FlowSlice field = flow_group_key_field(groups, run, i, k);
		FlowValue value;

		if (groups->given != NULL)
			; /* it is in its form already */
		else if (run->bad_is_null)
		{
			FlowStatus status =
				flow_value_read(&groups->spec.columns[column], groups->spec.host, field, &value);

			if (status == FLOW_NO_MEMORY)
			{
				flow_run_cut(run, i, status, column);
				return;
			}
			if (status != FLOW_OK && status != FLOW_END)
				field = (FlowSlice) {NULL, 0};
		}
		else if (field.data == NULL && groups->spec.columns[column].not_null)
		{
			flow_run_cut(run, i, FLOW_MISSING, column);
			return;
		}
		if (field.data == NULL && groups->spec.by_value)
			field = flow_group_null_form(&groups->spec.columns[column]);
		keys[i] = flow_key_make(groups->seed, field);
	}
}

/*
 * A new group is made only of good fields; others with the same bytes are then
 * good as well.
 */
bool
flow_group_check_keys(const FlowGroups *groups, FlowRun *run, size_t i)
{
	for (int k = 0; k < groups->spec.nkeys; k++)
	{
		int column = groups->spec.keys[k].column;
		FlowValue value;
		FlowStatus status;

		if (groups->spec.keys[k].expression != NULL)
			continue;
		status = flow_value_read(&groups->spec.columns[column],
		                         groups->spec.host,
		                         flow_group_key_field(groups, run, i, k),
		                         &value);
		if (status != FLOW_OK && status != FLOW_END)
		{
			flow_run_cut(run, i, status, column);
			return false;
		}
	}
	return true;
}

/*
 * Returns true if a key of record i is not written in its value's form.  Then
 * there may be another group of the same value.
 */
bool
flow_group_is_spelled(const FlowGroups *groups, const FlowRun *run, size_t i)
{
	for (int k = 0; k < groups->spec.nkeys; k++)
	{
		const FlowColumn *column;
		FlowSlice field = flow_group_key_field(groups, run, i, k);
		char buffer[FLOW_FORM_SIZE];
		FlowValue value;
		FlowSlice form;

		if (groups->spec.keys[k].expression != NULL)
			continue;
		column = &groups->spec.columns[groups->spec.keys[k].column];
		if (flow_group_empty_is_null(groups, k) && field.data != NULL && field.len == 0 &&
		    (column->null_text == NULL || column->null_len > 0))
			return true;
		if (column->type == FLOW_TEXT && column->max_chars < 0)
			continue;
		if (flow_value_read(column, groups->spec.host, field, &value) != FLOW_OK)
			continue; /* the key is that of NULL */
		form = flow_value_write(column->type, &value, buffer);
		if (form.len != field.len || memcmp(form.data, field.data, form.len) != 0)
			return true;
	}
	return false;
}

/*
 * False if the null text could be a value's form, or is long: then a missing
 * field would not have its bytes.
 */
bool
flow_group_keeps_values(const FlowColumn *column)
{
	FlowSlice null_text = {column->null_text, column->null_len};
	FlowColumn other = *column;
	FlowValue value;

	if (!flow_value_has_form(column->type))
		return false;
	if (column->null_text == NULL)
		return true;
	if (column->null_len > FLOW_KEY_SHORT)
		return false;
	if (column->type == FLOW_TEXT) /* a longer text may have been cut to this */
		return column->max_chars < 0 || column->null_len < (size_t) column->max_chars;
	other.null_text = NULL;
	return flow_value_read(&other, NULL, null_text, &value) != FLOW_OK;
}

/* ---------- keys with codes ---------- */

/* Makes room for the keys of all entries. */
static FlowStatus
reserve_entries(FlowGroups *groups, FlowGroupEntries *entries, bool expression)
{
	const FlowHost *host = groups->spec.host;
	size_t count = entries->codes->count;

	entries->serial = 0;
	if (entries->size >= count)
		return FLOW_OK;
	flow_free(host, entries->keys);
	flow_free(host, entries->computed);
	entries->size = 0;
	entries->keys = flow_allocate(host, count * sizeof(FlowFieldKey));
	entries->computed = expression ? flow_allocate(host, count) : NULL;
	if (entries->keys == NULL || (expression && entries->computed == NULL))
		return FLOW_NO_MEMORY;
	entries->size = count;
	return FLOW_OK;
}

/* Makes the keys of a column's entries, as make_keys does. */
static FlowStatus
make_entry_keys(FlowGroups *groups, const FlowColumn *column, FlowGroupEntries *entries)
{
	const FlowCodes *codes = entries->codes;
	size_t since = 0;
	FlowStatus status = reserve_entries(groups, entries, false);

	if (status != FLOW_OK)
		return status;
	for (size_t i = 0; i < codes->count; i++)
	{
		FlowSlice field = codes->entries[i];

		if (field.data == NULL && groups->spec.by_value)
			field = flow_group_null_form(column);
		entries->keys[i] = flow_key_make(groups->seed, field);
		since += field.len + sizeof(FlowFieldKey);
		if (since >= FLOW_BLOCK_SIZE)
		{
			since = 0;
			if (flow_interrupted(groups->spec.host))
				return FLOW_INTERRUPTED;
		}
	}
	entries->serial = codes->serial;
	return FLOW_OK;
}

/*
 * Computes the keys of those entries in a run of which that was not done.
 * Returns false if one of them fails, and must be computed in its record's
 * turn.
 */
static bool
compute_entry_keys(FlowGroups *groups, const FlowRun *run, int k)
{
	FlowGroupEntries *entries = &groups->entries[k];
	FlowExpression *expression = groups->spec.keys[k].expression;
	const uint32_t *codes = entries->codes->codes;
	const uint32_t *rows = run->batch->rows + run->first;
	uint32_t missing[FLOW_RUN];
	FlowFieldKey keys[FLOW_RUN];
	FlowBatch batch = *run->batch;
	FlowRun inner = {&batch, 0, 0, false, FLOW_OK, {-1, FLOW_OK}};

	for (size_t i = 0; i < run->count; i++)
		if (flow_unlikely(!entries->computed[codes[rows[i]]]))
		{
			entries->computed[codes[rows[i]]] = true;
			missing[inner.count++] = rows[i];
		}
	if (inner.count == 0)
		return true;

	batch.rows = missing;
	batch.count = inner.count;
	flow_expressions_begin_run(groups->expressions);
	flow_expression_evaluate(expression, &inner, NULL);
	if (inner.status == FLOW_OK)
		compute_keys(groups, &inner, k, keys);
	for (size_t i = 0; i < batch.count; i++)
		if (inner.status == FLOW_OK)
			entries->keys[codes[missing[i]]] = keys[i];
		else
			entries->computed[codes[missing[i]]] = false;
	return inner.status == FLOW_OK;
}

/*
 * Returns the column whose codes a key can be found by, or -1: an expression is
 * one of a column alone, whose value is a number.
 */
static int
coded_column(const FlowGroups *groups, int k)
{
	const FlowGroupBy *key = &groups->spec.keys[k];

	if (key->expression == NULL)
		return key->column;
	return key->expression->vector.numbers != NULL ? key->expression->column : -1;
}

/*
 * Finds the codes of a key, and has the keys of its entries made.  A field
 * that is required must be checked in each record.
 */
static bool
find_codes(FlowGroups *groups, FlowRun *run, int k)
{
	FlowGroupEntries *entries = &groups->entries[k];
	int column = coded_column(groups, k);
	bool expression = groups->spec.keys[k].expression != NULL;
	FlowStatus status = FLOW_OK;

	entries->codes = NULL;
	if (run->batch->loader == NULL || run->bad_is_null || column < 0 ||
	    groups->spec.columns[column].not_null || run->batch->place[column] < 0)
		return true;
	if (flow_batch_codes(run->batch, column, &entries->codes) != FLOW_OK ||
	    (expression && entries->codes != NULL && entries->codes->count > FLOW_GROUP_CODES))
		entries->codes = NULL;
	if (entries->codes == NULL)
		return true;
	if (entries->serial != entries->codes->serial && expression)
	{
		status = reserve_entries(groups, entries, true);
		if (status == FLOW_OK)
		{
			memset(entries->computed, false, entries->codes->count);
			entries->serial = entries->codes->serial;
		}
	}
	else if (entries->serial != entries->codes->serial)
		status = make_entry_keys(groups, &groups->spec.columns[column], entries);
	if (status == FLOW_OK)
	{
		if (expression && !compute_entry_keys(groups, run, k))
			entries->codes = NULL;
		return true;
	}
	flow_run_cut(run, 0, status, -1);
	return false;
}

/*
 * Prepares to look groups up by the codes of all keys; "combinations" becomes
 * 0 if that is not possible.
 */
static void
prepare_codes(FlowGroups *groups)
{
	uint64_t serial = 0;
	size_t combinations = 1;

	for (int k = 0; k < groups->spec.nkeys; k++)
	{
		const FlowCodes *codes = groups->entries[k].codes;

		if (codes == NULL || codes->count > FLOW_GROUP_CODES / combinations)
		{
			groups->combinations = 0;
			return;
		}
		combinations *= codes->count;
		serial += codes->serial; /* serials only grow, so the sum is another one, too */
	}
	if (groups->combinations == combinations && groups->code_serial == serial)
		return;
	if (groups->by_codes == NULL)
		groups->by_codes = flow_allocate(groups->spec.host, FLOW_GROUP_CODES * sizeof(void *));
	groups->combinations = groups->by_codes != NULL ? combinations : 0;
	groups->code_serial = serial;
	memset(groups->by_codes, 0, groups->combinations * sizeof(void *));
}

/* Sets the keys of the records of a run that have codes. */
static void
take_entry_keys(const FlowGroups *groups, const FlowRun *run, int k, FlowFieldKey *keys)
{
	const FlowGroupEntries *entries = &groups->entries[k];
	const uint32_t *codes = entries->codes->codes;
	const uint32_t *rows = run->batch->rows + run->first;

	for (size_t i = 0; i < run->count; i++)
		keys[i] = entries->keys[codes[rows[i]]];
}

/* ---------- the keys of a run ---------- */

static void
load_keys(const FlowGroups *groups, FlowRun *run, int place, FlowFieldKey *keys)
{
	const char *data = run->batch->data;
	const uint32_t *ends = run->batch->next + place;
	const uint32_t *rows = run->batch->rows + run->first;
	size_t count = run->count;

	for (size_t i = 0; i < count; i++)
	{
		const uint32_t *next = ends + rows[i];

		keys[i] = flow_key_load(groups->seed, data + next[-1], next[0] - 1 - next[-1]);
	}
}

bool
flow_group_is_direct(const FlowGroups *groups, const FlowRun *run, int k, int *place)
{
	const FlowExpression *expression = groups->spec.keys[k].expression;

	*place = -1;
	if (groups->given != NULL || groups->entries[k].codes != NULL)
		return false;
	if (expression != NULL)
		return expression->vector.numbers != NULL;
	if (run->batch->next != NULL && !run->bad_is_null)
		*place = run->batch->place[groups->spec.keys[k].column];
	return *place >= 0;
}

void
flow_group_read_direct_keys(FlowGroups *groups, FlowRun *run, size_t i)
{
	const FlowBatch record = {
		.data = run->batch->data,
		.next = run->batch->next,
		.rows = run->batch->rows + run->first + i,
	};
	FlowRun alone = {.batch = &record, .count = 1};

	for (int k = 0; k < groups->spec.nkeys; k++)
	{
		FlowFieldKey *key = &groups->keys[k * FLOW_RUN + i];
		int place;

		if (!flow_group_is_direct(groups, run, k, &place))
			continue;
		if (place >= 0)
			load_keys(groups, &alone, place, key);
		else
			*key = key_of_number(&groups->spec.keys[k].expression->vector, i);
	}
}

void
flow_group_read_key(FlowGroups *groups, FlowRun *run, int k)
{
	FlowFieldKey *keys = groups->keys + k * FLOW_RUN;
	int place;

	if (groups->entries[k].codes != NULL)
		take_entry_keys(groups, run, k, keys);
	else if (groups->spec.keys[k].expression != NULL)
		compute_keys(groups, run, k, keys);
	else if (flow_group_is_direct(groups, run, k, &place))
		load_keys(groups, run, place, keys);
	else
		make_keys(groups, run, k, keys);
}

/* Finds the codes of the keys of a run. */
void
flow_group_find_codes(FlowGroups *groups, FlowRun *run)
{
	for (int k = 0; k < groups->spec.nkeys; k++)
		groups->entries[k].codes = NULL;
	for (int k = 0; k < groups->spec.nkeys; k++)
		if (!find_codes(groups, run, k))
			return;
	prepare_codes(groups);
}

/*
 * Reads the keys of a run; not if all of them have codes by which groups are
 * looked up.
 */
void
flow_group_read_keys(FlowGroups *groups, FlowRun *run)
{
	for (int k = 0; k < groups->spec.nkeys && groups->combinations == 0; k++)
		flow_group_read_key(groups, run, k);
}
