/*-------------------------------------------------------------------------
 *
 * file.c
 *	  Reads a local file, and detects that it is not the file that was listed.
 *
 * A blocking read cannot be cancelled: a process that waits for a slow disk
 * sleeps through every signal.  So data are read from the page cache only.
 * Where they are not cached yet, the kernel is asked to fetch them while we
 * sleep in small steps.  Files are never mapped, because truncating a mapped
 * file kills the process.
 *
 *-------------------------------------------------------------------------
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* preadv2, O_PATH */
#endif

#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/*
 * How far ahead the kernel is asked to read: twice the current offset, within
 * these bounds.  Reading only a file's first line must not fetch megabytes.
 */
#define AHEAD_MIN FLOW_BLOCK_SIZE
#define AHEAD_MAX (4 * 1024 * 1024)

/*
 * Size of one piece of advice.  The kernel cuts it to the device's maximum
 * transfer or to its own read-ahead, whichever is larger, so that part of a
 * larger one might be ignored.  That read-ahead is 128 KiB by default, and
 * POSIX_FADV_SEQUENTIAL doubles it.
 */
#define ADVICE_SIZE (256 * 1024)

/*
 * Waiting for a disk, in microseconds.  Solid state disks answer in about 100:
 * at first we only yield the processor, then nap for less time than the host's
 * wait can (500 cold files of 20 kB: 0.04 s; 0.09 s without yielding, 0.58 s
 * without both, 0.05 s when reads block).  After LONGEST_WAIT a read may
 * block: a failing device never fills the page cache, and only a blocking read
 * returns its error.
 */
#define YIELDS_UNTIL 200
#define NAPS_UNTIL 1000
#define NAP 50
#define WAIT_SHARE 4 /* a wait adds about a quarter to the time waited so far */
#define LONGEST_WAIT (30 * INT64_C(1000000))

/*
 * The end of a Parquet file that is read at once: most footers are shorter, and
 * a second read costs little.
 */
#define TAIL_SIZE (8 * 1024)

struct FlowFile
{
	const FlowHost *host;
	const FlowObject *object; /* as it was listed */
	int fd;
	uint64_t position;
	uint64_t bytes_read;
	bool scattered; /* true if it is read by ranges: little is read ahead */

	/* reading without blocking */
	bool nowait;      /* true if the file system supports RWF_NOWAIT */
	bool cold;        /* true if some of it was not in the page cache */
	uint64_t advised; /* the kernel was asked to read up to here */
};

/* A read that waits for the page cache. */
typedef struct Stall
{
	int64_t began; /* by the host's clock; -1: not waiting */
	int64_t again; /* microseconds after which the advice is repeated */
} Stall;

/*
 * Changes the message to 'WHAT "PATH" MESSAGE'.  A path that is too long for a
 * message is cut on its left.
 */
static void
name_error(FlowError *error, const char *what, const char *path)
{
	char message[sizeof(error->message)];
	const char *dots;

	flow_error_at(error, path, 0);
	path = flow_error_tail(path, 180, &dots);
	memcpy(message, error->message, sizeof(message));
	snprintf(error->message,
	         sizeof(error->message),
	         "%s \"%s%.180s\" %.100s",
	         what,
	         dots,
	         path,
	         message);
}

/* Puts the flow log's name before an error's message. */
void
flow_file_name_error(FlowError *error, const char *path)
{
	name_error(error, "flow log", path);
}

static FlowStatus
file_error(const FlowFile *file, FlowError *error, FlowStatus status, const char *says)
{
	flow_error_set(error, status, "%s", says);
	flow_file_name_error(error, file->object->path);
	return status;
}

static FlowStatus
os_error(FlowError *error, int os_errno, const char *verb, const char *path)
{
	FlowStatus status = flow_error_os(error, os_errno, verb, path);

	flow_error_at(error, path, 0);
	return status;
}

/* ---------- opening ---------- */

