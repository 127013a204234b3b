/*-------------------------------------------------------------------------
 *
 * model_http.h
 *	  A store that the test plays: flow/s3/http.h without a network.
 *
 * Objects are bytes in memory, time is a number, and faults happen at random,
 * as often as the test wants.  Wrong answers are counted, so that a test knows
 * whether a scan had to fail.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MODEL_HTTP_H
#define MODEL_HTTP_H

#include "unit.h"

#include "../../flow/s3/s3_store.h"

#define MODEL_OBJECTS 64
#define MODEL_ETAG 40

typedef struct ModelObject
{
	char key[256];
	char etag[MODEL_ETAG];
	uint8_t *data;
	size_t size;
	bool gone; /* true if it was deleted after the listing */
} ModelObject;

typedef enum ModelFault
{
	MODEL_NONE,
	MODEL_BROKEN, /* the connection breaks after some bytes */
	MODEL_SHORT,  /* the answer ends too early, but looks complete */
	MODEL_500,    /* without a body */
	MODEL_503,    /* SlowDown */
	MODEL_WHOLE,  /* the whole object instead of a part */
	/*
	 * Number of the faults that a scan must survive if they do not happen too
	 * often.
	 */
	MODEL_REPAIRABLE,

	MODEL_RANGE = MODEL_REPAIRABLE, /* another range than requested */
	MODEL_ETAG_CHANGED,             /* another ETag in the answer */
	MODEL_412,
	MODEL_404,
	MODEL_403,
	MODEL_CUT_LIST, /* the end of the list is missing, but the answer looks complete */
	MODEL_FAULTS
} ModelFault;

typedef struct ModelAnswer
{
	ModelFault fault;
	int status;
	const char *body;
	char *owned; /* the body if it was allocated */
	size_t len;
	size_t given;
	size_t until; /* number of bytes after which the connection breaks */
} ModelAnswer;

struct FlowHttp
{
	FlowHttpSpec spec;
	FlowHttpRequest *first;
	int in_flight;
	int rests; /* how often the connections were closed */
};

/* settings of the test */
static ModelObject model_objects[MODEL_OBJECTS]; /* sorted by key */
static size_t model_nobjects;
static size_t model_page_size = 1000;
static uint32_t model_faults;   /* bits of ModelFault */
static int model_fault_percent; /* of requests */
/* requests signed for another region are redirected */
static const char *model_region = "us-east-1";
/*
 * Number of seconds by which its clock is ahead.  Requests that differ by more
 * than 15 minutes are rejected.
 */
static int64_t model_ahead;
static uint64_t model_random = 88172645463325252u;
static int64_t model_now; /* of the host's clock */
static int64_t model_latency = 30000;

/*
 * true while it allocates for itself: tests that let allocations fail spare
 * these
 */
static bool model_working;

/* results */
static uint64_t model_requests, model_lists, model_fatal;
static uint64_t model_asked_bytes; /* of objects */
static int model_most_in_flight;
static char model_listed[64][300]; /* the prefixes of lists, as in the query */

static inline uint64_t
model_number(uint64_t below)
{
	model_random ^= model_random << 13;
	model_random ^= model_random >> 7;
	model_random ^= model_random << 17;
	return model_random % below;
}

/* ---------- answers ---------- */

static inline void
model_add_field(FlowHttpRequest *request, const char *name, const char *value)
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
model_asked(const FlowHttpRequest *request, const char *name)
{
	for (int i = 0; i < request->nfields; i++)
		if (strcmp(request->fields[i].name, name) == 0)
			return request->fields[i].value;
	return NULL;
}

static inline void
model_error(FlowHttpRequest *request, ModelAnswer *answer, int status, const char *code)
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
model_hex(char c)
{
	return c <= '9' ? c - '0' : c - 'A' + 10;
}

