/*-------------------------------------------------------------------------
 *
 * s3_credentials.c
 *	  Gets the keys with which requests are signed, and renews them.
 *
 * There is one source, which the user names; no others are tried.  Services of
 * the instance, of its container or of AWS are requested in the same way as by
 * AWS's own tools.  Version 1 of the instance's service is never used.
 *
 * Keys are wiped from our own memory.  The copies of libcurl and expat cannot
 * be wiped.
 *
 *-------------------------------------------------------------------------
 */
#include "bytes/json_member.h"
#include "s3_ask.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define EARLY 300      /* number of seconds before their expiry at which keys are renewed */
#define RETRY_AFTER 30 /* seconds until the next attempt if that failed */

/* milliseconds to connect, and for the whole request */
#define LOCAL_CONNECT 2000
#define LOCAL_ANSWER (LOCAL_CONNECT + 1000)
#define STS_CONNECT 5000
#define STS_ANSWER 15000

#define MAX_URL 2048
#define MAX_ROLE_NAME 64

#define INSTANCE_URL "http://169.254.169.254"
#define CONTAINER_URL "http://169.254.170.2"
#define INSTANCE_KEYS "/latest/meta-data/iam/security-credentials/"

/* Returns an environment variable, or NULL if it is not set, or empty. */
static const char *
variable(const FlowS3CredentialsSpec *spec, const char *name)
{
	const char *value = spec->environment(spec->environment_arg, name);

	return value != NULL && *value != '\0' ? value : NULL;
}

/*
 * Returns true if the text is not empty and consists of bytes that are safe in
 * a header field or a URL.
 */
static bool
is_plain(const char *text)
{
	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++)
		if (*text <= ' ' || *text > '~')
			return false;
	return true;
}

/* ---------- the environment ---------- */

/* Copies an environment variable, which must be set if "must" is true. */
static FlowStatus
copy_variable(const FlowS3CredentialsSpec *spec, const char *name, bool must, char *text,
              size_t size, FlowError *error)
{
	const char *value = variable(spec, name);

	if (value == NULL && must)
		return flow_s3_missing(error, "The environment variable \"%s\" is not set.", name);
	if (value != NULL && strlen(value) >= size)
		return flow_s3_missing(error,
		                       "The value of the environment variable \"%s\" is too long.",
		                       name);
	strcpy(text, value != NULL ? value : "");
	return FLOW_OK;
}

/* Gets the keys from the environment. */
static FlowStatus
fetch_environment(const FlowS3CredentialsSpec *spec, FlowS3Found *found, FlowError *error)
{
	FlowS3Keys *keys = &found->keys;
	FlowStatus status;

	if ((status = copy_variable(spec,
	                            "AWS_ACCESS_KEY_ID",
	                            true,
	                            keys->access_key_id,
	                            sizeof(keys->access_key_id),
	                            error)) != FLOW_OK ||
	    (status = copy_variable(spec,
	                            "AWS_SECRET_ACCESS_KEY",
	                            true,
	                            keys->secret_access_key,
	                            sizeof(keys->secret_access_key),
	                            error)) != FLOW_OK)
		return status;
	return copy_variable(spec,
	                     "AWS_SESSION_TOKEN",
	                     false,
	                     keys->session_token,
	                     sizeof(keys->session_token),
	                     error);
}

/* ---------- the instance: IMDSv2 ---------- */

/*
 * Gets a token for the following requests (Amazon EC2 User Guide, "Use the
 * Instance Metadata Service to access instance metadata").
 */
static FlowStatus
fetch_token(const FlowS3CredentialsSpec *spec, const char *base, FlowS3Answer *token,
            FlowError *error)
{
	char url[MAX_URL];
	FlowS3Question question = {.method = "PUT",
	                           .url = url,
	                           .field = {"x-aws-ec2-metadata-token-ttl-seconds", "21600"},
	                           .connect_ms = LOCAL_CONNECT,
	                           .answer_ms = LOCAL_ANSWER,
	                           .hint = "If the server runs in a container, the instance's metadata "
	                                   "options must have a hop limit of at least 2."};
	FlowStatus status;

	snprintf(url, sizeof(url), "%s/latest/api/token", base);
	status = flow_s3_ask_good(spec, &question, token, error);
	if (status != FLOW_OK)
		return status;
	token->text[strcspn(token->text, "\r\n")] = '\0';
	if (!is_plain(token->text))
		return flow_s3_missing(error,
		                       "The answer to PUT %s is not a token.",
		                       flow_s3_show_url(url).text);
	return FLOW_OK;
}

