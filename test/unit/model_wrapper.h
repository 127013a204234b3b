/*-------------------------------------------------------------------------
 *
 * model_wrapper.h
 *	  Unwraps records with the codecs, in pieces of any size, and reads CSV in
 *	  the obvious way, wholly in memory.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MODEL_WRAPPER_H
#define MODEL_WRAPPER_H

#include "../../flow/bytes/source.h"
#include "unit.h"

#include <strings.h>

typedef struct ModelText
{
	char *data;
	size_t len;
	FlowStatus status; /* FLOW_END, or the error */
	FlowError error;
	uint64_t skipped;
} ModelText;

/* How much a codec may make of some data. */
#define MODEL_ROOM(len) (16 * (len) + ((size_t) 1 << 20))

/*
 * Passes all data through a codec, in pieces of the given sizes.  The result
 * must be freed.
 */
static inline ModelText
model_unwrap_as(const FlowCodec *codec, const void *data, size_t len, size_t in_size,
                size_t out_size, const FlowUnwrap *unwrap)
{
	const uint8_t *begin = data;
	ModelText text = {malloc(MODEL_ROOM(len)), 0, FLOW_OK, {0}, 0};
	void *state = NULL;
	size_t from = 0;

	text.status = codec->create(&unit_host, unwrap, &state, &text.error);
	while (text.status == FLOW_OK)
	{
		size_t to = len - from < in_size ? len : from + in_size;
		char *copy = unit_at_edge(begin + from, to - from);
		const uint8_t *in = (const uint8_t *) copy, *in_end = in + (to - from);
		uint8_t *out = malloc(out_size), *next = out;

		text.status =
			codec->step(state, &in, in_end, to == len, &next, out + out_size, from, &text.error);
		from += (size_t) (in - (const uint8_t *) copy);
		if (text.len + (size_t) (next - out) > MODEL_ROOM(len))
			abort();
		memcpy(text.data + text.len, out, (size_t) (next - out));
		text.len += (size_t) (next - out);
		free(out);
	}
	if (state != NULL && codec->skipped != NULL)
		text.skipped = codec->skipped(state);
	if (state != NULL)
		codec->free(state);
	return text;
}

/* The same; lines may have "max_line_length" bytes. */
static inline ModelText
model_unwrap_lines(const FlowCodec *codec, const void *data, size_t len, size_t in_size,
                   size_t out_size, size_t max_line_length)
{
	const FlowUnwrap unwrap = {.max_line_length = max_line_length, .begin = data, .begin_len = len};

	return model_unwrap_as(codec, data, len, in_size, out_size, &unwrap);
}

static inline ModelText
model_unwrap(const FlowCodec *codec, const void *data, size_t len, size_t in_size, size_t out_size)
{
	return model_unwrap_lines(codec, data, len, in_size, out_size, 1 << 20);
}

/* ---------- CSV ---------- */

#define MODEL_CSV_FIRST 4000 /* bytes of the longest first row that is recognized */

/* A row of CSV.  Its values are freed by model_csv_free. */
typedef struct ModelCsvRow
{
	char **values;
	size_t *lens;
	bool *quoted;
	int count;
	bool ended; /* by a newline */
	bool good;  /* well-formed */
	bool open;  /* a quoted value does not end */
} ModelCsvRow;

static inline void
model_csv_free(ModelCsvRow *row)
{
	for (int i = 0; i < row->count; i++)
		free(row->values[i]);
	free(row->values), free(row->lens), free(row->quoted);
}

