/*-------------------------------------------------------------------------
 *
 * fields.c
 *	  Makes fields of the values of a Parquet file's leaves.
 *
 * The fields of a column stand one after the other, with a blank between them,
 * as the fields of a line do.  So whatever reads the fields of split lines
 * reads these, too.  It relies on what the splitter promises of a row: no
 * field is empty, and all bytes are printable ASCII.  A row with any other
 * field becomes doubtful, and is then read by itself.
 *
 * Values that are codes become fields only in the rows that are left when the
 * column is needed.  Each entry of a dictionary is written once.
 *
 *-------------------------------------------------------------------------
 */
#include "field_text.h"
#include "lines.h"

#include <string.h>

#define FIRST_SIZE (64 * 1024)
#define MAX_COPIED FLOW_PARQUET_MAX_PAGE /* bytes of a block's long fields */

/* ---------- memory ---------- */

/* A copy of a long field. */
typedef struct Copy
{
	struct Copy *next;
	char bytes[];
} Copy;

static void
free_copies(FlowParquetFields *fields)
{
	for (Copy *copy = fields->copies, *next; copy != NULL; copy = next)
	{
		next = copy->next;
		flow_free(fields->host, copy);
	}
	fields->copies = NULL;
	fields->copied = 0;
}

/* Makes room for more bytes of fields. */
static FlowStatus
make_room(FlowParquetFields *fields, size_t more, FlowError *error)
{
	size_t size = fields->size > 0 ? fields->size : FIRST_SIZE;
	char *memory;

	if (fields->used + more <= fields->size)
		return FLOW_OK;
	while (size < fields->used + more)
		size *= 2;
	/* offsets have 32 bits */
	if (size > UINT32_MAX ||
	    (memory = flow_allocate(fields->host, size + 2 * FLOW_FIELD_MARGIN)) == NULL)
		return flow_error_memory(error);
	memset(memory, 0, FLOW_FIELD_MARGIN);
	if (fields->used > 0)
		memcpy(memory + FLOW_FIELD_MARGIN, fields->data, fields->used);
	flow_free(fields->host, fields->memory);
	fields->memory = memory;
	fields->data = memory + FLOW_FIELD_MARGIN;
	fields->size = size;
	return FLOW_OK;
}

/* Copies a long field; fails if the block has too much of them. */
static FlowStatus
copy_long(FlowParquetFields *fields, FlowSlice *field, FlowError *error)
{
	Copy *copy;

	fields->copied += field->len;
	if (fields->copied > MAX_COPIED)
	{
		flow_error_set(error, FLOW_LIMIT, "has values that are too long");
		flow_error_detail(error,
		                  "A column has more than %d bytes in %d rows.",
		                  MAX_COPIED,
		                  FLOW_PARQUET_BLOCK);
		return error->status;
	}
	copy = flow_allocate(fields->host, sizeof(Copy) + field->len);
	if (copy == NULL)
		return flow_error_memory(error);
	copy->next = fields->copies;
	fields->copies = copy;
	memcpy(copy->bytes, field->data, field->len);
	field->data = copy->bytes;
	return FLOW_OK;
}

static FlowStatus
add_long(FlowParquetField *field, uint32_t row, FlowSlice text, FlowError *error)
{
	if (field->nlongs == field->longs_size)
	{
		size_t size = field->longs_size > 0 ? 2 * field->longs_size : 16;
		FlowParquetLong *longs = flow_allocate(field->host, size * sizeof(FlowParquetLong));

		if (longs == NULL)
			return flow_error_memory(error);
		if (field->nlongs > 0)
			memcpy(longs, field->longs, field->nlongs * sizeof(FlowParquetLong));
		flow_free(field->host, field->longs);
		field->longs = longs;
		field->longs_size = size;
	}
	field->longs[field->nlongs++] = (FlowParquetLong) {row, text};
	return FLOW_OK;
}

void
flow_parquet_fields_reset(FlowParquetFields *fields)
{
	fields->used = 0;
	free_copies(fields);
}

void
flow_parquet_field_reset(FlowParquetField *field)
{
	field->read = field->loaded = field->gathered = field->any_need = false;
	field->ncoded = field->nlongs = 0;
}

