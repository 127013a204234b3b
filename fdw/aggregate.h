/*-------------------------------------------------------------------------
 *
 * aggregate.h
 *	  Aggregates that the reader computes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOWLOG_AGGREGATE_H
#define FLOWLOG_AGGREGATE_H

#include "fdw/plan.h"

/* ---------- aggregate.c ---------- */

extern void flowlog_get_upper_paths(PlannerInfo *root, UpperRelationKind stage, RelOptInfo *input,
                                    RelOptInfo *output, void *extra);

/*
 * Creates a path of partial groups of a table, of the records that sets leave,
 * for a join above it.  "groups" is the relation of these groups, with their
 * target, "most" how many there can be.  NULL: the reader does not evaluate all
 * conditions, or workers do not pay.
 */
extern Path *flowlog_aggregate_below_join(PlannerInfo *root, RelOptInfo *input, RelOptInfo *groups,
                                          FlowlogSetPlan *sets, double share, double most,
                                          Cost before, bool parallel);

/*
 * Adds PostgreSQL's final aggregation on top of such a path, which makes so
 * many groups.
 */
extern void flowlog_aggregate_add_final(PlannerInfo *root, RelOptInfo *output, Path *path,
                                        GroupPathExtraData *extra, double groups);

/* ---------- aggregate_cost.c ---------- */

/*
 * Return the query's GROUP BY clause, without redundant columns if PostgreSQL
 * has removed them; true if column i of a target is in such a clause; and the
 * group keys of a target, without redundant ones: of SELECT DISTINCT, all
 * columns.
 */
extern List *flowlog_group_clause(PlannerInfo *root);
extern bool flowlog_is_in_clause(PathTarget *target, int i, List *clause);
extern List *flowlog_group_keys(PlannerInfo *root, PathTarget *target);

/*
 * Return false if a target has an extreme of texts, by which the reader would
 * group, too, and these are so many that rows cost less than partial groups;
 * and estimate how many partial groups so many records make, as the table of
 * groups is bounded.
 */
extern bool flowlog_has_few_texts(PlannerInfo *root, RelOptInfo *input, PathTarget *target);
extern double flowlog_estimate_partial_groups(PlannerInfo *root, RelOptInfo *input,
                                              PathTarget *target, double records);

/*
 * Return the cost until the first group is returned, of partial or of whole
 * groups.  "workers" share the work, 0: there are none.  *rows is for each
 * process, *groups for all, before HAVING.
 */
extern Cost flowlog_cost_partial_groups(PlannerInfo *root, RelOptInfo *input, PathTarget *target,
                                        int workers, double *rows);
extern Cost flowlog_cost_whole_groups(PlannerInfo *root, RelOptInfo *input, PathTarget *target,
                                      List *sets, int workers, double *groups);

/* ---------- aggregate_plan.c ---------- */

extern ForeignScan *flowlog_get_aggregate_plan(PlannerInfo *root, ForeignPath *path, List *tlist,
                                               Plan *outer_plan);

/*
 * Return true if the plan's scan returns groups; and then, the OID of the
 * table, and what is returned (entries of its target list).
 */
extern bool flowlog_plan_aggregates(const ForeignScan *plan);
extern Oid flowlog_aggregate_relid(const ForeignScan *plan);
extern List *flowlog_aggregate_outputs(const ForeignScan *plan);

/*
 * Return true if a table's index may have all that outputs, a list of
 * expressions, and the conditions want of some files; and if that was so for a
 * plan.
 */
extern bool flowlog_aggregate_may_answer(PlannerInfo *root, RelOptInfo *input, List *outputs);
extern bool flowlog_aggregate_is_answered(const ForeignScan *plan);

/* Returns true if such an output is a key, not an aggregate or GROUPING(). */
extern bool flowlog_output_is_key(const TargetEntry *output);

/* ---------- estimate.c ---------- */

/*
 * Estimates the number of groups that keys make of a number of records of a
 * table; and returns true if that is more than a guess.
 */
extern double flowlog_estimate_groups(PlannerInfo *root, RelOptInfo *relation, List *keys,
                                      double records);
extern bool flowlog_groups_are_known(PlannerInfo *root, RelOptInfo *relation, List *keys);

/* Estimates the cost, for each record, of the keys and aggregates of a target. */
extern Cost flowlog_cost_of_groups(PlannerInfo *root, const FlowlogTable *table, List *outputs);

