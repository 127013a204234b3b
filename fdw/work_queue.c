/*-------------------------------------------------------------------------
 *
 * work_queue.c
 *	  What the processes of a parallel scan share: the work, and the sums of
 *	  what each of them has counted.
 *
 * The leader lists the files, so that all processes read the same ones, and
 * cuts them into units: a compressed file is one unit, others are cut at
 * multiples of a size.  A process that needs work takes the next unit.
 *
 * All this lives in a segment of dynamic shared memory of our own, as EXPLAIN
 * and the warning of rejects come when the query's segment is gone.  The
 * query's segment contains only the handle of ours.  The mapping belongs to
 * the scan's memory context, as everything does that a scan holds (see
 * scan.c).
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/dsm.h"
#include "storage/spin.h"

/*
 * Units are a 32nd of the whole, so that all processes end at about the same
 * time, within these bounds: opening a file for each unit must not cost much,
 * nor must the last unit take long.
 */
#define UNITS_WANTED 32
#define MIN_UNIT FLOW_PART_ALIGN
#define MAX_UNIT (16 * 1024 * 1024)

/* a smaller Parquet file is one unit: whoever takes a part of it reads its footer */
#define MIN_PARQUET_CUT (16 * 1024 * 1024)

/* for the process that settles the list */
#define WAIT_MS 5

#define NO_VERSION PG_UINT64_MAX

/*
 * A file (see FlowObject).  Its path and version are offsets in the texts that
 * follow the objects.
 */
typedef struct SharedObject
{
	uint64 path;
	uint64 version; /* offset, or NO_VERSION */
	uint64 size;
	int64 modified;
	int64 changed;
	uint64 device;
	uint64 inode;
	uint64 first_unit;
	uint64 units; /* 0: it is not read */
	bool archived;
	bool settled;
} SharedObject;

/* The first reject (see FlowReject). */
typedef struct SharedReject
{
	bool known;
	uint64 object;
	uint64 part;
	uint64 line;
	char reason[sizeof(((FlowError *) 0)->detail)];
	char hint[sizeof(((FlowError *) 0)->hint)];
} SharedReject;

/* Whether it is known which files are read. */
typedef enum ListState
{
	SETTLED,
	UNSETTLED,
	BEING_SETTLED /* if that fails, the error ends the query */
} ListState;

typedef struct Shared
{
	/*
	 * set by the leader before workers start, or by the process that settles
	 * the list before any reads; bytes_before also before a rescan
	 */
	uint64 nobjects;
	uint64 nread; /* of them, to be read */
	uint64 bytes;
	uint64 bytes_before; /* see flowlog_queue_bytes_before */
	uint64 skipped;
	uint64 known;
	uint64 answered;
	uint64 not_indexed;
	bool has_index;
	FlowPruned pruned;
	uint64 unit_size;
	uint64 nunits;
	bool whole;      /* files are not cut */
	int processes;   /* of the query */
	uint64 exchange; /* offset of the FlowlogExchange; 0: none */
	uint64 found;    /* offset of FlowReadSpec's "found" */
	/*
	 * offset of the FlowlogSharedList, which grows; 0: the files are in
	 * "objects"
	 */
	uint64 list;
	uint64 answers; /* offset of what was found of other files; 0: nothing was */

	pg_atomic_uint64 next_unit;
	pg_atomic_flag answers_taken; /* in this scan */
	pg_atomic_uint32 notices;     /* rejects reported */
	/* of this scan, for reject_limit; the core adds to it atomically */
	uint64_t rejects;

	slock_t mutex; /* for the members below */
	ListState state;
	/* the maximum of units handed out in any scan but the last */
	uint64 most_units;
	/* of lines, bytes and requests; those of files follow from the units */
	FlowCounts counts;
	SharedReject first;

	SharedObject objects[FLEXIBLE_ARRAY_MEMBER]; /* followed by their texts */
} Shared;

struct FlowlogQueue
{
	MemoryContext context; /* of the scan; this lives in it */
	dsm_segment *segment;
	Shared *shared;
	bool worker;
	FlowObjects objects;   /* of a worker; the leader has its own list */
	FlowlogListView *view; /* of a list that grows; NULL otherwise */

