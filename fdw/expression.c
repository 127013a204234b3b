/*-------------------------------------------------------------------------
 *
 * expression.c
 *	  Which expressions the reader can compute, and their form in the core.
 *
 * As for conditions (qual.c), one walk serves the planner, which only checks,
 * and the executor, which builds.  To add a function or an operator: a row of
 * functions[], and the operation in flow/expression_number.c.
 *
 * What the core cannot compute for a record (an overflow, a division by zero)
 * PostgreSQL computes itself, so the error is its own.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"
#include "qual.h"

#include "catalog/pg_opfamily.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

/* ---------- functions ---------- */

typedef struct FunctionRow
{
	Oid function;
	FlowOperation operation;
	bool can_fail;
} FunctionRow;

#define ARITHMETIC(types)                                                                          \
	{F_INT##types##PL, FLOW_ADD, true}, {F_INT##types##MI, FLOW_SUBTRACT, true},                   \
		{F_INT##types##MUL, FLOW_MULTIPLY, true},                                                  \
	{                                                                                              \
		F_INT##types##DIV, FLOW_DIVIDE, true                                                       \
	}

/* those of integers; a result has the type of the function's */
static const FunctionRow functions[] = {
	ARITHMETIC(2),
	ARITHMETIC(4),
	ARITHMETIC(8),
	ARITHMETIC(24),
	ARITHMETIC(28),
	ARITHMETIC(42),
	ARITHMETIC(48),
	ARITHMETIC(82),
	ARITHMETIC(84),
	{F_INT2MOD, FLOW_MODULO, true},
	{F_INT4MOD, FLOW_MODULO, true},
	{F_INT8MOD, FLOW_MODULO, true},
	{F_MOD_INT2_INT2, FLOW_MODULO, true},
	{F_MOD_INT4_INT4, FLOW_MODULO, true},
	{F_MOD_INT8_INT8, FLOW_MODULO, true},
	{F_INT2AND, FLOW_BIT_AND, false},
	{F_INT4AND, FLOW_BIT_AND, false},
	{F_INT8AND, FLOW_BIT_AND, false},
	{F_INT2OR, FLOW_BIT_OR, false},
	{F_INT4OR, FLOW_BIT_OR, false},
	{F_INT8OR, FLOW_BIT_OR, false},
	{F_INT2XOR, FLOW_BIT_XOR, false},
	{F_INT4XOR, FLOW_BIT_XOR, false},
	{F_INT8XOR, FLOW_BIT_XOR, false},
	{F_INT2NOT, FLOW_BIT_NOT, false},
	{F_INT4NOT, FLOW_BIT_NOT, false},
	{F_INT8NOT, FLOW_BIT_NOT, false},
	{F_INT2SHL, FLOW_SHIFT_LEFT_16, true},
	{F_INT4SHL, FLOW_SHIFT_LEFT_32, true},
	{F_INT8SHL, FLOW_SHIFT_LEFT_64, true},
	{F_INT2SHR, FLOW_SHIFT_RIGHT_16, true},
	{F_INT4SHR, FLOW_SHIFT_RIGHT_32, true},
	{F_INT8SHR, FLOW_SHIFT_RIGHT_64, true},
	{F_INT2UM, FLOW_NEGATE, true},
	{F_INT4UM, FLOW_NEGATE, true},
	{F_INT8UM, FLOW_NEGATE, true},
	{F_INT2ABS, FLOW_ABSOLUTE, true},
	{F_INT4ABS, FLOW_ABSOLUTE, true},
	{F_INT8ABS, FLOW_ABSOLUTE, true},
	{F_ABS_INT2, FLOW_ABSOLUTE, true},
	{F_ABS_INT4, FLOW_ABSOLUTE, true},
	{F_ABS_INT8, FLOW_ABSOLUTE, true},
	{F_INT4_INT2, FLOW_CONVERT, false},
	{F_INT8_INT2, FLOW_CONVERT, false},
	{F_INT8_INT4, FLOW_CONVERT, false},
	{F_INT2_INT4, FLOW_CONVERT, true},
	{F_INT2_INT8, FLOW_CONVERT, true},
	{F_INT4_INT8, FLOW_CONVERT, true},
};

/* from integers to double precision, as to_timestamp() takes seconds */
static const Oid doubles[] = {F_FLOAT8_INT2, F_FLOAT8_INT4, F_FLOAT8_INT8};

/* Returns true if a node is a constant by which any number can be divided. */
static bool
is_safe_divisor(const Node *node)
{
	const Const *constant = (const Const *) node;
	FlowValue value;

	if (!IsA(node, Const) || constant->constisnull)
		return false;
	flowlog_value_from_datum(constant->consttype, constant->constvalue, &value);
	return value.integer != 0 && value.integer != -1;
}

/* Returns true if a node is a constant by which any integer can be shifted. */
static bool
is_safe_shift(const Node *node)
{
	const Const *constant = (const Const *) node;

	return IsA(node, Const) && !constant->constisnull && DatumGetInt32(constant->constvalue) >= 0 &&
	       DatumGetInt32(constant->constvalue) < 16;
}

/* Returns true if a row's function can fail with some arguments. */
static bool
fails(const FunctionRow *row, const List *args)
{
	if (row->operation == FLOW_DIVIDE || row->operation == FLOW_MODULO)
		return !is_safe_divisor(lsecond(args));
	if (row->operation >= FLOW_SHIFT_LEFT_16 && row->operation <= FLOW_SHIFT_RIGHT_64)
		return !is_safe_shift(lsecond(args));
	return row->can_fail;
}

static const FunctionRow *
find_function(Oid function)
{
	function = flowlog_trino_builtin(function);
	for (size_t i = 0; i < lengthof(functions); i++)
		if (functions[i].function == function)
			return &functions[i];
	return NULL;
}

/*
 * Finds the comparison that an operator of two numbers of one kind makes;
 * returns false if it makes none.
 */
static bool
find_comparison(const OpExpr *node, FlowOperation *operation)
{
	Oid left = exprType(linitial(node->args));
	Oid right = exprType(lsecond(node->args));
	Oid family = left == INT2OID || left == INT4OID || left == INT8OID ? INTEGER_BTREE_FAM_OID
	             : left == BOOLOID                                     ? BOOL_BTREE_FAM_OID
	                                                                   : InvalidOid;

	if (left == TIMESTAMPTZOID || left == TIMESTAMPOID || left == DATEOID)
		family = left == right ? FLOWLOG_DATETIME_FAMILY : InvalidOid;
	return OidIsValid(family) && flowlog_expression_comparison(node->opno, family, operation);
}

/* ---------- types ---------- */

/* Returns true if the core computes with values of a type. */
static bool
is_computable(Oid type)
{
	switch (type)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case BOOLOID:
		case TIMESTAMPTZOID:
		case TIMESTAMPOID:
		case DATEOID:
		case TEXTOID:
		case VARCHAROID:
			return true;
		default:
			return false;
	}
}

static FlowType
core_type(Oid type)
{
	FlowColumn column;

	flowlog_column_set_type(&column, type, -1);
	return column.type;
}

/* ---------- the walk ---------- */

/* Makes an operation on the arguments of a function, of which there are one or two. */
static bool
walk_operation(const QualWalk *context, Expr *node, List *args, FlowOperation operation,
               bool can_fail, FlowExpression **expression)
{
	FlowExpression *arguments[2] = {NULL, NULL};
	ListCell *cell;

	if (list_length(args) != (flow_operation_is_unary(operation) ? 1 : 2))
		return false;
	foreach(cell, args)
		if (!flowlog_expression_walk(context,
		                             lfirst(cell),
		                             &arguments[foreach_current_index(cell)]))
			return false;
	if (context->expressions != NULL)
		*expression = flow_expression_operation(context->expressions,
		                                        operation,
		                                        core_type(exprType((Node *) node)),
		                                        arguments[0],
		                                        arguments[1],
		                                        can_fail ? flowlog_needs_add(context->needs,
		                                                                     node,
		                                                                     context->expressions)
		                                                 : 0);
	return true;
}

/* Handles to_timestamp() and from_unixtime() of an integer. */
static bool
walk_to_time(const QualWalk *context, FuncExpr *node, FlowExpression **expression)
{
	const FuncExpr *cast = linitial(node->args);

	if (!IsA(cast, FuncExpr))
		return false;
	for (size_t i = 0; i < lengthof(doubles); i++)
		if (cast->funcid == doubles[i])
			return walk_operation(context,
			                      (Expr *) node,
			                      cast->args,
			                      FLOW_TO_TIME,
			                      true,
			                      expression);
	return false;
}

/* Handles functions of a time. */
static bool
walk_time_function(const QualWalk *context, FuncExpr *node, FlowExpression **expression)
{
	Expr *time = flowlog_expression_time_argument(node);
	FlowExpression *argument = NULL;

	if (time == NULL || !flowlog_expression_walk(context, time, &argument))
		return false;
	if (context->expressions != NULL)
		*expression = flowlog_expression_of_time(context, node, argument);
	return true;
}

/* Handles casts to integers of numbers that are extracted from times. */
static bool
walk_extracted(const QualWalk *context, FuncExpr *node, FlowExpression **expression)
{
	const FuncExpr *extract = linitial(node->args);

	return IsA(extract, FuncExpr) && flowlog_expression_time_argument(extract) != NULL &&
	       walk_operation(context, (Expr *) node, node->args, FLOW_CONVERT, false, expression);
}

static bool
walk_function(const QualWalk *context, Expr *node, Oid function, List *args,
              FlowExpression **expression)
{
	const FunctionRow *row = find_function(function);

	if (row != NULL)
		return walk_operation(context, node, args, row->operation, fails(row, args), expression);
	if (IsA(node, FuncExpr) && list_length(args) == 1 &&
	    (function == F_TO_TIMESTAMP_FLOAT8 || flowlog_is_from_unixtime(function)))
		return walk_to_time(context, (FuncExpr *) node, expression);
	if (IsA(node, FuncExpr) && (function == F_INT4_NUMERIC || function == F_INT8_NUMERIC))
		return walk_extracted(context, (FuncExpr *) node, expression);
	return false;
}

static bool
walk_operator(const QualWalk *context, OpExpr *node, FlowExpression **expression)
{
	FlowOperation operation;

	if (list_length(node->args) == 2 && node->opresulttype == BOOLOID)
		return find_comparison(node, &operation)
		           ? walk_operation(context,
		                            (Expr *) node,
		                            node->args,
		                            operation,
		                            false,
		                            expression)
		           : flowlog_expression_walk_comparison(context,
		                                                node,
		                                                flowlog_expression_walk,
		                                                expression);
	set_opfuncid(node);
	return walk_function(context, (Expr *) node, node->opfuncid, node->args, expression);
}

/* Handles a list of expressions; *made has one for each. */
static bool
walk_list(const QualWalk *context, List *args, FlowExpression ***made)
{
	ListCell *cell;

	*made = palloc0(sizeof(FlowExpression *) * (list_length(args) + 1));
	foreach(cell, args)
		if (!flowlog_expression_walk(context, lfirst(cell), &(*made)[foreach_current_index(cell)]))
			return false;
	return true;
}

static bool
walk_coalesce(const QualWalk *context, CoalesceExpr *node, FlowExpression **expression)
{
	QualWalk inner = *context;
	FlowExpression **arguments;

	inner.in_branch = true;
	if (!walk_list(&inner, node->args, &arguments))
		return false;
	if (context->expressions != NULL)
		*expression =
			flow_expression_coalesce(context->expressions, arguments, list_length(node->args));
	return true;
}

/* Puts the tested value of "CASE value WHEN ..." into the conditions. */
static Node *
replace_case_test(Node *node, void *value)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, CaseTestExpr))
		return value;
	if (IsA(node, CaseExpr))
		return node; /* an inner one has values of its own */
	return expression_tree_mutator(node, replace_case_test, value);
}

