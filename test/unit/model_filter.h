/*-------------------------------------------------------------------------
 *
 * model_filter.h
 *	  A filter implemented in the obvious way, with which the tests compare the
 *	  real one.
 *
 * Values are always read with flow_value_read and compared one by one, bit by
 * bit, and nothing is reordered or left out.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MODEL_FILTER_H
#define MODEL_FILTER_H

#include "unit.h"

#include <math.h>

typedef enum ModelKind
{
	MODEL_COMPARE,
	MODEL_ANY,
	MODEL_ALL,
	MODEL_IS_NULL,
	MODEL_CONSTANT,
	MODEL_NOT,
	MODEL_AND,
	MODEL_OR
} ModelKind;

#define MODEL_CHILDREN 8

typedef struct ModelTree
{
	ModelKind kind;

	/* leaves */
	int column;
	FlowView view;
	FlowOp op;
	const FlowValue *constants;
	size_t count;
	bool has_null;
	FlowTruth truth;
	/*
	 * number, from 1 on, of the deferred predicate it is built as; 0: not
	 * deferred
	 */
	int deferred;
	bool resolved; /* true if the deferred predicate was resolved */

	/* other nodes */
	struct ModelTree *children[MODEL_CHILDREN];
	size_t nchildren;
} ModelTree;

typedef struct ModelRecord
{
	const FlowColumn *columns;
	const FlowSlice *fields;
	bool bad_is_null;
} ModelRecord;

/* ---------- comparing values ---------- */

static inline int
model_bit(const FlowAddress *address, int i)
{
	return address->bytes[i / 8] >> (7 - i % 8) & 1;
}

/*
 * Compares the first "bits" bits of two addresses.  The first one that differs
 * decides.
 */
static inline int
model_bits_order(const FlowAddress *a, const FlowAddress *b, int bits)
{
	for (int i = 0; i < bits; i++)
		if (model_bit(a, i) != model_bit(b, i))
			return model_bit(a, i) - model_bit(b, i);
	return 0;
}

static inline int
model_address_order(const FlowAddress *a, const FlowAddress *b)
{
	int order;

	if (a->family != b->family)
		return a->family - b->family;
	order = model_bits_order(a, b, a->bits < b->bits ? a->bits : b->bits);
	if (order == 0)
		order = a->bits - b->bits;
	if (order == 0)
		order = model_bits_order(a, b, a->family == 4 ? 32 : 128);
	return order;
}

static inline bool
model_related(const FlowAddress *a, FlowOp op, const FlowAddress *b)
{
	int bits = a->bits < b->bits ? a->bits : b->bits;

	if (a->family != b->family || model_bits_order(a, b, bits) != 0)
		return false;
	switch (op)
	{
		case FLOW_WITHIN:
			return a->bits > b->bits;
		case FLOW_WITHIN_OR_EQUAL:
			return a->bits >= b->bits;
		case FLOW_CONTAINS:
			return a->bits < b->bits;
		case FLOW_CONTAINS_OR_EQUAL:
			return a->bits <= b->bits;
		default:
			return true;
	}
}

static inline int
model_text_order(FlowSlice a, FlowSlice b, bool padded)
{
	while (padded && a.len > 0 && a.data[a.len - 1] == ' ')
		a.len--;
	while (padded && b.len > 0 && b.data[b.len - 1] == ' ')
		b.len--;
	for (size_t i = 0; i < a.len && i < b.len; i++)
		if (a.data[i] != b.data[i])
			return (unsigned char) a.data[i] - (unsigned char) b.data[i];
	return (a.len > b.len) - (a.len < b.len);
}

static inline int
model_real_order(double a, double b)
{
	if (isnan(a) || isnan(b))
		return isnan(a) - isnan(b);
	return (a > b) - (a < b);
}

/*
 * Converts like PostgreSQL's float8_timestamptz.  Returns false if that raises
 * an error.  The result is in microseconds since 1970, but wider than int64.
 */
static inline bool
model_unix_time(int64_t integer, __int128 *microseconds)
{
	double seconds = (double) integer;

	if (seconds < 86400.0 * (0 - 2440588) || seconds >= 86400.0 * (109203528 - 2440588))
		return false;
	seconds -= (2451545 - 2440588) * 86400.0;
	seconds = rint(seconds * 1000000.0);
	*microseconds = (__int128) (int64_t) seconds + (__int128) 946684800 * 1000000;
	return true;
}

