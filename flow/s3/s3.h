/*-------------------------------------------------------------------------
 *
 * s3.h
 *	  What the files that read from S3 share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_S3_H
#define FLOW_S3_H

#include "flow_s3.h"
#include "http.h"

/* ---------- s3_sign.c: AWS Signature Version 4 ---------- */

/* Wipes keys in a way that no compiler optimizes away. */
extern void flow_s3_keys_wipe(FlowS3Keys *keys);

#define FLOW_S3_HASH_TEXT 65 /* hexadecimal digits of SHA-256, and a NUL */
#define FLOW_S3_TIME_TEXT 17 /* "20130524T000000Z" and a NUL */

/* Computes SHA-256.  The hash is "" if there is no memory. */
extern void flow_s3_hash(const void *data, size_t len, char hash[FLOW_S3_HASH_TEXT]);

/*
 * Writes seconds since 1970 as "20130524T000000Z", or "" for times outside of
 * the years 1000 to 9999.
 */
extern void flow_s3_time_text(int64_t seconds, char text[FLOW_S3_TIME_TEXT]);

/*
 * Encodes bytes for a URL as SigV4 requires: all except A-Z a-z 0-9 - . _ ~
 * become %XX in upper case, and also "/" unless copy_slashes is set.  Writes
 * no NUL.  Returns the length, at most 3 * len.  If "out" is NULL, only
 * returns the length.
 */
extern size_t flow_s3_encode(const char *text, size_t len, bool copy_slashes, char *out);

/* A parameter of a query, not encoded. */
typedef struct FlowS3Parameter
{
	const char *name;
	const char *value;
} FlowS3Parameter;

/*
 * Writes the query "a=1&b=2" for a URL, encoded and sorted for signing,
 * NUL-terminated.  Returns false if there is no room.
 */
extern bool flow_s3_query(const FlowS3Parameter *parameters, int count, char *query, size_t size);

typedef struct FlowS3Signing
{
	const char *method;
	/*
	 * as in the URL, encoded once: S3 neither normalizes paths nor encodes
	 * them twice
	 */
	const char *path;
	const char *query; /* as written by flow_s3_query; "" if there is none */
	/*
	 * All fields are signed, and must include "host" and "x-amz-date".  They
	 * may be in any order, and values may have redundant blanks.
	 */
	const FlowHttpField *fields;
	int nfields;
	const char *payload_hash; /* of the body, hexadecimal, or "UNSIGNED-PAYLOAD" */
	const char *time;         /* the value of x-amz-date */
	const char *region;
	const char *service; /* "s3", "sts" */
	const FlowS3Keys *keys;
} FlowS3Signing;

#define FLOW_S3_AUTHORIZATION 1024

/*
 * Writes the value of the header field "authorization".  The result depends
 * only on the arguments.  Returns FLOW_OK, FLOW_LIMIT if something is too long
 * or missing, FLOW_NO_MEMORY, or FLOW_UNSUPPORTED if libcrypto does not have
 * the algorithms.  No secret remains in any buffer.
 */
extern FlowStatus flow_s3_sign(const FlowHost *host, const FlowS3Signing *signing,
                               char authorization[FLOW_S3_AUTHORIZATION]);

/* ---------- xml.c: elements of XML ---------- */

typedef struct FlowXml FlowXml;

#define FLOW_XML_DEPTH 8
#define FLOW_XML_NAME 256
#define FLOW_XML_TEXT (16 * 1024) /* maximum text of an element */

typedef struct FlowXmlSpec
{
	const FlowHost *host;

	/*
	 * Called when an element has ended.  "path" is its path without namespace
	 * prefixes, such as "ListBucketResult/Contents/Key".  "text" is its own
	 * text, NUL-terminated, without any other NUL.  Blanks between elements
	 * may be missing from it.  Returning false stops the parser with
	 * FLOW_NO_MEMORY.
	 */
	bool (*element)(void *arg, const char *path, const char *text, size_t len);
	void *arg;
	size_t max_bytes; /* maximum size of the document */
} FlowXmlSpec;

/* Creates a parser.  Returns FLOW_OK or FLOW_NO_MEMORY. */
extern FlowStatus flow_xml_create(const FlowXmlSpec *spec, FlowXml **xml, FlowError *error);
extern void flow_xml_free(FlowXml *xml);

