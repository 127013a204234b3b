/*-------------------------------------------------------------------------
 *
 * explain.c
 *	  Shows a foreign scan in EXPLAIN.
 *
 * Plain EXPLAIN lists the files, so users see what a query would read before
 * they pay for it.  If the query has run or is running (EXPLAIN ANALYZE,
 * auto_explain), only the scan's own counts are shown, and nothing is listed.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#endif
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"

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

/* Shows the group keys and partial aggregates. */
static void
explain_aggregation(const FlowlogScan *scan, ForeignScanState *node, ExplainState *es)
{
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
	List *context = set_deparse_context_plan(es->deparse_cxt, (Plan *) plan, NIL);
	List *keys = NIL;
	List *aggregates = NIL;
	ListCell *cell;

	explain_relation(scan, plan, es);
	foreach(cell, flowlog_aggregate_outputs(plan))
	{
		Node *expr = (Node *) lfirst_node(TargetEntry, cell)->expr;
		char *text = deparse_expression(expr, context, es->verbose, false);

		if (IsA(expr, Aggref))
			aggregates = lappend(aggregates, text);
		else
			keys = lappend(keys, text);
	}
	if (keys != NIL)
		ExplainPropertyList("Pushed Group Key", keys, es);
	if (aggregates != NIL)
		ExplainPropertyList("Pushed Aggregates", aggregates, es);
}

/* Shows what is known about a scan. */
void
flowlog_explain(FlowlogScan *scan, ForeignScanState *node, ExplainState *es)
{
	FlowlogQuals quals = flowlog_plan_quals((ForeignScan *) node->ss.ps.plan);
	FlowCounts counts = {0};

	if (scan->aggregation != NULL)
		explain_aggregation(scan, node, es);
	ExplainPropertyText("Flow Log Location", scan->table->options.location, es);
	if (scan->table->options.shard.count > 0)
		ExplainPropertyText("Shard",
		                    psprintf("%u/%u",
		                             scan->table->options.shard.number,
		                             scan->table->options.shard.count),
		                    es);
	ExplainPropertyText("Line Format", flowlog_scan_format_name(scan), es);
	explain_filter("File Filter", quals.file, node, es);
	explain_filter("Pushed Filter", quals.pushed, node, es);

	/* list the files, or take the counts of the scan */
	if (scan->explain_only)
		flowlog_scan_list(scan);
	if (flowlog_scan_counts(scan, &counts))
		;
	else if (scan->objects != NULL)
	{
		counts.files_skipped = scan->objects->skipped;
		counts.pruned = scan->objects->pruned;
		counts.files_pruned = flow_pruned_files(&counts.pruned);
		counts.files = scan->objects->count + counts.files_skipped + counts.files_pruned;
		counts.bytes = scan->objects->bytes;
		flowlog_scan_count_requests(scan, &counts);
	}
	else if (!es->analyze)
		return; /* the scan was never started */
	if (scan->explain_only)
		/* free the list: a plan may have thousands of scans */
		flowlog_scan_forget(scan);

	/* show what there is to be read */
	explain_count("Files", counts.files, true, es);
	explain_count("Files Pruned", counts.files_pruned, true, es);
	explain_count("Files Pruned by Shard", counts.pruned.by_shard, false, es);
	explain_count("Files Pruned by Path", counts.pruned.by_path, false, es);
	explain_count("Files Pruned by Name Time", counts.pruned.by_time, false, es);
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
	explain_count("Lines", counts.lines, true, es);
	explain_count("Lines Emitted", counts.emitted, true, es);
	explain_count("Lines Filtered", counts.filtered, true, es);
	explain_count("Lines Rejected", counts.rejected, true, es);
	explain_count("Lines Set Null", counts.set_null, false, es);
	explain_count("Headers", counts.headers, true, es);
	explain_count("Messages Skipped", counts.messages_skipped, false, es);
	explain_count("Blank Lines", counts.blank, false, es);
}
