/*-------------------------------------------------------------------------
 *
 * object.c
 *	  Collects the files to read, with their identities, in a list.
 *
 * Paths are kept in chunks, so that a list of many files takes little more
 * memory than their bytes, and a path keeps its address while the array of
 * objects grows.
 *
 *-------------------------------------------------------------------------
 */
#include "objects.h"

#include <string.h>

#define FIRST_ITEMS 15 /* 1 KiB with its header, as is the first chunk */
#define FIRST_CHUNK 1000
#define LARGEST_CHUNK (256 * 1024)

/* ---------- collecting ---------- */

/* Makes an empty list. */
FlowObjects *
flow_objects_create(const FlowHost *host)
{
	FlowObjectList *list = flow_allocate(host, sizeof(FlowObjectList));

	if (list == NULL)
		return NULL;
	memset(list, 0, sizeof(FlowObjectList));
	list->objects.complete = true;
	list->known_before = INT64_MIN;
	return &list->objects;
}

void
flow_objects_free(const FlowHost *host, FlowObjects *objects)
{
	FlowObjectList *list = (FlowObjectList *) objects;

	if (list == NULL)
		return;
	if (list->listing != NULL)
		list->access.store->storage->end_list(list->listing);
	for (FlowObjectChunk *chunk = list->chunks, *next; chunk != NULL; chunk = next)
	{
		next = chunk->next;
		flow_free(host, chunk);
	}
	for (FlowObjectArray *array = list->arrays, *next; array != NULL; array = next)
	{
		next = array->next;
		flow_free(host, array);
	}
	flow_free(host, list->known_directory);
	flow_free(host, list);
}

/* Copies a text into the list's chunks; NULL if memory is short. */
static const char *
keep_text(const FlowHost *host, FlowObjectList *list, const char *text)
{
	size_t size = strlen(text) + 1;
	FlowObjectChunk *chunk = list->chunks;
	char *kept;

	if (chunk == NULL || chunk->size - chunk->used < size)
	{
		size_t room = chunk == NULL ? FIRST_CHUNK : chunk->size * 2;

		if (room > LARGEST_CHUNK)
			room = LARGEST_CHUNK;
		if (room < size)
			room = size;
		chunk = flow_allocate(host, sizeof(FlowObjectChunk) + room);
		if (chunk == NULL)
			return NULL;
		chunk->next = list->chunks;
		chunk->used = 0;
		chunk->size = room;
		list->chunks = chunk;
	}

	kept = chunk->bytes + chunk->used;
	memcpy(kept, text, size);
	chunk->used += size;
	return kept;
}

/* Makes room for one more object, growing by half. */
static bool
make_room(const FlowHost *host, FlowObjectList *list)
{
	FlowObjects *objects = &list->objects;
	size_t capacity = list->capacity + list->capacity / 2;
	FlowObjectArray *array;

	if (objects->count < list->capacity)
		return true;

	if (capacity < FIRST_ITEMS)
		capacity = FIRST_ITEMS;
	array = flow_allocate(host, sizeof(FlowObjectArray) + capacity * sizeof(FlowObject));
	if (array == NULL)
		return false;
	if (objects->count > 0)
		memcpy(array->items, objects->items, objects->count * sizeof(FlowObject));

	/* there are no pointers yet into a list that is made at once */
	if (list->access.store == NULL && list->arrays != NULL)
	{
		flow_free(host, list->arrays);
		list->arrays = NULL;
	}
	array->next = list->arrays;
	list->arrays = array;
	objects->items = array->items;
	list->capacity = capacity;
	return true;
}

/* Appends a copy of an object. */
FlowStatus
flow_objects_add(const FlowHost *host, FlowObjects *objects, const FlowObject *object,
                 FlowError *error)
{
	FlowObjectList *list = (FlowObjectList *) objects;
	const char *path, *version = NULL;

	if (!make_room(host, list) || (path = keep_text(host, list, object->path)) == NULL ||
	    (object->version != NULL && (version = keep_text(host, list, object->version)) == NULL))
		return flow_error_memory(error);

	objects->items[objects->count] = *object;
	objects->items[objects->count].path = path;
	objects->items[objects->count].version = version;
	objects->items[objects->count].number = objects->count;
	objects->count++;
	return FLOW_OK;
}

/*
 * Returns true if a file or directory with these values comes from an earlier
 * list.
 */
static bool
is_known(const FlowObjectList *list, const FlowPathValue *values)
{
	int64_t from, to;

	return list->known_before != INT64_MIN &&
	       flow_location_days(list->location, values, &from, &to) && to <= list->known_before;
}

