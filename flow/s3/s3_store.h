/*-------------------------------------------------------------------------
 *
 * s3_store.h
 *	  What the files of the S3 store share: its requests, and their results.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_S3_STORE_H
#define FLOW_S3_STORE_H

#include "s3.h"

/* of an encoded path: a key has at most 1,024 bytes, a bucket's name 63 */
#define FLOW_S3_PATH_ROOM 3200
#define FLOW_S3_QUERY_ROOM 8192
#define FLOW_S3_FIELDS 10
#define FLOW_S3_FAILURE_ROOM (16 * 1024) /* for the body of an error */

typedef struct FlowS3 FlowS3;
typedef struct FlowS3File FlowS3File;
typedef struct FlowS3Listing FlowS3Listing;

/* How the number of requests under way grows. */
typedef enum FlowS3Growth
{
	FLOW_S3_DOUBLES, /* by one with each answer */
	FLOW_S3_RESTS,   /* not for some time, as it was of no use */
	FLOW_S3_ADDS     /* by one with each round of answers */
} FlowS3Growth;

/* How many requests are under way at a time: see s3_pace.c. */
typedef struct FlowS3Pace
{
	int limit, most;
	FlowS3Growth growth;
	bool hungry;    /* in the last round, the reader has waited for answers */
	double rate;    /* bytes in a microsecond in the last round */
	int flat;       /* rounds in which the limit grew in vain */
	int rest;       /* rounds until it may grow again */
	int64_t cut_at; /* when the limit was cut, by the host's clock; 0: never */

	/* of the current round of answers */
	int64_t round_began;
	int round_size, answers;
	uint64_t bytes;
	int64_t waited; /* microseconds that the reader has waited at the limit */
} FlowS3Pace;

/*
 * What a request needs while an attempt is under way.  It is allocated for
 * that, because many more requests wait, or have their data, than are under
 * way.
 */
typedef struct FlowS3Attempt
{
	uint64_t keys_version;
	char signed_region[64];
	int64_t began;      /* by the host's clock */
	bool judged;        /* the answer's header was checked */
	bool good;          /* the header is that of the wanted data */
	uint64_t skip;      /* number of bytes of the body to skip */
	char *failure_body; /* of an error; NULL before its first byte */
	size_t failure_len;
	FlowHttpRequest http;
	FlowHttpField fields[FLOW_S3_FIELDS];
	int nfields;
	char host_field[400];
	char range_field[64];
	char time_field[FLOW_S3_TIME_TEXT];
	char authorization[FLOW_S3_AUTHORIZATION];
	char url[];
} FlowS3Attempt;

/*
 * A request that is repeated, according to s3_retry.c, until it is finished:
 * done, or failed finally.  No byte is passed on twice: after a broken
 * connection only the missing bytes are requested.
 */
typedef struct FlowS3Request
{
	FlowS3 *s3;
	struct FlowS3Request *next, *prev; /* in s3->requests, until it is finished */

	/* the request */
	const char *verb;  /* "read" or "list", for messages */
	const char *name;  /* of the object or the prefix: "s3://bucket/key" */
	char *target;      /* see flow_s3_set_target */
	const char *etag;  /* of the version that is wanted; NULL: any */
	bool ranged;       /* only a part of the object is wanted */
	uint64_t from, to; /* the bytes that are wanted */
	uint64_t total;    /* size of the object */

	/*
	 * "take" receives data.  "restart" is called before the answer begins
	 * again.  They return false if there is no memory, or after "failure" was
	 * set.
	 */
	bool (*take)(struct FlowS3Request *request, const char *data, size_t len);
	bool (*restart)(struct FlowS3Request *request);
	void *arg;

	/* the result */
	bool finished;
	FlowError *failure; /* NULL if it has not failed */
	uint64_t received;  /* number of wanted bytes received */
	bool starved;       /* it has failed without memory for "failure" */

	/* of all attempts */
	int attempts;
	int64_t began, not_before; /* by the host's clock; began is 0 before the first attempt */
	int cost;                  /* number of tokens that the last attempt has cost */
	uint64_t received_before;  /* part of "received" that was already credited as an attempt */
	bool region_tried, clock_tried, keys_tried;

	FlowS3Attempt *attempt; /* NULL: none is under way */
} FlowS3Request;

struct FlowS3
{
	FlowStore store; /* must be first */
	const FlowHost *host;
	FlowS3Spec spec;
	char bucket[64];
	char region[64];
	FlowHttp *http;
	int64_t clock_offset; /* number of seconds by which the store's clock is ahead of ours */
	FlowStoreCounts counts;
	uint64_t keys_version; /* number of times that the keys were fetched */
	bool wants_keys;       /* the store has rejected our keys */
	/* keys are being fetched: connections to their source are allowed */
	bool asks_for_keys;
	int tokens; /* for repeating requests */
	uint64_t random;
	int in_flight;
	FlowS3Pace pace;
	int connections;         /* that may be open; 0: the host was not asked yet */
	bool held;               /* more would be requested if more could be under way */
	FlowS3Request *requests; /* in the order in which they began */
	FlowS3Request *last_request;
	int nrequests; /* of these */

