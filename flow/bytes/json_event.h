/*-------------------------------------------------------------------------
 *
 * json_event.h
 *	  The event that json.c reads, and its line.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_JSON_EVENT_H
#define FLOW_JSON_EVENT_H

#include "json_fields.h"

/* Maximum number of bytes of lines that are held back. */
#define FLOW_JSON_MAX_HELD (16 * 1024 * 1024)

/*
 * Maximum number of bytes shown of an event without a message, at least 64 of
 * which do not depend on the maximum length of a line.  One more than any
 * reader of them shows, who can so tell that they were cut.
 */
#define FLOW_JSON_SHOWN 1025
#define FLOW_JSON_SHOWN_LEAST 64

/* Parts of a line: a mark, time, blank, message, newline. */
#define FLOW_JSON_PARTS 5

/* Sets of fields: an event's, those of objects in it, and a record's. */
#define FLOW_JSON_SETS 5

/* The rank of a time or a message that was not read. */
#define FLOW_JSON_NO_RANK 100

/*
 * Where lines go: all events of a file share it.  Zero it and set "host",
 * "max_line_length" and "keys" before use.
 */
typedef struct FlowJsonOutput
{
	const FlowHost *host;
	size_t max_line_length; /* a longer line is cut to a few bytes more */
	const FlowKeys *keys;   /* NULL: no record has a member for each field */

	/* set by json.c for each step */
	uint8_t *out, *out_end;
	size_t work; /* bytes of texts that were read in it, and their number */

	/* lines that wait */
	FlowSlice pending[FLOW_JSON_PARTS]; /* for room in the output */
	int npending;
	FlowJsonBuffer held; /* until flow_json_output_release or _forget */
	int holds;           /* number of values whose lines wait */

	/* of lines of records with a member for each field */
	bool by_key; /* the last line was one */
	FlowKeysSeen seen;
} FlowJsonOutput;

extern void flow_json_output_free(FlowJsonOutput *output);

/*
 * Hold back the lines that follow.  To write or drop them, call the other two
 * with the size of what was held back before, and with what by_key was.
 */
extern void flow_json_output_hold(FlowJsonOutput *output);
extern void flow_json_output_release(FlowJsonOutput *output);
extern void flow_json_output_forget(FlowJsonOutput *output, size_t before, bool by_key);

/*
 * Writes pending lines.  Returns false if the output is full.  The caller must
 * then not continue with an event.
 */
extern bool flow_json_output_give(FlowJsonOutput *output);

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

/* The event being read.  Zero it and set "output" before use. */
typedef struct FlowJsonEvent
{
	FlowJsonOutput *output;
	const uint8_t *begin; /* the event's first byte in this input */

	/* its time and its message; the lowest rank is kept */
	FlowJsonText time, message;
	int time_rank, message_rank;
	bool taking;           /* the time or message being read is kept */
	bool time_good;        /* there is a time; it has no blanks: it is one field */
	bool message_breaks;   /* the message has line breaks */
	size_t message_blanks; /* bytes at the beginning of the message that are known to be blanks */
	bool message_is_data;  /* the message is base64 */

	/* the members that are fields of a record */
	FlowJsonFields sets[FLOW_JSON_SETS]; /* the first is the event's own */
	int record;                          /* the set that is a record, or -1 */
	FlowJsonBuffer line;                 /* its values */

	/* the beginning of the event's JSON, without blanks outside of strings */
	char shown[FLOW_JSON_SHOWN];
	size_t shown_len;
	bool shown_string, shown_escape; /* it ends in a string, or in an escape */
} FlowJsonEvent;

extern void flow_json_event_free(FlowJsonEvent *event);

/* Begins an event.  Its JSON follows "in", after a comma and blanks. */
extern void flow_json_event_begin(FlowJsonEvent *event, const uint8_t *in);

/*
 * Read a token of the event's time or message, whose first token is "first".
 * One of a higher rank is dropped, and a message that is not a text counts as
 * missing.  A time becomes one field: what is no time becomes a field that is
 * none either, and only null counts as missing.  flow_json_event_take_message
 * returns FLOW_LIMIT without setting *error if the message must be whole, for
 * it is JSON or base64, and has more than FLOW_JSON_MAX_HELD bytes.
 */
extern FlowStatus flow_json_event_take_time(FlowJsonEvent *event, int rank, bool first,
                                            FlowJsonToken token, const FlowJsonTokenizer *tokens,
                                            FlowError *error);
extern FlowStatus flow_json_event_take_message(FlowJsonEvent *event, int rank, bool is_data,
                                               bool first, FlowJsonToken token,
                                               const FlowJsonTokenizer *tokens, FlowError *error);

/* Sets the time of an event that has none. */
extern FlowStatus flow_json_event_set_time(FlowJsonEvent *event, FlowSlice time, FlowError *error);

/*
 * Appends to the event's message a piece of a text that is not JSON, and may
 * have any bytes but newlines.
 */
extern FlowStatus flow_json_event_append(FlowJsonEvent *event, FlowSlice piece, FlowError *error);

/* Returns true if the message may be JSON: its first byte that is no blank is "{". */
extern bool flow_json_event_may_be_json(FlowJsonEvent *event);

/* Returns true if there is a message, other than base64, that may be a record. */
extern bool flow_json_event_has_message(const FlowJsonEvent *event);

/*
 * Takes the message away: *text gets it, and what was in *text is reused.
 */
extern FlowStatus flow_json_event_move_message(FlowJsonEvent *event, FlowJsonBuffer *text,
                                               FlowError *error);

/*
 * Ends the event before "in" and makes its line, of its record or else of its
 * message.  Returns FLOW_LIMIT without setting *error if the lines held back
 * would become too many.
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

/*
 * Copies the needed parts of the input before "in", which is about to be
 * replaced.
 */
extern FlowStatus flow_json_event_keep(FlowJsonEvent *event, const uint8_t *in, FlowError *error);

#endif /* FLOW_JSON_EVENT_H */
