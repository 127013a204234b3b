/*-------------------------------------------------------------------------
 *
 * flow_object.h
 *	  Objects, such as files, and lists of them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_API_OBJECT_H
#define FLOW_API_OBJECT_H

#include "flow_location.h"

/* A file to read, with its identity when it was listed. */
typedef struct FlowObject
{
	const char *path; /* NUL-terminated */
	uint64_t size;    /* bytes as stored */
	int64_t modified; /* nanoseconds since 1970 */
	uint64_t device;  /* st_dev */
	uint64_t inode;   /* st_ino */

	/*
	 * of one in a store, what tells this version of it from others (S3: the
	 * ETag), NUL-terminated; of a local file NULL
	 */
	const char *version;
	bool archived;   /* it is where it cannot be read from */
	uint64_t number; /* its place in the list, from 0 */
} FlowObject;

/*
 * What was left out of a list as nobody need read it; nothing of it was
 * opened.
 */
typedef struct FlowPruned
{
	uint64_t by_shard;         /* files of other shards */
	uint64_t by_path, by_time; /* files that a FlowPruner left out */
	uint64_t directories;      /* the same, with who knows how many files */
} FlowPruned;

static inline uint64_t
flow_pruned_files(const FlowPruned *pruned)
{
	return pruned->by_shard + pruned->by_path + pruned->by_time;
}

typedef struct FlowObjects
{
	FlowObject *items; /* in order of their paths' bytes, if they were listed at once */
	size_t count;
	uint64_t bytes;   /* sum of their sizes */
	uint64_t skipped; /* entries left out: hidden, empty, markers */
	bool complete;    /* false: a limit of FlowListLimits ended the listing, or it goes on */
	FlowPruned pruned;
	uint64_t directories_read;
} FlowObjects;

/*
 * Where objects lie that are no local files, and how they are read; see below.
 */
typedef struct FlowStore FlowStore;

/* What may be opened, and by whom. */
typedef struct FlowAccess
{
	/*
	 * The directories that may be read, as the administrator wrote them; count
	 * 0: all. Checked against what a path resolves to, at every open of a file
	 * or directory.
	 */
	const char *const *paths;
	size_t count;

	FlowStore *store; /* opens all objects; NULL: they are local files */
	bool glance;      /* no more than the first FLOW_PROBE_SIZE bytes of an object are wanted */
} FlowAccess;

#define FLOW_PROBE_SIZE (256 * 1024)

/*
 * For the planner: stop listing after so many entries, or so long. 0: no
 * limit.
 */
typedef struct FlowListLimits
{
	size_t entries;
	int64_t microseconds;
} FlowListLimits;

typedef enum FlowPruning
{
	FLOW_KEEP,
	FLOW_PRUNE_BY_PATH, /* by what is known of the file itself */
	FLOW_PRUNE_BY_TIME  /* by the time in its name; only of files */
} FlowPruning;

/*
 * What to leave out of a listing.  It is asked about each file, whose path and
 * other properties are known; and before that about each directory whose name
 * makes the value of a variable known, or more of it: "file" is NULL then, and
 * what it leaves out is never opened.  Values are by variable of the location.
 */
typedef struct FlowPruner
{
	void *arg;
	FlowStatus (*evaluate)(void *arg, const FlowObject *file, const FlowPathValue *values,
	                       FlowPruning *pruning, FlowError *error);
} FlowPruner;

/* in object.c */

/*
 * Lists the files of a location.  The list comes from the host's allocator, a
 * copy of its own, freed by flow_objects_free.
 */
extern FlowStatus flow_objects_list(const FlowHost *host, const char *location,
                                    const FlowAccess *access, const FlowListLimits *limits,
                                    FlowObjects **objects, FlowError *error);

/*
 * The same of a location that was parsed, without what is pruned; pruner may
 * be NULL.
 */
extern FlowStatus flow_objects_list_pruned(const FlowHost *host, const FlowLocation *location,
                                           const FlowAccess *access, const FlowListLimits *limits,
                                           const FlowPruner *pruner, FlowObjects **objects,
                                           FlowError *error);
extern void flow_objects_free(const FlowHost *host, FlowObjects *objects);

/*
 * Lists step by step: begins a list, which flow_objects_more makes longer
 * until it is complete.  A local location is listed at once.  What is given
 * must outlive the listing; objects stay where they are while it goes on.
 */
extern FlowStatus flow_objects_begin(const FlowHost *host, const FlowLocation *location,
                                     const FlowAccess *access, const FlowPruner *pruner,
                                     FlowObjects **objects, FlowError *error);

/*
 * Adds what has come since the last call, waiting for something if need be and
 * "wait" is set.  FLOW_OK; FLOW_END if nothing was added, be it because the
 * list is complete or, without "wait", because nothing has come.
 */
extern FlowStatus flow_objects_more(FlowObjects *objects, bool wait, FlowError *error);

/*
 * For one that was begun: goes on where another process has stopped, and stops
 * for another one; see FlowStorage.
 */
extern FlowStatus flow_objects_resume(FlowObjects *objects, const char *bytes, size_t len,
                                      FlowError *error);
extern FlowStatus flow_objects_suspend(FlowObjects *objects, char **bytes, size_t *len,
                                       FlowError *error);

#endif /* FLOW_API_OBJECT_H */
