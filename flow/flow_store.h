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
	uint64_t requests; /* those that were repeated included */
	uint64_t retries;  /* of these, repeated ones */
} FlowStoreCounts;

/*
 * How objects of a kind are listed and read: local files (file.c), or those of
 * a FlowStore.  "store" is access->store. A file is opened for one object,
 * which must outlive it, and read from its beginning.
 */
typedef struct FlowStorage
{
	/*
	 * As flow_objects_more, for a location whose listing goes on in *state,
	 * NULL at first; end_list frees that.
	 */
	FlowStatus (*list)(FlowStore *store, const FlowLocation *location, const FlowPruner *pruner,
	                   bool wait, void **state, FlowObjects *objects, FlowError *error);
	void (*end_list)(void *state);

	/*
	 * Where processes take turns in listing: ends what is under way, of which
	 * the objects are added to the list, and makes bytes of what is left,
	 * which another process can go on with; they are freed by the host's
	 * "free".
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
	 * Reads on: fewer than "capacity" bytes only if the object ends there;
	 * *len 0 at its end, once it was seen to be what was listed.
	 */
	FlowStatus (*read)(void *file, void *buffer, size_t capacity, size_t *len, FlowError *error);
	uint64_t (*position)(const void *file);
	void (*seek)(void *file, uint64_t offset); /* behind the end: to the end */
	/* FLOW_OK, or FLOW_CHANGED: it is not what was listed */
	FlowStatus (*unchanged)(void *file, FlowError *error);

	/*
	 * Objects are fetched before their turn, in the order in which they are
	 * announced and then opened.  NULL: they are not.
	 */
	bool (*has_room)(const FlowStore *store); /* may one more be announced? */
	FlowStatus (*announce)(FlowStore *store, const FlowObject *object, FlowError *error);
	void (*forget)(FlowStore *store); /* what was announced will not be opened */
	/* closes connections; what is asked for next makes new ones */
	void (*rest)(FlowStore *store);

	FlowStoreCounts (*counts)(const FlowStore *store);
	/* that it may have open at once, and the host to wait for them */
	int (*descriptors)(const FlowStore *store);
	void (*free)(FlowStore *store);
} FlowStorage;

struct FlowStore
{
	const FlowStorage *storage;
};

#endif /* FLOW_API_STORE_H */
