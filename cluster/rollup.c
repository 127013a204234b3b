/*-------------------------------------------------------------------------
 *
 * rollup.c
 *	  Aggregates over tables whose partitions are on other servers: each server
 *	  computes its part.
 *
 * postgres_fdw pushes an aggregation down only as a whole.  For a partitioned
 * table, that is possible only if the groups contain the partition key.  So a
 * query
 *
 *	  SELECT a, count(*), avg(b) FROM t WHERE c GROUP BY a ORDER BY 2
 *
 * over a table t that is partitioned by p is converted to
 *
 *	  SELECT a, sum(n)::bigint, sum(s) / sum(m) FROM (SELECT p, a, count(*) AS
 *	  n, sum(b) AS s, count(b) AS m FROM t WHERE c GROUP BY p, a) AS part GROUP
 *	  BY a ORDER BY 2
 *
 * whose inner query enable_partitionwise_aggregate divides among the
 * partitions.  The result is the same to the last digit.  Queries for which
 * that cannot be guaranteed are left alone: those with sums of floating-point
 * numbers, whose results depend on the order, and those with aggregates that
 * are not in the table below.  The argument of an aggregate over DISTINCT
 * values is added to the inner groups.
 *
 * This is done to the query tree before planning (rollup_plan.c);
 * flowlog_rollup() shows the resulting query.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include "access/table.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"
#include "parser/analyze.h"
#include "parser/parse_oper.h"
#include "parser/parser.h"
#include "parser/parsetree.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/ruleutils.h"

FLOWLOG_FUNCTION(flowlog_rollup);

/*
 * The reason for which a query is left alone that PostgreSQL divides by
 * itself.
 */
const char flowlog_rollup_grouped_by_key[] =
	"It groups by the partition key, so it needs no second level.";

/* The state of rolling up a query. */
typedef struct Rollup
{
	Query *query;
	int rtindex; /* index of its table */
	RangeTblEntry *table;
	List *groups;  /* the GROUP BY expressions */
	List *targets; /* the inner query's target list */
	List *keys;    /* the inner query's GROUP BY clause */
	/*
	 * the argument of its aggregates over DISTINCT values; NULL: there are
	 * none
	 */
	const Expr *distinct;
	/* the reason for which it is left alone; NULL: none so far */
	const char *left;
} Rollup;

/* ---------- aggregates ---------- */

typedef enum Combination
{
	COMBINE_COUNT,
	COMBINE_SUM,
	COMBINE_AVERAGE,
	COMBINE_SAME /* the aggregate of the parts' results */
} Combination;

/*
 * The aggregates that can be computed from those of parts, by name:
 * PostgreSQL's own only, and sums and averages of integers and numeric only.
 */
static const struct
{
	const char *name;
	Combination combination;
} combinations[] = {
	{"count", COMBINE_COUNT},
	{"sum", COMBINE_SUM},
	{"avg", COMBINE_AVERAGE},
	{"min", COMBINE_SAME},
	{"max", COMBINE_SAME},
	{"bool_and", COMBINE_SAME},
	{"bool_or", COMBINE_SAME},
	{"every", COMBINE_SAME},
	{"bit_and", COMBINE_SAME},
	{"bit_or", COMBINE_SAME},
};

/*
 * Finds how an aggregate is computed from those of parts; returns false if it
 * cannot be.
 */
static bool
find_combination(const Aggref *call, Combination *combination)
{
	const char *name = get_func_name(call->aggfnoid);

	/* users may create aggregates of these names in pg_catalog */
	if (name == NULL || call->aggfnoid >= FirstNormalObjectId || call->aggkind != AGGKIND_NORMAL ||
	    call->aggorder != NIL || call->aggdirectargs != NIL || list_length(call->args) > 1)
		return false;
	for (size_t i = 0; i < lengthof(combinations); i++)
		if (strcmp(name, combinations[i].name) == 0)
		{
			*combination = combinations[i].combination;
			if (*combination != COMBINE_SUM && *combination != COMBINE_AVERAGE)
				return true;
			switch (linitial_oid(call->aggargtypes))
			{
				case INT2OID:
				case INT4OID:
				case INT8OID:
				case NUMERICOID:
					return true;
				default:
					return false;
			}
		}
	return false;
}