/* ---------- aggregate_state.c ---------- */

typedef Datum (*FlowlogStateFunction)(const FlowColumn *column, const FlowTotal *total,
                                      const FlowTotal *sum, bool *isnull);

/* An aggregate that can be pushed. */
typedef struct FlowlogAggregate
{
	Oid function;
	FlowAggregateKind kind;

	/*
	 * These convert a total to the state that the aggregate's combine function
	 * takes, and to its result, in the current memory context.  "column" has
	 * the argument's type; "sum" is used if the kind is FLOW_SQUARES.
	 */
	FlowlogStateFunction state;
	FlowlogStateFunction result; /* NULL: "final" makes it of the state */
	Oid final;
} FlowlogAggregate;

/* Returns the aggregate of a function, or NULL if it cannot be pushed. */
extern const FlowlogAggregate *flowlog_aggregate_find(Oid function);

extern Datum flowlog_aggregate_result(const FlowlogAggregate *aggregate, const FlowColumn *column,
                                      const FlowTotal *total, const FlowTotal *sum, bool *isnull);

/*
 * Returns true if this server's form of the aggregate's state is the one that
 * we write.  To be checked before its states are planned.
 */
extern bool flowlog_aggregate_state_is_known(const FlowlogAggregate *aggregate);

/* The columns that a key is joined of (group_parts.c). */
typedef struct FlowlogParts FlowlogParts;

/* A column that a pushed aggregation returns: a group key, an aggregate, or GROUPING(). */
typedef struct FlowlogOutput
{
	const FlowlogAggregate *aggregate; /* NULL: a key, or GROUPING() */
	FlowAggregateKind kind;
	Expr *argument; /* or the key; NULL: none */
	Expr *filter;   /* NULL: the aggregate is of all records */
	bool distinct;  /* the aggregate is of distinct values */
	/*
	 * The argument of min() or max() of texts is a key of partial groups, and
	 * its value the state, with which PostgreSQL goes on.
	 */
	bool as_key;
	bool is_grouping; /* it is GROUPING(); nothing else is set */
	/* groups of sets, and of keys without values, have the column's value as a key */
	bool is_value;
	int column;      /* the argument as an index into the table's columns; -1: it is none */
	FlowColumn type; /* of the argument */
	bool is_numeric; /* the reader computes an integer for what is numeric */
	/* groups are by these columns instead of the key; NULL: by the key */
	FlowlogParts *parts;
	int index; /* among the group's keys or totals; of the first of its parts */
	int sum;   /* of FLOW_SQUARES: the sum of the same values, among the totals */
	int value; /* of "distinct": the number of the distinct value */
} FlowlogOutput;

/*
 * Return true if the reader knows the order of an output's values; then, the
 * type by which it does; and the value of an aggregate, false for NULL, or one
 * that orders alike.
 */
extern bool flowlog_output_has_order(const FlowlogOutput *output);
extern FlowType flowlog_output_type(const FlowlogOutput *output);
extern bool flowlog_aggregate_value(const FlowlogAggregate *aggregate, const FlowTotal *total,
                                    FlowValue *value);

/*
 * Return true if an output is an average; two integers between which it is, as
 * the reader orders averages; and that of the value that PostgreSQL computes,
 * for which memory is taken from the current context.  The count is not 0.
 */
extern bool flowlog_output_is_average(const FlowlogOutput *output);
extern void flowlog_average_bounds(const FlowTotal *total, FlowValue *low, FlowValue *high);
extern void flowlog_average_value(const FlowlogOutput *output, const FlowTotal *total,
                                  FlowValue *value);

/*
 * Recognises a column of an aggregation's target, in aggregate_output.c;
 * "index" is not set.  "root" is NULL at execution.
 */
extern bool flowlog_recognise_output(PlannerInfo *root, const FlowlogTable *table, Expr *expr,
                                     FlowlogOutput *output);

/*
 * Returns an expression without the marks by which PostgreSQL tells what a
 * subquery has computed from what may be rolled up; in aggregate_output.c.
 */
extern Expr *flowlog_output_bare(Expr *expr);

/*
 * Returns true if a key is a constant, which PostgreSQL adds to a plan's rows
 * itself; in aggregate_output.c.
 */
