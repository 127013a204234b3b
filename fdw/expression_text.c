/*-------------------------------------------------------------------------
 *
 * expression_text.c
 *	  Expressions of texts that the reader computes, and comparisons of two
 *	  columns of texts or addresses.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"
#include "qual.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"

static bool
is_integer(Oid type)
{
	return type == INT2OID || type == INT4OID || type == INT8OID;
}

static bool
is_text(Oid type)
{
	return type == TEXTOID || type == VARCHAROID;
}

/* Handles a column of addresses. */
static bool
walk_address(const QualWalk *context, Expr *node, FlowExpression **expression)
{
	int column = flowlog_part_column(context, flowlog_part_strip((Node *) node));
	FlowType type = column < 0 ? FLOW_OPAQUE : context->table->columns[column].type;

	if (type != FLOW_ADDRESS && type != FLOW_NETWORK)
		return false;
	if (context->expressions != NULL)
		*expression = flow_expression_column(context->expressions, column);
	return true;
}

/* ---------- texts made of others ---------- */

/* Returns a constant as it is written, 'x', as one of type text. */
static Expr *
written_constant(const Const *constant)
{
	Const *text = makeNullConst(TEXTOID, -1, DEFAULT_COLLATION_OID);

	if (!constant->constisnull)
		text->constvalue = CStringGetTextDatum(DatumGetCString(constant->constvalue));
	text->constisnull = constant->constisnull;
	return (Expr *) text;
}

/* Returns an expression for the text that a value is shown as. */
static Expr *
shown_as_text(Expr *value)
{
	CoerceViaIO *cast = makeNode(CoerceViaIO);

	cast->arg = value;
	cast->resulttype = TEXTOID;
	cast->resultcollid = DEFAULT_COLLATION_OID;
	cast->coerceformat = COERCE_EXPLICIT_CAST;
	cast->location = -1;
	return (Expr *) cast;
}

/*
 * Handles an argument of concat(), or a value that is cast to text by the
 * functions of its type.
 */
static bool
walk_part(const QualWalk *context, Expr *node, ExpressionWalk walk, FlowExpression **expression)
{
	Oid type = exprType((Node *) node);
	FlowExpression *value = NULL;

	if (is_text(type))
		return walk(context, node, expression);
	if (type == UNKNOWNOID && IsA(node, Const))
		return walk(context, written_constant((Const *) node), expression);
	if (type == INETOID && walk_address(context, node, &value))
	{
		if (context->expressions != NULL)
			*expression = flow_expression_address_text(context->expressions,
			                                           value,
			                                           flowlog_needs_add(context->needs,
			                                                             shown_as_text(node),
			                                                             context->expressions));
		return true;
	}
	if ((!is_integer(type) && type != BOOLOID) || !walk(context, node, &value))
		return false;
	if (context->expressions != NULL)
		*expression = flow_expression_number_text(context->expressions, value);
	return true;
}

/* Handles "text || text", concat(), and concat_ws(), which has a separator. */
static bool
walk_concat(const QualWalk *context, Expr *node, Expr *separator, List *args, bool skips_null,
            ExpressionWalk walk, FlowExpression **expression)
{
	FlowExpression **arguments = palloc0(sizeof(FlowExpression *) * (list_length(args) + 1));
	FlowExpression *between = NULL;
	ListCell *cell;

	if (separator != NULL && !walk_part(context, separator, walk, &between))
		return false;
	foreach(cell, args)
		if (!walk_part(context, lfirst(cell), walk, &arguments[foreach_current_index(cell)]))
			return false;
	if (context->expressions != NULL)
		*expression =
			flow_expression_concat(context->expressions,
		                           between,
		                           arguments,
		                           list_length(args),
		                           skips_null,
		                           flowlog_needs_add(context->needs, node, context->expressions));
	return true;
}

/* Handles a call of concat() or concat_ws(). */
static bool
walk_concat_call(const QualWalk *context, FuncExpr *call, ExpressionWalk walk,
                 FlowExpression **expression)
{
	Expr *separator = NULL;
	List *args = call->args;

	if (call->funcvariadic || (call->funcid != F_CONCAT && call->funcid != F_CONCAT_WS))
		return false;
	if (call->funcid == F_CONCAT_WS)
	{
		separator = linitial(args);
		args = list_copy_tail(args, 1);
	}
	return walk_concat(context, (Expr *) call, separator, args, true, walk, expression);
}

/* Handles an expression of texts that has columns. */
bool
flowlog_expression_walk_text(const QualWalk *context, Expr *node, ExpressionWalk walk,
                             FlowExpression **expression)
{
	const CoerceViaIO *cast = (const CoerceViaIO *) node;
	OpExpr *operator=(OpExpr *) node;

	switch (nodeTag(node))
	{
		case T_OpExpr:
			set_opfuncid(operator);
			return operator->opfuncid == F_TEXTCAT &&
			    walk_concat(context, node, NULL, operator->args, false, walk, expression);
		case T_FuncExpr:
			return walk_concat_call(context, (FuncExpr *) node, walk, expression);
		case T_CoerceViaIO:
			return is_text(cast->resulttype) && is_integer(exprType((Node *) cast->arg)) &&
			       walk_part(context, cast->arg, walk, expression);
		default:
			return false;
	}
}

/* ---------- comparisons ---------- */

/*
 * Finds the comparison that an operator makes; returns false if it is not one
 * of the family's.
 */
bool
flowlog_expression_comparison(Oid opno, Oid family, FlowOperation *operation)
{
	static const FlowOperation by_operator[] = {
		[FLOW_EQ] = FLOW_EQUAL,
		[FLOW_NE] = FLOW_NOT_EQUAL,
		[FLOW_LT] = FLOW_LESS,
		[FLOW_LE] = FLOW_LESS_EQUAL,
		[FLOW_GT] = FLOW_GREATER,
		[FLOW_GE] = FLOW_GREATER_EQUAL,
	};
	FlowOp op;

	if (!flowlog_part_operator(opno, family, &op))
		return false;
	*operation = by_operator[op];
	return true;
}

/* Handles a comparison of two texts, or of two addresses. */
bool
flowlog_expression_walk_comparison(const QualWalk *context, OpExpr *node, ExpressionWalk walk,
                                   FlowExpression **expression)
{
	bool texts = is_text(exprType(linitial(node->args)));
	Oid family = texts ? TEXT_BTREE_FAM_OID : NETWORK_BTREE_FAM_OID;
	FlowExpression *sides[2] = {NULL, NULL};
	FlowOperation operation;
	int column;
	FlowOp op;

	if (!flowlog_part_operator(node->opno, family, &op) ||
	    !flowlog_expression_comparison(node->opno, family, &operation))
		return false;
	if (texts && !flowlog_part_collation_fits(TEXTOID, op, node->inputcollid))
		return false;

	/* of a single column, the result is remembered */
	if (flowlog_expression_is_remembered(context, (Expr *) node, &column))
		return false;
	for (int i = 0; i < 2; i++)
	{
		Expr *side = list_nth(node->args, i);

		if (!(texts ? walk(context, side, &sides[i]) : walk_address(context, side, &sides[i])))
			return false;
	}
	if (context->expressions != NULL)
		*expression = flow_expression_compare(context->expressions, operation, sides[0], sides[1]);
	return true;
}
