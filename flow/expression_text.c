/*-------------------------------------------------------------------------
 *
 * expression_text.c
 *	  Texts that are made of others, and comparisons of texts and of addresses.
 *
 *-------------------------------------------------------------------------
 */
#include "expression.h"

#include <string.h>

/*
 * The longest text that is made; a longer one the host makes, so that those of
 * a run need little memory.
 */
#define TEXT_MAX ((size_t) 4096)

#define NUMBER_MAX 20 /* bytes of the longest integer */

/* An expression whose texts lie in a buffer of its own. */
typedef struct TextExpression
{
	FlowExpression base;
	FlowExpression *separator; /* NULL: none */
	FlowExpression **arguments;
	int count;
	bool skips_null;
	char *buffer;
	size_t room;
} TextExpression;

/* ---------- the buffer ---------- */

static void
release_text(FlowExpression *expression)
{
	flow_free(expression->owner->host, ((TextExpression *) expression)->buffer);
}

static void
forget_nothing(FlowExpression *expression)
{
	(void) expression;
}

static void
mark_nothing(const FlowExpression *expression, const FlowColumnMarks *marks)
{
	/* its arguments do */
	(void) expression;
	(void) marks;
}

/* Makes an expression with a buffer; NULL if memory is short. */
static TextExpression *
new_text(FlowExpressions *expressions, FlowEvaluate evaluate, FlowExpression *const *arguments,
         int count, int number)
{
	TextExpression *made;

	for (int i = 0; i < count; i++)
		if (arguments[i] == NULL)
			return NULL;
	made = flow_expression_new(expressions, FLOW_TEXT, evaluate, sizeof(TextExpression), number);
	if (made == NULL)
		return NULL;
	made->arguments =
		flow_expression_allocate(expressions, ((size_t) count + 1) * sizeof(FlowExpression *));
	if (made->arguments == NULL)
		return NULL;
	memcpy(made->arguments, arguments, (size_t) count * sizeof(FlowExpression *));
	made->count = count;
	made->base.release = release_text;
	made->base.forget = forget_nothing;
	made->base.mark = mark_nothing;
	made->base.next_holder = expressions->holders;
	expressions->holders = &made->base;
	return made;
}

/* Makes room for the texts of a run; false if memory is short. */
static bool
make_room(TextExpression *e, size_t size)
{
	const FlowHost *host = e->base.owner->host;

	if (e->buffer != NULL && e->room >= size)
		return true;
	flow_free(host, e->buffer);
	e->room = size * 2 + FLOW_RECORD_SLACK;
	e->buffer = flow_allocate(host, e->room);
	return e->buffer != NULL;
}

/* ---------- texts one after another ---------- */

#define NO_TEXT SIZE_MAX /* the length of NULL */

/* Returns the bytes of record i's text. */
static inline size_t
length_of(const TextExpression *e, size_t i)
{
	const FlowVector *separator = e->separator != NULL ? &e->separator->vector : NULL;
	size_t between = 0; /* the bytes before the next text */
	size_t len = 0;

	if (separator != NULL && !separator->present[i])
		return NO_TEXT;
	for (int k = 0; k < e->count; k++)
	{
		const FlowVector *vector = &e->arguments[k]->vector;

		if (vector->present[i])
		{
			len += between + vector->texts[i].len;
			between = separator != NULL ? separator->texts[i].len : 0;
		}
		else if (!e->skips_null)
			return NO_TEXT;
	}
	return len;
}

/* Appends a text; returns the end of it. */
static inline char *
append(char *to, FlowSlice text)
{
	/* a call for the few bytes of most texts would take longer than copying them */
	if (flow_likely(text.len <= 16))
		flow_copy_short(to, text.data, text.len);
	else
		memcpy(to, text.data, text.len);
	return to + text.len;
}

/* Writes record i's text; returns the end of it. */
static inline char *
write_text(const TextExpression *e, size_t i, char *to)
{
	bool any = false;

	for (int k = 0; k < e->count; k++)
	{
		const FlowVector *vector = &e->arguments[k]->vector;

		if (!vector->present[i])
			continue;
		if (any && e->separator != NULL)
			to = append(to, e->separator->vector.texts[i]);
		to = append(to, vector->texts[i]);
		any = true;
	}
	return to;
}

