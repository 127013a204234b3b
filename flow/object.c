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

#define FIRST_ITEMS 15 /* with what stands before them, 1 KiB; so the first chunk */
#define FIRST_CHUNK 1000
#define LARGEST_CHUNK (256 * 1024)

typedef struct Chunk
{
	struct Chunk *next;
	size_t used, size; /* of bytes */
	char bytes[];
} Chunk;

typedef struct Array
{
	struct Array *next;
	FlowObject items[];
} Array;

/* What a FlowObjects that we gave out really is. */
typedef struct ObjectList
{
	FlowObjects objects; /* must be first */
	size_t capacity;
	Chunk *chunks; /* the one in use is first */

	/* of one that grows */
	FlowAccess access;
	const FlowLocation *location;
	const FlowPruner *pruner;
	void *listing; /* the store's */
	size_t summed; /* objects whose sizes are in "bytes" */
	Array *arrays; /* of items that became too small, in which somebody may hold one */
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
	if (list->listing != NULL)
		list->access.store->storage->end_list(list->listing);
	for (Chunk *chunk = list->chunks, *next; chunk != NULL; chunk = next)
	{
		next = chunk->next;
		flow_free(host, chunk);
	}
	for (Array *array = list->arrays, *next; array != NULL; array = next)
	{
		next = array->next;
		flow_free(host, array);
	}
	flow_free(host, list);
}

static const char *
keep_text(const FlowHost *host, ObjectList *list, const char *text)
{
	size_t size = strlen(text) + 1;
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
	memcpy(kept, text, size);
	chunk->used += size;
	return kept;
}

