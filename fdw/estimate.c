/*-------------------------------------------------------------------------
 *
 * estimate.c
 *	  How many groups the keys of a query make.
 *
 * PostgreSQL assumes that an expression has as many values as its columns.
 * That is far too many for what logs are grouped by most: hours, days, and
 * spans of so many seconds.  By such an estimate, the groups of each worker
 * cost more than what it reads, and a query is planned without workers.
 *
 * Here such a key is followed down to its column, whose values are, by
 * ANALYZE, in a range.  The number of steps in it is the maximum number of
 * groups.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include <math.h>

#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/selfuncs.h"
#include "utils/timestamp.h"

#define SECONDS_OF_DAY 86400.0
#define SECONDS_OF_YEAR (365.2425 * SECONDS_OF_DAY)

/*
 * The values that an expression may have: multiples of "step", in a range of
 * that width.  Those of times are in seconds.
 */
typedef struct Steps
{
	double width; /* infinite if it is not known */
	double step;
} Steps;

/* The relation whose columns are grouped by. */
typedef struct Input
{
	PlannerInfo *root;
	RelOptInfo *relation;
} Input;

static bool find_steps(const Input *input, Node *node, Steps *steps);

/* ---------- columns ---------- */

/* Returns a number that orders as a value does; false for other types. */
static bool
number_of(Oid type, Datum datum, double *number)
{
	int64 integer;

	switch (type)
	{
		case DATEOID:
			*number = DatumGetInt32(datum) * SECONDS_OF_DAY;
			return true;
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			*number = (double) DatumGetTimestamp(datum) / USECS_PER_SEC;
			return true;
		default:
			if (!flowlog_read_integer(type, datum, &integer))
				return false;
			*number = (double) integer;
			return true;
	}
}

/* Widens a range to the values in a kind of statistics. */
static void
include_statistics(HeapTuple statistics, int kind, Oid type, double *least, double *most)
{
	AttStatsSlot slot;

	if (!get_attstatsslot(&slot, statistics, kind, InvalidOid, ATTSTATSSLOT_VALUES))
		return;
	for (int i = 0; i < slot.nvalues; i++)
	{
		double number;

		if (!number_of(type, slot.values[i], &number))
			continue;
		*least = Min(*least, number);
		*most = Max(*most, number);
	}
	free_attstatsslot(&slot);
}

/*
 * Returns the share of a column's range that the restrictions on this column
 * alone leave, as if its values were evenly spread.
 */
static double
share_of_range(const Input *input, const Var *var)
{
	List *restrictions = NIL;
	ListCell *cell;

	foreach(cell, input->relation->baserestrictinfo)
	{
		RestrictInfo *restriction = lfirst_node(RestrictInfo, cell);
		List *vars = pull_var_clause((Node *) restriction->clause, PVC_RECURSE_PLACEHOLDERS);
		bool others = vars == NIL;
		ListCell *other;

		foreach(other, vars)
			others |= !equal(lfirst(other), var);
		if (!others)
			restrictions = lappend(restrictions, restriction);
	}
	return clauselist_selectivity(input->root, restrictions, 0, JOIN_INNER, NULL);
}

/* Finds the range of a column's values, by what ANALYZE has seen. */
static bool
find_column_steps(const Input *input, Var *var, Steps *steps)
{
	double least = INFINITY;
	double most = -INFINITY;
	VariableStatData data;
	double number;

	if ((Index) var->varno != input->relation->relid || var->varlevelsup != 0 ||
	    !number_of(var->vartype, Int64GetDatum(0), &number))
		return false;
	examine_variable(input->root, (Node *) var, 0, &data);
	if (HeapTupleIsValid(data.statsTuple) && data.acl_ok)
	{
		include_statistics(data.statsTuple, STATISTIC_KIND_HISTOGRAM, var->vartype, &least, &most);
		include_statistics(data.statsTuple, STATISTIC_KIND_MCV, var->vartype, &least, &most);
	}
	ReleaseVariableStats(data);
	steps->width = least <= most ? (most - least) * share_of_range(input, var) : INFINITY;
	steps->step = var->vartype == DATEOID ? SECONDS_OF_DAY : 1;
	return true;
}

/* ---------- arithmetic ---------- */

