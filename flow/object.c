/*-------------------------------------------------------------------------
 *
 * object.c
 *	  The list of files to read, with their identities.
 *
 * Paths are kept in chunks, so a list of many files costs little more than their
 * bytes, and a path stays where it is while the array of objects grows.
 *
 *-------------------------------------------------------------------------
 */
#include "internal.h"

#include <string.h>

#define FIRST_ITEMS 16
#define FIRST_CHUNK 2048
#define LARGEST_CHUNK (256 * 1024)

typedef struct Chunk
{
	struct Chunk *next;
	size_t used, size; /* of bytes */
	char bytes[];
} Chunk;

/* What a FlowObjects that we gave out really is. */
typedef struct ObjectList
{
	FlowObjects objects; /* must be first */
	size_t capacity;
	Chunk *chunks; /* the one in use is first */
} ObjectList;

/* ---------- collecting ---------- */

static FlowObjects *
create(const FlowHost *host)
{
	ObjectList *list = flow_allocate(host, sizeof(ObjectList));

	if (list == NULL)
		return NULL;
	memset(list, 0, sizeof(ObjectList));
	list->objects.complete = true;
	return &list->objects;
}

void
flow_objects_free(const FlowHost *host, FlowObjects *objects)
{
	ObjectList *list = (ObjectList *) objects;

	if (list == NULL)
		return;
	for (Chunk *chunk = list->chunks, *next; chunk != NULL; chunk = next)
	{
		next = chunk->next;
		flow_free(host, chunk);
	}
	flow_free(host, objects->items);
	flow_free(host, list);
}

static const char *
keep_path(const FlowHost *host, ObjectList *list, const char *path)
{
	size_t size = strlen(path) + 1;
	Chunk *chunk = list->chunks;
	char *kept;

	if (chunk == NULL || chunk->size - chunk->used < size)
	{
		size_t room = chunk == NULL ? FIRST_CHUNK : chunk->size * 2;

		if (room > LARGEST_CHUNK)
			room = LARGEST_CHUNK;
		if (room < size)
			room = size;
		chunk = flow_allocate(host, sizeof(Chunk) + room);
		if (chunk == NULL)
			return NULL;
		chunk->next = list->chunks;
		chunk->used = 0;
		chunk->size = room;
		list->chunks = chunk;
	}

	kept = chunk->bytes + chunk->used;
	memcpy(kept, path, size);
	chunk->used += size;
	return kept;
}

/* Makes room for one more, by half of what there is. */
static bool
make_room(const FlowHost *host, ObjectList *list)
{
	FlowObjects *objects = &list->objects;
	size_t capacity = list->capacity + list->capacity / 2;
	FlowObject *items;

	if (objects->count < list->capacity)
		return true;

	if (capacity < FIRST_ITEMS)
		capacity = FIRST_ITEMS;
	items = flow_allocate(host, capacity * sizeof(FlowObject));
	if (items == NULL)
		return false;
	if (objects->count > 0)
		memcpy(items, objects->items, objects->count * sizeof(FlowObject));
	flow_free(host, objects->items);
	objects->items = items;
	list->capacity = capacity;
	return true;
}

FlowStatus
flow_objects_add(const FlowHost *host, FlowObjects *objects, const FlowObject *object, FlowError *error)
{
	ObjectList *list = (ObjectList *) objects;
	const char *path;

	if (!make_room(host, list) || (path = keep_path(host, list, object->path)) == NULL)
		return flow_error_memory(error);

	objects->items[objects->count] = *object;
	objects->items[objects->count].path = path;
	objects->count++;
	return FLOW_OK;
}

/* ---------- sorting ---------- */

typedef struct Sorter
{
	const FlowHost *host;
	FlowObject *items;
	FlowObject *spare; /* room for half of them */
	size_t common;     /* bytes with which every path begins */
	unsigned steps;
} Sorter;

static inline int
compare(const Sorter *sorter, const FlowObject *a, const FlowObject *b)
{
	return strcmp(a->path + sorter->common, b->path + sorter->common);
}

/* Merges the sorted runs [from, middle) and [middle, to). */
static bool
merge(Sorter *sorter, size_t from, size_t middle, size_t to)
{
	FlowObject *items = sorter->items;
	FlowObject *left = sorter->spare, *left_end = left + (middle - from);
	FlowObject *right = items + middle, *right_end = items + to;
	FlowObject *out = items + from;

	if (compare(sorter, right - 1, right) <= 0)
		return true;

	memcpy(left, out, (middle - from) * sizeof(FlowObject));
	while (left < left_end && right < right_end)
	{
		*out++ = compare(sorter, left, right) <= 0 ? *left++ : *right++;
		if (++sorter->steps % 1024 == 0 && flow_interrupted(sorter->host))
			return false;
	}
	memcpy(out, left, (size_t) (left_end - left) * sizeof(FlowObject));
	return true;
}

/*
 * A merge sort of our own: the C library's qsort can neither be interrupted nor
 * told where to take memory from.  False if interrupted.
 */
static bool
sort_range(Sorter *sorter, size_t from, size_t to)
{
	size_t middle = from + (to - from) / 2;

	if (to - from < 2)
		return true;
	return sort_range(sorter, from, middle) &&
	       sort_range(sorter, middle, to) &&
	       merge(sorter, from, middle, to);
}

static FlowStatus
sort(const FlowHost *host, FlowObjects *objects, size_t common, FlowError *error)
{
	Sorter sorter = {host, objects->items, NULL, common, 0};
	bool done;

	if (objects->count < 2)
		return FLOW_OK;
	sorter.spare = flow_allocate(host, objects->count / 2 * sizeof(FlowObject));
	if (sorter.spare == NULL)
		return flow_error_memory(error);

	done = sort_range(&sorter, 0, objects->count);
	flow_free(host, sorter.spare);
	return done ? FLOW_OK : flow_error_interrupted(error);
}

/*
 * Leaves each path once: a directory that changes while it is read may yield a
 * name again.  Then sums up.
 */
static void
finish(FlowObjects *objects)
{
	FlowObject *items = objects->items;
	size_t kept = 0;

	for (size_t i = 0; i < objects->count; i++)
	{
		if (kept > 0 && strcmp(items[kept - 1].path, items[i].path) == 0)
			continue;
		objects->bytes += items[i].size;
		items[kept++] = items[i];
	}
	objects->count = kept;
}

/* ---------- listing ---------- */

FlowStatus
flow_objects_list_pruned(const FlowHost *host, const FlowLocation *location, const FlowAllowedPaths *allowed,
                         const FlowListLimits *limits, const FlowPruner *pruner, FlowObjects **objects, FlowError *error)
{
	FlowObjects *listed = create(host);
	FlowStatus status;

	*objects = NULL;
	if (listed == NULL)
		return flow_error_memory(error);
	status = flow_file_list(host, location, allowed, limits, pruner, listed, error);
	if (status == FLOW_OK)
		status = sort(host, listed, strlen(flow_location_fixed(location)), error);
	if (status != FLOW_OK)
	{
		flow_objects_free(host, listed);
		return status;
	}
	finish(listed);
	*objects = listed;
	return FLOW_OK;
}

FlowStatus
flow_objects_list(const FlowHost *host, const char *text, const FlowAllowedPaths *allowed,
                  const FlowListLimits *limits, FlowObjects **objects, FlowError *error)
{
	FlowLocation *location;
	FlowStatus status;

	*objects = NULL;
	status = flow_location_parse(host, text, &location, error);
	if (status == FLOW_OK)
		status = flow_objects_list_pruned(host, location, allowed, limits, NULL, objects, error);
	flow_location_free(location);
	return status;
}
