/*-------------------------------------------------------------------------
 *
 * parallel.c
 *	  A scan by several processes: the work queue that they share, and the sums of
 *	  what each of them counted.
 *
 * The leader lists the files, so that all read the same ones, and cuts them into units:
 * a compressed file is one, others are cut at multiples of a size.  Whoever wants work
 * takes the next unit.
 *
 * All that lives in a segment of dynamic shared memory of our own, of which the query's
 * holds only the handle: EXPLAIN and the warning of rejects come when the query's is gone.
 * The mapping belongs to the scan's memory context, as all does that a scan holds (see scan.c).
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include "access/parallel.h"
#include "access/table.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "port/atomics.h"
#include "storage/dsm.h"
#include "storage/spin.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

/*
 * Units are a 32nd of the whole, so that processes end at about the same time, within these
 * bounds: opening a file for each must not weigh, nor must the last unit take long.
 */
#define UNITS_WANTED 32
#define LEAST_UNIT FLOW_PART_ALIGN
#define MOST_UNIT (16 * 1024 * 1024)

#define NO_VERSION PG_UINT64_MAX

/* A file, as FlowObject; its path and version are so far behind the objects. */
typedef struct SharedObject
{
	uint64 path;
	uint64 version; /* as path, or NO_VERSION */
	uint64 size;
	int64 modified;
	uint64 device;
	uint64 inode;
	uint64 first_unit;
	uint64 units;
	bool archived;
} SharedObject;

/* The first reject, as FlowReject. */
typedef struct SharedReject
{
	bool known;
	uint64 object;
	uint64 part;
	uint64 line;
	char reason[sizeof(((FlowError *) 0)->detail)];
} SharedReject;

typedef struct Shared
{
	/* set by the leader before there are workers */
	uint64 nobjects;
	uint64 bytes;
	uint64 bytes_before; /* see flowlog_parallel_bytes_before; set before a rescan, too */
	uint64 skipped;
	FlowPruned pruned;
	uint64 unit_size;
	uint64 nunits;
	uint64 exchange; /* offset of the FlowlogExchange; 0: there is none */
	uint64 list;     /* offset of the FlowlogSharedList, which grows; 0: the objects are below */

	pg_atomic_uint64 next_unit;
	pg_atomic_uint32 notices; /* rejects named */
	uint64_t rejects;         /* of this scan, for reject_limit; the core adds to it atomically */

	slock_t mutex;     /* for what follows */
	uint64 most_units; /* handed out in any scan but the last */
	FlowCounts counts; /* of lines and bytes; those of files follow from the units */
	SharedReject first;

	SharedObject objects[FLEXIBLE_ARRAY_MEMBER]; /* and then their paths */
} Shared;

struct FlowlogParallel
{
	dsm_segment *segment;
	Shared *shared;
	bool worker;
	FlowObjects objects;   /* a worker's; the leader has its own list */
	FlowlogListView *view; /* where the list grows; NULL */

	FlowCounts published; /* what of our own counts is in the shared ones */
	bool reject_published;
	FlowReject first;
	char first_reason[sizeof(((FlowError *) 0)->detail)];
};

/* ---------- planning ---------- */

uint64
flowlog_parallel_unit_size(uint64 bytes)
{
	uint64 size = bytes / UNITS_WANTED / FLOW_PART_ALIGN * FLOW_PART_ALIGN;

	return Min(Max(size, LEAST_UNIT), MOST_UNIT);
}

/*
 * A file is taken for compressed by its name, for planning opens none.  If that is wrong,
 * the rows are right all the same: the first of its parts is all of it.
 */
uint64
flowlog_parallel_units(const FlowlogTable *table, const FlowObject *object, uint64 unit_size, bool whole)
{
	const char *compression = table->options.compression;

	if (strcmp(compression, "auto") == 0)
		compression = flow_source_compression_by_name(object->path);
	if (whole || object->version != NULL || strcmp(compression, "none") != 0 || table->options.header == FLOW_HEADER_MATCH || object->size == 0)
		return 1;
	if (table->options.regex == NULL && table->options.log_format == NULL)
		return 1; /* its own header says how to read it */
	return (object->size + unit_size - 1) / unit_size;
}

