/*-------------------------------------------------------------------------
 *
 * test_index_values.c
 *	  Tests the values and totals of an index that the reader collects, against
 *	  groups by each column whose keys are converted one at a time.
 *
 * To be run from the top of the source tree.
 *
 *-------------------------------------------------------------------------
 */
#include "../../flow/index.h"
#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILES 20
#define INDEXED 7

#define COLUMN(column_name, column_type, chars)                                                    \
	{                                                                                              \
		.name = column_name, .field = column_name, .type = column_type, .max_chars = chars,        \
		.precision = -1, .scale = -1, .null_text = "-", .null_len = 1                              \
	}

static FlowColumn columns[] = {COLUMN("srcaddr", FLOW_ADDRESS, -1),
                               COLUMN("dstaddr", FLOW_TEXT, -1),
                               COLUMN("dstport", FLOW_INT16, -1),
                               COLUMN("start", FLOW_TIME, -1),
                               COLUMN("action", FLOW_TEXT, -1),
                               COLUMN("dstaddr", FLOW_ADDRESS, -1),
                               COLUMN("srcaddr", FLOW_TEXT, -1),
                               COLUMN("interface-id", FLOW_TEXT, 9),
                               COLUMN("pkt-srcaddr", FLOW_NETWORK, -1)};

static const int indexed[INDEXED] = {0, 1, 2, 5, 6, 7, 8};
static const FlowGroupBy keys[] = {{4, NULL}, {7, NULL}};
static const FlowGroupBy value_keys[INDEXED] =
	{{0, NULL}, {1, NULL}, {2, NULL}, {5, NULL}, {6, NULL}, {7, NULL}, {8, NULL}};
static const FlowAggregate aggregates[] = {{.kind = FLOW_COUNT_ALL, .column = -1},
                                           {.kind = FLOW_MIN, .column = 3},
                                           {.kind = FLOW_MAX, .column = 3},
                                           {.kind = FLOW_MIN, .column = 2},
                                           {.kind = FLOW_MAX, .column = 2}};

/* Files that the test makes: with bad fields, and with addresses only. */
#define PATH_SIZE 256
static char bad_log[PATH_SIZE], good_log[PATH_SIZE], spelled_log[PATH_SIZE];

static const char *const names[] = {"test/data/s3.log",
                                    "test/data/plain.log.gz",
                                    "test/data/frames.log.zst",
                                    "test/data/firehose.json",
                                    "test/data/lines.json",
                                    "test/data/api.json",
                                    "test/data/console.csv",
                                    "test/data/insights_fields.csv",
                                    "test/data/fields.log",
                                    "test/data/nodata.log",
                                    "test/data/header_changes.log",
                                    "test/data/parquet_logs/groups.parquet",
                                    bad_log,
                                    good_log,
                                    spelled_log};

typedef struct Way
{
	FlowOnError on_error;
	bool splitter;
	size_t memory;
} Way;

typedef struct Files
{
	FlowObject items[MAX_FILES];
	FlowObjects objects;
} Files;

/* What is known of a file. */
typedef struct Result
{
	FlowStatus status;
	char detail[sizeof(((FlowError *) 0)->detail)];
	uint64_t line, records, emitted, rejected, set_null;
	uint32_t address_columns;
	int64_t times[2][4]; /* any, null, and the extremes; there is no padding */
	int64_t groups;
	uint64_t group_hash; /* of all groups, in any order */
} Result;

static size_t fulls; /* how often there was no room */

static void
list_files(Files *files, const char *const *paths, size_t count)
{
	memset(files, 0, sizeof(*files));
	for (size_t i = 0; i < count; i++)
	{
		struct stat st;

		if (stat(paths[i], &st) != 0)
			abort();
		files->items[i] = (FlowObject) {
			.path = paths[i],
			.number = i,
			.size = (uint64_t) st.st_size,
			.modified = st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec,
			.device = st.st_dev,
			.inode = st.st_ino,
		};
	}
	files->objects.items = files->items;
	files->objects.count = count;
	files->objects.complete = true;
}

