/*-------------------------------------------------------------------------
 *
 * flowlog_fdw.h
 *	  What the files of the foreign data wrapper share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOWLOG_FDW_H
#define FLOWLOG_FDW_H

#include "postgres.h"

#include "access/parallel.h"
#include "commands/explain.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "foreign/fdwapi.h"
#include "foreign/foreign.h"
#include "nodes/execnodes.h"
#include "nodes/pathnodes.h"
#include "storage/dsm.h"
#include "storage/latch.h"
#if PG_VERSION_NUM >= 180000
#include "storage/waiteventset.h"
#endif
#include "utils/date.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "flow/flow_s3.h"

#if PG_VERSION_NUM < 140000
#error "flowlog_fdw needs PostgreSQL 14 or later"
#endif

/*
 * The module is built with hidden symbols.  Before 16 PostgreSQL marks neither
 * its own entry points nor SQL-callable functions for export.
 */
#if PG_VERSION_NUM < 160000
#undef PGDLLEXPORT
#define PGDLLEXPORT __attribute__((visibility("default")))
#endif
#define FLOWLOG_FUNCTION(name)                       \
	extern PGDLLEXPORT Datum name(PG_FUNCTION_ARGS); \
	PG_FUNCTION_INFO_V1(name)

/* microseconds and days between 1970-01-01, where the core counts from, and 2000-01-01 */
#define FLOWLOG_EPOCH_DAYS 10957
#define FLOWLOG_EPOCH_MICROSECONDS (INT64CONST(86400000000) * FLOWLOG_EPOCH_DAYS)

/* ---------- setting.c ---------- */

extern bool flowlog_enable_pushdown;
extern bool flowlog_enable_splitter;
extern bool flowlog_enable_aggregate_pushdown;
extern bool flowlog_regex_jit;
extern double flowlog_max_scan_bytes; /* 0: no limit */
extern bool flowlog_progress;
extern bool flowlog_enable_rollup;
extern char *flowlog_allowed_paths;        /* NULL: not set */
extern bool flowlog_allowed_paths_refused; /* it was set, but not validly */
extern char *flowlog_allowed_endpoints;    /* the same of this one */
extern bool flowlog_allowed_endpoints_refused;

extern void flowlog_settings_define(void);

/* ---------- option.c ---------- */

typedef enum FlowlogVerbosity
{
	FLOWLOG_VERBOSITY_SILENT,
	FLOWLOG_VERBOSITY_DEFAULT,
	FLOWLOG_VERBOSITY_VERBOSE
} FlowlogVerbosity;

typedef enum FlowlogUrlStyle
{
	FLOWLOG_URL_DEFAULT, /* AWS: virtual; an endpoint: path */
	FLOWLOG_URL_VIRTUAL,
	FLOWLOG_URL_PATH
} FlowlogUrlStyle;

/* What the options of an object say. */
typedef struct FlowlogOptions
{
	const char *location;
	const char *regex;
	const char *log_format;
	FlowHeaderMode header;
	const char *null_text;
	bool null_off;
	FlowOnError on_error;
	int64 reject_limit; /* -1: none */
	FlowlogVerbosity log_verbosity;
	const char *compression;
	int max_line_length;   /* bytes */
	int64 name_time_slack; /* microseconds; -1: off */
	FlowShard shard;       /* also of a server, for tables without it; count 0: all files */

	const char *field; /* of a column */

	/* of a server */
	const char *region;
	const char *endpoint_host; /* with a port, perhaps; NULL: AWS's */
	bool endpoint_plain;       /* it is asked without TLS */
	FlowlogUrlStyle url_style;
	bool requester_pays;
	const char *ca_file;
	int max_connections;

	/* of a user mapping */
	const char *access_key_id;
	const char *secret_access_key;
	const char *session_token;
	FlowS3Source credential_source;
} FlowlogOptions;

