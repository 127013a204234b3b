/*-------------------------------------------------------------------------
 *
 * records.c
 *	  Reads the rows of a Parquet file in blocks, and of each block the columns
 *	  that are needed.
 *
 *-------------------------------------------------------------------------
 */
#include "field.h"
#include "layout.h"
#include "records_state.h"
#include "sort.h"

#include <assert.h>
#include <string.h>

/* Rows of a block are fewer if a table has many columns. */
#define LEAST_ROWS 64
#define FIELDS_OF_BLOCK 65536

/* ---------- columns ---------- */

/* Finds the leaf with a column's name; false if there is none. */
static bool
find_leaf(const FlowParquet *parquet, const char *name, size_t *number)
{
	const FlowField *field = flow_field_of_column(name);
	size_t count = flow_parquet_leaves(parquet);

	for (*number = 0; *number < count; (*number)++)
	{
		const char *leaf = flow_parquet_leaf(parquet, *number)->name;

		if (flow_name_is_same((FlowSlice) {leaf, strlen(leaf)}, name))
			return true;
	}
	for (*number = 0; field != NULL && *number < count; (*number)++)
	{
		const char *leaf = flow_parquet_leaf(parquet, *number)->name;

		if (flow_field_of_camel(leaf, strlen(leaf)) == field)
			return true;
	}
	return false;
}

/* Fills the error for a column that the file does not have. */
static FlowStatus
unknown_column(const FlowParquet *parquet, const FlowColumn *column, FlowError *error)
{
	FlowNames names = {.repeated = -1};

	for (size_t i = 0; i < flow_parquet_leaves(parquet) && names.count < FLOW_NAMES_MAX; i++)
	{
		const char *leaf = flow_parquet_leaf(parquet, i)->name;

		names.items[names.count++] = (FlowSlice) {leaf, strlen(leaf)};
	}
	return flow_layout_unknown_column(column, &names, "Parquet schema", error);
}

/* Finds the leaves of all columns. */
static FlowStatus
find_leaves(FlowParquetRecords *records, bool *lacks_field, FlowError *error)
{
	for (int i = 0; i < records->ncolumns; i++)
	{
		const FlowColumn *column = &records->columns[i];
		FlowParquetField *field = &records->fields[i];
		const char *name = flow_layout_name(column);

		/* the first bit of its digits is a byte's: see fields.c */
		*field = (FlowParquetField) {.host = records->host,
		                             .column = column,
		                             .base = (size_t) i * (FLOW_PARQUET_BLOCK + 8) + 7};
		records->place[i] = -1;
		if (column->source != FLOW_FROM_RECORD)
			continue;
		if (find_leaf(records->parquet, name, &field->number))
		{
			field->leaf = flow_parquet_leaf(records->parquet, field->number);
			records->place[i] = (int) field->base + 1;
		}
		else if (strcmp(name, FLOW_LOGGED) == 0 || flow_field_of_column(name) != NULL)
			*lacks_field = true;
		else
		{
			(void) unknown_column(records->parquet, column, error);
			error->column = i;
			return error->status;
		}
	}
	return FLOW_OK;
}

/* ---------- the loader ---------- */

/* Moves a column's cursor to the first row of the block. */
static FlowStatus
seek_block(FlowParquetRecords *records, FlowParquetField *field, FlowError *error)
{
	FlowStatus status = FLOW_OK;

	if (field->cursor == NULL)
		status = flow_parquet_column_create(records->host, &field->cursor, error);
	if (status == FLOW_OK && !field->begun)
	{
		field->view.count = 0;
		field->position = 0;
		status = flow_parquet_column_begin(field->cursor,
		                                   records->parquet,
		                                   records->group - 1,
		                                   field->number,
		                                   error);
		field->begun = status == FLOW_OK;
		if (field->begun && field->pages != NULL)
			flow_parquet_column_use_index(field->cursor, field->pages);
	}
	if (status == FLOW_OK && field->position < records->at)
		status = flow_parquet_column_skip(field->cursor, records->at - field->position, error);
	return status;
}

