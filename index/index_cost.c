/*-------------------------------------------------------------------------
 *
 * index_cost.c
 *	  Estimates which share of a table's files a scan reads, if its index
 *	  leaves out the others.
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

/* What is known of an index while planning. */
typedef struct IndexSize
{
	const FlowlogIndex *index;
	const FlowlogTable *table;
	Index relid;
	double files, values, pairs; /* pairs of a value and a file in which it stands */
} IndexSize;

/* Sums up the batches of an index, whatever their meaning. */
static void
read_size(IndexSize *size)
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
		size->values += (double) DatumGetInt64(values[FLOWLOG_BATCH_VALUES]);
		size->pairs += (double) DatumGetInt64(values[FLOWLOG_BATCH_PAIRS]);
	}
	flowlog_index_rows_end(&rows);
}

/* Returns true if an expression is a column of the index, perhaps under a cast. */
static bool
is_indexed(const IndexSize *size, Node *node)
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
	if (var->varno != size->relid || var->varattno <= 0)
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
share_of_values(const IndexSize *size, double count)
{
	return Min(1, count * (size->pairs / Max(size->values, 1)) / Max(size->files, 1));
}

/* Returns the share of files that a clause leaves. */
static double
share_of(const IndexSize *size, Node *clause)
{
	double share;
	ListCell *cell;

	if (IsA(clause, OpExpr) && list_length(((OpExpr *) clause)->args) == 2 &&
	    is_equality(((OpExpr *) clause)->opno) &&
	    (is_indexed(size, linitial(((OpExpr *) clause)->args)) ||
	     is_indexed(size, lsecond(((OpExpr *) clause)->args))))
		return share_of_values(size, 1);
	if (IsA(clause, ScalarArrayOpExpr) && ((ScalarArrayOpExpr *) clause)->useOr &&
	    is_equality(((ScalarArrayOpExpr *) clause)->opno) &&
	    is_indexed(size, linitial(((ScalarArrayOpExpr *) clause)->args)))
		return share_of_values(size, count_elements(lsecond(((ScalarArrayOpExpr *) clause)->args)));
	if (is_andclause(clause))
	{
		share = 1;
		foreach(cell, ((BoolExpr *) clause)->args)
			share = Min(share, share_of(size, lfirst(cell)));
		return share;
	}
	if (is_orclause(clause))
	{
		share = 0;
		foreach(cell, ((BoolExpr *) clause)->args)
			share += share_of(size, lfirst(cell));
		return Min(share, 1);
	}
	return 1;
}

double
flowlog_index_share(const FlowlogTable *table, Index relid, const List *restrictions)
{
	IndexSize size = {.table = table, .relid = relid};
	double share = 1;
	const ListCell *cell;

	if (restrictions == NIL || !flowlog_enable_index || !flowlog_index_is_defined(table->relid))
		return 1;
	size.index = flowlog_index_find(table->relid, GetActiveSnapshot());
	if (size.index == NULL)
		return 1;
	read_size(&size);
	foreach(cell, restrictions)
		share = Min(share, share_of(&size, (Node *) lfirst_node(RestrictInfo, cell)->clause));
	/* what it does not cover is read; so is a file at least */
	return Max(share, 1 / Max(size.files, 1));
}

bool
flowlog_index_has_files(Oid relid)
{
	IndexSize size = {.index = flowlog_index_find(relid, GetActiveSnapshot())};

	if (size.index != NULL)
		read_size(&size);
	return size.files > 0;
}
