/*-------------------------------------------------------------------------
 *
 * fuzz_filter.c
 *	  Random predicates on random fields: flow/filter*.c against the naive
 *	  three-valued interpreter, and the same records in a batch.
 *
 *-------------------------------------------------------------------------
 */
#include "../unit/naive_filter.h"

#define COLUMNS 6
#define TREES 24
#define CONSTANTS 8

/* What is left of the input; at its end come zeros. */
typedef struct Input
{
	const uint8_t *data;
	size_t len;
} Input;

/* Records that can stand in lines of six fields, as the splitter finds them. */
typedef struct Batch
{
	char data[16384 + 64]; /* what follows the last field may be read */
	size_t len;
	FlowTruth truths[512];
	bool bad[512]; /* there is more to be said than the truth */
	size_t count;
} Batch;

typedef struct Case
{
	Input input;
	char *heap[512]; /* each text in memory of exactly its size: a read too far is seen */
	size_t nheap;
	FlowColumn columns[COLUMNS];
	NaiveTree trees[TREES];
	FlowValue constants[TREES][CONSTANTS];
	size_t ntrees;
} Case;

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

/* A few bytes of the input, or something that is likely to be a value, in memory of exactly its size. */
static FlowSlice
take_text(Case *c)
{
	static const char *const likely[] = {
		"-", "0", "6", "443", "65535", "2147483648", "1700000000", "ACCEPT", "REJECT", "eni-0123456789abcdef0", "ACCEPT  ",
		"10.0.0.1", "10.0.0.0/8", "10.1.0.0/16", "::1", "2001:db8::/32", "t", "false", "-210866803201", "\xC3\xA9"};
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

		c->columns[i] = (FlowColumn) {
			.name = "c", .type = take(c, FLOW_OPAQUE + 1), .max_chars = (int) take(c, 16) - 1, .precision = -1, .scale = -1, .null_text = null_text.data, .null_len = null_text.len, .not_null = take(c, 4) == 0};
		if (c->columns[i].max_chars == 0)
			c->columns[i].max_chars = -1;
	}
}

/* A constant of the column's type and view, whether or not the column could hold it. */
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

static void
take_leaf(Case *c, NaiveTree *tree, FlowValue *constants)
{
	FlowType type;
	size_t count;

	tree->kind = take(c, NAIVE_CONSTANT + 1);
	tree->column = (int) take(c, COLUMNS);
	tree->view = take(c, FLOW_AS_UNIX_TIME + 1);
	tree->op = take(c, FLOW_OVERLAPS + 1);
	tree->truth = take(c, FLOW_BROKEN);
	tree->has_null = take(c, 4) == 0;
	tree->constants = constants;
	type = c->columns[tree->column].type;
	if (tree->kind > NAIVE_ANY)
		return;

	if (type > FLOW_INT64)
		tree->view = FLOW_AS_IS;
	if (type != FLOW_ADDRESS && type != FLOW_NETWORK && tree->op >= FLOW_INSIDE)
		tree->op = FLOW_EQ;
	if (tree->kind == NAIVE_ANY && tree->op < FLOW_INSIDE)
		tree->op = FLOW_EQ;
	count = tree->kind == NAIVE_COMPARE ? 1 : take(c, CONSTANTS + 1);
	for (size_t i = 0; i < count; i++)
		tree->count += take_constant(c, tree->column, tree->view, &constants[tree->count]);
	if (tree->kind == NAIVE_COMPARE)
		tree->has_null = false;
	if (type == FLOW_OPAQUE || type == FLOW_FLOAT || type == FLOW_DOUBLE || type == FLOW_DECIMAL ||
	    (tree->kind == NAIVE_COMPARE && tree->count == 0))
		tree->kind = NAIVE_IS_NULL;
}

static NaiveTree *
take_tree(Case *c, int depth)
{
	size_t place = c->ntrees++;
	NaiveTree *tree = &c->trees[place];

	memset(tree, 0, sizeof(*tree));
	if (depth == 0 || take(c, 3) == 0)
	{
		take_leaf(c, tree, c->constants[place]);
		return tree;
	}
	tree->kind = NAIVE_NOT + take(c, 3);
	tree->nchildren = tree->kind == NAIVE_NOT ? 1 : take(c, NAIVE_CHILDREN + 1);
	for (size_t i = 0; i < tree->nchildren; i++)
	{
		if (c->ntrees == TREES)
		{
			tree->nchildren = i;
			break;
		}
		tree->children[i] = take_tree(c, depth - 1);
	}
	if (tree->nchildren == 0 && tree->kind == NAIVE_NOT)
		tree->kind = NAIVE_AND;
	return tree;
}

