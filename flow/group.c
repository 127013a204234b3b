/*-------------------------------------------------------------------------
 *
 * group.c
 *	  Partial aggregates by group, bounded: the plain version.
 *
 *-------------------------------------------------------------------------
 */
#include "internal.h"
#include <string.h>

typedef struct Entry
{
	struct Entry *next;
	FlowSlice *keys;
	FlowTotal *totals;
} Entry;

struct FlowGroups
{
	FlowGroupSpec spec;
	Entry *buckets[1024];
	Entry **order;
	size_t count, capacity, used;
	FlowValue *values;
	bool *isnull;
	FlowSlice *kfields;
};

FlowStatus
flow_groups_create(const FlowGroupSpec *spec, FlowGroups **groups, FlowError *error)
{
	FlowGroups *g = flow_allocate(spec->host, sizeof(*g));

	memset(g, 0, sizeof(*g));
	g->spec = *spec;
	g->values = flow_allocate(spec->host, sizeof(FlowValue) * (size_t) (spec->naggregates + 1));
	g->isnull = flow_allocate(spec->host, sizeof(bool) * (size_t) (spec->naggregates + 1));
	g->kfields = flow_allocate(spec->host, sizeof(FlowSlice) * (size_t) (spec->nkeys + 1));
	*groups = g;
	return FLOW_OK;
}

static int
cmp_address(const FlowAddress *a, const FlowAddress *b)
{
	int bits = a->bits < b->bits ? a->bits : b->bits;
	int r;

	if (a->family != b->family)
		return a->family - b->family;
	r = memcmp(a->bytes, b->bytes, (size_t) bits / 8);
	if (r)
		return r;
	if (bits % 8)
	{
		int m = 0xff << (8 - bits % 8) & 0xff;

		r = (a->bytes[bits / 8] & m) - (b->bytes[bits / 8] & m);
		if (r)
			return r;
	}
	if (a->bits != b->bits)
		return a->bits - b->bits;
	return memcmp(a->bytes, b->bytes, 16);
}