static FlowGroups *
make_groups(const FlowGroupBy *by, bool counts)
{
	FlowGroupSpec spec = {.host = &unit_host,
	                      .columns = columns,
	                      .ncolumns = flow_countof(columns),
	                      .keys = by,
	                      .nkeys = counts ? (int) flow_countof(keys) : 1,
	                      .aggregates = aggregates,
	                      .naggregates = counts ? (int) flow_countof(aggregates) : 0,
	                      .memory = 1 << 22};
	FlowGroups *groups;
	FlowError error;

	if (flow_groups_create(&spec, &groups, &error) != FLOW_OK)
		abort();
	return groups;
}

static FlowIndexValues *
make_values(size_t memory)
{
	FlowIndexValuesSpec spec = {&unit_host, columns, indexed, INDEXED, memory};
	FlowIndexValues *values;
	FlowError error;

	if (flow_index_values_create(&spec, &values, &error) != FLOW_OK)
		abort();
	return values;
}

static FlowReader *
open_reader(const Files *files, const Way *way, FlowFormat **format)
{
	FlowFormatSpec format_spec = {.columns = columns,
	                              .ncolumns = flow_countof(columns),
	                              .splitter = way->splitter};
	FlowReadSpec spec = {.host = &unit_host,
	                     .objects = &files->objects,
	                     .on_error = way->on_error,
	                     .reject_limit = -1,
	                     .compression = "auto",
	                     .max_line_length = 1 << 20,
	                     .pause_at_files = true};
	FlowReader *reader;
	FlowError error;

	if (flow_format_create(&unit_host, &format_spec, format, &error) != FLOW_OK)
		abort();
	spec.format = *format;
	if (flow_reader_create(&spec, &reader, &error) != FLOW_OK)
		abort();
	return reader;
}

static FlowIndexTotals *
make_totals(void)
{
	FlowIndexTotalsSpec spec = {&unit_host, columns, {3, 2}, {4, 7}};
	FlowIndexTotals *totals;
	FlowError error;

	if (flow_index_totals_create(&spec, &totals, &error) != FLOW_OK)
		abort();
	return totals;
}

static void
set_times(const FlowIndexExtremes *times, Result *result)
{
	for (int k = 0; k < 2; k++)
	{
		result->times[k][0] = times[k].any;
		result->times[k][1] = times[k].null;
		result->times[k][2] = times[k].any ? times[k].least : 0;
		result->times[k][3] = times[k].any ? times[k].greatest : 0;
	}
}

/* Sets the groups of a result. */
static void
set_groups(const FlowIndexGroup *groups, int count, Result *result)
{
	result->groups = count;
	for (int i = 0; i < count; i++)
	{
		uint64_t hash = 7;

		for (int k = 0; k < 2; k++)
		{
			FlowSlice text = groups[i].texts[k];

			hash = hash * 31 + (text.data == NULL ? 1000 : text.len);
			for (size_t j = 0; j < text.len; j++)
				hash = hash * 31 + (unsigned char) text.data[j];
		}
		result->group_hash += hash * hash * groups[i].count;
		result->records += groups[i].count;
	}
}

static void
set_result(FlowReader *reader, FlowStatus status, const FlowError *error, Result *result)
{
	const FlowCounts *counts = flow_reader_counts(reader);

	result->status = status;
	result->emitted = counts->emitted;
	result->rejected = counts->rejected;
	result->set_null = counts->set_null;
	if (status != FLOW_END)
	{
		strcpy(result->detail, error->detail);
		result->line = error->line;
	}
}

/* ---------- the plain way ---------- */

#define MAX_GROUPS 1000

