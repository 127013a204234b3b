/*-------------------------------------------------------------------------
 *
 * fuzz_location.c
 *	  Fuzzes flow/location.c against the plain matcher.
 *
 * The input is a location, a NUL byte, and a path.
 *
 *-------------------------------------------------------------------------
 */
#include "../unit/plain_location.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char input[PLAIN_MOST + 1];
	const char *text = input, *path;
	FlowLocation *location;
	FlowError error;
	size_t text_len;

	if (size >= PLAIN_MOST)
		return 0;
	memcpy(input, data, size);
	input[size] = '\0';
	text_len = strlen(text);

	/* the whole input is the location when it has no NUL */
	path = text_len < size ? text + text_len + 1 : "/a/b";
	if (flow_location_parse(&unit_host, text, &location, &error) != FLOW_OK)
	{
		if (location != NULL || error.message[0] == '\0' || unit_state.outstanding != 0)
			abort();
		return 0;
	}

	/*
	 * The plain matcher writes alternatives out as text, where stray bytes may
	 * join to a character.
	 */
	if (path[0] == '/' && path[1] != '\0' && strstr(path, "//") == NULL && path[strlen(path) - 1] != '/' &&
	    (strchr(text, '{') == NULL || unit_text_valid(NULL, text, text_len)) &&
	    !same_answer(location, text, path))
	{
		fprintf(stderr, "\"%s\" and \"%s\"\n", text, path);
		abort();
	}

	flow_location_free(location);
	if (unit_state.outstanding != 0)
		abort();
	return 0;
}