/*
 * Parses the next bytes.  "last" means that no more follow.  Returns FLOW_OK,
 * FLOW_NO_MEMORY or FLOW_INTERRUPTED; FLOW_CORRUPT if the document is not
 * well-formed, has a document type declaration or a processing instruction, or
 * is not closed at "last"; FLOW_LIMIT if it is nested too deeply, too long or
 * too large.  After "last" or an error, nothing more may be fed.
 */
extern FlowStatus flow_xml_feed(FlowXml *xml, const char *data, size_t len, bool last,
                                FlowError *error);

/* ---------- s3_page.c: answers to requests for lists ---------- */

typedef struct FlowS3Entry
{
	const char *key; /* decoded */
	uint64_t size;
	int64_t modified; /* nanoseconds since 1970, of "2024-01-31T23:00:00.000Z" */
	const char *etag; /* as in the answer, including the quotes; "" if there is none */
	/*
	 * its storage class is GLACIER or DEEP_ARCHIVE: it cannot be read before
	 * it is restored
	 */
	bool archived;
} FlowS3Entry;

/* One answer to ListObjectsV2 with encoding-type=url. */
typedef struct FlowS3Page
{
	FlowS3Entry *entries; /* in the order of the answer */
	size_t nentries;
	const char **prefixes; /* common prefixes, decoded */
	size_t nprefixes;
	bool truncated;
	const char *token; /* for the next page, if truncated */
} FlowS3Page;

typedef struct FlowS3PageReader FlowS3PageReader;

extern FlowStatus flow_s3_page_begin(const FlowHost *host, FlowS3PageReader **reader,
                                     FlowError *error);
extern void flow_s3_page_free(FlowS3PageReader *reader);

/*
 * Parses the next bytes of the body.  Returns FLOW_OK, FLOW_CORRUPT,
 * FLOW_LIMIT, FLOW_NO_MEMORY or FLOW_INTERRUPTED, with messages like those of
 * flow_s3_page_end.
 */
extern FlowStatus flow_s3_page_feed(FlowS3PageReader *reader, const char *data, size_t len,
                                    FlowError *error);

/* The request for a page and the page before, with which it must agree. */
typedef struct FlowS3PageAfter
{
	const char *prefix; /* prefix that was requested */
	const char *token;  /* token of the request; NULL: the page is the first */
	/*
	 * the last key or common prefix of the pages before, whichever is greater
	 * as bytes; NULL: none
	 */
	const char *last;
	/* the token of a page before, after which there was no item; NULL: none */
	const char *mark;
} FlowS3PageAfter;

/*
 * Ends the body.  Returns FLOW_OK only if nothing can be missing from the
 * page, and all of it can be true:
 *
 * - It is a whole ListBucketResult, with each element once.
 * - It says whether it is truncated.  If so, it has a token that is not
 *   empty and not the one of the request.
 * - KeyCount, if present, is the number of keys and common prefixes.
 * - Keys increase strictly, as bytes.  So do common prefixes.  Both come after
 *   "last" and begin with the prefix.  No common prefix is the prefix itself.
 * - Sizes and times are valid, and everything encoded can be decoded and has
 *   no NUL in it.
 *
 * Otherwise returns FLOW_CORRUPT, or FLOW_LIMIT for a page that is too large.
 * The message is a sentence about the page, such as "the list of objects is
 * damaged".  The detail says what was wrong and shows only printable ASCII of
 * it.  May also return FLOW_NO_MEMORY or FLOW_INTERRUPTED.  If the store left
 * EncodingType out, keys are not decoded.  The page lives as long as the
 * reader.
 */
extern FlowStatus flow_s3_page_end(FlowS3PageReader *reader, const FlowS3PageAfter *after,
                                   FlowS3Page *page, FlowError *error);

/*
 * Converts a time as in answers, "2024-01-31T23:00:00.000Z", to nanoseconds
 * since 1970.  Returns false if it is invalid.
 */
extern bool flow_s3_time_read(const char *text, int64_t *nanoseconds);

