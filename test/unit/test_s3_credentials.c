/*-------------------------------------------------------------------------
 *
 * test_s3_credentials.c
 *	  Tests the keys from every source, and that no secret is left anywhere.
 *
 * The program has its own http.c, which plays a script, and a host that
 * searches for secrets in all memory that is freed.
 *
 *-------------------------------------------------------------------------
 */
#include "../../flow/bytes/json_member.h"
#include "tree.h"

#include "../../flow/s3/s3.h"

#include <malloc.h>
#include <strings.h>

#define NOW INT64_C(1706742000) /* 2024-01-31T23:00:00Z */
#define LATER "2024-02-01T01:00:00Z"
#define EXPIRES (NOW + 7200)

/* the secrets */
#define KEY "AKIAKEYKEYKEY"
#define SECRET "s3cr3tOfAKey/+w"
#define SESSION "SessionTokenOfAKey=="
#define PASS "TokenOfAService"
#define JWT "eyJabc.JsonWebToken.xyz"

static const char *const secrets[] = {SECRET, SESSION, PASS, JWT, "eyJabc"};

static bool
holds_secret(const void *data, size_t size)
{
	const char *bytes = data;

	for (size_t i = 0; i < flow_countof(secrets); i++)
		for (size_t at = 0, len = strlen(secrets[i]); at + len <= size; at++)
			if (bytes[at] == *secrets[i] && memcmp(bytes + at, secrets[i], len) == 0)
				return true;
	return false;
}

/* ---------- a host ---------- */

static int waited; /* milliseconds */

static void
wait_not(void *arg, int milliseconds)
{
	(void) arg;
	waited += milliseconds;
}

static void
free_without_secrets(void *arg, void *ptr)
{
	CHECK(ptr == NULL || !holds_secret(ptr, malloc_usable_size(ptr)));
	unit_free(arg, ptr);
}

static const FlowHost host = {
	.arg = &unit_state,
	.interrupted = unit_interrupted,
	.wait = wait_not,
	.allocate = unit_allocate,
	.free = free_without_secrets,
	.clock = unit_clock,
	.text_valid = unit_text_valid,
	.text_length = unit_text_length,
};

/* ---------- an environment ---------- */

static struct
{
	const char *name;
	const char *value;
} variables[16];

static void
set(const char *name, const char *value)
{
	size_t i = 0;

	while (variables[i].name != NULL && strcmp(variables[i].name, name) != 0)
		i++;
	variables[i].name = name;
	variables[i].value = value;
}

static const char *
environment(void *arg, const char *name)
{
	CHECK(arg == variables);
	for (size_t i = 0; variables[i].name != NULL; i++)
		if (strcmp(variables[i].name, name) == 0)
			return variables[i].value;
	return NULL;
}

/* ---------- HTTP ---------- */

/*
 * An expected request, as "PUT URL" or "PUT URL name: value", and its result.
 */
typedef struct Exchange
{
	const char *asks;
	FlowStatus result;
	int status;
	const char *answer; /* the reason, if there is no answer */
} Exchange;

#define MAX_EXCHANGES 12

static const Exchange *script;
static int played, most_exchanges;
static char body[20000]; /* of the last request */
static int connect_ms, answer_ms;
static size_t piece;

FlowStatus
flow_http_fetch(FlowHttp *http, FlowHttpRequest *request, FlowError *error)
{
	const Exchange *exchange = &script[played];
	char asks[3000];
	size_t len, n;

	CHECK(http == (FlowHttp *) &script);
	CHECK(request->nfields <= 1);
	snprintf(asks, sizeof(asks), "%s %s", request->method, request->url);
	if (request->nfields == 1)
		snprintf(asks + strlen(asks),
		         sizeof(asks) - strlen(asks),
		         " %s: %s",
		         request->fields[0].name,
		         request->fields[0].value);
	if (played == most_exchanges)
	{
		CHECK_STRING(asks, "nothing");
		return flow_error_set(error, FLOW_INTERRUPTED, "unexpected");
	}
	CHECK_STRING(asks, exchange->asks);
	played++;
	body[0] = '\0';
	if (request->body != NULL)
		snprintf(body, sizeof(body), "%.*s", (int) request->body_len, request->body);
	connect_ms = request->connect_ms;
	answer_ms = request->answer_ms;

	/* the status of the whole call */
	if (exchange->result == FLOW_INTERRUPTED || exchange->result == FLOW_CHANGED)
		return flow_error_set(error,
		                      exchange->result == FLOW_CHANGED ? FLOW_IO : exchange->result,
		                      "could not wait");
	request->done = true;
	request->result = exchange->result;
	request->status = exchange->status;
	if (request->result != FLOW_OK)
	{
		snprintf(request->reason, sizeof(request->reason), "%s", exchange->answer);
		return FLOW_OK;
	}
	len = strlen(exchange->answer);
	for (size_t done = 0; done < len; done += n)
	{
		n = piece < len - done ? piece : len - done;
		if (!request->receive(request, unit_at_edge(exchange->answer + done, n), n))
		{
			request->result = FLOW_LIMIT;
			break;
		}
	}
	return FLOW_OK;
}

void
flow_http_cancel(FlowHttpRequest *request)
{
	(void) request;
}

/* ---------- refreshing ---------- */

static FlowS3Credentials credentials;
static FlowError error;
static int64_t now;
static const char *sts_url;

static FlowStatus
refresh_more(const Exchange *exchanges, int count, bool again)
{
	FlowS3CredentialsSpec spec = {.host = &host,
	                              .http = (FlowHttp *) &script,
	                              .environment = environment,
	                              .environment_arg = variables,
	                              .now = now,
	                              .sts_url = sts_url};
	FlowStatus status;

	script = exchanges;
	played = waited = 0;
	most_exchanges = 0;
	while (most_exchanges < count && exchanges[most_exchanges].asks != NULL)
		most_exchanges++;
	memset(&error, 0, sizeof(error));
	status = flow_s3_credentials_refresh(&credentials, &spec, again, &error);
	if (status != FLOW_OK)
	{
		CHECK_INT(error.status, status);
		CHECK(error.message[0] != '\0');
		if (status == FLOW_NO_PERMISSION)
			CHECK(error.detail[0] != '\0' && error.hint[0] != '\0' &&
			      strncmp(error.message, "could not get AWS credentials from ", 35) == 0);
		CHECK(!holds_secret(&error, sizeof(error)));
	}
	if (status != FLOW_INTERRUPTED && status != FLOW_NO_MEMORY)
		CHECK_INT(played, most_exchanges);
	CHECK_INT(unit_state.outstanding, 0);
	return status;
}

/* Gets the keys from the beginning. */
static FlowStatus
refresh(FlowS3Source source, const Exchange exchanges[MAX_EXCHANGES])
{
	credentials = (FlowS3Credentials) {.source = source};
	now = NOW;
	return refresh_more(exchanges, MAX_EXCHANGES, false);
}

static void
check_keys(const char *key, const char *secret, const char *session, int64_t expires)
{
	CHECK(credentials.known);
	CHECK_STRING(credentials.keys.access_key_id, key);
	CHECK_STRING(credentials.keys.secret_access_key, secret);
	CHECK_STRING(credentials.keys.session_token, session);
	CHECK_INT(credentials.expires, expires);
}

