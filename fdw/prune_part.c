/*-------------------------------------------------------------------------
 *
 * prune_part.c
 *	  Decides about directories in which only some columns of a condition are
 *	  known, such as the year of "year || '/' || month >= '2026/02'".
 *
 * A part of a condition whose columns are known is evaluated.  Of rows, the
 * first pairs may decide how they compare, and of a text that is put together
 * its beginning.  All other parts may have any result, so nothing is assumed
 * about the names of directories that were not listed yet.  AND, OR and NOT
 * combine the results that are possible.
 *
 * Only what cannot fail is evaluated: PostgreSQL would not come to it if there
 * is no file.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"
#include "prune.h"
#include "qual.h"

#include "access/nbtree.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

/* A set of what a part may be. */
#define CAN_BE_FALSE 1u
#define CAN_BE_TRUE 2u
#define CAN_BE_NULL 4u
#define CAN_BE_ANY (CAN_BE_FALSE | CAN_BE_TRUE | CAN_BE_NULL)

/* of an array that the beginning of a text is compared with */
#define MAX_ELEMENTS 100

/* of a condition; others can be anything */
#define MAX_PARTS 200

/* An expression, and the columns that it needs. */
typedef struct Value
{
	ExprState *state; /* NULL: it is not evaluated, as it may fail */
	int *columns;
	int ncolumns;
} Value;

typedef struct FlowlogPrunePart Part;

struct FlowlogPrunePart
{
	/* returns what the part may be in the current directory */
	unsigned (*evaluate)(const FlowlogPrune *prune, const Part *part);
	Value value; /* of the whole part */

	/* AND and OR, and NOT of one child */
	Part **children;
	int nchildren;
	BoolExprType type;

	/* a comparison of rows; or of a text, which "left" are the pieces of */
	Value *left;
	Value *right;
	FmgrInfo *compare; /* of the pairs of rows */
	Oid *collations;
	int count;
	StrategyNumber strategy;
	Value separator; /* of concat_ws(); its state is NULL if there is none */
	bool strict;     /* a piece that is NULL makes the text NULL */
	bool flipped;    /* the text stands on the right */
	bool any;        /* "right" is an array */
	bool like;       /* "right" is a pattern of LIKE */
};

/* ---------- values ---------- */

/* Notes a column that an expression uses. */
static bool
add_column(Node *node, void *context)
{
	Value *value = ((void **) context)[0];
	const FlowlogTable *table = ((void **) context)[1];

	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		value->columns = value->columns == NULL
		                     ? palloc(sizeof(int))
		                     : repalloc(value->columns, sizeof(int) * (value->ncolumns + 1));
		value->columns[value->ncolumns++] = table->column_of_attr[((Var *) node)->varattno - 1];
		return false;
	}
	return expression_tree_walker(node, add_column, context);
}

/* Prepares to evaluate an expression, unless it may fail. */
static Value
make_value(const FlowlogPrune *prune, Node *node)
{
	Value value = {NULL, NULL, 0};
	void *context[] = {&value, (void *) prune->definition};

	(void) add_column(node, context);
	if (!flowlog_expr_columns_may_fail((Expr *) node) &&
	    !flowlog_expr_constants_may_fail((Expr *) node, 0))
		value.state = ExecInitExpr((Expr *) node, prune->parent);
	return value;
}

/* Returns true if the value of an expression is known in this directory. */
static bool
is_known(const FlowlogPrune *prune, const Value *value)
{
	if (value->state == NULL)
		return false;
	for (int i = 0; i < value->ncolumns; i++)
		if (prune->knowledge[value->columns[i]] != KNOWN)
			return false;
	return true;
}

static Datum
evaluate_value(const FlowlogPrune *prune, const Value *value, bool *isnull)
{
	return ExecEvalExprSwitchContext(value->state, prune->econtext, isnull);
}

/* ---------- conditions ---------- */

static unsigned
evaluate_part(const FlowlogPrune *prune, const Part *part)
{
	Datum value;
	bool isnull;

	if (!is_known(prune, &part->value))
		return part->evaluate != NULL ? part->evaluate(prune, part) : CAN_BE_ANY;
	value = evaluate_value(prune, &part->value, &isnull);
	if (isnull)
		return CAN_BE_NULL;
	return DatumGetBool(value) ? CAN_BE_TRUE : CAN_BE_FALSE;
}

