/*-------------------------------------------------------------------------
 *
 * shared_list.c
 *	  The list of a store's objects that processes share, and that grows as
 *	  they need it.
 *
 * A bucket may have a million objects, and a request lists a thousand, so no
 * process waits for the end of the list: a process that runs out of objects
 * continues the listing, one process at a time, and shares what it finds.  The
 * state of the listing is passed from process to process as bytes, so it does
 * not matter which of them continues, nor what happens to it afterwards; a
 * leader that only gathers rows delays no process.
 *
 * What one step has found is a batch in dynamic shared memory, which never
 * changes again.  Each process has an array of the objects in the batches that
 * it has come to; their texts stay in the batch.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include "storage/lwlock.h"
#include "storage/spin.h"
#include "utils/dsa.h"

/* for another process's step, which takes as long as a store's answer */
#define WAIT_MS 5
#define FIRST_OBJECTS 1024

typedef struct BatchObject
{
	uint64 path;    /* offset in the batch */
	uint64 version; /* offset in the batch; 0: none */
	uint64 size;
	int64 modified;
	bool archived;
	bool settled;
} BatchObject;

typedef struct Batch
{
	dsa_pointer next;
	uint64 count;
	BatchObject objects[FLEXIBLE_ARRAY_MEMBER]; /* followed by their texts */
} Batch;

struct FlowlogSharedList
{
	dsa_handle area;
	/*
	 * The mutex is held for a few loads and stores only.  Nothing may be
	 * called then that could raise an error, such as dsa_get_address, which
	 * maps memory.
	 */
	slock_t mutex;
	bool complete; /* all is listed */
	uint64 next;   /* the next object to be handed out */

	/*
	 * A process is listing.  If that fails, this stays set, and the error ends
	 * the query: waiting processes are interrupted then.
	 */
	bool listing;

	/*
	 * Read and set by the process that is listing.  It has held the mutex when
	 * it began, so it sees what its predecessor set.
	 */
	bool begun;
	/*
	 * files of days before it are in the first batch, and not listed (see
	 * FlowKnown); PG_INT64_MIN: none are
	 */
	int64 known_before;
	dsa_pointer last;
	/*
	 * the state of the listing, as bytes; InvalidDsaPointer before the first
	 * step
	 */
	dsa_pointer left;
	uint64 left_len;

	/*
	 * Set while the mutex is held, together with the batches that are counted
	 * here: a process that has read the sum while holding it may then read
	 * these batches, and the links to them, without it.
	 */
	FlowlogListed sum;
	dsa_pointer first;
};

struct FlowlogListView
{
	FlowlogScan *scan;
	FlowlogSharedList *shared;
	dsa_area *area;
	bool prepared;            /* this process has listed */
	const FlowPruner *pruner; /* NULL: nothing is pruned */
	FlowObjects objects;      /* of the batches so far */
	size_t capacity;
	dsa_pointer batch; /* the last batch whose objects are among these */
};

/* ---------- a process's view ---------- */

Size
flowlog_shared_list_size(void)
{
	return MAXALIGN(sizeof(FlowlogSharedList));
}

/*
 * Makes the view.  It belongs to the scan's memory context, as does the
 * mapping of the shared memory with the list.
 */
static FlowlogListView *
make_view(FlowlogScan *scan, FlowlogSharedList *shared, dsa_area *area)
{
	FlowlogListView *view = MemoryContextAllocZero(scan->context, sizeof(FlowlogListView));

	view->scan = scan;
	view->shared = shared;
	view->area = area;
	return view;
}

/* Makes a worker's view of a list. */
FlowlogListView *
flowlog_shared_list_attach(FlowlogScan *scan, FlowlogSharedList *shared)
{
	MemoryContext old = MemoryContextSwitchTo(scan->context);
	dsa_area *area = dsa_attach(shared->area);
	FlowlogListView *view;

	dsa_pin_mapping(area);
	view = make_view(scan, shared, area);
	MemoryContextSwitchTo(old);
	return view;
}

/* Detaches from the list's memory; accepts NULL. */
void
flowlog_shared_list_release(FlowlogListView *view)
{
	if (view != NULL && view->area != NULL)
		dsa_detach(view->area);
}