static bool
is_unsafe_function(Oid function, void *context)
{
	return func_parallel(function) != PROPARALLEL_SAFE;
}

/* is_parallel_safe() asks only what the query has already been seen to call */
static bool
calls_unsafe_function(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, CoerceToDomain) || check_functions_in_node(node, is_unsafe_function, context))
		return true;
	return expression_tree_walker(node, calls_unsafe_function, context);
}

static bool
constraints_are_parallel_safe(Oid domain)
{
	DomainConstraintRef *ref = palloc(sizeof(DomainConstraintRef)); /* the context's reset looks at it */
	ListCell *cell;

	InitDomainConstraintRef(domain, ref, CurrentMemoryContext, false);
	foreach(cell, ref->constraints)
	{
		DomainConstraintState *constraint = lfirst(cell);

		if (calls_unsafe_function((Node *) constraint->check_expr, NULL))
			return false;
	}
	return true;
}

/* May a worker run the type's input function, and what that calls? */
static bool
input_is_parallel_safe(Oid type)
{
	Oid element;
	Oid input;
	Oid ioparam;

	switch (get_typtype(type))
	{
		case TYPTYPE_DOMAIN:
			return constraints_are_parallel_safe(type) && input_is_parallel_safe(getBaseType(type));
		case TYPTYPE_BASE:
		case TYPTYPE_ENUM:
			element = get_element_type(type);
			if (OidIsValid(element) && !input_is_parallel_safe(element))
				return false;
			getTypeInputInfo(type, &input, &ioparam);
			return func_parallel(input) == PROPARALLEL_SAFE;
		default:
			return false; /* made of other types: too rare to look into */
	}
}

bool
flowlog_is_parallel_safe(PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte)
{
	Relation relation = table_open(rte->relid, NoLock);
	TupleDesc desc = RelationGetDescr(relation);
	bool safe = true;

	for (int i = 0; i < desc->natts && safe; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		FlowColumn column = {0};

		if (attribute->attisdropped || attribute->attgenerated != '\0')
			continue;
		flowlog_column_set_type(&column, attribute->atttypid, attribute->atttypmod);
		safe = column.type != FLOW_OPAQUE || input_is_parallel_safe(attribute->atttypid);
	}
	table_close(relation, NoLock);
	return safe;
}

/* ---------- the queue ---------- */

/* FlowReadSpec's next_part: the next unit that nobody has taken */
FlowStatus
flowlog_parallel_next_part(void *arg, bool wait, FlowPart *part, FlowError *error)
{
	FlowlogParallel *parallel = arg;
	Shared *shared = parallel->shared;
	const SharedObject *object;
	uint64 unit;
	uint64 low = 0;
	uint64 high = shared->nobjects;

	if (parallel->view != NULL)
	{
		FlowStatus status = flowlog_shared_list_next(parallel->view, wait, &unit, error);

		*part = (FlowPart) {.object = unit, .start = 0, .end = PG_UINT64_MAX};
		return status;
	}
	unit = pg_atomic_fetch_add_u64(&shared->next_unit, 1);
	if (unit >= shared->nunits)
		return FLOW_END;

	/* the last object whose first unit is not behind this one */
	while (high - low > 1)
	{
		uint64 middle = low + (high - low) / 2;

		if (shared->objects[middle].first_unit <= unit)
			low = middle;
		else
			high = middle;
	}

	object = &shared->objects[low];
	unit -= object->first_unit;
	part->object = low;
	part->start = unit * shared->unit_size;
	part->end = unit + 1 < object->units ? part->start + shared->unit_size : PG_UINT64_MAX;
	return FLOW_OK;
}

uint64_t *
flowlog_parallel_rejects(FlowlogParallel *parallel)
{
	return &parallel->shared->rejects;
}

