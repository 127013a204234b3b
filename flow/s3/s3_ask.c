/*-------------------------------------------------------------------------
 *
 * s3_ask.c
 *	  Asks the services that give keys: requests over HTTP and their answers in
 *	  JSON.
 *
 *-------------------------------------------------------------------------
 */
#include "bytes/json_member.h"
#include "s3_ask.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ATTEMPTS 3
#define FIRST_PAUSE 100 /* milliseconds, doubled after each attempt */

#define MAX_ANSWER (64 * 1024)

/* Sets an error whose detail says what was requested and what is missing. */
FlowStatus
flow_s3_missing(FlowError *error, const char *format, ...)
{
	va_list args;

	flow_error_set(error, FLOW_NO_PERMISSION, "could not get credentials");
	va_start(args, format);
	vsnprintf(error->detail, sizeof(error->detail), format, args);
	va_end(args);
	return FLOW_NO_PERMISSION;
}

/* ---------- requests over HTTP ---------- */

/* Makes room for an answer; false if there is no memory. */
bool
flow_s3_ask_begin(const FlowHost *host, FlowS3Answer *answer)
{
	*answer = (FlowS3Answer) {.host = host, .text = flow_allocate(host, MAX_ANSWER + 1)};
	if (answer->text == NULL)
		return false;
	answer->text[0] = '\0';
	return true;
}

/* Wipes and frees an answer. */
void
flow_s3_ask_end(FlowS3Answer *answer)
{
	if (answer->text != NULL)
		explicit_bzero(answer->text, MAX_ANSWER + 1);
	flow_free(answer->host, answer->text);
}

/* FlowHttpRequest's receive: appends to the answer. */
static bool
receive(FlowHttpRequest *request, const char *data, size_t len)
{
	FlowS3Answer *answer = request->arg;

	if (len > MAX_ANSWER - answer->len)
		return false;
	memcpy(answer->text + answer->len, data, len);
	answer->len += len;
	answer->text[answer->len] = '\0';
	return true;
}

/* Returns the part of a URL that may be shown. */
FlowS3ShownUrl
flow_s3_show_url(const char *url)
{
	FlowS3ShownUrl shown;
	size_t i;

	for (i = 0;
	     i < FLOW_S3_SHOWN_URL && url[i] > ' ' && url[i] <= '~' && url[i] != '?' && url[i] != '#';
	     i++)
		shown.text[i] = url[i];
	shown.text[i] = '\0';
	return shown;
}

/* Returns a code for a message. */
FlowS3ShownCode
flow_s3_show_code(const char *code)
{
	FlowS3ShownCode shown;
	size_t i;

	for (i = 0; i + 1 < sizeof(shown.text) && code[i] != '\0'; i++)
		shown.text[i] = (code[i] >= 'A' && code[i] <= 'Z') || (code[i] >= 'a' && code[i] <= 'z') ||
		                        code[i] == '.'
		                    ? code[i]
		                    : '?';
	shown.text[i] = '\0';
	return shown;
}

/*
 * Makes one attempt.  FLOW_OK means that there is an answer, with any status.
 * *again is set if another attempt may succeed.
 */
static FlowStatus
ask_once(const FlowS3CredentialsSpec *spec, const FlowS3Question *question, FlowS3Answer *answer,
         bool *again, FlowError *error)
{
	FlowHttpRequest request = {.method = question->method,
	                           .url = question->url,
	                           .fields = &question->field,
	                           .nfields = question->field.name != NULL,
	                           .body = question->body,
	                           .body_len = question->body_len,
	                           .connect_ms = question->connect_ms,
	                           .answer_ms = question->answer_ms,
	                           .receive = receive,
	                           .arg = answer};
	FlowStatus status;

	/* send the request */
	answer->len = 0;
	answer->text[0] = '\0';
	*again = false;
	status = flow_http_fetch(spec->http, &request, error);
	flow_http_cancel(&request);
	if (status == FLOW_INTERRUPTED || status == FLOW_NO_MEMORY)
		return status;
	if (status != FLOW_OK)
	{
		snprintf(request.reason, sizeof(request.reason), "%.255s", error->message);
		request.result = FLOW_IO;
		request.os_errno = error->os_errno;
	}

	/* convert the result, and decide whether to try again */
	switch (request.result)
	{
		case FLOW_OK:
			answer->status = request.status;
			*again =
				request.status == 429 || request.status >= 500 ||
				(question->transient != NULL && strstr(answer->text, question->transient) != NULL);
			return FLOW_OK;
		case FLOW_NO_MEMORY:
			return flow_error_memory(error);
		case FLOW_NOT_ALLOWED:
			return flow_s3_missing(error,
			                       "%s %s was not sent: its address is not allowed.",
			                       question->method,
			                       flow_s3_show_url(question->url).text);
		case FLOW_LIMIT:
			return flow_s3_missing(error,
			                       "The answer to %s %s is too long.",
			                       question->method,
			                       flow_s3_show_url(question->url).text);
		default:
			*again = true;
			flow_s3_missing(error,
			                "%s %s failed: %s.",
			                question->method,
			                flow_s3_show_url(question->url).text,
			                request.reason);
			if (question->hint != NULL)
				flow_error_hint(error, "%s", question->hint);
			if (flow_status_of_errno(request.os_errno) == FLOW_NO_RESOURCES)
			{
				error->status = FLOW_NO_RESOURCES;
				error->os_errno = request.os_errno;
			}
			return error->status;
	}
}