/* Checks that it failed with this message and detail. */
static void
check_failed(FlowStatus status, const char *from, const char *detail)
{
	CHECK_INT(status, FLOW_NO_PERMISSION);
	CHECK_STRING(error.message + strlen("could not get AWS credentials from "), from);
	CHECK_STRING(error.detail, detail);
	CHECK(!credentials.known);
	CHECK_STRING(credentials.keys.secret_access_key, "");
}

static void
begin(void)
{
	memset(variables, 0, sizeof(variables));
	sts_url = NULL;
	piece = 1000000;
}

static const Exchange none[MAX_EXCHANGES];

/* ---------- static keys, and none ---------- */

static void
nothing_is_fetched_for_static_keys_and_none(void)
{
	begin();
	CHECK_INT(refresh(FLOW_S3_ANONYMOUS, none), FLOW_OK);
	CHECK_INT(refresh_more(none, 0, true), FLOW_OK);
	CHECK(!credentials.known);

	credentials =
		(FlowS3Credentials) {.source = FLOW_S3_STATIC, .keys = {KEY, SECRET, ""}, .known = true};
	CHECK_INT(refresh_more(none, 0, false), FLOW_OK);
	CHECK_INT(refresh_more(none, 0, true), FLOW_OK);
	check_keys(KEY, SECRET, "", 0);
}

/* ---------- the environment ---------- */

