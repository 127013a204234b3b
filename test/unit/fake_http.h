/*-------------------------------------------------------------------------
 *
 * fake_http.h
 *	  A store that the test plays: flow/s3/http.h without a network.
 *
 * Objects are bytes in memory, time is a number, and faults happen at random,
 * as often as the test wants.  Wrong answers are counted, so that a test knows
 * whether a scan had to fail.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FAKE_HTTP_H
#define FAKE_HTTP_H

#include "unit.h"

#include "../../flow/s3/s3_store.h"

#define FAKE_OBJECTS 64
#define FAKE_ETAG 40

typedef struct FakeObject
{
	char key[256];
	char etag[FAKE_ETAG];
	uint8_t *data;
	size_t size;
	bool gone; /* true if it was deleted after the listing */
} FakeObject;

typedef enum FakeFault
{
	FAKE_NONE,
	FAKE_BROKEN, /* the connection breaks after some bytes */
	FAKE_SHORT,  /* the answer ends too early, but looks complete */
	FAKE_500,    /* without a body */
	FAKE_503,    /* SlowDown */
	FAKE_WHOLE,  /* the whole object instead of a part */
	/*
	 * Number of the faults that a scan must survive if they do not happen too
	 * often.
	 */
	FAKE_REPAIRABLE,

	FAKE_RANGE = FAKE_REPAIRABLE, /* another range than requested */
	FAKE_ETAG_CHANGED,            /* another ETag in the answer */
	FAKE_412,
	FAKE_404,
	FAKE_403,
	FAKE_CUT_LIST, /* the end of the list is missing, but the answer looks complete */
	FAKE_FAULTS
} FakeFault;

typedef struct FakeAnswer
{
	FakeFault fault;
	int status;
	const char *body;
	char *owned; /* the body if it was allocated */
	size_t len;
	size_t given;
	size_t until; /* number of bytes after which the connection breaks */
} FakeAnswer;

struct FlowHttp
{
	FlowHttpSpec spec;
	FlowHttpRequest *first;
	int in_flight;
	int rests; /* how often the connections were closed */
};

/* settings of the test */
static FakeObject fake_objects[FAKE_OBJECTS]; /* sorted by key */
static size_t fake_nobjects;
static size_t fake_page_size = 1000;
static uint32_t fake_faults;   /* bits of FakeFault */
static int fake_fault_percent; /* of requests */
/* requests signed for another region are redirected */
static const char *fake_region = "us-east-1";
/*
 * Number of seconds by which its clock is ahead.  Requests that differ by more
 * than 15 minutes are rejected.
 */
static int64_t fake_ahead;
static uint64_t fake_random = 88172645463325252u;
static int64_t fake_now; /* of the host's clock */
static int64_t fake_latency = 30000;

/*
 * true while it allocates for itself: tests that let allocations fail spare
 * these
 */
static bool fake_working;

/* results */
static uint64_t fake_requests, fake_lists, fake_fatal;
static uint64_t fake_asked_bytes; /* of objects */
static int fake_most_in_flight;
static char fake_listed[64][300]; /* the prefixes of lists, as in the query */

static inline uint64_t
fake_number(uint64_t below)
{
	fake_random ^= fake_random << 13;
	fake_random ^= fake_random >> 7;
	fake_random ^= fake_random << 17;
	return fake_random % below;
}

/* ---------- answers ---------- */

static inline void
fake_add_field(FlowHttpRequest *request, const char *name, const char *value)
{
	request->fields_len += (size_t) snprintf(request->fields_text + request->fields_len,
	                                         sizeof(request->fields_text) - request->fields_len,
	                                         "%s%c%s",
	                                         name,
	                                         0,
	                                         value) +
	                       1;
}

static inline const char *
fake_asked(const FlowHttpRequest *request, const char *name)
{
	for (int i = 0; i < request->nfields; i++)
		if (strcmp(request->fields[i].name, name) == 0)
			return request->fields[i].value;
	return NULL;
}

static inline void
fake_error(FlowHttpRequest *request, FakeAnswer *answer, int status, const char *code)
{
	char text[300];

	answer->status = status;
	snprintf(text,
	         sizeof(text),
	         "<?xml version=\"1.0\"?><Error><Code>%s</Code><Message>It is so.</Message></Error>",
	         code);
	answer->owned = strdup(code[0] != '\0' ? text : "");
	answer->body = answer->owned;
	answer->len = strlen(answer->body);
	(void) request;
}

