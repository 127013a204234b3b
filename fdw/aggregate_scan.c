/*-------------------------------------------------------------------------
 *
 * aggregate_scan.c
 *	  Executes a scan in which the reader computes aggregates.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/numeric.h"

struct FlowlogAggregation
{
	FlowlogOutput *outputs;
	int noutputs;
	FlowGroupBy *keys;
	bool *empty_is_null; /* by key */
	StringInfoData text; /* of a key that is joined of others */
	int nkeys;
	/* those of distinct values are the last ones, and not the reader's */
	FlowAggregate *aggregates;
	int naggregates;
	int nread;                 /* aggregates of the reader */
	FlowlogDistinct *distinct; /* NULL: there are no distinct values */
	/* of keys or, for several distinct values, of these; NULL: there is only one */
	FlowlogGroupingSets *sets;
	FlowlogHaving *having; /* NULL: nothing of it is evaluated here */
	/* of the keys, arguments and filters that are not columns; NULL: none yet */
	FlowExpressions *expressions;

	FlowGroups *groups;    /* NULL: not yet started */
	FlowGroups *of_sets;   /* those of the sets, made of them */
	FlowGroupBy *set_keys; /* of these */
	FlowGroupBy constant;  /* the key of groups without values if there is none */
	/* combines groups; NULL: partial groups are returned */
	FlowlogStore *store;
	int nshared;          /* keys by whose partitions processes share groups: the first ones */
	FlowGroups *returned; /* the table from which groups are returned */
	size_t shown;         /* the group that the slot has */
	size_t position;      /* of the next one */
	TupleTableSlot *slot; /* in which groups are returned */
	bool full;            /* groups are being returned */
	bool ended;           /* all records have been read */
	/* the groups have gone to the store, which returns whole ones */
	bool stored;
	bool finished; /* all groups have been returned */
	MemoryContextCallback callback;
};

static void fill_columns(FlowlogScan *scan, TupleTableSlot *slot);

/* Returns true if an output is made of a key of the reader. */
static bool
is_of_key(const FlowlogOutput *output)
{
	return output->aggregate == NULL || output->as_key;
}

/* Returns true if two outputs are computed from the same values. */
static bool
same_values(const FlowlogOutput *a, const FlowlogOutput *b)
{
	return a->distinct == b->distinct && a->column == b->column &&
	       (a->column >= 0 || equal(a->argument, b->argument)) && equal(a->filter, b->filter);
}

/*
 * Returns the number of an output's key or total, which outputs of the same
 * values share: sum and average are one total.
 */
static int
number_of(FlowlogAggregation *aggregation, const FlowlogOutput *output, FlowAggregateKind kind)
{
	int number;

	for (FlowlogOutput *other = aggregation->outputs; other < output; other++)
	{
		if (is_of_key(other) != is_of_key(output) || !same_values(other, output))
			continue;
		if (other->kind == kind || is_of_key(output))
			return other->index;
		if (other->kind == FLOW_SQUARES && kind == FLOW_SUM)
			return other->sum;
	}
	if (!is_of_key(output))
		return aggregation->naggregates++;
	number = aggregation->nkeys;
	aggregation->nkeys += output->parts != NULL ? flowlog_parts_count(output->parts) : 1;
	return number;
}

static void
number_output(FlowlogAggregation *aggregation, FlowlogOutput *output)
{
	output->index = number_of(aggregation, output, output->kind);
	if (output->kind == FLOW_SQUARES)
		output->sum = number_of(aggregation, output, FLOW_SUM);
}

static void
free_groups(void *arg)
{
	FlowlogAggregation *aggregation = arg;

	flow_groups_free(aggregation->groups);
	flow_groups_free(aggregation->of_sets);
	aggregation->groups = aggregation->of_sets = NULL;
	if (aggregation->distinct != NULL)
		flowlog_distinct_free(aggregation->distinct);
	flow_expressions_free(aggregation->expressions);
	aggregation->expressions = NULL;
}

