/*-------------------------------------------------------------------------
 *
 * csv.c
 *	  Reads CSV (RFC 4180): downloads of the CloudWatch console, results of
 *	  Logs Insights and of Athena.
 *
 * The first row tells what the rows are.  If it names a message, each row is
 * an event: its time and its record.  If it names fields, or has a value in
 * quotes, each row is a record: its values become a line with
 * FLOW_CSV_SEPARATOR between them.  A NUL byte is put into the line of
 * anything that is no such row, so that it cannot be mistaken for a record.
 *
 * A row is collected before it is written out, as the time of an event may
 * come after its message.  Of a row that is too long only the beginning is
 * kept.
 *
 *-------------------------------------------------------------------------
 */
#include "header.h"
#include "made.h"
#include "source.h"

/* the separators that may follow a quoted value in the first row */
static const char separators[] = ",;|\t";

#define FIRST_ROW_SIZE 4000 /* a longer first row is not recognized */
#define MAX_TIME 64         /* a longer text is no time */
#define MAX_ADDED 3         /* bytes that a byte of CSV can add to a row */

/*
 * The line of a repeated header of events, which occurs where downloads were
 * joined.
 */
#define EVENTS_HEADER "timestamp message"

typedef enum CsvState
{
	CSV_START,   /* at the start of a value */
	CSV_PLAIN,   /* in a value without quotes */
	CSV_QUOTED,  /* in a value with quotes */
	CSV_QUOTE,   /* after a quote in a quoted value: its end, or the first of two */
	CSV_CARRIAGE /* after a carriage return outside of quotes */
} CsvState;

/* What rows are, by the first of them. */
typedef struct CsvShape
{
	char separator;
	bool events;
	int time, message; /* of events: index of the value; time: -1 if there is none */
	int nvalues;       /* number of values in the first row */
} CsvShape;

/* A row of CSV that is being read. */
typedef struct CsvRow
{
	CsvState state;
	char separator;
	size_t value_len; /* bytes of the current value */
	int nvalues;      /* values before the current one */
	bool any;         /* it has any byte */
	bool quoted;      /* it has a value in quotes */
	bool bad;         /* it is not well-formed */

	FlowText text; /* its values, with FLOW_CSV_SEPARATOR between them */
} CsvRow;

typedef struct Csv
{
	const FlowHost *host;
	CsvShape shape;
	CsvRow row;
	bool header_passed; /* the first row of events was dropped */
	/* the first row of events, to find it repeated */
	char *header;
	size_t header_len;
	bool special[256]; /* bytes that are not just copied */

	FlowMade made; /* the line to be written out */
	char time[MAX_TIME];
} Csv;

/* ---------- rows ---------- */

/* Adds a byte to the row. */
static inline void
append(CsvRow *row, char byte)
{
	if (row->text.len < row->text.most)
		row->text.data[row->text.len++] = byte;
}

/* Adds a byte of a value.  Bytes with a meaning in lines must not be in one. */
static inline void
put(CsvRow *row, uint8_t byte)
{
	row->bad |= byte == FLOW_CSV_SEPARATOR || byte == FLOW_CSV_EMPTY || byte == '\0';
	row->any = true;
	row->value_len++;
	append(row, (char) byte);
}

/* Processes a byte outside of quotes; returns true if it ends the row. */
static inline bool
take_unquoted(CsvRow *row, uint8_t byte)
{
	row->state = CSV_PLAIN;
	if (byte == '\n')
		return true;
	if (byte == '\r')
		row->state = CSV_CARRIAGE;
	else if (byte == (uint8_t) row->separator)
	{
		append(row, FLOW_CSV_SEPARATOR);
		row->nvalues++;
		row->any = true;
		row->value_len = 0;
		row->state = CSV_START;
	}
	else
		put(row, byte);
	return false;
}

/* Ends a quoted value: one that is empty is not NULL. */
static void
end_quoted(CsvRow *row)
{
	if (row->value_len == 0)
		append(row, FLOW_CSV_EMPTY);
}