static void
keys_come_from_the_environment(void)
{
	char long_text[5000];

	begin();
	check_failed(refresh(FLOW_S3_ENVIRONMENT, none),
	             "the environment",
	             "The environment variable \"AWS_ACCESS_KEY_ID\" is not set.");
	set("AWS_ACCESS_KEY_ID", KEY);
	check_failed(refresh(FLOW_S3_ENVIRONMENT, none),
	             "the environment",
	             "The environment variable \"AWS_SECRET_ACCESS_KEY\" is not set.");
	set("AWS_SECRET_ACCESS_KEY", "");
	check_failed(refresh(FLOW_S3_ENVIRONMENT, none),
	             "the environment",
	             "The environment variable \"AWS_SECRET_ACCESS_KEY\" is not set.");
	set("AWS_SECRET_ACCESS_KEY", SECRET);
	CHECK_INT(refresh(FLOW_S3_ENVIRONMENT, none), FLOW_OK);
	check_keys(KEY, SECRET, "", 0);
	set("AWS_SESSION_TOKEN", SESSION);
	CHECK_INT(refresh(FLOW_S3_ENVIRONMENT, none), FLOW_OK);
	check_keys(KEY, SECRET, SESSION, 0);

	memset(long_text, 'k', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	set("AWS_SESSION_TOKEN", long_text);
	check_failed(refresh(FLOW_S3_ENVIRONMENT, none),
	             "the environment",
	             "The value of the environment variable \"AWS_SESSION_TOKEN\" is too long.");
}

/* keys are used in header fields */
static void
keys_with_odd_bytes_are_refused(void)
{
	static const char *const special[] = {"a b", "a\r\nhost: x", "a\n", "\x7F", "\xC3\xA9", " a"};

	for (size_t i = 0; i < flow_countof(special); i++)
		for (int which = 0; which < 3; which++)
		{
			begin();
			set("AWS_ACCESS_KEY_ID", which == 0 ? special[i] : KEY);
			set("AWS_SECRET_ACCESS_KEY", which == 1 ? special[i] : SECRET);
			set("AWS_SESSION_TOKEN", which == 2 ? special[i] : SESSION);
			check_failed(refresh(FLOW_S3_ENVIRONMENT, none),
			             "the environment",
			             "The keys are empty, or have characters that are not printable.");
		}
}

/* ---------- profiles ---------- */

static void
write_file(const char *name, const char *text, size_t len)
{
	FILE *out;

	file(name, 0);
	out = fopen(at(name), "w");
	must(out != NULL && fwrite(text, 1, len, out) == len && fclose(out) == 0, name);
}

static FlowStatus
refresh_profile(const char *credentials_text, const char *config_text)
{
	unlink(at(".aws/credentials"));
	unlink(at(".aws/config"));
	if (credentials_text != NULL)
		write_file(".aws/credentials", credentials_text, strlen(credentials_text));
	if (config_text != NULL)
		write_file(".aws/config", config_text, strlen(config_text));
	return refresh(FLOW_S3_PROFILE, none);
}

#define PAIR(letter) "aws_access_key_id = " letter "K\naws_secret_access_key = " letter "S\n"

static void
profiles_are_found_in_both_files(void)
{
	begin();
	set("HOME", root);
	CHECK_INT(refresh_profile("[default]\n" PAIR("A"), NULL), FLOW_OK);
	check_keys("AK", "AS", "", 0);
	CHECK_INT(refresh_profile(NULL, "[default]\n" PAIR("A") "aws_session_token=AT\n"), FLOW_OK);
	check_keys("AK", "AS", "AT", 0);
	CHECK_INT(refresh_profile(NULL, "[profile default]\n" PAIR("A")), FLOW_OK);
	check_keys("AK", "AS", "", 0);
	/*
	 * those of the credentials file take precedence, and are not mixed with
	 * others
	 */
	CHECK_INT(refresh_profile("[default]\n" PAIR("A"),
	                          "[default]\n" PAIR("B") "aws_session_token = BT\n"),
	          FLOW_OK);
	check_keys("AK", "AS", "", 0);
	CHECK_INT(refresh_profile("[default]\n", "[default]\n" PAIR("B") "aws_session_token = BT\n"),
	          FLOW_OK);
	check_keys("BK", "BS", "BT", 0);

	set("AWS_PROFILE", "x");
	CHECK_INT(refresh_profile("[default]\n" PAIR("A") "[x]\n" PAIR("X"), NULL), FLOW_OK);
	check_keys("XK", "XS", "", 0);
	CHECK_INT(refresh_profile(NULL,
	                          "[x]\n" PAIR("A") "[profile xy]\n" PAIR("C") "[profile x]\n" PAIR(
								  "X") "[profilex]\n" PAIR("D")),
	          FLOW_OK);
	check_keys("XK", "XS", "", 0);
	CHECK_INT(refresh_profile("[profile x]\n" PAIR("A") "[x]\n" PAIR("X"), NULL), FLOW_OK);
	check_keys("XK", "XS", "", 0);
	set("AWS_PROFILE", "my profile");
	CHECK_INT(refresh_profile(NULL, "[profile \"my profile\"]\n" PAIR("Y")), FLOW_OK);
	check_keys("YK", "YS", "", 0);
}

static void
files_may_be_elsewhere(void)
{
	char path[200], other[200];

	begin();
	snprintf(path, sizeof(path), "%s/keys", root);
	snprintf(other, sizeof(other), "%s/none", root);
	write_file("keys", "[default]\n" PAIR("A"), strlen("[default]\n" PAIR("A")));
	set("AWS_SHARED_CREDENTIALS_FILE", path);
	set("AWS_CONFIG_FILE", other);
	CHECK_INT(refresh(FLOW_S3_PROFILE, none), FLOW_OK);
	check_keys("AK", "AS", "", 0);
	set("AWS_SHARED_CREDENTIALS_FILE", other);
	set("AWS_CONFIG_FILE", path);
	CHECK_INT(refresh(FLOW_S3_PROFILE, none), FLOW_OK);
	check_keys("AK", "AS", "", 0);
	set("AWS_CONFIG_FILE", NULL);
	check_failed(
		refresh(FLOW_S3_PROFILE, none),
		"a profile",
		"The environment does not say where the files are: \"HOME\" is not set, or too long.");
}

static void
profiles_are_read_as_by_aws_tools(void)
{
	static const char *const texts[] = {
		"[default]\naws_access_key_id=AK\naws_secret_access_key=AS",
		"[default]\r\naws_access_key_id=AK\r\naws_secret_access_key=AS\r\n",
		"\n\n  \n# comment\n; comment\n[default] ; "
		"comment\nAWS_ACCESS_KEY_ID\t=\tAK\t\nAws_Secret_Access_Key = AS   \n",
		"[default]\naws_access_key_id = AK # comment\naws_secret_access_key = AS ;comment\n",
		"[ default ]\naws_access_key_id = AK\n# [x]\naws_secret_access_key = AS\n",
		"[default]\n  aws_access_key_id = AK\n  aws_secret_access_key = AS\n",
		"  [default]\n  aws_access_key_id = AK\n  aws_secret_access_key = AS\n",
		"[other]\nregion = x\n[default]\n  aws_access_key_id = AK\n  aws_secret_access_key = AS\n",
		"[default]\naws_access_key_id = no\naws_access_key_id = AK\naws_secret_access_key = AS\n",
		"[default]\naws_access_key_id = AK\n[other]\naws_secret_access_key = "
		"no\n[default]\naws_secret_access_key = AS\n",
		"[default]\naws_access_key_id = AK\ns3 =\n  aws_access_key_id = no\n  role_arn = "
		"no\n\taws_secret_access_key = no\naws_secret_access_key = AS\n",
		"aws_access_key_id = no\naws_session_token = no\n[default]\nno sign\n = "
		"no\naws_access_key_id = AK\naws_secret_access_key = AS\n[broken\naws_access_key_id = no\n",
		"[default]\nregion = us-east-1\noutput = json\naws_access_key_id_x = no\naws_access_key_i "
		"= no\naws_access_key_id = AK\naws_secret_access_key = AS\n",
		"[default]\nsso_session =\ncredential_process =\naws_access_key_id = "
		"AK\naws_secret_access_key = AS\n"};

	begin();
	set("HOME", root);
	for (size_t i = 0; i < flow_countof(texts); i++)
	{
		CHECK_INT(refresh_profile(texts[i], NULL), FLOW_OK);
		check_keys("AK", "AS", "", 0);
		CHECK_INT(refresh_profile(NULL, texts[i]), FLOW_OK);
		check_keys("AK", "AS", "", 0);
		if (unit_complaints > 0)
			printf("# with %s\n", texts[i]);
	}
	CHECK_INT(refresh_profile(
				  "[default]\naws_access_key_id = A=K#\naws_secret_access_key = A;S/+=\n", NULL),
	          FLOW_OK);
	check_keys("A=K#", "A;S/+=", "", 0);
}

static void
profiles_without_keys_are_refused(void)
{
	static const char *const elsewhere[] = {"credential_process",
	                                        "credential_source",
	                                        "source_profile",
	                                        "sso_session",
	                                        "sso_start_url",
	                                        "sso_account_id",
	                                        "sso_role_name",
	                                        "role_arn"};
	char detail[500], text[20000];

	begin();
	set("HOME", root);
	set("AWS_PROFILE", "x");
	snprintf(
		detail,
		sizeof(detail),
		"There is no profile \"x\", neither in \"%s/.aws/credentials\" nor in \"%s/.aws/config\".",
		root,
		root);
	check_failed(refresh_profile(NULL, NULL), "a profile", detail);
	check_failed(refresh_profile("[default]\n" PAIR("A"), "[x]\n" PAIR("A")), "a profile", detail);
	check_failed(refresh_profile("[x]\n", NULL),
	             "a profile",
	             "The profile has no \"aws_access_key_id\".");
	check_failed(refresh_profile("[x]\naws_access_key_id = " KEY, NULL),
	             "a profile",
	             "The profile has no \"aws_secret_access_key\".");
	check_failed(refresh_profile("[x]\naws_secret_access_key = " SECRET, NULL),
	             "a profile",
	             "The profile has no \"aws_access_key_id\".");
	check_failed(refresh_profile("[x]\nweb_identity_token_file = /x", NULL),
	             "a profile",
	             "The profile has \"web_identity_token_file\", but no \"role_arn\".");
	for (size_t i = 0; i < flow_countof(elsewhere); i++)
	{
		snprintf(detail,
		         sizeof(detail),
		         "The profile has \"%s\", which is not supported.",
		         elsewhere[i]);
		snprintf(text,
		         sizeof(text),
		         "[x]\naws_access_key_id = " KEY "\naws_secret_access_key = " SECRET "\n%s = y\n",
		         elsewhere[i]);
		check_failed(refresh_profile(text, NULL), "a profile", detail);
		snprintf(text, sizeof(text), "[profile x]\n%s = y\n", elsewhere[i]);
		check_failed(refresh_profile(NULL, text), "a profile", detail);
		check_failed(refresh_profile("[x]\n" PAIR("A"), text), "a profile", detail);
	}
	snprintf(text,
	         sizeof(text),
	         "[x]\naws_access_key_id = " KEY "\naws_secret_access_key = " SECRET "%0400d\n",
	         0);
	snprintf(detail,
	         sizeof(detail),
	         "The property \"aws_secret_access_key\" of profile \"x\" in \"%s/.aws/credentials\" "
	         "is too long.",
	         root);
	check_failed(refresh_profile(text, NULL), "a profile", detail);
}

/* A token file is read in the same way. */
static void
files_that_are_none_are_refused(void)
{
	char path[200], detail[500], *large = malloc(65537);
	int before = open_descriptors();

	begin();
	set("HOME", root);
	snprintf(path, sizeof(path), "%s/.aws/credentials", root);

	refresh_profile("", NULL);
	unlink(path);
	must(mkfifo(path, 0600) == 0, "mkfifo");
	snprintf(detail, sizeof(detail), "The file \"%s\" is not a regular file.", path);
	check_failed(refresh(FLOW_S3_PROFILE, none), "a profile", detail);
	unlink(path);
	must(mkdir(path, 0700) == 0, "mkdir");
	check_failed(refresh(FLOW_S3_PROFILE, none), "a profile", detail);
	rmdir(path);
	link_to("/dev/zero", ".aws/credentials");
	check_failed(refresh(FLOW_S3_PROFILE, none), "a profile", detail);
	unlink(path);
	link_to("credentials", ".aws/credentials");
	snprintf(detail, sizeof(detail), "The file \"%s\" could not be opened.", path);
	check_failed(refresh(FLOW_S3_PROFILE, none), "a profile", detail);
	CHECK_INT(error.os_errno, ELOOP);
	unlink(path);

	memset(large, '#', 65537);
	memcpy(large, "[default]\n" PAIR("A"), strlen("[default]\n" PAIR("A")));
	write_file(".aws/credentials", large, 65536);
	CHECK_INT(refresh(FLOW_S3_PROFILE, none), FLOW_OK);
	write_file(".aws/credentials", large, 65537);
	snprintf(detail, sizeof(detail), "The file \"%s\" has more than 64 KiB.", path);
	check_failed(refresh(FLOW_S3_PROFILE, none), "a profile", detail);
	write_file(".aws/credentials", SECRET "\0", sizeof(SECRET) + 1);
	snprintf(detail, sizeof(detail), "The file \"%s\" has a zero byte.", path);
	check_failed(refresh(FLOW_S3_PROFILE, none), "a profile", detail);
	CHECK_INT(open_descriptors(), before);
	free(large);
}

/* ---------- the instance ---------- */

#define IMDS "http://169.254.169.254/latest/"
#define ASK_TOKEN "PUT " IMDS "api/token x-aws-ec2-metadata-token-ttl-seconds: 21600"
#define ROLES IMDS "meta-data/iam/security-credentials/"
#define ASK_ROLE "GET " ROLES " x-aws-ec2-metadata-token: " PASS
#define ASK_KEYS "GET " ROLES "my-role x-aws-ec2-metadata-token: " PASS
#define KEYS(expiration)                                                                           \
	"{\"Code\" : \"Success\", \"LastUpdated\" : \"2024-01-31T22:00:00Z\", \"Type\" : "             \
	"\"AWS-HMAC\", \"AccessKeyId\" : \"" KEY                                                       \
	"\",\n \"SecretAccessKey\" : \"s3cr3tOfAKey\\/+w\", \"Token\" : \"" SESSION                    \
	"\", \"Expiration\" : \"" expiration "\", \"AccountId\" : null, \"N\" : 1}"

static void
keys_come_from_the_instance(void)
{
	static const Exchange exchanges[MAX_EXCHANGES] = {{ASK_TOKEN, FLOW_OK, 200, PASS},
	                                                  {ASK_ROLE, FLOW_OK, 200, "my-role"},
	                                                  {ASK_KEYS, FLOW_OK, 200, KEYS(LATER)}};
	static const Exchange lines[MAX_EXCHANGES] = {{ASK_TOKEN, FLOW_OK, 200, PASS "\n"},
	                                              {ASK_ROLE, FLOW_OK, 200, "my-role\r\nother"},
	                                              {ASK_KEYS, FLOW_OK, 200, KEYS(LATER)}};

	begin();
	for (piece = 1; piece < 600; piece = 2 * piece + 1)
	{
		CHECK_INT(refresh(FLOW_S3_INSTANCE, exchanges), FLOW_OK);
		check_keys(KEY, SECRET, SESSION, EXPIRES);
		CHECK_INT(connect_ms, 2000);
		CHECK_INT(answer_ms, 3000);
		CHECK_INT(waited, 0);
	}
	CHECK_INT(refresh(FLOW_S3_INSTANCE, lines), FLOW_OK);
	check_keys(KEY, SECRET, SESSION, EXPIRES);
}

/* Version 1 is not used instead. */
static void
an_instance_that_does_not_answer_is_asked_three_times(void)
{
	static const Exchange silent[MAX_EXCHANGES] = {{ASK_TOKEN, FLOW_IO, 0, "timed out"},
	                                               {ASK_TOKEN, FLOW_IO, 0, "timed out"},
	                                               {ASK_TOKEN, FLOW_IO, 0, "timed out"}};
	static const Exchange busy[MAX_EXCHANGES] = {{ASK_TOKEN, FLOW_OK, 503, "x"},
	                                             {ASK_TOKEN, FLOW_OK, 500, "x"},
	                                             {ASK_TOKEN, FLOW_OK, 429, PASS}};
	static const Exchange no_v2[MAX_EXCHANGES] = {{ASK_TOKEN, FLOW_OK, 404, "x"}};
	static const Exchange recovers[MAX_EXCHANGES] = {{ASK_TOKEN, FLOW_IO, 0, "reset"},
	                                                 {ASK_TOKEN, FLOW_OK, 200, PASS},
	                                                 {ASK_ROLE, FLOW_OK, 500, "x"},
	                                                 {ASK_ROLE, FLOW_IO, 0, "reset"},
	                                                 {ASK_ROLE, FLOW_OK, 200, "my-role"},
	                                                 {ASK_KEYS, FLOW_OK, 429, "x"},
	                                                 {ASK_KEYS, FLOW_OK, 200, KEYS(LATER)}};

	begin();
	check_failed(refresh(FLOW_S3_INSTANCE, silent),
	             "the instance",
	             "PUT " IMDS "api/token failed: timed out.");
	CHECK(strstr(error.hint, "hop limit") != NULL);
	CHECK_INT(waited, 300);
	check_failed(refresh(FLOW_S3_INSTANCE, busy),
	             "the instance",
	             "The answer to PUT " IMDS "api/token has status 429.");
	check_failed(refresh(FLOW_S3_INSTANCE, no_v2),
	             "the instance",
	             "The answer to PUT " IMDS "api/token has status 404.");
	CHECK_INT(waited, 0);
	CHECK_INT(refresh(FLOW_S3_INSTANCE, recovers), FLOW_OK);
	check_keys(KEY, SECRET, SESSION, EXPIRES);
}

static void
an_instance_without_keys_is_an_error(void)
{
	static const Exchange no_role[MAX_EXCHANGES] = {{ASK_TOKEN, FLOW_OK, 200, PASS},
	                                                {ASK_ROLE, FLOW_OK, 404, "<html>"}};
	static const Exchange forbidden[MAX_EXCHANGES] = {{ASK_TOKEN, FLOW_OK, 200, PASS},
	                                                  {ASK_ROLE, FLOW_OK, 401, ""}};
	static const Exchange odd_role[MAX_EXCHANGES] = {{ASK_TOKEN, FLOW_OK, 200, PASS},
	                                                 {ASK_ROLE, FLOW_OK, 200, "../../x"}};
	static const Exchange dots[MAX_EXCHANGES] = {{ASK_TOKEN, FLOW_OK, 200, PASS},
	                                             {ASK_ROLE, FLOW_OK, 200, ".."}};
	static const Exchange no_token[MAX_EXCHANGES] = {{ASK_TOKEN, FLOW_OK, 200, "a b"}};
	static const Exchange empty_token[MAX_EXCHANGES] = {{ASK_TOKEN, FLOW_OK, 200, ""}};
	static const Exchange not_allowed[MAX_EXCHANGES] = {{ASK_TOKEN, FLOW_NOT_ALLOWED, 0, ""}};
	static const struct
	{
		const char *answer;
		int status;
		const char *detail;
	} bad[] = {{"{\"Code\": \"AssumeRoleUnauthorizedAccess\"}",
	            200,
	            "The answer to GET " ROLES "my-role is \"AssumeRoleUnauthorizedAccess\"."},
	           {"{\"Code\": \"a b1\"}", 200, "The answer to GET " ROLES "my-role is \"a?b?\"."},
	           {"{}",
	            200,
	            "The answer to GET " ROLES
	            "my-role is not JSON with a text \"AccessKeyId\", or the text is too long."},
	           {"",
	            200,
	            "The answer to GET " ROLES
	            "my-role is not JSON with a text \"AccessKeyId\", or the text is too long."},
	           {"[\"" SECRET "\"]",
	            200,
	            "The answer to GET " ROLES
	            "my-role is not JSON with a text \"AccessKeyId\", or the text is too long."},
	           {"{\"AccessKeyId\": \"" KEY "\", \"SecretAccessKey\": 1}",
	            200,
	            "The answer to GET " ROLES
	            "my-role is not JSON with a text \"SecretAccessKey\", or the text is too long."},
	           {"{\"AccessKeyId\": \"" KEY "\", \"SecretAccessKey\": \"" SECRET "\"}",
	            200,
	            "The answer to GET " ROLES
	            "my-role is not JSON with a text \"Token\", or the text is too long."},
	           {"{\"AccessKeyId\": \"" KEY "\", \"SecretAccessKey\": \"" SECRET
	            "\", \"Token\": \"" SESSION "\"}",
	            200,
	            "The answer to GET " ROLES
	            "my-role is not JSON with a text \"Expiration\", or the text is too long."},
	           {KEYS("tomorrow"),
	            200,
	            "In the answer to GET " ROLES "my-role, \"Expiration\" is not a time."},
	           {KEYS("2024-01-31T23:00:00Z"), 200, "The keys have expired already."},
	           {KEYS(LATER) "x",
	            200,
	            "The answer to GET " ROLES
	            "my-role is not JSON with a text \"AccessKeyId\", or the text is too long."},
	           {KEYS(LATER), 403, "The answer to GET " ROLES "my-role has status 403."}};
	char *large = malloc(70000);

	begin();
	check_failed(refresh(FLOW_S3_INSTANCE, no_role),
	             "the instance",
	             "The instance has no role: the answer to GET " ROLES " has status 404.");
	CHECK(strstr(error.hint, "IAM role") != NULL);
	check_failed(refresh(FLOW_S3_INSTANCE, forbidden),
	             "the instance",
	             "The answer to GET " ROLES " has status 401.");
	check_failed(refresh(FLOW_S3_INSTANCE, odd_role),
	             "the instance",
	             "The answer to GET " ROLES " is not the name of a role.");
	check_failed(refresh(FLOW_S3_INSTANCE, dots),
	             "the instance",
	             "The answer to GET " ROLES " is not the name of a role.");
	check_failed(refresh(FLOW_S3_INSTANCE, no_token),
	             "the instance",
	             "The answer to PUT " IMDS "api/token is not a token.");
	check_failed(refresh(FLOW_S3_INSTANCE, empty_token),
	             "the instance",
	             "The answer to PUT " IMDS "api/token is not a token.");
	check_failed(refresh(FLOW_S3_INSTANCE, not_allowed),
	             "the instance",
	             "PUT " IMDS "api/token was not sent: its address is not allowed.");
	for (size_t i = 0; i < flow_countof(bad); i++)
	{
		Exchange exchanges[MAX_EXCHANGES] = {{ASK_TOKEN, FLOW_OK, 200, PASS},
		                                     {ASK_ROLE, FLOW_OK, 200, "my-role"},
		                                     {ASK_KEYS, FLOW_OK, bad[i].status, bad[i].answer}};

		check_failed(refresh(FLOW_S3_INSTANCE, exchanges), "the instance", bad[i].detail);
	}

	memset(large, 'x', 69999);
	large[69999] = '\0';
	check_failed(refresh(FLOW_S3_INSTANCE,
	                     (Exchange[MAX_EXCHANGES]) {{ASK_TOKEN, FLOW_OK, 200, large}}),
	             "the instance",
	             "The answer to PUT " IMDS "api/token is too long.");
	free(large);
}

/* ---------- the container ---------- */

#define ECS "http://169.254.170.2/v2/credentials/1"

static void
keys_come_from_the_container(void)
{
	static const Exchange relative[MAX_EXCHANGES] = {{"GET " ECS, FLOW_OK, 200, KEYS(LATER)}};
	static const Exchange authorized[MAX_EXCHANGES] = {
		{"GET " ECS " authorization: " PASS, FLOW_OK, 200, KEYS(LATER)}};
	static const Exchange full[MAX_EXCHANGES] = {
		{"GET http://169.254.170.23/v1/credentials authorization: " PASS,
	     FLOW_OK,
	     200,
	     KEYS(LATER)}};
	char path[200];

	begin();
	set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/1");
	CHECK_INT(refresh(FLOW_S3_CONTAINER, relative), FLOW_OK);
	check_keys(KEY, SECRET, SESSION, EXPIRES);
	CHECK_INT(connect_ms, 2000);
	set("AWS_CONTAINER_AUTHORIZATION_TOKEN", PASS);
	CHECK_INT(refresh(FLOW_S3_CONTAINER, authorized), FLOW_OK);
	check_keys(KEY, SECRET, SESSION, EXPIRES);

	set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", NULL);
	set("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials");
	CHECK_INT(refresh(FLOW_S3_CONTAINER, full), FLOW_OK);
	set("AWS_CONTAINER_AUTHORIZATION_TOKEN", "not this");
	snprintf(path, sizeof(path), "%s/token", root);
	set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path);
	write_file("token", PASS "\n", strlen(PASS "\n"));
	CHECK_INT(refresh(FLOW_S3_CONTAINER, full), FLOW_OK);
	check_keys(KEY, SECRET, SESSION, EXPIRES);
}

