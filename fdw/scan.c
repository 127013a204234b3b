/*-------------------------------------------------------------------------
 *
 * scan.c
 *	  A scan of a foreign table's flow logs: what the executor, ANALYZE,
 *	  EXPLAIN and the functions have in common.
 *
 * A scan lives in a memory context of its own.  What the core holds that is
 * not palloc'd memory (descriptors, the regex library's code pages) is
 * released by the context's reset callback: at the end of a query, at an
 * error, when a portal is dropped.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"
#include "catalogue.h"

#include "access/xact.h"
#include "miscadmin.h"

#define MAX_NOTICES 100

/*
 * The maximum size of blocks of a scan's memory context: where they double up
 * to the usual size, nearly half of what each partition has is unused.
 */
#define MAX_BLOCK 4096

/*
 * the maximum number of descriptors that a scan of local files has open at
 * once: for the file it reads, or for the listing
 */
#define SCAN_FDS 3

/* What was counted of earlier lists of files, where a rescan has made a new list. */
struct FlowlogEarlier
{
	FlowCounts counts;
	FlowStoreCounts store;
	FlowReject reject; /* the first one; its object is NULL if there was none */
	FlowObject object; /* of that */
};

/*
 * Scans that have ended and whose connections are still open, in the order in
 * which they ended.
 */
#define MAX_IDLE_SCANS 4
static FlowlogScan *idle_scans[MAX_IDLE_SCANS];
static int nidle_scans;

/* Removes a scan from idle_scans, if it is there. */
static void
remove_idle(const FlowlogScan *scan)
{
	int kept = 0;

	for (int i = 0; i < nidle_scans; i++)
		if (idle_scans[i] != scan)
			idle_scans[kept++] = idle_scans[i];
	nidle_scans = kept;
}

/*
 * Releases what the processes of a scan share.  The reader is closed already.
 */
static void
release_queue(FlowlogScan *scan)
{
	FlowlogQueue *queue = scan->queue;

	if (queue == NULL)
		return;
	scan->queue = NULL;
	if (flowlog_queue_has_objects(queue))
		scan->objects = NULL; /* their paths are in shared memory */
	flowlog_queue_release(queue);
}

/*
 * Releases the scan's resources not owned by the memory context.  This is the
 * context's reset callback.
 */
static void
release_scan(void *arg)
{
	FlowlogScan *scan = arg;

	remove_idle(scan);
	flow_reader_close(scan->reader);
	flow_format_free(scan->format);
	flowlog_buffers_release();
	release_queue(scan);
	flowlog_prune_end(scan->prune);
	flow_filter_free(scan->filter);
	flow_memo_free(scan->memo);
	flowlog_store_close(&scan->backend, scan->store, scan->objects);
	scan->reader = NULL;
	scan->filter = NULL;
	scan->memo = NULL;
	scan->format = NULL;
	scan->objects = NULL;
	scan->store = NULL;
}

static void
raise_error(FlowlogScan *scan, FlowError *error)
{
	flowlog_known_hint(scan, error);
	flowlog_raise(&scan->backend, error, scan->table);
}

static bool rest_idle(const FlowlogDescriptors *own);
static void bad_field(void *arg, FlowBadField bad);
static bool position(void *arg, const char **path, uint64 *line);

/*
 * Reads the table's definition.  All else is done when rows are asked for, as
 * a plan may have thousands of scans.
 */
FlowlogScan *
flowlog_scan_begin(Oid relid, Oid userid, MemoryContext parent)
{
	MemoryContext context =
		AllocSetContextCreate(parent, "flowlog_fdw scan", ALLOCSET_SMALL_MINSIZE, 1024, MAX_BLOCK);
	MemoryContext old = MemoryContextSwitchTo(context);
	FlowlogScan *scan = palloc0(sizeof(FlowlogScan));

	scan->context = context;
	scan->listing = AllocSetContextCreate(context, "flowlog_fdw listing", ALLOCSET_SMALL_SIZES);
	flowlog_backend_init(&scan->backend, context);
	scan->backend.descriptors.rest = rest_idle;
	flowlog_buffers_acquire();
	scan->callback.func = release_scan;
	scan->callback.arg = scan;
	MemoryContextRegisterResetCallback(context, &scan->callback);

	scan->userid = OidIsValid(userid) ? userid : GetUserId();
	/* the workers of a plan that begins are not started yet */
	scan->in_parallel = IsInParallelMode();
	scan->table = flowlog_table_open(relid);
	scan->found = palloc0(sizeof(bool) * (scan->table->ncolumns + 1));
	scan->format_spec = (FlowFormatSpec) {
		.regex = scan->table->options.regex,
		.log_format = scan->table->options.log_format,
		.regex_jit = flowlog_regex_jit,
		.splitter = flowlog_enable_splitter,
		.header = scan->table->options.header,
		.columns = scan->table->columns,
		.ncolumns = scan->table->ncolumns,
	};
	scan->records = (FlowlogTupleSource) {
		.table = scan->table,
		.host = &scan->backend.host,
		.context = context,
		.bad_field = bad_field,
		.position = position,
		.arg = scan,
	};
	MemoryContextSwitchTo(old);
	return scan;
}

