/*-------------------------------------------------------------------------
 *
 * test_s3_page.c
 *	  Tests answers of S3 and STS: a list is only accepted if nothing can be
 *	  missing from it.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#include "../../flow/s3/s3.h"

static uint64_t seed = 88172645463325252;

static size_t
random_below(size_t limit)
{
	return (size_t) (unit_random(&seed) % limit);
}

/* ---------- bodies ---------- */

#define ROOT                                                                                       \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult "                               \
	"xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
#define END "</ListBucketResult>"
#define URL "<EncodingType>url</EncodingType>"
#define WHOLE "<IsTruncated>false</IsTruncated>"
#define MORE(token)                                                                                \
	"<IsTruncated>true</IsTruncated><NextContinuationToken>" token "</NextContinuationToken>"
#define COUNT(count) "<KeyCount>" count "</KeyCount>"
#define TIME "<LastModified>2024-01-31T23:00:00.000Z</LastModified>"
#define OBJECT(key, size)                                                                          \
	"<Contents><Key>" key "</Key>" TIME "<ETag>&quot;0&quot;</ETag><Size>" size                    \
	"</Size><StorageClass>STANDARD</StorageClass></Contents>"
#define KEY(key) OBJECT(key, "1")
#define PREFIX(prefix) "<CommonPrefixes><Prefix>" prefix "</Prefix></CommonPrefixes>"

static const FlowS3PageAfter nothing = {"", NULL, NULL, NULL};

/*
 * Reads a page in pieces of "piece" bytes.  The caller must free the reader in
 * any case.
 */
static FlowStatus
read_page(const char *body, size_t len, size_t piece, const FlowS3PageAfter *after,
          FlowS3PageReader **reader, FlowS3Page *page, FlowError *error)
{
	FlowStatus status;

	*reader = NULL;
	status = flow_s3_page_begin(&unit_host, reader, error);
	for (size_t done = 0; status == FLOW_OK && done < len; done += piece)
	{
		size_t n = piece < len - done ? piece : len - done;

		status = flow_s3_page_feed(*reader, unit_at_edge(body + done, n), n, error);
	}
	if (status == FLOW_OK)
		status = flow_s3_page_end(*reader, after, page, error);
	if (status != FLOW_OK)
		CHECK_INT(error->status, status);
	return status;
}

static void
check_refused(const char *body, const FlowS3PageAfter *after, const char *message,
              const char *detail)
{
	FlowS3PageReader *reader;
	FlowS3Page page;
	FlowError error = {0};

	for (size_t piece = 1; piece < 1000; piece += 1 + piece)
	{
		CHECK_INT(read_page(body, strlen(body), piece, after, &reader, &page, &error),
		          FLOW_CORRUPT);
		CHECK_STRING(error.message, message);
		CHECK_STRING(error.detail, detail);
		flow_s3_page_free(reader);
	}
	CHECK_INT(unit_state.outstanding, 0);
}

/* Checks a page.  "keys" and "prefixes": each followed by a blank. */
static void
check_taken(const char *body, const FlowS3PageAfter *after, const char *keys, const char *prefixes,
            const char *token)
{
	FlowS3PageReader *reader;
	FlowError error = {0};

	for (size_t piece = 1; piece < 1000; piece += 1 + piece)
	{
		char got[1200] = "";
		FlowS3Page page = {0};

		CHECK_INT(read_page(body, strlen(body), piece, after, &reader, &page, &error), FLOW_OK);
		CHECK_STRING(error.detail, "");
		for (size_t i = 0; i < page.nentries; i++)
			strcat(strcat(got, page.entries[i].key), " ");
		CHECK_STRING(got, keys);
		got[0] = '\0';
		for (size_t i = 0; i < page.nprefixes; i++)
			strcat(strcat(got, page.prefixes[i]), " ");
		CHECK_STRING(got, prefixes);
		CHECK_INT(page.truncated, token != NULL);
		CHECK((page.token == NULL) == (token == NULL));
		if (page.token != NULL && token != NULL)
			CHECK_STRING(page.token, token);
		flow_s3_page_free(reader);
	}
	CHECK_INT(unit_state.outstanding, 0);
}

/* ---------- pages that are taken ---------- */

/* as sent by Amazon S3 */
static const char sample[] =
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	"<ListBucketResult "
	"xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>bucket</Name><Prefix>AWSLogs/</Prefix>"
	"<NextContinuationToken>1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM=</NextContinuationToken>"
	"<KeyCount>4</KeyCount><MaxKeys>1000</MaxKeys><Delimiter>/</Delimiter><EncodingType>url</"
	"EncodingType><IsTruncated>true</IsTruncated>"
	"<Contents><Key>AWSLogs/a+b.log.gz</Key><LastModified>2024-01-31T23:00:00.000Z</"
	"LastModified><ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag>"
	"<ChecksumAlgorithm>CRC32</ChecksumAlgorithm><Size>18446744073709551615</"
	"Size><StorageClass>STANDARD</StorageClass></Contents>"
	"<Contents><Key>AWSLogs/c%0A%26.log.gz</Key><LastModified>1970-01-01T00:00:01Z</"
	"LastModified><Size>0</Size><StorageClass>DEEP_ARCHIVE</StorageClass>"
	"<Owner><ID>x</ID><DisplayName>y</DisplayName></Owner></Contents>"
	"<CommonPrefixes><Prefix>AWSLogs/1/</Prefix></CommonPrefixes><CommonPrefixes><Prefix>AWSLogs/"
	"%C3%A9/</Prefix></CommonPrefixes>"
	"</ListBucketResult>";