/* Makes an aggregate with one argument that returns a number. */
static Aggref *
make_aggregate(Oid function, Oid result, Expr *argument)
{
	Aggref *call = makeNode(Aggref);

	call->aggfnoid = function;
	call->aggtype = result;
	call->inputcollid = exprCollation((Node *) argument);
	call->aggargtypes = list_make1_oid(exprType((Node *) argument));
	call->args = list_make1(makeTargetEntry(argument, 1, NULL, false));
	call->aggkind = AGGKIND_NORMAL;
	call->aggsplit = AGGSPLIT_SIMPLE;
	call->aggno = -1;
	call->aggtransno = -1;
	call->location = -1;
	return call;
}

/* Makes the sum of an expression of a numeric type. */
static Aggref *
make_sum(Expr *argument)
{
	switch (exprType((Node *) argument))
	{
		case INT2OID:
			return make_aggregate(F_SUM_INT2, INT8OID, argument);
		case INT4OID:
			return make_aggregate(F_SUM_INT4, INT8OID, argument);
		case INT8OID:
			return make_aggregate(F_SUM_INT8, NUMERICOID, argument);
		default:
			return make_aggregate(F_SUM_NUMERIC, NUMERICOID, argument);
	}
}

/* ---------- the inner query ---------- */

/* Notes the reason for which the query is left alone.  Returns NULL. */
static Expr *
give_up(Rollup *rollup, const char *why)
{
	if (rollup->left == NULL)
		rollup->left = why;
	return NULL;
}

/* Returns the inner query's column of an expression; adds it if it is new. */
static TargetEntry *
inner_target(Rollup *rollup, Expr *expr, const char *name)
{
	TargetEntry *target;
	ListCell *cell;

	foreach(cell, rollup->targets)
		if (equal(lfirst_node(TargetEntry, cell)->expr, expr))
			return lfirst(cell);
	target = makeTargetEntry(copyObject(expr), list_length(rollup->targets) + 1, NULL, false);
	/*
	 * flowlog_rollup() shows the names, so they must still differ when they
	 * are truncated to the length of an identifier
	 */
	target->resname = psprintf("%.*s_%d",
	                           pg_mbcliplen(name, strlen(name), NAMEDATALEN - 12),
	                           name,
	                           target->resno);
	rollup->targets = lappend(rollup->targets, target);
	return target;
}

/* Returns a Var of the outer query for a column of the inner one. */
static Expr *
column_of(const TargetEntry *target)
{
	return (Expr *) makeVar(1,
	                        target->resno,
	                        exprType((Node *) target->expr),
	                        exprTypmod((Node *) target->expr),
	                        exprCollation((Node *) target->expr),
	                        0);
}

/*
 * Adds an expression to the inner query's GROUP BY clause; "like" has the
 * operators by which its values are compared.
 */
static TargetEntry *
inner_key(Rollup *rollup, Expr *expr, const char *name, const SortGroupClause *like)
{
	TargetEntry *target = inner_target(rollup, expr, name);
	SortGroupClause *clause;

	if (target->ressortgroupref != 0)
		return target;
	target->ressortgroupref = list_length(rollup->keys) + 1;
	clause = copyObject((SortGroupClause *) like);
	clause->tleSortGroupRef = target->ressortgroupref;
	rollup->keys = lappend(rollup->keys, clause);
	return target;
}

/*
 * Adds the partition key to the inner query's groups, so that each group is in
 * one partition.
 */
