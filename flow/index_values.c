/*-------------------------------------------------------------------------
 *
 * index_values.c
 *	  Collects the distinct fields of a file, and adds their values to a batch.
 *
 * A field is converted when it comes for the first time.  Columns whose fields
 * mean the same share tables (index_fields.h): in a flow log the same hosts
 * are sources and destinations, so there is one entry for both, with a mask of
 * columns.
 *
 *-------------------------------------------------------------------------
 */
#include "index_fields.h"
#include "index_values.h"

/*
 * Records of a run: fewer than of others, so that all that is known of them is
 * near.
 */
#define RUN 64

/*
 * Without dotted quads among so many other fields, these are not looked for.
 */
#define MANY_OTHERS 64

/* A column of the index. */
typedef struct Column
{
	int column;
	uint32_t mask;
	FlowIndexFields *fields;
	/* of its dictionary's codes, those that were added */
	uint8_t *seen;
	size_t seen_size;
	uint64_t serial; /* of the dictionary; 0: none were */
} Column;

struct FlowIndexValues
{
	FlowIndexRoom room;
	FlowIndexFields *fields; /* of columns that mean the same */
	int nfields;
	Column *indexed;
	int nindexed;
	FlowReadWords read_words;
	size_t run;     /* records of the next run, at most: see flow_index_values_add */
	uint32_t nulls; /* the columns that had no field, or a bad one that is NULL */
};

/* ---------- fields ---------- */

/* Adds a field by its bytes. */
static FlowStatus
add_by_bytes(FlowIndexFields *fields, uint32_t mask, FlowSlice field)
{
	FlowFieldBytes bytes = flow_field_copy(field);
	uint32_t hash = flow_index_hash_other(fields->room, &bytes, field);

	if (flow_index_mark_other(fields, mask, &bytes, field, hash))
		return FLOW_OK;
	return flow_index_fields_insert_other(fields, mask, field, hash);
}

/* Adds a field whose word is not there. */
static FlowStatus
add_new(FlowIndexFields *fields, uint32_t mask, FlowSlice field, uint64_t word)
{
	FlowStatus status = flow_index_fields_insert_quad(fields, mask, word);

	return status == FLOW_END ? add_by_bytes(fields, mask, field) : status;
}

/* Adds any field, or none. */
static FlowStatus
add_field(FlowIndexValues *values, const Column *column, FlowSlice field)
{
	FlowIndexFields *fields = column->fields;
	FlowFieldKey key;
	uint64_t word;

	if (field.data == NULL)
	{
		if (fields->column->not_null)
			return FLOW_MISSING;
		values->nulls |= column->mask;
		return FLOW_OK;
	}
	key = flow_key_make(values->room.seed, field);
	word = fields->has_quads ? flow_word_of_field(&key) : 0;
	if (!flow_index_may_be_quad(word))
		return add_by_bytes(fields, column->mask, field);
	if (flow_index_mark_quad(fields,
	                         column->mask,
	                         word,
	                         flow_index_quad_slot(&values->room, word, fields->quad_bits)))
		return FLOW_OK;
	return add_new(fields, column->mask, field, word);
}

/*
 * Adds the fields of single records, and of columns that a file does not have;
 * a bad field may be NULL.
 */
static void
add_singly(FlowIndexValues *values, FlowRun *run, const Column *column)
{
	for (size_t i = 0; i < run->count; i++)
	{
		FlowStatus status =
			add_field(values, column, flow_batch_field(run->batch, run->first + i, column->column));

		if (run->bad_is_null && status != FLOW_OK && status != FLOW_LIMIT &&
		    status != FLOW_NO_MEMORY)
		{
			values->nulls |= column->mask;
			status = FLOW_OK;
		}
		if (status != FLOW_OK)
			flow_run_cut(run, i, status, column->column);
	}
}

