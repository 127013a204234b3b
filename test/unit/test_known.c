/*-------------------------------------------------------------------------
 *
 * test_known.c
 *	  Tests the days of folders, and listings of which a part is known from an
 *	  earlier one: they find what a listing of everything finds.
 *
 *-------------------------------------------------------------------------
 */
#include "tree.h"

#define DAY_US (INT64_C(24) * 3600 * 1000000)
#define HIVE "year=${year}/month=${month}/day=${day}"

static const FlowAccess everywhere = {0};

static FlowError error;

static FlowLocation *
parse(const char *location)
{
	FlowLocation *parsed;

	must(flow_location_parse(&unit_host, location, &parsed, &error) == FLOW_OK, error.detail);
	return parsed;
}

/* ---------- locations with days ---------- */

static bool
has_days(const char *location)
{
	FlowLocation *parsed = parse(location);
	bool result = flow_location_has_days(parsed);

	flow_location_free(parsed);
	return result;
}

static void
folders_have_days_by_dates_and_by_the_keys_of_hive(void)
{
	CHECK(has_days("/l/${day:yyyy/MM/dd}"));
	CHECK(has_days("/l/${day:yyyy/MM/dd}/"));
	CHECK(has_days("/l/${day:yyyy/MM/dd}/*.gz"));
	CHECK(has_days("s3://bucket/AWSLogs/*/vpcflowlogs/${region}/${day:yyyy/MM/dd}/"));
	CHECK(has_days("/l/dt=${dt:yyyy-MM-dd}/*.gz"));
	CHECK(has_days("/l/${dt:dd.MM.yyyy}"));
	CHECK(has_days("/l/${hour:yyyy/MM/dd/HH}/*.gz"));
	CHECK(has_days("/l/${day:yyyy/MM/dd}/**"));
	CHECK(has_days("/l/${day:yyyy/MM/dd}/${month:yyyyMM}/"));
	CHECK(has_days("/l/" HIVE));
	CHECK(has_days("/l/" HIVE "/hour=${hour}/"));
	CHECK(has_days("/l/day=${day}/month=${month}/year=${year}/"));

	CHECK(!has_days("/l"));
	CHECK(!has_days("/l/*/*/*"));
	CHECK(!has_days("/l/${day}/"));
	CHECK(!has_days("/l/${month:yyyy/MM}/"));
	CHECK(!has_days("/l/year=${year}/month=${month}/"));
	CHECK(!has_days("/l/${year}/${month}/${day}/"));
	CHECK(!has_days("/l/y=${year}x/month=${month}/day=${day}/"));
	CHECK(!has_days("/l/${day:yyyyMMdd}.log.gz"));
	CHECK(!has_days("/l/${day:yyyyMMdd}*"));
	CHECK(!has_days("/l/${day:yyyy/MM/dd}.gz"));
	CHECK(!has_days("/l/**/${day:yyyy/MM/dd}/"));
	CHECK(!has_days("/l/year=${year}/**/month=${month}/day=${day}/"));
	CHECK(!has_days("/l/${a:yyyy/MM/dd}/${b:yyyy-MM-dd}/"));
}

/* ---------- days of paths ---------- */

/* Returns the days of a file below a location, or of a directory. */
static const char *
days(const char *location, const char *path, bool directory)
{
	static char text[80];
	FlowLocation *parsed = parse(location);
	FlowPathValue values[FLOW_MAX_VARIABLES];
	int64_t from, to;
	bool more;

	if (!(directory ? flow_location_directory_values(parsed, path, values, &more)
	                : flow_location_values(parsed, path, values)))
		strcpy(text, "no match");
	else if (!flow_location_days(parsed, values, &from, &to))
		strcpy(text, "none");
	else
	{
		CHECK(from % DAY_US == 0 && (to % DAY_US == 0 || to == INT64_MAX));
		text[flow_date_write("yyyy-MM-dd", from, text)] = '\0';
		snprintf(text + 10, 40, " +%" PRId64, (to - from) / DAY_US);
	}
	flow_location_free(parsed);
	return text;
}