static void
add_partition_key(Rollup *rollup)
{
	/* the parser has locked it */
	Relation relation = table_open(rollup->table->relid, NoLock);
	PartitionKey key = RelationGetPartitionKey(relation);

	for (int i = 0; i < key->partnatts && rollup->left == NULL; i++)
	{
		SortGroupClause clause = {.type = T_SortGroupClause};

		if (key->partattrs[i] == 0)
		{
			give_up(rollup, "The table is partitioned by an expression.");
			break;
		}
		get_sort_group_operators(key->parttypid[i],
		                         false,
		                         true,
		                         false,
		                         &clause.sortop,
		                         &clause.eqop,
		                         NULL,
		                         &clause.hashable);
		(void) inner_key(rollup,
		                 (Expr *) makeVar(rollup->rtindex,
		                                  key->partattrs[i],
		                                  key->parttypid[i],
		                                  key->parttypmod[i],
		                                  key->parttypcoll[i],
		                                  0),
		                 get_attname(rollup->table->relid, key->partattrs[i], false),
		                 &clause);
	}
	table_close(relation, NoLock);
}

/* ---------- the outer query ---------- */

/*
 * Handles an aggregate over DISTINCT values: its argument is added to the
 * inner query's groups.
 */
static Expr *
combine_distinct(Rollup *rollup, const Aggref *call)
{
	Expr *argument = linitial_node(TargetEntry, call->args)->expr;
	Aggref *outer;

	if (call->aggfilter != NULL || (rollup->distinct != NULL && !equal(rollup->distinct, argument)))
		return give_up(rollup,
		               "It has aggregates over different DISTINCT values, or over DISTINCT values "
		               "with FILTER.");
	rollup->distinct = argument;
	outer = copyObject((Aggref *) call);
	linitial_node(TargetEntry, outer->args)->expr = column_of(
		inner_key(rollup, argument, "value", linitial_node(SortGroupClause, call->aggdistinct)));
	return (Expr *) outer;
}

/*
 * Adds an aggregate with the FILTER clause of another one to the inner query,
 * and returns the outer query's Var for it.
 */
static Expr *
filtered_column(Rollup *rollup, Aggref *part, const Aggref *call, const char *name)
{
	part->aggfilter = copyObject(call->aggfilter);
	return column_of(inner_target(rollup, (Expr *) part, name));
}

/*
 * Handles an average, which is a sum divided by a count.  The sum of no values
 * is NULL, and so is the quotient.
 */
static Expr *
combine_average(Rollup *rollup, const Aggref *call)
{
	Expr *argument = linitial_node(TargetEntry, call->args)->expr;
	Expr *sum = filtered_column(rollup, make_sum(copyObject(argument)), call, "sum");
	Expr *count = filtered_column(rollup,
	                              make_aggregate(F_COUNT_ANY, INT8OID, copyObject(argument)),
	                              call,
	                              "count");
	OpExpr *quotient =
		(OpExpr *) make_opclause(OpernameGetOprid(list_make2(makeString("pg_catalog"),
	                                                         makeString("/")),
	                                              NUMERICOID,
	                                              NUMERICOID),
	                             NUMERICOID,
	                             false,
	                             (Expr *) make_sum(sum),
	                             (Expr *) make_sum(count),
	                             InvalidOid,
	                             InvalidOid);

	set_opfuncid(quotient);
	return (Expr *) quotient;
}

