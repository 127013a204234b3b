/*-------------------------------------------------------------------------
 *
 * s3_store.h
 *	  What the files of the S3 store share: its requests, and what has become
 *	  of them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_S3_STORE_H
#define FLOW_S3_STORE_H

#include "s3.h"

#define FLOW_S3_PATH_ROOM 3200 /* of an encoded path: a key has 1,024 bytes, a bucket's name 63 */
#define FLOW_S3_QUERY_ROOM 8192
#define FLOW_S3_URL_ROOM (FLOW_S3_PATH_ROOM + FLOW_S3_QUERY_ROOM + 600)
#define FLOW_S3_FIELDS 10
#define FLOW_S3_FAILURE_ROOM (16 * 1024) /* of an error's body */

typedef struct FlowS3 FlowS3;
typedef struct FlowS3File FlowS3File;
typedef struct FlowS3Listing FlowS3Listing;

/*
 * A request that is repeated as s3_retry.c says until it is finished: done, or
 * failed for good.  Of its bytes none comes twice: after a broken connection
 * only those are asked for that are missing.
 */
typedef struct FlowS3Request
{
	FlowS3 *s3;
	struct FlowS3Request *next, *prev; /* in s3->requests, until it is finished */

	/* the question */
	const char *verb; /* "read", "list", for messages */
	char name[1200];  /* of what: "s3://bucket/key" */
	char path[FLOW_S3_PATH_ROOM];
	char query[FLOW_S3_QUERY_ROOM];
	const char *etag;  /* of the version that is wanted; NULL: any */
	bool ranged;       /* not all of the object: */
	uint64_t from, to; /* the bytes that are wanted */
	uint64_t total;    /* of the object */

	/*
	 * takes what comes; "restart" is called before the answer begins anew.
	 * False: no memory, or "failure" is set
	 */
	bool (*take)(struct FlowS3Request *request, const char *data, size_t len);
	bool (*restart)(struct FlowS3Request *request);
	void *arg;

	/* what came of it */
	bool finished;
	FlowError *failure; /* NULL: it is done */
	uint64_t received;  /* bytes of what is wanted */
	bool starved;       /* it has failed, but there was no memory to say how */

	/* of all attempts */
	int attempts;
	int64_t began, not_before; /* by the host's clock; began is 0 before the first attempt */
	int cost;                  /* tokens the last attempt has cost */
	uint64_t received_before;  /* of "received", what has been worth an attempt */
	bool region_tried, clock_tried, keys_tried;

	/* of this attempt */
	bool under_way;
	uint64_t keys_version;
	char signed_region[64];
	bool judged; /* its answer's header was looked at */
	bool good;   /* and is what was asked for */
	uint64_t skip;
	size_t failure_len;
	char failure_body[FLOW_S3_FAILURE_ROOM];
	FlowHttpRequest http;
	FlowHttpField fields[FLOW_S3_FIELDS];
	int nfields;
	char url[FLOW_S3_URL_ROOM];
	char host_field[400];
	char range_field[64];
	char time_field[FLOW_S3_TIME_TEXT];
	char authorization[FLOW_S3_AUTHORIZATION];
} FlowS3Request;

struct FlowS3
{
	FlowStore store; /* must be first */
	const FlowHost *host;
	FlowS3Spec spec;
	char bucket[64];
	char region[64];
	FlowHttp *http;
	int64_t clock_offset; /* seconds that the store's clock is ahead of ours */
	FlowStoreCounts counts;
	uint64_t keys_version; /* how often they were fetched */
	bool wants_keys;       /* the store did not take those that we have */
	/*
	 * it is doing so right now: connections to where they come from are
	 * allowed
	 */
	bool asks_for_keys;
	int tokens; /* for repeating requests */
	uint64_t random;
	int in_flight;
	FlowS3Request *requests; /* in the order in which they began */
	FlowS3Request *last_request;

	/* s3.c: files, the one that is read or will be read next first */
	FlowS3File *files, *last_file;
	size_t buffered; /* bytes of all buffers */
	FlowS3Listing *listings;
};

/* ---------- s3_request.c ---------- */

/*
 * Begins a request, of which the caller has set the question; its first
 * attempt is made by flow_s3_work.  It ends by flow_s3_drop, whatever has
 * become of it.
 */
extern void flow_s3_begin(FlowS3 *s3, FlowS3Request *request);
extern void flow_s3_drop(FlowS3Request *request);

/* The error with which it has failed; FLOW_OK if it has not. */
extern FlowStatus flow_s3_outcome(const FlowS3Request *request, FlowError *error);

/*
 * Works on all requests; waits for something to happen if "wait" is set.
 * FLOW_OK, FLOW_INTERRUPTED or an error of the connection as such.
 */
extern FlowStatus flow_s3_work(FlowS3 *s3, bool wait, FlowError *error);

/*
 * Sets the failure of a request, with a message about it: 'could not read
 * "s3://bucket/key": MESSAGE'.
 */
extern FlowError *flow_s3_fail(FlowS3Request *request, FlowStatus status, const char *format, ...)
	flow_printf_like(3, 4);

/*
 * Writes "/BUCKET/KEY" or "/KEY", as the store wants it, encoded.  False: too
 * long.
 */
extern bool flow_s3_set_path(FlowS3Request *request, const char *key, size_t len);

/*
 * ---------- s3_retry.c: what to do about an answer (pure functions)
 * ----------
 */

typedef enum FlowS3Remedy
{
	FLOW_S3_NONE,   /* it is final */
	FLOW_S3_AGAIN,  /* something went wrong on the way, or over there */
	FLOW_S3_SLOWER, /* the store has too much to do */
	FLOW_S3_REGION, /* it is another's region: which, the answer says */
	FLOW_S3_CLOCK,  /* our clock, or theirs, is wrong */
	FLOW_S3_KEYS    /* the keys are not good any more */
} FlowS3Remedy;

#define FLOW_S3_ATTEMPTS 5
#define FLOW_S3_TOKENS 500
#define FLOW_S3_DEADLINE (120 * INT64_C(1000000)) /* microseconds, for all attempts */
#define FLOW_S3_PROGRESS (1024 * 1024)            /* bytes that came are worth an attempt */

/* status: of HTTP, 0 if no whole answer came; code: as in its body, or "". */
extern FlowS3Remedy flow_s3_remedy(int status, const char *code);

/* What a final answer means to the host. */
extern FlowStatus flow_s3_status(int status, const char *code);

/*
 * Microseconds to wait before attempt "attempt" (the second is 1);
 * retry_after: seconds that the store asks for, -1: it does not.
 */
extern int64_t flow_s3_backoff(int attempt, FlowS3Remedy remedy, uint64_t random,
                               int64_t retry_after);
extern int flow_s3_cost(FlowS3Remedy remedy);

/* ---------- s3_list.c ---------- */

extern FlowStatus flow_s3_list(FlowStore *store, const FlowLocation *location,
                               const FlowPruner *pruner, bool wait, void **state,
                               FlowObjects *objects, FlowError *error);
extern void flow_s3_end_list(void *state);
extern FlowStatus flow_s3_suspend_list(void *state, FlowObjects *objects, char **bytes, size_t *len,
                                       FlowError *error);
extern FlowStatus flow_s3_resume_list(FlowStore *store, const FlowLocation *location,
                                      const FlowPruner *pruner, const char *bytes, size_t len,
                                      void **state, FlowError *error);

/* ---------- inline ---------- */

static inline int64_t
flow_s3_clock(const FlowS3 *s3)
{
	return s3->host->clock(s3->host->arg);
}

#endif /* FLOW_S3_STORE_H */
