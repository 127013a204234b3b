/*-------------------------------------------------------------------------
 *
 * qual.c
 *	  Which WHERE clauses the reader can evaluate, and their form as a filter.
 *
 * A pushed clause stays an ordinary expression in the plan (in fdw_exprs), so
 * PostgreSQL itself replaces its parameters and prints it.  One walk over the
 * expression serves two purposes.  The planner checks whether every part of it
 * can be part of a filter.  The executor, once per (re)scan, evaluates the
 * values that columns are compared with and builds the filter.
 *
 * A value that PostgreSQL would evaluate for every row is evaluated when the
 * first record is asked for, as an index scan evaluates its keys.  A value in
 * a branch, where an error may concern only some records, or none, is
 * evaluated when the first record needs it.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"
#include "qual.h"

#include "access/stratnum.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/pg_locale.h"

/*
 * operator families without a name in catalog/pg_opfamily_d.h; OIDs of the
 * bootstrap catalog do not change
 */
#define FLOWLOG_NUMERIC_FAMILY 1988
#define FLOWLOG_FLOAT_FAMILY 1970
#define FLOWLOG_DATETIME_FAMILY 434

/*
 * The comparisons that the reader knows: between a column, compared as type
 * "column", and a value of type "other", by the operators of a btree family
 * ("=" to ">", and "<>") or by a single operator.
 */
typedef struct ComparisonRow
{
	Oid column; /* the type that the column is compared as */
	Oid other;
	Oid opfamily; /* a btree family, or InvalidOid */
	Oid opno;     /* the operator, where there is no family */
	FlowOp op;    /* what the operator does */
	ConstantForm form;
} ComparisonRow;

#define FAMILY(column, other, family, form)                                                        \
	{                                                                                              \
		column, other, family, InvalidOid, FLOW_EQ, form                                           \
	}
#define OPERATOR(column, other, opno, op)                                                          \
	{                                                                                              \
		column, other, InvalidOid, opno, op, CONSTANT_PLAIN                                        \
	}

