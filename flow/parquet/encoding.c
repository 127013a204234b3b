/*-------------------------------------------------------------------------
 *
 * encoding.c
 *	  Decodes the values of a page: the table of encodings.
 *
 *-------------------------------------------------------------------------
 */
#include "encoding.h"

static const FlowEncoding dictionary_encoding = {.name = "RLE_DICTIONARY"};

/* enum Encoding: what is read */
static const FlowEncoding *const encodings[] = {
	[0] = &flow_plain_encoding,
	[2] = &dictionary_encoding,
	[3] = &flow_rle_encoding,
	[5] = &flow_delta_encoding,
	[6] = &flow_delta_length_encoding,
	[7] = &flow_delta_bytes_encoding,
	[8] = &dictionary_encoding,
	[9] = &flow_stream_split_encoding,
};

/* what is not */
static const char *const refused[] = {
	[1] = "GROUP_VAR_INT",
	[4] = "BIT_PACKED",
	[10] = "ALP",
};

const FlowEncoding *
flow_encoding(int32_t number)
{
	return number >= 0 && (size_t) number < flow_countof(encodings) ? encodings[number] : NULL;
}

const char *
flow_encoding_name(int32_t number)
{
	const FlowEncoding *encoding = flow_encoding(number);

	if (encoding != NULL)
		return encoding->name;
	if (number < 0 || (size_t) number >= flow_countof(refused) || refused[number] == NULL)
		return "an unknown encoding";
	return refused[number];
}
