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
 * Processes that share a scan share the partitions of the first level.  Each
 * writes its groups when it has read its share of the logs, and waits until
 * all processes that began to read have done so.  After that, each process
 * takes the next partition when it needs work, and none waits for another.  So
 * a process that has returned a group never waits, as it could block the
 * groups of others.  A process that finds no other process needs no partitions
 * at all.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/buffile.h"
#include "storage/condition_variable.h"
#include "storage/sharedfileset.h"
#include "storage/spin.h"
#include "utils/sharedtuplestore.h"
#include "utils/wait_event.h"

#define PARTITION_BITS 5
#define PARTITIONS (1 << PARTITION_BITS)
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

typedef enum Phase
{
	READING, /* the logs are being read */
	ALONE,   /* only one process has read, and has all groups */
	SHARING  /* all groups are in the partitions */
} Phase;

struct FlowlogExchange
{
	slock_t mutex; /* for the following */
	Phase phase;
	int joined;  /* number of processes that read or have read */
	int arrived; /* number of these that have written all of their groups */
	bool used;   /* some groups have been written */

	ConditionVariable all_arrived;
	pg_atomic_uint32 next_partition;
	SharedFileSet files;
	int participants; /* maximum number of processes */
};

/* A partition that has been written, but not read yet. */
typedef struct Partition
{
	BufFile *file;
	int level;
} Partition;

struct FlowlogStore
{
	MemoryContext context;
	int nkeys;
	int naggregates;

	StringInfoData record; /* the last record that was read or written */
	FlowSlice *keys;

	/* of one level, being written; NULL: no groups */
	BufFile *files[PARTITIONS];
	Partition *pending; /* the last one is read first */
	int npending;
	int max_pending;

	FlowlogExchange *exchange; /* NULL: this process is alone */
	/* of the members below; emptied before a rescan */
	MemoryContext accessors;
	SharedTuplestoreAccessor *shared[PARTITIONS];
	bool reads_shared; /* the exchange has reached SHARING */
};

/* ---------- records ---------- */

/* Creates a store without an exchange. */
FlowlogStore *
flowlog_store_create(MemoryContext context, int nkeys, int naggregates)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	FlowlogStore *store = palloc0(sizeof(FlowlogStore));

	store->context = context;
	store->accessors =
		AllocSetContextCreate(context, "flowlog_fdw shared groups", ALLOCSET_SMALL_SIZES);
	store->nkeys = nkeys;
	store->naggregates = naggregates;
	store->keys = palloc(sizeof(FlowSlice) * nkeys);
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
	appendStringInfoSpaces(text, sizeof(Record));
	appendBinaryStringInfo(text,
	                       (const char *) group->totals,
	                       sizeof(FlowTotal) * store->naggregates);

	/* append the keys */
	for (int k = 0; k < store->nkeys; k++)
	{
		char buffer[FLOW_FORM_SIZE];
		FlowSlice key = flow_groups_key_form(groups, k, group->keys[k], buffer);
		uint32 len = key.data != NULL ? (uint32) key.len : NO_KEY;

		appendBinaryStringInfo(text, (const char *) &len, sizeof(len));
		if (key.len > 0)
			appendBinaryStringInfo(text, key.data, (int) key.len);
	}
	record = (Record *) text->data;
	*record = (Record) {
		.size = (uint32) text->len,
		.hash = hash_bytes_extended((const unsigned char *) text->data + offset,
	                                text->len - (int) offset,
	                                0),
	};
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

/* ---------- the exchange ---------- */

/* Returns a partition of the exchange. */
static SharedTuplestore *
shared_partition(FlowlogExchange *exchange, int partition)
{
	char *first = (char *) exchange + MAXALIGN(sizeof(FlowlogExchange));

	return (SharedTuplestore *) (first +
	                             partition * MAXALIGN(sts_estimate(exchange->participants)));
}

/* Returns the size of an exchange, in bytes. */
Size
flowlog_exchange_size(int participants)
{
	return add_size(MAXALIGN(sizeof(FlowlogExchange)),
	                mul_size(PARTITIONS, MAXALIGN(sts_estimate(participants))));
}

/* Makes an exchange empty, before a scan or rescan. */
static void
begin_exchange(FlowlogStore *store)
{
	FlowlogExchange *exchange = store->exchange;
	MemoryContext old = MemoryContextSwitchTo(store->accessors);

	MemoryContextReset(store->accessors);
	exchange->phase = READING;
	exchange->joined = exchange->arrived = 0;
	exchange->used = false;
	pg_atomic_write_u32(&exchange->next_partition, 0);
	for (int i = 0; i < PARTITIONS; i++)
	{
		char name[NAMEDATALEN];

		snprintf(name, sizeof(name), "flowlog_groups_%d", i);
		store->shared[i] = sts_initialize(shared_partition(exchange, i),
		                                  exchange->participants,
		                                  0,
		                                  0,
		                                  SHARED_TUPLESTORE_SINGLE_PASS,
		                                  &exchange->files,
		                                  name);
	}
	MemoryContextSwitchTo(old);
}

/* Creates the exchange, in the leader. */
void
flowlog_store_create_exchange(FlowlogStore *store, FlowlogExchange *exchange, int participants,
                              dsm_segment *segment)
{
	SpinLockInit(&exchange->mutex);
	ConditionVariableInit(&exchange->all_arrived);
	pg_atomic_init_u32(&exchange->next_partition, 0);
	exchange->participants = participants;
	SharedFileSetInit(&exchange->files, segment);
	store->exchange = exchange;
	begin_exchange(store);
}