static void
a_page_of_amazons_is_read(void)
{
	FlowS3PageAfter after = {"AWSLogs/", "1ueGc", "AWSLogs/0", NULL};
	FlowS3PageReader *reader;
	FlowError error;

	for (size_t piece = 1; piece <= sizeof(sample); piece++)
	{
		FlowS3Page page = {0};

		CHECK_INT(read_page(sample, strlen(sample), piece, &after, &reader, &page, &error),
		          FLOW_OK);
		CHECK_INT(page.nentries, 2);
		CHECK_INT(page.nprefixes, 2);
		CHECK(page.truncated);
		if (unit_complaints > 0)
			return;
		CHECK_STRING(page.token, "1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM=");
		CHECK_STRING(page.entries[0].key, "AWSLogs/a b.log.gz");
		CHECK(page.entries[0].size == UINT64_MAX);
		CHECK_INT(page.entries[0].modified, INT64_C(1706742000000000000));
		CHECK_STRING(page.entries[0].etag, "\"d41d8cd98f00b204e9800998ecf8427e\"");
		CHECK(!page.entries[0].archived);
		CHECK_STRING(page.entries[1].key, "AWSLogs/c\n&.log.gz");
		CHECK_INT(page.entries[1].size, 0);
		CHECK_INT(page.entries[1].modified, INT64_C(1000000000));
		CHECK_STRING(page.entries[1].etag, "");
		CHECK(page.entries[1].archived);
		CHECK_STRING(page.prefixes[0], "AWSLogs/1/");
		CHECK_STRING(page.prefixes[1], "AWSLogs/\xC3\xA9/");
		flow_s3_page_free(reader);
	}
	CHECK_INT(unit_state.outstanding, 0);
}

static void
pages_of_other_servers_are_read(void)
{
	check_taken("<ListBucketResult>" WHOLE END, &nothing, "", "", NULL);
	check_taken("<ListBucketResult>" WHOLE COUNT("0") "</ListBucketResult >\n",
	            &nothing,
	            "",
	            "",
	            NULL);
	check_taken(ROOT COUNT("1") WHOLE KEY("a%2Bb") URL END, &nothing, "a+b ", "", NULL);
	check_taken(
		"<x:ListBucketResult xmlns:x='y'><x:IsTruncated>false</x:IsTruncated></x:ListBucketResult>",
		&nothing,
		"",
		"",
		NULL);
	check_taken("<ListBucketResult>\n  " WHOLE "\n  <Contents>\n    <Key>a</Key>\n    " TIME
	            "\n    <Size>1</Size>\n  </Contents>\n</ListBucketResult>\n",
	            &nothing,
	            "a ",
	            "",
	            NULL);
	check_taken(ROOT WHOLE "<NextContinuationToken/>" END, &nothing, "", "", NULL);
	check_taken(ROOT MORE("t") END, &nothing, "", "", "t");
	check_taken(ROOT MORE("t") PREFIX("b/") KEY("a") PREFIX("c/") KEY("d") COUNT("4") END,
	            &nothing,
	            "a d ",
	            "b/ c/ ",
	            "t");
}

/* A store that does not encode does not say so. */
static void
keys_are_only_decoded_if_they_are_encoded(void)
{
	check_taken(ROOT WHOLE KEY("a%zz") KEY("a&amp;") KEY("a+b") END,
	            &nothing,
	            "a%zz a& a+b ",
	            "",
	            NULL);
	check_refused(ROOT WHOLE "<EncodingType>base64</EncodingType>" END,
	              &nothing,
	              "the list of objects is damaged",
	              "The element \"EncodingType\" is not \"url\".");
}

static int
compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

static size_t
put_encoded(char *out, const char *text)
{
	char *p = out;

	for (; *text != '\0'; text++)
		if (*text == ' ' && random_below(2))
			*p++ = '+';
		else if (strchr("%+<&", *text) == NULL && *text > ' ' && *text <= '~' && random_below(4))
			*p++ = *text;
		else
			p += sprintf(p, random_below(2) ? "%%%02X" : "%%%02x", (unsigned char) *text);
	return (size_t) (p - out);
}