static const ComparisonRow comparisons[] = {
	FAMILY(INT2OID, INT2OID, INTEGER_BTREE_FAM_OID, CONSTANT_PLAIN),
	FAMILY(INT2OID, INT4OID, INTEGER_BTREE_FAM_OID, CONSTANT_PLAIN),
	FAMILY(INT2OID, INT8OID, INTEGER_BTREE_FAM_OID, CONSTANT_PLAIN),
	FAMILY(INT4OID, INT2OID, INTEGER_BTREE_FAM_OID, CONSTANT_PLAIN),
	FAMILY(INT4OID, INT4OID, INTEGER_BTREE_FAM_OID, CONSTANT_PLAIN),
	FAMILY(INT4OID, INT8OID, INTEGER_BTREE_FAM_OID, CONSTANT_PLAIN),
	FAMILY(INT8OID, INT2OID, INTEGER_BTREE_FAM_OID, CONSTANT_PLAIN),
	FAMILY(INT8OID, INT4OID, INTEGER_BTREE_FAM_OID, CONSTANT_PLAIN),
	FAMILY(INT8OID, INT8OID, INTEGER_BTREE_FAM_OID, CONSTANT_PLAIN),

	/* an integer column under a cast that the parser added */
	FAMILY(NUMERICOID, NUMERICOID, FLOWLOG_NUMERIC_FAMILY, CONSTANT_NUMERIC),
	FAMILY(FLOAT8OID, FLOAT8OID, FLOWLOG_FLOAT_FAMILY, CONSTANT_PLAIN),
	FAMILY(FLOAT8OID, FLOAT4OID, FLOWLOG_FLOAT_FAMILY, CONSTANT_PLAIN),

	FAMILY(BOOLOID, BOOLOID, BOOL_BTREE_FAM_OID, CONSTANT_PLAIN),
	FAMILY(TEXTOID, TEXTOID, TEXT_BTREE_FAM_OID, CONSTANT_PLAIN),
	FAMILY(BPCHAROID, BPCHAROID, BPCHAR_BTREE_FAM_OID, CONSTANT_PLAIN),

	FAMILY(TIMESTAMPTZOID, TIMESTAMPTZOID, FLOWLOG_DATETIME_FAMILY, CONSTANT_PLAIN),
	FAMILY(TIMESTAMPTZOID, TIMESTAMPOID, FLOWLOG_DATETIME_FAMILY, CONSTANT_TIME),
	FAMILY(TIMESTAMPTZOID, DATEOID, FLOWLOG_DATETIME_FAMILY, CONSTANT_TIME),
	FAMILY(TIMESTAMPOID, TIMESTAMPOID, FLOWLOG_DATETIME_FAMILY, CONSTANT_PLAIN),
	FAMILY(TIMESTAMPOID, DATEOID, FLOWLOG_DATETIME_FAMILY, CONSTANT_TIME),
	FAMILY(DATEOID, DATEOID, FLOWLOG_DATETIME_FAMILY, CONSTANT_PLAIN),
	FAMILY(DATEOID, TIMESTAMPOID, FLOWLOG_DATETIME_FAMILY, CONSTANT_DAY),

	FAMILY(INETOID, INETOID, NETWORK_BTREE_FAM_OID, CONSTANT_PLAIN),
	OPERATOR(INETOID, INETOID, OID_INET_SUB_OP, FLOW_WITHIN),
	OPERATOR(INETOID, INETOID, OID_INET_SUBEQ_OP, FLOW_WITHIN_OR_EQUAL),
	OPERATOR(INETOID, INETOID, OID_INET_SUP_OP, FLOW_CONTAINS),
	OPERATOR(INETOID, INETOID, OID_INET_SUPEQ_OP, FLOW_CONTAINS_OR_EQUAL),
	OPERATOR(INETOID, INETOID, OID_INET_OVERLAP_OP, FLOW_OVERLAPS),
};

/*
 * Functions of one argument whose result on a column the reader can compare.
 */
typedef struct CastRow
{
	Oid function;
	Oid argument; /* the argument's type */
	FlowView view;
} CastRow;

static const CastRow casts[] = {
	{F_INT4_INT2, INT2OID, FLOW_AS_IS},
	{F_INT8_INT2, INT2OID, FLOW_AS_IS},
	{F_INT8_INT4, INT4OID, FLOW_AS_IS},
	{F_NUMERIC_INT2, INT2OID, FLOW_AS_IS},
	{F_NUMERIC_INT4, INT4OID, FLOW_AS_IS},
	{F_NUMERIC_INT8, INT8OID, FLOW_AS_IS},
	{F_FLOAT8_INT2, INT2OID, FLOW_AS_DOUBLE},
	{F_FLOAT8_INT4, INT4OID, FLOW_AS_DOUBLE},
	{F_FLOAT8_INT8, INT8OID, FLOW_AS_DOUBLE},
};

/* Conditions that are evaluated when a record first needs them. */
struct FlowlogDeferred
{
	ForeignScanState *node;
	MemoryContext memory;
	List *clauses; /* a condition's number is its place in the list, from 1 */
};

static bool walk(const QualWalk *context, Expr *node, FlowPredicate **predicate);

/* ---------- recognising columns ---------- */

/* Returns the table's column that a Var stands for, or -1. */
static int
column_of_var(const QualWalk *context, const Node *node)
{
	const Var *var = (const Var *) node;

	if (!IsA(node, Var) || var->varlevelsup != 0)
		return -1;
	if (context->scan_tlist != NIL && var->varno == INDEX_VAR)
		var =
			castNode(Var, list_nth_node(TargetEntry, context->scan_tlist, var->varattno - 1)->expr);
	else if ((Index) var->varno != context->relid)
		return -1;
	return flowlog_table_column(context->table, var->varattno);
}

