/*-------------------------------------------------------------------------
 *
 * page.c
 *	  Reads the pages of a column chunk.
 *
 *-------------------------------------------------------------------------
 */
#include "page.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/*
 * Bytes that are read beyond what is needed: when pages are read, or skipped.
 */
#define LOOK_AHEAD (32 * 1024)
#define LOOK_AHEAD_FAR 1024

/* A header has two statistics of up to two texts. */
#define MAX_HEADER (4 * 1024 * 1024)

/* fields of PageHeader */
#define PAGE_TYPE 1
#define PAGE_INFLATED 2
#define PAGE_SIZE 3
#define PAGE_CRC 4
#define PAGE_DATA 5
#define PAGE_DICTIONARY 7
#define PAGE_DATA_V2 8
#define PAGE_REQUIRED (1 << PAGE_TYPE | 1 << PAGE_INFLATED | 1 << PAGE_SIZE)

/* Reports a damaged page. */
FlowStatus
flow_page_damaged(const FlowPages *pages, uint64_t offset, const char *what, FlowError *error)
{
	const char *dots, *name = flow_error_tail(pages->name, 100, &dots);

	return flow_parquet_damaged(error,
	                            offset,
	                            "A page of column \"%s%s\" has %s",
	                            dots,
	                            name,
	                            what);
}

/* Says where a page is that is legal but not read. */
FlowStatus
flow_page_limit(const FlowPages *pages, uint64_t offset, FlowError *error)
{
	const char *dots, *name = flow_error_tail(pages->name, 100, &dots);

	flow_error_detail(error,
	                  "The page is in column \"%s%s\", at byte %" PRIu64 ".",
	                  dots,
	                  name,
	                  offset);
	return FLOW_LIMIT;
}

/* Goes to the first page of a chunk. */
void
flow_pages_begin(FlowPages *pages, const FlowParquet *parquet, size_t group, size_t leaf)
{
	const FlowParquetPlace *place = &parquet->places[group * parquet->nleaves + leaf];
	uint64_t rest = parquet->footer_offset - (place->offset + place->size);

	pages->host = parquet->host;
	pages->parquet = parquet;
	pages->name = parquet->leaves[leaf].name;
	pages->codec = flow_page_codec(place->codec);
	pages->next = place->offset;
	pages->end = place->offset + place->size + (rest < parquet->slack ? rest : parquet->slack);
	pages->far = false;
	pages->raw_len = 0;
}

void
flow_pages_free(FlowPages *pages)
{
	flow_room_free(pages->host, &pages->raw);
	flow_page_inflater_free(&pages->inflater);
}

/* ---------- the file's bytes ---------- */

/*
 * Returns bytes of the chunk, all of which are in it, and in *there how many
 * are at hand.  They are valid until the next call.
 */
static FlowStatus
fetch(FlowPages *pages, uint64_t offset, size_t len, const uint8_t **bytes, size_t *there,
      FlowError *error)
{
	size_t ahead = pages->far ? LOOK_AHEAD_FAR : LOOK_AHEAD, kept = 0, want;
	uint64_t most = pages->end - offset;
	const FlowParquetInput *input = &pages->parquet->input;
	FlowStatus status;

	/* keep what was read ahead */
	if (offset >= pages->raw_offset && offset - pages->raw_offset < pages->raw_len)
		kept = pages->raw_len - (size_t) (offset - pages->raw_offset);
	if (kept < len)
	{
		const uint8_t *keep = kept > 0 ? pages->raw.data + (offset - pages->raw_offset) : NULL;
		FlowRoom larger = {NULL, 0};

		want = len + ahead < most ? len + ahead : (size_t) most;
		if (pages->raw.data == NULL || want > pages->raw.size)
		{
			if (!flow_room_reserve(pages->host, &larger, want + want / 4))
				return flow_error_memory(error);
			if (kept > 0)
				memcpy(larger.data, keep, kept);
			flow_room_free(pages->host, &pages->raw);
			pages->raw = larger;
		}
		else if (kept > 0)
			memmove(pages->raw.data, keep, kept);
		pages->raw_offset = offset;
		pages->raw_len = kept;

		status = input->read(input->arg, offset + kept, pages->raw.data + kept, want - kept, error);
		if (status != FLOW_OK)
			return status;
		pages->raw_len = kept = want;
	}
	*bytes = pages->raw.data + (offset - pages->raw_offset);
	*there = kept;
	return FLOW_OK;
}

/* ---------- headers ---------- */

