/*-------------------------------------------------------------------------
 *
 * json_state.h
 *	  The state of json.c, which it shares with json_place.c and json_error.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_JSON_STATE_H
#define FLOW_JSON_STATE_H

#include "json_content.h"
#include "json_event.h"
#include "json_shape.h"

#define FLOW_JSON_MAX_NAME 64   /* maximum length of a name that is known */
#define FLOW_JSON_MAX_KIND 16   /* maximum length of a "messageType" */
#define FLOW_JSON_MAX_PLACES 16 /* maximum depth of nested places */
#define FLOW_JSON_MAX_LEVELS 4  /* maximum depth of nested events */
#define FLOW_JSON_MAX_PARTS 3   /* maximum depth of objects in an event */
#define FLOW_JSON_MAX_TEXTS 4   /* maximum depth of texts that are JSON */
#define FLOW_JSON_KEPT_NAMES 64 /* names of an event that are remembered */

/* What the tokens at a depth are. */
typedef enum FlowJsonKind
{
	FLOW_JSON_IN_TOP = 0,          /* a value */
	FLOW_JSON_IN_VALUE = 1 << 0,   /* members of a value, an object */
	FLOW_JSON_IN_EVENT = 1 << 1,   /* members of an event in an array */
	FLOW_JSON_IN_PART = 1 << 2,    /* members of an object in one of these */
	FLOW_JSON_IN_PAIR = 1 << 3,    /* members of an object in a row */
	FLOW_JSON_IN_ROW = 1 << 4,     /* elements of an event that is an array */
	FLOW_JSON_IN_EVENTS = 1 << 5,  /* elements of an array of events */
	FLOW_JSON_IN_ARRAY = 1 << 6,   /* elements of an array of events, if the first is a record */
	FLOW_JSON_IN_RECORDS = 1 << 7, /* the same, if it is a record with a member for each field */
	FLOW_JSON_IN_OBJECT = FLOW_JSON_IN_VALUE | FLOW_JSON_IN_EVENT | FLOW_JSON_IN_PART,
	FLOW_JSON_IN_ANY_ARRAY = FLOW_JSON_IN_EVENTS | FLOW_JSON_IN_ARRAY | FLOW_JSON_IN_RECORDS
} FlowJsonKind;

typedef struct FlowJsonPlace
{
	FlowJsonKind kind;
	int level;     /* of the event that the tokens belong to, in events[] */
	int set;       /* of that event's fields, to which members belong */
	int parts;     /* number of parts around the tokens */
	uint64_t seen; /* bit by member */
} FlowJsonPlace;

typedef struct FlowJsonMember FlowJsonMember;

/* What a name means at a kind of place. */
typedef struct FlowJsonName
{
	FlowJsonKind kind;
	size_t len;
	char text[FLOW_JSON_MAX_NAME];
	const FlowJsonMember *member; /* or NULL */
	int id;                       /* of a field, or FLOW_KEY_NONE */
	bool is_alias;                /* the field has another name of its own */
} FlowJsonName;

typedef struct FlowJson
{
	const FlowHost *host;
	const uint8_t *in, *in_end; /* the step's input */
	uint64_t skipped;

	/* at the top */
	uint64_t number; /* number of values that have begun */
	bool inside;     /* a value has begun and not ended */
	bool in_array;   /* the values are the elements of an array */
	bool comma;      /* a comma must come before the next value */

	/* the value being read */
	FlowJsonTokenizer tokens;
	const uint8_t *value_begin; /* its first byte in this input */
	uint64_t value_before;      /* bytes of it before this input */
	FlowJsonPlace places[FLOW_JSON_MAX_PLACES];
	int skip_depth; /* everything this deep or deeper is skipped; 0: nothing */

	/* the name of the member whose value comes next */
	char name[FLOW_JSON_MAX_NAME];
	size_t name_len; /* bytes of it that were read */
	const FlowJsonMember *member;
	int id;
	bool fresh;                               /* nothing of the value was read */
	FlowJsonName names[FLOW_JSON_KEPT_NAMES]; /* by the place in their event */
	int next_name;

	/* of a row */
	int element; /* index of its element */
	char pair[FLOW_JSON_MAX_NAME];
	size_t pair_len;
	const FlowJsonMember *pair_member;
	int pair_id;
	bool pair_named;

	/* what is known about the value */
	char kind[FLOW_JSON_MAX_KIND]; /* its "messageType" */
	size_t kind_len;
	bool kind_known;
	bool is_control;
	bool has_log_events;   /* it has a member "logEvents", array or not */
	bool has_named_events; /* it has an array "logEvents" or "events" */
	bool given_events;     /* lines were made from other arrays */
	bool holds;            /* its lines are held back */
	size_t held_before;    /* bytes that others hold back */
	bool by_key_before;

	/* the events being read, within each other */
	FlowJsonEvent events[FLOW_JSON_MAX_LEVELS];
	/* by level: it has an array of events, and is none itself */
	bool has_events[FLOW_JSON_MAX_LEVELS];
	int level; /* of the innermost */
	FlowJsonOutput *output;

	/* what is in a text */
	struct FlowJson *outer;  /* reads the JSON that has the text; NULL: this is a file */
	struct FlowJson *inner;  /* reads the text; NULL: none was read yet */
	bool reads_inner;        /* the text was not read to its end */
	FlowJsonContent content; /* of the text */
	bool content_last;       /* no more input follows */
	FlowJsonBuffer time;     /* the time of the event that has the text */
	int depth;               /* number of texts around this one */

	/* how an event was written */
	FlowJsonShape shape;
	FlowJsonKind shape_kind;
	int time_slot, message_slot; /* -1: none */
	const uint8_t *object_begin; /* first byte of the event; NULL: in an earlier input */
	int pause, wait;             /* events until the next is learned */
	bool alike;                  /* the last event may be learned */
} FlowJson;