void
flow_parquet_fields_free(FlowParquetFields *fields)
{
	free_copies(fields);
	flow_free(fields->host, fields->memory);
	flow_free(fields->host, fields->next);
	flow_free(fields->host, fields->digits);
}

void
flow_parquet_field_free(FlowParquetField *field)
{
	flow_parquet_field_free_entries(field);
	flow_free(field->host, field->entry_text);
	flow_free(field->host, field->codes);
	flow_free(field->host, field->numbers);
	flow_free(field->host, field->present);
	flow_free(field->host, field->needs);
	flow_free(field->host, field->longs);
	flow_parquet_column_free(field->cursor);
}

/* ---------- rows ---------- */

/* Notes that the row at *row has a field that needs something. */
static FlowStatus
note_need(FlowParquetField *field, uint32_t *row, FlowParquetNeed need, FlowError *error)
{
	if (field->needs == NULL)
	{
		field->needs = flow_allocate(field->host, FLOW_PARQUET_BLOCK);
		if (field->needs == NULL)
			return flow_error_memory(error);
	}
	if (!field->any_need)
		memset(field->needs, FLOW_PARQUET_PLAIN, FLOW_PARQUET_BLOCK);
	field->any_need = true;
	field->needs[*row & ~FLOW_ROW_MARKS] = (uint8_t) need;
	*row |= FLOW_ROW_DOUBTFUL;
	return FLOW_OK;
}

void
flow_parquet_field_doubt(const FlowParquetField *field, uint32_t *rows, size_t count)
{
	for (size_t i = 0; field->any_need && i < count; i++)
		if (field->needs[rows[i] & ~FLOW_ROW_MARKS] != FLOW_PARQUET_PLAIN)
			rows[i] |= FLOW_ROW_DOUBTFUL;
}

/* Where the next field is written. */
typedef struct Writer
{
	FlowParquetField *field;
	FlowParquetFields *fields;
	uint32_t *next; /* by row, from the column's base on */
	char *data;
	uint32_t at;
} Writer;

static inline void
begin_field(Writer *writer, uint32_t row)
{
	writer->next[row] = writer->at;
}

/* Ends the field of a row, of which "len" bytes were written. */
static inline void
end_field(Writer *writer, uint32_t row, size_t len)
{
	writer->at += (uint32_t) len;
	writer->data[writer->at++] = ' ';
	writer->next[row + 1] = writer->at;
}

static inline void
set_digits(Writer *writer, uint32_t row, bool digits)
{
	size_t end = writer->field->base + row + 1;
	uint8_t bit = (uint8_t) (1 << end % 8);

	if (digits)
		writer->fields->digits[end / 8] |= bit;
	else
		writer->fields->digits[end / 8] &= (uint8_t) ~bit;
}

/* Sets the digits of all rows alike. */
static void
set_all_digits(Writer *writer, size_t block, bool digits)
{
	/* the base is chosen so that the first bit is a byte's */
	memset(writer->fields->digits + (writer->field->base + 1) / 8,
	       digits ? 0xFF : 0,
	       (block + 7) / 8);
}

/* Copies bytes that may stand at the edge of readable memory. */
static inline void
copy_bytes(char *to, FlowSlice text)
{
	if (text.len > 0)
		memcpy(to, text.data, text.len);
}

/*
 * Writes the text that means no value.  Without one the row is doubtful, and
 * has no field.
 */
static FlowStatus
write_null(Writer *writer, uint32_t *row, FlowError *error)
{
	FlowSlice null = flow_field_null_text(writer->field);

	copy_bytes(writer->data + writer->at, null);
	if (null.data == NULL || flow_field_is_doubtful(null.data, null.len))
		return note_need(writer->field, row, FLOW_PARQUET_NO_FIELD, error);
	return FLOW_OK;
}