	FlowCounts published; /* this process's part of the shared counts */
	bool reject_published;
	FlowReject first;
	char first_reason[sizeof(((FlowError *) 0)->detail)];
	char first_hint[sizeof(((FlowError *) 0)->hint)];
};

/* ---------- units of work ---------- */

/* Returns the size of units, in bytes. */
uint64
flowlog_queue_unit_size(uint64 bytes)
{
	uint64 size = bytes / UNITS_WANTED / FLOW_PART_ALIGN * FLOW_PART_ALIGN;

	return Min(Max(size, MIN_UNIT), MAX_UNIT);
}

/* Returns true if a text file's own header defines the format. */
static bool
is_by_header(const FlowlogTable *table)
{
	return table->options.regex == NULL && table->options.log_format == NULL;
}

/*
 * Returns the number of units of a file.  Its name tells whether it is
 * compressed, as planning opens no file.  If the name is wrong, the rows are
 * right all the same: the first of its parts is all of it.
 */
uint64
flowlog_queue_units(const FlowlogTable *table, const FlowObject *object, uint64 unit_size,
                    bool whole)
{
	const char *compression = table->options.compression;

	if (strcmp(compression, "auto") == 0)
		compression = flow_source_compression_by_name(object->path);
	if (whole || object->version != NULL || strcmp(compression, "none") != 0 ||
	    table->options.header == FLOW_HEADER_MATCH || object->size == 0)
		return 1;
	if (flow_source_is_parquet_by_name(object->path) ? object->size < MIN_PARQUET_CUT
	                                                 : is_by_header(table))
		return 1;
	return (object->size + unit_size - 1) / unit_size;
}

/* ---------- the queue ---------- */

/* Takes the next unit that no process has taken: FlowReadSpec's next_part. */
FlowStatus
flowlog_queue_next_part(void *arg, bool wait, FlowPart *part, FlowError *error)
{
	FlowlogQueue *queue = arg;
	Shared *shared = queue->shared;
	const SharedObject *object;
	uint64 unit;
	uint64 low = 0;
	uint64 high = shared->nobjects;

	if (queue->view != NULL)
	{
		FlowStatus status = flowlog_shared_list_next(queue->view, wait, &unit, error);

		*part = (FlowPart) {.object = unit, .start = 0, .end = PG_UINT64_MAX};
		return status;
	}
	unit = pg_atomic_fetch_add_u64(&shared->next_unit, 1);
	if (unit >= shared->nunits)
		return FLOW_END;

	/* find the last object whose first unit is not after this one */
	while (high - low > 1)
	{
		uint64 middle = low + (high - low) / 2;

		if (shared->objects[middle].first_unit <= unit)
			low = middle;
		else
			high = middle;
	}

	/* find the part of the object */
	object = &shared->objects[low];
	unit -= object->first_unit;
	part->object = low;
	part->start = unit * shared->unit_size;
	part->end = unit + 1 < object->units ? part->start + shared->unit_size : PG_UINT64_MAX;
	return FLOW_OK;
}

uint64_t *
flowlog_queue_rejects(FlowlogQueue *queue)
{
	return &queue->shared->rejects;
}

bool *
flowlog_queue_found(FlowlogQueue *queue)
{
	return (bool *) queue->shared + queue->shared->found;
}

/* Counts a notice and returns its number, or more than "most". */
int
flowlog_queue_count_notice(FlowlogQueue *queue, int most)
{
	pg_atomic_uint32 *notices = &queue->shared->notices;

	/* counting stops at the maximum, so the counter never overflows */
	if (pg_atomic_read_u32(notices) >= (uint32) most)
		return most + 1;
	return (int) pg_atomic_fetch_add_u32(notices, 1) + 1;
}

/* Takes what was found of other files, if no process has. */
bool
flowlog_queue_take_answers(FlowlogQueue *queue, FlowlogAnswers *answers)
{
	Shared *shared = queue->shared;

	if (shared->answers == 0 || !pg_atomic_test_set_flag(&shared->answers_taken))
		return false;
	flowlog_answers_load(answers, (const char *) shared + shared->answers);
	return true;
}

