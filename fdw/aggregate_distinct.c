/*-------------------------------------------------------------------------
 *
 * aggregate_distinct.c
 *	  Aggregates of distinct values.
 *
 * They are computed in steps.  First the reader groups by the value, too, and
 * by whether it passes the aggregates' filter, if they have one; so each value
 * of a group that does comes once.  Then these groups are added to groups of
 * the keys alone: the totals of the other aggregates are merged, and those of
 * distinct values are added to.
 *
 * If there are several values, as in "count(DISTINCT srcaddr), count(DISTINCT
 * dstport)", the reader groups by all of them.  Each of its groups is added to
 * one group for each value, as for GROUPING SETS (aggregate_sets.c): that of
 * the keys, the value and its number.  These are whole before they are added
 * to those of the keys.  The totals of the other aggregates are taken from the
 * groups of the first value.  That is done of a single value, too, if groups
 * cannot be told apart by the fields of a column, such as a boolean.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include "miscadmin.h"

/* ---------- a group's keys ---------- */

/* Reads a group's key; returns false if it is NULL. */
bool
flowlog_aggregate_read_key(const FlowHost *host, const FlowlogOutput *output, const FlowSlice *keys,
                           StringInfo text, FlowValue *value)
{
	FlowSlice key = *keys;
	FlowStatus status;

	if (output->parts != NULL)
	{
		flowlog_parts_write(output->parts, host, keys, text);
		value->text = (FlowSlice) {text->data, (size_t) text->len};
		return true;
	}
	if (output->column < 0 || output->is_value)
	{
		/* the value of an expression */
		if (key.data == NULL)
			return false;
		if (output->type.type == FLOW_TEXT)
			value->text = key;
		else
			memcpy(&value->integer, key.data, sizeof(value->integer));
		return true;
	}
	status = flow_value_read(&output->type, host, key, value);
	if (status != FLOW_OK && status != FLOW_END)
		elog(ERROR, "a group's key could not be read: status %d", (int) status);
	return status == FLOW_OK;
}

struct FlowlogDistinct
{
	FlowlogScan *scan;
	int nkeys;       /* of the query */
	int nread;       /* aggregates of the reader, the first ones */
	int naggregates; /* all of them */

	int nvalues;
	FlowDistinctValue *values;
	const FlowlogOutput **outputs; /* by value, one of those that are of it */
	int *of;                       /* by aggregate that is not the reader's: its value */
	int nreader_keys;
	FlowlogGroupingSets *sets; /* of the reader's keys; NULL: of one value as it is */
	FlowDistinct spec;         /* of all this for the core */

	FlowGroups *groups;  /* by the keys alone; NULL: not yet started */
	FlowlogStore *store; /* for those that do not fit */
	bool complete;       /* all values have been added */

	/* of the group that is added; there is at least one key */
	FlowSlice *keys;
	char (*forms)[FLOW_FORM_SIZE];
	FlowTotal *totals;
};

/* ---------- values ---------- */

static bool
same_argument(const FlowlogOutput *a, const FlowlogOutput *b)
{
	return a->column == b->column && (a->column >= 0 || equal(a->argument, b->argument));
}

/* Returns the reader's key that an output's argument is, or its filter (-1: it has none). */
static int
find_argument_key(FlowlogDistinct *self, const FlowlogOutput *output)
{
	for (int i = 0; i < self->nvalues; i++)
		if (same_argument(self->outputs[i], output))
			return self->values[i].key;
	return self->nreader_keys++;
}

static int
find_filter_key(FlowlogDistinct *self, const FlowlogOutput *output)
{
	if (output->filter == NULL)
		return -1;
	for (int i = 0; i < self->nvalues; i++)
		if (equal(self->outputs[i]->filter, output->filter))
			return self->values[i].filter;
	return self->nreader_keys++;
}

/* Returns the number of an output's value. */
static int
find_value(FlowlogDistinct *self, const FlowlogOutput *output)
{
	FlowDistinctValue value;

	for (int i = 0; i < self->nvalues; i++)
		if (same_argument(self->outputs[i], output) &&
		    equal(self->outputs[i]->filter, output->filter))
			return i;
	value.key = find_argument_key(self, output);
	value.filter = find_filter_key(self, output);
	self->values[self->nvalues] = value;
	self->outputs[self->nvalues] = output;
	return self->nvalues++;
}

/*
 * Makes the sets of the reader's keys that groups of several values have, or
 * groups by values of columns; NULL: there are none.
 */
