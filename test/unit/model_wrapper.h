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

typedef struct ModelText
{
	char *data;
	size_t len;
	FlowStatus status; /* FLOW_END, or the error */
	FlowError error;
	uint64_t skipped;
} ModelText;

/*
 * Passes all data through a codec, in pieces of the given sizes.  The result
 * must be freed.  Lines may have "max_line_length" bytes.
 */
static inline ModelText
model_unwrap_lines(const FlowCodec *codec, const void *data, size_t len, size_t in_size,
                   size_t out_size, size_t max_line_length)
{
	const FlowUnwrap unwrap = {max_line_length};
	const uint8_t *begin = data;
	ModelText text = {malloc(4 * len + 4097), 0, FLOW_OK, {0}, 0};
	void *state = NULL;
	size_t from = 0;

	text.status = codec->create(&unit_host, &unwrap, &state, &text.error);
	while (text.status == FLOW_OK)
	{
		size_t to = len - from < in_size ? len : from + in_size;
		char *copy = unit_at_edge(begin + from, to - from);
		const uint8_t *in = (const uint8_t *) copy, *in_end = in + (to - from);
		uint8_t *out = malloc(out_size), *next = out;

		text.status =
			codec->step(state, &in, in_end, to == len, &next, out + out_size, from, &text.error);
		from += (size_t) (in - (const uint8_t *) copy);
		if (text.len + (size_t) (next - out) > 4 * len + 4096)
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

static inline ModelText
model_unwrap(const FlowCodec *codec, const void *data, size_t len, size_t in_size, size_t out_size)
{
	return model_unwrap_lines(codec, data, len, in_size, out_size, 1 << 20);
}

/* ---------- CSV ---------- */

/*
 * Reads the fields of the row at *next, quoted ones without their quotes.
 * Returns their number, or -1 if a quoted field does not end.
 */
static inline int
model_csv_row(const char **next, const char *end, char *fields[], size_t lens[], int most,
              bool *clean)
{
	const char *p = *next;
	int count = 0;

	*clean = true;
	for (;;)
	{
		char *field = malloc((size_t) (end - p) + 2);
		size_t n = 0;

		if (p < end && *p == '"')
		{
			for (p++;; p++)
			{
				if (p == end)
				{
					free(field);
					for (int i = 0; i < count && i < most; i++)
						free(fields[i]);
					return -1;
				}
				if (*p == '"' && !(p + 1 < end && p[1] == '"'))
					break;
				if (*p == '"')
					p++;
				field[n++] = *p;
			}
			p++;
			if (p < end && *p != ',' && *p != '\n' && *p != '\r')
				*clean = false;
		}
		while (p < end && *p != ',' && *p != '\n' &&
		       !(*p == '\r' && (p + 1 == end || p[1] == '\n')))
			field[n++] = *p++;
		if (count < most)
			fields[count] = field, lens[count] = n;
		else
			free(field);
		count++;
		if (p == end || *p != ',')
			break;
		p++;
	}
	if (p < end && *p == '\r')
		p++;
	if (p < end)
		p++;
	*next = p;
	return count;
}

/*
 * Returns true if the line, without its newline, is what the row should
 * become.
 */
static inline bool
model_csv_line_is_right(const char *line, size_t len, char *fields[], const size_t lens[],
                        int count, bool clean, bool empty)
{
	bool good = count == 2 && clean && memchr(fields[0], ' ', lens[0]) == NULL;
	size_t time_len = count > 0 && lens[0] > 0 ? lens[0] : 1;

	if (empty)
		return len == 0;
	for (int i = 0; i < count && i < 2; i++)
		good &=
			memchr(fields[i], '\n', lens[i]) == NULL && memchr(fields[i], '\r', lens[i]) == NULL;
	if (!good)
		return memchr(line, '\0', len) != NULL;
	return len == time_len + 1 + lens[1] &&
	       memcmp(line, lens[0] > 0 ? fields[0] : "-", time_len) == 0 && line[time_len] == ' ' &&
	       memcmp(line + time_len + 1, fields[1], lens[1]) == 0;
}

/* Returns true if the codec's output for a CSV file is right. */
static inline bool
model_csv_agrees(const char *data, size_t len, const ModelText *made)
{
	const char *end = data + len;
	const char *next = memchr(data, '\n', len);
	const char *line = made->data;
	bool right = true;

	next = next != NULL ? next + 1 : end;
	while (right && next < end)
	{
		const char *begin = next;
		char *fields[2];
		size_t lens[2];
		bool clean;
		int count = model_csv_row(&next, end, fields, lens, 2, &clean);
		const char *newline = memchr(line, '\n', (size_t) (made->data + made->len - line));
		bool empty = count == 1 && lens[0] == 0 && *begin != '"';

		if (count < 0)
			return made->status == FLOW_CORRUPT;
		right = newline != NULL && model_csv_line_is_right(line,
		                                                   (size_t) (newline - line),
		                                                   fields,
		                                                   lens,
		                                                   count,
		                                                   clean,
		                                                   empty);
		for (int i = 0; i < count && i < 2; i++)
			free(fields[i]);
		line = newline != NULL ? newline + 1 : line;
	}
	return right && line == made->data + made->len && made->status == FLOW_END;
}

#endif /* MODEL_WRAPPER_H */
