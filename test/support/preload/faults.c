/*-------------------------------------------------------------------------
 *
 * faults.c
 *	  Makes an allocation or a system call of the extension fail, and counts
 *	  the bytes that are read.
 *
 * Preloaded into a server, it lets a test check what a query does when no
 * memory, descriptor or disk space is left:
 *
 * 	cc -shared -fPIC -o faults.so faults.c -ldl
 * 	FLOWLOG_FAULTS=/tmp/control LD_PRELOAD=$PWD/faults.so pg_ctl start ...
 *
 * All processes of the server map the control file, to which a test writes
 * (see FlowLogFaults.pm).  While it is armed, calls of the chosen kinds are
 * counted.  From a certain number on, the next calls fail that the extension's
 * libraries make, directly or through other libraries.  Calls that PostgreSQL
 * makes on its own never fail.
 *
 *-------------------------------------------------------------------------
 */
#define _GNU_SOURCE

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <unwind.h>

/* The kinds of calls, as bits of Control.kinds. */
enum
{
	MEMORY = 1,
	DESCRIPTOR = 2, /* calls that create a file descriptor */
	INPUT = 4,      /* calls that read a file or its attributes */
	OUTPUT = 8,     /* calls that write a file */
	NETWORK = 16,
};

/* The control file.  FlowLogFaults.pm has the same layout. */
typedef struct Control
{
	int64_t armed;
	int64_t kinds; /* kinds of calls that are counted and may fail */
	int64_t from;  /* number of the first call that may fail; 0: none */
	int64_t times; /* number of calls that fail */
	int64_t error; /* errno of the calls that fail */

	/* results */
	int64_t calls;    /* number of calls counted */
	int64_t failed;   /* number of calls that have failed */
	int64_t number;   /* number of the last call that failed */
	int64_t bytes;    /* bytes read from files whose path contains "path" */
	char path[256];   /* set by the test; if empty, bytes are not counted */
	char where[2048]; /* the stack of the last call that failed */
} Control;

static Control *control;

/* True while this thread inspects its stack, which may allocate memory. */
static __thread bool looking __attribute__((tls_model("initial-exec")));

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *ptr, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

