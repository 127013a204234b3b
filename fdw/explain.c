/*-------------------------------------------------------------------------
 *
 * explain.c
 *	  Shows a foreign scan in EXPLAIN.
 *
 * Plain EXPLAIN lists the files, so users see what a query would read before
 * they pay for it.  It does not know what is in them: the line format is that
 * of text, of which there may be none.  If the query has run or is running
 * (EXPLAIN ANALYZE, auto_explain), only the scan's own counts are shown, and
 * nothing is listed.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"
#include "sort.h"

#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#endif
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"
#include "utils/typcache.h"

/*
 * Shows a count.  Unless it is a usual one, a count of 0 is left out of the
 * text format.
 */
static void
explain_count(const char *label, uint64_t count, bool usual, ExplainState *es)
{
	if (usual || count != 0 || es->format != EXPLAIN_FORMAT_TEXT)
		ExplainPropertyUInteger(label, NULL, count, es);
}

/*
 * Replaces run-time parameters by external ones, which are printed by their
 * number. ruleutils looks for the source of a run-time parameter among the
 * plan's ancestors, which are unknown here, and from PostgreSQL 17 on does not
 * accept that there is none.
 */
static Node *
number_parameters(Node *node, void *context)
{
	if (node == NULL)
		return NULL;
	/* the parameters of its own comparison are known */
	if (IsA(node, SubPlan) && ((SubPlan *) node)->subLinkType == ANY_SUBLINK)
		return (Node *) copyObject(node);
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXEC)
	{
		Param *copy = (Param *) copyObject(node);

		copy->paramkind = PARAM_EXTERN;
		return (Node *) copy;
	}
	return expression_tree_mutator(node, number_parameters, context);
}

/*
 * Shows clauses that PostgreSQL does not evaluate row by row, in the form of a
 * filter.
 */
static void
explain_filter(const char *label, List *clauses, ForeignScanState *node, ExplainState *es)
{
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
	List *context;
	Node *filter;

	if (clauses == NIL)
		return;
	context = set_deparse_context_plan(es->deparse_cxt, (Plan *) plan, NIL);
	filter = number_parameters((Node *) make_ands_explicit(clauses), NULL);
	ExplainPropertyText(label, deparse_expression(filter, context, es->verbose, false), es);
}

/*
 * Shows the name of the relation that a scan of groups reads, which PostgreSQL
 * itself does not show.
 */
static void
explain_relation(const FlowlogScan *scan, ForeignScan *plan, ExplainState *es)
{
	StringInfoData name;
	const char *alias;
	int rtindex;

#if PG_VERSION_NUM >= 160000
	rtindex = bms_singleton_member(plan->fs_base_relids);
#else
	rtindex = bms_singleton_member(plan->fs_relids);
#endif
	initStringInfo(&name);
	if (es->verbose)
		appendStringInfo(&name,
		                 "%s.",
		                 quote_identifier(
							 get_namespace_name_or_temp(get_rel_namespace(scan->table->relid))));
	appendStringInfoString(&name, quote_identifier(scan->table->name));
	alias = list_nth(es->rtable_names, rtindex - 1);
	if (alias != NULL && strcmp(alias, scan->table->name) != 0)
		appendStringInfo(&name, " %s", quote_identifier(alias));
	ExplainPropertyText("Relation", name.data, es);
}

/*
 * Shows the sets of keys of a scan that has several; "names" are those of its
 * columns.
 */
static void
explain_grouping_sets(const List *plan_sets, const List *outputs, const List *names,
                      ExplainState *es)
{
	List *sets = NIL;
	ListCell *cell;

	foreach(cell, plan_sets)
	{
		const List *values = lfirst(cell);
		StringInfoData text;
		ListCell *output;

		initStringInfo(&text);
		foreach(output, outputs)
		{
			int i = foreach_current_index(output);

			if (!flowlog_output_is_key(lfirst(output)) || list_nth_int(values, i) == 0)
				continue;
			appendStringInfo(&text,
			                 "%s%s",
			                 text.len > 0 ? ", " : "",
			                 (const char *) list_nth(names, i));
		}
		sets = lappend(sets, psprintf("(%s)", text.data));
	}
	if (sets != NIL)
		ExplainPropertyList("Pushed Grouping Sets", sets, es);
}