/* The backend as the reader's host. */
typedef struct FlowlogBackend
{
	FlowHost host;
	FlowHost reader_host;  /* the same for what is needed only while a scan reads; all of it must be freed */
	MemoryContext context; /* of what the reader allocates */
	ErrorData *interrupt;  /* the error that an interrupt raised, to be thrown later */

	/* called at interrupt checks, outside the core; may raise errors.  NULL: none */
	bool (*is_tick_due)(void *arg);
	void (*tick)(void *arg);
	void *tick_arg;

	bool in_error; /* an error is being reported: an interrupt only ends what is done for its sake */

	/* for waiting */
	WaitEventSet *waits; /* NULL: not yet made */
	uint64 waits_version;
} FlowlogBackend;

/* A foreign table as a scan sees it. */
typedef struct FlowlogTable
{
	Oid relid;
	Oid serverid;
	const char *name;
	FlowlogOptions options;

	/* its columns that are not computed from others, in their order */
	FlowColumn *columns;
	int ncolumns;
	AttrNumber *attnums; /* of each of these columns */
	int *column_of_attr; /* by attnum - 1: index into columns, or -1 */
	bool *is_time;       /* by column: is it one of a record's times (see option name_time_slack)? */
	int natts;

	FlowlogBackend backend; /* the location's host */
	FlowLocation *location;
} FlowlogTable;

/* Checks the options of an object of this catalog, as CREATE and ALTER give them. */
extern void flowlog_options_validate(List *list, Oid catalog);

/* What the options of a server and a user mapping say. */
extern void flowlog_options_of_server(FlowlogOptions *options, const ForeignServer *server);
extern void flowlog_options_of_user(FlowlogOptions *options, const UserMapping *mapping);

/* Reads a foreign table's definition into the current memory context. */
extern FlowlogTable *flowlog_table_open(Oid relid);

/* ---------- backend.c ---------- */

extern void flowlog_backend_init(FlowlogBackend *backend, MemoryContext context);

/* Frees what is no memory of the context. */
extern void flowlog_backend_release(FlowlogBackend *backend);

/* To be called when a scan begins, before anything uses its reader_host, and when all of that is freed. */
extern void flowlog_buffers_acquire(void);
extern void flowlog_buffers_release(void);

/*
 * Calls a function that may raise errors from where none may pass.  False: it has, and flowlog_raise raises it again when the
 * core has returned FLOW_INTERRUPTED, of which the second one makes the error.
 */
extern bool flowlog_backend_call(FlowlogBackend *backend, void (*function)(void *arg), void *arg);
extern FlowStatus flowlog_backend_interrupted(FlowError *error);

/*
 * Calls a function in a subtransaction.  False: it has raised an error, and all that it did in PostgreSQL is undone; or
 * there can be no subtransaction.  Errors that are not the function's own, such as a cancel, are raised.
 */
extern bool flowlog_backend_try(void (*function)(void *arg), void *arg);

/*
 * Raises what the core reported; the one place that maps FlowStatus to SQLSTATE.
 * Raw text of a log is added only for those who may SELECT the whole table;
 * "table" may be NULL where there is none yet.
 */
extern void flowlog_raise(FlowlogBackend *backend, const FlowError *error, const FlowlogTable *table) __attribute__((noreturn));

/* May the current user see raw text of the table's logs? */
extern bool flowlog_may_see_raw(const FlowlogTable *table);

/* The allowed paths as they are set now, in the current memory context, and a store or NULL. */
extern FlowAccess flowlog_get_access(FlowStore *store);

/* ---------- printable.c ---------- */

/* Bytes of a log as text that is valid in the database's encoding, without control characters, at most so many of them. */
extern char *flowlog_printable(const char *data, size_t len, size_t most);

/* A name of a file as text that is valid in the database's encoding; itself if it is. */
extern const char *flowlog_valid_text(const char *bytes);

/*
 * A name of a file, or a text with such names in it, for a message: valid in the database's encoding, convertible to
 * the client's, and without control characters; itself if it is all that.
 */
extern const char *flowlog_message(const char *bytes);

/*
 * The same for error context callbacks, which must not look into catalogs.  What they need is looked up beforehand by
 * flowlog_message_prepare; if the client has changed its encoding since, only ASCII is left as it is.
 */
extern void flowlog_message_prepare(void);
extern const char *flowlog_message_prepared(const char *bytes);

/* ---------- s3.c ---------- */

/*
 * The store of the objects of a location, in a foreign table of a server, for a user whose mapping has the keys; NULL if the location
 * is local.  It lives as long as "context", of which the caller frees it before it ends.
 */