/* Returns an integer constant as a number; false if it is none. */
static bool
constant_number(Node *node, double *number)
{
	const Const *constant = (const Const *) node;
	int64 integer;

	if (!IsA(node, Const) || constant->constisnull ||
	    !flowlog_read_integer(constant->consttype, constant->constvalue, &integer))
		return false;
	*number = (double) integer;
	return true;
}

/* Returns true if the node is "value % number". */
static bool
is_rest_of(Node *node, Node *value, double *number)
{
	OpExpr *operator=(OpExpr *) node;
	const char *name;

	if (!IsA(node, OpExpr) || list_length(operator->args) != 2)
		return false;
	name = get_opname(operator->opno);
	return name != NULL && strcmp(name, "%") == 0 && equal(linitial(operator->args), value) &&
	       constant_number(lsecond(operator->args), number);
}

/* Finds the steps of a number that an operator computes with a constant. */
static bool
find_operator_steps(const Input *input, OpExpr *node, Steps *steps)
{
	const char *name = get_opname(node->opno);
	double number = 0;

	/* only operators of PostgreSQL are known by their names */
	if (name == NULL || node->opno >= FirstNormalObjectId || list_length(node->args) != 2 ||
	    !find_steps(input, linitial(node->args), steps))
		return false;
	if (strcmp(name, "-") == 0 && is_rest_of(lsecond(node->args), linitial(node->args), &number))
	{
		steps->step = Max(steps->step, fabs(number));
		return true;
	}
	if (!constant_number(lsecond(node->args), &number))
		return false;
	number = fabs(number);
	switch (name[1] == '\0' ? name[0] : '\0')
	{
		case '+':
		case '-':
			return true;
		case '*':
			steps->width *= Max(number, 1);
			steps->step *= Max(number, 1);
			return true;
		case '/':
			steps->width /= Max(number, 1);
			steps->step = Max(steps->step / Max(number, 1), 1);
			return true;
		case '%':
			steps->width = Min(steps->width, Max(number, 1) - 1);
			steps->step = 1;
			return true;
		default:
			return false;
	}
}

/* ---------- times ---------- */

/* A unit of times: its seconds, and how many of them the next larger one has. */
static const struct
{
	const char *name;
	double seconds;
	double count; /* INFINITY: it is not counted in another one */
} units[] = {
	{"second", 1, 60},
	{"minute", 60, 60},
	{"hour", 3600, 24},
	{"day", SECONDS_OF_DAY, 31},
	{"dow", SECONDS_OF_DAY, 7},
	{"isodow", SECONDS_OF_DAY, 7},
	{"doy", SECONDS_OF_DAY, 366},
	{"week", 7 * SECONDS_OF_DAY, 53},
	{"month", SECONDS_OF_YEAR / 12, 12},
	{"quarter", SECONDS_OF_YEAR / 4, 4},
	{"year", SECONDS_OF_YEAR, INFINITY},
	{"epoch", 1, INFINITY},
};

/* Finds the unit that the first argument of a function names; -1: none. */
static int
find_unit(const FuncExpr *node)
{
	const Const *constant = linitial(node->args);
	const char *name;

	if (!IsA(constant, Const) || constant->constisnull || constant->consttype != TEXTOID)
		return -1;
	name = TextDatumGetCString(constant->constvalue);
	for (size_t i = 0; i < lengthof(units); i++)
		if (pg_strcasecmp(units[i].name, name) == 0)
			return (int) i;
	return -1;
}

/* Finds the steps of times that are cut, or of what is extracted from them. */
static bool
find_unit_steps(const Input *input, FuncExpr *node, bool extracts, Steps *steps)
{
	int unit = find_unit(node);

	if (unit < 0 || !find_steps(input, lsecond(node->args), steps))
		return false;
	if (!extracts)
	{
		steps->step = Max(steps->step, units[unit].seconds);
		return true;
	}
	steps->width = Min(steps->width / units[unit].seconds, units[unit].count - 1);
	steps->step = 1;
	return true;
}

/* Finds the steps of date_bin(). */
static bool
find_bin_steps(const Input *input, FuncExpr *node, Steps *steps)
{
	const Const *width = linitial(node->args);
	const Interval *interval;

	if (!IsA(width, Const) || width->constisnull || !find_steps(input, lsecond(node->args), steps))
		return false;
	interval = DatumGetIntervalP(width->constvalue);
	steps->step =
		Max(steps->step, interval->day * SECONDS_OF_DAY + (double) interval->time / USECS_PER_SEC);
	return true;
}