/* Returns how many keys the reader groups by. */
static int
reader_keys(const FlowlogAggregation *aggregation)
{
	return aggregation->distinct != NULL ? flowlog_distinct_keys(aggregation->distinct)
	                                     : aggregation->nkeys;
}

/* Prepares what becomes of the reader's groups before they are returned. */
static void
prepare_steps(FlowlogScan *scan, FlowlogAggregation *aggregation, const ForeignScan *plan)
{
	int nkeys;

	for (int i = 0; i < aggregation->noutputs; i++)
		if (!aggregation->outputs[i].distinct && !aggregation->outputs[i].is_grouping)
			number_output(aggregation, &aggregation->outputs[i]);
	aggregation->nread = aggregation->naggregates;
	for (int i = 0; i < aggregation->noutputs; i++)
		if (aggregation->outputs[i].distinct)
			number_output(aggregation, &aggregation->outputs[i]);
	aggregation->distinct = flowlog_distinct_create(scan,
	                                                aggregation->outputs,
	                                                aggregation->noutputs,
	                                                aggregation->nkeys,
	                                                aggregation->nread,
	                                                aggregation->naggregates);
	aggregation->sets = aggregation->distinct != NULL
	                        ? flowlog_distinct_sets(aggregation->distinct)
	                        : flowlog_grouping_create(plan,
	                                                  &scan->backend,
	                                                  aggregation->outputs,
	                                                  aggregation->noutputs,
	                                                  aggregation->nkeys);
	/* groups of sets have the set's number as a key; without keys, processes share values */
	nkeys = reader_keys(aggregation) + (aggregation->sets != NULL);
	aggregation->nshared =
		aggregation->distinct == NULL || aggregation->nkeys == 0 ? nkeys : aggregation->nkeys;
	if (aggregation->sets != NULL || lsecond_int((List *) lsecond(plan->fdw_private)))
		aggregation->store =
			flowlog_store_create(scan, nkeys, aggregation->nshared, aggregation->nread);
}

/* Returns true if groups of sets have the value of an output's column as a key. */
static bool
is_by_value(const FlowlogOutput *output)
{
	return !output->is_grouping && (output->aggregate == NULL || output->distinct) &&
	       output->column >= 0 && flowlog_grouping_by_value(&output->type);
}

/* Prepares to compute what the plan's scan returns. */
void
flowlog_aggregate_begin(FlowlogScan *scan, ForeignScanState *node)
{
	const ForeignScan *plan = (const ForeignScan *) node->ss.ps.plan;
	MemoryContext old = MemoryContextSwitchTo(scan->context);
	FlowlogAggregation *aggregation = palloc0(sizeof(FlowlogAggregation));
	List *outputs = flowlog_aggregate_outputs(plan);
	bool by_sets = flowlog_grouping_of_plan(plan) != NIL;
	ListCell *cell;

	aggregation->noutputs = list_length(outputs);
	aggregation->outputs = palloc0(sizeof(FlowlogOutput) * (aggregation->noutputs + 1));
	/* an output of distinct values may have two */
	aggregation->keys =
		palloc0(sizeof(FlowGroupBy) * (aggregation->noutputs * FLOWLOG_MAX_PARTS + 1));
	aggregation->empty_is_null =
		palloc0(sizeof(bool) * (aggregation->noutputs * FLOWLOG_MAX_PARTS + 1));
	initStringInfo(&aggregation->text);
	aggregation->aggregates = palloc0(sizeof(FlowAggregate) * (aggregation->noutputs * 2 + 1));

	/* find keys and totals */
	foreach(cell, outputs)
	{
		FlowlogOutput *output = &aggregation->outputs[foreach_current_index(cell)];

		if (!flowlog_recognise_output(NULL,
		                              scan->table,
		                              lfirst_node(TargetEntry, cell)->expr,
		                              output))
			elog(ERROR,
			     "pushed-down aggregate of foreign table \"%s\" is not understood any more",
			     scan->table->name);
		by_sets |= output->distinct;
	}
	for (int i = 0; i < aggregation->noutputs; i++)
	{
		FlowlogOutput *output = &aggregation->outputs[i];

		if (by_sets)
			output->is_value = is_by_value(output);
		else if (output->aggregate == NULL)
			output->parts = flowlog_parts_create(scan->table, output->argument);
	}
	prepare_steps(scan, aggregation, plan);
	aggregation->having = flowlog_having_create(plan, aggregation->outputs, aggregation->noutputs);
	scan->group_needs = flowlog_needs_create(scan, node, -1);
	aggregation->slot = flowlog_group_slot_create(scan, node, fill_columns);
	scan->aggregation = aggregation;

	/*
	 * this is called before the scan's own callback, which releases the
	 * buffers that the groups use
	 */
	aggregation->callback.func = free_groups;
	aggregation->callback.arg = aggregation;
	MemoryContextRegisterResetCallback(scan->context, &aggregation->callback);
	MemoryContextSwitchTo(old);
}

