/*-------------------------------------------------------------------------
 *
 * memo.c
 *	  What the host computes of one column, remembered by the column's field.
 *
 * Fields of flow logs repeat: a million records have some hundred interfaces,
 * and some thousand addresses.  So an expression of one column that only the
 * host can compute is computed once for each field, and found by the field's
 * bytes for all other records: a look-up takes a few nanoseconds, a call of
 * the host a hundred or more.
 *
 * All tables of a scan share a bound.  When it is reached, all that is
 * remembered is forgotten, as soon as no vector refers to it.
 *
 *-------------------------------------------------------------------------
 */
#include "memo.h"
#include "expression.h"
#include "field_key.h"

#include <string.h>

#define MEMO_BYTES ((size_t) 1024 * 1024)
#define FIRST_BITS 6 /* log2 of the slots of a table that has its first value */

/* A longer text is not remembered, but computed for each record. */
#define MEMO_TEXT_MAX 1024

#define CHUNK_BYTES 4096

/*
 * After this many look-ups it is decided whether remembering pays: at least
 * half of them must find a value.  If it does not, nothing is added for
 * REST_WINDOWS times as many.
 */
#define WINDOW 4096
#define REST_WINDOWS 15

typedef enum SlotState
{
	SLOT_EMPTY,
	SLOT_AWAITED,
	SLOT_LARGE, /* its value is not remembered */
	SLOT_NULL,
	SLOT_VALUE
} SlotState;

typedef struct Slot
{
	uint64_t words[2]; /* as FlowFieldKey's; of a long key, the second is its bytes' address */
	union
	{
		int64_t number;
		const char *text;
	} value;
	uint32_t key_len; /* NO_FIELD: there is no field */
	uint16_t text_len;
	uint8_t state; /* a SlotState */
} Slot;

#define NO_FIELD UINT32_MAX

typedef struct MemoExpression MemoExpression;

/* Its table has a power of two of slots; if one is taken, the next one is tried. */
struct MemoExpression
{
	FlowExpression base;
	int column;
	bool ahead;
	Slot *slots; /* NULL: nothing is remembered */
	unsigned bits;
	size_t count;
	MemoExpression *next;

	/* of the window: whether remembering pays */
	uint32_t looked, missed;
	uint32_t rest; /* windows for which nothing is added */
};

typedef struct Chunk Chunk;

struct Chunk
{
	Chunk *next;
	char data[];
};

typedef struct Awaited
{
	MemoExpression *expression;
	FlowSlice field;
} Awaited;

struct FlowMemo
{
	const FlowHost *host;
	uint64_t seed[FLOW_KEY_SEEDS];
	MemoExpression *tables;
	size_t used; /* bytes of tables and chunks */
	bool full;
	bool gathers;
	bool again; /* what has awaited values is to be evaluated again */

	/* long keys, and texts */
	Chunk *chunks;
	char *space;
	size_t left;

	/* values that are awaited; those before "next" are given */
	Awaited *awaited;
	size_t nawaited, max_awaited, next;
};

/* ---------- memory ---------- */

FlowMemo *
flow_memo_create(const FlowHost *host)
{
	FlowMemo *memo = flow_allocate(host, sizeof(FlowMemo));

	if (memo == NULL)
		return NULL;
	*memo = (FlowMemo) {.host = host};
	flow_key_draw_seed(host, memo, memo->seed);
	return memo;
}

static void
free_chunks(FlowMemo *memo)
{
	while (memo->chunks != NULL)
	{
		Chunk *next = memo->chunks->next;

		flow_free(memo->host, memo->chunks);
		memo->chunks = next;
	}
	memo->left = 0;
}

void
flow_memo_free(FlowMemo *memo)
{
	if (memo == NULL)
		return;
	free_chunks(memo);
	flow_free(memo->host, memo->awaited);
	flow_free(memo->host, memo);
}