const FlowObjects *
flowlog_shared_list_objects(const FlowlogListView *view)
{
	return &view->objects;
}

/*
 * Makes room for "more" more objects.  An array that has become too small is
 * not freed: the caller may hold one of its objects.
 */
static void
make_room(FlowlogListView *view, size_t more)
{
	size_t capacity = Max(view->capacity, FIRST_OBJECTS);
	FlowObject *items;

	while (capacity < view->objects.count + more)
		capacity *= 2;
	if (capacity == view->capacity)
		return;
	items = MemoryContextAllocHuge(view->scan->context, capacity * sizeof(FlowObject));
	if (view->objects.count > 0)
		memcpy(items, view->objects.items, view->objects.count * sizeof(FlowObject));
	view->objects.items = items;
	view->capacity = capacity;
}

/*
 * Takes the next batch into the view; the sum says that there is one.  May
 * raise errors, as it maps and allocates memory.
 */
static void
take_batch(void *arg)
{
	FlowlogListView *view = arg;
	dsa_pointer pointer;
	Batch *batch;

	if (view->batch == InvalidDsaPointer)
		pointer = view->shared->first;
	else
		pointer = ((Batch *) dsa_get_address(view->area, view->batch))->next;
	batch = dsa_get_address(view->area, pointer);
	make_room(view, batch->count);
	for (uint64 i = 0; i < batch->count; i++)
	{
		const BatchObject *object = &batch->objects[i];

		view->objects.items[view->objects.count] = (FlowObject) {
			.path = (const char *) batch + object->path,
			.size = object->size,
			.modified = object->modified,
			.version = object->version == 0 ? NULL : (const char *) batch + object->version,
			.archived = object->archived,
			.settled = object->settled,
			.number = view->objects.count,
		};
		view->objects.count++;
	}
	view->batch = pointer;
}

/* ---------- continuing the listing ---------- */

/* Returns the size of a batch with these objects. */
static Size
size_of_batch(const FlowObjects *found)
{
	Size size = offsetof(Batch, objects) + found->count * sizeof(BatchObject);

	for (size_t i = 0; i < found->count; i++)
	{
		size += strlen(found->items[i].path) + 1;
		if (found->items[i].version != NULL)
			size += strlen(found->items[i].version) + 1;
	}
	return size;
}

/* Copies a text into shared memory, and returns its offset. */
uint64
flowlog_shared_text(void *base, Size *used, const char *text)
{
	Size at = *used;
	Size len = strlen(text) + 1;

	memcpy((char *) base + at, text, len);
	*used += len;
	return at;
}

/* Makes a batch of these objects. */
static dsa_pointer
make_batch(dsa_area *area, const FlowObjects *found)
{
	dsa_pointer pointer = dsa_allocate_extended(area, size_of_batch(found), DSA_ALLOC_HUGE);
	Batch *batch = dsa_get_address(area, pointer);
	Size used = offsetof(Batch, objects) + found->count * sizeof(BatchObject);

	batch->next = InvalidDsaPointer;
	batch->count = found->count;
	for (size_t i = 0; i < found->count; i++)
	{
		const FlowObject *object = &found->items[i];

		batch->objects[i] = (BatchObject) {
			.path = flowlog_shared_text(batch, &used, object->path),
			.version =
				object->version == NULL ? 0 : flowlog_shared_text(batch, &used, object->version),
			.size = object->size,
			.modified = object->modified,
			.archived = object->archived,
			.settled = object->settled,
		};
	}
	return pointer;
}

/* Where a step begins, what it has found, and the state it has left. */
typedef struct Step
{
	FlowlogListView *view;
	const char *begin; /* NULL: at the start of the list */
	size_t begin_len;
	const FlowObjects *found;
	const char *left; /* NULL: the listing itself has not begun */
	size_t left_len;
} Step;

/*
 * Finds where the last step has ended.  May raise errors, as it maps memory.
 */
static void
find_begin(void *arg)
{
	Step *step = arg;
	const FlowlogSharedList *shared = step->view->shared;

	if (shared->left == InvalidDsaPointer)
		return;
	step->begin = dsa_get_address(step->view->area, shared->left);
	step->begin_len = shared->left_len;
}

