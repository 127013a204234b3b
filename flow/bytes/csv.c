/*-------------------------------------------------------------------------
 *
 * csv.c
 *	  Extracts records from the CSV files that the CloudWatch console
 *	  downloads.
 *
 * The first line is "timestamp,message".  Each later line is an event: a time
 * in milliseconds and the record, either of which may be quoted (RFC 4180).
 * If several downloads were joined, the later header lines come out like
 * events.  Nothing is kept in memory: a NUL byte is put into the line of
 * anything that turns out not to be an event.
 *
 *-------------------------------------------------------------------------
 */
#include "source.h"

/*
 * Maximum number of bytes that one input byte can produce: a carriage return
 * that ended no line, "-", " " and one to spare.
 */
#define MAX_MADE 4

typedef enum CsvState
{
	CSV_HEADER,  /* in the first line, which was recognized */
	CSV_START,   /* at the start of a field */
	CSV_PLAIN,   /* in a field without quotes */
	CSV_QUOTED,  /* in a field with quotes */
	CSV_QUOTE,   /* after a quote in a quoted field: its end, or the first of two */
	CSV_CARRIAGE /* after a carriage return outside of quotes */
} CsvState;

typedef struct Csv
{
	const FlowHost *host;
	CsvState state;
	int field;    /* 0: time, 1: message */
	bool any;     /* true if the line has any byte */
	bool content; /* true if the field has any content */

	/* output of the last input byte */
	uint8_t made[MAX_MADE];
	size_t nmade;
	size_t given; /* number of bytes of made[] already written out */
} Csv;

/*
 * Returns the length of a field's name, perhaps in quotes, if the data begin
 * with it, otherwise 0.
 */
static size_t
skip_name(const uint8_t *data, size_t len, const char *name)
{
	size_t name_len = strlen(name);
	size_t quote = len > 0 && data[0] == '"';

	if (len < name_len + 2 * quote || memcmp(data + quote, name, name_len) != 0)
		return 0;
	if (quote && data[1 + name_len] != '"')
		return 0;
	return name_len + 2 * quote;
}

/* Returns true if the data begin with the header line "timestamp,message". */
bool
flow_csv_recognizes(const uint8_t *data, size_t len)
{
	size_t time = skip_name(data, len, "timestamp");
	size_t message;

	if (time == 0 || time == len || data[time] != ',')
		return false;
	message = skip_name(data + time + 1, len - time - 1, "message");
	if (message == 0)
		return false;
	message += time + 1;
	return message == len || data[message] == '\n' || data[message] == '\r';
}

static FlowStatus
csv_create(const FlowHost *host, const FlowUnwrap *unwrap, void **state, FlowError *error)
{
	Csv *csv = flow_allocate(host, sizeof(Csv));

	(void) unwrap;
	if (csv == NULL)
		return flow_error_memory(error);
	*csv = (Csv) {.host = host, .state = CSV_HEADER};
	*state = csv;
	return FLOW_OK;
}

static void
csv_free(void *state)
{
	Csv *csv = state;

	if (csv != NULL)
		flow_free(csv->host, csv);
}

static void
make(Csv *csv, uint8_t byte)
{
	csv->made[csv->nmade++] = byte;
}

/*
 * Ends the line.  A line without a message gets a NUL byte, unless it is
 * empty.
 */
static void
end_line(Csv *csv)
{
	if (csv->field == 0 && csv->any)
		make(csv, '\0');
	make(csv, '\n');
	csv->state = CSV_START;
	csv->field = 0;
	csv->any = csv->content = false;
}

/*
 * Ends the field: a time is followed by a blank, and "-" stands for an empty
 * one.
 */
static void
end_field(Csv *csv)
{
	csv->any = true;
	if (csv->field == 0)
	{
		if (!csv->content)
			make(csv, '-');
		make(csv, ' ');
	}
	else
		make(csv, '\0'); /* an event has only two fields */
	csv->state = CSV_START;
	csv->field = 1;
	csv->content = false;
}