static void
only_some_addresses_are_asked_for_a_containers_keys(void)
{
	static const char *const good[] = {"https://example.com/x",
	                                   "HTTPS://10.0.0.1:8443/",
	                                   "https://[fd00::1]/x",
	                                   "http://localhost/x",
	                                   "http://LOCALHOST:1234/",
	                                   "http://127.0.0.1:80/x",
	                                   "http://127.1.2.3/x",
	                                   "http://[::1]/x",
	                                   "http://[::1]:90/x",
	                                   "http://169.254.170.2/x",
	                                   "http://169.254.170.23/x",
	                                   "http://[fd00:ec2::23]/x",
	                                   "http://169.254.170.2"};
	static const char *const bad[] = {"http://example.com/x",
	                                  "http://169.254.169.254/x",
	                                  "http://169.254.170.3/x",
	                                  "http://169.254.170.22/x",
	                                  "http://169.254.170.2.example.com/x",
	                                  "http://169.254.170.2@example.com/x",
	                                  "https://169.254.170.2@example.com/x",
	                                  "http://localhost.example.com/",
	                                  "http://localhostx",
	                                  "http://127.0.0.1.example.com/",
	                                  "http://[::1].example.com/",
	                                  "http://[::1",
	                                  "http://[::2]/",
	                                  "http://",
	                                  "https://",
	                                  "https:///x",
	                                  "ftp://localhost/x",
	                                  "localhost/x",
	                                  "http:/localhost/",
	                                  "file:///etc/passwd",
	                                  "http://10.0.0.1/",
	                                  "http://localhost\\@example.com/",
	                                  "https://example.com\\x/",
	                                  "http://example.com\\.localhost/",
	                                  "http://localhost /x",
	                                  "http://localhost\r\n/x",
	                                  "https://example.com/\n",
	                                  "http://0/",
	                                  "http://127.0.0.1x/",
	                                  "http://127./"};

	begin();
	check_failed(refresh(FLOW_S3_CONTAINER, none),
	             "the container",
	             "Neither \"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI\" nor "
	             "\"AWS_CONTAINER_CREDENTIALS_FULL_URI\" is set in the environment.");
	for (size_t i = 0; i < flow_countof(good); i++)
	{
		char asks[200];
		Exchange exchanges[MAX_EXCHANGES] = {{asks, FLOW_OK, 200, KEYS(LATER)}};

		snprintf(asks, sizeof(asks), "GET %s", good[i]);
		set("AWS_CONTAINER_CREDENTIALS_FULL_URI", good[i]);
		CHECK_INT(refresh(FLOW_S3_CONTAINER, exchanges), FLOW_OK);
	}
	for (size_t i = 0; i < flow_countof(bad); i++)
	{
		set("AWS_CONTAINER_CREDENTIALS_FULL_URI", bad[i]);
		check_failed(refresh(FLOW_S3_CONTAINER, none),
		             "the container",
		             "The value of the environment variable \"AWS_CONTAINER_CREDENTIALS_FULL_URI\" "
		             "is not allowed.");
		CHECK(strstr(error.hint, "https://") != NULL);
	}
	set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", ".example.com/");
	check_failed(refresh(FLOW_S3_CONTAINER, none),
	             "the container",
	             "The value of the environment variable \"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI\" "
	             "is not a path.");
	set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/a b");
	check_failed(refresh(FLOW_S3_CONTAINER, none),
	             "the container",
	             "The value of the environment variable \"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI\" "
	             "is not a path.");
}

