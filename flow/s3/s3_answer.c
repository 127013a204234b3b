/*-------------------------------------------------------------------------
 *
 * s3_answer.c
 *	  The answers to requests to S3: they are only accepted if they are what was
 *	  requested; others have a remedy, or are the request's failure.
 *
 *-------------------------------------------------------------------------
 */
#include "s3_store.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/*
 * Maximum difference between the clocks, in seconds.  A larger one is not
 * believed.
 */
#define MAX_SKEW (24 * 60 * 60)

/* ---------- failures ---------- */

/* Sets the failure of a request. */
FlowError *
flow_s3_fail(FlowS3Request *request, FlowStatus status, const char *format, ...)
{
	const char *dots;
	const char *name = flow_error_tail(request->name, 150, &dots);
	FlowError *failure = flow_allocate(request->s3->host, sizeof(FlowError));
	char message[160];
	va_list args;

	if (failure == NULL)
	{
		request->starved = true;
		return NULL;
	}
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	flow_error_set(
		failure, status, "could not %s \"%s%s\": %s", request->verb, dots, name, message);
	flow_error_at(failure, request->name, 0);
	flow_free(request->s3->host, request->failure);
	request->failure = failure;
	return failure;
}

/*
 * Returns true if the text contains a secret.  A store might repeat what we
 * sent.
 */
static bool
has_secret(const FlowS3 *s3, const char *text)
{
	const FlowS3Keys *keys = &s3->spec.credentials->keys;

	return (keys->secret_access_key[0] != '\0' && strstr(text, keys->secret_access_key) != NULL) ||
	       (keys->session_token[0] != '\0' && strstr(text, keys->session_token) != NULL);
}

/*
 * Adds the store's answer to the detail; with "again", also how often it was
 * asked.
 */
static void
add_answer(FlowS3Request *request, const FlowS3Failure *answer, bool again)
{
	FlowError *failure = request->failure;
	int status = request->attempt->http.status;
	char sent[64] = "";

	if (failure == NULL)
		return;
	if (again)
		snprintf(sent, sizeof(sent), "The request was sent %d times. ", request->attempts);
	if (answer->code[0] != '\0' && !has_secret(request->s3, answer->code) &&
	    !has_secret(request->s3, answer->message))
		flow_error_detail(failure,
		                  "%sThe store answered %d %s: %s",
		                  sent,
		                  status,
		                  answer->code,
		                  answer->message);
	else
		flow_error_detail(failure, "%sThe store answered with HTTP status %d.", sent, status);
}

/* ---------- checking an answer ---------- */

static bool
is_error(int status)
{
	return status < 200 || status >= 300;
}

/* Returns true if the text is exactly this range, such as "bytes 0-99/200". */
static bool
range_is(const char *text, uint64_t from, uint64_t to, uint64_t total)
{
	char wanted[96];

	snprintf(wanted,
	         sizeof(wanted),
	         "bytes %llu-%llu/%llu",
	         (unsigned long long) from,
	         (unsigned long long) (to - 1),
	         (unsigned long long) total);
	return text != NULL && strcmp(text, wanted) == 0;
}

/* Returns true if the text is this length, or NULL. */
static bool
length_is(const char *text, uint64_t len)
{
	char wanted[32];

	snprintf(wanted, sizeof(wanted), "%llu", (unsigned long long) len);
	return text == NULL || strcmp(text, wanted) == 0;
}

/*
 * Checks that the answer, which is not an error, is the requested part of the
 * requested version.  If not, sets the request's failure.
 */
static bool
judge_object(FlowS3Request *request)
{
	FlowS3Attempt *attempt = request->attempt;
	const FlowHttpRequest *http = &request->attempt->http;
	const char *etag = flow_http_field(http, "etag");
	const char *length = flow_http_field(http, "content-length");
	uint64_t from = request->from + request->received;

	/* check the version */
	if (request->etag != NULL && etag != NULL && strcmp(etag, request->etag) != 0)
	{
		flow_s3_fail(request, FLOW_CHANGED, "the object changed since it was listed");
		return false;
	}
	/* check the range */
	if (request->ranged || request->received > 0)
	{
		if (http->status == 206)
		{
			if (range_is(flow_http_field(http, "content-range"),
			             from,
			             request->to,
			             request->total) &&
			    length_is(length, request->to - from))
				return true;
			flow_s3_fail(request, FLOW_CORRUPT, "the answer has other bytes than were requested");
			return false;
		}
		/* The store sent the whole object, which must be the same version. */
		if (etag == NULL || length == NULL || !length_is(length, request->total))
		{
			flow_s3_fail(request, FLOW_CORRUPT, "the store does not support byte ranges");
			return false;
		}
		attempt->skip = from;
		return true;
	}
	if (!length_is(length, request->total))
	{
		flow_s3_fail(request, FLOW_CHANGED, "the size of the object changed since it was listed");
		return false;
	}
	return true;
}