static bool
same_texts(const FlowIndexGroup *a, const FlowIndexGroup *b)
{
	for (int k = 0; k < 2; k++)
		if ((a->texts[k].data == NULL) != (b->texts[k].data == NULL) ||
		    a->texts[k].len != b->texts[k].len ||
		    (a->texts[k].len > 0 &&
		     memcmp(a->texts[k].data, b->texts[k].data, a->texts[k].len) != 0))
			return false;
	return true;
}

static void
add_extreme(FlowIndexExtremes *times, const FlowTotal *total)
{
	int64_t value = total->as.extreme.integer;

	if (total->count == 0)
		return;
	times->least = times->any && times->least < value ? times->least : value;
	times->greatest = times->any && times->greatest > value ? times->greatest : value;
	times->any = true;
}

/* Sets the totals of a result by the groups that a reader fills. */
static void
add_totals_plainly(FlowGroups *sets, Result *result)
{
	static FlowIndexGroup all[MAX_GROUPS];
	FlowIndexExtremes times[2] = {{0}};
	int count = 0, distinct[2] = {0, 0};
	FlowGroup group;

	for (size_t position = 0; flow_groups_next(sets, &position, &group) == FLOW_OK;)
	{
		FlowIndexGroup made = {{{NULL, 0}, {NULL, 0}}, group.totals[0].count};
		int at = 0;

		for (int k = 0; k < 2; k++)
		{
			const FlowColumn *column = &columns[keys[k].column];
			FlowValue value;

			if (flow_value_read(column, &unit_host, group.keys[k], &value) == FLOW_OK)
				made.texts[k] =
					(FlowSlice) {strndup(value.text.data, value.text.len), value.text.len};
			times[k].null |= group.totals[1 + 2 * k].count < group.totals[0].count;
			add_extreme(&times[k], &group.totals[1 + 2 * k]);
			add_extreme(&times[k], &group.totals[2 + 2 * k]);
		}
		while (at < count && !same_texts(&all[at], &made))
			at++;
		if (at == count)
			all[count++] = made;
		else
			all[at].count += made.count;
	}
	set_times(times, result);
	for (int i = 0; i < count; i++)
		for (int k = 0; k < 2; k++)
		{
			int j = 0;

			while (all[j].texts[k].len != all[i].texts[k].len ||
			       (all[i].texts[k].len > 0 &&
			        memcmp(all[j].texts[k].data, all[i].texts[k].data, all[i].texts[k].len) != 0))
				j++;
			distinct[k] += j == i;
		}
	if (count > FLOW_INDEX_GROUPS || distinct[0] > FLOW_INDEX_GROUPS ||
	    distinct[1] > FLOW_INDEX_GROUPS)
		result->groups = -1;
	else
		set_groups(all, count, result);
	for (int i = 0; i < count; i++)
		for (int k = 0; k < 2; k++)
			free((char *) all[i].texts[k].data);
}

/* Adds the values of a column, whose keys are addresses if all of them are. */
static void
add_plainly(const FlowGroups *groups, int k, bool whole, FlowIndexBatch *batch, uint32_t file,
            Result *result)
{
	const FlowColumn *column = &columns[indexed[k]];
	bool addresses = whole && column->type == FLOW_TEXT;
	FlowIndexKey key;
	FlowValue value;
	FlowGroup group;

	for (size_t position = 0; flow_groups_next(groups, &position, &group) == FLOW_OK;)
		if (addresses && flow_value_read(column, &unit_host, group.keys[0], &value) == FLOW_OK &&
		    !flow_index_key_of_address(value.text, &key))
			addresses = false;
	result->address_columns |= addresses ? (uint32_t) 1 << k : 0;
	for (size_t position = 0; flow_groups_next(groups, &position, &group) == FLOW_OK;)
	{
		bool known = flow_value_read(column, &unit_host, group.keys[0], &value) == FLOW_OK;

		if (!known || !addresses || !flow_index_key_of_address(value.text, &key))
			flow_index_key(column, known ? &value : NULL, &key);
		if (flow_index_batch_add(batch, &key, (uint32_t) 1 << k, file) != FLOW_OK)
			abort();
	}
}

