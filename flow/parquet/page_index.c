/*-------------------------------------------------------------------------
 *
 * page_index.c
 *	  Reads the page index of a column chunk: PageIndex.md in
 *	  apache/parquet-format.
 *
 * An OffsetIndex says where the pages are and which rows they have, a
 * ColumnIndex what is in them.  Nothing needs them, so what contradicts the
 * chunk or itself is passed over.
 *
 *-------------------------------------------------------------------------
 */
#include "metadata.h"

#include <string.h>

#define MAX_SIZE (4 * 1024 * 1024) /* bytes of either index */
#define MAX_PAGES 65536

/* The index, and the bytes of the file that its texts are in. */
typedef struct Index
{
	FlowParquetPageIndex index;
	uint8_t *bytes;
} Index;

/* ---------- where pages are ---------- */

/* Reads a PageLocation. */
static void
read_location(FlowThrift *thrift, FlowParquetPage *page)
{
	uint32_t seen = 0;
	int64_t offset = -1, size = -1, row = -1;

	flow_thrift_begin(thrift);
	while (flow_thrift_field(thrift))
	{
		seen |= thrift->field < 32 ? UINT32_C(1) << thrift->field : 0;
		switch (thrift->field)
		{
			case 1:
				offset = flow_thrift_int64(thrift);
				break;
			case 2:
				size = flow_thrift_int32(thrift);
				break;
			case 3:
				row = flow_thrift_int64(thrift);
				break;
			default:
				flow_thrift_skip(thrift);
		}
	}
	if (!FLOW_SEEN(seen, 1) || !FLOW_SEEN(seen, 2) || !FLOW_SEEN(seen, 3) || offset < 0 ||
	    size < 0 || row < 0)
		flow_thrift_fail(thrift, "a page location that is not valid");
	page->offset = (uint64_t) offset;
	page->size = (uint64_t) size;
	page->first_row = (uint64_t) row;
}

/* Reads an OffsetIndex.  Returns false if it cannot be used. */
static bool
read_offsets(const FlowParquet *parquet, FlowThrift *thrift, FlowParquetPageIndex *index)
{
	flow_thrift_begin(thrift);
	while (flow_thrift_field(thrift))
	{
		size_t count;

		if (thrift->field != 1 || index->pages != NULL)
		{
			flow_thrift_skip(thrift);
			continue;
		}
		count = flow_thrift_list(thrift, FLOW_THRIFT_STRUCT);
		if (count == 0 || count > MAX_PAGES)
			return false;
		index->pages = flow_allocate(parquet->host, count * sizeof(FlowParquetPage));
		if (index->pages == NULL)
			return false;
		memset(index->pages, 0, count * sizeof(FlowParquetPage));
		for (; index->count < count && thrift->what == NULL; index->count++)
		{
			index->pages[index->count].nulls = -1;
			read_location(thrift, &index->pages[index->count]);
		}
	}
	return thrift->what == NULL && index->count > 0;
}

/*
 * Returns true if the pages follow each other, are in the chunk and have all
 * rows; and says how many rows each has.
 */
static bool
check_pages(FlowParquetPageIndex *index, const FlowParquetPlace *place, uint64_t rows)
{
	uint64_t at = place->offset, end = place->offset + place->size;

	if (index->pages[0].first_row != 0)
		return false;
	for (size_t i = 0; i < index->count; i++)
	{
		FlowParquetPage *page = &index->pages[i];
		uint64_t next = i + 1 < index->count ? page[1].first_row : rows;

		if (page->offset < at || page->offset > end || page->size > end - page->offset ||
		    page->size == 0 || next <= page->first_row)
			return false;
		at = page->offset + page->size;
		page->rows = next - page->first_row;
	}
	return true;
}

/* ---------- what is in them ---------- */

/* Reads the bounds of one side, as far as they are there. */
static bool
read_bounds(const FlowParquet *parquet, size_t leaf, FlowThrift *thrift,
            FlowParquetPageIndex *index, int side)
{
	const FlowParquetStored *stored = &parquet->stored[leaf];
	bool trusted = stored->ordered && parquet->leaves[leaf].kind != FLOW_PARQUET_INT96;

	if (flow_thrift_list(thrift, FLOW_THRIFT_BINARY) != index->count)
		return false;
	for (size_t i = 0; i < index->count; i++)
	{
		FlowParquetPage *page = &index->pages[i];
		FlowSlice bound = flow_thrift_next_binary(thrift);

		*(side == 0 ? &page->has_min : &page->has_max) =
			trusted && flow_parquet_read_bound(&parquet->leaves[leaf],
		                                       stored,
		                                       bound,
		                                       side,
		                                       page->number,
		                                       page->real,
		                                       page->text);
	}
	return true;
}

