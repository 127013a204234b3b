/*-------------------------------------------------------------------------
 *
 * flow_store.h
 *	  Storages: how objects of a kind are listed and read.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_API_STORE_H
#define FLOW_API_STORE_H

#include "flow_object.h"

/* What a store has done so far. */
typedef struct FlowStoreCounts
{
	uint64_t requests; /* including repeated ones */
	uint64_t retries;  /* repeated ones among these */
} FlowStoreCounts;

/*
 * How objects of a kind are listed and read: local files (file.c), or those of
 * a FlowStore.  "store" is access->store.  A file is opened for one object,
 * which must outlive it, and read from its beginning.
 */
typedef struct FlowStorage
{
	/*
	 * As flow_objects_more, for a location.  The state of the listing is in
	 * *state, NULL at first; end_list frees it.
	 */
	FlowStatus (*list)(FlowStore *store, const FlowLocation *location, const FlowPruner *pruner,
	                   bool wait, void **state, FlowObjects *objects, FlowError *error);
	void (*end_list)(void *state);

	/*
	 * For processes that take turns in listing. suspend_list ends what is in
	 * progress, adds its objects to the list, and returns the rest as bytes
	 * from which resume_list goes on in another process; the host's "free"
	 * frees them.
	 */
	FlowStatus (*suspend_list)(void *state, FlowObjects *objects, char **bytes, size_t *len,
	                           FlowError *error);
	FlowStatus (*resume_list)(FlowStore *store, const FlowLocation *location,
	                          const FlowPruner *pruner, const char *bytes, size_t len, void **state,
	                          FlowError *error);

	FlowStatus (*open)(const FlowHost *host, const FlowAccess *access, const FlowObject *object,
	                   void **file, FlowError *error);
	void (*close)(void *file);

	/*
	 * Reads the next bytes: fewer than "capacity" only if the object ends
	 * there; *len is 0 at its end, after checking that it is the object that
	 * was listed.
	 */
	FlowStatus (*read)(void *file, void *buffer, size_t capacity, size_t *len, FlowError *error);
	uint64_t (*position)(const void *file);
	void (*seek)(void *file, uint64_t offset); /* past the end: to the end */
	/* FLOW_OK, or FLOW_CHANGED if it is not the object that was listed */
	FlowStatus (*unchanged)(void *file, FlowError *error);

	/*
	 * Objects are fetched ahead, in the order in which they are announced and
	 * then opened.  NULL: they are not.
	 */
	bool (*has_room)(const FlowStore *store); /* true if one more may be announced */
	FlowStatus (*announce)(FlowStore *store, const FlowObject *object, FlowError *error);
	void (*forget)(FlowStore *store); /* the announced objects will not be opened */
	/* closes connections; the next request makes new ones */
	void (*rest)(FlowStore *store);

	FlowStoreCounts (*counts)(const FlowStore *store);
	/*
	 * descriptors that it may have open at once, including the host's for
	 * waiting
	 */
	int (*descriptors)(const FlowStore *store);
	void (*free)(FlowStore *store);
} FlowStorage;

struct FlowStore
{
	const FlowStorage *storage;
};

#endif /* FLOW_API_STORE_H */
