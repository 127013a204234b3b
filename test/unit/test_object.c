/*-------------------------------------------------------------------------
 *
 * test_object.c
 *	  Tests flow/object.c and flow/file_list.c: which files of a directory tree
 *	  a location lists.
 *
 *-------------------------------------------------------------------------
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* nftw, RTLD_NEXT */
#endif

#include "model_location.h"
#include "tree.h"

#include <dlfcn.h>
#include <ftw.h>
#include <sys/socket.h>
#include <sys/un.h>

static const FlowAccess everywhere = {0};

static FlowError error;

/* ---------- a file system that behaves otherwise ---------- */

static bool every_entry_twice;
static bool no_types;         /* d_type is always DT_UNKNOWN */
static int entries_until_eio; /* 0: never */

/* Replaces the C library's function. */
struct dirent *
readdir(DIR *dir)
{
	static struct dirent *(*real)(DIR *);
	static struct dirent *again;
	struct dirent *entry = again;

	if (real == NULL)
		*(void **) &real = dlsym(RTLD_NEXT, "readdir");
	if (entries_until_eio > 0 && --entries_until_eio == 0)
	{
		errno = EIO;
		return NULL;
	}

	again = NULL;
	if (entry == NULL)
	{
		entry = real(dir);
		again = every_entry_twice ? entry : NULL;
	}
	if (entry != NULL && no_types)
		entry->d_type = DT_UNKNOWN;
	return entry;
}

/* ---------- listings ---------- */

/*
 * Lists a location, given without its beginning.  Returns the files without
 * theirs, separated by blanks, and " +N" if N were skipped, or the number of
 * the status.  No descriptor and no memory may be left in any case.
 */
static const char *
listed_with(const char *location, const FlowAccess *allowed, const FlowListLimits *limits)
{
	static char text[65536];
	int descriptors = open_descriptors();
	int64_t outstanding = unit_state.outstanding;
	uint64_t bytes = 0;
	size_t used = 0;
	FlowObjects *objects = (FlowObjects *) text;
	FlowStatus status;

	status = flow_objects_list(&unit_host, at(location), allowed, limits, &objects, &error);
	text[0] = '\0';
	if (status != FLOW_OK)
	{
		CHECK(objects == NULL);
		CHECK_INT(status, error.status);
		snprintf(text, sizeof(text), "status %d", status);
	}
	else
	{
		for (size_t i = 0; i < objects->count; i++)
		{
			const FlowObject *object = &objects->items[i];

			CHECK(strncmp(object->path, root, strlen(root)) == 0);
			CHECK(i == 0 || strcmp(object[-1].path, object->path) < 0);
			bytes += object->size;
			used += (size_t) snprintf(text + used,
			                          sizeof(text) - used,
			                          "%s%s",
			                          i > 0 ? " " : "",
			                          object->path + strlen(root) + 1);
		}
		CHECK_INT(objects->bytes, bytes);
		if (objects->skipped > 0)
			used +=
				(size_t) snprintf(text + used, sizeof(text) - used, " +%d", (int) objects->skipped);
		if (!objects->complete)
			snprintf(text + used, sizeof(text) - used, " ...");
		flow_objects_free(&unit_host, objects);
	}
	CHECK_INT(unit_state.outstanding, outstanding);
	CHECK_INT(open_descriptors(), descriptors);
	return text;
}

static const char *
listed(const char *location)
{
	return listed_with(location, &everywhere, NULL);
}

/*
 * Checks that listing fails, and that the message ends with the name in quotes
 * and this text.
 */
static void
check_fails(const char *location, FlowStatus status, const char *begin, const char *name,
            const char *end)
{
	char want[512];

	CHECK(strncmp(listed(location), "status", 6) == 0);
	CHECK_INT(error.status, status);
	snprintf(want, sizeof(want), "%s\"%s\"%s", begin, at(name), end);
	CHECK_STRING(error.message, want);
	CHECK_STRING(error.path, at(name));
}

/* ---------- what is listed ---------- */