static FlowStatus
add_one(FlowGroups *g, const FlowBatch *batch, size_t r, bool bad_is_null, FlowBadField *bad)
{
	const FlowGroupSpec *spec = &g->spec;
	uint64_t hash = 14695981039346656037ull;
	size_t need = sizeof(Entry) + 16;
	Entry *e;
	char *p;

	for (int i = 0; i < spec->nkeys; i++)
	{
		FlowValue v;
		FlowSlice f = flow_batch_field(batch, r, spec->keys[i]);
		FlowStatus s = flow_value_read(&spec->columns[spec->keys[i]], spec->host, f, &v);

		if (s != FLOW_OK)
		{
			if (s != FLOW_END && !bad_is_null)
			{
				*bad = (FlowBadField) {spec->keys[i], s};
				return s;
			}
			f = (FlowSlice) {NULL, 0};
		}
		g->kfields[i] = f;
		hash = (hash ^ (f.data == NULL)) * 1099511628211ull;
		for (size_t j = 0; j < f.len; j++)
			hash = (hash ^ (uint8_t) f.data[j]) * 1099511628211ull;
		need += sizeof(FlowSlice) + f.len;
	}
	for (int i = 0; i < spec->naggregates; i++)
	{
		const FlowAggregate *a = &spec->aggregates[i];
		FlowStatus s;

		need += sizeof(FlowTotal);
		g->isnull[i] = false;
		if (a->kind == FLOW_COUNT_ALL)
			continue;
		s = flow_value_read(&spec->columns[a->column], spec->host, flow_batch_field(batch, r, a->column), &g->values[i]);
		if (s != FLOW_OK)
		{
			if (s != FLOW_END && !bad_is_null)
			{
				*bad = (FlowBadField) {a->column, s};
				return s;
			}
			g->isnull[i] = true;
		}
	}
	hash ^= hash >> 32;
	for (e = g->buckets[hash % 1024]; e != NULL; e = e->next)
	{
		int i;

		for (i = 0; i < spec->nkeys; i++)
			if ((e->keys[i].data == NULL) != (g->kfields[i].data == NULL) || e->keys[i].len != g->kfields[i].len ||
			    (e->keys[i].len && memcmp(e->keys[i].data, g->kfields[i].data, e->keys[i].len)))
				break;
		if (i == spec->nkeys)
			break;
	}
	if (e == NULL)
	{
		if (g->count > 0 && g->used + need > spec->memory)
			return FLOW_LIMIT;
		if (g->count == g->capacity)
		{
			Entry **order = flow_allocate(spec->host, sizeof(Entry *) * (g->capacity * 2 + 16));

			if (g->count)
				memcpy(order, g->order, sizeof(Entry *) * g->count);
			flow_free(spec->host, g->order);
			g->order = order;
			g->capacity = g->capacity * 2 + 16;
		}
		g->used += need;
		e = flow_allocate(spec->host, need);
		e->totals = (FlowTotal *) (((uintptr_t) (e + 1) + 8) & ~(uintptr_t) 7);
		memset(e->totals, 0, sizeof(FlowTotal) * (size_t) spec->naggregates);
		e->keys = (FlowSlice *) (e->totals + spec->naggregates);
		p = (char *) (e->keys + spec->nkeys);
		for (int i = 0; i < spec->nkeys; i++)
		{
			e->keys[i] = g->kfields[i];
			if (e->keys[i].data != NULL)
			{
				memcpy(p, e->keys[i].data, e->keys[i].len);
				e->keys[i].data = p;
				p += e->keys[i].len;
			}
		}
		e->next = g->buckets[hash % 1024];
		g->buckets[hash % 1024] = e;
		g->order[g->count++] = e;
	}
	for (int i = 0; i < spec->naggregates; i++)
	{
		FlowAggregateKind kind = spec->aggregates[i].kind;
		FlowTotal *t = &e->totals[i];

		if (g->isnull[i])
			continue;
		t->count++;
		if (kind == FLOW_SUM)
		{
			int64_t v = g->values[i].integer;
			uint64_t low = t->as.sum.low + (uint64_t) v;

			t->as.sum.high += (v < 0 ? -1 : 0) + (low < (uint64_t) v);
			t->as.sum.low = low;
		}
		else if (kind == FLOW_MIN || kind == FLOW_MAX)
		{
			FlowType type = spec->columns[spec->aggregates[i].column].type;
			int c = type == FLOW_ADDRESS ? cmp_address(&g->values[i].address, &t->as.extreme.address)
			                             : (g->values[i].integer > t->as.extreme.integer) - (g->values[i].integer < t->as.extreme.integer);

			if (t->count == 1 || (kind == FLOW_MIN ? c < 0 : c > 0))
				t->as.extreme = g->values[i];
		}
	}
	return FLOW_OK;
}

FlowStatus
flow_groups_add(FlowGroups *g, const FlowBatch *batch, size_t *done, bool bad_is_null, FlowBadField *bad)
{
	for (; *done < batch->count; (*done)++)
	{
		FlowStatus s = add_one(g, batch, *done, bad_is_null, bad);

		if (s != FLOW_OK)
			return s;
		if (bad_is_null)
		{
			(*done)++;
			return FLOW_OK;
		}
	}
	return FLOW_OK;
}

FlowStatus
flow_groups_next(const FlowGroups *g, size_t *position, FlowGroup *group)
{
	if (*position >= g->count)
		return FLOW_END;
	group->keys = g->order[*position]->keys;
	group->totals = g->order[*position]->totals;
	(*position)++;
	return FLOW_OK;
}

size_t
flow_groups_count(const FlowGroups *g)
{
	return g->count;
}

void
flow_groups_clear(FlowGroups *g)
{
	for (size_t i = 0; i < g->count; i++)
		flow_free(g->spec.host, g->order[i]);
	g->count = g->used = 0;
	memset(g->buckets, 0, sizeof(g->buckets));
}
void
flow_groups_free(FlowGroups *g)
{
}