/* Reads a column's codes of the block, if that was not done. */
static FlowStatus
read_codes(FlowParquetRecords *records, FlowParquetField *field)
{
	FlowError *error = &records->error;
	FlowStatus status;

	if (field->read)
		return FLOW_OK;
	status = seek_block(records, field, error);
	if (status == FLOW_OK)
		status = flow_parquet_field_read(field, records->count, error);
	/* the other values of the block are read before the next one, or skipped */
	field->position = records->at + flow_parquet_field_rows_read(field, records->count);
	return status;
}

static FlowStatus
load_column(void *arg, int column, uint32_t *rows, size_t count)
{
	FlowParquetRecords *records = arg;
	FlowParquetField *field = &records->fields[column];
	FlowStatus status;

	if (field->leaf == NULL)
		return FLOW_OK;
	if (field->loaded)
	{
		flow_parquet_field_doubt(field, rows, count);
		return FLOW_OK;
	}
	status = read_codes(records, field);
	if (status == FLOW_OK)
		status = flow_parquet_field_load(field,
		                                 &records->made,
		                                 records->count,
		                                 rows,
		                                 count,
		                                 &records->error);
	if (status == FLOW_OK)
		field->position = records->at + records->count;
	records->batch.data = records->made.data;
	return status;
}

static FlowStatus
find_codes(void *arg, int column, const FlowCodes **codes)
{
	FlowParquetRecords *records = arg;
	FlowParquetField *field = &records->fields[column];
	FlowStatus status;

	if (field->leaf == NULL)
		return FLOW_OK;
	status = read_codes(records, field);
	if (status != FLOW_OK || field->ncoded < records->count)
		return status;
	status = flow_parquet_field_entries(field, &records->made, field->coded_by, &records->error);
	field->view.codes = field->codes;
	if (status == FLOW_OK)
		*codes = &field->view;
	return status;
}

static FlowStatus
find_numbers(void *arg, int column, uint64_t limit, const int64_t **numbers,
             const uint8_t **present)
{
	FlowParquetRecords *records = arg;
	FlowParquetField *field = &records->fields[column];
	FlowStatus status;

	if (field->leaf == NULL)
		return FLOW_OK;
	status = read_codes(records, field);
	if (status == FLOW_OK)
		flow_parquet_field_numbers(field, records->count, limit, numbers, present);
	return status;
}

/*
 * Sets *codes to the entries of a column in the row group, if no row of it has
 * another value: the last one is no value, and left out if all rows have one.
 */
static FlowStatus
find_entries(void *arg, int column, FlowCodes *entries)
{
	FlowParquetRecords *records = arg;
	FlowParquetField *field = &records->fields[column];
	const FlowParquetDictionary *dictionary;
	FlowParquetChunk chunk;
	FlowStatus status;

	if (field->leaf == NULL || field->leaf->refused != NULL)
		return FLOW_OK;
	flow_parquet_chunk(records->parquet, records->group - 1, field->number, &chunk);
	if (!chunk.dictionary_coded)
		return FLOW_OK;
	status = seek_block(records, field, &records->error);
	if (status == FLOW_OK)
		status = flow_parquet_column_dictionary(field->cursor, &dictionary, &records->error);
	if (status != FLOW_OK || dictionary == NULL)
		return status;
	status = flow_parquet_field_entries(field, &records->made, dictionary, &records->error);
	if (status != FLOW_OK)
		return status;
	*entries = field->view;
	entries->count -= chunk.nulls == 0;
	return FLOW_OK;
}

static FlowSlice
get_field(const void *records, uint32_t row, int column)
{
	return flow_parquet_records_field(records, row, column);
}

/* ---------- ranges ---------- */

/*
 * Bytes after a dictionary that are read with it: the header of a page, and
 * what flow_pages_header reads ahead.
 */
#define AFTER_DICTIONARY 4096

