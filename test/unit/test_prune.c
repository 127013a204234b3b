/*-------------------------------------------------------------------------
 *
 * test_prune.c
 *	  Tests listings with a FlowPruner: which questions it gets, what is left
 *	  out, and that none of that is opened.
 *
 *-------------------------------------------------------------------------
 */
#include "tree.h"

static const FlowAccess everywhere = {0};

static FlowError error;

/* What a pruner does, and the questions it got. */
typedef struct Question
{
	int variable;
	const char *only;    /* keep only files with this value; NULL: any */
	int64_t low, high;   /* of a date: not before low, but before high */
	uint64_t least_size; /* keep only files of at least this size */
	bool by_time;        /* the reason that is returned */
	FlowPruning pruning; /* of files that are not kept; FLOW_KEEP: as by_time says */
	FlowStatus fails;    /* the error that is returned; FLOW_OK: none */
	size_t asked_files;
	size_t asked_directories;
} Question;

static FlowStatus
answer(void *arg, const FlowObject *file, const FlowPathValue *values, FlowPruning *pruning,
       FlowError *failure)
{
	Question *question = arg;
	const FlowPathValue *value = &values[question->variable];
	bool keep = true;

	question->asked_files += file != NULL;
	question->asked_directories += file == NULL;
	if (question->fails != FLOW_OK)
		return flow_error_set(failure, question->fails, "the pruner fails");
	if (question->only != NULL && value->text.data != NULL)
		keep = strlen(question->only) == value->text.len &&
		       memcmp(question->only, value->text.data, value->text.len) == 0;
	if (question->high != 0 && value->begun)
		keep = value->from < question->high && value->to > question->low;
	if (file != NULL && file->size < question->least_size)
		keep = false;
	*pruning = keep                                             ? FLOW_KEEP
	           : question->pruning != FLOW_KEEP && file != NULL ? question->pruning
	           : question->by_time && file != NULL              ? FLOW_PRUNE_BY_TIME
	                                                            : FLOW_PRUNE_BY_PATH;
	return FLOW_OK;
}

/* Lists a location of the tree.  The caller frees the result. */
static FlowObjects *
list(const char *location, Question *question, const FlowListLimits *limits)
{
	const FlowPruner pruner = {question, answer};
	FlowLocation *parsed;
	FlowObjects *objects;

	question->asked_files = question->asked_directories = 0;
	must(flow_location_parse(&unit_host, at(location), &parsed, &error) == FLOW_OK, error.detail);
	if (flow_objects_list_pruned(
			&unit_host, parsed, &everywhere, limits, &pruner, &objects, &error) != FLOW_OK)
		CHECK(objects == NULL);
	flow_location_free(parsed);
	return objects;
}

/*
 * Returns the listed files, followed by "files pruned/directories
 * pruned/directories read".
 */
static const char *
listed(const char *location, Question question)
{
	static char text[4000];
	int64_t outstanding = unit_state.outstanding;
	FlowObjects *objects = list(location, &question, NULL);
	size_t used = 0;

	text[0] = '\0';
	if (objects == NULL)
		return error.message;
	for (size_t i = 0; i < objects->count; i++)
		used += (size_t) sprintf(text + used, "%s ", objects->items[i].path + strlen(root) + 1);
	sprintf(text + used,
	        "%d/%d/%d",
	        (int) flow_pruned_files(&objects->pruned),
	        (int) objects->pruned.directories,
	        (int) objects->directories_read);
	CHECK_INT(objects->pruned.by_time, question.by_time ? flow_pruned_files(&objects->pruned) : 0);
	flow_objects_free(&unit_host, objects);
	CHECK_INT(unit_state.outstanding, outstanding);
	return text;
}

static int64_t
day(const char *text)
{
	int64_t microseconds = 0;

	must(flow_value_iso8601(text, strlen(text), true, &microseconds) == FLOW_OK, text);
	return microseconds;
}

static void
directories_that_cannot_match_are_not_opened(void)
{
	plant();
	files("a/x/1 a/y/2 b/x/3 b/y/4 c");
	CHECK_STRING(listed("${p}/${q}/*", (Question) {.variable = 0, .only = "a"}),
	             "a/x/1 a/y/2 0/1/4");
	CHECK_STRING(listed("${p}/${q}/*", (Question) {.variable = 1, .only = "y"}),
	             "a/y/2 b/y/4 0/2/5");
	CHECK_STRING(listed("${p}/${q}/*", (Question) {.variable = 1, .only = "no"}), "0/4/3");
	CHECK_STRING(listed("${p}/${q}", (Question) {.variable = 0, .only = "a"}), "a/x/1 a/y/2 0/1/4");
	fell();
}