/* Writes a field of any kind and ends it. */
static FlowStatus
write_field(Writer *writer, uint32_t *row, FlowSlice text, FlowParquetNeed need, bool copy,
            FlowError *error)
{
	uint32_t number = *row & ~FLOW_ROW_MARKS;
	FlowStatus status = FLOW_OK;

	if (need == FLOW_PARQUET_NO_FIELD)
	{
		status = write_null(writer, row, error);
		text.len = flow_field_null_text(writer->field).len;
	}
	else if (need == FLOW_PARQUET_LONG)
	{
		if (copy)
			status = copy_long(writer->fields, &text, error);
		if (status == FLOW_OK)
			status = add_long(writer->field, number, text, error);
		text.len = 0;
	}
	else
		copy_bytes(writer->data + writer->at, text);
	end_field(writer, number, text.len);
	if (status == FLOW_OK && need != FLOW_PARQUET_PLAIN && need != FLOW_PARQUET_NO_FIELD)
		status = note_need(writer->field, row, need, error);
	return status;
}

/* Writes the fields of rows that have codes. */
static FlowStatus
load_codes(Writer *writer, size_t block, uint32_t *rows, size_t count, FlowError *error)
{
	const FlowParquetField *field = writer->field;
	/* if not all rows have codes, the digits of the others must stay */
	bool each = field->any_digits != field->all_digits || field->ncoded < block;

	if (!each)
		set_all_digits(writer, block, field->any_digits);
	for (size_t i = 0; i < count; i++)
	{
		uint32_t row = rows[i] & ~FLOW_ROW_MARKS;
		uint32_t code = field->codes[row];
		FlowSlice entry = field->entries[code];

		begin_field(writer, row);
		if (each || field->entry_digits[code] != field->any_digits)
			set_digits(writer, row, field->entry_digits[code]);
		if (flow_likely(field->entry_needs[code] == FLOW_PARQUET_PLAIN))
		{
			/* there is room after the last entry */
			if (flow_likely(entry.len <= 16))
				memcpy(writer->data + writer->at, entry.data, 16);
			else
				memcpy(writer->data + writer->at, entry.data, entry.len);
			end_field(writer, row, entry.len);
		}
		else
		{
			FlowStatus status = write_field(writer,
			                                &rows[i],
			                                entry,
			                                (FlowParquetNeed) field->entry_needs[code],
			                                false,
			                                error);

			if (status != FLOW_OK)
				return status;
		}
	}
	return FLOW_OK;
}

/* Writes the fields of rows with integers. */
static FlowStatus
load_integers(Writer *writer, uint32_t *rows, size_t count, FlowError *error)
{
	const FlowParquetField *field = writer->field;
	bool is_unsigned = field->leaf->kind == FLOW_PARQUET_UNSIGNED;

	for (size_t i = 0; i < count; i++)
	{
		uint32_t row = rows[i] & ~FLOW_ROW_MARKS;
		int64_t number = field->numbers[row];

		begin_field(writer, row);
		if (flow_likely(field->present[row]))
		{
			set_digits(writer, row, is_unsigned || number >= 0);
			end_field(writer,
			          row,
			          flow_field_write_integer(writer->data + writer->at, number, is_unsigned));
		}
		else
		{
			FlowStatus status = write_field(writer,
			                                &rows[i],
			                                (FlowSlice) {NULL, 0},
			                                FLOW_PARQUET_NO_FIELD,
			                                false,
			                                error);

			set_digits(writer, row, flow_field_is_digits(flow_field_null_text(field)));
			if (status != FLOW_OK)
				return status;
		}
	}
	return FLOW_OK;
}

/* Writes the fields of rows with values of a kind that is written as text. */
static FlowStatus
load_written(Writer *writer, const FlowParquetValues *values, size_t from, uint32_t *rows,
             size_t count, FlowError *error)
{
	for (size_t i = 0; i < count; i++)
	{
		char buffer[FLOW_PARQUET_TEXT_SIZE];
		uint32_t row = rows[i] & ~FLOW_ROW_MARKS;
		size_t value = row - from;
		FlowSlice text = {NULL, 0};
		FlowParquetNeed need = FLOW_PARQUET_NO_FIELD;
		FlowStatus status;

		begin_field(writer, row);
		set_digits(writer, row, false);
		if (values->present == NULL || values->present[value])
		{
			text = flow_parquet_write_text(writer->field->leaf, &values->values, value, buffer);
			need = flow_field_is_doubtful(text.data, text.len) ? FLOW_PARQUET_DOUBT
			                                                   : FLOW_PARQUET_PLAIN;
		}
		status = write_field(writer, &rows[i], text, need, true, error);
		if (status != FLOW_OK)
			return status;
	}
	return FLOW_OK;
}

