/*-------------------------------------------------------------------------
 *
 * scan.h
 *	  Scans, what the processes of one share, and what they have counted.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOWLOG_SCAN_H
#define FLOWLOG_SCAN_H

#include "fdw/tuple.h"

/* ---------- scan.c ---------- */

typedef struct FlowlogQueue FlowlogQueue;
typedef struct FlowlogExchange FlowlogExchange; /* in shared memory */
typedef struct FlowlogAggregation FlowlogAggregation;
typedef struct FlowlogPrune FlowlogPrune;
typedef struct FlowlogDeferred FlowlogDeferred;

/* A scan of a table, in a plan or out of one. */
typedef struct FlowlogScan
{
	FlowlogTable *table;
	Oid userid;            /* for whom it reads */
	MemoryContext context; /* holds it all; its deletion closes files and frees patterns */
	MemoryContext listing; /* a part of it, for what goes with a list of files */
	MemoryContextCallback callback;
	FlowlogBackend backend;
	int reserved_fds;

	FlowFormatSpec format_spec; /* with the settings as they were when the scan began */
	FlowFormat *format;         /* NULL: not needed, as nothing is read */
	const char *format_name;    /* for EXPLAIN; NULL: not yet known */
	FlowStore *store;           /* of the objects; NULL: not yet opened, or they are local files */
	FlowlogPrune *prune;        /* NULL: nothing is pruned */
	/* NULL: not yet listed; those of a store may come while others are read */
	FlowObjects *objects;
	/* of these, to be read; where the list is not shared, and may grow */
	size_t next_object;
	List *pushed; /* the plan's conditions that the filter is made of */
	FlowFilter *filter;
	/*
	 * conditions of the filter that wait for a record to come to them; NULL:
	 * none ever did
	 */
	FlowlogDeferred *deferred;
	FlowReader *reader; /* NULL: not yet started */
	/*
	 * false until the next record is asked for: nothing was read since the
	 * scan began, or began again
	 */
	bool reading;
	bool ended;          /* it has read all there is */
	bool rewound;        /* it was begun again, and may be so once more */
	FlowlogTuple *tuple; /* NULL: it does not give rows, but groups: */
	FlowlogAggregation *aggregation;
	FlowlogQueue *queue; /* NULL: this process reads alone */
	FlowLineCount counted;
	bool explain_only; /* EXPLAIN without ANALYZE: nothing will be read */
	/*
	 * of the files that it has read before it began again, for
	 * flowlog_fdw.max_scan_bytes
	 */
	uint64 bytes_before;
	int64 progress_began; /* microseconds of a clock */
	int64 progress_next;  /* when to tell how far it is */
	int notices;          /* rejects named so far under log_verbosity 'verbose' */

	/* of lists of files before this one, where a rescan takes another */
	FlowCounts earlier;
	FlowStoreCounts store_before;
	bool has_earlier;
	FlowReject earlier_reject; /* the first; its object is NULL if there was none */
	FlowObject earlier_object;
} FlowlogScan;

/* "userid": for whom, InvalidOid for the current user. */
extern FlowlogScan *flowlog_scan_begin(Oid relid, Oid userid, MemoryContext parent);

/* Lists all of it, if that was not done. */
extern void flowlog_scan_list(FlowlogScan *scan);

/*
 * Opens the store, if the table's objects are in one; true if their list may
 * grow while they are read.
 */
extern bool flowlog_scan_prepare(FlowlogScan *scan);

/*
 * Lists if that was not done, and starts to read, or to read again, with
 * scan->filter: raises an error if that is more than
 * flowlog_fdw.max_scan_bytes allows.
 */
extern void flowlog_scan_start(FlowlogScan *scan);

/*
 * The same files again, with scan->filter as it now is, once
 * flowlog_scan_start is called.
 */
extern void flowlog_scan_rewind(FlowlogScan *scan);

/* How lines are taken apart, for EXPLAIN. */
extern const char *flowlog_scan_format_name(FlowlogScan *scan);

/*
 * Forgets the list of files, but not what was counted: the next start lists
 * again.
 */
extern void flowlog_scan_forget(FlowlogScan *scan);

/*
 * Starts to read for the rejects' sake: every line is judged on all columns,
 * whatever the table's on_error, and flowlog_scan_step returns FLOW_REJECTED
 * for each.
 */