/*
 * Adds to the body of an error, as far as there is room.  Returns false if there
 * is no memory.
 */
static bool
keep_failure(FlowS3Request *request, const char *data, size_t len)
{
	FlowS3Attempt *attempt = request->attempt;
	size_t room = FLOW_S3_FAILURE_ROOM - attempt->failure_len;

	if (attempt->failure_body == NULL)
		attempt->failure_body = flow_allocate(request->s3->host, FLOW_S3_FAILURE_ROOM);
	if (attempt->failure_body == NULL)
		return false;
	if (len > room)
		len = room;
	memcpy(attempt->failure_body + attempt->failure_len, data, len);
	attempt->failure_len += len;
	return true;
}

/*
 * Checks the header when the first bytes arrive, and passes the wanted bytes
 * on.
 */
bool
flow_s3_receive(FlowHttpRequest *http, const char *data, size_t len)
{
	FlowS3Request *request = http->arg;
	FlowS3Attempt *attempt = request->attempt;

	if (!attempt->judged)
	{
		attempt->judged = true;
		attempt->skip = 0;
		attempt->good = !is_error(http->status) && (request->to == 0 || judge_object(request));
		if (!is_error(http->status) && !attempt->good)
			return false;
	}
	if (!attempt->good)
		return keep_failure(request, data, len);
	/* skip bytes that are not wanted */
	if (request->to > 0)
	{
		uint64_t left = request->to - request->from - request->received;

		if (attempt->skip >= len)
		{
			attempt->skip -= len;
			return true;
		}
		data += attempt->skip;
		len -= attempt->skip;
		attempt->skip = 0;
		if (len > left)
			len = left; /* the whole object was sent instead of a range */
	}
	if (!request->take(request, data, len))
		return false;
	request->received += len;
	/* the rest of a whole object is not wanted if a range was requested */
	return request->to == 0 || http->status != 200 || !request->ranged ||
	       request->received < request->to - request->from;
}

/* ---------- remedies ---------- */

/*
 * The following functions apply the remedies for an answer.  Each returns true
 * if the request will be repeated: after a pause if something went wrong,
 * otherwise at once.
 */

/* Returns the seconds after which the store wants to be asked again, or -1. */
static int64_t
retry_after(const FlowHttpRequest *http)
{
	const char *text = flow_http_field(http, "x-amz-retry-after");
	char *end;
	long long seconds;

	if (text == NULL)
		text = flow_http_field(http, "retry-after");
	if (text == NULL || text[0] < '0' || text[0] > '9')
		return -1;
	seconds = strtoll(text, &end, 10);
	return *end == '\0' ? seconds : -1;
}

static uint64_t
next_random(FlowS3 *s3)
{
	/* xorshift64*: it only decides when a request is repeated */
	s3->random ^= s3->random >> 12;
	s3->random ^= s3->random << 25;
	s3->random ^= s3->random >> 27;
	return s3->random * UINT64_C(2685821657736338717);
}

/* Returns true if this machine had no socket for the request. */
static bool
lacks_resources(const FlowHttpRequest *http)
{
	return http->result == FLOW_IO && flow_status_of_errno(http->os_errno) == FLOW_NO_RESOURCES;
}

/* Repeats the request after a pause.  Returns false if that is not useful. */
static bool
repeat_later(FlowS3Request *request, FlowS3Remedy remedy)
{
	FlowS3 *s3 = request->s3;
	int cost = flow_s3_cost(remedy);
	int64_t now = flow_s3_clock(s3);
	int64_t wait = flow_s3_backoff(request->attempts,
	                               remedy,
	                               next_random(s3),
	                               retry_after(&request->attempt->http));

	if (request->attempts >= FLOW_S3_ATTEMPTS || s3->tokens < cost ||
	    now + wait - request->began > FLOW_S3_DEADLINE)
		return false;
	s3->tokens -= cost;
	request->cost = cost;
	request->not_before = now + wait;
	flow_s3_pace_failure(&s3->pace,
	                     remedy == FLOW_S3_SLOWER || lacks_resources(&request->attempt->http),
	                     request->attempt->began,
	                     now);
	return true;
}

