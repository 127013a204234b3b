/*-------------------------------------------------------------------------
 *
 * s3.h
 *	  What the files share that read from S3.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_S3_H
#define FLOW_S3_H

#include "flow_s3.h"
#include "http.h"

/*
 * ---------- s3_sign.c: AWS Signature Version 4 (the only file that knows
 * libcrypto) ----------
 */

/* Wipes keys, in a way that no compiler leaves out. */
extern void flow_s3_keys_wipe(FlowS3Keys *keys);

#define FLOW_S3_HASH_TEXT 65 /* hexadecimal digits of SHA-256, and a NUL */
#define FLOW_S3_TIME_TEXT 17 /* "20130524T000000Z" and a NUL */

/* Of SHA-256; "" if there is no memory. */
extern void flow_s3_hash(const void *data, size_t len, char hash[FLOW_S3_HASH_TEXT]);

/*
 * Seconds since 1970 as "20130524T000000Z"; "" for what is not in the years
 * 1000 to 9999.
 */
extern void flow_s3_time_text(int64_t seconds, char text[FLOW_S3_TIME_TEXT]);

/*
 * Encodes bytes for a URL as SigV4 wants it: all but A-Z a-z 0-9 - . _ ~
 * become %XX, in upper case; "/" too, unless copy_slashes. Writes no NUL;
 * returns the length, which is 3 * len at most.  out NULL: only that.
 */
extern size_t flow_s3_encode(const char *text, size_t len, bool copy_slashes, char *out);

/* A parameter of a query, not encoded. */
typedef struct FlowS3Parameter
{
	const char *name;
	const char *value;
} FlowS3Parameter;

/*
 * Writes the query "a=1&b=2", encoded and sorted as it is signed,
 * NUL-terminated, for a URL.  False if there is no room.
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
	const char *query; /* as flow_s3_query writes it; "" if there is none */
	/*
	 * to be signed, all of them; "host" and "x-amz-date" must be there.  In
	 * any order; values may have needless blanks
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
 * Writes the value of the header field "authorization".  A pure function of
 * its arguments.  FLOW_OK; FLOW_LIMIT if something is too long, or missing;
 * FLOW_NO_MEMORY; FLOW_UNSUPPORTED if libcrypto does not know what is needed.
 * Nothing secret is left in any buffer.
 */
extern FlowStatus flow_s3_sign(const FlowHost *host, const FlowS3Signing *signing,
                               char authorization[FLOW_S3_AUTHORIZATION]);

/*
 * ---------- xml.c: elements of XML (the only file that knows expat)
 * ----------
 */

typedef struct FlowXml FlowXml;

#define FLOW_XML_DEPTH 8
#define FLOW_XML_NAME 256
#define FLOW_XML_TEXT (16 * 1024) /* of an element */

typedef struct FlowXmlSpec
{
	const FlowHost *host;

	/*
	 * An element has ended: its path, such as "ListBucketResult/Contents/Key",
	 * without namespace prefixes, and its own text, NUL-terminated, in which
	 * there is no other NUL; blanks between elements need not be part of it.
	 * False stops the parser with FLOW_NO_MEMORY.
	 */
	bool (*element)(void *arg, const char *path, const char *text, size_t len);
	void *arg;
	size_t max_bytes; /* of the document */
} FlowXmlSpec;

/* FLOW_OK or FLOW_NO_MEMORY. */
extern FlowStatus flow_xml_create(const FlowXmlSpec *spec, FlowXml **xml, FlowError *error);
extern void flow_xml_free(FlowXml *xml);

/*
 * Takes the next bytes; "last": no more follow.  FLOW_OK, FLOW_NO_MEMORY,
 * FLOW_INTERRUPTED; FLOW_CORRUPT for what is not well-formed, has a document
 * type declaration or a processing instruction, is not closed at "last";
 * FLOW_LIMIT for what is too deep, long or large.  Behind "last" or an error,
 * nothing more may be fed.
 */
extern FlowStatus flow_xml_feed(FlowXml *xml, const char *data, size_t len, bool last,
                                FlowError *error);

/* ---------- s3_page.c: the answers to requests for lists ---------- */

