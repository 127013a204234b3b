/*-------------------------------------------------------------------------
 *
 * test_group_spread.c
 *	  Tests groups that are gathered by partitions (flow/group_spread.c) against
 *	  those of one table.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#include "../../flow/group.h"

#define COLUMN(name_, type_)                                                                       \
	{                                                                                              \
		.name = name_, .type = type_, .max_chars = -1, .precision = -1, .scale = -1,               \
		.null_text = "-", .null_len = 1                                                            \
	}

static const FlowColumn columns[] = {COLUMN("host", FLOW_TEXT),
                                     COLUMN("port", FLOW_INT32),
                                     COLUMN("bytes", FLOW_INT64)};

#define NCOLUMNS 3
#define NKEYS 2

static const FlowGroupBy keys[] = {{0, NULL}, {1, NULL}};
static const FlowAggregate aggregates[] = {{FLOW_COUNT_ALL, -1, NULL, NULL},
                                           {FLOW_SUM, 2, NULL, NULL},
                                           {FLOW_MIN, 2, NULL, NULL},
                                           {FLOW_MAX, 2, NULL, NULL}};

#define NAGGREGATES 4

static FlowGroups *
make_groups(int partition_keys, size_t memory)
{
	FlowGroupSpec spec = {.host = &unit_host,
	                      .columns = columns,
	                      .ncolumns = NCOLUMNS,
	                      .keys = keys,
	                      .nkeys = NKEYS,
	                      .aggregates = aggregates,
	                      .naggregates = NAGGREGATES,
	                      .memory = memory,
	                      .by_value = true,
	                      .partition_keys = partition_keys};
	FlowGroups *groups;
	FlowError error;

	CHECK_INT(flow_groups_create(&spec, &groups, &error), FLOW_OK);
	return groups;
}

/* ---------- records ---------- */

typedef struct Record
{
	char texts[NCOLUMNS][32];
} Record;

/* What records are like. */
typedef struct Kind
{
	uint64_t hosts, ports;
	bool spelled; /* some ports are written with zeros before them */
	bool large;   /* sums do not fit into 64 bits */
	bool packed;  /* all hosts are */
} Kind;

static void
make_record(Record *record, const Kind *kind, uint64_t *seed)
{
	uint64_t random = unit_random(seed);
	unsigned host = (unsigned) ((random >> 8 & 0xFFFF) % kind->hosts);
	unsigned port = 1 + (unsigned) ((random >> 24 & 0xFFFF) % kind->ports);

	/* some hosts are not packed, and some ports are negative */
	if (random % 16 == 0 && !kind->packed)
		snprintf(record->texts[0],
		         sizeof(record->texts[0]),
		         "a-host-with-a-long-name-%u",
		         host % 8);
	else
		snprintf(record->texts[0],
		         sizeof(record->texts[0]),
		         random % 16 == 1 ? "h%u" : "10.1.0.%u",
		         host);
	snprintf(record->texts[1],
	         sizeof(record->texts[1]),
	         (random >> 4) % 16 == 0 ? kind->spelled ? "0%u" : "-%u" : "%u",
	         port);
	snprintf(record->texts[2],
	         sizeof(record->texts[2]),
	         "%" PRId64,
	         (int64_t) (random >> (kind->large ? 1 : 40)));
	if (random >> 56 == 0)
		strcpy(record->texts[random % NCOLUMNS], "-");
}

