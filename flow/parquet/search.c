/*-------------------------------------------------------------------------
 *
 * search.c
 *	  Finds out whether a row group can have a value, by the bounds of texts and
 *	  by bloom filters.
 *
 * Both are of the file's values.  So they are asked only where a value of the
 * column has a single spelling in the file: texts that are stored as texts, and
 * integers that are stored as integers.  An address, a number or a time that
 * is stored as a text has many.
 *
 *-------------------------------------------------------------------------
 */
#include "field_text.h"
#include "records_state.h"

/*
 * A bloom filter is read instead of a dictionary that has no fewer bytes, and
 * takes less time; or, if there is none that has all values, instead of a chunk
 * that has this many times its bytes.
 */
#define BLOOM_SHARE 4

/*
 * With more values than these, a bloom filter is too often wrong: by a rate of
 * one in 100 for each.
 */
#define BLOOM_VALUES 64

/* Returns true if the file has what the column has, and not what becomes it. */
static bool
is_stored_alike(const FlowParquetField *field)
{
	if (field->leaf == NULL || field->leaf->refused != NULL)
		return false;
	switch (field->column->type)
	{
		case FLOW_TEXT:
			return field->leaf->kind == FLOW_PARQUET_TEXT;
		case FLOW_INT16:
		case FLOW_INT32:
		case FLOW_INT64:
			return flow_field_is_integer(field->leaf);
		default:
			return false;
	}
}

/*
 * Returns true if the file can have each of some values in one way only.  A
 * text that is too long for its column is cut, but not to fewer characters than
 * the column may have.
 */
static bool
have_one_spelling(const FlowParquetField *field, const FlowValue *values, size_t count)
{
	if (!is_stored_alike(field))
		return false;
	for (size_t i = 0; i < count; i++)
		if (field->column->type == FLOW_TEXT && field->column->max_chars >= 0 &&
		    values[i].text.len >= (size_t) field->column->max_chars)
			return false;
	return true;
}

/* Returns true if a text between bounds may compare so with a text. */
static bool
may_compare(const FlowParquetChunk *chunk, FlowOp op, FlowSlice text)
{
	int low = chunk->has_min ? flow_text_compare(chunk->text[0], text) : -1;
	int high = chunk->has_max ? flow_text_compare(chunk->text[1], text) : 1;

	switch (op)
	{
		case FLOW_EQ:
			return low <= 0 && high >= 0;
		case FLOW_LT:
			return low < 0;
		case FLOW_LE:
			return low <= 0;
		case FLOW_GT:
			return high > 0;
		case FLOW_GE:
			return high >= 0;
		default:
			return true;
	}
}

/*
 * Looks for values by the bounds of a chunk's texts, which are ordered by their
 * bytes, as those of a filter are.  A text that is cut to fit its column is
 * below the file's.
 */
bool
flow_parquet_records_may_have(const FlowParquetRecords *records, size_t group, int column,
                              FlowOp op, const FlowValue *values, size_t count)
{
	const FlowParquetField *field = &records->fields[column];
	FlowParquetChunk chunk;

	if (field->column->type != FLOW_TEXT || !have_one_spelling(field, values, count) ||
	    (op != FLOW_EQ && field->column->max_chars >= 0))
		return true;
	flow_parquet_chunk(records->parquet, group, field->number, &chunk);
	for (size_t i = 0; i < count; i++)
		if (may_compare(&chunk, op, values[i].text))
			return true;
	return false;
}

bool
flow_parquet_bloom_pays(const FlowParquetField *field, const FlowParquetChunk *chunk)
{
	if (chunk->bloom_size == 0 || !is_stored_alike(field))
		return false;
	if (chunk->dictionary_coded && chunk->dictionary_size > 0)
		return chunk->bloom_size <= chunk->dictionary_size;
	return chunk->bloom_size <= chunk->size / BLOOM_SHARE;
}

/* Looks for values in the bloom filter of a column in the current row group. */
FlowStatus
flow_parquet_records_find(void *arg, int column, const FlowValue *values, size_t count,
                          FlowFound *found)
{
	FlowParquetRecords *records = arg;
	const FlowParquetField *field = &records->fields[column];
	FlowParquetBloom *bloom = NULL;
	FlowParquetChunk chunk;
	FlowStatus status;

	if (count > BLOOM_VALUES || !have_one_spelling(field, values, count))
		return FLOW_OK;
	flow_parquet_chunk(records->parquet, records->group - 1, field->number, &chunk);
	if (!flow_parquet_bloom_pays(field, &chunk))
		return FLOW_OK;
	status = flow_parquet_bloom_read(records->parquet,
	                                 records->group - 1,
	                                 field->number,
	                                 &bloom,
	                                 &records->error);
	if (status != FLOW_OK || bloom == NULL)
		return status;
	*found = FLOW_FOUND_NONE;
	for (size_t i = 0; i < count && *found == FLOW_FOUND_NONE; i++)
	{
		const FlowParquetArray array = {&values[i].integer, NULL, &values[i].text};

		if (flow_parquet_bloom_may_have(bloom, field->leaf, &array, 0))
			*found = FLOW_FOUND_SOME;
	}
	flow_parquet_bloom_free(records->host, bloom);
	return FLOW_OK;
}
