/*-------------------------------------------------------------------------
 *
 * s3_retry.c
 *	  Decides what to do after a store's answer: repeat the request, and when,
 *	  or give up.
 *
 * The numbers are those of the "standard" retry mode of AWS's SDKs (SDKs and
 * Tools Reference Guide, "Retry behavior"): full jitter, and a bucket of
 * tokens from which every repetition takes some, so that a failing store does
 * not get several times as many requests as a healthy one.
 *
 *-------------------------------------------------------------------------
 */
#include "s3_store.h"

#define SECOND INT64_C(1000000)
#define LONGEST_BACKOFF (20 * SECOND)
#define BASE_AGAIN 50000
#define BASE_SLOWER SECOND
#define COST_AGAIN 14
#define COST_SLOWER 5

/* By the code in the answer's body (S3 API Reference, "Error responses"). */
static const struct
{
	const char *code;
	FlowS3Remedy remedy;
	FlowStatus status;
} codes[] = {
	{"SlowDown", FLOW_S3_SLOWER, FLOW_IO},
	{"ServiceUnavailable", FLOW_S3_SLOWER, FLOW_IO},
	{"Throttling", FLOW_S3_SLOWER, FLOW_IO},
	{"ThrottlingException", FLOW_S3_SLOWER, FLOW_IO},
	{"RequestLimitExceeded", FLOW_S3_SLOWER, FLOW_IO},
	{"TooManyRequests", FLOW_S3_SLOWER, FLOW_IO},
	{"BandwidthLimitExceeded", FLOW_S3_SLOWER, FLOW_IO},
	{"InternalError", FLOW_S3_AGAIN, FLOW_IO},
	{"RequestTimeout", FLOW_S3_AGAIN, FLOW_IO},
	{"OperationAborted", FLOW_S3_AGAIN, FLOW_IO},
	{"PermanentRedirect", FLOW_S3_REGION, FLOW_IO},
	{"TemporaryRedirect", FLOW_S3_REGION, FLOW_IO},
	{"AuthorizationHeaderMalformed", FLOW_S3_REGION, FLOW_NO_PERMISSION},
	{"IllegalLocationConstraintException", FLOW_S3_REGION, FLOW_IO},
	{"RequestTimeTooSkewed", FLOW_S3_CLOCK, FLOW_NO_PERMISSION},
	{"ExpiredToken", FLOW_S3_KEYS, FLOW_NO_PERMISSION},
	{"ExpiredTokenException", FLOW_S3_KEYS, FLOW_NO_PERMISSION},
	{"TokenRefreshRequired", FLOW_S3_KEYS, FLOW_NO_PERMISSION},
	{"InvalidToken", FLOW_S3_KEYS, FLOW_NO_PERMISSION},
	{"InvalidAccessKeyId", FLOW_S3_KEYS, FLOW_NO_PERMISSION},
	{"PreconditionFailed", FLOW_S3_NONE, FLOW_CHANGED},
	{"InvalidRange", FLOW_S3_NONE, FLOW_CHANGED},
	{"NoSuchKey", FLOW_S3_NONE, FLOW_NOT_FOUND},
	{"NoSuchBucket", FLOW_S3_NONE, FLOW_NOT_FOUND},
	{"InvalidObjectState", FLOW_S3_NONE, FLOW_UNSUPPORTED},
	{"AccessDenied", FLOW_S3_NONE, FLOW_NO_PERMISSION},
	{"SignatureDoesNotMatch", FLOW_S3_NONE, FLOW_NO_PERMISSION},
};

/* By the status, if there is no body or its code is not known. */
static const struct
{
	int http;
	FlowS3Remedy remedy;
	FlowStatus status;
} statuses[] = {
	{0, FLOW_S3_AGAIN, FLOW_IO},
	{301, FLOW_S3_REGION, FLOW_IO},
	{302, FLOW_S3_REGION, FLOW_IO},
	{307, FLOW_S3_REGION, FLOW_IO},
	{308, FLOW_S3_REGION, FLOW_IO},
	/*
	 * newer regions answer a request for another region like this; a header
	 * field names the region
	 */
	{400, FLOW_S3_REGION, FLOW_IO},
	{401, FLOW_S3_NONE, FLOW_NO_PERMISSION},
	{403, FLOW_S3_NONE, FLOW_NO_PERMISSION},
	{404, FLOW_S3_NONE, FLOW_NOT_FOUND},
	{408, FLOW_S3_AGAIN, FLOW_IO},
	{412, FLOW_S3_NONE, FLOW_CHANGED},
	{416, FLOW_S3_NONE, FLOW_CHANGED},
	{429, FLOW_S3_SLOWER, FLOW_IO},
	{500, FLOW_S3_AGAIN, FLOW_IO},
	{502, FLOW_S3_AGAIN, FLOW_IO},
	{503, FLOW_S3_SLOWER, FLOW_IO},
	{504, FLOW_S3_AGAIN, FLOW_IO},
};

/* Looks up both results.  The code takes precedence over the status. */
static void
look_up(int status, const char *code, FlowS3Remedy *remedy, FlowStatus *meaning)
{
	*remedy = FLOW_S3_NONE;
	*meaning = FLOW_IO;
	for (size_t i = 0; i < flow_countof(statuses); i++)
		if (statuses[i].http == status)
		{
			*remedy = statuses[i].remedy;
			*meaning = statuses[i].status;
		}
	for (size_t i = 0; i < flow_countof(codes); i++)
		if (strcmp(codes[i].code, code) == 0)
		{
			*remedy = codes[i].remedy;
			*meaning = codes[i].status;
		}
}

/* Returns what to do after an answer. */
FlowS3Remedy
flow_s3_remedy(int status, const char *code)
{
	FlowS3Remedy remedy;
	FlowStatus meaning;

	look_up(status, code, &remedy, &meaning);
	return remedy;
}

/* Returns the error for the host. */
FlowStatus
flow_s3_status(int status, const char *code)
{
	FlowS3Remedy remedy;
	FlowStatus meaning;

	look_up(status, code, &remedy, &meaning);
	return meaning;
}

/*
 * Returns the time to wait: the one the store requests, or a random one below
 * a maximum that doubles with each attempt.
 */
int64_t
flow_s3_backoff(int attempt, FlowS3Remedy remedy, uint64_t random, int64_t retry_after)
{
	int64_t most = remedy == FLOW_S3_SLOWER ? BASE_SLOWER : BASE_AGAIN;

	if (retry_after >= 0)
		return retry_after < LONGEST_BACKOFF / SECOND ? retry_after * SECOND : LONGEST_BACKOFF;
	for (int i = 1; i < attempt && most < LONGEST_BACKOFF; i++)
		most *= 2;
	if (most > LONGEST_BACKOFF)
		most = LONGEST_BACKOFF;
	return (int64_t) (random % (uint64_t) (most + 1));
}

/* Returns the number of tokens that a repetition costs. */
int
flow_s3_cost(FlowS3Remedy remedy)
{
	return remedy == FLOW_S3_SLOWER ? COST_SLOWER : COST_AGAIN;
}
