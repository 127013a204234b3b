/*-------------------------------------------------------------------------
 *
 * test_s3_sign.c
 *	  Tests signatures: those that AWS has published, and those of the obvious
 *	  version.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#include "../../flow/s3/s3.h"

#include <openssl/hmac.h>
#include <openssl/sha.h>

#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define UNRESERVED "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define MAX_FIELDS 8
#define MAX_PARAMETERS 4

static uint64_t seed = 88172645463325252;

static size_t
random_below(size_t limit)
{
	return (size_t) (unit_random(&seed) % limit);
}

/* A request with a known signature.  Arrays end with a NULL name. */
typedef struct Signed
{
	const char *name;
	const char *method;
	const char *path;
	FlowS3Parameter parameters[MAX_PARAMETERS];
	FlowHttpField fields[MAX_FIELDS];
	const char *body;
	const char *names; /* signed */
	const char *signature;
} Signed;

static int
count_parameters(const FlowS3Parameter *parameters)
{
	int count = 0;

	while (count < MAX_PARAMETERS && parameters[count].name != NULL)
		count++;
	return count;
}

static int
count_fields(const FlowHttpField *fields)
{
	int count = 0;

	while (count < MAX_FIELDS && fields[count].name != NULL)
		count++;
	return count;
}

static void
check_signed(const Signed *example, const FlowS3Keys *keys, const char *time, const char *service)
{
	char query[1024], hash[FLOW_S3_HASH_TEXT], wanted[2048], authorization[FLOW_S3_AUTHORIZATION];
	FlowS3Signing signing = {.method = example->method,
	                         .path = example->path,
	                         .query = query,
	                         .fields = example->fields,
	                         .nfields = count_fields(example->fields),
	                         .payload_hash = hash,
	                         .time = time,
	                         .region = "us-east-1",
	                         .service = service,
	                         .keys = keys};

	CHECK(flow_s3_query(example->parameters,
	                    count_parameters(example->parameters),
	                    query,
	                    sizeof(query)));
	flow_s3_hash(example->body, strlen(example->body), hash);
	CHECK_INT(flow_s3_sign(&unit_host, &signing, authorization), FLOW_OK);
	snprintf(wanted,
	         sizeof(wanted),
	         "AWS4-HMAC-SHA256 Credential=%s/%.8s/us-east-1/%s/aws4_request, SignedHeaders=%s, "
	         "Signature=%s",
	         keys->access_key_id,
	         time,
	         service,
	         example->names,
	         example->signature);
	CHECK_STRING(authorization, wanted);
	if (strcmp(authorization, wanted) != 0)
		printf("# in %s\n", example->name);
}

/* ---------- published signatures ---------- */

#define BUCKET "examplebucket.s3.amazonaws.com"

/*
 * Amazon S3 API Reference, "Signature Calculations for the Authorization
 * Header: Transferring Payload in a Single Chunk"
 */
