/*-------------------------------------------------------------------------
 *
 * ledger.c
 *	  What scans have counted, for people: of the session's last ones, of one
 *	  that runs; and how much one may read at all.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include <time.h>

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/timestamp.h"

/*
 * Seconds between notices of how far a scan is; none comes before the first of
 * these intervals is over.
 */
#define PROGRESS_SECONDS 5

/* ---------- the last scans ---------- */

static MemoryContext last_context; /* holds them; NULL before the first */
static List *last_scans;           /* in the order in which they ended */
static HTAB *last_by_table;        /* the same */
static TimestampTz last_statement; /* when it began */

/* Forgets the last scans. */
static void
begin_last_scans(void)
{
	HASHCTL settings = {.keysize = sizeof(Oid), .entrysize = sizeof(FlowlogLastScan)};

	if (last_context == NULL)
		last_context = AllocSetContextCreate(TopMemoryContext,
		                                     "last scans of flow logs",
		                                     ALLOCSET_SMALL_SIZES);
	last_scans = NIL;
	last_by_table = NULL;
	MemoryContextReset(last_context);
	settings.hcxt = last_context;
	last_by_table = hash_create("last scans of flow logs",
	                            16,
	                            &settings,
	                            HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	last_statement = GetCurrentStatementStartTimestamp();
}

/* A table that a statement scans several times has one row. */
void
flowlog_ledger_record(const FlowlogScan *scan, const FlowCounts *counts)
{
	MemoryContext old;
	FlowlogLastScan *last;
	bool found;

	if (last_by_table == NULL || last_statement != GetCurrentStatementStartTimestamp())
		begin_last_scans();

	old = MemoryContextSwitchTo(last_context);
	last = hash_search(last_by_table, &scan->table->relid, HASH_ENTER, &found);
	if (!found)
	{
		memset(&last->counts, 0, sizeof(last->counts));
		last_scans = lappend(last_scans, last);
	}
	last->finished = GetCurrentTimestamp();
	flow_counts_add(&last->counts, counts);
	MemoryContextSwitchTo(old);
}

const List *
flowlog_ledger_last_scans(void)
{
	return last_scans;
}

/* ---------- how much may be read ---------- */

/*
 * Each process of a parallel scan checks the same sum before it reads its
 * first byte, so it does not matter which of them read at all, nor which is
 * first.  (Checking it where the shared state is made would be an error also
 * for a scan that the plan does not execute in the end.)  A list that is still
 * growing is shared only where there is no limit.
 */
void
flowlog_ledger_check_limit(FlowlogScan *scan)
{
	uint64 before =
		scan->queue != NULL ? flowlog_queue_bytes_before(scan->queue) : scan->bytes_before;

	if (flowlog_max_scan_bytes > 0 &&
	    (double) before + (double) scan->objects->bytes > flowlog_max_scan_bytes)
		ereport(
			ERROR,
			errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			errmsg("scan of foreign table \"%s\" would read more than \"%s\" allows",
		           flowlog_message(scan->table->name),
		           "flowlog_fdw.max_scan_bytes"),
			errdetail("Its %zu flow logs have %llu bytes%s, and the limit is %.0f.",
		              scan->objects->count,
		              (unsigned long long) scan->objects->bytes,
		              before > 0 ? ", which are read again and again" : "",
		              flowlog_max_scan_bytes),
			errhint(
				"Ask for fewer files by conditions on columns of the path, or raise the setting."));
}

void
flowlog_ledger_check_probes(const char *location, const FlowObject *objects, size_t count)
{
	uint64 bytes = 0;

	for (size_t i = 0; i < count; i++)
		bytes += Min(objects[i].size, FLOW_PROBE_SIZE);
	if (flowlog_max_scan_bytes > 0 && (double) bytes > flowlog_max_scan_bytes)
		ereport(ERROR,
		        errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
		        errmsg("look at the flow logs of \"%s\" would read more than \"%s\" allows",
		               location,
		               "flowlog_fdw.max_scan_bytes"),
		        errdetail("Up to %d bytes of each of %zu flow logs are read, together %llu, and "
		                  "the limit is %.0f.",
		                  FLOW_PROBE_SIZE,
		                  count,
		                  (unsigned long long) bytes,
		                  flowlog_max_scan_bytes),
		        errhint("Raise the setting."));
}

void
flowlog_ledger_restart(FlowlogScan *scan)
{
	if (scan->queue != NULL)
		scan->bytes_before = flowlog_queue_bytes_charged(scan->queue);
	else if (scan->reading)
		scan->bytes_before += scan->objects->bytes;
	scan->reading = false;
}

/* ---------- how far a scan is ---------- */

/*
 * The time of a clock that nobody sets.  It is asked for at each interrupt
 * check, so it is a cheap one.
 */
static int64
now_microseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (int64) now.tv_sec * USECS_PER_SEC + now.tv_nsec / 1000;
}

