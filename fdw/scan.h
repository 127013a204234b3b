/*-------------------------------------------------------------------------
 *
 * scan.h
 *	  Scans, what the processes of a scan share, and what they have counted.
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
typedef struct FlowlogNeeds FlowlogNeeds;
typedef struct FlowlogTop FlowlogTop;
typedef struct FlowlogSort FlowlogSort;
typedef struct FlowlogSets FlowlogSets;
typedef struct FlowlogAnswers FlowlogAnswers;
typedef struct FlowlogEarlier FlowlogEarlier;

/*
 * A scan of a table, as a part of a plan or not.  Each partition has one, and
 * above 1024 bytes it would take 2048.
 */
typedef struct FlowlogScan
{
	FlowlogTable *table;
	Oid userid; /* the role that reads */
	/* of the whole scan; its deletion also closes files and frees patterns */
	MemoryContext context;
	/* a child of it, for what lives as long as a list of files */
	MemoryContext listing;
	MemoryContextCallback callback;
	FlowlogBackend backend;
	const PlannedStmt *plan; /* of which this is a part; NULL: of none */
	bool in_parallel;        /* several processes ran the query when this began */

	FlowFormatSpec format_spec; /* with the settings of when the scan began */
	/* NULL: not needed, as nothing is being read */
	FlowFormat *format;
	const char *format_name; /* for EXPLAIN; NULL: not yet known */
	/* of the objects; NULL: not yet opened, or they are local files */
	FlowStore *store;
	/* which files these are (see catalogue.h); NULL: not opened, or no settled_after */
	const char *meaning;
	FlowlogPrune *prune;     /* NULL: nothing is pruned */
	FlowlogAnswers *answers; /* what is taken from the index; NULL: nothing is */
	/* NULL: not yet listed; a store's list may grow while it is read */
	FlowObjects *objects;
	/*
	 * the next of these to be read; used if the list may grow and is not
	 * shared
	 */
	size_t next_object;
	List *pushed;      /* the plan's conditions that the filter is made of */
	FlowlogSets *sets; /* what else it is made of (see runtime_set.c); NULL: nothing */
	FlowFilter *filter;
	/*
	 * what of the filter is evaluated when a record needs it; NULL: no
	 * condition was pushed
	 */
	FlowlogNeeds *needs;
	FlowlogNeeds *group_needs;  /* the same of an aggregation */
	List *subplans;             /* of the conditions (see need.c) */
	FlowMemo *memo;             /* of both; NULL: not needed yet */
	FlowlogTupleSource records; /* for converters of the scan's records */
	const FlowSample *sample;   /* ANALYZE: what is read of Parquet files; NULL: all */
	FlowReader *reader;         /* NULL: not yet started */
	/*
	 * false until the next record is asked for: nothing has been read since
	 * the scan began, or began again
	 */
	bool reading;
	bool files_ended;  /* all files have been read, for groups */
	bool ended;        /* all has been read */
	bool rewound;      /* it has begun again, so it may do so once more */
	bool explain_only; /* EXPLAIN without ANALYZE: nothing will be read */
	bool has_index;    /* the table has an index, which may leave out files */
	/* rejects reported so far under log_verbosity 'verbose' */
	int notices;
	FlowlogTuple *tuple; /* NULL: the scan returns groups, not rows */
	FlowlogAggregation *aggregation;
	/* by what rows or groups are left out (see top.c); NULL: none are */
	FlowlogTop *top;
	FlowTop *best;       /* NULL: none are, or not yet started */
	FlowlogSort *sort;   /* in which order rows are returned; NULL: as they are read */
	FlowlogQueue *queue; /* NULL: this process reads alone */
	FlowLineCount counted;
	/*
	 * bytes of the files that were read before the scan began again, for
	 * flowlog_fdw.max_scan_bytes
	 */
	uint64 bytes_before;
	int64 progress_began; /* microseconds of a clock */
	int64 progress_next;  /* when to report progress */

	/*
	 * the attributes that the query uses, for the warning of columns without a
	 * field; NULL: it is not given
	 */
	Bitmapset *attrs;
	bool *found; /* see FlowReadSpec; of this process, or of earlier lists */

	FlowlogEarlier *earlier; /* NULL: no rescan has made a new list of files */
} FlowlogScan;

/*
 * Begins a scan for role "userid"; InvalidOid is the current user.  The scan's
 * memory context is a child of "parent".
 */
