/*-------------------------------------------------------------------------
 *
 * test_split_reader.c
 *	  Checks that a reader gives the same records, the same ledger and the same
 *	  errors whether lines are split or matched by the pattern.
 *
 *-------------------------------------------------------------------------
 */
#include "model_reader.h"

#define MAX_COLUMNS 6
#define DATA_SIZE (3 * FLOW_BLOCK_SIZE)

static char path[128];

/* A pattern, and the pieces of its lines. */
static const struct Layout
{
	const char *regex;
	const char *name; /* as shown by EXPLAIN */
	char separator;
	int nfields; /* groups of the pattern */
} layouts[] = {
	{"^([^ ]+)\\s+([0-9]+)\\s+([^ ]+)\\s+([0-9]+)$", "regex, split at spaces", ' ', 4},
	{"(\\S+) (\\S+) (\\S+)", "regex, split at spaces", ' ', 3},
	{"([^\\t]+)\\t([^\\t]*)\\t(.*)", "regex, split at tabs", '\t', 3},
	{"([^,]+),([0-9]+),([a-z0-9-]+)", "regex, split at commas", ',', 3},
	{"(\\S+) ([0-9]+)(?: (\\S+)(?: (\\S+))?)?", "regex, split at spaces", ' ', 4},
	{"(\\S+) (\\S+) ([0-9]+) .*", "regex, split at spaces", ' ', 3},
	{"(\\S+) ([0-9]{1,3}) (\\S{2,})", "regex, split at spaces", ' ', 3},
};

/* A reader, and everything that it needs. */
typedef struct Side
{
	FlowFormat *format;
	FlowFilter *filter;
	FlowReader *reader;
	FlowError error;
	FlowRecord record;
	FlowStatus status;
} Side;

static FlowColumn columns[MAX_COLUMNS];

static void
make_columns(uint64_t *seed, int count)
{
	static const FlowType types[] =
		{FLOW_TEXT, FLOW_INT32, FLOW_TEXT, FLOW_INT64, FLOW_TIME, FLOW_ADDRESS};
	static const char *const names[] = {"a", "b", "c", "d", "e", "f"};

	for (int i = 0; i < count; i++)
		columns[i] = (FlowColumn) {
			.name = names[i],
			.type =
				unit_random(seed) % 3 ? FLOW_TEXT : types[unit_random(seed) % flow_countof(types)],
			.max_chars = unit_random(seed) % 8 ? -1 : 3,
			.precision = -1,
			.scale = -1,
			.null_text = "-",
			.null_len = 1,
			.not_null = unit_random(seed) % 8 == 0,
		};
}

static size_t
add_field(uint64_t *seed, char *to)
{
	static const char *const likely[] = {"6",
	                                     "443",
	                                     "-",
	                                     "17",
	                                     "1769731203",
	                                     "ACCEPT",
	                                     "eni-0c0752fda6b11ae6a",
	                                     "10.0.6.45",
	                                     "srcaddr",
	                                     "version",
	                                     "0x1",
	                                     "2026-01-30T00:00:03.000Z",
	                                     "99999999999",
	                                     "007",
	                                     "a\tb",
	                                     "caf\xC3\xA9",
	                                     "",
	                                     "x y",
	                                     "+5",
	                                     "1234"};
	const char *text =
		likely[unit_random(seed) % (unit_random(seed) % 4 ? 8 : flow_countof(likely))];

	memcpy(to, text, strlen(text));
	return strlen(text);
}