static bool
is_region(const char *text)
{
	return text != NULL && text[0] != '\0' && strlen(text) < sizeof(((FlowS3 *) 0)->region) &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(text);
}

/* Sets the bucket's region to the one in the answer. */
static bool
try_region(FlowS3Request *request, const FlowS3Failure *answer)
{
	FlowS3 *s3 = request->s3;
	const char *region = flow_http_field(&request->attempt->http, "x-amz-bucket-region");

	if (!is_region(region))
		region = answer->region;
	if (request->region_tried || !is_region(region))
		return false;
	if (strcmp(region, s3->region) == 0 && strcmp(region, request->attempt->signed_region) == 0)
		return false;
	request->region_tried = true;
	snprintf(s3->region, sizeof(s3->region), "%s", region);
	request->not_before = 0;
	return true;
}

/* Sets the offset of the store's clock, which differs too much from ours. */
static bool
try_clock(FlowS3Request *request)
{
	FlowS3 *s3 = request->s3;
	const char *date = flow_http_field(&request->attempt->http, "date");
	int64_t offset, theirs = date != NULL ? flow_http_date(date) : -1;

	if (request->clock_tried || theirs < 0)
		return false;
	offset = theirs - (int64_t) time(NULL);
	if (offset > MAX_SKEW || offset < -MAX_SKEW)
		return false;
	request->clock_tried = true;
	s3->clock_offset = offset;
	request->not_before = 0;
	return true;
}

/* Requests new keys, unless other requests have already got them. */
static bool
try_keys(FlowS3Request *request)
{
	FlowS3 *s3 = request->s3;

	if (request->keys_tried || s3->spec.credentials->source == FLOW_S3_STATIC ||
	    s3->spec.credentials->source == FLOW_S3_ANONYMOUS)
		return false;
	request->keys_tried = true;
	if (request->attempt->keys_version == s3->keys_version)
		s3->wants_keys = true;
	request->not_before = 0;
	return true;
}

/* Applies a remedy. */
static bool
apply(FlowS3Request *request, FlowS3Remedy remedy, const FlowS3Failure *answer)
{
	switch (remedy)
	{
		case FLOW_S3_NONE:
			return false;
		case FLOW_S3_AGAIN:
		case FLOW_S3_SLOWER:
			return repeat_later(request, remedy);
		case FLOW_S3_REGION:
			return try_region(request, answer);
		case FLOW_S3_CLOCK:
			return try_clock(request);
		case FLOW_S3_KEYS:
			return try_keys(request);
	}
	return false;
}

/* Returns the message for an answer that is final. */
static const char *
words_of(FlowStatus status, const FlowS3Failure *answer)
{
	if (strcmp(answer->code, "NoSuchBucket") == 0)
		return "the bucket does not exist";
	switch (status)
	{
		case FLOW_NO_PERMISSION:
			return "access is denied";
		case FLOW_NOT_FOUND:
			return "the object does not exist any more";
		case FLOW_CHANGED:
			return "the object changed since it was listed";
		case FLOW_UNSUPPORTED:
			return "the object is archived";
		default:
			return "the store refused the request";
	}
}

/* Adds the hint for an answer that is final. */
static void
add_hint(FlowS3Request *request, FlowStatus status, const FlowS3Failure *answer)
{
	FlowError *failure = request->failure;

	if (failure == NULL)
		return;
	if (status == FLOW_UNSUPPORTED)
		flow_error_hint(failure,
		                "Restore it first, or leave it out by conditions on columns of the path.");
	else if (strcmp(answer->code, "RequestTimeTooSkewed") == 0)
		flow_error_hint(failure, "The clock of this machine, or that of the store, is wrong.");
	else if (strcmp(answer->code, "SignatureDoesNotMatch") == 0)
		flow_error_hint(failure,
		                "Check the option \"secret_access_key\" of the user mapping, and "
		                "\"region\" of the server.");
	else if (status == FLOW_NO_PERMISSION)
		flow_error_hint(failure,
		                "The keys of the user mapping need s3:ListBucket on the bucket and "
		                "s3:GetObject on its objects.");
}

/*
 * Processes an answer that is an error.  Returns true if the request has
 * failed, false if it is to be repeated; as do the following functions.
 */
