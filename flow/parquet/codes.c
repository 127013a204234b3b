/*-------------------------------------------------------------------------
 *
 * codes.c
 *	  Reads the codes and the integers of a block, and makes the entries of
 *	  dictionaries, each of which is written once.
 *
 *-------------------------------------------------------------------------
 */
#include "field_text.h"
#include "rle.h"

#include <string.h>

/* ---------- dictionaries ---------- */

void
flow_parquet_field_free_entries(FlowParquetField *field)
{
	flow_free(field->host, field->entries);
	flow_free(field->host, field->entry_needs);
	flow_free(field->host, field->entry_digits);
	field->entries = NULL;
	field->entry_needs = field->entry_digits = NULL;
	field->entries_size = 0;
}

/* Allocates arrays for "count" entries. */
static FlowStatus
make_entries(FlowParquetField *field, size_t count, FlowError *error)
{
	if (count <= field->entries_size)
		return FLOW_OK;
	flow_parquet_field_free_entries(field);
	field->entries = flow_allocate(field->host, count * sizeof(FlowSlice));
	field->entry_needs = flow_allocate(field->host, count);
	field->entry_digits = flow_allocate(field->host, count);
	if (field->entries == NULL || field->entry_needs == NULL || field->entry_digits == NULL)
	{
		flow_parquet_field_free_entries(field);
		return flow_error_memory(error);
	}
	field->entries_size = count;
	return FLOW_OK;
}

/* Returns the bytes that the texts of a dictionary take. */
static size_t
text_size(const FlowParquetLeaf *leaf, const FlowParquetDictionary *dictionary)
{
	size_t size = 0;

	if (leaf->kind != FLOW_PARQUET_TEXT)
		return dictionary->count * (flow_field_is_integer(leaf) ? (size_t) FLOW_FIELD_NUMBER
		                                                        : (size_t) FLOW_PARQUET_TEXT_SIZE);
	for (uint32_t i = 0; i < dictionary->count; i++)
		size += dictionary->values.texts[i].len;
	return size;
}

/* Writes an entry's text and returns its length. */
static size_t
write_entry(const FlowParquetLeaf *leaf, const FlowParquetArray *values, uint32_t i, char *to)
{
	char buffer[FLOW_PARQUET_TEXT_SIZE];
	FlowSlice text;

	if (flow_field_is_integer(leaf))
		return flow_field_write_integer(to,
		                                values->numbers[i],
		                                leaf->kind == FLOW_PARQUET_UNSIGNED);
	text = flow_parquet_write_text(leaf, values, i, buffer);
	if (text.len > 0)
		memcpy(to, text.data, text.len);
	return text.len;
}

/* Notes an entry that was written. */
static void
describe_entry(FlowParquetField *field, size_t i, FlowSlice text)
{
	bool integer = flow_field_is_integer(field->leaf);
	bool digits = integer ? text.data[0] != '-' : flow_field_is_digits(text);

	field->entries[i] = text;
	field->entry_digits[i] = digits;
	field->all_digits &= digits;
	field->any_digits |= digits;
	if (text.len > FLOW_PARQUET_FIELD)
		field->entry_needs[i] = FLOW_PARQUET_LONG;
	else
	{
		field->entry_needs[i] = !integer && flow_field_is_doubtful(text.data, text.len)
		                            ? FLOW_PARQUET_DOUBT
		                            : FLOW_PARQUET_PLAIN;
		if (text.len > field->longest)
			field->longest = text.len;
	}
}