/* AND and OR: one child is enough to decide, the other results need all. */
static unsigned
evaluate_list(const FlowlogPrune *prune, const Part *part)
{
	unsigned decides = part->type == AND_EXPR ? CAN_BE_FALSE : CAN_BE_TRUE;
	unsigned otherwise = CAN_BE_ANY & ~(decides | CAN_BE_NULL);
	unsigned all = otherwise;
	unsigned all_or_null = otherwise | CAN_BE_NULL;
	unsigned any = 0;

	for (int i = 0; i < part->nchildren; i++)
	{
		unsigned child = evaluate_part(prune, part->children[i]);

		any |= child & (decides | CAN_BE_NULL);
		all &= child;
		if ((child & all_or_null) == 0)
			return decides;
	}
	return any | all;
}

static unsigned
evaluate_not(const FlowlogPrune *prune, const Part *part)
{
	unsigned child = evaluate_part(prune, part->children[0]);

	return (child & CAN_BE_NULL) | ((child & CAN_BE_FALSE) ? CAN_BE_TRUE : 0) |
	       ((child & CAN_BE_TRUE) ? CAN_BE_FALSE : 0);
}

/* Returns what an order means to an operator. */
static unsigned
truth_of(StrategyNumber strategy, int order)
{
	bool holds = false;

	switch (strategy)
	{
		case BTLessStrategyNumber:
			holds = order < 0;
			break;
		case BTLessEqualStrategyNumber:
			holds = order <= 0;
			break;
		case BTEqualStrategyNumber:
			holds = order == 0;
			break;
		case BTGreaterEqualStrategyNumber:
			holds = order >= 0;
			break;
		case BTGreaterStrategyNumber:
			holds = order > 0;
			break;
		default:
			return CAN_BE_ANY;
	}
	return holds ? CAN_BE_TRUE : CAN_BE_FALSE;
}

/* ---------- rows ---------- */

/* The first pair that differs decides. */
static unsigned
evaluate_row(const FlowlogPrune *prune, const Part *part)
{
	for (int i = 0; i < part->count; i++)
	{
		Datum left, right;
		bool left_null, right_null;
		int order;

		if (!is_known(prune, &part->left[i]) || !is_known(prune, &part->right[i]))
			return CAN_BE_ANY;
		left = evaluate_value(prune, &part->left[i], &left_null);
		right = evaluate_value(prune, &part->right[i], &right_null);
		if (left_null || right_null)
			return CAN_BE_NULL;
		order =
			DatumGetInt32(FunctionCall2Coll(&part->compare[i], part->collations[i], left, right));
		if (order != 0)
			return truth_of(part->strategy, order);
	}
	return truth_of(part->strategy, 0);
}

/* Sets the function by which a pair is compared; returns false if it may fail. */
static bool
find_comparison(Oid opno, Oid family, StrategyNumber *strategy, FmgrInfo *compare)
{
	int number;
	Oid left, right, function;

	get_op_opfamily_properties(opno, family, false, &number, &left, &right);
	function = get_opfamily_proc(family, left, right, BTORDER_PROC);
	if (!OidIsValid(function) || !get_func_leakproof(function))
		return false;
	*strategy = (StrategyNumber) number;
	fmgr_info(function, compare);
	return true;
}

/* Makes a comparison of rows, up to a pair that may fail. */
static void
make_row(const FlowlogPrune *prune, Part *part, const RowCompareExpr *row)
{
	int pairs = list_length(row->opnos);

	part->left = palloc(sizeof(Value) * pairs);
	part->right = palloc(sizeof(Value) * pairs);
	part->compare = palloc(sizeof(FmgrInfo) * pairs);
	part->collations = palloc(sizeof(Oid) * pairs);
	for (int i = 0; i < pairs; i++)
	{
		StrategyNumber strategy = InvalidStrategy;

		part->left[i] = make_value(prune, list_nth(row->largs, i));
		part->right[i] = make_value(prune, list_nth(row->rargs, i));
		part->collations[i] = list_nth_oid(row->inputcollids, i);
		if (!find_comparison(list_nth_oid(row->opnos, i),
		                     list_nth_oid(row->opfamilies, i),
		                     &strategy,
		                     &part->compare[i]))
			part->left[i].state = NULL;
		if (i == 0)
			part->strategy = strategy;
	}
	part->count = pairs;
	part->evaluate = evaluate_row;
}