/* Compiles the table's line format, unless that is done. */
static void
make_format(FlowlogScan *scan)
{
	FlowError error;

	if (scan->format != NULL)
		return;
	if (flow_format_create(&scan->backend.reader_host, &scan->format_spec, &scan->format, &error) !=
	    FLOW_OK)
		raise_error(scan, &error);
	scan->format_name = flow_format_name(scan->format);
}

static void
free_format(FlowlogScan *scan)
{
	flow_format_free(scan->format);
	scan->format = NULL;
}

/*
 * Returns the name of the line format, which is compiled for that if needed.
 */
const char *
flowlog_scan_format_name(FlowlogScan *scan)
{
	if (scan->format_name == NULL)
	{
		make_format(scan);
		free_format(scan);
	}
	return scan->format_name;
}

/*
 * Reserves descriptors, so that fd.c stays below its limit; a store reserves
 * those of its connections as it opens them.
 */
static void
reserve_fds(FlowlogScan *scan)
{
	flowlog_descriptors_reserve(&scan->backend.descriptors,
	                            scan->store != NULL ? scan->store->storage->descriptors(scan->store)
	                                                : SCAN_FDS);
}

/*
 * Closes the connections and gives the descriptors back to fd.c.  Nothing is
 * being listed or read any more.
 */
static void
rest_store(FlowlogScan *scan)
{
	if (scan->store != NULL)
		scan->store->storage->rest(scan->store);
	flowlog_backend_release(&scan->backend);
	flowlog_descriptors_release(&scan->backend.descriptors);
}

/*
 * Closes the connections of the scan that is idle for the longest time, unless
 * it is the one that asks: FlowlogDescriptors' rest.
 */
static bool
rest_idle(const FlowlogDescriptors *own)
{
	for (int i = 0; i < nidle_scans; i++)
	{
		FlowlogScan *idle = idle_scans[i];

		if (&idle->backend.descriptors == own)
			continue;
		rest_store(idle);
		remove_idle(idle);
		return true;
	}
	return false;
}

/*
 * Keeps the connections of a scan that has ended, as it may begin again and
 * connecting takes long.  Only the last MAX_IDLE_SCANS scans keep theirs: a
 * plan may have thousands.
 */
static void
add_idle(FlowlogScan *scan)
{
	if (nidle_scans == MAX_IDLE_SCANS)
	{
		rest_store(idle_scans[0]);
		remove_idle(idle_scans[0]);
	}
	idle_scans[nidle_scans++] = scan;
}

/*
 * Opens the store of the table's objects, unless they are local files.  The
 * store lives in the scan's memory context, as the caller's may be reset for
 * each row; the allowed paths live in the caller's.
 */
static FlowAccess
open_access(FlowlogScan *scan)
{
	MemoryContext old = MemoryContextSwitchTo(scan->context);

	if (scan->store == NULL && scan->backend.descriptors.processes == 0 &&
	    !flow_location_is_local(scan->table->location))
		scan->backend.descriptors.processes =
			flowlog_descriptors_processes(scan->plan, scan->in_parallel);
	if (scan->meaning == NULL && scan->table->options.settled_after >= 0)
		scan->meaning = flowlog_catalogue_meaning(scan->table);
	if (scan->store == NULL)
		scan->store = flowlog_s3_open(&scan->backend,
		                              scan->table->location,
		                              scan->table->serverid,
		                              scan->userid);
	MemoryContextSwitchTo(old);
	reserve_fds(scan);
	return flowlog_get_access(scan->store);
}