/* Adds a record; takes the groups into "full" when it does not fit. */
static void
add_record(FlowGroups *groups, const Record *record, FlowGroups *full)
{
	FlowSlice fields[NCOLUMNS];
	FlowBatch batch = {.count = 1, .fields = fields};
	FlowBadField bad;
	size_t done = 0;
	FlowStatus status;

	for (int c = 0; c < NCOLUMNS; c++)
		fields[c] = (FlowSlice) {record->texts[c], strlen(record->texts[c])};
	while ((status = flow_groups_add(groups, &batch, &done, false, &bad)) == FLOW_LIMIT)
	{
		FlowGroup group;

		CHECK_INT(flow_groups_settle(groups), FLOW_OK);
		CHECK(flow_groups_count(groups) > 0);
		for (size_t position = 0; flow_groups_next(groups, &position, &group) == FLOW_OK;)
			CHECK_INT(flow_groups_merge(full, group.keys, group.totals), FLOW_OK);
		CHECK_INT(flow_groups_clear(groups), FLOW_OK);
	}
	CHECK_INT(status, FLOW_OK);
	CHECK_INT(done, 1);
}

/* Adds a group, as of records that are known otherwise. */
static void
merge_group(FlowGroups *groups, int number)
{
	char text[16];
	FlowSlice slices[NKEYS] = {{"10.1.0.1", 8}, {text, 0}};
	FlowTotal totals[NAGGREGATES] = {{.count = 3}};

	slices[1].len = (size_t) snprintf(text, sizeof(text), "%d", 1 + number % 150);
	for (int a = 1; a < NAGGREGATES; a++)
	{
		totals[a].count = 3;
		if (aggregates[a].kind == FLOW_SUM)
			totals[a].as.sum.low = 12;
		else
			totals[a].as.extreme.integer = 4;
	}
	CHECK_INT(flow_groups_merge(groups, slices, totals), FLOW_OK);
}

/* ---------- comparisons ---------- */

/* Returns a number that is the same for sets of equal groups, in any order. */
static uint64_t
sum_up(const FlowGroups *groups)
{
	uint64_t sum = 0;
	FlowGroup group;

	for (size_t position = 0; flow_groups_next(groups, &position, &group) == FLOW_OK;)
	{
		static const uint64_t seed[FLOW_KEY_SEEDS] = {11, 12, 13};
		uint64_t hash = 0;

		for (int k = 0; k < NKEYS; k++)
		{
			FlowFieldKey key = flow_key_make(seed, group.keys[k]);

			hash = flow_key_hash(seed, hash, &key);
		}
		for (int a = 0; a < NAGGREGATES; a++)
		{
			const FlowTotal *total = &group.totals[a];

			hash = flow_key_fold(hash ^ total->count, UINT64_C(0xA0761D6478BD642F));
			if (aggregates[a].kind == FLOW_SUM)
				hash = flow_key_fold(hash ^ total->as.sum.low,
				                     UINT64_C(0xE7037ED1A0B428DB) ^ (uint64_t) total->as.sum.high);
			else if (aggregates[a].kind >= FLOW_MIN && total->count > 0)
				hash = flow_key_fold(hash ^ (uint64_t) total->as.extreme.integer,
				                     UINT64_C(0xE7037ED1A0B428DB));
		}
		sum += hash;
	}
	return sum;
}

static void
check_same_groups(const FlowGroups *a, const FlowGroups *b)
{
	CHECK_INT(flow_groups_count(a), flow_groups_count(b));
	CHECK_INT(flow_groups_are_whole(a), flow_groups_are_whole(b));
	CHECK(sum_up(a) == sum_up(b));
}

/* ---------- tests ---------- */