static const Signed s3_examples[] = {
	{"GET object",
     "GET",
     "/test.txt",
     {{0}},
     {{"host", BUCKET},
      {"range", "bytes=0-9"},
      {"x-amz-content-sha256", EMPTY_HASH},
      {"x-amz-date", "20130524T000000Z"}},
     "",
     "host;range;x-amz-content-sha256;x-amz-date",
     "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
	{"PUT object",
     "PUT",
     "/test%24file.text",
     {{0}},
     {{"x-amz-storage-class", "REDUCED_REDUNDANCY"},
      {"x-amz-date", "20130524T000000Z"},
      {"x-amz-content-sha256", "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"},
      {"host", BUCKET},
      {"date", "Fri, 24 May 2013 00:00:00 GMT"}},
     "Welcome to Amazon S3.",
     "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
     "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
	{"GET bucket lifecycle",
     "GET",
     "/",
     {{"lifecycle", ""}},
     {{"host", BUCKET}, {"x-amz-date", "20130524T000000Z"}, {"x-amz-content-sha256", EMPTY_HASH}},
     "",
     "host;x-amz-content-sha256;x-amz-date",
     "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
	{"GET bucket",
     "GET",
     "/",
     {{"prefix", "J"}, {"max-keys", "2"}},
     {{"x-amz-content-sha256", EMPTY_HASH}, {"host", BUCKET}, {"x-amz-date", "20130524T000000Z"}},
     "",
     "host;x-amz-content-sha256;x-amz-date",
     "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
};

static void
the_examples_of_s3_have_their_signatures(void)
{
	static const FlowS3Keys keys = {"AKIAIOSFODNN7EXAMPLE",
	                                "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
	                                ""};

	for (size_t i = 0; i < flow_countof(s3_examples); i++)
		check_signed(&s3_examples[i], &keys, "20130524T000000Z", "s3");
}

#define FORM "application/x-www-form-urlencoded"
#define HOST_AND_DATE                                                                              \
	{"host", "example.amazonaws.com"},                                                             \
	{                                                                                              \
		"x-amz-date", "20150830T123600Z"                                                           \
	}
#define TOKEN                                                                                      \
	"AQoDYXdzEPT//////////"                                                                        \
	"wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwth" \
	"Ax7mSEI/qkPpKPi/kMcGd"                                                                        \
	"QrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAk" \
	"iY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz"                                                   \
	"+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="

/*
 * the test suite of Signature Version 4, without the cases of normalizing
 * paths
 */
static const Signed suite[] = {
	{"get-vanilla",
     "GET",
     "/",
     {{0}},
     {HOST_AND_DATE},
     "",
     "host;x-amz-date",
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
	{"get-vanilla-empty-query-key",
     "GET",
     "/",
     {{"Param1", "value1"}},
     {HOST_AND_DATE},
     "",
     "host;x-amz-date",
     "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
	{"get-vanilla-query-order-key",
     "GET",
     "/",
     {{"Param1", "value2"}, {"Param1", "Value1"}},
     {HOST_AND_DATE},
     "",
     "host;x-amz-date",
     "eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1"},
	{"get-vanilla-query-order-key-case",
     "GET",
     "/",
     {{"Param2", "value2"}, {"Param1", "value1"}},
     {HOST_AND_DATE},
     "",
     "host;x-amz-date",
     "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
	{"get-vanilla-query-order-value",
     "GET",
     "/",
     {{"Param1", "value2"}, {"Param1", "value1"}},
     {HOST_AND_DATE},
     "",
     "host;x-amz-date",
     "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694"},
	{"get-vanilla-query-order-encoded",
     "GET",
     "/",
     {{"Param-3", "Value3"}, {"Param", "Value2"}, {"\xE1\x88\xB4", "Value1"}},
     {HOST_AND_DATE},
     "",
     "host;x-amz-date",
     "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac"},
	{"get-vanilla-query-unreserved",
     "GET",
     "/",
     {{UNRESERVED, UNRESERVED}},
     {HOST_AND_DATE},
     "",
     "host;x-amz-date",
     "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
	{"get-vanilla-utf8-query",
     "GET",
     "/",
     {{"\xE1\x88\xB4", "bar"}},
     {HOST_AND_DATE},
     "",
     "host;x-amz-date",
     "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
	{"get-utf8",
     "GET",
     "/%E1%88%B4",
     {{0}},
     {HOST_AND_DATE},
     "",
     "host;x-amz-date",
     "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
	{"get-unreserved",
     "GET",
     "/" UNRESERVED,
     {{0}},
     {HOST_AND_DATE},
     "",
     "host;x-amz-date",
     "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
	{"get-space",
     "GET",
     "/example%20space/",
     {{0}},
     {HOST_AND_DATE},
     "",
     "host;x-amz-date",
     "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
	{"get-header-value-trim",
     "GET",
     "/",
     {{0}},
     {HOST_AND_DATE, {"my-header1", " value1"}, {"my-header2", " \"a   b   c\""}},
     "",
     "host;my-header1;my-header2;x-amz-date",
     "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
	{"get-header-key-duplicate",
     "GET",
     "/",
     {{0}},
     {HOST_AND_DATE, {"my-header1", "value2"}, {"my-header1", "value2"}, {"my-header1", "value1"}},
     "",
     "host;my-header1;x-amz-date",
     "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
	{"get-header-value-order",
     "GET",
     "/",
     {{0}},
     {{"my-header1", "value4"},
      {"my-header1", "value1"},
      HOST_AND_DATE,
      {"my-header1", "value3"},
      {"my-header1", "value2"}},
     "",
     "host;my-header1;x-amz-date",
     "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
	{"post-vanilla",
     "POST",
     "/",
     {{0}},
     {HOST_AND_DATE},
     "",
     "host;x-amz-date",
     "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
	{"post-vanilla-query",
     "POST",
     "/",
     {{"Param1", "value1"}},
     {HOST_AND_DATE},
     "",
     "host;x-amz-date",
     "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
	{"post-header-key-sort",
     "POST",
     "/",
     {{0}},
     {{"my-header1", "value1"}, HOST_AND_DATE},
     "",
     "host;my-header1;x-amz-date",
     "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
	{"post-header-value-case",
     "POST",
     "/",
     {{0}},
     {HOST_AND_DATE, {"my-header1", "VALUE1"}},
     "",
     "host;my-header1;x-amz-date",
     "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"},
	{"post-x-www-form-urlencoded",
     "POST",
     "/",
     {{0}},
     {{"content-type", FORM}, HOST_AND_DATE},
     "Param1=value1",
     "content-type;host;x-amz-date",
     "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
	{"post-x-www-form-urlencoded-parameters",
     "POST",
     "/",
     {{0}},
     {{"content-type", FORM "; charset=utf8"}, HOST_AND_DATE},
     "Param1=value1",
     "content-type;host;x-amz-date",
     "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe"},
	{"post-sts-header-before",
     "POST",
     "/",
     {{0}},
     {HOST_AND_DATE, {"x-amz-security-token", TOKEN}},
     "",
     "host;x-amz-date;x-amz-security-token",
     "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"},
	{"post-sts-header-after",
     "POST",
     "/",
     {{0}},
     {HOST_AND_DATE},
     "",
     "host;x-amz-date",
     "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
};

static void
the_test_suite_has_its_signatures(void)
{
	static const FlowS3Keys keys = {"AKIDEXAMPLE",
	                                "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
	                                TOKEN};

	for (size_t i = 0; i < flow_countof(suite); i++)
		check_signed(&suite[i], &keys, "20150830T123600Z", "service");
}

/* ---------- the obvious version ---------- */

static void
to_hexadecimal(const uint8_t *bytes, char *text)
{
	for (int i = 0; i < 32; i++)
		sprintf(text + 2 * i, "%02x", bytes[i]);
}

static void
encode_plainly(const char *text, bool copy_slashes, char *out)
{
	for (; *text != '\0'; text++)
		if (strchr(UNRESERVED, *text) != NULL || (copy_slashes && *text == '/'))
			*out++ = *text;
		else
			out += sprintf(out, "%%%02X", (uint8_t) *text);
	*out = '\0';
}

typedef struct Line
{
	char text[2048];
} Line;

static int
compare_lines(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Writes "name=value", sorted as if "=" were less than everything else. */
static void
query_plainly(const FlowS3Parameter *parameters, int count, char *query)
{
	static Line lines[MAX_PARAMETERS];

	for (int i = 0; i < count; i++)
	{
		encode_plainly(parameters[i].name, false, lines[i].text);
		strcat(lines[i].text, "\x01");
		encode_plainly(parameters[i].value, false, lines[i].text + strlen(lines[i].text));
	}
	qsort(lines, (size_t) count, sizeof(Line), compare_lines);
	*query = '\0';
	for (int i = 0; i < count; i++)
	{
		*strchr(lines[i].text, '\x01') = '=';
		sprintf(query + strlen(query), "%s%s", i > 0 ? "&" : "", lines[i].text);
	}
}

/* Signs fields with values that are trimmed and names that differ. */
static void
sign_plainly(const FlowS3Signing *signing, char *authorization)
{
	static Line lines[MAX_FIELDS];
	static char request[32768], names[1024];
	char to_sign[1024], key[512], scope[512];
	uint8_t bytes[32], mac[32];
	const char *const steps[] = {signing->region, signing->service, "aws4_request", to_sign};

	for (int i = 0; i < signing->nfields; i++)
		sprintf(lines[i].text, "%s:%s\n", signing->fields[i].name, signing->fields[i].value);
	qsort(lines, (size_t) signing->nfields, sizeof(Line), compare_lines);
	sprintf(request, "%s\n%s\n%s\n", signing->method, signing->path, signing->query);
	names[0] = '\0';
	for (int i = 0; i < signing->nfields; i++)
	{
		strcat(request, lines[i].text);
		sprintf(names + strlen(names),
		        "%s%.*s",
		        i > 0 ? ";" : "",
		        (int) strcspn(lines[i].text, ":"),
		        lines[i].text);
	}
	sprintf(request + strlen(request), "\n%s\n%s", names, signing->payload_hash);

	sprintf(scope, "%.8s/%s/%s/aws4_request", signing->time, signing->region, signing->service);
	sprintf(to_sign, "AWS4-HMAC-SHA256\n%s\n%s\n", signing->time, scope);
	SHA256((const uint8_t *) request, strlen(request), bytes);
	to_hexadecimal(bytes, to_sign + strlen(to_sign));

	sprintf(key, "AWS4%s", signing->keys->secret_access_key);
	HMAC(EVP_sha256(), key, (int) strlen(key), (const uint8_t *) signing->time, 8, mac, NULL);
	for (size_t i = 0; i < flow_countof(steps); i++)
	{
		memcpy(bytes, mac, 32);
		HMAC(EVP_sha256(), bytes, 32, (const uint8_t *) steps[i], strlen(steps[i]), mac, NULL);
	}
	authorization += sprintf(authorization,
	                         "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=",
	                         signing->keys->access_key_id,
	                         scope,
	                         names);
	to_hexadecimal(mac, authorization);
}

static void
random_text(char *text, size_t most, const char *of)
{
	size_t len = random_below(most);

	for (size_t i = 0; i < len; i++)
		text[i] = of != NULL ? of[random_below(strlen(of))] : (char) (1 + random_below(255));
	text[len] = '\0';
}

static void
random_requests_get_the_signature_of_the_obvious_version(void)
{
	for (int i = 0; i < 2000 && unit_complaints == 0; i++)
	{
		char texts[2 * MAX_PARAMETERS][20], values[MAX_FIELDS][40], names[MAX_FIELDS][20], path[40],
			encoded_path[130];
		char query[1024], wanted_query[1024], time[FLOW_S3_TIME_TEXT], hash[FLOW_S3_HASH_TEXT];
		char got[FLOW_S3_AUTHORIZATION], wanted[4096];
		FlowS3Parameter parameters[MAX_PARAMETERS];
		FlowHttpField fields[MAX_FIELDS];
		FlowS3Keys keys = {.session_token = ""};
		int nparameters = (int) random_below(MAX_PARAMETERS + 1),
			nfields = (int) random_below(MAX_FIELDS + 1);
		FlowS3Signing signing =
			{"GET", encoded_path, query, fields, nfields, hash, time, "eu-central-1", "s3", &keys};

		for (int j = 0; j < nparameters; j++)
		{
			random_text(texts[2 * j], 5, random_below(2) ? "ab-=&%/" : NULL);
			random_text(texts[2 * j + 1], 20, NULL);
			parameters[j] = (FlowS3Parameter) {texts[2 * j], texts[2 * j + 1]};
		}
		for (int j = 0; j < nfields; j++)
		{
			sprintf(names[j], "%c%c", (char) ('a' + random_below(26)), (char) ('a' + j));
			random_text(values[j], 40, UNRESERVED "/+=");
			fields[j] = (FlowHttpField) {names[j], values[j]};
		}
		random_text(path, 40, NULL);
		encoded_path[flow_s3_encode(path, strlen(path), true, encoded_path)] = '\0';
		encode_plainly(path, true, wanted);
		CHECK_STRING(encoded_path, wanted);
		random_text(keys.access_key_id, i % 5 ? 32 : sizeof(keys.access_key_id), UNRESERVED);
		random_text(keys.secret_access_key,
		            i % 5 ? 64 : sizeof(keys.secret_access_key),
		            UNRESERVED "/+");
		flow_s3_time_text((int64_t) random_below(4000000000), time);
		flow_s3_hash(path, strlen(path), hash);

		query_plainly(parameters, nparameters, wanted_query);
		CHECK(flow_s3_query(parameters, nparameters, query, sizeof(query)));
		CHECK_STRING(query, wanted_query);
		sign_plainly(&signing, wanted);
		CHECK_INT(flow_s3_sign(&unit_host, &signing, got), FLOW_OK);
		CHECK_STRING(got, wanted);
	}
	CHECK_INT(unit_state.outstanding, 0);
}

/* ---------- limits ---------- */

static void
a_query_without_room_is_refused(void)
{
	static const FlowS3Parameter parameters[] = {{"prefix", "a b/"},
	                                             {"list-type", "2"},
	                                             {"delimiter", ""}};
	static const char whole[] = "delimiter=&list-type=2&prefix=a%20b%2F";

	for (size_t size = 0; size <= sizeof(whole) + 1; size++)
	{
		char *query = malloc(size + 1);
		bool done;

		memset(query, '?', size + 1);
		done = flow_s3_query(parameters, 3, query, size);
		CHECK_INT(done, size >= sizeof(whole));
		if (done)
			CHECK_STRING(query, whole);
		CHECK_INT(query[size], '?');
		free(query);
	}
}

static void
what_is_too_long_gives_no_signature(void)
{
	static const FlowS3Keys keys = {"AKIDEXAMPLE", "secret", ""};
	static char region[2000], name[2000];
	FlowHttpField field = {"host", "h"};
	FlowS3Signing signing =
		{"GET", "/", "", &field, 1, EMPTY_HASH, "20150830T123600Z", "us-east-1", "s3", &keys};
	char authorization[FLOW_S3_AUTHORIZATION];
	FlowStatus status;

	CHECK_INT(flow_s3_sign(&unit_host, &signing, authorization), FLOW_OK);
	for (size_t len = 1; len < sizeof(region); len++)
	{
		memset(region, 'r', len);
		signing.region = region;
		status = flow_s3_sign(&unit_host, &signing, authorization);
		if (status != FLOW_OK)
		{
			CHECK_INT(status, FLOW_LIMIT);
			CHECK_STRING(authorization, "");
			CHECK(len > 100);
			break;
		}
		CHECK(len < 1000);
	}
	signing.region = "us-east-1";
	for (size_t len = 1; len < sizeof(name); len++)
	{
		memset(name, 'n', len);
		field.name = name;
		status = flow_s3_sign(&unit_host, &signing, authorization);
		if (status != FLOW_OK)
		{
			CHECK_INT(status, FLOW_LIMIT);
			CHECK_STRING(authorization, "");
			CHECK(len > 700);
			break;
		}
		CHECK_INT(strlen(strstr(authorization, "Signature=")), strlen("Signature=") + 64);
		CHECK(len < 1000);
	}
	field.name = "host";
	signing.time = "20150830";
	CHECK_INT(flow_s3_sign(&unit_host, &signing, authorization), FLOW_LIMIT);
	signing.time = "20150830T123600Z";
	signing.payload_hash = "";
	CHECK_INT(flow_s3_sign(&unit_host, &signing, authorization), FLOW_NO_MEMORY);
}

static void
without_memory_there_is_no_signature(void)
{
	static const FlowS3Keys keys = {"AKIDEXAMPLE", "secret", ""};
	FlowHttpField field = {"host", "h"};
	FlowS3Signing signing =
		{"GET", "/", "", &field, 1, EMPTY_HASH, "20150830T123600Z", "us-east-1", "s3", &keys};
	char authorization[FLOW_S3_AUTHORIZATION];

	unit_state.fail_after = 0;
	CHECK_INT(flow_s3_sign(&unit_host, &signing, authorization), FLOW_NO_MEMORY);
	unit_state.fail_after = -1;
	CHECK_STRING(authorization, "");
	CHECK_INT(unit_state.outstanding, 0);
}

/* ---------- the rest ---------- */

static void
times_are_written_as_aws_wants_them(void)
{
	char text[FLOW_S3_TIME_TEXT];

	flow_s3_time_text(1369353600, text);
	CHECK_STRING(text, "20130524T000000Z");
	flow_s3_time_text(0, text);
	CHECK_STRING(text, "19700101T000000Z");
	flow_s3_time_text(INT64_C(253402300799), text);
	CHECK_STRING(text, "99991231T235959Z");
	flow_s3_time_text(INT64_C(253402300800), text);
	CHECK_STRING(text, "");
	flow_s3_time_text(INT64_MAX, text);
	CHECK_STRING(text, "");
}

static void
a_hash_is_that_of_sha256(void)
{
	char hash[FLOW_S3_HASH_TEXT];

	flow_s3_hash(NULL, 0, hash);
	CHECK_STRING(hash, EMPTY_HASH);
	flow_s3_hash("abc", 3, hash);
	CHECK_STRING(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void
every_byte_is_encoded_as_aws_wants_it(void)
{
	for (int byte = 0; byte < 256; byte++)
		for (int keep = 0; keep < 2; keep++)
		{
			char text = (char) byte, got[4], wanted[4];
			size_t len = flow_s3_encode(&text, 1, keep, got);

			got[len] = '\0';
			snprintf(wanted,
			         sizeof(wanted),
			         (byte > 0 && strchr(UNRESERVED, byte) != NULL) || (byte == '/' && keep)
			             ? "%c"
			             : "%%%02X",
			         byte);
			CHECK_STRING(got, wanted);
			CHECK_INT(flow_s3_encode(&text, 1, keep, NULL), len);
		}
}

static void
wiped_keys_are_zeros(void)
{
	static const FlowS3Keys zeros;
	FlowS3Keys keys;

	memset(&keys, 'x', sizeof(keys));
	flow_s3_keys_wipe(&keys);
	CHECK(memcmp(&keys, &zeros, sizeof(keys)) == 0);
}

int
main(void)
{
	RUN(the_examples_of_s3_have_their_signatures);
	RUN(the_test_suite_has_its_signatures);
	RUN(random_requests_get_the_signature_of_the_obvious_version);
	RUN(a_query_without_room_is_refused);
	RUN(what_is_too_long_gives_no_signature);
	RUN(without_memory_there_is_no_signature);
	RUN(times_are_written_as_aws_wants_them);
	RUN(a_hash_is_that_of_sha256);
	RUN(every_byte_is_encoded_as_aws_wants_it);
	RUN(wiped_keys_are_zeros);
	return unit_done();
}