static void
free_table(FlowMemo *memo, MemoExpression *e)
{
	flow_free(memo->host, e->slots);
	e->slots = NULL;
	e->bits = 0;
	e->count = 0;
}

/* Returns the number of tables that have slots. */
static size_t
count_tables(const FlowMemo *memo)
{
	size_t count = 0;

	for (const MemoExpression *e = memo->tables; e != NULL; e = e->next)
		count += e->slots != NULL;
	return count;
}

/*
 * A single table keeps its slots, as it will need them again, unless they take
 * so much that little could be remembered besides.
 */
void
flow_memo_settle(FlowMemo *memo)
{
	bool keeps;

	if (flow_likely(memo == NULL || !memo->full || memo->again))
		return;
	keeps = count_tables(memo) == 1;
	memo->used = 0;
	for (MemoExpression *e = memo->tables; e != NULL; e = e->next)
	{
		size_t size = e->slots != NULL ? sizeof(Slot) << e->bits : 0;

		if (!keeps || size > MEMO_BYTES / 2)
		{
			free_table(memo, e);
			continue;
		}
		if (size > 0)
			memset(e->slots, 0, size);
		memo->used += size;
		e->count = 0;
	}
	free_chunks(memo);
	memo->full = false;
}

/* Takes bytes from the chunks; NULL: memory is short. */
static char *
take_space(FlowMemo *memo, size_t size)
{
	char *taken;

	if (size > memo->left)
	{
		size_t room = size > CHUNK_BYTES ? size : CHUNK_BYTES;
		Chunk *chunk = flow_allocate(memo->host, sizeof(Chunk) + room);

		if (chunk == NULL)
			return NULL;
		chunk->next = memo->chunks;
		memo->chunks = chunk;
		memo->space = chunk->data;
		memo->left = room;
		memo->used += sizeof(Chunk) + room;
	}
	taken = memo->space;
	memo->space += size;
	memo->left -= size;
	return taken;
}

/* ---------- the table ---------- */

static inline uint32_t
slot_key_len(const FlowFieldKey *key)
{
	return key->len == FLOW_KEY_NO_FIELD ? NO_FIELD : (uint32_t) key->len;
}

static inline bool
is_slot_of(const Slot *slot, const FlowFieldKey *key, FlowSlice field)
{
	if (slot->words[0] != key->words[0] || slot->key_len != slot_key_len(key))
		return false;
	if (flow_unlikely(flow_key_is_long(key)))
		return memcmp((const char *) (uintptr_t) slot->words[1], field.data, field.len) == 0;
	return slot->words[1] == key->words[1];
}

/* Finds the slot of a key, or the empty one where it may be put. */
static inline Slot *
find_slot(const FlowMemo *memo, const MemoExpression *e, const FlowFieldKey *key, FlowSlice field)
{
	uint64_t hash = flow_key_hash(memo->seed, memo->seed[0], key);
	size_t mask = ((size_t) 1 << e->bits) - 1;
	size_t i = (size_t) (hash >> (64 - e->bits));

	while (e->slots[i].state != SLOT_EMPTY && !is_slot_of(&e->slots[i], key, field))
		i = (i + 1) & mask;
	return &e->slots[i];
}

/* Returns the key of a slot, to put it elsewhere. */
static FlowFieldKey
key_of_slot(const Slot *slot)
{
	FlowFieldKey key = {slot->key_len, {slot->words[0], slot->words[1]}};

	if (slot->key_len == NO_FIELD)
		key.len = FLOW_KEY_NO_FIELD;
	else if (flow_key_is_long(&key))
		key.words[1] = 0;
	return key;
}

/*
 * Makes a table, or one with twice as many slots.  Returns false if memory is
 * short.
 */