/* Sets the range of a dictionary; false if it is not read by itself. */
static bool
find_dictionary(const FlowParquetField *field, const FlowParquetChunk *chunk, bool sought,
                FlowRange *range)
{
	if (sought && flow_parquet_bloom_pays(field, chunk))
	{
		*range = (FlowRange) {.offset = chunk->bloom_offset, .size = chunk->bloom_size};
		return true;
	}
	if (!chunk->dictionary_coded || chunk->dictionary_size == 0)
		return false;
	*range = (FlowRange) {.offset = chunk->offset, .size = chunk->size};
	if (chunk->dictionary_size + AFTER_DICTIONARY < chunk->size)
		range->size = chunk->dictionary_size + AFTER_DICTIONARY;
	return true;
}

/* Appends the ranges of a column in a row group. */
static void
find_ranges(const FlowParquetRecords *records, size_t group, const FlowParquetField *field,
            bool dictionary, bool sought, FlowRange *ranges, size_t *count)
{
	FlowParquetChunk chunk;

	if (field->leaf == NULL || field->leaf->refused != NULL)
		return;
	flow_parquet_chunk(records->parquet, group, field->number, &chunk);
	if (dictionary)
		*count += find_dictionary(field, &chunk, sought, &ranges[*count]);
	else if (group == records->group - 1 && records->nskips > 0 && field->pages != NULL)
		flow_parquet_page_ranges(records, field, &chunk, ranges, count);
	else if (chunk.size > 0)
		ranges[(*count)++] = (FlowRange) {.offset = chunk.offset, .size = chunk.size};
}

/* Returns the number of ranges that a row group may have. */
size_t
flow_parquet_records_room(const FlowParquetRecords *records, size_t group)
{
	size_t room = 0;

	for (int i = 0; i < records->ncolumns; i++)
	{
		const FlowParquetField *field = &records->fields[i];
		FlowParquetChunk chunk;

		room += 3;
		if (field->leaf == NULL || field->leaf->refused != NULL || field->pages == NULL ||
		    group != records->group - 1)
			continue;
		flow_parquet_chunk(records->parquet, group, field->number, &chunk);
		room += (size_t) (chunk.size / FLOW_PARQUET_GAP) + 1;
	}
	return room;
}

static int
compare_ranges(const void *a, const void *b, const void *arg)
{
	const FlowRange *one = a, *other = b;

	(void) arg;
	return one->offset < other->offset ? -1 : one->offset > other->offset;
}

/* Sets the byte ranges that are needed of a row group. */
FlowStatus
flow_parquet_records_ranges(const FlowParquetRecords *records, size_t group,
                            const FlowParquetNeeds *needs, FlowRange *ranges, size_t *count,
                            uint64_t *bytes, FlowError *error)
{
	size_t found = 0;
	FlowStatus status;

	*count = *bytes = 0;
	for (int i = 0; i < records->ncolumns; i++)
		if (needs->columns[i])
			find_ranges(records,
			            group,
			            &records->fields[i],
			            needs->dictionaries,
			            needs->sought[i],
			            ranges,
			            &found);
	if (needs->paged != NULL)
		flow_parquet_index_ranges(records, group, needs, ranges, &found);
	status = flow_sort(records->host, ranges, found, sizeof(FlowRange), compare_ranges, NULL);
	if (status != FLOW_OK)
		return status == FLOW_INTERRUPTED ? flow_error_interrupted(error)
		                                  : flow_error_memory(error);

	/* columns may have the same leaf */
	for (size_t i = 0; i < found; i++)
	{
		if (*count > 0 && ranges[*count - 1].offset == ranges[i].offset)
		{
			ranges[*count - 1].shared = true;
			continue;
		}
		ranges[(*count)++] = ranges[i];
		*bytes += ranges[i].size;
	}
	return FLOW_OK;
}

/* ---------- files ---------- */