/* Reads a ColumnIndex.  Returns false if it cannot be used. */
static bool
read_columns(const FlowParquet *parquet, size_t leaf, FlowThrift *thrift,
             FlowParquetPageIndex *index)
{
	uint32_t seen = 0;
	bool good = true;

	flow_thrift_begin(thrift);
	while (good && flow_thrift_field(thrift))
	{
		if (thrift->field < 32)
			seen |= UINT32_C(1) << thrift->field;
		switch (thrift->field)
		{
			case 1:
				good = flow_thrift_list(thrift, FLOW_THRIFT_TRUE) == index->count;
				for (size_t i = 0; good && i < index->count; i++)
					index->pages[i].only_nulls = flow_thrift_next_bool(thrift);
				break;
			case 2:
			case 3:
				good = read_bounds(parquet, leaf, thrift, index, thrift->field - 2);
				break;
			case 5:
				good = flow_thrift_list(thrift, FLOW_THRIFT_INT64) == index->count;
				for (size_t i = 0; good && i < index->count; i++)
					index->pages[i].nulls = flow_thrift_next_int64(thrift);
				break;
			default:
				flow_thrift_skip(thrift);
		}
	}
	return good && thrift->what == NULL && FLOW_SEEN(seen, 1) && FLOW_SEEN(seen, 2) &&
	       FLOW_SEEN(seen, 3);
}

/*
 * Drops what the ColumnIndex said if "good" is false, and of a page what
 * cannot be trusted.  Without statistics, parquet-mr 1.13 says of pages with
 * values that they have none, and that -1 rows are NULL.
 */
static void
check_contents(FlowParquetPageIndex *index, bool good, bool nullable)
{
	for (size_t i = 0; i < index->count; i++)
	{
		FlowParquetPage *page = &index->pages[i];

		if (!good || page->nulls < 0 || (uint64_t) page->nulls > page->rows)
			page->nulls = -1;
		/* bounds of a page without values are there, but mean nothing */
		if (!good || page->only_nulls)
			page->has_min = page->has_max = false;
		page->only_nulls =
			good && page->only_nulls && nullable && (uint64_t) page->nulls == page->rows;
	}
}

/* ---------- the index ---------- */

/* Reads a byte range of the file. */
static FlowStatus
read_range(const FlowParquet *parquet, uint64_t offset, uint64_t size, uint8_t *bytes,
           FlowError *error)
{
	if (size == 0)
		return FLOW_OK;
	return parquet->input.read(parquet->input.arg, offset, bytes, (size_t) size, error);
}

/* Reads the index of a chunk; "contents": also what is in its pages. */
static FlowStatus
read_index(const FlowParquet *parquet, size_t group, size_t leaf, bool contents,
           FlowParquetPageIndex **index, FlowError *error)
{
	const FlowParquetPlace *place = &parquet->places[group * parquet->nleaves + leaf];
	FlowParquetChunk chunk;
	FlowThrift offsets, columns;
	Index *made;
	FlowStatus status;
	bool good;

	/* what is too large is not used */
	*index = NULL;
	flow_parquet_chunk(parquet, group, leaf, &chunk);
	if (chunk.offset_index_size == 0 || chunk.offset_index_size > MAX_SIZE)
		return FLOW_OK;
	if (chunk.column_index_size > MAX_SIZE || !contents)
		chunk.column_index_size = 0;

	/* read both */
	made = flow_allocate(parquet->host, sizeof(Index));
	if (made == NULL)
		return flow_error_memory(error);
	*made = (Index) {{0, NULL}, NULL};
	made->bytes =
		flow_allocate(parquet->host, (size_t) (chunk.offset_index_size + chunk.column_index_size));
	status = made->bytes == NULL ? flow_error_memory(error)
	                             : read_range(parquet,
	                                          chunk.offset_index_offset,
	                                          chunk.offset_index_size,
	                                          made->bytes,
	                                          error);
	if (status == FLOW_OK)
		status = read_range(parquet,
		                    chunk.column_index_offset,
		                    chunk.column_index_size,
		                    made->bytes + chunk.offset_index_size,
		                    error);
	if (status != FLOW_OK)
	{
		flow_parquet_page_index_free(parquet->host, &made->index);
		return status;
	}

	/* make pages of them */
	flow_thrift_init(&offsets, parquet->host, made->bytes, (size_t) chunk.offset_index_size);
	good = read_offsets(parquet, &offsets, &made->index) &&
	       check_pages(&made->index, place, parquet->group_rows[group]);
	if (!good)
	{
		flow_parquet_page_index_free(parquet->host, &made->index);
		return offsets.interrupted ? flow_error_interrupted(error) : FLOW_OK;
	}
	flow_thrift_init(&columns,
	                 parquet->host,
	                 made->bytes + chunk.offset_index_size,
	                 (size_t) chunk.column_index_size);
	check_contents(&made->index,
	               chunk.column_index_size > 0 &&
	                   read_columns(parquet, leaf, &columns, &made->index),
	               parquet->leaves[leaf].max_definition > 0);
	*index = &made->index;
	return FLOW_OK;
}

FlowStatus
flow_parquet_page_index_read(const FlowParquet *parquet, size_t group, size_t leaf,
                             FlowParquetPageIndex **index, FlowError *error)
{
	return read_index(parquet, group, leaf, true, index, error);
}

FlowStatus
flow_parquet_offset_index_read(const FlowParquet *parquet, size_t group, size_t leaf,
                               FlowParquetPageIndex **index, FlowError *error)
{
	return read_index(parquet, group, leaf, false, index, error);
}

void
flow_parquet_page_index_free(const FlowHost *host, FlowParquetPageIndex *index)
{
	Index *made = (Index *) index; /* its first member */

	if (index == NULL)
		return;
	flow_free(host, index->pages);
	flow_free(host, made->bytes);
	flow_free(host, made);
}
