/*-------------------------------------------------------------------------
 *
 * test_s3_store.c
 *	  Lists and reads a bucket that the test plays, with all kinds of faults.
 *
 *-------------------------------------------------------------------------
 */
#include "s3_bucket.h"

/* Returns the keys that match a location, separated by blanks. */
static const char *
keys_of(const char *location)
{
	static char text[4096];
	size_t len = 0;
	Fixture f;
	FlowStatus status;

	set_up(&f, location, 16);
	status = list(&f, NULL);
	text[0] = '\0';
	if (status != FLOW_OK)
		snprintf(text,
		         sizeof(text),
		         "%s %s",
		         status == FLOW_NOT_FOUND ? "not found:" : "error:",
		         f.error.message);
	else
		for (size_t i = 0; i < f.objects->count; i++)
			len += (size_t) snprintf(text + len,
			                         sizeof(text) - len,
			                         "%s%s",
			                         i == 0 ? "" : " ",
			                         f.objects->items[i].path + strlen("s3://bucket/"));
	tear_down(&f);
	return text;
}

/* ---------- lists ---------- */

static void
locations_mean_keys(void)
{
	static const struct
	{
		const char *location, *keys;
	} cases[] = {
		{"s3://bucket",
	     "a a/1.gz a/2.log a/b/3.gz a/b/c/4.gz ab d/2024/01/01/x.gz d/2024/01/02/y.gz "
	     "d/2024/02/30/z.gz"},
		{"s3://bucket/",
	     "a a/1.gz a/2.log a/b/3.gz a/b/c/4.gz ab d/2024/01/01/x.gz d/2024/01/02/y.gz "
	     "d/2024/02/30/z.gz"},
		{"s3://bucket/a", "a a/1.gz a/2.log a/b/3.gz a/b/c/4.gz"}, /* never ab */
		{"s3://bucket/a/", "a/1.gz a/2.log a/b/3.gz a/b/c/4.gz"},
		{"s3://bucket/a/*.gz", "a/1.gz"},
		{"s3://bucket/a/*",
	     "a/1.gz a/2.log a/b/3.gz a/b/c/4.gz"}, /* a "directory" that matches is read, too */
		{"s3://bucket/a/**/*.gz", "a/1.gz a/b/3.gz a/b/c/4.gz"},
		{"s3://bucket/*/*/*.gz", "a/b/3.gz"},
		{"s3://bucket/a/{1,2}.*", "a/1.gz a/2.log"},
		{"s3://bucket/d/${day:yyyy/MM/dd}/*",
	     "d/2024/01/01/x.gz d/2024/01/02/y.gz"}, /* February has no 30th day */
		{"s3://bucket/d/2024/${month}/*/*.gz",
	     "d/2024/01/01/x.gz d/2024/01/02/y.gz d/2024/02/30/z.gz"},
		{"s3://bucket/d/2024/01/02/y.gz", "d/2024/01/02/y.gz"},
	};

	clear_bucket();
	put("_hidden", 10);
	put("a", 5);
	put("a/.hidden/5.gz", 10);
	put("a/1.gz", 10);
	put("a/2.log", 10);
	put("a/aws-logs-write-test", 10);
	put("a/b/", 0);
	put("a/b/3.gz", 10);
	put("a/b/_hidden.gz", 10);
	put("a/b/c/4.gz", 10);
	put("a/empty.gz", 0);
	put("ab", 5);
	put("d/2024/01/01/x.gz", 10);
	put("d/2024/01/02/y.gz", 10);
	put("d/2024/02/30/z.gz", 10);
	for (size_t page = 1; page < 4; page++)
	{
		model_page_size = page == 3 ? 1000 : page;
		for (size_t i = 0; i < flow_countof(cases); i++)
			CHECK_STRING(keys_of(cases[i].location), cases[i].keys);
	}
	CHECK_STRING(keys_of("s3://bucket/x"), "not found: there is nothing at \"s3://bucket/x\"");
	CHECK_STRING(keys_of("s3://bucket/a/b/c/d/*"),
	             "not found: there is nothing at \"s3://bucket/a/b/c/d/\"");
	CHECK_STRING(keys_of("s3://bucket/a/*.zst"), "");
}

