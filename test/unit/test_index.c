/*-------------------------------------------------------------------------
 *
 * test_index.c
 *	  Tests the keys of an index, its blocks, and what gathers its entries.
 *
 *-------------------------------------------------------------------------
 */
#include "model_index.h"
#include "unit_value.h"

/* ---------- keys ---------- */

static FlowIndexKey
key_of(FlowType type, const char *text)
{
	FlowColumn column = column_of(type);
	FlowIndexKey key = {0};
	FlowValue value;

	CHECK(read_bytes(&column, text, strlen(text), &value) == FLOW_OK);
	flow_index_key(&column, &value, &key);
	return key;
}

/* Returns the order of the keys of two values. */
static int
key_order(FlowType type, const char *a, const char *b)
{
	FlowIndexKey x = key_of(type, a), y = key_of(type, b);
	int order = flow_index_key_compare(&x, &y);

	return (order > 0) - (order < 0);
}

static int
kind_of(FlowType type, const char *text)
{
	return key_of(type, text).bytes[0];
}

static void
equal_values_have_equal_keys(void)
{
	static const char *const sixty_three =
		"123456789 123456789 123456789 123456789 123456789 123456789 123";
	static const char *const longer =
		"123456789 123456789 123456789 123456789 123456789 123456789 123456789";

	CHECK_INT(key_order(FLOW_ADDRESS, "10.0.0.1", "010.0.0.1/32"), 0);
	CHECK_INT(key_order(FLOW_ADDRESS, "::ffff:1.2.3.4", "::FFFF:102:304"), 0);
	CHECK_INT(key_order(FLOW_NETWORK, "10.0.0.1", "10.0.0.1/32"), 0);
	CHECK_INT(key_order(FLOW_INT32, "7", "+07"), 0);
	CHECK_INT(key_order(FLOW_BOOLEAN, "yes", "t"), 0);
	CHECK_INT(key_order(FLOW_PADDED, "a ", "a"), 0);
	CHECK_INT(key_order(FLOW_TEXT, "a ", "a"), 1);
	CHECK_INT(key_order(FLOW_TEXT, longer, sixty_three), 0);
	CHECK_INT(key_of(FLOW_TEXT, longer).len, FLOW_INDEX_KEY_SIZE);
	CHECK_INT(key_of(FLOW_TEXT, "").len, 1);
}

static void
keys_order_as_values_do(void)
{
	static const char *const integers[] =
		{"-9223372036854775808", "-256", "-1", "0", "1", "255", "256", "9223372036854775807"};
	static const char *const addresses[] =
		{"0.0.0.0", "9.255.255.255", "10.0.0.0", "255.255.255.255", "::", "::1", "2001:db8::"};
	static const char *const texts[] = {"", "a", "a\x01", "aa", "b"};

	for (size_t i = 1; i < flow_countof(integers); i++)
		CHECK_INT(key_order(FLOW_INT64, integers[i - 1], integers[i]), -1);
	for (size_t i = 1; i < flow_countof(addresses); i++)
		CHECK_INT(key_order(FLOW_ADDRESS, addresses[i - 1], addresses[i]), -1);
	for (size_t i = 1; i < flow_countof(texts); i++)
		CHECK_INT(key_order(FLOW_TEXT, texts[i - 1], texts[i]), -1);
}

static void
networks_and_nulls_have_kinds_of_their_own(void)
{
	FlowColumn column = column_of(FLOW_ADDRESS);
	FlowIndexKey key;

	CHECK_INT(kind_of(FLOW_ADDRESS, "10.0.0.1"), FLOW_INDEX_IPV4);
	CHECK_INT(kind_of(FLOW_ADDRESS, "10.0.0.0/8"), FLOW_INDEX_OTHER);
	CHECK_INT(kind_of(FLOW_ADDRESS, "10.0.0.0/31"), FLOW_INDEX_OTHER);
	CHECK_INT(kind_of(FLOW_ADDRESS, "::/32"), FLOW_INDEX_OTHER);
	CHECK_INT(kind_of(FLOW_NETWORK, "::1"), FLOW_INDEX_IPV6);
	CHECK_INT(kind_of(FLOW_NETWORK, "10"), FLOW_INDEX_OTHER);
	flow_index_key(&column, NULL, &key);
	CHECK(key.len == 1 && key.bytes[0] == FLOW_INDEX_NULL);
}