/*
 * Adds a byte of a field's content.  Line breaks become NUL bytes, and so does
 * a blank in a time, which would shift the record's fields.
 */
static void
put(Csv *csv, uint8_t byte)
{
	bool breaks = byte == '\n' || byte == '\r' || (csv->field == 0 && byte == ' ');

	csv->any = csv->content = true;
	make(csv, breaks ? '\0' : byte);
}

/* Processes a byte outside of quotes. */
static void
take_unquoted(Csv *csv, uint8_t byte)
{
	csv->state = CSV_PLAIN;
	if (byte == '\n')
		end_line(csv);
	else if (byte == '\r')
		csv->state = CSV_CARRIAGE;
	else if (byte == ',')
		end_field(csv);
	else
		put(csv, byte);
}

/* Processes a byte of input. */
static void
take(Csv *csv, uint8_t byte)
{
	switch (csv->state)
	{
		case CSV_HEADER:
			if (byte == '\n')
				csv->state = CSV_START;
			break;
		case CSV_START:
			if (byte != '"')
			{
				take_unquoted(csv, byte);
				break;
			}
			/* a quote begins a quoted field */
			csv->any = true;
			csv->state = CSV_QUOTED;
			break;
		case CSV_PLAIN:
			take_unquoted(csv, byte);
			break;
		case CSV_QUOTED:
			if (byte == '"')
				csv->state = CSV_QUOTE;
			else
				put(csv, byte);
			break;
		case CSV_QUOTE:
			if (byte == '"')
			{
				csv->state = CSV_QUOTED;
				put(csv, '"');
				/* two quotes stand for one */
				break;
			}
			if (byte != ',' && byte != '\r' && byte != '\n')
				make(csv, '\0'); /* nothing else may follow a closing quote */
			take_unquoted(csv, byte);
			break;
		case CSV_CARRIAGE:
			/* a carriage return within a line is a part of it */
			if (byte != '\n')
				put(csv, '\r');
			take_unquoted(csv, byte);
			break;
	}
}

/* Handles the end of the data, which also ends a line. */
static FlowStatus
take_end(Csv *csv, FlowError *error)
{
	if (csv->state == CSV_QUOTED)
		return flow_error_set(error, FLOW_CORRUPT, "ends in the middle of a quoted field");
	if (csv->state != CSV_HEADER && (csv->any || csv->state == CSV_CARRIAGE))
		end_line(csv);
	return FLOW_OK;
}

/*
 * Converts CSV into lines, see FlowCodec.  What a byte produced is written out
 * before the next byte is read.
 */
static FlowStatus
csv_step(void *state, const uint8_t **in, const uint8_t *in_end, bool last, uint8_t **out,
         uint8_t *out_end, uint64_t offset, FlowError *error)
{
	Csv *csv = state;
	const uint8_t *stop = in_end - *in > FLOW_BLOCK_SIZE ? *in + FLOW_BLOCK_SIZE : in_end;
	FlowStatus status;

	(void) offset;
	for (;;)
	{
		while (csv->given < csv->nmade && *out < out_end)
			*(*out)++ = csv->made[csv->given++];
		if (csv->given < csv->nmade)
			return FLOW_OK;
		csv->given = csv->nmade = 0;
		if (*in == stop)
			break;
		take(csv, *(*in)++);
	}
	if (*in < in_end || !last)
		return FLOW_OK;

	if ((status = take_end(csv, error)) != FLOW_OK)
		return status;
	return csv->nmade == 0 ? FLOW_END : FLOW_OK;
}

const FlowCodec flow_csv_codec = {.name = "csv",
                                  .recognizes = flow_csv_recognizes,
                                  .create = csv_create,
                                  .free = csv_free,
                                  .step = csv_step,
                                  .header = "timestamp message"};