static bool
take_failure(FlowS3Request *request)
{
	const FlowS3Attempt *attempt = request->attempt;
	FlowS3Failure answer;
	FlowS3Remedy remedy;
	FlowStatus status;
	FlowError error;
	bool again;

	if (flow_s3_failure_read(request->s3->host,
	                         attempt->failure_body != NULL ? attempt->failure_body : "",
	                         attempt->failure_len,
	                         &answer,
	                         &error) == FLOW_NO_MEMORY)
	{
		/* the remedy depends on the body */
		request->starved = true;
		return true;
	}
	/* repeat the request if possible */
	remedy = flow_s3_remedy(attempt->http.status, answer.code);
	if (apply(request, remedy, &answer))
		return false;
	/* otherwise fail */
	again = remedy == FLOW_S3_AGAIN || remedy == FLOW_S3_SLOWER;
	status = flow_s3_status(attempt->http.status, answer.code);
	flow_s3_fail(request,
	             status,
	             "%s",
	             again ? "the store reported a temporary error" : words_of(status, &answer));
	add_answer(request, &answer, again);
	add_hint(request, status, &answer);
	return true;
}

/*
 * Returns true if all wanted bytes were received.  For a list, that is known
 * only at its end.
 */
static bool
has_all(const FlowS3Request *request)
{
	return request->to == 0 || request->received == request->to - request->from;
}

/*
 * Processes an answer that was not received wholly.  "os_errno" is the error
 * of the system call that failed, or 0.
 */
static bool
take_break(FlowS3Request *request, const char *reason, int os_errno)
{
	FlowStatus status =
		flow_status_of_errno(os_errno) == FLOW_NO_RESOURCES ? FLOW_NO_RESOURCES : FLOW_IO;
	FlowS3Failure nothing = {.code = ""};

	/*
	 * progress is worth an attempt: a slow link completes, and one that breaks
	 * all the time is given up
	 */
	if (request->received - request->received_before >= FLOW_S3_PROGRESS && request->attempts > 0)
	{
		request->received_before = request->received;
		request->attempts--;
		request->began = flow_s3_clock(request->s3);
	}
	if (apply(request, FLOW_S3_AGAIN, &nothing))
		return false;
	flow_s3_fail(request, status, "%s", reason);
	if (request->failure != NULL)
	{
		flow_error_detail(request->failure, "The request was sent %d times.", request->attempts);
		request->failure->os_errno = os_errno;
	}
	return true;
}

/* Reports that the store's address is not allowed. */
static void
take_refusal(FlowS3Request *request)
{
	flow_s3_fail(request,
	             FLOW_NOT_ALLOWED,
	             "the address of \"%s\" is not allowed",
	             request->attempt->host_field);
	if (request->failure != NULL)
		flow_error_hint(request->failure,
		                "The administrator allows endpoints by the setting \"%s\".",
		                "flowlog_fdw.allowed_endpoints");
}

/*
 * Returns the maximum of tokens, which is a share for each connection: one event
 * may break them all.
 */
static int
most_tokens(const FlowS3 *s3)
{
	int shares = s3->connections > FLOW_S3_FIRST ? s3->connections : FLOW_S3_FIRST;

	return shares * FLOW_S3_TOKENS / FLOW_S3_FIRST;
}

/*
 * Returns the tokens of a request that is done, and adds those of connections
 * that may be open from now on.
 */
static void
take_success(FlowS3Request *request)
{
	FlowS3 *s3 = request->s3;
	int most = most_tokens(s3);

	flow_s3_pace_answer(&s3->pace, request->received, flow_s3_clock(s3));
	flow_s3_connect(s3);
	s3->tokens += request->cost > 0 ? request->cost : 1;
	if (most_tokens(s3) > most)
		s3->tokens += most_tokens(s3) - most;
	if (s3->tokens > most_tokens(s3))
		s3->tokens = most_tokens(s3);
}

/* Processes the end of an attempt. */
bool
flow_s3_take_end(FlowS3Request *request)
{
	const FlowS3Attempt *attempt = request->attempt;
	const FlowHttpRequest *http = &attempt->http;

	if (request->failure != NULL)
		return true;
	if (request->to > 0 && attempt->good && has_all(request))
		take_success(request); /* even if the connection failed after that */
	else if (http->result == FLOW_LIMIT || http->result == FLOW_NO_MEMORY)
		request->starved = true;
	else if (http->result == FLOW_NOT_ALLOWED)
		take_refusal(request);
	else if (http->result != FLOW_OK)
		return take_break(request, http->reason, http->os_errno);
	else if (is_error(http->status))
		return take_failure(request);
	else if (!attempt->judged && request->to > 0 && !judge_object(request))
		return true;
	else if (!has_all(request))
		/* the header had no length to compare with */
		return take_break(request, "the answer ended too early", 0);
	else
		take_success(request);
	return true;
}