/* Adds the entries of a dictionary that are in a run, each once. */
static void
add_codes(FlowIndexValues *values, FlowRun *run, Column *column, const FlowCodes *codes)
{
	const uint32_t *rows = run->batch->rows + run->first;

	if (column->seen_size < codes->count)
	{
		flow_free(values->room.host, column->seen);
		column->seen_size = 0;
		column->serial = 0;
		column->seen = flow_allocate(values->room.host, codes->count);
		if (column->seen == NULL)
		{
			flow_run_cut(run, 0, FLOW_NO_MEMORY, -1);
			return;
		}
		column->seen_size = codes->count;
	}
	if (column->serial != codes->serial)
		memset(column->seen, 0, codes->count);
	column->serial = codes->serial;
	for (size_t i = 0; i < run->count; i++)
	{
		uint32_t code = codes->codes[rows[i]];
		FlowStatus status;

		if (column->seen[code])
			continue;
		status = add_field(values, column, codes->entries[code]);
		column->seen[code] = status == FLOW_OK;
		if (status != FLOW_OK)
			flow_run_cut(run, i, status, column->column);
	}
}

/* The fields of a run: those that may be dotted quads, and others. */
typedef struct Found
{
	uint64_t words[RUN];              /* of all of them, then of quads */
	uint16_t quads[RUN], others[RUN]; /* their numbers */
	size_t nquads, nothers;
	uint32_t places[RUN];      /* slots of quads, or hashes of others */
	FlowFieldBytes bytes[RUN]; /* of others */
} Found;

static inline FlowSlice
field_at(const FlowBatch *batch, const uint32_t *next)
{
	return (FlowSlice) {batch->data + next[-1], next[0] - 1 - next[-1]};
}

/* Tells the fields that may be dotted quads from others. */
static inline void
divide(const FlowIndexValues *values, const FlowIndexFields *fields, const FlowBatch *batch,
       const uint32_t *ends, const uint32_t *rows, size_t count, Found *found)
{
	size_t nquads = 0, nothers = 0;

	/* a column of other texts has many of them before it has one */
	if (fields->has_quads && (fields->nquads > 0 || fields->nothers < MANY_OTHERS))
		(void) values->read_words(batch->data, ends, rows, count, found->words);
	else
		memset(found->words, 0, count * sizeof(uint64_t));
	for (size_t i = 0; i < count; i++)
	{
		uint64_t word = found->words[i];
		bool quad = flow_index_may_be_quad(word);

		found->quads[nquads] = found->others[nothers] = (uint16_t) i;
		found->words[nquads] = word;
		nquads += quad;
		nothers += !quad;
	}
	found->nquads = nquads;
	found->nothers = nothers;
}

/* Finds the first slots of dotted quads, from one on, and prefetches them. */
static inline void
find_slots(const FlowIndexFields *fields, Found *found, size_t first)
{
	const FlowIndexQuad *quads = fields->quads;
	unsigned bits = fields->quad_bits;

	for (size_t k = first; k < found->nquads; k++)
	{
		size_t slot = flow_index_quad_slot(fields->room, found->words[k], bits);

		found->places[k] = (uint32_t) slot;
		__builtin_prefetch(&quads[slot], 1);
	}
}

/*
 * Adds dotted quads.  A file may have more values than there is room for in
 * the cache.
 */
static void
add_quads(FlowRun *run, const Column *column, const uint32_t *ends, const uint32_t *rows,
          Found *found)
{
	FlowIndexFields *fields = column->fields;
	const FlowIndexQuad *quads = fields->quads;

	find_slots(fields, found, 0);
	for (size_t k = 0; k < found->nquads; k++)
	{
		size_t i = found->quads[k];
		uint64_t word = found->words[k];
		FlowStatus status;

		if (flow_likely(flow_index_mark_quad(fields, column->mask, word, found->places[k])))
			continue;
		status = add_new(fields, column->mask, field_at(run->batch, ends + rows[i]), word);
		if (flow_unlikely(status != FLOW_OK))
		{
			flow_run_cut(run, i, status, column->column);
			return;
		}
		if (fields->quads != quads)
			find_slots(fields, found, k + 1);
		quads = fields->quads;
	}
}