static void
evaluate_concat(FlowExpression *expression, FlowRun *run, const uint8_t *mask)
{
	TextExpression *e = (TextExpression *) expression;
	FlowVector *result = &expression->vector;
	size_t lens[FLOW_RUN];
	size_t total = 0;
	char *to;

	if (e->separator != NULL)
		flow_expression_evaluate(e->separator, run, mask);
	for (int k = 0; k < e->count; k++)
		flow_expression_evaluate(e->arguments[k], run, mask);

	/* make room for all, as texts that are written must not move */
	for (size_t i = 0; i < run->count; i++)
	{
		lens[i] = mask == NULL || mask[i] ? length_of(e, i) : NO_TEXT;
		total += lens[i] <= TEXT_MAX ? lens[i] : 0;
	}
	if (!make_room(e, total))
	{
		flow_run_cut(run, 0, FLOW_NO_MEMORY, -1);
		return;
	}

	to = e->buffer;
	for (size_t i = 0; i < run->count; i++)
	{
		result->texts[i] = (FlowSlice) {to, lens[i]};
		result->present[i] = lens[i] != NO_TEXT;
		if (lens[i] <= TEXT_MAX)
			to = write_text(e, i, to);
		else if (lens[i] != NO_TEXT && !flow_expression_fail(expression, run, i))
			return;
	}
}

FlowExpression *
flow_expression_concat(FlowExpressions *expressions, FlowExpression *separator,
                       FlowExpression *const *arguments, int count, bool skips_null, int number)
{
	TextExpression *made = new_text(expressions, evaluate_concat, arguments, count, number);

	if (made == NULL)
		return NULL;
	made->separator = separator;
	made->skips_null = skips_null;
	return &made->base;
}

/* ---------- other values as texts ---------- */

/* Writes an integer so that it ends before "end"; returns where it begins. */
static inline char *
write_number(int64_t number, char *end)
{
	uint64_t rest = number < 0 ? -(uint64_t) number : (uint64_t) number;

	do
		*--end = (char) ('0' + rest % 10);
	while ((rest /= 10) != 0);
	if (number < 0)
		*--end = '-';
	return end;
}

static void
evaluate_number_text(FlowExpression *expression, FlowRun *run, const uint8_t *mask)
{
	TextExpression *e = (TextExpression *) expression;
	const FlowVector *numbers = &e->arguments[0]->vector;
	FlowVector *result = &expression->vector;

	flow_expression_evaluate(e->arguments[0], run, mask);
	if (!make_room(e, (size_t) FLOW_RUN * NUMBER_MAX))
	{
		flow_run_cut(run, 0, FLOW_NO_MEMORY, -1);
		return;
	}
	for (size_t i = 0; i < run->count; i++)
	{
		char *end = e->buffer + (i + 1) * NUMBER_MAX;
		char *start;

		if ((mask != NULL && !mask[i]) || !numbers->present[i])
		{
			result->present[i] = 0;
			continue;
		}
		start = write_number(numbers->numbers[i], end);
		result->texts[i] = (FlowSlice) {start, (size_t) (end - start)};
		result->present[i] = 1;
	}
}

static void
evaluate_boolean_text(FlowExpression *expression, FlowRun *run, const uint8_t *mask)
{
	/* as texts are read: followed by bytes that do not matter */
	static const char letters[2][FLOW_RECORD_SLACK] = {"f", "t"};
	TextExpression *e = (TextExpression *) expression;
	const FlowVector *booleans = &e->arguments[0]->vector;

	flow_expression_evaluate(e->arguments[0], run, mask);
	for (size_t i = 0; i < run->count; i++)
	{
		expression->vector.texts[i] = (FlowSlice) {letters[booleans->numbers[i] & 1], 1};
		expression->vector.present[i] = booleans->present[i] & (mask == NULL ? 1 : mask[i]);
	}
}