static bool
walk_case(const QualWalk *context, CaseExpr *node, FlowExpression **expression)
{
	QualWalk inner = *context;
	int count = list_length(node->args);
	FlowExpression **conditions = palloc0(sizeof(FlowExpression *) * count);
	FlowExpression **results = palloc0(sizeof(FlowExpression *) * (count + 1));
	ListCell *cell;

	inner.in_branch = true;
	foreach(cell, node->args)
	{
		CaseWhen *when = lfirst_node(CaseWhen, cell);
		int i = foreach_current_index(cell);
		Expr *condition = when->expr;

		if (node->arg != NULL)
			condition = (Expr *) replace_case_test((Node *) condition, node->arg);
		if (!context->walk_condition(&inner, condition, &conditions[i]) ||
		    !flowlog_expression_walk(&inner, when->result, &results[i]))
			return false;
	}
	if (!flowlog_expression_walk(&inner, node->defresult, &results[count]))
		return false;
	if (context->expressions != NULL)
		*expression = flow_expression_case(context->expressions, conditions, results, count);
	return true;
}

/* Handles an expression without columns, which has one value during a scan. */
static bool
walk_constant(const QualWalk *context, Expr *node, FlowExpression **expression)
{
	Oid type = exprType((Node *) node);
	FlowValue value;
	Datum datum;
	bool isnull;

	if (!flowlog_part_is_constant(context, node) ||
	    (IsA(node, Const) && !((const Const *) node)->constisnull &&
	     !flowlog_part_fits(type, ((const Const *) node)->constvalue)))
		return false;
	if (context->in_branch && context->root != NULL && flowlog_expr_may_fail(node, NULL))
		return false;
	if (context->expressions == NULL)
		return true;
	datum = flowlog_part_evaluate(context, node, &isnull);
	if (!isnull)
		flowlog_part_value(type, datum, &value);
	*expression =
		flow_expression_constant(context->expressions, core_type(type), isnull ? NULL : &value);
	return true;
}

