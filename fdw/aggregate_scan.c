/*-------------------------------------------------------------------------
 *
 * aggregate_scan.c
 *	  Executes a scan in which the reader computes aggregates.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

struct FlowlogAggregation
{
	FlowlogOutput *outputs;
	int noutputs;
	int *keys; /* indexes into the table's columns */
	int nkeys;
	FlowAggregate *aggregates;
	int naggregates;

	FlowGroups *groups; /* NULL: not yet started */
	/* combines groups; NULL: partial groups are returned */
	FlowlogStore *store;
	size_t position; /* among the groups, while they are being returned */
	bool full;       /* groups are being returned */
	bool ended;      /* all records have been read */
	/* the groups have gone to the store, which returns whole ones */
	bool stored;
	bool finished; /* all groups have been returned */
	MemoryContextCallback callback;
};

/*
 * Returns the index of a key among those found so far; adds it if it is new.
 */
static int
index_of_key(FlowlogAggregation *aggregation, const FlowlogOutput *output)
{
	for (int i = 0; i < aggregation->nkeys; i++)
		if (aggregation->keys[i] == output->column)
			return i;
	aggregation->keys[aggregation->nkeys] = output->column;
	return aggregation->nkeys++;
}

/* Does the same for aggregates: sum and average of a column are one total. */
static int
index_of_total(FlowlogAggregation *aggregation, const FlowlogOutput *output)
{
	for (int i = 0; i < aggregation->naggregates; i++)
		if (aggregation->aggregates[i].kind == output->kind &&
		    aggregation->aggregates[i].column == output->column)
			return i;
	aggregation->aggregates[aggregation->naggregates] =
		(FlowAggregate) {output->kind, output->column};
	return aggregation->naggregates++;
}

static void
free_groups(void *arg)
{
	FlowlogAggregation *aggregation = arg;

	flow_groups_free(aggregation->groups);
	aggregation->groups = NULL;
}

/* Prepares to compute what the plan's scan returns. */
void
flowlog_aggregate_begin(FlowlogScan *scan, const ForeignScan *plan)
{
	MemoryContext old = MemoryContextSwitchTo(scan->context);
	FlowlogAggregation *aggregation = palloc0(sizeof(FlowlogAggregation));
	List *outputs = flowlog_aggregate_outputs(plan);
	ListCell *cell;

	aggregation->noutputs = list_length(outputs);
	aggregation->outputs = palloc0(sizeof(FlowlogOutput) * (aggregation->noutputs + 1));
	aggregation->keys = palloc0(sizeof(int) * (aggregation->noutputs + 1));
	aggregation->aggregates = palloc0(sizeof(FlowAggregate) * (aggregation->noutputs + 1));

	/* find keys and totals */
	foreach(cell, outputs)
	{
		FlowlogOutput *output = &aggregation->outputs[foreach_current_index(cell)];

		if (!flowlog_recognise_output(scan->table, lfirst_node(TargetEntry, cell)->expr, output))
			elog(ERROR,
			     "pushed-down aggregate of foreign table \"%s\" is not understood any more",
			     scan->table->name);
		output->index = output->aggregate != NULL ? index_of_total(aggregation, output)
		                                          : index_of_key(aggregation, output);
	}
	if (lsecond_int((List *) lsecond(plan->fdw_private)))
		aggregation->store =
			flowlog_store_create(scan->context, aggregation->nkeys, aggregation->naggregates);
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

/* Creates the table of groups. */
static void
create_groups(FlowlogScan *scan)
{
	FlowlogAggregation *aggregation = scan->aggregation;
	FlowError error;
	FlowGroupSpec spec = {
		.host = &scan->backend.reader_host,
		.columns = scan->table->columns,
		.ncolumns = scan->table->ncolumns,
		.keys = aggregation->keys,
		.nkeys = aggregation->nkeys,
		.aggregates = aggregation->aggregates,
		.naggregates = aggregation->naggregates,
		.memory = flowlog_hash_memory(),
		.by_value = aggregation->store != NULL,
	};

	if (flow_groups_create(&spec, &aggregation->groups, &error) != FLOW_OK)
		flowlog_raise(&scan->backend, &error, scan->table);
}

/* Converts a group's key to a Datum. */
static Datum
key_datum(FlowlogScan *scan, int column, FlowSlice field, bool *isnull)
{
	FlowValue value;
	FlowStatus status =
		flow_value_read(&scan->table->columns[column], &scan->backend.host, field, &value);

	*isnull = status == FLOW_END;
	if (status == FLOW_END)
		return (Datum) 0;
	if (status != FLOW_OK)
		elog(ERROR, "a group's key could not be read: status %d", (int) status);
	return flowlog_value_to_datum(&scan->table->columns[column], &value);
}

/* Makes a row of a group, in the current memory context. */
static void
fill_slot(FlowlogScan *scan, const FlowGroup *group, TupleTableSlot *slot)
{
	const FlowlogAggregation *aggregation = scan->aggregation;
	int natts = slot->tts_tupleDescriptor->natts;

	for (int i = 0; i < aggregation->noutputs; i++)
	{
		const FlowlogOutput *output = &aggregation->outputs[i];
		const FlowColumn *column =
			output->column < 0 ? NULL : &scan->table->columns[output->column];

		slot->tts_isnull[i] = false;
		if (output->aggregate == NULL)
			slot->tts_values[i] =
				key_datum(scan, output->column, group->keys[output->index], &slot->tts_isnull[i]);
		else if (aggregation->store == NULL)
			slot->tts_values[i] = output->aggregate->state(column,
			                                               &group->totals[output->index],
			                                               &slot->tts_isnull[i]);
		else
			slot->tts_values[i] = output->aggregate->result(column,
			                                                &group->totals[output->index],
			                                                &slot->tts_isnull[i]);
	}
	for (int i = aggregation->noutputs; i < natts; i++)
	{
		slot->tts_values[i] = (Datum) 0;
		slot->tts_isnull[i] = true;
	}
	ExecStoreVirtualTuple(slot);
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
		aggregation->ended = flowlog_scan_group(scan, aggregation->groups);
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

/* Stores the next group in the slot; returns false at the end. */
bool
flowlog_aggregate_next(FlowlogScan *scan, TupleTableSlot *slot)
{
	FlowlogAggregation *aggregation = scan->aggregation;
	FlowGroup group;

	if (aggregation->finished)
		return false;
	if (aggregation->groups == NULL)
		create_groups(scan);
	for (;;)
	{
		if (aggregation->full)
		{
			if (flow_groups_next(aggregation->groups, &aggregation->position, &group) == FLOW_OK)
			{
				fill_slot(scan, &group, slot);
				return true;
			}
			flow_groups_clear(aggregation->groups);
			aggregation->full = false;
		}
		if (!next_groups(scan))
		{
			aggregation->finished = true;
			free_groups(aggregation);
			return false;
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

	if (aggregation->groups != NULL)
		flow_groups_clear(aggregation->groups);
	if (aggregation->store != NULL)
		flowlog_store_reset(aggregation->store);
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
}