static bool
grow_table(FlowMemo *memo, MemoExpression *e)
{
	unsigned bits = e->slots == NULL ? FIRST_BITS : e->bits + 1;
	size_t size = sizeof(Slot) << bits;
	MemoExpression grown = *e;

	grown.bits = bits;
	grown.slots = flow_allocate(memo->host, size);
	if (grown.slots == NULL)
		return false;
	memset(grown.slots, 0, size);
	for (size_t i = 0; e->slots != NULL && i < (size_t) 1 << e->bits; i++)
	{
		const Slot *slot = &e->slots[i];
		FlowFieldKey key = key_of_slot(slot);
		FlowSlice field = {(const char *) (uintptr_t) slot->words[1], slot->key_len};

		if (slot->state != SLOT_EMPTY)
			*find_slot(memo, &grown, &key, field) = *slot;
	}
	memo->used += size - (e->slots != NULL ? size / 2 : 0);
	flow_free(memo->host, e->slots);
	e->slots = grown.slots;
	e->bits = bits;
	return true;
}

/* Returns the bytes that a table needs for one more value. */
static size_t
growth(const MemoExpression *e)
{
	size_t slots = (size_t) 1 << e->bits;

	if (e->slots == NULL)
		return sizeof(Slot) << FIRST_BITS;
	return e->count >= slots / 4 * 3 ? slots * sizeof(Slot) : 0;
}

/* Adds a key that is not there; NULL: memory is short. */
static Slot *
add_slot(FlowMemo *memo, MemoExpression *e, const FlowFieldKey *key, FlowSlice field)
{
	Slot added = {{key->words[0], key->words[1]}, {0}, slot_key_len(key), 0, SLOT_EMPTY};
	Slot *slot;

	if (growth(e) > 0 && !grow_table(memo, e))
		return NULL;
	if (flow_key_is_long(key))
	{
		char *bytes = take_space(memo, field.len);

		if (bytes == NULL)
			return NULL;
		memcpy(bytes, field.data, field.len);
		added.words[1] = (uint64_t) (uintptr_t) bytes;
	}
	slot = find_slot(memo, e, key, field);
	*slot = added;
	e->count++;
	return slot;
}

/* Gives a slot its value; NULL for SQL's NULL. */
static void
set_slot(FlowMemo *memo, const MemoExpression *e, Slot *slot, const FlowValue *value)
{
	char *text;

	if (value == NULL)
		slot->state = SLOT_NULL;
	else if (e->base.vector.texts == NULL)
	{
		slot->value.number = value->integer;
		slot->state = SLOT_VALUE;
	}
	else if (value->text.len > MEMO_TEXT_MAX ||
	         (text = take_space(memo, value->text.len + 1)) == NULL)
		slot->state = SLOT_LARGE;
	else
	{
		memcpy(text, value->text.data, value->text.len);
		slot->value.text = text;
		slot->text_len = (uint16_t) value->text.len;
		slot->state = SLOT_VALUE;
	}
}

/* ---------- what is not known ---------- */

/*
 * Adds the value that was provided for a record.  There may be no room for it,
 * or it may not pay.
 */
static void
remember(FlowMemo *memo, MemoExpression *e, const FlowFieldKey *key, FlowSlice field)
{
	size_t long_key = flow_key_is_long(key) ? field.len : 0;
	size_t text = e->base.provided_text.len;
	size_t needed = growth(e) + long_key + (text <= MEMO_TEXT_MAX ? text : 0);
	FlowValue value = {.integer = e->base.provided_number};
	Slot *slot;

	memo->full |= needed > MEMO_BYTES || memo->used > MEMO_BYTES - needed;
	if (memo->full || e->rest > 0)
		return;
	slot = add_slot(memo, e, key, field);
	if (slot == NULL)
		return;
	if (e->base.vector.texts != NULL)
		value.text = e->base.provided_text;
	set_slot(memo, e, slot, e->base.provided_null ? NULL : &value);
}