extern void flowlog_scan_start_for_rejects(FlowlogScan *scan);

/* As flow_reader_next, with errors raised. */
extern FlowStatus flowlog_scan_step(FlowlogScan *scan, FlowRecord *record);

/* The next record that passes; false at the end. */
extern bool flowlog_scan_next(FlowlogScan *scan, FlowRecord *record);

/*
 * Adds the records that pass to the groups: false when these are full, true
 * when all records are added.
 */
extern bool flowlog_scan_group(FlowlogScan *scan, FlowGroups *groups);

/* Prepares to convert the scan's records: as flowlog_tuple_create. */
extern FlowlogTuple *flowlog_scan_create_tuple(FlowlogScan *scan, TupleDesc desc,
                                               Bitmapset *attrs_used);

/*
 * What was counted, by all processes that take part; false if nothing was
 * read.
 */
extern bool flowlog_scan_counts(FlowlogScan *scan, FlowCounts *counts);

/* Sets the requests of this process. */
extern void flowlog_scan_count_requests(const FlowlogScan *scan, FlowCounts *counts);

/* Tells the other processes of a parallel scan what this one has counted. */
extern void flowlog_scan_publish(FlowlogScan *scan);

/* Closes the ledger: warns of what was rejected. */
extern void flowlog_scan_finish(FlowlogScan *scan);

/* ---------- work_queue.c ---------- */

/* What there is in a list, as far as it is known. */
typedef struct FlowlogListed
{
	uint64 objects; /* to be read */
	uint64 bytes;
	uint64 skipped;
	FlowPruned pruned;
} FlowlogListed;

/*
 * The size of the units that so many bytes are cut into, and how many of them
 * a file is; "whole": it must not be cut.
 */
extern uint64 flowlog_queue_unit_size(uint64 bytes);
extern uint64 flowlog_queue_units(const FlowlogTable *table, const FlowObject *object,
                                  uint64 unit_size, bool whole);

/* What a leader makes a queue of. */
typedef struct FlowlogQueueSpec
{
	const FlowlogTable *table;
	/* NULL: they are listed while others are read (see shared_list.c) */
	const FlowObjects *objects;
	uint64 bytes_before; /* see flowlog_queue_bytes_before */
	bool whole;          /* files must not be cut */
	Size exchange_size;  /* room for where whole groups are made; 0: none are */
} FlowlogQueueSpec;

/*
 * They live in the context; flowlog_queue_release lets go of the shared
 * memory.
 */
extern FlowlogQueue *flowlog_queue_create(MemoryContext context, const FlowlogQueueSpec *spec);
extern FlowlogQueue *flowlog_queue_attach(MemoryContext context, dsm_handle handle);
extern void flowlog_queue_release(FlowlogQueue *queue);

extern dsm_segment *flowlog_queue_segment(const FlowlogQueue *queue);
extern FlowlogExchange *flowlog_queue_exchange(const FlowlogQueue *queue);

/* True if objects are listed while others are read. */
extern bool flowlog_queue_grows(const FlowlogQueue *queue);

/*
 * The objects that a worker reads, or a leader whose list grows: called once,
 * and then they live as long as the queue. The scan is whose listing goes on.
 */
extern const FlowObjects *flowlog_queue_objects(FlowlogQueue *queue, FlowlogScan *scan);
extern bool flowlog_queue_has_objects(const FlowlogQueue *queue);

/* All units from the first on again; no worker runs. */
extern void flowlog_queue_rewind(FlowlogQueue *queue);

/* What the reader shares with those of other processes (see FlowReadSpec). */
extern FlowStatus flowlog_queue_next_part(void *queue, bool wait, FlowPart *part, FlowError *error);
extern uint64_t *flowlog_queue_rejects(FlowlogQueue *queue);

/*
 * The bytes of all files as often as they were read before the scan began
 * again; and the same with this time, if any process has begun to read.
 */
extern uint64 flowlog_queue_bytes_before(const FlowlogQueue *queue);
extern uint64 flowlog_queue_bytes_charged(const FlowlogQueue *queue);

/* Which share of the work has been handed out, from 0 to 1? */
extern double flowlog_queue_share_taken(const FlowlogQueue *queue);

