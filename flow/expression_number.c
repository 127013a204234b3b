/*-------------------------------------------------------------------------
 *
 * expression_number.c
 *	  Operations on numbers: integers, booleans, times and days.
 *
 * operations[] has a row for each of them.  To add one: an entry of
 * FlowOperation, its step, and a row.
 *
 *-------------------------------------------------------------------------
 */
#include "expression.h"
#include "seconds.h"

typedef struct NumberExpression
{
	FlowExpression base;
	FlowExpression *left;
	FlowExpression *right; /* the left one again if there is one argument */
	int64_t least, most;   /* of the result's type */
} NumberExpression;

/*
 * Computes the result of arguments that are not NULL; false: it is not known.
 */
typedef bool (*Step)(int64_t a, int64_t b, int64_t *result);

/*
 * Does what all operations have in common; "step" is compiled in.
 */
static inline __attribute__((always_inline)) void
evaluate_each(FlowExpression *expression, FlowRun *run, const uint8_t *mask, Step step)
{
	NumberExpression *e = (NumberExpression *) expression;
	FlowVector *result = &expression->vector;
	const FlowVector *a = &e->left->vector;
	const FlowVector *b = &e->right->vector;
	int64_t least = e->least, most = e->most;

	flow_expression_evaluate(e->left, run, mask);
	flow_expression_evaluate(e->right, run, mask);
	for (size_t i = 0; i < run->count; i++)
	{
		uint8_t present = a->present[i] & b->present[i];
		int64_t number = 0;
		bool known = step(a->numbers[i], b->numbers[i], &number);

		if (flow_likely(present && known && number >= least && number <= most))
		{
			result->numbers[i] = number;
			result->present[i] = 1;
		}
		else if (!present || (mask != NULL && !mask[i]))
		{
			result->numbers[i] = 0;
			result->present[i] = 0;
		}
		else if (!flow_expression_fail(expression, run, i))
			return;
	}
}

/* Compares: there is always a result, and nothing to check. */
static inline __attribute__((always_inline)) void
compare_each(FlowExpression *expression, FlowRun *run, const uint8_t *mask, Step step)
{
	NumberExpression *e = (NumberExpression *) expression;
	FlowVector to = expression->vector, a, b;
	size_t count;

	flow_expression_evaluate(e->left, run, mask);
	flow_expression_evaluate(e->right, run, mask);
	a = e->left->vector;
	b = e->right->vector;
	count = run->count;
	for (size_t i = 0; i < count; i++)
		to.present[i] = a.present[i] & b.present[i];
	for (size_t i = 0; i < count; i++)
	{
		int64_t result;

		(void) step(a.numbers[i], b.numbers[i], &result);
		to.numbers[i] = result & to.present[i];
	}
}

/* ---------- steps ---------- */

#define STEP(name, ...) EVALUATE(name, evaluate_each, __VA_ARGS__)
#define COMPARE(name, ...) EVALUATE(name, compare_each, __VA_ARGS__)

