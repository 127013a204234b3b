/*-------------------------------------------------------------------------
 *
 * need.c
 *	  What PostgreSQL evaluates when a record needs it: conditions that must not
 *	  be evaluated before, and expressions that the core cannot compute, for the
 *	  record or at all.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"
#include "qual.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/bytea.h"
#include "utils/float.h"
#include "utils/rel.h"

typedef struct Need
{
	Expr *expr;
	/*
	 * those that it is one of; NULL: it is a condition, which is evaluated
	 * once for all records
	 */
	FlowExpressions *expressions;
	/* of an expression; NULL: not needed yet */
	ExprState *state;
	FlowlogTuple *tuple; /* which fills its columns */
} Need;

/*
 * The settings that expressions depend on: functions of times, and then those
 * that are IMMUTABLE all the same.
 */
typedef struct Settings
{
	pg_tz *zone;
	int date_style;
	int date_order;
	int interval_style;
	int float_digits;
	int bytea_form;
	bool quotes_all;
} Settings;

struct FlowlogNeeds
{
	FlowlogScan *scan;
	ForeignScanState *node;
	int sign;             /* 1 or -1, of all numbers */
	List *needs;          /* a need's number is its place in the list, from 1, with this sign */
	MemoryContext memory; /* of the list, and of the needs' expressions */

	MemoryContext states; /* of the needs there are; NULL: not needed yet */
	Settings settings;    /* as they were when the needs were made */

	/* for the values of expressions: the record as a row; NULL: not needed yet */
	TupleTableSlot *slot;
	ExprContext *econtext;
	FlowSlice *fields; /* of a record that has only one */
};

static Settings
current_settings(void)
{
	return (Settings) {session_timezone,
	                   DateStyle,
	                   DateOrder,
	                   IntervalStyle,
	                   extra_float_digits,
	                   bytea_output,
	                   quote_all_identifiers};
}

static bool
same_settings(const Settings *a, const Settings *b)
{
	return a->zone == b->zone && a->date_style == b->date_style && a->date_order == b->date_order &&
	       a->interval_style == b->interval_style && a->float_digits == b->float_digits &&
	       a->bytea_form == b->bytea_form && a->quotes_all == b->quotes_all;
}

static void
set_settings(const Settings *settings)
{
	session_timezone = settings->zone;
	DateStyle = settings->date_style;
	DateOrder = settings->date_order;
	IntervalStyle = settings->interval_style;
	extra_float_digits = settings->float_digits;
	bytea_output = settings->bytea_form;
	quote_all_identifiers = settings->quotes_all;
}

/* ---------- subplans ---------- */

/* A subplan in a condition.  It belongs to the plan's node as long as that lives. */
typedef struct SubPlanOfNode
{
	int plan_id;
	ExprState *state;
	PlanState *plan;
} SubPlanOfNode;

typedef struct FindSubPlans
{
	ForeignScanState *node;
	List *found;
} FindSubPlans;

static bool
find_subplans(Node *node, void *context)
{
	FindSubPlans *find = context;

	if (node == NULL)
		return false;
	if (IsA(node, SubPlan))
	{
		SubPlanOfNode *found = palloc(sizeof(SubPlanOfNode));

		found->plan_id = ((SubPlan *) node)->plan_id;
		found->state = ExecInitExpr((Expr *) node, &find->node->ss.ps);
		/* that has added it to the node */
		found->plan = llast_node(SubPlanState, find->node->ss.ps.subPlan)->planstate;
		find->found = lappend(find->found, found);
	}
	return expression_tree_walker(node, find_subplans, context);
}

/* Prepares the subplans of a plan's conditions, when the plan is initialized. */
void
flowlog_needs_prepare_subplans(FlowlogScan *scan, ForeignScanState *node, List *conditions)
{
	FindSubPlans find = {.node = node};

	(void) find_subplans((Node *) conditions, &find);
	scan->subplans = find.found;
}

static const SubPlanOfNode *
find_subplan(const FlowlogScan *scan, const SubPlan *subplan)
{
	ListCell *cell;

	foreach(cell, scan->subplans)
	{
		const SubPlanOfNode *found = lfirst(cell);

		if (found->plan_id == subplan->plan_id)
			return found;
	}
	elog(ERROR, "subplan %d is not known", subplan->plan_id);
}