/* Prefetches the slots of other fields, then what these refer to. */
static inline void
find_others(const FlowIndexFields *fields, const FlowBatch *batch, const uint32_t *ends,
            const uint32_t *rows, Found *found)
{
	const FlowIndexOtherSlot *others = fields->others;

	for (size_t k = 0; k < found->nothers; k++)
	{
		FlowSlice field = field_at(batch, ends + rows[found->others[k]]);
		FlowFieldBytes bytes = flow_field_load(field.data, field.len);
		uint32_t hash = flow_index_hash_other(fields->room, &bytes, field);

		found->bytes[k] = bytes;
		found->places[k] = hash;
		__builtin_prefetch(&others[flow_index_other_slot(fields, hash)]);
	}
	for (size_t k = 0; k < found->nothers; k++)
		__builtin_prefetch(others[flow_index_other_slot(fields, found->places[k])].other, 1);
}

/* Adds other fields. */
static void
add_others(FlowRun *run, const Column *column, const uint32_t *ends, const uint32_t *rows,
           Found *found)
{
	FlowIndexFields *fields = column->fields;

	while (found->nothers > 0 && found->others[found->nothers - 1] >= run->count)
		found->nothers--;
	find_others(fields, run->batch, ends, rows, found);
	for (size_t k = 0; k < found->nothers; k++)
	{
		FlowSlice field = field_at(run->batch, ends + rows[found->others[k]]);
		uint32_t hash = found->places[k];
		FlowStatus status;

		if (flow_likely(flow_index_mark_other(fields, column->mask, &found->bytes[k], field, hash)))
			continue;
		status = flow_index_fields_insert_other(fields, column->mask, field, hash);
		if (flow_unlikely(status != FLOW_OK))
		{
			flow_run_cut(run, found->others[k], status, column->column);
			return;
		}
	}
}

/* Adds the fields of a column that are one after the other in memory. */
static void
add_fields(const FlowIndexValues *values, FlowRun *run, const Column *column)
{
	const uint32_t *ends = run->batch->next + run->batch->place[column->column];
	const uint32_t *rows = run->batch->rows + run->first;
	Found found;

	divide(values, column->fields, run->batch, ends, rows, run->count, &found);
	add_quads(run, column, ends, rows, &found);
	add_others(run, column, ends, rows, &found);
}

static void
add_column(FlowIndexValues *values, FlowRun *run, Column *column)
{
	const FlowBatch *batch = run->batch;
	const FlowCodes *codes = NULL;

	if (batch->next == NULL || run->bad_is_null || batch->place[column->column] < 0)
	{
		add_singly(values, run, column);
		return;
	}
	/* as for groups, a field that is required is checked in each record */
	if (!column->fields->column->not_null &&
	    flow_batch_codes(batch, column->column, &codes) == FLOW_OK && codes != NULL)
		add_codes(values, run, column, codes);
	else
		add_fields(values, run, column);
}

/*
 * Adds the records of a batch.  Where values do not fit, those of one column
 * may take all memory before another column comes to the first record of the
 * run; so the next run is that record alone.
 */
FlowStatus
flow_index_values_add(FlowIndexValues *values, const FlowBatch *batch, size_t *done,
                      bool bad_is_null, FlowBadField *bad)
{
	*bad = (FlowBadField) {-1, FLOW_OK};
	while (*done < batch->count)
	{
		size_t left = batch->count - *done, most = bad_is_null ? 1 : values->run;
		FlowRun run = {batch, *done, left < most ? left : most, bad_is_null, FLOW_OK, *bad};

		for (int i = values->nindexed - 1; i >= 0; i--)
			add_column(values, &run, &values->indexed[i]);
		*done += run.count;
		*bad = run.bad;
		if (flow_unlikely(values->run < RUN))
			values->run *= 2;
		if (flow_unlikely(run.status == FLOW_LIMIT))
			values->run = 1;
		if (run.status != FLOW_OK)
			return run.status;
		if (bad_is_null)
			break;
	}
	return FLOW_OK;
}

/* ---------- values ---------- */