static void
what_is_left_out_is_counted(void)
{
	Fixture f;

	set_up(&f, "s3://bucket/a/", 16);
	CHECK_INT(list(&f, NULL), FLOW_OK);
	/*
	 * one in a hidden directory, a hidden one, the test's, a directory's
	 * marker, an empty one
	 */
	CHECK_INT(f.objects->skipped, 5);
	tear_down(&f);
}

/* A list that is passed on after every step gives the same result. */
static void
a_list_can_be_handed_over(void)
{
	for (size_t page = 1; page < 6; page++)
	{
		size_t count = 0;
		char *bytes = NULL;
		size_t len = 0;
		bool complete = false;
		Fixture f;

		model_page_size = page;
		while (!complete)
		{
			FlowStatus status;
			char *left;
			size_t left_len;

			set_up(&f, "s3://bucket/{a,d}/**", 16);
			CHECK_INT(
				flow_objects_begin(&f.host, f.location, &f.access, NULL, &f.objects, &f.error),
				FLOW_OK);
			if (bytes != NULL)
				CHECK_INT(flow_objects_resume(f.objects, bytes, len, &f.error), FLOW_OK);
			status = flow_objects_more(f.objects, true, &f.error);
			CHECK(status == FLOW_OK || status == FLOW_END);
			CHECK_INT(flow_objects_suspend(f.objects, &left, &left_len, &f.error), FLOW_OK);
			count += f.objects->count;
			complete = left_len == 1;
			free(bytes);
			bytes = malloc(left_len);
			memcpy(bytes, left, left_len);
			len = left_len;
			flow_free(&f.host, left);
			tear_down(&f);
			CHECK(count < 100);
		}
		free(bytes);
		CHECK_INT(count, 7);
	}
	model_page_size = 1000;
}

static FlowStatus
only_january(void *arg, const FlowObject *file, const FlowPathValue *values, FlowPruning *pruning,
             FlowError *error)
{
	(void) arg;
	(void) file;
	(void) error;
	*pruning = values[0].begun && values[0].from >= INT64_C(1706745600000000) ? FLOW_PRUNE_BY_PATH
	                                                                          : FLOW_KEEP;
	return FLOW_OK;
}

static void
pruned_prefixes_are_not_listed(void)
{
	FlowPruner pruner = {NULL, only_january};
	Fixture f;

	model_page_size = 1000;
	set_up(&f, "s3://bucket/d/${day:yyyy/MM/dd}/*", 16);
	CHECK_INT(list(&f, &pruner), FLOW_OK);
	CHECK_INT(f.objects->count, 2);
	CHECK_INT(f.objects->pruned.directories, 1);
	for (uint64_t i = 0; i < model_lists; i++)
		CHECK(strstr(model_listed[i], "2024/02") == NULL);
	CHECK_INT(model_lists, 5); /* d/, 2024/, 01/, and two days */
	tear_down(&f);
}

static void
what_may_be_anything_is_listed_at_once(void)
{
	Fixture f;

	set_up(&f, "s3://bucket/a/", 16);
	CHECK_INT(list(&f, NULL), FLOW_OK);
	CHECK_INT(model_lists, 1);
	tear_down(&f);
}

/*
 * Keys are bytes.  Keys that no directory could have are read nevertheless,
 * and not interpreted as paths.
 */
static void
keys_are_not_paths(void)
{
	clear_bucket();
	put("k/\x01\x7F", 3);
	put("k/ blank+%", 3);
	put("k//double", 3);
	put("k/a/../b", 3); /* hidden, like every name that begins with a dot */
	put("k/\xC3\xA4", 3);
	CHECK_STRING(keys_of("s3://bucket/k"), "k/\x01\x7F k/ blank+% k//double k/\xC3\xA4");
	CHECK_STRING(keys_of("s3://bucket/k/\\ *"), "k/ blank+%");
	CHECK_STRING(keys_of("s3://bucket/k//double"), "k//double");
	CHECK_STRING(keys_of("s3://bucket/k//*"), "k//double");
	CHECK_STRING(keys_of("s3://bucket/k/?"), "k/\xC3\xA4");
}

