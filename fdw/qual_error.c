/*-------------------------------------------------------------------------
 *
 * qual_error.c
 *	  Which expressions can raise an error when they are evaluated.
 *
 * The other side of a comparison is evaluated once for a scan, so it must be
 * known when that is allowed.  In "a OR b = c" PostgreSQL evaluates c only for
 * rows where a is not true; a query without such rows does not raise an error
 * of c.  So c is evaluated before a row needs it only if that cannot fail.
 *
 * PostgreSQL marks functions that never raise an error because of their
 * arguments as LEAKPROOF. Dates near to now are added to these: conditions on
 * flow logs are full of them, and their arithmetic overflows only some hundred
 * thousand years away.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"
#include "qual.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "regex/regex.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

/* ---------- dates near to now ---------- */

/* how far a date may be moved by one operator, and by how many operators */
#define MAX_DAYS (366 * 100)
#define MAX_MOVES 8

static const Oid clock_functions[] = {F_NOW, F_TRANSACTION_TIMESTAMP, F_STATEMENT_TIMESTAMP};

/* functions of one argument, a date or timestamp */
static const Oid date_casts[] = {F_DATE_TIMESTAMP,
                                 F_DATE_TIMESTAMPTZ,
                                 F_TIMESTAMP_DATE,
                                 F_TIMESTAMP_TIMESTAMPTZ,
                                 F_TIMESTAMPTZ_DATE,
                                 F_TIMESTAMPTZ_TIMESTAMP};

/* functions of a date or timestamp, and a number of days or an interval */
static const Oid date_moves[] = {F_DATE_PLI,
                                 F_DATE_MII,
                                 F_DATE_PL_INTERVAL,
                                 F_DATE_MI_INTERVAL,
                                 F_TIMESTAMP_PL_INTERVAL,
                                 F_TIMESTAMP_MI_INTERVAL,
                                 F_TIMESTAMPTZ_PL_INTERVAL,
                                 F_TIMESTAMPTZ_MI_INTERVAL};

/* functions of a text, and a date or timestamp */
static const Oid date_truncs[] = {F_DATE_TRUNC_TEXT_TIMESTAMP, F_DATE_TRUNC_TEXT_TIMESTAMPTZ};

static const char *const date_units[] =
	{"second", "minute", "hour", "day", "week", "month", "quarter", "year"};

/* functions of a date or timestamp, and a text */
static const Oid date_formats[] = {F_TO_CHAR_TIMESTAMP_TEXT, F_TO_CHAR_TIMESTAMPTZ_TEXT};

/*
 * the characters of to_char()'s patterns for digits, and of what separates
 * them
 */
#define DATE_FORMAT_CHARACTERS "YyMmDdHhIiSsQqWwJjUu24/:-_., "

#define CONTAINS(array, oid) contains(array, lengthof(array), oid)

static bool
contains(const Oid *array, size_t count, Oid oid)
{
	for (size_t i = 0; i < count; i++)
		if (array[i] == oid)
			return true;
	return false;
}

static bool
is_few_days(int64 days)
{
	return days >= -MAX_DAYS && days <= MAX_DAYS;
}

/*
 * Returns true if the node is a constant by which a date near to now can be
 * moved: a small number of days or a small interval.
 */
static bool
is_small_shift(const Node *node)
{
	const Const *constant = (const Const *) node;
	const Interval *interval;

	if (!IsA(node, Const) || constant->constisnull)
		return false;
	if (constant->consttype == INT4OID)
		return is_few_days(DatumGetInt32(constant->constvalue));
	if (constant->consttype != INTERVALOID)
		return false;
	interval = DatumGetIntervalP(constant->constvalue);
	return is_few_days((int64) interval->month * 31) && is_few_days(interval->day) &&
	       is_few_days(interval->time / USECS_PER_DAY);
}

/* Returns a constant of type text as a string, or NULL. */
static const char *
text_constant(const Node *node)
{
	const Const *constant = (const Const *) node;

	if (!IsA(node, Const) || constant->constisnull || constant->consttype != TEXTOID)
		return NULL;
	return TextDatumGetCString(constant->constvalue);
}

/* Returns true if the node is a constant unit of date_trunc(). */
static bool
is_date_unit(const Node *node)
{
	const char *unit = text_constant(node);

	for (size_t i = 0; unit != NULL && i < lengthof(date_units); i++)
		if (strcmp(unit, date_units[i]) == 0)
			return true;
	return false;
}

/*
 * Returns true if the node is a constant format of to_char() that cannot fail,
 * and has only numbers in it.
 */