/* Returns the outer query's expression for an aggregate of the whole table. */
static Expr *
combine(Rollup *rollup, const Aggref *call)
{
	Combination combination;
	Aggref *part;
	Aggref *outer;
	Expr *argument;

	if (!find_combination(call, &combination))
		return give_up(rollup, "It has an aggregate that cannot be computed from those of parts.");

	if (call->aggdistinct != NIL)
		return combine_distinct(rollup, call);
	if (combination == COMBINE_AVERAGE)
		return combine_average(rollup, call);

	/* the aggregate of a part */
	part = copyObject((Aggref *) call);
	argument = column_of(inner_target(rollup, (Expr *) part, get_func_name(call->aggfnoid)));
	if (combination == COMBINE_SAME)
	{
		outer = copyObject((Aggref *) call);
		outer->aggfilter = NULL;
		outer->aggargtypes = list_make1_oid(call->aggtype);
		linitial_node(TargetEntry, outer->args)->expr = argument;
		return (Expr *) outer;
	}

	/* the sum of a bigint is numeric: convert it to bigint */
	outer = make_sum(argument);
	if (call->aggtype == NUMERICOID)
		return (Expr *) outer;
	argument = (Expr *) makeFuncExpr(F_INT8_NUMERIC,
	                                 INT8OID,
	                                 list_make1(outer),
	                                 InvalidOid,
	                                 InvalidOid,
	                                 COERCE_EXPLICIT_CAST);
	if (combination == COMBINE_COUNT && rollup->query->groupClause == NIL)
	{
		CoalesceExpr *coalesce = makeNode(CoalesceExpr);

		/*
		 * without groups, the query returns a row even if the inner one
		 * returns none
		 */
		coalesce->coalescetype = INT8OID;
		coalesce->args = list_make2(argument,
		                            makeConst(INT8OID,
		                                      -1,
		                                      InvalidOid,
		                                      sizeof(int64),
		                                      Int64GetDatum(0),
		                                      false,
		                                      FLOAT8PASSBYVAL));
		coalesce->location = -1;
		argument = (Expr *) coalesce;
	}
	return argument;
}

/*
 * Converts an expression of the query to one of the outer query, whose
 * aggregates and group keys are computed from the inner query's columns.
 */
static Node *
to_outer(Node *node, void *context)
{
	Rollup *rollup = context;
	ListCell *cell;

	if (node == NULL || rollup->left != NULL)
		return node;
	if (IsA(node, Aggref))
		return ((Aggref *) node)->agglevelsup == 0
		           ? (Node *) combine(rollup, (Aggref *) node)
		           : (Node *) give_up(rollup, "It is a part of another query, to which it refers.");
	foreach(cell, rollup->groups)
	{
		const TargetEntry *target = lfirst(cell);

		if (equal(target->expr, node))
			return (Node *) column_of(
				inner_key(rollup,
			              (Expr *) node,
			              IsA(node, Var)
			                  ? get_attname(rollup->table->relid, ((Var *) node)->varattno, false)
			                  : "key",
			              get_sortgroupref_clause(target->ressortgroupref,
			                                      rollup->query->groupClause)));
	}
	if (IsA(node, Var) || IsA(node, GroupingFunc) || IsA(node, SubLink))
		return (Node *) give_up(rollup,
		                        "It refers to something besides its groups and aggregates.");
	return expression_tree_mutator(node, to_outer, context);
}

/* ---------- which queries are rolled up ---------- */

static const char outside[] = "It has a subquery, or refers to a query around it.";

/*
 * Returns true if the entry is a partitioned table, all of whose partitions
 * are on servers of a cluster.
 */
bool
flowlog_rollup_takes_table(const RangeTblEntry *entry)
{
	if (entry->rtekind != RTE_RELATION || entry->relkind != RELKIND_PARTITIONED_TABLE ||
	    !entry->inh || entry->tablesample != NULL)
		return false;
	return flowlog_has_cluster_servers() && flowlog_is_divided(entry->relid);
}

/*
 * Returns the reason for which a query is left alone, without a look at its
 * expressions; NULL if there is none.
 */
static const char *
why_left(const Query *query)
{
	const RangeTblEntry *entry;

	if (query->commandType != CMD_SELECT || query->utilityStmt != NULL)
		return "It is not a SELECT.";
	if (!query->hasAggs && query->groupClause == NIL)
		return "It has no aggregates.";
	if (query->setOperations != NULL || query->jointree == NULL ||
	    list_length(query->jointree->fromlist) != 1 ||
	    !IsA(linitial(query->jointree->fromlist), RangeTblRef))
		return "It does not read exactly one table.";
	entry = rt_fetch(linitial_node(RangeTblRef, query->jointree->fromlist)->rtindex, query->rtable);
	if (!flowlog_rollup_takes_table(entry))
		return "Its table is not partitioned among servers of postgres_fdw whose option "
			   "\"extensions\" names flowlog_fdw.";
	if (entry->securityQuals != NIL)
		return "Its table has row security.";
	if (query->groupingSets != NIL || query->hasTargetSRFs || query->rowMarks != NIL ||
	    query->cteList != NIL)
		return "It has grouping sets, functions that return sets, FOR UPDATE or WITH.";
	if (query->hasSubLinks)
		return outside;
	return NULL;
}

