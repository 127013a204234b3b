/*-------------------------------------------------------------------------
 *
 * s3_sign.c
 *	  Signs requests to AWS.  No other file uses libcrypto.
 *
 * This is AWS Signature Version 4 in a header field (Amazon S3 API Reference,
 * "Signature Calculations for the Authorization Header").  The canonical
 * request is never assembled: its parts are hashed one by one, so that only
 * the result can be too long.
 *
 *-------------------------------------------------------------------------
 */
#include "s3.h"

#include <openssl/conf.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define HASH_SIZE 32 /* bytes of SHA-256 */
#define DATE_LENGTH 8
#define MAX_SCOPE 192 /* "20130524/us-east-1/s3/aws4_request" */

#define CRYPTO_NEEDS 16384 /* more bytes than libcrypto allocates to look up an algorithm */

#define ALGORITHM "AWS4-HMAC-SHA256"

static void
write_hexadecimal(const uint8_t *hash, char text[FLOW_S3_HASH_TEXT])
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < HASH_SIZE; i++)
	{
		text[2 * i] = digits[hash[i] >> 4];
		text[2 * i + 1] = digits[hash[i] & 15];
	}
	text[2 * HASH_SIZE] = '\0';
}

/* Computes SHA-256 as text. */
void
flow_s3_hash(const void *data, size_t len, char hash[FLOW_S3_HASH_TEXT])
{
	uint8_t bytes[HASH_SIZE];

	if (EVP_Digest(data, len, bytes, NULL, EVP_sha256(), NULL) == 1)
		write_hexadecimal(bytes, hash);
	else
	{
		ERR_clear_error();
		hash[0] = '\0';
	}
}

/* Writes a time as SigV4 requires it. */
void
flow_s3_time_text(int64_t seconds, char text[FLOW_S3_TIME_TEXT])
{
	time_t time = (time_t) seconds;
	struct tm tm;

	if (gmtime_r(&time, &tm) == NULL ||
	    strftime(text, FLOW_S3_TIME_TEXT, "%Y%m%dT%H%M%SZ", &tm) != FLOW_S3_TIME_TEXT - 1)
		text[0] = '\0';
}

/* Wipes keys. */
void
flow_s3_keys_wipe(FlowS3Keys *keys)
{
	OPENSSL_cleanse(keys, sizeof(*keys));
}

/* ---------- URLs ---------- */

/* Returns true if the byte is not encoded in URLs. */
static bool
is_unreserved(uint8_t byte)
{
	return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
	       (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' || byte == '_' || byte == '~';
}

/* Encodes bytes for a URL. */
size_t
flow_s3_encode(const char *text, size_t len, bool copy_slashes, char *out)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t count = 0;

	for (size_t i = 0; i < len; i++)
	{
		uint8_t byte = (uint8_t) text[i];
		bool plain = is_unreserved(byte) || (copy_slashes && byte == '/');

		if (out != NULL && plain)
			out[count] = (char) byte;
		else if (out != NULL)
		{
			out[count] = '%';
			out[count + 1] = digits[byte >> 4];
			out[count + 2] = digits[byte & 15];
		}
		count += plain ? 1 : 3;
	}
	return count;
}

/*
 * Compares like strcmp of the encoded texts: "%" is less than all bytes that
 * are not encoded.
 */
static int
compare_encoded(const char *a, const char *b)
{
	while (*a == *b && *a != '\0')
		a++, b++;
	if (*a == '\0' || *b == '\0')
		return (*a != '\0') - (*b != '\0');
	if (is_unreserved((uint8_t) *a) != is_unreserved((uint8_t) *b))
		return is_unreserved((uint8_t) *a) ? 1 : -1;
	return (uint8_t) *a < (uint8_t) *b ? -1 : 1;
}

/*
 * Returns true if parameter a comes before b in the sorted query.  Both are in
 * the same array, and equal ones keep their order.
 */
static bool
parameter_before(const FlowS3Parameter *a, const FlowS3Parameter *b)
{
	int order = compare_encoded(a->name, b->name);

	if (order == 0)
		order = compare_encoded(a->value, b->value);
	return order < 0 || (order == 0 && a < b);
}