/* Opens a path.  On some file systems, signals interrupt open(2). */
static FlowStatus
open_path(const FlowHost *host, const char *path, int flags, int *fd, FlowError *error)
{
	do
	{
		if (flow_interrupted(host))
			return flow_error_interrupted(error);
		*fd = open(path, flags | O_CLOEXEC);
	} while (*fd < 0 && errno == EINTR);

	return *fd < 0 ? os_error(error, errno, "open", path) : FLOW_OK;
}

/*
 * Reads the path to which a descriptor leads, NUL-terminated.  Returns false
 * and sets errno on failure.
 */
static bool
resolve(int fd, char *target, size_t size)
{
	char link[64];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, target, size);
	if (len >= 0 && (size_t) len >= size)
		errno = ENAMETOOLONG;
	if (len <= 0 || (size_t) len >= size)
		return false;
	target[len] = '\0';
	return true;
}

/* Returns true if "target" is the directory or is inside it. */
static bool
is_inside(const char *target, const char *directory)
{
	size_t len = strlen(directory);

	if (len > 0 && directory[len - 1] == '/') /* only the root ends with a slash */
		len--;
	return strncmp(target, directory, len) == 0 && (target[len] == '/' || target[len] == '\0');
}

/*
 * Returns FLOW_OK if an entry of the allowed paths, resolved like the file,
 * covers the target.  Returns FLOW_END if it does not, or if the entry leads
 * nowhere, must not be read or depends on the working directory.  Returns
 * other errors if it could not be checked.
 */
static FlowStatus
entry_allows(const FlowHost *host, const char *entry, const char *target, FlowError *error)
{
	char directory[PATH_MAX + 1];
	FlowStatus status;
	bool known;
	int fd;

	if (entry[0] != '/')
		return FLOW_END;

	status = open_path(host, entry, O_PATH, &fd, error);
	if (status == FLOW_NOT_FOUND || status == FLOW_NO_PERMISSION ||
	    (status == FLOW_IO && (error->os_errno == ELOOP || error->os_errno == ENAMETOOLONG)))
		return FLOW_END;
	if (status != FLOW_OK)
		return status;

	known = resolve(fd, directory, sizeof(directory));
	if (!known && errno != ENAMETOOLONG)
		status = os_error(error, errno, "resolve", entry);
	close(fd);
	if (status != FLOW_OK)
		return status;
	return known && is_inside(target, directory) ? FLOW_OK : FLOW_END;
}

/*
 * Checks that the path to which a descriptor resolves is inside the allowed
 * paths.
 */
FlowStatus
flow_file_allowed(const FlowHost *host, int fd, const char *path, const FlowAccess *access,
                  FlowError *error)
{
	char target[PATH_MAX + 1];
	FlowStatus unknown = FLOW_END;
	struct stat st;

	if (access->count == 0)
		return FLOW_OK;

	/* find out to what the descriptor resolves */
	if (!resolve(fd, target, sizeof(target)))
	{
		FlowStatus status = flow_status_of_errno(errno);

		if (status == FLOW_NO_MEMORY || status == FLOW_NO_RESOURCES || errno == EIO)
			return os_error(error, errno, "resolve", path);
		flow_error_set(error,
		               FLOW_NOT_ALLOWED,
		               "could not find out whether \"%s\" is inside the allowed paths",
		               path);
		flow_error_detail(error, "The path to which a file resolves is read from /proc/self/fd.");
		flow_error_at(error, path, 0);
		return FLOW_NOT_ALLOWED;
	}

	/* look for an entry that allows the file */
	for (size_t i = 0; i < access->count; i++)
	{
		FlowError failure;
		FlowStatus status = entry_allows(host, access->paths[i], target, &failure);

		if (status == FLOW_OK)
			return FLOW_OK;
		if (status == FLOW_END)
			continue;
		*error = failure;
		if (status == FLOW_INTERRUPTED)
			return status;
		/*
		 * an entry that cannot be checked does not matter if another one
		 * allows the file
		 */
		unknown = status;
	}
	if (unknown != FLOW_END)
		return unknown;

	/* no entry allows the file */
	flow_error_set(error, FLOW_NOT_ALLOWED, "is outside the allowed paths");
	flow_error_detail(error, "It resolves to \"%s\".", target);
	name_error(error, fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) ? "directory" : "flow log", path);
	return FLOW_NOT_ALLOWED;
}

