/*-------------------------------------------------------------------------
 *
 * lines.c
 *	  Finds the lines of a piece of a log that have the shape of records.
 *
 * The splitter has found where fields end, which of these ends are newlines,
 * and which fields are all digits: a bit each.  Two comparisons of as many
 * bits as a line has fields then show whether it has the right number of
 * fields, and digits where they must be, without a loop over the fields.
 *
 * Nothing is decided here about a line that does not have the shape: it
 * becomes a doubtful row, for which the reader uses the pattern itself.
 *
 *-------------------------------------------------------------------------
 */
#include "format.h"
#include "lines.h"

#include <string.h>

/* ---------- bits ---------- */

/* Returns the bits from "from" on; at least 57 of them are valid. */
static inline uint64_t
bits_at(const uint8_t *bits, size_t from)
{
	uint64_t word;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	memcpy(&word, bits + from / 8, sizeof(word));
#else
	word = 0;
	for (int i = 0; i < 8; i++)
		word |= (uint64_t) bits[from / 8 + (size_t) i] << (8 * i);
#endif
	return word >> (from % 8);
}

static inline uint64_t
low_bits(size_t count)
{
	return (UINT64_C(1) << count) - 1;
}

/* Returns the first set bit from "from" on; there must be one. */
static inline size_t
find_bit(const uint8_t *bits, size_t from)
{
	for (;; from += FLOW_SHAPE_FIELDS)
	{
		uint64_t word = bits_at(bits, from) & low_bits(FLOW_SHAPE_FIELDS);

		if (word != 0)
			return from + (size_t) __builtin_ctzll(word);
	}
}

static bool
any_bit(const uint8_t *bits, size_t from, size_t to)
{
	for (; from < to; from += FLOW_SHAPE_FIELDS)
	{
		size_t count = to - from < FLOW_SHAPE_FIELDS ? to - from : FLOW_SHAPE_FIELDS;

		if ((bits_at(bits, from) & low_bits(count)) != 0)
			return true;
	}
	return false;
}

/* Returns the number of lines that end among some ends. */
size_t
flow_lines_count(const FlowLines *lines, size_t from, size_t to)
{
	size_t result = 0;

	for (; from < to; from += FLOW_SHAPE_FIELDS)
	{
		size_t count = to - from < FLOW_SHAPE_FIELDS ? to - from : FLOW_SHAPE_FIELDS;

		result +=
			(size_t) __builtin_popcountll(bits_at(lines->ends->newline, from) & low_bits(count));
	}
	return result;
}

/* Returns the index of the end after a row's newline. */
size_t
flow_lines_behind(const FlowLines *lines, uint32_t row)
{
	return find_bit(lines->ends->newline, row & ~FLOW_ROW_MARKS) + 1;
}

static inline uint32_t
line_start(const FlowLines *lines, uint32_t row)
{
	return lines->ends->next[(ptrdiff_t) row - 1];
}

/* Returns the line of a row. */
FlowSlice
flow_lines_line(const FlowLines *lines, uint32_t row)
{
	uint32_t start = line_start(lines, row & ~FLOW_ROW_MARKS);
	uint32_t behind = lines->ends->next[flow_lines_behind(lines, row) - 1];

	return (FlowSlice) {lines->batch.data + start, behind - 1 - start};
}

/* ---------- lines of the shape ---------- */

/* Sets the places of columns for lines of "nfields" fields. */
static void
set_nfields(FlowLines *lines, int nfields)
{
	if (lines->nfields == nfields)
		return;
	lines->nfields = nfields;
	for (int i = 0; i < lines->ncolumns; i++)
		lines->place[i] = lines->layout->places[i] < nfields ? lines->layout->places[i] : -1;
}

/*
 * Chooses the layout of the rows, where there is one for each number of
 * fields, as choose_nfields does: lines of other layouts become doubtful.
 */
static void
choose_layout(FlowLines *lines)
{
	size_t found = find_bit(lines->ends->newline, 0) + 1;
	const FlowLayout *layout =
		found <= FLOW_SHAPE_FIELDS ? flow_layout_for(lines->layouts, (int) found) : NULL;

	if (layout != NULL && layout->shape != NULL)
	{
		lines->layout = layout;
		lines->shape = layout->shape;
	}
}

/*
 * Chooses the number of fields that rows have.  Optional fields allow lines of
 * several lengths.  The lines of one log are alike, so the first line decides;
 * lines of other lengths become doubtful.
 */
