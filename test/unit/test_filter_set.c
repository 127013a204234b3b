/*-------------------------------------------------------------------------
 *
 * test_filter_set.c
 *	  Tests "column OP ANY (constants)" and "column OP ALL (constants)" of
 *	  flow/filter*.c on sets of many sizes by checking each constant.
 *
 *-------------------------------------------------------------------------
 */
#include "model_filter.h"

enum
{
	PORT,
	BYTES,
	INTERFACE,
	PADDED,
	ADDRESS,
	NETWORK,
	TIME,
	DAY,
	NCOLUMNS
};

static const FlowColumn columns[NCOLUMNS] = {
	[PORT] = {"port", NULL, FLOW_INT32, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
	[BYTES] = {"bytes", NULL, FLOW_INT64, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
	[INTERFACE] =
		{"interface", NULL, FLOW_TEXT, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
	[PADDED] = {"padded", NULL, FLOW_PADDED, 12, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
	[ADDRESS] =
		{"address", NULL, FLOW_ADDRESS, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
	[NETWORK] =
		{"network", NULL, FLOW_NETWORK, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
	[TIME] = {"time", NULL, FLOW_TIME, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
	[DAY] = {"day", NULL, FLOW_DAY, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0},
};

static const size_t set_sizes[] = {1, 2, 1000, 100000};

/*
 * Writes a random field of a column, one of about "spread", and returns its
 * length.
 */
typedef size_t (*MakeField)(uint64_t *seed, size_t spread, char *field);

static size_t
make_port(uint64_t *seed, size_t spread, char *field)
{
	return (size_t) sprintf(field, "%d", (int) (unit_random(seed) % (spread * 2) % 70000));
}

static size_t
make_count(uint64_t *seed, size_t spread, char *field)
{
	return (size_t) sprintf(field,
	                        "%" PRId64,
	                        ((int64_t) (unit_random(seed) % (spread * 2)) - (int64_t) spread) *
	                            1000003);
}

static size_t
make_interface(uint64_t *seed, size_t spread, char *field)
{
	size_t number = unit_random(seed) % (spread * 2);

	if (number % 3 == 0)
		return (size_t) sprintf(field, "%zx", number);
	return (size_t) sprintf(field, number % 3 == 1 ? "eni-%017zx" : "%zx  ", number);
}

static size_t
make_address(uint64_t *seed, size_t spread, char *field)
{
	unsigned n = (unsigned) (unit_random(seed) % (spread * 2));

	if (n % 4 == 0)
		return (size_t) sprintf(field, "2001:db8::%x:%x", n >> 16, n & 0xFFFF);
	return (size_t) sprintf(field, "10.%u.%u.%u", n >> 16 & 255, n >> 8 & 255, n & 255);
}

static size_t
make_time(uint64_t *seed, size_t spread, char *field)
{
	return (size_t) sprintf(field, "%d", (int) (unit_random(seed) % (spread * 2)) * 997);
}

/* Makes nested networks of all widths, in a few parts of the address space. */
static size_t
make_network(uint64_t *seed, size_t spread, char *field)
{
	uint64_t r = unit_random(seed);
	unsigned bits = spread < 10 ? r % 33 : 12 + r % 21;
	uint32_t ip = (uint32_t) (unit_random(seed) % (spread * 4)) * UINT32_C(0x00010301) +
	              (uint32_t) (r >> 40 & 3) * 64;

	if (unit_random(seed) % 16 == 0)
		bits = r % 33;
	ip = bits == 0 ? 0 : ip & (UINT32_MAX << (32 - bits));
	if (r >> 60 == 0)
	{
		bits += 40; /* at the middle of the address */
		return (size_t) sprintf(field,
		                        "2001:db8:%x:%x::/%u",
		                        ip >> 16,
		                        bits >= 64 ? ip & 0xFFFF : (ip & 0xFFFF) & (0xFFFFu << (64 - bits)),
		                        bits < 48 ? 64u : bits);
	}
	return (size_t)
		sprintf(field, "%u.%u.%u.%u/%u", ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255, bits);
}

/* Makes the same networks, and addresses within them. */
static size_t
make_address_or_network(uint64_t *seed, size_t spread, char *field)
{
	size_t len = make_network(seed, spread, field);

	if (unit_random(seed) % 2 == 0)
		len = (size_t) (strchr(field, '/') - field);
	return len;
}

/* A set that is searched for a column's values. */
typedef struct Set
{
	int column;
	FlowView view;
	FlowOp op;
	ModelKind kind; /* MODEL_ANY or MODEL_ALL */
	MakeField make_constant;
	MakeField make_field;
} Set;

/* Reads the text as a constant.  Returns false if it is invalid. */
static bool
read_constant(const Set *set, FlowSlice text, FlowValue *constant)
{
	if (flow_value_read(&columns[set->column], &unit_host, text, constant) != FLOW_OK)
		return false;
	if (set->view == FLOW_AS_DOUBLE)
		constant->real = (double) constant->integer + (constant->integer % 3 == 0 ? 0.5 : 0);
	if (set->view == FLOW_AS_UNIX_TIME)
		constant->integer *= 1000000;
	return true;
}

/*
 * Checks a set on random fields.  Adds to the numbers of them that are
 * seen[not in it] and seen[in it].
 */
static void
check_set(const Set *set, size_t size, size_t probes, int *seen)
{
	FlowValue *constants = calloc(size, sizeof(FlowValue));
	char *storage = malloc(size * 32);
	FlowSlice fields[NCOLUMNS] = {{NULL, 0}};
	ModelTree tree = {.kind = set->kind,
	                  .column = set->column,
	                  .view = set->view,
	                  .op = set->op,
	                  .constants = constants};
	ModelTree tree_with_null;
	ModelRecord record = {columns, fields, false};
	FlowFilter *filter = flow_filter_create(&unit_host, columns, NCOLUMNS, false);
	FlowFilter *filter_with_null = flow_filter_create(&unit_host, columns, NCOLUMNS, false);
	uint64_t seed = size + (uint64_t) set->column;

	while (tree.count < size)
	{
		FlowSlice text = {storage + tree.count * 32,
		                  set->make_constant(&seed, size, storage + tree.count * 32)};

		tree.count += read_constant(set, text, &constants[tree.count]);
	}
	tree_with_null = tree;
	tree_with_null.has_null = true;
	flow_filter_set_root(filter, model_build(filter, &tree));
	flow_filter_set_root(filter_with_null, model_build(filter_with_null, &tree_with_null));
	for (size_t i = 0; i < probes; i++)
	{
		char field[64] = "-";
		FlowBadField bad;
		FlowTruth want;

		if (i % 4 == 0 && set->make_field == set->make_constant)
		{
			const char *some = storage + unit_random(&seed) % size * 32;

			memcpy(field, some, 32);
		}
		else if (i > 0)
			set->make_field(&seed, size, field);
		fields[set->column] = (FlowSlice) {field, strlen(field)};
		want = model_leaf(&tree, &record);
		CHECK_INT(flow_filter_test(filter, fields, &bad), want);
		CHECK_INT(flow_filter_test(filter_with_null, fields, &bad),
		          model_leaf(&tree_with_null, &record));
		seen[want == FLOW_TRUE]++;
	}
	flow_filter_free(filter);
	flow_filter_free(filter_with_null);
	free(constants);
	free(storage);
}

static size_t
probes_for(size_t size)
{
	return size > 1000 ? 60 : 1000;
}

static void
large_sets_agree_with_a_linear_search(void)
{
	static const struct
	{
		int column;
		MakeField make;
	} kinds[] = {{PORT, make_port},
	             {BYTES, make_count},
	             {INTERFACE, make_interface},
	             {PADDED, make_interface},
	             {ADDRESS, make_address},
	             {NETWORK, make_network},
	             {TIME, make_time},
	             {DAY, make_time}};

	for (size_t i = 0; i < flow_countof(kinds); i++)
		for (FlowView view = FLOW_AS_IS; view <= FLOW_AS_UNIX_TIME; view++)
		{
			int seen[2] = {0, 0};

			if (view != FLOW_AS_IS && columns[kinds[i].column].type > FLOW_INT64)
				continue;
			for (ModelKind kind = MODEL_ANY; kind <= MODEL_ALL; kind++)
				for (FlowOp op = FLOW_EQ; op <= FLOW_GE; op++)
				{
					Set set = {kinds[i].column, view, op, kind, kinds[i].make, kinds[i].make};

					for (size_t s = 0; s < flow_countof(set_sizes); s++)
						if (set_sizes[s] <= 1000 || unit_takes(i + view + op + kind, 4))
							check_set(&set, set_sizes[s], probes_for(set_sizes[s]), seen);
				}
			CHECK(seen[false] > 4000 && seen[true] > 4000);
		}
}

static void
large_sets_of_networks_agree_with_a_linear_search(void)
{
	for (FlowOp op = FLOW_WITHIN; op <= FLOW_OVERLAPS; op++)
		for (ModelKind kind = MODEL_ANY; kind <= MODEL_ALL; kind++)
		{
			Set address = {ADDRESS, FLOW_AS_IS, op, kind, make_network, make_address_or_network};
			Set network = {NETWORK, FLOW_AS_IS, op, kind, make_network, make_network};
			int seen[2] = {0, 0};

			for (size_t s = 0; s < flow_countof(set_sizes); s++)
			{
				if (set_sizes[s] > 1000 && !unit_takes(op + kind, 2))
					continue;
				check_set(&address, set_sizes[s], probes_for(set_sizes[s]), seen);
				check_set(&network, set_sizes[s], probes_for(set_sizes[s]), seen);
			}
			CHECK(seen[false] > 100 && (seen[true] > 100 || kind == MODEL_ALL));
		}
}

static void
sets_of_few_networks_agree_in_every_combination(void)
{
	uint64_t seed = 11;
	int seen[MODEL_ALL + 1][2] = {{0}};

	/*
	 * many small sets over a small address space, so that all ways of nesting
	 * occur
	 */
	for (int round = 0; round < unit_tries(6000); round++)
	{
		ModelKind kind = round % 2 ? MODEL_ALL : MODEL_ANY;
		FlowValue constants[8];
		FlowSlice fields[NCOLUMNS] = {{NULL, 0}};
		ModelRecord record = {columns, fields, false};

		memset(constants, 0, sizeof(constants));
		for (int i = 0; i < 8; i++)
		{
			/*
			 * networks of two families, or that are not nested, have no common
			 * value for ALL
			 */
			constants[i].address.family = unit_random(&seed) % (round % 4 == 3 ? 64 : 8) ? 4 : 6;
			constants[i].address.bits = (round % 8 == 3 ? 0 : 2) + unit_random(&seed) % 5;
			/* host bits, too */
			constants[i].address.bytes[0] =
				(uint8_t) (unit_random(&seed) & (round % 4 == 3 ? 0x06 : 0x3E));
		}
		for (FlowOp op = FLOW_WITHIN; op <= FLOW_OVERLAPS; op++)
		{
			ModelTree tree = {.kind = kind,
			                  .column = ADDRESS,
			                  .op = op,
			                  .constants = constants,
			                  .count = 1 + round / 2 % 8};
			FlowFilter *filter = flow_filter_create(&unit_host, columns, NCOLUMNS, false);

			flow_filter_set_root(filter, model_build(filter, &tree));
			for (int i = 0; i < 20; i++)
			{
				char field[32];
				FlowBadField bad;
				int bits = (int) (unit_random(&seed) % 9);

				fields[ADDRESS] = (FlowSlice) {field,
				                               (size_t) sprintf(field,
				                                                "%d.0.0.0/%d",
				                                                (int) (unit_random(&seed) & 0x3F),
				                                                bits)};
				CHECK_INT(flow_filter_test(filter, fields, &bad), model_leaf(&tree, &record));
				seen[kind][model_leaf(&tree, &record) == FLOW_TRUE]++;
			}
			flow_filter_free(filter);
		}
	}
	for (ModelKind kind = MODEL_ANY; kind <= MODEL_ALL; kind++)
		CHECK(seen[kind][false] > unit_tries(15000) && seen[kind][true] > unit_tries(15000));
}

static void
large_sets_notice_missing_memory(void)
{
	size_t count = 5000;
	FlowValue *constants = calloc(count, sizeof(FlowValue));
	static const struct
	{
		int column;
		FlowOp op;
	} sets[] = {{PORT, FLOW_EQ},
	            {BYTES, FLOW_EQ},
	            {INTERFACE, FLOW_EQ},
	            {ADDRESS, FLOW_EQ},
	            {ADDRESS, FLOW_WITHIN},
	            {ADDRESS, FLOW_CONTAINS}};

	for (size_t s = 0; s < flow_countof(sets); s++)
	{
		int failures = 0;
		FlowPredicate *p = NULL;

		for (int64_t n = 1; p == NULL; n++)
		{
			FlowFilter *filter;

			memset(constants, 0, count * sizeof(FlowValue));
			for (size_t i = 0; i < count; i++)
				if (sets[s].column == INTERFACE)
					constants[i].text = (FlowSlice) {(const char *) constants, i % 50};
				else if (sets[s].column == ADDRESS)
					constants[i].address = (FlowAddress) {4, 32, {(uint8_t) i, (uint8_t) (i >> 8)}};
				else
					constants[i].integer = (int64_t) i * (sets[s].column == PORT ? 1 : 1000000);
			unit_state.fail_after = n;
			filter = flow_filter_create(&unit_host, columns, NCOLUMNS, false);
			p = flow_filter_any(
				filter, sets[s].column, FLOW_AS_IS, sets[s].op, constants, count, false);
			unit_state.fail_after = -1;
			failures += p == NULL;
			flow_filter_free(filter);
			CHECK_INT(unit_state.outstanding, 0);
		}
		CHECK(failures >= (sets[s].column == PORT ? 1 : 2));
	}
	free(constants);
}

int
main(void)
{
	RUN(large_sets_agree_with_a_linear_search);
	RUN(large_sets_of_networks_agree_with_a_linear_search);
	RUN(sets_of_few_networks_agree_in_every_combination);
	RUN(large_sets_notice_missing_memory);
	return unit_done();
}
