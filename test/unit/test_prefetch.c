/*-------------------------------------------------------------------------
 *
 * test_prefetch.c
 *	  Tests that the following files are fetched in time if they have to be.
 *
 * The program has its own preadv2 and posix_fadvise, so that it controls what
 * is in the page cache.
 *
 *-------------------------------------------------------------------------
 */
#define _GNU_SOURCE

#include "../../flow/bytes/file.h"
#include "../../flow/bytes/source.h"
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static const FlowAccess everywhere = {0};
static char directory[128];

/* ---------- the page cache ---------- */

/*
 * Files, by inode, that are not in the page cache until the kernel is asked
 * for them.
 */
static ino_t cold[256];
static size_t ncold, nmissed, nreads;
static bool refuses; /* the file system cannot read without blocking */

static ino_t *
find_cold(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		abort();
	for (size_t i = 0; i < ncold; i++)
		if (cold[i] == st.st_ino)
			return &cold[i];
	return NULL;
}

int
posix_fadvise(int fd, off_t offset, off_t len, int advice)
{
	ino_t *inode = find_cold(fd);

	(void) offset, (void) len;
	if (advice == POSIX_FADV_WILLNEED && inode != NULL)
		*inode = cold[--ncold];
	return 0;
}

ssize_t
preadv2(int fd, const struct iovec *parts, int count, off_t offset, int flags)
{
	if (refuses)
	{
		errno = EOPNOTSUPP;
		return -1;
	}
	if (find_cold(fd) != NULL)
	{
		nmissed++;
		errno = EAGAIN;
		return -1;
	}
	nreads++;
	return syscall(SYS_preadv2, fd, parts, count, offset, 0L, flags & ~RWF_NOWAIT);
}

static int
open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count;
}

/* ---------- scans ---------- */

/* How a scan found the files. */
typedef struct Scan
{
	size_t waited; /* files that were not cached when they were opened */
	size_t asked;  /* files that the kernel was asked for in advance */
	size_t looks;  /* files that were cached when they were checked in advance */
} Scan;

static FlowObjects many;

static void
make_many(size_t count, size_t size)
{
	char *data = calloc(1, size);

	many = (FlowObjects) {.items = calloc(count, sizeof(FlowObject)), .count = count};
	for (size_t i = 0; i < count; i++)
	{
		char name[256];
		struct stat st;
		FILE *file;

		snprintf(name, sizeof(name), "%s/%zu", directory, i);
		file = fopen(name, "w");
		if (file == NULL || fwrite(data, 1, size, file) != size || fclose(file) != 0 ||
		    stat(name, &st) != 0)
			abort();
		many.items[i] = (FlowObject) {
			.path = strdup(name),
			.size = (uint64_t) st.st_size,
			.modified = st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec,
			.device = st.st_dev,
			.inode = st.st_ino,
		};
	}
	free(data);
}

static void
remove_many(void)
{
	for (size_t i = 0; i < many.count; i++)
	{
		unlink(many.items[i].path);
		free((char *) many.items[i].path);
	}
	free(many.items);
}

static void
cool_down(size_t from, size_t to)
{
	for (ncold = 0; from < to; from++)
		cold[ncold++] = (ino_t) many.items[from].inode;
}

static Scan
scan(FlowAhead *ahead, size_t from, size_t to, size_t step)
{
	int descriptors = open_descriptors();
	Scan result = {0, 0, 0};
	FlowSource *source;
	FlowError error;

	for (; from < to; from += step)
	{
		size_t before = ncold, missed = nmissed;

		CHECK_INT(flow_source_open(
					  &unit_host, &many.items[from], &everywhere, "auto", NULL, &source, &error),
		          FLOW_OK);
		result.waited += nmissed > missed;
		before = ncold;
		nreads = 0;
		flow_source_prefetch(source, ahead, &many, from, &everywhere);
		result.asked += before - ncold;
		result.looks += nreads;
		flow_source_close(source);
	}
	CHECK_INT(open_descriptors(), descriptors);
	return result;
}