static FlowlogGroupingSets *
make_sets(FlowlogDistinct *self, const FlowlogOutput *outputs, int noutputs)
{
	FlowlogGroupingSets *sets;
	bool needed = self->nvalues > 1;
	bool *has;

	for (int i = 0; i < noutputs; i++)
		needed |= outputs[i].is_value;
	if (!needed)
		return NULL;
	has = palloc0(sizeof(bool) * self->nvalues * self->nreader_keys);
	for (int i = 0; i < self->nvalues; i++)
	{
		bool *of_value = &has[i * self->nreader_keys];

		memset(of_value, true, self->nkeys);
		of_value[self->values[i].key] = true;
		if (self->values[i].filter >= 0)
			of_value[self->values[i].filter] = true;
	}
	sets = flowlog_grouping_create_of(&self->scan->backend,
	                                  self->nvalues,
	                                  self->nreader_keys,
	                                  has,
	                                  self->nread);
	for (int i = 0; i < noutputs; i++)
		if (outputs[i].is_value)
			flowlog_grouping_set_column(sets,
			                            flowlog_distinct_key(self, &outputs[i]),
			                            &outputs[i].type);
	return sets;
}

/* Prepares to compute outputs of distinct values; returns NULL if there are none. */
FlowlogDistinct *
flowlog_distinct_create(FlowlogScan *scan, FlowlogOutput *outputs, int noutputs, int nkeys,
                        int nread, int naggregates)
{
	FlowlogDistinct *self;
	int nown = Max(nkeys, 1);

	if (nread == naggregates)
		return NULL;
	self = palloc0(sizeof(FlowlogDistinct));
	self->scan = scan;
	self->nkeys = self->nreader_keys = nkeys;
	self->nread = nread;
	self->naggregates = naggregates;
	self->values = palloc(sizeof(FlowDistinctValue) * noutputs);
	self->outputs = palloc(sizeof(FlowlogOutput *) * noutputs);
	self->of = palloc0(sizeof(int) * (naggregates - nread));
	for (int i = 0; i < noutputs; i++)
	{
		if (!outputs[i].distinct)
			continue;
		outputs[i].value = find_value(self, &outputs[i]);
		self->of[outputs[i].index - nread] = outputs[i].value;
	}
	self->sets = make_sets(self, outputs, noutputs);
	self->spec = (FlowDistinct) {
		.nkeys = nkeys,
		.values = self->values,
		.number = self->sets != NULL ? self->nreader_keys : -1,
		.of = self->of,
	};
	self->keys = palloc0(sizeof(FlowSlice) * nown);
	self->forms = palloc(FLOW_FORM_SIZE * nown);
	self->totals = palloc0(sizeof(FlowTotal) * naggregates);
	self->store = flowlog_store_create(scan, nown, nown, naggregates);
	return self;
}

int
flowlog_distinct_keys(const FlowlogDistinct *self)
{
	return self->nreader_keys;
}

int
flowlog_distinct_key(const FlowlogDistinct *self, const FlowlogOutput *output)
{
	return output->distinct ? self->values[output->value].key : output->index;
}

FlowlogGroupingSets *
flowlog_distinct_sets(const FlowlogDistinct *self)
{
	return self->sets;
}

/* Sets the keys that the reader has for an output. */
void
flowlog_distinct_set_keys(const FlowlogDistinct *self, const FlowlogOutput *output,
                          FlowExpression *argument, FlowExpression *filter, FlowGroupBy *keys)
{
	FlowDistinctValue value = self->values[output->value];

	keys[value.key] = (FlowGroupBy) {output->column, argument};
	if (value.filter >= 0)
		keys[value.filter] = (FlowGroupBy) {-1, filter};
}

/* ---------- groups of the keys alone ---------- */