/* Returns the store that combines the scan's groups, or NULL. */
FlowlogStore *
flowlog_aggregate_store(const FlowlogScan *scan)
{
	return scan->aggregation != NULL ? scan->aggregation->store : NULL;
}

/* Makes the expression of a part of an output; NULL if there is no such part. */
static FlowExpression *
make_expression(FlowlogScan *scan, Expr *expr, bool condition)
{
	FlowlogAggregation *aggregation = scan->aggregation;

	if (expr == NULL)
		return NULL;
	return flowlog_qual_compute(scan, scan->group_needs, aggregation->expressions, expr, condition);
}

/* Makes the keys and aggregates of the outputs. */
static void
make_spec(FlowlogScan *scan)
{
	FlowlogAggregation *aggregation = scan->aggregation;

	aggregation->expressions =
		flow_expressions_create(&scan->backend.host, scan->table->columns, scan->table->ncolumns);
	if (aggregation->expressions == NULL)
		ereport(ERROR, errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory"));
	for (int i = 0; i < aggregation->noutputs; i++)
	{
		const FlowlogOutput *output = &aggregation->outputs[i];
		FlowExpression *argument = output->column >= 0 || output->parts != NULL
		                               ? NULL
		                               : make_expression(scan, output->argument, false);
		FlowExpression *filter = make_expression(scan, output->filter, true);

		if (output->distinct)
		{
			/* the filter is a key, and none of the total */
			flowlog_distinct_set_keys(aggregation->distinct,
			                          output,
			                          argument,
			                          filter,
			                          aggregation->keys);
			filter = NULL;
		}
		if (output->is_grouping)
			continue;
		if (output->parts != NULL)
			flowlog_parts_keys(output->parts,
			                   &aggregation->keys[output->index],
			                   &aggregation->empty_is_null[output->index]);
		else if (is_of_key(output))
			aggregation->keys[output->index] = (FlowGroupBy) {output->column, argument};
		else
			aggregation->aggregates[output->index] =
				(FlowAggregate) {output->kind, output->column, argument, filter};
		if (output->kind == FLOW_SQUARES)
			aggregation->aggregates[output->sum] =
				(FlowAggregate) {FLOW_SUM, output->column, argument, filter};
	}
}

/* Creates a table of groups, by the first keys and of the first aggregates. */
static FlowGroups *
create_table(FlowlogScan *scan, const FlowGroupBy *keys, int nkeys, int naggregates, size_t memory,
             int partition_keys)
{
	FlowlogAggregation *aggregation = scan->aggregation;
	FlowGroups *groups;
	FlowError error;
	FlowGroupSpec spec = {
		.host = &scan->backend.reader_host,
		.columns = scan->table->columns,
		.ncolumns = scan->table->ncolumns,
		.expressions = aggregation->expressions,
		.keys = keys,
		.nkeys = nkeys,
		.aggregates = aggregation->aggregates,
		.naggregates = naggregates,
		.memory = memory,
		.by_value = aggregation->store != NULL,
		.empty_is_null = aggregation->empty_is_null,
		.partition_keys = partition_keys,
	};

	if (flow_groups_create(&spec, &groups, &error) != FLOW_OK)
		flowlog_raise(&scan->backend, &error, scan->table);
	return groups;
}

/* Returns a key that is the same for all records. */
static FlowGroupBy
constant_key(FlowlogAggregation *aggregation)
{
	FlowValue zero = {0};
	FlowGroupBy key = {
		-1,
		flow_expression_constant(aggregation->expressions, FLOW_INT64, &zero),
	};

	if (key.expression == NULL)
		ereport(ERROR, errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory"));
	return key;
}

/* Creates the table of groups of sets, of which the last key is the set's number. */
static void
create_groups_of_sets(FlowlogScan *scan, size_t memory)
{
	FlowlogAggregation *aggregation = scan->aggregation;
	int nkeys = reader_keys(aggregation) + 1;
	FlowGroupBy *keys;

	if (aggregation->set_keys == NULL)
		aggregation->set_keys = MemoryContextAlloc(scan->context, sizeof(FlowGroupBy) * nkeys);
	keys = aggregation->set_keys;
	memcpy(keys, aggregation->keys, sizeof(FlowGroupBy) * (nkeys - 1));
	keys[nkeys - 1] = constant_key(aggregation);
	for (int i = 0; i < aggregation->noutputs; i++)
	{
		const FlowlogOutput *output = &aggregation->outputs[i];

		if (output->is_value)
			keys[aggregation->distinct != NULL ? flowlog_distinct_key(aggregation->distinct, output)
			                                   : output->index] = keys[nkeys - 1];
	}
	aggregation->of_sets = create_table(scan, keys, nkeys, aggregation->nread, memory, 0);
}

/* Creates the table of groups of the keys alone; there are fewer than with values. */
static void
create_groups_of_keys(FlowlogScan *scan, size_t memory)
{
	FlowlogAggregation *aggregation = scan->aggregation;
	const FlowGroupBy *keys = aggregation->sets != NULL ? aggregation->set_keys : aggregation->keys;

	aggregation->constant = constant_key(aggregation);
	if (aggregation->nkeys == 0)
		keys = &aggregation->constant;
	flowlog_distinct_begin(
		aggregation->distinct,
		create_table(scan, keys, Max(aggregation->nkeys, 1), aggregation->naggregates, memory, 0));
}

/* Creates the tables of groups. */
static void
create_groups(FlowlogScan *scan)
{
	FlowlogAggregation *aggregation = scan->aggregation;
	size_t memory = flowlog_hash_memory();
	size_t of_keys = memory / 4;

	if (aggregation->distinct != NULL)
		memory -= of_keys;
	if (aggregation->sets != NULL)
	{
		memory /= 2;
		create_groups_of_sets(scan, memory);
	}
	if (aggregation->distinct != NULL)
		create_groups_of_keys(scan, of_keys);
	aggregation->groups = create_table(scan,
	                                   aggregation->keys,
	                                   reader_keys(aggregation),
	                                   aggregation->nread,
	                                   memory,
	                                   aggregation->store != NULL
	                                       ? Min(aggregation->nshared, reader_keys(aggregation))
	                                       : 0);
}

/* Converts a group's key to a Datum. */
static Datum
key_datum(FlowlogScan *scan, const FlowlogOutput *output, const FlowSlice *keys, bool *isnull)
{
	FlowValue value;

	*isnull = !flowlog_aggregate_read_key(&scan->backend.host,
	                                      output,
	                                      keys,
	                                      &scan->aggregation->text,
	                                      &value);
	if (*isnull)
		return (Datum) 0;
	if (output->is_numeric)
		return NumericGetDatum(int64_to_numeric(value.integer));
	return flowlog_value_to_datum(&output->type, &value);
}

/* Returns true if a group is of a set of keys that an output, a key, is not in: it is rolled up. */
static bool
is_rolled_up(const FlowlogAggregation *aggregation, const FlowGroup *group, int output)
{
	return aggregation->sets != NULL && aggregation->distinct == NULL &&
	       flowlog_grouping_value(aggregation->sets, group, output) == 0;
}

/* Returns the value of an output that is no aggregate in the group shown; false: it is NULL. */
static bool
value_shown(FlowlogScan *scan, int number, FlowValue *value)
{
	const FlowlogAggregation *aggregation = scan->aggregation;
	const FlowlogOutput *output = &aggregation->outputs[number];
	size_t position = aggregation->shown;
	FlowGroup group;

	(void) flow_groups_next(aggregation->returned, &position, &group);
	if (output->is_grouping)
		value->integer = flowlog_grouping_value(aggregation->sets, &group, number);
	else if (is_rolled_up(aggregation, &group, number))
		return false;
	else
		return flowlog_aggregate_read_key(&scan->backend.host,
		                                  output,
		                                  &group.keys[output->index],
		                                  &scan->aggregation->text,
		                                  value);
	return true;
}

/*
 * Returns false if an average is not among the best.  PostgreSQL's own value
 * decides, as it rounds some to the same one, but few groups come close to it.
 */
static bool
takes_average(FlowlogScan *scan, const FlowlogOutput *output, const FlowTotal *total)
{
	ExprContext *econtext = flowlog_needs_node(scan->group_needs)->ss.ps.ps_ExprContext;
	MemoryContext old;
	FlowValue low;
	FlowValue high;

	if (total->count == 0)
		return flow_top_takes(scan->best, NULL);
	flowlog_average_bounds(total, &low, &high);
	if (!flow_top_may_take(scan->best, &low, &high))
		return false;
	old = MemoryContextSwitchTo(econtext->ecxt_per_tuple_memory);
	flowlog_average_value(output, total, &low);
	MemoryContextSwitchTo(old);
	return flow_top_takes(scan->best, &low);
}

/* Returns false if the group shown is left out, as it is not among the best. */
static bool
takes_group(FlowlogScan *scan)
{
	const FlowlogAggregation *aggregation = scan->aggregation;
	int number = flowlog_top_output(scan);
	const FlowlogOutput *output;
	FlowTotal total;
	FlowValue value;
	bool known;

	if (number < 0)
		return true;
	output = &aggregation->outputs[number];
	if (output->aggregate == NULL)
		known = value_shown(scan, number, &value);
	else
	{
		flow_groups_total(aggregation->returned, aggregation->shown, output->index, &total);
		if (flowlog_output_is_average(output))
			return takes_average(scan, output, &total);
		known = flowlog_aggregate_value(output->aggregate, &total, &value);
	}
	return flow_top_takes(scan->best, known ? &value : NULL);
}

/* Skips groups that are certainly not among the best, where nothing else is evaluated. */
static void
skip_groups(FlowlogScan *scan)
{
	FlowlogAggregation *aggregation = scan->aggregation;
	int number = flowlog_top_output(scan);
	const FlowlogOutput *output;

	if (number < 0 || flowlog_needs_node(scan->group_needs)->ss.ps.qual != NULL)
		return;
	output = &aggregation->outputs[number];
	if (!is_of_key(output) && !output->is_grouping && !flowlog_output_is_average(output))
		flow_groups_skip_worse(aggregation->returned,
		                       output->index,
		                       scan->best,
		                       &aggregation->position);
}

static Datum
partial_state(const FlowlogAggregate *aggregate, const FlowColumn *column, const FlowTotal *total,
              const FlowTotal *sum, bool *isnull)
{
	return aggregate->state(column, total, sum, isnull);
}

/* Returns an output's value in a group, in the current memory context. */
static Datum
output_datum(FlowlogScan *scan, const FlowGroup *group, int i, bool *isnull)
{
	const FlowlogAggregation *aggregation = scan->aggregation;
	const FlowlogOutput *output = &aggregation->outputs[i];

	*isnull = false;
	if (output->is_grouping)
		return Int32GetDatum(flowlog_grouping_value(aggregation->sets, group, i));
	if (is_of_key(output))
	{
		/* a key that is not in the set is rolled up */
		*isnull = is_rolled_up(aggregation, group, i);
		return *isnull ? (Datum) 0 : key_datum(scan, output, &group->keys[output->index], isnull);
	}
	return (aggregation->store == NULL ? partial_state
	                                   : flowlog_aggregate_result)(output->aggregate,
	                                                               &output->type,
	                                                               &group->totals[output->index],
	                                                               &group->totals[output->sum],
	                                                               isnull);
}

/* Makes the columns of the group shown, in the current memory context. */
static void
fill_columns(FlowlogScan *scan, TupleTableSlot *slot)
{
	const FlowlogAggregation *aggregation = scan->aggregation;
	int natts = slot->tts_tupleDescriptor->natts;
	size_t position = aggregation->shown;
	FlowGroup group;

	(void) flow_groups_next(aggregation->returned, &position, &group);
	for (int i = 0; i < aggregation->noutputs; i++)
		slot->tts_values[i] = output_datum(scan, &group, i, &slot->tts_isnull[i]);
	for (int i = aggregation->noutputs; i < natts; i++)
	{
		slot->tts_values[i] = (Datum) 0;
		slot->tts_isnull[i] = true;
	}
	slot->tts_nvalid = (AttrNumber) natts;
}

/*
 * Stores the group shown in the slot; returns false if it is left out.  A group
 * that HAVING drops is not among the best, so that is evaluated first.
 */
static bool
show_group(FlowlogScan *scan, TupleTableSlot *slot)
{
	const FlowlogAggregation *aggregation = scan->aggregation;
	ForeignScanState *node = flowlog_needs_node(scan->group_needs);
	ExprContext *econtext = node->ss.ps.ps_ExprContext;
	bool passes;

	if (!flowlog_having_may_pass(aggregation->having, aggregation->returned, aggregation->shown))
	{
		InstrCountFiltered1(node, 1);
		return false;
	}
	if (node->ss.ps.qual == NULL || flowlog_top_output(scan) < 0)
	{
		if (!takes_group(scan))
			return false;
		flowlog_group_slot_store(slot);
		return true;
	}
	flowlog_group_slot_store(slot);
	econtext->ecxt_scantuple = slot;
	passes = ExecQual(node->ss.ps.qual, econtext);
	if (passes && takes_group(scan))
		return true;
	if (!passes)
		InstrCountFiltered1(node, 1);

	/* the values are in the memory for a tuple */
	ExecClearTuple(slot);
	ResetExprContext(econtext);
	return false;
}

/* Reads until the table is full, or until the end, which is noted. */
static void
read_groups(FlowlogScan *scan)
{
	FlowlogAggregation *aggregation = scan->aggregation;

	aggregation->ended = flowlog_scan_group(scan, aggregation->groups);
	flowlog_check_status(&scan->backend, flow_groups_settle(aggregation->groups));
}

/*
 * Fills the table with groups to be returned; returns false if there are no
 * more.
 */
static bool
next_groups(FlowlogScan *scan)
{
	FlowlogAggregation *aggregation = scan->aggregation;
	FlowlogStore *store = aggregation->store;

	/* all is read: the store has the rest */
	if (aggregation->ended)
		return aggregation->stored && flowlog_store_load(store, aggregation->groups);
	if (store != NULL && !flowlog_store_join(store))
	{
		aggregation->ended = aggregation->stored = true;
		return flowlog_store_load(store, aggregation->groups);
	}

	/* read until the table is full, or until the end */
	for (;;)
	{
		read_groups(scan);
		if (!aggregation->ended && flow_groups_count(aggregation->groups) == 0)
			elog(ERROR, "no room for a single group");
		if (store == NULL)
			return true;
		if (aggregation->ended)
			break;
		flowlog_store_put(store, aggregation->groups);
	}

	/* whole groups, from the table if it has them all, or from the store */
	if (flowlog_store_finish(store, aggregation->groups))
		return true;
	aggregation->stored = true;
	return flowlog_store_load(store, aggregation->groups);
}

/* Does what next_groups does for several sets of keys. */
static bool
next_of_sets(FlowlogScan *scan)
{
	FlowlogAggregation *aggregation = scan->aggregation;
	FlowlogStore *store = aggregation->store;

	if (aggregation->ended)
		return flowlog_store_load(store, aggregation->of_sets);
	aggregation->ended = !flowlog_store_join(store);
	if (aggregation->ended)
		return flowlog_store_load(store, aggregation->of_sets);

	flowlog_grouping_begin(aggregation->sets, aggregation->of_sets, store);
	while (!aggregation->ended)
	{
		read_groups(scan);
		flowlog_grouping_add(aggregation->sets, aggregation->groups, store);
	}
	return flowlog_store_finish(store, aggregation->of_sets) ||
	       flowlog_store_load(store, aggregation->of_sets);
}

/* Does what next_groups does for aggregates of distinct values. */
static bool
next_of_distinct(FlowlogScan *scan)
{
	FlowlogAggregation *aggregation = scan->aggregation;
	FlowlogDistinct *distinct = aggregation->distinct;
	FlowGroups *from = aggregation->sets != NULL ? aggregation->of_sets : aggregation->groups;

	if (flowlog_distinct_is_complete(distinct))
		return flowlog_distinct_load(distinct);
	while (aggregation->sets != NULL ? next_of_sets(scan) : next_groups(scan))
	{
		flowlog_distinct_add(distinct, from);
		flowlog_check_status(&scan->backend, flow_groups_clear(from));
	}
	return flowlog_distinct_finish(distinct, aggregation->store);
}

/* Fills the table from which groups are returned; returns false if there are no more. */
static bool
next_table(FlowlogScan *scan, FlowGroups **groups)
{
	FlowlogAggregation *aggregation = scan->aggregation;

	if (aggregation->distinct != NULL)
	{
		*groups = flowlog_distinct_groups(aggregation->distinct);
		return next_of_distinct(scan);
	}
	*groups = aggregation->sets != NULL ? aggregation->of_sets : aggregation->groups;
	return aggregation->sets != NULL ? next_of_sets(scan) : next_groups(scan);
}

/* Returns the slot with the next group, or an empty one at the end. */
TupleTableSlot *
flowlog_aggregate_next(FlowlogScan *scan)
{
	FlowlogAggregation *aggregation = scan->aggregation;
	TupleTableSlot *slot = aggregation->slot;

	ExecClearTuple(slot);
	if (aggregation->finished)
		return slot;
	if (aggregation->groups == NULL)
	{
		flowlog_needs_forget(scan->group_needs);
		make_spec(scan);
		create_groups(scan);
	}
	for (;;)
	{
		if (aggregation->full)
		{
			for (;;)
			{
				CHECK_FOR_INTERRUPTS();
				skip_groups(scan);
				aggregation->shown = aggregation->position;
				if (flow_groups_skip(aggregation->returned, &aggregation->position) != FLOW_OK)
					break;
				if (show_group(scan, slot))
					return slot;
			}
			flowlog_check_status(&scan->backend, flow_groups_clear(aggregation->returned));
			aggregation->full = false;
		}
		if (!next_table(scan, &aggregation->returned))
		{
			aggregation->finished = true;
			free_groups(aggregation);
			return slot;
		}
		aggregation->full = true;
		aggregation->position = 0;
	}
}

/* Forgets all groups. */
void
flowlog_aggregate_rewind(FlowlogScan *scan)
{
	FlowlogAggregation *aggregation = scan->aggregation;

	ExecClearTuple(aggregation->slot);
	if (aggregation->groups != NULL)
		flowlog_check_status(&scan->backend, flow_groups_clear(aggregation->groups));
	if (aggregation->of_sets != NULL)
		flowlog_check_status(&scan->backend, flow_groups_clear(aggregation->of_sets));
	if (aggregation->store != NULL)
		flowlog_store_reset(aggregation->store);
	if (aggregation->distinct != NULL)
		flowlog_distinct_rewind(aggregation->distinct);
	aggregation->full = false;
	aggregation->ended = false;
	aggregation->stored = false;
	aggregation->finished = false;
}

/* Closes temporary files. */
void
flowlog_aggregate_end(FlowlogScan *scan)
{
	if (scan->aggregation->store != NULL)
		flowlog_store_reset(scan->aggregation->store);
	if (scan->aggregation->distinct != NULL)
		flowlog_distinct_end(scan->aggregation->distinct);
}