static inline int
model_order(const FlowColumn *column, FlowView view, const FlowValue *value,
            const FlowValue *constant)
{
	__int128 time = 0;

	if (view == FLOW_AS_DOUBLE)
		return model_real_order((double) value->integer, constant->real);
	if (view == FLOW_AS_UNIX_TIME)
	{
		if (constant->integer == INT64_MAX || constant->integer == INT64_MIN)
			return constant->integer == INT64_MAX ? -1 : 1;
		model_unix_time(value->integer, &time);
		return (time > constant->integer) - (time < constant->integer);
	}
	if (column->type == FLOW_TEXT || column->type == FLOW_PADDED)
		return model_text_order(value->text, constant->text, column->type == FLOW_PADDED);
	if (column->type == FLOW_ADDRESS || column->type == FLOW_NETWORK)
		return model_address_order(&value->address, &constant->address);
	return (value->integer > constant->integer) - (value->integer < constant->integer);
}

static inline bool
model_matches(const FlowColumn *column, FlowView view, const FlowValue *value, FlowOp op,
              const FlowValue *constant)
{
	int order;

	if (op >= FLOW_WITHIN)
		return model_related(&value->address, op, &constant->address);
	order = model_order(column, view, value, constant);
	switch (op)
	{
		case FLOW_EQ:
			return order == 0;
		case FLOW_NE:
			return order != 0;
		case FLOW_LT:
			return order < 0;
		case FLOW_LE:
			return order <= 0;
		case FLOW_GT:
			return order > 0;
		default:
			return order >= 0;
	}
}

/* ---------- evaluating ---------- */

/*
 * Returns true if a leaf finds its field bad and may not take it as NULL.
 * *status says why it is bad.
 */
static inline bool
model_is_broken(const ModelTree *leaf, const ModelRecord *record, FlowStatus *status)
{
	const FlowColumn *column = &record->columns[leaf->column];
	FlowValue value;
	__int128 time;

	*status = flow_value_read(column, &unit_host, record->fields[leaf->column], &value);
	if (*status == FLOW_OK && leaf->view == FLOW_AS_UNIX_TIME && leaf->kind != MODEL_IS_NULL &&
	    leaf->count > 0 && !model_unix_time(value.integer, &time))
	{
		*status = FLOW_OUT_OF_RANGE;
		return true;
	}
	if (*status == FLOW_OK || *status == FLOW_END)
		return false;
	return !record->bad_is_null || column->not_null;
}

static inline FlowTruth
model_leaf(const ModelTree *leaf, const ModelRecord *record)
{
	const FlowColumn *column = &record->columns[leaf->column];
	FlowStatus status;
	FlowValue value;

	if (leaf->kind == MODEL_CONSTANT)
		return leaf->truth;
	if ((leaf->kind == MODEL_ANY || leaf->kind == MODEL_ALL) && leaf->count == 0 && !leaf->has_null)
		return leaf->kind == MODEL_ALL ? FLOW_TRUE : FLOW_FALSE;
	if (model_is_broken(leaf, record, &status))
		return FLOW_ERROR;
	if (leaf->kind == MODEL_IS_NULL)
		return status == FLOW_OK ? FLOW_FALSE : FLOW_TRUE;
	if (status != FLOW_OK)
		return FLOW_UNKNOWN;
	flow_value_read(column, &unit_host, record->fields[leaf->column], &value);
	for (size_t i = 0; i < leaf->count; i++)
		if (model_matches(column, leaf->view, &value, leaf->op, &leaf->constants[i]) !=
		    (leaf->kind == MODEL_ALL))
			return leaf->kind == MODEL_ALL ? FLOW_FALSE : FLOW_TRUE;
	if (leaf->has_null)
		return FLOW_UNKNOWN;
	return leaf->kind == MODEL_ALL ? FLOW_TRUE : FLOW_FALSE;
}

/*
 * Evaluates a tree with SQL's three-valued logic.  The result is FLOW_ERROR if
 * that of any leaf is.
 */
