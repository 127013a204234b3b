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
 * A file that was opened is first read up to this number of bytes, to detect
 * its format.
 */
#define FLOW_HEAD_SIZE 4096

/* A range of an object's bytes that will probably be read. */
typedef struct FlowRange
{
	uint64_t offset, size;
	/*
	 * Ranges of the same step are read side by side, each from its beginning
	 * to its end, although parts may be left out.  Those of the next step are
	 * read after them.
	 */
	uint32_t step;
	bool shared; /* its bytes are read more than once */
} FlowRange;

/*
 * How objects of a kind are listed and read: local files (file.c), or those of
 * a FlowStore.  "store" is access->store.  A file is opened for one object,
 * which must outlive it, and read from its beginning, or by ranges.
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
	 * Checks that the location may be listed, by a request for one name; it
	 * need not exist.
	 */
	FlowStatus (*check_list)(FlowStore *store, const FlowLocation *location, FlowError *error);

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

	/*
	 * Reads exactly "len" bytes, which are inside the object, wherever they
	 * are.  FLOW_CHANGED if they are not there any more.  It does not check
	 * whether the object has changed otherwise, and may follow what was read
	 * by "read", but not precede it.
	 */
	FlowStatus (*read_range)(void *file, uint64_t offset, void *buffer, size_t len,
	                         FlowError *error);
	/*
	 * Announces ranges, sorted by step and offset, in place of those that were
	 * announced before.  Other bytes can be read, too, but probably take
	 * longer.  NULL: it is of no use.
	 */
	FlowStatus (*plan)(void *file, const FlowRange *ranges, size_t count, FlowError *error);
	/* number of bytes at the end of an object that are best read at once */
	size_t tail_size;
	/* bytes that were read or requested, each as often as it was */
	uint64_t (*bytes_read)(const void *file);

	/* FLOW_OK, or FLOW_CHANGED if it is not the object that was listed */
	FlowStatus (*unchanged)(void *file, FlowError *error);

	/*
	 * Objects are fetched ahead, in the order in which they are announced and
	 * then opened.  NULL: they are not.
	 */
	bool (*has_room)(const FlowStore *store); /* true if one more may be announced */
	/* "glance": only its first FLOW_PROBE_SIZE bytes are wanted */
	FlowStatus (*announce)(FlowStore *store, const FlowObject *object, bool glance,
	                       FlowError *error);
	/*
	 * Returns true if an announced object is known as one that is read by
	 * ranges, and can be opened, and both of its ends read, without waiting.
	 */
	bool (*has_ends)(const FlowStore *store, const FlowObject *object);
	void (*forget)(FlowStore *store); /* the announced objects will not be opened */
	/* closes connections; the next request makes new ones */
	void (*rest)(FlowStore *store);

	FlowStoreCounts (*counts)(const FlowStore *store);
	/*
	 * descriptors that it may have open at once besides connections, including
	 * the host's for waiting
	 */
	int (*descriptors)(const FlowStore *store);
	void (*free)(FlowStore *store);
} FlowStorage;

struct FlowStore
{
	const FlowStorage *storage;
};

#endif /* FLOW_API_STORE_H */