static char *
size_text(double bytes)
{
	return TextDatumGetCString(DirectFunctionCall1(pg_size_pretty, Int64GetDatum((int64) bytes)));
}

static char *
time_text(double seconds)
{
	if (seconds < 90)
		return psprintf("%.0f s", seconds);
	if (seconds < 90 * 60)
		return psprintf("%.0f min", seconds / 60);
	return psprintf("%.1f h", seconds / 3600);
}

static bool
progress_is_due(void *arg)
{
	const FlowlogScan *scan = arg;

	return flowlog_progress && scan->reader != NULL && scan->objects != NULL &&
	       now_microseconds() >= scan->progress_next &&
	       !(scan->queue != NULL && flowlog_queue_is_worker(scan->queue));
}

static void
report_progress(void *arg)
{
	FlowlogScan *scan = arg;
	const FlowCounts *own = flow_reader_counts_now(scan->reader);
	uint64 files = scan->objects->count;
	double bytes = (double) scan->objects->bytes;
	double share;
	const char *name;
	double seconds = (double) (now_microseconds() - scan->progress_began) / USECS_PER_SEC;

	if (scan->queue != NULL)
	{
		FlowlogListed listed = flowlog_queue_listed(scan->queue);

		files = listed.objects;
		bytes = (double) listed.bytes;
	}

	/* the next one only if it takes that long again */
	scan->progress_next = now_microseconds() + PROGRESS_SECONDS * USECS_PER_SEC;
	if (bytes <= 0)
		return;
	share = scan->queue != NULL ? flowlog_queue_share_taken(scan->queue)
	                            : Min((double) own->bytes_read / bytes, 1);
	name = flowlog_message(scan->table->name);
	if (scan->queue != NULL)
		ereport(NOTICE,
		        errmsg("scan of \"%s\": about %s of %s in %llu flow logs (%.0f %%), %s left",
		               name,
		               size_text(share * bytes),
		               size_text(bytes),
		               (unsigned long long) files,
		               share * 100,
		               share > 0 ? time_text(seconds / share - seconds) : "unknown"));
	else
		ereport(
			NOTICE,
			errmsg(
				"scan of \"%s\": %llu of %llu flow logs, %s of %s (%.0f %%), %llu lines, %s left",
				name,
				(unsigned long long) own->files_read,
				(unsigned long long) files,
				size_text((double) own->bytes_read),
				size_text(bytes),
				share * 100,
				(unsigned long long) own->lines,
				share > 0 ? time_text(seconds / share - seconds) : "unknown"));
}

void
flowlog_progress_begin(FlowlogScan *scan)
{
	scan->progress_began = now_microseconds();
	scan->progress_next = scan->progress_began + PROGRESS_SECONDS * USECS_PER_SEC;
	scan->backend.is_tick_due = progress_is_due;
	scan->backend.tick = report_progress;
	scan->backend.tick_arg = scan;
}