/* Could the field stand between blanks, in a line that needs no pattern? */
static bool
is_even(FlowSlice field)
{
	if (field.data == NULL || field.len == 0)
		return false;
	for (size_t i = 0; i < field.len; i++)
		if ((unsigned char) field.data[i] <= ' ' || (unsigned char) field.data[i] >= 0x7F)
			return false;
	return true;
}

static void
add_record(Batch *batch, const FlowSlice *fields, FlowTruth truth, FlowBadField bad)
{
	size_t len = 0;

	for (int i = 0; i < COLUMNS; i++)
	{
		if (!is_even(fields[i]))
			return;
		len += fields[i].len + 1;
	}
	if (batch->count == flow_countof(batch->truths) || batch->len + len > sizeof(batch->data) - 64)
		return;
	for (int i = 0; i < COLUMNS; i++)
	{
		memcpy(batch->data + batch->len, fields[i].data, fields[i].len);
		batch->len += fields[i].len;
		batch->data[batch->len++] = i + 1 < COLUMNS ? ' ' : '\n';
	}
	batch->truths[batch->count] = truth;
	batch->bad[batch->count++] = truth == FLOW_BROKEN || bad.column >= 0;
}

/*
 * What stays is TRUE, or doubtful; what goes is not TRUE.  It may go also if one
 * conjunct is broken, where another is false.
 */
static void
check_rows(const Batch *batch, const uint32_t *rows, size_t kept)
{
	size_t next = 0;

	for (size_t i = 0; i < batch->count; i++)
	{
		bool stays = next < kept && (rows[next] & ~FLOW_ROW_DOUBTFUL) == i * COLUMNS;

		if (stays && !(rows[next] & FLOW_ROW_DOUBTFUL) && (batch->truths[i] != FLOW_TRUE || batch->bad[i]))
			abort();
		if (!stays && batch->truths[i] == FLOW_TRUE)
			abort();
		next += stays;
	}
	if (next != kept)
		abort();
}

/* More than once, as the order of the conjuncts is learned meanwhile. */
static void
check_batch(const FlowFilter *filter, const Batch *batch)
{
	static const int place[COLUMNS] = {0, 1, 2, 3, 4, 5};
	FlowSelector *selector = flow_selector_create(&unit_host, filter);
	FlowEnds *ends = flow_ends_create(&unit_host);
	FlowBatch view = {.data = batch->data, .place = place};
	uint32_t rows[512];

	flow_split_choose()->split(batch->data, batch->len, ' ', ends);
	view.next = ends->next;
	view.digits = ends->digits;
	for (int round = 0; round < 2; round++)
	{
		size_t count = batch->count;

		for (size_t i = 0; i < count; i++)
			rows[i] = (uint32_t) (i * COLUMNS);
		count = flow_selector_apply(selector, &view, rows, count);
		check_rows(batch, rows, count);
	}
	unit_host.free(unit_host.arg, selector);
	unit_host.free(unit_host.arg, ends);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static Case c;
	static Batch batch;
	bool bad_is_null;
	NaiveTree *tree;
	FlowFilter *filter;

	c.input = (Input) {data, len};
	c.nheap = c.ntrees = 0;
	batch.len = batch.count = 0;
	bad_is_null = take(&c, 2);
	take_columns(&c);
	tree = take_tree(&c, 3);
	filter = flow_filter_create(&unit_host, c.columns, COLUMNS, bad_is_null);
	flow_filter_set_root(filter, naive_build(filter, tree));
	do
	{
		FlowSlice fields[COLUMNS];
		NaiveRecord record = {c.columns, fields, bad_is_null};
		FlowBadField bad;
		FlowTruth got;

		for (int i = 0; i < COLUMNS; i++)
			fields[i] = take_text(&c);
		got = flow_filter_test(filter, fields, &bad);
		if (!naive_agrees(tree, &record, got, bad))
			abort();
		add_record(&batch, fields, got, bad);
	} while (c.input.len > 0 && c.nheap < flow_countof(c.heap));
	if (batch.count > 0)
		check_batch(filter, &batch);
	flow_filter_free(filter);
	while (c.nheap > 0)
		free(c.heap[--c.nheap]);
	if (unit_state.outstanding != 0)
		abort();
	return 0;
}
