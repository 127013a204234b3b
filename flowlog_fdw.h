/*-------------------------------------------------------------------------
 *
 * flowlog_fdw.h
 *	  The declarations that the files of the foreign data wrapper share, in an
 *	  order in which they can be read.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOWLOG_FDW_H
#define FLOWLOG_FDW_H

#include "fdw/common.h"
#include "fdw/setting.h"
#include "fdw/option.h"
#include "fdw/backend.h"
#include "fdw/table.h"
#include "fdw/tuple.h"
#include "fdw/scan.h"
#include "fdw/plan.h"
#include "fdw/aggregate.h"
#include "fdw/top.h"
#include "fdw/runtime_set.h"
#include "fdw/command.h"
#include "cluster/cluster.h"
#include "athena/trino.h"

#endif /* FLOWLOG_FDW_H */
