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
#define SECOND_DIGITS 10   /* seconds until then */

void
flow_json_event_free(FlowJsonEvent *event)
{
	if (event->output == NULL)
		return;
	flow_free(event->output->host, event->time.own.data);
	flow_free(event->output->host, event->message.own.data);
	flow_free(event->output->host, event->line.data);
	for (int i = 0; i < FLOW_JSON_SETS; i++)
		flow_json_fields_free(event->output->host, &event->sets[i]);
}

/* ---------- texts ---------- */

/*
 * Returns the number of bytes that make a line too long even if the last two
 * are a line break.
 */
static inline size_t
max_text(const FlowJsonEvent *event)
{
	return event->output->max_line_length + 3;
}

static void
reset_text(FlowJsonText *text)
{
	text->slice = (FlowSlice) {"", 0};
	text->own.len = 0;
	text->cut = text->whole = false;
}

static FlowStatus
append_to_text(const FlowJsonEvent *event, FlowJsonText *text, FlowSlice more, size_t most,
               FlowError *error)
{
	FlowStatus status;

	if (more.len == 0)
		return FLOW_OK;
	status = flow_json_append(event->output->host,
	                          &text->own,
	                          more,
	                          FIRST_TEXT,
	                          most > max_text(event) ? most : max_text(event),
	                          error);
	if (status == FLOW_OK)
		text->slice = (FlowSlice) {text->own.data, text->own.len};
	return status;
}

/*
 * Adds a piece of a text, of which "most" bytes are kept.  A piece that
 * "stays" need not be copied.
 */
static FlowStatus
take_piece(const FlowJsonEvent *event, FlowJsonText *text, FlowSlice piece, bool stays, size_t most,
           FlowError *error)
{
	size_t room = most > text->slice.len ? most - text->slice.len : 0;

	if (piece.len > room)
	{
		piece.len = room;
		text->cut = true;
	}
	if (text->slice.len == 0 && stays)
	{
		text->slice = piece;
		return FLOW_OK;
	}
	return append_to_text(event, text, piece, most, error);
}

/* Adds a piece of a text, which is the token. */
static FlowStatus
take_text(const FlowJsonEvent *event, FlowJsonText *text, const FlowJsonTokenizer *tokens,
          size_t most, FlowError *error)
{
	text->whole = tokens->ends;
	return take_piece(event, text, tokens->text, tokens->ends && !tokens->escaped, most, error);
}

/* Copies a text that is in the input. */
static FlowStatus
keep_text(const FlowJsonEvent *event, FlowJsonText *text, FlowError *error)
{
	if (text->slice.len == 0 || text->slice.data == text->own.data)
		return FLOW_OK;
	text->own.len = 0;
	return append_to_text(event, text, text->slice, text->slice.len, error);
}

/* ---------- events ---------- */