static void
the_region_is_found_out(void)
{
	Fixture f;

	clear_bucket();
	put("x", 3);
	model_region = "eu-central-1";
	set_up(&f, "s3://bucket", 1);
	CHECK_INT(list(&f, NULL), FLOW_OK);
	CHECK_INT(f.objects->count, 1);
	CHECK_INT(model_requests, 2);
	tear_down(&f);
}

/*
 * A clock that is wrong by an hour is corrected.  A difference of two days is
 * not believed.
 */
static void
the_clock_is_found_out(void)
{
	Fixture f;

	clear_bucket();
	put("x", 3);
	for (model_ahead = -3600; model_ahead <= 3600; model_ahead += 7200)
	{
		set_up(&f, "s3://bucket", 1);
		CHECK_INT(list(&f, NULL), FLOW_OK);
		CHECK_INT(f.objects->count, 1);
		CHECK_INT(model_requests, 2);
		tear_down(&f);
	}
	model_ahead = 2 * 86400;
	set_up(&f, "s3://bucket", 1);
	CHECK_INT(list(&f, NULL), FLOW_NO_PERMISSION);
	CHECK(strstr(f.error.hint, "clock") != NULL);
	tear_down(&f);
}

/* ---------- reading ---------- */

/*
 * Reads all objects of the list like a reader, announcing them in advance.
 * Returns false and sets *error if it fails.
 */
static bool
read_all(Fixture *f, bool announce)
{
	const FlowStorage *storage = f->access.store->storage;
	static char buffer[FLOW_BLOCK_SIZE];
	size_t announced = 0;

	for (size_t i = 0; i < f->objects->count; i++)
	{
		const FlowObject *object = &f->objects->items[i];
		const ModelObject *fake = model_objects;
		size_t total = 0, len = 1;
		void *file;

		while (strcmp(fake->key, object->path + strlen("s3://bucket/")) != 0)
			fake++;
		for (; announce && announced < f->objects->count &&
		       (announced <= i || storage->has_room(f->access.store));
		     announced++)
			if (storage->announce(f->access.store,
			                      &f->objects->items[announced],
			                      false,
			                      &f->error) != FLOW_OK)
				return false;
		if (storage->open(&f->host, &f->access, object, &file, &f->error) != FLOW_OK)
			return false;
		while (len > 0)
		{
			size_t capacity = 1 + model_number(sizeof(buffer));
			FlowStatus status = storage->read(file, buffer, capacity, &len, &f->error);

			if (status != FLOW_OK)
			{
				storage->close(file);
				return false;
			}
			CHECK(len == capacity || total + len == fake->size);
			CHECK(total + len <= fake->size && memcmp(buffer, fake->data + total, len) == 0);
			total += len;
			CHECK_INT(storage->position(file), total);
		}
		CHECK_INT(total, fake->size);
		storage->close(file);
	}
	return true;
}

static void
fill_bucket(size_t count, size_t largest)
{
	clear_bucket();
	for (size_t i = 0; i < count; i++)
	{
		char key[32];

		snprintf(key, sizeof(key), "o/%03zu", i);
		put(key, model_number(60) == 0 ? 1 + model_number(largest) : 1 + model_number(3000));
	}
}

static void
objects_are_read_many_at_a_time(void)
{
	int64_t one, sixteen;
	Fixture f;

	clear_bucket();
	for (size_t i = 0; i < MODEL_OBJECTS; i++)
	{
		char key[32];

		snprintf(key, sizeof(key), "o/%03zu", i);
		put(key, 20000);
	}
	for (int connections = 1; connections <= 16; connections += 15)
	{
		int64_t began;

		set_up(&f, "s3://bucket/o", connections);
		CHECK_INT(list(&f, NULL), FLOW_OK);
		began = model_now;
		CHECK(read_all(&f, true));
		*(connections == 1 ? &one : &sixteen) = model_now - began;
		CHECK(model_most_in_flight <= connections);
		tear_down(&f);
	}
	CHECK(sixteen * 8 < one); /* of sixteen: fewer than that are left at the end */
}

static void
large_objects_come_in_pieces(void)
{
	Fixture f;

	clear_bucket();
	put("large", 23 * 1024 * 1024 + 17);
	put("small", 2 * 1024 * 1024);
	set_up(&f, "s3://bucket", 16);
	CHECK_INT(list(&f, NULL), FLOW_OK);
	model_requests = 0;
	CHECK(read_all(&f, true));
	CHECK_INT(model_requests, 1 + 12);
	tear_down(&f);
}

