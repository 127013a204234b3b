/*-------------------------------------------------------------------------
 *
 * model_header.h
 *	  Flow logs with headers, read in the obvious way, one line and one byte at
 *	  a time. test_header.c and fuzz_header.c compare the reader with it.  It
 *	  does not know CSV, which a first line of names and commas is.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MODEL_HEADER_H
#define MODEL_HEADER_H

#include "../../flow/field.h"
#include "model_reader.h"

#define MODEL_MAX_NAMES 256

/*
 * A column named as its field, one named as on Athena's old page, one that no
 * file has, and one with the option "field".
 */
static const FlowColumn model_header_columns[] = {
	{.name = "srcaddr", .type = FLOW_TEXT, .max_chars = -1},
	{.name = "account", .type = FLOW_TEXT, .max_chars = -1},
	{.name = "asg_tag_2", .type = FLOW_TEXT, .max_chars = -1},
	{.name = "c", .field = "log_status", .type = FLOW_TEXT, .max_chars = -1},
};
#define MODEL_HEADER_COLUMNS 4

static const char *const model_header_fields[] = {"srcaddr",
                                                  "account-id",
                                                  "asg-tag-2",
                                                  "log-status"};

/* The fields' names on Athena's old page.  An asg-tag has no such name. */
static const char *const model_old_names[] = {"sourceaddress", "account", "asg-tag-2", "logstatus"};

typedef enum ModelKind
{
	MODEL_BLANK,
	MODEL_HEADER,
	MODEL_RECORD,   /* fields are set */
	MODEL_MISMATCH, /* a wrong number of fields */
	MODEL_STOP      /* an error: the file cannot be read by its header */
} ModelKind;

typedef struct ModelHeader
{
	bool known; /* true after a line that gave the fields */
	char separator;
	int nfields;
	int place[MODEL_HEADER_COLUMNS]; /* -1: none */
	uint64_t line;
} ModelHeader;

static inline bool
model_is_separator(char c)
{
	return c == ' ' || c == '\t' || c == ',';
}

/* Splits a text at single separators and returns the number of pieces. */
static inline int
model_pieces(const char *data, size_t len, char separator, FlowSlice *pieces, int most)
{
	int count = 0;
	size_t start = 0;

	for (size_t i = 0; i <= len; i++)
	{
		if (i < len && data[i] != separator)
			continue;
		/* several blanks count as one */
		if (separator != ' ' || i > start)
		{
			if (count < most)
				pieces[count] = (FlowSlice) {data + start, i - start};
			count++;
		}
		start = i + 1;
	}
	return count;
}

static inline char
model_small(char c)
{
	return c == '_' ? '-' : c >= 'A' && c <= 'Z' ? (char) (c + 32) : c;
}

static inline bool
model_same_name(FlowSlice a, FlowSlice b)
{
	for (size_t i = 0; i < a.len && i < b.len; i++)
		if (model_small(a.data[i]) != model_small(b.data[i]))
			return false;
	return a.len == b.len;
}

static inline bool
model_equals(FlowSlice slice, const char *text)
{
	return model_same_name(slice, (FlowSlice) {text, strlen(text)});
}

/* Returns true if the names are the same without "-" and "_". */
static inline bool
model_is_field(FlowSlice slice, const char *text)
{
	char joined[2][64] = {{0}};
	size_t len[2] = {0, 0};

	for (size_t i = 0; i < slice.len && i < 63; i++)
		if (model_small(slice.data[i]) != '-')
			joined[0][len[0]++] = model_small(slice.data[i]);
	for (; *text != '\0'; text++)
		if (*text != '-')
			joined[1][len[1]++] = *text;
	return strcmp(joined[0], joined[1]) == 0;
}

static inline bool
model_is_known(FlowSlice name)
{
	return flow_field_of_camel(name.data, name.len) != NULL;
}

