/*-------------------------------------------------------------------------
 *
 * model_group.h
 *	  Aggregates of groups computed in the obvious way, and batches for them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MODEL_GROUP_H
#define MODEL_GROUP_H

#include "unit.h"

#define MODEL_COLUMNS 16
#define MODEL_KEYS 4
#define MODEL_AGGREGATES 8

/* ---------- the model: a list of groups, fields read one by one ---------- */

typedef struct ModelTotal
{
	uint64_t count;
	unsigned __int128 sum; /* two's complement; of squares, modulo 2^128 */
	FlowValue extreme;
} ModelTotal;

typedef struct ModelGroup
{
	char *bytes[MODEL_KEYS];
	FlowSlice keys[MODEL_KEYS];
	ModelTotal totals[MODEL_AGGREGATES];
} ModelGroup;

typedef struct ModelGroups
{
	const FlowGroupSpec *spec;
	ModelGroup *items;
	size_t count;
} ModelGroups;

static inline bool
model_same_bytes(FlowSlice a, FlowSlice b)
{
	if (a.data == NULL || b.data == NULL)
		return a.data == b.data;
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline ModelGroup *
model_find(ModelGroups *groups, const FlowSlice *keys)
{
	int nkeys = groups->spec->nkeys;
	ModelGroup *group;

	for (size_t i = 0; i < groups->count; i++)
	{
		int k = 0;

		while (k < nkeys && model_same_bytes(groups->items[i].keys[k], keys[k]))
			k++;
		if (k == nkeys)
			return &groups->items[i];
	}
	/* the array is full if the count is 0 or a power of two */
	if ((groups->count & (groups->count - 1)) == 0)
		groups->items = realloc(groups->items, (groups->count * 2 + 1) * sizeof(ModelGroup));
	group = &groups->items[groups->count++];
	memset(group, 0, sizeof(*group));
	for (int k = 0; k < nkeys; k++)
	{
		if (keys[k].data == NULL)
			continue;
		group->bytes[k] = malloc(keys[k].len + 1);
		if (keys[k].len > 0)
			memcpy(group->bytes[k], keys[k].data, keys[k].len);
		group->keys[k] = (FlowSlice) {group->bytes[k], keys[k].len};
	}
	return group;
}

static inline void
model_free(ModelGroups *groups)
{
	for (size_t i = 0; i < groups->count; i++)
	{
		for (int k = 0; k < MODEL_KEYS; k++)
			free(groups->items[i].bytes[k]);
	}
	free(groups->items);
	groups->items = NULL;
	groups->count = 0;
}

/* Returns bit i of an address, or -1 beyond its prefix. */
static inline int
model_bit(const FlowAddress *address, int i)
{
	return i < address->bits ? address->bytes[i / 8] >> (7 - i % 8) & 1 : -1;
}

/*
 * Compares two values.  Addresses are ordered as by inet: family, the bits
 * that both prefixes have, the length of the prefix, all bits.
 */
static inline int
model_compare(FlowType type, const FlowValue *a, const FlowValue *b)
{
	const FlowAddress *x = &a->address, *y = &b->address;

	if (type != FLOW_ADDRESS && type != FLOW_NETWORK)
		return (a->integer > b->integer) - (a->integer < b->integer);
	if (x->family != y->family)
		return x->family < y->family ? -1 : 1;
	for (int i = 0; i < x->bits && i < y->bits; i++)
	{
		if (model_bit(x, i) != model_bit(y, i))
			return model_bit(x, i) - model_bit(y, i);
	}
	if (x->bits != y->bits)
		return (int) x->bits - (int) y->bits;
	for (int i = 0; i < 16; i++)
	{
		if (x->bytes[i] != y->bytes[i])
			return (int) x->bytes[i] - (int) y->bytes[i];
	}
	return 0;
}

static inline void
model_extreme(const FlowGroupSpec *spec, int aggregate, ModelTotal *total, const FlowValue *value)
{
	const FlowAggregate *a = &spec->aggregates[aggregate];
	int order;

	if (a->kind != FLOW_MIN && a->kind != FLOW_MAX)
		return;
	order = total->count == 0
	            ? 0
	            : model_compare(spec->columns[a->column].type, value, &total->extreme);
	if (total->count == 0 || (a->kind == FLOW_MIN ? order < 0 : order > 0))
		total->extreme = *value;
}

/* Returns the status of a column's field if it is bad, otherwise FLOW_OK. */
static inline FlowStatus
model_bad(const FlowGroupSpec *spec, const FlowSlice *fields, int column)
{
	FlowValue value;
	FlowStatus status = flow_value_read(&spec->columns[column], &unit_host, fields[column], &value);

	return status == FLOW_END ? FLOW_OK : status;
}

/*
 * Adds a record.  Returns false, and changes nothing, if a field is bad and
 * must not be taken as NULL.
 */
static inline bool
model_add(ModelGroups *groups, const FlowSlice *fields, bool bad_is_null)
{
	const FlowGroupSpec *spec = groups->spec;
	FlowSlice keys[MODEL_KEYS];
	ModelGroup *group;

	for (int k = 0; k < spec->nkeys; k++)
	{
		keys[k] = fields[spec->keys[k].column];
		if (model_bad(spec, fields, spec->keys[k].column) == FLOW_OK)
			continue;
		if (!bad_is_null)
			return false;
		keys[k] = (FlowSlice) {NULL, 0};
	}
	for (int a = 0; a < spec->naggregates && !bad_is_null; a++)
	{
		if (spec->aggregates[a].kind != FLOW_COUNT_ALL &&
		    model_bad(spec, fields, spec->aggregates[a].column) != FLOW_OK)
			return false;
	}

	group = model_find(groups, keys);
	for (int a = 0; a < spec->naggregates; a++)
	{
		int column = spec->aggregates[a].column;
		ModelTotal *total = &group->totals[a];
		FlowValue value;

		if (spec->aggregates[a].kind == FLOW_COUNT_ALL)
			total->count++;
		else if (flow_value_read(&spec->columns[column], &unit_host, fields[column], &value) ==
		         FLOW_OK)
		{
			if (spec->aggregates[a].kind == FLOW_SUM)
				total->sum += (unsigned __int128) value.integer;
			if (spec->aggregates[a].kind == FLOW_SQUARES)
				total->sum += (unsigned __int128) value.integer * (unsigned __int128) value.integer;
			model_extreme(spec, a, total, &value);
			total->count++;
		}
	}
	return true;
}

/* Takes over all groups, combining those with equal keys. */
static inline void
model_absorb(ModelGroups *into, const FlowGroups *groups)
{
	const FlowGroupSpec *spec = into->spec;
	FlowGroup from;

	for (size_t position = 0; flow_groups_next(groups, &position, &from) == FLOW_OK;)
	{
		ModelGroup *group = model_find(into, from.keys);

		for (int a = 0; a < spec->naggregates; a++)
		{
			const FlowTotal *total = &from.totals[a];

			if (spec->aggregates[a].kind == FLOW_SUM)
				group->totals[a].sum +=
					(unsigned __int128) (uint64_t) total->as.sum.high << 64 | total->as.sum.low;
			else if (spec->aggregates[a].kind == FLOW_SQUARES)
				group->totals[a].sum +=
					(unsigned __int128) total->as.squares.middle << 64 | total->as.squares.low;
			else if (total->count > 0)
				model_extreme(spec, a, &group->totals[a], &total->as.extreme);
			group->totals[a].count += total->count;
		}
	}
}

static inline bool
model_equal_totals(const FlowGroupSpec *spec, const ModelGroup *x, const ModelGroup *y)
{
	for (int a = 0; a < spec->naggregates; a++)
	{
		const FlowAggregate *aggregate = &spec->aggregates[a];
		const ModelTotal *t = &x->totals[a], *u = &y->totals[a];

		if (t->count != u->count)
			return false;
		if (t->sum != u->sum)
			return false;
		if (aggregate->kind >= FLOW_MIN && t->count > 0 &&
		    model_compare(spec->columns[aggregate->column].type, &t->extreme, &u->extreme) != 0)
			return false;
	}
	return true;
}

static inline bool
model_equal(ModelGroups *a, ModelGroups *b)
{
	size_t count = a->count;

	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < count; i++)
	{
		const ModelGroup *group = model_find(b, a->items[i].keys);

		if (b->count != count || !model_equal_totals(a->spec, &a->items[i], group))
			return false;
	}
	return true;
}