/* Begins an event. */
void
flow_json_event_begin(FlowJsonEvent *event, const uint8_t *in)
{
	reset_text(&event->time);
	reset_text(&event->message);
	event->time_good = event->message_breaks = event->message_is_data = false;
	event->time_rank = event->message_rank = FLOW_JSON_NO_RANK;
	event->message_blanks = 0;
	event->record = -1;
	if (event->output->keys != NULL)
		flow_json_fields_begin(&event->sets[0]);
	event->begin = in;
	event->shown_len = 0;
	event->shown_string = event->shown_escape = false;
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
 * Returns true if a time is a number of micro- or nanoseconds, of now: it has
 * 16 or 19 digits.
 */
static bool
is_fine(FlowSlice time)
{
	return (time.len == 16 || time.len == 19) && count_digits(time.data, time.len) == time.len;
}

/* Returns true if the time is one field as it is, and may be read as a time. */
bool
flow_json_time_is_plain(FlowSlice time)
{
	if (is_fine(time))
		return false;
	for (size_t i = 0; i < time.len; i++)
		if ((unsigned char) time.data[i] <= ' ')
			return false;
	return time.len > 0 &&
	       (memchr(time.data, '.', time.len) == NULL || memchr(time.data, 'T', time.len) != NULL);
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
 * Rewrites a time so that it is one field.  Seconds with a fraction, micro-
 * and nanoseconds become ISO 8601, and in that a "T" replaces the blank, and
 * none is before the zone.
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

	if (is_fine(time->slice))
	{
		char written[64];
		uint64_t seconds = 0;

		for (size_t i = 0; i < SECOND_DIGITS; i++)
			seconds = seconds * 10 + (uint64_t) (time->slice.data[i] - '0');
		len = (size_t) write_seconds(written,
		                             sizeof(written),
		                             seconds,
		                             time->slice.data + SECOND_DIGITS,
		                             time->slice.len - SECOND_DIGITS);
		time->own.len = 0;
		return append_to_text(event, time, (FlowSlice) {written, len}, len, error);
	}
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
		return append_to_text(event, time, (FlowSlice) {written, len}, len, error);
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
flow_json_event_take_time(FlowJsonEvent *event, int rank, bool first, FlowJsonToken token,
                          const FlowJsonTokenizer *tokens, FlowError *error)
{
	FlowJsonText *time = &event->time;
	FlowStatus status;

	if (first)
		event->taking = token != FLOW_JSON_NULL && rank < event->time_rank;
	if (!event->taking)
		return FLOW_OK;
	if (first)
	{
		event->time_rank = rank;
		reset_text(time);
	}
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
	status = take_text(event, time, tokens, max_text(event), error);
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

/* Sets the time of an event that has none. */
FlowStatus
flow_json_event_set_time(FlowJsonEvent *event, FlowSlice time, FlowError *error)
{
	event->time_good = true;
	event->time.own.len = 0;
	return append_to_text(event, &event->time, time, time.len, error);
}

/* Returns true if the message may be JSON: an object begins after blanks. */
bool
flow_json_event_may_be_json(FlowJsonEvent *event)
{
	FlowSlice text = event->message.slice;

	/* a text may have any number of blanks, in any number of pieces */
	while (event->message_blanks < text.len &&
	       memchr(" \t\n\r", text.data[event->message_blanks], 4) != NULL)
		event->message_blanks++;
	return event->message_blanks < text.len && text.data[event->message_blanks] == '{';
}

/* Returns true if such a message may begin with a piece: also if it is blank. */
static bool
may_begin_json(FlowSlice piece)
{
	size_t i = 0;

	while (i < piece.len && memchr(" \t\n\r", piece.data[i], 4) != NULL)
		i++;
	return i == piece.len || piece.data[i] == '{';
}

/* Adds a token of the event's message. */
FlowStatus
flow_json_event_take_message(FlowJsonEvent *event, int rank, bool is_data, bool first,
                             FlowJsonToken token, const FlowJsonTokenizer *tokens, FlowError *error)
{
	FlowJsonText *message = &event->message;
	const FlowSlice piece = tokens->text;
	size_t most = max_text(event);
	FlowStatus status;

	/* an empty text is only taken if there is no other */
	if (first && piece.len == 0 && tokens->ends)
		rank = FLOW_JSON_NO_RANK - 1;
	if (first)
		event->taking = token == FLOW_JSON_STRING && rank < event->message_rank;
	if (!event->taking)
		return FLOW_OK;
	if (first)
	{
		event->message_rank = rank;
		event->message_is_data = is_data;
		event->message_breaks = false;
		event->message_blanks = 0;
		reset_text(message);
	}
	/* a line break must be escaped in JSON */
	if (tokens->escaped)
		event->message_breaks |= memchr(piece.data, '\n', piece.len) != NULL ||
		                         memchr(piece.data, '\r', piece.len) != NULL;
	/* what is in JSON or base64 is no line */
	if (most < FLOW_JSON_MAX_HELD &&
	    (is_data || flow_json_event_may_be_json(event) ||
	     (event->message_blanks == message->slice.len && may_begin_json(piece))))
		most = FLOW_JSON_MAX_HELD;
	status = take_text(event, message, tokens, most, error);
	return status == FLOW_OK && message->cut && most > max_text(event) ? FLOW_LIMIT : status;
}

/* Appends a piece of a text to the message. */
FlowStatus
flow_json_event_append(FlowJsonEvent *event, FlowSlice piece, FlowError *error)
{
	event->message_breaks |= memchr(piece.data, '\r', piece.len) != NULL;
	return take_piece(event, &event->message, piece, false, max_text(event), error);
}

/* Returns true if there is a message that may be a record. */
bool
flow_json_event_has_message(const FlowJsonEvent *event)
{
	return event->message.whole && !event->message_is_data;
}

/* Takes the message away. */
FlowStatus
flow_json_event_move_message(FlowJsonEvent *event, FlowJsonBuffer *text, FlowError *error)
{
	FlowStatus status = keep_text(event, &event->message, error);
	FlowJsonBuffer own = event->message.own;

	if (status != FLOW_OK)
		return status;
	event->message.own = *text;
	*text = own;
	reset_text(&event->message);
	return FLOW_OK;
}

/*
 * Returns the number of bytes that are shown, with which the line is not too
 * long.
 */
static size_t
max_shown(const FlowJsonEvent *event)
{
	if (event->output->max_line_length > FLOW_JSON_SHOWN)
		return FLOW_JSON_SHOWN;
	return event->output->max_line_length > FLOW_JSON_SHOWN_LEAST
	           ? event->output->max_line_length - 1
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
	bool by_key = event->output->by_key;
	char broken = event->record >= 0 ? event->sets[event->record].broken : '\0';

	memset(parts, 0, FLOW_JSON_PARTS * sizeof(FlowSlice));
	parts[0] = (FlowSlice) {"", 0};
	parts[3] = (FlowSlice) {"", 0};
	if (event->record >= 0 && !by_key)
		parts[0] = (FlowSlice) {FLOW_KEYS_MARK "\n", FLOW_MARK_LENGTH + 1};
	if (event->record >= 0 && broken == '\0')
	{
		parts[1] = (FlowSlice) {event->shown, event->shown_len};
		parts[2] = (FlowSlice) {event->line.data, event->line.len};
	}
	else if (event->record < 0 && event->message.whole)
	{
		if (by_key)
			parts[0] = (FlowSlice) {FLOW_MESSAGES_MARK "\n", FLOW_MARK_LENGTH + 1};
		parts[1] = event->time_good ? event->time.slice : (FlowSlice) {"-", 1};
		parts[2] = (FlowSlice) {" ", 1};
		parts[3] = event->message.slice;
	}
	else
	{
		/* the NUL byte makes the line a reject */
		parts[1] = broken == '\0'                ? (FlowSlice) {"", 1}
		           : broken == FLOW_NESTED_VALUE ? (FlowSlice) {"\0\1", 2}
		           : broken == FLOW_BROKEN_VALUE ? (FlowSlice) {"\0\2", 2}
		                                         : (FlowSlice) {"\0\3", 2};
		parts[2] = (FlowSlice) {event->shown, event->shown_len};
	}
	parts[4] = (FlowSlice) {"\n", 1};
}

/* Adds a value to the line of a record, unless the line is too long anyway. */
static FlowStatus
add_to_line(FlowJsonEvent *event, FlowSlice value, FlowError *error)
{
	size_t most = 2 * max_text(event) + 1;

	if (event->line.len >= max_text(event))
		return FLOW_OK;
	if (value.len > max_text(event))
		value.len = max_text(event);
	return flow_json_append(event->output->host, &event->line, value, FIRST_TEXT, most, error);
}

/*
 * Makes the values of the record's line.  What is shown of its JSON must not
 * make it too long.
 */
static FlowStatus
make_values(FlowJsonEvent *event, FlowError *error)
{
	const FlowKeys *keys = event->output->keys;
	const FlowJsonFields *fields = &event->sets[event->record];
	size_t most = event->output->max_line_length;
	FlowStatus status = FLOW_OK;

	event->line.len = 0;
	for (int i = 0; i < keys->nfields && status == FLOW_OK; i++)
	{
		const FlowKeyField *field = &keys->fields[i];
		FlowSlice text = field->null;

		if (field->id == FLOW_KEY_TIME)
			text = event->time_good ? event->time.slice : text;
		else
		{
			const FlowJsonValue *value = flow_json_fields_value(fields, field->id);

			if (value != NULL && value->len == 0)
				text = (FlowSlice) {"", 0};
			else if (value != NULL)
				text = (FlowSlice) {fields->text.data + value->offset, value->len};
		}
		status = add_to_line(event, (FlowSlice) {"\t", 1}, error);
		if (status == FLOW_OK)
			status = add_to_line(event, text, error);
	}
	if (event->line.len <= most && event->shown_len > most - event->line.len)
		event->shown_len = most - event->line.len;
	return status;
}

/* Notes which members the record has. */
static void
note_members(FlowJsonEvent *event)
{
	const FlowJsonFields *fields = &event->sets[event->record];
	FlowKeysSeen *seen = &event->output->seen;

	seen->time |= event->time_good;
	seen->others |= fields->nother > 0;
	for (int id = 0; id < event->output->keys->nkeys; id++)
		seen->keys[id] |= fields->values[id].object == fields->object;
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
hold_line(FlowJsonOutput *output, const FlowSlice parts[FLOW_JSON_PARTS], size_t len,
          FlowError *error)
{
	FlowStatus status = FLOW_OK;

	if (len > FLOW_JSON_MAX_HELD - output->held.len)
		return FLOW_LIMIT;
	for (int i = 0; i < FLOW_JSON_PARTS && status == FLOW_OK; i++)
		status = flow_json_append(output->host,
		                          &output->held,
		                          parts[i],
		                          FIRST_HELD,
		                          FLOW_JSON_MAX_HELD,
		                          error);
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
	get_parts(event, event->output->pending);
	event->output->npending = FLOW_JSON_PARTS;
	return FLOW_OK;
}

/* Makes the event's line: held back, in the output, or pending. */
static FlowStatus
make_line(FlowJsonEvent *event, FlowError *error)
{
	FlowJsonOutput *output = event->output;
	FlowSlice parts[FLOW_JSON_PARTS];
	FlowStatus status = FLOW_OK;
	size_t len = 0;

	get_parts(event, parts);
	for (int i = 0; i < FLOW_JSON_PARTS; i++)
		len += parts[i].len;
	if (output->holds > 0)
		status = hold_line(output, parts, len, error);
	else if (len > (size_t) (output->out_end - output->out))
		status = wait_for_room(event, error);
	else
		for (int i = 0; i < FLOW_JSON_PARTS; i++)
		{
			memcpy(output->out, parts[i].data, parts[i].len);
			output->out += parts[i].len;
		}
	if (parts[0].len > 0)
		output->by_key = !output->by_key;
	return status;
}

/* Ends the event and makes its line. */
FlowStatus
flow_json_event_end(FlowJsonEvent *event, const uint8_t *in, FlowError *error)
{
	FlowStatus status;

	if (event->record >= 0 || !event->message.whole)
		take_shown(event, in);
	if (event->record >= 0)
	{
		bool broken;

		flow_json_fields_end(&event->sets[event->record], max_text(event));
		broken = event->sets[event->record].broken != '\0';
		status = broken ? FLOW_OK : make_values(event, error);
		if (status != FLOW_OK)
			return status;
		note_members(event);
	}
	else if (event->message.slice.len > max_text(event))
	{
		event->message.slice.len = max_text(event);
		event->message.cut = true;
	}
	if (event->message_breaks)
		remove_breaks(&event->message);
	return make_line(event, error);
}

/* Makes the line of an event that is wholly in the input. */
FlowStatus
flow_json_event_add(FlowJsonEvent *event, FlowSlice time, FlowSlice message, FlowError *error)
{
	uint8_t *out = event->output->out;

	if (time.len == 0)
		time = (FlowSlice) {"-", 1};
	if (event->output->holds > 0 || event->output->by_key ||
	    time.len + message.len + 2 > (size_t) (event->output->out_end - out))
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
	event->output->out = out;
	return FLOW_OK;
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

/* ---------- lines that wait ---------- */

void
flow_json_output_free(FlowJsonOutput *output)
{
	flow_free(output->host, output->held.data);
	flow_free(output->host, output->seen.keys);
}

/* Holds back the lines that follow. */
void
flow_json_output_hold(FlowJsonOutput *output)
{
	output->holds++;
}

/* Passes the lines held back to the output, unless more must be known. */
void
flow_json_output_release(FlowJsonOutput *output)
{
	if (--output->holds > 0 || output->held.len == 0)
		return;
	output->pending[0] = (FlowSlice) {output->held.data, output->held.len};
	output->npending = 1;
	output->held.len = 0;
}

/* Drops the lines held back last. */
void
flow_json_output_forget(FlowJsonOutput *output, size_t before, bool by_key)
{
	output->holds--;
	output->held.len = before;
	output->by_key = by_key;
}

/* Writes pending lines to the output. */
bool
flow_json_output_give(FlowJsonOutput *output)
{
	for (int i = 0; i < output->npending; i++)
	{
		FlowSlice *part = &output->pending[i];
		size_t len = (size_t) (output->out_end - output->out);

		if (len > part->len)
			len = part->len;
		memcpy(output->out, part->data, len);
		output->out += len;
		part->data += len;
		part->len -= len;
		if (part->len > 0)
			return false;
	}
	output->npending = 0;
	return true;
}