static bool
is_address(const char *text, int kind)
{
	size_t len = strlen(text);
	FlowIndexKey key, same;
	FlowValue value;
	FlowColumn column = column_of(FLOW_ADDRESS);

	if (!flow_index_key_of_address((FlowSlice) {unit_at_edge(text, len), len}, &key))
		return false;
	CHECK(read_bytes(&column, text, len, &value) == FLOW_OK);
	flow_index_key(&column, &value, &same);
	CHECK(model_same_key(&key, &same));
	return key.bytes[0] == kind;
}

static void
texts_are_addresses_in_one_form_only(void)
{
	CHECK(is_address("0.0.0.0", FLOW_INDEX_IPV4));
	CHECK(is_address("9.10.99.100", FLOW_INDEX_IPV4));
	CHECK(is_address("255.255.255.255", FLOW_INDEX_IPV4));
	CHECK(is_address("::", FLOW_INDEX_IPV6));
	CHECK(is_address("2001:db8::1", FLOW_INDEX_IPV6));
	CHECK(is_address("1111:2222:3333:4444:5555:6666:7777:8888", FLOW_INDEX_IPV6));
	CHECK(!is_address("", FLOW_INDEX_IPV4));
	CHECK(!is_address("9.10.99.010", FLOW_INDEX_IPV4));
	CHECK(!is_address("00.0.0.0", FLOW_INDEX_IPV4));
	CHECK(!is_address("10.0.0.1/32", FLOW_INDEX_IPV4));
	CHECK(!is_address(" 10.0.0.1", FLOW_INDEX_IPV4));
	CHECK(!is_address("10.0.0", FLOW_INDEX_IPV4));
	CHECK(!is_address("2001:DB8::1", FLOW_INDEX_IPV6));
	CHECK(!is_address("2001:db8:0::1", FLOW_INDEX_IPV6));
	CHECK(!is_address("::1/128", FLOW_INDEX_IPV6));
	CHECK(!is_address("::ffff:1.2.3.4", FLOW_INDEX_IPV6));
	CHECK(!is_address("eni-0123", FLOW_INDEX_IPV6));
}

static void
columns_of_records_are_taken(void)
{
	FlowColumn column = column_of(FLOW_TEXT);

	CHECK(flow_index_takes(&column));
	column.source = FLOW_FROM_VARIABLE;
	CHECK(!flow_index_takes(&column));
	for (int type = 0; type <= FLOW_OPAQUE; type++)
	{
		column = column_of((FlowType) type);
		CHECK(flow_index_takes(&column) ==
		      (type <= FLOW_INT64 || (type >= FLOW_BOOLEAN && type <= FLOW_NETWORK)));
	}
}

/* ---------- blocks ---------- */

#define MOST_BLOCKS 4096

/* Blocks, one after the other. */
typedef struct Blocks
{
	unsigned char *bytes;
	size_t lens[MOST_BLOCKS];
	size_t count, len;
} Blocks;

static void
take_block(Blocks *blocks, const FlowIndexWriter *writer)
{
	if (writer->len == 0 || blocks->count == MOST_BLOCKS)
		return;
	CHECK(writer->len <= FLOW_INDEX_BLOCK_SIZE);
	blocks->bytes = realloc(blocks->bytes, blocks->len + writer->len);
	memcpy(blocks->bytes + blocks->len, writer->bytes, writer->len);
	blocks->len += writer->len;
	blocks->lens[blocks->count++] = writer->len;
}

static void
write_entry(Blocks *blocks, FlowIndexWriter *writer, const FlowIndexEntry *entry)
{
	size_t done = 0;

	for (;;)
	{
		size_t before = done;

		flow_index_write(writer, entry, &done);
		if (done == entry->nfiles)
			return;
		CHECK(done > before || writer->len > 0);
		if (done == before && writer->len == 0)
			return;
		take_block(blocks, writer);
		flow_index_write_begin(writer, writer->base);
	}
}

static uint32_t *
files_room(void)
{
	static uint32_t files[FLOW_INDEX_ENTRY_FILES];

	return files;
}