static inline int
fake_hex(char c)
{
	return c <= '9' ? c - '0' : c - 'A' + 10;
}

/* Decodes a parameter of the URL's query.  Returns false if it is missing. */
static inline bool
fake_parameter(const char *url, const char *name, char *value)
{
	const char *p = strchr(url, '?');
	size_t len = strlen(name);

	while (p != NULL)
	{
		p++;
		if (strncmp(p, name, len) == 0 && p[len] == '=')
		{
			for (p += len + 1; *p != '\0' && *p != '&'; p++)
				if (*p == '%')
				{
					*value++ = (char) (fake_hex(p[1]) * 16 + fake_hex(p[2]));
					p += 2;
				}
				else
					*value++ = *p;
			*value = '\0';
			return true;
		}
		p = strchr(p, '&');
	}
	return false;
}

static inline void
fake_encode(FILE *out, const char *text)
{
	for (const unsigned char *p = (const unsigned char *) text; *p != '\0'; p++)
		if ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
		    strchr("/-._", *p) != NULL)
			fputc(*p, out);
		else
			fprintf(out, "%%%02X", *p);
}

/*
 * Answers ListObjectsV2.  The token is the last key or prefix of the page
 * before.
 */
static inline void
fake_list(FlowHttpRequest *request, FakeAnswer *answer)
{
	char prefix[1100] = "", delimiter[8] = "", after[1100] = "", most[16] = "";
	char last[1100] = "";
	size_t count = 0, limit = fake_page_size;
	bool more = false;
	char *text;
	FILE *out;

	fake_parameter(request->url, "prefix", prefix);
	fake_parameter(request->url, "delimiter", delimiter);
	fake_parameter(request->url, "continuation-token", after);
	if (fake_parameter(request->url, "max-keys", most))
		limit = (size_t) atoi(most);
	if (fake_lists < 64)
		snprintf(fake_listed[fake_lists], sizeof(fake_listed[0]), "%s", prefix);
	fake_lists++;

	out = open_memstream(&text, &answer->len);
	fprintf(out,
	        "<?xml version=\"1.0\"?>\n<ListBucketResult "
	        "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>bucket</"
	        "Name><EncodingType>url</EncodingType>");
	for (size_t i = 0; i < fake_nobjects; i++)
	{
		const FakeObject *object = &fake_objects[i];
		const char *slash;
		char group[300];

		if (strncmp(object->key, prefix, strlen(prefix)) != 0 || strcmp(object->key, after) <= 0)
			continue;
		slash = delimiter[0] != '\0' ? strchr(object->key + strlen(prefix), '/') : NULL;
		snprintf(group,
		         sizeof(group),
		         "%.*s",
		         slash != NULL ? (int) (slash + 1 - object->key) : 0,
		         object->key);
		if (group[0] != '\0' && (strcmp(group, last) == 0 || strcmp(group, after) == 0))
			continue;
		if (count == limit)
		{
			more = true;
			break;
		}
		count++;
		snprintf(last, sizeof(last), "%s", group[0] != '\0' ? group : object->key);
		fprintf(out, group[0] != '\0' ? "<CommonPrefixes><Prefix>" : "<Contents><Key>");
		fake_encode(out, last);
		if (group[0] != '\0')
			fprintf(out, "</Prefix></CommonPrefixes>");
		else
			fprintf(out,
			        "</Key><LastModified>2024-01-31T23:00:00.000Z</"
			        "LastModified><ETag>&quot;%.*s&quot;</ETag><Size>%zu</"
			        "Size><StorageClass>STANDARD</StorageClass></Contents>",
			        (int) strlen(object->etag) - 2,
			        object->etag + 1,
			        object->size);
	}
	fprintf(out,
	        "<KeyCount>%zu</KeyCount><IsTruncated>%s</IsTruncated>",
	        count,
	        more ? "true" : "false");
	if (more)
	{
		fprintf(out, "<NextContinuationToken>");
		fake_encode(out, last); /* these keys need no further encoding */
		fprintf(out, "</NextContinuationToken>");
	}
	fprintf(out, "</ListBucketResult>");
	fclose(out);
	answer->status = 200;
	answer->owned = text;
	answer->body = text;
	if (answer->fault == FAKE_CUT_LIST)
		answer->len = fake_number(answer->len);
}

