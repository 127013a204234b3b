/*-------------------------------------------------------------------------
 *
 * fuzz_filter.c
 *	  Fuzzes flow/filter*.c: tests random predicates, some of them deferred, on
 *	  random fields, and compares the results with the naive three-valued
 *	  interpreter and with those of the same records in a batch.
 *
 *-------------------------------------------------------------------------
 */
#include "../unit/batch_filter.h"
#include "../unit/model_filter.h"

#define COLUMNS 6
#define TREES 24
#define CONSTANTS 8

/* The rest of the input.  After its end, zeros are taken. */
typedef struct Input
{
	const uint8_t *data;
	size_t len;
} Input;

typedef struct Case
{
	Input input;
	/*
	 * each text has memory of exactly its size, so that reading too far is
	 * detected
	 */
	char *heap[512];
	size_t nheap;
	FlowColumn columns[COLUMNS];
	ModelTree trees[TREES];
	FlowValue constants[TREES][CONSTANTS];
	size_t ntrees;
} Case;

/* Takes a number from the input. */
static unsigned
take(Case *c, unsigned below)
{
	unsigned byte;

	if (c->input.len == 0)
		return 0;
	byte = *c->input.data;
	c->input.data++;
	c->input.len--;
	return byte % below;
}

/*
 * Takes a few bytes of the input, or a text that is likely to be a value, in
 * memory of exactly its size.
 */
static FlowSlice
take_text(Case *c)
{
	static const char *const likely[] = {"-",
	                                     "0",
	                                     "6",
	                                     "443",
	                                     "65535",
	                                     "2147483648",
	                                     "1700000000",
	                                     "ACCEPT",
	                                     "REJECT",
	                                     "eni-0123456789abcdef0",
	                                     "ACCEPT  ",
	                                     "10.0.0.1",
	                                     "10.0.0.0/8",
	                                     "10.1.0.0/16",
	                                     "::1",
	                                     "2001:db8::/32",
	                                     "t",
	                                     "false",
	                                     "-210866803201",
	                                     "\xC3\xA9"};
	unsigned choice = take(c, 64);
	const void *from = c->input.data;
	size_t len;
	char *copy;

	if (choice == 63 || c->nheap == flow_countof(c->heap))
		return (FlowSlice) {NULL, 0};
	if (choice < flow_countof(likely))
	{
		from = likely[choice];
		len = strlen(from);
	}
	else
	{
		len = choice - flow_countof(likely);
		len = len < c->input.len ? len : c->input.len;
		c->input.data += len;
		c->input.len -= len;
	}
	copy = malloc(len ? len : 1);
	if (len > 0)
		memcpy(copy, from, len);
	c->heap[c->nheap++] = copy;
	return (FlowSlice) {copy, len};
}

static void
take_columns(Case *c)
{
	for (int i = 0; i < COLUMNS; i++)
	{
		FlowSlice null_text = take_text(c);

		c->columns[i] = (FlowColumn) {.name = "c",
		                              .type = take(c, FLOW_OPAQUE + 1),
		                              .max_chars = (int) take(c, 16) - 1,
		                              .precision = -1,
		                              .scale = -1,
		                              .null_text = null_text.data,
		                              .null_len = null_text.len,
		                              .not_null = take(c, 4) == 0};
		if (c->columns[i].max_chars == 0)
			c->columns[i].max_chars = -1;
	}
}

/*
 * Takes a constant of the column's type and view, whether or not the column
 * could hold it.
 */
static bool
take_constant(Case *c, int column, FlowView view, FlowValue *constant)
{
	FlowColumn lenient = c->columns[column];
	FlowSlice text = take_text(c);

	memset(constant, 0, sizeof(*constant));
	lenient.null_text = NULL;
	lenient.not_null = false;
	if (lenient.type == FLOW_TEXT || lenient.type == FLOW_PADDED)
	{
		constant->text = text;
		return text.data != NULL;
	}
	if (view == FLOW_AS_UNIX_TIME)
		lenient.type = FLOW_TIME;
	if (view == FLOW_AS_DOUBLE)
		lenient.type = FLOW_DOUBLE;
	return flow_value_read(&lenient, &unit_host, text, constant) == FLOW_OK;
}