/* Keys have any bytes except NUL, most of the time below 0x20. */
static void
keys_of_any_bytes_come_out_as_they_went_in(void)
{
	enum
	{
		most = 300
	};
	char *keys[most], *body = malloc(200000);

	for (int i = 0; i < 100 && unit_complaints == 0; i++)
	{
		size_t count = random_below(most), nkeys = 0, len,
			   piece = 1 + random_below(random_below(2) ? 100 : 200000), key = 0, prefix = 0;
		FlowS3PageReader *reader;
		FlowS3Page page = {0};
		FlowError error;

		for (size_t j = 0; j < count; j++)
		{
			keys[j] = calloc(1, 20);
			for (size_t k = 1 + random_below(18); k-- > 0;)
				keys[j][k] = (char) (1 + random_below(random_below(2) ? 31 : 255));
		}
		qsort(keys, count, sizeof(char *), compare_texts);
		for (size_t j = 0; j < count; j++)
			if (nkeys == 0 || strcmp(keys[nkeys - 1], keys[j]) != 0)
				keys[nkeys++] = keys[j];
			else
				free(keys[j]);

		len = (size_t) sprintf(body, ROOT WHOLE URL "<KeyCount>%zu</KeyCount>", nkeys);
		for (size_t j = 0; j < nkeys; j++)
		{
			len += (size_t) sprintf(body + len,
			                        j % 3 ? "<Contents><Key>" : "<CommonPrefixes><Prefix>");
			len += put_encoded(body + len, keys[j]);
			len += (size_t) sprintf(body + len,
			                        j % 3 ? "</Key>" TIME "<Size>%zu</Size></Contents>"
			                              : "</Prefix></CommonPrefixes>",
			                        j);
		}
		len += (size_t) sprintf(body + len, END);

		CHECK_INT(read_page(body, len, piece, &nothing, &reader, &page, &error), FLOW_OK);
		CHECK_INT(page.nentries + page.nprefixes, nkeys);
		for (size_t j = 0; j < nkeys && unit_complaints == 0; j++)
			if (j % 3)
			{
				CHECK_INT(page.entries[key].size, j);
				CHECK_STRING(page.entries[key++].key, keys[j]);
			}
			else
				CHECK_STRING(page.prefixes[prefix++], keys[j]);
		flow_s3_page_free(reader);
		for (size_t j = 0; j < nkeys; j++)
			free(keys[j]);
	}
	CHECK_INT(unit_state.outstanding, 0);
	free(body);
}

/* ---------- pages that are refused ---------- */

static void
a_list_that_is_cut_is_refused_at_every_length(void)
{
	FlowS3PageAfter after = {"AWSLogs/", NULL, NULL, NULL};

	for (size_t len = 0; len < strlen(sample); len++)
		for (size_t piece = 1; piece < 3000; piece += 17 * piece)
		{
			FlowS3PageReader *reader;
			FlowS3Page page;
			FlowError error;

			CHECK_INT(read_page(sample, len, piece, &after, &reader, &page, &error), FLOW_CORRUPT);
			CHECK_STRING(error.message, "the list of objects ends too early");
			CHECK(error.detail[0] != '\0');
			flow_s3_page_free(reader);
		}
}

static void
what_is_no_list_is_refused(void)
{
	static const char *const message = "the list of objects is damaged";

	check_refused("<Error><Code>SlowDown</Code></Error>",
	              &nothing,
	              message,
	              "The answer is a \"Error\", not a \"ListBucketResult\".");
	check_refused("<ListBucketResults>" WHOLE "</ListBucketResults>",
	              &nothing,
	              message,
	              "The answer is a \"ListBucketResults\", not a \"ListBucketResult\".");
	check_refused("<A>" ROOT END,
	              &nothing,
	              message,
	              "At byte 3: XML or text declaration not at start of entity.");
	check_refused("<A><ListBucketResult>" WHOLE END "</A>",
	              &nothing,
	              message,
	              "The answer is a \"A\", not a \"ListBucketResult\".");
	check_refused("{\"Contents\": []}",
	              &nothing,
	              message,
	              "At byte 0: not well-formed (invalid token).");
	check_refused(ROOT WHOLE END END,
	              &nothing,
	              message,
	              "At byte 157: not well-formed (invalid token).");
	check_refused("<!DOCTYPE a [<!ENTITY b 'c'>]><ListBucketResult>" WHOLE END,
	              &nothing,
	              message,
	              "There is a document type declaration.");
}

static void
it_must_say_whether_it_is_truncated(void)
{
	static const char *const message = "the list of objects does not say whether it is complete";

	check_refused(ROOT KEY("a") END, &nothing, message, "The element \"IsTruncated\" is missing.");
	check_refused(ROOT "<IsTruncated/>" END,
	              &nothing,
	              message,
	              "The element \"IsTruncated\" is \"\".");
	check_refused(ROOT "<IsTruncated>False</IsTruncated>" END,
	              &nothing,
	              message,
	              "The element \"IsTruncated\" is \"False\".");
	check_refused(ROOT "<Contents>" WHOLE "</Contents>" END,
	              &nothing,
	              "the list of objects is damaged",
	              "An object has no key.");
	check_refused(ROOT WHOLE WHOLE END,
	              &nothing,
	              "the list of objects is damaged",
	              "The element \"IsTruncated\" occurs twice.");
}

