/*-------------------------------------------------------------------------
 *
 * group_store.c
 *	  Stores groups that cannot be returned yet, as there may be other pieces
 *	  of them: in a table that was full, in another process, or in the same
 *	  table with another spelling of their keys.
 *
 * Groups are written to partitions, which are files, by a hash of their keys.
 * When a partition is read into a table of groups, all pieces of a group meet
 * there.  If the table is too small for a partition, its groups go to
 * partitions of the next level.
 *
 * Processes that share a scan share the partitions of the first level
 * (group_exchange.c).
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/buffile.h"

#define PARTITION_BITS FLOWLOG_PARTITION_BITS
#define PARTITIONS FLOWLOG_PARTITIONS
#define LAST_LEVEL (64 / PARTITION_BITS - 1)

/*
 * A group as it is written: this header, its totals, and for each key its
 * length, a uint32, and its bytes.
 */
typedef struct Record
{
	/*
	 * of the whole record; the first member, as in the tuples that shared
	 * tuplestores are made for
	 */
	uint32 size;
	uint32 unused;
	uint64 hash; /* of the keys */
} Record;

#define NO_KEY PG_UINT32_MAX /* the length of a key that is NULL */

/* A partition that has been written, but not read yet. */
typedef struct Partition
{
	BufFile *file;
	int level;
} Partition;

struct FlowlogStore
{
	FlowlogBackend *backend;
	MemoryContext context;
	int nkeys;
	int nshared; /* keys by which processes share: the first ones */
	int naggregates;

	StringInfoData record; /* the last record that was read or written */
	FlowSlice *keys;
	char (*forms)[FLOW_FORM_SIZE];

	/* of one level, being written; NULL: no groups */
	BufFile *files[PARTITIONS];
	Partition *pending; /* the last one is read first */
	int npending;
	int max_pending;

	FlowlogParticipant *participant; /* NULL: this process is alone */
	bool reads_shared;               /* all groups are in the exchange */
	bool alone;                      /* this process has read all logs */
	int taken;                       /* number of partitions that it has taken */
};

/* ---------- records ---------- */

/* Creates a store without an exchange. */
FlowlogStore *
flowlog_store_create(FlowlogScan *scan, int nkeys, int nshared, int naggregates)
{
	MemoryContext context = scan->context;
	MemoryContext old = MemoryContextSwitchTo(context);
	FlowlogStore *store = palloc0(sizeof(FlowlogStore));

	store->backend = &scan->backend;
	store->context = context;
	store->nkeys = nkeys;
	store->nshared = nshared;
	store->naggregates = naggregates;
	store->keys = palloc(sizeof(FlowSlice) * nkeys);
	store->forms = palloc(FLOW_FORM_SIZE * nkeys);
	initStringInfo(&store->record);
	MemoryContextSwitchTo(old);
	return store;
}

/* Returns where the keys of a record begin. */
static Size
keys_offset(const FlowlogStore *store)
{
	return sizeof(Record) + sizeof(FlowTotal) * store->naggregates;
}

/*
 * Makes a record of a group.  Keys are written in one form, so equal keys have
 * equal bytes.
 */
static const Record *
make_record(FlowlogStore *store, const FlowGroups *groups, const FlowGroup *group)
{
	StringInfo text = &store->record;
	Size offset = keys_offset(store);
	Record *record;

	resetStringInfo(text);
	enlargeStringInfo(text, (int) offset);
	memcpy(text->data + sizeof(Record), group->totals, sizeof(FlowTotal) * store->naggregates);
	text->len = (int) offset;

	/* append the keys */
	for (int k = 0; k < store->nkeys; k++)
	{
		FlowSlice key = flow_groups_key_form(groups, k, group->keys[k], store->forms[k]);
		uint32 len = key.data != NULL ? (uint32) key.len : NO_KEY;

		appendBinaryStringInfo(text, (const char *) &len, sizeof(len));
		if (key.len > 0)
			appendBinaryStringInfo(text, key.data, (int) key.len);
		store->keys[k] = key;
	}
	record = (Record *) text->data;
	*record = (Record) {
		.size = (uint32) text->len,
		.hash = hash_bytes_extended((const unsigned char *) text->data + offset,
	                                text->len - (int) offset,
	                                0),
	};
	/* the first level is shared */
	if (store->nshared > 0)
		record->hash = (record->hash & ~(uint64) (PARTITIONS - 1)) |
		               flow_groups_partition(groups, store->keys, store->nshared, PARTITION_BITS);
	return record;
}