static void
a_path_belongs_to_a_day_or_to_more_if_no_more_is_known(void)
{
	const char *date = "/l/${day:yyyy/MM/dd}/*";
	const char *hour = "/l/${t:yyyy/MM/dd/HH}/*";
	const char *hive = "/l/" HIVE "/*";

	CHECK_STRING(days(date, "/l/2024/02/29/a", false), "2024-02-29 +1");
	CHECK_STRING(days(date, "/l/2024/02/30/a", false), "no match");
	CHECK_STRING(days(date, "/l/2024", true), "2024-01-01 +366");
	CHECK_STRING(days(date, "/l/2023/02", true), "2023-02-01 +28");
	CHECK_STRING(days(date, "/l/1969/12/31", true), "1969-12-31 +1");
	CHECK_STRING(days(hour, "/l/2024/02/29/23/a", false), "2024-02-29 +1");
	CHECK_STRING(days(hour, "/l/2024/02/29/00/a", false), "2024-02-29 +1");
	CHECK_STRING(days(hour, "/l/1969/12/31/22/a", false), "1969-12-31 +1");
	CHECK_STRING(days("/l/${c}/${day:yyyy/MM/dd}/*", "/l/x", true), "none");

	CHECK_STRING(days(hive, "/l/year=2024/month=02/day=29/a", false), "2024-02-29 +1");
	CHECK_STRING(days(hive, "/l/year=2024", true), "2024-01-01 +366");
	CHECK_STRING(days(hive, "/l/year=2024/month=12", true), "2024-12-01 +31");
	CHECK_STRING(days(hive, "/l/year=1900/month=02", true), "1900-02-01 +28");
	/* keys of another form are of all days of their year or month */
	CHECK_STRING(days(hive, "/l/year=2024/month=2/day=29/a", false), "2024-01-01 +366");
	CHECK_STRING(days(hive, "/l/year=2024/month=02/day=9/a", false), "2024-02-01 +29");
	CHECK_STRING(days(hive, "/l/year=2024/month=02/day=30/a", false), "2024-02-01 +29");
	CHECK_STRING(days(hive, "/l/year=2024/month=13/day=01/a", false), "2024-01-01 +366");
	CHECK_STRING(days(hive, "/l/year=2024/month=02/day=__HIVE_DEFAULT_PARTITION__/a", false),
	             "2024-02-01 +29");
	CHECK_STRING(days(hive, "/l/year=24/month=02/day=01/a", false), "none");
	CHECK_STRING(days(hive, "/l/year=x/month=02/day=01/a", false), "none");
	CHECK_STRING(days("/l/day=${day}/month=${month}/year=${year}/*", "/l/day=01", true), "none");
}

static void
the_calendar_is_that_of_the_system(void)
{
	FlowLocation *location = parse("/l/" HIVE "/*");
	FlowPathValue values[FLOW_MAX_VARIABLES];
	int64_t from, to;
	char path[80];

	for (int64_t day = -140000; day < 200000; day += 13)
	{
		char texts[FLOW_DAY_TEXTS];

		memcpy(path, "/l/", 4);
		path[3 + flow_date_write("year=yyyy/month=MM/day=dd/a", day * DAY_US, path + 3)] = '\0';
		CHECK(flow_location_values(location, path, values) &&
		      flow_location_days(location, values, &from, &to) && from == day * DAY_US &&
		      to == from + DAY_US);
		CHECK(flow_location_set_day(location, day * DAY_US, texts, values) &&
		      flow_location_days(location, values, &from, &to) && from == day * DAY_US &&
		      to == from + DAY_US);
	}
	flow_location_free(location);
}

/* ---------- listings ---------- */