/* Shows the group keys and partial aggregates. */
static void
explain_aggregation(const FlowlogScan *scan, ForeignScanState *node, ExplainState *es)
{
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
	List *context = set_deparse_context_plan(es->deparse_cxt, (Plan *) plan, NIL);
	List *keys = NIL;
	List *aggregates = NIL;
	List *names = NIL;
	List *outputs = flowlog_aggregate_outputs(plan);
	ListCell *cell;

	explain_relation(scan, plan, es);
	foreach(cell, outputs)
	{
		Node *expr = (Node *) lfirst_node(TargetEntry, cell)->expr;
		char *text = deparse_expression(expr, context, es->verbose, false);

		names = lappend(names, text);
		if (flowlog_output_is_key(lfirst(cell)))
			keys = lappend(keys, text);
		else
			aggregates = lappend(aggregates, text);
	}
	if (keys != NIL)
		ExplainPropertyList("Pushed Group Key", keys, es);
	explain_grouping_sets(flowlog_grouping_of_plan(plan), outputs, names, es);
	if (aggregates != NIL)
		ExplainPropertyList("Pushed Aggregates", aggregates, es);
}

/*
 * Shows the columns that are looked up in sets and, once they are known, how
 * many values these have.
 */
static void
explain_sets(const FlowlogScan *scan, const List *conditions, ForeignScanState *node,
             ExplainState *es)
{
	List *context;
	StringInfoData text;
	ListCell *cell;

	if (conditions == NIL)
		return;
	context = set_deparse_context_plan(es->deparse_cxt, node->ss.ps.plan, NIL);
	initStringInfo(&text);
	foreach(cell, conditions)
	{
		int number = foreach_current_index(cell);
		const FlowlogKeySet *set;

		if (number > 0)
			appendStringInfoString(&text, ", ");
		appendStringInfoString(&text,
		                       deparse_expression(linitial(lfirst_node(OpExpr, cell)->args),
		                                          context,
		                                          es->verbose,
		                                          false));
		set = es->analyze ? flowlog_sets_keys(scan->sets, number) : NULL;
		if (set != NULL)
			appendStringInfo(&text, " (%zu values)", flowlog_key_set_count(set));
	}
	ExplainPropertyText("Runtime Set", text.data, es);
}

/* Shows how many rows are kept, and by which column of the order. */
static void
explain_top(ForeignScanState *node, ExplainState *es)
{
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
	FlowlogTopPlan top;
	List *context;
	StringInfoData text;
	Node *limit;
	Node *offset;

	if (!flowlog_top_of_plan(plan, &top))
		return;
	context = set_deparse_context_plan(es->deparse_cxt, (Plan *) plan, NIL);
	initStringInfo(&text);
	limit = number_parameters((Node *) top.limit, NULL);
	offset = number_parameters((Node *) top.offset, NULL);
	if (top.count >= 0)
		appendStringInfo(&text, "%.0f", top.count);
	else
		appendStringInfoString(&text, deparse_expression(limit, context, es->verbose, false));
	if (top.count < 0 && offset != NULL)
		appendStringInfo(&text, " + %s", deparse_expression(offset, context, es->verbose, false));
	appendStringInfo(&text,
	                 " by %s%s",
	                 deparse_expression((Node *) top.key, context, es->verbose, false),
	                 top.descending ? " DESC" : "");
	if (top.nulls_first != top.descending)
		appendStringInfo(&text, " NULLS %s", top.nulls_first ? "FIRST" : "LAST");
	ExplainPropertyText("Top", text.data, es);
}

