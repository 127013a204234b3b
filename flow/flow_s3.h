/*-------------------------------------------------------------------------
 *
 * flow_s3.h
 *	  The S3 store and its endpoints, as the host of the core sees them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_API_S3_H
#define FLOW_API_S3_H

#include "flow_store.h"

/* ---------- keys ---------- */

/* The keys with which requests are signed. */
typedef struct FlowS3Keys
{
	char access_key_id[256];
	char secret_access_key[256];
	char session_token[4096]; /* empty: none */
} FlowS3Keys;

typedef enum FlowS3Source
{
	FLOW_S3_STATIC,
	FLOW_S3_ANONYMOUS,
	FLOW_S3_ENVIRONMENT, /* AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN */
	/*
	 * AWS_SHARED_CREDENTIALS_FILE, AWS_CONFIG_FILE, AWS_PROFILE, else
	 * ~/.aws/credentials, ~/.aws/config, "default"
	 */
	FLOW_S3_PROFILE,
	FLOW_S3_INSTANCE, /* IMDSv2 */
	/*
	 * AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI,
	 * AWS_CONTAINER_AUTHORIZATION_TOKEN or _TOKEN_FILE
	 */
	FLOW_S3_CONTAINER,
	/*
	 * AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN, AWS_ROLE_SESSION_NAME,
	 * AWS_REGION
	 */
	FLOW_S3_WEB_IDENTITY,
} FlowS3Source;

typedef struct FlowS3Credentials
{
	FlowS3Source source;
	FlowS3Keys keys; /* of FLOW_S3_STATIC, set by the caller; else those last fetched */
	bool known;      /* true once "keys" is set */
	int64_t expires; /* seconds since 1970; 0: never */
	/*
	 * seconds since 1970: keys that are valid but expire soon are not fetched
	 * again before this
	 */
	int64_t retry_at;
} FlowS3Credentials;

/*
 * Looks up an environment variable; NULL if it is not set.  Tests use another
 * function than getenv.
 */
typedef const char *(*FlowS3Environment)(void *arg, const char *name);

/* ---------- the store ---------- */

/*
 * A bucket, how to reach it, and the keys to use.  All of it must outlive the
 * store.
 */
typedef struct FlowS3Spec
{
	const FlowHost *host;
	const char *bucket; /* not NUL-terminated */
	size_t bucket_len;
	const char *region;        /* NULL: taken from the store's answers */
	const char *endpoint_host; /* "host:port" or "host"; NULL: AWS's */
	bool endpoint_plain;       /* connect to it without TLS */
	bool path_style;           /* the bucket's name is in the path, not in the host name */
	bool requester_pays;
	const char *ca_file; /* NULL: the system's */
	int max_connections;
	/*
	 * Asked before more connections are opened than the last time, and again
	 * after the storage's "rest": returns how many may be open, at least one.
	 * NULL: as many as are wanted.
	 */
	int (*connections)(void *arg, int wanted);
	void *connections_arg;
	const char *const *endpoints; /* allowed by the administrator, see flow_endpoint_allows */
	size_t nendpoints;
	FlowS3Credentials *credentials;
	FlowS3Environment environment;
	void *environment_arg;
} FlowS3Spec;

/*
 * Opens the store; defined in the second module.  FLOW_OK, FLOW_NO_MEMORY or
 * FLOW_IO.  The store is freed by its storage's "free".
 */
extern FlowStatus flow_s3_create(const FlowS3Spec *spec, FlowStore **store, FlowError *error);

typedef FlowStatus (*FlowS3Create)(const FlowS3Spec *spec, FlowStore **store, FlowError *error);

/* ---------- endpoint.c: what the administrator allows ---------- */

/*
 * Returns true for a valid entry: a host, "*.suffix", an address or a network,
 * each optionally with ":port" (an IPv6 address is then in brackets).
 */
extern bool flow_endpoint_is_valid(const char *entry);

/*
 * Returns true if a connection may be made to the address (4 or 16 bytes in
 * network order) and port that a name was resolved to.  An entry must match,
 * by address or by name; without any entries, the name must be one of AWS's,
 * reached by TLS.  A name alone never allows an address of this machine or a
 * link-local one: that takes an entry with the address, or "localhost".
 */
extern bool flow_endpoint_allows(const char *const *entries, size_t count, const char *name,
                                 const uint8_t *address, size_t len, int port, bool tls);

#endif /* FLOW_API_S3_H */