int
flowlog_parallel_count_notice(FlowlogParallel *parallel, int most)
{
	pg_atomic_uint32 *notices = &parallel->shared->notices;

	/* no further than that, so that it never begins again at 0 */
	if (pg_atomic_read_u32(notices) >= (uint32) most)
		return most + 1;
	return (int) pg_atomic_fetch_add_u32(notices, 1) + 1;
}

static FlowlogSharedList *
list_of(Shared *shared)
{
	return shared->list == 0 ? NULL : (FlowlogSharedList *) ((char *) shared + shared->list);
}

/* Units handed out since the scan began, or began again.  Of a list that grows, each object is one. */
static uint64
units_taken(Shared *shared)
{
	if (shared->list != 0)
		return flowlog_shared_list_taken(list_of(shared));
	return Min(pg_atomic_read_u64(&shared->next_unit), shared->nunits);
}

uint64
flowlog_parallel_bytes_before(const FlowlogParallel *parallel)
{
	return parallel->shared->bytes_before;
}

uint64
flowlog_parallel_bytes_charged(const FlowlogParallel *parallel)
{
	Shared *shared = parallel->shared;

	return shared->bytes_before + (units_taken(shared) > 0 ? flowlog_parallel_listed(parallel).bytes : 0);
}

double
flowlog_parallel_share_taken(const FlowlogParallel *parallel)
{
	Shared *shared = parallel->shared;

	if (shared->list != 0)
		return (double) units_taken(shared) / Max(flowlog_parallel_listed(parallel).objects, 1);
	return shared->nunits > 0 ? (double) units_taken(shared) / shared->nunits : 1;
}

/* ---------- the sums ---------- */

/* Adds to "sum" what "counts" has more than "before". */
static void
add_counts(FlowCounts *sum, const FlowCounts *counts, const FlowCounts *before)
{
	sum->bytes_read += counts->bytes_read - before->bytes_read;
	sum->lines += counts->lines - before->lines;
	sum->headers += counts->headers - before->headers;
	sum->blank += counts->blank - before->blank;
	sum->emitted += counts->emitted - before->emitted;
	sum->filtered += counts->filtered - before->filtered;
	sum->rejected += counts->rejected - before->rejected;
	sum->set_null += counts->set_null - before->set_null;
	sum->unmatched += counts->unmatched - before->unmatched;
	sum->messages_skipped += counts->messages_skipped - before->messages_skipped;
	sum->files_lacking += counts->files_lacking - before->files_lacking;
	sum->requests += counts->requests - before->requests;
	sum->retries += counts->retries - before->retries;
}

/* Is a reject before the first one known so far, in the order of files and lines? */
static bool
comes_before(const FlowReject *reject, uint64 object, const SharedReject *first)
{
	if (!first->known || object != first->object)
		return !first->known || object < first->object;
	if (reject->part != first->part)
		return reject->part < first->part;
	return reject->line < first->line;
}

void
flowlog_parallel_publish(FlowlogScan *scan)
{
	FlowlogParallel *parallel = scan->parallel;
	Shared *shared = parallel->shared;
	FlowCounts counts = {0};
	const FlowReject *first = NULL;
	bool new_reject;

	/* a leader that did not read has listed */
	if (scan->reader != NULL)
	{
		counts = *flow_reader_counts(scan->reader);
		first = flow_reader_first_reject(scan->reader);
	}
	flowlog_scan_count_requests(scan, &counts);
	new_reject = first != NULL && !parallel->reject_published;

	SpinLockAcquire(&shared->mutex);
	add_counts(&shared->counts, &counts, &parallel->published);
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
		}
	}
	SpinLockRelease(&shared->mutex);

	parallel->published = counts;
	parallel->reject_published = first != NULL;
}

/* How many files were begun when so many units had been handed out? */
static uint64
files_begun(const Shared *shared, uint64 units)
{
	uint64 count = 0;

	if (shared->list != 0)
		return units;
	while (count < shared->nobjects && shared->objects[count].first_unit < units)
		count++;
	return count;
}

