/*-------------------------------------------------------------------------
 *
 * test_s3_pace.c
 *	  Tests how many requests are under way at a time, with lines and stores that
 *	  are played: each answer takes a latency, and its part of the line's bytes.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#include "../../flow/s3/s3_store.h"

#define MOST 1000

/* A store, the line to it, and a reader. */
typedef struct World
{
	int64_t latency;      /* microseconds */
	double line;          /* bytes in a microsecond; 0: no limit */
	int64_t reader;       /* microseconds that the reader takes for an object */
	int crowd;            /* more requests at a time are told to slow down; 0: never */
	uint64_t object_size; /* bytes */
} World;

/* What became of a scan. */
typedef struct Outcome
{
	int64_t took; /* microseconds */
	int most;     /* the highest limit */
	int last;     /* the last one */
	int refused;
} Outcome;

/*
 * Reads objects.  Time goes by in steps: as many answers as are under way come
 * in a latency, unless the line takes longer; the reader reads what is there.
 */
static Outcome
scan(const World *world, int objects, int most)
{
	FlowS3Pace pace;
	Outcome outcome = {0};
	int64_t now = 1000000, ends[MOST], begins[MOST];
	double line_free = 0;
	int64_t reader_free = now;
	int under_way = 0, done = 0, ready = 0;

	flow_s3_pace_begin(&pace, FLOW_S3_FIRST, most, now);
	while (done < objects)
	{
		int first = 0, left = objects - done - ready - under_way;
		bool held;

		/* requests; a buffer holds 500 objects that were not read */
		while (under_way < pace.limit && left > 0 && ready + under_way < 500)
		{
			double sent = (double) (now + world->latency);

			if (world->line > 0)
			{
				line_free = line_free > sent ? line_free : sent;
				line_free += (double) world->object_size / world->line;
				sent = line_free;
			}
			begins[under_way] = now;
			ends[under_way++] = (int64_t) sent;
			left--;
		}
		held = left > 0 && under_way >= pace.limit;
		/* the reader reads, or waits for the next answer */
		if (ready > 0)
		{
			ready--;
			done++;
			now = reader_free = (now > reader_free ? now : reader_free) + world->reader;
		}
		for (int i = 1; i < under_way; i++)
			if (ends[i] < ends[first])
				first = i;
		if (ready == 0 && under_way > 0 && ends[first] > now)
		{
			if (held)
				flow_s3_pace_wait(&pace, ends[first] - now);
			now = ends[first];
		}
		/* answers */
		for (int i = 0; i < under_way;)
		{
			int64_t began = begins[i];
			bool refused = world->crowd > 0 && under_way > world->crowd;

			if (ends[i] > now)
			{
				i++;
				continue;
			}
			ends[i] = ends[--under_way];
			begins[i] = begins[under_way];
			if (refused)
				flow_s3_pace_failure(&pace, true, began, now);
			else
				flow_s3_pace_answer(&pace, world->object_size, now);
			outcome.refused += refused;
			ready += !refused;
		}
		outcome.most = pace.limit > outcome.most ? pace.limit : outcome.most;
	}
	outcome.took = now - 1000000;
	outcome.last = pace.limit;
	return outcome;
}

/* Small objects far away are worth all connections, soon. */
static void
latency_is_hidden(void)
{
	World far = {.latency = 40000, .reader = 50, .object_size = 31 * 1024};
	Outcome outcome = scan(&far, 5000, 256);

	CHECK_INT(outcome.most, 256);
	/* 256 at a time would take 0.8 s, and 16 take 12.5 s */
	CHECK(outcome.took < 1300000);
	outcome = scan(&far, 5000, 64);
	CHECK_INT(outcome.most, 64);
	outcome = scan(&far, 100, 1);
	CHECK_INT(outcome.most, 1);
}

/* A reader that hardly ever waits needs no more requests. */
static void
a_slow_reader_needs_few(void)
{
	World near = {.latency = 2000, .reader = 2000, .object_size = 31 * 1024};

	CHECK(scan(&near, 3000, 256).most <= 4 * FLOW_S3_FIRST);
}

/* Where the line is full, more requests only make each of them slower. */
static void
a_full_line_needs_few(void)
{
	World thin = {.latency = 30000, .line = 5, .reader = 10, .object_size = 100 * 1024};
	Outcome outcome = scan(&thin, 3000, 256);

	CHECK(outcome.most <= 8 * FLOW_S3_FIRST);
	/* the line alone takes 61 s */
	CHECK(outcome.took < 63 * INT64_C(1000000));
}

/* A store that is overloaded by some requests gets fewer, and not one after the other. */
static void
an_overloaded_store_gets_fewer(void)
{
	World busy = {.latency = 40000, .reader = 50, .object_size = 31 * 1024, .crowd = 40};
	Outcome outcome = scan(&busy, 5000, 256);

	CHECK(outcome.last <= 60);
	CHECK(outcome.last >= 10);
	CHECK(outcome.refused < 2500);
}

/* All that were under way when it was cut count once. */
static void
failures_of_a_round_count_once(void)
{
	FlowS3Pace pace;

	flow_s3_pace_begin(&pace, 64, 256, 1000);
	for (int i = 0; i < 64; i++)
		flow_s3_pace_failure(&pace, true, 1000 + i, 2000 + i);
	CHECK_INT(pace.limit, 32);
	flow_s3_pace_failure(&pace, false, 3000, 4000);
	CHECK_INT(pace.limit, 28);
	for (int64_t now = 5000; now < 50000; now += 1000)
		flow_s3_pace_failure(&pace, true, now, now + 1);
	CHECK_INT(pace.limit, 4);

	/* it grows again, slowly */
	for (int i = 0; i < 4; i++)
	{
		flow_s3_pace_wait(&pace, 1000);
		flow_s3_pace_answer(&pace, 1000, 51000 + i);
	}
	CHECK_INT(pace.limit, 5);
	for (int i = 0; i < 5; i++)
	{
		flow_s3_pace_wait(&pace, 1000);
		flow_s3_pace_answer(&pace, 1000, 52000 + i);
	}
	CHECK_INT(pace.limit, 6);

	/* but not while the reader does not wait */
	for (int i = 0; i < 30; i++)
		flow_s3_pace_answer(&pace, 1000, 53000 + i);
	CHECK_INT(pace.limit, 6);

	/* a limit of few is not raised by a failure */
	flow_s3_pace_begin(&pace, 16, 2, 1000);
	flow_s3_pace_failure(&pace, true, 1000, 2000);
	CHECK_INT(pace.limit, 2);
}

int
main(void)
{
	RUN(latency_is_hidden);
	RUN(a_slow_reader_needs_few);
	RUN(a_full_line_needs_few);
	RUN(an_overloaded_store_gets_fewer);
	RUN(failures_of_a_round_count_once);
	return unit_done();
}
