/*-------------------------------------------------------------------------
 *
 * prune_row.c
 *	  Makes a row of what is known about a file, for the conditions on it, and
 *	  evaluates something that may fail.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"
#include "prune.h"

#include "executor/executor.h"
#include "nodes/nodeFuncs.h"

/* ---------- what is known ---------- */

/*
 * Fills a slot with the columns known for this file or directory; "file" is
 * NULL for a directory.
 */
void
flowlog_prune_fill_row(FlowlogPrune *prune, const FlowObject *file, const FlowPathValue *values)
{
	const FlowlogTable *table = prune->definition;
	bool set_null = table->options.on_error == FLOW_ON_ERROR_SET_NULL;
	const FlowSlice *constants = flow_constants_fill(prune->constants, file, values);
	FlowRecord record = {prune->fields};

	if (constants == NULL)
		ereport(ERROR, errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory"));

	/* read the fields of the columns that are known */
	for (int i = 0; i < table->ncolumns; i++)
	{
		const FlowColumn *column = &table->columns[i];
		bool is_null = column->source == FLOW_FROM_VARIABLE && values[column->variable].is_null;
		FlowValue value;
		FlowStatus status;

		prune->fields[i] = (FlowSlice) {NULL, 0};
		prune->knowledge[i] = NOT_KNOWN;
		if (!flow_column_is_constant(column) ||
		    (file == NULL && constants[i].data == NULL && !is_null))
			continue;
		status = flow_value_read(column, &prune->backend->host, constants[i], &value);
		if (status == FLOW_OK)
			prune->fields[i] = constants[i];
		else if (status != FLOW_END && (!set_null || column->not_null))
		{
			prune->knowledge[i] = BAD;
			prune->statuses[i] = status;
			continue;
		}
		prune->knowledge[i] = KNOWN;
	}

	/* convert them to a row */
	ExecClearTuple(prune->slot);
	flowlog_tuple_fill(prune->tuple, &record, prune->slot->tts_values, prune->slot->tts_isnull);
	ExecStoreVirtualTuple(prune->slot);
	prune->econtext->ecxt_scantuple = prune->slot;
}

/* Returns the first column of a condition whose value is not known, or -1. */
int
flowlog_prune_first_unknown(const FlowlogPrune *prune, const FileQual *qual)
{
	for (int i = 0; i < qual->ncolumns; i++)
		if (prune->knowledge[qual->columns[i]] != KNOWN)
			return qual->columns[i];
	return -1;
}

/* ---------- attempts ---------- */

/*
 * Ends an evaluation that has succeeded.  Shutdown callbacks may still raise
 * an error.
 */
void
flowlog_prune_end_attempt(Attempt *attempt)
{
	ExprContext *econtext = attempt->econtext;

	attempt->econtext = NULL;
	FreeExprContext(econtext, true);
}

/* Returns true if the evaluation of an expression, with these parameters, runs a plan. */
static bool
runs_plan(Node *node, void *context)
{
	const ParamExecData *values = context;

	if (node == NULL)
		return false;
	if (IsA(node, SubPlan) || IsA(node, AlternativeSubPlan))
		return true;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXEC)
		return values == NULL || values[((Param *) node)->paramid].execPlan != NULL;
	return expression_tree_walker(node, runs_plan, context);
}

/*
 * Returns true if an expression can be evaluated in a subtransaction.  A plan
 * that it runs stays open afterwards, but the relations that it reads would be
 * closed.
 */
static bool
may_try(const FlowlogPrune *prune, Expr *expr)
{
	return prune->parent != NULL &&
	       !runs_plan((Node *) expr, prune->parent->state->es_param_exec_vals);
}

/*
 * Calls one of the functions in a subtransaction; returns false if it fails, or
 * cannot be called so.
 */
bool
flowlog_prune_try(Attempt *attempt, void (*function)(void *arg))
{
	Expr *expr = attempt->qual != NULL ? attempt->qual->now : attempt->expr;

	if (!may_try(attempt->prune, expr))
		return false;
	if (flowlog_backend_try(function, attempt, NULL))
		return true;
	if (attempt->econtext != NULL)
		FreeExprContext(attempt->econtext, false);
	return false;
}
