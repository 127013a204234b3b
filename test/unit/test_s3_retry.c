/*-------------------------------------------------------------------------
 *
 * test_s3_retry.c
 *	  Tests when a request to S3 is repeated, and the error for an answer that
 *	  is final.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#include "../../flow/s3/s3_store.h"

static void
answers_have_remedies_and_meanings(void)
{
	static const struct
	{
		int status;
		const char *code;
		FlowS3Remedy remedy;
		FlowStatus meaning;
	} cases[] = {
		{0, "", FLOW_S3_AGAIN, FLOW_IO},
		{500, "InternalError", FLOW_S3_AGAIN, FLOW_IO},
		{500, "", FLOW_S3_AGAIN, FLOW_IO},
		{502, "", FLOW_S3_AGAIN, FLOW_IO},
		{504, "", FLOW_S3_AGAIN, FLOW_IO},
		{503, "SlowDown", FLOW_S3_SLOWER, FLOW_IO},
		{503, "", FLOW_S3_SLOWER, FLOW_IO},
		{429, "TooManyRequests", FLOW_S3_SLOWER, FLOW_IO},
		{400, "RequestTimeout", FLOW_S3_AGAIN, FLOW_IO},
		{301, "PermanentRedirect", FLOW_S3_REGION, FLOW_IO},
		{307, "TemporaryRedirect", FLOW_S3_REGION, FLOW_IO},
		{400, "AuthorizationHeaderMalformed", FLOW_S3_REGION, FLOW_NO_PERMISSION},
		{403, "RequestTimeTooSkewed", FLOW_S3_CLOCK, FLOW_NO_PERMISSION},
		{400, "ExpiredToken", FLOW_S3_KEYS, FLOW_NO_PERMISSION},
		{403, "InvalidAccessKeyId", FLOW_S3_KEYS, FLOW_NO_PERMISSION},
		{403, "AccessDenied", FLOW_S3_NONE, FLOW_NO_PERMISSION},
		{403, "SignatureDoesNotMatch", FLOW_S3_NONE, FLOW_NO_PERMISSION},
		{403, "", FLOW_S3_NONE, FLOW_NO_PERMISSION},
		{403, "SomethingNew", FLOW_S3_NONE, FLOW_NO_PERMISSION},
		{404, "NoSuchKey", FLOW_S3_NONE, FLOW_NOT_FOUND},
		{404, "NoSuchBucket", FLOW_S3_NONE, FLOW_NOT_FOUND},
		{412, "PreconditionFailed", FLOW_S3_NONE, FLOW_CHANGED},
		{416, "InvalidRange", FLOW_S3_NONE, FLOW_CHANGED},
		{403, "InvalidObjectState", FLOW_S3_NONE, FLOW_UNSUPPORTED},
		{418, "", FLOW_S3_NONE, FLOW_IO},
	};

	for (size_t i = 0; i < flow_countof(cases); i++)
	{
		CHECK_INT(flow_s3_remedy(cases[i].status, cases[i].code), cases[i].remedy);
		CHECK_INT(flow_s3_status(cases[i].status, cases[i].code), cases[i].meaning);
	}
}

/*
 * Full jitter: from zero to a maximum that doubles with every attempt, up to
 * 20 seconds.
 */
static void
waits_grow_and_are_bounded(void)
{
	int64_t most = 50000;

	for (int attempt = 1; attempt < 30; attempt++)
	{
		int64_t bound = most < 20000000 ? most : 20000000;

		CHECK_INT(flow_s3_backoff(attempt, FLOW_S3_AGAIN, 0, -1), 0);
		CHECK_INT(flow_s3_backoff(attempt, FLOW_S3_AGAIN, (uint64_t) bound, -1), bound);
		for (uint64_t random = 1; random < 1000; random++)
		{
			int64_t wait =
				flow_s3_backoff(attempt, FLOW_S3_AGAIN, random * UINT64_C(0x9E3779B97F4A7C15), -1);

			CHECK(wait >= 0 && wait <= bound);
			wait =
				flow_s3_backoff(attempt, FLOW_S3_SLOWER, random * UINT64_C(0x9E3779B97F4A7C15), -1);
			CHECK(wait >= 0 && wait <= 20000000);
		}
		most *= 2;
	}
	CHECK_INT(flow_s3_backoff(1, FLOW_S3_SLOWER, 1000000, -1), 1000000);
}

static void
the_store_may_say_when(void)
{
	CHECK_INT(flow_s3_backoff(1, FLOW_S3_SLOWER, 12345, 0), 0);
	CHECK_INT(flow_s3_backoff(1, FLOW_S3_AGAIN, 12345, 3), 3000000);
	CHECK_INT(flow_s3_backoff(1, FLOW_S3_AGAIN, 12345, 20), 20000000);
	CHECK_INT(flow_s3_backoff(1, FLOW_S3_AGAIN, 12345, INT64_MAX), 20000000);
}

int
main(void)
{
	RUN(answers_have_remedies_and_meanings);
	RUN(waits_grow_and_are_bounded);
	RUN(the_store_may_say_when);
	return unit_done();
}
