/*-------------------------------------------------------------------------
 *
 * test_regex_limit.c
 *	  Tests that every match ends in time, and that no failure is taken for
 *	  "does not match".
 *
 *-------------------------------------------------------------------------
 */
#include "../../flow/regex.h"
#include "regex_help.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* ---------- time ---------- */

#define LATEST 100000 /* microseconds of CPU time */

/*
 * A host that is interrupted at some point of CPU time, which does not depend
 * on the load of the machine.
 */
typedef struct Timer
{
	int64_t stop_at;
	int64_t clock_step; /* added by each call of the clock; 0: CPU time */
	int64_t now;
} Timer;

static int64_t
cpu_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static bool
timer_interrupted(void *arg)
{
	return cpu_time() >= ((Timer *) arg)->stop_at;
}

static int64_t
timer_clock(void *arg)
{
	Timer *timer = arg;

	return timer->clock_step ? (timer->now += timer->clock_step) : cpu_time();
}

static void *
timer_allocate(void *arg, size_t size)
{
	(void) arg;
	return unit_allocate(&unit_state, size);
}

static void
timer_free(void *arg, void *ptr)
{
	(void) arg;
	unit_free(&unit_state, ptr);
}

static FlowHost
timer_host(Timer *timer)
{
	FlowHost host = unit_host;

	host.arg = timer;
	host.interrupted = timer_interrupted;
	host.clock = timer_clock;
	host.allocate = timer_allocate;
	host.free = timer_free;
	return host;
}

/*
 * Patterns whose parts can share a line in too many ways, each nested in each
 * other.
 */
static const char *const evil_parts[] = {"a*",
                                         "(?:a|aa)+",
                                         "(a*)*",
                                         "(?:a?){20}",
                                         ".*a",
                                         "\\w+\\s?",
                                         "(?:a|a)*+",
                                         "(?:a(?!.*z))*",
                                         "(?:.*a)*?",
                                         "(?=(a+))a",
                                         "(?>a*|b)",
                                         "(?:a{1,9}){1,9}",
                                         "(a|b|ab)*",
                                         "[^z]*z|a",
                                         "a{90}z|a"};

static const char *const evil_wholes[] = {"(?:%s)*[^a]",
                                          "(?:(?:%s)+)+!",
                                          "(?:%s)*(?:%s)*!",
                                          "(?:(?!%s.*z)a)*!",
                                          "(%s)*\\1*!",
                                          "(?:a(?!(?:%s)z)(?!(?:%s)y))*[^a]",
                                          "(?<x>%s(?&x)?)*!"};

/*
 * Matches a line of "a"s with such an end, and returns by how many
 * microseconds it exceeded the time to stop.
 */
static int64_t
overrun_once(const char *pattern, bool jit, size_t len, const char *end, FlowStatus *status)
{
	Timer timer = {INT64_MAX, 0, 0};
	FlowHost host = timer_host(&timer);
	FlowRegex *regex = NULL;
	char *line = malloc(len);
	int64_t stopped;

	memset(line, 'a', len);
	memcpy(line + len - strlen(end), end, strlen(end));
	*status = flow_regex_compile(&host, pattern, jit, &regex, &failure);
	if (*status == FLOW_OK)
	{
		timer.stop_at = cpu_time() + 1500;
		*status = flow_regex_match(regex, line, len, NULL, 0, NULL, &failure);
	}
	stopped = cpu_time();
	flow_regex_free(regex);
	free(line);
	return stopped - timer.stop_at;
}

/*
 * Returns the minimum of some attempts, because a fault of a pattern occurs
 * each time.
 */
static int64_t
overrun(const char *pattern, bool jit, size_t len, const char *end, FlowStatus *status)
{
	int64_t late = INT64_MAX;

	for (int i = 0; i < 5 && late > LATEST; i++)
	{
		int64_t once = overrun_once(pattern, jit, len, end, status);

		late = once < late ? once : late;
	}
	return late;
}