/* Sets store->keys to the keys of a record. */
static void
find_keys(FlowlogStore *store, const Record *record)
{
	const char *next = (const char *) record + keys_offset(store);

	for (int k = 0; k < store->nkeys; k++)
	{
		uint32 len;

		memcpy(&len, next, sizeof(len));
		next += sizeof(len);
		store->keys[k] = len == NO_KEY ? (FlowSlice) {NULL, 0} : (FlowSlice) {next, len};
		next += store->keys[k].len;
	}
}

static const FlowTotal *
totals_of(const Record *record)
{
	return (const FlowTotal *) (record + 1);
}

/* Returns the number of a record's partition, at a level. */
static int
partition_of(const Record *record, int level)
{
	return record->hash >> (level * PARTITION_BITS) & (PARTITIONS - 1);
}

/* ---------- files ---------- */

/* Writes a record to its partition of this process. */
static void
write_record(FlowlogStore *store, const Record *record, int level)
{
	BufFile **file = &store->files[partition_of(record, level)];

	if (*file == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(store->context);

		*file = BufFileCreateTemp(false);
		MemoryContextSwitchTo(old);
	}
	BufFileWrite(*file, (void *) record, record->size);
}

static void
read_bytes(BufFile *file, void *to, Size size)
{
	if (BufFileRead(file, to, size) != size)
		ereport(ERROR,
		        errcode_for_file_access(),
		        errmsg("could not read groups from temporary file"));
}

/* Reads the next record of a file; returns NULL at its end. */
static const Record *
read_record(FlowlogStore *store, BufFile *file)
{
	StringInfo text = &store->record;
	Record head;
	size_t len = BufFileRead(file, &head, sizeof(head));

	if (len == 0)
		return NULL;
	if (len != sizeof(head))
		ereport(ERROR,
		        errcode_for_file_access(),
		        errmsg("could not read groups from temporary file"));
	resetStringInfo(text);
	enlargeStringInfo(text, (int) head.size);
	memcpy(text->data, &head, sizeof(head));
	read_bytes(file, text->data + sizeof(head), head.size - sizeof(head));
	return (const Record *) text->data;
}

/* Returns true if partitions are being written. */
static bool
has_written(const FlowlogStore *store)
{
	for (int i = 0; i < PARTITIONS; i++)
		if (store->files[i] != NULL)
			return true;
	return false;
}

/* Ends writing: the partitions become pending. */
static void
end_writing(FlowlogStore *store, int level)
{
	for (int i = 0; i < PARTITIONS; i++)
	{
		if (store->files[i] == NULL)
			continue;
		if (store->npending == store->max_pending)
		{
			store->max_pending += PARTITIONS;
			if (store->pending == NULL)
				store->pending =
					MemoryContextAlloc(store->context, sizeof(Partition) * store->max_pending);
			else
				store->pending = repalloc(store->pending, sizeof(Partition) * store->max_pending);
		}
		if (BufFileSeek(store->files[i], 0, 0, SEEK_SET) != 0)
			ereport(ERROR,
			        errcode_for_file_access(),
			        errmsg("could not rewind temporary file of groups"));
		store->pending[store->npending++] = (Partition) {store->files[i], level};
		store->files[i] = NULL;
	}
}

/* ---------- groups in and out ---------- */

/*
 * Returns true if this process is to read its share of the logs, and counts
 * it.
 */
bool
flowlog_store_join(FlowlogStore *store)
{
	return store->participant == NULL ||
	       flowlog_exchange_join(store->participant, &store->reads_shared);
}

/*
 * Writes all groups of a table to partitions of a level, which are shared or
 * this process's own, and clears the table.
 */