extern FlowlogScan *flowlog_scan_begin(Oid relid, Oid userid, MemoryContext parent);

/* Lists all objects, unless that is done. */
extern void flowlog_scan_list(FlowlogScan *scan);

/*
 * Opens the store, if the table's objects are in one.  Returns true if their
 * list may grow while they are read.
 */
extern bool flowlog_scan_prepare(FlowlogScan *scan);

/*
 * Begins the list if there is none, and starts to read, or to read again, with
 * scan->filter.  Raises an error if flowlog_fdw.max_scan_bytes does not allow
 * so much.
 */
extern void flowlog_scan_start(FlowlogScan *scan);

/*
 * Makes the scan read the same files again, with the current scan->filter,
 * when flowlog_scan_start is called next.
 */
extern void flowlog_scan_rewind(FlowlogScan *scan);

/* Returns how lines are split into fields, for EXPLAIN. */
extern const char *flowlog_scan_format_name(FlowlogScan *scan);

/*
 * Forgets the list of files, but not what was counted: the next start makes a
 * new list.
 */
extern void flowlog_scan_forget(FlowlogScan *scan);

/*
 * Starts to read for flowlog_rejects(): all columns of every line are checked,
 * whatever the table's on_error, and flowlog_scan_step returns FLOW_REJECTED
 * for each reject.
 */
extern void flowlog_scan_start_for_rejects(FlowlogScan *scan);

/* Calls flow_reader_next, and raises its errors. */
extern FlowStatus flowlog_scan_step(FlowlogScan *scan, FlowRecord *record);

/* Reads the next record that passes the filter; returns false at the end. */
extern bool flowlog_scan_next(FlowlogScan *scan, FlowRecord *record);

/*
 * Adds the records that pass the filter to the groups.  Returns false when the
 * groups are full, true when all records are added.
 */
extern bool flowlog_scan_group(FlowlogScan *scan, FlowGroups *groups);

/* Prepares to convert the scan's records (see flowlog_tuple_create). */
extern FlowlogTuple *flowlog_scan_create_tuple(FlowlogScan *scan, TupleDesc desc,
                                               Bitmapset *attrs_used);

/*
 * Returns what all processes of the scan have counted; false if nothing was
 * read.
 */
extern bool flowlog_scan_counts(FlowlogScan *scan, FlowCounts *counts);

/* Sets the numbers of requests and retries that this process made. */
extern void flowlog_scan_count_requests(const FlowlogScan *scan, FlowCounts *counts);

/*
 * Adds what this process has counted to the shared counts of a parallel scan.
 */
extern void flowlog_scan_publish(FlowlogScan *scan);

/*
 * Records the counts of a scan that ends, and warns of its rejects and of
 * columns that no file has a field for.
 */
extern void flowlog_scan_finish(FlowlogScan *scan);

/* ---------- work_queue.c ---------- */

/* What a list contains, as far as it is known. */
typedef struct FlowlogListed
{
	uint64 objects; /* to be read */
	uint64 bytes;
	uint64 skipped;
	uint64 known;    /* came from the catalogue */
	uint64 answered; /* see FlowObjects */
	uint64 not_indexed;
	bool has_index; /* see FlowlogScan */
	FlowPruned pruned;
} FlowlogListed;

/*
 * Return the size in bytes of the units that "bytes" bytes are cut into, and
 * the number of units of a file.  With "whole", files are not cut.
 */
extern uint64 flowlog_queue_unit_size(uint64 bytes);
extern uint64 flowlog_queue_units(const FlowlogTable *table, const FlowObject *object,
                                  uint64 unit_size, bool whole);

/* What a leader makes a queue from. */
typedef struct FlowlogQueueSpec
{
	const FlowlogTable *table;
	/* NULL: they are listed while others are read (see shared_list.c) */
	const FlowObjects *objects;
	/* what other files have; it goes to the queue.  NULL: there are none */
	FlowlogAnswers *answers;
	uint64 bytes_before; /* see flowlog_queue_bytes_before */
	bool whole;          /* files are not cut */
	bool unsettled;      /* see flowlog_queue_claim; only of a complete list */
	Size exchange_size;  /* room for the exchange of partial groups; 0: none */
	int processes;       /* that run the query together */
} FlowlogQueueSpec;

