/*-------------------------------------------------------------------------
 *
 * s3_ask.h
 *	  What s3_credentials.c asks services for keys with.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_S3_ASK_H
#define FLOW_S3_ASK_H

#include "s3.h"

#define FLOW_S3_SHOWN_URL 160

/* The keys from a source. */
typedef struct FlowS3Found
{
	FlowS3Keys keys;
	int64_t expires; /* seconds since 1970; 0: never */
} FlowS3Found;

/* A request to a service. */
typedef struct FlowS3Question
{
	const char *method;
	const char *url;
	FlowHttpField field; /* name NULL: none */
	const char *body;    /* NULL: none */
	size_t body_len;
	int connect_ms, answer_ms;
	const char *hint;      /* if there is no answer; NULL: none */
	const char *transient; /* an answer that contains this text is temporary; NULL: none */
} FlowS3Question;

/* The answer's body, which is a secret. */
typedef struct FlowS3Answer
{
	const FlowHost *host;
	int status; /* of HTTP */
	char *text; /* NUL-terminated */
	size_t len;
} FlowS3Answer;

/* The part of a URL that may be shown. */
typedef struct FlowS3ShownUrl
{
	char text[FLOW_S3_SHOWN_URL + 1];
} FlowS3ShownUrl;

/* A code for a message.  All bytes other than letters and "." become "?". */
typedef struct FlowS3ShownCode
{
	char text[48];
} FlowS3ShownCode;

/*
 * Sets an error whose detail says what was requested and what is missing.
 * flow_s3_credentials_refresh completes the error.
 */
extern FlowStatus flow_s3_missing(FlowError *error, const char *format, ...) flow_printf_like(2, 3);

/*
 * Makes room for an answer; false if there is no memory.  flow_s3_ask_end wipes
 * and frees it, also if it has no room.
 */
extern bool flow_s3_ask_begin(const FlowHost *host, FlowS3Answer *answer);
extern void flow_s3_ask_end(FlowS3Answer *answer);

/*
 * Makes up to three attempts, with pauses.  FLOW_OK means that there is an
 * answer, with any status; of flow_s3_ask_good, one with status 200.
 */
extern FlowStatus flow_s3_ask(const FlowS3CredentialsSpec *spec, const FlowS3Question *question,
                              FlowS3Answer *answer, FlowError *error);
extern FlowStatus flow_s3_ask_good(const FlowS3CredentialsSpec *spec,
                                   const FlowS3Question *question, FlowS3Answer *answer,
                                   FlowError *error);

/* Reads the keys of an answer in JSON to a GET of "url". */
extern FlowStatus flow_s3_ask_keys(const FlowS3Answer *answer, const char *url, FlowS3Found *found,
                                   FlowError *error);

/* What messages may show of a URL, and of a code in an answer. */
extern FlowS3ShownUrl flow_s3_show_url(const char *url);
extern FlowS3ShownCode flow_s3_show_code(const char *code);

#endif /* FLOW_S3_ASK_H */