/* Which notice is it, from 1?  More than "most" if so many were given. */
extern int flowlog_queue_count_notice(FlowlogQueue *queue, int most);

extern bool flowlog_queue_is_worker(const FlowlogQueue *queue);

/*
 * Of a list that grew until it was complete: is there nothing in it, not even
 * what was pruned?
 */
extern bool flowlog_queue_is_list_empty(const FlowlogQueue *queue);

/* What there is to be read, as far as it is known. */
extern FlowlogListed flowlog_queue_listed(const FlowlogQueue *queue);

/*
 * Adds to the shared counts what this process has counted since it last did;
 * "first" is its first reject, or NULL.
 */
extern void flowlog_queue_publish(FlowlogQueue *queue, const FlowCounts *counts,
                                  const FlowReject *first);

/*
 * What all processes have published, and the first of their rejects, whose
 * object is among these, or NULL.
 */
extern void flowlog_queue_counts(const FlowlogQueue *queue, FlowCounts *counts);
extern const FlowReject *flowlog_queue_first_reject(FlowlogQueue *queue,
                                                    const FlowObjects *objects);

/* ---------- shared_list.c ---------- */

typedef struct FlowlogSharedList FlowlogSharedList; /* in shared memory */
typedef struct FlowlogListView FlowlogListView;     /* what a process knows of it */

/*
 * The list is in memory that outlives the view.  What prunes it is evaluated
 * now.
 */
extern Size flowlog_shared_list_size(void);
extern FlowlogListView *flowlog_shared_list_create(FlowlogScan *scan, FlowlogSharedList *shared);
extern FlowlogListView *flowlog_shared_list_attach(FlowlogScan *scan, FlowlogSharedList *shared);
extern void flowlog_shared_list_release(FlowlogListView *view);

/*
 * The next object that nobody has taken: its number, and with that its place
 * among the view's objects.  As FlowReadSpec's next_part, it raises no error.
 */
extern FlowStatus flowlog_shared_list_next(FlowlogListView *view, bool wait, uint64 *number,
                                           FlowError *error);
extern const FlowObjects *flowlog_shared_list_objects(const FlowlogListView *view);

extern uint64 flowlog_shared_list_taken(FlowlogSharedList *shared);
extern FlowlogListed flowlog_shared_list_sum(FlowlogSharedList *shared, bool *complete);

/* All from the first on again; nobody else is at it. */
extern void flowlog_shared_list_rewind(FlowlogSharedList *shared);

/* ---------- parallel.c ---------- */

/* May workers read the table? */
extern bool flowlog_is_parallel_safe(PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte);

extern Size flowlog_parallel_estimate(ForeignScanState *node, ParallelContext *pcxt);
extern void flowlog_parallel_initialize(ForeignScanState *node, ParallelContext *pcxt,
                                        void *coordinate);
extern void flowlog_parallel_reinitialize(ForeignScanState *node, ParallelContext *pcxt,
                                          void *coordinate);
extern void flowlog_parallel_initialize_worker(ForeignScanState *node, shm_toc *toc,
                                               void *coordinate);
extern void flowlog_parallel_shutdown(ForeignScanState *node);

/* ---------- ledger.c ---------- */

/* What was counted of a table in the last statement that scanned any. */
typedef struct FlowlogLastScan
{
	Oid relid; /* must be first: the hash table's key */
	TimestampTz finished;
	FlowCounts counts;
} FlowlogLastScan;

/* A scan has ended: it is one of the last ones from now on. */
extern void flowlog_ledger_record(const FlowlogScan *scan, const FlowCounts *counts);

/* FlowlogLastScan, in the order in which they ended. */
extern const List *flowlog_ledger_last_scans(void);

/*
 * Raises an error if the scan, which is about to read what was listed, would
 * read more than is allowed.
 */
extern void flowlog_ledger_check_limit(FlowlogScan *scan);

/*
 * The same for who only looks at the beginnings of some files, of "location".
 */
extern void flowlog_ledger_check_probes(const char *location, const FlowObject *objects,
                                        size_t count);

/* What was read until now counts, too, when the scan begins again. */
extern void flowlog_ledger_restart(FlowlogScan *scan);

/* From here on the scan's interrupt checks tell how far it is. */
extern void flowlog_progress_begin(FlowlogScan *scan);

#endif /* FLOWLOG_SCAN_H */
