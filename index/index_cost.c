/*-------------------------------------------------------------------------
 *
 * index_cost.c
 *	  Estimates how large a table is, and which share of its files a scan
 *	  reads, if its index leaves out the others.
 *
 * The batches of an index say how many values there are, and in how many files
 * they stand in sum; so a value is in so many files on average.  Conditions
 * that are no equalities are taken for such that leave out nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "index.h"

#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

/* elements of an array whose value is not known while planning */
#define UNKNOWN_ELEMENTS 10

/* files, the newest ones, whose average size is that of all */
#define SAMPLE_FILES 200

struct FlowlogIndexSize
{
	const FlowlogIndex *index;
	const FlowlogTable *table;
	double files, values, pairs; /* pairs of a value and a file in which it stands */
	int32 last_file;             /* the greatest number */
};

/* Sums up the batches of an index, whatever their meaning. */
static void
read_size(FlowlogIndexSize *size)
{
	FlowlogIndexRows rows;
	Datum values[FLOWLOG_BATCH_NATTS];
	bool isnull[FLOWLOG_BATCH_NATTS];

	flowlog_index_rows_begin(&rows,
	                         FLOWLOG_INDEX_BATCHES,
	                         FLOWLOG_BATCH_NUMBER,
	                         FLOWLOG_BATCH_FIRST_FILE,
	                         size->index->number,
	                         GetActiveSnapshot());
	while (flowlog_index_rows_next(&rows, values, isnull))
	{
		size->files += (double) DatumGetInt32(values[FLOWLOG_BATCH_LAST_FILE]) -
		               DatumGetInt32(values[FLOWLOG_BATCH_FIRST_FILE]) + 1;
		size->last_file = Max(size->last_file, DatumGetInt32(values[FLOWLOG_BATCH_LAST_FILE]));
		size->values += (double) DatumGetInt64(values[FLOWLOG_BATCH_VALUES]);
		size->pairs += (double) DatumGetInt64(values[FLOWLOG_BATCH_PAIRS]);
	}
	flowlog_index_rows_end(&rows);
}

/* Returns true if an expression is a column of the index, perhaps under a cast. */
static bool
is_indexed(const FlowlogIndexSize *size, Index relid, Node *node)
{
	const Var *var;
	int column;

	if (node != NULL && IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	if (node != NULL && IsA(node, CoerceViaIO))
		node = (Node *) ((CoerceViaIO *) node)->arg;
	if (node == NULL || !IsA(node, Var))
		return false;
	var = (const Var *) node;
	if (var->varno != relid || var->varattno <= 0)
		return false;
	column = size->table->column_of_attr[var->varattno - 1];
	return column >= 0 &&
	       list_member(size->index->names, makeString((char *) size->table->columns[column].name));
}

/* Returns true if an operator is an equality. */
static bool
is_equality(Oid operator)
{
	return get_oprrest(operator) == F_EQSEL;
}

/* Returns the number of an array's elements, as far as it is known. */
static double
count_elements(Node *array)
{
	if (array != NULL && IsA(array, Const) && !((Const *) array)->constisnull)
	{
		ArrayType *value = DatumGetArrayTypeP(((Const *) array)->constvalue);

		return ArrayGetNItems(ARR_NDIM(value), ARR_DIMS(value));
	}
	return UNKNOWN_ELEMENTS;
}

/* Returns the share of files in which one of some values stands. */
static double
share_of_values(const FlowlogIndexSize *size, double count)
{
	return Min(1, count * (size->pairs / Max(size->values, 1)) / Max(size->files, 1));
}

/* Returns the share of files that a clause leaves. */
static double
share_of(const FlowlogIndexSize *size, Index relid, Node *clause)
{
	double share;
	ListCell *cell;

	if (IsA(clause, OpExpr) && list_length(((OpExpr *) clause)->args) == 2 &&
	    is_equality(((OpExpr *) clause)->opno) &&
	    (is_indexed(size, relid, linitial(((OpExpr *) clause)->args)) ||
	     is_indexed(size, relid, lsecond(((OpExpr *) clause)->args))))
		return share_of_values(size, 1);
	if (IsA(clause, ScalarArrayOpExpr) && ((ScalarArrayOpExpr *) clause)->useOr &&
	    is_equality(((ScalarArrayOpExpr *) clause)->opno) &&
	    is_indexed(size, relid, linitial(((ScalarArrayOpExpr *) clause)->args)))
		return share_of_values(size, count_elements(lsecond(((ScalarArrayOpExpr *) clause)->args)));
	if (is_andclause(clause))
	{
		share = 1;
		foreach(cell, ((BoolExpr *) clause)->args)
			share = Min(share, share_of(size, relid, lfirst(cell)));
		return share;
	}
	if (is_orclause(clause))
	{
		share = 0;
		foreach(cell, ((BoolExpr *) clause)->args)
			share += share_of(size, relid, lfirst(cell));
		return Min(share, 1);
	}
	return 1;
}

FlowlogIndexSize *
flowlog_index_size(const FlowlogTable *table)
{
	const FlowlogIndex *index = flowlog_index_find(table->relid, GetActiveSnapshot());
	FlowlogIndexSize *size;

	if (index == NULL)
		return NULL;
	size = palloc0(sizeof(FlowlogIndexSize));
	size->index = index;
	size->table = table;
	read_size(size);
	return size;
}

bool
flowlog_index_has_files(const FlowlogIndexSize *size)
{
	return size->files > 0;
}

bool
flowlog_index_estimate(const FlowlogIndexSize *size, double *files, double *bytes, double *lines)
{
	double seen = 0;
	FlowlogIndexRows rows;
	Datum values[FLOWLOG_FILES_NATTS];
	bool isnull[FLOWLOG_FILES_NATTS];

	*bytes = *lines = 0;
	flowlog_index_rows_begin_at(&rows,
	                            FLOWLOG_INDEX_FILES,
	                            FLOWLOG_FILES_NUMBER,
	                            FLOWLOG_FILES_FILE,
	                            size->index->number,
	                            size->last_file - SAMPLE_FILES + 1,
	                            GetActiveSnapshot());
	while (flowlog_index_rows_next(&rows, values, isnull))
	{
		/* the lines of others are not known */
		if (!isnull[FLOWLOG_FILES_ERROR])
			continue;
		seen++;
		*bytes += (double) DatumGetInt64(values[FLOWLOG_FILES_BYTES]);
		*lines += (double) DatumGetInt64(values[FLOWLOG_FILES_LINES]);
	}
	flowlog_index_rows_end(&rows);
	if (seen == 0)
		return false;
	*files = size->files;
	*bytes *= size->files / seen;
	*lines *= size->files / seen;
	return true;
}

/* Returns a share that is at least that of one file. */
static double
at_least_a_file(const FlowlogIndexSize *size, double share)
{
	return Max(share, 1 / Max(size->files, 1));
}

double
flowlog_index_share(const FlowlogIndexSize *size, Index relid, const List *restrictions)
{
	double share = 1;
	const ListCell *cell;

	foreach(cell, restrictions)
		share = Min(share, share_of(size, relid, (Node *) lfirst_node(RestrictInfo, cell)->clause));
	return at_least_a_file(size, share);
}

double
flowlog_index_share_of_sets(const FlowlogIndexSize *size, Index relid, const List *conditions,
                            double keys)
{
	double share = 1;
	const ListCell *cell;

	foreach(cell, conditions)
		if (is_indexed(size, relid, linitial(lfirst_node(OpExpr, cell)->args)))
			share = Min(share, share_of_values(size, keys));
	return at_least_a_file(size, share);
}
