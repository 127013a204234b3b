/*-------------------------------------------------------------------------
 *
 * sort_plan.c
 *	  Which scans return their rows in the order that the query wants, and what
 *	  that costs.
 *
 * The scan sorts what PostgreSQL would sort above it, for ORDER BY, DISTINCT ON
 * and window functions.  It is a plain path with pathkeys, so PostgreSQL puts a
 * Gather Merge, a Merge Append or an Incremental Sort above it where that is
 * cheapest.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"
#include "sort.h"

#include <math.h>

#include "access/stratnum.h"
#include "access/sysattr.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "utils/lsyscache.h"
#include "utils/selfuncs.h"
#include "utils/typcache.h"

/*
 * What sorting costs, as a share of what PostgreSQL's Sort would cost.  555,000
 * rows by two addresses and a time take a sixth of the time.
 */
#define COST_SHARE 0.25

/* the entries of a key's list */
enum
{
	KEY_ATTNUM,
	KEY_OPERATOR,
	KEY_COLLATION,
	KEY_NULLS_FIRST,
	KEY_DESCENDING,
	KEY_IS_NUMBER,
	KEY_ENTRIES
};

/* ---------- the order ---------- */

/* Returns the column that an expression of an order is, but for its type's name; or NULL. */
static const Var *
column_of(const Expr *expr, Index relid)
{
	while (IsA(expr, RelabelType))
		expr = ((const RelabelType *) expr)->arg;
	if (!IsA(expr, Var) || ((const Var *) expr)->varno != (int) relid ||
	    ((const Var *) expr)->varlevelsup != 0)
		return NULL;
	return (const Var *) expr;
}

/* Returns the member of an equivalence class that is a column of a relation, or NULL. */
static const EquivalenceMember *
member_of(RelOptInfo *rel, EquivalenceClass *class)
{
	const EquivalenceMember *member;
#if PG_VERSION_NUM >= 180000
	EquivalenceMemberIterator iterator;

	setup_eclass_member_iterator(&iterator, class, rel->relids);
	while ((member = eclass_member_iterator_next(&iterator)) != NULL)
	{
#else
	ListCell *cell;

	foreach(cell, class->ec_members)
	{
		member = lfirst_node(EquivalenceMember, cell);
#endif
		if (!member->em_is_const && bms_equal(member->em_relids, rel->relids) &&
		    column_of(member->em_expr, rel->relid) != NULL)
			return member;
	}
	return NULL;
}

/* Returns true if an operator family has the order of a type's Datums as signed integers. */
static bool
is_order_of_integers(Oid family, Oid type)
{
	switch (type)
	{
		case BOOLOID:
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return lookup_type_cache(type, TYPECACHE_BTREE_OPFAMILY)->btree_opf == family;
		default:
			return false;
	}
}

/* Returns true if an attribute is a column whose type the reader knows. */
static bool
is_known_column(const FlowlogTable *table, AttrNumber attnum)
{
	int column = attnum > 0 ? table->column_of_attr[attnum - 1] : -1;

	return column >= 0 && table->columns[column].type != FLOW_OPAQUE;
}

/* Returns the key that sorts by a pathkey, as a list, or NIL if there is none. */
static List *
make_key(RelOptInfo *rel, const PathKey *pathkey)
{
	EquivalenceClass *class = pathkey->pk_eclass;
	const EquivalenceMember *member = class->ec_has_volatile ? NULL : member_of(rel, class);
	const Var *column;
	bool descending;
	Oid opno;
	bool is_number;

	if (member == NULL)
		return NIL;
	column = column_of(member->em_expr, rel->relid);
	if (!is_known_column(flowlog_plan_table(rel), column->varattno))
		return NIL;
#if PG_VERSION_NUM >= 180000
	descending = pathkey->pk_cmptype == COMPARE_GT;
	opno = get_opfamily_member_for_cmptype(pathkey->pk_opfamily,
	                                       member->em_datatype,
	                                       member->em_datatype,
	                                       pathkey->pk_cmptype);
#else
	descending = pathkey->pk_strategy == BTGreaterStrategyNumber;
	opno = get_opfamily_member(pathkey->pk_opfamily,
	                           member->em_datatype,
	                           member->em_datatype,
	                           pathkey->pk_strategy);
#endif
	if (!OidIsValid(opno))
		return NIL;
	is_number = column->vartype == member->em_datatype &&
	            is_order_of_integers(pathkey->pk_opfamily, column->vartype);
	return lappend_oid(list_make5_oid((Oid) column->varattno,
	                                  opno,
	                                  class->ec_collation,
	                                  (Oid) pathkey->pk_nulls_first,
	                                  (Oid) descending),
	                   (Oid) is_number);
}

/*
 * Returns true if the reader knows all types of what a scan returns, so none
 * of its values are toasted.
 */
static bool
knows_all_types(const RelOptInfo *rel, const FlowlogTable *table)
{
	Bitmapset *attrs = NULL;
	bool whole;

	pull_varattnos((Node *) rel->reltarget->exprs, rel->relid, &attrs);
	whole = bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, attrs);
	for (int i = 0; i < table->ncolumns; i++)
		if (table->columns[i].type == FLOW_OPAQUE &&
		    (whole || bms_is_member(table->attnums[i] - FirstLowInvalidHeapAttributeNumber, attrs)))
			return false;
	return true;
}