/*
 * Strips RelabelType nodes that do not change a value: varchar to text, cidr
 * to inet.
 */
static const Node *
strip_relabel(const Node *node)
{
	while (IsA(node, RelabelType))
	{
		Oid type = ((const RelabelType *) node)->resulttype;

		if (type != TEXTOID && type != INETOID && type != VARCHAROID)
			break;
		node = (const Node *) ((const RelabelType *) node)->arg;
	}
	return node;
}

/*
 * Recognises a column under casts that the reader knows.  Returns its index,
 * or -1.
 */
static int
recognise_column(const QualWalk *context, const Node *node, FlowView *view)
{
	const FuncExpr *call;
	const Node *argument;
	int column;

	*view = FLOW_AS_IS;
	node = strip_relabel(node);
	column = column_of_var(context, node);
	if (column >= 0 || !IsA(node, FuncExpr))
		return column;

	call = (const FuncExpr *) node;
	if (list_length(call->args) != 1)
		return -1;
	argument = linitial(call->args);
	if (call->funcid == F_TO_TIMESTAMP_FLOAT8 || flowlog_is_from_unixtime(call->funcid))
	{
		FlowView inner;

		column = recognise_column(context, argument, &inner);
		*view = FLOW_AS_UNIX_TIME;
		return inner == FLOW_AS_DOUBLE ? column : -1;
	}

	for (size_t i = 0; i < lengthof(casts); i++)
	{
		FlowView inner;

		if (casts[i].function != call->funcid)
			continue;
		/* integers are widened without a change of their value */
		column = recognise_column(context, argument, &inner);
		if (column < 0 || inner != FLOW_AS_IS || exprType(argument) != casts[i].argument)
			return -1;
		*view = casts[i].view;
		return column;
	}
	return -1;
}

/* ---------- recognising comparisons ---------- */

/* Returns true if the collation compares texts as bytes. */
static bool
collation_is_c(Oid collation)
{
#if PG_VERSION_NUM >= 180000
	return pg_newlocale_from_collation(collation)->collate_is_c;
#else
	return lc_collate_is_c(collation);
#endif
}

/*
 * Returns true if the reader, which compares texts as bytes, compares as the
 * collation does: "=" and "<>" need a deterministic collation, an order needs
 * the collation "C".
 */
static bool
collation_fits(Oid type, FlowOp op, Oid collation)
{
	if (type != TEXTOID && type != BPCHAROID)
		return true;
	if (!OidIsValid(collation))
		return false;
	if (op == FLOW_EQ || op == FLOW_NE)
		return get_collation_isdeterministic(collation);
	return collation_is_c(collation);
}

/*
 * Finds what an operator does, by a row of comparisons[]; returns false if the
 * row is not about it.
 */
static bool
operator_of_row(const ComparisonRow *row, Oid opno, FlowOp *op)
{
	Oid negator;

	if (!OidIsValid(row->opfamily))
	{
		*op = row->op;
		return row->opno == opno;
	}

	switch (get_op_opfamily_strategy(opno, row->opfamily))
	{
		case BTLessStrategyNumber:
			*op = FLOW_LT;
			return true;
		case BTLessEqualStrategyNumber:
			*op = FLOW_LE;
			return true;
		case BTEqualStrategyNumber:
			*op = FLOW_EQ;
			return true;
		case BTGreaterEqualStrategyNumber:
			*op = FLOW_GE;
			return true;
		case BTGreaterStrategyNumber:
			*op = FLOW_GT;
			return true;
		default:
			break;
	}

	/* "<>" is in no btree family */
	negator = get_negator(opno);
	*op = FLOW_NE;
	return OidIsValid(negator) &&
	       get_op_opfamily_strategy(negator, row->opfamily) == BTEqualStrategyNumber;
}

/* Returns the type under which comparisons[] lists a type. */
static Oid
comparable_type(Oid type)
{
	type = getBaseType(type);
	if (type == VARCHAROID)
		return TEXTOID;
	if (type == CIDROID)
		return INETOID;
	return type;
}