/* Answers GetObject. */
static inline void
fake_get(FlowHttpRequest *request, FakeAnswer *answer, const char *key)
{
	FakeObject *object = NULL;
	const char *range = fake_asked(request, "range"), *match = fake_asked(request, "if-match");
	unsigned long long from = 0, to;
	char text[100];

	for (size_t i = 0; i < fake_nobjects; i++)
		if (strcmp(fake_objects[i].key, key) == 0)
			object = &fake_objects[i];
	if (object == NULL || object->gone)
	{
		fake_error(request, answer, 404, "NoSuchKey");
		return;
	}
	if (match != NULL && strcmp(match, object->etag) != 0)
	{
		fake_error(request, answer, 412, "PreconditionFailed");
		return;
	}
	to = object->size - 1;
	answer->status = 200;
	if (range != NULL && answer->fault != FAKE_WHOLE)
	{
		CHECK_INT(sscanf(range, "bytes=%llu-%llu", &from, &to), 2);
		CHECK(from <= to && to < object->size);
		answer->status = 206;
		if (answer->fault == FAKE_RANGE && from > 0)
			from--;
		snprintf(text, sizeof(text), "bytes %llu-%llu/%zu", from, to, object->size);
		fake_add_field(request, "content-range", text);
	}
	answer->body = (const char *) object->data + from;
	answer->len = (size_t) (to - from + 1);
	fake_asked_bytes += answer->len;
	snprintf(text, sizeof(text), "%zu", answer->len);
	if (answer->fault != FAKE_SHORT)
		fake_add_field(request, "content-length", text);
	fake_add_field(request,
	               "etag",
	               answer->fault == FAKE_ETAG_CHANGED ? "\"other\"" : object->etag);
	if (answer->fault == FAKE_SHORT)
		answer->len = fake_number(answer->len);
}

/*
 * Returns true if the clocks differ too much.  Times as text can be compared
 * as text.
 */
static inline bool
fake_is_skewed(const FlowHttpRequest *request)
{
	const char *date = fake_asked(request, "x-amz-date");
	char from[FLOW_S3_TIME_TEXT], to[FLOW_S3_TIME_TEXT];

	flow_s3_time_text((int64_t) time(NULL) + fake_ahead - 900, from);
	flow_s3_time_text((int64_t) time(NULL) + fake_ahead + 900, to);
	return strcmp(date, from) < 0 || strcmp(date, to) > 0;
}

/* Chooses a fault for the next answer, or none. */
static inline FakeFault
fake_choose_fault(bool list)
{
	FakeFault fault;

	if (fake_faults == 0 || (int) fake_number(100) >= fake_fault_percent)
		return FAKE_NONE;
	do
		fault = (FakeFault) fake_number(FAKE_FAULTS);
	while ((fake_faults >> fault & 1) == 0);
	if (list && (fault == FAKE_SHORT || fault == FAKE_WHOLE || fault == FAKE_RANGE ||
	             fault == FAKE_ETAG_CHANGED || fault == FAKE_412 || fault == FAKE_404))
		return FAKE_NONE;
	return !list && fault == FAKE_CUT_LIST ? FAKE_NONE : fault;
}

/* Makes the answer to a request. */
static inline void
fake_answer(FlowHttpRequest *request, FakeAnswer *answer)
{
	const char *path = strstr(request->url, "/bucket/");
	bool list = strstr(request->url, "list-type=2") != NULL;
	char key[600] = "", *out = key;

	CHECK(path != NULL && fake_asked(request, "authorization") != NULL);
	for (const char *p = path + strlen("/bucket/"); *p != '\0' && *p != '?'; p++)
		if (*p == '%')
		{
			*out++ = (char) (fake_hex(p[1]) * 16 + fake_hex(p[2]));
			p += 2;
		}
		else
			*out++ = *p;
	*out = '\0';

	answer->fault = fake_choose_fault(list);
	fake_requests++;
	fake_fatal += answer->fault >= FAKE_REPAIRABLE;
	answer->until = SIZE_MAX;
	if (strstr(fake_asked(request, "authorization"), fake_region) == NULL)
	{
		fake_error(request, answer, 301, "PermanentRedirect");
		fake_add_field(request, "x-amz-bucket-region", fake_region);
	}
	else if (answer->fault == FAKE_500)
		fake_error(request, answer, 500, "");
	else if (answer->fault == FAKE_503)
		fake_error(request, answer, 503, "SlowDown");
	else if (fake_is_skewed(request))
	{
		fake_error(request, answer, 403, "RequestTimeTooSkewed");
		fake_add_field(request, "date", "now");
	}
	else if (answer->fault == FAKE_412)
		fake_error(request, answer, 412, "PreconditionFailed");
	else if (answer->fault == FAKE_404)
		fake_error(request, answer, 404, "NoSuchKey");
	else if (answer->fault == FAKE_403)
		fake_error(request, answer, 403, "AccessDenied");
	else if (list)
		fake_list(request, answer);
	else
		fake_get(request, answer, key);
	if (answer->fault == FAKE_BROKEN)
		answer->until = fake_number(answer->len + 1);
}