/* ---------- texts ---------- */

/* Operators of texts, of which the beginning of a text can decide. */
static const struct
{
	Oid function;
	StrategyNumber strategy;
} text_operators[] = {
	{F_TEXT_LT, BTLessStrategyNumber},
	{F_TEXT_LE, BTLessEqualStrategyNumber},
	{F_TEXTEQ, BTEqualStrategyNumber},
	{F_TEXT_GE, BTGreaterEqualStrategyNumber},
	{F_TEXT_GT, BTGreaterStrategyNumber},
	{F_TEXTLIKE, BTEqualStrategyNumber},
};

/* What is known of a text. */
typedef struct Beginning
{
	StringInfoData text;
	bool is_null;
} Beginning;

/*
 * Puts the known pieces of a text together, up to one that is not known.  That
 * one may be NULL, so the separator before it is not known either.
 */
static void
find_beginning(const FlowlogPrune *prune, const Part *part, Beginning *beginning)
{
	const Value *separator = part->separator.state != NULL ? &part->separator : NULL;
	text *between = NULL;
	bool is_first = true;

	initStringInfo(&beginning->text);
	beginning->is_null = false;
	if (separator != NULL && !is_known(prune, separator))
		return;
	if (separator != NULL)
	{
		Datum value = evaluate_value(prune, separator, &beginning->is_null);

		between = beginning->is_null ? NULL : DatumGetTextPP(value);
	}
	for (int i = 0; i < part->count && !beginning->is_null; i++)
	{
		bool isnull;
		Datum value;
		const text *piece;

		if (!is_known(prune, &part->left[i]))
			return;
		value = evaluate_value(prune, &part->left[i], &isnull);
		beginning->is_null = isnull && part->strict;
		if (isnull)
			continue;
		piece = DatumGetTextPP(value);
		if (between != NULL && !is_first)
			appendBinaryStringInfo(&beginning->text,
			                       VARDATA_ANY(between),
			                       VARSIZE_ANY_EXHDR(between));
		appendBinaryStringInfo(&beginning->text, VARDATA_ANY(piece), VARSIZE_ANY_EXHDR(piece));
		is_first = false;
	}
}

/*
 * Returns how a text with this beginning compares with another one, as bytes;
 * 0 if that depends on the rest.
 */
static int
compare_beginning(const Beginning *beginning, Datum other)
{
	const text *whole = DatumGetTextPP(other);
	int len = beginning->text.len;
	int other_len = (int) VARSIZE_ANY_EXHDR(whole);
	int order = memcmp(beginning->text.data, VARDATA_ANY(whole), Min(len, other_len));

	return order == 0 && len > other_len ? 1 : order;
}

/* Returns true if the beginning of a text rules out all elements of an array. */
static bool
differs_from_all(const Beginning *beginning, Datum datum)
{
	ArrayType *array = DatumGetArrayTypeP(datum);
	Datum *elements;
	bool *nulls;
	int count;

	if (ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)) > MAX_ELEMENTS)
		return false;
	deconstruct_array(
		array, ARR_ELEMTYPE(array), -1, false, TYPALIGN_INT, &elements, &nulls, &count);
	for (int i = 0; i < count; i++)
		if (!nulls[i] && compare_beginning(beginning, elements[i]) == 0)
			return false;
	return true;
}

/* Returns true if the beginning of a text rules out a pattern of LIKE. */
static bool
differs_from_pattern(const Beginning *beginning, Datum datum)
{
	const text *pattern = DatumGetTextPP(datum);
	const char *literal = VARDATA_ANY(pattern);
	int len = (int) VARSIZE_ANY_EXHDR(pattern);
	int same = 0;

	while (same < Min(len, beginning->text.len) && literal[same] == beginning->text.data[same])
		same++;
	return same < beginning->text.len && (same == len || strchr("%_\\", literal[same]) == NULL);
}