/* Processes a byte, for which there is room; returns true if it ends the row. */
static inline bool
take(CsvRow *row, uint8_t byte)
{
	switch (row->state)
	{
		case CSV_START:
			if (byte != '"')
				return take_unquoted(row, byte);
			row->any = row->quoted = true;
			row->state = CSV_QUOTED;
			return false;
		case CSV_PLAIN:
			return take_unquoted(row, byte);
		case CSV_QUOTED:
			if (byte == '"')
				row->state = CSV_QUOTE;
			else
				put(row, byte);
			return false;
		case CSV_QUOTE:
			if (byte == '"')
			{
				put(row, '"'); /* two quotes stand for one */
				row->state = CSV_QUOTED;
				return false;
			}
			if (byte == (uint8_t) row->separator || byte == '\r' || byte == '\n')
				end_quoted(row);
			else
				row->bad = true; /* nothing else may follow a closing quote */
			return take_unquoted(row, byte);
		case CSV_CARRIAGE:
			/* one within a line is a part of it, which is then no record */
			if (byte != '\n')
			{
				put(row, '\r');
				row->bad = true;
			}
			return take_unquoted(row, byte);
	}
	return false;
}

/* Begins the next row. */
static void
begin_row(CsvRow *row)
{
	row->state = CSV_START;
	row->text.len = row->value_len = 0;
	row->nvalues = 0;
	row->any = row->quoted = row->bad = false;
}

/* Returns the next value of a row and moves *next past it. */
static FlowSlice
next_value(const char **next, const char *end)
{
	const char *found = memchr(*next, FLOW_CSV_SEPARATOR, (size_t) (end - *next));
	FlowSlice value = {*next, (size_t) ((found != NULL ? found : end) - *next)};

	*next = found != NULL ? found + 1 : end;
	return value;
}

/* Returns the value at an index of a row that has it. */
static FlowSlice
value_at(const char *data, size_t len, int index)
{
	const char *next = data;
	FlowSlice value = {data, 0};

	for (int i = 0; i <= index; i++)
		value = next_value(&next, data + len);
	if (value.len == 1 && value.data[0] == FLOW_CSV_EMPTY)
		value.len = 0;
	return value;
}

/* ---------- the first row ---------- */

/* Returns the separator of a first row: after a value in quotes, any of some. */
static char
find_separator(const uint8_t *data, size_t len)
{
	size_t i = 1;

	if (len == 0 || data[0] != '"')
		return ',';
	for (; i < len && (data[i] != '"' || (i + 1 < len && data[i + 1] == '"')); i++)
		i += data[i] == '"';
	i++;
	return i < len && data[i] != '\0' && strchr(separators, data[i]) != NULL ? (char) data[i] : ',';
}

/* Returns the index of the only value that is a name; -1 if there is none. */
static int
find_name(const CsvRow *row, const char *name)
{
	int found = -1;

	for (int i = 0; i <= row->nvalues; i++)
	{
		FlowSlice value = value_at(row->text.data, row->text.len, i);

		if (value.len != strlen(name) || !flow_name_is_same(value, name))
			continue;
		if (found >= 0)
			return -1;
		found = i;
	}
	return found;
}

/* Returns the index of the value that is the first of some names; -1: none is. */
static int
find_first(const CsvRow *row, const char *const *names, size_t count)
{
	int found = -1;

	for (size_t i = 0; i < count && found < 0; i++)
		found = find_name(row, names[i]);
	return found;
}

/*
 * Returns true if a first row is the header of events: it names what only a
 * record is called, or a time and "message", or nothing but that.
 */
static bool
names_events(const CsvRow *row, CsvShape *shape)
{
	static const char *const times[] = {"@timestamp", "timestamp", "_time", "time", "date"};
	static const char *const messages[] = {"@message", "event.original", "_raw"};

	shape->time = find_first(row, times, flow_countof(times));
	shape->message = find_first(row, messages, flow_countof(messages));
	if (shape->message < 0 && (shape->time >= 0 || row->nvalues == 0))
		shape->message = find_name(row, "message");
	return shape->message >= 0;
}

