/*-------------------------------------------------------------------------
 *
 * index_prune.c
 *	  Decides which files a scan need not read, as the table's index says.
 *
 * The index is asked once for a listing, by the statement's snapshot; what it
 * says is kept for each file that it covers, and found by the hash of the
 * file's path and identity when the file is listed.  A file that is not found
 * was changed, or never indexed, and is read.
 *
 *-------------------------------------------------------------------------
 */
#include "index.h"

#include "utils/snapmgr.h"

struct FlowlogIndexPrune
{
	FlowlogIndex *index;
	FlowlogIndexSearch *search;
	FlowlogIndexTable *files;
};

bool
flowlog_index_is_defined(Oid relid)
{
	return ActiveSnapshotSet() && flowlog_index_find(relid, GetActiveSnapshot()) != NULL;
}

FlowlogIndexPrune *
flowlog_index_prune(const FlowlogTable *table, FlowlogBackend *backend, const FlowFilter *filter)
{
	FlowlogIndex *index;
	FlowlogIndexPrune *prune;

	if (!flowlog_enable_index ||
	    (index = flowlog_index_find(table->relid, GetActiveSnapshot())) == NULL)
		return NULL;
	prune = palloc(sizeof(FlowlogIndexPrune));
	prune->index = index;
	prune->search = flowlog_index_search_begin(index, table, backend, GetActiveSnapshot());
	flowlog_index_search_filter(prune->search, filter);
	prune->files = flowlog_index_table_create(prune->search);
	return prune;
}

FlowPruning
flowlog_index_prune_file(const FlowlogIndexPrune *prune, const FlowObject *file)
{
	const FlowlogIndexFiles *files = flowlog_index_search_files(prune->search);
	uint64 position;

	if (!flowlog_index_table_find(prune->files,
	                              flowlog_index_hash(prune->index, file),
	                              &position) ||
	    !files->items[position].covered)
		return FLOW_KEEP_UNINDEXED;
	return files->items[position].may_pass ? FLOW_KEEP : FLOW_PRUNE_BY_INDEX;
}