static void
a_directory_that_may_not_be_opened_need_not_be(void)
{
	uid_t before = geteuid();

	plant();
	files("a/1 b/2");
	must(chmod(at("b"), 0) == 0, "chmod");
	if (before == 0)
		must(seteuid(65534) == 0, "seteuid");
	CHECK_STRING(listed("${p}/*", (Question) {.only = "a"}), "a/1 0/1/2");
	CHECK(strncmp(listed("${p}/*", (Question) {.only = "b"}), "could not open directory", 24) == 0);
	must(seteuid(before) == 0, "seteuid");
	must(chmod(at("b"), 0755) == 0, "chmod");
	fell();
}

static void
behind_two_stars_only_files_are_asked_about(void)
{
	plant();
	files("a/x/1 a/y/2 b/x/3 b/y/4");
	CHECK_STRING(listed("**/${q}/*", (Question) {.only = "a"}), "a/x/1 a/y/2 2/0/7");
	CHECK_STRING(listed("${p}/**/${q}", (Question) {.only = "a"}), "a/x/1 a/y/2 0/1/4");
	CHECK_STRING(listed("${p}/**/${q}", (Question) {.variable = 1, .only = "y"}),
	             "a/y/2 b/y/4 2/0/7");
	fell();
}

static void
files_are_pruned_by_what_is_known_of_them(void)
{
	plant();
	files("a-1 a-2 b-1");
	file("big", 500);
	CHECK_STRING(listed("${p}-${q}", (Question) {.variable = 1, .only = "1"}), "a-1 b-1 1/0/1");
	CHECK_STRING(listed("*", (Question) {.least_size = 100}), "big 3/0/1");
	CHECK_STRING(listed("", (Question) {.least_size = 100, .by_time = true}), "big 3/0/1");
	CHECK_STRING(listed("big", (Question) {.least_size = 1000}), "1/0/0");
	CHECK_STRING(listed("big", (Question) {.least_size = 100}), "big 0/0/0");
	fell();
}

static void
what_an_index_says_is_counted(void)
{
	Question question = {.least_size = 100};
	FlowObjects *objects;

	plant();
	files("a b c");
	file("big", 500);
	for (FlowPruning pruning = FLOW_KEEP_UNINDEXED; pruning <= FLOW_ANSWER_BY_INDEX; pruning++)
	{
		question.pruning = pruning;
		objects = list("*", &question, NULL);
		CHECK_INT(objects->count, pruning == FLOW_KEEP_UNINDEXED ? 4 : 1);
		CHECK_INT(objects->not_indexed, pruning == FLOW_KEEP_UNINDEXED ? 3 : 0);
		CHECK_INT(objects->pruned.by_index, pruning == FLOW_PRUNE_BY_INDEX ? 3 : 0);
		CHECK_INT(objects->answered, pruning == FLOW_ANSWER_BY_INDEX ? 3 : 0);
		CHECK_INT(objects->count + flow_pruned_files(&objects->pruned) + objects->answered, 4);
		flow_objects_free(&unit_host, objects);
	}
	fell();
}

static void
pruned_files_are_not_listed_but_counted(void)
{
	Question question = {.least_size = 100};
	FlowObjects *objects;

	plant();
	files("a b c");
	file("big", 500);
	file("empty", 0);
	file("_hidden", 10);
	objects = list("*", &question, NULL);
	CHECK_INT(objects->count, 1);
	CHECK_INT(objects->bytes, 500);
	CHECK_INT(objects->skipped, 2);
	CHECK_INT(objects->pruned.by_path, 3);
	CHECK_INT(question.asked_files, 4);
	flow_objects_free(&unit_host, objects);
	fell();
}

static void
a_date_prunes_as_soon_as_its_year_is_known(void)
{
	const Question one_day = {.low = day("2024-02-29"), .high = day("2024-03-01")};
	const Question turn = {.low = day("2023-12-31"), .high = day("2024-01-02")};

	plant();
	files("2023/12/30/a 2023/12/31/b 2024/01/01/c 2024/01/02/d 2024/02/29/e 2024/02/30/f "
	      "2024/12/01/g 2024/13/01/h x/y");
	CHECK_STRING(listed("${d:yyyy/MM/dd}/", one_day), "2024/02/29/e 0/3/4");
	CHECK_STRING(listed("${d:yyyy/MM/dd}/", turn), "2023/12/31/b 2024/01/01/c 0/4/7");
	CHECK_STRING(listed("${d:yyyy/MM/dd}/", (Question) {.only = "2024-12-01"}),
	             "2024/12/01/g 0/5/8");
	fell();
}