typedef struct FlowS3Entry
{
	const char *key; /* decoded */
	uint64_t size;
	int64_t modified; /* nanoseconds since 1970, of "2024-01-31T23:00:00.000Z" */
	const char *etag; /* as it stands there, quotes included; "" if there is none */
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
 * Takes the next bytes of the body.  FLOW_OK, FLOW_CORRUPT, FLOW_LIMIT,
 * FLOW_NO_MEMORY, FLOW_INTERRUPTED; messages as those of flow_s3_page_end.
 */
extern FlowStatus flow_s3_page_feed(FlowS3PageReader *reader, const char *data, size_t len,
                                    FlowError *error);

/* What a page must follow. */
typedef struct FlowS3PageAfter
{
	const char *prefix; /* that was asked for */
	const char *token;  /* that it was asked for with; NULL: it is the first */
	/*
	 * the last key or common prefix of the page before, whichever is greater
	 * as bytes; NULL: none
	 */
	const char *last;
} FlowS3PageAfter;

/*
 * The body is complete.  FLOW_OK only if nothing can be missing from the page,
 * and all of it can be true:
 *
 * - It is a whole ListBucketResult, with each element once.
 * - It says whether it is truncated; if so, it has a token, which is not empty
 *   and not the one it was asked for with.
 * - KeyCount, if there, is the number of keys and common prefixes.
 * - Keys increase strictly, as bytes; so do common prefixes; both are behind
 *   "last" and begin with the prefix.  No common prefix is the prefix itself.
 * - Sizes and times are such, and what is encoded can be decoded, without a
 *   NUL in it.
 *
 * Else FLOW_CORRUPT, or FLOW_LIMIT for what is too large, with the message a
 * sentence about the page, such as "the list of objects has no end", and what
 * was wrong in the detail, of which only printable ASCII is shown.
 * FLOW_NO_MEMORY, FLOW_INTERRUPTED.  If the store left EncodingType out, keys
 * are taken as they stand.  The page lives as long as the reader.
 */
extern FlowStatus flow_s3_page_end(FlowS3PageReader *reader, const FlowS3PageAfter *after,
                                   FlowS3Page *page, FlowError *error);

/*
 * Seconds and a fraction as answers have them, "2024-01-31T23:00:00.000Z", to
 * nanoseconds since 1970.  False if it is none.
 */
extern bool flow_s3_time_read(const char *text, int64_t *nanoseconds);

/* The body of an answer that is an error. */
typedef struct FlowS3Failure
{
	char code[64]; /* "NoSuchKey"; empty: the body says nothing */
	char message[256];
	char region[64]; /* "" if it names none */
} FlowS3Failure;

/*
 * Reads what it can; a body of up to 64 KiB.  Bytes that are not printable
 * ASCII become "?".  FLOW_OK, FLOW_NO_MEMORY, FLOW_INTERRUPTED.
 */
extern FlowStatus flow_s3_failure_read(const FlowHost *host, const char *body, size_t len,
                                       FlowS3Failure *failure, FlowError *error);

/*
 * Temporary keys, of the answer to AssumeRoleWithWebIdentity; *expires in
 * seconds since 1970.  FLOW_OK, FLOW_CORRUPT, FLOW_NO_MEMORY.
 */
extern FlowStatus flow_s3_sts_read(const FlowHost *host, const char *body, size_t len,
                                   FlowS3Keys *keys, int64_t *expires, FlowError *error);

/* ---------- s3_credentials.c: where the keys come from ---------- */

typedef struct FlowS3CredentialsSpec
{
	const FlowHost *host;
	/*
	 * whose "allowed" lets the fixed addresses through, see
	 * flow_s3_credentials_allow
	 */
	FlowHttp *http;
	FlowS3Environment environment;
	void *environment_arg;
	int64_t now;               /* seconds since 1970 */
	const char *instance_url;  /* NULL: "http://169.254.169.254"; a test's */
	const char *container_url; /* NULL: "http://169.254.170.2" */
	const char *sts_url;       /* NULL: "https://sts.REGION.amazonaws.com" */
} FlowS3CredentialsSpec;

/*
 * Sees to it that the keys are known and good for five minutes more.  If that
 * fails and they are still good, they stay, and it is tried again after half a
 * minute.  "again": the store did not take them, so they are fetched anew, and
 * that must not fail.  FLOW_OK; FLOW_NO_PERMISSION with a message that says
 * from where they were to come, a detail of what was asked and what is
 * missing, and a hint, perhaps os_errno; FLOW_INTERRUPTED; FLOW_NO_MEMORY.  No
 * secret is in any of these texts.
 *
 * Nothing is fetched for static keys and for none.  A profile may have keys,
 * or a role with web_identity_token_file.
 */
extern FlowStatus flow_s3_credentials_refresh(FlowS3Credentials *credentials,
                                              const FlowS3CredentialsSpec *spec, bool again,
                                              FlowError *error);

/*
 * May credentials of this source be asked for at this address over HTTP?  (The
 * fixed ones of the instance and container services.)
 */
extern bool flow_s3_credentials_allow(FlowS3Source source, const uint8_t *address, size_t len,
                                      int port, bool tls);

/* ---------- s3_profile.c: the files of AWS's tools ---------- */

/* Of what a profile says, what we know. */
typedef struct FlowS3Profile
{
	bool found;
	FlowS3Keys keys; /* each may be empty, as may what follows */
	char role_arn[2049];
	char role_session_name[65];
	char token_file[4096]; /* of a web identity */
	char region[64];
	/*
	 * the property that says that the keys come from where we do not look;
	 * NULL: none does
	 */
	const char *elsewhere;
} FlowS3Profile;

/*
 * Reads the profile of AWS_PROFILE, or "default", from both files; what
 * credentials says counts more than config.  Its keys are the caller's to
 * wipe.  FLOW_OK; FLOW_NO_MEMORY; other errors with a detail.
 */
extern FlowStatus flow_s3_profile_read(const FlowS3CredentialsSpec *spec, FlowS3Profile *profile,
                                       FlowError *error);

/*
 * The text of a regular file of 64 KiB at most.  FLOW_OK; FLOW_NO_MEMORY;
 * other errors, with a detail: FLOW_NOT_FOUND if there is no file.
 */
extern FlowStatus flow_s3_file_read(const FlowHost *host, const char *path, char **text,
                                    FlowError *error);
extern void flow_s3_file_free(const FlowHost *host, char *text); /* wipes it, too */

#endif /* FLOW_S3_H */
