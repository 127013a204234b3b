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
 * Does the plan's scan give partial groups?  Then: of which table, and what
 * (entries of its target list).
 */
extern bool flowlog_plan_aggregates(const ForeignScan *plan);
extern Oid flowlog_aggregate_relid(const ForeignScan *plan);
extern List *flowlog_aggregate_outputs(const ForeignScan *plan);

/* Prepares scan->aggregation. */
extern void flowlog_aggregate_begin(FlowlogScan *scan, const ForeignScan *plan);

/*
 * Stores the next group; its values live in the current memory context.  False
 * at the end.
 */
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
	 * These make of a total the state that its combine function takes, and its
	 * result, in the current memory context; "column" is its argument.
	 */
	Datum (*state)(const FlowColumn *column, const FlowTotal *total, bool *isnull);
	Datum (*result)(const FlowColumn *column, const FlowTotal *total, bool *isnull);
} FlowlogAggregate;

/* NULL: it cannot be pushed */
extern const FlowlogAggregate *flowlog_aggregate_find(Oid function);

/*
 * Is its state's form in this server the one that we write?  To be asked
 * before it is pushed.
 */
extern bool flowlog_aggregate_state_is_known(const FlowlogAggregate *aggregate);

/* ---------- group_store.c ---------- */

typedef struct FlowlogStore FlowlogStore;

/* That of a scan; NULL if it gives rows or partial groups. */
extern FlowlogStore *flowlog_aggregate_store(const FlowlogScan *scan);

extern FlowlogStore *flowlog_store_create(MemoryContext context, int nkeys, int naggregates);

/*
 * Has this process to read its share of the logs?  Otherwise all was read
 * before it came.
 */
extern bool flowlog_store_join(FlowlogStore *store);

/* Takes all groups of a table that is full, and clears it. */
extern void flowlog_store_put(FlowlogStore *store, FlowGroups *groups);

/*
 * The logs are read.  True: the table has all groups that there are, each of
 * them whole.  False: it was cleared, and flowlog_store_load gives them, some
 * at a time.
 */
extern bool flowlog_store_finish(FlowlogStore *store, FlowGroups *groups);

/* Fills an empty table with whole groups; false if there are no more. */
extern bool flowlog_store_load(FlowlogStore *store, FlowGroups *groups);

/* Forgets everything of this process's own, and closes its files. */
extern void flowlog_store_reset(FlowlogStore *store);

/*
 * What processes share; the leader creates it and, before a rescan, resets it.
 * Participants are numbered from 0, the leader.
 */
extern Size flowlog_exchange_size(int participants);
extern void flowlog_store_create_exchange(FlowlogStore *store, FlowlogExchange *exchange,
                                          int participants, dsm_segment *segment);
extern void flowlog_store_attach_exchange(FlowlogStore *store, FlowlogExchange *exchange,
                                          int participant, dsm_segment *segment);
extern void flowlog_store_reset_exchange(FlowlogStore *store);

#endif /* FLOWLOG_AGGREGATE_H */
