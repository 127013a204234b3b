/*-------------------------------------------------------------------------
 *
 * test_filter_deferred.c
 *	  Tests predicates that wait for a value: when a filter, and a reader, asks
 *	  for it.
 *
 *-------------------------------------------------------------------------
 */
#include "batch_filter.h"
#include "model_filter.h"
#include "model_reader.h"
#include "../../flow/filter.h"

#define SLICE(literal) ((FlowSlice) {(literal), sizeof(literal) - 1})

static const FlowColumn columns[] = {
	{.name = "port",
     .type = FLOW_INT32,
     .max_chars = -1,
     .precision = -1,
     .scale = -1,
     .null_text = "-",
     .null_len = 1},
	{.name = "action",
     .type = FLOW_TEXT,
     .max_chars = -1,
     .precision = -1,
     .scale = -1,
     .null_text = "-",
     .null_len = 1},
	{.name = "start",
     .type = FLOW_INT64,
     .max_chars = -1,
     .precision = -1,
     .scale = -1,
     .null_text = "-",
     .null_len = 1},
	{.name = "needed",
     .type = FLOW_INT32,
     .max_chars = -1,
     .precision = -1,
     .scale = -1,
     .null_text = "-",
     .null_len = 1,
     .not_null = true},
};

#define NCOLUMNS ((int) flow_countof(columns))

/* ---------- random trees ---------- */

#define TREES 64

typedef struct Forest
{
	ModelTree trees[TREES];
	FlowValue constants[TREES][2];
	size_t count;
	int ndeferred;
} Forest;

static void
random_leaf(Forest *forest, uint64_t *seed, ModelTree *tree, FlowValue *constants)
{
	static const char *const texts[] = {"ACCEPT", "REJECT", "x"};

	tree->kind = (ModelKind[]) {MODEL_COMPARE,
	                            MODEL_COMPARE,
	                            MODEL_ANY,
	                            MODEL_IS_NULL,
	                            MODEL_CONSTANT}[unit_random(seed) % 5];
	tree->column = (int) (unit_random(seed) % NCOLUMNS);
	tree->truth = unit_random(seed) % FLOW_ERROR;
	if (tree->kind <= MODEL_ANY)
	{
		tree->op = tree->kind == MODEL_COMPARE && tree->column != 1
		               ? unit_random(seed) % (FLOW_GE + 1)
		               : FLOW_EQ;
		tree->view = tree->column == 2 && unit_random(seed) % 2 ? FLOW_AS_UNIX_TIME : FLOW_AS_IS;
		tree->count = tree->kind == MODEL_COMPARE ? 1 : 2;
		tree->has_null = tree->kind == MODEL_ANY && unit_random(seed) % 3 == 0;
	}
	for (size_t i = 0; i < tree->count; i++)
	{
		if (tree->column == 1)
			constants[i].text = (FlowSlice) {texts[unit_random(seed) % 3], strlen(texts[0])};
		else
			constants[i].integer =
				(int64_t) (unit_random(seed) % 5) * (tree->view == FLOW_AS_UNIX_TIME ? 1000000 : 1);
		if (tree->column == 1 && constants[i].text.data == texts[2])
			constants[i].text.len = 1;
	}
	if (unit_random(seed) % 4 == 0)
		tree->deferred = ++forest->ndeferred;
}

static ModelTree *
random_tree(Forest *forest, uint64_t *seed, int depth)
{
	size_t place = forest->count++;
	ModelTree *tree = &forest->trees[place];

	*tree = (ModelTree) {.constants = forest->constants[place]};
	if (depth == 0 || unit_random(seed) % 6 == 0)
		random_leaf(forest, seed, tree, forest->constants[place]);
	else
	{
		tree->kind = MODEL_NOT + unit_random(seed) % 3;
		tree->nchildren = tree->kind == MODEL_NOT ? 1 : unit_random(seed) % 4;
		for (size_t i = 0; i < tree->nchildren; i++)
			tree->children[i] = random_tree(forest, seed, depth - 1);
		if (unit_random(seed) % 16 == 0)
			tree->deferred = ++forest->ndeferred;
	}
	return tree;
}