static void
no_match_runs_on_when_the_host_wants_to_stop(void)
{
	static const size_t lengths[] = {100, 4096, 65536};
	/* with the bytes of the pattern, but not in the right place */
	static const char *const ends[] = {"!~", "!z~a", "z!~"};
	int64_t before = unit_state.outstanding, worst = 0;
	int interrupted = 0, finished = 0, limited = 0;

	for (size_t i = 0;
	     i < flow_countof(evil_parts) * flow_countof(evil_wholes) * flow_countof(lengths) * 2;
	     i++)
	{
		const char *part = evil_parts[i / 2 % flow_countof(evil_parts)];
		const char *whole =
			evil_wholes[i / 2 / flow_countof(evil_parts) % flow_countof(evil_wholes)];
		size_t len = lengths[i / 2 / flow_countof(evil_parts) / flow_countof(evil_wholes)];
		char pattern[200];
		FlowStatus status;
		int64_t late;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(pattern, sizeof(pattern), whole, part, part);
#pragma GCC diagnostic pop
		late = overrun(pattern, i % 2, len, ends[i / 2 % flow_countof(ends)], &status);
		interrupted += status == FLOW_INTERRUPTED;
		finished += status == FLOW_OK || status == FLOW_END;
		limited += status == FLOW_LIMIT;
		CHECK(status == FLOW_INTERRUPTED || status == FLOW_OK || status == FLOW_END ||
		      status == FLOW_LIMIT);
		if (late > LATEST)
			printf("# \"%s\", %zu bytes, jit %d: %d ms late\n",
			       pattern,
			       len,
			       (int) i % 2,
			       (int) (late / 1000));
		CHECK(late <= LATEST);
		if (late > worst)
			worst = late;
	}
	printf("# interrupted %d, finished before %d, limited %d; latest by %d us\n",
	       interrupted,
	       finished,
	       limited,
	       (int) worst);
	CHECK(interrupted > 100);
	CHECK_INT(unit_state.outstanding, before);
}

static void
a_long_line_is_looked_at_in_time(void)
{
	static const struct
	{
		const char *pattern, *end;
	} cases[] = {{"(.*)\\1z", "z~"},
	             {"(?i)(.*)\\1z", "z~"},
	             {"(?=(a{60000}))(?:\\1z|a)*z", "z~"},
	             {"(?:a(?!.*z))*[^a]", "~!"},
	             {"(?:(?=[^z]*+)a)*z", "z~"},
	             {"(?:[^z]*+b|[^z]*+c|a)*z", "z~"}};

	for (size_t i = 0; i < flow_countof(cases) * 2; i++)
	{
		FlowStatus status;
		int64_t late =
			overrun(cases[i / 2].pattern, i % 2, 8 * 1024 * 1024, cases[i / 2].end, &status);

		if (late > LATEST || status != FLOW_INTERRUPTED)
			printf("# \"%s\", jit %d: status %d, %d ms late\n",
			       cases[i / 2].pattern,
			       (int) i % 2,
			       status,
			       (int) (late / 1000));
		CHECK(status == FLOW_INTERRUPTED || status == FLOW_LIMIT);
		CHECK(late <= LATEST);
	}
}

/*
 * Patterns that take minutes on 4 KiB in as many steps as a usual one, because
 * PCRE2 does not count all work.  So the first attempt must have fewer steps.
 */
static void
the_first_try_is_short_whatever_the_pattern(void)
{
	static const struct
	{
		const char *begin, *repeat;
		int count;
		const char *end;
	} cases[] = {{"(?:(?:", "b|", 3000, "a)*+!|a)*[^a]"},
	             {"(?:(?:", "b|", 3000, "a)\\E*+!|a)\\E*[^a]"},
	             {"(?:(?:", "b|", 3000, "a)\\Q\\E*+!|a)\\Q\\E*[^a]"},
	             {"(?x)(?:(?:", "b|", 3000, "a)\n *+!|a)\t*[^a]"},
	             {"(?i-sx:(?:(?:", "b|", 3000, "a)#x\n*+!|a)(?#y)*[^a])"},
	             {"(?:(?:", "b|", 3000, "a){0,}+!|a){1,}[^a]"},
	             {"(?:(?>(?:", "b|", 3000, "a)+)!|a)+[^a]"},
	             {"(?=(a*)b)[ab]*?(?:", "\\1c|", 800, "!)"},
	             {"(?=(?<n>a*)b)[ab]*?(?:", "(?P=n)c|", 800, "!)"},
	             {"[ab]*?(?:", "a{2200}c|", 800, "!)"},
	             {"(?:a", "(?!a*+b)", 600, ")*[^a]"},
	             {"(?:", "(?:.*+b)?", 600, "a)*[^a]"}};

	char *line_end = repeated("a", 2000, "!a");

	*line_end = 'b';
	for (size_t i = 0; i < flow_countof(cases) * 2; i++)
	{
		char *tail = repeated(cases[i / 2].repeat, cases[i / 2].count, cases[i / 2].end);
		char *pattern = repeated(cases[i / 2].begin, 1, tail);
		FlowStatus status;
		int64_t late = overrun(pattern, i % 2, 4096, line_end, &status);

		if (late > LATEST)
			printf("# \"%s%s...%s\", jit %d: %d ms late\n",
			       cases[i / 2].begin,
			       cases[i / 2].repeat,
			       cases[i / 2].end,
			       (int) i % 2,
			       (int) (late / 1000));
		CHECK(status == FLOW_INTERRUPTED || status == FLOW_END || status == FLOW_LIMIT);
		CHECK(late <= LATEST);
		free(tail);
		free(pattern);
	}
	free(line_end);
}