/* Decodes a parameter of the URL's query.  Returns false if it is missing. */
static inline bool
model_parameter(const char *url, const char *name, char *value)
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
					*value++ = (char) (model_hex(p[1]) * 16 + model_hex(p[2]));
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
model_encode(FILE *out, const char *text)
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
model_list(FlowHttpRequest *request, ModelAnswer *answer)
{
	char prefix[1100] = "", delimiter[8] = "", after[1100] = "", most[16] = "";
	char last[1100] = "";
	size_t count = 0, limit = model_page_size;
	bool more = false;
	char *text;
	FILE *out;

	model_parameter(request->url, "prefix", prefix);
	model_parameter(request->url, "delimiter", delimiter);
	model_parameter(request->url, "continuation-token", after);
	if (model_parameter(request->url, "max-keys", most))
		limit = (size_t) atoi(most);
	if (model_lists < 64)
		snprintf(model_listed[model_lists], sizeof(model_listed[0]), "%s", prefix);
	model_lists++;

	out = open_memstream(&text, &answer->len);
	fprintf(out,
	        "<?xml version=\"1.0\"?>\n<ListBucketResult "
	        "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>bucket</"
	        "Name><EncodingType>url</EncodingType>");
	for (size_t i = 0; i < model_nobjects; i++)
	{
		const ModelObject *object = &model_objects[i];
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
		model_encode(out, last);
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
		model_encode(out, last); /* these keys need no further encoding */
		fprintf(out, "</NextContinuationToken>");
	}
	fprintf(out, "</ListBucketResult>");
	fclose(out);
	answer->status = 200;
	answer->owned = text;
	answer->body = text;
	if (answer->fault == MODEL_CUT_LIST)
		answer->len = model_number(answer->len);
}

/* Answers GetObject. */
static inline void
model_get(FlowHttpRequest *request, ModelAnswer *answer, const char *key)
{
	ModelObject *object = NULL;
	const char *range = model_asked(request, "range"), *match = model_asked(request, "if-match");
	unsigned long long from = 0, to;
	char text[100];

	for (size_t i = 0; i < model_nobjects; i++)
		if (strcmp(model_objects[i].key, key) == 0)
			object = &model_objects[i];
	if (object == NULL || object->gone)
	{
		model_error(request, answer, 404, "NoSuchKey");
		return;
	}
	if (match != NULL && strcmp(match, object->etag) != 0)
	{
		model_error(request, answer, 412, "PreconditionFailed");
		return;
	}
	to = object->size - 1;
	answer->status = 200;
	if (range != NULL && answer->fault != MODEL_WHOLE)
	{
		CHECK_INT(sscanf(range, "bytes=%llu-%llu", &from, &to), 2);
		CHECK(from <= to && to < object->size);
		answer->status = 206;
		if (answer->fault == MODEL_RANGE && from > 0)
			from--;
		snprintf(text, sizeof(text), "bytes %llu-%llu/%zu", from, to, object->size);
		model_add_field(request, "content-range", text);
	}
	answer->body = (const char *) object->data + from;
	answer->len = (size_t) (to - from + 1);
	model_asked_bytes += answer->len;
	snprintf(text, sizeof(text), "%zu", answer->len);
	if (answer->fault != MODEL_SHORT)
		model_add_field(request, "content-length", text);
	model_add_field(request,
	                "etag",
	                answer->fault == MODEL_ETAG_CHANGED ? "\"other\"" : object->etag);
	if (answer->fault == MODEL_SHORT)
		answer->len = model_number(answer->len);
}

/*
 * Returns true if the clocks differ too much.  Times as text can be compared
 * as text.
 */
static inline bool
model_is_skewed(const FlowHttpRequest *request)
{
	const char *date = model_asked(request, "x-amz-date");
	char from[FLOW_S3_TIME_TEXT], to[FLOW_S3_TIME_TEXT];

	flow_s3_time_text((int64_t) time(NULL) + model_ahead - 900, from);
	flow_s3_time_text((int64_t) time(NULL) + model_ahead + 900, to);
	return strcmp(date, from) < 0 || strcmp(date, to) > 0;
}

/* Chooses a fault for the next answer, or none. */
static inline ModelFault
model_choose_fault(bool list)
{
	ModelFault fault;

	if (model_faults == 0 || (int) model_number(100) >= model_fault_percent)
		return MODEL_NONE;
	do
		fault = (ModelFault) model_number(MODEL_FAULTS);
	while ((model_faults >> fault & 1) == 0);
	if (list && (fault == MODEL_SHORT || fault == MODEL_WHOLE || fault == MODEL_RANGE ||
	             fault == MODEL_ETAG_CHANGED || fault == MODEL_412 || fault == MODEL_404))
		return MODEL_NONE;
	return !list && fault == MODEL_CUT_LIST ? MODEL_NONE : fault;
}

