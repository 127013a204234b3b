/*-------------------------------------------------------------------------
 *
 * index_fields.c
 *	  The distinct fields of columns that mean the same: adds those that come
 *	  for the first time, which are converted then.
 *
 *-------------------------------------------------------------------------
 */
#include "flow_digits.h"
#include "index_fields.h"

/* log2 of the slots of a table at first */
#define QUAD_BITS 10
#define OTHER_BITS 6

#define CHUNK_SIZE ((size_t) 32 * 1024)
#define LINE ((size_t) 64) /* bytes of the processor's cache */

/* ---------- memory ---------- */

/* Returns true if a number of bytes may be allocated. */
static bool
may_take(const FlowIndexRoom *room, size_t size)
{
	return room->count < room->always || room->used + size <= room->memory;
}

static void *
allocate_table(FlowIndexRoom *room, size_t size)
{
	void *table = flow_allocate(room->host, size);

	if (table != NULL)
	{
		memset(table, 0, size);
		room->used += size;
	}
	return table;
}

static void
free_table(FlowIndexRoom *room, void *table, size_t size)
{
	if (table != NULL)
		room->used -= size;
	flow_free(room->host, table);
}

/* Returns the size of an entry with so many bytes. */
static inline size_t
entry_size(size_t len)
{
	return (offsetof(FlowIndexOther, bytes) + len + LINE - 1) / LINE * LINE;
}

static inline const FlowIndexOther *
entry_at(const FlowIndexChunk *chunk, size_t at)
{
	return (const FlowIndexOther *) (const void *) ((const char *) chunk + at);
}

/* Allocates an entry with so many bytes. */
static FlowStatus
allocate_entry(FlowIndexFields *fields, size_t len, FlowIndexOther **other)
{
	FlowIndexRoom *room = fields->room;
	size_t size = entry_size(len);
	FlowIndexChunk *chunk = fields->chunks;

	if (chunk == NULL || chunk->used + size > chunk->size)
	{
		size_t need = sizeof(FlowIndexChunk) + LINE + size;
		size_t whole = need > CHUNK_SIZE ? need : CHUNK_SIZE;
		size_t first;

		if (!may_take(room, whole))
			return FLOW_LIMIT;
		chunk = flow_allocate(room->host, whole);
		if (chunk == NULL)
			return FLOW_NO_MEMORY;
		first = LINE - (uintptr_t) chunk % LINE;
		while (first < sizeof(FlowIndexChunk))
			first += LINE;
		*chunk = (FlowIndexChunk) {fields->chunks, whole, first, first};
		fields->chunks = chunk;
		room->used += whole;
	}
	*other = (FlowIndexOther *) (void *) ((char *) chunk + chunk->used);
	chunk->used += size;
	return FLOW_OK;
}

static void
free_chunks(FlowIndexFields *fields)
{
	while (fields->chunks != NULL)
	{
		FlowIndexChunk *next = fields->chunks->next;

		fields->room->used -= fields->chunks->size;
		flow_free(fields->room->host, fields->chunks);
		fields->chunks = next;
	}
}

/* ---------- dotted quads ---------- */

/* Makes room for one more; at most half of the slots are full. */
static FlowStatus
have_quad(FlowIndexFields *fields)
{
	FlowIndexRoom *room = fields->room;
	size_t size = (size_t) 1 << fields->quad_bits;
	unsigned bits = fields->quad_bits + 2;
	FlowIndexQuad *larger;

	if (fields->nquads < size / 2)
		return FLOW_OK;
	if (!may_take(room, 4 * size * sizeof(FlowIndexQuad)))
		return FLOW_LIMIT;
	larger = allocate_table(room, 4 * size * sizeof(FlowIndexQuad));
	if (larger == NULL)
		return FLOW_NO_MEMORY;
	for (size_t i = 0; i < size; i++)
	{
		size_t slot;

		if (fields->quads[i].word == 0)
			continue;
		slot = flow_index_quad_slot(room, fields->quads[i].word, bits);
		while (larger[slot].word != 0)
			slot = (slot + 1) & (4 * size - 1);
		larger[slot] = fields->quads[i];
	}
	free_table(room, fields->quads, size * sizeof(FlowIndexQuad));
	fields->quads = larger;
	fields->quad_bits = bits;
	return FLOW_OK;
}