/* Returns a time in nanoseconds since 1970. */
static int64_t
nanoseconds(struct timespec time)
{
	return (int64_t) ((uint64_t) time.tv_sec * 1000000000 + (uint64_t) time.tv_nsec);
}

/* Returns true if a file is the one that was listed, by its size and time. */
static bool
has_identity(const struct stat *st, const FlowObject *object)
{
	return (object->settled ||
	        ((uint64_t) st->st_dev == object->device && (uint64_t) st->st_ino == object->inode)) &&
	       (uint64_t) st->st_size == object->size && nanoseconds(st->st_mtim) == object->modified;
}

/*
 * Returns true if nothing of a file has changed, where that is known: a file
 * may have been written anew with its size and time restored.
 */
static bool
has_change_time(const struct stat *st, const FlowObject *object)
{
	return object->settled || object->changed == 0 || nanoseconds(st->st_ctim) == object->changed;
}

/* Returns true if a local file is still the listed one, in all that is known. */
bool
flow_object_is_unchanged(const FlowObject *object)
{
	struct stat st;

	return stat(object->path, &st) == 0 && S_ISREG(st.st_mode) && has_identity(&st, object) &&
	       has_change_time(&st, object);
}

/*
 * Checks that the descriptor still leads to the file that was listed.  "says"
 * is the message if it does not.  Where it was just opened, nothing else of it
 * may have changed, either; later, somebody may give it other permissions, or
 * another link.
 */
static FlowStatus
check_identity(FlowFile *file, const char *says, bool opened, FlowError *error)
{
	const FlowObject *object = file->object;
	struct stat st;

	if (fstat(file->fd, &st) != 0)
		return os_error(error, errno, "stat", object->path);
	if (!S_ISREG(st.st_mode))
		return file_error(file, error, FLOW_NOT_REGULAR, "is not a regular file");
	if (!has_identity(&st, object) || (opened && !has_change_time(&st, object)))
		return file_error(file, error, FLOW_CHANGED, says);
	return FLOW_OK;
}

/* Opens the file and checks that it may be read and is the listed one. */
static FlowStatus
open_file(FlowFile *file, const FlowAccess *access, FlowError *error)
{
	const FlowObject *object = file->object;
	FlowStatus status;

	/* O_NONBLOCK: opening a FIFO must not wait for a writer */
	status =
		open_path(file->host, object->path, O_RDONLY | O_NONBLOCK | O_NOCTTY, &file->fd, error);
	if (status != FLOW_OK && error->os_errno == ENXIO) /* a socket */
		return file_error(file, error, FLOW_NOT_REGULAR, "is not a regular file");
	if (status != FLOW_OK)
		return status;

	status = flow_file_allowed(file->host, file->fd, object->path, access, error);
	if (status != FLOW_OK)
		return status;
	return check_identity(file, "changed since it was listed", true, error);
}

/* Opens a local file. */
FlowStatus
flow_file_open(const FlowHost *host, const FlowObject *object, const FlowAccess *access,
               FlowFile **result, FlowError *error)
{
	FlowFile *file = flow_allocate(host, sizeof(FlowFile));
	FlowStatus status;

	if (file == NULL)
		return flow_error_memory(error);
	*file = (FlowFile) {.host = host, .object = object, .fd = -1, .nowait = true};

	status = open_file(file, access, error);
	if (status != FLOW_OK)
	{
		flow_file_close(file);
		return status;
	}
	if (object->size > FLOW_BLOCK_SIZE)
		(void) posix_fadvise(file->fd, 0, 0, POSIX_FADV_SEQUENTIAL);

	*result = file;
	return FLOW_OK;
}