/*
 * Returns the parameter after "last" in the sorted query, or the first if that
 * is NULL.  Returns NULL at the end.  There are few.
 */
static const FlowS3Parameter *
next_parameter(const FlowS3Parameter *parameters, int count, const FlowS3Parameter *last)
{
	const FlowS3Parameter *next = NULL;

	for (const FlowS3Parameter *p = parameters; p < parameters + count; p++)
		if ((last == NULL || parameter_before(last, p)) &&
		    (next == NULL || parameter_before(p, next)))
			next = p;
	return next;
}

/* Appends encoded text and the byte "behind". */
static bool
append_encoded(const char *text, char behind, char **query, const char *end)
{
	size_t len = strlen(text);

	if (flow_s3_encode(text, len, false, NULL) + 1 > (size_t) (end - *query))
		return false;
	*query += flow_s3_encode(text, len, false, *query);
	*(*query)++ = behind;
	return true;
}

/* Writes a query in the order in which it is signed. */
bool
flow_s3_query(const FlowS3Parameter *parameters, int count, char *query, size_t size)
{
	const FlowS3Parameter *next = NULL;
	char *p = query, *end = query + size;

	while ((next = next_parameter(parameters, count, next)) != NULL)
		if (!append_encoded(next->name, '=', &p, end) || !append_encoded(next->value, '&', &p, end))
			return false;
	if (size == 0)
		return false;
	if (p > query)
		p--; /* remove the last "&" */
	*p = '\0';
	return true;
}

/* ---------- the canonical request ---------- */

/* A hash that is being computed. */
typedef struct Digest
{
	EVP_MD_CTX *context;
	bool failed;
} Digest;

static void
add(Digest *digest, const char *data, size_t len)
{
	if (EVP_DigestUpdate(digest->context, data, len) != 1)
		digest->failed = true;
}

static void
add_text(Digest *digest, const char *text)
{
	add(digest, text, strlen(text));
}

static bool
is_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

/* Adds a value without blanks around it, and with a single one for several. */
static void
add_value(Digest *digest, const char *value)
{
	bool first = true;

	for (;;)
	{
		const char *end;

		while (is_blank(*value))
			value++;
		if (*value == '\0')
			return;
		for (end = value; *end != '\0' && !is_blank(*end);)
			end++;
		if (!first)
			add(digest, " ", 1);
		add(digest, value, (size_t) (end - value));
		first = false;
		value = end;
	}
}

/*
 * Returns true if the field has the same name as the one before.  Their values
 * are joined.
 */
static bool
same_name(const FlowHttpField *const *fields, int i)
{
	return i > 0 && strcmp(fields[i - 1]->name, fields[i]->name) == 0;
}

/* Adds the canonical request. */
static void
add_request(Digest *digest, const FlowS3Signing *signing, const FlowHttpField *const *fields)
{
	add_text(digest, signing->method);
	add(digest, "\n", 1);
	add_text(digest, signing->path);
	add(digest, "\n", 1);
	add_text(digest, signing->query);
	/* the fields */
	for (int i = 0; i < signing->nfields; i++)
	{
		if (same_name(fields, i))
			add(digest, ",", 1);
		else
		{
			add(digest, "\n", 1);
			add_text(digest, fields[i]->name);
			add(digest, ":", 1);
		}
		add_value(digest, fields[i]->value);
	}
	add(digest, "\n\n", 2);
	/* the names of the fields */
	for (int i = 0; i < signing->nfields; i++)
		if (!same_name(fields, i))
		{
			if (i > 0)
				add(digest, ";", 1);
			add_text(digest, fields[i]->name);
		}
	add(digest, "\n", 1);
	add_text(digest, signing->payload_hash);
}

/*
 * Returns true if libcrypto has the digest, as configured by the system.  If
 * it ran out of memory when it first looked for the digest, it does not look
 * again in the same context.
 */