/* Checks that the blocks hold the places, in their order. */
static void
check_blocks(const Blocks *blocks, uint32_t base, const ModelPlace *places, size_t count)
{
	const unsigned char *block = blocks->bytes;
	size_t at = 0;

	for (size_t i = 0; i < blocks->count; block += blocks->lens[i++])
	{
		FlowIndexCursor cursor;
		FlowIndexEntry entry;
		FlowStatus status;

		flow_index_read_begin(&cursor,
		                      unit_at_edge(block, blocks->lens[i]),
		                      blocks->lens[i],
		                      base,
		                      files_room());
		while ((status = flow_index_read(&cursor, &entry)) == FLOW_OK)
			for (size_t k = 0; k < entry.nfiles; k++, at++)
				if (at >= count || !model_same_key(&entry.key, &places[at].key) ||
				    entry.mask != places[at].mask || entry.files[k] != places[at].file)
				{
					CHECK(!"another entry than was written");
					return;
				}
		CHECK(status == FLOW_END);
	}
	CHECK_INT(at, count);
}

/* How files are drawn. */
typedef struct Draw
{
	uint32_t base, most; /* files in all */
	unsigned percent;    /* of the files, */
	uint32_t run;        /* in runs of about this length */
	uint32_t spread;     /* of keys */
	size_t keys;
	unsigned other_masks; /* percent of masks beyond the common ones */
} Draw;

static uint32_t
draw_mask(uint64_t *seed, const Draw *draw)
{
	if (unit_random(seed) % 100 < draw->other_masks)
		return unit_random(seed) % 4 == 0 ? (uint32_t) unit_random(seed) | 1
		                                  : 1u << unit_random(seed) % 32;
	return 1 + (uint32_t) (unit_random(seed) % 3);
}

/* Returns the next file from one on; draw->most: there is none. */
static uint32_t
draw_file(uint64_t *seed, const Draw *draw, uint32_t file)
{
	while (file < draw->most && unit_random(seed) % draw->run == 0 &&
	       unit_random(seed) % 100 >= draw->percent)
		file += 1 + (uint32_t) (unit_random(seed) % (2 * draw->run));
	return file < draw->most ? file : draw->most;
}

/* Draws places in order; returns their number. */
static size_t
draw_places(uint64_t *seed, const Draw *draw, ModelPlace *places, size_t room)
{
	ModelPlace *keys = malloc(draw->keys * sizeof(ModelPlace));
	size_t count = 0;

	for (size_t i = 0; i < draw->keys; i++)
		keys[i] = (ModelPlace) {model_key(seed, draw->spread), draw_mask(seed, draw), 0};
	qsort(keys, draw->keys, sizeof(ModelPlace), model_place_order);
	for (size_t i = 0; i < draw->keys; i++)
	{
		uint32_t file;

		if (i > 0 && model_place_order(&keys[i - 1], &keys[i]) == 0)
			continue;
		if (draw->percent == 0)
			file = (uint32_t) (unit_random(seed) % draw->most);
		else
			file = draw_file(seed, draw, 0);
		while (file < draw->most && count < room)
		{
			places[count] = keys[i];
			places[count++].file = draw->base + file;
			file = draw->percent == 0 ? draw->most : draw_file(seed, draw, file + 1);
		}
	}
	free(keys);
	return count;
}

/* Writes places, as few entries as there can be. */
static void
write_places(Blocks *blocks, uint32_t base, const ModelPlace *places, size_t count)
{
	FlowIndexWriter writer;
	uint32_t *files = malloc((count + 1) * sizeof(uint32_t));

	flow_index_write_begin(&writer, base);
	for (size_t i = 0; i < count; i++)
		files[i] = places[i].file;
	for (size_t i = 0, next; i < count; i = next)
	{
		FlowIndexEntry entry = {places[i].key, places[i].mask, files + i, 0};

		for (next = i; next < count && model_same_key(&places[next].key, &places[i].key) &&
		               places[next].mask == places[i].mask;
		     next++)
			entry.nfiles++;
		write_entry(blocks, &writer, &entry);
	}
	take_block(blocks, &writer);
	free(files);
}

#define MOST_PLACES 400000

