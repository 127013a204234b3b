/*-------------------------------------------------------------------------
 *
 * json_event.h
 *	  The event that json.c reads, and its line.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_JSON_EVENT_H
#define FLOW_JSON_EVENT_H

#include "json_token.h"

/* Maximum number of bytes of lines that are held back. */
#define FLOW_JSON_MAX_HELD (16 * 1024 * 1024)

/*
 * Maximum number of bytes shown of an event without a message, at least 64 of
 * which do not depend on the maximum length of a line.  One more than any
 * reader of them shows, who can so tell that they were cut.
 */
#define FLOW_JSON_SHOWN 1025
#define FLOW_JSON_SHOWN_LEAST 64

/* Parts of a line: time, blank, message, newline. */
#define FLOW_JSON_PARTS 4

typedef struct FlowJsonBuffer
{
	char *data;
	size_t len;
	size_t room;
} FlowJsonBuffer;

/*
 * A text of an event, or only its beginning if it is longer than a line may
 * be.
 */
typedef struct FlowJsonText
{
	FlowSlice slice;    /* in the input, until the step ends, or in "own" */
	FlowJsonBuffer own; /* memory for a text that is not in one piece */
	bool cut;           /* only its beginning is here */
	bool whole;         /* its end was read */
} FlowJsonText;

/*
 * The event being read, and earlier lines that wait.  Zero it and set "host"
 * and "max_line_length" before use.
 */
typedef struct FlowJsonEvent
{
	const FlowHost *host;
	size_t max_line_length; /* a longer line is cut to a few bytes more */

	/* set by json.c for each step */
	uint8_t *out, *out_end;
	const uint8_t *begin; /* the event's first byte in this input */

	FlowJsonText time, message;
	bool time_good;      /* there is a time; it has no blanks: it is one field */
	bool message_breaks; /* the message has line breaks */

	/* the beginning of the event's JSON, without blanks outside of strings */
	char shown[FLOW_JSON_SHOWN];
	size_t shown_len;
	bool shown_string, shown_escape; /* it ends in a string, or in an escape */

	/* lines that wait */
	FlowSlice pending[FLOW_JSON_PARTS]; /* for room in the output */
	int npending;
	FlowJsonBuffer held; /* until flow_json_event_release or _forget */
	bool holds;
} FlowJsonEvent;

extern void flow_json_event_free(FlowJsonEvent *event);

/* Begins an event.  Its JSON follows "in", after a comma and blanks. */
extern void flow_json_event_begin(FlowJsonEvent *event, const uint8_t *in);

/*
 * Read a token of the event's time or message.  A message that is not a text
 * counts as missing.  A time becomes one field: what is no time becomes a field
 * that is none either, and only null counts as missing.
 */
extern FlowStatus flow_json_event_take_time(FlowJsonEvent *event, FlowJsonToken token,
                                            const FlowJsonTokenizer *tokens, FlowError *error);
extern FlowStatus flow_json_event_take_message(FlowJsonEvent *event, FlowJsonToken token,
                                               const FlowJsonTokenizer *tokens, FlowError *error);

/*
 * Ends the event before "in" and makes its line.  Returns FLOW_LIMIT without
 * setting *error if the lines held back would become too many.
 */
extern FlowStatus flow_json_event_end(FlowJsonEvent *event, const uint8_t *in, FlowError *error);

/*
 * Returns true if a time needs no change to be one field.
 */
extern bool flow_json_time_is_plain(FlowSlice time);

/*
 * Makes the line of an event that is wholly in the input.  "time" is plain or
 * empty, "message" has no line breaks.  Neither is longer than a line may be.
 * Returns the same as flow_json_event_end.
 */
extern FlowStatus flow_json_event_add(FlowJsonEvent *event, FlowSlice time, FlowSlice message,
                                      FlowError *error);

/* Hold back the lines that follow, write them, or drop them. */
extern void flow_json_event_hold(FlowJsonEvent *event);
extern void flow_json_event_release(FlowJsonEvent *event);
extern void flow_json_event_forget(FlowJsonEvent *event);

/*
 * Writes pending lines.  Returns false if the output is full.  The caller must
 * then not continue with an event.
 */
extern bool flow_json_event_give(FlowJsonEvent *event);

/*
 * Copies the needed parts of the input before "in", which is about to be
 * replaced.
 */
extern FlowStatus flow_json_event_keep(FlowJsonEvent *event, const uint8_t *in, FlowError *error);

#endif /* FLOW_JSON_EVENT_H */