static void
a_container_without_keys_is_an_error(void)
{
	static const Exchange refused[MAX_EXCHANGES] = {{"GET https://example.com/x?a=" PASS,
	                                                 FLOW_OK,
	                                                 403,
	                                                 "{\"code\": \"" PASS "\", \"message\": \"" PASS
	                                                 "\"}"}};
	static const Exchange moved[MAX_EXCHANGES] = {
		{"GET https://example.com/x?a=" PASS, FLOW_OK, 302, ""}};
	char path[200], detail[500];

	begin();
	set("AWS_CONTAINER_CREDENTIALS_FULL_URI", "https://example.com/x?a=" PASS);
	check_failed(refresh(FLOW_S3_CONTAINER, refused),
	             "the container",
	             "The answer to GET https://example.com/x has status 403.");
	check_failed(refresh(FLOW_S3_CONTAINER, moved),
	             "the container",
	             "The answer to GET https://example.com/x has status 302.");
	set("AWS_CONTAINER_AUTHORIZATION_TOKEN", PASS "\r\nx: y");
	check_failed(refresh(FLOW_S3_CONTAINER, none),
	             "the container",
	             "The authorization token of the container is empty, or has characters that are "
	             "not printable.");
	snprintf(path, sizeof(path), "%s/no-token", root);
	set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path);
	snprintf(detail, sizeof(detail), "The file \"%s\" could not be opened.", path);
	check_failed(refresh(FLOW_S3_CONTAINER, none), "the container", detail);
	CHECK_INT(error.os_errno, ENOENT);
	write_file("no-token", "\n" PASS, strlen("\n" PASS));
	check_failed(refresh(FLOW_S3_CONTAINER, none),
	             "the container",
	             "The authorization token of the container is empty, or has characters that are "
	             "not printable.");
}