/*
 * Returns true if an expression has no columns of this table, and one value
 * during a scan.
 */
static bool
is_constant_side(const QualWalk *context, Expr *other)
{
	/*
	 * the planner has checked the rest; columns of other relations are
	 * parameters now
	 */
	if (context->root == NULL)
		return !contain_var_clause((Node *) other);
	return !bms_is_member(context->relid, pull_varnos(context->root, (Node *) other)) &&
	       !contain_volatile_functions((Node *) other) && !contain_subplans((Node *) other);
}

/*
 * Returns true if this view of the column can be compared as rows with this
 * type in "column" are.
 */
static bool
view_fits(const FlowColumn *column, FlowView view, Oid compared_as)
{
	bool integer =
		column->type == FLOW_INT16 || column->type == FLOW_INT32 || column->type == FLOW_INT64;

	switch (view)
	{
		case FLOW_AS_DOUBLE:
			return integer && compared_as == FLOAT8OID;
		case FLOW_AS_UNIX_TIME:
			return integer && compared_as == TIMESTAMPTZOID;
		case FLOW_AS_IS:
			break;
	}
	switch (compared_as)
	{
		case NUMERICOID:
			return integer;
		case FLOAT8OID:
			return false; /* no column type is read as double */
		default:
			return column->type != FLOW_OPAQUE;
	}
}

/*
 * Recognises "column operator other".  With "array", "other" is an array, and
 * its elements are compared.
 */
static bool
recognise_comparison(const QualWalk *context, Oid opno, Oid collation, Expr *left, Expr *right,
                     bool array, Comparison *comparison)
{
	Oid left_type;
	Oid other_type;

	comparison->column = recognise_column(context, (Node *) left, &comparison->view);
	if (comparison->column < 0 || !is_constant_side(context, right))
		return false;

	/* recognise the column, and the types of both sides */
	left_type = comparable_type(exprType((Node *) left));
	other_type = getBaseType(exprType((Node *) right));
	if (array)
		other_type = get_element_type(other_type);
	if (!OidIsValid(other_type))
		return false;
	other_type = getBaseType(other_type);
	comparison->other = right;
	comparison->other_type = other_type;

	/* find the row for these types and the operator */
	for (size_t i = 0; i < lengthof(comparisons); i++)
	{
		const ComparisonRow *row = &comparisons[i];

		if (row->column != left_type || row->other != comparable_type(other_type))
			continue;
		if (operator_of_row(row, opno, &comparison->op))
		{
			comparison->form = row->form;
			return view_fits(&context->table->columns[comparison->column],
			                 comparison->view,
			                 row->column) &&
			       collation_fits(row->column, comparison->op, collation);
		}
	}
	return false;
}

/* ---------- the walk ---------- */

/* Evaluates the other side of a comparison. */
static Datum
evaluate(const QualWalk *context, Expr *expression, bool *isnull)
{
	ExprState *state = ExecInitExpr(expression, context->planstate);

	return ExecEvalExprSwitchContext(state, context->econtext, isnull);
}

/*
 * Returns true if the other side of a comparison must not be evaluated before
 * a record needs it.
 */
static bool
is_deferred(const QualWalk *context, Expr *expression)
{
	return context->in_branch && flowlog_expr_may_fail(expression, context->econtext);
}

/* Makes a predicate that is evaluated when a record first needs it. */
static FlowPredicate *
defer(const QualWalk *context, Expr *clause)
{
	FlowlogDeferred *deferred = context->deferred;
	MemoryContext old;

	if (deferred == NULL)
		return flow_filter_deferred(context->filter, 0);
	old = MemoryContextSwitchTo(deferred->memory);
	deferred->clauses = lappend(deferred->clauses, clause);
	MemoryContextSwitchTo(old);
	return flow_filter_deferred(context->filter, list_length(deferred->clauses));
}