/* Returns true if there is no file, not even one that was pruned or answered. */
static bool
holds_nothing(const FlowObjects *objects)
{
	return objects->count + flow_pruned_files(&objects->pruned) + objects->pruned.directories +
	           objects->answered ==
	       0;
}

/* Warns that no flow logs were found, unless a rescan has listed again. */
static void
warn_of_nothing(FlowlogScan *scan, uint64 skipped)
{
	if (scan->earlier == NULL)
		ereport(WARNING,
		        errcode(ERRCODE_WARNING),
		        errmsg("no flow logs found for foreign table \"%s\"",
		               flowlog_message(scan->table->name)),
		        skipped > 0 ? errdetail("Of \"%s\", %llu empty or hidden files were left out.",
		                                flowlog_message(scan->table->options.location),
		                                (unsigned long long) skipped)
		                    : errdetail("Nothing matches \"%s\".",
		                                flowlog_message(scan->table->options.location)),
		        skipped == 0 && strpbrk(scan->table->options.location, "*?[{") != NULL
		            ? errhint("A directory is read with all that is below it. In a pattern, \"*\" "
		                      "stands for a part of one name, and \"**\" for any number of "
		                      "directories.")
		            : 0);
}

/* Ends a list that has become complete. */
static void
end_list(FlowlogScan *scan)
{
	flowlog_prune_end(scan->prune);
	if (holds_nothing(scan->objects))
		warn_of_nothing(scan, scan->objects->skipped);
}

/* Lists the first objects, or all objects of a local location. */
static void
begin_list(FlowlogScan *scan)
{
	MemoryContext old = MemoryContextSwitchTo(scan->listing);
	FlowAccess access = open_access(scan);
	const FlowPruner *pruner;
	FlowError error;

	flowlog_prune_set_filter(scan->prune, scan->filter);
	pruner = flowlog_prune_begin(scan->prune);
	scan->has_index = flowlog_prune_uses_index(scan->prune);
	if (flow_objects_begin_known(&scan->backend.host,
	                             scan->table->location,
	                             &access,
	                             pruner,
	                             flowlog_known_begin(scan, pruner),
	                             &scan->objects,
	                             &error) != FLOW_OK)
		raise_error(scan, &error);
	if (scan->objects->complete)
		end_list(scan);
	MemoryContextSwitchTo(old);
}

/* Lists more objects (see flow_objects_more). */
static FlowStatus
list_more(FlowlogScan *scan, bool wait, FlowError *error)
{
	bool complete = scan->objects->complete;
	FlowStatus status = flow_objects_more(scan->objects, wait, error);

	if (!complete && scan->objects->complete && (status == FLOW_OK || status == FLOW_END))
		end_list(scan);
	return status;
}

/* Opens the store; returns true if its list may grow while it is read. */
bool
flowlog_scan_prepare(FlowlogScan *scan)
{
	(void) open_access(scan);

	/* a limit on bytes needs the complete list, and one process takes what the index has */
	return scan->store != NULL && scan->objects == NULL && flowlog_max_scan_bytes == 0 &&
	       scan->answers == NULL;
}

/* Lists all objects, unless that is done. */
void
flowlog_scan_list(FlowlogScan *scan)
{
	FlowStatus status;
	FlowError error;

	if (scan->queue != NULL)
		return; /* the list is shared, whether complete or not */
	if (scan->objects == NULL)
		begin_list(scan);
	while ((status = list_more(scan, true, &error)) == FLOW_OK)
		;
	if (status != FLOW_END)
		raise_error(scan, &error);
}

/*
 * Returns the next file, where the list grows while it is read: FlowReadSpec's
 * next_part.
 */
static FlowStatus
next_part(void *arg, bool wait, FlowPart *part, FlowError *error)
{
	FlowlogScan *scan = arg;
	FlowStatus status;

	while (scan->next_object == scan->objects->count)
		if ((status = list_more(scan, wait, error)) != FLOW_OK)
			return status;
	*part = (FlowPart) {.object = scan->next_object++, .start = 0, .end = PG_UINT64_MAX};
	return FLOW_OK;
}

/*
 * Creates the reader, which takes its files from the queue, from a growing
 * list or from a complete one.
 */