/* Removes deferred predicates inside of another one. */
static void
forget_inner(ModelTree *tree, bool inside)
{
	if (inside)
		tree->deferred = 0;
	for (size_t i = 0; i < tree->nchildren; i++)
		forget_inner(tree->children[i], inside || tree->deferred != 0);
}

static void
random_fields(uint64_t *seed, FlowSlice *fields)
{
	static const char *const integers[] = {"0", "1", "2", "3", "4", "-", "03", "x"};
	static const char *const texts[] = {"ACCEPT", "REJECT", "x", "-"};
	static const char *const starts[] = {"0", "1", "2", "3", "-", "9224318016000"};
	size_t good = unit_random(seed) % 4 ? 5 : 8;

	fields[0].data = integers[unit_random(seed) % good];
	fields[1].data = texts[unit_random(seed) % 4];
	fields[2].data = starts[unit_random(seed) % (good == 8 ? 6 : 5)];
	fields[3].data = integers[unit_random(seed) % good];
	for (int i = 0; i < NCOLUMNS; i++)
		fields[i].len = strlen(fields[i].data);
}

static void
a_value_is_asked_for_when_postgresql_would_compute_it(void)
{
	static Forest forest;
	uint64_t seed = 20260130;
	int resolved = 0, left = 0;

	for (int t = 0; t < unit_tries(20000); t++)
	{
		bool bad_is_null = t % 2;
		FlowFilter *filter = flow_filter_create(&unit_host, columns, NCOLUMNS, bad_is_null);
		ModelTree *tree;

		forest.count = 0;
		forest.ndeferred = 0;
		tree = random_tree(&forest, &seed, 3);
		forget_inner(tree, false);
		flow_filter_set_root(filter, model_build(filter, tree));
		for (int i = 0; i < 8; i++)
		{
			FlowSlice fields[flow_countof(columns)];
			ModelRecord record = {columns, fields, bad_is_null};
			FlowBadField bad;
			FlowTruth truth;

			random_fields(&seed, fields);
			CHECK(model_resolve(filter, tree, &record, &truth, &bad));
			CHECK(model_agrees(tree, &record, truth, bad));
		}
		for (size_t i = 0; i < forest.count; i++)
		{
			resolved += forest.trees[i].resolved;
			left += forest.trees[i].deferred != 0 && !forest.trees[i].resolved;
		}
		flow_filter_free(filter);
	}
	printf("# %d resolved, %d never needed\n", resolved, left);
	CHECK(resolved > unit_tries(1000) && left > unit_tries(1000));
}

static void
in_batches_rows_that_need_a_value_stay(void)
{
	static FilterBatch batch;
	static Forest forest;
	uint64_t seed = 4711;
	size_t doubtful = 0, decided = 0;

	for (int t = 0; t < unit_tries(4000); t++)
	{
		bool bad_is_null = t % 2;
		FlowFilter *filter = flow_filter_create(&unit_host, columns, NCOLUMNS, bad_is_null);
		ModelTree root = {.kind = MODEL_AND, .nchildren = 1 + unit_random(&seed) % 3};

		forest.count = 0;
		forest.ndeferred = 0;
		for (size_t i = 0; i < root.nchildren; i++)
			root.children[i] = random_tree(&forest, &seed, 2);
		forget_inner(&root, false);
		flow_filter_set_root(filter, model_build(filter, &root));
		filter_batch_begin(&batch, NCOLUMNS);
		batch.doubtful = 0;
		for (int i = 0; i < 64; i++)
		{
			FlowSlice fields[flow_countof(columns)];
			FlowBadField bad;
			FlowTruth truth;

			random_fields(&seed, fields);
			truth = flow_filter_test(filter, fields, &bad);
			filter_batch_add(&batch, fields, truth, bad);
			doubtful += bad.status == FLOW_NEED_VALUE;
			decided += bad.status != FLOW_NEED_VALUE;
		}
		CHECK(filter_batch_agrees(&batch, filter));
		flow_filter_free(filter);
	}
	CHECK(doubtful > (size_t) unit_tries(1000) && decided > (size_t) unit_tries(1000));
}