static void
blocks_hold_what_was_written(void)
{
	static const Draw draws[] = {{0, 1, 100, 1, 1000000, 2000, 0},
	                             {0, 1200, 0, 1, 1000000, 20000, 10},
	                             {0, 1200, 0, 1, 100, 20000, 50},
	                             {7, 5000, 1, 1, 1000, 500, 10},
	                             {0, 1200, 5, 1, 10000, 500, 10},
	                             {1000000, 1200, 30, 1, 10000, 300, 100},
	                             {0, 1200, 50, 1, 10000, 300, 10},
	                             {0, 1200, 99, 1, 10000, 300, 10},
	                             {0, 1200, 30, 20, 10000, 300, 10},
	                             {3, 1200, 100, 1, 10000, 300, 10},
	                             {0, 70000, 100, 1, 10, 5, 10},
	                             {0, 70000, 60, 1, 10, 4, 10},
	                             {0, 2000000000, 0, 1, 1000000, 2000, 3},
	                             {0, 400000000, 50, 400000, 100, 500, 20},
	                             {2000000000, 2294967295u, 0, 1, 1000, 2000, 3}};
	ModelPlace *places = malloc(MOST_PLACES * sizeof(ModelPlace));
	uint64_t seed = 41;

	for (size_t i = 0; i < flow_countof(draws); i++)
		for (int try = unit_tries(30); try > 0; try--)
		{
			Blocks blocks = {0};
			size_t count = draw_places(&seed, &draws[i], places, MOST_PLACES);

			CHECK(count > 0);
			write_places(&blocks, draws[i].base, places, count);
			check_blocks(&blocks, draws[i].base, places, count);
			free(blocks.bytes);
		}
	free(places);
}

/* Returns the bytes for 18,000 random addresses, in so many of 1,200 files each. */
static size_t
size_of_addresses(size_t nfiles)
{
	static uint32_t files[1200];
	FlowIndexWriter writer;
	Blocks blocks = {0};
	uint64_t seed = 43;
	uint32_t address = 0;

	flow_index_write_begin(&writer, 0);
	for (int i = 0; i < 18000; i++)
	{
		FlowIndexEntry entry = {{5, {FLOW_INDEX_IPV4}}, 1, files, nfiles};

		address += 1 + (uint32_t) (unit_random(&seed) % 477000);
		for (int k = 0; k < 4; k++)
			entry.key.bytes[1 + k] = (unsigned char) (address >> (24 - 8 * k));
		entry.mask = unit_random(&seed) % 10 == 0 ? 1 : 3;
		for (size_t k = 0; k < nfiles; k++)
			files[k] = nfiles == 1 ? (uint32_t) (unit_random(&seed) % 1200) : (uint32_t) k;
		write_entry(&blocks, &writer, &entry);
	}
	take_block(&blocks, &writer);
	free(blocks.bytes);
	return blocks.len;
}

static void
blocks_are_small(void)
{
	size_t one = size_of_addresses(1), all = size_of_addresses(1200);

	printf("# 18,000 addresses: %.2f bytes each in one file of 1,200, %.2f in all of them\n",
	       (double) one / 18000,
	       (double) all / 18000);
	CHECK(one < 18000 * 9 / 2);
	CHECK(all < 18000 * 11);
}

/* Reads bytes that may be no block; returns the last status. */
static FlowStatus
read_all(const unsigned char *bytes, size_t len)
{
	FlowIndexCursor cursor;
	FlowIndexEntry entry;
	FlowStatus status;

	flow_index_read_begin(&cursor, unit_at_edge(bytes, len), len, 5, files_room());
	while ((status = flow_index_read(&cursor, &entry)) == FLOW_OK)
		for (size_t i = 1; i < entry.nfiles; i++)
			CHECK(entry.files[i] > entry.files[i - 1]);
	return status;
}

static void
damaged_blocks_are_noticed(void)
{
	static const Draw draw = {5, 1200, 20, 3, 1000, 100, 20};
	ModelPlace *places = malloc(MOST_PLACES * sizeof(ModelPlace));
	uint64_t seed = 47;
	Blocks blocks = {0};
	size_t corrupt = 0, tried = 0;

	write_places(&blocks, 5, places, draw_places(&seed, &draw, places, MOST_PLACES));
	CHECK(blocks.count > 1);
	CHECK(read_all(NULL, 0) == FLOW_END);
	for (size_t len = 1; len < blocks.lens[0]; len++)
		CHECK(read_all(blocks.bytes, len) == FLOW_CORRUPT);
	for (size_t i = 0; i < blocks.lens[0] * 8; i++, tried++)
	{
		blocks.bytes[i / 8] ^= (unsigned char) (1 << i % 8);
		corrupt += read_all(blocks.bytes, blocks.lens[0]) == FLOW_CORRUPT;
		blocks.bytes[i / 8] ^= (unsigned char) (1 << i % 8);
	}
	CHECK(corrupt > tried / 2);
	free(blocks.bytes);
	free(places);
}

/* ---------- gathering ---------- */

static FlowError error;