/* ---------- flow/s3/http.h ---------- */

FlowStatus
flow_http_create(const FlowHttpSpec *spec, FlowHttp **http, FlowError *error)
{
	(void) error;
	*http = flow_allocate(spec->host, sizeof(FlowHttp));
	if (*http == NULL)
		return flow_error_memory(error);
	**http = (FlowHttp) {.spec = *spec};
	return FLOW_OK;
}

static inline void
fake_end(FlowHttpRequest *request, FlowStatus result)
{
	FakeAnswer *answer = request->transfer;
	FlowHttpRequest **link = &request->http->first;

	fake_working = true;
	while (*link != request)
		link = &(*link)->next;
	*link = request->next;
	request->http->in_flight--;
	free(answer->owned);
	free(answer);
	request->transfer = NULL;
	request->http = NULL;
	request->done = true;
	request->result = result;
	fake_working = false;
}

void
flow_http_cancel(FlowHttpRequest *request)
{
	if (request->transfer != NULL)
		fake_end(request, FLOW_INTERRUPTED);
}

void
flow_http_free(FlowHttp *http)
{
	if (http == NULL)
		return;
	while (http->first != NULL)
		flow_http_cancel(http->first);
	flow_free(http->spec.host, http);
}

void
flow_http_rest(FlowHttp *http)
{
	http->rests++;
}

FlowStatus
flow_http_start(FlowHttp *http, FlowHttpRequest *request, FlowError *error)
{
	FakeAnswer *answer;

	(void) error;
	fake_working = true;
	answer = calloc(1, sizeof(FakeAnswer));
	request->done = false;
	request->http = http;
	request->fields_len = 0;
	request->transfer = answer;
	request->next = http->first;
	http->first = request;
	http->in_flight++;
	if (http->in_flight > fake_most_in_flight)
		fake_most_in_flight = http->in_flight;
	fake_answer(request, answer);
	fake_working = false;
	return FLOW_OK;
}

/* Delivers some bytes of one answer.  Each takes as long as the test wants. */
FlowStatus
flow_http_work(FlowHttp *http, int milliseconds, FlowError *error)
{
	FlowHttpRequest *request = http->first;
	FakeAnswer *answer;
	size_t len;

	if (flow_interrupted(http->spec.host))
		return flow_error_interrupted(error);
	if (request == NULL)
	{
		fake_now += milliseconds * 1000;
		return FLOW_OK;
	}
	fake_now += fake_latency / http->in_flight;
	for (uint64_t i = fake_number((uint64_t) http->in_flight); i > 0; i--)
		request = request->next;
	answer = request->transfer;
	request->status = answer->status;
	len = answer->len - answer->given;
	if (len > 0 && fake_number(4) == 0)
		len = fake_number(len) + 1;
	if (answer->given + len > answer->until)
		len = answer->until - answer->given;
	if (len > 0 && !request->receive(request, answer->body + answer->given, len))
	{
		fake_end(request, FLOW_LIMIT);
		return FLOW_OK;
	}
	answer->given += len;
	if (answer->given == answer->until)
	{
		snprintf(request->reason, sizeof(request->reason), "it broke");
		fake_end(request, FLOW_IO);
	}
	else if (answer->given == answer->len)
		fake_end(request, FLOW_OK);
	return FLOW_OK;
}

FlowStatus
flow_http_fetch(FlowHttp *http, FlowHttpRequest *request, FlowError *error)
{
	(void) http;
	(void) request;
	return flow_error_set(error, FLOW_IO, "nobody gives keys away");
}

const char *
flow_http_field(const FlowHttpRequest *request, const char *name)
{
	for (const char *p = request->fields_text; p < request->fields_text + request->fields_len;
	     p += strlen(p) + 1)
	{
		const char *value = p + strlen(p) + 1;

		if (strcmp(p, name) == 0)
			return value;
		p = value;
	}
	return NULL;
}

int64_t
flow_http_date(const char *text)
{
	return strcmp(text, "now") == 0 ? (int64_t) time(NULL) + fake_ahead : -1;
}

#endif /* FAKE_HTTP_H */