/* ---------- order ---------- */

static FlowPredicate *
compare_text(FlowFilter *filter, const char *text)
{
	FlowValue value = {.text = {text, strlen(text)}};

	return flow_filter_compare(filter, 1, FLOW_AS_IS, FLOW_EQ, &value);
}

static FlowPredicate *
compare_integer(FlowFilter *filter, int column, FlowView view, FlowOp op, int64_t integer)
{
	FlowValue value = {.integer = integer};

	return flow_filter_compare(filter, column, view, op, &value);
}

/*
 * to_timestamp() of a number out of range is an error, which a preceding
 * conjunct can prevent.
 */
static void
what_may_fail_stays_after_what_was_before_it(void)
{
	FlowSlice fields[] = {SLICE("6"), SLICE("REJECT"), SLICE("9224318016000"), SLICE("1")};

	for (int before = 0; before < 2; before++)
		for (int any = 0; any < 2; any++)
		{
			FlowFilter *filter = flow_filter_create(&unit_host, columns, NCOLUMNS, false);
			FlowPredicate *children[2];
			FlowBadField bad;

			children[!before] = compare_text(filter, any ? "REJECT" : "ACCEPT");
			children[before] = compare_integer(filter, 2, FLOW_AS_UNIX_TIME, FLOW_GT, 0);
			flow_filter_set_root(filter,
			                     any ? flow_filter_or(filter, children, 2)
			                         : flow_filter_and(filter, children, 2));
			CHECK_INT(flow_filter_test(filter, fields, &bad),
			          !before ? FLOW_ERROR
			          : any   ? FLOW_TRUE
			                  : FLOW_FALSE);
			flow_filter_free(filter);
		}
}

static void
two_bounds_of_what_may_fail_are_still_one(void)
{
	FlowFilter *filter = flow_filter_create(&unit_host, columns, NCOLUMNS, false);
	const FlowPredicate *const *conjuncts;
	FlowPredicate *children[4];

	children[0] = compare_text(filter, "ACCEPT");
	children[1] = compare_integer(filter, 2, FLOW_AS_UNIX_TIME, FLOW_GE, 0);
	children[2] = compare_integer(filter, 2, FLOW_AS_UNIX_TIME, FLOW_LT, 1000000);
	children[3] = compare_integer(filter, 0, FLOW_AS_IS, FLOW_EQ, 6);
	flow_filter_set_root(filter, flow_filter_and(filter, children, 4));
	CHECK_INT(flow_filter_conjuncts(filter, &conjuncts), 3);
	CHECK_INT(conjuncts[0]->column, 1);
	CHECK_INT(conjuncts[1]->column, 2);
	CHECK_INT(conjuncts[2]->column, 0);
	flow_filter_free(filter);
}

static void
what_is_not_known_may_pass_in_any_interval(void)
{
	FlowFilter *filter = flow_filter_create(&unit_host, columns, NCOLUMNS, false);
	FlowInterval intervals[flow_countof(columns)] = {{true, 0, 10, false}};
	FlowPredicate *children[2];

	children[0] = compare_integer(filter, 0, FLOW_AS_IS, FLOW_GT, 10);
	children[1] = flow_filter_deferred(filter, 7, 0);
	flow_filter_set_root(filter, flow_filter_or(filter, children, 2));
	CHECK(flow_filter_may_pass(filter, intervals));
	flow_filter_resolve(filter, 7, compare_integer(filter, 0, FLOW_AS_IS, FLOW_LT, 0));
	CHECK(!flow_filter_may_pass(filter, intervals));
	flow_filter_free(filter);
}