static void
a_file_is_listed_with_its_identity(void)
{
	FlowObjects *objects;
	struct stat st;

	plant();
	file("a.log", 1234);
	must(stat(at("a.log"), &st) == 0, "stat");

	for (int wild = 0; wild < 2; wild++)
	{
		CHECK_INT(flow_objects_list(
					  &unit_host, at(wild ? "*" : "a.log"), &everywhere, NULL, &objects, &error),
		          FLOW_OK);
		CHECK_INT(objects->count, 1);
		CHECK_INT(objects->bytes, 1234);
		CHECK_INT(objects->skipped, 0);
		CHECK(objects->complete);
		CHECK_STRING(objects->items[0].path, at("a.log"));
		CHECK_INT(objects->items[0].size, 1234);
		CHECK_INT(objects->items[0].modified, st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec);
		CHECK_INT(objects->items[0].changed, st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec);
		CHECK_INT(objects->items[0].device, st.st_dev);
		CHECK_INT(objects->items[0].inode, st.st_ino);
		flow_objects_free(&unit_host, objects);
	}
	flow_objects_free(&unit_host, NULL);
	fell();
}

static void
a_named_file_is_listed_whatever_its_name(void)
{
	plant();
	files("_a .b aws-logs-write-test d/_c x");
	file("empty", 0);
	CHECK_STRING(listed("_a"), "_a");
	CHECK_STRING(listed(".b"), ".b");
	CHECK_STRING(listed("d/_c"), "d/_c");
	CHECK_STRING(listed("aws-logs-write-test"), "aws-logs-write-test");
	CHECK_STRING(listed("\\x"), "x");
	CHECK_STRING(listed("empty"), " +1");
	fell();
}

static void
a_directory_is_read_to_its_bottom(void)
{
	plant();
	files("b a/x a/y/z a/y/w/v c");
	directory("nothing");
	CHECK_STRING(listed(""), "a/x a/y/w/v a/y/z b c");
	CHECK_STRING(listed("a"), "a/x a/y/w/v a/y/z");
	CHECK_STRING(listed("a/"), "a/x a/y/w/v a/y/z");
	CHECK_STRING(listed("a//y/."), "a/y/w/v a/y/z");
	CHECK_STRING(listed("a/**"), "a/x a/y/w/v a/y/z");
	CHECK_STRING(listed("nothing"), "");
	fell();
}

static void
paths_are_sorted_by_their_bytes(void)
{
	plant();
	files("a/x a.b a-c ab A \xc3\xa4 z");
	CHECK_STRING(listed(""), "A a-c a.b a/x ab z \xc3\xa4");
	fell();
}

static void
wildcards_list_what_they_match(void)
{
	plant();
	files("1.gz 2.gz 3.txt d/1.gz d/e/2.gz d/e/f.txt");
	CHECK_STRING(listed("*.gz"), "1.gz 2.gz");
	CHECK_STRING(listed("[!1].gz"), "2.gz");
	CHECK_STRING(listed("{1.gz,3.*}"), "1.gz 3.txt");
	CHECK_STRING(listed("*/1.gz"), "d/1.gz");
	CHECK_STRING(listed("**/*.gz"), "1.gz 2.gz d/1.gz d/e/2.gz");
	CHECK_STRING(listed("?/e"), "d/e/2.gz d/e/f.txt");
	CHECK_STRING(listed("*/"), "d/1.gz d/e/2.gz d/e/f.txt");
	CHECK_STRING(listed("*"), "1.gz 2.gz 3.txt d/1.gz d/e/2.gz d/e/f.txt");
	CHECK_STRING(listed("*.zst"), "");
	CHECK_STRING(listed("*/nothing/x"), "");
	fell();
}

static void
each_path_is_listed_once(void)
{
	plant();
	files("x1/x2/x3 x1/x2/y x4");

	/* x1 is read whole, as are x1/x2 and x1/x2/x3, each by itself */
	CHECK_STRING(listed("**/x*"), "x1/x2/x3 x1/x2/y x4");
	CHECK_STRING(listed("**/**/{x*,*4}"), "x1/x2/x3 x1/x2/y x4");
	fell();
}

static void
an_entry_that_is_read_twice_is_listed_once(void)
{
	plant();
	files("a b d/c");
	every_entry_twice = true;
	CHECK_STRING(listed("*"), "a b d/c");
	every_entry_twice = false;
	fell();
}