static void
read_plainly(const char *name, const Way *way, bool whole, FlowIndexBatch *batch, uint32_t file,
             Result *result)
{
	FlowGroups *sets[1 + INDEXED];
	FlowReader *reader;
	FlowFormat *format;
	FlowStatus status;
	FlowError error;
	Files files;
	int full;

	memset(result, 0, sizeof(*result));
	list_files(&files, &name, 1);
	reader = open_reader(&files, way, &format);
	for (int i = 0; i <= INDEXED; i++)
		sets[i] = make_groups(i == 0 ? keys : &value_keys[i - 1], i == 0);
	status = flow_reader_group_all(reader, sets, 1 + INDEXED, &full, &error);
	CHECK(status != FLOW_OK);
	set_result(reader, status, &error, result);
	if (status == FLOW_END)
		add_totals_plainly(sets[0], result);
	for (int k = 0; k < INDEXED && status == FLOW_END; k++)
		add_plainly(sets[1 + k], k, whole, batch, file, result);
	for (int i = 0; i <= INDEXED; i++)
		flow_groups_free(sets[i]);
	flow_reader_close(reader);
	flow_format_free(format);
}

/* ---------- the fast way ---------- */

/* Returns true if all values were there at the end of the file. */
static bool
read_fast(const char *name, const Way *way, FlowIndexValues *values, FlowIndexBatch *batch,
          uint32_t file, Result *result)
{
	FlowIndexTotals *totals = make_totals();
	FlowIndexGroup groups[FLOW_INDEX_GROUPS];
	FlowReader *reader;
	FlowFormat *format;
	FlowStatus status;
	FlowError error;
	Files files;
	bool whole = true;
	uint32_t none;

	memset(result, 0, sizeof(*result));
	list_files(&files, &name, 1);
	reader = open_reader(&files, way, &format);
	while ((status = flow_reader_index(reader, totals, values, &error)) == FLOW_OK)
	{
		CHECK(flow_reader_balances(reader));
		whole = false;
		fulls++;
		if (flow_index_values_give(values, false, batch, file, &none) != FLOW_OK)
			abort();
		CHECK_INT(none, 0);
		flow_index_values_clear(values);
	}
	set_result(reader, status, &error, result);
	if (status == FLOW_END)
	{
		FlowIndexExtremes times[2] = {flow_index_totals_times(totals, 0),
		                              flow_index_totals_times(totals, 1)};

		set_times(times, result);
		set_groups(groups, flow_index_totals_groups(totals, groups), result);
	}
	if (status != FLOW_END)
		flow_index_batch_forget(batch, file);
	else if (flow_index_values_give(values, whole, batch, file, &result->address_columns) !=
	         FLOW_OK)
		abort();
	flow_index_values_clear(values);
	flow_index_totals_free(totals);
	flow_reader_close(reader);
	flow_format_free(format);
	return whole;
}

/* ---------- comparing ---------- */

static FlowIndexBatch *
make_batch(void)
{
	FlowIndexBatch *batch;
	FlowError error;

	if (flow_index_batch_create(&unit_host, 1 << 26, &batch, &error) != FLOW_OK)
		abort();
	return batch;
}

static size_t
compare_batches(FlowIndexBatch *fast, FlowIndexBatch *plain)
{
	size_t a = 0, b = 0;
	bool same = true;

	CHECK_INT(flow_index_batch_sort(fast), FLOW_OK);
	CHECK_INT(flow_index_batch_sort(plain), FLOW_OK);
	while (same)
	{
		FlowIndexEntry x, y;
		FlowStatus status = flow_index_batch_next(fast, &a, &x);

		CHECK_INT(flow_index_batch_next(plain, &b, &y), status);
		if (status != FLOW_OK)
			break;
		same = flow_index_key_compare(&x.key, &y.key) == 0 && x.mask == y.mask &&
		       x.nfiles == y.nfiles && memcmp(x.files, y.files, x.nfiles * sizeof(uint32_t)) == 0;
	}
	CHECK(same);
	CHECK_INT(a, b);
	return a;
}