/*
 * Makes up to three attempts, with pauses.  FLOW_OK means that there is an
 * answer, with any status.
 */
FlowStatus
flow_s3_ask(const FlowS3CredentialsSpec *spec, const FlowS3Question *question, FlowS3Answer *answer,
            FlowError *error)
{
	int pause = FIRST_PAUSE;

	for (int attempt = 1;; attempt++)
	{
		bool again;
		FlowStatus status = ask_once(spec, question, answer, &again, error);

		if (!again || attempt == ATTEMPTS)
			return status;
		spec->host->wait(spec->host->arg, pause);
		if (flow_interrupted(spec->host))
			return flow_error_interrupted(error);
		pause *= 2;
	}
}

/* Does the same, but requires an answer with status 200. */
FlowStatus
flow_s3_ask_good(const FlowS3CredentialsSpec *spec, const FlowS3Question *question,
                 FlowS3Answer *answer, FlowError *error)
{
	FlowStatus status = flow_s3_ask(spec, question, answer, error);

	if (status == FLOW_OK && answer->status != 200)
		return flow_s3_missing(error,
		                       "The answer to %s %s has status %d.",
		                       question->method,
		                       flow_s3_show_url(question->url).text,
		                       answer->status);
	return status;
}

/* ---------- answers in JSON ---------- */

/* Reads a member of an answer in JSON. */
static FlowStatus
read_member(const FlowS3Answer *answer, const char *url, const char *name, char *text, size_t size,
            FlowError *error)
{
	if (!flow_json_member(answer->text, answer->len, name, text, size))
		return flow_s3_missing(
			error,
			"The answer to GET %s is not JSON with a text \"%s\", or the text is too long.",
			flow_s3_show_url(url).text,
			name);
	return FLOW_OK;
}

/*
 * Reads keys from {"AccessKeyId": ..., "SecretAccessKey": ..., "Token": ...,
 * "Expiration": ...}.
 */
FlowStatus
flow_s3_ask_keys(const FlowS3Answer *answer, const char *url, FlowS3Found *found, FlowError *error)
{
	FlowS3Keys *keys = &found->keys;
	char expiration[64];
	int64_t nanoseconds;
	FlowStatus status;

	if ((status = read_member(answer,
	                          url,
	                          "AccessKeyId",
	                          keys->access_key_id,
	                          sizeof(keys->access_key_id),
	                          error)) != FLOW_OK ||
	    (status = read_member(answer,
	                          url,
	                          "SecretAccessKey",
	                          keys->secret_access_key,
	                          sizeof(keys->secret_access_key),
	                          error)) != FLOW_OK ||
	    (status = read_member(
			 answer, url, "Token", keys->session_token, sizeof(keys->session_token), error)) !=
	        FLOW_OK ||
	    (status = read_member(answer, url, "Expiration", expiration, sizeof(expiration), error)) !=
	        FLOW_OK)
		return status;
	if (!flow_s3_time_read(expiration, &nanoseconds))
		return flow_s3_missing(error,
		                       "In the answer to GET %s, \"Expiration\" is not a time.",
		                       flow_s3_show_url(url).text);
	found->expires = nanoseconds / 1000000000;
	return FLOW_OK;
}