/* The body of an answer that is an error. */
typedef struct FlowS3Failure
{
	char code[64]; /* such as "NoSuchKey"; empty if the body has none */
	char message[256];
	char region[64]; /* "" if it names none */
} FlowS3Failure;

/*
 * Reads the body of an error, up to 64 KiB, as far as possible.  Bytes that
 * are not printable ASCII become "?".  Returns FLOW_OK, FLOW_NO_MEMORY or
 * FLOW_INTERRUPTED.
 */
extern FlowStatus flow_s3_failure_read(const FlowHost *host, const char *body, size_t len,
                                       FlowS3Failure *failure, FlowError *error);

/*
 * Reads the temporary keys from an answer to AssumeRoleWithWebIdentity.
 * *expires is in seconds since 1970.  Returns FLOW_OK, FLOW_CORRUPT or
 * FLOW_NO_MEMORY.
 */
extern FlowStatus flow_s3_sts_read(const FlowHost *host, const char *body, size_t len,
                                   FlowS3Keys *keys, int64_t *expires, FlowError *error);

/* ---------- s3_credentials.c: sources of keys ---------- */

typedef struct FlowS3CredentialsSpec
{
	const FlowHost *host;
	/*
	 * its "allowed" must permit the fixed addresses, see
	 * flow_s3_credentials_allow
	 */
	FlowHttp *http;
	FlowS3Environment environment;
	void *environment_arg;
	int64_t now;               /* seconds since 1970 */
	const char *instance_url;  /* NULL: "http://169.254.169.254"; other values for tests */
	const char *container_url; /* NULL: "http://169.254.170.2" */
	const char *sts_url;       /* NULL: "https://sts.REGION.amazonaws.com" */
} FlowS3CredentialsSpec;

/*
 * Ensures that the keys are known and valid for five more minutes.  If that
 * fails and they are still valid, they are kept, and the next attempt is made
 * after half a minute.  If "again" is set, because the store has rejected the
 * keys, they are fetched again, and that must not fail.
 *
 * Returns FLOW_OK, FLOW_INTERRUPTED, FLOW_NO_MEMORY, or FLOW_NO_RESOURCES or
 * FLOW_NO_PERMISSION with a message that names the source, a detail that says
 * what was requested and what is missing, and a hint, perhaps with os_errno.
 * None of these texts contains a secret.
 *
 * Nothing is fetched for static keys and for anonymous access.  A profile may
 * have keys, or a role with web_identity_token_file.
 */
extern FlowStatus flow_s3_credentials_refresh(FlowS3Credentials *credentials,
                                              const FlowS3CredentialsSpec *spec, bool again,
                                              FlowError *error);

/*
 * Returns true if credentials of this source may be requested from this
 * address over HTTP: the fixed addresses of the instance and container
 * services.
 */
extern bool flow_s3_credentials_allow(FlowS3Source source, const uint8_t *address, size_t len,
                                      int port, bool tls);

/* ---------- s3_profile.c: the files of AWS's tools ---------- */

/* The properties of a profile that are used. */
typedef struct FlowS3Profile
{
	bool found;
	FlowS3Keys keys; /* each may be empty, like the following members */
	char role_arn[2049];
	char role_session_name[65];
	char token_file[4096]; /* file of a web identity token */
	char region[64];
	/*
	 * the property that names an unsupported source of keys; NULL if there is
	 * none
	 */
	const char *elsewhere;
} FlowS3Profile;

/*
 * Reads the profile of AWS_PROFILE, or "default", from both files.  The
 * credentials file takes precedence over the config file.  The caller must
 * wipe the keys.  Returns FLOW_OK, FLOW_NO_MEMORY, or other errors with a
 * detail.
 */
extern FlowStatus flow_s3_profile_read(const FlowS3CredentialsSpec *spec, FlowS3Profile *profile,
                                       FlowError *error);

/*
 * Reads the text of a regular file of at most 64 KiB.  Returns FLOW_OK,
 * FLOW_NO_MEMORY, or other errors with a detail, such as FLOW_NOT_FOUND if
 * there is no file.
 */
extern FlowStatus flow_s3_file_read(const FlowHost *host, const char *path, char **text,
                                    FlowError *error);
extern void flow_s3_file_free(const FlowHost *host, char *text); /* also wipes it */

#endif /* FLOW_S3_H */