static void
a_truncated_one_must_have_a_new_token(void)
{
	static const char *const message = "the list of objects does not say where it continues";
	static const FlowS3PageAfter after = {"", "t", NULL, "m"};

	check_refused(ROOT "<IsTruncated>true</IsTruncated>" END,
	              &nothing,
	              message,
	              "It is truncated, but the element \"NextContinuationToken\" is missing.");
	check_refused(ROOT MORE("") END,
	              &nothing,
	              message,
	              "It is truncated, but the element \"NextContinuationToken\" is empty.");
	check_refused(
		ROOT MORE("t") END,
		&after,
		message,
		"It is truncated, but the element \"NextContinuationToken\" is the one with which "
		"this page was requested.");
	check_refused(
		ROOT MORE("m") END,
		&after,
		message,
		"It is truncated, but the element \"NextContinuationToken\" is the one after an earlier "
		"page, and there was no object in between.");
	check_taken(ROOT MORE("t") END, &nothing, "", "", "t");
	check_taken(ROOT MORE("tt") END, &after, "", "", "tt");
	check_taken(ROOT WHOLE "<ContinuationToken>t</ContinuationToken>" END, &after, "", "", NULL);
}

static void
its_count_must_be_that_of_keys_and_prefixes(void)
{
	static const char *const message = "the list of objects is not complete";

	check_refused(ROOT WHOLE COUNT("1") END,
	              &nothing,
	              message,
	              "The element \"KeyCount\" is \"1\", but there are 0 keys and 0 common prefixes.");
	check_refused(ROOT WHOLE COUNT("1") KEY("a") PREFIX("b/") END,
	              &nothing,
	              message,
	              "The element \"KeyCount\" is \"1\", but there are 1 keys and 1 common prefixes.");
	check_refused(ROOT WHOLE COUNT("3") KEY("a") PREFIX("b/") END,
	              &nothing,
	              message,
	              "The element \"KeyCount\" is \"3\", but there are 1 keys and 1 common prefixes.");
	check_refused(ROOT WHOLE COUNT("") END,
	              &nothing,
	              message,
	              "The element \"KeyCount\" is \"\", but there are 0 keys and 0 common prefixes.");
	check_refused(
		ROOT WHOLE COUNT("-1") END,
		&nothing,
		message,
		"The element \"KeyCount\" is \"-1\", but there are 0 keys and 0 common prefixes.");
	check_refused(ROOT WHOLE COUNT("18446744073709551617") KEY("a") END,
	              &nothing,
	              message,
	              "The element \"KeyCount\" is \"18446744073709551617\", but there are 1 keys and "
	              "0 common prefixes.");
}

static void
keys_must_increase(void)
{
	static const char *const message = "the list of objects is not in order";
	static const FlowS3PageAfter after = {"", NULL, "b", NULL};

	check_refused(ROOT WHOLE KEY("b") KEY("a") END,
	              &nothing,
	              message,
	              "The key \"a\" comes after \"b\".");
	check_refused(ROOT WHOLE KEY("a") KEY("a") END,
	              &nothing,
	              message,
	              "The key \"a\" comes after \"a\".");
	check_refused(ROOT WHOLE KEY("ab") KEY("a") END,
	              &nothing,
	              message,
	              "The key \"a\" comes after \"ab\".");
	check_refused(ROOT WHOLE URL KEY("%C3%A9") KEY("z") END,
	              &nothing,
	              message,
	              "The key \"z\" comes after \"??\".");
	check_refused(ROOT WHOLE PREFIX("b/") PREFIX("a/") END,
	              &nothing,
	              message,
	              "The common prefix \"a/\" comes after \"b/\".");
	check_refused(ROOT WHOLE PREFIX("b/") PREFIX("b/") END,
	              &nothing,
	              message,
	              "The common prefix \"b/\" comes after \"b/\".");
	check_refused(ROOT WHOLE KEY("a") END, &after, message, "The key \"a\" comes after \"b\".");
	check_refused(ROOT WHOLE KEY("b") END, &after, message, "The key \"b\" comes after \"b\".");
	check_refused(ROOT WHOLE PREFIX("a/") END,
	              &after,
	              message,
	              "The common prefix \"a/\" comes after \"b\".");
	check_taken(ROOT WHOLE KEY("b ") KEY("c") PREFIX("b/") END, &after, "b  c ", "b/ ", NULL);
	check_taken(ROOT WHOLE URL KEY("z") KEY("%C3%A9") END, &nothing, "z \xC3\xA9 ", "", NULL);
	/* the order is that of the keys, not of their encoding */
	check_taken(ROOT WHOLE URL KEY("a%21") KEY("a-") KEY("a%5B") KEY("aa") END,
	            &nothing,
	            "a! a- a[ aa ",
	            "",
	            NULL);
}