/* ---------- a web identity ---------- */

#define ROLE "arn:aws:iam::123456789012:role/my+role"
#define STS "https://sts.eu-west-1.amazonaws.com/"
#define FORM " content-type: application/x-www-form-urlencoded"
#define STS_KEYS                                                                                   \
	"<AssumeRoleWithWebIdentityResponse "                                                          \
	"xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/"                                            \
	"\"><AssumeRoleWithWebIdentityResult><Credentials>"                                            \
	"<AccessKeyId>" KEY "</AccessKeyId><SecretAccessKey>" SECRET                                   \
	"</SecretAccessKey><SessionToken>" SESSION "</SessionToken><Expiration>" LATER                 \
	"</Expiration></Credentials></AssumeRoleWithWebIdentityResult></"                              \
	"AssumeRoleWithWebIdentityResponse>"
#define STS_ERROR(code, message)                                                                   \
	"<ErrorResponse><Error><Type>Sender</Type><Code>" code "</Code><Message>" message              \
	"</Message></Error></ErrorResponse>"

static char token_path[200];

static void
begin_web_identity(void)
{
	begin();
	snprintf(token_path, sizeof(token_path), "%s/jwt", root);
	write_file("jwt", JWT "\n", strlen(JWT "\n"));
	set("AWS_ROLE_ARN", ROLE);
	set("AWS_WEB_IDENTITY_TOKEN_FILE", token_path);
	set("AWS_REGION", "eu-west-1");
}

static void
keys_come_from_sts(void)
{
	static const Exchange exchanges[MAX_EXCHANGES] = {{"POST " STS FORM, FLOW_OK, 200, STS_KEYS}};
	static const Exchange china[MAX_EXCHANGES] = {
		{"POST https://sts.cn-north-1.amazonaws.com.cn/" FORM, FLOW_OK, 200, STS_KEYS}};
	static const Exchange elsewhere[MAX_EXCHANGES] = {
		{"POST http://127.0.0.1:9/" FORM, FLOW_OK, 200, STS_KEYS}};
	static const Exchange recovers[MAX_EXCHANGES] =
		{{"POST " STS FORM, FLOW_OK, 400, STS_ERROR("IDPCommunicationError", "x")},
	     {"POST " STS FORM, FLOW_OK, 503, ""},
	     {"POST " STS FORM, FLOW_OK, 200, STS_KEYS}};

	begin_web_identity();
	CHECK_INT(refresh(FLOW_S3_WEB_IDENTITY, exchanges), FLOW_OK);
	check_keys(KEY, SECRET, SESSION, EXPIRES);
	CHECK_STRING(body,
	             "Action=AssumeRoleWithWebIdentity&DurationSeconds=900&RoleArn=arn%3Aaws%3Aiam%3A%"
	             "3A123456789012%3Arole%2Fmy%2Brole"
	             "&RoleSessionName=flowlog_fdw&Version=2011-06-15&WebIdentityToken=" JWT);
	set("AWS_ROLE_SESSION_NAME", "a b");
	CHECK_INT(refresh(FLOW_S3_WEB_IDENTITY, recovers), FLOW_OK);
	check_keys(KEY, SECRET, SESSION, EXPIRES);
	CHECK(strstr(body, "&RoleSessionName=a%20b&") != NULL);
	set("AWS_REGION", "cn-north-1");
	CHECK_INT(refresh(FLOW_S3_WEB_IDENTITY, china), FLOW_OK);
	set("AWS_REGION", NULL);
	sts_url = "http://127.0.0.1:9";
	CHECK_INT(refresh(FLOW_S3_WEB_IDENTITY, elsewhere), FLOW_OK);
}

static void
a_profile_may_have_a_web_identity(void)
{
	static const Exchange exchanges[MAX_EXCHANGES] = {
		{"POST https://sts.eu-central-1.amazonaws.com/" FORM, FLOW_OK, 200, STS_KEYS}};
	char text[1000];

	begin_web_identity();
	set("HOME", root);
	snprintf(text,
	         sizeof(text),
	         "[default]\nregion = eu-central-1\nrole_arn = " ROLE
	         "\nweb_identity_token_file = %s\nrole_session_name = me\n",
	         token_path);
	write_file(".aws/config", text, strlen(text));
	unlink(at(".aws/credentials"));
	CHECK_INT(refresh(FLOW_S3_PROFILE, exchanges), FLOW_OK);
	check_keys(KEY, SECRET, SESSION, EXPIRES);
	CHECK(strstr(body, "&RoleSessionName=me&") != NULL);
}

