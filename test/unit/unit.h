/*-------------------------------------------------------------------------
 *
 * unit.h
 *	  The frame of a unit test: TAP on standard output, a host that counts its
 *	  allocations, and buffers that end where readable memory ends.
 *
 * A test program defines functions and runs them:
 *
 * 	static void
 * 	it_reads_a_number(void)
 * 	{
 * 		CHECK(read_number("12") == 12);
 * 		CHECK_INT(read_number("-3"), -3);
 * 	}
 *
 * 	int
 * 	main(void)
 * 	{
 * 		RUN(it_reads_a_number);
 * 		return unit_done();
 * 	}
 *
 *-------------------------------------------------------------------------
 */
#ifndef UNIT_H
#define UNIT_H

#include "../../flow/internal.h"

#include <inttypes.h>
#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static int unit_number;     /* number of tests run */
static int unit_failed;     /* number of tests failed */
static int unit_complaints; /* number of failed checks of the running test */

#define CHECK(condition)                                                                           \
	do                                                                                             \
	{                                                                                              \
		if (!(condition) && unit_complaints++ < 20)                                                \
			printf("# %s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                       \
	} while (0)

#define CHECK_INT(got, want)                                                                       \
	do                                                                                             \
	{                                                                                              \
		int64_t got_ = (int64_t) (got), want_ = (int64_t) (want);                                  \
		if (got_ != want_ && unit_complaints++ < 20)                                               \
			printf("# %s:%d: %s is %" PRId64 ", should be %" PRId64 "\n",                          \
			       __FILE__,                                                                       \
			       __LINE__,                                                                       \
			       #got,                                                                           \
			       got_,                                                                           \
			       want_);                                                                         \
	} while (0)

#define CHECK_STRING(got, want)                                                                    \
	do                                                                                             \
	{                                                                                              \
		const char *got_ = (got), *want_ = (want);                                                 \
		if (strcmp(got_, want_) != 0 && unit_complaints++ < 20)                                    \
			printf("# %s:%d: %s is \"%s\", should be \"%s\"\n",                                    \
			       __FILE__,                                                                       \
			       __LINE__,                                                                       \
			       #got,                                                                           \
			       got_,                                                                           \
			       want_);                                                                         \
	} while (0)

#define RUN(test) unit_run(#test, test)

/*
 * Runs a test.  Code that takes exponential time never ends, so a test of it
 * needs no clock, only a limit: half an hour of processor time.
 */
static inline void
unit_run(const char *name, void (*test)(void))
{
	setrlimit(RLIMIT_CPU, &(struct rlimit) {1800, 1860});
	unit_complaints = 0;
	test();
	if (unit_complaints != 0)
		unit_failed++;
	printf("%s %d - %s\n", unit_complaints ? "not ok" : "ok", ++unit_number, name);
	fflush(stdout);
}

static inline int
unit_done(void)
{
	printf("1..%d\n", unit_number);
	return unit_failed != 0;
}

/* ---------- a host ---------- */

typedef struct UnitHost
{
	int64_t outstanding;     /* allocations not yet freed */
	int64_t bytes;           /* size of these allocations */
	int64_t interrupt_after; /* number of calls after which "interrupted" returns true; -1: never */
	int64_t fail_after;      /* number of allocations that succeed before one fails; -1: all */
	bool fail_once;          /* allocations after the failed one succeed again */
} UnitHost;

static UnitHost unit_state = {0, 0, -1, -1, false};

static inline bool
unit_interrupted(void *arg)
{
	UnitHost *state = arg;

	if (state->interrupt_after < 0)
		return false;
	if (state->interrupt_after == 0)
		return true;
	state->interrupt_after--;
	return false;
}

static inline void
unit_wait(void *arg, int milliseconds)
{
	(void) arg;
	usleep(milliseconds * 1000);
}

static inline void *
unit_allocate(void *arg, size_t size)
{
	UnitHost *state = arg;
	void *ptr;

	if (state->fail_after == 0)
	{
		if (state->fail_once)
			state->fail_after = -1;
		return NULL;
	}
	if (state->fail_after > 0)
		state->fail_after--;
	ptr = malloc(size ? size : 1);
	if (ptr == NULL)
		return NULL;
	state->outstanding++;
	state->bytes += (int64_t) malloc_usable_size(ptr);
	return ptr;
}

static inline void
unit_free(void *arg, void *ptr)
{
	UnitHost *state = arg;

	if (ptr != NULL)
		state->outstanding--;
	state->bytes -= (int64_t) malloc_usable_size(ptr);
	free(ptr);
}

static inline int64_t
unit_clock(void *arg)
{
	struct timespec now;

	(void) arg;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/*
 * Returns the processor time of this program in nanoseconds, which does not
 * depend on the load of the machine.
 */
static inline int64_t
unit_cpu_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (int64_t) now.tv_sec * 1000000000 + now.tv_nsec;
}

/*
 * Returns true if the text is UTF-8: no overlong forms, no surrogates, nothing
 * above U+10FFFF.
 */
static inline bool
unit_text_valid(void *arg, const char *data, size_t len)
{
	const unsigned char *p = (const unsigned char *) data, *end = p + len;

	(void) arg;
	while (p < end)
	{
		int more = *p < 0x80   ? 0
		           : *p < 0xC2 ? -1
		           : *p < 0xE0 ? 1
		           : *p < 0xF0 ? 2
		           : *p < 0xF5 ? 3
		                       : -1;

		if (more < 0 || end - p <= more)
			return false;
		for (int i = 1; i <= more; i++)
			if ((p[i] & 0xC0) != 0x80)
				return false;
		if ((*p == 0xE0 && p[1] < 0xA0) || (*p == 0xED && p[1] > 0x9F) ||
		    (*p == 0xF0 && p[1] < 0x90) || (*p == 0xF4 && p[1] > 0x8F))
			return false;
		p += more + 1;
	}
	return true;
}

static inline size_t
unit_text_length(void *arg, const char *data, size_t len)
{
	size_t count = 0;

	(void) arg;
	for (size_t i = 0; i < len; i++)
		count += (data[i] & 0xC0) != 0x80;
	return count;
}

/* Waits for sockets as a server would. */
static inline void
unit_wait_sockets(void *arg, FlowSocket *sockets, int count, uint64_t version, int milliseconds)
{
	struct pollfd polled[64];

	(void) arg;
	(void) version;
	for (int i = 0; i < count; i++)
		polled[i] = (struct pollfd) {sockets[i].fd,
		                             (short) ((sockets[i].read ? POLLIN : 0) |
		                                      (sockets[i].write ? POLLOUT : 0)),
		                             0};
	(void) poll(polled, (nfds_t) count, milliseconds);
	for (int i = 0; i < count; i++)
	{
		sockets[i].can_read = (polled[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0;
		sockets[i].can_write = (polled[i].revents & (POLLOUT | POLLERR)) != 0;
	}
}

static const FlowHost unit_host = {.arg = &unit_state,
                                   .interrupted = unit_interrupted,
                                   .wait = unit_wait,
                                   .allocate = unit_allocate,
                                   .free = unit_free,
                                   .clock = unit_clock,
                                   .text_valid = unit_text_valid,
                                   .text_length = unit_text_length,
                                   .wait_sockets = unit_wait_sockets};

/* ---------- buffers ---------- */

/*
 * Copies the bytes to where readable memory ends, so that reading one byte too
 * far is a crash.  Valid until the next call.
 */
static inline char *
unit_at_edge(const void *data, size_t len)
{
	static char *map;
	static size_t map_size;
	size_t page = (size_t) sysconf(_SC_PAGESIZE);
	size_t need = (len + page - 1) / page * page + page;

	if (map == NULL || map_size < need)
	{
		if (map != NULL)
			munmap(map, map_size);
		map_size = need;
		map = mmap(NULL, map_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		mprotect(map + map_size - page, page, PROT_NONE);
	}
	if (len > 0)
		memcpy(map + map_size - page - len, data, len);
	return map + map_size - page - len;
}

/* Returns the directory for temporary files. */
static inline const char *
unit_temporary(void)
{
	const char *directory = getenv("TMPDIR");

	return directory != NULL && directory[0] != '\0' ? directory : "/tmp";
}

/* Returns true if the tests shall try all they can. */
static inline bool
unit_is_long(void)
{
	static int is_long = -1;

	if (is_long < 0)
		is_long = getenv("FLOWLOG_LONG") != NULL;
	return is_long;
}

/*
 * Returns how often a test with random input runs: "many" times if
 * FLOWLOG_LONG is set, otherwise a tenth of that.
 */
static inline int
unit_tries(int many)
{
	return unit_is_long() ? many : (many + 9) / 10;
}

/*
 * Returns whether a test of many cases takes one of them: each if FLOWLOG_LONG
 * is set, otherwise one of "every".
 */
static inline bool
unit_takes(size_t number, size_t every)
{
	return number % every == 0 || unit_is_long();
}

/*
 * Returns the next repeatable random number: xorshift, with any seed except 0.
 */
static inline uint64_t
unit_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

#endif /* UNIT_H */
