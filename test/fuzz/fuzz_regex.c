/*-------------------------------------------------------------------------
 *
 * fuzz_regex.c
 *	  Fuzzes patterns on any line: every way to match gives the same result as
 *	  PCRE2, and groups are inside the line.
 *
 * The input is a pattern, a newline and a line.  If the pattern begins with a
 * blank, the blank is removed, and the line is made too long for the first
 * attempt to match.
 *
 *-------------------------------------------------------------------------
 */
#include "../../flow/internal.h"
#include "../../flow/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_GROUPS 256
#define PADDING 4096

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
never_interrupted(void *arg)
{
	(void) arg;
	return false;
}

/* Time runs fast, so that the fuzzer does not wait for slow patterns. */
static int64_t
fast_clock(void *arg)
{
	int64_t *now = arg;

	return *now += 10000;
}

static void *
allocate(void *arg, size_t size)
{
	(void) arg;
	return malloc(size);
}

static void
release(void *arg, void *ptr)
{
	(void) arg;
	free(ptr);
}

typedef struct Answer
{
	FlowStatus status;
	int count;
	FlowSlice groups[MAX_GROUPS];
} Answer;

/* Matches with flow/regex.c. */
static void
ask(const char *pattern, const char *line, size_t len, bool jit, Answer *answer)
{
	int64_t now = 0;
	FlowHost host = {.arg = &now,
	                 .interrupted = never_interrupted,
	                 .allocate = allocate,
	                 .free = release,
	                 .clock = fast_clock};
	FlowRegex *regex = NULL;
	FlowError error;
	int wanted[MAX_GROUPS];

	answer->count = 0;
	answer->status = flow_regex_compile(&host, pattern, jit, &regex, &error);
	if (answer->status != FLOW_OK)
		return;

	answer->count = flow_regex_group_count(regex);
	for (int i = 0; i < answer->count; i++)
		wanted[i] = i + 1;
	answer->status =
		flow_regex_match(regex, line, len, wanted, answer->count, answer->groups, &error);
	flow_regex_free(regex);
	if (answer->status != FLOW_OK)
		return;

	for (int i = 0; i < answer->count; i++)
	{
		FlowSlice group = answer->groups[i];

		if (group.data == NULL
		        ? group.len != 0
		        : group.data < line || group.len > len || group.data + group.len > line + len)
			abort();
	}
}

/*
 * Matches with PCRE2's interpreter.  The status is FLOW_LIMIT if that gives no
 * result.
 */
static void
ask_oracle(const char *pattern, const char *line, size_t len, Answer *answer)
{
	int number, result = PCRE2_ERROR_MATCHLIMIT;
	PCRE2_SIZE offset;
	pcre2_code *code =
		pcre2_compile((PCRE2_SPTR) pattern,
	                  PCRE2_ZERO_TERMINATED,
	                  PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_DOLLAR_ENDONLY | PCRE2_DOTALL,
	                  &number,
	                  &offset,
	                  NULL);
	pcre2_match_data *match = code ? pcre2_match_data_create_from_pattern(code, NULL) : NULL;
	pcre2_match_context *context = pcre2_match_context_create(NULL);

	if (match != NULL)
	{
		pcre2_set_match_limit(context, 100000);
		result = pcre2_match(code, (PCRE2_SPTR) line, len, 0, 0, match, context);
	}
	answer->status = result > 0 ? FLOW_OK : result == PCRE2_ERROR_NOMATCH ? FLOW_END : FLOW_LIMIT;
	answer->count = match ? (int) pcre2_get_ovector_count(match) - 1 : 0;
	for (int i = 0; result > 0 && i < answer->count && i < MAX_GROUPS; i++)
	{
		PCRE2_SIZE *ends = pcre2_get_ovector_pointer(match) + 2 * (i + 1);

		answer->groups[i].data = ends[0] == PCRE2_UNSET ? NULL : line + ends[0];
		answer->groups[i].len = ends[0] == PCRE2_UNSET ? 0 : ends[1] - ends[0];
	}
	pcre2_match_context_free(context);
	pcre2_match_data_free(match);
	pcre2_code_free(code);
}

static void
must_agree(const Answer *a, const Answer *b)
{
	if (a->status == FLOW_LIMIT || b->status == FLOW_LIMIT)
		return;
	if (a->status != b->status || (a->status == FLOW_OK && a->count != b->count))
		abort();
	for (int i = 0; a->status == FLOW_OK && i < a->count; i++)
		if (a->groups[i].data != b->groups[i].data || a->groups[i].len != b->groups[i].len)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *newline = size ? memchr(data, '\n', size) : NULL;
	bool is_long = size > 0 && data[0] == ' ';
	size_t pattern_len, line_len;
	char *pattern, *line;
	static Answer plain, jit, oracle;

	if (newline == NULL)
		return 0;
	data += is_long;
	if (newline < data)
		return 0;
	pattern_len = (size_t) (newline - data);
	line_len = size - is_long - pattern_len - 1;

	pattern = malloc(pattern_len + 8);
	memcpy(pattern, data, pattern_len);
	strcpy(pattern + pattern_len, is_long ? "~*" : "");
	line = malloc(line_len + PADDING + 1);
	memcpy(line, newline + 1, line_len);
	if (is_long)
	{
		memset(line + line_len, '~', PADDING + 1);
		line_len += PADDING + 1;
	}

	flow_regex_is_escaped(pattern);
	ask(pattern, line, line_len, false, &plain);
	ask(pattern, line, line_len, true, &jit);
	must_agree(&plain, &jit);
	if (plain.status == FLOW_OK || plain.status == FLOW_END)
	{
		ask_oracle(pattern, line, line_len, &oracle);
		must_agree(&plain, &oracle);
		must_agree(&jit, &oracle);
	}

	free(pattern);
	free(line);
	return 0;
}
