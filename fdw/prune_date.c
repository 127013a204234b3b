/*-------------------------------------------------------------------------
 *
 * prune_date.c
 *	  Prunes by dates of which only the beginning is known, and by the times in
 *	  files' names.
 *
 * If only the year of a date is known, or the year and the month, the
 * comparisons still tell whether any day in that time can pass.  If option
 * "name_time_slack" is set, the comparisons of a record's times tell the same
 * about the time in a file's name.  In both cases the filters are tested with
 * intervals.  A condition that is not made of comparisons, or is one on a
 * text, is evaluated for all dates that the year or month has: 366 days, or
 * their hours, at most.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"
#include "prune.h"

#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

/* ---------- dates of which only the beginning is known ---------- */

/* Returns true if intervals tell whether the condition can hold. */
static bool
is_decided_by_intervals(const FlowlogPrune *prune, const FileQual *qual)
{
	for (int i = 0; i < qual->ncolumns; i++)
	{
		FlowType type = prune->definition->columns[qual->columns[i]].type;

		if (prune->knowledge[qual->columns[i]] != KNOWN && type != FLOW_TIME && type != FLOW_DAY)
			return false;
	}
	return qual->filter != NULL;
}

/*
 * Returns the variable of which only the beginning is known and that is all
 * that is not known for a condition; -1 if there is none.
 */
static int
open_variable(const FlowlogPrune *prune, const FileQual *qual, const FlowPathValue *values)
{
	int variable = -1;

	for (int i = 0; i < qual->ncolumns; i++)
	{
		const FlowColumn *column = &prune->definition->columns[qual->columns[i]];

		if (prune->knowledge[qual->columns[i]] == KNOWN)
			continue;
		if (column->source != FLOW_FROM_VARIABLE || !values[column->variable].begun ||
		    values[column->variable].text.data != NULL ||
		    (variable >= 0 && variable != column->variable))
			return -1;
		variable = column->variable;
	}
	return variable;
}

/* Returns true if a condition may hold for the current date. */
static bool
may_hold(FlowlogPrune *prune, const FileQual *qual, ExprContext *econtext)
{
	FlowBadField bad;

	CHECK_FOR_INTERRUPTS();
	if (flowlog_prune_first_unknown(prune, qual) >= 0)
		return true;
	if (qual->filter != NULL)
	{
		FlowTruth truth = flow_filter_test(qual->filter, prune->fields, &bad);

		return truth == FLOW_TRUE || truth == FLOW_ERROR;
	}
	ResetExprContext(econtext);
	econtext->ecxt_scantuple = prune->slot;
	return ExecQual(qual->state, econtext);
}

/* Returns true if a condition may hold for any date of a variable's range. */
static bool
holds_for_any_date(FlowlogPrune *prune, const FileQual *qual, ExprContext *econtext,
                   const FlowPathValue *known, int variable)
{
	const FlowLocation *location = prune->definition->location;
	FlowPathValue values[FLOW_MAX_VARIABLES];
	int nvariables;
	bool holds = false;

	(void) flow_location_variables(location, &nvariables);
	memcpy(values, known, sizeof(FlowPathValue) * nvariables);
	values[variable].begun = false;
	while (!holds &&
	       flow_location_next_date(location, variable, &known[variable], &values[variable]))
	{
		flowlog_prune_fill_row(prune, NULL, values);
		holds = may_hold(prune, qual, econtext);
	}
	flowlog_prune_fill_row(prune, NULL, known);
	return holds;
}

/* Evaluates a condition for the dates of a range. */
static void
attempt_dates(void *arg)
{
	Attempt *attempt = arg;
	FlowlogPrune *prune = attempt->prune;

	attempt->econtext = CreateExprContext(prune->parent->state);
	attempt->holds = holds_for_any_date(prune,
	                                    attempt->qual,
	                                    attempt->econtext,
	                                    attempt->values,
	                                    attempt->variable);
	flowlog_prune_end_attempt(attempt);
}

/*
 * Makes the state of a condition anew.  What a function keeps in it may be
 * incomplete after an error.
 */
static void
renew_state(FlowlogPrune *prune, FileQual *qual)
{
	MemoryContext old;

	if (qual->renewed == NULL)
		qual->renewed = AllocSetContextCreate(prune->backend->context,
		                                      "flowlog_fdw condition",
		                                      ALLOCSET_SMALL_SIZES);
	else
		MemoryContextReset(qual->renewed);
	old = MemoryContextSwitchTo(qual->renewed);
	qual->state = ExecInitQual(list_make1(qual->now), prune->parent);
	MemoryContextSwitchTo(old);
}

/*
 * Evaluates a condition for the dates of a range.  It may fail for one that is
 * the date of no file, which is not an error: the condition may hold then.
 */
static bool
evaluate_dates(FlowlogPrune *prune, FileQual *qual, const FlowPathValue *values, int variable)
{
	Attempt attempt = {.prune = prune, .qual = qual, .values = values, .variable = variable};

	if (qual->filter != NULL || !qual->columns_may_fail)
		return holds_for_any_date(prune, qual, prune->econtext, values, variable);
	if (flowlog_prune_try(&attempt, attempt_dates))
		return attempt.holds;
	if (attempt.econtext != NULL)
	{
		/* it was begun */
		renew_state(prune, qual);
		flowlog_prune_fill_row(prune, NULL, values);
	}
	return true;
}

/* Returns true if all columns of the condition are the variable's. */
static bool
is_of_variable(const FlowlogPrune *prune, const FileQual *qual, int variable)
{
	for (int i = 0; i < qual->ncolumns; i++)
	{
		const FlowColumn *column = &prune->definition->columns[qual->columns[i]];

		if (column->source != FLOW_FROM_VARIABLE || column->variable != variable)
			return false;
	}
	return true;
}