/* Takes a leaf.  "like" is another leaf, or all zero. */
static void
take_leaf(Case *c, ModelTree *tree, FlowValue *constants, const ModelTree *like)
{
	FlowType type;
	size_t count;

	tree->kind = take(c, MODEL_CONSTANT + 1);
	tree->column = (int) take(c, COLUMNS);
	tree->view = take(c, FLOW_AS_UNIX_TIME + 1);
	tree->op = take(c, FLOW_OVERLAPS + 1);
	tree->truth = take(c, FLOW_ERROR);
	tree->has_null = take(c, 4) == 0;
	tree->constants = constants;
	if (tree->kind > MODEL_ALL)
		return;

	/*
	 * often it compares the same as another leaf, so that lists can combine
	 * them
	 */
	if (like->constants != NULL && like->kind <= MODEL_ALL && take(c, 2) == 0)
	{
		tree->column = like->column;
		tree->view = like->view;
		tree->op = like->op;
	}

	type = c->columns[tree->column].type;

	if (type > FLOW_INT64)
		tree->view = FLOW_AS_IS;
	if (type != FLOW_ADDRESS && type != FLOW_NETWORK && tree->op >= FLOW_WITHIN)
		tree->op = FLOW_EQ;
	count = tree->kind == MODEL_COMPARE ? 1 : take(c, CONSTANTS + 1);
	for (size_t i = 0; i < count; i++)
		tree->count += take_constant(c, tree->column, tree->view, &constants[tree->count]);
	if (tree->kind == MODEL_COMPARE)
		tree->has_null = false;
	if (type == FLOW_OPAQUE || type == FLOW_FLOAT || type == FLOW_DOUBLE || type == FLOW_DECIMAL ||
	    (tree->kind == MODEL_COMPARE && tree->count == 0))
		tree->kind = MODEL_IS_NULL;
}

/* Takes a tree of at most that depth. */
static ModelTree *
take_tree(Case *c, int depth)
{
	size_t place = c->ntrees++;
	ModelTree *tree = &c->trees[place];

	memset(tree, 0, sizeof(*tree));
	if (depth == 0 || take(c, 3) == 0)
	{
		take_leaf(c, tree, c->constants[place], &c->trees[place > 0 ? place - 1 : 0]);
		if (take(c, 4) == 1)
			tree->deferred = (int) place + 1;
		return tree;
	}
	tree->kind = MODEL_NOT + take(c, 3);
	tree->nchildren = tree->kind == MODEL_NOT ? 1 : take(c, MODEL_CHILDREN + 1);
	for (size_t i = 0; i < tree->nchildren; i++)
	{
		if (c->ntrees == TREES)
		{
			tree->nchildren = i;
			break;
		}
		tree->children[i] = take_tree(c, depth - 1);
	}
	if (tree->nchildren == 0 && tree->kind == MODEL_NOT)
		tree->kind = MODEL_AND;
	return tree;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static Case c;
	static FilterBatch batch;
	static FilterBatch waiting_batch;
	bool bad_is_null;
	ModelTree *tree;
	FlowFilter *filter;
	FlowFilter *waiting; /* a filter in which nothing is resolved */

	c.input = (Input) {data, len};
	c.nheap = c.ntrees = 0;
	filter_batch_begin(&batch, COLUMNS);
	filter_batch_begin(&waiting_batch, COLUMNS);
	bad_is_null = take(&c, 2);
	take_columns(&c);
	tree = take_tree(&c, 3);
	filter = flow_filter_create(&unit_host, c.columns, COLUMNS, bad_is_null);
	flow_filter_set_root(filter, model_build(filter, tree));
	waiting = flow_filter_create(&unit_host, c.columns, COLUMNS, bad_is_null);
	flow_filter_set_root(waiting, model_build(waiting, tree));
	do
	{
		FlowSlice fields[COLUMNS];
		ModelRecord record = {c.columns, fields, bad_is_null};
		FlowBadField bad;
		FlowTruth got;

		for (int i = 0; i < COLUMNS; i++)
			fields[i] = take_text(&c);
		got = flow_filter_test(waiting, fields, &bad);
		filter_batch_add(&waiting_batch, fields, got, bad);
		if (!model_resolve(filter, tree, &record, &got, &bad) ||
		    !model_agrees(tree, &record, got, bad))
			abort();
		filter_batch_add(&batch, fields, got, bad);
	} while (c.input.len > 0 && c.nheap < flow_countof(c.heap));
	if (!filter_batch_agrees(&batch, filter) || !filter_batch_agrees(&waiting_batch, waiting))
		abort();
	flow_filter_free(filter);
	flow_filter_free(waiting);
	while (c.nheap > 0)
		free(c.heap[--c.nheap]);
	if (unit_state.outstanding != 0)
		abort();
	return 0;
}
