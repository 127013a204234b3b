/*-------------------------------------------------------------------------
 *
 * test_s3_range.c
 *	  Reads objects of a bucket that the test plays by ranges, as Parquet files
 *	  are read.
 *
 *-------------------------------------------------------------------------
 */
#include "s3_bucket.h"

#include "../../flow/s3/s3_file.h"

#define MIB (1024 * 1024)
#define KIB 1024

static char buffer[FLOW_BLOCK_SIZE];

static const FlowS3 *
store_of(const Fixture *f)
{
	return (const FlowS3 *) f->access.store;
}

/* Opens object "i" of the list, reads its beginning and checks it. */
static FlowStatus
open_object(Fixture *f, size_t i, void **file)
{
	const FlowStorage *storage = f->access.store->storage;
	const FlowObject *object = &f->objects->items[i];
	size_t len;
	FlowStatus status;

	status = storage->open(&f->host, &f->access, object, file, &f->error);
	if (status != FLOW_OK)
		return status;
	status = storage->read(*file, buffer, FLOW_HEAD_SIZE, &len, &f->error);
	if (status != FLOW_OK)
	{
		storage->close(*file);
		return status;
	}
	CHECK_INT(len, object->size < FLOW_HEAD_SIZE ? object->size : FLOW_HEAD_SIZE);
	CHECK(memcmp(buffer, model_objects[i].data, len) == 0);
	return FLOW_OK;
}

/* Reads a range of object "i" and checks its bytes. */
static FlowStatus
read_range(Fixture *f, size_t i, void *file, uint64_t offset, size_t len)
{
	FlowStatus status = f->access.store->storage->read_range(file, offset, buffer, len, &f->error);

	if (status == FLOW_OK)
		CHECK(memcmp(buffer, model_objects[i].data + offset, len) == 0);
	CHECK(store_of(f)->buffered <= FLOW_S3_BUFFERED + 4 * MIB);
	return status;
}

static FlowStatus
read_tail(Fixture *f, size_t i, void *file)
{
	return read_range(f, i, file, f->objects->items[i].size - FLOW_S3_TAIL, FLOW_S3_TAIL);
}

static FlowStatus
plan(Fixture *f, void *file, const FlowRange *ranges, size_t count)
{
	return f->access.store->storage->plan(file, ranges, count, &f->error);
}

/* Makes a bucket of one object, and opens that; requests are counted from then on. */
static void *
begin(Fixture *f, const char *key, size_t size)
{
	void *file;

	clear_bucket();
	put(key, size);
	set_up(f, "s3://bucket", 16);
	CHECK_INT(list(f, NULL), FLOW_OK);
	model_requests = model_asked_bytes = 0;
	CHECK_INT(open_object(f, 0, &file), FLOW_OK);
	return file;
}

static void
end(Fixture *f, void *file)
{
	f->access.store->storage->close(file);
	CHECK_INT(store_of(f)->buffered, 0);
	tear_down(f);
}

/* ---------- which requests there are ---------- */

static void
a_small_object_is_one_request(void)
{
	static const size_t sizes[] = {20, 4096, 5000, 300000, MIB};

	for (size_t i = 0; i < flow_countof(sizes); i++)
	{
		FlowRange range = {.offset = 4, .size = sizes[i] - 8};
		Fixture f;
		void *file = begin(&f, i % 2 == 0 ? "x.parquet" : "x", sizes[i]);

		for (int round = 0; round < 50; round++)
		{
			size_t len = 1 + model_number(sizes[i] < sizeof(buffer) ? sizes[i] : sizeof(buffer));

			CHECK_INT(read_range(&f, 0, file, model_number(sizes[i] - len + 1), len), FLOW_OK);
			if (round == 20)
				CHECK_INT(plan(&f, file, &range, 1), FLOW_OK);
		}
		CHECK_INT(model_requests, 1);
		CHECK_INT(f.access.store->storage->bytes_read(file), sizes[i]);
		end(&f, file);
	}
}