static unsigned
evaluate_text(const FlowlogPrune *prune, const Part *part)
{
	Beginning beginning;
	Datum other;
	bool isnull;
	int order;

	if (!is_known(prune, part->right))
		return CAN_BE_ANY;
	other = evaluate_value(prune, part->right, &isnull);
	if (isnull)
		return part->any ? CAN_BE_ANY : CAN_BE_NULL;
	find_beginning(prune, part, &beginning);
	if (beginning.is_null)
		return part->any ? CAN_BE_ANY : CAN_BE_NULL;
	if (part->any || part->like)
	{
		bool differs = part->any ? differs_from_all(&beginning, other)
		                         : differs_from_pattern(&beginning, other);

		return differs ? CAN_BE_FALSE | CAN_BE_NULL : CAN_BE_ANY;
	}
	order = compare_beginning(&beginning, other);
	if (order == 0)
		return CAN_BE_ANY;
	/* what is not known may be NULL */
	return truth_of(part->strategy, part->flipped ? -order : order) | CAN_BE_NULL;
}

/* Returns a text as it is without casts that do not change it. */
static Node *
strip(Node *node)
{
	while (IsA(node, RelabelType) && (((RelabelType *) node)->resulttype == TEXTOID ||
	                                  ((RelabelType *) node)->resulttype == VARCHAROID))
		node = (Node *) ((RelabelType *) node)->arg;
	return node;
}

/* Returns the pieces that a text is put together of by "||". */
static List *
pieces_of_sum(Node *node)
{
	const OpExpr *sum = (const OpExpr *) strip(node);

	if (!IsA(sum, OpExpr) || sum->opfuncid != F_TEXTCAT)
		return list_make1(node);
	return list_concat(pieces_of_sum(linitial(sum->args)), pieces_of_sum(lsecond(sum->args)));
}

/*
 * Returns an argument of concat() or concat_ws() as a text; NULL if it may be
 * NULL and is not a text, as concat() alone makes values of other types texts
 * that are not NULL.
 */
static Node *
text_of_piece(Node *piece, const FuncExpr *call)
{
	const Const *constant = (const Const *) piece;
	Oid type = exprType(piece);

	if (type == TEXTOID || type == VARCHAROID)
		return piece;
	/* a literal */
	if (IsA(piece, Const) && type == UNKNOWNOID && !constant->constisnull)
		return (Node *) makeConst(TEXTOID,
		                          -1,
		                          call->inputcollid,
		                          -1,
		                          CStringGetTextDatum(DatumGetCString(constant->constvalue)),
		                          false,
		                          false);
	if (call->funcid != F_CONCAT)
		return NULL;
	return (Node *) makeFuncExpr(F_CONCAT,
	                             TEXTOID,
	                             list_make1(piece),
	                             InvalidOid,
	                             call->inputcollid,
	                             COERCE_EXPLICIT_CALL);
}

/* Returns the pieces that a text is put together of; NIL if it is not. */
static List *
pieces_of(Node *node, bool *strict, Node **separator)
{
	const FuncExpr *call = (const FuncExpr *) strip(node);
	List *pieces = NIL;
	List *args;
	ListCell *cell;

	*strict = true;
	*separator = NULL;
	if (!IsA(call, FuncExpr))
	{
		pieces = pieces_of_sum(node);
		return list_length(pieces) > 1 ? pieces : NIL;
	}
	if (call->funcvariadic || (call->funcid != F_CONCAT && call->funcid != F_CONCAT_WS))
		return NIL;
	*strict = false;
	args = call->args;
	if (call->funcid == F_CONCAT_WS)
	{
		*separator = linitial(args);
		args = list_copy_tail(args, 1);
	}
	foreach(cell, args)
	{
		Node *piece = text_of_piece(lfirst(cell), call);

		if (piece == NULL)
			return NIL;
		pieces = lappend(pieces, piece);
	}
	return pieces;
}

/*
 * Makes a comparison of a text that is put together with another one, or with
 * those of an array; leaves the part alone if it is no such comparison.
 */
