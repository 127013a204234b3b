/*-------------------------------------------------------------------------
 *
 * test_group_all.c
 *	  Tests several sets of groups that one pass of the reader fills, against a
 *	  pass for each set and file, and the pause after each file.
 *
 * To be run from the top of the source tree.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILES 16
#define SETS 4

#define COLUMN(column_name, column_type)                                                           \
	{                                                                                              \
		.name = column_name, .field = column_name, .type = column_type, .max_chars = -1,           \
		.precision = -1, .scale = -1, .null_text = "-", .null_len = 1                              \
	}

static const FlowColumn columns[] = {COLUMN("srcaddr", FLOW_ADDRESS),
                                     COLUMN("dstaddr", FLOW_TEXT),
                                     COLUMN("dstport", FLOW_INT16),
                                     COLUMN("start", FLOW_TIME),
                                     COLUMN("action", FLOW_TEXT),
                                     COLUMN("log-status", FLOW_TEXT)};

static const FlowGroupBy keys[SETS][2] = {{{4, NULL}, {5, NULL}},
                                          {{0, NULL}},
                                          {{1, NULL}},
                                          {{2, NULL}}};
static const FlowAggregate aggregates[] = {{.kind = FLOW_COUNT_ALL, .column = -1},
                                           {.kind = FLOW_MIN, .column = 3},
                                           {.kind = FLOW_MAX, .column = 3}};

/* A file that the test makes. */
static char made[256];

/* Files of all forms, some of which have bad records. */
static const char *const names[] = {"test/data/s3.log",
                                    "test/data/plain.log.gz",
                                    "test/data/members.log.gz",
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
                                    made};

typedef struct Files
{
	FlowObject items[MAX_FILES];
	FlowObjects objects;
} Files;

/* What is read, and how. */
typedef struct Way
{
	FlowOnError on_error;
	bool splitter;
	size_t memory;
} Way;

/* A group, or a distinct value, of one file; the totals of a set that has some. */
typedef struct Item
{
	char key[200];
	uint64_t count, times;
	int64_t least, greatest;
} Item;

typedef struct Items
{
	Item items[4000];
	size_t count;
} Items;

typedef struct Result
{
	Items sets[SETS];
	FlowCounts counts;
} Result;

static FlowObject
object_of(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
	{
		printf("# no file %s\n", path);
		abort();
	}
	return (FlowObject) {
		.path = path,
		.size = (uint64_t) st.st_size,
		.modified = st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec,
		.device = st.st_dev,
		.inode = st.st_ino,
	};
}

static void
list_files(Files *files, const char *const *paths, size_t count)
{
	memset(files, 0, sizeof(*files));
	for (size_t i = 0; i < count; i++)
	{
		files->items[i] = object_of(paths[i]);
		files->items[i].number = i;
		files->objects.bytes += files->items[i].size;
	}
	files->objects.items = files->items;
	files->objects.count = count;
	files->objects.complete = true;
}

/* ---------- groups ---------- */

static FlowGroups *
make_groups(int set, size_t memory)
{
	FlowGroupSpec spec = {.host = &unit_host,
	                      .columns = columns,
	                      .ncolumns = flow_countof(columns),
	                      .keys = keys[set],
	                      .nkeys = set == 0 ? 2 : 1,
	                      .aggregates = aggregates,
	                      .naggregates = set == 0 ? flow_countof(aggregates) : 0,
	                      .memory = memory};
	FlowGroups *groups;
	FlowError error;

	if (flow_groups_create(&spec, &groups, &error) != FLOW_OK)
		abort();
	return groups;
}

/* Returns the item of a key, which is made if there is none. */
static Item *
find_item(Items *items, const FlowSlice *slices, int nkeys)
{
	char key[sizeof(((Item *) 0)->key)];
	size_t used = 0;
	Item *item;

	for (int k = 0; k < nkeys; k++)
		used += (size_t) snprintf(key + used,
		                          sizeof(key) - used,
		                          "%s%.*s|",
		                          slices[k].data == NULL ? "?" : "",
		                          (int) slices[k].len,
		                          slices[k].data == NULL ? "" : slices[k].data);
	for (size_t i = 0; i < items->count; i++)
		if (strcmp(items->items[i].key, key) == 0)
			return &items->items[i];
	if (items->count == flow_countof(items->items))
		abort();
	item = &items->items[items->count++];
	*item = (Item) {.least = INT64_MAX, .greatest = INT64_MIN};
	strcpy(item->key, key);
	return item;
}