FlowlogListed
flowlog_parallel_listed(const FlowlogParallel *parallel)
{
	Shared *shared = parallel->shared;
	bool complete;

	if (shared->list != 0)
		return flowlog_shared_list_sum(list_of(shared), &complete);
	return (FlowlogListed) {
		.objects = shared->nobjects,
		.bytes = shared->bytes,
		.skipped = shared->skipped,
		.pruned = shared->pruned,
	};
}

bool
flowlog_parallel_is_list_empty(const FlowlogParallel *parallel)
{
	FlowlogListed listed;
	bool complete;

	if (parallel->shared->list == 0)
		return false; /* who made the list has told */
	listed = flowlog_shared_list_sum(list_of(parallel->shared), &complete);
	return complete && listed.objects + flow_pruned_files(&listed.pruned) + listed.pruned.directories == 0;
}

void
flowlog_parallel_counts(FlowlogScan *scan, FlowCounts *counts)
{
	Shared *shared = scan->parallel->shared;
	FlowlogListed listed;
	uint64 units;

	flowlog_parallel_publish(scan);
	units = units_taken(shared);
	SpinLockAcquire(&shared->mutex);
	*counts = shared->counts;
	units = Max(shared->most_units, units);
	SpinLockRelease(&shared->mutex);

	listed = flowlog_parallel_listed(scan->parallel);
	counts->files_skipped = listed.skipped;
	counts->pruned = listed.pruned;
	counts->files_pruned = flow_pruned_files(&listed.pruned);
	counts->files = listed.objects + counts->files_skipped + counts->files_pruned;
	counts->bytes = listed.bytes;
	counts->files_read = files_begun(shared, units);
	counts->files_not_reached = listed.objects - counts->files_read;
}

const FlowReject *
flowlog_parallel_first_reject(FlowlogScan *scan)
{
	FlowlogParallel *parallel = scan->parallel;
	Shared *shared = parallel->shared;
	SharedReject first;

	flowlog_parallel_publish(scan);
	SpinLockAcquire(&shared->mutex);
	first = shared->first;
	SpinLockRelease(&shared->mutex);
	if (!first.known)
		return NULL;

	strlcpy(parallel->first_reason, first.reason, sizeof(parallel->first_reason));
	parallel->first = (FlowReject) {
		.object = &scan->objects->items[first.object],
		.part = first.part,
		.line = first.line,
		.column = -1,
		.reason = parallel->first_reason,
	};
	return &parallel->first;
}

bool
flowlog_parallel_is_worker(const FlowlogParallel *parallel)
{
	return parallel->worker;
}

/* ---------- the segment ---------- */

static FlowlogParallel *
attach(FlowlogScan *scan, dsm_segment *segment, bool worker)
{
	FlowlogParallel *parallel;

	/* from here on the scan's memory context has it, whatever happens */
	parallel = MemoryContextAllocExtended(scan->context, sizeof(FlowlogParallel), MCXT_ALLOC_ZERO | MCXT_ALLOC_NO_OOM);
	if (parallel == NULL)
	{
		dsm_detach(segment);
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	}
	dsm_pin_mapping(segment);
	parallel->segment = segment;
	parallel->shared = dsm_segment_address(segment);
	parallel->worker = worker;
	scan->parallel = parallel;
	return parallel;
}

void
flowlog_parallel_release(FlowlogScan *scan)
{
	FlowlogParallel *parallel = scan->parallel;

	if (parallel == NULL)
		return;
	scan->parallel = NULL;
	if (parallel->worker || parallel->view != NULL)
		scan->objects = NULL; /* whose paths are in shared memory */
	flowlog_shared_list_release(parallel->view);
	dsm_detach(parallel->segment);
}

/* Does the query look at the numbers of lines, which takes files that are not cut? */
static bool
needs_lines(const FlowlogScan *scan)
{
	const int *columns;
	int count = 0;

	columns = scan->tuple != NULL ? flowlog_tuple_columns(scan->tuple, &count) : NULL;
	for (int i = 0; i < count; i++)
		if (scan->table->columns[columns[i]].source == FLOW_FROM_LINE)
			return true;
	return false;
}