void
flow_file_close(FlowFile *file)
{
	if (file == NULL)
		return;
	if (file->fd >= 0)
		close(file->fd);
	flow_free(file->host, file);
}

/* ---------- reading ---------- */

/* Asks the kernel to fetch ADVICE_SIZE bytes. */
static void
ask_for(FlowFile *file, uint64_t offset)
{
	(void) posix_fadvise(file->fd, (off_t) offset, ADVICE_SIZE, POSIX_FADV_WILLNEED);
}

/* Asks for the data after "offset" that have not been asked for. */
static void
advise(FlowFile *file, uint64_t offset)
{
	uint64_t ahead = 2 * offset, end;

	if (ahead < AHEAD_MIN)
		ahead = AHEAD_MIN;
	if (ahead > AHEAD_MAX)
		ahead = AHEAD_MAX;
	if (file->scattered)
		ahead = AHEAD_MIN;
	end = file->object->size - offset < ahead ? file->object->size : offset + ahead;

	if (file->advised < offset)
		file->advised = offset;
	for (; file->advised < end; file->advised += ADVICE_SIZE)
		ask_for(file, file->advised);
}

/*
 * Sleeps a little so that the page cache can fill.  Returns false after
 * LONGEST_WAIT.
 */
static bool
wait_for_cache(FlowFile *file, uint64_t offset, Stall *stall)
{
	const FlowHost *host = file->host;
	int64_t now = host->clock(host->arg), waited;

	if (stall->began < 0)
		*stall = (Stall) {.began = now, .again = 0};
	waited = now - stall->began;
	if (waited >= LONGEST_WAIT)
		return false;

	if (waited >= stall->again)
	{
		/* the data are being fetched, unless the advice was cut off here */
		if (stall->again == 0 && file->advised > offset)
			ask_for(file, offset);
		/*
		 * Ask for all of it again, more and more rarely, because pages may be
		 * evicted before we read them.
		 */
		else
			file->advised = offset;
		stall->again = stall->again == 0 ? 1000000 : 2 * stall->again;
		file->cold = true;
		advise(file, offset);
	}

	if (waited < YIELDS_UNTIL)
		sched_yield();
	else if (waited < NAPS_UNTIL)
		nanosleep(&(struct timespec) {.tv_nsec = NAP * 1000}, NULL);
	else if (waited < 10000 * WAIT_SHARE)
		host->wait(host->arg, 1 + (int) (waited / (1000 * WAIT_SHARE)));
	else
		host->wait(host->arg, 10);
	return true;
}

/*
 * Reads all of [offset, offset + len), which must end before the listed end of
 * the file.
 *
 * If a nonblocking read returns 0, a blocking one must confirm it: Linux 5.9
 * and 5.10 return 0 also where the file goes on.
 */
static FlowStatus
read_at(FlowFile *file, uint64_t offset, char *buffer, size_t len, FlowError *error)
{
	Stall stall = {.began = -1};
	bool block = !file->nowait;

	while (len > 0)
	{
		struct iovec part = {buffer, len < FLOW_BLOCK_SIZE ? len : FLOW_BLOCK_SIZE};
		ssize_t got;

		if (flow_interrupted(file->host))
			return flow_error_interrupted(error);

		got = block ? pread(file->fd, part.iov_base, part.iov_len, (off_t) offset)
		            : preadv2(file->fd, &part, 1, (off_t) offset, RWF_NOWAIT);
		if (got > 0)
		{
			offset += (uint64_t) got;
			buffer += got;
			len -= (size_t) got;
			file->bytes_read += (uint64_t) got;
			stall.began = -1;
			block = !file->nowait;
		}
		else if (got == 0 && block)
			return file_error(file, error, FLOW_CHANGED, "changed while it was read");
		else if (got == 0)
			block = true;
		else if (errno == EINTR)
			continue;
		else if (block)
			return os_error(error, errno, "read", file->object->path);
		else if (errno == EAGAIN)
			block = !wait_for_cache(file, offset, &stall);
		else
		{
			/*
			 * The file system cannot read without blocking, or the blocking
			 * read will return the actual error.
			 */
			file->nowait = false;
			block = true;
		}
	}

	return FLOW_OK;
}

