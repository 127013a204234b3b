/*-------------------------------------------------------------------------
 *
 * group_exchange.c
 *	  What processes that share a scan of whole groups share: partitions of
 *	  groups in files, and groups that a process has left in memory.
 *
 * Each process writes its groups when it has read its share of the logs, and
 * waits until all processes that began to read have done so.  After that, each
 * process takes the next partition when it needs work, and none waits for
 * another.  What it has in its table when the logs are read goes to memory that
 * they share, if that is not more than half of what its tables may use.  So
 * a process that has returned a group never waits, as it could block the
 * groups of others.  A process that finds no other process needs no partitions
 * at all.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include <sys/statvfs.h>

#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/condition_variable.h"
#include "storage/dsm_impl.h"
#include "storage/sharedfileset.h"
#include "storage/spin.h"
#include "utils/dsa.h"
#include "utils/sharedtuplestore.h"
#include "utils/wait_event.h"

#define PARTITIONS FLOWLOG_PARTITIONS

typedef enum Phase
{
	READING, /* the logs are being read */
	ALONE,   /* only one process has read, and has all groups */
	SHARING  /* all groups are in the partitions */
} Phase;

/*
 * Rows are in one piece of memory, or in more of about this size, 2 to the power
 * of something: while a piece is allocated, nothing can interrupt.
 */
#define PIECE_SIZE ((Size) 32 * 1024 * 1024)

/* Rows of groups that a process has left in memory. */
typedef struct SharedRows
{
	int npieces;                   /* each of as many partitions; 0: there are none */
	dsm_handle pieces[PARTITIONS]; /* DSM_HANDLE_INVALID: no rows */
	Size size;                     /* of each row */
	Size counts[PARTITIONS];
	dsa_pointer only; /* a record of flowlog_exchange_leave; InvalidDsaPointer: none */
} SharedRows;

struct FlowlogExchange
{
	slock_t mutex; /* for the following */
	Phase phase;
	int joined;  /* number of processes that read or have read */
	int arrived; /* number of these that have written all of their groups */
	bool used;   /* some groups have been written */
	int done;    /* number of partitions of which processes have gathered groups */
	int users;   /* number of processes that use the pieces of rows */

	ConditionVariable all_arrived;
	pg_atomic_uint32 next_partition;
	SharedFileSet files;
	int participants; /* maximum number of processes */
};

struct FlowlogParticipant
{
	FlowlogExchange *exchange;
	int number; /* of this process */

	MemoryContext accessors; /* of "shared"; emptied before a rescan */
	SharedTuplestoreAccessor *shared[PARTITIONS];
	dsa_area *area; /* of records of flowlog_exchange_leave */
	int npieces;
	dsm_segment **pieces; /* of rows, by process and piece; NULL: not attached */
	MemoryContextCallback callback;
};

/* ---------- places ---------- */

/* Returns a partition of the exchange. */
static SharedTuplestore *
shared_partition(FlowlogExchange *exchange, int partition)
{
	char *first = (char *) exchange + MAXALIGN(sizeof(FlowlogExchange));

	return (SharedTuplestore *) (first +
	                             partition * MAXALIGN(sts_estimate(exchange->participants)));
}

/* Returns the rows of a participant. */
static SharedRows *
shared_rows(FlowlogExchange *exchange, int participant)
{
	return (SharedRows *) shared_partition(exchange, PARTITIONS) + participant;
}

/* Returns where the area of records is. */
static void *
area_place(FlowlogExchange *exchange)
{
	return (char *) shared_partition(exchange, PARTITIONS) +
	       MAXALIGN(sizeof(SharedRows) * exchange->participants);
}

/* Returns the size of an exchange, in bytes. */
Size
flowlog_exchange_size(int participants)
{
	Size size = add_size(MAXALIGN(sizeof(FlowlogExchange)),
	                     mul_size(PARTITIONS, MAXALIGN(sts_estimate(participants))));

	size = add_size(size, MAXALIGN(mul_size(sizeof(SharedRows), participants)));
	return add_size(size, dsa_minimum_size());
}