bool
flowlog_expr_is_date_format(const Node *node)
{
	const char *format = text_constant(node);

	return format != NULL && format[strspn(format, DATE_FORMAT_CHARACTERS)] == '\0';
}

/*
 * Returns the operator of an expression, and its arguments; InvalidOid if it
 * has none.
 */
static Oid
operator_of(const Node *node, List **args)
{
	*args = NIL;
	switch (nodeTag(node))
	{
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
			*args = ((const OpExpr *) node)->args;
			return ((const OpExpr *) node)->opno;
		case T_ScalarArrayOpExpr:
			*args = ((const ScalarArrayOpExpr *) node)->args;
			return ((const ScalarArrayOpExpr *) node)->opno;
		default:
			return InvalidOid;
	}
}

/*
 * Returns the function that an expression calls, and its arguments; InvalidOid
 * if it calls none.
 */
static Oid
function_of(const Node *node, List **args)
{
	Oid opno = operator_of(node, args);

	if (OidIsValid(opno))
		return get_opcode(opno);
	if (!IsA(node, FuncExpr))
		return InvalidOid;
	*args = ((const FuncExpr *) node)->args;
	return ((const FuncExpr *) node)->funcid;
}

/*
 * Returns true if the node is the current date or time, moved by at most
 * "moves" operators and functions.
 */
static bool
is_near_now(const Node *node, int moves)
{
	List *args;
	Oid function = function_of(node, &args);

	if (IsA(node, SQLValueFunction))
		switch (((const SQLValueFunction *) node)->op)
		{
			case SVFOP_CURRENT_DATE:
			case SVFOP_CURRENT_TIMESTAMP:
			case SVFOP_CURRENT_TIMESTAMP_N:
			case SVFOP_LOCALTIMESTAMP:
			case SVFOP_LOCALTIMESTAMP_N:
				return true;
			default:
				return false;
		}
	if (CONTAINS(clock_functions, function))
		return true;
	if (moves == 0 || args == NIL)
		return false;
	if (CONTAINS(date_casts, function))
		return is_near_now(linitial(args), moves - 1);
	if (CONTAINS(date_moves, function))
		return is_near_now(linitial(args), moves - 1) && is_small_shift(lsecond(args));
	if (CONTAINS(date_truncs, function))
		return is_near_now(lsecond(args), moves - 1) && is_date_unit(linitial(args));
	return false;
}

/*
 * Returns true if the node is a date or timestamp near to now, or such a value
 * as text.
 */
static bool
is_sane_date(const Node *node)
{
	List *args;
	Oid function = function_of(node, &args);

	if (IsA(node, CoerceViaIO))
	{
		const CoerceViaIO *cast = (const CoerceViaIO *) node;

		return (cast->resulttype == TEXTOID || cast->resulttype == VARCHAROID) &&
		       is_near_now((const Node *) cast->arg, MAX_MOVES);
	}
	if (CONTAINS(date_formats, function))
		return is_near_now(linitial(args), MAX_MOVES) && flowlog_expr_is_date_format(lsecond(args));
	return is_near_now(node, MAX_MOVES);
}

/* ---------- functions of texts ---------- */

/* Returns true if the argument is a constant pattern of LIKE that is complete. */
static bool
is_like_pattern(const List *args)
{
	const char *pattern = text_constant(lsecond(args));
	bool escaped = false;

	for (; pattern != NULL && *pattern != '\0'; pattern++)
		escaped = *pattern == '\\' && !escaped;
	return pattern != NULL && !escaped;
}

/* Returns true if the last argument is a constant integer above zero. */
static bool
is_counted(const List *args)
{
	const Const *constant = llast(args);

	return IsA(constant, Const) && !constant->constisnull && constant->consttype == INT4OID &&
	       DatumGetInt32(constant->constvalue) > 0;
}

/*
 * Returns true if the last two arguments are constants, and what replaces is
 * not longer than what is replaced.  A text that grows may become too long.
 */
static bool
is_no_longer(const List *args)
{
	const char *from = text_constant(lsecond(args));
	const char *to = text_constant(lthird(args));

	return from != NULL && to != NULL && strlen(to) <= strlen(from);
}

/* Returns true if the second argument is a constant pattern that is valid. */
static bool
is_regex(const List *args, int flags)
{
	const char *pattern = text_constant(lsecond(args));
	size_t len = pattern != NULL ? strlen(pattern) : 0;
	pg_wchar *wide = palloc(sizeof(pg_wchar) * (len + 1));
	regex_t regex;

	/* unlike the functions, this raises no error; the collation does not matter */
	if (pattern == NULL || pg_regcomp(&regex,
	                                  wide,
	                                  pg_mb2wchar_with_len(pattern, wide, (int) len),
	                                  REG_ADVANCED | flags,
	                                  C_COLLATION_OID) != REG_OKAY)
		return false;
	pg_regfree(&regex);
	return true;
}

