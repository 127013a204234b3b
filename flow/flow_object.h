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
	/*
	 * when a local file or what is known of it was last changed (st_ctime), in
	 * nanoseconds since 1970; 0: not known
	 */
	int64_t changed;
	uint64_t device; /* st_dev */
	uint64_t inode;  /* st_ino */

	/*
	 * of an object in a store, the identifier of this version (S3: the ETag),
	 * NUL-terminated; NULL for a local file
	 */
	const char *version;
	bool archived; /* in an archive, from which it cannot be read */
	/*
	 * it is known from an earlier list; a local file is then recognised by
	 * size and time alone, as device and inode may have other numbers by now
	 */
	bool settled;
	uint64_t number; /* its position in the list, from 0 */
} FlowObject;

/*
 * What was left out of a list because it cannot matter; nothing of it was
 * opened.
 */
typedef struct FlowPruned
{
	uint64_t by_shard;         /* files of other shards */
	uint64_t by_path, by_time; /* files that a FlowPruner left out */
	uint64_t by_index;
	uint64_t directories; /* directories pruned; their files are not counted */
} FlowPruned;

static inline uint64_t
flow_pruned_files(const FlowPruned *pruned)
{
	return pruned->by_shard + pruned->by_path + pruned->by_time + pruned->by_index;
}

typedef struct FlowObjects
{
	FlowObject *items; /* in byte order of their paths, if they were listed at once */
	size_t count;
	uint64_t bytes;    /* sum of their sizes */
	uint64_t skipped;  /* entries left out: hidden, empty, markers */
	uint64_t known;    /* files that came from an earlier list, pruned ones included */
	uint64_t answered; /* files that are not to be read, as an index has what is wanted of them */
	uint64_t not_indexed; /* of the items: those that an index of the table does not cover */
	bool complete;        /* false: a limit of FlowListLimits ended the listing, or it continues */
	FlowPruned pruned;
	uint64_t directories_read;
} FlowObjects;

/*
 * A store of objects that are not local files, and how they are read; see
 * flow_store.h.
 */
typedef struct FlowStore FlowStore;

/* What may be opened, and how. */
typedef struct FlowAccess
{
	/*
	 * The directories that may be read, as the administrator wrote them; count
	 * 0: all.  Checked against the resolved path at every open of a file or
	 * directory.
	 */
	const char *const *paths;
	size_t count;

	FlowStore *store; /* opens all objects; NULL: they are local files */
	bool glance;      /* only the first FLOW_PROBE_SIZE bytes of an object are wanted */
} FlowAccess;

#define FLOW_PROBE_SIZE (256 * 1024)

/*
 * For the planner: stop listing after this number of entries, or this time.  A
 * 0 means no limit.
 */
typedef struct FlowListLimits
{
	size_t entries;
	int64_t microseconds;
} FlowListLimits;

typedef enum FlowPruning
{
	FLOW_KEEP,
	FLOW_KEEP_UNINDEXED, /* an index of the table does not cover it; only of files */
	FLOW_PRUNE_BY_PATH,  /* by the properties of the file itself */
	FLOW_PRUNE_BY_TIME,  /* by the time in its name; only of files */
	FLOW_PRUNE_BY_INDEX, /* by the values in it; only of files */
	FLOW_ANSWER_BY_INDEX /* what is wanted of it is in an index; only of files */
} FlowPruning;

/*
 * Decides what to leave out of a listing.  It is called for each file, whose
 * path and other properties are known; and before that for each directory
 * whose name adds to what is known of a variable's value: "file" is then NULL,
 * and a directory left out is never opened.  Values are by variable of the
 * location.
 */
typedef struct FlowPruner
{
	void *arg;
	FlowStatus (*evaluate)(void *arg, const FlowObject *file, const FlowPathValue *values,
	                       FlowPruning *pruning, FlowError *error);
} FlowPruner;

/* in object_list.c and object.c */

