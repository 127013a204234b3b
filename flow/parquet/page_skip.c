/*-------------------------------------------------------------------------
 *
 * page_skip.c
 *	  Finds the rows of a row group that need not be read, by the bounds of its
 *	  pages.
 *
 *-------------------------------------------------------------------------
 */
#include "records_state.h"
#include "sort.h"

#include <string.h>

/* A row group with fewer rows has few pages, and reading their index takes time, too. */
#define LEAST_ROWS FLOW_PARQUET_BLOCK

/*
 * From a store, an index is read only of a row group of which more bytes than
 * these are needed, and this many times those of the index: they take 13 ms at
 * 80 MB/s, and another request takes 30.
 */
#define LEAST_BYTES (1024 * 1024)
#define INDEX_SHARE 16

/* Bytes after a page that are read with it, for what the next header may need. */
#define AFTER_PAGE 4096

void
flow_parquet_skips_clear(FlowParquetRecords *records)
{
	for (int i = 0; i < records->ncolumns; i++)
	{
		flow_parquet_page_index_free(records->host, records->fields[i].pages);
		records->fields[i].pages = NULL;
	}
	flow_free(records->host, records->skips);
	records->skips = NULL;
	records->nskips = records->skip = 0;
}

/* Adds a range; there is room for it. */
static void
add_skip(FlowParquetRecords *records, const FlowParquetPage *page)
{
	FlowParquetSkip *last = &records->skips[records->nskips];

	if (records->nskips > 0 && last[-1].end == page->first_row)
		last[-1].end += page->rows;
	else
	{
		*last = (FlowParquetSkip) {page->first_row, page->first_row + page->rows};
		records->nskips++;
	}
}

/* Makes room for more ranges. */
static FlowStatus
make_room(FlowParquetRecords *records, size_t more, FlowError *error)
{
	size_t size = (records->nskips + more) * sizeof(FlowParquetSkip);
	FlowParquetSkip *skips = flow_allocate(records->host, size + 1);

	if (skips == NULL)
		return flow_error_memory(error);
	if (records->nskips > 0)
		memcpy(skips, records->skips, records->nskips * sizeof(FlowParquetSkip));
	flow_free(records->host, records->skips);
	records->skips = skips;
	return FLOW_OK;
}

/* Adds the pages of a column in which no record can pass. */
static FlowStatus
skip_pages(FlowParquetRecords *records, int column, const FlowParquetProspect *prospect,
           FlowInterval *intervals, uint64_t *pages, FlowError *error)
{
	FlowParquetField *field = &records->fields[column];
	FlowInterval whole = intervals[column];
	FlowStatus status;

	if (field->leaf == NULL || field->leaf->refused != NULL ||
	    field->leaf->kind != FLOW_PARQUET_INTEGER)
		return FLOW_OK;
	status = flow_parquet_page_index_read(records->parquet,
	                                      records->group - 1,
	                                      field->number,
	                                      &field->pages,
	                                      error);
	if (status != FLOW_OK || field->pages == NULL)
		return status;
	if (field->begun)
		flow_parquet_column_use_index(field->cursor, field->pages);
	status = make_room(records, field->pages->count, error);
	for (size_t i = 0; status == FLOW_OK && i < field->pages->count; i++)
	{
		const FlowParquetPage *page = &field->pages->pages[i];

		if (flow_interrupted(records->host))
			return flow_error_interrupted(error);
		if (!page->has_min || !page->has_max)
			continue;
		intervals[column] =
			flow_parquet_interval(field->column->type, page->number[0], page->number[1]);
		if (intervals[column].known && !prospect->may_pass(prospect->arg, intervals))
		{
			add_skip(records, page);
			++*pages;
		}
	}
	intervals[column] = whole;
	return status;
}

static int
compare_skips(const void *a, const void *b, const void *arg)
{
	const FlowParquetSkip *one = a, *other = b;

	(void) arg;
	return one->from < other->from ? -1 : one->from > other->from;
}

/* Joins ranges that meet, and returns how many rows are in all of them. */
static uint64_t
join_skips(FlowParquetRecords *records)
{
	FlowParquetSkip *skips = records->skips;
	uint64_t rows = 0;
	size_t kept = 0;

	for (size_t i = 0; i < records->nskips; i++)
	{
		if (skips[i].end > records->group_rows)
			skips[i].end = records->group_rows;
		if (kept > 0 && skips[i].from <= skips[kept - 1].end)
		{
			if (skips[i].end > skips[kept - 1].end)
				skips[kept - 1].end = skips[i].end;
		}
		else
			skips[kept++] = skips[i];
	}
	records->nskips = kept;
	for (size_t i = 0; i < kept; i++)
		rows += skips[i].end - skips[i].from;
	return rows;
}

/* Finds the pages of other columns. */
static FlowStatus
find_pages(FlowParquetRecords *records, const bool *columns, FlowError *error)
{
	FlowStatus status = FLOW_OK;

	for (int i = 0; i < records->ncolumns && status == FLOW_OK; i++)
	{
		FlowParquetField *field = &records->fields[i];

		if (!columns[i] || field->leaf == NULL || field->leaf->refused != NULL ||
		    field->pages != NULL)
			continue;
		status = flow_parquet_offset_index_read(records->parquet,
		                                        records->group - 1,
		                                        field->number,
		                                        &field->pages,
		                                        error);
		if (status == FLOW_OK && field->pages != NULL && field->begun)
			flow_parquet_column_use_index(field->cursor, field->pages);
	}
	return status;
}

