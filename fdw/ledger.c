/*-------------------------------------------------------------------------
 *
 * ledger.c
 *	  The counts of the session's last scans, columns without a field, and the
 *	  progress of a running scan, for users; and the limit on what may be read.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include <time.h>

#include "access/sysattr.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/timestamp.h"

/*
 * The interval of progress reports, in seconds.  The first comes after one
 * interval.
 */
#define PROGRESS_SECONDS 5

/* ---------- the last scans ---------- */

/* holds the last scans; NULL before the first */
static MemoryContext last_context;
static List *last_scans;    /* in the order in which they ended */
static HTAB *last_by_table; /* the same, by relid */
/* when the statement of these scans began */
static TimestampTz last_statement;

/* Forgets the last scans, as a new statement scans tables. */
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

/*
 * Records the counts of a scan that has ended.  Several scans of one table in
 * a statement are added up.
 */
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

/* Returns the last scans, in the order in which they ended. */
const List *
flowlog_ledger_last_scans(void)
{
	return last_scans;
}

/* ---------- fields that no file has ---------- */

/* Returns true if the query uses a column of the table. */
static bool
is_used(const FlowlogScan *scan, int column)
{
	int whole_row = 0 - FirstLowInvalidHeapAttributeNumber;

	return bms_is_member(whole_row, scan->attrs) ||
	       bms_is_member(whole_row + scan->table->attnums[column], scan->attrs);
}

/*
 * Warns of columns that the query uses and that are NULL in all rows, as none
 * of the files has their field.  A table may be made for more fields than some
 * files have, so nothing is said if one has it, or was not reached.  Nor if
 * one was only begun, as by a worker that LIMIT has stopped: it counts as
 * read, but not as lacking.
 */
void
flowlog_ledger_warn_of_lacking(const FlowlogScan *scan, const FlowCounts *counts)
{
	const FlowlogTable *table = scan->table;
	const char *name = flowlog_message(table->name);
	StringInfoData names;
	int count = 0;

	if (counts->files_lacking == 0 || counts->files_lacking < counts->files_read ||
	    counts->files_not_reached > 0)
		return;
	initStringInfo(&names);
	for (int i = 0; i < table->ncolumns; i++)
		if (table->columns[i].source == FLOW_FROM_RECORD && !scan->found[i] && is_used(scan, i))
			appendStringInfo(&names, "%s\"%s\"", count++ > 0 ? ", " : "", table->columns[i].name);
	if (count == 0)
		return;
	ereport(WARNING,
	        count == 1 ? errmsg("no flow log of foreign table \"%s\" has a field for column %s",
	                            name,
	                            flowlog_message(names.data))
	                   : errmsg("no flow log of foreign table \"%s\" has fields for columns %s",
	                            name,
	                            flowlog_message(names.data)),
	        errdetail_plural("%llu flow log was read. All values are NULL.",
	                         "%llu flow logs were read. All values are NULL.",
	                         counts->files_read,
	                         (unsigned long long) counts->files_read),
	        table->options.log_format != NULL
	            ? errhint("Option \"log_format\" must name the field.")
	            : errhint("The function flowlog_files('%s') shows the fields of each. If it has "
	                      "another name there, set the column option \"field\" to that.",
	                      name));
}

/* ---------- how much may be read ---------- */

/*
 * Raises an error if the scan would read more than is allowed.  Each process
 * of a parallel scan checks the same sum before it reads its first byte, so it
 * does not matter which of them read, nor which is the first.  (A check where
 * the shared state is made would also raise an error for a scan that the plan
 * does not execute in the end.) A growing list is shared only if there is no
 * limit.
 */
void
flowlog_ledger_check_limit(FlowlogScan *scan)
{
	uint64 before =
		scan->queue != NULL ? flowlog_queue_bytes_before(scan->queue) : scan->bytes_before;
	FlowlogListed listed = {.objects = scan->objects->count, .bytes = scan->objects->bytes};

	/* files that the index has left out since are in the list */
	if (scan->queue != NULL)
		listed = flowlog_queue_listed(scan->queue);
	if (flowlog_max_scan_bytes > 0 &&
	    (double) before + (double) listed.bytes > flowlog_max_scan_bytes)
		ereport(ERROR,
		        errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
		        errmsg("scan of foreign table \"%s\" would read more than \"%s\" allows",
		               flowlog_message(scan->table->name),
		               "flowlog_fdw.max_scan_bytes"),
		        errdetail("Its %zu flow logs have %llu bytes%s, and the limit is %.0f.",
		                  (size_t) listed.objects,
		                  (unsigned long long) listed.bytes,
		                  before > 0 ? ", which are read again and again" : "",
		                  flowlog_max_scan_bytes),
		        errhint("Add conditions on columns of the path to read fewer files, or raise the "
		                "setting."));
}

/*
 * Raises an error if reading the beginnings of these files would read more
 * than is allowed.
 */
void
flowlog_ledger_check_probes(const char *location, const FlowObject *objects, size_t count)
{
	uint64 bytes = 0;

	for (size_t i = 0; i < count; i++)
		bytes += Min(objects[i].size, FLOW_PROBE_SIZE);
	if (flowlog_max_scan_bytes > 0 && (double) bytes > flowlog_max_scan_bytes)
		ereport(ERROR,
		        errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
		        errmsg("sample of the flow logs of \"%s\" would read more than \"%s\" allows",
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

/* Adds what was read until now to what counts for the limit. */
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
 * Returns the time of a monotonic clock.  A cheap one, as this is called at
 * each interrupt check.
 */
static int64
now_microseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (int64) now.tv_sec * USECS_PER_SEC + now.tv_nsec / 1000;
}

/* Returns a size as pg_size_pretty() shows it. */
static char *
size_text(double bytes)
{
	return TextDatumGetCString(DirectFunctionCall1(pg_size_pretty, Int64GetDatum((int64) bytes)));
}

/* Returns a duration for a progress report. */
static char *
time_text(double seconds)
{
	if (seconds < 90)
		return psprintf("%.0f s", seconds);
	if (seconds < 90 * 60)
		return psprintf("%.0f min", seconds / 60);
	return psprintf("%.1f h", seconds / 3600);
}

/* Returns true if the scan should report its progress.  Workers do not. */
static bool
progress_is_due(void *arg)
{
	const FlowlogScan *scan = arg;

	return flowlog_progress && scan->reader != NULL && scan->objects != NULL &&
	       now_microseconds() >= scan->progress_next &&
	       !(scan->queue != NULL && flowlog_queue_is_worker(scan->queue));
}

/* Reports how much of the scan is done, and how long the rest may take. */
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

	/* find how much there is to be read */
	if (scan->queue != NULL)
	{
		FlowlogListed listed = flowlog_queue_listed(scan->queue);

		files = listed.objects;
		bytes = (double) listed.bytes;
	}

	/* the next report comes only if the scan takes that long again */
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

/* Makes the scan's interrupt checks report progress from now on. */
void
flowlog_progress_begin(FlowlogScan *scan)
{
	scan->progress_began = now_microseconds();
	scan->progress_next = scan->progress_began + PROGRESS_SECONDS * USECS_PER_SEC;
	scan->backend.is_tick_due = progress_is_due;
	scan->backend.tick = report_progress;
	scan->backend.tick_arg = scan;
}