static void
keys_must_begin_with_the_prefix(void)
{
	static const char *const message = "the list of objects has entries that were not requested";
	static const FlowS3PageAfter after = {"a b/", NULL, NULL, NULL};

	check_refused(ROOT WHOLE KEY("a") END,
	              &after,
	              message,
	              "The key \"a\" does not begin with \"a b/\".");
	check_refused(ROOT WHOLE KEY("a+b/c") END,
	              &after,
	              message,
	              "The key \"a+b/c\" does not begin with \"a b/\".");
	check_refused(ROOT WHOLE KEY("a b/") KEY("b") END,
	              &after,
	              message,
	              "The key \"b\" does not begin with \"a b/\".");
	check_refused(ROOT WHOLE PREFIX("/") END,
	              &after,
	              message,
	              "The common prefix \"/\" does not begin with \"a b/\".");
	check_refused(ROOT WHOLE PREFIX("a b/") END,
	              &after,
	              "the list of objects is damaged",
	              "A common prefix is the requested prefix itself.");
	check_refused(ROOT WHOLE PREFIX("") END,
	              &nothing,
	              "the list of objects is damaged",
	              "A common prefix is the requested prefix itself.");
	check_taken(ROOT WHOLE URL KEY("a+b/") KEY("a%20b%2fc") PREFIX("a+b/d/") END,
	            &after,
	            "a b/ a b/c ",
	            "a b/d/ ",
	            NULL);
}

static void
keys_must_not_be_longer_than_s3_allows(void)
{
	static const FlowS3PageAfter after = {"a/", NULL, NULL, NULL};
	char body[2000], key[1100], keys[1100], detail[200];

	for (int len = 1023; len <= 1025; len++)
	{
		snprintf(key, sizeof(key), "a/%0*d", len - 2, 0);
		snprintf(keys, sizeof(keys), "%s ", key);
		snprintf(body,
		         sizeof(body),
		         ROOT WHOLE "<Contents><Key>%s</Key><LastModified>2024-01-31T23:00:00Z"
		                    "</LastModified><Size>1</Size></Contents>" END,
		         key);
		snprintf(detail, sizeof(detail), "The key \"%.100s...\" is longer than 1024 bytes.", key);
		if (len <= 1024)
			check_taken(body, &after, keys, "", NULL);
		else
			check_refused(body, &after, "the list of objects is damaged", detail);
	}
}

static void
what_is_encoded_must_be_well_encoded(void)
{
	static const char *const message = "the list of objects is damaged";

	check_refused(ROOT WHOLE URL KEY("a%") END,
	              &nothing,
	              message,
	              "A key is not encoded correctly: \"a%\".");
	check_refused(ROOT WHOLE URL KEY("a%4") END,
	              &nothing,
	              message,
	              "A key is not encoded correctly: \"a%4\".");
	check_refused(ROOT WHOLE URL KEY("a%4g") END,
	              &nothing,
	              message,
	              "A key is not encoded correctly: \"a%4g\".");
	check_refused(ROOT WHOLE URL KEY("a%00b") END,
	              &nothing,
	              message,
	              "A key is not encoded correctly: \"a%00b\".");
	check_refused(ROOT WHOLE URL PREFIX("%00") END,
	              &nothing,
	              message,
	              "A common prefix is not encoded correctly: \"%00\".");
}

static void
sizes_must_be_numbers(void)
{
	static const char *const sizes[] = {"",
	                                    " 1",
	                                    "1 ",
	                                    "-1",
	                                    "+1",
	                                    "1.0",
	                                    "1e3",
	                                    "0x1",
	                                    "18446744073709551616",
	                                    "99999999999999999999",
	                                    "\xD9\xA1"};
	static const char *const shown[] = {"",
	                                    " 1",
	                                    "1 ",
	                                    "-1",
	                                    "+1",
	                                    "1.0",
	                                    "1e3",
	                                    "0x1",
	                                    "18446744073709551616",
	                                    "99999999999999999999",
	                                    "??"};

	for (size_t i = 0; i < flow_countof(sizes); i++)
	{
		char body[1000], detail[200];

		snprintf(body, sizeof(body), ROOT WHOLE OBJECT("a", "%s") END, sizes[i]);
		snprintf(detail, sizeof(detail), "The object \"a\" has the size \"%s\".", shown[i]);
		check_refused(body, &nothing, "the list of objects is damaged", detail);
	}
	check_refused(ROOT WHOLE "<Contents><Key>a</Key>" TIME "</Contents>" END,
	              &nothing,
	              "the list of objects is damaged",
	              "The object \"a\" has the size \"\".");
}

