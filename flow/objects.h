/*-------------------------------------------------------------------------
 *
 * objects.h
 *	  What the files that list and collect objects share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_OBJECTS_H
#define FLOW_OBJECTS_H

#include "internal.h"

typedef struct FlowObjectChunk
{
	struct FlowObjectChunk *next;
	size_t used, size; /* of bytes */
	char bytes[];
} FlowObjectChunk;

typedef struct FlowObjectArray
{
	struct FlowObjectArray *next;
	FlowObject items[];
} FlowObjectArray;

/* What a FlowObjects that we gave out really is. */
typedef struct FlowObjectList
{
	FlowObjects objects; /* must be first */
	size_t capacity;
	FlowObjectChunk *chunks; /* the one in use is first */

	/* of one that grows */
	FlowAccess access;
	const FlowLocation *location;
	const FlowPruner *pruner;
	void *listing;           /* the store's */
	size_t summed;           /* objects whose sizes are in "bytes" */
	FlowObjectArray *arrays; /* of items that became too small, in which somebody may hold one */
} FlowObjectList;

/* ---------- object.c: the list of files ---------- */

/* An empty list; NULL: no memory.  Freed by flow_objects_free. */
extern FlowObjects *flow_objects_create(const FlowHost *host);

/*
 * Is a file that the location means to be read?  If not, counts why.  Values
 * are by variable of the location, if it has any; pruner may be NULL.
 */
extern FlowStatus flow_objects_prune(FlowObjects *objects, const FlowLocation *location,
                                     const FlowPruner *pruner, const FlowObject *file,
                                     const FlowPathValue *values, bool *keep, FlowError *error);

/*
 * The same of all that is in a directory of which more values have become
 * known.
 */
extern FlowStatus flow_objects_prune_directory(FlowObjects *objects, const FlowPruner *pruner,
                                               const FlowPathValue *values, bool *keep,
                                               FlowError *error);

/* Appends a copy of an object, path and version included. */
extern FlowStatus flow_objects_add(const FlowHost *host, FlowObjects *objects,
                                   const FlowObject *object, FlowError *error);

/* ---------- shard.c: which files are whose ---------- */

/* Is a file, of which this is the whole path, in the location's shard? */
extern bool flow_shard_holds(const FlowLocation *location, const char *path);

/* ---------- file_list.c: walks local directories ---------- */

/*
 * Adds the files of a location, in no order, and counts in *objects what was
 * left out.  limits and pruner may be NULL.
 */
extern FlowStatus flow_file_list(const FlowHost *host, const FlowLocation *location,
                                 const FlowAccess *access, const FlowListLimits *limits,
                                 const FlowPruner *pruner, FlowObjects *objects, FlowError *error);

#endif /* FLOW_OBJECTS_H */
