/*-------------------------------------------------------------------------
 *
 * s3_request.c
 *	  Requests to S3: they are signed, repeated as long as that is useful, and
 *	  only accepted if the answer is what was requested.
 *
 *-------------------------------------------------------------------------
 */
#include "s3_store.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define WORK_MS 1000
/*
 * Maximum difference between the clocks, in seconds.  A larger one is not
 * believed.
 */
#define MAX_SKEW (24 * 60 * 60)
/* SHA-256 of no data. */
#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

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

/* Adds the store's answer to the detail. */
static void
add_answer(FlowS3Request *request, const FlowS3Failure *answer)
{
	FlowError *failure = request->failure;
	int status = request->http.status;

	if (failure == NULL)
		return;
	if (answer->code[0] != '\0' && !has_secret(request->s3, answer->code) &&
	    !has_secret(request->s3, answer->message))
		flow_error_detail(failure,
		                  "The store answered %d %s: %s",
		                  status,
		                  answer->code,
		                  answer->message);
	else
		flow_error_detail(failure, "The store answered with HTTP status %d.", status);
}

/* ---------- the list of requests ---------- */

static void
append(FlowS3 *s3, FlowS3Request *request)
{
	request->next = NULL;
	request->prev = s3->last_request;
	if (s3->last_request != NULL)
		s3->last_request->next = request;
	else
		s3->requests = request;
	s3->last_request = request;
}

static void
take_out(FlowS3Request *request)
{
	FlowS3 *s3 = request->s3;

	if (request->prev != NULL)
		request->prev->next = request->next;
	else
		s3->requests = request->next;
	if (request->next != NULL)
		request->next->prev = request->prev;
	else
		s3->last_request = request->prev;
	request->next = request->prev = NULL;
}

/* Removes a request from the list, if it is not finished yet. */
static void
finish(FlowS3Request *request)
{
	if (request->finished)
		return;
	take_out(request);
	request->finished = true;
}

/* Begins a request. */
void
flow_s3_begin(FlowS3 *s3, FlowS3Request *request)
{
	request->s3 = s3;
	request->finished = false;
	request->under_way = false;
	request->began = 0;
	request->not_before = 0;
	append(s3, request);
}

/* Ends a request. */
void
flow_s3_drop(FlowS3Request *request)
{
	if (request->s3 == NULL)
		return;
	if (request->under_way)
	{
		flow_http_cancel(&request->http);
		request->under_way = false;
		request->s3->in_flight--;
	}
	finish(request);
	flow_free(request->s3->host, request->failure);
	request->failure = NULL;
}

/* Returns the error with which a request has failed. */
FlowStatus
flow_s3_outcome(const FlowS3Request *request, FlowError *error)
{
	if (request->starved)
		return flow_error_memory(error);
	if (request->failure == NULL)
		return FLOW_OK;
	*error = *request->failure;
	return error->status;
}

/* Sets the path of a request. */
bool
flow_s3_set_path(FlowS3Request *request, const char *key, size_t len)
{
	const FlowS3 *s3 = request->s3;
	size_t at = 0;

	if (len > 1024)
		return false;
	request->path[at++] = '/';
	if (s3->spec.path_style)
	{
		at += flow_s3_encode(s3->bucket, strlen(s3->bucket), false, request->path + at);
		request->path[at++] = '/';
	}
	at += flow_s3_encode(key, len, true, request->path + at);
	request->path[at] = '\0';
	return true;
}

/* ---------- building a request ---------- */

/*
 * Sets the host for the bucket and its region, with a port if it is not the
 * default.
 */
static void
set_host(FlowS3Request *request)
{
	const FlowS3 *s3 = request->s3;
	const char *bucket = s3->spec.path_style ? "" : s3->bucket;
	const char *dot = s3->spec.path_style ? "" : ".";

	if (s3->spec.endpoint_host != NULL)
		snprintf(request->host_field,
		         sizeof(request->host_field),
		         "%s%s%s",
		         bucket,
		         dot,
		         s3->spec.endpoint_host);
	else
		snprintf(request->host_field,
		         sizeof(request->host_field),
		         "%s%ss3.%s.amazonaws.com%s",
		         bucket,
		         dot,
		         s3->region,
		         strncmp(s3->region, "cn-", 3) == 0 ? ".cn" : "");
}

