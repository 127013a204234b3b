/*-------------------------------------------------------------------------
 *
 * runtime_set.c
 *	  Finds the keys of a join's other side, which a scan knows before it
 *	  begins.
 *
 * Below the hash table of a hash join, a node passes the rows of the small
 * relation through and collects their keys (set_collect.c).  When the join then
 * asks the scan for its first row, the set is complete, and the reader drops
 * the records whose value is not in it.  The join stays above, so the set may
 * be lossy.
 *
 * The scan finds the keys by a slot among the executor's parameters, as the
 * scans of a WITH query find each other.  The slot is no parameter of any
 * expression.  A scan that finds no complete set reads all: one in a worker,
 * for example, has a copy of the whole join, and finds its own copy's keys.
 *
 * Where the logs are what the join makes its hash table of, as for "WHERE
 * EXISTS (SELECT FROM logs ...)", the scan begins before the node is asked for
 * a row.  Then the scan has the node collect its keys, and keep its rows.
 *
 * It must not find the keys of an earlier run, either.  If the node runs again,
 * it forgets them.  Only if its parameters have changed, it may not know yet
 * that it will, so keys that depend on parameters are used once.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

struct FlowlogSets
{
	List *conditions;
	int param;
	const FlowlogKeys *found; /* NULL: nothing is known */
	uint64 serial;            /* of those that were found; 0: none */
	/* serial of the keys that there were when the scan was to begin again */
	uint64 passed;
};

/* Prepares scan->sets. */
void
flowlog_sets_begin(FlowlogScan *scan, ForeignScanState *node, const FlowlogQuals *quals)
{
	if (quals->sets == NIL)
		return;
	scan->sets = MemoryContextAllocZero(scan->context, sizeof(FlowlogSets));
	scan->sets->conditions = quals->sets;
	scan->sets->param = quals->param;
}

/* Returns the keys of the scan's own execution, or NULL. */
static FlowlogKeys *
keys_of(const FlowlogSets *sets, const ForeignScanState *node)
{
	const EState *estate = node->ss.ps.state;
	FlowlogKeys *keys =
		(FlowlogKeys *) DatumGetPointer(estate->es_param_exec_vals[sets->param].value);

	/* EvalPlanQual copies the slots of the query that it checks a row of */
	return keys != NULL && keys->estate == estate ? keys : NULL;
}

/* Finds the keys; returns true if they have changed. */
bool
flowlog_sets_find(FlowlogScan *scan, ForeignScanState *node)
{
	FlowlogSets *sets = scan->sets;
	FlowlogKeys *keys;
	uint64 before;

	if (sets == NULL)
		return false;
	before = sets->serial;
	keys = keys_of(sets, node);
	if (keys != NULL && keys->ahead && !keys->complete)
		flowlog_sets_collect_ahead(keys);
	if (keys != NULL &&
	    (!keys->complete || (keys->depends_on_parameters && keys->serial <= sets->passed)))
		keys = NULL;
	sets->found = keys;
	sets->serial = keys != NULL ? keys->serial : 0;
	return sets->serial != before;
}

/* To be called when the scan is to begin again. */
void
flowlog_sets_rewind(FlowlogScan *scan, ForeignScanState *node)
{
	const FlowlogKeys *keys;

	if (scan->sets == NULL)
		return;
	keys = keys_of(scan->sets, node);
	if (keys != NULL)
		scan->sets->passed = keys->serial;
}

List *
flowlog_sets_conditions(const FlowlogSets *sets)
{
	return sets != NULL ? sets->conditions : NIL;
}

/* Returns the keys of a condition, or NULL. */
const FlowlogKeySet *
flowlog_sets_keys(const FlowlogSets *sets, int number)
{
	const FlowlogKeySet *set = sets->found != NULL ? sets->found->sets[number] : NULL;

	return set != NULL && !flowlog_key_set_is_everything(set) ? set : NULL;
}
