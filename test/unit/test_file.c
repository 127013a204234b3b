/*-------------------------------------------------------------------------
 *
 * test_file.c
 *	  Tests reading local files: the result is the file that was listed or an
 *	  error, immediately, and never a hang.
 *
 * The program has its own preadv2 and pread, which can behave like a slow,
 * unusual or broken file system.
 *
 *-------------------------------------------------------------------------
 */
#define _GNU_SOURCE

#include "../../flow/bytes/file.h"
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>

static const FlowAccess everywhere = {0};
static char directory[128];
static char block[FLOW_BLOCK_SIZE];

/* ---------- a file system that misbehaves ---------- */

/*
 * What the next calls return: an errno for a number of calls, or if that is
 * -1, for all.
 */
typedef struct Answer
{
	int os_errno; /* 0: no bytes */
	int times;
} Answer;

static Answer nowait_answer, block_answer;
static int nowait_calls, block_calls;
static bool short_reads; /* return only a few bytes at a time */
static uint64_t seed = 88172645463325252;

static bool
answers(Answer *answer, ssize_t *result)
{
	if (answer->times == 0)
		return false;
	if (answer->times > 0)
		answer->times--;
	errno = answer->os_errno;
	*result = answer->os_errno == 0 ? 0 : -1;
	return true;
}

ssize_t
preadv2(int fd, const struct iovec *parts, int count, off_t offset, int flags)
{
	struct iovec part = parts[0];
	ssize_t result;

	nowait_calls++;
	if (count != 1 || flags != RWF_NOWAIT)
		abort();
	if (answers(&nowait_answer, &result))
		return result;
	if (short_reads)
		part.iov_len = 1 + unit_random(&seed) % part.iov_len;
	return syscall(SYS_preadv2, fd, &part, 1, offset, 0L, 0);
}

ssize_t
pread(int fd, void *buffer, size_t len, off_t offset)
{
	ssize_t result;

	block_calls++;
	if (answers(&block_answer, &result))
		return result;
	if (short_reads)
		len = 1 + unit_random(&seed) % len;
	return syscall(SYS_pread64, fd, buffer, len, offset);
}

/* what the kernel was asked to fetch */
static off_t advised[256];
static int nadvised;

int
posix_fadvise(int fd, off_t offset, off_t len, int advice)
{
	if (advice == POSIX_FADV_WILLNEED && nadvised < (int) flow_countof(advised))
		advised[nadvised++] = offset;
	return (int) syscall(SYS_fadvise64, fd, offset, len, advice);
}

static void
behave(void)
{
	nadvised = 0;
	nowait_answer = block_answer = (Answer) {0, 0};
	nowait_calls = block_calls = 0;
	short_reads = false;
	unit_state.interrupt_after = -1;
	unit_state.fail_after = -1;
}

/* ---------- files ---------- */

static const char *
path_of(const char *name)
{
	static char paths[4][256];
	static int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", directory, name);
	return path;
}

static const char *
put(const char *name, const char *data, size_t len)
{
	const char *path = path_of(name);
	FILE *file = fopen(path, "w");

	if (file == NULL || fwrite(data, 1, len, file) != len || fclose(file) != 0)
		abort();
	return path;
}

static void
add(const char *path, const char *data)
{
	FILE *file = fopen(path, "a");

	if (file == NULL || fputs(data, file) < 0 || fclose(file) != 0)
		abort();
}

static void
overwrite(const char *path)
{
	int fd = open(path, O_WRONLY);

	usleep(10000); /* a file's time advances in steps */
	if (fd < 0 || write(fd, "#", 1) != 1 || close(fd) != 0)
		abort();
}

static FlowObject
list(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		abort();
	return (FlowObject) {
		.path = path,
		.size = (uint64_t) st.st_size,
		.modified = st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec,
		.changed = st.st_ctim.tv_sec * INT64_C(1000000000) + st.st_ctim.tv_nsec,
		.device = st.st_dev,
		.inode = st.st_ino,
	};
}