extern FlowStore *flowlog_s3_open(FlowlogBackend *backend, const FlowLocation *location, Oid serverid, Oid userid);

/* ---------- scan.c ---------- */

typedef struct FlowlogTuple FlowlogTuple;
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
	FlowObjects *objects;       /* NULL: not yet listed; those of a store may come while others are read */
	size_t next_object;         /* of these, to be read; where the list is not shared, and may grow */
	FlowFilter *filter;
	FlowlogDeferred *deferred; /* conditions of the filter that wait for a record to come to them; NULL: none ever did */
	FlowReader *reader;        /* NULL: not yet started */
	bool reading;              /* false until the next record is asked for: nothing was read since the scan began, or began again */
	bool ended;                /* it has read all there is */
	bool rewound;              /* it was begun again, and may be so once more */
	FlowlogTuple *tuple;       /* NULL: it does not give rows, but groups: */
	FlowlogAggregation *aggregation;
	FlowlogQueue *queue; /* NULL: this process reads alone */
	FlowLineCount counted;
	bool explain_only;    /* EXPLAIN without ANALYZE: nothing will be read */
	uint64 bytes_before;  /* of the files that it has read before it began again, for flowlog_fdw.max_scan_bytes */
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

/* Opens the store, if the table's objects are in one; true if their list may grow while they are read. */
extern bool flowlog_scan_prepare(FlowlogScan *scan);

/*
 * Lists if that was not done, and starts to read, or to read again, with scan->filter: raises an error if that is more
 * than flowlog_fdw.max_scan_bytes allows.
 */
extern void flowlog_scan_start(FlowlogScan *scan);

/* The same files again, with scan->filter as it now is, once flowlog_scan_start is called. */
extern void flowlog_scan_rewind(FlowlogScan *scan);

/* How lines are taken apart, for EXPLAIN. */
extern const char *flowlog_scan_format_name(FlowlogScan *scan);

/* Forgets the list of files, but not what was counted: the next start lists again. */
extern void flowlog_scan_forget(FlowlogScan *scan);

/*
 * Starts to read for the rejects' sake: every line is judged on all columns,
 * whatever the table's on_error, and flowlog_scan_step returns FLOW_REJECTED for each.
 */
extern void flowlog_scan_start_for_rejects(FlowlogScan *scan);

/* As flow_reader_next, with errors raised. */
extern FlowStatus flowlog_scan_step(FlowlogScan *scan, FlowRecord *record);

/* The next record that passes; false at the end. */
extern bool flowlog_scan_next(FlowlogScan *scan, FlowRecord *record);

/* Adds the records that pass to the groups: false when these are full, true when all records are added. */
extern bool flowlog_scan_group(FlowlogScan *scan, FlowGroups *groups);

/* Prepares to convert the scan's records: as flowlog_tuple_create. */
extern FlowlogTuple *flowlog_scan_create_tuple(FlowlogScan *scan, TupleDesc desc, Bitmapset *attrs_used);

/* What was counted, by all processes that take part; false if nothing was read. */
extern bool flowlog_scan_counts(FlowlogScan *scan, FlowCounts *counts);

/* Sets the requests of this process. */
extern void flowlog_scan_count_requests(const FlowlogScan *scan, FlowCounts *counts);

/* Tells the other processes of a parallel scan what this one has counted. */
extern void flowlog_scan_publish(FlowlogScan *scan);

/* Closes the ledger: warns of what was rejected. */
extern void flowlog_scan_finish(FlowlogScan *scan);

/* ---------- parallel.c ---------- */

/* May workers read the table? */
extern bool flowlog_is_parallel_safe(PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte);

extern Size flowlog_parallel_estimate(ForeignScanState *node, ParallelContext *pcxt);
extern void flowlog_parallel_initialize(ForeignScanState *node, ParallelContext *pcxt, void *coordinate);
extern void flowlog_parallel_reinitialize(ForeignScanState *node, ParallelContext *pcxt, void *coordinate);
extern void flowlog_parallel_initialize_worker(ForeignScanState *node, shm_toc *toc, void *coordinate);
extern void flowlog_parallel_shutdown(ForeignScanState *node);