/*
 * Shares what a step has found.  May raise errors, as shared memory may be
 * exhausted.
 */
static void
publish(void *arg)
{
	const Step *step = arg;
	FlowlogSharedList *shared = step->view->shared;
	dsa_area *area = step->view->area;
	dsa_pointer batch = step->found->count > 0 ? make_batch(area, step->found) : InvalidDsaPointer;
	dsa_pointer left = InvalidDsaPointer;
	dsa_pointer old = shared->left;
	dsa_pointer *link = &shared->first;
	bool has_index = flowlog_prune_uses_index(step->view->scan->prune);

	if (step->left != NULL)
	{
		left = dsa_allocate_extended(area, step->left_len, DSA_ALLOC_HUGE);
		memcpy(dsa_get_address(area, left), step->left, step->left_len);
	}
	if (shared->last != InvalidDsaPointer)
		link = &((Batch *) dsa_get_address(area, shared->last))->next;

	SpinLockAcquire(&shared->mutex);
	if (batch != InvalidDsaPointer)
		*link = shared->last = batch;
	shared->sum.objects += step->found->count;
	shared->sum.bytes += step->found->bytes;
	shared->sum.skipped += step->found->skipped;
	shared->sum.known += step->found->known;
	shared->sum.answered += step->found->answered;
	shared->sum.not_indexed += step->found->not_indexed;
	shared->sum.pruned.by_shard += step->found->pruned.by_shard;
	shared->sum.pruned.by_path += step->found->pruned.by_path;
	shared->sum.pruned.by_time += step->found->pruned.by_time;
	shared->sum.pruned.by_index += step->found->pruned.by_index;
	shared->sum.pruned.directories += step->found->pruned.directories;
	shared->sum.has_index |= has_index;
	shared->left = left;
	shared->left_len = step->left_len;
	shared->complete = step->found->complete;
	shared->listing = false;
	SpinLockRelease(&shared->mutex);
	if (old != InvalidDsaPointer)
		dsa_free(area, old);
}

/* Continues where the last step has ended, until something new is found. */
static FlowStatus
find_more(const Step *step, FlowObjects *found, FlowError *error)
{
	FlowStatus status = FLOW_OK;

	if (step->begin != NULL)
		status = flow_objects_resume(found, step->begin, step->begin_len, error);
	if (status == FLOW_OK)
		status = flow_objects_more(found, true, error);
	return status == FLOW_END ? FLOW_OK : status;
}

/*
 * Makes the first batch, of what the catalogue has.  Returns false if it has
 * nothing.
 */
static bool
add_known(FlowlogListView *view)
{
	FlowlogScan *scan = view->scan;
	const FlowHost *host = &scan->backend.host;
	FlowAccess access = {.store = scan->store};
	const FlowKnown *known = flowlog_known_begin(scan, view->pruner);
	Step step = {.view = view};
	FlowObjects *found;
	FlowError error;

	view->shared->known_before = known != NULL ? known->before : PG_INT64_MIN;
	if (known == NULL)
		return false;
	if (flow_objects_begin_known(
			host, scan->table->location, &access, view->pruner, known, &found, &error) != FLOW_OK)
		flowlog_raise(&scan->backend, &error, scan->table);
	step.found = found;
	publish(&step);
	flow_objects_free(host, found);
	return true;
}

/* What a process does before its first step. */
typedef struct Preparation
{
	FlowlogListView *view;
	bool published; /* a batch, which is a step */
} Preparation;

/*
 * Makes what prunes the listing, when it is known what the scan looks for, and
 * begins the list unless another process has.  May raise errors.
 */
static void
prepare(void *arg)
{
	Preparation *preparation = arg;
	FlowlogListView *view = preparation->view;
	FlowlogScan *scan = view->scan;
	MemoryContext old = MemoryContextSwitchTo(scan->context);

	flowlog_prune_set_filter(scan->prune, scan->filter);
	view->pruner = flowlog_prune_begin(scan->prune);
	view->prepared = true;
	if (!view->shared->begun)
	{
		view->shared->begun = true;
		preparation->published = add_known(view);
	}
	MemoryContextSwitchTo(old);
}