/* ---------- batches ---------- */

/* Records whose fields are copied into one buffer, as in a reader. */
typedef struct ModelBatch
{
	FlowBatch batch;
	char *buffer;
	uint32_t *ends; /* next[] and the entry before it */
	uint32_t *rows;
	int place[MODEL_COLUMNS];
} ModelBatch;

/*
 * Makes a batch from fields[record * ncolumns + column].  Columns without a
 * field in the first record have none in all records.  The buffer ends where
 * the guaranteed slack ends.  There are other records in between, as if they
 * had not passed a filter.  "seed" chooses those, and the order of the fields.
 */
static inline void
model_batch(ModelBatch *made, const FlowSlice *fields, size_t count, int ncolumns, uint64_t *seed)
{
	size_t bytes = 16 + 64;
	uint32_t end = 0, nends = 0;
	int width = 0;

	memset(made, 0, sizeof(*made));
	for (int c = 0; c < ncolumns; c++)
		made->place[c] = count > 0 && fields[c].data == NULL ? -1 : width++;
	for (int c = 0; c < ncolumns; c++)
	{
		int other = (int) (unit_random(seed) % (uint64_t) ncolumns);
		int place = made->place[c];

		made->place[c] = made->place[other];
		made->place[other] = place;
	}
	for (int c = 0; c < ncolumns; c++)
	{
		if (count > 0 && (fields[c].data == NULL) != (made->place[c] < 0))
		{
			/*
			 * the shuffle mixed up which columns have a place: use the plain
			 * order
			 */
			width = 0;
			for (int d = 0; d < ncolumns; d++)
				made->place[d] = fields[d].data == NULL ? -1 : width++;
			break;
		}
	}
	for (size_t i = 0; i < count * (size_t) ncolumns; i++)
		bytes += fields[i].len + 2;
	made->buffer = malloc(bytes + count);
	memset(made->buffer, '9', bytes + count);
	made->ends = calloc(count * (size_t) (ncolumns + 1) + 1, sizeof(uint32_t));
	made->rows = calloc(count + 1, sizeof(uint32_t));

	for (size_t r = 0; r < count; r++)
	{
		if (unit_random(seed) % 4 == 0)
			made->ends[++nends] = ++end; /* an empty line */
		made->rows[r] = nends;
		for (int p = 0; p < width; p++)
		{
			int c = 0;

			while (made->place[c] != p)
				c++;
			if (fields[r * (size_t) ncolumns + (size_t) c].len > 0)
				memcpy(made->buffer + 16 + end,
				       fields[r * (size_t) ncolumns + (size_t) c].data,
				       fields[r * (size_t) ncolumns + (size_t) c].len);
			end += (uint32_t) fields[r * (size_t) ncolumns + (size_t) c].len + 1;
			made->ends[++nends] = end;
		}
	}

	/*
	 * leave exactly the guaranteed number of bytes after the last field, whose
	 * end is one byte itself
	 */
	if (end > 0)
		made->buffer = realloc(made->buffer, 16 + end - 1 + 64);
	made->batch = (FlowBatch) {.count = count,
	                           .place = made->place,
	                           .data = made->buffer + 16,
	                           .next = made->ends + 1,
	                           .rows = made->rows};
}

static inline void
model_batch_free(ModelBatch *made)
{
	free(made->buffer);
	free(made->ends);
	free(made->rows);
}

#endif /* MODEL_GROUP_H */