static int
choose_nfields(const FlowLines *lines)
{
	const FlowShape *shape = lines->shape;
	size_t found = find_bit(lines->ends->newline, 0) + 1;

	if (found >= (size_t) shape->nfields)
		return shape->nfields;
	return found > (size_t) shape->nrequired ? (int) found : shape->nrequired;
}

/*
 * Makes rows of the lines of a shape that is not open, by far the most common
 * kind: a line has a newline at its last end and nowhere before.  "special" is
 * a constant for the compiler: without a special field in the piece there is
 * nothing to look up.
 */
static inline size_t
take_closed(FlowLines *lines, bool special)
{
	const FlowEnds *ends = lines->ends;
	size_t nfields = (size_t) lines->nfields;
	uint64_t all = low_bits(nfields);
	uint64_t newline = UINT64_C(1) << (nfields - 1);
	uint64_t digits = lines->shape->digits & all;
	uint32_t *rows = lines->rows;

	for (size_t end = 0; end < ends->count;)
	{
		if (end + nfields <= ends->count && (bits_at(ends->newline, end) & all) == newline &&
		    (bits_at(ends->digits, end) & digits) == digits &&
		    (!special || (bits_at(ends->special, end) & all) == 0))
		{
			*rows++ = (uint32_t) end;
			end += nfields;
		}
		else
		{
			*rows++ = (uint32_t) end | FLOW_ROW_DOUBTFUL;
			end = find_bit(ends->newline, end) + 1;
		}
	}
	return (size_t) (rows - lines->rows);
}

/*
 * Makes rows of the lines of an open shape: more fields may follow before the
 * newline.
 */
static size_t
take_open(FlowLines *lines)
{
	const FlowEnds *ends = lines->ends;
	size_t nfields = (size_t) lines->nfields;
	uint64_t digits = lines->shape->digits & low_bits(nfields);
	uint32_t *rows = lines->rows;

	for (size_t end = 0; end < ends->count;)
	{
		size_t behind = find_bit(ends->newline, end) + 1;
		bool good = behind - end >= nfields && (bits_at(ends->digits, end) & digits) == digits &&
		            !(ends->any_special && any_bit(ends->special, end, behind));

		*rows++ = (uint32_t) end | (good ? 0 : FLOW_ROW_DOUBTFUL);
		end = behind;
	}
	return (size_t) (rows - lines->rows);
}

/* ---------- further checks ---------- */

/* Marks the rows whose field fails a check as doubtful. */
static void
check_fields(FlowLines *lines, const FlowShapeCheck *check)
{
	const uint32_t *next = lines->ends->next;

	for (size_t i = 0; i < lines->nrows; i++)
	{
		uint32_t row = lines->rows[i];
		uint32_t end, start, len;

		if (row & FLOW_ROW_DOUBTFUL)
			continue;
		end = row + (uint32_t) check->field;
		start = next[(ptrdiff_t) end - 1];
		len = next[end] - 1 - start;
		if (check->digits && (bits_at(lines->ends->digits, end) & 1) && len >= check->min &&
		    len <= check->max)
			continue;
		if (!flow_shape_passes(check, lines->batch.data + start, len))
			lines->rows[i] |= FLOW_ROW_DOUBTFUL;
	}
}

/*
 * Returns true if all fields from "end" to before "behind" begin with a
 * letter, as names in a header do, or with a blank or the like, which may be
 * another separator of a header.
 */
static bool
begin_with_letters(const FlowLines *lines, uint32_t end, uint32_t behind)
{
	for (; end < behind; end++)
	{
		char c = lines->batch.data[line_start(lines, end)];

		if (!flow_may_begin_header(c) && c != '\t' && c != ',')
			return false;
	}
	return true;
}

/*
 * Marks the rows that may be headers as doubtful: those whose fields all begin
 * with a letter.  Most rows have a number or an address among their first
 * fields.
 */
static void
doubt_letters(FlowLines *lines)
{
	uint32_t first =
		lines->layout->framing == FLOW_TIMED ? 1 : 0; /* a wrapper's time may be a number */

	for (size_t i = 0; i < lines->nrows; i++)
	{
		uint32_t row = lines->rows[i];

		if ((row & FLOW_ROW_DOUBTFUL) == 0 &&
		    begin_with_letters(lines, row + first, row + (uint32_t) lines->nfields))
			lines->rows[i] |= FLOW_ROW_DOUBTFUL;
	}
}