/* Appends text to the blob, and tells where it is. */
static uint64
keep_text(char *blob, Size *used, const char *text)
{
	Size at = *used;
	Size len = strlen(text) + 1;

	memcpy(blob + at, text, len);
	*used += len;
	return at;
}

/* A segment with the leader's list of files, and nothing read yet. */
static dsm_segment *
create_segment(FlowlogScan *scan, int participants)
{
	static const FlowObjects nothing;
	const FlowObjects *objects = scan->objects != NULL ? scan->objects : &nothing; /* NULL: the list will grow */
	Size paths = 0;
	Size size;
	Size exchange = 0;
	Size list = 0;
	Shared *shared;
	char *blob;
	bool whole = needs_lines(scan);
	dsm_segment *segment;

	for (size_t i = 0; i < objects->count; i++)
	{
		paths = add_size(paths, strlen(objects->items[i].path) + 1);
		if (objects->items[i].version != NULL)
			paths = add_size(paths, strlen(objects->items[i].version) + 1);
	}
	size = add_size(offsetof(Shared, objects), mul_size(objects->count, sizeof(SharedObject)));
	size = MAXALIGN(add_size(size, paths));
	if (flowlog_aggregate_store(scan) != NULL)
		exchange = MAXALIGN(flowlog_exchange_size(participants));
	if (scan->objects == NULL)
		list = flowlog_shared_list_size();
	segment = dsm_create(add_size(add_size(size, exchange), list), 0);

	shared = dsm_segment_address(segment);
	memset(shared, 0, offsetof(Shared, objects));
	shared->nobjects = objects->count;
	shared->bytes = objects->bytes;
	shared->bytes_before = scan->bytes_before;
	shared->skipped = objects->skipped;
	shared->pruned = objects->pruned;
	shared->unit_size = flowlog_parallel_unit_size(objects->bytes);
	shared->exchange = exchange > 0 ? size : 0;
	shared->list = list > 0 ? size + exchange : 0;
	pg_atomic_init_u64(&shared->next_unit, 0);
	pg_atomic_init_u32(&shared->notices, 0);
	SpinLockInit(&shared->mutex);

	blob = (char *) &shared->objects[objects->count];
	paths = 0;
	for (size_t i = 0; i < objects->count; i++)
	{
		const FlowObject *object = &objects->items[i];

		shared->objects[i] = (SharedObject) {
			.path = keep_text(blob, &paths, object->path),
			.version = object->version == NULL ? NO_VERSION : keep_text(blob, &paths, object->version),
			.size = object->size,
			.modified = object->modified,
			.device = object->device,
			.inode = object->inode,
			.archived = object->archived,
			.first_unit = shared->nunits,
			.units = flowlog_parallel_units(scan->table, object, shared->unit_size, whole),
		};
		shared->nunits += shared->objects[i].units;
	}
	return segment;
}

/* Where whole groups are made; NULL if none are. */
static FlowlogExchange *
exchange_of(const Shared *shared)
{
	return shared->exchange == 0 ? NULL : (FlowlogExchange *) ((char *) shared + shared->exchange);
}

/* A worker's list is the leader's. */
static void
take_list(FlowlogScan *scan)
{
	FlowlogParallel *parallel = scan->parallel;
	const Shared *shared = parallel->shared;
	const char *blob = (const char *) &shared->objects[shared->nobjects];
	FlowObject *items;

	items = MemoryContextAllocHuge(scan->context, Max(shared->nobjects, 1) * sizeof(FlowObject));
	for (uint64 i = 0; i < shared->nobjects; i++)
	{
		const SharedObject *object = &shared->objects[i];

		items[i] = (FlowObject) {
			.path = blob + object->path,
			.size = object->size,
			.modified = object->modified,
			.device = object->device,
			.inode = object->inode,
			.version = object->version == NO_VERSION ? NULL : blob + object->version,
			.archived = object->archived,
			.number = i,
		};
	}
	parallel->objects = (FlowObjects) {
		.items = items,
		.count = shared->nobjects,
		.bytes = shared->bytes,
		.skipped = shared->skipped,
		.pruned = shared->pruned,
		.complete = true,
	};
	scan->objects = &parallel->objects;
}