/* Copies the bytes of a text, which is usually short. */
static inline void
copy_text(char *to, FlowSlice text)
{
	if (flow_likely(text.len - 8 <= 8))
	{
		uint64_t first, last;

		memcpy(&first, text.data, 8);
		memcpy(&last, text.data + text.len - 8, 8);
		memcpy(to, &first, 8);
		memcpy(to + text.len - 8, &last, 8);
	}
	else
		copy_bytes(to, text);
}

/* Marks the rows whose fields, from a place on, are doubtful. */
static FlowStatus
doubt_texts(Writer *writer, uint32_t *rows, size_t count, FlowError *error)
{
	for (size_t i = 0; i < count; i++)
	{
		uint32_t row = rows[i] & ~FLOW_ROW_MARKS;
		const uint32_t *next = writer->next + row;
		FlowStatus status;

		/* those that are noted have no text here */
		if (writer->field->any_need && writer->field->needs[row] != FLOW_PARQUET_PLAIN)
			continue;
		if (!flow_field_is_doubtful(writer->data + next[0], next[1] - 1 - next[0]))
			continue;
		status = note_need(writer->field, &rows[i], FLOW_PARQUET_DOUBT, error);
		if (status != FLOW_OK)
			return status;
	}
	return FLOW_OK;
}

/*
 * Writes the fields of rows with texts.  Whether any of them is doubtful is
 * seen in all of them at once.
 */
static FlowStatus
load_texts(Writer *writer, const FlowParquetValues *values, size_t from, uint32_t *rows,
           size_t count, FlowError *error)
{
	uint32_t begin = writer->at;
	bool doubtful = false;

	for (size_t i = 0; i < count; i++)
	{
		uint32_t row = rows[i] & ~FLOW_ROW_MARKS;
		size_t value = row - from;

		begin_field(writer, row);
		set_digits(writer, row, false);
		if (flow_likely((values->present == NULL || values->present[value]) &&
		                values->values.texts[value].len <= FLOW_PARQUET_FIELD))
		{
			FlowSlice text = values->values.texts[value];

			copy_text(writer->data + writer->at, text);
			end_field(writer, row, text.len);
			doubtful |= text.len == 0;
		}
		else
		{
			bool present = values->present == NULL || values->present[value];
			FlowStatus status =
				write_field(writer,
			                &rows[i],
			                present ? values->values.texts[value] : (FlowSlice) {NULL, 0},
			                present ? FLOW_PARQUET_LONG : FLOW_PARQUET_NO_FIELD,
			                true,
			                error);

			if (status != FLOW_OK)
				return status;
		}
	}
	if (doubtful ||
	    (writer->at > begin && flow_field_is_doubtful(writer->data + begin, writer->at - begin)))
		return doubt_texts(writer, rows, count, error);
	return FLOW_OK;
}

/*
 * Returns the bytes that the fields of some rows take, with a blank each.
 * "values" are theirs if they are neither codes nor integers.
 */
static size_t
needed_size(const FlowParquetField *field, const FlowParquetValues *values, size_t from,
            const uint32_t *rows, size_t count)
{
	size_t null = flow_field_null_text(field).len;
	size_t size = 0;

	if (field->leaf->kind != FLOW_PARQUET_TEXT)
		return count * (FLOW_PARQUET_TEXT_SIZE + 1 + null);
	for (size_t i = 0; i < count; i++)
	{
		size_t value = (rows[i] & ~FLOW_ROW_MARKS) - from;
		size_t len = null;

		if (values->present == NULL || values->present[value])
			len = values->values.texts[value].len;
		size += len <= FLOW_PARQUET_FIELD ? len + 1 : null + 1;
	}
	return size;
}

/* Returns how many of the rows are before a row. */
static size_t
count_before(const uint32_t *rows, size_t count, size_t end)
{
	size_t low = 0;

	while (low < count)
	{
		size_t middle = low + (count - low) / 2;

		if ((rows[middle] & ~FLOW_ROW_MARKS) < end)
			low = middle + 1;
		else
			count = middle;
	}
	return low;
}

