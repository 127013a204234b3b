/*-------------------------------------------------------------------------
 *
 * runtime_set.h
 *	  Sets of values that a join's other side has, by which a scan leaves rows
 *	  out.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOWLOG_RUNTIME_SET_H
#define FLOWLOG_RUNTIME_SET_H

#include "fdw/plan.h"

/* ---------- key_set.c ---------- */

typedef struct FlowlogKeySet FlowlogKeySet;

/* the maximum number of keys of a set */
#define FLOWLOG_KEYS_MAX 1000000

/* what a set takes for a key, besides one that is not passed by value */
#define FLOWLOG_KEY_BYTES 40

/* Returns the bytes that the sets of a node may take. */
extern Size flowlog_sets_memory(void);

/*
 * Makes an empty set of values of a type, which are equal as its "=" says with
 * the collation.  It holds everything, and no keys, once it has too many or
 * takes more than "limit" bytes.
 */
extern FlowlogKeySet *flowlog_key_set_create(MemoryContext parent, Oid type, Oid collation,
                                             Size limit);

/* Makes it empty. */
extern void flowlog_key_set_clear(FlowlogKeySet *set);

extern void flowlog_key_set_free(FlowlogKeySet *set);

/* Adds a copy of a key, which is not NULL. */
extern void flowlog_key_set_add(FlowlogKeySet *set, Datum key);

extern bool flowlog_key_set_is_everything(const FlowlogKeySet *set);
extern size_t flowlog_key_set_count(const FlowlogKeySet *set);

/* Fills an array with the keys, in the order of the table; they belong to the set. */
extern void flowlog_key_set_keys(const FlowlogKeySet *set, Datum *keys);

/* ---------- runtime_set.c ---------- */

/* The keys of a small relation. */
typedef struct FlowlogKeys
{
	const EState *estate; /* whose plan collects them */
	FlowlogKeySet **sets; /* by condition of the scan */
	int count;
	bool complete;
	bool depends_on_parameters;
	bool ahead;    /* to be collected when the scan begins, if they are not yet */
	uint64 serial; /* counts the collections that became complete */
} FlowlogKeys;

/* Prepares scan->sets, if the plan has conditions with sets. */
extern void flowlog_sets_begin(FlowlogScan *scan, ForeignScanState *node,
                               const FlowlogQuals *quals);

/*
 * Finds the keys that are known when the scan begins, or begins again.  Returns
 * true if they are others than those of the last call.
 */
extern bool flowlog_sets_find(FlowlogScan *scan, ForeignScanState *node);

/* To be called when the scan is to begin again. */
extern void flowlog_sets_rewind(FlowlogScan *scan, ForeignScanState *node);

/*
 * Returns the conditions, each "column = NULL", where the keys take the place
 * of NULL; and the keys that were found for one of them, or NULL if it is not
 * to be evaluated.  "sets" may be NULL.
 */
extern List *flowlog_sets_conditions(const FlowlogSets *sets);
extern const FlowlogKeySet *flowlog_sets_keys(const FlowlogSets *sets, int number);

/* ---------- set_collect.c ---------- */

/* Registers the node that collects keys. */
extern void flowlog_sets_init(void);

/* Makes the node's path, over one of a small relation. */
extern Path *flowlog_sets_collect(const Path *small, FlowlogSetPlan *plan);

/* Has a node of keys that are to be collected ahead do so. */
extern void flowlog_sets_collect_ahead(FlowlogKeys *keys);

/* ---------- set_scan.c ---------- */

/* Returns true if a relation can be the logs of a join with sets. */
extern bool flowlog_set_scan_is_of(PlannerInfo *root, RelOptInfo *rel);

/*
 * Returns true if it can be looked up in a set for a clause; then, sets the
 * condition for FlowlogSetPlan, and the other side's part of the clause.
 */
extern bool flowlog_set_scan_takes(PlannerInfo *root, RelOptInfo *rel, Expr *clause,
                                   Expr **condition, Expr **key);

/* Does what flowlog_plan_scan_with_sets does for one table. */
extern Path *flowlog_set_scan_create(PlannerInfo *root, RelOptInfo *rel, FlowlogSetPlan *sets,
                                     double share, Cost before, bool parallel);

/* ---------- set_join.c ---------- */

/* What a join of one of our tables with a small relation is made of. */
typedef struct FlowlogSetJoin
{
	int magic; /* FLOWLOG_SET_JOIN_MAGIC */
	PlannerInfo *root;
	RelOptInfo *joinrel;
	RelOptInfo *logs;  /* our table, or several that are appended */
	RelOptInfo *small; /* the other side */
	JoinType type;
	JoinPathExtraData extra;
	List *hash_clauses; /* all that the join can hash by */
	double share;       /* of the logs' rows, those that have a match */
	bool hashes_logs;   /* the hash table is made of the logs, not of the small side */
} FlowlogSetJoin;

#define FLOWLOG_SET_JOIN_MAGIC 0x5e715e7

/* Installs the hook that offers joins with sets. */
extern void flowlog_set_join_init(void);

/* Returns the inner or semi-join with sets that gives a relation's rows, or NULL. */
extern FlowlogSetJoin *flowlog_set_join_of(const RelOptInfo *joinrel);

/* Returns true if several processes can share the join. */
extern bool flowlog_set_join_is_parallel(const FlowlogSetJoin *join);

/*
 * Return the sets of a join, for one path, with the path that collects their
 * keys, or NULL; and the join of a path with these sets with that one.  The
 * costs of "logs" include those of "keys".
 */
extern FlowlogSetPlan *flowlog_set_join_sets(const FlowlogSetJoin *join, bool parallel,
                                             Path **keys);
extern Path *flowlog_set_join_create(const FlowlogSetJoin *join, RelOptInfo *joinrel, Path *logs,
                                     Path *keys);

/* ---------- set_aggregate.c ---------- */

/* Installs the hook that offers aggregations below joins with sets. */
extern void flowlog_set_aggregate_init(void);

#endif /* FLOWLOG_RUNTIME_SET_H */
