/*-------------------------------------------------------------------------
 *
 * keys.c
 *	  What the members of JSON fill, in records that have one for each field.
 *
 * The ids of the known fields come first, in the documentation's order.  Then
 * come those of columns that are none of them.
 *
 *-------------------------------------------------------------------------
 */
#include "field.h"
#include "keys.h"
#include "layout.h"

/* Fields that are more than a word that any log may have. */
static const struct
{
	const char *name;
	FlowKeyKind kind;
} kinds[] = {
	{"version", FLOW_KEY_GENERIC},
	{"account-id", FLOW_KEY_GENERIC},
	{"protocol", FLOW_KEY_GENERIC},
	{"bytes", FLOW_KEY_GENERIC},
	{"start", FLOW_KEY_GENERIC},
	{"end", FLOW_KEY_GENERIC},
	{"action", FLOW_KEY_GENERIC},
	{"type", FLOW_KEY_GENERIC},
	{"region", FLOW_KEY_GENERIC},
	{"srcaddr", FLOW_KEY_SOURCE},
	{"pkt-srcaddr", FLOW_KEY_SOURCE},
	{"dstaddr", FLOW_KEY_DESTINATION},
	{"pkt-dstaddr", FLOW_KEY_DESTINATION},
};

static FlowKeyKind
kind_of(const char *name)
{
	for (size_t i = 0; i < flow_countof(kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return kinds[i].kind;
	return FLOW_KEY_SPECIFIC;
}

/* A FlowKeys' "find". */
static int
find(const FlowKeys *keys, FlowSlice name, bool *is_alias)
{
	const FlowField *field = flow_field_of_camel(name.data, name.len);

	*is_alias = field != NULL && !flow_field_is_same(field->name, name.data, name.len);
	if (field != NULL)
		return flow_field_rank(field->name);
	for (int id = keys->nkeys - 1; id >= 0 && keys->keys[id].kind == FLOW_KEY_OWN; id--)
		if (flow_field_is_same(keys->keys[id].name, name.data, name.len))
			return id;
	return FLOW_KEY_NONE;
}

/*
 * Returns the text that stands for NULL in a column, if it may stand in a
 * line.
 */
static FlowSlice
null_of(const FlowColumn *column)
{
	for (size_t i = 0; column->null_text != NULL && i < column->null_len; i++)
		if ((unsigned char) column->null_text[i] < ' ')
			return (FlowSlice) {FLOW_NO_VALUE, 1};
	if (column->null_text == NULL)
		return (FlowSlice) {FLOW_NO_VALUE, 1};
	return (FlowSlice) {column->null_text, column->null_len};
}

/* Returns the id of a column, which is added if it is new. */
static int
id_of_column(FlowKeys *keys, FlowKey *list, const FlowColumn *column)
{
	const char *name = flow_layout_name(column);
	bool is_alias;
	int id;

	if (strcmp(name, FLOW_LOGGED) == 0)
		return FLOW_KEY_TIME;
	id = keys->find(keys, (FlowSlice) {name, strlen(name)}, &is_alias);
	if (id == FLOW_KEY_NONE)
	{
		id = keys->nkeys++;
		list[id] = (FlowKey) {name, FLOW_KEY_OWN, true};
	}
	list[id].wanted = true;
	return id;
}

/* Makes the keys for some columns. */
FlowStatus
flow_keys_create(const FlowHost *host, const FlowColumn *columns, int ncolumns, FlowKeys **result,
                 FlowError *error)
{
	FlowKeys *keys;
	FlowKeyField *fields;
	FlowKey *list;
	size_t most = (size_t) ncolumns;

	while (flow_field_at(most - (size_t) ncolumns) != NULL)
		most++;
	keys = flow_allocate(host,
	                     sizeof(FlowKeys) + (size_t) ncolumns * sizeof(FlowKeyField) +
	                         most * sizeof(FlowKey));
	if (keys == NULL)
		return flow_error_memory(error);
	fields = (FlowKeyField *) (keys + 1);
	list = (FlowKey *) (fields + ncolumns);
	*keys = (FlowKeys) {.keys = list, .fields = fields, .find = find};

	for (const FlowField *field; (field = flow_field_at((size_t) keys->nkeys)) != NULL;)
		list[keys->nkeys++] = (FlowKey) {field->name, kind_of(field->name), false};
	for (int i = 0; i < ncolumns; i++)
		if (columns[i].source == FLOW_FROM_RECORD)
			fields[keys->nfields++] =
				(FlowKeyField) {id_of_column(keys, list, &columns[i]), null_of(&columns[i])};
	*result = keys;
	return FLOW_OK;
}

void
flow_keys_free(const FlowHost *host, FlowKeys *keys)
{
	flow_free(host, keys);
}

/* Returns true if there was a member for a field of the lines. */
bool
flow_keys_have(const FlowKeys *keys, const FlowKeysSeen *seen, int field)
{
	int id = keys->fields[field].id;

	return id == FLOW_KEY_TIME ? seen->time : seen->keys[id];
}

/* Returns the index of a column that no member and no known field has. */
int
flow_keys_missing(const FlowKeys *keys, const FlowKeysSeen *seen)
{
	for (int i = 0; i < keys->nfields; i++)
	{
		int id = keys->fields[i].id;

		if (id != FLOW_KEY_TIME && keys->keys[id].kind == FLOW_KEY_OWN && !seen->keys[id])
			return i;
	}
	return -1;
}