static void
both_ends_of_a_large_one_are_read_first(void)
{
	Fixture f;
	void *file = begin(&f, "x.parquet", MIB + 1);

	CHECK_INT(read_tail(&f, 0, file), FLOW_OK);
	CHECK_INT(model_requests, 2);
	CHECK_INT(model_asked_bytes, FLOW_HEAD_SIZE + FLOW_S3_TAIL);
	/* a footer that is longer: what is missing of it */
	CHECK_INT(read_range(&f, 0, file, MIB + 1 - 100 * KIB, 100 * KIB), FLOW_OK);
	CHECK_INT(model_requests, 3);
	CHECK_INT(model_asked_bytes, FLOW_HEAD_SIZE + 100 * KIB);
	end(&f, file);
}

static void
a_look_reads_both_ends(void)
{
	Fixture f;
	void *file;

	clear_bucket();
	put("x.parquet", 900 * KIB);
	set_up(&f, "s3://bucket", 16);
	CHECK_INT(list(&f, NULL), FLOW_OK);
	f.access.glance = true;
	model_asked_bytes = 0;
	CHECK_INT(open_object(&f, 0, &file), FLOW_OK);
	CHECK_INT(read_tail(&f, 0, file), FLOW_OK);
	CHECK_INT(model_asked_bytes, FLOW_HEAD_SIZE + FLOW_S3_TAIL);
	end(&f, file);
}

/* A Parquet file of another name is read by ranges as soon as it is known. */
static void
a_name_may_hide_it(void)
{
	Fixture f;
	void *file = begin(&f, "x.log", 20 * MIB);

	CHECK_INT(read_tail(&f, 0, file), FLOW_OK);
	model_asked_bytes = 0;
	for (int round = 0; round < 20; round++)
		CHECK_INT(read_range(&f, 0, file, model_number(19 * MIB), 10 * KIB), FLOW_OK);
	CHECK(model_asked_bytes <= 20 * 10 * KIB);
	end(&f, file);
}

/* What is not a Parquet file, although its name says so, is read in order. */
static void
a_name_may_lie(void)
{
	size_t size = 5 * MIB + 3;
	Fixture f;
	void *file = begin(&f, "x.parquet", size);
	size_t at = FLOW_HEAD_SIZE, len = 1;

	while (len > 0)
	{
		CHECK_INT(f.access.store->storage->read(file, buffer, sizeof(buffer), &len, &f.error),
		          FLOW_OK);
		CHECK(at + len <= size && memcmp(buffer, model_objects[0].data + at, len) == 0);
		at += len;
	}
	CHECK_INT(at, size);
	CHECK(model_requests <= 2 + 3);
	end(&f, file);
}

static void
ranges_close_together_are_one_request(void)
{
	static const struct
	{
		FlowRange ranges[4];
		size_t count;
		uint64_t requests;
	} cases[] = {
		{{{200 * KIB, 10 * KIB, 0, false}, {210 * KIB, 300 * KIB, 0, false}}, 2, 1},
		{{{200 * KIB, 10 * KIB, 0, false}, {338 * KIB, KIB, 0, false}}, 2, 1},
		{{{200 * KIB, 10 * KIB, 0, false}, {339 * KIB, KIB, 0, false}}, 2, 2},
		/* of different steps, if they are small */
		{{{200 * KIB, 10 * KIB, 0, false}, {210 * KIB, KIB, 1, false}}, 2, 1},
		{{{200 * KIB, 10 * KIB, 0, false}, {210 * KIB, MIB, 1, false}}, 2, 2},
		{{{200 * KIB, MIB, 0, false}, {1224 * KIB, KIB, 1, false}}, 2, 2},
		/* a large one is cut */
		{{{200 * KIB, 3 * MIB, 0, false}}, 1, 1},
		{{{200 * KIB, 4 * MIB, 0, false}}, 1, 2},
	};

	for (size_t i = 0; i < flow_countof(cases); i++)
	{
		Fixture f;
		void *file = begin(&f, "x.parquet", 10 * MIB);

		CHECK_INT(read_tail(&f, 0, file), FLOW_OK);
		CHECK_INT(plan(&f, file, cases[i].ranges, cases[i].count), FLOW_OK);
		for (size_t j = 0; j < cases[i].count; j++)
			for (uint64_t at = 0; at < cases[i].ranges[j].size; at += KIB)
				CHECK_INT(read_range(&f, 0, file, cases[i].ranges[j].offset + at, KIB), FLOW_OK);
		CHECK_INT(model_requests, 2 + cases[i].requests);
		end(&f, file);
	}
}