/* Adds the groups of a set to a result, and clears them. */
static void
take_groups(int set, FlowGroups *groups, Result *result)
{
	size_t position = 0;
	FlowGroup group;

	while (flow_groups_next(groups, &position, &group) == FLOW_OK)
	{
		Item *item = find_item(&result->sets[set], group.keys, set == 0 ? 2 : 1);

		if (set > 0)
			continue;
		item->count += group.totals[0].count;
		item->times += group.totals[1].count;
		if (group.totals[1].count == 0)
			continue;
		if (group.totals[1].as.extreme.integer < item->least)
			item->least = group.totals[1].as.extreme.integer;
		if (group.totals[2].as.extreme.integer > item->greatest)
			item->greatest = group.totals[2].as.extreme.integer;
	}
	flow_groups_clear(groups);
}

static int
compare_items(const void *a, const void *b)
{
	return strcmp(((const Item *) a)->key, ((const Item *) b)->key);
}

static void
sort_items(Result *result)
{
	for (int set = 0; set < SETS; set++)
		qsort(result->sets[set].items, result->sets[set].count, sizeof(Item), compare_items);
}

/* ---------- reading ---------- */

static FlowFormat *format;
static size_t fulls[SETS]; /* how often a set had no room */

static FlowReader *
open_reader(const Files *files, const Way *way, bool pause)
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
	                     .pause_at_files = pause};
	FlowReader *reader;
	FlowError error;

	if (flow_format_create(&unit_host, &format_spec, &format, &error) != FLOW_OK)
		abort();
	spec.format = format;
	if (flow_reader_create(&spec, &reader, &error) != FLOW_OK)
		abort();
	return reader;
}

static void
close_reader(FlowReader *reader)
{
	CHECK(flow_reader_balances(reader));
	flow_reader_close(reader);
	flow_format_free(format);
}

/* Reads one file once for each set. */
static void
read_plainly(const char *name, Way way, Result *result)
{
	Files files;

	memset(result, 0, sizeof(*result));
	way.memory = 1 << 20;
	list_files(&files, &name, 1);
	for (int set = 0; set < SETS; set++)
	{
		FlowReader *reader = open_reader(&files, &way, false);
		FlowGroups *groups = make_groups(set, way.memory);
		FlowStatus status;
		FlowError error;

		while ((status = flow_reader_group(reader, groups, &error)) == FLOW_OK)
			take_groups(set, groups, result);
		CHECK_INT(status, FLOW_END);
		take_groups(set, groups, result);
		CHECK(flow_reader_file(reader) == NULL);
		result->counts = *flow_reader_counts(reader);
		flow_groups_free(groups);
		close_reader(reader);
	}
	sort_items(result);
}

/* Reads the next file for all sets; returns false after the last. */
static bool
read_next(FlowReader *reader, FlowGroups *const *sets, const FlowObject *object, Result *result)
{
	FlowCounts before = *flow_reader_counts(reader);
	FlowStatus status;
	FlowError error;
	int full;

	memset(result, 0, sizeof(*result));
	while ((status = flow_reader_group_all(reader, sets, SETS, &full, &error)) == FLOW_OK)
	{
		CHECK(flow_reader_balances(reader));
		CHECK(flow_groups_count(sets[full]) > 0);
		CHECK(flow_reader_file(reader) == object);
		take_groups(full, sets[full], result);
		fulls[full]++;
	}
	CHECK_INT(status, FLOW_END);
	CHECK(flow_reader_file(reader) == object);
	for (int set = 0; set < SETS; set++)
		take_groups(set, sets[set], result);
	result->counts = *flow_reader_counts(reader);
	flow_counts_subtract(&result->counts, &before);
	sort_items(result);
	return object != NULL;
}

static void
compare(const char *name, const Result *result, const Result *plain)
{
	static const size_t counts[] = {offsetof(FlowCounts, bytes_read),
	                                offsetof(FlowCounts, lines),
	                                offsetof(FlowCounts, headers),
	                                offsetof(FlowCounts, blank),
	                                offsetof(FlowCounts, emitted),
	                                offsetof(FlowCounts, rejected),
	                                offsetof(FlowCounts, files_lacking),
	                                offsetof(FlowCounts, row_groups)};
	bool same = true;

	/* what is read of a Parquet file depends on the columns */
	for (size_t i = plain->counts.row_groups > 0; i < flow_countof(counts); i++)
		same &= *(const uint64_t *) ((const char *) &result->counts + counts[i]) ==
		        *(const uint64_t *) ((const char *) &plain->counts + counts[i]);
	for (int set = 0; set < SETS; set++)
		same &= result->sets[set].count == plain->sets[set].count &&
		        memcmp(result->sets[set].items,
		               plain->sets[set].items,
		               plain->sets[set].count * sizeof(Item)) == 0;
	/* a record with a bad field counts for the sets that use the field */
	same &= result->counts.set_null >= plain->counts.set_null;
	if (!same)
		printf("# %s differs\n", name);
	CHECK(same);
	CHECK(plain->sets[0].count > 0);
}

static Result plain[flow_countof(names)], result;