/*
 * Returns true if the condition may hold in a directory that does not have all
 * of its values.  Its other values are known if a date is all that is not.
 */
bool
flowlog_prune_may_hold_below(FlowlogPrune *prune, FileQual *qual, const FlowPathValue *values)
{
	int variable = open_variable(prune, qual, values);
	const FlowPathValue *range = &values[variable < 0 ? 0 : variable];
	bool passes;

	if (qual->part != NULL && !flowlog_prune_part_may_hold(prune, qual->part))
		return false;
	if (variable < 0 || is_decided_by_intervals(prune, qual))
		return true;
	for (unsigned i = 0; i < Min(qual->nranges, KNOWN_RANGES); i++)
		if (qual->ranges[i].from == range->from && qual->ranges[i].to == range->to)
			return qual->ranges[i].passes;
	passes = evaluate_dates(prune, qual, values, variable);
	if (is_of_variable(prune, qual, variable))
		qual->ranges[qual->nranges++ % KNOWN_RANGES] =
			(KnownRange) {range->from, range->to, passes};
	return passes;
}

/*
 * Returns the interval of a column's values for times from "from" to before
 * "to", in microseconds since 1970.
 */
static FlowInterval
interval_of(const FlowColumn *column, int64 from, int64 to)
{
	int64 unit = 1;

	switch (column->type)
	{
		case FLOW_TIME:
			break;
		case FLOW_DAY:
			unit = USECS_PER_DAY;
			break;
		case FLOW_INT32:
		case FLOW_INT64:
			unit = USECS_PER_SEC;
			break;
		default:
			return (FlowInterval) {.known = false};
	}

	/*
	 * rounded outwards; a time itself may have been rounded, by one second at
	 * most
	 */
	if (column->type == FLOW_TIME)
		return (FlowInterval) {.known = true, .low = from - USECS_PER_SEC, .high = to};
	return (FlowInterval) {
		.known = true,
		.low = from / unit - 1,
		.high = to == PG_INT64_MAX ? to : to / unit + (unit == USECS_PER_SEC),
	};
}

/*
 * Returns true if a condition can hold for some day, where only the year of a
 * date is known, or its year and month.
 */
bool
flowlog_prune_dates_may_pass(FlowlogPrune *prune, const FlowPathValue *values)
{
	const FlowlogTable *table = prune->definition;
	bool any = false;

	/* find the interval of each date */
	for (int i = 0; i < table->ncolumns; i++)
	{
		const FlowColumn *column = &table->columns[i];
		const FlowPathValue *value = &values[column->variable];
		FlowType type = column->type;

		prune->intervals[i].known = false;
		if (column->source != FLOW_FROM_VARIABLE || !value->begun || value->text.data != NULL ||
		    (type != FLOW_TIME && type != FLOW_DAY))
			continue;
		prune->intervals[i].known = any = true;
		if (type == FLOW_DAY)
		{
			/* years and months begin and end with a day */
			prune->intervals[i].low = value->from / USECS_PER_DAY;
			prune->intervals[i].high =
				value->to == PG_INT64_MAX ? value->to : value->to / USECS_PER_DAY - 1;
		}
		else
		{
			prune->intervals[i].low = value->from;
			prune->intervals[i].high = value->to - 1;
		}
	}

	/* test the conditions with the intervals */
	for (int i = 0; i < prune->nquals && any; i++)
	{
		const FileQual *qual = &prune->quals[i];

		CHECK_FOR_INTERRUPTS();
		if (qual->filter != NULL && !flow_filter_may_pass(qual->filter, prune->intervals))
			return false;
	}
	return true;
}

/*
 * Returns true if no record can pass whose date begins at "from" or later.
 * Only comparisons with times and days are looked at, as there is no end of
 * dates.
 */
bool
flowlog_prune_ends_before(FlowlogPrune *prune, int variable, int64 from)
{
	const FlowlogTable *table;

	if (prune == NULL || variable < 0)
		return false;
	table = prune->definition;
	for (int i = 0; i < table->ncolumns; i++)
	{
		const FlowColumn *column = &table->columns[i];

		prune->intervals[i] = (FlowInterval) {.high = PG_INT64_MAX};
		if (column->source != FLOW_FROM_VARIABLE || column->variable != variable ||
		    (column->type != FLOW_TIME && column->type != FLOW_DAY))
			continue;
		prune->intervals[i].known = true;
		prune->intervals[i].low = column->type == FLOW_DAY ? from / USECS_PER_DAY : from;
	}
	for (int i = 0; i < prune->nquals; i++)
		if (prune->quals[i].filter != NULL &&
		    !flow_filter_may_pass(prune->quals[i].filter, prune->intervals))
			return true;
	return false;
}

/*
 * Returns true if a record can pass whose times are near the time in the
 * file's name.
 */
bool
flowlog_prune_times_may_pass(FlowlogPrune *prune, const FlowObject *file)
{
	const FlowlogTable *table = prune->definition;
	int64 slack = table->options.name_time_slack;
	int64 from;
	int64 to;

	if (!flow_name_time(file->path, &from, &to))
		return true;
	for (int i = 0; i < table->ncolumns; i++)
	{
		prune->intervals[i].known = false;
		if (table->is_time[i])
			prune->intervals[i] = interval_of(&table->columns[i], from - slack, to + slack);
	}
	return flow_filter_may_pass(prune->times, prune->intervals);
}
