/*-------------------------------------------------------------------------
 *
 * json_event.c
 *	  The event that json.c reads, and its line.
 *
 * A line is the event's time, a blank and its message.  Both are usually
 * slices of the input, which are copied once, into the output.  A text gets
 * memory of its own if it has escapes, if the input ends within the event, or
 * if the output is full.  This memory is bounded, because a line longer than
 * "max_line_length" is a reject whatever its end is: the end is dropped.
 *
 *-------------------------------------------------------------------------
 */
#include "json_event.h"

#include <stdio.h>

#define FIRST_TEXT 64
#define FIRST_HELD (16 * 1024)
#define MAX_TIME_DIGITS 13 /* milliseconds until the year 2286 */

void
flow_json_event_free(FlowJsonEvent *event)
{
	flow_free(event->host, event->time.own.data);
	flow_free(event->host, event->message.own.data);
	flow_free(event->host, event->held.data);
}

/* ---------- buffers and texts ---------- */

/* Appends to a buffer, whose room begins with "first" and ends at "max". */
static FlowStatus
append(const FlowHost *host, FlowJsonBuffer *buffer, FlowSlice more, size_t first, size_t max,
       FlowError *error)
{
	size_t need = buffer->len + more.len;

	if (need > buffer->room)
	{
		size_t room = buffer->room > 0 ? buffer->room : first;
		char *larger;

		while (room < need)
			room *= 2;
		if (room > max)
			room = max;
		larger = flow_allocate(host, room);
		if (larger == NULL)
			return flow_error_memory(error);
		if (buffer->len > 0)
			memcpy(larger, buffer->data, buffer->len);
		flow_free(host, buffer->data);
		buffer->data = larger;
		buffer->room = room;
	}
	memcpy(buffer->data + buffer->len, more.data, more.len);
	buffer->len = need;
	return FLOW_OK;
}

/*
 * Returns the number of bytes that make a line too long even if the last two
 * are a line break.
 */
static inline size_t
max_text(const FlowJsonEvent *event)
{
	return event->max_line_length + 3;
}

static void
reset_text(FlowJsonText *text)
{
	text->slice = (FlowSlice) {"", 0};
	text->own.len = 0;
	text->cut = text->whole = false;
}

static FlowStatus
append_to_text(const FlowJsonEvent *event, FlowJsonText *text, FlowSlice more, FlowError *error)
{
	FlowStatus status;

	if (more.len == 0)
		return FLOW_OK;
	status = append(event->host, &text->own, more, FIRST_TEXT, max_text(event), error);
	if (status == FLOW_OK)
		text->slice = (FlowSlice) {text->own.data, text->own.len};
	return status;
}

/* Adds a piece of a text, which is the token. */
static FlowStatus
take_text(const FlowJsonEvent *event, FlowJsonText *text, const FlowJsonTokenizer *tokens,
          FlowError *error)
{
	FlowSlice piece = tokens->text;
	size_t room = max_text(event) - text->slice.len;

	text->whole = tokens->ends;
	if (piece.len > room)
	{
		piece.len = room;
		text->cut = true;
	}
	if (text->slice.len == 0 && tokens->ends && !tokens->escaped)
	{
		text->slice = piece;
		return FLOW_OK;
	}
	return append_to_text(event, text, piece, error);
}

/* Copies a text that is in the input. */
static FlowStatus
keep_text(const FlowJsonEvent *event, FlowJsonText *text, FlowError *error)
{
	if (text->slice.len == 0 || text->slice.data == text->own.data)
		return FLOW_OK;
	text->own.len = 0;
	return append_to_text(event, text, text->slice, error);
}

/* ---------- events ---------- */

/* Begins an event. */
void
flow_json_event_begin(FlowJsonEvent *event, const uint8_t *in)
{
	reset_text(&event->time);
	reset_text(&event->message);
	event->time_good = event->message_breaks = false;
	event->begin = in;
	event->shown_len = 0;
	event->shown_string = event->shown_escape = false;
}

/* Returns true if the time is one field as it is, and may be read as a time. */
bool
flow_json_time_is_plain(FlowSlice time)
{
	for (size_t i = 0; i < time.len; i++)
		if ((unsigned char) time.data[i] <= ' ')
			return false;
	return time.len > 0 &&
	       (memchr(time.data, '.', time.len) == NULL || memchr(time.data, 'T', time.len) != NULL);
}