/* Returns the request for a URL below the keys' path. */
static FlowS3Question
instance_question(const char *url, const FlowS3Answer *token)
{
	return (FlowS3Question) {.method = "GET",
	                         .url = url,
	                         .field = {"x-aws-ec2-metadata-token", token->text},
	                         .connect_ms = LOCAL_CONNECT,
	                         .answer_ms = LOCAL_ANSWER};
}

/* Returns true if the text is a role's name, which can be part of a URL. */
static bool
is_role_name(const char *name)
{
	size_t len =
		strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+=,.@_-");

	return len > 0 && len <= MAX_ROLE_NAME && name[len] == '\0' && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0;
}

/* Gets the name of the instance's role. */
static FlowStatus
fetch_role_name(const FlowS3CredentialsSpec *spec, const char *base, const FlowS3Answer *token,
                FlowS3Answer *role, FlowError *error)
{
	char url[MAX_URL];
	FlowS3Question question;
	FlowStatus status;

	snprintf(url, sizeof(url), "%s" INSTANCE_KEYS, base);
	question = instance_question(url, token);
	status = flow_s3_ask(spec, &question, role, error);
	if (status != FLOW_OK)
		return status;
	if (role->status == 404)
	{
		flow_s3_missing(error,
		                "The instance has no role: the answer to GET %s has status 404.",
		                flow_s3_show_url(url).text);
		flow_error_hint(error, "Give the instance an IAM role that may read the bucket.");
		return FLOW_NO_PERMISSION;
	}
	if (role->status != 200)
		return flow_s3_missing(error,
		                       "The answer to GET %s has status %d.",
		                       flow_s3_show_url(url).text,
		                       role->status);
	role->text[strcspn(role->text, "\r\n")] = '\0';
	if (!is_role_name(role->text))
		return flow_s3_missing(error,
		                       "The answer to GET %s is not the name of a role.",
		                       flow_s3_show_url(url).text);
	return FLOW_OK;
}

/* Gets the keys of the instance's role. */
static FlowStatus
fetch_role_keys(const FlowS3CredentialsSpec *spec, const char *base, const FlowS3Answer *token,
                const char *role, FlowS3Answer *answer, FlowS3Found *found, FlowError *error)
{
	char url[MAX_URL], code[48];
	FlowS3Question question;
	FlowStatus status;

	snprintf(url, sizeof(url), "%s" INSTANCE_KEYS "%s", base, role);
	question = instance_question(url, token);
	status = flow_s3_ask_good(spec, &question, answer, error);
	if (status != FLOW_OK)
		return status;
	if (flow_json_member(answer->text, answer->len, "Code", code, sizeof(code)) &&
	    strcmp(code, "Success") != 0)
		return flow_s3_missing(error,
		                       "The answer to GET %s is \"%s\".",
		                       flow_s3_show_url(url).text,
		                       flow_s3_show_code(code).text);
	return flow_s3_ask_keys(answer, url, found, error);
}

/* Gets the keys from the instance's service. */
static FlowStatus
fetch_instance(const FlowS3CredentialsSpec *spec, FlowS3Found *found, FlowError *error)
{
	const char *base = spec->instance_url != NULL ? spec->instance_url : INSTANCE_URL;
	FlowS3Answer token = {.host = spec->host}, role = token, answer = token;
	FlowStatus status;

	if (strlen(base) > MAX_URL - 128)
		return flow_s3_missing(error, "The address of the service is too long.");
	if (!flow_s3_ask_begin(spec->host, &token) || !flow_s3_ask_begin(spec->host, &role) ||
	    !flow_s3_ask_begin(spec->host, &answer))
		status = flow_error_memory(error);
	else if ((status = fetch_token(spec, base, &token, error)) == FLOW_OK &&
	         (status = fetch_role_name(spec, base, &token, &role, error)) == FLOW_OK)
		status = fetch_role_keys(spec, base, &token, role.text, &answer, found, error);
	flow_s3_ask_end(&token);
	flow_s3_ask_end(&role);
	flow_s3_ask_end(&answer);
	return status;
}