static void
types_of_entries_need_not_be_known(void)
{
	plant();
	files("a d/b d/e/c .f/x _g");
	must(mkfifo(at("d/pipe"), 0644) == 0, "mkfifo");
	link_to("d", "l");
	for (int unknown = 0; unknown < 2; unknown++)
	{
		no_types = unknown;
		CHECK_STRING(listed("**/[a-c]"), "a d/b d/e/c l/b l/e/c +1");
		CHECK_STRING(listed("*/*/c"), "d/e/c l/e/c +1");
		CHECK_STRING(listed("{a,l}/{b,e}"), "l/b l/e/c");
		no_types = false;
	}
	fell();
}

static void
hidden_and_empty_files_and_markers_are_skipped_and_counted(void)
{
	plant();
	files("a _b .c d/aws-logs-write-test d/_e/1 d/_e/2 .f/g");
	file("empty", 0);
	CHECK_STRING(listed(""), "a +6");
	CHECK_STRING(listed("*"), "a +6");
	CHECK_STRING(listed("**/*"), "a +6");
	CHECK_STRING(listed("d"), " +2");
	CHECK_STRING(listed("d/_e"), "d/_e/1 d/_e/2");
	CHECK_STRING(listed("d/_*"), "d/_e/1 d/_e/2");
	CHECK_STRING(listed(".*"), ".c .f/g");
	CHECK_STRING(listed("{.,_}[bc]"), ".c _b");
	CHECK_STRING(listed("?c"), " +1");
	CHECK_STRING(listed("*/1"), " +1"); /* .f: only directories can match */
	CHECK_STRING(listed("*x"), "");
	fell();
}

static void
links_are_followed(void)
{
	plant();
	files("real/a real/sub/b elsewhere/c");
	file("elsewhere/d", 7);
	link_to("../elsewhere/d", "real/link");
	link_to("../elsewhere", "real/dir");
	CHECK_STRING(listed("real"), "real/a real/dir/c real/dir/d real/link real/sub/b");
	CHECK_STRING(listed("real/link"), "real/link");
	CHECK_STRING(listed("real/dir"), "real/dir/c real/dir/d");
	CHECK_STRING(listed("real/*/c"), "real/dir/c");
	CHECK_STRING(listed("real/l*"), "real/link");
	fell();
}

/* ---------- what is an error ---------- */

static void
a_fixed_part_that_does_not_exist_is_an_error(void)
{
	plant();
	files("a d/b");
	check_fails("no", FLOW_NOT_FOUND, "could not stat file ", "no", "");
	CHECK_INT(error.os_errno, ENOENT);
	check_fails("no/*", FLOW_NOT_FOUND, "could not open directory ", "no", "");
	check_fails("a/*", FLOW_NOT_FOUND, "could not open directory ", "a", "");
	CHECK_INT(error.os_errno, ENOTDIR);
	check_fails("a/", FLOW_NOT_FOUND, "could not stat file ", "a/", "");
	CHECK_STRING(listed("d/no*"), "");
	fell();
}

static void
a_bad_location_is_an_error(void)
{
	plant();
	CHECK_STRING(listed("[a"), (sprintf(error.hint, "status %d", FLOW_BAD_LOCATION), error.hint));
	CHECK_INT(error.status, FLOW_BAD_LOCATION);
	fell();
}

static void
a_dangling_link_is_an_error(void)
{
	plant();
	files("a d/b");
	link_to("nowhere", "d/link");
	check_fails("d", FLOW_NOT_FOUND, "could not stat file ", "d/link", "");
	check_fails("d/l*", FLOW_NOT_FOUND, "could not stat file ", "d/link", "");
	check_fails("d/link", FLOW_NOT_FOUND, "could not stat file ", "d/link", "");
	CHECK_STRING(listed("d/b*"), "d/b");
	fell();
}

