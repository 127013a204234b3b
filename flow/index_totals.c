/*-------------------------------------------------------------------------
 *
 * index_totals.c
 *	  Adds up what an index stores of a file besides values: the extremes of
 *	  two times, and the numbers of records by two texts.
 *
 * Nearly all times of a log are ten digits of which the first two are the
 * same, and nearly all of the texts are a few short ones.  The digits are
 * compared as they stand, and a text is looked for by its bytes; all others
 * are converted.  Groups of the reader, which convert all times and keep
 * extremes for each pair of texts, took 2.3 times as long.
 *
 *-------------------------------------------------------------------------
 */
#include "flow_digits.h"
#include "index_totals.h"

#define TEXTS FLOW_INDEX_GROUPS /* maximum number of texts of a column */
#define NO_ID UINT8_MAX

/* Texts of up to SHORT bytes are remembered by them. */
#define SHORT sizeof(uint64_t)
#define MEMO_BITS 6

#define DIGITS 10       /* of a time in seconds */
#define MAX_PREFIX "20" /* of a time in seconds that is below 2^31 */

/* Times that were seen. */
typedef struct Times
{
	FlowIndexExtremes extremes;

	/*
	 * of times as digits that begin with the prefix, the other digits as a
	 * number that orders alike
	 */
	bool has_prefix, has_digits;
	uint16_t prefix;
	uint64_t least, greatest;
} Times;

/* A column of times. */
typedef struct TimeColumn
{
	int column; /* -1: there is none */
	FlowColumnReader reader;
	FlowVector vector;
	bool by_digits;
	Times times;
} TimeColumn;

/* A column of texts. */
typedef struct TextColumn
{
	int column; /* -1: there is none */

	/* the texts that were seen */
	size_t count;
	uint8_t lens[TEXTS];
	bool is_null[TEXTS];
	char bytes[TEXTS][FLOW_INDEX_GROUP_TEXT];

	/*
	 * short fields, and which text they are; what is not there is found
	 * nowhere
	 */
	uint64_t fields[1 << MEMO_BITS];
	uint8_t ids[1 << MEMO_BITS];

	/* of a dictionary's first codes */
	uint64_t serial; /* 0: there is none */
	uint8_t codes[256];
} TextColumn;

struct FlowIndexTotals
{
	const FlowHost *host;
	const FlowColumn *columns;
	TimeColumn times[2];
	TextColumn texts[2];
	bool too_many; /* texts, or bytes of one */
	uint64_t counts[TEXTS][TEXTS];
};

/* ---------- times ---------- */

static inline void
take_time(FlowIndexExtremes *extremes, int64_t time)
{
	if (!extremes->any || time < extremes->least)
		extremes->least = time;
	if (!extremes->any || time > extremes->greatest)
		extremes->greatest = time;
	extremes->any = true;
}

/*
 * Returns true if a time's digits are compared as such: ten of them below 2^31
 * are seconds, or the integer, in every type but the smallest, unless they are
 * the text that means NULL.
 */
static bool
by_digits(const FlowColumn *column)
{
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
	return false;
#endif
	if (column->type == FLOW_INT16)
		return false;
	for (size_t i = 0; column->null_text != NULL && i < column->null_len; i++)
		if (column->null_text[i] < '0' || column->null_text[i] > '9')
			return true;
	return column->null_text == NULL || column->null_len != DIGITS;
}

/* Returns true if all eight bytes are digits. */
static inline bool
are_digits(uint64_t bytes)
{
	uint64_t digits = bytes ^ UINT64_C(0x3030303030303030);

	return (((digits + UINT64_C(0x0606060606060606)) | digits) & UINT64_C(0xF0F0F0F0F0F0F0F0)) == 0;
}

/* Reads a time; a status other than FLOW_OK is that of a bad field. */
static FlowStatus
read_time(FlowIndexTotals *totals, const TimeColumn *column, FlowSlice field, Times *times)
{
	FlowValue value;
	FlowStatus status =
		flow_value_read(&totals->columns[column->column], totals->host, field, &value);

	if (status == FLOW_END)
		times->extremes.null = true;
	if (status != FLOW_OK)
		return status == FLOW_END ? FLOW_OK : status;
	take_time(&times->extremes, value.integer);
	if (column->by_digits && !times->has_prefix && field.len == DIGITS && field.data[0] >= '0' &&
	    field.data[1] >= '0' && field.data[1] <= '9' && memcmp(field.data, MAX_PREFIX, 2) <= 0)
	{
		memcpy(&times->prefix, field.data, sizeof(times->prefix));
		times->has_prefix = true;
	}
	return FLOW_OK;
}