static bool
is_plain_regex(const List *args)
{
	return is_regex(args, 0);
}

static bool
is_caseless_regex(const List *args)
{
	return is_regex(args, REG_ICASE);
}

/* Functions that cannot fail for a short text, if these arguments are right. */
static const struct
{
	Oid function;
	bool (*is_safe)(const List *args); /* NULL: all arguments are */
	bool needs_collation;
} text_functions[] = {
	{F_TEXTLIKE, is_like_pattern, false},
	{F_TEXTNLIKE, is_like_pattern, false},
	{F_TEXTICLIKE, is_like_pattern, true},
	{F_TEXTICNLIKE, is_like_pattern, true},
	{F_TEXTREGEXEQ, is_plain_regex, true},
	{F_TEXTREGEXNE, is_plain_regex, true},
	{F_TEXTICREGEXEQ, is_caseless_regex, true},
	{F_TEXTICREGEXNE, is_caseless_regex, true},
#if PG_VERSION_NUM >= 150000
	{F_REGEXP_LIKE_TEXT_TEXT, is_plain_regex, true},
#endif
	{F_UPPER_TEXT, NULL, true},
	{F_LOWER_TEXT, NULL, true},
	{F_BTRIM_TEXT, NULL, false},
	{F_LTRIM_TEXT, NULL, false},
	{F_RTRIM_TEXT, NULL, false},
	{F_TRANSLATE, NULL, false},
	{F_CHAR_LENGTH_TEXT, NULL, false},
	{F_CHARACTER_LENGTH_TEXT, NULL, false},
	{F_OCTET_LENGTH_TEXT, NULL, false},
	{F_POSITION_TEXT_TEXT, NULL, false},
	{F_CONCAT_WS, NULL, false},
	{F_HOST, NULL, false},
	{F_TEXT_INET, NULL, false},
	{F_ABBREV_INET, NULL, false},
	{F_FAMILY, NULL, false},
	{F_MASKLEN, NULL, false},
	{F_NETWORK, NULL, false},
	{F_NETWORK_SUB, NULL, false},
	{F_NETWORK_SUBEQ, NULL, false},
	{F_NETWORK_SUP, NULL, false},
	{F_NETWORK_SUPEQ, NULL, false},
	{F_NETWORK_OVERLAP, NULL, false},
	{F_SPLIT_PART, is_counted, false},
	{F_SUBSTR_TEXT_INT4, NULL, false},
	{F_SUBSTR_TEXT_INT4_INT4, is_counted, false},
	{F_SUBSTRING_TEXT_INT4, NULL, false},
	{F_SUBSTRING_TEXT_INT4_INT4, is_counted, false},
	{F_TEXTCAT, NULL, false},
	{F_CONCAT, NULL, false},
	{F_LEFT, NULL, false},
	{F_RIGHT, NULL, false},
	{F_LENGTH_TEXT, NULL, false},
	{F_STRPOS, NULL, false},
	{F_STARTS_WITH, NULL, false},
	{F_REPLACE, is_no_longer, false},
};

/*
 * Returns true if a call of a function cannot fail for short texts.  Some
 * functions refuse collations that are not deterministic.
 */
static bool
is_safe_for_texts(const Node *node, Oid function, const List *args)
{
	Oid collation = exprInputCollation(node);

	for (size_t i = 0; i < lengthof(text_functions); i++)
		if (text_functions[i].function == function)
			return (OidIsValid(collation) ? get_collation_isdeterministic(collation)
			                              : !text_functions[i].needs_collation) &&
			       (text_functions[i].is_safe == NULL || text_functions[i].is_safe(args));
	return false;
}

/* Returns true if a cast writes a value of a built-in type as text. */
static bool
is_cast_to_text(const CoerceViaIO *cast)
{
	if (cast->resulttype != TEXTOID && cast->resulttype != VARCHAROID)
		return false;
	switch (exprType((const Node *) cast->arg))
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case BOOLOID:
		case INETOID:
		case CIDROID:
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return true;
		default:
			return false;
	}
}

/* ---------- expressions ---------- */

/* What may fail. */
typedef struct Failures
{
	const ExprContext *econtext; /* NULL: planning */
	/* parts without columns do not count; columns are short texts, or dates */
	bool of_columns;
} Failures;