static void
a_fifo_or_socket_is_an_error_where_its_name_matches(void)
{
	static const char end[] = " is neither a regular file nor a directory";
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	plant();
	files("d/a e/b");
	must(mkfifo(at("d/pipe"), 0644) == 0, "mkfifo");
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", at("e/sock"));
	must(bind(fd, (struct sockaddr *) &address, sizeof(address)) == 0, "bind");
	close(fd);
	link_to("/dev/null", "null");

	/* opening it would wait forever */
	check_fails("d", FLOW_NOT_REGULAR, "", "d/pipe", end);
	check_fails("d/p*", FLOW_NOT_REGULAR, "", "d/pipe", end);
	check_fails("d/pipe", FLOW_NOT_REGULAR, "", "d/pipe", end);
	check_fails("e/*", FLOW_NOT_REGULAR, "", "e/sock", end);
	check_fails("n*", FLOW_NOT_REGULAR, "", "null", end);
	CHECK_STRING(listed("d/[!p]*"), "d/a");
	CHECK_STRING(listed("d/**/a"), "d/a");
	CHECK_STRING(listed("?/*/x"), "");
	fell();
}

static void
a_directory_within_itself_is_an_error(void)
{
	plant();
	files("a/b/c/x a/b/y z/self/x");
	link_to("../..", "a/b/c/loop");
	link_to(".", "z/self/dot");
	check_fails("a", FLOW_LIMIT, "directory ", "a/b/c/loop", " contains itself through a link");
	CHECK(strstr(error.detail, at("a")) != NULL);
	check_fails("a/*/c", FLOW_LIMIT, "directory ", "a/b/c/loop", " contains itself through a link");
	check_fails("z", FLOW_LIMIT, "directory ", "z/self/dot", " contains itself through a link");
	CHECK_STRING(listed("a/b/*"),
	             (snprintf(error.hint, sizeof(error.hint), "status %d", FLOW_LIMIT), error.hint));
	CHECK_STRING(listed("a/b/y*"), "a/b/y");
	fell();
}

static void
a_link_to_itself_is_an_error(void)
{
	plant();
	link_to("round", "round");
	check_fails("", FLOW_IO, "could not stat file ", "round", "");
	CHECK_INT(error.os_errno, ELOOP);
	fell();
}

static void
a_tree_may_be_64_directories_deep(void)
{
	char name[200] = "";

	plant();
	for (int i = 0; i < 64; i++)
		strcat(name, "d/");
	strcat(name, "x");
	file(name, 1);
	CHECK_STRING(listed(""), name);

	strcpy(name + strlen(name) - 1, "d");
	directory(name);
	check_fails("", FLOW_LIMIT, "directory ", name, " is nested too deeply");
	fell();
}

/* Makes a file whose whole path has "len" bytes, piece by piece. */
static void
file_with_path_of(size_t len)
{
	size_t left = len - strlen(root);
	int parent = open(root, O_RDONLY | O_DIRECTORY);
	char name[256];

	memset(name, 'n', 255);
	name[255] = '\0';
	for (; left > 256; left -= 201)
	{
		int fd;

		name[200] = '\0';
		must(mkdirat(parent, name, 0755) == 0, "mkdirat");
		fd = openat(parent, name, O_RDONLY | O_DIRECTORY);
		name[200] = 'n';
		close(parent);
		parent = fd;
	}
	name[left - 1] = '\0';
	close(openat(parent, name, O_WRONLY | O_CREAT, 0644));
	must(faccessat(parent, name, F_OK, 0) == 0, "faccessat");
	must(close(parent) == 0, "close");
}

static void
a_path_that_open_would_not_take_is_an_error(void)
{
	char location[4200];

	plant();
	file_with_path_of(4095);
	CHECK_STRING(listed(""), " +1");
	fell();

	plant();
	file_with_path_of(4096);
	CHECK(strncmp(listed(""), "status", 6) == 0);
	CHECK_INT(error.status, FLOW_IO);
	CHECK_INT(error.os_errno, ENAMETOOLONG);
	fell();

	plant();
	memset(location, 'a', sizeof(location));
	location[sizeof(location) - 1] = '\0';
	CHECK(strncmp(listed(location), "status", 6) == 0);
	CHECK_INT(error.os_errno, ENAMETOOLONG);
	fell();
}

/* The first path is longer than the first chunk of memory. */
static void
a_long_path_is_kept(void)
{
	char name[3000];

	plant();
	memset(name, 'd', sizeof(name));
	for (size_t i = 100; i < sizeof(name); i += 100)
		name[i] = '/';
	name[sizeof(name) - 1] = '\0';
	file(name, 1);
	CHECK_STRING(listed(""), name);
	fell();
}