/* Reads the next bytes of the file. */
FlowStatus
flow_file_read(FlowFile *file, void *buffer, size_t capacity, size_t *len, FlowError *error)
{
	uint64_t left = file->object->size - file->position;
	FlowStatus status;

	*len = capacity < left ? capacity : (size_t) left;
	if (*len == 0)
		return flow_file_unchanged(file, error);

	if (file->cold)
		advise(file, file->position);
	status = read_at(file, file->position, buffer, *len, error);
	if (status == FLOW_OK)
		file->position += *len;
	return status;
}

/* Reads a range, which is inside the file. */
FlowStatus
flow_file_read_range(FlowFile *file, uint64_t offset, void *buffer, size_t len, FlowError *error)
{
	file->scattered = true;
	if (offset + AHEAD_MIN + ADVICE_SIZE < file->advised)
		file->advised = offset; /* what lies between was perhaps not asked for */
	if (file->cold)
		advise(file, offset);
	return read_at(file, offset, buffer, len, error);
}

bool
flow_file_is_cold(const FlowFile *file)
{
	return file->cold;
}

uint64_t
flow_file_position(const FlowFile *file)
{
	return file->position;
}

void
flow_file_seek(FlowFile *file, uint64_t offset)
{
	file->position = offset < file->object->size ? offset : file->object->size;
}

/* Checks that the file is still the one that was listed. */
FlowStatus
flow_file_unchanged(FlowFile *file, FlowError *error)
{
	return check_identity(file, "changed while it was read", false, error);
}

/* ---------- prefetch ---------- */

/*
 * Asks the kernel to fetch the beginning of a file.  Returns true if it was
 * not in the page cache.
 */
bool
flow_file_prefetch(const FlowHost *host, const FlowObject *object, const FlowAccess *access)
{
	struct iovec part = {&(char) {0}, 1};
	FlowFile *file = NULL;
	FlowError error;
	bool missing;

	/* errors are reported when the file itself is read */
	if (flow_file_open(host, object, access, &file, &error) != FLOW_OK)
		return false;
	missing = preadv2(file->fd, &part, 1, 0, RWF_NOWAIT) < 0 && errno == EAGAIN;
	if (missing)
		advise(file, 0);
	flow_file_close(file);
	return missing;
}

/* ---------- storage interface ---------- */

static FlowStatus
storage_open(const FlowHost *host, const FlowAccess *access, const FlowObject *object, void **file,
             FlowError *error)
{
	return flow_file_open(host, object, access, (FlowFile **) file, error);
}

static void
storage_close(void *file)
{
	flow_file_close(file);
}

static FlowStatus
storage_read(void *file, void *buffer, size_t capacity, size_t *len, FlowError *error)
{
	return flow_file_read(file, buffer, capacity, len, error);
}

static uint64_t
storage_position(const void *file)
{
	return flow_file_position(file);
}

static void
storage_seek(void *file, uint64_t offset)
{
	flow_file_seek(file, offset);
}

static FlowStatus
storage_read_range(void *file, uint64_t offset, void *buffer, size_t len, FlowError *error)
{
	return flow_file_read_range(file, offset, buffer, len, error);
}

static uint64_t
storage_bytes_read(const void *file)
{
	return ((const FlowFile *) file)->bytes_read;
}

static FlowStatus
storage_unchanged(void *file, FlowError *error)
{
	return flow_file_unchanged(file, error);
}

const FlowStorage flow_file_storage = {.open = storage_open,
                                       .close = storage_close,
                                       .read = storage_read,
                                       .position = storage_position,
                                       .seek = storage_seek,
                                       .read_range = storage_read_range,
                                       .tail_size = TAIL_SIZE,
                                       .bytes_read = storage_bytes_read,
                                       .unchanged = storage_unchanged};