/* Returns true if a first row is the header of fields. */
static bool
names_fields(const CsvRow *row)
{
	FlowNames names;

	return flow_header_read(row->text.data, row->text.len, FLOW_CSV, &names) &&
	       flow_header_is_likely(&names, 2);
}

/*
 * Returns true if a first row is one of values, some of them in quotes.  A
 * record whose fields are separated by blanks may have quotes, too.
 */
static bool
is_quoted(const CsvRow *row)
{
	FlowSlice value = value_at(row->text.data, row->text.len, 0);

	return row->quoted && (value.len == 0 || memchr(value.data, ' ', value.len) == NULL);
}

/*
 * Reads the first row with a separator, and finds what rows are.  Returns true
 * if it is a row of CSV.  Its values are in "buffer" then.
 */
static bool
read_row_shape(const uint8_t *data, size_t len, char separator, char buffer[FIRST_ROW_SIZE],
               CsvRow *row, CsvShape *shape)
{
	bool ended = false;
	size_t i = 0;

	*row = (CsvRow) {.text = {buffer, 0, FIRST_ROW_SIZE, FIRST_ROW_SIZE}};
	*shape = (CsvShape) {.time = -1, .message = -1};
	shape->separator = row->separator = separator;
	while (i < len && i < FIRST_ROW_SIZE && !ended)
		ended = take(row, data[i++]);
	if (!ended && row->state == CSV_QUOTE)
		end_quoted(row);
	if (row->bad || (!ended && (i < len || row->state == CSV_QUOTED || row->state == CSV_START)))
		return false;
	shape->nvalues = row->nvalues + 1;
	shape->events = names_events(row, shape);
	return shape->events || (row->nvalues > 0 && (is_quoted(row) || names_fields(row)));
}

/*
 * Reads the first row.  If it does not begin with a quote, commas separate its
 * values, or else what makes it a header; but fields with tabs between them
 * are lines.
 */
static bool
read_shape(const uint8_t *data, size_t len, char buffer[FIRST_ROW_SIZE], CsvRow *row,
           CsvShape *shape)
{
	static const char others[] = {';', '|', '\t'};
	char separator;
	size_t i = 0;

	while (i < len && (data[i] == '\n' || (i + 1 < len && memcmp(data + i, "\r\n", 2) == 0)))
		i++; /* skip empty lines */
	data += i;
	len -= i;
	separator = find_separator(data, len);
	if (read_row_shape(data, len, separator, buffer, row, shape))
		return true;
	for (i = 0; len > 0 && *data != '"' && i < sizeof(others); i++)
		if (memchr(data, others[i], len) != NULL &&
		    read_row_shape(data, len, others[i], buffer, row, shape) &&
		    (shape->events || others[i] != '\t'))
			return true;
	(void) read_row_shape(data, len, separator, buffer, row, shape);
	return false;
}

/* Returns true if the data begin with a row of CSV. */
bool
flow_csv_recognizes(const uint8_t *data, size_t len)
{
	char buffer[FIRST_ROW_SIZE];
	CsvShape shape;
	CsvRow row;

	return read_shape(data, len, buffer, &row, &shape);
}

/* ---------- lines ---------- */

/* Line breaks within a value become NUL bytes. */
static void
mark_breaks(char *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (data[i] == '\n' || data[i] == '\r')
			data[i] = '\0';
}

/*
 * Copies the time of an event so that it has no blank: a "T" stands for the
 * one after a date, and "_" for others, with which it is a bad value.  Returns
 * its length, 0 if it is too long.
 */
static size_t
copy_time(Csv *csv, FlowSlice time)
{
	if (time.len == 0)
		time = (FlowSlice) {"-", 1};
	if (time.len > MAX_TIME)
		return 0;
	memcpy(csv->time, time.data, time.len);
	if (time.len > 10 && csv->time[4] == '-' && csv->time[7] == '-' && csv->time[10] == ' ')
		csv->time[10] = 'T';
	for (size_t i = 0; i < time.len; i++)
		if ((unsigned char) csv->time[i] <= ' ')
			csv->time[i] = '_';
	return time.len;
}