/* Makes entries of a dictionary's values, and one for no value. */
static FlowStatus
take_dictionary(FlowParquetField *field, FlowParquetFields *fields,
                const FlowParquetDictionary *dictionary, FlowError *error)
{
	size_t count = dictionary->count;
	size_t size = text_size(field->leaf, dictionary);
	FlowSlice null = flow_field_null_text(field);
	size_t since = 0;
	char *to;
	FlowStatus status;

	field->view.count = 0;
	status = make_entries(field, count + 1, error);
	if (status != FLOW_OK)
		return status;
	flow_free(field->host, field->entry_text);
	field->entry_text = to = flow_allocate(field->host, size + FLOW_FIELD_MARGIN);
	if (to == NULL)
		return flow_error_memory(error);

	/* the values */
	field->longest = null.len;
	field->all_digits = true;
	field->any_digits = false;
	for (uint32_t i = 0; i < count; i++)
	{
		FlowSlice text = {to, write_entry(field->leaf, &dictionary->values, i, to)};

		describe_entry(field, i, text);
		to += text.len;
		since += text.len + sizeof(FlowSlice);
		if (since >= FLOW_BLOCK_SIZE)
		{
			since = 0;
			if (flow_interrupted(field->host))
				return flow_error_interrupted(error);
		}
	}

	/* no value, which is written as the text that means that */
	field->entries[count] = (FlowSlice) {NULL, 0};
	field->entry_needs[count] = FLOW_PARQUET_NO_FIELD;
	field->entry_digits[count] = flow_field_is_digits(null);
	field->view = (FlowCodes) {NULL, field->entries, count + 1, ++*fields->serial};
	field->dictionary = dictionary->serial;
	return FLOW_OK;
}

/* Takes the entries of a dictionary, if that was not done. */
FlowStatus
flow_parquet_field_entries(FlowParquetField *field, FlowParquetFields *fields,
                           const FlowParquetDictionary *dictionary, FlowError *error)
{
	if (field->view.count > 0 && field->dictionary == dictionary->serial)
		return FLOW_OK;
	return take_dictionary(field, fields, dictionary, error);
}

/* Copies the codes of rows; what is not there has the code of no value. */
static void
copy_codes(uint32_t *codes, const FlowParquetValues *values)
{
	memcpy(codes, values->codes, values->count * sizeof(uint32_t));
}

/* Takes the codes of rows from "from" on. */
FlowStatus
flow_parquet_field_take_codes(FlowParquetField *field, FlowParquetFields *fields,
                              const FlowParquetValues *values, size_t from, FlowError *error)
{
	FlowStatus status = flow_parquet_field_entries(field, fields, values->dictionary, error);

	field->coded_by = values->dictionary;
	if (status == FLOW_OK)
		copy_codes(field->codes + from, values);
	return status;
}

/* ---------- blocks ---------- */

/* Reads the next values of a chunk that must have some. */
FlowStatus
flow_parquet_field_next(FlowParquetField *field, size_t most, FlowParquetValues *values,
                        FlowError *error)
{
	FlowStatus status = flow_parquet_column_next(field->cursor, most, values, error);

	if (status != FLOW_END)
		return status;
	flow_error_set(error, FLOW_CORRUPT, "is damaged");
	flow_error_detail(error, "Column \"%s\" has fewer rows than its row group.", field->leaf->name);
	return error->status;
}

/* Allocates arrays by row. */
static FlowStatus
make_rows(FlowParquetField *field, FlowError *error)
{
	const FlowHost *host = field->host;

	if (field->codes == NULL)
		field->codes = flow_allocate(host, FLOW_PARQUET_BLOCK * sizeof(uint32_t));
	if (flow_field_is_integer(field->leaf) && field->numbers == NULL)
		field->numbers = flow_allocate(host, FLOW_PARQUET_BLOCK * sizeof(int64_t));
	if (flow_field_is_integer(field->leaf) && field->present == NULL)
		field->present = flow_allocate(host, FLOW_PARQUET_BLOCK);
	if (field->codes == NULL ||
	    (flow_field_is_integer(field->leaf) && (field->numbers == NULL || field->present == NULL)))
		return flow_error_memory(error);
	return FLOW_OK;
}

/* Notes which rows from "from" on have an integer. */
static void
take_present(FlowParquetField *field, const FlowParquetValues *values, size_t from)
{
	if (values->present == NULL)
		memset(field->present + from, 1, values->count);
	else
		memcpy(field->present + from, values->present, values->count);
}