static void
a_date_that_does_not_exist_is_no_match(void)
{
	plant();
	files("2024/02/29/a 2024/02/30/b 2023/02/29/c 2024-02-30 2024-02-28 x/2024-02-30 x/2024-02-29");
	CHECK_STRING(listed("${d:yyyy/MM/dd}/", (Question) {0}), "2024/02/29/a 0/0/6");
	CHECK_STRING(listed("${d:yyyy-MM-dd}", (Question) {0}), "2024-02-28 0/0/1");
	CHECK_STRING(listed("**/${d:yyyy-MM-dd}", (Question) {0}), "2024-02-28 x/2024-02-29 0/0/9");
	fell();
}

/* Three years of directories, one for each hour. */
static void
one_day_of_three_years_opens_that_day_alone(void)
{
	static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	Question question = {.low = day("2024-06-15"), .high = day("2024-06-16")};
	FlowObjects *objects;
	int folders = 0;
	char name[60];

	plant();
	for (int year = 2022; year < 2025; year++)
		for (int month = 1; month <= 12; month++)
			for (int d = 1; d <= lengths[month - 1]; d++)
				for (int hour = 0; hour < 24; hour++, folders++)
				{
					/* files where they are searched for, and a few others */
					snprintf(name, sizeof(name), "%d/%02d/%02d/%02d/f", year, month, d, hour);
					if ((month == 6 && d == 15) || hour == 0)
						file(name, 1);
					else
					{
						name[strlen(name) - 2] = '\0';
						directory(name);
					}
				}
	CHECK_INT(folders, 26280);
	objects = list("${t:yyyy/MM/dd/HH}/", &question, NULL);
	CHECK_INT(objects->count, 24);
	CHECK_INT(objects->directories_read, 1 + 1 + 1 + 1 + 24);
	CHECK_INT(objects->pruned.directories, 2 + 11 + 29);
	CHECK_INT(question.asked_directories, 3 + 12 + 30 + 24);
	flow_objects_free(&unit_host, objects);
	fell();
}

static void
one_of_ten_thousand_folders_is_opened_alone(void)
{
	Question question = {.only = "7919"};
	Question all = {0};
	FlowObjects *objects;
	char name[20];

	plant();
	for (int i = 0; i < 10000; i++)
	{
		snprintf(name, sizeof(name), "%d/f", i);
		file(name, 1);
	}
	objects = list("${n}/*", &question, NULL);
	CHECK_INT(objects->count, 1);
	CHECK_INT(objects->directories_read, 2);
	CHECK_INT(objects->pruned.directories, 9999);
	flow_objects_free(&unit_host, objects);

	objects = list("${n}/*", &all, NULL);
	CHECK_INT(objects->count, 10000);
	CHECK_INT(objects->directories_read, 10001);
	flow_objects_free(&unit_host, objects);
	fell();
}

static void
a_limit_counts_what_is_pruned(void)
{
	Question question = {.only = "no"};
	FlowObjects *objects;

	plant();
	files("a/1 b/2 c/3 d/4");
	objects = list("${p}/*", &question, &(FlowListLimits) {2, 0});
	CHECK(!objects->complete);
	CHECK_INT(objects->pruned.directories, 2);
	flow_objects_free(&unit_host, objects);
	fell();
}

static void
a_pruner_that_fails_ends_the_listing(void)
{
	int64_t outstanding = unit_state.outstanding;
	int descriptors = open_descriptors();

	plant();
	files("a/1 b/2 c");
	CHECK_STRING(listed("${p}/*", (Question) {.fails = FLOW_BAD_SYNTAX}), "the pruner fails");
	CHECK_INT(error.status, FLOW_BAD_SYNTAX);
	CHECK_STRING(listed("*", (Question) {.fails = FLOW_INTERRUPTED}), "the pruner fails");
	CHECK_STRING(listed("c", (Question) {.fails = FLOW_INTERRUPTED}), "the pruner fails");
	CHECK_INT(unit_state.outstanding, outstanding);
	CHECK_INT(open_descriptors(), descriptors);
	fell();
}

int
main(void)
{
	RUN(directories_that_cannot_match_are_not_opened);
	RUN(a_directory_that_may_not_be_opened_need_not_be);
	RUN(behind_two_stars_only_files_are_asked_about);
	RUN(files_are_pruned_by_what_is_known_of_them);
	RUN(what_an_index_says_is_counted);
	RUN(pruned_files_are_not_listed_but_counted);
	RUN(a_date_prunes_as_soon_as_its_year_is_known);
	RUN(a_date_that_does_not_exist_is_no_match);
	RUN(one_day_of_three_years_opens_that_day_alone);
	RUN(one_of_ten_thousand_folders_is_opened_alone);
	RUN(a_limit_counts_what_is_pruned);
	RUN(a_pruner_that_fails_ends_the_listing);
	return unit_done();
}