/*
 * Returns true if an expression contains something that must be computed for
 * the query as a whole, and sets *context to the reason.
 */
static bool
find_obstacle(Node *node, void *context)
{
	const char **why = context;

	if (node == NULL)
		return false;
	if (IsA(node, SubLink) || (IsA(node, Var) && ((Var *) node)->varlevelsup != 0) ||
	    (IsA(node, Aggref) && ((Aggref *) node)->agglevelsup != 0) ||
	    (IsA(node, GroupingFunc) && ((GroupingFunc *) node)->agglevelsup != 0))
		*why = outside;
	else if (IsA(node, Var) && ((Var *) node)->varattno <= 0)
		*why = "It refers to a row as a whole, or to a system column.";
	if (*why != NULL)
		return true;
	return expression_tree_walker(node, find_obstacle, context);
}

/*
 * Returns the reason for which a query is left alone because of its
 * expressions, including those that it groups by; NULL if there is none.
 */
static const char *
why_expressions_leave(const Query *query)
{
	const char *why = NULL;
	List *all = list_make3(query->targetList, query->jointree, query->havingQual);

	(void) find_obstacle((Node *) all, &why);

	/*
	 * two levels may evaluate them more often, or once where they occur twice
	 */
	if (why == NULL && contain_volatile_functions((Node *) all))
		why = "It has volatile functions.";
	return why;
}

/* ---------- a query ---------- */

#if PG_VERSION_NUM >= 180000
/*
 * Removes the RTE that PostgreSQL 18 puts between a query and the expressions
 * that it groups by.
 */
static void
flatten_groups(Query *query)
{
	if (!query->hasGroupRTE)
		return;
	Assert(llast_node(RangeTblEntry, query->rtable)->rtekind == RTE_GROUP);
	query->targetList = (List *) flatten_group_exprs(NULL, query, (Node *) query->targetList);
	query->havingQual = flatten_group_exprs(NULL, query, query->havingQual);
	query->rtable = list_truncate(query->rtable, list_length(query->rtable) - 1);
	query->hasGroupRTE = false;
}
#endif

/* Makes the inner query. */
static Query *
make_inner(const Rollup *rollup)
{
	Query *inner = copyObject(rollup->query);

	inner->targetList = rollup->targets;
	inner->groupClause = rollup->keys;
	inner->groupDistinct = false;
	inner->havingQual = NULL;
	inner->hasAggs = contain_agg_clause((Node *) rollup->targets);
	inner->hasWindowFuncs = false;
	inner->windowClause = NIL;
	inner->distinctClause = NIL;
	inner->hasDistinctOn = false;
	inner->sortClause = NIL;
	inner->limitOffset = NULL;
	inner->limitCount = NULL;
	inner->limitOption = LIMIT_OPTION_COUNT;
	return inner;
}

/* Makes the outer query's range table entry for the inner query. */
static RangeTblEntry *
make_entry(Query *inner)
{
	RangeTblEntry *entry = makeNode(RangeTblEntry);
	List *names = NIL;
	ListCell *cell;

	foreach(cell, inner->targetList)
		names = lappend(names, makeString(pstrdup(lfirst_node(TargetEntry, cell)->resname)));
	entry->rtekind = RTE_SUBQUERY;
	entry->subquery = inner;
	entry->alias = makeAlias("part", NIL);
	entry->eref = makeAlias("part", names);
	entry->inFromCl = true;
	return entry;
}