static void
a_directory_that_cannot_be_read_is_an_error(void)
{
	uid_t before = geteuid();

	plant();
	files("a/x b/y");
	must(chmod(at("b"), 0) == 0, "chmod");
	if (before == 0)
		must(seteuid(65534) == 0, "seteuid");
	check_fails("", FLOW_NO_PERMISSION, "could not open directory ", "b", "");
	CHECK_INT(error.os_errno, EACCES);
	check_fails("b/*", FLOW_NO_PERMISSION, "could not open directory ", "b", "");
	check_fails("b/y", FLOW_NO_PERMISSION, "could not stat file ", "b/y", "");
	CHECK_STRING(listed("a*"), "a/x");
	must(seteuid(before) == 0, "seteuid");
	must(chmod(at("b"), 0755) == 0, "chmod");
	fell();
}

static void
a_directory_that_breaks_off_is_an_error(void)
{
	plant();
	files("a b c d");
	for (int i = 2; i <= 6; i++)
	{
		int descriptors = open_descriptors();
		FlowObjects *objects;

		entries_until_eio = i;
		CHECK_INT(flow_objects_list(&unit_host, root, &everywhere, NULL, &objects, &error),
		          FLOW_IO);
		CHECK_INT(error.os_errno, EIO);
		CHECK(strncmp(error.message, "could not read directory \"", 26) == 0);
		CHECK_STRING(error.path, root);
		CHECK_INT(open_descriptors(), descriptors);
	}
	entries_until_eio = 0;
	fell();
}

static void
directories_outside_the_allowed_paths_are_not_read(void)
{
	char a[100];
	const char *const paths[] = {a};
	const FlowAccess allowed = {.paths = paths, .count = 1};

	plant();
	files("a/x b/y a/sub/z");
	link_to("../b", "a/out");
	snprintf(a, sizeof(a), "%s/a", root);
	CHECK_STRING(listed_with("a/x", &allowed, NULL), "a/x");
	CHECK_STRING(listed_with("a/{x,sub}", &allowed, NULL), "a/sub/z a/x");
	CHECK(strncmp(listed_with("b", &allowed, NULL), "status", 6) == 0);
	CHECK_INT(error.status, FLOW_NOT_ALLOWED);
	CHECK(strncmp(listed_with("a", &allowed, NULL), "status", 6) == 0);
	CHECK_INT(error.status, FLOW_NOT_ALLOWED);
	CHECK(strncmp(listed_with("a/../b/*", &allowed, NULL), "status", 6) == 0);
	CHECK_INT(error.status, FLOW_NOT_ALLOWED);
	CHECK(strncmp(listed_with("*", &allowed, NULL), "status", 6) == 0);
	CHECK_INT(error.status, FLOW_NOT_ALLOWED);
	fell();
}

/* ---------- limits, interrupts, memory ---------- */

static void
a_limit_ends_a_listing_quietly(void)
{
	plant();
	files("1 2 3 d/4 d/5");
	for (size_t most = 1; most <= 7; most++)
	{
		const FlowListLimits limits = {most, 0};
		const char *text = listed_with("", &everywhere, &limits);

		/* six entries in all */
		if (most < 6)
			CHECK(strcmp(text + strlen(text) - 4, " ...") == 0);
		else
			CHECK_STRING(text, "1 2 3 d/4 d/5");
	}
	CHECK_STRING(listed_with("", &everywhere, &(FlowListLimits) {0, 1000000000}), "1 2 3 d/4 d/5");
	CHECK_STRING(listed_with("3", &everywhere, &(FlowListLimits) {1, 1}), "3");
	fell();
}

/* A clock that advances by a microsecond with every call. */
static int64_t ticks;

static int64_t
tick(void *arg)
{
	(void) arg;
	return ticks++;
}