/* Reads the times of a run of lines. */
static void
read_lines(FlowIndexTotals *totals, FlowRun *run, const TimeColumn *column, Times *times)
{
	const char *data = run->batch->data;
	const uint32_t *ends = run->batch->next + run->batch->place[column->column];
	const uint32_t *rows = run->batch->rows + run->first;
	uint64_t least = UINT64_MAX, greatest = 0;

	for (size_t i = 0; i < run->count; i++)
	{
		const uint32_t *next = ends + rows[i];
		FlowSlice field = {data + next[-1], next[0] - 1 - next[-1]};
		uint16_t prefix;
		uint64_t digits;

		memcpy(&prefix, field.data, sizeof(prefix));
		memcpy(&digits, field.data + sizeof(prefix), sizeof(digits));
		if (flow_likely(field.len == DIGITS && prefix == times->prefix && times->has_prefix &&
		                are_digits(digits)))
		{
			digits = __builtin_bswap64(digits);
			least = digits < least ? digits : least;
			greatest = digits > greatest ? digits : greatest;
		}
		else
		{
			FlowStatus status = read_time(totals, column, field, times);

			if (flow_unlikely(status != FLOW_OK))
				flow_run_cut(run, i, status, column->column);
		}
	}
	if (least > greatest)
		return;
	times->has_digits = true;
	times->least = least < times->least ? least : times->least;
	times->greatest = greatest > times->greatest ? greatest : times->greatest;
}

/* Reads the times of any run. */
static void
read_vector(FlowIndexTotals *totals, FlowRun *run, const TimeColumn *column, Times *times)
{
	FlowVector vector = column->vector;

	if (!flow_vector_show(&column->reader, run, &vector))
		flow_vector_read(&column->reader, totals->host, run, &vector);
	for (size_t i = 0; i < run->count; i++)
	{
		times->extremes.null |= !vector.present[i];
		if (vector.present[i])
			take_time(&times->extremes, vector.numbers[i]);
	}
}

/* Returns true if a column's fields are those of lines. */
static inline bool
is_in_lines(const FlowRun *run, int column)
{
	const FlowBatch *batch = run->batch;

	return batch->next != NULL && batch->loader == NULL && batch->place[column] >= 0 &&
	       !run->bad_is_null;
}

/* ---------- texts ---------- */

static inline size_t
memo_slot(uint64_t field)
{
	return field * UINT64_C(0x9E3779B97F4A7C15) >> (64 - MEMO_BITS);
}

static void
clear_texts(TextColumn *column)
{
	column->count = 0;
	column->serial = 0;
	/* in each slot a field whose slot is another one */
	memset(column->fields, 0, sizeof(column->fields));
	column->fields[0] = 1;
}

/* Finds or adds a text, or NULL; its id is 0 if there are too many. */
static uint8_t
find_text(FlowIndexTotals *totals, TextColumn *column, FlowSlice text)
{
	size_t id = 0;

	for (; id < column->count; id++)
		if (column->is_null[id] == (text.data == NULL) && column->lens[id] == text.len &&
		    (text.len == 0 || memcmp(column->bytes[id], text.data, text.len) == 0))
			return (uint8_t) id;
	if (id == TEXTS || text.len > FLOW_INDEX_GROUP_TEXT)
	{
		totals->too_many = true;
		return 0;
	}
	column->is_null[id] = text.data == NULL;
	column->lens[id] = (uint8_t) text.len;
	if (text.len > 0)
		memcpy(column->bytes[id], text.data, text.len);
	column->count++;
	return (uint8_t) id;
}

/*
 * Finds the text of a field; a status other than FLOW_OK is that of a bad
 * field.
 */
static FlowStatus
read_text(FlowIndexTotals *totals, TextColumn *column, FlowSlice field, bool bad_is_null,
          uint8_t *id)
{
	FlowSlice none = {NULL, 0};
	uint64_t bytes = 0;
	size_t slot;
	FlowValue value;
	FlowStatus status =
		flow_value_read(&totals->columns[column->column], totals->host, field, &value);

	if (status != FLOW_OK && status != FLOW_END && (!bad_is_null || status == FLOW_NO_MEMORY))
		return status;
	*id = find_text(totals, column, status == FLOW_OK ? value.text : none);
	if (field.data == NULL || field.len > SHORT || (status != FLOW_OK && status != FLOW_END))
		return FLOW_OK;
	if (field.len > 0)
		memcpy(&bytes, field.data, field.len);
	slot = memo_slot(bytes);
	column->fields[slot] = bytes;
	column->ids[slot] = *id;
	return FLOW_OK;
}