/* Reads the row at *next. */
static inline ModelCsvRow
model_csv_row(const char **next, const char *end, char separator)
{
	size_t most = (size_t) (end - *next) + 1;
	ModelCsvRow row = {.values = malloc(most * sizeof(char *)),
	                   .lens = malloc(most * sizeof(size_t)),
	                   .quoted = malloc(most * sizeof(bool)),
	                   .good = true};
	const char *p = *next;

	for (;;)
	{
		char *value = malloc((size_t) (end - p) + 2);
		bool quoted = p < end && *p == '"';
		size_t n = 0, plain_from;

		if (quoted)
		{
			for (p++; p < end && (*p != '"' || (p + 1 < end && p[1] == '"')); p++)
			{
				p += *p == '"';
				value[n++] = *p;
			}
			row.open = p == end;
			p += p < end;
			if (p < end && *p != separator && *p != '\n' && *p != '\r')
				row.good = false;
		}
		plain_from = n;
		while (p < end && *p != separator && *p != '\n' &&
		       !(*p == '\r' && (p + 1 == end || p[1] == '\n')))
			value[n++] = *p++;
		while (plain_from < n)
			row.good &= value[plain_from++] != '\r';
		for (size_t i = 0; i < n; i++)
			row.good &= value[i] != '\0' && value[i] != '\x1E' && value[i] != '\x1F';
		row.values[row.count] = value;
		row.lens[row.count] = n;
		row.quoted[row.count++] = quoted;
		if (p == end || *p != separator)
			break;
		p++;
	}
	if (p < end && *p == '\r')
		p++;
	row.ended = p < end;
	if (p < end)
		p++;
	*next = p;
	return row;
}

/* Returns the index of the only value that is a name, or -1. */
static inline int
model_csv_find(const ModelCsvRow *row, const char *name)
{
	int found = -1;

	for (int i = 0; i < row->count; i++)
	{
		if (row->lens[i] != strlen(name) || strncasecmp(row->values[i], name, row->lens[i]) != 0)
			continue;
		if (found >= 0)
			return -1;
		found = i;
	}
	return found;
}

/* Appends the row's values as a line of fields. */
static inline size_t
model_csv_join(const ModelCsvRow *row, char *line)
{
	size_t len = 0;

	for (int i = 0; i < row->count; i++)
	{
		if (i > 0)
			line[len++] = '\x1F';
		if (row->lens[i] == 0 && row->quoted[i])
			line[len++] = '\x1E';
		memcpy(line + len, row->values[i], row->lens[i]);
		len += row->lens[i];
	}
	return len;
}

/* Makes the line of a row that is an event; false if it is none. */
static inline bool
model_csv_event(const ModelCsvRow *row, int time, int message, int count, char *line, size_t *len)
{
	char *text = time >= 0 && time < row->count ? row->values[time] : NULL;
	size_t text_len = text != NULL ? row->lens[time] : 0;
	size_t n;

	if (!row->good || row->count != count || text_len > 64)
		return false;
	*len =
		(size_t) sprintf(line, "%.*s ", text_len > 0 ? (int) text_len : 1, text_len ? text : "-");
	if (text_len > 10 && text[4] == '-' && text[7] == '-' && text[10] == ' ')
		line[10] = 'T';
	for (size_t i = 0; i + 1 < *len; i++)
		if ((unsigned char) line[i] <= ' ')
			line[i] = '_';
	n = row->lens[message];
	memcpy(line + *len, row->values[message], n);
	if (n > 0 && row->values[message][n - 1] == '\n')
		n--;
	if (n > 0 && row->values[message][n - 1] == '\r')
		n--;
	*len += n;
	return true;
}

/* Finds the time and the message of events by the first row's names. */
static inline void
model_csv_events(const ModelCsvRow *row, int *time, int *message)
{
	static const char *const times[] = {"date", "time", "_time", "timestamp", "@timestamp"};
	static const char *const messages[] = {"_raw", "event.original", "@message"};

	*time = *message = -1;
	for (size_t i = 0; i < flow_countof(times); i++)
		if (model_csv_find(row, times[i]) >= 0)
			*time = model_csv_find(row, times[i]);
	if (*time >= 0 || row->count == 1)
		*message = model_csv_find(row, "message");
	for (size_t i = 0; i < flow_countof(messages); i++)
		if (model_csv_find(row, messages[i]) >= 0)
			*message = model_csv_find(row, messages[i]);
}

/*
 * Returns true if the first row, which does not begin with a quote, is one of
 * CSV with this separator.
 */
static inline bool
model_csv_fits(const char *data, const char *end, char separator)
{
	const char *next = data;
	ModelCsvRow row = model_csv_row(&next, end, separator);
	char *joined = malloc((size_t) (end - data) + 100);
	size_t len = model_csv_join(&row, joined);
	bool quoted = false, fits;
	int time, message;
	FlowNames names;

	for (int i = 0; i < row.count; i++)
		quoted |= row.quoted[i];
	model_csv_events(&row, &time, &message);
	fits =
		row.good && !row.open && (size_t) (next - data) <= MODEL_CSV_FIRST &&
		(row.ended || row.lens[row.count - 1] > 0 || row.quoted[row.count - 1] ||
	     end[-1] == '\r') &&
		(message >= 0 ||
	     (row.count > 1 && separator != '\t' &&
	      ((quoted && (row.lens[0] == 0 || memchr(row.values[0], ' ', row.lens[0]) == NULL)) ||
	       (flow_header_read(joined, len, FLOW_CSV, &names) && flow_header_is_likely(&names, 2)))));
	free(joined);
	model_csv_free(&row);
	return fits;
}