static void
times_must_be_times(void)
{
	static const char *const times[] = {"",
	                                    "2024-01-31",
	                                    "2024-01-31T23:00:00",
	                                    "2024-01-31T23:00:00.000",
	                                    "2024-01-31T23:00:00.Z",
	                                    "2024-01-31T23:00:00.000+01:00",
	                                    "2024-01-31 23:00:00.000Z",
	                                    "2024-02-30T23:00:00.000Z",
	                                    "2024-13-01T23:00:00.000Z",
	                                    "2024-01-31T25:00:00.000Z",
	                                    "2024-01-31T23:60:00Z",
	                                    "20240131T230000Z",
	                                    "Wed, 31 Jan 2024 23:00:00 GMT",
	                                    "1706742000",
	                                    "2024-01-31T23:00:00.000Z ",
	                                    " 2024-01-31T23:00:00.000Z",
	                                    "0001-01-01T00:00:00Z",
	                                    "9999-12-31T23:59:59Z",
	                                    "2024-01-31T23:00:00.000Zx",
	                                    "2024-01-31T23:00:0"};

	for (size_t i = 0; i < flow_countof(times); i++)
	{
		char body[1000], detail[200];

		snprintf(
			body,
			sizeof(body),
			ROOT WHOLE
			"<Contents><Key>a</Key><LastModified>%s</LastModified><Size>1</Size></Contents>" END,
			times[i]);
		snprintf(detail, sizeof(detail), "The object \"a\" was modified at \"%s\".", times[i]);
		check_refused(body, &nothing, "the list of objects is damaged", detail);
	}
	check_refused(ROOT WHOLE "<Contents><Key>a</Key><Size>1</Size></Contents>" END,
	              &nothing,
	              "the list of objects is damaged",
	              "The object \"a\" was modified at \"\".");
}

static void
elements_must_be_there_once(void)
{
	static const char *const message = "the list of objects is damaged";

	check_refused(ROOT WHOLE "<Contents>" TIME "<Size>1</Size></Contents>" END,
	              &nothing,
	              message,
	              "An object has no key.");
	check_refused(ROOT WHOLE KEY("") END, &nothing, message, "An object has no key.");
	check_refused(ROOT WHOLE "<CommonPrefixes/>" END,
	              &nothing,
	              message,
	              "A common prefix is missing.");
	check_refused(ROOT WHOLE "<Contents><Key>a</Key><Key>b</Key>" TIME
	                         "<Size>1</Size></Contents>" END,
	              &nothing,
	              message,
	              "The element \"Contents/Key\" occurs twice.");
	check_refused(ROOT WHOLE COUNT("0") COUNT("0") END,
	              &nothing,
	              message,
	              "The element \"KeyCount\" occurs twice.");
}

static void
only_printable_bytes_are_shown(void)
{
	char body[1000], detail[400], key[301];

	memset(key, 'k', 300);
	key[300] = '\0';
	snprintf(body, sizeof(body), ROOT WHOLE URL OBJECT("%%07%%C3%s", "x") END, key);
	snprintf(detail, sizeof(detail), "The object \"%%07%%C3%.94s...\" has the size \"x\".", key);
	check_refused(body, &nothing, "the list of objects is damaged", detail);
	check_refused(ROOT WHOLE URL KEY("%07%C3%A9%0A") KEY("%07") END,
	              &nothing,
	              "the list of objects is not in order",
	              "The key \"?\" comes after \"????\".");
}

/* ---------- limits ---------- */

static void
a_page_that_is_too_large_is_refused(void)
{
	size_t most = 8 << 20;
	char *body = malloc(most + 1);

	memset(body, ' ', most + 1);
	memcpy(body, ROOT WHOLE END, strlen(ROOT WHOLE END));
	for (size_t size = most; size <= most + 1; size++)
	{
		FlowS3PageReader *reader;
		FlowS3Page page;
		FlowError error = {0};

		CHECK_INT(read_page(body, size, size, &nothing, &reader, &page, &error),
		          size > most ? FLOW_LIMIT : FLOW_OK);
		CHECK_STRING(error.message, size > most ? "the list of objects exceeds a limit" : "");
		CHECK_STRING(error.detail, size > most ? "It has more than 8388608 bytes." : "");
		flow_s3_page_free(reader);
	}
	free(body);
}

/* Makes a page of "count" keys. */
static size_t
page_of(int count, char *body)
{
	char *p = body + sprintf(body, ROOT WHOLE URL);

	for (int i = 0; i < count; i++)
		p += sprintf(p, KEY("%08d"), i);
	p += sprintf(p, END);
	return (size_t) (p - body);
}

/*
 * Returns the time to read it, in the unit of clock(): the minimum of some
 * attempts.
 */
static clock_t
time_of_page(const char *body, size_t len, int count)
{
	clock_t best = 0;

	for (int try = 0; try < 5; try++)
	{
		clock_t began = clock(), took;
		FlowS3PageReader *reader;
		FlowS3Page page = {0};
		FlowError error;

		CHECK_INT(read_page(body, len, 16384, &nothing, &reader, &page, &error), FLOW_OK);
		CHECK_INT(page.nentries, count);
		flow_s3_page_free(reader);
		took = clock() - began;
		if (best == 0 || took < best)
			best = took;
	}
	return best;
}