static void
create_reader(FlowlogScan *scan, FlowOnError on_error, bool report_rejects, int64 reject_limit)
{
	const FlowlogOptions *options = &scan->table->options;
	MemoryContext old = MemoryContextSwitchTo(scan->listing);
	FlowAccess access = open_access(scan);
	FlowReadSpec spec;
	FlowError error;

	/* what to read, and how */
	spec = (FlowReadSpec) {
		.host = &scan->backend.reader_host,
		.format = scan->format,
		.filter = scan->filter,
		.objects = scan->objects,
		.location = scan->table->location,
		.access = access,
		.on_error = on_error,
		.report_rejects = report_rejects,
		.reject_limit = reject_limit,
		.compression = options->compression,
		.max_line_length = options->max_line_length,
		.prune_groups = flowlog_enable_parquet_pruning,
		.sample = scan->sample,
		.found = scan->queue != NULL ? flowlog_queue_found(scan->queue) : scan->found,
	};
	if (scan->tuple != NULL)
	{
		spec.used = flowlog_tuple_columns(scan->tuple, &spec.nused);
		spec.top = scan->best;
	}

	/* where the next file, or part of a file, comes from */
	scan->next_object = 0;
	if (scan->queue != NULL)
	{
		spec.next_part = flowlog_queue_next_part;
		spec.next_part_arg = scan->queue;
		spec.shared_rejects = flowlog_queue_rejects(scan->queue);
	}
	else if (scan->store != NULL)
	{
		spec.next_part = next_part;
		spec.next_part_arg = scan;
	}
	if (flow_reader_create(&spec, &scan->reader, &error) != FLOW_OK)
		raise_error(scan, &error);
	MemoryContextSwitchTo(old);
}

/* Starts to read, or to read again after flowlog_scan_rewind. */
static void
start(FlowlogScan *scan, FlowOnError on_error, bool report_rejects, int64 reject_limit)
{
	make_format(scan);

	if (scan->objects == NULL)
		begin_list(scan);

	/* a limit on bytes needs the complete list */
	if (flowlog_max_scan_bytes > 0)
		flowlog_scan_list(scan);
	flowlog_settle(scan);
	flowlog_ledger_check_limit(scan);
	if (scan->reader == NULL)
		create_reader(scan, on_error, report_rejects, reject_limit);
	flowlog_progress_begin(scan);
	scan->reading = true;
}

/* Starts to read, or to read again, by the table's options. */
void
flowlog_scan_start(FlowlogScan *scan)
{
	const FlowlogOptions *options = &scan->table->options;

	start(scan,
	      options->on_error,
	      options->log_verbosity == FLOWLOG_VERBOSITY_VERBOSE,
	      options->reject_limit);
}

/* Starts to read so that all rejects are returned. */
void
flowlog_scan_start_for_rejects(FlowlogScan *scan)
{
	start(scan, FLOW_ON_ERROR_IGNORE, true, -1);
}

/* Makes the scan read the same files again. */
void
flowlog_scan_rewind(FlowlogScan *scan)
{
	flowlog_ledger_restart(scan);
	scan->next_object = 0;
	scan->ended = scan->files_ended = false;
	if (scan->answers != NULL)
		flowlog_answers_rewind(scan->answers);
	scan->rewound = true;
	remove_idle(scan);
	reserve_fds(scan);
	make_format(scan);
	flow_reader_rewind(scan->reader, scan->format, scan->filter);
}

/* Frees the memory of what is among the best; the next start makes it again. */
static void
rest_best(FlowlogScan *scan)
{
	FlowError error;

	if (scan->best != NULL)
		(void) flow_top_begin(scan->best, 0, &error);
}

/*
 * Releases what is no longer needed at the end of the data; the reader has
 * freed its buffers itself.  The format is kept if the scan has begun again
 * before: it is likely to do so once more, and compiling a pattern takes as
 * long as reading a small file.
 */
static void
end_reading(FlowlogScan *scan)
{
	scan->ended = true;
	if (scan->tuple != NULL)
	{
		flowlog_tuple_rest(scan->tuple);
		rest_best(scan);
	}
	if (!scan->rewound)
		free_format(scan);
	if (scan->store != NULL)
		add_idle(scan);
	else
		flowlog_descriptors_release(&scan->backend.descriptors);
}

