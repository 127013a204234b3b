/*-------------------------------------------------------------------------
 *
 * fuzz_split.c
 *	  Fuzzes the splitters with any bytes: each one that this processor can run
 *	  must give the same result as the portable one.
 *
 * The first byte is the separator.  The data are in a heap block of their own,
 * so that the address sanitizer detects reads outside of it.
 *
 *-------------------------------------------------------------------------
 */
#include "../../flow/bytes/ends.h"
#include "../../flow/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEMAND(condition)                                                                          \
	do                                                                                             \
	{                                                                                              \
		if (!(condition))                                                                          \
		{                                                                                          \
			fprintf(stderr,                                                                        \
			        "%s:%d: not so: %s (%s)\n",                                                    \
			        __FILE__,                                                                      \
			        __LINE__,                                                                      \
			        #condition,                                                                    \
			        splitter->name);                                                               \
			abort();                                                                               \
		}                                                                                          \
	} while (0)

static void *
host_allocate(void *arg, size_t size)
{
	(void) arg;
	return malloc(size);
}

static const FlowHost host = {.allocate = host_allocate};

static bool
bit(const uint8_t *bits, size_t number)
{
	return bits[number / 8] >> number % 8 & 1;
}

static void
compare(const FlowSplitter *splitter, const FlowEnds *found, const FlowEnds *expected)
{
	DEMAND(found->count == expected->count);
	DEMAND(found->any_special == expected->any_special);
	DEMAND(found->next[-1] == 0);
	for (size_t i = 0; i < found->count; i++)
	{
		DEMAND(found->next[i] == expected->next[i]);
		DEMAND(bit(found->newline, i) == bit(expected->newline, i));
		DEMAND(bit(found->digits, i) == bit(expected->digits, i));
		if (found->any_special)
			DEMAND(bit(found->special, i) == bit(expected->special, i));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	static FlowEnds *expected, *found;
	const FlowSplitter *last = flow_splitters;
	char separator;
	char *data;

	if (size < 2 || size - 1 > FLOW_SPLIT_MAX)
		return 0;
	if (expected == NULL)
	{
		expected = flow_ends_create(&host);
		found = flow_ends_create(&host);
	}
	separator = (char) *input++;
	size--;
	data = malloc(size);
	memcpy(data, input, size);

	while (last[1].name != NULL)
		last++;
	last->split(data, size, separator, expected);
	for (const FlowSplitter *splitter = flow_splitters; splitter != last; splitter++)
		if (splitter->available())
		{
			splitter->split(data, size, separator, found);
			compare(splitter, found, expected);
		}
	free(data);
	return 0;
}