static void
many_keys_take_no_longer_than_their_number(void)
{
	char *body = malloc(8 << 20);
	clock_t few = time_of_page(body, page_of(3000, body), 3000);
	size_t len = page_of(30000, body);
	FlowS3PageReader *reader;
	FlowS3Page page = {0};
	FlowError error;

	/*
	 * ten times as many keys; comparing each with all others would take a
	 * hundred times as long
	 */
	CHECK(time_of_page(body, len, 30000) < 40 * few);

	unit_state.interrupt_after = 3;
	CHECK_INT(read_page(body, len, 16384, &nothing, &reader, &page, &error), FLOW_INTERRUPTED);
	unit_state.interrupt_after = -1;
	flow_s3_page_free(reader);
	free(body);
}

static void
without_memory_nothing_is_left(void)
{
	FlowS3PageAfter after = {"AWSLogs/", NULL, NULL, NULL};
	FlowStatus status = FLOW_NO_MEMORY;

	for (int tries = 0; status == FLOW_NO_MEMORY; tries++)
	{
		FlowS3PageReader *reader;
		FlowS3Page page;
		FlowError error;

		unit_state.fail_after = tries;
		status = read_page(sample, strlen(sample), 100, &after, &reader, &page, &error);
		unit_state.fail_after = -1;
		flow_s3_page_free(reader);
		CHECK_INT(unit_state.outstanding, 0);
		CHECK(tries < 20);
	}
	CHECK_INT(status, FLOW_OK);
}

/* ---------- failures ---------- */

static void
check_failure(const char *body, size_t len, const char *code, const char *message,
              const char *region)
{
	FlowS3Failure failure;
	FlowError error;

	memset(&failure, 'x', sizeof(failure));
	CHECK_INT(flow_s3_failure_read(&unit_host, unit_at_edge(body, len), len, &failure, &error),
	          FLOW_OK);
	CHECK_STRING(failure.code, code);
	CHECK_STRING(failure.message, message);
	CHECK_STRING(failure.region, region);
	CHECK_INT(unit_state.outstanding, 0);
}

static void
failures_are_read_as_far_as_they_go(void)
{
	static const char body[] =
		"<?xml version=\"1.0\" "
		"encoding=\"UTF-8\"?>\n<Error><Code>AuthorizationHeaderMalformed</Code><Message>the region "
		"'us-east-1' is wrong; "
		"expecting 'eu-west-1'</Message><Region>eu-west-1</Region><RequestId>X</RequestId></Error>";
	static const char sts[] = "<ErrorResponse "
							  "xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/"
							  "\"><Error><Type>Sender</Type><Code>ExpiredTokenException</Code>"
							  "<Message>Token\nexpired "
							  "\xC3\xA9</Message></Error><RequestId>X</RequestId></ErrorResponse>";
	char special[2000], wanted[300];

	check_failure(body,
	              strlen(body),
	              "AuthorizationHeaderMalformed",
	              "the region 'us-east-1' is wrong; expecting 'eu-west-1'",
	              "eu-west-1");
	check_failure(body,
	              strlen(body) - 45,
	              "AuthorizationHeaderMalformed",
	              "the region 'us-east-1' is wrong; expecting 'eu-west-1'",
	              "");
	check_failure(body, 100, "AuthorizationHeaderMalformed", "", "");
	check_failure(sts, strlen(sts), "ExpiredTokenException", "Token?expired ??", "");
	check_failure("", 0, "", "", "");
	check_failure("<html><body>502</body></html>", 29, "", "", "");
	check_failure("garbage", 7, "", "", "");
	check_failure("<!DOCTYPE a><Error><Code>x</Code></Error>", 41, "", "", "");

	snprintf(special,
	         sizeof(special),
	         "<Error><Message>%0500d</Message><Code>%0500d</Code></Error>",
	         0,
	         0);
	snprintf(wanted, sizeof(wanted), "%0255d", 0);
	check_failure(special, strlen(special), wanted + 255 - 63, wanted, "");
}

/*
 * The meaning of a failure depends on its text, which cannot be read without
 * memory.
 */
static void
failures_need_memory(void)
{
	static const char body[] =
		"<Error><Code>RequestTimeTooSkewed</Code><Message>It is late.</Message></Error>";
	int64_t after = 0;
	FlowStatus status;

	do
	{
		FlowS3Failure failure;
		FlowError error;

		unit_state.fail_after = after++;
		status = flow_s3_failure_read(&unit_host, body, strlen(body), &failure, &error);
		unit_state.fail_after = -1;
		CHECK(status == FLOW_OK || status == FLOW_NO_MEMORY);
		CHECK_STRING(failure.code, status == FLOW_OK ? "RequestTimeTooSkewed" : "");
		CHECK_INT(unit_state.outstanding, 0);
	} while (status != FLOW_OK && after < 10);
	CHECK_INT(status, FLOW_OK);
	CHECK(after > 1);
}

