/*-------------------------------------------------------------------------
 *
 * regex_help.h
 *	  Functions that the tests of patterns share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef REGEX_HELP_H
#define REGEX_HELP_H

#include "../../flow/regex.h"
#include "unit.h"

#define MAX_WANTED 40

/* The pattern that AWS documents for Athena, as Hive reads it. */
static const char *const documented =
	"^([^ ]+)\\s+([0-9]+)\\s+([^ ]+)\\s+([^ ]+)\\s+([^ ]+)\\s+([^ "
	"]+)\\s+([0-9]+)\\s+([0-9]+)\\s+([0-9]+)\\s+"
	"([0-9]+)\\s+([0-9]+)\\s+([0-9]+)\\s+([0-9]+)\\s+([^ ]+)\\s+([^ ]+)$";

static const char *const record = "2026-01-30T12:25:04.000Z 2 123456789010 eni-1235b8ca123456789 "
								  "172.31.16.139 172.31.16.21 20641 22 6 20 4249 "
								  "1418530010 1418530070 ACCEPT OK";

static FlowError failure; /* error of the last call that failed */

static inline FlowRegex *
compile(const char *pattern, bool jit)
{
	FlowRegex *regex = NULL;

	if (flow_regex_compile(&unit_host, pattern, jit, &regex, &failure) != FLOW_OK)
	{
		printf("# %s: %s %s\n", pattern, failure.message, failure.detail);
		CHECK(!"compiled");
		return NULL;
	}
	return regex;
}

/*
 * Matches a line that ends at unreadable memory, and returns all groups from 1
 * on.
 */
static inline FlowStatus
match(FlowRegex *regex, const char *line, size_t len, FlowSlice *groups)
{
	int wanted[MAX_WANTED];
	int count = flow_regex_group_count(regex);

	if (count > MAX_WANTED)
		count = MAX_WANTED;
	for (int i = 0; i < count; i++)
		wanted[i] = i + 1;
	return flow_regex_match(regex, unit_at_edge(line, len), len, wanted, count, groups, &failure);
}

/* Returns "part" repeated "count" times, followed by "end". */
static inline char *
repeated(const char *part, int count, const char *end)
{
	size_t len = strlen(part);
	char *text = malloc(len * (size_t) count + strlen(end) + 1);

	for (int i = 0; i < count; i++)
		memcpy(text + len * (size_t) i, part, len);
	memcpy(text + len * (size_t) count, end, strlen(end) + 1);
	return text;
}

#endif /* REGEX_HELP_H */