/* ---------- the container ---------- */

static const char *const container_hosts[] = {"localhost",
                                              "169.254.170.2",
                                              "169.254.170.23",
                                              "[fd00:ec2::23]",
                                              "[::1]"};

/* Returns true for "127.0.0.1" and similar addresses. */
static bool
is_loopback(const char *host, size_t len)
{
	return len >= strlen("127.0.0.1") && len <= strlen("127.255.255.255") &&
	       strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") >= len;
}

/*
 * Returns true if keys may be requested from this URL: with https from any
 * host, with http only from the container's own services.  The address of the
 * host must be checked as well, see flow_s3_credentials_allow.
 */
static bool
is_container_url(const char *url)
{
	const char *host, *end;
	size_t len;

	/* check the scheme */
	if (!is_plain(url))
		return false;
	if (strncasecmp(url, "https://", 8) != 0 && strncasecmp(url, "http://", 7) != 0)
		return false;
	/* check that there is a host, and no user */
	host = strstr(url, "://") + 3;
	end = host + strcspn(host, "/?#");
	if (end == host || memchr(host, '@', (size_t) (end - host)) != NULL ||
	    memchr(host, '\\', (size_t) (end - host)) != NULL)
		return false;
	if (strncasecmp(url, "https://", 8) == 0)
		return true;

	/* check the host, without its port */
	len = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/?#");
	if (host + len > end || (host + len < end && host[len] != ':'))
		return false;
	for (size_t i = 0; i < flow_countof(container_hosts); i++)
		if (strlen(container_hosts[i]) == len && strncasecmp(host, container_hosts[i], len) == 0)
			return true;
	return is_loopback(host, len);
}