/* Returns the set of a subplan's values, or NULL if there are too many. */
FlowlogKeySet *
flowlog_needs_run_subplan(const FlowlogNeeds *needs, const SubPlan *subplan, Oid type,
                          Oid collation, bool *has_null)
{
	PlanState *plan = find_subplan(needs->scan, subplan)->plan;
	MemoryContext old = MemoryContextSwitchTo(needs->node->ss.ps.state->es_query_cxt);
	FlowlogKeySet *set =
		flowlog_key_set_create(CurrentMemoryContext, type, collation, flowlog_sets_memory());
	MemoryContext row =
		AllocSetContextCreate(CurrentMemoryContext, "flowlog_fdw subplan", ALLOCSET_SMALL_SIZES);

	*has_null = false;
	ExecReScan(plan);
	while (!flowlog_key_set_is_everything(set))
	{
		TupleTableSlot *slot = ExecProcNode(plan);
		bool isnull;
		Datum key;

		if (TupIsNull(slot))
			break;
		key = slot_getattr(slot, 1, &isnull);
		*has_null |= isnull;
		if (isnull)
			continue;
		MemoryContextReset(row);
		MemoryContextSwitchTo(row);
		flowlog_key_set_add(set, key);
		MemoryContextSwitchTo(needs->node->ss.ps.state->es_query_cxt);
	}
	MemoryContextDelete(row);
	if (flowlog_key_set_is_everything(set))
	{
		flowlog_key_set_free(set);
		set = NULL;

		/*
		 * PostgreSQL must not look values up in a hash table of other
		 * parameters.  That they changed was forgotten when the plan ran.
		 */
		plan->chgParam = bms_copy(plan->plan->extParam);
	}
	MemoryContextSwitchTo(old);
	return set;
}

/* ---------- needs ---------- */

/* Returns an empty list of needs, which lives as long as the scan. */
FlowlogNeeds *
flowlog_needs_create(FlowlogScan *scan, ForeignScanState *node, int sign)
{
	FlowlogNeeds *needs = MemoryContextAllocZero(scan->context, sizeof(FlowlogNeeds));

	needs->scan = scan;
	needs->node = node;
	needs->sign = sign;
	needs->memory = AllocSetContextCreate(scan->context, "flowlog_fdw needs", ALLOCSET_SMALL_SIZES);
	needs->settings = current_settings();
	return needs;
}

ForeignScanState *
flowlog_needs_node(const FlowlogNeeds *needs)
{
	return needs->node;
}

/* Forgets all needs, because what has them is made anew. */
void
flowlog_needs_forget(FlowlogNeeds *needs)
{
	if (needs->states != NULL)
		MemoryContextReset(needs->states);
	MemoryContextReset(needs->memory);
	needs->needs = NIL;
	needs->settings = current_settings();
}

/*
 * Adds a need and returns its number, which is not 0.  The expression is
 * copied: it may have been made while a filter is built, as a part of CASE is.
 */
int
flowlog_needs_add(FlowlogNeeds *needs, Expr *expr, FlowExpressions *expressions)
{
	MemoryContext old;
	Need *need;

	/* nobody will ask */
	if (needs == NULL)
		return PG_INT32_MAX;
	old = MemoryContextSwitchTo(needs->memory);
	need = palloc(sizeof(Need));
	*need = (Need) {.expr = copyObject(expr), .expressions = expressions};
	needs->needs = lappend(needs->needs, need);
	MemoryContextSwitchTo(old);
	return needs->sign * list_length(needs->needs);
}

static Need *
find_need(const FlowlogNeeds *needs, int number)
{
	return list_nth(needs->needs, abs(number) - 1);
}

/* Returns the condition with a number, or NULL if it is an expression. */
Expr *
flowlog_needs_condition(const FlowlogNeeds *needs, int number)
{
	const Need *need = find_need(needs, number);

	return need->expressions == NULL ? need->expr : NULL;
}

/* ---------- the values of expressions ---------- */

/* Prepares to make rows of records. */
static void
prepare_rows(FlowlogNeeds *needs)
{
	MemoryContext old = MemoryContextSwitchTo(needs->scan->context);
	Relation relation = table_open(needs->scan->table->relid, NoLock);
	TupleDesc desc = CreateTupleDescCopyConstr(RelationGetDescr(relation));

	table_close(relation, NoLock);
	needs->fields = palloc0(sizeof(FlowSlice) * (needs->scan->table->ncolumns + 1));
	needs->slot = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	needs->econtext = CreateExprContext(needs->node->ss.ps.state);
	MemoryContextSwitchTo(old);
}