static void
a_listing_stops_when_its_time_is_over(void)
{
	FlowHost host = unit_host;
	FlowObjects *objects;
	const FlowListLimits limits = {0, 3};
	char name[20];

	plant();
	for (int i = 0; i < 300; i++)
	{
		snprintf(name, sizeof(name), "%d", i);
		file(name, 1);
	}
	host.clock = tick;

	/*
	 * calls: at the start, for the directory, after 64 entries, and the last
	 * after 128
	 */
	CHECK_INT(flow_objects_list(&host, root, &everywhere, &limits, &objects, &error), FLOW_OK);
	CHECK(!objects->complete);
	CHECK_INT(objects->count, 127);
	flow_objects_free(&host, objects);
	fell();
}

static void
a_listing_can_be_interrupted_at_any_question(void)
{
	char name[40];
	int asked = 0;

	plant();
	for (int i = 0; i < 600; i++)
	{
		snprintf(name, sizeof(name), "d%d/%d%d", i % 7, i * 7919 % 1000, i);
		file(name, 1);
	}
	for (const char *text = "status"; strncmp(text, "status", 6) == 0 && asked < 1000; asked++)
	{
		unit_state.interrupt_after = asked;
		text = listed("**/*");
		unit_state.interrupt_after = -1;
		if (strncmp(text, "status", 6) == 0)
			CHECK_INT(error.status, FLOW_INTERRUPTED);
	}

	/*
	 * eight directories, every 64th of 607 entries, and some thousand steps of
	 * sorting
	 */
	CHECK(asked > 8 + 9 + 1 && asked < 100);
	fell();
}

static void
a_listing_without_memory_fails_and_leaks_nothing(void)
{
	char name[40];
	int failures = 0;

	plant();
	for (int i = 0; i < 300; i++)
	{
		snprintf(name, sizeof(name), "a-long-name-of-a-directory-%d/x", i);
		file(name, 1);
	}
	for (const char *text = "status"; strncmp(text, "status", 6) == 0 && failures < 1000;
	     failures++)
	{
		unit_state.fail_after = failures;
		text = listed("a*");
		unit_state.fail_after = -1;
		if (strncmp(text, "status", 6) == 0)
			CHECK_INT(error.status, FLOW_NO_MEMORY);
	}

	/*
	 * location, list, stack, items, chunks, sorting: several allocations of
	 * most of them
	 */
	CHECK(failures > 15 && failures < 1000);
	fell();
}

/* ---------- against the plain way ---------- */

static char plain_found[400][64];
static size_t plain_count;
static const char *model_location;

static int
plain_visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void) ftw;
	if (type == FTW_F && st->st_size > 0 && model_takes(model_location, path, false) == 1)
		snprintf(plain_found[plain_count++], sizeof(plain_found[0]), "%s", path);
	return 0;
}