/* Makes a value awaited; returns false if memory is short. */
static bool
await(FlowMemo *memo, MemoExpression *e, const FlowFieldKey *key, FlowSlice field)
{
	Slot *slot;

	if (memo->nawaited == memo->max_awaited)
	{
		size_t room = memo->max_awaited == 0 ? 64 : memo->max_awaited * 2;
		Awaited *list = flow_allocate(memo->host, room * sizeof(Awaited));

		if (list == NULL)
			return false;
		if (memo->nawaited > 0)
			memcpy(list, memo->awaited, memo->nawaited * sizeof(Awaited));
		flow_free(memo->host, memo->awaited);
		memo->awaited = list;
		memo->max_awaited = room;
	}
	slot = add_slot(memo, e, key, field);
	if (slot == NULL)
		return false;
	slot->state = SLOT_AWAITED;
	memo->awaited[memo->nawaited++] = (Awaited) {e, field};
	memo->full |= memo->used > MEMO_BYTES;
	return true;
}

bool
flow_memo_awaits(const FlowMemo *memo)
{
	return memo != NULL && memo->nawaited > 0;
}

void
flow_memo_gather(FlowMemo *memo, bool gathers)
{
	if (memo == NULL)
		return;
	memo->gathers = gathers;
	if (!gathers && memo->nawaited == 0)
		memo->again = false;
}

bool
flow_memo_next(FlowMemo *memo, FlowAwaited *awaited)
{
	const Awaited *next;

	memo->again = true;
	if (memo->next == memo->nawaited)
	{
		memo->next = memo->nawaited = 0;
		return false;
	}
	next = &memo->awaited[memo->next];
	*awaited = (FlowAwaited) {next->expression->base.number, next->expression->column, next->field};
	return true;
}

void
flow_memo_provide(FlowMemo *memo, const FlowValue *value)
{
	const Awaited *given = &memo->awaited[memo->next++];
	FlowFieldKey key = flow_key_make(memo->seed, given->field);

	set_slot(memo,
	         given->expression,
	         find_slot(memo, given->expression, &key, given->field),
	         value);
}

/* ---------- evaluating ---------- */

static inline void
store_slot(FlowVector *vector, size_t i, const Slot *slot)
{
	vector->present[i] = slot->state == SLOT_VALUE;
	if (vector->texts != NULL)
		vector->texts[i] = (FlowSlice) {slot->value.text, slot->text_len};
	else
		vector->numbers[i] = slot->value.number;
}

static void
store_null(FlowVector *vector, size_t i)
{
	vector->present[i] = 0;
	if (vector->numbers != NULL)
		vector->numbers[i] = 0;
}

static inline bool
is_known(const Slot *slot)
{
	return slot->state >= SLOT_NULL;
}

/*
 * Handles a record whose value is not known, if its field is good, or may be
 * NULL.  Returns false if it ends the run.
 */
static bool
miss(MemoExpression *e, FlowRun *run, size_t i, FlowSlice field)
{
	FlowMemo *memo = e->base.owner->memo;
	const FlowColumn *column = &e->base.owner->columns[e->column];
	FlowFieldKey key = flow_key_make(memo->seed, field);
	const Slot *slot = e->slots != NULL ? find_slot(memo, e, &key, field) : NULL;
	bool is_new = slot == NULL || slot->state == SLOT_EMPTY;
	FlowValue value;
	FlowStatus status;

	if (slot != NULL && is_known(slot))
	{
		store_slot(&e->base.vector, i, slot);
		return true;
	}
	e->missed++;
	status = is_new ? flow_value_read(column, e->base.owner->host, field, &value) : FLOW_OK;
	if (status != FLOW_OK && status != FLOW_END)
	{
		if (run->bad_is_null && status != FLOW_NO_MEMORY && field.data != NULL)
			return miss(e, run, i, (FlowSlice) {NULL, 0});
		flow_run_cut(run, i, status, e->column);
		return false;
	}
	if (memo->gathers && e->ahead && (is_new || slot->state == SLOT_AWAITED))
	{
		store_null(&e->base.vector, i);
		if (!is_new || await(memo, e, &key, field))
			return true;
		flow_run_cut(run, i, FLOW_NO_MEMORY, -1);
		return false;
	}
	if (!flow_expression_fail(&e->base, run, i))
		return false;
	if (is_new)
		remember(memo, e, &key, field);
	return true;
}