static bool
walk_column(const QualWalk *context, int column, FlowExpression **expression)
{
	if (context->expressions != NULL)
		*expression = flow_expression_column(context->expressions, column);
	return true;
}

/* Handles a column of a domain, and what is of another type with the same values. */
static bool
walk_relabelled(const QualWalk *context, RelabelType *node, FlowExpression **expression)
{
	FlowType type = core_type(exprType((Node *) node));
	int column = flowlog_part_column(context, (Node *) node->arg);

	if (column >= 0)
		return context->table->columns[column].type == type &&
		       walk_column(context, column, expression);
	return type == FLOW_TEXT && core_type(exprType((Node *) node->arg)) == FLOW_TEXT &&
	       flowlog_expression_walk(context, node->arg, expression);
}

/* Handles what the core has operations for. */
static bool
walk_known(const QualWalk *context, Expr *node, FlowExpression **expression)
{
	int column;

	if (IsA(node, FuncExpr) && contain_var_clause((Node *) node) &&
	    walk_time_function(context, (FuncExpr *) node, expression))
		return true;
	if (!is_computable(exprType((Node *) node)))
		return false;
	column = flowlog_part_column(context, (Node *) node);
	if (column >= 0)
		return walk_column(context, column, expression);
	if (!contain_var_clause((Node *) node))
		return walk_constant(context, node, expression);
	if (flowlog_expression_walk_text(context, node, flowlog_expression_walk, expression))
		return true;
	switch (nodeTag(node))
	{
		case T_OpExpr:
			return walk_operator(context, (OpExpr *) node, expression);
		case T_FuncExpr:
			return walk_function(context,
			                     node,
			                     ((FuncExpr *) node)->funcid,
			                     ((FuncExpr *) node)->args,
			                     expression);
		case T_CoalesceExpr:
			return walk_coalesce(context, (CoalesceExpr *) node, expression);
		case T_RelabelType:
			return walk_relabelled(context, (RelabelType *) node, expression);
		case T_CaseExpr:
			return walk_case(context, (CaseExpr *) node, expression);
		default:
			return false;
	}
}