/* Handles "column operator other", also with its sides exchanged. */
static bool
walk_operator(const QualWalk *context, OpExpr *clause, FlowPredicate **predicate)
{
	Comparison comparison;
	Expr *left;
	Expr *right;
	Oid commutator;
	Datum constant;
	bool isnull;

	if (list_length(clause->args) != 2)
		return false;
	left = linitial(clause->args);
	right = lsecond(clause->args);

	/* recognise the comparison, with its sides exchanged if needed */
	if (!recognise_comparison(
			context, clause->opno, clause->inputcollid, left, right, false, &comparison))
	{
		commutator = get_commutator(clause->opno);
		if (!OidIsValid(commutator) ||
		    !recognise_comparison(
				context, commutator, clause->inputcollid, right, left, false, &comparison))
			return false;
	}
	if (context->filter == NULL)
		return true;
	if (is_deferred(context, comparison.other))
	{
		*predicate = defer(context, (Expr *) clause);
		return true;
	}

	/* compare with the value */
	constant = evaluate(context, comparison.other, &isnull);
	*predicate = isnull ? flow_filter_constant(context->filter, FLOW_UNKNOWN)
	                    : flowlog_compare(context, &comparison, constant);
	return true;
}

/* Handles "column operator ANY (array)", or ALL. */
static bool
walk_array_operator(const QualWalk *context, ScalarArrayOpExpr *clause, FlowPredicate **predicate)
{
	Comparison comparison;
	Datum array;
	bool isnull;

	if (!recognise_comparison(context,
	                          clause->opno,
	                          clause->inputcollid,
	                          linitial(clause->args),
	                          lsecond(clause->args),
	                          true,
	                          &comparison))
		return false;
	if (context->filter == NULL)
		return true;
	if (is_deferred(context, comparison.other))
	{
		*predicate = defer(context, (Expr *) clause);
		return true;
	}

	array = evaluate(context, comparison.other, &isnull);
	*predicate = isnull ? flow_filter_constant(context->filter, FLOW_UNKNOWN)
	                    : flowlog_compare_with_array(context, &comparison, clause->useOr, array);
	return true;
}

/* Handles "column IS [NOT] NULL". */
static bool
walk_null_test(const QualWalk *context, NullTest *test, FlowPredicate **predicate)
{
	int column = column_of_var(context, strip_relabel((Node *) test->arg));

	/*
	 * whether PostgreSQL's own input function makes NULL of a field is not
	 * known
	 */
	if (column < 0 || test->argisrow || context->table->columns[column].type == FLOW_OPAQUE)
		return false;
	if (context->filter == NULL)
		return true;

	*predicate = flow_filter_is_null(context->filter, column);
	if (test->nulltesttype == IS_NOT_NULL)
		*predicate = flow_filter_not(context->filter, *predicate);
	return true;
}

/* Handles a column of type boolean as a condition. */
static bool
walk_boolean_column(const QualWalk *context, Node *node, FlowPredicate **predicate)
{
	int column = column_of_var(context, node);
	FlowValue value = {.integer = 1};

	if (column < 0 || context->table->columns[column].type != FLOW_BOOLEAN)
		return false;
	if (context->filter != NULL)
		*predicate = flow_filter_compare(context->filter, column, FLOW_AS_IS, FLOW_EQ, &value);
	return true;
}

/* Handles a list of conditions; *predicates has one for each. */
static bool
walk_list(const QualWalk *context, List *args, FlowPredicate ***predicates)
{
	ListCell *cell;

	*predicates = palloc0(sizeof(FlowPredicate *) * list_length(args));
	foreach(cell, args)
		if (!walk(context, lfirst(cell), &(*predicates)[foreach_current_index(cell)]))
			return false;
	return true;
}