static void
what_sts_refuses_is_an_error(void)
{
	static const struct
	{
		int status;
		const char *answer;
		const char *detail;
	} refusals[] =
		{{403,
	      STS_ERROR("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"),
	      "The answer to POST " STS " has status 403, \"AccessDenied\": Not authorized to perform "
	      "sts:AssumeRoleWithWebIdentity"},
	     {400,
	      STS_ERROR("ValidationError", "Value '" JWT "' at 'webIdentityToken' failed"),
	      "The answer to POST " STS " has status 400, \"ValidationError\"."},
	     {400,
	      STS_ERROR("ExpiredTokenException", ""),
	      "The answer to POST " STS " has status 400, \"ExpiredTokenException\"."},
	     {400, "garbage " JWT, "The answer to POST " STS " has status 400."},
	     {200, STS_ERROR("AccessDenied", JWT), "The answer to POST " STS " holds no keys."},
	     {200, "", "The answer to POST " STS " holds no keys."}};
	char detail[500];

	begin_web_identity();
	for (size_t i = 0; i < flow_countof(refusals); i++)
	{
		Exchange exchanges[MAX_EXCHANGES] = {
			{"POST " STS FORM, FLOW_OK, refusals[i].status, refusals[i].answer}};

		check_failed(refresh(FLOW_S3_WEB_IDENTITY, exchanges), "AWS STS", refusals[i].detail);
	}

	set("AWS_REGION", "eu-west-1.example.com/");
	check_failed(refresh(FLOW_S3_WEB_IDENTITY, none),
	             "AWS STS",
	             "The name of the region is not well-formed.");
	set("AWS_REGION", "");
	check_failed(refresh(FLOW_S3_WEB_IDENTITY, none),
	             "AWS STS",
	             "The region is not known: the environment variable \"AWS_REGION\" is not set.");
	set("AWS_REGION", "eu-west-1");
	write_file("jwt", "a b", 3);
	snprintf(detail, sizeof(detail), "The file \"%s\" holds no token.", token_path);
	check_failed(refresh(FLOW_S3_WEB_IDENTITY, none), "AWS STS", detail);
	unlink(token_path);
	snprintf(detail, sizeof(detail), "The file \"%s\" could not be opened.", token_path);
	check_failed(refresh(FLOW_S3_WEB_IDENTITY, none), "AWS STS", detail);
	set("AWS_ROLE_ARN", NULL);
	check_failed(refresh(FLOW_S3_WEB_IDENTITY, none),
	             "AWS STS",
	             "The environment variable \"AWS_ROLE_ARN\" is not set.");
	set("AWS_ROLE_ARN", ROLE);
	set("AWS_WEB_IDENTITY_TOKEN_FILE", NULL);
	check_failed(refresh(FLOW_S3_WEB_IDENTITY, none),
	             "AWS STS",
	             "The environment variable \"AWS_WEB_IDENTITY_TOKEN_FILE\" is not set.");
}

/* ---------- JSON ---------- */

static void
a_member_of_json_is_a_text_that_fits(void)
{
	static const struct
	{
		const char *json;
		const char *text; /* NULL: none */
	} cases[] = {{"{\"a\": \"x\"}", "x"},
	             {" {\"b\": [{\"a\": \"y\"}], \"a\": \"\\u0041\\/\"} ", "A/"},
	             {"{\"a\": \"1234567\"}", "1234567"},
	             {"{\"a\": \"\"}", ""},
	             {"{\"a\": \"12345678\"}", NULL},
	             {"{\"a\": 1}", NULL},
	             {"{\"a\": null}", NULL},
	             {"{\"a\": {\"a\": \"x\"}}", NULL},
	             {"{\"A\": \"x\"}", NULL},
	             {"{\"a\": \"x\", \"a\": \"y\"}", NULL},
	             {"{\"a\": \"x\\u0000\"}", NULL},
	             {"[{\"a\": \"x\"}]", NULL},
	             {"\"a\"", NULL},
	             {"", NULL},
	             {"{\"a\": \"x\"", NULL},
	             {"{\"a\": \"x\"} {}", NULL},
	             {"{\"a\": \"\xFF\"}", NULL}};

	for (size_t i = 0; i < flow_countof(cases); i++)
	{
		size_t len = strlen(cases[i].json);
		char text[8] = "";

		CHECK_INT(flow_json_member(unit_at_edge(cases[i].json, len), len, "a", text, sizeof(text)),
		          cases[i].text != NULL);
		CHECK_STRING(text, cases[i].text != NULL ? cases[i].text : "");
	}
}

/* ---------- when ---------- */

static const Exchange gives[MAX_EXCHANGES] = {{"GET " ECS, FLOW_OK, 200, KEYS(LATER)}};
static const Exchange gives_later[MAX_EXCHANGES] = {
	{"GET " ECS, FLOW_OK, 200, KEYS("2024-02-01T03:00:00Z")}};
static const Exchange gives_short[MAX_EXCHANGES] = {
	{"GET " ECS, FLOW_OK, 200, KEYS("2024-01-31T23:02:00Z")}};
static const Exchange fails[MAX_EXCHANGES] = {{"GET " ECS, FLOW_OK, 403, ""}};

static void
begin_container(void)
{
	begin();
	set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/1");
}

static void
keys_are_renewed_five_minutes_early(void)
{
	begin_container();
	CHECK_INT(refresh(FLOW_S3_CONTAINER, gives), FLOW_OK);
	now = EXPIRES - 301;
	CHECK_INT(refresh_more(none, 0, false), FLOW_OK);
	now = EXPIRES - 300;
	CHECK_INT(refresh_more(gives_later, 1, false), FLOW_OK);
	check_keys(KEY, SECRET, SESSION, EXPIRES + 7200);
	CHECK_INT(refresh_more(none, 0, false), FLOW_OK);
	CHECK_INT(refresh_more(gives, 1, true), FLOW_OK); /* the store has rejected them */
	check_keys(KEY, SECRET, SESSION, EXPIRES);
}

static void
keys_that_are_good_stay_if_others_cannot_be_had(void)
{
	begin_container();
	CHECK_INT(refresh(FLOW_S3_CONTAINER, gives), FLOW_OK);
	now = EXPIRES - 200;
	CHECK_INT(refresh_more(fails, 1, false), FLOW_OK);
	check_keys(KEY, SECRET, SESSION, EXPIRES);
	now += 29; /* not at every request */
	CHECK_INT(refresh_more(none, 0, false), FLOW_OK);
	now += 1;
	CHECK_INT(refresh_more(fails, 1, false), FLOW_OK);
	now = EXPIRES - 1;
	CHECK_INT(refresh_more(fails, 1, false), FLOW_OK);
	check_keys(KEY, SECRET, SESSION, EXPIRES);
	now = EXPIRES;
	CHECK_INT(refresh_more(fails, 1, false), FLOW_NO_PERMISSION);
	CHECK_STRING(error.detail, "The answer to GET " ECS " has status 403.");
	CHECK_INT(refresh_more(gives_later, 1, false), FLOW_OK);
	check_keys(KEY, SECRET, SESSION, EXPIRES + 7200);
	/* keys that the store has rejected are not kept */
	CHECK_INT(refresh_more(fails, 1, true), FLOW_NO_PERMISSION);
}

static void
keys_of_a_short_life_are_not_asked_for_all_the_time(void)
{
	begin_container();
	CHECK_INT(refresh(FLOW_S3_CONTAINER, gives_short), FLOW_OK);
	now += 29;
	CHECK_INT(refresh_more(none, 0, false), FLOW_OK);
	now += 1;
	CHECK_INT(refresh_more(gives, 1, false), FLOW_OK);
}

/* ---------- the host ---------- */