/*
 * Adds how a key is sorted by, where that is not its type's default, as
 * PostgreSQL does for its own sorts.
 */
static void
append_sort_options(StringInfo text, const FlowlogSortKey *key, const Var *column)
{
	const TypeCacheEntry *type =
		lookup_type_cache(column->vartype, TYPECACHE_LT_OPR | TYPECACHE_GT_OPR);

	if (OidIsValid(key->collation) && key->collation != get_typcollation(column->vartype))
		appendStringInfo(text, " COLLATE %s", quote_identifier(get_collation_name(key->collation)));
	if (key->opno == type->gt_opr)
		appendStringInfoString(text, " DESC");
	else if (key->opno != type->lt_opr)
		appendStringInfo(text, " USING %s", get_opname(key->opno));
	if (key->nulls_first != key->descending)
		appendStringInfo(text, " NULLS %s", key->nulls_first ? "FIRST" : "LAST");
}

/* Shows in which order the scan returns rows and, once it has, how it sorted them. */
static void
explain_sort(const FlowlogScan *scan, ForeignScanState *node, ExplainState *es)
{
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
	int nkeys;
	const FlowlogSortKey *keys = flowlog_sort_keys(plan, &nkeys);
	List *context;
	List *names = NIL;
	FlowlogSortReport report;
	const char *method;

	if (nkeys == 0)
		return;
	context = set_deparse_context_plan(es->deparse_cxt, (Plan *) plan, NIL);
	for (int i = 0; i < nkeys; i++)
	{
		Oid type, collation;
		int32 typmod;
		Var *column;
		StringInfoData text;

		get_atttypetypmodcoll(scan->table->relid, keys[i].attnum, &type, &typmod, &collation);
		column = makeVar(plan->scan.scanrelid, keys[i].attnum, type, typmod, collation, 0);
		initStringInfo(&text);
		appendStringInfoString(&text,
		                       deparse_expression((Node *) column, context, es->verbose, false));
		append_sort_options(&text, &keys[i], column);
		names = lappend(names, text.data);
	}
	ExplainPropertyList("Sorted By", names, es);
	if (!es->analyze || !flowlog_sort_report(scan, &report))
		return;
	method = report.method;
	if (es->format == EXPLAIN_FORMAT_TEXT)
		method = psprintf("%s  %s: " INT64_FORMAT "kB", method, report.space_type, report.space);
	ExplainPropertyText("Sort Method", method, es);
	if (es->format == EXPLAIN_FORMAT_TEXT)
		return;
	ExplainPropertyInteger("Sort Space Used", "kB", report.space, es);
	ExplainPropertyText("Sort Space Type", report.space_type, es);
}

/* Returns true if rows of Parquet files were read, and no lines of text. */
static bool
had_rows_alone(const FlowCounts *counts)
{
	return counts->row_groups > 0 && counts->lines == counts->rows;
}

/*
 * Returns true if the files of a list are Parquet by their names.  What they
 * are, is known when they are read.
 */
static bool
is_parquet_by_names(const FlowObjects *objects)
{
	for (size_t i = 0; objects != NULL && i < objects->count; i++)
		if (!flow_source_is_parquet_by_name(objects->items[i].path))
			return false;
	return objects != NULL && objects->count > 0;
}

