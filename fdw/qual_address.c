/*-------------------------------------------------------------------------
 *
 * qual_address.c
 *	  Conditions on texts that are cast to inet, and contains().
 *
 * The reader reads addresses of texts as it does those of inet columns.  A text
 * that is none is left to PostgreSQL, which raises its error for the record.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"
#include "qual.h"

#include "catalog/pg_type.h"

/*
 * Makes the predicate of a clause that PostgreSQL computes once for each value
 * of a column; NULL if memory is short.
 */
FlowPredicate *
flowlog_qual_remember(const QualWalk *context, Expr *clause, int column)
{
	FlowExpressions *expressions;

	/* nothing computes it there, so any file may have a record for which it is true */
	if (context->for_index)
		return flow_filter_deferred(context->filter, 0, column);
	expressions = flow_filter_expressions(context->filter);
	if (expressions == NULL)
		return NULL;
	flow_expressions_use_memo(expressions, context->memo);
	return flow_filter_expression(context->filter,
	                              flow_expression_remembered(expressions,
	                                                         column,
	                                                         FLOW_BOOLEAN,
	                                                         flowlog_needs_add(context->needs,
	                                                                           clause,
	                                                                           expressions),
	                                                         false));
}

/*
 * Returns true if a clause about a text column that is cast to inet can be
 * evaluated: PostgreSQL evaluates it for texts that are not addresses, and
 * raises the error.
 */
bool
flowlog_qual_address_fits(const QualWalk *context, Expr *clause)
{
	int column;

	if (context->for_index)
		return true;
	if (!flowlog_expression_is_remembered(context, clause, &column))
		return false;
	if (context->remembers != NULL)
		*context->remembers = true;
	return true;
}

/* Completes the predicate of such a clause; "address" is the column under its casts. */
FlowPredicate *
flowlog_qual_complete_address(const QualWalk *context, Expr *clause, const Node *address,
                              int column, FlowPredicate *predicate)
{
	if (context->for_index)
		return predicate;
	return flow_filter_set_otherwise(predicate,
	                                 flowlog_qual_is_whole_address(address),
	                                 flowlog_qual_remember(context, clause, column));
}

/* Handles contains(cidr, address) with a constant network. */
bool
flowlog_qual_walk_contains(const QualWalk *context, FuncExpr *call, FlowPredicate **predicate)
{
	const Const *cidr = list_length(call->args) == 2 ? linitial(call->args) : NULL;
	FlowAddress networks[2];
	FlowValue values[2];
	FlowView view;
	int column;

	if ((!context->computes && !context->for_index) || cidr == NULL || !IsA(cidr, Const) ||
	    cidr->constisnull || !flowlog_is_contains(call->funcid) ||
	    !flowlog_contains_networks(cidr->constvalue, networks))
		return false;
	column = flowlog_qual_column(context, lsecond(call->args), &view);
	if (column < 0 || !flowlog_qual_view_fits(&context->table->columns[column], view, INETOID))
		return false;
	if (view == FLOW_AS_ADDRESS && !flowlog_qual_address_fits(context, (Expr *) call))
		return false;
	if (context->filter == NULL)
		return true;

	for (int i = 0; i < 2; i++)
		values[i].address = networks[i];
	*predicate =
		flow_filter_any(context->filter, column, view, FLOW_WITHIN_OR_EQUAL, values, 2, false);
	if (view == FLOW_AS_ADDRESS)
		*predicate = flowlog_qual_complete_address(context,
		                                           (Expr *) call,
		                                           lsecond(call->args),
		                                           column,
		                                           *predicate);
	return true;
}
