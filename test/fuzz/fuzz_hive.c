/*-------------------------------------------------------------------------
 *
 * fuzz_hive.c
 *	  Fuzzes the reader of Hive's statements, of the inside of strings and of
 *	  Java's patterns with any text.
 *
 *-------------------------------------------------------------------------
 */
#include "../unit/unit.h"
#include "../../flow/flow_hive.h"

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool condition)
{
	if (!condition)
		abort();
}

/* Reads all of the text. */
static size_t
walk(const char *text)
{
	return text != NULL ? strlen(text) : 0;
}

static size_t
walk_columns(const FlowHiveColumns *columns, const FlowHive *hive)
{
	size_t length = 0;

	for (int i = 0; i < columns->count; i++)
	{
		must(columns->items[i].name[0] != '\0' && columns->items[i].type[0] != '\0');
		must(columns->items[i].group >= 0 && columns->items[i].group <= hive->groups.count);
		/* a struct stands before what is in it */
		must(columns != &hive->groups || columns->items[i].group <= i);
		length += walk(columns->items[i].name) + walk(columns->items[i].type) +
		          walk(columns->items[i].comment);
	}
	return length;
}

static size_t
walk_pairs(const FlowHivePairs *pairs)
{
	size_t length = 0;

	for (int i = 0; i < pairs->count; i++)
	{
		must(flow_hive_property(pairs, pairs->items[i].name) != NULL);
		length += walk(pairs->items[i].name) + walk(pairs->items[i].value);
	}
	return length;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	char *inside = malloc(size + 1);
	FlowHive *hive = NULL;
	FlowError error = {0};
	size_t at, length;
	int ngroups;
	bool named;

	memcpy(text, data, size);
	text[size] = '\0';
	length = strlen(text);

	if (flow_hive_read(&unit_host, text, &hive, &at, &error) == FLOW_OK)
	{
		/*
		 * ROW FORMAT's names of properties are longer than the words that
		 * stand for them, each by less than this
		 */
		must(walk_columns(&hive->columns, hive) + walk_columns(&hive->partitions, hive) +
		         walk_columns(&hive->groups, hive) + walk_pairs(&hive->serde_properties) +
		         walk_pairs(&hive->table_properties) + walk_pairs(&hive->partition_values) +
		         walk(hive->database) + walk(hive->table) + walk(hive->comment) +
		         walk(hive->serde) + walk(hive->stored_as) + walk(hive->location) <=
		     length + (size_t) hive->serde_properties.count * 25);
		flow_hive_free(&unit_host, hive);
	}
	else
		must(error.message[0] != '\0' && at <= length);

	if (flow_hive_unescape(&unit_host, text, length, inside) != NULL)
		must(strlen(inside) <= length);
	if (flow_java_regex_check(text, &ngroups, &named, &error) == FLOW_OK)
		must(ngroups >= 0 && (!named || ngroups > 0));
	else
		must(error.status == FLOW_UNSUPPORTED);

	free(text);
	free(inside);
	must(unit_state.outstanding == 0);
	return 0;
}