static void
it_has_the_groups_of_a_table(void)
{
	static const Kind kinds[] = {{20, 100, false, false, false},
	                             {200, 200, false, false, false},
	                             {1, 3000, false, false, false},
	                             {200, 200, true, false, false},
	                             {50, 100, false, true, false}};
	uint64_t seed = 3;

	for (int round = 0; round < unit_tries(20); round++)
	{
		const Kind *kind = &kinds[round % (int) flow_countof(kinds)];
		FlowGroups *table = make_groups(0, SIZE_MAX);
		FlowGroups *spread = make_groups(1 + round / 5 % 2, SIZE_MAX);
		int begin = (int) (unit_random(&seed) % 3000);

		for (int i = 0; i < 9000; i++)
		{
			Record record;

			if (i == begin && !spread->packed->off)
				CHECK_INT(flow_spread_begin(spread), FLOW_OK);
			if (i == 6000 || (i == 7000 && round % 2))
				CHECK_INT(flow_groups_settle(spread), FLOW_OK);
			make_record(&record, kind, &seed);
			add_record(table, &record, NULL);
			add_record(spread, &record, NULL);
			if (i % 40 == 0)
			{
				merge_group(table, i);
				merge_group(spread, i);
			}
		}
		CHECK(spread->packed->nspread > 0 || kind->large);
		CHECK_INT(flow_groups_settle(spread), FLOW_OK);
		CHECK_INT(spread->packed->nspread, 0);
		check_same_groups(table, spread);
		CHECK_INT(flow_groups_are_whole(table), !kind->spelled);

		/* after that, as before */
		CHECK_INT(flow_groups_settle(spread), FLOW_OK);
		check_same_groups(table, spread);
		CHECK_INT(flow_groups_clear(spread), FLOW_OK);
		CHECK_INT(flow_groups_count(spread), 0);
		flow_groups_free(table);
		flow_groups_free(spread);
	}
	CHECK_INT(unit_state.outstanding, 0);
}

/* Rows that are merged give their memory to others, so that few groups always fit. */
static void
it_makes_room_by_merging(void)
{
	static const Kind kind = {30, 30, false, false, true};
	FlowGroups *table = make_groups(0, SIZE_MAX);
	FlowGroups *spread = make_groups(2, 1024 * 1024);
	uint64_t seed = 5;

	CHECK_INT(flow_spread_begin(spread), FLOW_OK);
	for (int i = 0; i < 60000; i++)
	{
		Record record;

		make_record(&record, &kind, &seed);
		add_record(table, &record, NULL);
		add_record(spread, &record, NULL);
		CHECK(spread->used <= spread->spec.memory);
	}
	CHECK(spread->packed->settled > 0);
	CHECK_INT(flow_groups_settle(spread), FLOW_OK);
	check_same_groups(table, spread);
	flow_groups_free(table);
	flow_groups_free(spread);
	CHECK_INT(unit_state.outstanding, 0);
}

/* Groups that do not fit are taken, and then there are others. */
static void
it_says_when_groups_do_not_fit(void)
{
	static const Kind kinds[] = {{200, 200, false, false, false}, {1, 60000, false, false, false}};
	static const size_t bounds[] = {0, 200000, 1024 * 1024};
	uint64_t seed = 7;

	for (int round = 0; round < 6; round++)
	{
		const Kind *kind = &kinds[round % 2];
		FlowGroups *table = make_groups(0, SIZE_MAX);
		FlowGroups *full = make_groups(0, SIZE_MAX);
		FlowGroups *spread = make_groups(1, bounds[round / 2]);
		FlowGroup group;

		CHECK_INT(flow_spread_begin(spread), FLOW_OK);
		for (int i = 0; i < (round / 2 == 2 ? 60000 : 4000); i++)
		{
			Record record;

			make_record(&record, kind, &seed);
			add_record(table, &record, NULL);
			add_record(spread, &record, full);
		}
		CHECK(flow_groups_count(full) > 0);
		CHECK_INT(flow_groups_settle(spread), FLOW_OK);
		for (size_t position = 0; flow_groups_next(spread, &position, &group) == FLOW_OK;)
			CHECK_INT(flow_groups_merge(full, group.keys, group.totals), FLOW_OK);
		check_same_groups(table, full);
		flow_groups_free(table);
		flow_groups_free(full);
		flow_groups_free(spread);
	}
	CHECK_INT(unit_state.outstanding, 0);
}