static void
without_memory_for_the_value_nothing_passes(void)
{
	FlowFilter *filter = flow_filter_create(&unit_host, columns, NCOLUMNS, false);
	FlowSlice fields[] = {SLICE("6"), SLICE("REJECT"), SLICE("1"), SLICE("1")};
	FlowBadField bad;

	flow_filter_set_root(filter, flow_filter_deferred(filter, 1, -1));
	CHECK_INT(flow_filter_test(filter, fields, &bad), FLOW_ERROR);
	CHECK_INT(bad.status, FLOW_NEED_VALUE);
	flow_filter_resolve(filter, 1, NULL);
	CHECK_INT(flow_filter_test(filter, fields, &bad), FLOW_ERROR);
	CHECK_INT(bad.status, FLOW_NO_MEMORY);
	flow_filter_free(filter);
}

/* ---------- readers ---------- */

static char path[128];
static bool split;

/*
 * A reader of a file of model_columns with the filter "b = 1 OR b = (a value,
 * 2)".
 */
typedef struct Fixture
{
	FlowFormat *format;
	FlowFilter *filter;
	FlowObject item;
	FlowObjects objects;
	FlowReader *reader;
	FlowError error;
	int asked; /* number of times that the value was needed */
} Fixture;

static FlowPredicate *
b_equals(FlowFilter *filter, int64_t integer)
{
	FlowValue value = {.integer = integer};

	return flow_filter_compare(filter, 1, FLOW_AS_IS, FLOW_EQ, &value);
}

static void
set_filter(Fixture *f, bool bad_is_null)
{
	FlowPredicate *children[2];

	f->filter = flow_filter_create(&unit_host, model_columns, 2, bad_is_null);
	children[0] = b_equals(f->filter, 1);
	children[1] = flow_filter_deferred(f->filter, 3, 1);
	children[0] = flow_filter_or(f->filter, children, 2);
	flow_filter_set_root(f->filter, flow_filter_and(f->filter, children, 1));
}

static void
open_fixture(Fixture *f, const char *text, FlowOnError on_error)
{
	FlowFormatSpec format = {MODEL_REGEX, true, split, FLOW_HEADER_FALSE, model_columns, 2, NULL};
	FlowReadSpec spec;

	memset(f, 0, sizeof(*f));
	set_filter(f, on_error == FLOW_ON_ERROR_SET_NULL);
	CHECK_INT(flow_format_create(&unit_host, &format, &f->format, &f->error), FLOW_OK);
	f->item = model_write(path, text, strlen(text));
	f->objects = (FlowObjects) {.items = &f->item, .count = 1, .bytes = f->item.size};
	spec = (FlowReadSpec) {
		.host = &unit_host,
		.format = f->format,
		.filter = f->filter,
		.objects = &f->objects,
		.on_error = on_error,
		.report_rejects = true,
		.reject_limit = -1,
		.compression = "auto",
		.max_line_length = 1024,
	};
	CHECK_INT(flow_reader_create(&spec, &f->reader, &f->error), FLOW_OK);
}

static void
close_fixture(Fixture *f)
{
	flow_reader_close(f->reader);
	flow_filter_free(f->filter);
	flow_format_free(f->format);
	CHECK_INT(unit_state.outstanding, 0);
}

/*
 * Reads the next record, and sets the value when it is needed.  The ledger
 * must balance after every step.
 */
static FlowStatus
next(Fixture *f, FlowRecord *record)
{
	FlowStatus status;

	while ((status = flow_reader_next(f->reader, record, &f->error)) == FLOW_NEED_VALUE)
	{
		CHECK_INT(flow_reader_needed(f->reader), 3);
		CHECK(flow_reader_balances(f->reader));
		f->asked++;
		flow_filter_resolve(f->filter, 3, b_equals(f->filter, 2));
	}
	CHECK(flow_reader_balances(f->reader));
	return status;
}