/*
 * Returns true if the parameter has no value yet, or if its value must be
 * computed.
 */
static bool
parameter_may_fail(const Param *param, const ExprContext *econtext)
{
	ParamListInfo params;
	ParamExternData space;
	const ParamExternData *data;

	switch (param->paramkind)
	{
		case PARAM_EXEC:
			return econtext == NULL || econtext->ecxt_param_exec_vals == NULL ||
			       econtext->ecxt_param_exec_vals[param->paramid].execPlan != NULL;
		case PARAM_EXTERN:
			if (econtext == NULL)
				return false;
			params = econtext->ecxt_param_list_info;
			if (params == NULL || param->paramid <= 0 || param->paramid > params->numParams)
				return true;
			data = params->paramFetch != NULL
			           ? params->paramFetch(params, param->paramid, true, &space)
			           : &params->params[param->paramid - 1];
			return !OidIsValid(data->ptype);
		default:
			return true;
	}
}

/*
 * Returns true if evaluating the expression may raise an error.  "context" is
 * a Failures.
 */
static bool
may_fail(Node *node, void *context)
{
	const Failures *failures = context;
	List *args;
	Oid function;

	if (node == NULL || (failures->of_columns && flowlog_expr_is_constant(node)))
		return false;
	switch (nodeTag(node))
	{
		case T_Const:
		case T_Var:
		case T_CaseTestExpr:
		case T_SQLValueFunction:
			return false;
		case T_Param:
			return parameter_may_fail((const Param *) node, failures->econtext);
		case T_FuncExpr:
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
		case T_ScalarArrayOpExpr:
			if (is_sane_date(node))
				return false;
			function = function_of(node, &args);
			if (!get_func_leakproof(function) &&
			    !(failures->of_columns && is_safe_for_texts(node, function, args)))
				return true;
			break;
		case T_CoerceViaIO:
			if (is_sane_date(node))
				return false;
			if (!is_cast_to_text((const CoerceViaIO *) node))
				return true;
			break;
		case T_MinMaxExpr:
			function =
				lookup_type_cache(((const MinMaxExpr *) node)->minmaxtype, TYPECACHE_CMP_PROC)
					->cmp_proc;
			if (!OidIsValid(function) || !get_func_leakproof(function))
				return true;
			break;
		case T_ArrayExpr:
			if (((const ArrayExpr *) node)->multidims)
				return true;
			break;
		case T_List:
		case T_BoolExpr:
		case T_NullTest:
		case T_BooleanTest:
		case T_CaseExpr:
		case T_CaseWhen:
		case T_CoalesceExpr:
		case T_RelabelType:
		case T_CollateExpr:
		case T_ArrayCoerceExpr:
		case T_PlaceHolderVar:
			break;
		default:
			return true; /* unknown node: assume that it may fail */
	}
	return expression_tree_walker(node, may_fail, context);
}

/*
 * Returns true if evaluating an expression without columns may raise an error.
 */
bool
flowlog_expr_may_fail(Expr *expr, const ExprContext *econtext)
{
	Failures failures = {.econtext = econtext};

	return may_fail((Node *) expr, &failures);
}

/*
 * Returns true if evaluating an expression may raise an error because of its
 * columns, which are short texts or dates.
 */
bool
flowlog_expr_columns_may_fail(Expr *expr)
{
	Failures failures = {.of_columns = true};

	return may_fail((Node *) expr, &failures);
}

/* ---------- parts of a condition ---------- */

/* The state of the walk over a condition's largest parts without columns. */
typedef struct Parts
{
	/* the relation whose columns count; 0: all Vars are columns */
	Index relid;
	bool in_branch;
	/*
	 * skip the constant sides of operators that PostgreSQL's planner
	 * evaluates, too
	 */
	bool estimated;
	/* a CaseTestExpr stands for an expression that has no column */
	bool in_case;
} Parts;

/*
 * Returns true if the expression has a column, or a node for a value that
 * comes from outside of it.
 */