/* Decides, now and then, whether remembering pays. */
static void
count_looks(MemoExpression *e, size_t count)
{
	e->looked += (uint32_t) count;
	if (flow_likely(e->looked < WINDOW))
		return;
	if (e->rest > 0)
		e->rest--;
	else if (e->missed > e->looked / 2)
		e->rest = REST_WINDOWS;
	e->looked = e->missed = 0;
}

/* Evaluates records whose fields are in a batch of lines. */
static void
evaluate_lines(MemoExpression *e, FlowRun *run, const uint8_t *mask, int place)
{
	const FlowMemo *memo = e->base.owner->memo;
	FlowVector *vector = &e->base.vector;
	const char *data = run->batch->data;
	const uint32_t *ends = run->batch->next + place;
	const uint32_t *rows = run->batch->rows + run->first;

	for (size_t i = 0; i < run->count; i++)
	{
		const uint32_t *next = ends + rows[i];
		FlowSlice field = {data + next[-1], next[0] - 1 - next[-1]};
		FlowFieldKey key;
		const Slot *slot;

		if (mask != NULL && !mask[i])
		{
			store_null(vector, i);
			continue;
		}
		if (flow_likely(e->slots != NULL))
		{
			key = flow_key_load(memo->seed, field.data, (uint32_t) field.len);
			slot = find_slot(memo, e, &key, field);
			if (flow_likely(is_known(slot)))
			{
				store_slot(vector, i, slot);
				continue;
			}
		}
		if (!miss(e, run, i, field))
			return;
	}
}

static void
evaluate_memo(FlowExpression *expression, FlowRun *run, const uint8_t *mask)
{
	MemoExpression *e = (MemoExpression *) expression;

	expression->run = mask == NULL ? expression->owner->run : 0;
	count_looks(e, run->count);
	if (run->batch->next != NULL && run->batch->place[e->column] >= 0 && !run->bad_is_null)
	{
		evaluate_lines(e, run, mask, run->batch->place[e->column]);
		return;
	}
	for (size_t i = 0; i < run->count; i++)
	{
		if (mask != NULL && !mask[i])
			store_null(&expression->vector, i);
		else if (!miss(e, run, i, flow_batch_field(run->batch, run->first + i, e->column)))
			return;
	}
}

/* ---------- the expression ---------- */

static void
release_memo(FlowExpression *expression)
{
	MemoExpression *e = (MemoExpression *) expression;
	FlowMemo *memo = expression->owner->memo;
	MemoExpression **place = &memo->tables;

	while (*place != e)
		place = &(*place)->next;
	*place = e->next;
	if (e->slots != NULL)
		memo->used -= sizeof(Slot) << e->bits;
	free_table(memo, e);
	memo->nawaited = memo->next = 0;
	memo->again = false;
}

static void
forget_nothing(FlowExpression *expression)
{
	(void) expression;
}

static void
mark_column(const FlowExpression *expression, const FlowColumnMarks *marks)
{
	marks->fields[((const MemoExpression *) expression)->column] = true;
}

void
flow_expressions_use_memo(FlowExpressions *expressions, FlowMemo *memo)
{
	expressions->memo = memo;
}

FlowExpression *
flow_expression_remembered(FlowExpressions *expressions, int column, FlowType type, int number,
                           bool ahead)
{
	MemoExpression *made =
		flow_expression_new(expressions, type, evaluate_memo, sizeof(MemoExpression), number);

	if (made == NULL)
		return NULL;
	made->column = column;
	made->ahead = ahead;
	made->next = expressions->memo->tables;
	expressions->memo->tables = made;
	made->base.release = release_memo;
	made->base.forget = forget_nothing;
	made->base.mark = mark_column;
	made->base.next_holder = expressions->holders;
	expressions->holders = &made->base;
	return &made->base;
}