/* Makes lines.  Most of them fit the layout. */
static size_t
make_data(uint64_t *seed, const struct Layout *layout, char *data, size_t size)
{
	size_t len = 0;

	while (len + 1024 < size)
	{
		int nfields = layout->nfields;
		uint64_t kind = unit_random(seed) % 40;

		if (kind == 0)
			nfields += (int) (unit_random(seed) % 3) - 1;
		else if (kind < 4 && layout->nfields == 4)
			nfields -= (int) kind - 1;
		for (int i = 0; i < nfields; i++)
		{
			bool number =
				strstr(layout->regex, "[0-9]") != NULL && i == 1 && unit_random(seed) % 50;

			len += number
			           ? (size_t) sprintf(data + len, "%u", (unsigned) (unit_random(seed) % 1200))
			           : add_field(seed, data + len);
			if (i + 1 < nfields)
				data[len++] = layout->separator;
			if (unit_random(seed) % 200 == 0)
				data[len++] = layout->separator;
		}
		if (unit_random(seed) % 100 == 0)
			data[len++] = '\r';
		if (unit_random(seed) % 3000 == 0)
		{
			memset(data + len, 'y', 700);
			len += 700;
		}
		data[len++] = '\n';
	}
	return unit_random(seed) % 2 ? len : len - 1;
}

/* Makes some conjuncts over the columns, the same for both sides. */
static FlowFilter *
make_filter(uint64_t seed, int ncolumns, bool bad_is_null)
{
	FlowFilter *filter = flow_filter_create(&unit_host, columns, ncolumns, bad_is_null);
	FlowPredicate *conjuncts[3];
	size_t count = unit_random(&seed) % 3 + 1;

	for (size_t i = 0; i < count; i++)
	{
		int column = (int) (unit_random(&seed) % (uint64_t) ncolumns);
		FlowOp op = unit_random(&seed) % (FLOW_GE + 1);
		FlowValue constant = {0};

		switch (columns[column].type)
		{
			case FLOW_TEXT:
				constant.text =
					unit_random(&seed) % 2 ? (FlowSlice) {"ACCEPT", 6} : (FlowSlice) {"443", 3};
				break;
			case FLOW_ADDRESS:
				constant.address = (FlowAddress) {4, 32, {10, 0, 6, 45}};
				break;
			case FLOW_TIME:
				constant.integer = INT64_C(1769731203000000);
				break;
			default:
				constant.integer = (int64_t) (unit_random(&seed) % 1000);
				break;
		}
		conjuncts[i] = unit_random(&seed) % 6
		                   ? flow_filter_compare(filter, column, FLOW_AS_IS, op, &constant)
		                   : flow_filter_is_null(filter, column);
		if (unit_random(&seed) % 6 == 0)
			conjuncts[i] = flow_filter_not(filter, conjuncts[i]);
	}
	flow_filter_set_root(filter, flow_filter_and(filter, conjuncts, count));
	return filter;
}

static void
open_side(Side *side, const struct Layout *layout, bool splitter, FlowReadSpec spec,
          FlowHeaderMode header, uint64_t filter_seed)
{
	FlowFormatSpec format = {layout->regex, true, splitter, header, columns, layout->nfields, NULL};

	memset(side, 0, sizeof(*side));
	CHECK_INT(flow_format_create(&unit_host, &format, &side->format, &side->error), FLOW_OK);
	CHECK_STRING(flow_format_name(side->format), splitter ? layout->name : "regex, PCRE2 JIT");
	if (filter_seed != 0)
		side->filter =
			make_filter(filter_seed, layout->nfields, spec.on_error == FLOW_ON_ERROR_SET_NULL);
	spec.format = side->format;
	spec.filter = side->filter;
	CHECK_INT(flow_reader_create(&spec, &side->reader, &side->error), FLOW_OK);
}

static void
close_side(Side *side)
{
	flow_reader_close(side->reader);
	flow_filter_free(side->filter);
	flow_format_free(side->format);
}

/* Reads the next record.  Rejects may be reported before it. */
static void
step(Side *side)
{
	while ((side->status = flow_reader_next(side->reader, &side->record, &side->error)) ==
	       FLOW_REJECTED)
		CHECK(flow_reader_balances(side->reader));
	if (side->status == FLOW_OK || side->status == FLOW_END)
		CHECK(flow_reader_balances(side->reader));
}

/*
 * With a filter the ledgers may differ in how a dropped line is counted, and
 * with 'stop' in whether its bad field is an error.  The rows must not differ.
 */
