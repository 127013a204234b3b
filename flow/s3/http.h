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

#define FLOW_HTTP_FIELDS_ROOM 4096 /* of the answer's header fields that somebody may ask for */

/* A header field. */
typedef struct FlowHttpField
{
	const char *name; /* lower case */
	const char *value;
} FlowHttpField;

/* Requests share the connections of a FlowHttp. */
typedef struct FlowHttp FlowHttp;

/*
 * A request, from flow_http_start until flow_http_cancel or, if that comes
 * first, until it is done.  The caller owns it, and what it points to must
 * live as long.
 */
typedef struct FlowHttpRequest
{
	/* the question */
	const char *method;
	const char *url;
	const FlowHttpField *fields;
	int nfields;
	const char *body; /* NULL: none */
	size_t body_len;
	int connect_ms; /* until there is a connection, at most; 0: 5,000 */
	/*
	 * from the beginning to the end of all, at most; 0: no limit but that of
	 * stalls
	 */
	int answer_ms;

	/*
	 * Takes a part of the answer's body; "status" is known by then.  False: no
	 * more of it is wanted, and the request ends with FLOW_LIMIT.
	 */
	bool (*receive)(struct FlowHttpRequest *request, const char *data, size_t len);
	void *arg; /* of the caller's own */

	/* the answer */
	bool done;
	/*
	 * FLOW_OK: the whole answer is here, whatever its status.  FLOW_NOT_ALLOWED:
	 * no address was allowed.  FLOW_NO_MEMORY, FLOW_LIMIT.  FLOW_IO: the
	 * connection failed, "reason" says how.
	 */
	FlowStatus result;
	int status;   /* of HTTP; 0: none came */
	int os_errno; /* of FLOW_IO: why there is no socket; 0: that was not the reason */
	char reason[256];
	/* "name\0value\0", one behind the other, names in lower case */
	char fields_text[FLOW_HTTP_FIELDS_ROOM];
	size_t fields_len;

	/* http.c's own */
	FlowHttp *http;
	struct FlowHttpRequest *next, *prev;
	void *transfer;
	void *list;
} FlowHttpRequest;

typedef struct FlowHttpSpec
{
	const FlowHost *host;
	const char *ca_file; /* NULL: the system's */
	int max_connections;

	/*
	 * May a connection be made to this resolved address, of so many bytes in
	 * network order (4 or 16), and port? "name" is the host of the URL.
	 */
	bool (*allowed)(void *arg, const char *name, const uint8_t *address, size_t len, int port,
	                bool tls);
	void *allowed_arg;
} FlowHttpSpec;

/* FLOW_OK, FLOW_NO_MEMORY or FLOW_IO. */
extern FlowStatus flow_http_create(const FlowHttpSpec *spec, FlowHttp **http, FlowError *error);
extern void flow_http_free(FlowHttp *http); /* cancels what is under way */

/*
 * Closes the connections, unless a request is under way; the next request
 * makes new ones.
 */
extern void flow_http_rest(FlowHttp *http);

/*
 * Begins a request.  FLOW_OK or FLOW_NO_MEMORY; what else is wrong is the
 * request's result.
 */
extern FlowStatus flow_http_start(FlowHttp *http, FlowHttpRequest *request, FlowError *error);
/* of one that is done, or was never begun: nothing */
extern void flow_http_cancel(FlowHttpRequest *request);

/*
 * Works on all requests, and waits at most so many milliseconds for something
 * to come, 0 for not at all.  Returns when anything may have happened.
 * FLOW_OK, FLOW_INTERRUPTED, FLOW_IO.
 */
extern FlowStatus flow_http_work(FlowHttp *http, int milliseconds, FlowError *error);

/*
 * Begins a request and works until it is done.  FLOW_OK: it is, with whatever
 * result.
 */
extern FlowStatus flow_http_fetch(FlowHttp *http, FlowHttpRequest *request, FlowError *error);

/* A header field of the answer, NUL-terminated; NULL: it has none. */
extern const char *flow_http_field(const FlowHttpRequest *request, const char *name);

/* Seconds since 1970 of a date as header fields have it; -1: it is none. */
extern int64_t flow_http_date(const char *text);

#endif /* FLOW_HTTP_H */