/* Leaves out the pages of the row group in which no record can pass. */
FlowStatus
flow_parquet_records_prune(FlowParquetRecords *records, const bool *columns, const bool *paged,
                           const FlowParquetProspect *prospect, uint64_t *pages, uint64_t *rows,
                           FlowError *error)
{
	FlowInterval *intervals;
	FlowStatus status = FLOW_OK;

	*pages = *rows = 0;
	if (records->group_rows < LEAST_ROWS)
		return FLOW_OK;
	intervals =
		flow_allocate(records->host, ((size_t) records->ncolumns + 1) * sizeof(FlowInterval));
	if (intervals == NULL)
		return flow_error_memory(error);
	flow_parquet_records_intervals(records, records->group - 1, intervals);
	for (int i = 0; i < records->ncolumns && status == FLOW_OK; i++)
		if (columns[i])
			status = skip_pages(records, i, prospect, intervals, pages, error);
	flow_free(records->host, intervals);
	if (status == FLOW_OK && records->nskips > 0)
	{
		status = flow_sort(records->host,
		                   records->skips,
		                   records->nskips,
		                   sizeof(FlowParquetSkip),
		                   compare_skips,
		                   NULL);
		if (status != FLOW_OK)
			return status == FLOW_INTERRUPTED ? flow_error_interrupted(error)
			                                  : flow_error_memory(error);
		*rows = join_skips(records);
		/* the block that has begun the row group begins anew */
		records->at = records->count = 0;
		if (paged != NULL)
			status = find_pages(records, paged, error);
	}
	return status;
}

/* ---------- what is read for that ---------- */

/* Returns true if a column's pages can be left out by their bounds. */
static bool
has_bounds(const FlowParquetField *field, const FlowParquetChunk *chunk)
{
	return field->leaf->kind == FLOW_PARQUET_INTEGER && chunk->column_index_size > 0 &&
	       chunk->offset_index_size > 0;
}

bool
flow_parquet_records_index_pays(const FlowParquetRecords *records, size_t group,
                                const bool *columns, const bool *paged)
{
	uint64_t bytes = 0, index = 0;
	bool any = false;

	if (flow_parquet_group_rows(records->parquet, group) < LEAST_ROWS)
		return false;
	for (int i = 0; i < records->ncolumns; i++)
	{
		const FlowParquetField *field = &records->fields[i];
		FlowParquetChunk chunk;

		if (!paged[i] || field->leaf == NULL || field->leaf->refused != NULL)
			continue;
		flow_parquet_chunk(records->parquet, group, field->number, &chunk);
		bytes += chunk.size;
		index += chunk.offset_index_size;
		if (!columns[i] || !has_bounds(field, &chunk))
			continue;
		index += chunk.column_index_size;
		any = true;
	}
	return any && bytes >= LEAST_BYTES && index <= bytes / INDEX_SHARE;
}

/* Adds a range, unless it is empty. */
static void
add_range(FlowRange *ranges, size_t *count, uint64_t offset, uint64_t size)
{
	if (size > 0)
		ranges[(*count)++] = (FlowRange) {.offset = offset, .size = size};
}

void
flow_parquet_index_ranges(const FlowParquetRecords *records, size_t group,
                          const FlowParquetNeeds *needs, FlowRange *ranges, size_t *count)
{
	for (int i = 0; i < records->ncolumns; i++)
	{
		const FlowParquetField *field = &records->fields[i];
		FlowParquetChunk chunk;

		if (!needs->paged[i] || field->leaf == NULL || field->leaf->refused != NULL)
			continue;
		flow_parquet_chunk(records->parquet, group, field->number, &chunk);
		add_range(ranges, count, chunk.offset_index_offset, chunk.offset_index_size);
		if (needs->columns[i] && has_bounds(field, &chunk))
			add_range(ranges, count, chunk.column_index_offset, chunk.column_index_size);
	}
}

/* Returns true if a row of a page is left; *skip is the first range that may hold it. */
static bool
is_left(const FlowParquetRecords *records, const FlowParquetPage *page, size_t *skip)
{
	const FlowParquetSkip *skips = records->skips;

	while (*skip < records->nskips && skips[*skip].end <= page->first_row)
		++*skip;
	return *skip == records->nskips || skips[*skip].from > page->first_row ||
	       skips[*skip].end < page->first_row + page->rows;
}

void
flow_parquet_page_ranges(const FlowParquetRecords *records, const FlowParquetField *field,
                         const FlowParquetChunk *chunk, FlowRange *ranges, size_t *count)
{
	const FlowParquetPageIndex *index = field->pages;
	uint64_t from = chunk->offset;
	uint64_t end = index->pages[0].offset; /* the dictionary */
	bool any = false;
	size_t skip = 0;

	for (size_t i = 0; i < index->count; i++)
	{
		const FlowParquetPage *page = &index->pages[i];

		if (!is_left(records, page, &skip))
			continue;
		if (page->offset > end + FLOW_PARQUET_GAP)
		{
			if (end > from)
				add_range(ranges, count, from, end - from + AFTER_PAGE);
			from = page->offset;
		}
		end = page->offset + page->size;
		any = true;
	}
	if (!any)
		return;
	if (end + AFTER_PAGE > chunk->offset + chunk->size)
		end = chunk->offset + chunk->size;
	else
		end += AFTER_PAGE;
	add_range(ranges, count, from, end - from);
}