/* Marks the rows that are too long as doubtful. */
static void
doubt_long_lines(FlowLines *lines)
{
	for (size_t i = 0; i < lines->nrows; i++)
		if (flow_lines_line(lines, lines->rows[i]).len > lines->max_line_length)
			lines->rows[i] |= FLOW_ROW_DOUBTFUL;
}

/* ---------- the whole ---------- */

/* Splits the complete lines at the beginning of some data into rows. */
size_t
flow_lines_split(FlowLines *lines, const char *data, size_t len)
{
	FlowEnds *ends = lines->ends;
	const FlowShape *shape = lines->shape;

	if (shape == NULL)
		return 0;
	lines->split(data, len < FLOW_SPLIT_MAX ? len : FLOW_SPLIT_MAX, shape->separator, ends);

	/* drop the incomplete line at the end */
	while (ends->count > 0 &&
	       !(ends->newline[(ends->count - 1) / 8] >> ((ends->count - 1) % 8) & 1))
		ends->count--;
	lines->nrows = 0;
	if (ends->count == 0)
		return 0;

	/* make rows */
	if (lines->layouts->next != NULL)
	{
		choose_layout(lines);
		shape = lines->shape;
	}
	lines->batch.data = data;
	set_nfields(lines, choose_nfields(lines));
	if (shape->open)
		lines->nrows = take_open(lines);
	else if (ends->any_special)
		lines->nrows = take_closed(lines, true);
	else
		lines->nrows = take_closed(lines, false);

	/* check them further */
	for (int i = 0; i < shape->nchecks; i++)
		if (shape->checks[i].field < lines->nfields)
			check_fields(lines, &shape->checks[i]);
	if (lines->doubt_letters)
		doubt_letters(lines);
	if (lines->max_line_length < FLOW_SPLIT_MAX)
		doubt_long_lines(lines);
	return ends->next[ends->count - 1];
}

/* Sets the layout of the lines that follow. */
void
flow_lines_set_layout(FlowLines *lines, const FlowLayout *layout)
{
	lines->layouts = lines->layout = layout;
	lines->shape = layout->shape;
	lines->nfields = -1;

	/* the names in a header begin with letters: none of them is a number */
	lines->doubt_letters = lines->has_headers && lines->shape != NULL &&
	                       (lines->shape->digits & low_bits((size_t) lines->shape->nrequired)) == 0;
}

/* Makes the state for splitting lines, still without its buffers. */
FlowStatus
flow_lines_create(const FlowHost *host, const FlowFormat *format, size_t max_line_length,
                  FlowLines **result, FlowError *error)
{
	FlowLines *lines = flow_allocate(host, sizeof(FlowLines));

	if (lines == NULL)
		return flow_error_memory(error);
	*lines = (FlowLines) {
		.host = host,
		.split = flow_split_choose()->split,
		.has_headers = flow_format_header_mode(format) != FLOW_HEADER_FALSE,
		.max_line_length = max_line_length,
	};
	(void) flow_format_columns(format, &lines->ncolumns);

	lines->place = flow_allocate(host, ((size_t) lines->ncolumns + 1) * sizeof(int));
	if (lines->place == NULL)
	{
		flow_lines_free(lines);
		return flow_error_memory(error);
	}
	lines->batch.place = lines->place;
	*result = lines;
	return FLOW_OK;
}

/* Makes the buffers for split lines. */
FlowStatus
flow_lines_make_room(FlowLines *lines, FlowError *error)
{
	lines->ends = flow_ends_create(lines->host);
	lines->rows = flow_allocate(lines->host, FLOW_SPLIT_MAX * sizeof(uint32_t));
	if (lines->ends == NULL || lines->rows == NULL)
	{
		flow_lines_free_room(lines);
		return flow_error_memory(error);
	}
	lines->batch.next = lines->ends->next;
	lines->batch.digits = lines->ends->digits;
	return FLOW_OK;
}

/* Frees the buffers for split lines. */
void
flow_lines_free_room(FlowLines *lines)
{
	flow_free(lines->host, lines->ends);
	flow_free(lines->host, lines->rows);
	lines->ends = NULL;
	lines->rows = NULL;
	lines->nrows = 0;
}

void
flow_lines_free(FlowLines *lines)
{
	if (lines == NULL)
		return;
	flow_lines_free_room(lines);
	flow_free(lines->host, lines->place);
	flow_free(lines->host, lines);
}
