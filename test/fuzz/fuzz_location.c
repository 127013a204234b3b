/*-------------------------------------------------------------------------
 *
 * fuzz_location.c
 *	  Fuzzes flow/location*.c, compared with the plain matchers.
 *
 * The input is a location, a NUL byte and a path.
 *
 *-------------------------------------------------------------------------
 */
#include "../unit/model_template.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char input[MODEL_MAX + 1];
	const char *text = input, *path;
	FlowLocation *location;
	FlowError error;
	size_t text_len;

	if (size >= MODEL_MAX)
		return 0;
	memcpy(input, data, size);
	input[size] = '\0';
	text_len = strlen(text);

	/* if there is no NUL, the whole input is the location */
	path = text_len < size ? text + text_len + 1 : "/a/b";
	if (flow_location_parse(&unit_host, text, &location, &error) != FLOW_OK)
	{
		if (location != NULL || error.message[0] == '\0' || unit_state.outstanding != 0)
			abort();
		return 0;
	}

	/*
	 * The plain matcher writes out alternatives as text, in which stray bytes
	 * could join to form a character.
	 */
	if (path[0] == '/' && path[1] != '\0' && strstr(path, "//") == NULL &&
	    path[strlen(path) - 1] != '/' &&
	    (strchr(text, '{') == NULL || unit_text_valid(NULL, text, text_len)))
	{
		bool same = true;
		int count;

		(void) flow_location_variables(location, &count);
		if (count == 0)
			same = same_answer(location, text, path);
		else if (count <= MODEL_VARIABLES && strpbrk(text, "\1\2\3\4\5") == NULL &&
		         strstr(text, "//") == NULL && strstr(text, "/./") == NULL &&
		         strcmp(text + text_len - 2, "/.") != 0)
			same = same_values(location, text, path);
		if (!same)
		{
			fprintf(stderr, "\"%s\" and \"%s\"\n", text, path);
			abort();
		}
	}

	flow_location_free(location);
	if (unit_state.outstanding != 0)
		abort();
	return 0;
}