/* What comes later is requested while nothing waits for it. */
static void
later_steps_are_fetched_ahead(void)
{
	static const FlowRange ranges[] = {{MIB, MIB, 0, false}, {3 * MIB, MIB, 1, false}};
	int64_t began, first, second;
	Fixture f;
	void *file = begin(&f, "x.parquet", 10 * MIB);

	CHECK_INT(read_tail(&f, 0, file), FLOW_OK);
	CHECK_INT(plan(&f, file, ranges, 2), FLOW_OK);
	began = model_now;
	CHECK_INT(read_range(&f, 0, file, MIB, 1000), FLOW_OK);
	first = model_now - began;
	for (uint64_t at = 0; at < MIB; at += sizeof(buffer))
		CHECK_INT(read_range(&f, 0, file, MIB + at, sizeof(buffer)), FLOW_OK);
	began = model_now;
	CHECK_INT(read_range(&f, 0, file, 3 * MIB, 1000), FLOW_OK);
	second = model_now - began;
	CHECK(first >= model_latency / 2 && second < model_latency / 2);
	CHECK_INT(model_requests, 4);
	end(&f, file);
}

/* More bytes than there is memory for, side by side: each is requested once. */
static void
large_ranges_are_read_side_by_side(void)
{
	enum
	{
		COLUMNS = 7,
		STEPS = 3000
	};
	FlowRange ranges[COLUMNS];
	uint64_t at = MIB, bytes = 0;
	Fixture f;
	void *file = begin(&f, "x.parquet", 60 * MIB);

	CHECK_INT(read_tail(&f, 0, file), FLOW_OK);
	for (size_t i = 0; i < COLUMNS; i++)
	{
		/* 150 kB to 19 MB */
		ranges[i] = (FlowRange) {.offset = at, .size = (uint64_t) 150000 << i};
		at += ranges[i].size + MIB;
		bytes += ranges[i].size;
	}
	model_requests = model_asked_bytes = 0;
	CHECK_INT(plan(&f, file, ranges, COLUMNS), FLOW_OK);
	for (uint64_t step = 0; step < STEPS; step++)
		for (size_t i = 0; i < COLUMNS; i++)
		{
			uint64_t from = ranges[i].size * step / STEPS;
			uint64_t to = ranges[i].size * (step + 1) / STEPS;

			CHECK_INT(read_range(&f, 0, file, ranges[i].offset + from, (size_t) (to - from)),
			          FLOW_OK);
		}
	CHECK_INT(model_asked_bytes, bytes);
	CHECK(model_requests <= 60);
	end(&f, file);
}

/* More is announced of a row group of which something was read. */
static void
what_was_read_is_not_requested_again(void)
{
	FlowRange ranges[2] = {{MIB, 20 * KIB, 0, false}, {6 * MIB, MIB, 0, false}};
	Fixture f;
	void *file = begin(&f, "x.parquet", 10 * MIB);

	CHECK_INT(read_tail(&f, 0, file), FLOW_OK);
	model_requests = model_asked_bytes = 0;
	CHECK_INT(plan(&f, file, ranges, 1), FLOW_OK);
	CHECK_INT(read_range(&f, 0, file, MIB, 20 * KIB), FLOW_OK);
	ranges[0].size = 2 * MIB;
	CHECK_INT(plan(&f, file, ranges, 2), FLOW_OK);
	for (uint64_t at = 20 * KIB; at < 2 * MIB; at += 20 * KIB)
		CHECK_INT(
			read_range(&f, 0, file, MIB + at, 20 * KIB < 2 * MIB - at ? 20 * KIB : 2 * MIB - at),
			FLOW_OK);
	CHECK_INT(read_range(&f, 0, file, 6 * MIB, 1000), FLOW_OK);
	CHECK_INT(model_requests, 3);
	CHECK_INT(model_asked_bytes, 3 * MIB);
	/* unless two readers need it */
	ranges[0].shared = true;
	end(&f, file);
}