/* Returns the columns of texts of which all values are addresses, or NULL. */
static uint32_t
find_address_columns(const FlowIndexFields *fields)
{
	FlowIndexOthers others = flow_index_fields_begin(fields);
	uint32_t columns = fields->column->type == FLOW_TEXT ? fields->mask : 0;
	const FlowIndexOther *other;

	while (columns != 0 && (other = flow_index_fields_next(&others)) != NULL)
		if (other->address_len == 0 && flow_index_other_key(other)[0] != FLOW_INDEX_NULL)
			columns &= ~other->mask;
	return columns;
}

/*
 * Adds a dotted quad to a batch, as an address or, in columns of texts, as
 * such.
 */
static inline FlowStatus
give_quad(const FlowIndexQuad *quad, uint32_t texts, FlowIndexBatch *batch, uint32_t file)
{
	FlowStatus status = FLOW_OK;
	char buffer[FLOW_KEY_SHORT];
	FlowIndexKey key;

	if ((quad->mask & ~texts) != 0)
		status = flow_index_batch_add_ipv4(batch, quad->address, quad->mask & ~texts, file);
	if (flow_likely((quad->mask & texts) == 0) || status != FLOW_OK)
		return status;
	flow_index_set_text(&key, flow_word_show(quad->word, buffer));
	return flow_index_batch_add(batch, &key, quad->mask & texts, file);
}

/* Adds dotted quads to a batch. */
static FlowStatus
give_quads(const FlowIndexFields *fields, uint32_t texts, FlowIndexBatch *batch, uint32_t file)
{
	size_t size = (size_t) 1 << fields->quad_bits;
	FlowStatus status = FLOW_OK;

	for (size_t first = 0; first < size && fields->nquads > 0; first += FLOW_INDEX_QUADS)
	{
		const FlowIndexQuad *quads = fields->quads + first;
		uint16_t full[FLOW_INDEX_QUADS];
		size_t count = 0;

		/* which ones are full cannot be predicted */
		for (size_t i = 0; i < FLOW_INDEX_QUADS; i++)
		{
			full[count] = (uint16_t) i;
			count += quads[i].word != 0;
		}
		for (size_t k = 0; k < count && status == FLOW_OK; k++)
			status = give_quad(&quads[full[k]], texts, batch, file);
		if (status != FLOW_OK)
			return status;
	}
	return FLOW_OK;
}

/* Adds the other fields' values. */
static FlowStatus
give_others(const FlowIndexFields *fields, uint32_t addresses, FlowIndexBatch *batch, uint32_t file)
{
	FlowIndexOthers others = flow_index_fields_begin(fields);
	FlowStatus status = FLOW_OK;
	const FlowIndexOther *other;

	while (status == FLOW_OK && (other = flow_index_fields_next(&others)) != NULL)
	{
		const char *bytes = flow_index_other_key(other);
		uint32_t mask = other->address_len > 0 ? other->mask & addresses : 0;
		FlowIndexKey key;

		if (mask != 0)
		{
			key.len = other->address_len;
			memcpy(key.bytes, bytes + other->key_len, key.len);
			status = flow_index_batch_add(batch, &key, mask, file);
		}
		if (mask == other->mask || status != FLOW_OK)
			continue;
		key.len = other->key_len;
		memcpy(key.bytes, bytes, key.len);
		status = flow_index_batch_add(batch, &key, other->mask & ~mask, file);
	}
	return status;
}

/* Adds all values to a batch. */
FlowStatus
flow_index_values_give(const FlowIndexValues *values, bool whole, FlowIndexBatch *batch,
                       uint32_t file, uint32_t *address_columns)
{
	FlowStatus status = FLOW_OK;
	FlowIndexKey null;

	*address_columns = 0;
	for (int i = 0; i < values->nfields && status == FLOW_OK; i++)
	{
		const FlowIndexFields *fields = &values->fields[i];
		uint32_t addresses = whole ? find_address_columns(fields) : 0;
		uint32_t texts = fields->column->type == FLOW_TEXT ? fields->mask & ~addresses : 0;

		status = give_quads(fields, texts, batch, file);
		if (status == FLOW_OK)
			status = give_others(fields, addresses, batch, file);
		*address_columns |= addresses;
	}
	if (values->nulls == 0 || status != FLOW_OK)
		return status;
	flow_index_set_key(&null, FLOW_INDEX_NULL, 0, 0);
	return flow_index_batch_add(batch, &null, values->nulls, file);
}

