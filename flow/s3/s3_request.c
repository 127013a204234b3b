/*-------------------------------------------------------------------------
 *
 * s3_request.c
 *	  Requests to S3: they are signed, and repeated as long as that is useful.
 *
 *-------------------------------------------------------------------------
 */
#include "s3_store.h"

#include <stdio.h>
#include <time.h>

#define WORK_MS 1000
/* SHA-256 of no data. */
#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

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
	s3->nrequests++;
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
	s3->nrequests--;
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
	request->attempt = NULL;
	request->began = 0;
	request->not_before = 0;
	append(s3, request);
}

/* Frees the attempt that is under way, which has ended or is cancelled. */
static void
free_attempt(FlowS3Request *request)
{
	const FlowHost *host = request->s3->host;
	FlowS3Attempt *attempt = request->attempt;

	flow_http_cancel(&attempt->http);
	flow_free(host, attempt->failure_body);
	flow_free(host, attempt);
	request->attempt = NULL;
	request->s3->in_flight--;
}

/* Ends a request. */
void
flow_s3_drop(FlowS3Request *request)
{
	if (request->s3 == NULL)
		return;
	if (request->attempt != NULL)
		free_attempt(request);
	finish(request);
	flow_free(request->s3->host, request->target);
	flow_free(request->s3->host, request->failure);
	request->target = NULL;
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

/* Sets the target of a request. */
FlowStatus
flow_s3_set_target(FlowS3Request *request, const char *key, size_t len, const char *query)
{
	const FlowS3 *s3 = request->s3;
	char path[FLOW_S3_PATH_ROOM];
	size_t at = 0, query_len = strlen(query);

	if (len > 1024)
		return FLOW_LIMIT;
	path[at++] = '/';
	if (s3->spec.path_style)
	{
		at += flow_s3_encode(s3->bucket, strlen(s3->bucket), false, path + at);
		path[at++] = '/';
	}
	at += flow_s3_encode(key, len, true, path + at);

	/* both are kept as texts of their own, for signing */
	request->target = flow_allocate(s3->host, at + 1 + query_len + 1);
	if (request->target == NULL)
		return FLOW_NO_MEMORY;
	memcpy(request->target, path, at);
	request->target[at] = '\0';
	memcpy(request->target + at + 1, query, query_len + 1);
	return FLOW_OK;
}

/* Returns the query of a request, "" if it has none. */
static const char *
query_of(const FlowS3Request *request)
{
	return request->target + strlen(request->target) + 1;
}

/* ---------- building a request ---------- */

/*
 * Sets the host for the bucket and its region, with a port if it is not the
 * default.
 */
static void
set_host(const FlowS3 *s3, FlowS3Attempt *attempt)
{
	const char *bucket = s3->spec.path_style ? "" : s3->bucket;
	const char *dot = s3->spec.path_style ? "" : ".";

	if (s3->spec.endpoint_host != NULL)
		snprintf(attempt->host_field,
		         sizeof(attempt->host_field),
		         "%s%s%s",
		         bucket,
		         dot,
		         s3->spec.endpoint_host);
	else
		snprintf(attempt->host_field,
		         sizeof(attempt->host_field),
		         "%s%ss3.%s.amazonaws.com%s",
		         bucket,
		         dot,
		         s3->region,
		         strncmp(s3->region, "cn-", 3) == 0 ? ".cn" : "");
}

static void
add_field(FlowS3Attempt *attempt, const char *name, const char *value)
{
	attempt->fields[attempt->nfields++] = (FlowHttpField) {name, value};
}

/* Signs an attempt.  Returns FLOW_OK, or why it cannot be signed. */
static FlowStatus
sign(const FlowS3Request *request, FlowS3Attempt *attempt)
{
	const FlowS3 *s3 = request->s3;
	const FlowS3Credentials *credentials = s3->spec.credentials;
	FlowS3Signing signing;
	FlowStatus status;

	flow_s3_time_text((int64_t) time(NULL) + s3->clock_offset, attempt->time_field);
	add_field(attempt, "x-amz-date", attempt->time_field);
	add_field(attempt, "x-amz-content-sha256", EMPTY_HASH);
	if (credentials->keys.session_token[0] != '\0')
		add_field(attempt, "x-amz-security-token", credentials->keys.session_token);
	signing = (FlowS3Signing) {
		.method = "GET",
		.path = request->target,
		.query = query_of(request),
		.fields = attempt->fields,
		.nfields = attempt->nfields,
		.payload_hash = EMPTY_HASH,
		.time = attempt->time_field,
		.region = s3->region,
		.service = "s3",
		.keys = &credentials->keys,
	};
	status = flow_s3_sign(s3->host, &signing, attempt->authorization);
	if (status == FLOW_OK)
		add_field(attempt, "authorization", attempt->authorization);
	return status;
}

/*
 * Builds and signs an attempt, whose URL has "url_room" bytes.  Returns
 * FLOW_OK, or why it cannot be signed.
 */
static FlowStatus
build(const FlowS3Request *request, FlowS3Attempt *attempt, size_t url_room)
{
	const FlowS3 *s3 = request->s3;
	const char *query = query_of(request);

	set_host(s3, attempt);
	/* the URL */
	snprintf(attempt->url,
	         url_room,
	         "%s://%s%s%s%s",
	         s3->spec.endpoint_plain ? "http" : "https",
	         attempt->host_field,
	         request->target,
	         query[0] != '\0' ? "?" : "",
	         query);
	/* the fields */
	add_field(attempt, "host", attempt->host_field);
	if (request->to > 0 && (request->ranged || request->received > 0))
	{
		snprintf(attempt->range_field,
		         sizeof(attempt->range_field),
		         "bytes=%llu-%llu",
		         (unsigned long long) (request->from + request->received),
		         (unsigned long long) (request->to - 1));
		add_field(attempt, "range", attempt->range_field);
	}
	if (request->etag != NULL)
		add_field(attempt, "if-match", request->etag);
	if (s3->spec.requester_pays)
		add_field(attempt, "x-amz-request-payer", "requester");
	/* the signature */
	return s3->spec.credentials->source == FLOW_S3_ANONYMOUS ? FLOW_OK : sign(request, attempt);
}

/* ---------- working ---------- */

/* Starts the attempt of a request, which was built. */
static FlowStatus
start(FlowS3Request *request, FlowError *error)
{
	FlowS3 *s3 = request->s3;
	FlowS3Attempt *attempt = request->attempt;
	FlowStatus status;

	attempt->http = (FlowHttpRequest) {
		.method = "GET",
		.url = attempt->url,
		.fields = attempt->fields,
		.nfields = attempt->nfields,
		.expected = request->to > 0 ? (size_t) (request->to - request->from) : 0,
		.receive = flow_s3_receive,
		.arg = request,
	};
	snprintf(attempt->signed_region, sizeof(attempt->signed_region), "%s", s3->region);
	attempt->keys_version = s3->keys_version;
	s3->counts.requests++;
	s3->counts.retries += request->attempts > 0;
	request->attempts++;
	status = flow_http_start(s3->http, &attempt->http, error);
	explicit_bzero(attempt->authorization, sizeof(attempt->authorization));
	return status;
}

/* Makes an attempt: builds the request and starts it. */
static FlowStatus
make_attempt(FlowS3Request *request, FlowError *error)
{
	FlowS3 *s3 = request->s3;
	size_t url_room = strlen("https://") + sizeof(((FlowS3Attempt *) 0)->host_field) +
	                  strlen(request->target) + strlen("?") + strlen(query_of(request)) + 1;
	FlowStatus status;

	if (request->began == 0)
		request->began = flow_s3_clock(s3);
	if (request->attempts > 0 && request->restart != NULL && !request->restart(request))
		return flow_error_memory(error);
	/* build and sign it */
	request->attempt = flow_allocate(s3->host, sizeof(FlowS3Attempt) + url_room);
	if (request->attempt == NULL)
		return flow_error_memory(error);
	memset(request->attempt, 0, sizeof(FlowS3Attempt));
	request->attempt->began = flow_s3_clock(s3);
	s3->in_flight++;
	status = build(request, request->attempt, url_room);
	if (status == FLOW_OK)
		return start(request, error);

	/* without a signature, the request has failed */
	if (status == FLOW_NO_MEMORY)
		return flow_error_memory(error);
	if (status == FLOW_UNSUPPORTED)
		flow_s3_fail(request, status, "the system's libcrypto cannot sign a request");
	else
		flow_s3_fail(request, FLOW_NO_PERMISSION, "the keys cannot be used to sign a request");
	free_attempt(request);
	finish(request);
	return FLOW_OK;
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

	if (s3->requests != NULL)
		flow_s3_connect(s3);
	for (FlowS3Request *request = s3->requests, *next; request != NULL; request = next)
	{
		next = request->next;
		if (request->attempt != NULL)
			continue;
		if (request->not_before > now)
		{
			if (*until == 0 || request->not_before < *until)
				*until = request->not_before;
			continue;
		}
		if (s3->in_flight >= s3->pace.limit)
		{
			s3->held = true;
			continue;
		}
		if ((status = refresh_keys(s3, error)) != FLOW_OK ||
		    (status = make_attempt(request, error)) != FLOW_OK)
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
		if (request->attempt != NULL && request->attempt->http.done)
		{
			bool finished = flow_s3_take_end(request);

			free_attempt(request);
			if (finished)
				finish(request);
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
	int64_t began;
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
	began = flow_s3_clock(s3);
	status = flow_http_work(s3->http, milliseconds, error);
	if (wait && s3->held && s3->in_flight >= s3->pace.limit)
		flow_s3_pace_wait(&s3->pace, flow_s3_clock(s3) - began);
	if (status == FLOW_OK)
		(void) flush_done(s3);
	return status;
}