/* Puts masks of a value in one file together; returns the number that is left. */
static size_t
merge_places(ModelPlace *places, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
	{
		size_t k = kept;

		/* those of one file are adjacent */
		while (k > 0 && places[k - 1].file == places[i].file)
			if (model_same_key(&places[--k].key, &places[i].key))
				break;
		if (k < kept && places[k].file == places[i].file &&
		    model_same_key(&places[k].key, &places[i].key))
			places[k].mask |= places[i].mask;
		else
			places[kept++] = places[i];
	}
	qsort(places, kept, sizeof(ModelPlace), model_place_order);
	return kept;
}

/* Checks that a batch returns the places, which are sorted. */
static void
check_batch(FlowIndexBatch *batch, const ModelPlace *places, size_t count)
{
	size_t at = 0, position = 0;
	FlowIndexEntry entry;
	FlowStatus status;
	FlowIndexEntry last = {{0}, 0, NULL, 0};

	CHECK(flow_index_batch_sort(batch) == FLOW_OK);
	while ((status = flow_index_batch_next(batch, &position, &entry)) == FLOW_OK)
	{
		CHECK(entry.nfiles > 0);
		CHECK(last.key.len == 0 || !model_same_key(&last.key, &entry.key) ||
		      last.mask != entry.mask);
		last = entry;
		for (size_t k = 0; k < entry.nfiles; k++, at++)
			if (at >= count || !model_same_key(&entry.key, &places[at].key) ||
			    entry.mask != places[at].mask || entry.files[k] != places[at].file)
			{
				CHECK(!"another entry than was added");
				return;
			}
	}
	CHECK(status == FLOW_END);
	CHECK_INT(at, count);
}

static void
batches_return_what_was_added(void)
{
	ModelPlace *places = malloc(MOST_PLACES * sizeof(ModelPlace));
	FlowIndexBatch *batch;
	uint64_t seed = 53;

	CHECK(flow_index_batch_create(&unit_host, 64 << 20, &batch, &error) == FLOW_OK);
	for (int try = unit_tries(300); try > 0; try--)
	{
		uint32_t first = (uint32_t) unit_random(&seed) >> (1 + unit_random(&seed) % 31);
		uint32_t nfiles = 1 + (uint32_t) (unit_random(&seed) % 60);
		uint32_t spread = 1 + (uint32_t) (unit_random(&seed) % 2000);
		static const uint64_t numbers[] = {3, 40, UINT32_MAX};
		uint64_t masks = numbers[unit_random(&seed) % 3];
		unsigned forgotten = unit_random(&seed) % 2 ? 10 : 0; /* percent of the files */
		size_t count = 0;

		for (uint32_t file = first; file < first + nfiles; file += 1 + unit_random(&seed) % 5 / 4)
		{
			size_t adds = unit_random(&seed) % 400, before = count;

			for (size_t i = 0; i < adds; i++, count++)
			{
				uint32_t mask = 1 + (uint32_t) (unit_random(&seed) % masks);

				places[count] = (ModelPlace) {model_key(&seed, spread), mask, file};
				CHECK(flow_index_batch_add(batch, &places[count].key, mask, file) == FLOW_OK);
			}
			if (unit_random(&seed) % 100 < forgotten)
			{
				flow_index_batch_forget(batch, file);
				count = before;
				/* it may be added again */
				file -= unit_random(&seed) % 2 && file > first;
			}
		}
		check_batch(batch, places, merge_places(places, count));
		flow_index_batch_clear(batch);
	}
	flow_index_batch_free(batch);
	CHECK_INT(unit_state.outstanding, 0);
	free(places);
}

/* A batch that is full for another reason than memory. */
static void
batches_take_files_that_are_near(void)
{
	static const uint32_t files[] = {7, 8, 7 + FLOW_INDEX_BATCH_FILES - 1};
	ModelPlace places[3];
	FlowIndexBatch *batch;
	uint64_t seed = 57;
	FlowIndexKey key = model_key(&seed, 1);

	CHECK(flow_index_batch_create(&unit_host, 4 << 20, &batch, &error) == FLOW_OK);
	for (size_t i = 0; i < 3; i++)
	{
		places[i] = (ModelPlace) {key, 5, files[i]};
		CHECK(flow_index_batch_add(batch, &key, 5, files[i]) == FLOW_OK);
	}
	CHECK(flow_index_batch_add(batch, &key, 5, 7 + FLOW_INDEX_BATCH_FILES) == FLOW_LIMIT);
	flow_index_batch_forget(batch, 7 + FLOW_INDEX_BATCH_FILES);
	check_batch(batch, places, 3);
	flow_index_batch_clear(batch);
	CHECK(flow_index_batch_add(batch, &key, 5, 7 + FLOW_INDEX_BATCH_FILES) == FLOW_OK);
	flow_index_batch_free(batch);
	CHECK_INT(unit_state.outstanding, 0);
}