/*
 * Returns true if the query's groups contain the partition key, which is all
 * that the inner query has so far: PostgreSQL divides such a query by itself.
 */
static bool
is_whole(const Rollup *rollup)
{
	ListCell *key;
	ListCell *group;

	foreach(key, rollup->targets)
	{
		bool found = false;

		foreach(group, rollup->groups)
			found |=
				equal(lfirst_node(TargetEntry, group)->expr, lfirst_node(TargetEntry, key)->expr);
		if (!found)
			return false;
	}
	return true;
}

/* Returns the query in two levels; or NULL, and the reason in *left. */
Query *
flowlog_rollup_query(Query *given, const char **left)
{
	Rollup rollup = {.query = given};
	Query *outer;
	RangeTblRef *reference;
	ListCell *cell;

	/* check whether it can be done */
	*left = why_left(given);
	if (*left != NULL)
		return NULL;
	rollup.query = copyObject(given);
#if PG_VERSION_NUM >= 180000
	flatten_groups(rollup.query);
#endif
	*left = why_expressions_leave(rollup.query);
	if (*left != NULL)
		return NULL;

	/* begin the inner query with the partition key */
	rollup.rtindex = linitial_node(RangeTblRef, rollup.query->jointree->fromlist)->rtindex;
	rollup.table = rt_fetch(rollup.rtindex, rollup.query->rtable);
	foreach(cell, rollup.query->groupClause)
		rollup.groups =
			lappend(rollup.groups, get_sortgroupclause_tle(lfirst(cell), rollup.query->targetList));
	add_partition_key(&rollup);
	if (rollup.left == NULL && is_whole(&rollup))
		give_up(&rollup, flowlog_rollup_grouped_by_key);

	/*
	 * convert the outer query's expressions, which adds columns to the inner
	 * one
	 */
	outer = copyObject(rollup.query);
	outer->targetList = (List *) to_outer((Node *) outer->targetList, &rollup);
	outer->havingQual = to_outer(outer->havingQual, &rollup);
	if (rollup.left == NULL && !grouping_is_sortable(rollup.keys) &&
	    !grouping_is_hashable(rollup.keys))
		give_up(&rollup, "Some of its groups can only be sorted, and others only be hashed.");
	*left = rollup.left;
	if (rollup.left != NULL)
		return NULL;

	/* put the inner query into the outer one */
	reference = makeNode(RangeTblRef);
	reference->rtindex = 1;
	outer->rtable = list_make1(make_entry(make_inner(&rollup)));
#if PG_VERSION_NUM >= 160000
	outer->rteperminfos = NIL;
#endif
	outer->jointree = makeFromExpr(list_make1(reference), NULL);
	outer->hasAggs =
		contain_agg_clause((Node *) outer->targetList) || contain_agg_clause(outer->havingQual);
	return outer;
}

/* ---------- the function ---------- */

/* flowlog_rollup(query text): returns the query in two levels, as text. */
Datum
flowlog_rollup(PG_FUNCTION_ARGS)
{
	char *sql = text_to_cstring(PG_GETARG_TEXT_PP(0));
	List *statements = pg_parse_query(sql);
	const char *left = NULL;
	Query *query;

	if (list_length(statements) != 1)
		ereport(ERROR,
		        errcode(ERRCODE_SYNTAX_ERROR),
		        errmsg("flowlog_rollup takes one query, not %d", list_length(statements)));
#if PG_VERSION_NUM >= 150000
	query = parse_analyze_fixedparams(linitial_node(RawStmt, statements), sql, NULL, 0, NULL);
	query = flowlog_rollup_query(query, &left);
	if (query != NULL)
		PG_RETURN_TEXT_P(cstring_to_text(psprintf("%s;", pg_get_querydef(query, true))));
#else
	left = "PostgreSQL 14 does not print queries; setting \"flowlog_fdw.enable_rollup\" works "
		   "there, too.";
#endif
	ereport(ERROR,
	        errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
	        errmsg("the query cannot be computed in two levels"),
	        errdetail("%s", left));
}