static bool
has_digest(void)
{
	OSSL_LIB_CTX *context = OSSL_LIB_CTX_new();
	char *file = CONF_get1_default_config_file();
	EVP_MD *digest = NULL;

	if (context != NULL)
	{
		if (file != NULL)
			(void) OSSL_LIB_CTX_load_config(context, file);
		digest = EVP_MD_fetch(context, "SHA2-256", NULL);
	}
	EVP_MD_free(digest);
	OPENSSL_free(file);
	OSSL_LIB_CTX_free(context);
	return digest != NULL;
}

/*
 * Returns the reason why libcrypto has failed.  If it had no memory, it may
 * report that, or nothing, or that it does not know the algorithm, because it
 * could not look it up.
 */
static FlowStatus
crypto_failure(void)
{
	FlowStatus status = ERR_peek_error() == 0 ? FLOW_NO_MEMORY : FLOW_UNSUPPORTED;
	unsigned long code;
	void *memory;

	while ((code = ERR_get_error()) != 0)
		if (ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE)
			status = FLOW_NO_MEMORY;
	memory = OPENSSL_malloc(CRYPTO_NEEDS);
	if (memory == NULL || (status == FLOW_UNSUPPORTED && has_digest()))
		status = FLOW_NO_MEMORY;
	OPENSSL_free(memory);
	ERR_clear_error();
	return status;
}

/* Hashes the canonical request. */
static bool
hash_request(const FlowS3Signing *signing, const FlowHttpField *const *fields,
             char hash[FLOW_S3_HASH_TEXT])
{
	Digest digest = {EVP_MD_CTX_new(), false};
	uint8_t bytes[HASH_SIZE];
	bool done = false;

	if (digest.context != NULL && EVP_DigestInit_ex(digest.context, EVP_sha256(), NULL) == 1)
	{
		add_request(&digest, signing, fields);
		done = !digest.failed && EVP_DigestFinal_ex(digest.context, bytes, NULL) == 1;
	}
	EVP_MD_CTX_free(digest.context);
	if (done)
		write_hexadecimal(bytes, hash);
	return done;
}

/* ---------- the signature ---------- */

/* Secrets that must not remain on the stack. */
typedef struct Secrets
{
	char prefixed[4 + sizeof(((FlowS3Keys *) NULL)->secret_access_key)]; /* "AWS4" and the key */
	uint8_t key[2][HASH_SIZE];
} Secrets;

/* Computes an HMAC. */
static bool
authenticate(const void *key, size_t key_len, const char *text, size_t len, uint8_t mac[HASH_SIZE])
{
	return HMAC(EVP_sha256(), key, (int) key_len, (const uint8_t *) text, len, mac, NULL) != NULL;
}

/* Derives the signing key and signs the text. */
static bool
make_signature(const FlowS3Signing *signing, const char *text, Secrets *secrets,
               char signature[FLOW_S3_HASH_TEXT])
{
	const char *secret = signing->keys->secret_access_key;
	size_t len = strnlen(secret, sizeof(signing->keys->secret_access_key));
	uint8_t(*key)[HASH_SIZE] = secrets->key;

	memcpy(secrets->prefixed, "AWS4", 4);
	memcpy(secrets->prefixed + 4, secret, len);
	if (!authenticate(secrets->prefixed, len + 4, signing->time, DATE_LENGTH, key[0]) ||
	    !authenticate(key[0], HASH_SIZE, signing->region, strlen(signing->region), key[1]) ||
	    !authenticate(key[1], HASH_SIZE, signing->service, strlen(signing->service), key[0]) ||
	    !authenticate(key[0], HASH_SIZE, "aws4_request", strlen("aws4_request"), key[1]) ||
	    !authenticate(key[1], HASH_SIZE, text, strlen(text), key[0]))
		return false;
	write_hexadecimal(key[0], signature);
	return true;
}

/*
 * Formats a text after the *len bytes that are already there.  Returns false
 * if there is no room.
 */
static bool append(char *text, size_t size, size_t *len, const char *format, ...)
	flow_printf_like(4, 5);