/* Makes room for some bytes of fields, and sets the place of the next one. */
static FlowStatus
begin_rows(Writer *writer, size_t size, FlowError *error)
{
	FlowStatus status = make_room(writer->fields, size, error);

	writer->data = writer->fields->data;
	writer->at = (uint32_t) writer->fields->used;
	return status;
}

/* Makes fields of codes. */
static FlowStatus
load_coded(Writer *writer, size_t block, uint32_t *rows, size_t count, FlowError *error)
{
	FlowParquetField *field = writer->field;
	FlowStatus status = FLOW_OK;

	if (count > 0)
		status = flow_parquet_field_entries(field, writer->fields, field->coded_by, error);
	if (status == FLOW_OK)
		status = begin_rows(writer, count * (field->longest + 1), error);
	if (status == FLOW_OK && count > 0)
		status = load_codes(writer, block, rows, count, error);
	writer->fields->used = writer->at;
	return status;
}

/*
 * Makes fields of the other rows of a block, which have neither codes nor
 * integers, a page at a time.
 */
static FlowStatus
load_values(Writer *writer, size_t block, uint32_t *rows, size_t count, FlowError *error)
{
	FlowParquetField *field = writer->field;
	FlowStatus status = FLOW_OK;
	size_t from = field->ncoded;

	while (status == FLOW_OK && from < block)
	{
		FlowParquetValues values = field->pending;
		size_t here;

		field->pending.count = 0;
		if (values.count == 0)
			status = flow_parquet_field_next(field, block - from, &values, error);
		if (status != FLOW_OK)
			break;
		here = count_before(rows, count, from + values.count);

		/* a writer may go back to codes, though none is known that does */
		if (values.codes != NULL)
		{
			status = flow_parquet_field_take_codes(field, writer->fields, &values, from, error);
			if (status == FLOW_OK)
				status = load_coded(writer, block, rows, here, error);
		}
		else
		{
			status = begin_rows(writer, needed_size(field, &values, from, rows, here), error);
			if (status == FLOW_OK && field->leaf->kind == FLOW_PARQUET_TEXT)
				status = load_texts(writer, &values, from, rows, here, error);
			else if (status == FLOW_OK)
				status = load_written(writer, &values, from, rows, here, error);
			writer->fields->used = writer->at;
		}
		rows += here;
		count -= here;
		from += values.count;
	}
	return status;
}

/* Makes fields for some rows of a block. */
FlowStatus
flow_parquet_field_load(FlowParquetField *field, FlowParquetFields *fields, size_t block,
                        uint32_t *rows, size_t count, FlowError *error)
{
	Writer writer = {.field = field, .fields = fields, .next = fields->next + field->base};
	size_t coded = count_before(rows, count, field->ncoded);
	size_t others = count - coded;
	FlowStatus status;

	field->any_need = false;
	status = load_coded(&writer, block, rows, coded, error);
	if (status != FLOW_OK)
		return status;
	if (!flow_field_is_integer(field->leaf))
		status = load_values(&writer, block, rows + coded, others, error);
	else if (others > 0)
	{
		status = begin_rows(&writer, needed_size(field, NULL, 0, NULL, others), error);
		if (status == FLOW_OK)
			status = load_integers(&writer, rows + coded, others, error);
		fields->used = writer.at;
	}
	field->loaded = status == FLOW_OK;
	return status;
}

/* Returns the field of a row. */
FlowSlice
flow_parquet_field_get(const FlowParquetField *field, const FlowParquetFields *fields, uint32_t row)
{
	const uint32_t *next = fields->next + field->base + row;

	if (field->any_need && field->needs[row] == FLOW_PARQUET_NO_FIELD)
		return (FlowSlice) {NULL, 0};
	for (size_t i = 0; field->any_need && field->needs[row] == FLOW_PARQUET_LONG; i++)
		if (field->longs[i].row == row)
			return field->longs[i].field;
	return (FlowSlice) {fields->data + next[0], next[1] - 1 - next[0]};
}