extern bool flowlog_output_is_constant(const Expr *expr);

/* ---------- aggregate_sets.c: planning ---------- */

/*
 * Find the sets of keys of the query, for a scan that returns the columns of a
 * target, NIL for a plain GROUP BY (false: the scan cannot return their
 * groups); and estimate how many groups of them there are.
 */
extern bool flowlog_grouping_of_target(PlannerInfo *root, PathTarget *target, List **sets);
extern double flowlog_grouping_estimate(PlannerInfo *root, PathTarget *target, double records);

/* Returns keys as columns of records, without marks of what may be rolled up. */
extern List *flowlog_grouping_bare(PlannerInfo *root, List *keys);

/*
 * Returns true if groups of sets have the column's value as a key, like that of
 * an expression.
 */
extern bool flowlog_grouping_by_value(const FlowColumn *column);

/* Returns clauses with their columns as they are among a scan's outputs. */
extern List *flowlog_grouping_clauses(List *clauses, List *outputs);

/*
 * Returns the sets of a plan, each a list of numbers, one for each output: of
 * a key, whether it is in the set; of GROUPING(), its value.
 */
extern List *flowlog_grouping_of_plan(const ForeignScan *plan);

/* ---------- aggregate_scan.c ---------- */

/* Prepares scan->aggregation. */
extern void flowlog_aggregate_begin(FlowlogScan *scan, ForeignScanState *node);

/* Returns the slot with the next group, or an empty one at the end. */
extern TupleTableSlot *flowlog_aggregate_next(FlowlogScan *scan);

/* Forgets all groups.  The caller rewinds the reader, too. */
extern void flowlog_aggregate_rewind(FlowlogScan *scan);

/* Closes temporary files. */
extern void flowlog_aggregate_end(FlowlogScan *scan);

/*
 * in aggregate_distinct.c: reads a group's key, of which an output is made and
 * with which "keys" begin; returns false if it is NULL.  A key of several parts
 * is written to "text"; NULL if there can be none.
 */
extern bool flowlog_aggregate_read_key(const FlowHost *host, const FlowlogOutput *output,
                                       const FlowSlice *keys, StringInfo text, FlowValue *value);

/* ---------- group_parts.c ---------- */

#define FLOWLOG_MAX_PARTS 4

/*
 * Returns the parts of a key, in the current memory context, or NULL if it has
 * none that groups can be of.
 */
extern FlowlogParts *flowlog_parts_create(const FlowlogTable *table, const Expr *key);

/* Returns how many keys they are, at most FLOWLOG_MAX_PARTS. */
extern int flowlog_parts_count(const FlowlogParts *parts);

/* Sets these keys, and which of them are NULL when empty. */
extern void flowlog_parts_keys(const FlowlogParts *parts, FlowGroupBy *keys, bool *empty_is_null);

/* Makes the text of a group of these keys. */
extern void flowlog_parts_write(const FlowlogParts *parts, const FlowHost *host,
                                const FlowSlice *keys, StringInfo text);

/* ---------- group_slot.c ---------- */

/* Makes the columns of the group that a slot has, in the current memory context. */
typedef void (*FlowlogFillFunction)(FlowlogScan *scan, TupleTableSlot *slot);

/* Makes the slot in which a scan returns its groups; the query's end clears it. */
extern TupleTableSlot *flowlog_group_slot_create(FlowlogScan *scan, ForeignScanState *node,
                                                 FlowlogFillFunction fill);

/* Stores a group, whose columns are made when they are asked for. */
extern void flowlog_group_slot_store(TupleTableSlot *slot);

/* ---------- group_exchange.c ---------- */

/* Groups are in one of as many partitions. */
#define FLOWLOG_PARTITION_BITS 5
#define FLOWLOG_PARTITIONS (1 << FLOWLOG_PARTITION_BITS)

/* A process's part in an exchange of groups. */
typedef struct FlowlogParticipant FlowlogParticipant;

/* Returns the size of an exchange, in bytes. */
extern Size flowlog_exchange_size(int participants);

/*
 * Create an exchange, in the leader, or attach to it; the participant is in the
 * current memory context.  Only the leader resets it, before a rescan.
 */
extern FlowlogParticipant *flowlog_exchange_create(FlowlogExchange *exchange, int participants,
                                                   dsm_segment *segment);
