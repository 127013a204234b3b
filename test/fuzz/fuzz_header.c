/*-------------------------------------------------------------------------
 *
 * fuzz_header.c
 *	  Fuzzes files with headers, compared with the plain reader of them, and
 *	  log formats.
 *
 * The first byte chooses the maximum length of a line and whether lines are
 * split.
 *
 *-------------------------------------------------------------------------
 */
#include "../../flow/bytes/source.h"
#include "../unit/model_header.h"

static void
must(bool condition)
{
	if (!condition)
		abort();
}

/*
 * Returns true if the plain reader can read the file.  It knows neither
 * wrappers nor Parquet files, and some others are refused because of their
 * first bytes.
 */
static bool
is_plain(const char *path, const uint8_t *data, size_t len)
{
	FlowObject object = model_write(path, data, len);
	const FlowUnwrap unwrap = {.max_line_length = 1000};
	FlowAccess everywhere = {0};
	FlowSource *source = NULL;
	FlowError error;
	bool plain =
		flow_source_open(&unit_host, &object, &everywhere, "none", &unwrap, &source, &error) ==
		FLOW_OK;

	if (plain)
		plain = flow_source_framing(source) == FLOW_BARE && !flow_source_is_parquet(source);
	else
		must(error.status == FLOW_UNSUPPORTED || error.status == FLOW_CORRUPT);
	flow_source_close(source);
	unlink(path);
	return plain;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char path[128];
	char unknown[64], nearest[64];
	FlowError error;
	uint64_t line;
	char *text;

	if (size < 1 || size > 60000)
		return 0;
	if (path[0] == '\0')
		snprintf(path,
		         sizeof(path),
		         "%s/fuzz_header.%d",
		         getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp",
		         (int) getpid());

	if (is_plain(path, data + 1, size - 1))
		must(model_header_agrees(path,
		                         (const char *) data + 1,
		                         size - 1,
		                         (data[0] & 1) == 0,
		                         data[0] & 2 ? 16 : 100000,
		                         &line));

	text = malloc(size);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	if (flow_format_check_log_format(text, unknown, nearest, &error) != FLOW_OK)
		must(error.status == FLOW_BAD_FORMAT && error.detail[0] != '\0');
	free(text);
	return 0;
}
