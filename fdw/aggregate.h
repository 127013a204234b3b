/*-------------------------------------------------------------------------
 *
 * aggregate.h
 *	  Aggregates that the reader computes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOWLOG_AGGREGATE_H
#define FLOWLOG_AGGREGATE_H

#include "fdw/scan.h"

/* ---------- aggregate.c ---------- */

extern void flowlog_get_upper_paths(PlannerInfo *root, UpperRelationKind stage, RelOptInfo *input,
                                    RelOptInfo *output, void *extra);
extern ForeignScan *flowlog_get_aggregate_plan(PlannerInfo *root, ForeignPath *path, List *tlist,
                                               Plan *outer_plan);

/*
 * Return true if the plan's scan returns groups; and then, the OID of the
 * table, and what is returned (entries of its target list).
 */
extern bool flowlog_plan_aggregates(const ForeignScan *plan);
extern Oid flowlog_aggregate_relid(const ForeignScan *plan);
extern List *flowlog_aggregate_outputs(const ForeignScan *plan);

/* Returns the bytes that a hash table of the executor may use. */
extern size_t flowlog_hash_memory(void);

/* ---------- aggregate_state.c ---------- */

/* An aggregate that can be pushed. */
typedef struct FlowlogAggregate
{
	Oid function;
	FlowAggregateKind kind;

	/*
	 * These convert a total to the state that the aggregate's combine function
	 * takes, and to its result, in the current memory context.  "column" is
	 * the argument.
	 */
	Datum (*state)(const FlowColumn *column, const FlowTotal *total, bool *isnull);
	Datum (*result)(const FlowColumn *column, const FlowTotal *total, bool *isnull);
} FlowlogAggregate;

/* Returns the aggregate of a function, or NULL if it cannot be pushed. */
extern const FlowlogAggregate *flowlog_aggregate_find(Oid function);

/*
 * Returns true if this server's form of the partial state is the one that we
 * write.  To be checked before partial states are planned.
 */
extern bool flowlog_aggregate_state_is_known(const FlowlogAggregate *aggregate);

/* A column that a pushed aggregation returns: a group key, or an aggregate. */
typedef struct FlowlogOutput
{
	/* of the argument or key, an index into the table's columns; -1: none */
	int column;
	const FlowlogAggregate *aggregate; /* NULL: a key */
	FlowAggregateKind kind;
	int index; /* among the group's keys or totals */
} FlowlogOutput;

/* Recognises a column of an aggregation's target, in aggregate.c; "index" is not set. */
extern bool flowlog_recognise_output(const FlowlogTable *table, Expr *expr, FlowlogOutput *output);

/* ---------- aggregate_scan.c ---------- */

/* Prepares scan->aggregation. */
extern void flowlog_aggregate_begin(FlowlogScan *scan, const ForeignScan *plan);

/*
 * Stores the next group in the slot, with values in the current memory
 * context.  Returns false at the end.
 */
extern bool flowlog_aggregate_next(FlowlogScan *scan, TupleTableSlot *slot);

/* Forgets all groups.  The caller rewinds the reader, too. */
extern void flowlog_aggregate_rewind(FlowlogScan *scan);

/* Closes temporary files. */
extern void flowlog_aggregate_end(FlowlogScan *scan);

/* ---------- group_store.c ---------- */

typedef struct FlowlogStore FlowlogStore;

/* Returns the store of a scan; NULL if it returns rows or partial groups. */
extern FlowlogStore *flowlog_aggregate_store(const FlowlogScan *scan);

extern FlowlogStore *flowlog_store_create(MemoryContext context, int nkeys, int naggregates);

/*
 * Returns true if this process is to read its share of the logs.  Otherwise
 * all was read before it came.
 */
extern bool flowlog_store_join(FlowlogStore *store);

/* Takes all groups of a table that is full, and clears the table. */
extern void flowlog_store_put(FlowlogStore *store, FlowGroups *groups);

/*
 * To be called when the logs are read.  Returns true if the table has all
 * groups there are, each of them whole.  Otherwise the table was cleared, and
 * flowlog_store_load fills it with some groups at a time.
 */
extern bool flowlog_store_finish(FlowlogStore *store, FlowGroups *groups);

/*
 * Fills an empty table with whole groups; returns false if there are no more.
 */
extern bool flowlog_store_load(FlowlogStore *store, FlowGroups *groups);

/* Forgets all groups that are this process's own, and closes its files. */
extern void flowlog_store_reset(FlowlogStore *store);

/*
 * The exchange is what processes share.  The leader creates it and, before a
 * rescan, resets it.  Participants are numbered from 0, the leader.
 */
extern Size flowlog_exchange_size(int participants);
extern void flowlog_store_create_exchange(FlowlogStore *store, FlowlogExchange *exchange,
                                          int participants, dsm_segment *segment);
extern void flowlog_store_attach_exchange(FlowlogStore *store, FlowlogExchange *exchange,
                                          int participant, dsm_segment *segment);
extern void flowlog_store_reset_exchange(FlowlogStore *store);

#endif /* FLOWLOG_AGGREGATE_H */