/* Returns true if the first field of the next record is this. */
static bool
comes(Fixture *f, const char *a)
{
	FlowRecord record;

	return next(f, &record) == FLOW_OK && model_same(record.fields[0], (FlowSlice) {a, strlen(a)});
}

static void
a_reader_asks_at_the_first_record_that_needs_it(void)
{
	Fixture f;
	FlowRecord record;

	open_fixture(&f, "a 0\nb 1\nc 1\nd 2\ne 3\nf 1\ng 2\n", FLOW_ON_ERROR_STOP);
	CHECK(comes(&f, "b"));
	CHECK_INT(f.asked, 1);
	CHECK_INT(model_line_number(f.reader), 2);
	CHECK(comes(&f, "c") && comes(&f, "d") && comes(&f, "f") && comes(&f, "g"));
	CHECK_INT(next(&f, &record), FLOW_END);
	CHECK_INT(f.asked, 1);
	CHECK_INT(flow_reader_counts(f.reader)->filtered, 2);
	CHECK_INT(flow_reader_counts(f.reader)->emitted, 5);
	close_fixture(&f);

	/* a reader that stops earlier does not need it */
	open_fixture(&f, "b 1\nc 1\nd 2\ne 3\n", FLOW_ON_ERROR_STOP);
	CHECK(comes(&f, "b") && comes(&f, "c"));
	CHECK_INT(f.asked, 0);
	CHECK(comes(&f, "d"));
	CHECK_INT(f.asked, 1);
	close_fixture(&f);
}

static void
a_long_file_is_read_to_its_end(void)
{
	static char text[400000];
	size_t len = 0;
	int records = 0;
	FlowRecord record;
	Fixture f;

	for (int i = 0; i < 40000; i++)
		len += (size_t) sprintf(text + len, "n%d %d\n", i % 1000, i < 20000 ? 1 : i % 5);
	open_fixture(&f, text, FLOW_ON_ERROR_STOP);
	while (next(&f, &record) == FLOW_OK)
		CHECK_INT(f.asked, records++ >= 20000);
	CHECK_INT(records, 28000);
	CHECK_INT(flow_reader_counts(f.reader)->lines, 40000);
	close_fixture(&f);
}

static void
a_reader_that_waits_can_be_rewound(void)
{
	FlowRecord record;
	Fixture f;

	open_fixture(&f, "b 1\nd 2\ne 3\n", FLOW_ON_ERROR_STOP);
	CHECK(comes(&f, "b"));
	CHECK_INT(flow_reader_next(f.reader, &record, &f.error), FLOW_NEED_VALUE);
	flow_reader_rewind(f.reader, f.format, f.filter);
	CHECK(comes(&f, "b"));
	CHECK_INT(f.asked, 0);
	CHECK(comes(&f, "d"));
	CHECK_INT(f.asked, 1);
	CHECK_INT(next(&f, &record), FLOW_END);
	close_fixture(&f);
}

/* "x y z" is not a record, and "z x" has a bad field. */
static void
lines_that_are_no_rows_need_no_value(void)
{
	FlowRecord record;
	Fixture f;

	open_fixture(&f, "x y z\nz x\nb 1\n", FLOW_ON_ERROR_IGNORE);
	CHECK_INT(next(&f, &record), FLOW_REJECTED);
	CHECK_INT(next(&f, &record), FLOW_REJECTED);
	CHECK(comes(&f, "b"));
	CHECK_INT(f.asked, 0);
	CHECK_INT(next(&f, &record), FLOW_END);
	CHECK_INT(flow_reader_counts(f.reader)->rejected, 2);
	close_fixture(&f);
}