static void
compare(Side *split, Side *matched, int ncolumns, bool filtered)
{
	const FlowCounts *a = flow_reader_counts(split->reader);
	const FlowCounts *b = flow_reader_counts(matched->reader);

	do
	{
		step(split);
		step(matched);
		if (filtered && (split->status > FLOW_END || matched->status > FLOW_END))
			return;
		CHECK_INT(split->status, matched->status);
		if (split->status != FLOW_OK || matched->status != FLOW_OK)
			break;
		CHECK_INT(model_line_number(split->reader), model_line_number(matched->reader));
		for (int i = 0; i < ncolumns; i++)
			CHECK(model_same(split->record.fields[i], matched->record.fields[i]));
	} while (!unit_failed);

	if (split->status > FLOW_END)
	{
		CHECK_STRING(split->error.message, matched->error.message);
		CHECK_STRING(split->error.detail, matched->error.detail);
		CHECK_INT(split->error.line, matched->error.line);
		return;
	}
	(void) flow_reader_counts(split->reader);
	(void) flow_reader_counts(matched->reader);
	CHECK_INT(a->lines, b->lines);
	CHECK_INT(a->headers, b->headers);
	CHECK_INT(a->blank, b->blank);
	CHECK_INT(a->emitted, b->emitted);
	if (filtered)
		return;
	CHECK_INT(a->rejected, b->rejected);
	CHECK_INT(a->set_null, b->set_null);
	CHECK_INT(a->unmatched, b->unmatched);
}

static void
it_reads_the_same_split_or_matched(void)
{
	static const FlowHeaderMode headers[] = {FLOW_HEADER_FALSE, FLOW_HEADER_AUTO, FLOW_HEADER_TRUE};
	char *data = malloc(DATA_SIZE);
	uint64_t seed = 20260303;

	for (int round = 0; round < unit_tries(180); round++)
	{
		const struct Layout *layout = &layouts[(size_t) round % flow_countof(layouts)];
		size_t len = make_data(&seed, layout, data, unit_random(&seed) % 3 ? 40000 : DATA_SIZE);
		FlowObject object = model_write(path, data, len);
		FlowObjects objects = {.items = &object, .count = 1, .bytes = len};
		FlowReadSpec spec = {
			.host = &unit_host,
			.objects = &objects,
			.on_error = (FlowOnError) (unit_random(&seed) % 4 ? 1 + unit_random(&seed) % 2 : 0),
			.report_rejects = unit_random(&seed) % 2,
			.reject_limit = -1,
			.compression = "auto",
			.max_line_length = unit_random(&seed) % 2 ? 1024 * 1024 : 600,
		};
		FlowHeaderMode header = headers[unit_random(&seed) % flow_countof(headers)];
		uint64_t filter_seed = unit_random(&seed) % 2 ? unit_random(&seed) | 1 : 0;
		Side sides[2];

		make_columns(&seed, layout->nfields);
		open_side(&sides[0], layout, true, spec, header, filter_seed);
		open_side(&sides[1], layout, false, spec, header, filter_seed);
		compare(&sides[0], &sides[1], layout->nfields, filter_seed != 0);
		close_side(&sides[0]);
		close_side(&sides[1]);
	}
	free(data);
	CHECK_INT(unit_state.outstanding, 0);
}

/*
 * The sum of groups, however they were divided: totals weighted by the bytes
 * of their keys.
 */
typedef struct Sum
{
	uint64_t records, values;
} Sum;

static void
add_groups(const FlowGroups *groups, Sum *sum)
{
	size_t position = 0;
	FlowGroup group;

	while (flow_groups_next(groups, &position, &group) == FLOW_OK)
	{
		uint64_t weight = group.keys[0].data == NULL ? 7 : 11;

		for (size_t i = 0; i < group.keys[0].len; i++)
			weight = weight * 131 + (unsigned char) group.keys[0].data[i];
		sum->records += weight * group.totals[0].count;
		sum->values += weight * group.totals[1].count;
	}
}