/*
 * Make a queue, in a leader, and attach to it, in a worker.  It lives in the
 * context; flowlog_queue_release detaches from the shared memory.
 */
extern FlowlogQueue *flowlog_queue_create(MemoryContext context, const FlowlogQueueSpec *spec);
extern FlowlogQueue *flowlog_queue_attach(MemoryContext context, dsm_handle handle);
/* Returns the number of processes that run the query together. */
extern int flowlog_queue_processes(const FlowlogQueue *queue);
extern void flowlog_queue_release(FlowlogQueue *queue);

extern dsm_segment *flowlog_queue_segment(const FlowlogQueue *queue);
extern FlowlogExchange *flowlog_queue_exchange(const FlowlogQueue *queue);

/* Returns true if objects are listed while others are read. */
extern bool flowlog_queue_grows(const FlowlogQueue *queue);

/*
 * Returns the objects for a worker, or for a leader whose list grows.  Called
 * once; the objects live as long as the queue.  "scan" is the scan that
 * continues the listing.
 */
extern const FlowObjects *flowlog_queue_objects(FlowlogQueue *queue, FlowlogScan *scan);
extern bool flowlog_queue_has_objects(const FlowlogQueue *queue);

/*
 * Of an unsettled list it is not known yet which files need to be read.  To be
 * called by each process before it takes a part.  Returns true for one of them,
 * which then calls flowlog_queue_settle; the others wait for that.
 */
extern bool flowlog_queue_claim(FlowlogQueue *queue, FlowlogBackend *backend);

/*
 * Leaves out the files that "pruned" names, by the numbers of the objects, as
 * the index says.  "pruned" is NULL if there is no index.
 */
extern void flowlog_queue_settle(FlowlogQueue *queue, const FlowlogTable *table,
                                 const FlowObjects *objects, const bool *pruned,
                                 uint64 not_indexed);

/*
 * Hands out all units again from the first one on.  No worker is running then.
 */
extern void flowlog_queue_rewind(FlowlogQueue *queue);

/*
 * What the reader shares with the readers of other processes (see
 * FlowReadSpec).
 */
extern FlowStatus flowlog_queue_next_part(void *queue, bool wait, FlowPart *part, FlowError *error);
extern uint64_t *flowlog_queue_rejects(FlowlogQueue *queue);
extern bool *flowlog_queue_found(FlowlogQueue *queue);

/*
 * Return the bytes that were read before the scan began again; and the same
 * with the bytes of the current run, if any process has begun to read.
 */
extern uint64 flowlog_queue_bytes_before(const FlowlogQueue *queue);
extern uint64 flowlog_queue_bytes_charged(const FlowlogQueue *queue);

/* Returns which share of the work has been handed out, from 0 to 1. */
extern double flowlog_queue_share_taken(const FlowlogQueue *queue);

/*
 * Returns the number of the next notice, from 1; more than "most" if so many
 * were given already.
 */
extern int flowlog_queue_count_notice(FlowlogQueue *queue, int most);

extern bool flowlog_queue_is_worker(const FlowlogQueue *queue);

/*
 * Returns true if a list that grew is complete and nothing was found, not even
 * files or directories that were pruned.
 */
extern bool flowlog_queue_is_list_empty(const FlowlogQueue *queue);

/* Returns what there is to be read, as far as it is known. */
extern FlowlogListed flowlog_queue_listed(const FlowlogQueue *queue);

/*
 * Adds to the shared counts what this process has counted since its last call.
 * "first" is its first reject, or NULL.
 */
extern void flowlog_queue_publish(FlowlogQueue *queue, const FlowCounts *counts,
                                  const FlowReject *first);

/*
 * Return what all processes have published; and the first of their rejects,
 * whose object is one of "objects", or NULL.
 */
extern void flowlog_queue_counts(const FlowlogQueue *queue, FlowCounts *counts);
extern const FlowReject *flowlog_queue_first_reject(FlowlogQueue *queue,
                                                    const FlowObjects *objects);

/*
 * Returns true for the first process that asks in a scan, and sets *answers to
 * what the leader has found of files that are not read.
 */
extern bool flowlog_queue_take_answers(FlowlogQueue *queue, FlowlogAnswers *answers);

/* ---------- shared_list.c ---------- */

typedef struct FlowlogSharedList FlowlogSharedList; /* in shared memory */
/* a process's view of it */
typedef struct FlowlogListView FlowlogListView;