/*
 * Finds the number of a reject's line; returns false if the file has changed
 * since.
 */
static bool
find_line(FlowlogScan *scan, const FlowReject *reject, uint64_t *line)
{
	FlowAccess allowed = flowlog_get_access(scan->store);
	FlowStatus status;
	FlowError error;

	status = flow_part_line(&scan->backend.host,
	                        reject->object,
	                        &allowed,
	                        &scan->counted,
	                        reject->part,
	                        reject->line,
	                        line,
	                        &error);
	if (status == FLOW_INTERRUPTED)
		raise_error(scan, &error);
	return status == FLOW_OK;
}

/*
 * Reports a reject under log_verbosity 'verbose', for the first MAX_NOTICES
 * rejects.
 */
static void
notice_reject(FlowlogScan *scan)
{
	const FlowReject *reject = flow_reader_reject(scan->reader);
	uint64_t line;
	int number;

	if (scan->queue != NULL)
		number = flowlog_queue_count_notice(scan->queue, MAX_NOTICES);
	else
		number = scan->notices > MAX_NOTICES ? scan->notices : ++scan->notices;
	if (number > MAX_NOTICES)
		return;
	(void) find_line(scan, reject, &line);

	/* the line is 0 if the file has changed, which the scan will notice */
	ereport(NOTICE,
	        errmsg("flow log \"%s\", line %llu: %s",
	               flowlog_message(reject->object->path),
	               (unsigned long long) line,
	               flowlog_message(reject->reason)),
	        number == MAX_NOTICES ? errdetail("Further lines are not named.") : 0);
}

/*
 * Handles a field of the current record that does not convert: the field
 * becomes NULL, or this raises an error.
 */
static void
bad_field(void *arg, FlowBadField bad)
{
	FlowlogScan *scan = arg;
	uint64 nulled = flow_reader_counts(scan->reader)->set_null;
	FlowError error;

	if (flow_reader_bad_field(scan->reader, bad, &error) != FLOW_OK)
		raise_error(scan, &error);
	if (scan->table->options.log_verbosity == FLOWLOG_VERBOSITY_VERBOSE &&
	    flow_reader_counts(scan->reader)->set_null != nulled)
		notice_reject(scan);
}

/* Finds where the current record is, for an error's context. */
static bool
position(void *arg, const char **path, uint64 *line)
{
	FlowlogScan *scan = arg;
	bool known;

	scan->backend.in_error = true;
	known = flow_reader_position(scan->reader, path, line);
	scan->backend.in_error = false;
	return known;
}

/* Prepares to convert the scan's records. */
FlowlogTuple *
flowlog_scan_create_tuple(FlowlogScan *scan, TupleDesc desc, Bitmapset *attrs_used)
{
	return flowlog_tuple_create(&scan->records, desc, attrs_used);
}

/*
 * Reads the next record or reject.  Deferred conditions are evaluated when the
 * reader asks for them.
 */
FlowStatus
flowlog_scan_step(FlowlogScan *scan, FlowRecord *record)
{
	FlowStatus status;
	FlowError error;

	while ((status = flow_reader_next(scan->reader, record, &error)) == FLOW_NEED_VALUE)
		flowlog_qual_resolve(scan, flow_reader_needed(scan->reader));
	switch (status)
	{
		case FLOW_OK:
		case FLOW_END:
		case FLOW_REJECTED:
			Assert(flow_reader_balances(scan->reader));
			return status;
		default:
			raise_error(scan, &error);
	}
	return status; /* not reached */
}

/* Reads the next record that passes the filter; returns false at the end. */
bool
flowlog_scan_next(FlowlogScan *scan, FlowRecord *record)
{
	FlowStatus status;

	if (scan->ended)
		return false;
	while ((status = flowlog_scan_step(scan, record)) == FLOW_REJECTED)
		notice_reject(scan);
	if (status == FLOW_END)
		end_reading(scan);
	return status == FLOW_OK;
}

/*
 * Sets the numbers of requests and retries since the current list was begun.
 */
void
flowlog_scan_count_requests(const FlowlogScan *scan, FlowCounts *counts)
{
	FlowStoreCounts store = {0};

	if (scan->store != NULL)
		store = scan->store->storage->counts(scan->store);
	counts->requests = store.requests;
	counts->retries = store.retries;
	if (scan->earlier != NULL)
	{
		counts->requests -= scan->earlier->store.requests;
		counts->retries -= scan->earlier->store.retries;
	}
}

