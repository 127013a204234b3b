/*-------------------------------------------------------------------------
 *
 * fuzz_group.c
 *	  Fuzzes flow/group*.c: computes random aggregates of groups over random
 *	  batches, and compares them with the naive model.
 *
 *-------------------------------------------------------------------------
 */
#include "../unit/model_group.h"

#include "../../flow/group.h"

#define COLUMNS 5
#define MAX_FIELDS (300 * COLUMNS)

/* The rest of the input.  After its end, zeros are taken. */
typedef struct Input
{
	const uint8_t *data;
	size_t len;
} Input;

static unsigned
take(Input *input, unsigned below)
{
	if (input->len == 0)
		return 0;
	input->len--;
	return *input->data++ % below;
}

/*
 * Takes a few bytes of the input, in place, or a text that is likely to be a
 * value.  In rare cases there is no field.
 */
static FlowSlice
take_text(Input *input)
{
	static const char *const likely[] = {"-",
	                                     "0",
	                                     "6",
	                                     "443",
	                                     "65535",
	                                     "2147483648",
	                                     "1700000000",
	                                     "ACCEPT",
	                                     "REJECT",
	                                     "eni-0123456789abcdef0",
	                                     "ACCEPT  ",
	                                     "10.0.0.1",
	                                     "10.0.0.0/8",
	                                     "::1",
	                                     "2001:db8::/32",
	                                     "9223372036854775807",
	                                     "-9223372036854775808",
	                                     "\xC3\xA9"};
	unsigned choice = take(input, 64);
	FlowSlice text = {(const char *) input->data, choice % 32};

	if (choice == 63)
		return (FlowSlice) {NULL, 0};
	if (choice < flow_countof(likely))
		return (FlowSlice) {likely[choice], strlen(likely[choice])};
	text.len = text.len < input->len ? text.len : input->len;
	input->data += text.len;
	input->len -= text.len;
	return text.data == NULL ? (FlowSlice) {"", 0} : text;
}

static void
take_columns(Input *input, FlowColumn *columns)
{
	for (int i = 0; i < COLUMNS; i++)
	{
		FlowSlice null_text = take_text(input);

		columns[i] = (FlowColumn) {.name = "c",
		                           .type = take(input, FLOW_OPAQUE + 1),
		                           .max_chars = take(input, 2) ? 4 : -1,
		                           .precision = -1,
		                           .scale = -1,
		                           .null_text = null_text.data,
		                           .null_len = null_text.len,
		                           .not_null = take(input, 4) == 0};
	}
}

static void
take_aggregates(Input *input, const FlowColumn *columns, FlowAggregate *aggregates, int count)
{
	for (int i = 0; i < count; i++)
	{
		FlowAggregate *aggregate = &aggregates[i];
		FlowType type;

		*aggregate =
			(FlowAggregate) {take(input, FLOW_MAX + 1), (int) take(input, COLUMNS), NULL, NULL};
		type = columns[aggregate->column].type;
		if (type > FLOW_INT64 && (aggregate->kind == FLOW_SUM || aggregate->kind == FLOW_SQUARES ||
		                          type < FLOW_ADDRESS || type > FLOW_DAY))
			aggregate->kind = FLOW_COUNT;
	}
}

static void
require(bool condition)
{
	if (!condition)
		abort();
}

/*
 * Adds all records to the groups and to the model.  Records with bad fields
 * are left out, or these fields are taken as NULL.
 */
static void
add(FlowGroups *groups, ModelGroups *model, ModelGroups *collected, const FlowBatch *batch,
    const FlowSlice *fields, bool keep_bad)
{
	size_t done = 0;
	bool bad_is_null = false;

	while (done < batch->count)
	{
		size_t before = done;
		FlowBadField bad;
		FlowStatus status = flow_groups_add(groups, batch, &done, bad_is_null, &bad);

		for (; before < done; before++)
			require(model_add(model, fields + before * COLUMNS, bad_is_null));
		if (status == FLOW_LIMIT)
		{
			require(flow_groups_settle(groups) == FLOW_OK);
			require(flow_groups_count(groups) > 0);
			model_absorb(collected, groups);
			flow_groups_clear(groups);
		}
		else if (status == FLOW_OK)
		{
			require(bad_is_null || done == batch->count);
			bad_is_null = false;
		}
		else
		{
			require(!bad_is_null &&
			        model_bad(model->spec, fields + done * COLUMNS, bad.column) == status);
			bad_is_null = keep_bad;
			done += !keep_bad;
		}
	}
}

/*
 * Takes the fields of a batch.  A column has a field in all of its records, or
 * in none.
 */
static size_t
take_fields(Input *input, FlowSlice *fields)
{
	size_t count = 0;

	do
	{
		for (int c = 0; c < COLUMNS; c++)
		{
			FlowSlice *field = &fields[count * COLUMNS + (size_t) c];

			*field = take_text(input);
			if (count > 0 && fields[c].data == NULL)
				*field = (FlowSlice) {NULL, 0};
			else if (count > 0 && field->data == NULL)
				*field = (FlowSlice) {"", 0};
		}
		count++;
	} while (input->len > 0 && (count + 1) * COLUMNS <= MAX_FIELDS);
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static FlowSlice fields[MAX_FIELDS];
	Input input = {data, len};
	FlowColumn columns[COLUMNS];
	FlowAggregate aggregates[3];
	FlowGroupBy keys[MODEL_KEYS];
	FlowGroupSpec spec = {.host = &unit_host,
	                      .columns = columns,
	                      .ncolumns = COLUMNS,
	                      .keys = keys,
	                      .aggregates = aggregates};
	ModelGroups model = {.spec = &spec}, collected = {.spec = &spec};
	FlowGroups *groups;
	FlowError error;
	bool split = take(&input, 4) > 0, keep_bad = take(&input, 2);
	size_t count;
	uint64_t seed = 1 + take(&input, 256);

	spec.memory = take(&input, 2) ? 0 : 100000;
	spec.nkeys = (int) take(&input, MODEL_KEYS + 1);
	spec.partition_keys = (int) take(&input, (unsigned) spec.nkeys + 1);
	spec.naggregates = (int) take(&input, flow_countof(aggregates) + 1);
	for (int k = 0; k < MODEL_KEYS; k++)
		keys[k] = (FlowGroupBy) {(int) take(&input, COLUMNS), NULL};
	take_columns(&input, columns);
	take_aggregates(&input, columns, aggregates, spec.naggregates);

	require(flow_groups_create(&spec, &groups, &error) == FLOW_OK);
	/* as if there had been many groups */
	if (spec.partition_keys > 0 && groups->packed != NULL)
		require(flow_spread_begin(groups) == FLOW_OK);
	count = take_fields(&input, fields);
	if (split)
	{
		ModelBatch made;

		model_batch(&made, fields, count, COLUMNS, &seed);
		add(groups, &model, &collected, &made.batch, fields, keep_bad);
		model_batch_free(&made);
	}
	for (size_t i = 0; i < count && !split; i++)
	{
		FlowBatch batch = {.count = 1, .fields = fields + i * COLUMNS};

		add(groups, &model, &collected, &batch, batch.fields, keep_bad);
	}
	require(flow_groups_settle(groups) == FLOW_OK);
	model_absorb(&collected, groups);
	require(model_equal(&model, &collected));
	flow_groups_free(groups);
	model_free(&model);
	model_free(&collected);
	require(unit_state.outstanding == 0);
	return 0;
}
