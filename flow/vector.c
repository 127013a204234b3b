/*-------------------------------------------------------------------------
 *
 * vector.c
 *	  Reads the fields of a column into a vector.
 *
 *-------------------------------------------------------------------------
 */
#include "vector.h"

#include <string.h>

bool
flow_type_is_number(FlowType type)
{
	return type <= FLOW_INT64 || type == FLOW_BOOLEAN || type == FLOW_TIME || type == FLOW_DAY;
}

static bool
is_address(FlowType type)
{
	return type == FLOW_ADDRESS || type == FLOW_NETWORK;
}

static size_t
value_size(FlowType type)
{
	if (flow_type_is_number(type))
		return sizeof(int64_t);
	return is_address(type) ? sizeof(FlowAddress) : sizeof(FlowSlice);
}

size_t
flow_vector_size(FlowType type)
{
	return FLOW_RUN * (value_size(type) + 1);
}

void
flow_vector_init(FlowVector *vector, FlowType type, void *memory)
{
	*vector = (FlowVector) {.type = type};
	if (flow_type_is_number(type))
		vector->numbers = memory;
	else if (is_address(type))
		vector->addresses = memory;
	else
		vector->texts = memory;
	vector->present = (uint8_t *) memory + FLOW_RUN * value_size(type);
}

/* ---------- any field ---------- */

static void
store_value(FlowVector *vector, size_t i, const FlowValue *value)
{
	if (vector->numbers != NULL)
		vector->numbers[i] = value->integer;
	else if (vector->addresses != NULL)
		vector->addresses[i] = value->address;
	else
		vector->texts[i] = value->text;
	vector->present[i] = 1;
}

static void
store_null(FlowVector *vector, size_t i)
{
	if (vector->numbers != NULL)
		vector->numbers[i] = 0;
	vector->present[i] = 0;
}

/*
 * Reads one field.  If it is bad, ends the run before it and returns false,
 * unless bad fields are NULL.
 */
static bool
read_field(const FlowColumnReader *reader, const FlowHost *host, FlowRun *run, FlowVector *vector,
           size_t i)
{
	FlowSlice field = flow_batch_field(run->batch, run->first + i, reader->column);
	FlowValue value;
	FlowStatus status = flow_value_read(&reader->columns[reader->column], host, field, &value);

	if (status == FLOW_OK)
		store_value(vector, i, &value);
	else if (status == FLOW_END || (run->bad_is_null && status != FLOW_NO_MEMORY))
		store_null(vector, i);
	else
	{
		flow_run_cut(run, i, status, reader->column);
		return false;
	}
	return true;
}

static void
read_fields(const FlowColumnReader *reader, const FlowHost *host, FlowRun *run, FlowVector *vector)
{
	for (size_t i = 0; i < run->count; i++)
	{
		if (!read_field(reader, host, run, vector, i))
			return;
	}
}

/* ---------- digits ---------- */

/*
 * Reads integers of plain digits, no more of them than their type certainly
 * holds, and times in seconds.  All others are read by read_field.
 */
static void
read_digits(const FlowColumnReader *reader, const FlowHost *host, FlowRun *run, FlowVector *vector)
{
	const FlowBatch *batch = run->batch;
	FlowDigitFields fields = {batch->data,
	                          batch->next + batch->place[reader->column],
	                          batch->rows + run->first,
	                          reader->limit,
	                          reader->factor};
	size_t i = 0;

	while ((i = reader->read_digits(&fields, i, run->count, vector->numbers, vector->present)) <
	       run->count)
	{
		if (!read_field(reader, host, run, vector, i))
			return;
		i++;
	}
}

/*
 * Returns true if a column's null text is made of digits.  Then digits must be
 * compared as text.
 */
static bool
null_is_digits(const FlowColumn *column)
{
	if (column->null_text == NULL || column->null_len == 0)
		return false;
	for (size_t i = 0; i < column->null_len; i++)
	{
		if ((unsigned char) (column->null_text[i] - '0') > 9)
			return false;
	}
	return true;
}

/*
 * How a type's digits are read: the number they must be less than, and the
 * value of one unit.
 */