static FlowStatus
group_all(Side *side, int ncolumns, size_t memory, Sum *sum)
{
	static const FlowGroupBy key = {0, NULL};
	const FlowAggregate aggregates[] = {{FLOW_COUNT_ALL, -1, NULL, NULL},
	                                    {FLOW_COUNT, 1, NULL, NULL}};
	FlowGroupSpec spec = {.host = &unit_host,
	                      .columns = columns,
	                      .ncolumns = ncolumns,
	                      .keys = &key,
	                      .nkeys = 1,
	                      .aggregates = aggregates,
	                      .naggregates = 2,
	                      .memory = memory};
	FlowGroups *groups;
	FlowStatus status;

	memset(sum, 0, sizeof(*sum));
	CHECK_INT(flow_groups_create(&spec, &groups, &side->error), FLOW_OK);
	while ((status = flow_reader_group(side->reader, groups, &side->error)) == FLOW_OK ||
	       status == FLOW_REJECTED)
	{
		CHECK(flow_reader_balances(side->reader));
		if (status == FLOW_REJECTED)
			continue;
		CHECK(flow_groups_count(groups) > 0);
		add_groups(groups, sum);
		flow_groups_clear(groups);
	}
	if (status == FLOW_END)
		CHECK(flow_reader_balances(side->reader));
	add_groups(groups, sum);
	flow_groups_free(groups);
	return status;
}

static void
it_groups_the_same_split_or_matched(void)
{
	char *data = malloc(DATA_SIZE);
	uint64_t seed = 20260304;

	for (int round = 0; round < unit_tries(120); round++)
	{
		const struct Layout *layout = &layouts[(size_t) round % flow_countof(layouts)];
		size_t len = make_data(&seed, layout, data, unit_random(&seed) % 3 ? 40000 : DATA_SIZE);
		FlowObject object = model_write(path, data, len);
		FlowObjects objects = {.items = &object, .count = 1, .bytes = len};
		FlowReadSpec spec = {
			.host = &unit_host,
			.objects = &objects,
			.on_error = (FlowOnError) (unit_random(&seed) % 4 ? 1 + unit_random(&seed) % 2 : 0),
			.report_rejects = unit_random(&seed) % 2,
			.reject_limit = -1,
			.compression = "auto",
			.max_line_length = 600,
		};
		uint64_t filter_seed = unit_random(&seed) % 2 ? unit_random(&seed) | 1 : 0;
		FlowStatus status[2];
		Side sides[2];
		Sum sums[2];

		make_columns(&seed, layout->nfields);
		for (int i = 0; i < 2; i++)
		{
			open_side(&sides[i], layout, i == 0, spec, FLOW_HEADER_AUTO, filter_seed);
			status[i] = group_all(&sides[i],
			                      layout->nfields,
			                      unit_random(&seed) % 2 ? 1 : 1 << 20,
			                      &sums[i]);
		}
		if (filter_seed == 0)
		{
			CHECK_INT(status[0], status[1]);
			if (status[0] != FLOW_END)
				CHECK_INT(sides[0].error.line, sides[1].error.line);
		}
		if (status[0] == FLOW_END && status[1] == FLOW_END)
		{
			CHECK_INT(sums[0].records, sums[1].records);
			CHECK_INT(sums[0].values, sums[1].values);
			CHECK_INT(flow_reader_counts(sides[0].reader)->emitted,
			          flow_reader_counts(sides[1].reader)->emitted);
			CHECK_INT(flow_reader_counts(sides[0].reader)->lines,
			          flow_reader_counts(sides[1].reader)->lines);
		}
		close_side(&sides[0]);
		close_side(&sides[1]);
	}
	free(data);
	CHECK_INT(unit_state.outstanding, 0);
}

int
main(void)
{
	int fd;

	snprintf(path, sizeof(path), "%s/flow_split_reader_XXXXXX", unit_temporary());
	fd = mkstemp(path);
	if (fd < 0)
		abort();
	close(fd);
	RUN(it_reads_the_same_split_or_matched);
	RUN(it_groups_the_same_split_or_matched);
	unlink(path);
	return unit_done();
}