/* ---------- the executor's callbacks ---------- */

Size
flowlog_parallel_estimate(ForeignScanState *node, ParallelContext *pcxt)
{
	return sizeof(dsm_handle);
}

/* Without shared memory there will be no worker either, and the leader reads alone. */
void
flowlog_parallel_initialize(ForeignScanState *node, ParallelContext *pcxt, void *coordinate)
{
	FlowlogScan *scan = node->fdw_state;
	dsm_handle *handle = coordinate;
	FlowlogExchange *exchange;

	*handle = DSM_HANDLE_INVALID;
	if (pcxt->seg == NULL)
		return;
	if (!flowlog_scan_prepare(scan))
		flowlog_scan_list(scan);
	attach(scan, create_segment(scan, pcxt->nworkers + 1), false);
	if (scan->parallel->shared->list != 0)
	{
		scan->parallel->view = flowlog_shared_list_create(scan, list_of(scan->parallel->shared));
		scan->objects = (FlowObjects *) flowlog_shared_list_objects(scan->parallel->view);
	}
	if ((exchange = exchange_of(scan->parallel->shared)) != NULL)
		flowlog_store_create_exchange(flowlog_aggregate_store(scan), exchange, pcxt->nworkers + 1, scan->parallel->segment);
	*handle = dsm_segment_handle(scan->parallel->segment);
}

/* No worker runs now.  Values may prune other files than those of the list. */
void
flowlog_parallel_reinitialize(ForeignScanState *node, ParallelContext *pcxt, void *coordinate)
{
	FlowlogScan *scan = node->fdw_state;
	Shared *shared;

	if (scan->parallel == NULL)
		return;
	if (flowlog_aggregate_store(scan) != NULL)
		flowlog_store_reset(flowlog_aggregate_store(scan)); /* its files may be in the segment's care */
	if (flowlog_prune_depends_on_run(scan->prune))
	{
		flowlog_scan_forget(scan);
		flowlog_parallel_initialize(node, pcxt, coordinate);
		return;
	}
	shared = scan->parallel->shared;
	shared->bytes_before = flowlog_parallel_bytes_charged(scan->parallel);
	shared->most_units = Max(shared->most_units, units_taken(shared));
	shared->rejects = 0;
	pg_atomic_write_u64(&shared->next_unit, 0);
	if (shared->list != 0)
		flowlog_shared_list_rewind(list_of(shared));
	if (shared->exchange != 0)
		flowlog_store_reset_exchange(flowlog_aggregate_store(scan));
}

void
flowlog_parallel_initialize_worker(ForeignScanState *node, shm_toc *toc, void *coordinate)
{
	FlowlogScan *scan = node->fdw_state;
	dsm_segment *segment = dsm_attach(*(dsm_handle *) coordinate);
	FlowlogExchange *exchange;

	if (segment == NULL)
		ereport(ERROR,
		        (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		         errmsg("could not map dynamic shared memory segment")));
	attach(scan, segment, true);
	if (scan->parallel->shared->list != 0)
	{
		(void) flowlog_scan_prepare(scan);
		scan->parallel->view = flowlog_shared_list_attach(scan, list_of(scan->parallel->shared));
		scan->objects = (FlowObjects *) flowlog_shared_list_objects(scan->parallel->view);
	}
	else
		take_list(scan);
	if ((exchange = exchange_of(scan->parallel->shared)) != NULL)
		flowlog_store_attach_exchange(flowlog_aggregate_store(scan), exchange, ParallelWorkerNumber + 1, segment);
}

/*
 * The counts go up early: the leader asks for them when the workers are gone.  It may
 * be called several times, and the scan may go on after it.
 */
void
flowlog_parallel_shutdown(ForeignScanState *node)
{
	FlowlogScan *scan = node->fdw_state;

	if (scan != NULL && scan->parallel != NULL)
		flowlog_parallel_publish(scan);
}
