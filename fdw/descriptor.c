/*-------------------------------------------------------------------------
 *
 * descriptor.c
 *	  The descriptors and connections that the scans of a process may have open.
 *
 * All that is open is known to PostgreSQL's fd.c, which closes files of its own
 * to stay below max_files_per_process and the system's limit.  Connections are
 * reserved as a store comes to need them, up to a quarter of all descriptors:
 * fd.c lends a third, and others need some, as postgres_fdw does.
 *
 * The processes of a query share the connections that its server allows.  Each
 * has its part, as nobody knows how many the others will need.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include "miscadmin.h"
#include "optimizer/cost.h"
#include "storage/fd.h"

/* of all scans of this process, whether they read or are idle */
static int connections;

/* descriptors that are left to others, however few there are */
#define SPARE 4

/* ---------- descriptors ---------- */

/* Reserves descriptors for all but connections. */
void
flowlog_descriptors_reserve(FlowlogDescriptors *own, int count)
{
	for (; own->reserved < count; own->reserved++)
		ReserveExternalFD();
}

/* Gives back all descriptors, which are closed. */
void
flowlog_descriptors_release(FlowlogDescriptors *own)
{
	connections -= own->connections;
	for (; own->connections > 0; own->connections--)
		ReleaseExternalFD();
	for (; own->reserved > 0; own->reserved--)
		ReleaseExternalFD();
}

/* Reserves a connection, if there is a descriptor for it. */
static bool
acquire(void)
{
	int acquired = 0;

	if (connections >= max_safe_fds / 4)
		return false;
	while (acquired <= SPARE && AcquireExternalFD())
		acquired++;
	for (int i = acquired > SPARE ? 1 : 0; i < acquired; i++)
		ReleaseExternalFD();
	return acquired > SPARE;
}

/*
 * Reserves connections, and returns how many the store may have open: FlowS3Spec's
 * "connections".  At least one is always given, or it could not go on.
 */
int
flowlog_descriptors_connect(void *arg, int wanted)
{
	FlowlogDescriptors *own = arg;
	int most = Max(own->max_connections / Max(own->processes, 1), 1);

	while (own->connections < wanted)
	{
		if (connections < most && acquire())
			;
		else if (own->rest != NULL && own->rest(own))
			continue; /* an idle scan has closed its connections */
		else if (own->connections == 0)
			ReserveExternalFD();
		else
			break;
		own->connections++;
		connections++;
	}
	return own->connections;
}

/* ---------- processes ---------- */

/* Returns the number of workers that are planned for a plan. */
static int
count_workers(const Plan *plan)
{
	List *children = NIL;
	ListCell *cell;
	int workers = 0;

	if (plan == NULL)
		return 0;
	check_stack_depth();
	switch (nodeTag(plan))
	{
		case T_Gather:
			workers = ((const Gather *) plan)->num_workers;
			break;
		case T_GatherMerge:
			workers = ((const GatherMerge *) plan)->num_workers;
			break;
		case T_Append:
			children = ((const Append *) plan)->appendplans;
			break;
		case T_MergeAppend:
			children = ((const MergeAppend *) plan)->mergeplans;
			break;
		case T_SubqueryScan:
			workers = count_workers(((const SubqueryScan *) plan)->subplan);
			break;
		case T_CustomScan:
			children = ((const CustomScan *) plan)->custom_plans;
			break;
		default:
			break;
	}
	foreach(cell, children)
		workers += count_workers(lfirst(cell));
	return workers + count_workers(plan->lefttree) + count_workers(plan->righttree);
}

/*
 * Returns the number of processes that may run a plan together.  If the query
 * was run by several processes when the plan began, the plan is a function's,
 * which any number of them may call.
 */
int
flowlog_descriptors_processes(const PlannedStmt *plan, bool in_parallel)
{
	int most = Min(max_parallel_workers, max_worker_processes);
	int workers = 0;
	ListCell *cell;

	if (in_parallel)
		return most + 1;
	if (plan == NULL || !plan->parallelModeNeeded)
		return 1;
	workers += count_workers(plan->planTree);
	foreach(cell, plan->subplans)
		workers += count_workers(lfirst(cell));
	return Min(workers, most) + 1;
}