/* Adds this process's counts and its first reject to the shared ones. */
void
flowlog_scan_publish(FlowlogScan *scan)
{
	FlowCounts counts = {0};
	const FlowReject *first = NULL;

	/* a leader without a reader has listed, so it has counted requests */
	if (scan->reader != NULL)
	{
		counts = *flow_reader_counts(scan->reader);
		first = flow_reader_first_reject(scan->reader);
	}
	flowlog_scan_count_requests(scan, &counts);
	flowlog_queue_publish(scan->queue, &counts, first);
}

/*
 * Returns the counts of all processes, earlier lists included; false if
 * nothing was read.
 */
bool
flowlog_scan_counts(FlowlogScan *scan, FlowCounts *counts)
{
	if (scan->queue != NULL)
	{
		flowlog_scan_publish(scan);
		flowlog_queue_counts(scan->queue, counts);
		scan->has_index |= flowlog_queue_listed(scan->queue).has_index;
	}
	else if (scan->reader != NULL)
	{
		*counts = *flow_reader_counts(scan->reader);
		flowlog_scan_count_requests(scan, counts);
	}
	else if (scan->earlier != NULL)
		memset(counts, 0, sizeof(*counts));
	else
		return false;
	if (scan->earlier != NULL)
		flow_counts_add(counts, &scan->earlier->counts);
	return true;
}

/* Returns the first reject known so far, or NULL. */
static const FlowReject *
first_reject(FlowlogScan *scan)
{
	if (scan->earlier != NULL && scan->earlier->reject.object != NULL)
		return &scan->earlier->reject;
	if (scan->queue != NULL)
	{
		flowlog_scan_publish(scan);
		return flowlog_queue_first_reject(scan->queue, scan->objects);
	}
	return scan->reader != NULL ? flow_reader_first_reject(scan->reader) : NULL;
}

/* Adds the columns for which any process has found a field to scan->found. */
static void
keep_found(FlowlogScan *scan)
{
	if (scan->queue == NULL)
		return;
	for (int i = 0; i < scan->table->ncolumns; i++)
		scan->found[i] |= flowlog_queue_found(scan->queue)[i];
}

/* Keeps what was counted, and the first reject, whose texts are in memory that will be freed. */
static void
keep_earlier(FlowlogScan *scan, const FlowCounts *counts, const FlowReject *first)
{
	FlowlogEarlier *earlier = scan->earlier;

	if (earlier == NULL)
		scan->earlier = earlier = MemoryContextAllocZero(scan->context, sizeof(FlowlogEarlier));
	earlier->counts = *counts;
	if (scan->store != NULL)
		earlier->store = scan->store->storage->counts(scan->store);
	if (first == NULL || first == &earlier->reject)
		return;
	earlier->object = *first->object;
	earlier->object.path = MemoryContextStrdup(scan->context, first->object->path);
	earlier->reject = *first;
	earlier->reject.object = &earlier->object;
	earlier->reject.reason = MemoryContextStrdup(scan->context, first->reason);
	earlier->reject.hint = MemoryContextStrdup(scan->context, first->hint);
	earlier->reject.raw = (FlowSlice) {NULL, 0};
}

/* Forgets the list of files, but not what was counted. */
void
flowlog_scan_forget(FlowlogScan *scan)
{
	const FlowReject *first = first_reject(scan);
	FlowFilter *filter = scan->filter;
	FlowCounts counts;

	if (flowlog_scan_counts(scan, &counts))
		keep_earlier(scan, &counts, first);
	keep_found(scan);
	memset(&scan->counted, 0, sizeof(scan->counted));
	flowlog_ledger_restart(scan);

	/* close the reader, and free the list and the filter */
	remove_idle(scan);
	flow_reader_close(scan->reader);
	scan->reader = NULL;
	scan->ended = scan->files_ended = false;
	scan->rewound = true;
	release_queue(scan);
	flow_objects_free(&scan->backend.host, scan->objects);
	scan->objects = NULL;
	scan->filter = NULL;
	flow_filter_free(filter);
	MemoryContextReset(scan->listing);
	if (scan->explain_only)
		rest_store(scan);
}