/* Maps the control file. */
static void __attribute__((constructor)) map_control(void)
{
	const char *path = getenv("FLOWLOG_FAULTS");
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *map;

	if (fd < 0)
		return;
	map = mmap(NULL, sizeof(Control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (map != MAP_FAILED)
		control = map;
}

/* ---------- callers ---------- */

/* The result of inspecting the stack. */
typedef struct Look
{
	/* true if a library of the extension is in the stack */
	bool ours;
	bool waits; /* true if PostgreSQL waits, by descriptors of its own */
	size_t len; /* length of the text */
	char text[sizeof(((Control *) 0)->where) - 64]; /* leaves room for the function's name */
} Look;

/* Adds a frame to the result. */
static _Unwind_Reason_Code
look_at_frame(struct _Unwind_Context *context, void *arg)
{
	Look *look = arg;
	uintptr_t ip = _Unwind_GetIP(context);
	Dl_info info;
	const char *file;

	if (ip == 0 || dladdr((void *) ip, &info) == 0 || info.dli_fname == NULL)
		return _URC_NO_REASON;
	file = strrchr(info.dli_fname, '/');
	file = file != NULL ? file + 1 : info.dli_fname;
	if (strncmp(file, "flowlog_", 8) == 0)
		look->ours = true;
	if (info.dli_sname != NULL && strcmp(info.dli_sname, "WaitEventSetWait") == 0)
		look->waits = true;
	if (look->len < sizeof(look->text) - 1)
	{
		look->len += (size_t) snprintf(look->text + look->len,
		                               sizeof(look->text) - look->len,
		                               "%s%s+0x%lx",
		                               look->len > 0 ? " " : "",
		                               info.dli_sname != NULL ? info.dli_sname : file,
		                               (unsigned long) (ip - (uintptr_t) info.dli_fbase));
		if (look->len > sizeof(look->text) - 1)
			look->len = sizeof(look->text) - 1;
	}
	return _URC_NO_REASON;
}

/* Returns true, and sets errno, if this call has to fail. */
static bool
fails(int kind, const char *function)
{
	Control *c = control;
	int64_t number, failed;
	Look look = {false, false, 0, ""};

	if (c == NULL || !c->armed || (c->kinds & kind) == 0 || looking)
		return false;
	/* count the call */
	number = __atomic_add_fetch(&c->calls, 1, __ATOMIC_RELAXED);
	if (c->from == 0 || number < c->from || c->failed >= c->times)
		return false;

	/* check that the extension makes it */
	looking = true;
	_Unwind_Backtrace(look_at_frame, &look);
	looking = false;
	if (!look.ours || look.waits)
		return false;
	/* count the failure, unless another process was faster */
	failed = c->failed;
	if (failed >= c->times || !__atomic_compare_exchange_n(&c->failed,
	                                                       &failed,
	                                                       failed + 1,
	                                                       false,
	                                                       __ATOMIC_RELAXED,
	                                                       __ATOMIC_RELAXED))
		return false;
	c->number = number;
	snprintf(c->where, sizeof(c->where), "%s: %s", function, look.text);
	errno = (int) c->error;
	return true;
}

/* Looks up the next function of that name. */
#define NEXT(name)                                                                                 \
	static __typeof__(name) *next;                                                                 \
	if (next == NULL)                                                                              \
	next = (__typeof__(name) *) dlsym(RTLD_NEXT, #name)

/*
 * Defines a function with fixed parameters that calls the next one, unless it
 * has to fail.
 */
#define WRAP(kind, type, failure, name, parameters, arguments)                                     \
	type name parameters                                                                           \
	{                                                                                              \
		NEXT(name);                                                                                \
		return fails(kind, #name) ? (failure) : next arguments;                                    \
	}

/* ---------- memory ---------- */

void *
malloc(size_t size)
{
	return fails(MEMORY, "malloc") ? NULL : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	return fails(MEMORY, "calloc") ? NULL : __libc_calloc(count, size);
}

void *
realloc(void *ptr, size_t size)
{
	return size > 0 && fails(MEMORY, "realloc") ? NULL : __libc_realloc(ptr, size);
}

void *
memalign(size_t alignment, size_t size)
{
	return fails(MEMORY, "memalign") ? NULL : __libc_memalign(alignment, size);
}

void *
aligned_alloc(size_t alignment, size_t size)
{
	return fails(MEMORY, "aligned_alloc") ? NULL : __libc_memalign(alignment, size);
}

int
posix_memalign(void **ptr, size_t alignment, size_t size)
{
	if (fails(MEMORY, "posix_memalign") || (*ptr = __libc_memalign(alignment, size)) == NULL)
		return ENOMEM;
	return 0;
}

WRAP(MEMORY, void *, MAP_FAILED, mmap,
     (void *start, size_t len, int prot, int flags, int fd, off_t offset),
     (start, len, prot, flags, fd, offset))
WRAP(MEMORY, void *, MAP_FAILED, mmap64,
     (void *start, size_t len, int prot, int flags, int fd, off64_t offset),
     (start, len, prot, flags, fd, offset))

/* ---------- descriptors ---------- */

#define WRAP_OPEN(name)                                                                            \
	int name(const char *path, int flags, ...)                                                     \
	{                                                                                              \
		va_list args;                                                                              \
		mode_t mode = 0;                                                                           \
		NEXT(name);                                                                                \
		va_start(args, flags);                                                                     \
		if ((flags & (O_CREAT | O_TMPFILE)) != 0)                                                  \
			mode = va_arg(args, mode_t);                                                           \
		va_end(args);                                                                              \
		return fails(DESCRIPTOR, #name) ? -1 : next(path, flags, mode);                            \
	}

#define WRAP_OPENAT(name)                                                                          \
	int name(int directory, const char *path, int flags, ...)                                      \
	{                                                                                              \
		va_list args;                                                                              \
		mode_t mode = 0;                                                                           \
		NEXT(name);                                                                                \
		va_start(args, flags);                                                                     \
		if ((flags & (O_CREAT | O_TMPFILE)) != 0)                                                  \
			mode = va_arg(args, mode_t);                                                           \
		va_end(args);                                                                              \
		return fails(DESCRIPTOR, #name) ? -1 : next(directory, path, flags, mode);                 \
	}

WRAP_OPEN(open)
WRAP_OPEN(open64)
WRAP_OPENAT(openat)
WRAP_OPENAT(openat64)
WRAP(DESCRIPTOR, FILE *, NULL, fopen, (const char *path, const char *mode), (path, mode))
WRAP(DESCRIPTOR, FILE *, NULL, fopen64, (const char *path, const char *mode), (path, mode))
WRAP(DESCRIPTOR, DIR *, NULL, opendir, (const char *path), (path))
WRAP(DESCRIPTOR, DIR *, NULL, fdopendir, (int fd), (fd))
WRAP(DESCRIPTOR, int, -1, shm_open, (const char *name, int flags, mode_t mode), (name, flags, mode))
WRAP(DESCRIPTOR, int, -1, socket, (int domain, int type, int protocol), (domain, type, protocol))
WRAP(DESCRIPTOR, int, -1, socketpair, (int domain, int type, int protocol, int fds[2]),
     (domain, type, protocol, fds))
WRAP(DESCRIPTOR, int, -1, epoll_create1, (int flags), (flags))
WRAP(DESCRIPTOR, int, -1, pipe2, (int fds[2], int flags), (fds, flags))

/* ---------- files ---------- */

/* Counts the bytes of a read from a chosen file. */
static ssize_t
count_bytes(int fd, ssize_t result)
{
	char link[64], path[4096];
	ssize_t len;
	int saved = errno;

	if (control == NULL || control->path[0] == '\0' || result <= 0)
		return result;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	if (len > 0)
	{
		path[len] = '\0';
		if (strstr(path, control->path) != NULL)
			__atomic_add_fetch(&control->bytes, result, __ATOMIC_RELAXED);
	}
	errno = saved;
	return result;
}

#define WRAP_READ(name, parameters, arguments)                                                     \
	ssize_t name parameters                                                                        \
	{                                                                                              \
		NEXT(name);                                                                                \
		return fails(INPUT, #name) ? -1 : count_bytes(fd, next arguments);                         \
	}

WRAP_READ(read, (int fd, void *buffer, size_t len), (fd, buffer, len))
WRAP_READ(pread, (int fd, void *buffer, size_t len, off_t offset), (fd, buffer, len, offset))
WRAP_READ(pread64, (int fd, void *buffer, size_t len, off64_t offset), (fd, buffer, len, offset))
WRAP_READ(preadv, (int fd, const struct iovec *parts, int count, off_t offset),
          (fd, parts, count, offset))
WRAP_READ(preadv64, (int fd, const struct iovec *parts, int count, off64_t offset),
          (fd, parts, count, offset))
WRAP_READ(preadv2, (int fd, const struct iovec *parts, int count, off_t offset, int flags),
          (fd, parts, count, offset, flags))
WRAP_READ(preadv64v2, (int fd, const struct iovec *parts, int count, off64_t offset, int flags),
          (fd, parts, count, offset, flags))
WRAP(INPUT, int, -1, fstat, (int fd, struct stat *st), (fd, st))
WRAP(INPUT, int, -1, fstat64, (int fd, struct stat64 *st), (fd, st))
WRAP(INPUT, int, -1, stat, (const char *path, struct stat *st), (path, st))
WRAP(INPUT, int, -1, stat64, (const char *path, struct stat64 *st), (path, st))
WRAP(INPUT, int, -1, fstatat, (int fd, const char *path, struct stat *st, int flags),
     (fd, path, st, flags))
WRAP(INPUT, int, -1, fstatat64, (int fd, const char *path, struct stat64 *st, int flags),
     (fd, path, st, flags))
WRAP(INPUT, struct dirent *, NULL, readdir, (DIR * dir), (dir))
WRAP(INPUT, struct dirent64 *, NULL, readdir64, (DIR * dir), (dir))
WRAP(INPUT, ssize_t, -1, readlink, (const char *path, char *buffer, size_t len),
     (path, buffer, len))
WRAP(INPUT, off_t, -1, lseek, (int fd, off_t offset, int whence), (fd, offset, whence))
WRAP(INPUT, off64_t, -1, lseek64, (int fd, off64_t offset, int whence), (fd, offset, whence))

WRAP(OUTPUT, ssize_t, -1, pwrite, (int fd, const void *data, size_t len, off_t offset),
     (fd, data, len, offset))
WRAP(OUTPUT, ssize_t, -1, pwrite64, (int fd, const void *data, size_t len, off64_t offset),
     (fd, data, len, offset))
WRAP(OUTPUT, ssize_t, -1, pwritev, (int fd, const struct iovec *parts, int count, off_t offset),
     (fd, parts, count, offset))
WRAP(OUTPUT, ssize_t, -1, pwritev64, (int fd, const struct iovec *parts, int count, off64_t offset),
     (fd, parts, count, offset))
WRAP(OUTPUT, int, -1, ftruncate, (int fd, off_t len), (fd, len))
WRAP(OUTPUT, int, -1, ftruncate64, (int fd, off64_t len), (fd, len))
WRAP(OUTPUT, int, -1, mkdir, (const char *path, mode_t mode), (path, mode))

/* These return the error instead of setting errno. */
WRAP(OUTPUT, int, (int) control->error, posix_fallocate, (int fd, off_t offset, off_t len),
     (fd, offset, len))
WRAP(OUTPUT, int, (int) control->error, posix_fallocate64, (int fd, off64_t offset, off64_t len),
     (fd, offset, len))

/* ---------- the network ---------- */

WRAP(NETWORK, int, -1, connect, (int fd, const struct sockaddr *address, socklen_t len),
     (fd, address, len))
WRAP(NETWORK, ssize_t, -1, send, (int fd, const void *data, size_t len, int flags),
     (fd, data, len, flags))
WRAP(NETWORK, ssize_t, -1, sendto,
     (int fd, const void *data, size_t len, int flags, const struct sockaddr *to, socklen_t to_len),
     (fd, data, len, flags, to, to_len))
WRAP(NETWORK, ssize_t, -1, sendmsg, (int fd, const struct msghdr *message, int flags),
     (fd, message, flags))
WRAP(NETWORK, ssize_t, -1, recv, (int fd, void *buffer, size_t len, int flags),
     (fd, buffer, len, flags))
WRAP(NETWORK, ssize_t, -1, recvfrom,
     (int fd, void *buffer, size_t len, int flags, struct sockaddr *from, socklen_t *from_len),
     (fd, buffer, len, flags, from, from_len))
WRAP(NETWORK, ssize_t, -1, recvmsg, (int fd, struct msghdr *message, int flags),
     (fd, message, flags))
WRAP(NETWORK, int, -1, getsockopt, (int fd, int level, int name, void *value, socklen_t *len),
     (fd, level, name, value, len))
WRAP(NETWORK, int, -1, setsockopt, (int fd, int level, int name, const void *value, socklen_t len),
     (fd, level, name, value, len))
WRAP(NETWORK, int, -1, getsockname, (int fd, struct sockaddr *address, socklen_t *len),
     (fd, address, len))
WRAP(NETWORK, int, -1, getpeername, (int fd, struct sockaddr *address, socklen_t *len),
     (fd, address, len))
WRAP(NETWORK, int, -1, poll, (struct pollfd * fds, nfds_t count, int milliseconds),
     (fds, count, milliseconds))
WRAP(NETWORK, int, -1, epoll_ctl, (int epoll, int op, int fd, struct epoll_event *event),
     (epoll, op, fd, event))
WRAP(NETWORK, int, -1, epoll_wait,
     (int epoll, struct epoll_event *events, int count, int milliseconds),
     (epoll, events, count, milliseconds))
