/*-------------------------------------------------------------------------
 *
 * index_prune.c
 *	  Decides which files a scan need not read, as the table's index says.
 *
 * Which files the index covers is read once for a scan, by the statement's
 * snapshot, and which of them may have what is sought, once for each listing.
 * A file is found by the hash of its path and identity when it is listed.  A file that is not found
 * was changed, or never indexed, and is read.
 *
 *-------------------------------------------------------------------------
 */
#include "index.h"

#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"

struct FlowlogIndexPrune
{
	FlowlogIndex *index;
	FlowlogIndexSearch *search;
	FlowlogIndexTable *files;
};

/* ---------- which tables have an index ---------- */

/*
 * Whether a table has an index, as planning asks of each of its scans.  To look
 * into the definitions takes 45 us, which is a third of what the plan of such a
 * scan takes; an index that is created or dropped invalidates its table.
 */
typedef struct KnownTable
{
	Oid relid; /* the key */
	bool has_index;
} KnownTable;

static HTAB *known_tables = NULL;
static uint64 invalidations = 0;

/* Forgets a table, or all of them: a callback for invalidation messages. */
static void
forget_table(Datum arg, Oid relid)
{
	invalidations++;
	if (OidIsValid(relid))
		hash_search(known_tables, &relid, HASH_REMOVE, NULL);
	else
	{
		HASH_SEQ_STATUS all;
		KnownTable *table;

		hash_seq_init(&all, known_tables);
		while ((table = hash_seq_search(&all)) != NULL)
			hash_search(known_tables, &table->relid, HASH_REMOVE, NULL);
	}
}

/* Makes the table of what is known. */
static void
init_known_tables(void)
{
	HASHCTL control = {.keysize = sizeof(Oid), .entrysize = sizeof(KnownTable)};

	known_tables =
		hash_create("flow log tables with an index", 64, &control, HASH_ELEM | HASH_BLOBS);
	CacheRegisterRelcacheCallback(forget_table, (Datum) 0);
}

bool
flowlog_index_is_defined(Oid relid)
{
	KnownTable *table;
	uint64 before;
	bool has_index;

	if (known_tables == NULL)
		init_known_tables();
	table = hash_search(known_tables, &relid, HASH_FIND, NULL);
	if (table != NULL)
		return table->has_index;

	/*
	 * By the latest snapshot, not the statement's: what that does not see may
	 * have sent its message already.
	 */
	before = invalidations;
	has_index = flowlog_index_find(relid, NULL) != NULL;
	if (before == invalidations)
	{
		table = hash_search(known_tables, &relid, HASH_ENTER, NULL);
		table->has_index = has_index;
	}
	return has_index;
}

/* ---------- what a scan need not read ---------- */

/* Decides which files need not be read, nor be left out, as the index has what is wanted. */
static void
decide_answers(const FlowlogIndexPrune *prune, FlowlogAnswers *answers)
{
	const FlowlogIndexFiles *files = flowlog_index_search_files(prune->search);

	for (uint64 i = 0; i < files->count; i++)
	{
		if ((i & 1023) == 0)
			CHECK_FOR_INTERRUPTS();
		files->items[i].is_answered = flowlog_answers_decide(answers, &files->items[i]);
	}
}

FlowlogIndexPrune *
flowlog_index_prune_create(const FlowlogTable *table, FlowlogBackend *backend, Snapshot snapshot,
                           bool groups)
{
	FlowlogIndex *index;
	FlowlogIndexPrune *prune;

	if (!flowlog_enable_index || (index = flowlog_index_find(table->relid, snapshot)) == NULL)
		return NULL;
	prune = palloc(sizeof(FlowlogIndexPrune));
	prune->index = index;
	prune->search = flowlog_index_search_begin(index, table, backend, snapshot, groups);
	prune->files = flowlog_index_table_create(prune->search);
	return prune;
}

void
flowlog_index_prune_begin(FlowlogIndexPrune *prune, const FlowFilter *filter,
                          FlowlogAnswers *answers)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
	                                              "flowlog_fdw index search",
	                                              ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	flowlog_index_search_filter(prune->search, filter);
	if (answers != NULL)
		decide_answers(prune, answers);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

FlowPruning
flowlog_index_prune_file(const FlowlogIndexPrune *prune, const FlowObject *file,
                         const FlowlogIndexFile **answered)
{
	const FlowlogIndexFiles *files = flowlog_index_search_files(prune->search);
	uint64 position;

	if (!flowlog_index_table_find(prune->files,
	                              flowlog_index_hash(prune->index, file),
	                              &position) ||
	    !files->items[position].covered)
		return FLOW_KEEP_UNINDEXED;
	if (!files->items[position].may_pass)
		return FLOW_PRUNE_BY_INDEX;
	*answered = &files->items[position];
	return (*answered)->is_answered ? FLOW_ANSWER_BY_INDEX : FLOW_KEEP;
}