/* Makes room for one more, by half of what there is. */
static bool
make_room(const FlowHost *host, ObjectList *list)
{
	FlowObjects *objects = &list->objects;
	size_t capacity = list->capacity + list->capacity / 2;
	Array *array;

	if (objects->count < list->capacity)
		return true;

	if (capacity < FIRST_ITEMS)
		capacity = FIRST_ITEMS;
	array = flow_allocate(host, sizeof(Array) + capacity * sizeof(FlowObject));
	if (array == NULL)
		return false;
	if (objects->count > 0)
		memcpy(array->items, objects->items, objects->count * sizeof(FlowObject));
	/* nobody has read of a list that is made at once */
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

FlowStatus
flow_objects_add(const FlowHost *host, FlowObjects *objects, const FlowObject *object, FlowError *error)
{
	ObjectList *list = (ObjectList *) objects;
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

FlowStatus
flow_objects_judge(FlowObjects *objects, const FlowLocation *location, const FlowPruner *pruner,
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
		status = pruner->judge(pruner->arg, file, values, &pruning, error);
	if (status != FLOW_OK)
		return status;
	objects->pruned.by_path += pruning == FLOW_PRUNE_BY_PATH;
	objects->pruned.by_time += pruning == FLOW_PRUNE_BY_TIME;
	*keep = pruning == FLOW_KEEP;
	return FLOW_OK;
}

FlowStatus
flow_objects_judge_directory(FlowObjects *objects, const FlowPruner *pruner, const FlowPathValue *values,
                             bool *keep, FlowError *error)
{
	FlowPruning pruning = FLOW_KEEP;
	FlowStatus status = FLOW_OK;

	if (pruner != NULL)
		status = pruner->judge(pruner->arg, NULL, values, &pruning, error);
	*keep = pruning == FLOW_KEEP;
	objects->pruned.directories += status == FLOW_OK && !*keep;
	return status;
}

/* ---------- sorting ---------- */

/* By path; "arg" is how many bytes all of them begin with. */
static int
compare_paths(const void *a, const void *b, const void *arg)
{
	size_t common = *(const size_t *) arg;

	return strcmp(((const FlowObject *) a)->path + common, ((const FlowObject *) b)->path + common);
}

static FlowStatus
sort(const FlowHost *host, FlowObjects *objects, size_t common, FlowError *error)
{
	FlowStatus status = flow_sort(host, objects->items, objects->count, sizeof(FlowObject), compare_paths, &common);

	if (status == FLOW_OK)
		return FLOW_OK;
	return status == FLOW_INTERRUPTED ? flow_error_interrupted(error) : flow_error_memory(error);
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

	objects->bytes = 0;
	for (size_t i = 0; i < objects->count; i++)
	{
		if (kept > 0 && strcmp(items[kept - 1].path, items[i].path) == 0)
			continue;
		objects->bytes += items[i].size;
		items[kept] = items[i];
		items[kept].number = kept;
		kept++;
	}
	objects->count = kept;
}

/* ---------- listing ---------- */

/* The bytes of what is new. */
static void
sum_up(ObjectList *list)
{
	FlowObjects *objects = &list->objects;

	for (; list->summed < objects->count; list->summed++)
		objects->bytes += objects->items[list->summed].size;
}

FlowStatus
flow_objects_more(FlowObjects *objects, bool wait, FlowError *error)
{
	ObjectList *list = (ObjectList *) objects;
	FlowStore *store = list->access.store;
	FlowStatus status;

	if (objects->complete)
		return FLOW_END;
	status = store->storage->list(store, list->location, list->pruner, wait, &list->listing, objects, error);
	sum_up(list);
	return status;
}

FlowStatus
flow_objects_suspend(FlowObjects *objects, char **bytes, size_t *len, FlowError *error)
{
	ObjectList *list = (ObjectList *) objects;
	const FlowStorage *storage = list->access.store->storage;
	FlowStatus status = storage->suspend_list(list->listing, objects, bytes, len, error);

	sum_up(list);
	if (status == FLOW_OK)
	{
		storage->end_list(list->listing);
		list->listing = NULL;
	}
	return status;
}

FlowStatus
flow_objects_resume(FlowObjects *objects, const char *bytes, size_t len, FlowError *error)
{
	ObjectList *list = (ObjectList *) objects;
	FlowStore *store = list->access.store;

	return store->storage->resume_list(store, list->location, list->pruner, bytes, len, &list->listing, error);
}

FlowStatus
flow_objects_begin(const FlowHost *host, const FlowLocation *location, const FlowAccess *access,
                   const FlowPruner *pruner, FlowObjects **objects, FlowError *error)
{
	ObjectList *list;

	if (access->store == NULL)
		return flow_objects_list_pruned(host, location, access, NULL, pruner, objects, error);
	*objects = create(host);
	if (*objects == NULL)
		return flow_error_memory(error);
	list = (ObjectList *) *objects;
	list->access = *access;
	list->location = location;
	list->pruner = pruner;
	(*objects)->complete = false;
	return FLOW_OK;
}

/* All of a store's, without limits: the planner does not ask it. */
static FlowStatus
list_store(FlowObjects *objects, FlowError *error)
{
	FlowStatus status;

	while ((status = flow_objects_more(objects, true, error)) == FLOW_OK)
		;
	return status == FLOW_END ? FLOW_OK : status;
}

FlowStatus
flow_objects_list_pruned(const FlowHost *host, const FlowLocation *location, const FlowAccess *access,
                         const FlowListLimits *limits, const FlowPruner *pruner, FlowObjects **objects, FlowError *error)
{
	FlowObjects *listed;
	FlowStatus status = FLOW_OK;

	*objects = NULL;
	if (access->store != NULL)
		status = flow_objects_begin(host, location, access, pruner, &listed, error);
	else if ((listed = create(host)) == NULL)
		status = flow_error_memory(error);
	if (status != FLOW_OK)
		return status;

	if (access->store != NULL)
		status = list_store(listed, error);
	else
		status = flow_file_list(host, location, access, limits, pruner, listed, error);
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
flow_objects_list(const FlowHost *host, const char *text, const FlowAccess *access,
                  const FlowListLimits *limits, FlowObjects **objects, FlowError *error)
{
	FlowLocation *location;
	FlowStatus status;

	*objects = NULL;
	status = flow_location_parse(host, text, &location, error);
	if (status == FLOW_OK)
		status = flow_objects_list_pruned(host, location, access, limits, NULL, objects, error);
	flow_location_free(location);
	return status;
}