/* Prepares to evaluate an expression of records, for as long as it is needed. */
static void
prepare_expression(FlowlogNeeds *needs, Need *need)
{
	FlowlogTupleSource source = needs->scan->records;
	MemoryContext old;

	if (needs->slot == NULL)
		prepare_rows(needs);
	if (needs->states == NULL)
		needs->states =
			AllocSetContextCreate(needs->scan->context, "flowlog_fdw needs", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(needs->states);
	source.context = needs->states;
	need->tuple = flowlog_tuple_create(&source,
	                                   needs->slot->tts_tupleDescriptor,
	                                   flowlog_part_attributes(NULL, (Node *) need->expr));
	need->state = IsA(need->expr, SubPlan)
	                  ? find_subplan(needs->scan, (const SubPlan *) need->expr)->state
	                  : ExecInitExpr(need->expr, NULL);
	MemoryContextSwitchTo(old);
}

/*
 * Evaluates an expression with the current settings.  Not inlined, as some
 * compilers take its variables for such that PG_TRY may clobber.
 */
static pg_noinline Datum
evaluate_now(const FlowlogNeeds *needs, const Need *need, bool *isnull)
{
	return ExecEvalExprSwitchContext(need->state, needs->econtext, isnull);
}

/*
 * Evaluates an expression, with the settings of when the needs were made: a SET
 * between two fetches of a cursor does not change it.
 */
static Datum
evaluate(FlowlogNeeds *needs, const Need *need, bool *isnull)
{
	Settings now = current_settings();
	Datum datum;

	if (likely(same_settings(&now, &needs->settings)))
		return evaluate_now(needs, need, isnull);
	PG_TRY();
	{
		set_settings(&needs->settings);
		datum = evaluate_now(needs, need, isnull);
	}
	PG_FINALLY();
	{
		set_settings(&now);
	}
	PG_END_TRY();
	return datum;
}

/*
 * Evaluates an expression of a record; returns false if it is NULL.  The value
 * lives until the needs' econtext is reset.
 */
static bool
compute(FlowlogNeeds *needs, Need *need, const FlowRecord *record, FlowValue *value)
{
	Oid type = exprType((Node *) need->expr);
	MemoryContext old;
	bool isnull;
	Datum datum;

	if (need->state == NULL)
		prepare_expression(needs, need);
	ExecClearTuple(needs->slot);
	flowlog_tuple_fill(need->tuple, record, needs->slot->tts_values, needs->slot->tts_isnull);
	ExecStoreVirtualTuple(needs->slot);
	needs->econtext->ecxt_scantuple = needs->slot;
	datum = evaluate(needs, need, &isnull);
	if (isnull)
		return false;
	old = MemoryContextSwitchTo(needs->econtext->ecxt_per_tuple_memory);
	if (type == NUMERICOID)
		value->integer = DatumGetInt64(DirectFunctionCall1(numeric_int8, datum));
	else
		flowlog_part_value(type, datum, value);
	MemoryContextSwitchTo(old);
	return true;
}

/* Gives the reader the value of an expression for the record that waits. */
void
flowlog_needs_provide(FlowlogNeeds *needs, int number)
{
	Need *need = find_need(needs, number);
	FlowRecord record = flow_reader_waiting(needs->scan->reader);
	FlowValue value;
	bool has_value;

	CHECK_FOR_INTERRUPTS();
	has_value = compute(needs, need, &record, &value);
	if (!flow_expression_provide(need->expressions, number, has_value ? &value : NULL))
		ereport(ERROR, errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory"));
	ResetExprContext(needs->econtext);
}

/* Gives the scan's memo all values that it awaits. */
void
flowlog_needs_provide_awaited(FlowlogScan *scan)
{
	FlowAwaited awaited;

	while (flow_memo_next(scan->memo, &awaited))
	{
		FlowlogNeeds *needs = awaited.number > 0 ? scan->needs : scan->group_needs;
		Need *need = find_need(needs, awaited.number);
		FlowRecord record;
		FlowValue value;
		bool has_value;

		CHECK_FOR_INTERRUPTS();
		if (need->state == NULL)
			prepare_expression(needs, need);
		needs->fields[awaited.column] = awaited.field;
		record.fields = needs->fields;
		has_value = compute(needs, need, &record, &value);
		flow_memo_provide(scan->memo, has_value ? &value : NULL);
		ResetExprContext(needs->econtext);
	}
}