/* Shows what is known about a scan. */
void
flowlog_explain(FlowlogScan *scan, ForeignScanState *node, ExplainState *es)
{
	FlowlogQuals quals = flowlog_plan_quals((ForeignScan *) node->ss.ps.plan);
	FlowCounts counts = {0};
	bool counted = !scan->explain_only && flowlog_scan_counts(scan, &counts);
	bool has_lines;

	/* list the files, or take the counts of the scan */
	if (scan->explain_only)
		flowlog_scan_list(scan);
	has_lines = es->format != EXPLAIN_FORMAT_TEXT ||
	            !(counted ? had_rows_alone(&counts) : is_parquet_by_names(scan->objects));

	if (scan->aggregation != NULL)
		explain_aggregation(scan, node, es);
	ExplainPropertyText("Flow Log Location", scan->table->options.location, es);
	if (scan->table->options.shard.count > 0)
		ExplainPropertyText("Shard",
		                    psprintf("%u/%u",
		                             scan->table->options.shard.number,
		                             scan->table->options.shard.count),
		                    es);
	if (has_lines)
		ExplainPropertyText("Line Format", flowlog_scan_format_name(scan), es);
	explain_filter("File Filter", quals.file, node, es);
	explain_filter("Pushed Filter", quals.pushed, node, es);
	explain_sets(scan, quals.sets, node, es);
	explain_top(node, es);
	explain_sort(scan, node, es);

	if (!counted && flowlog_scan_counts(scan, &counts))
		;
	else if (!counted && scan->objects != NULL)
	{
		counts.files_skipped = scan->objects->skipped;
		counts.files_known = scan->objects->known;
		counts.files_answered = scan->objects->answered;
		counts.files_not_indexed = scan->objects->not_indexed;
		counts.pruned = scan->objects->pruned;
		counts.files_pruned = flow_pruned_files(&counts.pruned);
		counts.files = scan->objects->count + counts.files_skipped + counts.files_pruned +
		               counts.files_answered;
		counts.bytes = scan->objects->bytes;
		flowlog_scan_count_requests(scan, &counts);
	}
	else if (!counted && !es->analyze)
		return; /* the scan was never started */
	if (scan->explain_only)
		/* free the list: a plan may have thousands of scans */
		flowlog_scan_forget(scan);

	/* show what there is to be read */
	explain_count("Files", counts.files, true, es);
	explain_count("Files Listed from Catalogue",
	              counts.files_known,
	              scan->table->options.settled_after >= 0,
	              es);
	explain_count("Files Pruned", counts.files_pruned, true, es);
	explain_count("Files Pruned by Shard", counts.pruned.by_shard, false, es);
	explain_count("Files Pruned by Path", counts.pruned.by_path, false, es);
	explain_count("Files Pruned by Name Time", counts.pruned.by_time, false, es);
	explain_count("Files Pruned by Index", counts.pruned.by_index, scan->has_index, es);
	explain_count("Files Not Indexed", counts.files_not_indexed, scan->has_index, es);
	explain_count("Files Answered by Index",
	              counts.files_answered,
	              scan->has_index && scan->answers != NULL,
	              es);
	explain_count("Directories Pruned", counts.pruned.directories, false, es);
	explain_count("Files Skipped", counts.files_skipped, false, es);
	explain_count("Bytes", counts.bytes, true, es);
	if (scan->store != NULL || counts.requests > 0)
	{
		explain_count("Requests", counts.requests, true, es);
		explain_count("Retries", counts.retries, false, es);
	}
	if (!es->analyze)
		return;

	/* show what was read */
	explain_count("Files Read", counts.files_read, true, es);
	explain_count("Files Not Reached", counts.files_not_reached, false, es);
	explain_count("Files Lacking Fields", counts.files_lacking, false, es);
	explain_count("Bytes Read", counts.bytes_read, true, es);
	explain_count("Row Groups", counts.row_groups, false, es);
	explain_count("Row Groups Pruned", counts.row_groups_pruned, false, es);
	explain_count("Pages Pruned", counts.pages_pruned, false, es);
	explain_count("Rows Pruned", counts.rows_pruned, false, es);
	explain_count("Lines", counts.lines, true, es);
	explain_count("Lines Emitted", counts.emitted, true, es);
	explain_count("Lines Filtered", counts.filtered, true, es);
	explain_count("Lines Rejected", counts.rejected, true, es);
	explain_count("Lines Set Null", counts.set_null, false, es);
	explain_count("Headers", counts.headers, has_lines, es);
	explain_count("Messages Skipped", counts.messages_skipped, false, es);
	explain_count("Blank Lines", counts.blank, false, es);
}