/* A member that is read. */
struct FlowJsonMember
{
	int kinds; /* of the places where it is, bits */
	const char *name;
	size_t name_len;

	/* as what it is read: all that are set, by the kind of its value */
	int message_rank; /* of texts, from 1; 0: none */
	int time_rank;    /* of times, from 1; 0: none */
	bool is_data;     /* the text is base64 */
	bool is_part;     /* an object belongs to the event */
	bool is_array;    /* an array has events, if its first element is any record */

	/*
	 * Takes a token of its value: each piece of a string or number, a literal,
	 * or the beginning of an object or an array.  An object or array is
	 * skipped unless this function enters it.  NULL: take_member_value does.
	 */
	FlowStatus (*take)(struct FlowJson *json, FlowJsonToken token, FlowError *error);
};

/* ---------- json_place.c: what a token means at its place ---------- */

/* Returns true if a value ends with this token. */
extern bool flow_json_ends_value(const FlowJson *json, FlowJsonToken token);

/* Begins an event.  Its JSON follows. */
extern void flow_json_begin_event(FlowJson *json, int level);

/* Notes that a set of fields is complete, which may be a record. */
extern FlowStatus flow_json_end_fields(FlowJson *json, FlowJsonEvent *event, int set,
                                       FlowError *error);

/* Passes on the lines of the value that were held back, if any were. */
extern void flow_json_release_lines(FlowJson *json);

/* Returns the member with a name at a kind of place, or NULL. */
extern const FlowJsonMember *flow_json_find_member(FlowJsonKind kind, FlowSlice name);

/*
 * Process a token: a piece of a name, a token of a value other than the end of
 * an object or an array, or the end of one that was not skipped.
 */
extern FlowStatus flow_json_take_key(FlowJson *json, FlowError *error);
extern FlowStatus flow_json_take_value(FlowJson *json, FlowJsonToken token, FlowError *error);
extern FlowStatus flow_json_leave(FlowJson *json, FlowError *error);

/* ---------- json_error.c ---------- */

/*
 * Fill an error about the value that began last, or about the last byte that
 * was read, and return its status.  "problem" must be a constant, or made of
 * constants, because an error must not show what the file contains.
 */
extern FlowStatus flow_json_corrupt(const FlowJson *json, const char *problem, FlowError *error);
extern FlowStatus flow_json_corrupt_here(const FlowJson *json, const char *problem,
                                         FlowError *error);

/* Report well-formed JSON that cannot be read as events. */
extern FlowStatus flow_json_unsupported(const FlowJson *json, const char *problem,
                                        FlowError *error);

/* Reports data in a text that cannot be decompressed. */
extern FlowStatus flow_json_damaged(const FlowJson *json, FlowError *error);

/* Reports an error of the tokenizer. */
extern FlowStatus flow_json_token_error(const FlowJson *json, FlowError *error);

/* Report that there are too many things within each other, or too much of one. */
extern FlowStatus flow_json_too_deep(const FlowJson *json, const char *what, int most,
                                     FlowError *error);
extern FlowStatus flow_json_too_large(const FlowJson *json, const char *what, FlowError *error);
extern FlowStatus flow_json_too_many_held(const FlowJson *json, FlowError *error);

#endif /* FLOW_JSON_STATE_H */