/* Returns true if the codec's output for a CSV file is right. */
static inline bool
model_csv_agrees(const char *data, size_t len, size_t max_line_length, const ModelText *made)
{
	const char *begin = data, *end = data + len, *next = data, *line = made->data;
	char *expected = malloc(len + 100), *joined = malloc(len + 100), *header = malloc(len + 100);
	size_t header_len;
	int time = -1, message = -1, count;
	bool right = true, known;
	ModelCsvRow row;
	char separator = ',';

	/* the separator, and what rows are */
	while (data < end && (*data == '\n' || (*data == '\r' && data + 1 < end && data[1] == '\n')))
		data++;
	if (data < end && *data == '"')
	{
		next = data;
		row = model_csv_row(&next, end, '\0');
		if (!row.open)
		{
			const char *p = data + 1;

			while (*p != '"' || (p + 1 < end && p[1] == '"'))
				p += *p == '"' ? 2 : 1;
			if (p + 1 < end && p[1] != '\0' && strchr(",;|\t", p[1]) != NULL)
				separator = p[1];
		}
		model_csv_free(&row);
	}
	else if (data < end && !model_csv_fits(data, end, ','))
		for (const char *other = ";|\t"; *other != '\0' && separator == ','; other++)
			if (model_csv_fits(data, end, *other))
				separator = *other;
	next = data;
	row = model_csv_row(&next, end, separator);
	known =
		row.good && !row.open && (size_t) (next - data) <= MODEL_CSV_FIRST && len > 0 &&
		(row.ended || row.lens[row.count - 1] > 0 || row.quoted[row.count - 1] || end[-1] == '\r');
	count = row.count;
	header_len = model_csv_join(&row, header);
	if (known)
		model_csv_events(&row, &time, &message);
	model_csv_free(&row);
	if (message < 0)
		next = data;

	/* empty lines before them, and the rows */
	for (const char *p = begin; p < data; p++)
		if (*p == '\n')
			right &= line < made->data + made->len && *line++ == '\n';
	while (right && next < end)
	{
		const char *newline = memchr(line, '\n', (size_t) (made->data + made->len - line));
		size_t made_len = newline != NULL ? (size_t) (newline - line) : 0, expected_len = 0;
		size_t joined_len;
		bool good;

		row = model_csv_row(&next, end, separator);
		if (row.open)
		{
			right = made->status == FLOW_CORRUPT;
			model_csv_free(&row);
			free(expected), free(joined), free(header);
			return right;
		}
		joined_len = model_csv_join(&row, joined);
		good = row.good;
		if (row.count == 1 && row.lens[0] == 0 && !row.quoted[0])
			good = true;
		else if (message >= 0 && joined_len == header_len &&
		         memcmp(joined, header, joined_len) == 0)
			expected_len = (size_t) sprintf(expected, "timestamp message");
		else if (message >= 0)
			good = model_csv_event(&row, time, message, count, expected, &expected_len);
		else
			memcpy(expected, joined, expected_len = joined_len);
		for (size_t i = 0; i < expected_len; i++)
			if (expected[i] == '\n' || expected[i] == '\r')
				expected[i] = '\0';

		if (newline == NULL)
			right = false;
		else if (!good) /* a row that is cut needs no mark */
			right = (made_len > 0 && *line == '\0') || made_len > max_line_length + 1;
		else if (joined_len >= max_line_length + 64)
			right = made_len > max_line_length + 1;
		else
			right = made_len == expected_len && memcmp(line, expected, made_len) == 0;
		model_csv_free(&row);
		line = newline != NULL ? newline + 1 : line;
	}
	free(expected), free(joined), free(header);
	return right && line == made->data + made->len && made->status == FLOW_END;
}

#endif /* MODEL_WRAPPER_H */
