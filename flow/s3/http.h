/*-------------------------------------------------------------------------
 *
 * http.h
 *	  Requests over HTTP, many at a time.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_HTTP_H
#define FLOW_HTTP_H

#include "internal.h"

#define FLOW_HTTP_FIELDS_ROOM 4096 /* size of the buffer for the header fields of an answer */

/* A header field. */
typedef struct FlowHttpField
{
	const char *name; /* lower case */
	const char *value;
} FlowHttpField;

/* Requests share the connections of a FlowHttp. */
typedef struct FlowHttp FlowHttp;

/*
 * A request, from flow_http_start until it is done or cancelled by
 * flow_http_cancel.  The caller owns it.  Everything that it points to must
 * live as long.
 */
typedef struct FlowHttpRequest
{
	/* the request */
	const char *method;
	const char *url;
	const FlowHttpField *fields;
	int nfields;
	const char *body; /* NULL if there is none */
	size_t body_len;
	int connect_ms; /* maximum time to connect; 0: 5,000 */
	/* maximum time for the whole request; 0: limited only by stalls */
	int answer_ms;
	size_t expected; /* about the bytes of the answer's body; 0: not known */

	/*
	 * Receives a part of the answer's body.  "status" is already known.
	 * Returns false if no more is wanted: the request then ends with
	 * FLOW_LIMIT.
	 */
	bool (*receive)(struct FlowHttpRequest *request, const char *data, size_t len);
	void *arg; /* for the caller */

	/* the answer */
	bool done;
	/*
	 * FLOW_OK: the whole answer is here, with any status.  FLOW_NOT_ALLOWED:
	 * no address was allowed.  FLOW_NO_MEMORY, FLOW_LIMIT.  FLOW_IO: the
	 * connection failed, and "reason" says why.
	 */
	FlowStatus result;
	int status;   /* HTTP status; 0 if none was received */
	int os_errno; /* of FLOW_IO: the error of socket(2); 0 if that did not fail */
	char reason[256];
	/* "name\0value\0" for each field, with names in lower case */
	char fields_text[FLOW_HTTP_FIELDS_ROOM];
	size_t fields_len;

	/* private to http.c */
	FlowHttp *http;
	struct FlowHttpRequest *next, *prev;
	void *transfer;
	void *list;
} FlowHttpRequest;

typedef struct FlowHttpSpec
{
	const FlowHost *host;
	const char *ca_file; /* NULL: the system's CA certificates */
	int max_connections;

	/*
	 * Returns true if a connection may be made to this resolved address, "len"
	 * bytes in network order (4 or 16), and port.  "name" is the host of the
	 * URL.
	 */
	bool (*allowed)(void *arg, const char *name, const uint8_t *address, size_t len, int port,
	                bool tls);
	void *allowed_arg;
} FlowHttpSpec;

/* Creates a FlowHttp.  Returns FLOW_OK, FLOW_NO_MEMORY or FLOW_IO. */
extern FlowStatus flow_http_create(const FlowHttpSpec *spec, FlowHttp **http, FlowError *error);
extern void flow_http_free(FlowHttp *http); /* cancels all requests */

/* From now on, there may be so many connections; not fewer than before. */
extern void flow_http_allow(FlowHttp *http, int connections);

/*
 * Closes the connections, unless a request is under way.  The next request
 * opens new ones.
 */
extern void flow_http_rest(FlowHttp *http);

/*
 * Begins a request.  Returns FLOW_OK or FLOW_NO_MEMORY.  Other errors are the
 * result of the request.
 */
extern FlowStatus flow_http_start(FlowHttp *http, FlowHttpRequest *request, FlowError *error);
/* Does nothing if the request is done or was never begun. */
extern void flow_http_cancel(FlowHttpRequest *request);

/*
 * Works on all requests.  Waits at most "milliseconds" for data; 0 means not
 * at all.  May return at any time.  Returns FLOW_OK, FLOW_INTERRUPTED,
 * FLOW_NO_MEMORY or FLOW_IO.
 */
extern FlowStatus flow_http_work(FlowHttp *http, int milliseconds, FlowError *error);

/*
 * Begins a request and works until it is done.  FLOW_OK means that it is done,
 * with any result.
 */
extern FlowStatus flow_http_fetch(FlowHttp *http, FlowHttpRequest *request, FlowError *error);

/*
 * Returns a header field of the answer, NUL-terminated, or NULL if there is
 * none.
 */
extern const char *flow_http_field(const FlowHttpRequest *request, const char *name);

/*
 * Returns the seconds since 1970 for a date in a header field, or -1 if it is
 * invalid.
 */
extern int64_t flow_http_date(const char *text);

#endif /* FLOW_HTTP_H */