/* ---------- life ---------- */

/*
 * Returns true if the same fields of two columns have the same values, and are
 * as good.
 */
static bool
are_alike(const FlowColumn *a, const FlowColumn *b)
{
	return a->type == b->type && a->max_chars == b->max_chars && a->precision == b->precision &&
	       a->scale == b->scale && a->not_null == b->not_null &&
	       (a->null_text == NULL) == (b->null_text == NULL) &&
	       (a->null_text == NULL ||
	        (a->null_len == b->null_len && memcmp(a->null_text, b->null_text, a->null_len) == 0));
}

/* Finds or makes the fields of a column; NULL: memory is short. */
static FlowIndexFields *
find_fields(FlowIndexValues *values, const FlowColumn *column)
{
	FlowIndexFields *fields = values->fields;

	for (; fields < values->fields + values->nfields; fields++)
		if (are_alike(fields->column, column))
			return fields;
	values->nfields++;
	return flow_index_fields_init(fields, &values->room, column) ? fields : NULL;
}

FlowStatus
flow_index_values_create(const FlowIndexValuesSpec *spec, FlowIndexValues **values,
                         FlowError *error)
{
	const FlowHost *host = spec->host;
	size_t count = (size_t) spec->nindexed;
	FlowIndexValues *made = flow_allocate(host, sizeof(FlowIndexValues));
	bool complete = made != NULL;

	*values = NULL;
	if (made == NULL)
		return flow_error_memory(error);
	/* one record always fits */
	*made = (FlowIndexValues) {.room = {.host = host, .memory = spec->memory, .always = count},
	                           .read_words = flow_group_words(0),
	                           .run = RUN};
	flow_key_draw_seed(host, made, made->room.seed);
	made->fields = flow_allocate(host, count * sizeof(FlowIndexFields) + 1);
	made->indexed = flow_allocate(host, count * sizeof(Column) + 1);
	complete = made->fields != NULL && made->indexed != NULL;
	for (int i = 0; i < spec->nindexed && complete; i++)
	{
		FlowIndexFields *fields = find_fields(made, &spec->columns[spec->indexed[i]]);

		complete = fields != NULL;
		if (!complete)
			break;
		fields->mask |= (uint32_t) 1 << i;
		made->indexed[made->nindexed++] =
			(Column) {.column = spec->indexed[i], .mask = (uint32_t) 1 << i, .fields = fields};
	}
	if (!complete)
	{
		flow_index_values_free(made);
		return flow_error_memory(error);
	}
	*values = made;
	return FLOW_OK;
}

void
flow_index_values_free(FlowIndexValues *values)
{
	const FlowHost *host;

	if (values == NULL)
		return;
	host = values->room.host;
	for (int i = 0; i < values->nfields; i++)
		flow_index_fields_free(&values->fields[i]);
	for (int i = 0; i < values->nindexed; i++)
		flow_free(host, values->indexed[i].seen);
	flow_free(host, values->fields);
	flow_free(host, values->indexed);
	flow_free(host, values);
}

void
flow_index_values_clear(FlowIndexValues *values)
{
	for (int i = 0; i < values->nfields; i++)
		flow_index_fields_clear(&values->fields[i]);
	for (int i = 0; i < values->nindexed; i++)
		values->indexed[i].serial = 0;
	values->nulls = 0;
}

/* Marks the columns that are read, as flow_groups_mark does. */
void
flow_index_values_mark(const FlowIndexValues *values, bool *fields, bool *codes)
{
	for (int i = 0; i < values->nindexed; i++)
	{
		const Column *column = &values->indexed[i];

		(column->fields->column->not_null ? fields : codes)[column->column] = true;
	}
}
