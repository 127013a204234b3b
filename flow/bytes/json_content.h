/*-------------------------------------------------------------------------
 *
 * json_content.h
 *	  What is in a text of JSON: JSON, or base64 of JSON or lines, which may be
 *	  compressed with gzip.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_JSON_CONTENT_H
#define FLOW_JSON_CONTENT_H

#include "json_fields.h"

typedef struct FlowJsonContent
{
	FlowJsonBuffer text; /* the text, decoded in its place */
	bool is_json;        /* it is JSON, otherwise lines */

	/* what was not given yet */
	const uint8_t *in, *in_end; /* of the text */
	void *gzip;                 /* NULL: the text is not compressed */
	uint8_t *block;             /* of what is in the gzip data; NULL until needed */
	bool ended;                 /* nothing follows */
} FlowJsonContent;

/* Returns true if a text is one JSON object, well-formed. */
extern bool flow_json_content_is_object(FlowSlice text);

/*
 * Opens the content in "text".  Returns FLOW_END if there is none: the text
 * "is_data" and not base64 of text or of gzip data.  Otherwise it is JSON.
 */
extern FlowStatus flow_json_content_open(const FlowHost *host, FlowJsonContent *content,
                                         bool is_data, FlowError *error);

/*
 * Returns the next piece, at most FLOW_BLOCK_SIZE bytes and perhaps none, and
 * in *last whether it is the last.  It is valid until the next call.  On
 * FLOW_CORRUPT the caller sets *error.
 */
extern FlowStatus flow_json_content_read(const FlowHost *host, FlowJsonContent *content,
                                         const uint8_t **piece, const uint8_t **piece_end,
                                         bool *last, FlowError *error);

/* Closes the content; "text" is kept. */
extern void flow_json_content_close(const FlowHost *host, FlowJsonContent *content);
extern void flow_json_content_free(const FlowHost *host, FlowJsonContent *content);

#endif /* FLOW_JSON_CONTENT_H */