/*
 * While a list grows, its objects move in memory.  An announced object is
 * found nevertheless, and fetched once.
 */
static void
a_list_may_grow_while_it_is_read(void)
{
	static char buffer[FLOW_BLOCK_SIZE];
	const FlowStorage *storage;
	size_t announced = 0, lists;
	FlowStatus status;
	Fixture f;

	fill_bucket(MODEL_OBJECTS, 1000);
	model_page_size = 5;
	set_up(&f, "s3://bucket/o", 16);
	storage = f.access.store->storage;
	CHECK_INT(flow_objects_begin(&f.host, f.location, &f.access, NULL, &f.objects, &f.error),
	          FLOW_OK);
	for (size_t i = 0;; i++)
	{
		size_t len = 1;
		void *file;

		while (announced <= i + 20)
		{
			if (announced == f.objects->count)
			{
				status = flow_objects_more(f.objects, announced <= i, &f.error);
				CHECK(status == FLOW_OK || status == FLOW_END);
				if (status == FLOW_END)
					break;
			}
			CHECK_INT(storage->announce(f.access.store,
			                            &f.objects->items[announced++],
			                            false,
			                            &f.error),
			          FLOW_OK);
		}
		if (i == f.objects->count)
			break;
		CHECK_INT(storage->open(&f.host, &f.access, &f.objects->items[i], &file, &f.error),
		          FLOW_OK);
		while (len > 0)
			CHECK_INT(storage->read(file, buffer, sizeof(buffer), &len, &f.error), FLOW_OK);
		storage->close(file);
	}
	CHECK_INT(f.objects->count, MODEL_OBJECTS);
	lists = (MODEL_OBJECTS + 4) / 5 + 1;
	CHECK_INT(model_requests, MODEL_OBJECTS + lists);
	tear_down(&f);
	model_page_size = 1000;
}

/* Reading only the beginning of an object does not fetch all of it. */
static void
a_look_asks_for_no_more_than_it_reads(void)
{
	FlowProbe probe;
	Fixture f;

	clear_bucket();
	put("x", 20000000);
	put("y", 1000);
	memset(model_objects[0].data, 'x', model_objects[0].size);
	memset(model_objects[1].data, 'x', model_objects[1].size);
	set_up(&f, "s3://bucket/", 16);
	CHECK_INT(list(&f, NULL), FLOW_OK);
	model_asked_bytes = 0;
	for (size_t i = 0; i < f.objects->count; i++)
	{
		CHECK_INT(flow_object_probe(&f.host,
		                            &f.objects->items[i],
		                            &f.access,
		                            "auto",
		                            true,
		                            NULL,
		                            &probe,
		                            &f.error),
		          FLOW_OK);
		CHECK_STRING(probe.compression, "none");
		flow_probe_free(&f.host, &probe);
	}
	CHECK_INT(model_asked_bytes, FLOW_PROBE_SIZE + 1000);
	tear_down(&f);
}

/*
 * A query with a LIMIT ends in the middle, and announced objects are never
 * opened.
 */
static void
it_can_be_left_at_any_time(void)
{
	static char buffer[100];
	const FlowStorage *storage;
	size_t len;
	void *file;
	Fixture f;

	fill_bucket(20, 9000000);
	set_up(&f, "s3://bucket/o", 16);
	CHECK_INT(list(&f, NULL), FLOW_OK);
	storage = f.access.store->storage;
	for (size_t i = 0; i < 10; i++)
		CHECK_INT(storage->announce(f.access.store, &f.objects->items[i], false, &f.error),
		          FLOW_OK);
	CHECK_INT(storage->open(&f.host, &f.access, &f.objects->items[0], &file, &f.error), FLOW_OK);
	CHECK_INT(storage->read(file, buffer, sizeof(buffer), &len, &f.error), FLOW_OK);
	storage->close(file);
	storage->forget(f.access.store);
	CHECK(read_all(&f, true)); /* a rescan */
	CHECK_INT(storage->open(&f.host, &f.access, &f.objects->items[3], &file, &f.error), FLOW_OK);
	tear_down(&f);
}