/* Returns true if the line is a header.  *stop is set if it cannot be used. */
static inline bool
model_take_header(ModelHeader *header, const char *data, size_t len, bool *stop)
{
	FlowSlice names[MODEL_MAX_NAMES];
	char copy[65536];
	char separator = 0;
	int count, known = 0;

	*stop = false;
	for (; len > 0 && *data == ' '; len--)
		data++;
	if (len > 0 && *data == '#')
		data++, len--;
	for (; len > 0 && *data == ' '; len--)
		data++;
	if (len >= sizeof(copy) || len == 0 || model_is_separator(data[0]))
		return false;
	for (size_t i = 0; i < len; i++)
	{
		copy[i] = model_is_separator(data[i]) ? ' ' : data[i];
		if (model_is_separator(data[i]) && separator != 0 && separator != data[i])
			*stop = true;
		if (model_is_separator(data[i]))
			separator = data[i];
	}
	count = model_pieces(copy, len, ' ', names, MODEL_MAX_NAMES);
	if (count > MODEL_MAX_NAMES || count < (header->line == 1 ? 1 : 2))
		return false;
	for (int i = 0; i < count; i++)
	{
		char first;

		if (names[i].len > 3 && names[i].data[0] == '$' && names[i].data[1] == '{' &&
		    names[i].data[names[i].len - 1] == '}')
			names[i] = (FlowSlice) {names[i].data + 2, names[i].len - 3};
		first = model_small(names[i].data[0]);

		if (names[i].len > 63 || first < 'a' || first > 'z')
			return false;
		for (size_t j = 0; j < names[i].len; j++)
			if (names[i].data[j] == '\0' || strchr("abcdefghijklmnopqrstuvwxyz0123456789-",
			                                       model_small(names[i].data[j])) == NULL)
				return false;
		for (int j = 0; j < i; j++)
			if (model_same_name(names[i], names[j]))
				*stop = true;
		known += model_is_known(names[i]);
	}
	if (known * 2 < count)
		return false;

	header->known = true;
	header->separator = separator ? separator : ' ';
	header->nfields = count;
	for (int i = 0; i < MODEL_HEADER_COLUMNS; i++)
	{
		const char *name = model_header_columns[i].field ? model_header_columns[i].field
		                                                 : model_header_columns[i].name;

		/* the column's own name takes precedence over the field's */
		header->place[i] = -1;
		for (int j = count - 1; j >= 0; j--)
			if (model_is_field(names[j], model_header_fields[i]) ||
			    model_is_field(names[j], model_old_names[i]))
				header->place[i] = j;
		for (int j = count - 1; j >= 0; j--)
		{
			char text[64];

			snprintf(text, sizeof(text), "%.*s", (int) names[j].len, names[j].data);
			for (char *c = text; *c; c++)
				*c = model_small(*c) == '-' ? '_' : model_small(*c);
			if (strcmp(text, name) == 0)
				header->place[i] = j;
		}
	}
	return true;
}

/* Returns true if the line is certainly a record of the default format. */
static inline bool
model_is_default(const char *data, size_t len)
{
	FlowSlice f[14];

	if (model_pieces(data, len, ' ', f, 14) != 14 || !model_equals(f[0], "2"))
		return false;
	for (int i = 3; i < 14; i++)
	{
		FlowAddress address;
		size_t digits = 0, capitals = 0;

		if (f[i].len == 1 && f[i].data[0] == '-')
			continue;
		for (size_t j = 0; j < f[i].len; j++)
		{
			digits += f[i].data[j] >= '0' && f[i].data[j] <= '9';
			capitals += f[i].data[j] >= 'A' && f[i].data[j] <= 'Z';
		}
		if (i < 5 && flow_value_address(f[i].data, f[i].len, false, &address) != FLOW_OK)
			return false;
		if (i >= 5 && (i < 12 ? digits : capitals) != f[i].len)
			return false;
	}
	return true;
}