FlowExpression *
flow_expression_number_text(FlowExpressions *expressions, FlowExpression *number)
{
	bool boolean = number != NULL && flow_expression_type(number) == FLOW_BOOLEAN;
	TextExpression *made = new_text(expressions,
	                                boolean ? evaluate_boolean_text : evaluate_number_text,
	                                &number,
	                                1,
	                                0);

	return made != NULL ? &made->base : NULL;
}

/*
 * Returns true if the host might write an address otherwise: it shows that it
 * holds one of IPv4.
 */
static bool
may_hold_ipv4(const FlowAddress *address)
{
	static const uint8_t zeros[10];

	return address->family != 4 && memcmp(address->bytes, zeros, sizeof(zeros)) == 0;
}

static void
evaluate_address_text(FlowExpression *expression, FlowRun *run, const uint8_t *mask)
{
	TextExpression *e = (TextExpression *) expression;
	const FlowVector *addresses = &e->arguments[0]->vector;
	FlowVector *result = &expression->vector;

	flow_expression_evaluate(e->arguments[0], run, mask);
	if (!make_room(e, (size_t) FLOW_RUN * FLOW_FORM_SIZE))
	{
		flow_run_cut(run, 0, FLOW_NO_MEMORY, -1);
		return;
	}
	for (size_t i = 0; i < run->count; i++)
	{
		FlowValue value;

		result->present[i] = addresses->present[i] & (mask == NULL ? 1 : mask[i]);
		if (!result->present[i])
			continue;
		value.address = addresses->addresses[i];
		if (!may_hold_ipv4(&value.address))
			result->texts[i] =
				flow_value_write(FLOW_ADDRESS, &value, e->buffer + i * FLOW_FORM_SIZE);
		else if (!flow_expression_fail(expression, run, i))
			return;
	}
}

FlowExpression *
flow_expression_address_text(FlowExpressions *expressions, FlowExpression *address, int number)
{
	TextExpression *made = new_text(expressions, evaluate_address_text, &address, 1, number);

	return made != NULL ? &made->base : NULL;
}

/* ---------- comparisons ---------- */

typedef struct CompareExpression
{
	FlowExpression base;
	FlowExpression *left, *right;
	unsigned accepts; /* orders, as bits: 1 less, 2 equal, 4 greater */
} CompareExpression;

static const unsigned accepted[] = {
	[FLOW_EQUAL] = 2,
	[FLOW_NOT_EQUAL] = 1 | 4,
	[FLOW_LESS] = 1,
	[FLOW_LESS_EQUAL] = 1 | 2,
	[FLOW_GREATER] = 4,
	[FLOW_GREATER_EQUAL] = 2 | 4,
};

static void
evaluate_compare(FlowExpression *expression, FlowRun *run, const uint8_t *mask)
{
	CompareExpression *e = (CompareExpression *) expression;
	const FlowVector *a = &e->left->vector, *b = &e->right->vector;
	FlowVector *result = &expression->vector;

	flow_expression_evaluate(e->left, run, mask);
	flow_expression_evaluate(e->right, run, mask);
	for (size_t i = 0; i < run->count; i++)
	{
		int order;

		result->present[i] = a->present[i] & b->present[i] & (mask == NULL ? 1 : mask[i]);
		result->numbers[i] = 0;
		if (!result->present[i])
			continue;
		order = a->texts != NULL ? flow_text_compare(a->texts[i], b->texts[i])
		                         : flow_address_compare(&a->addresses[i], &b->addresses[i]);
		result->numbers[i] = e->accepts >> (1 + (order > 0) - (order < 0)) & 1;
	}
}

FlowExpression *
flow_expression_compare(FlowExpressions *expressions, FlowOperation operation, FlowExpression *left,
                        FlowExpression *right)
{
	CompareExpression *made;

	if (left == NULL || right == NULL)
		return NULL;
	made = flow_expression_new(expressions,
	                           FLOW_BOOLEAN,
	                           evaluate_compare,
	                           sizeof(CompareExpression),
	                           0);
	if (made == NULL)
		return NULL;
	made->left = left;
	made->right = right;
	made->accepts = accepted[operation];
	return &made->base;
}
