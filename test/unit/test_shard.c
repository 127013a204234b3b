/*-------------------------------------------------------------------------
 *
 * test_shard.c
 *	  Tests flow/shard.c: each file is in one shard, which is the same
 *	  everywhere and forever.
 *
 *-------------------------------------------------------------------------
 */
#include "tree.h"

static const FlowAccess everywhere = {0};

static FlowError error;

/* ---------- which shard ---------- */

/* Nodes of different releases must agree, so these values never change. */
static void
shards_are_the_same_for_ever(void)
{
	CHECK_INT(flow_shard_of("", 1), 1);
	CHECK_INT(flow_shard_of("a.log", 3), 1);
	CHECK_INT(flow_shard_of("2026/01/30/b.log.gz", 3), 1);
	CHECK_INT(flow_shard_of("2026/01/30/b.log.gz", 10000), 1776);
	CHECK_INT(flow_shard_of("", 7), 6);
}

static void
shards_are_of_about_one_size(void)
{
	for (uint32_t count = 1; count <= 40; count += 13)
	{
		int files[41] = {0};
		char path[64];

		for (int i = 0; i < 40000; i++)
		{
			uint32_t share;

			sprintf(path,
			        "2026/01/%02d/123456789012_vpcflowlogs_us-east-1_fl-%d.log.gz",
			        i % 31,
			        i);
			share = flow_shard_of(path, count);
			CHECK(share >= 1 && share <= count);
			files[share]++;
		}
		for (uint32_t share = 1; share <= count; share++)
			CHECK(files[share] > 40000 / (int) count * 8 / 10 &&
			      files[share] < 40000 / (int) count * 12 / 10);
	}
}

static void
one_shard_more_takes_from_all_and_moves_nothing_else(void)
{
	char path[64];

	for (uint32_t count = 1; count < 30; count++)
	{
		int moved = 0;

		for (int i = 0; i < 3000; i++)
		{
			uint32_t before, after;

			sprintf(path, "day=%d/%d.gz", i % 7, i);
			before = flow_shard_of(path, count);
			after = flow_shard_of(path, count + 1);
			CHECK(after == before || after == count + 1);
			moved += after != before;
		}
		CHECK(moved > 3000 / (int) (count + 1) / 2 && moved < 3000 / (int) (count + 1) * 2);
	}
}

/* ---------- listings ---------- */

static FlowObjects *
list(const char *location, FlowShard shard, FlowLocation **parsed)
{
	FlowObjects *objects;

	must(flow_location_parse(&unit_host, at(location), parsed, &error) == FLOW_OK, error.detail);
	flow_shard_set(*parsed, shard);
	must(flow_objects_list_pruned(&unit_host, *parsed, &everywhere, NULL, NULL, &objects, &error) ==
	         FLOW_OK,
	     error.message);
	return objects;
}

static void
touch(const char *name)
{
	FILE *file = fopen(at(name), "w");

	must(file != NULL && fputs("x", file) > 0 && fclose(file) == 0, name);
}

static void
plant_files(void)
{
	char name[32];

	plant();
	must(mkdir(at("a"), 0755) == 0 && mkdir(at("a/b"), 0755) == 0, "mkdir");
	for (int i = 0; i < 60; i++)
	{
		sprintf(name, "a/%s%d", i % 2 ? "b/" : "", i);
		touch(name);
	}
}

/*
 * Checks that all shards together have all files, each once.  It does not
 * matter with which of their directories the location begins.
 */
static void
check_division(const char *location, uint32_t count, size_t expected)
{
	char seen[60] = {0};
	uint64_t files = 0;

	for (uint32_t number = 1; number <= count; number++)
	{
		FlowLocation *parsed;
		FlowObjects *objects = list(location, (FlowShard) {number, count}, &parsed);

		for (size_t i = 0; i < objects->count; i++)
			seen[atoi(strrchr(objects->items[i].path, '/') + 1)]++;
		CHECK_INT(objects->bytes, objects->count);
		CHECK_INT(objects->count + objects->pruned.by_shard, expected);
		files += objects->count;
		flow_objects_free(&unit_host, objects);
		flow_location_free(parsed);
	}
	CHECK_INT(files, expected);
	for (int i = 0; i < 60; i++)
		CHECK(seen[i] <= 1);
}

static void
all_shards_together_are_all_files(void)
{
	plant_files();
	for (uint32_t count = 1; count <= 9; count++)
	{
		check_division("", count, 60);
		check_division("a", count, 60);
		check_division("a/**", count, 60);
		check_division("*/b/*[13579]", count, 30);
		check_division("a/${x}/${y}", count, 30);
		check_division("a/b/7", count, 1);
	}
	fell();
}

/* Only the path below the location counts. */
static void
where_the_location_lies_is_no_matter(void)
{
	FlowLocation *parsed;
	FlowObjects *objects;

	plant_files();
	objects = list("a", (FlowShard) {2, 3}, &parsed);
	CHECK(objects->count > 0);
	for (size_t i = 0; i < objects->count; i++)
		CHECK_INT(flow_shard_of(objects->items[i].path + strlen(at("a")) + 1, 3), 2);
	flow_objects_free(&unit_host, objects);
	flow_location_free(parsed);
	fell();
}

int
main(void)
{
	RUN(shards_are_the_same_for_ever);
	RUN(shards_are_of_about_one_size);
	RUN(one_shard_more_takes_from_all_and_moves_nothing_else);
	RUN(all_shards_together_are_all_files);
	RUN(where_the_location_lies_is_no_matter);
	return unit_done();
}