/* ---------- work_queue.c ---------- */

/* What there is in a list, as far as it is known. */
typedef struct FlowlogListed
{
	uint64 objects; /* to be read */
	uint64 bytes;
	uint64 skipped;
	FlowPruned pruned;
} FlowlogListed;

/* The size of the units that so many bytes are cut into, and how many of them a file is; "whole": it must not be cut. */
extern uint64 flowlog_queue_unit_size(uint64 bytes);
extern uint64 flowlog_queue_units(const FlowlogTable *table, const FlowObject *object, uint64 unit_size, bool whole);

/* What a leader makes a queue of. */
typedef struct FlowlogQueueSpec
{
	const FlowlogTable *table;
	const FlowObjects *objects; /* NULL: they are listed while others are read (see shared_list.c) */
	uint64 bytes_before;        /* see flowlog_queue_bytes_before */
	bool whole;                 /* files must not be cut */
	Size exchange_size;         /* room for where whole groups are made; 0: none are */
} FlowlogQueueSpec;

/* They live in the context; flowlog_queue_release lets go of the shared memory. */
extern FlowlogQueue *flowlog_queue_create(MemoryContext context, const FlowlogQueueSpec *spec);
extern FlowlogQueue *flowlog_queue_attach(MemoryContext context, dsm_handle handle);
extern void flowlog_queue_release(FlowlogQueue *queue);

extern dsm_segment *flowlog_queue_segment(const FlowlogQueue *queue);
extern FlowlogExchange *flowlog_queue_exchange(const FlowlogQueue *queue);

/* True if objects are listed while others are read. */
extern bool flowlog_queue_grows(const FlowlogQueue *queue);

/*
 * The objects that a worker reads, or a leader whose list grows: called once, and then they live as long as the queue.
 * The scan is whose listing goes on.
 */
extern const FlowObjects *flowlog_queue_objects(FlowlogQueue *queue, FlowlogScan *scan);
extern bool flowlog_queue_has_objects(const FlowlogQueue *queue);

/* All units from the first on again; no worker runs. */
extern void flowlog_queue_rewind(FlowlogQueue *queue);

/* What the reader shares with those of other processes (see FlowReadSpec). */
extern FlowStatus flowlog_queue_next_part(void *queue, bool wait, FlowPart *part, FlowError *error);
extern uint64_t *flowlog_queue_rejects(FlowlogQueue *queue);

/*
 * The bytes of all files as often as they were read before the scan began again; and the same with this time, if
 * any process has begun to read.
 */
extern uint64 flowlog_queue_bytes_before(const FlowlogQueue *queue);
extern uint64 flowlog_queue_bytes_charged(const FlowlogQueue *queue);

/* Which share of the work has been handed out, from 0 to 1? */
extern double flowlog_queue_share_taken(const FlowlogQueue *queue);

/* Which notice is it, from 1?  More than "most" if so many were given. */
extern int flowlog_queue_count_notice(FlowlogQueue *queue, int most);

extern bool flowlog_queue_is_worker(const FlowlogQueue *queue);

/* Of a list that grew until it was complete: is there nothing in it, not even what was pruned? */
extern bool flowlog_queue_is_list_empty(const FlowlogQueue *queue);

/* What there is to be read, as far as it is known. */
extern FlowlogListed flowlog_queue_listed(const FlowlogQueue *queue);

/* Adds to the shared counts what this process has counted since it last did; "first" is its first reject, or NULL. */
extern void flowlog_queue_publish(FlowlogQueue *queue, const FlowCounts *counts, const FlowReject *first);

/* What all processes have published, and the first of their rejects, whose object is among these, or NULL. */
extern void flowlog_queue_counts(const FlowlogQueue *queue, FlowCounts *counts);
extern const FlowReject *flowlog_queue_first_reject(FlowlogQueue *queue, const FlowObjects *objects);

/* ---------- shared_list.c ---------- */

typedef struct FlowlogSharedList FlowlogSharedList; /* in shared memory */
typedef struct FlowlogListView FlowlogListView;     /* what a process knows of it */