/* Reads the texts of a run of lines. */
static void
read_text_lines(FlowIndexTotals *totals, FlowRun *run, TextColumn *column, uint8_t *ids)
{
	/* from byte SHORT - len on, a mask of the first "len" bytes */
	static const uint64_t masks[2] = {UINT64_MAX, 0};
	const char *data = run->batch->data;
	const uint32_t *ends = run->batch->next + run->batch->place[column->column];
	const uint32_t *rows = run->batch->rows + run->first;

	for (size_t i = 0; i < run->count; i++)
	{
		const uint32_t *next = ends + rows[i];
		FlowSlice field = {data + next[-1], next[0] - 1 - next[-1]};
		uint64_t bytes, mask;
		size_t slot;
		FlowStatus status;

		memcpy(&bytes, field.data, sizeof(bytes));
		memcpy(&mask,
		       (const char *) masks + SHORT - (field.len < SHORT ? field.len : SHORT),
		       sizeof(mask));
		bytes &= mask;
		slot = memo_slot(bytes);
		ids[i] = column->ids[slot];
		if (flow_likely(column->fields[slot] == bytes && field.len <= SHORT))
			continue;
		status = read_text(totals, column, field, false, &ids[i]);
		if (flow_unlikely(status != FLOW_OK))
			flow_run_cut(run, i, status, column->column);
	}
}

/* Reads the texts of a run by the codes of a dictionary. */
static void
read_codes(FlowIndexTotals *totals, FlowRun *run, TextColumn *column, const FlowCodes *codes,
           uint8_t *ids)
{
	const uint32_t *rows = run->batch->rows + run->first;

	if (column->serial != codes->serial)
		memset(column->codes, NO_ID, sizeof(column->codes));
	column->serial = codes->serial;
	for (size_t i = 0; i < run->count; i++)
	{
		uint32_t code = codes->codes[rows[i]];
		FlowStatus status;

		ids[i] = code < flow_countof(column->codes) ? column->codes[code] : NO_ID;
		if (flow_likely(ids[i] != NO_ID))
			continue;
		status = read_text(totals, column, codes->entries[code], false, &ids[i]);
		if (status != FLOW_OK)
			flow_run_cut(run, i, status, column->column);
		else if (code < flow_countof(column->codes))
			column->codes[code] = ids[i];
	}
}

/* Reads the texts of any run. */
static void
read_texts(FlowIndexTotals *totals, FlowRun *run, TextColumn *column, uint8_t *ids)
{
	const FlowCodes *codes = NULL;

	if (is_in_lines(run, column->column))
	{
		read_text_lines(totals, run, column, ids);
		return;
	}
	if (run->batch->next != NULL && run->batch->place[column->column] >= 0 && !run->bad_is_null &&
	    !totals->columns[column->column].not_null &&
	    flow_batch_codes(run->batch, column->column, &codes) == FLOW_OK && codes != NULL)
	{
		read_codes(totals, run, column, codes, ids);
		return;
	}
	for (size_t i = 0; i < run->count; i++)
	{
		FlowStatus status = read_text(totals,
		                              column,
		                              flow_batch_field(run->batch, run->first + i, column->column),
		                              run->bad_is_null,
		                              &ids[i]);

		if (status != FLOW_OK)
			flow_run_cut(run, i, status, column->column);
	}
}

/* ---------- adding ---------- */

/* Adds the records of a run, unless it is cut short; returns false then. */
static bool
add_run(FlowIndexTotals *totals, FlowRun *run)
{
	uint8_t ids[2][FLOW_RUN];
	Times times[2] = {totals->times[0].times, totals->times[1].times};

	for (int k = 0; k < 2; k++)
	{
		const TimeColumn *column = &totals->times[k];

		if (column->column < 0)
			continue;
		if (is_in_lines(run, column->column) && column->by_digits)
			read_lines(totals, run, column, &times[k]);
		else
			read_vector(totals, run, column, &times[k]);
	}
	for (int k = 0; k < 2; k++)
		if (totals->texts[k].column >= 0)
			read_texts(totals, run, &totals->texts[k], ids[k]);
		else
			memset(ids[k], 0, run->count);
	if (run->status != FLOW_OK)
		return false;
	for (size_t i = 0; i < run->count; i++)
		totals->counts[ids[0][i]][ids[1][i]]++;
	for (int k = 0; k < 2; k++)
		totals->times[k].times = times[k];
	return true;
}

FlowStatus
flow_index_totals_add(FlowIndexTotals *totals, const FlowBatch *batch, size_t *done,
                      bool bad_is_null, FlowBadField *bad)
{
	*bad = (FlowBadField) {-1, FLOW_OK};
	while (*done < batch->count)
	{
		size_t left = batch->count - *done, most = bad_is_null ? 1 : FLOW_RUN;
		FlowRun run = {batch, *done, left < most ? left : most, bad_is_null, FLOW_OK, *bad};
		FlowRun good = run;

		if (!add_run(totals, &run) && run.count > 0)
		{
			/* those before the bad one */
			good.count = run.count;
			(void) add_run(totals, &good);
		}
		*done += run.count;
		*bad = run.bad;
		if (run.status != FLOW_OK)
			return run.status;
		if (bad_is_null)
			break;
	}
	return FLOW_OK;
}

