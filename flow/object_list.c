/*-------------------------------------------------------------------------
 *
 * object_list.c
 *	  Lists the files of a location, all at once or step by step; files found
 *	  so far can then be read while the listing continues.
 *
 *-------------------------------------------------------------------------
 */
#include "location_match.h"
#include "objects.h"
#include "sort.h"

#include <string.h>

/* ---------- sorting ---------- */

/*
 * Compares objects by path; "arg" is the number of bytes with which all paths
 * begin.
 */
static int
compare_paths(const void *a, const void *b, const void *arg)
{
	size_t common = *(const size_t *) arg;

	return strcmp(((const FlowObject *) a)->path + common, ((const FlowObject *) b)->path + common);
}

static FlowStatus
sort(const FlowHost *host, FlowObjects *objects, size_t common, FlowError *error)
{
	FlowStatus status =
		flow_sort(host, objects->items, objects->count, sizeof(FlowObject), compare_paths, &common);

	if (status == FLOW_OK)
		return FLOW_OK;
	return status == FLOW_INTERRUPTED ? flow_error_interrupted(error) : flow_error_memory(error);
}

/*
 * Removes duplicate paths, because a directory that changes while it is read
 * may return a name twice, and adds up the sizes.
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

/* Adds the sizes of new objects. */
static void
sum_up(FlowObjectList *list)
{
	FlowObjects *objects = &list->objects;

	for (; list->summed < objects->count; list->summed++)
		objects->bytes += objects->items[list->summed].size;
}

/* Adds the objects that have arrived since the last call. */
FlowStatus
flow_objects_more(FlowObjects *objects, bool wait, FlowError *error)
{
	FlowObjectList *list = (FlowObjectList *) objects;
	FlowStore *store = list->access.store;
	FlowStatus status;

	if (objects->complete)
		return FLOW_END;
	status = store->storage
	             ->list(store, list->location, list->pruner, wait, &list->listing, objects, error);
	sum_up(list);
	return status;
}

/* Stops a listing and returns bytes from which it can be resumed. */
FlowStatus
flow_objects_suspend(FlowObjects *objects, char **bytes, size_t *len, FlowError *error)
{
	FlowObjectList *list = (FlowObjectList *) objects;
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

/* Resumes a listing that another process stopped. */
FlowStatus
flow_objects_resume(FlowObjects *objects, const char *bytes, size_t len, FlowError *error)
{
	FlowObjectList *list = (FlowObjectList *) objects;
	FlowStore *store = list->access.store;

	return store->storage
	    ->resume_list(store, list->location, list->pruner, bytes, len, &list->listing, error);
}

/* Begins a list that flow_objects_more extends. */
FlowStatus
flow_objects_begin(const FlowHost *host, const FlowLocation *location, const FlowAccess *access,
                   const FlowPruner *pruner, FlowObjects **objects, FlowError *error)
{
	FlowObjectList *list;

	if (access->store == NULL)
		return flow_objects_list_pruned(host, location, access, NULL, pruner, objects, error);
	*objects = flow_objects_create(host);
	if (*objects == NULL)
		return flow_error_memory(error);
	list = (FlowObjectList *) *objects;
	list->access = *access;
	list->location = location;
	list->pruner = pruner;
	(*objects)->complete = false;
	return FLOW_OK;
}

/*
 * Lists all objects of a store, without limits: the planner does not list
 * stores.
 */
static FlowStatus
list_store(FlowObjects *objects, FlowError *error)
{
	FlowStatus status;

	while ((status = flow_objects_more(objects, true, error)) == FLOW_OK)
		;
	return status == FLOW_END ? FLOW_OK : status;
}

/* Lists the files of a parsed location, sorted by path. */
FlowStatus
flow_objects_list_pruned(const FlowHost *host, const FlowLocation *location,
                         const FlowAccess *access, const FlowListLimits *limits,
                         const FlowPruner *pruner, FlowObjects **objects, FlowError *error)
{
	FlowObjects *listed;
	FlowStatus status = FLOW_OK;

	*objects = NULL;
	if (access->store != NULL)
		status = flow_objects_begin(host, location, access, pruner, &listed, error);
	else if ((listed = flow_objects_create(host)) == NULL)
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

/* Lists the files of a location. */
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