/* Leaves out what a query does not want, or what is not known. */
typedef struct Wish
{
	const FlowLocation *location;
	int64_t before; /* only files that are known of days before this; INT64_MAX: all */
	uint64_t seed;  /* only paths whose hash is even; 0: all */
	int64_t low, high;
	size_t directories;
} Wish;

static FlowStatus
wish(void *arg, const FlowObject *file, const FlowPathValue *values, FlowPruning *pruning,
     FlowError *failure)
{
	Wish *wanted = arg;
	int64_t from, to;
	bool known = flow_location_days(wanted->location, values, &from, &to);
	uint64_t hash = wanted->seed;

	(void) failure;
	wanted->directories += file == NULL;
	*pruning = FLOW_KEEP;
	if (known && (from >= wanted->high || to <= wanted->low))
		*pruning = FLOW_PRUNE_BY_PATH;
	if (file == NULL)
		return FLOW_OK;
	if (wanted->before != INT64_MAX && (!known || to > wanted->before))
		*pruning = FLOW_PRUNE_BY_PATH;
	for (const char *p = file->path; *p != '\0'; p++)
		hash = hash * 31 + (unsigned char) *p;
	if (wanted->seed != 0 && hash % 2 == 1)
		*pruning = FLOW_PRUNE_BY_PATH;
	return FLOW_OK;
}

/* A list that is known. */
typedef struct Earlier
{
	const FlowObjects *objects;
} Earlier;

static FlowStatus
add_all(void *arg, FlowObjects *objects, FlowError *failure)
{
	const FlowObjects *from = ((Earlier *) arg)->objects;
	FlowStatus status = FLOW_OK;

	/* in no order */
	for (size_t i = from->count; i-- > 0 && status == FLOW_OK;)
	{
		FlowObject object = from->items[i];

		object.settled = true;
		status = flow_objects_add_known(&unit_host, objects, &object, failure);
	}
	return status;
}

static FlowObjects *
list(const FlowLocation *location, Wish *wanted, const FlowKnown *known)
{
	const FlowPruner pruner = {wanted, wish};
	FlowObjects *objects;

	wanted->location = location;
	must(flow_objects_begin_known(
			 &unit_host, location, &everywhere, &pruner, known, &objects, &error) == FLOW_OK,
	     error.message);
	return objects;
}

static void
check_same(const FlowObjects *got, const FlowObjects *want)
{
	CHECK_INT(got->count, want->count);
	CHECK_INT(got->bytes, want->bytes);
	CHECK(got->complete);
	for (size_t i = 0; i < got->count && i < want->count; i++)
	{
		CHECK_STRING(got->items[i].path, want->items[i].path);
		CHECK_INT(got->items[i].number, i);
	}
}

/* Makes files in folders of some days, not all of which are days. */
static void
plant_days(uint64_t *seed, bool hive)
{
	static const char *const months[] = {"01", "02", "12", "1", "13", "__HIVE_DEFAULT_PARTITION__"};
	static const char *const month_days[] = {"01", "31", "30", "3", "x"};
	char name[200];

	plant();
	for (int i = 0; i < 60; i++)
	{
		const char *month = months[unit_random(seed) % (hive ? 6 : 4)];
		const char *day = month_days[unit_random(seed) % 5];
		int year = 2020 + (int) (unit_random(seed) % 3);

		if (hive)
			snprintf(name,
			         sizeof(name),
			         "%c/year=%d/month=%s/day=%s/%d",
			         'a' + (int) (unit_random(seed) % 2),
			         year,
			         month,
			         day,
			         i);
		else
			snprintf(name,
			         sizeof(name),
			         "%c/%d/%s/%s/%d",
			         'a' + (int) (unit_random(seed) % 2),
			         year,
			         month,
			         day,
			         i);
		file(name, 1 + i);
	}
	/* neither in a folder of a day */
	file(hive ? "a/year=x/month=01/day=01/z" : "a/x/01/01/z", 1);
	file("b/top", 1);
}