static void
batches_keep_within_their_memory(void)
{
	static const size_t memory = 4 << 20;
	ModelPlace *places = malloc(MOST_PLACES * sizeof(ModelPlace));
	uint64_t seed = 59;
	size_t count = 0;
	FlowIndexBatch *batch;
	FlowStatus status = FLOW_OK;
	uint32_t file;

	CHECK(flow_index_batch_create(&unit_host, memory, &batch, &error) == FLOW_OK);
	for (file = 0; status == FLOW_OK && count < MOST_PLACES; file++)
		for (size_t i = 0; i < 100 && status == FLOW_OK; i++)
		{
			places[count] = (ModelPlace) {model_key(&seed, 100000000), 1 + i % 3, file};
			status = flow_index_batch_add(batch, &places[count].key, places[count].mask, file);
			count += status == FLOW_OK;
		}
	CHECK(status == FLOW_LIMIT);
	CHECK(unit_state.bytes < (int64_t) memory * 3 / 2);
	CHECK(count > 20000);

	/* without the file that did not fit, it is usable */
	flow_index_batch_forget(batch, --file);
	while (count > 0 && places[count - 1].file == file)
		count--;
	check_batch(batch, places, merge_places(places, count));
	CHECK(unit_state.bytes < (int64_t) memory * 3 / 2);

	/* and so it is for others */
	flow_index_batch_clear(batch);
	CHECK(flow_index_batch_add(batch, &places[0].key, 4, 7) == FLOW_OK);
	places[0].mask = 4;
	places[0].file = 7;
	check_batch(batch, places, 1);
	flow_index_batch_free(batch);
	CHECK_INT(unit_state.outstanding, 0);
	free(places);
}

/* Adds some places and reads them back, as far as the host lets it. */
static FlowStatus
fill_batch(void)
{
	uint64_t seed = 61;
	FlowIndexBatch *batch;
	FlowIndexEntry entry;
	size_t position = 0;
	FlowStatus status = flow_index_batch_create(&unit_host, 16 << 20, &batch, &error);

	for (uint32_t i = 0; i < 60000 && status == FLOW_OK; i++)
	{
		FlowIndexKey key = model_key(&seed, 20000);

		status = flow_index_batch_add(batch, &key, 1 + i % 3, i / 1000);
	}
	if (status == FLOW_OK)
		status = flow_index_batch_sort(batch);
	while (status == FLOW_OK)
		status = flow_index_batch_next(batch, &position, &entry);
	flow_index_batch_free(batch);
	CHECK_INT(unit_state.outstanding, 0);
	return status;
}

static void
batches_bear_hosts_without_memory_or_patience(void)
{
	CHECK(fill_batch() == FLOW_END);
	for (int64_t i = 0;; i++)
	{
		FlowStatus status;

		unit_state.fail_after = i;
		status = fill_batch();
		unit_state.fail_after = -1;
		if (status == FLOW_END)
			break;
		CHECK(status == FLOW_NO_MEMORY);
	}
	for (int64_t i = 0;; i++)
	{
		FlowStatus status;

		unit_state.interrupt_after = i;
		status = fill_batch();
		unit_state.interrupt_after = -1;
		if (status == FLOW_END)
			break;
		CHECK(status == FLOW_INTERRUPTED);
	}
}

int
main(void)
{
	RUN(equal_values_have_equal_keys);
	RUN(keys_order_as_values_do);
	RUN(networks_and_nulls_have_kinds_of_their_own);
	RUN(texts_are_addresses_in_one_form_only);
	RUN(columns_of_records_are_taken);
	RUN(blocks_hold_what_was_written);
	RUN(blocks_are_small);
	RUN(damaged_blocks_are_noticed);
	RUN(batches_return_what_was_added);
	RUN(batches_take_files_that_are_near);
	RUN(batches_keep_within_their_memory);
	RUN(batches_bear_hosts_without_memory_or_patience);
	return unit_done();
}