/*
 * Adds the records that pass to the groups; returns true when all are added.
 */
bool
flowlog_scan_group(FlowlogScan *scan, FlowGroups *groups)
{
	FlowStatus status = FLOW_END;
	FlowError error;

	if (scan->ended)
		return true;
	while (!scan->files_ended &&
	       ((status = flow_reader_group(scan->reader, groups, &error)) == FLOW_REJECTED ||
	        status == FLOW_NEED_VALUE))
	{
		if (status == FLOW_NEED_VALUE)
			flowlog_qual_resolve(scan, flow_reader_needed(scan->reader));
		else
			notice_reject(scan);
	}
	if (status != FLOW_END && status != FLOW_OK)
		raise_error(scan, &error);
	Assert(flow_reader_balances(scan->reader));
	if (status == FLOW_OK)
		return false;

	if (!scan->files_ended && scan->answers != NULL && scan->queue != NULL &&
	    !flowlog_queue_take_answers(scan->queue, scan->answers))
		flowlog_answers_begin(scan->answers, NULL, false); /* another process has them */
	scan->files_ended = true;
	if (scan->answers != NULL && !flowlog_answers_give(scan->answers, scan, groups))
		return false;
	end_reading(scan);
	return true;
}

/* Records the counts, and warns of rejects and of columns without a field. */
void
flowlog_scan_finish(FlowlogScan *scan)
{
	FlowCounts all;
	const FlowCounts *counts = &all;
	const FlowReject *first;
	const char *name;
	StringInfoData text;
	bool readable;
	uint64_t line;

	/*
	 * a worker leaves this to the leader, but publishes what it has counted
	 * since its shutdown
	 */
	if (scan->queue != NULL && flowlog_queue_is_worker(scan->queue))
	{
		flowlog_scan_publish(scan);
		return;
	}
	if (!flowlog_scan_counts(scan, &all))
		return;

	/*
	 * publish the counts for flowlog_last_scan(), and warn if there were no
	 * files
	 */
	flowlog_ledger_record(scan, &all);
	if (scan->queue != NULL && flowlog_queue_is_list_empty(scan->queue))
		warn_of_nothing(scan, all.files_skipped);
	if (scan->table->options.log_verbosity == FLOWLOG_VERBOSITY_SILENT)
		return;
	keep_found(scan);
	flowlog_ledger_warn_of_lacking(scan, counts);
	first = first_reject(scan);
	if (first == NULL)
		return;

	/* say how many lines were rejected for what, and where the first one is */
	initStringInfo(&text);
	if (counts->unmatched > 0)
		appendStringInfo(&text, "Not records: %llu. ", (unsigned long long) counts->unmatched);
	if (counts->rejected + counts->set_null > counts->unmatched)
		appendStringInfo(&text,
		                 "With invalid values: %llu. ",
		                 (unsigned long long) (counts->rejected + counts->set_null -
		                                       counts->unmatched));
	if (find_line(scan, first, &line))
		appendStringInfo(&text,
		                 "The first is line %llu of \"%s\": %s",
		                 (unsigned long long) line,
		                 first->object->path,
		                 first->reason);
	else
		appendStringInfo(&text, "The first is in \"%s\": %s", first->object->path, first->reason);

	/*
	 * if most lines do not match the pattern, but files have headers, these
	 * name the fields more reliably
	 */
	readable = scan->table->options.regex != NULL && counts->headers > 0 &&
	           counts->unmatched > counts->lines / 2;
	name = flowlog_message(scan->table->name);
	ereport(WARNING,
	        counts->rejected > 0
	            ? errmsg("%llu of %llu lines of foreign table \"%s\" were left out",
	                     (unsigned long long) counts->rejected,
	                     (unsigned long long) counts->lines,
	                     name)
	            : errmsg("%llu of %llu lines of foreign table \"%s\" were read with nulls",
	                     (unsigned long long) counts->set_null,
	                     (unsigned long long) counts->lines,
	                     name),
	        errdetail_internal("%s", flowlog_message(text.data)),
	        readable ? errhint("Remove option \"regex\" to read the flow logs by "
	                           "their headers.")
	                 : errhint("%s%sThe function flowlog_rejects('%s') names them all.",
	                           first->hint,
	                           first->hint[0] != '\0' ? " " : "",
	                           name));
}
