/*-------------------------------------------------------------------------
 *
 * aggregate_having.c
 *	  HAVING, evaluated on the totals of groups.
 *
 * A condition like "count(*) > 100" is decided by two integers.  A group that
 * does not pass is dropped before its keys and results become values of
 * PostgreSQL, which takes longer than to read the few records that most groups
 * have.  What passes is still tested by PostgreSQL, so this may be in doubt;
 * and it looks at conditions only up to the first that it does not know, so
 * that those are evaluated of the same groups as without.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"
#include "qual.h"

#include "catalog/pg_opfamily.h"
#include "catalog/pg_type.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/typcache.h"

/* A condition: the value of an output, compared with a number. */
typedef struct HavingTest
{
	const FlowlogOutput *output;
	FlowOp op;
	int64 number;
} HavingTest;

struct FlowlogHaving
{
	int ntests;
	HavingTest tests[FLEXIBLE_ARRAY_MEMBER];
};

/* Returns true if the values of an output are integers, or sums that are numeric. */
static bool
has_integers(const FlowlogOutput *output)
{
	return !output->is_grouping && output->aggregate != NULL && flowlog_output_has_order(output) &&
	       flowlog_output_type(output) <= FLOW_INT64;
}

/* Sets the number that a constant is, if it is an integer. */
static bool
find_number(const Const *constant, int64 *number)
{
	Datum numeric;

	if (constant->constisnull)
		return false;
	if (constant->consttype != NUMERICOID)
		return flowlog_read_integer(constant->consttype, constant->constvalue, number);
	numeric = DirectFunctionCall2(numeric_trunc, constant->constvalue, Int32GetDatum(0));
	if (!DatumGetBool(DirectFunctionCall2(numeric_eq, numeric, constant->constvalue)) ||
	    !DatumGetBool(DirectFunctionCall2(numeric_le,
	                                      DirectFunctionCall1(numeric_abs, numeric),
	                                      NumericGetDatum(int64_to_numeric(PG_INT64_MAX)))))
		return false;
	*number = DatumGetInt64(DirectFunctionCall1(numeric_int8, numeric));
	return true;
}

/* Returns the family of the operators that compare numbers of a constant's type. */
static Oid
family_of(Oid type)
{
	return type == NUMERICOID ? lookup_type_cache(type, TYPECACHE_BTREE_OPFAMILY)->btree_opf
	                          : INTEGER_BTREE_FAM_OID;
}

/* Makes a test of a condition of the plan; returns false if it is not one. */
static bool
make_test(const OpExpr *node, const FlowlogOutput *outputs, int noutputs, HavingTest *test)
{
	const Var *var;
	const Const *constant;
	Oid opno;

	if (!IsA(node, OpExpr) || list_length(node->args) != 2)
		return false;
	var = linitial(node->args);
	constant = lsecond(node->args);
	opno = node->opno;
	if (IsA(var, Const))
	{
		var = lsecond(node->args);
		constant = linitial(node->args);
		opno = get_commutator(opno);
	}
	/* PostgreSQL has replaced what the scan returns by its columns */
	if (!IsA(var, Var) || !IsA(constant, Const) || var->varattno > noutputs || !OidIsValid(opno))
		return false;
	test->output = &outputs[var->varattno - 1];
	return has_integers(test->output) && find_number(constant, &test->number) &&
	       flowlog_part_operator(opno, family_of(constant->consttype), &test->op);
}

/* Makes the tests of a plan's HAVING; NULL if there are none. */
FlowlogHaving *
flowlog_having_create(const ForeignScan *plan, const FlowlogOutput *outputs, int noutputs)
{
	List *qual = plan->scan.plan.qual;
	FlowlogHaving *having =
		palloc(offsetof(FlowlogHaving, tests) + sizeof(HavingTest) * list_length(qual));
	ListCell *cell;

	having->ntests = 0;
	foreach(cell, qual)
	{
		if (!make_test(lfirst(cell), outputs, noutputs, &having->tests[having->ntests]))
			break;
		having->ntests++;
	}
	return having->ntests > 0 ? having : NULL;
}

static bool
passes(FlowOp op, int64 value, int64 number)
{
	switch (op)
	{
		case FLOW_EQ:
			return value == number;
		case FLOW_NE:
			return value != number;
		case FLOW_LT:
			return value < number;
		case FLOW_LE:
			return value <= number;
		case FLOW_GT:
			return value > number;
		case FLOW_GE:
			return value >= number;
		default:
			return true; /* not an operator of integers */
	}
}

/* Returns false if the group at a position does not pass. */
bool
flowlog_having_may_pass(const FlowlogHaving *having, const FlowGroups *groups, size_t position)
{
	if (having == NULL)
		return true;
	for (int i = 0; i < having->ntests; i++)
	{
		const HavingTest *test = &having->tests[i];
		const FlowlogOutput *output = test->output;
		FlowTotal total;
		FlowValue value;

		flow_groups_total(groups, position, output->index, &total);
		if (!flowlog_aggregate_value(output->aggregate, &total, &value))
			return false; /* NULL */
		/* a sum that is beyond these is one of them */
		if (value.integer == PG_INT64_MIN || value.integer == PG_INT64_MAX)
			continue;
		if (!passes(test->op, value.integer, test->number))
			return false;
	}
	return true;
}