extern FlowlogParticipant *flowlog_exchange_attach(FlowlogExchange *exchange, int number,
                                                   dsm_segment *segment);
extern void flowlog_exchange_reset(FlowlogParticipant *participant);
extern void flowlog_exchange_end(FlowlogParticipant *participant);
extern void flowlog_exchange_detach(FlowlogParticipant *participant);

/*
 * Returns true if this process is to read its share of the logs; otherwise,
 * *sharing says whether all groups are in the partitions.
 */
extern bool flowlog_exchange_join(FlowlogParticipant *participant, bool *sharing);

/*
 * After it has joined, a process either writes groups, which it notes first, or
 * asks at the end whether it is alone.  If it is not, it arrives, and waits for
 * those that have joined.
 */
extern void flowlog_exchange_use(FlowlogParticipant *participant);
extern bool flowlog_exchange_is_alone(FlowlogParticipant *participant);
extern void flowlog_exchange_arrive(FlowlogParticipant *participant);

/*
 * Write a record, which begins with its size, a uint32; take the next partition
 * (-1: there is none left); and return its records, NULL at the end.
 */
extern void flowlog_exchange_put(FlowlogParticipant *participant, int partition,
                                 const void *record);
extern int flowlog_exchange_take(FlowlogParticipant *participant);
extern const void *flowlog_exchange_next(FlowlogParticipant *participant, int partition);

/*
 * Move groups to shared memory, by their first "nkeys" keys; and return the
 * rows of a partition that process number i has left there, or NULL.
 */
extern void flowlog_exchange_share(FlowlogParticipant *participant, FlowlogBackend *backend,
                                   FlowGroups *groups, int nkeys);
extern void *flowlog_exchange_rows(FlowlogParticipant *participant, int i, int partition,
                                   Size *count);
extern int flowlog_exchange_participants(const FlowlogParticipant *participant);

/*
 * Leave a record of what was in as many partitions (true: this process is the
 * last one); and return that of process number i, NULL if there is none or it
 * is this process's own.
 */
extern bool flowlog_exchange_leave(FlowlogParticipant *participant, const void *record, Size size,
                                   int partitions);
extern const void *flowlog_exchange_left(FlowlogParticipant *participant, int i);

/* ---------- group_store.c ---------- */

typedef struct FlowlogStore FlowlogStore;

/* Returns the store of a scan; NULL if it returns rows or partial groups. */
extern FlowlogStore *flowlog_aggregate_store(const FlowlogScan *scan);

/*
 * Creates a store.  Processes share groups by the first "nshared" of the keys:
 * those with the same ones go to one process.
 */
extern FlowlogStore *flowlog_store_create(FlowlogScan *scan, int nkeys, int nshared,
                                          int naggregates);

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

/*
 * Combines the only group of all processes, each of which has made it of what
 * flowlog_store_load returned; "only" is the store of that group.  Returns true
 * if this process has all of it now; the others have none.
 */
extern bool flowlog_store_gather(FlowlogStore *store, FlowlogStore *only, FlowGroups *groups);

/* Forgets all groups that are this process's own, and closes its files. */
extern void flowlog_store_reset(FlowlogStore *store);

/*
 * The exchange is what processes share.  The leader creates it and, before a
 * rescan, resets it.  Participants are numbered from 0, the leader.
 */
extern void flowlog_store_create_exchange(FlowlogStore *store, FlowlogExchange *exchange,
                                          int participants, dsm_segment *segment);
extern void flowlog_store_attach_exchange(FlowlogStore *store, FlowlogExchange *exchange,
                                          int participant, dsm_segment *segment);
extern void flowlog_store_reset_exchange(FlowlogStore *store);

/* ---------- aggregate_having.c ---------- */

typedef struct FlowlogHaving FlowlogHaving;

/*
 * Makes what can be decided by totals of a plan's HAVING, in the current
 * memory context; NULL if nothing can.
 */
extern FlowlogHaving *flowlog_having_create(const ForeignScan *plan, const FlowlogOutput *outputs,
                                            int noutputs);

/*
 * Returns false if the whole group at a position of a table does not pass;
 * "having" may be NULL.
 */
extern bool flowlog_having_may_pass(const FlowlogHaving *having, const FlowGroups *groups,
                                    size_t position);

/* ---------- aggregate_sets.c: execution ---------- */