/* ---------- life ---------- */

/* Detaches from all pieces of rows. */
static void
detach_pieces(FlowlogParticipant *participant)
{
	for (int i = 0; i < participant->npieces; i++)
	{
		if (participant->pieces[i] != NULL)
			dsm_detach(participant->pieces[i]);
		participant->pieces[i] = NULL;
	}
}

/*
 * Forgets what this process has attached.  The area's memory is released with
 * the exchange's segment.
 */
static void
detach_memory(void *arg)
{
	FlowlogParticipant *participant = arg;

	if (participant->area != NULL)
		dsa_detach(participant->area);
	participant->area = NULL;
	detach_pieces(participant);
}

/* Releases the pieces of rows that processes do not have attached any more. */
static void
release_pieces(FlowlogExchange *exchange)
{
	for (int i = 0; i < exchange->participants; i++)
	{
		SharedRows *rows = shared_rows(exchange, i);

		for (int piece = 0; piece < rows->npieces; piece++)
			if (rows->pieces[piece] != DSM_HANDLE_INVALID)
				dsm_unpin_segment(rows->pieces[piece]);
		rows->npieces = 0;
	}
}

/* Is called when a process detaches from the exchange's segment; the last one cleans up. */
static void
end_use(dsm_segment *segment, Datum arg)
{
	FlowlogExchange *exchange = (FlowlogExchange *) DatumGetPointer(arg);
	bool last;

	SpinLockAcquire(&exchange->mutex);
	last = --exchange->users == 0;
	SpinLockRelease(&exchange->mutex);
	if (last)
		release_pieces(exchange);
}

/* Notes that this process uses the pieces of rows, which it does not if it came too late. */
static void
begin_use(FlowlogExchange *exchange, dsm_segment *segment)
{
	bool ended;

	SpinLockAcquire(&exchange->mutex);
	ended = exchange->users == 0;
	if (!ended)
		exchange->users++;
	SpinLockRelease(&exchange->mutex);
	if (ended)
		elog(ERROR, "could not attach to shared groups");
	on_dsm_detach(segment, end_use, PointerGetDatum(exchange));
}

/* Creates a participant in the current memory context. */
static FlowlogParticipant *
make_participant(FlowlogExchange *exchange, int number)
{
	FlowlogParticipant *participant = palloc0(sizeof(FlowlogParticipant));

	participant->exchange = exchange;
	participant->number = number;
	participant->accessors = AllocSetContextCreate(CurrentMemoryContext,
	                                               "flowlog_fdw shared groups",
	                                               ALLOCSET_SMALL_SIZES);
	participant->npieces = exchange->participants * PARTITIONS;
	participant->pieces = palloc0(sizeof(dsm_segment *) * participant->npieces);
	participant->callback.func = detach_memory;
	participant->callback.arg = participant;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &participant->callback);
	return participant;
}

/* Makes an exchange empty, before a scan or rescan. */
static void
begin_exchange(FlowlogParticipant *participant)
{
	FlowlogExchange *exchange = participant->exchange;
	MemoryContext old = MemoryContextSwitchTo(participant->accessors);

	MemoryContextReset(participant->accessors);
	exchange->phase = READING;
	exchange->joined = exchange->arrived = exchange->done = 0;
	exchange->used = false;
	pg_atomic_write_u32(&exchange->next_partition, 0);
	release_pieces(exchange);
	for (int i = 0; i < exchange->participants; i++)
	{
		SharedRows *rows = shared_rows(exchange, i);

		if (DsaPointerIsValid(rows->only))
			dsa_free(participant->area, rows->only);
		rows->only = InvalidDsaPointer;
	}
	for (int i = 0; i < PARTITIONS; i++)
	{
		char name[NAMEDATALEN];

		snprintf(name, sizeof(name), "flowlog_groups_%d", i);
		participant->shared[i] = sts_initialize(shared_partition(exchange, i),
		                                        exchange->participants,
		                                        0,
		                                        0,
		                                        SHARED_TUPLESTORE_SINGLE_PASS,
		                                        &exchange->files,
		                                        name);
	}
	MemoryContextSwitchTo(old);
}