/*
 * Reads the address of a word whose field is surely a good one; returns false
 * for all others.
 */
static bool
read_quad(const FlowColumn *column, uint64_t word, uint32_t *address)
{
	char buffer[FLOW_KEY_SHORT];
	FlowSlice field = flow_word_show(word, buffer);
	FlowIndexKey key;

	if (column->null_text != NULL && field.len == column->null_len &&
	    memcmp(field.data, column->null_text, field.len) == 0)
		return false;
	if (column->type == FLOW_TEXT
	        ? !flow_index_key_of_address(field, &key)
	        : !flow_read_dotted_quad(field.data, field.len, true, key.bytes + 1))
		return false;
	if (column->type == FLOW_TEXT && key.bytes[0] != FLOW_INDEX_IPV4)
		return false;
	*address = flow_index_ipv4(&key);
	return true;
}

/* Adds a dotted quad that is not there. */
FlowStatus
flow_index_fields_insert_quad(FlowIndexFields *fields, uint32_t mask, uint64_t word)
{
	size_t slot;
	uint32_t address;
	FlowStatus status;

	if (!read_quad(fields->column, word, &address))
		return FLOW_END;
	status = have_quad(fields);
	if (status != FLOW_OK)
		return status;
	slot = flow_index_quad_slot(fields->room, word, fields->quad_bits);
	while (fields->quads[slot].word != 0)
		slot = (slot + 1) & (((size_t) 1 << fields->quad_bits) - 1);
	fields->quads[slot] = (FlowIndexQuad) {word, address, mask};
	fields->nquads++;
	fields->room->count++;
	return FLOW_OK;
}

/* ---------- other fields ---------- */

static FlowStatus
have_other(FlowIndexFields *fields)
{
	FlowIndexRoom *room = fields->room;
	size_t size = (size_t) 1 << fields->other_bits;
	unsigned bits = fields->other_bits + 2;
	FlowIndexOtherSlot *larger;

	if (fields->nothers < size / 2)
		return FLOW_OK;
	if (bits > 30 || !may_take(room, 4 * size * sizeof(FlowIndexOtherSlot)))
		return FLOW_LIMIT;
	larger = allocate_table(room, 4 * size * sizeof(FlowIndexOtherSlot));
	if (larger == NULL)
		return FLOW_NO_MEMORY;
	for (size_t i = 0; i < size; i++)
	{
		size_t slot = fields->others[i].hash >> (32 - bits);

		if (fields->others[i].other == NULL)
			continue;
		while (larger[slot].other != NULL)
			slot = (slot + 1) & (4 * size - 1);
		larger[slot] = fields->others[i];
	}
	free_table(room, fields->others, size * sizeof(FlowIndexOtherSlot));
	fields->others = larger;
	fields->other_bits = bits;
	return FLOW_OK;
}

/*
 * Sets the keys of a value, or of NULL; the second one's len is 0 if there is
 * none.
 */
static void
make_keys(const FlowColumn *column, const FlowValue *value, FlowIndexKey *key,
          FlowIndexKey *address)
{
	flow_index_key(column, value, key);
	if (column->type != FLOW_TEXT || value == NULL ||
	    !flow_index_key_of_address(value->text, address))
		address->len = 0;
}

