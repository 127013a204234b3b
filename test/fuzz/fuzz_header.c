/*-------------------------------------------------------------------------
 *
 * fuzz_header.c
 *	  Files with headers against the plain reader of them, and log formats.
 *
 * The first byte chooses the longest line and whether lines are split many at a time.
 *
 *-------------------------------------------------------------------------
 */
#include "../unit/plain_header.h"

static void
must(bool condition)
{
	if (!condition)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char path[64];
	char unknown[64], nearest[64];
	FlowError error;
	uint64_t line;
	char *text;

	if (size < 1 || size > 60000)
		return 0;
	if (path[0] == '\0')
		snprintf(path, sizeof(path), "/tmp/fuzz_header.%d", (int) getpid());

	/* a Parquet file is refused by its first bytes; what has a wrapper is not for the plain reader, nor is what may be an export */
	if (!flow_json_recognizes(data + 1, size - 1) && !flow_csv_recognizes(data + 1, size - 1) && !memchr(data + 1, 'T', size - 1) && memchr(data + 1, 0xEF, size - 1) == NULL)
		if (size < 5 || memcmp(data + 1, "PAR1", 4) != 0)
			must(plain_header_agrees(path, (const char *) data + 1, size - 1, (data[0] & 1) == 0, data[0] & 2 ? 16 : 100000, &line));

	text = malloc(size);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	if (flow_format_check_log_format(text, unknown, nearest, &error) != FLOW_OK)
		must(error.status == FLOW_BAD_FORMAT && error.detail[0] != '\0');
	free(text);
	return 0;
}