/*
 * Returns true if the query sorts rows.  Groups and distinct rows, which are
 * fewer, are made by the reader, but for those of DISTINCT ON.
 */
static bool
sorts_rows(const Query *query)
{
	return query->groupClause == NIL && !query->hasAggs &&
	       (query->distinctClause == NIL || query->hasDistinctOn || query->hasWindowFuncs);
}

/* Returns true if a key is sorted by as an integer. */
static bool
is_number_key(const List *key)
{
	return list_nth_oid(key, KEY_IS_NUMBER) != 0;
}

/*
 * Finds the order that the query wants, up to the first key that is no column.
 * PostgreSQL sorts by numbers alone as fast as the scan would.
 */
bool
flowlog_sort_find_order(PlannerInfo *root, RelOptInfo *rel, FlowlogOrder *order)
{
	Bitmapset *attrs = NULL;
	bool pays = false;
	ListCell *cell;

	*order = (FlowlogOrder) {NIL, NIL};
	if (!flowlog_enable_sort || root->query_pathkeys == NIL || !sorts_rows(root->parse))
		return false;
	foreach(cell, root->query_pathkeys)
	{
		List *key = make_key(rel, lfirst_node(PathKey, cell));
		int attnum;

		if (key == NIL)
			break;
		attnum = (int) list_nth_oid(key, KEY_ATTNUM);
		if (bms_is_member(attnum, attrs))
			break; /* by another order of its own, too */
		attrs = bms_add_member(attrs, attnum);
		pays |= !is_number_key(key);
		order->pathkeys = lappend(order->pathkeys, lfirst(cell));
		order->keys = lappend(order->keys, key);
	}
	return pays && knows_all_types(rel, flowlog_plan_table(rel));
}

/* Returns the relation of which another one is a child, perhaps by way of others, or itself. */
static RelOptInfo *
parent_of(PlannerInfo *root, RelOptInfo *rel)
{
	Index relid = rel->relid;

	while (root->append_rel_array != NULL && root->append_rel_array[relid] != NULL)
		relid = root->append_rel_array[relid]->parent_relid;
	return root->simple_rel_array[relid];
}

/*
 * Returns true if rows are expected to fit into work_mem while they are sorted,
 * with those of all tables that are appended: their rows are merged, so all of
 * them are in memory, and each table has its own values.
 */
static bool
fits_into_memory(PlannerInfo *root, RelOptInfo *rel, double rows)
{
	RelOptInfo *parent = parent_of(root, rel);
	double tables = parent != rel ? Max(parent->rows / Max(rows, 1), 1) : 1;
	double memory = rows * FLOWLOG_SORTED_ROW_SIZE;
	ListCell *cell;

	foreach(cell, rel->reltarget->exprs)
	{
		Node *expr = lfirst(cell);

		if (get_typbyval(exprType(expr)))
		{
			memory += rows * get_typlen(exprType(expr));
			continue;
		}
		memory += rows * sizeof(uint32);
		memory +=
			FLOWLOG_VALUE_SIZE * estimate_num_groups(root, list_make1(expr), rows, NULL, NULL);
	}
	return memory * tables <= work_mem * 1024.0;
}

/* Estimates what sorting rows costs. */
Cost
flowlog_sort_cost(PlannerInfo *root, RelOptInfo *rel, double rows)
{
	double compared = Max(rows, 2);

	if (!fits_into_memory(root, rel, rows))
		return -1;
	return COST_SHARE * 2 * cpu_operator_cost * compared * log2(compared);
}

/* ---------- plans ---------- */

/* Adds the columns of keys to a list of attributes, as pull_varattnos has them. */
Bitmapset *
flowlog_sort_add_attrs(Bitmapset *attrs, const List *keys)
{
	ListCell *cell;

	foreach(cell, keys)
		attrs = bms_add_member(attrs,
		                       (int) list_nth_oid(lfirst(cell), KEY_ATTNUM) -
		                           FirstLowInvalidHeapAttributeNumber);
	return attrs;
}

/* Returns the keys of a plan's scan. */
FlowlogSortKey *
flowlog_sort_keys(const ForeignScan *plan, int *count)
{
	List *list = flowlog_plan_aggregates(plan) ? NIL : lsecond(plan->fdw_private);
	FlowlogSortKey *keys;

	*count = list_length(list);
	if (list == NIL)
		return NULL;
	keys = palloc(sizeof(FlowlogSortKey) * *count);
	for (int i = 0; i < *count; i++)
	{
		List *key = list_nth(list, i);

		Assert(list_length(key) == KEY_ENTRIES);
		keys[i] = (FlowlogSortKey) {
			.attnum = (AttrNumber) list_nth_oid(key, KEY_ATTNUM),
			.opno = list_nth_oid(key, KEY_OPERATOR),
			.collation = list_nth_oid(key, KEY_COLLATION),
			.nulls_first = list_nth_oid(key, KEY_NULLS_FIRST) != 0,
			.descending = list_nth_oid(key, KEY_DESCENDING) != 0,
			.is_number = list_nth_oid(key, KEY_IS_NUMBER) != 0,
		};
	}
	return keys;
}
