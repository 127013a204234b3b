/*-------------------------------------------------------------------------
 *
 * qual_like.c
 *	  Conditions on texts by patterns: LIKE, and starts_with().
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"
#include "qual.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "nodes/nodeFuncs.h"
#include "utils/fmgroids.h"

/* Handles "text LIKE pattern", or NOT LIKE. */
bool
flowlog_qual_walk_like(const QualWalk *context, OpExpr *clause, FlowPredicate **predicate)
{
	FlowView view;
	const Const *pattern;
	FlowValue value;
	int column;

	set_opfuncid(clause);
	if ((!context->computes && !context->for_index) ||
	    (clause->opfuncid != F_TEXTLIKE && clause->opfuncid != F_TEXTNLIKE))
		return false;

	/* a column of text, and a pattern that is known and valid */
	column = flowlog_qual_column(context, linitial(clause->args), &view);
	pattern = lsecond(clause->args);
	if (column < 0 || view != FLOW_AS_IS || context->table->columns[column].type != FLOW_TEXT ||
	    !IsA(pattern, Const) || pattern->constisnull)
		return false;
	if (pg_database_encoding_max_length() > 1 && GetDatabaseEncoding() != PG_UTF8)
		return false;
	flowlog_value_from_datum(TEXTOID, pattern->constvalue, &value);
	if (!flow_filter_like_fits(value.text) ||
	    !flowlog_part_collation_fits(TEXTOID, FLOW_EQ, clause->inputcollid))
		return false;

	if (context->filter != NULL)
		*predicate = flow_filter_like(context->filter,
		                              column,
		                              value.text,
		                              GetDatabaseEncoding() == PG_UTF8,
		                              clause->opfuncid == F_TEXTNLIKE);
	return true;
}

/* Handles starts_with(text, prefix), also as "^@", with a constant prefix. */
bool
flowlog_qual_walk_starts_with(const QualWalk *context, Oid function, List *args, Oid collation,
                              FlowPredicate **predicate)
{
	const Const *prefix = list_length(args) == 2 ? lsecond(args) : NULL;
	StringInfoData pattern;
	FlowView view;
	FlowValue value;
	int column;

	if ((!context->computes && !context->for_index) || function != F_STARTS_WITH ||
	    !IsA(prefix, Const) || prefix->constisnull ||
	    !flowlog_part_collation_fits(TEXTOID, FLOW_EQ, collation))
		return false;
	column = flowlog_qual_column(context, linitial(args), &view);
	if (column < 0 || view != FLOW_AS_IS || context->table->columns[column].type != FLOW_TEXT)
		return false;

	/* the pattern of LIKE that has the same matches */
	flowlog_value_from_datum(TEXTOID, prefix->constvalue, &value);
	initStringInfo(&pattern);
	for (size_t i = 0; i < value.text.len; i++)
	{
		if (strchr("%_\\", value.text.data[i]) != NULL)
			appendStringInfoChar(&pattern, '\\');
		appendStringInfoChar(&pattern, value.text.data[i]);
	}
	appendStringInfoChar(&pattern, '%');
	value.text = (FlowSlice) {pattern.data, pattern.len};
	if (!flow_filter_like_fits(value.text))
		return false;
	if (context->filter != NULL)
		*predicate = flow_filter_like(context->filter, column, value.text, true, false);
	return true;
}