/*
 * A plan may have thousands of stores.  Those that were read keep no
 * connections.
 */
static void
it_closes_connections_when_nothing_is_read(void)
{
	const FlowStorage *storage;
	const FlowHttp *http;
	void *file;
	Fixture f;

	fill_bucket(20, 100000);
	set_up(&f, "s3://bucket/o", 16);
	storage = f.access.store->storage;
	http = ((FlowS3 *) f.access.store)->http;
	CHECK_INT(list(&f, NULL), FLOW_OK);
	CHECK_INT(storage->open(&f.host, &f.access, &f.objects->items[3], &file, &f.error), FLOW_OK);
	storage->rest(f.access.store);
	CHECK_INT(http->rests, 0);
	storage->close(file);
	storage->rest(f.access.store);
	CHECK_INT(http->rests, 1);
	CHECK(read_all(&f, true)); /* a rescan */
	tear_down(&f);
}

/* ---------- faults ---------- */

/* With occasional faults that can be repaired, the bytes are the same. */
static void
it_survives_what_can_be_repaired(void)
{
	int failed = 0;

	for (int round = 0; round < 150; round++)
	{
		Fixture f;

		fill_bucket(1 + model_number(MODEL_OBJECTS), 5000000);
		model_page_size = 1 + model_number(20);
		model_faults = (1u << MODEL_REPAIRABLE) - 2;
		model_fault_percent = 5;
		set_up(&f, "s3://bucket/o", 1 + (int) model_number(16));
		if (list(&f, NULL) != FLOW_OK || !read_all(&f, true))
			failed++;
		else
			CHECK_INT(f.objects->count, model_nobjects);
		tear_down(&f);
	}
	/* one in five million requests fails five times in succession */
	CHECK_INT(failed, 0);
}

/*
 * Whatever the store does, the result is the bytes of the objects or an error.
 */
static void
it_never_gives_other_bytes(void)
{
	int good = 0, bad = 0;

	for (int round = 0; round < 1000; round++)
	{
		Fixture f;

		fill_bucket(1 + model_number(20), 5000000);
		model_page_size = 1 + model_number(20);
		model_faults = (1u << MODEL_FAULTS) - 2;
		model_fault_percent = (int) model_number(40);
		set_up(&f, "s3://bucket/o", 1 + (int) model_number(16));
		f.error.message[0] = '\0';
		if (list(&f, NULL) == FLOW_OK && read_all(&f, model_number(2) == 0))
		{
			CHECK_INT(f.objects->count, model_nobjects);
			good++;
		}
		else
		{
			CHECK(model_fatal > 0 || model_fault_percent > 5);
			CHECK(f.error.message[0] != '\0' && f.error.status != FLOW_OK &&
			      f.error.status != FLOW_END);
			CHECK(strstr(f.error.message, "secret") == NULL &&
			      strstr(f.error.detail, "secret") == NULL);
			bad++;
		}
		tear_down(&f);
	}
	CHECK(good > 100 && bad > 100);
}

static void
a_store_in_trouble_is_given_up(void)
{
	int64_t began = model_now;
	Fixture f;

	fill_bucket(20, 1000);
	model_faults = 1u << MODEL_503;
	model_fault_percent = 100;
	set_up(&f, "s3://bucket/o/", 16);
	CHECK_INT(list(&f, NULL), FLOW_IO);
	CHECK_STRING(f.error.message,
	             "could not list \"s3://bucket/o/\": the store reported a temporary error");
	CHECK(model_now - began < 60 * INT64_C(1000000));
	CHECK_INT(model_requests, FLOW_S3_ATTEMPTS);
	tear_down(&f);
}

/*
 * Half of the answers are "slow down": there are at most three requests for
 * each necessary one.
 */
static void
retries_do_not_make_it_worse(void)
{
	uint64_t requests = 0, needed = 0;

	for (int round = 0; round < 50; round++)
	{
		Fixture f;

		fill_bucket(MODEL_OBJECTS, 1000);
		set_up(&f, "s3://bucket/o", 16);
		CHECK_INT(list(&f, NULL), FLOW_OK);
		model_faults = 1u << MODEL_503;
		model_fault_percent = 50;
		model_requests = 0;
		(void) read_all(&f, true);
		requests += model_requests;
		needed += model_nobjects;
		tear_down(&f);
	}
	CHECK(requests <= 3 * needed);
}