/* The list is in memory that outlives the view.  What prunes it is evaluated now. */
extern Size flowlog_shared_list_size(void);
extern FlowlogListView *flowlog_shared_list_create(FlowlogScan *scan, FlowlogSharedList *shared);
extern FlowlogListView *flowlog_shared_list_attach(FlowlogScan *scan, FlowlogSharedList *shared);
extern void flowlog_shared_list_release(FlowlogListView *view);

/*
 * The next object that nobody has taken: its number, and with that its place among the view's objects.  As FlowReadSpec's next_part, it
 * raises no error.
 */
extern FlowStatus flowlog_shared_list_next(FlowlogListView *view, bool wait, uint64 *number, FlowError *error);
extern const FlowObjects *flowlog_shared_list_objects(const FlowlogListView *view);

extern uint64 flowlog_shared_list_taken(FlowlogSharedList *shared);
extern FlowlogListed flowlog_shared_list_sum(FlowlogSharedList *shared, bool *complete);

/* All from the first on again; nobody else is at it. */
extern void flowlog_shared_list_rewind(FlowlogSharedList *shared);

/* ---------- type.c ---------- */

/* What a column's type means to the core. */
extern void flowlog_column_set_type(FlowColumn *column, Oid type, int32 typmod);

/* A value of one of the types that columns are compared with, as the core has it. */
extern void flowlog_value_from_datum(Oid type, Datum datum, FlowValue *value);

/* ---------- tuple.c ---------- */

/* Where the records come from that are converted. */
typedef struct FlowlogTupleSource
{
	const FlowlogTable *table;
	const FlowHost *host;
	MemoryContext context; /* in which the converter lives */

	/* called for a field that does not convert: returns if it is to be NULL, or raises an error */
	void (*bad_field)(void *arg, FlowBadField bad);

	/* the place of the current record, for the context of an error; returns false if it is not known.  NULL: it never is */
	bool (*position)(void *arg, const char **path, uint64 *line);
	void *arg; /* of both */
} FlowlogTupleSource;

/*
 * Prepares to convert the columns whose attnums are in the set (offset by FirstLowInvalidHeapAttributeNumber).  Copies
 * the source.
 */
extern FlowlogTuple *flowlog_tuple_create(const FlowlogTupleSource *source, TupleDesc desc, Bitmapset *attrs_used);

/* The columns of a record that it looks at, as FlowReadSpec takes them; they live as long as the scan. */
extern const int *flowlog_tuple_columns(const FlowlogTuple *tuple, int *count);

/*
 * Fills values and isnull of a whole row; by-reference values live until the next call.  Only a call with other
 * arrays than the last one's writes the NULLs of columns that are not converted.
 */
extern void flowlog_tuple_fill(FlowlogTuple *tuple, const FlowRecord *record, Datum *values, bool *isnull);

/* Frees what rows took; the next row makes it anew. */
extern void flowlog_tuple_rest(FlowlogTuple *tuple);

/*
 * A value of a column as a Datum, in the current memory context.  Not of the types for which that takes
 * more than the value: FLOW_DECIMAL, FLOW_PADDED, FLOW_OPAQUE.
 */
extern Datum flowlog_value_to_datum(const FlowColumn *column, const FlowValue *value);

/* ---------- plan.c ---------- */

extern void flowlog_get_rel_size(PlannerInfo *root, RelOptInfo *baserel, Oid relid);
extern void flowlog_get_paths(PlannerInfo *root, RelOptInfo *baserel, Oid relid);
extern ForeignScan *flowlog_get_plan(PlannerInfo *root, RelOptInfo *baserel, Oid relid, ForeignPath *best_path,
                                     List *tlist, List *scan_clauses, Plan *outer_plan);

/* The attributes a plan's scan needs, as flowlog_tuple_create takes them. */
extern Bitmapset *flowlog_plan_attrs_used(ForeignScan *plan);

/* The clauses of a plan that PostgreSQL does not judge row by row. */
typedef struct FlowlogQuals
{
	List *pushed;     /* judged by the reader */
	List *file;       /* judged once for each file (see prune.c), in the order of their security levels */
	List *file_flags; /* integers: of FLOWLOG_QUAL_..., and the level above them */
	List *time;       /* judged otherwise, but of use to prune by the time in a file's name */
} FlowlogQuals;