/* Adds another field that is not there. */
FlowStatus
flow_index_fields_insert_other(FlowIndexFields *fields, uint32_t mask, FlowSlice field,
                               uint32_t hash)
{
	size_t before = field.len < FLOW_FIELD_BYTES ? FLOW_FIELD_BYTES : field.len;
	size_t slot;
	FlowIndexKey key, address;
	FlowValue value;
	FlowIndexOther *other;
	FlowStatus status = flow_value_read(fields->column, fields->room->host, field, &value);

	if (status != FLOW_OK && status != FLOW_END)
		return status;
	make_keys(fields->column, status == FLOW_OK ? &value : NULL, &key, &address);
	status = have_other(fields);
	if (status == FLOW_OK)
		status = allocate_entry(fields, before + key.len + address.len, &other);
	if (status != FLOW_OK)
		return status;
	*other = (FlowIndexOther) {mask, (uint32_t) field.len, key.len, address.len};
	memset(other->bytes, 0, before);
	if (field.len > 0)
		memcpy(other->bytes, field.data, field.len);
	memcpy(other->bytes + before, key.bytes, key.len);
	memcpy(other->bytes + before + key.len, address.bytes, address.len);
	slot = flow_index_other_slot(fields, hash);
	while (fields->others[slot].other != NULL)
		slot = (slot + 1) & (((size_t) 1 << fields->other_bits) - 1);
	fields->others[slot] = (FlowIndexOtherSlot) {other, hash};
	fields->nothers++;
	fields->room->count++;
	return FLOW_OK;
}

FlowIndexOthers
flow_index_fields_begin(const FlowIndexFields *fields)
{
	return (FlowIndexOthers) {fields->chunks, fields->chunks != NULL ? fields->chunks->first : 0};
}

/* Returns the next of the other fields. */
const FlowIndexOther *
flow_index_fields_next(FlowIndexOthers *others)
{
	const FlowIndexOther *other;

	if (others->chunk != NULL && others->at == others->chunk->used)
		*others = (FlowIndexOthers) {others->chunk->next,
		                             others->chunk->next != NULL ? others->chunk->next->first : 0};
	if (others->chunk == NULL)
		return NULL;
	other = entry_at(others->chunk, others->at);
	others->at += entry_size((size_t) (flow_index_other_key(other) - other->bytes) +
	                         other->key_len + other->address_len);
	return other;
}

/* ---------- life ---------- */

/* Returns true if words are looked for in a column. */
static bool
has_quads(const FlowColumn *column)
{
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
	return false; /* words are made of bytes as they are loaded */
#endif
	return column->type == FLOW_ADDRESS || column->type == FLOW_NETWORK ||
	       (column->type == FLOW_TEXT && column->max_chars < 0);
}

bool
flow_index_fields_init(FlowIndexFields *fields, FlowIndexRoom *room, const FlowColumn *column)
{
	*fields = (FlowIndexFields) {.room = room,
	                             .column = column,
	                             .has_quads = has_quads(column),
	                             .quad_bits = QUAD_BITS,
	                             .other_bits = OTHER_BITS};
	fields->quads = allocate_table(room, sizeof(FlowIndexQuad) << QUAD_BITS);
	fields->others = allocate_table(room, sizeof(FlowIndexOtherSlot) << OTHER_BITS);
	return fields->quads != NULL && fields->others != NULL;
}

void
flow_index_fields_free(FlowIndexFields *fields)
{
	flow_free(fields->room->host, fields->quads);
	flow_free(fields->room->host, fields->others);
	free_chunks(fields);
}

/* Makes a table empty and, if it was much too large, smaller. */
static void *
clear_table(FlowIndexRoom *room, void *table, unsigned *bits, unsigned first, size_t count,
            size_t size)
{
	if (*bits > first && count < ((size_t) 1 << *bits) / 64)
	{
		void *smaller = allocate_table(room, size << (*bits - 2));

		if (smaller != NULL)
		{
			free_table(room, table, size << *bits);
			*bits -= 2;
			return smaller;
		}
	}
	memset(table, 0, size << *bits);
	return table;
}

void
flow_index_fields_clear(FlowIndexFields *fields)
{
	FlowIndexRoom *room = fields->room;

	fields->quads = clear_table(room,
	                            fields->quads,
	                            &fields->quad_bits,
	                            QUAD_BITS,
	                            fields->nquads,
	                            sizeof(FlowIndexQuad));
	fields->others = clear_table(room,
	                             fields->others,
	                             &fields->other_bits,
	                             OTHER_BITS,
	                             fields->nothers,
	                             sizeof(FlowIndexOtherSlot));
	room->count -= fields->nquads + fields->nothers;
	fields->nquads = fields->nothers = 0;
	free_chunks(fields);
}