static char *
random_bytes(size_t len)
{
	char *data = malloc(len + 1);

	for (size_t i = 0; i < len; i++)
		data[i] = (char) unit_random(&seed);
	return data;
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

static FlowStatus
try_open(const FlowObject *object, const FlowAccess *allowed, FlowError *error)
{
	FlowFile *file = NULL;
	int64_t outstanding = unit_state.outstanding;
	int descriptors = open_descriptors();
	FlowStatus status = flow_file_open(&unit_host, object, allowed, &file, error);

	if (status == FLOW_OK)
		flow_file_close(file);
	else
		CHECK_INT(error->status, status);
	CHECK_INT(unit_state.outstanding, outstanding);
	CHECK_INT(open_descriptors(), descriptors);
	return status;
}

/*
 * Reads to the end or an error.  Copies the data to "result" if it is not
 * NULL.
 */
static FlowStatus
read_on(FlowFile *file, char *result, size_t *total, FlowError *error)
{
	FlowStatus status;
	size_t len;

	do
	{
		status = flow_file_read(file, block, sizeof(block), &len, error);
		if (status != FLOW_OK)
			return status;
		if (result != NULL)
			memcpy(result + *total, block, len);
		*total += len;
		CHECK_INT(flow_file_position(file), *total);
	} while (len > 0);
	return FLOW_OK;
}

/* Checks that the file is returned unchanged, in full blocks. */
static void
check_reads(const char *name, const char *data, size_t size)
{
	FlowObject object = list(put(name, data, size));
	FlowFile *file;
	FlowError error;
	char *result = malloc(size + FLOW_BLOCK_SIZE);
	size_t total = 0;

	CHECK_INT(flow_file_open(&unit_host, &object, &everywhere, &file, &error), FLOW_OK);
	for (;;)
	{
		size_t want = size - total < FLOW_BLOCK_SIZE ? size - total : FLOW_BLOCK_SIZE, len;

		CHECK_INT(flow_file_read(file, block, sizeof(block), &len, &error), FLOW_OK);
		CHECK_INT(len, want);
		memcpy(result + total, block, len);
		total += len;
		if (len == 0)
			break;
	}
	CHECK_INT(total, size);
	CHECK(memcmp(result, data, size) == 0);
	flow_file_close(file);
	free(result);
}

/* ---------- reading ---------- */

static const size_t sizes[] = {0,
                               1,
                               4095,
                               4096,
                               FLOW_BLOCK_SIZE - 1,
                               FLOW_BLOCK_SIZE,
                               FLOW_BLOCK_SIZE + 1,
                               5 * FLOW_BLOCK_SIZE + 12345};

static void
files_of_all_sizes_are_read_in_full_blocks(void)
{
	behave();
	for (size_t i = 0; i < flow_countof(sizes); i++)
	{
		char *data = random_bytes(sizes[i]);

		check_reads("sizes", data, sizes[i]);
		free(data);
	}
}

static void
short_reads_are_filled_up(void)
{
	char *data = random_bytes(3 * FLOW_BLOCK_SIZE + 77);

	behave();
	short_reads = true;
	for (int i = 0; i < 10; i++)
		check_reads("short", data, 3 * FLOW_BLOCK_SIZE + 77);
	nowait_answer = (Answer) {ENOSYS, -1};
	for (int i = 0; i < 10; i++)
		check_reads("short", data, 3 * FLOW_BLOCK_SIZE + 77);
	free(data);
}

static void
reading_goes_on_where_it_was_sought(void)
{
	static const struct
	{
		uint64_t offset;
		const char *want;
	} cases[] = {{0, "0123456"}, {1, "1234567"}, {8, "89"}, {10, ""}, {11, ""}, {UINT64_MAX, ""}};
	FlowObject object = list(put("seek", "0123456789", 10));
	FlowFile *file;
	FlowError error;
	char bytes[16];
	size_t len;

	behave();
	CHECK_INT(flow_file_open(&unit_host, &object, &everywhere, &file, &error), FLOW_OK);
	for (size_t i = 0; i < flow_countof(cases); i++)
	{
		flow_file_seek(file, cases[i].offset);
		CHECK_INT(flow_file_read(file, bytes, 7, &len, &error), FLOW_OK);
		CHECK(len == strlen(cases[i].want) && memcmp(bytes, cases[i].want, len) == 0);
	}
	flow_file_close(file);
}

static void
ranges_are_read_wherever_they_are(void)
{
	const size_t size = 20 * FLOW_BLOCK_SIZE + 100;
	char *data = random_bytes(size);
	const char *path = put("ranges", data, size);
	FlowObject object = list(path);
	uint64_t read = 0;
	void *file;
	FlowError error;

	behave();
	CHECK_INT(flow_file_storage.open(&unit_host, &everywhere, &object, &file, &error), FLOW_OK);
	for (int i = 0; i < 200; i++)
	{
		size_t len = 1 + unit_random(&seed) % sizeof(block);
		uint64_t offset = unit_random(&seed) % (size - len + 1);

		short_reads = i % 3 == 0;
		CHECK_INT(flow_file_storage.read_range(file, offset, block, len, &error), FLOW_OK);
		CHECK(memcmp(block, data + offset, len) == 0);
		read += len;
		CHECK_INT(flow_file_storage.bytes_read(file), read);
	}
	behave();

	/* little is asked for ahead, and not again for each small read */
	nowait_answer = (Answer) {EAGAIN, 1};
	CHECK_INT(flow_file_storage.read_range(file, size - 1000, block, 1000, &error), FLOW_OK);
	nadvised = 0;
	nowait_answer = (Answer) {EAGAIN, 1};
	for (uint64_t at = 0; at < 100000; at += 1000)
		CHECK_INT(flow_file_storage
		              .read_range(file, 10 * FLOW_BLOCK_SIZE + at, block, 1000, &error),
		          FLOW_OK);
	CHECK(nadvised >= 1 && nadvised <= 4);
	CHECK_INT(advised[0], 10 * FLOW_BLOCK_SIZE);

	/* what is not there any more */
	CHECK_INT(truncate(path, 1000), 0);
	CHECK_INT(flow_file_storage.read_range(file, 2000, block, 10, &error), FLOW_CHANGED);
	flow_file_storage.close(file);
	free(data);
}

/* ---------- identity ---------- */

static void
append(const char *path)
{
	add(path, "more");
}

static void
truncate_a_little(const char *path)
{
	if (truncate(path, list(path).size - 3) != 0)
		abort();
}

static void
truncate_all(const char *path)
{
	if (truncate(path, 0) != 0)
		abort();
}

static void
rename_over(const char *path)
{
	char *data = random_bytes(list(path).size);
	const char *other = put("other", data, list(path).size);
	struct stat st;
	struct timespec times[2];

	stat(path, &st);
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	if (utimensat(AT_FDCWD, other, times, 0) != 0 || rename(other, path) != 0)
		abort();
	free(data);
}

static void
remove_it(const char *path)
{
	unlink(path);
}

static void
change_mode(const char *path)
{
	chmod(path, 0600);
}

/* The file may have other bytes now, but has the same size and time. */
static void
overwrite_and_restore(const char *path)
{
	struct stat st;
	struct timespec times[2];
	FILE *file;
	int c;

	stat(path, &st);
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	file = fopen(path, "r+");
	c = fgetc(file);
	rewind(file);
	fputc(c, file);
	fclose(file);
	if (utimensat(AT_FDCWD, path, times, 0) != 0)
		abort();
}

static const struct
{
	void (*change)(const char *path);
	FlowStatus before, during; /* results of opening and reading after the change */
} changes[] = {{append, FLOW_CHANGED, FLOW_CHANGED},
               {truncate_a_little, FLOW_CHANGED, FLOW_CHANGED},
               {truncate_all, FLOW_CHANGED, FLOW_CHANGED},
               {overwrite, FLOW_CHANGED, FLOW_CHANGED},
               {rename_over, FLOW_CHANGED, FLOW_OK}, /* the listed file is still open */
               {remove_it, FLOW_NOT_FOUND, FLOW_OK},
               {change_mode, FLOW_CHANGED, FLOW_OK},
               {overwrite_and_restore, FLOW_CHANGED, FLOW_OK}};

static void
a_change_since_the_listing_is_noticed(void)
{
	char expected[512];
	FlowError error;

	behave();
	for (size_t i = 0; i < flow_countof(changes); i++)
	{
		const char *path = put("before", "0123456789", 10);
		FlowObject object = list(path);

		CHECK(flow_object_is_unchanged(&object));
		nanosleep(&(struct timespec) {.tv_nsec = 20000000}, NULL); /* for the file system's clock */
		changes[i].change(path);
		CHECK(!flow_object_is_unchanged(&object));
		CHECK_INT(try_open(&object, &everywhere, &error), changes[i].before);
		if (changes[i].before == FLOW_CHANGED)
		{
			snprintf(expected,
			         sizeof(expected),
			         "flow log \"%s\" changed since it was listed",
			         path);
			CHECK_STRING(error.message, expected);
			CHECK_STRING(error.path, path);
		}
	}
}

static void
a_change_while_reading_is_noticed_wherever_it_comes(void)
{
	const size_t size = 3 * FLOW_BLOCK_SIZE + 100;
	char *data = random_bytes(size), *result = malloc(size + FLOW_BLOCK_SIZE);
	char expected[512];
	FlowError error;

	behave();
	for (size_t i = 0; i < flow_countof(changes); i++)
		for (size_t blocks = 0; blocks <= 4; blocks++)
		{
			const char *path = put("during", data, size);
			FlowObject object = list(path);
			FlowFile *file;
			size_t total = 0, len;

			CHECK_INT(flow_file_open(&unit_host, &object, &everywhere, &file, &error), FLOW_OK);
			for (size_t j = 0; j < blocks; j++)
			{
				CHECK_INT(flow_file_read(file, result + total, FLOW_BLOCK_SIZE, &len, &error),
				          FLOW_OK);
				total += len;
			}
			changes[i].change(path);
			CHECK_INT(read_on(file, result, &total, &error), changes[i].during);
			if (changes[i].during == FLOW_OK)
				CHECK(total == size && memcmp(result, data, size) == 0);
			else
			{
				snprintf(expected,
				         sizeof(expected),
				         "flow log \"%s\" changed while it was read",
				         path);
				CHECK_STRING(error.message, expected);
				CHECK_STRING(error.path, path);
			}
			flow_file_close(file);
		}
	free(data);
	free(result);
}

/* ---------- what cannot be read ---------- */

static void
only_regular_files_are_read_and_nothing_hangs(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int server = socket(AF_UNIX, SOCK_STREAM, 0);
	const char *fifo = path_of("fifo"), *listener = path_of("socket");
	const char *const paths[] = {fifo, listener, directory, "/dev/null", "/dev/zero", "/dev/zero"};
	FlowError error;

	behave();
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", listener);
	CHECK(mkfifo(fifo, 0600) == 0);
	CHECK(bind(server, (struct sockaddr *) &address, sizeof(address)) == 0);

	alarm(300); /* kills the program if something hangs */
	for (size_t i = 0; i < flow_countof(paths); i++)
	{
		FlowObject object;
		char expected[512];

		if (access(paths[i], F_OK) != 0)
			continue;
		object = list(paths[i]);
		CHECK_INT(try_open(&object, &everywhere, &error), FLOW_NOT_REGULAR);
		snprintf(expected, sizeof(expected), "flow log \"%s\" is not a regular file", paths[i]);
		CHECK_STRING(error.message, expected);
	}
	alarm(0);
	close(server);
}

static void
what_cannot_be_opened_says_why(void)
{
	const char *path = put("plain", "x", 1), *loop = path_of("loop");
	FlowObject object = list(path);
	char below[300], expected[512];
	FlowError error;

	behave();
	object.path = path_of("missing");
	CHECK_INT(try_open(&object, &everywhere, &error), FLOW_NOT_FOUND);
	snprintf(expected, sizeof(expected), "could not open \"%s\"", object.path);
	CHECK_STRING(error.message, expected);
	CHECK_STRING(error.path, object.path);
	CHECK_INT(error.os_errno, ENOENT);

	snprintf(below, sizeof(below), "%s/below", path);
	object.path = below;
	CHECK_INT(try_open(&object, &everywhere, &error), FLOW_NOT_FOUND);

	CHECK(symlink("loop", loop) == 0);
	object.path = loop;
	CHECK_INT(try_open(&object, &everywhere, &error), FLOW_IO);
	CHECK_INT(error.os_errno, ELOOP);

	if (geteuid() == 0)
	{
		object.path = path;
		chmod(path, 0);
		CHECK(seteuid(65534) == 0);
		CHECK_INT(try_open(&object, &everywhere, &error), FLOW_NO_PERMISSION);
		CHECK(seteuid(0) == 0);
	}
}

static void
a_read_error_is_reported_as_the_system_tells_it(void)
{
	FlowObject object = list(put("broken", "0123456789", 10));
	FlowFile *file;
	FlowError error;
	size_t total = 0;

	behave();
	nowait_answer = (Answer) {EIO, -1};
	block_answer = (Answer) {EIO, -1};
	CHECK_INT(flow_file_open(&unit_host, &object, &everywhere, &file, &error), FLOW_OK);
	CHECK_INT(read_on(file, NULL, &total, &error), FLOW_IO);
	CHECK_INT(error.os_errno, EIO);
	CHECK_INT(total, 0);
	CHECK_STRING(error.path, object.path);
	flow_file_close(file);
}

static void
a_long_path_is_cut_on_its_left(void)
{
	char path[2000];
	FlowError error;

	memset(path, 'a', sizeof(path));
	for (size_t i = 0; i < sizeof(path) - 10; i += 2)
		memcpy(path + i, "\xC3\xA9", 2);
	memcpy(path + sizeof(path) - 8, "end.log", 8);
	for (size_t start = 0; start < 4; start++)
	{
		flow_error_set(&error, FLOW_CORRUPT, "is damaged");
		flow_file_name_error(&error, path + start * 3);
		CHECK_STRING(error.path, path + start * 3);
		CHECK(strncmp(error.message, "flow log \"...\xC3\xA9", 14) == 0);
		CHECK(strstr(error.message, "end.log\" is damaged") != NULL);
	}
}

/* ---------- allowed paths ---------- */

static void
allowed_paths_hold_for_what_a_path_resolves_to(void)
{
	const struct
	{
		const char *path;
		const char *entries[2];
		bool allowed;
	} cases[] = {{"in/log", {"in"}, true},
	             {"in/log", {"in/"}, true},
	             {"in/log", {"in//."}, true},
	             {"in/log", {"inner/../in"}, true},
	             {"in/log", {""}, true}, /* the directory of all files */
	             {"in/deep/log", {"in"}, true},
	             {"in/log", {"in/log"}, true},
	             {"in/log", {"in/deep"}, false},
	             {"inner/log", {"in"}, false}, /* the names begin alike */
	             {"in/log", {"inner"}, false},
	             {"in/../inner/log", {"in"}, false},
	             {"in/to-inner", {"in"}, false}, /* links lead out of it ... */
	             {"in/to-inner", {"inner"}, true},
	             {"to-in/log", {"in"}, true}, /* ... and into it */
	             {"in/log", {"to-in"}, true}, /* an entry may be a link, too */
	             {"inner/log", {"to-in"}, false},
	             {"in/log", {"nowhere"}, false},
	             {"in/log", {"nowhere", "in"}, true},
	             {"in/log", {"inner", "in"}, true},
	             {"inner/log", {"nowhere", "in"}, false}};
	char entries[2][256];
	const char *paths[2] = {entries[0], entries[1]};
	FlowError error;

	behave();
	CHECK(mkdir(path_of("in"), 0700) == 0 && mkdir(path_of("in/deep"), 0700) == 0);
	CHECK(mkdir(path_of("inner"), 0700) == 0);
	put("in/log", "x", 1);
	put("in/deep/log", "x", 1);
	put("inner/log", "x", 1);
	CHECK(symlink("../inner/log", path_of("in/to-inner")) == 0 &&
	      symlink("in", path_of("to-in")) == 0);

	for (size_t i = 0; i < flow_countof(cases); i++)
	{
		FlowObject object = list(path_of(cases[i].path));
		FlowAccess allowed = {.paths = paths, .count = 0};
		FlowStatus status;

		for (; allowed.count < 2 && cases[i].entries[allowed.count] != NULL; allowed.count++)
			strcpy(entries[allowed.count], path_of(cases[i].entries[allowed.count]));
		status = try_open(&object, &allowed, &error);
		if (status != (cases[i].allowed ? FLOW_OK : FLOW_NOT_ALLOWED))
			printf("# case %zu\n", i);
		CHECK_INT(status, cases[i].allowed ? FLOW_OK : FLOW_NOT_ALLOWED);
	}
}

static void
odd_entries_allow_nothing_and_the_root_everything(void)
{
	const struct
	{
		const char *entry;
		FlowStatus status;
	} cases[] = {{"/", FLOW_OK},
	             {"//", FLOW_OK},
	             {"/..", FLOW_OK},
	             {"", FLOW_NOT_ALLOWED},
	             {".", FLOW_NOT_ALLOWED},
	             {"in", FLOW_NOT_ALLOWED},
	             {"*", FLOW_NOT_ALLOWED},
	             {"/proc/self/fd/999/x", FLOW_NOT_ALLOWED}};
	FlowObject object = list(path_of("in/log"));
	FlowError error;
	char cwd[1024];

	behave();
	CHECK(getcwd(cwd, sizeof(cwd)) != NULL && chdir(directory) == 0);
	for (size_t i = 0; i < flow_countof(cases); i++)
	{
		FlowAccess allowed = {.paths = &cases[i].entry, .count = 1};

		CHECK_INT(try_open(&object, &allowed, &error), cases[i].status);
	}
	CHECK(chdir(cwd) == 0);
}

static void
what_is_outside_says_where_it_leads(void)
{
	const char *entry = path_of("in");
	FlowAccess allowed = {.paths = &entry, .count = 1};
	FlowObject object = list(path_of("in/to-inner"));
	char expected[512];
	FlowError error;
	int fd;

	behave();
	CHECK_INT(try_open(&object, &allowed, &error), FLOW_NOT_ALLOWED);
	snprintf(expected,
	         sizeof(expected),
	         "flow log \"%s\" is outside the allowed paths",
	         object.path);
	CHECK_STRING(error.message, expected);
	snprintf(expected, sizeof(expected), "It resolves to \"%s/inner/log\".", directory);
	CHECK_STRING(error.detail, expected);
	CHECK_STRING(error.path, object.path);

	fd = open(path_of("inner"), O_RDONLY | O_DIRECTORY);
	CHECK_INT(flow_file_allowed(&unit_host, fd, "inner", &allowed, &error), FLOW_NOT_ALLOWED);
	CHECK_STRING(error.message, "directory \"inner\" is outside the allowed paths");
	close(fd);
	fd = open(path_of("in"), O_RDONLY | O_DIRECTORY);
	CHECK_INT(flow_file_allowed(&unit_host, fd, "in", &allowed, &error), FLOW_OK);
	close(fd);
}

static void
what_cannot_be_resolved_is_not_allowed(void)
{
	const char *entry = "/";
	FlowAccess allowed = {.paths = &entry, .count = 1};
	FlowError error;

	CHECK_INT(flow_file_allowed(&unit_host, -1, "x", &allowed, &error), FLOW_NOT_ALLOWED);
	CHECK_STRING(error.message, "could not find out whether \"x\" is inside the allowed paths");
	CHECK_INT(flow_file_allowed(&unit_host, -1, "x", &everywhere, &error), FLOW_OK);
}

/* ---------- waiting ---------- */

/* A host whose time only advances when it is asked for, and when it waits. */
static int64_t clock_now;
static int64_t waits;

static int64_t
fake_clock(void *arg)
{
	(void) arg;
	return clock_now += 50;
}

static void
fake_wait(void *arg, int milliseconds)
{
	(void) arg;
	CHECK(milliseconds >= 1 && milliseconds <= 10);
	clock_now += milliseconds * 1000;
	waits++;
}

static void
a_slow_disk_is_waited_for_without_blocking(void)
{
	FlowHost host = unit_host;
	const size_t size = 2 * FLOW_BLOCK_SIZE + 5;
	char *data = random_bytes(size), *result = malloc(size + FLOW_BLOCK_SIZE);
	FlowObject object = list(put("slow", data, size));
	FlowFile *file;
	FlowError error;
	size_t total = 0;

	behave();
	host.clock = fake_clock;
	host.wait = fake_wait;
	clock_now = waits = 0;
	CHECK_INT(flow_file_open(&host, &object, &everywhere, &file, &error), FLOW_OK);
	nowait_answer = (Answer) {EAGAIN, 500}; /* a few seconds */
	CHECK_INT(read_on(file, result, &total, &error), FLOW_OK);
	CHECK(total == size && memcmp(result, data, size) == 0);
	CHECK_INT(block_calls, 0);
	CHECK(waits > 400 && clock_now > 3000000 && clock_now < 5000000);
	flow_file_close(file);
	free(data);
	free(result);
}

/*
 * Data that the disk is already reading are not requested again at each read,
 * but data whose request may have been ignored are.
 */
static void
the_kernel_is_asked_ahead(void)
{
	FlowHost host = unit_host;
	const size_t size = 16 * FLOW_BLOCK_SIZE;
	char *data = random_bytes(size);
	FlowObject object = list(put("ahead", data, size));
	FlowFile *file;
	FlowError error;
	size_t total = 0, len;

	behave();
	host.clock = fake_clock;
	host.wait = fake_wait;
	CHECK_INT(flow_file_open(&host, &object, &everywhere, &file, &error), FLOW_OK);
	CHECK_INT(flow_file_read(file, block, sizeof(block), &len, &error), FLOW_OK);
	CHECK(!flow_file_is_cold(file));
	CHECK_INT(nadvised, 0);

	nowait_answer = (Answer) {EAGAIN, 1};
	CHECK_INT(flow_file_read(file, block, sizeof(block), &len, &error), FLOW_OK);
	CHECK(flow_file_is_cold(file));
	CHECK_INT(nadvised, 2);
	for (int i = 0; i < 2; i++)
		CHECK_INT(advised[i], (1 + i) * FLOW_BLOCK_SIZE);

	nadvised = 0;
	nowait_answer = (Answer) {EAGAIN, 1};
	CHECK_INT(flow_file_read(file, block, sizeof(block), &len, &error), FLOW_OK);
	CHECK_INT(nadvised, 4);
	for (int i = 0; i < 3; i++)
		CHECK_INT(advised[i], (3 + i) * FLOW_BLOCK_SIZE);
	CHECK_INT(advised[3], 2 * FLOW_BLOCK_SIZE);

	total = 3 * FLOW_BLOCK_SIZE;
	CHECK_INT(read_on(file, NULL, &total, &error), FLOW_OK);
	CHECK_INT(total, size);
	CHECK(nadvised <= 16);
	flow_file_close(file);
	free(data);
}

static void
after_thirty_seconds_the_read_blocks(void)
{
	FlowHost host = unit_host;
	FlowObject object = list(put("dead", "0123456789", 10));
	FlowFile *file;
	FlowError error;
	size_t total = 0;

	behave();
	host.clock = fake_clock;
	host.wait = fake_wait;
	clock_now = 0;
	nowait_answer = (Answer) {EAGAIN, -1};
	CHECK_INT(flow_file_open(&host, &object, &everywhere, &file, &error), FLOW_OK);
	CHECK_INT(read_on(file, NULL, &total, &error), FLOW_OK);
	CHECK_INT(total, 10);
	CHECK_INT(block_calls, 1);
	CHECK(clock_now > 30000000 && clock_now < 30100000);
	flow_file_close(file);

	/* a failing device reports it only then */
	clock_now = 0;
	block_answer = (Answer) {EIO, -1};
	CHECK_INT(flow_file_open(&host, &object, &everywhere, &file, &error), FLOW_OK);
	CHECK_INT(read_on(file, NULL, &total, &error), FLOW_IO);
	CHECK_INT(error.os_errno, EIO);
	flow_file_close(file);
}

static void
a_wait_for_the_disk_can_be_interrupted(void)
{
	FlowHost host = unit_host;
	FlowObject object = list(put("stuck", "0123456789", 10));
	FlowFile *file;
	FlowError error;
	size_t total = 0;

	host.clock = fake_clock;
	host.wait = fake_wait; /* waits at most 10 ms */
	for (int questions = 1; questions < 200; questions += 33)
	{
		behave();
		CHECK_INT(flow_file_open(&host, &object, &everywhere, &file, &error), FLOW_OK);
		nowait_answer = (Answer) {EAGAIN, -1};
		unit_state.interrupt_after = questions;
		clock_now = waits = 0;
		CHECK_INT(read_on(file, NULL, &total, &error), FLOW_INTERRUPTED);

		/* one read and at most one wait for each check */
		CHECK_INT(nowait_calls, questions);
		CHECK_INT(block_calls, 0);
		CHECK(waits < questions);
		flow_file_close(file);
	}
}

static void
a_read_that_a_signal_ends_is_tried_again(void)
{
	FlowObject object = list(put("signal", "0123456789", 10));
	FlowFile *file;
	FlowError error;
	size_t total = 0;

	behave();
	nowait_answer = (Answer) {EINTR, 3};
	CHECK_INT(flow_file_open(&unit_host, &object, &everywhere, &file, &error), FLOW_OK);
	CHECK_INT(read_on(file, NULL, &total, &error), FLOW_OK);
	CHECK_INT(total, 10);
	flow_file_close(file);

	behave();
	nowait_answer = (Answer) {ENOSYS, -1};
	block_answer = (Answer) {EINTR, -1};
	unit_state.interrupt_after = 5;
	CHECK_INT(flow_file_open(&unit_host, &object, &everywhere, &file, &error), FLOW_OK);
	CHECK_INT(read_on(file, NULL, &total, &error), FLOW_INTERRUPTED);
	flow_file_close(file);
	behave();
}

static void
a_file_system_without_nonblocking_reads_is_read_plainly(void)
{
	static const int refusals[] = {EOPNOTSUPP, ENOSYS, EINVAL, EPERM};
	const size_t size = 3 * FLOW_BLOCK_SIZE;
	char *data = random_bytes(size), *result = malloc(size + FLOW_BLOCK_SIZE);
	FlowObject object = list(put("refuses", data, size));
	FlowError error;

	for (size_t i = 0; i < flow_countof(refusals); i++)
	{
		FlowFile *file;
		size_t total = 0;

		behave();
		nowait_answer = (Answer) {refusals[i], -1};
		CHECK_INT(flow_file_open(&unit_host, &object, &everywhere, &file, &error), FLOW_OK);
		CHECK_INT(read_on(file, result, &total, &error), FLOW_OK);
		CHECK(total == size && memcmp(result, data, size) == 0);
		CHECK_INT(nowait_calls, 1);
		CHECK_INT(block_calls, 3);
		flow_file_close(file);
	}
	free(data);
	free(result);
}

/* Some kernels return 0 for a read that may not block. */
static void
no_bytes_from_a_nonblocking_read_are_not_the_end(void)
{
	const size_t size = 3 * FLOW_BLOCK_SIZE;
	char *data = random_bytes(size), *result = malloc(size + FLOW_BLOCK_SIZE);
	FlowObject object = list(put("zero", data, size));
	FlowFile *file;
	FlowError error;
	size_t total = 0;

	behave();
	nowait_answer = (Answer) {0, 2};
	CHECK_INT(flow_file_open(&unit_host, &object, &everywhere, &file, &error), FLOW_OK);
	CHECK_INT(read_on(file, result, &total, &error), FLOW_OK);
	CHECK(total == size && memcmp(result, data, size) == 0);
	CHECK_INT(block_calls, 2);
	flow_file_close(file);
	free(data);
	free(result);
}

static void
memory_may_run_out(void)
{
	FlowObject object = list(put("memory", "x", 1));
	FlowError error;

	behave();
	unit_state.fail_after = 0;
	CHECK_INT(try_open(&object, &everywhere, &error), FLOW_NO_MEMORY);
	behave();
	unit_state.interrupt_after = 0;
	CHECK_INT(try_open(&object, &everywhere, &error), FLOW_INTERRUPTED);
	behave();
	CHECK_INT(try_open(&object, &everywhere, &error), FLOW_OK);
	flow_file_close(NULL);
}

int
main(void)
{
	char command[256];
	int descriptors = open_descriptors();

	snprintf(directory, sizeof(directory), "%s/flow-file-XXXXXX", unit_temporary());
	if (mkdtemp(directory) == NULL)
		abort();
	chmod(directory, 0755);

	RUN(files_of_all_sizes_are_read_in_full_blocks);
	RUN(short_reads_are_filled_up);
	RUN(reading_goes_on_where_it_was_sought);
	RUN(ranges_are_read_wherever_they_are);
	RUN(a_change_since_the_listing_is_noticed);
	RUN(a_change_while_reading_is_noticed_wherever_it_comes);
	RUN(only_regular_files_are_read_and_nothing_hangs);
	RUN(what_cannot_be_opened_says_why);
	RUN(a_read_error_is_reported_as_the_system_tells_it);
	RUN(a_long_path_is_cut_on_its_left);
	RUN(allowed_paths_hold_for_what_a_path_resolves_to);
	RUN(odd_entries_allow_nothing_and_the_root_everything);
	RUN(what_is_outside_says_where_it_leads);
	RUN(what_cannot_be_resolved_is_not_allowed);
	RUN(a_slow_disk_is_waited_for_without_blocking);
	RUN(the_kernel_is_asked_ahead);
	RUN(after_thirty_seconds_the_read_blocks);
	RUN(a_wait_for_the_disk_can_be_interrupted);
	RUN(a_read_that_a_signal_ends_is_tried_again);
	RUN(a_file_system_without_nonblocking_reads_is_read_plainly);
	RUN(no_bytes_from_a_nonblocking_read_are_not_the_end);
	RUN(memory_may_run_out);

	if (open_descriptors() != descriptors || unit_state.outstanding != 0)
		unit_failed++;
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	if (system(command) != 0)
		return 1;
	return unit_done();
}