/* If records come several times, a table is better. */
static void
it_begins_where_most_records_make_groups(void)
{
	static const Kind kind = {200, 65536, false, false, false};
	uint64_t seed = 9;

	for (int round = 0; round < 3; round++)
	{
		FlowGroups *groups = make_groups(round < 2 ? 2 : 0, SIZE_MAX);

		for (int i = 0; i < 80000; i++)
		{
			Record record;

			make_record(&record, &kind, &seed);
			for (int times = 0; times < (round == 1 ? 6 : 1); times++)
				add_record(groups, &record, NULL);
		}
		CHECK_INT(groups->packed->spreading, round == 0);

		/* others after them are expected to be as many, unless they were few */
		CHECK_INT(flow_groups_settle(groups), FLOW_OK);
		CHECK_INT(flow_groups_clear(groups), FLOW_OK);
		CHECK_INT(groups->packed->spreading, round == 0);
		for (int i = 0; i < 2000; i++)
		{
			Record record = {{"10.0.0.1", "443", "6"}};

			add_record(groups, &record, NULL);
		}
		CHECK_INT(flow_groups_settle(groups), FLOW_OK);
		CHECK_INT(flow_groups_count(groups), 1);
		CHECK_INT(flow_groups_clear(groups), FLOW_OK);
		CHECK(!groups->packed->spreading);
		flow_groups_free(groups);
	}
	CHECK_INT(unit_state.outstanding, 0);
}

#define NPARTITIONS (1 << FLOW_SPREAD_BITS)

/* Moves rows to memory, which is returned; sets counts[] by partition. */
static char *
move_rows(FlowGroups *groups, int nkeys, size_t *counts)
{
	size_t size = flow_groups_row_size(groups);
	size_t wanted = groups->packed->count, count = 0, position = 0;
	char *places[NPARTITIONS], *rows, *next;

	memset(counts, 0, NPARTITIONS * sizeof(size_t));
	while (flow_groups_count_rows(groups, nkeys, FLOW_SPREAD_BITS, counts, &position) == FLOW_OK)
		;
	for (int i = 0; i < NPARTITIONS; i++)
		count += counts[i];
	CHECK_INT(count, wanted);
	rows = next = malloc(count * size);
	for (int i = 0; i < NPARTITIONS; next += counts[i++] * size)
		places[i] = next;
	position = 0;
	while (flow_groups_move_rows(groups, nkeys, FLOW_SPREAD_BITS, places, &position) == FLOW_OK)
		;
	CHECK_INT(groups->packed->count, 0);
	next = rows;
	for (int i = 0; i < NPARTITIONS; i++)
		CHECK(places[i] == (next += counts[i] * size));
	return rows;
}

/* Adds rows to a table, each of which is in its partition, and the groups that were no rows. */
static void
add_rows(FlowGroups *table, const FlowGroups *groups, int nkeys, char *rows, const size_t *counts)
{
	FlowGroup group;
	size_t position = 0;

	for (unsigned i = 0; i < NPARTITIONS; i++)
	{
		size_t done = 0;

		for (size_t row = 0; row < counts[i]; row++)
		{
			flow_groups_show_row(groups, rows, row, &group);
			CHECK_INT(flow_groups_partition(groups, group.keys, nkeys, FLOW_SPREAD_BITS), i);
		}
		while (done < counts[i])
			CHECK_INT(flow_groups_add_rows(table, rows, counts[i], &done), FLOW_OK);
		rows += counts[i] * flow_groups_row_size(groups);
	}
	while (flow_groups_next(groups, &position, &group) == FLOW_OK)
		CHECK_INT(flow_groups_merge(table, group.keys, group.totals), FLOW_OK);
}