/* What a function does to the steps of an argument. */
typedef enum StepsOf
{
	STEPS_SAME, /* its values are told apart as the argument's */
	STEPS_DAY,
	STEPS_TRUNC,
	STEPS_EXTRACT,
	STEPS_BIN,
} StepsOf;

static const struct
{
	Oid function;
	StepsOf steps;
	int argument; /* whose values it changes, from 0 */
} functions[] = {
	{F_INT4_INT2, STEPS_SAME, 0},
	{F_INT8_INT2, STEPS_SAME, 0},
	{F_INT8_INT4, STEPS_SAME, 0},
	{F_INT2_INT4, STEPS_SAME, 0},
	{F_INT2_INT8, STEPS_SAME, 0},
	{F_INT4_INT8, STEPS_SAME, 0},
	{F_INT4_NUMERIC, STEPS_SAME, 0},
	{F_INT8_NUMERIC, STEPS_SAME, 0},
	{F_NUMERIC_INT4, STEPS_SAME, 0},
	{F_NUMERIC_INT8, STEPS_SAME, 0},
	{F_FLOAT8_INT2, STEPS_SAME, 0},
	{F_FLOAT8_INT4, STEPS_SAME, 0},
	{F_FLOAT8_INT8, STEPS_SAME, 0},
	{F_TO_TIMESTAMP_FLOAT8, STEPS_SAME, 0},
	{F_TIMESTAMP_TIMESTAMPTZ, STEPS_SAME, 0},
	{F_TIMESTAMPTZ_TIMESTAMP, STEPS_SAME, 0},
	{F_TIMESTAMP_DATE, STEPS_SAME, 0},
	{F_TIMESTAMPTZ_DATE, STEPS_SAME, 0},
	{F_TIMEZONE_TEXT_TIMESTAMPTZ, STEPS_SAME, 1},
	{F_TIMEZONE_TEXT_TIMESTAMP, STEPS_SAME, 1},
	{F_DATE_TIMESTAMPTZ, STEPS_DAY, 0},
	{F_DATE_TIMESTAMP, STEPS_DAY, 0},
	{F_DATE_TRUNC_TEXT_TIMESTAMPTZ, STEPS_TRUNC, 1},
	{F_DATE_TRUNC_TEXT_TIMESTAMP, STEPS_TRUNC, 1},
	{F_DATE_TRUNC_TEXT_TIMESTAMPTZ_TEXT, STEPS_TRUNC, 1},
	{F_EXTRACT_TEXT_TIMESTAMPTZ, STEPS_EXTRACT, 1},
	{F_EXTRACT_TEXT_TIMESTAMP, STEPS_EXTRACT, 1},
	{F_EXTRACT_TEXT_DATE, STEPS_EXTRACT, 1},
	{F_DATE_PART_TEXT_TIMESTAMPTZ, STEPS_EXTRACT, 1},
	{F_DATE_PART_TEXT_TIMESTAMP, STEPS_EXTRACT, 1},
	{F_DATE_BIN_INTERVAL_TIMESTAMPTZ_TIMESTAMPTZ, STEPS_BIN, 1},
	{F_DATE_BIN_INTERVAL_TIMESTAMP_TIMESTAMP, STEPS_BIN, 1},
};

/* Finds the steps of what a function returns. */
static bool
find_function_steps(const Input *input, FuncExpr *node, Steps *steps)
{
	size_t i = 0;

	if (flowlog_is_from_unixtime(node->funcid))
		return find_steps(input, linitial(node->args), steps);
	while (i < lengthof(functions) && functions[i].function != node->funcid)
		i++;
	if (i == lengthof(functions))
		return false;
	switch (functions[i].steps)
	{
		case STEPS_TRUNC:
		case STEPS_EXTRACT:
			return find_unit_steps(input, node, functions[i].steps == STEPS_EXTRACT, steps);
		case STEPS_BIN:
			return find_bin_steps(input, node, steps);
		case STEPS_SAME:
		case STEPS_DAY:
			if (!find_steps(input, list_nth(node->args, functions[i].argument), steps))
				return false;
			if (functions[i].steps == STEPS_DAY)
				steps->step = Max(steps->step, SECONDS_OF_DAY);
			return true;
	}
	return false;
}