/* Processes a line of the file.  fields[] are by column. */
static inline ModelKind
model_take_line(ModelHeader *header, const char *data, size_t len, size_t max_line_length,
                FlowSlice *fields)
{
	FlowSlice pieces[MODEL_MAX_NAMES + 1];
	bool nul = false;
	bool stop;

	header->line++;
	if (len > 0 && data[len - 1] == '\r')
		len--;
	for (int i = 0; i < MODEL_HEADER_COLUMNS; i++)
		fields[i] = (FlowSlice) {NULL, 0};
	if (len <= max_line_length && model_take_header(header, data, len, &stop))
		return stop ? MODEL_STOP : MODEL_HEADER;
	if (len == 0)
		return MODEL_BLANK;
	if (!header->known)
	{
		/* of a line that is too long, only the beginning is kept */
		if (!model_is_default(data, len > max_line_length && len > 1024 ? 1024 : len))
			return MODEL_STOP;
		*header = (ModelHeader) {true, ' ', 14, {3, 1, -1, 13}, header->line};
	}
	for (size_t i = 0; i < len; i++)
		nul |= data[i] == '\0';
	if (nul || len > max_line_length ||
	    model_pieces(data, len, header->separator, pieces, MODEL_MAX_NAMES + 1) != header->nfields)
		return MODEL_MISMATCH;
	for (int i = 0; i < MODEL_HEADER_COLUMNS; i++)
		if (header->place[i] >= 0)
			fields[i] = pieces[header->place[i]];
	return MODEL_RECORD;
}

/*
 * Reads a file in both ways, with on_error 'set_null'.  Returns false at the
 * first difference, and sets *line.
 */
static inline bool
model_header_agrees(const char *path, const char *data, size_t len, bool splitter,
                    size_t max_line_length, uint64_t *line)
{
	FlowFormatSpec format_spec = {.splitter = splitter,
	                              .header = FLOW_HEADER_AUTO,
	                              .columns = model_header_columns,
	                              .ncolumns = MODEL_HEADER_COLUMNS};
	FlowObject object = model_write(path, data, len);
	FlowObjects objects = {.count = 1, .items = &object, .bytes = object.size};
	FlowReadSpec spec = {.host = &unit_host,
	                     .reject_limit = -1,
	                     .compression = "none",
	                     .objects = &objects,
	                     .on_error = FLOW_ON_ERROR_SET_NULL,
	                     .max_line_length = max_line_length};
	const char *end = data + len;
	const char *next = data;
	ModelHeader header = {0};
	FlowFormat *format = NULL;
	FlowReader *reader = NULL;
	uint64_t headers = 0, nulled = 0;
	bool agrees = true, stopped = false;
	FlowRecord record;
	FlowError error;

	if (flow_format_create(&unit_host, &format_spec, &format, &error) != FLOW_OK)
		return false;
	spec.format = format;
	if (flow_reader_create(&spec, &reader, &error) != FLOW_OK)
	{
		flow_format_free(format);
		return false;
	}

	if (len >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0)
		next += 3;
	while (agrees && !stopped && next < end)
	{
		const char *newline = memchr(next, '\n', (size_t) (end - next));
		FlowSlice fields[MODEL_HEADER_COLUMNS];
		ModelKind kind = model_take_line(&header,
		                                 next,
		                                 (size_t) ((newline ? newline : end) - next),
		                                 max_line_length,
		                                 fields);

		next = newline ? newline + 1 : end;
		headers += kind == MODEL_HEADER;
		nulled += kind == MODEL_MISMATCH;
		if (kind == MODEL_STOP)
		{
			stopped = true;
			agrees = flow_reader_next(reader, &record, &error) == FLOW_BAD_HEADER &&
			         error.line == header.line;
		}
		else if (kind == MODEL_RECORD || kind == MODEL_MISMATCH)
		{
			agrees = flow_reader_next(reader, &record, &error) == FLOW_OK &&
			         model_line_number(reader) == header.line && flow_reader_balances(reader);
			for (int i = 0; agrees && i < MODEL_HEADER_COLUMNS; i++)
				agrees = model_same(record.fields[i], fields[i]);
		}
	}
	if (agrees && !stopped)
	{
		agrees = flow_reader_next(reader, &record, &error) == FLOW_END &&
		         flow_reader_balances(reader) && flow_reader_counts(reader)->lines == header.line &&
		         flow_reader_counts(reader)->headers == headers &&
		         flow_reader_counts(reader)->set_null == nulled;
	}
	*line = header.line;
	flow_reader_close(reader);
	flow_format_free(format);
	unlink(path);
	return agrees && unit_state.outstanding == 0;
}

#endif /* MODEL_HEADER_H */