/* Creates the exchange, in the leader, and this process's part in it. */
FlowlogParticipant *
flowlog_exchange_create(FlowlogExchange *exchange, int participants, dsm_segment *segment)
{
	FlowlogParticipant *participant;

	SpinLockInit(&exchange->mutex);
	exchange->users = 1;
	ConditionVariableInit(&exchange->all_arrived);
	pg_atomic_init_u32(&exchange->next_partition, 0);
	exchange->participants = participants;
	participant = make_participant(exchange, 0);
	SharedFileSetInit(&exchange->files, segment);
	for (int i = 0; i < participants; i++)
	{
		SharedRows *rows = shared_rows(exchange, i);

		rows->npieces = 0;
		rows->only = InvalidDsaPointer;
	}
	on_dsm_detach(segment, end_use, PointerGetDatum(exchange));
	participant->area = dsa_create_in_place(area_place(exchange),
	                                        dsa_minimum_size(),
	                                        LWTRANCHE_PARALLEL_QUERY_DSA,
	                                        segment);
	dsa_pin_mapping(participant->area);
	begin_exchange(participant);
	return participant;
}

/* Attaches to the leader's exchange, in a worker. */
FlowlogParticipant *
flowlog_exchange_attach(FlowlogExchange *exchange, int number, dsm_segment *segment)
{
	FlowlogParticipant *participant = make_participant(exchange, number);
	MemoryContext old = MemoryContextSwitchTo(participant->accessors);

	SharedFileSetAttach(&exchange->files, segment);
	begin_use(exchange, segment);
	for (int i = 0; i < PARTITIONS; i++)
		participant->shared[i] =
			sts_attach(shared_partition(exchange, i), number, &exchange->files);
	MemoryContextSwitchTo(old);
	participant->area = dsa_attach_in_place(area_place(exchange), segment);
	dsa_pin_mapping(participant->area);
	return participant;
}

/* Empties the exchange before a rescan, in the leader. */
void
flowlog_exchange_reset(FlowlogParticipant *participant)
{
	SharedFileSetDeleteAll(&participant->exchange->files);
	detach_pieces(participant);
	begin_exchange(participant);
}

/* Ends what this process reads of partitions. */
void
flowlog_exchange_end(FlowlogParticipant *participant)
{
	for (int i = 0; i < PARTITIONS; i++)
		if (participant->shared[i] != NULL)
			sts_end_parallel_scan(participant->shared[i]);
}

/* Forgets the exchange, in whose memory another one may be made. */
void
flowlog_exchange_detach(FlowlogParticipant *participant)
{
	detach_memory(participant);
	MemoryContextDelete(participant->accessors);
	memset(participant->shared, 0, sizeof(participant->shared));
}

/* ---------- the phases ---------- */

/* Counts this process among those that read, unless the logs are read. */
bool
flowlog_exchange_join(FlowlogParticipant *participant, bool *sharing)
{
	FlowlogExchange *exchange = participant->exchange;
	Phase phase;

	SpinLockAcquire(&exchange->mutex);
	phase = exchange->phase;
	if (phase == READING)
		exchange->joined++;
	SpinLockRelease(&exchange->mutex);
	*sharing = phase == SHARING;
	return phase == READING;
}

/* Notes that groups are written. */
void
flowlog_exchange_use(FlowlogParticipant *participant)
{
	FlowlogExchange *exchange = participant->exchange;

	SpinLockAcquire(&exchange->mutex);
	exchange->used = true;
	SpinLockRelease(&exchange->mutex);
}

/*
 * Returns true if this process, which has joined, has all groups there are.
 * If so, no other process can join any more.
 */