/* Returns the list that grows, or NULL. */
static FlowlogSharedList *
list_of(Shared *shared)
{
	return shared->list == 0 ? NULL : (FlowlogSharedList *) ((char *) shared + shared->list);
}

/*
 * Returns the number of units handed out since the scan began, or began again.
 * In a list that grows, each object is a unit.
 */
static uint64
units_taken(Shared *shared)
{
	if (shared->list != 0)
		return flowlog_shared_list_taken(list_of(shared));
	return Min(pg_atomic_read_u64(&shared->next_unit), shared->nunits);
}

uint64
flowlog_queue_bytes_before(const FlowlogQueue *queue)
{
	return queue->shared->bytes_before;
}

/*
 * Returns the bytes that count for the limit, including those of the current
 * run.
 */
uint64
flowlog_queue_bytes_charged(const FlowlogQueue *queue)
{
	Shared *shared = queue->shared;

	return shared->bytes_before + (units_taken(shared) > 0 ? flowlog_queue_listed(queue).bytes : 0);
}

/* Returns the share of the work handed out, from 0 to 1. */
double
flowlog_queue_share_taken(const FlowlogQueue *queue)
{
	Shared *shared = queue->shared;

	if (shared->list != 0)
		return (double) units_taken(shared) / Max(flowlog_queue_listed(queue).objects, 1);
	return shared->nunits > 0 ? (double) units_taken(shared) / shared->nunits : 1;
}

/* ---------- the sums ---------- */

/*
 * Returns true if a reject comes before the first one known so far, in the
 * order of files and lines.
 */
static bool
comes_before(const FlowReject *reject, uint64 object, const SharedReject *first)
{
	if (!first->known || object != first->object)
		return !first->known || object < first->object;
	if (reject->part != first->part)
		return reject->part < first->part;
	return reject->line < first->line;
}

/*
 * Adds to the shared counts what this process has counted since its last call.
 */
void
flowlog_queue_publish(FlowlogQueue *queue, const FlowCounts *counts, const FlowReject *first)
{
	Shared *shared = queue->shared;
	FlowCounts added = *counts;
	bool new_reject = first != NULL && !queue->reject_published;

	flow_counts_subtract(&added, &queue->published);

	SpinLockAcquire(&shared->mutex);
	flow_counts_add(&shared->counts, &added);
	if (new_reject)
	{
		uint64 object = first->object->number;

		if (comes_before(first, object, &shared->first))
		{
			shared->first.known = true;
			shared->first.object = object;
			shared->first.part = first->part;
			shared->first.line = first->line;
			strlcpy(shared->first.reason, first->reason, sizeof(shared->first.reason));
			strlcpy(shared->first.hint, first->hint, sizeof(shared->first.hint));
		}
	}
	SpinLockRelease(&shared->mutex);

	queue->published = *counts;
	queue->reject_published = first != NULL;
}

/*
 * Returns how many files have been begun when "units" units have been handed
 * out.
 */
static uint64
files_begun(const Shared *shared, uint64 units)
{
	uint64 count = 0;

	if (shared->list != 0)
		return units;
	for (uint64 i = 0; i < shared->nobjects && shared->objects[i].first_unit < units; i++)
		count += shared->objects[i].units > 0;
	return count;
}

/* Returns what there is to be read, as far as it is known. */
FlowlogListed
flowlog_queue_listed(const FlowlogQueue *queue)
{
	Shared *shared = queue->shared;
	bool complete;

	if (shared->list != 0)
		return flowlog_shared_list_sum(list_of(shared), &complete);
	return (FlowlogListed) {
		.objects = shared->nread,
		.bytes = shared->bytes,
		.skipped = shared->skipped,
		.known = shared->known,
		.answered = shared->answered,
		.not_indexed = shared->not_indexed,
		.has_index = shared->has_index,
		.pruned = shared->pruned,
	};
}