#define EVALUATE(name, each, ...)                                                                  \
	static inline bool name##_step(int64_t a, int64_t b, int64_t *result)                          \
	{                                                                                              \
		(void) b;                                                                                  \
		__VA_ARGS__                                                                                \
	}                                                                                              \
	static void evaluate_##name(FlowExpression *expression, FlowRun *run, const uint8_t *mask)     \
	{                                                                                              \
		each(expression, run, mask, name##_step);                                                  \
	}

STEP(add, return !__builtin_add_overflow(a, b, result);)
STEP(subtract, return !__builtin_sub_overflow(a, b, result);)
STEP(multiply, return !__builtin_mul_overflow(a, b, result);)
STEP(negate, return !__builtin_sub_overflow(INT64_C(0), a, result);)
STEP(absolute, *result = a; return a >= 0 || !__builtin_sub_overflow(INT64_C(0), a, result);)
STEP(convert, *result = a; return true;)
STEP(bit_and, *result = a & b; return true;)
STEP(bit_or, *result = a | b; return true;)
STEP(bit_xor, *result = a ^ b; return true;)
STEP(bit_not, *result = ~a; return true;)
COMPARE(equal, *result = a == b; return true;)
COMPARE(not_equal, *result = a != b; return true;)
COMPARE(less, *result = a < b; return true;)
COMPARE(less_equal, *result = a <= b; return true;)
COMPARE(greater, *result = a > b; return true;)
COMPARE(greater_equal, *result = a >= b; return true;)

/* -1 is apart, because the least number divided by it is no number */
STEP(divide, if (b == 0) return false;
     if (b == -1) return !__builtin_sub_overflow(INT64_C(0), a, result); *result = a / b;
     return true;)
STEP(modulo, if (b == 0) return false; *result = b == -1 ? 0 : a % b; return true;)

/* what other shifts give depends on the processor */
#define SHIFTS(bits)                                                                               \
	STEP(shift_left_##bits, if (b < 0 || b >= bits) return false;                                  \
	     *result = (int##bits##_t)((uint64_t) a << b);                                             \
	     return true;)                                                                             \
	STEP(shift_right_##bits, if (b < 0 || b >= bits) return false; *result = a >> b; return true;)

SHIFTS(16)
SHIFTS(32)
SHIFTS(64)

static inline bool
unix_time_of_seconds(int64_t seconds, int64_t *time)
{
	return flow_time_of_seconds(seconds, time) &&
	       !__builtin_add_overflow(*time, FLOW_POSTGRES_EPOCH * 1000000, time);
}

STEP(to_time, return unix_time_of_seconds(a, result);)

/* ---------- the operations ---------- */

static const struct
{
	FlowEvaluate evaluate;
	bool unary;
} operations[] = {
	[FLOW_ADD] = {evaluate_add, false},
	[FLOW_SUBTRACT] = {evaluate_subtract, false},
	[FLOW_MULTIPLY] = {evaluate_multiply, false},
	[FLOW_DIVIDE] = {evaluate_divide, false},
	[FLOW_MODULO] = {evaluate_modulo, false},
	[FLOW_BIT_AND] = {evaluate_bit_and, false},
	[FLOW_BIT_OR] = {evaluate_bit_or, false},
	[FLOW_BIT_XOR] = {evaluate_bit_xor, false},
	[FLOW_SHIFT_LEFT_16] = {evaluate_shift_left_16, false},
	[FLOW_SHIFT_LEFT_32] = {evaluate_shift_left_32, false},
	[FLOW_SHIFT_LEFT_64] = {evaluate_shift_left_64, false},
	[FLOW_SHIFT_RIGHT_16] = {evaluate_shift_right_16, false},
	[FLOW_SHIFT_RIGHT_32] = {evaluate_shift_right_32, false},
	[FLOW_SHIFT_RIGHT_64] = {evaluate_shift_right_64, false},
	[FLOW_BIT_NOT] = {evaluate_bit_not, true},
	[FLOW_NEGATE] = {evaluate_negate, true},
	[FLOW_ABSOLUTE] = {evaluate_absolute, true},
	[FLOW_CONVERT] = {evaluate_convert, true},
	[FLOW_TO_TIME] = {evaluate_to_time, true},
	[FLOW_EQUAL] = {evaluate_equal, false},
	[FLOW_NOT_EQUAL] = {evaluate_not_equal, false},
	[FLOW_LESS] = {evaluate_less, false},
	[FLOW_LESS_EQUAL] = {evaluate_less_equal, false},
	[FLOW_GREATER] = {evaluate_greater, false},
	[FLOW_GREATER_EQUAL] = {evaluate_greater_equal, false},
};

/* by type: the least and the greatest number */
static const struct
{
	int64_t least, most;
} ranges[FLOW_OPAQUE + 1] = {
	[FLOW_INT16] = {INT16_MIN, INT16_MAX},
	[FLOW_INT32] = {INT32_MIN, INT32_MAX},
	[FLOW_INT64] = {INT64_MIN, INT64_MAX},
	[FLOW_BOOLEAN] = {0, 1},
	[FLOW_TIME] = {INT64_MIN, INT64_MAX},
	[FLOW_DAY] = {INT32_MIN, INT32_MAX},
};

bool
flow_operation_is_unary(FlowOperation operation)
{
	return operations[operation].unary;
}

FlowExpression *
flow_expression_operation(FlowExpressions *expressions, FlowOperation operation, FlowType type,
                          FlowExpression *left, FlowExpression *right, int number)
{
	NumberExpression *made;

	if (left == NULL || (right == NULL && !operations[operation].unary))
		return NULL;
	made = flow_expression_new(expressions,
	                           type,
	                           operations[operation].evaluate,
	                           sizeof(NumberExpression),
	                           number);
	if (made == NULL)
		return NULL;
	made->left = left;
	made->right = right != NULL ? right : left;
	made->base.column = FLOW_NO_COLUMN;
	flow_expression_reads(&made->base, made->left);
	flow_expression_reads(&made->base, made->right);
	made->least = ranges[type].least;
	made->most = ranges[type].most;
	return &made->base;
}