bool
flowlog_exchange_is_alone(FlowlogParticipant *participant)
{
	FlowlogExchange *exchange = participant->exchange;
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
void
flowlog_exchange_arrive(FlowlogParticipant *participant)
{
	FlowlogExchange *exchange = participant->exchange;
	bool last;

	for (int i = 0; i < PARTITIONS; i++)
		sts_end_write(participant->shared[i]);
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

/* ---------- partitions in files ---------- */

/* Writes a record, which begins with its size, a uint32. */
void
flowlog_exchange_put(FlowlogParticipant *participant, int partition, const void *record)
{
	sts_puttuple(participant->shared[partition], NULL, (MinimalTuple) record);
}

/* Takes the next partition; returns its number, or -1 if there is none left. */
int
flowlog_exchange_take(FlowlogParticipant *participant)
{
	uint32 number = pg_atomic_fetch_add_u32(&participant->exchange->next_partition, 1);

	if (number >= PARTITIONS)
		return -1;
	sts_begin_parallel_scan(participant->shared[number]);
	return (int) number;
}

/* Returns the next record of a partition that was taken; NULL at its end. */
const void *
flowlog_exchange_next(FlowlogParticipant *participant, int partition)
{
	const void *record = sts_parallel_scan_next(participant->shared[partition], NULL);

	if (record == NULL)
		sts_end_parallel_scan(participant->shared[partition]);
	return record;
}

/* ---------- groups in memory ---------- */

/*
 * Returns true if there is room for shared memory of that size.  Where it is a
 * file system of its own, as in containers, too much would be an error.
 */
static bool
has_shared_memory(Size size)
{
#ifdef __linux__
	struct statvfs room;

	if (dynamic_shared_memory_type == DSM_IMPL_POSIX)
		return statvfs("/dev/shm", &room) == 0 && (uint64) room.f_bavail * room.f_frsize / 4 > size;
#endif
	return true;
}

/* Returns the place of a piece among those that this process has attached. */
static dsm_segment **
piece_place(FlowlogParticipant *participant, int i, int piece)
{
	return &participant->pieces[i * PARTITIONS + piece];
}

/* Returns the number of partitions of which a piece has the rows. */
static int
partitions_of_piece(const SharedRows *rows)
{
	return PARTITIONS / rows->npieces;
}

/* Returns the size of a piece. */
static Size
size_of_piece(const SharedRows *rows, int piece)
{
	int partitions = partitions_of_piece(rows);
	Size count = 0;

	for (int i = 0; i < partitions; i++)
		count += rows->counts[piece * partitions + i];
	return count * rows->size;
}

/* Releases the pieces of this process's rows, of which not all could be made. */
static void
forget_pieces(FlowlogParticipant *participant, SharedRows *rows)
{
	for (int piece = 0; piece < rows->npieces; piece++)
	{
		dsm_segment **place = piece_place(participant, participant->number, piece);

		if (*place == NULL)
			continue;
		dsm_detach(*place);
		dsm_unpin_segment(rows->pieces[piece]);
		*place = NULL;
	}
	rows->npieces = 0;
}

/* Makes the pieces for this process's rows; returns false if there are too many segments. */
static bool
make_pieces(FlowlogParticipant *participant, SharedRows *rows, Size size)
{
	rows->npieces = 1;
	while (rows->npieces < PARTITIONS && size / rows->npieces > PIECE_SIZE)
		rows->npieces *= 2;
	for (int piece = 0; piece < rows->npieces; piece++)
		rows->pieces[piece] = DSM_HANDLE_INVALID;
	for (int piece = 0; piece < rows->npieces; piece++)
	{
		Size of_piece = size_of_piece(rows, piece);
		dsm_segment *segment;

		CHECK_FOR_INTERRUPTS();
		if (of_piece == 0)
			continue;
		segment = dsm_create(of_piece, DSM_CREATE_NULL_IF_MAXSEGMENTS);
		if (segment == NULL)
		{
			forget_pieces(participant, rows);
			return false;
		}
		/* it stays while others may need it, and until we detach from it */
		dsm_pin_segment(segment);
		dsm_pin_mapping(segment);
		rows->pieces[piece] = dsm_segment_handle(segment);
		*piece_place(participant, participant->number, piece) = segment;
	}
	return true;
}

/*
 * Moves the groups of a table to shared memory, as far as they are rows there;
 * none if that is too much memory.
 */
void
flowlog_exchange_share(FlowlogParticipant *participant, FlowlogBackend *backend, FlowGroups *groups,
                       int nkeys)
{
	SharedRows *shared = shared_rows(participant->exchange, participant->number);
	char *places[PARTITIONS];
	size_t position = 0;
	Size size = 0;
	FlowStatus status;

	if (!flow_groups_are_whole(groups) || nkeys == 0)
		return;
	shared->size = flow_groups_row_size(groups);
	memset(shared->counts, 0, sizeof(shared->counts));
	while (
		flow_groups_count_rows(groups, nkeys, FLOWLOG_PARTITION_BITS, shared->counts, &position) ==
		FLOW_OK)
		CHECK_FOR_INTERRUPTS();
	for (int i = 0; i < PARTITIONS; i++)
		size += shared->counts[i] * shared->size;
	if (size == 0 || size > flowlog_hash_memory() / 2 || !has_shared_memory(size) ||
	    !make_pieces(participant, shared, size))
		return;
	for (int i = 0; i < PARTITIONS; i++)
	{
		Size count;

		places[i] = flowlog_exchange_rows(participant, participant->number, i, &count);
	}
	position = 0;
	while ((status =
	            flow_groups_move_rows(groups, nkeys, FLOWLOG_PARTITION_BITS, places, &position)) ==
	       FLOW_OK)
		CHECK_FOR_INTERRUPTS();
	if (status != FLOW_END)
		flowlog_raise_status(backend, status);
}

/* Returns the rows of a partition that process number i has left, or NULL. */
void *
flowlog_exchange_rows(FlowlogParticipant *participant, int i, int partition, Size *count)
{
	const SharedRows *shared = shared_rows(participant->exchange, i);
	dsm_segment **place;
	int piece;
	char *rows;

	if (shared->npieces == 0 || shared->counts[partition] == 0)
		return NULL;
	piece = partition / partitions_of_piece(shared);
	place = piece_place(participant, i, piece);
	if (*place == NULL)
	{
		*place = dsm_attach(shared->pieces[piece]);
		if (*place == NULL)
			elog(ERROR, "could not attach to shared groups");
		dsm_pin_mapping(*place);
	}
	rows = dsm_segment_address(*place);
	for (int j = piece * partitions_of_piece(shared); j < partition; j++)
		rows += shared->counts[j] * shared->size;
	*count = shared->counts[partition];
	return rows;
}

int
flowlog_exchange_participants(const FlowlogParticipant *participant)
{
	return participant->exchange->participants;
}

/* ---------- the only group ---------- */

/*
 * Leaves a copy of a record of groups from as many partitions.  Returns true if
 * groups of all partitions have been left, so that this process is the last.
 */
bool
flowlog_exchange_leave(FlowlogParticipant *participant, const void *record, Size size,
                       int partitions)
{
	FlowlogExchange *exchange = participant->exchange;
	dsa_pointer left = dsa_allocate(participant->area, size);
	bool last;

	memcpy(dsa_get_address(participant->area, left), record, size);
	shared_rows(exchange, participant->number)->only = left;
	SpinLockAcquire(&exchange->mutex);
	exchange->done += partitions;
	last = exchange->done == PARTITIONS;
	SpinLockRelease(&exchange->mutex);
	return last;
}

/*
 * Returns the record that process number i has left; NULL if there is none, or
 * it is this process's own.
 */
const void *
flowlog_exchange_left(FlowlogParticipant *participant, int i)
{
	dsa_pointer left = shared_rows(participant->exchange, i)->only;

	return DsaPointerIsValid(left) && i != participant->number
	           ? dsa_get_address(participant->area, left)
	           : NULL;
}