static void
files_to_come_are_fetched_if_they_are_not_in_memory(void)
{
	FlowAhead ahead = {0};
	Scan seen;

	make_many(200, 100);

	/* warm: no file is checked before it is opened */
	cool_down(0, 0);
	seen = scan(&ahead, 0, 200, 1);
	CHECK(seen.waited == 0 && seen.asked == 0 && seen.looks == 0);

	/* cold: only the first is waited for */
	cool_down(0, 200);
	ahead = (FlowAhead) {0};
	seen = scan(&ahead, 0, 200, 1);
	CHECK(seen.waited == 1 && seen.asked == 199 && seen.looks == 0);

	/* cold from somewhere on, and again from the start */
	cool_down(50, 200);
	seen = scan(&ahead, 0, 200, 1);
	CHECK(seen.waited == 1 && seen.asked == 149);
	cool_down(0, 100);
	seen = scan(&ahead, 0, 200, 1);
	CHECK(seen.waited == 1 && seen.asked == 99);
	CHECK(seen.looks <= 48); /* then it stops checking */

	/* never far ahead */
	cool_down(0, 200);
	ahead = (FlowAhead) {0};
	seen = scan(&ahead, 0, 1, 1);
	CHECK(seen.asked >= 8 && seen.asked <= 32);

	/* one of two that share the work */
	cool_down(0, 200);
	ahead = (FlowAhead) {0};
	seen = scan(&ahead, 0, 200, 2);
	CHECK(seen.waited == 1);

	/* after an interrupt nothing more is requested */
	cool_down(1, 200);
	ahead = (FlowAhead) {.cold = true};
	{
		FlowSource *source;
		FlowError error;

		CHECK_INT(flow_source_open(
					  &unit_host, &many.items[0], &everywhere, "auto", NULL, &source, &error),
		          FLOW_OK);
		unit_state.interrupt_after = 0;
		flow_source_prefetch(source, &ahead, &many, 0, &everywhere);
		unit_state.interrupt_after = -1;
		CHECK_INT(ncold, 199);
		flow_source_close(source);
	}
	ncold = 0;
	remove_many();
}

static void
not_more_is_fetched_than_memory_is_worth(void)
{
	FlowAhead ahead = {0};
	Scan seen;

	make_many(40, FLOW_BLOCK_SIZE);
	cool_down(0, 40);
	seen = scan(&ahead, 0, 1, 1);
	CHECK(seen.asked >= 4 && seen.asked <= 16);
	ahead = (FlowAhead) {0};
	cool_down(0, 40);
	seen = scan(&ahead, 0, 40, 1);
	CHECK_INT(seen.waited, 1);
	ncold = 0;
	remove_many();
}

/* ---------- a file ---------- */

static void
a_file_is_asked_for_if_it_is_not_there(void)
{
	int descriptors = open_descriptors();

	make_many(1, 10);
	CHECK(!flow_file_prefetch(&unit_host, &many.items[0], &everywhere));
	cool_down(0, 1);
	CHECK(flow_file_prefetch(&unit_host, &many.items[0], &everywhere));
	CHECK_INT(ncold, 0);
	CHECK(!flow_file_prefetch(&unit_host, &many.items[0], &everywhere));

	cool_down(0, 1);
	refuses = true;
	CHECK(!flow_file_prefetch(&unit_host, &many.items[0], &everywhere));
	refuses = false;
	CHECK_INT(ncold, 1);
	ncold = 0;
	remove_many();
	CHECK_INT(open_descriptors(), descriptors);
}

static void
what_cannot_be_read_is_not_asked_for(void)
{
	const char *entry = "/usr";
	FlowAccess elsewhere = {.paths = &entry, .count = 1};
	int descriptors = open_descriptors();
	FlowObject other;
	char fifo[256];

	make_many(1, 10);
	cool_down(0, 1);
	nmissed = nreads = 0;
	CHECK(!flow_file_prefetch(&unit_host, &many.items[0], &elsewhere));
	entry = directory;
	CHECK(flow_file_prefetch(&unit_host, &many.items[0], &elsewhere));
	CHECK_INT(nmissed, 1);

	cool_down(0, 1);
	other = many.items[0];
	other.size++;
	CHECK(!flow_file_prefetch(&unit_host, &other, &everywhere));
	other.path = "/nowhere/at/all";
	CHECK(!flow_file_prefetch(&unit_host, &other, &everywhere));
	snprintf(fifo, sizeof(fifo), "%s/fifo", directory);
	CHECK(mkfifo(fifo, 0600) == 0);
	other.path = fifo;
	alarm(300); /* kills the program if it hangs */
	CHECK(!flow_file_prefetch(&unit_host, &other, &everywhere));
	alarm(0);
	unlink(fifo);
	unit_state.fail_after = 0;
	CHECK(!flow_file_prefetch(&unit_host, &many.items[0], &everywhere));
	unit_state.fail_after = -1;
	CHECK_INT(nmissed, 1);
	CHECK_INT(nreads, 0);
	CHECK_INT(ncold, 1);

	ncold = 0;
	remove_many();
	CHECK_INT(open_descriptors(), descriptors);
}

int
main(void)
{
	snprintf(directory, sizeof(directory), "%s/flow-prefetch-XXXXXX", unit_temporary());
	if (mkdtemp(directory) == NULL)
		abort();

	RUN(a_file_is_asked_for_if_it_is_not_there);
	RUN(what_cannot_be_read_is_not_asked_for);
	RUN(files_to_come_are_fetched_if_they_are_not_in_memory);
	RUN(not_more_is_fetched_than_memory_is_worth);

	if (rmdir(directory) != 0 || unit_state.outstanding != 0)
		unit_failed++;
	return unit_done();
}