#define FLOWLOG_QUAL_LEAKPROOF 1
#define FLOWLOG_QUAL_COMPARISONS 2 /* the reader's filter could have it */
#define FLOWLOG_QUAL_LEVEL_SHIFT 2

extern FlowlogQuals flowlog_plan_quals(const ForeignScan *plan);

/* The order in which PostgreSQL evaluates restrictions: as createplan.c's order_qual_clauses. */
extern List *flowlog_plan_order_quals(PlannerInfo *root, List *restrictions);

/* Sorts a relation's restrictions, which are in that order; those for PostgreSQL go to *local.  The list is fdw_exprs, *counts an entry of fdw_private. */
extern List *flowlog_plan_sort_quals(PlannerInfo *root, RelOptInfo *baserel, List *restrictions, List **local, List **counts);

/* Of a base relation that was given a size: its table, and whether a restriction is judged by us, row by row or not. */
extern const FlowlogTable *flowlog_plan_table(const RelOptInfo *baserel);
extern bool flowlog_plan_is_pushed(PlannerInfo *root, RelOptInfo *baserel, RestrictInfo *restriction);

/* How many processes' worth of work do a leader and its workers do? */
extern double flowlog_parallel_divisor(int workers);

/*
 * The cost of reading all lines and judging restrictions that are pushed, where the work of the processor is divided;
 * reading is not faster for being shared.  "passed": all lines that pass.
 */
extern void flowlog_cost_lines(PlannerInfo *root, RelOptInfo *baserel, List *pushed, double divisor,
                               Cost *startup, Cost *run, double *passed);

/* ---------- aggregate.c ---------- */

extern void flowlog_get_upper_paths(PlannerInfo *root, UpperRelationKind stage, RelOptInfo *input, RelOptInfo *output, void *extra);
extern ForeignScan *flowlog_get_aggregate_plan(PlannerInfo *root, ForeignPath *path, List *tlist, Plan *outer_plan);

/* Does the plan's scan give partial groups?  Then: of which table, and what (entries of its target list). */
extern bool flowlog_plan_aggregates(const ForeignScan *plan);
extern Oid flowlog_aggregate_relid(const ForeignScan *plan);
extern List *flowlog_aggregate_outputs(const ForeignScan *plan);

/* Prepares scan->aggregation. */
extern void flowlog_aggregate_begin(FlowlogScan *scan, const ForeignScan *plan);

/* Stores the next group; its values live in the current memory context.  False at the end. */
extern bool flowlog_aggregate_next(FlowlogScan *scan, TupleTableSlot *slot);

/* Forgets all groups; the reader is to be rewound, too. */
extern void flowlog_aggregate_rewind(FlowlogScan *scan);

/* Closes temporary files. */
extern void flowlog_aggregate_end(FlowlogScan *scan);

/* ---------- aggregate_state.c ---------- */

/* An aggregate that can be pushed. */
typedef struct FlowlogAggregate
{
	Oid function;
	FlowAggregateKind kind;

	/*
	 * These make of a total the state that its combine function takes, and its result, in the current memory
	 * context; "column" is its argument.
	 */
	Datum (*state)(const FlowColumn *column, const FlowTotal *total, bool *isnull);
	Datum (*result)(const FlowColumn *column, const FlowTotal *total, bool *isnull);
} FlowlogAggregate;

/* NULL: it cannot be pushed */
extern const FlowlogAggregate *flowlog_aggregate_find(Oid function);

/* Is its state's form in this server the one that we write?  To be asked before it is pushed. */
extern bool flowlog_aggregate_state_is_known(const FlowlogAggregate *aggregate);

/* ---------- group_store.c ---------- */

typedef struct FlowlogStore FlowlogStore;

/* That of a scan; NULL if it gives rows or partial groups. */
extern FlowlogStore *flowlog_aggregate_store(const FlowlogScan *scan);

extern FlowlogStore *flowlog_store_create(MemoryContext context, int nkeys, int naggregates);

/* Has this process to read its share of the logs?  Otherwise all was read before it came. */
extern bool flowlog_store_join(FlowlogStore *store);