/* Handles AND, OR and NOT. */
static bool
walk_boolean(const QualWalk *context, BoolExpr *clause, FlowPredicate **predicate)
{
	QualWalk inner = *context;
	FlowPredicate **children;
	int count = list_length(clause->args);

	inner.in_branch |= clause->boolop != NOT_EXPR;
	if (!walk_list(&inner, clause->args, &children))
		return false;
	if (context->filter == NULL)
		return true;

	switch (clause->boolop)
	{
		case AND_EXPR:
			*predicate = flow_filter_and(context->filter, children, count);
			break;
		case OR_EXPR:
			*predicate = flow_filter_or(context->filter, children, count);
			break;
		case NOT_EXPR:
			*predicate = flow_filter_not(context->filter, children[0]);
			break;
	}
	return true;
}

/*
 * Handles a condition without columns of the table, such as "$1 IS NULL",
 * which has the same result for every record.
 */
static bool
walk_constant(const QualWalk *context, Expr *node, FlowPredicate **predicate)
{
	Datum truth;
	bool isnull;

	if (exprType((Node *) node) != BOOLOID || !is_constant_side(context, node))
		return false;
	if (context->filter == NULL)
		return true;
	if (is_deferred(context, node))
	{
		*predicate = defer(context, node);
		return true;
	}

	truth = evaluate(context, node, &isnull);
	*predicate = flow_filter_constant(context->filter,
	                                  isnull                ? FLOW_UNKNOWN
	                                  : DatumGetBool(truth) ? FLOW_TRUE
	                                                        : FLOW_FALSE);
	return true;
}

/*
 * Returns true if the reader can evaluate the clause.  With a filter, also
 * makes a predicate of it, which is NULL if memory is short.
 */
static bool
walk(const QualWalk *context, Expr *node, FlowPredicate **predicate)
{
	bool known = false;

	/* a clause may be a list of any length and depth */
	CHECK_FOR_INTERRUPTS();
	check_stack_depth();
	switch (nodeTag(node))
	{
		case T_BoolExpr:
			known = walk_boolean(context, (BoolExpr *) node, predicate);
			break;
		case T_OpExpr:
			known = walk_operator(context, (OpExpr *) node, predicate);
			break;
		case T_ScalarArrayOpExpr:
			known = walk_array_operator(context, (ScalarArrayOpExpr *) node, predicate);
			break;
		case T_NullTest:
			known = walk_null_test(context, (NullTest *) node, predicate);
			break;
		case T_Var:
			known = walk_boolean_column(context, (Node *) node, predicate);
			break;
		default:
			break;
	}
	return known || walk_constant(context, node, predicate);
}

/* Returns true if the reader's filter can evaluate a clause. */
bool
flowlog_qual_is_comparison(PlannerInfo *root, Index relid, const FlowlogTable *table, Expr *clause)
{
	QualWalk context = {.table = table, .relid = relid, .root = root};
	FlowPredicate *predicate = NULL;

	return walk(&context, clause, &predicate);
}

/* Returns true if the reader's filter evaluates a clause. */
bool
flowlog_qual_is_pushable(PlannerInfo *root, RelOptInfo *baserel, const FlowlogTable *table,
                         Expr *clause)
{
	return flowlog_enable_pushdown &&
	       flowlog_qual_is_comparison(root, baserel->relid, table, clause);
}

/*
 * Makes one predicate of a list of clauses; what else is allocated for that is
 * freed.  Returns false if one of them is not understood.
 */