/*
 * Lists the files of a location.  The list is allocated by the host's
 * allocator, contains copies only, and is freed by flow_objects_free.
 */
extern FlowStatus flow_objects_list(const FlowHost *host, const char *location,
                                    const FlowAccess *access, const FlowListLimits *limits,
                                    FlowObjects **objects, FlowError *error);

/*
 * The same for a parsed location, without what is pruned; pruner may be NULL.
 */
extern FlowStatus flow_objects_list_pruned(const FlowHost *host, const FlowLocation *location,
                                           const FlowAccess *access, const FlowListLimits *limits,
                                           const FlowPruner *pruner, FlowObjects **objects,
                                           FlowError *error);
extern void flow_objects_free(const FlowHost *host, FlowObjects *objects);

/*
 * Begins a list, which flow_objects_more extends until it is complete.  A
 * local location is listed at once.  The arguments must outlive the listing;
 * objects keep their addresses while it continues.
 */
extern FlowStatus flow_objects_begin(const FlowHost *host, const FlowLocation *location,
                                     const FlowAccess *access, const FlowPruner *pruner,
                                     FlowObjects **objects, FlowError *error);

/*
 * What is known of a location with folders of days from an earlier list.  Files
 * and directories of days before a time are then not looked for.
 */
typedef struct FlowKnown
{
	int64_t before; /* the beginning of a day, in microseconds since 1970 */
	bool all;       /* no other files are wanted, so nothing is listed */
	/*
	 * adds the files of these days by flow_objects_add_known; NULL: another
	 * process has done so
	 */
	FlowStatus (*add)(void *arg, FlowObjects *objects, FlowError *error);
	void *arg;
} FlowKnown;

/*
 * The same as flow_objects_begin with what is known, which is NULL if that is
 * nothing.  Where nothing is listed, it is still checked that the location may
 * be: by a request for one name, or by opening its fixed part.
 */
extern FlowStatus flow_objects_begin_known(const FlowHost *host, const FlowLocation *location,
                                           const FlowAccess *access, const FlowPruner *pruner,
                                           const FlowKnown *known, FlowObjects **objects,
                                           FlowError *error);

/* Lists all files at once, in byte order of their paths. */
extern FlowStatus flow_objects_list_known(const FlowHost *host, const FlowLocation *location,
                                          const FlowAccess *access, const FlowPruner *pruner,
                                          const FlowKnown *known, FlowObjects **objects,
                                          FlowError *error);

/*
 * Sets *keep to false if none of the files of a day is to be read, and counts
 * it as a directory then.  The day begins at "from".
 */
extern FlowStatus flow_objects_prune_day(FlowObjects *objects, int64_t from, bool *keep,
                                         FlowError *error);

/*
 * Adds an object of an earlier list, unless it or its directory is pruned, or
 * it is none of the location's, or of days that are listed.
 */
extern FlowStatus flow_objects_add_known(const FlowHost *host, FlowObjects *objects,
                                         const FlowObject *object, FlowError *error);

/*
 * Adds the objects that have arrived since the last call; with "wait", waits
 * for some if necessary.  FLOW_OK; FLOW_END if nothing was added, because the
 * list is complete or, without "wait", because nothing has arrived.
 */
extern FlowStatus flow_objects_more(FlowObjects *objects, bool wait, FlowError *error);

/*
 * For a list that was begun: continues where another process stopped, and
 * stops so that another process can continue; see FlowStorage.
 */
extern FlowStatus flow_objects_resume(FlowObjects *objects, const char *bytes, size_t len,
                                      FlowError *error);
extern FlowStatus flow_objects_suspend(FlowObjects *objects, char **bytes, size_t *len,
                                       FlowError *error);

/* in bytes/file.c */

/*
 * Returns true if a local file is still the listed one.  Unlike what is
 * checked while a file is read, this includes the time of its last change.
 */
extern bool flow_object_is_unchanged(const FlowObject *object);

#endif /* FLOW_API_OBJECT_H */