static void
changes_are_errors(void)
{
	static const struct
	{
		ModelFault fault;
		FlowStatus status;
		const char *message;
	} cases[] = {
		{MODEL_412,
	     FLOW_CHANGED,
	     "could not read \"s3://bucket/x\": the object changed since it was listed"},
		{MODEL_ETAG_CHANGED,
	     FLOW_CHANGED,
	     "could not read \"s3://bucket/x\": the object changed since it was listed"},
		{MODEL_404,
	     FLOW_NOT_FOUND,
	     "could not read \"s3://bucket/x\": the object does not exist any more"},
		{MODEL_403, FLOW_NO_PERMISSION, "could not read \"s3://bucket/x\": access is denied"},
	};

	for (size_t i = 0; i < flow_countof(cases); i++)
	{
		Fixture f;

		clear_bucket();
		put("x", 100);
		set_up(&f, "s3://bucket/x", 16);
		CHECK_INT(list(&f, NULL), FLOW_OK);
		model_faults = 1u << cases[i].fault;
		model_fault_percent = 100;
		CHECK(!read_all(&f, true));
		CHECK_INT(f.error.status, cases[i].status);
		CHECK_STRING(f.error.message, cases[i].message);
		tear_down(&f);
	}
}

static void
a_cut_list_is_an_error(void)
{
	for (int round = 0; round < 300; round++)
	{
		Fixture f;

		fill_bucket(10, 100);
		model_faults = 1u << MODEL_CUT_LIST;
		model_fault_percent = 100;
		set_up(&f, "s3://bucket/o/", 16);
		CHECK(list(&f, NULL) != FLOW_OK);
		tear_down(&f);
	}
}

/* ---------- the host ---------- */

static void
it_stops_when_interrupted(void)
{
	bool done = false;

	fill_bucket(10, 3000000);
	for (int64_t after = 0; !done; after += 1 + after / 8)
	{
		Fixture f;
		FlowStatus status;

		set_up(&f, "s3://bucket/o", 4);
		unit_state.interrupt_after = after;
		status = list(&f, NULL);
		if (status == FLOW_OK && read_all(&f, true))
			done = true;
		else
			CHECK_INT(f.error.status, FLOW_INTERRUPTED);
		unit_state.interrupt_after = -1;
		tear_down(&f);
	}
}

static void
it_says_when_there_is_no_memory(void)
{
	bool done = false;

	fill_bucket(5, 3000000);
	for (int64_t after = 0; !done; after++)
	{
		Fixture f;

		set_up(&f, "s3://bucket/o", 4);
		unit_state.fail_after = after;
		if (list(&f, NULL) == FLOW_OK && read_all(&f, true))
			done = true;
		else
			CHECK_INT(f.error.status, FLOW_NO_MEMORY);
		unit_state.fail_after = -1;
		tear_down(&f);
	}
}

int
main(void)
{
	RUN(locations_mean_keys);
	RUN(what_is_left_out_is_counted);
	RUN(a_list_can_be_handed_over);
	RUN(pruned_prefixes_are_not_listed);
	RUN(what_may_be_anything_is_listed_at_once);
	RUN(keys_are_not_paths);
	RUN(the_region_is_found_out);
	RUN(the_clock_is_found_out);
	RUN(objects_are_read_many_at_a_time);
	RUN(large_objects_come_in_pieces);
	RUN(a_list_may_grow_while_it_is_read);
	RUN(a_look_asks_for_no_more_than_it_reads);
	RUN(it_can_be_left_at_any_time);
	RUN(it_closes_connections_when_nothing_is_read);
	RUN(it_survives_what_can_be_repaired);
	RUN(it_never_gives_other_bytes);
	RUN(a_store_in_trouble_is_given_up);
	RUN(retries_do_not_make_it_worse);
	RUN(changes_are_errors);
	RUN(a_cut_list_is_an_error);
	RUN(it_stops_when_interrupted);
	RUN(it_says_when_there_is_no_memory);
	clear_bucket();
	return unit_done();
}