static bool
build_list(const QualWalk *context, List *clauses, FlowPredicate **root)
{
	MemoryContext temporary =
		AllocSetContextCreate(CurrentMemoryContext, "flowlog_fdw qual", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(temporary);
	FlowPredicate **children;
	bool known = walk_list(context, clauses, &children);

	if (known && list_length(clauses) == 1)
		*root = children[0];
	else if (known)
		*root = flow_filter_and(context->filter, children, list_length(clauses));
	MemoryContextSwitchTo(old);
	MemoryContextDelete(temporary);
	return known;
}

/*
 * Raises an internal error: the planner has pushed a clause that the executor
 * does not understand.
 */
static void
complain_of_clause(const FlowlogTable *table)
{
	elog(ERROR, "pushed-down qual of foreign table \"%s\" is not understood any more", table->name);
}

/* Raises the error for which the filter could not be built. */
static void
raise_unbuilt(FlowlogBackend *backend, const FlowlogTable *table, const FlowFilter *filter)
{
	FlowError error;

	if (filter != NULL && flow_filter_status(filter) == FLOW_INTERRUPTED)
	{
		(void) flowlog_backend_interrupted(&error);
		flowlog_raise(backend, &error, table);
	}
	ereport(ERROR, errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory"));
}

/*
 * Makes a filter of clauses.  It is stored in *result at once, so that it is
 * freed after an error, too.
 */
static void
build_filter(QualWalk *context, FlowlogBackend *backend, List *clauses, FlowFilter **result)
{
	const FlowlogTable *table = context->table;
	bool bad_is_null = table->options.on_error == FLOW_ON_ERROR_SET_NULL;
	FlowPredicate *root = NULL;

	context->filter =
		flow_filter_create(&backend->host, table->columns, table->ncolumns, bad_is_null);
	*result = context->filter;
	if (context->filter != NULL && !build_list(context, clauses, &root))
		complain_of_clause(table);
	if (root == NULL)
		raise_unbuilt(backend, table, context->filter);

	flow_filter_set_root(context->filter, root);
}

/* Returns the walk's context for the clauses of a plan. */
static QualWalk
walk_of_scan(FlowlogScan *scan, ForeignScanState *node)
{
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;

	return (QualWalk) {
		.table = scan->table,
		.relid = plan->scan.scanrelid,
		.scan_tlist = plan->fdw_scan_tlist,
		.filter = scan->filter,
		.planstate = &node->ss.ps,
		.econtext = node->ss.ps.ps_ExprContext,
	};
}

/* Makes scan->filter of a plan's pushed clauses. */
void
flowlog_qual_build(FlowlogScan *scan, ForeignScanState *node, List *clauses)
{
	QualWalk context = walk_of_scan(scan, node);

	if (clauses == NIL)
		return;
	if (scan->deferred == NULL)
		scan->deferred = MemoryContextAllocZero(scan->context, sizeof(FlowlogDeferred));
	list_free(scan->deferred->clauses);
	*scan->deferred = (FlowlogDeferred) {.node = node, .memory = scan->context};
	context.deferred = scan->deferred;
	build_filter(&context, &scan->backend, clauses, &scan->filter);
}

/*
 * Makes the predicate of a deferred condition, and puts it into scan->filter.
 */
void
flowlog_qual_resolve(FlowlogScan *scan, int number)
{
	FlowlogDeferred *deferred = scan->deferred;
	QualWalk context = walk_of_scan(scan, deferred->node);
	FlowPredicate *predicate = NULL;

	context.deferred = deferred;
	if (!build_list(&context, list_make1(list_nth(deferred->clauses, number - 1)), &predicate))
		complain_of_clause(scan->table);
	if (predicate == NULL)
		raise_unbuilt(&scan->backend, scan->table, scan->filter);
	flow_filter_resolve(scan->filter, number, predicate);
}

/*
 * Makes a filter of its own for some clauses.  All their Vars are the table's,
 * whatever their varno.
 */
FlowFilter *
flowlog_qual_filter(const FlowlogTable *table, FlowlogBackend *backend, List *clauses,
                    PlanState *planstate, ExprContext *econtext)
{
	List *vars = pull_var_clause((Node *) clauses, PVC_RECURSE_PLACEHOLDERS);
	FlowFilter *filter = NULL;
	QualWalk context = {.table = table, .planstate = planstate, .econtext = econtext};

	if (clauses == NIL)
		return NULL;
	context.relid = vars == NIL ? 0 : (Index) linitial_node(Var, vars)->varno;
	list_free(vars);
	build_filter(&context, backend, clauses, &filter);
	return filter;
}
