/*-------------------------------------------------------------------------
 *
 * sort.h
 *	  Scans that return their rows in the order that the query wants.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOWLOG_SORT_H
#define FLOWLOG_SORT_H

#include "fdw/top.h"

/* ---------- sort_plan.c ---------- */

/* The order of a path's rows, which is that of the pathkeys. */
typedef struct FlowlogOrder
{
	List *pathkeys;
	List *keys; /* of each pathkey a List, see flowlog_sort_keys */
} FlowlogOrder;

/*
 * Sets *order to the order that the query wants, or its first keys, and returns
 * true if a scan that evaluates all of the relation's restrictions had better
 * give it.
 */
extern bool flowlog_sort_find_order(PlannerInfo *root, RelOptInfo *rel, FlowlogOrder *order);

/*
 * Returns what sorting so many rows costs, or a negative number if they are
 * not expected to fit into work_mem.
 */
extern Cost flowlog_sort_cost(PlannerInfo *root, RelOptInfo *rel, double rows);

/* Adds the columns of an order's keys to attributes, as pull_varattnos has them. */
extern Bitmapset *flowlog_sort_add_attrs(Bitmapset *attrs, const List *keys);

/* A column by which rows are sorted. */
typedef struct FlowlogSortKey
{
	AttrNumber attnum;
	Oid opno; /* "<" or ">" of the type */
	Oid collation;
	bool nulls_first;
	bool descending;
	bool is_number; /* the order is that of the Datums as signed integers */
} FlowlogSortKey;

/* Returns the keys of a plan's scan and sets *count, which is 0 if it has no order. */
extern FlowlogSortKey *flowlog_sort_keys(const ForeignScan *plan, int *count);

/* ---------- sort_dictionary.c ---------- */

/* The distinct values of a column. */
typedef struct FlowlogDictionary FlowlogDictionary;

/*
 * Makes an empty dictionary in the current memory context, of a type whose
 * values are not toasted.  What is allocated is added to *memory.
 */
extern FlowlogDictionary *flowlog_dictionary_create(int16 typlen, bool typbyval, Size *memory);

/*
 * Sets *code to the code of a value: from 1 on, the same for values of the same
 * bytes.  That may wait until flowlog_dictionary_settle is called, and no
 * longer.
 */
extern void flowlog_dictionary_find(FlowlogDictionary *dictionary, Datum value, uint32 *code);
extern void flowlog_dictionary_settle(FlowlogDictionary *dictionary);

/*
 * Returns the values by their codes - 1; they live as long as the dictionary,
 * and the array until the next value is added.
 */
extern const Datum *flowlog_dictionary_values(const FlowlogDictionary *dictionary);

/*
 * Returns the ranks of the values by their codes: numbers from 0 on in the order of
 * the key, equal where the values are.  *most becomes the highest one, and
 * *by_rank the values by their ranks, or NULL if some have the same.  Both are
 * allocated in the current memory context.
 */
extern uint32 *flowlog_dictionary_rank(const FlowlogDictionary *dictionary,
                                       const FlowlogSortKey *key, const Datum **by_rank,
                                       uint32 *most);

/* bytes that ranking takes for a value; and all that a value takes, about */
#define FLOWLOG_VALUE_SIZE 136
#define FLOWLOG_RANK_SIZE (sizeof(uint32) + 4 * sizeof(Datum))

/* ---------- sort_rows.c ---------- */

/* Rows in memory, which are sorted there. */
typedef struct FlowlogSortRows FlowlogSortRows;

/*
 * Prepares for rows of those attributes (attnum - 1), the keys' ones included.
 * They live in a child of the current memory context.
 */
extern FlowlogSortRows *flowlog_sort_rows_create(TupleDesc desc, const int *attributes,
                                                 int nattributes, const FlowlogSortKey *keys,
                                                 int nkeys, Size memory);
extern void flowlog_sort_rows_free(FlowlogSortRows *rows);

/* Adds a row; returns false if all of them would take more than the memory. */
extern bool flowlog_sort_rows_add(FlowlogSortRows *rows, const Datum *values, const bool *isnull);

/* Sorts the rows, after which none are added. */
extern void flowlog_sort_rows_sort(FlowlogSortRows *rows);

/*
 * Fills the attributes of the next row, of sorted ones; returns false if there
 * is none.  By-reference values live as long as the rows.
 */
extern bool flowlog_sort_rows_next(FlowlogSortRows *rows, Datum *values, bool *isnull);

/* Begins with the first row again. */
extern void flowlog_sort_rows_rewind(FlowlogSortRows *rows);

/* bytes that a row takes besides its values */
#define FLOWLOG_SORTED_ROW_SIZE 40

/* Returns the bytes that the rows take. */
extern Size flowlog_sort_rows_memory(const FlowlogSortRows *rows);

/* ---------- sort.c ---------- */

/* Prepares scan->sort, if the plan has an order. */
extern void flowlog_sort_begin(FlowlogScan *scan, ForeignScanState *node);

/*
 * Returns the next row, or an empty slot.  The scan has started to read, or has
 * given all rows to the sort.
 */
extern TupleTableSlot *flowlog_sort_next(FlowlogScan *scan, TupleTableSlot *slot);

/*
 * Begins again.  Returns true if the same rows can be returned without reading
 * them again, which is not tried unless they are "unchanged".
 */
extern bool flowlog_sort_rewind(FlowlogScan *scan, bool unchanged);

/* Releases what is not memory. */
extern void flowlog_sort_end(FlowlogScan *scan);

/* How rows were sorted, in PostgreSQL's words. */
typedef struct FlowlogSortReport
{
	const char *method;
	const char *space_type;
	int64 space; /* kB */
} FlowlogSortReport;

/* Returns false if this process has not sorted any rows. */
extern bool flowlog_sort_report(const FlowlogScan *scan, FlowlogSortReport *report);

#endif /* FLOWLOG_SORT_H */