static void
make_text(const FlowlogPrune *prune, Part *part, Oid function, Oid collation, List *args, bool any)
{
	List *pieces = NIL;
	Node *separator = NULL;
	bool strict = false;
	ListCell *cell;

	for (size_t i = 0; i < lengthof(text_operators); i++)
		if (text_operators[i].function == function)
			part->strategy = text_operators[i].strategy;
	if (part->strategy == InvalidStrategy ||
	    !flowlog_part_collation_fits(TEXTOID,
	                                 part->strategy == BTEqualStrategyNumber ? FLOW_EQ : FLOW_LT,
	                                 collation))
		return;

	/* find the text, and what it is compared with */
	part->like = function == F_TEXTLIKE;
	for (int side = 0; side < (any || part->like ? 1 : 2) && pieces == NIL; side++)
	{
		part->flipped = side == 1;
		if (flowlog_expr_is_constant(list_nth(args, 1 - side)))
			pieces = pieces_of(list_nth(args, side), &strict, &separator);
	}
	if (pieces == NIL)
		return;
	part->right = palloc(sizeof(Value));
	*part->right = make_value(prune, list_nth(args, part->flipped ? 0 : 1));
	part->left = palloc(sizeof(Value) * list_length(pieces));
	foreach(cell, pieces)
		part->left[part->count++] = make_value(prune, lfirst(cell));
	if (separator != NULL)
		part->separator = make_value(prune, separator);
	if (separator != NULL && part->separator.state == NULL)
		return;
	part->strict = strict;
	part->any = any;
	part->evaluate = evaluate_text;
}

/* ---------- a condition ---------- */

static Part *make_part(const FlowlogPrune *prune, Node *node, int *left);

static void
make_list(const FlowlogPrune *prune, Part *part, const BoolExpr *expr, int *left)
{
	ListCell *cell;

	part->type = expr->boolop;
	part->children = palloc(sizeof(Part *) * list_length(expr->args));
	foreach(cell, expr->args)
		part->children[part->nchildren++] = make_part(prune, lfirst(cell), left);
	part->evaluate = expr->boolop == NOT_EXPR ? evaluate_not : evaluate_list;
}

/* "left": how many parts may be evaluated */
static Part *
make_part(const FlowlogPrune *prune, Node *node, int *left)
{
	Part *part = palloc0(sizeof(Part));

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	if (IsA(node, BoolExpr))
	{
		make_list(prune, part, (const BoolExpr *) node, left);
		return part;
	}
	if (--*left < 0)
		return part;
	part->value = make_value(prune, node);
	if (IsA(node, RowCompareExpr))
		make_row(prune, part, (const RowCompareExpr *) node);
	else if (IsA(node, OpExpr) && list_length(((OpExpr *) node)->args) == 2)
	{
		const OpExpr *expr = (const OpExpr *) node;

		make_text(prune, part, get_opcode(expr->opno), expr->inputcollid, expr->args, false);
	}
	else if (IsA(node, ScalarArrayOpExpr) && ((ScalarArrayOpExpr *) node)->useOr)
	{
		const ScalarArrayOpExpr *expr = (const ScalarArrayOpExpr *) node;

		if (get_opcode(expr->opno) == F_TEXTEQ)
			make_text(prune, part, F_TEXTEQ, expr->inputcollid, expr->args, true);
	}
	return part;
}

/* Returns the parts of a condition; NULL if all of it is of one column. */
FlowlogPrunePart *
flowlog_prune_make_part(const FlowlogPrune *prune, const FileQual *qual)
{
	int left = MAX_PARTS;

	for (int i = 1; i < qual->ncolumns; i++)
		if (qual->columns[i] != qual->columns[0])
			return make_part(prune, (Node *) qual->now, &left);
	return NULL;
}

/*
 * Returns true if a condition may hold in the current directory, which does
 * not have all of its values.
 */
bool
flowlog_prune_part_may_hold(const FlowlogPrune *prune, const FlowlogPrunePart *part)
{
	MemoryContext old;
	bool holds;

	ResetExprContext(prune->econtext);
	old = MemoryContextSwitchTo(prune->econtext->ecxt_per_tuple_memory);
	holds = (evaluate_part(prune, part) & CAN_BE_TRUE) != 0;
	MemoryContextSwitchTo(old);
	return holds;
}