/* Takes all groups of a table that is full, and clears it. */
extern void flowlog_store_put(FlowlogStore *store, FlowGroups *groups);

/*
 * The logs are read.  True: the table has all groups that there are, each of them whole.  False: it was cleared, and
 * flowlog_store_load gives them, some at a time.
 */
extern bool flowlog_store_finish(FlowlogStore *store, FlowGroups *groups);

/* Fills an empty table with whole groups; false if there are no more. */
extern bool flowlog_store_load(FlowlogStore *store, FlowGroups *groups);

/* Forgets everything of this process's own, and closes its files. */
extern void flowlog_store_reset(FlowlogStore *store);

/* What processes share; the leader creates it and, before a rescan, resets it.  Participants are numbered from 0, the leader. */
extern Size flowlog_exchange_size(int participants);
extern void flowlog_store_create_exchange(FlowlogStore *store, FlowlogExchange *exchange, int participants, dsm_segment *segment);
extern void flowlog_store_attach_exchange(FlowlogStore *store, FlowlogExchange *exchange, int participant, dsm_segment *segment);
extern void flowlog_store_reset_exchange(FlowlogStore *store);

/* ---------- qual.c ---------- */

/* Has the reader's filter a form for this clause?  Is it then to judge it? */
extern bool flowlog_qual_is_comparison(PlannerInfo *root, Index relid, const FlowlogTable *table, Expr *clause);
extern bool flowlog_qual_is_pushable(PlannerInfo *root, RelOptInfo *baserel, const FlowlogTable *table, Expr *clause);

/* Evaluates what a plan's pushed clauses compare with, and makes them scan->filter, which stays NULL if there is none. */
extern void flowlog_qual_build(FlowlogScan *scan, ForeignScanState *node, List *clauses);

/* Makes such clauses a filter of its own; NULL if there are none.  Freed by flow_filter_free. */
extern FlowFilter *flowlog_qual_filter(const FlowlogTable *table, FlowlogBackend *backend, List *clauses, PlanState *planstate,
                                       ExprContext *econtext);

/* Evaluates the deferred predicate of scan->filter of that number, which a record has come to. */
extern void flowlog_qual_resolve(FlowlogScan *scan, int number);

/* ---------- qual_error.c ---------- */

/*
 * Returns true if an error may be raised when the expression, which has no columns, is evaluated; also if that would run a
 * subplan for the first time.  NULL while planning, when external parameters are taken to have values.
 */
extern bool flowlog_expr_may_fail(Expr *expr, const ExprContext *econtext);

/* Returns true if an expression's value depends on nothing around it but parameters. */
extern bool flowlog_expr_is_constant(Node *expr);

/*
 * Returns true if a condition has a part without columns of the relation (0: of any) that may fail, in
 * a branch that PostgreSQL does not always evaluate.
 */
extern bool flowlog_expr_branch_may_fail(Expr *clause, Index relid);

/*
 * Returns true if all such parts, wherever they stand, either cannot fail or are evaluated by PostgreSQL's
 * planner, too, to estimate how many rows there will be.
 */
extern bool flowlog_expr_is_foreseen(Expr *clause, Index relid);

/*
 * Returns true if a condition makes a time of a column of seconds, which is an error for a number that is none.  Nothing
 * else that the reader computes from a value of a column's type fails.
 */
extern bool flowlog_expr_makes_time(Expr *clause);

/* ---------- prune.c ---------- */

/* Are its only columns of that relation such as are the same in all of a file? */
extern bool flowlog_prune_is_file_qual(const FlowlogTable *table, Index relid, Expr *clause);

/* Is one of them one of a record's times? */
extern bool flowlog_prune_has_time(const FlowlogTable *table, Index relid, Expr *clause);

/*
 * For a plan's scan, or with "parent" NULL for planning; NULL if there is nothing to prune by.  It lives in the backend's
 * memory context, and as long as the table.  With explain_only, nothing is evaluated that has an effect.
 */
extern FlowlogPrune *flowlog_prune_create(const FlowlogTable *table, FlowlogBackend *backend, bool explain_only, PlanState *parent,
                                          List *scan_tlist, const FlowlogQuals *quals);