static void
compare_all(Way way)
{
	size_t count = flow_countof(names);
	FlowGroups *sets[SETS];
	FlowReader *reader;
	Files files;

	list_files(&files, names, count);
	for (size_t i = 0; i < count; i++)
		read_plainly(names[i], way, &plain[i]);
	for (int set = 0; set < SETS; set++)
		sets[set] = make_groups(set, way.memory);
	reader = open_reader(&files, &way, true);
	for (size_t i = 0; i < count; i++)
	{
		CHECK(read_next(reader, sets, &files.items[i], &result));
		compare(names[i], &result, &plain[i]);
	}
	CHECK(!read_next(reader, sets, NULL, &result));
	CHECK_INT(result.counts.lines, 0);
	CHECK(!read_next(reader, sets, NULL, &result));
	for (int set = 0; set < SETS; set++)
		flow_groups_free(sets[set]);
	close_reader(reader);
}

/* Writes a log with many values, some of which are bad, and lines that are no records. */
static void
make_log(void)
{
	uint64_t seed = 20;
	FILE *file;

	snprintf(made, sizeof(made), "%s/flow_group_all_XXXXXX", unit_temporary());
	file = fdopen(mkstemp(made), "w");
	fprintf(file, "srcaddr dstaddr dstport start action log-status\n");
	for (int i = 0; i < 8000; i++)
	{
		unsigned number = (unsigned) unit_random(&seed);
		char text[50];

		snprintf(text, sizeof(text), "a-long-text-that-takes-some-memory-%u", number);
		if (number % 997 == 0)
			fprintf(file, "no record\n");
		fprintf(file,
		        "10.0.%u.%s %s %u %u %s OK\n",
		        number / 3 % 256,
		        number % 499 == 0 ? "x" : "1",
		        number % 4 == 0 ? text : "192.0.2.1",
		        number % 101 == 0 ? 1000000 : number / 7 % 3000,
		        1700000000 + number / 11 % 100000,
		        number % 5 == 0 ? text : "ACCEPT");
	}
	fclose(file);
}

/* ---------- tests ---------- */

static void
one_pass_fills_all_sets(void)
{
	for (int i = 0; i < 4; i++)
		compare_all((Way) {.on_error = i % 2 ? FLOW_ON_ERROR_SET_NULL : FLOW_ON_ERROR_IGNORE,
		                   .splitter = i / 2,
		                   .memory = 1 << 20});
	for (int set = 0; set < SETS; set++)
		CHECK_INT(fulls[set], 0);
}

/* A set has room for few groups, so all of them are full again and again. */
static void
nothing_is_lost_or_counted_twice_where_a_set_is_full(void)
{
	for (int i = 0; i < 4; i++)
	{
		memset(fulls, 0, sizeof(fulls));
		compare_all((Way) {.on_error = i % 2 ? FLOW_ON_ERROR_SET_NULL : FLOW_ON_ERROR_IGNORE,
		                   .splitter = i / 2,
		                   .memory = 1});
		for (int set = 0; set < SETS; set++)
			CHECK(fulls[set] > 5 || set == 1); /* which has few values */
		printf("# full %zu %zu %zu %zu times\n", fulls[0], fulls[1], fulls[2], fulls[3]);
	}
}

/* The file of an error is known, and what comes after it can be read by another reader. */
static void
an_error_tells_its_file(void)
{
	const char *const some[] = {"test/data/s3.log", "test/data/bad_crc.log.gz", "test/data/s3.log"};
	Way way = {.on_error = FLOW_ON_ERROR_IGNORE, .splitter = true, .memory = 1 << 20};
	FlowGroups *sets[SETS];
	FlowReader *reader;
	FlowStatus status;
	FlowError error;
	Files files;
	int full;

	list_files(&files, some, flow_countof(some));
	reader = open_reader(&files, &way, true);
	for (int set = 0; set < SETS; set++)
		sets[set] = make_groups(set, way.memory);
	CHECK(flow_reader_file(reader) == NULL);
	CHECK(read_next(reader, sets, &files.items[0], &result));
	status = flow_reader_group_all(reader, sets, SETS, &full, &error);
	CHECK_INT(status, FLOW_CORRUPT);
	CHECK(flow_reader_file(reader) == &files.items[1]);
	for (int set = 0; set < SETS; set++)
		flow_groups_free(sets[set]);
	flow_reader_close(reader);
	flow_format_free(format);
}

int
main(void)
{
	int64_t outstanding = unit_state.outstanding;

	make_log();
	RUN(one_pass_fills_all_sets);
	RUN(nothing_is_lost_or_counted_twice_where_a_set_is_full);
	RUN(an_error_tells_its_file);
	CHECK_INT(unit_state.outstanding, outstanding);
	unlink(made);
	return unit_done();
}