static bool
has_column(Node *node, void *context)
{
	const Parts *parts = context;
	Parts inner = *parts;

	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_Var:
			return parts->relid == 0 || (Index) ((Var *) node)->varno == parts->relid;
		case T_CaseTestExpr:
			return !parts->in_case;
		case T_CoerceToDomainValue:
			return true;
		case T_CaseExpr:
			if (has_column((Node *) ((CaseExpr *) node)->arg, context))
				return true;
			inner.in_case |= ((CaseExpr *) node)->arg != NULL;
			return expression_tree_walker((Node *) ((CaseExpr *) node)->args, has_column, &inner) ||
			       has_column((Node *) ((CaseExpr *) node)->defresult, &inner);
		case T_CaseWhen:
			return has_column((Node *) ((CaseWhen *) node)->expr, context) ||
			       has_column((Node *) ((CaseWhen *) node)->result, context);
		case T_ArrayCoerceExpr:
			inner.in_case = true;
			return has_column((Node *) ((ArrayCoerceExpr *) node)->arg, context) ||
			       has_column((Node *) ((ArrayCoerceExpr *) node)->elemexpr, &inner);
		default:
			return expression_tree_walker(node, has_column, context);
	}
}

/* Returns true if the expression's value depends on nothing but parameters. */
bool
flowlog_expr_is_constant(Node *expr)
{
	Parts parts = {.relid = 0};

	return !has_column(expr, &parts);
}

static bool any_part_may_fail(Node *node, void *context);

/*
 * Returns true if a part of one of the arguments may fail.  Each of them is a
 * branch, except the first if first_is_one is false.
 */
static bool
any_of_branches(List *args, const Parts *parts, bool first_is_one)
{
	Parts branch = *parts;
	ListCell *cell;

	foreach(cell, args)
	{
		branch.in_branch = parts->in_branch || first_is_one || foreach_current_index(cell) > 0;
		if (any_part_may_fail(lfirst(cell), &branch))
			return true;
	}
	return false;
}

/*
 * Returns true if a part without columns may fail: one in a branch; and with
 * "estimated", any but those that the planner evaluates, too.
 */
static bool
any_part_may_fail(Node *node, void *context)
{
	const Parts *parts = context;
	Parts inner = *parts;
	List *args;

	if (node == NULL)
		return false;

	/* a part without columns */
	if (!has_column(node, context))
		return (parts->in_branch || parts->estimated) && flowlog_expr_may_fail((Expr *) node, NULL);

	/*
	 * an expression with columns: look at its parts, some of which are
	 * branches
	 */
	switch (nodeTag(node))
	{
		case T_BoolExpr:
			if (((BoolExpr *) node)->boolop == NOT_EXPR)
				break;
			return any_of_branches(((BoolExpr *) node)->args, parts, true);
		case T_CoalesceExpr:
			return any_of_branches(((CoalesceExpr *) node)->args, parts, false);
		case T_RowCompareExpr:
			return any_of_branches(((RowCompareExpr *) node)->largs, parts, false) ||
			       any_of_branches(((RowCompareExpr *) node)->rargs, parts, false);
		case T_OpExpr:
		case T_ScalarArrayOpExpr:
			if (!parts->estimated || parts->in_branch ||
			    !OidIsValid(get_oprrest(operator_of(node, &args))) || list_length(args) != 2)
				break;
			for (int i = 0; i < 2; i++)
				if (has_column(list_nth(args, i), context) &&
				    any_part_may_fail(list_nth(args, i), context))
					return true;
			return false;
		case T_CaseExpr:
			inner.in_branch = true;
			break;
		default:
			break;
	}
	return expression_tree_walker(node, any_part_may_fail, &inner);
}

/* Returns true if a part in a branch may fail. */
bool
flowlog_expr_branch_may_fail(Expr *clause, Index relid)
{
	Parts parts = {.relid = relid};

	return any_part_may_fail((Node *) clause, &parts);
}

/* Returns true if any part without columns may fail. */
bool
flowlog_expr_constants_may_fail(Expr *expr, Index relid)
{
	Parts parts = {.relid = relid, .in_branch = true};

	return any_part_may_fail((Node *) expr, &parts);
}

/*
 * Returns true if no part may fail but those that the planner evaluates, too.
 */
bool
flowlog_expr_is_foreseen(Expr *clause, Index relid)
{
	Parts parts = {.relid = relid, .estimated = true};

	return !any_part_may_fail((Node *) clause, &parts);
}

/* ---------- what the reader computes from columns ---------- */

/* Returns true if the expression converts a column of seconds to a time. */
static bool
makes_time(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, FuncExpr) && contain_var_clause(node) &&
	    (((FuncExpr *) node)->funcid == F_TO_TIMESTAMP_FLOAT8 ||
	     flowlog_is_from_unixtime(((FuncExpr *) node)->funcid)))
		return true;
	return expression_tree_walker(node, makes_time, context);
}

/* Returns true if the condition converts a column of seconds to a time. */
bool
flowlog_expr_makes_time(Expr *clause)
{
	return makes_time((Node *) clause, NULL);
}