static const struct
{
	uint64_t limit, factor;
} digits_of[FLOW_OPAQUE + 1] = {
	[FLOW_INT16] = {UINT64_C(1) << 15, 1},
	[FLOW_INT32] = {UINT64_C(1) << 31, 1},
	[FLOW_INT64] = {UINT64_C(1) << 63, 1},
	[FLOW_TIME] = {UINT64_C(1) << 31, 1000000}, /* larger ones are milliseconds */
};

void
flow_column_reader_init(FlowColumnReader *reader, const FlowColumn *columns, int column)
{
	FlowType type = columns[column].type;

	reader->columns = columns;
	reader->column = column;
	reader->limit = digits_of[type].limit;
	reader->factor = digits_of[type].factor;
	reader->by_digits = reader->limit != 0 && !null_is_digits(&columns[column]);
	reader->read_digits = flow_vector_digits(0);
}

/* ---------- numbers ---------- */

/*
 * Returns true if the values of a column are there as numbers, which mean what
 * their digits would mean.
 */
static bool
find_numbers(const FlowColumnReader *reader, const FlowBatch *batch, const int64_t **numbers,
             const uint8_t **present, FlowStatus *status)
{
	*numbers = NULL;
	*status = FLOW_OK;
	return reader->by_digits &&
	       flow_batch_numbers(batch, reader->column, reader->limit, numbers, present, status);
}

FlowStatus
flow_vector_numbers(const FlowColumn *columns, int column, const FlowBatch *batch,
                    const int64_t **numbers, const uint8_t **present)
{
	FlowColumnReader reader;
	FlowStatus status;

	flow_column_reader_init(&reader, columns, column);
	(void) find_numbers(&reader, batch, numbers, present, &status);
	return status;
}

FlowStatus
flow_vector_load(const FlowColumn *columns, int column, const FlowBatch *batch, uint32_t *rows,
                 size_t count)
{
	const int64_t *numbers;
	const uint8_t *present;
	FlowStatus status = flow_vector_numbers(columns, column, batch, &numbers, &present);

	if (status != FLOW_OK || (numbers != NULL && !columns[column].not_null))
		return status;
	return flow_batch_load(batch, column, rows, count);
}

/* The same for a run, unless its values are needed in another way. */
static bool
find_numbers_of_run(const FlowColumnReader *reader, const FlowRun *run, const int64_t **numbers,
                    const uint8_t **present)
{
	FlowStatus status;

	return run->batch->loader != NULL && !run->bad_is_null &&
	       !reader->columns[reader->column].not_null &&
	       find_numbers(reader, run->batch, numbers, present, &status);
}

bool
flow_vector_show(const FlowColumnReader *reader, const FlowRun *run, FlowVector *vector)
{
	const int64_t *numbers;
	const uint8_t *present;
	const uint32_t *rows;

	if (run->count == 0 || reader->factor != 1 ||
	    !find_numbers_of_run(reader, run, &numbers, &present))
		return false;
	rows = run->batch->rows + run->first;
	if (rows[run->count - 1] - rows[0] != run->count - 1)
		return false;
	vector->numbers = (int64_t *) numbers + rows[0];
	vector->present = (uint8_t *) present + rows[0];
	return true;
}

static void
read_numbers(const FlowColumnReader *reader, FlowRun *run, FlowVector *vector,
             const int64_t *numbers, const uint8_t *present)
{
	const uint32_t *rows = run->batch->rows + run->first;
	int64_t factor = (int64_t) reader->factor;

	for (size_t i = 0; i < run->count; i++)
	{
		vector->numbers[i] = numbers[rows[i]] * factor;
		vector->present[i] = present[rows[i]];
	}
}

/* Reads the values of a column in a run. */
void
flow_vector_read(const FlowColumnReader *reader, const FlowHost *host, FlowRun *run,
                 FlowVector *vector)
{
	const int64_t *numbers;
	const uint8_t *present;

	if (find_numbers_of_run(reader, run, &numbers, &present))
		read_numbers(reader, run, vector, numbers, present);
	else if (reader->by_digits && run->batch->next != NULL && !run->bad_is_null &&
	         run->batch->place[reader->column] >= 0)
		read_digits(reader, host, run, vector);
	else
		read_fields(reader, host, run, vector);
}