/* Makes the line of a row that is an event; false if it is none. */
static bool
make_event(Csv *csv)
{
	const CsvRow *row = &csv->row;
	FlowSlice time = {NULL, 0}, message;
	size_t len;

	if (row->bad || row->nvalues + 1 != csv->shape.nvalues)
		return false;
	if (csv->shape.time >= 0)
		time = value_at(row->text.data, row->text.len, csv->shape.time);
	message = value_at(row->text.data, row->text.len, csv->shape.message);
	if ((len = copy_time(csv, time)) == 0)
		return false;

	/* a line break at the end is no part of a message */
	if (message.len > 0 && message.data[message.len - 1] == '\n')
		message.len--;
	if (message.len > 0 && message.data[message.len - 1] == '\r')
		message.len--;
	mark_breaks(row->text.data, row->text.len);
	flow_made_add(&csv->made, csv->time, len);
	flow_made_add(&csv->made, " ", 1);
	flow_made_add(&csv->made, message.data, message.len);
	return true;
}

/* Makes the line of a row that was read. */
static void
make_line(Csv *csv)
{
	CsvRow *row = &csv->row;
	bool cut = flow_text_is_cut(&row->text);

	flow_made_clear(&csv->made);
	if (csv->shape.events && !csv->header_passed && row->any)
	{
		csv->header_passed = true;
		begin_row(row);
		return;
	}

	if (!row->any)
		;
	else if (!cut && csv->shape.events && row->text.len == csv->header_len &&
	         memcmp(row->text.data, csv->header, row->text.len) == 0)
		flow_made_add(&csv->made, EVENTS_HEADER, strlen(EVENTS_HEADER));
	else if (cut || !csv->shape.events || !make_event(csv))
	{
		mark_breaks(row->text.data, row->text.len);
		if (!cut && (row->bad || csv->shape.events))
			flow_made_add(&csv->made, "", 1); /* a NUL byte */
		flow_made_add(&csv->made, row->text.data, row->text.len);
	}
	flow_made_add(&csv->made, "\n", 1);
	begin_row(row);
}

/* ---------- the codec ---------- */

static void
csv_free(void *state)
{
	Csv *csv = state;

	if (csv == NULL)
		return;
	flow_free(csv->host, csv->header);
	flow_free(csv->host, csv->row.text.data);
	flow_free(csv->host, csv);
}

/* Sets the bytes that mean something in CSV or in the lines made of it. */
static void
set_special(Csv *csv)
{
	csv->special['"'] = csv->special['\n'] = csv->special['\r'] = csv->special['\0'] = true;
	csv->special[FLOW_CSV_SEPARATOR] = csv->special[FLOW_CSV_EMPTY] = true;
	csv->special[(uint8_t) csv->shape.separator] = true;
}

static FlowStatus
csv_create(const FlowHost *host, const FlowUnwrap *unwrap, void **state, FlowError *error)
{
	Csv *csv = flow_allocate(host, sizeof(Csv));
	CsvRow first;

	if (csv == NULL)
		return flow_error_memory(error);
	*csv = (Csv) {.host = host, .header = flow_allocate(host, FIRST_ROW_SIZE)};
	if (csv->header == NULL)
	{
		csv_free(csv);
		return flow_error_memory(error);
	}
	(void) read_shape(unwrap->begin, unwrap->begin_len, csv->header, &first, &csv->shape);
	csv->header_len = first.text.len;
	/* more than a line may have, with a time and a carriage return */
	csv->row.text.most = unwrap->max_line_length + MAX_TIME;
	csv->row.separator = csv->shape.separator;
	set_special(csv);
	*state = csv;
	return FLOW_OK;
}

/*
 * Copies whole rows of fields that have nothing but values and separators; by
 * far the most where values are not quoted (200 MB: 0.24 s instead of 1.03
 * s).  Returns their length.
 */
static size_t
copy_rows(const Csv *csv, const uint8_t *in, size_t len, uint8_t *out)
{
	uint8_t separator = (uint8_t) csv->shape.separator;
	size_t copied = 0;

	/* a row that is too long must be cut */
	if (len >= csv->row.text.most)
		len = csv->row.text.most - 1;
	for (size_t i = 0; i < len; i++)
	{
		if (csv->special[in[i]] && in[i] != separator)
		{
			if (in[i] != '\n')
				break;
			copied = i + 1;
		}
		out[i] = in[i] == separator ? FLOW_CSV_SEPARATOR : in[i];
	}
	return copied;
}