/* Returns true if a list that grew is complete and nothing was found. */
bool
flowlog_queue_is_list_empty(const FlowlogQueue *queue)
{
	FlowlogListed listed;
	bool complete;

	if (queue->shared->list == 0)
		return false; /* the process that made the list has warned */
	listed = flowlog_shared_list_sum(list_of(queue->shared), &complete);
	return complete && listed.objects + flow_pruned_files(&listed.pruned) +
	                           listed.pruned.directories + listed.answered ==
	                       0;
}

/* Returns what all processes have published, and the numbers of files. */
void
flowlog_queue_counts(const FlowlogQueue *queue, FlowCounts *counts)
{
	Shared *shared = queue->shared;
	FlowlogListed listed;
	uint64 units;

	units = units_taken(shared);
	SpinLockAcquire(&shared->mutex);
	*counts = shared->counts;
	units = Max(shared->most_units, units);
	SpinLockRelease(&shared->mutex);

	listed = flowlog_queue_listed(queue);
	counts->files_skipped = listed.skipped;
	counts->files_known = listed.known;
	counts->files_answered = listed.answered;
	counts->files_not_indexed = listed.not_indexed;
	counts->pruned = listed.pruned;
	counts->files_pruned = flow_pruned_files(&listed.pruned);
	counts->files =
		listed.objects + counts->files_skipped + counts->files_pruned + counts->files_answered;
	counts->bytes = listed.bytes;
	counts->files_read = files_begun(shared, units);
	counts->files_not_reached = listed.objects - counts->files_read;
}

/* Returns the first published reject, or NULL. */
const FlowReject *
flowlog_queue_first_reject(FlowlogQueue *queue, const FlowObjects *objects)
{
	Shared *shared = queue->shared;
	SharedReject first;

	SpinLockAcquire(&shared->mutex);
	first = shared->first;
	SpinLockRelease(&shared->mutex);
	if (!first.known)
		return NULL;

	strlcpy(queue->first_reason, first.reason, sizeof(queue->first_reason));
	strlcpy(queue->first_hint, first.hint, sizeof(queue->first_hint));
	queue->first = (FlowReject) {
		.object = &objects->items[first.object],
		.part = first.part,
		.line = first.line,
		.column = -1,
		.reason = queue->first_reason,
		.hint = queue->first_hint,
	};
	return &queue->first;
}

bool
flowlog_queue_is_worker(const FlowlogQueue *queue)
{
	return queue->worker;
}

/* ---------- the segment ---------- */

