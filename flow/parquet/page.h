/*-------------------------------------------------------------------------
 *
 * page.h
 *	  The pages of a column chunk: their headers, and their bytes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_PAGE_H
#define FLOW_PAGE_H

#include "encoding.h"

/* enum PageType */
typedef enum FlowPageType
{
	FLOW_DATA_PAGE = 0,
	FLOW_INDEX_PAGE = 1,
	FLOW_DICTIONARY_PAGE = 2,
	FLOW_DATA_PAGE_V2 = 3
} FlowPageType;

/* A PageHeader, and what is in it. */
typedef struct FlowPageHeader
{
	int32_t type;
	uint64_t offset;   /* of the page, in the file */
	uint64_t body;     /* of what follows the header */
	uint32_t size;     /* bytes of the body as it is stored, */
	uint32_t inflated; /* and inflated */
	bool has_crc;
	uint32_t crc; /* of the body as it is stored */

	/* data pages and dictionaries */
	uint32_t values; /* rows; or entries */
	int32_t encoding;

	int32_t level_encoding; /* data pages, version 1: of definition levels */

	/* data pages, version 2: bytes of levels, which are not compressed */
	uint32_t repetition_size, definition_size;
	bool is_compressed; /* what follows the levels is */
} FlowPageHeader;

/* The pages of a chunk, read one after the other. */
typedef struct FlowPages
{
	const FlowHost *host;
	const FlowParquet *parquet;
	const char *name; /* of the leaf */
	const FlowPageCodec *codec;
	uint64_t next, end; /* of the next page, and of the chunk, in the file */
	bool far;           /* the next page is probably skipped, too: read little */

	/* bytes of the file */
	FlowRoom raw;
	uint64_t raw_offset;
	size_t raw_len;

	FlowPageInflater inflater;
} FlowPages;

/* The bytes of a page, with FLOW_PAGE_PADDING more that can be read. */
typedef struct FlowPageData
{
	const uint8_t *levels; /* version 2: definition levels */
	size_t levels_len;
	const uint8_t *data;
	size_t len;
} FlowPageData;

/* Goes to the first page of a chunk. */
extern void flow_pages_begin(FlowPages *pages, const FlowParquet *parquet, size_t group,
                             size_t leaf);
extern void flow_pages_free(FlowPages *pages);

/* Reads the next page's header; the page after it is then the next. */
extern FlowStatus flow_pages_header(FlowPages *pages, FlowPageHeader *header, FlowError *error);

/*
 * Reads the bytes of a page and inflates them, if they are compressed, into
 * "room".  They are valid until the next call.
 */
extern FlowStatus flow_pages_data(FlowPages *pages, const FlowPageHeader *header, FlowRoom *room,
                                  FlowPageData *data, FlowError *error);

/* Reports a damaged page: it "has" that. */
extern FlowStatus flow_page_damaged(const FlowPages *pages, uint64_t offset, const char *what,
                                    FlowError *error);

/* Adds to an error of FLOW_LIMIT where the page is. */
extern FlowStatus flow_page_limit(const FlowPages *pages, uint64_t offset, FlowError *error);

#endif /* FLOW_PAGE_H */