/* Decides whether a file is to be read, and counts why if it is not. */
static FlowStatus
prune(FlowObjects *objects, const FlowLocation *location, const FlowPruner *pruner,
      const FlowObject *file, const FlowPathValue *values, bool *keep, FlowError *error)
{
	FlowPruning pruning = FLOW_KEEP;
	FlowStatus status = FLOW_OK;

	*keep = false;
	if (!flow_shard_holds(location, file->path))
	{
		objects->pruned.by_shard++;
		return FLOW_OK;
	}
	if (pruner != NULL)
		status = pruner->evaluate(pruner->arg, file, values, &pruning, error);
	if (status != FLOW_OK)
		return status;
	objects->pruned.by_path += pruning == FLOW_PRUNE_BY_PATH;
	objects->pruned.by_time += pruning == FLOW_PRUNE_BY_TIME;
	objects->pruned.by_index += pruning == FLOW_PRUNE_BY_INDEX;
	objects->answered += pruning == FLOW_ANSWER_BY_INDEX;
	objects->not_indexed += pruning == FLOW_KEEP_UNINDEXED;
	*keep = pruning == FLOW_KEEP || pruning == FLOW_KEEP_UNINDEXED;
	return FLOW_OK;
}

/* The same for a file that was found, unless it is known. */
FlowStatus
flow_objects_prune(FlowObjects *objects, const FlowLocation *location, const FlowPruner *pruner,
                   const FlowObject *file, const FlowPathValue *values, bool *keep,
                   FlowError *error)
{
	*keep = false;
	if (is_known((FlowObjectList *) objects, values))
		return FLOW_OK;
	return prune(objects, location, pruner, file, values, keep, error);
}

/* Decides whether a directory is to be read, and counts it if it is not. */
static FlowStatus
prune_directory(FlowObjects *objects, const FlowPruner *pruner, const FlowPathValue *values,
                bool *keep, FlowError *error)
{
	FlowPruning pruning = FLOW_KEEP;
	FlowStatus status = FLOW_OK;

	if (pruner != NULL)
		status = pruner->evaluate(pruner->arg, NULL, values, &pruning, error);
	*keep = pruning == FLOW_KEEP;
	objects->pruned.directories += status == FLOW_OK && !*keep;
	return status;
}

/* The same for a directory that was found, unless all in it is known. */
FlowStatus
flow_objects_prune_directory(FlowObjects *objects, const FlowPruner *pruner,
                             const FlowPathValue *values, bool *keep, FlowError *error)
{
	*keep = false;
	if (is_known((FlowObjectList *) objects, values))
		return FLOW_OK;
	return prune_directory(objects, pruner, values, keep, error);
}

/* ---------- objects of an earlier list ---------- */

/* Decides whether files of a day are to be read. */
FlowStatus
flow_objects_prune_day(FlowObjects *objects, int64_t from, bool *keep, FlowError *error)
{
	FlowObjectList *list = (FlowObjectList *) objects;
	FlowPathValue values[FLOW_MAX_VARIABLES];
	char texts[FLOW_DAY_TEXTS];

	*keep = true;
	if (list->pruner == NULL || !flow_location_set_day(list->location, from, texts, values))
		return FLOW_OK;
	return prune_directory(objects, list->pruner, values, keep, error);
}

/*
 * Sets list->known_keep for the directory of a path, whose length is "len".
 * Files of one directory follow each other, so it is decided once for each.
 */
static FlowStatus
enter_directory(const FlowHost *host, FlowObjectList *list, const char *path, size_t len,
                FlowError *error)
{
	FlowPathValue values[FLOW_MAX_VARIABLES];
	bool more;

	if (list->known_directory != NULL && list->known_len == len &&
	    memcmp(list->known_directory, path, len) == 0)
		return FLOW_OK;
	if (len >= list->known_size)
	{
		size_t size = 2 * len + 64;
		char *directory = flow_allocate(host, size);

		if (directory == NULL)
			return flow_error_memory(error);
		flow_free(host, list->known_directory);
		list->known_directory = directory;
		list->known_size = size;
	}
	memcpy(list->known_directory, path, len);
	list->known_directory[len] = '\0';
	list->known_len = len;
	list->known_keep = true;

	/* what cannot be said of a directory is said of its files */
	if (!flow_location_directory_values(list->location, list->known_directory, values, &more))
		return FLOW_OK;
	return prune_directory(&list->objects, list->pruner, values, &list->known_keep, error);
}

/* Adds an object of an earlier list, unless it is pruned. */
FlowStatus
flow_objects_add_known(const FlowHost *host, FlowObjects *objects, const FlowObject *object,
                       FlowError *error)
{
	FlowObjectList *list = (FlowObjectList *) objects;
	const char *slash = strrchr(object->path, '/');
	FlowPathValue values[FLOW_MAX_VARIABLES];
	FlowStatus status;
	bool keep;

	status = enter_directory(host, list, object->path, (size_t) (slash - object->path), error);
	if (status != FLOW_OK || !list->known_keep ||
	    !flow_location_values(list->location, object->path, values))
		return status;
	/* the earlier list may have files of later days, which are listed again */
	if (!is_known(list, values))
		return FLOW_OK;
	objects->known++;
	status = prune(objects, list->location, list->pruner, object, values, &keep, error);
	if (status != FLOW_OK || !keep)
		return status;
	return flow_objects_add(host, objects, object, error);
}