/* Adds the bytes of a value that mean nothing else; returns their number. */
static size_t
take_run(const Csv *csv, CsvRow *row, const uint8_t *in, size_t len)
{
	size_t room = row->text.capacity - row->text.len, run = 0;

	/* room stays for what the byte after them may add */
	room = room > MAX_ADDED ? room - MAX_ADDED : 0;
	if (row->state != CSV_PLAIN && row->state != CSV_QUOTED)
		return 0;
	if (len > room)
		len = room;
	while (run < len && !csv->special[in[run]])
		run++;
	if (run > 0)
		memcpy(row->text.data + row->text.len, in, run);
	row->text.len += run;
	row->value_len += run;
	return run;
}

/* Reads input up to the end of a row, or of the input. */
static FlowStatus
read_row(Csv *csv, const uint8_t **in, const uint8_t *stop, FlowError *error)
{
	while (*in < stop)
	{
		if (!flow_text_room(csv->host, &csv->row.text, MAX_ADDED))
			return flow_error_memory(error);
		*in += take_run(csv, &csv->row, *in, (size_t) (stop - *in));
		if (*in < stop && take(&csv->row, *(*in)++))
		{
			make_line(csv);
			break;
		}
	}
	return FLOW_OK;
}

/* Handles the end of the data, which also ends a row. */
static FlowStatus
take_end(Csv *csv, FlowError *error)
{
	CsvRow *row = &csv->row;

	if (row->state == CSV_QUOTED)
		return flow_error_set(error, FLOW_CORRUPT, "ends in the middle of a quoted field");
	if (!row->any && row->state != CSV_CARRIAGE)
		return FLOW_OK;
	if (!flow_text_room(csv->host, &row->text, MAX_ADDED))
		return flow_error_memory(error);
	if (row->state == CSV_QUOTE)
		end_quoted(row);
	make_line(csv);
	return FLOW_OK;
}

/* Converts CSV into lines, see FlowCodec. */
static FlowStatus
csv_step(void *state, const uint8_t **in, const uint8_t *in_end, bool last, uint8_t **out,
         uint8_t *out_end, uint64_t offset, FlowError *error)
{
	Csv *csv = state;
	const uint8_t *stop = in_end - *in > FLOW_BLOCK_SIZE ? *in + FLOW_BLOCK_SIZE : in_end;
	FlowStatus status;

	(void) offset;
	while (flow_made_write(&csv->made, out, out_end) && *in < stop)
	{
		size_t len = (size_t) (stop - *in), room = (size_t) (out_end - *out), copied = 0;

		if (!csv->shape.events && csv->row.state == CSV_START && !csv->row.any)
			copied = copy_rows(csv, *in, len < room ? len : room, *out);
		*in += copied;
		*out += copied;
		if (copied == 0 && (status = read_row(csv, in, stop, error)) != FLOW_OK)
			return status;
	}
	if (!flow_made_is_written(&csv->made) || *in < in_end || !last)
		return FLOW_OK;

	if ((status = take_end(csv, error)) != FLOW_OK)
		return status;
	return flow_made_is_written(&csv->made) ? FLOW_END : FLOW_OK;
}

static FlowFraming
csv_framing(const void *state)
{
	return ((const Csv *) state)->shape.events ? FLOW_TIMED : FLOW_CSV;
}

static const char *
csv_header(const void *state)
{
	return ((const Csv *) state)->shape.events ? EVENTS_HEADER : NULL;
}

const FlowCodec flow_csv_codec = {.name = "csv",
                                  .recognizes = flow_csv_recognizes,
                                  .create = csv_create,
                                  .free = csv_free,
                                  .step = csv_step,
                                  .framing = csv_framing,
                                  .header = csv_header,
                                  .not_event =
                                      "The row has more or fewer values than the header, or its "
                                      "quotes are not in pairs."};
