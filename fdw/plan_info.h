/*-------------------------------------------------------------------------
 *
 * plan_info.h
 *	  What the files that plan scans share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOWLOG_PLAN_INFO_H
#define FLOWLOG_PLAN_INFO_H

#include "flowlog_fdw.h"

/* What planning knows about a foreign table. */
typedef struct FlowlogPlanInfo
{
	FlowlogTable *table;
	double bytes; /* as stored */
	double lines;
	/* how many processes can share the work, from the files seen */
	double units;
	List *pruned_by; /* restrictions that these numbers take into account */
	/*
	 * lowest security level of the restrictions that are not evaluated by
	 * file; PG_UINT32_MAX if there are none
	 */
	Index least_level;
	/*
	 * The query has one-time filters, which may keep the scan from being
	 * executed.  Plain EXPLAIN and parallel plans list its files all the same.
	 */
	bool may_not_run;
	double line_cost; /* without reading its bytes */
	/* of the bytes, those that are read: of Parquet files columns that are used */
	double read_share;
	/* what is known of the table's index; NULL: none is used */
	FlowlogIndexSize *index;
	double index_share; /* of the files, those that it does not leave out */
} FlowlogPlanInfo;

typedef enum QualPlace
{
	QUAL_LOCAL,  /* PostgreSQL, row by row */
	QUAL_FILE,   /* PostgreSQL, file by file */
	QUAL_PUSHED, /* the reader */
} QualPlace;

/* ---------- plan_column.c ---------- */

/* Returns the attributes that the query uses, as pull_varattnos does. */
extern Bitmapset *flowlog_plan_used_attributes(RelOptInfo *baserel);

/* Returns true if line numbers are among them. */
extern bool flowlog_plan_needs_lines(const Bitmapset *attrs, const FlowlogTable *table);

/*
 * Returns the share of a Parquet file's bytes that a query of these attributes
 * reads, as if all columns had equally many.
 */
extern double flowlog_plan_share_of_columns(const Bitmapset *attrs, const FlowlogTable *table);

/*
 * Returns the cost of a row of a Parquet file, of which the columns of these
 * attributes are read, in units of cpu_tuple_cost.
 */
extern double flowlog_plan_cost_of_row(PlannerInfo *root, RelOptInfo *baserel,
                                       const Bitmapset *attrs, const FlowlogTable *table);

/* ---------- plan_common.c and plan_qual.c ---------- */

/* Returns true if scans of a table may look up files in an index, which it has. */
extern bool flowlog_plan_has_index(const PlannerInfo *root, const RelOptInfo *baserel);

/* Returns where a restriction is evaluated. */
extern QualPlace flowlog_plan_place(PlannerInfo *root, RelOptInfo *baserel,
                                    RestrictInfo *restriction);

/* Returns a list that flowlog_plan_sort_quals has made, without the conditions with sets. */
extern List *flowlog_plan_without_sets(List *clauses, const List *counts);

/* Lowers info->least_level to the lowest level of restrictions that are not evaluated by file. */
extern void flowlog_plan_find_least_level(FlowlogPlanInfo *info, Index relid, List *restrictions);

/* Returns true if the scan can prune files by a restriction and the times in their names. */
extern bool flowlog_plan_prunes_by_time(PlannerInfo *root, RelOptInfo *baserel,
                                        const FlowlogTable *table, RestrictInfo *restriction);

#endif /* FLOWLOG_PLAN_INFO_H */