/* Resets the exchange before a rescan, in the leader. */
void
flowlog_store_reset_exchange(FlowlogStore *store)
{
	flowlog_store_reset(store);
	SharedFileSetDeleteAll(&store->exchange->files);
	begin_exchange(store);
}

/* Attaches to the leader's exchange, in a worker. */
void
flowlog_store_attach_exchange(FlowlogStore *store, FlowlogExchange *exchange, int participant,
                              dsm_segment *segment)
{
	MemoryContext old = MemoryContextSwitchTo(store->accessors);

	SharedFileSetAttach(&exchange->files, segment);
	for (int i = 0; i < PARTITIONS; i++)
		store->shared[i] = sts_attach(shared_partition(exchange, i), participant, &exchange->files);
	store->exchange = exchange;
	MemoryContextSwitchTo(old);
}

/*
 * Returns true if this process is to read its share of the logs, and counts
 * it.
 */
bool
flowlog_store_join(FlowlogStore *store)
{
	FlowlogExchange *exchange = store->exchange;
	Phase phase;

	if (exchange == NULL)
		return true;
	SpinLockAcquire(&exchange->mutex);
	phase = exchange->phase;
	if (phase == READING)
		exchange->joined++;
	SpinLockRelease(&exchange->mutex);
	store->reads_shared = phase == SHARING;
	return phase == READING;
}

/*
 * Returns true if this process, which has joined, has all groups there are.
 * If so, no other process can join any more.
 */
static bool
is_alone(FlowlogExchange *exchange)
{
	bool alone;

	SpinLockAcquire(&exchange->mutex);
	alone = exchange->joined == 1 && !exchange->used;
	if (alone)
		exchange->phase = ALONE;
	SpinLockRelease(&exchange->mutex);
	return alone;
}

/*
 * Notes that this process has written all of its groups, and waits until all
 * have.
 */
static void
arrive(FlowlogExchange *exchange)
{
	bool last;

	SpinLockAcquire(&exchange->mutex);
	last = ++exchange->arrived == exchange->joined;
	if (last)
		exchange->phase = SHARING;
	SpinLockRelease(&exchange->mutex);

	if (last)
	{
		ConditionVariableBroadcast(&exchange->all_arrived);
		return;
	}
	ConditionVariablePrepareToSleep(&exchange->all_arrived);
	for (;;)
	{
		Phase phase;

		SpinLockAcquire(&exchange->mutex);
		phase = exchange->phase;
		SpinLockRelease(&exchange->mutex);
		if (phase == SHARING)
			break;
		ConditionVariableSleep(&exchange->all_arrived, PG_WAIT_EXTENSION);
	}
	ConditionVariableCancelSleep();
}

/* ---------- groups in and out ---------- */

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
			sts_puttuple(store->shared[partition_of(record, level)], NULL, (MinimalTuple) record);
		else
			write_record(store, record, level);
	}
	flow_groups_clear(groups);
}

/* Takes all groups of a table that is full. */
void
flowlog_store_put(FlowlogStore *store, FlowGroups *groups)
{
	FlowlogExchange *exchange = store->exchange;

	if (exchange != NULL)
	{
		SpinLockAcquire(&exchange->mutex);
		exchange->used = true;
		SpinLockRelease(&exchange->mutex);
	}
	put_groups(store, groups, 0, exchange != NULL);
}

/*
 * Ends the reading of logs; returns true if the table has all groups there
 * are.
 */
bool
flowlog_store_finish(FlowlogStore *store, FlowGroups *groups)
{
	if (store->exchange == NULL || is_alone(store->exchange))
	{
		if (!has_written(store) && flow_groups_are_whole(groups))
			return true;
		put_groups(store, groups, 0, false);
		end_writing(store, 0);
		flow_groups_shrink(groups);
		return false;
	}
	put_groups(store, groups, 0, true);
	flow_groups_shrink(groups);
	for (int i = 0; i < PARTITIONS; i++)
		sts_end_write(store->shared[i]);
	arrive(store->exchange);
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
			ereport(ERROR, errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory"));
		if (level == LAST_LEVEL || flow_groups_count(groups) == 0)
			elog(ERROR, "no room for groups of one hash value");

		/* the record is in the buffer that writing uses */
		record = memcpy(palloc(record->size), record, record->size);
		put_groups(store, groups, level + 1, false);
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
	uint32 number = pg_atomic_fetch_add_u32(&store->exchange->next_partition, 1);
	SharedTuplestoreAccessor *shared;
	const Record *record;

	if (number >= PARTITIONS)
	{
		store->reads_shared = false;
		return false;
	}
	shared = store->shared[number];
	sts_begin_parallel_scan(shared);
	while ((record = (const Record *) sts_parallel_scan_next(shared, NULL)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		load_record(store, groups, record, 0);
	}
	sts_end_parallel_scan(shared);
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
		if (store->shared[i] != NULL)
			sts_end_parallel_scan(store->shared[i]);
	}
	while (store->npending > 0)
		BufFileClose(store->pending[--store->npending].file);
	store->reads_shared = false;
}
