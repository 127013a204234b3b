/*-------------------------------------------------------------------------
 *
 * qual_column.c
 *	  Columns under casts, as conditions compare them.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"
#include "qual.h"

#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "utils/fmgroids.h"

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

/*
 * Strips nullif() of a text column and the text that means NULL there, which
 * never comes out of it.
 */
static const Node *
strip_nullif(const QualWalk *context, const Node *node)
{
	const NullIfExpr *nullif = (const NullIfExpr *) node;
	const FlowColumn *column;
	const Const *text;
	FlowValue value;
	int index;

	if (!IsA(node, NullIfExpr) || nullif->opno != TextEqualOperator)
		return node;
	index = flowlog_part_column(context, flowlog_part_strip(linitial(nullif->args)));
	text = lsecond(nullif->args);
	if (index < 0 || !IsA(text, Const) || text->constisnull || text->consttype != TEXTOID ||
	    !flowlog_part_collation_fits(TEXTOID, FLOW_EQ, nullif->inputcollid))
		return node;
	column = &context->table->columns[index];
	flowlog_value_from_datum(TEXTOID, text->constvalue, &value);
	if (column->type != FLOW_TEXT || column->null_text == NULL ||
	    value.text.len != column->null_len ||
	    memcmp(value.text.data, column->null_text, value.text.len) != 0)
		return node;
	return linitial(nullif->args);
}

/*
 * Recognises a text column that is cast to inet, or to our domain over it.
 * Returns its index, or -1.
 */
static int
recognise_address(const QualWalk *context, const Node *node)
{
	const CoerceViaIO *cast;
	int column;

	while (IsA(node, RelabelType) || IsA(node, CoerceToDomain))
	{
		if (IsA(node, CoerceToDomain) &&
		    !flowlog_is_ipaddress(((const CoerceToDomain *) node)->resulttype))
			return -1;
		node = (const Node *) (IsA(node, RelabelType) ? ((const RelabelType *) node)->arg
		                                              : ((const CoerceToDomain *) node)->arg);
	}
	cast = (const CoerceViaIO *) node;
	if ((!context->computes && !context->for_index) || !IsA(node, CoerceViaIO) ||
	    cast->resulttype != INETOID)
		return -1;
	node = strip_nullif(context, flowlog_part_strip((const Node *) cast->arg));
	column = flowlog_part_column(context, flowlog_part_strip(node));
	return column >= 0 && context->table->columns[column].type == FLOW_TEXT ? column : -1;
}

/* Returns true if such a column is cast to our domain, which takes no networks. */
bool
flowlog_qual_is_whole_address(const Node *node)
{
	while (IsA(node, RelabelType))
		node = (const Node *) ((const RelabelType *) node)->arg;
	return IsA(node, CoerceToDomain);
}

/*
 * Recognises a column under casts that the reader knows.  Returns its index,
 * or -1.
 */
int
flowlog_qual_column(const QualWalk *context, const Node *node, FlowView *view)
{
	const FuncExpr *call;
	const Node *argument;
	int column;

	*view = FLOW_AS_ADDRESS;
	column = recognise_address(context, node);
	if (column >= 0)
		return column;
	*view = FLOW_AS_IS;
	node = flowlog_part_strip(node);
	column = flowlog_part_column(context, node);
	if (column >= 0 || !IsA(node, FuncExpr))
		return column;

	call = (const FuncExpr *) node;
	if (list_length(call->args) != 1)
		return -1;
	argument = linitial(call->args);
	if (call->funcid == F_TO_TIMESTAMP_FLOAT8 || flowlog_is_from_unixtime(call->funcid))
	{
		FlowView inner;

		/* there, it is computed: an error would be taken for a bad field's */
		if (context->in_group)
			return -1;

		column = flowlog_qual_column(context, argument, &inner);
		*view = FLOW_AS_UNIX_TIME;
		return inner == FLOW_AS_DOUBLE ? column : -1;
	}

	for (size_t i = 0; i < lengthof(casts); i++)
	{
		FlowView inner;

		if (casts[i].function != call->funcid)
			continue;
		/* integers are widened without a change of their value */
		column = flowlog_qual_column(context, argument, &inner);
		if (column < 0 || inner != FLOW_AS_IS || exprType(argument) != casts[i].argument)
			return -1;
		*view = casts[i].view;
		return column;
	}
	return -1;
}

/*
 * Returns true if this view of the column can be compared as rows with this
 * type in "column" are.
 */
bool
flowlog_qual_view_fits(const FlowColumn *column, FlowView view, Oid compared_as)
{
	bool integer =
		column->type == FLOW_INT16 || column->type == FLOW_INT32 || column->type == FLOW_INT64;

	switch (view)
	{
		case FLOW_AS_DOUBLE:
			return integer && compared_as == FLOAT8OID;
		case FLOW_AS_UNIX_TIME:
			return integer && compared_as == TIMESTAMPTZOID;
		case FLOW_AS_ADDRESS:
			return compared_as == INETOID;
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
