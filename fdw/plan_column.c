/*-------------------------------------------------------------------------
 *
 * plan_column.c
 *	  The columns that a query uses, and what it costs to read them.
 *
 *-------------------------------------------------------------------------
 */
#include "plan_info.h"

#include "access/sysattr.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/restrictinfo.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "utils/selfuncs.h"

/*
 * The cost of a column of a row in a Parquet file, in units of cpu_tuple_cost:
 * 2.5 ns for numbers, or for texts of which there are few, and 25 ns for others.
 */
#define COLUMN_COST 0.05
#define TEXTS_COST 0.3
#define FEW_TEXTS 1000

/* Returns the attributes that the query uses, as pull_varattnos does. */
Bitmapset *
flowlog_plan_used_attributes(RelOptInfo *baserel)
{
	Bitmapset *attrs = NULL;

	pull_varattnos((Node *) baserel->reltarget->exprs, baserel->relid, &attrs);
	pull_varattnos((Node *) extract_actual_clauses(baserel->baserestrictinfo, false),
	               baserel->relid,
	               &attrs);
	return attrs;
}

/* Returns true if a column of the table is among such attributes. */
static bool
is_used(const Bitmapset *attrs, const FlowlogTable *table, int column)
{
	return bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, attrs) ||
	       bms_is_member(table->attnums[column] - FirstLowInvalidHeapAttributeNumber, attrs);
}

/* Counts the columns of a kind that a table has, and those that the query uses. */
static void
count_columns(const Bitmapset *attrs, const FlowlogTable *table, FlowColumnSource source, int *all,
              int *used)
{
	*all = *used = 0;
	for (int i = 0; i < table->ncolumns; i++)
	{
		if (table->columns[i].source != source)
			continue;
		++*all;
		*used += is_used(attrs, table, i);
	}
}

/* Returns true if line numbers are among the attributes. */
bool
flowlog_plan_needs_lines(const Bitmapset *attrs, const FlowlogTable *table)
{
	int all, used;

	count_columns(attrs, table, FLOW_FROM_LINE, &all, &used);
	return used > 0;
}

/*
 * Returns the share of a Parquet file's bytes that a query of the attributes
 * reads, as if all columns had equally many.
 */
double
flowlog_plan_share_of_columns(const Bitmapset *attrs, const FlowlogTable *table)
{
	int all, used;

	count_columns(attrs, table, FLOW_FROM_RECORD, &all, &used);
	return all > 0 ? (double) used / all : 0;
}

/* Returns true if ANALYZE has seen that a column has few values. */
static bool
has_few_values(PlannerInfo *root, RelOptInfo *baserel, int attnum)
{
	Oid type, collation;
	int32 typmod;
	VariableStatData data;
	double values;
	bool unknown;

	get_atttypetypmodcoll(planner_rt_fetch(baserel->relid, root)->relid,
	                      (AttrNumber) attnum,
	                      &type,
	                      &typmod,
	                      &collation);
	examine_variable(root,
	                 (Node *)
	                     makeVar(baserel->relid, (AttrNumber) attnum, type, typmod, collation, 0),
	                 0,
	                 &data);
	values = get_variable_numdistinct(&data, &unknown);
	ReleaseVariableStats(data);
	return !unknown && values <= FEW_TEXTS;
}

/* Returns the cost of a row of a Parquet file, of whose columns a query uses some. */
double
flowlog_plan_cost_of_row(PlannerInfo *root, RelOptInfo *baserel, const Bitmapset *attrs,
                         const FlowlogTable *table)
{
	double cost = 0;

	for (int i = 0; i < table->ncolumns; i++)
	{
		if (table->columns[i].source != FLOW_FROM_RECORD || !is_used(attrs, table, i))
			continue;
		cost +=
			table->columns[i].type != FLOW_TEXT || has_few_values(root, baserel, table->attnums[i])
				? COLUMN_COST
				: TEXTS_COST;
	}
	return Max(cost, COLUMN_COST);
}