/* Makes the answer to a request. */
static inline void
model_answer(FlowHttpRequest *request, ModelAnswer *answer)
{
	const char *path = strstr(request->url, "/bucket/");
	bool list = strstr(request->url, "list-type=2") != NULL;
	char key[600] = "", *out = key;

	CHECK(path != NULL && model_asked(request, "authorization") != NULL);
	for (const char *p = path + strlen("/bucket/"); *p != '\0' && *p != '?'; p++)
		if (*p == '%')
		{
			*out++ = (char) (model_hex(p[1]) * 16 + model_hex(p[2]));
			p += 2;
		}
		else
			*out++ = *p;
	*out = '\0';

	answer->fault = model_choose_fault(list);
	model_requests++;
	model_fatal += answer->fault >= MODEL_REPAIRABLE;
	answer->until = SIZE_MAX;
	if (strstr(model_asked(request, "authorization"), model_region) == NULL)
	{
		model_error(request, answer, 301, "PermanentRedirect");
		model_add_field(request, "x-amz-bucket-region", model_region);
	}
	else if (answer->fault == MODEL_500)
		model_error(request, answer, 500, "");
	else if (answer->fault == MODEL_503)
		model_error(request, answer, 503, "SlowDown");
	else if (model_is_skewed(request))
	{
		model_error(request, answer, 403, "RequestTimeTooSkewed");
		model_add_field(request, "date", "now");
	}
	else if (answer->fault == MODEL_412)
		model_error(request, answer, 412, "PreconditionFailed");
	else if (answer->fault == MODEL_404)
		model_error(request, answer, 404, "NoSuchKey");
	else if (answer->fault == MODEL_403)
		model_error(request, answer, 403, "AccessDenied");
	else if (list)
		model_list(request, answer);
	else
		model_get(request, answer, key);
	if (answer->fault == MODEL_BROKEN)
		answer->until = model_number(answer->len + 1);
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
model_end(FlowHttpRequest *request, FlowStatus result)
{
	ModelAnswer *answer = request->transfer;
	FlowHttpRequest **link = &request->http->first;

	model_working = true;
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
	model_working = false;
}

void
flow_http_cancel(FlowHttpRequest *request)
{
	if (request->transfer != NULL)
		model_end(request, FLOW_INTERRUPTED);
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

void
flow_http_allow(FlowHttp *http, int connections)
{
	http->spec.max_connections = connections;
}

FlowStatus
flow_http_start(FlowHttp *http, FlowHttpRequest *request, FlowError *error)
{
	ModelAnswer *answer;

	(void) error;
	model_working = true;
	answer = calloc(1, sizeof(ModelAnswer));
	request->done = false;
	request->http = http;
	request->fields_len = 0;
	request->transfer = answer;
	request->next = http->first;
	http->first = request;
	http->in_flight++;
	CHECK(http->in_flight <= http->spec.max_connections);
	if (http->in_flight > model_most_in_flight)
		model_most_in_flight = http->in_flight;
	model_answer(request, answer);
	model_working = false;
	return FLOW_OK;
}

/* Delivers some bytes of one answer.  Each takes as long as the test wants. */
FlowStatus
flow_http_work(FlowHttp *http, int milliseconds, FlowError *error)
{
	FlowHttpRequest *request = http->first;
	ModelAnswer *answer;
	size_t len;

	if (flow_interrupted(http->spec.host))
		return flow_error_interrupted(error);
	if (request == NULL)
	{
		model_now += milliseconds * 1000;
		return FLOW_OK;
	}
	model_now += model_latency / http->in_flight;
	for (uint64_t i = model_number((uint64_t) http->in_flight); i > 0; i--)
		request = request->next;
	answer = request->transfer;
	request->status = answer->status;
	len = answer->len - answer->given;
	if (len > 0 && model_number(4) == 0)
		len = model_number(len) + 1;
	if (answer->given + len > answer->until)
		len = answer->until - answer->given;
	if (len > 0 && !request->receive(request, answer->body + answer->given, len))
	{
		model_end(request, FLOW_LIMIT);
		return FLOW_OK;
	}
	answer->given += len;
	if (answer->given == answer->until)
	{
		snprintf(request->reason, sizeof(request->reason), "it broke");
		model_end(request, FLOW_IO);
	}
	else if (answer->given == answer->len)
		model_end(request, FLOW_OK);
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
	return strcmp(text, "now") == 0 ? (int64_t) time(NULL) + model_ahead : -1;
}

#endif /* MODEL_HTTP_H */