static size_t
compare_all(Way way, Result *last)
{
	FlowIndexBatch *fast = make_batch(), *plain = make_batch();
	FlowIndexValues *values = make_values(way.memory);
	size_t entries;

	for (size_t i = 0; i < flow_countof(names); i++)
	{
		Result a, b;
		bool whole = read_fast(names[i], &way, values, fast, (uint32_t) i, &a);

		read_plainly(names[i], &way, whole, plain, (uint32_t) i, &b);
		if (memcmp(&a, &b, sizeof(a)) != 0)
			printf("# %s differs: %s, %s\n", names[i], a.detail, b.detail);
		CHECK(memcmp(&a, &b, sizeof(a)) == 0);
		last[i] = a;
	}
	entries = compare_batches(fast, plain);
	flow_index_values_free(values);
	flow_index_batch_free(fast);
	flow_index_batch_free(plain);
	return entries;
}

/* ---------- logs ---------- */

/* Writes an address, in IPv6 now and then. */
static void
write_address(FILE *file, unsigned number, bool spelled)
{
	if (number % 11 == 0)
		fprintf(file, "2001:db8:%x::%x ", number / 16 % 64 + 1, number / 7 % 4096 + 1);
	else if (spelled && number % 13 == 0)
		fprintf(file, "010.1.%u.1 ", number % 256);
	else if (number % 61 == 0)
		fprintf(file, "- ");
	else
		fprintf(file, "10.%u.%u.%u ", number / 3 % 4, number / 5 % 256, number / 7 % 256);
}

/* Writes a time: as digits mostly, of which some begin otherwise. */
static void
write_time(FILE *file, unsigned number, bool spelled)
{
	static const char *const others[] = {"2026-01-30T01:02:03Z",
	                                     "1769738523123",
	                                     "2099999999",
	                                     "2147483647",
	                                     "0999999999",
	                                     "2020-01-01",
	                                     "17",
	                                     "-"};

	if (spelled && number % 7 == 0)
		fprintf(file, "%s ", others[number / 7 % flow_countof(others)]);
	else
		fprintf(file, "%u ", 1700000000 + number / 11 % 100000);
}

static void
make_log(char *path, bool bad, bool spelled)
{
	uint64_t seed = 20 + bad;
	FILE *file;

	snprintf(path, PATH_SIZE, "%s/flow_values_XXXXXX", unit_temporary());
	file = fdopen(mkstemp(path), "w");
	fprintf(file, "pkt-srcaddr srcaddr dstaddr dstport start action interface-id\n");
	for (int i = 0; i < 6000; i++)
	{
		unsigned number = (unsigned) unit_random(&seed);
		bool is_bad = bad && i > 300 && number % 97 == 0;

		if (is_bad && number % 5 == 0)
			fprintf(file, "no record\n");
		if (is_bad && number % 3 == 0)
			fprintf(file, "10.0.0.1/8 10.0.0.x ");
		else
			fprintf(file, "10.%u.0.0/16 ", number % 64), write_address(file, number, spelled);
		if (is_bad && number % 4 == 0)
			fprintf(file, "%0*d ", (int) (number % 300) + 1, 7);
		else
			write_address(file, number / 3, spelled);
		fprintf(file, "%u ", is_bad ? 1000000 : number / 7 % 3000);
		write_time(file, number, spelled);
		fprintf(file,
		        "%s eni-%05x%s\n",
		        number % 5 == 0 ? "REJECT" : "ACCEPT",
		        number % (spelled ? 30 : 77),
		        is_bad ? "too-long" : "");
	}
	fclose(file);
}

/* ---------- tests ---------- */

static Result results[flow_countof(names)];