/* Sets the URL of the container's service. */
static FlowStatus
find_container(const FlowS3CredentialsSpec *spec, char url[MAX_URL], FlowError *error)
{
	const char *relative = variable(spec, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *full = variable(spec, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
	int len;

	/* check the variables */
	if (relative != NULL && (*relative != '/' || !is_plain(relative)))
		return flow_s3_missing(error,
		                       "The value of the environment variable "
		                       "\"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI\" is not a path.");
	if (relative == NULL && full == NULL)
		return flow_s3_missing(error,
		                       "Neither \"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI\" nor "
		                       "\"AWS_CONTAINER_CREDENTIALS_FULL_URI\" is set in the environment.");
	if (relative == NULL && !is_container_url(full))
	{
		flow_s3_missing(
			error,
			"The value of the environment variable \"AWS_CONTAINER_CREDENTIALS_FULL_URI\" is "
			"not allowed.");
		flow_error_hint(error,
		                "It must begin with https://, or have as host a loopback address, "
		                "169.254.170.2, 169.254.170.23 or [fd00:ec2::23].");
		return FLOW_NO_PERMISSION;
	}
	if (relative != NULL)
		len = snprintf(url,
		               MAX_URL,
		               "%s%s",
		               spec->container_url != NULL ? spec->container_url : CONTAINER_URL,
		               relative);
	else
		len = snprintf(url, MAX_URL, "%s", full);
	return len < MAX_URL ? FLOW_OK
	                     : flow_s3_missing(error, "The address of the service is too long.");
}

/*
 * Gets the authorization token for the container's service.  The caller must
 * free *text.  *token is NULL if there is none.
 */
static FlowStatus
find_container_token(const FlowS3CredentialsSpec *spec, char **text, const char **token,
                     FlowError *error)
{
	const char *path = variable(spec, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	const char *p;

	*text = NULL;
	*token = variable(spec, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
	if (path != NULL)
	{
		FlowStatus status = flow_s3_file_read(spec->host, path, text, error);

		if (status != FLOW_OK)
			return status;
		(*text)[strcspn(*text, "\r\n")] = '\0';
		*token = *text;
	}
	for (p = *token; p != NULL && *p >= ' ' && *p <= '~'; p++)
		;
	if (p != NULL && (*p != '\0' || p == *token))
		return flow_s3_missing(
			error,
			"The authorization token of the container is empty, or has characters that "
			"are not printable.");
	return FLOW_OK;
}

/* Gets the keys from the container's service. */
static FlowStatus
fetch_container(const FlowS3CredentialsSpec *spec, FlowS3Found *found, FlowError *error)
{
	char url[MAX_URL], *text = NULL;
	FlowS3Question question = {.method = "GET",
	                           .url = url,
	                           .connect_ms = LOCAL_CONNECT,
	                           .answer_ms = LOCAL_ANSWER};
	FlowStatus status = find_container(spec, url, error);
	FlowS3Answer answer;

	if (status != FLOW_OK)
		return status;
	if (!flow_s3_ask_begin(spec->host, &answer))
		return flow_error_memory(error);
	status = find_container_token(spec, &text, &question.field.value, error);
	if (status == FLOW_OK)
	{
		question.field.name = question.field.value != NULL ? "authorization" : NULL;
		status = flow_s3_ask_good(spec, &question, &answer, error);
	}
	if (status == FLOW_OK)
		status = flow_s3_ask_keys(&answer, url, found, error);
	flow_s3_file_free(spec->host, text);
	flow_s3_ask_end(&answer);
	return status;
}

/* ---------- a web identity: STS ---------- */

typedef struct Identity
{
	const char *role_arn;
	const char *session_name;
	const char *token_file;
	const char *region; /* NULL: not known */
} Identity;

/*
 * Returns true if the text is a region's name, which can be part of a host's
 * name.
 */
static bool
is_region(const char *region)
{
	size_t len = strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return len > 0 && len < 32 && region[len] == '\0' && *region != '-' && region[len - 1] != '-';
}

/* Sets the URL of AWS STS. */
static FlowStatus
find_sts(const FlowS3CredentialsSpec *spec, const char *region, char url[MAX_URL], FlowError *error)
{
	int len;

	if (spec->sts_url != NULL)
		len = snprintf(url, MAX_URL, "%s/", spec->sts_url);
	else if (region == NULL)
		return flow_s3_missing(
			error, "The region is not known: the environment variable \"AWS_REGION\" is not set.");
	else if (!is_region(region))
		return flow_s3_missing(error, "The name of the region is not well-formed.");
	else
		len = snprintf(url,
		               MAX_URL,
		               "https://sts.%s.amazonaws.com%s/",
		               region,
		               strncmp(region, "cn-", 3) == 0 ? ".cn" : "");
	return len < MAX_URL ? FLOW_OK
	                     : flow_s3_missing(error, "The address of the service is too long.");
}

/*
 * Returns true if the message may contain the beginning of the token.  STS may
 * quote a value that it rejects, and cut it.
 */
static bool
tells_token(const char *message, const char *token)
{
	char beginning[7];

	snprintf(beginning, sizeof(beginning), "%s", token);
	return strstr(message, beginning) != NULL;
}

/* Reports an error answer of STS. */
static FlowStatus
refused_by_sts(const FlowHost *host, const FlowS3Answer *answer, const char *url, const char *token,
               FlowError *error)
{
	FlowS3Failure failure;
	FlowStatus status = flow_s3_failure_read(host, answer->text, answer->len, &failure, error);

	if (status != FLOW_OK)
		return status;
	if (failure.code[0] == '\0')
		return flow_s3_missing(error,
		                       "The answer to POST %s has status %d.",
		                       flow_s3_show_url(url).text,
		                       answer->status);
	if (tells_token(failure.message, token))
		failure.message[0] = '\0';
	return flow_s3_missing(error,
	                       "The answer to POST %s has status %d, \"%s\"%s%s",
	                       flow_s3_show_url(url).text,
	                       answer->status,
	                       flow_s3_show_code(failure.code).text,
	                       failure.message[0] != '\0' ? ": " : ".",
	                       failure.message);
}

/*
 * Requests keys for a role (AWS Security Token Service API Reference,
 * "AssumeRoleWithWebIdentity").  Such a request is not signed.
 */
static FlowStatus
assume_role(const FlowS3CredentialsSpec *spec, const Identity *identity, const char *url,
            const char *token, char *body, size_t size, FlowS3Answer *answer, FlowS3Found *found,
            FlowError *error)
{
	const FlowS3Parameter parameters[] = {{"Action", "AssumeRoleWithWebIdentity"},
	                                      {"DurationSeconds", "900"},
	                                      {"RoleArn", identity->role_arn},
	                                      {"RoleSessionName", identity->session_name},
	                                      {"Version", "2011-06-15"},
	                                      {"WebIdentityToken", token}};
	FlowS3Question question = {.method = "POST",
	                           .url = url,
	                           .field = {"content-type", "application/x-www-form-urlencoded"},
	                           .body = body,
	                           .connect_ms = STS_CONNECT,
	                           .answer_ms = STS_ANSWER,
	                           .transient = "IDPCommunicationError"};
	FlowStatus status;

	/* send the request */
	if (!flow_s3_query(parameters, flow_countof(parameters), body, size))
		return flow_s3_missing(error, "The name of the role, or of its session, is too long.");
	question.body_len = strlen(body);
	status = flow_s3_ask(spec, &question, answer, error);
	if (status != FLOW_OK)
		return status;
	if (answer->status != 200)
		return refused_by_sts(spec->host, answer, url, token, error);
	/* read the keys */
	status = flow_s3_sts_read(spec->host,
	                          answer->text,
	                          answer->len,
	                          &found->keys,
	                          &found->expires,
	                          error);
	if (status == FLOW_CORRUPT)
		return flow_s3_missing(error,
		                       "The answer to POST %s holds no keys.",
		                       flow_s3_show_url(url).text);
	return status;
}

/* Gets the keys of a role with the web identity token in a file. */
static FlowStatus
fetch_by_identity(const FlowS3CredentialsSpec *spec, const Identity *identity, FlowS3Found *found,
                  FlowError *error)
{
	char url[MAX_URL], *token, *body;
	FlowS3Answer answer;
	size_t size;
	FlowStatus status = find_sts(spec, identity->region, url, error);

	if (status != FLOW_OK)
		return status;
	status = flow_s3_file_read(spec->host, identity->token_file, &token, error);
	if (status != FLOW_OK)
		return status;
	token[strcspn(token, "\r\n")] = '\0';

	size = 3 * strlen(token) + 8192;
	body = flow_allocate(spec->host, size);
	if (!flow_s3_ask_begin(spec->host, &answer) || body == NULL)
		status = flow_error_memory(error);
	else if (!is_plain(token))
		status = flow_s3_missing(error, "The file \"%s\" holds no token.", identity->token_file);
	else
		status = assume_role(spec, identity, url, token, body, size, &answer, found, error);
	if (body != NULL)
		explicit_bzero(body, size);
	flow_free(spec->host, body);
	flow_s3_ask_end(&answer);
	flow_s3_file_free(spec->host, token);
	return status;
}

/* Gets the keys of the role that the environment names. */
static FlowStatus
fetch_web_identity(const FlowS3CredentialsSpec *spec, FlowS3Found *found, FlowError *error)
{
	Identity identity = {.role_arn = variable(spec, "AWS_ROLE_ARN"),
	                     .session_name = variable(spec, "AWS_ROLE_SESSION_NAME"),
	                     .token_file = variable(spec, "AWS_WEB_IDENTITY_TOKEN_FILE"),
	                     .region = variable(spec, "AWS_REGION")};

	if (identity.role_arn == NULL || identity.token_file == NULL)
		return flow_s3_missing(error,
		                       "The environment variable \"%s\" is not set.",
		                       identity.role_arn == NULL ? "AWS_ROLE_ARN"
		                                                 : "AWS_WEB_IDENTITY_TOKEN_FILE");
	if (identity.session_name == NULL)
		identity.session_name = "flowlog_fdw";
	return fetch_by_identity(spec, &identity, found, error);
}

/* ---------- a profile ---------- */

/*
 * Returns the value, or the variable's if it is empty.  NULL: neither is set.
 */
static const char *
or_variable(const char *value, const FlowS3CredentialsSpec *spec, const char *name)
{
	return *value != '\0' ? value : variable(spec, name);
}

/* Gets the keys of a profile, or of its role. */
static FlowStatus
use_profile(const FlowS3CredentialsSpec *spec, const FlowS3Profile *profile, FlowS3Found *found,
            FlowError *error)
{
	if (profile->elsewhere != NULL)
	{
		flow_s3_missing(error,
		                "The profile has \"%s\", which is not supported.",
		                profile->elsewhere);
		flow_error_hint(error,
		                "Name a profile that has aws_access_key_id and aws_secret_access_key.");
		return FLOW_NO_PERMISSION;
	}
	if (profile->token_file[0] != '\0')
	{
		Identity identity = {.role_arn = profile->role_arn,
		                     .session_name = profile->role_session_name[0] != '\0'
		                                         ? profile->role_session_name
		                                         : "flowlog_fdw",
		                     .token_file = profile->token_file,
		                     .region = or_variable(profile->region, spec, "AWS_REGION")};

		if (profile->role_arn[0] == '\0')
			return flow_s3_missing(
				error, "The profile has \"web_identity_token_file\", but no \"role_arn\".");
		return fetch_by_identity(spec, &identity, found, error);
	}
	if (profile->keys.access_key_id[0] == '\0' || profile->keys.secret_access_key[0] == '\0')
		return flow_s3_missing(error,
		                       "The profile has no \"%s\".",
		                       profile->keys.access_key_id[0] == '\0' ? "aws_access_key_id"
		                                                              : "aws_secret_access_key");
	found->keys = profile->keys;
	return FLOW_OK;
}

/* Gets the keys from a profile. */
static FlowStatus
fetch_profile(const FlowS3CredentialsSpec *spec, FlowS3Found *found, FlowError *error)
{
	FlowS3Profile profile;
	FlowStatus status = flow_s3_profile_read(spec, &profile, error);

	if (status != FLOW_OK)
		return status;
	status = use_profile(spec, &profile, found, error);
	flow_s3_keys_wipe(&profile.keys);
	return status;
}

/* ---------- all sources ---------- */

static const struct
{
	const char *name; /* for messages */
	FlowStatus (*fetch)(const FlowS3CredentialsSpec *spec, FlowS3Found *found, FlowError *error);
	const char *hint; /* used if there is no more specific one */
} sources[] =
	{[FLOW_S3_STATIC] = {"the user mapping", NULL, NULL},
     [FLOW_S3_ANONYMOUS] = {"nowhere", NULL, NULL},
     [FLOW_S3_ENVIRONMENT] = {"the environment",
                              fetch_environment,
                              "Set it in the environment in which the database server is started."},
     [FLOW_S3_PROFILE] = {"a profile",
                          fetch_profile,
                          "The environment of the database server names the files and the profile: "
                          "AWS_SHARED_CREDENTIALS_FILE, AWS_CONFIG_FILE, AWS_PROFILE."},
     [FLOW_S3_INSTANCE] =
         {"the instance",
          fetch_instance,
          "The database server must run on an instance of Amazon EC2 with an IAM role and IMDSv2."},
     [FLOW_S3_CONTAINER] =
         {"the container",
          fetch_container,
          "The database server must run in a container of Amazon ECS or EKS that has an IAM role."},
     [FLOW_S3_WEB_IDENTITY] =
         {"AWS STS",
          fetch_web_identity,
          "The environment of the database server needs AWS_ROLE_ARN, AWS_WEB_IDENTITY_TOKEN_FILE "
          "and AWS_REGION, and the role must trust the token."}};

/* Checks that the keys can be used to sign a request now. */
static FlowStatus
check_found(const FlowS3Found *found, int64_t now, FlowError *error)
{
	if (!is_plain(found->keys.access_key_id) || !is_plain(found->keys.secret_access_key) ||
	    (found->keys.session_token[0] != '\0' && !is_plain(found->keys.session_token)))
		return flow_s3_missing(error,
		                       "The keys are empty, or have characters that are not printable.");
	if (found->expires != 0 && found->expires <= now)
		return flow_s3_missing(error, "The keys have expired already.");
	return FLOW_OK;
}

/*
 * Adds to an error the source of the keys.  Any problem with the source means
 * that there are no keys.  A lack of resources or an I/O error of this machine
 * does not.
 */
static FlowStatus
complete_error(FlowError *error, FlowS3Source source)
{
	if (error->status != FLOW_NO_RESOURCES && error->os_errno != EIO)
		error->status = FLOW_NO_PERMISSION;
	snprintf(error->message,
	         sizeof(error->message),
	         "could not get AWS credentials from %s",
	         sources[source].name);
	if (error->hint[0] == '\0')
		flow_error_hint(error, "%s", sources[source].hint);
	return error->status;
}

/* Returns true if the current keys can still be used. */
static bool
are_good(const FlowS3Credentials *credentials, int64_t now)
{
	if (!credentials->known || credentials->expires == 0)
		return credentials->known;
	return credentials->expires - now > EARLY ||
	       (credentials->expires > now && now < credentials->retry_at);
}

/* Gets new keys if necessary. */
FlowStatus
flow_s3_credentials_refresh(FlowS3Credentials *credentials, const FlowS3CredentialsSpec *spec,
                            bool again, FlowError *error)
{
	FlowS3Found found = {.expires = 0};
	FlowStatus status;

	if (sources[credentials->source].fetch == NULL || (!again && are_good(credentials, spec->now)))
		return FLOW_OK;
	/* get the keys from the source */
	status = sources[credentials->source].fetch(spec, &found, error);
	if (status == FLOW_OK)
		status = check_found(&found, spec->now, error);
	if (status == FLOW_OK)
	{
		credentials->keys = found.keys;
		credentials->expires = found.expires;
		credentials->known = true;
	}
	flow_s3_keys_wipe(&found.keys);
	/* after a failure, keep the old keys while they are valid */
	if (status == FLOW_INTERRUPTED || status == FLOW_NO_MEMORY)
		return status;
	credentials->retry_at = spec->now + RETRY_AFTER;
	if (status == FLOW_OK || (!again && are_good(credentials, spec->now)))
		return FLOW_OK;
	return complete_error(error, credentials->source);
}

/* ---------- addresses ---------- */

/* Returns true if keys may be requested from the address. */
bool
flow_s3_credentials_allow(FlowS3Source source, const uint8_t *address, size_t len, int port,
                          bool tls)
{
	static const struct
	{
		FlowS3Source source;
		size_t len, compared; /* bytes of the address */
		uint8_t address[16];
		int port; /* 0: any */
	} allowed[] = {{FLOW_S3_INSTANCE, 4, 4, {169, 254, 169, 254}, 80},
	               {FLOW_S3_CONTAINER, 4, 4, {169, 254, 170, 2}, 80},
	               {FLOW_S3_CONTAINER, 4, 4, {169, 254, 170, 23}, 80},
	               {FLOW_S3_CONTAINER, 16, 16, {0xFD, 0x00, 0x0E, 0xC2, [15] = 0x23}, 80},
	               {FLOW_S3_CONTAINER, 4, 1, {127}, 0},
	               {FLOW_S3_CONTAINER, 16, 16, {[15] = 1}, 0}};

	for (size_t i = 0; i < flow_countof(allowed); i++)
		if (source == allowed[i].source && len == allowed[i].len &&
		    memcmp(address, allowed[i].address, allowed[i].compared) == 0 &&
		    (allowed[i].port == 0 || (port == allowed[i].port && !tls)))
			return true;
	return false;
}