/* Allocates what is needed for the columns. */
static FlowStatus
make_columns(FlowParquetRecords *records, FlowError *error)
{
	size_t ncolumns = (size_t) records->ncolumns;
	size_t ends = ncolumns * (FLOW_PARQUET_BLOCK + 8) + 16;

	records->fields = flow_allocate(records->host, (ncolumns + 1) * sizeof(FlowParquetField));
	if (records->fields == NULL)
		return flow_error_memory(error);
	memset(records->fields, 0, (ncolumns + 1) * sizeof(FlowParquetField));
	records->place = flow_allocate(records->host, (ncolumns + 1) * sizeof(int));
	records->made.next = flow_allocate(records->host, ends * sizeof(uint32_t));
	records->made.digits = flow_allocate(records->host, ends / 8 + 16);
	if (records->place == NULL || records->made.next == NULL || records->made.digits == NULL)
		return flow_error_memory(error);
	memset(records->made.digits, 0, ends / 8 + 16);
	records->block_rows = FIELDS_OF_BLOCK / (ncolumns + 1);
	if (records->block_rows < LEAST_ROWS)
		records->block_rows = LEAST_ROWS;
	if (records->block_rows > FLOW_PARQUET_BLOCK)
		records->block_rows = FLOW_PARQUET_BLOCK;
	return FLOW_OK;
}

/* Opens a file and finds the leaf of each column. */
FlowStatus
flow_parquet_records_open(const FlowParquetSpec *spec, FlowParquetRecords **result,
                          bool *lacks_field, FlowError *error)
{
	FlowParquetRecords *records = flow_allocate(spec->host, sizeof(FlowParquetRecords));
	FlowStatus status;

	*lacks_field = false;
	if (records == NULL)
		return flow_error_memory(error);
	memset(records, 0, sizeof(*records));
	records->host = records->made.host = spec->host;
	records->columns = spec->columns;
	records->ncolumns = spec->ncolumns;
	records->start = spec->start;
	records->end = spec->end;
	records->made.serial = spec->serial;
	records->sample = spec->sample != NULL ? *spec->sample : (FlowSample) {0, 1, 1, 1};
	records->sample.seed += UINT64_C(0xD1B54A32D192ED03) * spec->number;
	status = make_columns(records, error);
	if (status == FLOW_OK)
		status = flow_parquet_open(records->host, &spec->input, &records->parquet, error);
	if (status == FLOW_OK)
		status = find_leaves(records, lacks_field, error);
	if (status != FLOW_OK)
	{
		flow_parquet_records_close(records);
		return status;
	}

	records->loader = (FlowBatchLoader) {.arg = records,
	                                     .load = load_column,
	                                     .codes = find_codes,
	                                     .numbers = find_numbers,
	                                     .field = get_field,
	                                     .entries = find_entries,
	                                     .find = flow_parquet_records_find};
	records->batch = (FlowBatch) {.place = records->place,
	                              .next = records->made.next,
	                              .digits = records->made.digits,
	                              .loader = &records->loader};
	*result = records;
	return FLOW_OK;
}

void
flow_parquet_records_close(FlowParquetRecords *records)
{
	if (records == NULL)
		return;
	for (int i = 0; records->fields != NULL && i < records->ncolumns; i++)
		if (records->fields[i].host != NULL)
			flow_parquet_field_free(&records->fields[i]);
	if (records->fields != NULL)
		flow_parquet_skips_clear(records);
	flow_free(records->host, records->fields);
	flow_free(records->host, records->place);
	flow_parquet_fields_free(&records->made);
	flow_parquet_close(records->parquet);
	flow_free(records->host, records);
}

bool
flow_parquet_records_has(const FlowParquetRecords *records, int column)
{
	return records->fields[column].leaf != NULL;
}

/* Returns the byte of the file at which a row group begins. */
static uint64_t
group_offset(const FlowParquet *parquet, size_t group)
{
	for (size_t leaf = 0; leaf < flow_parquet_leaves(parquet); leaf++)
	{
		FlowParquetChunk chunk;

		if (flow_parquet_leaf(parquet, leaf)->refused != NULL)
			continue;
		flow_parquet_chunk(parquet, group, leaf, &chunk);
		return chunk.offset;
	}
	return 0;
}