static inline FlowTruth
model_truth(const ModelTree *tree, const ModelRecord *record)
{
	bool seen[FLOW_ERROR + 1] = {false};
	FlowTruth truth;

	if (tree->kind < MODEL_NOT)
		return model_leaf(tree, record);
	for (size_t i = 0; i < tree->nchildren; i++)
		seen[model_truth(tree->children[i], record)] = true;
	if (seen[FLOW_ERROR])
		return FLOW_ERROR;
	if (tree->kind == MODEL_NOT)
		return seen[FLOW_TRUE] ? FLOW_FALSE : seen[FLOW_FALSE] ? FLOW_TRUE : FLOW_UNKNOWN;
	truth = tree->kind == MODEL_AND ? FLOW_FALSE : FLOW_TRUE;
	if (seen[truth])
		return truth;
	if (seen[FLOW_UNKNOWN])
		return FLOW_UNKNOWN;
	return truth == FLOW_FALSE ? FLOW_TRUE : FLOW_FALSE;
}

/*
 * Evaluates a tree in the order of PostgreSQL: children in the given order, up
 * to one that decides.  A NULL only ends the conjuncts of WHERE.  Returns
 * FLOW_ERROR at a deferred predicate that is not resolved, and sets *needed to
 * it.
 */
static inline FlowTruth
model_in_order(const ModelTree *tree, const ModelRecord *record, bool is_root, ModelTree **needed)
{
	FlowTruth decides = tree->kind == MODEL_AND ? FLOW_FALSE : FLOW_TRUE;
	FlowTruth result = decides == FLOW_FALSE ? FLOW_TRUE : FLOW_FALSE;

	if (tree->deferred != 0 && !tree->resolved)
	{
		*needed = (ModelTree *) tree;
		return FLOW_ERROR;
	}
	if (tree->kind < MODEL_NOT)
		return model_leaf(tree, record);
	if (tree->kind == MODEL_NOT)
	{
		result = model_in_order(tree->children[0], record, false, needed);
		return result == FLOW_TRUE ? FLOW_FALSE : result == FLOW_FALSE ? FLOW_TRUE : result;
	}
	for (size_t i = 0; i < tree->nchildren; i++)
	{
		FlowTruth truth = model_in_order(tree->children[i], record, false, needed);

		if (truth == decides || truth == FLOW_ERROR ||
		    (truth == FLOW_UNKNOWN && is_root && tree->kind == MODEL_AND))
			return truth;
		if (truth == FLOW_UNKNOWN)
			result = FLOW_UNKNOWN;
	}
	return result;
}

/*
 * Possible results for a tree with bad fields, in whatever order its parts are
 * evaluated: an OR of these bits.  Only the result "matters" counts as YES.
 */
#define MODEL_YES 1
#define MODEL_NO 2
#define MODEL_BROKEN 4

static inline unsigned
model_possible(const ModelTree *tree, const ModelRecord *record, FlowTruth matters)
{
	unsigned some = 0;
	unsigned all = MODEL_YES | MODEL_NO | MODEL_BROKEN;
	unsigned alone; /* the result of one child that decides */
	FlowTruth truth;

	if (tree->kind < MODEL_NOT)
	{
		truth = model_leaf(tree, record);
		return truth == FLOW_ERROR ? MODEL_BROKEN : truth == matters ? MODEL_YES : MODEL_NO;
	}
	if (tree->kind == MODEL_NOT)
		return model_possible(tree->children[0],
		                      record,
		                      matters == FLOW_TRUE ? FLOW_FALSE : FLOW_TRUE);
	for (size_t i = 0; i < tree->nchildren; i++)
	{
		unsigned one = model_possible(tree->children[i], record, matters);

		some |= one;
		all &= one;
	}
	alone = (tree->kind == MODEL_AND) == (matters == FLOW_TRUE) ? MODEL_NO : MODEL_YES;
	return (some & (alone | MODEL_BROKEN)) | (all & (MODEL_YES | MODEL_NO) & ~alone);
}

/* Returns the deferred predicate of a number, or NULL. */
static inline ModelTree *
model_deferred(ModelTree *tree, int number)
{
	ModelTree *found = tree->deferred == number ? tree : NULL;

	for (size_t i = 0; i < tree->nchildren && found == NULL; i++)
		found = model_deferred(tree->children[i], number);
	return found;
}

/* ---------- building a filter ---------- */

