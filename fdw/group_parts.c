/*-------------------------------------------------------------------------
 *
 * group_parts.c
 *	  Keys that are texts joined of columns, as concat(srcaddr, ':', dstport).
 *
 * Where such a text tells its columns, groups of it are groups of the columns.
 * These are read as they stand in a log, and are short, and the text is made
 * of a group that is returned instead of each record (a third of the
 * instructions, where half of the records are groups of their own).
 *
 * A text tells its columns if all of them are integers, but for one that is a
 * text, and between two of them is a constant without digits and '-': from both
 * of its ends up to the text, each integer ends where the constant begins.
 * Only an empty text is joined as NULL is; such groups are combined by
 * empty_is_null (FlowGroupSpec).
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"

/* A column, or if that is -1, a constant. */
typedef struct Part
{
	int column;
	FlowSlice text;
} Part;

struct FlowlogParts
{
	const FlowlogTable *table;
	int ncolumns;
	int count;
	Part parts[FLEXIBLE_ARRAY_MEMBER];
};

/* Sets a part to a constant; NULL is joined as an empty text. */
static bool
read_constant(const Const *constant, Part *part)
{
	part->column = -1;
	part->text = (FlowSlice) {"", 0};
	if (constant->consttype != TEXTOID && constant->consttype != UNKNOWNOID)
		return false;
	if (constant->constisnull)
		return true;
	part->text.data = constant->consttype == TEXTOID ? TextDatumGetCString(constant->constvalue)
	                                                 : DatumGetCString(constant->constvalue);
	part->text.len = strlen(part->text.data);
	return true;
}

/* Sets a part to a column whose values can be told apart in a text. */
static bool
read_column(const FlowlogTable *table, const Expr *expr, Part *part)
{
	const FlowColumn *column;

	while (IsA(expr, RelabelType) && ((const RelabelType *) expr)->resulttype == TEXTOID)
		expr = ((const RelabelType *) expr)->arg;
	if (!IsA(expr, Var) || ((const Var *) expr)->varlevelsup != 0)
		return false;
	part->column = flowlog_table_column(table, ((const Var *) expr)->varattno);
	if (part->column < 0)
		return false;
	column = &table->columns[part->column];
	return (column->type <= FLOW_INT64 || (column->type == FLOW_TEXT && column->max_chars < 0)) &&
	       flow_group_keeps_values(column);
}

/* Returns true if the text tells the values of its columns. */
static bool
tells_columns(const FlowlogParts *parts)
{
	bool separated = true;
	int texts = 0;

	for (int i = 0; i < parts->count; i++)
	{
		const Part *part = &parts->parts[i];

		if (part->column < 0)
		{
			/* one after another, they are a separator if each of them is */
			if (part->text.len > 0)
				separated = strpbrk(part->text.data, "0123456789-") == NULL;
			continue;
		}
		if (!separated)
			return false;
		separated = false;
		texts += parts->table->columns[part->column].type == FLOW_TEXT;
	}
	return texts <= 1;
}

/*
 * Returns the parts of a key, in the current memory context, or NULL if it has
 * none that groups can be of.
 */
FlowlogParts *
flowlog_parts_create(const FlowlogTable *table, const Expr *key)
{
	const FuncExpr *call = (const FuncExpr *) key;
	FlowlogParts *parts;
	ListCell *cell;

	if (!IsA(key, FuncExpr) || call->funcid != F_CONCAT || call->funcvariadic)
		return NULL;
	parts = palloc0(offsetof(FlowlogParts, parts) + sizeof(Part) * (Size) list_length(call->args));
	parts->table = table;
	foreach(cell, call->args)
	{
		Part *part = &parts->parts[parts->count++];
		const Expr *arg = lfirst(cell);

		if (IsA(arg, Const) ? !read_constant((const Const *) arg, part)
		                    : !read_column(table, arg, part))
			return NULL;
		parts->ncolumns += part->column >= 0;
	}
	return parts->ncolumns > 0 && parts->ncolumns <= FLOWLOG_MAX_PARTS && tells_columns(parts)
	           ? parts
	           : NULL;
}

/* Returns how many keys the parts are. */
int
flowlog_parts_count(const FlowlogParts *parts)
{
	return parts->ncolumns;
}

/* Sets the keys that groups are by, and which of them are NULL when empty. */
void
flowlog_parts_keys(const FlowlogParts *parts, FlowGroupBy *keys, bool *empty_is_null)
{
	int k = 0;

	for (int i = 0; i < parts->count; i++)
	{
		int column = parts->parts[i].column;

		if (column < 0)
			continue;
		empty_is_null[k] = parts->table->columns[column].type == FLOW_TEXT;
		keys[k++] = (FlowGroupBy) {column, NULL};
	}
}

/* Returns the text of a column's key; NULL is an empty one.  Its bytes may be in "form". */
static FlowSlice
text_of_key(const FlowColumn *column, const FlowHost *host, FlowSlice key, char *form)
{
	FlowValue value;
	FlowStatus status = flow_value_read(column, host, key, &value);

	if (status != FLOW_OK && status != FLOW_END)
		elog(ERROR, "a group's key could not be read: status %d", (int) status);
	return status == FLOW_OK ? flow_value_write(column->type, &value, form) : (FlowSlice) {"", 0};
}

/* Makes the text of a group of these keys. */
void
flowlog_parts_write(const FlowlogParts *parts, const FlowHost *host, const FlowSlice *keys,
                    StringInfo text)
{
	resetStringInfo(text);
	for (int i = 0; i < parts->count; i++)
	{
		const Part *part = &parts->parts[i];
		FlowSlice piece = part->text;
		char form[FLOW_FORM_SIZE];

		if (part->column >= 0)
			piece = text_of_key(&parts->table->columns[part->column], host, *keys++, form);
		appendBinaryStringInfo(text, piece.data, (int) piece.len);
	}
}
