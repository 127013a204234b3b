/*-------------------------------------------------------------------------
 *
 * made.h
 *	  What wrappers share that make a line of each of their rows: the text of a
 *	  row that is being read, and the line that is written out.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_MADE_H
#define FLOW_MADE_H

#include "internal.h"

/* A text that grows up to "most" bytes; what follows is dropped. */
typedef struct FlowText
{
	char *data;
	size_t len, capacity;
	size_t most;
} FlowText;

/* Makes room for as many more bytes, up to text->most; false without memory. */
static inline bool
flow_text_room(const FlowHost *host, FlowText *text, size_t more)
{
	size_t capacity = text->capacity > 0 ? text->capacity : 512;
	char *data;

	if (flow_likely(text->capacity - text->len >= more) || text->capacity == text->most)
		return true;
	while (capacity - text->len < more || capacity == text->capacity)
		capacity *= 2;
	if (capacity > text->most)
		capacity = text->most;
	data = flow_allocate(host, capacity);
	if (data == NULL)
		return false;
	if (text->len > 0)
		memcpy(data, text->data, text->len);
	flow_free(host, text->data);
	text->data = data;
	text->capacity = capacity;
	return true;
}

/* Returns true if the text may be longer than what is kept of it. */
static inline bool
flow_text_is_cut(const FlowText *text)
{
	return text->len == text->most;
}

#define FLOW_MADE_PIECES 4

/* A line that is to be written out, in pieces. */
typedef struct FlowMade
{
	FlowSlice pieces[FLOW_MADE_PIECES];
	int count, piece;
	size_t given; /* bytes of the current piece that were written out */
} FlowMade;

static inline void
flow_made_clear(FlowMade *made)
{
	made->count = made->piece = 0;
	made->given = 0;
}

static inline void
flow_made_add(FlowMade *made, const char *data, size_t len)
{
	made->pieces[made->count++] = (FlowSlice) {data, len};
}

static inline bool
flow_made_is_written(const FlowMade *made)
{
	return made->piece == made->count;
}

/* Writes out what there is of the line; returns true if that is all of it. */
static inline bool
flow_made_write(FlowMade *made, uint8_t **out, uint8_t *out_end)
{
	for (; made->piece < made->count; made->piece++, made->given = 0)
	{
		FlowSlice piece = made->pieces[made->piece];
		size_t left = piece.len - made->given, room = (size_t) (out_end - *out);
		size_t len = left < room ? left : room;

		if (len > 0)
			memcpy(*out, piece.data + made->given, len);
		*out += len;
		made->given += len;
		if (made->given < piece.len)
			return false;
	}
	return true;
}

#endif /* FLOW_MADE_H */