/* Rows of groups that were spread are moved in their order, others by their hashes. */
static void
it_moves_rows_to_their_partitions(void)
{
	static const Kind kind = {200, 200, false, false, false};
	uint64_t seed = 11;

	for (int round = 0; round < 4; round++)
	{
		int nkeys = 1 + round % 2;
		FlowGroups *table = make_groups(0, SIZE_MAX);
		FlowGroups *merged = make_groups(0, SIZE_MAX);
		FlowGroups *spread = make_groups(nkeys, SIZE_MAX);
		size_t counts[NPARTITIONS];
		char *rows;

		for (int i = 0; i < 20000; i++)
		{
			Record record;

			if (i == 3000 && round < 2)
				CHECK_INT(flow_spread_begin(spread), FLOW_OK);
			make_record(&record, &kind, &seed);
			add_record(table, &record, NULL);
			add_record(spread, &record, NULL);
		}
		CHECK_INT(flow_groups_settle(spread), FLOW_OK);
		CHECK((flow_spread_partitions(spread) != NULL) == (round < 2));
		rows = move_rows(spread, nkeys, counts);
		add_rows(merged, spread, nkeys, rows, counts);
		check_same_groups(table, merged);
		free(rows);
		flow_groups_free(table);
		flow_groups_free(merged);
		flow_groups_free(spread);
	}
	CHECK_INT(unit_state.outstanding, 0);
}

static void
it_is_interrupted_while_rows_are_merged(void)
{
	static const Kind kind = {200, 200, false, false, false};
	uint64_t seed = 13;
	int interrupted = 0, round = 0;

	do
	{
		FlowGroups *groups = make_groups(2, SIZE_MAX);
		FlowStatus status;

		for (int i = 0; i < 20000; i++)
		{
			Record record;

			if (i == 2000)
				CHECK_INT(flow_spread_begin(groups), FLOW_OK);
			make_record(&record, &kind, &seed);
			add_record(groups, &record, NULL);
		}
		unit_state.interrupt_after = round * 7;
		status = flow_groups_settle(groups);
		unit_state.interrupt_after = -1;
		CHECK(status == FLOW_OK || status == FLOW_INTERRUPTED);
		interrupted += status == FLOW_INTERRUPTED;
		flow_groups_free(groups);
		round++;
		if (status == FLOW_OK)
			break;
	} while (round < 1000);
	CHECK(interrupted > 2);
	CHECK_INT(unit_state.outstanding, 0);
}

/* Whichever allocation fails, nothing is lost, or all is given up. */
static void
it_bears_that_memory_is_short(void)
{
	static const Kind kind = {200, 200, false, false, false};

	for (int fail = 0; fail < 12; fail++)
	{
		FlowGroups *table = make_groups(0, SIZE_MAX);
		FlowGroups *groups = make_groups(2, SIZE_MAX);
		uint64_t seed = 15;
		FlowStatus status;

		for (int i = 0; i < 3000; i++)
		{
			Record record;

			make_record(&record, &kind, &seed);
			add_record(table, &record, NULL);
			add_record(groups, &record, NULL);
		}
		unit_state.fail_after = fail;
		status = flow_spread_begin(groups);
		unit_state.fail_after = -1;
		CHECK(status == FLOW_OK || status == FLOW_NO_MEMORY);
		CHECK_INT(groups->packed->spreading, status == FLOW_OK);
		unit_state.fail_after = fail;
		status = flow_groups_settle(groups);
		unit_state.fail_after = -1;
		CHECK(status == FLOW_OK || status == FLOW_NO_MEMORY);
		if (status == FLOW_OK)
			check_same_groups(table, groups);
		flow_groups_free(table);
		flow_groups_free(groups);
	}
	CHECK_INT(unit_state.outstanding, 0);
}

int
main(void)
{
	RUN(it_has_the_groups_of_a_table);
	RUN(it_makes_room_by_merging);
	RUN(it_says_when_groups_do_not_fit);
	RUN(it_begins_where_most_records_make_groups);
	RUN(it_moves_rows_to_their_partitions);
	RUN(it_is_interrupted_while_rows_are_merged);
	RUN(it_bears_that_memory_is_short);
	return unit_done();
}