/* Returns the number of digits at the beginning of a text. */
static size_t
count_digits(const char *text, size_t len)
{
	size_t digits = 0;

	while (digits < len && text[digits] >= '0' && text[digits] <= '9')
		digits++;
	return digits;
}

/*
 * Writes seconds since 1970 as ISO 8601: the date by the algorithm
 * civil_from_days (Howard Hinnant, "chrono-Compatible Low-Level Date
 * Algorithms").
 */
static int
write_seconds(char *to, size_t size, uint64_t seconds, const char *fraction, size_t len)
{
	uint32_t days = (uint32_t) (seconds / 86400) + 719468, of_day = (uint32_t) (seconds % 86400);
	uint32_t era = days / 146097, day = days % 146097;
	uint32_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	uint32_t of_year = day - (365 * year + year / 4 - year / 100);
	uint32_t month = (5 * of_year + 2) / 153;

	return snprintf(to,
	                size,
	                "%04u-%02u-%02uT%02u:%02u:%02u.%.*sZ",
	                year + era * 400 + (month >= 10),
	                month < 10 ? month + 3 : month - 9,
	                of_year - (153 * month + 2) / 5 + 1,
	                of_day / 3600,
	                of_day / 60 % 60,
	                of_day % 60,
	                (int) len,
	                fraction);
}

/*
 * Rewrites a time so that it is one field.  Seconds with a fraction become ISO
 * 8601, and in that a "T" replaces the blank, and none is before the zone.
 * Any other is no time: "_" stands for its blanks, so that it is a bad value.
 */
static FlowStatus
rewrite_time(FlowJsonEvent *event, FlowError *error)
{
	FlowJsonText *time = &event->time;
	size_t digits = count_digits(time->slice.data, time->slice.len);
	size_t rest = time->slice.len - digits;
	char *text;
	size_t len;

	if (digits > 0 && digits <= MAX_TIME_DIGITS && rest >= 2 && rest <= 10 &&
	    time->slice.data[digits] == '.' &&
	    count_digits(time->slice.data + digits + 1, rest - 1) == rest - 1)
	{
		char written[64], fraction[16];
		uint64_t number = 0;

		for (size_t i = 0; i < digits; i++)
			number = number * 10 + (uint64_t) (time->slice.data[i] - '0');
		/* as for whole numbers, larger ones are milliseconds */
		len = 0;
		if (number > FLOW_MAX_UNIX_SECONDS)
		{
			len = (size_t) snprintf(fraction, 4, "%03u", (unsigned) (number % 1000));
			number /= 1000;
		}
		memcpy(fraction + len, time->slice.data + digits + 1, rest - 1);
		len = (size_t) write_seconds(written, sizeof(written), number, fraction, len + rest - 1);
		time->own.len = 0;
		return append_to_text(event, time, (FlowSlice) {written, len}, error);
	}

	if (time->slice.data != time->own.data)
	{
		FlowStatus status = keep_text(event, time, error);

		if (status != FLOW_OK)
			return status;
	}
	text = time->own.data;
	len = time->slice.len;
	if (len > 11 && text[4] == '-' && text[7] == '-' && text[10] == ' ')
	{
		char *blank = memchr(text + 11, ' ', len - 11);
		char *end = text + len;

		text[10] = 'T';
		if (blank != NULL && (end - blank == 4) &&
		    (memcmp(blank + 1, "UTC", 3) == 0 || memcmp(blank + 1, "GMT", 3) == 0))
		{
			*blank = 'Z';
			len -= 3;
		}
		else if (blank != NULL && end - blank > 1 && memchr("Z+-", blank[1], 3) != NULL)
		{
			memmove(blank, blank + 1, (size_t) (end - blank) - 1);
			len--;
		}
	}
	for (size_t i = 0; i < len; i++)
		if ((unsigned char) text[i] <= ' ')
			text[i] = '_';
	time->slice.len = time->own.len = len;
	return FLOW_OK;
}

/* Sets the time to a text that is no time, for a value that is none. */
static void
set_bad_time(FlowJsonEvent *event, const char *text)
{
	event->time.slice = (FlowSlice) {text, strlen(text)};
	event->time_good = true;
}