static void
an_interrupt_ends_it(void)
{
	static const Exchange interrupted[MAX_EXCHANGES] = {{"GET " ECS, FLOW_INTERRUPTED, 0, ""}};
	static const Exchange silent[MAX_EXCHANGES] = {{"GET " ECS, FLOW_IO, 0, "reset"},
	                                               {"GET " ECS, FLOW_IO, 0, "reset"},
	                                               {"GET " ECS, FLOW_IO, 0, "reset"}};
	static const Exchange broken[MAX_EXCHANGES] = {{"GET " ECS, FLOW_CHANGED, 0, ""}};
	static const Exchange no_memory[MAX_EXCHANGES] = {{"GET " ECS, FLOW_NO_MEMORY, 0, ""}};

	begin_container();
	CHECK_INT(refresh(FLOW_S3_CONTAINER, interrupted), FLOW_INTERRUPTED);
	unit_state.interrupt_after = 1;
	CHECK_INT(refresh(FLOW_S3_CONTAINER, silent), FLOW_INTERRUPTED);
	CHECK_INT(played, 2);
	unit_state.interrupt_after = -1;
	check_failed(refresh(FLOW_S3_CONTAINER, silent), "the container", "GET " ECS " failed: reset.");
	CHECK_INT(refresh(FLOW_S3_CONTAINER, no_memory), FLOW_NO_MEMORY);
	CHECK(refresh_more(interrupted, 1, true) == FLOW_INTERRUPTED && !credentials.known);

	/* all of HTTP fails */
	check_failed(refresh(FLOW_S3_CONTAINER,
	                     (Exchange[MAX_EXCHANGES]) {broken[0], broken[0], broken[0]}),
	             "the container",
	             "GET " ECS " failed: could not wait.");
}

static void
check_memory(FlowS3Source source, const Exchange exchanges[MAX_EXCHANGES])
{
	FlowStatus status = FLOW_NO_MEMORY;
	int tries;

	for (tries = 0; status == FLOW_NO_MEMORY && tries < 50; tries++)
	{
		unit_state.fail_after = tries;
		status = refresh(source, exchanges);
		unit_state.fail_after = -1;
		CHECK(status == FLOW_OK || !credentials.known);
	}
	CHECK_INT(status, FLOW_OK);
	CHECK(tries > 1);
}

static void
without_memory_nothing_is_left(void)
{
	static const Exchange instance[MAX_EXCHANGES] = {{ASK_TOKEN, FLOW_OK, 200, PASS},
	                                                 {ASK_ROLE, FLOW_OK, 200, "my-role"},
	                                                 {ASK_KEYS, FLOW_OK, 200, KEYS(LATER)}};
	static const Exchange sts[MAX_EXCHANGES] = {{"POST " STS FORM, FLOW_OK, 200, STS_KEYS}};
	static const char text[] =
		"[default]\naws_access_key_id = " KEY "\naws_secret_access_key = " SECRET "\n";

	begin_web_identity();
	set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/1");
	set("HOME", root);
	check_memory(FLOW_S3_INSTANCE, instance);
	check_memory(FLOW_S3_CONTAINER, gives);
	check_memory(FLOW_S3_WEB_IDENTITY, sts);
	write_file(".aws/credentials", text, strlen(text));
	write_file(".aws/config", "", 0);
	check_memory(FLOW_S3_PROFILE, none);
}

/* ---------- addresses ---------- */

static bool
allow(FlowS3Source source, const char *address, int port, bool tls)
{
	unsigned parts[4];
	uint8_t bytes[16] = {0};

	if (sscanf(address, "%u.%u.%u.%u", &parts[0], &parts[1], &parts[2], &parts[3]) == 4)
	{
		for (int i = 0; i < 4; i++)
			bytes[i] = (uint8_t) parts[i];
		return flow_s3_credentials_allow(source, bytes, 4, port, tls);
	}
	for (int i = 0; i < 16; i++)
		sscanf(address + 2 * i, "%2hhx", &bytes[i]);
	return flow_s3_credentials_allow(source, bytes, 16, port, tls);
}

static void
only_fixed_addresses_are_allowed(void)
{
	CHECK(allow(FLOW_S3_INSTANCE, "169.254.169.254", 80, false));
	CHECK(!allow(FLOW_S3_INSTANCE, "169.254.169.254", 81, false));
	CHECK(!allow(FLOW_S3_INSTANCE, "169.254.169.254", 80, true));
	CHECK(!allow(FLOW_S3_INSTANCE, "169.254.169.253", 80, false));
	CHECK(!allow(FLOW_S3_INSTANCE, "169.254.170.2", 80, false));
	CHECK(!allow(FLOW_S3_INSTANCE, "127.0.0.1", 80, false));
	CHECK(allow(FLOW_S3_CONTAINER, "169.254.170.2", 80, false));
	CHECK(allow(FLOW_S3_CONTAINER, "169.254.170.23", 80, false));
	CHECK(allow(FLOW_S3_CONTAINER, "fd000ec2000000000000000000000023", 80, false));
	CHECK(allow(FLOW_S3_CONTAINER, "127.0.0.1", 1234, false));
	CHECK(allow(FLOW_S3_CONTAINER, "127.9.9.9", 443, true));
	CHECK(allow(FLOW_S3_CONTAINER, "00000000000000000000000000000001", 1234, false));
	CHECK(!allow(FLOW_S3_CONTAINER, "169.254.170.2", 8080, false));
	CHECK(!allow(FLOW_S3_CONTAINER, "169.254.169.254", 80, false));
	CHECK(!allow(FLOW_S3_CONTAINER, "10.0.0.1", 80, false));
	CHECK(!allow(FLOW_S3_CONTAINER, "00000000000000000000ffffa9fea902", 80, false));
	CHECK(!allow(FLOW_S3_CONTAINER, "00000000000000000000ffff7f000001", 80, false));
	CHECK(!allow(FLOW_S3_CONTAINER, "00000000000000000000000000000000", 80, false));
	CHECK(!allow(FLOW_S3_CONTAINER, "fd000ec2000000000000000000000254", 80, false));
	for (int source = 0; source <= FLOW_S3_WEB_IDENTITY; source++)
		if (source != FLOW_S3_INSTANCE && source != FLOW_S3_CONTAINER)
			CHECK(!allow((FlowS3Source) source, "169.254.169.254", 80, false) &&
			      !allow((FlowS3Source) source, "169.254.170.2", 80, false) &&
			      !allow((FlowS3Source) source, "127.0.0.1", 80, false));
}

int
main(void)
{
	plant();
	RUN(nothing_is_fetched_for_static_keys_and_none);
	RUN(keys_come_from_the_environment);
	RUN(keys_with_odd_bytes_are_refused);
	RUN(profiles_are_found_in_both_files);
	RUN(files_may_be_elsewhere);
	RUN(profiles_are_read_as_by_aws_tools);
	RUN(profiles_without_keys_are_refused);
	RUN(files_that_are_none_are_refused);
	RUN(keys_come_from_the_instance);
	RUN(an_instance_that_does_not_answer_is_asked_three_times);
	RUN(an_instance_without_keys_is_an_error);
	RUN(keys_come_from_the_container);
	RUN(only_some_addresses_are_asked_for_a_containers_keys);
	RUN(a_container_without_keys_is_an_error);
	RUN(keys_come_from_sts);
	RUN(a_profile_may_have_a_web_identity);
	RUN(what_sts_refuses_is_an_error);
	RUN(a_member_of_json_is_a_text_that_fits);
	RUN(keys_are_renewed_five_minutes_early);
	RUN(keys_that_are_good_stay_if_others_cannot_be_had);
	RUN(keys_of_a_short_life_are_not_asked_for_all_the_time);
	RUN(an_interrupt_ends_it);
	RUN(without_memory_nothing_is_left);
	RUN(only_fixed_addresses_are_allowed);
	fell();
	return unit_done();
}