/* Does one step of the listing, and shares what it finds. */
static FlowStatus
list_on(FlowlogListView *view, FlowError *error)
{
	FlowlogScan *scan = view->scan;
	const FlowHost *host = &scan->backend.host;
	FlowAccess access = {.store = scan->store};
	FlowKnown known = {.before = PG_INT64_MIN};
	Preparation preparation = {.view = view};
	Step step = {.view = view};
	FlowObjects *found;
	FlowStatus status;
	char *left = NULL;

	if (!view->prepared && !flowlog_backend_call(&scan->backend, prepare, &preparation))
		return flowlog_backend_interrupted(error);
	if (preparation.published)
		return FLOW_OK;
	known.before = view->shared->known_before;
	if (!flowlog_backend_call(&scan->backend, find_begin, &step))
		return flowlog_backend_interrupted(error);
	status = flow_objects_begin_known(
		host, scan->table->location, &access, view->pruner, &known, &found, error);
	if (status != FLOW_OK)
		return status;
	status = find_more(&step, found, error);
	if (status == FLOW_OK)
		status = flow_objects_suspend(found, &left, &step.left_len, error);
	if (status == FLOW_OK)
	{
		step.found = found;
		step.left = left;
		if (!flowlog_backend_call(&scan->backend, publish, &step))
			status = flowlog_backend_interrupted(error);
		host->free(host->arg, left);
	}
	flow_objects_free(host, found);
	return status;
}

/* ---------- the leader ---------- */

/* Makes a list, and the leader's view. */
FlowlogListView *
flowlog_shared_list_create(FlowlogScan *scan, FlowlogSharedList *shared)
{
	MemoryContext old = MemoryContextSwitchTo(scan->context);
	dsa_area *area = dsa_create(LWTRANCHE_PARALLEL_QUERY_DSA);
	FlowlogListView *view;

	dsa_pin_mapping(area);
	memset(shared, 0, sizeof(*shared));
	SpinLockInit(&shared->mutex);
	shared->area = dsa_get_handle(area);
	view = make_view(scan, shared, area);
	MemoryContextSwitchTo(old);
	return view;
}

/* ---------- handing out ---------- */

/*
 * Takes the next object that no process has taken.  If there is none yet, this
 * process continues the listing, or waits for the one that does so.
 */
FlowStatus
flowlog_shared_list_next(FlowlogListView *view, bool wait, uint64 *number, FlowError *error)
{
	FlowlogSharedList *shared = view->shared;
	const FlowHost *host = &view->scan->backend.host;
	FlowStatus status;

	for (;;)
	{
		bool taken;
		bool complete;
		bool mine = false;

		SpinLockAcquire(&shared->mutex);
		taken = shared->next < shared->sum.objects;
		complete = shared->complete;
		if (taken)
			*number = shared->next++;
		else if (wait && !complete && !shared->listing)
			mine = shared->listing = true;
		SpinLockRelease(&shared->mutex);

		if (taken)
			break;
		if (complete || !wait)
			return FLOW_END;
		if (mine)
		{
			if ((status = list_on(view, error)) != FLOW_OK)
				return status; /* ends the query, for waiting processes, too */
			continue;
		}
		if (host->interrupted(host->arg))
			return flowlog_backend_interrupted(error);
		host->wait(host->arg, WAIT_MS);
	}

	while (view->objects.count <= *number)
		if (!flowlog_backend_call(&view->scan->backend, take_batch, view))
			return flowlog_backend_interrupted(error);
	return FLOW_OK;
}

/* Returns the number of objects handed out. */
uint64
flowlog_shared_list_taken(FlowlogSharedList *shared)
{
	uint64 taken;

	SpinLockAcquire(&shared->mutex);
	taken = shared->next;
	SpinLockRelease(&shared->mutex);
	return taken;
}

void
flowlog_shared_list_rewind(FlowlogSharedList *shared)
{
	shared->next = 0;
}

/* Returns the sums of all that is listed so far. */
FlowlogListed
flowlog_shared_list_sum(FlowlogSharedList *shared, bool *complete)
{
	FlowlogListed sum;

	SpinLockAcquire(&shared->mutex);
	sum = shared->sum;
	*complete = shared->complete;
	SpinLockRelease(&shared->mutex);
	return sum;
}