/* ---------- temporary keys ---------- */

#define STS_BEGIN                                                                                  \
	"<AssumeRoleWithWebIdentityResponse "                                                          \
	"xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleWithWebIdentityResult>"
#define STS_END "</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
#define STS(expiration, secret)                                                                    \
	STS_BEGIN "<SubjectFromWebIdentityToken>x</"                                                   \
			  "SubjectFromWebIdentityToken><Credentials><SessionToken>TOKEN</SessionToken>"        \
			  "<SecretAccessKey>" secret "</SecretAccessKey><Expiration>" expiration               \
			  "</Expiration><AccessKeyId>ASIA</AccessKeyId></Credentials>" STS_END

static void
temporary_keys_are_read(void)
{
	static const char body[] = STS("2024-01-31T23:00:00.359Z", "SECRET");
	FlowError error;
	int64_t expires;
	FlowS3Keys keys;

	CHECK_INT(flow_s3_sts_read(&unit_host, body, strlen(body), &keys, &expires, &error), FLOW_OK);
	CHECK_STRING(keys.access_key_id, "ASIA");
	CHECK_STRING(keys.secret_access_key, "SECRET");
	CHECK_STRING(keys.session_token, "TOKEN");
	CHECK_INT(expires, 1706742000);

	for (size_t len = 0; len < strlen(body); len++)
	{
		static const FlowS3Keys none;

		CHECK_INT(flow_s3_sts_read(&unit_host, body, len, &keys, &expires, &error), FLOW_CORRUPT);
		CHECK_STRING(error.message, "the answer of AWS STS holds no keys");
		CHECK(strstr(error.detail, "SECRET") == NULL && strstr(error.detail, "TOKEN") == NULL);
		CHECK(memcmp(&keys, &none, sizeof(keys)) == 0);
	}
	for (int tries = 0; tries < 2; tries++)
	{
		unit_state.fail_after = tries;
		CHECK_INT(flow_s3_sts_read(&unit_host, body, strlen(body), &keys, &expires, &error),
		          FLOW_NO_MEMORY);
		unit_state.fail_after = -1;
	}
	CHECK_INT(unit_state.outstanding, 0);
}

static void
check_no_keys(const char *body, const char *detail)
{
	FlowError error;
	int64_t expires;
	FlowS3Keys keys;

	CHECK_INT(flow_s3_sts_read(&unit_host, body, strlen(body), &keys, &expires, &error),
	          FLOW_CORRUPT);
	CHECK_STRING(error.message, "the answer of AWS STS holds no keys");
	CHECK_STRING(error.detail, detail);
}

static void
answers_without_temporary_keys_are_refused(void)
{
	char body[2000];

	check_no_keys(STS("tomorrow", "SECRET"), "The element \"Expiration\" is missing or invalid.");
	check_no_keys(STS("2024-01-31T23:00:00Z", ""),
	              "The element \"SecretAccessKey\" is missing or invalid.");
	check_no_keys(STS_BEGIN STS_END, "The element \"AccessKeyId\" is missing or invalid.");
	snprintf(body, sizeof(body), STS("2024-01-31T23:00:00Z", "%0256d"), 0);
	check_no_keys(body, "The element \"SecretAccessKey\" is missing or invalid.");
	check_no_keys("<a/>", "The element \"AccessKeyId\" is missing or invalid.");
	check_no_keys("<a><a><a><a><a><a><a><a><a/></a></a></a></a></a></a></a></a>",
	              "Elements are nested too deeply.");
}

int
main(void)
{
	RUN(a_page_of_amazons_is_read);
	RUN(pages_of_other_servers_are_read);
	RUN(keys_are_only_decoded_if_they_are_encoded);
	RUN(keys_of_any_bytes_come_out_as_they_went_in);
	RUN(a_list_that_is_cut_is_refused_at_every_length);
	RUN(what_is_no_list_is_refused);
	RUN(it_must_say_whether_it_is_truncated);
	RUN(a_truncated_one_must_have_a_new_token);
	RUN(its_count_must_be_that_of_keys_and_prefixes);
	RUN(keys_must_increase);
	RUN(keys_must_begin_with_the_prefix);
	RUN(keys_must_not_be_longer_than_s3_allows);
	RUN(what_is_encoded_must_be_well_encoded);
	RUN(sizes_must_be_numbers);
	RUN(times_must_be_times);
	RUN(elements_must_be_there_once);
	RUN(only_printable_bytes_are_shown);
	RUN(a_page_that_is_too_large_is_refused);
	RUN(many_keys_take_no_longer_than_their_number);
	RUN(without_memory_nothing_is_left);
	RUN(failures_are_read_as_far_as_they_go);
	RUN(failures_need_memory);
	RUN(temporary_keys_are_read);
	RUN(answers_without_temporary_keys_are_refused);
	return unit_done();
}