/* Begins with an empty table.  Without keys there is one group, also of no records. */
static void
begin_groups(FlowlogDistinct *self)
{
	static const int64 key = 0;

	self->complete = false;
	if (self->nkeys > 0)
		return;
	self->keys[0] = (FlowSlice) {(const char *) &key, sizeof(key)};
	memset(self->totals, 0, sizeof(FlowTotal) * self->naggregates);
	if (flow_groups_merge(self->groups, self->keys, self->totals) != FLOW_OK)
		ereport(ERROR, errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory"));
}

void
flowlog_distinct_begin(FlowlogDistinct *self, FlowGroups *groups)
{
	self->groups = groups;
	begin_groups(self);
}

FlowGroups *
flowlog_distinct_groups(const FlowlogDistinct *self)
{
	return self->groups;
}

/* Returns the integer that a key is, or 0 for NULL. */
static int64
integer_of(FlowSlice key)
{
	int64 integer = 0;

	if (key.data != NULL)
		memcpy(&integer, key.data, sizeof(integer));
	return integer;
}

/* Sets the total of a group's distinct value, which is counted, and added if it is a number. */
static void
make_total(const FlowlogDistinct *self, const FlowGroup *group, int number, FlowTotal *total)
{
	const FlowDistinctValue *keys = &self->values[number];
	const FlowlogOutput *output = self->outputs[number];
	FlowValue value;

	*total = (FlowTotal) {0};
	if ((keys->filter >= 0 && integer_of(group->keys[keys->filter]) == 0) ||
	    !flowlog_aggregate_read_key(&self->scan->backend.host,
	                                output,
	                                &group->keys[keys->key],
	                                NULL,
	                                &value))
		return;
	total->count = 1;
	if (output->type.type > FLOW_INT64)
		return;
	total->as.sum.low = (uint64) value.integer;
	total->as.sum.high = value.integer < 0 ? -1 : 0;
}

/* Adds a group of keys and a value to that of the keys. */
static void
add_group(FlowlogDistinct *self, const FlowGroups *from, const FlowGroup *group)
{
	int number = self->sets != NULL ? (int) integer_of(group->keys[self->spec.number]) : 0;
	FlowTotal distinct;
	FlowStatus status;

	for (int k = 0; k < self->nkeys; k++)
		self->keys[k] = flow_groups_key_form(from, k, group->keys[k], self->forms[k]);
	make_total(self, group, number, &distinct);
	memset(self->totals, 0, sizeof(FlowTotal) * self->naggregates);
	if (number == 0)
		memcpy(self->totals, group->totals, sizeof(FlowTotal) * self->nread);
	for (int i = self->nread; i < self->naggregates; i++)
		if (self->of[i - self->nread] == number)
			self->totals[i] = distinct;

	while ((status = flow_groups_merge(self->groups, self->keys, self->totals)) == FLOW_LIMIT)
		flowlog_store_put(self->store, self->groups);
	if (status != FLOW_OK)
		flowlog_raise_status(&self->scan->backend, status);
}

/* Adds all groups of a table to those of the keys: many at once where that is possible. */
void
flowlog_distinct_add(FlowlogDistinct *self, const FlowGroups *from)
{
	size_t position = 0;
	FlowGroup group;

	for (;;)
	{
		FlowStatus status = flow_groups_add_distinct(self->groups, from, &self->spec, &position);

		CHECK_FOR_INTERRUPTS();
		if (status == FLOW_LIMIT)
			flowlog_store_put(self->store, self->groups);
		else if (status == FLOW_NO_MEMORY || status == FLOW_INTERRUPTED)
			flowlog_raise_status(&self->scan->backend, status);
		else if (status == FLOW_OK)
			continue;
		else if (flow_groups_next(from, &position, &group) == FLOW_OK)
			add_group(self, from, &group);
		else
			break;
	}
}

bool
flowlog_distinct_is_complete(const FlowlogDistinct *self)
{
	return self->complete;
}

/*
 * To be called when all values have been added.  Without keys, the process
 * that is last has the only group, and the others have none.
 */
bool
flowlog_distinct_finish(FlowlogDistinct *self, FlowlogStore *values)
{
	self->complete = true;
	if (self->nkeys == 0 && !flowlog_store_gather(values, self->store, self->groups))
	{
		flowlog_check_status(&self->scan->backend, flow_groups_clear(self->groups));
		return false;
	}
	return flowlog_store_finish(self->store, self->groups) ||
	       flowlog_store_load(self->store, self->groups);
}

bool
flowlog_distinct_load(FlowlogDistinct *self)
{
	return flowlog_store_load(self->store, self->groups);
}

/* ---------- the end ---------- */

void
flowlog_distinct_rewind(FlowlogDistinct *self)
{
	flowlog_store_reset(self->store);
	if (self->groups == NULL)
		return;
	flowlog_check_status(&self->scan->backend, flow_groups_clear(self->groups));
	begin_groups(self);
}

void
flowlog_distinct_end(FlowlogDistinct *self)
{
	flowlog_store_reset(self->store);
}

void
flowlog_distinct_free(FlowlogDistinct *self)
{
	flow_groups_free(self->groups);
	self->groups = NULL;
}