typedef struct FlowlogGroupingSets FlowlogGroupingSets;

/*
 * Prepares for the sets of a plan, in the current memory context; returns NULL
 * if there is only one.  Groups of sets have the scan's keys, which are
 * "nkeys", and as one more key the set's number.
 */
extern FlowlogGroupingSets *flowlog_grouping_create(const ForeignScan *plan,
                                                    FlowlogBackend *backend,
                                                    const FlowlogOutput *outputs, int noutputs,
                                                    int nkeys);

/*
 * Prepares for other sets: "has" says, by set and key, whether it is in the
 * set.  Groups have so many aggregates.
 */
extern FlowlogGroupingSets *flowlog_grouping_create_of(FlowlogBackend *backend, int nsets,
                                                       int nkeys, bool *has, int naggregates);

/* Has groups of sets have the value of a column as a key, not its field. */
extern void flowlog_grouping_set_column(FlowlogGroupingSets *sets, int key,
                                        const FlowColumn *column);

/*
 * Begins to fill an empty table with groups of sets; those that do not fit go
 * to the store.
 */
extern void flowlog_grouping_begin(FlowlogGroupingSets *sets, FlowGroups *groups,
                                   FlowlogStore *store);

/* Adds all groups of the reader's table, and clears it. */
extern void flowlog_grouping_add(FlowlogGroupingSets *sets, FlowGroups *from, FlowlogStore *store);

/* Returns the number that the plan has for an output in the set of a group. */
extern int flowlog_grouping_value(const FlowlogGroupingSets *sets, const FlowGroup *group,
                                  int output);

/* ---------- aggregate_distinct.c ---------- */

typedef struct FlowlogDistinct FlowlogDistinct;

/*
 * Prepares to compute outputs of distinct values, in the current memory
 * context; returns NULL if there are none.  The query has "nkeys" keys; of the
 * aggregates, whose numbers the outputs have, the reader computes the first
 * "nread".
 */
extern FlowlogDistinct *flowlog_distinct_create(FlowlogScan *scan, FlowlogOutput *outputs,
                                                int noutputs, int nkeys, int nread,
                                                int naggregates);

/* Returns the number of keys by which the reader groups; the first are the query's. */
extern int flowlog_distinct_keys(const FlowlogDistinct *distinct);

/* Sets those of them that an output of distinct values has. */
extern void flowlog_distinct_set_keys(const FlowlogDistinct *distinct, const FlowlogOutput *output,
                                      FlowExpression *argument, FlowExpression *filter,
                                      FlowGroupBy *keys);

/* Returns the one that an output is, or its distinct value: an output with "is_value". */
extern int flowlog_distinct_key(const FlowlogDistinct *distinct, const FlowlogOutput *output);

/*
 * Returns the sets of keys, one for each value, to whose groups the reader's
 * are to be added first; NULL: the reader's have the only value.
 */
extern FlowlogGroupingSets *flowlog_distinct_sets(const FlowlogDistinct *distinct);

/*
 * Begins with an empty table of groups of the query's keys, which it frees, or
 * of a constant 0; and returns that table.
 */
extern void flowlog_distinct_begin(FlowlogDistinct *distinct, FlowGroups *groups);
extern FlowGroups *flowlog_distinct_groups(const FlowlogDistinct *distinct);

/*
 * Adds all groups of a table of the reader's keys, or of the sets, each of
 * which is whole.  Then, flowlog_distinct_finish fills the table with groups to
 * be returned, as flowlog_distinct_load does for more of them; they return
 * false if there are no more.  "values" is the store of the groups that were
 * added.
 */
extern void flowlog_distinct_add(FlowlogDistinct *distinct, const FlowGroups *from);
extern bool flowlog_distinct_finish(FlowlogDistinct *distinct, FlowlogStore *values);
extern bool flowlog_distinct_is_complete(const FlowlogDistinct *distinct);
extern bool flowlog_distinct_load(FlowlogDistinct *distinct);

/* Forget all groups, close temporary files, and free the table. */
extern void flowlog_distinct_rewind(FlowlogDistinct *distinct);
extern void flowlog_distinct_end(FlowlogDistinct *distinct);
extern void flowlog_distinct_free(FlowlogDistinct *distinct);

#endif /* FLOWLOG_AGGREGATE_H */