static void
values_are_those_of_groups(void)
{
	for (int i = 0; i < 6; i++)
	{
		size_t entries = compare_all((Way) {.on_error = (FlowOnError) (i % 3),
		                                    .splitter = i / 3,
		                                    .memory = 1 << 24},
		                             results);
		const Result *good = &results[flow_countof(names) - 2];

		CHECK(entries > 10000);
		/* both columns of texts have addresses only in one log, and not in the other */
		CHECK((good->address_columns & 0x12) == 0x12);
		CHECK((good[1].address_columns & 0x12) == 0);
		CHECK(good->emitted == 6000 && good->groups == -1);
		CHECK(good[1].records == 6000 && good[1].groups == 30);
		CHECK((good[-1].status == FLOW_END) == (i % 3 != FLOW_ON_ERROR_STOP));
		printf("# %zu entries\n", entries);
	}
	CHECK_INT(fulls, 0);
}

/* There is room for one record, or for some. */
static void
nothing_is_lost_where_there_is_no_room(void)
{
	for (int i = 0; i < 8; i++)
	{
		fulls = 0;
		compare_all((Way) {.on_error = i % 2 ? FLOW_ON_ERROR_SET_NULL : FLOW_ON_ERROR_IGNORE,
		                   .splitter = i / 2 % 2,
		                   .memory = i < 4 ? 1 : 300000},
		            results);
		CHECK(fulls > 5);
		printf("# full %zu times\n", fulls);
	}
}

/* A column that must have values raises the same errors. */
static void
required_columns_are_checked(void)
{
	columns[0].not_null = columns[5].not_null = true;
	for (int i = 0; i < 4; i++)
		compare_all((Way) {.on_error = i % 2 ? FLOW_ON_ERROR_STOP : FLOW_ON_ERROR_IGNORE,
		                   .splitter = i / 2,
		                   .memory = 1 << 24},
		            results);
	columns[0].not_null = columns[5].not_null = false;
}

/* The text that means NULL may look like an address. */
static void
null_may_be_an_address(void)
{
	for (size_t i = 0; i < flow_countof(columns); i++)
	{
		columns[i].null_text = "10.1.2.3";
		columns[i].null_len = 8;
	}
	for (int i = 0; i < 2; i++)
		compare_all((Way) {.on_error = FLOW_ON_ERROR_SET_NULL, .splitter = i, .memory = 1 << 24},
		            results);
}

/* Every allocation may fail; what was made is released. */
static void
memory_may_be_short(void)
{
	FlowIndexValuesSpec spec = {&unit_host, columns, indexed, INDEXED, 1 << 20};
	FlowIndexTotalsSpec totals_spec = {&unit_host, columns, {3, 2}, {4, 7}};

	for (int64_t i = 0; i < 12; i++)
	{
		FlowIndexValues *values;
		FlowIndexTotals *totals;
		FlowError error;
		FlowStatus status;

		unit_state.fail_after = i;
		status = flow_index_values_create(&spec, &values, &error);
		unit_state.fail_after = -1;
		CHECK(status == FLOW_OK || (status == FLOW_NO_MEMORY && values == NULL));
		flow_index_values_free(values);

		unit_state.fail_after = i;
		status = flow_index_totals_create(&totals_spec, &totals, &error);
		unit_state.fail_after = -1;
		CHECK(status == FLOW_OK || (status == FLOW_NO_MEMORY && totals == NULL));
		flow_index_totals_free(totals);
	}
}

int
main(void)
{
	int64_t outstanding = unit_state.outstanding;

	make_log(bad_log, true, false);
	make_log(good_log, false, false);
	make_log(spelled_log, false, true);
	RUN(values_are_those_of_groups);
	RUN(nothing_is_lost_where_there_is_no_room);
	RUN(required_columns_are_checked);
	RUN(null_may_be_an_address);
	RUN(memory_may_be_short);
	CHECK_INT(unit_state.outstanding, outstanding);
	unlink(bad_log);
	unlink(good_log);
	unlink(spelled_log);
	return unit_done();
}