/* Reads a count or size, which is not negative. */
static uint32_t
read_size(FlowThrift *thrift)
{
	int32_t size = flow_thrift_int32(thrift);

	if (size < 0)
		flow_thrift_fail(thrift, "a negative size");
	return size < 0 ? 0 : (uint32_t) size;
}

/* Reads a DataPageHeader or DictionaryPageHeader, which begin alike. */
static void
read_data_header(FlowThrift *thrift, bool is_data, FlowPageHeader *header)
{
	uint32_t seen = 0;

	flow_thrift_begin(thrift);
	while (flow_thrift_field(thrift))
	{
		seen |= thrift->field < 32 ? UINT32_C(1) << thrift->field : 0;
		if (thrift->field == 1)
			header->values = read_size(thrift);
		else if (thrift->field == 2)
			header->encoding = flow_thrift_int32(thrift);
		else if (thrift->field == 3 && is_data)
			header->level_encoding = flow_thrift_int32(thrift);
		else
			flow_thrift_skip(thrift);
	}
	if (!FLOW_SEEN(seen, 1) || !FLOW_SEEN(seen, 2) || (is_data && !FLOW_SEEN(seen, 3)))
		flow_thrift_fail(thrift, "a header that lacks a required field");
}

/* Reads a DataPageHeaderV2. */
static void
read_data_header_v2(FlowThrift *thrift, FlowPageHeader *header)
{
	uint32_t seen = 0;

	header->is_compressed = true;
	flow_thrift_begin(thrift);
	while (flow_thrift_field(thrift))
	{
		seen |= thrift->field < 32 ? UINT32_C(1) << thrift->field : 0;
		switch (thrift->field)
		{
			case 1:
				header->values = read_size(thrift);
				break;
			case 4:
				header->encoding = flow_thrift_int32(thrift);
				break;
			case 5:
				header->definition_size = read_size(thrift);
				break;
			case 6:
				header->repetition_size = read_size(thrift);
				break;
			case 7:
				header->is_compressed = flow_thrift_bool(thrift);
				break;
			default:
				flow_thrift_skip(thrift);
		}
	}
	if (!FLOW_SEEN(seen, 1) || !FLOW_SEEN(seen, 4) || !FLOW_SEEN(seen, 5) || !FLOW_SEEN(seen, 6))
		flow_thrift_fail(thrift, "a header that lacks a required field");
}

/* Reads a PageHeader. */
static void
read_header(FlowThrift *thrift, FlowPageHeader *header)
{
	static const uint8_t fields[] = {[FLOW_DATA_PAGE] = PAGE_DATA,
	                                 [FLOW_INDEX_PAGE] = PAGE_TYPE,
	                                 [FLOW_DICTIONARY_PAGE] = PAGE_DICTIONARY,
	                                 [FLOW_DATA_PAGE_V2] = PAGE_DATA_V2};
	uint32_t seen = 0;

	flow_thrift_begin(thrift);
	while (flow_thrift_field(thrift))
	{
		int field = thrift->field;

		seen |= field < 32 ? UINT32_C(1) << field : 0;
		if (field >= PAGE_DATA && field <= PAGE_DATA_V2 && thrift->type != FLOW_THRIFT_STRUCT)
			flow_thrift_fail(thrift, "a field of a wrong type");
		switch (field)
		{
			case PAGE_TYPE:
				header->type = flow_thrift_int32(thrift);
				break;
			case PAGE_INFLATED:
				header->inflated = read_size(thrift);
				break;
			case PAGE_SIZE:
				header->size = read_size(thrift);
				break;
			case PAGE_CRC:
				header->crc = (uint32_t) flow_thrift_int32(thrift);
				header->has_crc = true;
				break;
			case PAGE_DATA:
			case PAGE_DICTIONARY:
				read_data_header(thrift, field == PAGE_DATA, header);
				break;
			case PAGE_DATA_V2:
				read_data_header_v2(thrift, header);
				break;
			default:
				flow_thrift_skip(thrift);
		}
	}

	/* pages of types that are not known are skipped */
	if ((seen & PAGE_REQUIRED) != PAGE_REQUIRED)
		flow_thrift_fail(thrift, "a header that lacks a required field");
	else if (header->type >= 0 && (size_t) header->type < flow_countof(fields) &&
	         !FLOW_SEEN(seen, fields[header->type]))
		flow_thrift_fail(thrift, "a header of another type than the page");
	/* a header of another type would have written over what is kept */
	else if ((FLOW_SEEN(seen, PAGE_DATA) + FLOW_SEEN(seen, PAGE_DICTIONARY) +
	          FLOW_SEEN(seen, PAGE_DATA_V2)) > 1)
		flow_thrift_fail(thrift, "headers of more than one type");
}