/* Returns true if a row group is to be read: see FlowParquetSpec. */
static bool
is_wanted(const FlowParquetRecords *records, size_t group)
{
	uint64_t begin = group_offset(records->parquet, group);

	return begin >= records->start && begin < records->end;
}

/*
 * Returns the first row group from "group" on that is to be read, or the number
 * of row groups.
 */
static size_t
find_group(const FlowParquetRecords *records, size_t group)
{
	while (group < flow_parquet_groups(records->parquet) &&
	       (flow_parquet_group_rows(records->parquet, group) == 0 || !is_wanted(records, group)))
		group++;
	return group;
}

uint64_t
flow_parquet_records_rows(const FlowParquetRecords *records)
{
	return records->rows;
}

size_t
flow_parquet_records_group(const FlowParquetRecords *records)
{
	return records->group - 1;
}

uint64_t
flow_parquet_records_group_rows(const FlowParquetRecords *records)
{
	return records->group_rows;
}

bool
flow_parquet_records_after(const FlowParquetRecords *records, size_t *group)
{
	*group = find_group(records, *group + 1);
	return *group < flow_parquet_groups(records->parquet);
}

/* Goes on to the next row group that is to be read; FLOW_END after the last. */
static FlowStatus
next_group(FlowParquetRecords *records)
{
	size_t group = find_group(records, records->group);

	records->group_from += records->group_rows;
	for (; records->group < group; records->group++)
		records->group_from += flow_parquet_group_rows(records->parquet, records->group);
	records->group_rows = records->at = records->count = 0;
	records->reported = false;
	flow_parquet_skips_clear(records);
	if (group == flow_parquet_groups(records->parquet))
		return FLOW_END;
	records->group++;
	records->group_rows = flow_parquet_group_rows(records->parquet, group);
	records->rows += records->group_rows;
	for (int i = 0; i < records->ncolumns; i++)
		records->fields[i].begun = false;
	return FLOW_OK;
}

/*
 * Moves past rows that are left out, and returns how many rows come before the
 * next ones.
 */
static uint64_t
rows_until_skip(FlowParquetRecords *records)
{
	while (records->skip < records->nskips && records->skips[records->skip].from <= records->at)
	{
		if (records->skips[records->skip].end > records->at)
			records->at = records->skips[records->skip].end;
		records->skip++;
	}
	if (records->skip < records->nskips)
		return records->skips[records->skip].from - records->at;
	return records->group_rows - records->at;
}

/* Goes on to the next block. */
FlowStatus
flow_parquet_records_next(FlowParquetRecords *records, FlowParquetBlock *block, FlowError *error)
{
	uint64_t left;

	if (flow_interrupted(records->host))
		return flow_error_interrupted(error);
	records->at += records->count;
	records->count = 0;
	while ((left = rows_until_skip(records)) == 0)
		if (next_group(records) == FLOW_END)
			return FLOW_END;
	records->count = left < records->block_rows ? (size_t) left : records->block_rows;
	flow_parquet_fields_reset(&records->made);
	for (int i = 0; i < records->ncolumns; i++)
		flow_parquet_field_reset(&records->fields[i]);
	*block = (FlowParquetBlock) {records->group_from + records->at,
	                             records->count,
	                             records->reported ? 0 : records->group_rows};
	records->reported = true;
	return FLOW_OK;
}

void
flow_parquet_records_skip_group(FlowParquetRecords *records)
{
	records->at = records->group_rows;
	records->count = 0;
}

FlowBatch *
flow_parquet_records_batch(FlowParquetRecords *records)
{
	return &records->batch;
}

FlowSlice
flow_parquet_records_field(const FlowParquetRecords *records, uint32_t row, int column)
{
	const FlowParquetField *field = &records->fields[column];

	if (field->loaded)
		return flow_parquet_field_get(field, &records->made, row);
	if (field->read && row < field->ncoded)
	{
		assert(field->view.count > 0);
		return field->entries[field->codes[row]];
	}
	return (FlowSlice) {NULL, 0};
}

const FlowError *
flow_parquet_records_error(const FlowParquetRecords *records)
{
	return &records->error;
}