static void
what_is_known_and_what_is_listed_are_all_files(void)
{
	int64_t outstanding = unit_state.outstanding;
	uint64_t seed = 1;

	for (int i = 0; i < unit_tries(300); i++)
	{
		bool hive = unit_random(&seed) % 2 == 0;
		int64_t begin = INT64_C(18262) * DAY_US; /* 1 January 2020 */
		int64_t before = begin + (int64_t) (unit_random(&seed) % 1200) * DAY_US;
		int64_t low = begin + (int64_t) (unit_random(&seed) % 1200) * DAY_US;
		/* the earlier list may have been made for more days */
		int64_t later = before + (int64_t) (unit_random(&seed) % 2 * 40) * DAY_US;
		Wish settled = {.before = later, .low = INT64_MIN, .high = INT64_MAX};
		Wish wanted = {.before = INT64_MAX,
		               .seed = unit_random(&seed) % 2 * unit_random(&seed),
		               .low = unit_random(&seed) % 2 ? low : INT64_MIN,
		               .high = unit_random(&seed) % 2 ? low + 100 * DAY_US : INT64_MAX};
		FlowLocation *location;
		FlowObjects *earlier, *plain, *both;
		Earlier source;

		plant_days(&seed, hive);
		location = parse(at(hive ? "${c}/" HIVE "/*" : "${c}/${day:yyyy/MM/dd}/"));
		earlier = list(location, &settled, NULL);
		source.objects = earlier;
		if (unit_random(&seed) % 3 == 0)
			flow_shard_set(location, (FlowShard) {1 + (uint32_t) (unit_random(&seed) % 2), 2});
		plain = list(location, &wanted, NULL);
		both = list(location,
		            &wanted,
		            &(FlowKnown) {.before = before, .add = add_all, .arg = &source});
		check_same(both, plain);
		CHECK(both->known <= earlier->count);
		CHECK(both->directories_read <= plain->directories_read);
		if (later == before && wanted.low == INT64_MIN && wanted.high == INT64_MAX &&
		    wanted.seed == 0)
			CHECK_INT(both->known, earlier->count);
		for (size_t k = 0; k < both->count; k++)
		{
			FlowPathValue values[FLOW_MAX_VARIABLES];
			int64_t from, to;

			CHECK(flow_location_values(location, both->items[k].path, values));
			CHECK_INT(both->items[k].settled,
			          flow_location_days(location, values, &from, &to) && to <= before);
		}
		flow_objects_free(&unit_host, earlier);
		flow_objects_free(&unit_host, plain);
		flow_objects_free(&unit_host, both);
		flow_location_free(location);
		fell();
	}
	CHECK_INT(unit_state.outstanding, outstanding);
}

static void
directories_of_known_days_are_not_opened(void)
{
	Wish all = {.before = INT64_MAX, .low = INT64_MIN, .high = INT64_MAX};
	Earlier source = {&(FlowObjects) {0}};
	FlowLocation *location;
	FlowObjects *objects;

	plant();
	files("2020/01/01/a 2020/12/31/b 2021/01/01/c 2021/01/02/d 2021/02/01/e");
	location = parse(at("${day:yyyy/MM/dd}/"));
	/* 2 January 2021: the root, 2021, 01, 02, the day, 02, the day */
	objects =
		list(location,
	         &all,
	         &(FlowKnown) {.before = INT64_C(18629) * DAY_US, .add = add_all, .arg = &source});
	CHECK_INT(objects->count, 2);
	CHECK_INT(objects->directories_read, 6);
	CHECK_INT(objects->pruned.directories, 0);
	flow_objects_free(&unit_host, objects);

	/* if nothing else is wanted, none is read, but the first must be there */
	objects = list(location,
	               &all,
	               &(FlowKnown) {.before = INT64_C(18629) * DAY_US,
	                             .all = true,
	                             .add = add_all,
	                             .arg = &source});
	CHECK_INT(objects->count, 0);
	CHECK_INT(objects->directories_read, 0);
	flow_objects_free(&unit_host, objects);
	flow_location_free(location);

	location = parse(at("gone/${day:yyyy/MM/dd}/"));
	CHECK_INT(flow_objects_begin_known(&unit_host,
	                                   location,
	                                   &everywhere,
	                                   NULL,
	                                   &(FlowKnown) {.before = 0,
	                                                 .all = true,
	                                                 .add = add_all,
	                                                 .arg = &source},
	                                   &objects,
	                                   &error),
	          FLOW_NOT_FOUND);
	CHECK(objects == NULL);
	flow_location_free(location);
	fell();
}