/* ---------- whatever is read ---------- */

#define CURSORS 6

/*
 * Reads an object as a reader of columns does: step by step, some columns side
 * by side, with parts left out, and now and then something that was not
 * announced.  Returns false and sets the error if that fails.
 */
static bool
read_columns(Fixture *f, size_t i)
{
	uint64_t size = f->objects->items[i].size, width;
	size_t steps = 1 + model_number(4);
	void *file;
	bool good;

	if (open_object(f, i, &file) != FLOW_OK)
		return false;
	good = size < FLOW_S3_TAIL || read_tail(f, i, file) == FLOW_OK;
	width = size / steps / CURSORS;
	for (size_t step = 0; step < steps && good; step++)
	{
		FlowRange ranges[2 * CURSORS];
		uint64_t at[CURSORS];
		size_t count = 0, left = 1 + model_number(CURSORS);
		size_t now = step + 1 < steps ? 2 : 1;

		/* what is announced: of this step and the next */
		for (size_t s = 0; s < now; s++)
			for (size_t c = 0; c < left; c++)
				ranges[count++] = (FlowRange) {.offset = ((step + s) * CURSORS + c) * width,
				                               .size = 1 + model_number(width),
				                               .step = (uint32_t) s,
				                               .shared = model_number(9) == 0};
		good = plan(f, file, ranges, count) == FLOW_OK;
		for (size_t c = 0; c < left; c++)
			at[c] = ranges[c].offset;
		count = left;
		while (left > 0 && good)
		{
			size_t c = model_number(count);
			uint64_t end = ranges[c].offset + ranges[c].size, rest = end - at[c];
			size_t len = 1 + model_number(model_number(4) == 0 ? sizeof(buffer) : 40000);

			if (rest == 0)
				continue;
			if (model_number(10) == 0)
			{
				/* left out, or not announced */
				at[c] += model_number(rest);
				if (model_number(4) == 0)
					good = read_range(f, i, file, model_number(size), 1) == FLOW_OK;
				continue;
			}
			if (len > rest)
				len = (size_t) rest;
			good = read_range(f, i, file, at[c], len) == FLOW_OK;
			at[c] += len;
			left -= at[c] == end;
		}
	}
	f->access.store->storage->close(file);
	return good;
}

static void
fill(size_t count, size_t largest)
{
	static const char *const suffixes[] = {".parquet", ".log"};

	clear_bucket();
	for (size_t i = 0; i < count; i++)
	{
		char key[32];

		snprintf(key, sizeof(key), "o/%03zu%s", i, suffixes[model_number(4) == 0]);
		put(key, 1000 + model_number(model_number(3) == 0 ? largest : 2 * MIB));
	}
}

/* Announces all objects and reads them. */
static bool
read_all(Fixture *f)
{
	const FlowStorage *storage = f->access.store->storage;
	size_t announced = 0;

	for (size_t i = 0; i < f->objects->count; i++)
	{
		for (; announced < f->objects->count &&
		       (announced <= i || storage->has_room(f->access.store));
		     announced++)
			if (storage->announce(f->access.store,
			                      &f->objects->items[announced],
			                      false,
			                      &f->error) != FLOW_OK)
				return false;
		if (!read_columns(f, i))
			return false;
	}
	return true;
}

static void
it_reads_the_bytes_that_are_there(void)
{
	for (int round = 0; round < 40; round++)
	{
		Fixture f;

		fill(1 + model_number(8), 40 * MIB);
		set_up(&f, "s3://bucket/o", 1 + (int) model_number(16));
		CHECK_INT(list(&f, NULL), FLOW_OK);
		CHECK(read_all(&f));
		tear_down(&f);
	}
}

static void
it_survives_what_can_be_repaired(void)
{
	int failed = 0;

	for (int round = 0; round < 40; round++)
	{
		Fixture f;

		fill(1 + model_number(5), 20 * MIB);
		model_faults = (1u << MODEL_REPAIRABLE) - 2;
		model_fault_percent = 5;
		set_up(&f, "s3://bucket/o", 1 + (int) model_number(16));
		failed += list(&f, NULL) != FLOW_OK || !read_all(&f);
		tear_down(&f);
	}
	CHECK_INT(failed, 0);
}