/* Reads the next page's header. */
FlowStatus
flow_pages_header(FlowPages *pages, FlowPageHeader *header, FlowError *error)
{
	uint64_t offset = pages->next, most = pages->end - offset;
	size_t len = LOOK_AHEAD_FAR, there;
	const uint8_t *bytes;
	FlowThrift thrift;
	FlowStatus status;

	if (flow_interrupted(pages->host))
		return flow_error_interrupted(error);
	if (most == 0)
		return flow_page_damaged(pages, offset, "no rows, but its row group has more", error);

	/* a header's length is not known before it has been read */
	for (;;)
	{
		if (len > most)
			len = (size_t) most;
		status = fetch(pages, offset, len, &bytes, &there, error);
		if (status != FLOW_OK)
			return status;
		*header = (FlowPageHeader) {.offset = offset};
		flow_thrift_init(&thrift, pages->host, bytes, there);
		read_header(&thrift, header);
		if (!thrift.ended || there >= most || there >= MAX_HEADER)
			break;
		len = there * 4;
	}
	if (thrift.interrupted)
		return flow_error_interrupted(error);
	if (thrift.what != NULL)
		return flow_page_damaged(pages,
		                         offset + (uint64_t) (thrift.at - thrift.start),
		                         thrift.what,
		                         error);

	header->body = offset + (uint64_t) (thrift.at - thrift.start);
	if (header->size > pages->end - header->body)
		return flow_page_damaged(pages, offset, "more bytes than its column chunk", error);
	if (header->size > FLOW_PARQUET_MAX_PAGE || header->inflated > FLOW_PARQUET_MAX_PAGE)
	{
		flow_error_set(error,
		               FLOW_LIMIT,
		               "has a page of more than %d MiB",
		               FLOW_PARQUET_MAX_PAGE / (1024 * 1024));
		return flow_page_limit(pages, offset, error);
	}
	pages->next = header->body + header->size;
	return FLOW_OK;
}

/* ---------- bodies ---------- */

/* Reads the bytes of a page. */
FlowStatus
flow_pages_data(FlowPages *pages, const FlowPageHeader *header, FlowRoom *room, FlowPageData *data,
                FlowError *error)
{
	uint32_t levels = 0, size = header->size, inflated = header->inflated;
	const uint8_t *bytes;
	size_t there;
	FlowStatus status;

	/* read it and check its sum */
	status = fetch(pages, header->body, size, &bytes, &there, error);
	if (status != FLOW_OK)
		return status;
	if (header->has_crc && flow_gzip_check_sum(bytes, size) != header->crc)
		return flow_page_damaged(pages,
		                         header->offset,
		                         "data that do not match its check sum",
		                         error);

	/* levels of version 2 stand before what is compressed */
	*data = (FlowPageData) {0};
	if (header->type == FLOW_DATA_PAGE_V2)
	{
		if (header->repetition_size > size ||
		    header->definition_size > size - header->repetition_size)
			return flow_page_damaged(pages,
			                         header->offset,
			                         "levels that are longer than it",
			                         error);
		data->levels = bytes + header->repetition_size;
		data->levels_len = header->definition_size;
		levels = header->repetition_size + header->definition_size;
		if (levels > inflated)
			return flow_page_damaged(pages,
			                         header->offset,
			                         "levels that are longer than it",
			                         error);
		bytes += levels;
		size -= levels;
		inflated -= levels;
	}

	/* what is not compressed stays where it is; so does nothing */
	data->data = bytes;
	data->len = size;
	if ((pages->codec->stream == NULL && pages->codec->block == NULL) ||
	    (header->type == FLOW_DATA_PAGE_V2 && !header->is_compressed))
		return size == inflated ? FLOW_OK
		                        : flow_page_damaged(pages,
		                                            header->offset,
		                                            "another size than its header says",
		                                            error);
	if (size == 0 && inflated == 0)
		return FLOW_OK;

	if (!flow_room_reserve(pages->host, room, inflated + 1))
		return flow_error_memory(error);
	data->data = room->data;
	data->len = inflated;
	status = flow_page_inflate(pages->host,
	                           pages->codec,
	                           &pages->inflater,
	                           bytes,
	                           size,
	                           room->data,
	                           inflated,
	                           header->body + levels,
	                           error);
	if (status == FLOW_CORRUPT)
	{
		char what[80];

		snprintf(what, sizeof(what), "%s data that are damaged", pages->codec->name);
		return flow_page_damaged(pages, header->offset, what, error);
	}
	return status == FLOW_LIMIT ? flow_page_limit(pages, header->offset, error) : status;
}