static void
an_interrupt_ends_a_match(void)
{
	char *line = repeated("a", 3000, "!");

	for (int jit = 0; jit < 2; jit++)
	{
		FlowRegex *regex = compile("(?:a|aa)*(?:a|aa)*b?", jit);

		for (int looks = 0; looks < 4; looks++)
		{
			unit_state.interrupt_after = looks;
			CHECK_INT(flow_regex_match(regex, line, 3001, NULL, 0, NULL, &failure),
			          FLOW_INTERRUPTED);
			CHECK_INT(failure.status, FLOW_INTERRUPTED);
		}

		/* even if the line is easy */
		unit_state.interrupt_after = 0;
		CHECK_INT(flow_regex_match(regex, "aaab", 4, NULL, 0, NULL, &failure), FLOW_INTERRUPTED);
		unit_state.interrupt_after = -1;

		/* and the pattern can still be used */
		CHECK_INT(flow_regex_match(regex, "aaab", 4, NULL, 0, NULL, &failure), FLOW_OK);
		flow_regex_free(regex);
	}
	free(line);
}

static void
a_line_has_a_second_and_then_it_is_an_error(void)
{
	Timer timer = {INT64_MAX, 100000, 0}; /* each call advances 0.1 s */
	FlowHost host = timer_host(&timer);
	char *line = repeated("a", 60, "!");

	for (int jit = 0; jit < 2; jit++)
	{
		FlowRegex *regex = NULL;

		CHECK_INT(flow_regex_compile(&host, "(?:a|aa)*(?:a|aa)*[b-z]", jit, &regex, &failure),
		          FLOW_OK);
		timer.now = 0;
		CHECK_INT(flow_regex_match(regex, line, 61, NULL, 0, NULL, &failure), FLOW_LIMIT);
		CHECK_STRING(failure.message, "regular expression took too long on a line");
		CHECK_STRING(failure.detail, "Matching a line of 61 bytes was given up after 1 second.");
		CHECK(failure.hint[0] != '\0');
		CHECK_INT(timer.now, 1100000);

		/* the next line has its own second */
		CHECK_INT(flow_regex_match(regex, "aaz", 3, NULL, 0, NULL, &failure), FLOW_OK);
		flow_regex_free(regex);
	}
	free(line);
}

static void
a_line_has_ten_million_steps_and_then_it_is_an_error(void)
{
	Timer timer = {INT64_MAX, 1, 0}; /* a clock that hardly advances */
	FlowHost host = timer_host(&timer);
	char *line = repeated("a", 40, "!");

	for (int jit = 0; jit < 2; jit++)
	{
		FlowRegex *regex = NULL;

		CHECK_INT(flow_regex_compile(&host, "(?:a|aa)*(?:a|aa)*[b-z]", jit, &regex, &failure),
		          FLOW_OK);
		CHECK_INT(flow_regex_match(regex, line, 41, NULL, 0, NULL, &failure), FLOW_LIMIT);
		CHECK_STRING(failure.message, "regular expression took too long on a line");
		CHECK_STRING(failure.detail,
		             "Matching a line of 41 bytes was given up after 10000000 steps.");
		flow_regex_free(regex);
	}
	free(line);
}

static void
a_line_that_needs_too_much_memory_is_an_error(void)
{
	size_t len = 1024 * 1024;
	char *line = repeated("ab", (int) len / 2, "");

	for (int jit = 0; jit < 2; jit++)
	{
		/* each round of such a group is stored for backtracking */
		FlowRegex *regex = compile("(?:(a)|(b))*", jit);
		FlowRegex *endless = compile("(?:(?R)|a)*", jit);

		CHECK_INT(flow_regex_match(regex, line, len, NULL, 0, NULL, &failure), FLOW_LIMIT);
		CHECK_STRING(failure.detail,
		             "Matching a line of 1048576 bytes needs more memory than is allowed.");
		CHECK_INT(flow_regex_match(regex, line, 1000, NULL, 0, NULL, &failure), FLOW_OK);

		CHECK_INT(flow_regex_match(endless, line, 10, NULL, 0, NULL, &failure), FLOW_LIMIT);
		flow_regex_free(regex);
		flow_regex_free(endless);
	}
	free(line);
}