static void
put_groups(FlowlogStore *store, FlowGroups *groups, int level, bool shared)
{
	size_t position = 0;
	FlowGroup group;

	while (flow_groups_next(groups, &position, &group) == FLOW_OK)
	{
		const Record *record = make_record(store, groups, &group);

		CHECK_FOR_INTERRUPTS();
		if (shared)
			flowlog_exchange_put(store->participant, partition_of(record, level), record);
		else
			write_record(store, record, level);
	}
	flowlog_check_status(store->backend, flow_groups_clear(groups));
}

/* Takes all groups of a table that is full. */
void
flowlog_store_put(FlowlogStore *store, FlowGroups *groups)
{
	if (store->participant != NULL)
		flowlog_exchange_use(store->participant);
	put_groups(store, groups, 0, store->participant != NULL);
}

/*
 * Ends the reading of logs; returns true if the table has all groups there
 * are.
 */
bool
flowlog_store_finish(FlowlogStore *store, FlowGroups *groups)
{
	store->alone = store->participant == NULL || flowlog_exchange_is_alone(store->participant);
	if (store->alone)
	{
		if (!has_written(store) && flow_groups_are_whole(groups))
			return true;
		put_groups(store, groups, 0, false);
		end_writing(store, 0);
		flowlog_check_status(store->backend, flow_groups_shrink(groups));
		return false;
	}
	flowlog_exchange_share(store->participant, store->backend, groups, store->nshared);
	put_groups(store, groups, 0, true);
	flowlog_check_status(store->backend, flow_groups_shrink(groups));
	flowlog_exchange_arrive(store->participant);
	store->reads_shared = true;
	return false;
}

/*
 * Adds a record to the table.  If the table is full, its groups go to the next
 * level first.
 */
static void
load_record(FlowlogStore *store, FlowGroups *groups, const Record *record, int level)
{
	for (;;)
	{
		FlowStatus status;

		find_keys(store, record);
		status = flow_groups_merge(groups, store->keys, totals_of(record));
		if (status == FLOW_OK)
			return;
		if (status != FLOW_LIMIT)
			flowlog_raise_status(store->backend, status);
		if (level == LAST_LEVEL || flow_groups_count(groups) == 0)
			elog(ERROR, "no room for groups of one hash value");

		/* the record is in the buffer that writing uses */
		record = memcpy(palloc(record->size), record, record->size);
		put_groups(store, groups, level + 1, false);
	}
}

/*
 * Adds rows of shared memory to the table.  If the table is full, its groups go
 * to the next level first.
 */
static void
load_rows(FlowlogStore *store, FlowGroups *groups, void *rows, Size count)
{
	size_t done = 0;

	while (done < count)
	{
		FlowStatus status = flow_groups_add_rows(groups, rows, count, &done);
		FlowGroup group;

		CHECK_FOR_INTERRUPTS();
		if (status == FLOW_LIMIT)
			put_groups(store, groups, 1, false);
		else if (status == FLOW_END)
		{
			flow_groups_show_row(groups, rows, done, &group);
			load_record(store, groups, make_record(store, groups, &group), 0);
			done++;
		}
		else if (status != FLOW_OK)
			flowlog_raise_status(store->backend, status);
	}
}

/* Adds what processes have left in memory of a shared partition. */
static void
load_shared_rows(FlowlogStore *store, FlowGroups *groups, int number)
{
	for (int i = 0; i < flowlog_exchange_participants(store->participant); i++)
	{
		Size count;
		void *rows = flowlog_exchange_rows(store->participant, i, number, &count);

		if (rows != NULL)
			load_rows(store, groups, rows, count);
	}
}