static int
compare_paths(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void
random_trees_are_listed_as_the_plain_way_does(void)
{
	static const char *const names[] = {"a", "ab", "b", ".c", "_d", "ca"};
	static const char *const parts[] =
		{"*", "a*", "?b", "{a,.}*", "**/", "/**", "/", "/", "[!a]*", "a", "_*"};
	uint64_t seed = 4711, total = 0;

	for (int tree = 0; tree < 10; tree++)
	{
		plant();
		for (int i = 0; i < 60; i++)
		{
			char name[100] = "";

			for (int depth = (int) (unit_random(&seed) % 4); depth > 0; depth--)
				strcat(strcat(name, names[unit_random(&seed) % flow_countof(names)]), "/");
			snprintf(name + strlen(name),
			         20,
			         "%s%d",
			         names[unit_random(&seed) % flow_countof(names)],
			         i % 3);
			file(name, (int) (unit_random(&seed) % 5));
		}
		for (int i = 0; i < 100; i++)
		{
			char location[200];
			FlowObjects *objects;

			snprintf(location, sizeof(location), "%s/", root);
			for (int n = (int) (unit_random(&seed) % 5); n >= 0; n--)
				strcat(location, parts[unit_random(&seed) % flow_countof(parts)]);
			if (flow_objects_list(&unit_host, location, &everywhere, NULL, &objects, &error) !=
			    FLOW_OK)
			{
				CHECK(error.status == FLOW_BAD_LOCATION || error.status == FLOW_NOT_FOUND);
				continue;
			}
			model_location = location;
			plain_count = 0;
			must(nftw(root, plain_visit, 16, FTW_PHYS) == 0, "nftw");
			qsort(plain_found, plain_count, sizeof(plain_found[0]), compare_paths);
			CHECK_INT(objects->count, plain_count);
			for (size_t k = 0; k < objects->count && k < plain_count; k++)
				CHECK_STRING(objects->items[k].path, plain_found[k]);
			total += objects->count;
			flow_objects_free(&unit_host, objects);
		}
		fell();
	}
	CHECK(total > 3000);
}

/* ---------- many files ---------- */

static size_t memory_now, memory_most;

static void *
measured_allocate(void *arg, size_t size)
{
	size_t *block = malloc(sizeof(max_align_t) + size);

	(void) arg;
	*block = size;
	memory_now += size;
	if (memory_now > memory_most)
		memory_most = memory_now;
	return (char *) block + sizeof(max_align_t);
}

static void
measured_free(void *arg, void *ptr)
{
	size_t *block = (size_t *) (void *) ((char *) ptr - sizeof(max_align_t));

	(void) arg;
	memory_now -= *block;
	free(block);
}

static void
a_hundred_thousand_files_take_little_memory(void)
{
	FlowHost host = unit_host;
	FlowObjects *objects;
	const int count = 100000;
	char name[101];
	int fd;

	plant();
	fd = open(root, O_RDONLY | O_DIRECTORY);
	for (int i = 0; i < count; i++)
	{
		int f, width = 100 - (int) strlen(root) - 1;

		/* paths of 100 bytes, whose numbers are in no order */
		snprintf(name, sizeof(name), "%0*d", width, (int) ((int64_t) i * 7919 % count));
		f = openat(fd, name, O_WRONLY | O_CREAT, 0644);
		must(f >= 0 && write(f, "x", 1) == 1, "write");
		close(f);
	}
	close(fd);

	host.allocate = measured_allocate;
	host.free = measured_free;
	CHECK_INT(flow_objects_list(&host, root, &everywhere, NULL, &objects, &error), FLOW_OK);
	CHECK_INT(objects->count, count);
	CHECK_INT(objects->bytes, count);
	for (int i = 0; i < count; i++)
	{
		CHECK_INT(strlen(objects->items[i].path), 100);
		CHECK_INT(atoi(objects->items[i].path + strlen(root) + 1), i);
	}
	flow_objects_free(&host, objects);
	CHECK_INT(memory_now, 0);
	CHECK(memory_most < 24 * 1024 * 1024);
	printf("# %zu bytes at most\n", memory_most);
	fell();
}

int
main(void)
{
	RUN(a_file_is_listed_with_its_identity);
	RUN(a_named_file_is_listed_whatever_its_name);
	RUN(a_directory_is_read_to_its_bottom);
	RUN(paths_are_sorted_by_their_bytes);
	RUN(wildcards_list_what_they_match);
	RUN(each_path_is_listed_once);
	RUN(an_entry_that_is_read_twice_is_listed_once);
	RUN(types_of_entries_need_not_be_known);
	RUN(hidden_and_empty_files_and_markers_are_skipped_and_counted);
	RUN(links_are_followed);
	RUN(a_fixed_part_that_does_not_exist_is_an_error);
	RUN(a_bad_location_is_an_error);
	RUN(a_dangling_link_is_an_error);
	RUN(a_fifo_or_socket_is_an_error_where_its_name_matches);
	RUN(a_directory_within_itself_is_an_error);
	RUN(a_link_to_itself_is_an_error);
	RUN(a_tree_may_be_64_directories_deep);
	RUN(a_path_that_open_would_not_take_is_an_error);
	RUN(a_long_path_is_kept);
	RUN(a_directory_that_cannot_be_read_is_an_error);
	RUN(a_directory_that_breaks_off_is_an_error);
	RUN(directories_outside_the_allowed_paths_are_not_read);
	RUN(a_limit_ends_a_listing_quietly);
	RUN(a_listing_stops_when_its_time_is_over);
	RUN(a_listing_can_be_interrupted_at_any_question);
	RUN(a_listing_without_memory_fails_and_leaks_nothing);
	RUN(random_trees_are_listed_as_the_plain_way_does);
	RUN(a_hundred_thousand_files_take_little_memory);
	return unit_done();
}
