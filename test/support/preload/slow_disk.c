/*-------------------------------------------------------------------------
 *
 * slow_disk.c
 *	  Makes chosen files behave as if their disk never answered.
 *
 * Preloaded into a server, it lets a test check that a query that waits for a
 * disk can be cancelled:
 *
 * 	cc -shared -fPIC -o slow_disk.so slow_disk.c
 * 	FLOWLOG_SLOW_PATH=slow.log LD_PRELOAD=$PWD/slow_disk.so pg_ctl start ...
 *
 * A nonblocking read finds nothing in the page cache if the file's path
 * contains the text of FLOWLOG_SLOW_PATH.  Blocking reads are not changed.
 *
 *-------------------------------------------------------------------------
 */
#define _GNU_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

typedef ssize_t (*ReadFunction)(int fd, const struct iovec *parts, int count, off_t offset,
                                int flags);

/* Returns true if the file is one of the chosen. */
static bool
is_slow(int fd)
{
	const char *part = getenv("FLOWLOG_SLOW_PATH");
	char link[64], path[4096];
	ssize_t len;

	if (part == NULL || part[0] == '\0')
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	if (len < 0)
		return false;
	path[len] = '\0';
	return strstr(path, part) != NULL;
}

/* Calls the next function, or fails if the file is slow. */
static ssize_t
read_or_refuse(const char *function, int fd, const struct iovec *parts, int count, off_t offset,
               int flags)
{
	ReadFunction next;

	if ((flags & RWF_NOWAIT) != 0 && is_slow(fd))
	{
		errno = EAGAIN;
		return -1;
	}
	next = (ReadFunction) dlsym(RTLD_NEXT, function);
	return next(fd, parts, count, offset, flags);
}

ssize_t
preadv2(int fd, const struct iovec *parts, int count, off_t offset, int flags)
{
	return read_or_refuse("preadv2", fd, parts, count, offset, flags);
}

/* The name of preadv2 in programs built with _FILE_OFFSET_BITS=64. */
ssize_t
preadv64v2(int fd, const struct iovec *parts, int count, off64_t offset, int flags)
{
	return read_or_refuse("preadv64v2", fd, parts, count, (off_t) offset, flags);
}