void
flow_index_totals_mark(const FlowIndexTotals *totals, bool *fields, bool *vectors, bool *codes)
{
	for (int k = 0; k < 2; k++)
	{
		int time = totals->times[k].column, text = totals->texts[k].column;

		if (time >= 0)
			vectors[time] = true;
		if (text >= 0)
			(totals->columns[text].not_null ? fields : codes)[text] = true;
	}
}

/* ---------- reading ---------- */

/* Returns the time of a number that stands for digits. */
static int64_t
digits_time(const FlowIndexTotals *totals, const TimeColumn *column, uint64_t digits)
{
	char field[DIGITS];
	FlowValue value = {.integer = 0};

	digits = __builtin_bswap64(digits);
	memcpy(field, &column->times.prefix, sizeof(column->times.prefix));
	memcpy(field + sizeof(column->times.prefix), &digits, sizeof(digits));
	(void) flow_value_read(&totals->columns[column->column],
	                       totals->host,
	                       (FlowSlice) {field, DIGITS},
	                       &value);
	return value.integer;
}

FlowIndexExtremes
flow_index_totals_times(const FlowIndexTotals *totals, int k)
{
	const TimeColumn *column = &totals->times[k];
	FlowIndexExtremes extremes = column->times.extremes;

	if (column->times.has_digits)
	{
		take_time(&extremes, digits_time(totals, column, column->times.least));
		take_time(&extremes, digits_time(totals, column, column->times.greatest));
	}
	return extremes;
}

static FlowSlice
text_of(const TextColumn *column, size_t id)
{
	if (column->column < 0 || column->is_null[id])
		return (FlowSlice) {NULL, 0};
	return (FlowSlice) {column->bytes[id], column->lens[id]};
}

int
flow_index_totals_groups(const FlowIndexTotals *totals, FlowIndexGroup groups[FLOW_INDEX_GROUPS])
{
	int count = 0;

	if (totals->too_many)
		return -1;
	for (size_t a = 0; a < TEXTS; a++)
		for (size_t b = 0; b < TEXTS; b++)
		{
			if (totals->counts[a][b] == 0)
				continue;
			if (count == FLOW_INDEX_GROUPS)
				return -1;
			groups[count++] =
				(FlowIndexGroup) {{text_of(&totals->texts[0], a), text_of(&totals->texts[1], b)},
			                      totals->counts[a][b]};
		}
	return count;
}

/* ---------- life ---------- */

static bool
init_times(FlowIndexTotals *totals, TimeColumn *times, int column)
{
	const FlowColumn *columns = totals->columns;
	void *memory;

	times->column = column;
	if (column < 0)
		return true;
	memory = flow_allocate(totals->host, flow_vector_size(columns[column].type));
	if (memory == NULL)
		return false;
	flow_column_reader_init(&times->reader, columns, column);
	flow_vector_init(&times->vector, columns[column].type, memory);
	times->by_digits = by_digits(&columns[column]);
	return true;
}

FlowStatus
flow_index_totals_create(const FlowIndexTotalsSpec *spec, FlowIndexTotals **totals,
                         FlowError *error)
{
	FlowIndexTotals *made = flow_allocate(spec->host, sizeof(FlowIndexTotals));
	bool complete = true;

	*totals = NULL;
	if (made == NULL)
		return flow_error_memory(error);
	memset(made, 0, sizeof(*made));
	made->host = spec->host;
	made->columns = spec->columns;
	for (int k = 0; k < 2; k++)
	{
		complete = init_times(made, &made->times[k], spec->times[k]) && complete;
		made->texts[k].column = spec->texts[k];
	}
	if (!complete)
	{
		flow_index_totals_free(made);
		return flow_error_memory(error);
	}
	flow_index_totals_clear(made);
	*totals = made;
	return FLOW_OK;
}

void
flow_index_totals_free(FlowIndexTotals *totals)
{
	if (totals == NULL)
		return;
	for (int k = 0; k < 2; k++)
		flow_free(totals->host, totals->times[k].vector.numbers);
	flow_free(totals->host, totals);
}

void
flow_index_totals_clear(FlowIndexTotals *totals)
{
	for (int k = 0; k < 2; k++)
	{
		totals->times[k].times = (Times) {.least = UINT64_MAX};
		clear_texts(&totals->texts[k]);
	}
	totals->too_many = false;
	memset(totals->counts, 0, sizeof(totals->counts));
}