static void
add_field(FlowS3Request *request, const char *name, const char *value)
{
	request->fields[request->nfields++] = (FlowHttpField) {name, value};
}

/*
 * Builds and signs the request.  Returns FLOW_OK, or why it cannot be signed.
 */
static FlowStatus
build(FlowS3Request *request)
{
	FlowS3 *s3 = request->s3;
	const FlowS3Credentials *credentials = s3->spec.credentials;
	bool anonymous = credentials->source == FLOW_S3_ANONYMOUS;
	uint64_t from = request->from + request->received;

	request->nfields = 0;
	set_host(request);
	/* the URL */
	snprintf(request->url,
	         sizeof(request->url),
	         "%s://%s%s%s%s",
	         s3->spec.endpoint_plain ? "http" : "https",
	         request->host_field,
	         request->path,
	         request->query[0] != '\0' ? "?" : "",
	         request->query);
	/* the fields */
	add_field(request, "host", request->host_field);
	if (request->to > 0 && (request->ranged || request->received > 0))
	{
		snprintf(request->range_field,
		         sizeof(request->range_field),
		         "bytes=%llu-%llu",
		         (unsigned long long) from,
		         (unsigned long long) (request->to - 1));
		add_field(request, "range", request->range_field);
	}
	if (request->etag != NULL)
		add_field(request, "if-match", request->etag);
	if (s3->spec.requester_pays)
		add_field(request, "x-amz-request-payer", "requester");
	/* the signature */
	if (!anonymous)
	{
		FlowS3Signing signing;
		FlowStatus status;

		flow_s3_time_text((int64_t) time(NULL) + s3->clock_offset, request->time_field);
		add_field(request, "x-amz-date", request->time_field);
		add_field(request, "x-amz-content-sha256", EMPTY_HASH);
		if (credentials->keys.session_token[0] != '\0')
			add_field(request, "x-amz-security-token", credentials->keys.session_token);
		signing = (FlowS3Signing) {
			.method = "GET",
			.path = request->path,
			.query = request->query,
			.fields = request->fields,
			.nfields = request->nfields,
			.payload_hash = EMPTY_HASH,
			.time = request->time_field,
			.region = s3->region,
			.service = "s3",
			.keys = &credentials->keys,
		};
		status = flow_s3_sign(s3->host, &signing, request->authorization);
		if (status != FLOW_OK)
			return status;
		add_field(request, "authorization", request->authorization);
	}
	return FLOW_OK;
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
	const FlowHttpRequest *http = &request->http;
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
		request->skip = from;
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
 * FlowHttpRequest's receive: checks the header when the first bytes arrive,
 * and passes the wanted bytes on.
 */
static bool
receive(FlowHttpRequest *http, const char *data, size_t len)
{
	FlowS3Request *request = http->arg;

	if (!request->judged)
	{
		request->judged = true;
		request->skip = 0;
		request->good = !is_error(http->status) && (request->to == 0 || judge_object(request));
		if (!is_error(http->status) && !request->good)
			return false;
	}
	/* collect the body of an error */
	if (!request->good)
	{
		size_t room = sizeof(request->failure_body) - request->failure_len;

		if (len > room)
			len = room;
		memcpy(request->failure_body + request->failure_len, data, len);
		request->failure_len += len;
		return true;
	}
	/* skip bytes that are not wanted */
	if (request->to > 0)
	{
		uint64_t left = request->to - request->from - request->received;

		if (request->skip >= len)
		{
			request->skip -= len;
			return true;
		}
		data += request->skip;
		len -= request->skip;
		request->skip = 0;
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

/* Repeats the request after a pause.  Returns false if that is not useful. */
static bool
repeat_later(FlowS3Request *request, FlowS3Remedy remedy)
{
	FlowS3 *s3 = request->s3;
	int cost = flow_s3_cost(remedy);
	int64_t now = flow_s3_clock(s3);
	int64_t wait =
		flow_s3_backoff(request->attempts, remedy, next_random(s3), retry_after(&request->http));

	if (request->attempts >= FLOW_S3_ATTEMPTS || s3->tokens < cost ||
	    now + wait - request->began > FLOW_S3_DEADLINE)
		return false;
	s3->tokens -= cost;
	request->cost = cost;
	request->not_before = now + wait;
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
	const char *region = flow_http_field(&request->http, "x-amz-bucket-region");

	if (!is_region(region))
		region = answer->region;
	if (request->region_tried || !is_region(region))
		return false;
	if (strcmp(region, s3->region) == 0 && strcmp(region, request->signed_region) == 0)
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
	const char *date = flow_http_field(&request->http, "date");
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
	if (request->keys_version == s3->keys_version)
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

/* Processes an answer that is an error. */
static void
take_failure(FlowS3Request *request)
{
	FlowS3Failure answer;
	FlowS3Remedy remedy;
	FlowStatus status;
	FlowError error;

	if (flow_s3_failure_read(request->s3->host,
	                         request->failure_body,
	                         request->failure_len,
	                         &answer,
	                         &error) == FLOW_NO_MEMORY)
	{
		/* the remedy depends on the body */
		request->starved = true;
		finish(request);
		return;
	}
	/* repeat the request if possible */
	remedy = flow_s3_remedy(request->http.status, answer.code);
	if (apply(request, remedy, &answer))
		return;
	/* otherwise fail */
	status = flow_s3_status(request->http.status, answer.code);
	flow_s3_fail(request,
	             status,
	             "%s",
	             remedy == FLOW_S3_AGAIN || remedy == FLOW_S3_SLOWER
	                 ? "the store reported a temporary error"
	                 : words_of(status, &answer));
	add_answer(request, &answer);
	if (request->failure != NULL && (remedy == FLOW_S3_AGAIN || remedy == FLOW_S3_SLOWER))
		flow_error_hint(request->failure, "The request was sent %d times.", request->attempts);
	add_hint(request, status, &answer);
	finish(request);
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
static void
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
		return;
	flow_s3_fail(request, status, "%s", reason);
	if (request->failure != NULL)
	{
		flow_error_detail(request->failure, "The request was sent %d times.", request->attempts);
		request->failure->os_errno = os_errno;
	}
	finish(request);
}

/* Reports that the store's address is not allowed. */
static void
take_refusal(FlowS3Request *request)
{
	flow_s3_fail(request,
	             FLOW_NOT_ALLOWED,
	             "the address of \"%s\" is not allowed",
	             request->host_field);
	if (request->failure != NULL)
		flow_error_hint(request->failure,
		                "The administrator allows endpoints by the setting \"%s\".",
		                "flowlog_fdw.allowed_endpoints");
	finish(request);
}

/* Completes a request and returns its tokens. */
static void
take_success(FlowS3Request *request)
{
	FlowS3 *s3 = request->s3;

	s3->tokens += request->cost > 0 ? request->cost : 1;
	if (s3->tokens > FLOW_S3_TOKENS)
		s3->tokens = FLOW_S3_TOKENS;
	finish(request);
}

/* Processes the end of an attempt. */
static void
take_end(FlowS3Request *request)
{
	const FlowHttpRequest *http = &request->http;

	request->under_way = false;
	request->s3->in_flight--;
	if (request->failure != NULL)
		finish(request);
	else if (request->to > 0 && request->good && has_all(request))
		take_success(request); /* even if the connection failed after that */
	else if (http->result == FLOW_LIMIT || http->result == FLOW_NO_MEMORY)
	{
		request->starved = true;
		finish(request);
	}
	else if (http->result == FLOW_NOT_ALLOWED)
		take_refusal(request);
	else if (http->result != FLOW_OK)
		take_break(request, http->reason, http->os_errno);
	else if (is_error(http->status))
		take_failure(request);
	else if (!request->judged && request->to > 0 && !judge_object(request))
		finish(request);
	else if (!has_all(request))
		/* the header had no length to compare with */
		take_break(request, "the answer ended too early", 0);
	else
		take_success(request);
}

/* ---------- working ---------- */

/* Makes an attempt: builds the request and starts it. */
static FlowStatus
attempt(FlowS3Request *request, FlowError *error)
{
	FlowS3 *s3 = request->s3;
	FlowStatus status;

	if (request->began == 0)
		request->began = flow_s3_clock(s3);
	if (request->attempts > 0 && request->restart != NULL && !request->restart(request))
		return flow_error_memory(error);
	/* build and sign it */
	status = build(request);
	if (status == FLOW_NO_MEMORY)
		return flow_error_memory(error);
	if (status != FLOW_OK)
	{
		if (status == FLOW_UNSUPPORTED)
			flow_s3_fail(request, status, "the system's libcrypto cannot sign a request");
		else
			flow_s3_fail(request, FLOW_NO_PERMISSION, "the keys cannot be used to sign a request");
		finish(request);
		return FLOW_OK;
	}
	request->http = (FlowHttpRequest) {
		.method = "GET",
		.url = request->url,
		.fields = request->fields,
		.nfields = request->nfields,
		.receive = receive,
		.arg = request,
	};
	/* start it */
	request->judged = request->good = false;
	request->failure_len = 0;
	snprintf(request->signed_region, sizeof(request->signed_region), "%s", s3->region);
	request->keys_version = s3->keys_version;
	s3->counts.requests++;
	s3->counts.retries += request->attempts > 0;
	request->attempts++;
	status = flow_http_start(s3->http, &request->http, error);
	if (status == FLOW_OK)
	{
		request->under_way = true;
		s3->in_flight++;
	}
	explicit_bzero(request->authorization, sizeof(request->authorization));
	return status;
}

/* Renews the keys if necessary. */
static FlowStatus
refresh_keys(FlowS3 *s3, FlowError *error)
{
	FlowS3Credentials *credentials = s3->spec.credentials;
	FlowS3CredentialsSpec spec = {
		.host = s3->host,
		.http = s3->http,
		.environment = s3->spec.environment,
		.environment_arg = s3->spec.environment_arg,
		.now = (int64_t) time(NULL),
	};
	int64_t expires = credentials->expires;
	bool again = s3->wants_keys;
	FlowStatus status;

	s3->asks_for_keys = true;
	status = flow_s3_credentials_refresh(credentials, &spec, again, error);
	s3->asks_for_keys = false;
	s3->wants_keys = false;
	s3->keys_version += again || credentials->expires != expires;
	return status;
}

/*
 * Begins the requests that are due.  *until is set to the time at which the
 * next one is due.
 */
static FlowStatus
begin_due(FlowS3 *s3, int64_t *until, FlowError *error)
{
	int64_t now = flow_s3_clock(s3);
	FlowStatus status;

	for (FlowS3Request *request = s3->requests, *next; request != NULL; request = next)
	{
		next = request->next;
		if (request->under_way || s3->in_flight >= s3->spec.max_connections)
			continue;
		if (request->not_before > now)
		{
			if (*until == 0 || request->not_before < *until)
				*until = request->not_before;
			continue;
		}
		if ((status = refresh_keys(s3, error)) != FLOW_OK ||
		    (status = attempt(request, error)) != FLOW_OK)
			return status;
	}
	return FLOW_OK;
}

/* Processes the requests that are done.  Returns true if there were any. */
static bool
flush_done(FlowS3 *s3)
{
	bool any = false;

	for (FlowS3Request *request = s3->requests, *next; request != NULL; request = next)
	{
		next = request->next;
		if (request->under_way && request->http.done)
		{
			take_end(request);
			any = true;
		}
	}
	return any;
}

/* Works on all requests. */
FlowStatus
flow_s3_work(FlowS3 *s3, bool wait, FlowError *error)
{
	int64_t until = 0;
	int milliseconds = wait ? WORK_MS : 0;
	FlowStatus status;

	status = begin_due(s3, &until, error);
	if (status != FLOW_OK)
		return status;
	if (flush_done(s3))
		/*
		 * some requests could not be started, or were done while keys were
		 * fetched
		 */
		return FLOW_OK;
	if (until > 0)
	{
		int64_t left = (until - flow_s3_clock(s3) + 999) / 1000;

		if (left < milliseconds)
			milliseconds = left > 0 ? (int) left : 0;
	}
	status = flow_http_work(s3->http, milliseconds, error);
	if (status == FLOW_OK)
		(void) flush_done(s3);
	return status;
}