/* Takes the integers of rows from "from" on; what is not there becomes 0. */
static void
take_numbers(FlowParquetField *field, const FlowParquetValues *values, size_t from)
{
	const uint8_t *present = values->present;
	int64_t *numbers = field->numbers + from;
	size_t i = 0;

	memcpy(numbers, values->values.numbers, values->count * sizeof(int64_t));
	while (present != NULL && i < values->count)
	{
		size_t end = i + 8 < values->count ? i + 8 : values->count;

		if (end == i + 8 && flow_all_present(present + i))
			i = end;
		for (; i < end; i++)
			numbers[i] &= -(int64_t) present[i];
	}
}

/*
 * Turns the codes of integers into numbers, as those of the rows after them.
 * After the dictionary's last value there is a 0 for no value.
 */
static void
gather_codes(FlowParquetField *field, size_t from, size_t count)
{
	const int64_t *entries = field->coded_by->values.numbers;
	const uint32_t *codes = field->codes + from;
	int64_t *numbers = field->numbers + from;
	size_t i = 0;

	for (; i + 4 <= count; i += 4)
	{
		numbers[i] = entries[codes[i]];
		numbers[i + 1] = entries[codes[i + 1]];
		numbers[i + 2] = entries[codes[i + 2]];
		numbers[i + 3] = entries[codes[i + 3]];
	}
	for (; i < count; i++)
		numbers[i] = entries[codes[i]];
}

/*
 * Reads the codes of a block, up to the first row without; of integers, also
 * the values of the other rows.
 */
FlowStatus
flow_parquet_field_read(FlowParquetField *field, size_t rows, FlowError *error)
{
	FlowStatus status = make_rows(field, error);
	size_t have = 0;

	field->ncoded = 0;
	field->pending.count = 0;
	while (status == FLOW_OK && have < rows)
	{
		FlowParquetValues values;
		bool after_values = have > field->ncoded;

		status = flow_parquet_field_next(field, rows - have, &values, error);
		if (status != FLOW_OK)
			break;
		if (flow_field_is_integer(field->leaf))
			take_present(field, &values, have);
		if (values.codes != NULL)
		{
			field->coded_by = values.dictionary;
			copy_codes(field->codes + have, &values);
		}
		if (values.codes != NULL && after_values)
			gather_codes(field, have, values.count);
		else if (values.codes != NULL)
			field->ncoded += values.count;
		else if (flow_field_is_integer(field->leaf))
			take_numbers(field, &values, have);
		else
		{
			field->pending = values;
			break;
		}
		have += values.count;
	}
	field->read = status == FLOW_OK;
	return status;
}

/* Returns how many rows of the block the cursor is past. */
size_t
flow_parquet_field_rows_read(const FlowParquetField *field, size_t block)
{
	return flow_field_is_integer(field->leaf) ? block : field->ncoded + field->pending.count;
}

/*
 * Returns the bits that are set in any of a block's numbers, or more of them
 * if those are below a limit, too: a dictionary's are known.
 */
static uint64_t
bits_of_rows(const FlowParquetField *field, size_t block, uint64_t limit)
{
	const int64_t *numbers = field->numbers;
	uint64_t bits = field->ncoded > 0 ? field->coded_by->bits : 0;
	size_t known = field->ncoded;

	if (bits >= limit)
		bits = known = 0;
	for (size_t i = known; i < block; i++)
		bits |= (uint64_t) numbers[i];
	return bits;
}

/* Returns the values of a block as numbers, if they are below a limit. */
void
flow_parquet_field_numbers(FlowParquetField *field, size_t block, uint64_t limit,
                           const int64_t **numbers, const uint8_t **present)
{
	*numbers = NULL;
	*present = NULL;
	if (!flow_field_is_integer(field->leaf))
		return;
	if (!field->gathered)
	{
		if (field->ncoded > 0)
			gather_codes(field, 0, field->ncoded);
		field->bits = bits_of_rows(field, block, limit);
		field->gathered = true;
	}
	/* none of them is greater than all bits together */
	if (field->bits >= limit)
		return;
	*numbers = field->numbers;
	*present = field->present;
}