/* Finds the steps of an expression's values; false if they are not known. */
static bool
find_steps(const Input *input, Node *node, Steps *steps)
{
	/* an expression may be of any depth */
	CHECK_FOR_INTERRUPTS();
	check_stack_depth();
	switch (nodeTag(node))
	{
		case T_Var:
			return find_column_steps(input, (Var *) node, steps);
		case T_RelabelType:
			return find_steps(input, (Node *) ((RelabelType *) node)->arg, steps);
		case T_OpExpr:
			return find_operator_steps(input, (OpExpr *) node, steps);
		case T_FuncExpr:
			return find_function_steps(input, (FuncExpr *) node, steps);
		default:
			return false;
	}
}

/* ---------- groups ---------- */

/* Returns the maximum number of values of a CASE that chooses among constants. */
static double
count_results(const CaseExpr *node)
{
	ListCell *cell;

	if (!IsA(node->defresult, Const))
		return INFINITY;
	foreach(cell, node->args)
		if (!IsA(lfirst_node(CaseWhen, cell)->result, Const))
			return INFINITY;
	return list_length(node->args) + 1;
}

/* Returns the maximum number of values of a key; infinite if it is not known. */
static double
count_values(const Input *input, Node *key)
{
	Steps steps;

	if (IsA(key, CaseExpr))
		return count_results((CaseExpr *) key);
	/* PostgreSQL knows how many values a column has */
	if (IsA(key, Var) || !find_steps(input, key, &steps))
		return INFINITY;
	return floor(steps.width / steps.step) + 2;
}

/*
 * Estimates the number of groups that keys make of a number of records: as
 * PostgreSQL does, but no more than there can be.
 */
double
flowlog_estimate_groups(PlannerInfo *root, RelOptInfo *relation, List *keys, double records)
{
	Input input = {root, relation};
	double groups;
	double most = 1;    /* groups by keys that have so many values */
	List *others = NIL; /* the other keys */
	ListCell *cell;

	if (keys == NIL)
		return 1;
	groups = estimate_num_groups(root, keys, records, NULL, NULL);
	foreach(cell, keys)
	{
		double values = count_values(&input, lfirst(cell));

		if (isinf(values))
			others = lappend(others, lfirst(cell));
		else
			most *= values;
	}
	if (list_length(others) == list_length(keys))
		return groups;
	if (others != NIL)
		most *= estimate_num_groups(root, others, records, NULL, NULL);
	return Min(groups, most);
}

/*
 * Returns true if the estimate is more than a guess: ANALYZE has seen the
 * values of the keys, or their number is known anyway.
 */
bool
flowlog_groups_are_known(PlannerInfo *root, RelOptInfo *relation, List *keys)
{
	Input input = {root, relation};
	EstimationInfo info = {0};
	List *others = NIL;
	ListCell *cell;

	foreach(cell, keys)
		if (isinf(count_values(&input, lfirst(cell))))
			others = lappend(others, lfirst(cell));
	if (others != NIL)
		(void) estimate_num_groups(root, others, relation->rows, NULL, &info);
	return (info.flags & SELFLAG_USED_DEFAULT) == 0;
}

/* ---------- costs ---------- */

/* Returns the cost of evaluating an expression for a record. */
static Cost
cost_expression(PlannerInfo *root, Node *expr)
{
	QualCost cost;

	cost_qual_eval_node(&cost, expr, root);
	return cost.per_tuple / 2;
}

/*
 * Estimates the cost of grouping a record and adding it to the totals.  The
 * executor would take cpu_tuple_cost more, and twice as much for expressions.
 */
Cost
flowlog_cost_of_groups(PlannerInfo *root, const FlowlogTable *table, List *outputs)
{
	Cost cost = 0;
	ListCell *cell;

	foreach(cell, outputs)
	{
		Aggref *call = lfirst(cell);
		FlowlogOutput output;

		if (IsA(lfirst(cell), GroupingFunc))
			continue; /* it is known of each set of keys */
		if (!flowlog_recognise_output(root, table, lfirst(cell), &output))
			/* the reader groups by its columns */
			cost += cpu_operator_cost *
			        list_length(pull_var_clause(lfirst(cell), PVC_RECURSE_PLACEHOLDERS));
		else if (!IsA(call, Aggref))
			cost += cpu_operator_cost + cost_expression(root, lfirst(cell));
		else if (call->args == NIL && call->aggfilter == NULL)
			cost += cpu_operator_cost / 2;
		else
			cost += cpu_operator_cost + cost_expression(root, (Node *) call->args) +
			        cost_expression(root, (Node *) call->aggfilter);
	}
	return cost;
}