static void
it_never_gives_other_bytes(void)
{
	int good = 0, bad = 0;

	for (int round = 0; round < 100; round++)
	{
		Fixture f;

		fill(1 + model_number(4), 5 * MIB);
		model_faults = (1u << MODEL_FAULTS) - 2;
		model_fault_percent = (int) model_number(30);
		set_up(&f, "s3://bucket/o", 1 + (int) model_number(16));
		f.error.message[0] = '\0';
		if (list(&f, NULL) == FLOW_OK && read_all(&f))
			good++;
		else
		{
			CHECK(f.error.message[0] != '\0' && f.error.status != FLOW_OK &&
			      f.error.status != FLOW_END);
			bad++;
		}
		tear_down(&f);
	}
	CHECK(good > 5 && bad > 5);
}

/* An object that is replaced while it is read. */
static void
a_change_is_an_error(void)
{
	FlowRange range = {MIB, 8 * MIB, 0, false};
	FlowStatus status = FLOW_OK;
	Fixture f;
	void *file = begin(&f, "x.parquet", 60 * MIB);

	CHECK_INT(read_tail(&f, 0, file), FLOW_OK);
	CHECK_INT(plan(&f, file, &range, 1), FLOW_OK);
	CHECK_INT(read_range(&f, 0, file, MIB, 1000), FLOW_OK);
	strcpy(model_objects[0].etag, "\"other\"");
	range.offset = 20 * MIB;
	CHECK_INT(plan(&f, file, &range, 1), FLOW_OK);
	status = read_range(&f, 0, file, 20 * MIB, 1000);
	CHECK_INT(status, FLOW_CHANGED);
	CHECK_STRING(
		f.error.message,
		"could not read \"s3://bucket/x.parquet\": the object changed since it was listed");
	end(&f, file);
}

/* ---------- the host ---------- */

static void
it_stops_when_interrupted(void)
{
	uint64_t seed = model_random;
	bool done = false;

	fill(3, 9 * MIB);
	for (int64_t after = 0; !done; after += 1 + after / 8)
	{
		Fixture f;

		model_random = seed;
		set_up(&f, "s3://bucket/o", 4);
		CHECK_INT(list(&f, NULL), FLOW_OK);
		unit_state.interrupt_after = after;
		done = read_all(&f);
		unit_state.interrupt_after = -1;
		if (!done)
			CHECK_INT(f.error.status, FLOW_INTERRUPTED);
		tear_down(&f);
	}
}

static void
it_says_when_there_is_no_memory(void)
{
	uint64_t seed = model_random;
	bool done = false;

	fill(3, 9 * MIB);
	for (int64_t after = 0; !done; after += 1 + after / 16)
	{
		Fixture f;

		model_random = seed;
		set_up(&f, "s3://bucket/o", 4);
		CHECK_INT(list(&f, NULL), FLOW_OK);
		unit_state.fail_after = after;
		done = read_all(&f);
		unit_state.fail_after = -1;
		if (!done)
			CHECK_INT(f.error.status, FLOW_NO_MEMORY);
		tear_down(&f);
	}
}

int
main(void)
{
	RUN(a_small_object_is_one_request);
	RUN(both_ends_of_a_large_one_are_read_first);
	RUN(a_look_reads_both_ends);
	RUN(a_name_may_hide_it);
	RUN(a_name_may_lie);
	RUN(ranges_close_together_are_one_request);
	RUN(later_steps_are_fetched_ahead);
	RUN(large_ranges_are_read_side_by_side);
	RUN(what_was_read_is_not_requested_again);
	RUN(it_reads_the_bytes_that_are_there);
	RUN(it_survives_what_can_be_repaired);
	RUN(it_never_gives_other_bytes);
	RUN(a_change_is_an_error);
	RUN(it_stops_when_interrupted);
	RUN(it_says_when_there_is_no_memory);
	clear_bucket();
	return unit_done();
}
