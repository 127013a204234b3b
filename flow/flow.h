/*-------------------------------------------------------------------------
 *
 * flow.h
 *	  Reads flow logs: the whole interface of the server-free core.
 *
 * A host (the foreign data wrapper, a test, a benchmark) compiles a FlowFormat
 * from its columns and a line format, lists the files of a location into
 * FlowObjects, optionally builds a FlowFilter, and pulls from a FlowReader the
 * records that pass.  Nothing here prints, exits, jumps or keeps global state.
 *
 * Conventions.  A function that can fail returns a FlowStatus and, unless that
 * is FLOW_OK, FLOW_END or FLOW_NEED_VALUE, has filled the FlowError given to
 * it.  Whoever creates an object frees it; every free or close function takes
 * NULL.  Sizes are bytes, times are microseconds since 1970-01-01 00:00 UTC
 * unless a comment says otherwise.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_H
#define FLOW_H

/* in reading order */
#include "flow_host.h"
#include "flow_value.h"
#include "flow_digits.h"
#include "flow_field.h"
#include "flow_format.h"
#include "flow_filter.h"
#include "flow_expression.h"
#include "flow_location.h"
#include "flow_object.h"
#include "flow_constant.h"
#include "flow_shard.h"
#include "flow_store.h"
#include "flow_s3.h"
#include "flow_probe.h"
#include "flow_batch.h"
#include "flow_top.h"
#include "flow_index.h"
#include "flow_reader.h"
#include "flow_hive.h"

#endif /* FLOW_H */