static inline FlowPredicate *
model_build(FlowFilter *filter, const ModelTree *tree)
{
	FlowPredicate *children[MODEL_CHILDREN];

	for (size_t i = 0; i < tree->nchildren; i++)
		children[i] = model_build(filter, tree->children[i]);
	if (tree->deferred != 0 && !tree->resolved)
		return flow_filter_deferred(filter, tree->deferred, -1);
	switch (tree->kind)
	{
		case MODEL_COMPARE:
			return flow_filter_compare(filter, tree->column, tree->view, tree->op, tree->constants);
		case MODEL_ANY:
			return flow_filter_any(filter,
			                       tree->column,
			                       tree->view,
			                       tree->op,
			                       tree->constants,
			                       tree->count,
			                       tree->has_null);
		case MODEL_ALL:
			return flow_filter_all(filter,
			                       tree->column,
			                       tree->view,
			                       tree->op,
			                       tree->constants,
			                       tree->count,
			                       tree->has_null);
		case MODEL_IS_NULL:
			return flow_filter_is_null(filter, tree->column);
		case MODEL_CONSTANT:
			return flow_filter_constant(filter, tree->truth);
		case MODEL_NOT:
			return flow_filter_not(filter, children[0]);
		case MODEL_AND:
			return flow_filter_and(filter, children, tree->nchildren);
		default:
			return flow_filter_or(filter, children, tree->nchildren);
	}
}

/*
 * Tests a record with the filter, and resolves the predicates that it needs.
 * Returns false if a deferred predicate was needed that PostgreSQL would not
 * evaluate, or was not needed although PostgreSQL would.  Records with bad
 * fields are not checked for that.
 */
static inline bool
model_resolve(FlowFilter *filter, ModelTree *tree, const ModelRecord *record, FlowTruth *truth,
              FlowBadField *bad)
{
	bool exact = model_truth(tree, record) != FLOW_ERROR;

	for (;;)
	{
		ModelTree *needed = NULL;

		*truth = flow_filter_test(filter, record->fields, bad);
		(void) model_in_order(tree, record, true, &needed);
		if (*truth != FLOW_ERROR || bad->status != FLOW_NEED_VALUE)
			return !exact || needed == NULL;
		if (exact && (needed == NULL || needed->deferred != bad->column))
			return false;
		needed = model_deferred(tree, bad->column);
		if (needed == NULL || needed->resolved)
			return false;
		needed->resolved = true;
		flow_filter_resolve(filter, bad->column, model_build(filter, needed));
	}
}

/* Returns true if only a bad field can end the evaluation with an error. */
static inline bool
model_cannot_fail(const ModelTree *tree)
{
	if (tree->deferred != 0 || (tree->kind < MODEL_NOT && tree->view == FLOW_AS_UNIX_TIME))
		return false;
	for (size_t i = 0; i < tree->nchildren; i++)
		if (!model_cannot_fail(tree->children[i]))
			return false;
	return true;
}

/*
 * Returns true if the filter's result for a record is right, both its truth
 * and its report of a bad field.
 */
static inline bool
model_agrees(const ModelTree *tree, const ModelRecord *record, FlowTruth got, FlowBadField bad)
{
	unsigned possible = model_possible(tree, record, FLOW_TRUE);
	FlowTruth truth = model_truth(tree, record);
	FlowStatus status = FLOW_OK;
	FlowValue value;

	if (truth != FLOW_ERROR && (got == FLOW_ERROR || (got == FLOW_TRUE) != (truth == FLOW_TRUE)))
		return false;

	/* a bad field does not matter if another conjunct drops the record */
	for (size_t i = 0; got == FLOW_ERROR && tree->kind == MODEL_AND && model_cannot_fail(tree) &&
	                   i < tree->nchildren;
	     i++)
		if (model_possible(tree->children[i], record, FLOW_TRUE) == MODEL_NO)
			return false;
	if (!(possible & (got == FLOW_ERROR ? MODEL_BROKEN : got == FLOW_TRUE ? MODEL_YES : MODEL_NO)))
		return false;
	if (bad.column >= 0)
		status = flow_value_read(&record->columns[bad.column],
		                         &unit_host,
		                         record->fields[bad.column],
		                         &value);
	if (got != FLOW_ERROR)
		return bad.column < 0 || (record->bad_is_null && !record->columns[bad.column].not_null &&
		                          status != FLOW_OK && status != FLOW_END && bad.status == status);
	if (bad.column >= 0 && status == FLOW_OK) /* the view's conversion failed */
		return bad.status == FLOW_OUT_OF_RANGE;
	return bad.column >= 0 && status != FLOW_END && bad.status == status &&
	       (!record->bad_is_null || record->columns[bad.column].not_null);
}

#endif /* MODEL_FILTER_H */
