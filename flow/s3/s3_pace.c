/*-------------------------------------------------------------------------
 *
 * s3_pace.c
 *	  How many requests are under way at a time.
 *
 * A small object takes the store's latency and hardly anything else, so many of
 * them must be requested at a time; of large ones, a few fill the line.  So the
 * limit grows while the reader waits for bytes although the limit is reached,
 * as TCP's window does in its slow start: each answer adds a request.  It stops
 * where more requests bring no more bytes.  A store that asks for less gets half
 * as many requests, once for all those that were under way, and from then on the
 * limit grows by one for each round of answers.  Other failures take an eighth
 * of it.
 *
 *-------------------------------------------------------------------------
 */
#include "s3_store.h"

/* a limit is not cut below this */
#define LEAST 4

/* what an answer counts besides its bytes */
#define ANSWER_BYTES (32 * 1024)

/*
 * The limit has grown in vain if answers do not come faster by a quarter, while
 * it doubles, in this many rounds.  After RESTING rounds it is tried again.
 */
#define FLAT_ROUNDS 2
#define RESTING_ROUNDS 32

/* rounds in which the limit does not grow after a failure */
#define FAILED_ROUNDS 4

/* Begins a round of answers: as many as requests are under way. */
static void
begin_round(FlowS3Pace *pace, int64_t now)
{
	pace->round_began = now;
	pace->round_size = pace->limit;
	pace->answers = 0;
	pace->bytes = 0;
	pace->waited = 0;
}

/* Begins with a limit, which never becomes more than "most". */
void
flow_s3_pace_begin(FlowS3Pace *pace, int limit, int most, int64_t now)
{
	*pace = (FlowS3Pace) {.limit = limit < most ? limit : most, .most = most};
	pace->hungry = true;
	begin_round(pace, now);
}

/* Notes that the reader has waited while the limit was reached. */
void
flow_s3_pace_wait(FlowS3Pace *pace, int64_t microseconds)
{
	pace->waited += microseconds;
}

/* Ends a round, and decides whether and how the limit is to grow. */
static void
end_round(FlowS3Pace *pace, int64_t now)
{
	int64_t took = now > pace->round_began ? now - pace->round_began : 1;
	double rate = (double) pace->bytes / (double) took;
	bool was_hungry = pace->hungry;

	pace->hungry = pace->waited * 4 >= took;
	switch (pace->growth)
	{
		case FLOW_S3_DOUBLES:
			if (!was_hungry || rate >= pace->rate * 1.25)
				pace->flat = 0;
			else if (++pace->flat == FLAT_ROUNDS)
			{
				pace->growth = FLOW_S3_RESTS;
				pace->rest = RESTING_ROUNDS;
			}
			break;
		case FLOW_S3_RESTS:
			if (--pace->rest == 0)
			{
				pace->growth = FLOW_S3_DOUBLES;
				pace->flat = 0;
			}
			break;
		case FLOW_S3_ADDS:
			if (pace->hungry && pace->limit < pace->most)
				pace->limit++;
			break;
	}
	pace->rate = rate;
	begin_round(pace, now);
}

/* Notes a good answer of some bytes. */
void
flow_s3_pace_answer(FlowS3Pace *pace, uint64_t bytes, int64_t now)
{
	pace->answers++;
	pace->bytes += bytes + ANSWER_BYTES;
	if (pace->growth == FLOW_S3_DOUBLES && pace->hungry && pace->limit < pace->most)
		pace->limit++;
	if (pace->answers >= pace->round_size)
		end_round(pace, now);
}

/*
 * Notes that an attempt, which began at some time, has failed in a way that
 * passes.  Those that were under way when the limit was cut do not cut it again.
 */
void
flow_s3_pace_failure(FlowS3Pace *pace, bool overloaded, int64_t began, int64_t now)
{
	int least = pace->most < LEAST ? pace->most : LEAST;
	int limit = overloaded ? pace->limit / 2 : pace->limit - (pace->limit + 7) / 8;

	if (pace->cut_at > 0 && began <= pace->cut_at)
		return;
	pace->cut_at = now;
	pace->limit = limit > least ? limit : least;
	if (overloaded)
		pace->growth = FLOW_S3_ADDS;
	else if (pace->growth == FLOW_S3_DOUBLES)
	{
		pace->growth = FLOW_S3_RESTS;
		pace->rest = FAILED_ROUNDS;
	}
	begin_round(pace, now);
}

/* Asks the host for the connections to which the limit has come. */
void
flow_s3_connect(FlowS3 *s3)
{
	int wanted = s3->pace.limit;

	if (wanted <= s3->connections)
		return;
	if (s3->spec.connections != NULL)
		wanted = s3->spec.connections(s3->spec.connections_arg, wanted);
	if (wanted > s3->connections)
	{
		s3->connections = wanted;
		flow_http_allow(s3->http, wanted);
	}
	if (s3->pace.limit > s3->connections)
		s3->pace.limit = s3->connections;
}