/* Reads one of this process's partitions into the table, and closes it. */
static void
load_partition(FlowlogStore *store, FlowGroups *groups, int *level)
{
	Partition partition = store->pending[--store->npending];
	const Record *record;

	*level = partition.level;
	while ((record = read_record(store, partition.file)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		load_record(store, groups, record, partition.level);
	}
	BufFileClose(partition.file);
}

/*
 * Takes a shared partition and reads it into the table; returns false if there
 * is none left.
 */
static bool
load_shared_partition(FlowlogStore *store, FlowGroups *groups)
{
	int number = flowlog_exchange_take(store->participant);
	const Record *record;

	if (number < 0)
	{
		store->reads_shared = false;
		return false;
	}
	store->taken++;
	while ((record = flowlog_exchange_next(store->participant, number)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		load_record(store, groups, record, 0);
	}
	load_shared_rows(store, groups, number);
	return true;
}

/*
 * Fills an empty table with whole groups; returns false if there are no more.
 */
bool
flowlog_store_load(FlowlogStore *store, FlowGroups *groups)
{
	for (;;)
	{
		int level = 0;

		if (store->npending > 0)
			load_partition(store, groups, &level);
		else if (!store->reads_shared || !load_shared_partition(store, groups))
			return false;

		/* if the table was too small, all goes to the next level */
		if (has_written(store))
		{
			put_groups(store, groups, level + 1, false);
			end_writing(store, level + 1);
		}
		else if (flow_groups_count(groups) > 0)
			return true;
	}
}

/* ---------- the only group ---------- */

/*
 * Combines the only group of all processes, each of which has made it of the
 * partitions that it took from "store"; "only" is the store of that group.
 * Returns true if this process is the last one, and has all of it now; the
 * others have none.
 */
bool
flowlog_store_gather(FlowlogStore *store, FlowlogStore *only, FlowGroups *groups)
{
	FlowlogParticipant *participant = store->participant;
	size_t position = 0;
	const Record *record;
	FlowGroup group;

	if (participant == NULL || store->alone)
		return true;
	if (store->taken == 0)
		return false;
	/* parts of the group may be in files, or not fit into its first form */
	if ((!flowlog_store_finish(only, groups) && !flowlog_store_load(only, groups)) ||
	    flow_groups_next(groups, &position, &group) != FLOW_OK)
		elog(ERROR, "there is no group");
	record = make_record(only, groups, &group);
	if (!flowlog_exchange_leave(participant, record, record->size, store->taken))
		return false;
	/* what does not fit goes to the first level, as all that is stored before the end */
	for (int i = 0; i < flowlog_exchange_participants(participant); i++)
		if ((record = flowlog_exchange_left(participant, i)) != NULL)
			load_record(only, groups, record, -1);
	return true;
}

/* ---------- the end ---------- */

/* Forgets all groups that are this process's own. */
void
flowlog_store_reset(FlowlogStore *store)
{
	for (int i = 0; i < PARTITIONS; i++)
	{
		if (store->files[i] != NULL)
			BufFileClose(store->files[i]);
		store->files[i] = NULL;
	}
	if (store->participant != NULL)
		flowlog_exchange_end(store->participant);
	while (store->npending > 0)
		BufFileClose(store->pending[--store->npending].file);
	store->reads_shared = store->alone = false;
	store->taken = 0;
}

/* ---------- the exchange ---------- */

/* Creates the exchange, in the leader. */
void
flowlog_store_create_exchange(FlowlogStore *store, FlowlogExchange *exchange, int participants,
                              dsm_segment *segment)
{
	MemoryContext old = MemoryContextSwitchTo(store->context);

	if (store->participant != NULL)
		flowlog_exchange_detach(store->participant);
	store->participant = flowlog_exchange_create(exchange, participants, segment);
	MemoryContextSwitchTo(old);
}

/* Resets the exchange before a rescan, in the leader. */
void
flowlog_store_reset_exchange(FlowlogStore *store)
{
	flowlog_store_reset(store);
	flowlog_exchange_reset(store->participant);
}

/* Attaches to the leader's exchange, in a worker. */
void
flowlog_store_attach_exchange(FlowlogStore *store, FlowlogExchange *exchange, int participant,
                              dsm_segment *segment)
{
	MemoryContext old = MemoryContextSwitchTo(store->context);

	store->participant = flowlog_exchange_attach(exchange, participant, segment);
	MemoryContextSwitchTo(old);
}