/* Makes the queue of a segment; detaches from it if there is no memory. */
static FlowlogQueue *
attach(MemoryContext context, dsm_segment *segment, bool worker)
{
	FlowlogQueue *queue = MemoryContextAllocExtended(context,
	                                                 sizeof(FlowlogQueue),
	                                                 MCXT_ALLOC_ZERO | MCXT_ALLOC_NO_OOM);

	if (queue == NULL)
	{
		dsm_detach(segment);
		ereport(ERROR, errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory"));
	}
	dsm_pin_mapping(segment);
	queue->context = context;
	queue->segment = segment;
	queue->shared = dsm_segment_address(segment);
	queue->worker = worker;
	return queue;
}

/* Detaches from the shared memory. */
void
flowlog_queue_release(FlowlogQueue *queue)
{
	if (queue == NULL)
		return;
	flowlog_shared_list_release(queue->view);
	dsm_detach(queue->segment);
}

/* Creates a segment with the leader's list of files.  Nothing is read yet. */
static dsm_segment *
create_segment(const FlowlogQueueSpec *spec)
{
	static const FlowObjects nothing;
	const FlowObjects *objects = spec->objects != NULL ? spec->objects : &nothing;
	Size paths = 0;
	Size size;
	Size exchange = MAXALIGN(spec->exchange_size);
	Size list = spec->objects == NULL ? flowlog_shared_list_size() : 0;
	Size found = MAXALIGN(spec->table->ncolumns * sizeof(bool));
	Size answers = spec->answers != NULL ? flowlog_answers_size(spec->answers) : 0;
	Shared *shared;
	char *blob;
	dsm_segment *segment;

	/* add up the sizes of its parts */
	for (size_t i = 0; i < objects->count; i++)
	{
		paths = add_size(paths, strlen(objects->items[i].path) + 1);
		if (objects->items[i].version != NULL)
			paths = add_size(paths, strlen(objects->items[i].version) + 1);
	}
	size = add_size(offsetof(Shared, objects), mul_size(objects->count, sizeof(SharedObject)));
	size = MAXALIGN(add_size(size, paths));
	segment =
		dsm_create(add_size(add_size(add_size(size, exchange), MAXALIGN(list) + found), answers),
	               0);

	/* set what is not about a single file */
	shared = dsm_segment_address(segment);
	memset(shared, 0, offsetof(Shared, objects));
	shared->nobjects = objects->count;
	shared->nread = objects->count;
	shared->bytes = objects->bytes;
	shared->bytes_before = spec->bytes_before;
	shared->processes = spec->processes;
	shared->skipped = objects->skipped;
	shared->known = objects->known;
	shared->answered = objects->answered;
	shared->not_indexed = objects->not_indexed;
	shared->pruned = objects->pruned;
	shared->unit_size = flowlog_queue_unit_size(objects->bytes);
	shared->whole = spec->whole;
	shared->state = spec->unsettled ? UNSETTLED : SETTLED;
	shared->exchange = exchange > 0 ? size : 0;
	shared->list = list > 0 ? size + exchange : 0;
	shared->found = size + exchange + MAXALIGN(list);
	memset((char *) shared + shared->found, 0, found);
	shared->answers = answers > 0 ? shared->found + found : 0;
	if (answers > 0)
		flowlog_answers_save(spec->answers, (char *) shared + shared->answers);
	pg_atomic_init_flag(&shared->answers_taken);
	pg_atomic_init_u64(&shared->next_unit, 0);
	pg_atomic_init_u32(&shared->notices, 0);
	SpinLockInit(&shared->mutex);

	/* add the files, and cut them into units */
	blob = (char *) &shared->objects[objects->count];
	paths = 0;
	for (size_t i = 0; i < objects->count; i++)
	{
		const FlowObject *object = &objects->items[i];

		shared->objects[i] = (SharedObject) {
			.path = flowlog_shared_text(blob, &paths, object->path),
			.version = object->version == NULL ? NO_VERSION
		                                       : flowlog_shared_text(blob, &paths, object->version),
			.size = object->size,
			.modified = object->modified,
			.changed = object->changed,
			.device = object->device,
			.inode = object->inode,
			.archived = object->archived,
			.settled = object->settled,
			.first_unit = shared->nunits,
			.units = flowlog_queue_units(spec->table, object, shared->unit_size, spec->whole),
		};
		shared->nunits += shared->objects[i].units;
	}
	return segment;
}

/* Creates the queue, in the leader. */
FlowlogQueue *
flowlog_queue_create(MemoryContext context, const FlowlogQueueSpec *spec)
{
	return attach(context, create_segment(spec), false);
}

/* Attaches to the leader's queue, in a worker. */
FlowlogQueue *
flowlog_queue_attach(MemoryContext context, dsm_handle handle)
{
	dsm_segment *segment = dsm_attach(handle);

	if (segment == NULL)
		ereport(ERROR,
		        errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		        errmsg("could not map dynamic shared memory segment"));
	return attach(context, segment, true);
}

int
flowlog_queue_processes(const FlowlogQueue *queue)
{
	return queue->shared->processes;
}

dsm_segment *
flowlog_queue_segment(const FlowlogQueue *queue)
{
	return queue->segment;
}

/* Returns where processes exchange partial groups, or NULL. */
FlowlogExchange *
flowlog_queue_exchange(const FlowlogQueue *queue)
{
	Shared *shared = queue->shared;

	return shared->exchange == 0 ? NULL : (FlowlogExchange *) ((char *) shared + shared->exchange);
}

bool
flowlog_queue_grows(const FlowlogQueue *queue)
{
	return queue->shared->list != 0;
}

/* Copies the leader's list for a worker; the texts stay in the segment. */
static const FlowObjects *
copy_list(FlowlogQueue *queue)
{
	const Shared *shared = queue->shared;
	const char *blob = (const char *) &shared->objects[shared->nobjects];
	FlowObject *items;

	items = MemoryContextAllocHuge(queue->context, Max(shared->nobjects, 1) * sizeof(FlowObject));
	for (uint64 i = 0; i < shared->nobjects; i++)
	{
		const SharedObject *object = &shared->objects[i];

		items[i] = (FlowObject) {
			.path = blob + object->path,
			.size = object->size,
			.modified = object->modified,
			.changed = object->changed,
			.device = object->device,
			.inode = object->inode,
			.version = object->version == NO_VERSION ? NULL : blob + object->version,
			.archived = object->archived,
			.settled = object->settled,
			.number = i,
		};
	}
	queue->objects = (FlowObjects) {
		.items = items,
		.count = shared->nobjects,
		.bytes = shared->bytes,
		.skipped = shared->skipped,
		.known = shared->known,
		.answered = shared->answered,
		.not_indexed = shared->not_indexed,
		.pruned = shared->pruned,
		.complete = true,
	};
	return &queue->objects;
}

/* Returns the objects for a worker, or for a leader whose list grows. */
const FlowObjects *
flowlog_queue_objects(FlowlogQueue *queue, FlowlogScan *scan)
{
	FlowlogSharedList *list = list_of(queue->shared);

	if (list == NULL)
		return copy_list(queue);
	queue->view = queue->worker ? flowlog_shared_list_attach(scan, list)
	                            : flowlog_shared_list_create(scan, list);
	return flowlog_shared_list_objects(queue->view);
}

/* Returns true if the queue, and not the scan, holds the list of objects. */
bool
flowlog_queue_has_objects(const FlowlogQueue *queue)
{
	return queue->worker || queue->view != NULL;
}

/* ---------- which files are read ---------- */

/* Returns true if this process is to settle the list; waits for another one that does so. */
bool
flowlog_queue_claim(FlowlogQueue *queue, FlowlogBackend *backend)
{
	Shared *shared = queue->shared;

	for (;;)
	{
		ListState state;

		SpinLockAcquire(&shared->mutex);
		state = shared->state;
		if (state == UNSETTLED)
			shared->state = BEING_SETTLED;
		SpinLockRelease(&shared->mutex);
		if (state != BEING_SETTLED)
			return state == UNSETTLED;
		CHECK_FOR_INTERRUPTS();
		backend->host.wait(backend->host.arg, WAIT_MS);
	}
}

/* Leaves out files, and cuts the others again.  No process has taken a part yet. */
void
flowlog_queue_settle(FlowlogQueue *queue, const FlowlogTable *table, const FlowObjects *objects,
                     const bool *pruned, uint64 not_indexed)
{
	Shared *shared = queue->shared;

	if (pruned != NULL)
	{
		shared->has_index = true;
		shared->not_indexed = not_indexed;
		for (uint64 i = 0; i < shared->nobjects; i++)
		{
			shared->nread -= pruned[i];
			shared->pruned.by_index += pruned[i];
			shared->bytes -= pruned[i] ? shared->objects[i].size : 0;
		}
		shared->unit_size = flowlog_queue_unit_size(shared->bytes);
		shared->nunits = 0;
		for (uint64 i = 0; i < shared->nobjects; i++)
		{
			SharedObject *object = &shared->objects[i];

			object->first_unit = shared->nunits;
			object->units = pruned[i] ? 0
			                          : flowlog_queue_units(table,
			                                                &objects->items[i],
			                                                shared->unit_size,
			                                                shared->whole);
			shared->nunits += object->units;
		}
	}
	SpinLockAcquire(&shared->mutex);
	shared->state = SETTLED;
	SpinLockRelease(&shared->mutex);
}

/* Hands out all units again from the first one on. */
void
flowlog_queue_rewind(FlowlogQueue *queue)
{
	Shared *shared = queue->shared;

	shared->bytes_before = flowlog_queue_bytes_charged(queue);
	shared->most_units = Max(shared->most_units, units_taken(shared));
	shared->rejects = 0;
	pg_atomic_write_u64(&shared->next_unit, 0);
	pg_atomic_clear_flag(&shared->answers_taken);
	if (shared->list != 0)
		flowlog_shared_list_rewind(list_of(shared));
}