static void
lines_of_nulls_are_counted_once(void)
{
	FlowRecord record;
	Fixture f;

	open_fixture(&f, "x y z\nz x\nb 1\nd 2\n", FLOW_ON_ERROR_SET_NULL);
	CHECK_INT(next(&f, &record), FLOW_REJECTED);
	CHECK_INT(f.asked, 1);
	CHECK_INT(next(&f, &record), FLOW_REJECTED);
	CHECK(comes(&f, "b") && comes(&f, "d"));
	CHECK_INT(next(&f, &record), FLOW_END);
	CHECK_INT(f.asked, 1);
	CHECK_INT(flow_reader_counts(f.reader)->set_null, 2);
	CHECK_INT(flow_reader_counts(f.reader)->unmatched, 1);
	CHECK_INT(flow_reader_counts(f.reader)->filtered, 2);
	CHECK_INT(flow_reader_counts(f.reader)->lines, 4);
	close_fixture(&f);
}

static void
groups_wait_too(void)
{
	static const FlowAggregate count = {FLOW_COUNT_ALL, -1, NULL, NULL};
	FlowGroupSpec spec = {.host = &unit_host,
	                      .columns = model_columns,
	                      .ncolumns = 2,
	                      .aggregates = &count,
	                      .naggregates = 1,
	                      .memory = 65536};
	FlowGroups *groups;
	FlowGroup group;
	size_t position = 0;
	FlowStatus status;
	Fixture f;

	open_fixture(&f, "b 1\nc 1\nd 2\ne 3\nf 1\ng 2\n", FLOW_ON_ERROR_STOP);
	CHECK_INT(flow_groups_create(&spec, &groups, &f.error), FLOW_OK);
	CHECK_INT(flow_reader_group(f.reader, groups, &f.error), FLOW_NEED_VALUE);
	CHECK(flow_reader_balances(f.reader));
	CHECK_INT(flow_reader_counts(f.reader)->emitted, 2);
	flow_filter_resolve(f.filter, 3, b_equals(f.filter, 2));
	status = flow_reader_group(f.reader, groups, &f.error);
	CHECK_INT(status, FLOW_END);
	CHECK_INT(flow_groups_next(groups, &position, &group), FLOW_OK);
	CHECK_INT(group.totals[0].count, 5);
	flow_groups_free(groups);
	close_fixture(&f);
}

static void
memory_that_runs_out_while_it_waits_is_an_error(void)
{
	FlowRecord record;
	Fixture f;

	open_fixture(&f, "b 1\nd 2\n", FLOW_ON_ERROR_STOP);
	CHECK(comes(&f, "b"));
	CHECK_INT(flow_reader_next(f.reader, &record, &f.error), FLOW_NEED_VALUE);
	flow_filter_resolve(f.filter, 3, b_equals(f.filter, 2));
	unit_state.fail_after = 0;
	CHECK_INT(flow_reader_next(f.reader, &record, &f.error), split ? FLOW_NO_MEMORY : FLOW_OK);
	unit_state.fail_after = -1;
	close_fixture(&f);
}

int
main(void)
{
	int fd;

	snprintf(path, sizeof(path), "%s/flow_deferred_XXXXXX", unit_temporary());
	fd = mkstemp(path);
	if (fd < 0)
		return 1;
	close(fd);
	RUN(a_value_is_asked_for_when_postgresql_would_compute_it);
	RUN(in_batches_rows_that_need_a_value_stay);
	RUN(what_may_fail_stays_after_what_was_before_it);
	RUN(two_bounds_of_what_may_fail_are_still_one);
	RUN(what_is_not_known_may_pass_in_any_interval);
	RUN(without_memory_for_the_value_nothing_passes);
	for (int i = 0; i < 2; i++)
	{
		split = i == 1;
		RUN(a_reader_asks_at_the_first_record_that_needs_it);
		RUN(a_long_file_is_read_to_its_end);
		RUN(a_reader_that_waits_can_be_rewound);
		RUN(lines_that_are_no_rows_need_no_value);
		RUN(lines_of_nulls_are_counted_once);
		RUN(groups_wait_too);
		RUN(memory_that_runs_out_while_it_waits_is_an_error);
	}
	unlink(path);
	return unit_done();
}