/* Does it take values that may be others for a rescan? */
extern bool flowlog_prune_depends_on_run(const FlowlogPrune *prune);

/* Evaluates what it compares with, for a listing, and lets go of that; take NULL. */
extern const FlowPruner *flowlog_prune_begin(FlowlogPrune *prune);
extern void flowlog_prune_end(FlowlogPrune *prune);

/* ---------- explain.c ---------- */

extern void flowlog_explain(FlowlogScan *scan, ForeignScanState *node, struct ExplainState *es);

/* ---------- analyze.c ---------- */

extern bool flowlog_analyze(Relation relation, AcquireSampleRowsFunc *func, BlockNumber *totalpages);

/* ---------- ledger.c ---------- */

/* What was counted of a table in the last statement that scanned any. */
typedef struct FlowlogLastScan
{
	Oid relid; /* must be first: the hash table's key */
	TimestampTz finished;
	FlowCounts counts;
} FlowlogLastScan;

/* A scan has ended: it is one of the last ones from now on. */
extern void flowlog_ledger_keep(const FlowlogScan *scan, const FlowCounts *counts);

/* FlowlogLastScan, in the order in which they ended. */
extern const List *flowlog_ledger_last_scans(void);

/* Raises an error if the scan, which is about to read what was listed, would read more than is allowed. */
extern void flowlog_ledger_charge(FlowlogScan *scan);

/* The same for who only looks at the beginnings of some files, of "location". */
extern void flowlog_ledger_charge_glances(const char *location, const FlowObject *objects, size_t count);

/* What was read until now counts, too, when the scan begins again. */
extern void flowlog_ledger_settle(FlowlogScan *scan);

/* From here on the scan's interrupt checks tell how far it is. */
extern void flowlog_progress_begin(FlowlogScan *scan);

/* ---------- import.c ---------- */

/* The statements that create what IMPORT FOREIGN SCHEMA imports: one table. */
extern List *flowlog_import(ImportForeignSchemaStmt *stmt, Oid serverid);

/* ---------- function.c ---------- */

/* Says which handler our tables have; called once, when the module is loaded. */
extern void flowlog_function_init(PGFunction handler);

/* Opens a function's argument, which must be a foreign table of this wrapper.  It stays locked when it is closed without. */
extern Relation flowlog_open_argument(Oid relid);

/* Begins the result of a set-returning function that fills a tuplestore. */
extern Tuplestorestate *flowlog_begin_result(FunctionCallInfo fcinfo, TupleDesc *desc);

/* ---------- cluster_table.c ---------- */

/* Registers for invalidations; called once, when the module is loaded. */
extern void flowlog_cluster_table_init(void);

/*
 * Returns true if a server's postgres_fdw sends functions of this extension;
 * if the database has any such server; if a partitioned table has partitions
 * and all of them are on such servers.  They lock nothing but catalogs, and
 * those for no longer than they look.
 */
extern bool flowlog_is_cluster_server(Oid serverid);
extern bool flowlog_has_cluster_servers(void);
extern bool flowlog_is_divided(Oid relid);

/* ---------- rollup.c ---------- */

/* From now on aggregates over partitions on other servers are computed there. */
extern void flowlog_rollup_init(void);

/* ---------- version.c ---------- */

/*
 * Compares the version of the library with that of the extension in this database, outside of an extension's script:
 * an older library is an error, a newer one a warning, once in a session.  To be called where a statement begins to
 * use the wrapper; it costs a look into pg_extension.
 */
extern void flowlog_check_version(void);

/* ---------- trino.c ---------- */

/* Is it our from_unixtime(double precision)? */
extern bool flowlog_is_from_unixtime(Oid function);

/*
 * What Trino's functions take for a time: microseconds since 2000-01-01 in UTC, of a timestamp of either
 * kind or of a date's first moment.  Infinity is an error.
 */
extern Timestamp flowlog_trino_timestamp(Timestamp timestamp);
extern Timestamp flowlog_trino_timestamp_of_date(DateADT date);

/* Rounded down, for a positive divisor. */
static inline int64
flowlog_floor_divide(int64 dividend, int64 divisor)
{
	return dividend / divisor - (dividend % divisor < 0);
}

#endif /* FLOWLOG_FDW_H */
