/*-------------------------------------------------------------------------
 *
 * s3_spec.h
 *	  What the wrapper and the S3 store share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_S3_SPEC_H
#define FLOW_S3_SPEC_H

#include "s3.h"

/* A bucket, how to reach it and with whose keys.  All of it must outlive the store. */
typedef struct FlowS3Spec
{
	const FlowHost *host;
	const char *bucket; /* not NUL-terminated */
	size_t bucket_len;
	const char *region;        /* NULL: the store's answers will tell */
	const char *endpoint_host; /* "host:port" or "host"; NULL: AWS's */
	bool endpoint_plain;       /* it is asked without TLS */
	bool path_style;           /* the bucket's name stands in the path, not in the host */
	bool requester_pays;
	const char *ca_file; /* NULL: the system's */
	int max_connections;
	const char *const *endpoints; /* that the administrator allows, see flow_endpoint_allows */
	size_t nendpoints;
	FlowS3Credentials *credentials;
	FlowS3CredentialsSpec credentials_spec; /* without host, http and time */
} FlowS3Spec;

/* in s3.c, of the second module.  FLOW_OK, FLOW_NO_MEMORY or FLOW_IO.  The store is freed by its storage's "free". */
extern FlowStatus flow_s3_create(const FlowS3Spec *spec, FlowStore **store, FlowError *error);

typedef FlowStatus (*FlowS3Create)(const FlowS3Spec *spec, FlowStore **store, FlowError *error);

/* ---------- endpoint.c: what the administrator allows ---------- */

/* Is it an entry: a host, "*.suffix", an address or a network, each perhaps with ":port" (IPv6 in brackets then)? */
extern bool flow_endpoint_is_valid(const char *entry);

/*
 * May a connection be made to the address (4 or 16 bytes in network order) and port that a name was resolved to?  One of the entries must
 * have it, by address or by name; without any, the name must be one of AWS's, reached by TLS.  By its name alone nobody is
 * reached at an address of this machine or of the link: it takes an entry with the address, or "localhost".
 */
extern bool flow_endpoint_allows(const char *const *entries, size_t count, const char *name, const uint8_t *address, size_t len,
                                 int port, bool tls);

#endif /* FLOW_S3_SPEC_H */