static bool
append(char *text, size_t size, size_t *len, const char *format, ...)
{
	va_list args;
	int count;

	va_start(args, format);
	count = vsnprintf(text + *len, size - *len, format, args);
	va_end(args);
	if (count < 0 || (size_t) count >= size - *len)
		return false;
	*len += (size_t) count;
	return true;
}

/* Computes the signature and writes the value of the field. */
static FlowStatus
write_authorization(const FlowS3Signing *signing, const FlowHttpField *const *fields,
                    Secrets *secrets, char authorization[FLOW_S3_AUTHORIZATION])
{
	char scope[MAX_SCOPE],
		text[sizeof(ALGORITHM) + FLOW_S3_TIME_TEXT + MAX_SCOPE + FLOW_S3_HASH_TEXT];
	char hash[FLOW_S3_HASH_TEXT], signature[FLOW_S3_HASH_TEXT];
	size_t scope_len = 0, text_len = 0, len = 0;

	/* the scope of the signature */
	if (!append(scope,
	            sizeof(scope),
	            &scope_len,
	            "%.*s/%s/%s/aws4_request",
	            DATE_LENGTH,
	            signing->time,
	            signing->region,
	            signing->service))
		return FLOW_LIMIT;
	/* the text to sign, and its signature */
	if (!hash_request(signing, fields, hash))
		return crypto_failure();
	if (!append(
			text, sizeof(text), &text_len, ALGORITHM "\n%s\n%s\n%s", signing->time, scope, hash))
		return FLOW_LIMIT;
	if (!make_signature(signing, text, secrets, signature))
		return crypto_failure();
	/* the value of the field */
	if (!append(authorization,
	            FLOW_S3_AUTHORIZATION,
	            &len,
	            ALGORITHM " Credential=%s/%s, SignedHeaders=",
	            signing->keys->access_key_id,
	            scope))
		return FLOW_LIMIT;
	for (int i = 0; i < signing->nfields; i++)
		if (!same_name(fields, i) && !append(authorization,
		                                     FLOW_S3_AUTHORIZATION,
		                                     &len,
		                                     "%s%s",
		                                     i > 0 ? ";" : "",
		                                     fields[i]->name))
			return FLOW_LIMIT;
	return append(authorization, FLOW_S3_AUTHORIZATION, &len, ", Signature=%s", signature)
	           ? FLOW_OK
	           : FLOW_LIMIT;
}

/* Sorts fields by name.  Equal ones keep their order.  There are few. */
static void
sort_fields(const FlowHttpField *fields, int nfields, const FlowHttpField **sorted)
{
	for (int i = 0; i < nfields; i++)
	{
		int j = i;

		for (; j > 0 && strcmp(sorted[j - 1]->name, fields[i].name) > 0; j--)
			sorted[j] = sorted[j - 1];
		sorted[j] = &fields[i];
	}
}

/* Writes the value of the field "authorization". */
FlowStatus
flow_s3_sign(const FlowHost *host, const FlowS3Signing *signing,
             char authorization[FLOW_S3_AUTHORIZATION])
{
	const FlowHttpField **sorted;
	Secrets secrets;
	FlowStatus status;

	authorization[0] = '\0';
	if (strlen(signing->time) != FLOW_S3_TIME_TEXT - 1)
		return FLOW_LIMIT; /* flow_s3_time_text has failed */
	if (signing->payload_hash[0] == '\0')
		return FLOW_NO_MEMORY; /* flow_s3_hash has failed */
	sorted = flow_allocate(host, (size_t) signing->nfields * sizeof(FlowHttpField *));
	if (sorted == NULL)
		return FLOW_NO_MEMORY;
	sort_fields(signing->fields, signing->nfields, sorted);

	ERR_clear_error();
	status = write_authorization(signing, sorted, &secrets, authorization);
	if (status == FLOW_UNSUPPORTED) /* or there was no memory, but there is now */
		status = write_authorization(signing, sorted, &secrets, authorization);
	OPENSSL_cleanse(&secrets, sizeof(secrets));
	if (status != FLOW_OK)
		authorization[0] = '\0';
	flow_free(host, sorted);
	return status;
}
