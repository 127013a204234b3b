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

/*
 * Makes a list with what is known.  If nothing else is wanted, checks that the
 * location may be listed.
 */
static FlowStatus
create_list(const FlowHost *host, const FlowLocation *location, const FlowAccess *access,
            const FlowPruner *pruner, const FlowKnown *known, FlowObjects **objects,
            FlowError *error)
{
	FlowObjectList *list;
	FlowStatus status = FLOW_OK;

	*objects = flow_objects_create(host);
	if (*objects == NULL)
		return flow_error_memory(error);
	list = (FlowObjectList *) *objects;
	list->access = *access;
	list->location = location;
	list->pruner = pruner;
	if (known == NULL)
		return FLOW_OK;

	list->known_before = known->before;
	(*objects)->pruned.directories += known->all; /* all that is not known */
	if (known->all && access->store != NULL)
		status = access->store->storage->check_list(access->store, location, error);
	else if (known->all)
		status = flow_file_check(host, location, access, error);
	if (status == FLOW_OK && known->add != NULL)
		status = known->add(known->arg, *objects, error);
	sum_up(list);
	if (status != FLOW_OK)
	{
		flow_objects_free(host, *objects);
		*objects = NULL;
	}
	return status;
}

/* Ends a list by the status that it came to: sorts the files, or frees them. */
static FlowStatus
end_list(const FlowHost *host, const FlowLocation *location, FlowObjects *listed, FlowStatus status,
         FlowObjects **objects, FlowError *error)
{
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

/* Lists local files, sorted by path. */
static FlowStatus
list_files(const FlowHost *host, const FlowLocation *location, const FlowAccess *access,
           const FlowListLimits *limits, const FlowPruner *pruner, const FlowKnown *known,
           FlowObjects **objects, FlowError *error)
{
	FlowObjects *listed;
	FlowStatus status;

	*objects = NULL;
	status = create_list(host, location, access, pruner, known, &listed, error);
	if (status != FLOW_OK)
		return status;
	if (known == NULL || !known->all)
		status = flow_file_list(host, location, access, limits, pruner, listed, error);
	return end_list(host, location, listed, status, objects, error);
}

/* Begins a list that flow_objects_more extends, with what is known. */
FlowStatus
flow_objects_begin_known(const FlowHost *host, const FlowLocation *location,
                         const FlowAccess *access, const FlowPruner *pruner, const FlowKnown *known,
                         FlowObjects **objects, FlowError *error)
{
	FlowStatus status;

	if (access->store == NULL)
		return list_files(host, location, access, NULL, pruner, known, objects, error);
	status = create_list(host, location, access, pruner, known, objects, error);
	if (status == FLOW_OK)
		(*objects)->complete = known != NULL && known->all;
	return status;
}

/* Begins a list that flow_objects_more extends. */
FlowStatus
flow_objects_begin(const FlowHost *host, const FlowLocation *location, const FlowAccess *access,
                   const FlowPruner *pruner, FlowObjects **objects, FlowError *error)
{
	return flow_objects_begin_known(host, location, access, pruner, NULL, objects, error);
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

/* Lists all files of a location at once, with what is known. */
static FlowStatus
list_all(const FlowHost *host, const FlowLocation *location, const FlowAccess *access,
         const FlowListLimits *limits, const FlowPruner *pruner, const FlowKnown *known,
         FlowObjects **objects, FlowError *error)
{
	FlowObjects *listed;
	FlowStatus status;

	if (access->store == NULL)
		return list_files(host, location, access, limits, pruner, known, objects, error);
	*objects = NULL;
	status = flow_objects_begin_known(host, location, access, pruner, known, &listed, error);
	if (status != FLOW_OK)
		return status;
	status = list_store(listed, error);
	return end_list(host, location, listed, status, objects, error);
}

/* Lists the files of a parsed location, sorted by path. */
FlowStatus
flow_objects_list_pruned(const FlowHost *host, const FlowLocation *location,
                         const FlowAccess *access, const FlowListLimits *limits,
                         const FlowPruner *pruner, FlowObjects **objects, FlowError *error)
{
	return list_all(host, location, access, limits, pruner, NULL, objects, error);
}

/* The same with what is known. */
FlowStatus
flow_objects_list_known(const FlowHost *host, const FlowLocation *location,
                        const FlowAccess *access, const FlowPruner *pruner, const FlowKnown *known,
                        FlowObjects **objects, FlowError *error)
{
	return list_all(host, location, access, NULL, pruner, known, objects, error);
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