/*
 * Copies a text to base + *used, moves *used past it, and returns its offset.
 */
extern uint64 flowlog_shared_text(void *base, Size *used, const char *text);

/*
 * Make a list in "shared", and attach to it.  The shared memory outlives the
 * view.  The values that prune the list are evaluated when this process lists
 * for the first time.
 */
extern Size flowlog_shared_list_size(void);
extern FlowlogListView *flowlog_shared_list_create(FlowlogScan *scan, FlowlogSharedList *shared);
extern FlowlogListView *flowlog_shared_list_attach(FlowlogScan *scan, FlowlogSharedList *shared);
extern void flowlog_shared_list_release(FlowlogListView *view);

/*
 * Takes the next object that no process has taken.  Its number is also its
 * place among the view's objects.  Raises no error, as FlowReadSpec's
 * next_part.
 */
extern FlowStatus flowlog_shared_list_next(FlowlogListView *view, bool wait, uint64 *number,
                                           FlowError *error);
extern const FlowObjects *flowlog_shared_list_objects(const FlowlogListView *view);

extern uint64 flowlog_shared_list_taken(FlowlogSharedList *shared);
extern FlowlogListed flowlog_shared_list_sum(FlowlogSharedList *shared, bool *complete);

/*
 * Hands out all objects again from the first one on.  No other process uses
 * the list then.
 */
extern void flowlog_shared_list_rewind(FlowlogSharedList *shared);

/* ---------- catalogue.c ---------- */

/*
 * Returns what the catalogue knows of a scan's files, or NULL if that is
 * nothing.  It lives in the current memory context.  The values that prune the
 * list are evaluated.
 */
extern const FlowKnown *flowlog_known_begin(FlowlogScan *scan, const FlowPruner *pruner);

/*
 * Adds a hint to an error about a file that is not the one of which the
 * catalogue knows.
 */
extern void flowlog_known_hint(const FlowlogScan *scan, FlowError *error);

/* ---------- index_prune.c ---------- */

/* What a table's index says of its files. */
typedef struct FlowlogIndexPrune FlowlogIndexPrune;

/* Returns true if a table has an index, which may have no entries. */
extern bool flowlog_index_is_defined(Oid relid);

/*
 * Returns the attributes, as pull_varattnos does, whose values a table's index
 * has; NULL if there is no index.
 */
extern Bitmapset *flowlog_index_attrs(const FlowlogTable *table, Snapshot snapshot);

/* ---------- index_cost.c ---------- */

/* What is known of an index while planning. */
typedef struct FlowlogIndexSize FlowlogIndexSize;

/* Returns NULL if the table has no index. */
extern FlowlogIndexSize *flowlog_index_size(const FlowlogTable *table);

/* Returns true if the index has any files. */
extern bool flowlog_index_has_files(const FlowlogIndexSize *size);

/*
 * Estimates how many files a table has, their bytes as stored, and their lines;
 * returns false if the index does not know.
 */
extern bool flowlog_index_estimate(const FlowlogIndexSize *size, double *files, double *bytes,
                                   double *lines);

/*
 * Return the share of a table's files that a scan is expected to read, if the
 * index leaves out those that cannot match its restrictions; and those that
 * cannot match conditions with sets of so many keys.
 */
extern double flowlog_index_share(const FlowlogIndexSize *size, Index relid,
                                  const List *restrictions);
extern double flowlog_index_share_of_sets(const FlowlogIndexSize *size, Index relid,
                                          const List *conditions, double keys);

/* ---------- index_prune.c: a scan ---------- */

/*
 * Reads which files a table's index covers, as the snapshot sees it, into the
 * current memory context; "groups": and what their records are.  NULL: the table
 * has no index.  The arguments must outlive the result.
 */
extern FlowlogIndexPrune *flowlog_index_prune_create(const FlowlogTable *table,
                                                     FlowlogBackend *backend, Snapshot snapshot,
                                                     bool groups);

/*
 * Finds the files in which no record can pass a filter, and those of which
 * "answers", if it is not NULL, can be taken from the index, instead of those of
 * the last one.
 */
extern void flowlog_index_prune_begin(FlowlogIndexPrune *prune, const FlowFilter *filter,
                                      FlowlogAnswers *answers);