/* Adds a token of the event's time. */
FlowStatus
flow_json_event_take_time(FlowJsonEvent *event, FlowJsonToken token,
                          const FlowJsonTokenizer *tokens, FlowError *error)
{
	FlowJsonText *time = &event->time;
	FlowStatus status;

	if (token == FLOW_JSON_OBJECT)
		set_bad_time(event, "{}");
	else if (token == FLOW_JSON_ARRAY)
		set_bad_time(event, "[]");
	else if (token == FLOW_JSON_TRUE)
		set_bad_time(event, "true");
	else if (token == FLOW_JSON_FALSE)
		set_bad_time(event, "false");
	if (token != FLOW_JSON_NUMBER && token != FLOW_JSON_STRING)
		return FLOW_OK;
	status = take_text(event, time, tokens, error);
	if (status != FLOW_OK || !tokens->ends)
		return status;
	event->time_good = true;
	if (time->slice.len == 0)
		set_bad_time(event, "\"\"");
	else if (token == FLOW_JSON_NUMBER && time->slice.len == 2 &&
	         memcmp(time->slice.data, "-0", 2) == 0)
		time->slice = (FlowSlice) {"0", 1};
	else if (!flow_json_time_is_plain(time->slice))
		return rewrite_time(event, error);
	return FLOW_OK;
}

/* Adds a token of the event's message. */
FlowStatus
flow_json_event_take_message(FlowJsonEvent *event, FlowJsonToken token,
                             const FlowJsonTokenizer *tokens, FlowError *error)
{
	const FlowSlice piece = tokens->text;

	if (token != FLOW_JSON_STRING)
		return FLOW_OK;
	/* a line break must be escaped in JSON */
	if (tokens->escaped)
		event->message_breaks |= memchr(piece.data, '\n', piece.len) != NULL ||
		                         memchr(piece.data, '\r', piece.len) != NULL;
	return take_text(event, &event->message, tokens, error);
}

/*
 * Returns the number of bytes that are shown, with which the line is not too
 * long.
 */
static size_t
max_shown(const FlowJsonEvent *event)
{
	if (event->max_line_length > FLOW_JSON_SHOWN)
		return FLOW_JSON_SHOWN;
	return event->max_line_length > FLOW_JSON_SHOWN_LEAST ? event->max_line_length - 1
	                                                      : FLOW_JSON_SHOWN_LEAST;
}

/*
 * Continues the text that is shown for an event without a message, up to "in".
 */
static void
take_shown(FlowJsonEvent *event, const uint8_t *in)
{
	const size_t most = max_shown(event);

	for (const uint8_t *p = event->begin; p < in && event->shown_len < most; p++)
	{
		bool quote = *p == '"' && !event->shown_escape;
		bool before = event->shown_len == 0 && *p == ',';
		bool blank = *p == ' ' || *p == '\t' || *p == '\n' || *p == '\r';

		if (event->shown_string || (!blank && !before))
			event->shown[event->shown_len++] = (char) *p;
		event->shown_escape = event->shown_string && *p == '\\' && !event->shown_escape;
		event->shown_string ^= quote;
	}
	event->begin = in;
}

/* ---------- lines ---------- */

/* Sets the parts of the event's line. */
static void
get_parts(const FlowJsonEvent *event, FlowSlice parts[FLOW_JSON_PARTS])
{
	if (event->message.whole)
	{
		parts[0] = event->time_good ? event->time.slice : (FlowSlice) {"-", 1};
		parts[1] = (FlowSlice) {" ", 1};
		parts[2] = event->message.slice;
	}
	else
	{
		/* the NUL byte makes the line a reject */
		parts[0] = (FlowSlice) {"", 1};
		parts[1] = (FlowSlice) {event->shown, event->shown_len};
		parts[2] = (FlowSlice) {"", 0};
	}
	parts[3] = (FlowSlice) {"\n", 1};
}

/*
 * Removes a line break at the end of a message.  Others become NUL bytes,
 * which make the line a reject.
 */
static void
remove_breaks(FlowJsonText *message)
{
	char *text = message->own.data;
	size_t len = message->slice.len;

	if (!message->cut)
	{
		if (len > 0 && text[len - 1] == '\n')
			len--;
		if (len > 0 && text[len - 1] == '\r')
			len--;
	}
	for (size_t i = 0; i < len; i++)
		if (text[i] == '\n' || text[i] == '\r')
			text[i] = '\0';
	message->slice.len = len;
}