	/* of s3.c: files, in the order in which they are read */
	FlowS3File *files, *last_file;
	int nfiles;
	size_t buffered; /* size of all pieces */
	FlowS3Listing *listings;
};

/* ---------- s3_request.c ---------- */

/*
 * Begins a request.  The caller has set the members of its first part, under
 * "the request".  flow_s3_work makes the first attempt, and flow_s3_drop ends
 * the request, whatever its state.
 */
extern void flow_s3_begin(FlowS3 *s3, FlowS3Request *request);
extern void flow_s3_drop(FlowS3Request *request);

/* Returns the error with which the request has failed, or FLOW_OK. */
extern FlowStatus flow_s3_outcome(const FlowS3Request *request, FlowError *error);

/*
 * Works on all requests, and waits for progress if "wait" is set.  Returns
 * FLOW_OK, FLOW_INTERRUPTED or an error of the connections or the keys.
 */
extern FlowStatus flow_s3_work(FlowS3 *s3, bool wait, FlowError *error);

/*
 * Sets the target to "/BUCKET/KEY?QUERY", or without bucket or query, as the
 * store requires, encoded.  The query is encoded already.  Returns FLOW_OK,
 * FLOW_NO_MEMORY, or FLOW_LIMIT if the key is too long.
 */
extern FlowStatus flow_s3_set_target(FlowS3Request *request, const char *key, size_t len,
                                     const char *query);

/* ---------- s3_answer.c ---------- */

/* FlowHttpRequest's receive; its arg is the FlowS3Request. */
extern bool flow_s3_receive(FlowHttpRequest *http, const char *data, size_t len);

/*
 * Processes the end of an attempt.  Returns true if the request is done or has
 * failed; otherwise it is to be repeated.
 */
extern bool flow_s3_take_end(FlowS3Request *request);

/*
 * Sets the failure of a request, with the message 'could not read
 * "s3://bucket/key": MESSAGE'.  Returns NULL if there is no memory.
 */
extern FlowError *flow_s3_fail(FlowS3Request *request, FlowStatus status, const char *format, ...)
	flow_printf_like(3, 4);

/* ---------- s3_retry.c: what to do after an answer ---------- */

typedef enum FlowS3Remedy
{
	FLOW_S3_NONE,   /* the answer is final */
	FLOW_S3_AGAIN,  /* the connection failed, or the store had an internal error */
	FLOW_S3_SLOWER, /* the store is overloaded */
	FLOW_S3_REGION, /* the bucket is in another region, which the answer names */
	FLOW_S3_CLOCK,  /* our clock, or the store's, is wrong */
	FLOW_S3_KEYS    /* the keys are no longer valid */
} FlowS3Remedy;

#define FLOW_S3_ATTEMPTS 5
#define FLOW_S3_TOKENS 500                        /* for FLOW_S3_FIRST connections */
#define FLOW_S3_DEADLINE (120 * INT64_C(1000000)) /* microseconds, for all attempts */
/* number of received bytes that is worth an attempt */
#define FLOW_S3_PROGRESS (1024 * 1024)

/*
 * Returns what to do after an answer.  "status" is the HTTP status, or 0 if no
 * whole answer was received.  "code" is the one in its body, or "".
 */
extern FlowS3Remedy flow_s3_remedy(int status, const char *code);

/* Returns the error for the host if the answer is final. */
extern FlowStatus flow_s3_status(int status, const char *code);

/*
 * Returns the microseconds to wait before attempt number "attempt", where the
 * second attempt is 1.  "retry_after" is the number of seconds that the store
 * requests, or -1.
 */
extern int64_t flow_s3_backoff(int attempt, FlowS3Remedy remedy, uint64_t random,
                               int64_t retry_after);
/* Returns the number of tokens that a repetition costs. */
extern int flow_s3_cost(FlowS3Remedy remedy);

/* ---------- s3_pace.c: how many requests are under way ---------- */

/* The limit begins with this. */
#define FLOW_S3_FIRST 16

/* Times are those of the host's clock, in microseconds. */
extern void flow_s3_pace_begin(FlowS3Pace *pace, int limit, int most, int64_t now);
/* The reader has waited for some time while the limit was reached. */
extern void flow_s3_pace_wait(FlowS3Pace *pace, int64_t microseconds);
/* A request has got its answer, of some bytes. */
extern void flow_s3_pace_answer(FlowS3Pace *pace, uint64_t bytes, int64_t now);
/*
 * An attempt that began at "began" has failed, but may be repeated.
 * "overloaded": the store, or this machine, wants fewer of them.
 */
extern void flow_s3_pace_failure(FlowS3Pace *pace, bool overloaded, int64_t began, int64_t now);
/* Asks the host for as many connections as requests may be under way. */
extern void flow_s3_connect(FlowS3 *s3);

/* ---------- s3_list.c ---------- */

extern FlowStatus flow_s3_list(FlowStore *store, const FlowLocation *location,
                               const FlowPruner *pruner, bool wait, void **state,
                               FlowObjects *objects, FlowError *error);
extern void flow_s3_end_list(void *state);
extern FlowStatus flow_s3_check_list(FlowStore *store, const FlowLocation *location,
                                     FlowError *error);

/* ---------- s3_list_save.c ---------- */

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