static void
what_is_known_may_not_be_outside_the_allowed_paths(void)
{
	Earlier source = {&(FlowObjects) {0}};
	const char *allowed = "/nowhere";
	FlowAccess access = {.paths = &allowed, .count = 1};
	FlowLocation *location;
	FlowObjects *objects;

	plant();
	files("2020/01/01/a");
	location = parse(at("${day:yyyy/MM/dd}/"));
	CHECK_INT(flow_objects_begin_known(&unit_host,
	                                   location,
	                                   &access,
	                                   NULL,
	                                   &(FlowKnown) {.before = 0,
	                                                 .all = true,
	                                                 .add = add_all,
	                                                 .arg = &source},
	                                   &objects,
	                                   &error),
	          FLOW_NOT_ALLOWED);
	flow_location_free(location);
	fell();
}

/* Lists all of a tree, of which some days are known, until it does not fail. */
static void
fail_in_turn(int64_t *countdown, FlowStatus expected, bool all)
{
	Wish settled = {.before = INT64_C(18629) * DAY_US, .low = INT64_MIN, .high = INT64_MAX};
	FlowLocation *location = parse(at("${day:yyyy/MM/dd}/"));
	FlowObjects *earlier = list(location, &settled, NULL);
	Earlier source = {earlier};
	FlowKnown known = {.before = settled.before, .all = all, .add = add_all, .arg = &source};
	FlowStatus status = FLOW_NO_MEMORY;
	int64_t outstanding = unit_state.outstanding;
	int descriptors = open_descriptors();

	for (int n = 0; status != FLOW_OK; n++)
	{
		FlowObjects *objects;

		*countdown = n;
		status = flow_objects_list_known(
			&unit_host, location, &everywhere, NULL, &known, &objects, &error);
		*countdown = -1;
		if (status == FLOW_OK)
			flow_objects_free(&unit_host, objects);
		else
			CHECK(status == expected && objects == NULL);
		CHECK_INT(unit_state.outstanding, outstanding);
		CHECK_INT(open_descriptors(), descriptors);
		must(n < 1000, "it never ends");
	}
	flow_objects_free(&unit_host, earlier);
	flow_location_free(location);
}

static void
a_lack_of_memory_and_an_interrupt_leave_nothing_behind(void)
{
	plant();
	files("2020/01/01/a 2020/12/31/b 2021/01/01/c 2021/01/02/d 2021/02/01/e");
	for (int all = 0; all < 2; all++)
	{
		fail_in_turn(&unit_state.fail_after, FLOW_NO_MEMORY, all);
		fail_in_turn(&unit_state.interrupt_after, FLOW_INTERRUPTED, all);
	}
	fell();
}

int
main(void)
{
	RUN(folders_have_days_by_dates_and_by_the_keys_of_hive);
	RUN(a_path_belongs_to_a_day_or_to_more_if_no_more_is_known);
	RUN(the_calendar_is_that_of_the_system);
	RUN(what_is_known_and_what_is_listed_are_all_files);
	RUN(directories_of_known_days_are_not_opened);
	RUN(what_is_known_may_not_be_outside_the_allowed_paths);
	RUN(a_lack_of_memory_and_an_interrupt_leave_nothing_behind);
	return unit_done();
}