/* Appends the event's line to those held back. */
static FlowStatus
hold_line(FlowJsonEvent *event, const FlowSlice parts[FLOW_JSON_PARTS], size_t len,
          FlowError *error)
{
	FlowStatus status = FLOW_OK;

	if (len > FLOW_JSON_MAX_HELD - event->held.len)
		return FLOW_LIMIT;
	for (int i = 0; i < FLOW_JSON_PARTS && status == FLOW_OK; i++)
		status = append(event->host, &event->held, parts[i], FIRST_HELD, FLOW_JSON_MAX_HELD, error);
	return status;
}

/* Keeps the line until there is room for it in the output. */
static FlowStatus
wait_for_room(FlowJsonEvent *event, FlowError *error)
{
	FlowStatus status = keep_text(event, &event->time, error);

	if (status == FLOW_OK)
		status = keep_text(event, &event->message, error);
	if (status != FLOW_OK)
		return status;
	get_parts(event, event->pending);
	event->npending = FLOW_JSON_PARTS;
	return FLOW_OK;
}

/* Makes the event's line: held back, in the output, or pending. */
static FlowStatus
make_line(FlowJsonEvent *event, FlowError *error)
{
	FlowSlice parts[FLOW_JSON_PARTS];
	size_t len = 0;

	get_parts(event, parts);
	for (int i = 0; i < FLOW_JSON_PARTS; i++)
		len += parts[i].len;
	if (event->holds)
		return hold_line(event, parts, len, error);
	if (len > (size_t) (event->out_end - event->out))
		return wait_for_room(event, error);
	for (int i = 0; i < FLOW_JSON_PARTS; i++)
	{
		memcpy(event->out, parts[i].data, parts[i].len);
		event->out += parts[i].len;
	}
	return FLOW_OK;
}

/* Ends the event and makes its line. */
FlowStatus
flow_json_event_end(FlowJsonEvent *event, const uint8_t *in, FlowError *error)
{
	if (!event->message.whole)
		take_shown(event, in);
	if (event->message_breaks)
		remove_breaks(&event->message);
	return make_line(event, error);
}

/* Makes the line of an event that is wholly in the input. */
FlowStatus
flow_json_event_add(FlowJsonEvent *event, FlowSlice time, FlowSlice message, FlowError *error)
{
	uint8_t *out = event->out;

	if (time.len == 0)
		time = (FlowSlice) {"-", 1};
	if (event->holds || time.len + message.len + 2 > (size_t) (event->out_end - out))
	{
		flow_json_event_begin(event, NULL);
		event->time.slice = time;
		event->message.slice = message;
		event->time_good = event->message.whole = true;
		return make_line(event, error);
	}
	memcpy(out, time.data, time.len);
	out[time.len] = ' ';
	memcpy(out + time.len + 1, message.data, message.len);
	out += time.len + 1 + message.len;
	*out++ = '\n';
	event->out = out;
	return FLOW_OK;
}

/* Holds back the lines that follow. */
void
flow_json_event_hold(FlowJsonEvent *event)
{
	event->holds = true;
}

/* Passes the lines held back to the output. */
void
flow_json_event_release(FlowJsonEvent *event)
{
	event->holds = false;
	if (event->held.len == 0)
		return;
	event->pending[0] = (FlowSlice) {event->held.data, event->held.len};
	event->npending = 1;
	event->held.len = 0;
}

/* Drops the lines held back. */
void
flow_json_event_forget(FlowJsonEvent *event)
{
	event->holds = false;
	event->held.len = 0;
}

/* Writes pending lines to the output. */
bool
flow_json_event_give(FlowJsonEvent *event)
{
	for (int i = 0; i < event->npending; i++)
	{
		FlowSlice *part = &event->pending[i];
		size_t len = (size_t) (event->out_end - event->out);

		if (len > part->len)
			len = part->len;
		memcpy(event->out, part->data, len);
		event->out += len;
		part->data += len;
		part->len -= len;
		if (part->len > 0)
			return false;
	}
	event->npending = 0;
	return true;
}

/* Copies the texts that are in the input. */
FlowStatus
flow_json_event_keep(FlowJsonEvent *event, const uint8_t *in, FlowError *error)
{
	FlowStatus status;

	take_shown(event, in);
	status = keep_text(event, &event->time, error);
	return status == FLOW_OK ? keep_text(event, &event->message, error) : status;
}