/* Handles what PostgreSQL computes once for each value of a column. */
static bool
walk_remembered(const QualWalk *context, Expr *node, FlowExpression **expression)
{
	Oid type = exprType((Node *) node);
	int column;

	if (!is_computable(type) || !flowlog_expression_is_remembered(context, node, &column))
		return false;
	if (context->remembers != NULL)
		*context->remembers = true;
	if (context->expressions == NULL)
		return true;
	*expression =
		flow_expression_remembered(context->expressions,
	                               column,
	                               core_type(type),
	                               flowlog_needs_add(context->needs, node, context->expressions),
	                               !flowlog_expr_columns_may_fail(node));
	return true;
}

/* Returns true if the reader can compute the expression. */
bool
flowlog_expression_walk(const QualWalk *context, Expr *node, FlowExpression **expression)
{
	/* an expression may be of any depth */
	CHECK_FOR_INTERRUPTS();
	check_stack_depth();
	return walk_known(context, node, expression) || walk_remembered(context, node, expression);
}

/* ---------- what can fail ---------- */

/* Returns true if the expression computes what can fail from a column. */
static bool
can_fail(Node *node, void *context)
{
	const FunctionRow *row = NULL;
	const List *args = NIL;

	if (node == NULL)
		return false;
	if (IsA(node, OpExpr))
	{
		set_opfuncid((OpExpr *) node);
		row = find_function(((OpExpr *) node)->opfuncid);
		args = ((OpExpr *) node)->args;
	}
	else if (IsA(node, FuncExpr))
	{
		row = find_function(((FuncExpr *) node)->funcid);
		args = ((FuncExpr *) node)->args;
	}
	if (row != NULL && fails(row, args) && contain_var_clause(node))
		return true;
	return expression_tree_walker(node, can_fail, context);
}

bool
flowlog_expression_can_fail(Expr *clause)
{
	return can_fail((Node *) clause, NULL);
}