/* ---------- memory ---------- */

static void
a_line_allocates_nothing(void)
{
	char *line = repeated(record, 1, "");
	char *long_line = repeated("a ", 4000, "");
	FlowSlice groups[MAX_WANTED];

	for (int jit = 0; jit < 2; jit++)
	{
		FlowRegex *regex = compile(documented, jit);
		FlowRegex *words = compile("(?:(\\S) )*", jit);

		/* the first line of each kind may */
		CHECK_INT(match(regex, line, strlen(line), groups), FLOW_OK);
		CHECK_INT(match(words, long_line, strlen(long_line), groups), FLOW_OK);
		unit_state.fail_after = 0;
		for (int i = 0; i < 100; i++)
		{
			CHECK_INT(match(regex, line, strlen(line), groups), FLOW_OK);
			CHECK_INT(match(words, long_line, strlen(long_line), groups), FLOW_OK);
		}
		unit_state.fail_after = -1;
		flow_regex_free(regex);
		flow_regex_free(words);
	}
	free(line);
	free(long_line);
}

/*
 * Compiles and matches with a limited number of allocations.  Returns true if
 * they sufficed.
 */
static bool
survives(const char *pattern, bool jit, const char *line, size_t len, int allocations)
{
	FlowRegex *regex = NULL;
	FlowStatus status;

	unit_state.fail_after = allocations;
	status = flow_regex_compile(&unit_host, pattern, jit, &regex, &failure);
	if (status == FLOW_OK)
		status = flow_regex_match(regex, line, len, NULL, 0, NULL, &failure);
	CHECK(status == FLOW_OK || status == FLOW_NO_MEMORY);
	CHECK(status == FLOW_OK || failure.status == FLOW_NO_MEMORY);

	/* memory that is available again is used */
	unit_state.fail_after = -1;
	if (status != FLOW_OK && regex != NULL)
		CHECK_INT(flow_regex_match(regex, line, len, NULL, 0, NULL, &failure), FLOW_OK);
	flow_regex_free(regex);
	return status == FLOW_OK;
}

static void
every_allocation_may_fail(void)
{
	static const char *const patterns[] = {"(?<a>\\w+|\\s)*(?<b>.)?", "(?:(\\w+)|(\\s)){0,9}.*"};
	char *line = repeated("word ", 1500, "");
	int64_t before = unit_state.outstanding;

	for (int i = 0; i < 8; i++)
	{
		const char *pattern = patterns[i % 2];
		size_t len = i / 2 % 2 ? 100 : 7500; /* the second attempt, too */
		int enough = 0;

		/*
		 * a failure may only prevent the machine code, so success is not the
		 * end
		 */
		for (int allocations = 0; allocations < 60; allocations++)
		{
			enough += survives(pattern, i / 4, line, len, allocations);
			CHECK_INT(unit_state.outstanding, before);
		}
		CHECK(enough > 10);
	}
	free(line);
}

/*
 * Makes the system refuse executable memory to this process, as SELinux and
 * systemd can.
 */
static bool
forbid_executable_memory(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {flow_countof(filter), filter};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/*
 * Must run before any other test, because memory that PCRE2 already has would
 * suffice.
 */
static void
without_executable_memory_it_interprets(void)
{
	pid_t child = fork();
	int result = 0;

	if (child == 0)
	{
		FlowRegex *regex;
		bool allowed = !forbid_executable_memory();

		if (allowed)
			_exit(77);
		regex = compile(documented, true);
		_exit(regex != NULL && !flow_regex_is_jit(regex) &&
		      flow_regex_match(regex, record, strlen(record), NULL, 0, NULL, &failure) == FLOW_OK);
	}

	waitpid(child, &result, 0);
	if (WIFEXITED(result) && WEXITSTATUS(result) == 77)
		printf("# not tested: this system does not filter system calls\n");
	else
		CHECK(WIFEXITED(result) && WEXITSTATUS(result) == 1);
}

int
main(void)
{
	RUN(without_executable_memory_it_interprets);
	RUN(no_match_runs_on_when_the_host_wants_to_stop);
	RUN(a_long_line_is_looked_at_in_time);
	RUN(the_first_try_is_short_whatever_the_pattern);
	RUN(an_interrupt_ends_a_match);
	RUN(a_line_has_a_second_and_then_it_is_an_error);
	RUN(a_line_has_ten_million_steps_and_then_it_is_an_error);
	RUN(a_line_that_needs_too_much_memory_is_an_error);
	RUN(a_line_allocates_nothing);
	RUN(every_allocation_may_fail);
	return unit_done();
}
