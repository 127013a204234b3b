/*-------------------------------------------------------------------------
 *
 * objects.h
 *	  Lists of objects, as the files that list and collect objects share them.
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

/* The struct behind every FlowObjects that is handed out. */
typedef struct FlowObjectList
{
	FlowObjects objects; /* must be first */
	size_t capacity;
	FlowObjectChunk *chunks; /* the first is in use */

	const FlowLocation *location;
	const FlowPruner *pruner;
	/* files of days that end until then come from an earlier list; or INT64_MIN */
	int64_t known_before;
	/* the directory of the last of these files, and whether it is kept */
	char *known_directory;
	size_t known_len, known_size;
	bool known_keep;

	/* of a list that grows */
	FlowAccess access;
	void *listing;           /* the state of the store's listing */
	size_t summed;           /* objects whose sizes are included in "bytes" */
	FlowObjectArray *arrays; /* outgrown arrays of items, to which there may be pointers */
} FlowObjectList;

/* ---------- object.c: the list of files ---------- */

/*
 * Makes an empty list; NULL if memory is short.  Freed by flow_objects_free.
 */
extern FlowObjects *flow_objects_create(const FlowHost *host);

/*
 * Sets *keep to true if a file of the location is to be read; if not, counts
 * it by the reason.  Values are by variable of the location, if it has any;
 * pruner may be NULL.
 */
extern FlowStatus flow_objects_prune(FlowObjects *objects, const FlowLocation *location,
                                     const FlowPruner *pruner, const FlowObject *file,
                                     const FlowPathValue *values, bool *keep, FlowError *error);

/*
 * The same for everything in a directory, whose name added to the known
 * values.
 */
extern FlowStatus flow_objects_prune_directory(FlowObjects *objects, const FlowPruner *pruner,
                                               const FlowPathValue *values, bool *keep,
                                               FlowError *error);

/* Appends a copy of an object, path and version included. */
extern FlowStatus flow_objects_add(const FlowHost *host, FlowObjects *objects,
                                   const FlowObject *object, FlowError *error);

/* shard.c: which files belong to a shard */

/*
 * Returns true if the file with this complete path is in the location's shard.
 */
extern bool flow_shard_holds(const FlowLocation *location, const char *path);

/* ---------- file_list.c: walks local directories ---------- */

/*
 * Adds the files of a location, in no order, and counts in *objects what was
 * left out. limits and pruner may be NULL.
 */
extern FlowStatus flow_file_list(const FlowHost *host, const FlowLocation *location,
                                 const FlowAccess *access, const FlowListLimits *limits,
                                 const FlowPruner *pruner, FlowObjects *objects, FlowError *error);

/*
 * Checks that the fixed part of a location is there and may be read, where
 * nothing of it needs to be listed.
 */
extern FlowStatus flow_file_check(const FlowHost *host, const FlowLocation *location,
                                  const FlowAccess *access, FlowError *error);

#endif /* FLOW_OBJECTS_H */