/* What the index has of a file (see index.h). */
typedef struct FlowlogIndexFile FlowlogIndexFile;

/*
 * Returns what becomes of a file: FLOW_PRUNE_BY_INDEX; FLOW_KEEP, or
 * FLOW_KEEP_UNINDEXED if the index does not cover it; or FLOW_ANSWER_BY_INDEX,
 * if *answered is added to the answers.
 */
extern FlowPruning flowlog_index_prune_file(const FlowlogIndexPrune *prune, const FlowObject *file,
                                            const FlowlogIndexFile **answered);

/* ---------- index_answer.c ---------- */

/*
 * Returns true if an index may have all that outputs, a list of expressions,
 * and conditions need of a table's records.
 */
extern bool flowlog_index_may_answer(PlannerInfo *root, const FlowlogTable *table, Index relid,
                                     List *outputs, List *conditions);

/*
 * Prepares to answer for files, in the current memory context; "attrs" are the
 * attributes that the query uses, as pull_varattnos has them.
 */
extern FlowlogAnswers *flowlog_answers_create(const FlowlogTable *table, FlowlogBackend *backend,
                                              List *outputs, const Bitmapset *attrs);

/*
 * Begins with a list of files.  "filter", of all conditions of records, is the
 * answers' from now on; NULL: there are none.  If it is not "possible", because
 * conditions cannot be evaluated now, all files are read.
 */
extern void flowlog_answers_begin(FlowlogAnswers *answers, FlowFilter *filter, bool possible);
extern bool flowlog_answers_are_possible(const FlowlogAnswers *answers); /* accepts NULL */

/* Returns the columns whose fields a file gives to all of its records, as far as the query uses them. */
extern const int *flowlog_answers_constants(const FlowlogAnswers *answers, int *count);
extern void flowlog_answers_add(FlowlogAnswers *answers, const FlowlogIndexFile *file,
                                const FlowSlice *fields);

/*
 * Move what was added to shared memory, and take it from there.  "answers" may
 * be NULL for the first two.
 */
extern Size flowlog_answers_size(FlowlogAnswers *answers);
extern void flowlog_answers_save(FlowlogAnswers *answers, char *shared);
extern void flowlog_answers_load(FlowlogAnswers *answers, const char *shared);

/*
 * Adds what was found to the groups of the scan's reader, which has read all
 * files.  Returns false when the groups are full, true when all is added; after
 * flowlog_answers_rewind it is added again.
 */
extern bool flowlog_answers_give(FlowlogAnswers *answers, FlowlogScan *scan, FlowGroups *groups);
extern void flowlog_answers_rewind(FlowlogAnswers *answers);

/* ---------- settle.c ---------- */

/*
 * Decides which files are read, if that is left to the process that reads
 * first.  To be called before a process reads.
 */
extern void flowlog_settle(FlowlogScan *scan);

/* ---------- parallel.c ---------- */

/* Returns true if workers may read the table. */
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

/* What was counted for a table in the last statement that scanned any. */
typedef struct FlowlogLastScan
{
	Oid relid; /* must be first: the hash table's key */
	TimestampTz finished;
	FlowCounts counts;
} FlowlogLastScan;

/* Records the counts of a scan that has ended. */
extern void flowlog_ledger_record(const FlowlogScan *scan, const FlowCounts *counts);

/* Returns a list of FlowlogLastScan, in the order in which the scans ended. */
extern const List *flowlog_ledger_last_scans(void);

/*
 * Warns of columns that the query uses and no file that was read has a field
 * for.
 */
extern void flowlog_ledger_warn_of_lacking(const FlowlogScan *scan, const FlowCounts *counts);

/*
 * Raises an error if a scan, which is about to read its list, would read more
 * than flowlog_fdw.max_scan_bytes allows.
 */
extern void flowlog_ledger_check_limit(FlowlogScan *scan);

/*
 * Does the same for a command that reads only the beginnings of some files of
 * "location".
 */
extern void flowlog_ledger_check_probes(const char *location, const FlowObject *objects,
                                        size_t count);

/*
 * Adds what was read until now to what counts for the limit; the scan begins
 * again.
 */
extern void flowlog_ledger_restart(FlowlogScan *scan);

/* Makes the scan's interrupt checks report progress from now on. */
extern void flowlog_progress_begin(FlowlogScan *scan);

#endif /* FLOWLOG_SCAN_H */
